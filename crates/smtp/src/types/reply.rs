//! Replies (RFC 5321 4.2) with their enhanced status (RFC 2034, RFC 3463), and the ones that refuse.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::ParseError;

/// The enhanced status of a reply: `class.subject.detail`. The class is that of the reply's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnhancedStatus {
    class: u8,
    subject: u16,
    detail: u16,
}

/// What the first digit of a code says (RFC 5321 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReplyClass {
    /// 2: done.
    Completed,
    /// 3: go on.
    Intermediate,
    /// 4: not now; the same may work later.
    Transient,
    /// 5: no.
    Permanent,
}

/// A reply: a code, perhaps an enhanced status, and one or more lines of text.
///
/// No line holds a control character or has over 480 octets; there are at most 100.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    enhanced: Option<EnhancedStatus>,
    lines: Vec<String>,
}

/// A reply of class 4 or 5: the only kind with which a request can be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection(Reply);

impl EnhancedStatus {
    /// Makes a status.
    ///
    /// # Errors
    ///
    /// [`ParseError`] unless the class is 2, 4 or 5 and the numbers have at most three digits.
    pub const fn new(class: u8, subject: u16, detail: u16) -> Result<Self, ParseError> {
        if matches!(class, 2 | 4 | 5) && subject <= 999 && detail <= 999 {
            Ok(Self { class, subject, detail })
        } else {
            Err(ParseError::new("enhanced status", 0))
        }
    }

    /// The class: 2, 4 or 5.
    pub const fn class(self) -> u8 {
        self.class
    }

    /// The subject: what it is about.
    pub const fn subject(self) -> u16 {
        self.subject
    }

    /// The detail.
    pub const fn detail(self) -> u16 {
        self.detail
    }
}

impl Reply {
    /// The longest line of text, in octets: what 512 leave beside code, status and CR LF (RFC 5321 4.5.3.1.5).
    pub const LINE_OCTETS_MAX: usize = 480;

    /// The most lines one reply has.
    pub const LINES_MAX: usize = 100;

    /// Makes a reply. Each line of `text`, at its line feeds, becomes a line of the reply.
    ///
    /// # Errors
    ///
    /// [`ParseError`] when the code is not one, the status is of another class, or the text is too long or holds
    /// a control character.
    pub fn new(code: u16, enhanced: Option<EnhancedStatus>, text: &str) -> Result<Self, ParseError> {
        Self::from_lines(code, enhanced, text.split('\n').map(String::from).collect())
    }

    pub(crate) fn from_lines(
        code: u16,
        enhanced: Option<EnhancedStatus>,
        lines: Vec<String>,
    ) -> Result<Self, ParseError> {
        if !(200..=599).contains(&code) {
            return Err(ParseError::new("reply code", 0));
        }
        if enhanced.is_some_and(|enhanced| u16::from(enhanced.class) != code / 100) {
            return Err(ParseError::new("enhanced status class", 0));
        }
        let legal = |line: &String| line.len() <= Self::LINE_OCTETS_MAX && !line.contains(char::is_control);
        if lines.is_empty() || lines.len() > Self::LINES_MAX || !lines.iter().all(legal) {
            return Err(ParseError::new("reply text", 0));
        }
        Ok(Self { code, enhanced, lines })
    }

    /// For replies that this crate writes itself: `text` is one line that has been looked at.
    pub(crate) fn fixed(code: u16, enhanced: (u8, u16, u16), text: &str) -> Self {
        let (class, subject, detail) = enhanced;
        let enhanced = EnhancedStatus { class, subject, detail };
        Self { code, enhanced: Some(enhanced), lines: [String::from(text)].into() }
    }

    /// As [`fixed`](Self::fixed), with one line or more.
    pub(crate) fn fixed_lines(code: u16, enhanced: (u8, u16, u16), lines: Vec<String>) -> Self {
        let (class, subject, detail) = enhanced;
        Self { code, enhanced: Some(EnhancedStatus { class, subject, detail }), lines }
    }

    /// As [`fixed`](Self::fixed), where RFC 2034 allows no enhanced status.
    pub(crate) fn plain(code: u16, lines: Vec<String>) -> Self {
        Self { code, enhanced: None, lines }
    }

    /// The code, 200 to 599.
    pub const fn code(&self) -> u16 {
        self.code
    }

    /// The enhanced status, where the peer gave one.
    pub const fn enhanced(&self) -> Option<EnhancedStatus> {
        self.enhanced
    }

    /// The lines of text, at least one.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// What the code says.
    pub const fn class(&self) -> ReplyClass {
        match self.code / 100 {
            2 => ReplyClass::Completed,
            3 => ReplyClass::Intermediate,
            4 => ReplyClass::Transient,
            _ => ReplyClass::Permanent,
        }
    }

    /// Whether the code is of class 2.
    pub const fn is_completed(&self) -> bool {
        matches!(self.class(), ReplyClass::Completed)
    }

    /// Whether the code is of class 4 or 5.
    pub const fn is_rejection(&self) -> bool {
        matches!(self.class(), ReplyClass::Transient | ReplyClass::Permanent)
    }
}

impl Rejection {
    /// Makes a rejection; see [`Reply::new`].
    ///
    /// # Errors
    ///
    /// As [`Reply::new`], and when the code is not of class 4 or 5.
    pub fn new(code: u16, enhanced: Option<EnhancedStatus>, text: &str) -> Result<Self, ParseError> {
        Self::try_from(Reply::new(code, enhanced, text)?)
    }

    pub(crate) fn fixed(code: u16, enhanced: (u8, u16, u16), text: &str) -> Self {
        Self(Reply::fixed(code, enhanced, text))
    }

    /// The reply.
    pub const fn reply(&self) -> &Reply {
        &self.0
    }

    /// The reply.
    pub fn into_reply(self) -> Reply {
        self.0
    }

    /// Whether the same may work later (class 4).
    pub const fn is_transient(&self) -> bool {
        matches!(self.0.class(), ReplyClass::Transient)
    }

    /// 550 5.1.1: there is no such mailbox here.
    pub fn no_such_user() -> Self {
        Self::fixed(550, (5, 1, 1), "No such user here")
    }

    /// 550 5.7.1: this host does not relay for this client.
    pub fn relay_denied() -> Self {
        Self::fixed(550, (5, 7, 1), "Relaying denied")
    }

    /// 550 5.7.1: policy says no.
    pub fn denied() -> Self {
        Self::fixed(550, (5, 7, 1), "Refused by local policy")
    }

    /// 553 5.7.1: the authenticated user may not use this sender.
    pub fn sender_denied() -> Self {
        Self::fixed(553, (5, 7, 1), "Sender address not allowed for this user")
    }

    /// 530 5.7.0: the client has to authenticate first (RFC 4954 6).
    pub fn authentication_required() -> Self {
        Self::fixed(530, (5, 7, 0), "Authentication required")
    }

    /// 535 5.7.8: the credentials are not valid (RFC 4954 6).
    pub fn credentials_invalid() -> Self {
        Self::fixed(535, (5, 7, 8), "Authentication credentials invalid")
    }

    /// 454 4.7.0: credentials cannot be checked now (RFC 4954 6).
    pub fn authentication_unavailable() -> Self {
        Self::fixed(454, (4, 7, 0), "Temporary authentication failure")
    }

    /// 534 5.7.9: the mechanism is too weak for this user (RFC 4954 6).
    pub fn mechanism_too_weak() -> Self {
        Self::fixed(534, (5, 7, 9), "Authentication mechanism is too weak")
    }

    /// 432 4.7.12: the user has to log in with PLAIN once, so that the mechanism can be used (RFC 4954 6).
    pub fn password_transition_needed() -> Self {
        Self::fixed(432, (4, 7, 12), "A password transition is needed")
    }

    /// 501 5.5.2: what the client sent in the exchange is not what the mechanism says (RFC 4954 4).
    pub fn malformed_response() -> Self {
        Self::fixed(501, (5, 5, 2), "Malformed authentication response")
    }

    /// 553 5.1.4: the argument of VRFY fits more than one mailbox (RFC 5321 3.5.1).
    pub fn ambiguous() -> Self {
        Self::fixed(553, (5, 1, 4), "User ambiguous")
    }

    /// 451 4.3.0: something failed here; the same may work later.
    pub fn try_later() -> Self {
        Self::fixed(451, (4, 3, 0), "Local error in processing, try again later")
    }

    /// 452 4.3.1: no room now.
    pub fn no_storage() -> Self {
        Self::fixed(452, (4, 3, 1), "Insufficient system storage")
    }

    /// 452 4.2.2: the mailbox is full.
    pub fn mailbox_full() -> Self {
        Self::fixed(452, (4, 2, 2), "Mailbox full")
    }

    /// 552 5.3.4: the message is larger than this host takes (RFC 1870 6).
    pub fn message_too_big() -> Self {
        Self::fixed(552, (5, 3, 4), "Message size exceeds the fixed maximum")
    }
}

impl TryFrom<Reply> for Rejection {
    type Error = ParseError;

    fn try_from(reply: Reply) -> Result<Self, ParseError> {
        if reply.is_rejection() { Ok(Self(reply)) } else { Err(ParseError::new("code of a rejection", 0)) }
    }
}

impl From<Rejection> for Reply {
    fn from(rejection: Rejection) -> Self {
        rejection.0
    }
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// All on one line, for people.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.enhanced.map(|enhanced| enhanced.to_string()).unwrap_or_default();
        write!(f, "{}{}{status}", self.code, if status.is_empty() { "" } else { " " })?;
        for line in &self.lines {
            write!(f, " {line}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
