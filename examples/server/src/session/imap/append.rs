//! Messages that come in: APPEND, several at once, and REPLACE (RFC 9051 6.3.12, RFC 3502, RFC 8508; RFC 4314 4).

use std::num::NonZeroU32;

use bytes::Bytes;

use posthaste_imap::server::{Append, AppendEnd, AppendMore, Asked, Refusal, Replace, ReplaceEnd};
use posthaste_imap::types::{
    DateTime, Flags as ImapFlags, Mailbox as ImapMailbox, MessageSet, ResponseCode, SequenceRange,
    SequenceSet,
};

use super::access::{Failure, Reached, changeable, rights};
use super::convert::nonzero;
use super::{Outcome, Session, convert, expunge_issued};
use crate::ingest;
use crate::store::{Appended, Flags, InternalDate, NewMessage, Room, Spool, Spooled, StoreError, Usage};

/// Messages that are being brought, and nobody sees yet.
pub(super) struct Arriving {
    to: Reached,
    room: Room,
    /// Those that are complete.
    messages: Vec<NewMessage>,
    /// Octets of what is kept in memory beside them.
    beside: usize,
    /// The one that is coming in.
    spool: Result<Spool, StoreError>,
    flags: Flags,
    date: InternalDate,
    /// The message that is replaced: what the client calls it, and its UID.
    old: Option<(NonZeroU32, u32)>,
}

impl Session {
    pub(super) async fn append(&mut self, asked: Asked<Append>) -> Outcome {
        self.append = None;
        let head = &asked.head;
        match self.arriving(&head.mailbox, &head.flags, head.date_time, asked.length).await {
            Ok(arriving) => {
                self.append = Some(Box::new(arriving));
                asked.accept(self.connection.machine())?;
            }
            Err(failure) => asked.refuse(self.connection.machine(), failure.of_target())?,
        }
        Ok(())
    }

    /// Whether a message can be taken is decided before its first octet.
    async fn arriving(
        &self,
        mailbox: &ImapMailbox,
        flags: &ImapFlags,
        date: Option<DateTime>,
        length: u64,
    ) -> Result<Arriving, Failure> {
        let to = self.reach(mailbox, "i").await?;
        self.check_length(length)?;
        let room = self.room_of(to.mailbox.account)?;
        self.check_room(&to, room, length).await?;
        self.begin(to, room, flags, date)
    }

    fn begin(
        &self,
        to: Reached,
        room: Room,
        flags: &ImapFlags,
        date: Option<DateTime>,
    ) -> Result<Arriving, Failure> {
        let flags = flags_for(&to, flags)?;
        let date = date.map_or_else(InternalDate::now, convert::internal_date);
        let spool = Ok(self.context.store.spool());
        Ok(Arriving { to, room, messages: Vec::new(), beside: 0, spool, flags, date, old: None })
    }

    /// Whether a message of this length may come, to whomever.
    fn check_length(&self, length: u64) -> Result<(), Failure> {
        if length > self.message_max {
            return Err(Refusal::new("Message too long").with_code(ResponseCode::TooBig).into());
        }
        if self.context.lacks_space_for(length) { Err(StoreError::Full.into()) } else { Ok(()) }
    }

    async fn check_room(&self, to: &Reached, room: Room, length: u64) -> Result<(), Failure> {
        if !room.is_limited() {
            return Ok(());
        }
        let used = self.context.store.usage(to.mailbox.account).await?;
        if room.takes(&used, length) { Ok(()) } else { Err(Refusal::over_quota().into()) }
    }

    /// Whether there is room for a message once the one it replaces is gone, whose size is `old` where it is of the same
    /// account. One that is no larger always has room: also an account above its quota can write its drafts.
    async fn room_to_replace(
        &self,
        to: &Reached,
        room: Room,
        old: Option<u64>,
        length: u64,
    ) -> Result<Room, Failure> {
        let Some(old) = old else {
            self.check_room(to, room, length).await?;
            return Ok(room);
        };
        if length <= old {
            return Ok(room);
        }
        let used = self.context.store.usage(to.mailbox.account).await?;
        let octets = used.octets.saturating_sub(old);
        let left = Usage { octets, messages: used.messages.saturating_sub(1), ..used };
        if room.takes(&left, length) { Ok(room) } else { Err(Refusal::over_quota().into()) }
    }

    pub(super) async fn append_more(&mut self, asked: Asked<AppendMore>) -> Outcome {
        match self.next_arriving(&asked).await {
            Ok(()) => asked.accept(self.connection.machine())?,
            Err(failure) => {
                // All or none (RFC 3502 3).
                self.append = None;
                asked.refuse(self.connection.machine(), failure.of_target())?;
            }
        }
        Ok(())
    }

    async fn next_arriving(&mut self, asked: &AppendMore) -> Result<(), Failure> {
        let Some(mut arriving) = self.append.take() else { return Err(StoreError::Closed.into()) };
        let (content, next) = arriving.spool?.next().await?;
        arriving.spool = Ok(next);
        let mut content = ingest::complete(content).await?;
        arriving.beside = arriving.beside.saturating_add(octets_beside(&content));
        if arriving.beside > BESIDE_MAX {
            // Made again by whoever wants it; and a conversation is found by the nearest of what it names.
            content.set_summary(Bytes::new());
            let ids = content.ids().iter().take(BESIDE_IDS).cloned().collect();
            content.set_ids(ids);
        }
        arriving.messages.push(NewMessage { content, flags: arriving.flags.clone(), date: arriving.date });
        self.check_length(asked.length)?;
        self.check_room(&arriving.to, arriving.room, asked.total).await?;
        arriving.flags = flags_for(&arriving.to, &asked.options.flags)?;
        arriving.date = asked.options.date_time.map_or_else(InternalDate::now, convert::internal_date);
        self.append = Some(arriving);
        Ok(())
    }

    pub(super) async fn body(&mut self, chunk: &[u8]) {
        if let Some(arriving) = &mut self.append
            && let Ok(spool) = &mut arriving.spool
            && let Err(error) = spool.write(chunk).await
        {
            arriving.spool = Err(error);
        }
    }

    pub(super) async fn append_end(&mut self, asked: Asked<AppendEnd>) -> Outcome {
        let outcome = match self.append.take() {
            Some(arriving) => self.finish_append(*arriving).await,
            None => Err(StoreError::Closed.into()),
        };
        self.sync().await?;
        let server = self.connection.machine();
        match outcome {
            Ok((uid_validity, appended)) => {
                asked.ok_all(server, uid_validity, convert::uid_set(&appended.uids))?;
            }
            Err(failure) => asked.no(server, failure.of_target())?,
        }
        Ok(())
    }

    async fn finish_append(&self, arriving: Arriving) -> Result<(NonZeroU32, Appended), Failure> {
        let Arriving { to, room, mut messages, spool, flags, date, .. } = arriving;
        let content = ingest::complete(spool?.finish().await?).await?;
        messages.push(NewMessage { content, flags, date });
        let appended = self.context.store.append(to.mailbox.id, room, messages).await?;
        Ok((nonzero(appended.uidvalidity)?, appended))
    }

    pub(super) async fn replace(&mut self, asked: Asked<Replace>) -> Outcome {
        self.append = None;
        self.check_rights().await?;
        match self.replacing(&asked).await {
            Ok(arriving) => {
                self.append = Some(Box::new(arriving));
                asked.accept(self.connection.machine())?;
            }
            Err(failure) => asked.no(self.connection.machine(), failure.of_target())?,
        }
        Ok(())
    }

    async fn replacing(&self, asked: &Replace) -> Result<Arriving, Failure> {
        let selected = self.selected.as_ref().ok_or(StoreError::NoSuchMailbox)?;
        // RFC 8508 3.3: as for APPEND, STORE of \Deleted, EXPUNGE.
        if !selected.rights().contains_all(rights("te")) {
            return Err(Refusal::no_permission().into());
        }
        // By itself, not as an end of a range: no number is beyond the last message.
        let range = SequenceRange { start: asked.message, end: asked.message };
        let set = SequenceSet::new(vec![range]).map_err(|_| Refusal::cannot())?;
        let old = self.targets(&MessageSet::Numbers(set), asked.addressing).unwrap_or_default();
        let old = old.first().copied().ok_or_else(no_such_message)?;
        if selected.is_gone(old.1) {
            return Err(expunge_issued().into());
        }
        let head = &asked.head;
        let to = self.reach(&head.mailbox, "i").await?;
        self.check_length(asked.length)?;
        let room = self.room_of(to.mailbox.account)?;
        let shares = to.mailbox.account == selected.reached.mailbox.account;
        let size = selected.picture.by_uid(old.1).map(|(_, row)| row.size).filter(|_| shares);
        let room = self.room_to_replace(&to, room, size, asked.length).await?;
        let arriving = self.begin(to, room, &head.flags, head.date_time)?;
        Ok(Arriving { old: Some(old), ..arriving })
    }

    pub(super) async fn replace_end(&mut self, asked: Asked<ReplaceEnd>) -> Outcome {
        let outcome = match self.append.take() {
            Some(arriving) => self.finish_replace(*arriving).await,
            None => Err(StoreError::Closed.into()),
        };
        match outcome {
            Ok((uid_validity, uid, old, modseq)) => {
                // What is new is told before what is gone (RFC 8508 3.4): the old one counts until then.
                self.sync_keeping(old).await?;
                let told = self.take_out(&[old]).into_iter().next();
                let server = self.connection.machine();
                match told {
                    Some(message) => asked.ok_at(server, uid_validity, uid, message, modseq)?,
                    None => asked.no(server, expunge_issued())?,
                }
            }
            Err(failure) => {
                self.sync().await?;
                asked.no(self.connection.machine(), failure.of_target())?;
            }
        }
        Ok(())
    }

    async fn finish_replace(
        &self,
        arriving: Arriving,
    ) -> Result<(NonZeroU32, NonZeroU32, u32, u64), Failure> {
        let Arriving { to, room, spool, flags, date, old, .. } = arriving;
        let (_, old) = old.ok_or(StoreError::NoSuchMessage)?;
        let from = self.selected.as_ref().ok_or(StoreError::NoSuchMailbox)?.open.mailbox();
        let content = ingest::complete(spool?.finish().await?).await?;
        let message = NewMessage { content, flags, date };
        let replaced = self.context.store.replace(from, old, to.mailbox.id, room, message).await?;
        let uid = replaced.appended.uids.first().copied().unwrap_or_default();
        Ok((nonzero(replaced.appended.uidvalidity)?, nonzero(uid)?, old, replaced.modseq))
    }
}

/// The flags a message may start with, of those that are given.
fn flags_for(to: &Reached, given: &ImapFlags) -> Result<Flags, Failure> {
    let flags = convert::stored(given)
        .ok_or_else(|| Refusal::new("Keyword too long").with_code(ResponseCode::Limit))?;
    Ok(flags.within(changeable(to.rights)))
}

/// Octets that wait in memory beside a message, wherever that waits.
fn octets_beside(content: &Spooled) -> usize {
    let ids = content.ids().iter().map(Vec::len);
    ids.fold(content.summary().len(), usize::saturating_add)
}

/// Octets of the summaries and ids of the messages of one command; what comes then is stored without.
const BESIDE_MAX: usize = 1 << 20;
/// Ids that each of these is stored with all the same.
const BESIDE_IDS: usize = 4;

fn no_such_message() -> Refusal {
    Refusal::new("No such message").with_code(ResponseCode::NonExistent)
}
