//! Mail as files that other programs understand: Maildir with its folders (Maildir++), and mbox (RFC 4155, quoted as
//! mboxrd). Messages go by a piece at a time; nothing here knows accounts, quotas or the store.
//!
//! What is written is read back octet by octet, with flags and the second of its date; the offset of the date has no
//! place in either format. Lines end with LF, as other programs have it, unless a message would not come back from
//! that. Names of files are only like the names of mailboxes: which is which stands in [`INDEX`], so that any name
//! comes back. What other programs have written has no index and is read by its names.
//!
//! What is read may be somebody else's: only plain files and directories are, and no link below the path that was
//! named is followed. Directories that are replaced by links while they are read are not guarded against.

pub mod maildir;
pub mod mbox;
mod names;

use std::ffi::OsString;
use std::fs::{File, FileType};
use std::io::Read;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::store::{Flags, InternalDate, Keyword, MAILBOXES_MAX, MailboxName, StoreError};

/// How mail lies in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A directory for each mailbox, a file for each message.
    Maildir,
    /// A file for each mailbox.
    Mbox,
}

/// What a file says of a message beside its octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// System flags and keywords.
    pub flags: Flags,
    /// INTERNALDATE.
    pub date: InternalDate,
}

/// Where the octets of a message go, a piece at a time.
pub type Sink<'a> = dyn FnMut(&[u8]) -> Result<(), StoreError> + 'a;

/// Reads the messages of one mailbox. Blocks.
pub trait Reader {
    /// Gives the octets of the next message to `sink`, and then tells the rest of it; `None` at the end.
    ///
    /// # Errors
    ///
    /// A file could not be read, or what `sink` says.
    fn next(&mut self, sink: &mut Sink<'_>) -> Result<Option<Head>, StoreError>;

    /// How much of [`Folder::weight`] is read.
    fn done(&self) -> u64;

    /// How many things were passed over because they are no plain files, or were gone when it was their turn.
    fn passed_over(&self) -> u64 {
        0
    }
}

/// What is known of a message before its octets come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    /// Its UID. Messages come in the order of these.
    pub uid: u32,
    /// Its octets.
    pub size: u64,
    /// How its lines end.
    pub ends: LineEnds,
}

/// How the lines of a message end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineEnds {
    /// All with CR LF, and neither stands alone: with LF instead it is still known what it was.
    CrLf,
    /// In several ways: only the octets themselves tell.
    Mixed,
}

/// Finds out how the lines of a message end.
#[derive(Debug, Default)]
pub struct LineScan {
    after_cr: bool,
    mixed: bool,
}

impl LineScan {
    /// Looks at the next octets.
    pub fn pass(&mut self, octets: &[u8]) {
        for octet in octets {
            let is_end = *octet == b'\n';
            self.mixed |= self.after_cr != is_end;
            self.after_cr = *octet == b'\r';
        }
    }

    /// Whether it is known already that they end in several ways.
    pub fn is_mixed(&self) -> bool {
        self.mixed
    }

    /// What was found.
    pub fn end(self) -> LineEnds {
        if self.mixed || self.after_cr { LineEnds::Mixed } else { LineEnds::CrLf }
    }
}

/// Writes the messages of one mailbox. Blocks.
pub trait Writer {
    /// Begins a message.
    ///
    /// # Errors
    ///
    /// A file could not be written; so in all methods.
    fn begin(&mut self, head: &Head, announced: Announced) -> Result<(), StoreError>;

    /// Adds octets to the message.
    ///
    /// # Errors
    ///
    /// As [`begin`](Self::begin).
    fn write(&mut self, octets: &[u8]) -> Result<(), StoreError>;

    /// Ends the message.
    ///
    /// # Errors
    ///
    /// As [`begin`](Self::begin).
    fn end(&mut self) -> Result<(), StoreError>;

    /// Ends the mailbox.
    ///
    /// # Errors
    ///
    /// As [`begin`](Self::begin).
    fn finish(&mut self) -> Result<(), StoreError>;

    /// What has no place in the format and was not written, in words.
    fn note(&self) -> Option<String> {
        None
    }
}

/// A mailbox in files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its file or its directory.
    pub path: PathBuf,
    /// What it is called. Not yet checked: other programs call mailboxes as they like.
    pub name: String,
    /// How long it takes to read, in the units of [`Reader::done`].
    pub weight: u64,
}

/// Finds the mailboxes in a file or a directory. A single file is an mbox, and INBOX.
///
/// # Errors
///
/// It can not be read, there is no mail in it, or more mailboxes than an account may have.
pub fn folders(path: &Path) -> Result<(Format, Vec<Folder>), StoreError> {
    // Who names a link means what is behind it.
    let path = &std::fs::canonicalize(path).map_err(|error| reading(path, &error))?;
    let metadata = std::fs::metadata(path).map_err(|error| reading(path, &error))?;
    if !metadata.is_dir() {
        drop(open_plain(path).map_err(|error| reading(path, &error))?);
        let folder = Folder { path: path.clone(), name: "INBOX".to_owned(), weight: metadata.len() };
        return Ok((Format::Mbox, vec![folder]));
    }
    let index = names::Index::read(path)?;
    let (format, found) = if is_directory(&path.join("cur")) {
        (Format::Maildir, maildir::folders(path, &index)?)
    } else {
        (Format::Mbox, mbox::folders(path, &index)?)
    };
    if found.is_empty() {
        let nothing =
            std::io::Error::new(std::io::ErrorKind::NotFound, "no mail in Maildir or mbox is there");
        return Err(reading(path, &nothing));
    }
    Ok((format, found))
}

/// Adds a mailbox that was found, as long as there are not too many.
fn add(found: &mut Vec<Folder>, folder: Folder) -> Result<(), StoreError> {
    if u32::try_from(found.len()).unwrap_or(u32::MAX) >= MAILBOXES_MAX {
        return Err(StoreError::TooManyMailboxes(MAILBOXES_MAX));
    }
    found.push(folder);
    Ok(())
}

/// Opens a mailbox.
///
/// # Errors
///
/// It can not be read.
pub fn open(format: Format, folder: &Folder) -> Result<Box<dyn Reader>, StoreError> {
    Ok(match format {
        Format::Maildir => Box::new(maildir::Files::open(&folder.path)?),
        Format::Mbox => Box::new(mbox::Messages::open(&folder.path)?),
    })
}

/// A directory that mail is written to. It has its name only when it is whole.
#[derive(Debug)]
pub struct Export {
    target: PathBuf,
    part: PathBuf,
    format: Format,
    index: names::Index,
    finished: bool,
}

impl Export {
    /// Begins a directory, which must not exist yet.
    ///
    /// # Errors
    ///
    /// It could not be made.
    pub fn begin(target: &Path, format: Format) -> Result<Self, StoreError> {
        let mut part = target.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        if part.exists() {
            let exists = "another export is writing it, or one was cut short: remove it";
            return Err(writing(&part, &std::io::Error::new(std::io::ErrorKind::AlreadyExists, exists)));
        }
        make_private(&part)?;
        let export =
            Self { target: target.to_owned(), part, format, index: names::Index::default(), finished: false };
        if format == Format::Maildir {
            maildir::make(&export.part)?;
        }
        Ok(export)
    }

    /// Begins a mailbox, whose messages may have these keywords.
    ///
    /// # Errors
    ///
    /// It could not be written.
    pub fn mailbox(
        &mut self,
        name: &MailboxName,
        keywords: &[Keyword],
    ) -> Result<Box<dyn Writer>, StoreError> {
        let file = self.index.add(name, self.format);
        let path = self.part.join(file);
        Ok(match self.format {
            Format::Maildir => Box::new(maildir::Directory::make(&path, keywords)?),
            Format::Mbox => Box::new(mbox::File::make(&path)?),
        })
    }

    /// Gives the directory its name.
    ///
    /// # Errors
    ///
    /// The disk failed.
    pub fn finish(mut self) -> Result<(), StoreError> {
        self.index.write(&self.part)?;
        std::fs::rename(&self.part, &self.target).map_err(|error| writing(&self.target, &error))?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        if !self.finished
            && let Err(error) = std::fs::remove_dir_all(&self.part)
        {
            tracing::warn!(path = %self.part.display(), %error, "an unfinished export could not be removed");
        }
    }
}

/// Something in a directory.
struct Entry {
    file: OsString,
    kind: FileType,
}

/// What is in a directory, by name. A link is a link, wherever it leads.
fn entries(path: &Path) -> Result<Vec<Entry>, StoreError> {
    let failed = |error| reading(path, &error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        match entry.file_type() {
            Ok(kind) => found.push(Entry { file: entry.file_name(), kind }),
            // A Maildir goes on while it is read.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
    }
    found.sort_by(|one, other| one.file.cmp(&other.file));
    Ok(found)
}

/// Makes a directory for its owner alone; it must not exist.
fn make_private(path: &Path) -> Result<(), StoreError> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| writing(path, &error))
}

/// Makes a file for its owner alone; it must not exist.
fn create(path: &Path) -> Result<File, StoreError> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| writing(path, &error))
}

/// Whether this is a directory and no link to one.
fn is_directory(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir())
}

/// Opens a file for reading that is one: no link, and nothing that has no end or keeps who opens it waiting.
fn open_plain(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use nix::fcntl::OFlag;
        let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits());
    }
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is no plain file"));
    }
    Ok(file)
}

/// Reads a small file that another one explains itself with; `None` where there is none.
fn read_small(path: &Path, max: u64) -> Result<Option<Vec<u8>>, StoreError> {
    if !std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return Ok(None);
    }
    let failed = |error| reading(path, &error);
    let mut octets = Vec::new();
    let file = open_plain(path).map_err(failed)?;
    file.take(max.saturating_add(1)).read_to_end(&mut octets).map_err(failed)?;
    if octets.len() as u64 > max {
        let long = format!("it has more than {max} octets");
        return Err(failed(std::io::Error::new(std::io::ErrorKind::FileTooLarge, long)));
    }
    Ok(Some(octets))
}

fn reading(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::io(format_args!("reading {}", path.display()), error)
}

/// Also where the disk is full: it need not be that of the store.
fn writing(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Io { what: format!("writing {}", path.display()), message: error.to_string() }
}

/// Makes line ends what they are on the wire: other programs keep mail with LF alone.
#[derive(Debug, Default)]
struct ToCrLf {
    after_cr: bool,
}

impl ToCrLf {
    fn pass(&mut self, octets: &[u8], sink: &mut Sink<'_>) -> Result<(), StoreError> {
        for line in octets.split_inclusive(|octet| *octet == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(text) if text.last().map_or(self.after_cr, |last| *last == b'\r') => sink(line)?,
                Some(text) => {
                    sink(text)?;
                    sink(b"\r\n")?;
                }
                None => sink(line)?,
            }
            self.after_cr = line.last() == Some(&b'\r');
        }
        Ok(())
    }
}

/// The pieces of octets between which a CR is left out.
fn without_cr(octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    octets.split(|octet| *octet == b'\r').filter(|piece| !piece.is_empty())
}

/// The file that says which file is which mailbox.
pub const INDEX: &str = "posthaste.json";
