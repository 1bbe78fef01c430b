//! From an endpoint to a stream that a session can begin on.
//!
//! Decides the order of addresses to try, and that a stream which is not private gets TLS where that comes first.

use std::io;
use std::sync::Arc;

use posthaste_wire::{Machine, Security};
use rustls::ClientConfig;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};

use super::session::after;
use super::{Cause, ClientError, ClientOptions, Endpoint, Peer, Phase, Protocol, ServerRefusal, TlsMode};
use crate::tls::{ClientSettings, ClientTls};
use crate::{Role, Stream};

/// What a session is opened over.
pub(crate) struct Dialled {
    pub(crate) stream: Stream,
    pub(crate) role: Role,
    pub(crate) peer: Peer,
    /// When the session has to be ready.
    pub(crate) deadline: Instant,
}

/// Opens what a session with a server of one of these protocols begins on: over `stream`, or a new connection.
pub(crate) async fn reach<M: Machine, R: ServerRefusal>(
    stream: Option<Stream>,
    endpoint: &Endpoint,
    options: &ClientOptions,
    protocols: &[Protocol],
) -> Result<Dialled, ClientError<M::Error, R>> {
    if !protocols.contains(&endpoint.protocol()) {
        return Err(ClientError::new(Phase::Call, None, Cause::WrongProtocol(endpoint.protocol())));
    }
    match stream {
        Some(stream) => secure::<M, R>(stream, endpoint, options, after(options.open_timeout)).await,
        None => dial::<M, R>(endpoint, options).await,
    }
}

/// Connects to the first address of `endpoint` that answers, with TLS where that comes first.
async fn dial<M: Machine, R: ServerRefusal>(
    endpoint: &Endpoint,
    options: &ClientOptions,
) -> Result<Dialled, ClientError<M::Error, R>> {
    let deadline = after(options.open_timeout);
    let peer = Peer::new(endpoint, None);
    let failed =
        |error: io::Error| ClientError::new(Phase::Connect, Some(peer.clone()), Cause::Connect(error));
    let connected = match (endpoint.host(), endpoint.path()) {
        (Some(host), _) => timeout_at(deadline, first_to_answer(host, endpoint.port())).await,
        (None, Some(path)) => timeout_at(deadline, socket(path)).await,
        // An endpoint is one of the two.
        (None, None) => Ok(Err(io::ErrorKind::NotFound.into())),
    };
    let stream = connected.map_err(|elapsed| failed(elapsed.into()))?.map_err(failed)?;
    secure::<M, R>(stream, endpoint, options, deadline).await
}

/// Runs the handshake where TLS comes first and is not there yet.
async fn secure<M: Machine, R: ServerRefusal>(
    stream: Stream,
    endpoint: &Endpoint,
    options: &ClientOptions,
    deadline: Instant,
) -> Result<Dialled, ClientError<M::Error, R>> {
    let peer = Peer::new(endpoint, stream.peer_addr());
    let failed =
        |error: io::Error| ClientError::new(Phase::Handshake, Some(peer.clone()), Cause::Connect(error));
    let role = role(endpoint, options).map_err(failed)?;
    let stream = if endpoint.tls() == TlsMode::Implicit && stream.security() == Security::Plain {
        let handshake = timeout(options.timeouts.handshake, stream.into_tls(&role));
        match timeout_at(deadline, handshake).await {
            Ok(Ok(done)) => done.map_err(failed)?,
            Ok(Err(elapsed)) | Err(elapsed) => return Err(failed(elapsed.into())),
        }
    } else {
        stream
    };
    Ok(Dialled { stream, role, peer, deadline })
}

/// What the client may need for TLS.
fn role(endpoint: &Endpoint, options: &ClientOptions) -> io::Result<Role> {
    let Some(host) = endpoint.host().filter(|_| endpoint.tls() != TlsMode::Plain) else {
        return Ok(Role::Client { tls: None });
    };
    let config: Arc<ClientConfig> = match (&options.client_config, &options.trust) {
        (Some(config), _) => Arc::clone(config),
        (None, trust) => {
            let settings = ClientSettings::new(endpoint.protocol().into());
            let settings = trust.clone().into_iter().fold(settings, ClientSettings::with_trust);
            settings.build().map_err(io::Error::other)?
        }
    };
    Ok(Role::Client { tls: Some(ClientTls::new(config, host)?.with_alpn_policy(options.alpn_policy)) })
}

async fn first_to_answer(host: &str, port: u16) -> io::Result<Stream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in lookup_host((host, port)).await? {
        match TcpStream::connect(address).await {
            Ok(tcp) => return Ok(tcp.into()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(unix)]
async fn socket(path: &std::path::Path) -> io::Result<Stream> {
    Ok(Stream::local(tokio::net::UnixStream::connect(path).await?))
}

#[cfg(not(unix))]
async fn socket(_: &std::path::Path) -> io::Result<Stream> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "sockets of the machine are for Unix"))
}
