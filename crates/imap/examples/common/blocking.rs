//! A driver for any machine over a blocking stream, as small as it can be: reads when the machine needs input,
//! writes what it has to say, keeps its deadlines. No TLS; Posthaste's tokio crate has all of that.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use posthaste_imap::{Machine, Step, Time};

/// A machine and the socket it speaks over.
pub(crate) struct Link<M> {
    pub(crate) machine: M,
    stream: TcpStream,
    start: Instant,
}

impl<M: Machine> Link<M> {
    pub(crate) fn new(machine: M, stream: TcpStream) -> Self {
        Self { machine, stream, start: Instant::now() }
    }

    /// The next event; `None` when the conversation is over.
    pub(crate) fn next(&mut self) -> io::Result<Option<M::Event>> {
        loop {
            match self.step(Duration::MAX)? {
                Step::Event(event) => return Ok(Some(event)),
                Step::Closed => return Ok(None),
                _ => {}
            }
        }
    }

    /// As [`next`](Self::next), but [`Step::NeedInput`] when nothing came within `patience`, and perhaps earlier: a
    /// server has something to say of its own accord in IMAP.
    pub(crate) fn step(&mut self, patience: Duration) -> io::Result<Step<M::Event>> {
        loop {
            let step = self.machine.poll_event();
            let sent = self.flush()?;
            match step.map_err(io::Error::other)? {
                // There is room again: the machine may go on with what it has.
                Step::NeedInput if sent => {}
                Step::NeedInput if self.wait(patience)? => {}
                step @ (Step::Event(_) | Step::Closed | Step::NeedInput) => return Ok(step),
                Step::Paused => return Err(io::Error::other("an event was not answered")),
                Step::Upgrade(_) => return Err(io::Error::other("there is no TLS here")),
            }
        }
    }

    /// Sends what waits; a body's writer calls it when the queue is full.
    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        let mut sent = false;
        while let Some(bytes) = self.machine.poll_transmit() {
            self.stream.write_all(&bytes)?;
            sent = true;
        }
        Ok(sent)
    }

    /// Reads once, or until the machine's deadline. Whether something came in time.
    fn wait(&mut self, patience: Duration) -> io::Result<bool> {
        let deadline = self.machine.poll_timeout();
        let left = deadline.map(|deadline| deadline.since_epoch().saturating_sub(self.start.elapsed()));
        let left = left.unwrap_or(Duration::MAX).min(patience);
        // Zero would be for ever, and so is what the system cannot count.
        let left = left.max(Duration::from_millis(1));
        self.stream.set_read_timeout(Some(left).filter(|left| *left < Duration::from_secs(1 << 30)))?;
        let mut buffer = [0; 16 * 1024];
        let read = self.stream.read(&mut buffer);
        let now = Time::from_epoch(self.start.elapsed());
        match read {
            Ok(0) => self.machine.handle_eof(now),
            Ok(count) => self.machine.handle_input(now, buffer.get(..count).unwrap_or_default()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                self.machine.handle_timeout(now);
                return Ok(false);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(true)
    }
}
