//! The writer of a message's content: a linear token that knows only whole messages or none.
//!
//! Dropping it sends nothing: the server sees an unfinished message until the connection is closed, and throws it
//! away. There is no way to make it end a message by accident.

use bytes::Bytes;
use posthaste_wire::{Answer, DotEncoder, Misuse, TextCheck, Ticket};

use super::{Client, TransactionId};

/// Token: the server waits for the content of a message.
#[derive(Debug)]
#[must_use = "the server waits for the content"]
pub struct BodyWriter {
    pub(super) ticket: Ticket,
    pub(super) id: TransactionId,
    pub(super) encoder: DotEncoder,
    pub(super) check: TextCheck,
}

impl BodyWriter {
    /// The message this is the content of.
    pub const fn id(&self) -> TransactionId {
        self.id
    }

    /// Sends the next octets. Line ends are CR LF; dots are stuffed here.
    ///
    /// # Errors
    ///
    /// [`Misuse::Congested`] while the send queue is full, and nothing was taken. [`Misuse::Argument`] when the
    /// chunk makes a bare CR, a bare LF or a NUL part of the content: nothing of the chunk was sent, and it can
    /// be mended. A CR at its end is judged with the chunk that follows. [`Misuse::WrongConnection`].
    pub fn write(&mut self, client: &mut Client, chunk: Bytes) -> Result<(), Misuse> {
        if client.check(&self.ticket)? == Answer::Late {
            return Ok(());
        }
        client.check_congestion()?;
        if chunk.is_empty() {
            return Ok(());
        }
        let mut check = self.check.clone();
        check.update(&chunk);
        // A CR at the end may yet become a line end.
        let mut settled = check.clone();
        if chunk.ends_with(b"\r") {
            settled.update(b"\n");
        }
        if settled.has_bare_line_end() {
            return Err(Misuse::Argument { argument: "chunk", problem: "holds a bare CR or LF" });
        }
        if settled.has_nul() {
            return Err(Misuse::Argument { argument: "chunk", problem: "holds a NUL" });
        }
        self.check = check;
        client.write_body(&mut self.encoder, chunk);
        Ok(())
    }

    /// Ends the message: with a CR LF where the content did not end with one, and the line with a dot.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`]. [`Misuse::Argument`] when the content ends with a bare CR: the message is
    /// aborted as by [`abort`](Self::abort).
    pub fn finish(self, client: &mut Client) -> Result<(), Misuse> {
        if self.check.has_bare_line_end() {
            self.abort(client)?;
            return Err(Misuse::Argument { argument: "content", problem: "ends with a bare CR" });
        }
        let Self { ticket, mut encoder, .. } = self;
        if client.redeem(ticket)? == Answer::InTime {
            client.finish_body(&mut encoder);
        }
        Ok(())
    }

    /// Gives the message up. SMTP has no word for that in the middle of a message, so the session ends.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn abort(self, client: &mut Client) -> Result<(), Misuse> {
        if client.redeem(self.ticket)? == Answer::InTime {
            client.abort_body();
        }
        Ok(())
    }
}
