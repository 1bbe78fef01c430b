//! The tree of parts of a message, as a flat list in the order of the message.
//!
//! What holds for every summary, scanned or restored: a child stands behind its parent in the list and lies inside
//! the body of its parent, with fewer octets than its parent; siblings do not overlap; a multipart has at least one
//! child, a message exactly one, a leaf none. So no walk goes in circles, and any walk ends.

use alloc::{boxed::Box, vec::Vec};

use bytes::Bytes;

use super::{
    content::{Disposition, Parameter},
    envelope::{self, Envelope},
    limits::Limits,
    overview::Overview,
    scan,
    token::Token,
};

/// What is known of one message.
///
/// It owns what it says, in one buffer, and nothing of the message. The strings are [`Bytes`](crate::Bytes): cloning
/// one, or turning envelope and structure into what a FETCH response has, copies no text; a clone keeps the whole
/// buffer alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub(super) octets: usize,
    pub(super) root: Part,
    /// The parts behind the root.
    pub(super) others: Vec<Part>,
    /// As it is stored.
    pub(super) overview: Bytes,
    /// UTF-8.
    pub(super) preview: Bytes,
}

impl Summary {
    /// Scans a message, within the default [`Limits`].
    pub fn scan(message: &[u8]) -> Self {
        Self::scan_within(message, &Limits::default())
    }

    /// Scans a message. Total, and linear in the octets of the message.
    pub fn scan_within(message: &[u8], limits: &Limits) -> Self {
        scan::scan(message, limits)
    }

    /// The octets of the message, `RFC822.SIZE`.
    pub fn octets(&self) -> usize {
        self.octets
    }

    /// The envelope of the message.
    pub fn envelope(&self) -> &Envelope {
        self.root.envelope.as_deref().unwrap_or(&envelope::NONE)
    }

    /// What SORT and THREAD compare. It is read when it is asked for.
    pub fn overview(&self) -> Overview<'_> {
        Overview::of_record(&self.overview)
    }

    /// `PREVIEW` (RFC 8970): the first 200 characters of what the author wrote, on one line; empty where there is
    /// nothing to show.
    ///
    /// ```
    /// use posthaste_imap::message::Summary;
    ///
    /// let message = b"Subject: x\r\n\r\nSure, at noon.\r\n\r\nOn Monday Joe wrote:\r\n> Lunch?\r\n-- \r\nJane\r\n";
    /// assert_eq!(Summary::scan(message).preview(), "Sure, at noon.");
    /// ```
    pub fn preview(&self) -> &str {
        core::str::from_utf8(&self.preview).unwrap_or_default()
    }

    /// The part that is the whole message.
    pub fn root(&self) -> &Part {
        &self.root
    }

    /// A part by its place in the list; the root is 0.
    pub fn part(&self, index: usize) -> Option<&Part> {
        match index.checked_sub(1) {
            None => Some(&self.root),
            Some(index) => self.others.get(index),
        }
    }

    /// All parts in the order of the message.
    pub fn parts(&self) -> Parts<'_> {
        Parts { summary: self, next: 0 }
    }

    /// The children of a part with their places in the list: the parts of a multipart, the content of a message.
    pub fn children(&self, index: usize) -> impl Iterator<Item = (usize, &Part)> {
        let mut next = self.part(index).and_then(|part| part.first_child);
        core::iter::from_fn(move || {
            let index = next?;
            let part = self.part(index)?;
            next = part.next_sibling;
            Some((index, part))
        })
    }
}

/// The parts of a [`Summary`], in the order of the message.
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    summary: &'a Summary,
    next: usize,
}

impl<'a> Iterator for Parts<'a> {
    type Item = &'a Part;

    fn next(&mut self) -> Option<&'a Part> {
        let part = self.summary.part(self.next)?;
        self.next = self.next.saturating_add(1);
        Some(part)
    }
}

/// One part: a header and a body, and what the header says about the body.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// What the part holds.
    pub kind: Kind,
    /// The place of the part around this one; `None` for the root.
    pub parent: Option<usize>,
    /// The place of the first part inside.
    pub first_child: Option<usize>,
    /// The place of the next part with the same parent.
    pub next_sibling: Option<usize>,
    /// Where the header is, its empty line included if it has one.
    pub header: Span,
    /// Where the body is. It follows the header at once; the line end before a delimiter is not in it.
    pub body: Span,
    /// Line ends in the body.
    pub lines: u64,
    /// The octets of the body without its transfer encoding, `BINARY.SIZE` (RFC 3516); `None` where the encoding is
    /// not known.
    pub decoded: Option<u64>,
    /// The media type in lower case, `text` for example.
    pub media_type: Token,
    /// The subtype in lower case.
    pub subtype: Token,
    /// The parameters of the media type. A `text/plain` always has a `charset`.
    pub parameters: Vec<Parameter>,
    /// The transfer encoding in lower case, `7bit` when nothing says it.
    pub encoding: Token,
    /// `Content-ID`.
    pub id: Option<Bytes>,
    /// `Content-Description`.
    pub description: Option<Bytes>,
    /// `Content-MD5`.
    pub md5: Option<Bytes>,
    /// `Content-Disposition`.
    pub disposition: Option<Disposition>,
    /// The tags of `Content-Language`.
    pub languages: Vec<Bytes>,
    /// `Content-Location`.
    pub location: Option<Bytes>,
    /// The envelope, if this is the root or the content of an enclosed message.
    pub envelope: Option<Box<Envelope>>,
}

impl Part {
    /// The header and the body.
    pub fn span(&self) -> Span {
        Span { start: self.header.start, end: self.body.end }
    }

    /// Whether this is text, whose lines `BODYSTRUCTURE` tells.
    pub fn is_text(&self) -> bool {
        self.media_type == "text"
    }
}

/// What a part holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Content that is not looked into.
    Leaf,
    /// One or more parts.
    Multipart,
    /// One part that is a message of its own, with an envelope: `message/rfc822` or `message/global`.
    Message,
}

/// Octets of a message, from `start` up to and without `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The offset of the first octet.
    pub start: usize,
    /// The offset behind the last octet.
    pub end: usize,
}

impl Span {
    /// How many octets.
    pub fn len(self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// These octets of the message. Nothing when the message has not got them.
    pub fn of(self, message: &[u8]) -> &[u8] {
        message.get(self.start..self.end).unwrap_or_default()
    }

    /// Whether all of `inner` is in here.
    pub fn contains(self, inner: Self) -> bool {
        self.start <= inner.start && inner.start <= inner.end && inner.end <= self.end
    }

    /// The `<offset.count>` octets of this span (RFC 9051 6.4.5): empty when the offset is behind the end.
    #[must_use]
    pub fn partial(self, offset: u64, count: u64) -> Self {
        let start = self.start.saturating_add(usize::try_from(offset).unwrap_or(usize::MAX)).min(self.end);
        let end = start.saturating_add(usize::try_from(count).unwrap_or(usize::MAX)).min(self.end);
        Self { start, end }
    }
}
