//! Atoms and strings (RFC 9051, section 9: `atom`, `astring`, `nstring`).
//!
//! A string is octets without NUL; whether it travels as atom, quoted string or literal is the encoder's choice.

use crate::error::InvalidValue;
use alloc::string::String;
use bytes::Bytes;
use core::fmt;

/// `atom = 1*ATOM-CHAR`: printable ASCII without `( ) { SP % * " \ ]`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Atom(Bytes);

impl Atom {
    /// Checks and takes `octets`.
    ///
    /// # Errors
    /// When `octets` is empty or holds anything but `ATOM-CHAR`.
    pub fn new(octets: impl Into<Bytes>) -> Result<Self, InvalidValue> {
        let octets = octets.into();
        if octets.is_empty() || !octets.iter().copied().all(is_atom_char) {
            return Err(InvalidValue::new("atom"));
        }
        Ok(Self(octets))
    }

    /// The atom as text; it is ASCII by construction.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The atom's octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Gives the octets away without copying.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// Whether both spell the same name; names in IMAP ignore ASCII case.
    pub fn is(&self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name.as_bytes())
    }
}

impl fmt::Debug for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Atom({})", self.as_str())
    }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `astring`: any octets without NUL, possibly none.
///
/// Peers send 8-bit text in charsets nobody declared, so this is octets; [`AString::to_str`] tries UTF-8.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AString(Bytes);

impl AString {
    /// Checks and takes `octets`.
    ///
    /// # Errors
    /// When `octets` holds NUL, which no string of IMAP can carry.
    pub fn new(octets: impl Into<Bytes>) -> Result<Self, InvalidValue> {
        let octets = octets.into();
        if memchr::memchr(0, &octets).is_some() {
            return Err(InvalidValue::new("astring"));
        }
        Ok(Self(octets))
    }

    /// Takes `octets`, which the caller has looked through.
    pub(crate) const fn without_nul(octets: Bytes) -> Self {
        Self(octets)
    }

    /// Takes `octets` with every NUL replaced by `?`, the length unchanged; for text out of messages.
    pub fn replacing_nul(octets: impl Into<Bytes>) -> Self {
        let octets = octets.into();
        if memchr::memchr(0, &octets).is_none() {
            return Self(octets);
        }
        Self(octets.iter().map(|&octet| if octet == 0 { b'?' } else { octet }).collect())
    }

    /// The octets.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Gives the octets away without copying.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    /// The text, when the octets are UTF-8.
    pub fn to_str(&self) -> Option<&str> {
        core::str::from_utf8(&self.0).ok()
    }

    /// The text with replacement characters where the octets are not UTF-8.
    pub fn to_string_lossy(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

impl fmt::Debug for AString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// `nstring`: a string or NIL.
pub type NString = Option<AString>;

/// `ATOM-CHAR`.
pub(crate) const fn is_atom_char(octet: u8) -> bool {
    is_astring_char(octet) && octet != b']'
}

/// `ASTRING-CHAR`: `ATOM-CHAR` or `]`.
pub(crate) const fn is_astring_char(octet: u8) -> bool {
    matches!(octet, 0x21..=0x7e) && !matches!(octet, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\')
}
