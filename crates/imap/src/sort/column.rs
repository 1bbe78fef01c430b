//! Sorting by numbers: for each criterion a column of them, which compare as what they stand for.
//!
//! The number of a text is its rank among all texts of the mailbox, which stays the same from one SORT to the next.

use alloc::vec::Vec;
use core::cmp::Ordering;

use crate::types::SortOrder;

/// What one criterion compares: a number for each message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column(Vec<u64>);

impl Column {
    /// Messages with smaller numbers come first, or last.
    pub fn new(order: SortOrder, numbers: impl Iterator<Item = u64>) -> Self {
        Self(match order {
            SortOrder::Ascending => numbers.collect(),
            SortOrder::Reverse => numbers.map(|number| !number).collect(),
        })
    }

    /// The same of numbers that may be negative.
    pub fn of_signed(order: SortOrder, numbers: impl Iterator<Item = i64>) -> Self {
        Self::new(order, numbers.map(|number| u64::from_ne_bytes(number.to_ne_bytes()) ^ SIGN))
    }

    fn compare(&self, one: u32, other: u32) -> Ordering {
        let at = |place: u32| usize::try_from(place).ok().and_then(|place| self.0.get(place));
        at(one).cmp(&at(other))
    }
}

/// The places of `count` messages, sorted by columns that have a number for each. Messages that are equal by all of
/// them stay in order.
///
/// ```
/// use posthaste_imap::sort::{Column, places};
/// use posthaste_imap::types::SortOrder;
///
/// let sizes = Column::new(SortOrder::Ascending, [20, 10, 20].into_iter());
/// let dates = Column::of_signed(SortOrder::Reverse, [-1, 0, 1].into_iter());
/// assert_eq!(places(3, &[sizes.clone()]), [1, 0, 2]);
/// assert_eq!(places(3, &[sizes, dates]), [1, 2, 0]);
/// ```
pub fn places(count: usize, columns: &[Column]) -> Vec<u32> {
    let all = 0..u32::try_from(count).unwrap_or(u32::MAX);
    let Some((first, others)) = columns.split_first() else { return all.collect() };
    // The first column decides nearly always, and is at hand.
    let mut sorted: Vec<(u64, u32)> = first.0.iter().copied().zip(all).collect();
    if others.is_empty() {
        sorted.sort_unstable();
    } else {
        sorted.sort_unstable_by(|(number, one), (other_number, other)| {
            let later =
                || others.iter().map(|column| column.compare(*one, *other)).find(|order| order.is_ne());
            number.cmp(other_number).then_with(|| later().unwrap_or_else(|| one.cmp(other)))
        });
    }
    sorted.into_iter().map(|(_, place)| place).collect()
}

const SIGN: u64 = 1 << 63;
