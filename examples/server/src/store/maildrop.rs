//! What POP3 asks of a store: the exclusive maildrop (RFC 1939, 4) and unique ids (RFC 1939, 7).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::id::AccountId;

/// The accounts whose maildrop a POP3 session holds. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Maildrops(Arc<Mutex<Held>>);

#[derive(Debug, Default)]
struct Held {
    /// Which hold an account's maildrop is in, and how its session is told that it has lost it.
    by: BTreeMap<AccountId, (u64, CancellationToken)>,
    count: u64,
}

/// The exclusive hold of one POP3 session on a maildrop. Dropping it releases the maildrop.
#[derive(Debug)]
#[must_use = "the maildrop is released when this is dropped"]
pub struct MaildropLock {
    account: AccountId,
    number: u64,
    lost: CancellationToken,
    held: Maildrops,
}

impl MaildropLock {
    /// Cancelled when an administrator has taken the maildrop away: the session ends without an update.
    pub const fn lost(&self) -> &CancellationToken {
        &self.lost
    }
}

impl Drop for MaildropLock {
    fn drop(&mut self) {
        let mut held = self.held.held();
        // It may be another session's by now.
        if held.by.get(&self.account).is_some_and(|(number, _)| *number == self.number) {
            held.by.remove(&self.account);
        }
    }
}

impl Maildrops {
    /// Takes the maildrop of an account for one POP3 session; `None` while another session has it.
    ///
    /// IMAP sessions and deliveries go on meanwhile: a POP3 session works on the snapshot it took.
    pub fn lock(&self, account: AccountId) -> Option<MaildropLock> {
        let mut held = self.held();
        if held.by.contains_key(&account) {
            return None;
        }
        held.count = held.count.wrapping_add(1);
        let (number, lost) = (held.count, CancellationToken::new());
        held.by.insert(account, (number, lost.clone()));
        drop(held);
        Some(MaildropLock { account, number, lost, held: self.clone() })
    }

    /// Takes the maildrop away from the session that has it; whether one had it.
    pub fn unlock(&self, account: AccountId) -> bool {
        let taken = self.held().by.remove(&account);
        taken.inspect(|(_, lost)| lost.cancel()).is_some()
    }

    /// Whether a POP3 session has the maildrop.
    pub fn is_locked(&self, account: AccountId) -> bool {
        self.held().by.contains_key(&account)
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The UIDL of a message: `uidvalidity.uid`, so that it never names another message.
pub fn uidl(uidvalidity: u32, uid: u32) -> String {
    format!("{uidvalidity}.{uid}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u14_a_maildrop_that_was_taken_away_is_the_next_session_s_alone() {
        let (maildrops, account) = (Maildrops::default(), AccountId(1));
        assert!(!maildrops.unlock(account));
        let first = maildrops.lock(account).unwrap();
        assert!(maildrops.lock(account).is_none() && !first.lost().is_cancelled());
        assert!(maildrops.unlock(account) && first.lost().is_cancelled());
        let second = maildrops.lock(account).unwrap();
        drop(first);
        assert!(maildrops.is_locked(account) && !second.lost().is_cancelled());
        drop(second);
        assert!(!maildrops.is_locked(account));
    }

    #[test]
    fn a_uidl_is_short_and_printable() {
        let longest = uidl(u32::MAX, u32::MAX);
        assert_eq!(longest, "4294967295.4294967295");
        assert!(longest.len() <= 70 && longest.bytes().all(|c| (0x21..=0x7e).contains(&c)));
    }
}
