//! Undeleting, checking, copying, opening and closing.

use std::collections::BTreeSet;
use std::sync::Arc;

use posthaste_server::store::{
    Backup, Check, Delivery, Expunge, FlagMask, Flags, Mailbox, MailboxId, NewMessage, NoListener, Progress,
    RecordChange, Room, Store, StoreError, SystemFlags, Undelete, uidl,
};

use crate::stores::{ANNA, BEN, DATE, Stage, named, octets, to_inbox};

pub(crate) async fn expunged_mail_can_be_had_back(stage: Stage) {
    let (store, inbox) = (&stage.store, stage.inbox().await);
    let flags = SystemFlags::DELETED | SystemFlags::SEEN;
    stage.append(inbox, b"one", flags.into()).await;
    store.expunge(inbox, Expunge::Deleted).await.unwrap();
    let more = store.create_mailbox(ANNA, &named("more"), None).await.unwrap().id;
    stage.append(more, b"two!", Flags::default()).await;
    store.delete_mailbox(more).await.unwrap();
    let deleted = store.deleted(ANNA).await.unwrap();
    let shown: Vec<_> = deleted.iter().map(|d| (d.mailbox.as_str(), d.size)).collect();
    assert_eq!(shown, [("more", 4), ("INBOX", 3)]);
    assert_eq!(stage.content(deleted[1].blob, 0..9).await, b"one");
    assert_eq!(store.usage(ANNA).await.unwrap().octets, 0);

    let ids = vec![deleted[0].id, deleted[1].id, 999];
    let what = |to, room| Undelete { account: ANNA, ids: ids.clone(), to, room };
    let refused = store.undelete(what(inbox, octets(6))).await;
    assert!(matches!(refused, Err(StoreError::OverQuota { .. })));
    assert_eq!(store.deleted(ANNA).await.unwrap(), deleted);
    assert_eq!(store.undelete(what(more, Room::UNLIMITED)).await, Err(StoreError::NoSuchMailbox));
    let bens = stage.mailbox(BEN, "INBOX").await.id;
    assert_eq!(store.undelete(what(bens, Room::UNLIMITED)).await, Err(StoreError::NoSuchMailbox));
    // Only its owner's.
    let theft = Undelete { account: BEN, ids: ids.clone(), to: bens, room: Room::UNLIMITED };
    assert_eq!(store.undelete(theft).await.unwrap().uids, [0; 0]);
    assert_eq!(store.undelete(what(inbox, octets(7))).await.unwrap().uids, [2, 3]);
    let metas = stage.metas(inbox).await;
    assert_eq!(metas[0].flags.system, SystemFlags::SEEN);
    assert_eq!(store.deleted(ANNA).await.unwrap(), []);
    stage.check().await;
}

pub(crate) async fn purging_lets_go_for_good(stage: Stage) {
    let (store, inbox) = (&stage.store, stage.inbox().await);
    for _ in 0..3 {
        stage.append(inbox, b"x", Flags::default()).await;
    }
    let blob = stage.blob(inbox, 1).await;
    store.expunge(inbox, Expunge::Uids(vec![1, 2, 3])).await.unwrap();
    assert_eq!(store.purge(0, 10).await, Ok(0));
    assert_eq!(store.purge(i64::MAX, 2).await, Ok(2));
    assert_eq!(store.deleted(ANNA).await.unwrap().len(), 1);
    assert_eq!(store.purge(i64::MAX, 2).await, Ok(1));
    assert_eq!(store.purge(i64::MAX, 2).await, Ok(0));
    assert!(matches!(store.content(blob, 0..1).await, Err(StoreError::NoSuchMessage)));
    stage.check().await;
}

pub(crate) async fn st_03_what_is_deleted_is_bounded_by_the_room_of_its_account(stage: Stage) {
    let (store, inbox) = (&stage.store, stage.inbox().await);
    let trash = stage.mailbox(ANNA, "Trash").await.id;
    let deleted = async || {
        let usage = store.usage(ANNA).await.unwrap();
        let listed = store.deleted(ANNA).await.unwrap();
        assert_eq!(usage.deleted_messages, listed.len() as u64);
        assert_eq!(usage.deleted_octets, listed.iter().map(|one| one.size).sum::<u64>());
        usage.deleted_octets
    };
    let room = octets(100);
    // Bringing and deleting over and over keeps what is within the room, and the latest of it.
    for round in 0..50_u8 {
        let uid = stage.try_append(inbox, room, &[b'a' + round % 26; 30]).await.unwrap().uids[0];
        assert!(deleted().await <= 100, "round {round}");
        store.expunge(inbox, Expunge::Uids(vec![uid])).await.unwrap();
    }
    let latest = store.deleted(ANNA).await.unwrap();
    assert_eq!(latest.len(), 4);
    let mut draft = stage.append(trash, &[b'd'; 30], Flags::default()).await;
    for _ in 0..9 {
        let again = stage.message(&[b'd'; 30], Flags::default()).await;
        draft = store.replace(trash, draft, trash, octets(20), again).await.unwrap().appended.uids[0];
        assert_eq!(deleted().await, 0);
    }
    store.expunge(trash, Expunge::Uids(vec![draft])).await.unwrap();
    for round in 46..50_u8 {
        let uid = stage.append(inbox, &[b'a' + round % 26; 30], Flags::default()).await;
        store.expunge(inbox, Expunge::Uids(vec![uid])).await.unwrap();
    }
    let latest = store.deleted(ANNA).await.unwrap();
    assert_eq!(stage.content(latest[0].blob, 0..1).await, [b'a' + 49 % 26]);
    // So does every other way in.
    let bring = async |content: &[u8]| stage.append(inbox, content, Flags::default()).await;
    let clear = async || store.expunge(inbox, Expunge::Uids((1..200).collect())).await.unwrap();
    let (one, other) = (bring(&[b'x'; 90]).await, bring(&[b'y'; 10]).await);
    store.copy(inbox, vec![one], trash, octets(1000), FlagMask::ALL).await.unwrap();
    store.expunge(inbox, Expunge::Uids(vec![one])).await.unwrap();
    assert_eq!(deleted().await, 240);
    store.copy(inbox, vec![other], trash, octets(110), FlagMask::ALL).await.unwrap();
    assert_eq!(deleted().await, 90);
    clear().await;
    let message = stage.message(b"123", Flags::default()).await;
    let delivery = Delivery { room: Room { messages: Some(1000), ..octets(103) }, ..to_inbox(ANNA) };
    store.deliver(message, vec![delivery], true).await.unwrap();
    assert_eq!(deleted().await, 100);
    // Messages are counted as well, and what is brought back is not deleted any more.
    let room = Room { messages: Some(4), ..Room::UNLIMITED };
    stage.try_append(inbox, room, b"4567").await.unwrap();
    for _ in 0..3 {
        let ids = vec![store.deleted(ANNA).await.unwrap()[0].id];
        let what = Undelete { account: ANNA, ids, to: inbox, room: Room::UNLIMITED };
        store.undelete(what).await.map(|_| ()).unwrap();
        deleted().await;
        store.expunge(inbox, Expunge::Uids(stage.uids(inbox).await)).await.unwrap();
    }
    assert_eq!(deleted().await, 107);
    store.delete_mailbox(trash).await.unwrap();
    assert_eq!(deleted().await, 207);
    // Nothing goes that is asked for, and nothing where there is no limit.
    let ids: Vec<i64> = store.deleted(ANNA).await.unwrap().iter().map(|one| one.id).collect();
    stage.append(inbox, b"", Flags::default()).await;
    assert_eq!(deleted().await, 207);
    let back = Undelete { account: ANNA, ids: ids.clone(), to: inbox, room: octets(207) };
    assert_eq!(store.undelete(back).await.unwrap().uids.len(), ids.len());
    assert_eq!(deleted().await, 0);
    stage.check().await;
}

pub(crate) async fn st_03_what_is_deleted_is_bounded_without_a_quota_too(stage: Stage) {
    let (store, inbox) = (&stage.store, stage.inbox().await);
    let room = Room { deleted_octets: Some(100), ..Room::UNLIMITED };
    assert!(!room.is_limited() && room.takes(&store.usage(ANNA).await.unwrap(), u64::MAX));
    let mut kept = Vec::new();
    for round in 0..30_u64 {
        let uid = stage.try_append(inbox, room, &[b'x'; 30]).await.unwrap().uids[0];
        let deleted = store.usage(ANNA).await.unwrap().deleted_octets;
        assert!(deleted <= 100 && deleted == store.deleted(ANNA).await.unwrap().len() as u64 * 30, "{round}");
        kept.push(stage.blob(inbox, uid).await);
        store.expunge(inbox, Expunge::Uids(vec![uid])).await.unwrap();
    }
    // The latest are there, and what went is gone for good.
    let left: Vec<_> = store.deleted(ANNA).await.unwrap().iter().map(|deleted| deleted.blob).collect();
    assert_eq!(left, [kept[29], kept[28], kept[27], kept[26]]);
    assert_eq!(stage.content(kept[26], 0..9).await, [b'x'; 9]);
    assert!(matches!(store.content(kept[25], 0..9).await, Err(StoreError::NoSuchMessage)));
    // A quota is the limit where there is one.
    let room = Room { deleted_octets: Some(10), ..octets(90) };
    stage.try_append(inbox, room, &[b'y'; 30]).await.unwrap();
    assert_eq!(store.deleted(ANNA).await.unwrap().len(), 3);
    // What is live counts to no limit of what is deleted.
    let room = Room { deleted_octets: Some(90), ..Room::UNLIMITED };
    stage.try_append(inbox, room, &[b'z'; 500]).await.unwrap();
    assert_eq!(store.deleted(ANNA).await.unwrap().len(), 3);
    stage.check().await;
}

pub(crate) async fn rel_28_a_backup_is_a_store(stage: Stage) {
    let inbox = stage.inbox().await;
    for _ in 0..20 {
        stage.append(inbox, &[b'x'; 100_000], Flags::default()).await;
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let directory = elsewhere.path().join("copy");
    let to = Backup { directory: directory.clone() };
    let told = std::sync::Arc::new(std::sync::Mutex::new((0, 0)));
    let teller = told.clone();
    let progress = Progress::new(move |done, of| *teller.lock().unwrap() = (done, of));
    // While the store goes on.
    let copying = stage.store.backup(to.clone(), progress);
    let writing = async {
        for _ in 0..20 {
            stage.append(inbox, b"later", Flags::default()).await;
        }
    };
    let (copied, ()) = tokio::join!(copying, writing);
    copied.unwrap();
    let (done, of) = *told.lock().unwrap();
    assert!(done == of && of > 0);
    assert!(matches!(stage.store.backup(to, Progress::silent()).await, Err(StoreError::Io { .. })));
    let copy = (stage.maker)(&directory, std::sync::Arc::new(NoListener)).unwrap();
    assert_eq!(copy.check(Check::Report, Progress::silent()).await.unwrap(), []);
    let there = copy.snapshot(inbox).await.unwrap().messages;
    assert!(there.len() >= 20);
    assert_eq!(stage.metas(inbox).await[..there.len()], there);
    copy.close().await.unwrap();
    let nowhere = Backup { directory: elsewhere.path().join("no/such") };
    assert!(stage.store.backup(nowhere, Progress::silent()).await.is_err());
}

pub(crate) async fn rel_28_a_copy_calls_no_message_what_the_original_calls_another(stage: Stage) {
    let inbox = stage.inbox().await;
    stage.append(inbox, b"Subject: before\r\n\r\n", Flags::default()).await;
    stage.store.catch_up().await.unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let directory = elsewhere.path().join("copy");
    stage.store.backup(Backup { directory: directory.clone() }, Progress::silent()).await.unwrap();
    // What the original does afterwards, clients have seen.
    let original = went_on(&stage.store, inbox).await;
    let kept = stage.store.mailboxes(ANNA).await.unwrap();

    let open = || (stage.maker)(&directory, std::sync::Arc::new(NoListener)).unwrap();
    let copy = open();
    let renewed = copy.mailboxes(ANNA).await.unwrap();
    let highest = kept.iter().map(|mailbox| mailbox.uidvalidity).max();
    assert_eq!(renewed.len(), kept.len() - 1);
    assert!(renewed.iter().all(|mailbox| Some(mailbox.uidvalidity) > highest), "{renewed:?}");
    let different: BTreeSet<u32> = renewed.iter().map(|mailbox| mailbox.uidvalidity).collect();
    assert_eq!(different.len(), renewed.len());
    // What both have is the same content still.
    let there = copy.snapshot(inbox).await.unwrap().messages;
    assert_eq!(there, stage.metas(inbox).await[..1]);
    let restored = went_on(&copy, inbox).await;
    assert!(original.is_disjoint(&restored), "{original:?} {restored:?}");
    // The index goes on.
    let all: BTreeSet<_> =
        copy.snapshot(inbox).await.unwrap().messages.iter().map(|meta| meta.blob).collect();
    let found = async || {
        let all = all.iter().copied().collect();
        copy.may_contain(all, "SUBJECT: LATER").await.unwrap().unwrap().len()
    };
    assert_eq!(found().await, 1);
    copy.catch_up().await.unwrap();
    assert_eq!(found().await, 1);
    assert_eq!(copy.check(Check::Report, Progress::silent()).await.unwrap(), []);
    copy.close().await.unwrap();
    // It is a copy no more, and its own copies are ones again.
    let copy = open();
    assert_eq!(copy.mailbox_by_id(inbox).await.unwrap().uidvalidity, renewed_inbox(&renewed));
    let directory = elsewhere.path().join("of the copy");
    copy.backup(Backup { directory: directory.clone() }, Progress::silent()).await.unwrap();
    copy.close().await.unwrap();
    let third = (stage.maker)(&directory, std::sync::Arc::new(NoListener)).unwrap();
    assert!(third.mailbox_by_id(inbox).await.unwrap().uidvalidity > renewed_inbox(&renewed));
    third.close().await.unwrap();
}

fn renewed_inbox(mailboxes: &[Mailbox]) -> u32 {
    mailboxes.iter().find(|mailbox| mailbox.name == "INBOX").unwrap().uidvalidity
}

/// All that names something new after a mailbox was made, and a message came into it and into INBOX: UIDLs, and the ids
/// of contents, conversations and mailboxes.
async fn went_on(store: &Arc<dyn Store>, inbox: MailboxId) -> BTreeSet<String> {
    let made = store.create_mailbox(ANNA, &named("made later"), None).await.unwrap();
    let mut names = BTreeSet::from([format!("F{}", made.id)]);
    for mailbox in [inbox, made.id] {
        let mut spool = store.spool();
        spool.write(b"Subject: later\r\n\r\n").await.unwrap();
        let content = spool.finish().await.unwrap();
        let message = NewMessage { content, flags: Flags::default(), date: DATE };
        let appended = store.append(mailbox, Room::UNLIMITED, vec![message]).await.unwrap();
        let snapshot = store.snapshot(mailbox).await.unwrap();
        let meta = snapshot.messages.iter().find(|meta| meta.uid == appended.uids[0]).unwrap();
        names.insert(uidl(appended.uidvalidity, meta.uid));
        names.extend([format!("M{}", meta.blob), format!("T{}", meta.thread)]);
    }
    assert_eq!(names.len(), 7);
    names
}

pub(crate) async fn rel_30_a_sound_store_has_no_findings(stage: Stage) {
    let inbox = stage.inbox().await;
    stage.append(inbox, b"x", Flags::default()).await;
    stage.store.expunge(inbox, Expunge::Uids(vec![1])).await.unwrap();
    for how in [Check::Report, Check::Repair] {
        assert_eq!(stage.store.check(how, Progress::silent()).await.unwrap(), []);
    }
    stage.append(inbox, b"x", Flags::default()).await;
    stage.check().await;
}

pub(crate) async fn rel_22_everything_is_there_after_reopening(mut stage: Stage) {
    let inbox = stage.inbox().await;
    stage.append(inbox, &[b'x'; 70_000], SystemFlags::FLAGGED.into()).await;
    let before = stage.store.snapshot(inbox).await.unwrap();
    let usages = stage.store.usages().await.unwrap();
    // A message that is arriving when the server stops leaves nothing behind.
    let mut arriving = stage.store.spool();
    arriving.write(&[b'x'; 200_000]).await.unwrap();
    stage.reopen().await;
    drop(arriving);
    assert_eq!(stage.store.snapshot(inbox).await.unwrap(), before);
    assert_eq!(stage.store.usages().await.unwrap(), usages);
    assert_eq!(stage.append(inbox, b"x", Flags::default()).await, 2);
    stage.check().await;
}

pub(crate) async fn group_commit_needs_fewer_transactions_than_operations(stage: Stage) {
    let inbox = stage.inbox().await;
    let before = stage.store.commits();
    let mut appending = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let message = stage.message(b"x", Flags::default()).await;
        let store = stage.store.clone();
        appending.spawn(async move { store.append(inbox, Room::UNLIMITED, vec![message]).await });
    }
    let mut uids: Vec<u32> =
        appending.join_all().await.into_iter().map(|done| done.unwrap().uids[0]).collect();
    uids.sort_unstable();
    assert_eq!(uids, (1..=200).collect::<Vec<u32>>());
    let commits = stage.store.commits() - before;
    assert!((1..200).contains(&commits), "{commits}");
    stage.check().await;
}

pub(crate) async fn a_closed_store_says_so(stage: Stage) {
    let message = stage.message(b"x", Flags::default()).await;
    stage.store.close().await.unwrap();
    stage.store.close().await.unwrap();
    assert_eq!(stage.store.records().await, Err(StoreError::Closed));
    assert_eq!(stage.store.commit(vec![RecordChange::RemoveAccount(BEN)]).await, Err(StoreError::Closed));
    let appended = stage.store.append(MailboxId(1), Room::UNLIMITED, vec![message]).await;
    assert_eq!(appended, Err(StoreError::Closed));
}

pub(crate) async fn rel_17_a_second_server_is_refused(stage: Stage) {
    let again = (stage.maker)(stage.data.path(), std::sync::Arc::new(NoListener));
    assert!(matches!(again, Err(StoreError::Locked)));
    stage.append(stage.inbox().await, b"x", Flags::default()).await;
    stage.store.close().await.unwrap();
    let again = (stage.maker)(stage.data.path(), std::sync::Arc::new(NoListener)).unwrap();
    again.close().await.unwrap();
}
