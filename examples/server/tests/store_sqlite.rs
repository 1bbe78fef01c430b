//! What only the store on SQLite promises: how it comes from older databases, what it does with damage, and that
//! nothing is left behind in its tables.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::clone_on_ref_ptr,
    reason = "test code"
)]

#[path = "support/stores.rs"]
#[allow(dead_code, reason = "shared by several test files")]
mod stores;

#[path = "store_sqlite/files.rs"]
mod files;

use std::path::Path;
use std::sync::Arc;

use posthaste_server::store::sqlite::{self, Options, SearchIndex, Sqlite};
use posthaste_server::store::{
    AccountId, Check, Delivery, Expunge, Flags, MailboxId, NoListener, Progress, RecordChange, Room, Store,
    StoreError, StoreFlags, StoreMode, SystemFlags,
};
use rusqlite::Connection;
use stores::{ANNA, BEN, SQLITE, Stage};

fn database(data: &Path) -> Connection {
    let sql = Connection::open(data.join("posthaste.sqlite")).unwrap();
    sql.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    sql.pragma_update(None, "foreign_keys", false).unwrap();
    sql
}

fn count(sql: &Connection, query: &str) -> i64 {
    sql.query_row(query, [], |row| row.get(0)).unwrap()
}

/// A database as the first version of the program wrote it.
fn write_schema_1(data: &Path) {
    let sql = database(data);
    sql.execute_batch(include_str!("../src/store/sqlite/schema/1.sql")).unwrap();
    sql.execute_batch(
        "INSERT INTO domains VALUES ('x.test'), ('empty.test');
         INSERT INTO accounts (id, local, domain, password, quota, used, uidvalidity_next)
             VALUES (2, 'anna', 'x.test', '$argon2id$a', 5000, 9, 1700000009),
                    (5, 'gone', 'x.test', '', NULL, 0, 1), (4, 'ben', 'x.test', '$argon2id$b', NULL, 3, 7);
         DELETE FROM accounts WHERE id = 5;
         INSERT INTO mailboxes (id, account, name, uidvalidity, uidnext, recent_from, modseq, special_use)
             VALUES (3, 2, 'INBOX', 1700000001, 8, 7, 12, NULL), (4, 2, 'Sent', 1700000002, 1, 1, 1, 'Sent'),
                    (9, 4, 'INBOX', 5, 2, 1, 2, NULL);
         INSERT INTO mailboxes (id, account, name, uidvalidity) VALUES (20, 4, 'gone', 6);
         DELETE FROM mailboxes WHERE id = 20;
         INSERT INTO subscriptions VALUES (2, 'INBOX');
         INSERT INTO keywords VALUES (3, '$Forwarded');
         INSERT INTO blobs (id, size, refs, summary) VALUES (1, 3, 2, x'00'), (7, 6, 1, NULL);
         INSERT INTO chunks (blob, part, data) VALUES (1, 0, 'abc'), (7, 0, 'second');
         UPDATE chunks SET data = CAST(data AS BLOB);
         INSERT INTO messages (mailbox, uid, blob, size, date, zone, flags, keywords, modseq) VALUES
             (3, 2, 1, 3, 1600000000, 60, 8, '', 5), (3, 7, 7, 6, 1600000001, 0, 4, '$Forwarded', 12),
             (9, 1, 1, 3, 1600000000, 60, 0, '', 2);
         PRAGMA user_version = 1;"
            .replace("'abc'", "x'616263'")
            .replace("'second'", "x'7365636f6e64'")
            .as_str(),
    )
    .unwrap();
}

#[tokio::test]
async fn rel_29_a_database_of_the_first_schema_is_understood() {
    let data = tempfile::tempdir().unwrap();
    write_schema_1(data.path());
    let store = SQLITE(data.path(), Arc::new(NoListener)).unwrap();
    let (anna, ben) = (AccountId(2), AccountId(4));
    assert_eq!(store.check(Check::Report, Progress::silent()).await.unwrap(), []);

    let records = store.records().await.unwrap();
    let shown: Vec<_> =
        records.iter().map(|r| (r.key.kind.as_str(), r.key.name.as_str(), r.version)).collect();
    assert_eq!(
        shown,
        [
            ("account", "anna@x.test", 1),
            ("account", "ben@x.test", 1),
            ("directory", "counters", 1),
            ("domain", "empty.test", 1),
            ("domain", "x.test", 1),
        ]
    );
    let wanted = r#"{"id":2,"address":"anna@x.test","enabled":true,"quota":5000,"credential":{"hash":"$argon2id$a","set":0}}"#;
    assert_eq!(records[0].value, wanted);
    assert_eq!(records[2].value, r#"{"next_account":6,"decoy_secret":""}"#);

    let usages = store.usages().await.unwrap();
    let shown: Vec<_> = usages.iter().map(|(id, u)| (*id, u.octets, u.messages, u.mailboxes)).collect();
    assert_eq!(shown, [(anna, 9, 2, 2), (ben, 3, 1, 1)]);
    let inbox = store.mailbox(anna, &stores::named("INBOX")).await.unwrap();
    assert_eq!(
        (inbox.uidvalidity, inbox.uidnext, inbox.modseq, inbox.subscribed),
        (1_700_000_001, 8, 12, true)
    );
    let status = store.status(inbox.id).await.unwrap();
    assert_eq!((status.messages, status.unseen, status.deleted, status.recent, status.size), (2, 1, 1, 1, 9));
    let snapshot = store.snapshot(inbox.id).await.unwrap();
    assert_eq!(snapshot.keywords.len(), 1);
    let [first, second] = &snapshot.messages[..] else { panic!("two messages") };
    assert_eq!((first.uid, first.flags.clone(), first.date.zone_minutes), (2, SystemFlags::SEEN.into(), 60));
    assert_eq!((second.uid, second.flags.keywords.iter().count(), second.modseq), (7, 1, 12));
    let content = store.content(second.blob, 0..9).await.unwrap();
    assert_eq!(stores::read(content).await, b"second");
    assert_eq!(store.summaries(vec![first.blob]).await.unwrap(), [None]);
    // Before there was a place to say so, nobody counted what their lines take.
    let blobs = vec![first.blob, second.blob];
    assert_eq!(store.sizes_on_lines(blobs.clone()).await.unwrap(), []);
    store.catch_up().await.unwrap();
    assert_eq!(store.sizes_on_lines(blobs).await.unwrap(), [(first.blob, 5), (second.blob, 8)]);
    // What was expunged before is not known.
    assert_eq!(store.changed_since(inbox.id, 11).await.unwrap().expunged, None);
    assert_eq!(store.changed_since(inbox.id, 12).await.unwrap().expunged, Some(Vec::new()));
    // Ids that were used are not used again.
    for used in [AccountId(1), AccountId(5)] {
        let again = store.commit(vec![RecordChange::AddAccount(used)]).await;
        assert!(matches!(again, Err(StoreError::Conflict(_))), "{used}");
    }
    store.commit(vec![RecordChange::AddAccount(AccountId(6))]).await.unwrap();
    assert!(store.create_mailbox(anna, &stores::named("new"), None).await.unwrap().id.0 > 20);
    assert_eq!(store.check(Check::Report, Progress::silent()).await.unwrap(), []);
}

#[tokio::test]
async fn rel_29_contents_of_an_older_schema_are_measured_in_the_background() {
    let mut stage = Stage::new(SQLITE).await;
    let inbox = stage.inbox().await;
    let content = |number: usize| {
        let lines = ["", "\r\n", "\n", "a\r", "long, and more of it\n"];
        lines[number % lines.len()].repeat(1 + number * 97 % 50_000).into_bytes()
    };
    for number in 0..50 {
        stage.append(inbox, &content(number), Flags::default()).await;
    }
    let blobs: Vec<_> = stage.metas(inbox).await.iter().map(|meta| meta.blob).collect();
    let counted = stage.store.sizes_on_lines(blobs.clone()).await.unwrap();
    assert_eq!(counted.len(), 30);
    stage.store.close().await.unwrap();
    let sql = database(stage.data.path());
    // Schema 3 had none of these.
    sql.execute_batch(
        "DROP VIEW current_messages; DROP TABLE flag_runs; DROP TABLE line_sizes; DROP TABLE line_sizes_state;
         DROP TABLE threads_state; DROP TABLE files; PRAGMA user_version = 3",
    )
    .unwrap();
    stage.reopen().await;
    let blobs = || blobs.clone();
    assert_eq!(stage.store.sizes_on_lines(blobs()).await.unwrap(), []);
    // What comes from now on is counted at once, and what goes is not measured.
    stage.append(inbox, b"x", Flags::default()).await;
    let new = stage.blob(inbox, 51).await;
    assert_eq!(stage.store.sizes_on_lines(vec![new]).await.unwrap(), [(new, 3)]);
    stage.store.catch_up().await.unwrap();
    assert_eq!(stage.store.sizes_on_lines(blobs()).await.unwrap(), counted);
    let commits = stage.store.commits();
    stage.store.catch_up().await.unwrap();
    assert_eq!(stage.store.commits(), commits, "there is nothing left to do");
    assert_eq!(count(&sql, "SELECT count(*) FROM line_sizes_state"), 0);
    stage.check().await;
}

#[tokio::test]
async fn imap_10_the_uids_of_a_mailbox_end_and_never_wrap() {
    let mut stage = Stage::new(SQLITE).await;
    let inbox = stage.inbox().await;
    database(stage.data.path())
        .execute("UPDATE mailboxes SET uidnext = 4294967294 WHERE id = ?1", [inbox.0])
        .unwrap();
    stage.reopen().await;
    assert_eq!(stage.append(inbox, b"x", Flags::default()).await, 4_294_967_294);
    let refused = stage.try_append(inbox, Room::UNLIMITED, b"x").await;
    assert_eq!(refused, Err(StoreError::UidsExhausted));
    let message = stage.message(b"x", Flags::default()).await;
    let delivered = stage.store.deliver(message, vec![stores::to_inbox(ANNA)], false).await.unwrap();
    assert_eq!(delivered, [Err(StoreError::UidsExhausted)]);
    assert_eq!(stage.store.status(inbox).await.unwrap().uidnext, u32::MAX);
    assert_eq!(stage.uids(inbox).await, [4_294_967_294]);
    stage.check().await;
}

#[tokio::test]
async fn rel_28_what_is_restored_is_a_copy_whoever_made_the_backup() {
    let folder = tempfile::tempdir().unwrap();
    let (backup, data) = (folder.path().join("backup"), folder.path().join("data"));
    // One that says nothing of itself, as of a version of the program that did not mark its backups.
    std::fs::create_dir(&backup).unwrap();
    write_schema_1(&backup);
    sqlite::restore(&backup, &data).unwrap();
    let store = SQLITE(&data, Arc::new(NoListener)).unwrap();
    assert!(store.mailbox_by_id(MailboxId(3)).await.unwrap().uidvalidity > 1_700_000_009);
    assert!(store.mailbox_by_id(MailboxId(9)).await.unwrap().uidvalidity > 1_700_000_009);
    assert_eq!(store.check(Check::Report, Progress::silent()).await.unwrap(), []);
    // What a server uses is no backup, and what is there is not written over.
    let elsewhere = folder.path().join("elsewhere");
    assert_eq!(sqlite::restore(&data, &elsewhere), Err(StoreError::Locked));
    store.close().await.unwrap();
    assert!(matches!(sqlite::restore(&backup, &data), Err(StoreError::Io { .. })));
    assert!(matches!(
        sqlite::restore(&folder.path().join("nothing"), &elsewhere),
        Err(StoreError::Io { .. })
    ));
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
    // The backup is as it was.
    assert_eq!(count(&database(&backup), "SELECT user_version FROM pragma_user_version"), 1);
}

#[tokio::test]
async fn nothing_is_left_of_mail_that_is_gone() {
    let mut stage = Stage::new(SQLITE).await;
    let inbox = stage.inbox().await;
    for size in [0, 10, 300_000] {
        let mut message = stage.message(&vec![b'x'; size], Flags::default()).await;
        message.content.set_summary(stores::bytes("summary"));
        message.content.set_ids(vec![b"id".to_vec()]);
        stage.store.append(inbox, Room::UNLIMITED, vec![message]).await.unwrap();
    }
    stage.store.catch_up().await.unwrap();
    let sql = database(stage.data.path());
    assert_eq!(count(&sql, "SELECT count(*) FROM contents"), 1);
    assert_eq!(count(&sql, "SELECT count(*) FROM files"), 1);
    assert_eq!(count(&sql, "SELECT count(*) FROM search_docsize"), 2);
    assert_eq!(count(&sql, "SELECT count(*) FROM search_unknown"), 1);
    let (uids, mode, flags) = (vec![1, 2, 3], StoreMode::Add, SystemFlags::SEEN.into());
    let seen = StoreFlags { uids, mode, flags, unchanged_since: None, known: None };
    stage.store.store_flags(inbox, seen).await.unwrap();
    assert_eq!(count(&sql, "SELECT count(*) FROM flag_runs"), 1);
    stage.store.expunge(inbox, Expunge::Uids(vec![1, 2, 3])).await.unwrap();
    stage.store.purge(i64::MAX, 10).await.unwrap();
    stage.store.commit(vec![RecordChange::RemoveAccount(ANNA)]).await.unwrap();
    // What is removed when there is time for it is removed before the store is closed, or when it opens.
    stage.reopen().await;
    stage.store.commit(vec![RecordChange::EmptyAccount(BEN)]).await.unwrap();
    // Between two changes there is time, sooner or later.
    for _ in 0..1000 {
        if count(&sql, "SELECT count(*) FROM blobs") == 0 {
            break;
        }
        stage.store.commit(Vec::new()).await.unwrap();
    }
    stage.store.close().await.unwrap();
    let tables = [
        "blobs",
        "contents",
        "files",
        "line_sizes",
        "summaries",
        "messages",
        "flag_runs",
        "deleted",
        "threads",
        "search_docsize",
        "search_unknown",
    ];
    for table in tables {
        assert_eq!(count(&sql, &format!("SELECT count(*) FROM {table}")), 0, "{table}");
    }
}

#[tokio::test]
async fn rel_30_damage_is_found_and_repaired() {
    let damages = [
        (
            "UPDATE mailboxes SET messages = 77, unseen = 3 WHERE name = 'INBOX' AND account = 1",
            "messages are counted",
        ),
        ("UPDATE accounts SET octets = 1 WHERE id = 1", "keeps is counted"),
        ("UPDATE accounts SET deleted_octets = 1 WHERE id = 1", "expunged from it is counted"),
        ("UPDATE blobs SET refs = refs + 1", "references"),
        ("DELETE FROM blobs WHERE id = 1", "content is gone"),
        ("DELETE FROM mailboxes WHERE name = 'INBOX' AND account = 1", "mailbox that is not there"),
        ("UPDATE mailboxes SET uidnext = 2", "still to be given out"),
        ("UPDATE mailboxes SET modseq = 1", "mod-sequence above"),
        ("INSERT INTO contents VALUES (77 << 20, x'00')", "octets of a content"),
        ("INSERT INTO files VALUES (77, 'nowhere')", "file of a content"),
        ("INSERT INTO summaries VALUES (77, x'00')", "summary of a content"),
        ("INSERT INTO line_sizes VALUES (77, 9)", "length of lines"),
        ("UPDATE mailboxes SET expunged_rows = 9", "remembered of expunged"),
        (
            "INSERT INTO flag_runs VALUES ((1 << 32) + 9, (1 << 32) + 12, 8, '', 1)",
            "messages that are not there",
        ),
        ("INSERT INTO flag_runs VALUES ((1 << 32) + 1, (1 << 32) + 3, 12, '', 99)", "mod-sequence above"),
        ("DELETE FROM accounts WHERE id = 1", "of no account"),
        ("INSERT INTO deleted VALUES (1, 1, 99, 1, 'x', 1, 1, 1, 1, '', 1)", "content or its account"),
    ];
    for (damage, problem) in damages {
        let mut stage = Stage::new(SQLITE).await;
        let inbox = stage.inbox().await;
        for _ in 0..3 {
            stage.append(inbox, b"123", Flags::default()).await;
        }
        stage.store.close().await.unwrap();
        database(stage.data.path()).execute_batch(damage).unwrap();
        stage.store = SQLITE(stage.data.path(), Arc::new(NoListener)).unwrap();
        let reported = stage.store.check(Check::Report, Progress::silent()).await.unwrap();
        assert!(reported.iter().any(|finding| finding.problem.contains(problem)), "{damage}: {reported:?}");
        assert!(reported.iter().all(|finding| finding.repair.is_none()));
        let repaired = stage.store.check(Check::Repair, Progress::silent()).await.unwrap();
        assert!(repaired.iter().all(|finding| finding.repair.is_some()), "{damage}: {repaired:?}");
        let left = stage.store.check(Check::Report, Progress::silent()).await.unwrap();
        assert_eq!(left, [], "{damage}");
    }
}

#[tokio::test]
async fn rel_30_an_index_that_grows_between_two_checks_is_not_damaged() {
    let stage = Stage::new(SQLITE).await;
    let inbox = stage.inbox().await;
    // Every reader has its turn, more than once.
    for round in 0..40 {
        let content = format!("Subject: {round}\r\n\r\n{}\r\n", "words and more ".repeat(round * 37 % 300));
        stage.append(inbox, content.as_bytes(), Flags::default()).await;
        stage.store.catch_up().await.unwrap();
        if round % 3 == 0 {
            stage.store.may_contain(stage.blobs(inbox).await, "WORDS").await.unwrap();
        }
        assert_eq!(stage.store.check(Check::Report, Progress::silent()).await.unwrap(), [], "round {round}");
    }
}

#[tokio::test]
async fn rel_30_what_a_repair_removes_is_known_to_be_gone() {
    let stage = Stage::new(SQLITE).await;
    let inbox = stage.inbox().await;
    for _ in 0..3 {
        stage.append(inbox, b"123", Flags::default()).await;
    }
    let known = stage.store.status(inbox).await.unwrap().modseq;
    database(stage.data.path()).execute("DELETE FROM blobs WHERE id = 2", []).unwrap();
    stage.store.check(Check::Repair, Progress::silent()).await.unwrap();
    let news = stage.store.changed_since(inbox, known).await.unwrap();
    assert!(news.modseq > known);
    assert_eq!((news.changed, news.expunged), (Vec::new(), Some(vec![2])));
    assert_eq!(stage.store.check(Check::Report, Progress::silent()).await.unwrap(), []);
}

#[tokio::test]
async fn a_mailbox_whose_making_failed_leaves_no_counts_to_the_next_one() {
    for round in 0..20 {
        let stage = Stage::new(SQLITE).await;
        let inbox = stage.inbox().await;
        let messages = [
            stage.message(&[b'x'; 200_000], Flags::default()).await,
            stage.message(b"fails", Flags::default()).await,
            stage.message(b"works", Flags::default()).await,
        ];
        let [busy, fails, works] = messages;
        let to = |account, name: &str| Delivery { mailbox: stores::named(name), ..stores::to_inbox(account) };
        let too_much = Delivery { room: stores::octets(1), ..stores::to_inbox(BEN) };
        // All three wait at once, so that some of them share a transaction.
        let (first, second, third) = tokio::join!(
            stage.store.append(inbox, Room::UNLIMITED, vec![busy]),
            stage.store.deliver(fails, vec![to(ANNA, "New"), too_much], true),
            stage.store.deliver(works, vec![to(BEN, "Other")], true),
        );
        first.unwrap();
        assert!(matches!(second, Err(StoreError::OverQuota { .. })), "{round}: {second:?}");
        assert!(third.unwrap()[0].is_ok());
        assert_eq!(stage.store.usage(BEN).await.unwrap().octets, 5, "{round}");
        stage.check().await;
    }
}

#[tokio::test]
async fn rel_10_a_content_that_is_not_whole_is_told_of_and_the_rest_is_served() {
    let stage = Stage::new(SQLITE).await;
    let inbox = stage.inbox().await;
    for _ in 0..2 {
        stage.append(inbox, &[b'x'; 200_000], Flags::default()).await;
    }
    let (hurt, sound) = (stage.blob(inbox, 1).await, stage.blob(inbox, 2).await);
    let cut = "UPDATE contents SET data = substr(data, 1, 100000) WHERE id = ?1 << 20";
    database(stage.data.path()).execute(cut, [hurt.0]).unwrap();
    let findings = stage.store.check(Check::Repair, Progress::silent()).await.unwrap();
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].problem.as_str(), &findings[0].repair), ("it is not whole", &None));
    let mut content = stage.store.content(hurt, 0..u64::MAX).await.unwrap();
    assert!(content.next_chunk().await.is_ok());
    assert!(content.next_chunk().await.is_err());
    assert_eq!(stage.content(sound, 0..u64::MAX).await.len(), 200_000);
}

#[tokio::test]
async fn search_02_the_index_answers_and_can_be_switched_off() {
    let mut stage = Stage::new(SQLITE).await;
    let inbox = stage.inbox().await;
    // More than one portion, and more text than is indexed.
    for n in 0..150 {
        stage.append(inbox, format!("Subject: number {n}!\r\n\r\n").as_bytes(), Flags::default()).await;
    }
    let long = format!("Subject: long\r\n\r\n{}", "a b c d e f g h\r\n".repeat(40_000));
    stage.append(inbox, long.as_bytes(), Flags::default()).await;
    let (first, second) = tokio::join!(stage.store.catch_up(), stage.store.catch_up());
    first.and(second).unwrap();
    let found = stage.store.may_contain(stage.blobs(inbox).await, "NUMBER 77!").await.unwrap().unwrap();
    assert_eq!(found, [stage.blob(inbox, 78).await, stage.blob(inbox, 151).await]);
    // What comes later may have anything until it is indexed.
    let late = stage.append(inbox, b"Subject: late\r\n\r\n", Flags::default()).await;
    let found = stage.store.may_contain(stage.blobs(inbox).await, "NUMBER 77!").await.unwrap().unwrap();
    assert!(found.len() == 3 && found[2] == stage.blob(inbox, late).await);
    stage.check().await;

    let all = stage.blobs(inbox).await;
    stage.store.close().await.unwrap();
    let off = Options { search: SearchIndex::Off };
    let store = Sqlite::open_with(stage.data.path(), Arc::new(NoListener), off).unwrap();
    assert_eq!(store.may_contain(all, "NUMBER 77!").await, Ok(None));
    store.catch_up().await.unwrap();
    store.close().await.unwrap();
    // Switched on again, it goes on where it was.
    stage.store = SQLITE(stage.data.path(), Arc::new(NoListener)).unwrap();
    stage.store.catch_up().await.unwrap();
    assert_eq!(
        stage.store.may_contain(stage.blobs(inbox).await, "NUMBER 77!").await.unwrap().unwrap().len(),
        2
    );
}

#[cfg(unix)]
#[tokio::test]
async fn st_07_spooled_messages_are_private_and_nothing_is_left_of_them() {
    use std::os::unix::fs::PermissionsExt;
    let mut stage = Stage::new(SQLITE).await;
    let directory = stage.data.path().join("spool");
    let spooled =
        || -> Vec<_> { std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect() };
    let message = stage.spooled(&[b'x'; 200_000]).await;
    let mut arriving = stage.store.spool();
    arriving.write(&[b'x'; 200_000]).await.unwrap();
    assert_eq!(spooled().len(), 2);
    for path in spooled().iter().chain([&directory]) {
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} {mode:o}", path.display());
    }
    drop(message);
    drop(arriving);
    assert_eq!(spooled(), [""; 0].map(std::path::PathBuf::from));
    // What a crash has left goes when the store opens again.
    std::fs::write(directory.join("1234-5"), "left").unwrap();
    stage.reopen().await;
    assert_eq!(spooled(), [""; 0].map(std::path::PathBuf::from));
}
