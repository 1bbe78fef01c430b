//! The token of an AUTH exchange (RFC 4954). The mechanism itself is the application's.

use posthaste_wire::{Answer, Misuse, Secret, Ticket};

use super::Client;

/// Token: the server wants more from the mechanism.
#[derive(Debug)]
#[must_use = "the server waits for a response"]
pub struct Challenge {
    pub(super) ticket: Ticket,
    pub(super) challenge: Secret,
}

impl Challenge {
    /// What the server sent, without base64; may be empty.
    pub const fn challenge(&self) -> &Secret {
        &self.challenge
    }

    /// Answers.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    #[expect(clippy::needless_pass_by_value, reason = "a response is used once")]
    pub fn respond(self, client: &mut Client, response: Secret) -> Result<(), Misuse> {
        if client.redeem(self.ticket)? == Answer::InTime {
            client.respond(&response);
        }
        Ok(())
    }

    /// Gives up; [`Event::AuthRefused`](super::Event::AuthRefused) follows.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn cancel(self, client: &mut Client) -> Result<(), Misuse> {
        if client.redeem(self.ticket)? == Answer::InTime {
            client.cancel_auth();
        }
        Ok(())
    }
}
