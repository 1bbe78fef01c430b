//! A session's picture of the selected mailbox: which sequence number is which UID (RFC 9051 2.3.1), and what the
//! client has not been told yet (RFC 9051 5.5 and 7.5.1, RFC 3501 7.4.1).
//!
//! Sequence numbers are positions, counted from 1, in the ascending list of UIDs the client knows. The client's
//! picture changes only when it is told: [`View::poll_update`] gives one response at a time and changes the picture
//! with it. What happens in between is kept as one bit for each message, so that a client that does not listen costs
//! no memory: a message expunged before it was announced leaves no trace, ten changes of flags are one.
//!
//! With UIDONLY (RFC 9586) the same picture is kept and its numbers are not used: updates are VANISHED and UIDFETCH.
//! Flags and contents are not kept here. What a client is told that comes back (QRESYNC) is in [`Resync`].

mod bits;
mod rank;
mod resolve;
mod resync;

use alloc::vec::Vec;
use core::num::NonZeroU32;

use bits::Bits;
use rank::Rank;
pub use resync::{History, Resync, Resynced};

use crate::types::UidSet;

/// The messages the client knows of, and what it has to be told of them.
///
/// Memory: 12 octets a message for its UID and mod-sequence and a little more than three bits. Every look-up and
/// every change takes logarithmic time; expunged messages are cleared away when they are more than half.
///
/// ```
/// use posthaste_imap::view::{Allowed, Update, View};
///
/// let mut view = View::new([10, 20, 30]);
/// view.expunged(10);
/// view.arrived(40, 7);
/// // During a FETCH nothing may shift: the client still counts the message that is gone.
/// assert_eq!(view.poll_update(Allowed::NoExpunge), Some(Update::Exists(4)));
/// assert_eq!(view.poll_update(Allowed::NoExpunge), None);
/// assert_eq!(view.uid_at(2), Some(20));
/// // Later it is told.
/// assert!(matches!(view.poll_update(Allowed::All), Some(Update::Expunge { seq, .. }) if seq.get() == 1));
/// assert_eq!(view.uid_at(1), Some(20));
/// ```
#[derive(Clone, Debug, Default)]
pub struct View {
    /// Ascending; of messages that are gone too, until they are cleared away.
    uids: Vec<u32>,
    mod_seqs: Vec<u64>,
    /// Which places hold a message that has a sequence number, or will have one.
    live: Rank,
    /// Places of messages that the client still counts and the mailbox has no more.
    gone: Bits,
    /// Places of messages whose flags the client has not seen.
    changed: Bits,
    /// The client knows of the messages before this place.
    told: usize,
    form: UpdateForm,
}

/// How the client is told of expunged messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UpdateForm {
    /// `EXPUNGE`, one for each.
    #[default]
    Expunge,
    /// `VANISHED`: QRESYNC (RFC 7162 3.2.10) or UIDONLY (RFC 9586 3.3) is enabled.
    Vanished,
}

/// What may be said now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Allowed {
    /// Nothing: an answer is being written.
    Nothing,
    /// All that does not change sequence numbers: FETCH, STORE or SEARCH, not their UID forms, is in progress, or no
    /// command is (RFC 9051 7.5.1).
    NoExpunge,
    /// Everything.
    All,
}

/// One response that brings the client's picture up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// `* n EXPUNGE`
    Expunge {
        /// The sequence number it has until then.
        seq: NonZeroU32,
        /// Its UID.
        uid: NonZeroU32,
    },
    /// `* VANISHED uids`
    Vanished(UidSet),
    /// `* n EXISTS`: also the time for RECENT (RFC 3501).
    Exists(u32),
    /// `* n FETCH (UID FLAGS ..)`, or `UIDFETCH` with UIDONLY: the flags of this message have changed.
    Flags {
        /// Its sequence number.
        seq: NonZeroU32,
        /// Its UID.
        uid: NonZeroU32,
        /// Its mod-sequence.
        mod_seq: u64,
    },
}

impl View {
    /// The picture of a mailbox with these UIDs, in any order, all of them told.
    pub fn new(uids: impl IntoIterator<Item = u32>) -> Self {
        Self::with_mod_seqs(uids.into_iter().map(|uid| (uid, 0)))
    }

    /// The picture of a mailbox with these UIDs and mod-sequences, all of them told. Linear where the UIDs ascend.
    pub fn with_mod_seqs(messages: impl IntoIterator<Item = (u32, u64)>) -> Self {
        let messages = messages.into_iter();
        let (expected, _) = messages.size_hint();
        let mut uids = Vec::with_capacity(expected);
        let mut mod_seqs = Vec::with_capacity(expected);
        let mut odd = Vec::new();
        for (uid, mod_seq) in messages {
            if uids.last().is_none_or(|last| *last < uid) && uid > 0 {
                uids.push(uid);
                mod_seqs.push(mod_seq);
            } else {
                odd.push((uid, mod_seq));
            }
        }
        if !odd.is_empty() {
            odd.extend(uids.drain(..).zip(mod_seqs.drain(..)));
            odd.retain(|(uid, _)| *uid > 0);
            odd.sort_unstable();
            odd.dedup_by_key(|(uid, _)| *uid);
            (uids, mod_seqs) = odd.into_iter().unzip();
        }
        let told = uids.len();
        let live = Rank::full(told);
        Self {
            uids,
            mod_seqs,
            live,
            gone: Bits::new(told),
            changed: Bits::new(told),
            told,
            form: UpdateForm::Expunge,
        }
    }

    /// Says how the client wants to be told of expunged messages: after ENABLE.
    pub fn set_form(&mut self, form: UpdateForm) {
        self.form = form;
    }

    /// How many messages the client knows of (EXISTS).
    pub fn len(&self) -> usize {
        self.live.before(self.told)
    }

    /// Whether it knows of none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The UIDs the client knows of, ascending.
    pub fn uids(&self) -> impl Iterator<Item = u32> + '_ {
        self.places(0, self.told).filter_map(|place| self.uids.get(place).copied())
    }

    /// The largest sequence number, 0 where there is none.
    pub fn largest_seq(&self) -> u32 {
        u32::try_from(self.len()).unwrap_or(u32::MAX)
    }

    /// The largest UID the client knows of, 0 where there is none.
    pub fn largest_uid(&self) -> u32 {
        let last = self.len().checked_sub(1).and_then(|rank| self.live.select(rank));
        last.and_then(|place| self.uids.get(place)).copied().unwrap_or_default()
    }

    /// The sequence number of the message with `uid`.
    pub fn seq_of(&self, uid: u32) -> Option<NonZeroU32> {
        let place = self.place_of(uid).filter(|place| *place < self.told)?;
        number(self.live.before(place))
    }

    /// The UID of the message with sequence number `seq`.
    pub fn uid_at(&self, seq: u32) -> Option<u32> {
        let place = self.live.select(usize::try_from(seq.checked_sub(1)?).ok()?)?;
        (place < self.told).then(|| self.uids.get(place).copied()).flatten()
    }

    /// The mod-sequence of the message with `uid`, as far as it was said here (RFC 7162).
    pub fn mod_seq_of(&self, uid: u32) -> Option<u64> {
        self.mod_seqs.get(self.place_of(uid)?).copied()
    }

    /// The largest mod-sequence of the messages. Linear.
    pub fn highest_mod_seq(&self) -> u64 {
        let all = self.places(0, self.uids.len()).filter_map(|place| self.mod_seqs.get(place));
        all.copied().max().unwrap_or_default()
    }

    /// Whether the client counts a message that is gone, or has never heard of it.
    pub fn is_gone(&self, uid: u32) -> bool {
        self.place_of(uid).is_none_or(|place| self.gone.has(place))
    }

    /// Whether [`View::poll_update`] has something to say when everything is allowed.
    pub fn has_updates(&self) -> bool {
        !self.gone.is_empty() || !self.changed.is_empty() || self.news() > 0
    }

    /// A message came into the mailbox; the client is told later. One that is not newer than all others is refused:
    /// it would shift the numbers of others.
    pub fn arrived(&mut self, uid: u32, mod_seq: u64) -> bool {
        let newer = self.uids.last().is_none_or(|last| *last < uid) && uid > 0;
        if newer {
            self.uids.push(uid);
            self.mod_seqs.push(mod_seq);
            self.live.push();
            self.gone.grow();
            self.changed.grow();
        }
        newer
    }

    /// Adds a message that the client is told of by EXISTS just now; whether it was added, see [`View::arrived`].
    /// Those that arrived before it are told with it.
    pub fn push(&mut self, uid: u32) -> bool {
        let added = self.arrived(uid, 0);
        if added {
            self.told = self.uids.len();
        }
        added
    }

    /// A message is gone from the mailbox; the client is told later, and counts it until then.
    pub fn expunged(&mut self, uid: u32) {
        let Some(place) = self.place_of(uid) else { return };
        self.changed.remove(place);
        if place < self.told {
            self.gone.insert(place);
        } else {
            self.live.remove(place);
            self.clear();
        }
    }

    /// The flags of a message have changed; the client is told later. Of a message that is not announced yet it
    /// learns them with it.
    pub fn flags_changed(&mut self, uid: u32, mod_seq: u64) {
        let Some(place) = self.note_mod_seq(uid, mod_seq) else { return };
        if place < self.told && !self.gone.has(place) {
            self.changed.insert(place);
        }
    }

    /// The client has seen the flags of a message: by a FETCH, or because it stored them itself.
    pub fn flags_told(&mut self, uid: u32, mod_seq: u64) {
        if let Some(place) = self.note_mod_seq(uid, mod_seq) {
            self.changed.remove(place);
        }
    }

    /// Takes away a message; the number it had, which EXPUNGE tells the client just now.
    pub fn remove(&mut self, uid: u32) -> Option<NonZeroU32> {
        let place = self.place_of(uid)?;
        let seq = self.seq_of(uid);
        self.drop_place(place);
        self.clear();
        seq
    }

    /// The next thing the client is to be told, of what is allowed. The picture is changed as if it were told:
    /// what comes out has to be sent, in that order.
    ///
    /// Expunged messages come first and from the last to the first, so that no number shifts before it is used; then
    /// EXISTS; then flags.
    pub fn poll_update(&mut self, allowed: Allowed) -> Option<Update> {
        if allowed == Allowed::Nothing {
            return None;
        }
        if allowed == Allowed::All {
            let update = match self.form {
                UpdateForm::Expunge => self.expunge(),
                UpdateForm::Vanished => self.vanished(),
            };
            if update.is_some() {
                return update;
            }
            self.clear();
        }
        if self.news() > 0 {
            self.told = self.uids.len();
            return Some(Update::Exists(self.largest_seq()));
        }
        let place = self.changed.first()?;
        self.changed.remove(place);
        let uid = NonZeroU32::new(self.uids.get(place).copied()?)?;
        let mod_seq = self.mod_seqs.get(place).copied().unwrap_or_default();
        Some(Update::Flags { seq: number(self.live.before(place))?, uid, mod_seq })
    }

    fn expunge(&mut self) -> Option<Update> {
        let place = self.gone.last()?;
        let seq = number(self.live.before(place))?;
        let uid = self.uids.get(place).copied().and_then(NonZeroU32::new)?;
        self.drop_place(place);
        Some(Update::Expunge { seq, uid })
    }

    fn vanished(&mut self) -> Option<Update> {
        let mut ranges: Vec<core::ops::RangeInclusive<NonZeroU32>> = Vec::new();
        while let Some(place) = self.gone.first() {
            let Some(uid) = self.uids.get(place).copied().and_then(NonZeroU32::new) else { break };
            let full = ranges.len() >= VANISHED_RANGES_MAX;
            match ranges.last_mut() {
                Some(last) if last.end().checked_add(1) == Some(uid) => *last = *last.start()..=uid,
                // The rest goes into another response: no line is as long as a mailbox.
                _ if full => break,
                _ => ranges.push(uid..=uid),
            }
            self.drop_place(place);
        }
        (!ranges.is_empty()).then(|| Update::Vanished(UidSet::new(ranges)))
    }

    /// How many messages the client has not heard of.
    fn news(&self) -> usize {
        self.live.len().saturating_sub(self.live.before(self.told))
    }

    fn note_mod_seq(&mut self, uid: u32, mod_seq: u64) -> Option<usize> {
        let place = self.place_of(uid)?;
        let known = self.mod_seqs.get_mut(place)?;
        *known = mod_seq.max(*known);
        Some(place)
    }

    fn place_of(&self, uid: u32) -> Option<usize> {
        self.uids.binary_search(&uid).ok().filter(|place| self.live.has(*place))
    }

    /// The places of messages from `start` up to `end`.
    fn places(&self, start: usize, end: usize) -> impl Iterator<Item = usize> + '_ {
        self.live.places(start, end)
    }

    fn drop_place(&mut self, place: usize) {
        self.live.remove(place);
        self.gone.remove(place);
        self.changed.remove(place);
    }

    /// Clears away places without messages when they are more than half, so that each pays for itself.
    fn clear(&mut self) {
        let left = self.live.len();
        if self.uids.len() < CLEAR_MIN || left > self.uids.len().saturating_sub(left) {
            return;
        }
        let mut cleared = Self { form: self.form, ..Self::default() };
        for place in self.live.places(0, self.uids.len()) {
            let (Some(uid), Some(mod_seq)) = (self.uids.get(place), self.mod_seqs.get(place)) else {
                continue;
            };
            let at = cleared.uids.len();
            if cleared.arrived(*uid, *mod_seq) {
                if self.gone.has(place) {
                    cleared.gone.insert(at);
                }
                if self.changed.has(place) {
                    cleared.changed.insert(at);
                }
                if place < self.told {
                    cleared.told = at.saturating_add(1);
                }
            }
        }
        *self = cleared;
    }
}

/// Two pictures are the same if a client could not tell them apart.
impl PartialEq for View {
    fn eq(&self, other: &Self) -> bool {
        self.uids().eq(other.uids()) && self.form == other.form
    }
}

impl Eq for View {}

/// The sequence number of the message that has so many before it.
fn number(before: usize) -> Option<NonZeroU32> {
    NonZeroU32::new(u32::try_from(before).ok()?.checked_add(1)?)
}

/// Ranges of one VANISHED response: at most 22 octets each.
const VANISHED_RANGES_MAX: usize = 1_000;
/// Fewer places than this are not worth clearing away.
const CLEAR_MIN: usize = 64;
