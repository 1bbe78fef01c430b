//! Commands that change messages of the selected mailbox: STORE, COPY, MOVE, EXPUNGE (RFC 9051 6.4.3, 6.4.6 to 6.4.9;
//! RFC 7162 3.1.3; RFC 4314 4).

use std::num::NonZeroU32;
use std::sync::Arc;

use posthaste_imap::ProtocolError;
use posthaste_imap::server::{
    Asked, Copy, CopyUid, Expunge as ExpungeCommand, Feature, Move, Refusal, Store,
};
use posthaste_imap::types::{
    Addressing, FetchItem, MessageSet, ResponseCode, SequenceSet, StoreAction, StoreCommand, StoreEcho,
};
use posthaste_tokio::Error;

use super::access::{Failure, Reached, changeable, rights};
use super::convert::nonzero;
use super::fetch::FlagCache;
use super::selected::{is_recent, message};
use super::{Outcome, Session, convert, expunge_issued};
use crate::store::{Copied, Expunge, FlagMask, MailboxId, StoreError, StoreFlags, StoreMode, Stored};

pub(super) const OUT_OF_RANGE: &str = "No such message number";

impl Session {
    /// What a set names. Numbers are those of the client, which did not know yet what it is told now: that messages are
    /// gone, or that there are new ones. UIDs it may have learned elsewhere. `None` where a number is beyond the last
    /// message.
    async fn named(
        &mut self,
        set: &MessageSet,
        addressing: Addressing,
    ) -> Result<Option<Vec<(NonZeroU32, u32)>>, Error<ProtocolError>> {
        match addressing {
            Addressing::Sequence => {
                let targets = self.targets(set, addressing);
                self.sync().await?;
                Ok(targets)
            }
            Addressing::Uid => {
                self.sync().await?;
                Ok(self.targets(set, addressing))
            }
        }
    }

    pub(super) async fn store(&mut self, asked: Asked<Store>) -> Outcome {
        let Some(targets) = self.named(&asked.command.set, asked.addressing).await? else {
            return Ok(asked.bad(self.connection.machine(), OUT_OF_RANGE)?);
        };
        let gone = |session: &Self, uid| session.selected.as_ref().is_none_or(|it| it.is_gone(uid));
        // RFC 2180 4.2: messages that another session has expunged are not changed.
        let (lost, targets): (Vec<_>, Vec<_>) = targets.into_iter().partition(|(_, uid)| gone(self, *uid));
        let lost = asked.addressing == Addressing::Sequence && !lost.is_empty();
        let uids = targets.iter().map(|(_, uid)| *uid).collect();
        let stored = match self.change_flags(&asked.command, uids).await {
            Ok(stored) => stored,
            Err(failure) => return Ok(asked.no(self.connection.machine(), failure.refusal())?),
        };
        self.tell_stored(&asked, &targets, &stored).await?;
        self.sync().await?;
        let number = |uid: &u32| match asked.addressing {
            Addressing::Uid => NonZeroU32::new(*uid),
            Addressing::Sequence => {
                let at = targets.binary_search_by_key(uid, |(_, uid)| *uid).ok();
                at.and_then(|at| targets.get(at)).map(|(seq, _)| *seq)
            }
        };
        let modified = SequenceSet::from_numbers(stored.modified.iter().filter_map(number));
        let server = self.connection.machine();
        match modified {
            Some(modified) if lost => {
                let refusal =
                    Refusal::new("Some messages are gone").with_code(ResponseCode::Modified(modified));
                asked.no(server, refusal)?;
            }
            Some(modified) => asked.modified(server, modified)?,
            None if lost => asked.no(server, expunge_issued())?,
            None => asked.ok(server)?,
        }
        Ok(())
    }

    async fn change_flags(&self, command: &StoreCommand, uids: Vec<u32>) -> Result<Stored, Failure> {
        let selected = self.selected.as_ref().ok_or(StoreError::NoSuchMailbox)?;
        let mailbox = selected.open.mailbox();
        let given = convert::stored(&command.flags)
            .ok_or_else(|| Refusal::new("Keyword too long").with_code(ResponseCode::Limit))?;
        let mask = changeable(selected.rights());
        let flags = given.within(mask);
        // RFC 4314 4: it fails only where nothing of it may be done.
        if mask == FlagMask::NONE || (flags.is_empty() && !given.is_empty()) {
            return Err(Refusal::no_permission().into());
        }
        let unchanged_since = command.unchanged_since;
        let mode = match command.action {
            StoreAction::Replace => StoreMode::ReplaceWithin(mask),
            StoreAction::Add => StoreMode::Add,
            StoreAction::Remove => StoreMode::Remove,
        };
        let known = selected.open.known(&uids);
        let change = StoreFlags { uids, mode, flags, unchanged_since, known };
        Ok(self.context.store.store_flags(mailbox, change).await?)
    }

    /// Rows of the messages that were to change: with the flags unless the client knows them, with the mod-sequence in
    /// any case where it wants that (RFC 7162 3.1.3).
    async fn tell_stored(
        &mut self,
        asked: &Asked<Store>,
        targets: &[(NonZeroU32, u32)],
        stored: &Stored,
    ) -> Outcome {
        let Some(selected) = &self.selected else { return Ok(()) };
        let (current, known) = (selected.open.picture(), Arc::clone(&selected.picture));
        let (mut rows, mut known) = (current.finder(), known.finder());
        let server = self.connection.machine_ref();
        let cond_store = server.is_enabled(Feature::CondStore);
        let uids = asked.addressing == Addressing::Uid && !server.is_enabled(Feature::UidOnly);
        let report = asked.command.echo == StoreEcho::Report;
        let (mut changed, mut modified) = (stored.changed.as_slice(), stored.modified.as_slice());
        let mut flags = FlagCache::default();
        let mut items = Vec::with_capacity(3);
        let mut heard = Vec::new();
        for (seq, uid) in targets {
            let changed = is_next(&mut changed, *uid, |meta| meta.uid);
            if is_next(&mut modified, *uid, |uid| *uid) {
                continue;
            }
            let Some((_, row)) = rows.by_uid(*uid) else { continue };
            let Some(selected) = &self.selected else { break };
            let tells_of = report || changed;
            if tells_of && known.by_uid(*uid).is_some_and(|(_, known)| known.modseq < row.modseq) {
                heard.push(*uid);
            }
            items.clear();
            if report {
                items.push(FetchItem::Flags(flags.of(row, is_recent(selected.recent_ranges(), *uid))));
            }
            if cond_store && tells_of {
                items.push(FetchItem::ModSeq(row.modseq));
            }
            if items.is_empty() {
                continue;
            }
            if uids {
                items.extend(NonZeroU32::new(*uid).map(FetchItem::Uid));
            }
            self.room().await?;
            asked.row(self.connection.machine(), message(*seq, *uid), &items)?;
        }
        if let Some(selected) = &mut self.selected {
            selected.has_heard(&current, &heard);
        }
        Ok(())
    }

    pub(super) async fn copy(&mut self, asked: Asked<Copy>) -> Outcome {
        let Some(targets) = self.named(&asked.set, asked.addressing).await? else {
            return Ok(asked.bad(self.connection.machine(), OUT_OF_RANGE)?);
        };
        let uids: Vec<u32> = targets.iter().map(|(_, uid)| *uid).collect();
        let wanted = !uids.is_empty();
        let copied = match self.reach(&asked.mailbox, "i").await {
            Ok(to) => self.copy_to(uids, &to).await,
            Err(failure) => Err(failure),
        };
        self.sync().await?;
        let server = self.connection.machine();
        match copied {
            // RFC 2180 4.4: what another session has expunged cannot be copied; COPYUID tells what was.
            Ok(None) if wanted && asked.addressing == Addressing::Sequence => {
                asked.no(server, expunge_issued())?;
            }
            Ok(copied) => asked.ok(server, copied)?,
            Err(failure) => asked.no(server, failure.of_target())?,
        }
        Ok(())
    }

    async fn copy_to(&self, uids: Vec<u32>, to: &Reached) -> Result<Option<CopyUid>, Failure> {
        let selected = self.selected.as_ref().ok_or(StoreError::NoSuchMailbox)?;
        let room = self.room_of(to.mailbox.account)?;
        let (from, flags) = (selected.open.mailbox(), changeable(to.rights));
        let copied = self.context.store.copy(from, uids, to.mailbox.id, room, flags).await?;
        Ok(copy_uid(&copied)?)
    }

    pub(super) async fn move_messages(&mut self, asked: Asked<Move>) -> Outcome {
        let Some(targets) = self.named(&asked.set, asked.addressing).await? else {
            return Ok(asked.bad(self.connection.machine(), OUT_OF_RANGE)?);
        };
        let uids: Vec<u32> = targets.iter().map(|(_, uid)| *uid).collect();
        let wanted = !uids.is_empty();
        let moved = match self.reach(&asked.mailbox, "i").await {
            Ok(to) => self.move_to(uids, &to).await,
            Err(failure) => Err(failure),
        };
        match moved {
            Ok(moved) if moved.sources.is_empty() && wanted && asked.addressing == Addressing::Sequence => {
                self.sync().await?;
                asked.no(self.connection.machine(), expunge_issued())?;
            }
            Ok(moved) => {
                match copy_uid(&moved) {
                    Ok(Some(copied)) => asked.moved(self.connection.machine(), copied)?,
                    Ok(None) => {}
                    Err(error) => tracing::error!(%error, "moved messages cannot be named"),
                }
                let gone = self.take_out(&moved.sources);
                asked.expunged_all(self.connection.machine(), &gone)?;
                self.sync().await?;
                asked.ok_at(self.connection.machine(), moved.modseq)?;
            }
            Err(failure) => {
                self.sync().await?;
                asked.no(self.connection.machine(), failure.of_target())?;
            }
        }
        Ok(())
    }

    async fn move_to(&self, uids: Vec<u32>, to: &Reached) -> Result<Copied, Failure> {
        let selected = self.selected.as_ref().ok_or(StoreError::NoSuchMailbox)?;
        // RFC 6851 4: what it is made of: COPY, STORE of \Deleted, EXPUNGE.
        if !selected.rights().contains_all(rights("te")) {
            return Err(Refusal::no_permission().into());
        }
        let room = self.room_of(to.mailbox.account)?;
        let (from, flags) = (selected.open.mailbox(), changeable(to.rights));
        Ok(self.context.store.move_messages(from, uids, to.mailbox.id, room, flags).await?)
    }

    pub(super) async fn expunge(&mut self, asked: Asked<ExpungeCommand>) -> Outcome {
        self.check_rights().await?;
        let removed = match self.expunge_which(&asked) {
            Ok((mailbox, which)) => self.context.store.expunge(mailbox, which).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        match removed {
            Ok(expunged) => {
                // What others did before is told before: numbers are those of the client.
                let gone = self.take_out(&expunged.uids);
                asked.expunged_all(self.connection.machine(), &gone)?;
                self.sync().await?;
                asked.ok_at(self.connection.machine(), expunged.modseq)?;
            }
            Err(failure) => asked.no(self.connection.machine(), failure.refusal())?,
        }
        Ok(())
    }

    fn expunge_which(&self, asked: &ExpungeCommand) -> Result<(MailboxId, Expunge), Failure> {
        let selected = self.selected.as_ref().ok_or(StoreError::NoSuchMailbox)?;
        if !selected.rights().contains('e') {
            return Err(Refusal::no_permission().into());
        }
        let which = match &asked.uids {
            None => Expunge::Deleted,
            Some(set) => {
                let targets = self.targets(set, Addressing::Uid).unwrap_or_default();
                Expunge::DeletedAmong(targets.into_iter().map(|(_, uid)| uid).collect())
            }
        };
        Ok((selected.open.mailbox(), which))
    }
}

/// Whether one of the rest has this UID. All ascend, those that are asked for too.
fn is_next<T>(rest: &mut &[T], uid: u32, uid_of: impl Fn(&T) -> u32) -> bool {
    while let Some((first, later)) = rest.split_first()
        && uid_of(first) <= uid
    {
        *rest = later;
        if uid_of(first) == uid {
            return true;
        }
    }
    false
}

fn copy_uid(copied: &Copied) -> Result<Option<CopyUid>, StoreError> {
    if copied.sources.is_empty() {
        return Ok(None);
    }
    Ok(Some(CopyUid {
        uid_validity: nonzero(copied.uidvalidity)?,
        source: convert::uid_set(&copied.sources),
        target: convert::uid_set(&copied.destinations),
    }))
}
