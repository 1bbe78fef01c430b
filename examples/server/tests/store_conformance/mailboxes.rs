//! Mailboxes as things of their own.

use posthaste_server::store::{
    AccountId, COMPONENT_MAX, Flags, LEVELS_MAX, MAILBOXES_MAX, MailboxId, SpecialUse, Status, StoreError,
    SystemFlags,
};

use crate::stores::{ANNA, Stage, named};

pub(crate) async fn mbx_06_creating_renaming_and_deleting(stage: Stage) {
    let store = &stage.store;
    let created = store.create_mailbox(ANNA, &named("a/b/c"), None).await.unwrap();
    assert_eq!(store.mailbox_by_id(created.id).await, Ok(created.clone()));
    assert_eq!(store.create_mailbox(ANNA, &named("a"), None).await, Err(StoreError::AlreadyExists));
    let nobody = store.create_mailbox(AccountId(77), &named("a"), None).await;
    assert_eq!(nobody, Err(StoreError::NoSuchAccount));
    let (a, ab) = (stage.mailbox(ANNA, "a").await.id, stage.mailbox(ANNA, "a/b").await.id);
    assert_eq!(store.delete_mailbox(ab).await, Err(StoreError::HasChildren));
    assert_eq!(store.rename_mailbox(a, &named("a/d")).await, Err(StoreError::IntoItself));
    assert_eq!(store.rename_mailbox(ab, &named("Sent")).await, Err(StoreError::AlreadyExists));
    assert_eq!(store.rename_mailbox(MailboxId(99), &named("x")).await, Err(StoreError::NoSuchMailbox));
    // Siblings that only begin with the same letters stay.
    store.create_mailbox(ANNA, &named("a/b0"), None).await.unwrap();
    store.create_mailbox(ANNA, &named("a/b-c"), None).await.unwrap();
    store.rename_mailbox(ab, &named("x/y")).await.unwrap();
    let after = stage.mailbox(ANNA, "x/y/c").await;
    assert_eq!((created.id, created.uidvalidity), (after.id, after.uidvalidity));
    let names: Vec<String> = store.mailboxes(ANNA).await.unwrap().into_iter().map(|m| m.name).collect();
    for name in ["a", "a/b0", "a/b-c", "x", "x/y", "x/y/c"] {
        assert!(names.iter().any(|found| found == name), "{name}");
    }
    assert!(!names.iter().any(|name| name == "a/b" || name == "a/b/c"));
    // A child's name must fit too.
    let deepest = ["d"; LEVELS_MAX].join("/");
    let refused = store.rename_mailbox(ab, &named(&deepest)).await;
    assert!(matches!(refused, Err(StoreError::Name(_))), "{refused:?}");
    stage.mailbox(ANNA, "x/y/c").await;
    store.rename_mailbox(ab, &named(&"n".repeat(COMPONENT_MAX))).await.unwrap();
    store.rename_mailbox(ab, &named("x/y")).await.unwrap();

    store.subscribe(ANNA, "x/y/c").await.unwrap();
    store.delete_mailbox(after.id).await.unwrap();
    assert_eq!(store.mailbox(ANNA, &named("x/y/c")).await, Err(StoreError::NoSuchMailbox));
    assert_eq!(store.delete_mailbox(after.id).await, Err(StoreError::NoSuchMailbox));
    assert!(store.subscriptions(ANNA).await.unwrap().contains(&"x/y/c".to_owned()));
    let again = store.create_mailbox(ANNA, &named("x/y/c"), None).await.unwrap();
    assert!(again.uidvalidity > after.uidvalidity && again.id != after.id && again.subscribed);
    stage.check().await;
}

pub(crate) async fn mbx_03_inbox_can_be_renamed_but_never_goes(stage: Stage) {
    let (store, inbox) = (&stage.store, stage.inbox().await);
    stage.append(inbox, b"one", SystemFlags::SEEN.into()).await;
    stage.append(inbox, b"two", Flags::default()).await;
    store.create_mailbox(ANNA, &named("INBOX/child"), None).await.unwrap();
    assert_eq!(store.delete_mailbox(inbox).await, Err(StoreError::InboxStays));
    store.rename_mailbox(inbox, &named("old/mail")).await.unwrap();
    let old = stage.mailbox(ANNA, "old/mail").await.id;
    assert_eq!(stage.content(stage.blob(old, 2).await, 0..9).await, b"two");
    let status = store.status(inbox).await.unwrap();
    assert_eq!((status.messages, status.uidnext), (0, 3));
    stage.mailbox(ANNA, "INBOX/child").await;
    stage.check().await;
}

pub(crate) async fn mbx_05_the_number_of_mailboxes_is_bounded(stage: Stage) {
    let store = &stage.store;
    let mut making = tokio::task::JoinSet::new();
    for n in 6..MAILBOXES_MAX {
        let store = stage.store.clone();
        making.spawn(async move { store.create_mailbox(ANNA, &named(&format!("box{n}")), None).await });
    }
    for made in making.join_all().await {
        made.unwrap();
    }
    let limit = Err(StoreError::TooManyMailboxes(MAILBOXES_MAX));
    assert_eq!(store.create_mailbox(ANNA, &named("more"), None).await.map(|_| ()), limit);
    assert_eq!(store.usage(ANNA).await.unwrap().mailboxes, MAILBOXES_MAX);
    // A parent that would have to be made counts too, and nothing is left of the attempt.
    store.delete_mailbox(stage.mailbox(ANNA, "box77").await.id).await.unwrap();
    assert_eq!(store.create_mailbox(ANNA, &named("p/q"), None).await.map(|_| ()), limit);
    assert_eq!(store.usage(ANNA).await.unwrap().mailboxes, MAILBOXES_MAX - 1);
}

pub(crate) async fn a_special_use_is_that_of_one_mailbox(stage: Stage) {
    let store = &stage.store;
    let taken = store.create_mailbox(ANNA, &named("Gesendet"), Some(SpecialUse::Sent)).await;
    assert_eq!(taken, Err(StoreError::UseIsTaken));
    store.delete_mailbox(stage.mailbox(ANNA, "Sent").await.id).await.unwrap();
    let made = store.create_mailbox(ANNA, &named("Gesendet"), Some(SpecialUse::Sent)).await.unwrap();
    assert_eq!(made.special_use, Some(SpecialUse::Sent));
    store.rename_mailbox(made.id, &named("Out")).await.unwrap();
    assert_eq!(stage.mailbox(ANNA, "Out").await.special_use, Some(SpecialUse::Sent));
}

pub(crate) async fn subscriptions_are_names(stage: Stage) {
    let store = &stage.store;
    store.subscribe(ANNA, "Other Users/ben/lists").await.unwrap();
    store.subscribe(ANNA, "Other Users/ben/lists").await.unwrap();
    store.unsubscribe(ANNA, "Junk").await.unwrap();
    store.unsubscribe(ANNA, "never there").await.unwrap();
    let names = store.subscriptions(ANNA).await.unwrap();
    assert_eq!(names, ["Archive", "Drafts", "INBOX", "Other Users/ben/lists", "Sent", "Trash"]);
    assert!(!stage.mailbox(ANNA, "Junk").await.subscribed);
    assert_eq!(store.subscribe(AccountId(77), "x").await, Err(StoreError::NoSuchAccount));
}

pub(crate) async fn status_counts(stage: Stage) {
    let (store, inbox) = (&stage.store, stage.inbox().await);
    stage.append(inbox, b"12345", SystemFlags::SEEN.into()).await;
    stage.append(inbox, b"123", SystemFlags::DELETED.into()).await;
    store.claim_recent(inbox, 3).await.unwrap();
    stage.append(inbox, b"1", Flags::default()).await;
    let mailbox = stage.mailbox(ANNA, "INBOX").await;
    let wanted = Status {
        messages: 3,
        recent: 1,
        unseen: 2,
        deleted: 1,
        deleted_size: 3,
        size: 9,
        uidnext: 4,
        uidvalidity: mailbox.uidvalidity,
        modseq: mailbox.modseq,
    };
    assert_eq!(store.status(inbox).await, Ok(wanted));
    assert_eq!(store.status(MailboxId(99)).await, Err(StoreError::NoSuchMailbox));
}

pub(crate) async fn recent_is_claimed_once(stage: Stage) {
    let (store, inbox) = (&stage.store, stage.inbox().await);
    stage.append(inbox, b"x", Flags::default()).await;
    assert_eq!(store.recent(inbox).await, Ok(1..2));
    // What is not there yet can not be claimed, and nothing is taken back.
    for before in [2, 1, 9] {
        store.claim_recent(inbox, before).await.unwrap();
        assert_eq!(store.recent(inbox).await, Ok(2..2));
    }
    stage.append(inbox, b"x", Flags::default()).await;
    assert_eq!(store.recent(inbox).await, Ok(2..3));
    assert_eq!(store.recent(MailboxId(99)).await, Err(StoreError::NoSuchMailbox));
    assert_eq!(store.claim_recent(MailboxId(99), 2).await, Err(StoreError::NoSuchMailbox));
}
