//! SEARCH, ESEARCH over several mailboxes, and UIDBATCHES (RFC 9051 6.4.4; RFC 4731, 5182, 7377, 9394, 10022).

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

use posthaste_imap::casemap::casemap;
use posthaste_imap::charset::Charset;
use posthaste_imap::search::{Hit, Need, Needle, Program, Scope, SearchError, saved_by};
use posthaste_imap::server::{Asked, Found, MultiSearch, Refusal, Search, UidBatchesOf};
use posthaste_imap::types::{
    AString, Addressing, Mailbox as ImapMailbox, SearchCommand, SearchKey, SearchReturn, UidSet,
};

use super::access::{Failure, Reached};
use super::compared::{Comparing, Later, blocking};
use super::convert::nonzero;
use super::facts::{Known, Subjects};
use super::patience::Progress;
use super::{Outcome, Session, reading};
use crate::index::{Index, Open, Row};
use crate::store::{BlobId, InternalDate, Store, StoreError};

/// A mailbox that is searched, as one session sees it.
pub(super) struct Look {
    pub(super) comparing: Comparing,
    recent: Vec<Range<u32>>,
    /// UIDs of messages that are gone, and of which the client was not told.
    gone: Vec<u32>,
    saved: UidSet,
}

/// A message that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match {
    pub(super) seq: NonZeroU32,
    pub(super) uid: u32,
    pub(super) modseq: u64,
    pub(super) blob: BlobId,
    pub(super) size: u64,
    /// The internal date.
    pub(super) arrival: i64,
}

impl Match {
    fn new(seq: NonZeroU32, row: &Row) -> Self {
        let arrival = row.date().seconds;
        Self { seq, uid: row.uid, modseq: row.modseq, blob: row.blob, size: row.size, arrival }
    }

    /// What an answer calls it.
    pub(super) fn number(&self, addressing: Addressing) -> NonZeroU32 {
        match addressing {
            Addressing::Sequence => self.seq,
            // A UID is never zero.
            Addressing::Uid => NonZeroU32::new(self.uid).unwrap_or(self.seq),
        }
    }
}

/// Why nothing was searched.
#[derive(Debug)]
pub(super) enum Unsearched {
    /// The keys make no sense here.
    Keys(SearchError),
    /// The store failed.
    Store(StoreError),
}

impl From<StoreError> for Unsearched {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Unsearched {
    pub(super) fn refusal(self) -> Refusal {
        match self {
            Self::Keys(SearchError::Charset) => Refusal::bad_charset(),
            Self::Keys(_) => Refusal::cannot(),
            Self::Store(error) => Failure::from(error).refusal(),
        }
    }
}

impl Look {
    /// A mailbox that is not selected.
    pub(super) fn elsewhere(store: &Arc<dyn Store>, index: &Index, open: &Arc<Open>) -> Self {
        Self {
            comparing: Comparing {
                store: Arc::clone(store),
                index: index.clone(),
                open: Arc::clone(open),
                picture: open.picture(),
            },
            recent: Vec::new(),
            gone: Vec::new(),
            saved: UidSet::default(),
        }
    }

    /// The messages that match, in the order of the mailbox.
    pub(super) async fn find(
        &self,
        command: &SearchCommand,
        progress: &Progress,
    ) -> Result<Vec<Match>, Unsearched> {
        let Comparing { store, picture, .. } = &self.comparing;
        let scope = Scope {
            largest_seq: picture.largest_seq(),
            largest_uid: picture.largest_uid(),
            saved: &self.saved,
            now: InternalDate::now().seconds,
        };
        let program = Program::new(command, &scope).map_err(Unsearched::Keys)?;
        let (mut found, mut open) = (Vec::new(), Vec::new());
        for (at, (seq, row)) in picture.rows().enumerate() {
            if at % ROWS_AT_ONCE == 0 {
                tokio::task::yield_now().await;
            }
            if self.gone.binary_search(&row.uid).is_ok() {
                continue;
            }
            match program.test(&Known::new(seq.get(), row, &self.recent)) {
                Some(true) => found.push(Match::new(seq, row)),
                Some(false) => {}
                None => open.push((seq, row)),
            }
        }
        let needles = compared_by(command).filter(|_| !open.is_empty());
        let by_summary = needles.is_some() && program.need() == Need::Header;
        // Begins after this, however it ends: at the same time both would be slower.
        let mut later = None;
        if let Some(needles) = needles {
            (open, later) = self.compare(&program, needles, open, &mut found, progress).await?;
        }
        if open.is_empty() {
            found.sort_unstable_by_key(|found| found.seq);
            return Ok(found);
        }
        // Few summaries are read faster than the index of the store is asked.
        let are_few = by_summary && open.len() <= BATCH;
        if program.need() > Need::Nothing
            && !are_few
            && let Some(blobs) = self.candidates(command, &open).await?
        {
            open.retain(|(_, row)| blobs.binary_search(&row.blob).is_ok());
        }
        progress.expect(open.len());
        let (mut upcoming, mut reads) = (open.chunks(BATCH), VecDeque::new());
        for batch in open.chunks(BATCH) {
            // They lie apart from each other: to wait for one after the other would take a disk long.
            while reads.len() < READS
                && let Some(next) = upcoming.next()
            {
                let blobs = next.iter().map(|(_, row)| row.blob).collect();
                let store = Arc::clone(store);
                reads.push_back(tokio::spawn(async move { reading::summaries(&store, blobs).await }));
            }
            let Some(read) = reads.pop_front() else { break };
            let summaries = read.await.unwrap_or(Err(StoreError::Closed))?;
            let mut unclear = Vec::new();
            for ((seq, row), summary) in batch.iter().zip(summaries) {
                let mut known = Known::new(seq.get(), row, &self.recent);
                match summary.map(|summary| known.try_summary(&program, summary)) {
                    Some(Some(true)) => found.push(Match::new(*seq, row)),
                    // No summary: it is gone.
                    Some(Some(false)) | None => {}
                    Some(None) => {
                        unclear.push((Match::new(*seq, row), known));
                        continue;
                    }
                }
                progress.add(1);
            }
            for unclear in Headers::portions(unclear) {
                for (matching, known) in unclear.read(store).await? {
                    if known.decide(&program, store).await? {
                        found.push(matching);
                    }
                    progress.add(1);
                }
            }
            tokio::task::yield_now().await;
        }
        drop(later);
        found.sort_unstable_by_key(|found| found.seq);
        Ok(found)
    }

    /// Tests messages by what is kept of them, or can be had fast; what is left to be tested.
    async fn compare<'a>(
        &self,
        program: &Program,
        needles: Vec<Needle>,
        open: Vec<(NonZeroU32, &'a Row)>,
        found: &mut Vec<Match>,
        progress: &Progress,
    ) -> Result<(Vec<(NonZeroU32, &'a Row)>, Option<Later>), StoreError> {
        let (overviews, later) =
            self.comparing.at_hand(open.iter().map(|(_, row)| row.blob), progress).await?;
        let subjects = blocking(move || Subjects::new(overviews, needles)).await?;
        let mut places = subjects.overviews().places();
        let mut left = Vec::new();
        for rows in open.chunks(ROWS_AT_ONCE) {
            for (seq, row) in rows {
                let known = Known::new(seq.get(), row, &self.recent);
                let matches = places.of(row.blob).map(|place| program.test(&known.with(&subjects, place)));
                match matches {
                    Some(Some(true)) => found.push(Match::new(*seq, row)),
                    Some(Some(false)) => {}
                    Some(None) | None => left.push((*seq, *row)),
                }
            }
            tokio::task::yield_now().await;
        }
        Ok((left, later))
    }

    /// The contents of `open` among which all are that match, as far as an index of the store tells, ascending: `None`
    /// for all.
    async fn candidates(
        &self,
        command: &SearchCommand,
        open: &[(NonZeroU32, &Row)],
    ) -> Result<Option<Vec<BlobId>>, StoreError> {
        let Some(charset) = charset_of(command) else { return Ok(None) };
        let mut among: Vec<BlobId> = open.iter().map(|(_, row)| row.blob).collect();
        among.sort_unstable();
        among.dedup();
        let mut is_narrowed = false;
        for text in must_contain(&command.keys) {
            let Some(text) = charset.decode_strictly(text.as_bytes()) else { continue };
            let mapped = casemap(&text);
            if mapped.is_empty() {
                continue;
            }
            if let Some(fewer) = self.comparing.store.may_contain(among.clone(), &mapped).await? {
                (among, is_narrowed) = (fewer, true);
            }
        }
        Ok(is_narrowed.then_some(among))
    }
}

/// Messages whose headers are read together.
#[derive(Default)]
struct Headers<'a> {
    messages: Vec<(Match, Known<'a>)>,
    wanted: Vec<(BlobId, Range<u64>)>,
    octets: u64,
}

impl<'a> Headers<'a> {
    /// All of these messages, with no more than [`HEADERS_OCTETS`] of headers at a time; a header alone may have more.
    fn portions(messages: Vec<(Match, Known<'a>)>) -> Vec<Self> {
        let mut portions: Vec<Self> = Vec::new();
        for (matching, known) in messages {
            let wanted = known.wanted_header();
            let octets = wanted.as_ref().map_or(0, |(_, range)| range.end.saturating_sub(range.start));
            let has_room = |portion: &Self| portion.octets.saturating_add(octets) <= HEADERS_OCTETS;
            if !portions.last().is_some_and(has_room) {
                portions.push(Self::default());
            }
            if let Some(portion) = portions.last_mut() {
                portion.octets = portion.octets.saturating_add(octets);
                portion.wanted.extend(wanted);
                portion.messages.push((matching, known));
            }
        }
        portions
    }

    async fn read(mut self, store: &Arc<dyn Store>) -> Result<Vec<(Match, Known<'a>)>, StoreError> {
        if !self.wanted.is_empty() {
            let mut headers = store.parts(self.wanted).await?.into_iter();
            for (_, known) in &mut self.messages {
                // One that is gone is found to be so later.
                if known.wanted_header().is_some()
                    && let Some(header) = headers.next().flatten()
                {
                    known.set_header(header);
                }
            }
        }
        Ok(self.messages)
    }
}

fn charset_of(command: &SearchCommand) -> Option<Charset> {
    match &command.charset {
        None => Some(Charset::UTF_8),
        Some(name) => Charset::of(name.as_bytes()),
    }
}

/// The strings that are looked for in subjects, where what is kept of messages has a say in a search; `None` where it
/// has none, and for so many strings that each message is better looked at for itself.
fn compared_by(command: &SearchCommand) -> Option<Vec<Needle>> {
    let charset = charset_of(command)?;
    let mut open: Vec<&SearchKey> = command.keys.iter().collect();
    let (mut needles, mut by_date): (Vec<Needle>, bool) = (Vec::new(), false);
    while let Some(key) = open.pop() {
        match key {
            SearchKey::And(keys) => open.extend(keys),
            SearchKey::Not(key) | SearchKey::Fuzzy(key) => open.push(key),
            SearchKey::Or(one, other) => open.extend([&**one, &**other]),
            SearchKey::SentBefore(_) | SearchKey::SentOn(_) | SearchKey::SentSince(_) => by_date = true,
            SearchKey::Subject(text) => {
                let needle = Needle::new(&charset.decode_strictly(text.as_bytes())?);
                if !needles.contains(&needle) {
                    needles.push(needle);
                }
                if needles.len() > SUBJECTS_MAX {
                    return None;
                }
            }
            _ => {}
        }
    }
    (by_date || !needles.is_empty()).then_some(needles)
}

/// Strings that every message which matches has somewhere.
fn must_contain(keys: &[SearchKey]) -> Vec<&AString> {
    let mut open: Vec<&SearchKey> = keys.iter().collect();
    let mut texts = Vec::new();
    while let Some(key) = open.pop() {
        match key {
            SearchKey::And(keys) => open.extend(keys),
            SearchKey::Bcc(text)
            | SearchKey::Body(text)
            | SearchKey::Cc(text)
            | SearchKey::From(text)
            | SearchKey::Header(_, text)
            | SearchKey::Subject(text)
            | SearchKey::Text(text)
            | SearchKey::To(text) => texts.push(text),
            _ => {}
        }
    }
    texts
}

impl Session {
    /// The selected mailbox as the client knows it.
    pub(super) fn look(&self) -> Option<Look> {
        let selected = self.selected.as_ref()?;
        Some(Look {
            comparing: Comparing {
                store: Arc::clone(&self.context.store),
                index: self.context.index.clone(),
                open: Arc::clone(&selected.open),
                picture: Arc::clone(&selected.picture),
            },
            recent: selected.recent_ranges().to_vec(),
            gone: selected.gone().to_vec(),
            saved: self.saved.clone(),
        })
    }

    pub(super) async fn search(&mut self, asked: Asked<Search>) -> Outcome {
        self.sync().await?;
        let Some(look) = self.look() else {
            return Ok(asked.no(self.connection.machine(), Refusal::server_bug())?);
        };
        let progress = Progress::default();
        let found = self.patiently(&asked, &progress, look.find(&asked.command, &progress)).await?;
        let returns = asked.command.returns.clone().unwrap_or_default();
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                self.forget_saved(&returns);
                if let Unsearched::Keys(SearchError::Nesting) = error {
                    return Ok(asked.bad(self.connection.machine(), "Search keys nest too deeply")?);
                }
                return Ok(asked.no(self.connection.machine(), error.refusal())?);
            }
        };
        let hit = |found: &Match| {
            let number = found.number(asked.addressing);
            Some(Hit { number, uid: NonZeroU32::new(found.uid)?, mod_seq: found.modseq })
        };
        let hits: Vec<Hit> = found.iter().filter_map(hit).collect();
        if !self.save(&hits, &returns) {
            return Ok(asked.no(self.connection.machine(), Refusal::not_saved())?);
        }
        self.sync().await?;
        asked.hits(self.connection.machine(), &hits)?;
        Ok(())
    }

    /// Sets `$`, where the client wants that: `false` where it would be too large, and is empty now (RFC 5182 2.1).
    pub(super) fn save(&mut self, hits: &[Hit], returns: &[SearchReturn]) -> bool {
        let Some(saved) = saved_by(hits, returns) else { return true };
        let fits = saved.ranges().len() <= SAVED_RANGES_MAX;
        self.saved = if fits { saved } else { UidSet::default() };
        fits
    }

    /// RFC 5182 2.1: a search with SAVE that fails leaves nothing.
    pub(super) fn forget_saved(&mut self, returns: &[SearchReturn]) {
        if returns.contains(&SearchReturn::Save) {
            self.saved = UidSet::default();
        }
    }

    pub(super) async fn multi_search(&mut self, asked: Asked<MultiSearch>) -> Outcome {
        self.sync().await?;
        let known = match self.known().await {
            Ok(known) => known,
            Err(error) => return Ok(asked.no(self.connection.machine(), Failure::from(error).refusal())?),
        };
        let filters = asked.command.mailboxes.clone();
        let chosen = known.mailboxes.values().filter(|reached| {
            reached.rights.contains('r')
                && filters.iter().any(|filter| self.is_chosen(filter, reached, &known))
        });
        let chosen: Vec<Reached> = chosen.cloned().collect();
        let progress = Progress::default();
        for reached in chosen {
            let open = match self.context.index.open(&self.context.store, reached.mailbox.id).await {
                Ok(open) => open,
                Err(StoreError::NoSuchMailbox) => continue,
                Err(error) => {
                    return Ok(asked.no(self.connection.machine(), Failure::from(error).refusal())?);
                }
            };
            let look = Look::elsewhere(&self.context.store, &self.context.index, &open);
            let search = look.find(&asked.command.search, &progress);
            let found = match self.patiently(&asked, &progress, search).await? {
                Ok(found) => found,
                Err(error) => return Ok(asked.no(self.connection.machine(), error.refusal())?),
            };
            let numbers: Vec<NonZeroU32> = found.iter().map(|found| found.number(Addressing::Uid)).collect();
            let mod_seq = found.iter().map(|found| found.modseq).max().filter(|_| uses_mod_seq(&asked));
            let (Ok(name), Ok(uid_validity)) =
                (ImapMailbox::new(reached.name.clone()), nonzero(look.comparing.picture.uidvalidity))
            else {
                continue;
            };
            self.room().await?;
            asked.found(self.connection.machine(), name, uid_validity, Found { numbers, mod_seq })?;
        }
        self.sync().await?;
        asked.ok(self.connection.machine())?;
        Ok(())
    }

    /// Batches of about as many messages as the client wants, those with the highest UIDs first (RFC 10022).
    pub(super) async fn uid_batches(&mut self, asked: Asked<UidBatchesOf>) -> Outcome {
        self.sync().await?;
        let Some(selected) = &self.selected else {
            return Ok(asked.no(self.connection.machine(), Refusal::server_bug())?);
        };
        let size = usize::try_from(asked.command.size.get()).unwrap_or(usize::MAX);
        let uids: Vec<u32> = selected.picture.rows().map(|(_, row)| row.uid).collect();
        let batch = |uids: &[u32]| {
            let (first, last) = (uids.first().copied()?, uids.last().copied()?);
            Some(NonZeroU32::new(first)?..=NonZeroU32::new(last)?)
        };
        let batches: Vec<_> = uids.rchunks(size).filter_map(batch).collect();
        let batches = match asked.command.batches {
            None => batches,
            Some((one, other)) => {
                let place = |number: NonZeroU32| usize::try_from(number.get()).unwrap_or(usize::MAX);
                let (first, last) = (place(one.min(other)), place(one.max(other)));
                let wanted = batches.into_iter().skip(first.saturating_sub(1));
                wanted.take(last.saturating_sub(first).saturating_add(1)).collect()
            }
        };
        asked.ok(self.connection.machine(), batches)?;
        Ok(())
    }
}

fn uses_mod_seq(asked: &MultiSearch) -> bool {
    let mut open: Vec<&SearchKey> = asked.command.search.keys.iter().collect();
    while let Some(key) = open.pop() {
        match key {
            SearchKey::ModSeq(_) => return true,
            SearchKey::And(keys) => open.extend(keys),
            SearchKey::Not(key) | SearchKey::Fuzzy(key) => open.push(key),
            SearchKey::Or(one, other) => open.extend([&**one, &**other]),
            _ => {}
        }
    }
    false
}

/// Rows that are tested before others may go on.
const ROWS_AT_ONCE: usize = 4096;
/// Messages whose summaries are asked for at once.
const BATCH: usize = 200;
/// How many times as many are asked for before the first are tested.
const READS: usize = 3;
/// Strings that are looked for in all subjects at once.
const SUBJECTS_MAX: usize = 16;
/// Octets of headers in memory at a time.
const HEADERS_OCTETS: u64 = 1 << 20;
/// Ranges of `$`.
const SAVED_RANGES_MAX: usize = 100_000;
