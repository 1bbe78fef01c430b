//! The session's task: it alone has the connection, gives the machine the commands of all handles, and brings what the
//! server says to whoever waits for it.
//!
//! Decides whose turn it is: one answer with rows at a time, IDLE whenever somebody listens and nobody asks, nothing
//! beside a resynchronisation. Never waits for a reader for good: see [`Stall`]. What is sent when is the machine's
//! affair, whose data is whose stands in `route.rs`.

mod call;
mod catching;
mod contexts;
mod news;
mod parts;
mod stall;
mod upload;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use posthaste_imap::client::{self as machine, CommandId, Event, ProtocolError, Timer};
use posthaste_imap::types::{Command, Condition, FetchItem, Status};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::client::{Answer, Client, Destination, Divide, Reply, Request, Shared, Sink, Upload};
use super::pipe::{End, Head, Pipe, Writer};
use super::resync::Resync;
use super::route;
use super::update::Update;
use super::{Cause, Error, Phase};
use crate::Turn;
use crate::client::after;
use crate::{ClientOptions, Connection, Peer};
use call::{Appending, Call, Kind};
use catching::Catching;
use contexts::Context;
use parts::{Parts, Then};
use stall::{Stall, room};
use upload::{Sending, piece};

/// Starts the task of a session that is logged in.
pub(crate) fn spawn(connection: Connection<machine::Client>, peer: Peer, options: &ClientOptions) -> Client {
    let (client, shared, requests, idlers) = Client::new(peer, options);
    let nowhere = Pipe::new(usize::MAX);
    nowhere.drop_rows();
    let task = Task {
        connection,
        shared,
        requests,
        idlers,
        held: None,
        calls: BTreeMap::new(),
        row: None,
        news: Writer::new(nowhere, 0),
        upload: None,
        catching: None,
        contexts: Vec::new(),
        idle: None,
        is_idle_refused: false,
        next_poll: None,
        stall: None,
        received: 0,
        closing: None,
    };
    tokio::spawn(task.run());
    client
}

struct Task {
    connection: Connection<machine::Client>,
    shared: Arc<Shared>,
    requests: mpsc::Receiver<Request>,
    idlers: watch::Receiver<usize>,
    /// A request whose turn has not come. Those behind it wait, too: the order is kept.
    held: Option<Request>,
    /// What was given to the machine and not answered.
    calls: BTreeMap<CommandId, Call>,
    /// A row is coming in, and of which call it is.
    row: Option<Option<CommandId>>,
    /// Makes updates of rows that nobody asked for.
    news: Writer,
    /// The message that is being sent.
    upload: Option<Sending>,
    catching: Option<Catching>,
    /// Searches whose results the server keeps up to date.
    contexts: Vec<Context>,
    idle: Option<CommandId>,
    /// The server announces IDLE and refuses it.
    is_idle_refused: bool,
    /// When to ask for news, where there is no IDLE.
    next_poll: Option<Instant>,
    stall: Option<(Stall, Instant)>,
    /// How many octets had come when the last event was taken.
    received: u64,
    /// Nobody holds a handle any more: the time for LOGOUT.
    closing: Option<Instant>,
}

/// What the task woke up for.
enum Step {
    Moved(Result<Turn<Event>, crate::Error<ProtocolError>>),
    Request(Option<Request>),
    /// Whether the reader has made room, and not let the time pass.
    Room(bool),
    Piece(Result<Option<Bytes>, std::io::Error>),
    Poll,
    Nothing,
    Late,
}

impl Task {
    async fn run(mut self) {
        let error = loop {
            self.go_on();
            match self.step().await {
                Step::Moved(Ok(Turn::Event(Some(event)))) => self.take(event),
                Step::Moved(Ok(Turn::Room)) | Step::Nothing => {}
                Step::Moved(Ok(Turn::Event(None))) | Step::Late => break self.error(Cause::Closed),
                Step::Moved(Err(error)) => break self.failed(error),
                Step::Request(Some(request)) => self.held = Some(request),
                Step::Request(None) => self.close(),
                Step::Room(true) => self.stall = None,
                Step::Room(false) => self.give_up_reader(),
                Step::Piece(piece) => self.take_piece(piece),
                Step::Poll => self.poll_news(),
            }
        };
        self.end(&error);
    }

    /// All that can be done without waiting.
    fn go_on(&mut self) {
        if let Some(request) = self.held.take() {
            self.admit(request);
        }
        self.catch_up();
        self.tend_contexts();
        self.settle_idle();
        self.write();
    }

    async fn step(&mut self) -> Step {
        let reading = self.stall.is_none();
        let listening = self.held.is_none() && self.catching.is_none() && self.closing.is_none();
        let wants_piece = reading && self.upload.as_ref().is_some_and(|upload| upload.pending.is_none());
        let wants_room = self.upload.as_ref().is_some_and(|upload| upload.pending.is_some());
        let (closing, next_poll) = (self.closing, self.next_poll);
        tokio::select! {
            moved = moved(&mut self.connection, reading, wants_room) => Step::Moved(moved),
            request = self.requests.recv(), if listening => Step::Request(request),
            made = room(&mut self.stall), if !reading => Step::Room(made),
            piece = piece(&mut self.upload), if wants_piece => Step::Piece(piece),
            _ = self.idlers.changed(), if closing.is_none() => Step::Nothing,
            () = self.shared.dropped.notified() => Step::Nothing,
            () = at(next_poll) => Step::Poll,
            () = at(closing) => Step::Late,
        }
    }

    // Calls

    /// Gives a request to the machine, or holds it back until its turn comes.
    fn admit(&mut self, request: Request) {
        if !self.may_begin(&request) {
            self.held = Some(request);
            return;
        }
        match request {
            Request::Look(look) => {
                let machine = self.connection.machine_ref();
                // A closure that panics sees only the machine from outside, and takes nobody else along.
                drop(catch_unwind(AssertUnwindSafe(|| look(machine))));
            }
            Request::Call { command, divide, sink } => self.call(command, divide, sink),
            Request::Append { message, reply } if !reply.is_closed() => self.append(message, reply),
            Request::Append { .. } => {}
            Request::Resync { mailbox, known, changes, done } => {
                let resync = Resync::new(self.connection.machine_ref(), mailbox, known);
                self.catching = Some(Catching { resync, changes, done });
            }
        }
    }

    fn may_begin(&self, request: &Request) -> bool {
        match request {
            Request::Look(_) => true,
            _ if self.is_dividing() => false,
            Request::Call { command, .. } if route::has_rows(command) => {
                !self.calls.values().filter_map(|call| call.command.as_ref()).any(route::has_rows)
            }
            Request::Resync { .. } => self.calls.is_empty(),
            _ => true,
        }
    }

    fn call(&mut self, command: Command, divide: Divide, sink: Sink) {
        let mut context = None;
        let kind = match sink {
            Sink::Answer(reply) if reply.is_closed() => return,
            Sink::Answer(reply) => Kind::Answer(reply, Vec::new()),
            Sink::Context(_, reply) if reply.is_closed() => return,
            Sink::Context(feed, reply) => {
                context = Some(feed);
                Kind::Answer(reply, Vec::new())
            }
            Sink::Rows(pipe) if pipe.is_unwanted() => return,
            Sink::Rows(pipe) => Kind::Rows(Writer::new(pipe, self.shared.inline_max)),
            Sink::Data(_, reply) if reply.is_closed() => return,
            Sink::Data(data, reply) => Kind::Data(data, reply),
        };
        let mut commands = VecDeque::from(match divide {
            Divide::AsNeeded => self.connection.machine_ref().split(command),
            Divide::Never => vec![command],
        });
        let Some(command) = commands.pop_front() else { return };
        let mut call = Call::new(Some(command.clone()), route::phase(&command), kind);
        call.parts = Parts::behind_first(divide, commands);
        match self.connection.machine().command(command) {
            Ok(id) => {
                self.calls.insert(id, call);
                if let Some(feed) = context {
                    self.open_context(id, feed);
                }
            }
            Err(misuse) => call.fail(misuse.into()),
        }
    }

    fn append(&mut self, message: Upload, reply: Reply<Vec<Status>>) {
        let Upload { destination, bodies } = message;
        // Without octets of its own, as of parts that the server has, the command says it all.
        let phase = if bodies.is_empty() { Phase::Change } else { Phase::Transfer };
        let kind = Kind::Append(Appending { bodies, told: None, reply });
        let call = Call::new(None, phase, kind);
        let machine = self.connection.machine();
        let queued = match destination {
            Destination::Append { mailbox, messages } => machine.append_all(mailbox, messages),
            Destination::Replace { addressing, replaced, mailbox, by } => {
                machine.replace(addressing, replaced, mailbox, *by)
            }
        };
        match queued {
            Ok(id) => drop(self.calls.insert(id, call)),
            Err(misuse) => call.fail(misuse.into()),
        }
    }

    // Events

    fn take(&mut self, event: Event) {
        let octets = self.connection.received().saturating_sub(self.received);
        self.received = self.received.saturating_add(octets);
        let octets = usize::try_from(octets).unwrap_or(usize::MAX);
        self.observe(&event);
        match event {
            Event::Done { id, status } => self.done(id, status),
            Event::NotSent { id, why } => {
                self.idle = self.idle.filter(|idle| *idle != id);
                self.contexts.retain(|context| context.id != id);
                if let Some(call) = self.calls.remove(&id) {
                    call.fail(why.into());
                }
            }
            Event::AppendReady(writer) => self.begin_upload(writer),
            // Of AUTHENTICATE, which no handle can give.
            Event::Challenge(challenge) => drop(challenge.cancel(self.connection.machine())),
            Event::Fallback { id, .. } => {
                if let Some(Call { kind: Kind::Answer(_, data), .. }) = self.calls.get_mut(&id) {
                    data.push(event);
                }
            }
            Event::Greeting(_) | Event::Ready | Event::Idling(_) | Event::Violation(_) => {}
            Event::Row(_)
            | Event::UidRow(_)
            | Event::Item(_)
            | Event::Literal { .. }
            | Event::Body(_)
            | Event::LiteralEnd
            | Event::RowEnd
            | Event::RowAborted => self.row(event, octets),
            event => {
                let event = self.tell_context(event).and_then(|event| self.note_limit(event));
                let Some(event) = event else { return };
                match self.owner(&event) {
                    Some(id) => self.answer(id, event, octets),
                    None => self.shared.listeners.tell(&event.into()),
                }
            }
        }
    }

    /// The call that `event` is an answer to.
    fn owner(&self, event: &Event) -> Option<CommandId> {
        let machine = self.connection.machine_ref();
        machine.running().find(|id| {
            let tag = || machine.tag(*id).map(posthaste_imap::types::Tag::as_bytes);
            self.calls.get(id).is_some_and(|call| match (&call.command, &call.kind) {
                (Some(command), _) => route::answers(event, command, tag),
                (None, Kind::Append(_)) => route::tells_appended(event),
                (None, _) => false,
            })
        })
    }

    /// Takes a piece of a row. All of a row belongs to the same call, though others begin meanwhile.
    fn row(&mut self, event: Event, octets: usize) {
        let owner = match self.row {
            Some(owner) => owner,
            None => self.owner(&event),
        };
        let is_over = matches!(event, Event::RowEnd | Event::RowAborted);
        self.row = Some(owner).filter(|_| !is_over);
        match owner {
            Some(id) => self.answer(id, event, octets),
            None => {
                if let Some(head) = self.news.take(event, octets, |_| true) {
                    self.tell_changed(head);
                }
            }
        }
    }

    fn tell_changed(&self, head: Head) {
        self.shared.listeners.tell(&Update::Changed(head.into()));
    }

    /// Hands data to the call it belongs to.
    fn answer(&mut self, id: CommandId, event: Event, octets: usize) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        match &mut call.kind {
            // A message that is gone has no row.
            Kind::Rows(_) if matches!(event, Event::Vanished { .. }) => {
                self.shared.listeners.tell(&event.into());
            }
            Kind::Rows(writer) => {
                let is_news = |head: &Head| match &call.command {
                    Some(Command::Fetch(_, fetch)) => route::is_news(head, fetch),
                    _ => false,
                };
                let news = writer.take(event, octets, is_news);
                if writer.pipe.is_full() {
                    let stall = Stall::Rows(Arc::clone(&writer.pipe));
                    self.stall = Some((stall, after(self.shared.reader)));
                }
                if let Some(head) = news {
                    self.tell_changed(head);
                }
            }
            Kind::Answer(reply, data) => {
                call.octets = call.octets.saturating_add(octets);
                if reply.is_closed() {
                    call.kind = Kind::Nobody;
                } else if call.octets > ANSWER_OCTETS_MAX {
                    let error = self.error_in(Phase::Query, Cause::TooLong(ANSWER_OCTETS_MAX));
                    self.fail(id, &error);
                } else {
                    data.push(event);
                }
            }
            Kind::Data(data, _) => match data.try_send(event) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(event)) => {
                    let stall = Stall::Data(data.clone(), Some(Box::new(event)));
                    self.stall = Some((stall, after(self.shared.reader)));
                }
                Err(mpsc::error::TrySendError::Closed(_)) => call.kind = Kind::Nobody,
            },
            // What has a UID was seen by the resynchronisation itself; what has none was not asked for.
            Kind::Resync => {
                let has_no_uid =
                    |head: &Head| !head.items.iter().any(|item| matches!(item, FetchItem::Uid(_)));
                let head = self.news.take(event, octets, |_| true);
                if let Some(head) = head.filter(has_no_uid) {
                    self.tell_changed(head);
                }
            }
            Kind::Append(appending) => {
                if let Event::Untagged(status) = event {
                    appending.told = Some(status);
                }
            }
            Kind::Nobody => {}
        }
    }

    fn done(&mut self, id: CommandId, status: Status) {
        if self.idle == Some(id) {
            self.idle = None;
            self.is_idle_refused |= status.condition != Condition::Ok;
        }
        let Some(mut call) = self.calls.remove(&id) else { return };
        if let Some(command) = &call.command {
            self.settle_contexts(id, command, &status);
        }
        match call.then(status) {
            Then::Done(status) => self.complete(call, status),
            Then::Next(command) => self.go_on_with(call, command),
            Then::Refused(status) => {
                let error = self.error_in(call.phase, Cause::Refused(status));
                self.refuse(call, error);
            }
        }
    }

    /// Gives the machine the next part of a call.
    fn go_on_with(&mut self, mut call: Call, command: Command) {
        match self.connection.machine().command(command.clone()) {
            Ok(id) => {
                call.command = Some(command);
                self.calls.insert(id, call);
            }
            Err(misuse) => call.fail(misuse.into()),
        }
    }

    /// Hands over what a command was answered with.
    fn complete(&self, mut call: Call, status: Status) {
        match call.kind {
            Kind::Answer(reply, data) => {
                let earlier = call.parts.earlier();
                let opened = matches!(call.command, Some(Command::Select(..) | Command::Examine(..)));
                let mailbox = self.connection.machine_ref().mailbox().filter(|_| opened);
                let mailbox = mailbox.map(|mailbox| Box::new(mailbox.clone()));
                drop(reply.send(Ok(Answer { status, data, earlier, mailbox })));
            }
            Kind::Append(Appending { told, reply, .. }) => {
                drop(reply.send(Ok(std::iter::once(status).chain(told).collect())));
            }
            Kind::Rows(writer) => writer.pipe.finish(End::Done(status)),
            Kind::Data(_, reply) => drop(reply.send(Ok(status))),
            Kind::Resync | Kind::Nobody => {}
        }
    }

    /// Tells a call that the server refused it. What a STORE did before that is no less true.
    fn refuse(&mut self, mut call: Call, error: Error) {
        if let (Kind::Answer(_, data), Some(Command::Store(..))) = (&mut call.kind, &call.command) {
            for event in std::mem::take(data) {
                if let Some(head) = self.news.take(event, 0, |_| true) {
                    self.tell_changed(head);
                }
            }
        }
        call.fail(error);
    }

    // The end

    /// Nobody holds a handle any more.
    fn close(&mut self) {
        self.closing = Some(after(CLOSE));
        let now = self.connection.now();
        self.connection.machine().shutdown(now);
    }

    /// Tells a call that it failed, and throws its answer away when it comes.
    fn fail(&mut self, id: CommandId, error: &Error) {
        if let Some(call) = self.calls.get_mut(&id) {
            std::mem::replace(&mut call.kind, Kind::Nobody).fail(error.clone());
        }
    }

    /// Tells everybody that the session is over.
    fn end(&mut self, error: &Error) {
        // Only the first error is kept, and there is only this one.
        drop(self.shared.ended.set(error.clone()));
        let sent: BTreeSet<CommandId> = self.connection.machine_ref().running().collect();
        for (id, call) in std::mem::take(&mut self.calls) {
            let may_be_done = sent.contains(&id) || call.parts.is_begun();
            let phase = if may_be_done { call.phase } else { Phase::Call };
            call.fail(error.seen_from(phase));
        }
        if let Some(catching) = self.catching.take() {
            drop(catching.done.send(Err(error.seen_from(Phase::Query))));
        }
        self.contexts.clear();
        self.requests.close();
        let error = error.seen_from(Phase::Call);
        while let Some(request) = self.held.take().or_else(|| self.requests.try_recv().ok()) {
            request.fail(&error);
        }
    }

    fn failed(&self, error: crate::Error<ProtocolError>) -> Error {
        let limits = |timer| match timer {
            Timer::Response => Some(self.shared.idle.min(RESPONSE)),
            Timer::Literal => Some(self.shared.idle.min(LITERAL)),
            _ => None,
        };
        match error {
            crate::Error::Protocol(ProtocolError::TimedOut(timer)) => match limits(timer) {
                Some(silence) => self.error(Cause::Idle(silence)),
                None => self.error(crate::Error::Protocol(ProtocolError::TimedOut(timer)).into()),
            },
            error => self.error(error.into()),
        }
    }

    fn error(&self, cause: Cause) -> Error {
        self.error_in(Phase::Query, cause)
    }

    fn error_in(&self, phase: Phase, cause: Cause) -> Error {
        Error::new(phase, Some(self.shared.peer.clone()), cause)
    }
}

/// However the task ends, also by a panic or with its runtime: nobody waits for news any more. Whoever waits for an
/// answer sees that its other end is gone.
impl Drop for Task {
    fn drop(&mut self) {
        self.shared.listeners.close();
    }
}

/// Moves the conversation on; while nothing may be read, only sends.
async fn moved(
    connection: &mut Connection<machine::Client>,
    reading: bool,
    wants_room: bool,
) -> Result<Turn<Event>, crate::Error<ProtocolError>> {
    if !reading {
        // What has failed is told when reading goes on.
        drop(connection.flush().await);
        return pending().await;
    }
    if wants_room {
        return connection.room_or_next().await;
    }
    Ok(Turn::Event(connection.next().await?))
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => pending().await,
    }
}

/// How long the orderly end may take when nobody waits for it.
const CLOSE: Duration = Duration::from_secs(5);

/// What a call without a reader may hold.
const ANSWER_OCTETS_MAX: usize = 64 * 1024 * 1024;

/// The machine's own limits for a silent server.
const RESPONSE: Duration = Duration::from_secs(5 * 60);
const LITERAL: Duration = Duration::from_secs(2 * 60);
