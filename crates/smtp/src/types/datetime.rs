//! Points in time as HOLDUNTIL, FUTURERELEASE and RRVS write them (RFC 3339 5.6). No clock: what time it is now is
//! the application's to know.

use core::fmt;
use core::str::FromStr;

use bytes::Bytes;

use super::octets::Utf8;
use crate::ParseError;

/// A date and time with its offset from UTC (RFC 3339 5.6), as it was written.
///
/// ```text
/// date-time = full-date "T" full-time
/// ```
///
/// Comparing is that of the text: [`unix_seconds`](Self::unix_seconds) compares points in time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime(Utf8);

impl DateTime {
    /// The longest text, in octets: nine digits of a fraction and an offset.
    pub const OCTETS_MAX: usize = 35;

    pub(crate) fn read(line: &Bytes, text: &str) -> Result<Self, ParseError> {
        unix_seconds(text).ok_or(ParseError::new("date-time", 0))?;
        Ok(Self(Utf8::slice(line, text)))
    }

    /// The date and time as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it is written in UTC, with `Z`.
    pub fn is_utc(&self) -> bool {
        self.0.as_bytes().last().is_some_and(|last| last.eq_ignore_ascii_case(&b'Z'))
    }

    /// Seconds since 1970-01-01T00:00:00Z; the fraction is dropped, and a leap second is the one behind it.
    pub fn unix_seconds(&self) -> i64 {
        unix_seconds(self.as_str()).unwrap_or_default()
    }

    /// The same in an allocation of its own, so that it does not keep alive the line it was read from.
    #[must_use]
    pub fn compact(&self) -> Self {
        Self(self.0.compact())
    }
}

impl FromStr for DateTime {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        unix_seconds(text).ok_or(ParseError::new("date-time", 0))?;
        Ok(Self(text.into()))
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Reads a date-time: every field in its range, the day in its month.
fn unix_seconds(text: &str) -> Option<i64> {
    if text.len() > DateTime::OCTETS_MAX {
        return None;
    }
    let (date, time) = text.split_once(['T', 't'])?;
    let (year, month_day) = date.split_once('-')?;
    let (month, day) = month_day.split_once('-')?;
    let (year, month, day) =
        (number(year, 4, 9999)?, number(month, 2, 12)?, number(day, 2, days_in(year, month)?)?);
    if month == 0 || day == 0 {
        return None;
    }

    let (clock, offset) = time.split_at_checked(time.find(['Z', 'z', '+', '-'])?)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let (hour, minute_second) = clock.split_once(':')?;
    let (minute, second) = minute_second.split_once(':')?;
    let clock = seconds(number(hour, 2, 23)?, number(minute, 2, 59)?, number(second, 2, 60)?)?;
    let days = days_before(year, month)?.checked_add(day)?.checked_sub(1)?;
    days.checked_mul(86_400)?.checked_add(clock)?.checked_sub(offset_seconds(offset)?)
}

/// `time-offset = "Z" / ( ( "+" / "-" ) time-hour ":" time-minute )`.
fn offset_seconds(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("Z") {
        return Some(0);
    }
    let (sign, clock) = text.split_at_checked(1)?;
    let (hour, minute) = clock.split_once(':')?;
    let offset = seconds(number(hour, 2, 23)?, number(minute, 2, 59)?, 0)?;
    if sign == "-" { offset.checked_neg() } else { Some(offset) }
}

fn seconds(hour: i64, minute: i64, second: i64) -> Option<i64> {
    hour.checked_mul(3600)?.checked_add(minute.checked_mul(60)?)?.checked_add(second)
}

fn number(digits: &str, count: usize, max: i64) -> Option<i64> {
    let legal = digits.len() == count && digits.bytes().all(|octet| octet.is_ascii_digit());
    legal.then(|| digits.parse().ok()).flatten().filter(|number| *number <= max)
}

/// The days of a month, both as digits.
fn days_in(year: &str, month: &str) -> Option<i64> {
    Some(match number(month, 2, 12)? {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(number(year, 4, 9999)?) => 29,
        2 => 28,
        _ => 31,
    })
}

const fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

/// The days from 1970-01-01 to the first of the month.
fn days_before(year: i64, month: i64) -> Option<i64> {
    let past = year.checked_sub(1)?;
    let leaps = past.div_euclid(4).checked_sub(past.div_euclid(100))?.checked_add(past.div_euclid(400))?;
    let mut days = past.checked_mul(365)?.checked_add(leaps)?;
    for before in 1..month {
        days = days.checked_add(match before {
            4 | 6 | 9 | 11 => 30,
            2 if is_leap(year) => 29,
            2 => 28,
            _ => 31,
        })?;
    }
    // From 0001-01-01 to 1970-01-01.
    days.checked_sub(719_162)
}
