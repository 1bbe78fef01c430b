//! Sessions that are used for more than one message (RFC 5321 4.1.1.4 allows that), for many senders at once.
//!
//! Decides which session a message goes over, when one is opened or closed, and when a message may go over another
//! one after the first failed: once, and only where the server cannot have begun to take it. Who waits, and for what,
//! is kept in `state`; a session between two messages is watched in `parked`.

mod options;
mod parked;
mod state;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use posthaste_smtp::client::{Report, Stage};
use posthaste_smtp::{ClientName, Envelope};
use posthaste_wire::Misuse;
use tokio::time::{Instant, timeout, timeout_at};

use super::{Client, Error, Refusal, SendError, Unsupported};
use crate::client::{Cause, ClientError, Peer, Phase, after};
use crate::smtp::send::Outgoing;
use crate::{Body, Endpoint};
use parked::Parked;
use state::{Grant, Lease, Shared};

pub use options::PoolOptions;
pub use state::PoolStats;

/// Sessions with any number of servers, for any number of senders.
///
/// A session belongs to one [`Endpoint`], protection and login included, and serves one message at a time. Between
/// messages it is watched: one that the server closes, or says anything on, is not used again.
///
/// No message is doubled by the pool. One goes over a second session only where the first was an old one that turned
/// out to be dead: no recipient was accepted and no content asked for. Everything else is the caller's to decide, with
/// what [`SendError`] says.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use posthaste_smtp::Envelope;
/// use posthaste_tokio::smtp::{Pool, PoolOptions};
///
/// let pool = Pool::new("laptop.example".parse()?, PoolOptions::default());
/// let endpoint = "submissions://ursel:Geheim!@mail.example".parse()?;
/// let envelope = Envelope::new("<ursel@mail.example>".parse()?, vec!["<hans@mail.example>".parse()?]);
/// let report = pool.send(&endpoint, envelope, "Subject: hello\r\n\r\nHello, Hans.\r\n").await?;
/// assert!(report.is_complete());
/// pool.shutdown().await;
/// # Ok(())
/// # }
/// ```
///
/// Clones are handles of the same pool. With the last of them the sessions that are not in use are closed.
#[derive(Clone)]
pub struct Pool {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    connect: Box<Connect>,
}

/// Opens a session.
type Connect = dyn Fn(Arc<Endpoint>) -> Opening + Send + Sync;
type Opening = Pin<Box<dyn Future<Output = Result<Client, Error>> + Send>>;

impl Pool {
    /// A pool whose sessions say hello as `name`.
    ///
    /// Credentials in [`PoolOptions::client`] are used for every endpoint: with more than one server, give them
    /// with the endpoint.
    pub fn new(name: ClientName, options: PoolOptions) -> Self {
        let client = options.client.clone();
        Self::with_connector(options, move |endpoint| {
            let (name, client) = (name.clone(), client.clone());
            async move { Client::connect(&endpoint, name, &client).await }
        })
    }

    /// A pool whose sessions are opened by `connect`: through a proxy, say, with [`Client::over`].
    pub fn with_connector<C, F>(options: PoolOptions, connect: C) -> Self
    where
        C: Fn(Arc<Endpoint>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Client, Error>> + Send + 'static,
    {
        let connect = Box::new(move |endpoint| Box::pin(connect(endpoint)) as Opening);
        Self { handle: Arc::new(Handle { shared: Arc::new(Shared::new(options)), connect }) }
    }

    /// Sends one message, as [`Client::send`] does, over a session that is there or a new one. Waits for its turn
    /// where there are as many as may be; turns come in the order of the calls.
    ///
    /// Dropped before it is ready, it closes the session that it uses, and nothing else.
    ///
    /// # Errors
    ///
    /// As [`Client::connect`] and [`Client::send`]. [`Cause::Deadline`] in [`Phase::Connect`] when its turn did not
    /// come in time.
    pub async fn send(
        &self,
        endpoint: &Endpoint,
        envelope: Envelope,
        body: impl Into<Body>,
    ) -> Result<Report, SendError> {
        self.send_body(endpoint, envelope, body.into()).await
    }

    /// Takes no further message, lets those go on that have a session, and waits until every session is closed, with
    /// QUIT where nothing was wrong. Those who wait for their turn are sent away.
    pub async fn shutdown(&self) {
        self.handle.shared.close();
        self.handle.shared.drained().await;
    }

    /// What there is now, and what was done so far.
    pub fn stats(&self) -> PoolStats {
        self.handle.shared.stats()
    }

    async fn send_body(
        &self,
        endpoint: &Endpoint,
        envelope: Envelope,
        body: Body,
    ) -> Result<Report, SendError> {
        let shared = &self.handle.shared;
        let Grant { lease, parked } = match self.turn(endpoint).await {
            Ok(grant) => grant,
            Err(error) => return Err(SendError::before(error, envelope)),
        };
        let mut outgoing = Outgoing::new(body);
        if let Some(parked) = parked {
            if let Some(mut parked) = self.checked(parked).await {
                let sent = parked.client.transfer(envelope.clone(), &mut outgoing).await;
                if !is_found_dead(&sent, &outgoing) {
                    self.put_back(parked, lease, &sent);
                    return sent;
                }
            }
            shared.count(|stats| stats.found_dead = stats.found_dead.saturating_add(1));
        }
        let client = match (self.handle.connect)(lease.endpoint()).await {
            Ok(client) => client,
            Err(error) => return Err(SendError::before(error, envelope)),
        };
        shared.count(|stats| stats.opened = stats.opened.saturating_add(1));
        let mut parked = Parked::new(client);
        let sent = parked.client.transfer(envelope, &mut outgoing).await;
        self.put_back(parked, lease, &sent);
        sent
    }

    /// Waits for leave to use a session of `endpoint`.
    async fn turn(&self, endpoint: &Endpoint) -> Result<Grant, Error> {
        let shared = &self.handle.shared;
        let time = shared.options.wait_timeout;
        let closed =
            || Error::from(Misuse::NotNow { call: "send", state: "behind the shutdown of the pool" });
        let waiting = shared.enqueue(endpoint).ok_or_else(closed)?;
        match timeout_at(after(time), waiting.granted()).await {
            Ok(Some(grant)) => Ok(grant),
            Ok(None) => Err(closed()),
            Err(_) => {
                let peer = Some(Peer::new(endpoint, None));
                Err(ClientError::new(Phase::Connect, peer, Cause::Deadline(time)))
            }
        }
    }

    /// The session, if it is alive. One that has done nothing for a while is asked.
    async fn checked(&self, mut parked: Parked) -> Option<Parked> {
        let options = &self.handle.shared.options;
        let asked = parked.since.elapsed() >= options.probe_after && parked.client.is_idle();
        if asked && !matches!(timeout(options.probe_timeout, parked.client.probe()).await, Ok(Ok(()))) {
            return None;
        }
        Some(parked)
    }

    /// Keeps a session for the next message, or ends it.
    fn put_back(&self, mut parked: Parked, lease: Lease, sent: &Result<Report, SendError>) {
        let shared = &self.handle.shared;
        parked.messages = parked.messages.saturating_add(1);
        parked.since = Instant::now();
        shared.count(|stats| {
            stats.messages = stats.messages.saturating_add(1);
            stats.reused = stats.reused.saturating_add(u64::from(parked.messages > 1));
        });
        let cut = parked.client.over || sent.as_ref().is_ok_and(is_closing);
        if cut {
            return;
        }
        let options = &shared.options;
        let worn = parked.messages >= options.messages_per_connection_max
            || parked.opened.elapsed() >= options.age_max
            || parked.client.is_over()
            || sent.as_ref().is_ok_and(|report| report.refused().any(|(_, refusal)| is_of_session(refusal)));
        if worn {
            parked::quit(parked, lease);
        } else {
            parked::park(parked, lease);
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close();
    }
}

/// Whether a session that was kept turns out to be of no use, before anything of the message was taken. So a new one
/// may have the message: no server has a part of it.
fn is_found_dead(sent: &Result<Report, SendError>, outgoing: &Outgoing) -> bool {
    outgoing.body.is_some()
        && match sent {
            // RFC 5321 3.8: said before MAIL was read, more often than not.
            Ok(report) if report.stage == Stage::Mail => is_closing(report),
            Ok(report) => {
                report.stage == Stage::Capabilities
                    && report.refused().all(|(_, refusal)| is_of_session(refusal))
            }
            Err(error) => error.is_untouched() && !matches!(error.phase(), Phase::Call),
        }
}

/// Whether the server closes the session with its answer.
fn is_closing(report: &Report) -> bool {
    report.reply.as_ref().is_some_and(|reply| reply.code() == 421)
}

/// Whether it is only this session that cannot have more (RFC 9422 4.1, 4.3).
const fn is_of_session(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Unsupported(Unsupported::MailMax { .. } | Unsupported::RcptDomainMax { .. }))
}
