//! Short texts with a grammar of their own: the name a client gives itself, SASL mechanism names, free text.

use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use crate::ParseError;

/// How a party names itself: the argument of HELO, EHLO and LHLO, and the host of the greeting.
///
/// A domain or an address literal (RFC 5321 4.1.1.1). Names in use break the letter of the grammar (underscores,
/// single labels), so any run of letters, digits and `- . _ [ ] :` is taken. At most 255 octets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientName(String);

/// The name of a SASL mechanism (RFC 4422 3.1): 1 to 20 of `A-Z 0-9 - _`, kept in upper case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mechanism(String);

/// A line of printable text: ASCII from space to tilde, at most 450 octets, so that it fits any reply line.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(String);

impl ClientName {
    /// The longest name, in octets (RFC 5321 4.5.3.1.2).
    pub const OCTETS_MAX: usize = 255;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let legal = |octet: u8| octet.is_ascii_alphanumeric() || b"-._[]:".contains(&octet);
        match text.bytes().position(|octet| !legal(octet)) {
            _ if text.is_empty() => Err(ParseError::new("client name", 0)),
            _ if text.len() > Self::OCTETS_MAX => {
                Err(ParseError::new("client name length", Self::OCTETS_MAX))
            }
            Some(at) => Err(ParseError::new("client name", at)),
            None => Ok(Self(text.into())),
        }
    }
}

impl Mechanism {
    /// The longest name, in octets.
    pub const OCTETS_MAX: usize = 20;

    /// The name, in upper case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Mechanism {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let legal = |octet: u8| octet.is_ascii_alphanumeric() || b"-_".contains(&octet);
        match text.bytes().position(|octet| !legal(octet)) {
            _ if text.is_empty() => Err(ParseError::new("mechanism", 0)),
            _ if text.len() > Self::OCTETS_MAX => Err(ParseError::new("mechanism length", Self::OCTETS_MAX)),
            Some(at) => Err(ParseError::new("mechanism", at)),
            None => Ok(Self(text.to_ascii_uppercase())),
        }
    }
}

impl Text {
    /// The longest text, in octets.
    pub const OCTETS_MAX: usize = 450;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Text {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.bytes().position(|octet| !matches!(octet, b' '..=b'~')) {
            Some(at) => Err(ParseError::new("text", at)),
            None if text.len() > Self::OCTETS_MAX => Err(ParseError::new("text length", Self::OCTETS_MAX)),
            None => Ok(Self(text.into())),
        }
    }
}

macro_rules! prints_as_str {
    ($($name:ty),*) => {$(
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

prints_as_str!(ClientName, Mechanism, Text);
