//! SORT (RFC 5256 3, RFC 5957): the order of messages by any list of criteria.
//!
//! What is compared was computed when the message was stored ([`Overview`]); sorting reads no message. Which messages
//! are sorted is the business of [`search`](crate::search). The collation is `i;unicode-casemap`.
//!
//! Who keeps the ranks of texts sorts by numbers ([`Column`]), which takes a fraction of the time.

mod column;

pub use column::{Column, places};

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::num::NonZeroU32;

use crate::message::Overview;
use crate::types::{SortCriterion, SortKey, SortOrder};

/// One message to be sorted or threaded.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// What the answer calls it: its sequence number or its UID.
    pub number: NonZeroU32,
    /// The internal date, in seconds since 1970.
    pub arrival: i64,
    /// Its octets.
    pub size: u64,
    /// The rest.
    pub overview: &'a Overview<'a>,
}

impl Entry<'_> {
    /// The sent date (RFC 5256 2.2): that of the `Date` field, or else the internal date.
    pub fn sent(&self) -> i64 {
        self.overview.sent.unwrap_or(self.arrival)
    }
}

/// The numbers of `entries`, which are in the order of the mailbox, sorted. Messages that are equal by all criteria
/// stay in the order of the mailbox. Takes n log n comparisons.
///
/// ```
/// use std::num::NonZeroU32;
///
/// use posthaste_imap::message::Overview;
/// use posthaste_imap::sort::{Entry, sort};
/// use posthaste_imap::types::{SortCriterion, SortKey};
///
/// let overview = Overview::default();
/// let entry = |number, size| Entry { number: NonZeroU32::new(number).unwrap(), arrival: 0, size, overview: &overview };
/// let entries = [entry(1, 20), entry(2, 10), entry(3, 20)];
/// let numbers = |criterion| sort(&entries, &[criterion]).iter().map(|number| number.get()).collect::<Vec<u32>>();
/// assert_eq!(numbers(SortCriterion::ascending(SortKey::Size)), [2, 1, 3]);
/// assert_eq!(numbers(SortCriterion::reverse(SortKey::Size)), [1, 3, 2]);
/// ```
pub fn sort(entries: &[Entry<'_>], criteria: &[SortCriterion]) -> Vec<NonZeroU32> {
    let mut sorted: Vec<&Entry<'_>> = entries.iter().collect();
    sorted.sort_by(|one, other| compare(one, other, criteria));
    sorted.into_iter().map(|entry| entry.number).collect()
}

/// Which of two messages comes first; equal where the order of the mailbox decides.
pub fn compare(one: &Entry<'_>, other: &Entry<'_>, criteria: &[SortCriterion]) -> Ordering {
    let mut orders = criteria.iter().map(|criterion| {
        let order = by_key(one, other, criterion.key);
        match criterion.order {
            SortOrder::Ascending => order,
            SortOrder::Reverse => order.reverse(),
        }
    });
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn by_key(one: &Entry<'_>, other: &Entry<'_>, key: SortKey) -> Ordering {
    let texts = |text: for<'a> fn(&'a Overview<'_>) -> &'a str| text(one.overview).cmp(text(other.overview));
    match key {
        SortKey::Arrival => one.arrival.cmp(&other.arrival),
        SortKey::Date => one.sent().cmp(&other.sent()),
        SortKey::Size => one.size.cmp(&other.size),
        SortKey::Cc => texts(|overview| &overview.cc),
        SortKey::From => texts(|overview| &overview.from),
        SortKey::To => texts(|overview| &overview.to),
        SortKey::Subject => texts(|overview| &overview.subject),
        SortKey::DisplayFrom => texts(|overview| &overview.display_from),
        SortKey::DisplayTo => texts(|overview| &overview.display_to),
        // Fuzzy searches are not offered: all matches are equal.
        SortKey::Relevancy => Ordering::Equal,
    }
}
