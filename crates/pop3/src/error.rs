//! What can be wrong with a conversation, sorted by what follows from it.

use posthaste_wire::{LineTooLong, Residue};

use crate::Verb;
use crate::session::State;

/// A line is not what the grammar says. Holds nothing of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule} expected at octet {offset}")]
pub struct ParseError {
    /// What should have stood there.
    pub rule: &'static str,
    /// Where, in octets from the start of the line.
    pub offset: usize,
}

/// The peer did something wrong, and the conversation goes on. To count and to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A command, or a row of an answer, is malformed.
    #[error(transparent)]
    Syntax(#[from] ParseError),
    /// A line is over its limit and was dropped.
    #[error(transparent)]
    LineTooLong(#[from] LineTooLong),
    /// A command that the state does not allow.
    #[error("{verb} is not allowed in the {state} state")]
    OutOfOrder {
        /// The command.
        verb: Verb,
        /// The state.
        state: State,
    },
    /// PASS without USER right before it.
    #[error("PASS without USER before it")]
    PassWithoutUser,
    /// Credentials on a connection that anybody can read. They were not looked at.
    #[error("{verb} on a connection that is not private")]
    PrivacyRequired {
        /// The command.
        verb: Verb,
    },
    /// A way to log in that is not offered.
    #[error("{verb} asks for a mechanism that is not offered")]
    NotOffered {
        /// The command.
        verb: Verb,
    },
    /// STLS where there is no TLS to be had, or TLS is there already.
    #[error("STLS is not available")]
    NoTls,
    /// A SASL message that is not base64 as RFC 4648 4 has it.
    #[error("base64 is malformed")]
    Base64,
    /// A name or password that is not in UTF-8, where UTF-8 is announced for them (RFC 6856 2.2).
    #[error("{verb} is not in UTF-8")]
    NotUtf8 {
        /// The command.
        verb: Verb,
    },
    /// A message with lines that begin with a dot and were not given another one: those dots are lost. Told once a
    /// message.
    #[error("message has lines that begin with a single dot")]
    UnstuffedDot,
}

/// The conversation cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// Octets in the clear behind STLS or its answer (RFC 2595 4).
    #[error(transparent)]
    Residue(#[from] Residue),
    /// The peer speaks HTTP.
    #[error("the peer speaks HTTP")]
    Http,
    /// The patience for violations is at its end.
    #[error("{limit} violations")]
    TooManyViolations {
        /// How many are allowed.
        limit: u32,
    },
    /// Command upon command, and none that brings a message closer.
    #[error("{limit} commands that serve no end")]
    TooManyJunkCommands {
        /// How many are allowed.
        limit: u32,
    },
    /// An answer is neither `+OK` nor `-ERR`, or is over its limit: what follows cannot be told apart.
    #[error("answer is malformed")]
    MalformedReply,
    /// An answer came that nothing was asked for.
    #[error("unsolicited answer")]
    Unsolicited,
    /// The client demands TLS, and the server does not offer it or refused.
    #[error("TLS is required and not available")]
    TlsRequired,
    /// A list is longer than the client takes.
    #[error("list is longer than {limit} rows")]
    TooManyRows {
        /// The limit.
        limit: u64,
    },
    /// A message is longer than the client takes.
    #[error("message is longer than {limit} octets")]
    BodyTooLong {
        /// The limit, in octets.
        limit: u64,
    },
    /// The server did not answer in time.
    #[error("no answer in time")]
    Timeout,
}
