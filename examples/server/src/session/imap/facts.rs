//! What SEARCH knows of one message, and how it gets to know more (RFC 9051 6.4.4; RFC 5032, 7162, 8474, 8514).
//!
//! Tested is first what the index has, then what is compared of many messages at once, then what the summary says, then the header; the body is read last, a chunk at
//! a time, and only for the strings on which it depends whether the message matches.

use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use posthaste_imap::message::Summary;
use posthaste_imap::search::{BodySearch, Facts, Needle, Program, field_contains, value_contains};
use posthaste_imap::types::{Date, Flag, ModSeqSearch, ObjectId};

use super::selected::is_recent;
use super::{convert, reading};
use crate::index::{Overviews, Row};
use crate::store::{BlobId, Keyword, Store, StoreError};

/// What is known of one message.
pub(super) struct Known<'a> {
    seq: u32,
    row: &'a Row,
    recent: &'a [Range<u32>],
    /// What is kept of many messages, and where it has this one.
    compared: Option<(&'a Subjects, usize)>,
    summary: Option<Arc<Summary>>,
    header: Option<Bytes>,
    /// The header was asked for and is not there.
    wants_header: Cell<bool>,
    /// Strings that were looked for in the body, and whether they are in it.
    bodies: RefCell<Vec<(Needle, Option<bool>)>>,
}

impl<'a> Known<'a> {
    /// What the index has of it.
    pub(super) fn new(seq: u32, row: &'a Row, recent: &'a [Range<u32>]) -> Self {
        Self {
            seq,
            row,
            recent,
            compared: None,
            summary: None,
            header: None,
            wants_header: Cell::new(false),
            bodies: RefCell::default(),
        }
    }

    /// The same, and what is kept of many messages.
    pub(super) fn with(self, subjects: &'a Subjects, place: usize) -> Self {
        Self { compared: Some((subjects, place)), ..self }
    }

    /// Whether the message matches, as far as its summary tells.
    pub(super) fn try_summary(&mut self, program: &Program, summary: Arc<Summary>) -> Option<bool> {
        self.summary = Some(summary);
        program.test(self)
    }

    /// Which octets of its content would tell more: those of its header.
    pub(super) fn wanted_header(&self) -> Option<(BlobId, Range<u64>)> {
        let header = self.summary.as_ref()?.root().header;
        self.wants_header.get().then(|| (self.row.blob, reading::range(header)))
    }

    /// The header, where it was read together with others.
    pub(super) fn set_header(&mut self, header: Bytes) {
        self.header = Some(header);
    }

    /// Whether the message matches, with what has to be read for that. One that is gone matches nothing.
    pub(super) async fn decide(
        mut self,
        program: &Program,
        store: &Arc<dyn Store>,
    ) -> Result<bool, StoreError> {
        let Some(summary) = self.summary.clone() else { return Ok(false) };
        let blob = self.row.blob;
        loop {
            self.wants_header.set(false);
            if let Some(matches) = program.test(&self) {
                return Ok(matches);
            }
            let read = if let Some((blob, range)) = self.wanted_header() {
                reading::octets(store, blob, range).await.map(|header| self.header = Some(header))
            } else {
                let asked = self.bodies.get_mut().iter().filter(|(_, found)| found.is_none());
                let needles: Vec<Needle> = asked.map(|(needle, _)| needle.clone()).collect();
                if needles.is_empty() {
                    return Ok(false);
                }
                let found = look(store, blob, &summary, &needles).await;
                found.map(|found| {
                    let bodies = self.bodies.get_mut();
                    let open = bodies.iter_mut().filter(|(_, found)| found.is_none());
                    open.zip(found).for_each(|((_, place), found)| *place = Some(found));
                })
            };
            match read {
                Ok(()) => {}
                Err(StoreError::NoSuchMessage) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
    }
}

/// What is kept of many messages, and in which of their subjects some strings are.
pub(super) struct Subjects {
    overviews: Arc<Overviews>,
    found: Vec<(Needle, Vec<Option<bool>>)>,
}

impl Subjects {
    /// Looks for strings in all subjects.
    pub(super) fn new(overviews: Arc<Overviews>, needles: Vec<Needle>) -> Self {
        let found = needles.into_iter().map(|needle| {
            let places = overviews.with_subject(&needle);
            (needle, places)
        });
        Self { found: found.collect(), overviews }
    }

    pub(super) fn overviews(&self) -> &Overviews {
        &self.overviews
    }

    /// `None` where it was not looked for, or only the header tells.
    fn contain(&self, needle: &Needle, place: usize) -> Option<bool> {
        let (_, places) = self.found.iter().find(|(looked_for, _)| looked_for == needle)?;
        places.get(place).copied().flatten()
    }
}

/// Which of some strings are in the body of a message, which is read once for all of them.
async fn look(
    store: &Arc<dyn Store>,
    blob: BlobId,
    summary: &Summary,
    needles: &[Needle],
) -> Result<Vec<bool>, StoreError> {
    let mut searches: Vec<BodySearch<'_>> =
        needles.iter().map(|needle| BodySearch::new(summary, needle)).collect();
    let mut content = store.content(blob, 0..u64::MAX).await?;
    while let Some(chunk) = content.next_chunk().await? {
        for piece in chunk.chunks(PIECE) {
            let mut all = true;
            for search in &mut searches {
                all &= search.push(piece);
            }
            if all {
                return Ok(vec![true; needles.len()]);
            }
            // To decode and compare takes long enough to let others go on.
            tokio::task::yield_now().await;
        }
    }
    Ok(searches.into_iter().map(BodySearch::finish).collect())
}

impl Facts for Known<'_> {
    fn seq(&self) -> u32 {
        self.seq
    }

    fn uid(&self) -> u32 {
        self.row.uid
    }

    fn has_flag(&self, flag: &Flag) -> bool {
        match flag {
            Flag::Recent => is_recent(self.recent, self.row.uid),
            Flag::Keyword(keyword) => {
                !self.row.keywords.is_empty()
                    && Keyword::new(keyword.as_str()).is_some_and(|it| self.row.keywords.contains(&it))
            }
            flag => convert::system_flag(flag).is_some_and(|bit| self.row.system.contains(bit)),
        }
    }

    fn internal_date(&self) -> Option<Date> {
        convert::day(self.row.date())
    }

    fn size(&self) -> u64 {
        self.row.size
    }

    fn sent_date(&self) -> Option<Option<Date>> {
        let day = match self.compared {
            Some((subjects, place)) => subjects.overviews.sent_day(place),
            None => self.summary.as_ref()?.envelope().sent().map(|sent| sent.local_day()),
        };
        Some(day.and_then(|day| Date::from_unix_days(day).ok()))
    }

    fn field_contains(&self, name: &str, needle: &Needle) -> Option<bool> {
        let Some(header) = &self.header else {
            self.wants_header.set(true);
            return None;
        };
        Some(field_contains(header, name, needle))
    }

    fn subject_contains(&self, needle: &Needle) -> Option<bool> {
        if let Some((subjects, place)) = self.compared {
            return subjects.contain(needle, place);
        }
        let subject = self.summary.as_ref()?.envelope().subject.as_deref();
        // Of one that is longer than an envelope goes, the rest is in the header.
        match subject {
            Some(subject) if subject.len() >= SUBJECT_MAX => self.field_contains("subject", needle),
            subject => Some(subject.is_some_and(|subject| value_contains(subject, needle))),
        }
    }

    fn body_contains(&self, needle: &Needle) -> Option<bool> {
        let mut bodies = self.bodies.borrow_mut();
        if let Some((_, found)) = bodies.iter().find(|(known, _)| known == needle) {
            return *found;
        }
        bodies.push((needle.clone(), None));
        None
    }

    fn received(&self) -> Option<i64> {
        Some(self.row.date().seconds)
    }

    /// One for each message: that of a flag is no other.
    fn mod_seq(&self, _: &ModSeqSearch) -> u64 {
        self.row.modseq
    }

    fn has_email_id(&self, id: &ObjectId) -> bool {
        convert::blob_of(id) == Some(self.row.blob)
    }

    fn has_thread_id(&self, id: &ObjectId) -> bool {
        convert::thread_of(id) == Some(self.row.thread)
    }

    fn saved_date(&self) -> Option<Date> {
        convert::utc_day(self.row.saved)
    }
}

/// Octets of a subject from which on the envelope may not have all of it.
const SUBJECT_MAX: usize = 64 * 1024;
/// Octets of a body that are searched at once.
const PIECE: usize = 64 * 1024;
