//! How what SEARCH, SORT and THREAD compare comes into memory: from the summaries of the contents, and then it stays
//! in the index as long as there is room.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use posthaste_imap::message::Compared;

use super::patience::Progress;
use super::reading;
use crate::index::{Index, Loading, Open, Overviews, Picture};
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

    /// What is compared of these contents, as far as it is known or can be read fast; and the rest, which is read for
    /// the next time once somebody drops it.
    pub(super) async fn at_hand(
        &self,
        blobs: impl Iterator<Item = BlobId>,
        progress: &Progress,
    ) -> Result<(Arc<Overviews>, Option<Later>), StoreError> {
        let known = self.open.overviews();
        let missing = missing(&known, blobs);
        // All that is kept is copied when something comes to it.
        if missing.len().saturating_mul(FEW) < known.len() {
            return Ok((known, None));
        }
        if missing.len() <= AT_ONCE {
            return Ok((self.load(known, missing, progress).await?, None));
        }
        let octets = missing.len().saturating_mul(OVERVIEW_OCTETS);
        let loading = if self.index.has_room_for(octets) { self.open.load_overviews() } else { None };
        let later = loading.map(|loading| Later(Some((self.clone(), missing, loading))));
        Ok((known, later))
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
        // Two lanes: what takes long is to decode.
        let (one, other) = missing.split_at_checked(missing.len() / 2).unwrap_or_default();
        let (one, other) = tokio::try_join!(self.lane(one, progress), self.lane(other, progress))?;
        let ((mut new, mut unread), (more, unread_too)) = (one, other);
        unread.extend(unread_too);
        let scanned = self.scan(unread).await?;
        // What went from the mailbox goes from here as well.
        let picture = Arc::clone(&self.picture);
        let updated = blocking(move || {
            new.append(&more);
            drop(more);
            if known.is_empty() && scanned.is_empty() {
                // Nothing is to be put in between, nor taken away.
                return Arc::new(new);
            }
            let mut kept: Vec<BlobId> = picture.rows().map(|(_, row)| row.blob).collect();
            kept.sort_unstable();
            let all = known.updated(&new, &kept);
            Arc::new(if scanned.is_empty() { all } else { all.updated(&scanned, &kept) })
        });
        let all = updated.await?;
        self.index.keep_overviews(&self.open, &all);
        Ok(all)
    }

    /// What is compared of some contents, which ascend, and those of which it can not be read.
    async fn lane(
        &self,
        blobs: &[BlobId],
        progress: &Progress,
    ) -> Result<(Overviews, Vec<BlobId>), StoreError> {
        let (mut new, mut unread) = (Overviews::default(), Vec::new());
        let mut batches = blobs.chunks(BATCH);
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
        Ok((new, unread))
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

/// Contents of which nobody waits to know what is compared. It is read soon after this is dropped.
pub(super) struct Later(Option<(Comparing, Vec<BlobId>, Loading)>);

impl Drop for Later {
    fn drop(&mut self) {
        let Some((comparing, missing, loading)) = self.0.take() else { return };
        // Where nothing runs any more nothing is read.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            // Who searches for a few things in a row is served by the index of the store until then.
            tokio::time::sleep(QUIET).await;
            let known = comparing.open.overviews();
            // Whoever needs them will see what is wrong.
            let _ = comparing.load(known, missing, &Progress::default()).await;
            drop(loading);
        });
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
/// How long after a search what the next one compares is read.
const QUIET: Duration = Duration::from_millis(200);
/// Contents that are read for a search which an index of the store could answer as well.
const AT_ONCE: usize = 4096;
/// Of how many that are kept one that is not is too few to be added for a search.
const FEW: usize = 256;
/// What is kept of a message, about.
const OVERVIEW_OCTETS: usize = 400;
