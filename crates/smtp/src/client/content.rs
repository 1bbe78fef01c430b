//! What a message may hold (RFC 5321 2.3.8, 4.5.3.1.6; RFC 6152; RFC 3030 3): bare CR and LF, NUL, octets over 127,
//! lines that are too long. Refuses, or where that is wanted mends line ends; before dot-stuffing and before octets
//! are counted, so that what is sent never holds what a server could take for the end of the message.
//!
//! State goes across chunks: the octets that come out do not depend on how the content was cut. Knows nothing of how
//! they travel.

use core::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use memchr::{memchr, memchr2, memrchr};
use posthaste_wire::TextCheck;

/// What is done about a CR or LF that stands alone. Neither is ever sent, but for binary content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentPolicy {
    /// The chunk that holds it is refused. What was signed stays as it is.
    #[default]
    Reject,
    /// A bare LF, the line end of many systems, becomes CR LF. A bare CR becomes a space: made a line end, it could
    /// make a header field of the middle of another one. To be done before a message is signed.
    Repair,
}

/// Why a chunk of content is refused. Nothing of the chunk was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentFault {
    /// A CR or LF stands alone (RFC 5321 2.3.8).
    BareLineEnd,
    /// A NUL, although the content is not declared binary.
    Nul,
    /// An octet over 127, although the envelope declares neither 8-bit content nor UTF-8.
    EightBit,
    /// A line over its limit (RFC 5321 4.5.3.1.6).
    LineTooLong {
        /// The limit in octets, CR LF included.
        max: usize,
    },
}

impl ContentFault {
    /// The fault in words.
    pub const fn problem(self) -> &'static str {
        match self {
            Self::BareLineEnd => "holds a bare CR or LF",
            Self::Nul => "holds a NUL and is not declared binary",
            Self::EightBit => "holds octets over 127 that the envelope does not declare",
            Self::LineTooLong { .. } => "holds a line that is too long",
        }
    }
}

impl fmt::Display for ContentFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the content {}", self.problem())?;
        match self {
            Self::LineTooLong { max } => write!(f, " (over {max} octets)"),
            Self::BareLineEnd | Self::Nul | Self::EightBit => Ok(()),
        }
    }
}

/// What a message was declared to hold, and what is done about the rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Any octets.
    pub(super) binary: bool,
    /// Octets over 127.
    pub(super) eight_bit: bool,
    pub(super) policy: ContentPolicy,
    /// The longest line, CR LF included.
    pub(super) line_max: usize,
}

/// The content of one message so far.
#[derive(Clone, Debug)]
pub(super) struct Content {
    rules: Rules,
    /// The last octet was a CR, which waits for what follows.
    after_cr: bool,
    /// How many octets of the present line have come out.
    line: usize,
}

impl Content {
    pub(super) const fn new(rules: Rules) -> Self {
        Self { rules, after_cr: false, line: 0 }
    }

    /// Takes the next chunk and returns what is to be sent: what became of a CR that waited, and the chunk, without
    /// a copy unless it had to be mended.
    ///
    /// # Errors
    ///
    /// [`ContentFault`]; everything is as it was.
    pub(super) fn take(&mut self, mut chunk: Bytes) -> Result<(&'static [u8], Bytes), ContentFault> {
        let Some(last) = chunk.last().copied() else { return Ok((b"", chunk)) };
        if self.rules.binary {
            return Ok((b"", chunk));
        }
        if !self.rules.eight_bit && !chunk.is_ascii() {
            return Err(ContentFault::EightBit);
        }
        if memchr(0, &chunk).is_some() {
            return Err(ContentFault::Nul);
        }
        let bare = self.has_bare_line_end(&chunk);
        if bare && self.rules.policy == ContentPolicy::Reject {
            return Err(ContentFault::BareLineEnd);
        }
        let waited: &'static [u8] = match (self.after_cr, chunk.first()) {
            (true, Some(b'\n')) => b"\r",
            (true, _) => b" ",
            (false, _) => b"",
        };
        if last == b'\r' {
            chunk.truncate(chunk.len().saturating_sub(1));
        }
        if bare {
            chunk = mended(&chunk, self.after_cr);
        }
        self.line = self.measured(waited.len(), &chunk)?;
        self.after_cr = last == b'\r';
        Ok((waited, chunk))
    }

    /// Ends the content and returns what is still to be sent.
    ///
    /// # Errors
    ///
    /// [`ContentFault::BareLineEnd`] when it ends with a CR.
    pub(super) fn finish(&mut self) -> Result<&'static [u8], ContentFault> {
        if !core::mem::take(&mut self.after_cr) {
            return Ok(b"");
        }
        if self.rules.policy == ContentPolicy::Reject {
            return Err(ContentFault::BareLineEnd);
        }
        self.line = self.line.saturating_add(1);
        Ok(b" ")
    }

    /// Whether the last line has no line end yet.
    pub(super) const fn is_inside_line(&self) -> bool {
        self.line > 0
    }

    /// A CR at the end of the chunk is judged with what follows it.
    fn has_bare_line_end(&self, chunk: &[u8]) -> bool {
        let mut check = TextCheck::new();
        if self.after_cr {
            check.update(b"\r");
        }
        check.update(chunk);
        if chunk.ends_with(b"\r") {
            check.update(b"\n");
        }
        check.has_bare_line_end()
    }

    /// The length of the line that is open behind `before` octets and `chunk`.
    fn measured(&self, before: usize, chunk: &[u8]) -> Result<usize, ContentFault> {
        let max = self.rules.line_max;
        let (mut line, mut rest) = (self.line.saturating_add(before), chunk);
        loop {
            let room = max.saturating_sub(line).min(rest.len());
            // The last line end that is near enough: lines before it are shorter than the limit, too.
            match memrchr(b'\n', rest.get(..room).unwrap_or_default()) {
                Some(at) => {
                    rest = rest.get(at.saturating_add(1)..).unwrap_or_default();
                    line = 0;
                }
                None => break,
            }
        }
        let line = line.saturating_add(rest.len());
        if line > max.saturating_sub(2) { Err(ContentFault::LineTooLong { max }) } else { Ok(line) }
    }
}

/// The chunk with every bare LF as CR LF and every bare CR as a space. A CR at its end is bare.
fn mended(chunk: &[u8], after_cr: bool) -> Bytes {
    let mut out = BytesMut::with_capacity(chunk.len().saturating_add(chunk.len() / 16).saturating_add(16));
    let mut rest = chunk;
    // The LF of a line end whose CR was in the chunk before.
    if let (true, Some((b'\n', behind))) = (after_cr, rest.split_first()) {
        out.put_u8(b'\n');
        rest = behind;
    }
    while let Some(at) = memchr2(b'\r', b'\n', rest) {
        let (before, found) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.put_slice(before);
        let (end, behind): (&[u8], &[u8]) = match found {
            [b'\r', b'\n', behind @ ..] | [b'\n', behind @ ..] => (b"\r\n", behind),
            [_, behind @ ..] => (b" ", behind),
            [] => (b"", &[]),
        };
        out.put_slice(end);
        rest = behind;
    }
    out.put_slice(rest);
    out.freeze()
}
