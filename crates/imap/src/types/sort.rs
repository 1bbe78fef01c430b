//! What SORT sorts by (RFC 5256, section 5; RFC 5957, section 5).

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
}
