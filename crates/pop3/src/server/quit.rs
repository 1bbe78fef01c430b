//! The token of QUIT in a session with a maildrop: the update (RFC 1939 6).

use alloc::vec::Vec;

use posthaste_wire::{Misuse, Ticket};

use super::Server;

/// The client ends the session. What it marked is removed now, durably, before the answer.
#[derive(Debug)]
#[must_use = "the client waits for the answer"]
pub struct Quit {
    pub(super) ticket: Ticket,
    pub(super) deleted: Vec<usize>,
}

impl Quit {
    /// The messages to remove: their positions in [`Maildrop::messages`](super::Maildrop), ascending.
    pub fn deleted(&self) -> &[usize] {
        &self.deleted
    }

    /// All of them are removed.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`] when the token belongs to another server.
    pub fn done(self, server: &mut Server) -> Result<(), Misuse> {
        server.farewell(self.ticket, "+OK bye")
    }

    /// Some of them, or none, are removed.
    ///
    /// # Errors
    ///
    /// As [`done`](Self::done).
    pub fn failed(self, server: &mut Server) -> Result<(), Misuse> {
        server.farewell(self.ticket, "-ERR [SYS/TEMP] some deleted messages were not removed")
    }
}
