//! The kinds of trouble that come from the peer: a text that breaks its grammar, a command that is out of place,
//! a conversation that cannot go on. What the caller can do wrong is [`Misuse`](crate::Misuse).

use crate::Reply;
use crate::server::Timer as ServerTimer;

/// A text breaks the grammar, or a limit of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no valid {rule} at octet {offset}")]
#[non_exhaustive]
pub struct ParseError {
    /// The rule, in words of the RFC; one that ends in "length" was broken by a text that is too long.
    pub rule: &'static str,
    /// Where in the text the rule was broken.
    pub offset: usize,
}

impl ParseError {
    pub(crate) const fn new(rule: &'static str, offset: usize) -> Self {
        Self { rule, offset }
    }
}

/// What a client did wrong and was told so; the session goes on. An event to count and to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// A command line broke the grammar.
    #[error("command does not parse: {0}")]
    Syntax(ParseError),
    /// The verb is not known or not implemented.
    #[error("command not known")]
    UnknownCommand,
    /// MAIL or RCPT held a parameter that was not offered.
    #[error("parameter not known")]
    UnknownParameter,
    /// A command line was longer than its limit.
    #[error("command line is longer than {limit} octets")]
    LineTooLong {
        /// The limit, in octets.
        limit: usize,
    },
    /// A bare CR or LF stood in a command line.
    #[error("bare CR or LF in a command line")]
    BareLineEnd,
    /// The command is not legal in the present state.
    #[error("command out of sequence")]
    OutOfSequence,
    /// The command needs TLS or authentication first, or is not for this peer.
    #[error("command needs TLS or authentication first, or is not for this peer")]
    NotPermitted,
    /// The value of a parameter is well written and not acceptable here.
    #[error("value of {parameter} is not acceptable")]
    ParameterValue {
        /// The keyword.
        parameter: &'static str,
    },
    /// An address holds octets over 127 and the transaction is not one of SMTPUTF8 (RFC 6531 3.5).
    #[error("address is not ASCII and SMTPUTF8 was not asked for")]
    NonAsciiAddress,
    /// A chunk would make the message larger than the limit.
    #[error("message of chunks is over {limit} octets")]
    ChunksTooBig {
        /// The limit, in octets.
        limit: u64,
    },
    /// A message holds more recipients than the limit.
    #[error("more than {limit} recipients")]
    TooManyRecipients {
        /// The limit.
        limit: usize,
    },
    /// MAIL declared a size over the limit.
    #[error("declared size is over {limit} octets")]
    DeclaredTooBig {
        /// The limit, in octets.
        limit: u64,
    },
}

/// What a session may hold only so much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Excess {
    /// [`Limits::junk_commands_max`](crate::Limits::junk_commands_max).
    #[error("commands without a message")]
    JunkCommands,
    /// [`Limits::auth_failures_max`](crate::Limits::auth_failures_max).
    #[error("failed authentications")]
    AuthFailures,
    /// [`Limits::recipients_refused_max`](crate::Limits::recipients_refused_max).
    #[error("refused recipients")]
    RefusedRecipients,
    /// Twice [`Limits::recipients_max`](crate::Limits::recipients_max).
    #[error("recipients in one transaction")]
    Recipients,
    /// [`Limits::transactions_max`](crate::Limits::transactions_max).
    #[error("transactions")]
    Transactions,
}

/// The conversation cannot go on. Comes again on every poll; what was to be sent before it still goes out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// Server: more violations than the limit.
    #[error("more than {limit} violations")]
    TooManyViolations {
        /// The limit.
        limit: u32,
    },
    /// Server: the client used up what one session may cost. It was told 421.
    #[error("client reached the limit of {limit} {of}")]
    Excess {
        /// What there was too much of.
        of: Excess,
        /// The limit.
        limit: u64,
    },
    /// Server: a chunk that is refused is too large to be read for nothing.
    #[error("refused chunk of {length} octets is larger than the {limit} that are thrown away")]
    ChunkTooBig {
        /// How many octets were announced.
        length: u64,
        /// The limit that was passed, in octets.
        limit: u64,
    },
    /// Server: the connection does not begin with the PROXY header that was agreed upon.
    #[error("no valid PROXY header: {0}")]
    ProxyHeader(posthaste_wire::proxy::ProxyError),
    /// Server: the client talked before the greeting (RFC 5321 3.1).
    #[error("client talked before the greeting")]
    EarlyTalker,
    /// Server: something was sent behind DATA before it was answered (RFC 2920 3.1).
    #[error("client sent on behind DATA without waiting for the answer")]
    UnauthorisedPipelining,
    /// Server: the first line is one of HTTP.
    #[error("client speaks HTTP")]
    ForeignProtocol,
    /// Either side: plaintext stood behind STARTTLS or its reply (RFC 3207 6).
    #[error("{octets} octets of plaintext before the TLS handshake")]
    Residue {
        /// How many octets.
        octets: usize,
    },
    /// Server: the client was silent too long. It was told 421.
    #[error("client was silent for too long ({0:?})")]
    TimedOut(ServerTimer),
    /// Client: a line is no reply.
    #[error("server sent a line that is no reply")]
    MalformedReply,
    /// Client: a reply is over its limits.
    #[error("server sent a reply of more than {limit} octets in a line or in all")]
    ReplyTooLong {
        /// The limit that was passed, in octets.
        limit: usize,
    },
    /// Client: the server does not want this client at all.
    #[error("server refused the session: {0}")]
    Refused(Reply),
    /// Client: the server closes the session (421, RFC 5321 3.8). A message that was under way has a report.
    #[error("server closes the session: {0}")]
    ServiceClosing(Reply),
    /// Client: the server closed the connection, or said 421 or 221 and is about to, while nothing was under way. No
    /// command of a message that is queued was sent: each can be sent again on a new connection.
    #[error("connection was closed while it was idle{}", .0.as_ref().map(|reply| alloc::format!(": {reply}")).unwrap_or_default())]
    Stale(Option<Reply>),
    /// Client: a reply that does not answer what was asked, or answers nothing. The message under way was not taken.
    #[error("server sent a reply out of turn: {0}")]
    UnexpectedReply(Reply),
    /// Client: TLS is required, and the server does not offer it or refused it.
    #[error("TLS is required and not to be had")]
    TlsUnavailable,
    /// Client: the server did not answer in time (RFC 5321 4.5.3.2). The message under way was not taken.
    #[error("server did not answer in time")]
    NoAnswer,
    /// Client: the connection ended before the conversation did. The message under way was not taken.
    #[error("connection lost")]
    ConnectionLost,
    /// Client: the connection ended, went silent or fell out of step behind the end of a message and before its
    /// answer: nobody here knows whether the server has taken it (RFC 5321 4.1.1.10, RFC 1047). Says so whatever the
    /// trouble was, as nothing else matters more; `take_unfinished` says for which recipients.
    #[error("connection lost behind the end of a message: whether it was taken is not known")]
    OutcomeUnknown,
}
