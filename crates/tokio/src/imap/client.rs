//! The handle of a session: what every call has in common.
//!
//! A call is handed to the session's task and waits for its answer; the handle itself holds nothing of the
//! conversation, so that it can be cloned, used from many tasks at once, and dropped at any point.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use posthaste_imap::client::{self as machine, AppendMessage, Event, Known, MailboxState};
use posthaste_imap::types::{Addressing, Command, Mailbox, SequenceNumber, Status};
use posthaste_wire::Misuse;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::timeout_at;

use super::context::Feed;
use super::pipe::Pipe;
use super::resync::Change;
use super::route;
use super::update::Listeners;
use super::{Cause, Error, Phase, Rows, Synced, Updates};
use crate::client::{self, Peer};
use crate::{Body, ClientOptions};

/// A session with an IMAP server.
///
/// A handle: clones are cheap and share the session, which runs in a task of its own. Calls take `&self`; they may be
/// made from many tasks at once and are sent as soon as IMAP lets them follow each other (RFC 9051 5.5), in the order in
/// which they were made.
///
/// - A call that is **dropped** before it was handed over is not made. Later its command runs all the same, and the
///   answer is read and thrown away; nobody else notices.
/// - A call has [`call_timeout`](ClientOptions::call_timeout) for all of it, time spent behind other calls included.
///   The session gives up a server that owes something and is silent for
///   [`idle_timeout`](ClientOptions::idle_timeout).
/// - When the session ends, every call learns why, and [`Error::retry`](crate::ClientError::retry) tells each what that means for it: a command
///   that was not sent yet or that only asks may be made again, the fate of a change is unknown.
/// - When the **last handle** is dropped, streams included, the session logs out, within a few seconds.
#[derive(Clone, Debug)]
pub struct Client {
    requests: mpsc::Sender<Request>,
    shared: Arc<Shared>,
}

/// What handles and task share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) peer: Peer,
    /// How long a call may take.
    call: Duration,
    /// How long the session waits when nothing happens.
    pub(crate) idle: Duration,
    /// How long the session waits for a reader.
    pub(crate) reader: Duration,
    pub(crate) inline_max: u64,
    pub(crate) rows_octets_max: usize,
    /// Why the session ended.
    pub(crate) ended: OnceLock<Error>,
    pub(crate) listeners: Listeners,
    /// How many wait for news.
    pub(crate) idlers: watch::Sender<usize>,
    /// Somebody does not want the updates of a search any more.
    pub(crate) dropped: Notify,
}

/// What a handle asks of the task.
pub(crate) enum Request {
    Call {
        command: Command,
        divide: Divide,
        sink: Sink,
    },
    /// Answered with what may say where the messages are: the tagged status, and one before it.
    Append {
        message: Upload,
        reply: Reply<Vec<Status>>,
    },
    Look(Box<dyn FnOnce(&machine::Client) + Send>),
    Resync {
        mailbox: Mailbox,
        known: Option<Known>,
        changes: mpsc::Sender<Change>,
        done: Reply<Synced>,
    },
}

/// Whether a command may become several, for a server that takes so much at a time (RFC 9738).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Divide {
    AsNeeded,
    #[default]
    Never,
}

/// Where an answer goes.
pub(crate) enum Sink {
    /// To a call that waits for all of it.
    Answer(Reply<Answer>),
    /// To a reader of rows.
    Rows(Arc<Pipe>),
    /// To a reader of data, piece by piece.
    Data(mpsc::Sender<Event>, Reply<Status>),
    /// To a call that waits for the first result, and a reader of what changes in it.
    Context(Feed, Reply<Answer>),
}

pub(crate) type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// Messages to be added.
pub(crate) struct Upload {
    pub(crate) destination: Destination,
    /// The octets of all literals, in their order.
    pub(crate) bodies: VecDeque<Body>,
}

/// Where messages go, and what is said of them.
pub(crate) enum Destination {
    Append { mailbox: Mailbox, messages: Vec<AppendMessage> },
    Replace { addressing: Addressing, replaced: SequenceNumber, mailbox: Mailbox, by: Box<AppendMessage> },
}

/// What a command was answered with.
#[derive(Debug)]
#[non_exhaustive]
pub struct Answer {
    /// The server's last word, an OK.
    pub status: Status,
    /// The data that belongs to it, in the order in which it came.
    pub data: Vec<Event>,
    /// What was said of the parts before the last, where there was something to say.
    pub(crate) earlier: Vec<Status>,
    /// The selected mailbox after SELECT and EXAMINE.
    pub(crate) mailbox: Option<Box<MailboxState>>,
}

impl Client {
    pub(crate) fn new(
        peer: Peer,
        options: &ClientOptions,
    ) -> (Self, Arc<Shared>, mpsc::Receiver<Request>, watch::Receiver<usize>) {
        let (requests, receiver) = mpsc::channel(REQUESTS_MAX);
        let (idlers, idling) = watch::channel(0);
        let shared = Arc::new(Shared {
            peer,
            call: options.call_timeout,
            idle: options.idle_timeout,
            reader: options.reader_timeout,
            inline_max: options.inline_max,
            rows_octets_max: options.rows_octets_max.max(1),
            ended: OnceLock::new(),
            listeners: Listeners::new(),
            idlers,
            dropped: Notify::new(),
        });
        (Self { requests, shared: Arc::clone(&shared) }, shared, receiver, idling)
    }

    /// Gives any command that has no method here, and waits for its answer.
    ///
    /// It goes out as it is, though the server works on fewer messages at a time; how far it came is in the answer
    /// ([`remaining_after`](posthaste_imap::client::remaining_after)).
    ///
    /// ```no_run
    /// # async fn run(client: &posthaste_tokio::imap::Client) -> Result<(), posthaste_tokio::imap::Error> {
    /// use posthaste_imap::types::Command;
    ///
    /// let answer = client.command(Command::GetJmapAccess).await?;
    /// println!("{:?}", answer.data);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Cause`](crate::Cause) names them; so with all other calls. [`Misuse`] for what is not a call of this kind: IDLE,
    /// APPEND and REPLACE, and what belongs to the beginning of a session, to which UNAUTHENTICATE leads back.
    pub async fn command(&self, command: Command) -> Result<Answer, Error> {
        let state = match command {
            Command::Idle => "but by the method of that name",
            Command::Append(..) | Command::Replace(..) => "without its octets",
            Command::Login(_) | Command::Authenticate(_) | Command::StartTls | Command::Unauthenticate => {
                "once the session is open"
            }
            _ => return self.asked(command, Divide::Never).await,
        };
        Err(Misuse::NotNow { call: command.name(), state }.into())
    }

    /// Looks at what the machine knows: capabilities, what is enabled, the selected mailbox, how the server is treated.
    ///
    /// ```no_run
    /// # async fn run(client: &posthaste_tokio::imap::Client) -> Result<(), posthaste_tokio::imap::Error> {
    /// let moves = client.look(|machine| machine.has_capability("MOVE")).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The session has ended.
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&machine::Client) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let look = Box::new(move |machine: &machine::Client| drop(reply.send(Ok(look(machine)))));
        self.wait(Request::Look(look), answer, Phase::Query).await
    }

    /// What the server tells unasked, from now on.
    pub fn updates(&self) -> Updates {
        self.shared.listeners.join()
    }

    /// Who the other side is.
    pub fn peer(&self) -> &Peer {
        &self.shared.peer
    }

    /// Ends the session in order, for all handles. Calls that are in progress are answered before, as far as the
    /// server keeps to the order.
    ///
    /// # Errors
    ///
    /// The server did not answer in time or cut the connection.
    pub async fn logout(&self) -> Result<(), Error> {
        match self.ask(Command::Logout).await {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.cause(), Cause::Closed) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Gives a command, in parts where that has to be, and waits for its answer.
    pub(crate) async fn ask(&self, command: Command) -> Result<Answer, Error> {
        self.asked(command, Divide::AsNeeded).await
    }

    async fn asked(&self, command: Command, divide: Divide) -> Result<Answer, Error> {
        let phase = route::phase(&command);
        let (reply, answer) = oneshot::channel();
        self.wait(Request::Call { command, divide, sink: Sink::Answer(reply) }, answer, phase).await
    }

    /// Gives a command of whose answer only the status counts.
    pub(crate) async fn run(&self, command: Command) -> Result<(), Error> {
        self.ask(command).await.map(drop)
    }

    /// Gives a command, and takes what `of` finds in the data that answers it.
    pub(crate) async fn all_told<T>(
        &self,
        command: Command,
        of: impl Fn(Event) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        Ok(self.ask(command).await?.data.into_iter().filter_map(of).collect())
    }

    /// The same for data that comes once: the last of it, where there is any.
    pub(crate) async fn told<T>(
        &self,
        command: Command,
        of: impl Fn(Event) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        Ok(self.all_told(command, of).await?.pop())
    }

    /// The same for data without which an OK means nothing.
    pub(crate) async fn owed<T>(
        &self,
        command: Command,
        of: impl Fn(Event) -> Option<T>,
    ) -> Result<T, Error> {
        let Answer { status, data, .. } = self.ask(command).await?;
        let found = data.into_iter().rev().find_map(of);
        found.ok_or_else(|| self.error(Phase::Query, Cause::Refused(status)))
    }

    /// Gives a command whose answer is rows.
    pub(crate) async fn rows(&self, command: Command) -> Result<Rows, Error> {
        let pipe = Pipe::new(self.shared.rows_octets_max);
        let rows = Rows::new(Arc::clone(&pipe), self.clone());
        let (divide, sink) = (Divide::AsNeeded, Sink::Rows(pipe));
        self.send(Request::Call { command, divide, sink }).await?;
        Ok(rows)
    }

    /// Hands a request over, and waits for the reply, in time.
    pub(crate) async fn wait<T>(
        &self,
        request: Request,
        answer: oneshot::Receiver<Result<T, Error>>,
        phase: Phase,
    ) -> Result<T, Error> {
        let deadline = client::after(self.shared.call);
        self.send(request).await?;
        match timeout_at(deadline, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(self.lost(phase)),
            Err(_) => Err(self.late(phase)),
        }
    }

    /// Hands a request over when there is room for it.
    pub(crate) async fn send(&self, request: Request) -> Result<(), Error> {
        let deadline = client::after(self.shared.call);
        match timeout_at(deadline, self.requests.send(request)).await {
            Ok(sent) => sent.map_err(|_| self.lost(Phase::Call)),
            Err(_) => Err(self.late(Phase::Call)),
        }
    }

    fn late(&self, phase: Phase) -> Error {
        self.error(phase, Cause::Deadline(self.shared.call))
    }

    /// Why there is no session any more, as a call sees it that was in `phase`.
    pub(crate) fn lost(&self, phase: Phase) -> Error {
        match self.shared.ended.get() {
            Some(error) => error.seen_from(phase),
            None => self.error(phase, Cause::Closed),
        }
    }

    pub(crate) fn error(&self, phase: Phase, cause: Cause) -> Error {
        Error::new(phase, Some(self.shared.peer.clone()), cause)
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }
}

/// So many calls wait to be looked at; the next ones wait for room.
const REQUESTS_MAX: usize = 64;
