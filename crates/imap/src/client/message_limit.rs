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

/// What a server with a MESSAGELIMIT has left of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remaining {
    /// Nothing: it did all, or says nothing of a limit.
    Nothing,
    /// What these ask for, to be sent one after the other.
    Commands(Vec<Command>),
    /// Something that cannot be named: the server did not say how far it came, or in a way that makes no sense, or the
    /// command has messages by number, results that were saved, or parts of a result.
    Unknown,
}

impl Remaining {
    /// What can be asked for.
    pub fn commands(self) -> Vec<Command> {
        match self {
            Self::Commands(commands) => commands,
            Self::Nothing | Self::Unknown => Vec::new(),
        }
    }
}

/// What is left to do of `command` when the server has done a part and said so by MESSAGELIMIT in `status`, its answer
/// or an untagged NO before it (RFC 9738 3.1).
///
/// A COPY that was refused, of which nothing was done, comes back as two.
pub fn remaining_after(command: &Command, status: &Status) -> Remaining {
    let lowest = match &status.code {
        Some(ResponseCode::MessageLimit { uid: Some(lowest), .. }) => *lowest,
        Some(ResponseCode::MessageLimit { .. }) => return Remaining::Unknown,
        _ => return Remaining::Nothing,
    };
    let mut rest = command.clone();
    let set = match &mut rest {
        Command::Search(_, search) => {
            return match narrow(search, lowest) {
                Below::Some(()) => Remaining::Commands(vec![rest]),
                Below::None => Remaining::Nothing,
                Below::Unknown => Remaining::Unknown,
            };
        }
        Command::Fetch(Addressing::Uid, fetch) if fetch.modifiers.partial.is_none() => &mut fetch.set,
        Command::Store(Addressing::Uid, store) => &mut store.set,
        Command::StoreLabels(Addressing::Uid, store) => &mut store.set,
        Command::Copy(Addressing::Uid, copy) | Command::Move(Addressing::Uid, copy) => &mut copy.set,
        Command::UidExpunge(set) => set,
        _ => return Remaining::Unknown,
    };
    let Some(numbers) = set.numbers() else { return Remaining::Unknown };
    let from = from(numbers, lowest);
    match (command, below(numbers, lowest), from) {
        (Command::Copy(addressing, copy), Below::Some(below), Some(from)) => {
            *set = below.into();
            let mut first = copy.clone();
            first.set = MessageSet::from(from);
            Remaining::Commands(vec![Command::Copy(*addressing, first), rest])
        }
        // Nothing of it was done, and it cannot be divided there.
        (Command::Copy(..), ..) | (_, Below::Unknown, _) => Remaining::Unknown,
        (_, Below::None, _) => Remaining::Nothing,
        (_, Below::Some(below), _) => {
            *set = below.into();
            Remaining::Commands(vec![rest])
        }
    }
}

/// What is below a UID.
enum Below<T> {
    None,
    Some(T),
    /// It cannot be said, or it is all there was: going on would not come to an end.
    Unknown,
}

/// The same numbers as several sets of at most `max` each. Whole where they end in `*` and nobody knows the `largest`,
/// so that they cannot be counted, or where it would be too many sets: then the server says how far it comes.
///
/// Where there is `*` the last of the sets has it: messages may have come in since.
pub(crate) fn in_parts(set: &SequenceSet, max: NonZeroU32, largest: Option<u32>) -> Vec<SequenceSet> {
    let is_open = set.has_largest();
    if is_open && largest.is_none() {
        return vec![set.clone()];
    }
    let end = largest.filter(|_| is_open).unwrap_or(u32::MAX);
    let mut ranges = set.resolve(largest.unwrap_or(0));
    ranges.retain(|range| *range.start() <= end);
    if let Some(range) = ranges.last_mut() {
        *range = *range.start()..=(*range.end()).min(end);
    }
    let total = ranges.iter().map(|range| length(*range.start(), *range.end())).fold(0, u64::saturating_add);
    let most = u64::from(max.get()).saturating_mul(PARTS_MAX);
    if total <= u64::from(max.get()) || total > most {
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
                parts.push(core::mem::take(&mut part));
                room = max.get();
            }
            let Some(next) = last.checked_add(1) else { break };
            start = next;
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    if let Some(last) = parts.last_mut().and_then(|part| part.last_mut()).filter(|_| is_open) {
        last.end = SequenceNumber::Largest;
    }
    parts.into_iter().filter_map(|part| SequenceSet::new(part).ok()).collect()
}

/// Narrows a search down to the UIDs below `lowest`.
fn narrow(search: &mut SearchCommand, lowest: NonZeroU32) -> Below<()> {
    use SearchReturn::{All, Count, Max, Min};
    let returns = search.returns.as_deref().unwrap_or_default();
    if !returns.iter().all(|option| matches!(option, Min | Max | All | Count)) {
        return Below::Unknown;
    }
    if let Some(SearchKey::Uid(set)) = search.keys.last_mut() {
        return match below(set, lowest) {
            Below::Some(below) => {
                *set = below;
                Below::Some(())
            }
            Below::None => Below::None,
            Below::Unknown => Below::Unknown,
        };
    }
    let last = lowest.get().checked_sub(1).and_then(NonZeroU32::new);
    let Some(range) = last.map(|last| SequenceRange::between(NonZeroU32::MIN, last)) else {
        return Below::None;
    };
    search.keys.extend(SequenceSet::new(vec![range]).ok().map(SearchKey::Uid));
    Below::Some(())
}

/// The UIDs of `set` below `uid`.
fn below(set: &SequenceSet, uid: NonZeroU32) -> Below<SequenceSet> {
    let last = uid.get().saturating_sub(1);
    let all = set.resolve(u32::MAX);
    if all.last().is_none_or(|range| *range.end() <= last) {
        return Below::Unknown;
    }
    let ranges = all.iter().filter_map(|range| between(*range.start(), (*range.end()).min(last)));
    SequenceSet::new(ranges.collect()).map_or(Below::None, Below::Some)
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
