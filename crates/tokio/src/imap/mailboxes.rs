//! Mailboxes: which there are, what they hold, opening and naming them (RFC 9051 6.3).

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use posthaste_imap::client::{Event, MailboxState};
use posthaste_imap::types::{
    Capability, Command, Create, EventGroup, IdParameters, ListCommand, ListPattern, ListResponse,
    ListReturn, ListSelection, ListStyle, Mailbox, Namespaces, NotifyCommand, SpecialUse, Status,
    StatusAttribute, StatusItem,
};
use posthaste_wire::Misuse;
use tokio::sync::{mpsc, oneshot};

use super::client::{Client, Request, Sink};
use super::{Cause, Error, Phase};

/// The mailboxes that match, as they arrive: a [`Stream`], or [`next`](Self::next) by [`next`](Self::next). Dropped, the
/// rest is read and thrown away.
#[derive(Debug)]
#[must_use = "mailboxes come when they are asked for"]
pub struct Listing {
    data: mpsc::Receiver<Event>,
    done: oneshot::Receiver<Result<Status, Error>>,
    is_over: bool,
    client: Client,
}

/// What a mailbox holds, as STATUS tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailboxStatus(pub Vec<StatusItem>);

/// The session.
impl Client {
    /// What the server announces.
    ///
    /// # Errors
    ///
    /// The session has ended.
    pub async fn capabilities(&self) -> Result<Vec<Capability>, Error> {
        self.look(|machine| machine.capabilities().to_vec()).await
    }

    /// Switches extensions on, and tells which the server has switched on (RFC 5161). Not once a mailbox was selected.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command); so with all calls below.
    pub async fn enable(&self, capabilities: impl Into<Vec<Capability>>) -> Result<Vec<Capability>, Error> {
        let answer = self.ask(Command::Enable(capabilities.into())).await?;
        let enabled = answer.data.into_iter().filter_map(|event| match event {
            Event::Enabled(enabled) => Some(enabled),
            _ => None,
        });
        Ok(enabled.flatten().collect())
    }

    /// Tells who is asking, and asks who answers (RFC 2971).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn id(&self, parameters: IdParameters) -> Result<IdParameters, Error> {
        let answer = self.ask(Command::Id(parameters)).await?;
        let told = answer.find(|event| match event {
            Event::Id(parameters) => Some(parameters),
            _ => None,
        });
        Ok(told.unwrap_or_default())
    }

    /// Does nothing, and lets the server tell what is new (RFC 9051 6.1.2): see [`updates`](Self::updates).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn noop(&self) -> Result<(), Error> {
        self.ask(Command::Noop).await.map(drop)
    }

    /// Compresses the connection from here on (RFC 4978). Secrets and text that others choose should not share a
    /// compressed connection without thought.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn compress(&self) -> Result<(), Error> {
        self.ask(Command::CompressDeflate).await.map(drop)
    }

    /// Says what is to be told unasked, of which mailboxes (RFC 5465): see [`updates`](Self::updates). With no group, as
    /// without NOTIFY.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn notify(&self, groups: impl Into<Vec<EventGroup>>) -> Result<(), Error> {
        let groups = groups.into();
        let command = if groups.is_empty() {
            NotifyCommand::None
        } else {
            NotifyCommand::Set { status: false, groups }
        };
        self.ask(Command::Notify(command)).await.map(drop)
    }
}

/// Which mailboxes there are.
impl Client {
    /// The namespaces (RFC 9051 6.3.10).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn namespace(&self) -> Result<Namespaces, Error> {
        let answer = self.ask(Command::Namespace).await?;
        let told = answer.find(|event| match event {
            Event::Namespace(namespaces) => Some(namespaces),
            _ => None,
        });
        Ok(told.unwrap_or_default())
    }

    /// The mailboxes whose names match `pattern` (RFC 9051 6.3.9).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn list(&self, pattern: ListPattern) -> Result<Vec<ListResponse>, Error> {
        let answer = self.ask(Command::List(basic_list(pattern)?)).await?;
        Ok(answer.data.into_iter().filter_map(listed).collect())
    }

    /// As [`list`](Self::list), one by one as they arrive.
    ///
    /// # Errors
    ///
    /// The session has ended.
    pub async fn list_stream(&self, pattern: ListPattern) -> Result<Listing, Error> {
        let (sender, data) = mpsc::channel(LISTED_MAX);
        let (reply, done) = oneshot::channel();
        let command = Command::List(basic_list(pattern)?);
        self.send(Request::Call { command, sink: Sink::Data(sender, reply) }).await?;
        Ok(Listing { data, done, is_over: false, client: self.clone() })
    }

    /// Mailboxes by several patterns, only some of them, with more about each (RFC 5258, 5819, 6154): the answer holds
    /// LIST and, as asked, STATUS and others.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn list_extended(
        &self,
        selection: impl Into<Vec<ListSelection>>,
        patterns: impl Into<Vec<ListPattern>>,
        returns: impl Into<Vec<ListReturn>>,
    ) -> Result<Vec<Event>, Error> {
        let list = ListCommand {
            style: ListStyle::Extended,
            selection: selection.into(),
            reference: root()?,
            patterns: patterns.into(),
            returns: returns.into(),
        };
        Ok(self.ask(Command::List(list)).await?.data)
    }

    /// What a mailbox holds, without opening it (RFC 9051 6.3.11).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn status(
        &self,
        mailbox: Mailbox,
        attributes: impl Into<Vec<StatusAttribute>>,
    ) -> Result<MailboxStatus, Error> {
        let answer = self.ask(Command::Status(mailbox, attributes.into())).await?;
        let items = answer.data.into_iter().filter_map(|event| match event {
            Event::Status(_, items) => Some(items),
            _ => None,
        });
        Ok(MailboxStatus(items.flatten().collect()))
    }
}

/// Opening and closing.
impl Client {
    /// Opens a mailbox for reading and writing (RFC 9051 6.3.2). There is one open mailbox in a session: all handles
    /// share it.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command). When the server refuses, no mailbox is open.
    pub async fn select(&self, mailbox: Mailbox) -> Result<MailboxState, Error> {
        self.open_mailbox(Command::Select(mailbox, Vec::new())).await
    }

    /// Opens a mailbox for reading only (RFC 9051 6.3.3).
    ///
    /// # Errors
    ///
    /// As [`select`](Self::select).
    pub async fn examine(&self, mailbox: Mailbox) -> Result<MailboxState, Error> {
        self.open_mailbox(Command::Examine(mailbox, Vec::new())).await
    }

    /// Closes the mailbox (RFC 9051 6.4.2).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn unselect(&self) -> Result<(), Error> {
        self.ask(Command::Unselect).await.map(drop)
    }

    /// Removes the messages that are marked as deleted, without telling which, and closes the mailbox (RFC 9051 6.4.1).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn close(&self) -> Result<(), Error> {
        self.ask(Command::Close).await.map(drop)
    }

    async fn open_mailbox(&self, command: Command) -> Result<MailboxState, Error> {
        let mailbox = self.ask(command).await?.mailbox;
        mailbox.map(|mailbox| *mailbox).ok_or_else(|| self.error(Phase::Query, Cause::Closed))
    }
}

/// Making and naming.
impl Client {
    /// Makes a mailbox, perhaps with roles (RFC 9051 6.3.4, RFC 6154 3).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn create(&self, mailbox: Mailbox, roles: impl Into<Vec<SpecialUse>>) -> Result<(), Error> {
        let create = Create { mailbox, special_use: roles.into() };
        self.ask(Command::Create(create)).await.map(drop)
    }

    /// Deletes a mailbox (RFC 9051 6.3.5).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn delete(&self, mailbox: Mailbox) -> Result<(), Error> {
        self.ask(Command::Delete(mailbox)).await.map(drop)
    }

    /// Renames a mailbox (RFC 9051 6.3.6).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn rename(&self, from: Mailbox, to: Mailbox) -> Result<(), Error> {
        self.ask(Command::Rename { from, to }).await.map(drop)
    }

    /// Subscribes to a mailbox (RFC 9051 6.3.7).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn subscribe(&self, mailbox: Mailbox) -> Result<(), Error> {
        self.ask(Command::Subscribe(mailbox)).await.map(drop)
    }

    /// Takes a subscription back (RFC 9051 6.3.8).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn unsubscribe(&self, mailbox: Mailbox) -> Result<(), Error> {
        self.ask(Command::Unsubscribe(mailbox)).await.map(drop)
    }
}

impl Listing {
    /// The next mailbox; `None` when there are no more. Cancel safe.
    ///
    /// # Errors
    ///
    /// As [`Cause`](crate::Cause) names them.
    pub async fn next(&mut self) -> Result<Option<ListResponse>, Error> {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<ListResponse>, Error>> {
        while let Some(event) = ready!(self.data.poll_recv(cx)) {
            if let Some(list) = listed(event) {
                return Poll::Ready(Ok(Some(list)));
            }
        }
        if self.is_over {
            return Poll::Ready(Ok(None));
        }
        let done = ready!(Pin::new(&mut self.done).poll(cx));
        self.is_over = true;
        Poll::Ready(done.unwrap_or_else(|_| Err(self.client.lost(Phase::Query))).map(|_| None))
    }
}

impl Stream for Listing {
    type Item = Result<ListResponse, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx).map(Result::transpose)
    }
}

impl MailboxStatus {
    /// How many messages, where that was asked and told.
    pub fn messages(&self) -> Option<u64> {
        self.number(StatusAttribute::Messages)
    }

    /// How many without `\Seen`, where that was asked and told.
    pub fn unseen(&self) -> Option<u64> {
        self.number(StatusAttribute::Unseen)
    }

    /// The number told for `attribute`; `None` where it was not told, or is none.
    pub fn number(&self, attribute: StatusAttribute) -> Option<u64> {
        self.0.iter().filter(|item| item.attribute() == attribute).find_map(|item| match item {
            StatusItem::Messages(number)
            | StatusItem::Recent(number)
            | StatusItem::UidNext(number)
            | StatusItem::UidValidity(number)
            | StatusItem::Unseen(number)
            | StatusItem::Deleted(number)
            | StatusItem::DeletedStorage(number)
            | StatusItem::Size(number)
            | StatusItem::HighestModSeq(number) => Some(*number),
            StatusItem::AppendLimit(limit) => *limit,
            _ => None,
        })
    }
}

fn basic_list(pattern: ListPattern) -> Result<ListCommand, Misuse> {
    Ok(ListCommand {
        style: ListStyle::Basic,
        selection: Vec::new(),
        reference: root()?,
        patterns: vec![pattern],
        returns: Vec::new(),
    })
}

/// The empty name.
fn root() -> Result<Mailbox, Misuse> {
    Mailbox::new("").map_err(|_| Misuse::Argument { argument: "reference", problem: "is no name" })
}

fn listed(event: Event) -> Option<ListResponse> {
    match event {
        Event::List(list) => Some(list),
        _ => None,
    }
}

/// So many mailboxes wait for whoever reads them.
const LISTED_MAX: usize = 256;
