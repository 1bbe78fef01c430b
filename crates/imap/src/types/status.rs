//! STATUS (RFC 9051, sections 6.3.11 and 7.3.4; RFC 7162, 7889, 8438, 8474, 9208).

use crate::types::ObjectId;

/// `status-att`: what can be asked of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum StatusAttribute {
    /// `MESSAGES`: how many messages.
    Messages,
    /// `RECENT` (RFC 3501): how many with `\Recent`.
    Recent,
    /// `UIDNEXT`
    UidNext,
    /// `UIDVALIDITY`
    UidValidity,
    /// `UNSEEN`: how many without `\Seen`.
    Unseen,
    /// `DELETED`: how many with `\Deleted`.
    Deleted,
    /// `DELETED-STORAGE`: octets of those with `\Deleted` (RFC 9208).
    DeletedStorage,
    /// `SIZE`: octets of all messages (RFC 8438).
    Size,
    /// `HIGHESTMODSEQ` (RFC 7162)
    HighestModSeq,
    /// `APPENDLIMIT`: the longest message that can be appended (RFC 7889).
    AppendLimit,
    /// `MAILBOXID` (RFC 8474)
    MailboxId,
}

impl StatusAttribute {
    /// Every attribute.
    pub const EVERY: [Self; 11] = [
        Self::Messages,
        Self::Recent,
        Self::UidNext,
        Self::UidValidity,
        Self::Unseen,
        Self::Deleted,
        Self::DeletedStorage,
        Self::Size,
        Self::HighestModSeq,
        Self::AppendLimit,
        Self::MailboxId,
    ];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Messages => "MESSAGES",
            Self::Recent => "RECENT",
            Self::UidNext => "UIDNEXT",
            Self::UidValidity => "UIDVALIDITY",
            Self::Unseen => "UNSEEN",
            Self::Deleted => "DELETED",
            Self::DeletedStorage => "DELETED-STORAGE",
            Self::Size => "SIZE",
            Self::HighestModSeq => "HIGHESTMODSEQ",
            Self::AppendLimit => "APPENDLIMIT",
            Self::MailboxId => "MAILBOXID",
        }
    }

    /// The attribute called `name`, in any case.
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        Self::EVERY.into_iter().find(|attribute| name.eq_ignore_ascii_case(attribute.name().as_bytes()))
    }
}

/// `status-att-val`. Numbers are wide: servers send some beyond what the grammar allows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatusItem {
    /// `MESSAGES`
    Messages(u64),
    /// `RECENT`
    Recent(u64),
    /// `UIDNEXT`
    UidNext(u64),
    /// `UIDVALIDITY`
    UidValidity(u64),
    /// `UNSEEN`
    Unseen(u64),
    /// `DELETED`
    Deleted(u64),
    /// `DELETED-STORAGE`, in octets
    DeletedStorage(u64),
    /// `SIZE`, in octets
    Size(u64),
    /// `HIGHESTMODSEQ`, zero where mod-sequences are not kept
    HighestModSeq(u64),
    /// `APPENDLIMIT`, in octets; `None` where there is no limit.
    AppendLimit(Option<u64>),
    /// `MAILBOXID`
    MailboxId(ObjectId),
}

impl StatusItem {
    /// The item whose value is `number`; `None` for [`StatusAttribute::MailboxId`], whose value is none.
    pub const fn number(attribute: StatusAttribute, number: u64) -> Option<Self> {
        Some(match attribute {
            StatusAttribute::Messages => Self::Messages(number),
            StatusAttribute::Recent => Self::Recent(number),
            StatusAttribute::UidNext => Self::UidNext(number),
            StatusAttribute::UidValidity => Self::UidValidity(number),
            StatusAttribute::Unseen => Self::Unseen(number),
            StatusAttribute::Deleted => Self::Deleted(number),
            StatusAttribute::DeletedStorage => Self::DeletedStorage(number),
            StatusAttribute::Size => Self::Size(number),
            StatusAttribute::HighestModSeq => Self::HighestModSeq(number),
            StatusAttribute::AppendLimit => Self::AppendLimit(Some(number)),
            StatusAttribute::MailboxId => return None,
        })
    }

    /// What the item tells.
    pub const fn attribute(&self) -> StatusAttribute {
        match self {
            Self::Messages(_) => StatusAttribute::Messages,
            Self::Recent(_) => StatusAttribute::Recent,
            Self::UidNext(_) => StatusAttribute::UidNext,
            Self::UidValidity(_) => StatusAttribute::UidValidity,
            Self::Unseen(_) => StatusAttribute::Unseen,
            Self::Deleted(_) => StatusAttribute::Deleted,
            Self::DeletedStorage(_) => StatusAttribute::DeletedStorage,
            Self::Size(_) => StatusAttribute::Size,
            Self::HighestModSeq(_) => StatusAttribute::HighestModSeq,
            Self::AppendLimit(_) => StatusAttribute::AppendLimit,
            Self::MailboxId(_) => StatusAttribute::MailboxId,
        }
    }

    /// The value where it is a number.
    pub const fn value(&self) -> Option<u64> {
        match self {
            Self::Messages(number)
            | Self::Recent(number)
            | Self::UidNext(number)
            | Self::UidValidity(number)
            | Self::Unseen(number)
            | Self::Deleted(number)
            | Self::DeletedStorage(number)
            | Self::Size(number)
            | Self::HighestModSeq(number) => Some(*number),
            Self::AppendLimit(limit) => *limit,
            Self::MailboxId(_) => None,
        }
    }
}
