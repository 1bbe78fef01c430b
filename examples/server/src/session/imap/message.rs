//! Commands that change messages (RFC 9051 6.3.12, 6.4): APPEND, STORE, COPY, MOVE, EXPUNGE.

use posthaste_imap::server::{
    Append, AppendEnd, Asked, Copy, CopyUid, Expunge as ExpungeCommand, Move, Refusal, Store,
};
use posthaste_imap::types::{Addressing, FetchItem, MessageSet, ResponseCode, StoreAction, StoreEcho};
use std::num::NonZeroU32;

use super::mailbox::nonzero;
use super::{Arriving, Outcome, Session, convert, refusal};
use crate::store::{Copied, Expunge, InternalDate, NewMessage, StoreError, StoreMode};

const OUT_OF_RANGE: &str = "No such message number";

impl Session {
    pub(super) async fn append(&mut self, append: Asked<Append>) -> Outcome {
        self.append = None;
        let arriving = self.prepare_append(&append).await;
        let server = self.connection.machine();
        match arriving {
            Ok(arriving) => {
                self.append = Some(arriving);
                append.accept(server)?;
            }
            Err(StoreError::NoSuchMailbox) => append.refuse(server, Refusal::try_create())?,
            Err(error) => append.refuse(server, refusal(&error))?,
        }
        Ok(())
    }

    /// Whether the message can be taken is decided before its first octet.
    async fn prepare_append(&self, append: &Append) -> Result<Arriving, StoreError> {
        let mailbox = self.find(&append.head.mailbox).await?;
        let account = self.context.directory.account_by_id(mailbox.account).await;
        let account = account.map_err(|error| StoreError::Database(error.to_string()))?;
        let account = account.ok_or(StoreError::NoSuchAccount)?;
        if !account.has_room(append.length) {
            let quota = account.quota.unwrap_or_default();
            return Err(StoreError::OverQuota { account: account.id, quota, wanted: append.length });
        }
        let date = append.head.date_time.map_or_else(InternalDate::now, convert::internal_date);
        let flags = convert::stored(&append.head.flags);
        Ok(Arriving { mailbox, flags, date, spool: Ok(self.context.store.spool()) })
    }

    pub(super) async fn append_end(&mut self, end: Asked<AppendEnd>) -> Outcome {
        let outcome = match self.append.take() {
            Some(arriving) => self.finish_append(arriving).await,
            None => Err(StoreError::Closed),
        };
        self.sync().await;
        let server = self.connection.machine();
        match outcome {
            Ok((uid_validity, uid)) => end.ok(server, uid_validity, uid)?,
            Err(StoreError::NoSuchMailbox) => end.no(server, Refusal::try_create())?,
            Err(error) => end.no(server, refusal(&error))?,
        }
        Ok(())
    }

    async fn finish_append(&self, arriving: Arriving) -> Result<(NonZeroU32, NonZeroU32), StoreError> {
        let Arriving { mailbox, flags, date, spool } = arriving;
        let content = spool?.finish().await?;
        let appended =
            self.context.store.append(mailbox.id, vec![NewMessage { content, flags, date }]).await?;
        let uid = appended.uids.first().copied().unwrap_or_default();
        Ok((nonzero(appended.uidvalidity)?, nonzero(uid)?))
    }

    /// The messages a set names; `None` where a number is beyond the last message.
    pub(super) fn targets(&self, set: &MessageSet, addressing: Addressing) -> Option<Vec<(NonZeroU32, u32)>> {
        let selected = self.selected.as_ref()?;
        // `$` is not offered: the machine has refused it.
        let set = set.numbers()?;
        if addressing == Addressing::Sequence && !selected.view.covers(set) {
            return None;
        }
        Some(selected.view.resolve(set, addressing).collect())
    }

    pub(super) async fn store(&mut self, asked: Asked<Store>) -> Outcome {
        let Some(targets) = self.targets(&asked.command.set, asked.addressing) else {
            return Ok(asked.bad(self.connection.machine(), OUT_OF_RANGE)?);
        };
        let Some(selected) = &mut self.selected else {
            return Ok(asked.no(self.connection.machine(), Refusal::server_bug())?);
        };
        let mode = match asked.command.action {
            StoreAction::Replace => StoreMode::Replace,
            StoreAction::Add => StoreMode::Add,
            StoreAction::Remove => StoreMode::Remove,
        };
        let flags = convert::stored(&asked.command.flags);
        let uids = targets.iter().map(|(_, uid)| *uid).collect();
        match self.context.store.store_flags(selected.mailbox, uids, mode, flags).await {
            Ok(changed) => {
                for meta in changed {
                    selected.metas.insert(meta.uid, meta);
                }
            }
            Err(error) => return Ok(asked.no(self.connection.machine(), refusal(&error))?),
        }
        self.sync().await;
        // RFC 2180 4.2: messages that another session has expunged are not changed.
        let is_gone = |uid| self.selected.as_ref().is_none_or(|selected| selected.is_gone(uid));
        let gone = asked.addressing == Addressing::Sequence && targets.iter().any(|(_, uid)| is_gone(*uid));
        if asked.command.echo == StoreEcho::Report {
            for (_, uid) in targets {
                let Some(selected) = self.selected.as_ref().filter(|selected| !selected.is_gone(uid)) else {
                    continue;
                };
                // Not the number of before: messages in front may be gone.
                let Some(seq) = selected.view.seq_of(uid) else { continue };
                let Some(meta) = selected.metas.get(&uid) else { continue };
                let mut items = Vec::new();
                if asked.addressing == Addressing::Uid {
                    items.extend(NonZeroU32::new(uid).map(FetchItem::Uid));
                }
                items.push(FetchItem::Flags(selected.flags(meta).into()));
                self.connection.room().await?;
                asked.row(self.connection.machine(), seq, items)?;
            }
        }
        let server = self.connection.machine();
        if gone {
            asked.no(server, expunge_issued())?;
        } else {
            asked.ok(server)?;
        }
        Ok(())
    }

    pub(super) async fn copy(&mut self, asked: Asked<Copy>) -> Outcome {
        let Some(targets) = self.targets(&asked.set, asked.addressing) else {
            return Ok(asked.bad(self.connection.machine(), OUT_OF_RANGE)?);
        };
        let uids: Vec<u32> = targets.iter().map(|(_, uid)| *uid).collect();
        let wanted = !uids.is_empty();
        let copied = match (&self.selected, self.find(&asked.mailbox).await) {
            (Some(selected), Ok(to)) => self.context.store.copy(selected.mailbox, uids, to.id).await,
            (_, Err(error)) => Err(error),
            (None, _) => Err(StoreError::NoSuchMailbox),
        };
        // RFC 2180 4.4: what another session has expunged cannot be copied; COPYUID tells what was.
        let gone = asked.addressing == Addressing::Sequence
            && copied.as_ref().is_ok_and(|copied| wanted && copied.sources.is_empty());
        self.sync().await;
        let server = self.connection.machine();
        match copied.and_then(|copied| copy_uid(&copied)) {
            Ok(_) if gone => asked.no(server, expunge_issued())?,
            Ok(copied) => asked.ok(server, copied)?,
            Err(StoreError::NoSuchMailbox) => asked.no(server, Refusal::try_create())?,
            Err(error) => asked.no(server, refusal(&error))?,
        }
        Ok(())
    }

    pub(super) async fn move_messages(&mut self, asked: Asked<Move>) -> Outcome {
        let Some(targets) = self.targets(&asked.set, asked.addressing) else {
            return Ok(asked.bad(self.connection.machine(), OUT_OF_RANGE)?);
        };
        let uids: Vec<u32> = targets.iter().map(|(_, uid)| *uid).collect();
        let moved = match (&self.selected, self.find(&asked.mailbox).await) {
            (Some(selected), Ok(to)) => self.context.store.move_messages(selected.mailbox, uids, to.id).await,
            (_, Err(error)) => Err(error),
            (None, _) => Err(StoreError::NoSuchMailbox),
        };
        let sources = moved.as_ref().map(|moved| moved.sources.clone()).unwrap_or_default();
        match moved.and_then(|moved| copy_uid(&moved)) {
            Ok(copied) => {
                if let Some(copied) = copied {
                    asked.moved(self.connection.machine(), copied)?;
                }
                for uid in sources.into_iter().rev() {
                    let seq = self.selected.as_mut().and_then(|selected| selected.remove(uid));
                    if let Some(seq) = seq {
                        asked.expunged(self.connection.machine(), seq)?;
                    }
                }
                self.sync().await;
                asked.ok(self.connection.machine())?;
            }
            Err(StoreError::NoSuchMailbox) => asked.no(self.connection.machine(), Refusal::try_create())?,
            Err(error) => asked.no(self.connection.machine(), refusal(&error))?,
        }
        Ok(())
    }

    pub(super) async fn expunge(&mut self, asked: Asked<ExpungeCommand>) -> Outcome {
        let which = match &asked.uids {
            None => Some(Expunge::Deleted),
            Some(set) => self
                .targets(set, Addressing::Uid)
                .map(|targets| Expunge::DeletedAmong(targets.into_iter().map(|(_, uid)| uid).collect())),
        };
        let removed = match (&self.selected, which) {
            (Some(selected), Some(which)) => self.context.store.expunge(selected.mailbox, which).await,
            _ => Err(StoreError::NoSuchMailbox),
        };
        match removed {
            Ok(uids) => {
                for uid in uids.into_iter().rev() {
                    let seq = self.selected.as_mut().and_then(|selected| selected.remove(uid));
                    if let Some(seq) = seq {
                        asked.expunged(self.connection.machine(), seq)?;
                    }
                }
                self.sync().await;
                asked.ok(self.connection.machine())?;
            }
            Err(error) => asked.no(self.connection.machine(), refusal(&error))?,
        }
        Ok(())
    }
}

/// Some of the messages were expunged by another session, of which the client is told when it may be (RFC 5530).
pub(super) fn expunge_issued() -> Refusal {
    Refusal::new("Some messages are gone").with_code(ResponseCode::ExpungeIssued)
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
