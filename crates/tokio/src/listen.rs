//! Sockets that wait for connections, and who may connect how often.
//!
//! Decides when a connection is refused before a session is made for it: too many in all, or too many from one
//! network address. Runs each session as a task of its own (`serve`), so that a panic in one ends that one.

mod admission;
mod serve;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs, lookup_host};
use tokio_util::sync::CancellationToken;

use crate::{Role, Stream};

pub use serve::{Outcome, serve};

/// Sockets of one service, all treated alike.
#[derive(Debug)]
pub struct Listener {
    sockets: Vec<TcpListener>,
    tls: Option<Role>,
    /// Where the next round of accepting begins, so that no socket starves another.
    turn: usize,
}

/// How many connections a service takes, and how long it waits for them. `Default` has the values named here.
#[derive(Clone)]
#[non_exhaustive]
pub struct Limits {
    /// Connections at a time, in all. Those over it are refused. 10,000.
    pub connections_max: usize,
    /// Connections at a time from one IPv4 address or one IPv6 network of 64 bits, which is what one customer
    /// has. 50.
    pub per_network_max: usize,
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
    /// [`Limits::connections_max`] is reached.
    Busy,
    /// [`Limits::per_network_max`] is reached for the address.
    TooManyFromNetwork,
}

/// A connection that has been let in, its TLS handshake done where the service has implicit TLS.
#[derive(Debug)]
pub struct Accepted {
    /// The stream, for [`Connection::new`](crate::Connection::new).
    pub stream: Stream,
    /// The address of the peer.
    pub peer: SocketAddr,
    /// Cancelled when the service shuts down: the session then takes no further command and says goodbye.
    pub shutdown: CancellationToken,
}

impl Listener {
    /// Binds to every address that `addresses` stands for. On most systems a socket on `[::]` takes IPv4 as well.
    ///
    /// # Errors
    ///
    /// A name does not resolve or a socket cannot be bound; then none is kept.
    pub async fn bind(addresses: impl ToSocketAddrs) -> io::Result<Self> {
        let mut sockets = Vec::new();
        for address in lookup_host(addresses).await? {
            sockets.push(TcpListener::bind(address).await?);
        }
        Ok(Self::new(sockets))
    }

    /// A service on sockets that are bound already, such as those handed over by a service manager.
    pub const fn new(sockets: Vec<TcpListener>) -> Self {
        Self { sockets, tls: None, turn: 0 }
    }

    /// The same service with a TLS handshake at the start of each connection (RFC 8314 3).
    #[must_use]
    pub fn with_implicit_tls(mut self, config: Arc<ServerConfig>) -> Self {
        self.tls = Some(Role::Server { tls: Some(config) });
        self
    }

    /// The addresses that are bound, for a service that asked for any free port.
    ///
    /// # Errors
    ///
    /// The system does not tell.
    pub fn local_addrs(&self) -> io::Result<Vec<SocketAddr>> {
        self.sockets.iter().map(TcpListener::local_addr).collect()
    }

    /// Asks every socket once, another one first each time.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
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

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            per_network_max: 50,
            handshake_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(30),
            farewell: |_| Bytes::new(),
        }
    }
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limits")
            .field("connections_max", &self.connections_max)
            .field("per_network_max", &self.per_network_max)
            .finish_non_exhaustive()
    }
}
