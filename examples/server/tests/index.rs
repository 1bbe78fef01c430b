//! The pictures of the index: always what the store would say, for whoever opened early and whoever opens late, and
//! within their bound.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

use std::collections::BTreeSet;
use std::sync::Arc;

use posthaste_server::index::{Difference, Index, Open, Picture};
use posthaste_server::store::sqlite::Sqlite;
use posthaste_server::store::{
    AccountId, Check, Expunge, FlagMask, Flags, InternalDate, Keyword, Keywords, MailboxId, MailboxName,
    NewMessage, Progress, RecordChange, Room, Snapshot, Store, StoreError, StoreFlags, StoreMode,
    SystemFlags,
};
use proptest::prelude::*;
use tempfile::TempDir;

struct World {
    store: Arc<dyn Store>,
    index: Index,
    data: TempDir,
}

const ANNA: AccountId = AccountId(1);

impl World {
    async fn new(octets_max: usize) -> Self {
        let data = tempfile::tempdir().unwrap();
        let index = Index::new(octets_max);
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(data.path(), Arc::new(index.clone())).unwrap());
        store.commit(vec![RecordChange::AddAccount(ANNA)]).await.unwrap();
        Self { store, index, data }
    }

    async fn mailbox(&self, name: &str) -> MailboxId {
        self.store.mailbox(ANNA, &MailboxName::new(name).unwrap()).await.unwrap().id
    }

    async fn append(&self, mailbox: MailboxId, count: usize) {
        let mut messages = Vec::new();
        for _ in 0..count {
            let mut spool = self.store.spool();
            spool.write(b"Subject: x\r\n\r\n").await.unwrap();
            let content = spool.finish().await.unwrap();
            let date = InternalDate { seconds: 1_700_000_000, zone_minutes: 60 };
            messages.push(NewMessage { content, flags: Flags::default(), date });
        }
        self.store.append(mailbox, Room::UNLIMITED, messages).await.unwrap();
    }

    async fn open(&self, mailbox: MailboxId) -> Arc<Open> {
        self.index.open(&self.store, mailbox).await.unwrap()
    }
}

fn assert_same(picture: &Picture, snapshot: &Snapshot) {
    let rows: Vec<_> = picture.rows().map(|(_, row)| row.meta()).collect();
    assert_eq!(rows, snapshot.messages);
    let numbers = (picture.modseq, picture.uidnext, picture.uidvalidity);
    assert_eq!(numbers, (snapshot.mailbox.modseq, snapshot.mailbox.uidnext, snapshot.mailbox.uidvalidity));
    let unseen = rows.iter().filter(|meta| !meta.flags.system.contains(SystemFlags::SEEN)).count();
    let counts = picture.counts();
    assert_eq!((counts.messages, counts.unseen), (rows.len(), unseen));
    assert_eq!(counts.size, rows.iter().map(|meta| meta.size).sum::<u64>());
    for (place, meta) in rows.iter().enumerate() {
        let (seq, row) = picture.by_uid(meta.uid).unwrap();
        assert_eq!((seq.get() as usize, row.uid), (place + 1, meta.uid));
        assert_eq!(picture.by_seq(seq.get()).unwrap().uid, meta.uid);
        assert_eq!(picture.place_of(meta.uid), place);
    }
    let known: BTreeSet<&Keyword> = picture.keywords.iter().collect();
    assert!(rows.iter().flat_map(|meta| meta.flags.keywords.iter()).all(|keyword| known.contains(keyword)));
}

#[derive(Debug, Clone)]
enum Operation {
    Append(usize),
    Flag(Vec<prop::sample::Index>, u8, u8),
    FlagAll(u8, u8),
    Expunge(Vec<prop::sample::Index>),
    Move(Vec<prop::sample::Index>),
    MoveBack,
}

fn operation() -> impl Strategy<Value = Operation> {
    let some = || prop::collection::vec(any::<prop::sample::Index>(), 1..6);
    prop_oneof![
        prop_oneof![(1_usize..4).boxed(), (200_usize..300).boxed()].prop_map(Operation::Append),
        (some(), 0..3_u8, 0..4_u8).prop_map(|(which, mode, flags)| Operation::Flag(which, mode, flags)),
        (0..3_u8, 0..4_u8).prop_map(|(mode, flags)| Operation::FlagAll(mode, flags)),
        some().prop_map(Operation::Expunge),
        some().prop_map(Operation::Move),
        Just(Operation::MoveBack),
    ]
}

/// As a session does it, which tells the store what it knows.
async fn flag(world: &World, inbox: MailboxId, uids: Vec<u32>, mode: u8, flags: u8) {
    let mode = [StoreMode::Add, StoreMode::Remove, StoreMode::Replace][usize::from(mode)];
    let keywords: Keywords = Keyword::new(&format!("k{flags}")).into_iter().collect();
    let system = if flags.is_multiple_of(2) { SystemFlags::SEEN } else { SystemFlags::DELETED };
    let flags = Flags { system, keywords };
    let known = world.open(inbox).await.known(&uids);
    let change = StoreFlags { uids, mode, flags, unchanged_since: None, known };
    world.store.store_flags(inbox, change).await.unwrap();
}

async fn run(world: &World, inbox: MailboxId, trash: MailboxId, operation: Operation) {
    let snapshot = world.store.snapshot(inbox).await.unwrap();
    let uids = |which: &[prop::sample::Index]| -> Vec<u32> {
        let all = &snapshot.messages;
        let some = which.iter().filter(|_| !all.is_empty()).map(|index| all[index.index(all.len())].uid);
        some.collect::<BTreeSet<u32>>().into_iter().collect()
    };
    match operation {
        Operation::Append(count) => world.append(inbox, count).await,
        Operation::Flag(which, mode, flags) => flag(world, inbox, uids(&which), mode, flags).await,
        Operation::FlagAll(mode, flags) => {
            let all = snapshot.messages.iter().map(|meta| meta.uid).collect();
            flag(world, inbox, all, mode, flags).await;
        }
        Operation::Expunge(which) => {
            world.store.expunge(inbox, Expunge::Uids(uids(&which))).await.unwrap();
        }
        Operation::Move(which) => {
            world
                .store
                .move_messages(inbox, uids(&which), trash, Room::UNLIMITED, FlagMask::ALL)
                .await
                .unwrap();
        }
        Operation::MoveBack => {
            let all = world.store.snapshot(trash).await.unwrap().messages;
            let all = all.iter().map(|meta| meta.uid).collect();
            world.store.move_messages(trash, all, inbox, Room::UNLIMITED, FlagMask::ALL).await.unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_picture_is_what_the_store_says(operations in prop::collection::vec(operation(), 1..16)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new(1 << 24).await;
            let (inbox, trash) = (world.mailbox("INBOX").await, world.mailbox("Trash").await);
            let early = world.open(inbox).await;
            let first = early.picture();
            let mut before = Arc::clone(&first);
            let mut gone = BTreeSet::new();
            for operation in operations {
                run(&world, inbox, trash, operation).await;
                let snapshot = world.store.snapshot(inbox).await.unwrap();
                let picture = early.picture();
                assert_same(&picture, &snapshot);
                // What differs is exactly what takes one picture to the other.
                let difference = picture.since(&before);
                let mut puts = difference.added.clone();
                puts.extend(difference.changed.clone());
                puts.sort_by_key(|row| row.uid);
                let removed: Vec<u32> = difference.gone.iter().map(|row| row.uid).collect();
                gone.extend(removed.iter().copied());
                let rows = |picture: &Picture| picture.rows().map(|(_, row)| row.clone()).collect::<Vec<_>>();
                assert_eq!(rows(&before.edited(&puts, &removed)), rows(&picture));
                // A client that hears of some of it knows these as they are now, and the others as they were.
                let some: Vec<u32> = difference.changed.iter().step_by(2).map(|row| row.uid).collect();
                let told = before.with_rows_of(&picture, &some);
                let wanted = rows(&before).into_iter().map(|row| {
                    let heard = some.binary_search(&row.uid).is_ok();
                    if heard { picture.by_uid(row.uid).unwrap().1.clone() } else { row }
                });
                assert_eq!(rows(&told), wanted.collect::<Vec<_>>());
                let all: Vec<u32> = difference.changed.iter().map(|row| row.uid).collect();
                let left = picture.since(&before.with_rows_of(&picture, &all));
                let wanted = Difference { changed: Vec::new(), ..difference.clone() };
                assert_eq!(left, wanted);
                let mut finder = picture.finder();
                for uid in (0..picture.uidnext + 2).chain((0..picture.uidnext).step_by(90).rev()) {
                    assert_eq!(finder.by_uid(uid), picture.by_uid(uid));
                }
                // And so is what has changed since a mod-sequence, with what went since.
                let changed: Vec<u32> = picture.changed_since(before.modseq).map(|(_, row)| row.uid).collect();
                assert_eq!(changed, puts.iter().map(|row| row.uid).collect::<Vec<_>>());
                assert_eq!(early.since(before.modseq).1, Some(removed));
                before = picture;
            }
            assert_eq!(early.since(first.modseq).1, Some(gone.into_iter().collect()));
            // One that opens late, from memory; and one that reads it anew.
            let snapshot = world.store.snapshot(inbox).await.unwrap();
            assert_same(&world.open(inbox).await.picture(), &snapshot);
            let other = Index::new(1 << 24);
            assert_same(&other.open(&world.store, inbox).await.unwrap().picture(), &snapshot);
            world.store.close().await.unwrap();
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_recent_is_claimed_by_one_and_told_to_the_store() {
    let world = World::new(1 << 24).await;
    let inbox = world.mailbox("INBOX").await;
    let claim = |claims: bool| {
        let (index, store) = (world.index.clone(), Arc::clone(&world.store));
        tokio::spawn(async move {
            let mut claimed = Vec::new();
            for _ in 0..60 {
                let open = index.open(&store, inbox).await.unwrap();
                let end = open.picture().uidnext;
                let recent = open.recent(&store, end, claims).await.unwrap();
                assert_eq!(recent.end, end);
                claimed.push(recent);
                tokio::task::yield_now().await;
            }
            claimed
        })
    };
    let tasks: Vec<_> = [true, true, false, true, true].map(claim).into();
    for _ in 0..20 {
        world.append(inbox, 2).await;
    }
    let mut claimed = Vec::new();
    for (number, task) in tasks.into_iter().enumerate() {
        let ranges = task.await.unwrap();
        // Looking alone claims nothing.
        claimed.extend(ranges.into_iter().filter(|range| number != 2 && !range.is_empty()));
    }
    let open = world.open(inbox).await;
    claimed.push(open.recent(&world.store, 41, true).await.unwrap());
    claimed.sort_by_key(|range| (range.start, range.end));
    let uids: Vec<u32> = claimed.into_iter().flatten().collect();
    assert_eq!(uids, (1..41).collect::<Vec<u32>>(), "each once");
    assert_eq!(open.recent(&world.store, 41, true).await, Ok(41..41));
    // Whoever reads it from the store again, finds it claimed.
    world.index.tell_claims(&world.store).await;
    assert_eq!(world.store.recent(inbox).await, Ok(41..41));
    let commits = world.store.commits();
    world.index.tell_claims(&world.store).await;
    assert_eq!(world.store.commits(), commits, "there is nothing to tell");
    world.store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn opened_while_it_changes_nothing_is_missed() {
    let world = World::new(1 << 24).await;
    let inbox = world.mailbox("INBOX").await;
    for _ in 0..20 {
        let index = world.index.clone();
        let store = Arc::clone(&world.store);
        let opening = tokio::spawn(async move { index.open(&store, inbox).await.unwrap() });
        world.append(inbox, 2).await;
        let open = opening.await.unwrap();
        assert_same(&open.picture(), &world.store.snapshot(inbox).await.unwrap());
    }
    world.store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn rel_30_what_a_repair_removes_goes_from_an_open_picture() {
    let world = World::new(1 << 24).await;
    let inbox = world.mailbox("INBOX").await;
    world.append(inbox, 3).await;
    let open = world.open(inbox).await;
    let known = open.picture().modseq;
    let mut changes = open.watch();
    changes.mark_unchanged();
    let sql = rusqlite::Connection::open(world.data.path().join("posthaste.sqlite")).unwrap();
    sql.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    sql.execute("DELETE FROM blobs WHERE id = 2", []).unwrap();
    world.store.check(Check::Repair, Progress::silent()).await.unwrap();
    assert!(changes.has_changed().unwrap());
    let picture = open.refreshed(&world.store).await.unwrap();
    assert_same(&picture, &world.store.snapshot(inbox).await.unwrap());
    assert_eq!(picture.len(), 2);
    assert_eq!(open.since(known).1, Some(vec![2]));
    world.store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn res_05_what_nobody_has_open_goes_when_there_is_no_room() {
    let world = World::new(40_000).await;
    let inbox = world.mailbox("INBOX").await;
    world.append(inbox, 300).await;
    let mut others = Vec::new();
    for name in ["a", "b", "c"] {
        let mailbox = world.store.create_mailbox(ANNA, &MailboxName::new(name).unwrap(), None).await.unwrap();
        world.append(mailbox.id, 200).await;
        others.push(mailbox.id);
    }
    let kept = world.open(inbox).await;
    for other in &others {
        drop(world.open(*other).await);
    }
    assert!(world.index.octets() <= 40_000, "{} octets", world.index.octets());
    // Open ones stay; of the others, the one that was used last.
    assert!(world.index.picture(inbox).is_some());
    assert!(world.index.picture(others[2]).is_some());
    assert!(world.index.picture(others[0]).is_none());
    // Only sessions of a mailbox are woken by it.
    let (mut mine, mut theirs) = (kept.watch(), world.open(others[2]).await.watch());
    world.append(inbox, 1).await;
    assert!(mine.has_changed().unwrap() && !theirs.has_changed().unwrap());
    mine.mark_unchanged();
    world.append(others[2], 1).await;
    assert!(!mine.has_changed().unwrap() && theirs.has_changed().unwrap());
    theirs.mark_unchanged();
    assert!(kept.picture().octets() <= 301 * 80 + 1024, "{} octets", kept.picture().octets());
    world.store.close().await.unwrap();
}

#[tokio::test]
async fn the_names_of_an_account_go_with_it_and_with_its_mail() {
    let world = World::new(1 << 20).await;
    let (ben, inbox) = (AccountId(2), MailboxName::inbox());
    world.store.commit(vec![RecordChange::AddAccount(ben)]).await.unwrap();
    let told = async |account| world.index.named(&world.store, account, &inbox).await;
    let (of_anna, of_ben) = (told(ANNA).await.unwrap(), told(ben).await.unwrap());
    world.store.commit(vec![RecordChange::EmptyAccount(ANNA)]).await.unwrap();
    let again = told(ANNA).await.unwrap();
    assert_eq!(world.store.mailbox(ANNA, &inbox).await, Ok(again.clone()));
    assert!(again.id != of_anna.id && again.uidvalidity > of_anna.uidvalidity);
    // What is refused ends nothing.
    let refused = vec![RecordChange::RemoveAccount(ben), RecordChange::AddAccount(ANNA)];
    assert!(matches!(world.store.commit(refused).await, Err(StoreError::Conflict(_))));
    assert_eq!(told(ben).await, Ok(of_ben.clone()));
    world.store.commit(vec![RecordChange::RemoveAccount(ANNA)]).await.unwrap();
    assert_eq!(told(ANNA).await, Err(StoreError::NoSuchMailbox));
    assert_eq!(told(ben).await, Ok(of_ben));
    world.store.close().await.unwrap();
}

#[derive(Debug, Clone)]
enum Naming {
    Create(usize),
    Delete(usize),
    Rename(usize, usize),
    Subscribe(usize),
    Unsubscribe(usize),
    Look(usize),
    Empty,
}

const NAMES: [&str; 5] = ["INBOX", "A", "A/B", "B", "B/A"];

fn naming() -> impl Strategy<Value = Naming> {
    let name = || 0..NAMES.len();
    prop_oneof![
        name().prop_map(Naming::Create),
        name().prop_map(Naming::Delete),
        (name(), name()).prop_map(|(from, to)| Naming::Rename(from, to)),
        name().prop_map(Naming::Subscribe),
        name().prop_map(Naming::Unsubscribe),
        name().prop_map(Naming::Look),
        Just(Naming::Empty),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_name_is_always_the_mailbox_that_the_store_would_say(
        steps in prop::collection::vec(naming(), 1..24),
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let world = World::new(1 << 20).await;
            let named = |at: usize| {
                let (world, name) = (&world, MailboxName::new(NAMES[at]).unwrap());
                async move {
                    let told = world.index.named(&world.store, ANNA, &name).await;
                    (told, world.store.mailbox(ANNA, &name).await)
                }
            };
            for step in steps {
                let name = |at: usize| MailboxName::new(NAMES[at]).unwrap();
                let id = async |at: usize| world.store.mailbox(ANNA, &name(at)).await.map(|found| found.id);
                // What the store refuses changes nothing, and is not the matter here.
                match step {
                    Naming::Create(at) => drop(world.store.create_mailbox(ANNA, &name(at), None).await),
                    Naming::Delete(at) => {
                        if let Ok(id) = id(at).await {
                            drop(world.store.delete_mailbox(id).await);
                        }
                    }
                    Naming::Rename(from, to) => {
                        if let Ok(id) = id(from).await {
                            drop(world.store.rename_mailbox(id, &name(to)).await);
                        }
                    }
                    Naming::Subscribe(at) => drop(world.store.subscribe(ANNA, NAMES[at]).await),
                    Naming::Unsubscribe(at) => drop(world.store.unsubscribe(ANNA, NAMES[at]).await),
                    Naming::Look(at) => drop(named(at).await),
                    Naming::Empty => {
                        world.store.commit(vec![RecordChange::EmptyAccount(ANNA)]).await.unwrap();
                    }
                }
                for (at, name) in NAMES.into_iter().enumerate() {
                    let (told, stored) = named(at).await;
                    assert_eq!(told, stored, "{name}");
                }
            }
        });
    }
}
