//! What a server is told before its first octet: its role, its name, what it offers.

use alloc::vec::Vec;
use core::time::Duration;

use crate::{ClientName, Limits, Mechanism};

/// The role of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Mail from other hosts (RFC 5321), port 25.
    Mta,
    /// Mail from users' clients (RFC 6409), ports 587 and 465: nothing before authentication.
    Submission,
    /// Delivery to mailboxes with an answer for each recipient (RFC 2033).
    Lmtp,
}

/// Whether the server can speak TLS on this connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsOffer {
    /// No TLS: `STARTTLS` is not offered.
    #[default]
    Absent,
    /// `STARTTLS` is offered until TLS is active.
    StartTls,
}

/// Whether credentials are taken in the clear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthPrivacy {
    /// AUTH is neither offered nor taken until [`Security::is_private`](crate::Security::is_private).
    #[default]
    Required,
    /// AUTH is offered at once, whoever may be listening.
    NotRequired,
}

/// What becomes of a client that talks before it was greeted (RFC 5321 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarlyTalker {
    /// 554 5.5.1 in place of the greeting, and the end.
    Refuse,
    /// It is greeted, and what it sent is read behind the greeting.
    Tolerate,
}

/// How a server behaves. Made once for a listener, cloned for each connection.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) mode: Mode,
    pub(crate) host: ClientName,
    pub(crate) limits: Limits,
    pub(crate) tls: TlsOffer,
    pub(crate) mechanisms: Vec<Mechanism>,
    pub(crate) auth_requires_tls: AuthPrivacy,
    pub(crate) early_talker: EarlyTalker,
    pub(crate) greeting_delay: Duration,
}

impl Config {
    /// A server of `mode` that calls itself `host`: no TLS, no AUTH, default limits, greets at once. An early
    /// talker is refused by an MTA and tolerated by the others.
    pub fn new(mode: Mode, host: ClientName) -> Self {
        let early_talker = match mode {
            Mode::Mta => EarlyTalker::Refuse,
            Mode::Submission | Mode::Lmtp => EarlyTalker::Tolerate,
        };
        Self {
            mode,
            host,
            limits: Limits::default(),
            tls: TlsOffer::default(),
            mechanisms: Vec::new(),
            auth_requires_tls: AuthPrivacy::default(),
            early_talker,
            greeting_delay: Duration::ZERO,
        }
    }

    /// With other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// With TLS or without.
    #[must_use]
    pub fn with_tls(self, tls: TlsOffer) -> Self {
        Self { tls, ..self }
    }

    /// With these mechanisms for AUTH, in the order in which they are announced. None: AUTH is not offered.
    #[must_use]
    pub fn with_mechanisms(self, mechanisms: Vec<Mechanism>) -> Self {
        Self { mechanisms, ..self }
    }

    /// With or without the rule that credentials need a private connection.
    #[must_use]
    pub fn with_auth_requires_tls(self, auth_requires_tls: AuthPrivacy) -> Self {
        Self { auth_requires_tls, ..self }
    }

    /// With another treatment of early talkers.
    #[must_use]
    pub fn with_early_talker(self, early_talker: EarlyTalker) -> Self {
        Self { early_talker, ..self }
    }

    /// With a pause before the greeting, in which an early talker shows itself.
    #[must_use]
    pub fn with_greeting_delay(self, greeting_delay: Duration) -> Self {
        Self { greeting_delay, ..self }
    }
}
