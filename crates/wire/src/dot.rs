//! Dot-stuffing, both ways (RFC 5321 4.5.2, RFC 1939 3): how a text of lines travels to a line that is only a dot.
//!
//! Decides where the text ends and which dots are not content. The end is CR LF `.` CR LF and nothing else, where
//! the CR LF before the text counts; a bare CR or LF is content, never a line end and never turned into one.
//! Whether such content is acceptable is not decided here: [`TextCheck`] tells, the machine judges.

use alloc::vec::Vec;
use bytes::Bytes;
use core::ops::Range;
use memchr::arch::all::packedpair::HeuristicFrequencyRank;
use memchr::memmem;

use crate::{ReceiveBuffer, SendQueue};

/// Finds the end of a dot-stuffed text and removes the stuffing, in place.
///
/// Holds two octets of state and no buffer. An octet whose meaning depends on what follows stays in the input.
///
/// ```text
///              other                 CR                LF             "." then CR LF
///   LineStart ───────► Middle ◄───────────► AfterCr ───────► LineStart ───────────────► end
///        │ ▲                                                     │
///        └─┘ "." before anything else: dropped                   └ (as LineStart)
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DotDecoder {
    at: At,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// Behind CR LF, or at the very start, which counts as behind one.
    #[default]
    LineStart,
    /// Inside a line.
    Middle,
    /// Behind a CR inside a line.
    AfterCr,
}

/// What [`DotDecoder::decode`] or [`DotDecoder::decode_to`] did with its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// How many octets of the input are done with. The rest is to be handed in again with more behind it: at
    /// most two octets, or, when the end was found, what follows the text.
    pub consumed: usize,
    /// How many octets of content that gave: they are at the front of the input, or at the end of the output.
    pub content: usize,
    /// Whether the text ended within the consumed octets.
    pub end: bool,
}

impl DotDecoder {
    /// A decoder at the start of a text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes what it can of `input`, moving content to the front over the dots it drops.
    ///
    /// After the end has been reported the decoder is back at the start of a text.
    pub fn decode(&mut self, input: &mut [u8]) -> Decoded {
        let dots = line_dots();
        let (mut read, mut content) = (0_usize, 0_usize);
        loop {
            match self.next(input, read, &dots) {
                Next::Run(run) => {
                    read = run.end;
                    let length = run.len();
                    if run.start != content {
                        input.copy_within(run, content);
                    }
                    content = content.saturating_add(length);
                }
                Next::Done { consumed, end } => return Decoded { consumed, content, end },
            }
        }
    }

    /// Decodes what it can of `input` and appends the content to `out`, for a text that is to lie in one piece:
    /// one copy, where gathering what [`read`](Self::read) gives would be two.
    pub fn decode_to(&mut self, input: &[u8], out: &mut Vec<u8>) -> Decoded {
        let dots = line_dots();
        let (mut read, mut content) = (0_usize, 0_usize);
        loop {
            match self.next(input, read, &dots) {
                Next::Run(run) => {
                    read = run.end;
                    content = content.saturating_add(run.len());
                    out.extend_from_slice(input.get(run).unwrap_or_default());
                }
                Next::Done { consumed, end } => return Decoded { consumed, content, end },
            }
        }
    }

    /// Takes decoded content out of `buffer`, all that is certain. The flag tells whether the text ended; an
    /// empty chunk without the end means that more input is needed.
    pub fn read(&mut self, buffer: &mut ReceiveBuffer) -> (Bytes, bool) {
        let mut end = false;
        let content = buffer.decode(|bytes| {
            let decoded = self.decode(bytes);
            end = decoded.end;
            (decoded.consumed, decoded.content)
        });
        (content, end)
    }

    /// What comes next in `input` from `read` on, a dot that is not content passed over.
    #[inline]
    fn next(&mut self, input: &[u8], read: usize, dots: &memmem::Finder<'_>) -> Next {
        let mut start = read;
        if self.at == At::LineStart {
            match line_start(input.get(read..).unwrap_or_default()) {
                LineStart::Wait => return Next::Done { consumed: read, end: false },
                LineStart::End => return Next::Done { consumed: read.saturating_add(3), end: true },
                LineStart::Stuffed => start = read.saturating_add(1),
                LineStart::Plain => {}
            }
        }
        match input.get(start..) {
            Some(rest @ [_, ..]) => Next::Run(start..start.saturating_add(self.run(rest, dots))),
            _ => Next::Done { consumed: start, end: false },
        }
    }

    /// The length of the run of content at the front of `rest` that has no dot at a line start behind its first
    /// octet, and the state behind it. `rest` begins with content.
    fn run(&mut self, rest: &[u8], dots: &memmem::Finder<'_>) -> usize {
        // A CR in an earlier piece and LF, or LF and dot, in this one: the only place the search cannot see.
        if self.at == At::AfterCr && rest.first() == Some(&b'\n') {
            self.at = At::LineStart;
            return 1;
        }
        if let Some(at) = dots.find(rest) {
            self.at = At::LineStart;
            return at.saturating_add(2);
        }
        self.at = match rest {
            [.., b'\r', b'\n'] => At::LineStart,
            [.., b'\r'] => At::AfterCr,
            [] => self.at,
            _ => At::Middle,
        };
        rest.len()
    }
}

/// Finds each dot at the start of a line behind the first, with the CR LF before it. Building the search costs as
/// much as looking through a few lines, so a piece in which every line has a dot must not build it for each.
///
/// The search looks for two octets of the three at once, those that are rare. In a text of lines CR and LF are at
/// the end of each; what few lines have is a dot two octets behind a CR.
fn line_dots() -> memmem::Finder<'static> {
    memmem::FinderBuilder::new().build_forward_with_ranker(DotIsRare, b"\r\n.")
}

struct DotIsRare;

impl HeuristicFrequencyRank for DotIsRare {
    fn rank(&self, octet: u8) -> u8 {
        match octet {
            b'.' => 0,
            b'\r' => 1,
            _ => u8::MAX,
        }
    }
}

enum Next {
    /// Content. It ends where a line that starts with a dot begins, or where the input does.
    Run(Range<usize>),
    /// Nothing more can be decoded.
    Done { consumed: usize, end: bool },
}

enum LineStart {
    /// Too little is there to tell.
    Wait,
    /// The line that ends the text.
    End,
    /// A dot that is not content.
    Stuffed,
    /// Content.
    Plain,
}

fn line_start(rest: &[u8]) -> LineStart {
    match rest {
        [b'.', b'\r', b'\n', ..] => LineStart::End,
        [] | [b'.'] | [b'.', b'\r'] => LineStart::Wait,
        [b'.', ..] => LineStart::Stuffed,
        _ => LineStart::Plain,
    }
}

/// Adds dot-stuffing to a text that is handed over in pieces, and its end.
///
/// Only CR LF starts a line. What the text may hold is the caller's concern ([`TextCheck`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DotEncoder {
    at: At,
}

impl DotEncoder {
    /// An encoder at the start of a text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Queues `chunk`, with every line that starts with a dot given one more. A chunk without such a line is not
    /// copied.
    pub fn encode(&mut self, chunk: Bytes, out: &mut SendQueue) {
        let dots = line_dots();
        let Some(first) = self.first_stuffing(&chunk, &dots) else {
            self.advance(&chunk);
            out.push(chunk);
            return;
        };
        // One octet more for every line start that has a dot; most texts have few of them.
        let mut stuffed = Vec::with_capacity(chunk.len().saturating_add(chunk.len() / 64).saturating_add(8));
        let mut rest: &[u8] = &chunk;
        let mut next = Some(first);
        while let Some(at) = next {
            let (before, behind) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            stuffed.extend_from_slice(before);
            stuffed.push(b'.');
            rest = behind;
            // The dot itself is passed over: it starts no line.
            next = dots.find(rest).map(|at| at.saturating_add(2));
        }
        stuffed.extend_from_slice(rest);
        self.advance(&chunk);
        out.push(Bytes::from(stuffed));
    }

    /// Queues the end of the text, with a CR LF before it unless the text ended with one or was empty. The
    /// encoder is then at the start of the next text.
    pub fn finish(&mut self, out: &mut SendQueue) {
        let end: &'static [u8] = match self.at {
            At::LineStart => b".\r\n",
            At::Middle | At::AfterCr => b"\r\n.\r\n",
        };
        out.put(end);
        self.at = At::LineStart;
    }

    /// Where the first dot that needs another one before it stands.
    fn first_stuffing(&self, chunk: &[u8], dots: &memmem::Finder<'_>) -> Option<usize> {
        match (self.at, chunk) {
            (At::LineStart, [b'.', ..]) => Some(0),
            (At::AfterCr, [b'\n', b'.', ..]) => Some(1),
            _ => dots.find(chunk).map(|at| at.saturating_add(2)),
        }
    }

    fn advance(&mut self, chunk: &[u8]) {
        self.at = match (self.at, chunk) {
            (at, []) => at,
            (At::AfterCr, [b'\n']) | (_, [.., b'\r', b'\n']) => At::LineStart,
            (_, [.., b'\r']) => At::AfterCr,
            _ => At::Middle,
        };
    }
}

/// What a text held so far that not every receiver takes: bare CR, bare LF, NUL, octets over 127.
///
/// Looks at each octet once, without branches, over any split of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextCheck {
    bare: bool,
    nul: bool,
    high: bool,
    after_cr: bool,
}

impl TextCheck {
    /// A check that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at the next piece of the text.
    ///
    /// One pass without a branch, which compilers turn into vector instructions: 16 octets and more at a time.
    pub fn update(&mut self, chunk: &[u8]) {
        let (Some((first, behind)), Some(last)) = (chunk.split_first(), chunk.last()) else { return };
        let mut bare = u8::from(self.after_cr != (*first == b'\n'));
        let (mut union, mut lowest) = (*last, *last);
        for (octet, next) in chunk.iter().zip(behind) {
            bare |= u8::from(*octet == b'\r') ^ u8::from(*next == b'\n');
            union |= octet;
            lowest = lowest.min(*octet);
        }
        self.bare |= bare != 0;
        self.high |= union & 0x80 != 0;
        self.nul |= lowest == 0;
        self.after_cr = *last == b'\r';
    }

    /// Whether a CR or LF stood alone. A CR that was the last octet so far counts: the text may end there.
    pub const fn has_bare_line_end(&self) -> bool {
        self.bare || self.after_cr
    }

    /// Whether a NUL was there.
    pub const fn has_nul(&self) -> bool {
        self.nul
    }

    /// Whether an octet over 127 was there.
    pub const fn has_8bit(&self) -> bool {
        self.high
    }
}
