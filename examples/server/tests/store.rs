//! What the store promises, one promise a test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

#[path = "support/world.rs"]
#[allow(dead_code, reason = "shared by several test files")]
mod world;

use posthaste_server::directory::{Address, DirectoryError, RemoveDomain};
use posthaste_server::store::{
    CHUNK, Expunge, Flags, KEYWORDS_MAX, Keyword, NewMessage, Role, SpecialUse, Store, StoreError, StoreMode,
    SystemFlags,
};
use world::{DATE, World, named};

#[tokio::test]
async fn a_new_account_has_its_mailboxes_subscribed() {
    let world = World::new().await;
    let account = world.account("anna", None).await;
    let mailboxes = world.store.mailboxes(account.id).await.unwrap();
    let names: Vec<&str> = mailboxes.iter().map(|mailbox| mailbox.name.as_str()).collect();
    assert_eq!(names, ["Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"]);
    assert!(mailboxes.iter().all(|mailbox| mailbox.subscribed && mailbox.uidnext == 1));
    assert_eq!(mailboxes[4].special_use, Some(SpecialUse::Sent));
    assert_eq!(mailboxes[2].special_use, None);
}

#[tokio::test]
async fn a_message_comes_back_as_it_was_whole_and_in_parts() {
    let world = World::new().await;
    let account = world.account("anna", None).await;
    let inbox = world.mailbox(&account, "INBOX").await;
    let chunk = usize::try_from(CHUNK).unwrap();
    for size in [0, 1, 70_000, chunk - 1, chunk, chunk + 1, 3 * chunk + 17] {
        let content: Vec<u8> = (0..size).map(|n| u8::try_from(n % 251).unwrap()).collect();
        let uid = world.append(&inbox, &content, Flags::default()).await.unwrap();
        assert!(world.content(&inbox, uid, 0..u64::MAX).await == content, "{size}");
        for (start, end) in
            [(0, 0), (0, 1), (1, size), (chunk - 1, chunk + 1), (chunk, 2 * chunk), (size, size + 9)]
        {
            let wanted = content.get(start.min(size)..end.min(size)).unwrap_or_default();
            assert!(
                world.content(&inbox, uid, start as u64..end as u64).await == wanted,
                "{size} {start}..{end}"
            );
        }
    }
    let metas = world.store.snapshot(inbox.id).await.unwrap();
    assert!(metas.iter().all(|meta| meta.date == DATE));
    world.check();
}

#[tokio::test]
async fn one_delivery_is_one_content_in_all_mailboxes() {
    let world = World::new().await;
    let (anna, ben) = (world.account("anna", None).await, world.account("ben", None).await);
    let mut message = world.spooled(b"Subject: x\r\n\r\n").await;
    message.set_summary(bytes::Bytes::from_static(b"summary"));
    let delivered = world.store.deliver(&[anna.id, ben.id], message, Flags::default(), DATE).await.unwrap();
    assert_eq!(delivered.iter().map(|d| (d.account, d.uid)).collect::<Vec<_>>(), [(anna.id, 1), (ben.id, 1)]);
    assert_eq!(world.count("SELECT count(*) FROM blobs"), 1);
    let metas = world.store.snapshot(delivered[1].mailbox).await.unwrap();
    assert_eq!(
        world.store.summaries(vec![metas[0].blob]).await.unwrap()[0].as_deref(),
        Some(&b"summary"[..])
    );
    world.check();

    world.store.expunge(delivered[0].mailbox, Expunge::Uids(vec![1])).await.unwrap();
    assert_eq!(world.count("SELECT refs FROM blobs"), 1);
    world.directory.remove_account(&ben.address).await.unwrap();
    assert_eq!(world.count("SELECT count(*) FROM blobs"), 0);
    assert_eq!(world.count("SELECT count(*) FROM chunks"), 0);
    world.check();
}

#[tokio::test]
async fn st_03_the_quota_holds_for_every_way_in() {
    let world = World::new().await;
    let account = world.account("anna", Some(100)).await;
    let other = world.account("ben", None).await;
    let inbox = world.mailbox(&account, "INBOX").await;
    let trash = world.mailbox(&account, "Trash").await;
    // Two at the same time, each of which alone would fit.
    let (first, second) = tokio::join!(
        world.append(&inbox, &[b'x'; 60], Flags::default()),
        world.append(&trash, &[b'x'; 60], Flags::default())
    );
    assert!(first.is_ok() != second.is_ok());
    assert!(matches!(first.and(second), Err(StoreError::OverQuota { quota: 100, wanted: 60, .. })));
    assert_eq!(world.used(&account).await, 60);
    let (full, empty) = if world.store.status(inbox.id).await.unwrap().messages == 1 {
        (&inbox, &trash)
    } else {
        (&trash, &inbox)
    };
    assert!(world.store.copy(full.id, vec![1], empty.id).await.is_err());
    assert_eq!(world.used(&account).await, 60);
    world.store.move_messages(full.id, vec![1], empty.id).await.unwrap();
    assert_eq!(world.used(&account).await, 60);

    // All or nobody for SMTP, each by itself for LMTP.
    let message = world.spooled(&[b'x'; 41]).await;
    let recipients = [other.id, account.id];
    assert!(world.store.deliver(&recipients, message, Flags::default(), DATE).await.is_err());
    assert_eq!(world.used(&other).await, 0);
    let message = world.spooled(&[b'x'; 41]).await;
    let outcomes = world.store.deliver_each(&recipients, message, Flags::default(), DATE).await.unwrap();
    assert!(outcomes[0].is_ok());
    assert!(matches!(outcomes[1], Err(StoreError::OverQuota { .. })));
    let message = world.spooled(&[b'x'; 40]).await;
    world.store.deliver(&[account.id], message, Flags::default(), DATE).await.unwrap();
    assert_eq!(world.used(&account).await, 100);
    world.check();
}

#[tokio::test]
async fn imap_20_a_multiappend_that_fails_appends_nothing() {
    let world = World::new().await;
    let account = world.account("anna", Some(100)).await;
    let inbox = world.mailbox(&account, "INBOX").await;
    let mut messages = Vec::new();
    for size in [40, 40, 40] {
        let content = world.spooled(&vec![b'x'; size]).await;
        messages.push(NewMessage { content, flags: Flags::default(), date: DATE });
    }
    assert!(world.store.append(inbox.id, messages).await.is_err());
    assert_eq!(world.store.status(inbox.id).await.unwrap().uidnext, 1);
    assert_eq!(world.used(&account).await, 0);
    world.check();
}

#[tokio::test]
async fn uids_are_not_used_again_and_flags_raise_the_modseq() {
    let world = World::new().await;
    let account = world.account("anna", None).await;
    let inbox = world.mailbox(&account, "INBOX").await;
    for _ in 0..3 {
        world.append(&inbox, b"x", Flags::default()).await.unwrap();
    }
    let before = world.store.status(inbox.id).await.unwrap().modseq;
    let flags = Flags::from(SystemFlags::DELETED);
    let changed =
        world.store.store_flags(inbox.id, vec![3, 9, 1, 3], StoreMode::Add, flags.clone()).await.unwrap();
    assert_eq!(changed.iter().map(|meta| meta.uid).collect::<Vec<_>>(), [1, 3]);
    assert!(changed.iter().all(|meta| meta.modseq > before));
    assert!(world.store.store_flags(inbox.id, vec![3], StoreMode::Add, flags).await.unwrap().is_empty());
    assert_eq!(world.store.expunge(inbox.id, Expunge::DeletedAmong(vec![2, 3])).await.unwrap(), [3]);
    assert_eq!(world.store.expunge(inbox.id, Expunge::Deleted).await.unwrap(), [1]);
    assert_eq!(world.append(&inbox, b"x", Flags::default()).await.unwrap(), 4);
    world.check();
}

#[tokio::test]
async fn imap_10_the_uids_of_a_mailbox_end_and_never_wrap() {
    let world = World::new().await;
    let account = world.account("anna", None).await;
    let inbox = world.mailbox(&account, "INBOX").await;
    let sql = rusqlite::Connection::open(world.data.path().join("posthaste.sqlite")).unwrap();
    sql.execute("UPDATE mailboxes SET uidnext = 4294967294 WHERE name = 'INBOX'", []).unwrap();
    assert_eq!(world.append(&inbox, b"x", Flags::default()).await, Ok(4_294_967_294));
    assert_eq!(world.append(&inbox, b"x", Flags::default()).await, Err(StoreError::UidsExhausted));
    assert_eq!(world.store.status(inbox.id).await.unwrap().uidnext, u32::MAX);
    world.check();
}

#[tokio::test]
async fn imap_21_a_mailbox_has_a_bounded_number_of_keywords() {
    let world = World::new().await;
    let account = world.account("anna", None).await;
    let inbox = world.mailbox(&account, "INBOX").await;
    let keywords = |from: u32, to: u32| Flags {
        keywords: (from..to).filter_map(|n| Keyword::new(&format!("k{n}"))).collect(),
        ..Flags::default()
    };
    world.append(&inbox, b"x", keywords(0, KEYWORDS_MAX)).await.unwrap();
    assert_eq!(world.store.keywords(inbox.id).await.unwrap().len(), KEYWORDS_MAX as usize);
    let more = keywords(KEYWORDS_MAX, KEYWORDS_MAX + 1);
    let refused = world.store.store_flags(inbox.id, vec![1], StoreMode::Add, more).await;
    assert_eq!(refused, Err(StoreError::TooManyKeywords(KEYWORDS_MAX)));
    assert!(world.append(&inbox, b"x", keywords(3, 5)).await.is_ok());
    assert_eq!(world.store.keywords(inbox.id).await.unwrap().len(), KEYWORDS_MAX as usize);
}

#[tokio::test]
async fn mbx_06_creating_renaming_and_deleting() {
    let world = World::new().await;
    let account = world.account("anna", None).await;
    let store = &world.store;
    store.create_mailbox(account.id, &named("a/b/c")).await.unwrap();
    assert_eq!(store.create_mailbox(account.id, &named("a")).await, Err(StoreError::AlreadyExists));
    let before = world.mailbox(&account, "a/b/c").await;
    assert_eq!(store.delete_mailbox(account.id, &named("a/b")).await, Err(StoreError::HasChildren));
    assert_eq!(
        store.rename_mailbox(account.id, &named("a"), &named("a/d")).await,
        Err(StoreError::IntoItself)
    );
    assert_eq!(
        store.rename_mailbox(account.id, &named("a/b"), &named("Sent")).await,
        Err(StoreError::AlreadyExists)
    );
    // A sibling that only begins with the same letters stays.
    store.create_mailbox(account.id, &named("a/b0")).await.unwrap();
    store.create_mailbox(account.id, &named("a/b-c")).await.unwrap();
    store.rename_mailbox(account.id, &named("a/b"), &named("x/y")).await.unwrap();
    let after = world.mailbox(&account, "x/y/c").await;
    assert_eq!((before.id, before.uidvalidity), (after.id, after.uidvalidity));
    let names: Vec<String> = store.mailboxes(account.id).await.unwrap().into_iter().map(|m| m.name).collect();
    for name in ["a", "a/b0", "a/b-c", "x", "x/y", "x/y/c"] {
        assert!(names.iter().any(|found| found == name), "{name}");
    }
    assert!(!names.iter().any(|name| name == "a/b" || name == "a/b/c"));

    store.subscribe(account.id, &named("x/y/c")).await.unwrap();
    store.delete_mailbox(account.id, &named("x/y/c")).await.unwrap();
    assert_eq!(store.mailbox(account.id, &named("x/y/c")).await, Err(StoreError::NoSuchMailbox));
    assert!(store.subscriptions(account.id).await.unwrap().contains(&"x/y/c".to_owned()));
    let again = store.create_mailbox(account.id, &named("x/y/c")).await.unwrap();
    assert!(again.uidvalidity > after.uidvalidity && again.id != after.id && again.subscribed);
}

#[tokio::test]
async fn mbx_03_inbox_can_be_renamed_but_never_goes() {
    let world = World::new().await;
    let account = world.account("anna", None).await;
    let inbox = world.mailbox(&account, "INBOX").await;
    world.append(&inbox, b"one", SystemFlags::SEEN.into()).await.unwrap();
    world.append(&inbox, b"two", Flags::default()).await.unwrap();
    world.store.create_mailbox(account.id, &named("INBOX/child")).await.unwrap();
    assert_eq!(world.store.delete_mailbox(account.id, &named("inbox")).await, Err(StoreError::InboxStays));
    world.store.rename_mailbox(account.id, &named("inbox"), &named("old/mail")).await.unwrap();
    let old = world.mailbox(&account, "old/mail").await;
    assert_eq!(world.content(&old, 2, 0..9).await, b"two");
    let status = world.store.status(inbox.id).await.unwrap();
    assert_eq!((status.messages, status.uidnext), (0, 3));
    world.mailbox(&account, "INBOX/child").await;
    world.check();
}

#[tokio::test]
async fn copying_and_moving_answer_pairs_of_uids() {
    let world = World::new().await;
    let account = world.account("anna", None).await;
    let (inbox, trash) = (world.mailbox(&account, "INBOX").await, world.mailbox(&account, "Trash").await);
    for flags in [SystemFlags::SEEN, SystemFlags::NONE, SystemFlags::FLAGGED] {
        world.append(&inbox, b"x", flags.into()).await.unwrap();
    }
    let copied = world.store.copy(inbox.id, vec![3, 1, 77], trash.id).await.unwrap();
    assert_eq!((copied.sources, copied.destinations), (vec![1, 3], vec![1, 2]));
    assert_eq!(copied.uidvalidity, trash.uidvalidity);
    let moved = world.store.move_messages(inbox.id, vec![1, 2], trash.id).await.unwrap();
    assert_eq!((moved.sources, moved.destinations), (vec![1, 2], vec![3, 4]));
    let moved = world.store.move_messages(inbox.id, vec![3], inbox.id).await.unwrap();
    assert_eq!((moved.sources, moved.destinations), (vec![3], vec![4]));
    let metas = world.store.snapshot(trash.id).await.unwrap();
    assert_eq!(metas.iter().map(|meta| meta.uid).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(metas[1].flags.system, SystemFlags::FLAGGED);
    world.check();
}

#[tokio::test]
async fn recent_is_told_once() {
    let world = World::new().await;
    let account = world.account("anna", None).await;
    let inbox = world.mailbox(&account, "INBOX").await;
    world.append(&inbox, b"x", Flags::default()).await.unwrap();
    assert_eq!(world.store.status(inbox.id).await.unwrap().recent, 1);
    assert_eq!(world.store.claim_recent(inbox.id).await, Ok(1..2));
    assert_eq!(world.store.claim_recent(inbox.id).await, Ok(2..2));
    assert_eq!(world.store.status(inbox.id).await.unwrap().recent, 0);
}

#[tokio::test]
async fn watchers_learn_of_changes_and_of_the_end() {
    let world = World::new().await;
    let account = world.account("anna", None).await;
    let store = &world.store;
    let (inbox, box_) = (world.mailbox(&account, "INBOX").await, named("box"));
    let box_id = store.create_mailbox(account.id, &box_).await.unwrap().id;
    let (mut inbox_feed, mut box_feed) = (store.subscribe_changes(inbox.id), store.subscribe_changes(box_id));
    world.append(&inbox, b"x", Flags::default()).await.unwrap();
    assert!(inbox_feed.has_changed().unwrap());
    inbox_feed.changed().await.unwrap();
    assert!(!box_feed.has_changed().unwrap());
    // Nothing changed, nothing said; a failed operation says nothing either.
    store.store_flags(inbox.id, vec![1], StoreMode::Remove, SystemFlags::SEEN.into()).await.unwrap();
    let gone = store.create_mailbox(account.id, &named("gone")).await.unwrap().id;
    store.delete_mailbox(account.id, &named("gone")).await.unwrap();
    assert_eq!(store.copy(inbox.id, vec![1], gone).await, Err(StoreError::NoSuchMailbox));
    assert!(!inbox_feed.has_changed().unwrap());
    store.delete_mailbox(account.id, &box_).await.unwrap();
    assert!(box_feed.changed().await.is_err());
    assert_eq!(store.snapshot(box_id).await, Err(StoreError::NoSuchMailbox));

    // Another process.
    let tool = Store::open(world.data.path(), Role::Tool).unwrap();
    let uids = vec![1];
    tool.store_flags(inbox.id, uids, StoreMode::Add, SystemFlags::SEEN.into()).await.unwrap();
    inbox_feed.changed().await.unwrap();
    assert_eq!(store.snapshot(inbox.id).await.unwrap()[0].flags.system, SystemFlags::SEEN);
}

#[tokio::test]
async fn a_content_that_is_being_read_outlives_its_message() {
    let world = World::new().await;
    let account = world.account("anna", None).await;
    let inbox = world.mailbox(&account, "INBOX").await;
    let content = vec![b'x'; usize::try_from(CHUNK).unwrap() * 2];
    let uid = world.append(&inbox, &content, Flags::default()).await.unwrap();
    let blob = world.store.snapshot(inbox.id).await.unwrap()[0].blob;
    let mut reader = world.store.read_blob(blob, 0..u64::MAX).await.unwrap();
    reader.next_chunk().await.unwrap();
    world.store.expunge(inbox.id, Expunge::Uids(vec![uid])).await.unwrap();
    assert_eq!(reader.next_chunk().await.unwrap().unwrap().len() as u64, CHUNK);
    assert_eq!(reader.remaining(), 0);
    drop(reader);
    // The removal is asked for before this, and the writer keeps the order.
    world.append(&inbox, b"x", Flags::default()).await.unwrap();
    assert_eq!(world.count("SELECT count(*) FROM blobs"), 1);
    assert_eq!(world.store.read_blob(blob, 0..1).await.unwrap_err(), StoreError::NoSuchMessage);
    world.check();
}

#[tokio::test]
async fn a_maildrop_is_one_sessions() {
    let world = World::new().await;
    let (anna, ben) = (world.account("anna", None).await, world.account("ben", None).await);
    let lock = world.store.lock_maildrop(anna.id).unwrap();
    assert!(world.store.clone().lock_maildrop(anna.id).is_none());
    assert!(world.store.lock_maildrop(ben.id).is_some());
    drop(lock);
    assert!(world.store.lock_maildrop(anna.id).is_some());
}

#[tokio::test]
async fn st_07_the_spool_is_private_and_leaves_nothing() {
    let world = World::new().await;
    let account = world.account("anna", None).await;
    let large = vec![b'x'; 300_000];
    let message = world.spooled(&large).await;
    assert_eq!(world.spool_files(), 1);
    #[cfg(unix)]
    for path in [world.data.path().join("spool"), {
        std::fs::read_dir(world.data.path().join("spool")).unwrap().next().unwrap().unwrap().path()
    }] {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o077, 0);
    }
    drop(message);
    assert_eq!(world.spool_files(), 0);
    let message = world.spooled(&large).await;
    world.store.deliver(&[account.id], message, Flags::default(), DATE).await.unwrap();
    assert_eq!(world.spool_files(), 0);
    let mut half = world.store.spool();
    half.write(&large).await.unwrap();
    assert_eq!((world.spool_files(), half.size()), (1, 300_000));
    drop(half);
    assert_eq!(world.spool_files(), 0);

    // What a crash leaves goes at the next start of a server, and not when a tool runs.
    world.store.close().await;
    std::fs::write(world.data.path().join("spool/1-1"), "x").unwrap();
    Store::open(world.data.path(), Role::Tool).unwrap();
    assert_eq!(world.spool_files(), 1);
    Store::open(world.data.path(), Role::Server).unwrap();
    assert_eq!(world.spool_files(), 0);
}

#[tokio::test]
async fn rel_17_a_second_server_is_refused() {
    let world = World::new().await;
    assert_eq!(Store::open(world.data.path(), Role::Server).unwrap_err(), StoreError::Locked);
    assert!(Store::open(world.data.path(), Role::Tool).is_ok());
    world.store.close().await;
    assert!(Store::open(world.data.path(), Role::Server).is_ok());
    let account = world.account_error().await;
    assert_eq!(account, DirectoryError::Store(StoreError::Closed));
}

#[tokio::test]
async fn rel_02_what_was_acknowledged_is_in_a_copy_of_the_files_taken_at_once() {
    let world = World::new().await;
    let account = world.account("anna", None).await;
    let inbox = world.mailbox(&account, "INBOX").await;
    for n in 1..=5_u8 {
        let content = vec![n; 100_000];
        let message = world.spooled(&content).await;
        world.store.deliver(&[account.id], message, Flags::default(), DATE).await.unwrap();
        // What a crash at this moment would leave: the files as they are, no shared memory, no closing.
        let crashed = tempfile::tempdir().unwrap();
        for file in ["posthaste.sqlite", "posthaste.sqlite-wal"] {
            std::fs::copy(world.data.path().join(file), crashed.path().join(file)).unwrap();
        }
        let store = Store::open(crashed.path(), Role::Server).unwrap();
        let metas = store.snapshot(inbox.id).await.unwrap();
        assert_eq!(metas.len(), usize::from(n));
        let mut reader = store.read_blob(metas.last().unwrap().blob, 0..u64::MAX).await.unwrap();
        assert!(reader.next_chunk().await.unwrap().unwrap() == content);
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn group_commit_serves_many_and_one_failure_spoils_nothing() {
    let world = World::new().await;
    let account = world.account("anna", Some(10_000)).await;
    let before = world.store.commits();
    let tasks: Vec<_> = (0..300)
        .map(|n| {
            let (store, id) = (world.store.clone(), account.id);
            tokio::spawn(async move {
                let mut spool = store.spool();
                // Every tenth is too large for the quota.
                let size = if n % 10 == 0 { 20_000 } else { 10 };
                spool.write(&vec![b'x'; size]).await.unwrap();
                let message = spool.finish().await.unwrap();
                (n, store.deliver(&[id], message, Flags::default(), DATE).await)
            })
        })
        .collect();
    for task in tasks {
        let (n, outcome) = task.await.unwrap();
        assert_eq!(outcome.is_ok(), n % 10 != 0, "{n}: {outcome:?}");
    }
    let commits = world.store.commits() - before;
    assert!((1..300).contains(&commits), "{commits}");
    assert_eq!(world.used(&account).await, 2700);
    world.check();
}

#[tokio::test]
async fn auth_05_wrong_and_unknown_are_one_answer() {
    let world = World::new().await;
    let account = world.account("anna", None).await;
    let directory = &world.directory;
    assert_eq!(directory.verify("Anna@X.TEST", b"secret").await.unwrap(), Some(account));
    for (user, password) in [
        ("anna@x.test", "Secret"),
        ("anna@x.test", ""),
        ("ben@x.test", "secret"),
        ("anna", "secret"),
        ("", ""),
    ] {
        assert_eq!(directory.verify(user, password.as_bytes()).await.unwrap(), None, "{user} {password}");
    }
    let address = Address::parse("anna@x.test").unwrap();
    directory.set_password(&address, "1".to_owned()).await.unwrap();
    assert!(directory.verify("anna@x.test", b"1").await.unwrap().is_some());
    assert!(directory.verify("anna@x.test", b"secret").await.unwrap().is_none());
    assert!(matches!(
        directory.set_password(&address, String::new()).await,
        Err(DirectoryError::EmptyPassword(_))
    ));
}

#[tokio::test]
async fn a_domain_goes_with_its_accounts_only_when_told_so() {
    let world = World::new().await;
    let account = world.account("anna", None).await;
    let inbox = world.mailbox(&account, "INBOX").await;
    world.append(&inbox, b"x", Flags::default()).await.unwrap();
    let refused = world.directory.remove_domain("X.test", RemoveDomain::IfEmpty).await;
    assert!(matches!(refused, Err(DirectoryError::DomainInUse { accounts: 1, .. })));
    world.directory.remove_domain("X.test", RemoveDomain::WithAccounts).await.unwrap();
    assert!(!world.directory.serves("x.test").await.unwrap());
    assert_eq!(world.count("SELECT count(*) FROM blobs") + world.count("SELECT count(*) FROM mailboxes"), 0);
    world.check();
}

impl World {
    async fn account_error(&self) -> DirectoryError {
        self.directory.add_domain("y.test").await.unwrap_err()
    }
}

#[tokio::test]
async fn what_is_new_since_a_mod_sequence_is_what_was_added_or_changed() {
    let world = World::new().await;
    let inbox = world.mailbox(&world.account("anna", None).await, "INBOX").await;
    for _ in 0..3 {
        world.append(&inbox, b"x", Flags::default()).await.unwrap();
    }
    let before = world.store.snapshot(inbox.id).await.unwrap();
    let modseq = before.iter().map(|meta| meta.modseq).max().unwrap();
    assert_eq!(world.store.changed_since(inbox.id, modseq).await.unwrap().changed, []);
    world.store.expunge(inbox.id, Expunge::Uids(vec![1])).await.unwrap();
    let flagged = Flags::from(SystemFlags::FLAGGED);
    world.store.store_flags(inbox.id, vec![2], StoreMode::Add, flagged).await.unwrap();
    world.append(&inbox, b"x", Flags::default()).await.unwrap();
    let news = world.store.changed_since(inbox.id, modseq).await.unwrap();
    assert_eq!(news.count, 3);
    assert_eq!(news.changed.iter().map(|meta| meta.uid).collect::<Vec<_>>(), [2, 4]);
}
