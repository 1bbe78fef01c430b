//! The token of QUIT in a session with a maildrop: the update (RFC 1939 6).

use alloc::vec::Vec;

use posthaste_wire::{Answer, Misuse, Ticket};

use super::{Server, Text};
use crate::{ResponseCode, Status};

/// The client ends the session. What it marked is removed now, durably, before the answer.
#[derive(Debug)]
#[must_use = "the client waits for the answer"]
pub struct Quit {
    pub(super) ticket: Ticket,
    pub(super) deleted: Vec<usize>,
}

impl Quit {
    /// The messages to remove: their positions in [`Maildrop::messages`](super::Maildrop::messages), ascending.
    pub fn deleted(&self) -> &[usize] {
        &self.deleted
    }

    /// All of them are removed.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`] when the token belongs to another server.
    pub fn done(self, server: &mut Server) -> Result<(), Misuse> {
        server.farewell(self.ticket, Status::Ok, None, Text::Bye)
    }

    /// Some of them, or none, are removed.
    ///
    /// # Errors
    ///
    /// As [`done`](Self::done).
    pub fn failed(self, server: &mut Server) -> Result<(), Misuse> {
        server.farewell(self.ticket, Status::Err, Some(ResponseCode::SysTemp), Text::NotRemoved)
    }
}

impl Server {
    fn farewell(
        &mut self,
        ticket: Ticket,
        status: Status,
        code: Option<ResponseCode>,
        text: Text,
    ) -> Result<(), Misuse> {
        if let Answer::InTime = self.tickets.redeem(ticket)? {
            self.say(status, code, text);
            self.close();
        }
        Ok(())
    }
}
