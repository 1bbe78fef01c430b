//! Summaries as the values that go into a FETCH response (RFC 9051 7.5.2): `ENVELOPE`, `BODY`, `BODYSTRUCTURE`.
//!
//! Built from the last part to the first, so that no depth of a message is a depth of the stack here.

use alloc::{borrow::ToOwned, boxed::Box, string::String, vec::Vec};

use super::{
    address::Address,
    content::{Disposition, Parameter},
    envelope::Envelope,
    parameter::joined,
    summary::{Kind, Part, Summary},
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
        let parts: Vec<&Part> = self.parts().collect();
        // The structures of the children of each part, the last child first.
        let mut children: Vec<Vec<BodyStructure>> = Vec::new();
        children.resize_with(parts.len(), Vec::new);
        let mut root = None;
        while let Some(inside) = children.pop() {
            let Some(part) = parts.get(children.len()) else { continue };
            let built = structure(part, self.content_envelope(part), inside, form);
            match part.parent.and_then(|parent| children.get_mut(parent)) {
                Some(siblings) => siblings.push(built),
                None => root = Some(built),
            }
        }
        // There is always a root.
        root.unwrap_or_else(|| structure(self.root(), self.envelope(), Vec::new(), form))
    }

    fn content_envelope(&self, part: &Part) -> &Envelope {
        let content = part.first_child.and_then(|index| self.part(index));
        content.and_then(|content| content.envelope.as_deref()).unwrap_or(const { &Envelope::none() })
    }
}

/// `inside` are the structures of the children, the last one first; `envelope` is that of an enclosed message.
fn structure(
    part: &Part,
    envelope: &Envelope,
    mut inside: Vec<BodyStructure>,
    form: StructureForm,
) -> BodyStructure {
    if part.kind == Kind::Multipart {
        inside.reverse();
        return BodyStructure::Multipart(types::Multipart {
            parts: inside,
            subtype: token(&part.subtype),
            extension: (form == StructureForm::Extended).then(|| MultipartExtension {
                parameters: parameters(&part.parameters),
                disposition: part.disposition.as_ref().map(disposition),
                language: part.languages.iter().map(|tag| text(tag)).collect(),
                location: part.location.as_deref().map(text),
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
        id: part.id.as_deref().map(text),
        description: part.description.as_deref().map(text),
        encoding: token(&part.encoding),
        octets: u64::try_from(part.body.len()).unwrap_or(u64::MAX),
        extension: (form == StructureForm::Extended).then(|| PartExtension {
            md5: part.md5.as_deref().map(text),
            disposition: part.disposition.as_ref().map(disposition),
            language: part.languages.iter().map(|tag| text(tag)).collect(),
            location: part.location.as_deref().map(text),
        }),
    })
}

impl From<&Envelope> for types::Envelope {
    /// The members as IMAP tells them: sender and reply-to are the author's when the message names none.
    fn from(envelope: &Envelope) -> Self {
        let list = |addresses: &[Address]| addresses.iter().map(Into::into).collect();
        let line = |value: &Option<Vec<u8>>| value.as_deref().map(text);
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
                name: name.as_deref().map(text),
                adl: route.as_deref().map(text),
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

fn token(token: &str) -> AString {
    AString::replacing_nul(String::into_bytes(token.to_owned()))
}

/// There is no NUL in a summary; this only has no error to invent.
fn text(octets: &[u8]) -> AString {
    AString::replacing_nul(octets.to_vec())
}
