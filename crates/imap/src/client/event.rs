//! What the machine tells the application.

use crate::client::{AppendWriter, Challenge, Fallback, Violation};
use crate::types::{
    AString, Acl, Capability, Comparator, EsearchResponse, FetchItem, FetchedUrl, Flags, IdParameters,
    ListResponse, ListRights, Mailbox, Metadata, Namespaces, Payload, QuotaUsage, Rights, SearchResponse,
    Status, StatusItem, Threads, UidBatches, UidSet,
};
use alloc::vec::Vec;
use bytes::Bytes;
use core::num::NonZeroU32;
use posthaste_wire::Misuse;

/// Names one command of one client, from the moment it is queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub(crate) u64);

/// Something the application has to know or to answer.
///
/// Data may come at any moment, asked for or not (RFC 9051 7). A FETCH row is a sequence of events:
/// [`Row`](Self::Row) or [`UidRow`](Self::UidRow), then for each item [`Item`](Self::Item) or [`Literal`](Self::Literal) with its
/// [`Body`](Self::Body) chunks and [`LiteralEnd`](Self::LiteralEnd), then [`RowEnd`](Self::RowEnd). Rows never
/// interleave.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "some events are tokens that want an answer"]
pub enum Event {
    /// The greeting. Not given while STARTTLS is still to come: what it says could be anybody's.
    Greeting(Status),
    /// The connection is set up as configured and the capabilities are known: time to log in, unless
    /// [`Client::state`](crate::client::Client::state) says that somebody is.
    Ready,
    /// The server challenges; the answer is due.
    Challenge(Challenge),
    /// The server is ready for the octets of a message.
    AppendReady(AppendWriter),
    /// The server confirmed IDLE: what happens in the mailbox comes unasked. Given once, not at renewals.
    Idling(CommandId),
    /// A command is complete.
    Done {
        /// Which.
        id: CommandId,
        /// OK, NO or BAD.
        status: Status,
    },
    /// A command was sent in another form than it was asked for, because the server does not take that one.
    Fallback {
        /// Which.
        id: CommandId,
        /// How.
        fallback: Fallback,
    },
    /// A queued command was dropped because what went before left no state for it. Nothing of it was sent.
    NotSent {
        /// Which.
        id: CommandId,
        /// Why.
        why: Misuse,
    },

    /// `* n EXISTS`: so many messages are in the mailbox.
    Exists(u32),
    /// `* n RECENT` (RFC 3501)
    Recent(u32),
    /// `* n EXPUNGE`: this message is gone and the numbers above it are one less.
    Expunge(NonZeroU32),
    /// `* VANISHED` (RFC 7162)
    Vanished {
        /// `(EARLIER)`: no message numbers change.
        earlier: bool,
        /// The UIDs.
        uids: UidSet,
    },
    /// `* FLAGS`: the flags of the mailbox.
    Flags(Flags),
    /// `* LIST`
    List(ListResponse),
    /// `* LSUB` (RFC 3501)
    Lsub(ListResponse),
    /// `* STATUS`
    Status(Mailbox, Vec<StatusItem>),
    /// `* XLIST`
    XList(ListResponse),
    /// `* SEARCH` (RFC 3501)
    Search(SearchResponse),
    /// `* SORT` (RFC 5256)
    Sort(SearchResponse),
    /// `* THREAD` (RFC 5256)
    Thread(Threads),
    /// `* ESEARCH`; it names the tag of its command, see [`Client::tag`](crate::client::Client::tag).
    Esearch(EsearchResponse),
    /// `* UIDBATCHES` (RFC 10022)
    UidBatches(UidBatches),
    /// `* QUOTA` (RFC 9208)
    Quota {
        /// The quota root.
        root: AString,
        /// Its resources.
        resources: Vec<QuotaUsage>,
    },
    /// `* QUOTAROOT` (RFC 9208)
    QuotaRoot {
        /// The mailbox.
        mailbox: Mailbox,
        /// Its quota roots.
        roots: Vec<AString>,
    },
    /// `* ACL` (RFC 4314)
    Acl(Acl),
    /// `* LISTRIGHTS` (RFC 4314)
    ListRights(ListRights),
    /// `* MYRIGHTS` (RFC 4314)
    MyRights {
        /// The mailbox.
        mailbox: Mailbox,
        /// What the user may do.
        rights: Rights,
    },
    /// `* METADATA` (RFC 5464): values that were asked for, or which entries changed.
    Metadata(Metadata),
    /// `* GENURLAUTH` (RFC 4467)
    GenUrlAuth(Vec<AString>),
    /// `* URLFETCH` (RFC 4467)
    UrlFetch(Vec<FetchedUrl>),
    /// `* LANGUAGE` (RFC 5255)
    Language(Vec<AString>),
    /// `* COMPARATOR` (RFC 5255)
    Comparator(Comparator),
    /// `* JMAPACCESS` (RFC 9698). Untrusted, like all addresses of a server.
    JmapAccess(AString),
    /// The capabilities are known, or known anew: [`Client::capabilities`](crate::client::Client::capabilities).
    Capability(Vec<Capability>),
    /// `* ENABLED`
    Enabled(Vec<Capability>),
    /// `* NAMESPACE`
    Namespace(Namespaces),
    /// `* ID`
    Id(IdParameters),
    /// A text the user has to see (RFC 9051 7.1: ALERT). The server said it, inside TLS or on a connection that is
    /// local; whoever shows it still makes no link of what is in it.
    Alert(Bytes),
    /// An ALERT that came in the clear, where anybody in the path can write one: best ignored, and where it is shown,
    /// marked as suspicious (RFC 9051 7.1). What comes in the clear while TLS is still to come is not told at all.
    AlertInClear(Bytes),
    /// `* OK`, `* NO` or `* BAD`: information, a warning or an error of no command in particular.
    Untagged(Status),
    /// An untagged response this crate does not know, from after `* ` on.
    Other(Bytes),
    /// `* BYE`: the server ends the conversation. Without its words where TLS was still to come.
    Bye(Status),

    /// A FETCH row begins: data of the message of this number.
    Row(NonZeroU32),
    /// A UIDFETCH row begins: data of the message of this UID (RFC 9586, UIDONLY).
    UidRow(NonZeroU32),
    /// One item of the row, complete. One that could not be understood is [`FetchItem::Opaque`].
    Item(FetchItem),
    /// A payload begins whose octets stream.
    Literal {
        /// What the octets are.
        payload: Payload,
        /// How many octets the server announced. A claim until they are there: allocate nothing from it.
        length: u64,
    },
    /// Octets of the payload.
    Body(Bytes),
    /// The payload is complete.
    LiteralEnd,
    /// The row is complete.
    RowEnd,
    /// The connection ended within a row: a payload that has no [`LiteralEnd`](Self::LiteralEnd) is incomplete.
    RowAborted,

    /// The server broke the protocol; the conversation goes on.
    Violation(Violation),
}
