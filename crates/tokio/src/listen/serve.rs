//! The accept loop: lets connections in, runs their sessions, survives what they do, and ends them in order.

use std::future::{Future, poll_fn};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use posthaste_wire::proxy::ProxyHeader;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::field::{Empty, display};
use tracing::{Instrument, Span, debug, error, info_span, warn};

use super::admission::{Place, Stage};
use super::reserve::Reserve;
use super::socket::Incoming;
use super::{Accepted, Limits, Listener, Proxies, Refusal, SharedLimits, Shutdown, Source, proxied};
use crate::{Role, Stream};

/// How a service ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome {
    /// How many sessions were still there when [`Limits::drain_timeout`] was over, and were dropped.
    pub dropped: usize,
    /// How many sessions panicked, over the whole time. Each was logged.
    pub panicked: usize,
}

/// Accepts connections and runs `session` for each as a task, until `shutdown` is cancelled; then accepts no
/// more, and returns when the sessions have ended or the time for that is over.
///
/// A session hears of that by [`Accepted::shutdown`]. A panic ends the session it happens in and no other; its
/// place among the connections is given back. When the process is out of file descriptors, those who connect are told
/// [`Refusal::Busy`] and closed at once, by one descriptor that is kept for that, and accepting pauses for a moment at a
/// time until it can go on; that is logged once a second.
///
/// Each session runs in a span `connection` with the fields `service`, `peer` and `id`, behind a proxy `proxy` too.
///
/// Several services are several calls, in one `tokio::join!` or as tasks, with clones of one token; a common
/// [`Admission`](super::Admission) counts their connections together.
///
/// Dropping the future drops all sessions.
///
/// `limits` are [`Limits`], or [`SharedLimits`] where they are to be changed while the service runs.
///
/// ```no_run
/// # async fn run() -> std::io::Result<()> {
/// use posthaste_tokio::{Limits, Listener, serve};
/// use tokio_util::sync::CancellationToken;
///
/// let mut limits = Limits::default();
/// limits.farewell = |_| "421 4.7.0 Too many connections\r\n".into();
/// let shutdown = CancellationToken::new();
/// let listener = Listener::bind("[::]:25").await?;
/// serve(listener, limits, shutdown, |accepted| async move {
///     println!("{} is here", accepted.peer);
/// })
/// .await;
/// # Ok(())
/// # }
/// ```
pub async fn serve<S, F>(
    mut listener: Listener,
    limits: impl Into<SharedLimits>,
    shutdown: CancellationToken,
    session: S,
) -> Outcome
where
    S: Fn(Accepted) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let session = Arc::new(session);
    let limits = limits.into();
    let mut tasks = Tasks::default();
    let mut failures = Failures::default();
    let mut reserve = Reserve::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(ended) = tasks.sessions.join_next() => {
                tasks.note(ended);
                continue;
            }
            Some(_) = tasks.refusals.join_next() => continue,
            accepted = poll_fn(|cx| listener.poll_accept(cx)) => accepted,
        };
        let incoming = match accepted {
            Ok(incoming) => incoming,
            Err(error) => {
                if Reserve::is_for(&error) {
                    turn_away(&mut listener, &mut reserve, &limits.current()).await;
                }
                tokio::select! {
                    () = shutdown.cancelled() => break,
                    () = failures.pause(&error) => continue,
                }
            }
        };
        let Some(newcomer) = Newcomer::admit(incoming, &listener, limits.current(), &shutdown, &mut tasks)
        else {
            continue;
        };
        let session = Arc::clone(&session);
        let span = newcomer.span(&listener.name);
        let named = span.clone();
        let task = async move {
            if let Some((accepted, place)) = newcomer.prepare(&named).await {
                session(accepted).await;
                drop(place);
            }
        };
        tasks.sessions.spawn(task.instrument(span));
    }
    drop(listener);
    tasks.drain(limits.current().drain_timeout).await
}

/// Takes connections for which there is no descriptor from the system's queue, one at a time by the reserve, and closes
/// them. Who waits there would otherwise wait for as long as nobody else goes.
async fn turn_away(listener: &mut Listener, reserve: &mut Reserve, limits: &Limits) {
    for _ in 0..TURNED_AWAY_MAX {
        if !reserve.release() {
            return;
        }
        let Poll::Ready(Ok(incoming)) = poll_fn(|cx| Poll::Ready(listener.poll_accept(cx))).await else {
            // There are no more, or somebody else was faster.
            break;
        };
        let peer = incoming.source();
        debug!(service = &*listener.name, %peer, refusal = ?Refusal::Busy, "connection refused");
        let farewell =
            if listener.says_first(peer) { (limits.farewell)(Refusal::Busy) } else { Bytes::new() };
        incoming.hang_up(&farewell);
    }
    reserve.restore();
}

/// A connection that has a place, and what is to be done before its session begins.
struct Newcomer {
    accepted: Accepted,
    place: Place,
    proxies: Option<Proxies>,
    tls: Option<Role>,
    limits: Arc<Limits>,
}

impl Newcomer {
    /// Gives the connection a place, or says goodbye to it.
    fn admit(
        incoming: Incoming,
        listener: &Listener,
        limits: Arc<Limits>,
        shutdown: &CancellationToken,
        tasks: &mut Tasks,
    ) -> Option<Self> {
        let peer = incoming.source();
        let proxies = listener.proxies.clone().filter(|proxies| proxies.trusts(peer));
        let tls = listener.tls.clone();
        let stage = if proxies.is_some() || tls.is_some() { Stage::Preparing } else { Stage::Ready };
        // For how many clients a proxy connects is not known before its header.
        let counted = if proxies.is_some() { None } else { peer.ip() };
        match listener.admission.admit(counted, stage, &limits) {
            Ok(place) => {
                let accepted = Accepted {
                    stream: incoming.into_stream(),
                    peer,
                    id: CONNECTIONS.fetch_add(1, Ordering::Relaxed),
                    proxy: None,
                    shutdown: Shutdown::new(shutdown.child_token()),
                };
                Some(Self { accepted, place, proxies, tls, limits })
            }
            Err(refusal) => {
                debug!(service = &*listener.name, %peer, ?refusal, "connection refused");
                if listener.says_first(peer) {
                    tasks.refuse(incoming.into_stream(), (limits.farewell)(refusal));
                }
                None
            }
        }
    }

    /// What the session runs in. Behind a proxy it is not known yet who the peer is.
    fn span(&self, service: &str) -> Span {
        let (peer, id) = (self.accepted.peer, self.accepted.id);
        let span = info_span!("connection", service, peer = Empty, proxy = Empty, id);
        span.record(if self.proxies.is_some() { "proxy" } else { "peer" }, display(peer));
        span
    }

    /// Reads the PROXY header and puts TLS under the connection, where there is to be one. `None` when that
    /// failed, or the service shuts down meanwhile.
    async fn prepare(self, span: &Span) -> Option<(Accepted, Place)> {
        let Self { mut accepted, mut place, proxies, tls, limits } = self;
        let token = accepted.shutdown.token().clone();
        let preparing = async {
            if let Some(proxies) = proxies {
                let header = read_header(&mut accepted.stream, &proxies).await?;
                if let Some(client) = proxied::source(&header) {
                    accepted.peer = client;
                    accepted.stream = accepted.stream.relayed(client.addr(), header.destination());
                }
                span.record("peer", display(accepted.peer));
                let counted = proxied::source(&header).and_then(Source::ip);
                accepted.proxy = Some(header);
                if let Some(Err(refusal)) = counted.map(|address| place.belongs_to(address, &limits)) {
                    debug!(?refusal, "connection refused");
                    if tls.is_none() {
                        let farewell = (limits.farewell)(refusal);
                        drop(timeout(REFUSAL_TIMEOUT, say_goodbye(accepted.stream, &farewell)).await);
                    }
                    return None;
                }
            }
            if let Some(role) = tls {
                accepted.stream = handshake(accepted.stream, &role, limits.handshake_timeout).await?;
            }
            place.ready();
            Some((accepted, place))
        };
        tokio::select! {
            biased;
            () = token.cancelled() => None,
            prepared = preparing => prepared,
        }
    }
}

async fn read_header(stream: &mut Stream, proxies: &Proxies) -> Option<ProxyHeader> {
    match timeout(proxies.timeout(), proxied::read(stream)).await {
        Ok(Ok(header)) => Some(header),
        Ok(Err(error)) => {
            warn!(%error, "a proxy sent no header");
            None
        }
        Err(_) => {
            warn!(patience = ?proxies.timeout(), "a proxy sent no header in time");
            None
        }
    }
}

/// Puts TLS under the connection where the service has implicit TLS.
async fn handshake(stream: Stream, role: &Role, patience: Duration) -> Option<Stream> {
    match timeout(patience, stream.into_tls(role)).await {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            debug!(%error, "TLS handshake failed");
            None
        }
        Err(_) => {
            debug!(?patience, "TLS handshake was not done in time");
            None
        }
    }
}

/// The number of the next connection, in the whole process.
static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

/// The tasks of a service.
#[derive(Default)]
struct Tasks {
    sessions: JoinSet<()>,
    refusals: JoinSet<()>,
    panicked: usize,
}

impl Tasks {
    fn note(&mut self, ended: Result<(), JoinError>) {
        if let Err(failure) = ended {
            if failure.is_panic() {
                self.panicked = self.panicked.saturating_add(1);
                error!(%failure, "a session panicked");
            }
        }
    }

    /// Says goodbye to a connection that has no place, unless too many are being told already.
    fn refuse(&mut self, stream: Stream, farewell: Bytes) {
        if !farewell.is_empty() && self.refusals.len() < REFUSALS_MAX {
            self.refusals.spawn(async move {
                drop(timeout(REFUSAL_TIMEOUT, say_goodbye(stream, &farewell)).await);
            });
        }
    }

    async fn drain(mut self, patience: Duration) -> Outcome {
        // A patience beyond reckoning is one without end.
        let deadline = Instant::now().checked_add(patience);
        while !self.sessions.is_empty() {
            let next = self.sessions.join_next();
            let ended = match deadline {
                Some(deadline) => timeout_at(deadline, next).await,
                None => Ok(next.await),
            };
            match ended {
                Ok(Some(ended)) => self.note(ended),
                Ok(None) | Err(_) => break,
            }
        }
        let dropped = self.sessions.len();
        if dropped > 0 {
            warn!(dropped, "sessions did not end in time");
        }
        self.sessions.shutdown().await;
        Outcome { dropped, panicked: self.panicked }
    }
}

/// Sends a farewell, and reads what the peer has sent so that a reset does not overtake it.
async fn say_goodbye(mut stream: Stream, farewell: &[u8]) -> io::Result<()> {
    stream.write_all(farewell).await?;
    stream.shutdown().await?;
    let mut ignored = [0; 512];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}

/// What to do when accepting fails: wait a little, and not fill the log.
#[derive(Default)]
struct Failures {
    logged: Option<Instant>,
}

impl Failures {
    /// Waits before the next try, unless only the one connection was affected.
    async fn pause(&mut self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
        if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted) {
            return;
        }
        let due = self.logged.is_none_or(|logged| logged.elapsed() >= LOG_INTERVAL);
        if due {
            self.logged = Some(Instant::now());
            warn!(%error, "cannot accept connections for now");
        }
        sleep(ACCEPT_PAUSE).await;
    }
}

/// So many refused connections are told why at a time; the others are closed without a word.
const REFUSALS_MAX: usize = 256;

/// How long a refused connection may take to hear why.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(2);

/// So many connections are turned away without a pause when there are no descriptors for them.
const TURNED_AWAY_MAX: usize = 64;

/// How long accepting pauses when the process or the system is out of something, usually file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How often it is logged that accepting fails.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn res_02_accepting_pauses_when_file_descriptors_run_out_and_not_for_one_peer() {
        let mut failures = Failures::default();
        let begun = Instant::now();
        for _ in 0..100 {
            failures.pause(&io::ErrorKind::ConnectionAborted.into()).await;
        }
        assert_eq!(begun.elapsed(), Duration::ZERO);
        // EMFILE: 24 on every system that this runs on.
        for _ in 0..100 {
            failures.pause(&io::Error::from_raw_os_error(24)).await;
        }
        assert!(begun.elapsed() >= ACCEPT_PAUSE * 100);
        assert!(failures.logged.is_some_and(|logged| logged.elapsed() < LOG_INTERVAL + ACCEPT_PAUSE * 2));
    }
}
