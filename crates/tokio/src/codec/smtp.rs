//! SMTP and LMTP frames (RFC 5321 4.1.1, 4.2, 4.5.2; RFC 3030 for octets that are counted).

use bytes::{Bytes, BytesMut};
use posthaste_smtp::{Command, Limits, ParseError, Reply, ReplyReader};
use tokio_util::codec::Encoder;

use super::line::{Lines, begins_with, decoder, raw_encoder};
use super::{CodecError, FrameError, Malformed};

/// What a server reads and writes: commands in, replies out.
///
/// Bounds: `command_line_max` and `auth_line_max` of [`Limits`], and
/// [`with_content_line_max`](Self::with_content_line_max). How long a message may be is to be counted by whoever takes
/// it.
#[derive(Debug)]
pub struct ServerCodec {
    lines: Lines,
    limits: Limits,
    content_line_max: usize,
    expected: Expected,
}

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// A command, or a line that is none.
    Command(Result<Command, Malformed<ParseError>>),
    /// The line that [`ServerCodec::expect_line`] asked for, without its CR LF.
    Line(Bytes),
    /// Part of a message: behind DATA a line with its CR LF and without the dot that was put before it, behind BDAT
    /// whatever has come.
    Content(Bytes),
    /// The message, or the octets of BDAT, are complete.
    ContentEnd,
}

#[derive(Clone, Copy, Debug, Default)]
enum Expected {
    #[default]
    Command,
    Line,
    Lines,
    Octets(u64),
}

/// What a client reads and writes: replies in, commands out.
///
/// Bounds: `reply_line_max` of [`Limits`] and 100 lines for a reply.
#[derive(Debug, Default)]
pub struct ClientCodec {
    lines: Lines,
    limits: Limits,
    reader: ReplyReader,
}

impl ServerCodec {
    /// A codec with these limits.
    pub fn new(limits: Limits) -> Self {
        let expected = Expected::default();
        Self { lines: Lines::default(), limits, content_line_max: CONTENT_LINE_MAX, expected }
    }

    /// Octets of a line of a message behind DATA, its CR LF counted. 65,536: there are messages with lines over the
    /// 1,000 of RFC 5321 4.5.3.1.6.
    #[must_use]
    pub fn with_content_line_max(self, content_line_max: usize) -> Self {
        Self { content_line_max, ..self }
    }

    /// The next frame is a line that is no command: the answer to a SASL challenge (RFC 4954 4).
    pub fn expect_line(&mut self) {
        self.expected = Expected::Line;
    }

    /// A message follows, up to a line with a dot: DATA was answered with 354.
    pub fn expect_message(&mut self) {
        self.expected = Expected::Lines;
    }

    /// So many octets follow: those of a BDAT, also one that is going to be refused (RFC 3030 4.2).
    pub fn expect_octets(&mut self, octets: u64) {
        self.expected = Expected::Octets(octets);
    }

    fn is_within(&self) -> bool {
        matches!(self.expected, Expected::Lines | Expected::Octets(_))
    }

    fn read(&mut self, input: &mut BytesMut) -> Result<Option<Received>, FrameError> {
        match self.expected {
            Expected::Command => {
                let auth = begins_with(input, b"AUTH ");
                let max = if auth { self.limits.auth_line_max } else { self.limits.command_line_max };
                Ok(self.lines.strict(input, max)?.map(|line| {
                    let command = Command::parse(line.text.clone());
                    let malformed = |error| Malformed { line: line.text, offset: line.offset, error };
                    Received::Command(command.map_err(malformed))
                }))
            }
            Expected::Line => Ok(self.lines.strict(input, self.limits.auth_line_max)?.map(|line| {
                self.expected = Expected::Command;
                Received::Line(line.text)
            })),
            Expected::Lines => self.content(input),
            Expected::Octets(0) => {
                self.expected = Expected::Command;
                Ok(Some(Received::ContentEnd))
            }
            Expected::Octets(due) => Ok(self.lines.octets(input, due).map(|octets| {
                let length = u64::try_from(octets.len()).unwrap_or(u64::MAX);
                self.expected = Expected::Octets(due.saturating_sub(length));
                Received::Content(octets)
            })),
        }
    }

    /// A line of a message. That only CR LF ends a line is what keeps a message from ending early.
    fn content(&mut self, input: &mut BytesMut) -> Result<Option<Received>, FrameError> {
        let Some(line) = self.lines.next(input, self.content_line_max)? else { return Ok(None) };
        if line.text == b"."[..] {
            self.expected = Expected::Command;
            return Ok(Some(Received::ContentEnd));
        }
        let text = line.text.strip_prefix(b".").unwrap_or(&line.text);
        let mut content = BytesMut::with_capacity(text.len().saturating_add(2));
        content.extend_from_slice(text);
        content.extend_from_slice(b"\r\n");
        Ok(Some(Received::Content(content.freeze())))
    }
}

impl ClientCodec {
    /// A codec with these limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    fn is_within(&self) -> bool {
        self.reader.is_midway()
    }

    fn read(&mut self, input: &mut BytesMut) -> Result<Option<Reply>, FrameError> {
        while let Some(line) = self.lines.strict(input, self.limits.reply_line_max)? {
            let reply = self.reader.line(&line.text).map_err(|error| FrameError::Syntax {
                offset: line.offset.saturating_add(u64::try_from(error.offset).unwrap_or(u64::MAX)),
                rule: error.rule,
            })?;
            if let Some(reply) = reply {
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }
}

impl Default for ServerCodec {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

const CONTENT_LINE_MAX: usize = 64 * 1024;

decoder!(ServerCodec, Received);
decoder!(ClientCodec, Reply);
raw_encoder!(ServerCodec);
raw_encoder!(ClientCodec);

impl Encoder<Reply> for ServerCodec {
    type Error = CodecError;

    fn encode(&mut self, reply: Reply, out: &mut BytesMut) -> Result<(), CodecError> {
        reply.encode(out);
        Ok(())
    }
}

impl Encoder<Command> for ClientCodec {
    type Error = CodecError;

    fn encode(&mut self, command: Command, out: &mut BytesMut) -> Result<(), CodecError> {
        command.encode(out);
        Ok(())
    }
}
