//! Contents of messages: stored once, counted, in chunks, so that none is ever whole in memory. Large ones are in
//! [`files`], the others in rows.
//!
//! A content is gone with its last reference; its rows are removed soon after, some at a time, by the writer. They
//! stay while a session is reading them: a literal whose length has been announced must be finished. Readers pin what
//! they read; the writer leaves pinned contents, and the last reader has it look again.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use super::files::{self, Files};
use super::writer::{Reaper, Txn, lock};
use super::{Inner, lines, search, threads};
use crate::store::content::Chunks;
use crate::store::{Answer, BlobId, CHUNK, Content, Spooled, StoreError};

/// Opens a range of a content.
pub(super) async fn open(inner: &Arc<Inner>, blob: BlobId, range: Range<u64>) -> Result<Content, StoreError> {
    let pin = Pin::new(&inner.pins, blob, inner.writer.reaper())?;
    let (start, files) = (range.start, inner.files.clone());
    // What follows is most often asked for at once, and one question costs less than two.
    let (stored, first) = inner
        .readers
        .read(move |sql| {
            let stored = Stored::find(sql, &files, blob)?;
            let wanted = start < range.end.min(stored.size);
            let first = if wanted { Some(stored.chunk(sql, start)?) } else { None };
            Ok((stored, first))
        })
        .await?;
    let size = stored.size;
    let end = range.end.min(size);
    let position = start.min(end);
    let chunks =
        Reader { inner: Arc::clone(inner), _pin: pin, stored: Arc::new(stored), position, end, first };
    Ok(Content::new(size, end.saturating_sub(position), Box::new(chunks)))
}

/// Reads a content, a chunk at a time.
#[derive(Debug)]
struct Reader {
    inner: Arc<Inner>,
    _pin: Pin,
    stored: Arc<Stored>,
    position: u64,
    end: u64,
    first: Option<Bytes>,
}

impl Chunks for Reader {
    fn next(&mut self) -> Answer<'_, Bytes> {
        Box::pin(async {
            let (stored, position) = (Arc::clone(&self.stored), self.position);
            let mut data = match self.first.take() {
                Some(data) => data,
                None => self.inner.readers.read(move |sql| stored.chunk(sql, position)).await?,
            };
            data.truncate(usize::try_from(self.end.saturating_sub(position)).unwrap_or(usize::MAX));
            self.position = position.saturating_add(data.len() as u64);
            Ok(data)
        })
    }
}

/// A content that something refers to, and where its octets are.
#[derive(Debug)]
pub(super) struct Stored {
    blob: BlobId,
    pub(super) size: u64,
    /// In which file; `None` if in rows.
    file: Option<PathBuf>,
}

impl Stored {
    pub(super) fn find(sql: &Connection, files: &Files, blob: BlobId) -> Result<Self, StoreError> {
        let size: Option<u64> = sql
            .prepare_cached("SELECT size FROM blobs WHERE id = ?1 AND refs > 0")?
            .query_row([blob], |row| row.get(0))
            .optional()?;
        let size = size.ok_or(StoreError::NoSuchMessage)?;
        Ok(Self { blob, size, file: files.find(sql, blob, size)? })
    }

    /// What it has from `position` to the end of its chunk; never nothing.
    pub(super) fn chunk(&self, sql: &Connection, position: u64) -> Result<Bytes, StoreError> {
        let (part, skip) = (position / CHUNK, position % CHUNK);
        let data = match &self.file {
            Some(path) => files::read(path, position, CHUNK.saturating_sub(skip))?,
            None => {
                let found: Option<Vec<u8>> = sql
                    .prepare_cached("SELECT data FROM contents WHERE id = ?1")?
                    .query_row([key(self.blob, part)?], |row| row.get(0))
                    .optional()?;
                let mut data = Bytes::from(found.ok_or(StoreError::NoSuchMessage)?);
                let skip = usize::try_from(skip).unwrap_or(usize::MAX);
                if skip < data.len() { data.split_off(skip) } else { Bytes::new() }
            }
        };
        if data.is_empty() {
            let blob = self.blob;
            return Err(StoreError::Database(format!("chunk {part} of content {blob} is too short")));
        }
        Ok(data)
    }

    /// A range of it, cut at its end; `None` if it is not whole.
    fn part(&self, sql: &Connection, range: Range<u64>) -> Result<Option<Bytes>, StoreError> {
        let end = range.end.min(self.size);
        let wanted = end.saturating_sub(range.start);
        if let Some(path) = &self.file {
            return Ok(
                Some(files::read(path, range.start, wanted)?).filter(|octets| octets.len() as u64 == wanted)
            );
        }
        let mut query = sql.prepare_cached("SELECT substr(data, ?2, ?3) FROM contents WHERE id = ?1")?;
        let mut octets = Vec::new();
        let mut at = range.start;
        while at < end {
            let (part, before) = (at / CHUNK, at % CHUNK);
            let wanted = end.saturating_sub(at).min(CHUNK.saturating_sub(before));
            let found: Option<Vec<u8>> = query
                .query_row(params![key(self.blob, part)?, before.saturating_add(1), wanted], |row| row.get(0))
                .optional()?;
            match found {
                Some(found) if found.is_empty() => return Ok(None),
                Some(found) if octets.is_empty() => octets = found,
                Some(found) => octets.extend_from_slice(&found),
                None => return Ok(None),
            }
            at = at.saturating_add(wanted);
        }
        Ok(Some(octets.into()))
    }
}

/// Gives the octets of a content to `sink`, a chunk at a time; what is missing is left out.
pub(super) fn pieces(
    sql: &Connection,
    files: &Files,
    blob: BlobId,
    size: u64,
    mut sink: impl FnMut(&[u8]),
) -> Result<(), StoreError> {
    if let Some(path) = files.find(sql, blob, size)? {
        let is_there = path.try_exists().unwrap_or(true);
        let mut at: u64 = 0;
        while is_there && at < size {
            match files::read(&path, at, CHUNK)? {
                octets if octets.is_empty() => break,
                octets => {
                    sink(&octets);
                    at = at.saturating_add(octets.len() as u64);
                }
            }
        }
        return Ok(());
    }
    let mut query = sql.prepare_cached("SELECT data FROM contents WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?;
    let mut rows = query.query([key(blob, 0)?, key(blob, PARTS_MAX)?])?;
    while let Some(row) = rows.next()? {
        sink(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?);
    }
    Ok(())
}

/// A content of this size as a whole. For what is known to be small; what is missing is left out.
pub(super) fn whole(sql: &Connection, files: &Files, blob: BlobId, size: u64) -> Result<Vec<u8>, StoreError> {
    let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    pieces(sql, files, blob, size, |piece| content.extend_from_slice(piece))?;
    Ok(content)
}

/// A range of a content, cut at its end; `None` if the content is gone.
pub(super) fn part(
    sql: &Connection,
    files: &Files,
    blob: BlobId,
    range: Range<u64>,
) -> Result<Option<Bytes>, StoreError> {
    match Stored::find(sql, files, blob) {
        Ok(stored) => stored.part(sql, range),
        Err(StoreError::NoSuchMessage) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The summaries of contents, in their order. They are slices of one buffer: many small ones would cost more to come by
/// and to give back than to read.
pub(super) fn summaries(sql: &Connection, blobs: &[BlobId]) -> Result<Vec<Option<Bytes>>, StoreError> {
    let mut octets: Vec<u8> = Vec::with_capacity(blobs.len().saturating_mul(SUMMARY_OCTETS));
    let mut add = |row: &rusqlite::Row<'_>, column: usize| {
        let start = octets.len();
        octets.extend_from_slice(row.get_ref(column)?.as_blob().map_err(rusqlite::Error::from)?);
        Ok::<_, StoreError>(start..octets.len())
    };
    let mut found: Vec<Option<Range<usize>>> = Vec::with_capacity(blobs.len());
    if let Some((first, last)) = run_of(blobs) {
        let mut query = sql
            .prepare_cached("SELECT blob, data FROM summaries WHERE blob BETWEEN ?1 AND ?2 ORDER BY blob")?;
        let mut rows = query.query([first, last])?;
        let mut wanted = blobs.iter().peekable();
        while let Some(row) = rows.next()? {
            let blob: BlobId = row.get(0)?;
            while wanted.next_if(|wanted| **wanted < blob).is_some() {
                found.push(None);
            }
            if wanted.next_if_eq(&&blob).is_some() {
                found.push(Some(add(row, 1)?));
            }
        }
        found.resize(blobs.len(), None);
    } else {
        let mut query = sql.prepare_cached("SELECT data FROM summaries WHERE blob = ?1")?;
        for blob in blobs {
            let mut rows = query.query([blob])?;
            found.push(rows.next()?.map(|row| add(row, 0)).transpose()?);
        }
    }
    let octets = Bytes::from(octets);
    Ok(found.into_iter().map(|range| range.map(|range| octets.slice(range))).collect())
}

/// The first and the last of contents that are ascending and lie close together: to go through all that lie between
/// costs less than to look each up.
fn run_of(blobs: &[BlobId]) -> Option<(BlobId, BlobId)> {
    let (first, last) = (*blobs.first()?, *blobs.last()?);
    let between = usize::try_from(last.0.checked_sub(first.0)?).ok()?;
    let is_close = blobs.len() > 1 && between < blobs.len().saturating_mul(GAPS_MAX);
    (is_close && blobs.is_sorted_by(|one, other| one < other)).then_some((first, last))
}

/// Which contents are being read, and which are being removed.
#[derive(Debug, Default)]
pub(super) struct Pins(Mutex<PinState>);

#[derive(Debug, Default)]
struct PinState {
    pinned: BTreeMap<BlobId, u32>,
    /// Removed in a transaction that is not yet committed.
    condemned: BTreeSet<BlobId>,
    /// To be removed when no longer pinned.
    dying: BTreeSet<BlobId>,
}

impl Pins {
    fn condemn(&self, blob: BlobId) -> bool {
        let mut state = lock(&self.0);
        if state.pinned.contains_key(&blob) {
            state.dying.insert(blob);
            return false;
        }
        state.condemned.insert(blob);
        true
    }

    /// The transaction is over: what it removed is gone, what it did not remove is back.
    pub(super) fn pardon(&self, blobs: &[BlobId]) {
        let mut state = lock(&self.0);
        for blob in blobs {
            state.condemned.remove(blob);
        }
    }
}

#[derive(Debug)]
struct Pin {
    pins: Arc<Pins>,
    blob: BlobId,
    reaper: Reaper,
}

impl Pin {
    fn new(pins: &Arc<Pins>, blob: BlobId, reaper: Reaper) -> Result<Self, StoreError> {
        let mut state = lock(&pins.0);
        if state.condemned.contains(&blob) {
            return Err(StoreError::NoSuchMessage);
        }
        let count = state.pinned.entry(blob).or_default();
        *count = count.saturating_add(1);
        drop(state);
        Ok(Self { pins: Arc::clone(pins), blob, reaper })
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut state = lock(&self.pins.0);
        let left = state.pinned.get(&self.blob).map_or(0, |count| count.saturating_sub(1));
        if left > 0 {
            state.pinned.insert(self.blob, left);
            return;
        }
        state.pinned.remove(&self.blob);
        if state.dying.remove(&self.blob) {
            self.reaper.reap();
        }
    }
}

/// Adds a spooled message, with `refs` references: its octets, unless they are in a file of their own already. Also its
/// hashed ids.
pub(super) fn insert(
    txn: &mut Txn<'_>,
    message: &mut Spooled,
    refs: u32,
) -> Result<(BlobId, Vec<i64>), StoreError> {
    let ids = threads::hashes(message.ids());
    let size = message.size();
    txn.sql.prepare_cached("INSERT INTO blobs (size, refs, ids) VALUES (?1, ?2, ?3)")?.execute(params![
        size,
        refs,
        threads::to_column(&ids)
    ])?;
    let blob = BlobId(txn.sql.last_insert_rowid());
    if !message.summary().is_empty() {
        txn.sql
            .prepare_cached("INSERT INTO summaries (blob, data) VALUES (?1, ?2)")?
            .execute(params![blob, &**message.summary()])?;
    }
    lines::note(txn.sql, blob, size, message.size_on_lines())?;
    if let Some(file) = message.settled() {
        files::note(txn.sql, blob, &file.name())?;
        txn.keep(file);
        return Ok((blob, ids));
    }
    let mut add = txn.sql.prepare_cached("INSERT INTO contents (id, data) VALUES (?1, ?2)")?;
    let mut reader = message.reader();
    let mut chunk = Vec::new();
    let mut stored: u64 = 0;
    for part in 0_u64.. {
        if stored == size {
            break;
        }
        chunk.clear();
        let read = (&mut reader).take(CHUNK).read_to_end(&mut chunk);
        if read.map_err(|error| StoreError::io("reading a spooled message", &error))? == 0 {
            break;
        }
        stored = stored.saturating_add(chunk.len() as u64);
        add.execute(params![key(blob, part)?, chunk])?;
    }
    if stored == size {
        Ok((blob, ids))
    } else {
        Err(StoreError::Io { what: "spooled message".to_owned(), message: "shorter than written".to_owned() })
    }
}

/// Says how many references a content has.
pub(super) fn set_refs(txn: &mut Txn<'_>, blob: BlobId, refs: u32) -> Result<(), StoreError> {
    txn.sql.prepare_cached("UPDATE blobs SET refs = ?2 WHERE id = ?1")?.execute(params![blob, refs])?;
    if refs == 0 {
        txn.sweep();
    }
    Ok(())
}

/// Adds a reference to a content that has some.
pub(super) fn retain(txn: &Txn<'_>, blob: BlobId) -> Result<(), StoreError> {
    txn.sql.prepare_cached("UPDATE blobs SET refs = refs + 1 WHERE id = ?1")?.execute([blob])?;
    Ok(())
}

/// Takes a reference away, and the content with the last.
pub(super) fn release(txn: &mut Txn<'_>, blob: BlobId) -> Result<(), StoreError> {
    txn.sql.prepare_cached("UPDATE blobs SET refs = refs - 1 WHERE id = ?1")?.execute([blob])?;
    txn.sweep();
    Ok(())
}

/// Removes at most `max` contents that nothing refers to and nobody reads; whether there may be more.
pub(super) fn sweep(sql: &Connection, pins: &Pins, max: u32, swept: &mut Swept) -> Result<bool, StoreError> {
    // Pinned ones are passed over, and must not be all that is ever looked at.
    let mut after = BlobId(0);
    let mut left = max;
    loop {
        let found: Vec<BlobId> = sql
            .prepare_cached("SELECT id FROM blobs WHERE refs = 0 AND id > ?1 ORDER BY id LIMIT ?2")?
            .query_map(params![after, left], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let Some(last) = found.last() else { return Ok(false) };
        after = *last;
        for blob in found {
            if pins.condemn(blob) {
                swept.blobs.push(blob);
                left = left.saturating_sub(1);
                swept.files.extend(remove(sql, blob)?);
            }
        }
        if left == 0 {
            return Ok(true);
        }
    }
}

/// What a sweep removes when it is committed.
#[derive(Debug, Default)]
pub(super) struct Swept {
    pub(super) blobs: Vec<BlobId>,
    /// The names of their files.
    pub(super) files: Vec<String>,
}

/// Removes the rows of a content; the name of its file.
fn remove(sql: &Connection, blob: BlobId) -> Result<Option<String>, StoreError> {
    sql.prepare_cached("DELETE FROM contents WHERE id BETWEEN ?1 AND ?2")?
        .execute([key(blob, 0)?, key(blob, PARTS_MAX)?])?;
    sql.prepare_cached("DELETE FROM summaries WHERE blob = ?1")?.execute([blob])?;
    search::forget(sql, blob)?;
    lines::forget(sql, blob)?;
    sql.prepare_cached("DELETE FROM blobs WHERE id = ?1")?.execute([blob])?;
    files::forget(sql, blob)
}

/// The key of a chunk: those of a content lie together and in order.
pub(super) fn key(blob: BlobId, part: u64) -> Result<i64, StoreError> {
    let too_large = || StoreError::Database(format!("no key for part {part} of content {blob}"));
    if part > PARTS_MAX {
        return Err(too_large());
    }
    let part = i64::try_from(part).map_err(|_| too_large())?;
    blob.0.checked_mul(1 << PART_BITS).and_then(|key| key.checked_add(part)).ok_or_else(too_large)
}

const PART_BITS: u32 = 20;
/// The number of the last chunk that a content can have.
const PARTS_MAX: u64 = (1 << PART_BITS) - 1;
/// Room for a usual summary.
const SUMMARY_OCTETS: usize = 768;
/// Contents that are gone through for one that is wanted.
const GAPS_MAX: usize = 2;
