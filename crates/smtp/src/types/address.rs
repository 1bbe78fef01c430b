//! Addresses of the envelope (RFC 5321 4.1.2, 4.1.3; RFC 6531 3.3): mailboxes, and the paths of MAIL and RCPT.
//!
//! A local part is kept unquoted and is quoted again, where it must be, when it is written. Source routes are
//! read and dropped (RFC 5321 appendix C), so no type holds one. Nothing is mapped or normalised: two spellings of
//! one name are two names here, and whether they are the same account is for who owns the domain.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::net::{Ipv4Addr, Ipv6Addr};
use core::ops::Range;
use core::str::{self, FromStr};

use bytes::Bytes;

use super::octets::{self, Utf8, is_hidden};
use crate::ParseError;
use crate::encode::quoted_length;
use crate::parse::address::{self as grammar, MailboxText};

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
///
/// Comparing is exact in both parts: see [`LocalPart`], and [`Mailbox::domain_is`].
#[derive(Clone)]
pub struct Mailbox {
    /// The line it was read from, whole: to cut it costs more than to say where the mailbox is.
    line: Bytes,
    /// Where the mailbox starts in `line`: the local part without its quotes, the `@`, the domain. The quote behind
    /// the local part may be there, so that a mailbox is one piece of its line.
    start: u32,
    /// How many octets all of that has, and how many of them are the local part.
    octets: u16,
    local_part: u16,
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
    #[expect(clippy::needless_pass_by_value, reason = "what `into_parts` gives back")]
    pub fn new(local_part: LocalPart, domain: Domain) -> Result<Self, ParseError> {
        let written = quoted_length(local_part.as_str());
        if Self::path_octets(written, domain.as_str().len()) > Self::PATH_OCTETS_MAX {
            return Err(ParseError::new("path length", Self::PATH_OCTETS_MAX));
        }
        let text = grammar::joined(local_part.0.as_bytes(), domain.0.as_bytes());
        let all = 0..text.len();
        Ok(Self::checked(text.into(), all, local_part.0.len()))
    }

    /// The part `part` of `line`. For the grammar, which has checked both parts and the length.
    #[inline]
    pub(crate) fn checked(line: Bytes, part: Range<usize>, local_part: usize) -> Self {
        let octets = u16::try_from(part.len()).unwrap_or_default();
        let local_part = u16::try_from(local_part).unwrap_or_default();
        match u32::try_from(part.start) {
            Ok(start) => Self { line, start, octets, local_part },
            Err(_) => Self { line: line.slice(part), start: 0, octets, local_part },
        }
    }

    fn place(&self) -> Range<usize> {
        let start = usize::try_from(self.start).unwrap_or_default();
        start..start.saturating_add(self.octets.into())
    }

    fn text(&self) -> &[u8] {
        self.line.get(self.place()).unwrap_or_default()
    }

    /// The part before the `@`, without quotes: what a [`LocalPart`] holds.
    pub fn local_part(&self) -> &str {
        str::from_utf8(self.parts().0).unwrap_or_default()
    }

    /// The part behind the `@`, as it was written: what a [`Domain`] holds.
    pub fn domain(&self) -> &str {
        str::from_utf8(self.parts().1).unwrap_or_default()
    }

    /// Whether its domain is `other`, whatever the case of ASCII letters (RFC 5321 2.4).
    pub fn domain_is(&self, other: &str) -> bool {
        self.parts().1.eq_ignore_ascii_case(other.as_bytes())
    }

    /// The address, where the domain is a literal: see [`Domain::literal`].
    pub fn literal(&self) -> Option<AddressLiteral<'_>> {
        grammar::literal(self.domain())
    }

    /// Both parts, each of which still shares what the mailbox shared.
    pub fn into_parts(self) -> (LocalPart, Domain) {
        let (local_part, domain) = self.parts();
        let share = |part| Utf8::from_octets(octets::slice(&self.line, part));
        (LocalPart(share(local_part)), Domain(share(domain)))
    }

    /// The octets of the local part and of the domain.
    fn parts(&self) -> (&[u8], &[u8]) {
        let text = self.text();
        match text.split_at_checked(self.local_part.into()) {
            Some((local_part, [b'"', b'@', domain @ ..] | [b'@', domain @ ..])) => (local_part, domain),
            _ => (text, &[]),
        }
    }

    /// How long the path is with its brackets and the at sign.
    pub(crate) const fn path_octets(local_part: usize, domain: usize) -> usize {
        local_part.saturating_add(domain).saturating_add(3)
    }

    /// Whether both parts are ASCII: what is not goes only to hosts that offer SMTPUTF8 (RFC 6531 3.2).
    pub fn is_ascii(&self) -> bool {
        self.text().is_ascii()
    }

    /// The same in an allocation of its own, so that it does not keep alive the line it was read from.
    #[must_use]
    pub fn compact(&self) -> Self {
        Self { line: Bytes::copy_from_slice(self.text()), start: 0, ..*self }
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

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox")
            .field("local_part", &self.local_part())
            .field("domain", &self.domain())
            .finish()
    }
}

impl PartialEq for Mailbox {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Mailbox {}

impl PartialOrd for Mailbox {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Mailbox {
    fn cmp(&self, other: &Self) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl Hash for Mailbox {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
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
        grammar::whole(grammar::local_part, text.as_bytes(), "local part")
            .map(|part| Self(Utf8::from_octets(part.copied())))
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
        grammar::whole(grammar::mailbox, text.as_bytes(), "mailbox").map(MailboxText::copied)
    }
}

impl FromStr for ReversePath {
    type Err = ParseError;

    /// Takes the path with its angle brackets.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let path = grammar::whole(grammar::reverse_path, text.as_bytes(), "reverse-path")?;
        Ok(path.map(MailboxText::copied).map_or(Self::Null, Self::Mailbox))
    }
}

impl FromStr for ForwardPath {
    type Err = ParseError;

    /// Takes the path with its angle brackets.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let path = grammar::whole(grammar::forward_path, text.as_bytes(), "forward-path")?;
        Ok(path.map(MailboxText::copied).map_or(Self::Postmaster, Self::Mailbox))
    }
}

impl fmt::Display for LocalPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::encode::local_part(self.as_str(), f)
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::encode::local_part(self.local_part(), f)?;
        write!(f, "@{}", self.domain())
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
