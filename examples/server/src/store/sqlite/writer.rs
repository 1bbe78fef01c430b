//! The one writer: a thread that owns the only writing connection and commits in groups.
//!
//! Operations of all sessions wait in one queue. The writer takes all that wait into one transaction, each
//! in a savepoint of its own, so that an operation that fails takes nothing with it but itself. Answers go
//! out only after the commit: who has been told "done" finds it done after a crash. One flush of the disk
//! then serves every session that was waiting.
//!
//! When the commit fails, every operation in it is answered with that error, and nothing of them remains.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::blobs::Pins;
use super::changes::Changes;
use super::error::StoreError;
use super::id::{BlobId, MailboxId};

/// The way to the writer.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Sender<Message>,
    room: Arc<Semaphore>,
    commits: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the thread. `keep` is dropped when the thread ends.
    pub(super) fn start<K: Send + 'static>(
        sql: Connection,
        pins: Arc<Pins>,
        changes: Arc<Changes>,
        keep: K,
    ) -> Result<Self, StoreError> {
        let (jobs, queue) = channel();
        let commits = Arc::new(AtomicU64::new(0));
        let mut state = State { sql, pins, changes, commits: Arc::clone(&commits), data_version: None };
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
        Ok(Self { jobs, room: Arc::new(Semaphore::new(WAITING_MAX)), commits })
    }

    /// Runs `op` in the next transaction and returns when that is on disk.
    ///
    /// An operation whose caller has gone before its turn does not run at all.
    pub(super) async fn write<T, E, F>(&self, op: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: FnOnce(&mut Txn<'_>) -> Result<T, E> + Send + 'static,
    {
        let room = Arc::clone(&self.room).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let job = Operation { op: Some(op), outcome: None, reply, _room: room };
        self.jobs.send(Message::Run(Box::new(job))).map_err(|_| StoreError::Closed)?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// A way to ask for the removal of contents that nobody reads any more, without waiting for it.
    pub(super) fn reaper(&self) -> Reaper {
        Reaper(self.jobs.clone())
    }

    /// How many transactions have been committed.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
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
    pub(super) fn reap(&self, blob: BlobId) {
        // A closed store removes what is left over when it opens again.
        let _ = self.0.send(Message::Reap(blob));
    }
}

/// One operation's view of the transaction.
pub(crate) struct Txn<'a> {
    pub(crate) sql: &'a Connection,
    pins: &'a Pins,
    touched: BTreeSet<MailboxId>,
    gone: BTreeSet<MailboxId>,
    condemned: Vec<BlobId>,
}

impl Txn<'_> {
    /// Tells the sessions that watch the mailbox, after the commit.
    pub(super) fn touch(&mut self, mailbox: MailboxId) {
        self.touched.insert(mailbox);
    }

    /// Tells the sessions that watch the mailbox that it is no more, after the commit.
    pub(super) fn gone(&mut self, mailbox: MailboxId) {
        self.gone.insert(mailbox);
    }

    /// Whether a content without references can go now. If a session is reading it, it stays until then.
    pub(super) fn condemn(&mut self, blob: BlobId) -> bool {
        let condemned = self.pins.condemn(blob);
        if condemned {
            self.condemned.push(blob);
        }
        condemned
    }
}

enum Message {
    Run(Box<dyn Job>),
    Reap(BlobId),
    Stop(oneshot::Sender<()>),
}

trait Job: Send {
    /// Runs the operation; `false` when it failed and its savepoint must be undone.
    fn run(&mut self, txn: &mut Txn<'_>) -> bool;
    /// Answers: with the outcome of the operation, or with the error that undid it.
    fn answer(self: Box<Self>, committed: &Result<(), StoreError>);
    fn is_abandoned(&self) -> bool;
}

struct Operation<T, E, F> {
    op: Option<F>,
    outcome: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
    _room: OwnedSemaphorePermit,
}

impl<T, E, F> Job for Operation<T, E, F>
where
    T: Send,
    E: From<StoreError> + Send,
    F: FnOnce(&mut Txn<'_>) -> Result<T, E> + Send,
{
    fn run(&mut self, txn: &mut Txn<'_>) -> bool {
        self.outcome = self.op.take().map(|op| op(txn));
        matches!(self.outcome, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, committed: &Result<(), StoreError>) {
        let answer = match (committed, self.outcome) {
            // What failed by itself keeps its own reason.
            (_, Some(Err(error))) => Err(error),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Ok(()), None) => Err(E::from(StoreError::Closed)),
            (Err(error), _) => Err(E::from(error.clone())),
        };
        // A caller that has gone does not mind.
        let _ = self.reply.send(answer);
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }
}

/// Removal of a content, when nothing refers to it.
struct Reap(BlobId);

impl Job for Reap {
    fn run(&mut self, txn: &mut Txn<'_>) -> bool {
        super::blobs::remove_unreferenced(txn, self.0).is_ok()
    }

    fn answer(self: Box<Self>, _: &Result<(), StoreError>) {}

    fn is_abandoned(&self) -> bool {
        false
    }
}

struct State {
    sql: Connection,
    pins: Arc<Pins>,
    changes: Arc<Changes>,
    commits: Arc<AtomicU64>,
    data_version: Option<i64>,
}

impl State {
    fn run(&mut self, queue: &Receiver<Message>) -> Option<oneshot::Sender<()>> {
        loop {
            let mut batch: Vec<Box<dyn Job>> = Vec::new();
            let mut stop = None;
            match queue.recv_timeout(FOREIGN_CHANGES_EVERY) {
                Ok(message) => sort(message, &mut batch, &mut stop),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
            while batch.len() < BATCH_MAX && stop.is_none() {
                match queue.try_recv() {
                    Ok(message) => sort(message, &mut batch, &mut stop),
                    Err(_) => break,
                }
            }
            self.notice_foreign_changes();
            batch.retain(|job| !job.is_abandoned());
            if !batch.is_empty() {
                self.commit(batch);
            }
            if stop.is_some() {
                return stop;
            }
        }
    }

    /// One transaction: all of the batch, the commit, the news, the answers.
    fn commit(&mut self, mut batch: Vec<Box<dyn Job>>) {
        let mut touched = BTreeSet::new();
        let mut gone = BTreeSet::new();
        let mut condemned = Vec::new();
        let committed = self.attempt(&mut batch, &mut touched, &mut gone, &mut condemned);
        if let Err(error) = &committed {
            tracing::error!(%error, operations = batch.len(), "the store could not commit");
            if !self.sql.is_autocommit()
                && let Err(error) = self.sql.execute_batch("ROLLBACK")
            {
                tracing::error!(%error, "the store could not roll back");
            }
        }
        self.pins.pardon(&condemned);
        if committed.is_ok() {
            self.commits.fetch_add(1, Ordering::Relaxed);
            self.changes.notify(&touched, &gone);
        }
        for job in batch {
            job.answer(&committed);
        }
    }

    fn attempt(
        &self,
        batch: &mut [Box<dyn Job>],
        touched: &mut BTreeSet<MailboxId>,
        gone: &mut BTreeSet<MailboxId>,
        condemned: &mut Vec<BlobId>,
    ) -> Result<(), StoreError> {
        self.sql.execute_batch("BEGIN IMMEDIATE")?;
        for job in batch {
            self.sql.execute_batch("SAVEPOINT operation")?;
            let mut txn = Txn {
                sql: &self.sql,
                pins: &self.pins,
                touched: BTreeSet::new(),
                gone: BTreeSet::new(),
                condemned: Vec::new(),
            };
            let done = job.run(&mut txn);
            let Txn { touched: its, gone: ended, condemned: dead, .. } = txn;
            if self.sql.is_autocommit() {
                // A full or failing disk has made SQLite undo everything, not only this operation.
                self.pins.pardon(&dead);
                return Err(StoreError::Database("the transaction was undone".to_owned()));
            }
            if done {
                touched.extend(its);
                gone.extend(ended);
                condemned.extend(dead);
            } else {
                self.sql.execute_batch("ROLLBACK TO operation")?;
                self.pins.pardon(&dead);
            }
            self.sql.execute_batch("RELEASE operation")?;
        }
        Ok(self.sql.execute_batch("COMMIT")?)
    }

    /// Another process (the CLI) may have changed any mailbox: whoever watches one is told to look.
    fn notice_foreign_changes(&mut self) {
        // On one connection, `data_version` changes with the commits of all others, never with its own.
        match self.sql.pragma_query_value(None, "data_version", |row| row.get(0)) {
            Ok(version) => {
                if self.data_version.replace(version).is_some_and(|before| before != version) {
                    self.changes.notify_all();
                }
            }
            Err(error) => tracing::warn!(%error, "the store could not look for changes of other processes"),
        }
    }
}

fn sort(message: Message, batch: &mut Vec<Box<dyn Job>>, stop: &mut Option<oneshot::Sender<()>>) {
    match message {
        Message::Run(job) => batch.push(job),
        Message::Reap(blob) => batch.push(Box::new(Reap(blob))),
        Message::Stop(closed) => *stop = Some(closed),
    }
}

/// Locks a mutex whose holder can not leave half a change behind.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Operations that may wait; the callers of more wait for room.
const WAITING_MAX: usize = 1024;
/// Operations in one transaction.
const BATCH_MAX: usize = 256;
/// How often an idle writer looks for the commits of other processes.
const FOREIGN_CHANGES_EVERY: Duration = Duration::from_secs(1);
