//! A session's picture of the selected mailbox: which sequence number is which UID (RFC 9051 2.3.1).
//!
//! Sequence numbers are positions, counted from 1, in the ascending list of UIDs the client knows. The client's
//! picture changes only when it is told, so the application changes this one exactly when it sends EXISTS or
//! EXPUNGE. Flags and contents are not kept here.

use alloc::vec::Vec;
use core::num::NonZeroU32;

use crate::types::{Addressing, SequenceSet};

/// The UIDs the client knows of, ascending.
///
/// Memory: 4 octets a message. Look-ups by UID are binary, by number direct; an expunge moves what follows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    uids: Vec<u32>,
}

impl View {
    /// The picture of a mailbox with these UIDs, in any order.
    pub fn new(uids: impl IntoIterator<Item = u32>) -> Self {
        let mut uids: Vec<u32> = uids.into_iter().filter(|uid| *uid != 0).collect();
        uids.sort_unstable();
        uids.dedup();
        Self { uids }
    }

    /// How many messages the client knows of (EXISTS).
    pub fn len(&self) -> usize {
        self.uids.len()
    }

    /// Whether it knows of none.
    pub fn is_empty(&self) -> bool {
        self.uids.is_empty()
    }

    /// The UIDs, ascending.
    pub fn uids(&self) -> &[u32] {
        &self.uids
    }

    /// The largest sequence number, 0 where there is none.
    pub fn largest_seq(&self) -> u32 {
        u32::try_from(self.uids.len()).unwrap_or(u32::MAX)
    }

    /// The largest UID, 0 where there is none.
    pub fn largest_uid(&self) -> u32 {
        self.uids.last().copied().unwrap_or_default()
    }

    /// The sequence number of the message with `uid`.
    pub fn seq_of(&self, uid: u32) -> Option<NonZeroU32> {
        let index = self.uids.binary_search(&uid).ok()?;
        NonZeroU32::new(u32::try_from(index).ok()?.checked_add(1)?)
    }

    /// The UID of the message with sequence number `seq`.
    pub fn uid_at(&self, seq: u32) -> Option<u32> {
        self.uids.get(usize::try_from(seq.checked_sub(1)?).ok()?).copied()
    }

    /// Adds a message the client is told of by EXISTS. One that is not newer than all others is not added: it
    /// would shift the numbers of others.
    pub fn push(&mut self, uid: u32) -> bool {
        let newer = uid > self.largest_uid();
        if newer {
            self.uids.push(uid);
        }
        newer
    }

    /// Takes away a message; the number it had, which EXPUNGE tells the client.
    pub fn remove(&mut self, uid: u32) -> Option<NonZeroU32> {
        let index = self.uids.binary_search(&uid).ok()?;
        let seq = self.seq_of(uid);
        self.uids.remove(index);
        seq
    }

    /// The messages that `set` names, in ascending order, each once: sequence number and UID. Names of what is not
    /// there are passed over, and `*` names nothing in an empty mailbox (RFC 9051 9, `seq-range`).
    pub fn resolve<'a>(
        &'a self,
        set: &SequenceSet,
        addressing: Addressing,
    ) -> impl Iterator<Item = (NonZeroU32, u32)> + use<'a> {
        let ranges = match addressing {
            _ if self.is_empty() => Vec::new(),
            Addressing::Sequence => set.resolve(self.largest_seq()),
            Addressing::Uid => set.resolve(self.largest_uid()),
        };
        let indices = ranges.into_iter().flat_map(move |range| {
            let (start, end) = match addressing {
                Addressing::Sequence => (index(range.start().saturating_sub(1)), index(*range.end())),
                Addressing::Uid => (
                    self.uids.partition_point(|uid| uid < range.start()),
                    self.uids.partition_point(|uid| uid <= range.end()),
                ),
            };
            start..end.min(self.uids.len())
        });
        indices.filter_map(|at| {
            let seq = NonZeroU32::new(u32::try_from(at).ok()?.checked_add(1)?)?;
            Some((seq, *self.uids.get(at)?))
        })
    }

    /// Whether every sequence number that `set` names is there. A client that names others is out of step
    /// (RFC 9051 6.4: BAD).
    pub fn covers(&self, set: &SequenceSet) -> bool {
        !self.is_empty() && set.largest_number().is_none_or(|number| number.get() <= self.largest_seq())
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{SequenceNumber, SequenceRange};
    use proptest::prelude::*;

    fn set(ranges: &[(u32, u32)]) -> SequenceSet {
        let number = |number| NonZeroU32::new(number).map_or(SequenceNumber::Largest, SequenceNumber::Number);
        let ranges = ranges.iter().map(|(a, b)| SequenceRange { start: number(*a), end: number(*b) });
        SequenceSet::new(ranges.collect()).unwrap()
    }

    proptest! {
        #[test]
        fn resolves_as_testing_every_message_does(
            uids in prop::collection::btree_set(1u32..60, 0..20),
            ranges in prop::collection::vec((0u32..70, 0u32..70), 1..5),
            by_uid in any::<bool>(),
        ) {
            let view = View::new(uids.iter().copied());
            let set = set(&ranges);
            let addressing = if by_uid { Addressing::Uid } else { Addressing::Sequence };
            let largest = if by_uid { view.largest_uid() } else { view.largest_seq() };
            let expected: Vec<(u32, u32)> = uids
                .iter()
                .enumerate()
                .map(|(at, uid)| (u32::try_from(at).unwrap() + 1, *uid))
                .filter(|(seq, uid)| set.contains(if by_uid { *uid } else { *seq }, largest))
                .collect();
            let found: Vec<(u32, u32)> = view.resolve(&set, addressing).map(|(seq, uid)| (seq.get(), uid)).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn numbers_and_uids_are_each_others_inverse(uids in prop::collection::btree_set(1u32..1000, 0..50)) {
            let mut view = View::new(uids.iter().copied());
            for uid in &uids {
                let seq = view.seq_of(*uid).unwrap();
                prop_assert_eq!(view.uid_at(seq.get()), Some(*uid));
            }
            for uid in &uids {
                prop_assert_eq!(view.remove(*uid).map(NonZeroU32::get), Some(1));
            }
            prop_assert!(view.is_empty());
        }
    }

    #[test]
    fn imap_10_nothing_is_named_in_an_empty_mailbox() {
        let view = View::default();
        for ranges in [&[(1, 0)][..], &[(0, 0)], &[(1, 5)]] {
            assert_eq!(view.resolve(&set(ranges), Addressing::Sequence).count(), 0);
            assert_eq!(view.resolve(&set(ranges), Addressing::Uid).count(), 0);
            assert!(!view.covers(&set(ranges)));
        }
    }

    #[test]
    fn imap_09_the_whole_range_of_uids_costs_what_exists() {
        let view = View::new([1, 5, u32::MAX]);
        let found: Vec<u32> =
            view.resolve(&set(&[(1, u32::MAX)]), Addressing::Uid).map(|(_, uid)| uid).collect();
        assert_eq!(found, [1, 5, u32::MAX]);
        // `*` is the largest there is, in either place.
        assert_eq!(view.resolve(&set(&[(u32::MAX, 0)]), Addressing::Uid).count(), 1);
    }

    #[test]
    fn only_a_newer_message_is_added() {
        let mut view = View::new([4, 9]);
        assert!(!view.push(7));
        assert!(view.push(10));
        assert_eq!(view.uids(), [4, 9, 10]);
    }
}
