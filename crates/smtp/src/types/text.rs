//! Short texts with a grammar of their own: the name a client gives itself, SASL mechanism names, free text.

use core::fmt;
use core::str::FromStr;

use bytes::Bytes;

use super::octets::{Utf8, is_hidden};
use crate::ParseError;
use crate::parse::address as grammar;

/// How a party names itself: the argument of HELO, EHLO and LHLO, and the host of the greeting.
///
/// ```text
/// Domain / address-literal
/// ```
///
/// ASCII only: nothing has been negotiated yet (RFC 6531 3.7.1 wants A-labels). Single labels and underscores are
/// in use and taken; what breaks the grammar otherwise is not, so that no name needs care in a log or in a
/// `Received:` field. At most 255 octets. Whether the name is true is not known (RFC 5321 4.1.4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientName(Utf8);

/// The name of a SASL mechanism (RFC 4422 3.1): 1 to 20 of `A-Z 0-9 - _`, kept in upper case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mechanism(Utf8);

/// A line of visible text, at most 450 octets, so that it fits any reply line.
///
/// May hold UTF-8: the argument of VRFY and EXPN does when `SMTPUTF8` stands behind it (RFC 6531 3.7.4.2). No
/// controls, and nothing of what shows nothing or turns the direction of text (see [`LocalPart`](crate::LocalPart)).
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Utf8);

impl ClientName {
    /// The longest name, in octets (RFC 5321 4.5.3.1.2).
    pub const OCTETS_MAX: usize = 255;

    pub(crate) fn read(line: &Bytes, name: &[u8]) -> Result<Self, ParseError> {
        Self::legal(name)?;
        Ok(Self(Utf8::checked(line, name)))
    }

    fn legal(name: &[u8]) -> Result<(), ParseError> {
        let legal = grammar::whole(grammar::domain, name, "client name")?;
        if legal.is_ascii() { Ok(()) } else { Err(ParseError::new("client name", 0)) }
    }
}

impl FromStr for ClientName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::legal(text.as_bytes())?;
        Ok(Self(text.into()))
    }
}

impl Mechanism {
    /// The longest name, in octets.
    pub const OCTETS_MAX: usize = 20;
}

impl FromStr for Mechanism {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let legal = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        match text.bytes().position(|octet| !legal(octet)) {
            _ if text.is_empty() => Err(ParseError::new("mechanism", 0)),
            _ if text.len() > Self::OCTETS_MAX => Err(ParseError::new("mechanism length", Self::OCTETS_MAX)),
            Some(at) => Err(ParseError::new("mechanism", at)),
            None => Ok(Self(Utf8::from(text).into_upper())),
        }
    }
}

impl Text {
    /// The longest text, in octets.
    pub const OCTETS_MAX: usize = 450;

    pub(crate) fn read(line: &Bytes, text: &[u8]) -> Result<Self, ParseError> {
        let text =
            core::str::from_utf8(text).map_err(|error| ParseError::new("text", error.valid_up_to()))?;
        Self::legal(text).map(|text| Self(Utf8::slice(line, text)))
    }

    pub(crate) fn checked(text: Utf8) -> Result<Self, ParseError> {
        Self::legal(text.as_str())?;
        Ok(Self(text))
    }

    pub(crate) const fn octets(&self) -> &Utf8 {
        &self.0
    }

    fn legal(text: &str) -> Result<&str, ParseError> {
        match text.char_indices().find(|(_, character)| is_hidden(*character)) {
            Some((at, _)) => Err(ParseError::new("text", at)),
            None if text.len() > Self::OCTETS_MAX => Err(ParseError::new("text length", Self::OCTETS_MAX)),
            None => Ok(text),
        }
    }
}

impl FromStr for Text {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::legal(text).map(|text| Self(text.into()))
    }
}

macro_rules! is_text {
    ($($name:ident),*) => {$(
        impl $name {
            /// As text.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            /// The same in an allocation of its own, so that it does not keep alive the line it was read from.
            #[must_use]
            pub fn compact(&self) -> Self {
                Self(self.0.compact())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl TryFrom<&str> for $name {
            type Error = ParseError;

            fn try_from(text: &str) -> Result<Self, ParseError> {
                text.parse()
            }
        }
    )*};
}

is_text!(ClientName, Mechanism, Text);
