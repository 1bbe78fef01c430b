//! Delivery status notifications as a client asks for them (RFC 3461): RET and ENVID of MAIL, NOTIFY and ORCPT of
//! RCPT. Values are kept decoded; `encode` writes them as xtext or, with SMTPUTF8, as utf-8-addr-xtext.
//!
//! What is done about them, and what a notification looks like (RFC 3464), is the application's business.

use alloc::string::String;

use crate::ParseError;

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
pub struct EnvelopeId(String);

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
    address_type: String,
    address: String,
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
        let legal = |octet: u8| matches!(octet, b' '..=b'~' | b'\t');
        match text.bytes().position(|octet| !legal(octet)) {
            Some(at) => Err(ParseError::new("envelope identifier", at)),
            None if text.is_empty() => Err(ParseError::new("envelope identifier", 0)),
            None if crate::encode::xtext(text).len() > Self::OCTETS_MAX => {
                Err(ParseError::new("envelope identifier length", Self::OCTETS_MAX))
            }
            None => Ok(Self(text.into())),
        }
    }

    /// The value without xtext.
    pub fn as_str(&self) -> &str {
        &self.0
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
        let atom = |octet: u8| crate::parse::address::is_atext(octet);
        if address_type.is_empty() || !address_type.bytes().all(atom) {
            return Err(ParseError::new("address type", 0));
        }
        let utf8 = address_type.eq_ignore_ascii_case("utf-8");
        let legal = |c: char| !c.is_control() && (utf8 || c.is_ascii());
        if address.is_empty() || !address.chars().all(legal) {
            return Err(ParseError::new("original recipient", 0));
        }
        Ok(Self { address_type: address_type.into(), address: address.into() })
    }

    /// The type of the address, as it was written; compared without regard to case.
    pub fn address_type(&self) -> &str {
        &self.address_type
    }

    /// The address without its encoding.
    pub fn address(&self) -> &str {
        &self.address
    }
}
