//! The selected mailbox as one client knows it, and how it learns of changes.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use posthaste_imap::types::{FetchItem, Flag, Response};
use posthaste_imap::view::View;
use tokio::sync::watch;

use super::convert;
use crate::store::{MailboxId, MessageMeta};

/// The client's picture.
pub(super) struct Selected {
    pub(super) mailbox: MailboxId,
    pub(super) view: View,
    /// What was last known of each message of the view.
    pub(super) metas: BTreeMap<u32, MessageMeta>,
    /// Messages from this UID on are `\Recent` to this session.
    pub(super) recent_from: u32,
    pub(super) changes: watch::Receiver<u64>,
}

/// Waits for a change of the selected mailbox; whether the mailbox still exists. Never completes without one.
pub(super) async fn changed(selected: &mut Option<Selected>) -> bool {
    match selected {
        Some(selected) => selected.changes.changed().await.is_ok(),
        None => std::future::pending().await,
    }
}

impl Selected {
    pub(super) fn new(
        mailbox: MailboxId,
        snapshot: Vec<MessageMeta>,
        recent_from: u32,
        changes: watch::Receiver<u64>,
    ) -> Self {
        let view = View::new(snapshot.iter().map(|meta| meta.uid));
        let metas = snapshot.into_iter().map(|meta| (meta.uid, meta)).collect();
        Self { mailbox, view, metas, recent_from, changes }
    }

    pub(super) fn recent(&self) -> u32 {
        let count = self.view.uids().iter().filter(|uid| **uid >= self.recent_from).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// The sequence number of the first message without `\Seen`.
    pub(super) fn first_unseen(&self) -> Option<NonZeroU32> {
        let unseen = self.metas.values().find(|meta| !convert::is_seen(&meta.flags))?;
        self.view.seq_of(unseen.uid)
    }

    /// The flags of a message as this session sees them.
    pub(super) fn flags(&self, meta: &MessageMeta) -> Vec<Flag> {
        let mut flags = convert::flags(&meta.flags);
        if meta.uid >= self.recent_from {
            flags.push(Flag::Recent);
        }
        flags
    }

    /// Takes a message out of the picture; the number it had.
    pub(super) fn remove(&mut self, uid: u32) -> Option<NonZeroU32> {
        self.metas.remove(&uid);
        self.view.remove(uid)
    }

    /// Brings the picture up to date and says what the client is to be told, in the order it has to be told.
    /// Messages that are gone stay in the picture while they may not be told.
    pub(super) fn update(&mut self, snapshot: Vec<MessageMeta>, may_expunge: bool) -> Vec<Response> {
        self.changes.mark_unchanged();
        let mut updates = Vec::new();
        if may_expunge {
            let present = View::new(snapshot.iter().map(|meta| meta.uid));
            let gone: Vec<u32> =
                self.view.uids().iter().copied().filter(|uid| present.seq_of(*uid).is_none()).collect();
            updates.extend(gone.into_iter().filter_map(|uid| self.remove(uid)).map(Response::Expunge));
        }
        let mut changed = Vec::new();
        let known = self.view.len();
        for meta in snapshot {
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
            updates.push(Response::Exists(self.view.largest_seq()));
            updates.push(Response::Recent(self.recent()));
        }
        updates.extend(changed.into_iter().filter_map(|uid| self.flags_row(uid)));
        updates
    }

    fn flags_row(&self, uid: u32) -> Option<Response> {
        let meta = self.metas.get(&uid)?;
        let items = vec![FetchItem::Uid(NonZeroU32::new(uid)?), FetchItem::Flags(self.flags(meta))];
        Some(Response::Fetch(self.view.seq_of(uid)?, items))
    }
}
