//! Maildir: `cur`, `new` and `tmp`, flags in the names, the date as the time of the file; folders as directories that
//! begin with a dot (Maildir++). Keywords are small letters, which `dovecot-keywords` explains, as Dovecot has them;
//! `$Forwarded` is `P`.
//!
//! A file whose name says truly that its size (`S=`) is also the size it has on the wire (`W=`) is taken as it is; in
//! all others LF becomes CR LF. Keywords beyond the twenty-sixth of a mailbox have no letter and are not written.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::names::{Index, mailbox_name};
use super::{
    Announced, Entry, Folder, Head, LineEnds, Reader, Sink, ToCrLf, Writer, add, create, entries,
    is_directory, make_private, open_plain, read_small, reading, without_cr, writing,
};
use crate::store::{Flags, InternalDate, Keyword, StoreError, SystemFlags};

/// The mailboxes of a Maildir: itself, which is INBOX, and its folders.
pub(super) fn folders(path: &Path, index: &Index) -> Result<Vec<Folder>, StoreError> {
    let mut found = vec![folder(path.to_owned(), "INBOX".to_owned())?];
    for Entry { file, kind } in entries(path)? {
        let within = path.join(&file);
        let file = file.to_string_lossy();
        let Some(plain) =
            file.strip_prefix('.').filter(|_| kind.is_dir() && is_directory(&within.join("cur")))
        else {
            continue;
        };
        let name = index.mailbox(&file).map_or_else(|| mailbox_name(plain), str::to_owned);
        add(&mut found, folder(within, name)?)?;
    }
    Ok(found)
}

fn folder(path: PathBuf, name: String) -> Result<Folder, StoreError> {
    let weight = Files::open(&path)?.files.len() as u64;
    Ok(Folder { path, name, weight })
}

/// Makes the three directories.
pub(super) fn make(path: &Path) -> Result<(), StoreError> {
    PARTS.iter().try_for_each(|part| make_private(&path.join(part)))
}

/// Reads a Maildir, in the order in which the messages came.
#[derive(Debug)]
pub struct Files {
    path: PathBuf,
    /// In which directory, and their names.
    files: VecDeque<(&'static str, OsString)>,
    keywords: BTreeMap<char, Keyword>,
    done: u64,
    passed_over: u64,
}

impl Files {
    /// Looks what is there.
    ///
    /// # Errors
    ///
    /// It can not be read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut files = Vec::new();
        let mut passed_over: u64 = 0;
        for part in ["cur", "new"] {
            let within = path.join(part);
            if !is_directory(&within) {
                continue;
            }
            for Entry { file, kind } in entries(&within)? {
                if file.as_encoded_bytes().starts_with(b".") {
                    continue;
                }
                if kind.is_file() {
                    files.push((part, file));
                } else {
                    passed_over = passed_over.saturating_add(1);
                }
            }
        }
        files.sort_by_cached_key(|(_, file)| parts(&file.to_string_lossy()));
        let keywords = read_keywords(path)?;
        Ok(Self { path: path.to_owned(), files: files.into(), keywords, done: 0, passed_over })
    }

    fn flags(&self, name: &str) -> Flags {
        let info = name.rsplit_once([':', ';', '!']).and_then(|(_, info)| info.strip_prefix("2,"));
        let mut flags = Flags::default();
        let mut keywords = Vec::new();
        for letter in info.unwrap_or_default().chars() {
            match LETTERS.iter().find(|(known, _)| *known == letter) {
                Some((_, flag)) => flags.system = flags.system | *flag,
                None if letter == PASSED => keywords.extend(Keyword::new(FORWARDED)),
                None => keywords.extend(self.keywords.get(&letter).cloned()),
            }
        }
        flags.keywords = keywords.into_iter().collect();
        flags
    }
}

impl Reader for Files {
    fn next(&mut self, sink: &mut Sink<'_>) -> Result<Option<Head>, StoreError> {
        while let Some((part, file)) = self.files.pop_front() {
            self.done = self.done.saturating_add(1);
            let (path, name) = (self.path.join(part).join(&file), file.to_string_lossy());
            let failed = |error| reading(&path, &error);
            let mut file = match open_plain(&path) {
                // Another program has renamed or removed it meanwhile.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    self.passed_over = self.passed_over.saturating_add(1);
                    continue;
                }
                opened => opened.map_err(failed)?,
            };
            let metadata = file.metadata().map_err(failed)?;
            let date = InternalDate::from(metadata.modified().map_err(failed)?);
            let as_it_is = is_as_on_the_wire(&name, metadata.len());
            let mut ends = ToCrLf::default();
            let mut buffer = vec![0; BUFFER];
            loop {
                let read = file.read(&mut buffer).map_err(failed)?;
                let octets = buffer.get(..read).unwrap_or_default();
                match octets {
                    [] => break,
                    octets if as_it_is => sink(octets)?,
                    octets => ends.pass(octets, sink)?,
                }
            }
            return Ok(Some(Head { flags: self.flags(&name), date }));
        }
        tracing::debug!(path = %self.path.display(), messages = self.done, "a Maildir was read");
        Ok(None)
    }

    fn done(&self) -> u64 {
        self.done
    }

    fn passed_over(&self) -> u64 {
        self.passed_over
    }
}

/// Writes a Maildir.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    second: i64,
    letters: BTreeMap<Keyword, char>,
    keywords_left_out: usize,
    message: Option<Message>,
}

#[derive(Debug)]
struct Message {
    file: BufWriter<std::fs::File>,
    /// Of the file while it is written, and what its later name begins with.
    name: String,
    announced: Announced,
    written: u64,
    head: Head,
}

impl Directory {
    /// Makes the directories that are missing. Only the first 26 keywords are kept.
    ///
    /// # Errors
    ///
    /// They could not be made.
    pub fn make(path: &Path, keywords: &[Keyword]) -> Result<Self, StoreError> {
        if !path.is_dir() {
            make_private(path)?;
            make(path)?;
            // What tells a folder of Maildir++ from an account.
            create(&path.join("maildirfolder"))?;
        }
        let is_named = |keyword: &&Keyword| !keyword.as_str().eq_ignore_ascii_case(FORWARDED);
        let named: Vec<Keyword> = keywords.iter().filter(is_named).cloned().collect();
        let count = named.len();
        let letters: BTreeMap<Keyword, char> = named.into_iter().zip('a'..='z').collect();
        let keywords_left_out = count.saturating_sub(letters.len());
        if !letters.is_empty() {
            let file = path.join(KEYWORDS);
            let lines = (0..).zip('a'..='z').filter_map(|(number, letter)| {
                let keyword = letters.iter().find(|(_, known)| **known == letter)?.0;
                Some(format!("{number} {}\n", keyword.as_str()))
            });
            let text: String = lines.collect();
            create(&file)?.write_all(text.as_bytes()).map_err(|error| writing(&file, &error))?;
        }
        let second = InternalDate::now().seconds;
        Ok(Self { path: path.to_owned(), second, letters, keywords_left_out, message: None })
    }

    fn info(&self, flags: &Flags) -> String {
        let system =
            LETTERS.iter().filter(|(_, flag)| flags.system.contains(*flag)).map(|(letter, _)| *letter);
        let keywords = flags.keywords.iter().filter_map(|keyword| {
            let is_forwarded = keyword.as_str().eq_ignore_ascii_case(FORWARDED);
            if is_forwarded { Some(PASSED) } else { self.letters.get(keyword).copied() }
        });
        let mut letters: Vec<char> = system.chain(keywords).collect();
        letters.sort_unstable();
        letters.into_iter().collect()
    }
}

impl Writer for Directory {
    fn begin(&mut self, head: &Head, announced: Announced) -> Result<(), StoreError> {
        let name = format!("{}.M{:010}.posthaste", self.second, announced.uid);
        let file = BufWriter::new(create(&self.path.join("tmp").join(&name))?);
        self.message = Some(Message { file, name, announced, written: 0, head: head.clone() });
        Ok(())
    }

    fn write(&mut self, octets: &[u8]) -> Result<(), StoreError> {
        let Some(message) = &mut self.message else { return Ok(()) };
        let written = match message.announced.ends {
            LineEnds::Mixed => message.put(octets),
            LineEnds::CrLf => without_cr(octets).try_for_each(|piece| message.put(piece)),
        };
        written.map_err(|error| writing(&self.path, &error))
    }

    fn end(&mut self) -> Result<(), StoreError> {
        let Some(message) = self.message.take() else { return Ok(()) };
        let Message { file, name, announced, written, head } = message;
        let failed = |error| writing(&self.path, &error);
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        if let Some(time) = system_time(head.date) {
            file.set_modified(time).map_err(failed)?;
        }
        let whole = format!("{name},S={written},W={}{MARK}2,{}", announced.size, self.info(&head.flags));
        std::fs::rename(self.path.join("tmp").join(name), self.path.join("cur").join(whole)).map_err(failed)
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn note(&self) -> Option<String> {
        (self.keywords_left_out > 0).then(|| {
            format!("{} keywords have no place in a Maildir and were left out", self.keywords_left_out)
        })
    }
}

impl Message {
    fn put(&mut self, octets: &[u8]) -> std::io::Result<()> {
        self.written = self.written.saturating_add(octets.len() as u64);
        self.file.write_all(octets)
    }
}

/// A name as numbers and what is between them: the second of the delivery comes first in it, and then what tells those
/// of one second apart, which most programs count as well.
fn parts(name: &str) -> Vec<(u64, String)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let (digits, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
        let (text, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        parts.push((digits.parse().unwrap_or(u64::MAX), text.to_owned()));
        rest = after;
    }
    parts
}

/// Which letter is which keyword.
fn read_keywords(path: &Path) -> Result<BTreeMap<char, Keyword>, StoreError> {
    let octets = read_small(&path.join(KEYWORDS), KEYWORDS_MAX)?.unwrap_or_default();
    let text = String::from_utf8_lossy(&octets);
    let keyword = |line: &str| {
        let (number, keyword) = line.trim_end().split_once(' ')?;
        Some((('a'..='z').nth(number.parse().ok()?)?, Keyword::new(keyword)?))
    };
    Ok(text.lines().filter_map(keyword).collect())
}

fn is_as_on_the_wire(name: &str, size: u64) -> bool {
    let field = |mark: &str| {
        let field = name.split([',', ':', ';', '!']).find_map(|field| field.strip_prefix(mark));
        field.and_then(|size| size.parse::<u64>().ok())
    };
    field("S=") == Some(size) && field("W=") == Some(size)
}

fn system_time(date: InternalDate) -> Option<SystemTime> {
    let distance = Duration::from_secs(date.seconds.unsigned_abs());
    if date.seconds < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
}

/// What a Maildir consists of.
const PARTS: [&str; 3] = ["cur", "new", "tmp"];

/// Flags as letters.
const LETTERS: [(char, SystemFlags); 5] = [
    ('D', SystemFlags::DRAFT),
    ('F', SystemFlags::FLAGGED),
    ('R', SystemFlags::ANSWERED),
    ('S', SystemFlags::SEEN),
    ('T', SystemFlags::DELETED),
];

/// Passed on to somebody.
const PASSED: char = 'P';

/// The keyword for that.
const FORWARDED: &str = "$Forwarded";

/// Which letter is which keyword, by number.
const KEYWORDS: &str = "dovecot-keywords";

/// Octets of that which are read.
const KEYWORDS_MAX: u64 = 64 * 1024;

/// What stands before the flags. Windows has no colon in names.
const MARK: &str = if cfg!(windows) { ";" } else { ":" };

/// Octets read at once.
const BUFFER: usize = 64 * 1024;
