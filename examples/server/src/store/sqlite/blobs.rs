//! Contents of messages: stored once, counted, in chunks, so that none is ever whole in memory.
//!
//! A content goes with its last reference, but never while a session is reading it: a literal whose length
//! has been announced must be finished. Readers pin what they read; the writer leaves pinned contents, and
//! the last reader has them removed. What a crash leaves is removed when the server starts.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use super::Store;
use super::error::StoreError;
use super::id::BlobId;
use super::spool::Spooled;
use super::writer::{Reaper, Txn, lock};

/// The size of all chunks of a content but the last, in octets.
pub const CHUNK: u64 = 256 * 1024;

impl Store {
    /// Opens a range of a content for reading, in octets. A range beyond the end is cut there.
    ///
    /// From here on the content can be read to the end of the range, even if all messages that have it are
    /// expunged meanwhile.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchMessage`] if the content is gone.
    pub async fn read_blob(&self, blob: BlobId, range: Range<u64>) -> Result<BlobReader, StoreError> {
        let pin = Pin::new(&self.inner.pins, blob, self.inner.writer.reaper())?;
        let size = self.read(move |sql| size(sql, blob)).await?;
        let end = range.end.min(size);
        Ok(BlobReader { store: self.clone(), pin, size, position: range.start.min(end), end })
    }

    /// The summaries that came with contents, see [`Spooled::set_summary`], in the order of `blobs`; `None`
    /// for a content that is gone.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn summaries(&self, blobs: Vec<BlobId>) -> Result<Vec<Option<Bytes>>, StoreError> {
        self.read(move |sql| {
            let mut query = sql.prepare_cached("SELECT summary FROM blobs WHERE id = ?1")?;
            blobs
                .iter()
                .map(|blob| {
                    let found: Option<Option<Vec<u8>>> =
                        query.query_row([blob], |row| row.get(0)).optional()?;
                    Ok(found.flatten().map(Bytes::from))
                })
                .collect()
        })
        .await
    }
}

/// Reads a content, a chunk at a time.
#[derive(Debug)]
pub struct BlobReader {
    store: Store,
    pin: Pin,
    size: u64,
    position: u64,
    end: u64,
}

impl BlobReader {
    /// The size of the whole content, in octets.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Octets of the range that are still to come.
    pub fn remaining(&self) -> u64 {
        self.end.saturating_sub(self.position)
    }

    /// The next octets, at most [`CHUNK`]; `None` at the end of the range.
    ///
    /// # Errors
    ///
    /// The database failed, or another process removed the content: the literal can not be finished.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        if self.remaining() == 0 {
            return Ok(None);
        }
        let (blob, part, skip) = (self.pin.blob, self.position / CHUNK, self.position % CHUNK);
        let data: Option<Vec<u8>> = self
            .store
            .read(move |sql| {
                let mut query =
                    sql.prepare_cached("SELECT data FROM chunks WHERE blob = ?1 AND part = ?2")?;
                Ok::<_, StoreError>(query.query_row(params![blob, part], |row| row.get(0)).optional()?)
            })
            .await?;
        let mut data = Bytes::from(data.ok_or(StoreError::NoSuchMessage)?);
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        if skip >= data.len() {
            return Err(StoreError::Database(format!("chunk {part} of content {blob} is too short")));
        }
        data = data.split_off(skip);
        data.truncate(usize::try_from(self.remaining()).unwrap_or(usize::MAX));
        self.position = self.position.saturating_add(data.len() as u64);
        Ok(Some(data))
    }
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
    pub(super) fn condemn(&self, blob: BlobId) -> bool {
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
            self.reaper.reap(self.blob);
        }
    }
}

/// Copies a spooled message into the database, with `refs` references.
pub(super) fn insert(txn: &Txn<'_>, message: &mut Spooled, refs: u32) -> Result<BlobId, StoreError> {
    let summary = (!message.summary.is_empty()).then(|| message.summary.clone());
    let size = message.size();
    txn.sql
        .prepare_cached("INSERT INTO blobs (size, refs, summary) VALUES (?1, ?2, ?3)")?
        .execute(params![size, refs, summary.as_deref()])?;
    let blob = BlobId(txn.sql.last_insert_rowid());
    let mut add = txn.sql.prepare_cached("INSERT INTO chunks (blob, part, data) VALUES (?1, ?2, ?3)")?;
    let mut reader = message.reader()?;
    let mut chunk = Vec::new();
    let mut stored: u64 = 0;
    for part in 0_u64.. {
        chunk.clear();
        let read = (&mut reader).take(CHUNK).read_to_end(&mut chunk);
        if read.map_err(|error| StoreError::io("reading a spooled message", &error))? == 0 {
            break;
        }
        stored = stored.saturating_add(chunk.len() as u64);
        add.execute(params![blob, part, chunk])?;
    }
    if stored == size {
        Ok(blob)
    } else {
        Err(StoreError::Io { what: "spooled message".to_owned(), message: "shorter than written".to_owned() })
    }
}

/// Adds references to a content that has some.
pub(super) fn retain(txn: &Txn<'_>, blob: BlobId) -> Result<(), StoreError> {
    txn.sql.prepare_cached("UPDATE blobs SET refs = refs + 1 WHERE id = ?1")?.execute([blob])?;
    Ok(())
}

/// Takes a reference away, and the content with the last.
pub(super) fn release(txn: &mut Txn<'_>, blob: BlobId) -> Result<(), StoreError> {
    txn.sql.prepare_cached("UPDATE blobs SET refs = refs - 1 WHERE id = ?1")?.execute([blob])?;
    remove_unreferenced(txn, blob)
}

/// Removes a content that nothing refers to and nobody reads.
pub(super) fn remove_unreferenced(txn: &mut Txn<'_>, blob: BlobId) -> Result<(), StoreError> {
    let refs: Option<i64> = txn
        .sql
        .prepare_cached("SELECT refs FROM blobs WHERE id = ?1")?
        .query_row([blob], |row| row.get(0))
        .optional()?;
    if refs == Some(0) && txn.condemn(blob) {
        remove(txn.sql, blob)?;
    }
    Ok(())
}

/// Removes what was pinned when a server stopped.
pub(super) fn clean(sql: &Connection) -> Result<(), StoreError> {
    let left: Vec<BlobId> = sql
        .prepare("SELECT id FROM blobs WHERE refs = 0")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    left.into_iter().try_for_each(|blob| remove(sql, blob))
}

fn remove(sql: &Connection, blob: BlobId) -> Result<(), StoreError> {
    sql.prepare_cached("DELETE FROM chunks WHERE blob = ?1")?.execute([blob])?;
    sql.prepare_cached("DELETE FROM blobs WHERE id = ?1")?.execute([blob])?;
    Ok(())
}

fn size(sql: &Connection, blob: BlobId) -> Result<u64, StoreError> {
    sql.prepare_cached("SELECT size FROM blobs WHERE id = ?1")?
        .query_row([blob], |row| row.get(0))
        .optional()?
        .ok_or(StoreError::NoSuchMessage)
}
