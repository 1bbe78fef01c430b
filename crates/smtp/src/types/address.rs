//! Addresses of the envelope (RFC 5321 4.1.2, 4.1.3; RFC 6531 3.3): mailboxes, and the paths of MAIL and RCPT.
//!
//! A local part is kept unquoted and is quoted again, where it must be, when it is written. Source routes are
//! read and dropped (RFC 5321 appendix C), so no type holds one. Nothing is mapped or normalised: two spellings of
//! one name are two names here, and whether they are the same account is for who owns the domain.

use bytes::Bytes;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use super::octets::{Utf8, is_hidden};
use crate::ParseError;
use crate::encode::quoted_length;
use crate::parse::address as grammar;

/// The part of a mailbox before the `@`, without quotes: printable ASCII or UTF-8, at most 64 octets as written.
///
/// ```text
/// Local-part = Dot-string / Quoted-string
/// ```
///
/// Only the host of its domain knows what it means, so comparing is exact (RFC 5321 2.4). Characters that show
/// nothing are refused: controls, U+200B to U+200F, U+2028 to U+202E, U+2060 to U+206F, U+FEFF and noncharacters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalPart(Utf8);

/// A domain name or an address literal in brackets, as it was written; at most 255 octets.
///
/// ```text
/// Domain          = sub-domain *("." sub-domain)
/// sub-domain      = Let-dig [Ldh-str] / U-label
/// address-literal = "[" ( IPv4-address-literal / IPv6-address-literal / General-address-literal ) "]"
/// ```
///
/// Comparing ignores the case of ASCII letters only through [`Domain::is`]; `==` is exact. Taken beyond the
/// letter: underscores, which are in use. Refused beyond it: labels of more than 63 characters (RFC 1035 2.3.4),
/// which no name has; in labels that are not ASCII, what shows nothing (see [`LocalPart`]), and what looks like a
/// full stop or an at sign and might be taken for one later. Whether a label is one of IDNA is not checked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(Utf8);

/// What the brackets of an address literal hold (RFC 5321 4.1.3).
///
/// Only what the grammar spells: no hexadecimal or single number for IPv4, no leading zeros, no zone for IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AddressLiteral<'a> {
    /// `[192.0.2.1]`.
    V4(Ipv4Addr),
    /// `[IPv6:2001:db8::1]`. An address that maps IPv4 stays one of IPv6.
    V6(Ipv6Addr),
    /// `[tag:content]`: a kind of address that this crate does not know.
    General {
        /// The tag, as it was written.
        tag: &'a str,
        /// What follows the colon.
        content: &'a str,
    },
}

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
    /// The longest local part as it is written, quotes included where they are needed, in octets
    /// (RFC 5321 4.5.3.1.1).
    pub const OCTETS_MAX: usize = 64;

    /// Takes a local part without quotes.
    ///
    /// # Errors
    ///
    /// [`ParseError`] when it holds a character that shows nothing, or is too long.
    pub fn new(text: &str) -> Result<Self, ParseError> {
        if let Some((at, _)) = text.char_indices().find(|(_, character)| is_hidden(*character)) {
            return Err(ParseError::new("local part", at));
        }
        if quoted_length(text) > Self::OCTETS_MAX {
            return Err(ParseError::new("local part length", Self::OCTETS_MAX));
        }
        Ok(Self(text.into()))
    }

    /// For the grammar, which has checked the text.
    pub(crate) const fn checked(text: Utf8) -> Self {
        Self(text)
    }

    /// The local part without quotes.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it is ASCII: what is not goes only to hosts that offer SMTPUTF8 (RFC 6531 3.2).
    pub fn is_ascii(&self) -> bool {
        self.0.as_bytes().is_ascii()
    }

    /// The same in an allocation of its own, so that it does not keep alive the line it was read from.
    #[must_use]
    pub fn compact(&self) -> Self {
        Self(self.0.compact())
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
        grammar::whole(grammar::domain, text.as_bytes(), "domain").map(|_| Self(text.into()))
    }

    /// For the grammar, which has checked the text.
    pub(crate) const fn checked(text: Utf8) -> Self {
        Self(text)
    }

    /// The domain as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it is an address literal.
    pub fn is_literal(&self) -> bool {
        self.0.as_bytes().first() == Some(&b'[')
    }

    /// The address, where it is a literal. Whose address it is, and whether to connect to it, is not decided here.
    pub fn literal(&self) -> Option<AddressLiteral<'_>> {
        grammar::literal(self.as_str())
    }

    /// Whether it is ASCII: what is not goes only to hosts that offer SMTPUTF8 (RFC 6531 3.2).
    pub fn is_ascii(&self) -> bool {
        self.0.as_bytes().is_ascii()
    }

    /// Whether it is the domain `other`, whatever the case of ASCII letters (RFC 5321 2.4).
    pub fn is(&self, other: &str) -> bool {
        self.0.as_bytes().eq_ignore_ascii_case(other.as_bytes())
    }

    /// The same in an allocation of its own, so that it does not keep alive the line it was read from.
    #[must_use]
    pub fn compact(&self) -> Self {
        Self(self.0.compact())
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
        let written = quoted_length(local_part.as_str());
        if Self::path_octets(written, domain.as_str().len()) > Self::PATH_OCTETS_MAX {
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

    /// How long the path is with its brackets and the at sign.
    pub(crate) const fn path_octets(local_part: usize, domain: usize) -> usize {
        local_part.saturating_add(domain).saturating_add(3)
    }

    /// For the grammar, which has checked the length.
    pub(crate) const fn checked(local_part: LocalPart, domain: Domain) -> Self {
        Self { local_part, domain }
    }

    /// Whether both parts are ASCII: what is not goes only to hosts that offer SMTPUTF8 (RFC 6531 3.2).
    pub fn is_ascii(&self) -> bool {
        self.local_part.is_ascii() && self.domain.is_ascii()
    }

    /// The same in allocations of its own, so that it does not keep alive the line it was read from.
    #[must_use]
    pub fn compact(&self) -> Self {
        Self { local_part: self.local_part.compact(), domain: self.domain.compact() }
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

    /// Whether it is ASCII: what is not goes only to hosts that offer SMTPUTF8 (RFC 6531 3.2).
    pub fn is_ascii(&self) -> bool {
        self.mailbox().is_none_or(Mailbox::is_ascii)
    }

    /// The same in allocations of its own, so that it does not keep alive the line it was read from.
    #[must_use]
    pub fn compact(&self) -> Self {
        self.mailbox().map_or(Self::Null, |mailbox| Self::Mailbox(mailbox.compact()))
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

    /// Whether it is ASCII: what is not goes only to hosts that offer SMTPUTF8 (RFC 6531 3.2).
    pub fn is_ascii(&self) -> bool {
        self.mailbox().is_none_or(Mailbox::is_ascii)
    }

    /// The same in allocations of its own, so that it does not keep alive the line it was read from.
    #[must_use]
    pub fn compact(&self) -> Self {
        self.mailbox().map_or(Self::Postmaster, |mailbox| Self::Mailbox(mailbox.compact()))
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

    /// Takes it as it is written, in quotes or without.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let line = Bytes::copy_from_slice(text.as_bytes());
        grammar::whole(grammar::local_part, &line, "local part").map(|part| part.keep(&line))
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
        let line = Bytes::copy_from_slice(text.as_bytes());
        grammar::whole(grammar::mailbox, &line, "mailbox").map(|mailbox| mailbox.keep(&line))
    }
}

impl FromStr for ReversePath {
    type Err = ParseError;

    /// Takes the path with its angle brackets.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let line = Bytes::copy_from_slice(text.as_bytes());
        grammar::whole(grammar::reverse_path, &line, "reverse-path").map(|path| path.keep_reverse(&line))
    }
}

impl FromStr for ForwardPath {
    type Err = ParseError;

    /// Takes the path with its angle brackets.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let line = Bytes::copy_from_slice(text.as_bytes());
        grammar::whole(grammar::forward_path, &line, "forward-path").map(|path| path.keep_forward(&line))
    }
}

impl fmt::Display for LocalPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::encode::local_part(self, f)
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
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
