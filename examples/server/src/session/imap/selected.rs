//! The selected mailbox as one client knows it, and how it learns of changes.
//!
//! The client knows a picture: its n-th message is the one the client calls n. When it may be told of everything, the
//! picture becomes that of the index. While it may not be told of expunges (RFC 9051 7.5.1), it becomes that picture
//! with the messages in it that are gone.

use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

use posthaste_imap::server::{Access, Feature, Message, Notice, Refusal, SelectedFlags, Server, Update};
use posthaste_imap::types::{
    Addressing, FetchItem, Flag, Flags, MessageSet, PermanentFlags, Rights, SequenceSet,
};
use posthaste_imap::view::Allowed;
use tokio::sync::watch;

use super::access::{Reached, may_change};
use super::{Outcome, Session, convert, notify};
use crate::index::{Difference, Open, Picture, Row};
use crate::store::{KEYWORDS_MAX, Keyword, StoreError};

/// What the session knows of the mailbox it has selected.
pub(super) struct Selected {
    pub(super) open: Arc<Open>,
    /// Which mailbox, under which name, with which rights.
    pub(super) reached: Reached,
    /// What the client knows.
    pub(super) picture: Arc<Picture>,
    /// UIDs of messages that the client counts and that are gone, ascending.
    gone: Vec<u32>,
    /// The UIDs that are `\Recent` to this session, ascending and apart.
    recent: Vec<Range<u32>>,
    changes: watch::Receiver<u64>,
    basis: Basis,
}

/// What the rights of the session were found out from, counted: who is in which group is as good as a change of the
/// access control list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Basis {
    grants: u64,
    directory: u64,
}

/// Waits for a change of the selected mailbox. Never completes without one.
pub(super) async fn changed(selected: &mut Option<Box<Selected>>) {
    let gone = match selected {
        Some(selected) => selected.changes.changed().await.is_err(),
        None => true,
    };
    if gone {
        std::future::pending::<()>().await;
    }
}

impl Selected {
    pub(super) fn new(
        open: Arc<Open>,
        reached: Reached,
        picture: Arc<Picture>,
        recent: Range<u32>,
        basis: Basis,
    ) -> Self {
        let changes = open.watch();
        Self { open, reached, picture, gone: Vec::new(), recent: vec![recent], changes, basis }
    }

    pub(super) fn rights(&self) -> Rights {
        self.reached.rights
    }

    pub(super) fn recent(&self) -> u32 {
        let count = |range: &Range<u32>| {
            self.picture.place_of(range.end).saturating_sub(self.picture.place_of(range.start))
        };
        let count: usize = self.recent.iter().map(count).sum();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// The UIDs that are `\Recent` to this session.
    pub(super) fn recent_ranges(&self) -> &[Range<u32>] {
        &self.recent
    }

    /// UIDs of messages that the client counts and that are gone, ascending.
    pub(super) fn gone(&self) -> &[u32] {
        &self.gone
    }

    /// Takes note of messages that became `\Recent` to this session. A session that only looks may name some of
    /// them again.
    fn add_recent(&mut self, uids: Range<u32>) {
        match self.recent.last_mut() {
            _ if uids.is_empty() => {}
            Some(last) if uids.start <= last.end => last.end = last.end.max(uids.end),
            _ => self.recent.push(uids),
        }
    }

    /// Whether the message is gone and the client does not know.
    pub(super) fn is_gone(&self, uid: u32) -> bool {
        self.gone.binary_search(&uid).is_ok()
    }

    /// Takes note that the client knows these messages as they are in a picture, where it knew an older state of them.
    /// Their UIDs ascend.
    pub(super) fn has_heard(&mut self, current: &Picture, uids: &[u32]) {
        if !uids.is_empty() {
            self.picture = Arc::new(self.picture.with_rows_of(current, uids));
        }
    }

    /// The flags of a message as this session sees them.
    pub(super) fn flags(&self, row: &Row) -> Flags {
        let mut flags = convert::flags(row.system, &row.keywords);
        if is_recent(&self.recent, row.uid) {
            flags.insert(&Flag::Recent);
        }
        flags
    }

    /// The flags of the mailbox: those in use, and those that this session can change.
    pub(super) fn selected_flags(&self) -> SelectedFlags {
        let rights = self.rights();
        let defined = defined(&self.picture.keywords);
        let flags: Flags = defined.iter().filter(|flag| may_change(flag, rights)).cloned().collect();
        let keywords_max = usize::try_from(KEYWORDS_MAX).unwrap_or(usize::MAX);
        let new_keywords = rights.contains('w') && self.picture.keywords.len() < keywords_max;
        SelectedFlags { permanent: PermanentFlags { flags, new_keywords }, defined }
    }

    /// Whether the session may change anything in it.
    pub(super) fn access(&self, asked: Access) -> Access {
        let changes = ['s', 'w', 't', 'e', 'i'].into_iter().any(|right| self.rights().contains(right));
        if changes { asked } else { Access::ReadOnly }
    }

    /// What NOTIFY or the end of a command tells of a row.
    fn items(&self, server: &Server, row: &Row) -> Vec<FetchItem> {
        let mut items = Vec::with_capacity(3);
        if !server.is_enabled(Feature::UidOnly) {
            items.extend(NonZeroU32::new(row.uid).map(FetchItem::Uid));
        }
        items.push(FetchItem::Flags(self.flags(row)));
        if server.is_enabled(Feature::CondStore) {
            items.push(FetchItem::ModSeq(row.modseq));
        }
        items
    }
}

fn defined(keywords: &[Keyword]) -> Vec<Flag> {
    convert::system_flags().chain(keywords.iter().filter_map(convert::keyword)).collect()
}

/// Whether a message is `\Recent` to a session for which these UIDs are.
pub(super) fn is_recent(recent: &[Range<u32>], uid: u32) -> bool {
    let after = recent.partition_point(|range| range.end <= uid);
    recent.get(after).is_some_and(|range| range.contains(&uid))
}

/// A message by both of its numbers.
pub(super) fn message(seq: NonZeroU32, uid: u32) -> Message {
    // A UID is never zero; a message without one could not be told of.
    NonZeroU32::new(uid).map_or(Message::from(seq), |uid| Message::new(seq, uid))
}

impl Session {
    /// Tells the client what has changed in the selected mailbox, as far as it may be told now and wants to be.
    pub(super) async fn sync(&mut self) -> Outcome {
        self.sync_but(None).await
    }

    /// The same, but that a message which is gone is still counted: the client is told of it in another way.
    pub(super) async fn sync_keeping(&mut self, uid: u32) -> Outcome {
        self.sync_but(Some(uid)).await
    }

    async fn sync_but(&mut self, kept: Option<u32>) -> Outcome {
        let Some(selected) = &mut self.selected else { return Ok(()) };
        selected.changes.mark_unchanged();
        let picture = match selected.open.refreshed(&self.context.store).await {
            Ok(picture) => picture,
            Err(StoreError::NoSuchMailbox) => {
                self.end(Refusal::new("The selected mailbox has been deleted"));
                return Ok(());
            }
            Err(error) => {
                // The client is told with the next command that finds the store working.
                tracing::error!(%error, "mailbox cannot be read");
                return Ok(());
            }
        };
        self.check_rights().await?;
        let allowed = self.connection.machine_ref().allowed();
        let wants = notify::Wanted::of(self.notify.as_deref());
        let Some(selected) = &self.selected else { return Ok(()) };
        let expunge = allowed == Allowed::All && wants.expunges();
        let same = Arc::ptr_eq(&picture, &selected.picture);
        if allowed == Allowed::Nothing || wants.nothing() || (same && (!expunge || selected.gone.is_empty()))
        {
            return Ok(());
        }
        let mut difference = picture.since(&selected.picture);
        let kept: Vec<Row> = difference.gone.iter().filter(|row| kept == Some(row.uid)).cloned().collect();
        difference.gone.retain(|row| kept.iter().all(|kept| kept.uid != row.uid));
        let picture = if kept.is_empty() { picture } else { Arc::new(picture.edited(&kept, &[])) };
        self.claim_recent(&picture, &difference).await;
        self.tell(picture, difference, expunge, &wants).await
    }

    /// Messages that came become `\Recent` to this session if to no other before (RFC 3501 2.3.2).
    async fn claim_recent(&mut self, picture: &Picture, difference: &Difference) {
        let rev2 = self.connection.machine_ref().is_enabled(Feature::Imap4Rev2);
        let read_only = self.connection.machine_ref().is_read_only();
        let Some(selected) = &mut self.selected else { return };
        if rev2 || difference.added.is_empty() {
            return;
        }
        match selected.open.recent(&self.context.store, picture.uidnext, !read_only).await {
            Ok(recent) => selected.add_recent(recent),
            Err(error) => tracing::warn!(%error, "recent messages could not be claimed"),
        }
    }

    async fn tell(
        &mut self,
        picture: Arc<Picture>,
        difference: Difference,
        expunge: bool,
        wants: &notify::Wanted,
    ) -> Outcome {
        let Difference { added, changed, gone } = difference;
        let Some(selected) = &mut self.selected else { return Ok(()) };
        let before = Arc::clone(&selected.picture);
        selected.gone = if expunge { Vec::new() } else { gone.iter().map(|row| row.uid).collect() };
        let kept = if expunge || gone.is_empty() { picture } else { Arc::new(picture.edited(&gone, &[])) };
        let new_keywords = kept.keywords.len() != before.keywords.len();
        selected.picture = Arc::clone(&kept);
        if expunge && !gone.is_empty() {
            self.tell_expunged(&before, &gone).await?;
        }
        if !added.is_empty() {
            self.tell_update(Update::Exists(kept.largest_seq())).await?;
            if let Some(selected) = &self.selected {
                let recent = selected.recent();
                self.tell_update(Update::Recent(recent)).await?;
            }
        }
        if new_keywords && let Some(selected) = &self.selected {
            let flags = selected.selected_flags();
            self.tell_update(Update::Flags(flags.defined.into())).await?;
        }
        for row in changed.iter().filter(|_| wants.flags()) {
            let Some((seq, _)) = kept.by_uid(row.uid) else { continue };
            let Some(selected) = &self.selected else { break };
            let items = selected.items(self.connection.machine_ref(), row);
            self.tell_update(Update::Fetch(message(seq, row.uid), items)).await?;
        }
        if let Some(attributes) = wants.of_new() {
            for row in &added {
                self.tell_new(&kept, row, attributes).await?;
            }
        }
        Ok(())
    }

    /// Tells of messages that are gone, from the last to the first, so that no number shifts before it is used.
    async fn tell_expunged(&mut self, before: &Picture, gone: &[Row]) -> Outcome {
        let server = self.connection.machine_ref();
        if server.is_enabled(Feature::QResync) || server.is_enabled(Feature::UidOnly) {
            let uids: Vec<u32> = gone.iter().map(|row| row.uid).collect();
            for uids in uids.chunks(VANISHED_UIDS) {
                self.tell_update(Update::Vanished(convert::uid_set(uids))).await?;
            }
            return Ok(());
        }
        for row in gone.iter().rev() {
            let Some((seq, _)) = before.by_uid(row.uid) else { continue };
            self.tell_update(Update::Expunged(message(seq, row.uid))).await?;
        }
        Ok(())
    }

    /// Hands an update to the machine, when the client has taken enough of those before.
    pub(super) async fn tell_update(&mut self, update: Update) -> Outcome {
        self.room().await?;
        if let Err(misuse) = self.connection.machine().update(update) {
            // What is watched may be watched no more.
            tracing::debug!(%misuse, "an update was not taken");
        }
        Ok(())
    }

    /// What rights depend on, as of now: to be asked for before the rights are.
    pub(super) fn basis(&self, open: &Open) -> Basis {
        Basis { grants: open.grants(), directory: *self.directory.borrow() }
    }

    /// The access control list of the mailbox, or the directory, may have changed under the session.
    pub(super) async fn check_rights(&mut self) -> Outcome {
        let Some(selected) = &self.selected else { return Ok(()) };
        let basis = self.basis(&selected.open);
        if basis == selected.basis {
            return Ok(());
        }
        let rights = match self.rights_of(&selected.reached.mailbox).await {
            Ok(rights) => rights,
            Err(error) => {
                tracing::error!(%error, "rights cannot be read");
                return Ok(());
            }
        };
        if !rights.contains('r') {
            self.end(Refusal::new("The selected mailbox may not be read any more"));
            return Ok(());
        }
        let Some(selected) = &mut self.selected else { return Ok(()) };
        selected.basis = basis;
        if std::mem::replace(&mut selected.reached.rights, rights) == rights {
            return Ok(());
        }
        let (access, flags) = (selected.access(Access::ReadWrite), selected.selected_flags());
        self.tell_update(Update::Notice(Notice::PermanentFlags(flags.permanent))).await?;
        self.tell_update(Update::Notice(Notice::Access(access))).await
    }

    /// The messages a set names, ascending: their numbers and UIDs. `None` where a number is beyond the last message.
    pub(super) fn targets(&self, set: &MessageSet, addressing: Addressing) -> Option<Vec<(NonZeroU32, u32)>> {
        let selected = self.selected.as_ref()?;
        let picture = &selected.picture;
        let named = |set: &SequenceSet, addressing| {
            let rows = picture.resolve(set, addressing).into_iter();
            rows.map(|(seq, row)| (seq, row.uid)).collect()
        };
        match set {
            MessageSet::Saved => {
                let saved = SequenceSet::from_uids(&self.saved);
                Some(saved.map(|saved| named(&saved, Addressing::Uid)).unwrap_or_default())
            }
            MessageSet::Numbers(set) if addressing == Addressing::Sequence && !picture.covers(set) => None,
            MessageSet::Numbers(set) => Some(named(set, addressing)),
        }
    }

    /// Takes messages out of what the client knows, as it is told of them now: what they were called, one after the
    /// other, from the last to the first.
    pub(super) fn take_out(&mut self, uids: &[u32]) -> Vec<Message> {
        let Some(selected) = &mut self.selected else { return Vec::new() };
        let known = uids.iter().rev().filter_map(|uid| selected.picture.by_uid(*uid));
        let messages = known.map(|(seq, row)| message(seq, row.uid)).collect();
        selected.picture = Arc::new(selected.picture.edited(&[], uids));
        selected.gone.retain(|uid| uids.binary_search(uid).is_err());
        messages
    }
}

/// UIDs of one VANISHED at most.
const VANISHED_UIDS: usize = 10_000;
