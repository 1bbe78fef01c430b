//! The date a message says it was sent (RFC 5322 3.3, with the obsolete forms of 4.3), for `SENTBEFORE`, `SENTON`,
//! `SENTSINCE` (RFC 9051 6.4.4) and `SORT DATE` (RFC 5256).
//!
//! Order and punctuation are not insisted on, so that the forms of `ctime` and of old mailers are understood too. A
//! day that does not exist is no date; a time of day that does not exist is midnight (RFC 5256 2.2).

use alloc::vec::Vec;

use super::lexer::without_comments;

/// A moment, and the zone it was written in.
///
/// ```
/// use posthaste_imap::message::SentDate;
///
/// let date = SentDate::parse(b"Thu, 1 Jan 1970 01:00:00 +0200").unwrap();
/// assert_eq!(date.unix_seconds, -3600);
/// assert_eq!(date.local_day(), 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentDate {
    /// Seconds since 1970-01-01 00:00 UTC, leap seconds not counted.
    pub unix_seconds: i64,
    /// Minutes that the zone is ahead of UTC. 0 for a zone that is not known or not given.
    pub zone_minutes: i16,
}

impl SentDate {
    /// Reads the value of a `Date` field, folded or not. `None` when there is no day in it that exists.
    ///
    /// Without a time of day it is midnight, without a zone it is UTC. Only the first 1,000 octets are read.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let value = value.get(..READ_MAX).unwrap_or(value);
        let plain = without_space_at_colons(&without_comments(value));
        let mut found = Found::default();
        for word in plain.split(|octet| octet.is_ascii_whitespace() || *octet == b',') {
            found.add(word)?;
        }
        found.date()
    }

    /// The day in the zone of the sender, counted from 1970-01-01: what the `SENT` keys of `SEARCH` compare, which
    /// disregard time and zone.
    pub fn local_day(&self) -> i64 {
        let zone = i64::from(self.zone_minutes).saturating_mul(60);
        self.unix_seconds.saturating_add(zone).div_euclid(DAY)
    }
}

/// RFC 5322 4.5 lets old dates write `09 : 55`.
fn without_space_at_colons(octets: &[u8]) -> Vec<u8> {
    let mut tight: Vec<u8> = Vec::with_capacity(octets.len());
    for octet in octets {
        if *octet == b':' {
            tight.truncate(tight.trim_ascii_end().len());
        }
        if !(octet.is_ascii_whitespace() && tight.last() == Some(&b':')) {
            tight.push(*octet);
        }
    }
    tight
}

/// The days from 1970-01-01 to a day of the Gregorian calendar, `None` when there is no such day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year.checked_rem(4)? == 0 && (year.checked_rem(100)? != 0 || year.checked_rem(400)? == 0);
    let in_month = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=in_month).contains(&day) {
        return None;
    }
    // Years counted from March, so that the leap day is the last of one.
    let (year, month) =
        if month > 2 { (year, month.checked_sub(3)?) } else { (year.checked_sub(1)?, month.checked_add(9)?) };
    let of_years = year
        .checked_mul(365)?
        .checked_add(year.div_euclid(4))?
        .checked_sub(year.div_euclid(100))?
        .checked_add(year.div_euclid(400))?;
    let of_months = month.checked_mul(153)?.checked_add(2)?.checked_div(5)?;
    of_years.checked_add(of_months)?.checked_add(day)?.checked_sub(719_469)
}

/// What has been found of a date so far.
#[derive(Default)]
struct Found {
    day: Option<i64>,
    month: Option<i64>,
    year: Option<i64>,
    seconds: Option<i64>,
    zone_minutes: Option<i16>,
}

impl Found {
    fn add(&mut self, word: &[u8]) -> Option<()> {
        match word {
            [] => {}
            [b'+' | b'-', ..] => {
                if self.zone_minutes.is_none() {
                    self.zone_minutes = numeric_zone(word);
                }
            }
            [first, ..] if first.is_ascii_digit() => self.add_number(word)?,
            name => self.add_name(name),
        }
        Some(())
    }

    fn add_number(&mut self, word: &[u8]) -> Option<()> {
        if word.contains(&b':') {
            if self.seconds.is_none() {
                // RFC 5256 2.2: a time that does not exist is midnight.
                self.seconds = Some(time_of_day(word).unwrap_or(0));
            }
        } else if word.contains(&b'-') {
            // "01-Jan-1996", one word.
            for piece in word.split(|octet| *octet == b'-') {
                if piece.first().is_some_and(u8::is_ascii_digit) {
                    self.add_number(piece)?;
                } else {
                    self.add_name(piece);
                }
            }
        } else if self.day.is_none() && word.len() <= 2 {
            self.day = Some(number(word)?);
        } else if self.year.is_none() {
            self.year = Some(year(word)?);
        }
        Some(())
    }

    fn add_name(&mut self, name: &[u8]) {
        if self.month.is_none() {
            self.month = month(name);
        } else if self.seconds.is_some() && self.zone_minutes.is_none() {
            self.zone_minutes = Some(named_zone(name));
        }
    }

    fn date(self) -> Option<SentDate> {
        let zone_minutes = self.zone_minutes.unwrap_or(0);
        let local = days(self.year?, self.month?, self.day?)?
            .checked_mul(DAY)?
            .checked_add(self.seconds.unwrap_or(0))?;
        let ahead = i64::from(zone_minutes).checked_mul(60)?;
        Some(SentDate { unix_seconds: local.checked_sub(ahead)?, zone_minutes })
    }
}

/// A year of four digits, or of two or three as RFC 5322 4.3 reads them.
fn year(word: &[u8]) -> Option<i64> {
    let value = number(word)?;
    match (word.len(), value) {
        (2, 0..=49) => value.checked_add(2000),
        (2 | 3, _) => value.checked_add(1900),
        (4, 1..) => Some(value),
        _ => None,
    }
}

fn month(name: &[u8]) -> Option<i64> {
    let start = name.get(..3)?;
    let index = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(start))?;
    i64::try_from(index).ok()?.checked_add(1)
}

fn time_of_day(word: &[u8]) -> Option<i64> {
    let mut pieces = word.split(|octet| *octet == b':').map(number);
    let (hours, minutes) = (pieces.next()??, pieces.next()??);
    let seconds = pieces.next().unwrap_or(Some(0))?;
    // 60 is a leap second.
    if pieces.next().is_some() || hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    hours.checked_mul(3600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(seconds)
}

fn numeric_zone(word: &[u8]) -> Option<i16> {
    let (sign, digits) = word.split_first()?;
    if digits.len() != 4 {
        return None;
    }
    let value = i16::try_from(number(digits)?).ok()?;
    let (hours, minutes) = (value.checked_div(100)?, value.checked_rem(100)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let ahead = hours.checked_mul(60)?.checked_add(minutes)?;
    if *sign == b'-' { ahead.checked_neg() } else { Some(ahead) }
}

/// RFC 5322 4.3: the zones of North America; all other names, the letters too, say nothing.
fn named_zone(name: &[u8]) -> i16 {
    let hours: i16 = match name.to_ascii_uppercase().as_slice() {
        b"EDT" => -4,
        b"EST" | b"CDT" => -5,
        b"CST" | b"MDT" => -6,
        b"MST" | b"PDT" => -7,
        b"PST" => -8,
        _ => 0,
    };
    hours.saturating_mul(60)
}

/// A number of at most eight digits and nothing else.
fn number(digits: &[u8]) -> Option<i64> {
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    core::str::from_utf8(digits).ok()?.parse().ok()
}

const DAY: i64 = 86_400;
const READ_MAX: usize = 1_000;
const MONTHS: [&[u8]; 12] =
    [b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"];
