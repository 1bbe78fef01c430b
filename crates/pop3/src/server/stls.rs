//! The token of STLS (RFC 2595 4).

use posthaste_wire::{Answer, Misuse, Ticket};

use super::machine::Phase;
use super::{Event, Server, Text, TlsOffer};
use crate::{ProtocolError, ResponseCode, Violation};

/// The client wants to move to TLS.
#[derive(Debug)]
#[must_use = "the client waits for the answer"]
pub struct StartTls {
    ticket: Ticket,
}

impl StartTls {
    /// Agrees. [`Step::Upgrade`](crate::Step::Upgrade) follows.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`] when the token belongs to another server.
    pub fn accept(self, server: &mut Server) -> Result<(), Misuse> {
        server.accept_tls(self.ticket)
    }

    /// Declines: there is no TLS just now.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub fn reject(self, server: &mut Server) -> Result<(), Misuse> {
        server.refuse(self.ticket, Some(ResponseCode::SysTemp), Text::TlsTemporary)
    }
}

impl Server {
    pub(super) fn stls(&mut self) -> Option<Event> {
        // RFC 6856 2.1: no STLS behind UTF8.
        if self.config.tls == TlsOffer::Absent || self.security.is_tls() || self.utf8 {
            self.violate(Violation::NoTls, Text::TlsNotOffered);
            return None;
        }
        if self.fail_unless_drained() {
            return None;
        }
        Some(Event::StartTls(StartTls { ticket: self.tickets.issue() }))
    }

    /// Octets in the clear behind STLS are fatal, whoever put them there (RFC 2595 4).
    pub(super) fn fail_unless_drained(&mut self) -> bool {
        match self.input.drained() {
            Ok(_) if self.eof => self.close(),
            Ok(_) => return false,
            Err(residue) => {
                if self.phase != Phase::Handshake {
                    self.err(Text::TlsResidue);
                }
                self.fail(ProtocolError::Residue(residue));
            }
        }
        true
    }

    fn accept_tls(&mut self, ticket: Ticket) -> Result<(), Misuse> {
        if let Answer::InTime = self.tickets.redeem(ticket)? {
            if self.input.drained().is_ok() {
                self.ok(Text::BeginTls);
                self.phase = Phase::Tls;
            } else {
                self.fail_unless_drained();
            }
        }
        Ok(())
    }
}
