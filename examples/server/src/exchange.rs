//! Mail as files that other programs understand: Maildir with its folders (Maildir++), and mbox (RFC 4155, quoted as
//! mboxrd). Messages go by a piece at a time; nothing here knows accounts, quotas or the store.
//!
//! What is written is read back octet by octet, with flags and the second of its date; the offset of the date has no
//! place in either format. Names of files are only like the names of mailboxes: which is which stands in
//! [`INDEX`], so that any name comes back. What other programs have written has no index and is read by its names.

pub mod maildir;
pub mod mbox;
mod names;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::store::{Flags, InternalDate, Keyword, MailboxName, StoreError};

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
}

/// Writes the messages of one mailbox. Blocks.
pub trait Writer {
    /// Begins a message of `size` octets. Messages come in the order of their UIDs.
    ///
    /// # Errors
    ///
    /// A file could not be written; so in all methods.
    fn begin(&mut self, head: &Head, uid: u32, size: u64) -> Result<(), StoreError>;

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
/// It can not be read, or there is no mail in it.
pub fn folders(path: &Path) -> Result<(Format, Vec<Folder>), StoreError> {
    let metadata = std::fs::metadata(path).map_err(|error| reading(path, &error))?;
    if metadata.is_file() {
        let folder = Folder { path: path.to_owned(), name: "INBOX".to_owned(), weight: metadata.len() };
        return Ok((Format::Mbox, vec![folder]));
    }
    let index = names::Index::read(path)?;
    if path.join("cur").is_dir() {
        return Ok((Format::Maildir, maildir::folders(path, &index)?));
    }
    let found = mbox::folders(path, &index)?;
    if found.is_empty() {
        let nothing = std::io::Error::new(std::io::ErrorKind::NotFound, "no mail in Maildir or mbox is there");
        return Err(reading(path, &nothing));
    }
    Ok((Format::Mbox, found))
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
    pub fn mailbox(&mut self, name: &MailboxName, keywords: &[Keyword]) -> Result<Box<dyn Writer>, StoreError> {
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
    name: String,
    path: PathBuf,
    metadata: std::fs::Metadata,
}

/// What is in a directory, by name. What is a link is not followed, whoever made it.
fn entries(path: &Path) -> Result<Vec<Entry>, StoreError> {
    let failed = |error| reading(path, &error);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        match entry.metadata() {
            Ok(metadata) => found.push(Entry { name, path, metadata }),
            // A Maildir goes on while it is read.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
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
fn create(path: &Path) -> Result<std::fs::File, StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|error| writing(path, &error))
}

fn reading(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::io(format_args!("reading {}", path.display()), error)
}

fn writing(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::io(format_args!("writing {}", path.display()), error)
}

/// Makes line ends what they are on the wire: other programs keep mail with LF alone.
#[derive(Debug, Default)]
struct LineEnds {
    after_cr: bool,
}

impl LineEnds {
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

/// The file that says which file is which mailbox.
pub const INDEX: &str = "posthaste.json";
