//! The running server: opens the store, holds it until a signal asks to stop, closes it.
//! No port is opened here yet: the protocol sessions are not part of this build.

use crate::config::Config;
use crate::store::{Role, Store, StoreError};

/// Runs the server until SIGTERM or Ctrl-C.
///
/// # Errors
///
/// The store can not be opened, or signals can not be received.
pub async fn serve(config: Config) -> Result<(), StoreError> {
    let store = Store::open(&config.data, Role::Server)?;
    tracing::info!(hostname = %config.hostname, data = %config.data.display(), "started");
    stop_requested().await.map_err(|error| StoreError::io("waiting for signals", &error))?;
    store.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Waits for the first signal that asks the process to stop.
#[cfg(unix)]
async fn stop_requested() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => outcome,
        _ = terminate.recv() => Ok(()),
    }
}

/// Waits for the first signal that asks the process to stop.
#[cfg(not(unix))]
async fn stop_requested() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
