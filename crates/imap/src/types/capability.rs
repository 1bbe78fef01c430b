//! Capabilities (RFC 9051, sections 6.1.1 and 7.2.2).

use crate::error::InvalidValue;
use crate::types::Atom;
use bytes::Bytes;

/// One capability: an atom that compares without regard to ASCII case.
#[derive(Clone, Debug)]
pub struct Capability(Atom);

impl Capability {
    /// Checks and takes `name`.
    ///
    /// # Errors
    /// When `name` is not an atom.
    pub fn new(name: impl Into<Bytes>) -> Result<Self, InvalidValue> {
        Atom::new(name).map(Self).map_err(|_| InvalidValue::new("capability"))
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether this is the capability called `name`.
    pub fn is(&self, name: &str) -> bool {
        self.0.is(name)
    }

    /// The SASL mechanism when this is `AUTH=mechanism`.
    pub fn auth_mechanism(&self) -> Option<&str> {
        let (prefix, mechanism) = self.as_str().split_at_checked(5)?;
        (prefix.eq_ignore_ascii_case("AUTH=") && !mechanism.is_empty()).then_some(mechanism)
    }
}

impl PartialEq for Capability {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.as_str())
    }
}

impl Eq for Capability {}
