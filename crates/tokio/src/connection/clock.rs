//! The clock of one connection.
//!
//! It runs only while the driver waits for the peer. The time an application takes over an event, a slow disk say,
//! is not held against the peer; and since the verbs of tokens carry no time, a machine whose last known time is
//! the time of its last event arms the next timer correctly.

use std::time::Duration;

use posthaste_wire::Time;
use tokio::time::Instant;

/// Time that was spent waiting for the peer, since the connection began.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    before: Duration,
    running: Option<Instant>,
}

impl Clock {
    /// Lets the clock run. Nothing changes when it runs already.
    pub(crate) fn start(&mut self) {
        if self.running.is_none() {
            self.running = Some(Instant::now());
        }
    }

    /// Stops the clock.
    pub(crate) fn stop(&mut self) {
        if let Some(since) = self.running.take() {
            self.before = self.before.saturating_add(since.elapsed());
        }
    }

    /// The time on the clock.
    pub(crate) fn now(&self) -> Time {
        let running = self.running.map_or(Duration::ZERO, |since| since.elapsed());
        Time::from_epoch(self.before.saturating_add(running))
    }

    /// When the clock will show `time`, if it runs until then. `None` when that is beyond reckoning.
    pub(crate) fn instant_of(&self, time: Time) -> Option<Instant> {
        let since = self.running.unwrap_or_else(Instant::now);
        since.checked_add(time.saturating_since(Time::from_epoch(self.before)))
    }
}
