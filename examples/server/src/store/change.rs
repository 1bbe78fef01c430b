//! What a commit has changed, told to whoever keeps a picture of the store in memory.
//!
//! A listener hears of a commit after it is durable and before any caller is answered, in the order of commits: when
//! an operation has answered, its listener's picture has it. It runs where commits are made, so it must be quick and
//! may neither block nor ask the store.

use std::sync::Arc;

use super::id::{AccountId, MailboxId};
use super::message::MessageMeta;

/// Who is told of commits.
pub trait Listener: Send + Sync + 'static {
    /// These changes are durable, in this order.
    fn committed(&self, changes: &[Change]);
}

/// Nobody listens.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoListener;

impl Listener for NoListener {
    fn committed(&self, _: &[Change]) {}
}

/// One thing that a commit has changed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// Records of the directory.
    Records,
    /// Messages of a mailbox.
    Messages(Messages),
    /// A mailbox itself.
    Mailbox {
        /// Whose it is.
        account: AccountId,
        /// Which.
        mailbox: MailboxId,
        /// What happened to it.
        event: MailboxEvent,
    },
    /// What an account is subscribed to.
    Subscriptions(AccountId),
    /// Annotations were set or removed.
    Annotations(Annotations),
    /// Somebody else may have changed anything: another process, or another node that does not say what.
    Anything,
}

/// Messages that came, changed, or went, in one operation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Messages {
    /// Whose mailbox.
    pub account: AccountId,
    /// Which mailbox.
    pub mailbox: MailboxId,
    /// The mod-sequence of the operation: the highest of the mailbox now.
    pub modseq: u64,
    /// The UID the next message will get, now.
    pub uidnext: u32,
    /// New messages and messages with other flags, as they are now, by UID.
    pub changed: Arc<Vec<MessageMeta>>,
    /// UIDs of messages that are gone, ascending.
    pub expunged: Vec<u32>,
}

/// Annotations that were set or removed, in one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotations {
    /// Whose mailbox, or whose account itself.
    pub account: AccountId,
    /// Which mailbox; `None` is the account itself.
    pub mailbox: Option<MailboxId>,
    /// Who did it: `/private` entries are theirs.
    pub by: AccountId,
    /// Which entries.
    pub entries: Arc<[String]>,
}

/// What happened to a mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MailboxEvent {
    /// It is new.
    Created,
    /// It has another name.
    Renamed,
    /// It is no more.
    Deleted,
    /// What is granted on it has changed.
    Granted,
}
