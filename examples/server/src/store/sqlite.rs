//! The store on SQLite: one database, large contents in files beside it, one writing thread, some reading ones, one that
//! moves the log.
//!
//! The promise of durability is one commit of the log (WAL) with `synchronous=FULL` for all operations that waited
//! for it. One process has the data directory at a time, so the writer may keep numbers in memory, and the listener
//! hears of every change there is.
//!
//! Here is what the trait asks for, and who does it. The modules know SQL, the trait and its types do not.

mod accounts;
mod archive;
mod backup;
mod blobs;
mod check;
mod checkpoint;
mod copies;
mod counters;
mod delivery;
mod expunging;
mod files;
mod flagging;
mod lines;
mod log;
mod mailboxes;
mod messages;
mod readers;
mod runs;
mod schema;
mod search;
mod sharing;
mod sql;
mod threads;
mod writer;

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use rusqlite::Connection;
use rusqlite::config::DbConfig;

use super::{
    AccountId, Annotation, Answer, Appended, Backup, BlobId, Check, Content, Copied, Deleted, Delivered,
    Delivery, Expunge, Expunged, Finding, FlagMask, Grant, InternalDate, Listener, Mailbox, MailboxId,
    MailboxName, NewMessage, News, Progress, Record, RecordChange, Replaced, Room, Snapshot, SpecialUse,
    Spool, Status, Store, StoreError, StoreFlags, Stored, Undelete, Usage, spool,
};
use crate::disk;
pub use archive::Archive;
pub use backup::restore;
use files::Files;
use readers::Readers;
use writer::{Parts, Txn, Writer, lock};

/// A store on SQLite.
#[derive(Debug)]
pub struct Sqlite {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    writer: Writer,
    readers: Readers,
    checkpointer: checkpoint::Checkpointer,
    pins: Arc<blobs::Pins>,
    files: Files,
    data: PathBuf,
    options: Options,
    /// Held until all threads have ended.
    lock: Mutex<Option<Arc<File>>>,
}

impl Inner {
    /// What is free where there is least, as `free` tells it of a directory: each of these can be a disk of its own.
    fn free_space(&self, free: impl Fn(&Path) -> Option<u64>) -> Option<u64> {
        let spool = self.data.join(SPOOL);
        [&*self.data, &*spool, self.files.directory()].into_iter().filter_map(free).min()
    }
}

/// How a store is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// Whether there is a search index.
    pub search: SearchIndex,
}

/// Whether contents are indexed for searching, in the background. The index takes about as much space as the text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SearchIndex {
    /// They are.
    #[default]
    On,
    /// They are not: each search reads them.
    Off,
}

impl Sqlite {
    /// Opens the store in a data directory, which is made if it does not exist. Blocks for a short time.
    ///
    /// # Errors
    ///
    /// [`StoreError::Locked`] if another process uses the directory, [`StoreError::NewerSchema`] if a newer version
    /// of the program has, and what the disk says.
    pub fn open(data: &Path, listener: Arc<dyn Listener>) -> Result<Self, StoreError> {
        Self::open_with(data, listener, Options::default())
    }

    /// As [`open`](Self::open), with options.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn open_with(data: &Path, listener: Arc<dyn Listener>, options: Options) -> Result<Self, StoreError> {
        let spool = data.join(SPOOL);
        make_private_directory(&spool)?;
        let lock = Arc::new(lock_directory(data)?);
        let path = data.join(FILE);
        make_private_file(&path)?;
        let sql = connect(&path)?;
        let (files, is_new) = (Files::of(data), schema::is_new(&sql)?);
        schema::migrate(&sql)?;
        files.open(&sql, is_new)?;
        copies::settle(&sql, InternalDate::now().seconds)?;
        threads::recover(&sql)?;
        flush_directory(data)?;
        spool::clean(&spool)?;
        let pins = Arc::new(blobs::Pins::default());
        let checkpoints = Arc::default();
        let checkpointer = checkpoint::Checkpointer::start(&path, &checkpoints, Arc::clone(&lock))?;
        let readers = Readers::start(&path, &lock)?;
        let parts = Parts { sql, pins: Arc::clone(&pins), files: files.clone(), listener, checkpoints };
        let writer = Writer::start(parts, Arc::clone(&lock))?;
        let (data, lock) = (data.to_owned(), Mutex::new(Some(lock)));
        let inner = Inner { writer, readers, checkpointer, pins, files, data, options, lock };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Answers with what `query` finds.
    fn read<T, F>(&self, query: F) -> Answer<'_, T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        Box::pin(self.inner.readers.read(query))
    }

    /// Answers when what `op` does is on disk.
    fn write<T, F>(&self, op: F) -> Answer<'_, T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Txn<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        Box::pin(self.inner.writer.write(op))
    }
}

impl Store for Sqlite {
    fn records(&self) -> Answer<'_, Vec<Record>> {
        self.read(accounts::records)
    }

    fn commit(&self, changes: Vec<RecordChange>) -> Answer<'_, ()> {
        self.write(move |txn| accounts::commit(txn, &changes))
    }

    fn usage(&self, account: AccountId) -> Answer<'_, Usage> {
        self.read(move |sql| accounts::usage(sql, account))
    }

    fn usages(&self) -> Answer<'_, Vec<(AccountId, Usage)>> {
        self.read(accounts::usages)
    }

    fn mailboxes(&self, account: AccountId) -> Answer<'_, Vec<Mailbox>> {
        self.read(move |sql| mailboxes::all(sql, account))
    }

    fn mailbox(&self, account: AccountId, name: &MailboxName) -> Answer<'_, Mailbox> {
        let name = name.clone();
        self.read(move |sql| mailboxes::find(sql, account, &name)?.ok_or(StoreError::NoSuchMailbox))
    }

    fn mailbox_by_id(&self, mailbox: MailboxId) -> Answer<'_, Mailbox> {
        self.read(move |sql| mailboxes::by_id(sql, mailbox))
    }

    fn create_mailbox(
        &self,
        account: AccountId,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> Answer<'_, Mailbox> {
        let name = name.clone();
        self.write(move |txn| mailboxes::make(txn, account, &name, special_use))
    }

    fn delete_mailbox(&self, mailbox: MailboxId) -> Answer<'_, ()> {
        self.write(move |txn| mailboxes::delete(txn, mailbox))
    }

    fn rename_mailbox(&self, mailbox: MailboxId, to: &MailboxName) -> Answer<'_, ()> {
        let to = to.clone();
        self.write(move |txn| mailboxes::rename(txn, mailbox, &to))
    }

    fn subscribe(&self, account: AccountId, name: &str) -> Answer<'_, ()> {
        let name = name.to_owned();
        self.write(move |txn| mailboxes::subscribe(txn, account, &name))
    }

    fn unsubscribe(&self, account: AccountId, name: &str) -> Answer<'_, ()> {
        let name = name.to_owned();
        self.write(move |txn| mailboxes::unsubscribe(txn, account, &name))
    }

    fn subscriptions(&self, account: AccountId) -> Answer<'_, Vec<String>> {
        self.read(move |sql| mailboxes::subscriptions(sql, account))
    }

    fn status(&self, mailbox: MailboxId) -> Answer<'_, Status> {
        self.read(move |sql| mailboxes::status(sql, mailbox))
    }

    fn grants(&self, mailbox: MailboxId) -> Answer<'_, Vec<Grant>> {
        self.read(move |sql| sharing::grants(sql, mailbox))
    }

    fn grant(&self, mailbox: MailboxId, grant: Grant) -> Answer<'_, ()> {
        self.write(move |txn| sharing::grant(txn, mailbox, &grant))
    }

    fn granted_to(&self, identifiers: Vec<String>) -> Answer<'_, Vec<(Mailbox, Vec<Grant>)>> {
        self.read(move |sql| sharing::granted_to(sql, &identifiers))
    }

    fn annotations(&self, account: AccountId, mailbox: Option<MailboxId>) -> Answer<'_, Vec<Annotation>> {
        self.read(move |sql| sharing::annotations(sql, account, mailbox))
    }

    fn annotate(
        &self,
        account: AccountId,
        mailbox: Option<MailboxId>,
        changes: Vec<(String, Option<Bytes>)>,
    ) -> Answer<'_, ()> {
        self.write(move |txn| sharing::annotate(txn, account, mailbox, &changes))
    }

    fn spool(&self) -> Spool {
        Spool::new(self.inner.data.join(SPOOL))
    }

    fn deliver(
        &self,
        message: NewMessage,
        deliveries: Vec<Delivery>,
        all_or_none: bool,
    ) -> Answer<'_, Vec<Result<Delivered, StoreError>>> {
        Box::pin(async move {
            let message = self.inner.files.settle(message).await?;
            self.write(move |txn| delivery::deliver(txn, message, &deliveries, all_or_none)).await
        })
    }

    fn append(&self, mailbox: MailboxId, room: Room, messages: Vec<NewMessage>) -> Answer<'_, Appended> {
        Box::pin(async move {
            let mut settled = Vec::with_capacity(messages.len());
            for message in messages {
                settled.push(self.inner.files.settle(message).await?);
            }
            self.write(move |txn| messages::append(txn, mailbox, room, settled)).await
        })
    }

    fn replace(
        &self,
        mailbox: MailboxId,
        uid: u32,
        to: MailboxId,
        room: Room,
        message: NewMessage,
    ) -> Answer<'_, Replaced> {
        Box::pin(async move {
            let message = self.inner.files.settle(message).await?;
            self.write(move |txn| messages::replace(txn, mailbox, uid, to, room, message)).await
        })
    }

    fn snapshot(&self, mailbox: MailboxId) -> Answer<'_, Snapshot> {
        self.read(move |sql| messages::snapshot(sql, mailbox))
    }

    fn changed_since(&self, mailbox: MailboxId, modseq: u64) -> Answer<'_, News> {
        self.read(move |sql| messages::changed_since(sql, mailbox, modseq))
    }

    fn store_flags(&self, mailbox: MailboxId, change: StoreFlags) -> Answer<'_, Stored> {
        self.write(move |txn| flagging::store_flags(txn, mailbox, change))
    }

    fn expunge(&self, mailbox: MailboxId, which: Expunge) -> Answer<'_, Expunged> {
        self.write(move |txn| expunging::expunge(txn, mailbox, which.into()))
    }

    fn copy(
        &self,
        from: MailboxId,
        uids: Vec<u32>,
        to: MailboxId,
        room: Room,
        flags: FlagMask,
    ) -> Answer<'_, Copied> {
        self.write(move |txn| messages::copy(txn, from, uids, to, room, flags))
    }

    fn move_messages(
        &self,
        from: MailboxId,
        uids: Vec<u32>,
        to: MailboxId,
        room: Room,
        flags: FlagMask,
    ) -> Answer<'_, Copied> {
        self.write(move |txn| messages::relocate(txn, from, uids, to, room, flags))
    }

    fn recent(&self, mailbox: MailboxId) -> Answer<'_, Range<u32>> {
        self.read(move |sql| mailboxes::recent(sql, mailbox))
    }

    fn claim_recent(&self, mailbox: MailboxId, before: u32) -> Answer<'_, ()> {
        self.write(move |txn| mailboxes::claim_recent(txn, mailbox, before))
    }

    fn content(&self, blob: BlobId, range: Range<u64>) -> Answer<'_, Content> {
        Box::pin(blobs::open(&self.inner, blob, range))
    }

    fn parts(&self, parts: Vec<(BlobId, Range<u64>)>) -> Answer<'_, Vec<Option<Bytes>>> {
        let files = self.inner.files.clone();
        self.read(move |sql| {
            parts.into_iter().map(|(blob, range)| blobs::part(sql, &files, blob, range)).collect()
        })
    }

    fn summaries(&self, blobs: Vec<BlobId>) -> Answer<'_, Vec<Option<Bytes>>> {
        self.read(move |sql| blobs::summaries(sql, &blobs))
    }

    fn sizes_on_lines(&self, blobs: Vec<BlobId>) -> Answer<'_, Vec<(BlobId, u64)>> {
        self.read(move |sql| lines::sizes(sql, &blobs))
    }

    fn may_contain(&self, among: Vec<BlobId>, mapped: &str) -> Answer<'_, Option<Vec<BlobId>>> {
        if self.inner.options.search == SearchIndex::Off {
            return Box::pin(async { Ok(None) });
        }
        let mapped = mapped.to_owned();
        self.read(move |sql| search::may_contain(sql, &among, &mapped))
    }

    fn deleted(&self, account: AccountId) -> Answer<'_, Vec<Deleted>> {
        self.read(move |sql| expunging::deleted(sql, account))
    }

    fn undelete(&self, what: Undelete) -> Answer<'_, Appended> {
        self.write(move |txn| expunging::undelete(txn, what))
    }

    fn purge(&self, before: i64, max: u32) -> Answer<'_, u32> {
        self.write(move |txn| expunging::purge(txn, before, max))
    }

    fn check(&self, how: Check, progress: Progress) -> Answer<'_, Vec<Finding>> {
        match how {
            Check::Report => {
                let (path, files) = (self.inner.data.join(FILE), self.inner.files.clone());
                // One of the reads all the same, so that it is waited for before the store closes.
                self.read(move |_| check::report(&path, &files, &progress))
            }
            Check::Repair => self.write(move |txn| check::repair(txn, &progress)),
        }
    }

    fn backup(&self, to: Backup, progress: Progress) -> Answer<'_, ()> {
        let (data, files) = (self.inner.data.clone(), self.inner.files.clone());
        // On a connection of its own, but as one of the reads: so it is waited for before the store closes.
        self.read(move |_| backup::run(&data, &files, &to.directory, &progress))
    }

    fn catch_up(&self) -> Answer<'_, ()> {
        Box::pin(async {
            lines::catch_up(&self.inner).await?;
            let Inner { readers, writer, .. } = &*self.inner;
            threads::catch_up(readers, writer, threads::CONTENTS_MIN).await?;
            match self.inner.options.search {
                SearchIndex::On => search::catch_up(&self.inner).await,
                SearchIndex::Off => Ok(()),
            }
        })
    }

    fn free_space(&self) -> Option<u64> {
        self.inner.free_space(disk::free)
    }

    fn commits(&self) -> u64 {
        self.inner.writer.commits()
    }

    fn close(&self) -> Answer<'_, ()> {
        let inner = Arc::clone(&self.inner);
        Box::pin(async move {
            inner.writer.close().await;
            let ended = tokio::task::spawn_blocking(move || {
                inner.checkpointer.close();
                inner.readers.close();
                drop(lock(&inner.lock).take());
            });
            ended.await.map_err(|_| StoreError::Closed)
        })
    }
}

/// A connection to the database, with what all of them need.
fn connect(path: &Path) -> Result<Connection, StoreError> {
    let sql = Connection::open(path)?;
    sql.busy_timeout(BUSY_TIMEOUT)?;
    sql.pragma_update(None, "journal_mode", "wal")?;
    sql.pragma_update(None, "synchronous", "full")?;
    sql.pragma_update(None, "foreign_keys", false)?;
    sql.pragma_update(None, "wal_autocheckpoint", 0)?;
    sql.pragma_update(None, "journal_size_limit", LOG_MAX)?;
    // Otherwise many a statement is compiled anew whenever another value is bound to it.
    sql.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    sql.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(sql)
}

/// Mail is nobody else's: the directory is made for its owner only.
fn make_private_directory(path: &Path) -> Result<(), StoreError> {
    let made = disk::make_private(path);
    made.map_err(|error| StoreError::io(format_args!("making {}", path.display()), &error))
}

/// The file of a database, from which the others of it take their permissions; one that is there stays as it is.
fn make_private_file(path: &Path) -> Result<(), StoreError> {
    match disk::create_private(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(StoreError::io(format_args!("making {}", path.display()), &error))
        }
        _ => Ok(()),
    }
}

/// Something of the mail in a data directory that others than its owner can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposed {
    /// What it is, in words.
    pub detail: String,
    /// What is to be done.
    pub remedy: String,
}

/// What of the mail in a data directory others than its owner can read.
pub fn exposed(data: &Path) -> Vec<Exposed> {
    let database = data.join(FILE);
    let exposed = |path: PathBuf| {
        let mode = if path == data { "700" } else { "600" };
        let path = path.display();
        Exposed {
            detail: format!("{path} can be read by others than its owner"),
            remedy: format!("run `chmod {mode} {path}`"),
        }
    };
    disk::exposed(&[data, &database]).into_iter().map(exposed).collect()
}

/// Makes sure that the files of the database are found again, its log among them. SQLite does so as well, but does not
/// mind when it fails; and what a flushed log says is lost with its name.
fn flush_directory(data: &Path) -> Result<(), StoreError> {
    let flushed = disk::flush_directory(data);
    flushed.map_err(|error| StoreError::io(format_args!("flushing {}", data.display()), &error))
}

fn lock_directory(data: &Path) -> Result<File, StoreError> {
    let path = data.join(LOCK);
    let failed = |error: &std::io::Error| StoreError::io(format_args!("locking {}", path.display()), error);
    make_private_file(&path)?;
    let file = File::options().write(true).open(&path).map_err(|error| failed(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Locked),
        Err(std::fs::TryLockError::Error(error)) => Err(failed(&error)),
    }
}

/// The database in the data directory.
const FILE: &str = "posthaste.sqlite";
/// Who holds the lock of this file works on the data directory.
const LOCK: &str = "posthaste.lock";
/// The directory of messages that are arriving.
const SPOOL: &str = "spool";
/// How long a connection waits for another one.
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);
/// Statements that a connection keeps ready.
const STATEMENTS: usize = 128;
/// The log is cut to this size, in octets, when it starts again.
const LOG_MAX: i64 = 64 << 20;

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use crate::store::{CHUNK, Flags, NoListener};

    #[tokio::test]
    async fn rel_06_each_disk_that_takes_mail_is_looked_at() {
        let data = tempfile::tempdir().unwrap();
        let store = Sqlite::open(data.path(), Arc::new(NoListener)).unwrap();
        let account = AccountId(1);
        store.commit(vec![RecordChange::AddAccount(account)]).await.unwrap();
        let inbox = store.mailbox(account, &MailboxName::new("INBOX").unwrap()).await.unwrap().id;
        let large = vec![b'x'; usize::try_from(CHUNK).unwrap() + 1];
        let mut spool = store.spool();
        spool.write(&large).await.unwrap();
        let content = spool.finish().await.unwrap();
        let message = NewMessage { content, flags: Flags::default(), date: InternalDate::now() };
        store.append(inbox, Room::UNLIMITED, vec![message]).await.unwrap();
        let mut arriving = store.spool();
        arriving.write(&large).await.unwrap();

        // Whatever directory has a file now can be a disk of its own.
        let has_file = |directory: &Path| {
            std::fs::read_dir(directory).unwrap().any(|entry| entry.unwrap().path().is_file())
        };
        let below = std::fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().path());
        let directories = below.filter(|path| path.is_dir()).chain([data.path().to_owned()]);
        let take_mail: Vec<PathBuf> = directories.filter(|directory| has_file(directory)).collect();
        assert_eq!(take_mail.len(), 3, "{take_mail:?}");
        for full in &take_mail {
            let free = |path: &Path| Some(if path == full { 7 } else { 1 << 40 });
            assert_eq!(store.inner.free_space(free), Some(7), "{}", full.display());
            let only = |path: &Path| (path == full).then_some(9);
            assert_eq!(store.inner.free_space(only), Some(9), "{}", full.display());
        }
        assert_eq!(store.inner.free_space(|_| None), None);
        store.close().await.unwrap();
    }

    #[test]
    fn a_statement_is_compiled_once_whatever_is_bound_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let sql = connect(&folder.path().join(FILE)).unwrap();
        schema::migrate(&sql).unwrap();
        for text in [
            "SELECT name FROM subscriptions WHERE account = ?1 ORDER BY name",
            "INSERT INTO deleted (account, blob, thread, mailbox, size, date, zone, flags, keywords, at)
             SELECT m.account, s.blob, s.thread, m.name, s.size, s.date, s.zone, s.flags, s.keywords, 0
             FROM current_messages s JOIN mailboxes m ON m.id = ?1 WHERE s.id = ?1 ORDER BY s.id",
        ] {
            let mut statement = sql.prepare(text).unwrap();
            for value in 0..4 {
                statement.raw_bind_parameter(1, value).unwrap();
                let mut rows = statement.raw_query();
                while rows.next().unwrap().is_some() {}
                drop(rows);
            }
            assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{text}");
        }
    }
}
