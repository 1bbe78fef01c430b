//! A machine that is told of an answer when all of it is there.
//!
//! What comes is collected, and looked at only as far as the end of the answer has to be found ([`Scan`]). The moment at
//! which it came is known before the machine reads any of it: what it costs to understand an answer, and to compare it,
//! is not in the time that the answer took. A scan decides when the machine is told, never what; one that is wrong
//! costs time and changes nothing. Below, the driver has its connection as with any machine: TLS, deadlines and the end
//! of the stream are its affair.

mod imap;
mod pop3;

use std::time::Instant;

use bytes::Bytes;
use posthaste_imap::{Machine, Misuse, Security, Step, Time, Upgrade};

pub use imap::ImapAnswer;
pub use pop3::Pop3Answer;

/// Finds the end of an answer.
pub trait Scan {
    /// Looks at what came: everything, once, in order, and in any split.
    fn look(&mut self, octets: &[u8]) -> Found;
}

/// What a scan found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// The answer goes on.
    More,
    /// It goes on when the machine has seen what is there.
    Due,
    /// It is complete.
    End,
}

/// A machine, and what it has not been told yet.
///
/// ```text
///           hold                     End
///   Telling ────► Holding ◄─┐ ─────────────► Telling
///                    └──────┘ Due, HELD_MAX, a deadline: the machine is told what there is
/// ```
///
/// Memory: that of the machine, [`HELD_MAX`] and one read.
#[derive(Debug)]
pub struct Held<M, S> {
    machine: M,
    /// What says when the machine is told; it is told at once without.
    scan: Option<S>,
    held: Vec<u8>,
    /// So much of `held` the machine was told.
    told: usize,
    /// The machine is to be told the rest.
    is_due: bool,
    /// When something came: on the clock of the machine, and on ours.
    came: Time,
    arrived: Instant,
    /// A step that was taken from the machine by who wanted an event.
    upgrade: Option<Upgrade>,
}

impl<M: Machine, S: Scan> Held<M, S> {
    /// Nothing is held before [`hold`](Self::hold).
    pub fn new(machine: M) -> Self {
        Self {
            machine,
            scan: None,
            held: Vec::new(),
            told: 0,
            is_due: false,
            came: Time::ZERO,
            arrived: Instant::now(),
            upgrade: None,
        }
    }

    /// The machine, to give commands to.
    pub const fn machine(&mut self) -> &mut M {
        &mut self.machine
    }

    /// The machine, to look at.
    pub const fn machine_ref(&self) -> &M {
        &self.machine
    }

    /// From here on the machine is told nothing until `scan` has found the end.
    pub fn hold(&mut self, scan: S) {
        self.scan = Some(scan);
    }

    /// The machine is told at once again.
    pub fn release(&mut self) {
        self.scan = None;
        self.is_due = true;
    }

    /// When something came last: the end of the answer, when the machine has told of it and nothing was asked since.
    pub const fn arrived(&self) -> Instant {
        self.arrived
    }

    /// What the machine tells of what is there already, without a look at clocks and sockets.
    #[inline]
    pub fn at_hand(&mut self) -> Option<M::Event> {
        loop {
            match self.machine.poll_event() {
                Ok(Step::Event(event)) => return Some(event),
                Ok(Step::NeedInput) if self.is_due => self.tell(TOLD_AT_ONCE),
                Ok(Step::Upgrade(upgrade)) => {
                    self.upgrade = Some(upgrade);
                    return None;
                }
                // All others come again when they are asked for.
                Ok(_) | Err(_) => return None,
            }
        }
    }

    /// Tells the machine up to so much of what is held, as of when it came.
    fn tell(&mut self, octets_max: usize) {
        let rest = self.held.get(self.told..).unwrap_or_default();
        let now = rest.get(..octets_max).unwrap_or(rest);
        if !now.is_empty() {
            self.machine.handle_input(self.came, now);
            self.told = self.told.saturating_add(now.len());
        }
        if self.told >= self.held.len() {
            self.held.clear();
            self.told = 0;
            self.is_due = false;
        }
    }
}

impl<M: Machine, S: Scan> Machine for Held<M, S> {
    type Event = M::Event;
    type Error = M::Error;

    fn handle_input(&mut self, now: Time, input: &[u8]) {
        self.came = now;
        self.arrived = Instant::now();
        let Some(scan) = &mut self.scan else {
            self.tell(usize::MAX);
            self.machine.handle_input(now, input);
            return;
        };
        self.held.extend_from_slice(input);
        let found = scan.look(input);
        if found == Found::End {
            self.scan = None;
        }
        self.is_due |= found != Found::More || self.held.len() >= HELD_MAX;
    }

    fn handle_eof(&mut self, now: Time) {
        self.tell(usize::MAX);
        self.machine.handle_eof(now);
    }

    /// Patience begins with what came last, which the machine may not know of.
    fn handle_timeout(&mut self, now: Time) {
        self.tell(usize::MAX);
        self.machine.handle_timeout(now);
    }

    fn poll_event(&mut self) -> Result<Step<M::Event>, M::Error> {
        if let Some(upgrade) = self.upgrade.take() {
            return Ok(Step::Upgrade(upgrade));
        }
        loop {
            match self.machine.poll_event() {
                Ok(Step::NeedInput) if self.is_due => self.tell(TOLD_AT_ONCE),
                step => return step,
            }
        }
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.machine.poll_transmit()
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.machine.poll_timeout()
    }

    fn upgraded(&mut self, now: Time, upgrade: Upgrade, security: Security) -> Result<(), Misuse> {
        self.machine.upgraded(now, upgrade, security)
    }

    fn is_congested(&self) -> bool {
        self.machine.is_congested()
    }
}

/// From so many octets on, the machine is told what is there before the answer is complete. What it takes to understand
/// them is then in the time of the answer: of one that is this long, a small part.
pub const HELD_MAX: usize = 64 * 1024 * 1024;

/// The machine copies what it is told; it gets no more at a time than from a socket.
const TOLD_AT_ONCE: usize = 64 * 1024;
