//! Finds the parts of a message (RFC 2046 5.1, 5.2.1) in one pass over its octets.
//!
//! There is no recursion: the parts that are open form a stack of at most [`Limits::depth_max`]. Each line
//! that begins with `--` is compared with the boundaries on it, the innermost first; everything else is skipped with
//! a substring search.
//!
//! ```text
//!            ┌────────── message: content ─────────┐
//!            ▼                                     │
//!  open ─► header ── empty line ─► kind ── leaf, multipart ─► seek ── delimiter ─► close inner parts, open
//!            │                                                 │ ▲
//!            └── delimiter ─► close                            │ └─ close-delimiter: close inner parts
//!                                                              └── end of the message: close all
//! ```

use alloc::{boxed::Box, vec::Vec};

use bytes::Bytes;
use memchr::{memchr_iter, memmem};

use super::transfer::TransferDecoder;
use super::{
    content::{Content, Unlabelled},
    envelope::{self, Envelope},
    field::{empty_line, line_len},
    limits::Limits,
    overview::Overview,
    summary::{Kind, Part, Span, Summary},
};
use crate::preview::preview;

pub(super) fn scan(message: &[u8], limits: &Limits) -> Summary {
    scan_apart(message, limits).gathered()
}

/// The summary in many small pieces.
fn scan_apart(message: &[u8], limits: &Limits) -> Summary {
    let mut scanner = Scanner { message, limits, parts: Vec::new(), open: Vec::new(), at: 0, lines: 0 };
    scanner.run();
    let mut parts = scanner.parts.into_iter();
    // The root is always opened.
    let root = parts.next().unwrap_or_else(|| new_part(Content::opaque(), Span::default(), None));
    let readable = root.header.of(message);
    let readable = readable.get(..limits.header_max).unwrap_or(readable);
    let overview = Overview::read(readable, root.envelope.as_deref().unwrap_or(&envelope::NONE), limits);
    let others = parts.collect();
    let overview = overview.to_record();
    let mut summary = Summary { octets: message.len(), root, others, overview, preview: Bytes::new() };
    summary.preview = preview(&summary, message).into();
    summary
}

struct Scanner<'a> {
    message: &'a [u8],
    limits: &'a Limits,
    parts: Vec<Part>,
    open: Vec<Level>,
    /// The start of a line, or the end of the message.
    at: usize,
    /// Line ends before `at`.
    lines: u64,
}

/// A part that has begun and not ended.
struct Level {
    index: usize,
    /// The boundary of a multipart whose close-delimiter has not been seen.
    boundary: Option<Vec<u8>>,
    digest: bool,
    last_child: Option<usize>,
    /// Line ends before the body.
    lines_before: u64,
    /// No part ends before the parts inside it.
    end_min: usize,
}

/// A line that ends one part or more.
struct Delimiter {
    /// The place of its multipart in the stack.
    level: usize,
    closes: bool,
    start: usize,
    /// The start of the next line.
    next: usize,
}

/// What ended a header.
enum HeaderEnd {
    /// Its empty line.
    EmptyLine,
    Delimiter(Delimiter),
    Message,
}

impl Scanner<'_> {
    fn run(&mut self) {
        let mut unlabelled = Unlabelled::Text;
        let mut starts_message = true;
        loop {
            let ended = match self.open_part(unlabelled, starts_message) {
                HeaderEnd::EmptyLine => None,
                HeaderEnd::Delimiter(delimiter) => Some(delimiter),
                HeaderEnd::Message => break,
            };
            if ended.is_none() && self.open_kind() == Kind::Message {
                (unlabelled, starts_message) = (Unlabelled::Text, true);
                continue;
            }
            let Some(next) = self.next_part(ended) else { break };
            (unlabelled, starts_message) = (next, false);
            if self.parts.len().saturating_add(1) >= self.limits.parts_max {
                self.open_rest();
                break;
            }
        }
        self.advance_to(self.message.len());
        self.close_above(0, self.message.len());
    }

    /// Begins a part: reads its header and decides what it is.
    fn open_part(&mut self, unlabelled: Unlabelled, starts_message: bool) -> HeaderEnd {
        let start = self.at;
        let ended = self.skip_header();
        // The header ends where the delimiter begins: its last line keeps its line end.
        let header = Span { start, end: self.at };
        let readable = Span { start, end: header.end.min(start.saturating_add(self.limits.header_max)) };
        let fields = readable.of(self.message);
        let mut content = Content::read(fields, unlabelled, self.limits);
        let has_body = matches!(ended, HeaderEnd::EmptyLine);
        let (kind, boundary) = self.decide(&mut content, header, has_body);
        let digest = content.subtype == "digest";
        let mut part = new_part(content, header, self.open.last().map(|level| level.index));
        part.kind = kind;
        if starts_message {
            part.envelope = Some(Box::new(Envelope::read(fields, self.limits)));
        }
        self.push(part, boundary, digest);
        if kind == Kind::Message && !has_body {
            // The message inside is there, and empty.
            let mut inner = new_part(
                Content::read(&[], Unlabelled::Text, self.limits),
                Span { start: header.end, end: header.end },
                self.open.last().map(|level| level.index),
            );
            inner.envelope = Some(Box::default());
            self.push(inner, None, false);
        }
        ended
    }

    /// Whether a part is a container, and may be one. Changes the type of one that may not.
    fn decide(&self, content: &mut Content, header: Span, has_body: bool) -> (Kind, Option<Vec<u8>>) {
        if !content.is_multipart() && !content.is_message() {
            return (Kind::Leaf, None);
        }
        // Two places for the content of a message: it may itself be cut short by the last part.
        let places = self.parts.len().saturating_add(if content.is_message() { 2 } else { 1 });
        let level_inside = self.open.len().saturating_add(1);
        if level_inside >= self.limits.depth_max || places >= self.limits.parts_max.max(1) {
            content.become_opaque();
            return (Kind::Leaf, None);
        }
        if content.is_message() {
            if header.is_empty() {
                // Without any octet nothing can be strictly inside.
                content.become_text();
                return (Kind::Leaf, None);
            }
            if !content.is_identity_encoded() {
                content.become_opaque();
                return (Kind::Leaf, None);
            }
            return (Kind::Message, None);
        }
        let boundary = content.parameter("boundary");
        let boundary = boundary.as_deref().map(<[u8]>::trim_ascii_end);
        match boundary {
            Some(boundary)
                if has_body && !boundary.is_empty() && boundary.len() <= self.limits.boundary_max =>
            {
                (Kind::Multipart, Some(boundary.to_vec()))
            }
            _ => {
                content.become_text();
                (Kind::Leaf, None)
            }
        }
    }

    /// Moves behind the header at the front: behind its empty line, or to the delimiter that ends it.
    fn skip_header(&mut self) -> HeaderEnd {
        loop {
            let rest = self.message.get(self.at..).unwrap_or_default();
            if rest.is_empty() {
                return HeaderEnd::Message;
            }
            if let Some(len) = empty_line(rest) {
                self.step(len);
                return HeaderEnd::EmptyLine;
            }
            if rest.starts_with(b"--") {
                if let Some(delimiter) = self.delimiter_at(self.at) {
                    return HeaderEnd::Delimiter(delimiter);
                }
            }
            self.step(line_len(rest));
        }
    }

    /// Finds the next part of a multipart, and closes what ends before it.
    fn next_part(&mut self, found: Option<Delimiter>) -> Option<Unlabelled> {
        let mut found = found;
        loop {
            let Delimiter { level, closes, start, next } = found.take().or_else(|| self.seek())?;
            self.advance_to(start);
            self.close_above(level.saturating_add(1), start);
            self.advance_to(next);
            let open = self.open.last_mut()?;
            if !closes {
                return Some(if open.digest { Unlabelled::Message } else { Unlabelled::Text });
            }
            // What follows up to the next delimiter of a multipart around this one is epilogue.
            open.boundary = None;
        }
    }

    /// The next delimiter line, here or further on.
    fn seek(&self) -> Option<Delimiter> {
        if self.open.iter().all(|level| level.boundary.is_none()) {
            return None;
        }
        let rest = self.message.get(self.at..)?;
        if rest.starts_with(b"--") {
            if let Some(delimiter) = self.delimiter_at(self.at) {
                return Some(delimiter);
            }
        }
        memmem::find_iter(rest, b"\n--").find_map(|offset| {
            // Behind the LF.
            self.delimiter_at(self.at.saturating_add(offset).saturating_add(1))
        })
    }

    /// The delimiter that the line at `start`, which begins with `--`, is.
    fn delimiter_at(&self, start: usize) -> Option<Delimiter> {
        let rest = self.message.get(start..)?;
        let len = line_len(rest);
        let line = rest.get(..len)?.trim_ascii_end();
        // "--" and nothing else, or "--" that is also the end mark, is no delimiter: boundaries are not empty.
        let name = line.strip_prefix(b"--")?;
        let closed = name.strip_suffix(b"--");
        self.open.iter().enumerate().rev().find_map(|(level, open)| {
            let boundary = open.boundary.as_deref()?;
            let closes = if boundary == name {
                false
            } else if Some(boundary) == closed {
                true
            } else {
                return None;
            };
            Some(Delimiter { level, closes, start, next: start.saturating_add(len) })
        })
    }

    /// Ends all parts above a height of the stack, before the delimiter at `start` or at the end of the message.
    fn close_above(&mut self, height: usize, start: usize) {
        let before = self.message.get(..start).unwrap_or_default();
        // The line end before a delimiter belongs to it (RFC 2046 5.1.1).
        let content_end = if height == 0 { start } else { without_line_end(before).len() };
        while self.open.len() > height {
            let Some(level) = self.open.pop() else { return };
            let Some(part) = self.parts.get_mut(level.index) else { return };
            let end = content_end.max(part.header.end).max(level.end_min);
            part.body = Span { start: part.header.end, end };
            let ends_short = u64::from(end < start);
            part.lines = self.lines.saturating_sub(ends_short).saturating_sub(level.lines_before);
            if part.kind == Kind::Multipart && part.first_child.is_none() {
                part.kind = Kind::Leaf;
                become_text(part);
            }
            part.decoded = decoded_len(part, self.message);
            if let Some(parent) = self.open.last_mut() {
                parent.end_min = parent.end_min.max(end);
            }
        }
    }

    /// Makes the rest of the message one part that is not looked into.
    fn open_rest(&mut self) {
        let header = Span { start: self.at, end: self.at };
        let parent = self.open.last().map(|level| level.index);
        self.push(new_part(Content::opaque(), header, parent), None, false);
        self.advance_to(self.message.len());
    }

    fn push(&mut self, part: Part, boundary: Option<Vec<u8>>, digest: bool) {
        let index = self.parts.len();
        let end_min = part.header.end;
        self.parts.push(part);
        if let Some(parent) = self.open.last_mut() {
            let link = match parent.last_child.replace(index) {
                None => self.parts.get_mut(parent.index).map(|part| &mut part.first_child),
                Some(sibling) => self.parts.get_mut(sibling).map(|part| &mut part.next_sibling),
            };
            if let Some(link) = link {
                *link = Some(index);
            }
        }
        let lines_before = self.lines;
        self.open.push(Level { index, boundary, digest, last_child: None, lines_before, end_min });
    }

    fn open_kind(&self) -> Kind {
        self.open.last().and_then(|level| self.parts.get(level.index)).map_or(Kind::Leaf, |part| part.kind)
    }

    fn step(&mut self, octets: usize) {
        self.advance_to(self.at.saturating_add(octets));
    }

    /// Moves forward and counts the lines.
    fn advance_to(&mut self, to: usize) {
        let passed = self.message.get(self.at..to).unwrap_or_default();
        let lines = memchr_iter(b'\n', passed).count();
        self.lines = self.lines.saturating_add(u64::try_from(lines).unwrap_or(u64::MAX));
        self.at = to.max(self.at);
    }
}

fn new_part(content: Content, header: Span, parent: Option<usize>) -> Part {
    let Content {
        media_type,
        subtype,
        parameters,
        encoding,
        id,
        description,
        md5,
        disposition,
        languages,
        location,
    } = content;
    Part {
        kind: Kind::Leaf,
        parent,
        first_child: None,
        next_sibling: None,
        header,
        body: Span { start: header.end, end: header.end },
        lines: 0,
        decoded: Some(0),
        media_type,
        subtype,
        parameters,
        encoding,
        id,
        description,
        md5,
        disposition,
        languages,
        location,
        envelope: None,
    }
}

/// Only what is not looked into can be encoded.
fn decoded_len(part: &Part, message: &[u8]) -> Option<u64> {
    let length = match part.kind {
        Kind::Leaf => {
            let decoder = TransferDecoder::new(part.transfer_encoding()?);
            decoder.with_line_ends(part.line_ends()).count(part.body.of(message))
        }
        Kind::Multipart | Kind::Message => part.body.len(),
    };
    u64::try_from(length).ok()
}

/// Turns a multipart without parts into text.
fn become_text(part: &mut Part) {
    let mut content = Content::opaque();
    content.become_text();
    part.media_type = content.media_type;
    part.subtype = content.subtype;
    part.parameters = content.parameters;
}

fn without_line_end(octets: &[u8]) -> &[u8] {
    let Some(before) = octets.strip_suffix(b"\n") else { return octets };
    before.strip_suffix(b"\r").unwrap_or(before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn assert_gathered(message: &[u8]) {
        let limits = Limits::default();
        assert_eq!(scan_apart(message, &limits), scan(message, &limits));
    }

    #[test]
    fn what_is_gathered_is_what_was_found() {
        assert_gathered(b"");
        assert_gathered(
            b"Date: 1 Jan 2026 00:00:00 +0000\r\nSubject: s\r\nFrom: N <@r:f@x>\r\nSender: s@x\r\nReply-To: r@x\r\n\
            To: g: t@x;\r\nCc: c@x\r\nBcc: b@x\r\nIn-Reply-To: <i@x>\r\nMessage-ID: <m@x>\r\nReferences: <p@x>\r\n\
            Content-Type: multipart/mixed; boundary=b\r\nContent-Language: en, de\r\n\r\n--b\r\n\
            Content-Type: image/png; name=n\r\nContent-ID: <c@x>\r\nContent-Description: d\r\n\
            Content-MD5: Q2hlY2s=\r\nContent-Disposition: attachment; filename=f\r\nContent-Location: l\r\n\
            Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b\r\n\r\nHello\r\n--b\r\n\
            Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nText\r\n--b--\r\n",
        );
    }

    proptest! {
        #[test]
        fn whatever_is_found_is_gathered(
            lines in prop::collection::vec(
                prop_oneof![
                    "(Subject|From|To|Sender|Content-(Type|Disposition|ID|Language)): [ -~\u{e9}]{0,30}",
                    "Content-Type: multipart/mixed; boundary=b",
                    "Content-Type: message/rfc822",
                    "--b(--)?",
                    "",
                ],
                0..30,
            ),
            end in "(\r\n|\n)",
        ) {
            assert_gathered(lines.join(&end).as_bytes());
        }
    }
}
