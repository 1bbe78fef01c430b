//! The tokens of RETR and TOP (RFC 1939 5 and 7).

use posthaste_wire::{Misuse, Ticket};

use super::body::Cut;
use super::{BodyWriter, Server, Text};
use crate::{MessageNumber, ResponseCode};

/// Why a message that is in the maildrop cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RetrieveRefusal {
    /// It is not there any more.
    Gone,
    /// It cannot be read now: `[SYS/TEMP]`.
    Temporary,
    /// It cannot be read until a person acts: `[SYS/PERM]`.
    Permanent,
    /// It holds UTF-8 where only ASCII may be, and the client has not switched to UTF-8 mode: `[UTF8]`
    /// ([`Server::is_utf8`], RFC 6856 5).
    NeedsUtf8,
}

impl RetrieveRefusal {
    const fn words(self) -> (Option<ResponseCode>, Text) {
        match self {
            Self::Gone => (None, Text::Gone),
            Self::Temporary => (Some(ResponseCode::SysTemp), Text::ReadTemporary),
            Self::Permanent => (Some(ResponseCode::SysPerm), Text::ReadPermanent),
            Self::NeedsUtf8 => (Some(ResponseCode::Utf8), Text::NeedsUtf8),
        }
    }
}

/// A whole message is asked for.
#[derive(Debug)]
#[must_use = "the client waits for the answer"]
pub struct Retr {
    pub(super) ticket: Ticket,
    pub(super) number: MessageNumber,
    pub(super) size: u64,
}

impl Retr {
    /// Its number.
    pub const fn number(&self) -> MessageNumber {
        self.number
    }

    /// Its position in [`Maildrop::messages`](super::Maildrop::messages), from 0.
    pub fn index(&self) -> usize {
        self.number.index()
    }

    /// Announces the message and gives what writes it.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`] when the token belongs to another server.
    pub fn open(self, server: &mut Server) -> Result<BodyWriter, Misuse> {
        server.open_body(self.ticket, Some(self.size), None)
    }

    /// Says that it cannot be had.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn reject(self, server: &mut Server, refusal: RetrieveRefusal) -> Result<(), Misuse> {
        let (code, text) = refusal.words();
        server.refuse(self.ticket, code, text)
    }
}

/// The header of a message and some lines of its body are asked for.
#[derive(Debug)]
#[must_use = "the client waits for the answer"]
pub struct Top {
    pub(super) ticket: Ticket,
    pub(super) number: MessageNumber,
    pub(super) lines: u32,
}

impl Top {
    /// Its number.
    pub const fn number(&self) -> MessageNumber {
        self.number
    }

    /// Its position in [`Maildrop::messages`](super::Maildrop::messages), from 0.
    pub fn index(&self) -> usize {
        self.number.index()
    }

    /// How many lines of the body.
    pub const fn lines(&self) -> u32 {
        self.lines
    }

    /// Announces the message and gives what writes it. The writer is given the message from its start and cuts it
    /// itself; [`BodyWriter::is_satisfied`] tells when the rest need not be read.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`] when the token belongs to another server.
    pub fn open(self, server: &mut Server) -> Result<BodyWriter, Misuse> {
        server.open_body(self.ticket, None, Some(Cut::new(self.lines)))
    }

    /// Says that it cannot be had.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn reject(self, server: &mut Server, refusal: RetrieveRefusal) -> Result<(), Misuse> {
        let (code, text) = refusal.words();
        server.refuse(self.ticket, code, text)
    }
}
