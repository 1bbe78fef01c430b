//! What an IMAP session does while the store takes its time, and what it has missed when that is over.

use std::sync::Arc;
use std::time::Duration;

use crate::held::{Held, Reading};
use crate::server::{Imap, World};

const MESSAGE: &str = "Subject: one\r\n\r\nbody\r\n";

/// A world, and the store it is on.
pub(crate) async fn held() -> (World, Arc<Held>) {
    let mut kept = None;
    let world = World::on_store(|store| {
        let held = Arc::new(Held::new(store));
        kept = Some(Arc::clone(&held));
        held
    })
    .await;
    (world, kept.unwrap())
}

impl Held {
    /// The next such read waits.
    fn hold(&self, reading: Reading) {
        self.reads.lock().unwrap().insert(reading);
    }

    async fn arrived(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    fn let_go(&self) {
        self.gate.add_permits(1);
    }
}

/// Somebody whose next search will wait.
async fn searching(world: &World, held: &Held) -> Imap {
    let mut imap = world.selected("alice", "INBOX").await;
    imap.append("INBOX", MESSAGE).await;
    imap.ok("NOOP").await;
    held.hold(Reading::Summaries);
    imap
}

#[tokio::test]
async fn whoever_waits_for_a_search_is_told_that_it_goes_on() {
    let (world, held) = held().await;
    let mut imap = searching(&world, &held).await;
    let tag = imap.start("SEARCH SUBJECT one").await;
    held.arrived().await;
    // Only while nothing else has to be done does time stand still and jump.
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    tokio::time::resume();
    let told = imap.peer.expect("* OK [INPROGRESS (").await;
    assert!(told.contains(&format!("\"{tag}\" 0 1)]")), "{told}");
    held.let_go();
    let answer = imap.finish(&tag).await;
    assert!(answer.contains("* SEARCH 1\r\n") && answer.contains("T OK"), "{answer}");
}

#[tokio::test]
async fn who_hears_too_late_of_too_much_is_told_how_it_is() {
    let (world, held) = held().await;
    let mut watcher = searching(&world, &held).await;
    let mut other = world.imap("alice").await;
    other.ok("CREATE Before").await;
    watcher.ok("NOTIFY SET (personal (MessageNew MessageExpunge MailboxName))").await;
    let tag = watcher.start("SEARCH SUBJECT one").await;
    held.arrived().await;
    // More than anybody keeps for one who does not listen.
    for number in 0..300 {
        other.ok(&format!("CREATE Box/{number}")).await;
    }
    other.ok("DELETE Before").await;
    other.append("Box/7", MESSAGE).await;
    held.let_go();
    watcher.finish(&tag).await;
    let mut told = String::new();
    while !(told.contains("STATUS Box/7 ") && told.contains("Before")) {
        told.push_str(&watcher.peer.line().await);
    }
    // Let what comes behind it come.
    other.append("Sent", MESSAGE).await;
    while !told.contains("STATUS Sent ") {
        told.push_str(&watcher.peer.line().await);
    }
    for number in 0..300 {
        let name = format!("\"/\" Box/{number}\r\n");
        assert_eq!(told.matches(&name).count(), 1, "{name}");
    }
    assert!(told.contains("* LIST (\\NonExistent) \"/\" Before\r\n"), "{told}");
}

#[tokio::test]
async fn what_came_into_a_new_mailbox_before_the_watcher_looked_is_told() {
    let (world, held) = held().await;
    let mut watcher = searching(&world, &held).await;
    watcher.ok("NOTIFY SET (subtree Work (MessageNew MessageExpunge MailboxName))").await;
    let mut other = world.imap("alice").await;
    let tag = watcher.start("SEARCH SUBJECT one").await;
    held.arrived().await;
    other.ok("CREATE Work").await;
    other.append("Work", MESSAGE).await;
    held.let_go();
    watcher.finish(&tag).await;
    watcher.peer.expect("* LIST () \"/\" Work").await;
    watcher.peer.expect("* STATUS Work (UIDNEXT 2 MESSAGES 1 UNSEEN 1").await;
    // Once.
    assert_eq!(watcher.ok("NOOP").await, "T OK NOOP completed\r\n");
}

#[tokio::test]
async fn rights_that_are_taken_during_select_are_noticed() {
    let (world, held) = held().await;
    let mut alice = world.imap("alice").await;
    alice.ok("CREATE Project").await;
    alice.ok("SETACL Project bob@x.test lrswite").await;
    let mut bob = world.imap("bob").await;
    held.hold(Reading::Snapshot);
    let tag = bob.start("SELECT \"Other Users/alice@x.test/Project\"").await;
    held.arrived().await;
    alice.ok("SETACL Project bob@x.test lr").await;
    held.let_go();
    let opened = bob.finish(&tag).await;
    assert!(opened.contains("T OK [READ-ONLY]") && opened.contains("[PERMANENTFLAGS ()]"), "{opened}");
    let refused = bob.no("EXPUNGE").await;
    assert!(refused.contains("[READ-ONLY]") || refused.contains("[NOPERM]"), "{refused}");
    // And when all is taken, nothing is opened.
    alice.ok("DELETE Project").await;
    alice.ok("CREATE Project").await;
    alice.ok("SETACL Project bob@x.test lrswite").await;
    held.hold(Reading::Snapshot);
    let tag = bob.start("SELECT \"Other Users/alice@x.test/Project\"").await;
    held.arrived().await;
    alice.ok("DELETEACL Project bob@x.test").await;
    held.let_go();
    let refused = bob.finish(&tag).await;
    assert!(refused.contains("T NO [NONEXISTENT]"), "{refused}");
}
