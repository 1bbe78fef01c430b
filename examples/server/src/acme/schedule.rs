//! When an authority is asked: for the renewal of a certificate, and again after it was asked in vain.
//!
//! A certificate is renewed when a third of its life is left, a little earlier for most, each at a time of its own: an
//! authority does not see all that it gave on one day on one day again. Where the authority suggests an earlier time
//! (RFC 9773), that counts.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::tls::Facts;

/// When a certificate is to be renewed.
pub(super) fn renewal(facts: &Facts) -> Timestamp {
    let life = facts.not_after.duration_since(facts.not_before).max(SignedDuration::ZERO);
    let spread = life.checked_div(SPREAD).unwrap_or_default();
    let early = life.checked_div(LEFT).unwrap_or_default().saturating_add(part(facts, spread));
    facts.not_after.checked_sub(early).unwrap_or(facts.not_after)
}

/// The moment of a suggested window that is that of this certificate (RFC 9773 4.2).
pub(super) fn within(facts: &Facts, start: Timestamp, end: Timestamp) -> Timestamp {
    let window = end.duration_since(start).max(SignedDuration::ZERO);
    start.checked_add(part(facts, window)).unwrap_or(start)
}

/// How long to wait before the authority is asked again that was asked in vain so often, and wants to be left alone for so
/// long.
pub(super) fn pause(failures: u32, wanted: Option<Duration>) -> Duration {
    let doubled = 2_u32.saturating_pow(failures.saturating_sub(1).min(16));
    RETRY_MIN.saturating_mul(doubled).min(RETRY_MAX).max(wanted.unwrap_or_default())
}

/// A part of a time that is always the same for a certificate, and another one for each.
fn part(facts: &Facts, whole: SignedDuration) -> SignedDuration {
    let hash = Sha256::digest(&facts.serial);
    let share = hash.first().copied().unwrap_or_default();
    whole.checked_mul(i32::from(share)).and_then(|product| product.checked_div(256)).unwrap_or_default()
}

/// The first wait after a failure; each that follows is twice as long.
pub const RETRY_MIN: Duration = Duration::from_secs(10 * 60);

/// No wait is longer, unless the authority wants it.
pub const RETRY_MAX: Duration = Duration::from_secs(6 * 60 * 60);

/// However soon a certificate would have to be renewed, one is not ordered again right after another.
pub const PAUSE_AFTER_ORDER: Duration = Duration::from_secs(60 * 60);

/// Of so many parts of its life one is left when a certificate is renewed.
const LEFT: i32 = 3;

/// Over one of so many parts of their lives renewals are spread.
const SPREAD: i32 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(serial: u8, days: i64) -> Facts {
        let not_before: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        Facts {
            names: Vec::new(),
            issuer: String::new(),
            not_before,
            not_after: not_before + SignedDuration::from_hours(days * 24),
            authority_key: None,
            serial: vec![serial],
        }
    }

    #[test]
    fn u25_a_third_of_the_life_is_left_at_a_renewal_or_a_little_more() {
        for days in [1, 6, 90, 3650] {
            let mut moments = Vec::new();
            for serial in 0..50 {
                let facts = facts(serial, days);
                let left = facts.not_after.duration_since(renewal(&facts)).as_secs();
                let third = days * 86_400 / 3;
                assert!((third..=third + days * 86_400 / 30).contains(&left), "{days}: {left}");
                moments.push(left);
            }
            moments.sort_unstable();
            moments.dedup();
            assert!(moments.len() > 30, "they come at different times: {moments:?}");
        }
    }

    #[test]
    fn dates_that_make_no_sense_are_survived() {
        let mut backward = facts(1, 90);
        backward.not_after = backward.not_before - SignedDuration::from_hours(1);
        assert_eq!(renewal(&backward), backward.not_after);
        let mut all = facts(1, 1);
        (all.not_before, all.not_after) = (Timestamp::MIN, Timestamp::MAX);
        assert!(renewal(&all) < Timestamp::MAX);
        assert_eq!(within(&all, Timestamp::MAX, Timestamp::MIN), Timestamp::MAX);
        assert!(within(&all, Timestamp::MIN, Timestamp::MAX) < Timestamp::MAX);
    }

    #[test]
    fn waits_grow_to_a_bound_and_are_never_shorter_than_what_is_wanted() {
        let waits: Vec<u64> = (1..10).map(|failures| pause(failures, None).as_secs() / 60).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 360, 360, 360]);
        assert_eq!(pause(u32::MAX, None), RETRY_MAX);
        assert_eq!(pause(1, Some(Duration::from_secs(7200))), Duration::from_secs(7200));
        assert_eq!(pause(9, Some(Duration::from_secs(1))), RETRY_MAX);
    }
}
