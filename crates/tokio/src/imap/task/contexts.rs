//! Searches whose results the server keeps up to date, and who is told (RFC 5267).
//!
//! A context is known by the tag of its search, from when the search is on its way until the server has been told that
//! nobody wants it, or the mailbox is closed. Decides what becomes of each change; never waits for a reader.

use posthaste_imap::client::{CommandId, Event};
use posthaste_imap::types::{AString, Command, Condition, EsearchResponse, ResponseCode, Status};
use tokio::sync::mpsc::error::TrySendError;

use super::call::{Call, Kind};
use super::{Phase, Task};
use crate::imap::context::{ContextEnd, Feed};

/// A search whose result is kept up to date.
pub(super) struct Context {
    pub(super) id: CommandId,
    tag: Option<AString>,
    /// `None` when nobody wants it any more: what still comes is thrown away.
    feed: Option<Feed>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The search is not answered.
    Searching,
    /// The server tells what changes.
    Updating,
    /// The server was told to stop.
    Cancelling,
}

impl Task {
    // Results that are kept up to date

    pub(super) fn open_context(&mut self, id: CommandId, feed: Feed) {
        self.contexts.push(Context { id, tag: None, feed: Some(feed), stage: Stage::Searching });
    }

    /// Learns the tags of searches on their way, and gives up what nobody wants.
    pub(super) fn tend_contexts(&mut self) {
        let machine = self.connection.machine_ref();
        for context in self.contexts.iter_mut().filter(|context| context.stage == Stage::Searching) {
            // It may be another one now: a search is sent again in another form where a server refuses the first.
            if let Some(tag) = machine.tag(context.id) {
                context.tag = AString::new(tag.as_bytes().to_vec()).ok();
            }
        }
        if self.catching.is_some() || self.closing.is_some() {
            return;
        }
        let unwanted: Vec<AString> = self
            .contexts
            .iter_mut()
            .filter(|context| context.is_unwanted())
            .filter_map(Context::cancel)
            .collect();
        if unwanted.is_empty() {
            return;
        }
        let command = Command::CancelUpdate(unwanted);
        // Where it cannot be given, no mailbox is open or the session is about to end: either way there is nothing to
        // be given up.
        if let Ok(id) = self.connection.machine().command(command.clone()) {
            self.calls.insert(id, Call::new(Some(command), Phase::Query, Kind::Nobody));
        }
    }

    /// Takes out of an event what is for a context, and gives the rest.
    pub(super) fn tell_context(&mut self, event: Event) -> Option<Event> {
        match event {
            Event::Esearch(mut found) if !found.changes.is_empty() => {
                let Some(context) = self.context(found.tag.as_ref()) else {
                    return Some(Event::Esearch(found));
                };
                context.tell(&mut found);
                let nothing =
                    EsearchResponse { tag: found.tag.clone(), uid: found.uid, ..EsearchResponse::default() };
                (found != nothing).then_some(Event::Esearch(found))
            }
            Event::Untagged(status) if refused(&status).is_some() => match self.context(refused(&status)) {
                Some(context) => {
                    context.end(ContextEnd::Refused(status));
                    None
                }
                None => Some(Event::Untagged(status)),
            },
            event => Some(event),
        }
    }

    /// Notes what the answer to a command means for contexts.
    pub(super) fn settle_contexts(&mut self, id: CommandId, command: &Command, status: &Status) {
        let is_ok = status.condition == Condition::Ok;
        match command {
            Command::Search(..) | Command::Sort(..) => {
                if is_ok {
                    self.contexts.iter_mut().filter(|context| context.id == id).for_each(Context::begin);
                } else {
                    self.contexts.retain(|context| context.id != id);
                }
                // RFC 5267 4.3.1 has it untagged, but where it stands does not matter.
                if let Some(context) = self.context(refused(status)) {
                    context.end(ContextEnd::Refused(status.clone()));
                }
            }
            Command::CancelUpdate(tags) if is_ok => self.end_contexts(&ContextEnd::Cancelled, |context| {
                context.tag.as_ref().is_some_and(|tag| tags.contains(tag))
            }),
            Command::Select(..) | Command::Examine(..) | Command::Close | Command::Unselect
                if is_ok || self.connection.machine_ref().mailbox().is_none() =>
            {
                self.end_contexts(&ContextEnd::Closed, |context| context.id < id);
            }
            _ => {}
        }
    }

    fn end_contexts(&mut self, end: &ContextEnd, ends: impl Fn(&Context) -> bool) {
        self.contexts.retain_mut(|context| {
            let goes = ends(context);
            if goes {
                context.end(end.clone());
            }
            !goes
        });
    }

    fn context(&mut self, tag: Option<&AString>) -> Option<&mut Context> {
        self.contexts.iter_mut().find(|context| tag.is_some() && context.tag.as_ref() == tag)
    }
}

impl Context {
    fn begin(&mut self) {
        self.stage = Stage::Updating;
        match (&self.feed, &self.tag) {
            (Some(feed), Some(tag)) => drop(feed.state.tag.set(tag.clone())),
            // The search was answered before anybody saw it go: its changes cannot be known.
            _ => self.end(ContextEnd::Missed),
        }
    }

    fn tell(&mut self, found: &mut EsearchResponse) {
        for change in std::mem::take(&mut found.changes) {
            let told = self.feed.as_ref().map(|feed| feed.changes.try_send(change));
            if let Some(Err(TrySendError::Full(_))) = told {
                self.end(ContextEnd::Missed);
            }
        }
    }

    /// Nothing is told any more. The first end counts.
    fn end(&mut self, end: ContextEnd) {
        if let Some(feed) = self.feed.take() {
            drop(feed.state.end.set(end));
        }
    }

    fn is_unwanted(&self) -> bool {
        let is_wanted = self.feed.as_ref().is_some_and(|feed| !feed.changes.is_closed());
        self.stage == Stage::Updating && !is_wanted
    }

    /// The tag to cancel it by.
    fn cancel(&mut self) -> Option<AString> {
        self.stage = Stage::Cancelling;
        self.feed = None;
        self.tag.clone()
    }
}

/// The search whose result is not kept up to date, as the server says.
const fn refused(status: &Status) -> Option<&AString> {
    match &status.code {
        Some(ResponseCode::NoUpdate(tag)) => Some(tag),
        _ => None,
    }
}
