//! Names that compare without regard to case, and identifiers that compare with it.

use crate::error::InvalidValue;
use crate::types::{AString, Atom};
use bytes::Bytes;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};

/// An atom that names something of the protocol: a mechanism, an algorithm, an event. Ignores ASCII case.
#[derive(Clone)]
pub struct Label(Atom);

impl Label {
    /// Checks and takes `octets`.
    ///
    /// # Errors
    /// When `octets` is not an atom.
    pub fn new(octets: impl Into<Bytes>) -> Result<Self, InvalidValue> {
        Atom::new(octets).map(Self).map_err(|_| InvalidValue::new("label"))
    }

    /// The name as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The octets of the name.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Whether both spell the same name.
    pub fn is(&self, name: &str) -> bool {
        self.0.is(name)
    }

    fn folded(&self) -> impl Iterator<Item = u8> + '_ {
        self.as_bytes().iter().map(u8::to_ascii_lowercase)
    }
}

impl From<Atom> for Label {
    fn from(atom: Atom) -> Self {
        Self(atom)
    }
}

impl PartialEq for Label {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes().eq_ignore_ascii_case(other.as_bytes())
    }
}

impl Eq for Label {}

impl PartialOrd for Label {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Label {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(other.folded())
    }
}

impl Hash for Label {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().for_each(|octet| octet.hash(state));
        0xff_u8.hash(state);
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Label({})", self.as_str())
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `objectid = 1*255(ALPHA / DIGIT / "_" / "-")` (RFC 8474, section 7). Case matters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(Bytes);

impl ObjectId {
    /// The longest identifier in octets.
    pub const LEN_MAX: usize = 255;

    /// Checks and takes `octets`.
    ///
    /// # Errors
    /// When `octets` is empty, longer than [`ObjectId::LEN_MAX`] or holds anything but letters, digits, `_` and `-`.
    pub fn new(octets: impl Into<Bytes>) -> Result<Self, InvalidValue> {
        let octets = octets.into();
        if octets.is_empty() || octets.len() > Self::LEN_MAX || !octets.iter().copied().all(is_object_id_char)
        {
            return Err(InvalidValue::new("objectid"));
        }
        Ok(Self(octets))
    }

    /// The identifier; it is ASCII by construction.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl From<&ObjectId> for AString {
    fn from(id: &ObjectId) -> Self {
        Self::without_nul(id.0.clone())
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({})", self.as_str())
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An octet of `objectid`.
pub(crate) const fn is_object_id_char(octet: u8) -> bool {
    matches!(octet, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-')
}
