//! What can go wrong because of the server: beyond repair ([`ProtocolError`]) or passed over ([`Violation`]).

use crate::client::{CommandId, Timer};
use crate::error::ParseError;
use alloc::string::String;
use alloc::vec::Vec;
use posthaste_wire::Residue;

/// The conversation is over. The same error comes on every later poll.
///
/// Of commands that were sent and not answered nobody knows the outcome: [`Client::running`](crate::client::Client::running) lists them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// The first line was no greeting (RFC 9051 7.1).
    #[error("the server did not greet: \"{line}\"")]
    GreetingRejected {
        /// The beginning of what came instead, escaped.
        line: String,
    },
    /// TLS is required and the server does not announce STARTTLS.
    #[error("the server does not announce STARTTLS, and TLS is required")]
    StartTlsMissing,
    /// TLS is required and the server refused STARTTLS, or gave an answer that is none.
    #[error("the server refused STARTTLS, and TLS is required")]
    StartTlsRefused,
    /// TLS is required and a PREAUTH greeting made STARTTLS impossible (RFC 9051 11.2).
    #[error("the server greeted with PREAUTH in the clear, and TLS is required")]
    PreAuthInClear,
    /// Octets came in behind the answer to STARTTLS, outside of TLS.
    #[error("before TLS was up: {0}")]
    Residue(#[from] Residue),
    /// A tagged OK for a command that was not sent in full, or, during setup, for one that was not sent at all.
    #[error("the server completed a command that was not sent")]
    CompletedUnsent,
    /// A line is longer than the limit.
    #[error("a line of the server is longer than {limit} octets")]
    LineTooLong {
        /// The limit in octets.
        limit: usize,
    },
    /// A response, or an item of a FETCH row, is longer than the limit.
    #[error("a response of the server is longer than {limit} octets")]
    ResponseTooLong {
        /// The limit in octets.
        limit: usize,
    },
    /// A response, or an item of a FETCH row, has more literals than the limit.
    #[error("a response of the server has more than {limit} literals")]
    TooManyLiterals {
        /// The limit.
        limit: usize,
    },
    /// A line ends in braces that are no length: whether a literal follows, and where it ends, is unknown.
    #[error("the server announced a literal of no readable length")]
    MalformedLiteral,
    /// Too many faults that each could have been passed over.
    #[error("the server broke the protocol more than {limit} times")]
    TooManyViolations {
        /// The limit.
        limit: u32,
    },
    /// The server was silent for too long.
    #[error("the server did not answer in time ({0:?})")]
    TimedOut(Timer),
    /// The connection ended, or the server said BYE, with commands not completed.
    #[error("the connection ended with {} commands of unknown outcome and {} not sent", unknown.len(), unsent.len())]
    ConnectionLost {
        /// Commands that were sent, in full or in part: the server may have executed them or not.
        unknown: Vec<CommandId>,
        /// Commands of which nothing was sent.
        unsent: Vec<CommandId>,
    },
    /// The application gave up a message in the middle of its literal; the connection cannot be used any more.
    #[error("the application gave up a message in the middle")]
    AppendAborted,
}

/// A fault of the server after which the conversation goes on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A response could not be understood; it was dropped.
    #[error("a response could not be understood: {0}")]
    Malformed(ParseError),
    /// A tagged response for no command in progress.
    #[error("an answer to no command in progress")]
    StrayTag,
    /// A continuation request that nothing waited for.
    #[error("a continuation request that nothing waited for")]
    UnexpectedContinue,
    /// Data that makes no sense in the present state; it was dropped.
    #[error("{response} is not possible in this state")]
    Unexpected {
        /// The name of the response.
        response: &'static str,
    },
    /// A message number that cannot be, such as the EXPUNGE of a message beyond the last; it was dropped.
    #[error("{response} with an impossible message number")]
    ImpossibleNumber {
        /// The name of the response.
        response: &'static str,
    },
    /// Message numbers changed while a FETCH, STORE or SEARCH by number was in progress, which must not be
    /// (RFC 9051 7.5.1): which messages it was about is unsure. Told once per command; the change itself follows as
    /// its own event.
    #[error("{response} while a command by message number is in progress")]
    NumbersChanged {
        /// The name of the response.
        response: &'static str,
    },
    /// A SASL challenge that is not base64; the exchange was cancelled.
    #[error("a challenge that is not base64")]
    BadChallenge,
}
