//! Commands (RFC 9051, section 6; RFC 3501, section 6).

use crate::types::{
    AppendHead, Authenticate, Capability, Create, FetchAttribute, IdParameters, ListCommand, ListPattern,
    LiteralHeader, Login, Mailbox, SearchCommand, SelectParameter, SequenceSet, StatusAttribute,
    StoreCommand, Tag,
};
use alloc::vec::Vec;

/// A command with its tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaggedCommand {
    /// The tag the answer repeats.
    pub tag: Tag,
    /// The command.
    pub command: Command,
}

/// Whether numbers are message sequence numbers or UIDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Addressing {
    /// Message sequence numbers.
    Sequence,
    /// UIDs: the command begins with `UID`.
    Uid,
}

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// `CAPABILITY`
    Capability,
    /// `NOOP`
    Noop,
    /// `LOGOUT`
    Logout,
    /// `STARTTLS`
    StartTls,
    /// `LOGIN user password`
    Login(Login),
    /// `AUTHENTICATE mechanism [initial-response]`
    Authenticate(Authenticate),
    /// `ID ..` (RFC 2971)
    Id(IdParameters),
    /// `ENABLE ..`
    Enable(Vec<Capability>),
    /// `NAMESPACE`
    Namespace,
    /// `LIST ..`
    List(ListCommand),
    /// `LSUB reference pattern` (RFC 3501)
    Lsub {
        /// The reference; may be empty.
        reference: Mailbox,
        /// The pattern.
        pattern: ListPattern,
    },
    /// `SUBSCRIBE mailbox`
    Subscribe(Mailbox),
    /// `UNSUBSCRIBE mailbox`
    Unsubscribe(Mailbox),
    /// `CREATE mailbox [(USE (..))]`
    Create(Create),
    /// `DELETE mailbox`
    Delete(Mailbox),
    /// `RENAME from to`
    Rename {
        /// The old name.
        from: Mailbox,
        /// The new name.
        to: Mailbox,
    },
    /// `STATUS mailbox (..)`
    Status(Mailbox, Vec<StatusAttribute>),
    /// `SELECT mailbox [(..)]`
    Select(Mailbox, Vec<SelectParameter>),
    /// `EXAMINE mailbox [(..)]`
    Examine(Mailbox, Vec<SelectParameter>),
    /// `CLOSE`
    Close,
    /// `UNSELECT`
    Unselect,
    /// `CHECK` (RFC 3501)
    Check,
    /// `EXPUNGE`
    Expunge,
    /// `UID EXPUNGE set` (RFC 4315)
    UidExpunge(SequenceSet),
    /// `APPEND ..` up to its literal, whose octets are not part of the command as a value.
    Append(AppendHead, LiteralHeader),
    /// `FETCH set items`
    Fetch(Addressing, SequenceSet, Vec<FetchAttribute>),
    /// `STORE set flags`
    Store(Addressing, StoreCommand),
    /// `COPY set mailbox`
    Copy(Addressing, SequenceSet, Mailbox),
    /// `MOVE set mailbox` (RFC 6851)
    Move(Addressing, SequenceSet, Mailbox),
    /// `SEARCH ..`
    Search(Addressing, SearchCommand),
    /// `IDLE` (RFC 2177); the line `DONE` that ends it is no command.
    Idle,
}

impl Command {
    /// The name of the command, for logs; `UID FETCH` and the like for the UID forms.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Capability => "CAPABILITY",
            Self::Noop => "NOOP",
            Self::Logout => "LOGOUT",
            Self::StartTls => "STARTTLS",
            Self::Login(_) => "LOGIN",
            Self::Authenticate(_) => "AUTHENTICATE",
            Self::Id(_) => "ID",
            Self::Enable(_) => "ENABLE",
            Self::Namespace => "NAMESPACE",
            Self::List(_) => "LIST",
            Self::Lsub { .. } => "LSUB",
            Self::Subscribe(_) => "SUBSCRIBE",
            Self::Unsubscribe(_) => "UNSUBSCRIBE",
            Self::Create(_) => "CREATE",
            Self::Delete(_) => "DELETE",
            Self::Rename { .. } => "RENAME",
            Self::Status(..) => "STATUS",
            Self::Select(..) => "SELECT",
            Self::Examine(..) => "EXAMINE",
            Self::Close => "CLOSE",
            Self::Unselect => "UNSELECT",
            Self::Check => "CHECK",
            Self::Expunge => "EXPUNGE",
            Self::UidExpunge(_) => "UID EXPUNGE",
            Self::Append(..) => "APPEND",
            Self::Fetch(Addressing::Sequence, ..) => "FETCH",
            Self::Fetch(Addressing::Uid, ..) => "UID FETCH",
            Self::Store(Addressing::Sequence, _) => "STORE",
            Self::Store(Addressing::Uid, _) => "UID STORE",
            Self::Copy(Addressing::Sequence, ..) => "COPY",
            Self::Copy(Addressing::Uid, ..) => "UID COPY",
            Self::Move(Addressing::Sequence, ..) => "MOVE",
            Self::Move(Addressing::Uid, ..) => "UID MOVE",
            Self::Search(Addressing::Sequence, _) => "SEARCH",
            Self::Search(Addressing::Uid, _) => "UID SEARCH",
            Self::Idle => "IDLE",
        }
    }
}
