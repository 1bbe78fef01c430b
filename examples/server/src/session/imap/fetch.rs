//! FETCH (RFC 9051 6.4.5): rows from what is known, headers and bodies read only where they are asked for.
//!
//! A whole message, or a part of it by octets, goes from the store to the client in chunks and is never held. What
//! needs the structure of a message is taken from the message in memory.

use std::num::NonZeroU32;

use bytes::Bytes;
use posthaste_imap::message::StructureForm;
use posthaste_imap::server::{Asked, Fetch};
use posthaste_imap::types::{Addressing, FetchAttribute, FetchItem, Partial, Payload, Section, SectionText};

use super::content::{Content, Need};
use super::message::expunge_issued;
use super::selected::Selected;
use super::{Outcome, Session, convert, refusal};
use crate::session::cut;
use crate::store::{BlobReader, Flags, MessageMeta, Store, StoreError, StoreMode, SystemFlags};

/// One item of a row, ready to be written.
enum Ready {
    Item(FetchItem),
    /// Octets that are read while they are written.
    Stream(Payload, BlobReader),
    /// Octets of the message in memory, taken from it when it is their turn: a command may ask for many.
    Part(Payload, Section, Option<Partial>),
}

impl Session {
    pub(super) async fn fetch(&mut self, asked: Asked<Fetch>) -> Outcome {
        let Some(targets) = self.targets(&asked.set, asked.addressing) else {
            return Ok(asked.bad(self.connection.machine(), "No such message number")?);
        };
        let mut attributes = asked.attributes.clone();
        if asked.addressing == Addressing::Uid && !attributes.contains(&FetchAttribute::Uid) {
            attributes.insert(0, FetchAttribute::Uid);
        }
        if attributes.iter().any(reads) && !self.connection.machine_ref().is_read_only() {
            match self.mark_seen(&targets).await {
                // The client learns of the flag with the row.
                Ok(true) if !attributes.contains(&FetchAttribute::Flags) => {
                    attributes.push(FetchAttribute::Flags);
                }
                Ok(_) => {}
                Err(error) => return Ok(asked.no(self.connection.machine(), refusal(&error))?),
            }
        }
        let need = attributes.iter().filter_map(need).max();
        let mut writer = asked.begin();
        let mut gone = false;
        for (seq, uid) in targets {
            self.connection.room().await?;
            let Some(selected) = &self.selected else { break };
            let row = match selected.metas.get(&uid) {
                Some(meta) => prepare(&self.context.store, selected, meta, &attributes, need).await,
                None => Err(StoreError::NoSuchMessage),
            };
            let (content, items) = match row {
                Ok(row) => row,
                Err(StoreError::NoSuchMessage) => {
                    // A UID that is not there is passed over in silence (RFC 9051 6.4.9).
                    gone |= writer.request().addressing == Addressing::Sequence;
                    continue;
                }
                Err(error) => return Ok(writer.no(self.connection.machine(), refusal(&error))?),
            };
            let mut row = writer.row(self.connection.machine(), seq)?;
            for item in items {
                self.connection.room().await?;
                match item {
                    Ready::Item(item) => row.item(self.connection.machine(), &item)?,
                    Ready::Part(payload, section, partial) => {
                        let data = content.as_ref().and_then(|content| content.section(&section));
                        let Some(data) = data.map(|data| slice(&data, partial)) else {
                            row.item(self.connection.machine(), &FetchItem::Payload { payload, data: None })?;
                            continue;
                        };
                        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
                        let mut literal = row.literal(self.connection.machine(), &payload, length)?;
                        for chunk in data.chunks(PART_CHUNK) {
                            self.connection.room().await?;
                            literal.write(self.connection.machine(), data.slice_ref(chunk))?;
                        }
                        row = literal.finish(self.connection.machine())?;
                    }
                    Ready::Stream(payload, mut reader) => {
                        let mut literal =
                            row.literal(self.connection.machine(), &payload, reader.remaining())?;
                        while let Some(chunk) = reader.next_chunk().await.map_err(|error| cut(&error))? {
                            self.connection.room().await?;
                            literal.write(self.connection.machine(), chunk)?;
                        }
                        row = literal.finish(self.connection.machine())?;
                    }
                }
            }
            writer = row.finish(self.connection.machine())?;
        }
        self.sync().await;
        if gone {
            // RFC 2180 4.1
            writer.no(self.connection.machine(), expunge_issued())?;
        } else {
            writer.ok(self.connection.machine())?;
        }
        Ok(())
    }

    /// Sets `\Seen` where it is not set. Whether it was not, anywhere.
    async fn mark_seen(&mut self, targets: &[(NonZeroU32, u32)]) -> Result<bool, StoreError> {
        let Some(selected) = &mut self.selected else { return Ok(false) };
        let unseen = |uid: &u32| selected.metas.get(uid).is_some_and(|meta| !convert::is_seen(&meta.flags));
        let uids: Vec<u32> = targets.iter().map(|(_, uid)| *uid).filter(unseen).collect();
        if uids.is_empty() {
            return Ok(false);
        }
        let seen = Flags::from(SystemFlags::SEEN);
        for meta in self.context.store.store_flags(selected.mailbox, uids, StoreMode::Add, seen).await? {
            selected.metas.insert(meta.uid, meta);
        }
        Ok(true)
    }
}

/// Whether an item sets `\Seen`.
fn reads(attribute: &FetchAttribute) -> bool {
    matches!(
        attribute,
        FetchAttribute::Section { peek: false, .. } | FetchAttribute::Rfc822 | FetchAttribute::Rfc822Text
    )
}

/// What of the content an item needs in memory.
fn need(attribute: &FetchAttribute) -> Option<Need> {
    match attribute {
        FetchAttribute::Envelope | FetchAttribute::Rfc822Header => Some(Need::Header),
        FetchAttribute::Section { section, .. } if *section == Section::whole() => None,
        FetchAttribute::Section { section, .. } if Content::is_in_header(section) => Some(Need::Header),
        FetchAttribute::Body
        | FetchAttribute::BodyStructure
        | FetchAttribute::Section { .. }
        | FetchAttribute::Rfc822Text => Some(Need::All),
        _ => None,
    }
}

/// Everything that can fail is done before the first octet of the row.
async fn prepare(
    store: &Store,
    selected: &Selected,
    meta: &MessageMeta,
    attributes: &[FetchAttribute],
    need: Option<Need>,
) -> Result<(Option<Content>, Vec<Ready>), StoreError> {
    let content = match need {
        Some(need) => Some(Content::load(store, meta.blob, need).await?),
        None => None,
    };
    let mut items = Vec::with_capacity(attributes.len());
    for attribute in attributes {
        items.extend(item(store, selected, meta, attribute, content.as_ref()).await?);
    }
    Ok((content, items))
}

async fn item(
    store: &Store,
    selected: &Selected,
    meta: &MessageMeta,
    attribute: &FetchAttribute,
    content: Option<&Content>,
) -> Result<Option<Ready>, StoreError> {
    Ok(match attribute {
        FetchAttribute::Flags => Some(Ready::Item(FetchItem::Flags(selected.flags(meta).into()))),
        FetchAttribute::Uid => NonZeroU32::new(meta.uid).map(FetchItem::Uid).map(Ready::Item),
        FetchAttribute::InternalDate => {
            convert::date_time(meta.date).map(FetchItem::InternalDate).map(Ready::Item)
        }
        FetchAttribute::Rfc822Size => Some(Ready::Item(FetchItem::Rfc822Size(meta.size))),
        FetchAttribute::Envelope => {
            content.map(|content| Ready::Item(FetchItem::Envelope(Box::new(content.envelope()))))
        }
        FetchAttribute::Body => content.map(|content| {
            Ready::Item(FetchItem::Body(Box::new(content.body_structure(StructureForm::Plain))))
        }),
        FetchAttribute::BodyStructure => content.map(|content| {
            Ready::Item(FetchItem::BodyStructure(Box::new(content.body_structure(StructureForm::Extended))))
        }),
        FetchAttribute::Section { section, partial, .. } => {
            let origin = partial.map(|partial| partial.offset);
            let payload = Payload::Section { section: section.clone(), origin };
            if *section == Section::whole() {
                let range = match partial {
                    Some(Partial { offset, count }) => {
                        let start = u64::from(*offset);
                        start..start.saturating_add(count.get().into())
                    }
                    None => 0..u64::MAX,
                };
                Some(Ready::Stream(payload, store.read_blob(meta.blob, range).await?))
            } else {
                Some(Ready::Part(payload, section.clone(), *partial))
            }
        }
        FetchAttribute::Rfc822 => {
            Some(Ready::Stream(Payload::Rfc822, store.read_blob(meta.blob, 0..u64::MAX).await?))
        }
        FetchAttribute::Rfc822Header => of_message(Payload::Rfc822Header, SectionText::Header),
        FetchAttribute::Rfc822Text => of_message(Payload::Rfc822Text, SectionText::Text),
        FetchAttribute::ModSeq => Some(Ready::Item(FetchItem::ModSeq(meta.modseq))),
        // BINARY is not announced.
        _ => None,
    })
}

fn of_message(payload: Payload, text: SectionText) -> Option<Ready> {
    let section = Section::new(None, Some(text)).ok()?;
    Some(Ready::Part(payload, section, None))
}

fn slice(data: &Bytes, partial: Option<Partial>) -> Bytes {
    let Some(Partial { offset, count }) = partial else { return data.clone() };
    let at = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let start = at(offset).min(data.len());
    let end = start.saturating_add(at(count.get())).min(data.len());
    data.slice(start..end)
}

/// Octets of a message in memory that are given to the connection at a time.
const PART_CHUNK: usize = 64 * 1024;
