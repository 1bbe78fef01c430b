//! Body sections (RFC 9051, sections 6.4.5.1 and 9: `section`, `section-part`).

use crate::error::InvalidValue;
use crate::types::AString;
use alloc::vec::Vec;
use core::num::NonZeroU32;

/// `section-part = nz-number *("." nz-number)`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartPath(Vec<NonZeroU32>);

impl PartPath {
    /// The part reached by these numbers, outermost first.
    ///
    /// # Errors
    /// When there is no number.
    pub fn new(numbers: Vec<NonZeroU32>) -> Result<Self, InvalidValue> {
        if numbers.is_empty() { Err(InvalidValue::new("section-part")) } else { Ok(Self(numbers)) }
    }

    /// The numbers, outermost first; never empty.
    pub fn numbers(&self) -> &[NonZeroU32] {
        &self.0
    }
}

/// `section-spec`, what stands between the brackets of `BODY[..]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Section {
    part: Option<PartPath>,
    text: Option<SectionText>,
}

impl Section {
    /// `BODY[]`: the whole message.
    pub const fn whole() -> Self {
        Self { part: None, text: None }
    }

    /// The section of `part` (or of the message) that `text` selects (or all of it).
    ///
    /// # Errors
    /// When `MIME` is asked of the message itself, or a header list is empty.
    pub fn new(part: Option<PartPath>, text: Option<SectionText>) -> Result<Self, InvalidValue> {
        let valid = match &text {
            Some(SectionText::Mime) => part.is_some(),
            Some(SectionText::HeaderFields(names) | SectionText::HeaderFieldsNot(names)) => !names.is_empty(),
            Some(SectionText::Header | SectionText::Text) | None => true,
        };
        if valid { Ok(Self { part, text }) } else { Err(InvalidValue::new("section")) }
    }

    /// The part, `None` for the message itself.
    pub fn part(&self) -> Option<&PartPath> {
        self.part.as_ref()
    }

    /// What of the part, `None` for all of it.
    pub fn text(&self) -> Option<&SectionText> {
        self.text.as_ref()
    }
}

/// `section-text`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SectionText {
    /// `HEADER`: the header of a message, with the empty line.
    Header,
    /// `HEADER.FIELDS (..)`: those fields only.
    HeaderFields(Vec<AString>),
    /// `HEADER.FIELDS.NOT (..)`: all other fields.
    HeaderFieldsNot(Vec<AString>),
    /// `TEXT`: the body of a message.
    Text,
    /// `MIME`: the header of a part.
    Mime,
}
