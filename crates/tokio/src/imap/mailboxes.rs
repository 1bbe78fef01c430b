//! Mailboxes: which there are, what they hold, opening and naming them (RFC 9051 6.3).

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use posthaste_imap::client::{Event, MailboxState};
use posthaste_imap::types::{
    Command, Create, ListCommand, ListPattern, ListResponse, ListReturn, ListSelection, ListStyle, Mailbox,
    Namespaces, SelectParameter, SpecialUse, Status, StatusAttribute, StatusItem,
};
use posthaste_wire::Misuse;
use tokio::sync::{mpsc, oneshot};

use super::client::{Client, Divide, Request, Sink};
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

/// Which mailboxes there are.
impl Client {
    /// The namespaces (RFC 9051 6.3.10).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn namespace(&self) -> Result<Namespaces, Error> {
        let told = self.told(Command::Namespace, |event| match event {
            Event::Namespace(namespaces) => Some(namespaces),
            _ => None,
        });
        Ok(told.await?.unwrap_or_default())
    }

    /// The mailboxes whose names match `pattern` (RFC 9051 6.3.9).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn list(&self, pattern: ListPattern) -> Result<Vec<ListResponse>, Error> {
        self.all_told(Command::List(basic_list(pattern)?), listed).await
    }

    /// The mailboxes that the user has subscribed to, by LIST where the server can select by that, else by LSUB
    /// (RFC 5258, RFC 3501 6.3.9). Mailboxes that are gone may be among them.
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn subscribed(&self, pattern: ListPattern) -> Result<Vec<ListResponse>, Error> {
        let selects = |name| self.has_capability(name);
        let command = if selects("LIST-EXTENDED").await? || selects("IMAP4rev2").await? {
            Command::List(ListCommand {
                style: ListStyle::Extended,
                selection: vec![ListSelection::Subscribed],
                ..basic_list(pattern)?
            })
        } else {
            Command::Lsub { reference: root()?, pattern }
        };
        self.all_told(command, listed).await
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
        let (divide, sink) = (Divide::Never, Sink::Data(sender, reply));
        self.send(Request::Call { command, divide, sink }).await?;
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
        let items = self.all_told(Command::Status(mailbox, attributes.into()), |event| match event {
            Event::Status(_, items) => Some(items),
            _ => None,
        });
        Ok(MailboxStatus(items.await?.into_iter().flatten().collect()))
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
        self.select_with(mailbox, []).await
    }

    /// As [`select`](Self::select), with parameters. With
    /// [`SelectParameter::CondStore`](posthaste_imap::types::SelectParameter::CondStore) the server tells
    /// mod-sequences from then on, for [`store_with`](Self::store_with) and [`fetch_with`](Self::fetch_with) (RFC 7162).
    /// What QRESYNC tells of messages is skipped here: for that, [`resync`](Self::resync).
    ///
    /// # Errors
    ///
    /// As [`select`](Self::select).
    pub async fn select_with(
        &self,
        mailbox: Mailbox,
        parameters: impl Into<Vec<SelectParameter>>,
    ) -> Result<MailboxState, Error> {
        self.open_mailbox(Command::Select(mailbox, parameters.into())).await
    }

    /// Opens a mailbox for reading only (RFC 9051 6.3.3).
    ///
    /// # Errors
    ///
    /// As [`select`](Self::select).
    pub async fn examine(&self, mailbox: Mailbox) -> Result<MailboxState, Error> {
        self.examine_with(mailbox, []).await
    }

    /// As [`examine`](Self::examine), with parameters: see [`select_with`](Self::select_with).
    ///
    /// # Errors
    ///
    /// As [`select`](Self::select).
    pub async fn examine_with(
        &self,
        mailbox: Mailbox,
        parameters: impl Into<Vec<SelectParameter>>,
    ) -> Result<MailboxState, Error> {
        self.open_mailbox(Command::Examine(mailbox, parameters.into())).await
    }

    /// Closes the mailbox (RFC 9051 6.4.2).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn unselect(&self) -> Result<(), Error> {
        self.run(Command::Unselect).await
    }

    /// Removes the messages that are marked as deleted, without telling which, and closes the mailbox (RFC 9051 6.4.1).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn close(&self) -> Result<(), Error> {
        self.run(Command::Close).await
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
        self.run(Command::Create(create)).await
    }

    /// Deletes a mailbox (RFC 9051 6.3.5).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn delete(&self, mailbox: Mailbox) -> Result<(), Error> {
        self.run(Command::Delete(mailbox)).await
    }

    /// Renames a mailbox (RFC 9051 6.3.6).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn rename(&self, from: Mailbox, to: Mailbox) -> Result<(), Error> {
        self.run(Command::Rename { from, to }).await
    }

    /// Subscribes to a mailbox (RFC 9051 6.3.7).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn subscribe(&self, mailbox: Mailbox) -> Result<(), Error> {
        self.run(Command::Subscribe(mailbox)).await
    }

    /// Takes a subscription back (RFC 9051 6.3.8).
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command).
    pub async fn unsubscribe(&self, mailbox: Mailbox) -> Result<(), Error> {
        self.run(Command::Unsubscribe(mailbox)).await
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
        Event::List(list) | Event::Lsub(list) => Some(list),
        _ => None,
    }
}

/// So many mailboxes wait for whoever reads them.
const LISTED_MAX: usize = 256;
