//! What a server is told before its first octet: its role, its name, what it offers.

use alloc::vec::Vec;
use core::time::Duration;

use super::Extensions;
use super::extensions::Switch;
use crate::{ClientName, Limits, Mechanism, Quirks, Text};

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

/// What becomes of octets over 127 in a message that declared none (`BODY=7BIT`, or no `BODY`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EightBitContent {
    /// They are taken. 8BITMIME is offered, so they can be stored and relayed; programs that declare nothing are
    /// many, and what they send is lost mail when it is refused. [`BodyEnd::has_8bit`](super::BodyEnd::has_8bit)
    /// tells a relay that it holds them.
    #[default]
    Accept,
    /// 554 5.6.1 at the end of the message: for a relay to hosts that are known to be 7-bit.
    Refuse,
}

/// Whether the connection begins with a PROXY header, version 1 or 2, that says who the client is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ProxyUse {
    /// It does not: one that is sent is an early talker or an unknown command.
    #[default]
    Absent,
    /// It does: a load balancer stands in front, and nobody else can reach this port. A connection without one is
    /// closed without a word. [`Event::Proxied`](super::Event::Proxied) tells what it says.
    Required,
}

/// Why a configuration cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A limit is zero.
    #[error("limit {limit} is zero")]
    ZeroLimit {
        /// Its name in [`Limits`].
        limit: &'static str,
    },
    /// A limit is larger than LIMITS can announce, which is 999,999 (RFC 9422 4).
    #[error("limit {limit} is larger than LIMITS can announce")]
    UnannounceableLimit {
        /// Its name in [`Limits`].
        limit: &'static str,
    },
    /// Submission without a mechanism: nobody could send.
    #[error("submission needs at least one mechanism for authentication")]
    NoMechanism,
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
    pub(crate) extensions: Extensions,
    pub(crate) quirks: Quirks,
    pub(crate) eight_bit: EightBitContent,
    pub(crate) proxy_header: ProxyUse,
    pub(crate) xclient: Vec<Text>,
    pub(crate) xforward: Vec<Text>,
}

impl Config {
    /// A server of `mode` that calls itself `host`: no TLS, no AUTH, default limits and extensions, greets at once. An
    /// early talker is refused by an MTA and tolerated by the others; [`Quirks::SUBMISSION`] are put up with by
    /// submission only.
    pub fn new(mode: Mode, host: ClientName) -> Self {
        let early_talker = match mode {
            Mode::Mta => EarlyTalker::Refuse,
            Mode::Submission | Mode::Lmtp => EarlyTalker::Tolerate,
        };
        let quirks = match mode {
            Mode::Submission => Quirks::SUBMISSION,
            Mode::Mta | Mode::Lmtp => Quirks::STRICT,
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
            extensions: Extensions::new(),
            quirks,
            eight_bit: EightBitContent::default(),
            proxy_header: ProxyUse::default(),
            xclient: Vec::new(),
            xforward: Vec::new(),
        }
    }

    /// Looks for what cannot be meant. A server takes any configuration, and errs on the side of refusing; whoever
    /// reads one from a file asks here first.
    ///
    /// # Errors
    ///
    /// [`ConfigError`]: a limit of zero, which is never "no limit"; limits that LIMITS cannot announce; submission
    /// without a mechanism.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if let Some(limit) = self.limits.zero() {
            return Err(ConfigError::ZeroLimit { limit });
        }
        if self.extensions.has(Switch::Limits) {
            if self.limits.recipients_max > 999_999 {
                return Err(ConfigError::UnannounceableLimit { limit: "recipients_max" });
            }
            if self.limits.transactions_max.is_some_and(|max| max > 999_999) {
                return Err(ConfigError::UnannounceableLimit { limit: "transactions_max" });
            }
        }
        if self.mode == Mode::Submission && self.mechanisms.is_empty() {
            return Err(ConfigError::NoMechanism);
        }
        Ok(())
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

    /// With other extensions.
    #[must_use]
    pub fn with_extensions(self, extensions: Extensions) -> Self {
        Self { extensions, ..self }
    }

    /// With these deviations from the grammar of commands put up with. Each use is told by
    /// [`Event::Repaired`](super::Event::Repaired).
    #[must_use]
    pub fn with_quirks(self, quirks: Quirks) -> Self {
        Self { quirks, ..self }
    }

    /// With another treatment of octets over 127 that were not declared.
    #[must_use]
    pub fn with_eight_bit_content(self, eight_bit: EightBitContent) -> Self {
        Self { eight_bit, ..self }
    }

    /// With or without a PROXY header at the start of each connection. Only for a port that nobody but the load
    /// balancer can reach: the header is believed.
    #[must_use]
    pub fn with_proxy_header(self, proxy_header: ProxyUse) -> Self {
        Self { proxy_header, ..self }
    }

    /// With XCLIENT for this peer, and the attributes it may give, as Postfix speaks it: `NAME ADDR PORT PROTO HELO
    /// LOGIN DESTADDR DESTPORT`. Only for connections from a front end that is trusted with all of them. None: the
    /// peer is not trusted, and XCLIENT gets 550 5.7.0.
    #[must_use]
    pub fn with_xclient(self, attributes: Vec<Text>) -> Self {
        Self { xclient: attributes, ..self }
    }

    /// With XFORWARD for this peer, and the attributes it may give: `NAME ADDR PORT PROTO HELO IDENT SOURCE`. Only for
    /// connections from a filter that is trusted with what is logged. None: as with XCLIENT.
    #[must_use]
    pub fn with_xforward(self, attributes: Vec<Text>) -> Self {
        Self { xforward: attributes, ..self }
    }
}
