//! The tokens of MIME (RFC 2045 5.1): media types, names of parameters, transfer encodings.
//!
//! They are case-insensitive, and here always in lower case. A token is cloned without a copy of its octets.

use alloc::string::String;
use core::{fmt, ops::Deref};

use bytes::Bytes;

/// A token in lower case. Reads as a `str`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(Bytes);

impl Token {
    /// The token that `octets` are, in any case.
    pub(super) fn of(octets: &[u8]) -> Option<Self> {
        let is_one = !octets.is_empty() && octets.iter().copied().all(is_token);
        is_one.then(|| Self(octets.to_ascii_lowercase().into()))
    }

    /// The token that `octets`, in lower case, are: the same octets, and not a copy of them.
    pub(super) fn of_lower_case(octets: Bytes) -> Option<Self> {
        let is_one =
            !octets.is_empty() && octets.iter().all(|octet| is_token(*octet) && !octet.is_ascii_uppercase());
        is_one.then_some(Self(octets))
    }

    /// Takes what the caller knows to be made of the octets of tokens.
    pub(super) fn made(text: String) -> Self {
        Self(text.into())
    }

    /// A token that is known when this is compiled.
    pub(super) const fn known(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// The octets, to be put elsewhere in memory and not to be changed.
    pub(super) fn octets_mut(&mut self) -> &mut Bytes {
        &mut self.0
    }

    /// The token as text; it is ASCII by construction.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Gives the octets away without copying.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl Deref for Token {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq<str> for Token {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Token {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

/// RFC 2045 5.1: printable ASCII but for the tspecials.
pub(super) const fn is_token(octet: u8) -> bool {
    octet.is_ascii_graphic()
        && !matches!(
            octet,
            b'(' | b')'
                | b'<'
                | b'>'
                | b'@'
                | b','
                | b';'
                | b':'
                | b'\\'
                | b'"'
                | b'/'
                | b'['
                | b']'
                | b'?'
                | b'='
        )
}
