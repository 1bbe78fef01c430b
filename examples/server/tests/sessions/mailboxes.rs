//! Two live IMAP sessions on one account.

use std::sync::Arc;

use posthaste_server::store::sqlite::Sqlite;
use posthaste_server::store::{NoListener, Store};

use crate::server::World;

const MESSAGE: &str = "Subject: one\r\n\r\nbody\r\n";

#[tokio::test]
async fn p21_a_flag_set_in_one_session_is_told_to_the_other() {
    let world = World::new().await;
    let mut one = world.selected("alice", "INBOX").await;
    one.append("INBOX", MESSAGE).await;
    let mut two = world.selected("alice", "INBOX").await;
    one.ok("STORE 1 +FLAGS (\\Flagged $Work)").await;
    assert!(two.ok("NOOP").await.contains("* 1 FETCH (UID 1 FLAGS (\\Flagged $Work))\r\n"));
    assert_eq!(two.ok("NOOP").await.lines().count(), 1, "told once");
    let idle = two.idle().await;
    one.ok("STORE 1 -FLAGS (\\Flagged)").await;
    assert_eq!(two.response().await, "* 1 FETCH (UID 1 FLAGS ($Work))\r\n");
    two.done(&idle).await;
    // SILENT is silent to the session that asked only.
    assert_eq!(two.ok("STORE 1 FLAGS.SILENT (\\Answered)").await.lines().count(), 1);
    assert!(one.ok("NOOP").await.contains("FLAGS (\\Answered \\Recent)"));
}

#[tokio::test]
async fn p22_an_expunge_in_one_session_is_told_to_the_other_and_never_shifts_numbers_unheard() {
    let world = World::new().await;
    let mut one = world.selected("alice", "INBOX").await;
    for _ in 0..4 {
        one.append("INBOX", MESSAGE).await;
    }
    let mut two = world.selected("alice", "INBOX").await;
    one.ok("STORE 1,3 +FLAGS.SILENT (\\Deleted)").await;
    assert!(one.ok("EXPUNGE").await.starts_with("* 3 EXPUNGE\r\n* 1 EXPUNGE\r\n"));

    // FETCH, STORE and SEARCH by number may not tell of it, and say so where it matters (RFC 2180 4).
    let fetched = two.no("FETCH 1:4 (UID BODY.PEEK[TEXT])").await;
    assert!(!fetched.contains("EXPUNGE\r\n") && fetched.contains("T NO [EXPUNGEISSUED]"), "{fetched}");
    assert!(fetched.contains("* 2 FETCH (UID 2 ") && fetched.contains("* 4 FETCH (UID 4 "), "{fetched}");
    assert!(!fetched.contains("UID 1 ") && !fetched.contains("UID 3 "), "{fetched}");
    let stored = two.no("STORE 1:2 +FLAGS (\\Seen)").await;
    assert!(stored.contains("* 2 FETCH") && !stored.contains("* 1 FETCH"), "{stored}");
    assert!(stored.contains("T NO [EXPUNGEISSUED]"), "{stored}");
    assert!(!two.ok("SEARCH ALL").await.contains("EXPUNGE\r\n"));
    // UID commands may.
    let fetched = two.ok("UID FETCH 1:4 (FLAGS)").await;
    assert!(fetched.contains("* 3 EXPUNGE\r\n* 1 EXPUNGE\r\n"), "{fetched}");
    assert_eq!(two.ok("UID SEARCH ALL").await, "* SEARCH 2 4\r\nT OK SEARCH completed\r\n");

    let idle = two.idle().await;
    one.ok("STORE 1 +FLAGS.SILENT (\\Deleted)").await;
    one.ok("CLOSE").await;
    let mut told = two.response().await;
    if told.contains("FETCH") {
        told = two.response().await;
    }
    assert_eq!(told, "* 1 EXPUNGE\r\n");
    two.done(&idle).await;
    assert!(two.ok("UID FETCH 1:3 (FLAGS)").await.starts_with("T OK"));
}

#[tokio::test]
async fn p23_new_mail_is_told_by_noop_and_in_idle() {
    let world = World::new().await;
    let mut one = world.selected("alice", "INBOX").await;
    world.deliver("alice@x.test", MESSAGE).await;
    assert!(one.ok("NOOP").await.starts_with("* 1 EXISTS\r\n* 1 RECENT\r\n"));
    let idle = one.idle().await;
    world.deliver("alice@x.test", MESSAGE).await;
    assert_eq!(one.response().await, "* 2 EXISTS\r\n");
    assert_eq!(one.response().await, "* 2 RECENT\r\n");
    one.done(&idle).await;
    let fetched = one.ok("FETCH 2 (BODY.PEEK[TEXT])").await;
    assert!(fetched.contains("{6}\r\nbody\r\n"), "{fetched}");
}

#[tokio::test]
async fn p24_mailboxes_made_renamed_and_deleted_are_seen_by_the_other_session() {
    let world = World::new().await;
    let mut one = world.imap("alice").await;
    let mut two = world.imap("alice").await;
    one.ok("CREATE Work/2026").await;
    let listed = two.ok("LIST \"\" Work*").await;
    assert!(listed.contains("\"Work\"") || listed.contains(" Work\r\n"), "{listed}");
    assert!(listed.contains("Work/2026"), "{listed}");
    one.ok("RENAME Work Play").await;
    assert!(two.ok("LIST \"\" Work*").await.starts_with("T OK"));
    assert!(two.ok("LIST \"\" Play*").await.contains("Play/2026"));
    assert!(one.no("DELETE Play").await.contains("[HASCHILDREN]"));
    one.ok("DELETE Play/2026").await;
    assert!(two.no("SELECT Play/2026").await.contains("[NONEXISTENT]"));
    assert!(two.no("CREATE Play").await.contains("[ALREADYEXISTS]"));
}

#[tokio::test]
async fn a_mailbox_deleted_under_a_session_ends_that_session_with_bye() {
    let world = World::new().await;
    let mut one = world.imap("alice").await;
    one.ok("CREATE Short").await;
    let mut asking = world.selected("alice", "Short").await;
    let mut idling = world.selected("alice", "Short").await;
    idling.idle().await;
    one.ok("DELETE Short").await;
    let answer = asking.ok("NOOP").await;
    assert!(!answer.contains("EXPUNGE"), "{answer}");
    asking.peer.expect("* BYE The selected mailbox has been deleted").await;
    assert_eq!(asking.peer.line().await, "");
    idling.peer.expect("* BYE The selected mailbox has been deleted").await;
    assert_eq!(idling.peer.line().await, "");
    // A session that has renamed it stays: it is the same mailbox.
    one.ok("CREATE Long").await;
    let mut two = world.selected("alice", "Long").await;
    one.ok("RENAME Long Longer").await;
    one.append("Longer", MESSAGE).await;
    assert!(two.ok("NOOP").await.contains("* 1 EXISTS"));
}

#[tokio::test]
async fn recent_is_told_to_one_session_only() {
    let world = World::new().await;
    world.deliver("alice@x.test", MESSAGE).await;
    let mut looking = world.imap("alice").await;
    assert!(looking.ok("EXAMINE INBOX").await.contains("* 1 RECENT"));
    let mut first = world.imap("alice").await;
    assert!(first.ok("SELECT INBOX").await.contains("* 1 RECENT"));
    let mut second = world.imap("alice").await;
    assert!(second.ok("SELECT INBOX").await.contains("* 0 RECENT"));
    // Also of mail that comes while both look on.
    world.deliver("alice@x.test", MESSAGE).await;
    assert!(second.ok("NOOP").await.starts_with("* 2 EXISTS\r\n* 1 RECENT\r\n"));
    assert!(first.ok("NOOP").await.starts_with("* 2 EXISTS\r\n* 1 RECENT\r\n"));
    assert!(
        second
            .ok("FETCH 1:2 FLAGS")
            .await
            .starts_with("* 1 FETCH (FLAGS ())\r\n* 2 FETCH (FLAGS (\\Recent))\r\n")
    );
    assert!(
        first
            .ok("FETCH 1:2 FLAGS")
            .await
            .starts_with("* 1 FETCH (FLAGS (\\Recent))\r\n* 2 FETCH (FLAGS ())\r\n")
    );
    assert!(first.ok("SEARCH RECENT").await.starts_with("* SEARCH 1\r\n"));
    assert!(world.imap("alice").await.ok("SELECT INBOX").await.contains("* 0 RECENT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rfc3501_2_3_2_sessions_that_select_at_once_share_what_is_recent() {
    let world = World::new().await;
    let mut all = 0;
    for round in 0..8 {
        for _ in 0..=round % 3 {
            world.deliver("alice@x.test", MESSAGE).await;
            all += 1;
        }
        let (mut one, mut two, mut looking) =
            (world.imap("alice").await, world.imap("alice").await, world.imap("alice").await);
        tokio::join!(one.ok("SELECT INBOX"), looking.ok("EXAMINE INBOX"), two.ok("SELECT INBOX"));
        let mut recent = Vec::new();
        for session in [&mut one, &mut two] {
            let told = session.ok("SEARCH RECENT").await;
            let line = told.lines().find_map(|line| line.strip_prefix("* SEARCH")).unwrap();
            recent.extend(line.split_whitespace().map(|number| number.parse::<usize>().unwrap()));
        }
        recent.sort_unstable();
        let new: Vec<usize> = (all - round % 3..=all).collect();
        assert_eq!(recent, new, "round {round}: each once, and only what is new");
        assert!(looking.ok("EXAMINE INBOX").await.contains("* 0 RECENT"));
    }
    // An end in order is no reason to tell again: the store knows.
    let inbox = world.mailbox("alice", "INBOX").await.id;
    let World { data, running, .. } = world;
    running.stop().await;
    let store = Sqlite::open(data.path(), Arc::new(NoListener)).unwrap();
    let next = u32::try_from(all).unwrap() + 1;
    assert_eq!(store.recent(inbox).await, Ok(next..next));
}

#[tokio::test]
async fn examine_changes_nothing() {
    let world = World::new().await;
    world.deliver("alice@x.test", MESSAGE).await;
    let mut imap = world.imap("alice").await;
    assert!(imap.ok("EXAMINE INBOX").await.contains("T OK [READ-ONLY]"));
    let fetched = imap.ok("FETCH 1 (BODY[] FLAGS)").await;
    assert!(!fetched.contains("\\Seen"), "{fetched}");
    for command in ["STORE 1 +FLAGS (\\Deleted)", "EXPUNGE", "UID EXPUNGE 1", "MOVE 1 Trash"] {
        imap.no(command).await;
    }
    imap.ok("CLOSE").await;
    let selected = imap.ok("SELECT INBOX").await;
    assert!(
        selected.contains("* 1 EXISTS\r\n* 1 RECENT\r\n") && selected.contains("[UNSEEN 1]"),
        "{selected}"
    );
    assert!(imap.ok("FETCH 1 FLAGS").await.contains("FLAGS (\\Recent)"));
}

#[tokio::test]
async fn an_own_change_does_not_hide_the_changes_of_others_before_it() {
    let world = World::new().await;
    let mut one = world.selected("alice", "INBOX").await;
    for _ in 0..3 {
        one.append("INBOX", MESSAGE).await;
    }
    let mut two = world.selected("alice", "INBOX").await;
    one.ok("STORE 2 +FLAGS.SILENT (\\Flagged)").await;
    let told = two.ok("STORE 1 +FLAGS.SILENT (\\Answered)").await;
    assert!(told.starts_with("* 2 FETCH (UID 2 FLAGS (\\Flagged))\r\nT OK"), "{told}");
    // One comes and one goes: as many messages as before, and not the same.
    one.ok("STORE 3 +FLAGS.SILENT (\\Deleted)").await;
    one.ok("EXPUNGE").await;
    world.deliver("alice@x.test", MESSAGE).await;
    let told = two.ok("NOOP").await;
    assert!(told.starts_with("* 3 EXPUNGE\r\n* 3 EXISTS\r\n"), "{told}");
    assert!(two.ok("UID SEARCH ALL").await.starts_with("* SEARCH 1 2 4\r\n"));
}
