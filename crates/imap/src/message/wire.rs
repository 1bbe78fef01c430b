//! Summaries as the values that go into a FETCH response (RFC 9051 7.5.2): `ENVELOPE`, `BODY`, `BODYSTRUCTURE`; and
//! records as what is written of them, without such a value.
//!
//! The strings are those of the summary, and no copies of them. A structure is built from the last part to the first,
//! so that no depth of a message is a depth of the stack here.

use alloc::{
    borrow::Cow,
    boxed::Box,
    vec::{self, Vec},
};

use bytes::Bytes;

use super::{
    address::Address,
    content::{Disposition, Parameter},
    envelope::{self, Envelope},
    parameter::joined,
    record::{Items, List, Record, RecordAddress, RecordEnvelope, RecordParameter, RecordPart},
    summary::{Kind, Part, Summary},
    token::Token,
};
use crate::encode::told::{EnvelopeMembers, Shape, ToldPart};
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

impl<'a> Record<'a> {
    pub(crate) fn envelope(&self) -> EnvelopeMembers<'a, Items<'a, RecordAddress<'a>>> {
        self.root.envelope.unwrap_or_default().members()
    }

    /// The body structure of the message.
    pub(crate) fn structure(&self) -> impl ToldPart<'a> {
        Told { record: self, part: &self.root }
    }
}

impl<'a> RecordEnvelope<'a> {
    /// The members as IMAP tells them: sender and reply-to are the author's when the message names none.
    fn members(&self) -> EnvelopeMembers<'a, Items<'a, RecordAddress<'a>>> {
        let [from, own_sender, own_reply_to, to, cc, bcc] = self.addresses;
        let or_author = |own: List<'a, RecordAddress<'a>>| if own.count == 0 { from } else { own };
        let addresses = [from, or_author(own_sender), or_author(own_reply_to), to, cc, bcc];
        EnvelopeMembers {
            date: self.date,
            subject: self.subject,
            addresses: addresses.map(List::iter),
            in_reply_to: self.in_reply_to,
            message_id: self.message_id,
        }
    }
}

/// A part of a record, as it is told.
struct Told<'r, 'a> {
    record: &'r Record<'a>,
    part: &'r RecordPart<'a>,
}

impl Clone for Told<'_, '_> {
    fn clone(&self) -> Self {
        *self
    }
}

impl Copy for Told<'_, '_> {}

impl<'a> ToldPart<'a> for Told<'_, 'a> {
    type Addresses = Items<'a, RecordAddress<'a>>;
    type Parameters = ToldParameters<'a>;
    type Languages = Items<'a, &'a [u8]>;

    fn shape(self) -> Shape<'a, Self::Addresses> {
        match self.part.kind {
            Kind::Multipart => Shape::Multipart,
            Kind::Message => {
                let content = self.children().next().and_then(|content| content.part.envelope);
                Shape::Message(content.unwrap_or_default().members())
            }
            Kind::Leaf if self.part.media_type == b"text" => Shape::Text,
            Kind::Leaf => Shape::Basic(self.part.media_type),
        }
    }

    fn children(self) -> impl Iterator<Item = Self> {
        let mut next = self.part.first_child;
        core::iter::from_fn(move || {
            let part = self.record.part(next?)?;
            next = part.next_sibling;
            Some(Self { part, ..self })
        })
    }

    fn subtype(self) -> &'a [u8] {
        self.part.subtype
    }

    fn parameters(self) -> Self::Parameters {
        ToldParameters::of(self.part.parameters)
    }

    fn id(self) -> Option<&'a [u8]> {
        self.part.id
    }

    fn description(self) -> Option<&'a [u8]> {
        self.part.description
    }

    fn encoding(self) -> &'a [u8] {
        self.part.encoding
    }

    fn octets(self) -> u64 {
        u64::try_from(self.part.body.len()).unwrap_or(u64::MAX)
    }

    fn lines(self) -> u64 {
        self.part.lines
    }

    fn is_extended(self) -> bool {
        true
    }

    fn md5(self) -> Option<&'a [u8]> {
        self.part.md5
    }

    fn disposition(self) -> Option<(&'a [u8], Self::Parameters)> {
        self.part.disposition.map(|(kind, parameters)| (kind, ToldParameters::of(parameters)))
    }

    fn languages(self) -> Self::Languages {
        self.part.languages.iter()
    }

    fn location(self) -> Option<&'a [u8]> {
        self.part.location
    }
}

/// Parameters of a record as they are told: as they stand, or put together.
enum ToldParameters<'a> {
    Stored(Items<'a, RecordParameter<'a>>),
    Joined(vec::IntoIter<Parameter>),
}

impl<'a> ToldParameters<'a> {
    fn of(list: List<'a, RecordParameter<'a>>) -> Self {
        // As in nearly every message.
        if list.iter().all(|(name, _)| !name.contains(&b'*')) {
            return Self::Stored(list.iter());
        }
        let parameter = |(name, value)| {
            let name = Token::of_lower_case(Bytes::copy_from_slice(name))?;
            Some(Parameter { name, value: Bytes::copy_from_slice(value) })
        };
        let parameters: Option<Vec<Parameter>> = list.iter().map(parameter).collect();
        match parameters {
            Some(parameters) => Self::Joined(joined(&parameters).into_owned().into_iter()),
            None => Self::Stored(list.iter()),
        }
    }
}

impl<'a> Iterator for ToldParameters<'a> {
    type Item = (Cow<'a, [u8]>, Cow<'a, [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Stored(list) => list.next().map(|(name, value)| (name.into(), value.into())),
            Self::Joined(list) => list.next().map(|Parameter { name, value }| {
                (Vec::from(name.into_bytes()).into(), Vec::from(value).into())
            }),
        }
    }
}
