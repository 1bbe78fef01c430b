//! The token of AUTH and its exchange of challenges and responses (RFC 5034 4).

use posthaste_wire::{Answer, Misuse, Secret, Ticket};

use super::machine::Phase;
use super::{Event, LoginRefusal, Maildrop, Server, Text};
use crate::{MechanismName, ResponseCode, Status, Verb, Violation, encode, parse};

/// The client begins to authenticate, or answers a challenge.
#[derive(Debug)]
#[must_use = "the client waits for the answer"]
pub struct Auth {
    ticket: Ticket,
    mechanism: MechanismName,
    start: bool,
    response: Option<Secret>,
}

impl Auth {
    /// The mechanism, in capitals: one of those that the configuration offers.
    pub fn mechanism(&self) -> &str {
        self.mechanism.as_str()
    }

    /// Whether this is the command itself. Then the response is the initial one.
    pub const fn is_start(&self) -> bool {
        self.start
    }

    /// What the client sent, decoded. `None` only at the start, where the client sent no initial response, which is
    /// not the same as an empty one.
    pub const fn response(&self) -> Option<&Secret> {
        self.response.as_ref()
    }

    /// Asks the client; what it says comes as the next [`Event::Auth`], or the exchange is
    /// [cancelled](Event::AuthCancelled).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`] when the token belongs to another server.
    pub fn challenge(self, server: &mut Server, challenge: &[u8]) -> Result<(), Misuse> {
        server.challenge(self.ticket, self.mechanism, challenge)
    }

    /// Lets the client in. The maildrop is locked for it by the application until the session ends.
    ///
    /// # Errors
    ///
    /// As [`challenge`](Self::challenge).
    pub fn accept(self, server: &mut Server, maildrop: Maildrop) -> Result<(), Misuse> {
        server.accept_login(self.ticket, maildrop)
    }

    /// Keeps the client out.
    ///
    /// # Errors
    ///
    /// As [`challenge`](Self::challenge).
    pub fn reject(self, server: &mut Server, refusal: LoginRefusal) -> Result<(), Misuse> {
        server.reject_login(self.ticket, refusal)
    }

    /// Refuses what is no message of the mechanism, or comes where the mechanism has none (RFC 5034 4): -ERR without
    /// `[AUTH]`, as it says nothing of the user. Counts as [`reject`](Self::reject) does.
    ///
    /// # Errors
    ///
    /// As [`challenge`](Self::challenge).
    pub fn malformed(self, server: &mut Server) -> Result<(), Misuse> {
        server.refuse_login(self.ticket, None, Text::MalformedResponse)
    }
}

impl Server {
    pub(super) fn auth(&mut self, mechanism: MechanismName, response: Option<Secret>) -> Option<Event> {
        if !self.takes_credentials_for(Verb::Auth) {
            return None;
        }
        if !self.config.mechanisms.contains(&mechanism) {
            let violation = Violation::NotOffered { verb: Verb::Auth };
            self.violate(violation, Text::MechanismNotOffered);
            return None;
        }
        self.auth_steps = 0;
        Some(Event::Auth(Auth { ticket: self.tickets.issue(), mechanism, start: true, response }))
    }

    /// The line behind a challenge.
    pub(super) fn handle_response(&mut self, line: &[u8]) -> Option<Event> {
        let Phase::Response(mechanism) = core::mem::replace(&mut self.phase, Phase::Command) else {
            return None;
        };
        if line == b"*" {
            self.cancel_auth();
            self.err(Text::AuthCancelled);
            return None;
        }
        let Ok(response) = parse::base64(line) else {
            self.cancel_auth();
            self.violate(Violation::Base64, Text::BadBase64);
            return None;
        };
        let ticket = self.tickets.issue();
        Some(Event::Auth(Auth { ticket, mechanism, start: false, response: Some(response) }))
    }

    pub(super) fn cancel_auth(&mut self) {
        self.phase = Phase::Command;
        self.events.push_back(Event::AuthCancelled);
    }

    fn challenge(
        &mut self,
        ticket: Ticket,
        mechanism: MechanismName,
        challenge: &[u8],
    ) -> Result<(), Misuse> {
        if let Answer::Late = self.tickets.redeem(ticket)? {
            return Ok(());
        }
        if self.auth_steps >= self.config.limits.auth_steps_max {
            self.say(Status::Err, Some(ResponseCode::SysPerm), Text::AuthTooLong);
            self.cancel_auth();
            return Ok(());
        }
        self.auth_steps = self.auth_steps.saturating_add(1);
        self.out.put(b"+ ");
        self.out.push_secret(encode::response(&Secret::from(challenge)));
        self.phase = Phase::Response(mechanism);
        Ok(())
    }
}
