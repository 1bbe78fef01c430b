//! What the three clients share: how they reach a server, prove who they are, and how long they wait.
//!
//! Decides the order of addresses to try and which login is strong enough. What is said then is in `smtp`, `pop3`
//! and `imap`.

use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use posthaste_sasl::client::{self as sasl, Exchange, Policy};
use posthaste_sasl::{Channel, Nonce, SaslError};
use posthaste_wire::{Machine, Misuse, Secret, Security};
use rustls::ClientConfig;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};

use crate::tls::{Alpn, ClientTls, client_config};
use crate::{Connection, Error, Role, Stream, Timeouts};

/// How a client reaches its server and who it is there.
///
/// ```
/// use posthaste_tokio::{ClientOptions, Credentials, TlsMode};
///
/// let options = ClientOptions::new(TlsMode::Implicit).with_credentials(Credentials::new("ursel", "Geheim!"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientOptions {
    /// How the connection is protected.
    pub tls: TlsMode,
    /// Who to log in as. A POP3 or IMAP client needs this; an SMTP client that delivers to an MX does not.
    pub credentials: Option<Credentials>,
    /// Which certificates are trusted; those of public authorities when `None`.
    pub client_config: Option<Arc<ClientConfig>>,
    /// How long to try all addresses of the server. 30 seconds.
    pub connect_timeout: Duration,
    /// How long a call waits when nothing happens. The machines have limits of their own for each kind of reply;
    /// this one is over all. 10 minutes, which is what SMTP may take to accept a message (RFC 5321 4.5.3.2.6).
    pub idle_timeout: Duration,
    /// The deadlines of the connection.
    pub timeouts: Timeouts,
}

/// How a client's connection is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsMode {
    /// TLS from the first octet (RFC 8314 3): ports 465, 993, 995.
    #[default]
    Implicit,
    /// STARTTLS or STLS, and nothing without it: ports 587, 143, 110.
    StartTls,
    /// STARTTLS or STLS where it is offered. Whoever is in the path can take the offer away.
    StartTlsIfOffered,
    /// In the clear. Credentials are not sent.
    Plain,
}

/// A name and its password. The password is wiped when dropped and never printed.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub(crate) user: String,
    pub(crate) password: Secret,
}

/// Why a client's call failed. `E` is the machine's `ProtocolError`, `R` what the server says when it refuses.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError<E: std::error::Error, R: Debug> {
    /// The server could not be reached.
    #[error("cannot connect: {0}")]
    Connect(#[source] io::Error),
    /// The connection cannot go on.
    #[error(transparent)]
    Connection(#[from] Error<E>),
    /// Nothing happened for so long. The session is of no use any more: drop it.
    #[error("nothing happened for {0:?}")]
    Idle(Duration),
    /// The server said no. The session goes on, unless it was opening.
    #[error("the server refuses: {0:?}")]
    Refused(R),
    /// The server closed the session.
    #[error("the server closed the session")]
    Closed,
    /// The server offers no login that is known here and safe over this connection.
    #[error("the server offers no login that may be used over this connection")]
    NoLogin,
    /// The login mechanism failed before the server could judge.
    #[error("cannot log in: {0}")]
    Sasl(#[from] SaslError),
    /// What was to be sent could not be read. The message was not sent.
    #[error("cannot read what is to be sent: {0}")]
    Source(#[source] io::Error),
}

impl ClientOptions {
    /// Options for a connection that is protected like this, with default deadlines.
    pub fn new(tls: TlsMode) -> Self {
        Self {
            tls,
            credentials: None,
            client_config: None,
            connect_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(10 * 60),
            timeouts: Timeouts::default(),
        }
    }

    /// The same, logging in.
    #[must_use]
    pub fn with_credentials(self, credentials: Credentials) -> Self {
        Self { credentials: Some(credentials), ..self }
    }

    /// The same, trusting what `config` trusts.
    #[must_use]
    pub fn with_client_config(self, config: Arc<ClientConfig>) -> Self {
        Self { client_config: Some(config), ..self }
    }
}

impl Credentials {
    /// A name and a password.
    pub fn new(user: impl Into<String>, password: impl Into<Secret>) -> Self {
        Self { user: user.into(), password: password.into() }
    }

    /// The strongest mechanism of those offered, over a connection that is private. Over others not even the proof
    /// of a password is sent: whoever listens could guess it at leisure.
    pub(crate) fn exchange(
        &self,
        offered: &[impl AsRef<str>],
        security: Security,
    ) -> Option<Result<Exchange, SaslError>> {
        if !security.is_private() {
            return None;
        }
        let credentials = sasl::Credentials::password(self.user.as_str(), self.password.clone());
        let nonce = match nonce() {
            Ok(nonce) => nonce,
            Err(error) => return Some(Err(error)),
        };
        match Exchange::choose(offered, &credentials, &Policy::default(), &Channel::new(security), nonce) {
            Err(SaslError::NoMechanism) => None,
            exchange => Some(exchange),
        }
    }
}

/// The response to a challenge. One that takes a while to compute, as the server asks for with SCRAM, is computed
/// where it keeps nobody waiting.
pub(crate) async fn respond<E: std::error::Error, R: Debug>(
    mut exchange: Exchange,
    challenge: &[u8],
) -> Result<(Exchange, Result<Secret, SaslError>), ClientError<E, R>> {
    if exchange.mechanism().scram().is_none() {
        let response = exchange.respond(challenge);
        return Ok((exchange, response));
    }
    let challenge = challenge.to_vec();
    let work = tokio::task::spawn_blocking(move || {
        let response = exchange.respond(&challenge);
        (exchange, response)
    });
    // The runtime is shutting down.
    work.await.map_err(|_| ClientError::Closed)
}

/// A nonce that was never used, from the generator that TLS uses.
fn nonce() -> Result<Nonce, SaslError> {
    let mut random = [0; Nonce::OCTETS];
    let generator = rustls::crypto::ring::default_provider().secure_random;
    generator.fill(&mut random).map_err(|_| SaslError::NoRandomness)?;
    Ok(Nonce::new(random))
}

impl<E: std::error::Error, R: Debug> From<Misuse> for ClientError<E, R> {
    fn from(misuse: Misuse) -> Self {
        Self::Connection(Error::Misuse(misuse))
    }
}

/// Connects to the first address of `host` that answers, with TLS where that comes first.
pub(crate) async fn dial(
    host: &str,
    port: u16,
    options: &ClientOptions,
    alpn: Alpn,
) -> io::Result<(Stream, Role)> {
    let role = role(host, options, alpn)?;
    let deadline = Instant::now().checked_add(options.connect_timeout).unwrap_or_else(Instant::now);
    let tcp = timeout_at(deadline, first_to_answer(host, port)).await??;
    secure(tcp.into(), role, options).await
}

/// Runs the handshake where TLS comes first.
pub(crate) async fn secure(
    stream: Stream,
    role: Role,
    options: &ClientOptions,
) -> io::Result<(Stream, Role)> {
    let stream = match options.tls {
        TlsMode::Implicit => timeout(options.timeouts.handshake, stream.into_tls(&role)).await??,
        _ => stream,
    };
    Ok((stream, role))
}

/// What the client may need for TLS.
pub(crate) fn role(host: &str, options: &ClientOptions, alpn: Alpn) -> io::Result<Role> {
    if options.tls == TlsMode::Plain {
        return Ok(Role::Client { tls: None });
    }
    let config = match &options.client_config {
        Some(config) => Arc::clone(config),
        None => client_config(alpn).map_err(io::Error::other)?,
    };
    Ok(Role::Client { tls: Some(ClientTls::new(config, host)?) })
}

async fn first_to_answer(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in lookup_host((host, port)).await? {
        match TcpStream::connect(address).await {
            Ok(tcp) => return Ok(tcp),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The next event, within the idle deadline.
pub(crate) async fn next<M: Machine, R: Debug>(
    connection: &mut Connection<M>,
    patience: Duration,
) -> Result<M::Event, ClientError<M::Error, R>> {
    within(patience, connection.next()).await?.ok_or(ClientError::Closed)
}

/// The outcome of `work`, within the idle deadline.
pub(crate) async fn within<T, E: std::error::Error, R: Debug>(
    patience: Duration,
    work: impl Future<Output = Result<T, Error<E>>>,
) -> Result<T, ClientError<E, R>> {
    match timeout(patience, work).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(ClientError::Idle(patience)),
    }
}
