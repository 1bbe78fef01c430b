//! Administration: one service layer, whoever asks. The HTTP interface and the commands do nothing but bring
//! requests here and show answers.
//!
//! Each thing that can be done is an [`Operation`]: a typed request that is also its own description, and a typed
//! answer. Who may do what is decided here, in the operations, by the [`Principal`] that asks: the server's
//! administrators everything, those of a domain what is in it, users what is their own. [`routes`] lists all of them.
//!
//! The first administrator is made by [`setup`](administrators::setup): a name and a password that open the HTTP
//! interface and nothing else, without a mailbox, so that what reads mail and what rules the server are not one
//! password. An account can be given a [role](crate::directory::Role) besides.

pub mod accounts;
pub mod administrators;
pub mod app_passwords;
pub mod backups;
pub mod bans;
pub mod certificates;
pub mod classes;
pub mod csv;
pub mod domains;
pub mod http;
mod limits;
pub mod mail;
pub mod mailboxes;
pub mod names;
mod operation;
mod password;
mod principal;
mod problem;
mod token;
pub mod upkeep;
pub mod usage;

use std::path::PathBuf;
use std::sync::Arc;

pub use operation::{Method, Operation, Route, routes};
pub use password::Password;
pub use principal::Principal;
pub use problem::{Fault, Problem, ProblemKind};

use crate::config::Config;
use crate::directory::Directory;
use crate::store::{Maildrops, Progress, Store};
use crate::tls::Keyring;

/// What administration works on. Clones share it.
#[derive(Debug, Clone)]
pub struct Admin(Arc<Shared>, Option<Keyring>);

#[derive(Debug)]
struct Shared {
    directory: Directory,
    store: Arc<dyn Store>,
    maildrops: Maildrops,
    data: PathBuf,
    /// Octets of one message that the server takes.
    message_max: u64,
    /// Mail is brought in by one operation at a time.
    intake: tokio::sync::Mutex<()>,
    tokens: token::Tokens,
}

impl Admin {
    /// The administration of a server, or of a store that no server uses at the moment.
    pub fn new(directory: Directory, store: Arc<dyn Store>, maildrops: Maildrops, config: &Config) -> Self {
        let shared = Shared {
            directory,
            store,
            maildrops,
            data: config.data.clone(),
            message_max: config.limits.message_size,
            intake: tokio::sync::Mutex::default(),
            tokens: token::Tokens::default(),
        };
        Self(Arc::new(shared), None)
    }

    /// The same with the certificates of the server that runs.
    #[must_use]
    pub fn with_keyring(self, keyring: Keyring) -> Self {
        Self(self.0, Some(keyring))
    }

    /// Who is who.
    pub fn directory(&self) -> &Directory {
        &self.0.directory
    }

    /// Does an operation for whoever has the data directory, as a tool in the same process.
    ///
    /// # Errors
    ///
    /// It was not done.
    pub async fn ask<O: Operation>(&self, request: O) -> Result<O::Answer, Problem> {
        request.run(self, &Principal::Local, Progress::silent()).await
    }

    fn store(&self) -> &dyn Store {
        &*self.0.store
    }
}
