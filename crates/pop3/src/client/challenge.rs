//! The token of a SASL challenge (RFC 5034 4).

use posthaste_wire::{Misuse, Secret, Ticket};

use super::{Client, CommandId};

/// The server asks for a SASL response.
#[derive(Debug)]
#[must_use = "the server waits for the response"]
pub struct Challenge {
    pub(super) ticket: Ticket,
    pub(super) id: CommandId,
    pub(super) challenge: Secret,
}

impl Challenge {
    /// The command that logs in.
    pub const fn id(&self) -> CommandId {
        self.id
    }

    /// The challenge, decoded.
    pub const fn challenge(&self) -> &Secret {
        &self.challenge
    }

    /// Answers it.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`] when the token belongs to another client.
    pub fn respond(self, client: &mut Client, response: &Secret) -> Result<(), Misuse> {
        client.respond(self.ticket, Some(response))
    }

    /// Cancels the exchange. The server's negative answer follows as that to the command.
    ///
    /// # Errors
    ///
    /// As [`respond`](Self::respond).
    pub fn cancel(self, client: &mut Client) -> Result<(), Misuse> {
        client.respond(self.ticket, None)
    }
}
