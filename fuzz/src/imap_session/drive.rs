//! Plays a plan to a machine, as a driver would: each stretch of octets whole or octet by octet, and between two
//! stretches what the application does of its own accord.

use posthaste_imap::{Machine, Misuse, Security, Step, Time, Upgrade};
use posthaste_testkit::{Note, Outcome};

use crate::plan::Plan;

/// How a stretch is handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    Stretches,
    Octets,
}

/// What an application does with a machine.
pub(super) trait Application<M: Machine> {
    /// Answers, or keeps the question for later.
    fn event(&mut self, machine: &mut M, event: M::Event) -> Note;
    /// Goes on with what waited for room in the send queue; whether something was written.
    fn room(&mut self, machine: &mut M) -> bool;
    /// Gives an answer that was kept; whether there was one.
    fn late(&mut self, machine: &mut M) -> bool;
    /// What happens between two stretches; what time it is then.
    fn between(&mut self, machine: &mut M, now: Time) -> Time;
    /// The layer is in place: what the machine held back of the old one.
    fn upgraded(
        &mut self,
        machine: &mut M,
        now: Time,
        upgrade: Upgrade,
        security: Security,
    ) -> Result<(), Misuse>;
}

/// What choices were made, one octet each. When they run out, all is as it should be.
#[derive(Debug)]
pub(super) struct Choices<'a>(pub(super) &'a [u8]);

impl Choices<'_> {
    pub(super) fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }
}

/// Plays the plan and then end of file; what was seen.
pub(super) fn drive<M: Machine, A: Application<M>>(
    machine: &mut M,
    application: &mut A,
    plan: &Plan<'_>,
    pace: Pace,
) -> Outcome {
    let steps_max = 1_000 + 64 * plan.octets.len();
    let mut drive = Drive { machine, application, now: Time::ZERO, seen: Outcome::default(), steps_max };
    for (number, stretch) in plan.pieces().into_iter().enumerate() {
        if number > 0 {
            drive.now = drive.application.between(drive.machine, drive.now);
            drive.settle();
            drive.settle_late();
        }
        let chunk = if pace == Pace::Octets { 1 } else { stretch.len().max(1) };
        for octets in stretch.chunks(chunk) {
            drive.machine.handle_input(drive.now, octets);
            drive.settle();
        }
        drive.settle_late();
    }
    drive.machine.handle_eof(drive.now);
    drive.settle();
    drive.settle_late();
    drive.seen
}

struct Drive<'a, M, A> {
    machine: &'a mut M,
    application: &'a mut A,
    now: Time,
    seen: Outcome,
    steps_max: usize,
}

impl<M: Machine, A: Application<M>> Drive<'_, M, A> {
    /// Gives what answers are due, each of which may lead to another question.
    fn settle_late(&mut self) {
        while self.application.late(self.machine) {
            self.settle();
        }
    }

    /// Until the machine waits for something or has ended.
    fn settle(&mut self) {
        loop {
            self.steps_max = self.steps_max.checked_sub(1).expect("too many steps for so few octets");
            // What was written is a matter of events, and not of when a read came.
            let mut sent = self.drain();
            while self.application.room(self.machine) {
                sent |= self.drain();
            }
            let step = self.machine.poll_event();
            sent |= self.drain();
            match step {
                Ok(Step::Event(event)) => {
                    let note = self.application.event(self.machine, event);
                    self.note(note);
                }
                Ok(Step::NeedInput | Step::Paused) if sent => {}
                Ok(Step::NeedInput | Step::Paused) => return,
                Ok(Step::Upgrade(upgrade)) => {
                    self.note(Note::event(format!("(upgrade) {:?}", upgrade.layer())));
                    let done = self.application.upgraded(self.machine, self.now, upgrade, Security::Tls);
                    done.expect("an upgrade that was asked for");
                }
                Ok(Step::Closed) => {
                    self.seen.closed = true;
                    return;
                }
                Err(error) => {
                    self.seen.error = Some(error.to_string());
                    return;
                }
            }
        }
    }

    fn drain(&mut self) -> bool {
        let mut sent = false;
        while let Some(bytes) = self.machine.poll_transmit() {
            self.seen.output.extend_from_slice(&bytes);
            sent = true;
        }
        assert!(!self.machine.is_congested(), "nothing waits, and there is no room");
        sent
    }

    fn note(&mut self, note: Note) {
        match (self.seen.notes.last_mut(), note) {
            (Some(Note::Body(body)), Note::Body(chunk)) => body.extend_from_slice(&chunk),
            (_, note) => self.seen.notes.push(note),
        }
    }
}
