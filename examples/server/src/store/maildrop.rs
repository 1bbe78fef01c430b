//! What POP3 asks of a store: the exclusive maildrop (RFC 1939, 4) and unique ids (RFC 1939, 7).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::id::AccountId;

/// The accounts whose maildrop a POP3 session holds. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Maildrops(Arc<Mutex<BTreeSet<AccountId>>>);

/// The exclusive hold of one POP3 session on a maildrop. Dropping it releases the maildrop.
#[derive(Debug)]
#[must_use = "the maildrop is released when this is dropped"]
pub struct MaildropLock {
    account: AccountId,
    held: Maildrops,
}

impl Drop for MaildropLock {
    fn drop(&mut self) {
        self.held.held().remove(&self.account);
    }
}

impl Maildrops {
    /// Takes the maildrop of an account for one POP3 session; `None` while another session has it.
    ///
    /// IMAP sessions and deliveries go on meanwhile: a POP3 session works on the snapshot it took.
    pub fn lock(&self, account: AccountId) -> Option<MaildropLock> {
        let taken = self.held().insert(account);
        taken.then(|| MaildropLock { account, held: self.clone() })
    }

    /// Whether a POP3 session has the maildrop.
    pub fn is_locked(&self, account: AccountId) -> bool {
        self.held().contains(&account)
    }

    fn held(&self) -> MutexGuard<'_, BTreeSet<AccountId>> {
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
    fn a_uidl_is_short_and_printable() {
        let longest = uidl(u32::MAX, u32::MAX);
        assert_eq!(longest, "4294967295.4294967295");
        assert!(longest.len() <= 70 && longest.bytes().all(|c| (0x21..=0x7e).contains(&c)));
    }
}
