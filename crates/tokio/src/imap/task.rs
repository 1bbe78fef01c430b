//! The session's task: it alone has the connection, gives the machine the commands of all handles, and brings what the
//! server says to whoever waits for it.
//!
//! Decides whose turn it is: one answer with rows at a time, IDLE whenever somebody listens and nobody asks, nothing
//! beside a resynchronisation. Never waits for a reader for good: see [`Stall`]. What is sent when is the machine's
//! affair, whose data is whose stands in `route.rs`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use posthaste_imap::client::{
    self as machine, AppendWriter, CommandId, Event, Outcome, ProtocolError, Timer,
};
use posthaste_imap::types::{Command, Condition, FetchItem, Status};
use posthaste_wire::Misuse;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::client::{Answer, Client, Reply, Request, Shared, Sink, Upload};
use super::pipe::{End, Head, Pipe, Writer};
use super::resync::{Change, Resync, Synced};
use super::route;
use super::update::Update;
use super::{Cause, Error, Phase};
use crate::client::after;
use crate::connection::Moved;
use crate::{Body, ClientOptions, Connection, Peer};

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

/// A command on its way.
struct Call {
    /// `None` for APPEND, which is answered with its status alone.
    command: Option<Command>,
    phase: Phase,
    kind: Kind,
    /// How many octets its data has had.
    octets: usize,
}

enum Kind {
    Answer(Reply<Answer>, Vec<Event>),
    Rows(Writer),
    Data(mpsc::Sender<Event>, Reply<Status>),
    Append(Option<Body>, Reply<Answer>),
    Resync,
    /// The answer is thrown away.
    Nobody,
}

/// A message, while its octets are being sent.
struct Sending {
    writer: AppendWriter,
    body: Body,
    /// A piece for which there is no room yet.
    pending: Option<Bytes>,
    /// When the next piece has to be there.
    deadline: Instant,
}

/// A mailbox on its way to being up to date.
struct Catching {
    resync: Resync,
    changes: mpsc::Sender<Change>,
    done: Reply<Synced>,
}

/// A reader who has to take something before the session reads on.
enum Stall {
    Rows(Arc<Pipe>),
    Data(mpsc::Sender<Event>, Option<Event>),
    Changes(mpsc::Sender<Change>, VecDeque<Change>),
}

/// What the task woke up for.
enum Step {
    Moved(Result<Option<Moved<Event>>, crate::Error<ProtocolError>>),
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
                Step::Moved(Ok(Some(Moved::Event(event)))) => self.take(event),
                Step::Moved(Ok(Some(Moved::Room))) | Step::Nothing => {}
                Step::Moved(Ok(None)) | Step::Late => break self.error(Cause::Closed),
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
            Request::Call { command, sink } => self.call(command, sink),
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
            Request::Call { command, .. } if route::has_rows(command) => {
                !self.calls.values().filter_map(|call| call.command.as_ref()).any(route::has_rows)
            }
            Request::Resync { .. } => self.calls.is_empty(),
            _ => true,
        }
    }

    fn call(&mut self, command: Command, sink: Sink) {
        let kind = match sink {
            Sink::Answer(reply) if reply.is_closed() => return,
            Sink::Answer(reply) => Kind::Answer(reply, Vec::new()),
            Sink::Rows(pipe) if pipe.is_unwanted() => return,
            Sink::Rows(pipe) => Kind::Rows(Writer::new(pipe, self.shared.inline_max)),
            Sink::Data(_, reply) if reply.is_closed() => return,
            Sink::Data(data, reply) => Kind::Data(data, reply),
        };
        let call = Call { phase: route::phase(&command), command: Some(command.clone()), kind, octets: 0 };
        match self.connection.machine().command(command) {
            Ok(id) => drop(self.calls.insert(id, call)),
            Err(misuse) => call.fail(misuse.into()),
        }
    }

    fn append(&mut self, message: Upload, reply: Reply<Answer>) {
        let Upload { mailbox, flags, date, length, body } = message;
        let kind = Kind::Append(Some(body), reply);
        let call = Call { command: None, phase: Phase::Transfer, kind, octets: 0 };
        match self.connection.machine().append(mailbox, flags, date, length) {
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
            event => match self.owner(&event) {
                Some(id) => self.answer(id, event, octets),
                None => self.shared.listeners.tell(&event.into()),
            },
        }
    }

    /// The call that `event` is an answer to.
    fn owner(&self, event: &Event) -> Option<CommandId> {
        let machine = self.connection.machine_ref();
        machine.running().find(|id| {
            let command = self.calls.get(id).and_then(|call| call.command.as_ref());
            let tag = || machine.tag(*id).map(posthaste_imap::types::Tag::as_bytes);
            command.is_some_and(|command| route::answers(event, command, tag))
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
                    self.stall = Some((stall, after(self.shared.idle)));
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
                    let stall = Stall::Data(data.clone(), Some(event));
                    self.stall = Some((stall, after(self.shared.idle)));
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
            Kind::Append(..) | Kind::Nobody => {}
        }
    }

    fn done(&mut self, id: CommandId, status: Status) {
        if self.idle == Some(id) {
            self.idle = None;
            self.is_idle_refused |= status.condition != Condition::Ok;
        }
        let Some(call) = self.calls.remove(&id) else { return };
        if status.condition != Condition::Ok {
            let error = self.error_in(call.phase, Cause::Refused(status));
            return call.fail(error);
        }
        match call.kind {
            Kind::Answer(reply, data) => {
                let opened = matches!(call.command, Some(Command::Select(..) | Command::Examine(..)));
                let mailbox = self.connection.machine_ref().mailbox().filter(|_| opened);
                let mailbox = mailbox.map(|mailbox| Box::new(mailbox.clone()));
                drop(reply.send(Ok(Answer { status, data, mailbox })));
            }
            Kind::Append(_, reply) => {
                drop(reply.send(Ok(Answer { status, data: Vec::new(), mailbox: None })));
            }
            Kind::Rows(writer) => writer.pipe.finish(End::Done(status)),
            Kind::Data(_, reply) => drop(reply.send(Ok(status))),
            Kind::Resync | Kind::Nobody => {}
        }
    }

    // Messages on their way to the server

    fn begin_upload(&mut self, writer: AppendWriter) {
        let body = match self.calls.get_mut(&writer.id()) {
            Some(Call { kind: Kind::Append(body, _), .. }) => body.take(),
            _ => None,
        };
        match body {
            Some(body) => {
                let deadline = after(self.shared.idle);
                self.upload = Some(Sending { writer, body, pending: None, deadline });
            }
            None => drop(writer.abort(self.connection.machine())),
        }
    }

    fn take_piece(&mut self, piece: std::io::Result<Option<Bytes>>) {
        let Some(mut upload) = self.upload.take() else { return };
        match piece {
            Ok(Some(piece)) => {
                upload.pending = Some(piece);
                self.upload = Some(upload);
            }
            Ok(None) => {
                let remaining = upload.writer.remaining(self.connection.machine_ref());
                if remaining > 0 {
                    self.give_up(upload.writer, Misuse::TooLittle { remaining }.into());
                    return;
                }
                // From here on the server may have it.
                if let Some(call) = self.calls.get_mut(&upload.writer.id()) {
                    call.phase = Phase::Change;
                }
                let _ = upload.writer.finish(self.connection.machine());
            }
            Err(error) => {
                let error = self.error_in(Phase::Transfer, Cause::Source(error));
                self.give_up(upload.writer, error);
            }
        }
    }

    /// Writes the piece that is at hand, when there is room.
    fn write(&mut self) {
        let Some(upload) = &mut self.upload else { return };
        let Some(piece) = upload.pending.take() else { return };
        match upload.writer.write(self.connection.machine(), piece.clone()) {
            Ok(()) => upload.deadline = after(self.shared.idle),
            Err(Misuse::Congested { .. }) => upload.pending = Some(piece),
            Err(misuse) => {
                if let Some(upload) = self.upload.take() {
                    self.give_up(upload.writer, misuse.into());
                }
            }
        }
    }

    /// The server waits for octets that will not come: the session ends, and only this call knows why.
    fn give_up(&mut self, writer: AppendWriter, error: Error) {
        self.fail(writer.id(), &error);
        let _ = writer.abort(self.connection.machine());
    }

    // News

    /// Waits for news while somebody wants it and nobody wants anything else.
    fn settle_idle(&mut self) {
        let busy = !self.calls.is_empty()
            || self.held.is_some()
            || self.catching.is_some()
            || self.upload.is_some()
            || self.closing.is_some();
        let wanted = !busy && *self.idlers.borrow() > 0;
        let machine = self.connection.machine();
        let has_idle = machine.has_capability("IDLE") || machine.has_capability("IMAP4rev2");
        if !wanted {
            self.next_poll = None;
            if self.idle.is_some() {
                // It may be over already.
                let _ = machine.done();
            }
        } else if !has_idle || self.is_idle_refused {
            self.next_poll.get_or_insert_with(|| after(POLL));
        } else if self.idle.is_none() {
            self.idle = machine.idle().ok();
        }
    }

    /// Asks for news where the server does not tell it by itself.
    fn poll_news(&mut self) {
        self.next_poll = None;
        if let Ok(id) = self.connection.machine().noop() {
            let call = Call { command: None, phase: Phase::Query, kind: Kind::Nobody, octets: 0 };
            self.calls.insert(id, call);
        }
    }

    // Resynchronisation

    /// Shows an event to the resynchronisation in progress.
    fn observe(&mut self, event: &Event) {
        let Some(catching) = &mut self.catching else { return };
        let changes = catching.resync.observe(self.connection.machine_ref(), event);
        let mut changes = VecDeque::from(changes);
        while let Some(change) = changes.pop_front() {
            match catching.changes.try_send(change) {
                Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => {}
                Err(mpsc::error::TrySendError::Full(change)) => {
                    changes.push_front(change);
                    let stall = Stall::Changes(catching.changes.clone(), changes);
                    self.stall = Some((stall, after(self.shared.idle)));
                    return;
                }
            }
        }
    }

    /// Gives the machine the next command of the resynchronisation, or ends it.
    fn catch_up(&mut self) {
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
                self.calls.insert(id, Call { command, phase: Phase::Query, kind, octets: 0 });
            }
            Err(misuse) => {
                if let Some(catching) = self.catching.take() {
                    drop(catching.done.send(Err(misuse.into())));
                }
            }
        }
    }

    // The end

    /// A reader has let his time pass: what comes for him is thrown away from now on.
    fn give_up_reader(&mut self) {
        let error = self.error_in(Phase::Query, Cause::Unread(self.shared.idle));
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
            let phase = if sent.contains(&id) { call.phase } else { Phase::Call };
            call.fail(error.seen_from(phase));
        }
        if let Some(catching) = self.catching.take() {
            drop(catching.done.send(Err(error.seen_from(Phase::Query))));
        }
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

impl Call {
    fn fail(self, error: Error) {
        self.kind.fail(error);
    }
}

impl Kind {
    fn fail(self, error: Error) {
        match self {
            Self::Answer(reply, _) | Self::Append(_, reply) => drop(reply.send(Err(error))),
            Self::Rows(writer) => writer.pipe.finish(End::Failed(error)),
            Self::Data(_, reply) => drop(reply.send(Err(error))),
            Self::Resync | Self::Nobody => {}
        }
    }
}

impl Request {
    fn fail(self, error: &Error) {
        match self {
            Self::Call { sink: Sink::Answer(reply), .. } | Self::Append { reply, .. } => {
                drop(reply.send(Err(error.clone())));
            }
            Self::Call { sink: Sink::Rows(pipe), .. } => pipe.finish(End::Failed(error.clone())),
            Self::Call { sink: Sink::Data(_, reply), .. } => drop(reply.send(Err(error.clone()))),
            Self::Resync { done, .. } => drop(done.send(Err(error.clone()))),
            // Its reply is in there, and sees that it is gone.
            Self::Look(_) => {}
        }
    }
}

/// Moves the conversation on; while nothing may be read, only sends.
async fn moved(
    connection: &mut Connection<machine::Client>,
    reading: bool,
    wants_room: bool,
) -> Result<Option<Moved<Event>>, crate::Error<ProtocolError>> {
    if !reading {
        // What has failed is told when reading goes on.
        drop(connection.flush().await);
        return pending().await;
    }
    if wants_room {
        return connection.next_or_room().await;
    }
    Ok(connection.next().await?.map(Moved::Event))
}

/// Waits for a reader, in his time.
async fn room(stall: &mut Option<(Stall, Instant)>) -> bool {
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
                    permit.send(event);
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

/// The next piece of the message that is being sent, in time.
async fn piece(upload: &mut Option<Sending>) -> std::io::Result<Option<Bytes>> {
    let Some(upload) = upload else { return pending().await };
    match timeout_at(upload.deadline, upload.body.next()).await {
        Ok(piece) => piece,
        Err(elapsed) => Err(elapsed.into()),
    }
}

fn at(instant: Option<Instant>) -> impl Future<Output = ()> {
    async move {
        match instant {
            Some(instant) => sleep_until(instant).await,
            None => pending().await,
        }
    }
}

/// How often a server without IDLE is asked for news.
const POLL: Duration = Duration::from_secs(60);

/// How long the orderly end may take when nobody waits for it.
const CLOSE: Duration = Duration::from_secs(5);

/// What a call without a reader may hold.
const ANSWER_OCTETS_MAX: usize = 64 * 1024 * 1024;

/// The machine's own limits for a silent server.
const RESPONSE: Duration = Duration::from_secs(5 * 60);
const LITERAL: Duration = Duration::from_secs(2 * 60);
