//! One loop per protocol: events of a machine in, calls on directory and store, answers out.
//!
//! A session decides what the server does with what a machine asks; the grammar, the order of commands and every
//! limit of the conversation are the machine's. Nothing is answered before the store has said that it is so.

pub mod imap;
mod login;
pub mod pop3;
pub mod smtp;

use std::sync::Arc;

use posthaste_tokio::Shutdown;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::directory::Directory;
use crate::store::{Store, StoreError};

/// What all sessions share.
#[derive(Debug, Clone)]
pub struct Context {
    /// The configuration.
    pub config: Arc<Config>,
    /// Who is who.
    pub directory: Directory,
    /// The mail.
    pub store: Store,
    /// Cancelled when the server is to stop.
    pub stop: CancellationToken,
}

impl Context {
    /// The end of the server, for one session.
    fn shutdown(&self) -> Shutdown {
        Shutdown::new(self.stop.clone())
    }
}

/// The store failed in the middle of something that cannot be taken back: the connection is cut.
fn cut(error: &StoreError) -> std::io::Error {
    std::io::Error::other(error.to_string())
}
