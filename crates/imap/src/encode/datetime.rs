//! `date` and `date-time` (RFC 9051, section 9).

use super::writer::Writer;
use crate::types::datetime::MONTHS;
use crate::types::{Date, DateTime};

impl Writer<'_> {
    /// `date-text`, without quotes.
    pub(super) fn date(&mut self, date: Date) {
        self.number(date.day());
        self.month_and_year(date);
    }

    /// `date-time`, with its quotes.
    pub(super) fn date_time(&mut self, time: DateTime) {
        self.octet(b'"');
        if time.date().day() < 10 {
            self.octet(b' ');
        }
        self.date(time.date());
        self.octet(b' ');
        self.two_digits(time.hour());
        self.octet(b':');
        self.two_digits(time.minute());
        self.octet(b':');
        self.two_digits(time.second());
        self.text(if time.zone_minutes() < 0 { " -" } else { " +" });
        let zone = time.zone_minutes().unsigned_abs();
        // Below a day by construction, so both fit.
        self.two_digits(u8::try_from(zone / 60).unwrap_or_default());
        self.two_digits(u8::try_from(zone % 60).unwrap_or_default());
        self.octet(b'"');
    }

    fn month_and_year(&mut self, date: Date) {
        self.octet(b'-');
        let month = usize::from(date.month()).saturating_sub(1);
        self.text(MONTHS.get(month).copied().unwrap_or_default());
        self.octet(b'-');
        self.two_digits(u8::try_from(date.year() / 100).unwrap_or_default());
        self.two_digits(u8::try_from(date.year() % 100).unwrap_or_default());
    }
}
