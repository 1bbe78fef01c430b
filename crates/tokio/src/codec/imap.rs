//! IMAP frames: logical lines with their literals (RFC 9051 4.3, RFC 7888), and messages that stream.

use bytes::{Bytes, BytesMut};
use posthaste_imap::ParseError;
use posthaste_imap::encode::{self, EncodeContext, Fragment};
use posthaste_imap::parse::{self, LiteralMarker, literal_marker};
use posthaste_imap::types::{Command, LiteralHeader, ParseContext, Parsed, Response, TaggedCommand};
use tokio_util::codec::Encoder;

use super::line::{Line, Lines, decoder, raw_encoder};
use super::{CodecError, FrameError, Malformed};

/// The bounds of frames. Start from a constructor and change fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameLimits {
    /// Octets of one line between literals, its CR LF counted. Server 64 KiB, client 1 MiB.
    pub line_max: usize,
    /// Octets of one literal that is part of a frame. Server 128 KiB, client 64 MiB.
    pub literal_max: u64,
    /// Literals in one frame. Server 1,000, client 100,000.
    pub literals_max: usize,
    /// Octets of one frame with its literals. Server 1 MiB, client 64 MiB.
    pub frame_max: usize,
    /// Octets of one message of APPEND or REPLACE, which is not part of a frame. 50 MiB; not used by a client.
    pub message_max: u64,
}

/// What a server reads and writes: commands in, responses out.
///
/// Memory: one frame up to [`FrameLimits::frame_max`].
#[derive(Debug)]
pub struct ServerCodec {
    lines: Lines,
    frame: Collected,
    limits: FrameLimits,
    context: ParseContext,
    expected: Expected,
}

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// A command, or a frame that is none; [`parse::tag`] finds the tag of one that is none.
    ///
    /// APPEND and REPLACE come when their message is announced: [`Content`](Self::Content) follows, and
    /// [`Rest`](Self::Rest). Where the header of that literal is a synchronising one, the client waits for `+`, or for
    /// a tagged answer after [`ServerCodec::refuse_literal`].
    Command(Result<TaggedCommand, Malformed<ParseError>>),
    /// The client waits for `+` before it sends this literal; or for a tagged answer after
    /// [`ServerCodec::refuse_literal`].
    Wait(LiteralHeader),
    /// A literal over a limit was announced, and the client waits: the frame so far, which is over, for the tagged `NO`.
    /// Where the client did not wait, this is [`FrameError::LiteralTooLong`] (RFC 7888 4).
    TooLong(Bytes),
    /// The line that [`ServerCodec::expect_line`] asked for, without its CR LF.
    Line(Bytes),
    /// Octets of a message.
    Content(Bytes),
    /// What follows a message, without its CR LF, for [`parse::append::next`]: empty when the command is complete. Where it
    /// ends in the header of a literal, the octets of that come next as content; where that is a synchronising one, the
    /// client waits for `+`.
    Rest(Bytes),
}

/// What a client reads and writes: responses in, pieces of commands out.
///
/// A command is sent as the [`Fragment`]s that [`encode::command()`] makes of it, in order: at
/// [`Fragment::SyncPoint`] the sink is flushed and [`Response::Continue`] is awaited.
///
/// Memory: one frame up to [`FrameLimits::frame_max`].
#[derive(Debug)]
pub struct ClientCodec {
    lines: Lines,
    frame: Collected,
    limits: FrameLimits,
    context: ParseContext,
    due: Option<u64>,
}

/// A response with all its literals, or a frame that is none.
pub type ReadResponse = Result<Parsed, Malformed<ParseError>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// Text of a frame.
    Text,
    /// Octets of a literal that belongs into the frame.
    Literal(u64),
    /// Octets of a message.
    Message(u64),
    /// Text behind a message.
    Rest,
    /// A line that is no command.
    Line,
}

/// A frame, as far as it has come.
#[derive(Debug, Default)]
struct Collected {
    octets: BytesMut,
    literals: usize,
    /// Where it begins.
    offset: u64,
}

impl FrameLimits {
    /// For a server.
    pub const fn server() -> Self {
        Self {
            line_max: 64 * 1024,
            literal_max: 128 * 1024,
            literals_max: 1_000,
            frame_max: 1024 * 1024,
            message_max: 50 * 1024 * 1024,
        }
    }

    /// For a client.
    pub const fn client() -> Self {
        Self {
            line_max: 1024 * 1024,
            literal_max: 64 * 1024 * 1024,
            literals_max: 100_000,
            frame_max: 64 * 1024 * 1024,
            message_max: 0,
        }
    }
}

impl ServerCodec {
    /// A codec with these limits, and what the grammar must know of the session.
    pub fn new(limits: FrameLimits, context: ParseContext) -> Self {
        Self {
            lines: Lines::default(),
            frame: Collected::default(),
            limits,
            context,
            expected: Expected::Text,
        }
    }

    /// What the grammar must know of the session: to be changed when the client enables UTF-8.
    pub const fn context(&mut self) -> &mut ParseContext {
        &mut self.context
    }

    /// The next frame is a line that is no command: the answer to a SASL challenge, or DONE.
    pub fn expect_line(&mut self) {
        self.expected = Expected::Line;
    }

    /// The client hears a tagged answer in place of the `+` it waits for: the frame is over, and the next octets are
    /// a command. Only for a literal that is a synchronising one and of which nothing has been read.
    pub fn refuse_literal(&mut self) {
        self.frame.reset();
        self.expected = Expected::Text;
    }

    fn is_within(&self) -> bool {
        !matches!(self.expected, Expected::Text | Expected::Line) || !self.frame.octets.is_empty()
    }

    fn read(&mut self, input: &mut BytesMut) -> Result<Option<Received>, FrameError> {
        loop {
            match self.expected {
                Expected::Line => {
                    let Some(line) = self.lines.strict(input, self.limits.line_max)? else { return Ok(None) };
                    self.expected = Expected::Text;
                    return Ok(Some(Received::Line(line.text)));
                }
                Expected::Text => {
                    let Some(line) = self.lines.strict(input, self.limits.line_max)? else { return Ok(None) };
                    if let Some(received) = self.text(&line)? {
                        return Ok(Some(received));
                    }
                }
                Expected::Literal(0) => self.expected = Expected::Text,
                Expected::Literal(due) => {
                    let Some(octets) = self.lines.octets(input, due) else { return Ok(None) };
                    self.frame.octets.extend_from_slice(&octets);
                    self.expected = Expected::Literal(due.saturating_sub(length(&octets)));
                }
                Expected::Message(0) => self.expected = Expected::Rest,
                Expected::Message(due) => {
                    let Some(octets) = self.lines.octets(input, due) else { return Ok(None) };
                    self.expected = Expected::Message(due.saturating_sub(length(&octets)));
                    return Ok(Some(Received::Content(octets)));
                }
                Expected::Rest => {
                    let Some(line) = self.lines.strict(input, self.limits.line_max)? else { return Ok(None) };
                    return self.rest(line).map(Some);
                }
            }
        }
    }

    /// A piece of text of a command.
    fn text(&mut self, line: &Line) -> Result<Option<Received>, FrameError> {
        self.frame.text(line, &self.limits)?;
        let header = match literal_marker(&line.text) {
            LiteralMarker::None => {
                let (frame, offset) = self.frame.complete();
                let command = parse::command(&frame, &self.context);
                let malformed = |error| Malformed { line: frame, offset, error };
                return Ok(Some(Received::Command(command.map_err(malformed))));
            }
            LiteralMarker::Malformed => return Err(FrameError::Braces { offset: line.offset }),
            LiteralMarker::Literal(header) => header,
        };
        let message = self.announced_message();
        let limit = match message {
            Some(_) => self.limits.message_max,
            None => self.frame.room(line, &self.limits)?,
        };
        if header.len > limit {
            return match header.synchronising {
                true => Ok(Some(Received::TooLong(self.frame.complete().0))),
                false => Err(FrameError::LiteralTooLong { offset: line.offset, octets: header.len, limit }),
            };
        }
        if let Some(command) = message {
            self.frame.reset();
            self.expected = Expected::Message(header.len);
            return Ok(Some(Received::Command(Ok(command))));
        }
        self.frame.literal();
        self.expected = Expected::Literal(header.len);
        Ok(header.synchronising.then_some(Received::Wait(header)))
    }

    /// The command, if it is one whose message the frame so far announces. Only the mailbox may be a literal before
    /// that, so that a frame with many is not read again for each.
    fn announced_message(&self) -> Option<TaggedCommand> {
        if self.frame.literals > 1 {
            return None;
        }
        let so_far = Bytes::copy_from_slice(&self.frame.octets);
        let command = parse::command(&so_far, &self.context).ok()?;
        matches!(command.command, Command::Append(..) | Command::Replace(..)).then_some(command)
    }

    /// What follows a message.
    fn rest(&mut self, line: Line) -> Result<Received, FrameError> {
        self.expected = match literal_marker(&line.text) {
            LiteralMarker::None => Expected::Text,
            LiteralMarker::Malformed => return Err(FrameError::Braces { offset: line.offset }),
            LiteralMarker::Literal(header) if header.len > self.limits.message_max => {
                if !header.synchronising {
                    let limit = self.limits.message_max;
                    return Err(FrameError::LiteralTooLong {
                        offset: line.offset,
                        octets: header.len,
                        limit,
                    });
                }
                self.expected = Expected::Text;
                return Ok(Received::TooLong(line.text));
            }
            LiteralMarker::Literal(header) => Expected::Message(header.len),
        };
        Ok(Received::Rest(line.text))
    }
}

impl ClientCodec {
    /// A codec with these limits, and what the grammar must know of the session.
    pub fn new(limits: FrameLimits, context: ParseContext) -> Self {
        Self { lines: Lines::default(), frame: Collected::default(), limits, context, due: None }
    }

    /// What the grammar must know of the session: to be changed when UTF-8 is enabled.
    pub const fn context(&mut self) -> &mut ParseContext {
        &mut self.context
    }

    fn is_within(&self) -> bool {
        self.due.is_some() || !self.frame.octets.is_empty()
    }

    fn read(&mut self, input: &mut BytesMut) -> Result<Option<ReadResponse>, FrameError> {
        loop {
            if let Some(due) = self.due.filter(|due| *due > 0) {
                let Some(octets) = self.lines.octets(input, due) else { return Ok(None) };
                self.frame.octets.extend_from_slice(&octets);
                self.due = Some(due.saturating_sub(length(&octets)));
                continue;
            }
            let Some(line) = self.lines.strict(input, self.limits.line_max)? else { return Ok(None) };
            self.due = None;
            let free_text = self.frame.octets.is_empty() && ends_in_text(&line.text);
            self.frame.text(&line, &self.limits)?;
            match literal_marker(&line.text) {
                LiteralMarker::Literal(header) if !free_text => {
                    let limit = self.frame.room(&line, &self.limits)?;
                    if header.len > limit {
                        let octets = header.len;
                        return Err(FrameError::LiteralTooLong { offset: line.offset, octets, limit });
                    }
                    self.frame.literal();
                    self.due = Some(header.len);
                }
                LiteralMarker::Malformed if !free_text => {
                    return Err(FrameError::Braces { offset: line.offset });
                }
                _ => {
                    let (frame, offset) = self.frame.complete();
                    let response = parse::response(&frame, &self.context);
                    let malformed = |error| Malformed { line: frame, offset, error };
                    return Ok(Some(response.map_err(malformed)));
                }
            }
        }
    }
}

impl Default for ServerCodec {
    fn default() -> Self {
        Self::new(FrameLimits::server(), ParseContext::server())
    }
}

impl Default for ClientCodec {
    fn default() -> Self {
        Self::new(FrameLimits::client(), ParseContext::client())
    }
}

impl Collected {
    /// Appends text, without its CR LF.
    fn text(&mut self, line: &Line, limits: &FrameLimits) -> Result<(), FrameError> {
        if self.octets.is_empty() {
            self.offset = line.offset;
        }
        if self.octets.len().saturating_add(line.text.len()) > limits.frame_max {
            return Err(FrameError::FrameTooLong { offset: line.offset, limit: limits.frame_max });
        }
        self.octets.extend_from_slice(&line.text);
        Ok(())
    }

    /// The CR LF between the header of a literal and its octets.
    fn literal(&mut self) {
        self.literals = self.literals.saturating_add(1);
        self.octets.extend_from_slice(b"\r\n");
    }

    /// How many octets another literal may have.
    fn room(&self, line: &Line, limits: &FrameLimits) -> Result<u64, FrameError> {
        if self.literals >= limits.literals_max {
            return Err(FrameError::TooManyLiterals { offset: line.offset, limit: limits.literals_max });
        }
        let room = limits.frame_max.saturating_sub(self.octets.len()).saturating_sub(2);
        Ok(limits.literal_max.min(u64::try_from(room).unwrap_or(u64::MAX)))
    }

    fn complete(&mut self) -> (Bytes, u64) {
        self.literals = 0;
        (self.octets.split().freeze(), self.offset)
    }

    fn reset(&mut self) {
        self.octets.clear();
        self.literals = 0;
    }
}

/// Whether a response ends in text for people, in which braces announce nothing: tagged ones, continuation requests,
/// and untagged OK, NO, BAD, BYE and PREAUTH.
fn ends_in_text(line: &[u8]) -> bool {
    let Some(data) = line.strip_prefix(b"* ") else { return true };
    let word = data.split(|octet| *octet == b' ').next().unwrap_or_default();
    ["OK", "NO", "BAD", "BYE", "PREAUTH"].iter().any(|it| word.eq_ignore_ascii_case(it.as_bytes()))
}

fn length(octets: &[u8]) -> u64 {
    u64::try_from(octets.len()).unwrap_or(u64::MAX)
}

decoder!(ServerCodec, Received);
decoder!(ClientCodec, ReadResponse);
raw_encoder!(ServerCodec);
raw_encoder!(ClientCodec);

impl Encoder<Response> for ServerCodec {
    type Error = CodecError;

    fn encode(&mut self, response: Response, out: &mut BytesMut) -> Result<(), CodecError> {
        let context = EncodeContext { utf8: self.context.utf8, ..EncodeContext::default() };
        encode::response(out, &response, context);
        Ok(())
    }
}

/// Writes a piece of a command. [`Fragment::SyncPoint`] writes nothing: waiting is for whoever sends.
impl Encoder<Fragment> for ClientCodec {
    type Error = CodecError;

    fn encode(&mut self, fragment: Fragment, out: &mut BytesMut) -> Result<(), CodecError> {
        if let Fragment::Bytes(octets) = fragment {
            out.extend_from_slice(&octets);
        }
        Ok(())
    }
}
