//! What follows the path in MAIL and RCPT: `keyword[=value]` parameters (RFC 5321 4.1.2).
//!
//! Known ones are typed. Unknown ones are kept as data: whether they are acceptable is the session's business.

use alloc::vec::Vec;

use bytes::Bytes;

use super::octets::{Utf8, is_hidden};
use crate::parse::octet::{KEYWORD, VALUE, is};
use crate::{
    DeliverBy, EnvelopeId, Hold, Mailbox, Notify, OriginalRecipient, ParseError, Priority, Ret, ValidSince,
};

/// One parameter that this crate has no type for.
///
/// ```text
/// esmtp-param = esmtp-keyword ["=" esmtp-value]
/// ```
///
/// A value may hold UTF-8 (RFC 6531 3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    keyword: Utf8,
    value: Option<Utf8>,
}

/// The content a message declares with `BODY=` (RFC 6152, RFC 3030). Each holds what those before it hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum BodyType {
    /// Octets up to 127 only. What holds where nothing is declared.
    #[default]
    SevenBit,
    /// Octets over 127 may occur.
    EightBitMime,
    /// Any octets, lines of any length, NUL and bare CR or LF included; only by BDAT (RFC 3030 3).
    BinaryMime,
}

/// Who submitted the message first, as `AUTH=` claims (RFC 4954 5). Worth what the peer is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthIdentity {
    /// `<>`: not known, or not authenticated.
    Unknown,
    /// A mailbox.
    Mailbox(Mailbox),
}

/// The parameters of MAIL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailParameters {
    /// `SIZE=`: how many octets the client expects to send (RFC 1870).
    pub size: Option<u64>,
    /// `BODY=` (RFC 6152).
    pub body: Option<BodyType>,
    /// `AUTH=` (RFC 4954 5).
    pub auth: Option<AuthIdentity>,
    /// `RET=` (RFC 3461).
    pub ret: Option<Ret>,
    /// `ENVID=` (RFC 3461).
    pub envelope_id: Option<EnvelopeId>,
    /// `SMTPUTF8`: addresses or header fields hold UTF-8 (RFC 6531 3.4).
    pub smtp_utf8: bool,
    /// `REQUIRETLS`: no hop may be without TLS (RFC 8689).
    pub require_tls: bool,
    /// `HOLDFOR=` or `HOLDUNTIL=` (RFC 4865).
    pub hold: Option<Hold>,
    /// `BY=` (RFC 2852).
    pub deliver_by: Option<DeliverBy>,
    /// `MT-PRIORITY=` (RFC 6710).
    pub priority: Option<Priority>,
    /// All others, in order, no keyword twice.
    pub others: Vec<Parameter>,
}

/// The parameters of RCPT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RcptParameters {
    /// `NOTIFY=` (RFC 3461).
    pub notify: Option<Notify>,
    /// `ORCPT=` (RFC 3461).
    pub original: Option<OriginalRecipient>,
    /// `RRVS=` (RFC 7293).
    pub valid_since: Option<ValidSince>,
    /// All others, in order, no keyword twice.
    pub others: Vec<Parameter>,
}

impl AuthIdentity {
    /// The same in allocations of its own, so that it does not keep alive the line it was read from.
    #[must_use]
    pub fn compact(&self) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::Mailbox(mailbox) => Self::Mailbox(mailbox.compact()),
        }
    }
}

impl MailParameters {
    /// The same in allocations of its own, so that it does not keep alive the line it was read from.
    #[must_use]
    pub fn compact(&self) -> Self {
        Self {
            size: self.size,
            body: self.body,
            auth: self.auth.as_ref().map(AuthIdentity::compact),
            ret: self.ret,
            envelope_id: self.envelope_id.as_ref().map(EnvelopeId::compact),
            smtp_utf8: self.smtp_utf8,
            require_tls: self.require_tls,
            hold: self.hold.as_ref().map(Hold::compact),
            deliver_by: self.deliver_by,
            priority: self.priority,
            others: self.others.iter().map(Parameter::compact).collect(),
        }
    }
}

impl RcptParameters {
    /// The same in allocations of its own, so that it does not keep alive the line it was read from.
    #[must_use]
    pub fn compact(&self) -> Self {
        Self {
            notify: self.notify,
            original: self.original.as_ref().map(OriginalRecipient::compact),
            valid_since: self.valid_since.as_ref().map(ValidSince::compact),
            others: self.others.iter().map(Parameter::compact).collect(),
        }
    }
}

impl Parameter {
    /// Makes a parameter; the keyword is kept in upper case.
    ///
    /// # Errors
    ///
    /// [`ParseError`] when the keyword or the value breaks the grammar of RFC 5321 4.1.2.
    pub fn new(keyword: &str, value: Option<&str>) -> Result<Self, ParseError> {
        Self::legal(keyword, value)?;
        Ok(Self { keyword: Utf8::from(keyword).into_upper(), value: value.map(Utf8::from) })
    }

    pub(crate) fn read(line: &Bytes, keyword: &str, value: Option<&str>) -> Result<Self, ParseError> {
        Self::legal(keyword, value)?;
        let value = value.map(|value| Utf8::slice(line, value));
        Ok(Self { keyword: Utf8::slice(line, keyword).into_upper(), value })
    }

    fn legal(keyword: &str, value: Option<&str>) -> Result<(), ParseError> {
        if keyword.is_empty() || keyword.starts_with('-') || !keyword.bytes().all(|octet| is(octet, KEYWORD))
        {
            return Err(ParseError::new("parameter keyword", 0));
        }
        let illegal = |value: &str| {
            value.is_empty() || !value.bytes().all(|octet| is(octet, VALUE)) || value.contains(is_hidden)
        };
        if value.is_some_and(illegal) {
            return Err(ParseError::new("parameter value", keyword.len()));
        }
        Ok(())
    }

    /// The keyword, in upper case.
    pub fn keyword(&self) -> &str {
        self.keyword.as_str()
    }

    /// The value as it was written.
    pub fn value(&self) -> Option<&str> {
        self.value.as_ref().map(Utf8::as_str)
    }

    /// The same in allocations of its own, so that it does not keep alive the line it was read from.
    #[must_use]
    pub fn compact(&self) -> Self {
        Self { keyword: self.keyword.compact(), value: self.value.as_ref().map(Utf8::compact) }
    }
}
