//! What a server offers and how strict it is.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::Language;
use crate::{Announced, ApopTimestamp, Limits, MechanismName, Retention, Utf8Names};

/// The settings of a server. Made once for a listener and cloned for each connection, but for
/// [`apop`](Self::apop), which is another for each. Texts are cleaned of what a line cannot hold, and cut at 240
/// octets, when they are sent.
#[derive(Clone, Debug)]
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
    /// The timestamp to greet with, different for each connection, where APOP is offered (RFC 1939 7). Off by
    /// default: it rests on MD5, and needs passwords that are stored in the clear.
    pub apop: Option<ApopTimestamp>,
    /// Whether STLS is offered on a connection that is not protected.
    pub tls: TlsOffer,
    /// Where credentials are taken, APOP's included.
    pub auth_requires_tls: AuthPrivacy,
    /// Whether the UTF8 command is offered, and UTF-8 in names and passwords (RFC 6856 2).
    pub utf8: Utf8Offer,
    /// The languages offered by LANG (RFC 6856 3), the preferred one first; none: LANG is not offered, and the
    /// server speaks English. It does as well until the client asks for another one.
    pub languages: Vec<Language>,
    /// How long messages are kept, announced before the login (RFC 2449 6.7). A user's own stands in the
    /// [`Maildrop`](super::Maildrop).
    pub expire: Option<Announced<Retention>>,
    /// The least time between two logins, announced before the login (RFC 2449 6.5). The application enforces it
    /// with [`LoginRefusal::TooSoon`](super::LoginRefusal).
    pub login_delay: Option<Announced<Duration>>,
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

/// Whether UTF-8 mode is offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Utf8Offer {
    /// It is not.
    #[default]
    Absent,
    /// It is, and names and passwords may be in UTF-8 or not.
    Offered(Utf8Names),
}

impl Default for Config {
    fn default() -> Self {
        Self {
            greeting: String::from("POP3 ready"),
            implementation: String::from("Posthaste"),
            mechanisms: Vec::new(),
            user_pass: UserPass::default(),
            apop: None,
            tls: TlsOffer::default(),
            auth_requires_tls: AuthPrivacy::default(),
            utf8: Utf8Offer::default(),
            languages: Vec::new(),
            expire: None,
            login_delay: None,
            limits: Limits::default(),
        }
    }
}
