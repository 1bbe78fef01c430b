//! What a server offers and how strict it is.

use alloc::string::String;
use alloc::vec::Vec;

use crate::{Limits, MechanismName};

/// The settings of a server. Shared texts are cleaned of what a line cannot hold when they are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The text of the greeting, behind `+OK`.
    pub greeting: String,
    /// What CAPA says under IMPLEMENTATION (RFC 2449 6.9); empty to say nothing.
    pub implementation: String,
    /// The SASL mechanisms offered, in order.
    pub mechanisms: Vec<MechanismName>,
    /// Whether USER and PASS are offered.
    pub user_pass: UserPass,
    /// Whether STLS is offered on a connection that is not protected.
    pub tls: TlsOffer,
    /// Where credentials are taken.
    pub auth_requires_tls: AuthPrivacy,
    /// The limits.
    pub limits: Limits,
}

/// Whether USER and PASS are offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UserPass {
    /// They are, wherever credentials are taken.
    #[default]
    Offered,
    /// They are not; AUTH is the only way.
    Refused,
}

/// Whether there is TLS to move to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsOffer {
    /// There is none.
    #[default]
    Absent,
    /// The driver can set it up.
    StartTls,
}

/// Where credentials are taken (RFC 8314 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthPrivacy {
    /// Only on connections that are private ([`Security::is_private`](crate::Security::is_private)).
    #[default]
    Required,
    /// On any connection. For tests and closed networks.
    NotRequired,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            greeting: String::from("POP3 ready"),
            implementation: String::from("Posthaste"),
            mechanisms: Vec::new(),
            user_pass: UserPass::default(),
            tls: TlsOffer::default(),
            auth_requires_tls: AuthPrivacy::default(),
            limits: Limits::default(),
        }
    }
}
