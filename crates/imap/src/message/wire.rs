//! Summaries as the values that go into a FETCH response (RFC 9051 7.5.2): `ENVELOPE`, `BODY`, `BODYSTRUCTURE`.
//!
//! The strings are those of the summary, and no copies of them. A structure is built from the last part to the first,
//! so that no depth of a message is a depth of the stack here.

use alloc::{boxed::Box, vec::Vec};

use bytes::Bytes;

use super::{
    address::Address,
    content::{Disposition, Parameter},
    envelope::{self, Envelope},
    parameter::joined,
    summary::{Kind, Part, Summary},
    token::Token,
};
use crate::types::{self, AString, BodyKind, BodyPart, BodyStructure, MultipartExtension, PartExtension};

/// How much of a body structure is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StructureForm {
    /// `BODY`: without extension data.
    Plain,
    /// `BODYSTRUCTURE`.
    Extended,
}

impl Summary {
    /// The body structure of the message.
    pub fn body_structure(&self, form: StructureForm) -> BodyStructure {
        // What is built and not yet taken by the part around it: the children of a part on top, its first one topmost.
        let mut built: Vec<BodyStructure> = Vec::with_capacity(self.children(0).count());
        for index in (1..=self.others.len()).rev() {
            let Some(part) = self.part(index) else { continue };
            let inside = self.taken(index, &mut built);
            built.push(structure(part, self.content_envelope(part), inside, form));
        }
        let inside = self.taken(0, &mut built);
        structure(self.root(), self.content_envelope(self.root()), inside, form)
    }

    /// The structures of the children of a part, in their order.
    fn taken(&self, index: usize, built: &mut Vec<BodyStructure>) -> Vec<BodyStructure> {
        let count = self.children(index).count();
        let start = built.len().saturating_sub(count);
        if count > 0 && start == 0 {
            let mut all = core::mem::take(built);
            all.reverse();
            all.shrink_to_fit();
            return all;
        }
        built.drain(start..).rev().collect()
    }

    fn content_envelope(&self, part: &Part) -> &Envelope {
        let content = part.first_child.and_then(|index| self.part(index));
        content.and_then(|content| content.envelope.as_deref()).unwrap_or(&envelope::NONE)
    }
}

/// `inside` are the structures of the children; `envelope` is that of an enclosed message.
fn structure(
    part: &Part,
    envelope: &Envelope,
    mut inside: Vec<BodyStructure>,
    form: StructureForm,
) -> BodyStructure {
    if part.kind == Kind::Multipart {
        return BodyStructure::Multipart(types::Multipart {
            parts: inside,
            subtype: token(&part.subtype),
            extension: (form == StructureForm::Extended).then(|| MultipartExtension {
                parameters: parameters(&part.parameters),
                disposition: part.disposition.as_ref().map(disposition),
                language: part.languages.iter().map(text).collect(),
                location: part.location.as_ref().map(text),
            }),
        });
    }
    let subtype = token(&part.subtype);
    let kind = match (part.kind, inside.pop()) {
        (Kind::Message, Some(body)) => BodyKind::Message {
            subtype,
            envelope: Box::new(envelope.into()),
            body: Box::new(body),
            lines: part.lines,
        },
        _ if part.is_text() => BodyKind::Text { subtype, lines: part.lines },
        _ => BodyKind::Basic { media_type: token(&part.media_type), subtype },
    };
    BodyStructure::Part(BodyPart {
        kind,
        parameters: parameters(&part.parameters),
        id: part.id.as_ref().map(text),
        description: part.description.as_ref().map(text),
        encoding: token(&part.encoding),
        octets: u64::try_from(part.body.len()).unwrap_or(u64::MAX),
        extension: (form == StructureForm::Extended).then(|| PartExtension {
            md5: part.md5.as_ref().map(text),
            disposition: part.disposition.as_ref().map(disposition),
            language: part.languages.iter().map(text).collect(),
            location: part.location.as_ref().map(text),
        }),
    })
}

impl From<&Envelope> for types::Envelope {
    /// The members as IMAP tells them: sender and reply-to are the author's when the message names none.
    fn from(envelope: &Envelope) -> Self {
        let list = |addresses: &[Address]| addresses.iter().map(Into::into).collect();
        let line = |value: &Option<Bytes>| value.as_ref().map(text);
        Self {
            date: line(&envelope.date),
            subject: line(&envelope.subject),
            from: list(&envelope.from),
            sender: list(envelope.sender()),
            reply_to: list(envelope.reply_to()),
            to: list(&envelope.to),
            cc: list(&envelope.cc),
            bcc: list(&envelope.bcc),
            in_reply_to: line(&envelope.in_reply_to),
            message_id: line(&envelope.message_id),
        }
    }
}

impl From<&Address> for types::Address {
    fn from(address: &Address) -> Self {
        match address {
            Address::Mailbox { name, route, mailbox, host } => Self {
                name: name.as_ref().map(text),
                adl: route.as_ref().map(text),
                mailbox: Some(text(mailbox)),
                host: Some(text(host)),
            },
            Address::GroupStart(name) => Self { mailbox: Some(text(name)), ..Self::default() },
            Address::GroupEnd => Self::default(),
        }
    }
}

fn parameters(list: &[Parameter]) -> types::Parameters {
    joined(list).iter().map(|Parameter { name, value }| (token(name), text(value))).collect()
}

fn disposition(disposition: &Disposition) -> types::Disposition {
    types::Disposition { kind: token(&disposition.kind), parameters: parameters(&disposition.parameters) }
}

fn token(token: &Token) -> AString {
    AString::without_nul(token.clone().into_bytes())
}

/// There is no NUL in a summary; this only has no error to invent.
fn text(octets: &Bytes) -> AString {
    AString::replacing_nul(octets.clone())
}
