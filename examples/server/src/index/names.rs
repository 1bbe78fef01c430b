//! Which mailbox has which name, for names that are asked for again and again: SELECT and APPEND of a mailbox that is
//! open anyway need not ask the store.
//!
//! What is known of an account is forgotten as soon as one of its mailboxes comes, goes or changes its name. An answer
//! of the store that was on its way meanwhile is not kept.

use std::collections::BTreeMap;

use crate::store::{AccountId, Mailbox, MailboxName};

/// Mailboxes by name.
#[derive(Debug, Default)]
pub(super) struct Names {
    accounts: BTreeMap<AccountId, BTreeMap<String, Mailbox>>,
    count: usize,
    /// Counts what was forgotten.
    forgotten: u64,
}

/// What was forgotten when the store was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked(u64);

impl Names {
    pub(super) fn find(&self, account: AccountId, name: &MailboxName) -> Option<&Mailbox> {
        self.accounts.get(&account)?.get(name.as_str())
    }

    /// To be taken before the store is asked.
    pub(super) const fn ask(&self) -> Asked {
        Asked(self.forgotten)
    }

    /// Keeps what the store has answered, unless something was forgotten since it was asked.
    pub(super) fn keep(&mut self, asked: Asked, mailbox: &Mailbox) {
        if asked != self.ask() {
            return;
        }
        if self.count >= NAMES_MAX {
            self.forget_all();
        }
        let names = self.accounts.entry(mailbox.account).or_default();
        if names.insert(mailbox.name.clone(), mailbox.clone()).is_none() {
            self.count = self.count.saturating_add(1);
        }
    }

    pub(super) fn forget(&mut self, account: AccountId) {
        self.forgotten = self.forgotten.wrapping_add(1);
        let gone = self.accounts.remove(&account).map_or(0, |names| names.len());
        self.count = self.count.saturating_sub(gone);
    }

    pub(super) fn forget_all(&mut self) {
        self.forgotten = self.forgotten.wrapping_add(1);
        self.accounts.clear();
        self.count = 0;
    }
}

/// So many names are kept; then it begins anew.
const NAMES_MAX: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MailboxId;

    fn mailbox(account: i64, name: &str) -> Mailbox {
        Mailbox {
            id: MailboxId(account * 100),
            account: AccountId(account),
            name: name.to_owned(),
            uidvalidity: 1,
            uidnext: 1,
            modseq: 1,
            special_use: None,
            subscribed: false,
        }
    }

    fn name(name: &str) -> MailboxName {
        MailboxName::new(name).unwrap()
    }

    #[test]
    fn what_is_forgotten_while_the_store_is_asked_is_not_kept() {
        let mut names = Names::default();
        let asked = names.ask();
        names.forget(AccountId(2));
        names.keep(asked, &mailbox(1, "A"));
        assert_eq!(names.find(AccountId(1), &name("A")), None);
        let asked = names.ask();
        names.keep(asked, &mailbox(1, "A"));
        names.keep(asked, &mailbox(1, "B"));
        names.keep(asked, &mailbox(2, "A"));
        assert_eq!(names.find(AccountId(1), &name("A")), Some(&mailbox(1, "A")));
        names.forget(AccountId(1));
        assert_eq!(names.find(AccountId(1), &name("A")), None);
        assert_eq!(names.find(AccountId(2), &name("A")), Some(&mailbox(2, "A")));
        names.forget_all();
        assert_eq!((names.find(AccountId(2), &name("A")), names.count), (None, 0));
    }

    #[test]
    fn names_are_bounded() {
        let mut names = Names::default();
        for number in 0..=NAMES_MAX {
            let asked = names.ask();
            names.keep(asked, &mailbox(1, &number.to_string()));
            assert!(
                names.count <= NAMES_MAX
                    && names.accounts.values().map(BTreeMap::len).sum::<usize>() == names.count
            );
        }
        assert_eq!(names.count, 1);
    }
}
