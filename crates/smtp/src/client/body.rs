//! The writer of a message's content: a linear token that knows only whole messages or none.
//!
//! Dropping it ends nothing: the server sees an unfinished message until the connection is closed, and throws it
//! away. There is no way to make it end a message by accident. What the content may hold is decided in `content`,
//! how it travels in `chunks`.

use bytes::Bytes;
use posthaste_wire::{Answer, Misuse, Ticket};

use super::content::{Content, Rules};
use super::{Client, ContentFault, TransactionId};

/// Token: the server takes the content of a message.
#[derive(Debug)]
#[must_use = "the server waits for the content"]
pub struct BodyWriter {
    ticket: Ticket,
    id: TransactionId,
    content: Content,
    binary: bool,
    fault: Option<ContentFault>,
}

impl BodyWriter {
    pub(super) const fn new(ticket: Ticket, id: TransactionId, rules: Rules) -> Self {
        Self { ticket, id, content: Content::new(rules), binary: rules.binary, fault: None }
    }

    /// The message this is the content of.
    pub const fn id(&self) -> TransactionId {
        self.id
    }

    /// Why the last chunk was refused, where it was for what it holds.
    pub const fn fault(&self) -> Option<ContentFault> {
        self.fault
    }

    /// Sends the next octets. Line ends are CR LF; dots are stuffed here, where the message travels by DATA. A CR at
    /// the end of the chunk waits for what follows it.
    ///
    /// # Errors
    ///
    /// Nothing of the chunk was taken where there is one. [`Misuse::Congested`] while the send queue is full: send
    /// what there is to send. [`Misuse::NotNow`] while so many chunks are not answered that no more can be sent, which
    /// only happens with BDAT: poll until [`Event::Room`](super::Event::Room) says when to go on, or
    /// [`Event::Sent`](super::Event::Sent) that it is no use. [`Misuse::Argument`] when the chunk makes something part
    /// of the content that may not be sent: [`fault`](Self::fault) says what, and it can be mended.
    /// [`Misuse::WrongConnection`].
    pub fn write(&mut self, client: &mut Client, chunk: Bytes) -> Result<(), Misuse> {
        self.fault = None;
        if client.check(&self.ticket)? == Answer::Late {
            return Ok(());
        }
        client.check_room()?;
        let (waited, octets) = self.content.take(chunk).map_err(|fault| {
            self.fault = Some(fault);
            Misuse::Argument { argument: "chunk", problem: fault.problem() }
        })?;
        client.write_content(Bytes::from_static(waited));
        client.write_content(octets);
        client.chunk_due();
        Ok(())
    }

    /// Ends the message, with a CR LF first where text does not end with one.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`]. [`Misuse::Argument`] when the content ends with a bare CR and that is not
    /// repaired: the message is aborted as by [`abort`](Self::abort).
    pub fn finish(mut self, client: &mut Client) -> Result<(), Misuse> {
        let waited = match self.content.finish() {
            Ok(waited) => waited,
            Err(fault) => {
                self.abort(client)?;
                return Err(Misuse::Argument {
                    argument: "the end of the content",
                    problem: fault.problem(),
                });
            }
        };
        if client.redeem(self.ticket)? == Answer::InTime {
            client.write_content(Bytes::from_static(waited));
            client.finish_content(self.content.is_inside_line(), self.binary);
        }
        Ok(())
    }

    /// Gives the message up. Between the chunks of BDAT the server is told, and the session goes on; the report says
    /// [`Refusal::Aborted`](super::Refusal::Aborted). DATA has no word for that, so the session ends, and
    /// [`take_unfinished`](Client::take_unfinished) has the message.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn abort(self, client: &mut Client) -> Result<(), Misuse> {
        if client.redeem(self.ticket)? == Answer::InTime {
            client.abort_content();
        }
        Ok(())
    }
}
