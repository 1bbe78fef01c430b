//! Reading ahead: a client that fetches one message after the other gets small ones out of memory, so that there is
//! one question to the store for many of them.

use bytes::Bytes;

use crate::store::{BlobId, Content, MessageMeta, Store, StoreError};

/// Contents that were read before they were asked for.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    contents: Vec<(BlobId, Bytes)>,
    /// The message after the one that was asked for last.
    next: usize,
}

impl Ahead {
    /// The content of one of `messages`, which are in their order.
    ///
    /// # Errors
    ///
    /// As [`Store::content`].
    pub(super) async fn content(
        &mut self,
        store: &dyn Store,
        messages: &[MessageMeta],
        index: usize,
    ) -> Result<Content, StoreError> {
        let meta = messages.get(index).ok_or(StoreError::NoSuchMessage)?;
        let is_next = index == self.next;
        self.next = index.saturating_add(1);
        if let Some(content) = self.take(meta.blob) {
            return Ok(Content::of(content));
        }
        self.contents.clear();
        if is_next {
            let wanted = portion(messages.get(index..).unwrap_or_default());
            if wanted.len() > 1 {
                let parts = wanted.iter().map(|blob| (*blob, 0..u64::MAX)).collect();
                let found = store.parts(parts).await?;
                let found = wanted.into_iter().zip(found).rev();
                self.contents = found.filter_map(|(blob, octets)| Some((blob, octets?))).collect();
                let content = self.take(meta.blob).ok_or(StoreError::NoSuchMessage)?;
                return Ok(Content::of(content));
            }
        }
        store.content(meta.blob, 0..u64::MAX).await
    }

    /// What was read of a content, with all that stands before it: a client that goes on does not come back.
    fn take(&mut self, blob: BlobId) -> Option<Bytes> {
        let at = self.contents.iter().rposition(|(known, _)| *known == blob)?;
        self.contents.truncate(at.saturating_add(1));
        self.contents.pop().map(|(_, octets)| octets)
    }
}

/// As many of the first messages as are read at once.
fn portion(messages: &[MessageMeta]) -> Vec<BlobId> {
    let mut octets = 0_u64;
    let fits = messages.iter().take_while(|meta| {
        octets = octets.saturating_add(meta.size);
        octets <= AHEAD_OCTETS
    });
    fits.take(AHEAD_MAX).map(|meta| meta.blob).collect()
}

/// Octets of contents that wait in the memory of one session.
const AHEAD_OCTETS: u64 = 64 * 1024;
/// Contents that are read at once.
const AHEAD_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Flags, InternalDate, ThreadId};

    fn messages(sizes: &[u64]) -> Vec<MessageMeta> {
        let meta = |(at, size): (usize, &u64)| MessageMeta {
            uid: u32::try_from(at).unwrap() + 1,
            blob: BlobId(i64::try_from(at).unwrap()),
            thread: ThreadId(1),
            size: *size,
            flags: Flags::default(),
            date: InternalDate::now(),
            saved: 0,
            modseq: 1,
        };
        sizes.iter().enumerate().map(meta).collect()
    }

    #[test]
    fn a_portion_is_bounded_in_octets_and_in_messages() {
        assert_eq!(portion(&messages(&[AHEAD_OCTETS + 1, 1])).len(), 0);
        assert_eq!(portion(&messages(&[AHEAD_OCTETS - 1, 1, 1])).len(), 2);
        assert_eq!(portion(&messages(&[1; 100])).len(), AHEAD_MAX);
        assert_eq!(portion(&messages(&[])).len(), 0);
    }

    #[test]
    fn what_is_skipped_is_let_go() {
        let contents = (0..4).rev().map(|at| (BlobId(at), Bytes::from(at.to_string()))).collect();
        let mut ahead = Ahead { contents, next: 0 };
        assert_eq!(ahead.take(BlobId(0)).unwrap(), "0");
        assert_eq!(ahead.take(BlobId(2)).unwrap(), "2");
        assert_eq!(ahead.take(BlobId(1)), None);
        assert_eq!(ahead.take(BlobId(3)).unwrap(), "3");
        assert!(ahead.contents.is_empty());
    }
}
