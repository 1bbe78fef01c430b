//! Which messages a set names (RFC 9051 9, `sequence-set`): by ranges, so that the work follows what exists and how
//! many ranges there are, never how large their numbers are.

use alloc::vec::Vec;
use core::num::NonZeroU32;

use super::{View, number};
use crate::types::{Addressing, SequenceSet};

impl View {
    /// The messages that `set` names, in ascending order, each once: sequence number and UID. Names of what is not
    /// there are passed over, and `*` names nothing in an empty mailbox (RFC 9051 9, `seq-range`). Messages that are
    /// gone while the client still counts them are among them, see [`View::is_gone`].
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
        ranges.into_iter().flat_map(move |range| {
            let (start, end) = match addressing {
                Addressing::Sequence => {
                    (self.seq_place(*range.start()), self.seq_place(range.end().saturating_add(1)))
                }
                Addressing::Uid => (
                    self.uids.partition_point(|uid| uid < range.start()),
                    self.uids.partition_point(|uid| uid <= range.end()),
                ),
            };
            let numbers = self.live.before(start)..;
            let places = self.places(start, end.min(self.told));
            numbers.zip(places).filter_map(|(before, place)| Some((number(before)?, *self.uids.get(place)?)))
        })
    }

    /// Whether every sequence number that `set` names is there. A client that names others is out of step
    /// (RFC 9051 6.4: BAD).
    pub fn covers(&self, set: &SequenceSet) -> bool {
        !self.is_empty() && set.largest_number().is_none_or(|number| number.get() <= self.largest_seq())
    }

    /// The place of a sequence number, or the end of what the client knows.
    fn seq_place(&self, seq: u32) -> usize {
        let before = seq.saturating_sub(1);
        let place = usize::try_from(before).ok().and_then(|before| self.live.select(before));
        place.unwrap_or(self.told).min(self.told)
    }
}
