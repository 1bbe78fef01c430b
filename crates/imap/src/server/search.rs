//! The answers to SEARCH, SORT, THREAD, ESEARCH and UIDBATCHES (RFC 9051 6.4.4; RFC 5256, 4731, 9394, 7377, 10022).
//!
//! The application finds; which form the answer has, and what of it a client asked for, is decided here.

use alloc::vec::Vec;
use core::num::NonZeroU32;
use core::ops::RangeInclusive;
use posthaste_wire::Misuse;

use super::enabled::{Feature, has_mod_seq};
use super::{Asked, MultiSearch, Search, Server, Sort, Thread, UidBatchesOf};
use crate::search::{Hit, SearchAnswer};
use crate::types::{
    AString, Addressing, EsearchResponse, Mailbox, Response, SearchResponse, SearchReturn, SequenceRange,
    SequenceSet, Tag, Threads, UidBatches,
};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Sequence numbers, or UIDs where the command was a UID command: ascending for SEARCH, in order for SORT.
    pub numbers: Vec<NonZeroU32>,
    /// The highest mod-sequence of the messages the client is told of; due where the search asked for MODSEQ, once
    /// CONDSTORE is enabled (RFC 7162 3.1.5, 3.1.10).
    pub mod_seq: Option<u64>,
}

impl From<Vec<NonZeroU32>> for Found {
    fn from(numbers: Vec<NonZeroU32>) -> Self {
        Self { numbers, mod_seq: None }
    }
}

/// The order of what was found, on which the form of a set depends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Ascending,
    Sorted,
}

impl Asked<Search> {
    /// Tells what was found, as [`ok`](Self::ok) does, from hits in the order of the mailbox: mod-sequences are told where
    /// the search asked for them, of the messages the answer names.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn hits(self, server: &mut Server, hits: &[Hit]) -> Result<(), Misuse> {
        let Search { addressing, command } = self.request();
        let with_mod_seq = has_mod_seq(&command.keys);
        let rev2 = server.is_enabled(Feature::Imap4Rev2).then_some(&[][..]);
        let Some(returns) = command.returns.as_deref().or(rev2) else {
            let numbers = hits.iter().map(|hit| hit.number).collect();
            let mod_seq = hits.iter().map(|hit| hit.mod_seq).max().filter(|_| with_mod_seq);
            return self.ok(server, Found { numbers, mod_seq });
        };
        let response = (!is_save_only(returns)).then(|| {
            let answer = SearchAnswer::new(hits, returns, with_mod_seq);
            Response::Esearch(EsearchResponse {
                tag: Some(correlator(&self.tag)),
                uid: *addressing == Addressing::Uid,
                min: answer.min,
                max: answer.max,
                all: answer.all,
                count: answer.count,
                mod_seq: answer.mod_seq,
                partial: answer.partial,
                ..EsearchResponse::default()
            })
        });
        self.complete(server, None, "SEARCH completed", |server| {
            response.iter().for_each(|response| server.send(response));
        })
    }

    /// Tells what was found, as SEARCH or, where the client asked for it or IMAP4rev2 is enabled, as ESEARCH.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server, found: impl Into<Found>) -> Result<(), Misuse> {
        let found = found.into();
        let Search { addressing, command } = self.request();
        let rev2 = server.is_enabled(Feature::Imap4Rev2).then_some(&[][..]);
        let response = match command.returns.as_deref().or(rev2) {
            Some(returns) => {
                let answer = esearch(&self.tag, *addressing, returns, found, Order::Ascending);
                answer.map(Response::Esearch)
            }
            None => {
                let Found { numbers, mod_seq } = found;
                let mod_seq = mod_seq.filter(|_| !numbers.is_empty());
                Some(Response::Search(SearchResponse { numbers, mod_seq }))
            }
        };
        self.complete(server, None, "SEARCH completed", |server| {
            response.iter().for_each(|response| server.send(response));
        })
    }
}

impl Asked<Sort> {
    /// Tells what was found, in order: as SORT, or as ESEARCH where the client asked for it (RFC 5267 3).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server, found: impl Into<Found>) -> Result<(), Misuse> {
        let found = found.into();
        let Sort { addressing, command } = self.request();
        let response = match command.returns.as_deref() {
            Some(returns) => {
                let answer = esearch(&self.tag, *addressing, returns, found, Order::Sorted);
                answer.map(Response::Esearch)
            }
            None => {
                let Found { numbers, mod_seq } = found;
                let mod_seq = mod_seq.filter(|_| !numbers.is_empty());
                Some(Response::Sort(SearchResponse { numbers, mod_seq }))
            }
        };
        self.complete(server, None, "SORT completed", |server| {
            response.iter().for_each(|response| server.send(response));
        })
    }
}

impl Asked<Thread> {
    /// Tells the threads.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server, threads: Threads) -> Result<(), Misuse> {
        self.complete(server, None, "THREAD completed", |server| server.send(&Response::Thread(threads)))
    }
}

impl Asked<MultiSearch> {
    /// Tells what was found in one mailbox: always UIDs, and only where something was found (RFC 7377 2).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn found(
        &self,
        server: &mut Server,
        mailbox: Mailbox,
        uid_validity: NonZeroU32,
        found: impl Into<Found>,
    ) -> Result<(), Misuse> {
        let found = found.into();
        if found.numbers.is_empty() {
            return Ok(());
        }
        let returns = self.command.search.returns.as_deref().unwrap_or_default();
        let Some(mut answer) = esearch(&self.tag, Addressing::Uid, returns, found, Order::Ascending) else {
            return Ok(());
        };
        answer.mailbox = Some((mailbox, uid_validity));
        self.data(server, |server| server.send(&Response::Esearch(answer)))
    }

    /// All mailboxes have been searched.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server) -> Result<(), Misuse> {
        self.complete(server, None, "ESEARCH completed", |_| {})
    }
}

impl Asked<UidBatchesOf> {
    /// Tells the batches that were asked for, highest UIDs first.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server, batches: Vec<RangeInclusive<NonZeroU32>>) -> Result<(), Misuse> {
        let answer = UidBatches { tag: Some(correlator(&self.tag)), batches };
        self.complete(server, None, "UIDBATCHES completed", |server| {
            server.send(&Response::UidBatches(answer));
        })
    }
}

/// The ESEARCH response; `None` where nothing but SAVE was asked for (RFC 9051 6.4.4).
fn esearch(
    tag: &Tag,
    addressing: Addressing,
    returns: &[SearchReturn],
    found: Found,
    order: Order,
) -> Option<EsearchResponse> {
    if is_save_only(returns) {
        return None;
    }
    let Found { numbers, mod_seq } = found;
    let has = |option| returns.contains(&option);
    let set = |numbers: &[NonZeroU32]| match order {
        Order::Ascending => SequenceSet::from_numbers(numbers.iter().copied()),
        Order::Sorted => in_order(numbers),
    };
    let (first, last) = match order {
        Order::Ascending => (numbers.iter().min(), numbers.iter().max()),
        Order::Sorted => (numbers.first(), numbers.last()),
    };
    let partial = returns.iter().find_map(|option| match option {
        SearchReturn::Partial(range) => {
            Some((*range, set(numbers.get(range.places(numbers.len())).unwrap_or_default())))
        }
        _ => None,
    });
    Some(EsearchResponse {
        tag: Some(correlator(tag)),
        uid: addressing == Addressing::Uid,
        min: first.copied().filter(|_| has(SearchReturn::Min)),
        max: last.copied().filter(|_| has(SearchReturn::Max)),
        all: if returns.is_empty() || has(SearchReturn::All) { set(&numbers) } else { None },
        count: has(SearchReturn::Count).then(|| u32::try_from(numbers.len()).unwrap_or(u32::MAX)),
        mod_seq: mod_seq.filter(|_| !numbers.is_empty()),
        partial,
        ..EsearchResponse::default()
    })
}

/// RFC 9051 6.4.4: then there is no response.
fn is_save_only(returns: &[SearchReturn]) -> bool {
    !returns.is_empty() && returns.iter().all(|option| *option == SearchReturn::Save)
}

fn correlator(tag: &Tag) -> AString {
    AString::replacing_nul(alloc::string::String::from(tag.as_str()))
}

/// A set that keeps the order; numbers that follow each other are joined.
fn in_order(numbers: &[NonZeroU32]) -> Option<SequenceSet> {
    let mut runs: Vec<(NonZeroU32, NonZeroU32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(*number) => *end = *number,
            _ => runs.push((*number, *number)),
        }
    }
    let range = |(first, last)| {
        if first == last { SequenceRange::single(first) } else { SequenceRange::between(first, last) }
    };
    SequenceSet::new(runs.into_iter().map(range).collect()).ok()
}
