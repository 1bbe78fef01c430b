//! Log-ins that were right a moment ago, so that a client that opens ten connections costs one hash and not ten.
//!
//! Neither passwords nor hashes of them are kept: an entry is the HMAC, under a key of this process, of who, with which
//! stored hash and with which password. It says that the password is right and nothing more, which is as true for one
//! service as for another: what the account may use, and whether it is enabled, is asked each time. A new password makes
//! a new stored hash, so that no entry of the old one is ever found again. Passwords of programs, which are for some
//! services only, are never here.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::time::Instant;

use super::{DirectoryError, random};

/// What was verified a moment ago.
pub(super) struct Verified {
    key: [u8; 32],
    entries: Mutex<Entries>,
}

#[derive(Default)]
struct Entries {
    until: BTreeMap<Tag, Instant>,
    /// The oldest first.
    order: VecDeque<Tag>,
}

/// Names a password that is right for somebody.
pub(super) type Tag = [u8; 32];

impl Verified {
    pub(super) fn new() -> Result<Self, DirectoryError> {
        Ok(Self { key: random::octets()?, entries: Mutex::default() })
    }

    /// Names a password of somebody, as it is for one stored hash; `None` for what can not be remembered.
    pub(super) fn tag(&self, who: &str, stored: &str, password: &[u8]) -> Option<Tag> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        // Each part with its length, so that no two ways to cut them are one.
        for part in [who.as_bytes(), stored.as_bytes(), password] {
            mac.update(&u64::try_from(part.len()).ok()?.to_be_bytes());
            mac.update(part);
        }
        Some(mac.finalize().into_bytes().into())
    }

    /// Whether this was right a moment ago.
    pub(super) fn has(&self, tag: &Tag) -> bool {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.until.get(tag).is_some_and(|until| *until > Instant::now())
    }

    /// This was right just now.
    pub(super) fn add(&self, tag: Tag) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        // All live as long, so that the oldest end first.
        while let Some(oldest) = entries.order.front().copied() {
            let has_ended = entries.until.get(&oldest).is_none_or(|until| *until <= now);
            if !has_ended && entries.order.len() < ENTRIES_MAX {
                break;
            }
            entries.order.pop_front();
            entries.until.remove(&oldest);
        }
        if let std::collections::btree_map::Entry::Vacant(vacant) = entries.until.entry(tag) {
            vacant.insert(now + AGE_MAX);
            entries.order.push_back(tag);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.lock().unwrap().until.len()
    }
}

impl std::fmt::Debug for Verified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verified")
    }
}

/// So many log-ins are remembered: some 2 MiB.
const ENTRIES_MAX: usize = 20_000;

/// So long is a log-in remembered, from when it was verified.
const AGE_MAX: Duration = Duration::from_secs(5 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auth_10_an_entry_is_of_one_user_one_stored_hash_and_one_password() {
        let verified = Verified::new().unwrap();
        let tag = |who, stored, password: &str| verified.tag(who, stored, password.as_bytes()).unwrap();
        let kept = tag("1", "h", "pw");
        verified.add(kept);
        assert!(verified.has(&tag("1", "h", "pw")));
        for other in [
            tag("2", "h", "pw"),
            tag("1", "H", "pw"),
            tag("1", "h", "Pw"),
            tag("1h", "", "pw"),
            tag("1", "hp", "w"),
        ] {
            assert!(!verified.has(&other));
        }
        let restarted = Verified::new().unwrap();
        assert_ne!(restarted.tag("1", "h", b"pw").unwrap(), kept);
    }

    #[tokio::test(start_paused = true)]
    async fn an_entry_ends_and_the_memory_is_bounded() {
        let verified = Verified::new().unwrap();
        let tag = |number: usize| verified.tag(&number.to_string(), "h", b"pw").unwrap();
        verified.add(tag(0));
        tokio::time::advance(AGE_MAX - Duration::from_secs(1)).await;
        // Being used again does not make it younger.
        verified.add(tag(0));
        assert!(verified.has(&tag(0)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!verified.has(&tag(0)));
        for number in 1..ENTRIES_MAX + 100 {
            verified.add(tag(number));
        }
        assert_eq!(verified.len(), ENTRIES_MAX);
        assert!(!verified.has(&tag(1)) && verified.has(&tag(ENTRIES_MAX + 99)));
    }
}
