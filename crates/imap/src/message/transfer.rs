//! Transfer encodings (RFC 2045 6): base64 and quoted-printable become octets, in pieces of any size.
//!
//! Damaged input is decoded as far as it goes: octets that base64 has not got are passed over, a `=` of
//! quoted-printable that is no escape stays. `BINARY` (RFC 3516) serves what comes out, and its sizes are counted
//! with the same code. Uuencode is not known.

use alloc::vec::Vec;

use memchr::{memchr, memchr3};

use super::content::Parameter;
use super::summary::{Kind, Part};

/// How the octets of a body are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransferEncoding {
    /// `7bit`, `8bit`, `binary`: as they are.
    Identity,
    /// `base64`
    Base64,
    /// `quoted-printable`
    QuotedPrintable,
    /// The form of quoted-printable in encoded words (RFC 2047 4.2), without its `_`: one line, no white space lost.
    Q,
}

impl TransferEncoding {
    /// The encoding of that name in lower case; `None` where it is not known (RFC 3516 4.3: UNKNOWN-CTE).
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "7bit" | "8bit" | "binary" => Self::Identity,
            "base64" => Self::Base64,
            "quoted-printable" => Self::QuotedPrintable,
            _ => return None,
        })
    }

    /// How many octets `encoded` stands for.
    pub fn decoded_len(self, encoded: &[u8]) -> usize {
        TransferDecoder::new(self).count(encoded)
    }
}

/// What becomes of line ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnds {
    /// They are octets like any other.
    Kept,
    /// A LF without CR before it becomes CRLF: what BINARY gives of text is in lines (RFC 9051 7.5.2).
    Crlf,
}

impl Part {
    /// How the body is written; `None` where that is not known.
    pub fn transfer_encoding(&self) -> Option<TransferEncoding> {
        TransferEncoding::of(&self.encoding)
    }

    /// What becomes of line ends once the body is decoded: those of text are CRLF, unless its charset has wider ones.
    pub fn line_ends(&self) -> LineEnds {
        let is_wide = |parameter: &Parameter| {
            let starts = |name: &str| {
                let start = parameter.value.get(..name.len());
                start.is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
            };
            parameter.name == "charset" && WIDE_CHARSETS.into_iter().any(starts)
        };
        let is_text = self.kind == Kind::Leaf && self.media_type == "text";
        if is_text && !self.parameters.iter().any(is_wide) { LineEnds::Crlf } else { LineEnds::Kept }
    }
}

/// Decodes a body that comes in pieces, cut anywhere. Memory: a few octets, and white space at the end of a line.
#[derive(Clone, Debug)]
pub struct TransferDecoder {
    state: State,
    line_ends: LineEnds,
    /// The last octet that came out was CR.
    after_cr: bool,
}

#[derive(Clone, Debug)]
enum State {
    Identity,
    Base64 { bits: u32, digits: u8 },
    Quoted { escape: Escape, space: Vec<u8>, keeps_space: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    None,
    Started,
    /// One hexadecimal digit.
    Half(u8),
    /// White space behind the `=` of a soft line break, which waits in `space`.
    Soft,
    SoftCr,
}

impl TransferDecoder {
    /// A decoder at the start of a body.
    pub fn new(encoding: TransferEncoding) -> Self {
        let quoted = |keeps_space| State::Quoted { escape: Escape::None, space: Vec::new(), keeps_space };
        let state = match encoding {
            TransferEncoding::Identity => State::Identity,
            TransferEncoding::Base64 => State::Base64 { bits: 0, digits: 0 },
            TransferEncoding::QuotedPrintable => quoted(false),
            TransferEncoding::Q => quoted(true),
        };
        Self { state, line_ends: LineEnds::Kept, after_cr: false }
    }

    /// The same, with these line ends.
    #[must_use]
    pub fn with_line_ends(self, line_ends: LineEnds) -> Self {
        Self { line_ends, ..self }
    }

    /// Decodes all of a body.
    pub fn all(encoding: TransferEncoding, encoded: &[u8]) -> Vec<u8> {
        Self::new(encoding).rest(encoded)
    }

    /// Decodes all that is left of a body.
    pub fn rest(mut self, encoded: &[u8]) -> Vec<u8> {
        let mut decoded = Vec::with_capacity(encoded.len());
        self.push(encoded, &mut decoded);
        self.finish(&mut decoded);
        decoded
    }

    /// How many octets all that is left of a body stands for.
    pub(super) fn count(mut self, encoded: &[u8]) -> usize {
        match (&self.state, self.line_ends) {
            (State::Identity, LineEnds::Kept) => encoded.len(),
            (State::Identity, LineEnds::Crlf) => {
                encoded.len().saturating_add(line_feeds_alone(encoded, self.after_cr))
            }
            (State::Base64 { digits, .. }, LineEnds::Kept) => base64_len(encoded, *digits),
            _ => {
                let mut length = 0_usize;
                let mut count = |octets: &[u8]| length = length.saturating_add(octets.len());
                self.run(encoded, &mut count);
                self.end(&mut count);
                length
            }
        }
    }

    /// Adds what the next octets stand for to `decoded`: never more than they and a few kept ones are, or twice that
    /// where line ends become CRLF.
    pub fn push(&mut self, encoded: &[u8], decoded: &mut Vec<u8>) {
        if self.passes() {
            return decoded.extend_from_slice(encoded);
        }
        self.run(encoded, &mut |octets| decoded.extend_from_slice(octets));
    }

    /// Adds what was waiting for more.
    pub fn finish(mut self, decoded: &mut Vec<u8>) {
        self.end(&mut |octets| decoded.extend_from_slice(octets));
    }

    /// Whether what comes in is what comes out.
    fn passes(&self) -> bool {
        matches!(self.state, State::Identity) && self.line_ends == LineEnds::Kept
    }

    fn run(&mut self, encoded: &[u8], sink: &mut impl FnMut(&[u8])) {
        let Self { state, line_ends, after_cr } = self;
        let mut emit = |octet| in_lines(octet, *line_ends, after_cr, sink);
        match state {
            State::Identity => encoded.iter().for_each(|octet| emit(*octet)),
            State::Base64 { bits, digits } => {
                for octet in encoded {
                    base64(*octet, bits, digits, &mut emit);
                }
            }
            State::Quoted { escape, space, keeps_space } => {
                let mut rest = encoded;
                while !rest.is_empty() {
                    if *escape == Escape::None && space.is_empty() {
                        let (plain, behind) = rest.split_at(plain_len(rest, *keeps_space));
                        if !plain.is_empty() {
                            *after_cr = false;
                            sink(plain);
                        }
                        rest = behind;
                    }
                    let Some((octet, behind)) = rest.split_first() else { break };
                    let mut emit = |octet| in_lines(octet, *line_ends, after_cr, sink);
                    quoted(*octet, escape, space, *keeps_space, &mut emit);
                    rest = behind;
                }
            }
        }
    }

    fn end(&mut self, sink: &mut impl FnMut(&[u8])) {
        let Self { state, line_ends, after_cr } = self;
        let emit = &mut |octet| in_lines(octet, *line_ends, after_cr, sink);
        match state {
            // Two or three digits are one or two octets: padding may be missing.
            State::Base64 { bits, digits, .. } => flush_base64(*bits, digits, emit),
            State::Quoted { escape, space, .. } => {
                match *escape {
                    Escape::Started => emit(b'='),
                    Escape::Half(digit) => {
                        emit(b'=');
                        emit(digit);
                    }
                    Escape::None | Escape::Soft | Escape::SoftCr => {}
                }
                // White space at the end of the last line is gone, as on every other.
                space.clear();
            }
            State::Identity => {}
        }
    }
}

/// How many octets at the start of quoted-printable stand for themselves, whatever follows them.
fn plain_len(octets: &[u8], keeps_space: bool) -> usize {
    let line = memchr3(b'=', b'\r', b'\n', octets).and_then(|at| octets.get(..at)).unwrap_or(octets);
    if keeps_space {
        return line.len();
    }
    line.iter().rposition(|octet| !matches!(octet, b' ' | b'\t')).map_or(0, |last| last.saturating_add(1))
}

/// How many LF have no CR before them.
fn line_feeds_alone(octets: &[u8], after_cr: bool) -> usize {
    let at_start = usize::from(!after_cr && octets.first() == Some(&b'\n'));
    let behind_first = octets.get(1..).unwrap_or_default();
    let pieces = octets.chunks(COUNTED).zip(behind_first.chunks(COUNTED));
    let pairs = pieces.map(|(before, octets)| {
        count(before.iter().zip(octets).map(|(before, octet)| *octet == b'\n' && *before != b'\r'))
    });
    pairs.sum::<usize>().saturating_add(at_start)
}

/// How many of a piece are true. An octet counts them all, so that the processor counts many at once.
fn count(piece: impl Iterator<Item = bool>) -> usize {
    piece.fold(0_u8, |count, is| count.wrapping_add(u8::from(is))).into()
}

/// How many octets base64 stands for, behind so many digits of a group of four.
fn base64_len(encoded: &[u8], digits: u8) -> usize {
    let (mut length, mut waiting, mut rest) = (0_usize, usize::from(digits), Some(encoded));
    while let Some(octets) = rest {
        // Padding, or the end, ends a group.
        let (group, behind) = match memchr(b'=', octets) {
            Some(at) => (octets.get(..at).unwrap_or_default(), octets.get(at.saturating_add(1)..)),
            None => (octets, None),
        };
        let is_digit = |octet: &u8| matches!(octet, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/');
        let digits = group.chunks(COUNTED).map(|piece| count(piece.iter().map(is_digit)));
        let all = digits.sum::<usize>().saturating_add(core::mem::take(&mut waiting));
        let left = [0, 0, 1, 2].get(all % 4).copied().unwrap_or_default();
        length = length.saturating_add((all / 4).saturating_mul(3)).saturating_add(left);
        rest = behind;
    }
    length
}

/// Passes an octet on, behind the CR that its line end lacks.
fn in_lines(octet: u8, line_ends: LineEnds, after_cr: &mut bool, sink: &mut impl FnMut(&[u8])) {
    let was_cr = core::mem::replace(after_cr, octet == b'\r');
    if octet == b'\n' && !was_cr && line_ends == LineEnds::Crlf {
        sink(b"\r");
    }
    sink(&[octet]);
}

fn base64(octet: u8, bits: &mut u32, digits: &mut u8, emit: &mut impl FnMut(u8)) {
    let Some(value) = BASE64.get(usize::from(octet)).copied().filter(|value| *value < 64) else {
        if octet == b'=' && *digits > 0 {
            // Padding ends a group of four; what follows it, if anything does, begins another.
            flush_base64(*bits, digits, emit);
            *bits = 0;
        }
        return;
    };
    *bits = (*bits << 6) | u32::from(value);
    *digits = digits.saturating_add(1);
    if *digits == 4 {
        let [_, first, second, third] = bits.to_be_bytes();
        emit(first);
        emit(second);
        emit(third);
        (*bits, *digits) = (0, 0);
    }
}

fn flush_base64(bits: u32, digits: &mut u8, emit: &mut impl FnMut(u8)) {
    match core::mem::take(digits) {
        2 => {
            let [_, _, _, octet] = (bits >> 4).to_be_bytes();
            emit(octet);
        }
        3 => {
            let [_, _, first, second] = (bits >> 2).to_be_bytes();
            emit(first);
            emit(second);
        }
        _ => {}
    }
}

fn quoted(octet: u8, escape: &mut Escape, space: &mut Vec<u8>, keeps_space: bool, emit: &mut impl FnMut(u8)) {
    match *escape {
        Escape::None => {}
        Escape::Started => match octet {
            digit if hex(digit).is_some() => return *escape = Escape::Half(digit),
            b'\n' => return *escape = Escape::None,
            b'\r' => return *escape = Escape::SoftCr,
            b' ' | b'\t' => {
                // Mailers on the way put white space at the end of lines.
                space.push(octet);
                return *escape = Escape::Soft;
            }
            _ => {
                emit(b'=');
                *escape = Escape::None;
            }
        },
        Escape::Half(first) => {
            *escape = Escape::None;
            if let (Some(high), Some(low)) = (hex(first), hex(octet)) {
                return emit((high << 4) | low);
            }
            emit(b'=');
            emit(first);
        }
        Escape::Soft => match octet {
            b' ' | b'\t' if space.len() < SPACE_MAX => return space.push(octet),
            b'\n' => {
                space.clear();
                return *escape = Escape::None;
            }
            b'\r' => {
                space.clear();
                return *escape = Escape::SoftCr;
            }
            _ => {
                emit(b'=');
                *escape = Escape::None;
            }
        },
        Escape::SoftCr => {
            *escape = Escape::None;
            if octet == b'\n' {
                return;
            }
        }
    }
    match octet {
        b'=' => {
            space.drain(..).for_each(&mut *emit);
            *escape = Escape::Started;
        }
        b' ' | b'\t' if !keeps_space => {
            if space.len() >= SPACE_MAX {
                space.drain(..).for_each(&mut *emit);
            }
            space.push(octet);
        }
        b'\r' | b'\n' => {
            space.clear();
            emit(octet);
        }
        _ => {
            space.drain(..).for_each(&mut *emit);
            emit(octet);
        }
    }
}

fn hex(octet: u8) -> Option<u8> {
    char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// The first letters of charsets in which LF is more than one octet.
const WIDE_CHARSETS: [&str; 3] = ["utf-16", "utf-32", "iso-10646-ucs"];

/// RFC 2045 6.7: a line has 76 octets. White space beyond this many is not held back.
const SPACE_MAX: usize = 1024;

/// Octets of a piece that is counted at once.
const COUNTED: usize = 255;

/// The value of each digit, 64 for what is none.
const BASE64: [u8; 256] = {
    let mut table = [64_u8; 256];
    let mut value = 0_u8;
    while value < 64 {
        let digit = match value {
            0..=25 => b'A'.wrapping_add(value),
            26..=51 => b'a'.wrapping_add(value.wrapping_sub(26)),
            52..=61 => b'0'.wrapping_add(value.wrapping_sub(52)),
            62 => b'+',
            _ => b'/',
        };
        #[expect(
            clippy::indexing_slicing,
            clippy::as_conversions,
            reason = "computed by the compiler; 8 bits fit 256"
        )]
        {
            table[digit as usize] = value;
        }
        value = value.wrapping_add(1);
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ENCODINGS: [TransferEncoding; 4] = [
        TransferEncoding::Identity,
        TransferEncoding::Base64,
        TransferEncoding::QuotedPrintable,
        TransferEncoding::Q,
    ];

    #[test]
    fn mime_09_damaged_base64_is_decoded_as_far_as_it_goes() {
        for (encoded, decoded) in [
            (&b"aGVsbG8="[..], &b"hello"[..]),
            (b"aGVs\r\nbG8=\r\n", b"hello"),
            (b"aGVsbG8", b"hello"),
            (b"aG!Vs bG-8=", b"hello"),
            (b"aGVsbG8=aGVsbG8=", b"hellohello"),
            (b"aGVsbG8==", b"hello"),
            (b"a", b""),
            (b"====", b""),
            (b"", b""),
        ] {
            assert_eq!(TransferDecoder::all(TransferEncoding::Base64, encoded), decoded);
        }
    }

    #[test]
    fn mime_09_damaged_quoted_printable_keeps_what_is_no_escape() {
        for (encoded, decoded) in [
            (&b"caf=C3=A9"[..], "café".as_bytes()),
            (b"a=\r\nb", b"ab"),
            (b"a=\nb", b"ab"),
            (b"a= \t\r\nb", b"ab"),
            (b"a=", b"a="),
            (b"a=4", b"a=4"),
            (b"a=XY", b"a=XY"),
            (b"a=4Z", b"a=4Z"),
            (b"a= b", b"a= b"),
            (b"a  \r\nb \n", b"a\r\nb\n"),
            (b"a =20\r\n", b"a  \r\n"),
            (b"=0D=0A", b"\r\n"),
            (b"==41", b"=A"),
        ] {
            let found = TransferDecoder::all(TransferEncoding::QuotedPrintable, encoded);
            assert_eq!(found, decoded, "{:?}", core::str::from_utf8(encoded));
        }
    }

    #[test]
    fn rfc9051_7_5_2_lines_of_text_end_in_crlf() {
        for (encoding, encoded, decoded) in [
            (TransferEncoding::Identity, "a\nb\r\n\n\rc\r", "a\r\nb\r\n\r\n\rc\r"),
            (TransferEncoding::Base64, "YQpiDQo=", "a\r\nb\r\n"),
            (TransferEncoding::QuotedPrintable, "a=0Ab=0D\nc\n", "a\r\nb\r\nc\r\n"),
        ] {
            let in_lines = || TransferDecoder::new(encoding).with_line_ends(LineEnds::Crlf);
            assert_eq!(in_lines().rest(encoded.as_bytes()), decoded.as_bytes(), "{encoding:?}");
            assert_eq!(in_lines().count(encoded.as_bytes()), decoded.len(), "{encoding:?}");
        }
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same_octets_and_the_size_is_theirs(
            encoded in "[a-cA-F0-9=+ \t\r\n_é]{0,40}", cut in 0_usize..60,
        ) {
            let cases = ENCODINGS.into_iter().flat_map(|encoding| [(encoding, LineEnds::Kept), (encoding, LineEnds::Crlf)]);
            for (encoding, line_ends) in cases {
                let encoded = encoded.as_bytes();
                let (front, back) = encoded.split_at(cut.min(encoded.len()));
                let new = || TransferDecoder::new(encoding).with_line_ends(line_ends);
                let mut decoded = Vec::new();
                let mut decoder = new();
                decoder.push(front, &mut decoded);
                decoder.push(back, &mut decoded);
                decoder.finish(&mut decoded);
                prop_assert_eq!(&decoded, &new().rest(encoded));
                prop_assert_eq!(decoded.len(), new().count(encoded));
            }
        }

        /// A piece of one octet is taken by itself, a longer one in runs.
        #[test]
        fn runs_of_octets_give_what_each_by_itself_gives(
            encoded in "([a-c\\u{e9}]{0,5}[ \\t]{0,3}(=|=41|\\r\\n|\\n|)){0,400}",
        ) {
            for encoding in ENCODINGS {
                for line_ends in [LineEnds::Kept, LineEnds::Crlf] {
                    let new = || TransferDecoder::new(encoding).with_line_ends(line_ends);
                    let (mut decoder, mut singly) = (new(), Vec::new());
                    encoded.as_bytes().chunks(1).for_each(|octet| decoder.push(octet, &mut singly));
                    decoder.finish(&mut singly);
                    prop_assert_eq!(&singly, &new().rest(encoded.as_bytes()));
                    prop_assert_eq!(singly.len(), new().count(encoded.as_bytes()));
                }
            }
        }

        #[test]
        fn base64_that_is_well_formed_is_what_the_library_says(octets in prop::collection::vec(any::<u8>(), 0..60)) {
            use base64::Engine as _;
            let encoded = base64::engine::general_purpose::STANDARD.encode(&octets);
            prop_assert_eq!(TransferDecoder::all(TransferEncoding::Base64, encoded.as_bytes()), octets);
        }
    }
}
