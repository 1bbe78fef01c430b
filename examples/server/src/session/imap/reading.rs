//! Reading what the store keeps of a content: its summary, some of its octets.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use posthaste_imap::message::{Span, Summary};

use crate::store::{BlobId, Store, StoreError};

/// The summaries of some contents, in their order; `None` for one that is gone.
pub(super) async fn summaries(
    store: &Arc<dyn Store>,
    blobs: Vec<BlobId>,
) -> Result<Vec<Option<Arc<Summary>>>, StoreError> {
    let stored = store.summaries(blobs.clone()).await?;
    let mut summaries = Vec::with_capacity(blobs.len());
    for (at, blob) in blobs.into_iter().enumerate() {
        let known = stored.get(at).and_then(Option::as_ref).and_then(Summary::from_bytes);
        summaries.push(match known {
            Some(summary) => Some(Arc::new(summary)),
            None => match scanned(store, blob).await {
                Ok(summary) => Some(Arc::new(summary)),
                Err(StoreError::NoSuchMessage) => None,
                Err(error) => return Err(error),
            },
        });
    }
    Ok(summaries)
}

/// The summary of a content that has none, or one of another version.
async fn scanned(store: &Arc<dyn Store>, blob: BlobId) -> Result<Summary, StoreError> {
    let content = octets(store, blob, 0..u64::MAX).await?;
    // Other sessions do not wait for a long message to be read.
    tokio::task::spawn_blocking(move || Summary::scan(&content)).await.map_err(|_| StoreError::Closed)
}

/// Some octets of a content, in memory: those of a header, say.
pub(super) async fn octets(
    store: &Arc<dyn Store>,
    blob: BlobId,
    range: Range<u64>,
) -> Result<Bytes, StoreError> {
    let mut content = store.content(blob, range).await?;
    let Some(first) = content.next_chunk().await? else { return Ok(Bytes::new()) };
    if content.remaining() == 0 {
        return Ok(first);
    }
    let mut octets = BytesMut::from(&first[..]);
    while let Some(chunk) = content.next_chunk().await? {
        octets.extend_from_slice(&chunk);
    }
    Ok(octets.freeze())
}

/// Where octets are, as a store is asked.
pub(super) fn range(span: Span) -> Range<u64> {
    let at = |offset: usize| u64::try_from(offset).unwrap_or(u64::MAX);
    at(span.start)..at(span.end)
}
