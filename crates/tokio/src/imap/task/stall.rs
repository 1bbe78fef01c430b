//! A reader who is slow: the session reads no further until he has taken something, or his time has passed.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;

use posthaste_imap::client::Event;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::call::{Call, Kind};
use super::{Cause, Phase, Task};
use crate::imap::pipe::Pipe;
use crate::imap::resync::Change;

/// A reader who has to take something before the session reads on.
pub(super) enum Stall {
    Rows(Arc<Pipe>),
    Data(mpsc::Sender<Event>, Option<Box<Event>>),
    Changes(mpsc::Sender<Change>, VecDeque<Change>),
}

impl Task {
    /// A reader has let his time pass: what comes for him is thrown away from now on.
    pub(super) fn give_up_reader(&mut self) {
        let error = self.error_in(Phase::Query, Cause::Unread(self.shared.reader));
        match self.stall.take() {
            Some((Stall::Rows(pipe), _)) => pipe.give_up(error),
            Some((Stall::Data(data, _), _)) => {
                let is_his = |call: &Call| matches!(&call.kind, Kind::Data(of, _) if of.same_channel(&data));
                let id = self.calls.iter().find(|(_, call)| is_his(call)).map(|(id, _)| *id);
                if let Some(id) = id {
                    self.fail(id, &error);
                }
            }
            Some((Stall::Changes(..), _)) => {
                // Its command is answered, if one is in progress, and nobody looks at it.
                if let Some(catching) = self.catching.take() {
                    drop(catching.done.send(Err(error)));
                }
            }
            None => {}
        }
    }
}

/// Waits for a reader, in his time.
pub(super) async fn room(stall: &mut Option<(Stall, Instant)>) -> bool {
    let Some((stall, deadline)) = stall else { return pending().await };
    timeout_at(*deadline, stall.room()).await.is_ok()
}

impl Stall {
    /// Cancel safe: what is taken is handed over in the same breath.
    async fn room(&mut self) {
        match self {
            Self::Rows(pipe) => std::future::poll_fn(|cx| pipe.poll_room(cx)).await,
            Self::Data(data, event) => {
                if let (Ok(permit), Some(event)) = (data.reserve().await, event.take()) {
                    permit.send(*event);
                }
            }
            Self::Changes(sender, changes) => {
                while !changes.is_empty() {
                    let Ok(permit) = sender.reserve().await else { return };
                    if let Some(change) = changes.pop_front() {
                        permit.send(change);
                    }
                }
            }
        }
    }
}
