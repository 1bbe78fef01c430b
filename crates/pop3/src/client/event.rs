//! What a client tells its application.

use bytes::Bytes;

use super::{ApopChallenge, Challenge};
use crate::{LanguageTag, MessageNumber, Reply, Uidl, Violation};

/// Names a command, to find its answer. Ascending in the order in which commands were queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub(super) u64);

/// What happened. Every command ends with exactly one of [`Reply`](Self::Reply), [`Stat`](Self::Stat),
/// [`ListEnd`](Self::ListEnd), [`BodyEnd`](Self::BodyEnd), [`BodyAborted`](Self::BodyAborted) and
/// [`NotSent`](Self::NotSent), unless the connection ends first.
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
    /// The digest for APOP is asked for.
    Apop(ApopChallenge),
    /// A command was not sent, as the server does not offer what it needs.
    NotSent {
        /// The command.
        id: CommandId,
        /// What is missing.
        reason: NotSent,
    },
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
    /// A row of the answer to LANG.
    Language {
        /// The command.
        id: CommandId,
        /// The language.
        tag: LanguageTag,
        /// Its name in the language itself: whatever the server wrote, to be escaped before it is shown.
        name: Bytes,
    },
    /// The answer to LIST, UIDL or LANG is complete.
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

/// What a server does not offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotSent {
    /// The greeting has no timestamp, so there is no APOP (RFC 1939 7).
    ApopNotOffered,
    /// The name or the password is not ASCII, and the server does not announce `UTF8 USER` (RFC 6856 2.2).
    Utf8NamesNotOffered,
}
