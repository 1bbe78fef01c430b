//! Where a message waits while it arrives: in memory when small, in a file of the data directory when not.
//! A slow disk makes `write` slow, and that makes the peer slow. A message that is never delivered leaves
//! nothing behind: its file goes with the value, or, after a crash, when the server starts again.
//!
//! Messages that arrive one after the other and are stored together ([`Spool::next`]) share a file, and the room in
//! memory: a thousand of them take what one takes.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use posthaste_pop3::server::SentSize;

use super::error::StoreError;

/// A message that is arriving.
#[derive(Debug)]
pub struct Spool {
    directory: PathBuf,
    /// What is not in the file yet.
    buffer: BytesMut,
    /// Octets of messages before it that wait in memory.
    in_memory: usize,
    file: Option<Arc<SpoolFile>>,
    /// Where in the file it begins, and where what comes next goes.
    start: u64,
    end: u64,
    size: u64,
    on_lines: SentSize,
}

impl Spool {
    /// A place in this directory.
    pub fn new(directory: PathBuf) -> Self {
        Self {
            directory,
            buffer: BytesMut::new(),
            in_memory: 0,
            file: None,
            start: 0,
            end: 0,
            size: 0,
            on_lines: SentSize::new(),
        }
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
        self.on_lines.add(data);
        self.buffer.extend_from_slice(data);
        if self.buffer.len() > IN_MEMORY_MAX { self.spill().await } else { Ok(()) }
    }

    /// Ends the message.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub async fn finish(self) -> Result<Spooled, StoreError> {
        self.next().await.map(|(spooled, _)| spooled)
    }

    /// Ends the message and begins another that will be stored together with it.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub async fn next(mut self) -> Result<(Spooled, Self), StoreError> {
        let together = self.in_memory.saturating_add(self.buffer.len());
        if self.end > self.start || together > IN_MEMORY_MAX {
            self.spill().await?;
        } else {
            self.in_memory = together;
        }
        let body = match &self.file {
            Some(file) if self.end > self.start => Body::File(Arc::clone(file), self.start),
            _ => Body::Memory(self.buffer.split().freeze()),
        };
        let (size, on_lines) = (self.size, self.on_lines.octets());
        let spooled = Spooled { size, on_lines, body, summary: Bytes::new(), ids: Vec::new() };
        let (buffer, on_lines) = (BytesMut::new(), SentSize::new());
        Ok((spooled, Self { buffer, start: self.end, size: 0, on_lines, ..self }))
    }

    async fn spill(&mut self) -> Result<(), StoreError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let (known, directory, at) = (self.file.clone(), self.directory.clone(), self.end);
        let data = self.buffer.split();
        let length = data.len() as u64;
        let work = tokio::task::spawn_blocking(move || {
            let file = match known {
                Some(file) => file,
                None => Arc::new(SpoolFile::create(&directory)?),
            };
            file.write(at, &data)?;
            Ok::<_, StoreError>(file)
        });
        self.file = Some(work.await.map_err(|_| StoreError::Closed)??);
        self.end = self.end.saturating_add(length);
        Ok(())
    }
}

/// A file of messages, which goes with the last of them.
#[derive(Debug)]
struct SpoolFile {
    file: Mutex<File>,
    path: TempPath,
}

impl SpoolFile {
    fn create(directory: &Path) -> Result<Self, StoreError> {
        let path = TempPath::new(directory);
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path.0).map_err(|error| path.failed(&error))?;
        Ok(Self { file: Mutex::new(file), path })
    }

    fn write(&self, at: u64, data: &[u8]) -> Result<(), StoreError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(data));
        written.map_err(|error| self.path.failed(&error))
    }
}

/// A message that has arrived and is not yet in a mailbox.
#[derive(Debug)]
pub struct Spooled {
    size: u64,
    on_lines: u64,
    body: Body,
    summary: Bytes,
    ids: Vec<Vec<u8>>,
}

impl Spooled {
    /// The size in octets.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The size with a CR LF at the end of every line (RFC 1939 11).
    pub fn size_on_lines(&self) -> u64 {
        self.on_lines
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

    /// Whether it waits in memory.
    pub fn is_in_memory(&self) -> bool {
        matches!(self.body, Body::Memory(_))
    }

    /// Reads the message from its beginning. Blocks: not for the threads that serve connections.
    pub fn reader(&self) -> impl Read + '_ {
        match &self.body {
            Body::Memory(bytes) => Reader::Memory(bytes),
            Body::File(file, start) => Reader::File(file, *start..start.saturating_add(self.size)),
        }
    }
}

#[derive(Debug)]
enum Body {
    Memory(Bytes),
    /// A file and where in it the message begins.
    File(Arc<SpoolFile>, u64),
}

enum Reader<'a> {
    Memory(&'a [u8]),
    File(&'a SpoolFile, Range<u64>),
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Memory(bytes) => bytes.read(buffer),
            Self::File(of, range) => {
                let left = range.end.saturating_sub(range.start);
                // The messages share a file, and with it the place in it.
                let mut file = of.file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(range.start))?;
                let read = (&mut *file).take(left).read(buffer)?;
                range.start = range.start.saturating_add(read as u64);
                Ok(read)
            }
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

/// Octets of a message, or of all that are stored together, that wait in memory; what is more is written, in pieces of
/// about this size.
const IN_MEMORY_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn files(directory: &Path) -> usize {
        std::fs::read_dir(directory).unwrap().count()
    }

    fn read(spooled: &Spooled) -> Vec<u8> {
        let mut octets = Vec::new();
        spooled.reader().read_to_end(&mut octets).unwrap();
        octets
    }

    #[tokio::test]
    async fn messages_of_one_command_take_one_file_and_the_memory_of_one() {
        let directory = tempfile::tempdir().unwrap();
        let content = |number: usize| vec![u8::try_from(number % 251).unwrap(); number * 997 % 90_001];
        let mut spool = Spool::new(directory.path().to_owned());
        let mut messages = Vec::new();
        for number in 0..200 {
            for piece in content(number).chunks(40_000) {
                spool.write(piece).await.unwrap();
            }
            let (message, next) = spool.next().await.unwrap();
            assert_eq!(message.size(), content(number).len() as u64);
            messages.push(message);
            spool = next;
        }
        assert_eq!(files(directory.path()), 1);
        let in_memory = messages.iter().filter(|message| message.is_in_memory()).map(Spooled::size);
        assert!(in_memory.sum::<u64>() <= IN_MEMORY_MAX as u64);
        // In any order, and again.
        for number in (0..200).rev().chain(0..200) {
            assert_eq!(read(&messages[number]), content(number), "{number}");
        }
        let (mut one, mut two) = (messages[150].reader(), messages[151].reader());
        let (mut first, mut second) = ([0; 100], [0; 100]);
        one.read_exact(&mut first).unwrap();
        two.read_exact(&mut second).unwrap();
        one.read_exact(&mut first).unwrap();
        assert_eq!((first, second), ([150; 100], [151; 100]));
        drop((one, two, spool));
        assert_eq!(files(directory.path()), 1);
        drop(messages);
        assert_eq!(files(directory.path()), 0);
    }

    #[tokio::test]
    async fn a_small_message_needs_no_file_and_a_large_one_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        for size in [0, 1, IN_MEMORY_MAX, IN_MEMORY_MAX + 1, 3 * IN_MEMORY_MAX] {
            let mut spool = Spool::new(directory.path().to_owned());
            spool.write(&vec![b'x'; size]).await.unwrap();
            let spooled = spool.finish().await.unwrap();
            assert_eq!(spooled.is_in_memory(), size <= IN_MEMORY_MAX);
            assert_eq!(files(directory.path()), usize::from(size > IN_MEMORY_MAX));
            assert_eq!(read(&spooled), vec![b'x'; size]);
        }
    }
}
