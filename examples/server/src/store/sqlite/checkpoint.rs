//! Moving what is committed from the log into the database, on a thread and a connection of its own, so that no
//! operation waits for it.
//!
//! The log starts again from its beginning only when all of it has been moved and nothing new came meanwhile. Under a
//! load that never pauses that does not happen by itself: then the writer is asked to move the little that is left,
//! between two transactions.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::writer::lock;
use crate::store::StoreError;

/// What the writer and the thread tell each other.
#[derive(Debug, Default)]
pub(super) struct Checkpoints {
    work: Mutex<Work>,
    wake: Condvar,
    finish: AtomicBool,
}

#[derive(Debug, Default)]
struct Work {
    committed: bool,
    stop: bool,
}

impl Checkpoints {
    /// There is something in the log.
    pub(super) fn committed(&self) {
        let mut work = lock(&self.work);
        if !work.committed {
            work.committed = true;
            drop(work);
            self.wake.notify_one();
        }
    }

    /// Whether the writer should move what is left; asks once.
    pub(super) fn finish_wanted(&self) -> bool {
        self.finish.load(Ordering::Relaxed) && self.finish.swap(false, Ordering::Relaxed)
    }
}

/// The thread.
#[derive(Debug)]
pub(super) struct Checkpointer {
    shared: Arc<Checkpoints>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Checkpointer {
    /// Starts the thread. `keep` is dropped when it ends.
    pub(super) fn start<K: Send + 'static>(
        path: &Path,
        shared: &Arc<Checkpoints>,
        keep: K,
    ) -> Result<Self, StoreError> {
        let sql = super::connect(path)?;
        let checkpoints = Arc::clone(shared);
        let thread = std::thread::Builder::new()
            .name("store-checkpoint".to_owned())
            .spawn(move || {
                work(&sql, &checkpoints);
                drop(sql);
                drop(keep);
            })
            .map_err(|error| StoreError::io("starting the checkpoint thread", &error))?;
        Ok(Self { shared: Arc::clone(shared), thread: Mutex::new(Some(thread)) })
    }

    /// Ends the thread and waits for it. Blocks.
    pub(super) fn close(&self) {
        self.stop();
        if let Some(thread) = lock(&self.thread).take() {
            // It has nothing to say.
            let _ = thread.join();
        }
    }

    fn stop(&self) {
        lock(&self.shared.work).stop = true;
        self.shared.wake.notify_one();
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn work(sql: &Connection, shared: &Checkpoints) {
    loop {
        let mut work = lock(&shared.work);
        while !work.committed && !work.stop {
            work = shared.wake.wait(work).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        // More will come: pages that change again are moved once.
        let waited = shared.wake.wait_timeout_while(work, EVERY, |work| !work.stop);
        let (mut work, _) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        if work.stop {
            return;
        }
        work.committed = false;
        drop(work);
        if run(sql).is_some_and(|frames| frames > FRAMES_MAX) {
            shared.finish.store(true, Ordering::Relaxed);
        }
    }
}

/// Moves what can be moved without waiting for anybody; how many pages the log has.
pub(super) fn run(sql: &Connection) -> Option<i64> {
    let outcome = sql.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1));
    outcome.inspect_err(|error| tracing::warn!(%error, "the log of the database could not be moved")).ok()
}

/// How long commits gather before they are moved.
const EVERY: Duration = Duration::from_millis(500);
/// Pages in the log above which the writer helps.
const FRAMES_MAX: i64 = 8192;
