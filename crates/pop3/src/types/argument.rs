//! Arguments that people choose: names, passwords, mechanism names. None can hold a line end, so none can add a
//! command to the stream.

use alloc::string::String;
use core::fmt;

use posthaste_wire::{Misuse, Secret};

/// An argument that cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{argument} {problem}")]
pub struct InvalidArgument {
    /// The argument.
    pub argument: &'static str,
    /// What is wrong with it, as in "is empty".
    pub problem: &'static str,
}

impl From<InvalidArgument> for Misuse {
    fn from(InvalidArgument { argument, problem }: InvalidArgument) -> Self {
        Self::Argument { argument, problem }
    }
}

/// The name of a maildrop, as USER and APOP carry it (RFC 1939 7; UTF-8 as in RFC 6856 2.1).
///
/// At most 255 octets of UTF-8 without control characters. Spaces inside are part of the name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(String);

impl UserName {
    const MAX: usize = 255;

    /// Checks a name.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`] when it is empty, over 255 octets, or holds a control character.
    pub fn new(name: impl Into<String>) -> Result<Self, InvalidArgument> {
        let name = name.into();
        let invalid = |problem| Err(InvalidArgument { argument: "user name", problem });
        if name.is_empty() {
            return invalid("is empty");
        }
        if name.len() > Self::MAX {
            return invalid("is longer than 255 octets");
        }
        if name.chars().any(char::is_control) {
            return invalid("holds a control character");
        }
        if name.starts_with(' ') || name.ends_with(' ') {
            return invalid("begins or ends with a space");
        }
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A password as PASS carries it (RFC 1939 7): any octets but CR, LF and NUL, at least one. Spaces count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Password(Secret);

impl Password {
    /// Checks a password.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`] when it is empty or holds CR, LF or NUL.
    pub fn new(password: Secret) -> Result<Self, InvalidArgument> {
        let invalid = |problem| Err(InvalidArgument { argument: "password", problem });
        if password.is_empty() {
            return invalid("is empty");
        }
        if password.expose().iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)) {
            return invalid("holds CR, LF or NUL");
        }
        Ok(Self(password))
    }

    /// The password.
    pub const fn secret(&self) -> &Secret {
        &self.0
    }

    /// The password, given away.
    pub fn into_secret(self) -> Secret {
        self.0
    }
}

/// The name of a SASL mechanism, in capitals.
///
/// ```text
/// sasl-mech = 1*20(ALPHA / DIGIT / "-" / "_")     ; RFC 4422 3.1
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MechanismName(String);

impl MechanismName {
    /// Checks a name and puts it in capitals.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`] when it has no or more than 20 characters, or other characters than the grammar has.
    pub fn new(name: &str) -> Result<Self, InvalidArgument> {
        let invalid = |problem| Err(InvalidArgument { argument: "mechanism", problem });
        if name.is_empty() || name.len() > 20 {
            return invalid("has not between 1 and 20 characters");
        }
        if !name.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_')) {
            return invalid("holds a character that mechanism names have not");
        }
        Ok(Self(name.to_ascii_uppercase()))
    }

    /// The name, in capitals.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MechanismName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
