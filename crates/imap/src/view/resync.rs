//! What a client that comes back with QRESYNC has missed (RFC 7162 3.2.5, 3.2.6): UIDs that vanished, messages whose
//! flags changed since.
//!
//! The client may prove with pairs of sequence number and UID how far it knows of expunged messages (3.2.5.2). A
//! pair that still holds proves it for everything before it, because sequence numbers only ever fall. Whether
//! UIDVALIDITY is the same is asked before.

use alloc::vec::Vec;
use core::num::NonZeroU32;
use core::ops::RangeInclusive;

use super::{View, number};
use crate::types::{SequenceSet, UidSet};

/// What the client says that it knows.
#[derive(Clone, Copy, Debug)]
pub struct Resync<'a> {
    /// The mod-sequence of its last picture.
    pub mod_seq: u64,
    /// The UIDs it is interested in; `None` for all there have ever been.
    pub known_uids: Option<&'a SequenceSet>,
    /// Sequence numbers and the UIDs they had, of the same length and ascending.
    pub matches: Option<(&'a SequenceSet, &'a SequenceSet)>,
}

/// What the store knows of messages that are gone.
#[derive(Clone, Copy, Debug)]
pub enum History<'a> {
    /// These, at least, were expunged since the mod-sequence the client named.
    Expunged(&'a UidSet),
    /// Nothing so far back: all that is not there may have been.
    Unknown,
}

/// What the client has to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resynced {
    /// `VANISHED (EARLIER)`; empty where there is nothing to say.
    pub vanished: UidSet,
    /// Messages whose flags are to be sent, ascending: number, UID, mod-sequence.
    pub changed: Vec<(NonZeroU32, u32, u64)>,
}

impl View {
    /// What the client has missed, in a mailbox whose next UID is `uid_next`. `None` where the pairs cannot be such:
    /// lists of different lengths, not ascending, or with `*`.
    ///
    /// Takes time in the messages that exist and the ranges that are named.
    ///
    /// ```
    /// use posthaste_imap::types::UidSet;
    /// use posthaste_imap::view::{History, Resync, View};
    ///
    /// let view = View::with_mod_seqs([(1, 5), (3, 9), (4, 6)]);
    /// let known = Resync { mod_seq: 6, known_uids: None, matches: None };
    /// let gone: UidSet = "2".parse()?;
    /// let missed = view.resync(&known, History::Expunged(&gone), 5).unwrap();
    /// assert_eq!(missed.vanished, gone);
    /// let changed: Vec<_> = missed.changed.iter().map(|(seq, uid, mod_seq)| (seq.get(), *uid, *mod_seq)).collect();
    /// assert_eq!(changed, [(2, 3, 9)]);
    /// # Ok::<(), posthaste_imap::ParseError>(())
    /// ```
    pub fn resync(&self, known: &Resync<'_>, history: History<'_>, uid_next: u32) -> Option<Resynced> {
        let proven = match known.matches {
            Some((seqs, uids)) => self.proven_up_to(&pairs(seqs, uids)?),
            None => 0,
        };
        let last = uid_next.saturating_sub(1);
        let asked = match known.known_uids {
            Some(set) => set.resolve(last),
            None => Vec::from([1..=last]),
        };
        let asked: Vec<_> = asked.into_iter().filter_map(|range| clip(&range, 1, last)).collect();
        let changed = asked.iter().flat_map(|range| self.changed_since(range, known.mod_seq)).collect();
        let asked_of: Vec<_> =
            asked.iter().filter_map(|range| clip(range, proven.saturating_add(1), last)).collect();
        let candidates = match history {
            History::Unknown => asked_of,
            History::Expunged(uids) => {
                let expunged = SequenceSet::from_uids(uids).map(|set| set.resolve(0)).unwrap_or_default();
                intersection(&asked_of, &expunged)
            }
        };
        let vanished = candidates.iter().flat_map(|range| self.absent(range));
        let vanished =
            vanished.filter_map(|(start, end)| Some(NonZeroU32::new(start)?..=NonZeroU32::new(end)?));
        Some(Resynced { vanished: UidSet::new(vanished), changed })
    }

    /// The largest UID of a pair that holds. All pairs before one that holds do, so each run is halved.
    fn proven_up_to(&self, runs: &[Run]) -> u32 {
        let holds = |run: &Run, offset: u32| {
            let (seq, uid) = (run.seq.checked_add(offset), run.uid.checked_add(offset));
            seq.zip(uid).is_some_and(|(seq, uid)| self.uid_at(seq) == Some(uid))
        };
        for run in runs.iter().rev() {
            let (mut low, mut high) = (0, run.count);
            while low < high {
                let middle = low.saturating_add(high.saturating_sub(low) / 2);
                if holds(run, middle) { low = middle.saturating_add(1) } else { high = middle }
            }
            if let Some(last) = low.checked_sub(1) {
                return run.uid.saturating_add(last);
            }
        }
        0
    }

    fn changed_since(
        &self,
        range: &RangeInclusive<u32>,
        mod_seq: u64,
    ) -> impl Iterator<Item = (NonZeroU32, u32, u64)> {
        let start = self.uids.partition_point(|uid| uid < range.start());
        let end = self.uids.partition_point(|uid| uid <= range.end()).min(self.told);
        let numbered = (self.live.before(start)..).zip(self.places(start, end));
        numbered.filter_map(move |(before, place)| {
            let found = *self.mod_seqs.get(place)?;
            (found > mod_seq && !self.gone.has(place)).then_some(())?;
            Some((number(before)?, *self.uids.get(place)?, found))
        })
    }

    /// What of `range` is no message, in ranges.
    fn absent(&self, range: &RangeInclusive<u32>) -> impl Iterator<Item = (u32, u32)> {
        let (first, last) = (*range.start(), *range.end());
        let start = self.uids.partition_point(|uid| *uid < first);
        let end = self.uids.partition_point(|uid| *uid <= last).min(self.told);
        let mut next = first;
        let present = self.places(start, end).filter_map(|place| self.uids.get(place).copied());
        // A message beyond the end closes the last gap.
        present.map(Some).chain([None]).filter_map(move |uid| {
            let gap_end = uid.map_or(last, |uid| uid.saturating_sub(1));
            let gap = (next, gap_end);
            let open = next != 0 && next <= gap_end;
            // 0 behind the largest number there can be: nothing is left.
            next = uid.map_or(0, |uid| uid.checked_add(1).unwrap_or(0));
            open.then_some(gap)
        })
    }
}

/// Pairs that follow each other.
#[derive(Debug)]
struct Run {
    seq: u32,
    uid: u32,
    count: u32,
}

/// The pairs of two sets, in runs.
fn pairs(seqs: &SequenceSet, uids: &SequenceSet) -> Option<Vec<Run>> {
    let ascending = |set: &SequenceSet| -> Option<Vec<(u32, u32)>> {
        if set.has_largest() {
            return None;
        }
        let mut last = 0;
        let ranges = set.ranges().iter().map(|range| {
            let range = range.resolve(0);
            let (start, end) = (*range.start(), *range.end());
            (start > last).then(|| {
                last = end;
                (start, end.saturating_sub(start).saturating_add(1))
            })
        });
        ranges.collect()
    };
    let (mut seqs, mut uids) = (ascending(seqs)?.into_iter(), ascending(uids)?.into_iter());
    let (mut seq, mut uid) = (seqs.next(), uids.next());
    let mut runs = Vec::new();
    while let (Some((first_seq, seq_count)), Some((first_uid, uid_count))) = (seq, uid) {
        let count = seq_count.min(uid_count);
        runs.push(Run { seq: first_seq, uid: first_uid, count });
        seq = rest(first_seq, seq_count, count).or_else(|| seqs.next());
        uid = rest(first_uid, uid_count, count).or_else(|| uids.next());
    }
    (seq.is_none() && uid.is_none()).then_some(runs)
}

fn rest(first: u32, count: u32, used: u32) -> Option<(u32, u32)> {
    let left = count.checked_sub(used).filter(|left| *left > 0)?;
    Some((first.checked_add(used)?, left))
}

fn clip(range: &RangeInclusive<u32>, first: u32, last: u32) -> Option<RangeInclusive<u32>> {
    let (start, end) = (*range.start().max(&first), *range.end().min(&last));
    (start <= end).then_some(start..=end)
}

/// What two lists of ascending ranges have in common. Linear.
fn intersection(one: &[RangeInclusive<u32>], other: &[RangeInclusive<u32>]) -> Vec<RangeInclusive<u32>> {
    let (mut ones, mut others) = (one.iter().peekable(), other.iter().peekable());
    let mut common = Vec::new();
    while let (Some(a), Some(b)) = (ones.peek(), others.peek()) {
        common.extend(clip(a, *b.start(), *b.end()));
        if a.end() < b.end() {
            ones.next();
        } else {
            others.next();
        }
    }
    common
}
