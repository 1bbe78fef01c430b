//! The doors of administration: the socket in the data directory, always, and the addresses of `[listen] http`.

use std::net::SocketAddr;
use std::sync::Arc;

use posthaste_tokio::Listener;
use posthaste_tokio::tls::{Alpn, Certificates, ServerSettings};
use rustls::ServerConfig;
use tokio_util::task::TaskTracker;

use super::ServeError;
use crate::admin::{Admin, backups, http};
use crate::discovery;
use crate::session::Context;

/// Begins to serve; the addresses that are bound, and what is served.
pub(super) async fn begin(
    context: &Context,
    listeners: Vec<Listener>,
    tasks: &TaskTracker,
) -> Result<(Vec<SocketAddr>, Admin), ServeError> {
    let Context { config, directory, store, maildrops, stop, .. } = context;
    let admin = Admin::new(directory.clone(), Arc::clone(store), maildrops.clone(), config)
        .with_keyring(context.keyring.clone());
    if directory.picture().administrators().next().is_none() && !listeners.is_empty() {
        tracing::warn!(
            "nobody can log in to the HTTP interface as an administrator: run `posthaste administrator set`"
        );
    }
    let besides = http::observe(&admin, context).merge(discovery::routes(context));
    let router = http::router(&admin, &http::Names::of(config), besides);
    #[cfg(unix)]
    {
        let local = http::bind_local(&config.data).map_err(ServeError::AdminSocket)?;
        tasks.spawn(http::serve(local, None, router.clone(), stop.clone()));
    }
    let mut bound = Vec::new();
    for listener in listeners {
        let local = listener.local_addrs().map_err(ServeError::HttpAddress)?;
        let tls =
            if local.iter().all(http::is_plain) { None } else { Some(tls(context.keyring.certificates())?) };
        bound.extend(local);
        tasks.spawn(http::serve(listener, tls, router.clone(), stop.clone()));
    }
    if let Some(configured) = &config.backups {
        tasks.spawn(backups::run(admin.clone(), configured.clone(), stop.clone()));
    }
    Ok((bound, admin))
}

/// The TLS of the mail services, for HTTP (RFC 7301).
fn tls(certificates: &Arc<Certificates>) -> Result<Arc<ServerConfig>, ServeError> {
    let mut tls = ServerConfig::clone(&*ServerSettings::new(Alpn::Smtp).build(certificates)?);
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(tls))
}
