//! The reply token of a command: what was asked, and the answers that are legal.
//!
//! `Asked<T>` holds the arguments of one command and the right to answer it once. `no` refuses every command alike;
//! `ok` and the data that may come before it are in the file of the command.

use core::ops::Deref;

use core::num::NonZeroU32;
use posthaste_wire::{Answer, Misuse, Ticket};

use super::Server;
use super::extensions::Switch;
use crate::types::{Condition, ResponseCode, Tag};

/// A command that waits for its answer. Dereferences to its arguments.
///
/// Dropped without an answer it leaves the client waiting: the machine stays [`Paused`](crate::Step::Paused).
#[derive(Debug, PartialEq, Eq)]
#[must_use = "the client waits for the answer"]
pub struct Asked<T> {
    pub(super) request: T,
    pub(super) tag: Tag,
    pub(super) ticket: Ticket,
}

/// Why a command is refused: a response code and a text for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub(super) code: Option<ResponseCode>,
    pub(super) text: &'static str,
}

impl Refusal {
    /// A refusal with a text and no code.
    pub const fn new(text: &'static str) -> Self {
        Self { code: None, text }
    }

    /// The same with a response code (RFC 9051 7.1, RFC 5530).
    #[must_use]
    pub fn with_code(self, code: ResponseCode) -> Self {
        Self { code: Some(code), ..self }
    }

    /// There is no such mailbox: NONEXISTENT.
    pub fn nonexistent() -> Self {
        Self::new("No such mailbox").with_code(ResponseCode::NonExistent)
    }

    /// There is no such mailbox, and creating it would help: TRYCREATE.
    pub fn try_create() -> Self {
        Self::new("No such mailbox").with_code(ResponseCode::TryCreate)
    }

    /// There is such a mailbox already: ALREADYEXISTS.
    pub fn already_exists() -> Self {
        Self::new("Mailbox exists").with_code(ResponseCode::AlreadyExists)
    }

    /// What was asked for can never be done: CANNOT.
    pub fn cannot() -> Self {
        Self::new("Not possible").with_code(ResponseCode::Cannot)
    }

    /// The account has no room for it: OVERQUOTA.
    pub fn over_quota() -> Self {
        Self::new("Over quota").with_code(ResponseCode::OverQuota)
    }

    /// The server has a fault of its own: SERVERBUG.
    pub fn server_bug() -> Self {
        Self::new("Internal error").with_code(ResponseCode::ServerBug)
    }

    /// The user may not: NOPERM.
    pub fn no_permission() -> Self {
        Self::new("Not permitted").with_code(ResponseCode::NoPerm)
    }

    /// The strings of a search are in a charset that is not known, or are not text of theirs: BADCHARSET with those that
    /// are known (RFC 9051 7.1).
    pub fn bad_charset() -> Self {
        Self::new("No text of a known charset").with_code(ResponseCode::bad_charset())
    }

    /// A SEARCH result that is too large to be kept: NOTSAVED (RFC 5182 2.1). The saved result is empty then.
    pub fn not_saved() -> Self {
        Self::new("Result is not saved").with_code(ResponseCode::NotSaved)
    }

    /// CREATE cannot give a mailbox such a role: USEATTR (RFC 6154 3).
    pub fn use_attribute() -> Self {
        Self::new("No mailbox of that use").with_code(ResponseCode::UseAttr)
    }

    /// The mailbox is open for reading only: READ-ONLY.
    pub fn read_only() -> Self {
        Self::new("Mailbox is read-only").with_code(ResponseCode::ReadOnly)
    }

    /// It may work later: UNAVAILABLE.
    pub fn unavailable() -> Self {
        Self::new("Try again later").with_code(ResponseCode::Unavailable)
    }
}

impl<T> Asked<T> {
    /// The arguments of the command.
    pub const fn request(&self) -> &T {
        &self.request
    }

    /// Tells how far the command is, `done` of so many: INPROGRESS (RFC 9585). Does nothing where that is not offered.
    ///
    /// Not more often than every few seconds, and not before the first few have passed.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn progress(&self, server: &mut Server, done: u32, of: Option<NonZeroU32>) -> Result<(), Misuse> {
        let tag = Some(self.tag.clone());
        self.data(server, |server| {
            if server.config.extensions.has(Switch::InProgress) && !server.in_row {
                let code = ResponseCode::InProgress { tag, progress: Some(done), goal: of };
                server.untagged(Condition::Ok, Some(code), "Still working");
            }
        })
    }

    /// Refuses the command: tagged NO. Before login that counts as a failed login, but for UNAVAILABLE.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn no(self, server: &mut Server, refusal: Refusal) -> Result<(), Misuse> {
        if server.tickets.redeem(self.ticket)? == Answer::InTime {
            let counts = refusal.code != Some(ResponseCode::Unavailable);
            server.complete_no(&self.tag, refusal);
            if counts && !server.state.is_authenticated() {
                server.count_failed_login();
            }
        }
        Ok(())
    }

    /// Says that the command makes no sense here, as far as only the application can tell: tagged BAD. Before login that
    /// counts as a failed login.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn bad(self, server: &mut Server, text: &'static str) -> Result<(), Misuse> {
        if server.tickets.redeem(self.ticket)? == Answer::InTime {
            server.bad(Some(&self.tag), None, text);
            if !server.state.is_authenticated() {
                server.count_failed_login();
            }
        }
        Ok(())
    }

    /// Completes the command: tagged OK with `code` and `text`.
    pub(super) fn complete(
        self,
        server: &mut Server,
        code: Option<ResponseCode>,
        text: &'static str,
        effect: impl FnOnce(&mut Server),
    ) -> Result<(), Misuse> {
        if server.tickets.redeem(self.ticket)? == Answer::InTime {
            effect(server);
            server.complete_ok(&self.tag, code, text);
        }
        Ok(())
    }

    /// Completes a command that has expunged: tagged OK with HIGHESTMODSEQ where the client and the mailbox have
    /// mod-sequences (RFC 7162 3.2.7).
    pub(super) fn complete_at(
        self,
        server: &mut Server,
        mod_seq: u64,
        text: &'static str,
        effect: impl FnOnce(&mut Server),
    ) -> Result<(), Misuse> {
        if server.tickets.redeem(self.ticket)? == Answer::InTime {
            effect(server);
            let code = server.mod_seq_code(mod_seq);
            server.complete_ok(&self.tag, code, text);
        }
        Ok(())
    }

    /// Sends data that belongs to the answer, unless it is late.
    pub(super) fn data(&self, server: &mut Server, send: impl FnOnce(&mut Server)) -> Result<(), Misuse> {
        if server.tickets.check(&self.ticket)? == Answer::InTime {
            send(server);
        }
        Ok(())
    }
}

impl<T> Deref for Asked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.request
    }
}
