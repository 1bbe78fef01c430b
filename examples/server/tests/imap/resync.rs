//! Clients that come back: CONDSTORE, QRESYNC, UIDONLY, PARTIAL, UIDBATCHES.

use crate::server::{Imap, World};

async fn fill(imap: &mut Imap, count: usize) {
    for number in 0..count {
        imap.append("INBOX", &format!("Subject: {number}\r\n\r\nbody {number}\r\n")).await;
    }
}

fn highest(answer: &str) -> u64 {
    let rest = answer.split("HIGHESTMODSEQ ").nth(1).unwrap_or_else(|| panic!("{answer}"));
    rest.split([']', ')']).next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn p21_a_client_that_comes_back_hears_only_what_it_missed() {
    let world = World::sharing().await;
    let mut one = world.imap("alice").await;
    one.ok("ENABLE QRESYNC").await;
    fill(&mut one, 6).await;
    let opened = one.ok("SELECT INBOX").await;
    let validity = opened.split("UIDVALIDITY ").nth(1).unwrap().split(']').next().unwrap().to_owned();
    let known = highest(&opened);
    one.ok("UNSELECT").await;
    let mut two = world.selected("alice", "INBOX").await;
    two.ok("UID STORE 2 +FLAGS (\\Flagged)").await;
    two.ok("UID STORE 1,5 +FLAGS.SILENT (\\Deleted)").await;
    two.ok("EXPUNGE").await;
    let opened = one.ok(&format!("SELECT INBOX (QRESYNC ({validity} {known}))")).await;
    assert!(opened.contains("* VANISHED (EARLIER) 1,5\r\n"), "{opened}");
    assert!(opened.contains("* 1 FETCH (UID 2 FLAGS (\\Flagged) MODSEQ ("), "{opened}");
    assert_eq!(opened.matches(" FETCH (").count(), 1, "{opened}");
    assert!(highest(&opened) > known);
    // The same for a client that asks with FETCH, of what is in its cache only.
    let asked = one.ok(&format!("UID FETCH 1:3 (FLAGS) (CHANGEDSINCE {known} VANISHED)")).await;
    assert!(
        asked.contains("* VANISHED (EARLIER) 1\r\n") && asked.matches(" FETCH (").count() == 1,
        "{asked}"
    );
    // Another UIDVALIDITY is another mailbox.
    let opened = one.ok(&format!("SELECT INBOX (QRESYNC (7 {known}))")).await;
    assert!(!opened.contains("VANISHED"), "{opened}");
}

#[tokio::test]
async fn a_conditional_store_leaves_alone_what_has_changed() {
    let world = World::sharing().await;
    let mut one = world.imap("alice").await;
    fill(&mut one, 2).await;
    let known = highest(&one.ok("SELECT INBOX (CONDSTORE)").await);
    let mut two = world.selected("alice", "INBOX").await;
    two.ok("STORE 1 +FLAGS (\\Seen)").await;
    let answer = one.ok(&format!("STORE 1:2 (UNCHANGEDSINCE {known}) +FLAGS.SILENT (\\Flagged)")).await;
    assert!(answer.contains("T OK [MODIFIED 1]"), "{answer}");
    assert!(answer.contains("* 2 FETCH (MODSEQ ("), "{answer}");
    assert!(!one.ok("FETCH 1 FLAGS").await.contains("\\Flagged"));
    let changed = one.ok(&format!("FETCH 1:* (FLAGS) (CHANGEDSINCE {known})")).await;
    assert_eq!(changed.matches(" FETCH (").count(), 2, "{changed}");
    assert!(one.ok(&format!("SEARCH MODSEQ {}", known + 1)).await.contains("* SEARCH 1 2 (MODSEQ "));
}

#[tokio::test]
async fn a_phone_pages_by_uid_alone() {
    let world = World::sharing().await;
    let mut imap = world.imap("alice").await;
    fill(&mut imap, 5).await;
    imap.ok("ENABLE UIDONLY QRESYNC").await;
    imap.ok("SELECT INBOX").await;
    let refused = imap.run("FETCH 1 FLAGS").await;
    assert!(refused.contains("T BAD [UIDREQUIRED]"), "{refused}");
    let page = imap.ok("UID FETCH 1:* (FLAGS RFC822.SIZE) (PARTIAL -1:-2)").await;
    assert!(page.contains("* 4 UIDFETCH (FLAGS (") && page.contains("* 5 UIDFETCH ("), "{page}");
    assert_eq!(page.matches("UIDFETCH").count(), 2, "{page}");
    let found = imap.ok("UID SEARCH RETURN (PARTIAL -1:-3) ALL").await;
    assert!(found.contains("PARTIAL (-1:-3 3:5)"), "{found}");
    let few = imap.run("UIDBATCHES 2").await;
    assert!(few.contains("T NO [TOOFEW]"), "{few}");
    let batches = imap.ok("UIDBATCHES 500").await;
    assert!(batches.contains("* UIDBATCHES (TAG ") && batches.contains(" 5:1\r\n"), "{batches}");
    let mut other = world.selected("alice", "INBOX").await;
    other.ok("STORE 2 +FLAGS (\\Deleted)").await;
    other.ok("EXPUNGE").await;
    assert!(imap.ok("NOOP").await.contains("* VANISHED 2\r\n"));
    let stored = imap.ok("UID STORE 3 +FLAGS (\\Seen)").await;
    assert!(stored.contains("* 3 UIDFETCH (") && stored.contains("\\Seen"), "{stored}");
}
