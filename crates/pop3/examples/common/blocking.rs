//! A driver for any machine over a blocking stream, as small as it can be: reads when the machine needs input,
//! writes what it has to say, keeps its deadlines. No TLS; Posthaste's tokio crate has all of that.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use posthaste_pop3::{Machine, Step, Time};

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
            let step = self.machine.poll_event();
            let sent = self.flush()?;
            match step.map_err(io::Error::other)? {
                Step::Event(event) => return Ok(Some(event)),
                Step::Closed => return Ok(None),
                // There is room again: the machine may go on with what it has.
                Step::NeedInput if sent => {}
                Step::NeedInput => self.wait()?,
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

    /// Reads once, or until the machine's deadline.
    fn wait(&mut self) -> io::Result<()> {
        let left = self.machine.poll_timeout().map(|deadline| {
            let left = deadline.since_epoch().saturating_sub(self.start.elapsed());
            left.max(Duration::from_millis(1))
        });
        self.stream.set_read_timeout(left)?;
        let mut buffer = [0; 16 * 1024];
        let read = self.stream.read(&mut buffer);
        let now = Time::from_epoch(self.start.elapsed());
        match read {
            Ok(0) => self.machine.handle_eof(now),
            Ok(count) => self.machine.handle_input(now, buffer.get(..count).unwrap_or_default()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                self.machine.handle_timeout(now);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
