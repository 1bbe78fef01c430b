//! The token of STLS (RFC 2595 4).

use posthaste_wire::{Misuse, Ticket};

use super::Server;

/// The client wants to move to TLS.
#[derive(Debug)]
#[must_use = "the client waits for the answer"]
pub struct StartTls {
    pub(super) ticket: Ticket,
}

impl StartTls {
    /// Agrees. [`Step::Upgrade`](crate::Step::Upgrade) follows.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`] when the token belongs to another server.
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        server.accept_tls(self.ticket)
    }

    /// Declines: there is no TLS just now.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub fn reject(self, server: &mut Server) -> Result<(), Misuse> {
        server.refuse(self.ticket, "-ERR [SYS/TEMP] TLS is not available now")
    }
}
