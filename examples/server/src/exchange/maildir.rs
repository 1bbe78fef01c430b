//! Maildir: `cur`, `new` and `tmp`, flags in the names, the date as the time of the file; folders as directories that
//! begin with a dot (Maildir++). Keywords are small letters, which `dovecot-keywords` explains, as Dovecot has them;
//! `$Forwarded` is `P`.
//!
//! A file whose name says that its size (`S=`) is also the size it has on the wire (`W=`) is taken as it is; in all
//! others LF becomes CR LF. Keywords beyond the twenty-sixth of a mailbox have no letter and are not written.

use std::collections::{BTreeMap, VecDeque};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::names::{Index, mailbox_name};
use super::{Entry, Folder, Head, LineEnds, Reader, Sink, Writer, create, entries, make_private, reading, writing};
use crate::store::{Flags, InternalDate, Keyword, StoreError, SystemFlags};

/// The mailboxes of a Maildir: itself, which is INBOX, and its folders.
pub(super) fn folders(path: &Path, index: &Index) -> Result<Vec<Folder>, StoreError> {
    let mut found = vec![folder(path.to_owned(), "INBOX".to_owned())?];
    for Entry { name: file, path: within, metadata } in entries(path)? {
        let Some(plain) = file.strip_prefix('.').filter(|_| metadata.is_dir() && within.join("cur").is_dir())
        else {
            continue;
        };
        let name = index.mailbox(&file).map_or_else(|| mailbox_name(plain), str::to_owned);
        found.push(folder(within, name)?);
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
    files: VecDeque<(PathBuf, String)>,
    keywords: BTreeMap<char, Keyword>,
    done: u64,
}

impl Files {
    /// Looks what is there.
    ///
    /// # Errors
    ///
    /// It can not be read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut files = Vec::new();
        for part in ["cur", "new"] {
            let within = path.join(part);
            if !within.is_dir() {
                continue;
            }
            for Entry { name, path, metadata } in entries(&within)? {
                if metadata.is_file() && !name.starts_with('.') {
                    files.push((path, name));
                }
            }
        }
        // The second of the delivery comes first in a name.
        let second = |name: &str| name.split('.').next().and_then(|second| second.parse::<u64>().ok());
        files.sort_by_cached_key(|(_, name)| (second(name), name.clone()));
        Ok(Self { path: path.to_owned(), files: files.into(), keywords: read_keywords(path)?, done: 0 })
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
        while let Some((path, name)) = self.files.pop_front() {
            self.done = self.done.saturating_add(1);
            let failed = |error| reading(&path, &error);
            let mut file = match std::fs::File::open(&path) {
                // Another program has renamed or removed it meanwhile.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                opened => opened.map_err(failed)?,
            };
            let date = internal_date(file.metadata().and_then(|metadata| metadata.modified()).map_err(failed)?);
            let as_it_is = is_as_on_the_wire(&name);
            let mut ends = LineEnds::default();
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
}

/// Writes a Maildir.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    second: i64,
    letters: BTreeMap<Keyword, char>,
    message: Option<Message>,
}

#[derive(Debug)]
struct Message {
    file: BufWriter<std::fs::File>,
    name: String,
    date: InternalDate,
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
        let named = keywords.iter().filter(|keyword| !keyword.as_str().eq_ignore_ascii_case(FORWARDED));
        let letters: BTreeMap<Keyword, char> = named.cloned().zip('a'..='z').collect();
        if !letters.is_empty() {
            let file = path.join(KEYWORDS);
            let lines = (0..).zip('a'..='z').filter_map(|(number, letter)| {
                let keyword = letters.iter().find(|(_, known)| **known == letter)?.0;
                Some(format!("{number} {}\n", keyword.as_str()))
            });
            let text: String = lines.collect();
            create(&file)?.write_all(text.as_bytes()).map_err(|error| writing(&file, &error))?;
        }
        Ok(Self { path: path.to_owned(), second: InternalDate::now().seconds, letters, message: None })
    }

    fn info(&self, flags: &Flags) -> String {
        let system = LETTERS.iter().filter(|(_, flag)| flags.system.contains(*flag)).map(|(letter, _)| *letter);
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
    fn begin(&mut self, head: &Head, uid: u32, size: u64) -> Result<(), StoreError> {
        let info = self.info(&head.flags);
        let name = format!("{}.M{uid:010}.posthaste,S={size},W={size}{MARK}2,{info}", self.second);
        let file = BufWriter::new(create(&self.path.join("tmp").join(&name))?);
        self.message = Some(Message { file, name, date: head.date });
        Ok(())
    }

    fn write(&mut self, octets: &[u8]) -> Result<(), StoreError> {
        let Some(message) = &mut self.message else { return Ok(()) };
        message.file.write_all(octets).map_err(|error| writing(&self.path, &error))
    }

    fn end(&mut self) -> Result<(), StoreError> {
        let Some(Message { file, name, date }) = self.message.take() else { return Ok(()) };
        let failed = |error| writing(&self.path, &error);
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        if let Some(time) = system_time(date) {
            file.set_modified(time).map_err(failed)?;
        }
        std::fs::rename(self.path.join("tmp").join(&name), self.path.join("cur").join(&name)).map_err(failed)
    }

    fn finish(&mut self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Which letter is which keyword.
fn read_keywords(path: &Path) -> Result<BTreeMap<char, Keyword>, StoreError> {
    let path = path.join(KEYWORDS);
    let text = match std::fs::read(&path) {
        Ok(octets) => String::from_utf8_lossy(&octets).into_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(reading(&path, &error)),
    };
    let keyword = |line: &str| {
        let (number, keyword) = line.trim_end().split_once(' ')?;
        Some((('a'..='z').nth(number.parse().ok()?)?, Keyword::new(keyword)?))
    };
    Ok(text.lines().filter_map(keyword).collect())
}

fn is_as_on_the_wire(name: &str) -> bool {
    let field = |mark: &str| name.split([',', ':', ';', '!']).find_map(|field| field.strip_prefix(mark));
    field("S=").is_some_and(|size| field("W=") == Some(size))
}

fn internal_date(time: SystemTime) -> InternalDate {
    let whole = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    let seconds = match time.duration_since(UNIX_EPOCH) {
        Ok(since) => whole(since),
        Err(before) => whole(before.duration()).saturating_neg(),
    };
    InternalDate { seconds, zone_minutes: 0 }
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

/// What stands before the flags. Windows has no colon in names.
const MARK: &str = if cfg!(windows) { ";" } else { ":" };

/// Octets read at once.
const BUFFER: usize = 64 * 1024;
