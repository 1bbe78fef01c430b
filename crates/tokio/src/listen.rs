//! Services: sockets that wait for connections, and what happens to a connection before its session begins.
//!
//! Decides in this order: may it come in at all (`admission`), for whom does a proxy make it (`proxied`), does TLS
//! begin at once. Then its session runs as a task of its own (`serve`), so that a panic in one ends that one, and
//! in a span with stable names, so that what is logged of a connection can be found:
//!
//! `connection` with `service` ([`Listener::with_name`]), `peer` ([`Accepted::peer`]), `id` ([`Accepted::id`]), and
//! `proxy` where there is one, which is the address that the connection really came from.

mod admission;
mod network;
mod proxied;
mod reserve;
mod serve;
mod shared;
mod shutdown;
mod socket;

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use posthaste_wire::proxy::ProxyHeader;
use rustls::ServerConfig;
use tokio::net::{TcpListener, ToSocketAddrs, lookup_host};

use crate::{Role, Stream};
use socket::{Incoming, Socket};

pub use admission::Admission;
pub use network::{Network, NetworkError};
pub use proxied::Proxies;
pub use serve::{Outcome, serve};
pub use shared::SharedLimits;
pub use shutdown::{ServerMachine, Shutdown};
pub use socket::BoundSocket;

/// Sockets of one service, all treated alike.
///
/// ```no_run
/// use posthaste_tokio::{Admission, Listener, Proxies};
///
/// # async fn run(tls: std::sync::Arc<rustls::ServerConfig>) -> std::io::Result<()> {
/// // One count of connections for all services.
/// let admission = Admission::default();
/// let smtp = Listener::bind("[::]:25").await?.with_name("smtp").with_admission(&admission);
/// let imaps = Listener::bind("[::]:993")
///     .await?
///     .with_name("imaps")
///     .with_admission(&admission)
///     .with_implicit_tls(tls)
///     // A load balancer says who connects, before TLS begins.
///     .with_proxies(Proxies::new(["10.0.0.0/24".parse().unwrap()]));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<Socket>,
    name: Arc<str>,
    tls: Option<Role>,
    proxies: Option<Proxies>,
    admission: Admission,
    /// Where the next round of accepting begins, so that no socket starves another.
    turn: usize,
}

/// How many connections a service takes, and how long it waits for them. `Default` has the values named here.
///
/// A connection passes through these in the order of the table. Behind the last one the machine's own limits
/// hold; each machine ends a client that does not log in or say anything: `command_timeout` of SMTP,
/// `login_timeout` of POP3 and IMAP.
///
/// | stage | bounded by |
/// | --- | --- |
/// | let in | `connections_max`, `per_network_max`, `per_minute_max`, `preparing_max` |
/// | PROXY header, where it comes from a proxy | [`Proxies::with_timeout`], 4 KiB |
/// | TLS handshake, where TLS is implicit | `handshake_timeout` |
/// | session | the machine, [`Timeouts`](crate::Timeouts) |
/// | shutdown | `drain_timeout` |
///
/// They can be changed while the service runs: see [`SharedLimits`].
#[derive(Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Connections at a time, in all. Those over it are refused. 10,000.
    pub connections_max: usize,
    /// Connections at a time from one IPv4 address or one IPv6 network of 64 bits, which is what one customer
    /// has. 50. Unix sockets are not counted by network, nor is a proxy: its clients are.
    pub per_network_max: usize,
    /// New connections from one such network within 60 seconds; a connection that is refused counts as well. No
    /// limit by default: what is much depends on how many people are behind one address.
    pub per_minute_max: Option<usize>,
    /// Connections at a time whose PROXY header or TLS handshake is under way. Those over it are refused, so that
    /// a flood of half-open connections takes no places from a service that says hello in the clear and shares
    /// the counts. 1,000.
    pub preparing_max: usize,
    /// How long the TLS handshake of a service with implicit TLS may take. 30 seconds.
    pub handshake_timeout: Duration,
    /// How long sessions may take to end when the service is shut down; then they are dropped. 30 seconds.
    pub drain_timeout: Duration,
    /// What a connection over a limit is told before it is closed, such as `421 4.7.0 ...`, with its line end.
    /// Services with implicit TLS close without a word. Nothing by default.
    pub farewell: fn(Refusal) -> Bytes,
}

/// Why a connection is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// [`Limits::connections_max`] is reached, or the process has no file descriptors left.
    Busy,
    /// [`Limits::per_network_max`] is reached for the address.
    TooManyFromNetwork,
    /// [`Limits::per_minute_max`] is reached for the address.
    TooOften,
    /// [`Limits::preparing_max`] is reached.
    TooManyPreparing,
}

/// A connection that has been let in, its TLS handshake done where the service has implicit TLS.
#[derive(Debug)]
#[non_exhaustive]
pub struct Accepted {
    /// The stream, for [`Connection::new`](crate::Connection::new). Behind a proxy its addresses are those that
    /// the proxy told.
    pub stream: Stream,
    /// Who connected: the client, also when a proxy made the connection for it.
    pub peer: Source,
    /// The number of the connection in this process, from 1, for logs.
    pub id: u64,
    /// What the proxy said, where there is one: further vectors are in it, such as the host name that a TLS
    /// client asked the proxy for ([`TLV_AUTHORITY`](posthaste_wire::proxy::TLV_AUTHORITY)).
    pub proxy: Option<ProxyHeader>,
    /// The end of the service, as the session hears of it.
    pub shutdown: Shutdown,
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// An address and port of TCP.
    Ip(SocketAddr),
    /// A Unix socket. Shown as `unix`.
    Unix,
}

impl Listener {
    /// Binds to every address that `addresses` stands for.
    ///
    /// On most systems, Linux among them, a socket on `[::]` takes IPv4 too, whose addresses are then shown in their
    /// IPv6 form and counted as IPv4; a second one on `0.0.0.0` with the same port cannot be bound beside it. Who
    /// wants two makes the first IPv6 only, as the crate `socket2` can, and gives both to
    /// [`from_std`](Self::from_std).
    ///
    /// # Errors
    ///
    /// A name does not resolve or a socket cannot be bound; then none is kept.
    pub async fn bind(addresses: impl ToSocketAddrs) -> io::Result<Self> {
        let mut sockets = Vec::new();
        for address in lookup_host(addresses).await? {
            sockets.push(Socket::Tcp(TcpListener::bind(address).await?));
        }
        Ok(Self::over(sockets))
    }

    /// Binds to a Unix socket, as LMTP is often spoken over (RFC 2033 5). Its connections are
    /// [`Security::Local`](crate::Security::Local): logins need no TLS. Who may connect is decided by the
    /// permissions of the folder that `path` is in.
    ///
    /// A socket that a process left behind at `path`, and that nobody listens at any more, is replaced. When the
    /// listener is dropped the file is removed.
    ///
    /// # Errors
    ///
    /// Somebody listens there, something that is not a socket is there, or the system does not allow it.
    #[cfg(unix)]
    pub fn bind_unix(path: impl AsRef<std::path::Path>) -> io::Result<Self> {
        Ok(Self::over(vec![Socket::bind_unix(path.as_ref())?]))
    }

    /// A service on sockets that are bound and listen already: bound by a process that has since given up its
    /// privileges, or by a service manager.
    ///
    /// The sockets of systemd's socket activation are taken over with the crate `listenfd`, in the order of the
    /// unit file:
    ///
    /// ```no_run
    /// use listenfd::ListenFd;
    /// use posthaste_tokio::Listener;
    ///
    /// # async fn run() -> std::io::Result<()> {
    /// let mut inherited = ListenFd::from_env();
    /// let listener = match inherited.take_tcp_listener(0)? {
    ///     Some(socket) => Listener::from_std([socket])?,
    ///     None => Listener::bind("[::]:25").await?,
    /// };
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// What `LISTEN_FDNAMES` holds is the names of these sockets, with colons between. A descriptor that came some
    /// other way is a [`BoundSocket`] by `TryFrom<OwnedFd>`.
    ///
    /// # Errors
    ///
    /// The system does not let the runtime wait for a socket.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O, as everything here that opens sockets.
    pub fn from_std<S: Into<BoundSocket>>(sockets: impl IntoIterator<Item = S>) -> io::Result<Self> {
        let sockets = sockets.into_iter().map(|socket| Socket::from_std(socket.into()));
        Ok(Self::over(sockets.collect::<io::Result<_>>()?))
    }

    /// The same service on the sockets of `other` as well. Everything else that was said of `other` is forgotten.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.sockets.extend(other.sockets);
        self
    }

    /// The same service, called `name` in logs.
    #[must_use]
    pub fn with_name(self, name: &str) -> Self {
        Self { name: name.into(), ..self }
    }

    /// The same service with a TLS handshake at the start of each connection (RFC 8314 3).
    #[must_use]
    pub fn with_implicit_tls(mut self, config: Arc<ServerConfig>) -> Self {
        self.tls = Some(Role::Server { tls: Some(config) });
        self
    }

    /// The same service behind proxies, whose connections begin with a PROXY header.
    #[must_use]
    pub fn with_proxies(self, proxies: Proxies) -> Self {
        Self { proxies: Some(proxies), ..self }
    }

    /// The same service, its connections counted together with those of other services. Each compares the counts
    /// with its own [`Limits`].
    #[must_use]
    pub fn with_admission(self, admission: &Admission) -> Self {
        Self { admission: admission.clone(), ..self }
    }

    /// The TCP addresses that are bound, for a service that asked for any free port.
    ///
    /// # Errors
    ///
    /// The system does not tell.
    pub fn local_addrs(&self) -> io::Result<Vec<SocketAddr>> {
        self.sockets.iter().filter_map(Socket::local_addr).collect()
    }

    fn over(sockets: Vec<Socket>) -> Self {
        Self { sockets, name: "".into(), tls: None, proxies: None, admission: Admission::default(), turn: 0 }
    }

    /// Whether the first word of a connection is the service's, in the clear. A proxy, or a client that begins with TLS,
    /// does not listen for one.
    fn says_first(&self, peer: Source) -> bool {
        let proxied = self.proxies.as_ref().is_some_and(|proxies| proxies.trusts(peer));
        self.tls.is_none() && !proxied
    }

    /// Asks every socket once, another one first each time.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Incoming>> {
        let count = self.sockets.len();
        self.turn = self.turn.wrapping_add(1);
        for offset in 0..count {
            let index = self.turn.wrapping_add(offset).checked_rem(count).unwrap_or_default();
            let Some(socket) = self.sockets.get(index) else { continue };
            if let Poll::Ready(accepted) = socket.poll_accept(cx) {
                return Poll::Ready(accepted);
            }
        }
        Poll::Pending
    }
}

impl Source {
    /// The address and port. `None` for a Unix socket.
    pub const fn addr(self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(address),
            Self::Unix => None,
        }
    }

    /// The address, an IPv4 one also when it came mapped into IPv6. `None` for a Unix socket.
    pub fn ip(self) -> Option<IpAddr> {
        self.addr().map(|address| address.ip().to_canonical())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix => f.write_str("unix"),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            per_network_max: 50,
            per_minute_max: None,
            preparing_max: 1_000,
            handshake_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(30),
            farewell: |_| Bytes::new(),
        }
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits")
            .field("connections_max", &self.connections_max)
            .field("per_network_max", &self.per_network_max)
            .field("per_minute_max", &self.per_minute_max)
            .field("preparing_max", &self.preparing_max)
            .finish_non_exhaustive()
    }
}
