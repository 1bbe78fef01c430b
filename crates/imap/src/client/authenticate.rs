//! AUTHENTICATE: challenges and responses (RFC 9051 6.2.2, RFC 4959). The mechanism is the application's.

use crate::client::pieces::sasl_line;
use crate::client::queue::Sending;
use crate::client::{Client, CommandId, Event, ProtocolError, Violation};
use crate::parse;
use crate::types::SaslResponse;
use posthaste_wire::{Answer, Misuse, Secret, Ticket};

/// A challenge of the server. Nothing more is read until it is answered.
#[derive(Debug)]
#[must_use = "the server waits for a response"]
pub struct Challenge {
    id: CommandId,
    data: Secret,
    ticket: Ticket,
}

impl Challenge {
    /// The AUTHENTICATE it belongs to.
    pub const fn id(&self) -> CommandId {
        self.id
    }

    /// The challenge, decoded; often empty at the start.
    pub const fn data(&self) -> &Secret {
        &self.data
    }

    /// Sends a response. Does nothing once the conversation has ended.
    ///
    /// # Errors
    /// [`Misuse::WrongConnection`].
    pub fn respond(self, client: &mut Client, response: Secret) -> Result<(), Misuse> {
        self.answer(client, &SaslResponse::Data(response))
    }

    /// Gives up. The server answers with BAD (RFC 9051 6.2.2), which comes as [`Event::Done`].
    ///
    /// # Errors
    /// [`Misuse::WrongConnection`].
    pub fn cancel(self, client: &mut Client) -> Result<(), Misuse> {
        self.answer(client, &SaslResponse::Cancel)
    }

    fn answer(self, client: &mut Client, response: &SaslResponse) -> Result<(), Misuse> {
        if client.challenges.redeem(self.ticket)? == Answer::InTime {
            client.send_sasl(response);
            client.watch();
        }
        Ok(())
    }
}

impl Client {
    /// Takes a challenge: answers it with the initial response where that is still due, or hands it out.
    pub(crate) fn challenged(
        &mut self,
        serial: u64,
        initial: Option<Secret>,
        text: &[u8],
    ) -> Result<(), ProtocolError> {
        self.sending = Some((serial, Sending::Authenticate { initial: None }));
        if let Some(initial) = initial {
            self.mark_sent(serial);
            self.send_sasl(&SaslResponse::Data(initial));
            return Ok(());
        }
        let mut running = self.running.iter_mut().find(|running| running.serial == serial);
        if let Some(running) = &mut running {
            // It understood the command: a BAD from here on is not about its form.
            running.repeatable = None;
        }
        match (parse::authenticate::sasl_challenge(text), running.and_then(|running| running.id)) {
            (Ok(data), Some(id)) => {
                let ticket = self.challenges.issue();
                self.events.push_back(Event::Challenge(Challenge { id, data, ticket }));
                Ok(())
            }
            _ => {
                self.send_sasl(&SaslResponse::Cancel);
                self.violation(Violation::BadChallenge)
            }
        }
    }

    fn send_sasl(&mut self, response: &SaslResponse) {
        match response {
            SaslResponse::Data(data) => self.send.push_secret(sasl_line(&[], data)),
            SaslResponse::Cancel => self.send.put(b"*\r\n"),
        }
    }
}
