//! How messages go: expunged, had back, and let go of for good.
//!
//! An expunged message keeps its content until it is purged: when it is old, or when its account keeps more of them than
//! it has room for and something new comes. So bringing mail and deleting it again fills no disk. That it was expunged is remembered for clients that
//! come back (RFC 7162 3.2.10), as far back as a bounded number of rows reaches.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::counters::{AccountCounts, MailboxCounts};
use super::messages::{New, Picked, Target, keys};
use super::writer::Txn;
use super::{blobs, runs};
use crate::store::flags::keywords_from_column;
use crate::store::{
    AccountId, Appended, BlobId, Change, Deleted, Expunge, Expunged, Flags, InternalDate, Keywords,
    MailboxId, Messages, Room, StoreError, SystemFlags, Undelete,
};

/// Which messages to expunge.
pub(super) struct Which {
    /// `None` for all.
    uids: Option<Vec<u32>>,
    /// Only those that have these.
    flags: SystemFlags,
}

impl Which {
    pub(super) fn listed(uids: Vec<u32>) -> Self {
        Self { uids: Some(uids), flags: SystemFlags::NONE }
    }
}

impl From<Expunge> for Which {
    fn from(which: Expunge) -> Self {
        match which {
            Expunge::Deleted => Self { uids: None, flags: SystemFlags::DELETED },
            Expunge::DeletedAmong(uids) => Self { uids: Some(uids), flags: SystemFlags::DELETED },
            Expunge::Uids(uids) => Self::listed(uids),
        }
    }
}

/// What becomes of messages that leave a mailbox.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// They can be had back.
    Buried,
    /// They come into another mailbox, with their reference to the content.
    Moves,
}

pub(super) fn expunge(txn: &mut Txn<'_>, mailbox: MailboxId, which: Which) -> Result<Expunged, StoreError> {
    let counts = txn.counters.mailbox(txn.sql, mailbox)?;
    let picked = match which.uids {
        // Nobody reads a large mailbox to find nothing.
        None if which.flags.contains(SystemFlags::DELETED) && counts.deleted == 0 => Picked::default(),
        None => Picked::all(txn.sql, mailbox)?,
        Some(uids) => Picked::listed(txn.sql, &counts, uids)?,
    };
    let picked = picked.with(which.flags);
    let modseq = detach(txn, counts, &picked, Fate::Buried)?;
    Ok(Expunged { uids: picked.metas.iter().map(|meta| meta.uid).collect(), modseq })
}

/// Takes messages out of a mailbox and out of what its account keeps; the mod-sequence of the mailbox now.
pub(super) fn detach(
    txn: &mut Txn<'_>,
    mut counts: MailboxCounts,
    picked: &Picked,
    fate: Fate,
) -> Result<u64, StoreError> {
    if picked.metas.is_empty() {
        return Ok(counts.modseq);
    }
    counts.modseq = counts.modseq.saturating_add(1);
    let remembered = remember(txn.sql, &mut counts, picked.metas.len())?;
    for (first, last) in &picked.ranges {
        let (first, last) = keys(counts.id, *first, *last);
        if fate == Fate::Buried {
            bury(txn, counts.id, (first, last))?;
        }
        if remembered {
            txn.sql
                .prepare_cached(
                    "INSERT INTO expunged (mailbox, modseq, uid) SELECT ?3, ?4, id & 4294967295 FROM messages
                     WHERE id BETWEEN ?1 AND ?2",
                )?
                .execute(params![first, last, counts.id, counts.modseq])?;
        }
        txn.sql.prepare_cached("DELETE FROM messages WHERE id BETWEEN ?1 AND ?2")?.execute([first, last])?;
    }
    runs::clear(txn.sql, counts.id, picked.ranges.iter().copied())?;
    let mut account = txn.counters.account(txn.sql, counts.account)?;
    for meta in &picked.metas {
        counts.remove(&meta.flags, meta.size);
        account.octets = account.octets.saturating_sub(meta.size);
        account.messages = account.messages.saturating_sub(1);
        if fate == Fate::Buried {
            account.bury(1, meta.size);
        }
    }
    txn.counters.set_account(counts.account, account);
    txn.counters.set_mailbox(counts);
    txn.tell(Change::Messages(Messages {
        account: counts.account,
        mailbox: counts.id,
        modseq: counts.modseq,
        uidnext: counts.uidnext,
        changed: Arc::default(),
        expunged: picked.metas.iter().map(|meta| meta.uid).collect(),
    }));
    Ok(counts.modseq)
}

/// Makes room to remember that so many messages are expunged; `false` when they are too many.
fn remember(sql: &Connection, counts: &mut MailboxCounts, more: usize) -> Result<bool, StoreError> {
    let more = u32::try_from(more).unwrap_or(u32::MAX);
    if more > EXPUNGED_MAX {
        sql.prepare_cached("DELETE FROM expunged WHERE mailbox = ?1")?.execute([counts.id])?;
        counts.expunged_from = counts.modseq;
        counts.expunged_rows = 0;
        return Ok(false);
    }
    if counts.expunged_rows.saturating_add(more) > EXPUNGED_MAX {
        // Half of them at once, so that this is not done for every message.
        let kept = EXPUNGED_MAX.saturating_sub(more).min(EXPUNGED_MAX / 2);
        let newest_forgotten: Option<u64> = sql
            .prepare_cached(
                "SELECT modseq FROM expunged WHERE mailbox = ?1 ORDER BY modseq DESC, uid DESC
                 LIMIT 1 OFFSET ?2",
            )?
            .query_row(params![counts.id, kept], |row| row.get(0))
            .optional()?;
        if let Some(modseq) = newest_forgotten {
            let forgotten = sql
                .prepare_cached("DELETE FROM expunged WHERE mailbox = ?1 AND modseq <= ?2")?
                .execute(params![counts.id, modseq])?;
            let forgotten = u32::try_from(forgotten).unwrap_or(u32::MAX);
            counts.expunged_from = counts.expunged_from.max(modseq);
            counts.expunged_rows = counts.expunged_rows.saturating_sub(forgotten);
        }
    }
    counts.expunged_rows = counts.expunged_rows.saturating_add(more);
    Ok(true)
}

/// Puts a range of messages of a mailbox where they can be had back from, with their references.
fn bury(txn: &Txn<'_>, mailbox: MailboxId, (first, last): (i64, i64)) -> Result<(), StoreError> {
    txn.sql
        .prepare_cached(
            "INSERT INTO deleted (account, blob, thread, mailbox, size, date, zone, flags, keywords, at)
             SELECT m.account, s.blob, s.thread, m.name, s.size, s.date, s.zone, s.flags, s.keywords, ?4
             FROM current_messages s JOIN mailboxes m ON m.id = ?3
             WHERE s.id BETWEEN ?1 AND ?2 ORDER BY s.id",
        )?
        .execute(params![first, last, mailbox, txn.now])?;
    Ok(())
}

/// Takes all messages out of a mailbox that is going; they can be had back.
pub(super) fn bury_all(txn: &mut Txn<'_>, mailbox: MailboxId) -> Result<(), StoreError> {
    let counts = txn.counters.mailbox(txn.sql, mailbox)?;
    let (first, last) = keys(mailbox, 0, u32::MAX);
    bury(txn, mailbox, (first, last))?;
    txn.sql.prepare_cached("DELETE FROM messages WHERE id BETWEEN ?1 AND ?2")?.execute([first, last])?;
    runs::clear_all(txn.sql, mailbox)?;
    let mut account = txn.counters.account(txn.sql, counts.account)?;
    account.octets = account.octets.saturating_sub(counts.octets);
    account.messages = account.messages.saturating_sub(u64::from(counts.messages));
    account.bury(u64::from(counts.messages), counts.octets);
    txn.counters.set_account(counts.account, account);
    Ok(())
}

pub(super) fn deleted(sql: &Connection, account: AccountId) -> Result<Vec<Deleted>, StoreError> {
    let mut query = sql.prepare_cached(
        "SELECT id, blob, mailbox, size, date, zone, at FROM deleted WHERE account = ?1 ORDER BY id DESC",
    )?;
    let rows = query.query_map([account], |row| {
        Ok(Deleted {
            id: row.get(0)?,
            blob: row.get(1)?,
            mailbox: row.get(2)?,
            size: row.get(3)?,
            date: InternalDate { seconds: row.get(4)?, zone_minutes: row.get(5)? },
            at: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn undelete(txn: &mut Txn<'_>, what: Undelete) -> Result<Appended, StoreError> {
    let Undelete { account, mut ids, to, room } = what;
    let mut target = Target::open(txn, to)?;
    if target.counts.account != account {
        return Err(StoreError::NoSuchMailbox);
    }
    ids.sort_unstable();
    ids.dedup();
    let mut uids = Vec::new();
    for id in ids {
        let found = txn
            .sql
            .prepare_cached(
                "DELETE FROM deleted WHERE id = ?1 AND account = ?2
                 RETURNING blob, thread, size, date, zone, flags, keywords",
            )?
            .query_row(params![id, account], |row| {
                let system = SystemFlags::from_bits(row.get(5)?).without(SystemFlags::DELETED);
                let keywords = keywords_from_column(&row.get::<_, String>(6)?);
                Ok(New {
                    blob: row.get(0)?,
                    thread: row.get(1)?,
                    size: row.get(2)?,
                    date: InternalDate { seconds: row.get(3)?, zone_minutes: row.get(4)? },
                    flags: Flags { system, keywords },
                })
            })
            .optional()?;
        let Some(mut new) = found else { continue };
        unearth(txn, account, new.size)?;
        target.charge(txn, room, new.size)?;
        if !target.has_room_for(txn.sql, &new.flags.keywords)? {
            new.flags.keywords = Keywords::default();
        }
        uids.push(target.add(txn, new)?);
    }
    let counts = target.close(txn);
    Ok(Appended { uidvalidity: counts.uidvalidity, uids, modseq: counts.modseq })
}

pub(super) fn purge(txn: &mut Txn<'_>, before: i64, max: u32) -> Result<u32, StoreError> {
    let gone: Vec<(i64, BlobId, AccountId, u64)> = txn
        .sql
        .prepare_cached("SELECT id, blob, account, size FROM deleted WHERE at < ?1 ORDER BY at, id LIMIT ?2")?
        .query_map(params![before, max], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?
        .collect::<Result<_, _>>()?;
    for (id, blob, account, size) in &gone {
        txn.sql.prepare_cached("DELETE FROM deleted WHERE id = ?1")?.execute([id])?;
        unearth(txn, *account, *size)?;
        blobs::release(txn, *blob)?;
    }
    Ok(u32::try_from(gone.len()).unwrap_or(u32::MAX))
}

/// An expunged message of an account is one no more.
fn unearth(txn: &mut Txn<'_>, account: AccountId, size: u64) -> Result<(), StoreError> {
    let mut counts = match txn.counters.account(txn.sql, account) {
        // A store that is hurt: the check tells of it.
        Err(StoreError::NoSuchAccount) => return Ok(()),
        counts => counts?,
    };
    counts.unearth(size);
    txn.counters.set_account(account, counts);
    Ok(())
}

/// Lets go of the oldest expunged messages of an account for which it has no room.
pub(super) fn keep_within(txn: &mut Txn<'_>, account: AccountId, room: Room) -> Result<(), StoreError> {
    let mut counts = txn.counters.account(txn.sql, account)?;
    let mut last: Option<i64> = None;
    {
        let fits = |counts: &AccountCounts| room.keeps(counts.deleted_octets, counts.deleted_messages);
        if fits(&counts) {
            return Ok(());
        }
        let mut query =
            txn.sql.prepare_cached("SELECT id, size FROM deleted WHERE account = ?1 ORDER BY id")?;
        let mut rows = query.query([account])?;
        while !fits(&counts)
            && let Some(row) = rows.next()?
        {
            last = Some(row.get(0)?);
            counts.unearth(row.get(1)?);
        }
    }
    txn.sql
        .prepare_cached(
            "UPDATE blobs SET refs = refs - n
             FROM (SELECT blob, count(*) AS n FROM deleted WHERE account = ?1 AND id <= ?2 GROUP BY blob) AS gone
             WHERE blobs.id = gone.blob",
        )?
        .execute(params![account, last])?;
    txn.sql
        .prepare_cached("DELETE FROM deleted WHERE account = ?1 AND id <= ?2")?
        .execute(params![account, last])?;
    txn.counters.set_account(account, counts);
    txn.sweep();
    Ok(())
}

/// Rows that remember what was expunged from one mailbox.
const EXPUNGED_MAX: u32 = 10_000;
