//! What a server offers in its reply to EHLO (RFC 5321 4.1.1.1).

use alloc::string::String;
use alloc::vec::Vec;

use crate::Mechanism;

/// One line of the reply to EHLO.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Capability {
    /// `SIZE [octets]`: the largest message, where there is a fixed one (RFC 1870). Zero on the wire is none.
    Size(Option<u64>),
    /// `PIPELINING` (RFC 2920).
    Pipelining,
    /// `8BITMIME` (RFC 6152).
    EightBitMime,
    /// `ENHANCEDSTATUSCODES` (RFC 2034).
    EnhancedStatusCodes,
    /// `STARTTLS` (RFC 3207).
    StartTls,
    /// `AUTH mechanisms` (RFC 4954), and the `AUTH=` of old servers. Names that break the grammar are left out.
    Auth(Vec<Mechanism>),
    /// Any other line, as it was written.
    Unknown(String),
}

/// All that a server offers; empty after HELO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(Vec<Capability>);

impl Capabilities {
    /// Takes what a server offers.
    pub const fn new(list: Vec<Capability>) -> Self {
        Self(list)
    }

    /// All of it, in order.
    pub fn as_slice(&self) -> &[Capability] {
        &self.0
    }

    /// Whether exactly this is offered.
    pub fn has(&self, capability: &Capability) -> bool {
        self.0.contains(capability)
    }

    /// The `SIZE` offer: `None` without one, `Some(None)` without a fixed maximum.
    pub fn size(&self) -> Option<Option<u64>> {
        self.0.iter().find_map(|capability| match capability {
            Capability::Size(max) => Some(*max),
            _ => None,
        })
    }

    /// The mechanisms that AUTH may name, in order, each once.
    pub fn mechanisms(&self) -> Vec<&Mechanism> {
        let mut all: Vec<&Mechanism> = Vec::new();
        for capability in &self.0 {
            let Capability::Auth(list) = capability else { continue };
            for mechanism in list {
                if !all.contains(&mechanism) {
                    all.push(mechanism);
                }
            }
        }
        all
    }
}
