//! Messages in mailboxes: how they come, are copied, moved and read. How flags change is in `flagging`, how messages
//! go in `expunging`.
//!
//! Every operation raises the mod-sequence of a mailbox by one and gives it to all messages it touches there
//! (RFC 7162 3.1). A UID is never given out twice in a mailbox. Several copies of a message share one content.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, Row, params};

use super::counters::{MailboxCounts, read_mailbox};
use super::expunging;
use super::writer::Txn;
use super::{blobs, mailboxes, runs, threads};
use crate::store::flags::{keywords_from_column, keywords_to_column};
use crate::store::{
    AccountId, Appended, BlobId, Change, Copied, FlagMask, Flags, InternalDate, KEYWORDS_MAX, Keywords,
    MailboxId, MessageMeta, Messages, NewMessage, News, Replaced, Room, Snapshot, StoreError, SystemFlags,
    ThreadId, Usage,
};

pub(super) fn append(
    txn: &mut Txn<'_>,
    mailbox: MailboxId,
    room: Room,
    messages: Vec<NewMessage>,
) -> Result<Appended, StoreError> {
    let appended = add(txn, mailbox, room, messages)?;
    let account = txn.counters.mailbox(txn.sql, mailbox)?.account;
    expunging::keep_within(txn, account, room)?;
    Ok(appended)
}

fn add(
    txn: &mut Txn<'_>,
    mailbox: MailboxId,
    room: Room,
    messages: Vec<NewMessage>,
) -> Result<Appended, StoreError> {
    let mut target = Target::open(txn, mailbox)?;
    let mut uids = Vec::with_capacity(messages.len());
    for NewMessage { mut content, flags, date } in messages {
        target.charge(txn, room, content.size())?;
        let (blob, ids) = blobs::insert(txn, &mut content, 1)?;
        let thread = threads::join(txn, target.counts.account, blob, &ids)?;
        let new = New { blob, thread, size: content.size(), flags, date };
        uids.push(target.add(txn, new)?);
    }
    let counts = target.close(txn);
    Ok(Appended { uidvalidity: counts.uidvalidity, uids, modseq: counts.modseq })
}

pub(super) fn replace(
    txn: &mut Txn<'_>,
    mailbox: MailboxId,
    uid: u32,
    to: MailboxId,
    room: Room,
    message: NewMessage,
) -> Result<Replaced, StoreError> {
    let before = txn.counters.mailbox(txn.sql, mailbox)?;
    // First, so that what goes makes room for what comes.
    let expunged = expunging::expunge(txn, mailbox, expunging::Which::listed(vec![uid]))?;
    if expunged.uids.is_empty() {
        return Err(StoreError::NoSuchMessage);
    }
    let left = txn.counters.mailbox(txn.sql, mailbox)?;
    let account = txn.counters.mailbox(txn.sql, to)?.account;
    // Also an account above its quota can write its drafts.
    let is_no_larger = message.content.size() <= before.octets.saturating_sub(left.octets);
    let charged = if account == before.account && is_no_larger { Room::UNLIMITED } else { room };
    let appended = add(txn, to, charged, vec![message])?;
    expunging::keep_within(txn, account, room)?;
    let modseq = txn.counters.mailbox(txn.sql, mailbox)?.modseq;
    Ok(Replaced { appended, modseq })
}

pub(super) fn copy(
    txn: &mut Txn<'_>,
    from: MailboxId,
    uids: Vec<u32>,
    to: MailboxId,
    room: Room,
    flags: FlagMask,
) -> Result<Copied, StoreError> {
    let source = txn.counters.mailbox(txn.sql, from)?;
    let copied = Picked::listed(txn.sql, &source, uids)?.metas;
    let mut target = Target::open(txn, to)?;
    for meta in &copied {
        blobs::retain(txn, meta.blob)?;
        target.charge(txn, room, meta.size)?;
    }
    let (sources, destinations) = target.add_all(txn, source.account, copied, flags)?;
    let MailboxCounts { uidvalidity, account, .. } = target.close(txn);
    expunging::keep_within(txn, account, room)?;
    let modseq = txn.counters.mailbox(txn.sql, from)?.modseq;
    Ok(Copied { uidvalidity, sources, destinations, modseq })
}

pub(super) fn relocate(
    txn: &mut Txn<'_>,
    from: MailboxId,
    uids: Vec<u32>,
    to: MailboxId,
    room: Room,
    flags: FlagMask,
) -> Result<Copied, StoreError> {
    let source = txn.counters.mailbox(txn.sql, from)?;
    let moved = Picked::listed(txn.sql, &source, uids)?;
    let target = txn.counters.mailbox(txn.sql, to)?;
    // Also an account above its quota can tidy up.
    let room = if target.account == source.account { Room::UNLIMITED } else { room };
    relocate_picked(txn, source, moved, to, room, flags)
}

/// Moves all messages of a mailbox to another of the same account.
pub(super) fn relocate_all(txn: &mut Txn<'_>, from: MailboxId, to: MailboxId) -> Result<(), StoreError> {
    let source = txn.counters.mailbox(txn.sql, from)?;
    let moved = Picked::all(txn.sql, from)?;
    relocate_picked(txn, source, moved, to, Room::UNLIMITED, FlagMask::ALL).map(|_| ())
}

fn relocate_picked(
    txn: &mut Txn<'_>,
    source: MailboxCounts,
    moved: Picked,
    to: MailboxId,
    room: Room,
    flags: FlagMask,
) -> Result<Copied, StoreError> {
    expunging::detach(txn, source, &moved, expunging::Fate::Moves)?;
    let mut target = Target::open(txn, to)?;
    for meta in &moved.metas {
        target.charge(txn, room, meta.size)?;
    }
    let (sources, destinations) = target.add_all(txn, source.account, moved.metas, flags)?;
    let MailboxCounts { uidvalidity, account, .. } = target.close(txn);
    expunging::keep_within(txn, account, room)?;
    let modseq = txn.counters.mailbox(txn.sql, source.id)?.modseq;
    Ok(Copied { uidvalidity, sources, destinations, modseq })
}

pub(super) fn snapshot(sql: &Connection, mailbox: MailboxId) -> Result<Snapshot, StoreError> {
    Ok(Snapshot {
        mailbox: mailboxes::by_id(sql, mailbox)?,
        keywords: mailboxes::keywords(sql, mailbox)?,
        messages: Picked::all(sql, mailbox)?.metas,
    })
}

pub(super) fn changed_since(sql: &Connection, mailbox: MailboxId, modseq: u64) -> Result<News, StoreError> {
    let counts = read_mailbox(sql, mailbox)?.ok_or(StoreError::NoSuchMailbox)?;
    let (first, last) = keys(mailbox, 0, u32::MAX);
    // What is beyond the numbers of the database has not been reached by any mailbox either.
    let modseq = modseq.min(counts.modseq);
    let changed = if runs::any_since(sql, mailbox, modseq)? {
        let mut all = Picked::all(sql, mailbox)?.metas;
        all.retain(|meta| meta.modseq > modseq);
        all
    } else {
        let mut query =
            sql.prepare_cached(&format!("{SELECT} WHERE id BETWEEN ?1 AND ?2 AND modseq > ?3 ORDER BY id"))?;
        read_metas(query.query(params![first, last, modseq])?, |_| true)?
    };
    let expunged = if modseq >= counts.expunged_from {
        let mut query =
            sql.prepare_cached("SELECT uid FROM expunged WHERE mailbox = ?1 AND modseq > ?2 ORDER BY uid")?;
        Some(query.query_map(params![mailbox, modseq], |row| row.get(0))?.collect::<Result<_, _>>()?)
    } else {
        None
    };
    Ok(News { modseq: counts.modseq, changed, expunged })
}

/// Takes the references of all messages of a mailbox that is going for good, and the messages.
pub(super) fn release_all(txn: &mut Txn<'_>, mailbox: MailboxId) -> Result<(), StoreError> {
    let (first, last) = keys(mailbox, 0, u32::MAX);
    txn.sql
        .prepare_cached(
            "UPDATE blobs SET refs = refs - n
             FROM (SELECT blob, count(*) AS n FROM messages WHERE id BETWEEN ?1 AND ?2 GROUP BY blob) AS gone
             WHERE blobs.id = gone.blob",
        )?
        .execute([first, last])?;
    txn.sql.prepare_cached("DELETE FROM messages WHERE id BETWEEN ?1 AND ?2")?.execute([first, last])?;
    runs::clear_all(txn.sql, mailbox)?;
    txn.sweep();
    Ok(())
}

/// A message that is to stand in a mailbox.
pub(super) struct New {
    pub(super) blob: BlobId,
    pub(super) thread: ThreadId,
    pub(super) size: u64,
    pub(super) flags: Flags,
    pub(super) date: InternalDate,
}

/// A mailbox that an operation adds messages to or changes messages of.
pub(super) struct Target {
    /// With the mod-sequence of this operation.
    pub(super) counts: MailboxCounts,
    pub(super) changed: Vec<MessageMeta>,
}

impl Target {
    pub(super) fn open(txn: &mut Txn<'_>, mailbox: MailboxId) -> Result<Self, StoreError> {
        let mut counts = txn.counters.mailbox(txn.sql, mailbox)?;
        counts.modseq = counts.modseq.saturating_add(1);
        Ok(Self { counts, changed: Vec::new() })
    }

    /// Counts one message more in the account, if there is room.
    pub(super) fn charge(&self, txn: &mut Txn<'_>, room: Room, size: u64) -> Result<(), StoreError> {
        let account = self.counts.account;
        let mut counts = txn.counters.account(txn.sql, account)?;
        let used = Usage { octets: counts.octets, messages: counts.messages, ..Usage::default() };
        if !room.takes(&used, size) {
            let quota = room.octets.unwrap_or(counts.octets);
            return Err(StoreError::OverQuota { account, quota, wanted: size });
        }
        counts.octets = counts.octets.saturating_add(size);
        counts.messages = counts.messages.saturating_add(1);
        txn.counters.set_account(account, counts);
        Ok(())
    }

    /// Adds a message, which has been charged and whose content has a reference for it; its UID.
    pub(super) fn add(&mut self, txn: &Txn<'_>, new: New) -> Result<u32, StoreError> {
        self.register(txn.sql, &new.flags)?;
        let uid = self.counts.uidnext;
        // The last UID is never given out, so that UIDNEXT can always be said.
        self.counts.uidnext = uid.checked_add(1).ok_or(StoreError::UidsExhausted)?;
        self.counts.add(&new.flags, new.size);
        let New { blob, thread, size, flags, date } = new;
        txn.sql
            .prepare_cached(
                "INSERT INTO messages (id, blob, thread, size, date, zone, saved, flags, keywords, modseq)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                key(self.counts.id, uid),
                blob,
                thread,
                size,
                date.seconds,
                date.zone_minutes,
                txn.now,
                flags.system.bits(),
                keywords_to_column(&flags.keywords),
                self.counts.modseq,
            ])?;
        let (modseq, saved) = (self.counts.modseq, txn.now);
        self.changed.push(MessageMeta { uid, blob, thread, size, flags, date, saved, modseq });
        Ok(uid)
    }

    /// Adds messages of an account, with those of their flags that are in the mask; their old UIDs and their new ones.
    fn add_all(
        &mut self,
        txn: &Txn<'_>,
        from: AccountId,
        messages: Vec<MessageMeta>,
        mask: FlagMask,
    ) -> Result<(Vec<u32>, Vec<u32>), StoreError> {
        let mut sources = Vec::with_capacity(messages.len());
        let mut destinations = Vec::with_capacity(messages.len());
        for meta in messages {
            let MessageMeta { uid, blob, size, flags, date, .. } = meta;
            let flags = flags.within(mask);
            let thread = if from == self.counts.account {
                meta.thread
            } else {
                threads::join_copy(txn, self.counts.account, blob)?
            };
            sources.push(uid);
            destinations.push(self.add(txn, New { blob, thread, size, flags, date })?);
        }
        Ok((sources, destinations))
    }

    /// Adds keywords to those of the mailbox.
    pub(super) fn register(&self, sql: &Connection, flags: &Flags) -> Result<(), StoreError> {
        for keyword in flags.keywords.iter() {
            let added = sql
                .prepare_cached("INSERT OR IGNORE INTO keywords (mailbox, keyword) VALUES (?1, ?2)")?
                .execute(params![self.counts.id, keyword.as_str()])?;
            if added == 0 {
                continue;
            }
            let count: u32 = sql
                .prepare_cached("SELECT count(*) FROM keywords WHERE mailbox = ?1")?
                .query_row([self.counts.id], |row| row.get(0))?;
            if count > KEYWORDS_MAX {
                return Err(StoreError::TooManyKeywords(KEYWORDS_MAX));
            }
        }
        Ok(())
    }

    /// Whether the mailbox can have these keywords too.
    pub(super) fn has_room_for(&self, sql: &Connection, keywords: &Keywords) -> Result<bool, StoreError> {
        let own = mailboxes::keywords(sql, self.counts.id)?;
        let new = keywords.iter().filter(|keyword| !own.contains(keyword)).count();
        Ok(own.len().saturating_add(new) <= KEYWORDS_MAX as usize)
    }

    /// Keeps the numbers, if anything changed, and tells of it; the numbers of the mailbox now.
    pub(super) fn close(self, txn: &mut Txn<'_>) -> MailboxCounts {
        self.close_with_changed(txn).0
    }

    /// The same, and the messages that changed.
    pub(super) fn close_with_changed(self, txn: &mut Txn<'_>) -> (MailboxCounts, Arc<Vec<MessageMeta>>) {
        let Self { mut counts, changed } = self;
        let changed = Arc::new(changed);
        if changed.is_empty() {
            counts.modseq = counts.modseq.saturating_sub(1);
            return (counts, changed);
        }
        txn.counters.set_mailbox(counts);
        txn.tell(Change::Messages(Messages {
            account: counts.account,
            mailbox: counts.id,
            modseq: counts.modseq,
            uidnext: counts.uidnext,
            changed: Arc::clone(&changed),
            expunged: Vec::new(),
        }));
        (counts, changed)
    }
}

/// Messages that an operation works on.
#[derive(Debug, Default)]
pub(super) struct Picked {
    /// By UID, each once.
    pub(super) metas: Vec<MessageMeta>,
    /// Ranges of UIDs, ascending, in which all messages of the mailbox are picked.
    pub(super) ranges: Vec<(u32, u32)>,
}

impl Picked {
    /// All messages of a mailbox.
    pub(super) fn all(sql: &Connection, mailbox: MailboxId) -> Result<Self, StoreError> {
        let (first, last) = keys(mailbox, 0, u32::MAX);
        let mut metas = read_metas(range_query(sql)?.query([first, last])?, |_| true)?;
        runs::lay_over(sql, mailbox, (0, u32::MAX), &mut metas)?;
        Ok(Self { metas, ranges: vec![(0, u32::MAX)] })
    }

    /// The messages with these UIDs that are there.
    pub(super) fn listed(
        sql: &Connection,
        mailbox: &MailboxCounts,
        mut uids: Vec<u32>,
    ) -> Result<Self, StoreError> {
        uids.sort_unstable();
        uids.dedup();
        let (Some(first), Some(last)) = (uids.first().copied(), uids.last().copied()) else {
            return Ok(Self::default());
        };
        let mut query = range_query(sql)?;
        let mut picked = Self::default();
        if uids.len() > SCATTERED_MAX && uids.len() >= mailbox.messages as usize / 8 {
            // One pass over all that lies between; gaps without messages do not end a range.
            let mut wanted = uids.into_iter().peekable();
            let mut range: Option<(u32, u32)> = None;
            let ranges = &mut picked.ranges;
            picked.metas = read_metas(query.query(keys(mailbox.id, first, last))?, |uid| {
                while wanted.next_if(|wanted| *wanted < uid).is_some() {}
                let found = wanted.next_if_eq(&uid).is_some();
                match &mut range {
                    Some(range) if found => range.1 = uid,
                    None if found => range = Some((uid, uid)),
                    _ => ranges.extend(range.take()),
                }
                found
            })?;
            picked.ranges.extend(range);
            runs::lay_over(sql, mailbox.id, (first, last), &mut picked.metas)?;
            return Ok(picked);
        }
        for range in uids.chunk_by(|one, next| one.checked_add(1) == Some(*next)) {
            let (Some(first), Some(last)) = (range.first(), range.last()) else { continue };
            let mut found = read_metas(query.query(keys(mailbox.id, *first, *last))?, |_| true)?;
            if !found.is_empty() {
                runs::lay_over(sql, mailbox.id, (*first, *last), &mut found)?;
                picked.ranges.push((*first, *last));
                picked.metas.extend(found);
            }
        }
        Ok(picked)
    }

    /// Leaves only those with these flags.
    pub(super) fn with(self, flags: SystemFlags) -> Self {
        if flags == SystemFlags::NONE {
            return self;
        }
        let mut left = Self::default();
        let mut metas = self.metas.into_iter().peekable();
        for (_, end) in self.ranges {
            let mut apart = true;
            while let Some(meta) = metas.next_if(|meta| meta.uid <= end) {
                if !meta.flags.system.contains(flags) {
                    apart = true;
                    continue;
                }
                match left.ranges.last_mut() {
                    Some((_, last)) if !std::mem::take(&mut apart) => *last = meta.uid,
                    _ => left.ranges.push((meta.uid, meta.uid)),
                }
                left.metas.push(meta);
            }
        }
        left
    }
}

fn range_query(sql: &Connection) -> Result<rusqlite::CachedStatement<'_>, StoreError> {
    Ok(sql.prepare_cached(&format!("{SELECT} WHERE id BETWEEN ?1 AND ?2 ORDER BY id"))?)
}

/// The rows of a query that begins with [`SELECT`] whose UIDs are wanted.
pub(super) fn read_metas(
    mut rows: rusqlite::Rows<'_>,
    mut wanted: impl FnMut(u32) -> bool,
) -> Result<Vec<MessageMeta>, StoreError> {
    // Most messages have one of a few sets of keywords, or none: equal sets share their memory.
    let mut known: BTreeMap<String, Keywords> = BTreeMap::new();
    let mut metas = Vec::new();
    while let Some(row) = rows.next()? {
        let key: i64 = row.get(0)?;
        let uid = uid_of(key);
        if wanted(uid) {
            metas.push(meta_from(row, uid, &mut known)?);
        }
    }
    Ok(metas)
}

fn meta_from(
    row: &Row<'_>,
    uid: u32,
    known: &mut BTreeMap<String, Keywords>,
) -> Result<MessageMeta, rusqlite::Error> {
    let column = row.get_ref(8)?.as_str()?;
    let keywords = match known.get(column) {
        _ if column.is_empty() => Keywords::default(),
        Some(keywords) => keywords.clone(),
        None => known.entry(column.to_owned()).or_insert_with(|| keywords_from_column(column)).clone(),
    };
    Ok(MessageMeta {
        uid,
        blob: row.get(1)?,
        thread: row.get(2)?,
        size: row.get(3)?,
        date: InternalDate { seconds: row.get(4)?, zone_minutes: row.get(5)? },
        saved: row.get(6)?,
        flags: Flags { system: SystemFlags::from_bits(row.get(7)?), keywords },
        modseq: row.get(9)?,
    })
}

/// The key of a message.
pub(super) fn key(mailbox: MailboxId, uid: u32) -> i64 {
    // Mailboxes are numbered from 1 by this program, which will not get to 2^31.
    mailbox.0.saturating_mul(1 << 32).saturating_add(i64::from(uid))
}

/// The UID in the key of a message.
pub(super) fn uid_of(key: i64) -> u32 {
    u32::try_from(key & UID_BITS).unwrap_or_default()
}

/// The keys of a range of messages, both ends included.
pub(super) fn keys(mailbox: MailboxId, first: u32, last: u32) -> (i64, i64) {
    (key(mailbox, first), key(mailbox, last))
}

const UID_BITS: i64 = 0xFFFF_FFFF;
const SELECT: &str =
    "SELECT id, blob, thread, size, date, zone, saved, flags, keywords, modseq FROM messages";
/// As many UIDs are looked for one by one.
const SCATTERED_MAX: usize = 16;
