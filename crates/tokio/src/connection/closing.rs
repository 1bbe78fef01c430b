//! How a connection ends: in order, by an error, or because it is dropped.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use posthaste_wire::Machine;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::{Connection, Phase, deadline_in, space};
use crate::observe;
use crate::{Error, Role};

#[derive(Clone, Copy, Debug)]
pub(super) enum Closing {
    /// Sends the rest. What the peer still sends is read and dropped, so that two sides that both have something
    /// left do not wait for each other.
    Flush,
    Shutdown(Instant),
    /// Reads and drops what the peer still sends.
    Linger(Instant),
}

impl<M: Machine> Connection<M> {
    /// Sends the rest, closes this side and gives the peer a moment to close its own.
    pub(super) fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let Phase::Closing(closing) = self.phase else { return Poll::Ready(()) };
            match closing {
                Closing::Flush => {
                    if self.poll_output(cx).is_pending() {
                        while self.poll_drop(cx) == Poll::Ready(true) {}
                        ready!(self.poll_write_limit(cx));
                    }
                    match deadline_in(self.timeouts.close) {
                        Some(deadline) if self.write_lost.is_none() => {
                            self.phase = Phase::Closing(Closing::Shutdown(deadline));
                        }
                        _ => self.closed(),
                    }
                }
                Closing::Shutdown(deadline) => match Pin::new(&mut self.stream).poll_shutdown(cx) {
                    Poll::Ready(Ok(())) if !self.eof => {
                        self.phase = Phase::Closing(Closing::Linger(deadline));
                    }
                    Poll::Ready(_) => self.closed(),
                    Poll::Pending => {
                        ready!(self.alarm.poll(cx, Some(deadline)));
                        self.closed();
                    }
                },
                Closing::Linger(deadline) => match self.poll_drop(cx) {
                    Poll::Ready(true) => {}
                    Poll::Ready(false) => self.closed(),
                    Poll::Pending => {
                        ready!(self.alarm.poll(cx, Some(deadline)));
                        self.closed();
                    }
                },
            }
        }
    }

    /// Reads once and drops what came. Ready with `false` when there is no more, or it was enough.
    fn poll_drop(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if self.dropped >= LINGER_MAX {
            return Poll::Ready(false);
        }
        space::with(|space| {
            let mut buffer = ReadBuf::new(space);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
            self.dropped = self.dropped.saturating_add(buffer.filled().len());
            Poll::Ready(read.is_ok() && !buffer.filled().is_empty())
        })
    }

    /// The peer sends nothing more.
    pub(super) fn end_of_input(&mut self) {
        if !self.eof {
            self.eof = true;
            self.machine.handle_eof(self.clock.now());
        }
    }

    /// Sending failed. A server is done: replies reach nobody. A client reads on for a moment, because the peer
    /// may have said why it closed.
    pub(super) fn write_failed(&mut self, error: io::Error) {
        match self.role {
            Role::Server { .. } => self.lost(Error::Io(error)),
            Role::Client { .. } => {
                self.verdict.get_or_insert(Error::Io(error));
                self.write_lost = deadline_in(self.timeouts.close).or_else(|| Some(Instant::now()));
                self.write_limit = None;
                self.output.clear();
            }
        }
    }

    /// The stream is of no use any more. The machine learns of it as an end of file.
    pub(super) fn lost(&mut self, error: Error<M::Error>) {
        self.verdict.get_or_insert(error);
        self.write_lost.get_or_insert_with(Instant::now);
        self.write_limit = None;
        self.output.clear();
        self.stream.abandon();
        self.end_of_input();
    }

    /// Ends the connection at once: the machine cannot go on either.
    pub(super) fn cut(&mut self, error: Error<M::Error>) {
        self.lost(error);
        self.closed();
    }

    fn closed(&mut self) {
        self.observer.log(&mut self.machine);
        let why = observe::why(self.verdict.as_ref());
        self.observer.closed(self.received, self.output.sent(), why);
        self.stream.abandon();
        self.write_lost.get_or_insert_with(Instant::now);
        self.phase = Phase::Closed;
    }
}

/// A connection that is dropped before its end is told of, too.
impl<M: Machine> Drop for Connection<M> {
    fn drop(&mut self) {
        self.observer.log(&mut self.machine);
        self.observer.closed(self.received, self.output.sent(), "dropped");
    }
}

/// So much is read and dropped after the own side is closed.
const LINGER_MAX: usize = 256 * 1024;
