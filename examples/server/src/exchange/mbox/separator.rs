//! The line before a message: `From MAILER-DAEMON Sat Nov 21 09:00:00 2026`, in UTC (RFC 4155 appendix A). Read is
//! also what other programs make of it: without seconds, with an offset, with the name of a zone.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, fmt::strtime};

use crate::store::InternalDate;

/// The line, with its end.
pub(super) fn line(date: InternalDate) -> String {
    let moment = Timestamp::from_second(date.seconds).unwrap_or(Timestamp::UNIX_EPOCH);
    let shown = strtime::format("%a %b %e %H:%M:%S %Y", &moment.to_zoned(TimeZone::UTC)).unwrap_or_default();
    format!("From MAILER-DAEMON {shown}\n")
}

/// The date in a line; `None` when there is none, and the line begins no message.
pub(super) fn date(line: &[u8]) -> Option<InternalDate> {
    let line = std::str::from_utf8(line).ok()?;
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let weekday = words.iter().rposition(|word| DAYS.contains(word)).filter(|at| *at > 0)?;
    let mut words = words.into_iter().skip(weekday.saturating_add(1));
    let month = words.next()?;
    let month = MONTHS.iter().zip(1_i8..).find_map(|(name, number)| (*name == month).then_some(number))?;
    let day: i8 = words.next()?.parse().ok()?;
    let mut time = words.next()?.split(':');
    let hour: i8 = time.next()?.parse().ok()?;
    let minute: i8 = time.next()?.parse().ok()?;
    let second: i8 = time.next().map_or(Some(0), |second| second.parse().ok())?;
    let (mut year, mut zone) = (None, 0);
    for word in words {
        match offset(word) {
            Some(minutes) => zone = minutes,
            None => year = year.or_else(|| word.parse::<i16>().ok()),
        }
    }
    // A leap second is the one before.
    let local = DateTime::new(year?, month, day, hour, minute, second.min(59), 0).ok()?;
    let seconds = local.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
    let seconds = seconds.checked_sub(i64::from(zone).checked_mul(60)?)?;
    Some(InternalDate { seconds, zone_minutes: zone })
}

/// Minutes east of UTC.
fn offset(word: &str) -> Option<i16> {
    let (sign, digits) = match word.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let number: i16 = digits.parse().ok().filter(|number| digits.len() == 4 && (0..2400).contains(number))?;
    (number / 100).checked_mul(60)?.checked_add(number % 100)?.checked_mul(sign)
}

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(line: &str) -> Option<i64> {
        date(line.as_bytes()).map(|date| date.seconds)
    }

    #[test]
    fn u22_dates_of_separators() {
        for at in [0, 1_795_252_800, -86_400, 951_782_400] {
            assert_eq!(seconds(&line(InternalDate { seconds: at, zone_minutes: 0 })), Some(at));
        }
        let noon = seconds("From a@x Sat Nov 21 12:00:00 2026");
        assert!(noon.is_some());
        for same in [
            "From - Sat Nov 21 12:00 2026\r\n",
            "From a b Sat Nov 21 14:00:00 2026 +0200",
            "From a  Sat Nov  21 10:30:00 -0130 2026",
            "From a Sat Nov 21 12:00:00 UTC 2026",
        ] {
            assert_eq!(seconds(same), noon, "{same}");
        }
        for none in ["From the desk of Anna", "From a Sat", "From a Sat Nov 31 12:00:00 2026", "From "] {
            assert_eq!(seconds(none), None, "{none}");
        }
    }
}
