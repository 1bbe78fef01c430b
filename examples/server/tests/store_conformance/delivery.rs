//! Delivery.

use posthaste_server::store::{
    AccountId, Change, Delivery, Expunge, FlagMask, Flags, MailboxEvent, Room, StoreError, ThreadId,
};

use crate::stores::{ANNA, BEN, Stage, named, octets, to_inbox};

pub(crate) async fn one_delivery_is_one_content_in_all_mailboxes(stage: Stage) {
    let store = &stage.store;
    let message = stage.message(b"Subject: x\r\n\r\n", Flags::default()).await;
    let delivered = store.deliver(message, vec![to_inbox(ANNA), to_inbox(BEN)], true).await.unwrap();
    let shown: Vec<_> = delivered.iter().flatten().map(|d| (d.account, d.uid)).collect();
    assert_eq!(shown, [(ANNA, Some(1)), (BEN, Some(1))]);
    let (annas, bens) = (stage.inbox().await, stage.mailbox(BEN, "INBOX").await.id);
    let blob = stage.blob(annas, 1).await;
    assert_eq!(stage.blob(bens, 1).await, blob);
    store.expunge(annas, Expunge::Uids(vec![1])).await.unwrap();
    store.purge(i64::MAX, 10).await.unwrap();
    assert_eq!(stage.content(blob, 0..7).await, b"Subject");
    store.expunge(bens, Expunge::Uids(vec![1])).await.unwrap();
    store.purge(i64::MAX, 10).await.unwrap();
    assert!(store.content(blob, 0..7).await.is_err());
    stage.check().await;
}

pub(crate) async fn st_03_the_quota_holds_for_every_way_in(stage: Stage) {
    let (store, room) = (&stage.store, octets(100));
    let (inbox, trash) = (stage.inbox().await, stage.mailbox(ANNA, "Trash").await.id);
    // Two at the same time, each of which alone would fit.
    let (first, second) =
        tokio::join!(stage.try_append(inbox, room, &[b'x'; 60]), stage.try_append(trash, room, &[b'x'; 60]));
    assert!(first.is_ok() != second.is_ok());
    let over = StoreError::OverQuota { account: ANNA, quota: 100, wanted: 60 };
    let (full, empty) = if first.is_ok() { (inbox, trash) } else { (trash, inbox) };
    assert_eq!(first.and(second), Err(over.clone()));
    assert_eq!(store.copy(full, vec![1], empty, room, FlagMask::ALL).await, Err(over.clone()));
    assert_eq!(store.usage(ANNA).await.unwrap().octets, 60);
    // Also who has no room can tidy up.
    store.move_messages(full, vec![1], empty, octets(1), FlagMask::ALL).await.unwrap();
    let mut delivery = to_inbox(ANNA);
    delivery.room = room;
    let message = stage.message(&[b'x'; 60], Flags::default()).await;
    assert_eq!(store.deliver(message, vec![to_inbox(BEN), delivery.clone()], true).await, Err(over.clone()));
    assert_eq!(store.usage(BEN).await.unwrap().messages, 0);
    // To the octet, and by the number of messages too.
    let message = stage.message(&[b'x'; 40], Flags::default()).await;
    assert!(store.deliver(message, vec![delivery], true).await.unwrap()[0].is_ok());
    let few = Room { messages: Some(2), ..Room::UNLIMITED };
    let refused = stage.try_append(inbox, few, b"").await;
    assert!(matches!(refused, Err(StoreError::OverQuota { .. })), "{refused:?}");
    assert_eq!(store.usage(ANNA).await.unwrap().octets, 100);
    stage.check().await;
}

pub(crate) async fn each_delivery_has_its_own_outcome(stage: Stage) {
    let store = &stage.store;
    let message = stage.message(&[b'x'; 41], Flags::default()).await;
    let mut full = to_inbox(ANNA);
    full.room = octets(40);
    let deliveries = vec![to_inbox(AccountId(77)), to_inbox(BEN), full.clone()];
    let outcomes = store.deliver(message, deliveries, false).await.unwrap();
    assert_eq!(outcomes[0], Err(StoreError::NoSuchAccount));
    assert!(outcomes[1].is_ok());
    assert!(matches!(outcomes[2], Err(StoreError::OverQuota { account: ANNA, quota: 40, wanted: 41 })));
    let message = stage.message(&[b'x'; 41], Flags::default()).await;
    assert!(store.deliver(message, vec![full], false).await.unwrap()[0].is_err());
    let message = stage.message(b"", Flags::default()).await;
    assert_eq!(store.deliver(message, Vec::new(), false).await, Ok(Vec::new()));
    stage.check().await;
}

pub(crate) async fn q_08_a_delivery_with_a_key_happens_once(mut stage: Stage) {
    let once = |account, key: &str| Delivery { once: Some(key.to_owned()), ..to_inbox(account) };
    let message = stage.message(b"x", Flags::default()).await;
    stage.store.deliver(message, vec![once(ANNA, "k")], true).await.unwrap();
    stage.reopen().await;
    let message = stage.message(b"x", Flags::default()).await;
    let again = vec![once(ANNA, "k"), once(BEN, "k"), once(ANNA, "other")];
    let outcomes = stage.store.deliver(message, again, false).await.unwrap();
    let uids: Vec<Option<u32>> = outcomes.iter().flatten().map(|delivered| delivered.uid).collect();
    assert_eq!(uids, [None, Some(1), Some(2)]);
    assert_eq!(outcomes[0].as_ref().unwrap().mailbox, stage.inbox().await);
    // What failed may be tried again.
    let message = stage.message(b"x", Flags::default()).await;
    let mut full = once(ANNA, "third");
    full.room = octets(2);
    assert!(stage.store.deliver(message, vec![full], true).await.is_err());
    let message = stage.message(b"x", Flags::default()).await;
    let outcomes = stage.store.deliver(message, vec![once(ANNA, "third")], true).await.unwrap();
    assert_eq!(outcomes[0].as_ref().unwrap().uid, Some(3));
    stage.check().await;
}

pub(crate) async fn a_missing_mailbox_is_made(stage: Stage) {
    let delivery = Delivery { mailbox: named("lists/rust"), ..to_inbox(ANNA) };
    stage.picture.news();
    let message = stage.message(b"x", Flags::default()).await;
    let delivered = stage.store.deliver(message, vec![delivery], true).await.unwrap();
    let mailbox = stage.mailbox(ANNA, "lists/rust").await;
    assert_eq!(delivered[0].as_ref().unwrap().mailbox, mailbox.id);
    assert!(!mailbox.subscribed);
    stage.mailbox(ANNA, "lists").await;
    let created = |change: &Change| {
        matches!(change, Change::Mailbox { account: ANNA, event: MailboxEvent::Created, .. })
    };
    assert_eq!(stage.picture.news().iter().filter(|change| created(change)).count(), 2);
    stage.check().await;
}

pub(crate) async fn conversations_are_found_by_ids_and_kept(stage: Stage) {
    let store = &stage.store;
    let inbox = stage.inbox().await;
    let mut threads: Vec<ThreadId> = Vec::new();
    let conversations: [&[&str]; 6] = [&["a"], &["b", "a"], &["c"], &[], &["d", "c", "b"], &["e", "d"]];
    for ids in conversations {
        let mut message = stage.message(b"x", Flags::default()).await;
        message.content.set_ids(ids.iter().map(|id| id.as_bytes().to_vec()).collect());
        let uid = store.append(inbox, Room::UNLIMITED, vec![message]).await.unwrap().uids[0];
        threads.push(stage.metas(inbox).await.iter().find(|meta| meta.uid == uid).unwrap().thread);
    }
    let [a, b, c, alone, d, e] = threads[..] else { panic!("{threads:?}") };
    assert!(a == b && a != c && alone != a && alone != c);
    assert!((d == a || d == c) && d == e, "of one of those it refers to");
    // Elsewhere too, and in an account of its own.
    let bens = stage.mailbox(BEN, "INBOX").await.id;
    store.move_messages(inbox, vec![1], bens, Room::UNLIMITED, FlagMask::ALL).await.unwrap();
    store.copy(inbox, vec![2], bens, Room::UNLIMITED, FlagMask::ALL).await.unwrap();
    let metas = stage.metas(bens).await;
    assert_eq!(metas[0].thread, metas[1].thread);
    let before: Vec<ThreadId> = stage.metas(inbox).await.iter().map(|meta| meta.thread).collect();
    assert_eq!(before, threads[1..]);
}
