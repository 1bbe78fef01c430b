//! What the directory keeps: named documents that the store does not read.
//!
//! A record is changed only by whoever says which version of it was seen, so that two administrators who change the
//! same thing at once do not undo each other's work unseen.

use super::id::AccountId;

/// What a record is called: `("account", "anna@example.org")`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordKey {
    /// The kind of thing.
    pub kind: String,
    /// Which of the kind.
    pub name: String,
}

impl RecordKey {
    /// A key.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind: kind.into(), name: name.into() }
    }
}

/// A record, as of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What it is called.
    pub key: RecordKey,
    /// Counts its changes, from 1.
    pub version: u64,
    /// JSON, for people who look at the database.
    pub value: String,
}

/// What a change takes for granted of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Nothing.
    Anything,
    /// There is none.
    Absent,
    /// It has this version.
    Version(u64),
}

/// One change of a [commit](super::Store::commit).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordChange {
    /// The record has this value from now on.
    Put {
        /// Which.
        key: RecordKey,
        /// What was seen of it.
        expect: Expect,
        /// JSON.
        value: String,
    },
    /// The record goes.
    Delete {
        /// Which.
        key: RecordKey,
        /// What was seen of it; [`Expect::Absent`] is a conflict whenever there is one.
        expect: Expect,
    },
    /// There is an account with this id, which none has had before, with INBOX and a mailbox for each special use,
    /// all subscribed. [`StoreError::Conflict`](super::StoreError::Conflict) when there is or was one.
    AddAccount(AccountId),
    /// The mail of the account goes, for good; the account stays, with INBOX and a mailbox for each special use.
    EmptyAccount(AccountId),
    /// The account and its mail go, for good.
    RemoveAccount(AccountId),
    /// In access control lists, an identifier is another one from now on, with what both were granted; or none, and
    /// what it was granted goes. What is withheld from it (`-identifier`) goes along.
    Identifier {
        /// As in a [`Grant`](super::Grant), without a sign.
        from: String,
        /// The same.
        to: Option<String>,
    },
}
