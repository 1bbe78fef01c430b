//! Unique-ids of messages (RFC 1939 7, UIDL).

use alloc::boxed::Box;
use core::fmt;

use super::InvalidArgument;

/// A unique-id: opaque, stable over sessions, never used again in the same maildrop.
///
/// ```text
/// unique-id = 1*70(%x21-7E)
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uidl(Box<str>);

impl Uidl {
    /// Checks a unique-id.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`] when it has not 1 to 70 octets or one of them is not printable ASCII.
    pub fn new(id: &str) -> Result<Self, InvalidArgument> {
        let invalid = |problem| Err(InvalidArgument { argument: "unique-id", problem });
        if id.is_empty() || id.len() > 70 {
            return invalid("has not between 1 and 70 octets");
        }
        if !id.bytes().all(|octet| octet.is_ascii_graphic()) {
            return invalid("holds an octet outside 0x21 to 0x7e");
        }
        Ok(Self(id.into()))
    }

    /// The unique-id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Uidl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
