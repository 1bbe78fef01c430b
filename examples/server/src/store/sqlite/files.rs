//! Large contents: each in a file of its own beside the database, the one that it was written to when it arrived. So
//! its octets are written once, and not to the log and from there to the database as well.
//!
//! A row of `files` names the file of a content; a content that has none stands in `contents`. The file is on disk, and
//! its name, before the transaction that adds the row begins, and it is removed when the one that removes the row is
//! committed. What a crash leaves in between, files without a row, goes when the store is opened again. No file is
//! changed once its row is there, and no name comes again: copies of the database share files by hard links, or have
//! copies of their own.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};

use super::make_private_directory;
use super::writer::lock;
use crate::disk;
use crate::store::{BlobId, CHUNK, Finding, NewMessage, StoreError};

/// The files of a store.
#[derive(Debug, Clone)]
pub(super) struct Files {
    directory: Arc<Path>,
    going: Arc<Mutex<Going>>,
}

/// Files whose rows are gone.
#[derive(Debug, Default)]
struct Going {
    holders: u32,
    /// Those that are held.
    names: Vec<String>,
}

impl Files {
    /// Those of the database in a directory.
    pub(super) fn of(data: &Path) -> Self {
        Self { directory: data.join(DIRECTORY).into(), going: Arc::default() }
    }

    /// Where they are.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes the directory where there is none. Those of the database are left alone, and what else there is is what a
    /// crash has left: it is removed.
    ///
    /// # Errors
    ///
    /// Those that are there can not be of the database, because it is a new one.
    pub(super) fn open(&self, sql: &Connection, is_new: bool) -> Result<(), StoreError> {
        make_private_directory(&self.directory)?;
        let failed = |error: &std::io::Error| {
            StoreError::io(format_args!("looking through {}", self.directory.display()), error)
        };
        let mut known = BTreeSet::new();
        let mut query = sql.prepare("SELECT name FROM files")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            known.insert(row.get::<_, String>(0)?);
        }
        for entry in std::fs::read_dir(&self.directory).map_err(|error| failed(&error))? {
            let entry = entry.map_err(|error| failed(&error))?;
            // What is a directory is nobody's content, as that of files which were found again (lost+found).
            let is_file = entry.file_type().map_err(|error| failed(&error))?.is_file();
            if !is_file || entry.file_name().to_str().is_some_and(|name| known.contains(name)) {
                continue;
            }
            if is_new {
                let of_another = "it has contents of messages, but the database they belong to is not there: put it \
                                  back, or move them away";
                return Err(failed(&std::io::Error::other(of_another)));
            }
            std::fs::remove_file(entry.path()).map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// Gives a message a file of its own, if it is large.
    pub(super) async fn settle(&self, mut message: NewMessage) -> Result<NewMessage, StoreError> {
        if message.content.size() <= CHUNK {
            return Ok(message);
        }
        let directory = Arc::clone(&self.directory);
        let work = tokio::task::spawn_blocking(move || message.content.settle(&directory).map(|()| message));
        work.await.map_err(|_| StoreError::Closed)?
    }

    /// Where a content of this size is, if it is in a file.
    pub(super) fn find(
        &self,
        sql: &Connection,
        blob: BlobId,
        size: u64,
    ) -> Result<Option<PathBuf>, StoreError> {
        if size <= CHUNK {
            return Ok(None);
        }
        let mut query = sql.prepare_cached("SELECT name FROM files WHERE blob = ?1")?;
        let name: Option<String> = query.query_row([blob], |row| row.get(0)).optional()?;
        Ok(name.map(|name| self.directory.join(name)))
    }

    /// Removes files whose rows are gone; later, if somebody holds them.
    pub(super) fn remove(&self, names: Vec<String>) {
        let mut going = lock(&self.going);
        if going.holders > 0 {
            going.names.extend(names);
        } else {
            drop(going);
            names.iter().for_each(|name| self.unlink(name));
        }
    }

    /// Holds all files that there are now, also those whose rows go meanwhile.
    pub(super) fn hold(&self) -> Hold {
        let mut going = lock(&self.going);
        going.holders = going.holders.saturating_add(1);
        Hold(self.clone())
    }

    fn unlink(&self, name: &str) {
        let path = self.directory.join(name);
        if let Err(error) = std::fs::remove_file(&path)
            && error.kind() != ErrorKind::NotFound
        {
            // It is tried again when the store is opened.
            tracing::warn!(path = %path.display(), %error, "the file of a content that is gone could not be removed");
        }
    }

    /// Gives each file that a copy of the database names to the directory it is in, on disk. A file that is missing is
    /// missing there as well: the copy is for all that is left. `tell` is called after each.
    pub(super) fn copy_to(
        &self,
        copy: &Connection,
        to: &Self,
        mut tell: impl FnMut(),
    ) -> Result<(), StoreError> {
        make_private_directory(&to.directory)?;
        let mut query = copy.prepare("SELECT name FROM files")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            let (from, path) = (self.directory.join(&name), to.directory.join(&name));
            match share(&from, &path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    tracing::error!(path = %from.display(), "a content is missing, here and in the copy");
                }
                shared => shared
                    .map_err(|error| StoreError::io(format_args!("copying {}", from.display()), &error))?,
            }
            tell();
        }
        let flushed = disk::flush_directory(&to.directory);
        flushed.map_err(|error| StoreError::io(format_args!("flushing {}", to.directory.display()), &error))
    }

    /// Tells of files that are not as their rows say. To be called while they are [held](Self::hold), or by the writer.
    pub(super) fn check(&self, sql: &Connection) -> Result<Vec<Finding>, StoreError> {
        let mut findings = Vec::new();
        let mut query = sql.prepare(
            "SELECT b.id, f.name, b.size FROM files f JOIN blobs b ON b.id = f.blob ORDER BY b.id",
        )?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            let (blob, name, size): (BlobId, String, u64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            let problem = match std::fs::metadata(self.directory.join(&name)) {
                Ok(found) if found.len() == size => continue,
                Ok(_) => "it is not whole".to_owned(),
                Err(error) => format!("its file {name}: {error}"),
            };
            findings.push(Finding { place: format!("content {blob}"), problem, repair: None });
        }
        Ok(findings)
    }
}

/// See [`Files::hold`].
#[derive(Debug)]
pub(super) struct Hold(Files);

impl Drop for Hold {
    fn drop(&mut self) {
        let mut going = lock(&self.0.going);
        going.holders = going.holders.saturating_sub(1);
        if going.holders == 0 {
            let names = std::mem::take(&mut going.names);
            drop(going);
            names.iter().for_each(|name| self.0.unlink(name));
        }
    }
}

/// Notes that a content is in a file.
pub(super) fn note(sql: &Connection, blob: BlobId, name: &str) -> Result<(), StoreError> {
    sql.prepare_cached("INSERT INTO files (blob, name) VALUES (?1, ?2)")?.execute(params![blob, name])?;
    Ok(())
}

/// A content goes; the name of its file, which goes when that is committed.
pub(super) fn forget(sql: &Connection, blob: BlobId) -> Result<Option<String>, StoreError> {
    let mut query = sql.prepare_cached("DELETE FROM files WHERE blob = ?1 RETURNING name")?;
    Ok(query.query_row([blob], |row| row.get(0)).optional()?)
}

/// Octets of a file: from `start`, and not more than `most`.
pub(super) fn read(path: &Path, start: u64, most: u64) -> Result<Bytes, StoreError> {
    let failed = |error| StoreError::io(format_args!("reading {}", path.display()), &error);
    let mut file = File::open(path).map_err(failed)?;
    file.seek(SeekFrom::Start(start)).map_err(failed)?;
    let mut octets = Vec::with_capacity(usize::try_from(most).unwrap_or_default());
    file.take(most).read_to_end(&mut octets).map_err(failed)?;
    Ok(octets.into())
}

/// The same octets under another name; a copy where the disk is another one.
fn share(from: &Path, to: &Path) -> std::io::Result<()> {
    match std::fs::hard_link(from, to) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            let mut copy = disk::create_private(to)?;
            std::io::copy(&mut File::open(from)?, &mut copy)?;
            copy.sync_all()
        }
        linked => linked,
    }
}

/// Where they are, below the data directory.
const DIRECTORY: &str = "contents";
