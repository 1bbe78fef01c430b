//! How a client wants to be protected, and how patient it is.

use crate::Limits;

/// The settings of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Whether the client moves to TLS by itself.
    pub tls: TlsPolicy,
    /// The limits.
    pub limits: Limits,
}

/// Whether a client that starts in the clear moves to TLS before it logs in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsPolicy {
    /// It does not. Passwords go out readable.
    Off,
    /// It does when the server offers it. Somebody in the path can prevent that unnoticed.
    Opportunistic,
    /// It does, and goes no further when that fails. A connection that is private already is enough.
    #[default]
    Required,
}
