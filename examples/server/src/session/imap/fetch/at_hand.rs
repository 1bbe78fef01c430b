//! Rows of which all is at hand: in the index, or in summaries as they are stored (RFC 9051 7.5.2). Lists of messages
//! ask for nothing else, often of all there are.

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::Bytes;
use posthaste_imap::Misuse;
use posthaste_imap::message::{Record, StructureForm};
use posthaste_imap::server::{FetchWriter, RowWriter, Server};
use posthaste_imap::types::{AString, FetchAttribute, FetchItem};
use tokio::task::JoinHandle;

use super::super::selected::{is_recent, message};
use super::super::{Session, reading};
use super::items::item;
use super::{BATCH, FlagCache};
use crate::index::{Picture, Row};
use crate::store::{BlobId, StoreError};

impl Session {
    /// Rows of what is in the index; whether some of the messages are gone.
    pub(super) async fn rows_of_index(
        &mut self,
        writer: &FetchWriter,
        current: &Picture,
        targets: &[(NonZeroU32, u32)],
        attributes: &[FetchAttribute],
    ) -> Result<bool, Broken> {
        let Some(selected) = &self.selected else { return Ok(true) };
        let client = Arc::clone(&selected.picture);
        let (mut found, mut client) = (current.finder(), client.finder());
        let tells_flags = attributes.contains(&FetchAttribute::Flags);
        let mut flags = FlagCache::default();
        let mut items = Vec::with_capacity(attributes.len());
        let (mut heard, mut lost) = (Vec::new(), false);
        for batch in targets.chunks(BATCH) {
            for (seq, uid) in batch {
                let Some((_, row)) = found.by_uid(*uid) else {
                    lost = true;
                    continue;
                };
                if tells_flags && client.by_uid(*uid).is_some_and(|(_, known)| known.modseq < row.modseq) {
                    heard.push(*uid);
                }
                items.clear();
                for attribute in attributes {
                    items.extend(if *attribute == FetchAttribute::Flags {
                        let recent =
                            self.selected.as_ref().is_some_and(|it| is_recent(it.recent_ranges(), *uid));
                        Some(FetchItem::Flags(flags.of(row, recent)))
                    } else {
                        item(attribute, row, None)
                    });
                }
                self.room().await?;
                writer.whole_row(self.connection.machine(), message(*seq, *uid), &items)?;
            }
            // A client that reads fast leaves no other pause.
            tokio::task::yield_now().await;
        }
        if let Some(selected) = &mut self.selected {
            selected.has_heard(current, &heard);
        }
        Ok(lost)
    }

    /// Rows of what is in the index and in summaries as they are stored; whether some of the messages are gone, or why the
    /// rest can not be told.
    pub(super) async fn rows_of_records(
        &mut self,
        mut writer: FetchWriter,
        current: &Picture,
        targets: &[(NonZeroU32, u32)],
        attributes: &[FetchAttribute],
    ) -> Result<(FetchWriter, Result<bool, StoreError>), Broken> {
        let Some(selected) = &self.selected else { return Ok((writer, Ok(true))) };
        let client = Arc::clone(&selected.picture);
        let (mut found, mut client) = (current.finder(), client.finder());
        let tells_flags = attributes.contains(&FetchAttribute::Flags);
        let mut flags = FlagCache::default();
        let (mut heard, mut lost) = (Vec::new(), false);
        let mut batches = targets.chunks(RECORDS);
        let mut upcoming = batches.next().map(|batch| self.records_of(batch, current));
        for batch in targets.chunks(RECORDS) {
            let records = match upcoming.take() {
                Some(upcoming) => upcoming.await.unwrap_or(Err(StoreError::Closed)),
                None => Ok(Vec::new()),
            };
            let records = match records {
                Ok(records) => records,
                Err(error) => return Ok((writer, Err(error))),
            };
            // While these are told the next are read.
            upcoming = batches.next().map(|batch| self.records_of(batch, current));
            for ((seq, uid), record) in batch.iter().zip(&records) {
                let Some((_, row)) = found.by_uid(*uid) else {
                    lost = true;
                    continue;
                };
                let scanned;
                let record = match record.as_deref().and_then(Record::from_bytes) {
                    Some(record) => record,
                    None => match self.scanned(row.blob).await {
                        Ok(octets) => {
                            scanned = octets;
                            let Some(record) = scanned.as_deref().and_then(Record::from_bytes) else {
                                lost = true;
                                continue;
                            };
                            record
                        }
                        Err(error) => return Ok((writer, Err(error))),
                    },
                };
                if tells_flags && client.by_uid(*uid).is_some_and(|(_, known)| known.modseq < row.modseq) {
                    heard.push(*uid);
                }
                let recent = tells_flags
                    && self.selected.as_ref().is_some_and(|it| is_recent(it.recent_ranges(), *uid));
                self.room().await?;
                let server = self.connection.machine();
                let mut told = writer.row(server, message(*seq, *uid))?;
                for attribute in attributes {
                    match attribute {
                        FetchAttribute::Flags => {
                            told.item(server, &FetchItem::Flags(flags.of(row, recent)))?;
                        }
                        attribute => tell(&mut told, server, attribute, row, &record)?,
                    }
                }
                writer = told.finish(server)?;
            }
            // A client that reads fast leaves no other pause.
            tokio::task::yield_now().await;
        }
        if let Some(selected) = &mut self.selected {
            selected.has_heard(current, &heard);
        }
        Ok((writer, Ok(lost)))
    }

    /// The summaries of some messages as they are stored, one for each; they are read meanwhile.
    fn records_of(
        &self,
        batch: &[(NonZeroU32, u32)],
        current: &Picture,
    ) -> JoinHandle<Result<Vec<Option<Bytes>>, StoreError>> {
        let mut found = current.finder();
        let blobs = batch.iter().map(|(_, uid)| found.by_uid(*uid).map(|(_, row)| row.blob));
        let blobs: Vec<Option<BlobId>> = blobs.collect();
        let store = Arc::clone(&self.context.store);
        tokio::spawn(async move {
            let known = blobs.iter().flatten().copied().collect();
            let mut known = store.summaries(known).await?.into_iter();
            Ok(blobs.iter().map(|blob| blob.and_then(|_| known.next().flatten())).collect())
        })
    }

    /// What should be stored as the summary of a content, and is not; `None` where the content is gone.
    async fn scanned(&self, blob: BlobId) -> Result<Option<Bytes>, StoreError> {
        let summary = reading::summaries(&self.context.store, vec![blob]).await?.into_iter().next().flatten();
        Ok(summary.map(|summary| summary.to_bytes()))
    }
}

/// Writes an item of what is in the index or in a summary as it is stored.
fn tell(
    told: &mut RowWriter,
    server: &mut Server,
    attribute: &FetchAttribute,
    row: &Row,
    record: &Record<'_>,
) -> Result<(), Misuse> {
    match attribute {
        FetchAttribute::Envelope => told.envelope(server, record),
        FetchAttribute::Body => told.structure(server, record, StructureForm::Plain),
        FetchAttribute::BodyStructure => told.structure(server, record, StructureForm::Extended),
        FetchAttribute::Preview { .. } => {
            let preview = Bytes::copy_from_slice(record.preview().as_bytes());
            told.item(server, &FetchItem::Preview(AString::new(preview).ok()))
        }
        attribute => match item(attribute, row, None) {
            Some(item) => told.item(server, &item),
            None => Ok(()),
        },
    }
}

/// Why the connection ends.
type Broken = posthaste_tokio::Error<posthaste_imap::ProtocolError>;

/// Summaries that are asked for at once, as they are stored: what is sent takes no more than they do.
const RECORDS: usize = 400;
