//! What a client tells its application.

use bytes::Bytes;

use super::Challenge;
use crate::{MessageNumber, Reply, Uidl, Violation};

/// Names a command, to find its answer. Ascending in the order in which commands were queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub(super) u64);

/// What happened. Every command ends with exactly one of [`Reply`](Self::Reply), [`Stat`](Self::Stat),
/// [`ListEnd`](Self::ListEnd), [`BodyEnd`](Self::BodyEnd) and [`BodyAborted`](Self::BodyAborted), unless the
/// connection ends first.
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "an event may hold a token that waits for its answer"]
pub enum Event {
    /// The greeting was read, TLS is up where it was to be, and capabilities are known: it is time to log in.
    Ready {
        /// The greeting.
        greeting: Reply,
    },
    /// The server greeted with `-ERR` and wants no session. [`Step::Closed`](crate::Step::Closed) follows.
    Unavailable {
        /// What it said.
        greeting: Reply,
    },
    /// The server asks for a SASL response.
    Challenge(Challenge),
    /// The answer to a command that has no other content, or the negative answer to any.
    Reply {
        /// The command.
        id: CommandId,
        /// The answer.
        reply: Reply,
    },
    /// The answer to STAT.
    Stat {
        /// The command.
        id: CommandId,
        /// How many messages there are.
        messages: u32,
        /// How many octets they have together.
        octets: u64,
    },
    /// A row of the answer to LIST.
    Size {
        /// The command.
        id: CommandId,
        /// The message.
        number: MessageNumber,
        /// Its length in octets, as the server says.
        octets: u64,
    },
    /// A row of the answer to UIDL. Opaque, and never a file name.
    Uidl {
        /// The command.
        id: CommandId,
        /// The message.
        number: MessageNumber,
        /// Its unique-id.
        uidl: Uidl,
    },
    /// The answer to LIST or UIDL is complete.
    ListEnd {
        /// The command.
        id: CommandId,
    },
    /// A piece of a message, without dot-stuffing.
    Body {
        /// The command.
        id: CommandId,
        /// The octets.
        chunk: Bytes,
    },
    /// The message is complete.
    BodyEnd {
        /// The command.
        id: CommandId,
    },
    /// The connection ended inside a message.
    BodyAborted {
        /// The command.
        id: CommandId,
    },
    /// The server wrote something malformed that could be passed over. To count and to log.
    Violation(Violation),
}
