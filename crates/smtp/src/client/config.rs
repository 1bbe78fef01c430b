//! What a client is told before its first octet.

use super::ContentPolicy;
use crate::{ClientName, Limits};

/// Which protocol a client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// SMTP (RFC 5321); falls back to HELO where EHLO is refused.
    #[default]
    Smtp,
    /// LMTP (RFC 2033): LHLO, and an answer for each recipient at the end of a message.
    Lmtp,
}

/// What a client does about STARTTLS (RFC 3207) on a connection that is not private.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsPolicy {
    /// It is not used.
    Off,
    /// It is used where it is offered; where it is refused the session goes on in the clear. Whoever is in the
    /// path can take the offer away.
    Opportunistic,
    /// Nothing but EHLO and STARTTLS is sent before TLS is active; without it the session is over.
    #[default]
    Required,
}

/// Whether credentials are sent in the clear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthPrivacy {
    /// `authenticate` is refused until [`Security::is_private`](crate::Security::is_private).
    #[default]
    Required,
    /// Credentials are sent whoever may be listening.
    NotRequired,
}

/// Whether content travels by BDAT (RFC 3030) instead of DATA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Chunking {
    /// Wherever `CHUNKING` is offered: octets are counted, so none can be taken for the end of the message.
    #[default]
    Auto,
    /// Never. Binary content then goes nowhere.
    Never,
}

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) mode: Mode,
    pub(crate) name: ClientName,
    pub(crate) tls: TlsPolicy,
    pub(crate) auth_requires_tls: AuthPrivacy,
    pub(crate) chunking: Chunking,
    pub(crate) content: ContentPolicy,
    pub(crate) limits: Limits,
}

impl Config {
    /// A client that calls itself `name`, requires TLS, and has the default limits.
    pub fn new(mode: Mode, name: ClientName) -> Self {
        Self {
            mode,
            name,
            tls: TlsPolicy::default(),
            auth_requires_tls: AuthPrivacy::default(),
            chunking: Chunking::default(),
            content: ContentPolicy::default(),
            limits: Limits::default(),
        }
    }

    /// With another policy about STARTTLS.
    #[must_use]
    pub fn with_tls(self, tls: TlsPolicy) -> Self {
        Self { tls, ..self }
    }

    /// With or without the rule that credentials need a private connection.
    #[must_use]
    pub fn with_auth_requires_tls(self, auth_requires_tls: AuthPrivacy) -> Self {
        Self { auth_requires_tls, ..self }
    }

    /// With another policy about BDAT.
    #[must_use]
    pub fn with_chunking(self, chunking: Chunking) -> Self {
        Self { chunking, ..self }
    }

    /// With another policy about bare CR and LF in content.
    #[must_use]
    pub fn with_content(self, content: ContentPolicy) -> Self {
        Self { content, ..self }
    }

    /// With other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }
}
