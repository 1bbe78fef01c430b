//! What is wrong with a peer's certificate, in words a person can act on.
//!
//! Decides the words only: what is wrong was decided by the verifier.

use std::fmt;
use std::io;

use rustls::CertificateError;
use rustls::pki_types::UnixTime;

/// What a verifier says against the certificate, where that is why a handshake failed.
pub(crate) fn certificate_error(error: &io::Error) -> Option<&CertificateError> {
    let inner = error.get_ref()?;
    if let Some(HandshakeError(error)) = inner.downcast_ref() {
        return certificate_error(error);
    }
    match inner.downcast_ref()? {
        rustls::Error::InvalidCertificate(error) => Some(error),
        _ => None,
    }
}

/// The same error, with words of its own where it is about the certificate: for whoever shows it as it is.
pub(crate) fn explained(error: io::Error) -> io::Error {
    if certificate_error(&error).is_none() {
        return error;
    }
    io::Error::new(error.kind(), HandshakeError(error))
}

/// Why a handshake failed, in those words.
#[derive(Debug)]
struct HandshakeError(io::Error);

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Explained(&self.0).fmt(f)
    }
}

impl std::error::Error for HandshakeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.get_ref().map(|inner| inner as _)
    }
}

/// Why a handshake failed, with dates as people write them.
pub(crate) struct Explained<'a>(pub(crate) &'a io::Error);

impl fmt::Display for Explained<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match certificate_error(self.0) {
            Some(CertificateError::ExpiredContext { not_after, .. }) => {
                write!(f, "the server's certificate expired on {}", Date(*not_after))
            }
            Some(CertificateError::NotValidYetContext { not_before, .. }) => {
                write!(f, "the server's certificate is not valid before {}", Date(*not_before))
            }
            Some(CertificateError::NotValidForNameContext { expected, presented }) => {
                write!(f, "the server's certificate is not for {}, but for ", expected.to_str())?;
                match presented.as_slice() {
                    [] => f.write_str("no name at all"),
                    names => write!(f, "{}", names.join(", ").escape_debug()),
                }
            }
            Some(CertificateError::UnknownIssuer) => {
                f.write_str("the server's certificate is of an authority that is not trusted")
            }
            Some(CertificateError::ApplicationVerificationFailure) => {
                f.write_str("the server's certificate is not the one that is expected")
            }
            Some(_) | None => self.0.fmt(f),
        }
    }
}

/// A moment as a date and a time, UTC (RFC 3339).
pub(crate) struct Date(pub(crate) UnixTime);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (mut days, second) = (seconds / DAY, seconds % DAY);
        let mut year: u64 = 1970;
        while year < 9999 && days >= days_of_year(year) {
            days = days.saturating_sub(days_of_year(year));
            year = year.saturating_add(1);
        }
        let mut month: u64 = 1;
        while month < 12 && days >= days_of_month(year, month) {
            days = days.saturating_sub(days_of_month(year, month));
            month = month.saturating_add(1);
        }
        let day = days.saturating_add(1);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}

const fn days_of_year(year: u64) -> u64 {
    if is_leap(year) { 366 } else { 365 }
}

const fn days_of_month(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

const fn is_leap(year: u64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const DAY: u64 = 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_709_251_199, "2024-02-29 23:59:59 UTC"),
            (1_735_689_599, "2024-12-31 23:59:59 UTC"),
            (1_735_689_600, "2025-01-01 00:00:00 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            assert_eq!(Date(UnixTime::since_unix_epoch(Duration::from_secs(seconds))).to_string(), text);
        }
        // A date of no calendar is still printed, and soon.
        assert!(!Date(UnixTime::since_unix_epoch(Duration::MAX)).to_string().is_empty());
    }
}
