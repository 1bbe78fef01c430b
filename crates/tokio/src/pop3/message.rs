//! A message on its way, for readers that take chunks and for those that take octets.
//!
//! Decides how slow a message may be. Never shows the end of a message that was cut.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use posthaste_pop3::client::{CommandId, Event};
use posthaste_pop3::{MessageNumber, Uidl};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Instant, Sleep};

use super::{Client, Error, Row};
use crate::client::Cause;

/// A message on its way. An [`AsyncRead`], too: `tokio::io::copy` writes it to a file.
///
/// What comes is without dot-stuffing. The end is seen only where the server has sent it: a message that was cut ends
/// with an error. Each piece has the idle time-out of the options; all of them together the time of a call and a second
/// more for every 500 octets. The time that the caller takes is not counted.
///
/// Dropped before its end, the rest is read and thrown away by the next call on the client.
#[derive(Debug)]
#[must_use = "the message comes in chunks"]
pub struct Message<'a> {
    pub(super) client: &'a mut Client,
    id: CommandId,
    row: Row,
    /// What was read and not given out; the first chunk was read to know that the message exists.
    chunk: Bytes,
    ended: bool,
    octets: u64,
    waited: Duration,
    /// A wait for the next event that was begun by a reader, and since when.
    alarm: Option<Pin<Box<Sleep>>>,
    since: Option<Instant>,
}

impl<'a> Message<'a> {
    pub(super) fn new(
        client: &'a mut Client,
        id: CommandId,
        row: Row,
        first: Option<Bytes>,
        ended: bool,
    ) -> Self {
        Self {
            client,
            id,
            row,
            chunk: first.unwrap_or_default(),
            ended,
            octets: 0,
            waited: Duration::ZERO,
            alarm: None,
            since: None,
        }
    }

    /// Its number in this session.
    pub const fn number(&self) -> MessageNumber {
        self.row.number
    }

    /// Its unique-id, where the message was found in a listing that has it.
    pub const fn uidl(&self) -> Option<&Uidl> {
        self.row.uidl.as_ref()
    }

    /// How many octets it has, as the server says, where the message was found in a listing.
    pub const fn octets(&self) -> Option<u64> {
        self.row.octets
    }

    /// Whether all of it was given out.
    pub fn is_complete(&self) -> bool {
        self.ended && self.chunk.is_empty()
    }

    /// The next piece of the message; `None` when it is complete. Cancel safe.
    ///
    /// # Errors
    ///
    /// [`Cause::Closed`] when the connection ended inside the message: what came so far is no message.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        while self.chunk.is_empty() && !self.ended {
            self.alarm = None;
            self.begin();
            let event = self.client.event().await;
            self.take(event)?;
        }
        Ok(Some(std::mem::take(&mut self.chunk)).filter(|chunk| !chunk.is_empty()))
    }

    /// Sets the deadline for the next event.
    fn begin(&mut self) {
        self.since.get_or_insert_with(Instant::now);
        self.client.session.begin_piece(self.waited, self.octets);
    }

    fn take(&mut self, event: Result<Event, Error>) -> Result<(), Error> {
        if let Some(since) = self.since.take() {
            self.waited = self.waited.saturating_add(since.elapsed());
        }
        match event? {
            Event::Body { id, chunk } if id == self.id => {
                self.octets = self.octets.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
                self.chunk = chunk;
            }
            Event::BodyEnd { id } if id == self.id => self.ended = true,
            Event::BodyAborted { id } if id == self.id => return Err(self.client.error(Cause::Closed)),
            _ => {}
        }
        Ok(())
    }
}

impl AsyncRead for Message<'_> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.chunk.is_empty() && !this.ended {
            if this.alarm.is_none() {
                this.begin();
            }
            let event = ready!(this.client.session.poll_event(cx, &mut this.alarm));
            this.take(event).map_err(into_io)?;
        }
        let count = this.chunk.len().min(buf.remaining());
        let octets = this.chunk.split_to(count);
        buf.put_slice(octets.chunk());
        Poll::Ready(Ok(()))
    }
}

fn into_io(error: Error) -> io::Error {
    let kind = match error.cause() {
        Cause::Closed => io::ErrorKind::UnexpectedEof,
        Cause::Idle(_) | Cause::Deadline(_) => io::ErrorKind::TimedOut,
        Cause::Connection(crate::Error::Io(error)) => error.kind(),
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}
