//! Addresses of the envelope (RFC 5321 4.1.2, 4.1.3): mailboxes, and the paths of MAIL and RCPT.
//!
//! A local part is kept unquoted and is quoted again, where it must be, when it is written. Source routes are
//! read and dropped (RFC 5321 appendix C), so no type holds one. ASCII only: SMTPUTF8 is not spoken here.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use crate::ParseError;
use crate::encode::quoted_length;
use crate::parse::address as grammar;

/// The part of a mailbox before the `@`, without quotes: printable ASCII, at most 64 octets as written.
///
/// ```text
/// Local-part = Dot-string / Quoted-string
/// ```
///
/// Only the host of its domain knows what it means, so comparing is exact (RFC 5321 2.4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalPart(String);

/// A domain name or an address literal in brackets, as it was written; at most 255 octets.
///
/// ```text
/// Domain          = sub-domain *("." sub-domain)
/// address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal ) "]"
/// ```
///
/// Comparing ignores the case of ASCII letters only through [`Domain::is`]; `==` is exact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(String);

/// `local-part@domain`, such that the path it makes is at most 256 octets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mailbox {
    local_part: LocalPart,
    domain: Domain,
}

/// Where errors go: the argument of MAIL FROM.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReversePath {
    /// `<>`: nobody is to be told, as in a bounce (RFC 5321 4.5.5).
    Null,
    /// A mailbox.
    Mailbox(Mailbox),
}

/// Where the message goes: the argument of RCPT TO.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ForwardPath {
    /// `<postmaster>` without a domain: the postmaster of this host (RFC 5321 4.5.1).
    Postmaster,
    /// A mailbox.
    Mailbox(Mailbox),
}

impl LocalPart {
    /// The longest local part as it is written, quotes included, in octets (RFC 5321 4.5.3.1.1).
    pub const OCTETS_MAX: usize = 64;

    /// Takes a local part without quotes.
    ///
    /// # Errors
    ///
    /// [`ParseError`] when it holds anything but printable ASCII or is too long.
    pub fn new(text: &str) -> Result<Self, ParseError> {
        if let Some(at) = text.bytes().position(|octet| !matches!(octet, b' '..=b'~')) {
            return Err(ParseError::new("local part", at));
        }
        if quoted_length(text) > Self::OCTETS_MAX {
            return Err(ParseError::new("local part length", Self::OCTETS_MAX));
        }
        Ok(Self(text.into()))
    }

    /// The local part without quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Domain {
    /// The longest domain, in octets (RFC 5321 4.5.3.1.2).
    pub const OCTETS_MAX: usize = 255;

    /// Takes a domain name or a literal.
    ///
    /// # Errors
    ///
    /// [`ParseError`] when it is neither, or too long.
    pub fn new(text: &str) -> Result<Self, ParseError> {
        grammar::whole(grammar::domain, text.as_bytes(), "domain")
    }

    /// For the grammar, which has checked the text.
    pub(crate) fn checked(text: &str) -> Option<Self> {
        (text.len() <= Self::OCTETS_MAX).then(|| Self(text.into()))
    }

    /// The domain as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is an address literal.
    pub fn is_literal(&self) -> bool {
        self.0.starts_with('[')
    }

    /// Whether it is the domain `other`, whatever the case of letters (RFC 5321 2.4).
    pub fn is(&self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other)
    }
}

impl Mailbox {
    /// The longest path, angle brackets included, in octets (RFC 5321 4.5.3.1.3).
    pub const PATH_OCTETS_MAX: usize = 256;

    /// Puts a mailbox together.
    ///
    /// # Errors
    ///
    /// [`ParseError`] when the path would be too long.
    pub fn new(local_part: LocalPart, domain: Domain) -> Result<Self, ParseError> {
        // The brackets and the at sign.
        let octets = quoted_length(&local_part.0).saturating_add(domain.0.len()).saturating_add(3);
        if octets > Self::PATH_OCTETS_MAX {
            return Err(ParseError::new("path length", Self::PATH_OCTETS_MAX));
        }
        Ok(Self { local_part, domain })
    }

    /// The part before the `@`.
    pub const fn local_part(&self) -> &LocalPart {
        &self.local_part
    }

    /// The part behind the `@`.
    pub const fn domain(&self) -> &Domain {
        &self.domain
    }
}

impl ReversePath {
    /// The mailbox, where there is one.
    pub const fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            Self::Null => None,
            Self::Mailbox(mailbox) => Some(mailbox),
        }
    }
}

impl ForwardPath {
    /// The mailbox, unless the path is the bare `<postmaster>`.
    pub const fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            Self::Postmaster => None,
            Self::Mailbox(mailbox) => Some(mailbox),
        }
    }
}

impl From<Mailbox> for ReversePath {
    fn from(mailbox: Mailbox) -> Self {
        Self::Mailbox(mailbox)
    }
}

impl From<Mailbox> for ForwardPath {
    fn from(mailbox: Mailbox) -> Self {
        Self::Mailbox(mailbox)
    }
}

impl FromStr for LocalPart {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        grammar::whole(grammar::local_part, text.as_bytes(), "local part")
    }
}

impl FromStr for Domain {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::new(text)
    }
}

impl FromStr for Mailbox {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        grammar::whole(grammar::mailbox, text.as_bytes(), "mailbox")
    }
}

impl FromStr for ReversePath {
    type Err = ParseError;

    /// Takes the path with its angle brackets.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        grammar::whole(grammar::reverse_path, text.as_bytes(), "reverse-path")
    }
}

impl FromStr for ForwardPath {
    type Err = ParseError;

    /// Takes the path with its angle brackets.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        grammar::whole(grammar::forward_path, text.as_bytes(), "forward-path")
    }
}

impl fmt::Display for LocalPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::encode::local_part(self, f)
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local_part, self.domain)
    }
}

impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<>"),
            Self::Mailbox(mailbox) => write!(f, "<{mailbox}>"),
        }
    }
}

impl fmt::Display for ForwardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postmaster => f.write_str("<postmaster>"),
            Self::Mailbox(mailbox) => write!(f, "<{mailbox}>"),
        }
    }
}
