//! Which octets a section is (RFC 9051 6.4.5.1, the same in RFC 3501 6.4.5).
//!
//! A path leads from the message through its parts. Behind the number of a part that is a message the path goes on
//! inside that message; a message that is no multipart has one part, 1, its body. What does not exist is `None`.

use alloc::{borrow::Cow, vec::Vec};

use super::{
    field::{Fields, empty_line},
    summary::{Kind, Part, Span, Summary},
};

/// The section of `BODY[section]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section<'a> {
    /// The numbers of parts, from 1. Empty for the message itself.
    pub path: &'a [u32],
    /// What of the part.
    pub text: SectionText<'a>,
}

/// What of a part a section means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionText<'a> {
    /// Nothing said: the message with its header, or the body of a part.
    Whole,
    /// `HEADER`, of the message or of a part that is a message.
    Header,
    /// `HEADER.FIELDS`: the fields with one of these names.
    HeaderFields(&'a [&'a [u8]]),
    /// `HEADER.FIELDS.NOT`: all other fields.
    HeaderFieldsNot(&'a [&'a [u8]]),
    /// `TEXT`: the body of the message or of a part that is a message.
    Text,
    /// `MIME`: the header of a part. Of the message itself there is none.
    Mime,
}

/// Where a section is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Located<'a> {
    /// These octets of the message.
    Octets(Span),
    /// Some fields of the header at `header`: those with one of the names, or those with none of them.
    Fields {
        /// Where the header is.
        header: Span,
        /// The names that were given.
        names: &'a [&'a [u8]],
        /// Which fields are meant.
        choice: FieldChoice,
    },
}

/// Which fields a list of names means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldChoice {
    /// `HEADER.FIELDS`.
    Named,
    /// `HEADER.FIELDS.NOT`.
    Others,
}

impl<'a> Section<'a> {
    /// Finds the section without the message: only the octets it names have to be read then.
    ///
    /// `None` when there is no such part, or no such text of it.
    pub fn locate(&self, summary: &Summary) -> Option<Located<'a>> {
        let place = follow(summary, self.path)?;
        // `HEADER` and `TEXT` are of a message; `MIME` is of a part that has a number.
        let message = match place {
            Place::Message(root) => Some(root),
            Place::Part(part) if part.kind == Kind::Message => summary.part(part.first_child?),
            Place::Part(_) => None,
        };
        Some(match self.text {
            SectionText::Whole => Located::Octets(match place {
                Place::Message(root) => root.span(),
                Place::Part(part) => part.body,
            }),
            SectionText::Header => Located::Octets(message?.header),
            SectionText::HeaderFields(names) => {
                Located::Fields { header: message?.header, names, choice: FieldChoice::Named }
            }
            SectionText::HeaderFieldsNot(names) => {
                Located::Fields { header: message?.header, names, choice: FieldChoice::Others }
            }
            SectionText::Text => Located::Octets(message?.body),
            SectionText::Mime => match place {
                Place::Message(_) => return None,
                Place::Part(part) => Located::Octets(part.header),
            },
        })
    }

    /// The octets of the section, borrowed from the message unless they are a choice of fields.
    pub fn resolve<'m>(&self, summary: &Summary, message: &'m [u8]) -> Option<Cow<'m, [u8]>> {
        Some(match self.locate(summary)? {
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
pub fn chosen_fields(header: &[u8], names: &[&[u8]], choice: FieldChoice) -> Vec<u8> {
    let mut chosen = Vec::new();
    let mut fields = Fields::of(header);
    for field in &mut fields {
        let named = names.iter().any(|name| field.is(name));
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

fn follow<'a>(summary: &'a Summary, path: &[u32]) -> Option<Place<'a>> {
    let mut place = Place::Message(summary.root());
    for number in path {
        place = Place::Part(step(summary, place, *number)?);
    }
    Some(place)
}

/// Each step but the first into a message without parts leads deeper: a path is never followed longer than that.
fn step<'a>(summary: &'a Summary, place: Place<'a>, number: u32) -> Option<&'a Part> {
    let around = match place {
        Place::Part(part) if part.kind == Kind::Message => {
            return step(summary, Place::Message(summary.part(part.first_child?)?), number);
        }
        Place::Message(part) | Place::Part(part) => part,
    };
    let before = usize::try_from(number.checked_sub(1)?).ok()?;
    if around.kind == Kind::Multipart {
        let mut child = summary.part(around.first_child?)?;
        for _ in 0..before {
            child = summary.part(child.next_sibling?)?;
        }
        return Some(child);
    }
    // The one part of a message that is no multipart.
    match place {
        Place::Message(part) if before == 0 => Some(part),
        _ => None,
    }
}
