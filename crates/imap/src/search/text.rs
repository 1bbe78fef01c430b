//! Strings in headers and bodies (RFC 9051 6.4.4): compared by `i;unicode-casemap`, over what a reader sees.
//!
//! Fields are decoded (RFC 2047). A body is its text parts, with transfer encoding and charset undone, and the
//! headers of enclosed messages; HTML is searched as it is written. Bodies come in pieces, in bounded memory: a piece
//! decoded, and one octet less than the needle.

use alloc::string::String;
use alloc::vec::Vec;

use memchr::memmem;

use crate::casemap::{casemap, casemap_into};
use crate::charset::{TextDecoder, decode_words};
use crate::message::{Fields, Kind, Part, Span, Summary, TransferDecoder, TransferEncoding};

/// A string to look for, made ready for comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needle(String);

impl Needle {
    /// Looks for `text`.
    pub fn new(text: &str) -> Self {
        Self(casemap(text))
    }

    /// Whether it stands in `text`.
    pub fn is_in(&self, text: &str) -> bool {
        self.0.is_empty() || self.is_in_mapped(&casemap(text))
    }

    /// Whether it stands in text that [`casemap`] has made ready.
    pub fn is_in_mapped(&self, mapped: &str) -> bool {
        memmem::find(mapped.as_bytes(), self.0.as_bytes()).is_some()
    }

    /// Where it stands in mapped texts that stand in one row: the offsets of its occurrences, ascending, of those that
    /// overlap the first. An empty one stands nowhere.
    pub fn places_in(&self, mapped: &[u8]) -> impl Iterator<Item = usize> {
        let needle = Some(self.0.as_bytes()).filter(|needle| !needle.is_empty());
        needle.into_iter().flat_map(move |needle| memmem::find_iter(mapped, needle))
    }

    /// Octets of it, in the form in which it is compared.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is empty, and so in every text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether a field of `header` called `name` holds `needle`. An empty name stands for every field, and its name is
/// searched too (`TEXT`).
pub fn field_contains(header: &[u8], name: &str, needle: &Needle) -> bool {
    let mut fields = Fields::of(header);
    if !name.is_empty() {
        return fields.any(|field| field.is(name.as_bytes()) && value_contains(field.value, needle));
    }
    needle.is_empty()
        || fields.any(|field| {
            let mut line = String::from_utf8_lossy(field.name).into_owned();
            line.push_str(": ");
            line.push_str(&decode_words(field.value));
            needle.is_in(&line)
        })
}

/// Whether the text of one value of a header holds `needle`: of a field, or of what an envelope has of it.
pub fn value_contains(value: &[u8], needle: &Needle) -> bool {
    needle.is_in(&decode_words(value))
}

/// The text of one value of a header in the form in which it is compared, for [`Needle::is_in_mapped`]. There is no
/// CR, LF or NUL in it.
///
/// ```
/// use posthaste_imap::search::mapped_value;
///
/// assert_eq!(mapped_value(b"=?utf-8?q?na=C3=AFve?= idea"), "NAI\u{308}VE IDEA");
/// ```
pub fn mapped_value(value: &[u8]) -> String {
    casemap(&decode_words(value))
}

/// Looks for a string in text that comes in pieces.
#[derive(Clone, Debug)]
pub struct TextSearch<'a> {
    needle: &'a Needle,
    /// The end of what was mapped, in which the needle may begin.
    tail: String,
    found: bool,
}

impl<'a> TextSearch<'a> {
    /// Looks for `needle`.
    pub fn new(needle: &'a Needle) -> Self {
        Self { needle, tail: String::new(), found: needle.is_empty() }
    }

    /// Looks at the next piece; whether the needle has been found.
    pub fn push(&mut self, text: &str) -> bool {
        if self.found {
            return true;
        }
        casemap_into(text, &mut self.tail);
        self.found = self.needle.is_in_mapped(&self.tail);
        let kept = self.needle.0.len().saturating_sub(1);
        let mut cut = self.tail.len().saturating_sub(kept);
        while !self.tail.is_char_boundary(cut) {
            cut = cut.saturating_sub(1);
        }
        self.tail.drain(..cut);
        self.found
    }

    /// Whether it has been found.
    pub fn is_found(&self) -> bool {
        self.found
    }
}

/// Looks for a string in the body of a message that comes in pieces, from its first octet on.
///
/// ```
/// use posthaste_imap::message::Summary;
/// use posthaste_imap::search::{BodySearch, Needle};
///
/// let message = b"Content-Transfer-Encoding: base64\r\n\r\naGVsbG8gd29ybGQ=\r\n";
/// let (summary, needle) = (Summary::scan(message), Needle::new("LO WO"));
/// let mut search = BodySearch::new(&summary, &needle);
/// let found = message.chunks(7).any(|piece| search.push(piece)) || search.finish();
/// assert!(found);
/// ```
#[derive(Debug)]
pub struct BodySearch<'a> {
    needle: &'a Needle,
    /// What is still to be looked at, the first one last.
    regions: Vec<Region<'a>>,
    /// The offset of the next piece.
    at: usize,
    open: Option<Open<'a>>,
    found: bool,
}

#[derive(Debug)]
struct Region<'a> {
    span: Span,
    /// The text part; `None` for the header of an enclosed message.
    part: Option<&'a Part>,
}

/// A region that has begun.
#[derive(Debug)]
enum Open<'a> {
    Header(Vec<u8>),
    Text { transfer: TransferDecoder, decoder: TextDecoder, search: TextSearch<'a> },
}

impl<'a> BodySearch<'a> {
    /// Looks for `needle` in the message that `summary` is of.
    pub fn new(summary: &'a Summary, needle: &'a Needle) -> Self {
        let mut regions: Vec<Region<'a>> = Vec::new();
        for (at, part) in summary.parts().enumerate() {
            if at > 0 && part.envelope.is_some() {
                regions.push(Region { span: part.header, part: None });
            }
            if part.kind == Kind::Leaf && part.is_text() {
                regions.push(Region { span: part.body, part: Some(part) });
            }
        }
        regions.reverse();
        Self { needle, regions, at: 0, open: None, found: needle.is_empty() }
    }

    /// Looks for it in a message that is in memory.
    pub fn run(summary: &Summary, message: &[u8], needle: &Needle) -> bool {
        let mut search = BodySearch::new(summary, needle);
        let _ = message.chunks(PIECE).any(|piece| search.push(piece));
        search.finish()
    }

    /// Looks at the next octets of the message; whether the needle has been found, which ends the search.
    pub fn push(&mut self, octets: &[u8]) -> bool {
        let start = self.at;
        self.at = start.saturating_add(octets.len());
        while !self.found {
            let Some(region) = self.regions.last() else { break };
            if region.span.start >= self.at {
                break;
            }
            let from = region.span.start.saturating_sub(start);
            let to = region.span.end.min(self.at).saturating_sub(start);
            let piece = octets.get(from..to).unwrap_or_default();
            let ends = region.span.end <= self.at;
            let part = region.part;
            let open = self.open.get_or_insert_with(|| Open::new(part, self.needle));
            self.found = open.push(piece, self.needle);
            if !ends {
                break;
            }
            self.close();
        }
        self.found
    }

    /// The message has ended; whether the needle is in it.
    pub fn finish(mut self) -> bool {
        self.close();
        self.found
    }

    fn close(&mut self) {
        self.regions.pop();
        if let Some(open) = self.open.take() {
            self.found = self.found || open.finish(self.needle);
        }
    }
}

impl<'a> Open<'a> {
    fn new(part: Option<&Part>, needle: &'a Needle) -> Self {
        let Some(part) = part else { return Self::Header(Vec::new()) };
        // What is written in an unknown way is searched as it is written.
        let encoding = part.transfer_encoding().unwrap_or(TransferEncoding::Identity);
        Self::Text {
            transfer: TransferDecoder::new(encoding),
            decoder: part.text_decoder(),
            search: TextSearch::new(needle),
        }
    }

    fn push(&mut self, octets: &[u8], needle: &Needle) -> bool {
        match self {
            Self::Header(header) => {
                let room = HEADER_MAX.saturating_sub(header.len());
                header.extend_from_slice(octets.get(..room).unwrap_or(octets));
                false
            }
            Self::Text { transfer, decoder, search } => {
                if needle.is_empty() {
                    return true;
                }
                let (mut decoded, mut text) = (Vec::new(), String::new());
                transfer.push(octets, &mut decoded);
                decoder.push(&decoded, &mut text);
                search.push(&text)
            }
        }
    }

    fn finish(self, needle: &Needle) -> bool {
        match self {
            Self::Header(header) => field_contains(&header, "", needle),
            Self::Text { transfer, mut decoder, mut search } => {
                let (mut decoded, mut text) = (Vec::new(), String::new());
                transfer.finish(&mut decoded);
                decoder.push(&decoded, &mut text);
                decoder.finish(&mut text);
                search.push(&text)
            }
        }
    }
}

impl Part {
    /// A decoder for the text of this part, by its `charset`.
    pub fn text_decoder(&self) -> TextDecoder {
        let charset = self.parameters.iter().find(|parameter| parameter.name == "charset");
        TextDecoder::named(charset.map(|charset| &*charset.value))
    }
}

/// Octets of a message that are decoded at once.
const PIECE: usize = 16 * 1024;
/// Octets of the header of an enclosed message that are searched.
const HEADER_MAX: usize = 1024 * 1024;
