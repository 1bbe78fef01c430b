//! When what was asked for is sent, and in which form.

use bytes::BytesMut;
use posthaste_wire::{Answer, Misuse, Secret, Ticket};

use super::machine::{Due, Queued, Reading, Stage};
use super::{ApopChallenge, Client, CommandId, Event, NotSent, Timer};
use crate::session::State;
use crate::{ApopDigest, ApopTimestamp, Command, MechanismName, Password, UserName, encode};

impl Client {
    pub(super) fn send_what_may_be_sent(&mut self) {
        while self.stage == Stage::Ready && self.end.is_none() && !self.tickets.is_open() {
            // One at a time, unless the server says that it reads ahead (RFC 2449 6.6). Logging in is always one at a
            // time: what follows depends on the answer.
            let is_open = self.state != State::Authorization && self.capabilities.has("PIPELINING");
            let window = if is_open { self.config.limits.pipeline_max.max(1) } else { 1 };
            let is_busy = !self.due.is_empty() || !matches!(self.reading, Reading::Reply);
            if self.due.len() >= window || (window == 1 && is_busy) {
                return;
            }
            let Some((id, queued)) = self.queue.pop_front() else { return };
            self.send_queued(id, queued);
        }
    }

    fn send_queued(&mut self, id: CommandId, queued: Queued) {
        match queued {
            Queued::Command(command) => {
                if command == Command::Quit {
                    self.state = self.state.quit();
                }
                let due = Due::Command(id, command.clone());
                self.send(&command, due);
            }
            Queued::UserPass { user, password } => {
                let is_ascii = user.as_str().is_ascii() && password.secret().expose().is_ascii();
                if is_ascii || self.capabilities.takes_utf8_names() {
                    self.send(&Command::User(user), Due::User(id, password));
                } else {
                    self.not_sent(id, NotSent::Utf8NamesNotOffered);
                }
            }
            Queued::Apop { user } => self.ask_for_digest(id, user),
            Queued::Sasl { mechanism, initial } => self.send_auth(id, mechanism, initial),
        }
    }

    pub(super) fn send_password(&mut self, id: CommandId, password: Password) {
        self.send(&Command::Pass(password), Due::Login(id));
    }

    fn ask_for_digest(&mut self, id: CommandId, user: UserName) {
        let greeting = self.greeting.as_ref().and_then(|greeting| ApopTimestamp::find(greeting.text()));
        let Some(timestamp) = greeting else { return self.not_sent(id, NotSent::ApopNotOffered) };
        if !user.as_str().is_ascii() && !self.capabilities.takes_utf8_names() {
            return self.not_sent(id, NotSent::Utf8NamesNotOffered);
        }
        let ticket = self.tickets.issue();
        self.events.push_back(Event::Apop(ApopChallenge { ticket, id, user, timestamp }));
    }

    fn send_auth(&mut self, id: CommandId, mechanism: MechanismName, initial: Option<Secret>) {
        let with = Command::Auth { mechanism: mechanism.clone(), initial: initial.clone() };
        // The base64 of an initial response, a space before it.
        let extra = initial.as_ref().map_or(0, |initial| initial.len().div_ceil(3).saturating_mul(4).max(1));
        let length = "AUTH  \r\n".len().saturating_add(mechanism.as_str().len()).saturating_add(extra);
        if length <= COMMAND_MAX && self.capabilities.has("SASL") {
            self.send(&with, Due::Auth(id, None));
        } else {
            // RFC 5034 3 and 4: a server that does not say that it knows initial responses gets none, and one that is too
            // long for the command waits for an empty challenge.
            self.send(&Command::Auth { mechanism, initial: None }, Due::Auth(id, initial));
        }
    }

    fn not_sent(&mut self, id: CommandId, reason: NotSent) {
        self.logging_in = false;
        self.events.push_back(Event::NotSent { id, reason });
    }

    pub(super) fn send(&mut self, command: &Command, due: Due) {
        match command {
            Command::Pass(_) | Command::Apop { .. } | Command::Auth { .. } => {
                self.out.push_secret(encode::secret_command(command));
            }
            command => self.out.encode(|out: &mut BytesMut| encode::command(command, out)),
        }
        self.expect_an_answer();
        self.due.push_back(due);
    }

    /// What a [`Challenge`](super::Challenge) was answered with; `None` to cancel.
    pub(super) fn respond(&mut self, ticket: Ticket, response: Option<&Secret>) -> Result<(), Misuse> {
        if let Answer::InTime = self.tickets.redeem(ticket)? {
            self.say_response(response);
            self.arm();
            self.armed_blindly = true;
        }
        Ok(())
    }

    /// What an [`ApopChallenge`] was answered with; `None` to cancel.
    pub(super) fn respond_apop(
        &mut self,
        ticket: Ticket,
        id: CommandId,
        answer: Option<(UserName, ApopDigest)>,
    ) -> Result<(), Misuse> {
        if let Answer::InTime = self.tickets.redeem(ticket)? {
            match answer {
                Some((name, digest)) => self.send(&Command::Apop { name, digest }, Due::Login(id)),
                None => self.logging_in = false,
            }
        }
        Ok(())
    }

    pub(super) fn say_response(&mut self, response: Option<&Secret>) {
        match response {
            Some(response) => self.out.push_secret(encode::response(response)),
            None => self.out.put(b"*\r\n"),
        }
    }

    pub(super) fn expect_an_answer(&mut self) {
        if self.timers.deadline(Timer::Reply).is_none() {
            self.arm();
            self.armed_blindly = true;
        }
    }
}

/// RFC 2449 4: a command with its arguments and CR LF.
const COMMAND_MAX: usize = 255;
