//! What the process is told from outside: SIGTERM and Ctrl-C end it, SIGHUP makes it read its configuration again.
//!
//! What is taken from a configuration that is read again: certificates, and the limits of sessions that begin from
//! then on, their number too. All else, ports above all, wants a restart, and the log names it. A configuration or
//! certificate that cannot be used changes nothing, and the log says why.

use std::io;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Config;
use crate::session::Context;

/// The signals the process listens to. Listening begins before ports are served: whoever sees the server answer may
/// tell it to stop.
#[derive(Debug)]
pub(crate) struct Signals {
    #[cfg(unix)]
    hangup: Signal,
    #[cfg(unix)]
    interrupt: Signal,
    #[cfg(unix)]
    terminate: Signal,
}

impl Signals {
    /// Begins to listen; from here on none of them ends the process by itself.
    pub(crate) fn listen() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            hangup: signal(SignalKind::hangup())?,
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt())?,
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the first signal that asks the process to stop; meanwhile, reads again what it is told to.
    #[cfg(unix)]
    pub(super) async fn until_stopped(&mut self, context: &Context) -> io::Result<()> {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return Ok(()),
                _ = self.terminate.recv() => return Ok(()),
                _ = self.hangup.recv() => reload(context),
            }
        }
    }

    /// Waits for the first signal that asks the process to stop.
    #[cfg(not(unix))]
    pub(super) async fn until_stopped(&mut self, _: &Context) -> io::Result<()> {
        self.stop_requested().await
    }

    /// Waits for the first signal that asks the process to stop.
    #[cfg(unix)]
    pub(crate) async fn stop_requested(&mut self) -> io::Result<()> {
        tokio::select! {
            _ = self.interrupt.recv() => Ok(()),
            _ = self.terminate.recv() => Ok(()),
        }
    }

    /// Waits for the first signal that asks the process to stop.
    #[cfg(not(unix))]
    pub(crate) async fn stop_requested(&mut self) -> io::Result<()> {
        tokio::signal::ctrl_c().await
    }
}

/// Reads the configuration again and takes from it what can be taken. Files are small: nothing waits for them.
pub(super) fn reload(context: &Context) {
    let path = &context.config.file;
    let config = match Config::load(path) {
        Ok(config) => config,
        Err(error) => return tracing::error!(%error, "the configuration was not read again"),
    };
    context.set_limits(config.limits.clone());
    let keyring = &context.keyring;
    match keyring.reload(&config) {
        Ok(()) => {
            let names = keyring.certificates().names();
            tracing::info!(?names, "limits and certificates were read again");
        }
        Err(error) => tracing::error!(%error, "the certificates there were are kept"),
    }
    let waiting = context.config.waiting(&config);
    if !waiting.is_empty() {
        tracing::warn!(
            changed = waiting.join(", "),
            "what else has changed in the configuration takes a restart"
        );
    }
}
