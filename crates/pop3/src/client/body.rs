//! How a message is read: dot-stuffing removed, its end found, in bounded memory (RFC 1939 3).
//!
//! Tells where a server forgot to stuff. Lines that end with a bare LF are understood only where the quirk
//! [`LineEnds::BareLf`] says so.

use bytes::Bytes;
use memchr::memmem;
use posthaste_wire::{DotDecoder, ReceiveBuffer};

use super::machine::Reading;
use super::{Client, CommandId, Event, LineEnds};
use crate::{ProtocolError, Violation};

/// A message that is being read.
#[derive(Debug)]
pub(super) struct Body {
    id: CommandId,
    dots: Dots,
    length: u64,
}

#[derive(Debug)]
enum Dots {
    Strict(Strict),
    Loose(Loose),
}

impl Body {
    pub(super) fn new(id: CommandId, line_ends: LineEnds) -> Self {
        let dots = match line_ends {
            LineEnds::CrLf => Dots::Strict(Strict::new()),
            LineEnds::BareLf => Dots::Loose(Loose { line_start: true, unstuffed: false }),
        };
        Self { id, dots, length: 0 }
    }

    pub(super) const fn id(&self) -> CommandId {
        self.id
    }

    fn read(&mut self, input: &mut ReceiveBuffer) -> (Bytes, bool) {
        match &mut self.dots {
            Dots::Strict(dots) => dots.read(input),
            Dots::Loose(dots) => dots.read(input),
        }
    }

    const fn is_unstuffed(&self) -> bool {
        match &self.dots {
            Dots::Strict(dots) => dots.unstuffed,
            Dots::Loose(dots) => dots.unstuffed,
        }
    }
}

impl Client {
    pub(super) fn body(&mut self, mut body: Body) -> Option<Event> {
        let (chunk, end) = body.read(&mut self.input);
        body.length = body.length.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        let limit = self.config.limits.body_max;
        if body.length > limit {
            self.fail(ProtocolError::BodyTooLong { limit });
            return None;
        }
        let id = body.id;
        if end {
            self.reading = Reading::Ended(Event::BodyEnd { id });
            if body.is_unstuffed() {
                self.events.push_back(Event::Violation(Violation::UnstuffedDot));
            }
        } else {
            self.reading = Reading::Body(body);
        }
        if chunk.is_empty() {
            // Behind the end there is more to tell; before it there is more to wait for.
            return if end && self.events.is_empty() { self.read() } else { None };
        }
        Some(Event::Body { id, chunk })
    }
}

/// Lines end with CR LF.
#[derive(Debug)]
struct Strict {
    dots: DotDecoder,
    /// The last two octets of content; a message begins as if behind CR LF.
    before: [u8; 2],
    unstuffed: bool,
}

impl Strict {
    fn new() -> Self {
        Self { dots: DotDecoder::new(), before: *b"\r\n", unstuffed: false }
    }

    fn read(&mut self, input: &mut ReceiveBuffer) -> (Bytes, bool) {
        let waiting = input.len();
        let (chunk, end) = self.dots.read(input);
        let framing = if end { b".\r\n".len() } else { 0 };
        let dropped = waiting.saturating_sub(input.len()).saturating_sub(framing).saturating_sub(chunk.len());
        // Each dot that was dropped stood before another one, unless the server forgot to stuff.
        if dropped > 0 && self.dotted_lines(&chunk) < dropped {
            self.unstuffed = true;
        }
        self.before = match (self.before, chunk.as_ref()) {
            (before, []) => before,
            ([_, last], [only]) => [last, *only],
            (_, [.., one, two]) => [*one, *two],
        };
        (chunk, end)
    }

    /// How many lines of a chunk begin with a dot.
    fn dotted_lines(&self, chunk: &[u8]) -> usize {
        let first = match (self.before, chunk) {
            ([b'\r', b'\n'], [b'.', ..]) | ([_, b'\r'], [b'\n', b'.', ..]) => 1,
            _ => 0_usize,
        };
        first.saturating_add(memmem::find_iter(chunk, b"\r\n.").count())
    }
}

/// Lines end with LF, with a CR before it or not.
#[derive(Debug)]
struct Loose {
    line_start: bool,
    unstuffed: bool,
}

impl Loose {
    fn read(&mut self, input: &mut ReceiveBuffer) -> (Bytes, bool) {
        if self.line_start {
            match input.peek() {
                [] | [b'.'] | [b'.', b'\r'] => return (Bytes::new(), false),
                [b'.', b'\n', ..] => return self.end(input, 2),
                [b'.', b'\r', b'\n', ..] => return self.end(input, 3),
                [b'.', next, ..] => {
                    self.unstuffed |= *next != b'.';
                    input.take(1);
                }
                _ => {}
            }
            self.line_start = false;
        }
        let waiting = input.peek();
        let dotted = memmem::find(waiting, b"\n.").map(|at| at.saturating_add(1));
        let chunk = input.take(dotted.unwrap_or(waiting.len()));
        self.line_start = chunk.last() == Some(&b'\n');
        (chunk, false)
    }

    fn end(&mut self, input: &mut ReceiveBuffer, octets: usize) -> (Bytes, bool) {
        input.take(octets);
        self.line_start = true;
        (Bytes::new(), true)
    }
}
