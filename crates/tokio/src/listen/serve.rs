//! The accept loop: lets connections in, runs their sessions, survives what they do, and ends them in order.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use super::admission::Admission;
use super::{Accepted, Limits, Listener};
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
/// A session is told by [`Accepted::shutdown`]. A panic ends the session it happens in and no other; its place
/// among the connections is given back. When the process is out of file descriptors, accepting pauses for a
/// moment at a time and goes on by itself.
///
/// Dropping the future drops all sessions.
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
    limits: Limits,
    shutdown: CancellationToken,
    session: S,
) -> Outcome
where
    S: Fn(Accepted) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let session = Arc::new(session);
    let admission = Admission::default();
    let mut tasks = Tasks::default();
    let mut failures = Failures::default();
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            Some(ended) = tasks.sessions.join_next() => {
                tasks.note(ended);
                continue;
            }
            Some(_) = tasks.refusals.join_next() => continue,
            accepted = std::future::poll_fn(|cx| listener.poll_accept(cx)) => accepted,
        };
        let (tcp, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tokio::select! {
                    () = shutdown.cancelled() => break,
                    () = failures.pause(&error) => continue,
                }
            }
        };
        let place = match admission.admit(peer.ip(), &limits) {
            Ok(place) => place,
            Err(refusal) => {
                debug!(%peer, ?refusal, "connection refused");
                let farewell = if listener.tls.is_none() { (limits.farewell)(refusal) } else { Bytes::new() };
                tasks.refuse(tcp, farewell);
                continue;
            }
        };
        let accepted = Accepted { stream: Stream::from(tcp), peer, shutdown: shutdown.child_token() };
        let session = Arc::clone(&session);
        let tls = listener.tls.clone().map(|role| (role, limits.handshake_timeout));
        tasks.sessions.spawn(async move {
            if let Some(accepted) = handshake(accepted, tls).await {
                session(accepted).await;
            }
            drop(place);
        });
    }
    drop(listener);
    tasks.drain(limits.drain_timeout).await
}

/// Puts TLS under the connection where the service has implicit TLS.
async fn handshake(accepted: Accepted, tls: Option<(Role, Duration)>) -> Option<Accepted> {
    let Some((role, patience)) = tls else { return Some(accepted) };
    let Accepted { stream, peer, shutdown } = accepted;
    tokio::select! {
        () = shutdown.cancelled() => None,
        done = timeout(patience, stream.into_tls(&role)) => match done {
            Ok(Ok(stream)) => Some(Accepted { stream, peer, shutdown }),
            Ok(Err(error)) => {
                debug!(%peer, %error, "TLS handshake failed");
                None
            }
            Err(_) => {
                debug!(%peer, ?patience, "TLS handshake was not done in time");
                None
            }
        },
    }
}

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
    fn refuse(&mut self, tcp: TcpStream, farewell: Bytes) {
        if !farewell.is_empty() && self.refusals.len() < REFUSALS_MAX {
            self.refusals.spawn(async move {
                drop(timeout(REFUSAL_TIMEOUT, say_goodbye(tcp, &farewell)).await);
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
async fn say_goodbye(mut tcp: TcpStream, farewell: &[u8]) -> io::Result<()> {
    tcp.write_all(farewell).await?;
    tcp.shutdown().await?;
    let mut ignored = [0; 512];
    while tcp.read(&mut ignored).await? > 0 {}
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
