//! A resynchronisation, which has the session to itself (RFC 7162).

use std::collections::VecDeque;

use posthaste_imap::client::{Event, Outcome};
use tokio::sync::mpsc;

use super::call::{Call, Kind};
use super::stall::Stall;
use super::{Cause, Phase, Task};
use crate::client::after;
use crate::imap::client::Reply;
use crate::imap::resync::{Change, Resync, Synced};

/// A mailbox on its way to being up to date.
pub(super) struct Catching {
    pub(super) resync: Resync,
    pub(super) changes: mpsc::Sender<Change>,
    pub(super) done: Reply<Synced>,
}

impl Task {
    // Resynchronisation

    /// Shows an event to the resynchronisation in progress.
    pub(super) fn observe(&mut self, event: &Event) {
        let Some(catching) = &mut self.catching else { return };
        let changes = catching.resync.observe(self.connection.machine_ref(), event);
        let mut changes = VecDeque::from(changes);
        while let Some(change) = changes.pop_front() {
            match catching.changes.try_send(change) {
                Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => {}
                Err(mpsc::error::TrySendError::Full(change)) => {
                    changes.push_front(change);
                    let stall = Stall::Changes(catching.changes.clone(), changes);
                    self.stall = Some((stall, after(self.shared.reader)));
                    return;
                }
            }
        }
    }

    /// Gives the machine the next command of the resynchronisation, or ends it.
    pub(super) fn catch_up(&mut self) {
        let Some(catching) = &mut self.catching else { return };
        if let Some(outcome) = catching.resync.outcome() {
            let done = match outcome {
                Outcome::Done { known, method, counted } => {
                    Ok(Synced { known: known.clone(), method: *method, counted: *counted })
                }
                Outcome::Refused(status) => Err(Cause::Refused(status.clone())),
                Outcome::NotSent(misuse) => Err(crate::Error::Misuse(*misuse).into()),
                _ => Err(Cause::TooLong(catching.resync.ranges_max)),
            };
            let done = done.map_err(|cause| self.error_in(Phase::Query, cause));
            if let Some(catching) = self.catching.take() {
                drop(catching.done.send(done));
            }
            return;
        }
        let Some(command) = catching.resync.due() else { return };
        match self.connection.machine().command(command.clone()) {
            Ok(id) => {
                catching.resync.sent(id);
                let (command, kind) = (Some(command), Kind::Resync);
                self.calls.insert(id, Call::new(command, Phase::Query, kind));
            }
            Err(misuse) => {
                if let Some(catching) = self.catching.take() {
                    drop(catching.done.send(Err(misuse.into())));
                }
            }
        }
    }
}
