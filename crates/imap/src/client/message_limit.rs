//! Servers that work on so many messages at a time and no more (RFC 9738 MESSAGELIMIT, SAVELIMIT).
//!
//! What is too much is known before where all messages are named, and [`Client::split`] keeps to it. Where they are
//! not, the server stops and says where, from the highest UID downwards; what is left then is said here. Whether to go
//! on is the application's matter, but for [`Resync`](crate::client::Resync), which would take the rest for gone.

use crate::client::Client;
use crate::types::{
    Addressing, Capability, Command, MessageSet, ResponseCode, SearchCommand, SearchKey, SearchReturn,
    SequenceNumber, SequenceRange, SequenceSet, Status,
};
use alloc::vec;
use alloc::vec::Vec;
use core::num::NonZeroU32;

impl Client {
    /// The most messages that the server works on in one command (RFC 9738 3).
    pub fn message_limit(&self) -> Option<NonZeroU32> {
        self.capabilities().iter().find_map(|capability| match capability {
            Capability::MessageLimit(limit) => Some(*limit),
            _ => None,
        })
    }

    /// The most messages that the server stores in one COPY or APPEND (RFC 9738 3).
    pub fn save_limit(&self) -> Option<NonZeroU32> {
        let limits = self.capabilities().iter().filter_map(|capability| match capability {
            Capability::SaveLimit(limit) | Capability::MessageLimit(limit) => Some(*limit),
            _ => None,
        });
        limits.min()
    }

    /// The most messages that the server works on in a command like this one.
    pub(crate) fn limit_of(&self, command: &Command) -> Option<NonZeroU32> {
        if let Command::Copy(..) = command { self.save_limit() } else { self.message_limit() }
    }
}

/// What is left to do of `command` when the server has done a part and said so by MESSAGELIMIT in `status`, its answer
/// or an untagged NO before it (RFC 9738 3.1).
///
/// A COPY, of which nothing was done, comes back as two. Empty where nothing is left, where the server did not say how
/// far it came, and where the rest cannot be named: messages given by number, results that were saved, and parts of a
/// result.
pub fn remaining_after(command: &Command, status: &Status) -> Vec<Command> {
    let Some(ResponseCode::MessageLimit { uid: Some(lowest), .. }) = &status.code else { return Vec::new() };
    let mut rest = command.clone();
    let set = match &mut rest {
        Command::Search(_, search) => {
            return if narrow(search, *lowest) { vec![rest] } else { Vec::new() };
        }
        Command::Fetch(Addressing::Uid, fetch) if fetch.modifiers.partial.is_none() => &mut fetch.set,
        Command::Store(Addressing::Uid, store) => &mut store.set,
        Command::StoreLabels(Addressing::Uid, store) => &mut store.set,
        Command::Copy(Addressing::Uid, copy) | Command::Move(Addressing::Uid, copy) => &mut copy.set,
        Command::UidExpunge(set) => set,
        _ => return Vec::new(),
    };
    let Some(below) = set.numbers().and_then(|set| below(set, *lowest)) else { return Vec::new() };
    let from = set.numbers().and_then(|set| from(set, *lowest));
    *set = below.into();
    match (command, from) {
        (Command::Copy(addressing, copy), Some(from)) => {
            let mut first = copy.clone();
            first.set = MessageSet::from(from);
            vec![Command::Copy(*addressing, first), rest]
        }
        (Command::Copy(..), None) => Vec::new(),
        _ => vec![rest],
    }
}

/// The same numbers as several sets of at most `max` each. Whole where they end in `*`, which nobody can count, or
/// where it would be too many sets: then the server says how far it comes.
pub(crate) fn in_parts(set: &SequenceSet, max: NonZeroU32) -> Vec<SequenceSet> {
    let ranges = set.resolve(0);
    let total = ranges.iter().map(|range| length(*range.start(), *range.end())).fold(0, u64::saturating_add);
    let most = u64::from(max.get()).saturating_mul(PARTS_MAX);
    if set.has_largest() || total <= u64::from(max.get()) || total > most {
        return vec![set.clone()];
    }
    let (mut parts, mut part, mut room) = (Vec::new(), Vec::new(), max.get());
    for range in ranges {
        let mut start = *range.start();
        while start <= *range.end() {
            let last = start.saturating_add(room.saturating_sub(1)).min(*range.end());
            part.extend(between(start, last));
            room = room.saturating_sub(last.saturating_sub(start).saturating_add(1));
            if room == 0 {
                parts.extend(SequenceSet::new(core::mem::take(&mut part)).ok());
                room = max.get();
            }
            let Some(next) = last.checked_add(1) else { break };
            start = next;
        }
    }
    parts.extend(SequenceSet::new(part).ok());
    parts
}

/// Narrows a search down to the UIDs below `lowest`. Whether that leaves less than before, and something.
fn narrow(search: &mut SearchCommand, lowest: NonZeroU32) -> bool {
    use SearchReturn::{All, Count, Max, Min};
    let returns = search.returns.as_deref().unwrap_or_default();
    if !returns.iter().all(|option| matches!(option, Min | Max | All | Count)) {
        return false;
    }
    if let Some(SearchKey::Uid(set)) = search.keys.last_mut() {
        return below(set, lowest).map(|below| *set = below).is_some();
    }
    let last = lowest.get().checked_sub(1).and_then(NonZeroU32::new);
    let Some(range) = last.map(|last| SequenceRange::between(NonZeroU32::MIN, last)) else { return false };
    search.keys.extend(SequenceSet::new(vec![range]).ok().map(SearchKey::Uid));
    true
}

/// The UIDs of `set` below `uid`; `None` where there are none, or where that is all of them.
fn below(set: &SequenceSet, uid: NonZeroU32) -> Option<SequenceSet> {
    let last = uid.get().checked_sub(1)?;
    let all = set.resolve(u32::MAX);
    if all.last().is_none_or(|range| *range.end() <= last) {
        return None;
    }
    let ranges = all.iter().filter_map(|range| between(*range.start(), (*range.end()).min(last)));
    SequenceSet::new(ranges.collect()).ok()
}

/// The UIDs of `set` from `uid` on; `None` where there are none.
fn from(set: &SequenceSet, uid: NonZeroU32) -> Option<SequenceSet> {
    let all = set.resolve(u32::MAX);
    let mut ranges: Vec<_> =
        all.iter().filter_map(|range| between((*range.start()).max(uid.get()), *range.end())).collect();
    if let Some(last) = ranges.last_mut().filter(|_| set.has_largest()) {
        last.end = SequenceNumber::Largest;
    }
    SequenceSet::new(ranges).ok()
}

fn between(first: u32, last: u32) -> Option<SequenceRange> {
    let range = SequenceRange::between(NonZeroU32::new(first)?, NonZeroU32::new(last)?);
    (first <= last).then_some(range)
}

fn length(first: u32, last: u32) -> u64 {
    u64::from(last.saturating_sub(first)).saturating_add(1)
}

/// More commands than these are not made of one: a range that wide is mostly holes.
const PARTS_MAX: u64 = 1_000;
