//! Flags.

use posthaste_server::store::{
    Change, Expunge, FlagMask, Flags, KEYWORDS_MAX, Keyword, KeywordMask, MailboxId, Room, StoreError,
    StoreFlags, StoreMode, SystemFlags, Undelete,
};

use crate::stores::{self, ANNA, Stage};

fn keywords(names: &[&str]) -> Flags {
    Flags { keywords: names.iter().filter_map(|name| Keyword::new(name)).collect(), ..Flags::default() }
}

fn change(uids: Vec<u32>, mode: StoreMode, flags: impl Into<Flags>) -> StoreFlags {
    StoreFlags { uids, mode, flags: flags.into(), unchanged_since: None, known: None }
}

pub(crate) async fn flags_change_only_where_they_differ(stage: Stage) {
    let (store, inbox) = (&stage.store, stage.inbox().await);
    for _ in 0..3 {
        stage.append(inbox, b"x", Flags::default()).await;
    }
    let before = store.status(inbox).await.unwrap().modseq;
    stage.picture.news();
    let deleted = || change(vec![3, 9, 1, 3], StoreMode::Add, SystemFlags::DELETED);
    let stored = store.store_flags(inbox, deleted()).await.unwrap();
    assert_eq!(stored.changed.iter().map(|meta| meta.uid).collect::<Vec<_>>(), [1, 3]);
    assert!(stored.changed.iter().all(|meta| meta.modseq == stored.modseq && meta.modseq > before));
    let [Change::Messages(told)] = &stage.picture.news()[..] else { panic!("one change") };
    assert_eq!(told.changed, stored.changed);
    let again = store.store_flags(inbox, deleted()).await.unwrap();
    assert_eq!((again.changed.len(), again.modseq), (0, stored.modseq));
    assert_eq!(stage.picture.news(), []);
    let status = store.status(inbox).await.unwrap();
    assert_eq!((status.deleted, status.deleted_size, status.unseen), (2, 2, 3));
    let gone = store.store_flags(MailboxId(99), deleted()).await;
    assert_eq!(gone, Err(StoreError::NoSuchMailbox));
    stage.check().await;
}

pub(crate) async fn flags_outside_of_the_mask_stay(stage: Stage) {
    let (store, inbox) = (&stage.store, stage.inbox().await);
    let trash = stage.mailbox(ANNA, "Trash").await.id;
    let mine = Flags { system: SystemFlags::SEEN | SystemFlags::DELETED, ..keywords(&["mine"]) };
    for _ in 0..2 {
        stage.append(inbox, b"x", mine.clone()).await;
    }
    let mask = FlagMask { system: SystemFlags::SEEN | SystemFlags::DRAFT, keywords: KeywordMask::None };
    let given = Flags { system: SystemFlags::DRAFT | SystemFlags::FLAGGED, ..keywords(&["theirs"]) };
    let stored =
        store.store_flags(inbox, change(vec![1], StoreMode::ReplaceWithin(mask), given)).await.unwrap();
    let left = Flags { system: SystemFlags::DELETED | SystemFlags::DRAFT, ..keywords(&["mine"]) };
    assert!(stored.changed.len() == 1 && stored.changed[0].flags == left, "{stored:?}");
    assert_eq!(stage.metas(inbox).await[0].flags, left);
    // What is only taken away has changed too, in one step.
    let before = store.status(inbox).await.unwrap().modseq;
    let none = change(vec![1, 2], StoreMode::ReplaceWithin(mask), Flags::default());
    let stored = store.store_flags(inbox, none).await.unwrap();
    assert_eq!((stored.changed.len(), stored.modseq), (2, before + 1));
    // A copy and what is moved have the flags that are let through.
    let mask = FlagMask { system: SystemFlags::DELETED, keywords: KeywordMask::All };
    store.copy(inbox, vec![1], trash, Room::UNLIMITED, mask).await.unwrap();
    store.move_messages(inbox, vec![2], trash, Room::UNLIMITED, FlagMask::NONE).await.unwrap();
    let metas = stage.metas(trash).await;
    assert_eq!(metas[0].flags, Flags { system: SystemFlags::DELETED, ..keywords(&["mine"]) });
    assert!(metas[1].flags.is_empty() && metas[0].modseq + 1 == metas[1].modseq);
    stage.check().await;
}

pub(crate) async fn unchanged_since_leaves_newer_messages(stage: Stage) {
    let (store, inbox) = (&stage.store, stage.inbox().await);
    for _ in 0..3 {
        stage.append(inbox, b"x", Flags::default()).await;
    }
    let seen = store.status(inbox).await.unwrap().modseq;
    store.store_flags(inbox, change(vec![2], StoreMode::Add, SystemFlags::SEEN)).await.unwrap();
    let mut flagged = change(vec![1, 2, 3], StoreMode::Add, SystemFlags::FLAGGED);
    flagged.unchanged_since = Some(seen);
    let stored = store.store_flags(inbox, flagged.clone()).await.unwrap();
    assert_eq!(stored.modified, [2]);
    assert_eq!(stored.changed.iter().map(|meta| meta.uid).collect::<Vec<_>>(), [1, 3]);
    flagged.unchanged_since = Some(0);
    assert_eq!(store.store_flags(inbox, flagged.clone()).await.unwrap().modified, [1, 2, 3]);
    flagged.unchanged_since = Some(u64::MAX);
    assert_eq!(store.store_flags(inbox, flagged).await.unwrap().changed.len(), 1);
    stage.check().await;
}

pub(crate) async fn runs_of_flags_and_keywords_stay_apart(stage: Stage) {
    let (store, inbox) = (&stage.store, stage.inbox().await);
    let starts: [&[&str]; 7] = [&[], &["a"], &["a", "b"], &[], &["b"], &["A"], &[]];
    for start in starts {
        stage.append(inbox, b"x", keywords(start)).await;
    }
    let shown = async || {
        let all = stage.metas(inbox).await;
        all.iter()
            .map(|meta| meta.flags.keywords.iter().map(Keyword::as_str).collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
    };
    let all: Vec<u32> = (1..=7).collect();
    let stored =
        store.store_flags(inbox, change(all.clone(), StoreMode::Add, keywords(&["a"]))).await.unwrap();
    assert_eq!(stored.changed.iter().map(|meta| meta.uid).collect::<Vec<_>>(), [1, 4, 5, 7]);
    assert_eq!(shown().await, ["a", "a", "a b", "a", "a b", "A", "a"]);
    let stored =
        store.store_flags(inbox, change(all.clone(), StoreMode::Remove, keywords(&["b"]))).await.unwrap();
    assert_eq!(stored.changed.iter().map(|meta| meta.uid).collect::<Vec<_>>(), [3, 5]);
    store.store_flags(inbox, change(vec![2, 3, 6], StoreMode::Replace, keywords(&["c"]))).await.unwrap();
    assert_eq!(shown().await, ["a", "c", "c", "a", "a", "c", "a"]);
    // Many at once go another way than few.
    for _ in 0..40 {
        stage.append(inbox, b"x", keywords(&["a"])).await;
    }
    let odd: Vec<u32> = (1..=47).filter(|uid| uid % 2 == 1).collect();
    let stored =
        store.store_flags(inbox, change(odd.clone(), StoreMode::Replace, SystemFlags::SEEN)).await.unwrap();
    assert_eq!(stored.changed.iter().map(|meta| meta.uid).collect::<Vec<_>>(), odd);
    let metas = stage.metas(inbox).await;
    assert!(metas.iter().all(|meta| (meta.flags == SystemFlags::SEEN.into()) == (meta.uid % 2 == 1)));
    stage.check().await;
}

pub(crate) async fn what_is_known_is_believed_while_it_holds(stage: Stage) {
    let (store, inbox) = (&stage.store, stage.inbox().await);
    for _ in 0..9 {
        stage.append(inbox, b"x", Flags::default()).await;
    }
    let uids = vec![1, 2, 5, 6, 7, 9, 12];
    let known = stores::known(store, inbox, &uids).await;
    assert_eq!(known.as_ref().unwrap().ranges, [(1, 2), (5, 7), (9, 9)]);
    let seen = StoreFlags { known: known.clone(), ..change(uids.clone(), StoreMode::Add, SystemFlags::SEEN) };
    let stored = store.store_flags(inbox, seen).await.unwrap();
    let changed: Vec<u32> = stored.changed.iter().map(|meta| meta.uid).collect();
    assert_eq!(changed, uids[..6]);
    let metas = stage.metas(inbox).await;
    for meta in &metas {
        assert_eq!(meta.flags == SystemFlags::SEEN.into(), uids.contains(&meta.uid), "{meta:?}");
    }
    // It is older now: by it, none would be \Seen, and 5 were there.
    store.expunge(inbox, Expunge::Uids(vec![5])).await.unwrap();
    let again = StoreFlags { known, ..change(uids, StoreMode::Add, SystemFlags::SEEN | SystemFlags::DRAFT) };
    let stored = store.store_flags(inbox, again).await.unwrap();
    assert_eq!(stored.changed.iter().map(|meta| meta.uid).collect::<Vec<_>>(), [1, 2, 6, 7, 9]);
    assert!(stored.changed.iter().all(|meta| meta.flags.system == SystemFlags::SEEN | SystemFlags::DRAFT));
    stage.check().await;
}

pub(crate) async fn a_message_has_the_newest_of_its_flags(stage: Stage) {
    let (store, inbox) = (&stage.store, stage.inbox().await);
    for _ in 0..12 {
        stage.append(inbox, b"x", Flags::default()).await;
    }
    // Some of many, one of these, many with it among them: each as the last one to change it has said.
    let steps: [(Vec<u32>, StoreMode, SystemFlags); 6] = [
        ((1..=10).collect(), StoreMode::Add, SystemFlags::SEEN),
        (vec![5], StoreMode::Add, SystemFlags::FLAGGED),
        ((4..=12).collect(), StoreMode::Add, SystemFlags::DRAFT),
        (vec![5, 9], StoreMode::Remove, SystemFlags::SEEN),
        ((2..=6).collect(), StoreMode::Replace, SystemFlags::ANSWERED),
        ((6..=11).collect(), StoreMode::Remove, SystemFlags::DRAFT),
    ];
    let mut wanted = vec![(Flags::default(), 0); 12];
    for (uids, mode, flags) in steps {
        let before = stage.metas(inbox).await;
        let stored = store.store_flags(inbox, change(uids.clone(), mode, flags)).await.unwrap();
        for uid in uids {
            let (system, modseq) = &mut wanted[uid as usize - 1];
            let after = match mode {
                StoreMode::Add => system.system | flags,
                StoreMode::Remove => system.system.without(flags),
                _ => flags,
            };
            if after != system.system {
                (*system, *modseq) = (after.into(), stored.modseq);
            }
        }
        let found: Vec<_> =
            stage.metas(inbox).await.into_iter().map(|meta| (meta.flags, meta.modseq)).collect();
        for (uid, (found, wanted)) in (1..).zip(found.iter().zip(&wanted)) {
            assert_eq!(found.0, wanted.0, "message {uid}");
            assert!(found.1 == wanted.1 || wanted.1 == 0, "message {uid}");
        }
        let since = before.iter().map(|meta| meta.modseq).max().unwrap();
        let news = store.changed_since(inbox, since).await.unwrap();
        assert_eq!(news.changed, *stored.changed);
        stage.check().await;
    }
    // Those that are told apart by flags go by them, and take what tells of them along.
    let deleted = change(vec![1, 2, 3, 7, 8], StoreMode::Add, SystemFlags::DELETED);
    store.store_flags(inbox, deleted).await.unwrap();
    stage.check().await;
    assert_eq!(store.expunge(inbox, Expunge::Deleted).await.unwrap().uids, [1, 2, 3, 7, 8]);
    stage.check().await;
    let back = store.deleted(ANNA).await.unwrap().iter().map(|deleted| deleted.id).collect();
    let undelete = Undelete { account: ANNA, ids: back, to: inbox, room: Room::UNLIMITED };
    store.undelete(undelete).await.unwrap();
    let flags: Vec<SystemFlags> = stage.metas(inbox).await.iter().map(|meta| meta.flags.system).collect();
    let (seen, answered) = (SystemFlags::SEEN, SystemFlags::ANSWERED);
    assert_eq!(flags[7..], [seen, answered, answered, seen, seen]);
    store.expunge(inbox, Expunge::Uids((1..=20).collect())).await.unwrap();
    stage.check().await;
}

pub(crate) async fn imap_21_a_mailbox_has_a_bounded_number_of_keywords(stage: Stage) {
    let (store, inbox) = (&stage.store, stage.inbox().await);
    let numbered = |from: u32, to: u32| Flags {
        keywords: (from..to).filter_map(|n| Keyword::new(&format!("k{n}"))).collect(),
        ..Flags::default()
    };
    stage.append(inbox, b"x", numbered(0, KEYWORDS_MAX)).await;
    let limit = KEYWORDS_MAX as usize;
    assert_eq!(store.snapshot(inbox).await.unwrap().keywords.len(), limit);
    let more = change(vec![1], StoreMode::Add, numbered(KEYWORDS_MAX, KEYWORDS_MAX + 1));
    let refused = store.store_flags(inbox, more).await;
    assert_eq!(refused, Err(StoreError::TooManyKeywords(KEYWORDS_MAX)));
    stage.append(inbox, b"x", numbered(3, 5)).await;
    assert_eq!(store.snapshot(inbox).await.unwrap().keywords.len(), limit);
    stage.check().await;
}
