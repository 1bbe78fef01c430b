//! How fast the store is: `cargo bench -p posthaste-server --bench store [-- DIRECTORY]`, where the directory should
//! be on the disk that matters. Prints deliveries a second with the flushes each has cost, and how long it takes to
//! work on a mailbox of a hundred thousand messages.
#![allow(
    clippy::unwrap_used,
    clippy::clone_on_ref_ptr,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a measurement"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use posthaste_server::store::sqlite::Sqlite;
use posthaste_server::store::{
    AccountId, BlobId, Delivery, FlagMask, Flags, InternalDate, MailboxId, MailboxName, NewMessage,
    NoListener, RecordChange, Room, Spooled, Store, StoreFlags, StoreMode, SystemFlags,
};

fn main() {
    let place = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).map(PathBuf::from);
    let directory = match place {
        Some(place) => tempfile::tempdir_in(place).unwrap(),
        None => tempfile::tempdir().unwrap(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(directory.path(), Arc::new(NoListener)).unwrap());
        let accounts: Vec<AccountId> = (1..=ACCOUNTS).map(AccountId).collect();
        store
            .commit(accounts.iter().map(|account| RecordChange::AddAccount(*account)).collect())
            .await
            .unwrap();
        deliveries(&store).await;
        large_mailbox(&store).await;
        store.close().await.unwrap();
    });
}

/// Fifty callers, each of which delivers the next message when the last is on disk.
async fn deliveries(store: &Arc<dyn Store>) {
    let (began, commits) = (Instant::now(), store.commits());
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..CALLERS {
        let store = store.clone();
        callers.spawn(async move {
            let mut done: u32 = 0;
            while began.elapsed() < FOR {
                let mut message = spooled(&*store, &[b'x'; 2048]).await;
                message.set_summary(Bytes::from_static(&[b's'; 600]));
                message.set_ids(vec![format!("{caller}.{done}@x.test").into_bytes()]);
                let account = AccountId(i64::from((caller * 31 + done * 7) % 200) + 1);
                let delivery =
                    Delivery { account, mailbox: MailboxName::inbox(), room: Room::UNLIMITED, once: None };
                store.deliver(new(message), vec![delivery], true).await.unwrap();
                done += 1;
            }
            done
        });
    }
    let done: u32 = callers.join_all().await.into_iter().sum();
    let commits = store.commits() - commits;
    println!(
        "{:.0} deliveries/s of 2 KiB, {CALLERS} callers, {:.3} flushes each",
        f64::from(done) / began.elapsed().as_secs_f64(),
        commits as f64 / f64::from(done),
    );
}

async fn large_mailbox(store: &Arc<dyn Store>) {
    let mailbox = store.mailbox(AccountId(1), &MailboxName::new("Archive").unwrap()).await.unwrap().id;
    let mut uids: Vec<u32> = Vec::new();
    while uids.len() < MESSAGES {
        let mut messages = Vec::new();
        for _ in 0..2000 {
            let mut message = spooled(&**store, &[b'x'; 2048]).await;
            message.set_summary(Bytes::from_static(&[b's'; 600]));
            messages.push(new(message));
        }
        uids.extend(store.append(mailbox, Room::UNLIMITED, messages).await.unwrap().uids);
    }
    let mut blobs: Vec<BlobId> = Vec::new();
    for _ in 0..3 {
        let began = Instant::now();
        let snapshot = store.snapshot(mailbox).await.unwrap();
        report("snapshot", began);
        blobs = snapshot.messages.iter().map(|meta| meta.blob).collect();
    }
    for mode in [StoreMode::Add, StoreMode::Remove, StoreMode::Add, StoreMode::Remove] {
        let flags = SystemFlags::SEEN;
        let change =
            StoreFlags { uids: uids.clone(), mode, flags: flags.into(), unchanged_since: None, known: None };
        let began = Instant::now();
        store.store_flags(mailbox, change).await.unwrap();
        report("change of a flag", began);
    }
    for _ in 0..2 {
        let asked = blobs.clone();
        let began = Instant::now();
        store.summaries(asked).await.unwrap();
        report("summaries", began);
    }
    one_row(store, mailbox).await;
    let began = Instant::now();
    store.copy(mailbox, uids.clone(), trash(store).await, Room::UNLIMITED, FlagMask::ALL).await.unwrap();
    report("copy", began);
    let began = Instant::now();
    store.expunge(mailbox, posthaste_server::store::Expunge::Uids(uids)).await.unwrap();
    report("expunge", began);
}

async fn trash(store: &Arc<dyn Store>) -> MailboxId {
    store.mailbox(AccountId(1), &MailboxName::new("Trash").unwrap()).await.unwrap().id
}

async fn one_row(store: &Arc<dyn Store>, mailbox: MailboxId) {
    let began = Instant::now();
    for _ in 0..READS {
        store.mailbox_by_id(mailbox).await.unwrap();
    }
    println!("{:.1} \u{b5}s for a read of one row", began.elapsed().as_secs_f64() * 1e6 / f64::from(READS));
}

fn report(what: &str, began: Instant) {
    println!("{:.0} ms for a {what} of {MESSAGES} messages", began.elapsed().as_secs_f64() * 1e3);
}

async fn spooled(store: &dyn Store, content: &[u8]) -> Spooled {
    let mut spool = store.spool();
    spool.write(content).await.unwrap();
    spool.finish().await.unwrap()
}

fn new(content: Spooled) -> NewMessage {
    NewMessage { content, flags: Flags::default(), date: InternalDate::now() }
}

const ACCOUNTS: i64 = 200;
const CALLERS: u32 = 50;
const FOR: Duration = Duration::from_secs(5);
const MESSAGES: usize = 100_000;
const READS: u32 = 10_000;
