//! Messages coming, going, copied and moved.

use posthaste_server::store::{Expunge, FlagMask, Flags, MailboxId, Room, StoreError, SystemFlags};

use crate::stores::{ANNA, BEN, Stage, octets};

pub(crate) async fn imap_20_a_multiappend_that_fails_appends_nothing(stage: Stage) {
    let inbox = stage.inbox().await;
    let mut messages = Vec::new();
    for _ in 0..3 {
        messages.push(stage.message(&[b'x'; 40], Flags::default()).await);
    }
    stage.picture.news();
    let refused = stage.store.append(inbox, octets(100), messages).await;
    assert_eq!(refused, Err(StoreError::OverQuota { account: ANNA, quota: 100, wanted: 40 }));
    assert_eq!(stage.picture.news(), []);
    assert_eq!(stage.store.status(inbox).await.unwrap().uidnext, 1);
    assert_eq!(stage.store.usage(ANNA).await.unwrap().octets, 0);
    stage.check().await;
}

pub(crate) async fn uids_are_not_used_again(stage: Stage) {
    let (store, inbox) = (&stage.store, stage.inbox().await);
    let mut messages = Vec::new();
    for _ in 0..3 {
        messages.push(stage.message(b"x", Flags::default()).await);
    }
    let appended = store.append(inbox, Room::UNLIMITED, messages).await.unwrap();
    assert_eq!(appended.uids, [1, 2, 3]);
    let mailbox = stage.mailbox(ANNA, "INBOX").await;
    assert_eq!((appended.uidvalidity, appended.modseq), (mailbox.uidvalidity, mailbox.modseq));
    assert!(stage.metas(inbox).await.iter().all(|meta| meta.modseq == appended.modseq));
    store.expunge(inbox, Expunge::Uids(vec![3])).await.unwrap();
    assert_eq!(stage.append(inbox, b"x", Flags::default()).await, 4);
    let nowhere = stage.try_append(MailboxId(99), Room::UNLIMITED, b"x").await;
    assert_eq!(nowhere, Err(StoreError::NoSuchMailbox));
    stage.check().await;
}

pub(crate) async fn copying_and_moving_answer_pairs_of_uids(stage: Stage) {
    let store = &stage.store;
    let (inbox, trash) = (stage.inbox().await, stage.mailbox(ANNA, "Trash").await);
    for flags in [SystemFlags::SEEN, SystemFlags::NONE, SystemFlags::FLAGGED] {
        stage.append(inbox, b"x", flags.into()).await;
    }
    let modseq = store.status(inbox).await.unwrap().modseq;
    let copied = store.copy(inbox, vec![3, 1, 77], trash.id, Room::UNLIMITED, FlagMask::ALL).await.unwrap();
    assert_eq!((copied.sources, copied.destinations), (vec![1, 3], vec![1, 2]));
    assert_eq!((copied.uidvalidity, copied.modseq), (trash.uidvalidity, modseq));
    let moved =
        store.move_messages(inbox, vec![1, 2], trash.id, Room::UNLIMITED, FlagMask::ALL).await.unwrap();
    assert_eq!((moved.sources, moved.destinations), (vec![1, 2], vec![3, 4]));
    assert!(moved.modseq > modseq);
    let moved = store.move_messages(inbox, vec![3], inbox, Room::UNLIMITED, FlagMask::ALL).await.unwrap();
    assert_eq!((moved.sources, moved.destinations), (vec![3], vec![4]));
    assert_eq!(moved.modseq, store.status(inbox).await.unwrap().modseq);
    let copied = store.copy(inbox, vec![4], inbox, Room::UNLIMITED, FlagMask::ALL).await.unwrap();
    assert_eq!(copied.destinations, [5]);
    assert_eq!(copied.modseq, store.status(inbox).await.unwrap().modseq);
    assert_eq!(stage.uids(inbox).await, [4, 5]);
    let metas = stage.metas(trash.id).await;
    assert_eq!(metas.iter().map(|meta| meta.uid).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(metas[1].flags.system, SystemFlags::FLAGGED);
    let nothing = store.copy(inbox, vec![77], trash.id, Room::UNLIMITED, FlagMask::ALL).await.unwrap();
    assert_eq!((nothing.sources, nothing.destinations), (vec![], vec![]));
    for (from, to) in [(MailboxId(99), trash.id), (inbox, MailboxId(99))] {
        let gone = Err(StoreError::NoSuchMailbox);
        assert_eq!(store.copy(from, vec![4], to, Room::UNLIMITED, FlagMask::ALL).await, gone);
        assert_eq!(store.move_messages(from, vec![4], to, Room::UNLIMITED, FlagMask::ALL).await, gone);
    }
    stage.check().await;
}

pub(crate) async fn moving_between_accounts_needs_room(stage: Stage) {
    let store = &stage.store;
    let (annas, bens) = (stage.inbox().await, stage.mailbox(BEN, "INBOX").await.id);
    stage.append(annas, b"12345", Flags::default()).await;
    let refused = store.move_messages(annas, vec![1], bens, octets(4), FlagMask::ALL).await;
    assert_eq!(refused, Err(StoreError::OverQuota { account: BEN, quota: 4, wanted: 5 }));
    assert_eq!(stage.uids(annas).await, [1]);
    store.move_messages(annas, vec![1], bens, octets(5), FlagMask::ALL).await.unwrap();
    assert_eq!(store.usage(ANNA).await.unwrap().octets, 0);
    assert_eq!(store.usage(BEN).await.unwrap().octets, 5);
    stage.check().await;
}

pub(crate) async fn replacing_counts_the_difference(stage: Stage) {
    let store = &stage.store;
    let (drafts, sent) = (stage.mailbox(ANNA, "Drafts").await.id, stage.mailbox(ANNA, "Sent").await.id);
    stage.append(drafts, &[b'x'; 60], SystemFlags::DRAFT.into()).await;
    let larger = stage.message(&[b'y'; 80], Flags::default()).await;
    let replaced = store.replace(drafts, 1, drafts, octets(100), larger).await.unwrap();
    assert_eq!(replaced.appended.uids, [2]);
    assert_eq!(replaced.modseq, store.status(drafts).await.unwrap().modseq);
    assert_eq!(stage.uids(drafts).await, [2]);
    let too_large = stage.message(&[b'y'; 101], Flags::default()).await;
    assert!(store.replace(drafts, 2, sent, octets(100), too_large).await.is_err());
    assert_eq!(stage.uids(drafts).await, [2]);
    let message = stage.message(b"y", Flags::default()).await;
    assert_eq!(store.replace(drafts, 1, sent, octets(100), message).await, Err(StoreError::NoSuchMessage));
    let message = stage.message(b"y", Flags::default()).await;
    let gone = store.replace(drafts, 2, MailboxId(99), octets(100), message).await;
    assert_eq!(gone, Err(StoreError::NoSuchMailbox));
    let message = stage.message(b"sent", Flags::default()).await;
    store.replace(drafts, 2, sent, octets(100), message).await.unwrap();
    assert_eq!((stage.uids(drafts).await, stage.uids(sent).await), (vec![], vec![1]));
    assert_eq!(store.usage(ANNA).await.unwrap().octets, 4);
    stage.check().await;
}

pub(crate) async fn expunging_takes_what_is_asked_for(stage: Stage) {
    let (store, inbox) = (&stage.store, stage.inbox().await);
    for uid in 1..=6 {
        let flags = if uid % 2 == 0 { SystemFlags::DELETED } else { SystemFlags::NONE };
        stage.append(inbox, b"x", flags.into()).await;
    }
    let modseq = store.status(inbox).await.unwrap().modseq;
    let nothing = store.expunge(inbox, Expunge::DeletedAmong(vec![1, 3, 77])).await.unwrap();
    assert_eq!((nothing.uids, nothing.modseq), (vec![], modseq));
    let some = store.expunge(inbox, Expunge::DeletedAmong(vec![4, 3, 2, 2])).await.unwrap();
    assert_eq!(some.uids, [2, 4]);
    assert_eq!(some.modseq, modseq + 1);
    assert_eq!(store.expunge(inbox, Expunge::Uids(vec![1, 2])).await.unwrap().uids, [1]);
    assert_eq!(store.expunge(inbox, Expunge::Deleted).await.unwrap().uids, [6]);
    assert_eq!(stage.uids(inbox).await, [3, 5]);
    assert_eq!(store.expunge(inbox, Expunge::Deleted).await.unwrap().uids, [0; 0]);
    let gone = store.expunge(MailboxId(99), Expunge::Deleted).await;
    assert_eq!(gone, Err(StoreError::NoSuchMailbox));
    stage.check().await;
}
