//! Why an exchange fails before any password is checked. No variant holds what the peer sent.

/// The part of a message an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// The name of who is to be acted for.
    Authorization,
    /// The name of who logs in.
    Authentication,
    /// The password.
    Password,
}

/// An exchange cannot go on. To a server each of these is a failed login; which one is for its log only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SaslError {
    /// The message has not the shape the mechanism demands.
    #[error("message is malformed")]
    Malformed,
    /// A part that must hold something is empty.
    #[error("{0} is empty")]
    Empty(Field),
    /// A part is longer than its limit.
    #[error("{field} is longer than {limit} octets")]
    TooLong {
        /// The part.
        field: Field,
        /// Its limit, in octets.
        limit: usize,
    },
    /// A part is not UTF-8.
    #[error("{0} is not UTF-8")]
    NotUtf8(Field),
    /// A part holds NUL, or a name holds a control character (prohibited by RFC 4013 2.3).
    #[error("{0} holds a character that is not allowed")]
    Prohibited(Field),
    /// A message came when the exchange was over or expected none.
    #[error("a message came out of step")]
    OutOfStep,
}

impl core::fmt::Display for Field {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Authorization => "authorization identity",
            Self::Authentication => "authentication identity",
            Self::Password => "password",
        })
    }
}
