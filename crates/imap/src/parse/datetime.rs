//! `date` and `date-time` (RFC 9051, section 9).

use super::cursor::{Cursor, Result};
use crate::error::ParseErrorKind;
use crate::types::datetime::MONTHS;
use crate::types::{Date, DateTime};

/// `date`, with or without quotes.
pub(super) fn date(cursor: &mut Cursor<'_>) -> Result<Date> {
    let quoted = cursor.eat(b'"');
    let first = digit(cursor)?;
    let day = if cursor.peek() == Some(b'-') { first } else { two(first, digit(cursor)?) };
    let date = rest_of_date(cursor, day)?;
    if quoted {
        cursor.octet("date", b'"')?;
    }
    Ok(date)
}

/// `date-time`, with its quotes.
pub(super) fn date_time(cursor: &mut Cursor<'_>) -> Result<DateTime> {
    let start = cursor.offset();
    cursor.octet("date-time", b'"')?;
    let tens = if cursor.eat(b' ') { 0 } else { digit(cursor)? };
    let ones = digit(cursor);
    let day = match ones {
        Ok(ones) => two(tens, ones),
        // One digit without the padding.
        Err(_) if cursor.is_lenient() => tens,
        Err(error) => return Err(error),
    };
    let date = rest_of_date(cursor, day)?;
    cursor.octet("date-time", b' ')?;
    let hour = two_digits(cursor)?;
    cursor.octet("time", b':')?;
    let minute = two_digits(cursor)?;
    cursor.octet("time", b':')?;
    let second = two_digits(cursor)?;
    cursor.octet("date-time", b' ')?;
    let east = cursor.eat(b'+');
    if !east {
        cursor.octet("zone", b'-')?;
    }
    let (zone_hours, zone_minutes) = (i16::from(two_digits(cursor)?), i16::from(two_digits(cursor)?));
    cursor.octet("date-time", b'"')?;
    let zone = zone_hours.saturating_mul(60).saturating_add(zone_minutes);
    let zone = if east { zone } else { zone.saturating_neg() };
    match DateTime::new(date, hour, minute, second, zone) {
        Ok(date_time) if zone_minutes < 60 => Ok(date_time),
        _ => cursor.fail_at(start, "date-time", ParseErrorKind::Syntax),
    }
}

/// `-Mon-yyyy` behind the day.
fn rest_of_date(cursor: &mut Cursor<'_>, day: u8) -> Result<Date> {
    let start = cursor.offset();
    cursor.octet("date", b'-')?;
    let Some((_, month)) = MONTHS.iter().zip(1..).find(|(name, _)| cursor.eat_word(name)) else {
        return cursor.fail("date-month");
    };
    cursor.octet("date", b'-')?;
    let (century, year) = (u16::from(two_digits(cursor)?), u16::from(two_digits(cursor)?));
    let year = century.saturating_mul(100).saturating_add(year);
    match Date::new(year, month, day) {
        Ok(date) => Ok(date),
        Err(_) => cursor.fail_at(start, "date", ParseErrorKind::Syntax),
    }
}

fn two_digits(cursor: &mut Cursor<'_>) -> Result<u8> {
    Ok(two(digit(cursor)?, digit(cursor)?))
}

const fn two(tens: u8, ones: u8) -> u8 {
    tens.saturating_mul(10).saturating_add(ones)
}

fn digit(cursor: &mut Cursor<'_>) -> Result<u8> {
    match cursor.peek() {
        Some(digit @ b'0'..=b'9') => {
            cursor.pass();
            Ok(digit.saturating_sub(b'0'))
        }
        _ => cursor.fail("digit"),
    }
}
