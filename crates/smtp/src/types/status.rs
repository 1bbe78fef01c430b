//! Enhanced status codes (RFC 3463, RFC 5248): three numbers, and what the registered ones mean.

use core::fmt;

use crate::ParseError;

/// The enhanced status of a reply: `class.subject.detail`. The class is that of the reply's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnhancedStatus {
    class: u8,
    subject: u16,
    detail: u16,
}

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

    /// For the statuses that this crate writes itself, which are legal.
    pub(crate) const fn fixed((class, subject, detail): (u8, u16, u16)) -> Self {
        Self { class, subject, detail }
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

    /// What subject and detail mean, for people; `None` for what RFC 3463 and the RFCs behind it do not register.
    /// Whether it is for good or for now is said by the class.
    pub const fn meaning(self) -> Option<&'static str> {
        Some(match (self.subject, self.detail) {
            (0, 0) => "other",
            (1, 0) => "address",
            (1, 1) => "no such mailbox",
            (1, 2) => "no such host",
            (1, 3) => "syntax of the recipient's address",
            (1, 4) => "ambiguous recipient",
            (1, 5) => "recipient is valid",
            (1, 6) => "mailbox has moved",
            (1, 7) => "syntax of the sender's address",
            (1, 8) => "host of the sender",
            (1, 9) => "passed on to a system that gives no notices",
            (1, 10) => "host takes no mail (null MX)",
            (2, 0) => "mailbox",
            (2, 1) => "mailbox is disabled",
            (2, 2) => "mailbox is full",
            (2, 3) => "message is too long for the mailbox",
            (2, 4) => "mailing list did not expand",
            (3, 0) => "mail system",
            (3, 1) => "mail system is full",
            (3, 2) => "host takes no messages now",
            (3, 3) => "host lacks a feature",
            (3, 4) => "message is too big for the host",
            (3, 5) => "host is set up wrongly",
            (3, 6) => "priority was changed",
            (4, 0) => "network",
            (4, 1) => "no answer from the host",
            (4, 2) => "connection failed",
            (4, 3) => "directory or routing server failed",
            (4, 4) => "no route",
            (4, 5) => "congestion",
            (4, 6) => "routing loop",
            (4, 7) => "delivery took too long",
            (5, 0) => "protocol",
            (5, 1) => "command is not legal",
            (5, 2) => "syntax",
            (5, 3) => "too many recipients",
            (5, 4) => "arguments of the command",
            (5, 5) => "version of the protocol",
            (5, 6) => "line of an AUTH exchange is too long",
            (6, 0) => "content",
            (6, 1) => "type of the content",
            (6, 2) => "conversion is needed and forbidden",
            (6, 3) => "conversion is needed and not supported",
            (6, 4) => "conversion lost something",
            (6, 5) => "conversion failed",
            (6, 6) => "content is not available",
            (6, 7) => "addresses beyond ASCII are not allowed here",
            (6, 8 | 10) => "reply needs UTF-8, which the client did not allow",
            (6, 9) => "header in UTF-8 cannot be passed on",
            (7, 0) => "security",
            (7, 1) => "not authorised",
            (7, 2) => "may not send to the mailing list",
            (7, 3) => "security conversion is needed and not possible",
            (7, 4) => "security feature is not supported",
            (7, 5) => "cryptographic failure",
            (7, 6) => "cryptographic algorithm is not supported",
            (7, 7) => "message was changed",
            (7, 8) => "credentials are not valid",
            (7, 9) => "mechanism is too weak",
            (7, 10) => "encryption is needed",
            (7, 11) => "encryption is needed for this mechanism",
            (7, 12) => "password has to be changed",
            (7, 13) => "account is disabled",
            (7, 14) => "trust relationship is needed",
            (7, 15) => "priority is too low",
            (7, 16) => "message is too big for its priority",
            (7, 17) => "owner of the mailbox has changed",
            (7, 18) => "owner of the domain has changed",
            (7, 19) => "RRVS cannot be checked",
            (7, 20..=22) => "DKIM signature",
            (7, 23 | 24) => "SPF",
            (7, 25) => "reverse DNS",
            (7, 26) => "no check of the sender passed",
            (7, 27) => "sender takes no mail (null MX)",
            (7, 28) => "mail flood",
            (7, 29) => "ARC",
            (7, 30) => "REQUIRETLS cannot be kept",
            _ => return None,
        })
    }
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}
