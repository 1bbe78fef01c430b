//! Records and accounts.

use posthaste_server::store::{
    AccountId, Change, Delivered, Expect, FlagMask, Flags, RecordChange, RecordKey, Room, SpecialUse,
    StoreError,
};

use crate::stores::{ANNA, BEN, Stage, named, to_inbox};

fn put(name: &str, expect: Expect, value: &str) -> RecordChange {
    RecordChange::Put { key: RecordKey::new("thing", name), expect, value: value.to_owned() }
}

pub(crate) async fn records_are_changed_by_who_has_seen_them(stage: Stage) {
    let store = &stage.store;
    let conflict = Err(StoreError::Conflict("thing a".to_owned()));
    stage.picture.news();
    store.commit(vec![put("b", Expect::Absent, "{}"), put("a", Expect::Anything, "[1]")]).await.unwrap();
    assert_eq!(stage.picture.news(), [Change::Records]);
    assert_eq!(store.commit(vec![put("a", Expect::Absent, "[2]")]).await, conflict);
    assert_eq!(store.commit(vec![put("a", Expect::Version(2), "[2]")]).await, conflict);
    store.commit(vec![put("a", Expect::Version(1), "[2]")]).await.unwrap();
    let records = store.records().await.unwrap();
    let shown: Vec<_> = records.iter().map(|r| (r.key.name.as_str(), r.version, r.value.as_str())).collect();
    assert_eq!(shown, [("a", 2, "[2]"), ("b", 1, "{}")]);

    let delete = |expect| vec![RecordChange::Delete { key: RecordKey::new("thing", "a"), expect }];
    assert_eq!(store.commit(delete(Expect::Absent)).await, conflict);
    assert_eq!(store.commit(delete(Expect::Version(1))).await, conflict);
    store.commit(delete(Expect::Version(2))).await.unwrap();
    store.commit(delete(Expect::Absent)).await.unwrap();
    assert_eq!(store.records().await.unwrap().len(), 1);
}

pub(crate) async fn a_commit_is_all_or_nothing(stage: Stage) {
    let changes = vec![
        put("a", Expect::Absent, "{}"),
        RecordChange::AddAccount(AccountId(9)),
        put("a", Expect::Absent, "{}"),
    ];
    assert!(matches!(stage.store.commit(changes).await, Err(StoreError::Conflict(_))));
    assert_eq!(stage.store.records().await.unwrap(), []);
    assert_eq!(stage.store.usage(AccountId(9)).await, Err(StoreError::NoSuchAccount));
    stage.check().await;
}

pub(crate) async fn an_account_has_its_mailboxes_subscribed(stage: Stage) {
    let mailboxes = stage.store.mailboxes(ANNA).await.unwrap();
    let names: Vec<&str> = mailboxes.iter().map(|mailbox| mailbox.name.as_str()).collect();
    assert_eq!(names, ["Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"]);
    assert!(mailboxes.iter().all(|mailbox| mailbox.subscribed && mailbox.uidnext == 1));
    assert_eq!(mailboxes[4].special_use, Some(SpecialUse::Sent));
    assert_eq!(mailboxes[2].special_use, None);
    let usage = stage.store.usage(ANNA).await.unwrap();
    assert_eq!((usage.octets, usage.messages, usage.mailboxes), (0, 0, 6));
    assert_eq!(stage.store.usages().await.unwrap(), [(ANNA, usage), (BEN, usage)]);
    assert_eq!(stage.store.mailboxes(AccountId(77)).await.unwrap(), []);
}

pub(crate) async fn an_account_id_is_never_used_again(stage: Stage) {
    let add = || vec![RecordChange::AddAccount(BEN)];
    assert!(matches!(stage.store.commit(add()).await, Err(StoreError::Conflict(_))));
    stage.store.commit(vec![RecordChange::RemoveAccount(BEN)]).await.unwrap();
    assert!(matches!(stage.store.commit(add()).await, Err(StoreError::Conflict(_))));
    for change in [RecordChange::RemoveAccount(BEN), RecordChange::EmptyAccount(BEN)] {
        assert_eq!(stage.store.commit(vec![change]).await, Err(StoreError::NoSuchAccount));
    }
}

pub(crate) async fn emptying_and_removing_an_account_takes_its_mail(stage: Stage) {
    let store = &stage.store;
    let message = stage.message(b"shared", Flags::default()).await;
    store.deliver(message, vec![to_inbox(ANNA), to_inbox(BEN)], true).await.unwrap();
    let inbox = stage.inbox().await;
    let own = stage.append(inbox, b"own", Flags::default()).await;
    let (shared, own) = (stage.blob(inbox, 1).await, stage.blob(inbox, own).await);
    store.create_mailbox(ANNA, &named("more"), None).await.unwrap();

    store.commit(vec![RecordChange::EmptyAccount(ANNA)]).await.unwrap();
    let again = stage.mailbox(ANNA, "INBOX").await;
    assert!(again.id != inbox && again.subscribed);
    assert_eq!(store.mailboxes(ANNA).await.unwrap().len(), 6);
    assert_eq!(store.usage(ANNA).await.unwrap().octets, 0);
    assert_eq!(store.deleted(ANNA).await.unwrap(), []);
    assert!(store.content(own, 0..9).await.is_err());
    assert_eq!(stage.content(shared, 0..9).await, b"shared");

    store.commit(vec![RecordChange::RemoveAccount(BEN)]).await.unwrap();
    assert!(store.content(shared, 0..9).await.is_err());
    assert_eq!(store.usage(BEN).await, Err(StoreError::NoSuchAccount));
    assert_eq!(store.mailbox(BEN, &named("INBOX")).await, Err(StoreError::NoSuchMailbox));
    stage.check().await;
}

pub(crate) async fn what_is_delivered_after_the_end_of_an_account_is_refused(stage: Stage) {
    let store = &stage.store;
    let deliver = async || {
        let message = stage.message(b"new", Flags::default()).await;
        store.deliver(message, vec![to_inbox(ANNA), to_inbox(BEN)], false).await.unwrap()
    };
    let inbox = async |account| stage.mailbox(account, "INBOX").await.id;
    let delivered =
        async |account, uid| Ok(Delivered { account, mailbox: inbox(account).await, uid: Some(uid) });
    assert_eq!(deliver().await, [delivered(ANNA, 1).await, delivered(BEN, 1).await]);
    // One that is emptied begins anew, one whose end was refused goes on.
    let former = inbox(ANNA).await;
    store.commit(vec![RecordChange::EmptyAccount(ANNA)]).await.unwrap();
    let refused = vec![RecordChange::RemoveAccount(BEN), RecordChange::AddAccount(ANNA)];
    assert!(matches!(store.commit(refused).await, Err(StoreError::Conflict(_))));
    assert_eq!(deliver().await, [delivered(ANNA, 1).await, delivered(BEN, 2).await]);
    assert_ne!(inbox(ANNA).await, former);
    store.commit(vec![RecordChange::RemoveAccount(BEN)]).await.unwrap();
    assert_eq!(deliver().await, [delivered(ANNA, 2).await, Err(StoreError::NoSuchAccount)]);
    stage.check().await;
}

pub(crate) async fn usage_counts_copies_and_not_what_is_expunged(stage: Stage) {
    let store = &stage.store;
    let (inbox, trash) = (stage.inbox().await, stage.mailbox(ANNA, "Trash").await.id);
    stage.append(inbox, b"12345", Flags::default()).await;
    store.copy(inbox, vec![1], trash, Room::UNLIMITED, FlagMask::ALL).await.unwrap();
    let usage = store.usage(ANNA).await.unwrap();
    assert_eq!((usage.octets, usage.messages), (10, 2));
    store.move_messages(inbox, vec![1], trash, Room::UNLIMITED, FlagMask::ALL).await.unwrap();
    assert_eq!(store.usage(ANNA).await.unwrap(), usage);
    store.delete_mailbox(trash).await.unwrap();
    let usage = store.usage(ANNA).await.unwrap();
    assert_eq!((usage.octets, usage.messages, usage.mailboxes), (0, 0, 5));
    stage.check().await;
}
