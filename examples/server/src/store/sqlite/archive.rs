//! A backup that is read and nothing else: no file of it is written, and none appears beside it.
//!
//! One that an older version of the program has made is read as a copy, brought to the current version in a directory
//! of temporary files. Everything here blocks.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::UNIX_EPOCH;

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempPath;

use super::blobs::Stored;
use super::files::Files;
use super::{FILE, LOCK, SPOOL, accounts, connect, mailboxes, messages, schema};
use crate::store::{AccountId, BlobId, Mailbox, MailboxId, MessageMeta, Record, StoreError};

/// A backup, or another data directory that no server uses.
#[derive(Debug)]
pub struct Archive {
    sql: Connection,
    files: Files,
    made: i64,
    /// Held so that no server begins to use it.
    _lock: Option<File>,
    /// Removed when this is closed, after `sql`.
    _copy: Option<TempPath>,
}

impl Archive {
    /// Opens the backup in `directory`. `data` is the data directory of this server, which is the only one that is
    /// written to.
    ///
    /// # Errors
    ///
    /// [`StoreError::Locked`] if a server uses it, [`StoreError::NewerSchema`] if a newer version of the program has
    /// made it, and what the disk says.
    pub fn open(directory: &Path, data: &Path) -> Result<Self, StoreError> {
        let path = directory.join(FILE);
        let failed =
            |error: &std::io::Error| StoreError::io(format_args!("reading {}", path.display()), error);
        File::open(&path).map_err(|error| failed(&error))?;
        let lock = lock(&directory.join(LOCK))?;
        let log = directory.join(format!("{FILE}-wal"));
        if std::fs::metadata(&log).is_ok_and(|metadata| metadata.len() > 0) {
            let open = "its server was not ended in order: start one on it, end it, and try again";
            return Err(failed(&std::io::Error::other(open)));
        }
        let modified = std::fs::metadata(&path).and_then(|metadata| metadata.modified());
        let modified = modified.map_err(|error| failed(&error))?;
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        let made = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        let (sql, files) = (read_only(&path)?, Files::of(directory));
        if schema::is_current(&sql)? {
            return Ok(Self { sql, files, made, _lock: lock, _copy: None });
        }
        drop(sql);
        let (sql, copy) = migrated(&path, &data.join(SPOOL))?;
        Ok(Self { sql, files, made, _lock: lock, _copy: Some(copy) })
    }

    /// When it was written, in seconds since 1970: what its file says.
    pub fn made(&self) -> i64 {
        self.made
    }

    /// All records, by key.
    ///
    /// # Errors
    ///
    /// It could not be read; so in all methods.
    pub fn records(&self) -> Result<Vec<Record>, StoreError> {
        accounts::records(&self.sql)
    }

    /// All mailboxes of an account, by name.
    ///
    /// # Errors
    ///
    /// As [`records`](Self::records).
    pub fn mailboxes(&self, account: AccountId) -> Result<Vec<Mailbox>, StoreError> {
        mailboxes::all(&self.sql, account)
    }

    /// The messages of a mailbox, by UID.
    ///
    /// # Errors
    ///
    /// As [`records`](Self::records).
    pub fn messages(&self, mailbox: MailboxId) -> Result<Vec<MessageMeta>, StoreError> {
        Ok(messages::snapshot(&self.sql, mailbox)?.messages)
    }

    /// Gives the octets of a content to `sink`, a piece at a time.
    ///
    /// # Errors
    ///
    /// As [`records`](Self::records), and what `sink` says.
    pub fn read(
        &self,
        blob: BlobId,
        mut sink: impl FnMut(&[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let stored = Stored::find(&self.sql, &self.files, blob)?;
        let mut position: u64 = 0;
        while position < stored.size {
            let chunk = stored.chunk(&self.sql, position)?;
            sink(&chunk)?;
            position = position.saturating_add(chunk.len() as u64);
        }
        Ok(())
    }
}

/// The lock of a data directory, where it has one: a backup has none.
pub(super) fn lock(path: &Path) -> Result<Option<File>, StoreError> {
    let failed = |error: &std::io::Error| StoreError::io(format_args!("locking {}", path.display()), error);
    let file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|error| failed(&error))?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked),
        Err(TryLockError::Error(error)) => Err(failed(&error)),
    }
}

/// Nobody else writes it either, which is why no file is needed beside it.
fn read_only(path: &Path) -> Result<Connection, StoreError> {
    let name = percent_encode(path.as_os_str().as_encoded_bytes(), NON_ALPHANUMERIC);
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(format!("file:{name}?immutable=1"), flags)?)
}

fn migrated(path: &Path, scratch: &Path) -> Result<(Connection, TempPath), StoreError> {
    let failed = |error: &std::io::Error| StoreError::io(format_args!("copying {}", path.display()), error);
    let copy = tempfile::Builder::new().prefix("archive-").tempfile_in(scratch);
    let copy: TempPath = copy.map_err(|error| failed(&error))?.into_temp_path();
    std::fs::copy(path, &copy).map_err(|error| failed(&error))?;
    // A backup may be for reading only, and its permissions are copied along.
    private(&copy).map_err(|error| failed(&error))?;
    let sql = connect(&copy)?;
    schema::migrate(&sql)?;
    Ok((sql, copy))
}

#[cfg(unix)]
fn private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn private(_: &Path) -> std::io::Result<()> {
    Ok(())
}
