//! IDLE: the wait, and the line that ends it (RFC 2177, RFC 9051 6.3.13).

use bytes::Bytes;
use posthaste_wire::{Answer, Misuse};

use super::{Asked, Event, Idle, IdleDone, Phase, Poll, Server, Timer};
use crate::error::Violation;

impl Asked<Idle> {
    /// Begins to idle: updates are sent as they are handed in, until the client says DONE.
    ///
    /// # Errors
    ///
    /// [`Misuse::WrongConnection`].
    pub fn start(self, server: &mut Server) -> Result<(), Misuse> {
        if server.tickets.redeem(self.ticket)? == Answer::InTime {
            server.out.put(b"+ idling\r\n");
            server.release(true);
            server.phase = Phase::Idle(self.tag);
            server.arm_for_phase();
        }
        Ok(())
    }
}

impl Server {
    pub(super) fn poll_idle(&mut self) -> Poll {
        let line = match self.framer.plain_line(IDLE_LINE_MAX) {
            Ok(None) => return Poll::NeedInput,
            Ok(Some(line)) => line,
            Err(_) => Bytes::new(),
        };
        self.timers.disarm(Timer::Command);
        let Phase::Idle(tag) = core::mem::replace(&mut self.phase, Phase::Command) else {
            return Poll::Again;
        };
        if line.eq_ignore_ascii_case(b"DONE") {
            self.timers.arm(Timer::Idle, self.now, self.config.limits.idle_timeout);
            return Poll::Event(Event::IdleDone(self.ask(tag, IdleDone)));
        }
        self.bad(Some(&tag), None, "Expected DONE");
        self.bye(None, "Expected DONE");
        self.violation(Violation::WrongState)
    }
}

/// DONE and its line end, with some room for what is wrong.
const IDLE_LINE_MAX: usize = 64;
