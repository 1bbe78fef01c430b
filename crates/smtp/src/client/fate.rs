//! What became of a message for one recipient, and what an application gets back when a session ends too soon.

use alloc::vec::Vec;
use core::fmt;

use super::{TransactionId, Unsupported};
use crate::{Envelope, Rejection, Reply};

/// Why a recipient does not get a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The server said so.
    Server(Rejection),
    /// The server was not asked: it does not offer what is needed.
    Unsupported(Unsupported),
    /// The writer of the content gave the message up.
    Aborted,
}

/// A message that has no report when its session is over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unfinished {
    /// Its number in that session.
    pub id: TransactionId,
    /// What was queued.
    pub envelope: Envelope,
    /// For each recipient of the envelope, in order, what is known.
    pub recipients: Vec<Fate>,
}

/// What is known of a message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The server has answered for good: it refused the recipient or, with LMTP, said at the end of the message
    /// what it did for this one.
    Answered(Result<Reply, Refusal>),
    /// The server cannot have taken it: the end of the message was not sent, or the server said no to the message.
    /// It may be sent again without risk.
    NotTaken,
    /// The end of the message was sent, and no answer came. Sent again, it may arrive twice (RFC 1047).
    Unknown,
}

impl Unfinished {
    /// Whether sending it again to those who have no answer doubles nothing.
    pub fn is_safe_to_retry(&self) -> bool {
        !self.recipients.contains(&Fate::Unknown)
    }
}

impl Refusal {
    /// The server's answer, or the one a server would have given: for a status notification, or to be passed on.
    pub fn into_rejection(self) -> Rejection {
        match self {
            Self::Server(rejection) => rejection,
            Self::Unsupported(unsupported) => unsupported.rejection(),
            Self::Aborted => Rejection::try_later(),
        }
    }

    /// Whether the same may work later, or on another connection.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Server(rejection) => rejection.is_transient(),
            Self::Unsupported(unsupported) => unsupported.rejection().is_transient(),
            Self::Aborted => true,
        }
    }
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Self {
        Self::Server(rejection)
    }
}

impl From<Unsupported> for Refusal {
    fn from(unsupported: Unsupported) -> Self {
        Self::Unsupported(unsupported)
    }
}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        refusal.into_rejection()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(rejection) => rejection.fmt(f),
            Self::Unsupported(unsupported) => write!(f, "not sent: {unsupported}"),
            Self::Aborted => f.write_str("given up by the sender"),
        }
    }
}
