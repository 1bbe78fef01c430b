//! Where a message waits while it arrives: in memory when small, in a file of the data directory when not.
//! A slow disk makes `write` slow, and that makes the peer slow. A message that is never delivered leaves
//! nothing behind: its file goes with the value, or, after a crash, when the server starts again.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt;

use super::error::StoreError;

/// A message that is arriving.
#[derive(Debug)]
pub struct Spool {
    directory: PathBuf,
    buffer: BytesMut,
    file: Option<(tokio::fs::File, TempPath)>,
    size: u64,
}

impl Spool {
    /// A place in this directory.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, buffer: BytesMut::new(), file: None, size: 0 }
    }

    /// Octets written so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds octets at the end.
    ///
    /// # Errors
    ///
    /// The file could not be written: the message is lost and must be refused for now.
    pub async fn write(&mut self, data: &[u8]) -> Result<(), StoreError> {
        self.size = self.size.saturating_add(data.len() as u64);
        self.buffer.extend_from_slice(data);
        if self.buffer.len() > IN_MEMORY_MAX { self.spill().await } else { Ok(()) }
    }

    /// Ends the message.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub async fn finish(mut self) -> Result<Spooled, StoreError> {
        if self.file.is_some() && !self.buffer.is_empty() {
            self.spill().await?;
        }
        let body = match self.file.take() {
            None => Body::Memory(self.buffer.split().freeze()),
            Some((mut file, path)) => {
                file.flush().await.map_err(|error| path.failed(&error))?;
                Body::File(file.into_std().await, path)
            }
        };
        Ok(Spooled { size: self.size, body, summary: Bytes::new(), ids: Vec::new() })
    }

    async fn spill(&mut self) -> Result<(), StoreError> {
        if self.file.is_none() {
            let path = TempPath::new(&self.directory);
            let mut options = tokio::fs::OpenOptions::new();
            options.read(true).write(true).create_new(true);
            #[cfg(unix)]
            options.mode(0o600);
            let file = options.open(&path.0).await.map_err(|error| path.failed(&error))?;
            self.file = Some((file, path));
        }
        if let Some((file, path)) = &mut self.file {
            file.write_all(&self.buffer).await.map_err(|error| path.failed(&error))?;
            self.buffer.clear();
        }
        Ok(())
    }
}

/// A message that has arrived and is not yet in a mailbox.
#[derive(Debug)]
pub struct Spooled {
    size: u64,
    body: Body,
    summary: Bytes,
    ids: Vec<Vec<u8>>,
}

impl Spooled {
    /// The size in octets.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What the store keeps beside the content, for the caller alone to understand: the envelope and the
    /// structure, say, so that a listing need not read bodies.
    pub fn set_summary(&mut self, summary: Bytes) {
        self.summary = summary;
    }

    /// See [`set_summary`](Self::set_summary); empty when there is none.
    pub fn summary(&self) -> &Bytes {
        &self.summary
    }

    /// The ids by which a message belongs to a conversation: its own first, then those it refers to. Messages of an
    /// account that share one are of one thread.
    pub fn set_ids(&mut self, ids: Vec<Vec<u8>>) {
        self.ids = ids;
    }

    /// See [`set_ids`](Self::set_ids).
    pub fn ids(&self) -> &[Vec<u8>] {
        &self.ids
    }

    /// Reads the message from its beginning. Blocks: not for the threads that serve connections.
    ///
    /// # Errors
    ///
    /// The file could not be rewound.
    pub fn reader(&mut self) -> Result<impl Read + '_, StoreError> {
        Ok(match &mut self.body {
            Body::Memory(bytes) => Either::Memory(bytes),
            Body::File(file, path) => {
                file.seek(SeekFrom::Start(0)).map_err(|error| path.failed(&error))?;
                Either::File(file)
            }
        })
    }
}

#[derive(Debug)]
enum Body {
    Memory(Bytes),
    File(File, TempPath),
}

enum Either<'a> {
    Memory(&'a [u8]),
    File(&'a mut File),
}

impl Read for Either<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Memory(bytes) => bytes.read(buffer),
            Self::File(file) => file.read(buffer),
        }
    }
}

/// The name of a file that goes when this goes.
#[derive(Debug)]
struct TempPath(PathBuf);

impl TempPath {
    fn new(directory: &Path) -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(directory.join(format!("{}-{count}", std::process::id())))
    }

    fn failed(&self, error: &std::io::Error) -> StoreError {
        StoreError::io(format_args!("spooling to {}", self.0.display()), error)
    }
}

impl Drop for TempPath {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.0.display(), %error, "a spool file could not be removed");
        }
    }
}

/// Removes what a crash has left. Only for the process that holds the lock of the data directory.
pub(super) fn clean(directory: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::io(format_args!("cleaning {}", directory.display()), &error);
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        std::fs::remove_file(entry.map_err(failed)?.path()).map_err(failed)?;
    }
    Ok(())
}

/// Up to this size a message is spooled in memory, and above it written in pieces of about this size.
const IN_MEMORY_MAX: usize = 64 * 1024;
