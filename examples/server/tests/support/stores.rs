//! Stores to test, and a stage on which each test plays: a store in a directory of its own, and somebody who listens.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use posthaste_server::store::sqlite::Sqlite;
use posthaste_server::store::{
    AccountId, Appended, BlobId, Change, Check, Content, Delivery, Flags, InternalDate, Known, Listener,
    Mailbox, MailboxEvent, MailboxId, MailboxName, MessageMeta, NewMessage, Progress, RecordChange, Room,
    Spooled, Store, StoreError,
};
use tempfile::TempDir;

/// Opens a store in a directory.
pub(crate) type Maker = fn(&Path, Arc<dyn Listener>) -> Result<Arc<dyn Store>, StoreError>;

pub(crate) const SQLITE: Maker = |data, listener| Ok(Arc::new(Sqlite::open(data, listener)?));

/// A store and what a test needs around it.
pub(crate) struct Stage {
    pub(crate) data: TempDir,
    pub(crate) maker: Maker,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) picture: Arc<Picture>,
}

impl Stage {
    pub(crate) async fn new(maker: Maker) -> Self {
        let data = tempfile::tempdir().unwrap();
        let picture = Arc::new(Picture::default());
        let store = maker(data.path(), picture.clone()).unwrap();
        let stage = Self { data, maker, store, picture };
        stage
            .store
            .commit(vec![RecordChange::AddAccount(ANNA), RecordChange::AddAccount(BEN)])
            .await
            .unwrap();
        stage
    }

    pub(crate) async fn reopen(&mut self) {
        self.store.close().await.unwrap();
        self.store = (self.maker)(self.data.path(), self.picture.clone()).unwrap();
    }

    pub(crate) async fn mailbox(&self, account: AccountId, name: &str) -> Mailbox {
        self.store.mailbox(account, &named(name)).await.unwrap()
    }

    pub(crate) async fn inbox(&self) -> MailboxId {
        self.mailbox(ANNA, "INBOX").await.id
    }

    pub(crate) async fn spooled(&self, content: &[u8]) -> Spooled {
        let mut spool = self.store.spool();
        // In pieces that fit no boundary.
        for piece in content.chunks(10_007) {
            spool.write(piece).await.unwrap();
        }
        spool.finish().await.unwrap()
    }

    pub(crate) async fn message(&self, content: &[u8], flags: Flags) -> NewMessage {
        NewMessage { content: self.spooled(content).await, flags, date: DATE }
    }

    pub(crate) async fn append(&self, mailbox: MailboxId, content: &[u8], flags: Flags) -> u32 {
        let message = self.message(content, flags).await;
        self.store.append(mailbox, Room::UNLIMITED, vec![message]).await.unwrap().uids[0]
    }

    pub(crate) async fn try_append(
        &self,
        mailbox: MailboxId,
        room: Room,
        content: &[u8],
    ) -> Result<Appended, StoreError> {
        let message = self.message(content, Flags::default()).await;
        self.store.append(mailbox, room, vec![message]).await
    }

    pub(crate) async fn metas(&self, mailbox: MailboxId) -> Vec<MessageMeta> {
        self.store.snapshot(mailbox).await.unwrap().messages
    }

    pub(crate) async fn uids(&self, mailbox: MailboxId) -> Vec<u32> {
        self.metas(mailbox).await.iter().map(|meta| meta.uid).collect()
    }

    pub(crate) async fn blob(&self, mailbox: MailboxId, uid: u32) -> BlobId {
        self.metas(mailbox).await.iter().find(|meta| meta.uid == uid).unwrap().blob
    }

    /// The contents of a mailbox, ascending, each once.
    pub(crate) async fn blobs(&self, mailbox: MailboxId) -> Vec<BlobId> {
        let blobs: BTreeSet<BlobId> = self.metas(mailbox).await.iter().map(|meta| meta.blob).collect();
        blobs.into_iter().collect()
    }

    pub(crate) async fn content(&self, blob: BlobId, range: Range<u64>) -> Vec<u8> {
        read(self.store.content(blob, range).await.unwrap()).await
    }

    /// Nothing is wrong with the store, and what the listener was told is what there is.
    pub(crate) async fn check(&self) {
        assert_eq!(self.store.check(Check::Report, Progress::silent()).await.unwrap(), []);
        self.compare_picture().await;
    }

    /// What the listener was told is what there is.
    pub(crate) async fn compare_picture(&self) {
        for (mailbox, told) in self.picture.mailboxes() {
            let there = self.store.snapshot(mailbox).await.map(|snapshot| snapshot.messages);
            assert_eq!(there, Ok(told), "what was told of mailbox {mailbox}");
        }
    }
}

/// Reads a content to the end of its range.
pub(crate) async fn read(mut content: Content) -> Vec<u8> {
    let mut octets = Vec::new();
    while let Some(chunk) = content.next_chunk().await.unwrap() {
        assert!(!chunk.is_empty());
        octets.extend_from_slice(&chunk);
    }
    assert_eq!(content.remaining(), 0);
    octets
}

/// All changes that a listener was told of, and the mailboxes as they make them.
#[derive(Default)]
pub(crate) struct Picture(Mutex<Told>);

#[derive(Default)]
struct Told {
    changes: Vec<Change>,
    mailboxes: BTreeMap<MailboxId, BTreeMap<u32, MessageMeta>>,
    modseqs: BTreeMap<MailboxId, u64>,
}

impl Picture {
    /// What has been told since this was asked last.
    pub(crate) fn news(&self) -> Vec<Change> {
        std::mem::take(&mut self.0.lock().unwrap().changes)
    }

    fn mailboxes(&self) -> BTreeMap<MailboxId, Vec<MessageMeta>> {
        let told = self.0.lock().unwrap();
        told.mailboxes.iter().map(|(id, metas)| (*id, metas.values().cloned().collect())).collect()
    }
}

impl Listener for Picture {
    fn committed(&self, changes: &[Change]) {
        let mut told = self.0.lock().unwrap();
        for change in changes {
            match change {
                Change::Messages(news) => {
                    let before = told.modseqs.insert(news.mailbox, news.modseq).unwrap_or(0);
                    assert!(before < news.modseq, "the mod-sequence rises");
                    let mailbox = told.mailboxes.entry(news.mailbox).or_default();
                    for meta in news.changed.iter() {
                        assert!(meta.uid < news.uidnext && meta.modseq == news.modseq);
                        mailbox.insert(meta.uid, meta.clone());
                    }
                    for uid in &news.expunged {
                        assert!(mailbox.remove(uid).is_some(), "message {uid} was there");
                    }
                }
                Change::Mailbox { mailbox, event: MailboxEvent::Created, .. } => {
                    assert!(told.mailboxes.insert(*mailbox, BTreeMap::new()).is_none());
                }
                Change::Mailbox { mailbox, event: MailboxEvent::Deleted, .. } => {
                    assert!(told.mailboxes.remove(mailbox).is_some());
                }
                _ => {}
            }
        }
        told.changes.extend(changes.iter().cloned());
    }
}

pub(crate) fn named(name: &str) -> MailboxName {
    MailboxName::new(name).unwrap()
}

pub(crate) fn to_inbox(account: AccountId) -> Delivery {
    Delivery { account, mailbox: MailboxName::inbox(), room: Room::UNLIMITED, once: None }
}

pub(crate) fn octets(limit: u64) -> Room {
    Room { octets: Some(limit), ..Room::UNLIMITED }
}

pub(crate) fn bytes(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

pub(crate) const ANNA: AccountId = AccountId(1);
pub(crate) const BEN: AccountId = AccountId(2);
pub(crate) const DATE: InternalDate = InternalDate { seconds: 1_700_000_000, zone_minutes: -150 };

/// What somebody knows of some messages of a mailbox, as it is now.
pub(crate) async fn known(store: &Arc<dyn Store>, mailbox: MailboxId, uids: &[u32]) -> Option<Known> {
    let snapshot = store.snapshot(mailbox).await.ok()?;
    let mut known = Known { modseq: snapshot.mailbox.modseq, messages: Vec::new(), ranges: Vec::new() };
    let mut follows = false;
    for meta in snapshot.messages {
        let wanted = uids.contains(&meta.uid);
        match known.ranges.last_mut() {
            Some((_, last)) if wanted && follows => *last = meta.uid,
            _ if wanted => known.ranges.push((meta.uid, meta.uid)),
            _ => {}
        }
        follows = wanted;
        known.messages.extend(wanted.then_some(meta));
    }
    Some(known)
}
