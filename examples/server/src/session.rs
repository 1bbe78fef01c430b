//! One loop per protocol: events of a machine in, calls on directory and store, answers out.
//!
//! A session decides what the server does with what a machine asks; the grammar, the order of commands and every
//! limit of the conversation are the machine's. Nothing is answered before the store has said that it is so.

pub mod imap;
mod login;
pub mod pop3;
pub mod smtp;

use std::sync::{Arc, PoisonError, RwLock};

use posthaste_tokio::Shutdown;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Limits};
use crate::directory::Directory;
use crate::disk;
use crate::health::{LastLook, Ports};
use crate::index::Index;
use crate::store::{Maildrops, Store, StoreError};
use crate::tls::Keyring;
use crate::trace::Trace;

/// What all sessions share.
#[derive(Debug, Clone)]
pub struct Context {
    /// The configuration the server was started with.
    pub config: Arc<Config>,
    /// Who is who.
    pub directory: Directory,
    /// The mail.
    pub store: Arc<dyn Store>,
    /// What is in memory of mailboxes that are open.
    pub index: Index,
    /// Which POP3 session has which maildrop.
    pub maildrops: Maildrops,
    /// What became of each message.
    pub trace: Trace,
    /// The certificates.
    pub keyring: Keyring,
    /// Which ports are listened at.
    pub ports: Ports,
    /// Cancelled when the server is to stop.
    pub stop: CancellationToken,
    /// Whether the server could do its work when somebody last asked.
    pub last_look: LastLook,
    pop3_logins: pop3::LastLogins,
    limits: Arc<RwLock<Limits>>,
}

impl Context {
    /// What sessions of a server with this configuration share.
    pub fn new(
        config: Config,
        directory: Directory,
        store: Arc<dyn Store>,
        index: Index,
        trace: Trace,
        keyring: Keyring,
        stop: CancellationToken,
    ) -> Self {
        let limits = Arc::new(RwLock::new(config.limits.clone()));
        let maildrops = Maildrops::default();
        let pop3_logins = pop3::LastLogins::default();
        let (config, ports, last_look) = (Arc::new(config), Ports::default(), LastLook::default());
        Self {
            config,
            directory,
            store,
            index,
            maildrops,
            trace,
            keyring,
            ports,
            stop,
            last_look,
            pop3_logins,
            limits,
        }
    }

    /// The limits as they are now. A session keeps those it began with.
    pub fn limits(&self) -> Limits {
        self.limits.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Other limits, for sessions that begin from now on.
    pub fn set_limits(&self, limits: Limits) {
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// The end of the server, for one session.
    fn shutdown(&self) -> Shutdown {
        Shutdown::new(self.stop.clone())
    }

    /// Whether the disk has less room than is to be kept free, or would have with so many octets more.
    pub(crate) fn lacks_space_for(&self, octets: u64) -> bool {
        let wanted = self.limits().free_space.saturating_add(octets);
        disk::free(&self.config.data).is_some_and(|free| free < wanted)
    }
}

/// The store failed in the middle of something that cannot be taken back: the connection is cut.
fn cut(error: &StoreError) -> std::io::Error {
    std::io::Error::other(error.to_string())
}
