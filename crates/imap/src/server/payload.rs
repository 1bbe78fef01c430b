//! Payloads of an announced length that leave in pieces: the literals of FETCH and the values of GETMETADATA.
//!
//! Neither can be written past its length nor end short of it, and none is written while the client does not read.

use bytes::Bytes;
use posthaste_wire::{Answer, Counted, Misuse, Ticket};

use super::Server;

impl Server {
    /// Sends octets of a payload of which `counted` are still due, unless the answer is late.
    pub(super) fn write_payload(
        &mut self,
        ticket: &Ticket,
        counted: &mut Counted,
        chunk: Bytes,
    ) -> Result<(), Misuse> {
        if self.tickets.check(ticket)? == Answer::Late {
            return Ok(());
        }
        if self.is_congested() {
            return Err(Misuse::Congested { high_water: self.config.limits.send_high_water });
        }
        counted.write(chunk.len())?;
        self.out.push(chunk);
        Ok(())
    }

    /// Ends a payload. Where octets are still due, the client cannot be told any more where it ends, and the conversation
    /// is over.
    pub(super) fn finish_payload(&mut self, ticket: &Ticket, counted: Counted) -> Result<Answer, Misuse> {
        let complete = counted.finish();
        let answer = self.tickets.check(ticket)?;
        if answer == Answer::InTime && complete.is_err() {
            self.close();
            complete?;
        }
        Ok(answer)
    }

    /// What could not be told within a row or a value can be now.
    pub(super) fn end_row(&mut self) {
        self.in_row = false;
        self.release(self.may_expunge());
    }
}
