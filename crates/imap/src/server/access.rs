//! What the selected mailbox lets its client change: EXAMINE, SELECT of a mailbox that is read-only, and a change of
//! that while it is open (RFC 9051 6.3.2, 6.3.3, 7.1).
//!
//! In a mailbox that is read-only, by whichever of these, the machine itself refuses what removes messages (EXPUNGE,
//! MOVE, REPLACE), and STORE where no flag is permanent; CLOSE reaches the application as UNSELECT, so that nothing can
//! be expunged by mistake. Whether FETCH sets `\Seen` is the application's business
//! ([`is_read_only`](Server::is_read_only)), and so is what other mailboxes let in.

use super::{Refusal, Server};
use crate::types::{Command, PermanentFlags, ResponseCode};

/// Whether a selected mailbox can be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// It can: SELECT.
    #[default]
    ReadWrite,
    /// It cannot, but for flags that are the user's own where PERMANENTFLAGS has them (RFC 9051 6.3.2). With EXAMINE,
    /// nothing at all.
    ReadOnly,
}

/// How the selected mailbox is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Opened {
    /// What the client asked for; what it gets is never more.
    asked: Access,
    access: Access,
    flags: FlagChanges,
}

/// Whether any flag can be changed for good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum FlagChanges {
    #[default]
    Kept,
    Refused,
}

impl Opened {
    /// A mailbox that the client asked for with `asked` and that lets `access` through.
    pub(super) const fn new(asked: Access, access: Access) -> Self {
        let access = if access.is_read_only() { access } else { asked };
        Self { asked, access, flags: FlagChanges::Kept }
    }

    pub(super) const fn access(self) -> Access {
        self.access
    }

    /// The flags that can be changed for good, of those that are `offered`: none after EXAMINE (RFC 9051 6.3.3).
    pub(super) fn permanent(&mut self, offered: PermanentFlags) -> PermanentFlags {
        let flags = if self.asked.is_read_only() { PermanentFlags::default() } else { offered };
        let none = flags == PermanentFlags::default();
        self.flags = if none { FlagChanges::Refused } else { FlagChanges::Kept };
        flags
    }

    /// The access is another now. Whether it is: what EXAMINE opened stays read-only.
    pub(super) fn change(&mut self, access: Access) -> bool {
        let changed = Self::new(self.asked, access).access;
        core::mem::replace(&mut self.access, changed) != changed
    }
}

impl Access {
    pub(super) const fn is_read_only(self) -> bool {
        matches!(self, Self::ReadOnly)
    }

    /// READ-ONLY or READ-WRITE.
    pub(super) const fn code(self) -> ResponseCode {
        match self {
            Self::ReadWrite => ResponseCode::ReadWrite,
            Self::ReadOnly => ResponseCode::ReadOnly,
        }
    }
}

impl Server {
    /// Whether the selected mailbox is read-only: by EXAMINE, by the answer to SELECT, or by what has changed since.
    pub const fn is_read_only(&self) -> bool {
        self.opened.access.is_read_only()
    }

    /// Why `command` cannot be carried out in a mailbox that is read-only.
    pub(super) fn barred(&self, command: &Command) -> Option<Refusal> {
        let changes = match command {
            Command::Expunge | Command::UidExpunge(_) | Command::Move(..) | Command::Replace(..) => true,
            Command::Store(..) => self.opened.flags == FlagChanges::Refused,
            _ => false,
        };
        (changes && self.is_read_only()).then(Refusal::read_only)
    }
}
