//! The running server: which ports are open, which protocol is spoken on each, and how it all begins and ends.
//!
//! It begins with the ports and certificates, which may need root, then goes on as the user of the configuration. It
//! ends in order: no more connections, a farewell to idle sessions, transactions to their end, the store closed last.

mod administration;
mod ports;
mod privilege;
mod signals;
mod upkeep;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use posthaste_smtp::server::Mode;
use posthaste_tokio::tls::{Alpn, ServerSettings};
use posthaste_tokio::{Accepted, Listener, Proxies, Role, Stream};
use rustls::ServerConfig;
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::acme::{self, Challenges, Keeper};
use crate::admin::Admin;
use crate::config::Config;
use crate::directory::{Directory, DirectoryError, HashCost, Options};
use crate::index::Index;
use crate::metrics;
use crate::session::{self, Context};
use crate::store::sqlite::{self, Sqlite};
use crate::store::{Observed, Store, StoreError};
use crate::tls::{Keyring, TlsError};
use crate::trace::Trace;

use ports::Ports;
pub use privilege::PrivilegeError;
pub(crate) use signals::Signals;

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

impl Service {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Smtp,
        Self::Submission,
        Self::Submissions,
        Self::Lmtp,
        Self::Imap,
        Self::Imaps,
        Self::Pop3,
        Self::Pop3s,
    ];

    /// Its name in the configuration, in logs, and as that of a socket.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Submission => "submission",
            Self::Submissions => "submissions",
            Self::Lmtp => "lmtp",
            Self::Imap => "imap",
            Self::Imaps => "imaps",
            Self::Pop3 => "pop3",
            Self::Pop3s => "pop3s",
        }
    }

    /// Whether TLS comes first (RFC 8314 3).
    const fn is_implicit(self) -> bool {
        matches!(self, Self::Submissions | Self::Imaps | Self::Pop3s)
    }

    /// Whether somebody logs in here. Where nobody does, wrong passwords keep nobody out: mail from other servers and
    /// from a front server still comes, also from the address of a webmail whose users guess.
    const fn has_logins(self) -> bool {
        !matches!(self, Self::Smtp | Self::Lmtp)
    }

    const fn alpn(self) -> Alpn {
        match self {
            Self::Imap | Self::Imaps => Alpn::Imap,
            Self::Pop3 | Self::Pop3s => Alpn::Pop3,
            Self::Smtp | Self::Submission | Self::Submissions | Self::Lmtp => Alpn::Smtp,
        }
    }

    /// What somebody is told who is not let in now.
    const fn farewell(self) -> &'static [u8] {
        match self {
            Self::Imap | Self::Imaps => b"* BYE [UNAVAILABLE] Try again later\r\n",
            Self::Pop3 | Self::Pop3s => b"-ERR [SYS/TEMP] try again later\r\n",
            Self::Smtp | Self::Submission | Self::Submissions | Self::Lmtp => {
                b"421 4.7.0 Try again later\r\n"
            }
        }
    }
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
    /// TLS cannot be spoken with the certificates.
    #[error("TLS: {0}")]
    Rustls(#[from] rustls::Error),
    /// A port cannot be opened.
    #[error("{address}: {error}: choose another address, or end what listens there")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// A socket of the service manager cannot be used.
    #[error("a socket that was handed over cannot be used: {0}")]
    Inherited(std::io::Error),
    /// A socket of the service manager is for no service.
    #[error("a socket is named {0:?}: name it after a service with FileDescriptorName=, as smtp or imaps")]
    UnknownSocket(String),
    /// It cannot run as the user it should.
    #[error(transparent)]
    Privilege(#[from] PrivilegeError),
    /// The trace cannot be kept.
    #[error("the trace of messages: {0}")]
    Trace(std::io::Error),
    /// The socket of administration cannot be opened.
    #[error("the socket of administration in the data directory: {0}")]
    AdminSocket(std::io::Error),
    /// A port of the HTTP interface has no address.
    #[error("an address of the HTTP interface: {0}")]
    HttpAddress(std::io::Error),
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
    /// The addresses of the HTTP interface.
    pub http: Vec<SocketAddr>,
    /// The addresses where an authority sees that a host is this server.
    pub acme: Vec<SocketAddr>,
    admin: Admin,
    context: Context,
    tasks: TaskTracker,
}

/// Runs the server until SIGTERM or Ctrl-C. Prints `ready` and its ports when they are open.
///
/// # Errors
///
/// It cannot start; see [`ServeError`].
pub async fn serve(config: Config) -> Result<(), ServeError> {
    let cost = config.directory_options().cost;
    let mut signals = Signals::listen().map_err(ServeError::Signals)?;
    let running = start(config, cost).await?;
    say_ready(&running);
    let stop = signals.until_stopped(&running.context).await;
    tracing::info!("stopping");
    running.stop().await;
    tracing::info!("stopped");
    stop.map_err(ServeError::Signals)
}

/// Opens ports and store and begins to serve.
///
/// # Errors
///
/// See [`ServeError`]; nothing is served then.
pub async fn start(config: Config, cost: HashCost) -> Result<Running, ServeError> {
    // As whoever started this, root perhaps.
    let ports = ports::open(&config).await?;
    // What the server makes or orders is for the user that it becomes.
    let is_of_files = config.tls.is_some() && config.acme().is_none();
    let keyring = is_of_files.then(|| Keyring::load(&config)).transpose()?;
    privilege::become_user(config.run_as.as_ref(), &config.data)?;
    for exposed in sqlite::exposed(&config.data) {
        tracing::warn!("{}: {}", exposed.detail, exposed.remedy);
    }
    let index = Index::new(INDEX_OCTETS_MAX);
    let store = Sqlite::open_with(&config.data, Arc::new(index.clone()), config.search.options())?;
    let store: Arc<dyn Store> = Arc::new(store);
    match begin(config, cost, ports, keyring, index, Arc::clone(&store)).await {
        Ok(running) => Ok(running),
        Err(error) => {
            if let Err(error) = store.close().await {
                tracing::warn!(%error, "the store was not closed in order");
            }
            Err(error)
        }
    }
}

/// Begins to serve with a store of any kind; `index` is fed by it.
///
/// # Errors
///
/// See [`ServeError`].
pub async fn start_with(
    config: Config,
    cost: HashCost,
    index: Index,
    store: Arc<dyn Store>,
) -> Result<Running, ServeError> {
    let ports = ports::open(&config).await?;
    begin(config, cost, ports, None, index, store).await
}

async fn begin(
    config: Config,
    cost: HashCost,
    ports: Ports,
    keyring: Option<Keyring>,
    index: Index,
    store: Arc<dyn Store>,
) -> Result<Running, ServeError> {
    let keyring = keyring.map_or_else(|| Keyring::load(&config), Ok)?;
    metrics::install();
    let store: Arc<dyn Store> = Arc::new(Observed::new(store));
    let options = Options { cost, ..config.directory_options() };
    let directory = Directory::open(Arc::clone(&store), options).await?;
    let trace = Trace::open(&config.data, config.retention.trace_days).map_err(ServeError::Trace)?;
    let challenges = Challenges::default();
    let keeper = Keeper::new(&config, keyring.clone(), challenges.clone())?;
    let context = Context::new(config, directory, store, index, trace, keyring, CancellationToken::new());
    let mut bound = Vec::new();
    let tasks = TaskTracker::new();
    for (service, listener) in ports.services {
        let local = listener.local_addrs().unwrap_or_default();
        let listening = context.ports.opened(service, &local);
        bound.extend(local.into_iter().map(|address| (service, address)));
        let tls = ServerSettings::new(service.alpn()).build(context.keyring.certificates())?;
        let serving = listen(service, listener, tls, context.clone());
        tasks.spawn(async move {
            let _listening = listening;
            serving.await;
        });
    }
    let (http, admin) = administration::begin(&context, ports.http, &tasks).await?;
    tasks.spawn(upkeep::run(context.clone()));
    let mut acme_bound = Vec::new();
    for listener in ports.acme {
        acme_bound.extend(listener.local_addrs().unwrap_or_default());
        tasks.spawn(acme::serve(listener, challenges.clone(), context.stop.clone()));
    }
    if let Some(keeper) = keeper {
        tasks.spawn(acme::run(keeper, context.stop.clone()));
    }
    tracing::info!(hostname = %context.config.hostname, data = %context.config.data.display(), "started");
    Ok(Running { bound, http, acme: acme_bound, admin, context, tasks })
}

impl Running {
    /// The port of a service, where one is open.
    pub fn address(&self, service: Service) -> Option<SocketAddr> {
        self.bound.iter().find(|(bound, _)| *bound == service).map(|(_, address)| *address)
    }

    /// The store, for tools in the same process.
    pub const fn store(&self) -> &Arc<dyn Store> {
        &self.context.store
    }

    /// The directory, for tools in the same process.
    pub const fn directory(&self) -> &Directory {
        &self.context.directory
    }

    /// The administration, for tools in the same process.
    pub const fn admin(&self) -> &Admin {
        &self.admin
    }

    /// What all sessions share.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Reads the configuration and the certificates again, as SIGHUP does.
    pub fn reload(&self) {
        signals::reload(&self.context);
    }

    /// Stops serving: no new connections, what is in progress is brought to its end.
    pub async fn stop(self) {
        self.context.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        upkeep::finish(&self.context).await;
        if let Err(error) = self.context.store.close().await {
            tracing::error!(%error, "the store was not closed in order");
        }
    }
}

async fn listen(service: Service, listener: Listener, tls: Arc<ServerConfig>, context: Context) {
    let networks = context.config.proxies.networks.clone();
    let listener = listener.with_name(service.name()).with_proxies(Proxies::new(networks));
    let listener =
        if service.is_implicit() { listener.with_implicit_tls(Arc::clone(&tls)) } else { listener };
    let mut limits = posthaste_tokio::Limits::default();
    limits.farewell = match service.alpn() {
        Alpn::Imap => |_| Bytes::from_static(Service::Imap.farewell()),
        Alpn::Pop3 => |_| Bytes::from_static(Service::Pop3.farewell()),
        _ => |_| Bytes::from_static(Service::Smtp.farewell()),
    };
    let (limits, stop) = (context.admitting(limits), context.stop.clone());
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
    let is_banned = |peer| context.directory.is_banned(peer);
    if service.has_logins() && accepted.peer.ip().is_some_and(is_banned) {
        tracing::debug!("refused: banned");
        metrics::turned_away(service, "banned");
        return turn_away(stream, service.farewell()).await;
    }
    tracing::debug!("connected");
    let _counted = metrics::Session::begin(service);
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

/// Says why and closes. Whoever does not listen misses it.
async fn turn_away(mut stream: Stream, farewell: &[u8]) {
    let saying = async { stream.write_all(farewell).await.and(stream.shutdown().await) };
    if !matches!(tokio::time::timeout(FAREWELL_TIMEOUT, saying).await, Ok(Ok(()))) {
        tracing::debug!("gone before the farewell");
    }
}

fn said<E: std::fmt::Display>(outcome: Result<(), E>) -> Result<(), String> {
    outcome.map_err(|error| error.to_string())
}

#[expect(clippy::print_stdout, reason = "whoever started the server reads this")]
fn say_ready(running: &Running) {
    let ports = running.bound.iter().map(|(service, address)| format!("{}={address}", service.name()));
    let http = running.http.iter().map(|address| format!("http={address}"));
    let acme = running.acme.iter().map(|address| format!("acme={address}"));
    println!("ready {}", ports.chain(http).chain(acme).collect::<Vec<_>>().join(" "));
}

/// Octets of mailboxes that are kept in memory while nobody has them open.
const INDEX_OCTETS_MAX: usize = 64 << 20;

const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);
