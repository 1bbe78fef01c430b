//! A store that tells how it is used: every operation is counted, with what came of it and how long it took.
//!
//! It stands in front of a store of any kind and decides nothing. What is dropped before its answer is not counted.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::{
    AccountId, Annotation, Answer, Appended, Backup, BlobId, Check, Content, Copied, Deleted, Delivered,
    Delivery, Expunge, Expunged, Finding, FlagMask, Grant, Mailbox, MailboxId, MailboxName, NewMessage, News,
    Progress, Record, RecordChange, Replaced, Room, Snapshot, SpecialUse, Spool, Status, Store, StoreError,
    StoreFlags, Stored, Undelete, Usage,
};
use crate::metrics;

/// A store, and a count of what is asked of it.
#[derive(Debug)]
pub struct Observed(Arc<dyn Store>);

impl Observed {
    /// The same store, counted.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self(store)
    }
}

/// Waits for the answer and counts it.
fn told<'a, T: Send + 'a>(operation: &'static str, answer: Answer<'a, T>) -> Answer<'a, T> {
    Box::pin(async move {
        let begun = Instant::now();
        let answer = answer.await;
        metrics::stored(operation, begun.elapsed(), answer.as_ref().err());
        answer
    })
}

impl Store for Observed {
    fn records(&self) -> Answer<'_, Vec<Record>> {
        told("records", self.0.records())
    }

    fn commit(&self, changes: Vec<RecordChange>) -> Answer<'_, ()> {
        told("commit", self.0.commit(changes))
    }

    fn usage(&self, account: AccountId) -> Answer<'_, Usage> {
        told("usage", self.0.usage(account))
    }

    fn usages(&self) -> Answer<'_, Vec<(AccountId, Usage)>> {
        told("usages", self.0.usages())
    }

    fn mailboxes(&self, account: AccountId) -> Answer<'_, Vec<Mailbox>> {
        told("mailboxes", self.0.mailboxes(account))
    }

    fn mailbox(&self, account: AccountId, name: &MailboxName) -> Answer<'_, Mailbox> {
        told("mailbox", self.0.mailbox(account, name))
    }

    fn mailbox_by_id(&self, mailbox: MailboxId) -> Answer<'_, Mailbox> {
        told("mailbox_by_id", self.0.mailbox_by_id(mailbox))
    }

    fn create_mailbox(
        &self,
        account: AccountId,
        name: &MailboxName,
        special_use: Option<SpecialUse>,
    ) -> Answer<'_, Mailbox> {
        told("create_mailbox", self.0.create_mailbox(account, name, special_use))
    }

    fn delete_mailbox(&self, mailbox: MailboxId) -> Answer<'_, ()> {
        told("delete_mailbox", self.0.delete_mailbox(mailbox))
    }

    fn rename_mailbox(&self, mailbox: MailboxId, to: &MailboxName) -> Answer<'_, ()> {
        told("rename_mailbox", self.0.rename_mailbox(mailbox, to))
    }

    fn subscribe(&self, account: AccountId, name: &str) -> Answer<'_, ()> {
        told("subscribe", self.0.subscribe(account, name))
    }

    fn unsubscribe(&self, account: AccountId, name: &str) -> Answer<'_, ()> {
        told("unsubscribe", self.0.unsubscribe(account, name))
    }

    fn subscriptions(&self, account: AccountId) -> Answer<'_, Vec<String>> {
        told("subscriptions", self.0.subscriptions(account))
    }

    fn status(&self, mailbox: MailboxId) -> Answer<'_, Status> {
        told("status", self.0.status(mailbox))
    }

    fn grants(&self, mailbox: MailboxId) -> Answer<'_, Vec<Grant>> {
        told("grants", self.0.grants(mailbox))
    }

    fn grant(&self, mailbox: MailboxId, grant: Grant) -> Answer<'_, ()> {
        told("grant", self.0.grant(mailbox, grant))
    }

    fn granted_to(&self, identifiers: Vec<String>) -> Answer<'_, Vec<(Mailbox, Vec<Grant>)>> {
        told("granted_to", self.0.granted_to(identifiers))
    }

    fn annotations(&self, account: AccountId, mailbox: Option<MailboxId>) -> Answer<'_, Vec<Annotation>> {
        told("annotations", self.0.annotations(account, mailbox))
    }

    fn annotate(
        &self,
        account: AccountId,
        mailbox: Option<MailboxId>,
        changes: Vec<(String, Option<Bytes>)>,
    ) -> Answer<'_, ()> {
        told("annotate", self.0.annotate(account, mailbox, changes))
    }

    fn spool(&self) -> Spool {
        self.0.spool()
    }

    fn deliver(
        &self,
        message: NewMessage,
        deliveries: Vec<Delivery>,
        all_or_none: bool,
    ) -> Answer<'_, Vec<Result<Delivered, StoreError>>> {
        let answer = told("deliver", self.0.deliver(message, deliveries, all_or_none));
        Box::pin(async move {
            let outcomes = answer.await?;
            for outcome in &outcomes {
                if matches!(outcome, Err(StoreError::OverQuota { .. })) {
                    metrics::quota_refused("deliver");
                }
            }
            Ok(outcomes)
        })
    }

    fn append(&self, mailbox: MailboxId, room: Room, messages: Vec<NewMessage>) -> Answer<'_, Appended> {
        told("append", self.0.append(mailbox, room, messages))
    }

    fn replace(
        &self,
        mailbox: MailboxId,
        uid: u32,
        to: MailboxId,
        room: Room,
        message: NewMessage,
    ) -> Answer<'_, Replaced> {
        told("replace", self.0.replace(mailbox, uid, to, room, message))
    }

    fn snapshot(&self, mailbox: MailboxId) -> Answer<'_, Snapshot> {
        told("snapshot", self.0.snapshot(mailbox))
    }

    fn changed_since(&self, mailbox: MailboxId, modseq: u64) -> Answer<'_, News> {
        told("changed_since", self.0.changed_since(mailbox, modseq))
    }

    fn store_flags(&self, mailbox: MailboxId, change: StoreFlags) -> Answer<'_, Stored> {
        told("store_flags", self.0.store_flags(mailbox, change))
    }

    fn expunge(&self, mailbox: MailboxId, which: Expunge) -> Answer<'_, Expunged> {
        told("expunge", self.0.expunge(mailbox, which))
    }

    fn copy(
        &self,
        from: MailboxId,
        uids: Vec<u32>,
        to: MailboxId,
        room: Room,
        flags: FlagMask,
    ) -> Answer<'_, Copied> {
        told("copy", self.0.copy(from, uids, to, room, flags))
    }

    fn move_messages(
        &self,
        from: MailboxId,
        uids: Vec<u32>,
        to: MailboxId,
        room: Room,
        flags: FlagMask,
    ) -> Answer<'_, Copied> {
        told("move_messages", self.0.move_messages(from, uids, to, room, flags))
    }

    fn recent(&self, mailbox: MailboxId) -> Answer<'_, Range<u32>> {
        told("recent", self.0.recent(mailbox))
    }

    fn claim_recent(&self, mailbox: MailboxId, before: u32) -> Answer<'_, ()> {
        told("claim_recent", self.0.claim_recent(mailbox, before))
    }

    fn content(&self, blob: BlobId, range: Range<u64>) -> Answer<'_, Content> {
        told("content", self.0.content(blob, range))
    }

    fn parts(&self, parts: Vec<(BlobId, Range<u64>)>) -> Answer<'_, Vec<Option<Bytes>>> {
        told("parts", self.0.parts(parts))
    }

    fn summaries(&self, blobs: Vec<BlobId>) -> Answer<'_, Vec<Option<Bytes>>> {
        told("summaries", self.0.summaries(blobs))
    }

    fn sizes_on_lines(&self, blobs: Vec<BlobId>) -> Answer<'_, Vec<(BlobId, u64)>> {
        told("sizes_on_lines", self.0.sizes_on_lines(blobs))
    }

    fn may_contain(&self, among: Vec<BlobId>, mapped: &str) -> Answer<'_, Option<Vec<BlobId>>> {
        told("may_contain", self.0.may_contain(among, mapped))
    }

    fn deleted(&self, account: AccountId) -> Answer<'_, Vec<Deleted>> {
        told("deleted", self.0.deleted(account))
    }

    fn undelete(&self, what: Undelete) -> Answer<'_, Appended> {
        told("undelete", self.0.undelete(what))
    }

    fn purge(&self, before: i64, max: u32) -> Answer<'_, u32> {
        told("purge", self.0.purge(before, max))
    }

    fn check(&self, how: Check, progress: Progress) -> Answer<'_, Vec<Finding>> {
        told("check", self.0.check(how, progress))
    }

    fn backup(&self, to: Backup, progress: Progress) -> Answer<'_, ()> {
        told("backup", self.0.backup(to, progress))
    }

    fn catch_up(&self) -> Answer<'_, ()> {
        told("catch_up", self.0.catch_up())
    }

    fn free_space(&self) -> Option<u64> {
        self.0.free_space()
    }

    fn commits(&self) -> u64 {
        self.0.commits()
    }

    fn close(&self) -> Answer<'_, ()> {
        told("close", self.0.close())
    }
}
