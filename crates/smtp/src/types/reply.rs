//! Replies (RFC 5321 4.2) with their enhanced status (RFC 2034, RFC 3463), and the ones that refuse.

use alloc::string::String;
use alloc::vec::Vec;
use core::{fmt, slice};

use super::octets::{Utf8, is_hidden};
use crate::{EnhancedStatus, ParseError, Text};

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
/// No line holds a control character or what shows nothing (see [`LocalPart`](crate::LocalPart)), or has over 480
/// octets; there are at most 100. Lines may hold UTF-8: a server writes that only to a client that has asked for
/// it (RFC 6531 3.7.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    enhanced: Option<EnhancedStatus>,
    lines: Lines,
}

/// A reply of class 4 or 5: the only kind with which a request can be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection(Reply);

/// The lines of text. A reply of one line, which most are, has no list of them.
#[derive(Clone, Debug)]
pub(crate) enum Lines {
    One(Utf8),
    Many(Vec<Utf8>),
}

impl Lines {
    pub(crate) fn as_slice(&self) -> &[Utf8] {
        match self {
            Self::One(line) => slice::from_ref(line),
            Self::Many(lines) => lines,
        }
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [Utf8] {
        match self {
            Self::One(line) => slice::from_mut(line),
            Self::Many(lines) => lines,
        }
    }
}

impl PartialEq for Lines {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Lines {}

impl Reply {
    /// The longest line of text, in octets: what 512 leave beside code, status and CR LF (RFC 5321 4.5.3.1.5).
    pub const LINE_OCTETS_MAX: usize = 480;

    /// The most lines one reply has.
    pub const LINES_MAX: usize = 100;

    /// Makes a reply. Each line of `text`, at its line feeds, becomes a line of the reply. White space at the ends
    /// of a line does not survive a reader.
    ///
    /// # Errors
    ///
    /// [`ParseError`] when the code is not one, the status is of another class, or the text is too long or holds
    /// a control character.
    pub fn new(code: u16, enhanced: Option<EnhancedStatus>, text: &str) -> Result<Self, ParseError> {
        let lines = if text.contains('\n') {
            Lines::Many(text.split('\n').map(Utf8::from).collect())
        } else {
            Lines::One(text.into())
        };
        Self::from_lines(code, enhanced, lines)
    }

    pub(crate) fn from_lines(
        code: u16,
        enhanced: Option<EnhancedStatus>,
        lines: Lines,
    ) -> Result<Self, ParseError> {
        if !(200..=599).contains(&code) {
            return Err(ParseError::new("reply code", 0));
        }
        if enhanced.is_some_and(|enhanced| u16::from(enhanced.class()) != code / 100) {
            return Err(ParseError::new("enhanced status class", 0));
        }
        let legal = |line: &Utf8| line.len() <= Self::LINE_OCTETS_MAX && !line.as_str().contains(is_hidden);
        let list = lines.as_slice();
        if list.is_empty() || list.len() > Self::LINES_MAX || !list.iter().all(legal) {
            return Err(ParseError::new("reply text", 0));
        }
        Ok(Self { code, enhanced, lines })
    }

    /// For replies that this crate writes itself: `text` is one line that has been looked at.
    pub(crate) const fn fixed(code: u16, enhanced: (u8, u16, u16), text: &'static str) -> Self {
        let enhanced = Some(EnhancedStatus::fixed(enhanced));
        Self { code, enhanced, lines: Lines::One(Utf8::from_static(text)) }
    }

    /// As [`fixed`](Self::fixed), with a text of the application's.
    pub(crate) fn with_text(code: u16, enhanced: (u8, u16, u16), text: &Text) -> Self {
        let enhanced = Some(EnhancedStatus::fixed(enhanced));
        Self { code, enhanced, lines: Lines::One(text.octets().clone()) }
    }

    /// As [`fixed`](Self::fixed), with one line or more.
    pub(crate) fn fixed_lines(code: u16, enhanced: (u8, u16, u16), lines: Vec<String>) -> Self {
        Self { enhanced: Some(EnhancedStatus::fixed(enhanced)), ..Self::plain(code, lines) }
    }

    /// As [`fixed`](Self::fixed), where RFC 2034 allows no enhanced status.
    pub(crate) fn plain(code: u16, lines: Vec<String>) -> Self {
        Self { code, enhanced: None, lines: Lines::Many(lines.into_iter().map(Utf8::from).collect()) }
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
    pub fn lines(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.lines.as_slice().iter().map(Utf8::as_str)
    }

    /// The lines of text.
    pub(crate) fn as_slice(&self) -> &[Utf8] {
        self.lines.as_slice()
    }

    /// The same in allocations of its own, so that it does not keep alive the octets it was read from.
    #[must_use]
    pub fn compact(&self) -> Self {
        let lines = match &self.lines {
            Lines::One(line) => Lines::One(line.compact()),
            Lines::Many(lines) => Lines::Many(lines.iter().map(Utf8::compact).collect()),
        };
        Self { lines, ..*self }
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

    pub(crate) const fn fixed(code: u16, enhanced: (u8, u16, u16), text: &'static str) -> Self {
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

/// All on one line, for people.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        for line in self.lines() {
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
