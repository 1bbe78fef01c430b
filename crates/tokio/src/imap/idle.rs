//! Waiting for news of the selected mailbox (RFC 2177, RFC 9051 6.3.13).
//!
//! The session's task begins IDLE when somebody waits and nobody asks, ends it for a command and begins it anew; the
//! machine renews it in time.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use super::client::Client;
use super::{Error, Phase, Update, Updates};

/// News of the session while the server is asked to tell it: a [`Stream`], or [`next`](Self::next) by
/// [`next`](Self::next). Dropped, the waiting ends when nobody else waits.
#[derive(Debug)]
#[must_use = "news comes when it is asked for"]
pub struct Idle {
    updates: Updates,
    idling: Idling,
    is_over: bool,
}

/// Somebody waits for news: as long as this is there.
#[derive(Debug)]
pub(crate) struct Idling {
    client: Client,
}

impl Client {
    /// Waits for news: whatever the server tells unasked from now on.
    ///
    /// Other calls may be made meanwhile, by this handle or others: IDLE is ended for them, and begun anew when they
    /// are answered. What the server tells during these calls is news, too. IDLE is renewed every 29 minutes. A server
    /// without IDLE is asked every minute, by NOOP.
    ///
    /// ```no_run
    /// # async fn run(client: posthaste_tokio::imap::Client) -> Result<(), posthaste_tokio::imap::Error> {
    /// use posthaste_imap::types::Mailbox;
    /// use posthaste_tokio::imap::Update;
    ///
    /// client.select(Mailbox::inbox()).await?;
    /// let mut news = client.idle();
    /// loop {
    ///     match news.next().await? {
    ///         Update::Exists(count) => println!("{count} messages"),
    ///         Update::Expunge(number) => println!("{number} is gone"),
    ///         Update::Changed(message) => println!("{message:?}"),
    ///         _ => {}
    ///     }
    /// }
    /// # }
    /// ```
    pub fn idle(&self) -> Idle {
        let updates = self.updates();
        Idle { updates, idling: Idling::new(self.clone()), is_over: false }
    }
}

impl Idle {
    /// The next news, whenever it comes. Cancel safe.
    ///
    /// # Errors
    ///
    /// The session has ended, as [`Cause`](crate::Cause) names it.
    pub async fn next(&mut self) -> Result<Update, Error> {
        match poll_fn(|cx| self.updates.poll(cx)).await {
            Some(update) => Ok(update),
            None => Err(self.idling.client.lost(Phase::Query)),
        }
    }

    /// News that is here already.
    pub fn try_next(&mut self) -> Option<Update> {
        self.updates.try_next()
    }
}

impl Stream for Idle {
    type Item = Result<Update, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        self.updates.poll(cx).map(|update| {
            self.is_over = update.is_none();
            Some(update.ok_or_else(|| self.idling.client.lost(Phase::Query)))
        })
    }
}

impl Idling {
    pub(crate) fn new(client: Client) -> Self {
        client.shared().idlers.send_modify(|idlers| *idlers = idlers.saturating_add(1));
        Self { client }
    }
}

impl Drop for Idling {
    fn drop(&mut self) {
        self.client.shared().idlers.send_modify(|idlers| *idlers = idlers.saturating_sub(1));
    }
}
