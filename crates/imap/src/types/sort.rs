//! What SORT sorts by (RFC 5256, section 5; RFC 5957, section 5).

use crate::types::{AString, SearchKey, SearchReturn};
use alloc::vec::Vec;

/// The arguments of SORT (RFC 5256, section 3; RFC 5267 for RETURN).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortCommand {
    /// `RETURN (..)`: answer with ESEARCH; `Some` and empty means ALL.
    pub returns: Option<Vec<SearchReturn>>,
    /// By what, the most important first; never empty.
    pub criteria: Vec<SortCriterion>,
    /// The charset of the strings, as [`SearchCommand::charset`](crate::types::SearchCommand::charset).
    pub charset: AString,
    /// Which messages: all keys must match; a server never sees an empty list.
    pub keys: Vec<SearchKey>,
}

/// `sort-criterion = ["REVERSE" SP] sort-key`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SortCriterion {
    /// What is compared.
    pub key: SortKey,
    /// Which comes first.
    pub order: SortOrder,
}

impl SortCriterion {
    /// By `key`, the smallest first.
    pub const fn ascending(key: SortKey) -> Self {
        Self { key, order: SortOrder::Ascending }
    }

    /// `REVERSE key`
    pub const fn reverse(key: SortKey) -> Self {
        Self { key, order: SortOrder::Reverse }
    }
}

/// The direction of one criterion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SortOrder {
    /// The smallest first.
    Ascending,
    /// `REVERSE`: the largest first; messages that are equal stay in the order of the mailbox.
    Reverse,
}

/// `sort-key`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SortKey {
    /// `ARRIVAL`: the internal date and time.
    Arrival,
    /// `CC`: the mailbox of the first address.
    Cc,
    /// `DATE`: when it was sent, as a moment.
    Date,
    /// `DISPLAYFROM` (RFC 5957): the name of the first author, or else the address.
    DisplayFrom,
    /// `DISPLAYTO` (RFC 5957)
    DisplayTo,
    /// `FROM`: the mailbox of the first address.
    From,
    /// `SIZE`
    Size,
    /// `SUBJECT`: the base subject.
    Subject,
    /// `TO`: the mailbox of the first address.
    To,
    /// `RELEVANCY` (RFC 6203): how well the message matches a fuzzy search.
    Relevancy,
}

impl SortKey {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Arrival => "ARRIVAL",
            Self::Cc => "CC",
            Self::Date => "DATE",
            Self::DisplayFrom => "DISPLAYFROM",
            Self::DisplayTo => "DISPLAYTO",
            Self::From => "FROM",
            Self::Size => "SIZE",
            Self::Subject => "SUBJECT",
            Self::To => "TO",
            Self::Relevancy => "RELEVANCY",
        }
    }

    /// The key called `name`, in any case.
    pub fn named(name: &[u8]) -> Option<Self> {
        const ALL: [SortKey; 10] = [
            SortKey::Arrival,
            SortKey::Cc,
            SortKey::Date,
            SortKey::DisplayFrom,
            SortKey::DisplayTo,
            SortKey::From,
            SortKey::Size,
            SortKey::Subject,
            SortKey::To,
            SortKey::Relevancy,
        ];
        ALL.into_iter().find(|key| name.eq_ignore_ascii_case(key.name().as_bytes()))
    }
}
