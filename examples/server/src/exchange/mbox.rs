//! mbox (RFC 4155): one file for each mailbox, `From ` before each message, its date in it; in the text such lines are
//! quoted with one `>` more (mboxrd), which comes off again.
//!
//! Flags stand in `Status`, `X-Status` and `X-Keywords`. What is written here has them first, and then a field with
//! the size of the message, which begins after it. In what other programs have written, those fields are taken out
//! wherever they are in the header. A line begins a message only after an empty one and with a date in it, so that
//! programs that do not quote lose nothing. `Content-Length` (mboxcl2) counts where the next message, or the end of
//! the file, is just there; nothing in between is quoted then.

mod message;
mod separator;

use std::io::{BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::names::{Index, MBOX, mailbox_name};
use super::{
    Announced, Entry, Folder, Head, LineEnds, Reader, Sink, ToCrLf, Writer, add, create, entries, open_plain,
    reading, without_cr, writing,
};
use crate::store::{InternalDate, StoreError};
use message::{Body, Marks};

/// The mailboxes in a directory: files that begin as an mbox does, or are called `.mbox`, whatever is in them.
pub(super) fn folders(path: &Path, index: &Index) -> Result<Vec<Folder>, StoreError> {
    let mut found = Vec::new();
    for Entry { file, kind } in entries(path)? {
        let within = path.join(&file);
        let file = file.to_string_lossy();
        if !kind.is_file() || file.starts_with('.') {
            continue;
        }
        let failed = |error| reading(&within, &error);
        let opened = open_plain(&within).map_err(failed)?;
        let weight = opened.metadata().map_err(failed)?.len();
        let mut first = Vec::new();
        opened.take(FROM.len() as u64).read_to_end(&mut first).map_err(failed)?;
        let plain = file.strip_suffix(MBOX);
        if first == FROM || plain.is_some() {
            let name =
                index.mailbox(&file).map_or_else(|| mailbox_name(plain.unwrap_or(&file)), str::to_owned);
            add(&mut found, Folder { path: within, name, weight })?;
        }
    }
    Ok(found)
}

/// Reads an mbox.
#[derive(Debug)]
pub struct Messages {
    path: PathBuf,
    file: BufReader<std::fs::File>,
    size: u64,
    done: u64,
    /// The date of the message that comes next; `None` before the first and after the last.
    next: Option<InternalDate>,
    /// The date of a first message whose `From ` has none: that of the file, so that it is the same each time.
    undated: InternalDate,
    begun: bool,
}

/// What is behind some empty lines.
enum After {
    Message(InternalDate),
    End,
    Text,
}

impl Messages {
    /// Opens the file.
    ///
    /// # Errors
    ///
    /// It can not be read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, BUFFER)
    }

    /// As [`open`](Self::open), and reads so many octets at once: what comes out is the same.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_with(path: &Path, buffer: usize) -> Result<Self, StoreError> {
        let failed = |error| reading(path, &error);
        let file = open_plain(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let undated = metadata.modified().map_err(failed)?.into();
        let file = BufReader::with_capacity(buffer.max(1), file);
        let path = path.to_owned();
        Ok(Self { path, file, size: metadata.len(), done: 0, next: None, undated, begun: false })
    }

    /// Finds the first message.
    fn start(&mut self) -> Result<(), StoreError> {
        self.begun = true;
        let line = self.line(LINE_MAX)?;
        if line.is_empty() {
            return Ok(());
        }
        if !line.starts_with(FROM) {
            let not =
                std::io::Error::new(std::io::ErrorKind::InvalidData, "this is no mbox: `From ` is not first");
            return Err(reading(&self.path, &not));
        }
        self.next = Some(separator::date(&line).unwrap_or(self.undated));
        Ok(())
    }

    /// The fields in front of a message that say its flags; what of them is not known to be such goes to the body.
    fn marks(&mut self, sink: &mut Sink<'_>) -> Result<(Marks, Body), StoreError> {
        let mut marks = Marks::default();
        loop {
            let line = self.line(LINE_MAX)?;
            if let Some((octets, ends)) = message::octets(&line) {
                return Ok((marks.without_octets(), Body::of(octets, ends)));
            }
            if marks.take(&line) {
                continue;
            }
            // Another program's.
            let mut body = Body::of_unknown_size();
            let mut line = line;
            let mut taken = false;
            loop {
                let is_folded = line.starts_with(b" ") || line.starts_with(b"\t");
                taken = if is_folded { taken } else { marks.take(&line) };
                let is_whole = line.ends_with(b"\n");
                let is_end = matches!(line.as_slice(), b"" | b"\n" | b"\r\n");
                if !taken {
                    body.add(&line, sink)?;
                }
                if is_end {
                    body.end_header();
                    return Ok((marks, body));
                }
                if !is_whole {
                    self.rest_of_line(&mut body, sink)?;
                }
                line = self.line(LINE_MAX)?;
            }
        }
    }

    /// Whether so many octets further, and perhaps after empty lines, is the next message or the end of the file.
    fn is_right(&mut self, octets: u64) -> Result<bool, StoreError> {
        let (here, size) = (self.done, self.size);
        let Some(there) = here.checked_add(octets).filter(|there| *there <= size) else { return Ok(false) };
        self.seek(there)?;
        let found = self.after_empty_lines();
        self.seek(here)?;
        Ok(!matches!(found?, After::Text))
    }

    fn seek(&mut self, to: u64) -> Result<(), StoreError> {
        self.file.seek(SeekFrom::Start(to)).map_err(|error| reading(&self.path, &error))?;
        self.done = to;
        Ok(())
    }

    /// Passes empty lines, and the line after them.
    fn after_empty_lines(&mut self) -> Result<After, StoreError> {
        loop {
            let line = self.line(LINE_MAX)?;
            match line.as_slice() {
                b"\n" | b"\r\n" => {}
                b"" => return Ok(After::End),
                line if line.starts_with(FROM) => {
                    return Ok(separator::date(line).map_or(After::Text, After::Message));
                }
                _ => return Ok(After::Text),
            }
        }
    }

    /// Reads so many octets, and on to the next message.
    fn counted(&mut self, octets: u64, sink: &mut Sink<'_>) -> Result<(), StoreError> {
        let mut ends = ToCrLf::default();
        let mut left = octets;
        while left > 0 {
            let found = self.file.fill_buf().map_err(|error| reading(&self.path, &error))?;
            let length = found.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            if length == 0 {
                break;
            }
            ends.pass(found.get(..length).unwrap_or_default(), sink)?;
            self.skip(length);
            left = left.saturating_sub(length as u64);
        }
        self.next = match self.after_empty_lines()? {
            After::Message(date) => Some(date),
            After::End | After::Text => None,
        };
        Ok(())
    }

    /// Reads on to the next message.
    fn text(&mut self, body: &mut Body, sink: &mut Sink<'_>) -> Result<(), StoreError> {
        self.next = None;
        while self.peek()?.is_some() {
            let mut quotes: u64 = 0;
            while self.peek()? == Some(b'>') {
                self.skip(1);
                quotes = quotes.saturating_add(1);
            }
            let mut matched = 0;
            while let Some(wanted) = FROM.get(matched)
                && self.peek()? == Some(*wanted)
            {
                self.skip(1);
                matched = matched.saturating_add(1);
            }
            let is_from = matched == FROM.len();
            if is_from && quotes == 0 && body.is_after_empty_line() {
                let mut line = FROM.to_vec();
                line.extend(self.line(LINE_MAX)?);
                if let Some(date) = separator::date(&line) {
                    self.next = Some(date);
                    return Ok(());
                }
                body.add(&line, sink)?;
                if line.ends_with(b"\n") {
                    continue;
                }
            } else {
                for _ in u64::from(is_from)..quotes {
                    body.add(b">", sink)?;
                }
                body.add(FROM.get(..matched).unwrap_or_default(), sink)?;
            }
            self.rest_of_line(body, sink)?;
        }
        Ok(())
    }

    fn rest_of_line(&mut self, body: &mut Body, sink: &mut Sink<'_>) -> Result<(), StoreError> {
        loop {
            let octets = self.file.fill_buf().map_err(|error| reading(&self.path, &error))?;
            if octets.is_empty() {
                return Ok(());
            }
            let end = octets.iter().position(|octet| *octet == b'\n');
            let length = end.map_or(octets.len(), |end| end.saturating_add(1));
            body.add(octets.get(..length).unwrap_or_default(), sink)?;
            self.skip(length);
            if end.is_some() {
                return Ok(());
            }
        }
    }

    /// A line with its end, or the first `max` octets of it; empty at the end of the file.
    fn line(&mut self, max: u64) -> Result<Vec<u8>, StoreError> {
        let mut line = Vec::new();
        let outcome = self.file.by_ref().take(max).read_until(b'\n', &mut line);
        let read = outcome.map_err(|error| reading(&self.path, &error))?;
        self.done = self.done.saturating_add(read as u64);
        Ok(line)
    }

    fn peek(&mut self) -> Result<Option<u8>, StoreError> {
        let octets = self.file.fill_buf().map_err(|error| reading(&self.path, &error))?;
        Ok(octets.first().copied())
    }

    fn skip(&mut self, octets: usize) {
        self.file.consume(octets);
        self.done = self.done.saturating_add(octets as u64);
    }
}

impl Reader for Messages {
    fn next(&mut self, sink: &mut Sink<'_>) -> Result<Option<Head>, StoreError> {
        if !self.begun {
            self.start()?;
        }
        let Some(date) = self.next else { return Ok(None) };
        let (marks, mut body) = self.marks(sink)?;
        match marks.octets() {
            Some(octets) if self.is_right(octets)? => {
                body.end_here(sink)?;
                self.counted(octets, sink)?;
            }
            _ => {
                self.text(&mut body, sink)?;
                body.end(sink)?;
            }
        }
        Ok(Some(Head { flags: marks.flags(), date }))
    }

    fn done(&self) -> u64 {
        self.done
    }
}

/// Writes an mbox.
#[derive(Debug)]
pub struct File {
    path: PathBuf,
    file: BufWriter<std::fs::File>,
    quoting: Quoting,
    ends: LineEnds,
    /// Nothing is in the line yet.
    at_start: bool,
}

/// Where in a line the writer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quoting {
    /// At its beginning, or after nothing but `>`, and then so many octets of `From `.
    Matched(usize),
    /// Where nothing needs to be quoted.
    Within,
}

impl File {
    /// Makes the file, which must not exist.
    ///
    /// # Errors
    ///
    /// It could not be made.
    pub fn make(path: &Path) -> Result<Self, StoreError> {
        let file = BufWriter::new(create(path)?);
        Ok(Self {
            path: path.to_owned(),
            file,
            quoting: Quoting::Matched(0),
            ends: LineEnds::CrLf,
            at_start: true,
        })
    }

    fn put(&mut self, octets: &[u8]) -> Result<(), StoreError> {
        self.file.write_all(octets).map_err(|error| writing(&self.path, &error))
    }

    fn quoted(&mut self, octets: &[u8]) -> Result<(), StoreError> {
        self.at_start = octets.last().map_or(self.at_start, |last| *last == b'\n');
        let mut rest = octets;
        while let Some((octet, after)) = rest.split_first() {
            match self.quoting {
                Quoting::Within => {
                    let end = rest.iter().position(|octet| *octet == b'\n');
                    let length = end.map_or(rest.len(), |end| end.saturating_add(1));
                    let (line, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
                    self.put(line)?;
                    if end.is_some() {
                        self.quoting = Quoting::Matched(0);
                    }
                    rest = after;
                }
                // One more `>` after some is one more before them.
                Quoting::Matched(0) if *octet == b'>' => {
                    self.put(b">")?;
                    rest = after;
                }
                Quoting::Matched(held) if FROM.get(held) == Some(octet) => {
                    let held = held.saturating_add(1);
                    self.quoting = Quoting::Matched(held);
                    if held == FROM.len() {
                        self.put(b">")?;
                        self.release()?;
                        self.quoting = Quoting::Within;
                    }
                    rest = after;
                }
                Quoting::Matched(_) => {
                    self.release()?;
                    self.quoting = Quoting::Within;
                }
            }
        }
        Ok(())
    }

    /// Writes what was held back because it might have been the beginning of `From `.
    fn release(&mut self) -> Result<(), StoreError> {
        match self.quoting {
            Quoting::Matched(held) => self.put(FROM.get(..held).unwrap_or_default()),
            Quoting::Within => Ok(()),
        }
    }
}

impl Writer for File {
    fn begin(&mut self, head: &Head, announced: Announced) -> Result<(), StoreError> {
        let Announced { uid: _, size, ends } = announced;
        let lines = format!("{}{}", separator::line(head.date), message::fields(&head.flags, size, ends));
        self.quoting = Quoting::Matched(0);
        self.ends = ends;
        self.at_start = true;
        self.put(lines.as_bytes())
    }

    fn write(&mut self, octets: &[u8]) -> Result<(), StoreError> {
        match self.ends {
            LineEnds::Mixed => self.quoted(octets),
            LineEnds::CrLf => without_cr(octets).try_for_each(|piece| self.quoted(piece)),
        }
    }

    fn end(&mut self) -> Result<(), StoreError> {
        self.release()?;
        // The message has its size in front: a line end more is none of its own.
        let end = if self.at_start { &b"\n"[..] } else { b"\n\n" };
        self.put(end)
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        let written = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        written.map_err(|error| writing(&self.path, &error))
    }
}

/// Octets read at once.
const BUFFER: usize = 64 * 1024;

/// What begins a message.
const FROM: &[u8] = b"From ";

/// Octets of a line that are looked at together. Longer ones are passed on in pieces.
const LINE_MAX: u64 = 8 * 1024;
