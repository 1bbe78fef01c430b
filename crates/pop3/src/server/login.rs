//! The tokens of logging in: USER with PASS, and AUTH with its challenges (RFC 1939 7, RFC 5034).

use posthaste_wire::{Answer, Misuse, Secret, Ticket};

use super::maildrop::Marked;
use super::{Event, Maildrop, Phase, Server, Timer, UserPass};
use crate::{MechanismName, Password, UserName, Verb, Violation, encode, parse};

/// Why a login is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginRefusal {
    /// The credentials are wrong, whichever part of them: `[AUTH]`, always in the same words.
    Credentials,
    /// Another session has the maildrop: `[IN-USE]`.
    InUse,
    /// The server cannot check or open it now: `[SYS/TEMP]`.
    Temporary,
    /// The server cannot check or open it until a person acts: `[SYS/PERM]`.
    Permanent,
}

/// A user name and a password to verify.
#[derive(Debug)]
#[must_use = "the client waits for the answer"]
pub struct Login {
    pub(super) ticket: Ticket,
    pub(super) user: UserName,
    pub(super) password: Password,
}

impl Login {
    /// Whose maildrop.
    pub const fn user(&self) -> &UserName {
        &self.user
    }

    /// The password.
    pub const fn password(&self) -> &Secret {
        self.password.secret()
    }

    /// Lets the client in. The maildrop is locked for it by the application until the session ends.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`] when the token belongs to another server.
    pub fn accept(self, server: &mut Server, maildrop: Maildrop) -> Result<(), Misuse> {
        server.accept_login(self.ticket, maildrop)
    }

    /// Keeps the client out.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub fn reject(self, server: &mut Server, refusal: LoginRefusal) -> Result<(), Misuse> {
        server.reject_login(self.ticket, refusal)
    }
}

/// The start of a SASL exchange.
#[derive(Debug)]
#[must_use = "the client waits for the answer"]
pub struct Auth {
    pub(super) ticket: Ticket,
    pub(super) mechanism: MechanismName,
    pub(super) initial: Option<Secret>,
}

impl Auth {
    /// The mechanism, in capitals: one of those that the configuration offers.
    pub fn mechanism(&self) -> &str {
        self.mechanism.as_str()
    }

    /// The initial response, decoded. An empty one is not the same as none.
    pub const fn initial_response(&self) -> Option<&Secret> {
        self.initial.as_ref()
    }

    /// Asks the client; what it says comes as [`AuthResponse`] or as a cancelled exchange.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`] when the token belongs to another server.
    pub fn challenge(self, server: &mut Server, challenge: &[u8]) -> Result<(), Misuse> {
        server.challenge(self.ticket, challenge)
    }

    /// Lets the client in, as [`Login::accept`] does.
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
}

/// What the client says to a challenge.
#[derive(Debug)]
#[must_use = "the client waits for the answer"]
pub struct AuthResponse {
    pub(super) ticket: Ticket,
    pub(super) response: Secret,
}

impl AuthResponse {
    /// The response, decoded.
    pub const fn response(&self) -> &Secret {
        &self.response
    }

    /// Asks again.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`] when the token belongs to another server.
    pub fn challenge(self, server: &mut Server, challenge: &[u8]) -> Result<(), Misuse> {
        server.challenge(self.ticket, challenge)
    }

    /// Lets the client in, as [`Login::accept`] does.
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
}

impl Server {
    /// USER: the name is only remembered; whether it exists shows, to nobody, with the password.
    pub(super) fn user(&mut self, name: UserName) {
        if self.may_log_in(Verb::User) {
            self.user = Some(name);
            self.say("+OK send PASS");
        }
    }

    pub(super) fn pass(&mut self, user: Option<UserName>, password: Password) -> Option<Event> {
        if !self.may_log_in(Verb::Pass) {
            return None;
        }
        let Some(user) = user else {
            self.violate(Violation::PassWithoutUser, "-ERR USER first");
            return None;
        };
        Some(Event::Login(Login { ticket: self.tickets.issue(), user, password }))
    }

    pub(super) fn auth(&mut self, mechanism: MechanismName, initial: Option<Secret>) -> Option<Event> {
        if !self.may_log_in(Verb::Auth) {
            return None;
        }
        if !self.config.mechanisms.contains(&mechanism) {
            let violation = Violation::NotOffered { verb: Verb::Auth };
            self.violate(violation, "-ERR mechanism is not offered");
            return None;
        }
        Some(Event::Auth(Auth { ticket: self.tickets.issue(), mechanism, initial }))
    }

    /// The line behind a challenge.
    pub(super) fn handle_response(&mut self, line: &[u8]) -> Option<Event> {
        if line == b"*" {
            self.cancel_auth();
            self.say("-ERR authentication cancelled");
            return None;
        }
        let Ok(response) = parse::base64(line) else {
            self.cancel_auth();
            self.violate(Violation::Base64, "-ERR base64 is malformed");
            return None;
        };
        self.phase = Phase::Command;
        Some(Event::AuthResponse(AuthResponse { ticket: self.tickets.issue(), response }))
    }

    pub(super) fn cancel_auth(&mut self) {
        self.phase = Phase::Command;
        self.events.push_back(Event::AuthCancelled);
    }

    fn challenge(&mut self, ticket: Ticket, challenge: &[u8]) -> Result<(), Misuse> {
        if let Answer::InTime = self.tickets.redeem(ticket)? {
            self.out.encode(|out| {
                out.extend_from_slice(b"+ ");
                encode::base64(&Secret::from(challenge), out);
                out.extend_from_slice(b"\r\n");
            });
            self.phase = Phase::Response;
        }
        Ok(())
    }

    fn accept_login(&mut self, ticket: Ticket, maildrop: Maildrop) -> Result<(), Misuse> {
        if let Answer::InTime = self.tickets.redeem(ticket)? {
            self.state = self.state.logged_in();
            self.maildrop = Some(Marked::new(maildrop));
            self.violations = 0;
            self.timers.disarm(Timer::Login);
            self.timers.arm(Timer::Idle, self.now, self.config.limits.idle_timeout);
            let (count, octets) = self.count();
            self.say_format(format_args!("+OK {count} messages ({octets} octets)"));
        }
        Ok(())
    }

    fn reject_login(&mut self, ticket: Ticket, refusal: LoginRefusal) -> Result<(), Misuse> {
        if let Answer::InTime = self.tickets.redeem(ticket)? {
            self.say(match refusal {
                LoginRefusal::Credentials => "-ERR [AUTH] user name or password is wrong",
                LoginRefusal::InUse => "-ERR [IN-USE] another session has the maildrop",
                LoginRefusal::Temporary => "-ERR [SYS/TEMP] logging in is not possible now",
                LoginRefusal::Permanent => "-ERR [SYS/PERM] logging in is not possible",
            });
            self.refused_logins = self.refused_logins.saturating_add(1);
            if self.refused_logins >= self.config.limits.logins_max {
                self.close();
            }
        }
        Ok(())
    }

    /// Whether this way of logging in is open; answers when it is not. What the client sent is dropped unseen.
    fn may_log_in(&mut self, verb: Verb) -> bool {
        if !self.takes_credentials() {
            self.violate(Violation::PrivacyRequired { verb }, "-ERR use TLS before logging in");
            return false;
        }
        if verb != Verb::Auth && self.config.user_pass == UserPass::Refused {
            self.violate(Violation::NotOffered { verb }, "-ERR USER and PASS are not offered");
            return false;
        }
        true
    }
}
