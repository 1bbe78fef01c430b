//! Framing for the server: where a command ends when literals stand in it (RFC 9051 4.3, RFC 7888).
//!
//! Finds one complete logical line, `text {3}` CR LF `abc` ` text` CR LF, by cheap state, before any grammar is run.
//! A literal is not taken before the machine has seen the text in front of it and said what becomes of the
//! octets: kept in the line, streamed past it, or refused. Nothing is allocated from an announced length. What the
//! text means is not decided here. The client reads differently (rows stream item by item): `client/reader.rs`.

use crate::parse::{LiteralMarker, literal_marker};
use crate::types::LiteralHeader;
use bytes::{BufMut, Bytes, BytesMut};
use posthaste_wire::{Counted, Drained, LineTooLong, Passage, ReceiveBuffer, Residue, Secret};

/// What becomes of the memory a line was in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// It is used again as it is.
    Kept,
    /// It is wiped when nobody holds a piece of the line any more: it may have been a password.
    Wiped,
}

/// The bounds that hold while a logical line is collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FrameLimits {
    /// Octets of one text between literals, its CR LF included.
    pub(crate) line_max: usize,
    /// Octets of a logical line, literals that are kept in it included.
    pub(crate) total_max: usize,
    /// Literals in one logical line.
    pub(crate) literals_max: usize,
    /// Whether lines are wiped.
    pub(crate) memory: Memory,
}

/// What the framer found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    /// Nothing yet.
    NeedInput,
    /// A complete logical line: what came, without the final CR LF, the literals that were kept in their places.
    Line(Bytes),
    /// The text so far ends in the announcement of a literal. One of [`Framer::keep`], [`Framer::stream`] and
    /// [`Framer::refuse`] has to follow.
    Literal(LiteralHeader),
    /// The rest of a refused line has passed.
    Refused,
    /// Octets of a literal that is streamed; the flag tells that it is complete.
    Chunk(Bytes, bool),
    /// A text is over its limit; it is dropped up to its end. With the words at the beginning of the logical line that
    /// say which command it was; empty where they are not known.
    TooLong(Bytes),
    /// A line, up to here, that ends in braces which announce nothing. Where the sender meant a non-synchronising
    /// literal, what follows cannot be told apart from commands.
    Malformed(Bytes),
}

/// Collects logical lines.
///
/// Memory: one logical line up to its limits, and what was read and not yet taken.
#[derive(Debug)]
pub(crate) struct Framer {
    buffer: ReceiveBuffer,
    /// The logical line so far, when it has literals.
    line: BytesMut,
    literals: usize,
    memory: Memory,
    state: State,
    /// The rest of a line that was too long is still to pass: what is read next may be in the middle of it.
    dropping: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Collecting text.
    Text,
    /// The machine has to say what becomes of this literal.
    Undecided(LiteralHeader),
    /// Octets that belong into the line.
    Keeping(Counted),
    /// Octets that are handed out as they come.
    Streaming(Counted),
    /// Text of a refused line.
    RefusedText,
    /// Octets of a refused line.
    RefusedLiteral(Counted),
}

impl Framer {
    pub(crate) fn new() -> Self {
        Self {
            buffer: ReceiveBuffer::new(),
            line: BytesMut::new(),
            literals: 0,
            memory: Memory::Kept,
            state: State::Text,
            dropping: false,
        }
    }

    pub(crate) fn push(&mut self, input: &[u8]) {
        self.buffer.push(input);
    }

    pub(crate) fn drained(&self) -> Result<Drained, Residue> {
        if self.state == State::Text && self.line.is_empty() {
            self.buffer.drained()
        } else {
            Err(Residue { octets: self.buffer.len().saturating_add(self.line.len()) })
        }
    }

    /// Whether a logical line has begun and is not complete.
    pub(crate) fn is_within(&self) -> bool {
        self.state != State::Text || !self.line.is_empty() || !self.buffer.is_empty()
    }

    pub(crate) fn keep_record(&mut self) {
        self.buffer.keep_record();
    }

    pub(crate) fn take_record(&mut self) -> Option<Passage> {
        self.buffer.take_record()
    }

    /// Takes one line that is no command: a response to a SASL challenge.
    pub(crate) fn secret_line(&mut self, line_max: usize) -> Result<Option<Secret>, LineTooLong> {
        self.buffer.secret_line(line_max)
    }

    /// Takes one line that is no command and holds no literal (DONE).
    pub(crate) fn plain_line(&mut self, line_max: usize) -> Result<Option<Bytes>, LineTooLong> {
        self.buffer.line(line_max)
    }

    /// Finds the next frame.
    pub(crate) fn next(&mut self, limits: &FrameLimits) -> Frame {
        self.memory = limits.memory;
        loop {
            match self.state {
                State::Undecided(header) => return Frame::Literal(header),
                State::Text => {
                    let words = self.words(limits);
                    match self.text_line(limits) {
                        Ok(None) => return Frame::NeedInput,
                        Err(LineTooLong { .. }) => {
                            self.reset_line();
                            self.dropping = true;
                            return Frame::TooLong(words);
                        }
                        Ok(Some(text)) => {
                            self.dropping = false;
                            match self.text(text, limits) {
                                Some(frame) => return frame,
                                None => continue,
                            }
                        }
                    }
                }
                State::Keeping(mut counted) => {
                    self.keep_octets(&mut counted);
                    if !counted.is_done() {
                        self.state = State::Keeping(counted);
                        return Frame::NeedInput;
                    }
                    self.state = State::Text;
                }
                State::Streaming(mut counted) => {
                    let chunk = counted.read(&mut self.buffer);
                    if counted.is_done() {
                        self.state = State::Text;
                        return Frame::Chunk(chunk, true);
                    }
                    self.state = State::Streaming(counted);
                    return if chunk.is_empty() { Frame::NeedInput } else { Frame::Chunk(chunk, false) };
                }
                State::RefusedText => match self.buffer.line(limits.line_max) {
                    Ok(None) => return Frame::NeedInput,
                    Err(LineTooLong { .. }) => {
                        self.state = State::Text;
                        self.dropping = true;
                        return Frame::TooLong(Bytes::new());
                    }
                    Ok(Some(text)) => match literal_marker(&text) {
                        LiteralMarker::Literal(header) if !header.synchronising => {
                            self.state = State::RefusedLiteral(Counted::new(header.len));
                        }
                        // The sender of a synchronising literal waits for us: the line is over.
                        LiteralMarker::Literal(_) | LiteralMarker::None => {
                            self.state = State::Text;
                            return Frame::Refused;
                        }
                        LiteralMarker::Malformed => {
                            self.state = State::Text;
                            return Frame::Malformed(text);
                        }
                    },
                },
                State::RefusedLiteral(mut counted) => {
                    let _ = counted.read(&mut self.buffer);
                    if !counted.is_done() {
                        self.state = State::RefusedLiteral(counted);
                        return Frame::NeedInput;
                    }
                    self.state = State::RefusedText;
                }
            }
        }
    }

    /// The literal that is to be decided.
    pub(crate) const fn undecided(&self) -> Option<LiteralHeader> {
        if let State::Undecided(header) = self.state { Some(header) } else { None }
    }

    /// The logical line so far, up to and including the announcement that is to be decided.
    pub(crate) fn so_far(&self) -> &[u8] {
        self.line.strip_suffix(b"\r\n").unwrap_or(&self.line)
    }

    /// How many octets of the undecided literal the line has room for, and whether it may have another literal.
    pub(crate) fn has_room(&self, header: &LiteralHeader, limits: &FrameLimits) -> bool {
        let total = u64::try_from(self.line.len()).unwrap_or(u64::MAX).saturating_add(header.len);
        total <= u64::try_from(limits.total_max).unwrap_or(u64::MAX) && self.literals < limits.literals_max
    }

    /// The undecided literal becomes part of the line.
    pub(crate) fn keep(&mut self) {
        if let State::Undecided(header) = self.state {
            self.literals = self.literals.saturating_add(1);
            self.state = State::Keeping(Counted::new(header.len));
        }
    }

    /// The undecided literal is handed out in chunks; the line starts anew behind it.
    pub(crate) fn stream(&mut self) {
        if let State::Undecided(header) = self.state {
            self.line.clear();
            self.state = State::Streaming(Counted::new(header.len));
        }
    }

    /// The line is refused: what is left of it will be dropped. Whether anything is: the sender of a
    /// synchronising literal sends nothing more of it.
    pub(crate) fn refuse(&mut self) -> bool {
        let State::Undecided(header) = self.state else { return false };
        self.reset_line();
        if !header.synchronising {
            self.state = State::RefusedLiteral(Counted::new(header.len));
        }
        !header.synchronising
    }

    fn text(&mut self, text: Bytes, limits: &FrameLimits) -> Option<Frame> {
        if self.line.len().saturating_add(text.len()) > limits.total_max {
            let words = first_words(if self.line.is_empty() { &text } else { &self.line });
            self.reset_line();
            return Some(Frame::TooLong(words));
        }
        match literal_marker(&text) {
            LiteralMarker::None if self.line.is_empty() => Some(Frame::Line(text)),
            LiteralMarker::None => {
                self.put(&text);
                Some(Frame::Line(self.take_line()))
            }
            LiteralMarker::Literal(header) => {
                self.put(&text);
                self.put(b"\r\n");
                self.state = State::Undecided(header);
                None
            }
            LiteralMarker::Malformed => {
                self.put(&text);
                Some(Frame::Malformed(self.take_line()))
            }
        }
    }

    /// The first words of the logical line, should its next text turn out to be too long.
    fn words(&self, limits: &FrameLimits) -> Bytes {
        let read = self.buffer.peek();
        match () {
            () if !self.line.is_empty() => first_words(&self.line),
            () if self.dropping || read.len() < limits.line_max => Bytes::new(),
            () => first_words(read),
        }
    }

    /// One text of a line, without its CR LF.
    fn text_line(&mut self, limits: &FrameLimits) -> Result<Option<Bytes>, LineTooLong> {
        match self.memory {
            Memory::Kept => self.buffer.line(limits.line_max),
            Memory::Wiped => {
                let line = self.buffer.secret_command(limits.line_max)?;
                Ok(line.map(|line| Bytes::from_owner(Wiped(line))))
            }
        }
    }

    /// Takes what has come of a literal that belongs into the line.
    fn keep_octets(&mut self, counted: &mut Counted) {
        match self.memory {
            Memory::Kept => {
                let chunk = counted.read(&mut self.buffer);
                self.put(&chunk);
            }
            Memory::Wiped => {
                let due = usize::try_from(counted.remaining()).unwrap_or(usize::MAX);
                let mut chunk = self.buffer.take_mut(due);
                self.put(&chunk);
                wipe(&mut chunk);
                // Not more than is due was taken.
                let _ = counted.write(chunk.len());
            }
        }
    }

    /// Appends to the line. One that may hold a password leaves no copy of itself behind where it has to move.
    fn put(&mut self, octets: &[u8]) {
        let length = self.line.len().saturating_add(octets.len());
        if self.memory == Memory::Wiped && length > self.line.capacity() {
            let mut line = BytesMut::with_capacity(length.saturating_mul(2));
            line.put_slice(&self.line);
            wipe(&mut self.line);
            self.line = line;
        }
        self.line.put_slice(octets);
    }

    fn take_line(&mut self) -> Bytes {
        let line = match self.memory {
            Memory::Kept => self.line.split().freeze(),
            Memory::Wiped => Bytes::from_owner(Wiped(Secret::from(self.line.as_ref()))),
        };
        self.reset_line();
        line
    }

    fn reset_line(&mut self) {
        if self.memory == Memory::Wiped {
            wipe(&mut self.line);
        }
        self.line.clear();
        self.literals = 0;
        self.state = State::Text;
    }
}

/// The tag and the name of a command, and nothing behind them: that may be a password.
fn first_words(line: &[u8]) -> Bytes {
    let start = line.get(..WORDS_MAX.min(line.len())).unwrap_or_default();
    let mut ends = memchr::memchr_iter(b' ', start);
    let (Some(tag), Some(name)) = (ends.next(), ends.next()) else { return Bytes::new() };
    let is_uid = start.get(tag..name).is_some_and(|name| name.eq_ignore_ascii_case(b" UID"));
    let end = if is_uid { ends.next() } else { Some(name) };
    Bytes::copy_from_slice(end.and_then(|end| start.get(..end)).unwrap_or_default())
}

/// A tag and a name that are longer are none that anybody sends.
const WORDS_MAX: usize = 128;

/// A line whose memory is wiped with its last slice.
struct Wiped(Secret);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        self.0.expose()
    }
}

fn wipe(octets: &mut [u8]) {
    octets.fill(0);
    // Not to be left out because nobody reads it again.
    core::hint::black_box(octets);
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    const LIMITS: FrameLimits =
        FrameLimits { line_max: 64, total_max: 100, literals_max: 3, memory: Memory::Kept };

    fn frames(pieces: &[&[u8]], keep_max: u64) -> Vec<Frame> {
        frames_within(pieces, keep_max, &LIMITS)
    }

    fn frames_within(pieces: &[&[u8]], keep_max: u64, limits: &FrameLimits) -> Vec<Frame> {
        let (mut framer, mut seen) = (Framer::new(), Vec::new());
        for piece in pieces {
            framer.push(piece);
            loop {
                match framer.next(limits) {
                    Frame::NeedInput => break,
                    Frame::Literal(header) if header.len <= keep_max && framer.has_room(&header, limits) => {
                        framer.keep();
                    }
                    Frame::Literal(_) => {
                        if !framer.refuse() {
                            seen.push(Frame::Refused);
                        }
                    }
                    frame => seen.push(frame),
                }
            }
        }
        seen
    }

    #[test]
    fn a_logical_line_holds_its_literals_as_they_came() {
        let input = b"a LOGIN {3}\r\nb\r\n {2+}\r\npw\r\nc NOOP\r\n";
        let expected = [
            Frame::Line(Bytes::from_static(b"a LOGIN {3}\r\nb\r\n {2+}\r\npw")),
            Frame::Line(Bytes::from_static(b"c NOOP")),
        ];
        assert_eq!(frames(&[input], 10), expected);
        for at in 1..input.len() {
            assert_eq!(frames(&[&input[..at], &input[at..]], 10), expected, "cut at {at}");
        }
    }

    #[test]
    fn a_refused_non_synchronising_literal_is_never_read_as_commands() {
        let input = b"a APPEND x {20+}\r\nb DELETE INBOX\r\n1234 {4+}\r\nmore\r\nc NOOP\r\n";
        let expected = [Frame::Refused, Frame::Line(Bytes::from_static(b"c NOOP"))];
        assert_eq!(frames(&[input], 10), expected);
        for at in 1..input.len() {
            assert_eq!(frames(&[&input[..at], &input[at..]], 10), expected, "cut at {at}");
        }
    }

    #[test]
    fn imap_05_literals_are_bounded_by_count_and_by_total() {
        let many = b"a X {1+}\r\na{1+}\r\nb{1+}\r\nc{1+}\r\nd\r\n";
        assert_eq!(frames(&[many], 10), [Frame::Refused]);
        let large = b"a X {60+}\r\n123456789012345678901234567890123456789012345678901234567890 {60}\r\n";
        assert_eq!(frames(&[large], 100), [Frame::Refused]);
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_frames(
            input in prop::collection::vec(prop::sample::select(&b"\r\n\r\n{}123+~a "[..]), 0..60),
            size in 1usize..9,
        ) {
            let pieces: Vec<&[u8]> = input.chunks(size).collect();
            prop_assert_eq!(frames(&pieces, 20), frames(&[&input], 20));
            // Wiping changes nothing of what is found.
            let wiped = FrameLimits { memory: Memory::Wiped, ..LIMITS };
            prop_assert_eq!(frames_within(&pieces, 20, &wiped), frames(&[&input], 20));
        }
    }
}
