//! The receive buffer: bytes that came in and were not yet understood, and the framing of lines in it.
//!
//! A line ends at CR LF and nowhere else. A CR or LF that stands alone is an ordinary octet here: it stays in
//! the line for the grammar to refuse (RFC 5321 2.3.8, RFC 9051 2.2). A line that is over its limit is reported
//! once, as soon as that is certain, and then dropped up to its end in constant memory. The search for the end
//! resumes where it stopped, so that a line that trickles in costs what it would cost in one piece.

use bytes::{Buf, Bytes, BytesMut};
use core::fmt;
use memchr::{memchr, memrchr};
use zeroize::Zeroize;

use crate::record::{Record, verb_of};
use crate::{Drained, Passage, Secret};

/// Unparsed octets of one direction of one connection.
///
/// Memory: what was pushed and not yet taken. A machine takes a line or up to its limit of one, so that a driver
/// that reads only on [`Step::NeedInput`](crate::Step::NeedInput) holds at most one limit and one read.
///
/// What is taken is a slice that shares the memory of its read: a thousand lines of one read cost one allocation,
/// and one line that is kept keeps all of that read. What outlives a command (a path, a name, a tag) is to be
/// copied. When no slice is left, the next read uses the same memory again; a buffer that has run empty after
/// large reads gives theirs back as soon as small ones follow, so that idle connections are small.
#[derive(Default)]
pub struct ReceiveBuffer {
    bytes: BytesMut,
    /// The most octets that waited in the memory that is now in use.
    room: usize,
    /// No line ends before this index; the search goes on here.
    scanned: usize,
    /// An over-long line is being dropped.
    skipping: bool,
    /// The line that waits, not complete yet, is a secret.
    secret: bool,
    record: Record,
}

/// A line is longer than its limit. The rest of it is dropped, octet by octet as it comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line is longer than {limit} octets")]
pub struct LineTooLong {
    /// The limit that was passed, in octets, the CR LF included.
    pub limit: usize,
}

/// Octets were waiting where the protocol demands that there are none, before a change of layer.
///
/// What a peer, or somebody in the path, sent ahead of the handshake must never be read as if it had come
/// through the new layer (RFC 3207 6, RFC 9051 6.2.1). A machine treats this as fatal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{octets} octets came in before the new layer was set up")]
pub struct Residue {
    /// How many octets were waiting.
    pub octets: usize,
}

impl ReceiveBuffer {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends what the peer sent.
    pub fn push(&mut self, input: &[u8]) {
        if self.bytes.is_empty() && self.room > ROOM_KEPT_MAX && input.len() < self.room / 8 {
            self.bytes = BytesMut::new();
            self.room = 0;
        }
        if self.secret && self.bytes.capacity().saturating_sub(self.bytes.len()) < input.len() {
            self.bytes = moved_and_wiped(&mut self.bytes, input.len());
        }
        self.bytes.extend_from_slice(input);
        self.room = self.room.max(self.bytes.len());
        if self.skipping {
            // Whoever looks ahead sees the line that follows.
            self.skip_line();
        }
    }

    /// How many octets wait.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether none wait.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The waiting octets, for a look ahead that takes nothing.
    pub fn peek(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes the next line, without its CR LF. `Ok(None)` until it is complete.
    ///
    /// `limit` counts octets and includes the CR LF, as RFC 5321 4.5.3.1 counts them: a line of exactly `limit`
    /// octets passes. The limit holds on a line that is not complete yet.
    ///
    /// # Errors
    ///
    /// [`LineTooLong`], once per line; the call after it goes on with the line that follows.
    pub fn line(&mut self, limit: usize) -> Result<Option<Bytes>, LineTooLong> {
        Ok(self.line_ref(limit)?.map(Bytes::from))
    }

    /// Takes the next line as [`line`](Self::line) does, without a share of the memory until one is asked for.
    ///
    /// # Errors
    ///
    /// As [`line`](Self::line).
    pub fn line_ref(&mut self, limit: usize) -> Result<Option<Line<'_>>, LineTooLong> {
        self.secret = false;
        let octets = self.find_line(limit)?;
        if let Some(line) = octets.and_then(|octets| self.bytes.get(..octets)) {
            self.record.line(line);
        }
        Ok(octets.map(|octets| Line { bytes: &mut self.bytes, octets }))
    }

    /// Takes the next line as [`line`](Self::line) does, as a secret: the octets are wiped from this buffer.
    ///
    /// While such a line is awaited, what is there of it is wiped also where it has to move in order to grow, and
    /// when the buffer is cleared or dropped before the line is complete.
    ///
    /// # Errors
    ///
    /// As [`line`](Self::line).
    pub fn secret_line(&mut self, limit: usize) -> Result<Option<Secret>, LineTooLong> {
        let line = self.wiped_line(limit)?;
        if let Some(line) = &line {
            self.record.secret(|| None, line.len().saturating_add(2));
        }
        Ok(line)
    }

    /// Takes the next line as [`secret_line`](Self::secret_line) does, where it is a command. A record says which.
    ///
    /// # Errors
    ///
    /// As [`line`](Self::line).
    pub fn secret_command(&mut self, limit: usize) -> Result<Option<Secret>, LineTooLong> {
        let line = self.wiped_line(limit)?;
        if let Some(line) = &line {
            self.record.secret(|| verb_of(line.expose(), true), line.len().saturating_add(2));
        }
        Ok(line)
    }

    /// Keeps a record of what is taken from here on, for [`take_record`](Self::take_record).
    pub fn keep_record(&mut self) {
        self.record.start();
    }

    /// The next passage of the record. Whoever keeps one asks after each event, since it grows with what is taken.
    pub fn take_record(&mut self) -> Option<Passage> {
        self.record.take()
    }

    fn wiped_line(&mut self, limit: usize) -> Result<Option<Secret>, LineTooLong> {
        let octets = self.find_line(limit);
        self.secret = matches!(octets, Ok(None));
        Ok(octets?.map(|octets| {
            let line = Line { bytes: &mut self.bytes, octets };
            let secret = Secret::from(line.as_ref());
            if let Some(octets) = line.bytes.get_mut(..octets) {
                octets.zeroize();
            }
            secret
        }))
    }

    /// Takes whatever waits, but at most `max` octets. Empty when nothing waits.
    pub fn take(&mut self, max: usize) -> Bytes {
        self.take_mut(max).freeze()
    }

    /// As [`take`](Self::take), still writable, for a decoder that works in place.
    pub fn take_mut(&mut self, max: usize) -> BytesMut {
        let count = max.min(self.bytes.len());
        self.scanned = self.scanned.saturating_sub(count);
        self.record.body(count);
        self.bytes.split_to(count)
    }

    /// Runs `decode` over the waiting octets in place, then takes as many as it says it consumed and returns the
    /// front part that it says is content: the way [`DotDecoder`](crate::DotDecoder) works without a copy.
    pub(crate) fn decode(&mut self, decode: impl FnOnce(&mut [u8]) -> (usize, usize)) -> Bytes {
        let (consumed, content) = decode(&mut self.bytes);
        let mut taken = self.take_mut(consumed);
        taken.truncate(content);
        taken.freeze()
    }

    /// Drops whatever waits and forgets a line in progress.
    pub fn clear(&mut self) {
        self.wipe_secret();
        self.bytes.clear();
        self.scanned = 0;
        self.skipping = false;
    }

    /// The proof that nothing waits, without which there is no [`Upgrade`](crate::Upgrade).
    ///
    /// # Errors
    ///
    /// [`Residue`] when something does wait, or a line is being dropped.
    pub fn drained(&self) -> Result<Drained, Residue> {
        if self.bytes.is_empty() && !self.skipping {
            Ok(Drained::new())
        } else {
            Err(Residue { octets: self.bytes.len() })
        }
    }

    fn wipe_secret(&mut self) {
        if core::mem::take(&mut self.secret) {
            self.bytes.as_mut().zeroize();
        }
    }

    /// How many octets the next line has before its CR LF. Whoever asks takes it.
    fn find_line(&mut self, limit: usize) -> Result<Option<usize>, LineTooLong> {
        if self.skipping && !self.skip_line() {
            return Ok(None);
        }
        let window = self.bytes.get(..limit.min(self.bytes.len())).unwrap_or_default();
        match find_line_end(window, self.scanned) {
            Some(end) => {
                self.scanned = 0;
                Ok(Some(end))
            }
            None if self.bytes.len() >= limit => {
                self.skipping = true;
                self.scanned = 0;
                self.skip_line();
                Err(LineTooLong { limit })
            }
            None => {
                // The last octet may be the CR of a line end whose LF is still on its way.
                self.scanned = self.bytes.len().saturating_sub(1);
                Ok(None)
            }
        }
    }

    /// Drops octets up to and including the end of the line. Whether the end was there.
    fn skip_line(&mut self) -> bool {
        if let Some(end) = find_line_end(&self.bytes, 0) {
            self.bytes.advance(end.saturating_add(2).min(self.bytes.len()));
            self.skipping = false;
            return true;
        }
        let keep = usize::from(self.bytes.last() == Some(&b'\r'));
        self.bytes.advance(self.bytes.len().saturating_sub(keep));
        false
    }
}

/// A line that is taken when this is dropped, with its CR LF: as octets, or as [`Bytes`] that share the memory.
///
/// A share has a price, small as it is, and many a command keeps nothing of its line.
pub struct Line<'a> {
    bytes: &'a mut BytesMut,
    /// Without the CR LF.
    octets: usize,
}

impl AsRef<[u8]> for Line<'_> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.octets).unwrap_or_default()
    }
}

impl From<Line<'_>> for Bytes {
    fn from(mut line: Line<'_>) -> Self {
        line.bytes.split_to(core::mem::take(&mut line.octets)).freeze()
    }
}

/// Shows how much there is, never what, as the buffer does.
impl fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("octets", &self.octets).finish_non_exhaustive()
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        self.bytes.advance(self.octets.saturating_add(2).min(self.bytes.len()));
    }
}

impl Drop for ReceiveBuffer {
    fn drop(&mut self) {
        self.wipe_secret();
    }
}

/// Shows how much there is, never what: a credential may be in it.
impl fmt::Debug for ReceiveBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiveBuffer").field("octets", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// Up to this many octets of memory stay with an empty buffer, however small the reads are that follow.
const ROOM_KEPT_MAX: usize = 4 * 1024;

/// The octets of `old` in new memory, with room for as many again and `additional` ones; `old` is wiped.
fn moved_and_wiped(old: &mut BytesMut, additional: usize) -> BytesMut {
    let room = old.len().saturating_mul(2).saturating_add(additional);
    let mut new = BytesMut::with_capacity(room);
    new.extend_from_slice(old);
    old.as_mut().zeroize();
    new
}

/// The index of the first CR LF whose LF does not stand before `from`.
fn find_line_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut from = from;
    loop {
        let lf = from.checked_add(memchr(b'\n', bytes.get(from..)?)?)?;
        let before = lf.checked_sub(1);
        if let Some(cr) = before.filter(|cr| bytes.get(*cr) == Some(&b'\r')) {
            return Some(cr);
        }
        from = lf.checked_add(1)?;
    }
}

/// Whether a CR or LF stands in `line`, which [`ReceiveBuffer::line`] returned: then it is a bare one, and the
/// line is to be refused whatever else it says.
pub fn has_bare_line_end(line: &[u8]) -> bool {
    memrchr(b'\n', line).is_some() || memchr(b'\r', line).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[derive(Debug, PartialEq, Eq)]
    enum Seen {
        Line(Vec<u8>),
        TooLong,
    }

    fn poll(buffer: &mut ReceiveBuffer, limit: usize, seen: &mut Vec<Seen>) {
        loop {
            match buffer.line(limit) {
                Ok(Some(line)) => seen.push(Seen::Line(line.to_vec())),
                Ok(None) => return,
                Err(LineTooLong { .. }) => seen.push(Seen::TooLong),
            }
        }
    }

    /// What lines mean, said in the plainest way: cut at each CR LF, and the limit counts both octets of it.
    fn model(input: &[u8], limit: usize) -> Vec<Seen> {
        let mut seen = Vec::new();
        let mut rest = input;
        while !rest.is_empty() {
            let end = rest.windows(2).position(|pair| pair == b"\r\n");
            match end {
                Some(end) if end + 2 <= limit => seen.push(Seen::Line(rest[..end].to_vec())),
                Some(_) => seen.push(Seen::TooLong),
                None if rest.len() >= limit => seen.push(Seen::TooLong),
                None => {}
            }
            rest = end.map_or(&[][..], |end| &rest[end + 2..]);
        }
        seen
    }

    fn noisy_bytes() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop::sample::select(&b"\r\r\n\n.a"[..]), 0..40)
    }

    proptest! {
        #[test]
        fn any_split_frames_as_the_model_says(
            input in noisy_bytes(),
            limit in 2usize..12,
            cuts in prop::collection::vec(1usize..7, 0..40),
        ) {
            let expected = model(&input, limit);
            let mut buffer = ReceiveBuffer::new();
            let mut seen = Vec::new();
            let mut rest = &input[..];
            for cut in cuts {
                let (now, later) = rest.split_at(cut.min(rest.len()));
                buffer.push(now);
                poll(&mut buffer, limit, &mut seen);
                rest = later;
            }
            buffer.push(rest);
            poll(&mut buffer, limit, &mut seen);
            prop_assert_eq!(seen, expected);
        }

        #[test]
        fn an_endless_line_is_dropped_in_bounded_memory(
            pieces in prop::collection::vec(prop::collection::vec(0x20u8..0x7f, 1..50), 1..50),
        ) {
            let mut buffer = ReceiveBuffer::new();
            let mut seen = Vec::new();
            for piece in pieces {
                buffer.push(&piece);
                poll(&mut buffer, 16, &mut seen);
                prop_assert!(buffer.len() < 16, "{} octets kept", buffer.len());
            }
            prop_assert!(seen.len() <= 1);
        }
    }

    #[test]
    fn the_limit_includes_the_line_end() {
        let mut buffer = ReceiveBuffer::new();
        buffer.push(b"abc\r\nabcd\r\nx\r\n");
        assert_eq!(buffer.line(5), Ok(Some(Bytes::from_static(b"abc"))));
        assert_eq!(buffer.line(5), Err(LineTooLong { limit: 5 }));
        assert_eq!(buffer.line(5), Ok(Some(Bytes::from_static(b"x"))));
    }

    #[test]
    fn cmd_15_over_long_line_is_reported_once_before_it_ends() {
        let mut buffer = ReceiveBuffer::new();
        buffer.push(&[b'x'; 600]);
        assert_eq!(buffer.line(512), Err(LineTooLong { limit: 512 }));
        buffer.push(&[b'x'; 100_000]);
        assert_eq!(buffer.line(512), Ok(None));
        assert_eq!(buffer.len(), 0);
        buffer.push(b"\r");
        assert_eq!(buffer.line(512), Ok(None));
        buffer.push(b"\nNOOP\r\n");
        assert_eq!(buffer.line(512), Ok(Some(Bytes::from_static(b"NOOP"))));
    }

    #[test]
    fn a_look_ahead_sees_nothing_of_a_line_that_was_too_long() {
        let mut buffer = ReceiveBuffer::new();
        buffer.push(b"xxxxxx");
        assert_eq!(buffer.line(5), Err(LineTooLong { limit: 5 }));
        buffer.push(b"xxx\r");
        assert_eq!(buffer.line(5), Ok(None));
        buffer.push(b"\nAUTH PL");
        assert_eq!(buffer.peek(), b"AUTH PL");
        buffer.push(b"AIN\r\n");
        assert_eq!(buffer.line(50), Ok(Some(Bytes::from_static(b"AUTH PLAIN"))));
    }

    #[test]
    fn no_proof_of_emptiness_while_something_waits() {
        let mut buffer = ReceiveBuffer::new();
        assert!(buffer.drained().is_ok());
        buffer.push(b"STLS\r\nCAPA\r\n");
        assert!(buffer.line(512).is_ok());
        assert_eq!(buffer.drained().err(), Some(Residue { octets: 6 }));
        buffer.clear();
        buffer.push(&[b'x'; 10]);
        assert!(buffer.line(4).is_err());
        assert!(buffer.drained().is_err(), "a line that is being dropped is not over");
    }

    #[test]
    fn a_secret_line_leaves_no_trace_in_the_output_of_debug() {
        let mut buffer = ReceiveBuffer::new();
        buffer.push(b"hunter2\r\nrest");
        assert_eq!(alloc::format!("{buffer:?}"), "ReceiveBuffer { octets: 13, .. }");
        let secret = buffer.secret_line(100).unwrap().unwrap();
        assert_eq!(secret.expose(), b"hunter2");
        assert_eq!(buffer.peek(), b"rest");
    }

    #[test]
    fn a_line_is_taken_whether_it_is_shared_or_only_looked_at() {
        let mut buffer = ReceiveBuffer::new();
        buffer.push(b"DATA\r\nNOOP\r\n\r\nQUIT");
        assert_eq!(buffer.line_ref(512).unwrap().unwrap().as_ref(), b"DATA");
        let line = buffer.line_ref(512).unwrap().unwrap();
        assert_eq!(alloc::format!("{line:?}"), "Line { octets: 4, .. }");
        assert_eq!(Bytes::from(line), "NOOP");
        assert_eq!(buffer.line_ref(512).unwrap().unwrap().as_ref(), b"");
        assert!(buffer.line_ref(512).unwrap().is_none());
        assert_eq!(buffer.peek(), b"QUIT");
    }

    #[test]
    fn a_secret_that_moves_is_wiped_where_it_was() {
        let mut old = BytesMut::from(&b"hunter2"[..]);
        let new = moved_and_wiped(&mut old, 10);
        assert_eq!((&new[..], &old[..]), (&b"hunter2"[..], &[0; 7][..]));
        assert!(new.capacity() >= 24);
    }

    #[test]
    fn a_secret_line_that_trickles_in_behind_a_command_is_whole() {
        let mut buffer = ReceiveBuffer::new();
        buffer.push(b"AUTH PLAIN\r\nhun");
        let command = buffer.line(512).unwrap().unwrap();
        for octet in b"ter2\r\n".chunks(1) {
            assert_eq!(buffer.secret_line(512), Ok(None));
            assert!(buffer.secret);
            buffer.push(octet);
        }
        buffer.push(b"NOOP\r\n");
        assert_eq!(buffer.secret_line(512), Ok(Some(Secret::from("hunter2"))));
        assert!(!buffer.secret);
        assert_eq!(command, "AUTH PLAIN");
    }

    #[test]
    fn half_a_secret_is_wiped_with_the_buffer() {
        let mut buffer = ReceiveBuffer::new();
        buffer.push(b"hunter2");
        assert_eq!(buffer.secret_line(512), Ok(None));
        buffer.wipe_secret();
        assert_eq!(buffer.peek(), [0; 7]);
        buffer.push(b"open");
        buffer.wipe_secret();
        assert_eq!(&buffer.peek()[7..], b"open", "what is no secret stays as it is");
    }

    #[test]
    fn taking_keeps_the_search_position_right() {
        let mut buffer = ReceiveBuffer::new();
        buffer.push(b"abcdef");
        assert_eq!(buffer.line(100), Ok(None));
        assert_eq!(buffer.take(3), "abc");
        buffer.push(b"\r\n");
        assert_eq!(buffer.line(100), Ok(Some(Bytes::from_static(b"def"))));
    }
}
