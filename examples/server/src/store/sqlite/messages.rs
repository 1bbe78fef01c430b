//! Messages in mailboxes: delivery, APPEND, flags, EXPUNGE, COPY, MOVE, snapshots.
//!
//! Every operation is atomic and counts the account's quota in the same transaction. Each raises the
//! mailbox's mod-sequence by one and gives it to all messages it touches (RFC 7162, 3.1). A UID is never
//! given out twice in a mailbox. Several copies of one message share one content.

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::StoreError;
use super::flags::{self, Flags, StoreMode, SystemFlags};
use super::id::{AccountId, BlobId, MailboxId};
use super::mailboxes::{self, KEYWORDS_MAX};
use super::name::MailboxName;
use super::spool::Spooled;
use super::writer::Txn;
use super::{Store, blobs};

/// A message in a mailbox, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageMeta {
    /// Names the message in its mailbox.
    pub uid: u32,
    /// Where its content is; copies share it.
    pub blob: BlobId,
    /// Octets of the content.
    pub size: u64,
    /// System flags and keywords.
    pub flags: Flags,
    /// INTERNALDATE.
    pub date: InternalDate,
    /// The mod-sequence of its last change.
    pub modseq: u64,
}

/// A moment, with the offset it was given in (RFC 9051, 2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InternalDate {
    /// Seconds since 1970-01-01 00:00 UTC.
    pub seconds: i64,
    /// Minutes east of UTC.
    pub zone_minutes: i16,
}

impl InternalDate {
    /// The present, in UTC.
    pub fn now() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { seconds: i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX), zone_minutes: 0 }
    }
}

/// A message to append.
#[derive(Debug)]
pub struct NewMessage {
    /// The content.
    pub content: Spooled,
    /// The flags it starts with.
    pub flags: Flags,
    /// INTERNALDATE.
    pub date: InternalDate,
}

/// Where a delivery went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivered {
    /// Whose INBOX.
    pub account: AccountId,
    /// That INBOX.
    pub mailbox: MailboxId,
    /// The UID in it.
    pub uid: u32,
}

/// What APPENDUID reports (RFC 9051, 7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// Of the mailbox.
    pub uidvalidity: u32,
    /// In the order of the messages.
    pub uids: Vec<u32>,
}

/// What COPYUID reports (RFC 9051, 7.1): the n-th source became the n-th destination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Of the destination.
    pub uidvalidity: u32,
    /// UIDs in the source, ascending.
    pub sources: Vec<u32>,
    /// UIDs in the destination, ascending.
    pub destinations: Vec<u32>,
}

/// What is new in a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// Messages that were added or changed, by UID.
    pub changed: Vec<MessageMeta>,
    /// How many messages the mailbox has.
    pub count: usize,
}

/// Which messages to expunge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expunge {
    /// All with `\Deleted` (EXPUNGE).
    Deleted,
    /// Those of the list with `\Deleted` (UID EXPUNGE, RFC 9051, 6.4.9).
    DeletedAmong(Vec<u32>),
    /// Those of the list, whatever their flags (POP3 DELE).
    Uids(Vec<u32>),
}

impl Store {
    /// Delivers a message to the INBOX of each recipient: to all, in one commit, or to none.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchAccount`], [`StoreError::OverQuota`] for the first recipient without room.
    pub async fn deliver(
        &self,
        recipients: &[AccountId],
        mut message: Spooled,
        flags: Flags,
        date: InternalDate,
    ) -> Result<Vec<Delivered>, StoreError> {
        let recipients = recipients.to_vec();
        self.write(move |txn| {
            let refs = u32::try_from(recipients.len()).unwrap_or(u32::MAX);
            if refs == 0 {
                return Ok(Vec::new());
            }
            let blob = blobs::insert(txn, &mut message, refs)?;
            let size = message.size();
            recipients.iter().map(|account| deliver_one(txn, *account, blob, size, &flags, date)).collect()
        })
        .await
    }

    /// Delivers a message to each recipient that can have it, in one commit, with an answer for each
    /// (LMTP, RFC 2033, 4.2).
    ///
    /// # Errors
    ///
    /// Nothing was delivered to anybody: the content could not be stored or the commit failed.
    pub async fn deliver_each(
        &self,
        recipients: &[AccountId],
        mut message: Spooled,
        flags: Flags,
        date: InternalDate,
    ) -> Result<Vec<Result<Delivered, StoreError>>, StoreError> {
        let recipients = recipients.to_vec();
        self.write(move |txn| {
            let blob = blobs::insert(txn, &mut message, 0)?;
            let size = message.size();
            let mut outcomes = Vec::with_capacity(recipients.len());
            for account in recipients {
                txn.sql.execute_batch("SAVEPOINT recipient")?;
                let outcome = deliver_one(txn, account, blob, size, &flags, date);
                match &outcome {
                    Ok(_) => blobs::retain(txn, blob)?,
                    // A failing disk is not one recipient's trouble.
                    Err(error) if error.is_temporary() => return Err(error.clone()),
                    Err(_) => txn.sql.execute_batch("ROLLBACK TO recipient")?,
                }
                txn.sql.execute_batch("RELEASE recipient")?;
                outcomes.push(outcome);
            }
            blobs::remove_unreferenced(txn, blob)?;
            Ok(outcomes)
        })
        .await
    }

    /// Appends messages to a mailbox, all or none (RFC 9051, 6.3.12; RFC 3502).
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchMailbox`], [`StoreError::OverQuota`], [`StoreError::UidsExhausted`],
    /// [`StoreError::TooManyKeywords`].
    pub async fn append(
        &self,
        mailbox: MailboxId,
        messages: Vec<NewMessage>,
    ) -> Result<Appended, StoreError> {
        self.write(move |txn| {
            let mut target = Target::open(txn.sql, mailbox)?;
            let mut uids = Vec::with_capacity(messages.len());
            for NewMessage { mut content, flags, date } in messages {
                target.charge(txn.sql, content.size())?;
                let blob = blobs::insert(txn, &mut content, 1)?;
                uids.push(target.add(txn.sql, blob, content.size(), &flags, date)?);
            }
            let uidvalidity = target.close(txn)?;
            Ok(Appended { uidvalidity, uids })
        })
        .await
    }

    /// All messages of a mailbox, by UID.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchMailbox`].
    pub async fn snapshot(&self, mailbox: MailboxId) -> Result<Vec<MessageMeta>, StoreError> {
        self.read(move |sql| {
            Target::open(sql, mailbox)?;
            let mut query = sql.prepare_cached(&format!("{SELECT} WHERE mailbox = ?1 ORDER BY uid"))?;
            Ok(query.query_map([mailbox], meta_from)?.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The messages of a mailbox that have a higher mod-sequence than `modseq`.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchMailbox`].
    pub async fn changed_since(&self, mailbox: MailboxId, modseq: u64) -> Result<News, StoreError> {
        self.read(move |sql| {
            Target::open(sql, mailbox)?;
            let count = sql
                .prepare_cached("SELECT count(*) FROM messages WHERE mailbox = ?1")?
                .query_row([mailbox], |row| row.get(0))?;
            let mut query =
                sql.prepare_cached(&format!("{SELECT} WHERE mailbox = ?1 AND modseq > ?2 ORDER BY uid"))?;
            let changed = query.query_map(params![mailbox, modseq], meta_from)?.collect::<Result<_, _>>()?;
            Ok(News { changed, count })
        })
        .await
    }

    /// Changes flags; returns the messages whose flags are now different, by UID. UIDs of messages that are
    /// not there are passed over.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchMailbox`], [`StoreError::TooManyKeywords`].
    pub async fn store_flags(
        &self,
        mailbox: MailboxId,
        uids: Vec<u32>,
        mode: StoreMode,
        flags: Flags,
    ) -> Result<Vec<MessageMeta>, StoreError> {
        self.write(move |txn| {
            let mut target = Target::open(txn.sql, mailbox)?;
            let mut changed = Vec::new();
            for mut meta in metas(txn.sql, mailbox, uids)? {
                let before = meta.flags.clone();
                meta.flags.change(mode, &flags);
                if meta.flags != before {
                    meta.modseq = target.change(txn.sql, meta.uid, &meta.flags)?;
                    changed.push(meta);
                }
            }
            target.close(txn)?;
            Ok(changed)
        })
        .await
    }

    /// Removes messages; returns their UIDs, ascending.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchMailbox`].
    pub async fn expunge(&self, mailbox: MailboxId, which: Expunge) -> Result<Vec<u32>, StoreError> {
        self.write(move |txn| {
            let target = Target::open(txn.sql, mailbox)?;
            let (candidates, deleted_only) = match which {
                Expunge::Deleted => (all_metas(txn.sql, mailbox)?, true),
                Expunge::DeletedAmong(uids) => (metas(txn.sql, mailbox, uids)?, true),
                Expunge::Uids(uids) => (metas(txn.sql, mailbox, uids)?, false),
            };
            let mut removed = candidates;
            removed.retain(|meta| !deleted_only || meta.flags.system.contains(SystemFlags::DELETED));
            detach(txn, target, &removed)?;
            for meta in &removed {
                blobs::release(txn, meta.blob)?;
            }
            Ok(removed.into_iter().map(|meta| meta.uid).collect())
        })
        .await
    }

    /// Copies messages with their flags and dates, all or none (RFC 9051, 6.4.7). UIDs of messages that are
    /// not there are passed over.
    ///
    /// # Errors
    ///
    /// [`StoreError::NoSuchMailbox`] for either mailbox, [`StoreError::OverQuota`],
    /// [`StoreError::UidsExhausted`], [`StoreError::TooManyKeywords`].
    pub async fn copy(&self, from: MailboxId, uids: Vec<u32>, to: MailboxId) -> Result<Copied, StoreError> {
        self.write(move |txn| {
            Target::open(txn.sql, from)?;
            let copied = metas(txn.sql, from, uids)?;
            let target = Target::open(txn.sql, to)?;
            for meta in &copied {
                blobs::retain(txn, meta.blob)?;
                target.charge(txn.sql, meta.size)?;
            }
            target.add_all(txn, copied)
        })
        .await
    }

    /// Moves messages, all or none (RFC 9051, 6.4.8). Within one account this needs no room in the quota.
    ///
    /// # Errors
    ///
    /// As [`copy`](Self::copy).
    pub async fn move_messages(
        &self,
        from: MailboxId,
        uids: Vec<u32>,
        to: MailboxId,
    ) -> Result<Copied, StoreError> {
        self.write(move |txn| relocate(txn, from, uids, to)).await
    }
}

/// Moves messages within a transaction.
pub(super) fn relocate(
    txn: &mut Txn<'_>,
    from: MailboxId,
    uids: Vec<u32>,
    to: MailboxId,
) -> Result<Copied, StoreError> {
    let source = Target::open(txn.sql, from)?;
    let account = source.account;
    let moved = metas(txn.sql, from, uids)?;
    detach(txn, source, &moved)?;
    let target = Target::open(txn.sql, to)?;
    for meta in &moved {
        if target.account == account {
            // Also an account above its quota can tidy up.
            target.count(txn.sql, meta.size)?;
        } else {
            target.charge(txn.sql, meta.size)?;
        }
    }
    target.add_all(txn, moved)
}

/// Removes all messages of a mailbox that is going.
pub(super) fn remove_all(txn: &mut Txn<'_>, mailbox: MailboxId) -> Result<(), StoreError> {
    let target = Target::open(txn.sql, mailbox)?;
    let removed = all_metas(txn.sql, mailbox)?;
    detach(txn, target, &removed)?;
    removed.into_iter().try_for_each(|meta| blobs::release(txn, meta.blob))
}

pub(super) fn all_uids(sql: &Connection, mailbox: MailboxId) -> Result<Vec<u32>, StoreError> {
    Ok(all_metas(sql, mailbox)?.into_iter().map(|meta| meta.uid).collect())
}

fn deliver_one(
    txn: &mut Txn<'_>,
    account: AccountId,
    blob: BlobId,
    size: u64,
    flags: &Flags,
    date: InternalDate,
) -> Result<Delivered, StoreError> {
    let inbox = mailboxes::find(txn.sql, account, &MailboxName::inbox())?.ok_or(StoreError::NoSuchAccount)?;
    let mut target = Target::open(txn.sql, inbox.id)?;
    target.charge(txn.sql, size)?;
    let uid = target.add(txn.sql, blob, size, flags, date)?;
    target.close(txn)?;
    Ok(Delivered { account, mailbox: inbox.id, uid })
}

/// Takes messages out of a mailbox and out of the quota; their contents keep their references.
fn detach(txn: &mut Txn<'_>, mut target: Target, messages: &[MessageMeta]) -> Result<(), StoreError> {
    let mut delete = txn.sql.prepare_cached("DELETE FROM messages WHERE mailbox = ?1 AND uid = ?2")?;
    let mut freed: u64 = 0;
    for meta in messages {
        delete.execute(params![target.mailbox, meta.uid])?;
        freed = freed.saturating_add(meta.size);
        target.changed = true;
    }
    txn.sql
        .prepare_cached("UPDATE accounts SET used = used - ?2 WHERE id = ?1")?
        .execute(params![target.account, freed])?;
    target.close(txn).map(|_| ())
}

/// A mailbox that an operation is working on: its counters, written back once.
struct Target {
    mailbox: MailboxId,
    account: AccountId,
    uidvalidity: u32,
    uidnext: u32,
    modseq: u64,
    changed: bool,
}

impl Target {
    fn open(sql: &Connection, mailbox: MailboxId) -> Result<Self, StoreError> {
        sql.prepare_cached("SELECT account, uidvalidity, uidnext, modseq FROM mailboxes WHERE id = ?1")?
            .query_row([mailbox], |row| {
                Ok(Self {
                    mailbox,
                    account: row.get(0)?,
                    uidvalidity: row.get(1)?,
                    uidnext: row.get(2)?,
                    modseq: row.get::<_, u64>(3)?.saturating_add(1),
                    changed: false,
                })
            })
            .optional()?
            .ok_or(StoreError::NoSuchMailbox)
    }

    /// Counts octets in the quota, if there is room.
    fn charge(&self, sql: &Connection, size: u64) -> Result<(), StoreError> {
        let (quota, used): (Option<u64>, u64) = sql
            .prepare_cached("SELECT quota, used FROM accounts WHERE id = ?1")?
            .query_row([self.account], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if let Some(quota) = quota
            && used.saturating_add(size) > quota
        {
            return Err(StoreError::OverQuota { account: self.account, quota, wanted: size });
        }
        self.count(sql, size)
    }

    /// Counts octets, whatever the quota.
    fn count(&self, sql: &Connection, size: u64) -> Result<(), StoreError> {
        sql.prepare_cached("UPDATE accounts SET used = used + ?2 WHERE id = ?1")?
            .execute(params![self.account, size])?;
        Ok(())
    }

    fn add(
        &mut self,
        sql: &Connection,
        blob: BlobId,
        size: u64,
        flags: &Flags,
        date: InternalDate,
    ) -> Result<u32, StoreError> {
        self.register(sql, flags)?;
        let uid = self.uidnext;
        // The last UID is never given out, so that UIDNEXT can always be said.
        self.uidnext = uid.checked_add(1).ok_or(StoreError::UidsExhausted)?;
        self.changed = true;
        sql.prepare_cached(
            "INSERT INTO messages (mailbox, uid, blob, size, date, zone, flags, keywords, modseq)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            self.mailbox,
            uid,
            blob,
            size,
            date.seconds,
            date.zone_minutes,
            flags.system.bits(),
            flags::keywords_to_column(&flags.keywords),
            self.modseq,
        ])?;
        Ok(uid)
    }

    fn add_all(mut self, txn: &mut Txn<'_>, messages: Vec<MessageMeta>) -> Result<Copied, StoreError> {
        let mut sources = Vec::with_capacity(messages.len());
        let mut destinations = Vec::with_capacity(messages.len());
        for meta in messages {
            sources.push(meta.uid);
            destinations.push(self.add(txn.sql, meta.blob, meta.size, &meta.flags, meta.date)?);
        }
        let uidvalidity = self.close(txn)?;
        Ok(Copied { uidvalidity, sources, destinations })
    }

    /// Writes the flags of a message; returns its new mod-sequence.
    fn change(&mut self, sql: &Connection, uid: u32, flags: &Flags) -> Result<u64, StoreError> {
        self.register(sql, flags)?;
        self.changed = true;
        sql.prepare_cached(
            "UPDATE messages SET flags = ?3, keywords = ?4, modseq = ?5 WHERE mailbox = ?1 AND uid = ?2",
        )?
        .execute(params![
            self.mailbox,
            uid,
            flags.system.bits(),
            flags::keywords_to_column(&flags.keywords),
            self.modseq
        ])?;
        Ok(self.modseq)
    }

    /// Adds keywords to those of the mailbox.
    fn register(&self, sql: &Connection, flags: &Flags) -> Result<(), StoreError> {
        for keyword in &flags.keywords {
            let added = sql
                .prepare_cached("INSERT OR IGNORE INTO keywords (mailbox, keyword) VALUES (?1, ?2)")?
                .execute(params![self.mailbox, keyword.as_str()])?;
            if added == 0 {
                continue;
            }
            let count: u32 = sql
                .prepare_cached("SELECT count(*) FROM keywords WHERE mailbox = ?1")?
                .query_row([self.mailbox], |row| row.get(0))?;
            if count > KEYWORDS_MAX {
                return Err(StoreError::TooManyKeywords(KEYWORDS_MAX));
            }
        }
        Ok(())
    }

    /// Writes the counters back, if anything changed; returns the UIDVALIDITY.
    fn close(self, txn: &mut Txn<'_>) -> Result<u32, StoreError> {
        if self.changed {
            txn.sql
                .prepare_cached("UPDATE mailboxes SET uidnext = ?2, modseq = ?3 WHERE id = ?1")?
                .execute(params![self.mailbox, self.uidnext, self.modseq])?;
            txn.touch(self.mailbox);
        }
        Ok(self.uidvalidity)
    }
}

/// The messages with these UIDs that are there, by UID, each once.
fn metas(sql: &Connection, mailbox: MailboxId, mut uids: Vec<u32>) -> Result<Vec<MessageMeta>, StoreError> {
    uids.sort_unstable();
    uids.dedup();
    let mut query = sql.prepare_cached(&format!("{SELECT} WHERE mailbox = ?1 AND uid = ?2"))?;
    let mut found = Vec::with_capacity(uids.len());
    for uid in uids {
        found.extend(query.query_row(params![mailbox, uid], meta_from).optional()?);
    }
    Ok(found)
}

fn all_metas(sql: &Connection, mailbox: MailboxId) -> Result<Vec<MessageMeta>, StoreError> {
    let mut query = sql.prepare_cached(&format!("{SELECT} WHERE mailbox = ?1 ORDER BY uid"))?;
    Ok(query.query_map([mailbox], meta_from)?.collect::<Result<_, _>>()?)
}

fn meta_from(row: &Row<'_>) -> rusqlite::Result<MessageMeta> {
    let keywords: String = row.get(6)?;
    Ok(MessageMeta {
        uid: row.get(0)?,
        blob: row.get(1)?,
        size: row.get(2)?,
        date: InternalDate { seconds: row.get(3)?, zone_minutes: row.get(4)? },
        flags: Flags {
            system: SystemFlags::from_bits(row.get(5)?),
            keywords: flags::keywords_from_column(&keywords),
        },
        modseq: row.get(7)?,
    })
}

const SELECT: &str = "SELECT uid, blob, size, date, zone, flags, keywords, modseq FROM messages";
