//! The one writer: a thread that owns the only writing connection and commits in groups.
//!
//! Operations of all sessions wait in one queue. The writer takes all that wait into one transaction, each in a
//! savepoint of its own when there are several, so that an operation that fails takes nothing with it but itself.
//! Answers go out only after the commit: who has been told "done" finds it done after a crash. One flush of the disk
//! then serves every session that was waiting.
//!
//! When the commit fails, every operation in it is answered with that error, and nothing of them remains. After a
//! failure that leaves it open what the disk has, nothing is written any more until the store is opened again: what
//! is flushed a second time may be lost unseen.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::blobs::{self, Pins, Swept};
use super::checkpoint::Checkpoints;
use super::counters::Counters;
use super::files::Files;
use super::log;
use super::threads::Fresh;
use crate::metrics;
use crate::store::spool::SpoolFile;
use crate::store::{Change, InternalDate, Listener, StoreError};

/// The way to the writer.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Sender<Message>,
    room: Arc<Semaphore>,
    commits: Arc<AtomicU64>,
    operations: Arc<AtomicU64>,
}

/// What the thread works with.
pub(super) struct Parts {
    pub(super) sql: Connection,
    pub(super) pins: Arc<Pins>,
    pub(super) files: Files,
    pub(super) listener: Arc<dyn Listener>,
    pub(super) checkpoints: Arc<Checkpoints>,
}

impl Writer {
    /// Starts the thread. `keep` is dropped when the thread ends.
    pub(super) fn start<K: Send + 'static>(parts: Parts, keep: K) -> Result<Self, StoreError> {
        let (jobs, queue) = channel();
        let commits = Arc::new(AtomicU64::new(0));
        let operations = Arc::new(AtomicU64::new(0));
        let mut state = State {
            parts,
            counters: Counters::default(),
            fresh: Fresh::default(),
            commits: Arc::clone(&commits),
            operations: Arc::clone(&operations),
            sweep: true,
            sweep_failed: false,
            failed: false,
        };
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                let closed = state.run(&queue);
                drop(state);
                drop(keep);
                if let Some(closed) = closed {
                    // Who asked may have gone; closed it is.
                    let _ = closed.send(());
                }
            })
            .map_err(|error| StoreError::io("starting the writer thread", &error))?;
        Ok(Self { jobs, room: Arc::new(Semaphore::new(WAITING_MAX)), commits, operations })
    }

    /// Runs `op` in the next transaction and returns when that is on disk.
    ///
    /// An operation whose caller has gone before its turn does not run at all.
    pub(super) async fn write<T, F>(&self, op: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Txn<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let room = Arc::clone(&self.room).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let job = Operation { op: Some(op), outcome: None, reply, _room: room };
        self.jobs.send(Message::Run(Box::new(job))).map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// A way to have contents removed that nobody reads any more, without waiting for it.
    pub(super) fn reaper(&self) -> Reaper {
        Reaper(self.jobs.clone())
    }

    /// How many transactions have been committed.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// How many operations were in them.
    pub(super) fn operations(&self) -> u64 {
        self.operations.load(Ordering::Relaxed)
    }

    /// Lets the queue run empty and waits for the thread to end.
    pub(super) async fn close(&self) {
        let (closed, wait) = oneshot::channel();
        if self.jobs.send(Message::Stop(closed)).is_ok() {
            // An error says that the thread has gone already.
            let _ = wait.await;
        }
    }
}

/// See [`Writer::reaper`].
#[derive(Debug, Clone)]
pub(super) struct Reaper(Sender<Message>);

impl Reaper {
    pub(super) fn reap(&self) {
        // A closed store removes what is left over when it opens again.
        let _ = self.0.send(Message::Sweep);
    }
}

/// One operation's view of the transaction.
pub(super) struct Txn<'a> {
    pub(super) sql: &'a Connection,
    pub(super) counters: &'a mut Counters,
    pub(super) fresh: &'a mut Fresh,
    files: &'a Files,
    /// Seconds since 1970.
    pub(super) now: i64,
    batch: &'a mut Batch,
    sweep: &'a mut bool,
}

/// What operations of one transaction leave behind when it is committed.
#[derive(Debug, Default)]
struct Batch {
    changes: Vec<Change>,
    files: Vec<Arc<SpoolFile>>,
}

impl Txn<'_> {
    /// To be told to the listener after the commit.
    pub(super) fn tell(&mut self, change: Change) {
        self.batch.changes.push(change);
    }

    /// A file is to stay once the transaction is committed; it goes if nothing is.
    pub(super) fn keep(&mut self, file: &Arc<SpoolFile>) {
        self.batch.files.push(Arc::clone(file));
    }

    /// The files of the store.
    pub(super) fn files(&self) -> &Files {
        self.files
    }

    /// A content may have lost its last reference.
    pub(super) fn sweep(&mut self) {
        *self.sweep = true;
    }
}

enum Message {
    Run(Box<dyn Job>),
    Sweep,
    Stop(oneshot::Sender<()>),
}

trait Job: Send {
    /// Runs the operation; an error when it failed and must be undone.
    fn run(&mut self, txn: &mut Txn<'_>) -> Result<(), StoreError>;
    /// Answers: with the outcome of the operation, or with the error that undid it.
    fn answer(self: Box<Self>, committed: &Result<(), StoreError>);
    fn is_abandoned(&self) -> bool;
}

struct Operation<T, F> {
    op: Option<F>,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
    _room: OwnedSemaphorePermit,
}

impl<T, F> Job for Operation<T, F>
where
    T: Send,
    F: FnOnce(&mut Txn<'_>) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, txn: &mut Txn<'_>) -> Result<(), StoreError> {
        match self.outcome.insert(self.op.take().ok_or(StoreError::Closed).and_then(|op| op(txn))) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.clone()),
        }
    }

    fn answer(self: Box<Self>, committed: &Result<(), StoreError>) {
        let answer = match (committed, self.outcome) {
            // What failed by itself keeps its own reason.
            (_, Some(Err(error))) => Err(error),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Ok(()), None) => Err(StoreError::Closed),
            (Err(error), _) => Err(error.clone()),
        };
        // A caller that has gone does not mind.
        let _ = self.reply.send(answer);
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }
}

struct State {
    parts: Parts,
    counters: Counters,
    fresh: Fresh,
    commits: Arc<AtomicU64>,
    operations: Arc<AtomicU64>,
    /// Contents without references may be left.
    sweep: bool,
    /// They could not be removed: to be tried again once something else succeeds.
    sweep_failed: bool,
    /// Nothing is written any more.
    failed: bool,
}

impl State {
    fn run(&mut self, queue: &Receiver<Message>) -> Option<oneshot::Sender<()>> {
        let mut since_sweep = 0_u32;
        loop {
            let mut batch: Vec<Box<dyn Job>> = Vec::new();
            let mut stop = None;
            match queue.try_recv() {
                Ok(message) => self.sort(message, &mut batch, &mut stop),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) => {
                    if self.sweep && !self.failed {
                        self.sweep = self.sweep_some();
                        since_sweep = 0;
                        continue;
                    }
                    match queue.recv() {
                        Ok(message) => self.sort(message, &mut batch, &mut stop),
                        Err(_) => return None,
                    }
                }
            }
            while batch.len() < BATCH_MAX && stop.is_none() {
                match queue.try_recv() {
                    Ok(message) => self.sort(message, &mut batch, &mut stop),
                    Err(_) => break,
                }
            }
            batch.retain(|job| !job.is_abandoned());
            if !batch.is_empty() {
                self.commit(batch);
                since_sweep = since_sweep.saturating_add(1);
            }
            if since_sweep >= SWEEP_EVERY && self.sweep && !self.failed {
                self.sweep = self.sweep_some();
                since_sweep = 0;
            }
            if self.parts.checkpoints.finish_wanted() {
                super::checkpoint::run(&self.parts.sql);
            }
            if stop.is_some() {
                return stop;
            }
        }
    }

    fn sort(
        &mut self,
        message: Message,
        batch: &mut Vec<Box<dyn Job>>,
        stop: &mut Option<oneshot::Sender<()>>,
    ) {
        match message {
            Message::Run(job) => batch.push(job),
            Message::Sweep => self.sweep = true,
            Message::Stop(closed) => *stop = Some(closed),
        }
    }

    /// One transaction: all of the batch, the commit, the news, the answers.
    fn commit(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        let (mut batch, begun) = (Batch::default(), Instant::now());
        let committed =
            if self.failed { Err(StoreError::Closed) } else { self.attempt(&mut jobs, &mut batch) };
        match &committed {
            Ok(()) => {
                self.commits.fetch_add(1, Ordering::Relaxed);
                self.operations.fetch_add(u64::try_from(jobs.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
                metrics::committed(jobs.len(), begun.elapsed());
                batch.files.iter().for_each(|file| file.keep());
                self.parts.checkpoints.committed();
                self.sweep |= std::mem::take(&mut self.sweep_failed);
                if !batch.changes.is_empty() {
                    self.parts.listener.committed(&batch.changes);
                }
            }
            Err(_) if self.failed => {}
            Err(error) => {
                self.undo(error);
                if self.failed {
                    // What the disk has is open, and so is whether it names them: the next to open the store will see.
                    batch.files.iter().for_each(|file| file.keep());
                }
            }
        }
        for job in jobs {
            job.answer(&committed);
        }
        self.counters.trim();
        self.fresh.committed();
    }

    fn attempt(&mut self, jobs: &mut [Box<dyn Job>], batch: &mut Batch) -> Result<(), StoreError> {
        let Self { parts, counters, fresh, sweep, .. } = self;
        let Parts { sql, files, .. } = parts;
        let alone = jobs.len() == 1;
        let now = InternalDate::now().seconds;
        statement(sql, "BEGIN IMMEDIATE")?;
        for job in jobs {
            let before = (batch.changes.len(), batch.files.len());
            if !alone {
                statement(sql, "SAVEPOINT operation")?;
            }
            let done = job.run(&mut Txn { sql, counters, fresh, files, now, batch, sweep });
            if sql.is_autocommit() {
                // A full or failing disk has made SQLite undo everything, not only this operation.
                let undone = || StoreError::Database("the transaction was undone".to_owned());
                return Err(done.err().unwrap_or_else(undone));
            }
            if done.is_ok() {
                counters.keep();
                fresh.keep();
            } else {
                counters.take_back();
                fresh.take_back();
                batch.changes.truncate(before.0);
                batch.files.truncate(before.1);
                statement(sql, if alone { "ROLLBACK" } else { "ROLLBACK TO operation" })?;
                if alone {
                    counters.forget();
                    return Ok(());
                }
            }
            if !alone {
                statement(sql, "RELEASE operation")?;
            }
        }
        counters.write(sql)?;
        statement(sql, "COMMIT")
    }

    fn undo(&mut self, error: &StoreError) {
        tracing::error!(%error, "the store could not commit");
        self.counters.forget();
        self.fresh.undo();
        if !self.parts.sql.is_autocommit()
            && let Err(error) = statement(&self.parts.sql, "ROLLBACK")
        {
            tracing::error!(%error, "the store could not roll back");
            self.failed = true;
        }
        if !matches!(error, StoreError::Full | StoreError::Busy) {
            tracing::error!("the store accepts no more changes until it is opened again");
            self.failed = true;
            if let Err(error) = log::cut(&self.parts.sql) {
                tracing::error!(%error, "what was refused may be there when the store is opened again");
            }
        }
    }

    /// Removes some contents that nothing refers to; whether there may be more.
    fn sweep_some(&mut self) -> bool {
        let sql = &self.parts.sql;
        let mut swept = Swept::default();
        let committed = statement(sql, "BEGIN IMMEDIATE")
            .and_then(|()| blobs::sweep(sql, &self.parts.pins, SWEEP_MAX, &mut swept))
            .and_then(|more| statement(sql, "COMMIT").map(|()| more));
        self.parts.pins.pardon(&swept.blobs);
        match committed {
            Ok(more) => {
                if !swept.blobs.is_empty() {
                    self.parts.checkpoints.committed();
                    self.parts.files.remove(swept.files);
                }
                more
            }
            Err(error) => {
                self.undo(&error);
                self.sweep_failed = true;
                false
            }
        }
    }
}

pub(super) fn statement(sql: &Connection, text: &str) -> Result<(), StoreError> {
    sql.prepare_cached(text)?.execute([])?;
    Ok(())
}

/// Locks a mutex whose holder can not leave half a change behind.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Operations that may wait; the callers of more wait for room.
const WAITING_MAX: usize = 1024;
/// Operations in one transaction.
const BATCH_MAX: usize = 256;
/// Contents removed in one transaction.
const SWEEP_MAX: u32 = 64;
/// A busy writer removes contents after so many transactions.
const SWEEP_EVERY: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::NoListener;

    #[tokio::test]
    async fn rel_08_after_a_failed_commit_nothing_is_written_any_more() {
        let sql = Connection::open_in_memory().unwrap();
        sql.execute_batch(
            "PRAGMA foreign_keys = on; CREATE TABLE parents (id INTEGER PRIMARY KEY); CREATE TABLE blobs (id, refs);
             CREATE TABLE children (parent REFERENCES parents DEFERRABLE INITIALLY DEFERRED);",
        )
        .unwrap();
        let (pins, checkpoints) = (Arc::default(), Arc::default());
        let files = Files::of(std::path::Path::new("nowhere"));
        let parts = Parts { sql, pins, files, listener: Arc::new(NoListener), checkpoints };
        let writer = Writer::start(parts, ()).unwrap();
        let insert = |text: &'static str| writer.write(move |txn| Ok(txn.sql.execute(text, [])?));
        assert_eq!(insert("INSERT INTO parents VALUES (1)").await, Ok(1));
        // What only the commit finds wrong stands for a disk that does.
        let failed = insert("INSERT INTO children VALUES (2)").await;
        assert!(matches!(failed, Err(StoreError::Database(_))), "{failed:?}");
        assert_eq!(insert("INSERT INTO parents VALUES (3)").await, Err(StoreError::Closed));
        assert_eq!(writer.commits(), 1);
        writer.close().await;
    }

    #[tokio::test]
    async fn what_could_not_be_removed_is_removed_later() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Connection::open(folder.path().join("x.sqlite")).unwrap();
        let (sql, other) = (open(), open());
        sql.pragma_update(None, "journal_mode", "wal").unwrap();
        super::super::schema::migrate(&sql).unwrap();
        sql.execute_batch("INSERT INTO blobs (size, refs) VALUES (0, 0)").unwrap();
        // Somebody else writes, and nobody waits for it.
        sql.busy_timeout(std::time::Duration::ZERO).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let (files, listener) = (Files::of(folder.path()), Arc::new(NoListener));
        let parts = Parts { sql, pins: Arc::default(), files, listener, checkpoints: Arc::default() };
        let writer = Writer::start(parts, ()).unwrap();
        let change = || writer.write(|txn| Ok(txn.sql.execute("DELETE FROM expunged", [])?));
        // Between two operations there is time for what can wait.
        for _ in 0..100 {
            assert_eq!(change().await, Err(StoreError::Busy));
        }
        other.execute_batch("ROLLBACK").unwrap();
        let left = || other.query_row("SELECT count(*) FROM blobs", [], |row| row.get::<_, u32>(0)).unwrap();
        for _ in 0..1000 {
            if left() == 0 {
                break;
            }
            assert_eq!(change().await, Ok(0));
        }
        assert_eq!(left(), 0);
        writer.close().await;
    }
}
