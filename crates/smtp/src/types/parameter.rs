//! What follows the path in MAIL and RCPT: `keyword[=value]` parameters (RFC 5321 4.1.2).
//!
//! Known ones are typed. Unknown ones are kept as data: whether they are acceptable is the session's business.

use alloc::string::String;
use alloc::vec::Vec;

use crate::{
    DeliverBy, EnvelopeId, Hold, Mailbox, Notify, OriginalRecipient, ParseError, Priority, Ret, ValidSince,
};

/// One parameter that this crate has no type for.
///
/// ```text
/// esmtp-param = esmtp-keyword ["=" esmtp-value]
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    keyword: String,
    value: Option<String>,
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

impl Parameter {
    /// Makes a parameter; the keyword is kept in upper case.
    ///
    /// # Errors
    ///
    /// [`ParseError`] when the keyword or the value breaks the grammar of RFC 5321 4.1.2.
    pub fn new(keyword: &str, value: Option<&str>) -> Result<Self, ParseError> {
        let first = keyword.bytes().next().is_some_and(|octet| octet.is_ascii_alphanumeric());
        if !first || !keyword.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-') {
            return Err(ParseError::new("parameter keyword", 0));
        }
        let value_octet = |octet: u8| matches!(octet, b'!'..=b'~') && octet != b'=';
        if value.is_some_and(|value| value.is_empty() || !value.bytes().all(value_octet)) {
            return Err(ParseError::new("parameter value", keyword.len()));
        }
        Ok(Self { keyword: keyword.to_ascii_uppercase(), value: value.map(String::from) })
    }

    /// The keyword, in upper case.
    pub fn keyword(&self) -> &str {
        &self.keyword
    }

    /// The value as it was written.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }
}
