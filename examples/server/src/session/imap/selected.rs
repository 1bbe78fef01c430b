//! The selected mailbox as one client knows it, and how it learns of changes.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::ops::Range;

use posthaste_imap::server::{Message, Update};
use posthaste_imap::types::{FetchItem, Flag};
use posthaste_imap::view::View;
use tokio::sync::watch;

use super::convert;
use crate::store::{MailboxId, MessageMeta, News};

/// The client's picture.
pub(super) struct Selected {
    pub(super) mailbox: MailboxId,
    pub(super) view: View,
    /// What was last known of each message of the view.
    pub(super) metas: BTreeMap<u32, MessageMeta>,
    /// Messages that are gone and of which the client could not be told yet.
    gone: BTreeSet<u32>,
    /// The UIDs that are `\Recent` to this session, ascending and apart.
    recent: Vec<Range<u32>>,
    changes: watch::Receiver<u64>,
    /// The highest mod-sequence that a look at the store has shown. What this session changes itself does not
    /// count: another may have changed something before.
    modseq: u64,
    /// A change was noticed, and the store has not been asked since.
    is_behind: bool,
}

/// What a look at the store has shown, by UID.
pub(super) enum Seen {
    /// All messages of the mailbox.
    All(Vec<MessageMeta>),
    /// Those that are new or changed; all others are as they were.
    Changed(Vec<MessageMeta>),
}

impl Seen {
    pub(super) fn metas(&self) -> &[MessageMeta] {
        let (Self::All(metas) | Self::Changed(metas)) = self;
        metas
    }
}

/// Waits for a change of the selected mailbox; whether the mailbox still exists. Never completes without one.
pub(super) async fn changed(selected: &mut Option<Selected>) -> bool {
    match selected {
        Some(selected) => {
            let exists = selected.changes.changed().await.is_ok();
            selected.is_behind = true;
            exists
        }
        None => std::future::pending().await,
    }
}

impl Selected {
    pub(super) fn new(
        mailbox: MailboxId,
        snapshot: Vec<MessageMeta>,
        recent: Range<u32>,
        changes: watch::Receiver<u64>,
    ) -> Self {
        let modseq = highest(&snapshot);
        let view = View::new(snapshot.iter().map(|meta| meta.uid));
        let metas = snapshot.into_iter().map(|meta| (meta.uid, meta)).collect();
        let recent = vec![recent];
        Self { mailbox, view, metas, gone: BTreeSet::new(), recent, changes, modseq, is_behind: false }
    }

    pub(super) fn recent(&self) -> u32 {
        let count = self.view.uids().filter(|uid| self.is_recent(*uid)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Whether a message is `\Recent` to this session.
    pub(super) fn is_recent(&self, uid: u32) -> bool {
        let after = self.recent.partition_point(|range| range.end <= uid);
        self.recent.get(after).is_some_and(|range| range.contains(&uid))
    }

    /// Takes note of messages that became `\Recent` to this session. A session that only looks may name some of
    /// them again.
    pub(super) fn add_recent(&mut self, uids: Range<u32>) {
        match self.recent.last_mut() {
            _ if uids.is_empty() => {}
            Some(last) if uids.start <= last.end => last.end = last.end.max(uids.end),
            _ => self.recent.push(uids),
        }
    }

    /// Whether the store has to be asked what the client is to be told.
    pub(super) fn is_stale(&self, may_expunge: bool) -> bool {
        // An error says that the mailbox is gone.
        self.is_behind || self.changes.has_changed().unwrap_or(true) || (may_expunge && !self.gone.is_empty())
    }

    /// Whether the message is gone and the client does not know.
    pub(super) fn is_gone(&self, uid: u32) -> bool {
        self.gone.contains(&uid) || self.view.seq_of(uid).is_none()
    }

    pub(super) const fn modseq(&self) -> u64 {
        self.modseq
    }

    /// Whether messages of the picture are gone from the mailbox, so that only a look at all of it shows which.
    pub(super) fn misses_any(&self, news: &News) -> bool {
        let added = news.changed.iter().filter(|meta| meta.uid > self.view.largest_uid()).count();
        !self.gone.is_empty() || news.count != self.view.len().saturating_add(added)
    }

    /// To be called before the store is asked, so that a change after that is noticed again.
    pub(super) fn look(&mut self) {
        self.is_behind = true;
        self.changes.mark_unchanged();
    }

    /// The sequence number of the first message without `\Seen`.
    pub(super) fn first_unseen(&self) -> Option<NonZeroU32> {
        let unseen = self.metas.values().find(|meta| !convert::is_seen(&meta.flags))?;
        self.view.seq_of(unseen.uid)
    }

    /// The flags of a message as this session sees them.
    pub(super) fn flags(&self, meta: &MessageMeta) -> Vec<Flag> {
        let mut flags = convert::flags(&meta.flags);
        if self.is_recent(meta.uid) {
            flags.push(Flag::Recent);
        }
        flags
    }

    /// Takes a message out of the picture; the number it had.
    pub(super) fn remove(&mut self, uid: u32) -> Option<NonZeroU32> {
        self.metas.remove(&uid);
        self.gone.remove(&uid);
        self.view.remove(uid)
    }

    /// Brings the picture up to date and says what the client is to be told, in the order it has to be told.
    /// Messages that are gone stay in the picture while they may not be told.
    pub(super) fn update(&mut self, seen: Seen, may_expunge: bool) -> Vec<Update> {
        self.is_behind = false;
        let mut updates = Vec::new();
        self.modseq = self.modseq.max(highest(seen.metas()));
        if let Seen::All(all) = &seen {
            let present = View::new(all.iter().map(|meta| meta.uid));
            let absent = self.view.uids().filter(|uid| present.seq_of(*uid).is_none());
            self.gone = absent.collect();
        }
        let (Seen::All(metas) | Seen::Changed(metas)) = seen;
        if may_expunge {
            // From the last to the first, so that no removal moves what another has to move again.
            let gone = std::mem::take(&mut self.gone);
            updates.extend(gone.iter().rev().filter_map(|uid| {
                let seq = self.remove(*uid)?;
                Some(Update::Expunged(Message::new(seq, NonZeroU32::new(*uid)?)))
            }));
        }
        let mut changed = Vec::new();
        let known = self.view.len();
        for meta in metas {
            let uid = meta.uid;
            match self.metas.get(&uid) {
                None if self.view.push(uid) => {
                    self.metas.insert(uid, meta);
                }
                Some(old) if old.flags != meta.flags => {
                    self.metas.insert(uid, meta);
                    changed.push(uid);
                }
                _ => {}
            }
        }
        if self.view.len() != known {
            updates.push(Update::Exists(self.view.largest_seq()));
            updates.push(Update::Recent(self.recent()));
        }
        updates.extend(changed.into_iter().filter_map(|uid| self.flags_row(uid)));
        updates
    }

    fn flags_row(&self, uid: u32) -> Option<Update> {
        let meta = self.metas.get(&uid)?;
        let items = vec![FetchItem::Uid(NonZeroU32::new(uid)?), FetchItem::Flags(self.flags(meta).into())];
        Some(Update::Fetch(Message::new(self.view.seq_of(uid)?, NonZeroU32::new(uid)?), items))
    }
}

fn highest(metas: &[MessageMeta]) -> u64 {
    metas.iter().map(|meta| meta.modseq).max().unwrap_or_default()
}
