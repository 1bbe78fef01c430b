//! Bringing a mailbox that is known from before up to date, as a stream of what changed (RFC 4549, RFC 7162).
//!
//! How that is found out is decided by `posthaste_imap::client::Resync`, which the session's task runs.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
pub use posthaste_imap::client::{Change, Counted, Known, Method};
use posthaste_imap::types::Mailbox;
use tokio::sync::{mpsc, oneshot};

pub(crate) use posthaste_imap::client::Resync;

use super::client::{Client, Request};
use super::{Error, Phase};

/// What changed in a mailbox since it was known: a [`Stream`], or [`next`](Self::next) by [`next`](Self::next).
///
/// Nothing else is sent meanwhile: other calls wait until all changes are here. Changes that nobody takes are held up to
/// some number, then the session waits, at most [`reader_timeout`](crate::ClientOptions::reader_timeout).
#[derive(Debug)]
#[must_use = "changes come when they are asked for"]
pub struct Changes {
    changes: mpsc::Receiver<Change>,
    done: oneshot::Receiver<Result<Synced, Error>>,
    synced: Option<Synced>,
    is_over: bool,
    client: Client,
}

/// Where a mailbox is after all changes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Synced {
    /// What to remember. Later changes of flags may be told again; none is lost.
    pub known: Known,
    /// How the changes were found.
    pub method: Method,
    /// Whether the number of messages came out.
    pub counted: Counted,
}

impl Client {
    /// Opens `mailbox` and tells what changed since it was `known`; without that, all its messages.
    ///
    /// By QRESYNC, CONDSTORE or a comparison of all UIDs and flags, whichever is the best the server has. Afterwards the
    /// mailbox is selected.
    ///
    /// ```no_run
    /// # async fn run(client: posthaste_tokio::imap::Client) -> Result<(), posthaste_tokio::imap::Error> {
    /// use posthaste_imap::types::Mailbox;
    ///
    /// # let remembered = None;
    /// let mut changes = client.resync(Mailbox::inbox(), remembered).await?;
    /// while let Some(change) = changes.next().await? {
    ///     println!("{change:?}");
    /// }
    /// let remember = changes.synced().map(|synced| &synced.known);
    /// # let _ = remember;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The session has ended.
    pub async fn resync(&self, mailbox: Mailbox, known: Option<Known>) -> Result<Changes, Error> {
        let (sender, changes) = mpsc::channel(CHANGES_MAX);
        let (done, receiver) = oneshot::channel();
        self.send(Request::Resync { mailbox, known, changes: sender, done }).await?;
        Ok(Changes { changes, done: receiver, synced: None, is_over: false, client: self.clone() })
    }
}

impl Changes {
    /// The next change; `None` when the mailbox is up to date. Cancel safe.
    ///
    /// # Errors
    ///
    /// As [`Cause`](crate::Cause) names them: what was told so far is true, and not all.
    pub async fn next(&mut self) -> Result<Option<Change>, Error> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// What to remember, once [`next`](Self::next) has given `None`.
    pub const fn synced(&self) -> Option<&Synced> {
        self.synced.as_ref()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Change>, Error>> {
        if let Some(change) = ready!(self.changes.poll_recv(cx)) {
            return Poll::Ready(Ok(Some(change)));
        }
        if self.is_over {
            return Poll::Ready(Ok(None));
        }
        let done = ready!(Pin::new(&mut self.done).poll(cx));
        self.is_over = true;
        let done = done.unwrap_or_else(|_| Err(self.client.lost(Phase::Query)));
        Poll::Ready(done.map(|synced| {
            self.synced = Some(synced);
            None
        }))
    }
}

impl Stream for Changes {
    type Item = Result<Change, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(cx).map(Result::transpose)
    }
}

/// So many changes wait for whoever reads them.
const CHANGES_MAX: usize = 1024;
