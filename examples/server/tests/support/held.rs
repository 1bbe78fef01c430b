//! A store whose deliveries, and the answers to commits, wait until they are let go, or fail; and where a test wants it,
//! its reads.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use posthaste_server::store::{
    AccountId, Annotation, Answer, Appended, Backup, BlobId, Check, Content, Copied, Deleted, Delivered,
    Delivery, Expunge, Expunged, Finding, FlagMask, Grant, Mailbox, MailboxId, MailboxName, NewMessage, News,
    Progress, Record, RecordChange, Replaced, Room, Snapshot, SpecialUse, Spool, Status, Store, StoreError,
    StoreFlags, Stored, Undelete, Usage,
};
use tokio::sync::Semaphore;

/// Passes everything on. A delivery, though, first adds to `arrived` and then waits for a permit of `gate`; and it
/// fails with `failure` where there is one. With `holds_commits`, a commit does the same once it has been made.
#[derive(Debug)]
pub(crate) struct Held {
    inner: Arc<dyn Store>,
    pub(crate) arrived: Semaphore,
    pub(crate) gate: Semaphore,
    pub(crate) failure: Mutex<Option<StoreError>>,
    pub(crate) holds_commits: AtomicBool,
    pub(crate) commits: AtomicUsize,
    /// The reads that wait too, each once.
    pub(crate) reads: Mutex<BTreeSet<Reading>>,
    /// What is free, in place of what is.
    pub(crate) free_space: Mutex<Option<u64>>,
}

/// A read that can be made to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reading {
    Snapshot,
    Summaries,
}

impl Held {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            arrived: Semaphore::new(0),
            gate: Semaphore::new(0),
            failure: Mutex::new(None),
            holds_commits: AtomicBool::new(false),
            commits: AtomicUsize::new(0),
            reads: Mutex::default(),
            free_space: Mutex::default(),
        }
    }

    async fn wait(&self, reading: Reading) {
        let waits = self.reads.lock().unwrap().remove(&reading);
        if waits {
            self.arrived.add_permits(1);
            self.gate.acquire().await.unwrap().forget();
        }
    }
}

macro_rules! pass_on {
    ($(fn $name:ident(&self $(, $argument:ident: $type:ty)*) -> $answer:ty;)*) => {
        $(fn $name(&self $(, $argument: $type)*) -> $answer {
            self.inner.$name($($argument),*)
        })*
    };
}

impl Store for Held {
    fn deliver(
        &self,
        message: NewMessage,
        deliveries: Vec<Delivery>,
        all_or_none: bool,
    ) -> Answer<'_, Vec<Result<Delivered, StoreError>>> {
        Box::pin(async move {
            self.arrived.add_permits(1);
            self.gate.acquire().await.unwrap().forget();
            let failure = self.failure.lock().unwrap().take();
            match failure {
                Some(error) => Err(error),
                None => self.inner.deliver(message, deliveries, all_or_none).await,
            }
        })
    }

    fn commit(&self, changes: Vec<RecordChange>) -> Answer<'_, ()> {
        Box::pin(async move {
            self.commits.fetch_add(1, Ordering::SeqCst);
            let outcome = self.inner.commit(changes).await;
            if self.holds_commits.load(Ordering::SeqCst) {
                self.arrived.add_permits(1);
                self.gate.acquire().await.unwrap().forget();
            }
            outcome
        })
    }

    fn snapshot(&self, mailbox: MailboxId) -> Answer<'_, Snapshot> {
        Box::pin(async move {
            self.wait(Reading::Snapshot).await;
            self.inner.snapshot(mailbox).await
        })
    }

    fn summaries(&self, blobs: Vec<BlobId>) -> Answer<'_, Vec<Option<Bytes>>> {
        Box::pin(async move {
            self.wait(Reading::Summaries).await;
            self.inner.summaries(blobs).await
        })
    }

    fn free_space(&self) -> Option<u64> {
        self.free_space.lock().unwrap().or_else(|| self.inner.free_space())
    }

    pass_on! {
        fn records(&self) -> Answer<'_, Vec<Record>>;
        fn usage(&self, account: AccountId) -> Answer<'_, Usage>;
        fn usages(&self) -> Answer<'_, Vec<(AccountId, Usage)>>;
        fn mailboxes(&self, account: AccountId) -> Answer<'_, Vec<Mailbox>>;
        fn mailbox(&self, account: AccountId, name: &MailboxName) -> Answer<'_, Mailbox>;
        fn mailbox_by_id(&self, mailbox: MailboxId) -> Answer<'_, Mailbox>;
        fn create_mailbox(&self, account: AccountId, name: &MailboxName, special_use: Option<SpecialUse>)
            -> Answer<'_, Mailbox>;
        fn delete_mailbox(&self, mailbox: MailboxId) -> Answer<'_, ()>;
        fn rename_mailbox(&self, mailbox: MailboxId, to: &MailboxName) -> Answer<'_, ()>;
        fn subscribe(&self, account: AccountId, name: &str) -> Answer<'_, ()>;
        fn unsubscribe(&self, account: AccountId, name: &str) -> Answer<'_, ()>;
        fn subscriptions(&self, account: AccountId) -> Answer<'_, Vec<String>>;
        fn status(&self, mailbox: MailboxId) -> Answer<'_, Status>;
        fn grants(&self, mailbox: MailboxId) -> Answer<'_, Vec<Grant>>;
        fn grant(&self, mailbox: MailboxId, grant: Grant) -> Answer<'_, ()>;
        fn granted_to(&self, identifiers: Vec<String>) -> Answer<'_, Vec<(Mailbox, Vec<Grant>)>>;
        fn annotations(&self, account: AccountId, mailbox: Option<MailboxId>) -> Answer<'_, Vec<Annotation>>;
        fn annotate(&self, account: AccountId, mailbox: Option<MailboxId>, changes: Vec<(String, Option<Bytes>)>)
            -> Answer<'_, ()>;
        fn spool(&self) -> Spool;
        fn append(&self, mailbox: MailboxId, room: Room, messages: Vec<NewMessage>) -> Answer<'_, Appended>;
        fn replace(&self, mailbox: MailboxId, uid: u32, to: MailboxId, room: Room, message: NewMessage)
            -> Answer<'_, Replaced>;
        fn changed_since(&self, mailbox: MailboxId, modseq: u64) -> Answer<'_, News>;
        fn store_flags(&self, mailbox: MailboxId, change: StoreFlags) -> Answer<'_, Stored>;
        fn expunge(&self, mailbox: MailboxId, which: Expunge) -> Answer<'_, Expunged>;
        fn copy(&self, from: MailboxId, uids: Vec<u32>, to: MailboxId, room: Room, flags: FlagMask)
            -> Answer<'_, Copied>;
        fn move_messages(&self, from: MailboxId, uids: Vec<u32>, to: MailboxId, room: Room, flags: FlagMask)
            -> Answer<'_, Copied>;
        fn recent(&self, mailbox: MailboxId) -> Answer<'_, Range<u32>>;
        fn claim_recent(&self, mailbox: MailboxId, before: u32) -> Answer<'_, ()>;
        fn content(&self, blob: BlobId, range: Range<u64>) -> Answer<'_, Content>;
        fn parts(&self, parts: Vec<(BlobId, Range<u64>)>) -> Answer<'_, Vec<Option<Bytes>>>;
        fn sizes_on_lines(&self, blobs: Vec<BlobId>) -> Answer<'_, Vec<(BlobId, u64)>>;
        fn may_contain(&self, among: Vec<BlobId>, mapped: &str) -> Answer<'_, Option<Vec<BlobId>>>;
        fn deleted(&self, account: AccountId) -> Answer<'_, Vec<Deleted>>;
        fn undelete(&self, what: Undelete) -> Answer<'_, Appended>;
        fn purge(&self, before: i64, max: u32) -> Answer<'_, u32>;
        fn check(&self, how: Check, progress: Progress) -> Answer<'_, Vec<Finding>>;
        fn backup(&self, to: Backup, progress: Progress) -> Answer<'_, ()>;
        fn catch_up(&self) -> Answer<'_, ()>;
        fn commits(&self) -> u64;
        fn close(&self) -> Answer<'_, ()>;
    }
}
