//! Reading connections, each with a thread of its own. Each read is one transaction, so it sees one state, and never
//! waits for the writer.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::writer::lock;
use crate::store::StoreError;

/// The way to the readers.
#[derive(Debug)]
pub(super) struct Readers {
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    wake: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

type Job = Box<dyn FnOnce(Result<&Connection, StoreError>) + Send>;

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Queue")
    }
}

impl Readers {
    /// Starts the threads. `keep` is dropped when the last ends.
    pub(super) fn start<K: Clone + Send + 'static>(path: &Path, keep: &K) -> Result<Self, StoreError> {
        let readers = Self { queue: Arc::default(), threads: Mutex::default() };
        for _ in 0..READERS {
            let (queue, path, keep) = (Arc::clone(&readers.queue), path.to_owned(), keep.clone());
            let thread = std::thread::Builder::new()
                .name("store-reader".to_owned())
                .spawn(move || {
                    queue.work(&path);
                    drop(keep);
                })
                .map_err(|error| StoreError::io("starting a reader thread", &error))?;
            lock(&readers.threads).push(thread);
        }
        Ok(readers)
    }

    /// Runs `query` on one of the threads.
    pub(super) async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        self.queue.push(Box::new(move |sql| {
            // Nobody waits any more for what nobody wants to know.
            if !reply.is_closed() {
                let _ = reply.send(sql.and_then(|sql| one_state(sql, query)));
            }
        }))?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Answers what has been asked, then ends the threads and waits for them. Blocks.
    pub(super) fn close(&self) {
        self.queue.close();
        for thread in std::mem::take(&mut *lock(&self.threads)) {
            // It has nothing to say.
            let _ = thread.join();
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Queue {
    fn push(&self, job: Job) -> Result<(), StoreError> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(StoreError::Closed);
        }
        state.jobs.push_back(job);
        drop(state);
        self.wake.notify_one();
        Ok(())
    }

    fn close(&self) {
        lock(&self.state).closed = true;
        self.wake.notify_all();
    }

    fn next(&self) -> Option<Job> {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.wake.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }

    fn work(&self, path: &Path) {
        let mut open = None;
        while let Some(job) = self.next() {
            match &open {
                Some(sql) => job(Ok(sql)),
                None => match connect(path) {
                    Ok(sql) => job(Ok(open.insert(sql))),
                    Err(error) => job(Err(error)),
                },
            }
        }
    }
}

/// Runs `query` in a transaction.
pub(super) fn one_state<T>(
    sql: &Connection,
    query: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    sql.prepare_cached("BEGIN")?.execute([])?;
    let found = query(sql);
    sql.prepare_cached("COMMIT")?.execute([])?;
    found
}

/// A connection that only reads.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let sql = super::connect(path)?;
    sql.pragma_update(None, "query_only", true)?;
    Ok(sql)
}

/// Reads at the same time; more wait.
const READERS: usize = 6;
