//! What ESEARCH says of the messages found (RFC 4731, RFC 9051 7.3.4, RFC 9394, RFC 7162 3.1.10), and what `$` stands
//! for afterwards (RFC 5182 2.4, RFC 9394 3.2). Linear in the messages found.

use alloc::vec::Vec;
use core::num::NonZeroU32;
use core::ops::RangeInclusive;

use crate::types::{PartialRange, SearchReturn, SequenceSet, UidSet};

/// One message that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// What the answer calls it: its sequence number or its UID.
    pub number: NonZeroU32,
    /// Its UID.
    pub uid: NonZeroU32,
    /// Its mod-sequence; 0 where the mailbox has none.
    pub mod_seq: u64,
}

/// The results of an extended SEARCH. `None` for what was not asked for, and for what there is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SearchAnswer {
    /// `MIN`
    pub min: Option<NonZeroU32>,
    /// `MAX`
    pub max: Option<NonZeroU32>,
    /// `COUNT`
    pub count: Option<u32>,
    /// `ALL`
    pub all: Option<SequenceSet>,
    /// `PARTIAL`: the range that was asked for, and the results in it; `NIL` where there are none.
    pub partial: Option<(PartialRange, Option<SequenceSet>)>,
    /// `MODSEQ`: the highest mod-sequence of the messages that are named, or of all that are counted.
    pub mod_seq: Option<u64>,
}

impl SearchAnswer {
    /// What is answered when `hits`, in the order of the mailbox, were found and `returns` was asked for. An empty
    /// list asks for ALL; a list with nothing but SAVE asks for nothing.
    ///
    /// MODSEQ is part of it where the search had a MODSEQ key
    /// ([`Program::uses_mod_seq`](super::Program::uses_mod_seq)) and found something.
    pub fn new(hits: &[Hit], returns: &[SearchReturn], with_mod_seq: bool) -> Self {
        let asked = |option| returns.contains(&option);
        let partial = returns.iter().find_map(partial_range);
        let (first, last) = (hits.first(), hits.last());
        let wants_all = returns.is_empty() || asked(SearchReturn::All);
        let part = |range: PartialRange| hits.get(range.places(hits.len())).unwrap_or_default();
        Self {
            min: first.filter(|_| asked(SearchReturn::Min)).map(|hit| hit.number),
            max: last.filter(|_| asked(SearchReturn::Max)).map(|hit| hit.number),
            count: asked(SearchReturn::Count).then(|| u32::try_from(hits.len()).unwrap_or(u32::MAX)),
            all: wants_all.then(|| sequence_set(hits)).flatten(),
            partial: partial.map(|range| (range, sequence_set(part(range)))),
            mod_seq: chosen(hits, returns).filter(|_| with_mod_seq).map(|hit| hit.mod_seq).max(),
        }
    }
}

/// What `$` becomes after a search with these options has found `hits`, in the order of the mailbox or, after SORT, in
/// the one that was asked for (RFC 5267 3.1); `None` where it stays as it is.
///
/// | options | `$` |
/// | --- | --- |
/// | no SAVE | as before |
/// | SAVE alone, or with ALL or COUNT, whatever else | all |
/// | SAVE MIN | the first |
/// | SAVE MAX | the last |
/// | SAVE MIN MAX | the first and the last |
/// | SAVE PARTIAL | the part |
/// | SAVE PARTIAL with MIN, MAX or both | the part, and the first, the last or both |
///
/// After a search with SAVE that is answered NO, `$` is empty; after one that is answered BAD it is as before.
pub fn saved_by(hits: &[Hit], returns: &[SearchReturn]) -> Option<UidSet> {
    returns.contains(&SearchReturn::Save).then(|| {
        let ranges = ranges(chosen(hits, returns).map(|hit| hit.uid));
        UidSet::joined(ranges)
    })
}

/// The hits that the options name: a beginning, a middle and an end that do not overlap.
fn chosen<'a>(hits: &'a [Hit], returns: &[SearchReturn]) -> impl Iterator<Item = &'a Hit> + use<'a> {
    let asked = |option| returns.contains(&option);
    let partial = returns.iter().find_map(partial_range);
    let (min, max) = (asked(SearchReturn::Min), asked(SearchReturn::Max));
    let counts_all = asked(SearchReturn::All) || asked(SearchReturn::Count);
    let middle = match partial {
        _ if counts_all => 0..hits.len(),
        Some(range) => range.places(hits.len()),
        None if min || max => 0..0,
        None => 0..hits.len(),
    };
    let is_outside = |at: &usize| !middle.contains(at);
    let first = Some(0).filter(|_| min && !hits.is_empty());
    let last = hits.len().checked_sub(1).filter(|last| max && Some(*last) != first);
    let (first, last) = (first.filter(&is_outside), last.filter(&is_outside));
    first.into_iter().chain(middle).chain(last).filter_map(|at| hits.get(at))
}

fn partial_range(option: &SearchReturn) -> Option<PartialRange> {
    if let SearchReturn::Partial(range) = option { Some(*range) } else { None }
}

fn sequence_set(hits: &[Hit]) -> Option<SequenceSet> {
    SequenceSet::from_uids(&UidSet::new(ranges(hits.iter().map(|hit| hit.number))))
}

/// Joins numbers that follow each other.
fn ranges(numbers: impl Iterator<Item = NonZeroU32>) -> Vec<RangeInclusive<NonZeroU32>> {
    let mut ranges: Vec<RangeInclusive<NonZeroU32>> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some(last) if last.end().checked_add(1) == Some(number) => *last = *last.start()..=number,
            _ => ranges.push(number..=number),
        }
    }
    ranges
}
