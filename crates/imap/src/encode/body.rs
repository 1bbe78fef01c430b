//! BODYSTRUCTURE and BODY (RFC 9051, section 9). Keeps its own stack: a deep structure cannot exhaust the thread's.

use super::writer::Writer;
use crate::types::{AString, BodyKind, BodyPart, BodyStructure, Disposition, Multipart, NString, Parameters};
use alloc::vec::Vec;

/// Whether extension data is written, where a structure has it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Extensions {
    /// `BODYSTRUCTURE`
    Written,
    /// `BODY`
    LeftOut,
}

/// What is left to write.
enum Task<'a> {
    Body(&'a BodyStructure),
    /// What follows the parts of a multipart.
    MultipartEnd(&'a Multipart),
    /// What follows the body of an enclosed message.
    MessageEnd(&'a BodyPart, u64),
}

impl Writer<'_> {
    pub(super) fn body(&mut self, body: &BodyStructure, extensions: Extensions) {
        let mut tasks = alloc::vec![Task::Body(body)];
        while let Some(task) = tasks.pop() {
            match task {
                Task::Body(BodyStructure::Part(part)) => self.part(part, extensions, &mut tasks),
                Task::Body(BodyStructure::Multipart(multipart)) => {
                    self.octet(b'(');
                    tasks.push(Task::MultipartEnd(multipart));
                    tasks.extend(multipart.parts.iter().rev().map(Task::Body));
                }
                Task::MultipartEnd(multipart) => self.multipart_end(multipart, extensions),
                Task::MessageEnd(part, lines) => {
                    self.octet(b' ');
                    self.number(lines);
                    self.part_end(part, extensions);
                }
            }
        }
    }

    fn multipart_end(&mut self, multipart: &Multipart, extensions: Extensions) {
        self.octet(b' ');
        self.string_of(&multipart.subtype);
        if let Some(extension) = multipart.extension.as_ref().filter(|_| extensions == Extensions::Written) {
            self.octet(b' ');
            self.parameters(&extension.parameters);
            self.extension_tail(extension.disposition.as_ref(), &extension.language, &extension.location);
        }
        self.octet(b')');
    }

    fn part<'a>(&mut self, part: &'a BodyPart, extensions: Extensions, tasks: &mut Vec<Task<'a>>) {
        let (media_type, subtype) = match &part.kind {
            BodyKind::Basic { media_type, subtype } => (media_type.as_bytes(), subtype),
            BodyKind::Text { subtype, .. } => (&b"TEXT"[..], subtype),
            BodyKind::Message { subtype, .. } => (&b"MESSAGE"[..], subtype),
        };
        self.octet(b'(');
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
            BodyKind::Basic { .. } => self.part_end(part, extensions),
            BodyKind::Text { lines, .. } => {
                self.octet(b' ');
                self.number(*lines);
                self.part_end(part, extensions);
            }
            BodyKind::Message { envelope, body, lines, .. } => {
                self.octet(b' ');
                self.envelope(envelope);
                self.octet(b' ');
                tasks.extend([Task::MessageEnd(part, *lines), Task::Body(body)]);
            }
        }
    }

    fn part_end(&mut self, part: &BodyPart, extensions: Extensions) {
        if let Some(extension) = part.extension.as_ref().filter(|_| extensions == Extensions::Written) {
            self.octet(b' ');
            self.nstring(&extension.md5);
            self.extension_tail(extension.disposition.as_ref(), &extension.language, &extension.location);
        }
        self.octet(b')');
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
