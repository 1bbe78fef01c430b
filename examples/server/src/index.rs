//! The metadata of mailboxes that are open, in memory, shared by all sessions.
//!
//! A mailbox is read from the store once, when it is opened. From then on every commit brings its [`Picture`] up to
//! date before whoever asked for the commit has its answer ([`Listener`]). Mailboxes that nobody has open any more are
//! kept while there is room, the latest used longest; those that are open are always kept.
//!
//! What SEARCH, SORT and THREAD compare is kept here too, in bounded memory ([`Overviews`]).

mod names;
mod open;
mod overviews;
mod picture;
mod row;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use open::{Loading, Open};
pub use overviews::Overviews;
pub use picture::{Difference, Finder, Picture};
pub use row::{Counts, Row};
pub use watch::{News, Watch};

use crate::store::{
    AccountId, Change, Keywords, Listener, Mailbox, MailboxEvent, MailboxId, MailboxName, Messages, Snapshot,
    Store, StoreError,
};
use names::Names;
use open::Shared;
use watch::Hearers;

/// The pictures of mailboxes. Clones share them.
#[derive(Debug, Clone)]
pub struct Index(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Octets that pictures and overviews may take, beyond what is open.
    octets_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    mailboxes: BTreeMap<MailboxId, Entry>,
    names: Names,
    hearers: Hearers,
    /// Counts uses, so that the mailbox that was used longest ago is known.
    uses: u64,
}

#[derive(Debug)]
enum Entry {
    /// Somebody is asking the store; what is committed meanwhile waits.
    Loading {
        done: tokio::sync::watch::Sender<()>,
        changes: Vec<Messages>,
        stale: bool,
        gone: bool,
    },
    Loaded {
        shared: Arc<Shared>,
        used: u64,
    },
}

impl Index {
    /// An index that keeps mailboxes which nobody has open in about this many octets.
    pub fn new(octets_max: usize) -> Self {
        Self(Arc::new(Inner { octets_max, state: Mutex::default() }))
    }

    /// Opens a mailbox: from memory, or else from the store, which many that open it at once ask but once.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchMailbox`], and what the store says when it fails.
    pub async fn open(&self, store: &Arc<dyn Store>, mailbox: MailboxId) -> Result<Arc<Open>, StoreError> {
        loop {
            match self.begin(mailbox) {
                Begun::Open(open) => {
                    open.refreshed(store).await?;
                    return Ok(open);
                }
                // Whoever loads it may fail or be dropped: then it is tried again from the start.
                Begun::Wait(mut done) => drop(done.changed().await),
                Begun::Load => {
                    let load = Load { index: self, mailbox, finished: false };
                    let snapshot = store.snapshot(mailbox).await?;
                    if let Some(open) = load.finish(&snapshot) {
                        return Ok(open);
                    }
                }
            }
        }
    }

    /// The mailbox of a name, as of some moment since its account's mailboxes have changed last: what its messages change
    /// (`uidnext`, `modseq`) may be older.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchMailbox`], and what the store says when it fails.
    pub async fn named(
        &self,
        store: &Arc<dyn Store>,
        account: AccountId,
        name: &MailboxName,
    ) -> Result<Mailbox, StoreError> {
        let asked = {
            let state = self.state();
            if let Some(mailbox) = state.names.find(account, name) {
                return Ok(mailbox.clone());
            }
            state.names.ask()
        };
        let mailbox = store.mailbox(account, name).await?;
        self.state().names.keep(asked, &mailbox);
        Ok(mailbox)
    }

    /// The picture of a mailbox, if it is in memory and up to date.
    pub fn picture(&self, mailbox: MailboxId) -> Option<Arc<Picture>> {
        match self.state().mailboxes.get(&mailbox) {
            Some(Entry::Loaded { shared, .. }) => shared.fresh_picture(),
            _ => None,
        }
    }

    /// Tells the store at once what sessions have claimed as `\Recent`, before it is closed.
    pub async fn tell_claims(&self, store: &Arc<dyn Store>) {
        let loaded: Vec<Arc<Shared>> = {
            let state = self.state();
            let loaded = state.mailboxes.values().filter_map(|entry| match entry {
                Entry::Loaded { shared, .. } => Some(Arc::clone(shared)),
                Entry::Loading { .. } => None,
            });
            loaded.collect()
        };
        for shared in loaded {
            shared.tell_claims(store).await;
        }
    }

    /// Hears of what happens in these accounts from now on.
    pub fn watch(&self, accounts: &BTreeSet<AccountId>) -> Watch {
        self.state().hearers.watch(accounts.iter().copied())
    }

    /// Mailboxes that are in memory.
    pub fn mailboxes(&self) -> usize {
        self.state().mailboxes.len()
    }

    /// Octets that all pictures and overviews take.
    pub fn octets(&self) -> usize {
        self.state().octets()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, mailbox: MailboxId) -> Begun {
        let mut state = self.state();
        state.uses = state.uses.saturating_add(1);
        let now = state.uses;
        match state.mailboxes.get_mut(&mailbox) {
            Some(Entry::Loaded { shared, used }) => {
                *used = now;
                Begun::Open(Arc::new(Open::new(Arc::clone(shared))))
            }
            Some(Entry::Loading { done, .. }) => Begun::Wait(done.subscribe()),
            None => {
                let (done, _) = tokio::sync::watch::channel(());
                let loading = Entry::Loading { done, changes: Vec::new(), stale: false, gone: false };
                state.mailboxes.insert(mailbox, loading);
                Begun::Load
            }
        }
    }

    /// Lets go of mailboxes that nobody has open, the one used longest ago first, until the rest fits.
    fn make_room(&self, state: &mut State) {
        let mut octets = state.octets();
        while octets > self.0.octets_max {
            let idle = state.mailboxes.iter().filter_map(|(id, entry)| match entry {
                Entry::Loaded { shared, used } if Arc::strong_count(shared) == 1 => Some((*used, *id)),
                _ => None,
            });
            let Some((_, id)) = idle.min() else { break };
            if let Some(Entry::Loaded { shared, .. }) = state.mailboxes.remove(&id) {
                octets = octets.saturating_sub(shared.octets());
            }
        }
    }

    /// Whether so many octets more can be kept.
    pub fn has_room_for(&self, octets: usize) -> bool {
        self.octets().saturating_add(octets) <= self.0.octets_max
    }

    /// Keeps what SEARCH, SORT and THREAD compare of a mailbox, if there is room.
    pub fn keep_overviews(&self, open: &Open, overviews: &Arc<Overviews>) {
        let mut state = self.state();
        open.keep_overviews(overviews);
        self.make_room(&mut state);
        if state.octets() > self.0.octets_max {
            open.keep_overviews(&Arc::default());
        }
    }
}

impl State {
    fn octets(&self) -> usize {
        let loaded = self.mailboxes.values().map(|entry| match entry {
            Entry::Loaded { shared, .. } => shared.octets(),
            Entry::Loading { .. } => 0,
        });
        loaded.fold(0, usize::saturating_add)
    }
}

enum Begun {
    Open(Arc<Open>),
    Wait(tokio::sync::watch::Receiver<()>),
    Load,
}

/// The work of the one that asks the store. Dropped unfinished, it leaves the place to another.
struct Load<'a> {
    index: &'a Index,
    mailbox: MailboxId,
    finished: bool,
}

impl Load<'_> {
    /// `None` where the mailbox has to be read again.
    fn finish(mut self, snapshot: &Snapshot) -> Option<Arc<Open>> {
        self.finished = true;
        let mut state = self.index.state();
        state.uses = state.uses.saturating_add(1);
        let used = state.uses;
        let Some(Entry::Loading { done, changes, stale, gone }) = state.mailboxes.remove(&self.mailbox)
        else {
            return None;
        };
        if stale || gone {
            return None;
        }
        let shared = Arc::new(Shared::new(snapshot));
        changes.iter().for_each(|messages| shared.feed(messages));
        state.mailboxes.insert(self.mailbox, Entry::Loaded { shared: Arc::clone(&shared), used });
        self.index.make_room(&mut state);
        drop(done);
        Some(Arc::new(Open::new(shared)))
    }
}

impl Drop for Load<'_> {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let mut state = self.index.state();
        if let Some(Entry::Loading { .. }) = state.mailboxes.get(&self.mailbox) {
            state.mailboxes.remove(&self.mailbox);
        }
    }
}

impl Listener for Index {
    fn committed(&self, changes: &[Change]) {
        let steps = self.steps(changes);
        // To edit a large picture takes a while, in which others may open mailboxes.
        for (shared, step) in steps {
            match step {
                Step::Feed(messages) => shared.feed(messages),
                Step::Delete => shared.delete(),
                Step::Grant => shared.granted(),
                Step::Doubt => shared.doubt(),
            }
        }
        let mut state = self.state();
        changes.iter().for_each(|change| state.hearers.tell(change));
    }
}

/// What a change does to a mailbox that is in memory.
enum Step<'a> {
    Feed(&'a Messages),
    Delete,
    Grant,
    Doubt,
}

impl Index {
    /// What is to be done for some changes, in their order. What is being loaded takes note of them.
    fn steps<'a>(&self, changes: &'a [Change]) -> Vec<(Arc<Shared>, Step<'a>)> {
        let mut steps = Vec::new();
        let mut state = self.state();
        for change in changes {
            match change {
                Change::Mailbox { account, .. } | Change::Subscriptions(account) => {
                    state.names.forget(*account);
                }
                Change::Anything => state.names.forget_all(),
                Change::Messages(_) | Change::Records | Change::Annotations(_) => {}
            }
            match change {
                Change::Messages(messages) => match state.mailboxes.get_mut(&messages.mailbox) {
                    Some(Entry::Loaded { shared, .. }) => {
                        steps.push((Arc::clone(shared), Step::Feed(messages)));
                    }
                    Some(Entry::Loading { changes, .. }) => changes.push(messages.clone()),
                    None => {}
                },
                Change::Mailbox { mailbox, event: MailboxEvent::Deleted, .. } => {
                    if let Some(Entry::Loading { gone, .. }) = state.mailboxes.get_mut(mailbox) {
                        *gone = true;
                    } else if let Some(Entry::Loaded { shared, .. }) = state.mailboxes.remove(mailbox) {
                        steps.push((shared, Step::Delete));
                    }
                }
                Change::Mailbox { mailbox, event: MailboxEvent::Granted, .. } => {
                    if let Some(Entry::Loaded { shared, .. }) = state.mailboxes.get(mailbox) {
                        steps.push((Arc::clone(shared), Step::Grant));
                    }
                }
                Change::Anything => {
                    for entry in state.mailboxes.values_mut() {
                        match entry {
                            Entry::Loaded { shared, .. } => steps.push((Arc::clone(shared), Step::Doubt)),
                            Entry::Loading { stale, .. } => *stale = true,
                        }
                    }
                }
                _ => {}
            }
        }
        steps
    }
}

/// Sets of keywords, each once in memory.
#[derive(Debug, Default)]
struct Interner(BTreeSet<Keywords>);

impl Interner {
    fn one(&mut self, keywords: &Keywords) -> Keywords {
        if keywords.is_empty() {
            return Keywords::default();
        }
        if let Some(known) = self.0.get(keywords) {
            return known.clone();
        }
        if self.0.len() >= KEYWORD_SETS_MAX {
            // What is forgotten here is no longer shared with what comes later, nothing else.
            self.0.clear();
        }
        self.0.insert(keywords.clone());
        keywords.clone()
    }
}

/// Sets of keywords of one mailbox that are remembered.
const KEYWORD_SETS_MAX: usize = 4096;
