//! The AUTH exchange (RFC 4954) and its token. The mechanism itself is the application's.
//!
//! Whatever is secret leaves as a [`Secret`] and is wiped behind itself.

use alloc::vec;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use posthaste_wire::{Answer, Misuse, Secret, Ticket};

use super::machine::Expect;
use super::{Client, Event};
use crate::parse::command::base64;
use crate::{Mechanism, ProtocolError, Rejection, Reply};

/// Token: the server wants more from the mechanism.
#[derive(Debug)]
#[must_use = "the server waits for a response"]
pub struct Challenge {
    ticket: Ticket,
    challenge: Secret,
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
    /// [`Misuse::Argument`] when the line would be over [`Limits::auth_line_max`](crate::Limits::auth_line_max)
    /// (RFC 4954 4): the exchange is cancelled. [`Misuse::WrongConnection`].
    #[expect(clippy::needless_pass_by_value, reason = "a response is used once")]
    pub fn respond(self, client: &mut Client, response: Secret) -> Result<(), Misuse> {
        if client.redeem(self.ticket)? == Answer::Late {
            return Ok(());
        }
        if client.fits_line(&response) {
            client.respond(&response);
            Ok(())
        } else {
            client.cancel_auth();
            Err(Misuse::Argument { argument: "response", problem: "is too long for a line" })
        }
    }

    /// Gives up; [`Event::AuthRefused`] follows.
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

impl Client {
    pub(super) fn begin_auth(&mut self, mechanism: &Mechanism, initial: Option<Secret>) {
        let start = [b"AUTH ", mechanism.as_str().as_bytes()];
        let encoded = initial.as_ref().map_or(0, |initial| encoded_octets(initial).max(1).saturating_add(1));
        let octets = "AUTH \r\n".len().saturating_add(mechanism.as_str().len()).saturating_add(encoded);
        let line = match initial {
            // RFC 4954 4: a command line has no more octets than any other.
            Some(initial) if octets > COMMAND_MAX => {
                self.initial = Some(initial);
                line(&start, None)
            }
            Some(initial) if initial.is_empty() => line(&[start.concat().as_slice(), b" ="], None),
            Some(initial) => line(&[start.concat().as_slice(), b" "], Some(&initial)),
            None => line(&start, None),
        };
        self.auth_line(line);
    }

    /// A line of the exchange from the server.
    pub(super) fn challenge(&mut self, text: &[u8]) {
        match (base64(text), self.initial.take()) {
            // RFC 4954 4: what cannot be decoded is cancelled.
            (None, _) => self.cancel_auth(),
            (Some(challenge), Some(initial)) if challenge.is_empty() => self.respond(&initial),
            // Where the client speaks first, the server has nothing to say.
            (Some(_), Some(_)) => self.cancel_auth(),
            (Some(challenge), None) => {
                let ticket = self.issue();
                self.events.push_back(Event::Challenge(Challenge { ticket, challenge }));
            }
        }
    }

    pub(super) fn auth_answered(&mut self, reply: Reply) {
        self.initial = None;
        if reply.is_completed() {
            self.authenticated = true;
            self.events.push_back(Event::Authenticated);
        } else if let Ok(rejection) = Rejection::try_from(reply.clone()) {
            self.events.push_back(Event::AuthRefused(rejection));
        } else {
            self.fail(ProtocolError::UnexpectedReply(reply));
        }
    }

    /// Whether a response has room in a line of the exchange.
    pub(super) fn fits_line(&self, response: &Secret) -> bool {
        encoded_octets(response).saturating_add(2) <= self.config.limits.auth_line_max
    }

    fn respond(&mut self, response: &Secret) {
        self.auth_line(line(&[], Some(response)));
    }

    fn cancel_auth(&mut self) {
        self.auth_line(line(&[b"*"], None));
    }

    fn auth_line(&mut self, line: Secret) {
        // An answer that is there already answers something else.
        if self.receive.is_empty() {
            self.send.push_secret(line);
            self.expected.push_back(Expect::Auth);
        }
        self.arm();
        self.now_is_old = true;
    }
}

/// How many octets of base64 a response is.
fn encoded_octets(response: &Secret) -> usize {
    response.len().div_ceil(3).saturating_mul(4)
}

/// A line of `start` and the base64 of `response`, in one buffer that does not grow: growing leaves copies.
fn line(start: &[&[u8]], response: Option<&Secret>) -> Secret {
    let encoded = response.map_or(0, encoded_octets);
    let before = start.iter().map(|piece| piece.len()).fold(0, usize::saturating_add);
    let mut line = vec![0; before.saturating_add(encoded).saturating_add(2)];
    let (head, rest) = line.split_at_mut_checked(before).unwrap_or((&mut [], &mut []));
    head.copy_from_slice(&start.concat());
    if let (Some(response), Some(room)) = (response, rest.get_mut(..encoded)) {
        // The room is exactly what base64 with padding needs.
        let _ = STANDARD.encode_slice(response.expose(), room);
    }
    if let Some(end) = rest.get_mut(encoded..) {
        end.copy_from_slice(b"\r\n");
    }
    Secret::new(line)
}

/// The longest command line, CR LF included (RFC 5321 4.5.3.1.4).
const COMMAND_MAX: usize = 512;
