//! The tokens of STARTTLS and AUTH (RFC 3207, RFC 4954). Mechanisms are names and opaque octets here.

use posthaste_wire::{Answer, Misuse, Secret, Ticket};

use super::Server;
use crate::{Mechanism, Rejection, Reply};

/// Token: STARTTLS.
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub struct StartTls {
    pub(super) ticket: Ticket,
}

/// Token: AUTH with one of the mechanisms offered.
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub struct Auth {
    pub(super) ticket: Ticket,
    pub(super) mechanism: Mechanism,
    pub(super) initial: Option<Secret>,
}

/// Token: what the client answers to a challenge.
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub struct AuthResponse {
    pub(super) ticket: Ticket,
    pub(super) response: Secret,
}

impl StartTls {
    /// 220, and then [`Step::Upgrade`](crate::Step::Upgrade). A client that sent anything behind the command is
    /// cut off instead ([`ProtocolError::Residue`](crate::ProtocolError::Residue)).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        if server.redeem(self.ticket)? == Answer::InTime {
            server.start_tls_accepted();
        }
        Ok(())
    }

    /// 454 4.7.0: TLS is not available now (RFC 3207 4).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn reject(self, server: &mut Server) -> Result<(), Misuse> {
        server.answer(self.ticket, &Reply::fixed(454, (4, 7, 0), "TLS not available due to temporary reason"))
    }
}

impl Auth {
    /// The name of the mechanism, in upper case; one of those in the configuration.
    pub fn mechanism(&self) -> &str {
        self.mechanism.as_str()
    }

    /// What the client sent with the command; empty where it wrote `=`.
    pub const fn initial_response(&self) -> Option<&Secret> {
        self.initial.as_ref()
    }

    /// 334: asks the client for more.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn challenge(self, server: &mut Server, challenge: &[u8]) -> Result<(), Misuse> {
        server.challenge(self.ticket, challenge)
    }

    /// 235: the client is who it says.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        server.authenticated(self.ticket)
    }

    /// Refuses; see [`Rejection::credentials_invalid`] and [`Rejection::authentication_unavailable`].
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn reject(self, server: &mut Server, rejection: Rejection) -> Result<(), Misuse> {
        server.answer(self.ticket, &rejection.into_reply())
    }
}

impl AuthResponse {
    /// What the client sent, without base64.
    pub const fn response(&self) -> &Secret {
        &self.response
    }

    /// As [`Auth::challenge`].
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn challenge(self, server: &mut Server, challenge: &[u8]) -> Result<(), Misuse> {
        server.challenge(self.ticket, challenge)
    }

    /// As [`Auth::accept`].
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        server.authenticated(self.ticket)
    }

    /// As [`Auth::reject`].
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn reject(self, server: &mut Server, rejection: Rejection) -> Result<(), Misuse> {
        server.answer(self.ticket, &rejection.into_reply())
    }
}
