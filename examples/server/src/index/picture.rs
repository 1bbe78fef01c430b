//! The messages of a mailbox as of one moment, immutable and cheap to keep.
//!
//! Rows stand in chunks of a few hundred, which all pictures share as long as nothing in them changes. So a change
//! costs one chunk and a list of chunks, and what differs between two pictures is found by looking at the chunks that
//! they do not share.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::sync::Arc;

use posthaste_imap::types::{Addressing, SequenceSet};

use super::row::{Counts, Row};
use crate::store::{Keyword, Known, Status};

/// Rows that follow each other; never none.
#[derive(Debug)]
struct Chunk {
    rows: Vec<Row>,
    counts: Counts,
    /// The highest mod-sequence of its rows.
    modseq: u64,
}

impl Chunk {
    fn new(rows: Vec<Row>) -> Arc<Self> {
        let counts = Counts::of(&rows);
        let modseq = rows.iter().map(|row| row.modseq).max().unwrap_or_default();
        Arc::new(Self { rows, counts, modseq })
    }

    fn first_uid(&self) -> u32 {
        self.rows.first().map_or(0, |row| row.uid)
    }

    fn last_uid(&self) -> u32 {
        self.rows.last().map_or(0, |row| row.uid)
    }
}

/// The messages of a mailbox as of one moment, by UID. The n-th of them has sequence number n.
#[derive(Debug, Clone)]
pub struct Picture {
    /// With how many rows stand before each.
    chunks: Vec<(usize, Arc<Chunk>)>,
    counts: Counts,
    /// The highest mod-sequence of the mailbox.
    pub modseq: u64,
    /// The UID the next message will get.
    pub uidnext: u32,
    /// With a UID, names a message for ever.
    pub uidvalidity: u32,
    /// What messages have or have had as keywords.
    pub keywords: Arc<[Keyword]>,
}

/// What differs between two pictures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Rows of the newer one that the older one has not.
    pub added: Vec<Row>,
    /// Rows of the newer one that differ.
    pub changed: Vec<Row>,
    /// Rows of the older one that the newer one has not.
    pub gone: Vec<Row>,
}

impl Picture {
    pub(super) fn new(rows: Vec<Row>, modseq: u64, uidnext: u32, uidvalidity: u32) -> Self {
        let mut chunks = Vec::with_capacity(rows.len().div_ceil(CHUNK_ROWS));
        let mut rows = rows.into_iter();
        loop {
            let some: Vec<Row> = rows.by_ref().take(CHUNK_ROWS).collect();
            if some.is_empty() {
                break;
            }
            chunks.push(Chunk::new(some));
        }
        let empty = Self {
            chunks: Vec::new(),
            counts: Counts::default(),
            modseq,
            uidnext,
            uidvalidity,
            keywords: Arc::default(),
        };
        empty.with_chunks(chunks)
    }

    fn with_chunks(&self, chunks: Vec<Arc<Chunk>>) -> Self {
        let mut counts = Counts::default();
        let numbered = chunks.into_iter().map(|chunk| {
            let before = counts.messages;
            counts.add(&chunk.counts);
            (before, chunk)
        });
        let chunks = numbered.collect();
        Self { chunks, counts, keywords: Arc::clone(&self.keywords), ..*self }
    }

    /// This picture with some rows put in or replaced and some taken out. Both lists ascend.
    pub fn edited(&self, puts: &[Row], removes: &[u32]) -> Self {
        if puts.is_empty() && removes.is_empty() {
            return self.clone();
        }
        let mut chunks: Vec<Arc<Chunk>> = Vec::with_capacity(self.chunks.len());
        let (mut puts, mut removes) = (puts, removes);
        let last = self.chunks.len().saturating_sub(1);
        for (at, (_, chunk)) in self.chunks.iter().enumerate() {
            // What lies between two chunks goes to the one before.
            let end = match self.chunks.get(at.saturating_add(1)) {
                Some((_, next)) if at < last => next.first_uid().saturating_sub(1),
                _ => u32::MAX,
            };
            let put = puts.partition_point(|row| row.uid <= end);
            let removed = removes.partition_point(|uid| *uid <= end);
            let (here, later) = puts.split_at_checked(put).unwrap_or((puts, &[]));
            let (gone, left) = removes.split_at_checked(removed).unwrap_or((removes, &[]));
            (puts, removes) = (later, left);
            if here.is_empty() && gone.iter().all(|uid| find(&chunk.rows, *uid).is_none()) {
                chunks.push(Arc::clone(chunk));
                continue;
            }
            push_rows(&mut chunks, merged(&chunk.rows, here, gone));
        }
        if self.chunks.is_empty() {
            push_rows(&mut chunks, merged(&[], puts, removes));
        }
        self.with_chunks(chunks)
    }

    /// Takes note of keywords that no message had before.
    pub(super) fn note_keywords(&mut self, rows: &[Row]) {
        let is_new = |keyword: &&Keyword| self.keywords.binary_search(keyword).is_err();
        let new: BTreeSet<&Keyword> =
            rows.iter().flat_map(|row| row.keywords.iter()).filter(is_new).collect();
        if !new.is_empty() {
            let mut all: Vec<Keyword> = self.keywords.iter().chain(new).cloned().collect();
            all.sort();
            self.keywords = all.into();
        }
    }

    /// What is counted of all messages.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// What STATUS tells, but for RECENT, which is not in here.
    pub fn status(&self, recent: u32) -> Status {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Status {
            messages: number(self.counts.messages),
            recent,
            unseen: number(self.counts.unseen),
            deleted: number(self.counts.deleted),
            deleted_size: self.counts.deleted_size,
            size: self.counts.size,
            uidnext: self.uidnext,
            uidvalidity: self.uidvalidity,
            modseq: self.modseq,
        }
    }

    /// How many messages there are.
    pub fn len(&self) -> usize {
        self.counts.messages
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The largest sequence number, 0 where there is none.
    pub fn largest_seq(&self) -> u32 {
        u32::try_from(self.len()).unwrap_or(u32::MAX)
    }

    /// The largest UID, 0 where there is none.
    pub fn largest_uid(&self) -> u32 {
        self.chunks.last().map_or(0, |(_, chunk)| chunk.last_uid())
    }

    /// All messages with their sequence numbers.
    pub fn rows(&self) -> impl Iterator<Item = (NonZeroU32, &Row)> {
        self.rows_from(0)
    }

    /// The messages from a place on, the first being 0, with their sequence numbers.
    pub fn rows_from(&self, place: usize) -> impl Iterator<Item = (NonZeroU32, &Row)> {
        let chunk = self.chunks.partition_point(|(before, _)| *before <= place).saturating_sub(1);
        let skipped = self.chunks.get(chunk).map_or(0, |(before, _)| place.saturating_sub(*before));
        let rows = self.chunks.get(chunk..).unwrap_or_default().iter().flat_map(|(_, chunk)| &chunk.rows);
        (place..).map(number).zip(rows.skip(skipped))
    }

    /// The message with this UID and its sequence number.
    pub fn by_uid(&self, uid: u32) -> Option<(NonZeroU32, &Row)> {
        let chunk = self.chunks.partition_point(|(_, chunk)| chunk.first_uid() <= uid).checked_sub(1)?;
        let (before, chunk) = self.chunks.get(chunk)?;
        let place = find(&chunk.rows, uid)?;
        Some((number(before.saturating_add(place)), chunk.rows.get(place)?))
    }

    /// Finds messages by UID, quickly where each is near the one before.
    pub fn finder(&self) -> Finder<'_> {
        Finder { picture: self, chunk: 0 }
    }

    /// What a store that is to change these messages would have to read of them. The UIDs ascend.
    pub fn known(&self, uids: &[u32]) -> Known {
        let mut finder = self.finder();
        let mut messages = Vec::with_capacity(uids.len());
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let mut next = None;
        for (seq, row) in uids.iter().filter_map(|uid| finder.by_uid(*uid)) {
            match ranges.last_mut() {
                Some((_, last)) if next == Some(seq) => *last = row.uid,
                _ => ranges.push((row.uid, row.uid)),
            }
            next = seq.checked_add(1);
            messages.push(row.meta());
        }
        Known { modseq: self.modseq, messages, ranges }
    }

    /// This picture with some of its rows as they are in a newer one. The UIDs ascend. What becomes the same in both is
    /// shared, so that little is left to be compared when they are.
    pub fn with_rows_of(&self, newer: &Self, uids: &[u32]) -> Self {
        let mut rest = uids;
        let mut finder = newer.finder();
        let chunks = self.chunks.iter().map(|(_, chunk)| {
            let before = rest.partition_point(|uid| *uid < chunk.first_uid());
            let end = rest.partition_point(|uid| *uid <= chunk.last_uid());
            let here = rest.get(before..end).unwrap_or_default();
            rest = rest.get(end..).unwrap_or_default();
            if here.is_empty() {
                return Arc::clone(chunk);
            }
            match newer.chunk_at(chunk.first_uid()) {
                Some(other) if differs_at_most(&chunk.rows, &other.rows, here) => Arc::clone(other),
                _ => {
                    let known = |uid: &&u32| find(&chunk.rows, **uid).is_some();
                    let rows = here.iter().filter(known).filter_map(|uid| finder.by_uid(*uid));
                    let puts: Vec<Row> = rows.map(|(_, row)| row.clone()).collect();
                    Chunk::new(merged(&chunk.rows, &puts, &[]))
                }
            }
        });
        let chunks = chunks.collect();
        self.with_chunks(chunks)
    }

    /// The chunk that begins with this UID.
    fn chunk_at(&self, uid: u32) -> Option<&Arc<Chunk>> {
        let chunk = self.chunks.partition_point(|(_, chunk)| chunk.first_uid() < uid);
        self.chunks.get(chunk).map(|(_, chunk)| chunk).filter(|chunk| chunk.first_uid() == uid)
    }

    /// The message with this sequence number.
    pub fn by_seq(&self, seq: u32) -> Option<&Row> {
        let place = usize::try_from(seq.checked_sub(1)?).ok()?;
        self.rows_from(place).next().map(|(_, row)| row)
    }

    /// How many messages have a smaller UID.
    pub fn place_of(&self, uid: u32) -> usize {
        let chunk = self.chunks.partition_point(|(_, chunk)| chunk.first_uid() <= uid);
        let Some((before, chunk)) = chunk.checked_sub(1).and_then(|chunk| self.chunks.get(chunk)) else {
            return 0;
        };
        before.saturating_add(chunk.rows.partition_point(|row| row.uid < uid))
    }

    /// The messages a set names, ascending, each once. Names of what is not there are passed over.
    pub fn resolve(&self, set: &SequenceSet, addressing: Addressing) -> Vec<(NonZeroU32, &Row)> {
        let largest = match addressing {
            _ if self.is_empty() => return Vec::new(),
            Addressing::Sequence => self.largest_seq(),
            Addressing::Uid => self.largest_uid(),
        };
        let places = |range: RangeInclusive<u32>| match addressing {
            Addressing::Sequence => {
                let place = |seq: u32| usize::try_from(seq).unwrap_or(usize::MAX);
                place(range.start().saturating_sub(1))..place(*range.end())
            }
            Addressing::Uid => {
                let end = range.end().checked_add(1).map_or(self.len(), |end| self.place_of(end));
                self.place_of(*range.start())..end
            }
        };
        let ranges = set.resolve(largest).into_iter().map(places);
        let mut named = Vec::new();
        for range in ranges {
            named.extend(self.rows_from(range.start).take(range.len()));
        }
        named
    }

    /// Whether every sequence number that a set names is there: a client that names others is out of step
    /// (RFC 9051 6.4).
    pub fn covers(&self, set: &SequenceSet) -> bool {
        !self.is_empty() && set.largest_number().is_none_or(|number| number.get() <= self.largest_seq())
    }

    /// Rows with a higher mod-sequence. Looks only into chunks that have one.
    pub fn changed_since(&self, modseq: u64) -> impl Iterator<Item = (NonZeroU32, &Row)> {
        let chunks = self.chunks.iter().filter(move |(_, chunk)| chunk.modseq > modseq);
        let rows = chunks.flat_map(|(before, chunk)| (*before..).map(number).zip(&chunk.rows));
        rows.filter(move |(_, row)| row.modseq > modseq)
    }

    /// The sequence number of the first message without `\Seen`.
    pub fn first_unseen(&self) -> Option<NonZeroU32> {
        let (before, chunk) = self.chunks.iter().find(|(_, chunk)| chunk.counts.unseen > 0)?;
        let place = chunk.rows.iter().position(|row| !row.is_seen())?;
        Some(number(before.saturating_add(place)))
    }

    /// What differs from an older picture, found in the chunks that both do not share.
    pub fn since(&self, older: &Self) -> Difference {
        let mut difference = Difference::default();
        let (mut old, mut new) = (Cursor::new(older), Cursor::new(self));
        loop {
            match (old.chunk(), new.chunk()) {
                (Some(one), Some(other)) if Arc::ptr_eq(one, other) && old.is_fresh() && new.is_fresh() => {
                    old.skip_chunk();
                    new.skip_chunk();
                    continue;
                }
                _ => {}
            }
            match (old.row(), new.row()) {
                (None, None) => return difference,
                (Some(row), None) => {
                    difference.gone.push(row.clone());
                    old.step();
                }
                (None, Some(row)) => {
                    difference.added.push(row.clone());
                    new.step();
                }
                (Some(one), Some(other)) => match one.uid.cmp(&other.uid) {
                    Ordering::Less => {
                        difference.gone.push(one.clone());
                        old.step();
                    }
                    Ordering::Greater => {
                        difference.added.push(other.clone());
                        new.step();
                    }
                    Ordering::Equal => {
                        if one != other {
                            difference.changed.push(other.clone());
                        }
                        old.step();
                        new.step();
                    }
                },
            }
        }
    }

    /// Octets it takes, as if it shared nothing.
    pub fn octets(&self) -> usize {
        let rows = self.len().saturating_mul(size_of::<Row>());
        let chunks = self.chunks.len().saturating_mul(CHUNK_OCTETS);
        rows.saturating_add(chunks).saturating_add(size_of::<Self>())
    }
}

/// Two pictures are the same if nobody could tell them apart.
impl PartialEq for Picture {
    fn eq(&self, other: &Self) -> bool {
        let numbers = |picture: &Self| (picture.modseq, picture.uidnext, picture.uidvalidity);
        numbers(self) == numbers(other)
            && self.counts == other.counts
            && self.rows().map(|(_, row)| row).eq(other.rows().map(|(_, row)| row))
    }
}

/// See [`Picture::finder`].
#[derive(Debug, Clone)]
pub struct Finder<'a> {
    picture: &'a Picture,
    /// Where the last one was found.
    chunk: usize,
}

impl<'a> Finder<'a> {
    /// As [`Picture::by_uid`].
    pub fn by_uid(&mut self, uid: u32) -> Option<(NonZeroU32, &'a Row)> {
        let chunks = &self.picture.chunks;
        let is_here =
            |(_, chunk): &&(usize, Arc<Chunk>)| (chunk.first_uid()..=chunk.last_uid()).contains(&uid);
        if chunks.get(self.chunk).filter(is_here).is_none() {
            self.chunk = chunks.partition_point(|(_, chunk)| chunk.first_uid() <= uid).checked_sub(1)?;
        }
        let (before, chunk) = chunks.get(self.chunk)?;
        let place = find(&chunk.rows, uid)?;
        Some((number(before.saturating_add(place)), chunk.rows.get(place)?))
    }
}

/// A place in a picture.
struct Cursor<'a> {
    picture: &'a Picture,
    chunk: usize,
    row: usize,
}

impl<'a> Cursor<'a> {
    fn new(picture: &'a Picture) -> Self {
        Self { picture, chunk: 0, row: 0 }
    }

    fn chunk(&self) -> Option<&'a Arc<Chunk>> {
        self.picture.chunks.get(self.chunk).map(|(_, chunk)| chunk)
    }

    fn is_fresh(&self) -> bool {
        self.row == 0
    }

    fn row(&self) -> Option<&'a Row> {
        self.chunk()?.rows.get(self.row)
    }

    fn skip_chunk(&mut self) {
        self.chunk = self.chunk.saturating_add(1);
        self.row = 0;
    }

    fn step(&mut self) {
        self.row = self.row.saturating_add(1);
        if self.chunk().is_some_and(|chunk| self.row >= chunk.rows.len()) {
            self.skip_chunk();
        }
    }
}

fn find(rows: &[Row], uid: u32) -> Option<usize> {
    // Where nothing is missing between them, which is most often so, its place is its distance from the first; it can
    // not be further on.
    let guess = usize::try_from(uid.checked_sub(rows.first()?.uid)?).ok()?;
    if rows.get(guess).is_some_and(|row| row.uid == uid) {
        return Some(guess);
    }
    rows.get(..guess).unwrap_or(rows).binary_search_by_key(&uid, |row| row.uid).ok()
}

/// Whether rows are of the same messages, and the same but for those with these UIDs, which ascend.
fn differs_at_most(rows: &[Row], others: &[Row], uids: &[u32]) -> bool {
    let mut uids = uids.iter().peekable();
    let fits = |(row, other): (&Row, &Row)| {
        while uids.next_if(|uid| **uid < row.uid).is_some() {}
        row.uid == other.uid && (uids.next_if(|uid| **uid == row.uid).is_some() || row == other)
    };
    rows.len() == others.len() && rows.iter().zip(others).all(fits)
}

fn merged(rows: &[Row], puts: &[Row], removes: &[u32]) -> Vec<Row> {
    let mut all = Vec::with_capacity(rows.len().saturating_add(puts.len()));
    let mut puts = puts.iter().peekable();
    for row in rows {
        while let Some(put) = puts.next_if(|put| put.uid < row.uid) {
            all.push(put.clone());
        }
        all.push(puts.next_if(|put| put.uid == row.uid).unwrap_or(row).clone());
    }
    all.extend(puts.cloned());
    if !removes.is_empty() {
        all.retain(|row| removes.binary_search(&row.uid).is_err());
    }
    all
}

/// Adds rows behind chunks: with the last of these where both are few, in pieces where they are many.
fn push_rows(chunks: &mut Vec<Arc<Chunk>>, mut rows: Vec<Row>) {
    if rows.is_empty() {
        return;
    }
    if let Some(last) = chunks.last()
        && last.rows.len().saturating_add(rows.len()) <= CHUNK_ROWS / 2
    {
        rows.splice(0..0, last.rows.iter().cloned());
        chunks.pop();
    }
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        chunks.push(Chunk::new(rows.by_ref().take(CHUNK_ROWS).collect()));
    }
}

/// The sequence number of the message at a place.
fn number(place: usize) -> NonZeroU32 {
    let seq = u32::try_from(place.saturating_add(1)).unwrap_or(u32::MAX);
    NonZeroU32::new(seq).unwrap_or(NonZeroU32::MIN)
}

/// Rows of a chunk at most: 16 KiB.
const CHUNK_ROWS: usize = 256;
/// What a chunk takes beside its rows, and its place in the list.
const CHUNK_OCTETS: usize = size_of::<Chunk>() + size_of::<(usize, Arc<Chunk>)>() + 32;
