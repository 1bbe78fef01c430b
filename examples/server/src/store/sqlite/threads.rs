//! Which conversation a message belongs to (RFC 8474 5.2).
//!
//! A message joins the first conversation of its account that knows one of its ids, or begins one, named by its
//! content. What a message once is of it stays of, so that two conversations that turn out to be one stay two. Of an
//! id only a hash is kept.
//!
//! Hashes lie all over their table: written with each message, they would be nearly half of the pages that a delivery
//! changes. The writer knows those of new contents by heart and writes many at a time, in the order of the table. They
//! are not lost with the process: a content has its hashes beside it and a message its conversation, and what was not
//! written is when the store opens again.

use std::collections::BTreeMap;
use std::ops::Bound;

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::readers::Readers;
use super::writer::{Txn, Writer};
use crate::store::{AccountId, BlobId, StoreError, ThreadId};

/// What is kept of the ids of a message: those of the first and the last few.
pub(super) fn hashes(ids: &[Vec<u8>]) -> Vec<i64> {
    let skipped = IDS_MAX / 2..ids.len().saturating_sub(IDS_MAX / 2).max(IDS_MAX / 2);
    let kept = ids.iter().enumerate().filter(|(at, _)| !skipped.contains(at));
    kept.map(|(_, id)| hash(id)).collect()
}

fn hash(id: &[u8]) -> i64 {
    let digest: [u8; 32] = Sha256::digest(id).into();
    digest.first_chunk().map_or(0, |octets| i64::from_be_bytes(*octets))
}

/// How hashes stand beside a content; nothing when there are none.
pub(super) fn to_column(hashes: &[i64]) -> Option<Vec<u8>> {
    (!hashes.is_empty()).then(|| hashes.iter().flat_map(|hash| hash.to_be_bytes()).collect())
}

/// The conversation of a new message of an account, which has a new content.
pub(super) fn join(
    txn: &mut Txn<'_>,
    account: AccountId,
    blob: BlobId,
    hashes: &[i64],
) -> Result<ThreadId, StoreError> {
    let (thread, new) = find(txn, account, blob, hashes)?;
    for hash in new {
        if !txn.fresh.add((account, hash), (thread, blob)) {
            write(txn.sql, (account, hash), thread)?;
        }
    }
    Ok(thread)
}

/// The conversation that a content of another account is of in this one.
pub(super) fn join_copy(txn: &Txn<'_>, account: AccountId, blob: BlobId) -> Result<ThreadId, StoreError> {
    let column: Option<Vec<u8>> = txn
        .sql
        .prepare_cached("SELECT ids FROM blobs WHERE id = ?1")?
        .query_row([blob], |row| row.get(0))
        .optional()?
        .flatten();
    let (thread, new) = find(txn, account, blob, &from_column(&column.unwrap_or_default()))?;
    for hash in new {
        write(txn.sql, (account, hash), thread)?;
    }
    Ok(thread)
}

/// The conversation of a message, and those of its hashes that were not known.
fn find(
    txn: &Txn<'_>,
    account: AccountId,
    blob: BlobId,
    hashes: &[i64],
) -> Result<(ThreadId, Vec<i64>), StoreError> {
    let mut query = txn.sql.prepare_cached("SELECT thread FROM threads WHERE account = ?1 AND hash = ?2")?;
    let mut found = None;
    let mut new = Vec::with_capacity(hashes.len());
    for hash in hashes {
        let known = match txn.fresh.thread((account, *hash)) {
            Some(thread) => Some(thread),
            None => query.query_row(params![account, hash], |row| row.get(0)).optional()?,
        };
        match known {
            Some(thread) => found = found.or(Some(thread)),
            None => new.push(*hash),
        }
    }
    Ok((found.unwrap_or(ThreadId(blob.0)), new))
}

fn write(sql: &Connection, (account, hash): Key, thread: ThreadId) -> Result<(), StoreError> {
    sql.prepare_cached("INSERT OR IGNORE INTO threads (account, hash, thread) VALUES (?1, ?2, ?3)")?
        .execute(params![account, hash, thread])?;
    Ok(())
}

/// An id in an account.
type Key = (AccountId, i64);

/// Hashes of new contents that do not stand in their table yet.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    threads: BTreeMap<Key, (ThreadId, BlobId)>,
    /// What this transaction has changed, as it was before.
    before: Vec<(Key, Option<(ThreadId, BlobId)>)>,
    /// So much of that is of operations that have succeeded.
    kept: usize,
}

impl Fresh {
    fn thread(&self, key: Key) -> Option<ThreadId> {
        self.threads.get(&key).map(|(thread, _)| *thread)
    }

    /// `false` when there is no room for it.
    fn add(&mut self, key: Key, value: (ThreadId, BlobId)) -> bool {
        let has_room = self.threads.len() < FRESH_MAX;
        if has_room {
            self.before.push((key, self.threads.insert(key, value)));
        }
        has_room
    }

    /// Those that are chosen are here no more.
    fn remove(&mut self, is_chosen: impl Fn(Key, BlobId) -> bool) {
        let Self { threads, before, .. } = self;
        threads.retain(|key, value| {
            let goes = is_chosen(*key, value.1);
            if goes {
                before.push((*key, Some(*value)));
            }
            !goes
        });
    }

    /// An account goes.
    pub(super) fn drop_account(&mut self, account: AccountId) {
        self.remove(|key, _| key.0 == account);
    }

    /// The operation has succeeded.
    pub(super) const fn keep(&mut self) {
        self.kept = self.before.len();
    }

    /// The operation has failed: everything is as it was before it.
    pub(super) fn take_back(&mut self) {
        for (key, value) in self.before.drain(self.kept..).rev() {
            match value {
                Some(value) => self.threads.insert(key, value),
                None => self.threads.remove(&key),
            };
        }
    }

    /// The transaction is undone.
    pub(super) fn undo(&mut self) {
        self.kept = 0;
        self.take_back();
    }

    /// The transaction is over.
    pub(super) fn committed(&mut self) {
        self.before.clear();
        self.kept = 0;
    }
}

/// Writes the hashes of new contents into their table, if there are so many contents that it pays.
pub(super) async fn catch_up(
    readers: &Readers,
    writer: &Writer,
    contents_min: i64,
) -> Result<(), StoreError> {
    // What comes later has a higher number, and is left for the next time.
    let (written, last) = readers.read(|sql| Ok((written(sql)?, newest(sql)?))).await?;
    if last.0.saturating_sub(written.0) < contents_min {
        return Ok(());
    }
    let mut after = None;
    loop {
        after = writer.write(move |txn| write_some(txn, after)).await?;
        if after.is_none() {
            break;
        }
    }
    let done = move |txn: &mut Txn<'_>| {
        txn.fresh.remove(|_, blob| blob <= last);
        set_written(txn.sql, last)
    };
    writer.write(done).await
}

/// Writes some of those that are behind this one; the last, if there may be more.
fn write_some(txn: &Txn<'_>, after: Option<Key>) -> Result<Option<Key>, StoreError> {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let portion = txn.fresh.threads.range((from, Bound::Unbounded)).take(PORTION_MAX);
    let (mut last, mut count) = (None, 0_usize);
    for (key, (thread, _)) in portion {
        write(txn.sql, *key, *thread)?;
        (last, count) = (Some(*key), count.saturating_add(1));
    }
    Ok(last.filter(|_| count == PORTION_MAX))
}

/// Writes what the process before had not. For a store that opens.
pub(super) fn recover(sql: &Connection) -> Result<(), StoreError> {
    let (written, last) = (written(sql)?, newest(sql)?);
    if last <= written {
        return Ok(());
    }
    let txn = sql.unchecked_transaction()?;
    {
        let mut query = sql.prepare(
            "SELECT b.ids, m.account, m.thread FROM blobs b JOIN (
                 SELECT blob, account, thread FROM messages s JOIN mailboxes x ON x.id = s.id >> 32 WHERE blob > ?1
                 UNION ALL SELECT blob, account, thread FROM deleted WHERE blob > ?1
             ) m ON m.blob = b.id
             WHERE b.id > ?1 AND b.ids IS NOT NULL ORDER BY b.id",
        )?;
        let mut rows = query.query([written])?;
        while let Some(row) = rows.next()? {
            let (ids, account, thread): (Vec<u8>, _, _) = (row.get(0)?, row.get(1)?, row.get(2)?);
            for hash in from_column(&ids) {
                write(sql, (account, hash), thread)?;
            }
        }
    }
    set_written(sql, last)?;
    Ok(txn.commit()?)
}

fn from_column(column: &[u8]) -> Vec<i64> {
    let (hashes, _) = column.as_chunks();
    hashes.iter().map(|octets| i64::from_be_bytes(*octets)).collect()
}

/// The hashes of all contents up to this one stand in the table.
fn written(sql: &Connection) -> Result<BlobId, StoreError> {
    Ok(sql.prepare_cached("SELECT written FROM threads_state")?.query_row([], |row| row.get(0))?)
}

fn set_written(sql: &Connection, written: BlobId) -> Result<(), StoreError> {
    sql.prepare_cached("UPDATE threads_state SET written = ?1")?.execute([written])?;
    Ok(())
}

fn newest(sql: &Connection) -> Result<BlobId, StoreError> {
    Ok(sql.prepare_cached("SELECT coalesce(max(id), 0) FROM blobs")?.query_row([], |row| row.get(0))?)
}

/// With fewer new contents their hashes are not written yet.
pub(super) const CONTENTS_MIN: i64 = 512;

/// Hashes that are known by heart, at most; others are written at once. About 5 MiB.
const FRESH_MAX: usize = 1 << 16;

/// Hashes written in one operation.
const PORTION_MAX: usize = 2048;

/// Ids of one message that are kept.
const IDS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::Sqlite;
    use super::*;
    use crate::store::{
        Delivery, FlagMask, Flags, InternalDate, MailboxId, MailboxName, MessageMeta, NewMessage, NoListener,
        RecordChange, Room, Spooled, Store,
    };

    const ACCOUNTS: [AccountId; 2] = [AccountId(1), AccountId(2)];
    const INBOX: &str = "INBOX";

    #[derive(Debug, Clone)]
    enum Step {
        /// To these accounts, with these ids.
        Deliver(Vec<usize>, Vec<u8>),
        /// A message that finds no room.
        Refuse(Vec<u8>),
        /// The latest message of the first account, to the other.
        Copy,
        Write,
        Reopen,
    }

    fn step() -> impl Strategy<Value = Step> {
        let ids = || prop::collection::vec(0_u8..12, 1..4);
        prop_oneof![
            8 => (prop::sample::subsequence(vec![0, 1], 1..=2), ids()).prop_map(|(to, ids)| Step::Deliver(to, ids)),
            2 => ids().prop_map(Step::Refuse),
            3 => Just(Step::Copy),
            2 => Just(Step::Write),
            2 => Just(Step::Reopen),
        ]
    }

    /// A store, and which conversation each id is of.
    struct Stage {
        data: tempfile::TempDir,
        store: Sqlite,
        known: BTreeMap<(AccountId, u8), ThreadId>,
    }

    impl Stage {
        async fn new() -> Self {
            let data = tempfile::tempdir().unwrap();
            let store = Sqlite::open(data.path(), Arc::new(NoListener)).unwrap();
            store.commit(ACCOUNTS.map(RecordChange::AddAccount).to_vec()).await.unwrap();
            Self { data, store, known: BTreeMap::new() }
        }

        async fn spooled(&self, ids: &[u8]) -> Spooled {
            let mut spooled = self.store.spool().finish().await.unwrap();
            spooled.set_ids(ids.iter().map(|id| vec![*id]).collect());
            spooled
        }

        async fn inbox(&self, account: AccountId) -> MailboxId {
            self.store.mailbox(account, &MailboxName::new(INBOX).unwrap()).await.unwrap().id
        }

        async fn latest(&self, account: AccountId) -> Option<MessageMeta> {
            self.store.snapshot(self.inbox(account).await).await.unwrap().messages.pop()
        }

        /// The latest message of an account has come with these ids.
        async fn compare(&mut self, account: AccountId, ids: &[u8]) {
            let latest = self.latest(account).await.unwrap();
            let known = ids.iter().find_map(|id| self.known.get(&(account, *id)));
            assert_eq!(latest.thread, known.copied().unwrap_or(ThreadId(latest.blob.0)), "{ids:?}");
            for id in ids {
                self.known.entry((account, *id)).or_insert(latest.thread);
            }
        }

        async fn play(&mut self, step: Step, ids_of_latest: &mut Vec<u8>) {
            let [first, second] = ACCOUNTS;
            match step {
                Step::Deliver(to, ids) => {
                    let content = self.spooled(&ids).await;
                    let new = NewMessage { content, flags: Flags::default(), date: InternalDate::now() };
                    let mailbox = || MailboxName::new(INBOX).unwrap();
                    let to: Vec<AccountId> = to.into_iter().map(|at| ACCOUNTS[at]).collect();
                    let delivery =
                        |account| Delivery { account, mailbox: mailbox(), room: Room::UNLIMITED, once: None };
                    let deliveries = to.iter().copied().map(delivery).collect();
                    self.store.deliver(new, deliveries, true).await.unwrap();
                    for account in &to {
                        self.compare(*account, &ids).await;
                    }
                    if to.contains(&first) {
                        *ids_of_latest = ids;
                    }
                }
                Step::Refuse(ids) => {
                    let (one, two) = (self.spooled(&ids).await, self.spooled(&ids).await);
                    let new =
                        |content| NewMessage { content, flags: Flags::default(), date: InternalDate::now() };
                    // There is room for one more.
                    let inbox = self.inbox(second).await;
                    let kept = self.store.usage(second).await.unwrap().messages;
                    let room = Room { messages: Some(kept + 1), ..Room::UNLIMITED };
                    let refused = self.store.append(inbox, room, vec![new(one), new(two)]);
                    // Something that shares the commit, perhaps.
                    let other = self.store.append(inbox, Room::UNLIMITED, Vec::new());
                    let (refused, other) = tokio::join!(refused, other);
                    assert!(refused.is_err() && other.is_ok());
                }
                Step::Copy => {
                    let Some(latest) = self.latest(first).await else { return };
                    let (from, to) = (self.inbox(first).await, self.inbox(second).await);
                    let copy = self.store.copy(from, vec![latest.uid], to, Room::UNLIMITED, FlagMask::ALL);
                    copy.await.unwrap();
                    self.compare(second, ids_of_latest).await;
                }
                Step::Write => {
                    catch_up(&self.store.inner.readers, &self.store.inner.writer, 1).await.unwrap();
                }
                Step::Reopen => {
                    self.store.close().await.unwrap();
                    self.store = Sqlite::open(self.data.path(), Arc::new(NoListener)).unwrap();
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn conversations_are_the_same_whenever_hashes_are_written(
            steps in prop::collection::vec(step(), 1..24),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut stage = Stage::new().await;
                let mut ids_of_latest = Vec::new();
                for step in steps {
                    stage.play(step, &mut ids_of_latest).await;
                }
            });
        }
    }

    #[test]
    fn what_a_failed_operation_knew_is_forgotten_and_what_it_forgot_is_known() {
        let (one, two) = ((AccountId(1), 1), (AccountId(2), 2));
        let value = (ThreadId(5), BlobId(5));
        let mut fresh = Fresh::default();
        assert!(fresh.add(one, value));
        fresh.keep();
        fresh.committed();
        // An operation that is kept, one that is not, and then all of them are undone.
        assert!(fresh.add(two, value));
        fresh.keep();
        fresh.drop_account(one.0);
        assert_eq!((fresh.thread(one), fresh.thread(two)), (None, Some(value.0)));
        fresh.take_back();
        assert_eq!((fresh.thread(one), fresh.thread(two)), (Some(value.0), Some(value.0)));
        fresh.undo();
        assert_eq!((fresh.thread(one), fresh.thread(two)), (Some(value.0), None));
    }

    #[test]
    fn there_is_an_end_to_what_is_known_by_heart() {
        let mut fresh = Fresh::default();
        let value = (ThreadId(1), BlobId(1));
        let taken = (0_i64..).take_while(|hash| fresh.add((AccountId(1), *hash), value)).count();
        assert_eq!(taken, FRESH_MAX);
    }
}
