//! A mailbox that is open: its picture, what it is woken by, and what went from it lately.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::Interner;
use super::overviews::Overviews;
use super::picture::Picture;
use super::row::Row;
use crate::store::{Keyword, Known, MailboxId, Messages, Snapshot, Store, StoreError};

/// A mailbox that somebody has open. While there is one of these, the mailbox stays in memory.
#[derive(Debug)]
pub struct Open(Arc<Shared>);

/// What all who have a mailbox open share.
#[derive(Debug)]
pub(super) struct Shared {
    mailbox: MailboxId,
    /// Held by the one that makes the next picture; `state` is locked only to put it in place.
    editor: Mutex<Interner>,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
    /// Counts changes of what is granted.
    grants: AtomicU64,
    /// Somebody loads overviews.
    loading: AtomicBool,
}

/// Nobody else loads overviews while there is one of these.
#[derive(Debug)]
pub struct Loading(Arc<Shared>);

impl Drop for Loading {
    fn drop(&mut self) {
        self.0.loading.store(false, Ordering::Release);
    }
}

#[derive(Debug)]
struct State {
    picture: Arc<Picture>,
    /// What went, with the mod-sequences it went with, the latest last.
    expunged: VecDeque<(u64, u32)>,
    /// The log tells all that went after this.
    expunged_floor: u64,
    /// Messages with smaller UIDs have been claimed as `\Recent` by some session; `None` before the store was asked.
    claimed: Option<u32>,
    /// The store will be told so.
    claim_is_due: bool,
    overviews: Arc<Overviews>,
    /// The store may know more.
    doubtful: bool,
    deleted: bool,
}

impl Open {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// Which mailbox.
    pub fn mailbox(&self) -> MailboxId {
        self.0.mailbox
    }

    /// The messages as of now.
    pub fn picture(&self) -> Arc<Picture> {
        Arc::clone(&self.0.state().picture)
    }

    /// What the store would have to read to change the messages with these UIDs, which ascend; `None` where the store may
    /// know more.
    pub fn known(&self, uids: &[u32]) -> Option<Known> {
        self.0.fresh_picture().map(|picture| picture.known(uids))
    }

    /// The messages as of now, after a look at the store where somebody else may have changed them.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchMailbox`] when it was deleted, and what the store says when it fails.
    pub async fn refreshed(&self, store: &Arc<dyn Store>) -> Result<Arc<Picture>, StoreError> {
        {
            let mut state = self.0.state();
            if state.deleted {
                return Err(StoreError::NoSuchMailbox);
            }
            if !state.doubtful {
                return Ok(Arc::clone(&state.picture));
            }
            // Doubts that come while the store is asked are not those it answers.
            state.doubtful = false;
        }
        match store.snapshot(self.0.mailbox).await {
            Ok(snapshot) => Ok(self.0.catch_up(&snapshot)),
            Err(error) => {
                let mut state = self.0.state();
                state.doubtful = true;
                state.deleted |= error == StoreError::NoSuchMailbox;
                Err(error)
            }
        }
    }

    /// The messages as of now, and the UIDs of what went after `modseq`, ascending; `None` where that is so long ago
    /// that the store has to be asked.
    pub fn since(&self, modseq: u64) -> (Arc<Picture>, Option<Vec<u32>>) {
        let state = self.0.state();
        let known = modseq >= state.expunged_floor;
        let expunged = known.then(|| {
            let start = state.expunged.partition_point(|(at, _)| *at <= modseq);
            let uids: BTreeSet<u32> = state.expunged.range(start..).map(|(_, uid)| *uid).collect();
            uids.into_iter().collect()
        });
        (Arc::clone(&state.picture), expunged)
    }

    /// Wakes when something happens to this mailbox, and to no other.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// Changes when what is granted on the mailbox does.
    pub fn grants(&self) -> u64 {
        self.0.grants.load(Ordering::Acquire)
    }

    /// Whether the mailbox is no more.
    pub fn is_deleted(&self) -> bool {
        self.0.state().deleted
    }

    /// Which messages with UIDs below `end` no session has claimed as `\Recent` (RFC 3501 2.3.2); with `claims` they
    /// are the caller's. The store is asked the first time, and told a while later: no session waits for its disk.
    ///
    /// # Errors
    ///
    /// As the store fails.
    pub async fn recent(
        &self,
        store: &Arc<dyn Store>,
        end: u32,
        claims: bool,
    ) -> Result<Range<u32>, StoreError> {
        if self.0.state().claimed.is_none() {
            let start = store.recent(self.0.mailbox).await?.start;
            self.0.state().claimed.get_or_insert(start);
        }
        let mut state = self.0.state();
        let start = state.claimed.unwrap_or_default().min(end);
        let is_new = claims && start < end;
        if is_new {
            state.claimed = Some(end);
        }
        let tells = is_new && !state.claim_is_due;
        state.claim_is_due |= is_new;
        drop(state);
        if tells {
            let (shared, store) = (Arc::clone(&self.0), Arc::clone(store));
            tokio::spawn(async move {
                tokio::time::sleep(CLAIMS_PAUSE).await;
                shared.tell_claims(&store).await;
            });
        }
        Ok(start..end)
    }

    /// What is kept for SEARCH, SORT and THREAD.
    pub fn overviews(&self) -> Arc<Overviews> {
        Arc::clone(&self.0.state().overviews)
    }

    /// For whoever loads what is kept for SORT and THREAD while nobody waits for it; `None` while somebody does.
    pub fn load_overviews(&self) -> Option<Loading> {
        let begun = self.0.loading.compare_exchange(false, true, Ordering::AcqRel, Ordering::Acquire);
        begun.is_ok().then(|| Loading(Arc::clone(&self.0)))
    }

    /// Keeps what was computed for SORT and THREAD.
    pub(super) fn keep_overviews(&self, overviews: &Arc<Overviews>) {
        self.0.state().overviews = Arc::clone(overviews);
    }
}

impl Shared {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let mut interner = Interner::default();
        let mailbox = snapshot.mailbox.id;
        let modseq = snapshot.mailbox.modseq;
        let picture = picture(snapshot, &mut interner);
        let state = State {
            picture: Arc::new(picture),
            expunged: VecDeque::new(),
            expunged_floor: modseq,
            claimed: None,
            claim_is_due: false,
            overviews: Arc::default(),
            doubtful: false,
            deleted: false,
        };
        Self {
            mailbox,
            editor: Mutex::new(interner),
            state: Mutex::new(state),
            changed: watch::Sender::new(0),
            grants: AtomicU64::new(0),
            loading: AtomicBool::new(false),
        }
    }

    /// Tells the store what has been claimed, where it does not know.
    pub(super) async fn tell_claims(&self, store: &Arc<dyn Store>) {
        let before = {
            let mut state = self.state();
            if !std::mem::take(&mut state.claim_is_due) {
                return;
            }
            state.claimed.unwrap_or_default()
        };
        match store.claim_recent(self.mailbox, before).await {
            Ok(()) | Err(StoreError::NoSuchMailbox | StoreError::Closed) => {}
            Err(error) => tracing::warn!(%error, "what is recent will be so once more"),
        }
    }

    fn editor(&self) -> MutexGuard<'_, Interner> {
        self.editor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the next picture in place. Only for whoever holds the editor.
    fn replace(&self, picture: Arc<Picture>, expunged: &[u32]) {
        let mut state = self.state();
        state.log(picture.modseq, expunged);
        let before = std::mem::replace(&mut state.picture, picture);
        drop(state);
        // It may be the last that has these rows.
        drop(before);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Brings the picture up to date with what was committed.
    pub(super) fn feed(&self, messages: &Messages) {
        {
            let mut interner = self.editor();
            let before = Arc::clone(&self.state().picture);
            // A snapshot that was taken meanwhile has it already.
            if messages.modseq <= before.modseq {
                return;
            }
            let rows: Vec<Row> = messages
                .changed
                .iter()
                .map(|meta| Row::new(meta, interner.one(&meta.flags.keywords)))
                .collect();
            let mut picture = before.edited(&rows, &messages.expunged);
            picture.modseq = messages.modseq;
            picture.uidnext = messages.uidnext.max(picture.uidnext);
            picture.note_keywords(&rows);
            self.replace(Arc::new(picture), &messages.expunged);
        }
        self.wake();
    }

    /// Takes over what the store says, where nothing newer has been committed meanwhile. With the same mod-sequence it
    /// may differ all the same, where the store was repaired.
    fn catch_up(&self, snapshot: &Snapshot) -> Arc<Picture> {
        let mut interner = self.editor();
        let before = Arc::clone(&self.state().picture);
        if snapshot.mailbox.modseq >= before.modseq {
            let found = picture(snapshot, &mut interner);
            let difference = found.since(&before);
            let gone: Vec<u32> = difference.gone.iter().map(|row| row.uid).collect();
            let mut puts = difference.added;
            puts.extend(difference.changed);
            puts.sort_by_key(|row| row.uid);
            let mut next = before.edited(&puts, &gone);
            (next.modseq, next.uidnext, next.keywords) = (found.modseq, found.uidnext, found.keywords);
            self.replace(Arc::new(next), &gone);
        }
        Arc::clone(&self.state().picture)
    }

    pub(super) fn fresh_picture(&self) -> Option<Arc<Picture>> {
        let state = self.state();
        (!state.doubtful && !state.deleted).then(|| Arc::clone(&state.picture))
    }

    pub(super) fn delete(&self) {
        self.state().deleted = true;
        self.wake();
    }

    pub(super) fn doubt(&self) {
        self.state().doubtful = true;
        self.granted();
    }

    pub(super) fn granted(&self) {
        self.grants.fetch_add(1, Ordering::AcqRel);
        self.wake();
    }

    pub(super) fn octets(&self) -> usize {
        let state = self.state();
        let log = state.expunged.len().saturating_mul(size_of::<(u64, u32)>());
        let overviews = state.overviews.octets();
        state.picture.octets().saturating_add(log).saturating_add(overviews).saturating_add(size_of::<Self>())
    }
}

impl State {
    fn log(&mut self, modseq: u64, uids: &[u32]) {
        self.expunged.extend(uids.iter().map(|uid| (modseq, *uid)));
        while self.expunged.len() > EXPUNGED_MAX {
            if let Some((at, _)) = self.expunged.pop_front() {
                self.expunged_floor = self.expunged_floor.max(at);
            }
        }
    }
}

fn picture(snapshot: &Snapshot, interner: &mut Interner) -> Picture {
    let rows = snapshot.messages.iter().map(|meta| Row::new(meta, interner.one(&meta.flags.keywords)));
    let mailbox = &snapshot.mailbox;
    let mut picture = Picture::new(rows.collect(), mailbox.modseq, mailbox.uidnext, mailbox.uidvalidity);
    let mut keywords: Vec<Keyword> = snapshot.keywords.clone();
    keywords.sort();
    picture.keywords = keywords.into();
    picture
}

/// How long claims of recent messages wait for others before the store is told of them.
const CLAIMS_PAUSE: Duration = Duration::from_secs(1);
/// Expunged messages of one mailbox that are remembered.
const EXPUNGED_MAX: usize = 4096;
