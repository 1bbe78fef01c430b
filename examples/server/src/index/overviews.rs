//! What SORT and THREAD compare (RFC 5256), by content, so that it is decoded once and not at each command.

use std::sync::Arc;

use posthaste_imap::message::Overview;

use crate::store::BlobId;

/// Overviews of the contents of a mailbox, by content.
#[derive(Debug, Default)]
pub struct Overviews {
    all: Vec<(BlobId, Arc<Overview>)>,
    octets: usize,
}

impl Overviews {
    /// The overviews in this list, which is in any order.
    pub fn new(mut all: Vec<(BlobId, Arc<Overview>)>) -> Self {
        all.sort_by_key(|(blob, _)| *blob);
        all.dedup_by_key(|(blob, _)| *blob);
        let octets = all.iter().map(|(_, overview)| size_of_overview(overview));
        let octets = octets.fold(0, usize::saturating_add);
        Self { all, octets }
    }

    /// The overview of a content.
    pub fn of(&self, blob: BlobId) -> Option<&Arc<Overview>> {
        let at = self.all.binary_search_by_key(&blob, |(blob, _)| *blob).ok()?;
        self.all.get(at).map(|(_, overview)| overview)
    }

    /// Octets they take, about.
    pub fn octets(&self) -> usize {
        self.octets
    }
}

fn size_of_overview(overview: &Overview) -> usize {
    let Overview { subject, message_id, references, from, to, cc, display_from, display_to, .. } = overview;
    let texts = [subject, from, to, cc, display_from, display_to].map(String::len);
    let ids = references.iter().map(|id| id.len().saturating_add(size_of::<Vec<u8>>()));
    let id = message_id.as_ref().map_or(0, Vec::len);
    texts
        .into_iter()
        .chain(ids)
        .chain([id, size_of::<Overview>(), size_of::<(BlobId, Arc<Overview>)>()])
        .fold(0, usize::saturating_add)
}
