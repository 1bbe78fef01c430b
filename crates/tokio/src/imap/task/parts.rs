//! Commands that are sent in parts, for servers that take lines of some length, or work on so many messages at a time and
//! no more (RFC 9738).
//!
//! What is too much is divided before (`posthaste_imap::client::Client::split`); what the server has left, and says so,
//! is asked for when it has answered. Decides the order: parts go out one after the other, and nothing that was asked
//! for later goes out before the last of them that was known when the first went out.

use std::collections::VecDeque;
use std::mem;

use posthaste_imap::client::{Event, Remaining, remaining_after};
use posthaste_imap::types::{Command, Condition, ResponseCode, Status};

use super::Task;
use super::call::{Call, Kind};
use crate::imap::client::Divide;

/// What there is of a command besides the part that is on its way.
pub(super) struct Parts {
    divide: Divide,
    rest: VecDeque<Command>,
    /// How far the server came, where it said so before its answer.
    limit: Option<Status>,
    /// How many parts were answered.
    done: usize,
    /// What was said of them, where there was something to say.
    earlier: Vec<Status>,
}

/// What follows on the answer to a part.
pub(super) enum Then {
    /// It was the last.
    Done(Status),
    Next(Command),
    /// The server refused, or has left something that nobody can name.
    Refused(Status),
}

impl Task {
    // Commands in parts

    /// Takes an untagged status that says how far the command in progress came (RFC 9738 3.1).
    pub(super) fn note_limit(&mut self, event: Event) -> Option<Event> {
        let Event::Untagged(status) = event else { return Some(event) };
        if !is_limit(&status) {
            return Some(Event::Untagged(status));
        }
        let limited =
            |id| self.calls.get(&id).is_some_and(|call| call.command.as_ref().is_some_and(is_limited));
        let id = self.connection.machine_ref().running().find(|id| limited(*id));
        match id.and_then(|id| self.calls.get_mut(&id)).filter(|call| call.parts.divide == Divide::AsNeeded) {
            Some(call) => {
                call.parts.limit = Some(status);
                None
            }
            None => Some(Event::Untagged(status)),
        }
    }

    /// Whether a call is to go on with parts that are known, so that others have to wait.
    pub(super) fn is_dividing(&self) -> bool {
        self.calls.values().any(|call| !call.parts.rest.is_empty())
    }
}

impl Parts {
    pub(super) const fn whole() -> Self {
        Self { divide: Divide::Never, rest: VecDeque::new(), limit: None, done: 0, earlier: Vec::new() }
    }

    /// All but the first, which is on its way.
    pub(super) fn behind_first(divide: Divide, rest: VecDeque<Command>) -> Self {
        Self { divide, rest, ..Self::whole() }
    }

    /// Whether something was done already.
    pub(super) const fn is_begun(&self) -> bool {
        self.done > 0
    }

    /// What was said of the parts before the last.
    pub(super) fn earlier(&mut self) -> Vec<Status> {
        mem::take(&mut self.earlier)
    }
}

impl Call {
    /// What follows when the part on its way was answered so.
    pub(super) fn then(&mut self, status: Status) -> Then {
        let parts = &mut self.parts;
        let is_ok = status.condition == Condition::Ok;
        let limit = parts.limit.take().filter(|_| is_ok);
        let remaining = match &self.command {
            Some(command) if parts.divide == Divide::AsNeeded && is_limited(command) => {
                match (command, remaining_after(command, limit.as_ref().unwrap_or(&status))) {
                    // All or nothing: an OK says that it was all, and the code that it was not.
                    (Command::Copy(..), Remaining::Commands(_)) if is_ok => Remaining::Unknown,
                    (_, remaining) => remaining,
                }
            }
            _ => Remaining::Nothing,
        };
        let goes_on = match remaining {
            Remaining::Nothing => is_ok,
            Remaining::Unknown => false,
            Remaining::Commands(commands) => {
                let is_copy = matches!(self.command, Some(Command::Copy(..)));
                commands.into_iter().rev().for_each(|command| parts.rest.push_front(command));
                is_ok || is_copy
            }
        };
        parts.done = parts.done.saturating_add(1);
        if !goes_on || parts.done > PARTS_MAX {
            return Then::Refused(status);
        }
        match parts.rest.pop_front().filter(|_| self.kind.is_wanted()) {
            Some(next) => {
                if matches!(status.code, Some(ResponseCode::CopyUid { .. } | ResponseCode::Modified(_))) {
                    self.parts.earlier.push(status);
                }
                Then::Next(next)
            }
            None => Then::Done(status),
        }
    }
}

impl Kind {
    /// Whether anybody waits for the answer.
    fn is_wanted(&self) -> bool {
        match self {
            Self::Answer(reply, _) => !reply.is_closed(),
            Self::Rows(writer) => !writer.pipe.is_unwanted(),
            Self::Data(data, _) => !data.is_closed(),
            Self::Append(_) | Self::Resync => true,
            Self::Nobody => false,
        }
    }
}

const fn is_limit(status: &Status) -> bool {
    matches!(status.code, Some(ResponseCode::MessageLimit { .. }))
}

/// Whether a command is one that the limit is about (RFC 9738 3, 3.3).
const fn is_limited(command: &Command) -> bool {
    matches!(
        command,
        Command::Fetch(..)
            | Command::Store(..)
            | Command::StoreLabels(..)
            | Command::Copy(..)
            | Command::Move(..)
            | Command::UidExpunge(_)
            | Command::Search(..)
            | Command::Sort(..)
            | Command::Thread(..)
            | Command::Esearch(_)
    )
}

/// A server that has not come to an end of one call after so many parts never will.
const PARTS_MAX: usize = 10_000;
