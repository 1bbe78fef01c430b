//! What one server machine offers: its name, TLS, mechanisms, bounds; and which configurations cannot be meant.
//!
//! Decides which capabilities are announced in which state. What a capability means is decided where its commands
//! are.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use posthaste_wire::Security;

use crate::limits::Limits;
use crate::session::State;
use crate::types::{Capability, Label};

use super::Extensions;

/// The configuration of a server machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The name in the greeting.
    pub hostname: String,
    /// Whether STARTTLS is offered on a connection that is not protected.
    pub tls: TlsOffer,
    /// Whether passwords may come over a connection that is not protected.
    pub auth_requires_tls: AuthPrivacy,
    /// The SASL mechanisms that are offered, in capitals.
    pub mechanisms: Vec<String>,
    /// The extensions that are offered.
    pub extensions: Extensions,
    /// The bounds.
    pub limits: Limits,
}

/// Whether the driver can set up TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsOffer {
    /// It can: STARTTLS is announced.
    StartTls,
    /// It cannot.
    Absent,
}

/// What becomes of LOGIN and AUTHENTICATE over a connection that is not protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthPrivacy {
    /// LOGINDISABLED is announced, and both are refused unread: `NO [PRIVACYREQUIRED]`.
    Required,
    /// They are taken. Only for a connection nobody else can read.
    NotRequired,
}

/// Why a configuration cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A limit is zero.
    #[error("limit {limit} is zero")]
    ZeroLimit {
        /// Its name in [`Limits`].
        limit: &'static str,
    },
    /// A limit can never be reached, because another is smaller.
    #[error("limit {limit} is larger than limit {within}")]
    UnreachableLimit {
        /// Its name in [`Limits`].
        limit: &'static str,
        /// The name of the smaller one.
        within: &'static str,
    },
    /// A limit is larger than the machine heeds.
    #[error("limit {limit} is larger than {max}")]
    LimitTooLarge {
        /// Its name in [`Limits`].
        limit: &'static str,
        /// The largest value that has a meaning.
        max: usize,
    },
    /// Clients may be silent for 30 minutes at least (RFC 9051 5.4).
    #[error("idle_timeout is shorter than 30 minutes")]
    IdleTimeout,
}

impl Config {
    /// Whether the limits can be meant. A machine is safe with any; this is for who starts a server, so that a mistake is
    /// found then.
    ///
    /// # Errors
    ///
    /// [`ConfigError`].
    pub fn validate(&self) -> Result<(), ConfigError> {
        if let Some(limit) = self.limits.zero() {
            return Err(ConfigError::ZeroLimit { limit });
        }
        if let Some((limit, within)) = self.limits.contradiction() {
            return Err(ConfigError::UnreachableLimit { limit, within });
        }
        if self.limits.nesting_max > NESTING_CEILING {
            return Err(ConfigError::LimitTooLarge { limit: "nesting_max", max: NESTING_CEILING });
        }
        if self.limits.uid_batch_min > UID_BATCH_CEILING {
            return Err(ConfigError::LimitTooLarge { limit: "uid_batch_min", max: 500 });
        }
        if self.limits.idle_timeout < IDLE_TIMEOUT_MIN {
            return Err(ConfigError::IdleTimeout);
        }
        Ok(())
    }

    /// What the machine works with: limits of any value made such that it gets on.
    pub(super) fn heeded(mut self) -> Self {
        let limits = &mut self.limits;
        limits.nesting_max = limits.nesting_max.min(NESTING_CEILING);
        limits.uid_batch_min = limits.uid_batch_min.min(UID_BATCH_CEILING);
        // A queue that is congested when it is empty would stop everything for ever.
        limits.send_high_water = limits.send_high_water.max(1);
        self
    }

    /// A server called `hostname` that offers TLS, takes no password without it, and knows PLAIN.
    pub fn new(hostname: impl Into<String>) -> Self {
        Self {
            hostname: hostname.into(),
            tls: TlsOffer::StartTls,
            auth_requires_tls: AuthPrivacy::Required,
            mechanisms: Vec::from([String::from("PLAIN")]),
            extensions: Extensions::new(),
            limits: Limits::default(),
        }
    }

    /// What is announced in `state` over a connection as secure as `security`.
    pub(super) fn capabilities(&self, state: State, security: Security, compressed: bool) -> Vec<Capability> {
        let mut list = self.extensions.before_login();
        if state.is_authenticated() {
            list.extend(self.extensions.after_login(&self.limits, compressed));
            return list;
        }
        list.push(Capability::SaslIr);
        if self.tls == TlsOffer::StartTls && !security.is_tls() {
            list.push(Capability::StartTls);
        }
        if security.is_private() || self.auth_requires_tls == AuthPrivacy::NotRequired {
            let names = self.mechanisms.iter().filter_map(|name| Label::new(name.clone().into_bytes()).ok());
            list.extend(names.map(Capability::Auth));
        } else {
            list.push(Capability::LoginDisabled);
        }
        list
    }
}

/// Search keys are looked at by functions that call themselves.
const NESTING_CEILING: usize = 100;

/// RFC 10022 3.1
const UID_BATCH_CEILING: u32 = 500;

/// RFC 9051 5.4
const IDLE_TIMEOUT_MIN: Duration = Duration::from_secs(30 * 60);
