//! What is told of changes: to who asks, and to who listens.

use std::sync::{Arc, Mutex};

use posthaste_server::store::{
    Change, Expunge, FlagMask, Flags, Listener, MailboxId, Room, StoreError, StoreFlags, StoreMode,
    SystemFlags,
};

use crate::stores::{ANNA, Stage, named, octets, to_inbox};

pub(crate) async fn changed_since_tells_what_came_changed_and_went(stage: Stage) {
    let (store, inbox) = (&stage.store, stage.inbox().await);
    for _ in 0..4 {
        stage.append(inbox, b"x", Flags::default()).await;
    }
    let seen = store.status(inbox).await.unwrap().modseq;
    let uids =
        |metas: &[posthaste_server::store::MessageMeta]| metas.iter().map(|m| m.uid).collect::<Vec<_>>();
    let (mode, flags) = (StoreMode::Add, Flags::from(SystemFlags::SEEN));
    let change = StoreFlags { uids: vec![2], mode, flags, unchanged_since: None, known: None };
    store.store_flags(inbox, change).await.unwrap();
    store.expunge(inbox, Expunge::Uids(vec![4])).await.unwrap();
    let between = store.status(inbox).await.unwrap().modseq;
    store.expunge(inbox, Expunge::Uids(vec![1])).await.unwrap();
    stage.append(inbox, b"x", Flags::default()).await;
    let news = store.changed_since(inbox, seen).await.unwrap();
    assert_eq!((uids(&news.changed), news.expunged), (vec![2, 5], Some(vec![1, 4])));
    assert_eq!(news.modseq, store.status(inbox).await.unwrap().modseq);
    let news = store.changed_since(inbox, between).await.unwrap();
    assert_eq!((uids(&news.changed), news.expunged), (vec![5], Some(vec![1])));
    for modseq in [news.modseq, u64::MAX] {
        let news = store.changed_since(inbox, modseq).await.unwrap();
        assert_eq!((news.changed, news.expunged), (vec![], Some(vec![])));
    }
    assert_eq!(store.changed_since(MailboxId(99), 0).await, Err(StoreError::NoSuchMailbox));
    assert_eq!(store.snapshot(MailboxId(99)).await, Err(StoreError::NoSuchMailbox));
}

pub(crate) async fn expunged_messages_are_remembered_within_bounds(stage: Stage) {
    let (store, inbox) = (&stage.store, stage.inbox().await);
    for _ in 0..3 {
        stage.append(inbox, b"", Flags::default()).await;
    }
    let first = store.status(inbox).await.unwrap().modseq;
    store.expunge(inbox, Expunge::Uids(vec![1])).await.unwrap();
    // One message that doubles until it is more than anybody wants to remember.
    let sent = stage.mailbox(ANNA, "Sent").await.id;
    while (store.status(inbox).await.unwrap().messages as usize) < 40_000 {
        let all = stage.uids(inbox).await;
        store.copy(inbox, all, inbox, Room::UNLIMITED, FlagMask::ALL).await.unwrap();
    }
    let all = stage.uids(inbox).await;
    for some in all.chunks(6_000) {
        let before = store.status(inbox).await.unwrap().modseq;
        store.move_messages(inbox, some.to_vec(), sent, Room::UNLIMITED, FlagMask::ALL).await.unwrap();
        // What is told is everything, or that it is not known.
        let told = store.changed_since(inbox, before).await.unwrap().expunged;
        assert!(told.is_none_or(|told| told == some));
    }
    assert_eq!(store.changed_since(inbox, first).await.unwrap().expunged, None);
    stage.append(inbox, b"", Flags::default()).await;
    let before = store.status(inbox).await.unwrap().modseq;
    let last = stage.uids(inbox).await;
    store.expunge(inbox, Expunge::Uids(last.clone())).await.unwrap();
    assert_eq!(store.changed_since(inbox, before).await.unwrap().expunged, Some(last));
    stage.check().await;
}

/// Notes what was durable when it was told.
#[derive(Default)]
struct Order(Mutex<Vec<u32>>);

impl Listener for Order {
    fn committed(&self, changes: &[Change]) {
        let uids = changes.iter().flat_map(|change| match change {
            Change::Messages(news) => news.changed.iter().map(|meta| meta.uid).collect(),
            _ => Vec::new(),
        });
        self.0.lock().unwrap().extend(uids);
    }
}

pub(crate) async fn listeners_hear_of_a_commit_before_its_caller(mut stage: Stage) {
    stage.store.close().await.unwrap();
    let order = Arc::new(Order::default());
    stage.store = (stage.maker)(stage.data.path(), order.clone()).unwrap();
    let inbox = stage.inbox().await;
    let mut sending = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let message = stage.message(b"x", Flags::default()).await;
        let (store, order) = (stage.store.clone(), order.clone());
        sending.spawn(async move {
            let delivered = store.deliver(message, vec![to_inbox(ANNA)], true).await.unwrap();
            let uid = delivered[0].as_ref().unwrap().uid.unwrap();
            assert!(order.0.lock().unwrap().contains(&uid), "{uid}");
        });
    }
    sending.join_all().await;
    assert_eq!(*order.0.lock().unwrap(), (1..=50).collect::<Vec<u32>>());
    assert_eq!(stage.uids(inbox).await.len(), 50);
}

pub(crate) async fn a_failed_operation_says_nothing(stage: Stage) {
    let (store, inbox) = (&stage.store, stage.inbox().await);
    stage.append(inbox, b"x", Flags::default()).await;
    stage.picture.news();
    // Side by side, so that they share a commit with one that succeeds.
    let fails = stage.message(b"too large", Flags::default()).await;
    let works = stage.message(b"y", Flags::default()).await;
    let (name, inbox_name) = (named("Sent"), named("INBOX"));
    let (moved, made, named_again, appended, replaced) = tokio::join!(
        store.move_messages(inbox, vec![1], MailboxId(99), Room::UNLIMITED, FlagMask::ALL),
        store.create_mailbox(ANNA, &inbox_name, None),
        store.rename_mailbox(inbox, &name),
        store.append(inbox, Room::UNLIMITED, vec![works]),
        store.replace(inbox, 1, inbox, octets(3), fails),
    );
    assert!(moved.is_err() && made.is_err() && named_again.is_err() && replaced.is_err());
    assert_eq!(appended.unwrap().uids, [2]);
    assert_eq!(stage.picture.news().len(), 1);
    stage.check().await;
}
