//! The byte stream under a connection: TCP, TLS over it, or anything else that reads and writes.
//!
//! Decides nothing about mail. The kind of stream is erased here, so that `Connection` is generic over the machine
//! only, and TLS can be put over a stream in place. A handshake under way is a state of the stream, not of a
//! future: whoever waits for it may stop and come back.

mod deflate;

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use posthaste_sasl::Channel;
use posthaste_wire::Security;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{Accept, Connect, TlsAcceptor, TlsConnector, TlsStream};

use crate::channel::Witness;
use crate::tls::ClientTls;
use crate::tls::problem::explained;
use deflate::Deflate;

/// What can carry a connection: whatever reads and writes and can move to another task.
pub trait Transport: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin + 'static> Transport for T {}

/// The byte stream of a connection, whatever it is made of.
pub struct Stream {
    layer: Layer,
    peer: Option<SocketAddr>,
    local: Option<SocketAddr>,
    security: Security,
    /// What is known of the TLS handshake, once it has begun.
    witness: Witness,
}

/// What this side is in a TLS handshake, and what it needs for one.
#[derive(Clone, Debug)]
pub enum Role {
    /// The server of the protocol, with the configuration for STARTTLS where that is offered.
    Server {
        /// Certificates and policy; `None` when the machine is configured to offer no TLS.
        tls: Option<Arc<ServerConfig>>,
    },
    /// The client of the protocol, with what STARTTLS needs where the machine may ask for it.
    Client {
        /// Trust and the name the certificate must be for; `None` when the machine never asks for TLS.
        tls: Option<ClientTls>,
    },
}

enum Layer {
    Carrier(Carrier),
    Handshake(Box<Handshake>),
    Deflate(Box<Deflate<Carrier>>),
    /// A handshake failed, or the stream was closed.
    Gone,
}

/// What octets travel on once no layer is being set up.
enum Carrier {
    Raw(Raw),
    Tls(Box<TlsStream<Raw>>),
}

enum Raw {
    Tcp(TcpStream),
    Other(Box<dyn Transport>),
}

enum Handshake {
    Accept(Accept<Raw>),
    Connect(Connect<Raw>),
}

impl Stream {
    /// A stream over any transport. For TCP use [`From<TcpStream>`](#impl-From<TcpStream>-for-Stream), which
    /// knows the addresses and can watch for the peer's end.
    pub fn new(transport: impl Transport) -> Self {
        Self::over(Raw::Other(Box::new(transport)))
    }

    /// A stream whose path policy treats as secure, such as a socket of the same machine.
    pub fn local(transport: impl Transport) -> Self {
        Self { security: Security::Local, ..Self::new(transport) }
    }

    /// What protects the stream: what a machine is to be made with.
    pub const fn security(&self) -> Security {
        match self.carrier() {
            Some(Carrier::Tls(_)) => Security::Tls,
            _ => self.security,
        }
    }

    /// The address of the peer, where the stream is TCP.
    pub const fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// The address of this side, where the stream is TCP.
    pub const fn local_addr(&self) -> Option<SocketAddr> {
        self.local
    }

    /// The TLS session: version, cipher suite, ALPN protocol, peer certificates. `None` without TLS.
    pub fn tls(&self) -> Option<&rustls::CommonState> {
        self.tls_stream().map(|stream| stream.get_ref().1)
    }

    /// The host name that a TLS client asked for (SNI), at a server.
    pub fn server_name(&self) -> Option<&str> {
        match self.tls_stream()? {
            TlsStream::Server(stream) => stream.get_ref().1.server_name(),
            TlsStream::Client(_) => None,
        }
    }

    /// What a login over this stream can be bound to (RFC 5056): its security, and under TLS the bindings, best
    /// first. With TLS 1.3 these are `tls-exporter` (RFC 9266) and `tls-server-end-point` (RFC 5929 4). With TLS 1.2
    /// it is `tls-server-end-point`, and `tls-exporter` too where this side's configuration sets `require_ems`,
    /// since only a session with extended master secret has such a value. A certificate whose signature has no hash
    /// function of its own, such as one of Ed25519, is no end point.
    ///
    /// For one login: RFC 9266 4.1 has `tls-exporter` used once for each TLS connection.
    pub fn channel(&self) -> Channel {
        let channel = Channel::new(self.security());
        match self.tls_stream() {
            Some(stream) => self.witness.bindings(stream).into_iter().fold(channel, Channel::with_binding),
            None => channel,
        }
    }

    /// Runs a TLS handshake over the stream before anything else is said: implicit TLS (RFC 8314 3).
    ///
    /// # Errors
    ///
    /// The handshake failed, the role holds no TLS configuration, or TLS is in place already. One about the peer's
    /// certificate says in words what is wrong with it, and has the [`rustls::Error`] as its source. The caller gives
    /// the deadline, by [`tokio::time::timeout`]; dropping the future closes the stream.
    pub async fn into_tls(mut self, role: &Role) -> io::Result<Self> {
        self.start_tls(role)?;
        std::future::poll_fn(|cx| self.poll_tls(cx)).await.map_err(explained)?;
        Ok(self)
    }

    /// The same stream with the addresses that a proxy tells, in the place of its own. A path to a client that is
    /// not of this machine is not a local one, whatever the path to the proxy is.
    pub(crate) fn relayed(self, peer: Option<SocketAddr>, local: Option<SocketAddr>) -> Self {
        let security = if peer.is_some() { Security::Plain } else { self.security };
        Self { peer, local, security, ..self }
    }

    /// Puts a handshake in the place of the stream. Nothing is read or written yet.
    pub(crate) fn start_tls(&mut self, role: &Role) -> io::Result<()> {
        let raw = match std::mem::replace(&mut self.layer, Layer::Gone) {
            Layer::Carrier(Carrier::Raw(raw)) => raw,
            layer => {
                self.layer = layer;
                return Err(io::Error::other("the stream is not in the clear"));
            }
        };
        let handshake = match role {
            Role::Server { tls: Some(config) } => {
                let (witness, config) = Witness::of_server(config);
                self.witness = witness;
                Handshake::Accept(TlsAcceptor::from(config).accept(raw))
            }
            Role::Client { tls: Some(tls) } => {
                self.witness = Witness::of_client(tls);
                let connector = TlsConnector::from(Arc::clone(&tls.config));
                Handshake::Connect(connector.connect(tls.name.clone(), raw))
            }
            Role::Server { tls: None } | Role::Client { tls: None } => {
                return Err(io::Error::other("there is no TLS configuration"));
            }
        };
        self.layer = Layer::Handshake(Box::new(handshake));
        Ok(())
    }

    /// Goes on with the handshake. After an error the stream is gone.
    pub(crate) fn poll_tls(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Layer::Handshake(handshake) = &mut self.layer else {
            return Poll::Ready(Err(gone()));
        };
        let done = match handshake.as_mut() {
            Handshake::Accept(accept) => ready!(Pin::new(accept).poll(cx)).map(TlsStream::Server),
            Handshake::Connect(connect) => ready!(Pin::new(connect).poll(cx)).map(TlsStream::Client),
        };
        self.layer = Layer::Gone;
        let done = done?;
        self.witness.check(&done)?;
        self.layer = Layer::Carrier(Carrier::Tls(Box::new(done)));
        Poll::Ready(Ok(()))
    }

    /// Puts DEFLATE over the stream (RFC 4978). `ahead` has been read from it already and is compressed.
    pub(crate) fn start_deflate(&mut self, ahead: &Bytes) -> io::Result<()> {
        match std::mem::replace(&mut self.layer, Layer::Gone) {
            Layer::Carrier(carrier) => {
                self.layer = Layer::Deflate(Box::new(Deflate::new(carrier, ahead)));
                Ok(())
            }
            layer => {
                self.layer = layer;
                Err(io::Error::other("the stream is compressed or closed"))
            }
        }
    }

    /// Whether DEFLATE is over the stream.
    pub(crate) const fn is_deflated(&self) -> bool {
        matches!(self.layer, Layer::Deflate(_))
    }

    /// Whether DEFLATE holds memory for nothing.
    pub(crate) fn can_rest(&self) -> bool {
        matches!(&self.layer, Layer::Deflate(stream) if stream.can_rest())
    }

    /// Gives back the memory that DEFLATE holds for nothing.
    pub(crate) fn rest(&mut self) {
        if let Layer::Deflate(stream) = &mut self.layer {
            stream.rest();
        }
    }

    /// Closes the stream without a word.
    pub(crate) fn abandon(&mut self) {
        self.layer = Layer::Gone;
    }

    /// Completes when the peer has closed its side or the connection is cut, without reading. See
    /// `Connection::peer_gone`.
    pub(crate) async fn peer_gone(&mut self) {
        let carrier = match &mut self.layer {
            Layer::Carrier(carrier) => carrier,
            Layer::Deflate(stream) => stream.inner_mut(),
            Layer::Handshake(_) => return std::future::pending().await,
            Layer::Gone => return,
        };
        let raw = match carrier {
            Carrier::Raw(raw) => raw,
            Carrier::Tls(stream) => stream.get_mut().0,
        };
        let Raw::Tcp(tcp) = raw else { return std::future::pending().await };
        let mut octet = [0; 1];
        match tcp.peek(&mut octet).await {
            Ok(0) | Err(_) => {}
            // Something waits to be read: an end behind it cannot be seen, a reset can.
            Ok(_) => drop(tcp.ready(Interest::ERROR).await),
        }
    }

    /// The carrier, wherever it is.
    const fn carrier(&self) -> Option<&Carrier> {
        match &self.layer {
            Layer::Carrier(carrier) => Some(carrier),
            Layer::Deflate(stream) => Some(stream.inner()),
            Layer::Handshake(_) | Layer::Gone => None,
        }
    }

    fn tls_stream(&self) -> Option<&TlsStream<Raw>> {
        match self.carrier()? {
            Carrier::Tls(stream) => Some(stream),
            Carrier::Raw(_) => None,
        }
    }

    fn over(raw: Raw) -> Self {
        let (peer, local) = match &raw {
            Raw::Tcp(tcp) => (tcp.peer_addr().ok(), tcp.local_addr().ok()),
            Raw::Other(_) => (None, None),
        };
        Self {
            layer: Layer::Carrier(Carrier::Raw(raw)),
            peer,
            local,
            security: Security::Plain,
            witness: Witness::default(),
        }
    }
}

impl From<TcpStream> for Stream {
    /// Also turns Nagle's algorithm off: what is sent is batched here already.
    fn from(tcp: TcpStream) -> Self {
        // A socket that does not take the option still carries bytes.
        drop(tcp.set_nodelay(true));
        Self::over(Raw::Tcp(tcp))
    }
}

impl From<DuplexStream> for Stream {
    fn from(duplex: DuplexStream) -> Self {
        Self::new(duplex)
    }
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream")
            .field("peer", &self.peer)
            .field("security", &self.security())
            .finish_non_exhaustive()
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().layer {
            Layer::Carrier(carrier) => Pin::new(carrier).poll_read(cx, buf),
            Layer::Deflate(stream) => Pin::new(stream).poll_read(cx, buf),
            Layer::Handshake(_) | Layer::Gone => Poll::Ready(Err(gone())),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().layer {
            Layer::Carrier(carrier) => Pin::new(carrier).poll_write(cx, buf),
            Layer::Deflate(stream) => Pin::new(stream).poll_write(cx, buf),
            Layer::Handshake(_) | Layer::Gone => Poll::Ready(Err(gone())),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().layer {
            Layer::Carrier(carrier) => Pin::new(carrier).poll_write_vectored(cx, bufs),
            Layer::Deflate(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Layer::Handshake(_) | Layer::Gone => Poll::Ready(Err(gone())),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.layer {
            Layer::Carrier(carrier) => carrier.is_write_vectored(),
            Layer::Deflate(stream) => stream.is_write_vectored(),
            Layer::Handshake(_) | Layer::Gone => false,
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().layer {
            Layer::Carrier(carrier) => Pin::new(carrier).poll_flush(cx),
            Layer::Deflate(stream) => Pin::new(stream).poll_flush(cx),
            Layer::Handshake(_) | Layer::Gone => Poll::Ready(Err(gone())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().layer {
            Layer::Carrier(carrier) => Pin::new(carrier).poll_shutdown(cx),
            Layer::Deflate(stream) => Pin::new(stream).poll_shutdown(cx),
            Layer::Handshake(_) | Layer::Gone => Poll::Ready(Ok(())),
        }
    }
}

/// Reading and writing of a stream that is one of several, each of which can do both.
macro_rules! forward {
    ($stream:ty: $($variant:ident)|+) => {
        impl AsyncRead for $stream {
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    $(Self::$variant(inner) => Pin::new(inner).poll_read(cx, buf),)+
                }
            }
        }

        impl AsyncWrite for $stream {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                match self.get_mut() {
                    $(Self::$variant(inner) => Pin::new(inner).poll_write(cx, buf),)+
                }
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                match self.get_mut() {
                    $(Self::$variant(inner) => Pin::new(inner).poll_write_vectored(cx, bufs),)+
                }
            }

            fn is_write_vectored(&self) -> bool {
                match self {
                    $(Self::$variant(inner) => inner.is_write_vectored(),)+
                }
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    $(Self::$variant(inner) => Pin::new(inner).poll_flush(cx),)+
                }
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                match self.get_mut() {
                    $(Self::$variant(inner) => Pin::new(inner).poll_shutdown(cx),)+
                }
            }
        }
    };
}

forward!(Carrier: Raw | Tls);
forward!(Raw: Tcp | Other);

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the stream is closed")
}
