//! COMPARATOR, the response to it (RFC 5255, section 4); LANGUAGE is a list of tags and needs no type.

use crate::types::AString;
use alloc::vec::Vec;

/// The COMPARATOR response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparator {
    /// The collation in use.
    pub active: AString,
    /// All that matched what the client asked for, in the server's order.
    pub matching: Vec<AString>,
}
