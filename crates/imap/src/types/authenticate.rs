//! AUTHENTICATE and the lines that answer a challenge (RFC 9051, section 6.2.2; RFC 4959).

use crate::types::Atom;
use posthaste_wire::Secret;

/// The arguments of AUTHENTICATE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticate {
    /// The name of the SASL mechanism, in the case it was written.
    pub mechanism: Atom,
    /// The initial response, decoded; `Some` and empty is written `=`.
    pub initial: Option<Secret>,
}

/// A line from the client during AUTHENTICATE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SaslResponse {
    /// The response, decoded.
    Data(Secret),
    /// `*`: the client gives up.
    Cancel,
}
