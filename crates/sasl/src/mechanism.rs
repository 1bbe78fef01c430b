//! The mechanisms by name, what each demands of the connection, and how they rank.

use posthaste_wire::Security;

use crate::Hash;

/// A mechanism this crate speaks.
///
/// Ordered by strength: a greater one gives away less to whoever listens, pretends to be the server, or runs
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Mechanism {
    /// No proof of anything (RFC 4505).
    Anonymous,
    /// The password in the clear, in two questions (obsolete, and still asked for).
    Login,
    /// The password in the clear, in one message (RFC 4616).
    Plain,
    /// A bearer token in the clear, as it was done before RFC 7628.
    XOAuth2,
    /// A bearer token in the clear (RFC 7628).
    OAuthBearer,
    /// A keyed digest of a challenge (RFC 2195). Whoever listens can guess passwords at any speed, and the
    /// server must keep them readable.
    CramMd5,
    /// A salted challenge and response in which both sides prove that they know the password (RFC 5802).
    ScramSha1,
    /// The same with SHA-256 (RFC 7677).
    ScramSha256,
    /// The same with SHA-512 (draft-melnikov-scram-sha-512).
    ScramSha512,
    /// [`ScramSha1`](Self::ScramSha1), bound to the TLS connection below.
    ScramSha1Plus,
    /// [`ScramSha256`](Self::ScramSha256), bound to the TLS connection below.
    ScramSha256Plus,
    /// [`ScramSha512`](Self::ScramSha512), bound to the TLS connection below.
    ScramSha512Plus,
    /// What the connection already proved, such as a client certificate (RFC 4422 A).
    External,
}

impl Mechanism {
    /// All mechanisms, strongest first.
    pub const ALL: [Self; 13] = [
        Self::External,
        Self::ScramSha512Plus,
        Self::ScramSha256Plus,
        Self::ScramSha1Plus,
        Self::ScramSha512,
        Self::ScramSha256,
        Self::ScramSha1,
        Self::CramMd5,
        Self::OAuthBearer,
        Self::XOAuth2,
        Self::Plain,
        Self::Login,
        Self::Anonymous,
    ];

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "ANONYMOUS",
            Self::Login => "LOGIN",
            Self::Plain => "PLAIN",
            Self::XOAuth2 => "XOAUTH2",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::CramMd5 => "CRAM-MD5",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::ScramSha512Plus => "SCRAM-SHA-512-PLUS",
            Self::External => "EXTERNAL",
        }
    }

    /// The mechanism of this name, in any case; `None` for one that is not known.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
    }

    /// Whether a password or token goes over the wire as it is.
    pub const fn is_plaintext(self) -> bool {
        matches!(self, Self::Login | Self::Plain | Self::XOAuth2 | Self::OAuthBearer)
    }

    /// Whether the client speaks first: then its first message may go along with the command.
    pub const fn is_client_first(self) -> bool {
        !matches!(self, Self::Login | Self::CramMd5)
    }

    /// Whether the exchange is bound to the TLS connection below: a -PLUS mechanism.
    pub const fn is_bound(self) -> bool {
        matches!(self, Self::ScramSha1Plus | Self::ScramSha256Plus | Self::ScramSha512Plus)
    }

    /// The hash function of a SCRAM mechanism; `None` for all others.
    pub const fn scram(self) -> Option<Hash> {
        match self {
            Self::ScramSha1 | Self::ScramSha1Plus => Some(Hash::Sha1),
            Self::ScramSha256 | Self::ScramSha256Plus => Some(Hash::Sha256),
            Self::ScramSha512 | Self::ScramSha512Plus => Some(Hash::Sha512),
            _ => None,
        }
    }

    /// Whether the mechanism may be used over a connection that is protected like this: one that shows the
    /// password or token needs privacy (RFC 4616 4, RFC 7628 4), and so does CRAM-MD5, from which a weak
    /// password is guessed in no time.
    pub const fn is_allowed(self, security: Security) -> bool {
        security.is_private() || !(self.is_plaintext() || matches!(self, Self::CramMd5))
    }
}

/// Over which connections passwords and tokens may be shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Plaintext {
    /// Only over those that are private.
    #[default]
    NeedsPrivacy,
    /// Over any. Whoever is in the path reads along.
    Anywhere,
}

impl Plaintext {
    /// Whether the mechanism may be used over a connection that is protected like this.
    pub const fn allows(self, mechanism: Mechanism, security: Security) -> bool {
        matches!(self, Self::Anywhere) || mechanism.is_allowed(security)
    }
}
