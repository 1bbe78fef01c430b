//! Dates as IMAP writes them (RFC 9051, section 9: `date`, `date-time`), and seconds since 1970.

use crate::error::InvalidValue;

/// `date-text`: a day of the Gregorian calendar, without time or zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// The day; months and days count from 1.
    ///
    /// # Errors
    /// When there is no such day or the year has more than four digits.
    pub fn new(year: u16, month: u8, day: u8) -> Result<Self, InvalidValue> {
        if year > 9999 || day == 0 || day > days_in_month(year, month) {
            return Err(InvalidValue::new("date"));
        }
        Ok(Self { year, month, day })
    }

    /// The year, 0 to 9999.
    pub const fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    pub const fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, 1 to 31.
    pub const fn day(self) -> u8 {
        self.day
    }

    /// Days from 1970-01-01 to this day, negative before.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "a year has four digits: the result is below 4 million"
    )]
    pub fn unix_days(self) -> i64 {
        // Years that begin in March, so that the leap day comes last.
        let (year, month) = (i64::from(self.year), i64::from(self.month));
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(self.day) - 1;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }

    /// The day `days` after 1970-01-01.
    ///
    /// # Errors
    /// When the year would not fit four digits.
    #[expect(
        clippy::arithmetic_side_effects,
        reason = "a quotient by 146,097 leaves room for all that follows"
    )]
    pub fn from_unix_days(days: i64) -> Result<Self, InvalidValue> {
        let error = InvalidValue::new("date");
        let days = days.checked_add(719_468).ok_or(error)?;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        let (year, month, day) = (u16::try_from(year), u8::try_from(month), u8::try_from(day));
        Self::new(year.map_err(|_| error)?, month.map_err(|_| error)?, day.map_err(|_| error)?)
    }
}

/// `date-time`: a point in time with the offset it was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DateTime {
    date: Date,
    hour: u8,
    minute: u8,
    second: u8,
    zone_minutes: i16,
}

impl DateTime {
    /// The local time `hour:minute:second` on `date`, `zone_minutes` east of UTC.
    ///
    /// # Errors
    /// When a field is out of range; the second may be 60, the offset is less than a day.
    pub fn new(
        date: Date,
        hour: u8,
        minute: u8,
        second: u8,
        zone_minutes: i16,
    ) -> Result<Self, InvalidValue> {
        if hour > 23 || minute > 59 || second > 60 || zone_minutes.unsigned_abs() >= DAY_MINUTES {
            return Err(InvalidValue::new("date-time"));
        }
        Ok(Self { date, hour, minute, second, zone_minutes })
    }

    /// The day, as written.
    pub const fn date(self) -> Date {
        self.date
    }

    /// The hour, 0 to 23.
    pub const fn hour(self) -> u8 {
        self.hour
    }

    /// The minute, 0 to 59.
    pub const fn minute(self) -> u8 {
        self.minute
    }

    /// The second, 0 to 60.
    pub const fn second(self) -> u8 {
        self.second
    }

    /// Minutes east of UTC.
    pub const fn zone_minutes(self) -> i16 {
        self.zone_minutes
    }

    /// Seconds since 1970-01-01 00:00:00 UTC.
    #[expect(clippy::arithmetic_side_effects, reason = "a year has four digits: the result is below 2^39")]
    pub fn unix_seconds(self) -> i64 {
        let minutes = i64::from(self.hour) * 60 + i64::from(self.minute) - i64::from(self.zone_minutes);
        self.date.unix_days() * DAY_SECONDS + minutes * 60 + i64::from(self.second)
    }

    /// The time `seconds` after 1970-01-01 00:00:00 UTC, written `zone_minutes` east of UTC.
    ///
    /// # Errors
    /// When the year would not fit four digits or the offset is a day or more.
    pub fn from_unix_seconds(seconds: i64, zone_minutes: i16) -> Result<Self, InvalidValue> {
        let error = InvalidValue::new("date-time");
        let local = seconds.checked_add(i64::from(zone_minutes).saturating_mul(60)).ok_or(error)?;
        let date = Date::from_unix_days(local.div_euclid(DAY_SECONDS))?;
        let second_of_day = local.rem_euclid(DAY_SECONDS);
        let field = |value: i64| u8::try_from(value).map_err(|_| error);
        Self::new(
            date,
            field(second_of_day / 3600)?,
            field(second_of_day / 60 % 60)?,
            field(second_of_day % 60)?,
            zone_minutes,
        )
    }
}

/// The names of the months, January first.
pub(crate) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

const DAY_SECONDS: i64 = 86_400;
const DAY_MINUTES: u16 = 1_440;

fn days_in_month(year: u16, month: u8) -> u8 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 0,
    }
}
