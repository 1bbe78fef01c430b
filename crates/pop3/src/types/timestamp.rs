//! The timestamp that a server offering APOP writes into its greeting (RFC 1939 7), and the digest made of it.

use alloc::string::String;
use core::fmt;

use posthaste_wire::Secret;

use super::InvalidArgument;

/// What an APOP digest is made of, besides the password. Different for each connection.
///
/// Checked more strictly than RFC 822 has it, as a client that digests anything at all can be led to give away its
/// password (CVE-2007-1558).
///
/// ```text
/// timestamp = "<" 1*word "@" 1*word ">"           ; at most 250 octets
/// word      = %x21-3B / "=" / "?" / %x41-7E       ; printable ASCII but "<", ">" and "@"
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ApopTimestamp(String);

impl ApopTimestamp {
    const MAX: usize = 250;

    /// Checks a timestamp, angle brackets included.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`] when the grammar does not allow it.
    pub fn new(timestamp: impl Into<String>) -> Result<Self, InvalidArgument> {
        let timestamp = timestamp.into();
        let invalid = |problem| Err(InvalidArgument { argument: "timestamp", problem });
        if timestamp.len() > Self::MAX {
            return invalid("is longer than 250 octets");
        }
        let inside = timestamp.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
        let Some((left, right)) = inside.and_then(|inside| inside.split_once('@')) else {
            return invalid("is not <left@right>");
        };
        let is_word = |word: &str| {
            !word.is_empty()
                && word.bytes().all(|octet| octet.is_ascii_graphic() && !matches!(octet, b'<' | b'>' | b'@'))
        };
        if !is_word(left) || !is_word(right) {
            return invalid("holds a character that timestamps have not");
        }
        Ok(Self(timestamp))
    }

    /// The timestamp in the text of a greeting, if there is one.
    pub fn find(greeting: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(greeting).ok()?;
        let start = text.find('<')?;
        let timestamp = text.get(start..)?;
        let end = timestamp.find('>')?;
        Self::new(timestamp.get(..=end)?).ok()
    }

    /// The timestamp, angle brackets included.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ApopTimestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The digest of a timestamp and a password as APOP carries it: 32 hexadecimal digits, in lower case.
///
/// Opaque here: MD5 is computed and compared by the application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApopDigest(Secret);

impl ApopDigest {
    /// Checks a digest and puts it in lower case.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`] when it is not 32 hexadecimal digits.
    pub fn new(digits: &[u8]) -> Result<Self, InvalidArgument> {
        if digits.len() != 32 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(InvalidArgument { argument: "digest", problem: "is not 32 hexadecimal digits" });
        }
        Ok(Self(Secret::from(digits.to_ascii_lowercase())))
    }

    /// The digits.
    pub const fn secret(&self) -> &Secret {
        &self.0
    }
}
