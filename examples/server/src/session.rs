//! One loop per protocol: events of a machine in, calls on directory and store, answers out.
//!
//! A session decides what the server does with what a machine asks; the grammar, the order of commands and every
//! limit of the conversation are the machine's. Nothing is answered before the store has said that it is so.

pub mod imap;
mod login;
pub mod pop3;
pub mod smtp;
mod space;

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use posthaste_tokio::{SharedLimits, Shutdown};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Limits};
use crate::directory::Directory;
use crate::greylist::Greylist;
use crate::health::{LastLook, Ports};
use crate::index::Index;
use crate::store::{Maildrops, Store, StoreError};
use crate::tls::Keyring;
use crate::trace::Trace;
use space::Space;

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
    /// Whose mail waits until it is tried again.
    pub greylist: Greylist,
    /// The certificates.
    pub keyring: Keyring,
    /// Which ports are listened at.
    pub ports: Ports,
    /// Cancelled when the server is to stop.
    pub stop: CancellationToken,
    /// Whether the server could do its work when somebody last asked.
    pub last_look: LastLook,
    pop3_logins: pop3::LastLogins,
    space: Space,
    limits: Arc<RwLock<Limits>>,
    /// What the services compare their connections with.
    admitting: Arc<Mutex<Vec<SharedLimits>>>,
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
        let greylist = Greylist::open(&config.data, config.greylist_policy());
        let maildrops = Maildrops::default();
        let (pop3_logins, space) = (pop3::LastLogins::default(), Space::default());
        let (config, ports, last_look) = (Arc::new(config), Ports::default(), LastLook::default());
        Self {
            config,
            directory,
            store,
            index,
            maildrops,
            trace,
            greylist,
            keyring,
            ports,
            stop,
            last_look,
            pop3_logins,
            space,
            limits,
            admitting: Arc::default(),
        }
    }

    /// The limits as they are now. A session keeps those it began with.
    pub fn limits(&self) -> Limits {
        self.limits.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Other limits, for sessions that begin from now on. Who is connected stays so, also beyond a number that is lower.
    pub fn set_limits(&self, limits: Limits) {
        // Held meanwhile, so that a service that begins gets these or is among those that are told.
        let services = self.admitting.lock().unwrap_or_else(PoisonError::into_inner);
        for service in services.iter() {
            service.change(|of_service| admit(&limits, of_service));
        }
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// The limits of a service, with as many connections as there may be, also when that changes.
    pub(crate) fn admitting(&self, mut of_service: posthaste_tokio::Limits) -> SharedLimits {
        let mut services = self.admitting.lock().unwrap_or_else(PoisonError::into_inner);
        admit(&self.limits(), &mut of_service);
        let shared = SharedLimits::new(of_service);
        services.push(shared.clone());
        shared
    }

    /// The end of the server, for one session.
    fn shutdown(&self) -> Shutdown {
        Shutdown::new(self.stop.clone())
    }

    /// Whether a disk that takes mail has less room than is to be kept free, or would have with so many octets more. If
    /// not, they are taken for let in.
    pub(crate) fn lacks_space_for(&self, octets: u64) -> bool {
        let kept = self.limits().free_space;
        !self.space.takes(octets, kept, Instant::now(), || self.store.free_space())
    }
}

/// How many connections a service has.
fn admit(limits: &Limits, of_service: &mut posthaste_tokio::Limits) {
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    of_service.connections_max = count(limits.connections);
    of_service.per_network_max = count(limits.connections_per_ip);
}

/// The store failed in the middle of something that cannot be taken back: the connection is cut.
fn cut(error: &StoreError) -> std::io::Error {
    std::io::Error::other(error.to_string())
}
