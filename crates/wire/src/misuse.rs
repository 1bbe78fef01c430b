//! What the caller of a machine can do wrong.
//!
//! Misuse never depends on what the peer sent, and a machine that was misused is as it was before the call.

/// A call that the contract does not allow at this point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// A token or an upgrade was handed to a machine that did not issue it.
    #[error("the token belongs to another connection")]
    WrongConnection,
    /// `upgraded` without [`Step::Upgrade`](crate::Step::Upgrade) before it.
    #[error("no change of layer was asked for")]
    NoUpgrade,
    /// More octets were written than the announced length leaves room for. Nothing was sent.
    #[error("the chunk is longer than the {remaining} octets that are left of the announced length")]
    TooMuch {
        /// How many octets the announced length leaves.
        remaining: u64,
    },
    /// A payload was finished before its announced length was reached. Nothing was sent.
    #[error("{remaining} octets of the announced length are missing")]
    TooLittle {
        /// How many octets are missing.
        remaining: u64,
    },
    /// A body was written while the send queue was at its high-water mark. Nothing was taken: send what
    /// `poll_transmit` has, then write again.
    #[error("the send queue is at its high-water mark of {high_water} octets")]
    Congested {
        /// The mark, in octets.
        high_water: usize,
    },
    /// A body was written while so much of it is under way that the peer has to answer first. Nothing was taken: go on
    /// polling, and write again when an event says that there is room, or not at all when one says how it ended.
    #[error("the peer has to answer before more of the body is written")]
    Unanswered,
    /// The call is not legal in the present state of the conversation.
    #[error("{call} is not possible {state}")]
    NotNow {
        /// The call.
        call: &'static str,
        /// The state, as in "before the greeting".
        state: &'static str,
    },
    /// An argument is outside what the protocol can carry.
    #[error("{argument} {problem}")]
    Argument {
        /// The argument.
        argument: &'static str,
        /// What is wrong with it, as in "holds a line end".
        problem: &'static str,
    },
}
