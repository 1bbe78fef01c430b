//! POP3 frames (RFC 1939 3, RFC 2449 4, RFC 5034 4).

use bytes::{Bytes, BytesMut};
use posthaste_pop3::{Command, Limits, ParseError, Reply, Secret, encode, parse};
use tokio_util::codec::Encoder;

use super::line::{Lines, begins_with, decoder, raw_encoder};
use super::{CodecError, FrameError, Malformed};

/// What a server reads and writes: commands in, first lines of answers out. The rows behind one are written as octets.
///
/// Bounds: `command_line_max` and `auth_line_max` of [`Limits`].
#[derive(Debug, Default)]
pub struct ServerCodec {
    lines: Lines,
    limits: Limits,
    line: bool,
}

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// A command, or a line that is none.
    Command(Result<Command, Malformed<ParseError>>),
    /// The line that [`ServerCodec::expect_line`] asked for, without its CR LF.
    Line(Bytes),
}

/// What a client reads and writes: answers in, commands out.
///
/// Bounds: `reply_line_max` of [`Limits`], which holds for the first line of an answer and for a challenge, and
/// [`with_row_max`](Self::with_row_max) for the lines behind it. How many there are is to be counted by whoever takes
/// them.
#[derive(Debug)]
pub struct ClientCodec {
    lines: Lines,
    limits: Limits,
    row_max: usize,
    rows: bool,
}

/// What a server sends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientFrame {
    /// The first line of an answer, often the only one.
    Reply(Reply),
    /// A SASL challenge.
    Challenge(Secret),
    /// A line behind the first one: of a listing or of a message, without its CR LF and without the dot that was put
    /// before it.
    Row(Bytes),
    /// The answer is complete.
    RowsEnd,
}

impl ServerCodec {
    /// A codec with these limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// The next frame is a line that is no command: the answer to a SASL challenge.
    pub fn expect_line(&mut self) {
        self.line = true;
    }

    const fn is_within(&self) -> bool {
        false
    }

    fn read(&mut self, input: &mut BytesMut) -> Result<Option<Received>, FrameError> {
        if self.line {
            let line = self.lines.strict(input, self.limits.auth_line_max)?;
            self.line = line.is_none();
            return Ok(line.map(|line| Received::Line(line.text)));
        }
        let auth = begins_with(input, b"AUTH ");
        let max = if auth { self.limits.auth_line_max } else { self.limits.command_line_max };
        Ok(self.lines.strict(input, max)?.map(|line| {
            let malformed = |error| Malformed { line: line.text.clone(), offset: line.offset, error };
            Received::Command(parse::command(&line.text).map_err(malformed))
        }))
    }
}

impl ClientCodec {
    /// A codec with these limits.
    pub fn new(limits: Limits) -> Self {
        Self { lines: Lines::default(), limits, row_max: ROW_MAX, rows: false }
    }

    /// Octets of a line behind the first one, its CR LF counted. 65,536: messages have lines over 998 octets.
    #[must_use]
    pub fn with_row_max(self, row_max: usize) -> Self {
        Self { row_max, ..self }
    }

    /// Rows follow, up to a line with a dot: a command that has them was answered with `+OK`.
    pub fn expect_rows(&mut self) {
        self.rows = true;
    }

    const fn is_within(&self) -> bool {
        self.rows
    }

    fn read(&mut self, input: &mut BytesMut) -> Result<Option<ClientFrame>, FrameError> {
        if self.rows {
            return Ok(self.lines.next(input, self.row_max)?.map(|line| {
                if line.text == b"."[..] {
                    self.rows = false;
                    return ClientFrame::RowsEnd;
                }
                let stuffed = usize::from(line.text.starts_with(b"."));
                ClientFrame::Row(line.text.slice(stuffed..))
            }));
        }
        let Some(line) = self.lines.strict(input, self.limits.reply_line_max)? else { return Ok(None) };
        let frame = match parse::challenge(&line.text) {
            Some(challenge) => challenge.map(ClientFrame::Challenge),
            None => parse::reply(&line.text).map(ClientFrame::Reply),
        };
        frame.map(Some).map_err(|error| FrameError::Syntax {
            offset: line.offset.saturating_add(u64::try_from(error.offset).unwrap_or(u64::MAX)),
            rule: error.rule,
        })
    }
}

impl Default for ClientCodec {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

const ROW_MAX: usize = 64 * 1024;

decoder!(ServerCodec, Received);
decoder!(ClientCodec, ClientFrame);
raw_encoder!(ServerCodec);
raw_encoder!(ClientCodec);

impl Encoder<Reply> for ServerCodec {
    type Error = CodecError;

    fn encode(&mut self, reply: Reply, out: &mut BytesMut) -> Result<(), CodecError> {
        encode::reply(&reply, out);
        Ok(())
    }
}

impl Encoder<Command> for ClientCodec {
    type Error = CodecError;

    fn encode(&mut self, command: Command, out: &mut BytesMut) -> Result<(), CodecError> {
        encode::command(&command, out);
        Ok(())
    }
}
