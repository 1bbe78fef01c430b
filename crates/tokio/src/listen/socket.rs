//! What a service listens at: TCP and, where the system has them, Unix sockets.
//!
//! Decides what becomes of the file of a Unix socket. Who may connect is not decided here.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use tokio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use {
    std::fs,
    std::os::fd::OwnedFd,
    std::os::unix::fs::FileTypeExt,
    std::path::{Path, PathBuf},
    tokio::net::{UnixListener, UnixStream},
};

use super::Source;
use crate::Stream;

/// A socket that is bound and listens, made by somebody else.
#[derive(Debug)]
#[non_exhaustive]
pub enum BoundSocket {
    /// One of TCP.
    Tcp(std::net::TcpListener),
    /// One of the same machine. Its connections are [`Security::Local`](crate::Security::Local).
    #[cfg(unix)]
    Unix(std::os::unix::net::UnixListener),
}

#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixSocket),
}

/// A Unix socket, and the file to be removed with it.
#[cfg(unix)]
#[derive(Debug)]
pub(super) struct UnixSocket {
    listener: UnixListener,
    path: Option<PathBuf>,
}

/// A connection nobody has looked at yet.
#[derive(Debug)]
pub(super) enum Incoming {
    Tcp(TcpStream, SocketAddr),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Socket {
    pub(super) fn from_std(socket: BoundSocket) -> io::Result<Self> {
        match socket {
            BoundSocket::Tcp(socket) => {
                socket.set_nonblocking(true)?;
                Ok(Self::Tcp(TcpListener::from_std(socket)?))
            }
            #[cfg(unix)]
            BoundSocket::Unix(socket) => {
                socket.set_nonblocking(true)?;
                let listener = UnixListener::from_std(socket)?;
                // The file belongs to whoever made it.
                Ok(Self::Unix(UnixSocket { listener, path: None }))
            }
        }
    }

    #[cfg(unix)]
    pub(super) fn bind_unix(path: &Path) -> io::Result<Self> {
        let bound = UnixListener::bind(path);
        let listener = match bound {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(path) => {
                fs::remove_file(path)?;
                UnixListener::bind(path)?
            }
            bound => bound?,
        };
        Ok(Self::Unix(UnixSocket { listener, path: Some(path.to_owned()) }))
    }

    /// `None` when the address is not one of TCP.
    pub(super) fn local_addr(&self) -> Option<io::Result<SocketAddr>> {
        match self {
            Self::Tcp(socket) => Some(socket.local_addr()),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }

    pub(super) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Incoming>> {
        Poll::Ready(match self {
            Self::Tcp(socket) => ready!(socket.poll_accept(cx)).map(|(tcp, peer)| Incoming::Tcp(tcp, peer)),
            #[cfg(unix)]
            Self::Unix(socket) => {
                ready!(socket.listener.poll_accept(cx)).map(|(unix, _)| Incoming::Unix(unix))
            }
        })
    }
}

#[cfg(unix)]
impl Drop for UnixSocket {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // If it is gone already there is nothing to do, and nobody to tell.
            drop(fs::remove_file(path));
        }
    }
}

/// Whether there is a socket at `path` that nobody listens at.
#[cfg(unix)]
fn is_abandoned(path: &Path) -> bool {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    is_socket && std::os::unix::net::UnixStream::connect(path).is_err_and(refused)
}

impl Incoming {
    pub(super) const fn source(&self) -> Source {
        match self {
            Self::Tcp(_, peer) => Source::Ip(*peer),
            #[cfg(unix)]
            Self::Unix(_) => Source::Unix,
        }
    }

    pub(super) fn into_stream(self) -> Stream {
        match self {
            Self::Tcp(tcp, _) => Stream::from(tcp),
            #[cfg(unix)]
            Self::Unix(unix) => Stream::local(unix),
        }
    }

    /// Says `farewell` and closes, both at once: what the system does not take without waiting is not said.
    pub(super) fn hang_up(self, farewell: &[u8]) {
        let said = match self {
            Self::Tcp(tcp, _) => tcp.into_std().and_then(|mut tcp| tcp.write_all(farewell)),
            #[cfg(unix)]
            Self::Unix(unix) => unix.into_std().and_then(|mut unix| unix.write_all(farewell)),
        };
        drop(said);
    }
}

impl From<std::net::TcpListener> for BoundSocket {
    fn from(socket: std::net::TcpListener) -> Self {
        Self::Tcp(socket)
    }
}

#[cfg(unix)]
impl From<std::os::unix::net::UnixListener> for BoundSocket {
    fn from(socket: std::os::unix::net::UnixListener) -> Self {
        Self::Unix(socket)
    }
}

/// Takes over a descriptor, as TCP or Unix, whichever its address says.
#[cfg(unix)]
impl TryFrom<OwnedFd> for BoundSocket {
    type Error = io::Error;

    fn try_from(descriptor: OwnedFd) -> io::Result<Self> {
        let tcp = std::net::TcpListener::from(descriptor);
        if tcp.local_addr().is_ok() {
            return Ok(Self::Tcp(tcp));
        }
        let unix = std::os::unix::net::UnixListener::from(OwnedFd::from(tcp));
        unix.local_addr()?;
        Ok(Self::Unix(unix))
    }
}
