//! What the process is told from outside: SIGTERM and Ctrl-C end it, SIGHUP makes it read its configuration again.
//!
//! What is taken from a configuration that is read again: certificates, and the limits of sessions that begin from
//! then on. All else, ports above all, wants a restart. A configuration or certificate that cannot be used changes
//! nothing, and the log says why.

use posthaste_tokio::tls::Certificates;

use crate::config::Config;
use crate::session::Context;
use crate::tls;

/// Waits for the first signal that asks the process to stop; meanwhile, reads again what it is told to.
#[cfg(unix)]
pub(super) async fn until_stopped(context: &Context, certificates: &Certificates) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut hangup = signal(SignalKind::hangup())?;
    let mut stop = std::pin::pin!(stop_requested());
    loop {
        tokio::select! {
            outcome = &mut stop => return outcome,
            _ = hangup.recv() => reload(context, certificates),
        }
    }
}

/// Waits for the first signal that asks the process to stop.
#[cfg(not(unix))]
pub(super) async fn until_stopped(_context: &Context, _certificates: &Certificates) -> std::io::Result<()> {
    stop_requested().await
}

/// Reads the configuration again and takes from it what can be taken. Files are small: nothing waits for them.
pub(super) fn reload(context: &Context, certificates: &Certificates) {
    let path = &context.config.file;
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(error) => return tracing::error!(%error, "the configuration was not read again"),
    };
    context.set_limits(config.limits.clone());
    match tls::reload(&config, certificates) {
        Ok(()) => tracing::info!(names = ?certificates.names(), "limits and certificates were read again"),
        Err(error) => tracing::error!(%error, "the certificates there were are kept"),
    }
    let taken =
        Config { limits: config.limits.clone(), tls: config.tls.clone(), ..Config::clone(&context.config) };
    if taken != config {
        tracing::warn!("what else has changed in the configuration takes a restart");
    }
}

/// Waits for the first signal that asks the process to stop.
#[cfg(unix)]
pub(crate) async fn stop_requested() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => outcome,
        _ = terminate.recv() => Ok(()),
    }
}

/// Waits for the first signal that asks the process to stop.
#[cfg(not(unix))]
pub(crate) async fn stop_requested() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
