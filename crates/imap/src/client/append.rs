//! APPEND, the message itself: as many octets as were announced, no more and no fewer (RFC 9051 6.3.12, RFC 7888).

use crate::client::queue::Sending;
use crate::client::{Client, CommandId, Event, ProtocolError};
use bytes::Bytes;
use posthaste_wire::{Answer, Misuse, Ticket};

/// The right to write the octets of one message.
///
/// The server was told how many there are and now waits for them: nothing else can be sent until
/// [`finish`](Self::finish). A writer that is dropped leaves the message incomplete, so that no half of it is ever
/// stored; the connection is then good for nothing but to be closed.
#[derive(Debug)]
#[must_use = "the server waits for the octets"]
pub struct AppendWriter {
    id: CommandId,
    length: u64,
    ticket: Ticket,
}

impl AppendWriter {
    /// The APPEND it belongs to.
    pub const fn id(&self) -> CommandId {
        self.id
    }

    /// How many octets were announced.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Writes a piece of the message. Does nothing once the conversation has ended.
    ///
    /// # Errors
    /// [`Misuse::Congested`] at the high-water mark and [`Misuse::TooMuch`] beyond the announced length; then
    /// nothing was taken.
    pub fn write(&mut self, client: &mut Client, chunk: Bytes) -> Result<(), Misuse> {
        if client.writers.check(&self.ticket)? == Answer::Late {
            return Ok(());
        }
        if client.send.is_congested() {
            return Err(Misuse::Congested { high_water: client.config.limits.send_high_water });
        }
        if let Some((_, Sending::Writing { counted })) = &mut client.sending {
            counted.write(chunk.len())?;
            client.send.push(chunk);
        }
        Ok(())
    }

    /// How many octets are still due.
    pub fn remaining(&self, client: &Client) -> u64 {
        match &client.sending {
            Some((_, Sending::Writing { counted })) => counted.remaining(),
            _ => 0,
        }
    }

    /// Ends the message; the server's answer comes as [`Event::Done`]. Does nothing once the conversation has ended.
    ///
    /// # Errors
    /// [`Misuse::TooLittle`] when octets are still due: the message stays incomplete, see [`AppendWriter`].
    pub fn finish(self, client: &mut Client) -> Result<(), Misuse> {
        if client.writers.check(&self.ticket)? == Answer::Late {
            return Ok(());
        }
        if let Some((serial, Sending::Writing { counted })) = &client.sending {
            counted.finish()?;
            let serial = *serial;
            let _ = client.writers.redeem(self.ticket)?;
            client.send.put(b"\r\n");
            client.all_sent(serial);
            client.pump();
        }
        Ok(())
    }

    /// Gives the message up. The server waits for octets that will not come, so this ends the conversation: the next
    /// poll gives [`ProtocolError::AppendAborted`]. Nothing is stored.
    ///
    /// # Errors
    /// [`Misuse::WrongConnection`].
    pub fn abort(self, client: &mut Client) -> Result<(), Misuse> {
        if client.writers.redeem(self.ticket)? == Answer::InTime {
            client.fail(ProtocolError::AppendAborted);
        }
        Ok(())
    }
}

impl Client {
    /// The announcement is sent and, where one was due, the `+` is here.
    pub(crate) fn offer_writer(&mut self, id: Option<CommandId>, length: u64) {
        if let Some(id) = id {
            let ticket = self.writers.issue();
            self.events.push_back(Event::AppendReady(AppendWriter { id, length, ticket }));
        }
    }
}
