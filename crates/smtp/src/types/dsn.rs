//! Delivery status notifications as a client asks for them (RFC 3461): RET and ENVID of MAIL, NOTIFY and ORCPT of
//! RCPT. Values are kept decoded; `encode` writes them as xtext or, with SMTPUTF8, as utf-8-addr-xtext.
//!
//! What is done about them, and what a notification looks like (RFC 3464), is the application's business.

use alloc::borrow::Cow;
use alloc::string::String;

use bytes::Bytes;

use super::octets::{Utf8, is_hidden};
use crate::ParseError;
use crate::parse::octet::{ATEXT, is};
use crate::parse::xtext::{unitext, xtext};

/// How much of a message a notice of failure returns: `RET=` (RFC 3461 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ret {
    /// `FULL`: all of it.
    Full,
    /// `HDRS`: its header only.
    Hdrs,
}

/// The name a sender gives to an envelope: `ENVID=` (RFC 3461 4.4). Printable ASCII and TAB, at most 100 octets as
/// it is written in xtext.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnvelopeId(Utf8);

/// When the sender wants to hear of a recipient: `NOTIFY=` (RFC 3461 4.1).
///
/// ```text
/// notify-esmtp-value = "NEVER" / 1#( "SUCCESS" / "FAILURE" / "DELAY" )
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Notify {
    success: bool,
    failure: bool,
    delay: bool,
}

/// The address a recipient had at first: `ORCPT=` (RFC 3461 4.2), at most 500 octets as it is written.
///
/// ```text
/// original-recipient-address = addr-type ";" xtext
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OriginalRecipient {
    address_type: Utf8,
    address: Utf8,
}

impl EnvelopeId {
    /// The longest value as it is written, in octets (RFC 3461 4.4).
    pub const OCTETS_MAX: usize = 100;

    /// Takes the value without its xtext.
    ///
    /// # Errors
    ///
    /// [`ParseError`] when it is empty, too long, or holds anything but printable ASCII and TAB.
    pub fn new(text: &str) -> Result<Self, ParseError> {
        Self::legal(text)?;
        Ok(Self(text.into()))
    }

    pub(crate) fn read(line: &Bytes, value: &str) -> Result<Self, ParseError> {
        let text = xtext(value).ok_or(ParseError::new("envelope identifier", 0))?;
        if value.len() > Self::OCTETS_MAX {
            return Err(ParseError::new("envelope identifier length", Self::OCTETS_MAX));
        }
        Self::legal(&text)?;
        Ok(Self(keep(line, text)))
    }

    fn legal(text: &str) -> Result<(), ParseError> {
        let legal = |octet: u8| matches!(octet, b' '..=b'~' | b'\t');
        match text.bytes().position(|octet| !legal(octet)) {
            Some(at) => Err(ParseError::new("envelope identifier", at)),
            None if text.is_empty() => Err(ParseError::new("envelope identifier", 0)),
            None if crate::encode::xtext_length(text) > Self::OCTETS_MAX => {
                Err(ParseError::new("envelope identifier length", Self::OCTETS_MAX))
            }
            None => Ok(()),
        }
    }

    /// The value without xtext.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The same in an allocation of its own, so that it does not keep alive the line it was read from.
    #[must_use]
    pub fn compact(&self) -> Self {
        Self(self.0.compact())
    }
}

impl Notify {
    /// `NEVER`: under no circumstances.
    pub const NEVER: Self = Self { success: false, failure: false, delay: false };
    /// `SUCCESS`: on delivery.
    pub const SUCCESS: Self = Self { success: true, ..Self::NEVER };
    /// `FAILURE`: when it is given up.
    pub const FAILURE: Self = Self { failure: true, ..Self::NEVER };
    /// `DELAY`: when it takes unusually long.
    pub const DELAY: Self = Self { delay: true, ..Self::NEVER };

    /// On whatever one of the two is for.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self {
            success: self.success || other.success,
            failure: self.failure || other.failure,
            delay: self.delay || other.delay,
        }
    }

    /// Whether it covers all that `other` is for; everything covers [`NEVER`](Self::NEVER).
    pub const fn covers(self, other: Self) -> bool {
        (self.success || !other.success) && (self.failure || !other.failure) && (self.delay || !other.delay)
    }

    /// Whether it is `NEVER`.
    pub const fn is_never(self) -> bool {
        !self.success && !self.failure && !self.delay
    }
}

impl OriginalRecipient {
    /// The longest parameter as it is written, keyword included, in octets (RFC 3461 4.2).
    pub const OCTETS_MAX: usize = 500;

    /// Takes an address without its encoding: of type `rfc822` for mailboxes in ASCII, `utf-8` for others
    /// (RFC 6533 3).
    ///
    /// # Errors
    ///
    /// [`ParseError`] when the type is no atom, or the address is empty, too long, or holds controls.
    pub fn new(address_type: &str, address: &str) -> Result<Self, ParseError> {
        Self::legal(address_type, address)?;
        Ok(Self { address_type: address_type.into(), address: address.into() })
    }

    /// Reads the value of the parameter.
    pub(crate) fn read(line: &Bytes, value: &str) -> Result<Self, ParseError> {
        let (address_type, encoded) =
            value.split_once(';').ok_or(ParseError::new("original recipient", value.len()))?;
        let address = if is_utf8(address_type) { unitext(encoded) } else { xtext(encoded) };
        let address = address.ok_or(ParseError::new("original recipient", 0))?;
        if value.len() > Self::OCTETS_MAX.saturating_sub("ORCPT=".len()) {
            return Err(ParseError::new("original recipient length", Self::OCTETS_MAX));
        }
        Self::legal(address_type, &address)?;
        Ok(Self { address_type: Utf8::slice(line, address_type), address: keep(line, address) })
    }

    fn legal(address_type: &str, address: &str) -> Result<(), ParseError> {
        if address_type.is_empty() || !address_type.bytes().all(|octet| octet.is_ascii() && is(octet, ATEXT))
        {
            return Err(ParseError::new("address type", 0));
        }
        // Behind the type it is a value, where no `=` may stand.
        if address_type.contains('=') {
            return Err(ParseError::new("address type", 0));
        }
        let utf8 = is_utf8(address_type);
        let legal = |character: char| !is_hidden(character) && (utf8 || character.is_ascii());
        if address.is_empty() || !address.chars().all(legal) {
            return Err(ParseError::new("original recipient", 0));
        }
        let written =
            if utf8 { crate::encode::unitext_length(address) } else { crate::encode::xtext_length(address) };
        // `ORCPT=` and the semicolon.
        if written.saturating_add(address_type.len()).saturating_add(7) > Self::OCTETS_MAX {
            return Err(ParseError::new("original recipient length", Self::OCTETS_MAX));
        }
        Ok(())
    }

    /// The type of the address, as it was written; compared without regard to case.
    pub fn address_type(&self) -> &str {
        self.address_type.as_str()
    }

    /// The address without its encoding.
    pub fn address(&self) -> &str {
        self.address.as_str()
    }

    /// The same in allocations of its own, so that it does not keep alive the line it was read from.
    #[must_use]
    pub fn compact(&self) -> Self {
        Self { address_type: self.address_type.compact(), address: self.address.compact() }
    }
}

/// Whether the type is that of addresses that may hold UTF-8 (RFC 6533 3).
pub(crate) fn is_utf8(address_type: &str) -> bool {
    address_type.eq_ignore_ascii_case("utf-8")
}

/// What was decoded, sharing the line where decoding changed nothing.
pub(crate) fn keep(line: &Bytes, text: Cow<'_, str>) -> Utf8 {
    match text {
        Cow::Borrowed(text) => Utf8::slice(line, text),
        Cow::Owned(text) => String::into(text),
    }
}
