//! The client's side of an exchange, and the choice of a mechanism.

use alloc::string::String;
use posthaste_wire::{Secret, Security};

use crate::{Field, Mechanism, SaslError, plain};

/// The strongest mechanism that the server offers, that this crate speaks, and that may be used over a connection
/// protected like this. `None` when there is none: then there is no login, rather than a weak one.
pub fn choose(offered: &[impl AsRef<str>], security: Security) -> Option<Mechanism> {
    let known = offered.iter().filter_map(|name| Mechanism::from_name(name.as_ref()));
    known.filter(|mechanism| mechanism.is_allowed(security)).max()
}

/// One attempt to log in.
#[derive(Debug)]
pub struct Exchange {
    mechanism: Mechanism,
    /// What is to be sent, in order: the first is the initial response.
    first: Secret,
    second: Option<Secret>,
    sent: u8,
}

impl Exchange {
    /// Logs in with PLAIN as `user`, to act for `authorization` where that is somebody else.
    ///
    /// # Errors
    ///
    /// [`SaslError`] when a part is empty, too long or holds what cannot be sent.
    pub fn plain(authorization: Option<&str>, user: &str, password: &Secret) -> Result<Self, SaslError> {
        if let Some(authorization) = authorization {
            plain::name(Field::Authorization, authorization.as_bytes())?;
        }
        plain::name(Field::Authentication, user.as_bytes())?;
        plain::password(password.expose())?;
        let first = plain::message(authorization, user, password);
        Ok(Self { mechanism: Mechanism::Plain, first, second: None, sent: 0 })
    }

    /// Logs in with LOGIN as `user`.
    ///
    /// # Errors
    ///
    /// As [`plain`](Self::plain).
    pub fn login(user: &str, password: &Secret) -> Result<Self, SaslError> {
        plain::name(Field::Authentication, user.as_bytes())?;
        plain::password(password.expose())?;
        let first = Secret::new(String::from(user).into_bytes());
        Ok(Self { mechanism: Mechanism::Login, first, second: Some(password.clone()), sent: 0 })
    }

    /// The mechanism.
    pub const fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// The initial response. `None` where the server speaks first: so it is with LOGIN, whose name is sent when
    /// asked for, since not every server takes it ahead.
    pub fn initial(&self) -> Option<Secret> {
        match self.mechanism {
            Mechanism::Plain => Some(self.first.clone()),
            Mechanism::Login => None,
        }
    }

    /// The response to a challenge. Where the initial response could not be sent along with the command, the first
    /// challenge asks for it. What the challenges say is ignored: with PLAIN it has to be empty, with LOGIN it
    /// is prose.
    ///
    /// # Errors
    ///
    /// [`SaslError::OutOfStep`] when the server asks for more than the mechanism has: cancel then.
    pub fn respond(&mut self, challenge: &[u8]) -> Result<Secret, SaslError> {
        let number = self.sent;
        self.sent = self.sent.saturating_add(1);
        match (self.mechanism, number) {
            (Mechanism::Plain, 0) if !challenge.is_empty() => Err(SaslError::Malformed),
            (_, 0) => Ok(self.first.clone()),
            (_, 1) => self.second.take().ok_or(SaslError::OutOfStep),
            _ => Err(SaslError::OutOfStep),
        }
    }
}
