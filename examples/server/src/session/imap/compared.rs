//! How what SEARCH, SORT and THREAD compare comes into memory: from the summaries of the contents, and then it stays
//! in the index as long as there is room.

use std::sync::Arc;

use bytes::Bytes;
use posthaste_imap::message::Compared;

use super::patience::Progress;
use super::reading;
use crate::index::{Index, Open, Overviews, Picture};
use crate::store::{BlobId, Store, StoreError};

/// A mailbox, and where what is compared of it comes from.
#[derive(Clone)]
pub(super) struct Comparing {
    pub(super) store: Arc<dyn Store>,
    pub(super) index: Index,
    pub(super) open: Arc<Open>,
    pub(super) picture: Arc<Picture>,
}

impl Comparing {
    /// What is compared of all of these contents. What was not known is read, and kept for the next time.
    pub(super) async fn all(
        &self,
        blobs: impl Iterator<Item = BlobId>,
        progress: &Progress,
    ) -> Result<Arc<Overviews>, StoreError> {
        let known = self.open.overviews();
        let missing = missing(&known, blobs);
        self.load(known, missing, progress).await
    }

    /// What is compared of these contents, as far as it is known or can be read fast. The rest is read while nobody
    /// waits, for the next time.
    pub(super) async fn at_hand(
        &self,
        blobs: impl Iterator<Item = BlobId>,
        progress: &Progress,
    ) -> Result<Arc<Overviews>, StoreError> {
        let known = self.open.overviews();
        let missing = missing(&known, blobs);
        // All that is kept is copied when something comes to it.
        if missing.len().saturating_mul(FEW) < known.len() {
            return Ok(known);
        }
        if missing.len() <= AT_ONCE {
            return self.load(known, missing, progress).await;
        }
        let octets = missing.len().saturating_mul(OVERVIEW_OCTETS);
        if self.index.has_room_for(octets)
            && let Some(loading) = self.open.load_overviews()
        {
            let comparing = self.clone();
            tokio::spawn(async move {
                let known = comparing.open.overviews();
                // Whoever needs them will see what is wrong.
                let _ = comparing.load(known, missing, &Progress::default()).await;
                drop(loading);
            });
        }
        Ok(known)
    }

    async fn load(
        &self,
        known: Arc<Overviews>,
        missing: Vec<BlobId>,
        progress: &Progress,
    ) -> Result<Arc<Overviews>, StoreError> {
        if missing.is_empty() {
            return Ok(known);
        }
        progress.expect(missing.len());
        let (mut new, mut unread) = (Overviews::default(), Vec::new());
        let mut batches = missing.chunks(BATCH);
        let mut stored = self.read(batches.next()).await?;
        while let Some(batch) = stored {
            // While one is decoded the next is read.
            let count = batch.len();
            let decoding = blocking(move || decode(new, &batch));
            let (decoded, next) = tokio::join!(decoding, self.read(batches.next()));
            let (decoded, failed) = decoded?;
            new = decoded;
            unread.extend(failed);
            progress.add(count);
            stored = next?;
        }
        let scanned = self.scan(unread).await?;
        // What went from the mailbox goes from here as well.
        let picture = Arc::clone(&self.picture);
        let updated = blocking(move || {
            let mut kept: Vec<BlobId> = picture.rows().map(|(_, row)| row.blob).collect();
            kept.sort_unstable();
            let all = known.updated(&new, &kept);
            Arc::new(if scanned.is_empty() { all } else { all.updated(&scanned, &kept) })
        });
        let all = updated.await?;
        self.index.keep_overviews(&self.open, &all);
        Ok(all)
    }

    async fn read(&self, blobs: Option<&[BlobId]>) -> Result<Option<Vec<Stored>>, StoreError> {
        let Some(blobs) = blobs else { return Ok(None) };
        let summaries = self.store.summaries(blobs.to_vec()).await?;
        Ok(Some(blobs.iter().copied().zip(summaries).collect()))
    }

    /// What is compared of contents that have no summary, or one of another version. One that is gone has nothing.
    async fn scan(&self, blobs: Vec<BlobId>) -> Result<Overviews, StoreError> {
        let mut scanned = Overviews::default();
        for blob in blobs {
            let summary = reading::summaries(&self.store, vec![blob]).await?.into_iter().next().flatten();
            let stored = summary.map(|summary| summary.to_bytes());
            scanned = decode(scanned, &[(blob, stored)]).0;
        }
        Ok(scanned)
    }
}

/// Adds what is compared of some contents; those are left of which it can not be read.
fn decode(mut new: Overviews, batch: &[Stored]) -> (Overviews, Vec<BlobId>) {
    let mut failed = Vec::new();
    for (blob, stored) in batch {
        match stored.as_deref().and_then(Compared::from_bytes) {
            Some(compared) => new.push(*blob, &compared),
            None => failed.push(*blob),
        }
    }
    (new, failed)
}

/// Those of some contents that are not known, ascending, each once.
fn missing(known: &Overviews, blobs: impl Iterator<Item = BlobId>) -> Vec<BlobId> {
    let mut places = known.places();
    let mut missing: Vec<BlobId> = blobs.filter(|blob| places.of(*blob).is_none()).collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}

/// Work that takes long enough to let others go on.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| StoreError::Closed)
}

/// A summary as it is stored.
type Stored = (BlobId, Option<Bytes>);

/// Summaries that are asked for and decoded at once.
const BATCH: usize = 1000;
/// Contents that are read for a search which an index of the store could answer as well.
const AT_ONCE: usize = 4096;
/// Of how many that are kept one that is not is too few to be added for a search.
const FEW: usize = 256;
/// What is kept of a message, about.
const OVERVIEW_OCTETS: usize = 400;
