//! STATUS (RFC 9051, sections 6.3.11 and 7.3.4).

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
    /// `SIZE`: octets of all messages (RFC 8438).
    Size,
    /// `HIGHESTMODSEQ` (RFC 7162)
    HighestModSeq,
}

impl StatusAttribute {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Messages => "MESSAGES",
            Self::Recent => "RECENT",
            Self::UidNext => "UIDNEXT",
            Self::UidValidity => "UIDVALIDITY",
            Self::Unseen => "UNSEEN",
            Self::Deleted => "DELETED",
            Self::Size => "SIZE",
            Self::HighestModSeq => "HIGHESTMODSEQ",
        }
    }

    /// The attribute called `name`, in any case.
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        const ALL: [StatusAttribute; 8] = [
            StatusAttribute::Messages,
            StatusAttribute::Recent,
            StatusAttribute::UidNext,
            StatusAttribute::UidValidity,
            StatusAttribute::Unseen,
            StatusAttribute::Deleted,
            StatusAttribute::Size,
            StatusAttribute::HighestModSeq,
        ];
        ALL.into_iter().find(|attribute| name.eq_ignore_ascii_case(attribute.name().as_bytes()))
    }
}

/// `status-att-val`. Values are wide: servers send numbers beyond what the grammar allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StatusItem {
    /// What was counted.
    pub attribute: StatusAttribute,
    /// The number.
    pub value: u64,
}
