//! The ports: those of the configuration, and those a service manager has opened for the server.
//!
//! With systemd, `FileDescriptorName=` of a socket unit is the name of the service (`smtp`, `submissions`, `imaps`,
//! ...), or `http`, or `acme`. A service that comes so is not opened again from the configuration.

use std::net::SocketAddr;

use posthaste_tokio::Listener;

use super::{ServeError, Service};
use crate::config::Config;

/// A service and what it listens at, all of it together.
pub(super) type Port = (Service, Listener);

/// All ports that are open.
#[derive(Debug, Default)]
pub(super) struct Ports {
    /// Those of the services.
    pub(super) services: Vec<Port>,
    /// Those of the HTTP interface.
    pub(super) http: Vec<Listener>,
    /// Those where an authority sees that a host is this server.
    pub(super) acme: Vec<Listener>,
}

/// Opens all ports, or none.
pub(super) async fn open(config: &Config) -> Result<Ports, ServeError> {
    let mut ports = inherited()?;
    let taken: Vec<Service> = ports.services.iter().map(|(service, _)| *service).collect();
    for (service, addresses) in configured(config) {
        if taken.contains(&service) {
            continue;
        }
        for address in addresses {
            ports.services.push((service, bind(address).await?));
        }
    }
    if ports.http.is_empty() {
        for address in &config.listen.http {
            ports.http.push(bind(address).await?);
        }
    }
    if ports.acme.is_empty() {
        for address in config.acme().into_iter().flat_map(|acme| &acme.listen) {
            ports.acme.push(bind(address).await?);
        }
    }
    if ports.services.is_empty() && ports.http.is_empty() {
        return Err(ServeError::NothingToServe);
    }
    Ok(ports)
}

async fn bind(address: &SocketAddr) -> Result<Listener, ServeError> {
    Listener::bind(address).await.map_err(|error| ServeError::Bind { address: *address, error })
}

fn configured(config: &Config) -> [(Service, &[SocketAddr]); 8] {
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

/// The sockets a service manager has given to this process.
#[cfg(unix)]
fn inherited() -> Result<Ports, ServeError> {
    use posthaste_tokio::BoundSocket;

    let mut sockets = listenfd::ListenFd::from_env();
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut ports = Ports::default();
    let failed = ServeError::Inherited;
    for (index, name) in (0..sockets.len()).zip(names.split(':').chain(std::iter::repeat(""))) {
        let service = Service::ALL.into_iter().find(|service| service.name() == name);
        if service.is_none() && name != HTTP && name != ACME {
            return Err(ServeError::UnknownSocket(name.to_owned()));
        }
        let socket: Option<BoundSocket> = match sockets.take_tcp_listener(index) {
            Ok(tcp) => tcp.map(Into::into),
            Err(_) => sockets.take_unix_listener(index).map_err(failed)?.map(Into::into),
        };
        let listener = Listener::from_std(socket).map_err(failed)?;
        match service {
            Some(service) => ports.services.push((service, listener)),
            None if name == ACME => ports.acme.push(listener),
            None => ports.http.push(listener),
        }
    }
    Ok(ports)
}

/// No service manager here hands over sockets.
#[cfg(not(unix))]
fn inherited() -> Result<Ports, ServeError> {
    Ok(Ports::default())
}

/// The name of a socket of the HTTP interface.
#[cfg(unix)]
const HTTP: &str = "http";

/// The name of a socket where an authority sees that a host is this server.
#[cfg(unix)]
const ACME: &str = "acme";
