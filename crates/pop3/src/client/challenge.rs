//! The tokens of a login that asks back: a SASL challenge (RFC 5034 4), and APOP's timestamp (RFC 1939 7).

use posthaste_wire::{Misuse, Secret, Ticket};

use super::{Client, CommandId};
use crate::{ApopDigest, ApopTimestamp, UserName};

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

/// The digest for APOP is asked for.
#[derive(Debug)]
#[must_use = "the login waits for the digest"]
pub struct ApopChallenge {
    pub(super) ticket: Ticket,
    pub(super) id: CommandId,
    pub(super) user: UserName,
    pub(super) timestamp: ApopTimestamp,
}

impl ApopChallenge {
    /// The command that logs in.
    pub const fn id(&self) -> CommandId {
        self.id
    }

    /// The timestamp of the greeting, angle brackets included: the digest is the MD5 of it with the password right
    /// behind it.
    pub const fn timestamp(&self) -> &ApopTimestamp {
        &self.timestamp
    }

    /// Logs in with the digest.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`] when the token belongs to another client.
    pub fn respond(self, client: &mut Client, digest: ApopDigest) -> Result<(), Misuse> {
        client.respond_apop(self.ticket, self.id, Some((self.user, digest)))
    }

    /// Gives up. Nothing was sent and no answer follows; another way to log in can be taken.
    ///
    /// # Errors
    ///
    /// As [`respond`](Self::respond).
    pub fn cancel(self, client: &mut Client) -> Result<(), Misuse> {
        client.respond_apop(self.ticket, self.id, None)
    }
}
