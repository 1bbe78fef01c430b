//! What SEARCH, SORT and THREAD compare (RFC 5256), by content, so that it is decoded once and not at each command.
//!
//! The texts of all contents stand in a few long rows, not each in memory of its own: a string is looked for in all
//! subjects at once, and what is kept has few pieces. Texts are put in order once: from then on SORT compares their
//! ranks, also when contents come and go.

use std::borrow::Cow;
use std::sync::OnceLock;

use posthaste_imap::message::{Compared, Overview};
use posthaste_imap::search::{Needle, mapped_value};
use posthaste_imap::types::SortKey;

use crate::store::BlobId;

/// What is compared of the contents of a mailbox. A content is known here by its place.
#[derive(Debug, Default)]
pub struct Overviews {
    /// Ascending.
    blobs: Vec<BlobId>,
    facts: Vec<Facts>,
    /// What SEARCH looks into: mapped, each with a line end.
    subjects: Row,
    /// What SORT and THREAD compare, in the order of [`column`].
    texts: [Row; TEXTS],
    /// The id, then those of its references, each with a line end.
    ids: Row,
    ranks: [OnceLock<Vec<u32>>; TEXTS],
}

#[derive(Debug, Clone, Copy)]
struct Facts {
    sent: Option<i64>,
    sent_day: Option<i64>,
    is_reply: bool,
    subject: Subject,
}

/// What is known of the subject in which SEARCH looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Absent,
    Whole,
    /// The header has more of it than the summary.
    Cut,
}

impl Overviews {
    /// Adds what is compared of a content. They come in ascending order; one that does not is left out.
    pub fn push(&mut self, blob: BlobId, compared: &Compared<'_>) {
        if !self.is_next(blob) {
            return;
        }
        let Compared { subject, sent, overview, .. } = compared;
        let Overview { is_reply, subject: base, from, to, cc, display_from, display_to, .. } = overview;
        let whole = subject.filter(|subject| subject.len() < SUBJECT_MAX);
        self.blobs.push(blob);
        self.facts.push(Facts {
            sent: overview.sent,
            sent_day: sent.map(|sent| sent.local_day()),
            is_reply: *is_reply,
            subject: match (subject, whole) {
                (None, _) => Subject::Absent,
                (Some(_), Some(_)) => Subject::Whole,
                (Some(_), None) => Subject::Cut,
            },
        });
        if let Some(subject) = whole {
            self.subjects.octets.extend_from_slice(mapped_value(subject).as_bytes());
        }
        self.subjects.octets.push(LINE_END);
        self.subjects.end();
        for (texts, text) in self.texts.iter_mut().zip([base, from, to, cc, display_from, display_to]) {
            texts.octets.extend_from_slice(text.as_bytes());
            texts.end();
        }
        let id = overview.message_id.as_deref().unwrap_or_default();
        for id in std::iter::once(id).chain(overview.references.iter().map(|id| &**id)) {
            self.ids.octets.extend_from_slice(id);
            self.ids.octets.push(LINE_END);
        }
        self.ids.end();
    }

    /// Adds what comes behind all of these; what does not is left out.
    pub fn append(&mut self, other: &Self) {
        if other.blobs.first().is_some_and(|first| !self.is_next(*first)) {
            return;
        }
        self.ranks = Default::default();
        self.blobs.extend_from_slice(&other.blobs);
        self.facts.extend_from_slice(&other.facts);
        self.subjects.append(&other.subjects);
        self.ids.append(&other.ids);
        for (texts, more) in self.texts.iter_mut().zip(&other.texts) {
            texts.append(more);
        }
        self.blobs.shrink_to_fit();
        self.facts.shrink_to_fit();
    }

    /// These, those in `new`, and nothing that is not in `kept`, which is ascending.
    #[must_use]
    pub fn updated(&self, new: &Self, kept: &[BlobId]) -> Self {
        let mut next = Self::with_room_for(self, new);
        // Where each of the old ones is now.
        let mut places: Vec<Option<u32>> = Vec::with_capacity(self.blobs.len());
        let mut added: Vec<u32> = Vec::with_capacity(new.blobs.len());
        let mut kept = kept.iter().peekable();
        let mut own = self.blobs.iter().enumerate().peekable();
        let mut others = new.blobs.iter().enumerate().peekable();
        let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        loop {
            let from_own = match (own.peek(), others.peek()) {
                (Some((_, one)), Some((_, other))) => one <= other,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => break,
            };
            let Some((place, blob)) = (if from_own { own.next() } else { others.next() }) else { break };
            while kept.next_if(|next| *next < blob).is_some() {}
            let is_kept = kept.peek().is_some_and(|next| **next == *blob) && next.is_next(*blob);
            let at = number(next.blobs.len());
            if is_kept {
                next.copy(if from_own { self } else { new }, place);
            }
            if from_own {
                places.push(is_kept.then_some(at));
            } else if is_kept {
                added.push(at);
            }
        }
        for ((ranks, before), texts) in next.ranks.iter_mut().zip(&self.ranks).zip(&next.texts) {
            if let Some(before) = before.get() {
                let old = in_order(before).into_iter();
                let old = old.filter_map(|place| places.get(index(place)).copied().flatten());
                // What is in order already is found to be so.
                *ranks = OnceLock::from(texts.ranks(old.chain(added.iter().copied()).collect()));
            }
        }
        next
    }

    fn with_room_for(one: &Self, other: &Self) -> Self {
        let mut next = Self::default();
        let count = one.blobs.len().saturating_add(other.blobs.len());
        next.blobs.reserve_exact(count);
        next.facts.reserve_exact(count);
        next.subjects.reserve(&one.subjects, &other.subjects);
        next.ids.reserve(&one.ids, &other.ids);
        for (texts, (one, other)) in next.texts.iter_mut().zip(one.texts.iter().zip(&other.texts)) {
            texts.reserve(one, other);
        }
        next
    }

    fn copy(&mut self, from: &Self, place: usize) {
        let (Some(blob), Some(facts)) = (from.blobs.get(place), from.facts.get(place)) else { return };
        self.blobs.push(*blob);
        self.facts.push(*facts);
        self.subjects.copy(&from.subjects, place);
        self.ids.copy(&from.ids, place);
        for (texts, from) in self.texts.iter_mut().zip(&from.texts) {
            texts.copy(from, place);
        }
    }

    fn is_next(&self, blob: BlobId) -> bool {
        self.blobs.last().is_none_or(|last| *last < blob)
    }

    /// Of how many contents there is something.
    pub fn len(&self) -> usize {
        self.blobs.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.blobs.is_empty()
    }

    /// Looks up the places of contents.
    pub fn places(&self) -> Places<'_> {
        Places { blobs: &self.blobs, next: 0 }
    }

    /// When the message was sent, in seconds since 1970 in UTC.
    pub fn sent(&self, place: usize) -> Option<i64> {
        self.facts.get(place)?.sent
    }

    /// The day it was sent in days since 1970, where it was sent.
    pub fn sent_day(&self, place: usize) -> Option<i64> {
        self.facts.get(place)?.sent_day
    }

    /// What THREAD compares. The other members are empty.
    pub fn threaded(&self, place: usize) -> Overview<'_> {
        let mut overview = Overview::default();
        let (Some(facts), [subjects, ..]) = (self.facts.get(place), &self.texts) else { return overview };
        overview.sent = facts.sent;
        overview.is_reply = facts.is_reply;
        overview.subject = Cow::Borrowed(std::str::from_utf8(subjects.of(place)).unwrap_or_default());
        let mut ids = self.ids.of(place).split(|octet| *octet == LINE_END);
        overview.message_id = ids.next().filter(|id| !id.is_empty()).map(Cow::Borrowed);
        overview.references = ids.map(Cow::Borrowed).collect();
        // Behind the last line end there is none.
        overview.references.pop();
        overview
    }

    /// For each place, whether the subject holds a string; `None` where only the header tells.
    pub fn with_subject(&self, needle: &Needle) -> Vec<Option<bool>> {
        let known = |facts: &Facts| match facts.subject {
            Subject::Absent => Some(false),
            Subject::Whole => Some(needle.is_empty()),
            Subject::Cut => None,
        };
        let mut holds: Vec<Option<bool>> = self.facts.iter().map(known).collect();
        let mut ends = self.subjects.ends.iter().enumerate().peekable();
        for start in needle.places_in(&self.subjects.octets) {
            while ends.next_if(|(_, end)| **end <= start).is_some() {}
            let Some((place, end)) = ends.peek() else { break };
            // The line end is in no subject.
            if start.saturating_add(needle.len()) < **end
                && let Some(holds) = holds.get_mut(*place)
            {
                *holds = Some(true);
            }
        }
        holds
    }

    /// The rank of each place among all by what a key compares. `None` for a key that compares no text.
    pub fn ranks(&self, key: SortKey) -> Option<&[u32]> {
        let column = column(key)?;
        let (texts, ranks) = (self.texts.get(column)?, self.ranks.get(column)?);
        let all = 0..u32::try_from(self.blobs.len()).unwrap_or(u32::MAX);
        Some(ranks.get_or_init(|| texts.ranks(all.collect())))
    }

    /// Octets they take, about, with the ranks that they will have.
    pub fn octets(&self) -> usize {
        let each = size_of::<BlobId>().saturating_add(size_of::<Facts>()).saturating_add(RANKS_OCTETS);
        let rows = self.texts.iter().chain([&self.subjects, &self.ids]).map(Row::size);
        rows.fold(self.blobs.len().saturating_mul(each), usize::saturating_add)
    }
}

/// Finds the places of contents; those that come in ascending order at once.
#[derive(Debug)]
pub struct Places<'a> {
    blobs: &'a [BlobId],
    next: usize,
}

impl Places<'_> {
    /// The place of a content.
    pub fn of(&mut self, blob: BlobId) -> Option<usize> {
        let place = match self.blobs.get(self.next) {
            Some(next) if *next == blob => self.next,
            _ => self.blobs.binary_search(&blob).ok()?,
        };
        self.next = place.saturating_add(1);
        Some(place)
    }
}

/// Texts, one behind the other.
#[derive(Debug, Default)]
struct Row {
    octets: Vec<u8>,
    ends: Vec<usize>,
}

impl Row {
    /// What was written since is a text.
    fn end(&mut self) {
        self.ends.push(self.octets.len());
    }

    fn of(&self, place: usize) -> &[u8] {
        let start =
            place.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        self.ends.get(place).and_then(|end| self.octets.get(start..*end)).unwrap_or_default()
    }

    fn copy(&mut self, from: &Self, place: usize) {
        self.octets.extend_from_slice(from.of(place));
        self.end();
    }

    /// Adds other texts, and keeps no room for more.
    fn append(&mut self, other: &Self) {
        let before = self.octets.len();
        self.octets.reserve_exact(other.octets.len());
        self.octets.extend_from_slice(&other.octets);
        self.octets.shrink_to_fit();
        self.ends.reserve_exact(other.ends.len());
        self.ends.extend(other.ends.iter().map(|end| end.saturating_add(before)));
        self.ends.shrink_to_fit();
    }

    fn reserve(&mut self, one: &Self, other: &Self) {
        self.octets.reserve_exact(one.octets.len().saturating_add(other.octets.len()));
        self.ends.reserve_exact(one.ends.len().saturating_add(other.ends.len()));
    }

    /// The rank of each text; `order` has every place once.
    fn ranks(&self, mut order: Vec<u32>) -> Vec<u32> {
        order.sort_by(|one, other| self.of(index(*one)).cmp(self.of(index(*other))));
        let mut ranks = vec![0; self.ends.len()];
        let (mut rank, mut before): (u32, Option<&[u8]>) = (0, None);
        for place in order {
            let text = self.of(index(place));
            if before.is_some_and(|before| before != text) {
                rank = rank.saturating_add(1);
            }
            before = Some(text);
            if let Some(slot) = ranks.get_mut(index(place)) {
                *slot = rank;
            }
        }
        ranks
    }

    fn size(&self) -> usize {
        self.octets.len().saturating_add(self.ends.len().saturating_mul(size_of::<usize>()))
    }
}

/// The places in the order of their ranks.
fn in_order(ranks: &[u32]) -> Vec<u32> {
    let mut starts = vec![0_u32; ranks.len().saturating_add(1)];
    for rank in ranks {
        if let Some(count) = starts.get_mut(index(*rank).saturating_add(1)) {
            *count = count.saturating_add(1);
        }
    }
    let mut sum = 0_u32;
    for start in &mut starts {
        sum = sum.saturating_add(*start);
        *start = sum;
    }
    let mut order = vec![0; ranks.len()];
    for (place, rank) in (0_u32..).zip(ranks) {
        let Some(start) = starts.get_mut(index(*rank)) else { continue };
        if let Some(slot) = order.get_mut(index(*start)) {
            *slot = place;
        }
        *start = start.saturating_add(1);
    }
    order
}

/// Which of the texts a key compares.
fn column(key: SortKey) -> Option<usize> {
    Some(match key {
        SortKey::Subject => 0,
        SortKey::From => 1,
        SortKey::To => 2,
        SortKey::Cc => 3,
        SortKey::DisplayFrom => 4,
        SortKey::DisplayTo => 5,
        _ => return None,
    })
}

fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// Subject, from, to, cc, and the two that are shown.
const TEXTS: usize = 6;
/// Ranks of two keys: few ask for more.
const RANKS_OCTETS: usize = 2 * size_of::<u32>();
const LINE_END: u8 = b'\n';
/// Octets of a subject from which on the envelope may not have all of it.
const SUBJECT_MAX: usize = 64 * 1024;
