//! The tokens of VRFY, EXPN (RFC 5321 3.5) and ETRN (RFC 1985 5): questions beside the mail, which change no
//! transaction. Each has a method for each legal answer.
//!
//! None comes unless [`Extensions`](super::Extensions) say that the application answers.

use alloc::vec;
use alloc::vec::Vec;

use posthaste_wire::{Misuse, Ticket};

use super::Server;
use crate::{Mailbox, Rejection, Reply, Text};

/// Token: VRFY. Does this name or mailbox exist?
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub struct Vrfy {
    pub(super) ticket: Ticket,
    pub(super) text: Text,
    /// Whether the reply may hold UTF-8.
    pub(super) utf8: bool,
}

/// Token: EXPN. Who is on this list?
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub struct Expn {
    pub(super) ticket: Ticket,
    pub(super) text: Text,
    /// Whether the reply may hold UTF-8.
    pub(super) utf8: bool,
}

/// Token: ETRN. The client wants what is queued for it.
#[derive(Debug)]
#[must_use = "the client waits for an answer"]
pub struct Etrn {
    pub(super) ticket: Ticket,
    pub(super) node: Text,
}

impl Vrfy {
    /// What was asked for: anything a person may have typed.
    pub const fn text(&self) -> &Text {
        &self.text
    }

    /// 250: it is this mailbox. One that is not ASCII is told only to a client that said `SMTPUTF8`; others get 252
    /// (RFC 6531 3.7.4.2).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn confirm(self, server: &mut Server, mailbox: &Mailbox) -> Result<(), Misuse> {
        let reply = if self.utf8 || mailbox.is_ascii() {
            Reply::fixed_lines(250, (2, 1, 5), vec![alloc::format!("<{mailbox}>")])
        } else {
            cannot_verify()
        };
        server.answer(self.ticket, &reply)
    }

    /// 251: it is not here; mail for it goes on to this mailbox. As with [`confirm`](Self::confirm), 252 in place of what
    /// the client cannot read.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn forward(self, server: &mut Server, mailbox: &Mailbox) -> Result<(), Misuse> {
        let reply = if self.utf8 || mailbox.is_ascii() {
            Reply::fixed_lines(
                251,
                (2, 1, 5),
                vec![alloc::format!("User not local; will forward to <{mailbox}>")],
            )
        } else {
            cannot_verify()
        };
        server.answer(self.ticket, &reply)
    }

    /// 252: neither yes nor no; mail for it would be taken.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn pass(self, server: &mut Server) -> Result<(), Misuse> {
        server.answer(self.ticket, &cannot_verify())
    }

    /// There is none ([`Rejection::no_such_user`]), there are several (553), or it is not told (550).
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn reject(self, server: &mut Server, rejection: Rejection) -> Result<(), Misuse> {
        server.answer(self.ticket, &rejection.into_reply())
    }
}

impl Expn {
    /// The name of the list, as the client wrote it.
    pub const fn text(&self) -> &Text {
        &self.text
    }

    /// 250: these are its members, one a line.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`]. [`Misuse::Argument`] when there are none or more than [`Reply::LINES_MAX`]; the
    /// client is told 252 then.
    pub fn expand(self, server: &mut Server, members: &[Mailbox]) -> Result<(), Misuse> {
        if members.is_empty() || members.len() > Reply::LINES_MAX {
            self.pass(server)?;
            return Err(Misuse::Argument {
                argument: "members",
                problem: "are none, or too many for a reply",
            });
        }
        if !self.utf8 && !members.iter().all(Mailbox::is_ascii) {
            return self.pass(server);
        }
        let lines: Vec<_> = members.iter().map(|member| alloc::format!("<{member}>")).collect();
        server.answer(self.ticket, &Reply::fixed_lines(250, (2, 1, 5), lines))
    }

    /// 252: neither yes nor no.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn pass(self, server: &mut Server) -> Result<(), Misuse> {
        server.answer(self.ticket, &Reply::fixed(252, (2, 5, 0), "Cannot expand, but will take mail for it"))
    }

    /// There is none, or it is not told.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn reject(self, server: &mut Server, rejection: Rejection) -> Result<(), Misuse> {
        server.answer(self.ticket, &rejection.into_reply())
    }
}

impl Etrn {
    /// The name of the node, as the client wrote it, an option character (`@` or `#`) included.
    pub const fn node(&self) -> &Text {
        &self.node
    }

    /// 250: the queue is being worked off.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn start(self, server: &mut Server) -> Result<(), Misuse> {
        server.answer(self.ticket, &Reply::fixed(250, (2, 0, 0), "OK, queuing for node started"))
    }

    /// 251: nothing is queued.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn nothing_waits(self, server: &mut Server) -> Result<(), Misuse> {
        server.answer(self.ticket, &Reply::fixed(251, (2, 0, 0), "OK, no messages waiting for node"))
    }

    /// 253: so many messages are being sent; without a number 252.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn start_pending(self, server: &mut Server, messages: Option<u32>) -> Result<(), Misuse> {
        let reply = match messages {
            None => Reply::fixed(252, (2, 0, 0), "OK, pending messages for node started"),
            Some(count) => Reply::fixed_lines(
                253,
                (2, 0, 0),
                vec![alloc::format!("OK, {count} pending messages for node started")],
            ),
        };
        server.answer(self.ticket, &reply)
    }

    /// 458: messages cannot be queued for the node.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn unable(self, server: &mut Server) -> Result<(), Misuse> {
        server.answer(self.ticket, &Reply::fixed(458, (4, 3, 0), "Unable to queue messages for node"))
    }

    /// 459: not for this client.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn deny(self, server: &mut Server) -> Result<(), Misuse> {
        server.answer(self.ticket, &Reply::fixed(459, (4, 7, 1), "Node not allowed"))
    }
}

/// RFC 5321 3.5.3: neither yes nor no.
pub(super) fn cannot_verify() -> Reply {
    Reply::fixed(252, (2, 5, 0), "Cannot VRFY user, but will take mail for it")
}
