//! What a client tells the application.

use alloc::vec::Vec;

use super::{BodyWriter, Challenge, LeftOut, Refusal, Unsupported};
use crate::{Capabilities, Rejection, Reply};

/// An event of a client.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The session is open, TLS included where policy wants it: now is the time to authenticate. Messages that
    /// are queued start with the next poll, unless that is begun first.
    Ready(Capabilities),
    /// Token: the server wants more from the mechanism.
    Challenge(Challenge),
    /// The server takes the credentials.
    Authenticated,
    /// The server does not, or the exchange was cancelled. Messages that are queued start with the next poll
    /// unless another attempt is made first.
    AuthRefused(Rejection),
    /// What the server said to one RCPT. Says nothing yet about the message.
    Recipient {
        /// The message.
        id: TransactionId,
        /// Which of the envelope's recipients, from 0.
        index: usize,
        /// The answer.
        result: Result<Reply, Rejection>,
    },
    /// LMTP: what the server said for one recipient at the end of a message, as soon as it did (RFC 2033 5). The
    /// report says it again.
    Delivered {
        /// The message.
        id: TransactionId,
        /// Which of the envelope's recipients, from 0.
        index: usize,
        /// The answer.
        result: Result<Reply, Refusal>,
    },
    /// Token: the server takes the content of a message.
    Body(BodyWriter),
    /// The writer of this message was told to wait for an answer of the server, and takes more now.
    Room(TransactionId),
    /// A message is done with, one way or the other. Exactly one for each that was queued, but for those that
    /// [`Client::take_unfinished`](super::Client::take_unfinished) gives back.
    Sent(Report),
    /// The answer to [`Client::probe`](super::Client::probe): the server is there, whatever it says.
    Probed(Reply),
}

/// The number of a message within a session, from 0 in the order of [`Client::send`](super::Client::send).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId(pub(super) u64);

/// At which point the fate of a message was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Nothing was sent: the server does not offer what the envelope needs.
    Capabilities,
    /// At MAIL.
    Mail,
    /// At RCPT: no recipient was accepted.
    Recipients,
    /// At DATA.
    Data,
    /// Inside the content: a chunk was refused, or the writer gave the message up.
    Content,
    /// At the end of the content.
    End,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "the server may have refused the message"]
pub struct Report {
    /// The message.
    pub id: TransactionId,
    /// Where it was decided.
    pub stage: Stage,
    /// For each recipient of the envelope, in order, the answer that counts: its RCPT's where that was refused,
    /// else the one at `stage`. `Ok` means that the server has taken the message for this recipient.
    pub recipients: Vec<Result<Reply, Refusal>>,
    /// The last answer: the one at `stage`. `None` where it was decided on this side.
    pub reply: Option<Reply>,
    /// What the envelope asks for and the server was not told, each once.
    pub left_out: Vec<LeftOut>,
}

impl TransactionId {
    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl Report {
    /// Whether every recipient gets the message.
    pub fn is_complete(&self) -> bool {
        self.recipients.iter().all(Result::is_ok)
    }

    /// Whether no recipient gets it.
    pub fn is_refused(&self) -> bool {
        self.recipients.iter().all(Result::is_err)
    }

    /// The recipients that get the message, by index, with what the server said.
    pub fn accepted(&self) -> impl Iterator<Item = (usize, &Reply)> {
        let recipients = self.recipients.iter().enumerate();
        recipients.filter_map(|(index, result)| result.as_ref().ok().map(|reply| (index, reply)))
    }

    /// The recipients that do not, by index, each with the reason.
    pub fn refused(&self) -> impl Iterator<Item = (usize, &Refusal)> {
        let recipients = self.recipients.iter().enumerate();
        recipients.filter_map(|(index, result)| result.as_ref().err().map(|refusal| (index, refusal)))
    }

    /// Whether some recipients do not get the message now and may get it later: a further attempt is due for those
    /// whose [`Refusal::is_transient`].
    pub fn is_transient(&self) -> bool {
        self.refused().any(|(_, refusal)| refusal.is_transient())
    }

    /// What the envelope needs and the server does not offer, where the message was not begun for that: nothing of
    /// it was said.
    pub fn unsupported(&self) -> Option<&Unsupported> {
        if self.stage != Stage::Capabilities {
            return None;
        }
        self.refused().find_map(|(_, refusal)| match refusal {
            Refusal::Unsupported(unsupported) => Some(unsupported),
            Refusal::Server(_) | Refusal::Aborted => None,
        })
    }
}
