//! What an application decides once, before the conversation begins.

use crate::client::{ClientLimits, Quirks};
use crate::error::InvalidValue;
use crate::types::IdParameters;
use alloc::string::String;

/// The settings of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Whether TLS is negotiated inside the connection.
    pub tls: TlsPolicy,
    /// Whether a password may travel without protection.
    pub auth_requires_tls: AuthPrivacy,
    /// What every tag begins with. Give each connection a random one: a server, or somebody in the path, then cannot
    /// answer a command before it was sent.
    pub tag_prefix: TagPrefix,
    /// Whether the client treats servers that are known by name as they need it.
    pub quirks: QuirksPolicy,
    /// What is told with ID to a server that opens no mailbox before; all others are told what the application
    /// tells them.
    pub identity: IdParameters,
    /// The bounds.
    pub limits: ClientLimits,
}

/// Whether the client changes to TLS by STARTTLS (RFC 9051 6.2.1).
///
/// A connection that is private from its start (TLS at once, or local) needs none, whatever is set here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsPolicy {
    /// Never.
    Off,
    /// Where the server announces it. Somebody in the path can prevent that.
    Opportunistic,
    /// Always. Without it, nothing is said and the conversation fails.
    #[default]
    Required,
}

/// Whether LOGIN and AUTHENTICATE are sent over a connection that is not private.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthPrivacy {
    /// Never.
    #[default]
    Required,
    /// Wherever the server takes it. For tests and closed networks.
    NotRequired,
}

/// Which [`Quirks`] hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum QuirksPolicy {
    /// Those of the profile that fits the greeting, the capabilities or the answer to ID.
    #[default]
    Detect,
    /// These, whoever the server is.
    Fixed(Quirks),
}

/// What every tag begins with: one to sixteen letters and digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagPrefix(String);

impl TagPrefix {
    /// Checks and takes `prefix`.
    ///
    /// # Errors
    /// When it is empty, longer than 16 octets or has anything but ASCII letters and digits.
    pub fn new(prefix: impl Into<String>) -> Result<Self, InvalidValue> {
        let prefix = prefix.into();
        let fits =
            (1..=PREFIX_MAX).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_alphanumeric());
        if fits { Ok(Self(prefix)) } else { Err(InvalidValue::new("tag prefix")) }
    }

    /// The prefix.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TagPrefix {
    fn default() -> Self {
        Self(String::from("A"))
    }
}

const PREFIX_MAX: usize = 16;
