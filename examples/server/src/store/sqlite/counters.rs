//! The numbers of mailboxes and accounts that nearly every write changes, kept by the writer.
//!
//! They are read once and written once for all operations that share a commit: fifty deliveries to one mailbox change
//! its row once. An operation that fails has its changes taken back here, as its savepoint takes back those in the
//! tables. Only the writer has them: while a transaction is open, the columns in the database are older.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, params};

use crate::store::{AccountId, Flags, MailboxId, MailboxName, StoreError, SystemFlags};

/// The numbers of a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MailboxCounts {
    pub(super) id: MailboxId,
    pub(super) account: AccountId,
    pub(super) uidvalidity: u32,
    pub(super) uidnext: u32,
    pub(super) modseq: u64,
    pub(super) messages: u32,
    pub(super) octets: u64,
    pub(super) unseen: u32,
    pub(super) deleted: u32,
    pub(super) deleted_octets: u64,
    pub(super) expunged_from: u64,
    pub(super) expunged_rows: u32,
}

impl MailboxCounts {
    /// A message has come.
    pub(super) fn add(&mut self, flags: &Flags, size: u64) {
        self.messages = self.messages.saturating_add(1);
        self.octets = self.octets.saturating_add(size);
        self.add_flags(flags, size);
    }

    /// A message has gone.
    pub(super) fn remove(&mut self, flags: &Flags, size: u64) {
        self.messages = self.messages.saturating_sub(1);
        self.octets = self.octets.saturating_sub(size);
        self.remove_flags(flags, size);
    }

    /// A message has these flags now.
    pub(super) fn add_flags(&mut self, flags: &Flags, size: u64) {
        if !flags.system.contains(SystemFlags::SEEN) {
            self.unseen = self.unseen.saturating_add(1);
        }
        if flags.system.contains(SystemFlags::DELETED) {
            self.deleted = self.deleted.saturating_add(1);
            self.deleted_octets = self.deleted_octets.saturating_add(size);
        }
    }

    /// A message has these flags no more.
    pub(super) fn remove_flags(&mut self, flags: &Flags, size: u64) {
        if !flags.system.contains(SystemFlags::SEEN) {
            self.unseen = self.unseen.saturating_sub(1);
        }
        if flags.system.contains(SystemFlags::DELETED) {
            self.deleted = self.deleted.saturating_sub(1);
            self.deleted_octets = self.deleted_octets.saturating_sub(size);
        }
    }
}

/// The numbers of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct AccountCounts {
    pub(super) octets: u64,
    pub(super) messages: u64,
    /// What is expunged and can be had back.
    pub(super) deleted_octets: u64,
    pub(super) deleted_messages: u64,
}

impl AccountCounts {
    /// Messages can be had back from now on.
    pub(super) fn bury(&mut self, messages: u64, octets: u64) {
        self.deleted_messages = self.deleted_messages.saturating_add(messages);
        self.deleted_octets = self.deleted_octets.saturating_add(octets);
    }

    /// A message can be had back no more, or is back.
    pub(super) fn unearth(&mut self, octets: u64) {
        self.deleted_messages = self.deleted_messages.saturating_sub(1);
        self.deleted_octets = self.deleted_octets.saturating_sub(octets);
    }
}

/// All that the writer knows by heart.
#[derive(Debug, Default)]
pub(super) struct Counters {
    mailboxes: BTreeMap<MailboxId, MailboxCounts>,
    accounts: BTreeMap<AccountId, AccountCounts>,
    names: BTreeMap<AccountId, BTreeMap<MailboxName, MailboxId>>,
    changed_mailboxes: BTreeSet<MailboxId>,
    changed_accounts: BTreeSet<AccountId>,
    /// What the running operation has changed, as it was before.
    before: Vec<Before>,
}

#[derive(Debug)]
enum Before {
    Mailbox(MailboxId, MailboxCounts),
    Account(AccountId, AccountCounts),
    /// Not known: what was read may be of a row that the operation has made.
    NoMailbox(MailboxId),
    NoAccount(AccountId),
}

impl Counters {
    pub(super) fn mailbox(
        &mut self,
        sql: &Connection,
        mailbox: MailboxId,
    ) -> Result<MailboxCounts, StoreError> {
        if let Some(known) = self.mailboxes.get(&mailbox) {
            return Ok(*known);
        }
        let found = read_mailbox(sql, mailbox)?.ok_or(StoreError::NoSuchMailbox)?;
        self.mailboxes.insert(mailbox, found);
        self.before.push(Before::NoMailbox(mailbox));
        Ok(found)
    }

    /// To be called only with what came from [`mailbox`](Self::mailbox).
    pub(super) fn set_mailbox(&mut self, counts: MailboxCounts) {
        if let Some(before) = self.mailboxes.insert(counts.id, counts) {
            self.before.push(Before::Mailbox(counts.id, before));
        }
        self.changed_mailboxes.insert(counts.id);
    }

    pub(super) fn account(
        &mut self,
        sql: &Connection,
        account: AccountId,
    ) -> Result<AccountCounts, StoreError> {
        if let Some(known) = self.accounts.get(&account) {
            return Ok(*known);
        }
        let found = sql
            .prepare_cached(
                "SELECT octets, messages, deleted_octets, deleted_messages FROM accounts WHERE id = ?1",
            )?
            .query_row([account], |row| {
                Ok(AccountCounts {
                    octets: row.get(0)?,
                    messages: row.get(1)?,
                    deleted_octets: row.get(2)?,
                    deleted_messages: row.get(3)?,
                })
            })
            .optional()?
            .ok_or(StoreError::NoSuchAccount)?;
        self.accounts.insert(account, found);
        self.before.push(Before::NoAccount(account));
        Ok(found)
    }

    /// To be called only with what came from [`account`](Self::account).
    pub(super) fn set_account(&mut self, account: AccountId, counts: AccountCounts) {
        if let Some(before) = self.accounts.insert(account, counts) {
            self.before.push(Before::Account(account, before));
        }
        self.changed_accounts.insert(account);
    }

    /// The row of a mailbox goes.
    pub(super) fn drop_mailbox(&mut self, mailbox: MailboxId) {
        if let Some(before) = self.mailboxes.remove(&mailbox) {
            self.before.push(Before::Mailbox(mailbox, before));
        }
        self.forget_names();
    }

    /// The row of an account goes.
    pub(super) fn drop_account(&mut self, account: AccountId) {
        if let Some(before) = self.accounts.remove(&account) {
            self.before.push(Before::Account(account, before));
        }
        self.forget_names();
    }

    /// Which mailbox has a name, if that was asked before.
    pub(super) fn named(&self, account: AccountId, name: &MailboxName) -> Option<MailboxId> {
        self.names.get(&account)?.get(name).copied()
    }

    pub(super) fn remember_name(&mut self, account: AccountId, name: MailboxName, mailbox: MailboxId) {
        self.names.entry(account).or_default().insert(name, mailbox);
    }

    /// The operation has succeeded.
    pub(super) fn keep(&mut self) {
        self.before.clear();
    }

    /// The operation has failed: everything is as it was before it.
    pub(super) fn take_back(&mut self) {
        // Among what is taken back may be numbers that the operation has written into rows.
        while let Some(before) = self.before.pop() {
            match before {
                Before::Mailbox(mailbox, counts) => {
                    self.mailboxes.insert(mailbox, counts);
                    self.changed_mailboxes.insert(mailbox);
                }
                Before::Account(account, counts) => {
                    self.accounts.insert(account, counts);
                    self.changed_accounts.insert(account);
                }
                Before::NoMailbox(mailbox) => drop(self.mailboxes.remove(&mailbox)),
                Before::NoAccount(account) => drop(self.accounts.remove(&account)),
            }
        }
        self.names.clear();
    }

    /// Mailboxes are made, renamed or removed: what is known of names may be wrong now.
    pub(super) fn forget_names(&mut self) {
        self.names.clear();
    }

    /// The transaction is undone, or the rows were changed behind this.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Writes what has changed in this transaction: the rows are right then, until the next change.
    pub(super) fn write(&self, sql: &Connection) -> Result<(), StoreError> {
        for mailbox in &self.changed_mailboxes {
            let Some(counts) = self.mailboxes.get(mailbox) else { continue };
            sql.prepare_cached(
                "UPDATE mailboxes SET uidnext = ?2, modseq = ?3, messages = ?4, octets = ?5, unseen = ?6,
                     deleted = ?7, deleted_octets = ?8, expunged_from = ?9, expunged_rows = ?10
                 WHERE id = ?1",
            )?
            .execute(params![
                mailbox,
                counts.uidnext,
                counts.modseq,
                counts.messages,
                counts.octets,
                counts.unseen,
                counts.deleted,
                counts.deleted_octets,
                counts.expunged_from,
                counts.expunged_rows,
            ])?;
        }
        for account in &self.changed_accounts {
            let Some(counts) = self.accounts.get(account) else { continue };
            sql.prepare_cached(
                "UPDATE accounts SET octets = ?2, messages = ?3, deleted_octets = ?4, deleted_messages = ?5
                 WHERE id = ?1",
            )?
            .execute(params![
                account,
                counts.octets,
                counts.messages,
                counts.deleted_octets,
                counts.deleted_messages,
            ])?;
        }
        Ok(())
    }

    /// The transaction is over; keeps memory bounded.
    pub(super) fn trim(&mut self) {
        self.changed_mailboxes.clear();
        self.changed_accounts.clear();
        if self.mailboxes.len().max(self.names.len()) > KNOWN_MAX {
            self.forget();
        }
    }
}

/// The numbers of a mailbox as they are in its row.
pub(super) fn read_mailbox(
    sql: &Connection,
    mailbox: MailboxId,
) -> Result<Option<MailboxCounts>, StoreError> {
    let mut query = sql.prepare_cached(
        "SELECT account, uidvalidity, uidnext, modseq, messages, octets, unseen, deleted, deleted_octets,
             expunged_from, expunged_rows
         FROM mailboxes WHERE id = ?1",
    )?;
    let found = query.query_row([mailbox], |row| {
        Ok(MailboxCounts {
            id: mailbox,
            account: row.get(0)?,
            uidvalidity: row.get(1)?,
            uidnext: row.get(2)?,
            modseq: row.get(3)?,
            messages: row.get(4)?,
            octets: row.get(5)?,
            unseen: row.get(6)?,
            deleted: row.get(7)?,
            deleted_octets: row.get(8)?,
            expunged_from: row.get(9)?,
            expunged_rows: row.get(10)?,
        })
    });
    Ok(found.optional()?)
}

/// Mailboxes whose numbers are known at once.
const KNOWN_MAX: usize = 20_000;
