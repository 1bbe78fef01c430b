//! A set of UIDs as ranges that neither overlap nor touch; every step costs the logarithm of their number.

use crate::types::UidSet;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::num::NonZeroU32;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ranges {
    /// First to last.
    ranges: BTreeMap<u32, u32>,
    len: u64,
}

impl Ranges {
    pub(super) fn of(uids: &UidSet) -> Self {
        let mut ranges = Self::default();
        for range in uids.ranges() {
            ranges.insert_range(range.start().get(), range.end().get());
        }
        ranges
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many numbers.
    pub(super) const fn len(&self) -> u64 {
        self.len
    }

    /// How many ranges.
    pub(super) fn count(&self) -> usize {
        self.ranges.len()
    }

    pub(super) fn last(&self) -> Option<u32> {
        self.ranges.last_key_value().map(|(_, last)| *last)
    }

    fn contains(&self, number: u32) -> bool {
        self.ranges.range(..=number).next_back().is_some_and(|(_, last)| *last >= number)
    }

    /// Adds a number. Whether it was not there.
    pub(super) fn insert(&mut self, number: u32) -> bool {
        let is_new = !self.contains(number);
        if is_new {
            self.insert_range(number, number);
        }
        is_new
    }

    pub(super) fn insert_range(&mut self, first: u32, last: u32) {
        if last < first {
            return;
        }
        let (mut start, mut end) = (first, last);
        // The range in front, when it overlaps or touches.
        let before = self.ranges.range(..=first).next_back().map(|(a, b)| (*a, *b));
        if let Some((before, until)) = before.filter(|(_, until)| *until >= first.saturating_sub(1)) {
            (start, end) = (before, end.max(until));
        }
        while let Some((next, until)) = self.ranges.range(start..).next().map(|(a, b)| (*a, *b)) {
            if next > end.saturating_add(1) {
                break;
            }
            end = end.max(until);
            self.ranges.remove(&next);
            self.len = self.len.saturating_sub(length(next, until));
        }
        self.ranges.insert(start, end);
        self.len = self.len.saturating_add(length(start, end));
    }

    /// Takes numbers away and gives those that were there.
    pub(super) fn remove_range(&mut self, first: u32, last: u32) -> Vec<(u32, u32)> {
        let mut removed = Vec::new();
        if last < first {
            return removed;
        }
        let before = self.ranges.range(..first).next_back().map(|(a, b)| (*a, *b));
        if let Some((start, end)) = before.filter(|(_, end)| *end >= first) {
            self.ranges.insert(start, first.saturating_sub(1));
            removed.push((first, end.min(last)));
            if end > last {
                self.ranges.insert(last.saturating_add(1), end);
            }
        }
        while let Some((start, end)) = self.ranges.range(first..=last).next().map(|(a, b)| (*a, *b)) {
            self.ranges.remove(&start);
            removed.push((start, end.min(last)));
            if end > last {
                self.ranges.insert(last.saturating_add(1), end);
            }
        }
        let gone = removed.iter().map(|(start, end)| length(*start, *end));
        self.len = self.len.saturating_sub(gone.fold(0, u64::saturating_add));
        removed
    }

    /// The numbers that are not in `other`.
    pub(super) fn without(&self, other: &Self) -> Self {
        let mut rest = self.clone();
        for (first, last) in &other.ranges {
            let _ = rest.remove_range(*first, *last);
        }
        rest
    }

    pub(super) fn to_uids(&self) -> UidSet {
        UidSet::new(self.ranges.iter().filter_map(|(a, b)| Some(NonZeroU32::new(*a)?..=NonZeroU32::new(*b)?)))
    }
}

fn length(first: u32, last: u32) -> u64 {
    u64::from(last.saturating_sub(first)).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranges_are_a_set(steps in prop::collection::vec((any::<bool>(), 1u32..40, 0u32..8), 0..40)) {
            let (mut ranges, mut model) = (Ranges::default(), BTreeSet::new());
            for (insert, first, more) in steps {
                let numbers = first..=first + more;
                if insert {
                    ranges.insert_range(first, first + more);
                    model.extend(numbers);
                } else {
                    let removed = ranges.remove_range(first, first + more);
                    let removed: BTreeSet<u32> = removed.into_iter().flat_map(|(a, b)| a..=b).collect();
                    let expected: BTreeSet<u32> = numbers.filter(|number| model.remove(number)).collect();
                    prop_assert_eq!(removed, expected);
                }
                prop_assert_eq!(ranges.to_uids().iter().collect::<BTreeSet<_>>(), model.clone());
                prop_assert_eq!(ranges.len(), model.len() as u64);
                prop_assert_eq!(ranges.last(), model.last().copied());
                prop_assert!(ranges.ranges.iter().zip(ranges.ranges.iter().skip(1)).all(|(a, b)| a.1 + 1 < *b.0));
            }
        }
    }

    #[test]
    fn hst_03_the_largest_range_costs_nothing() {
        let mut ranges = Ranges::default();
        ranges.insert_range(1, u32::MAX);
        assert_eq!((ranges.len(), ranges.count()), (u64::from(u32::MAX), 1));
        assert!(!ranges.insert(u32::MAX));
        assert_eq!(ranges.remove_range(2, u32::MAX), [(2, u32::MAX)]);
        assert_eq!(ranges.len(), 1);
        assert_eq!(ranges.remove_range(u32::MAX, u32::MAX), []);
        ranges.insert_range(u32::MAX, u32::MAX);
        assert_eq!(ranges.last(), Some(u32::MAX));
    }
}
