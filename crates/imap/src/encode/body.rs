//! BODYSTRUCTURE and BODY (RFC 9051, section 9), wherever their strings are kept. Keeps its own stack: a deep structure
//! cannot exhaust the thread's.

use super::envelope::{AddressMembers, Addresses, EnvelopeMembers, octets};
use super::writer::Writer;
use crate::types::{AString, BodyKind, BodyPart, BodyStructure, Disposition, Multipart};
use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::slice;

/// Whether extension data is written, where a structure has it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extensions {
    /// `BODYSTRUCTURE`
    Written,
    /// `BODY`
    LeftOut,
}

/// A part, as it is told.
pub(crate) trait ToldPart<'a>: Copy {
    /// Addresses in the envelope of an enclosed message.
    type Addresses: Iterator<Item = AddressMembers<'a>>;
    /// Attribute and value pairs.
    type Parameters: Iterator<Item = (Cow<'a, [u8]>, Cow<'a, [u8]>)>;
    /// Tags of languages.
    type Languages: Iterator<Item = &'a [u8]>;

    fn shape(self) -> Shape<'a, Self::Addresses>;
    /// The parts of a multipart, the content of a message.
    fn children(self) -> impl Iterator<Item = Self>;
    fn subtype(self) -> &'a [u8];
    fn parameters(self) -> Self::Parameters;
    fn id(self) -> Option<&'a [u8]>;
    fn description(self) -> Option<&'a [u8]>;
    fn encoding(self) -> &'a [u8];
    /// The size in octets, still encoded.
    fn octets(self) -> u64;
    /// The size in lines, still encoded.
    fn lines(self) -> u64;
    /// Whether there is what [`Extensions`] is about: all that follows.
    fn is_extended(self) -> bool;
    fn md5(self) -> Option<&'a [u8]>;
    fn disposition(self) -> Option<(&'a [u8], Self::Parameters)>;
    fn languages(self) -> Self::Languages;
    fn location(self) -> Option<&'a [u8]>;
}

/// Which of the four forms a part has.
pub(crate) enum Shape<'a, A> {
    Multipart,
    /// With the envelope of the message inside.
    Message(EnvelopeMembers<'a, A>),
    Text,
    /// With its media type.
    Basic(&'a [u8]),
}

/// What is left to write.
enum Task<T> {
    Body(T),
    /// What follows the parts of a multipart.
    MultipartEnd(T),
    /// What follows the body of an enclosed message.
    MessageEnd(T),
}

impl Writer<'_> {
    pub(super) fn body<'a>(&mut self, body: impl ToldPart<'a>, extensions: Extensions) {
        let (mut next, mut later) = (Some(Task::Body(body)), Vec::new());
        while let Some(task) = next {
            match task {
                Task::Body(part) => self.part(part, extensions, &mut later),
                Task::MultipartEnd(multipart) => self.multipart_end(multipart, extensions),
                Task::MessageEnd(part) => {
                    self.octet(b' ');
                    self.number(part.lines());
                    self.part_end(part, extensions);
                }
            }
            next = later.pop();
        }
    }

    fn part<'a, T: ToldPart<'a>>(&mut self, part: T, extensions: Extensions, later: &mut Vec<Task<T>>) {
        self.octet(b'(');
        match part.shape() {
            Shape::Multipart => {
                later.push(Task::MultipartEnd(part));
                inside(part, later);
            }
            Shape::Message(envelope) => {
                self.fields(b"MESSAGE", part);
                self.octet(b' ');
                self.envelope(envelope);
                self.octet(b' ');
                later.push(Task::MessageEnd(part));
                inside(part, later);
            }
            Shape::Text => {
                self.fields(b"TEXT", part);
                self.octet(b' ');
                self.number(part.lines());
                self.part_end(part, extensions);
            }
            Shape::Basic(media_type) => {
                self.fields(media_type, part);
                self.part_end(part, extensions);
            }
        }
    }

    fn fields<'a>(&mut self, media_type: &[u8], part: impl ToldPart<'a>) {
        self.string(media_type);
        self.octet(b' ');
        self.string(part.subtype());
        self.octet(b' ');
        self.parameters(part.parameters());
        self.octet(b' ');
        self.nstring(part.id());
        self.octet(b' ');
        self.nstring(part.description());
        self.octet(b' ');
        self.string(part.encoding());
        self.octet(b' ');
        self.number(part.octets());
    }

    fn multipart_end<'a>(&mut self, multipart: impl ToldPart<'a>, extensions: Extensions) {
        self.octet(b' ');
        self.string(multipart.subtype());
        if multipart.is_extended() && extensions == Extensions::Written {
            self.octet(b' ');
            self.parameters(multipart.parameters());
            self.extension_tail(multipart);
        }
        self.octet(b')');
    }

    fn part_end<'a>(&mut self, part: impl ToldPart<'a>, extensions: Extensions) {
        if part.is_extended() && extensions == Extensions::Written {
            self.octet(b' ');
            self.nstring(part.md5());
            self.extension_tail(part);
        }
        self.octet(b')');
    }

    fn extension_tail<'a>(&mut self, part: impl ToldPart<'a>) {
        self.octet(b' ');
        match part.disposition() {
            None => self.text("NIL"),
            Some((kind, parameters)) => {
                self.octet(b'(');
                self.string(kind);
                self.octet(b' ');
                self.parameters(parameters);
                self.octet(b')');
            }
        }
        self.octet(b' ');
        self.told_languages(part.languages());
        self.octet(b' ');
        self.nstring(part.location());
    }

    fn told_languages<'a>(&mut self, mut languages: impl Iterator<Item = &'a [u8]>) {
        match (languages.next(), languages.next()) {
            (None, _) => self.text("NIL"),
            (Some(only), None) => self.string(only),
            (Some(first), Some(second)) => {
                self.list([first, second].into_iter().chain(languages), Self::string);
            }
        }
    }

    fn parameters<'a>(&mut self, parameters: impl Iterator<Item = (Cow<'a, [u8]>, Cow<'a, [u8]>)>) {
        let mut parameters = parameters.peekable();
        if parameters.peek().is_none() {
            return self.text("NIL");
        }
        self.list(parameters, |w, (name, value)| {
            w.string(&name);
            w.octet(b' ');
            w.string(&value);
        });
    }
}

/// What is inside comes next, the first of it first.
fn inside<'a, T: ToldPart<'a>>(part: T, later: &mut Vec<Task<T>>) {
    let end = later.len();
    later.extend(part.children().map(Task::Body));
    later.get_mut(end..).unwrap_or_default().reverse();
}

impl<'a> ToldPart<'a> for &'a BodyStructure {
    type Addresses = Addresses<'a>;
    type Parameters = Parameters<'a>;
    type Languages = Languages<'a>;

    fn shape(self) -> Shape<'a, Addresses<'a>> {
        match self {
            BodyStructure::Multipart(_) => Shape::Multipart,
            BodyStructure::Part(part) => match &part.kind {
                BodyKind::Basic { media_type, .. } => Shape::Basic(media_type.as_bytes()),
                BodyKind::Text { .. } => Shape::Text,
                BodyKind::Message { envelope, .. } => Shape::Message(envelope.members()),
            },
        }
    }

    fn children(self) -> impl Iterator<Item = Self> {
        match self {
            BodyStructure::Multipart(multipart) => multipart.parts.iter(),
            BodyStructure::Part(BodyPart { kind: BodyKind::Message { body, .. }, .. }) => {
                slice::from_ref(&**body).iter()
            }
            BodyStructure::Part(_) => [].iter(),
        }
    }

    fn subtype(self) -> &'a [u8] {
        match self {
            BodyStructure::Multipart(Multipart { subtype, .. }) => subtype,
            BodyStructure::Part(part) => match &part.kind {
                BodyKind::Basic { subtype, .. }
                | BodyKind::Text { subtype, .. }
                | BodyKind::Message { subtype, .. } => subtype,
            },
        }
        .as_bytes()
    }

    fn parameters(self) -> Parameters<'a> {
        let parameters = match self {
            BodyStructure::Multipart(multipart) => {
                multipart.extension.as_ref().map(|extension| &extension.parameters)
            }
            BodyStructure::Part(part) => Some(&part.parameters),
        };
        Parameters(parameters.map(Vec::as_slice).unwrap_or_default().iter())
    }

    fn id(self) -> Option<&'a [u8]> {
        single(self).and_then(|part| octets(&part.id))
    }

    fn description(self) -> Option<&'a [u8]> {
        single(self).and_then(|part| octets(&part.description))
    }

    fn encoding(self) -> &'a [u8] {
        single(self).map(|part| part.encoding.as_bytes()).unwrap_or_default()
    }

    fn octets(self) -> u64 {
        single(self).map(|part| part.octets).unwrap_or_default()
    }

    fn lines(self) -> u64 {
        match single(self).map(|part| &part.kind) {
            Some(BodyKind::Text { lines, .. } | BodyKind::Message { lines, .. }) => *lines,
            Some(BodyKind::Basic { .. }) | None => 0,
        }
    }

    fn is_extended(self) -> bool {
        tail(self).is_some()
    }

    fn md5(self) -> Option<&'a [u8]> {
        octets(&single(self)?.extension.as_ref()?.md5)
    }

    fn disposition(self) -> Option<(&'a [u8], Parameters<'a>)> {
        let Disposition { kind, parameters } = tail(self)?.0?;
        Some((kind.as_bytes(), Parameters(parameters.iter())))
    }

    fn languages(self) -> Languages<'a> {
        Languages(tail(self).map(|tail| tail.1).unwrap_or_default().iter())
    }

    fn location(self) -> Option<&'a [u8]> {
        Some(tail(self)?.2?.as_bytes())
    }
}

fn single(body: &BodyStructure) -> Option<&BodyPart> {
    match body {
        BodyStructure::Part(part) => Some(part),
        BodyStructure::Multipart(_) => None,
    }
}

/// The extension data that every part may have.
fn tail(body: &BodyStructure) -> Option<(Option<&Disposition>, &[AString], Option<&AString>)> {
    let (disposition, language, location) = match body {
        BodyStructure::Part(part) => {
            let extension = part.extension.as_ref()?;
            (&extension.disposition, &extension.language, &extension.location)
        }
        BodyStructure::Multipart(multipart) => {
            let extension = multipart.extension.as_ref()?;
            (&extension.disposition, &extension.language, &extension.location)
        }
    };
    Some((disposition.as_ref(), language, location.as_ref()))
}

pub(crate) struct Parameters<'a>(slice::Iter<'a, (AString, AString)>);

impl<'a> Iterator for Parameters<'a> {
    type Item = (Cow<'a, [u8]>, Cow<'a, [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(name, value)| (name.as_bytes().into(), value.as_bytes().into()))
    }
}

pub(crate) struct Languages<'a>(slice::Iter<'a, AString>);

impl<'a> Iterator for Languages<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(AString::as_bytes)
    }
}
