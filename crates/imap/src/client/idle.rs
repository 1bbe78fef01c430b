//! IDLE: its stages, and its renewal before a server takes the client for gone (RFC 2177, RFC 9051 6.3.13).

use crate::client::queue::{Purpose, Queued, Sending};
use crate::client::{Client, CommandId, Event, Timer};
use crate::encode;
use crate::types::{Command, Condition, Status};
use core::time::Duration;
use posthaste_wire::Misuse;

/// An IDLE in progress.
///
/// ```text
///   Requested ──"+"──► Idling ──done, renewal──► Ending ──tagged──► (over, or Requested anew)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Idle {
    pub(crate) id: Option<CommandId>,
    pub(crate) stage: Stage,
    /// The application has had enough.
    is_done: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// IDLE was sent.
    Requested,
    /// The server confirmed.
    Idling,
    /// DONE was sent.
    Ending,
}

impl Idle {
    pub(crate) const fn new(id: Option<CommandId>) -> Self {
        Self { id, stage: Stage::Requested, is_done: false }
    }

    pub(crate) fn awaits_go_ahead(&self) -> bool {
        self.stage == Stage::Requested
    }
}

impl Client {
    /// Ends IDLE. [`Event::Done`] tells when it has ended; commands that wait in the queue follow.
    ///
    /// # Errors
    /// [`Misuse::NotNow`] when no IDLE is in progress.
    pub fn done(&mut self) -> Result<(), Misuse> {
        let Some((_, Sending::Idle(idle))) = &mut self.sending else {
            return self.unqueue_idle();
        };
        idle.is_done = true;
        if idle.stage == Stage::Idling {
            self.send_done();
        }
        Ok(())
    }

    /// An IDLE that still waits for its turn is not sent at all.
    fn unqueue_idle(&mut self) -> Result<(), Misuse> {
        let at = self.queue.iter().position(|queued| queued.purpose == Purpose::Idle);
        let idle = at.and_then(|at| self.queue.remove(at));
        let Some(id) = idle.and_then(|idle| idle.id) else {
            return Err(Misuse::NotNow { call: "done", state: "without IDLE" });
        };
        let why = Misuse::NotNow { call: "IDLE", state: "because it was ended before it began" };
        self.events.push_back(Event::NotSent { id, why });
        Ok(())
    }

    /// The server confirmed IDLE.
    pub(crate) fn idling(&mut self, serial: u64, idle: Idle) {
        let is_done = idle.is_done;
        self.sending = Some((serial, Sending::Idle(Idle { stage: Stage::Idling, ..idle })));
        if is_done {
            self.send_done();
            return;
        }
        let renewal = self.config.limits.idle_renewal;
        let renewal = self.quirks.idle_renewal_max.map_or(renewal, |max| max.min(renewal));
        self.timers.arm(Timer::IdleRenewal, self.now, renewal.max(RENEWAL_MIN));
        if let Some(id) = idle.id.filter(|id| self.idle_told != Some(*id)) {
            self.idle_told = Some(id);
            self.events.push_back(Event::Idling(id));
        }
    }

    /// The time for a renewal has come.
    pub(crate) fn renew_idle(&mut self) {
        if matches!(&self.sending, Some((_, Sending::Idle(idle))) if idle.stage == Stage::Idling) {
            self.send_done();
        }
    }

    /// IDLE is complete. Whether the application is to be told: not where it goes on.
    pub(crate) fn idle_done(&mut self, id: Option<CommandId>, idle: Option<Idle>, status: &Status) -> bool {
        self.timers.disarm(Timer::IdleRenewal);
        let renew = idle.is_some_and(|idle| idle.stage == Stage::Ending && !idle.is_done);
        if !renew || status.condition != Condition::Ok || self.bye {
            return true;
        }
        self.queue.push_front(Queued { id, ..Queued::own(Command::Idle, Purpose::Idle) });
        false
    }

    fn send_done(&mut self) {
        self.timers.disarm(Timer::IdleRenewal);
        self.send.put(encode::idle::DONE);
        if let Some((_, Sending::Idle(idle))) = &mut self.sending {
            idle.stage = Stage::Ending;
        }
        self.watch();
    }
}

/// Sooner than this the connection would do nothing else.
const RENEWAL_MIN: Duration = Duration::from_secs(1);
