//! Back out of a backup, which stays as it is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use posthaste_server::admin::{ProblemKind, accounts, mail, upkeep};
use posthaste_server::store::{Expunge, MailboxName, SystemFlags};

use crate::desk::{ANNA, BEN, Desk, Seen, address, counts, restore, some};

/// With some mail of anna's, and a backup of it that was written on 2026-11-20.
async fn backed_up() -> Desk {
    let desk = Desk::open().await;
    for (name, messages) in some() {
        desk.fill(ANNA, &name, &messages).await;
    }
    desk.admin.ask(upkeep::Backup { directory: desk.path("backup") }).await.unwrap();
    let file = std::fs::File::options().write(true).open(desk.path("backup/posthaste.sqlite")).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(1_795_219_199)).unwrap();
    desk
}

/// The files in a directory and below it.
fn files(path: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            let content = std::fs::read(&path).unwrap();
            files.insert(path, content);
        }
    }
    files
}

fn below(folder: &str, all: BTreeMap<String, Vec<Seen>>) -> BTreeMap<String, Vec<Seen>> {
    all.into_iter().map(|(name, messages)| (format!("{folder}/{name}"), messages)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn u22_expunged_mail_comes_back_beside_what_there_is() {
    let desk = backed_up().await;
    let account = desk.admin.directory().account(&address(ANNA)).unwrap().id;
    for name in some().keys() {
        let mailbox = desk.store.mailbox(account, &MailboxName::new(name).unwrap()).await.unwrap();
        desk.fill(ANNA, name, &[("new".to_owned(), SystemFlags::DELETED, vec![], 9)]).await;
        let all: Vec<u32> =
            desk.store.snapshot(mailbox.id).await.unwrap().messages.iter().map(|one| one.uid).collect();
        let gone = all[..all.len() - 1].to_vec();
        desk.store.expunge(mailbox.id, Expunge::Uids(gone)).await.unwrap();
    }
    let left = desk.seen(ANNA).await;
    assert!(left.values().all(|messages| messages.len() == 1));
    let before = files(&desk.path("backup"));
    let moved = desk.admin.ask(restore(ANNA, desk.path("backup"))).await.unwrap();
    assert_eq!((counts(&moved), moved.mailboxes), ((5, 0, 0), 2));
    let mut wanted = below("Restored 2026-11-20", some());
    wanted.extend(left);
    assert_eq!(desk.seen(ANNA).await, wanted);
    // Again: nothing is doubled. And nothing was written to the backup, nor beside it.
    let moved = desk.admin.ask(restore(ANNA, desk.path("backup"))).await.unwrap();
    assert_eq!(counts(&moved), (0, 5, 0));
    assert_eq!(desk.seen(ANNA).await, wanted);
    assert_eq!(files(&desk.path("backup")), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn u22_a_removed_account_comes_back_in_place() {
    let desk = backed_up().await;
    desk.admin.ask(accounts::Remove { address: address(ANNA) }).await.unwrap();
    desk.refused(restore(ANNA, desk.path("backup")), ProblemKind::NotFound, ANNA).await;
    desk.add(ANNA).await;
    let request = || mail::Restore { in_place: true, ..restore(ANNA, desk.path("backup")) };
    assert_eq!(counts(&desk.admin.ask(request()).await.unwrap()), (5, 0, 0));
    assert_eq!(desk.seen(ANNA).await, some());
    assert_eq!(counts(&desk.admin.ask(request()).await.unwrap()), (0, 5, 0));
    let both = mail::Restore { into: Some("x".into()), ..request() };
    desk.refused(both, ProblemKind::Invalid, "in place").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u22_one_mailbox_comes_back_into_another_account() {
    let desk = backed_up().await;
    let name = "Entw\u{fc}rfe/2026";
    let request = |mailbox: Option<&str>, into: Option<&str>| mail::Restore {
        from: Some(address(ANNA)),
        mailbox: mailbox.map(str::to_owned),
        into: into.map(str::to_owned),
        ..restore(BEN, desk.path("backup"))
    };
    desk.admin.ask(request(Some(name), Some("INBOX"))).await.unwrap();
    assert_eq!(desk.seen(BEN).await, BTreeMap::from([("INBOX".to_owned(), some()[name].clone())]));
    desk.admin.ask(request(Some("INBOX"), None)).await.unwrap();
    desk.admin.ask(request(None, Some("All"))).await.unwrap();
    let mut wanted = below("All", some());
    wanted.insert("INBOX".to_owned(), some()[name].clone());
    wanted.insert("Restored 2026-11-20/INBOX".to_owned(), some()["INBOX"].clone());
    assert_eq!(desk.seen(BEN).await, wanted);
    desk.refused(request(Some("None"), None), ProblemKind::NotFound, "mailbox None of anna@x.test").await;
    // By its address, and by nothing else that may have been another's.
    desk.admin.ask(accounts::Rename { address: address(ANNA), to: address("ann@x.test") }).await.unwrap();
    desk.refused(restore("ann@x.test", desk.path("backup")), ProblemKind::NotFound, "--from").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn u22_what_is_no_backup_is_refused_and_stays_as_it_is() {
    let desk = backed_up().await;
    desk.refused(restore(ANNA, desk.path("data")), ProblemKind::Conflict, "posthaste backup").await;
    desk.refused(restore(ANNA, desk.path("none")), ProblemKind::NotFound, "none").await;
    desk.refused(restore(ANNA, "backup".into()), ProblemKind::Invalid, "whole path").await;
    let broken = desk.path("broken");
    std::fs::create_dir(&broken).unwrap();
    desk.refused(restore(ANNA, broken.clone()), ProblemKind::Unavailable, "posthaste.sqlite").await;
    let file = broken.join("posthaste.sqlite");
    for content in
        ["", "no database at all, but some text that is long enough to be taken for a header of one, or not"]
    {
        std::fs::write(&file, content.repeat(100)).unwrap();
        assert!(desk.admin.ask(restore(ANNA, broken.clone())).await.is_err());
        assert_eq!(files(&broken).len(), 1);
    }
    // In the middle of a file is nothing left.
    let mut octets = std::fs::read(desk.path("backup/posthaste.sqlite")).unwrap();
    let half = octets.len() / 8192 * 4096;
    octets[8192..half].fill(0xA5);
    std::fs::write(&file, &octets).unwrap();
    assert!(desk.admin.ask(restore(ANNA, broken.clone())).await.is_err());
    // As a server leaves it that was not ended.
    std::fs::copy(desk.path("backup/posthaste.sqlite"), &file).unwrap();
    std::fs::write(broken.join("posthaste.sqlite-wal"), "log").unwrap();
    desk.refused(restore(ANNA, broken), ProblemKind::Unavailable, "not ended in order").await;
    assert_eq!(desk.seen(ANNA).await, some());
}

#[tokio::test(flavor = "multi_thread")]
async fn u22_a_backup_of_an_older_version_is_read_as_a_copy() {
    let desk = Desk::open().await;
    let backup = desk.path("old");
    std::fs::create_dir(&backup).unwrap();
    let sql = rusqlite::Connection::open(backup.join("posthaste.sqlite")).unwrap();
    sql.execute_batch(include_str!("../../src/store/sqlite/schema/1.sql")).unwrap();
    sql.execute_batch(
        "INSERT INTO domains VALUES ('x.test');
         INSERT INTO accounts (id, local, domain, password) VALUES (7, 'anna', 'x.test', 'hash');
         INSERT INTO mailboxes (id, account, name, uidvalidity, uidnext) VALUES (3, 7, 'Old', 1, 2);
         INSERT INTO blobs (id, size, refs) VALUES (1, 5, 1);
         INSERT INTO chunks VALUES (1, 0, CAST('a: b' || char(10) AS BLOB));
         INSERT INTO messages VALUES (3, 1, 1, 5, 77, 0, 8, 'later', 1);
         PRAGMA user_version = 1;",
    )
    .unwrap();
    sql.close().unwrap();
    let before = files(&backup);
    let moved =
        desk.admin.ask(mail::Restore { in_place: true, ..restore(ANNA, backup.clone()) }).await.unwrap();
    assert_eq!(counts(&moved), (1, 0, 0));
    let one = ("a: b\n".to_owned(), SystemFlags::SEEN, vec!["later".to_owned()], 77);
    assert_eq!(desk.seen(ANNA).await, BTreeMap::from([("Old".to_owned(), vec![one])]));
    assert_eq!(files(&backup), before);
    let sql = rusqlite::Connection::open(backup.join("posthaste.sqlite")).unwrap();
    sql.pragma_update(None, "user_version", 99).unwrap();
    sql.close().unwrap();
    desk.refused(restore(ANNA, backup), ProblemKind::Unavailable, "newer program").await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn u22_a_backup_may_be_for_reading_only() {
    use std::os::unix::fs::PermissionsExt;
    let desk = backed_up().await;
    let backup = desk.path("backup");
    let mode =
        |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(&backup.join("posthaste.sqlite"), 0o400);
    mode(&backup, 0o500);
    let moved = desk.admin.ask(restore(ANNA, backup.clone())).await;
    mode(&backup, 0o700);
    assert_eq!(counts(&moved.unwrap()), (5, 0, 0));
}
