//! Reading connections. Each read is one transaction, so it sees one state, and never waits for the writer.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::error::StoreError;
use super::writer::lock;

#[derive(Debug, Clone)]
pub(super) struct Readers(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        let permits = Arc::new(Semaphore::new(READERS_MAX));
        Self(Arc::new(Pool { path, idle: Mutex::new(Vec::new()), permits }))
    }

    /// Runs `query` on a thread for blocking work.
    pub(super) async fn read<T, E, F>(&self, query: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        let permit = Arc::clone(&self.0.permits).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let pool = Arc::clone(&self.0);
        let work = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let idle = lock(&pool.idle).pop();
            let sql = match idle {
                Some(sql) => sql,
                None => open(&pool.path)?,
            };
            let snapshot = sql.unchecked_transaction().map_err(StoreError::from)?;
            let found = query(&sql);
            snapshot.rollback().map_err(StoreError::from)?;
            lock(&pool.idle).push(sql);
            found
        });
        work.await.map_err(|_| StoreError::Closed)?
    }

    pub(super) fn close(&self) {
        self.0.permits.close();
        lock(&self.0.idle).clear();
    }
}

fn open(path: &Path) -> Result<Connection, StoreError> {
    // Not READ_ONLY: a reader of a WAL database may have to build the shared index.
    let sql = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    sql.busy_timeout(BUSY_TIMEOUT)?;
    sql.pragma_update(None, "query_only", true)?;
    sql.set_prepared_statement_cache_capacity(64);
    Ok(sql)
}

/// Reads at the same time; more wait.
const READERS_MAX: usize = 8;
/// How long a connection waits for another process.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
