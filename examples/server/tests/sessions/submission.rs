//! Mail from users: in whose name it may be sent, and what is mended in it.

use posthaste_server::listen::Service;

use crate::server::World;

#[tokio::test]
async fn p6_submission_wants_tls_and_a_login() {
    let world = World::new().await;
    let mut peer = world.connect(Service::Submission).await;
    peer.expect("220 ").await;
    let offers = peer.ehlo("EHLO").await;
    assert!(offers.contains("STARTTLS") && !offers.contains("AUTH"), "{offers}");
    peer.ask("MAIL FROM:<alice@x.test>", "530 ").await;
    peer.ask("AUTH PLAIN AGFsaWNlQHgudGVzdABzZWNyZXQ=", "5").await;
    peer.ask("STARTTLS", "220 ").await;
    let mut peer = world.secure(peer).await;
    assert!(peer.ehlo("EHLO").await.contains("AUTH SCRAM-SHA-256-PLUS "));
    peer.ask("MAIL FROM:<alice@x.test>", "530 5.7.0 ").await;
    // NUL alice@x.test NUL wrong
    peer.ask("AUTH PLAIN AGFsaWNlQHgudGVzdAB3cm9uZw==", "535 5.7.8 ").await;
    peer.ask("MAIL FROM:<alice@x.test>", "530 5.7.0 ").await;
    peer.ask("AUTH PLAIN AGFsaWNlQHgudGVzdABzZWNyZXQ=", "235 ").await;
    peer.ask("MAIL FROM:<alice@x.test>", "250 ").await;
}

#[tokio::test]
async fn p8_a_user_sends_from_own_addresses_and_to_local_mailboxes() {
    let world = World::new().await;
    world.alias("sales", &["alice"]).await;
    let mut peer = world.submission("alice").await;
    peer.ask("MAIL FROM:<bob@x.test>", "553 5.7.1 ").await;
    peer.ask("MAIL FROM:<alice@elsewhere.test>", "553 5.7.1 ").await;
    for own in ["alice@x.test", "sales@x.test", "alice+detail@x.test"] {
        peer.ask(&format!("MAIL FROM:<{own}>"), "250 ").await;
        peer.ask("RSET", "250 ").await;
    }
    peer.ask("MAIL FROM:<ALICE@x.test>", "250 ").await;
    let refused = peer.ask("RCPT TO:<x@elsewhere.test>", "550 5.7.1 ").await;
    assert!(refused.contains("own domains"), "{refused}");
    peer.ask("RCPT TO:<bob@x.test>", "250 ").await;
    peer.ask("DATA", "354 ").await;
    peer.ask("From: alice@x.test\r\n\r\nbody\r\n.", "250 2.0.0 ").await;
    let content = world.contents("bob", "INBOX").await.remove(0);
    assert!(content.starts_with("Return-Path: <ALICE@x.test>\r\nDelivered-To: bob@x.test\r\nReceived: from client.test ([127.0.0.1])\r\n\tby localhost with ESMTPSA id "), "{content}");
}

#[tokio::test]
async fn rly_10_the_author_is_the_user_in_the_message_too() {
    let world = World::new().await;
    let mut peer = world.submission("alice").await;
    for header in [
        "From: bob@x.test",
        "From: alice@x.test, bob@x.test",
        "From: alice@x.test\r\nSender: bob@x.test",
        "From: alice@x.test\r\nFrom: bob@x.test",
    ] {
        peer.envelope("<alice@x.test>", &["bob@x.test"]).await;
        peer.ask(&format!("{header}\r\nSubject: x\r\n\r\nbody\r\n."), "550 5.7.1 ").await;
        peer.envelope("<>", &["bob@x.test"]).await;
        peer.ask(&format!("{header}\r\n."), "550 5.7.1 ").await;
    }
    peer.envelope("<alice@x.test>", &["bob@x.test"]).await;
    peer.ask("no header\r\n.", "554 5.6.0 ").await;
    world.assert_nothing_stored().await;
    // What comes from elsewhere is not this rule's.
    let mut peer = world.smtp().await;
    peer.envelope("<a@b.test>", &["bob@x.test"]).await;
    peer.ask("From: bob@x.test\r\n\r\n.", "250 ").await;
}

#[tokio::test]
async fn rfc6409_8_what_is_missing_is_added_and_bcc_is_taken_out() {
    let world = World::new().await;
    let mut peer = world.submission("alice").await;
    peer.envelope("<alice@x.test>", &["bob@x.test"]).await;
    let reply =
        peer.ask("To: bob@x.test\r\nBcc: postmaster@x.test\r\nSubject: x\r\n\r\nbody\r\n.", "250 ").await;
    let id = reply.trim_end().rsplit(' ').next().unwrap();
    let content = world.contents("bob", "INBOX").await.remove(0);
    let (trace, rest) = content.split_once("\r\nFrom: ").unwrap();
    assert!(trace.starts_with("Return-Path: "), "{trace}");
    assert!(rest.starts_with("alice@x.test\r\nDate: "), "{rest}");
    assert!(
        rest.ends_with(&format!(
            "\r\nMessage-ID: <{id}@localhost>\r\nTo: bob@x.test\r\nSubject: x\r\n\r\nbody\r\n"
        )),
        "{rest}"
    );
    // A message that has all of it is not touched.
    let whole = "Date: d\r\nFrom: alice@x.test\r\nMessage-ID: <a@b>\r\nX: y\r\n  z\r\n\r\nbody\r\n";
    peer.envelope("<alice@x.test>", &["bob@x.test"]).await;
    peer.ask(&format!("{whole}."), "250 ").await;
    assert!(world.contents("bob", "INBOX").await[1].ends_with(whole));
}

#[tokio::test]
async fn a_long_message_is_the_same_behind_its_header() {
    let world = World::new().await;
    let mut peer = world.submission("alice").await;
    let body = "0123456789 abcdefghijklmnopqrstuvwxyz\r\n".repeat(20_000);
    peer.envelope("<alice@x.test>", &["bob@x.test"]).await;
    peer.ask(&format!("From: alice@x.test\r\n\r\n{body}."), "250 ").await;
    let content = world.contents("bob", "INBOX").await.remove(0);
    assert_eq!(content.split_once("\r\n\r\n").unwrap().1, body);
    assert_eq!(world.spool_files(), 0);
}

#[tokio::test]
async fn a_user_that_is_switched_off_sends_no_more() {
    let world = World::new().await;
    let mut peer = world.submission("alice").await;
    world.change_account("alice", |alice| alice.enabled = false).await;
    peer.expect("421 ").await;
    assert_eq!(peer.line().await, "");
}
