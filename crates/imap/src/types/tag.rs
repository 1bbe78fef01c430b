//! Command tags (RFC 9051, sections 2.2.1 and 9).

use crate::error::InvalidValue;
use crate::types::string::is_astring_char;
use bytes::Bytes;
use core::fmt;

/// `tag = 1*<any ASTRING-CHAR except "+">`, at most [`Tag::LEN_MAX`] octets. Case matters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Bytes);

impl Tag {
    /// The longest tag accepted: a tag is echoed, so its length is bounded.
    pub const LEN_MAX: usize = 126;

    /// Checks and takes `octets`.
    ///
    /// # Errors
    /// When `octets` is empty, longer than [`Tag::LEN_MAX`], or holds `+` or anything but `ASTRING-CHAR`.
    pub fn new(octets: impl Into<Bytes>) -> Result<Self, InvalidValue> {
        let octets = octets.into();
        if octets.is_empty() || octets.len() > Self::LEN_MAX || !octets.iter().copied().all(is_tag_char) {
            return Err(InvalidValue::new("tag"));
        }
        Ok(Self(octets))
    }

    /// The tag as text; it is ASCII by construction.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The tag's octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({})", self.as_str())
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An octet that may stand in a tag.
pub(crate) const fn is_tag_char(octet: u8) -> bool {
    is_astring_char(octet) && octet != b'+'
}
