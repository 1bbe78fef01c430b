//! Which octets a section is (RFC 9051 6.4.5.1, the same in RFC 3501 6.4.5).
//!
//! A path leads from the message through its parts. Behind the number of a part that is a message the path goes on
//! inside that message; a message that is no multipart has one part, 1, its body. What does not exist is `None`.

use alloc::{borrow::Cow, vec::Vec};

use super::{
    field::{Fields, empty_line},
    summary::{Kind, Part, Span, Summary},
    transfer::{LineEnds, TransferDecoder, TransferEncoding},
};
use crate::types::{AString, PartPath, Section, SectionText};

/// Where a section is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Located<'a> {
    /// These octets of the message.
    Octets(Span),
    /// Some fields of a header, see [`chosen_fields`].
    Fields {
        /// Where the header is.
        header: Span,
        /// The names that were given.
        names: &'a [AString],
        /// Which fields are meant.
        choice: FieldChoice,
    },
}

/// Where the content of a part is, and how it is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The octets of the message that are read.
    pub span: Span,
    /// How they are written; `None` where that is not known, for which the answer is NO with UNKNOWN-CTE.
    pub encoding: Option<TransferEncoding>,
    /// What becomes of its line ends: those of text are CRLF (RFC 9051 7.5.2).
    pub line_ends: LineEnds,
    /// How many octets come out; `None` with the encoding.
    pub octets: Option<u64>,
}

impl Decoded {
    /// Decodes the octets of `span`, in pieces of any size; `None` with the encoding.
    pub fn decoder(&self) -> Option<TransferDecoder> {
        Some(TransferDecoder::new(self.encoding?).with_line_ends(self.line_ends))
    }
}

/// Which fields a list of names means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldChoice {
    /// `HEADER.FIELDS`.
    Named,
    /// `HEADER.FIELDS.NOT`.
    Others,
}

impl Summary {
    /// Finds a section without the message: only the octets it names have to be read then.
    ///
    /// `None` when there is no such part, or no such text of it.
    pub fn locate<'a>(&self, section: &'a Section) -> Option<Located<'a>> {
        let place = follow(self, section.part())?;
        // `HEADER` and `TEXT` are of a message; `MIME` is of a part that has a number.
        let message = match place {
            Place::Message(root) => Some(root),
            Place::Part(part) if part.kind == Kind::Message => self.part(part.first_child?),
            Place::Part(_) => None,
        };
        let fields = |names, choice| Some(Located::Fields { header: message?.header, names, choice });
        match (section.text(), place) {
            (None, Place::Message(root)) => Some(Located::Octets(root.span())),
            (None, Place::Part(part)) => Some(Located::Octets(part.body)),
            (Some(SectionText::Header), _) => Some(Located::Octets(message?.header)),
            (Some(SectionText::HeaderFields(names)), _) => fields(names, FieldChoice::Named),
            (Some(SectionText::HeaderFieldsNot(names)), _) => fields(names, FieldChoice::Others),
            (Some(SectionText::Text), _) => Some(Located::Octets(message?.body)),
            (Some(SectionText::Mime), Place::Message(_)) => None,
            (Some(SectionText::Mime), Place::Part(part)) => Some(Located::Octets(part.header)),
        }
    }

    /// Finds the content of a part for `BINARY` and `BINARY.SIZE` (RFC 3516, RFC 9051 6.4.5). Without a path it is the
    /// whole message, as it is.
    ///
    /// `None` when there is no such part.
    pub fn locate_decoded(&self, path: Option<&PartPath>) -> Option<Decoded> {
        Some(match follow(self, path)? {
            Place::Message(root) => {
                let span = root.span();
                Decoded {
                    span,
                    encoding: Some(TransferEncoding::Identity),
                    line_ends: LineEnds::Kept,
                    octets: u64::try_from(span.len()).ok(),
                }
            }
            Place::Part(part) => {
                let encoding = match part.kind {
                    Kind::Leaf => part.transfer_encoding(),
                    Kind::Multipart | Kind::Message => Some(TransferEncoding::Identity),
                };
                Decoded { span: part.body, encoding, line_ends: part.line_ends(), octets: part.decoded }
            }
        })
    }

    /// The octets of a section, borrowed from the message unless they are a choice of fields. They may hold NUL, as
    /// the message may.
    ///
    /// `None` when there is no such part, or no such text of it.
    pub fn section<'m>(&self, section: &Section, message: &'m [u8]) -> Option<Cow<'m, [u8]>> {
        Some(match self.locate(section)? {
            Located::Octets(span) => Cow::Borrowed(span.of(message)),
            Located::Fields { header, names, choice } => {
                Cow::Owned(chosen_fields(header.of(message), names, choice))
            }
        })
    }
}

/// The fields of `header` that are chosen, and its empty line if it has one (RFC 9051 6.4.5.1).
///
/// A line that is no field is among the others, so that for each list of names both choices make up the header.
pub fn chosen_fields(header: &[u8], names: &[AString], choice: FieldChoice) -> Vec<u8> {
    let mut chosen = Vec::with_capacity(header.len());
    let mut fields = Fields::of(header);
    for field in &mut fields {
        let named = names.iter().any(|name| field.is(name.as_bytes()));
        if named == (choice == FieldChoice::Named) {
            chosen.extend_from_slice(field.raw);
        }
    }
    let rest = fields.rest();
    chosen.extend_from_slice(empty_line(rest).and_then(|len| rest.get(..len)).unwrap_or_default());
    chosen
}

/// The `<offset.count>` octets of a content (RFC 9051 6.4.5): fewer, or none, when it ends before.
pub fn partial(content: &[u8], offset: u64, count: u64) -> &[u8] {
    Span { start: 0, end: content.len() }.partial(offset, count).of(content)
}

/// Where a path leads.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// To a message: this is its root.
    Message(&'a Part),
    /// To a part with a number.
    Part(&'a Part),
}

fn follow<'a>(summary: &'a Summary, path: Option<&PartPath>) -> Option<Place<'a>> {
    let mut place = Place::Message(summary.root());
    for number in path.map(PartPath::numbers).unwrap_or_default() {
        place = Place::Part(step(summary, place, number.get())?);
    }
    Some(place)
}

fn step<'a>(summary: &'a Summary, place: Place<'a>, number: u32) -> Option<&'a Part> {
    // The numbers behind that of a message are those of the message inside.
    let place = match place {
        Place::Part(part) if part.kind == Kind::Message => Place::Message(summary.part(part.first_child?)?),
        place => place,
    };
    let before = number.checked_sub(1)?;
    match place {
        Place::Message(part) | Place::Part(part) if part.kind == Kind::Multipart => {
            let mut child = summary.part(part.first_child?)?;
            for _ in 0..before {
                child = summary.part(child.next_sibling?)?;
            }
            Some(child)
        }
        // The one part of a message that is no multipart.
        Place::Message(part) if before == 0 => Some(part),
        _ => None,
    }
}
