//! The answers to commands that change messages (RFC 9051 6.4): STORE, COPY, MOVE, EXPUNGE.

use core::num::NonZeroU32;
use posthaste_wire::Misuse;

use super::{Asked, Copy, Expunge, Message, Move, Server, Store};
use crate::types::{Condition, FetchItem, ResponseCode, SequenceSet, UidSet};

/// Which UIDs became which (RFC 4315 3). Both sets have the same length and order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyUid {
    /// UIDVALIDITY of the target.
    pub uid_validity: NonZeroU32,
    /// UIDs in the source.
    pub source: UidSet,
    /// UIDs in the target.
    pub target: UidSet,
}

impl From<CopyUid> for ResponseCode {
    fn from(copied: CopyUid) -> Self {
        Self::CopyUid { uid_validity: copied.uid_validity, source: copied.source, target: copied.target }
    }
}

impl<T> Asked<T> {
    fn expunged_messages(&self, server: &mut Server, messages: &[Message]) -> Result<(), Misuse> {
        let responses = server.expunge_response(messages)?;
        self.data(server, |server| responses.iter().for_each(|response| server.send(response)))
    }
}

impl Asked<Store> {
    /// Tells what a message has now: its flags, with its MODSEQ once CONDSTORE is enabled, and in UID STORE its UID.
    /// Under `.SILENT` only the mod-sequence is told (RFC 7162 3.1.3).
    ///
    /// # Errors
    ///
    /// [`Misuse::Argument`] for a message without UID under UIDONLY. [`Misuse::WrongConnection`].
    pub fn row(
        &self,
        server: &mut Server,
        message: impl Into<Message>,
        items: impl AsRef<[FetchItem]>,
    ) -> Result<(), Misuse> {
        let number = server.row_number(message.into())?;
        self.data(server, |server| server.send_row(number, items.as_ref()))
    }

    /// The flags are changed.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server) -> Result<(), Misuse> {
        self.complete(server, None, "STORE completed", |_| {})
    }

    /// The flags are changed, but not of these, which have changed since: MODIFIED (RFC 7162 3.1.3). Numbers or UIDs
    /// as in the command.
    ///
    /// # Errors
    ///
    /// [`Misuse::Argument`] where the command had no UNCHANGEDSINCE. [`Misuse::WrongConnection`].
    pub fn modified(self, server: &mut Server, modified: SequenceSet) -> Result<(), Misuse> {
        if self.command.unchanged_since.is_none() {
            return Err(Misuse::Argument { argument: "modified", problem: "is an answer to UNCHANGEDSINCE" });
        }
        self.complete(server, Some(ResponseCode::Modified(modified)), "Conditional STORE completed", |_| {})
    }
}

impl Asked<Copy> {
    /// The copies are there; `None` where there was nothing to copy, or UIDs of the target do not last.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server, copied: Option<CopyUid>) -> Result<(), Misuse> {
        self.complete(server, copied.map(ResponseCode::from), "COPY completed", |_| {})
    }
}

impl Asked<Move> {
    /// Tells which UIDs the messages have now, before they are expunged here (RFC 6851 4.3).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn moved(&self, server: &mut Server, moved: CopyUid) -> Result<(), Misuse> {
        self.data(server, |server| server.untagged(Condition::Ok, Some(moved.into()), "Moved UIDs"))
    }

    /// Tells that a message is gone from here.
    ///
    /// # Errors
    ///
    /// As [`expunged_all`](Self::expunged_all).
    pub fn expunged(&self, server: &mut Server, message: impl Into<Message>) -> Result<(), Misuse> {
        self.expunged_messages(server, &[message.into()])
    }

    /// Tells that messages are gone from here, one after the other, in as few responses as possible.
    ///
    /// # Errors
    ///
    /// [`Misuse::Argument`] for a message without UID under QRESYNC or UIDONLY. [`Misuse::WrongConnection`].
    pub fn expunged_all(&self, server: &mut Server, messages: &[Message]) -> Result<(), Misuse> {
        self.expunged_messages(server, messages)
    }

    /// All have been moved.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server) -> Result<(), Misuse> {
        self.complete(server, None, "MOVE completed", |_| {})
    }

    /// All have been moved, and the mailbox they left has this mod-sequence now: HIGHESTMODSEQ (RFC 6851 4.4).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok_at(self, server: &mut Server, mod_seq: u64) -> Result<(), Misuse> {
        self.complete_at(server, mod_seq, "MOVE completed", |_| {})
    }
}

impl Asked<Expunge> {
    /// Tells that a message is gone.
    ///
    /// # Errors
    ///
    /// As [`expunged_all`](Self::expunged_all).
    pub fn expunged(&self, server: &mut Server, message: impl Into<Message>) -> Result<(), Misuse> {
        self.expunged_messages(server, &[message.into()])
    }

    /// Tells that messages are gone, one after the other, in as few responses as possible.
    ///
    /// # Errors
    ///
    /// [`Misuse::Argument`] for a message without UID under QRESYNC or UIDONLY. [`Misuse::WrongConnection`].
    pub fn expunged_all(&self, server: &mut Server, messages: &[Message]) -> Result<(), Misuse> {
        self.expunged_messages(server, messages)
    }

    /// All are gone.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok(self, server: &mut Server) -> Result<(), Misuse> {
        self.complete(server, None, "EXPUNGE completed", |_| {})
    }

    /// All are gone, and the mailbox has this mod-sequence now: HIGHESTMODSEQ (RFC 7162 3.2.7, 3.2.9).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn ok_at(self, server: &mut Server, mod_seq: u64) -> Result<(), Misuse> {
        self.complete_at(server, mod_seq, "EXPUNGE completed", |_| {})
    }
}
