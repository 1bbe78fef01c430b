//! What a message may hold (RFC 5321 2.3.8, 4.5.3.1.6; RFC 6152; RFC 3030 3): bare CR and LF, NUL, octets over 127,
//! lines that are too long. Refuses, or where that is wanted mends line ends; before dot-stuffing and before octets
//! are counted, so that what is sent never holds what a server could take for the end of the message.
//!
//! State goes across chunks: the octets that come out do not depend on how the content was cut. Knows nothing of how
//! they travel.

use core::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use memchr::{memchr2, memrchr};
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
        let check = self.checked(&chunk);
        if check.has_8bit() && !self.rules.eight_bit {
            return Err(ContentFault::EightBit);
        }
        if check.has_nul() {
            return Err(ContentFault::Nul);
        }
        let bare = check.has_bare_line_end();
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
    /// [`ContentFault::BareLineEnd`] when it ends with a CR; [`ContentFault::LineTooLong`] when that, as a space, is
    /// one octet too many.
    pub(super) fn finish(&mut self) -> Result<&'static [u8], ContentFault> {
        if !core::mem::take(&mut self.after_cr) {
            return Ok(b"");
        }
        if self.rules.policy == ContentPolicy::Reject {
            return Err(ContentFault::BareLineEnd);
        }
        self.line = self.measured(1, b"")?;
        Ok(b" ")
    }

    /// Whether the last line has no line end yet.
    pub(super) const fn is_inside_line(&self) -> bool {
        self.line > 0
    }

    /// What is in the chunk. A CR at its end is judged with what follows it.
    fn checked(&self, chunk: &[u8]) -> TextCheck {
        let mut check = TextCheck::new();
        if self.after_cr {
            check.update(b"\r");
        }
        check.update(chunk);
        if chunk.ends_with(b"\r") {
            check.update(b"\n");
        }
        check
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

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use posthaste_wire::{DotEncoder, SendQueue};
    use proptest::prelude::*;

    use super::*;

    const TEXT: Rules =
        Rules { binary: false, eight_bit: false, policy: ContentPolicy::Reject, line_max: 1000 };
    const REPAIRED: Rules = Rules { policy: ContentPolicy::Repair, ..TEXT };

    /// From a message to what goes over the wire behind DATA.
    fn wire<'a>(rules: Rules, pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, ContentFault> {
        let (mut content, mut encoder) = (Content::new(rules), DotEncoder::new());
        let mut out = SendQueue::new(usize::MAX);
        for piece in pieces {
            let (waited, octets) = content.take(Bytes::copy_from_slice(piece))?;
            encoder.encode(Bytes::from_static(waited), &mut out);
            encoder.encode(octets, &mut out);
        }
        encoder.encode(Bytes::from_static(content.finish()?), &mut out);
        encoder.finish(&mut out);
        let mut sent = Vec::new();
        while let Some(bytes) = out.pop() {
            sent.extend_from_slice(&bytes);
        }
        Ok(sent)
    }

    /// What the policy makes of a text, octet by octet.
    fn specified(rules: Rules, text: &[u8]) -> Result<Vec<u8>, ContentFault> {
        let mut lines = Vec::new();
        for (at, octet) in text.iter().enumerate() {
            let (before, behind) = (at.checked_sub(1).map(|at| text[at]), text.get(at + 1));
            match octet {
                b'\r' if behind == Some(&b'\n') => lines.push(b'\r'),
                b'\n' if before == Some(b'\r') => lines.push(b'\n'),
                b'\r' | b'\n' if rules.policy == ContentPolicy::Reject => {
                    return Err(ContentFault::BareLineEnd);
                }
                b'\r' => lines.push(b' '),
                b'\n' => lines.extend_from_slice(b"\r\n"),
                0 => return Err(ContentFault::Nul),
                octet => lines.push(*octet),
            }
        }
        if !lines.is_empty() && !lines.ends_with(b"\r\n") {
            lines.extend_from_slice(b"\r\n");
        }
        let mut sent = Vec::new();
        for line in lines.split_inclusive(|octet| *octet == b'\n') {
            if line.len() > rules.line_max {
                return Err(ContentFault::LineTooLong { max: rules.line_max });
            }
            if line.starts_with(b".") {
                sent.push(b'.');
            }
            sent.extend_from_slice(line);
        }
        sent.extend_from_slice(b".\r\n");
        Ok(sent)
    }

    /// Nothing in it can be taken for the end but the end, by whatever a server takes for a line end.
    fn is_unmistakable(sent: &[u8]) {
        let framed = [b"\r\n", sent].concat();
        let ends = framed.windows(5).filter(|octets| octets == b"\r\n.\r\n").count();
        assert!(ends == 1 && framed.ends_with(b"\r\n.\r\n"), "{sent:?}");
        assert!(!sent.contains(&0));
        for (at, octet) in framed.iter().enumerate() {
            assert_eq!(*octet == b'\r', framed.get(at + 1) == Some(&b'\n'), "{sent:?}");
        }
    }

    fn check(rules: Rules, text: &[u8], pieces: &[Vec<&[u8]>]) {
        let whole = wire(rules, [text]);
        match (&whole, specified(rules, text)) {
            (Ok(sent), Ok(expected)) => {
                assert_eq!(*sent, expected, "{text:?}");
                is_unmistakable(sent);
            }
            // A text with two faults is refused for one of them.
            (Err(_), Err(_)) => {}
            (sent, expected) => panic!("{text:?} is {sent:?}, not {expected:?}"),
        }
        for pieces in pieces {
            let cut = wire(rules, pieces.iter().copied());
            assert_eq!(cut.as_ref().ok(), whole.as_ref().ok(), "{pieces:?}");
        }
    }

    fn texts(alphabet: &[u8], length: usize, mut check: impl FnMut(&[u8])) -> usize {
        let mut count = 0;
        for length in 0..=length {
            let mut digits = vec![0_usize; length];
            loop {
                check(&digits.iter().map(|&digit| alphabet[digit]).collect::<Vec<u8>>());
                count += 1;
                let Some(at) = digits.iter().rposition(|&digit| digit + 1 < alphabet.len()) else { break };
                digits[at] += 1;
                digits[at + 1..].fill(0);
            }
        }
        count
    }

    /// Every way to cut a text.
    fn partitions(text: &[u8]) -> Vec<Vec<&[u8]>> {
        let places = text.len().saturating_sub(1);
        let pieces = |cuts: usize| {
            let (mut pieces, mut from) = (Vec::new(), 0);
            for at in (1..text.len()).filter(|at| cuts >> (at - 1) & 1 == 1) {
                pieces.push(&text[from..at]);
                from = at;
            }
            pieces.push(&text[from..]);
            pieces
        };
        (0..1_usize << places).map(pieces).collect()
    }

    #[test]
    fn out_01_to_out_05_every_short_text_in_every_partition() {
        for rules in [TEXT, REPAIRED] {
            let count = texts(b"\r\n.\0a", 6, |text| check(rules, text, &partitions(text)));
            assert_eq!(count, 19_531);
        }
    }

    #[test]
    fn out_01_to_out_05_every_text_of_eight_octets_in_one_and_octet_by_octet() {
        for rules in [TEXT, REPAIRED] {
            let count = texts(b"\r\n.a", 8, |text| check(rules, text, &[text.chunks(1).collect()]));
            assert_eq!(count, 87_381);
        }
    }

    #[test]
    fn out_09_lines_up_to_the_limit_pass_in_every_partition() {
        for policy in [ContentPolicy::Reject, ContentPolicy::Repair] {
            for line_max in 2..6 {
                texts(b"\r\na", 6, |text| check(Rules { policy, line_max, ..TEXT }, text, &partitions(text)));
            }
        }
        let line = [&[b'a'; 998][..], b"\r\n"].concat();
        assert!(wire(TEXT, [&line[..], &line]).is_ok());
        assert_eq!(wire(TEXT, [&b"a"[..], &line]), Err(ContentFault::LineTooLong { max: 1000 }));
        assert!(wire(Rules { line_max: usize::MAX, ..TEXT }, [&[b'a'; 100_000][..]]).is_ok());
    }

    #[test]
    fn out_02_bare_line_ends_are_refused_or_mended() {
        let cases: [(&[u8], &[u8]); 8] = [
            (b"a\n.\nb", b"a\r\n..\r\nb\r\n.\r\n"),
            (b"a\r.\rb", b"a . b\r\n.\r\n"),
            (b"a\n.\r\nb", b"a\r\n..\r\nb\r\n.\r\n"),
            (b"a\r\n.\nb", b"a\r\n..\r\nb\r\n.\r\n"),
            (b"a\r.\r\nb", b"a .\r\nb\r\n.\r\n"),
            (b"a\n.\rb", b"a\r\n.. b\r\n.\r\n"),
            (b"a\r\n.\r\r\nb", b"a\r\n.. \r\nb\r\n.\r\n"),
            (b"a\r\r\n.\r\r\nb", b"a \r\n.. \r\nb\r\n.\r\n"),
        ];
        for (text, sent) in cases {
            assert_eq!(wire(TEXT, [text]), Err(ContentFault::BareLineEnd));
            assert_eq!(wire(REPAIRED, [text]).unwrap(), sent);
        }
    }

    #[test]
    fn out_03_nul_and_octets_over_127_only_where_they_are_declared() {
        assert_eq!(wire(REPAIRED, [&b"a\r\n\0.\r\nb"[..]]), Err(ContentFault::Nul));
        assert_eq!(wire(TEXT, ["ä".as_bytes()]), Err(ContentFault::EightBit));
        assert!(wire(Rules { eight_bit: true, ..TEXT }, ["ä".as_bytes()]).is_ok());
        let mut binary = Content::new(Rules { binary: true, ..TEXT });
        let octets = Bytes::from_static(b"\0\r\n\n\r\xff");
        assert_eq!(binary.take(octets.clone()), Ok((&b""[..], octets)));
        assert_eq!(binary.finish(), Ok(&b""[..]));
    }

    proptest! {
        #[test]
        fn out_04_any_split_of_any_text(
            text in prop::collection::vec(prop::sample::select(&b"\r\n\r\n..ab"[..]), 0..300),
            size in 1usize..40,
            repair in any::<bool>(),
        ) {
            let rules = if repair { REPAIRED } else { TEXT };
            check(rules, &text, &[text.chunks(size).collect()]);
        }
    }

    #[test]
    fn a_chunk_that_needs_nothing_is_not_copied() {
        let chunk = Bytes::from(vec![b'a'; 900]);
        let (_, octets) = Content::new(REPAIRED).take(chunk.clone()).unwrap();
        assert_eq!(octets.as_ptr(), chunk.as_ptr());
    }
}
