//! Mailboxes and messages, on SQLite.
//!
//! The promise: when an operation has returned `Ok`, what it did is on stable storage (one WAL commit with
//! `synchronous=FULL`), and when it has returned an error, nothing of it has happened. Writes of all sessions
//! go through one [`writer`](self) thread that commits them in groups; reads run beside it, each on one
//! consistent state. Other processes may work on the same database; nothing is cached here.
//!
//! The store knows nothing of protocols and nothing of who may do what: a session comes to a [`MailboxId`]
//! only through [`Store::mailbox`] or [`Store::mailboxes`] of the account it has authenticated.

mod blobs;
mod changes;
mod error;
mod flags;
mod id;
mod mailboxes;
mod maildrop;
mod messages;
mod name;
mod readers;
mod schema;
mod spool;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;

pub use blobs::{BlobReader, CHUNK};
pub use error::StoreError;
pub use flags::{Flags, KEYWORD_MAX, Keyword, StoreMode, SystemFlags};
pub use id::{AccountId, BlobId, MailboxId};
pub use mailboxes::{KEYWORDS_MAX, MAILBOXES_MAX, Mailbox, SpecialUse, Status};
pub(crate) use mailboxes::{create_defaults, remove_all};
pub use maildrop::{MaildropLock, uidl};
pub use messages::{Appended, Copied, Delivered, Expunge, InternalDate, MessageMeta, NewMessage, News};
pub use name::{COMPONENT_MAX, LEVELS_MAX, MailboxName, NameError, SEPARATOR};
pub use spool::{Spool, Spooled};
pub(crate) use writer::Txn;

/// Who opens a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The server: the only one on its data directory. It removes what a crash has left behind.
    Server,
    /// A tool that may run beside the server.
    Tool,
}

/// An open store. Clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    writer: writer::Writer,
    readers: readers::Readers,
    changes: Arc<changes::Changes>,
    pins: Arc<blobs::Pins>,
    maildrops: maildrop::Maildrops,
    spool: PathBuf,
}

impl Store {
    /// Opens the store in a data directory, which is made if it does not exist. Blocks for a short time.
    ///
    /// # Errors
    ///
    /// [`StoreError::Locked`] if another server uses the directory, [`StoreError::NewerSchema`] if a newer
    /// version of the program has, and what the disk says.
    pub fn open(data: &Path, role: Role) -> Result<Self, StoreError> {
        let spool = data.join("spool");
        make_private_directory(&spool)?;
        let lock = match role {
            Role::Server => Some(lock_directory(data)?),
            Role::Tool => None,
        };
        let path = data.join(FILE);
        let sql = open_database(&path)?;
        schema::migrate(&sql)?;
        if role == Role::Server {
            spool::clean(&spool)?;
            blobs::clean(&sql)?;
        }
        let changes = Arc::new(changes::Changes::default());
        let pins = Arc::new(blobs::Pins::default());
        let writer = writer::Writer::start(sql, Arc::clone(&pins), Arc::clone(&changes), lock)?;
        let readers = readers::Readers::new(path);
        let maildrops = maildrop::Maildrops::default();
        Ok(Self { inner: Arc::new(Inner { writer, readers, changes, pins, maildrops, spool }) })
    }

    /// Finishes what has been asked for and closes the files. Later operations fail with
    /// [`StoreError::Closed`].
    pub async fn close(&self) {
        self.inner.writer.close().await;
        self.inner.readers.close();
    }

    /// A place for a message that is about to arrive.
    pub fn spool(&self) -> Spool {
        Spool::new(self.inner.spool.clone())
    }

    /// Transactions committed since the store was opened; group commit makes them fewer than operations.
    pub fn commits(&self) -> u64 {
        self.inner.writer.commits()
    }

    pub(crate) async fn write<T, E, F>(&self, op: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Txn<'_>) -> Result<T, E> + Send + 'static,
    {
        self.inner.writer.write(op).await
    }

    pub(crate) async fn read<T, E, F>(&self, query: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        self.inner.readers.read(query).await
    }
}

fn open_database(path: &Path) -> Result<Connection, StoreError> {
    let sql = Connection::open(path)?;
    sql.busy_timeout(readers::BUSY_TIMEOUT)?;
    sql.pragma_update(None, "journal_mode", "wal")?;
    sql.pragma_update(None, "synchronous", "full")?;
    sql.pragma_update(None, "foreign_keys", true)?;
    sql.set_prepared_statement_cache_capacity(64);
    Ok(sql)
}

/// Mail is nobody else's: the directory is made for its owner only.
pub(crate) fn make_private_directory(path: &Path) -> Result<(), StoreError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| StoreError::io(format_args!("making {}", path.display()), &error))
}

fn lock_directory(data: &Path) -> Result<File, StoreError> {
    let path = data.join("posthaste.lock");
    let failed = |error: &std::io::Error| StoreError::io(format_args!("locking {}", path.display()), error);
    let file =
        File::options().create(true).truncate(false).write(true).open(&path).map_err(|e| failed(&e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Locked),
        Err(std::fs::TryLockError::Error(error)) => Err(failed(&error)),
    }
}

/// The database in the data directory.
const FILE: &str = "posthaste.sqlite";
