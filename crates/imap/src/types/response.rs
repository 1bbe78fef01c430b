//! Responses (RFC 9051, section 7).

use crate::types::{
    AString, Acl, Capability, Comparator, EsearchResponse, FetchItem, FetchedUrl, Flags, IdParameters,
    ListResponse, ListRights, Mailbox, Metadata, Namespaces, QuotaUsage, ResponseCode, Rights,
    SearchResponse, StatusItem, Tag, Threads, UidBatches, UidSet,
};
use alloc::vec::Vec;
use bytes::Bytes;
use core::num::NonZeroU32;

/// One complete response.
///
/// A FETCH row with a long payload is not one of these: see [`crate::parse::fetch`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Response {
    /// `tag OK`, `tag NO`, `tag BAD`: a command is done.
    Tagged(Tag, Status),
    /// `* OK`, `* NO`, `* BAD`, `* PREAUTH`, `* BYE`.
    Untagged(Status),
    /// `+ text`: a continuation request; the text is base64 during AUTHENTICATE. May be empty.
    Continue(Bytes),
    /// `* CAPABILITY ..`
    Capability(Vec<Capability>),
    /// `* ENABLED ..`
    Enabled(Vec<Capability>),
    /// `* FLAGS (..)`
    Flags(Flags),
    /// `* LIST ..`
    List(ListResponse),
    /// `* LSUB ..` (RFC 3501)
    Lsub(ListResponse),
    /// `* XLIST ..` (XLIST)
    XList(ListResponse),
    /// `* SEARCH n ..` (RFC 3501)
    Search(SearchResponse),
    /// `* SORT n ..` (RFC 5256)
    Sort(SearchResponse),
    /// `* THREAD (..)` (RFC 5256)
    Thread(Threads),
    /// `* ESEARCH ..`
    Esearch(EsearchResponse),
    /// `* STATUS mailbox (..)`
    Status(Mailbox, Vec<StatusItem>),
    /// `* n EXISTS`
    Exists(u32),
    /// `* n RECENT` (RFC 3501)
    Recent(u32),
    /// `* n EXPUNGE`
    Expunge(NonZeroU32),
    /// `* n FETCH (..)`
    Fetch(NonZeroU32, Vec<FetchItem>),
    /// `* uid UIDFETCH (..)` (RFC 9586)
    UidFetch(NonZeroU32, Vec<FetchItem>),
    /// `* NAMESPACE ..`
    Namespace(Namespaces),
    /// `* ID ..`
    Id(IdParameters),
    /// `* VANISHED` or `* VANISHED (EARLIER)` (RFC 7162)
    Vanished {
        /// `(EARLIER)`: before this mailbox was opened; no message numbers change.
        earlier: bool,
        /// The UIDs.
        uids: UidSet,
    },
    /// `* UIDBATCHES ..` (RFC 10022)
    UidBatches(UidBatches),
    /// `* QUOTA root (..)` (RFC 9208)
    Quota {
        /// The quota root.
        root: AString,
        /// Its resources.
        resources: Vec<QuotaUsage>,
    },
    /// `* QUOTAROOT mailbox root ..` (RFC 9208)
    QuotaRoot {
        /// The mailbox.
        mailbox: Mailbox,
        /// Its quota roots.
        roots: Vec<AString>,
    },
    /// `* ACL ..` (RFC 4314)
    Acl(Acl),
    /// `* LISTRIGHTS ..` (RFC 4314)
    ListRights(ListRights),
    /// `* MYRIGHTS mailbox rights` (RFC 4314)
    MyRights {
        /// The mailbox.
        mailbox: Mailbox,
        /// What the user may do.
        rights: Rights,
    },
    /// `* METADATA ..` (RFC 5464)
    Metadata(Metadata),
    /// `* GENURLAUTH url ..` (RFC 4467)
    GenUrlAuth(Vec<AString>),
    /// `* URLFETCH url data ..` (RFC 4467, RFC 5524)
    UrlFetch(Vec<FetchedUrl>),
    /// `* LANGUAGE (..)` (RFC 5255): the language in use, or those there are.
    Language(Vec<AString>),
    /// `* COMPARATOR ..` (RFC 5255)
    Comparator(Comparator),
    /// `* JMAPACCESS url` (RFC 9698)
    JmapAccess(AString),
    /// An untagged response this crate does not know, from after `* ` on; the encoder leaves it out.
    Other(Bytes),
}

/// A status response: condition, code and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// OK, NO, BAD, PREAUTH or BYE.
    pub condition: Condition,
    /// The code in brackets.
    pub code: Option<ResponseCode>,
    /// Text for people. The encoder replaces CR, LF and NUL by spaces and writes `-` where it is empty.
    pub text: Bytes,
}

/// The five conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// `OK`
    Ok,
    /// `NO`
    No,
    /// `BAD`
    Bad,
    /// `PREAUTH`, only as a greeting.
    PreAuth,
    /// `BYE`, only untagged.
    Bye,
}

/// A response and how it had to be repaired to be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The response.
    pub response: Response,
    /// What was wrong with its spelling.
    pub repairs: Repairs,
}

/// The departures from the grammar that a client overlooks, as a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Repairs(u16);

impl Repairs {
    /// A status without text, or `+` without the space.
    pub const MISSING_TEXT: Self = Self(1);
    /// More spaces than the grammar has, or trailing ones.
    pub const EXTRA_SPACE: Self = Self(2);
    /// A response code that is unknown to its own grammar; kept as [`ResponseCode::Other`].
    pub const MALFORMED_CODE: Self = Self(4);
    /// A flag that is none; kept as [`Flag::Odd`](crate::types::Flag::Odd).
    pub const ODD_FLAG: Self = Self(8);
    /// A number out of range.
    pub const ODD_NUMBER: Self = Self(16);
    /// 8-bit octets, a control octet or a stray backslash in a quoted string; NUL in a literal.
    pub const ODD_STRING: Self = Self(32);
    /// A FETCH item that could not be understood; kept as [`FetchItem::Opaque`].
    pub const MALFORMED_ITEM: Self = Self(64);
    /// A mailbox name that is not canonical, see [`Mailbox::raw`].
    pub const ODD_MAILBOX: Self = Self(128);
    /// An empty list, or NIL, where the grammar has the other.
    pub const ODD_LIST: Self = Self(256);
    /// A capability that is none, or was torn in two.
    pub const ODD_CAPABILITY: Self = Self(512);

    /// Whether nothing was wrong.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of `other` happened.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
