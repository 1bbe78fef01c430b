//! What is around a message in an mbox: the fields with its flags in front, the empty line behind.

use std::collections::{BTreeSet, VecDeque};

use crate::exchange::{LineEnds, Sink};
use crate::store::{Flags, KEYWORDS_MAX, Keyword, StoreError, SystemFlags};

/// The fields in front of a message. Without `\Seen` the message is old all the same: what is new is the reader's
/// to say.
pub(super) fn fields(flags: &Flags, size: u64, ends: LineEnds) -> String {
    let letters = |known: &[(char, SystemFlags)]| -> String {
        known.iter().filter(|(_, flag)| flags.system.contains(*flag)).map(|(letter, _)| *letter).collect()
    };
    let keywords: Vec<_> = flags.keywords.iter().map(Keyword::as_str).collect();
    let mut fields = format!("Status: {}O\n", letters(&STATUS));
    let marks = letters(&X_STATUS);
    if !marks.is_empty() {
        fields.push_str(&format!("X-Status: {marks}\n"));
    }
    for some in keywords.chunks(KEYWORDS_OF_LINE) {
        fields.push_str(&format!("X-Keywords: {}\n", some.join(" ")));
    }
    let mark = match ends {
        LineEnds::CrLf => "",
        LineEnds::Mixed => MIXED,
    };
    fields.push_str(&format!("{OCTETS}: {size}{mark}\n"));
    fields
}

/// The size that a line says the message has, and how its lines end.
pub(super) fn octets(line: &[u8]) -> Option<(u64, LineEnds)> {
    let value = field(line, OCTETS)?;
    let (size, ends) = match value.strip_suffix(MIXED) {
        Some(size) => (size, LineEnds::Mixed),
        None => (value, LineEnds::CrLf),
    };
    Some((size.parse().ok()?, ends))
}

/// Flags that are being read.
#[derive(Debug, Default)]
pub(super) struct Marks {
    system: SystemFlags,
    keywords: BTreeSet<Keyword>,
    octets: Option<u64>,
}

impl Marks {
    /// How many octets of the file follow the header, if that is said.
    pub(super) fn octets(&self) -> Option<u64> {
        self.octets
    }

    /// Understands a field; whether it was one of those that belong to the mbox.
    pub(super) fn take(&mut self, line: &[u8]) -> bool {
        for (name, known) in [("Status", &STATUS[..]), ("X-Status", &X_STATUS[..])] {
            if let Some(value) = field(line, name) {
                for (_, flag) in known.iter().filter(|(letter, _)| value.contains(*letter)) {
                    self.system = self.system | *flag;
                }
                return true;
            }
        }
        if let Some(octets) = field(line, "Content-Length") {
            self.octets = octets.parse().ok();
            return true;
        }
        let keywords = field(line, "X-Keywords");
        for keyword in
            keywords.iter().flat_map(|value| value.split_ascii_whitespace()).filter_map(Keyword::new)
        {
            if self.keywords.len() < KEYWORDS_MAX as usize {
                self.keywords.insert(keyword);
            }
        }
        keywords.is_some()
    }

    /// The same, where something better says how long the message is.
    pub(super) fn without_octets(self) -> Self {
        Self { octets: None, ..self }
    }

    pub(super) fn flags(self) -> Flags {
        Flags { system: self.system, keywords: self.keywords.into() }
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
    /// The size, where it is known.
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
    /// Of the line that ends the header, which is never the one behind the message.
    of_header: bool,
}

impl Body {
    /// A message of so many octets.
    pub(super) fn of(octets: u64, ends: LineEnds) -> Self {
        Self { octets: Some(octets), ends, ..Self::of_unknown_size() }
    }

    /// A message that is all there is, without the empty line behind it.
    pub(super) fn of_unknown_size() -> Self {
        let (ends, kept) = (LineEnds::CrLf, VecDeque::new());
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
            let has_cr = std::mem::take(&mut self.cr) || self.ends == LineEnds::CrLf;
            let end: &[u8] = if has_cr { b"\r\n" } else { b"\n" };
            self.kept.push_back(Kept { end, is_empty: self.line_is_empty, of_header: false });
            self.line_is_empty = true;
            if self.kept.len() > 2
                && let Some(kept) = self.kept.pop_front()
            {
                self.put(kept.end, sink)?;
            }
        }
        Ok(())
    }

    /// The header has ended with the last line.
    pub(super) fn end_header(&mut self) {
        if let Some(kept) = self.kept.back_mut() {
            kept.of_header = true;
        }
    }

    /// Ends the message.
    pub(super) fn end(mut self, sink: &mut Sink<'_>) -> Result<(), StoreError> {
        if self.cr {
            self.text(b"\r", sink)?;
        }
        if self.octets.is_none() && self.kept.back().is_some_and(|kept| kept.is_empty && !kept.of_header) {
            self.kept.pop_back();
        }
        while let Some(Kept { end, .. }) = self.kept.pop_front() {
            let left = self.octets.map_or(u64::MAX, |octets| octets.saturating_sub(self.written));
            let length = usize::try_from(left).unwrap_or(usize::MAX).min(end.len());
            self.put(end.get(..length).unwrap_or_default(), sink)?;
        }
        Ok(())
    }

    /// Ends what has come as it is, as the header is whose text is counted.
    pub(super) fn end_here(mut self, sink: &mut Sink<'_>) -> Result<(), StoreError> {
        if self.cr {
            self.text(b"\r", sink)?;
        }
        self.kept.drain(..).try_for_each(|kept| sink(kept.end))
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
        sink(octets)
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

/// Keywords that make no line too long to be read.
const KEYWORDS_OF_LINE: usize = 50;

/// The size that the message has on the wire; after this field it begins.
const OCTETS: &str = "X-Posthaste-Octets";

/// Behind the size where the lines of the message end as they do in the file.
const MIXED: &str = " mixed";
