//! Reading ahead: a client that fetches one message after the other gets small ones out of memory, so that there is
//! one question to the store for many of them, and for more of them the longer it goes on like that.

use bytes::Bytes;

use crate::index::Picture;
use crate::store::{BlobId, Content, Store, StoreError};

/// Contents that were read before they were asked for.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    contents: Vec<(BlobId, Bytes)>,
    /// The message after the one that was asked for last.
    next: usize,
    /// Portions that were read one after the other.
    portions: u32,
}

impl Ahead {
    /// The content of one of `messages`, by its position.
    ///
    /// # Errors
    ///
    /// As [`Store::content`].
    pub(super) async fn content(
        &mut self,
        store: &dyn Store,
        messages: &Picture,
        index: usize,
    ) -> Result<Content, StoreError> {
        let from_here = || messages.rows_from(index).map(|(_, row)| (row.blob, row.size));
        let blob = from_here().next().map(|(blob, _)| blob).ok_or(StoreError::NoSuchMessage)?;
        let is_next = index == self.next;
        self.next = index.saturating_add(1);
        if let Some(content) = self.take(blob) {
            return Ok(Content::of(content));
        }
        self.contents.clear();
        self.portions = if is_next { self.portions.saturating_add(1) } else { 0 };
        if is_next {
            let wanted = portion(from_here(), octets_max(self.portions));
            if wanted.len() > 1 {
                let parts = wanted.iter().map(|blob| (*blob, 0..u64::MAX)).collect();
                let found = store.parts(parts).await?;
                let found = wanted.into_iter().zip(found).rev();
                self.contents = found.filter_map(|(blob, octets)| Some((blob, octets?))).collect();
                let content = self.take(blob).ok_or(StoreError::NoSuchMessage)?;
                return Ok(Content::of(content));
            }
        }
        store.content(blob, 0..u64::MAX).await
    }

    /// What was read of a content, with all that stands before it: a client that goes on does not come back.
    fn take(&mut self, blob: BlobId) -> Option<Bytes> {
        let at = self.contents.iter().rposition(|(known, _)| *known == blob)?;
        self.contents.truncate(at.saturating_add(1));
        self.contents.pop().map(|(_, octets)| octets)
    }
}

/// Octets of a portion: twice as many as of the one before.
fn octets_max(portions: u32) -> u64 {
    let doubled = 1_u64.checked_shl(portions.saturating_sub(1)).unwrap_or(u64::MAX);
    OCTETS_FIRST.saturating_mul(doubled).min(OCTETS_MAX)
}

/// As many of the first messages as are read at once.
fn portion(messages: impl Iterator<Item = (BlobId, u64)>, octets_max: u64) -> Vec<BlobId> {
    let mut octets = 0_u64;
    let fits = messages.take_while(|(_, size)| {
        octets = octets.saturating_add(*size);
        octets <= octets_max
    });
    fits.take(AHEAD_MAX).map(|(blob, _)| blob).collect()
}

/// Octets of contents that are read at once, to begin with.
const OCTETS_FIRST: u64 = 64 * 1024;
/// Octets of contents that wait in the memory of one session, at most.
const OCTETS_MAX: u64 = 256 * 1024;
/// Contents that are read at once.
const AHEAD_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(sizes: &[u64]) -> impl Iterator<Item = (BlobId, u64)> {
        (0..).map(BlobId).zip(sizes.iter().copied())
    }

    #[test]
    fn a_portion_is_bounded_in_octets_and_in_messages() {
        let octets = OCTETS_FIRST;
        assert_eq!(portion(messages(&[octets + 1, 1]), octets).len(), 0);
        assert_eq!(portion(messages(&[octets - 1, 1, 1]), octets).len(), 2);
        assert_eq!(portion(messages(&[1; 1000]), octets).len(), AHEAD_MAX);
        assert_eq!(portion(messages(&[]), octets).len(), 0);
    }

    #[test]
    fn portions_grow_up_to_what_a_session_may_hold() {
        let grown: Vec<u64> = [1, 2, 3, 4, 63, 64, 65, u32::MAX].map(octets_max).into();
        assert_eq!(grown[..3], [OCTETS_FIRST, 2 * OCTETS_FIRST, 4 * OCTETS_FIRST]);
        assert!(grown[2..].iter().all(|octets| *octets == OCTETS_MAX), "{grown:?}");
    }

    #[test]
    fn what_is_skipped_is_let_go() {
        let contents = (0..4).rev().map(|at| (BlobId(at), Bytes::from(at.to_string()))).collect();
        let mut ahead = Ahead { contents, ..Ahead::default() };
        assert_eq!(ahead.take(BlobId(0)).unwrap(), "0");
        assert_eq!(ahead.take(BlobId(2)).unwrap(), "2");
        assert_eq!(ahead.take(BlobId(1)), None);
        assert_eq!(ahead.take(BlobId(3)).unwrap(), "3");
        assert!(ahead.contents.is_empty());
    }
}
