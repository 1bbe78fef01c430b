//! What can go wrong in the store, in terms a session can answer with.
//!
//! The errors are `Clone`, because one failed commit is the answer to every operation that was in it.

use super::id::AccountId;
use super::name::NameError;

/// Why the store did not do what was asked. Nothing of the operation has happened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The account has been removed, or never was.
    #[error("no such account")]
    NoSuchAccount,
    /// No mailbox has this name or id (IMAP `NONEXISTENT`, `TRYCREATE`).
    #[error("no such mailbox")]
    NoSuchMailbox,
    /// The message has been expunged and its content is gone (IMAP `EXPUNGEISSUED`).
    #[error("the message is gone")]
    NoSuchMessage,
    /// A mailbox of this name exists (IMAP `ALREADYEXISTS`).
    #[error("a mailbox of this name exists already")]
    AlreadyExists,
    /// The mailbox can not go while it has children (IMAP `HASCHILDREN`, RFC 5530).
    #[error("the mailbox has children, which must be deleted first")]
    HasChildren,
    /// INBOX always exists (RFC 9051, 6.3.5).
    #[error("INBOX can not be deleted")]
    InboxStays,
    /// A mailbox can not be renamed to a name below itself.
    #[error("a mailbox can not be moved into itself")]
    IntoItself,
    /// The name can not be the name of a mailbox (IMAP `CANNOT`).
    #[error(transparent)]
    Name(#[from] NameError),
    /// The account has no room for this (IMAP `OVERQUOTA`, SMTP 4.2.2 or 5.2.2).
    #[error("account {account} has a quota of {quota} octets and no room for {wanted} more")]
    OverQuota {
        /// Whose quota.
        account: AccountId,
        /// The quota, in octets.
        quota: u64,
        /// What was to be added, in octets.
        wanted: u64,
    },
    /// The mailbox has given out its last UID; its messages can be copied to a new one.
    #[error("the mailbox has used up its UIDs")]
    UidsExhausted,
    /// The account has as many mailboxes as an account may have (IMAP `LIMIT`).
    #[error("an account can have at most {0} mailboxes")]
    TooManyMailboxes(u32),
    /// The mailbox has as many different keywords as a mailbox may have (IMAP `LIMIT`).
    #[error("a mailbox can have at most {0} different keywords")]
    TooManyKeywords(u32),
    /// The account has as many annotations as an account may have (IMAP `TOOMANY`).
    #[error("an account can have at most {0} annotations")]
    TooManyAnnotations(u32),
    /// Another mailbox has this special use (IMAP `USEATTR`).
    #[error("another mailbox is used for this already")]
    UseIsTaken,
    /// Somebody else has changed the record meanwhile: look again.
    #[error("somebody else has changed {0} meanwhile")]
    Conflict(String),
    /// The disk is full (SMTP 4.3.1).
    #[error("no space left for the store")]
    Full,
    /// The store is held by somebody else for longer than it waits.
    #[error("the store is busy")]
    Busy,
    /// Another server works on this data directory.
    #[error("another server is running on this data directory")]
    Locked,
    /// The database was written by a newer version of this program.
    #[error("the database has schema {found}, this program knows {known}: use the newer program")]
    NewerSchema {
        /// The version in the file.
        found: u32,
        /// The newest version this program knows.
        known: u32,
    },
    /// A file of the data directory could not be used.
    #[error("{what}: {message}")]
    Io {
        /// What was done to which file.
        what: String,
        /// What the operating system said.
        message: String,
    },
    /// The database failed.
    #[error("database: {0}")]
    Database(String),
    /// The store has been closed, or has stopped after a failure.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    pub(crate) fn io(what: impl std::fmt::Display, error: &std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io { what: what.to_string(), message: error.to_string() },
        }
    }

    /// Whether the same request may succeed later without anybody changing anything.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Full | Self::Busy | Self::Io { .. } | Self::Database(_) | Self::Closed)
    }
}
