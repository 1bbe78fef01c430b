//! Conversations written down, such as the examples of an RFC, played against a client machine, a server machine, or
//! both. This file holds the notation and what a failure says; `transcript/play.rs` plays.
//!
//! Nothing here knows a protocol: what may differ between a line of the script and the line that a machine writes
//! is for a [`Dialect`] to say.

mod play;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;

/// One of the two ends of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The end that opened the connection.
    Client,
    /// The end that was waiting.
    Server,
}

/// What counts in a line of a protocol.
pub trait Dialect {
    /// The part of a line that has to be as the script has it: of a reply, say, the code without the text.
    fn significant<'a>(&self, by: Side, line: &'a str) -> Cow<'a, str>;

    /// Whether another line of the same reply follows `line`. Says where a set ends.
    fn continues(&self, by: Side, line: &str) -> bool;

    /// What makes a line of a set the line it is, apart from its place: a keyword without the mark of the last line.
    fn member<'a>(&self, by: Side, line: &'a str) -> Cow<'a, str>;
}

/// A conversation, line by line.
///
/// ```text
/// # A note. Empty lines are skipped, too.
/// S: 220 mx.test          a line of the server; what counts of it is for the dialect to say
/// C: EHLO c.test          a line of the client, which has to be exactly so
/// S: 250-mx.test
/// S& 250-SIZE             members of a set: the rest of a reply, in any order
/// S& ...                  the set may have other members
/// S& 250 PIPELINING
/// S! 250 2.1.0 OK         a line that has to be exactly so
/// C| BDAT\x20me\r\n       octets without a line end, with escapes
/// -- tls                  both ends change to TLS
/// -- cut                  the connection is cut: both ends see end of file
/// -- closed               the machines have ended the conversation
/// ```
///
/// Lines of one end that follow each other are one flight: they are handed over together, and the other end has to
/// have said nothing by then that the script does not hold. So a script says as well what is pipelined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    entries: Vec<Entry>,
    segment: usize,
}

/// A line of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// Its number in the script, from 1.
    number: usize,
    content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Said(Side, Said),
    Tls,
    Cut,
    Closed,
}

/// What one end says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    /// A line, of which what is significant counts.
    Line(String),
    /// A line that counts as a whole.
    Exact(String),
    /// One member of a set.
    Member(String),
    /// Whatever other members there are.
    OtherMembers,
    /// Octets without a line end.
    Octets(Vec<u8>),
}

/// Where a conversation left the script.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure {
    /// The line of the script, from 1; behind the last line where something came that the script does not hold.
    pub line: usize,
    /// What the script wants there.
    pub expected: String,
    /// What came.
    pub got: String,
    /// The lines of the script before it.
    pub context: Vec<String>,
}

impl Transcript {
    /// Reads a script.
    ///
    /// # Errors
    ///
    /// [`Failure`] for a line that is none of the notation.
    pub fn parse(script: &str) -> Result<Self, Failure> {
        let mut entries = Vec::new();
        for (at, line) in script.lines().enumerate() {
            let number = at.saturating_add(1);
            let line = line.trim_start();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some(content) = content(line) else {
                return Err(Failure {
                    line: number,
                    expected: "a line of the notation".into(),
                    got: line.into(),
                    context: context(&entries),
                });
            };
            entries.push(Entry { number, content });
        }
        Ok(Self { entries, segment: usize::MAX })
    }

    /// The same, handed over in pieces of at most `octets`; at least one.
    #[must_use]
    pub fn in_segments_of(&self, octets: usize) -> Self {
        Self { entries: self.entries.clone(), segment: octets.max(1) }
    }
}

impl Said {
    /// The octets, as the end that the script stands for says them. A set is said in the order of the script.
    fn octets(&self) -> Vec<u8> {
        match self {
            Self::Line(line) | Self::Exact(line) | Self::Member(line) => format!("{line}\r\n").into_bytes(),
            Self::OtherMembers => Vec::new(),
            Self::Octets(octets) => octets.clone(),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (side, said) = match &self.content {
            Content::Tls => return f.write_str("-- tls"),
            Content::Cut => return f.write_str("-- cut"),
            Content::Closed => return f.write_str("-- closed"),
            Content::Said(Side::Client, said) => ('C', said),
            Content::Said(Side::Server, said) => ('S', said),
        };
        match said {
            Said::Line(line) => write!(f, "{side}: {line}"),
            Said::Exact(line) => write!(f, "{side}! {line}"),
            Said::Member(line) => write!(f, "{side}& {line}"),
            Said::OtherMembers => write!(f, "{side}& ..."),
            Said::Octets(octets) => write!(f, "{side}| {}", octets.escape_ascii()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the conversation leaves the script at line {}", self.line)?;
        for line in &self.context {
            writeln!(f, "         | {line}")?;
        }
        writeln!(f, "expected | {}", self.expected)?;
        write!(f, "got      | {}", self.got)
    }
}

/// As [`Display`](fmt::Display): this is what a failed `unwrap` shows.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {}

fn content(line: &str) -> Option<Content> {
    match line.trim_end() {
        "-- tls" => return Some(Content::Tls),
        "-- cut" => return Some(Content::Cut),
        "-- closed" => return Some(Content::Closed),
        _ => {}
    }
    let (mark, rest) = line.split_at_checked(2)?;
    let text = rest.strip_prefix(' ').or(rest.is_empty().then_some(rest))?;
    let mut mark = mark.chars();
    let side = match mark.next()? {
        'C' => Side::Client,
        'S' => Side::Server,
        _ => return None,
    };
    let said = match mark.next()? {
        ':' => Said::Line(text.into()),
        '!' => Said::Exact(text.into()),
        '&' if text.trim_end() == "..." => Said::OtherMembers,
        '&' => Said::Member(text.into()),
        '|' => Said::Octets(unescape(text)?),
        _ => return None,
    };
    Some(Content::Said(side, said))
}

/// `\r`, `\n`, `\\` and `\xNN`.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let mut rest = text.bytes();
    while let Some(octet) = rest.next() {
        octets.push(match octet {
            b'\\' => match rest.next()? {
                b'r' => b'\r',
                b'n' => b'\n',
                b'\\' => b'\\',
                b'x' => {
                    let digits = [rest.next()?, rest.next()?];
                    u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
                }
                _ => return None,
            },
            octet => octet,
        });
    }
    Some(octets)
}

/// The last lines of what was played.
fn context(entries: &[Entry]) -> Vec<String> {
    let start = entries.len().saturating_sub(CONTEXT_LINES);
    entries
        .get(start..)
        .unwrap_or_default()
        .iter()
        .map(|entry| format!("{:4} {entry}", entry.number))
        .collect()
}

const CONTEXT_LINES: usize = 4;
