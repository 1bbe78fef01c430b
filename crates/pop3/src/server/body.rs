//! Writing a message: line ends made canonical, cut for TOP, dot-stuffed, in bounded memory (RFC 1939 3, 5, 7).
//!
//! POP3 carries lines and nothing else, so a CR or LF that stands alone in a stored message goes out as CR LF.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use memchr::{memchr, memchr2};
use posthaste_wire::{Answer, DotEncoder, Misuse, SendQueue, Ticket};

use super::machine::Phase;
use super::{Server, Text};
use crate::{Status, encode};

/// Writes a message. Dropped without [`finish`](Self::finish) it never sends the end: half a message cannot pass
/// for a whole one. The conversation stands still then until it times out; [`abort`](Self::abort) ends it.
#[derive(Debug)]
#[must_use = "the message is complete only when it is finished"]
pub struct BodyWriter {
    ticket: Ticket,
    lines: Lines,
    cut: Option<Cut>,
    dots: DotEncoder,
}

impl BodyWriter {
    pub(super) fn new(ticket: Ticket, cut: Option<Cut>) -> Self {
        Self { ticket, lines: Lines::default(), cut, dots: DotEncoder::new() }
    }

    /// Writes the next piece of the message as it is stored, cut anywhere.
    ///
    /// # Errors
    ///
    /// [`Misuse::Congested`] when as much waits to be sent as may: nothing was taken. [`Misuse::WrongConnection`]
    /// when the writer belongs to another server.
    pub fn write(&mut self, server: &mut Server, chunk: Bytes) -> Result<(), Misuse> {
        let Some(out) = server.body_out(&self.ticket)? else { return Ok(()) };
        let mut chunk = self.lines.canonical(chunk);
        if let Some(cut) = &mut self.cut {
            chunk.truncate(cut.keep(&chunk));
        }
        self.dots.encode(chunk, out);
        Ok(())
    }

    /// Whether nothing more of the message will be sent: TOP has its lines. Always false for RETR.
    pub fn is_satisfied(&self) -> bool {
        self.cut.as_ref().is_some_and(|cut| cut.done)
    }

    /// Ends the message.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`] when the writer belongs to another server.
    pub fn finish(mut self, server: &mut Server) -> Result<(), Misuse> {
        if let Answer::InTime = server.close_body(self.ticket)? {
            self.dots.finish(&mut server.out);
        }
        Ok(())
    }

    /// Gives up: the rest of the message cannot be read. The connection is closed, which is the only way to tell
    /// the client that the message is not complete.
    ///
    /// # Errors
    ///
    /// As [`finish`](Self::finish).
    pub fn abort(self, server: &mut Server) -> Result<(), Misuse> {
        if let Answer::InTime = server.close_body(self.ticket)? {
            server.close();
        }
        Ok(())
    }
}

impl Server {
    /// Announces a message, with its size where all of it is sent.
    pub(super) fn open_body(
        &mut self,
        ticket: Ticket,
        size: Option<u64>,
        cut: Option<Cut>,
    ) -> Result<BodyWriter, Misuse> {
        if let Answer::Late = self.tickets.check(&ticket)? {
            return Ok(BodyWriter::new(ticket, cut));
        }
        self.say_with(Status::Ok, |out| match size {
            Some(size) => {
                encode::append(out, format_args!(" {size}"));
                Some(Text::Octets)
            }
            None => Some(Text::TopFollows),
        });
        self.phase = Phase::Body;
        Ok(BodyWriter::new(self.tickets.issue(), cut))
    }

    /// Where a body goes; `None` when it comes too late.
    fn body_out(&mut self, ticket: &Ticket) -> Result<Option<&mut SendQueue>, Misuse> {
        match self.tickets.check(ticket)? {
            Answer::Late => Ok(None),
            Answer::InTime if self.out.is_congested() => {
                Err(Misuse::Congested { high_water: self.config.limits.send_high_water })
            }
            Answer::InTime => Ok(Some(&mut self.out)),
        }
    }

    fn close_body(&mut self, ticket: Ticket) -> Result<Answer, Misuse> {
        let answer = self.tickets.redeem(ticket)?;
        if answer == Answer::InTime {
            self.phase = Phase::Command;
        }
        Ok(answer)
    }
}

/// Makes every line end CR LF. Holds one bit: whether the last octet was a CR, whose LF has been written already.
#[derive(Debug, Default)]
struct Lines {
    after_cr: bool,
}

impl Lines {
    /// The piece with canonical line ends; not copied where it has them.
    fn canonical(&mut self, mut chunk: Bytes) -> Bytes {
        if self.after_cr && chunk.first() == Some(&b'\n') {
            chunk.advance(1);
            self.after_cr = false;
        }
        let Some(last) = chunk.last() else { return chunk };
        self.after_cr = *last == b'\r';
        if is_canonical(&chunk) {
            return chunk;
        }
        let mut lines =
            BytesMut::with_capacity(chunk.len().saturating_add(chunk.len() / 16).saturating_add(2));
        let mut rest: &[u8] = &chunk;
        while let Some(at) = memchr2(b'\r', b'\n', rest) {
            let (line, end) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            lines.put_slice(line);
            lines.put_slice(b"\r\n");
            rest = end.strip_prefix(b"\r\n").or(end.get(1..)).unwrap_or_default();
        }
        lines.put_slice(rest);
        lines.freeze()
    }
}

/// Whether every CR and LF is part of a CR LF. Looks at each octet once, without branches.
fn is_canonical(chunk: &[u8]) -> bool {
    let behind = chunk.get(1..).unwrap_or_default();
    let bare = |bare: bool, (first, second): (&u8, &u8)| bare | ((*first == b'\r') != (*second == b'\n'));
    chunk.first() != Some(&b'\n')
        && chunk.last() != Some(&b'\r')
        && !chunk.iter().zip(behind).fold(false, bare)
}

/// Where the top of a message ends: behind the empty line and so many lines.
#[derive(Debug)]
pub(super) struct Cut {
    lines: u32,
    in_header: bool,
    /// Nothing of the present line was seen but, possibly, its CR.
    empty: bool,
    done: bool,
}

impl Cut {
    pub(super) const fn new(lines: u32) -> Self {
        Self { lines, in_header: true, empty: true, done: false }
    }

    /// How many octets at the front of a canonical piece are wanted.
    fn keep(&mut self, chunk: &[u8]) -> usize {
        let mut kept = 0_usize;
        while !self.done {
            let rest = chunk.get(kept..).unwrap_or_default();
            let Some(at) = memchr(b'\n', rest) else {
                self.empty &= matches!(rest, [] | [b'\r']);
                return chunk.len();
            };
            self.empty &= at <= 1 && rest.first().is_some_and(|first| matches!(first, b'\r' | b'\n'));
            kept = kept.saturating_add(at).saturating_add(1);
            self.line_end();
        }
        kept
    }

    fn line_end(&mut self) {
        if !self.in_header {
            self.lines = self.lines.saturating_sub(1);
        } else if self.empty {
            self.in_header = false;
        }
        self.empty = true;
        self.done = !self.in_header && self.lines == 0;
    }
}
