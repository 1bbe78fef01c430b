//! Sections of a message (RFC 9051, section 9).

use super::writer::Writer;
use crate::types::{AString, PartPath, Partial, Section, SectionText};

impl Writer<'_> {
    /// `[..]`
    pub(super) fn section(&mut self, section: &Section) {
        self.octet(b'[');
        if let Some(part) = section.part() {
            self.part_path(part);
            if section.text().is_some() {
                self.octet(b'.');
            }
        }
        match section.text() {
            None => {}
            Some(SectionText::Header) => self.text("HEADER"),
            Some(SectionText::Text) => self.text("TEXT"),
            Some(SectionText::Mime) => self.text("MIME"),
            Some(SectionText::HeaderFields(names)) => self.header_fields("HEADER.FIELDS ", names),
            Some(SectionText::HeaderFieldsNot(names)) => self.header_fields("HEADER.FIELDS.NOT ", names),
        }
        self.octet(b']');
    }

    /// `[..]` with a part only.
    pub(super) fn section_binary(&mut self, part: Option<&PartPath>) {
        self.octet(b'[');
        if let Some(part) = part {
            self.part_path(part);
        }
        self.octet(b']');
    }

    pub(super) fn partial(&mut self, partial: Option<Partial>) {
        if let Some(partial) = partial {
            self.octet(b'<');
            self.number(partial.offset);
            self.octet(b'.');
            self.number(partial.count.get());
            self.octet(b'>');
        }
    }

    pub(super) fn origin(&mut self, origin: Option<u32>) {
        if let Some(origin) = origin {
            self.octet(b'<');
            self.number(origin);
            self.octet(b'>');
        }
    }

    fn part_path(&mut self, part: &PartPath) {
        for (index, number) in part.numbers().iter().enumerate() {
            if index > 0 {
                self.octet(b'.');
            }
            self.number(number.get());
        }
    }

    fn header_fields(&mut self, name: &str, fields: &[AString]) {
        self.text(name);
        self.list(fields, |w, field| w.astring(field.as_bytes()));
    }
}
