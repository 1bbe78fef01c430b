//! POP3: one session at a time, and removal at QUIT only.

use crate::server::{Peer, World};

async fn uidl(peer: &mut Peer) -> String {
    peer.ask("UIDL", "+OK").await;
    peer.multiline().await
}

#[tokio::test]
async fn messages_are_removed_at_quit_and_at_no_other_end() {
    let world = World::new().await;
    for subject in ["a", "b", "c"] {
        world.deliver("alice@x.test", &format!("Subject: {subject}\r\n\r\n..dot\r\n")).await;
    }
    let (mut peer, answer) = world.pop3("alice").await;
    assert!(answer.starts_with("+OK"), "{answer}");
    let first = uidl(&mut peer).await;
    assert_eq!(first.lines().count(), 3);
    peer.ask("DELE 2", "+OK").await;
    // No QUIT.
    drop(peer);
    let mut peer = again(&world).await;
    assert_eq!(uidl(&mut peer).await, first, "nothing removed, the same names");
    peer.ask("DELE 2", "+OK").await;
    peer.ask("RSET", "+OK").await;
    peer.ask("DELE 1", "+OK").await;
    peer.ask("QUIT", "+OK").await;
    let mut peer = again(&world).await;
    let kept = uidl(&mut peer).await;
    let names = |list: &str| -> Vec<String> {
        list.lines().map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect()
    };
    assert_eq!(names(&kept), names(&first)[1..]);
    peer.ask("RETR 1", "+OK").await;
    assert!(peer.multiline().await.ends_with("Subject: b\r\n\r\n..dot\r\n"), "dots are doubled on the way");
    assert!(
        world.selected("alice", "INBOX").await.ok("UID SEARCH ALL").await.starts_with("* SEARCH 2 3\r\n")
    );
}

/// Logs in as soon as the session before has let go.
async fn again(world: &World) -> Peer {
    loop {
        let (peer, answer) = world.pop3("alice").await;
        if answer.starts_with("+OK") {
            return peer;
        }
        assert!(answer.starts_with("-ERR [IN-USE]"), "{answer}");
    }
}

#[tokio::test]
async fn a_maildrop_has_one_session_at_a_time() {
    let world = World::new().await;
    let (mut one, answer) = world.pop3("alice").await;
    assert!(answer.starts_with("+OK"), "{answer}");
    assert!(world.pop3("alice").await.1.starts_with("-ERR [IN-USE]"));
    assert!(world.pop3("bob").await.1.starts_with("+OK"));
    // Mail that comes meanwhile is not part of the session.
    world.deliver("alice@x.test", "Subject: late\r\n\r\n").await;
    one.ask("STAT", "+OK 0 0").await;
    one.ask("QUIT", "+OK").await;
    again(&world).await.ask("STAT", "+OK 1 ").await;
}

#[tokio::test]
async fn a_message_expunged_by_imap_meanwhile_is_refused() {
    let world = World::new().await;
    world.deliver("alice@x.test", "Subject: short\r\n\r\n").await;
    let (mut peer, _) = world.pop3("alice").await;
    let mut imap = world.selected("alice", "INBOX").await;
    imap.ok("STORE 1 +FLAGS.SILENT (\\Deleted)").await;
    imap.ok("EXPUNGE").await;
    peer.ask("RETR 1", "-ERR").await;
    peer.ask("DELE 1", "+OK").await;
    peer.ask("QUIT", "+OK").await;
}
