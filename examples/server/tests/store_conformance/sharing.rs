//! Grants and annotations.

use bytes::Bytes;
use posthaste_imap::types::Rights;
use posthaste_server::store::{
    Annotation, Annotations, Change, Grant, MailboxEvent, MailboxId, RecordChange, StoreError,
};

use crate::stores::{ANNA, BEN, Stage, bytes, named};

fn grant(identifier: &str, rights: &str) -> Grant {
    Grant { identifier: identifier.to_owned(), rights: Rights::new(rights).unwrap() }
}

pub(crate) async fn a_new_mailbox_has_the_grants_of_the_one_above(stage: Stage) {
    let store = &stage.store;
    let above = store.create_mailbox(ANNA, &named("a"), None).await.unwrap();
    store.grant(above.id, grant("ben@x.test", "lrk")).await.unwrap();
    store.grant(above.id, grant("-anyone", "w")).await.unwrap();
    store.create_mailbox(ANNA, &named("a/b/c"), None).await.unwrap();
    for name in ["a/b", "a/b/c"] {
        let made = stage.mailbox(ANNA, name).await.id;
        assert_eq!(store.grants(made).await.unwrap(), store.grants(above.id).await.unwrap(), "{name}");
    }
    let other = store.create_mailbox(ANNA, &named("ab"), None).await.unwrap();
    assert_eq!(store.grants(other.id).await.unwrap(), []);
    stage.check().await;
}

pub(crate) async fn grants_are_given_and_taken(stage: Stage) {
    let store = &stage.store;
    let lists = store.create_mailbox(ANNA, &named("lists"), None).await.unwrap();
    stage.picture.news();
    store.grant(lists.id, grant("ben@x.test", "lr")).await.unwrap();
    store.grant(lists.id, grant("-ben@x.test", "w")).await.unwrap();
    store.grant(lists.id, grant("anyone", "l")).await.unwrap();
    let event = MailboxEvent::Granted;
    assert_eq!(stage.picture.news()[0], Change::Mailbox { account: ANNA, mailbox: lists.id, event });
    store.grant(lists.id, grant("ben@x.test", "lrs")).await.unwrap();
    let all = [grant("-ben@x.test", "w"), grant("anyone", "l"), grant("ben@x.test", "lrs")];
    assert_eq!(store.grants(lists.id).await.unwrap(), all);
    let asked = vec!["ben@x.test".to_owned(), "-ben@x.test".to_owned(), "$team".to_owned()];
    let found = store.granted_to(asked).await.unwrap();
    assert_eq!(found, [(stage.mailbox(ANNA, "lists").await, vec![all[0].clone(), all[2].clone()])]);
    store.grant(lists.id, Grant { identifier: "anyone".to_owned(), rights: Rights::NONE }).await.unwrap();
    assert_eq!(store.granted_to(vec!["anyone".to_owned()]).await.unwrap(), []);
    let gone = store.grant(MailboxId(99), grant("anyone", "l")).await;
    assert_eq!(gone, Err(StoreError::NoSuchMailbox));
    store.delete_mailbox(lists.id).await.unwrap();
    assert_eq!(store.granted_to(vec!["ben@x.test".to_owned()]).await.unwrap(), []);
}

pub(crate) async fn names_in_access_lists_are_renamed_and_forgotten(stage: Stage) {
    let store = &stage.store;
    let lists = store.create_mailbox(ANNA, &named("lists"), None).await.unwrap().id;
    let inbox = stage.inbox().await;
    for (mailbox, given) in [
        (lists, grant("ben@x.test", "lr")),
        (lists, grant("-ben@x.test", "w")),
        (lists, grant("benno@x.test", "ls")),
        (inbox, grant("ben@x.test", "l")),
        (inbox, grant("$ben@x.test", "i")),
    ] {
        store.grant(mailbox, given).await.unwrap();
    }
    stage.picture.news();
    let rename = |from: &str, to: Option<&str>| {
        vec![RecordChange::Identifier { from: from.to_owned(), to: to.map(str::to_owned) }]
    };
    store.commit(rename("ben@x.test", Some("benno@x.test"))).await.unwrap();
    assert_eq!(
        store.grants(lists).await.unwrap(),
        [grant("-benno@x.test", "w"), grant("benno@x.test", "lrs")]
    );
    assert_eq!(store.grants(inbox).await.unwrap(), [grant("$ben@x.test", "i"), grant("benno@x.test", "l")]);
    let told = stage.picture.news();
    for mailbox in [lists, inbox] {
        let event = MailboxEvent::Granted;
        assert!(told.contains(&Change::Mailbox { account: ANNA, mailbox, event }), "{told:?}");
    }
    store.commit(rename("$ben@x.test", None)).await.unwrap();
    store.commit(rename("benno@x.test", None)).await.unwrap();
    store.commit(rename("nobody@x.test", None)).await.unwrap();
    assert_eq!(store.grants(lists).await.unwrap(), []);
    assert_eq!(store.grants(inbox).await.unwrap(), []);
}

fn set(entry: &str, value: &'static str) -> (String, Option<Bytes>) {
    (entry.to_owned(), Some(bytes(value)))
}

pub(crate) async fn annotations_are_of_a_mailbox_an_account_or_a_user(stage: Stage) {
    let store = &stage.store;
    let inbox = Some(stage.inbox().await);
    stage.picture.news();
    let changes = vec![set("/shared/comment", "ours"), set("/private/comment", "mine")];
    store.annotate(ANNA, inbox, changes).await.unwrap();
    let told = |mailbox, by, entries: &[&str]| {
        let entries = entries.iter().map(|entry| (*entry).to_owned()).collect();
        Change::Annotations(Annotations { account: ANNA, mailbox, by, entries })
    };
    assert_eq!(stage.picture.news(), [told(inbox, ANNA, &["/shared/comment", "/private/comment"])]);
    // Somebody else on the same mailbox.
    store.annotate(BEN, inbox, vec![set("/private/comment", "his"), set("/shared/x", "his")]).await.unwrap();
    assert_eq!(stage.picture.news(), [told(inbox, BEN, &["/private/comment", "/shared/x"])]);
    store.annotate(ANNA, None, vec![set("/private/vendor/x", "account")]).await.unwrap();
    assert_eq!(stage.picture.news(), [told(None, ANNA, &["/private/vendor/x"])]);
    let shown = async |account, mailbox| {
        let found: Vec<Annotation> = store.annotations(account, mailbox).await.unwrap();
        found.into_iter().map(|a| (a.entry, String::from_utf8(a.value.to_vec()).unwrap())).collect::<Vec<_>>()
    };
    let pairs = |all: &[(&str, &str)]| {
        all.iter().map(|(entry, value)| ((*entry).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
    };
    let of_anna = [("/private/comment", "mine"), ("/shared/comment", "ours"), ("/shared/x", "his")];
    assert_eq!(shown(ANNA, inbox).await, pairs(&of_anna));
    let of_ben = [("/private/comment", "his"), ("/shared/comment", "ours"), ("/shared/x", "his")];
    assert_eq!(shown(BEN, inbox).await, pairs(&of_ben));
    assert_eq!(shown(ANNA, None).await, pairs(&[("/private/vendor/x", "account")]));
    assert_eq!(shown(BEN, None).await, []);
    store.annotate(BEN, inbox, vec![("/shared/comment".to_owned(), None)]).await.unwrap();
    assert_eq!(shown(ANNA, inbox).await.len(), 2);
    let gone = store.annotate(ANNA, Some(MailboxId(99)), vec![set("/shared/x", "")]).await;
    assert_eq!(gone, Err(StoreError::NoSuchMailbox));
}

pub(crate) async fn annotations_are_bounded(stage: Stage) {
    let store = &stage.store;
    let many = (0..10_000).map(|n| (format!("/shared/x{n}"), Some(Bytes::new()))).collect();
    let refused = store.annotate(ANNA, None, many).await;
    assert!(matches!(refused, Err(StoreError::TooManyAnnotations(_))), "{refused:?}");
    assert_eq!(store.annotations(ANNA, None).await.unwrap(), []);
}
