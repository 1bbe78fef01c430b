//! Where a response ends (RFC 9051 4.3, 7): lines, literals inside them, and FETCH rows piece by piece.
//!
//! A status response or a continuation request ends at its line end: a text like `see {5}` announces nothing. In all
//! others a line that ends in `{n}` goes on behind n octets. Literals that are the payload of a FETCH item are
//! handed out as they come; all others are collected, under limits. What a response means is not decided here.

use crate::client::row::{Found, Row};
use crate::client::{ClientLimits, ProtocolError};
use crate::parse::fetch::{row_start, uid_row_start};
use crate::parse::{LiteralMarker, literal_marker};
use crate::types::{FetchItem, ParseContext, Payload, Repairs};
use bytes::{BufMut, Bytes, BytesMut};
use core::num::NonZeroU32;
use posthaste_wire::{Counted, Drained, Passage, ReceiveBuffer, Residue};

/// What the reader found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// Nothing yet.
    NeedInput,
    /// A complete response, the final CR LF left off.
    Response(Bytes),
    /// A FETCH row begins, of the message of this number.
    Row(NonZeroU32),
    /// A UIDFETCH row begins, of the message of this UID.
    UidRow(NonZeroU32),
    /// A complete item of the row.
    Item(FetchItem),
    /// A payload of the row begins.
    Literal { payload: Payload, length: u64 },
    /// Octets of the payload.
    Body(Bytes),
    /// The payload is complete.
    LiteralEnd,
    /// The row is complete.
    RowEnd,
}

/// The bounds that hold at the moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    line_max: usize,
    response_max: usize,
    literals_max: usize,
}

impl Bounds {
    /// The bounds after login.
    pub(crate) fn full(limits: &ClientLimits) -> Self {
        let ClientLimits { line_max, response_max, literals_max, .. } = *limits;
        Self { line_max, response_max, literals_max }
    }

    /// The bounds before login.
    pub(crate) fn preauth(limits: &ClientLimits) -> Self {
        let max = limits.response_preauth_max;
        Self {
            line_max: limits.line_max.min(max),
            response_max: limits.response_max.min(max),
            ..Self::full(limits)
        }
    }
}

/// Takes responses out of what came in.
///
/// Memory: one response, or one item of a row, up to its limit, and what was read and not yet taken.
#[derive(Debug)]
pub(crate) struct Reader {
    buffer: ReceiveBuffer,
    within: Within,
    literals: usize,
    /// How items of rows had to be repaired.
    repairs: Repairs,
}

/// ```text
///            literal                          row_start
///   Start ────────────► Text ◄──► Keep  Start ─────────► Row ◄──► KeepItem
///     ▲      last line   │                ▲      )        │ ▲
///     └──────────────────┘                └───────────────┘ └────► Stream
/// ```
#[derive(Debug)]
enum Within {
    /// Between responses.
    Start,
    /// In the text of a response that has a literal.
    Text(BytesMut),
    /// In a literal of a response.
    Keep(BytesMut, Counted),
    /// In the text of a row; whether the line it came in, which is whole, ends in the announcement of a literal.
    Row(Row, LineEnd),
    /// In a literal of an item that is kept.
    KeepItem(Row, Counted),
    /// In a payload.
    Stream(Row, Counted),
}

/// What stands at the end of the line that a row is being read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineEnd {
    /// The line is still to come.
    Awaited,
    /// The end of the response.
    Last,
    /// A literal of so many octets.
    Literal(u64),
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self { buffer: ReceiveBuffer::new(), within: Within::Start, literals: 0, repairs: Repairs::default() }
    }

    pub(crate) fn keep_record(&mut self) {
        self.buffer.keep_record();
    }

    pub(crate) fn take_record(&mut self) -> Option<Passage> {
        self.buffer.take_record()
    }

    pub(crate) fn push(&mut self, input: &[u8]) {
        self.buffer.push(input);
    }

    /// Forgets everything; nothing more will be read.
    pub(crate) fn clear(&mut self) {
        self.buffer.clear();
        self.within = Within::Start;
    }

    /// Whether a FETCH row has begun and is not complete.
    pub(crate) const fn is_within_row(&self) -> bool {
        matches!(self.within, Within::Row(..) | Within::KeepItem(..) | Within::Stream(..))
    }

    /// Whether a literal has begun and is not complete.
    pub(crate) const fn is_within_literal(&self) -> bool {
        matches!(self.within, Within::Keep(..) | Within::KeepItem(..) | Within::Stream(..))
    }

    pub(crate) const fn repairs(&self) -> Repairs {
        self.repairs
    }

    /// Takes what has come in and was not read.
    pub(crate) fn take_rest(&mut self) -> Bytes {
        self.buffer.take(usize::MAX)
    }

    pub(crate) fn drained(&self) -> Result<Drained, Residue> {
        self.buffer.drained()
    }

    /// Finds the next piece.
    pub(crate) fn next(&mut self, bounds: &Bounds, context: &ParseContext) -> Result<Read, ProtocolError> {
        loop {
            let within = core::mem::replace(&mut self.within, Within::Start);
            let (within, read) = match within {
                Within::Start => self.start(bounds)?,
                Within::Text(text) => self.text(text, bounds)?,
                Within::Keep(text, counted) => self.keep(text, counted),
                Within::Row(row, end) => self.row(row, end, bounds, context)?,
                Within::KeepItem(row, counted) => self.keep_item(row, counted),
                Within::Stream(row, counted) => self.stream(row, counted),
            };
            self.within = within;
            if let Some(read) = read {
                return Ok(read);
            }
        }
    }

    fn line(&mut self, bounds: &Bounds) -> Result<Option<Bytes>, ProtocolError> {
        self.buffer.line(bounds.line_max).map_err(|error| ProtocolError::LineTooLong { limit: error.limit })
    }

    fn start(&mut self, bounds: &Bounds) -> Result<(Within, Option<Read>), ProtocolError> {
        self.literals = 0;
        let Some(line) = self.line(bounds)? else { return Ok((Within::Start, Some(Read::NeedInput))) };
        if ends_in_text(&line) {
            return Ok((Within::Start, Some(Read::Response(line))));
        }
        let end = line_end(&line)?;
        if let Some((read, offset)) = row_of(&line) {
            let mut row = Row::new();
            row.text(line.slice(offset.min(line.len())..));
            return Ok((Within::Row(row, end), Some(read)));
        }
        match end {
            LineEnd::Literal(length) => {
                let mut text = BytesMut::from(line.as_ref());
                self.begin_literal(text.len(), length, bounds)?;
                text.put_slice(b"\r\n");
                Ok((Within::Keep(text, Counted::new(length)), None))
            }
            LineEnd::Last | LineEnd::Awaited => Ok((Within::Start, Some(Read::Response(line)))),
        }
    }

    fn text(&mut self, mut text: BytesMut, bounds: &Bounds) -> Result<(Within, Option<Read>), ProtocolError> {
        let Some(line) = self.line(bounds)? else { return Ok((Within::Text(text), Some(Read::NeedInput))) };
        check_length(text.len(), line.len(), bounds)?;
        text.put_slice(&line);
        match line_end(&line)? {
            LineEnd::Literal(length) => {
                self.begin_literal(text.len(), length, bounds)?;
                text.put_slice(b"\r\n");
                Ok((Within::Keep(text, Counted::new(length)), None))
            }
            LineEnd::Last | LineEnd::Awaited => Ok((Within::Start, Some(Read::Response(text.freeze())))),
        }
    }

    fn keep(&mut self, mut text: BytesMut, mut counted: Counted) -> (Within, Option<Read>) {
        text.put_slice(&counted.read(&mut self.buffer));
        if counted.is_done() {
            (Within::Text(text), None)
        } else {
            (Within::Keep(text, counted), Some(Read::NeedInput))
        }
    }

    fn row(
        &mut self,
        mut row: Row,
        end: LineEnd,
        bounds: &Bounds,
        context: &ParseContext,
    ) -> Result<(Within, Option<Read>), ProtocolError> {
        if end == LineEnd::Awaited {
            let Some(line) = self.line(bounds)? else {
                return Ok((Within::Row(row, end), Some(Read::NeedInput)));
            };
            check_length(row.len(), line.len(), bounds)?;
            let end = line_end(&line)?;
            row.text(line);
            return Ok((Within::Row(row, end), None));
        }
        match row.scan(context) {
            Found::Item(item, repairs) => {
                self.literals = 0;
                self.repairs = self.repairs.with(repairs);
                return Ok((Within::Row(row, end), Some(Read::Item(item))));
            }
            Found::End if end == LineEnd::Last => return Ok((Within::Start, Some(Read::RowEnd))),
            Found::End | Found::More => {}
        }
        let LineEnd::Literal(length) = end else {
            // The line is over and the row is not: what is left is one broken item.
            return Ok(match row.rest() {
                Some(item) => (Within::Row(Row::new(), end), Some(Read::Item(item))),
                None => (Within::Start, Some(Read::RowEnd)),
            });
        };
        if let Some(payload) = row.payload(context) {
            self.literals = 0;
            return Ok((Within::Stream(row, Counted::new(length)), Some(Read::Literal { payload, length })));
        }
        self.begin_literal(row.len(), length, bounds)?;
        row.literal_start();
        Ok((Within::KeepItem(row, Counted::new(length)), None))
    }

    fn keep_item(&mut self, mut row: Row, mut counted: Counted) -> (Within, Option<Read>) {
        row.octets(&counted.read(&mut self.buffer));
        if counted.is_done() {
            row.literal_end();
            (Within::Row(row, LineEnd::Awaited), None)
        } else {
            (Within::KeepItem(row, counted), Some(Read::NeedInput))
        }
    }

    fn stream(&mut self, row: Row, mut counted: Counted) -> (Within, Option<Read>) {
        if counted.is_done() {
            return (Within::Row(row, LineEnd::Awaited), Some(Read::LiteralEnd));
        }
        let chunk = counted.read(&mut self.buffer);
        let read = if chunk.is_empty() { Read::NeedInput } else { Read::Body(chunk) };
        (Within::Stream(row, counted), Some(read))
    }

    /// Checks that a literal may become part of what is held, before an octet of it is taken.
    fn begin_literal(&mut self, held: usize, length: u64, bounds: &Bounds) -> Result<(), ProtocolError> {
        self.literals = self.literals.saturating_add(1);
        if self.literals > bounds.literals_max {
            return Err(ProtocolError::TooManyLiterals { limit: bounds.literals_max });
        }
        check_length(held, usize::try_from(length).unwrap_or(usize::MAX), bounds)
    }
}

/// The row that `line` begins, and where its items do.
fn row_of(line: &Bytes) -> Option<(Read, usize)> {
    let row = row_start(line).and_then(|(number, at)| Some((Read::Row(NonZeroU32::new(number)?), at)));
    row.or_else(|| {
        let (uid, at) = uid_row_start(line)?;
        Some((Read::UidRow(NonZeroU32::new(uid)?), at))
    })
}

fn check_length(held: usize, more: usize, bounds: &Bounds) -> Result<(), ProtocolError> {
    if held.saturating_add(more) > bounds.response_max {
        return Err(ProtocolError::ResponseTooLong { limit: bounds.response_max });
    }
    Ok(())
}

fn line_end(line: &[u8]) -> Result<LineEnd, ProtocolError> {
    match literal_marker(line) {
        LiteralMarker::None => Ok(LineEnd::Last),
        LiteralMarker::Literal(header) => Ok(LineEnd::Literal(header.len)),
        LiteralMarker::Malformed => Err(ProtocolError::MalformedLiteral),
    }
}

/// Whether the line is a status response or a continuation request, which end in free text.
fn ends_in_text(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"*") else { return true };
    let rest = rest.trim_ascii_start();
    let end = rest.iter().position(|octet| !octet.is_ascii_alphabetic()).unwrap_or(rest.len());
    let word = rest.get(..end).unwrap_or_default();
    let conditions: [&[u8]; 5] = [b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"];
    rest.first() == Some(&b'[') || conditions.iter().any(|condition| word.eq_ignore_ascii_case(condition))
}

#[cfg(test)]
mod tests;
