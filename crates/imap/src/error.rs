//! What the codec can find wrong: a line that does not follow the grammar, a value that no line can carry.
//!
//! A [`ParseError`] tells where and which rule, with an escaped piece of the input for a log. Lines that
//! carry credentials give no excerpt. What to answer the peer is the machine's decision, not this file's.

use alloc::string::String;
use core::fmt::Write as _;

/// A line that does not follow the grammar or passes a limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} in {rule} at octet {offset}, near \"{excerpt}\"")]
#[non_exhaustive]
pub struct ParseError {
    /// Octets from the start of the parsed input to the fault.
    pub offset: usize,
    /// The grammar rule that did not match, in the RFC's spelling.
    pub rule: &'static str,
    /// What kind of fault it is; decides between BAD and NO.
    pub kind: ParseErrorKind,
    /// Up to 24 octets from `offset` on, control and 8-bit octets escaped; empty where secrets may stand.
    pub excerpt: String,
}

/// The kinds of [`ParseError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// The octets do not match the rule: a tagged or untagged BAD.
    #[error("syntax error")]
    Syntax,
    /// The input is well formed so far but longer, deeper or more numerous than allowed.
    #[error("limit of {0} exceeded")]
    Limit(usize),
    /// A mailbox name that is not canonical modified UTF-7 or holds control characters: a NO.
    #[error("unacceptable mailbox name")]
    MailboxName,
    /// A well-formed name of an option, item or command that this crate does not know: a BAD.
    #[error("unknown name")]
    Unknown,
}

impl ParseError {
    pub(crate) fn new(offset: usize, rule: &'static str, kind: ParseErrorKind, near: &[u8]) -> Self {
        let mut excerpt = String::new();
        for octet in near.iter().take(EXCERPT_MAX) {
            // Writing to a String cannot fail.
            let _ = write!(excerpt, "{}", octet.escape_ascii());
        }
        Self { offset, rule, kind, excerpt }
    }
}

/// A value that IMAP has no way to write, refused by the constructor of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {what}")]
#[non_exhaustive]
pub struct InvalidValue {
    /// The grammar rule the value does not fit.
    pub what: &'static str,
}

impl InvalidValue {
    pub(crate) const fn new(what: &'static str) -> Self {
        Self { what }
    }
}

const EXCERPT_MAX: usize = 24;

/// What ends a conversation: the framing is lost or the contract is broken. Sticky; the farewell is still sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// Octets came in between STARTTLS and the TLS handshake (RFC 9051 6.2.1).
    #[error("octets came in between STARTTLS and TLS")]
    Residue,
}

/// What a client did wrong while the framing held. The answer has been given; this is for counting and for logs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A line is longer than allowed.
    #[error("line is longer than {limit} octets")]
    LineTooLong {
        /// The limit, in octets, CR LF included.
        limit: usize,
    },
    /// A literal is longer than allowed, or one too many.
    #[error("literal is longer than {limit} octets, or the command too long with it")]
    LiteralTooLong {
        /// The limit of one literal, in octets.
        limit: u64,
    },
    /// The announced length of a literal is no 64-bit number.
    #[error("length of a literal is out of range")]
    LiteralLength,
    /// A command without a tag that could be repeated to its sender.
    #[error("invalid tag")]
    Tag,
    /// A command that is not offered.
    #[error("unknown command")]
    UnknownCommand,
    /// An extension that is not announced.
    #[error("extension that is not offered")]
    NotOffered,
    /// An extension that is announced and has to be enabled before it is used (RFC 5161).
    #[error("extension that is not enabled")]
    NotEnabled,
    /// Message numbers although UIDONLY is enabled (RFC 9586).
    #[error("message numbers where only UIDs are in use")]
    UidRequired,
    /// Arguments that are well formed one by one and make no sense together.
    #[error("arguments that contradict each other")]
    Contradiction,
    /// A name for a mailbox that holds characters which hide or reorder others (RFC 9051 5.1).
    #[error("mailbox name that deceives the eye")]
    MailboxName,
    /// A command that is not legal in the present state (RFC 9051 3).
    #[error("command out of order")]
    WrongState,
    /// A password over a connection that others can read.
    #[error("credentials without TLS")]
    PrivacyRequired,
    /// The message of an APPEND holds a NUL (RFC 9051 4.3).
    #[error("NUL in the message of APPEND")]
    Nul,
    /// Something follows the message of an APPEND.
    #[error("octets behind the message of APPEND")]
    AppendTail,
    /// The arguments do not follow the grammar.
    #[error(transparent)]
    Syntax(#[from] ParseError),
    /// The first line is an HTTP request.
    #[error("HTTP request")]
    Http,
}
