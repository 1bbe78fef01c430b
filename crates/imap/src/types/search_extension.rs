//! What extensions add to SEARCH: parts of a result (RFC 9394), mod-sequences of one entry (RFC 7162).

use crate::types::Flag;
use core::fmt;
use core::num::NonZeroU32;

/// `partial-range`: which results are wanted, counted from 1 at either end (RFC 9394, section 4).
///
/// `500:400` is `400:500`; the smaller number is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartialRange {
    from: PartialEnd,
    first: NonZeroU32,
    last: NonZeroU32,
}

/// The end from which the results are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartialEnd {
    /// `1:500`: the oldest are the first.
    Oldest,
    /// `-1:-500`: the newest are the first.
    Newest,
}

impl PartialRange {
    /// The results from one number to the other, in either order.
    pub fn new(from: PartialEnd, one: NonZeroU32, other: NonZeroU32) -> Self {
        Self { from, first: one.min(other), last: one.max(other) }
    }

    /// The end from which is counted.
    pub const fn from(self) -> PartialEnd {
        self.from
    }

    /// The number of the first result, from that end.
    pub const fn first(self) -> NonZeroU32 {
        self.first
    }

    /// The number of the last one.
    pub const fn last(self) -> NonZeroU32 {
        self.last
    }

    /// These places of a list of so many results that begins with the oldest; empty where there are none.
    pub fn places(self, count: usize) -> core::ops::Range<usize> {
        let size = |number: NonZeroU32| usize::try_from(number.get()).unwrap_or(usize::MAX);
        let (before, end) = (size(self.first).saturating_sub(1).min(count), size(self.last).min(count));
        match self.from {
            PartialEnd::Oldest => before..end,
            PartialEnd::Newest => count.saturating_sub(end)..count.saturating_sub(before),
        }
    }
}

impl fmt::Display for PartialRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.from {
            PartialEnd::Oldest => write!(f, "{}:{}", self.first, self.last),
            PartialEnd::Newest => write!(f, "-{}:-{}", self.first, self.last),
        }
    }
}

/// `search-modsequence = "MODSEQ" [search-modseq-ext] SP mod-sequence-valzer` (RFC 7162, section 3.1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModSeqSearch {
    /// The mod-sequence of this alone; a server that has one for the message only takes that.
    pub entry: Option<ModSeqEntry>,
    /// At least so much.
    pub mod_seq: u64,
}

/// `entry-name SP entry-type-req`: the mod-sequence of one flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModSeqEntry {
    /// `/flags/` and this flag.
    pub flag: Flag,
    /// Whose.
    pub scope: ModSeqScope,
}

/// `entry-type-req`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ModSeqScope {
    /// `all`: the larger of both.
    All,
    /// `priv`
    Private,
    /// `shared`
    Shared,
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parts_are_those_of_the_list(one in 1_u32..12, other in 1_u32..12, count in 0_usize..10) {
            let number = |number| NonZeroU32::new(number).unwrap();
            let wanted = one.min(other)..=one.max(other);
            let oldest = PartialRange::new(PartialEnd::Oldest, number(one), number(other));
            let expected: Vec<usize> = (0..count).filter(|at| wanted.contains(&u32::try_from(*at + 1).unwrap())).collect();
            prop_assert!(oldest.places(count).eq(expected));
            let newest = PartialRange::new(PartialEnd::Newest, number(one), number(other));
            let expected: Vec<usize> = (0..count).filter(|at| wanted.contains(&u32::try_from(count - at).unwrap())).collect();
            prop_assert!(newest.places(count).eq(expected));
        }
    }

    #[test]
    fn imap_11_the_largest_parts_are_no_overflow() {
        let all = PartialRange::new(PartialEnd::Newest, NonZeroU32::MAX, NonZeroU32::MIN);
        assert_eq!(all.places(3), 0..3);
        assert_eq!(alloc::format!("{all}"), "-1:-4294967295");
    }
}
