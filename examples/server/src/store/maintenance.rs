//! What an administrator asks of a store: what is wrong with it, a copy of it, and mail back that was expunged.

use std::path::PathBuf;
use std::sync::Arc;

use super::id::{AccountId, BlobId, MailboxId};
use super::message::InternalDate;
use super::sharing::Room;

/// Told of progress: done, of how many, in units that mean nothing but themselves.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(u64, u64) + Send + Sync>);

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Progress")
    }
}

impl Progress {
    /// Calls `tell` now and then.
    pub fn new(tell: impl Fn(u64, u64) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Nobody wants to know.
    pub fn silent() -> Self {
        Self::new(|_, _| {})
    }

    /// So much is done.
    pub fn tell(&self, done: u64, of: u64) {
        (self.0)(done, of);
    }
}

/// What a check does with what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// Tells it.
    Report,
    /// Repairs it, and tells what it did.
    Repair,
}

/// Something that did not fit together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where: the account, mailbox or content, in words.
    pub place: String,
    /// What is wrong.
    pub problem: String,
    /// What was done about it; `None` when it was only reported, or cannot be repaired.
    pub repair: Option<String>,
}

/// Where a copy of the store goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// A directory that does not exist yet, in one that does. It can be used as a data directory: as a store of its own,
    /// that calls nothing new what the original may have called something else after the copy was made.
    pub directory: PathBuf,
}

/// A message that was expunged and can be had back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    /// Names it among the deleted messages of all accounts.
    pub id: i64,
    /// Its content.
    pub blob: BlobId,
    /// The name of the mailbox it was in, as it was then.
    pub mailbox: String,
    /// Octets.
    pub size: u64,
    /// INTERNALDATE.
    pub date: InternalDate,
    /// When it was expunged, in seconds since 1970.
    pub at: i64,
}

/// What to bring back, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelete {
    /// Whose.
    pub account: AccountId,
    /// [`Deleted::id`]s of that account; those that are not there are passed over.
    pub ids: Vec<i64>,
    /// A mailbox of that account.
    pub to: MailboxId,
    /// How much it may keep.
    pub room: Room,
}
