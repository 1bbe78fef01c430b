//! Messages in mailboxes, as the store is asked and answers.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::flags::{Flags, Keyword, StoreMode};
use super::id::{AccountId, BlobId, MailboxId, ThreadId};
use super::mailbox::Mailbox;
use super::name::MailboxName;
use super::sharing::Room;
use super::spool::Spooled;

/// A message in a mailbox, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageMeta {
    /// Names the message in its mailbox.
    pub uid: u32,
    /// Where its content is; copies share it. Its EMAILID (RFC 8474 5.1).
    pub blob: BlobId,
    /// The conversation it is of, in its account (RFC 8474 5.2).
    pub thread: ThreadId,
    /// Octets of the content.
    pub size: u64,
    /// System flags and keywords.
    pub flags: Flags,
    /// INTERNALDATE.
    pub date: InternalDate,
    /// When it came into this mailbox, in seconds since 1970 (RFC 8514).
    pub saved: i64,
    /// The mod-sequence of its last change.
    pub modseq: u64,
}

/// A moment, with the offset it was given in (RFC 9051 2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InternalDate {
    /// Seconds since 1970-01-01 00:00 UTC.
    pub seconds: i64,
    /// Minutes east of UTC.
    pub zone_minutes: i16,
}

impl InternalDate {
    /// The present, in UTC.
    pub fn now() -> Self {
        SystemTime::now().into()
    }
}

/// In UTC; what is less than a second is left out.
impl From<SystemTime> for InternalDate {
    fn from(time: SystemTime) -> Self {
        let whole = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        let seconds = match time.duration_since(UNIX_EPOCH) {
            Ok(since) => whole(since),
            Err(before) => whole(before.duration()).saturating_neg(),
        };
        Self { seconds, zone_minutes: 0 }
    }
}

/// A message that is to be stored.
#[derive(Debug)]
pub struct NewMessage {
    /// The content.
    pub content: Spooled,
    /// The flags it starts with.
    pub flags: Flags,
    /// INTERNALDATE.
    pub date: InternalDate,
}

/// Where a message is to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Whose mailbox.
    pub account: AccountId,
    /// Which of them; made if it is missing.
    pub mailbox: MailboxName,
    /// How much the account may keep.
    pub room: Room,
    /// Where a crash could make a delivery happen twice: the same key is delivered once to one account, for a day.
    /// The second time is a success that changes nothing.
    pub once: Option<String>,
}

/// Where a delivery went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// Whose mailbox.
    pub account: AccountId,
    /// Which.
    pub mailbox: MailboxId,
    /// The UID in it; `None` when it was there already ([`Delivery::once`]).
    pub uid: Option<u32>,
}

/// What APPENDUID reports (RFC 9051 7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Of the mailbox.
    pub uidvalidity: u32,
    /// In the order of the messages.
    pub uids: Vec<u32>,
    /// The mod-sequence they have.
    pub modseq: u64,
}

/// What became of REPLACE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// The new message.
    pub appended: Appended,
    /// The highest mod-sequence of the mailbox that the old one was in.
    pub modseq: u64,
}

/// What COPYUID reports (RFC 9051 7.1): the n-th source became the n-th destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Of the destination.
    pub uidvalidity: u32,
    /// UIDs in the source, ascending.
    pub sources: Vec<u32>,
    /// UIDs in the destination, ascending.
    pub destinations: Vec<u32>,
    /// The highest mod-sequence of the source, which a MOVE changes.
    pub modseq: u64,
}

/// A mailbox with its messages, as of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// Keywords that its messages have or have had: what FLAGS announces.
    pub keywords: Vec<Keyword>,
    /// By UID.
    pub messages: Vec<MessageMeta>,
}

/// What is new in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The mod-sequence up to which this tells.
    pub modseq: u64,
    /// Messages that were added or changed, by UID.
    pub changed: Vec<MessageMeta>,
    /// UIDs that were expunged, ascending; `None` when that is not known so far back.
    pub expunged: Option<Vec<u32>>,
}

/// What a STORE asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreFlags {
    /// Of which messages.
    pub uids: Vec<u32>,
    /// What to do with the flags.
    pub mode: StoreMode,
    /// Which flags.
    pub flags: Flags,
    /// Messages that have a higher mod-sequence stay as they are (RFC 7162 3.1.3).
    pub unchanged_since: Option<u64>,
    /// The messages as the caller knows them, which saves reading them.
    pub known: Option<Known>,
}

/// Messages of a mailbox as they are at one mod-sequence of it. Where the mailbox has gone on since, the store reads
/// them itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The highest mod-sequence of the mailbox.
    pub modseq: u64,
    /// Those of the messages in question that are there, by UID.
    pub messages: Vec<MessageMeta>,
    /// Ranges of UIDs, ascending and both ends included, in which they lie and there is no other message.
    pub ranges: Vec<(u32, u32)>,
}

/// What a STORE has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Messages whose flags are now different, by UID.
    pub changed: Arc<Vec<MessageMeta>>,
    /// UIDs of the messages that were left as they are because of `unchanged_since`, ascending.
    pub modified: Vec<u32>,
    /// The highest mod-sequence of the mailbox now.
    pub modseq: u64,
}

/// Which messages to expunge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expunge {
    /// All with `\Deleted` (EXPUNGE).
    Deleted,
    /// Those of the list with `\Deleted` (UID EXPUNGE, RFC 9051 6.4.9).
    DeletedAmong(Vec<u32>),
    /// Those of the list (POP3's DELE).
    Uids(Vec<u32>),
}

/// What an expunge has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expunged {
    /// UIDs, ascending.
    pub uids: Vec<u32>,
    /// The highest mod-sequence of the mailbox now.
    pub modseq: u64,
}
