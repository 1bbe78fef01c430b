//! Why an exchange fails, and the words SCRAM has for it (RFC 5802 7). No variant holds what the peer sent.

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
    /// The bearer token.
    Token,
    /// The trace information of ANONYMOUS.
    Trace,
    /// What one side adds to the exchange to make it unlike any other.
    Nonce,
    /// What is hashed along with a password.
    Salt,
    /// The data that ties an exchange to its TLS connection.
    Binding,
    /// The whole message.
    Message,
}

/// An exchange cannot go on, or did not prove what it was for.
///
/// To a server each of these is a failed login, and its client learns no more than that; which one it is is
/// for the log. To a client they are the reason to hang up rather than to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SaslError {
    /// The message has not the shape the mechanism demands.
    #[error("message is malformed")]
    Malformed,
    /// A part that must hold something is empty, or is so once prepared.
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
    /// A part holds a character that SASLprep prohibits (RFC 4013 2.3), mixes directions (2.4), or holds a
    /// code point without a character where that is refused (2.5).
    #[error("{0} holds a character that is not allowed")]
    Prohibited(Field),
    /// A message came when the exchange was over or expected none.
    #[error("a message came out of step")]
    OutOfStep,
    /// No mechanism is offered, known, allowed by policy and of use with these credentials, all at once.
    #[error("no mechanism is both offered and allowed")]
    NoMechanism,
    /// The mechanism does not take this kind of credentials.
    #[error("the credentials are of another kind than the mechanism's")]
    WrongCredentials,
    /// The mechanism binds to the TLS connection, and no binding is at hand.
    #[error("no channel binding is at hand")]
    NoBinding,
    /// An iteration count is outside of what is accepted: too few protect nothing, too many are an attack on
    /// the one who counts.
    #[error("iteration count {count} is not between {min} and {max}")]
    Iterations {
        /// The count that was asked for.
        count: u64,
        /// The least that is accepted.
        min: u32,
        /// The most that is accepted.
        max: u32,
    },
    /// The nonce of an exchange does not come back as it was sent: another exchange is played back.
    #[error("the nonce is not that of this exchange")]
    WrongNonce,
    /// The exchange is bound to another TLS connection: somebody is in the middle.
    #[error("the channel binding is not that of this connection")]
    WrongBinding,
    /// The client knows no -PLUS mechanism was offered to it, and one was: somebody took it away.
    #[error("the offer of channel binding did not reach the client")]
    Downgrade,
    /// The client wants a type of channel binding that is not at hand, or wants one without -PLUS.
    #[error("this type of channel binding is not supported")]
    UnsupportedBinding,
    /// A mandatory extension is asked for, and none is known (RFC 5802 5.1, `m`).
    #[error("an unknown extension is mandatory")]
    Extension,
    /// The credentials are not right, or nobody has that name. Which of the two is told to nobody.
    #[error("the credentials are not right")]
    Credentials,
    /// The client may not act for whom it wants to act.
    #[error("not authorised to act for somebody else")]
    NotAuthorized,
    /// The server's signature is wrong: it does not know the password, and is not the server it should be.
    #[error("the server could not prove that it knows the password")]
    WrongSignature,
    /// The server reported success without the proof that the mechanism demands of it.
    #[error("the server reported success before it proved who it is")]
    Unproven,
    /// The server ended the exchange with a reason.
    #[error("the server ended the exchange: {0}")]
    Refused(ScramError),
    /// The server refused the token; see [`Exchange::complaint`](crate::client::Exchange::complaint).
    #[error("the server refused the token")]
    TokenRefused,
    /// The caller has no randomness to give. Not made here, but for those who pass errors of a login on.
    #[error("no randomness is at hand")]
    NoRandomness,
    /// A stored key is not in its text form.
    #[error("the stored key cannot be read")]
    StoredKey,
}

/// What a SCRAM server may say instead of its signature (RFC 5802 7, `server-error-value`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScramError {
    /// `invalid-encoding`
    InvalidEncoding,
    /// `extensions-not-supported`
    ExtensionsNotSupported,
    /// `invalid-proof`
    InvalidProof,
    /// `channel-bindings-dont-match`
    ChannelBindingsDontMatch,
    /// `server-does-support-channel-binding`
    ServerDoesSupportChannelBinding,
    /// `channel-binding-not-supported`
    ChannelBindingNotSupported,
    /// `unsupported-channel-binding-type`
    UnsupportedChannelBindingType,
    /// `unknown-user`. The servers of this crate never say so.
    UnknownUser,
    /// `invalid-username-encoding`
    InvalidUsernameEncoding,
    /// `no-resources`
    NoResources,
    /// `other-error`, and any value that is not known.
    OtherError,
}

impl ScramError {
    const ALL: [Self; 11] = [
        Self::InvalidEncoding,
        Self::ExtensionsNotSupported,
        Self::InvalidProof,
        Self::ChannelBindingsDontMatch,
        Self::ServerDoesSupportChannelBinding,
        Self::ChannelBindingNotSupported,
        Self::UnsupportedChannelBindingType,
        Self::UnknownUser,
        Self::InvalidUsernameEncoding,
        Self::NoResources,
        Self::OtherError,
    ];

    /// The word on the wire.
    pub const fn value(self) -> &'static str {
        match self {
            Self::InvalidEncoding => "invalid-encoding",
            Self::ExtensionsNotSupported => "extensions-not-supported",
            Self::InvalidProof => "invalid-proof",
            Self::ChannelBindingsDontMatch => "channel-bindings-dont-match",
            Self::ServerDoesSupportChannelBinding => "server-does-support-channel-binding",
            Self::ChannelBindingNotSupported => "channel-binding-not-supported",
            Self::UnsupportedChannelBindingType => "unsupported-channel-binding-type",
            Self::UnknownUser => "unknown-user",
            Self::InvalidUsernameEncoding => "invalid-username-encoding",
            Self::NoResources => "no-resources",
            Self::OtherError => "other-error",
        }
    }

    /// The error of this word; a word that is not known counts as `other-error`, as RFC 5802 7 demands.
    pub fn from_value(value: &str) -> Self {
        Self::ALL.into_iter().find(|error| error.value() == value).unwrap_or(Self::OtherError)
    }
}

impl From<SaslError> for ScramError {
    /// What a server tells its client of an error. Nothing in it tells a wrong password from an unknown user.
    fn from(error: SaslError) -> Self {
        match error {
            SaslError::Credentials | SaslError::NotAuthorized => Self::InvalidProof,
            SaslError::Extension => Self::ExtensionsNotSupported,
            SaslError::WrongBinding => Self::ChannelBindingsDontMatch,
            SaslError::Downgrade => Self::ServerDoesSupportChannelBinding,
            SaslError::UnsupportedBinding => Self::UnsupportedChannelBindingType,
            SaslError::NoBinding => Self::ChannelBindingNotSupported,
            SaslError::NotUtf8(Field::Authentication | Field::Authorization)
            | SaslError::Prohibited(Field::Authentication | Field::Authorization) => {
                Self::InvalidUsernameEncoding
            }
            SaslError::Malformed | SaslError::NotUtf8(_) => Self::InvalidEncoding,
            _ => Self::OtherError,
        }
    }
}

impl core::fmt::Display for ScramError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.value())
    }
}

impl core::fmt::Display for Field {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Authorization => "authorization identity",
            Self::Authentication => "authentication identity",
            Self::Password => "password",
            Self::Token => "token",
            Self::Trace => "trace",
            Self::Nonce => "nonce",
            Self::Salt => "salt",
            Self::Binding => "channel binding",
            Self::Message => "message",
        })
    }
}
