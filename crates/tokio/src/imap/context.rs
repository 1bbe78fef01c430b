//! Results that the server keeps up to date (RFC 5267 CONTEXT): the first of them, and then what changes, in order.
//!
//! The session's task keeps the list of them, see `task/contexts.rs`. What a change makes of a result at hand is
//! [`update_result`](posthaste_imap::client::update_result)'s affair.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use posthaste_imap::types::{
    AString, Addressing, Command, ContextChange, SearchCommand, SearchKey, SearchReturn, SortCommand,
    SortCriterion, Status,
};
use tokio::sync::{mpsc, oneshot};

use super::client::{Client, Divide, Request, Sink};
use super::find::{found, utf8};
use super::idle::Idling;
use super::{Error, Found, Phase, route};

/// What changes in the result of a search: a [`Stream`], or [`next`](Self::next) by [`next`](Self::next).
///
/// While it is held, the session waits for news whenever nobody asks anything, as for [`Client::idle`]. 1024 changes
/// wait for whoever reads; when there would be more, the context ends ([`ContextEnd::Missed`]), because a result from
/// which one change is missing is worth nothing.
///
/// Dropped, the session gives up the server's updates by CANCELUPDATE. Nobody waits for that: the command goes out when
/// it can, and what the server tells until it has answered is thrown away.
#[derive(Debug)]
#[must_use = "changes come when they are asked for, and dropping this cancels them"]
pub struct SearchContext {
    changes: mpsc::Receiver<ContextChange>,
    state: Arc<ContextState>,
    client: Client,
    idling: Option<Idling>,
    is_over: bool,
}

/// What happens to a result that is kept up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContextUpdate {
    /// Messages have come in or gone. Each change starts from what the one before it left.
    Change(ContextChange),
    /// Nothing follows.
    Ended(ContextEnd),
}

/// Why a result is no longer kept up to date.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContextEnd {
    /// The server does not do it, for want of room mostly (NOUPDATE, RFC 5267 4.3.1).
    Refused(Status),
    /// It was asked to stop, by [`SearchContext::cancel`] or [`Client::cancel_update`].
    Cancelled,
    /// The mailbox is no longer the open one.
    Closed,
    /// Nobody read, and the changes behind the last one are lost: the search has to be made anew.
    Missed,
}

/// Where the task puts changes.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) changes: mpsc::Sender<ContextChange>,
    pub(crate) state: Arc<ContextState>,
}

/// What the task tells besides changes.
#[derive(Debug, Default)]
pub(crate) struct ContextState {
    /// The name of the context, once the search was answered.
    pub(crate) tag: OnceLock<AString>,
    pub(crate) end: OnceLock<ContextEnd>,
}

impl Client {
    /// Searches, and has the server tell from then on how the result changes (RFC 5267 4.3). Needs CONTEXT=SEARCH.
    ///
    /// `returns` says what the first result is to hold, as with [`search_for`](Self::search_for); without any it holds
    /// all messages. The changes name messages as `addressing` says, in the order of the mailbox. They come for as long
    /// as the mailbox is open, for all that matches: not only for the page that was asked for first.
    ///
    /// A server may [refuse](ContextEnd::Refused) to tell changes; the first result is there all the same. One that
    /// refuses without a word cannot be told from one where nothing changes.
    ///
    /// ```no_run
    /// # async fn run(client: posthaste_tokio::imap::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use posthaste_imap::client::update_result;
    /// use posthaste_imap::types::{Addressing, SearchKey, SearchReturn};
    /// use posthaste_tokio::imap::ContextUpdate;
    ///
    /// let keys = [SearchKey::Unseen];
    /// let (found, mut context) = client.search_context(Addressing::Uid, [SearchReturn::All], keys).await?;
    /// let unseen = found.all.iter().flat_map(|all| all.resolve(0)).flatten();
    /// let mut unseen: Vec<_> = unseen.filter_map(std::num::NonZeroU32::new).take(10_000).collect();
    /// while let Some(update) = context.next().await? {
    ///     match update {
    ///         ContextUpdate::Change(change) => update_result(&mut unseen, &change, 10_000)?,
    ///         ContextUpdate::Ended(why) => println!("no more updates: {why:?}"),
    ///     }
    ///     println!("{} unseen", unseen.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`command`](Self::command). A call that is dropped leaves no context behind.
    pub async fn search_context(
        &self,
        addressing: Addressing,
        returns: impl Into<Vec<SearchReturn>>,
        keys: impl Into<Vec<SearchKey>>,
    ) -> Result<(Found, SearchContext), Error> {
        let returns = updating(returns.into());
        let search = SearchCommand { returns: Some(returns.clone()), charset: None, keys: keys.into() };
        self.context(Command::Search(addressing, search), &returns, addressing).await
    }

    /// The same for a result in some other order (RFC 5267 4.3). Needs CONTEXT=SORT.
    ///
    /// Each change has a position, because the server alone knows the order.
    ///
    /// # Errors
    ///
    /// As [`search_context`](Self::search_context).
    pub async fn sort_context(
        &self,
        addressing: Addressing,
        criteria: impl Into<Vec<SortCriterion>>,
        returns: impl Into<Vec<SearchReturn>>,
        keys: impl Into<Vec<SearchKey>>,
    ) -> Result<(Found, SearchContext), Error> {
        let (criteria, returns, keys) = (criteria.into(), updating(returns.into()), keys.into());
        let sort = SortCommand { returns: Some(returns.clone()), criteria, charset: utf8()?, keys };
        self.context(Command::Sort(addressing, sort), &returns, addressing).await
    }

    async fn context(
        &self,
        command: Command,
        returns: &[SearchReturn],
        addressing: Addressing,
    ) -> Result<(Found, SearchContext), Error> {
        let (sender, changes) = mpsc::channel(CHANGES_MAX);
        let state = Arc::new(ContextState::default());
        let feed = Feed { changes: sender, state: Arc::clone(&state) };
        // From here on whoever drops the call drops the context.
        let mut context =
            SearchContext { changes, state, client: self.clone(), idling: None, is_over: false };
        let phase = route::phase(&command);
        let (reply, answer) = oneshot::channel();
        // Where the server has not looked at all messages, the result is none to go on from.
        let (divide, sink) = (Divide::AsNeeded, Sink::Context(feed, reply));
        let request = Request::Call { command, divide, sink };
        let answer = self.wait(request, answer, phase).await?;
        context.idling = Some(Idling::new(self.clone()));
        Ok((found(answer, returns, addressing), context))
    }
}

impl SearchContext {
    /// What changes next, whenever it comes; `None` behind [`ContextUpdate::Ended`]. Cancel safe.
    ///
    /// # Errors
    ///
    /// The session has ended, as [`Cause`](crate::Cause) names it.
    pub async fn next(&mut self) -> Result<Option<ContextUpdate>, Error> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// Asks the server to tell no more (CANCELUPDATE, RFC 5267 4.3.5). What it told before it heard that, and then
    /// [`ContextEnd::Cancelled`], is still given by [`next`](Self::next).
    ///
    /// # Errors
    ///
    /// As [`Client::command`]. Without effect and without error where the context has ended already.
    pub async fn cancel(&self) -> Result<(), Error> {
        match self.state.tag.get() {
            Some(tag) if self.state.end.get().is_none() => self.client.cancel_update([tag.clone()]).await,
            _ => Ok(()),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<ContextUpdate>, Error>> {
        if self.is_over {
            return Poll::Ready(Ok(None));
        }
        if let Some(change) = ready!(self.changes.poll_recv(cx)) {
            return Poll::Ready(Ok(Some(ContextUpdate::Change(change))));
        }
        self.is_over = true;
        self.idling = None;
        Poll::Ready(match self.state.end.get() {
            Some(end) => Ok(Some(ContextUpdate::Ended(end.clone()))),
            None => Err(self.client.lost(Phase::Query)),
        })
    }
}

impl Stream for SearchContext {
    type Item = Result<ContextUpdate, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx).map(Result::transpose)
    }
}

impl Drop for SearchContext {
    fn drop(&mut self) {
        // The task looks when it is told to, and has to find that nobody reads.
        self.changes.close();
        self.client.shared().dropped.notify_one();
    }
}

/// The same options with UPDATE. Where there were none, which means ALL, that has to be said now.
fn updating(mut returns: Vec<SearchReturn>) -> Vec<SearchReturn> {
    if returns.is_empty() {
        returns.push(SearchReturn::All);
    }
    if !returns.iter().any(|option| matches!(option, SearchReturn::Update(_))) {
        returns.push(SearchReturn::Update(Vec::new()));
    }
    returns
}

/// So many changes wait for whoever reads them.
const CHANGES_MAX: usize = 1024;
