//! Mail coming in by SMTP, submission and LMTP: what is taken, what is refused and with which words.

use posthaste_server::config::Limits;
use posthaste_server::listen::Service;

use crate::server::{Peer, World};

const MESSAGE: &str = "Subject: one\r\n\r\nbody\r\n.";

async fn submission(world: &World) -> Peer {
    let mut peer = world.connect(Service::Submissions).await;
    peer.expect("220 ").await;
    peer.ehlo("EHLO").await;
    // NUL alice@x.test NUL secret
    peer.ask("AUTH PLAIN AGFsaWNlQHgudGVzdABzZWNyZXQ=", "235 ").await;
    peer
}

#[tokio::test]
async fn recipients_that_are_not_here_are_refused_one_by_one() {
    let world = World::new().await;
    let mut peer = world.smtp().await;
    peer.ask("MAIL FROM:<>", "250 ").await;
    peer.ask("RCPT TO:<x@elsewhere.test>", "550 5.7.1 ").await;
    peer.ask("RCPT TO:<nobody@x.test>", "550 5.1.1 ").await;
    peer.ask("RCPT TO:<\"no body\"@x.test>", "550 5.1.1 ").await;
    peer.ask("DATA", "5").await;
    peer.ask("RCPT TO:<Alice@X.Test>", "250 ").await;
    peer.ask("RCPT TO:<postmaster>", "250 ").await;
    peer.ask("DATA", "354 ").await;
    peer.ask(MESSAGE, "250 2.0.0 ").await;
    assert_eq!(world.messages(), 2);
    assert!(world.used("postmaster").await > 0);
}

#[tokio::test]
async fn a_recipient_named_twice_gets_one_copy() {
    let world = World::new().await;
    let mut peer = world.smtp().await;
    peer.envelope("<a@b.test>", &["alice@x.test", "ALICE@x.test", "alice@x.test"]).await;
    peer.ask(MESSAGE, "250 ").await;
    assert_eq!(world.messages(), 1);
    let mut peer = lmtp(&world).await;
    peer.envelope("<a@b.test>", &["alice@x.test", "bob@x.test", "ALICE@x.test"]).await;
    peer.ask(MESSAGE, "250 ").await;
    peer.expect("250 ").await;
    peer.expect("250 ").await;
    peer.ask("NOOP", "250 ").await;
    assert_eq!(world.messages(), 3);
}

async fn lmtp(world: &World) -> Peer {
    let mut peer = world.connect(Service::Lmtp).await;
    peer.expect("220 ").await;
    peer.ehlo("LHLO").await;
    peer
}

#[tokio::test]
async fn lmtp_answers_for_each_recipient() {
    let world = World::new().await;
    world.account("small", Some(50)).await;
    let mut peer = lmtp(&world).await;
    peer.ask("MAIL FROM:<a@b.test>", "250 ").await;
    peer.ask("RCPT TO:<alice@x.test>", "250 ").await;
    peer.ask("RCPT TO:<nobody@x.test>", "550 5.1.1 ").await;
    peer.ask("RCPT TO:<small@x.test>", "250 ").await;
    peer.ask("RCPT TO:<bob@x.test>", "250 ").await;
    peer.ask("DATA", "354 ").await;
    peer.ask(MESSAGE, "250 ").await;
    peer.expect("452 4.2.2 ").await;
    peer.expect("250 ").await;
    peer.ask("NOOP", "250 ").await;
    assert_eq!(world.messages(), 2);
    assert_eq!(world.used("small").await, 0);
}

#[tokio::test]
async fn a_full_mailbox_is_said_at_rcpt_where_it_is_known_and_at_the_end_where_not() {
    let world = World::new().await;
    world.account("small", Some(400)).await;
    let mut peer = world.smtp().await;
    peer.ask("MAIL FROM:<a@b.test> SIZE=401", "250 ").await;
    peer.ask("RCPT TO:<small@x.test>", "452 4.2.2 ").await;
    peer.ask("RSET", "250 ").await;
    peer.envelope("<a@b.test>", &["alice@x.test", "small@x.test"]).await;
    peer.ask(&format!("{}\r\n.", "x".repeat(401)), "452 4.2.2 ").await;
    // To all or to none.
    world.assert_nothing_stored();
    peer.envelope("<a@b.test>", &["small@x.test"]).await;
    peer.ask(MESSAGE, "250 ").await;
}

#[tokio::test]
async fn a_message_over_the_size_is_refused_when_announced_and_while_it_comes() {
    let world = World::with(Limits { message_size: 200_000, ..Limits::default() }).await;
    let mut peer = world.smtp().await;
    peer.ask("MAIL FROM:<a@b.test> SIZE=200001", "552 5.3.4 ").await;
    peer.envelope("<a@b.test>", &["alice@x.test"]).await;
    let line = format!("{}\r\n", "x".repeat(998));
    peer.ask(&format!("{}.", line.repeat(201)), "552 5.3.4 ").await;
    world.assert_nothing_stored();
    assert_eq!(world.spool_files(), 0);
    peer.envelope("<a@b.test>", &["alice@x.test"]).await;
    peer.ask(MESSAGE, "250 ").await;
    assert_eq!(world.messages(), 1);
}

#[tokio::test]
async fn a_user_sends_from_the_own_address_and_to_local_mailboxes() {
    let world = World::new().await;
    let mut peer = submission(&world).await;
    peer.ask("MAIL FROM:<bob@x.test>", "553 5.7.1 ").await;
    peer.ask("MAIL FROM:<ALICE@x.test>", "250 ").await;
    peer.ask("RCPT TO:<x@elsewhere.test>", "550 5.7.1 ").await;
    peer.ask("RCPT TO:<bob@x.test>", "250 ").await;
    peer.ask("DATA", "354 ").await;
    peer.ask(MESSAGE, "250 ").await;
    let mut imap = world.selected("bob", "INBOX").await;
    let message = imap.ok("FETCH 1 BODY[HEADER]").await;
    assert!(message.contains("Return-Path: <ALICE@x.test>\r\nReceived: from client.test ([127.0.0.1])\r\n\tby localhost with ESMTPSA\r\n\tfor <bob@x.test>;\r\n"), "{message}");
}

#[tokio::test]
async fn submission_wants_a_login() {
    let world = World::new().await;
    let mut peer = world.connect(Service::Submissions).await;
    peer.expect("220 ").await;
    peer.ehlo("EHLO").await;
    peer.ask("MAIL FROM:<alice@x.test>", "530 5.7.0 ").await;
    // NUL alice@x.test NUL wrong
    peer.ask("AUTH PLAIN AGFsaWNlQHgudGVzdAB3cm9uZw==", "535 5.7.8 ").await;
    peer.ask("MAIL FROM:<alice@x.test>", "530 5.7.0 ").await;
}

#[tokio::test]
async fn a_message_that_goes_in_circles_is_refused() {
    let world = World::new().await;
    let mut peer = world.smtp().await;
    for (hops, answer) in [(100, "250 "), (101, "554 5.4.6 ")] {
        peer.envelope("<a@b.test>", &["alice@x.test"]).await;
        peer.ask(&format!("{}\r\n.", "Received: x\r\n".repeat(hops)), answer).await;
    }
    assert_eq!(world.messages(), 1);
}

#[tokio::test]
async fn a_name_in_ehlo_cannot_write_header_fields() {
    let world = World::new().await;
    let mut peer = world.connect(Service::Smtp).await;
    peer.expect("220 ").await;
    for name in ["a\tb.test", "a(b", "a\rX: y", "a\u{1}b", "<x>"] {
        peer.ask(&format!("EHLO {name}"), "50").await;
    }
}

#[tokio::test]
async fn a_stop_waits_for_a_message_that_is_coming_in() {
    let world = World::new().await;
    let mut idle = world.smtp().await;
    let mut peer = world.smtp().await;
    peer.envelope("<a@b.test>", &["alice@x.test"]).await;
    peer.send("Subject: half\r\n\r\n").await;
    let World { running, data, .. } = world;
    let stopped = tokio::spawn(running.stop());
    // The other session has been told: the stop is under way.
    idle.expect("421 ").await;
    peer.ask("the other half\r\n.", "250 ").await;
    peer.expect("421 ").await;
    stopped.await.unwrap();
    let sql = rusqlite::Connection::open(data.path().join("posthaste.sqlite")).unwrap();
    assert_eq!(sql.query_row("SELECT count(*) FROM messages", [], |row| row.get::<_, i64>(0)), Ok(1));
}

#[tokio::test]
async fn stls_04_what_was_said_before_starttls_is_forgotten() {
    let world = World::new().await;
    let mut peer = world.smtp().await;
    peer.ask("MAIL FROM:<a@b.test>", "250 ").await;
    peer.ask("RCPT TO:<alice@x.test>", "250 ").await;
    peer.ask("STARTTLS", "220 ").await;
    let mut peer = world.secure(peer).await;
    peer.ask("DATA", "503 ").await;
    peer.ask("MAIL FROM:<a@b.test>", "503 ").await;
    assert!(!peer.ehlo("EHLO").await.contains("STARTTLS"));
    peer.envelope("<a@b.test>", &["bob@x.test"]).await;
    peer.ask(MESSAGE, "250 ").await;
    assert_eq!((world.used("alice").await, world.messages()), (0, 1));
    let header = world.selected("bob", "INBOX").await.ok("FETCH 1 BODY[HEADER]").await;
    assert!(header.contains("with ESMTPS\r\n"), "{header}");
}
