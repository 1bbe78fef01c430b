//! Who wants to hear of what happens in accounts: NOTIFY (RFC 5465).
//!
//! An event names a mailbox and what kind of thing happened; what the mailbox is like now is for the one who heard to
//! find out. Who hears too slowly loses events and is told that it has.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;

use crate::store::{AccountId, Annotations, Change, MailboxEvent, MailboxId};

/// Something that happened in an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Messages of a mailbox came, changed or went.
    Messages {
        /// Which mailbox.
        mailbox: MailboxId,
        /// Some came or have other flags.
        changed: bool,
        /// Some went.
        expunged: bool,
        /// The UID the next one will get, now.
        uidnext: u32,
    },
    /// Something happened to a mailbox itself.
    Mailbox(MailboxId, MailboxEvent),
    /// Annotations of a mailbox, or of the account itself.
    Annotations(Annotations),
    /// What the account is subscribed to has changed.
    Subscriptions,
    /// Anything may have changed.
    Anything,
}

/// A hearer of some accounts.
#[derive(Debug)]
pub struct Watch {
    news: mpsc::Receiver<(AccountId, News)>,
    lost: Arc<AtomicBool>,
}

impl Watch {
    /// The next thing that happened; [`News::Anything`] where some was lost. Cancel safe.
    pub async fn next(&mut self) -> (AccountId, News) {
        if self.lost.swap(false, Ordering::AcqRel) {
            while self.news.try_recv().is_ok() {}
            return (AccountId::default(), News::Anything);
        }
        match self.news.recv().await {
            Some(news) => news,
            // The index is gone, and with it everything that could happen.
            None => std::future::pending().await,
        }
    }
}

#[derive(Debug)]
struct Hearer {
    news: mpsc::Sender<(AccountId, News)>,
    lost: Arc<AtomicBool>,
}

/// The hearers of all accounts.
#[derive(Debug, Default)]
pub(super) struct Hearers(BTreeMap<AccountId, Vec<Arc<Hearer>>>);

impl Hearers {
    pub(super) fn watch(&mut self, accounts: impl IntoIterator<Item = AccountId>) -> Watch {
        let (sender, news) = mpsc::channel(NEWS_MAX);
        let lost = Arc::new(AtomicBool::new(false));
        let hearer = Arc::new(Hearer { news: sender, lost: Arc::clone(&lost) });
        for account in accounts {
            let hearers = self.0.entry(account).or_default();
            hearers.retain(|hearer| !hearer.news.is_closed());
            hearers.push(Arc::clone(&hearer));
        }
        Watch { news, lost }
    }

    pub(super) fn tell(&mut self, change: &Change) {
        if self.0.is_empty() {
            return;
        }
        let (account, news) = match change {
            Change::Messages(messages) => {
                let news = News::Messages {
                    mailbox: messages.mailbox,
                    changed: !messages.changed.is_empty(),
                    expunged: !messages.expunged.is_empty(),
                    uidnext: messages.uidnext,
                };
                (messages.account, news)
            }
            Change::Mailbox { account, mailbox, event } => (*account, News::Mailbox(*mailbox, *event)),
            Change::Subscriptions(account) => (*account, News::Subscriptions),
            Change::Annotations(annotations) => (annotations.account, News::Annotations(annotations.clone())),
            Change::Anything => {
                for hearer in self.0.values().flatten() {
                    hearer.lost.store(true, Ordering::Release);
                    hearer.tell(AccountId::default(), News::Anything);
                }
                return;
            }
            _ => return,
        };
        if let Some(hearers) = self.0.get_mut(&account) {
            hearers.retain(|hearer| !hearer.news.is_closed());
            hearers.iter().for_each(|hearer| hearer.tell(account, news.clone()));
            if hearers.is_empty() {
                self.0.remove(&account);
            }
        }
    }
}

impl Hearer {
    fn tell(&self, account: AccountId, news: News) {
        if self.news.try_send((account, news)).is_err() {
            self.lost.store(true, Ordering::Release);
        }
    }
}

/// Events that wait for one hearer.
const NEWS_MAX: usize = 256;
