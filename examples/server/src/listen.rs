//! The running server: which ports are open, which protocol is spoken on each, and how it all ends.
//!
//! SIGTERM and Ctrl-C stop it in order: no more connections, a farewell to idle sessions, transactions to their
//! end, the store closed last.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use posthaste_smtp::server::Mode;
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{Accepted, Listener, Role};
use rustls::ServerConfig;
use rustls::server::ServerSessionMemoryCache;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::directory::{Directory, DirectoryError, HashCost};
use crate::session::{self, Context};
use crate::store::{Role as StoreRole, Store, StoreError};
use crate::tls::{self, TlsError};

/// What a port is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Mail from other servers.
    Smtp,
    /// Mail from users, STARTTLS.
    Submission,
    /// Mail from users, TLS from the start.
    Submissions,
    /// Mail from a front server.
    Lmtp,
    /// IMAP, STARTTLS.
    Imap,
    /// IMAP, TLS from the start.
    Imaps,
    /// POP3, STLS.
    Pop3,
    /// POP3, TLS from the start.
    Pop3s,
}

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The directory.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A port cannot be opened.
    #[error("{address}: {error}: choose another address under [listen], or end what listens there")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// Signals cannot be received.
    #[error("waiting for signals: {0}")]
    Signals(std::io::Error),
    /// The configuration opens no port.
    #[error("no address under [listen]: there is nothing to serve")]
    NothingToServe,
}

/// A server that has its ports open.
#[derive(Debug)]
pub struct Running {
    /// The ports.
    pub bound: Vec<(Service, SocketAddr)>,
    context: Context,
    tasks: TaskTracker,
}

/// Runs the server until SIGTERM or Ctrl-C. Prints `ready` and its ports when they are open.
///
/// # Errors
///
/// It cannot start; see [`ServeError`].
pub async fn serve(config: Config) -> Result<(), ServeError> {
    if !config.listen.http.is_empty() {
        tracing::warn!("[listen] http is not served by this version");
    }
    let running = start(config, HashCost::RECOMMENDED).await?;
    say_ready(&running.bound);
    let stop = stop_requested().await.map_err(ServeError::Signals);
    tracing::info!("stopping");
    running.stop().await;
    tracing::info!("stopped");
    stop
}

/// Opens store and ports and begins to serve.
///
/// # Errors
///
/// See [`ServeError`]; nothing is served then.
pub async fn start(config: Config, cost: HashCost) -> Result<Running, ServeError> {
    let store = Store::open(&config.data, StoreRole::Server)?;
    let directory = Directory::new(store.clone(), cost)?;
    let tls = tls::load(&config)?;
    let config = Arc::new(config);
    let mut listeners = Vec::new();
    let mut bound = Vec::new();
    for (service, addresses) in services(&config) {
        for address in addresses {
            let listener = Listener::bind(address).await;
            let listener = listener.map_err(|error| ServeError::Bind { address: *address, error })?;
            let local = listener.local_addrs().unwrap_or_default();
            bound.extend(local.into_iter().map(|address| (service, address)));
            listeners.push((service, listener));
        }
    }
    if listeners.is_empty() {
        return Err(ServeError::NothingToServe);
    }
    let context = Context { config, directory, store, stop: CancellationToken::new() };
    let tasks = TaskTracker::new();
    for (service, listener) in listeners {
        tasks.spawn(listen(service, listener, with_alpn(&tls, service), context.clone()));
    }
    tracing::info!(hostname = %context.config.hostname, data = %context.config.data.display(), "started");
    Ok(Running { bound, context, tasks })
}

impl Running {
    /// The port of a service, where one is open.
    pub fn address(&self, service: Service) -> Option<SocketAddr> {
        self.bound.iter().find(|(bound, _)| *bound == service).map(|(_, address)| *address)
    }

    /// The store, for tools in the same process.
    pub const fn store(&self) -> &Store {
        &self.context.store
    }

    /// The directory, for tools in the same process.
    pub const fn directory(&self) -> &Directory {
        &self.context.directory
    }

    /// Stops serving: no new connections, what is in progress is brought to its end.
    pub async fn stop(self) {
        self.context.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.context.store.close().await;
    }
}

fn services(config: &Config) -> [(Service, &[SocketAddr]); 8] {
    let listen = &config.listen;
    [
        (Service::Smtp, &listen.smtp),
        (Service::Submission, &listen.submission),
        (Service::Submissions, &listen.submissions),
        (Service::Lmtp, &listen.lmtp),
        (Service::Imap, &listen.imap),
        (Service::Imaps, &listen.imaps),
        (Service::Pop3, &listen.pop3),
        (Service::Pop3s, &listen.pop3s),
    ]
}

/// The TLS of a service names its protocol (RFC 7301) and has sessions of its own, so that none can be carried to
/// another service.
fn with_alpn(tls: &ServerConfig, service: Service) -> Arc<ServerConfig> {
    let mut tls = tls.clone();
    tls.alpn_protocols = match service {
        Service::Imap | Service::Imaps => Alpn::Imap.accepted(),
        Service::Pop3 | Service::Pop3s => Alpn::Pop3.accepted(),
        Service::Smtp | Service::Submission | Service::Submissions | Service::Lmtp => Alpn::Smtp.accepted(),
    };
    tls.session_storage = ServerSessionMemoryCache::new(SESSIONS_MAX);
    Arc::new(tls)
}

async fn listen(service: Service, listener: Listener, tls: Arc<ServerConfig>, context: Context) {
    let implicit = matches!(service, Service::Submissions | Service::Imaps | Service::Pop3s);
    let listener = listener.with_name(&format!("{service:?}").to_lowercase());
    let listener = if implicit { listener.with_implicit_tls(Arc::clone(&tls)) } else { listener };
    let mut limits = posthaste_tokio::Limits::default();
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    limits.connections_max = count(context.config.limits.connections);
    limits.per_network_max = count(context.config.limits.connections_per_ip);
    limits.farewell = match service {
        Service::Imap | Service::Imaps => {
            |_| Bytes::from_static(b"* BYE [UNAVAILABLE] Too many connections\r\n")
        }
        Service::Pop3 | Service::Pop3s => |_| Bytes::from_static(b"-ERR [SYS/TEMP] too many connections\r\n"),
        _ => |_| Bytes::from_static(b"421 4.7.0 Too many connections\r\n"),
    };
    let stop = context.stop.clone();
    let outcome = posthaste_tokio::serve(listener, limits, stop, move |accepted| {
        let role = Role::Server { tls: Some(Arc::clone(&tls)) };
        talk(service, accepted, role, context.clone())
    })
    .await;
    if outcome.dropped > 0 || outcome.panicked > 0 {
        tracing::warn!(?service, dropped = outcome.dropped, panicked = outcome.panicked, "service ended");
    }
}

async fn talk(service: Service, accepted: Accepted, role: Role, context: Context) {
    let stream = accepted.stream;
    tracing::debug!("connected");
    let ended = match service {
        Service::Smtp => said(Box::pin(session::smtp::run(context, Mode::Mta, stream, role)).await),
        Service::Submission | Service::Submissions => {
            said(Box::pin(session::smtp::run(context, Mode::Submission, stream, role)).await)
        }
        Service::Lmtp => said(Box::pin(session::smtp::run(context, Mode::Lmtp, stream, role)).await),
        Service::Imap | Service::Imaps => said(Box::pin(session::imap::run(context, stream, role)).await),
        Service::Pop3 | Service::Pop3s => said(Box::pin(session::pop3::run(context, stream, role)).await),
    };
    match ended {
        Ok(()) => tracing::debug!("ended"),
        Err(reason) => tracing::info!(reason, "ended"),
    }
}

fn said<E: std::fmt::Display>(outcome: Result<(), E>) -> Result<(), String> {
    outcome.map_err(|error| error.to_string())
}

#[expect(clippy::print_stdout, reason = "whoever started the server reads this")]
fn say_ready(bound: &[(Service, SocketAddr)]) {
    let ports: Vec<String> =
        bound.iter().map(|(service, address)| format!("{service:?}={address}")).collect();
    println!("ready {}", ports.join(" ").to_lowercase());
}

/// Waits for the first signal that asks the process to stop.
#[cfg(unix)]
pub(crate) async fn stop_requested() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => outcome,
        _ = terminate.recv() => Ok(()),
    }
}

/// Waits for the first signal that asks the process to stop.
#[cfg(not(unix))]
pub(crate) async fn stop_requested() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

/// So many TLS sessions of a service can be resumed.
const SESSIONS_MAX: usize = 4096;
