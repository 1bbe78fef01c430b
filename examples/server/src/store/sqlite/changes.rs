//! The change feed: who watches a mailbox learns, after each commit, that it should look again.
//!
//! A feed says that something changed, not what: a watcher compares snapshots. So a slow watcher misses
//! nothing and costs nothing. Changes by other processes reach the feed within about a second.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use tokio::sync::watch;

use super::id::MailboxId;
use super::writer::lock;

/// The watchers of all mailboxes.
#[derive(Debug, Default)]
pub(super) struct Changes(Mutex<BTreeMap<MailboxId, watch::Sender<u64>>>);

impl Changes {
    pub(super) fn subscribe(&self, mailbox: MailboxId) -> watch::Receiver<u64> {
        let mut feeds = lock(&self.0);
        feeds.retain(|_, feed| feed.receiver_count() > 0);
        feeds.entry(mailbox).or_insert_with(|| watch::channel(0).0).subscribe()
    }

    pub(super) fn notify(&self, touched: &BTreeSet<MailboxId>, gone: &BTreeSet<MailboxId>) {
        let mut feeds = lock(&self.0);
        for mailbox in touched {
            if let Some(feed) = feeds.get(mailbox) {
                feed.send_modify(|count| *count = count.wrapping_add(1));
            }
        }
        for mailbox in gone {
            feeds.remove(mailbox);
        }
    }

    pub(super) fn notify_all(&self) {
        for feed in lock(&self.0).values() {
            feed.send_modify(|count| *count = count.wrapping_add(1));
        }
    }
}

impl super::Store {
    /// A receiver that changes after each commit that touched the mailbox: messages, flags, name.
    ///
    /// `changed()` returns an error when the mailbox has been deleted. Subscribe before taking the first
    /// snapshot, so that nothing falls between.
    pub fn subscribe_changes(&self, mailbox: MailboxId) -> watch::Receiver<u64> {
        self.inner.changes.subscribe(mailbox)
    }
}
