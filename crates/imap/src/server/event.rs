//! What the server machine tells the application.
//!
//! An event that holds an [`Asked`] or an [`Auth`] waits for an answer; the others are for information. What needs
//! no application is answered by the machine: CAPABILITY, ID, ENABLE, LOGOUT, and every command that is malformed or
//! comes at the wrong moment.

use bytes::Bytes;

use super::{AppendEnd, Asked, Auth, StartTls};
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
    /// CLOSE: expunge without a word, then leave the mailbox (RFC 9051 6.4.1).
    Close(Asked<Close>),
    /// UNSELECT: leave the mailbox (RFC 9051 6.4.2).
    Unselect(Asked<Unselect>),
    /// APPEND, before the message is let in (RFC 9051 6.3.12).
    Append(Asked<Append>),
    /// Octets of the message that APPEND brings.
    Body(Bytes),
    /// The message is complete and waits for its answer.
    AppendEnd(Asked<AppendEnd>),
    /// The message will not be complete: drop what came of it.
    BodyAborted,
    /// FETCH and UID FETCH (RFC 9051 6.4.5).
    Fetch(Asked<Fetch>),
    /// STORE and UID STORE (RFC 9051 6.4.6).
    Store(Asked<Store>),
    /// COPY and UID COPY (RFC 9051 6.4.7).
    Copy(Asked<Copy>),
    /// MOVE and UID MOVE (RFC 9051 6.4.8).
    Move(Asked<Move>),
    /// EXPUNGE (RFC 9051 6.4.3), or UID EXPUNGE, which names the messages (6.4.9).
    Expunge(Asked<Expunge>),
    /// SEARCH and UID SEARCH (RFC 9051 6.4.4).
    Search(Asked<Search>),
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

/// UNSELECT.
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
    /// Whether changes will be possible.
    pub access: Access,
    /// Parameters of extensions.
    pub parameters: alloc::vec::Vec<types::SelectParameter>,
}

/// Whether a selected mailbox can be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// SELECT.
    ReadWrite,
    /// EXAMINE.
    ReadOnly,
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
}

/// FETCH or UID FETCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Whether the set holds UIDs. A row then carries the UID whether or not it was asked for.
    pub addressing: types::Addressing,
    /// The messages.
    pub set: types::SequenceSet,
    /// What is wanted of each.
    pub attributes: alloc::vec::Vec<types::FetchAttribute>,
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
    /// The messages.
    pub set: types::SequenceSet,
    /// Where the copies go.
    pub mailbox: types::Mailbox,
}

/// MOVE or UID MOVE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Whether the set holds UIDs.
    pub addressing: types::Addressing,
    /// The messages.
    pub set: types::SequenceSet,
    /// Where they go.
    pub mailbox: types::Mailbox,
}

/// EXPUNGE or UID EXPUNGE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expunge {
    /// The UIDs the command is limited to (RFC 9051 6.4.9).
    pub uids: Option<types::SequenceSet>,
}

/// SEARCH or UID SEARCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Whether the answer holds UIDs.
    pub addressing: types::Addressing,
    /// What is looked for and how the answer is to look.
    pub command: types::SearchCommand,
}
