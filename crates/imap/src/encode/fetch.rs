//! FETCH, command and rows (RFC 9051, sections 6.4.5 and 7.5.2).
//!
//! A server writes a row as [`row_start`], items with [`separator`] between them, and [`row_end`]. A payload is
//! [`payload_header`] followed by exactly the announced octets, which need not be at hand at once.

use super::body::Extensions;
use super::envelope::octets;
use super::writer::{EncodeContext, Nul, Writer};
use crate::message::{Record, StructureForm};
use crate::types::{FetchAttribute, FetchCommand, FetchItem, Payload};
use bytes::BytesMut;
use core::num::NonZeroU32;

/// `* n FETCH (`
pub fn row_start(out: &mut BytesMut, number: NonZeroU32) {
    let mut writer = Writer::response(out, EncodeContext::default());
    writer.text("* ");
    writer.number(number.get());
    writer.text(" FETCH (");
}

/// `* uid UIDFETCH (` (RFC 9586)
pub fn uid_row_start(out: &mut BytesMut, uid: NonZeroU32) {
    let mut writer = Writer::response(out, EncodeContext::default());
    writer.text("* ");
    writer.number(uid.get());
    writer.text(" UIDFETCH (");
}

/// A whole row; nothing where no item says anything.
pub(crate) fn row(out: &mut BytesMut, number: NonZeroU32, items: &[FetchItem], context: EncodeContext) {
    if is_writable(items) {
        row_start(out, number);
        rest_of_row(out, items, context);
    }
}

/// The same under UIDONLY.
pub(crate) fn uid_row(out: &mut BytesMut, uid: NonZeroU32, items: &[FetchItem], context: EncodeContext) {
    if is_writable(items) {
        uid_row_start(out, uid);
        rest_of_row(out, items, context);
    }
}

fn rest_of_row(out: &mut BytesMut, items: &[FetchItem], context: EncodeContext) {
    let writable = items.iter().filter(|item| !matches!(item, FetchItem::Opaque { .. }));
    Writer::response(out, context).separated(writable, Writer::fetch_item);
    row_end(out);
}

/// The space between two items.
pub fn separator(out: &mut BytesMut) {
    out.extend_from_slice(b" ");
}

/// The end of a row with its CRLF.
pub fn row_end(out: &mut BytesMut) {
    out.extend_from_slice(b")\r\n");
}

/// One item. Writes nothing for [`FetchItem::Opaque`]: then leave the separator out as well.
pub fn item(out: &mut BytesMut, item: &FetchItem, context: EncodeContext) {
    Writer::response(out, context).fetch_item(item);
}

/// `ENVELOPE (..)` of a stored summary: what [`item`] writes of [`Summary::envelope`](crate::message::Summary::envelope).
pub fn envelope(out: &mut BytesMut, record: &Record<'_>, context: EncodeContext) {
    let mut writer = Writer::response(out, context);
    writer.text("ENVELOPE ");
    writer.envelope(record.envelope());
}

/// `BODY (..)` or `BODYSTRUCTURE (..)` of a stored summary: what [`item`] writes of
/// [`Summary::body_structure`](crate::message::Summary::body_structure).
pub fn structure(out: &mut BytesMut, record: &Record<'_>, form: StructureForm, context: EncodeContext) {
    let mut writer = Writer::response(out, context);
    let (name, extensions) = match form {
        StructureForm::Plain => ("BODY ", Extensions::LeftOut),
        StructureForm::Extended => ("BODYSTRUCTURE ", Extensions::Written),
    };
    writer.text(name);
    writer.body(record.structure(), extensions);
}

/// The name of a payload and the header of its literal with CRLF; `len` octets have to follow.
///
/// The literal is `~{n}` for BINARY, as nobody knows yet whether NUL will come, and `{n}`, in which none may, for all
/// others.
pub fn payload_header(out: &mut BytesMut, payload: &Payload, len: u64, context: EncodeContext) {
    let mut writer = Writer::response(out, context);
    writer.payload(payload);
    writer.octet(b' ');
    let nul = if matches!(payload, Payload::Binary { .. }) { Nul::Possible } else { Nul::Absent };
    writer.literal_header(len, nul);
}

/// Whether there is anything to write of a row.
pub(super) fn is_writable(items: &[FetchItem]) -> bool {
    items.iter().any(|item| !matches!(item, FetchItem::Opaque { .. }))
}

impl Writer<'_> {
    pub(super) fn fetch_command(&mut self, fetch: &FetchCommand) {
        self.message_set(&fetch.set);
        self.octet(b' ');
        self.fetch_attributes(&fetch.attributes);
        let modifiers = &fetch.modifiers;
        if modifiers.is_empty() {
            return;
        }
        let mut separator = " (";
        if let Some(mod_seq) = modifiers.changed_since {
            self.text(core::mem::replace(&mut separator, " "));
            self.text("CHANGEDSINCE ");
            self.number(mod_seq);
        }
        if modifiers.vanished {
            self.text(core::mem::replace(&mut separator, " "));
            self.text("VANISHED");
        }
        if let Some(range) = modifiers.partial {
            self.text(separator);
            self.text("PARTIAL ");
            self.partial_range(range);
        }
        self.octet(b')');
    }

    pub(super) fn fetch_attributes(&mut self, attributes: &[FetchAttribute]) {
        self.list(attributes, Self::fetch_attribute);
    }

    pub(super) fn fetch_items(&mut self, items: &[FetchItem]) {
        let writable = items.iter().filter(|item| !matches!(item, FetchItem::Opaque { .. }));
        self.list(writable, Self::fetch_item);
    }

    fn fetch_attribute(&mut self, attribute: &FetchAttribute) {
        self.text(match attribute {
            FetchAttribute::Flags => "FLAGS",
            FetchAttribute::Uid => "UID",
            FetchAttribute::InternalDate => "INTERNALDATE",
            FetchAttribute::Rfc822Size => "RFC822.SIZE",
            FetchAttribute::Envelope => "ENVELOPE",
            FetchAttribute::Body | FetchAttribute::Section { peek: false, .. } => "BODY",
            FetchAttribute::BodyStructure => "BODYSTRUCTURE",
            FetchAttribute::Section { peek: true, .. } => "BODY.PEEK",
            FetchAttribute::Rfc822 => "RFC822",
            FetchAttribute::Rfc822Header => "RFC822.HEADER",
            FetchAttribute::Rfc822Text => "RFC822.TEXT",
            FetchAttribute::Binary { peek: false, .. } => "BINARY",
            FetchAttribute::Binary { peek: true, .. } => "BINARY.PEEK",
            FetchAttribute::BinarySize(_) => "BINARY.SIZE",
            FetchAttribute::ModSeq => "MODSEQ",
            FetchAttribute::SaveDate => "SAVEDATE",
            FetchAttribute::EmailId => "EMAILID",
            FetchAttribute::ThreadId => "THREADID",
            FetchAttribute::Preview { lazy: false } => "PREVIEW",
            FetchAttribute::Preview { lazy: true } => "PREVIEW (LAZY)",
            FetchAttribute::GmMsgId => "X-GM-MSGID",
            FetchAttribute::GmThrId => "X-GM-THRID",
            FetchAttribute::GmLabels => "X-GM-LABELS",
        });
        match attribute {
            FetchAttribute::Section { section, partial, .. } => {
                self.section(section);
                self.partial(*partial);
            }
            FetchAttribute::Binary { part, partial, .. } => {
                self.section_binary(part.as_ref());
                self.partial(*partial);
            }
            FetchAttribute::BinarySize(part) => self.section_binary(part.as_ref()),
            _ => {}
        }
    }

    fn fetch_item(&mut self, item: &FetchItem) {
        match item {
            FetchItem::Flags(flags) => {
                self.text("FLAGS ");
                self.flags(flags);
            }
            FetchItem::Uid(uid) => {
                self.text("UID ");
                self.number(uid.get());
            }
            FetchItem::InternalDate(time) => {
                self.text("INTERNALDATE ");
                self.date_time(*time);
            }
            FetchItem::Rfc822Size(size) => {
                self.text("RFC822.SIZE ");
                self.number(*size);
            }
            FetchItem::Envelope(envelope) => {
                self.text("ENVELOPE ");
                self.envelope(envelope.members());
            }
            FetchItem::Body(body) => {
                self.text("BODY ");
                self.body(&**body, Extensions::LeftOut);
            }
            FetchItem::BodyStructure(body) => {
                self.text("BODYSTRUCTURE ");
                self.body(&**body, Extensions::Written);
            }
            FetchItem::Payload { payload, data } => {
                self.payload(payload);
                self.octet(b' ');
                match data {
                    None => self.text("NIL"),
                    // RFC 9051 7.5.2: without `~` the client knows that there is no NUL.
                    Some(data)
                        if matches!(payload, Payload::Binary { .. }) && memchr::memchr(0, data).is_some() =>
                    {
                        self.literal8(data);
                    }
                    Some(data) => self.literal(data),
                }
            }
            FetchItem::BinarySize { part, size } => {
                self.text("BINARY.SIZE");
                self.section_binary(part.as_ref());
                self.octet(b' ');
                self.number(*size);
            }
            FetchItem::ModSeq(value) => {
                self.text("MODSEQ (");
                self.number(*value);
                self.octet(b')');
            }
            FetchItem::SaveDate(time) => {
                self.text("SAVEDATE ");
                match time {
                    Some(time) => self.date_time(*time),
                    None => self.text("NIL"),
                }
            }
            FetchItem::EmailId(id) => {
                self.text("EMAILID ");
                self.object_id(id);
            }
            FetchItem::ThreadId(id) => {
                self.text("THREADID ");
                match id {
                    Some(id) => self.object_id(id),
                    None => self.text("NIL"),
                }
            }
            FetchItem::Preview(text) => {
                self.text("PREVIEW ");
                self.nstring(octets(text));
            }
            FetchItem::GmMsgId(id) => {
                self.text("X-GM-MSGID ");
                self.number(*id);
            }
            FetchItem::GmThrId(id) => {
                self.text("X-GM-THRID ");
                self.number(*id);
            }
            FetchItem::GmLabels(labels) => {
                self.text("X-GM-LABELS ");
                self.list(labels, Self::label);
            }
            FetchItem::Opaque { .. } => {}
        }
    }

    fn payload(&mut self, payload: &Payload) {
        match payload {
            Payload::Section { section, origin } => {
                self.text("BODY");
                self.section(section);
                self.origin(*origin);
            }
            Payload::Binary { part, origin } => {
                self.text("BINARY");
                self.section_binary(part.as_ref());
                self.origin(*origin);
            }
            Payload::Rfc822 => self.text("RFC822"),
            Payload::Rfc822Header => self.text("RFC822.HEADER"),
            Payload::Rfc822Text => self.text("RFC822.TEXT"),
        }
    }
}
