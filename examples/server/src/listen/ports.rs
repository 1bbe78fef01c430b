//! The ports: those of the configuration, and those a service manager has opened for the server.
//!
//! With systemd, `FileDescriptorName=` of a socket unit is the name of the service (`smtp`, `submissions`, `imaps`,
//! ...). A service that comes so is not opened again from the configuration.

use std::net::SocketAddr;

use posthaste_tokio::Listener;

use super::{ServeError, Service};
use crate::config::Config;

/// A service and what it listens at, all of it together.
pub(super) type Port = (Service, Listener);

/// Opens all ports, or none.
pub(super) async fn open(config: &Config) -> Result<Vec<Port>, ServeError> {
    let mut ports = inherited()?;
    for (service, addresses) in configured(config) {
        if ports.iter().any(|(taken, _)| *taken == service) {
            continue;
        }
        for address in addresses {
            let listener = Listener::bind(address).await;
            let listener = listener.map_err(|error| ServeError::Bind { address: *address, error })?;
            ports.push((service, listener));
        }
    }
    if ports.is_empty() { Err(ServeError::NothingToServe) } else { Ok(ports) }
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
fn inherited() -> Result<Vec<Port>, ServeError> {
    use posthaste_tokio::BoundSocket;

    let mut sockets = listenfd::ListenFd::from_env();
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut ports = Vec::new();
    let failed = ServeError::Inherited;
    for (index, name) in (0..sockets.len()).zip(names.split(':').chain(std::iter::repeat(""))) {
        let service = Service::ALL.into_iter().find(|service| service.name() == name);
        let service = service.ok_or_else(|| ServeError::UnknownSocket(name.to_owned()))?;
        let socket: Option<BoundSocket> = match sockets.take_tcp_listener(index) {
            Ok(tcp) => tcp.map(Into::into),
            Err(_) => sockets.take_unix_listener(index).map_err(failed)?.map(Into::into),
        };
        ports.push((service, Listener::from_std(socket).map_err(failed)?));
    }
    Ok(ports)
}

/// No service manager here hands over sockets.
#[cfg(not(unix))]
const fn inherited() -> Result<Vec<Port>, ServeError> {
    Ok(Vec::new())
}
