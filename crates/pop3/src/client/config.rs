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
    /// What is forgiven to servers that are known to need it.
    pub quirks: Quirks,
}

/// Deviations of certain servers. None is forgiven by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quirks {
    /// What ends a line.
    pub line_ends: LineEnds,
}

/// What ends a line of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEnds {
    /// CR LF (RFC 1939 3).
    #[default]
    CrLf,
    /// LF, with a CR before it or not: for servers that end messages with LF `.` LF. A message that holds such a line
    /// as content, which is legal, ends there.
    BareLf,
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
