//! Which conversation a message belongs to (RFC 8474 5.2).
//!
//! A message joins the first conversation of its account that knows one of its ids, or begins one, named by its
//! content. What a message once is of it stays of, so that two conversations that turn out to be one stay two. Of an
//! id only a hash is kept.

use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::writer::Txn;
use crate::store::{AccountId, BlobId, StoreError, ThreadId};

/// What is kept of the ids of a message: those of the first and the last few.
pub(super) fn hashes(ids: &[Vec<u8>]) -> Vec<i64> {
    let skipped = IDS_MAX / 2..ids.len().saturating_sub(IDS_MAX / 2).max(IDS_MAX / 2);
    let kept = ids.iter().enumerate().filter(|(at, _)| !skipped.contains(at));
    kept.map(|(_, id)| hash(id)).collect()
}

fn hash(id: &[u8]) -> i64 {
    let digest: [u8; 32] = Sha256::digest(id).into();
    digest.first_chunk().map_or(0, |octets| i64::from_be_bytes(*octets))
}

/// How hashes stand beside a content; nothing when there are none.
pub(super) fn to_column(hashes: &[i64]) -> Option<Vec<u8>> {
    (!hashes.is_empty()).then(|| hashes.iter().flat_map(|hash| hash.to_be_bytes()).collect())
}

/// The conversation of a new message of an account.
pub(super) fn join(
    txn: &Txn<'_>,
    account: AccountId,
    blob: BlobId,
    hashes: &[i64],
) -> Result<ThreadId, StoreError> {
    let mut find = txn.sql.prepare_cached("SELECT thread FROM threads WHERE account = ?1 AND hash = ?2")?;
    let mut found = None;
    let mut new = Vec::with_capacity(hashes.len());
    for hash in hashes {
        match find.query_row(params![account, hash], |row| row.get(0)).optional()? {
            Some(thread) => found = found.or(Some(thread)),
            None => new.push(*hash),
        }
    }
    let thread = found.unwrap_or(ThreadId(blob.0));
    let mut add = txn
        .sql
        .prepare_cached("INSERT OR IGNORE INTO threads (account, hash, thread) VALUES (?1, ?2, ?3)")?;
    for hash in new {
        add.execute(params![account, hash, thread])?;
    }
    Ok(thread)
}

/// The conversation that a content of another account is of in this one.
pub(super) fn join_copy(txn: &Txn<'_>, account: AccountId, blob: BlobId) -> Result<ThreadId, StoreError> {
    let column: Option<Vec<u8>> = txn
        .sql
        .prepare_cached("SELECT ids FROM blobs WHERE id = ?1")?
        .query_row([blob], |row| row.get(0))
        .optional()?
        .flatten();
    let (octets, _) = column.as_deref().unwrap_or_default().as_chunks();
    let hashes: Vec<i64> = octets.iter().map(|octets| i64::from_be_bytes(*octets)).collect();
    join(txn, account, blob, &hashes)
}

/// Ids of one message that are kept.
const IDS_MAX: usize = 32;
