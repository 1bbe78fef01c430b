//! FETCH: what messages are named, and what is told of each (RFC 9051 6.4.5; RFC 3516, 7162, 8474, 8514, 8970, 9394).

use bytes::Bytes;
use posthaste_imap::Misuse;
use posthaste_imap::message::{StructureForm, Summary, partial};
use posthaste_imap::server::{Asked, Feature, Fetch, RowWriter, Server};
use posthaste_imap::types::{
    Addressing, FetchAttribute, FetchItem, Flag, MessageSet, ObjectId, Payload, Section, SectionText,
};
use posthaste_imap::view::{History, Resync};

use super::{Message, Moment, Store, told};

impl Store {
    pub(super) fn fetch(&mut self, server: &mut Server, asked: Asked<Fetch>) -> Result<(), Misuse> {
        let Fetch { addressing, set, mut attributes, modifiers } = asked.request().clone();
        let mut named = self.named(addressing, &set);
        if let Some(since) = modifiers.changed_since {
            // RFC 7162 3.1.4.1: it is told, asked for or not.
            attributes.push(FetchAttribute::ModSeq);
            let folder = self.folder();
            named.retain(|(_, uid)| folder.message(*uid).is_some_and(|message| message.mod_seq > since));
        }
        if let Some(range) = modifiers.partial {
            named = named[range.places(named.len())].to_vec();
        }
        if server.is_enabled(Feature::CondStore) && attributes.contains(&FetchAttribute::Flags) {
            attributes.push(FetchAttribute::ModSeq);
        }
        if addressing == Addressing::Uid {
            attributes.push(FetchAttribute::Uid);
        }
        if server.is_enabled(Feature::UidOnly) {
            attributes.retain(|attribute| *attribute != FetchAttribute::Uid);
        }
        let mut seen = Vec::new();
        let attributes = attributes.into_iter().filter(|it| {
            !seen.contains(it) && {
                seen.push(it.clone());
                true
            }
        });
        let attributes: Vec<FetchAttribute> = attributes.collect();
        let is_read_only = server.is_read_only();

        let mut writer = asked.begin();
        if modifiers.vanished {
            let since = modifiers.changed_since.unwrap();
            let MessageSet::Numbers(known_uids) = &set else { panic!("{set:?}") };
            let expunged = self.folder().expunged_since(since);
            let known = Resync { mod_seq: since, known_uids: Some(known_uids), matches: None };
            let uid_next = self.folder().uid_next;
            let missed = self.view().resync(&known, History::Expunged(&expunged), uid_next).unwrap();
            writer.vanished(server, missed.vanished)?;
        }
        for (seq, uid) in named {
            let folder = self.folder();
            if attributes.iter().any(is_seen_by) && !is_read_only {
                let mod_seq = folder.tick();
                let message = folder.message(uid).unwrap();
                if !message.has(&Flag::Seen) {
                    message.flags.push(Flag::Seen);
                    message.mod_seq = mod_seq;
                    self.view().flags_changed(uid, mod_seq);
                }
            }
            let mut row = writer.row(server, told(seq, uid))?;
            self.happen(Moment::InRow);
            self.tell_elsewhere(server);
            let message = self.folder().message(uid).unwrap();
            let summary = Summary::scan(&message.content);
            row = items(server, row, &attributes, &summary, message)?;
            if attributes.contains(&FetchAttribute::Flags) {
                let mod_seq = self.folder().message(uid).unwrap().mod_seq;
                self.view().flags_told(uid, mod_seq);
            }
            writer = row.finish(server)?;
        }
        self.tell(server);
        writer.ok(server)
    }
}

fn items(
    server: &mut Server,
    mut row: RowWriter,
    attributes: &[FetchAttribute],
    summary: &Summary,
    message: &mut Message,
) -> Result<RowWriter, Misuse> {
    for attribute in attributes {
        if let Some(item) = item(attribute, summary, message) {
            row.item(server, &item)?;
            continue;
        }
        let (payload, content) = payload(attribute, summary, message);
        match content {
            None => row.item(server, &FetchItem::Payload { payload, data: None })?,
            Some(content) => {
                let mut literal = row.literal(server, &payload, content.len() as u64)?;
                literal.write(server, content)?;
                row = literal.finish(server)?;
            }
        }
    }
    Ok(row)
}

/// What is told at once; `None` for what is streamed.
fn item(attribute: &FetchAttribute, summary: &Summary, message: &mut Message) -> Option<FetchItem> {
    Some(match attribute {
        FetchAttribute::Flags => FetchItem::Flags(message.flags()),
        FetchAttribute::Uid => FetchItem::Uid(message.uid()),
        FetchAttribute::InternalDate => FetchItem::InternalDate(message.date),
        FetchAttribute::Rfc822Size => FetchItem::Rfc822Size(message.size()),
        FetchAttribute::Envelope => FetchItem::Envelope(Box::new(summary.envelope().into())),
        FetchAttribute::Body => FetchItem::Body(Box::new(summary.body_structure(StructureForm::Plain))),
        FetchAttribute::BodyStructure => {
            FetchItem::BodyStructure(Box::new(summary.body_structure(StructureForm::Extended)))
        }
        FetchAttribute::ModSeq => FetchItem::ModSeq(message.mod_seq),
        FetchAttribute::SaveDate => FetchItem::SaveDate(message.saved),
        FetchAttribute::EmailId => FetchItem::EmailId(id(&message.email_id)),
        FetchAttribute::ThreadId => FetchItem::ThreadId(message.thread_id.as_deref().map(id)),
        FetchAttribute::Preview { lazy } => {
            message.has_preview |= !lazy;
            let text = message.has_preview.then(|| summary.preview().to_owned());
            FetchItem::Preview(text.map(|text| posthaste_imap::types::AString::new(text).unwrap()))
        }
        FetchAttribute::BinarySize(part) => {
            let size = summary.locate_decoded(part.as_ref()).and_then(|decoded| decoded.octets);
            FetchItem::BinarySize { part: part.clone(), size: u32::try_from(size.unwrap()).unwrap() }
        }
        _ => return None,
    })
}

fn id(text: &str) -> ObjectId {
    ObjectId::new(text.to_owned()).unwrap()
}

/// Whether an attribute makes a message seen.
fn is_seen_by(attribute: &FetchAttribute) -> bool {
    match attribute {
        FetchAttribute::Section { peek, .. } | FetchAttribute::Binary { peek, .. } => !peek,
        FetchAttribute::Rfc822 | FetchAttribute::Rfc822Text => true,
        _ => false,
    }
}

/// The payload that an attribute asks for, and its octets.
fn payload(attribute: &FetchAttribute, summary: &Summary, message: &Message) -> (Payload, Option<Bytes>) {
    let text = |text| Section::new(None, Some(text)).unwrap();
    let whole = |section: &Section| summary.section(section, &message.content).map(|it| it.into_owned());
    let (payload, content, range) = match attribute {
        FetchAttribute::Section { section, partial, .. } => {
            let origin = partial.map(|partial| partial.offset);
            (Payload::Section { section: section.clone(), origin }, whole(section), *partial)
        }
        FetchAttribute::Binary { part, partial, .. } => {
            let origin = partial.map(|partial| partial.offset);
            let decoded = summary
                .locate_decoded(part.as_ref())
                .map(|decoded| decoded.decoder().unwrap().rest(decoded.span.of(&message.content)));
            (Payload::Binary { part: part.clone(), origin }, decoded, *partial)
        }
        FetchAttribute::Rfc822Header => (Payload::Rfc822Header, whole(&text(SectionText::Header)), None),
        FetchAttribute::Rfc822Text => (Payload::Rfc822Text, whole(&text(SectionText::Text)), None),
        FetchAttribute::Rfc822 => (Payload::Rfc822, whole(&Section::whole()), None),
        other => panic!("{other:?}"),
    };
    let part = |content: Vec<u8>| match range {
        Some(range) => {
            Bytes::copy_from_slice(partial(&content, range.offset.into(), range.count.get().into()))
        }
        None => content.into(),
    };
    (payload, content.map(part))
}
