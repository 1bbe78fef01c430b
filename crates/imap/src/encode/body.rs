//! BODYSTRUCTURE and BODY (RFC 9051, section 9). As deep as the structure it is given.

use super::writer::Writer;
use crate::types::{AString, BodyKind, BodyPart, BodyStructure, Disposition, Multipart, NString, Parameters};

/// Whether extension data is written, where a structure has it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extensions {
    /// `BODYSTRUCTURE`
    Written,
    /// `BODY`
    LeftOut,
}

impl Writer<'_> {
    pub(super) fn body(&mut self, body: &BodyStructure, extensions: Extensions) {
        self.octet(b'(');
        match body {
            BodyStructure::Part(part) => self.part(part, extensions),
            BodyStructure::Multipart(multipart) => self.multipart(multipart, extensions),
        }
        self.octet(b')');
    }

    fn multipart(&mut self, multipart: &Multipart, extensions: Extensions) {
        for part in &multipart.parts {
            self.body(part, extensions);
        }
        self.octet(b' ');
        self.string_of(&multipart.subtype);
        if let Some(extension) = multipart.extension.as_ref().filter(|_| extensions == Extensions::Written) {
            self.octet(b' ');
            self.parameters(&extension.parameters);
            self.extension_tail(extension.disposition.as_ref(), &extension.language, &extension.location);
        }
    }

    fn part(&mut self, part: &BodyPart, extensions: Extensions) {
        let (media_type, subtype) = match &part.kind {
            BodyKind::Basic { media_type, subtype } => (media_type.as_bytes(), subtype),
            BodyKind::Text { subtype, .. } => (&b"TEXT"[..], subtype),
            BodyKind::Message { subtype, .. } => (&b"MESSAGE"[..], subtype),
        };
        self.string(media_type);
        self.octet(b' ');
        self.string_of(subtype);
        self.octet(b' ');
        self.parameters(&part.parameters);
        self.octet(b' ');
        self.nstring(&part.id);
        self.octet(b' ');
        self.nstring(&part.description);
        self.octet(b' ');
        self.string_of(&part.encoding);
        self.octet(b' ');
        self.number(part.octets);
        match &part.kind {
            BodyKind::Basic { .. } => {}
            BodyKind::Text { lines, .. } => {
                self.octet(b' ');
                self.number(*lines);
            }
            BodyKind::Message { envelope, body, lines, .. } => {
                self.octet(b' ');
                self.envelope(envelope);
                self.octet(b' ');
                self.body(body, extensions);
                self.octet(b' ');
                self.number(*lines);
            }
        }
        if let Some(extension) = part.extension.as_ref().filter(|_| extensions == Extensions::Written) {
            self.octet(b' ');
            self.nstring(&extension.md5);
            self.extension_tail(extension.disposition.as_ref(), &extension.language, &extension.location);
        }
    }

    fn extension_tail(
        &mut self,
        disposition: Option<&Disposition>,
        language: &[AString],
        location: &NString,
    ) {
        self.octet(b' ');
        match disposition {
            None => self.text("NIL"),
            Some(disposition) => {
                self.octet(b'(');
                self.string_of(&disposition.kind);
                self.octet(b' ');
                self.parameters(&disposition.parameters);
                self.octet(b')');
            }
        }
        self.octet(b' ');
        match language {
            [] => self.text("NIL"),
            [only] => self.string_of(only),
            several => self.list(several, Self::string_of),
        }
        self.octet(b' ');
        self.nstring(location);
    }

    fn parameters(&mut self, parameters: &Parameters) {
        if parameters.is_empty() {
            return self.text("NIL");
        }
        self.list(parameters, |w, (name, value)| {
            w.string_of(name);
            w.octet(b' ');
            w.string_of(value);
        });
    }
}
