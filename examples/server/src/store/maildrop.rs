//! What POP3 asks of a store: the exclusive maildrop (RFC 1939, 4) and unique ids (RFC 1939, 7).

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use super::id::AccountId;
use super::writer::lock;

/// The accounts whose maildrop a POP3 session holds.
pub(super) type Maildrops = Arc<Mutex<BTreeSet<AccountId>>>;

/// The exclusive hold of one POP3 session on a maildrop. Dropping it releases the maildrop.
#[derive(Debug)]
#[must_use = "the maildrop is released when this is dropped"]
pub struct MaildropLock {
    account: AccountId,
    held: Maildrops,
}

impl Drop for MaildropLock {
    fn drop(&mut self) {
        lock(&self.held).remove(&self.account);
    }
}

impl super::Store {
    /// Takes the maildrop of an account for one POP3 session; `None` while another session has it.
    ///
    /// IMAP sessions and deliveries go on meanwhile: a POP3 session works on the snapshot it took.
    pub fn lock_maildrop(&self, account: AccountId) -> Option<MaildropLock> {
        let taken = lock(&self.inner.maildrops).insert(account);
        taken.then(|| MaildropLock { account, held: Arc::clone(&self.inner.maildrops) })
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
