//! Where a message waits while it arrives: in memory when small, in a file of the data directory when not.
//! A slow disk makes `write` slow, and that makes the peer slow. A message that is never delivered leaves
//! nothing behind: its file goes with the value, or, after a crash, when the server starts again.
//!
//! Messages that arrive one after the other and are stored together ([`Spool::next`]) share a file, and the room in
//! memory: a thousand of them take what one takes.
//!
//! An engine that keeps large contents in files keeps the file that the message came into: [`Spooled::settle`].

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use posthaste_pop3::server::SentSize;

use super::error::StoreError;
use crate::disk;

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

/// A file of messages, which goes with the last of them, unless it is [kept](Self::keep).
#[derive(Debug)]
pub(super) struct SpoolFile {
    file: Mutex<File>,
    path: TempPath,
}

impl SpoolFile {
    fn create(directory: &Path) -> Result<Self, StoreError> {
        let path = TempPath::new(directory);
        let file = disk::create_private(&path.path).map_err(|error| path.failed(&error))?;
        Ok(Self { file: Mutex::new(file), path })
    }

    fn write(&self, at: u64, data: &[u8]) -> Result<(), StoreError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = file.seek(SeekFrom::Start(at)).and_then(|_| file.write_all(data));
        written.map_err(|error| self.path.failed(&error))
    }

    fn len(&mut self) -> std::io::Result<u64> {
        Ok(self.file.get_mut().unwrap_or_else(PoisonError::into_inner).metadata()?.len())
    }

    /// Moves it to a directory, unless that is on another file system; whether it did.
    fn move_to(&mut self, directory: &Path) -> Result<bool, StoreError> {
        let to = directory.join(self.name());
        match std::fs::rename(&self.path.path, &to) {
            Ok(()) => {
                self.path.path = to;
                Ok(true)
            }
            Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => Ok(false),
            Err(error) => Err(self.path.failed(&error)),
        }
    }

    fn flush(&self) -> Result<(), StoreError> {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let flushed = file.sync_data().and_then(|()| disk::flush_directory(disk::parent(&self.path.path)));
        flushed.map_err(|error| self.path.failed(&error))
    }

    /// Its name in its directory.
    pub(super) fn name(&self) -> String {
        self.path.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Leaves it where it is when this goes.
    pub(super) fn keep(&self) {
        self.path.is_kept.store(true, Ordering::Relaxed);
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
            Body::Settled(file) => Reader::File(file, 0..self.size),
        }
    }

    /// Gives the message, if it does not wait in memory, a file in `directory` that has nothing else. It and its name
    /// are on disk then. Blocks.
    ///
    /// # Errors
    ///
    /// As [`Spool::write`].
    pub(super) fn settle(&mut self, directory: &Path) -> Result<(), StoreError> {
        let Body::File(file, start) = &mut self.body else { return Ok(()) };
        let alone = match Arc::get_mut(file) {
            Some(own) if *start == 0 => {
                own.len().map_err(|error| own.path.failed(&error))? == self.size && own.move_to(directory)?
            }
            _ => false,
        };
        let file = if alone { Arc::clone(file) } else { Arc::new(self.copy(directory)?) };
        file.flush()?;
        self.body = Body::Settled(file);
        Ok(())
    }

    fn copy(&self, directory: &Path) -> Result<SpoolFile, StoreError> {
        let copy = SpoolFile::create(directory)?;
        let mut file = copy.file.lock().unwrap_or_else(PoisonError::into_inner);
        let copied =
            std::io::copy(&mut self.reader(), &mut *file).map_err(|error| copy.path.failed(&error))?;
        drop(file);
        if copied == self.size {
            Ok(copy)
        } else {
            Err(copy.path.failed(&std::io::ErrorKind::UnexpectedEof.into()))
        }
    }

    /// The file it has to itself.
    pub(super) fn settled(&self) -> Option<&Arc<SpoolFile>> {
        match &self.body {
            Body::Settled(file) => Some(file),
            Body::Memory(_) | Body::File(..) => None,
        }
    }
}

#[derive(Debug)]
enum Body {
    Memory(Bytes),
    /// A file and where in it the message begins.
    File(Arc<SpoolFile>, u64),
    /// A file of its own.
    Settled(Arc<SpoolFile>),
}

enum Reader<'a> {
    Memory(&'a [u8]),
    File(&'a SpoolFile, Range<u64>),
}

impl Reader<'_> {
    /// Lets `read` have what is left of the message.
    fn advance(
        &mut self,
        read: impl FnOnce(&mut dyn Read) -> std::io::Result<usize>,
    ) -> std::io::Result<usize> {
        match self {
            Self::Memory(bytes) => read(bytes),
            Self::File(of, range) => {
                let left = range.end.saturating_sub(range.start);
                // The messages share a file, and with it the place in it.
                let mut file = of.file.lock().unwrap_or_else(PoisonError::into_inner);
                file.seek(SeekFrom::Start(range.start))?;
                let octets = read(&mut (&mut *file).take(left))?;
                range.start = range.start.saturating_add(octets as u64);
                Ok(octets)
            }
        }
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.advance(|left| left.read(buffer))
    }

    /// Straight from the file, which need not have the room zeroed before.
    fn read_to_end(&mut self, buffer: &mut Vec<u8>) -> std::io::Result<usize> {
        self.advance(|left| left.read_to_end(buffer))
    }
}

/// The path of a file that goes when this goes.
#[derive(Debug)]
struct TempPath {
    path: PathBuf,
    is_kept: AtomicBool,
}

impl TempPath {
    fn new(directory: &Path) -> Self {
        Self { path: directory.join(name()), is_kept: AtomicBool::new(false) }
    }

    fn failed(&self, error: &std::io::Error) -> StoreError {
        StoreError::io(format_args!("spooling to {}", self.path.display()), error)
    }
}

impl Drop for TempPath {
    fn drop(&mut self) {
        if !*self.is_kept.get_mut()
            && let Err(error) = std::fs::remove_file(&self.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.path.display(), %error, "a spool file could not be removed");
        }
    }
}

/// A name that no file of any run has had: when the process had its first, to the nanosecond, which process it is, and a
/// number.
fn name() -> String {
    static BEGUN: LazyLock<u128> =
        LazyLock::new(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos());
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{:x}-{:x}-{count:x}", *BEGUN, std::process::id())
}

/// Removes what a crash has left. Only for the process that holds the lock of the data directory.
pub(super) fn clean(directory: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::io(format_args!("cleaning {}", directory.display()), &error);
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        // A directory is no message, as that of files which were found again (lost+found).
        if !entry.file_type().map_err(failed)?.is_dir() {
            std::fs::remove_file(entry.path()).map_err(failed)?;
        }
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

    #[test]
    fn what_a_crash_has_left_goes_and_what_is_no_message_stays() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("lost+found")).unwrap();
        std::fs::write(directory.path().join(name()), "half a mess").unwrap();
        clean(directory.path()).unwrap();
        assert!(files(directory.path()) == 1 && directory.path().join("lost+found").is_dir());
    }

    #[tokio::test]
    async fn a_message_settles_in_a_file_of_its_own_on_whichever_disk() {
        let spool = tempfile::tempdir().unwrap();
        // Where there is one, on another file system.
        let elsewhere = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let beside = tempfile::tempdir().unwrap();
        let content = vec![b'x'; IN_MEMORY_MAX + 7];
        for directory in [beside.path(), elsewhere.path()] {
            let mut arriving = Spool::new(spool.path().to_owned());
            arriving.write(&content).await.unwrap();
            let mut spooled = arriving.finish().await.unwrap();
            spooled.settle(directory).unwrap();
            assert_eq!((files(spool.path()), files(directory)), (0, 1));
            assert_eq!(read(&spooled), content);
            let path = directory.join(spooled.settled().unwrap().name());
            assert_eq!(std::fs::read(&path).unwrap(), content);
            spooled.settled().unwrap().keep();
            drop(spooled);
            assert!(path.exists());
        }
    }
}
