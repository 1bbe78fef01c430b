//! What a client knows of the selected mailbox (RFC 9051 6.3.2, 7.3, 7.5).

use crate::client::Known;
use crate::types::{Flags, Mailbox, ObjectId, PermanentFlags, ResponseCode, UidSet};
use core::num::NonZeroU32;

/// The selected mailbox, as far as the server has told. Kept up to date by the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailboxState {
    /// Its name, as it was asked for.
    pub name: Mailbox,
    /// How many messages it has.
    pub exists: u32,
    /// How many of them are `\Recent` (RFC 3501).
    pub recent: u32,
    /// UIDVALIDITY; `None` where the server tells none, or one that is no number of 32 bits.
    pub uid_validity: Option<NonZeroU32>,
    /// UIDNEXT, as it was when the mailbox was opened or the server last told.
    pub uid_next: Option<NonZeroU32>,
    /// The flags that exist in the mailbox.
    pub flags: Flags,
    /// The flags that can be changed for good; `None` where the server does not say (RFC 9051 7.1: then all can).
    pub permanent_flags: Option<PermanentFlags>,
    /// Opened by EXAMINE, or the server allows no changes.
    pub read_only: bool,
    /// The first unseen message, as it was when the mailbox was opened (RFC 3501).
    pub unseen: Option<NonZeroU32>,
    /// HIGHESTMODSEQ (RFC 7162), as the server told it last; `None` where the mailbox keeps none. Zero is none.
    pub highest_mod_seq: Option<u64>,
    /// MAILBOXID (RFC 8474): stays the same when the mailbox is renamed.
    pub id: Option<ObjectId>,
    /// UIDNOTSTICKY (RFC 4315): UIDs do not last, nothing can be remembered by them.
    pub uid_not_sticky: bool,
    /// An EXISTS has come: the responses are about this mailbox and not about the one before it.
    pub(crate) counted: bool,
}

impl MailboxState {
    pub(crate) fn new(name: Mailbox, read_only: bool) -> Self {
        Self {
            name,
            exists: 0,
            recent: 0,
            uid_validity: None,
            uid_next: None,
            flags: Flags::new(),
            permanent_flags: None,
            read_only,
            unseen: None,
            highest_mod_seq: None,
            id: None,
            uid_not_sticky: false,
            counted: false,
        }
    }

    /// What to remember of the mailbox, which has these messages, for [`Resync`](crate::client::Resync); `None` where
    /// UIDs do not last.
    pub fn known(&self, uids: UidSet) -> Option<Known> {
        let uid_validity = self.uid_validity.filter(|_| !self.uid_not_sticky)?;
        Some(Known { uid_validity, highest_mod_seq: self.highest_mod_seq, uids })
    }

    pub(crate) fn set_exists(&mut self, exists: u32) {
        self.exists = exists;
        self.counted = true;
    }

    /// Whether there was such a message.
    pub(crate) fn expunge(&mut self, number: NonZeroU32) -> bool {
        let known = number.get() <= self.exists;
        if known {
            self.exists = self.exists.saturating_sub(1);
        }
        known
    }

    /// Takes note of what a status response says of the mailbox.
    pub(crate) fn note(&mut self, code: &ResponseCode) {
        match code {
            ResponseCode::UidValidity(value) => self.uid_validity = number(*value),
            ResponseCode::UidNext(value) => self.uid_next = number(*value),
            ResponseCode::Unseen(value) => self.unseen = number(*value),
            ResponseCode::PermanentFlags(flags) => self.permanent_flags = Some(flags.clone()),
            ResponseCode::HighestModSeq(value) => {
                self.highest_mod_seq = Some(*value).filter(|value| *value > 0);
            }
            ResponseCode::MailboxId(id) => self.id = Some(id.clone()),
            ResponseCode::UidNotSticky => self.uid_not_sticky = true,
            ResponseCode::NoModSeq => self.highest_mod_seq = None,
            ResponseCode::ReadOnly => self.read_only = true,
            ResponseCode::ReadWrite => self.read_only = false,
            _ => {}
        }
    }
}

/// A number of 32 bits that is not zero; what else servers send says nothing.
fn number(value: u64) -> Option<NonZeroU32> {
    u32::try_from(value).ok().and_then(NonZeroU32::new)
}
