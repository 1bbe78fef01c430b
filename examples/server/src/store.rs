//! Where the mail is: the one trait through which everything else of the server comes to it.
//!
//! The promise: when an operation has answered `Ok`, what it did is on stable storage, and when it has answered an
//! error, nothing of it has happened. An operation is atomic, whatever it touches. Writes of all sessions share
//! commits; reads never wait for writes, and each sees one state.
//!
//! The trait speaks of mail and not of tables: nothing of an engine shows through. Whoever implements it passes the
//! conformance suite (`tests/store_conformance.rs`), and is told of every commit to pass on ([`Listener`]).
//!
//! A store knows nothing of protocols and nothing of who may do what. How much an account may keep is decided by
//! whoever asks, who passes the [`Room`] with the operation; how much it keeps is counted here. What the directory
//! knows of domains and people is kept here as [`Record`]s, which the store does not read.

mod change;
mod content;
mod error;
mod flags;
mod id;
mod mailbox;
mod maildrop;
mod maintenance;
mod message;
mod name;
mod observed;
mod record;
mod sharing;
mod spool;
pub mod sqlite;

use std::ops::Range;
use std::pin::Pin;

use bytes::Bytes;

pub use change::{Annotations, Change, Listener, MailboxEvent, Messages, NoListener};
pub use content::{CHUNK, Content};
pub use error::StoreError;
pub use flags::{FlagMask, Flags, KEYWORD_MAX, Keyword, KeywordMask, Keywords, StoreMode, SystemFlags};
pub use id::{AccountId, BlobId, MailboxId, ThreadId};
pub use mailbox::{KEYWORDS_MAX, MAILBOXES_MAX, Mailbox, SpecialUse, Status};
pub use maildrop::{MaildropLock, Maildrops, uidl};
pub use maintenance::{Backup, Check, Deleted, Finding, Progress, Undelete};
pub use message::{
    Appended, Copied, Delivered, Delivery, Expunge, Expunged, InternalDate, Known, MessageMeta, NewMessage,
    News, Replaced, Snapshot, StoreFlags, Stored,
};
pub use name::{COMPONENT_MAX, LEVELS_MAX, MailboxName, NameError, SEPARATOR};
pub use observed::Observed;
pub use record::{Expect, Record, RecordChange, RecordKey};
pub use sharing::{Annotation, DELETED_MESSAGES_MAX, Grant, Room, Usage};
pub use spool::{Spool, Spooled};

/// The answer of a store, which comes when the operation is done.
///
/// Dropping it before it is polled asks for nothing; dropping it later leaves it open whether the operation happens.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A store of mail. See the module's documentation for what all its methods promise.
///
/// Errors that every method may give are those of [`StoreError::is_temporary`]; the others are named.
pub trait Store: std::fmt::Debug + Send + Sync + 'static {
    // ---- records, and the accounts they are of

    /// All records, by key.
    fn records(&self) -> Answer<'_, Vec<Record>>;

    /// Changes records and adds, empties and removes accounts: all of it or nothing.
    ///
    /// [`StoreError::Conflict`] when a record is not as expected, [`StoreError::NoSuchAccount`].
    fn commit(&self, changes: Vec<RecordChange>) -> Answer<'_, ()>;

    /// What an account keeps.
    ///
    /// [`StoreError::NoSuchAccount`].
    fn usage(&self, account: AccountId) -> Answer<'_, Usage>;

    /// What every account keeps, by id.
    fn usages(&self) -> Answer<'_, Vec<(AccountId, Usage)>>;

    // ---- mailboxes

    /// All mailboxes of an account, by name.
    fn mailboxes(&self, account: AccountId) -> Answer<'_, Vec<Mailbox>>;

    /// The mailbox of an account that has this name.
    ///
    /// [`StoreError::NoSuchMailbox`].
    fn mailbox(&self, account: AccountId, name: &MailboxName) -> Answer<'_, Mailbox>;

    /// The mailbox with this id, whosever it is and whatever its name is now.
    ///
    /// [`StoreError::NoSuchMailbox`].
    fn mailbox_by_id(&self, mailbox: MailboxId) -> Answer<'_, Mailbox>;

    /// Makes a mailbox, and its parents where they are missing. What is granted on the nearest mailbox above is granted
    /// on each of them (RFC 4314 4).
    ///
    /// [`StoreError::NoSuchAccount`], [`StoreError::AlreadyExists`], [`StoreError::TooManyMailboxes`], and
    /// [`StoreError::UseIsTaken`] when another mailbox has one of the uses (RFC 6154 3).
    fn create_mailbox(
        &self,
        account: AccountId,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> Answer<'_, Mailbox>;

    /// Deletes a mailbox and all messages in it, which can be undeleted. Its name stays subscribed (RFC 9051 6.3.5).
    ///
    /// [`StoreError::NoSuchMailbox`], [`StoreError::InboxStays`], [`StoreError::HasChildren`].
    fn delete_mailbox(&self, mailbox: MailboxId) -> Answer<'_, ()>;

    /// Renames a mailbox and its children; makes the parents of the new name. Renaming INBOX moves its messages into
    /// a new mailbox and leaves INBOX and its children (RFC 9051 6.3.6).
    ///
    /// [`StoreError::NoSuchMailbox`], [`StoreError::AlreadyExists`], [`StoreError::IntoItself`], and
    /// [`StoreError::Name`] if a child's name would become too long.
    fn rename_mailbox(&self, mailbox: MailboxId, to: &MailboxName) -> Answer<'_, ()>;

    /// Subscribes a name, whether or not a mailbox has it. Also names outside of the account's own mailboxes, as the
    /// user sees them.
    ///
    /// [`StoreError::NoSuchAccount`]; [`StoreError::TooManyMailboxes`] beyond that number of subscriptions.
    fn subscribe(&self, account: AccountId, name: &str) -> Answer<'_, ()>;

    /// Takes a subscription back; one that does not exist is no error.
    fn unsubscribe(&self, account: AccountId, name: &str) -> Answer<'_, ()>;

    /// The subscribed names, sorted, also those that no mailbox has.
    fn subscriptions(&self, account: AccountId) -> Answer<'_, Vec<String>>;

    /// Counts what STATUS reports (RFC 9051 6.3.11).
    ///
    /// [`StoreError::NoSuchMailbox`].
    fn status(&self, mailbox: MailboxId) -> Answer<'_, Status>;

    // ---- what is shared and noted

    /// What is granted on a mailbox beside its owner's rights (RFC 4314), by identifier.
    fn grants(&self, mailbox: MailboxId) -> Answer<'_, Vec<Grant>>;

    /// Grants exactly these rights to an identifier; with [`Rights::NONE`](posthaste_imap::types::Rights::NONE) the
    /// entry goes. Negative rights are an identifier of their own, as in the protocol.
    ///
    /// [`StoreError::NoSuchMailbox`].
    fn grant(&self, mailbox: MailboxId, grant: Grant) -> Answer<'_, ()>;

    /// The mailboxes of other accounts that have a grant for one of these identifiers, with those grants.
    fn granted_to(&self, identifiers: Vec<String>) -> Answer<'_, Vec<(Mailbox, Vec<Grant>)>>;

    /// The annotations of a mailbox, or with `None` those of the account itself (RFC 5464), by name. `/private`
    /// entries are those of `account`, whosever the mailbox is.
    fn annotations(&self, account: AccountId, mailbox: Option<MailboxId>) -> Answer<'_, Vec<Annotation>>;

    /// Sets annotations and, where there is no value, removes them: all or none.
    ///
    /// [`StoreError::NoSuchMailbox`], [`StoreError::TooManyAnnotations`].
    fn annotate(
        &self,
        account: AccountId,
        mailbox: Option<MailboxId>,
        changes: Vec<(String, Option<Bytes>)>,
    ) -> Answer<'_, ()>;

    // ---- messages

    /// A place for a message that is about to arrive.
    fn spool(&self) -> Spool;

    /// Delivers one message, which is stored once, to some mailboxes. With `all_or_none` the first error undoes it
    /// all and is the answer; without, each delivery has its own, in their order. A temporary error is always that
    /// of all.
    fn deliver(
        &self,
        message: NewMessage,
        deliveries: Vec<Delivery>,
        all_or_none: bool,
    ) -> Answer<'_, Vec<Result<Delivered, StoreError>>>;

    /// Appends messages to a mailbox, all or none (RFC 9051 6.3.12, RFC 3502).
    ///
    /// [`StoreError::NoSuchMailbox`], [`StoreError::OverQuota`], [`StoreError::UidsExhausted`],
    /// [`StoreError::TooManyKeywords`].
    fn append(&self, mailbox: MailboxId, room: Room, messages: Vec<NewMessage>) -> Answer<'_, Appended>;

    /// Appends a message to a mailbox and expunges another from the same or another one, both or neither (RFC 8508).
    /// Within one account the quota counts the difference, and what is no larger than what it replaces has room always.
    ///
    /// As [`append`](Self::append), and [`StoreError::NoSuchMessage`].
    fn replace(
        &self,
        mailbox: MailboxId,
        uid: u32,
        to: MailboxId,
        room: Room,
        message: NewMessage,
    ) -> Answer<'_, Replaced>;

    /// A mailbox with all its messages, as of one moment.
    ///
    /// [`StoreError::NoSuchMailbox`].
    fn snapshot(&self, mailbox: MailboxId) -> Answer<'_, Snapshot>;

    /// What has a higher mod-sequence than `modseq` (RFC 7162).
    ///
    /// [`StoreError::NoSuchMailbox`].
    fn changed_since(&self, mailbox: MailboxId, modseq: u64) -> Answer<'_, News>;

    /// Changes flags. UIDs of messages that are not there are passed over.
    ///
    /// [`StoreError::NoSuchMailbox`], [`StoreError::TooManyKeywords`].
    fn store_flags(&self, mailbox: MailboxId, change: StoreFlags) -> Answer<'_, Stored>;

    /// Removes messages, which can be undeleted until they are [purged](Self::purge), or until there are more of them
    /// than the account has [`Room`] for.
    ///
    /// [`StoreError::NoSuchMailbox`].
    fn expunge(&self, mailbox: MailboxId, which: Expunge) -> Answer<'_, Expunged>;

    /// Copies messages with their dates and those of their flags that `flags` lets through, all or none (RFC 9051 6.4.7;
    /// RFC 4314 4). UIDs of messages that are not there are passed over.
    ///
    /// [`StoreError::NoSuchMailbox`] for either mailbox, [`StoreError::OverQuota`], [`StoreError::UidsExhausted`],
    /// [`StoreError::TooManyKeywords`].
    fn copy(
        &self,
        from: MailboxId,
        uids: Vec<u32>,
        to: MailboxId,
        room: Room,
        flags: FlagMask,
    ) -> Answer<'_, Copied>;

    /// Moves messages, all or none (RFC 9051 6.4.8). Within one account this needs no room.
    ///
    /// As [`copy`](Self::copy).
    fn move_messages(
        &self,
        from: MailboxId,
        uids: Vec<u32>,
        to: MailboxId,
        room: Room,
        flags: FlagMask,
    ) -> Answer<'_, Copied>;

    /// The UIDs of the messages that no session has claimed as `\Recent` (RFC 3501 2.3.2).
    fn recent(&self, mailbox: MailboxId) -> Answer<'_, Range<u32>>;

    /// Takes note that sessions have claimed the messages before a UID. May be told late, or never where the server
    /// does not end in order: then they are recent once more.
    fn claim_recent(&self, mailbox: MailboxId, before: u32) -> Answer<'_, ()>;

    // ---- contents

    /// Opens a range of a content for reading, in octets. A range beyond the end is cut there. From here on it can be
    /// read to its end, even if all messages that have it are expunged and purged meanwhile.
    ///
    /// [`StoreError::NoSuchMessage`] if the content is gone.
    fn content(&self, blob: BlobId, range: Range<u64>) -> Answer<'_, Content>;

    /// Some octets of several contents at once, in their order; `None` for what is gone. A range beyond the end is cut
    /// there. All of it is in memory: for headers and the like.
    ///
    /// What is asked for is passed on as one question, however many contents it names.
    fn parts(&self, parts: Vec<(BlobId, Range<u64>)>) -> Answer<'_, Vec<Option<Bytes>>>;

    /// The summaries that came with contents ([`Spooled::set_summary`]), in the order of `blobs`; `None` for one that
    /// has none or is gone.
    fn summaries(&self, blobs: Vec<BlobId>) -> Answer<'_, Vec<Option<Bytes>>>;

    /// Those of the contents that are longer with a CR LF at the end of every line than they are, with that length
    /// (RFC 1939 11): a CR or LF that stands alone counts twice, and so does the end of a last line that has none.
    ///
    /// After an update of the program, contents from before it count as they are until [`catch_up`](Self::catch_up) is
    /// through with them.
    fn sizes_on_lines(&self, blobs: Vec<BlobId>) -> Answer<'_, Vec<(BlobId, u64)>>;

    /// Which of some contents, which ascend, may have `mapped` in their header or their text: all that have it are among
    /// them. `mapped` is as [`posthaste_imap::search`] maps text before it compares. `None` when there is no index
    /// that would help, as for text that is too short.
    fn may_contain(&self, among: Vec<BlobId>, mapped: &str) -> Answer<'_, Option<Vec<BlobId>>>;

    // ---- upkeep

    /// The messages of an account that are expunged and not yet purged, the latest first.
    fn deleted(&self, account: AccountId) -> Answer<'_, Vec<Deleted>>;

    /// Brings expunged messages back, as new messages of a mailbox.
    ///
    /// [`StoreError::NoSuchMailbox`], [`StoreError::OverQuota`].
    fn undelete(&self, what: Undelete) -> Answer<'_, Appended>;

    /// Lets go of at most `max` messages that were expunged before `before` (seconds since 1970); how many went.
    fn purge(&self, before: i64, max: u32) -> Answer<'_, u32>;

    /// Looks for what does not fit together and, if told so, repairs it. Tells each finding.
    fn check(&self, how: Check, progress: Progress) -> Answer<'_, Vec<Finding>>;

    /// Writes a consistent copy of everything to a place that must not exist, while the store goes on.
    fn backup(&self, to: Backup, progress: Progress) -> Answer<'_, ()>;

    /// Works on what can wait, as the search index; returns when there is nothing left, or when others have much to do,
    /// to whom it gives way. May be dropped at any time.
    fn catch_up(&self) -> Answer<'_, ()>;

    /// Octets that there is room for wherever mail comes to lie: of several disks, on the one that has least. `None` where
    /// the system does not tell. It is asked each time.
    fn free_space(&self) -> Option<u64>;

    /// Transactions committed since the store was opened; group commit makes them fewer than operations.
    fn commits(&self) -> u64;

    /// Finishes what has been asked for and closes the files. Later operations fail with [`StoreError::Closed`].
    fn close(&self) -> Answer<'_, ()>;
}
