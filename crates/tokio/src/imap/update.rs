//! What the server tells unasked, and who hears it (RFC 9051 5.2, 7; RFC 5465).
//!
//! Everybody who listens has a queue of his own, bounded: who does not read misses the newest and is told how many.
//! Nobody is waited for. What counts as news, and not as an answer, is decided in `route.rs`.

use std::future::poll_fn;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use posthaste_imap::client::Event;
use posthaste_imap::types::{
    FetchItem, Flags, ListResponse, Mailbox, Metadata, MetadataData, Status, StatusItem, UidSet,
};
use tokio::sync::mpsc;

use super::pipe::{Head, Name};

/// Something the server told unasked.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Update {
    /// So many messages are in the selected mailbox.
    Exists(u32),
    /// So many of them are `\Recent` (RFC 3501).
    Recent(u32),
    /// The message of this number is gone, and the numbers above it are one less.
    Expunge(NonZeroU32),
    /// The messages of these UIDs are gone, and the numbers above them are less (RFC 7162).
    Vanished(UidSet),
    /// The messages of these UIDs went before, as a FETCH was asked to tell (RFC 7162 3.2.6). No number changes.
    VanishedEarlier(UidSet),
    /// A message has changed.
    Changed(Changed),
    /// The flags that exist in the selected mailbox.
    Flags(Flags),
    /// What a mailbox holds, for NOTIFY (RFC 5465).
    Status(Mailbox, Vec<StatusItem>),
    /// A mailbox or subscription was made, renamed or removed, for NOTIFY (RFC 5465).
    List(ListResponse),
    /// Annotations have changed (RFC 5464).
    Metadata(Metadata),
    /// A text that the user has to see (RFC 9051 7.1).
    Alert(Bytes),
    /// Such a text that came in the clear: anybody may have written it.
    AlertInClear(Bytes),
    /// Information, a warning or an error of no command in particular.
    Notice(Status),
    /// The server ends the session.
    Bye(Status),
    /// So many updates before the next one were missed, because nobody read.
    Lagged(u64),
    /// Anything else, as the machine tells it.
    Other(Arc<Event>),
}

/// What a server tells unasked of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changed {
    /// Its number; `None` under UIDONLY (RFC 9586).
    pub number: Option<NonZeroU32>,
    /// Its UID, where the server tells it.
    pub uid: Option<NonZeroU32>,
    /// Its flags, where they are told.
    pub flags: Option<Flags>,
    /// Its mod-sequence, where it is told (RFC 7162).
    pub mod_seq: Option<u64>,
}

/// What the server tells unasked, from the moment of the call on. Ends with the session.
///
/// Answers are not among it: not the rows of a FETCH or a STORE, nor what SELECT says of the mailbox.
#[derive(Debug)]
#[must_use = "updates come when they are asked for"]
pub struct Updates {
    queue: mpsc::Receiver<Update>,
    missed: Arc<AtomicU64>,
}

/// All who listen.
#[derive(Debug)]
pub(crate) struct Listeners(Mutex<Option<Vec<Listener>>>);

#[derive(Debug)]
struct Listener {
    queue: mpsc::Sender<Update>,
    missed: Arc<AtomicU64>,
}

impl Updates {
    /// The next update; `None` when the session has ended. Cancel safe.
    pub async fn next(&mut self) -> Option<Update> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// An update that is here already.
    pub fn try_next(&mut self) -> Option<Update> {
        self.lag().or_else(|| self.queue.try_recv().ok())
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Update>> {
        match self.lag() {
            None => self.queue.poll_recv(cx),
            lag => Poll::Ready(lag),
        }
    }

    fn lag(&self) -> Option<Update> {
        Some(self.missed.swap(0, Ordering::Relaxed)).filter(|missed| *missed > 0).map(Update::Lagged)
    }
}

impl Stream for Updates {
    type Item = Update;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Update>> {
        self.poll(cx)
    }
}

impl Listeners {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }

    /// One more who listens.
    pub(crate) fn join(&self) -> Updates {
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let missed = Arc::new(AtomicU64::new(0));
        if let Some(listeners) = &mut *self.lock() {
            listeners.push(Listener { queue: sender, missed: Arc::clone(&missed) });
        }
        Updates { queue, missed }
    }

    pub(crate) fn tell(&self, update: &Update) {
        if let Some(listeners) = &mut *self.lock() {
            listeners.retain(|listener| match listener.queue.try_send(update.clone()) {
                Ok(()) => true,
                Err(mpsc::error::TrySendError::Full(_)) => {
                    listener.missed.fetch_add(1, Ordering::Relaxed);
                    true
                }
                Err(mpsc::error::TrySendError::Closed(_)) => false,
            });
        }
    }

    /// Nothing is told any more.
    pub(crate) fn close(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Listener>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Event> for Update {
    fn from(event: Event) -> Self {
        match event {
            Event::Exists(exists) => Self::Exists(exists),
            Event::Recent(recent) => Self::Recent(recent),
            Event::Expunge(number) => Self::Expunge(number),
            Event::Vanished { earlier: false, uids } => Self::Vanished(uids),
            Event::Vanished { earlier: true, uids } => Self::VanishedEarlier(uids),
            Event::Flags(flags) => Self::Flags(flags),
            Event::Status(mailbox, items) => Self::Status(mailbox, items),
            Event::List(list) => Self::List(list),
            Event::Metadata(metadata) if matches!(metadata.data, MetadataData::Changed(_)) => {
                Self::Metadata(metadata)
            }
            Event::Alert(text) => Self::Alert(text),
            Event::AlertInClear(text) => Self::AlertInClear(text),
            Event::Untagged(status) => Self::Notice(status),
            Event::Bye(status) => Self::Bye(status),
            event => Self::Other(Arc::new(event)),
        }
    }
}

impl From<Head> for Changed {
    fn from(head: Head) -> Self {
        let mut changed = match head.name {
            Name::Number(number) => Self { number: Some(number), ..Self::default() },
            Name::Uid(uid) => Self { uid: Some(uid), ..Self::default() },
        };
        for item in head.items {
            match item {
                FetchItem::Uid(uid) => changed.uid = Some(uid),
                FetchItem::Flags(flags) => changed.flags = Some(flags),
                FetchItem::ModSeq(mod_seq) => changed.mod_seq = Some(mod_seq),
                _ => {}
            }
        }
        changed
    }
}

/// So many updates wait for each who listens.
const QUEUE_MAX: usize = 1024;
