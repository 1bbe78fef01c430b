//! What the server machine tells the application.
//!
//! An event that holds an [`Asked`] or an [`Auth`] waits for an answer; the others are for information. What needs
//! no application is answered by the machine: CAPABILITY, ID, ENABLE, LOGOUT, and every command that is malformed or
//! comes at the wrong moment.

use bytes::Bytes;

use super::{Access, AppendEnd, Asked, Auth, Compress, ReplaceEnd, StartTls, Unauthenticate};
use crate::error::Violation;
use crate::types;

/// One thing that happened.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// STARTTLS (RFC 9051 6.2.1).
    StartTls(StartTls),
    /// LOGIN (RFC 9051 6.2.3).
    Login(Asked<types::Login>),
    /// AUTHENTICATE (RFC 9051 6.2.2), or the client's response to a challenge.
    Auth(Auth),
    /// The exchange is over without a result: the client cancelled it or sent what is not base64.
    AuthCancelled,
    /// ID (RFC 2971): what the client says of itself. Answered already.
    Id(types::IdParameters),
    /// NOOP or CHECK: the moment to bring the client's view up to date.
    Noop(Asked<Noop>),
    /// NAMESPACE (RFC 9051 6.3.10).
    Namespace(Asked<Namespace>),
    /// LIST (RFC 9051 6.3.9).
    List(Asked<types::ListCommand>),
    /// LSUB (RFC 3501 6.3.9).
    Lsub(Asked<Lsub>),
    /// SUBSCRIBE (RFC 9051 6.3.7).
    Subscribe(Asked<Subscribe>),
    /// UNSUBSCRIBE (RFC 9051 6.3.8).
    Unsubscribe(Asked<Unsubscribe>),
    /// CREATE (RFC 9051 6.3.4).
    Create(Asked<types::Create>),
    /// DELETE (RFC 9051 6.3.5).
    Delete(Asked<Delete>),
    /// RENAME (RFC 9051 6.3.6).
    Rename(Asked<Rename>),
    /// STATUS (RFC 9051 6.3.11).
    Status(Asked<StatusOf>),
    /// SELECT or EXAMINE (RFC 9051 6.3.2, 6.3.3). Whatever the answer, the mailbox that was selected no longer is.
    Select(Asked<Select>),
    /// CLOSE: expunge without a word, then leave the mailbox (RFC 9051 6.4.1). Comes only where the mailbox is not
    /// read-only.
    Close(Asked<Close>),
    /// UNSELECT, or CLOSE of a mailbox that is read-only: leave the mailbox, nothing else (RFC 9051 6.4.1, 6.4.2).
    Unselect(Asked<Unselect>),
    /// APPEND, before the message is let in (RFC 9051 6.3.12).
    Append(Asked<Append>),
    /// The message of APPEND is complete and another follows, before that is let in (RFC 3502).
    AppendMore(Asked<AppendMore>),
    /// REPLACE and UID REPLACE, before the message is let in (RFC 8508). Never in a mailbox that is read-only.
    Replace(Asked<Replace>),
    /// Octets of the message that APPEND or REPLACE brings.
    Body(Bytes),
    /// The message, or all of them, is complete and waits for its answer.
    AppendEnd(Asked<AppendEnd>),
    /// The message of REPLACE is complete and waits for its answer.
    ReplaceEnd(Asked<ReplaceEnd>),
    /// The messages will not be complete: drop what came, those that were complete as well.
    BodyAborted,
    /// FETCH and UID FETCH (RFC 9051 6.4.5). In a mailbox that is read-only no `\Seen` is set.
    Fetch(Asked<Fetch>),
    /// STORE and UID STORE (RFC 9051 6.4.6). In a mailbox that is read-only it comes only where PERMANENTFLAGS has
    /// some.
    Store(Asked<Store>),
    /// COPY and UID COPY (RFC 9051 6.4.7).
    Copy(Asked<Copy>),
    /// MOVE and UID MOVE (RFC 9051 6.4.8). Never in a mailbox that is read-only.
    Move(Asked<Move>),
    /// EXPUNGE (RFC 9051 6.4.3), or UID EXPUNGE, which names the messages (6.4.9). Never in a mailbox that is read-only.
    Expunge(Asked<Expunge>),
    /// SEARCH and UID SEARCH (RFC 9051 6.4.4). In a charset that is not known only where the result is to be saved: with
    /// [`Refusal::bad_charset`](super::Refusal::bad_charset) nothing is saved any more (6.4.4.3).
    Search(Asked<Search>),
    /// SORT and UID SORT (RFC 5256). In a charset that is not known as with SEARCH.
    Sort(Asked<Sort>),
    /// THREAD and UID THREAD (RFC 5256).
    Thread(Asked<Thread>),
    /// ESEARCH over several mailboxes (RFC 7377).
    MultiSearch(Asked<MultiSearch>),
    /// UIDBATCHES (RFC 10022).
    UidBatches(Asked<UidBatchesOf>),
    /// GETQUOTA (RFC 9208 4.1.1).
    GetQuota(Asked<GetQuota>),
    /// GETQUOTAROOT (RFC 9208 4.1.2).
    GetQuotaRoot(Asked<GetQuotaRoot>),
    /// SETQUOTA (RFC 9208 4.1.3).
    SetQuota(Asked<SetQuota>),
    /// GETACL (RFC 4314 3.3).
    GetAcl(Asked<GetAcl>),
    /// SETACL (RFC 4314 3.1).
    SetAcl(Asked<SetAcl>),
    /// DELETEACL (RFC 4314 3.2).
    DeleteAcl(Asked<DeleteAcl>),
    /// LISTRIGHTS (RFC 4314 3.4).
    ListRights(Asked<ListRightsOf>),
    /// MYRIGHTS (RFC 4314 3.5).
    MyRights(Asked<MyRights>),
    /// GETMETADATA (RFC 5464 4.2).
    GetMetadata(Asked<GetMetadataOf>),
    /// SETMETADATA (RFC 5464 4.3).
    SetMetadata(Asked<SetMetadata>),
    /// NOTIFY (RFC 5465).
    Notify(Asked<Notify>),
    /// More has happened than NOTIFY can tell: it is no longer in effect, and the client has been told (RFC 5465 5.8).
    NotifyOverflow,
    /// COMPRESS (RFC 4978).
    Compress(Compress),
    /// UNAUTHENTICATE (RFC 8437): to leave the account without leaving the connection.
    Unauthenticate(Unauthenticate),
    /// ENABLE has turned these on (RFC 5161). Answered already.
    Enabled(alloc::vec::Vec<types::Capability>),
    /// An update was refused because too many waited, and none waits now: look at the mailbox again.
    Resync,
    /// IDLE (RFC 9051 6.3.13).
    Idle(Asked<Idle>),
    /// The client has ended IDLE.
    IdleDone(Asked<IdleDone>),
    /// LOGOUT. Answered already; the machine closes.
    Logout,
    /// The client did what it must not; the answer has been given.
    Violation(Violation),
}

/// NOOP or CHECK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noop;

/// NAMESPACE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Namespace;

/// CLOSE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Close;

/// UNSELECT, or CLOSE without its expunge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unselect;

/// IDLE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Idle;

/// The end of IDLE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleDone;

/// LSUB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lsub {
    /// The name the pattern is relative to.
    pub reference: types::Mailbox,
    /// The pattern.
    pub pattern: types::ListPattern,
}

/// SUBSCRIBE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// The name to add to the list of subscriptions.
    pub mailbox: types::Mailbox,
}

/// UNSUBSCRIBE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe {
    /// The name to take off the list of subscriptions.
    pub mailbox: types::Mailbox,
}

/// DELETE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delete {
    /// The mailbox to delete.
    pub mailbox: types::Mailbox,
}

/// RENAME.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The present name.
    pub from: types::Mailbox,
    /// The new name.
    pub to: types::Mailbox,
}

/// STATUS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusOf {
    /// The mailbox that is asked about.
    pub mailbox: types::Mailbox,
    /// What is asked.
    pub attributes: alloc::vec::Vec<types::StatusAttribute>,
}

/// SELECT or EXAMINE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// The mailbox to open.
    pub mailbox: types::Mailbox,
    /// Whether changes are wanted: not with EXAMINE.
    pub access: Access,
    /// Parameters of extensions.
    pub parameters: alloc::vec::Vec<types::SelectParameter>,
}

/// APPEND, before its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// Where the message is to go, its flags, its date.
    pub head: types::AppendHead,
    /// How many octets are announced.
    pub length: u64,
    /// Whether the client waits before it sends them.
    pub synchronising: bool,
    /// How they are announced: with NUL among them, possibly, or as UTF-8.
    pub data: types::AppendData,
}

/// A further message of MULTIAPPEND.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendMore {
    /// Its flags and its date.
    pub options: types::AppendOptions,
    /// How many octets are announced.
    pub length: u64,
    /// Whether the client waits before it sends them.
    pub synchronising: bool,
    /// How they are announced.
    pub data: types::AppendData,
    /// Which message of the command it is, the first being 1.
    pub messages: u32,
    /// Octets announced in the command so far, this message included.
    pub total: u64,
}

/// REPLACE or UID REPLACE, before its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replace {
    /// Whether `message` is a UID.
    pub addressing: types::Addressing,
    /// The message that is to go.
    pub message: types::SequenceNumber,
    /// Where the new one is to go, its flags, its date.
    pub head: types::AppendHead,
    /// How many octets are announced.
    pub length: u64,
    /// Whether the client waits before it sends them.
    pub synchronising: bool,
    /// How they are announced.
    pub data: types::AppendData,
}

/// FETCH or UID FETCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Whether the set holds UIDs. A row then carries the UID whether or not it was asked for.
    pub addressing: types::Addressing,
    /// The messages; `$` only where SEARCHRES is offered.
    pub set: types::MessageSet,
    /// What is wanted of each. Once CONDSTORE is enabled, a row with flags also carries MODSEQ (RFC 7162 3.1).
    pub attributes: alloc::vec::Vec<types::FetchAttribute>,
    /// What else the answer depends on.
    pub modifiers: types::FetchModifiers,
}

/// STORE or UID STORE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// Whether the set holds UIDs.
    pub addressing: types::Addressing,
    /// The messages and the change.
    pub command: types::StoreCommand,
}

/// COPY or UID COPY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// Whether the set holds UIDs.
    pub addressing: types::Addressing,
    /// The messages; `$` only where SEARCHRES is offered.
    pub set: types::MessageSet,
    /// Where the copies go.
    pub mailbox: types::Mailbox,
}

/// MOVE or UID MOVE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Whether the set holds UIDs.
    pub addressing: types::Addressing,
    /// The messages; `$` only where SEARCHRES is offered.
    pub set: types::MessageSet,
    /// Where they go.
    pub mailbox: types::Mailbox,
}

/// EXPUNGE or UID EXPUNGE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expunge {
    /// The UIDs the command is limited to (RFC 9051 6.4.9).
    pub uids: Option<types::MessageSet>,
}

/// SEARCH or UID SEARCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Whether the answer holds UIDs.
    pub addressing: types::Addressing,
    /// What is looked for and how the answer is to look.
    pub command: types::SearchCommand,
}

/// SORT or UID SORT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// Whether the answer holds UIDs.
    pub addressing: types::Addressing,
    /// What is looked for, in which order, and how the answer is to look.
    pub command: types::SortCommand,
}

/// THREAD or UID THREAD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Whether the answer holds UIDs.
    pub addressing: types::Addressing,
    /// What is looked for, and by which algorithm it is put together.
    pub command: types::ThreadCommand,
}

/// ESEARCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultiSearch {
    /// Where to look, and for what.
    pub command: types::EsearchCommand,
}

/// UIDBATCHES.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UidBatchesOf {
    /// How large the batches are to be, and which of them are wanted.
    pub command: types::UidBatchesCommand,
}

/// GETQUOTA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetQuota {
    /// The quota root.
    pub root: types::AString,
}

/// GETQUOTAROOT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetQuotaRoot {
    /// The mailbox.
    pub mailbox: types::Mailbox,
}

/// SETQUOTA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetQuota {
    /// The quota root.
    pub root: types::AString,
    /// The new limits; resources that are not named lose theirs.
    pub limits: alloc::vec::Vec<types::QuotaLimit>,
}

/// GETACL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetAcl {
    /// The mailbox.
    pub mailbox: types::Mailbox,
}

/// SETACL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAcl {
    /// The mailbox.
    pub mailbox: types::Mailbox,
    /// Whose rights change.
    pub identifier: types::AString,
    /// How they change.
    pub change: types::RightsChange,
}

/// DELETEACL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteAcl {
    /// The mailbox.
    pub mailbox: types::Mailbox,
    /// Whose rights go.
    pub identifier: types::AString,
}

/// LISTRIGHTS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRightsOf {
    /// The mailbox.
    pub mailbox: types::Mailbox,
    /// Who is asked about.
    pub identifier: types::AString,
}

/// MYRIGHTS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MyRights {
    /// The mailbox.
    pub mailbox: types::Mailbox,
}

/// GETMETADATA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetMetadataOf {
    /// Which entries of what.
    pub command: types::GetMetadata,
}

/// SETMETADATA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetMetadata {
    /// The mailbox, empty for the server.
    pub mailbox: types::Mailbox,
    /// The entries and their new values; a value that is `None` removes its entry.
    pub entries: alloc::vec::Vec<types::MetadataEntry>,
}

/// NOTIFY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// What to watch; every event in it is known.
    pub command: types::NotifyCommand,
}
