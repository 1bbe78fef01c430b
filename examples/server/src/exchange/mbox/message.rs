//! What is around a message in an mbox: the fields with its flags in front, the empty line behind.

use std::collections::VecDeque;

use crate::exchange::{LineEnds, Sink};
use crate::store::{Flags, Keyword, StoreError, SystemFlags};

/// The fields in front of a message. Without `\Seen` the message is old all the same: what is new is the reader's
/// to say.
pub(super) fn fields(flags: &Flags, size: u64) -> String {
    let letters = |known: &[(char, SystemFlags)]| -> String {
        known.iter().filter(|(_, flag)| flags.system.contains(*flag)).map(|(letter, _)| *letter).collect()
    };
    let keywords: Vec<_> = flags.keywords.iter().map(Keyword::as_str).collect();
    let mut fields = format!("Status: {}O\n", letters(&STATUS));
    let marks = letters(&X_STATUS);
    if !marks.is_empty() {
        fields.push_str(&format!("X-Status: {marks}\n"));
    }
    if !keywords.is_empty() {
        fields.push_str(&format!("X-Keywords: {}\n", keywords.join(" ")));
    }
    fields.push_str(&format!("{OCTETS}: {size}\n"));
    fields
}

/// The size that a line says the message has.
pub(super) fn octets(line: &[u8]) -> Option<u64> {
    field(line, OCTETS)?.parse().ok()
}

/// Flags that are being read.
#[derive(Debug, Default)]
pub(super) struct Marks {
    system: SystemFlags,
    keywords: Vec<Keyword>,
}

impl Marks {
    /// Understands a field; whether it was one of those with flags.
    pub(super) fn take(&mut self, line: &[u8]) -> bool {
        for (name, known) in [("Status", &STATUS[..]), ("X-Status", &X_STATUS[..])] {
            if let Some(value) = field(line, name) {
                for (_, flag) in known.iter().filter(|(letter, _)| value.contains(*letter)) {
                    self.system = self.system | *flag;
                }
                return true;
            }
        }
        let keywords = field(line, "X-Keywords");
        self.keywords.extend(keywords.iter().flat_map(|value| value.split_ascii_whitespace()).filter_map(Keyword::new));
        keywords.is_some()
    }

    pub(super) fn flags(self) -> Flags {
        Flags { system: self.system, keywords: self.keywords.into_iter().collect() }
    }
}

/// The value of the field that a line is.
fn field<'a>(line: &'a [u8], name: &str) -> Option<&'a str> {
    let (found, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
    found.trim_end().eq_ignore_ascii_case(name).then(|| value.trim())
}

/// Passes the text of a message on, without what belongs to the mbox behind it. Of the line ends, the last two are
/// kept back until it is known what comes.
#[derive(Debug)]
pub(super) struct Body {
    /// The size, where the message is as it is.
    octets: Option<u64>,
    ends: LineEnds,
    written: u64,
    kept: VecDeque<Kept>,
    /// A CR that may be half a line end.
    cr: bool,
    line_is_empty: bool,
}

#[derive(Debug)]
struct Kept {
    end: &'static [u8],
    /// Of an empty line.
    is_empty: bool,
}

impl Body {
    /// A message of so many octets, each of which counts.
    pub(super) fn as_it_is(octets: u64) -> Self {
        Self { octets: Some(octets), ..Self::with_line_ends() }
    }

    /// A message whose lines are to end as on the wire.
    pub(super) fn with_line_ends() -> Self {
        let (ends, kept) = (LineEnds::default(), VecDeque::new());
        Self { octets: None, ends, written: 0, kept, cr: false, line_is_empty: true }
    }

    /// Whether the last line was empty, and another begins.
    pub(super) fn is_after_empty_line(&self) -> bool {
        self.line_is_empty && !self.cr && self.kept.back().is_some_and(|kept| kept.is_empty)
    }

    /// Adds a line or a piece of one.
    pub(super) fn add(&mut self, piece: &[u8], sink: &mut Sink<'_>) -> Result<(), StoreError> {
        let (text, is_end) = match piece.strip_suffix(b"\n") {
            Some(text) => (text, true),
            None => (piece, false),
        };
        if self.cr && !text.is_empty() {
            self.cr = false;
            self.text(b"\r", sink)?;
        }
        let text = match text.strip_suffix(b"\r") {
            Some(before) => {
                self.text(before, sink)?;
                self.cr = true;
                &[]
            }
            None => text,
        };
        self.text(text, sink)?;
        if is_end {
            let end: &[u8] = if std::mem::take(&mut self.cr) { b"\r\n" } else { b"\n" };
            self.kept.push_back(Kept { end, is_empty: self.line_is_empty });
            self.line_is_empty = true;
            if self.kept.len() > 2
                && let Some(kept) = self.kept.pop_front()
            {
                self.put(kept.end, sink)?;
            }
        }
        Ok(())
    }

    /// Ends the message.
    pub(super) fn end(mut self, sink: &mut Sink<'_>) -> Result<(), StoreError> {
        if self.cr {
            self.text(b"\r", sink)?;
        }
        if self.octets.is_none() && self.kept.back().is_some_and(|kept| kept.is_empty) {
            self.kept.pop_back();
        }
        while let Some(Kept { end, .. }) = self.kept.pop_front() {
            let left = self.octets.map_or(u64::MAX, |octets| octets.saturating_sub(self.written));
            let length = usize::try_from(left).unwrap_or(usize::MAX).min(end.len());
            self.put(end.get(..length).unwrap_or_default(), sink)?;
        }
        Ok(())
    }

    fn text(&mut self, text: &[u8], sink: &mut Sink<'_>) -> Result<(), StoreError> {
        if text.is_empty() {
            return Ok(());
        }
        self.line_is_empty = false;
        while let Some(kept) = self.kept.pop_front() {
            self.put(kept.end, sink)?;
        }
        self.put(text, sink)
    }

    fn put(&mut self, octets: &[u8], sink: &mut Sink<'_>) -> Result<(), StoreError> {
        self.written = self.written.saturating_add(octets.len() as u64);
        if self.octets.is_some() { sink(octets) } else { self.ends.pass(octets, sink) }
    }
}

/// Letters of `Status`.
const STATUS: [(char, SystemFlags); 1] = [('R', SystemFlags::SEEN)];

/// Letters of `X-Status`.
const X_STATUS: [(char, SystemFlags); 4] = [
    ('A', SystemFlags::ANSWERED),
    ('F', SystemFlags::FLAGGED),
    ('D', SystemFlags::DELETED),
    ('T', SystemFlags::DRAFT),
];

/// The size of the message that follows as it is.
const OCTETS: &str = "X-Posthaste-Octets";
