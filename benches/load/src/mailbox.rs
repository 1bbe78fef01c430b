//! One command over a whole mailbox, again and again: SELECT, FETCH, SEARCH, SORT, THREAD, STORE.
//!
//! Whatever is asked, each message must come once and no other. Of a mailbox that `fill` made and nobody changed more is
//! known, and compared: what is found, the order of dates, names, sizes and octets.

use std::time::Instant;

use posthaste_imap::client::Event;
use posthaste_imap::types::{FetchItem, Flag};

use crate::LoadError;
use crate::content::{Id, NEEDLE, STRAW, Size};
use crate::imap::{Row, Session};
use crate::report::Report;
use crate::target::Target;
use crate::workload::{self, Plan, Worker};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// SELECT. Opening it is what is measured, so that it is closed in between.
    Select,
    /// FETCH of these items of all messages.
    Fetch {
        /// As in `FLAGS INTERNALDATE`.
        items: String,
        /// By UID FETCH.
        by_uid: bool,
    },
    /// SEARCH with these keys.
    Search(String),
    /// SORT by these criteria, of all messages.
    Sort(String),
    /// THREAD with this algorithm, of all messages.
    Thread(String),
    /// STORE, which sets a flag of all messages and takes it away in the next turn.
    Store(String),
}

/// What a mailbox was filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled {
    /// Seed of the filling.
    pub seed: u64,
    /// How many messages.
    pub count: u64,
    /// Of which size.
    pub size: Size,
}

impl Filled {
    /// The message of this number in the mailbox, from 1.
    fn id(self, number: u32) -> Id {
        Id::new(self.seed, u64::from(number).saturating_sub(1), self.size)
    }

    fn ids(self) -> impl Iterator<Item = (u32, Id)> {
        let count = u32::try_from(self.count).unwrap_or(u32::MAX);
        (1..=count).map(move |number| (number, self.id(number)))
    }
}

/// Runs it. Each session has the mailbox of an account of its own, as far as there are so many.
///
/// # Errors
///
/// The server does not offer the command.
pub async fn run(
    plan: &Plan,
    target: &Target,
    mailbox: &str,
    job: &Job,
    filled: Option<Filled>,
) -> Result<Report, LoadError> {
    let setup = |index| {
        let (target, mailbox, job) = (target.clone(), mailbox.to_owned(), job.clone());
        async move {
            let mut session = Session::open(&target, &target.accounts.name(index)).await?;
            job.check(&session)?;
            let (exists, _) = session.select(&mailbox).await?;
            Ok(Opened { session, mailbox, job, exists })
        }
    };
    let work = |worker: Worker, mut opened: Opened| async move {
        if let Some(filled) = filled.filter(|filled| u64::from(opened.exists) != filled.count) {
            worker.problem(format!("{} messages in place of {}", opened.exists, filled.count));
        }
        while let Some(turn) = worker.turn() {
            let before = opened.session.received();
            let begun = Instant::now();
            let wrong = opened.turn(turn, filled).await?;
            let took = opened.session.took(begun);
            worker.compared(begun.elapsed().saturating_sub(took));
            let octets = opened.session.received().saturating_sub(before);
            worker.done(took, usize::try_from(octets).unwrap_or(usize::MAX));
            wrong.into_iter().for_each(|problem| worker.problem(problem));
        }
        opened.session.logout().await
    };
    let measured = workload::run(plan, setup, work).await?;
    let seed = filled.map_or(0, |filled| filled.seed);
    let mut report = Report::new(job.name(), plan, seed, measured);
    report.add("asked", job.text());
    Ok(report)
}

impl Job {
    const fn name(&self) -> &'static str {
        match self {
            Self::Select => "imap-select",
            Self::Fetch { .. } => "imap-fetch",
            Self::Search(_) => "imap-search",
            Self::Sort(_) => "imap-sort",
            Self::Thread(_) => "imap-thread",
            Self::Store(_) => "imap-store",
        }
    }

    /// The command, as it is sent in even turns.
    fn text(&self) -> String {
        match self {
            Self::Select => "SELECT".to_owned(),
            Self::Fetch { items, by_uid } => {
                format!("{}FETCH 1:* ({items})", if *by_uid { "UID " } else { "" })
            }
            Self::Search(keys) => format!("SEARCH {keys}"),
            Self::Sort(criteria) => format!("SORT ({criteria}) UTF-8 ALL"),
            Self::Thread(algorithm) => format!("THREAD {algorithm} UTF-8 ALL"),
            Self::Store(flag) => format!("STORE 1:* +FLAGS ({flag})"),
        }
    }

    fn check(&self, session: &Session) -> Result<(), LoadError> {
        match self {
            Self::Sort(_) => session.need("SORT"),
            Self::Thread(algorithm) => session.need(&format!("THREAD={algorithm}")),
            _ => Ok(()),
        }
    }
}

struct Opened {
    session: Session,
    mailbox: String,
    job: Job,
    exists: u32,
}

impl Opened {
    /// One turn, and what was wrong with the answer.
    async fn turn(&mut self, turn: u64, filled: Option<Filled>) -> Result<Vec<String>, LoadError> {
        let text = self.job.text();
        let mut seen = Seen::new(self.exists);
        match &self.job {
            Job::Select => {
                let close = if self.session.has("UNSELECT") { "UNSELECT" } else { "CLOSE" };
                self.session.ok(close).await?;
                let (exists, _) = self.session.select(&self.mailbox).await?;
                return Ok(if exists == self.exists {
                    Vec::new()
                } else {
                    vec![format!("{exists} messages in place of {}", self.exists)]
                });
            }
            Job::Fetch { .. } => {
                let each = |row: Row| {
                    seen.note(row.number);
                    if let Some(filled) =
                        filled.filter(|_| row.number % SAMPLE_EVERY == 1 || !row.payloads.is_empty())
                    {
                        seen.problems.extend(compare(filled.id(row.number), &row));
                    }
                };
                self.session.rows(&text, each).await?;
            }
            Job::Store(flag) => {
                let add = turn.is_multiple_of(2);
                let text = if add { text } else { text.replace('+', "-") };
                let wanted =
                    Flag::new(flag.clone()).map_err(|error| LoadError::Usage(format!("{flag}: {error}")))?;
                let each = |row: Row| {
                    seen.note(row.number);
                    let flags = row.items.iter().find_map(|item| match item {
                        FetchItem::Flags(flags) => Some(flags),
                        _ => None,
                    });
                    if flags.is_none_or(|flags| flags.contains(&wanted) != add) {
                        seen.problems.push(format!("message {} has flags {flags:?}", row.number));
                    }
                };
                self.session.rows(&text, each).await?;
            }
            Job::Search(keys) => {
                let found = self.session.numbers(&text).await?;
                let Some(wanted) = filled.and_then(|filled| wanted(filled, keys)) else {
                    return Ok(Vec::new());
                };
                let mut sorted = found.clone();
                sorted.sort_unstable();
                return Ok(if sorted == wanted {
                    Vec::new()
                } else {
                    vec![format!("{text} finds {} messages in place of {}", found.len(), wanted.len())]
                });
            }
            Job::Sort(criteria) => {
                let found = self.session.numbers(&text).await?;
                found.iter().for_each(|number| seen.note(*number));
                if let Some(filled) = filled.filter(|_| criteria == "DATE") {
                    let mut wanted: Vec<_> = filled.ids().map(|(number, id)| (id.date(), number)).collect();
                    wanted.sort_unstable();
                    if !wanted.iter().map(|(_, number)| number).eq(&found) {
                        seen.problems.push("the order is not that of the dates".to_owned());
                    }
                }
            }
            Job::Thread(_) => {
                let note = |event| {
                    if let Event::Thread(threads) = event {
                        let numbers = threads.nodes().iter().filter_map(|node| node.number);
                        numbers.for_each(|number| seen.note(number.get()));
                    }
                };
                self.session.run(&text, note).await?;
            }
        }
        Ok(seen.problems())
    }
}

/// Which messages an answer told of.
struct Seen {
    times: Vec<u8>,
    problems: Vec<String>,
}

impl Seen {
    fn new(exists: u32) -> Self {
        Self { times: vec![0; usize::try_from(exists).unwrap_or(0)], problems: Vec::new() }
    }

    fn note(&mut self, number: u32) {
        let index = usize::try_from(number.wrapping_sub(1)).unwrap_or(usize::MAX);
        match self.times.get_mut(index) {
            Some(times) => *times = times.saturating_add(1),
            None => self.problems.push(format!("there is no message {number}")),
        }
    }

    fn problems(mut self) -> Vec<String> {
        let missing = self.times.iter().filter(|times| **times == 0).count();
        let repeated = self.times.iter().filter(|times| **times > 1).count();
        if missing > 0 {
            self.problems.push(format!("{missing} messages are missing"));
        }
        if repeated > 0 {
            self.problems.push(format!("{repeated} messages come more than once"));
        }
        self.problems.truncate(PROBLEMS_MAX);
        self.problems
    }
}

/// What is wrong with a row about this message.
fn compare(id: Id, row: &Row) -> Option<String> {
    let name = id.to_string();
    for item in &row.items {
        match item {
            FetchItem::Envelope(envelope) => {
                let told = envelope.message_id.as_ref().map(posthaste_imap::types::AString::to_string_lossy);
                if told.as_deref() != Some(&name) {
                    return Some(format!("message {} is {told:?} in place of {id}", row.number));
                }
            }
            FetchItem::Rfc822Size(octets) => {
                let wanted = u64::try_from(id.message().len()).unwrap_or(u64::MAX);
                if *octets != wanted {
                    return Some(format!("{id} has {octets} octets in place of {wanted}"));
                }
            }
            _ => {}
        }
    }
    let message = row.payloads.first().filter(|_| row.payloads.len() == 1)?;
    // A payload may be a part of the message; one that names another message is wrong in any case.
    let named = Id::of_header(message);
    match named {
        Some(named) if named != id => Some(format!("message {} is {named} in place of {id}", row.number)),
        _ if message.len() >= id.message().len() && !id.is_whole(message) => Some(format!("{id} is changed")),
        _ => None,
    }
}

/// What a search must find, where that is known.
fn wanted(filled: Filled, keys: &str) -> Option<Vec<u32>> {
    let of = |is: fn(Id) -> bool| filled.ids().filter(|(_, id)| is(*id)).map(|(number, _)| number).collect();
    let words: Vec<&str> = keys.split_whitespace().collect();
    match words.as_slice() {
        ["SUBJECT", NEEDLE] => Some(of(Id::has_needle)),
        ["BODY", STRAW] => Some(of(Id::has_straw)),
        ["ALL"] => Some(of(|_| true)),
        _ => None,
    }
}

/// Comparing takes time that the server has to itself: only some of the rows without octets are compared.
const SAMPLE_EVERY: u32 = 31;

const PROBLEMS_MAX: usize = 10;
