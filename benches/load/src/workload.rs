//! Who works when: sessions are set up all at once and outside the measurement; then each takes turns until there are no
//! more, or the time is over.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::LoadError;
use crate::histogram::Histogram;
use crate::process::{Usage, Watch};

/// How much work there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So many turns.
    Count(u64),
    /// As many as begin in this time.
    Time(Duration),
}

/// Sessions, work, and whose processes are looked at.
#[derive(Clone, Debug)]
pub struct Plan {
    /// How many sessions there are at once.
    pub sessions: u64,
    /// When it is over.
    pub limit: Limit,
    /// The server.
    pub pids: Vec<u32>,
    /// Whether a line tells how far it is.
    pub progress: bool,
}

/// One session at its work. A clone is the same.
#[derive(Clone, Debug)]
pub struct Worker {
    /// The number of the session, from 0.
    pub index: u64,
    turns: Arc<Turns>,
    tally: Arc<Mutex<Tally>>,
}

/// What was measured.
#[derive(Debug, Default)]
pub struct Measured {
    /// What the sessions noted, together.
    pub tally: Tally,
    /// From the first turn to the end of the last. A session that is alone lets the server rest while it compares: that
    /// is no part of it.
    pub elapsed: Duration,
    /// What the server used before and after.
    pub usage: Option<(Usage, Usage)>,
}

/// What happened.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// All operations.
    pub all: Histogram,
    /// Operations by what they are, where there is more than one kind.
    pub kinds: BTreeMap<&'static str, Histogram>,
    /// Octets of messages, either way.
    pub octets: u64,
    /// How long whole mailboxes of answers were compared.
    pub compared: Duration,
    /// How many things went wrong.
    pub errors: u64,
    /// The first of them.
    pub problems: Vec<String>,
}

#[derive(Debug)]
struct Turns {
    next: AtomicU64,
    end: Option<u64>,
    until: Option<Instant>,
    bar: ProgressBar,
}

impl Tally {
    /// Notes that something is wrong.
    pub fn problem(&mut self, problem: impl std::fmt::Display) {
        self.errors = self.errors.saturating_add(1);
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem.to_string());
        }
    }

    fn merge(&mut self, other: &Self) {
        self.all.merge(&other.all);
        for (kind, histogram) in &other.kinds {
            self.kinds.entry(kind).or_default().merge(histogram);
        }
        self.octets = self.octets.saturating_add(other.octets);
        self.compared = self.compared.saturating_add(other.compared);
        self.errors = self.errors.saturating_add(other.errors);
        let room = PROBLEMS_MAX.saturating_sub(self.problems.len());
        self.problems.extend(other.problems.iter().take(room).cloned());
    }
}

impl Worker {
    /// The number of the next turn; `None` when the work is done.
    pub fn turn(&self) -> Option<u64> {
        if self.turns.until.is_some_and(|until| Instant::now() >= until) {
            return None;
        }
        let turn = self.turns.next.fetch_add(1, Ordering::Relaxed);
        if self.turns.end.is_some_and(|end| turn >= end) { None } else { Some(turn) }
    }

    /// An operation is done, and took so long.
    pub fn done(&self, latency: Duration, octets: usize) {
        self.note(|tally| {
            tally.all.record(latency);
            tally.octets = tally.octets.saturating_add(u64::try_from(octets).unwrap_or(u64::MAX));
        });
        self.turns.bar.inc(1);
    }

    /// An operation of some kind is done.
    pub fn done_as(&self, kind: &'static str, latency: Duration, octets: usize) {
        self.part(kind, latency);
        self.done(latency, octets);
    }

    /// A part of an operation is done, which is shown but is none by itself.
    pub fn part(&self, kind: &'static str, latency: Duration) {
        self.note(|tally| tally.kinds.entry(kind).or_default().record(latency));
    }

    /// So long an answer was compared, when all of it had come.
    pub fn compared(&self, time: Duration) {
        self.note(|tally| tally.compared = tally.compared.saturating_add(time));
    }

    /// Something is wrong, and the work goes on.
    pub fn problem(&self, problem: impl std::fmt::Display) {
        self.note(|tally| tally.problem(problem));
    }

    fn note(&self, note: impl FnOnce(&mut Tally)) {
        note(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Sets up all sessions, then lets them work.
///
/// A session that cannot go on is a problem of the run; the others go on.
///
/// # Errors
///
/// A session cannot be set up, or finds that the server does not offer what it needs.
pub async fn run<S, Setup, SetupWait, Work, WorkWait>(
    plan: &Plan,
    setup: Setup,
    work: Work,
) -> Result<Measured, LoadError>
where
    S: Send + 'static,
    Setup: Fn(u64) -> SetupWait,
    SetupWait: Future<Output = Result<S, LoadError>> + Send + 'static,
    Work: Fn(Worker, S) -> WorkWait,
    WorkWait: Future<Output = Result<(), LoadError>> + Send + 'static,
{
    let sessions = set_up(plan.sessions, setup).await?;
    let watch = Watch::new(plan.pids.clone());
    let before = watch.usage();
    let begun = Instant::now();
    let turns = Arc::new(Turns {
        next: AtomicU64::new(0),
        end: match plan.limit {
            Limit::Count(count) => Some(count),
            Limit::Time(_) => None,
        },
        until: match plan.limit {
            Limit::Count(_) => None,
            Limit::Time(time) => begun.checked_add(time),
        },
        bar: bar(plan),
    });
    let mut workers = Vec::new();
    let mut running = JoinSet::new();
    for (index, session) in (0..).zip(sessions) {
        let worker = Worker { index, turns: Arc::clone(&turns), tally: Arc::default() };
        workers.push(worker.clone());
        running.spawn(work(worker, session));
    }
    let mut measured = Measured::default();
    let mut missing = None;
    while let Some(ended) = running.join_next().await {
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error @ LoadError::NotOffered(_))) => missing = Some(error),
            Ok(Err(error)) => measured.tally.problem(error),
            Err(error) => measured.tally.problem(error),
        }
    }
    measured.elapsed = begun.elapsed();
    measured.usage = before.zip(watch.usage());
    turns.bar.finish_and_clear();
    if let Some(missing) = missing {
        return Err(missing);
    }
    for worker in &workers {
        measured.tally.merge(&worker.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }
    if plan.sessions == 1 {
        measured.elapsed = measured.elapsed.saturating_sub(measured.tally.compared);
    }
    Ok(measured)
}

/// Sets up sessions, a few at a time, and gives them in order.
///
/// # Errors
///
/// The first that cannot be set up.
pub async fn set_up<S, Setup, SetupWait>(sessions: u64, setup: Setup) -> Result<Vec<S>, LoadError>
where
    S: Send + 'static,
    Setup: Fn(u64) -> SetupWait,
    SetupWait: Future<Output = Result<S, LoadError>> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(SETUPS_MAX));
    let mut setups = JoinSet::new();
    for index in 0..sessions {
        let (permits, one) = (Arc::clone(&permits), setup(index));
        setups.spawn(async move {
            let _permit = permits.acquire().await;
            (index, one.await)
        });
    }
    let mut ready = BTreeMap::new();
    while let Some(done) = setups.join_next().await {
        let (index, session) = done.map_err(LoadError::connection)?;
        ready.insert(index, session?);
    }
    Ok(ready.into_values().collect())
}

fn bar(plan: &Plan) -> ProgressBar {
    if !plan.progress || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    match plan.limit {
        Limit::Count(count) => {
            let style = ProgressStyle::with_template("{pos}/{len} {wide_bar} {per_sec} {eta}");
            ProgressBar::new(count).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        }
        Limit::Time(_) => ProgressBar::new_spinner(),
    }
}

/// So many problems are told in words; the others are counted.
const PROBLEMS_MAX: usize = 20;

/// So many sessions are set up at once: a server may refuse more that have not logged in.
const SETUPS_MAX: usize = 32;
