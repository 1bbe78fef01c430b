//! Contents that are in files of their own: there is a file for each that is kept, and none for any other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use posthaste_server::store::sqlite::{self, Archive};
use posthaste_server::store::{
    Backup, BlobId, CHUNK, Check, Expunge, Flags, MailboxId, NewMessage, NoListener, Progress, RecordChange,
    Room, StoreError,
};
use proptest::prelude::*;

use super::stores::{self, ANNA, BEN, DATE, SQLITE, Stage};
use super::{count, database};

/// The files of a data directory, with what they hold.
fn files(data: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(data.join("contents")).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

/// Octets that differ from one to the next, and from those of another seed.
fn octets(seed: usize, size: usize) -> Vec<u8> {
    (0..size).map(|at| u8::try_from((at * 31 + seed * 97) % 251).unwrap()).collect()
}

fn large(seed: usize) -> Vec<u8> {
    octets(seed, usize::try_from(CHUNK).unwrap() + 1 + seed * 7919)
}

async fn backup(stage: &Stage, to: &Path) {
    stage.store.backup(Backup { directory: to.to_owned() }, Progress::silent()).await.unwrap();
}

/// Until what has no references is removed: between two changes there is time, sooner or later.
async fn swept(stage: &Stage, left: i64) {
    let sql = database(stage.data.path());
    for _ in 0..10_000 {
        // By name: what is being removed cannot be read.
        let files = std::fs::read_dir(stage.data.path().join("contents")).unwrap().count();
        let files = i64::try_from(files).unwrap();
        if count(&sql, "SELECT count(*) FROM blobs") == left && files <= left {
            return;
        }
        stage.store.commit(Vec::new()).await.unwrap();
    }
    panic!("contents are left over");
}

async fn purge(stage: &Stage, inbox: MailboxId, uids: Vec<u32>) {
    stage.store.expunge(inbox, Expunge::Uids(uids)).await.unwrap();
    stage.store.purge(i64::MAX, 1000).await.unwrap();
}

/// Moves a content from its file into rows, where an older version of the program kept it.
fn into_rows(data: &Path, blob: BlobId) {
    let sql = database(data);
    let name: String = sql
        .query_row("DELETE FROM files WHERE blob = ?1 RETURNING name", [blob.0], |row| row.get(0))
        .unwrap();
    let path = data.join("contents").join(name);
    let content = std::fs::read(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    for (part, chunk) in (0_i64..).zip(content.chunks(usize::try_from(CHUNK).unwrap())) {
        sql.execute("INSERT INTO contents VALUES (?1, ?2)", ((blob.0 << 20) + part, chunk)).unwrap();
    }
}

#[tokio::test]
async fn a_large_content_is_written_once_and_to_a_file_of_its_own() {
    let stage = Stage::new(SQLITE).await;
    let inbox = stage.inbox().await;
    let data = stage.data.path();
    let most = usize::try_from(CHUNK).unwrap();
    stage.append(inbox, &octets(1, most), Flags::default()).await;
    assert!(files(data).is_empty(), "as large as this it is in the database");
    let message = stage.message(&large(2), Flags::default()).await;
    let both = vec![stores::to_inbox(ANNA), stores::to_inbox(BEN)];
    stage.store.deliver(message, both, true).await.unwrap();
    assert_eq!(files(data).into_values().collect::<Vec<_>>(), [large(2)]);
    let sql = database(data);
    assert_eq!(count(&sql, "SELECT count(*) FROM contents"), 1);
    assert_eq!(count(&sql, "SELECT count(*) FROM blobs"), 2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data.join("contents")), 0o700);
        assert!(files(data).keys().all(|path| mode(path) == 0o600));
    }
    // What arrived together shares a file until it is stored.
    let mut spool = stage.store.spool();
    let mut messages = Vec::new();
    for seed in [3, 4, 5] {
        spool.write(&large(seed)).await.unwrap();
        let (content, next) = spool.next().await.unwrap();
        messages.push(NewMessage { content, flags: Flags::default(), date: DATE });
        spool = next;
    }
    let appended = stage.store.append(inbox, Room::UNLIMITED, messages).await.unwrap();
    drop(spool);
    assert_eq!(files(data).len(), 4);
    assert_eq!(std::fs::read_dir(data.join("spool")).unwrap().count(), 0);
    for (uid, seed) in appended.uids.into_iter().zip([3, 4, 5]) {
        assert_eq!(stage.content(stage.blob(inbox, uid).await, 0..u64::MAX).await, large(seed));
    }
    stage.check().await;
}

#[tokio::test]
async fn rel_05_of_a_large_message_that_is_refused_no_file_is_left() {
    let stage = Stage::new(SQLITE).await;
    let inbox = stage.inbox().await;
    let refused = stage.try_append(inbox, stores::octets(10), &large(1)).await;
    assert!(matches!(refused, Err(StoreError::OverQuota { .. })), "{refused:?}");
    assert!(files(stage.data.path()).is_empty());
    // In a transaction with others that succeed.
    let messages = [large(2), large(3), large(4)]
        .map(|content| async { stage.message(&{ content }, Flags::default()).await });
    let [one, two, three] = messages;
    let (one, two, three) = (one.await, two.await, three.await);
    let (first, second, third) = tokio::join!(
        stage.store.append(inbox, Room::UNLIMITED, vec![one]),
        stage.store.append(inbox, stores::octets(10), vec![two]),
        stage.store.append(inbox, Room::UNLIMITED, vec![three]),
    );
    assert!(first.is_ok() && third.is_ok() && second.is_err());
    let left: Vec<_> = files(stage.data.path()).into_values().collect();
    assert_eq!(left.len(), 2);
    assert!(left.contains(&large(2)) && left.contains(&large(4)));
    // Nobody wants it: it comes and goes.
    let message = stage.message(&large(5), Flags::default()).await;
    let no_room = stores::to_inbox(ANNA);
    let no_room = posthaste_server::store::Delivery { room: stores::octets(1), ..no_room };
    assert!(stage.store.deliver(message, vec![no_room], false).await.unwrap()[0].is_err());
    swept(&stage, 2).await;
    assert_eq!(files(stage.data.path()).len(), 2);
    stage.check().await;
}

#[tokio::test]
async fn rel_22_files_that_a_crash_has_left_go_and_those_of_a_lost_database_do_not() {
    let mut stage = Stage::new(SQLITE).await;
    let inbox = stage.inbox().await;
    stage.append(inbox, &large(1), Flags::default()).await;
    let data = stage.data.path().to_owned();
    stage.store.close().await.unwrap();
    std::fs::write(data.join("contents/left-1"), "half").unwrap();
    // A disk of its own has such a directory.
    std::fs::create_dir(data.join("contents/lost+found")).unwrap();
    stage.store = SQLITE(&data, Arc::new(NoListener)).unwrap();
    std::fs::remove_dir(data.join("contents/lost+found")).unwrap();
    assert_eq!(files(&data).into_values().collect::<Vec<_>>(), [large(1)]);
    stage.store.close().await.unwrap();
    // Somebody has moved the database away: what is left of the mail is not removed for that.
    for name in ["posthaste.sqlite", "posthaste.sqlite-wal", "posthaste.sqlite-shm"] {
        let _ = std::fs::rename(data.join(name), data.join(format!("{name}.away")));
    }
    let refused = SQLITE(&data, Arc::new(NoListener));
    let Err(StoreError::Io { message, .. }) = refused else {
        panic!("a new database over the mail of another")
    };
    assert!(message.contains("put it back"), "{message}");
    assert_eq!(files(&data).len(), 1);
    for name in ["posthaste.sqlite", "posthaste.sqlite-wal", "posthaste.sqlite-shm"] {
        let _ = std::fs::remove_file(data.join(name));
        let _ = std::fs::rename(data.join(format!("{name}.away")), data.join(name));
    }
    stage.store = SQLITE(&data, Arc::new(NoListener)).unwrap();
    assert_eq!(stage.content(stage.blob(inbox, 1).await, 0..u64::MAX).await, large(1));
    assert_eq!(stage.store.check(Check::Report, Progress::silent()).await.unwrap(), []);
}

#[tokio::test]
async fn st_11_a_content_that_is_read_stays_until_it_is_read() {
    let stage = Stage::new(SQLITE).await;
    let inbox = stage.inbox().await;
    stage.append(inbox, &large(40), Flags::default()).await;
    let mut content = stage.store.content(stage.blob(inbox, 1).await, 0..u64::MAX).await.unwrap();
    let mut octets = content.next_chunk().await.unwrap().unwrap().to_vec();
    purge(&stage, inbox, vec![1]).await;
    for _ in 0..20 {
        stage.store.commit(Vec::new()).await.unwrap();
    }
    octets.extend(stores::read(content).await);
    assert!(octets == large(40));
    swept(&stage, 0).await;
    assert!(files(stage.data.path()).is_empty());
}

#[tokio::test]
async fn rel_28_a_backup_has_its_contents_whatever_becomes_of_the_mail() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(SQLITE).await;
    let inbox = stage.inbox().await;
    for seed in 0..4 {
        stage.append(inbox, &large(seed), Flags::default()).await;
    }
    // One of them as an older version of the program stored it.
    into_rows(stage.data.path(), stage.blob(inbox, 2).await);
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    // Messages go, and others come, while it is made.
    let going = async {
        purge(&stage, inbox, vec![1]).await;
        for seed in 10..14 {
            stage.append(inbox, &large(seed), Flags::default()).await;
        }
        purge(&stage, inbox, vec![3]).await;
    };
    tokio::join!(backup(&stage, &first), going);
    purge(&stage, inbox, stage.uids(inbox).await).await;
    swept(&stage, 0).await;
    assert!(files(stage.data.path()).is_empty());
    backup(&stage, &second).await;
    assert!(files(&second).is_empty());

    // It can be looked into, and made a data directory of; neither changes it.
    let before = files(&first);
    for round in 0..2 {
        let archive = Archive::open(&first, stage.data.path()).unwrap();
        let messages = archive.messages(inbox).unwrap();
        assert!(messages.iter().any(|meta| meta.uid == 2 || meta.uid == 4));
        for meta in &messages {
            let mut octets = Vec::new();
            archive
                .read(meta.blob, |piece| {
                    octets.extend_from_slice(piece);
                    Ok(())
                })
                .unwrap();
            let seed = usize::try_from(meta.uid).unwrap() - 1;
            assert!(octets == large(if seed < 4 { seed } else { seed + 6 }), "message {}", meta.uid);
        }
        drop(archive);
        let data = folder.path().join(format!("data-{round}"));
        sqlite::restore(&first, &data).unwrap();
        let store = SQLITE(&data, Arc::new(NoListener)).unwrap();
        assert_eq!(store.check(Check::Report, Progress::silent()).await.unwrap(), []);
        assert_eq!(store.snapshot(inbox).await.unwrap().messages.len(), messages.len());
        store.commit(vec![RecordChange::EmptyAccount(ANNA)]).await.unwrap();
        store.close().await.unwrap();
        assert_eq!(files(&first), before);
    }
}

#[tokio::test]
async fn rel_10_files_that_are_hurt_are_told_of_and_the_rest_is_served() {
    let stage = Stage::new(SQLITE).await;
    let inbox = stage.inbox().await;
    for seed in 0..3 {
        stage.append(inbox, &large(seed), Flags::default()).await;
    }
    let mut paths = files(stage.data.path()).into_iter();
    let mut path_of = |content: Vec<u8>| paths.find(|(_, found)| *found == content).unwrap().0;
    let (gone, cut) = (path_of(large(0)), path_of(large(1)));
    std::fs::remove_file(gone).unwrap();
    std::fs::File::options().write(true).open(cut).unwrap().set_len(CHUNK).unwrap();
    for how in [Check::Report, Check::Repair] {
        let findings = stage.store.check(how, Progress::silent()).await.unwrap();
        assert_eq!(findings.len(), 2, "{findings:?}");
        assert!(findings[0].problem.starts_with("its file "), "{findings:?}");
        assert_eq!(findings[1].problem, "it is not whole");
        assert!(findings.iter().all(|finding| finding.repair.is_none()));
    }
    assert!(stage.store.content(stage.blob(inbox, 1).await, 0..9).await.is_err());
    let mut content = stage.store.content(stage.blob(inbox, 2).await, 0..u64::MAX).await.unwrap();
    assert!(content.next_chunk().await.is_ok());
    assert!(content.next_chunk().await.is_err());
    assert_eq!(stage.content(stage.blob(inbox, 3).await, 0..u64::MAX).await, large(2));
    // What comes after them is indexed.
    stage.store.catch_up().await.unwrap();
    let late = stage.append(inbox, b"Subject: late\r\n\r\n", Flags::default()).await;
    stage.store.catch_up().await.unwrap();
    let late = stage.blob(inbox, late).await;
    let found = stage.store.may_contain(vec![late], "NOT IN IT").await.unwrap();
    assert_eq!(found, Some(Vec::new()));
    // What can be copied is.
    let copy = stage.data.path().join("copy");
    backup(&stage, &copy).await;
    assert_eq!(files(&copy).len(), 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Any range of a content is the same from a file and from rows.
    #[test]
    fn rel_29_a_content_of_an_older_version_reads_as_one_of_this(
        size in 1_usize..1_000_000,
        ranges in prop::collection::vec((0_u64..1_000_100, 0_u64..1_000_100), 1..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stage = Stage::new(SQLITE).await;
            let inbox = stage.inbox().await;
            let content = octets(3, size);
            stage.append(inbox, &content, Flags::default()).await;
            let blob = stage.blob(inbox, 1).await;
            let is_large = size as u64 > CHUNK;
            assert_eq!(files(stage.data.path()).len(), usize::from(is_large));
            for rows in [false, true] {
                if rows && is_large {
                    into_rows(stage.data.path(), blob);
                }
                for (start, end) in &ranges {
                    let cut = |at: u64| usize::try_from(at).unwrap().min(size);
                    let wanted = content.get(cut(*start)..cut(*end)).unwrap_or_default();
                    assert!(stage.content(blob, *start..*end).await == wanted, "{start}..{end} of {size}");
                    let parts = stage.store.parts(vec![(blob, *start..*end)]).await.unwrap();
                    assert!(parts[0].as_deref() == Some(wanted), "part {start}..{end} of {size}");
                }
            }
        });
    }
}
