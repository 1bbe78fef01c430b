//! A mailbox that is watched for as long as a program runs: over lost connections, and without a gap (RFC 4549).
//!
//! Decides when to connect anew and from where to go on. What changed is found by `resync.rs`, news by `idle.rs`.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::time::Duration;

use posthaste_imap::types::{Mailbox, UidSet};
use tokio::time::{Instant, sleep_until};

use super::{Cause, Change, Changes, Client, Error, Idle, Known, Phase, Synced, Update};
use crate::client::{Retry, after};
use crate::tls::Random;
use crate::{ClientOptions, Endpoint};

/// A mailbox and all that changes in it, as long as anybody asks.
///
/// Connects, tells what changed since the mailbox was known, waits for news, and tells what changed then; when the
/// connection is lost, the same from the beginning. All changes together always lead from what was known to what is:
/// one that was told before the connection was lost is taken into account when the next is asked.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use posthaste_imap::types::Mailbox;
/// use posthaste_tokio::ClientOptions;
/// use posthaste_tokio::imap::{Watch, Watched};
///
/// let endpoint = "imaps://ursel:Geheim!@mail.example".parse()?;
/// let mut watch = Watch::new(endpoint, ClientOptions::default(), Mailbox::inbox(), None);
/// loop {
///     match watch.next().await? {
///         Watched::Change(change) => println!("{change:?}"),
///         // The place to write down what is known.
///         Watched::Synced(synced) => println!("{} messages", synced.known.uids.len()),
///         Watched::Lost { error, after } => println!("{error}; again in {after:?}"),
///         Watched::Update(_) => {}
///     }
/// }
/// # }
/// ```
pub struct Watch {
    connect: Connect,
    mailbox: Mailbox,
    /// What the caller knows, but for what was told since.
    known: Option<Known>,
    told: Told,
    backoff: Backoff,
    /// How often in a row it failed.
    failures: u32,
    stage: Stage,
}

/// What happens in a mailbox that is watched.
#[derive(Debug)]
pub enum Watched {
    /// Something changed.
    Change(Change),
    /// All changes up to here have been told.
    Synced(Synced),
    /// The connection was lost or could not be made, or changes were not taken within
    /// [`reader_timeout`](crate::ClientOptions::reader_timeout).
    Lost {
        /// Why.
        error: Error,
        /// When it is tried again.
        after: Duration,
    },
    /// The server told something that is no change of the mailbox.
    Update(Update),
}

/// How long to wait before connecting anew: each time twice as long, and a random part of up to a half less, so that
/// not all clients of a server come back at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backoff {
    /// The first time. 1 second.
    pub first: Duration,
    /// At most. 5 minutes.
    pub longest: Duration,
    /// How often it is tried in a row before the error is returned; `None` for without end, which is the default.
    pub attempts: Option<u32>,
}

type Connecting = Pin<Box<dyn Future<Output = Result<Client, Error>> + Send>>;
type Connect = Box<dyn FnMut() -> Connecting + Send>;

enum Stage {
    Away(Instant),
    Connecting(Connecting),
    /// News is listened for from before the mailbox is read, so that nothing falls between the two.
    Open(Client, Idle),
    Syncing(Client, Idle, Changes),
    Watching(Client, Idle),
    Over,
}

/// What was told since the last time that all was told.
#[derive(Default)]
struct Told {
    new: Vec<NonZeroU32>,
    gone: Vec<UidSet>,
    /// What was known means nothing any more.
    started_over: bool,
}

impl Watch {
    /// Watches a mailbox that is `known` from before, or not.
    pub fn new(endpoint: Endpoint, options: ClientOptions, mailbox: Mailbox, known: Option<Known>) -> Self {
        let connect = move || {
            let (endpoint, options) = (endpoint.clone(), options.clone());
            async move { Client::connect(&endpoint, &options).await }
        };
        Self::with(connect, mailbox, known)
    }

    /// The same over connections that `connect` makes, such as through a proxy.
    pub fn with<F, C>(mut connect: F, mailbox: Mailbox, known: Option<Known>) -> Self
    where
        F: FnMut() -> C + Send + 'static,
        C: Future<Output = Result<Client, Error>> + Send + 'static,
    {
        let mut connect: Connect = Box::new(move || Box::pin(connect()));
        let stage = Stage::Connecting(connect());
        let (told, backoff) = (Told::default(), Backoff::default());
        Self { connect, mailbox, known, told, backoff, failures: 0, stage }
    }

    /// The same with other times between attempts.
    #[must_use]
    pub fn with_backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// The session, for other calls on the way: from [`Watched::Synced`] or [`Watched::Update`] to the next change.
    ///
    /// `None` while there is no connection and while changes are being told: a call would wait until all of them are
    /// here, and they wait for [`next`](Self::next). A clone that was kept from before can be used then in another task
    /// than the one that asks for changes. Whoever selects another mailbox with it is told nonsense by `next`.
    pub const fn client(&self) -> Option<&Client> {
        match &self.stage {
            Stage::Open(client, _) | Stage::Watching(client, _) => Some(client),
            Stage::Away(_) | Stage::Connecting(_) | Stage::Syncing(..) | Stage::Over => None,
        }
    }

    /// What happens next, whenever it comes. Cancel safe.
    ///
    /// # Errors
    ///
    /// What cannot become better by itself, such as wrong credentials ([`Retry::Never`]), or the last of
    /// [`Backoff::attempts`]. Nothing follows but [`Cause::Closed`](crate::Cause::Closed).
    pub async fn next(&mut self) -> Result<Watched, Error> {
        loop {
            match &mut self.stage {
                Stage::Away(until) => {
                    sleep_until(*until).await;
                    self.stage = Stage::Connecting((self.connect)());
                }
                Stage::Connecting(connecting) => match connecting.await {
                    Ok(client) => {
                        let idle = client.idle();
                        self.stage = Stage::Open(client, idle);
                    }
                    Err(error) => return self.lost(error),
                },
                Stage::Open(client, _) => {
                    match client.resync(self.mailbox.clone(), self.known.clone()).await {
                        Ok(changes) => self.sync(changes),
                        Err(error) => return self.lost(error),
                    }
                    if std::mem::take(&mut self.told.started_over) {
                        return Ok(Watched::Change(Change::StartOver));
                    }
                }
                Stage::Syncing(_, _, changes) => match changes.next().await {
                    Ok(Some(change)) => {
                        self.told.note(&change);
                        return Ok(Watched::Change(change));
                    }
                    Ok(None) => {
                        let synced = changes.synced().cloned();
                        self.synced();
                        if let Some(synced) = synced {
                            self.known = Some(synced.known.clone());
                            self.told = Told::default();
                            self.failures = 0;
                            return Ok(Watched::Synced(synced));
                        }
                    }
                    Err(error) => return self.lost(error),
                },
                Stage::Watching(_, idle) => match idle.next().await {
                    Ok(update) if changes_mailbox(&update) => {
                        // What else is here is found by the same comparison.
                        while let Some(update) = idle.try_next() {
                            if !changes_mailbox(&update) {
                                self.reopen();
                                return Ok(Watched::Update(update));
                            }
                        }
                        self.reopen();
                    }
                    Ok(update) => return Ok(Watched::Update(update)),
                    Err(error) => return self.lost(error),
                },
                Stage::Over => return Err(Error::new(Phase::Call, None, Cause::Closed)),
            }
        }
    }

    fn sync(&mut self, changes: Changes) {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Open(client, idle) => Stage::Syncing(client, idle, changes),
            stage => stage,
        };
    }

    fn synced(&mut self) {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Syncing(client, idle, _) => Stage::Watching(client, idle),
            stage => stage,
        };
    }

    fn reopen(&mut self) {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Watching(client, idle) => Stage::Open(client, idle),
            stage => stage,
        };
    }

    /// Decides whether and when it is tried again, and from where.
    fn lost(&mut self, error: Error) -> Result<Watched, Error> {
        self.known = std::mem::take(&mut self.told).lead_from(self.known.take(), &mut self.told);
        let attempts = self.backoff.attempts;
        // Changes that were not taken in time are told anew.
        let is_final = error.retry() == Retry::Never && !matches!(error.cause(), Cause::Unread(_));
        if is_final || attempts.is_some_and(|attempts| self.failures >= attempts) {
            self.stage = Stage::Over;
            return Err(error);
        }
        let delay = self.backoff.delay(self.failures);
        self.failures = self.failures.saturating_add(1);
        self.stage = Stage::Away(after(delay));
        Ok(Watched::Lost { error, after: delay })
    }
}

impl Told {
    fn note(&mut self, change: &Change) {
        match change {
            Change::StartOver => *self = Self { started_over: true, ..Self::default() },
            Change::New { uid, .. } => self.new.push(*uid),
            Change::Gone(uids) => self.gone.push(uids.clone()),
            Change::Flags { .. } => {}
        }
    }

    /// What the caller knows who knew `known` and was told this. Where that cannot be said, because the UIDVALIDITY of
    /// what was told is not known yet, he has to start over, of which `next` takes note.
    fn lead_from(self, known: Option<Known>, next: &mut Self) -> Option<Known> {
        let knew_nothing = known.is_none() || self.started_over;
        if knew_nothing {
            next.started_over = !self.new.is_empty() || self.started_over;
            return None;
        }
        let mut known = known?;
        if !self.new.is_empty() || !self.gone.is_empty() {
            let mut uids: BTreeSet<u32> = known.uids.iter().collect();
            uids.extend(self.new.iter().map(|uid| uid.get()));
            for uid in self.gone.iter().flat_map(UidSet::iter) {
                uids.remove(&uid);
            }
            known.uids = UidSet::from_numbers(uids.into_iter().filter_map(NonZeroU32::new));
        }
        Some(known)
    }
}

impl Backoff {
    /// How long to wait after so many failures.
    fn delay(&self, failures: u32) -> Duration {
        let factor = 1_u32.checked_shl(failures).unwrap_or(u32::MAX);
        let whole = self.first.saturating_mul(factor).min(self.longest);
        // Without randomness, all of it.
        let [random] = Random::usual().fill().unwrap_or_default();
        whole.saturating_sub(whole.mul_f64(f64::from(random) / 512.0))
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), longest: Duration::from_secs(5 * 60), attempts: None }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Away(_) => "away",
            Stage::Connecting(_) => "connecting",
            Stage::Open(..) => "open",
            Stage::Syncing(..) => "syncing",
            Stage::Watching(..) => "watching",
            Stage::Over => "over",
        };
        f.debug_struct("Watch").field("mailbox", &self.mailbox).field("stage", &stage).finish_non_exhaustive()
    }
}

/// Whether the mailbox has to be looked at.
const fn changes_mailbox(update: &Update) -> bool {
    matches!(
        update,
        Update::Exists(_) | Update::Expunge(_) | Update::Vanished(_) | Update::Changed(_) | Update::Lagged(_)
    )
}
