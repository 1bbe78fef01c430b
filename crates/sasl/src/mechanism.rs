//! The mechanisms by name, and how they rank.

use posthaste_wire::Security;

/// A mechanism this crate speaks.
///
/// Ordered by strength: a greater one gives away less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Mechanism {
    /// The password in the clear, in two questions (obsolete, and still asked for).
    Login,
    /// The password in the clear, in one message (RFC 4616).
    Plain,
}

impl Mechanism {
    /// All mechanisms, strongest first.
    pub const ALL: [Self; 2] = [Self::Plain, Self::Login];

    /// The registered name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
        }
    }

    /// The mechanism of this name, in any case; `None` for one that is not known.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
    }

    /// Whether the mechanism may be used over a connection that is protected like this: one that shows the
    /// password needs privacy (RFC 4616 4).
    pub const fn is_allowed(self, security: Security) -> bool {
        match self {
            Self::Plain | Self::Login => security.is_private(),
        }
    }
}
