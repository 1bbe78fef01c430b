//! Unique-ids of messages (RFC 1939 7, UIDL).

use core::fmt;

use super::InvalidArgument;

/// A unique-id: opaque, stable over sessions, never used again in the same maildrop. Never a file name.
///
/// Kept in place, so that a list of a hundred thousand is one allocation.
///
/// ```text
/// unique-id = 1*70(%x21-7E)
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uidl {
    /// Behind the id zeros, which sort before every octet that an id has.
    octets: [u8; Self::MAX],
    length: u8,
}

impl Uidl {
    const MAX: usize = 70;

    /// Checks a unique-id.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`] when it has not 1 to 70 octets or one of them is not printable ASCII.
    pub fn new(id: &str) -> Result<Self, InvalidArgument> {
        Self::from_octets(id.as_bytes())
    }

    pub(crate) fn from_octets(id: &[u8]) -> Result<Self, InvalidArgument> {
        let invalid = |problem| InvalidArgument { argument: "unique-id", problem };
        let mut octets = [0; Self::MAX];
        let length = u8::try_from(id.len()).ok().filter(|length| *length > 0);
        let (Some(length), Some(place)) = (length, octets.get_mut(..id.len())) else {
            return Err(invalid("has not between 1 and 70 octets"));
        };
        if !id.iter().all(u8::is_ascii_graphic) {
            return Err(invalid("holds an octet outside 0x21 to 0x7e"));
        }
        place.copy_from_slice(id);
        Ok(Self { octets, length })
    }

    /// The unique-id.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The unique-id, as octets.
    pub fn as_bytes(&self) -> &[u8] {
        self.octets.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl fmt::Display for Uidl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Uidl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uidl({self})")
    }
}
