//! What one server machine offers: its name, TLS, mechanisms, bounds.
//!
//! Decides which capabilities are announced in which state. What a capability means is decided where its commands
//! are.

use alloc::string::String;
use alloc::vec::Vec;
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

impl Config {
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
