//! FETCH (RFC 9051 6.4.5; RFC 3516, 7162, 8474, 8514, 8970, 9394, 9586).
//!
//! What is in the index is told without a question to the store. Summaries, headers, and whatever else is short, are
//! asked for in batches, ahead of the rows they are for. What is long streams from the store to the connection a chunk at
//! a time.

mod at_hand;
mod items;

use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use posthaste_imap::message::{Decoded, Summary, chosen_fields};
use posthaste_imap::server::{Asked, Feature, Fetch, FetchWriter, RowWriter};
use posthaste_imap::types::{Addressing, FetchAttribute, FetchItem, Flags as ImapFlags, MessageSet, Payload};
use posthaste_imap::view::Resync;
use tokio::task::JoinHandle;

use items::{
    Found, NoRow, Ready, is_in_index, is_in_record, is_read, item, needs_summary, payload, reads, slice,
    text_max,
};

use super::access::Failure;
use super::message::OUT_OF_RANGE;
use super::reading;
use super::select::since;
use super::selected::{is_recent, message};
use super::{Outcome, Session, convert, expunge_issued};
use crate::index::{Picture, Row};
use crate::session::cut;
use crate::store::{BlobId, Flags, StoreError, StoreFlags, StoreMode, SystemFlags};

impl Session {
    pub(super) async fn fetch(&mut self, asked: Asked<Fetch>) -> Outcome {
        self.sync().await?;
        let Some(mut targets) = self.targets(&asked.set, asked.addressing) else {
            return Ok(asked.bad(self.connection.machine(), OUT_OF_RANGE)?);
        };
        let Some(selected) = &self.selected else {
            return Ok(asked.no(self.connection.machine(), expunge_issued())?);
        };
        let current = selected.open.picture();
        if let Some(modseq) = asked.modifiers.changed_since {
            targets.retain(|(_, uid)| current.by_uid(*uid).is_some_and(|(_, row)| row.modseq > modseq));
        }
        if let Some(range) = asked.modifiers.partial {
            targets = targets.get(range.places(targets.len())).unwrap_or_default().to_vec();
        }
        let vanished = if asked.modifiers.vanished { self.vanished(&asked).await } else { Ok(None) };
        let writer = asked.begin();
        match vanished {
            Ok(Some(uids)) => writer.vanished(self.connection.machine(), uids)?,
            Ok(None) => {}
            Err(error) => {
                return Ok(writer.no(self.connection.machine(), Failure::from(error).refusal())?);
            }
        }
        self.rows(writer, current, &targets).await
    }

    /// What is told of a row, each item once: what was asked for, and what belongs to it.
    fn attributes(&self, asked: &Fetch, newly: NewlySeen) -> Vec<FetchAttribute> {
        let server = self.connection.machine_ref();
        let mut wanted = asked.attributes.clone();
        if newly == NewlySeen::Yes && !wanted.contains(&FetchAttribute::Flags) {
            // The client learns of \Seen with the row that sets it.
            wanted.push(FetchAttribute::Flags);
        }
        let mod_seq = asked.modifiers.changed_since.is_some()
            || (server.is_enabled(Feature::CondStore) && wanted.contains(&FetchAttribute::Flags));
        if mod_seq {
            wanted.push(FetchAttribute::ModSeq);
        }
        if asked.addressing == Addressing::Uid {
            wanted.insert(0, FetchAttribute::Uid);
        }
        if server.is_enabled(Feature::UidOnly) {
            wanted.retain(|attribute| *attribute != FetchAttribute::Uid);
        }
        let mut once: Vec<FetchAttribute> = Vec::with_capacity(wanted.len());
        for attribute in wanted {
            // Of what streams, whoever asks twice gets it twice.
            let streams = matches!(attribute, FetchAttribute::Section { .. } | FetchAttribute::Binary { .. });
            if streams || !once.contains(&attribute) {
                once.push(attribute);
            }
        }
        once
    }

    fn may_mark_seen(&self) -> bool {
        !self.connection.machine_ref().is_read_only()
            && self.selected.as_ref().is_some_and(|selected| selected.rights().contains('s'))
    }

    /// Sets `\Seen` of those messages that are about to be read and that do not have it; which these are, ascending.
    async fn mark_seen(
        &mut self,
        batch: &[(NonZeroU32, u32)],
        summaries: &[Option<Arc<Summary>>],
        attributes: &[FetchAttribute],
        current: &Picture,
    ) -> Result<Vec<u32>, StoreError> {
        let Some(selected) = &self.selected else { return Ok(Vec::new()) };
        let mut uids = Vec::new();
        for (at, (_, uid)) in batch.iter().enumerate() {
            let Some((_, row)) = current.by_uid(*uid) else { continue };
            let summary = summaries.get(at).and_then(Option::as_deref);
            match is_read(attributes, row, summary) {
                Ok(true) if !row.is_seen() => uids.push(*uid),
                Ok(_) => {}
                // Nothing is sent from here on.
                Err(_) => break,
            }
        }
        if uids.is_empty() {
            return Ok(uids);
        }
        let flags = Flags::from(SystemFlags::SEEN);
        let known = selected.open.known(&uids);
        let change = StoreFlags { uids, mode: StoreMode::Add, flags, unchanged_since: None, known };
        let stored = self.context.store.store_flags(selected.open.mailbox(), change).await?;
        Ok(stored.changed.iter().map(|meta| meta.uid).collect())
    }

    /// Which of the messages of a UID FETCH with VANISHED are gone (RFC 7162 3.2.6).
    async fn vanished(&self, asked: &Fetch) -> Result<Option<posthaste_imap::types::UidSet>, StoreError> {
        let (Some(selected), MessageSet::Numbers(set)) = (&self.selected, &asked.set) else {
            return Ok(None);
        };
        let mod_seq = asked.modifiers.changed_since.unwrap_or_default();
        let known = Resync { mod_seq, known_uids: Some(set), matches: None };
        let missed = since(&self.context.store, &selected.open, &selected.picture, &known).await?;
        Ok(missed.map(|missed| missed.vanished))
    }

    async fn rows(
        &mut self,
        mut writer: FetchWriter,
        mut current: Arc<Picture>,
        targets: &[(NonZeroU32, u32)],
    ) -> Outcome {
        let attributes = self.attributes(writer.request(), NewlySeen::No);
        let with_flags = self.attributes(writer.request(), NewlySeen::Yes);
        let marks = attributes.iter().any(reads) && self.may_mark_seen();
        let summarised = attributes.iter().any(needs_summary);
        // Of a message that is not marked, what is long is not read ahead.
        let texts = attributes.iter().map(text_max).fold(0, u64::saturating_add);
        let each_max = if marks { u64::MAX } else { texts.min(SHORT) };
        let (mut lost, mut rest) = (false, targets);
        let are_at_hand =
            |at_hand: fn(&FetchAttribute) -> bool| !attributes.is_empty() && attributes.iter().all(at_hand);
        if are_at_hand(is_in_index) {
            lost = self.rows_of_index(&writer, &current, targets, &attributes).await?;
            rest = &[];
        } else if are_at_hand(|attribute| is_in_index(attribute) || is_in_record(attribute)) {
            match self.rows_of_records(writer, &current, targets, &attributes).await? {
                (whole, Ok(are_lost)) => (writer, lost) = (whole, are_lost),
                (writer, Err(error)) => {
                    return Ok(writer.no(self.connection.machine(), Failure::from(error).refusal())?);
                }
            }
            rest = &[];
        }
        let mut heard = Vec::new();
        let mut flags = FlagCache::default();
        let mut ready = Vec::with_capacity(with_flags.len());
        let mut upcoming: Option<JoinHandle<Result<Summaries, StoreError>>> = None;
        while !rest.is_empty() {
            let (batch, later) =
                rest.split_at_checked(batch_of(rest, &current, each_max)).unwrap_or((rest, &[]));
            rest = later;
            let summaries = match upcoming.take() {
                None if !summarised => Ok(Summaries::new()),
                None => self.summaries_of(batch, &current).await,
                Some(upcoming) => upcoming.await.unwrap_or(Err(StoreError::Closed)),
            };
            let summaries = match summaries {
                Ok(summaries) => summaries,
                Err(error) => {
                    return Ok(writer.no(self.connection.machine(), Failure::from(error).refusal())?);
                }
            };
            if summarised && !marks && !rest.is_empty() {
                // While these are told the next are read.
                let next = rest.get(..batch_of(rest, &current, each_max)).unwrap_or(rest);
                upcoming = Some(tokio::spawn(self.summaries_of(next, &current)));
            }
            let mut newly = Vec::new();
            if marks {
                newly = match self.mark_seen(batch, &summaries, &attributes, &current).await {
                    Ok(newly) => newly,
                    Err(error) => {
                        return Ok(writer.no(self.connection.machine(), Failure::from(error).refusal())?);
                    }
                };
                if !newly.is_empty()
                    && let Some(selected) = &self.selected
                {
                    current = selected.open.picture();
                }
            }
            let ahead = match self.read_ahead(batch, &summaries, &attributes, &current).await {
                Ok(ahead) => ahead,
                Err(error) => {
                    return Ok(writer.no(self.connection.machine(), Failure::from(error).refusal())?);
                }
            };
            let client = self.selected.as_ref().map(|selected| Arc::clone(&selected.picture));
            let mut client = client.as_deref().map(Picture::finder);
            let mut found = current.finder();
            for (at, (seq, uid)) in batch.iter().enumerate() {
                let Some((_, row)) = found.by_uid(*uid) else {
                    lost = true;
                    continue;
                };
                let summary = summaries.get(at).and_then(Option::as_deref);
                if summarised && summary.is_none() {
                    lost = true;
                    continue;
                }
                let is_new = newly.binary_search(uid).is_ok();
                let attributes = if is_new { &with_flags } else { &attributes };
                self.room().await?;
                ready.clear();
                match self.prepare(row, summary, attributes, &ahead, &mut flags, &mut ready).await {
                    Ok(()) => {}
                    Err(NoRow::Gone) => {
                        lost = true;
                        continue;
                    }
                    Err(NoRow::UnknownEncoding) => {
                        return Ok(writer.unknown_encoding(self.connection.machine())?);
                    }
                    Err(NoRow::Failed(error)) => {
                        return Ok(writer.no(self.connection.machine(), Failure::from(error).refusal())?);
                    }
                }
                let begun = writer.row(self.connection.machine(), message(*seq, *uid))?;
                writer = self.write(begun, row.blob, &mut ready).await?.finish(self.connection.machine())?;
                if attributes.contains(&FetchAttribute::Flags)
                    && let Some((_, known)) = client.as_mut().and_then(|client| client.by_uid(*uid))
                    && known.modseq < row.modseq
                {
                    heard.push(*uid);
                }
            }
            if let Some(selected) = &mut self.selected {
                selected.has_heard(&current, &heard);
                heard.clear();
            }
            // A mailbox that is all in memory and a client that reads fast leave no other pause.
            tokio::task::yield_now().await;
        }
        self.sync().await?;
        // A UID that is not there is passed over in silence (RFC 9051 6.4.9); for a number, see RFC 2180 4.1.
        if lost && writer.request().addressing == Addressing::Sequence {
            writer.no(self.connection.machine(), expunge_issued())?;
        } else {
            writer.ok(self.connection.machine())?;
        }
        Ok(())
    }

    /// The summaries of some messages, one for each; `None` for what is gone.
    fn summaries_of(
        &self,
        batch: &[(NonZeroU32, u32)],
        current: &Picture,
    ) -> impl Future<Output = Result<Summaries, StoreError>> + use<> {
        let blobs = batch.iter().map(|(_, uid)| current.by_uid(*uid).map(|(_, row)| row.blob));
        let blobs: Vec<Option<BlobId>> = blobs.collect();
        let store = Arc::clone(&self.context.store);
        async move {
            let known = blobs.iter().flatten().copied().collect();
            let mut known = reading::summaries(&store, known).await?.into_iter();
            Ok(blobs.iter().map(|blob| blob.and_then(|_| known.next().flatten())).collect())
        }
    }

    /// Reads what is short of some messages all at once: headers, the beginnings of texts, most messages as a whole.
    async fn read_ahead(
        &self,
        batch: &[(NonZeroU32, u32)],
        summaries: &[Option<Arc<Summary>>],
        attributes: &[FetchAttribute],
        current: &Picture,
    ) -> Result<Ahead, StoreError> {
        let mut wanted: Vec<Place> = Vec::new();
        let mut octets = 0_u64;
        for (at, (_, uid)) in batch.iter().enumerate() {
            let Some((_, row)) = current.by_uid(*uid) else { continue };
            let summary = summaries.get(at).and_then(Option::as_deref);
            for attribute in attributes {
                let Ok(Some(found)) = payload(attribute, row, summary) else { continue };
                let Some(range) = found.range() else { continue };
                let length = range.end.saturating_sub(range.start);
                let sum = octets.saturating_add(length);
                if length <= SHORT && sum <= AHEAD_OCTETS {
                    octets = sum;
                    wanted.push((row.blob, range));
                }
            }
        }
        // A single one is read when its turn comes.
        if wanted.len() < 2 {
            return Ok(Ahead::default());
        }
        wanted.sort_by_key(|(blob, range)| (*blob, range.start, range.end));
        wanted.dedup();
        let found = self.context.store.parts(wanted.clone()).await?;
        Ok(Ahead(wanted.into_iter().zip(found).collect()))
    }

    /// Everything that can fail in order is done before the first octet of the row.
    async fn prepare(
        &self,
        row: &Row,
        summary: Option<&Summary>,
        attributes: &[FetchAttribute],
        ahead: &Ahead,
        flags: &mut FlagCache,
        ready: &mut Vec<Ready>,
    ) -> Result<(), NoRow> {
        let mut opened = false;
        for attribute in attributes {
            if let FetchAttribute::Flags = attribute {
                let recent = self.selected.as_ref().is_some_and(|it| is_recent(it.recent_ranges(), row.uid));
                ready.push(Ready::Item(FetchItem::Flags(flags.of(row, recent))));
                continue;
            }
            let mut next = match item(attribute, row, summary) {
                Some(item) => Ready::Item(item),
                None => match payload(attribute, row, summary)? {
                    Some(Found::Ready(Ready::Stream(payload, range, content))) => {
                        match ahead.get(row.blob, &range) {
                            Some(octets) => Ready::Octets(payload, octets),
                            None => Ready::Stream(payload, range, content),
                        }
                    }
                    Some(Found::Ready(ready)) => ready,
                    Some(Found::Fields(payload, header, names, choice, partial)) => {
                        let range = reading::range(header);
                        let header = match ahead.get(row.blob, &range) {
                            Some(header) => header,
                            None => reading::octets(&self.context.store, row.blob, range).await?,
                        };
                        let chosen = Bytes::from(chosen_fields(&header, names, choice));
                        Ready::Octets(payload, slice(&chosen, partial))
                    }
                    None => continue,
                },
            };
            if let Ready::Stream(_, range, content) = &mut next
                && !opened
            {
                // The first one shows whether the message is there; the others are opened when it is their turn.
                opened = true;
                *content = Some(self.context.store.content(row.blob, range.clone()).await?);
            }
            ready.push(next);
        }
        Ok(())
    }

    async fn write(
        &mut self,
        mut row: RowWriter,
        blob: BlobId,
        ready: &mut Vec<Ready>,
    ) -> Result<RowWriter, posthaste_tokio::Error<posthaste_imap::ProtocolError>> {
        for item in ready.drain(..) {
            match item {
                Ready::Item(item) => row.item(self.connection.machine(), &item)?,
                Ready::Nil(payload) => {
                    row.item(self.connection.machine(), &FetchItem::Payload { payload, data: None })?;
                }
                Ready::Octets(payload, octets) => {
                    let length = u64::try_from(octets.len()).unwrap_or(u64::MAX);
                    let mut literal = row.literal(self.connection.machine(), &payload, length)?;
                    for chunk in octets.chunks(OCTETS_AT_ONCE) {
                        self.room().await?;
                        literal.write(self.connection.machine(), octets.slice_ref(chunk))?;
                    }
                    row = literal.finish(self.connection.machine())?;
                }
                Ready::Stream(payload, range, content) => {
                    let mut content = match content {
                        Some(content) => content,
                        None => self.context.store.content(blob, range).await.map_err(|error| cut(&error))?,
                    };
                    let mut literal =
                        row.literal(self.connection.machine(), &payload, content.remaining())?;
                    while let Some(chunk) = content.next_chunk().await.map_err(|error| cut(&error))? {
                        self.room().await?;
                        literal.write(self.connection.machine(), chunk)?;
                    }
                    row = literal.finish(self.connection.machine())?;
                }
                Ready::Decoded(payload, decoded, wanted) => {
                    row = self.write_decoded(row, blob, &payload, decoded, wanted).await?;
                }
            }
        }
        Ok(row)
    }

    /// Writes a part without its transfer encoding, decoding as it goes (RFC 3516).
    async fn write_decoded(
        &mut self,
        row: RowWriter,
        blob: BlobId,
        payload: &Payload,
        decoded: Decoded,
        wanted: Range<u64>,
    ) -> Result<RowWriter, posthaste_tokio::Error<posthaste_imap::ProtocolError>> {
        let encoded = self.context.store.content(blob, reading::range(decoded.span)).await;
        let mut encoded = encoded.map_err(|error| cut(&error))?;
        let mut decoder = decoded.decoder();
        let length = wanted.end.saturating_sub(wanted.start);
        let mut literal = row.literal(self.connection.machine(), payload, length)?;
        let mut at = 0_u64;
        loop {
            let chunk = encoded.next_chunk().await.map_err(|error| cut(&error))?;
            let is_last = chunk.is_none();
            let mut octets = Vec::new();
            match (chunk, &mut decoder) {
                (Some(chunk), Some(decoder)) => decoder.push(&chunk, &mut octets),
                (Some(chunk), None) => octets.extend_from_slice(&chunk),
                (None, _) => {
                    if let Some(decoder) = decoder.take() {
                        decoder.finish(&mut octets);
                    }
                }
            }
            let end = at.saturating_add(u64::try_from(octets.len()).unwrap_or(u64::MAX));
            let local =
                |offset: u64| usize::try_from(offset.clamp(at, end).saturating_sub(at)).unwrap_or_default();
            let octets = Bytes::from(octets);
            let octets = octets.slice(local(wanted.start)..local(wanted.end));
            at = end;
            if !octets.is_empty() {
                self.room().await?;
                literal.write(self.connection.machine(), octets)?;
            }
            if is_last || at >= wanted.end {
                return Ok(literal.finish(self.connection.machine())?);
            }
        }
    }

    /// What NOTIFY wants to know of a new message, all of it at hand.
    pub(super) async fn new_items(
        &self,
        row: &Row,
        attributes: &[FetchAttribute],
    ) -> Result<Vec<FetchItem>, StoreError> {
        let server = self.connection.machine_ref();
        let summary = if attributes.iter().any(needs_summary) {
            let summaries = reading::summaries(&self.context.store, vec![row.blob]).await?;
            Some(summaries.into_iter().next().flatten().ok_or(StoreError::NoSuchMessage)?)
        } else {
            None
        };
        let mut wanted = attributes.to_vec();
        wanted.retain(|attribute| *attribute != FetchAttribute::Uid);
        if !server.is_enabled(Feature::UidOnly) {
            wanted.insert(0, FetchAttribute::Uid);
        }
        let mut ready = Vec::new();
        let (ahead, mut flags) = (Ahead::default(), FlagCache::default());
        let prepared = self.prepare(row, summary.as_deref(), &wanted, &ahead, &mut flags, &mut ready).await;
        match prepared {
            Ok(()) | Err(NoRow::UnknownEncoding) => {}
            Err(NoRow::Gone) => return Err(StoreError::NoSuchMessage),
            Err(NoRow::Failed(error)) => return Err(error),
        }
        let mut items = Vec::with_capacity(ready.len());
        for ready in ready {
            items.push(match ready {
                Ready::Item(item) => item,
                Ready::Nil(payload) => FetchItem::Payload { payload, data: None },
                Ready::Octets(payload, octets) => FetchItem::Payload { payload, data: Some(octets) },
                // RFC 5465 5.2 is about what is shown in a list; whole bodies are asked for.
                Ready::Stream(payload, range, _) if range.end.saturating_sub(range.start) <= NOTIFIED_MAX => {
                    let data = reading::octets(&self.context.store, row.blob, range).await?;
                    FetchItem::Payload { payload, data: Some(data) }
                }
                Ready::Stream(..) | Ready::Decoded(..) => continue,
            });
        }
        Ok(items)
    }
}

/// Octets that were read ahead, by content and place.
#[derive(Default)]
struct Ahead(Vec<(Place, Option<Bytes>)>);

/// Some octets of a content.
type Place = (BlobId, Range<u64>);

impl Ahead {
    fn get(&self, blob: BlobId, range: &Range<u64>) -> Option<Bytes> {
        let place = (blob, range.start, range.end);
        let at = self.0.binary_search_by_key(&place, |((blob, range), _)| (*blob, range.start, range.end));
        self.0.get(at.ok()?).and_then(|(_, octets)| octets.clone())
    }
}

/// Flags as they are written, made once for rows in a row that have the same.
#[derive(Default)]
pub(super) struct FlagCache {
    last: Option<(SystemFlags, crate::store::Keywords, bool, ImapFlags)>,
}

impl FlagCache {
    pub(super) fn of(&mut self, row: &Row, recent: bool) -> ImapFlags {
        if let Some((system, keywords, was_recent, flags)) = &self.last
            && *system == row.system
            && *was_recent == recent
            && *keywords == row.keywords
        {
            return flags.clone();
        }
        let mut flags = convert::flags(row.system, &row.keywords);
        if recent {
            flags.insert(&posthaste_imap::types::Flag::Recent);
        }
        self.last = Some((row.system, row.keywords.clone(), recent, flags.clone()));
        flags
    }
}

/// The summary of each of some messages; `None` for one that is gone.
type Summaries = Vec<Option<Arc<Summary>>>;

/// Whether a row tells of a message that has been seen by being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NewlySeen {
    Yes,
    No,
}

/// How many of the messages are told of together: no more than are asked for at once and, with `each_max` octets of each at
/// most, about as many as are read ahead. Where that marks them as seen, the client may be gone before it has taken them in.
fn batch_of(targets: &[(NonZeroU32, u32)], current: &Picture, each_max: u64) -> usize {
    let sizes =
        targets.iter().take(BATCH).map(|(_, uid)| current.by_uid(*uid).map_or(0, |(_, row)| row.size));
    let sums = sizes.scan(0_u64, |sum, size| {
        *sum = sum.saturating_add(size.min(each_max));
        Some(*sum)
    });
    sums.take_while(|sum| *sum <= AHEAD_OCTETS).count().max(1)
}

/// Messages whose summaries are asked for at once.
const BATCH: usize = 200;
/// Octets of a header, a text, or a message, that are read ahead; a longer one streams.
const SHORT: u64 = 64 * 1024;
/// Octets that are read ahead in all; what is beyond is read one by one.
const AHEAD_OCTETS: u64 = 512 * 1024;
/// Octets in memory that are given to the connection at a time.
const OCTETS_AT_ONCE: usize = 64 * 1024;
/// Octets of one item that NOTIFY tells of a new message.
const NOTIFIED_MAX: u64 = 16 * 1024;
