//! The tokens of logging in with USER and PASS, and with APOP (RFC 1939 7), and what every login ends in.

use posthaste_wire::{Answer, Misuse, Secret, Ticket};

use super::maildrop::Marked;
use super::{AuthPrivacy, Event, Maildrop, Server, Text, Timer, UserPass, Utf8Offer};
use crate::{ApopDigest, Password, ResponseCode, Status, UserName, Utf8Names, Verb, Violation};

/// Why a login is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginRefusal {
    /// The credentials are wrong, whichever part of them: `[AUTH]`, always in the same words.
    Credentials,
    /// Another session has the maildrop: `[IN-USE]`.
    InUse,
    /// The last login is too short a time ago, by the LOGIN-DELAY that is announced: `[LOGIN-DELAY]`.
    TooSoon,
    /// The server cannot check or open it now: `[SYS/TEMP]`.
    Temporary,
    /// The server cannot check or open it until a person acts: `[SYS/PERM]`.
    Permanent,
}

impl LoginRefusal {
    const fn words(self) -> (ResponseCode, Text) {
        match self {
            Self::Credentials => (ResponseCode::Auth, Text::WrongCredentials),
            Self::InUse => (ResponseCode::InUse, Text::InUse),
            Self::TooSoon => (ResponseCode::LoginDelay, Text::TooSoon),
            Self::Temporary => (ResponseCode::SysTemp, Text::LoginTemporary),
            Self::Permanent => (ResponseCode::SysPerm, Text::LoginPermanent),
        }
    }
}

/// A user name and a password to verify.
#[derive(Debug)]
#[must_use = "the client waits for the answer"]
pub struct Login {
    ticket: Ticket,
    user: UserName,
    password: Password,
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

/// A user name and the digest of the greeting's timestamp and the user's password, to verify.
#[derive(Debug)]
#[must_use = "the client waits for the answer"]
pub struct Apop {
    ticket: Ticket,
    user: UserName,
    digest: ApopDigest,
}

impl Apop {
    /// Whose maildrop.
    pub const fn user(&self) -> &UserName {
        &self.user
    }

    /// 32 hexadecimal digits in lower case. To be compared as a [`Secret`] with what MD5 makes of the timestamp in the
    /// configuration with the password right behind it.
    pub const fn digest(&self) -> &Secret {
        self.digest.secret()
    }

    /// Lets the client in, as [`Login::accept`] does.
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

impl Server {
    /// USER: the name is only remembered; whether it exists shows, to nobody, with the password.
    pub(super) fn user(&mut self, name: UserName) {
        if self.offers_user_pass(Verb::User) {
            self.user = Some(name);
            self.ok(Text::SendPass);
        }
    }

    pub(super) fn pass(&mut self, user: Option<UserName>, password: Password) -> Option<Event> {
        if !self.offers_user_pass(Verb::Pass) {
            return None;
        }
        let Some(user) = user else {
            self.violate(Violation::PassWithoutUser, Text::UserFirst);
            return None;
        };
        if self.config.utf8 == Utf8Offer::Offered(Utf8Names::Taken)
            && core::str::from_utf8(password.secret().expose()).is_err()
        {
            self.violate(Violation::NotUtf8 { verb: Verb::Pass }, Text::NotUtf8);
            return None;
        }
        Some(Event::Login(Login { ticket: self.tickets.issue(), user, password }))
    }

    pub(super) fn apop(&mut self, user: UserName, digest: ApopDigest) -> Option<Event> {
        if self.config.apop.is_none() {
            self.violate(Violation::NotOffered { verb: Verb::Apop }, Text::ApopNotOffered);
            return None;
        }
        if !self.takes_credentials_for(Verb::Apop) {
            return None;
        }
        Some(Event::Apop(Apop { ticket: self.tickets.issue(), user, digest }))
    }

    pub(super) fn accept_login(&mut self, ticket: Ticket, maildrop: Maildrop) -> Result<(), Misuse> {
        if let Answer::InTime = self.tickets.redeem(ticket)? {
            self.state = self.state.logged_in();
            self.maildrop = Some(Marked::new(maildrop));
            self.violations = 0;
            self.junk_commands = 0;
            self.timers.disarm(Timer::Login);
            self.timers.arm(Timer::Command, self.now, self.config.limits.command_timeout);
            self.say_count();
        }
        Ok(())
    }

    pub(super) fn reject_login(&mut self, ticket: Ticket, refusal: LoginRefusal) -> Result<(), Misuse> {
        let (code, text) = refusal.words();
        self.refuse_login(ticket, Some(code), text)
    }

    /// Refuses, and counts it as a failed login.
    pub(super) fn refuse_login(
        &mut self,
        ticket: Ticket,
        code: Option<ResponseCode>,
        text: Text,
    ) -> Result<(), Misuse> {
        if let Answer::InTime = self.tickets.redeem(ticket)? {
            self.say(Status::Err, code, text);
            self.auth_failures = self.auth_failures.saturating_add(1);
            if self.auth_failures >= self.config.limits.auth_failures_max {
                self.close();
            }
        }
        Ok(())
    }

    /// Whether credentials are taken over this connection.
    pub(super) fn takes_credentials(&self) -> bool {
        self.config.auth_requires_tls == AuthPrivacy::NotRequired || self.security.is_private()
    }

    /// The same; answers when they are not. What the client sent is dropped unseen.
    pub(super) fn takes_credentials_for(&mut self, verb: Verb) -> bool {
        let takes = self.takes_credentials();
        if !takes {
            self.violate(Violation::PrivacyRequired { verb }, Text::NeedTls);
        }
        takes
    }

    fn offers_user_pass(&mut self, verb: Verb) -> bool {
        if !self.takes_credentials_for(verb) {
            return false;
        }
        let offers = self.config.user_pass == UserPass::Offered;
        if !offers {
            self.violate(Violation::NotOffered { verb }, Text::UserPassNotOffered);
        }
        offers
    }
}
