//! How long contents are on lines that all end with CR LF: what POP3 announces (RFC 1939 11).
//!
//! Few contents have other lines, and only those have a row. Each is measured as it comes in. Those that an older
//! version of the program stored are measured in the background; until then they count as they are.

use std::sync::Arc;

use posthaste_pop3::server::SentSize;
use rusqlite::{Connection, OptionalExtension, params};

use super::files::Files;
use super::writer::Txn;
use super::{Inner, blobs};
use crate::store::{BlobId, StoreError};

/// Those of the contents that are longer on such lines, with that length.
pub(super) fn sizes(sql: &Connection, blobs: &[BlobId]) -> Result<Vec<(BlobId, u64)>, StoreError> {
    let (Some(first), Some(last)) = (blobs.iter().min(), blobs.iter().max()) else { return Ok(Vec::new()) };
    let is_any = "SELECT EXISTS (SELECT 1 FROM line_sizes WHERE blob BETWEEN ?1 AND ?2)";
    if !sql.prepare_cached(is_any)?.query_row([first, last], |row| row.get(0))? {
        return Ok(Vec::new());
    }
    let mut query = sql.prepare_cached("SELECT octets FROM line_sizes WHERE blob = ?1")?;
    let mut sizes = Vec::new();
    for blob in blobs {
        if let Some(octets) = query.query_row([blob], |row| row.get(0)).optional()? {
            sizes.push((*blob, octets));
        }
    }
    Ok(sizes)
}

/// Notes how long a new content is so.
pub(super) fn note(sql: &Connection, blob: BlobId, size: u64, octets: u64) -> Result<(), StoreError> {
    if octets != size {
        sql.prepare_cached("INSERT INTO line_sizes (blob, octets) VALUES (?1, ?2)")?
            .execute(params![blob, octets])?;
    }
    Ok(())
}

/// A content goes.
pub(super) fn forget(sql: &Connection, blob: BlobId) -> Result<(), StoreError> {
    sql.prepare_cached("DELETE FROM line_sizes WHERE blob = ?1")?.execute([blob])?;
    Ok(())
}

/// Measures contents that were there before their lines counted, until none is left.
pub(super) async fn catch_up(inner: &Arc<Inner>) -> Result<(), StoreError> {
    let read = || {
        let files = inner.files.clone();
        inner.readers.read(move |sql| Portion::read(sql, &files))
    };
    while let Some(portion) = read().await? {
        inner.writer.write(move |txn| portion.note(txn)).await?;
    }
    Ok(())
}

/// Contents that are measured at once.
struct Portion {
    /// All up to here were measured before.
    after: BlobId,
    /// All up to here are measured then; `None` for all there are to measure.
    last: Option<BlobId>,
    /// Those that are longer on their lines.
    sizes: Vec<(BlobId, u64)>,
}

impl Portion {
    /// `None` when nothing is left to measure.
    fn read(sql: &Connection, files: &Files) -> Result<Option<Self>, StoreError> {
        let Some((after, end)) = state(sql)? else { return Ok(None) };
        let mut portion = Self { after, last: None, sizes: Vec::new() };
        let mut query =
            sql.prepare_cached("SELECT id, size FROM blobs WHERE id > ?1 AND id <= ?2 ORDER BY id")?;
        let mut rows = query.query([after, end])?;
        let (mut contents, mut octets) = (0_u32, 0_u64);
        while let Some(row) = rows.next()? {
            if contents >= PORTION_MAX || octets >= PORTION_OCTETS {
                return Ok(Some(portion));
            }
            let (blob, size): (BlobId, u64) = (row.get(0)?, row.get(1)?);
            let mut sent = SentSize::new();
            blobs::pieces(sql, files, blob, size, |piece| sent.add(piece))?;
            if sent.octets() != size {
                portion.sizes.push((blob, sent.octets()));
            }
            contents = contents.saturating_add(1);
            octets = octets.saturating_add(size);
            portion.last = Some(blob);
        }
        portion.last = None;
        Ok(Some(portion))
    }

    fn note(self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        // Somebody else may be at it too.
        if state(txn.sql)?.is_none_or(|(measured, _)| measured != self.after) {
            return Ok(());
        }
        for (blob, octets) in self.sizes {
            // What has gone meanwhile stays away.
            txn.sql
                .prepare_cached(
                    "INSERT INTO line_sizes (blob, octets) SELECT id, ?2 FROM blobs WHERE id = ?1",
                )?
                .execute(params![blob, octets])?;
        }
        match self.last {
            Some(last) => {
                txn.sql.prepare_cached("UPDATE line_sizes_state SET measured = ?1")?.execute([last])?
            }
            None => txn.sql.prepare_cached("DELETE FROM line_sizes_state")?.execute([])?,
        };
        Ok(())
    }
}

/// Up to where contents are measured, and up to where they are to be.
fn state(sql: &Connection) -> Result<Option<(BlobId, BlobId)>, StoreError> {
    let mut query = sql.prepare_cached("SELECT measured, last FROM line_sizes_state")?;
    Ok(query.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// Contents measured in one transaction.
const PORTION_MAX: u32 = 1000;
/// Octets of them after which it takes no more.
const PORTION_OCTETS: u64 = 8 << 20;
