//! Mail coming in by SMTP and LMTP: what is taken, what is refused and with which words.

use posthaste_server::config::Limits;
use posthaste_server::directory::{Class, Domain, Group, Posting, Role};
use posthaste_server::listen::Service;
use posthaste_server::trace::{self, State};

use crate::server::{World, address};

const MESSAGE: &str = "Subject: one\r\n\r\nbody\r\n.";

#[tokio::test]
async fn p6_recipients_that_are_not_here_are_refused_one_by_one() {
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
    assert_eq!(world.messages().await, 2);
    assert!(world.used("postmaster").await > 0);
}

#[tokio::test]
async fn rly_01_to_08_port_25_relays_for_nobody_in_any_notation() {
    let world = World::new().await;
    for from in ["<>", "<alice@x.test>", "<a@[127.0.0.1]>", "<a@localhost>"] {
        let mut peer = world.smtp().await;
        peer.ask(&format!("MAIL FROM:{from}"), "250 ").await;
        for to in [
            "<v@r.test>",
            "<v%r.test@x.test>",
            "<v%r.test@[127.0.0.1]>",
            "<\"v@r.test\"@x.test>",
            "<@x.test:v@r.test>",
            "<r.test!v@x.test>",
            "<v@R.TEST>",
            "<alice@[127.0.0.1]>",
            "<alice@x.test.r.test>",
        ] {
            peer.ask(&format!("RCPT TO:{to}"), "55").await;
        }
        peer.ask("RCPT TO:<@r.test:alice@x.test>", "250 ").await;
    }
}

#[tokio::test]
async fn p3_helo_has_no_extensions_and_delivers_too() {
    let world = World::new().await;
    let mut peer = world.connect(Service::Smtp).await;
    peer.expect("220 ").await;
    peer.ask("HELO client.test", "250 ").await;
    peer.envelope("<a@b.test>", &["alice@x.test"]).await;
    peer.ask(MESSAGE, "250 ").await;
    let mut peer = world.smtp().await;
    assert!(peer.ehlo("EHLO").await.contains("SIZE"));
    assert!(world.contents("alice", "INBOX").await[0].contains("with SMTP id "));
}

#[tokio::test]
async fn a_mailbox_named_twice_gets_one_copy() {
    let world = World::new().await;
    world.alias("both", &["alice", "bob"]).await;
    let mut peer = world.smtp().await;
    peer.envelope("<a@b.test>", &["alice@x.test", "ALICE@x.test", "both@x.test"]).await;
    peer.ask(MESSAGE, "250 ").await;
    assert_eq!((world.contents("alice", "INBOX").await.len(), world.messages().await), (1, 2));
    let mut peer = world.lmtp().await;
    peer.envelope("<a@b.test>", &["alice@x.test", "bob@x.test", "ALICE@x.test"]).await;
    peer.ask(MESSAGE, "250 ").await;
    peer.expect("250 ").await;
    peer.expect("250 ").await;
    peer.ask("NOOP", "250 ").await;
    assert_eq!(world.messages().await, 4);
}

#[tokio::test]
async fn p2_what_stands_in_front_of_a_message() {
    let world = World::new().await;
    let mut peer = world.smtp().await;
    peer.envelope("<Out@Side.test>", &["Alice@x.test"]).await;
    let reply = peer.ask("From: other@b.test\r\nSubject: one\r\n\r\n..body\r\n.", "250 2.0.0 OK ").await;
    let id = reply.trim_end().rsplit(' ').next().unwrap();
    let content = world.contents("alice", "INBOX").await.remove(0);
    let front = format!(
        "Return-Path: <Out@Side.test>\r\nDelivered-To: alice@x.test\r\nReceived: from client.test ([127.0.0.1])\r\n\
         \tby localhost with ESMTP id {id}\r\n\tfor <Alice@x.test>;\r\n\t"
    );
    assert!(content.starts_with(&front), "{content}");
    assert!(content.ends_with(" +0000\r\nFrom: other@b.test\r\nSubject: one\r\n\r\n.body\r\n"), "{content}");
    // Nobody reads who else gets it.
    peer.envelope("<>", &["bob@x.test", "postmaster@x.test"]).await;
    peer.ask(MESSAGE, "250 ").await;
    let content = world.contents("bob", "INBOX").await.remove(0);
    assert!(content.starts_with("Return-Path: <>\r\nReceived: "), "{content}");
    assert!(!content.contains("bob@") && !content.contains("postmaster@"), "{content}");
    assert_eq!(world.contents("postmaster", "INBOX").await, [content]);
}

#[tokio::test]
async fn u28_what_became_of_a_message_can_be_found() {
    let world = World::new().await;
    let mut peer = world.smtp().await;
    peer.ask("MAIL FROM:<a@b.test>", "250 ").await;
    peer.ask("RCPT TO:<nobody@x.test>", "550 ").await;
    peer.ask("RCPT TO:<alice@x.test>", "250 ").await;
    peer.ask("DATA", "354 ").await;
    let reply = peer.ask(&format!("Message-ID: <m@b.test>\r\n{MESSAGE}"), "250 ").await;
    let id = reply.trim_end().rsplit(' ').next().unwrap().to_owned();
    peer.ask("QUIT", "221 ").await;
    let World { running, data, .. } = world;
    running.stop().await;
    let events = trace::find(data.path(), &id).unwrap();
    assert_eq!(trace::find(data.path(), "<m@b.test>").unwrap(), events);
    let told: Vec<(State, &str)> = events.iter().map(|event| (event.state, event.to[0].as_str())).collect();
    assert_eq!(
        told,
        [
            (State::Refused, "<nobody@x.test>"),
            (State::Received, "<alice@x.test>"),
            (State::Delivered, "<alice@x.test>")
        ]
    );
    assert!(events[0].result.starts_with("550 5.1.1 "), "{:?}", events[0]);
    let last = events.last().unwrap();
    assert_eq!(
        (last.from.as_str(), last.peer.as_str(), last.service.as_str()),
        ("<a@b.test>", "127.0.0.1", "smtp")
    );
    assert!(last.size.is_some());
}

#[tokio::test]
async fn lmtp_answers_for_each_recipient() {
    let world = World::new().await;
    world.account("small", Some(300)).await;
    let mut peer = world.lmtp().await;
    peer.ask("MAIL FROM:<a@b.test>", "250 ").await;
    peer.ask("RCPT TO:<alice@x.test>", "250 ").await;
    peer.ask("RCPT TO:<nobody@x.test>", "550 5.1.1 ").await;
    peer.ask("RCPT TO:<small@x.test>", "250 ").await;
    peer.ask("RCPT TO:<bob@x.test>", "250 ").await;
    peer.ask("DATA", "354 ").await;
    peer.ask(&format!("{}\r\n.", "x".repeat(300)), "250 ").await;
    peer.expect("552 5.2.3 ").await;
    peer.expect("250 ").await;
    peer.ask("NOOP", "250 ").await;
    assert_eq!(world.messages().await, 2);
    assert_eq!(world.used("small").await, 0);
}

#[tokio::test]
async fn b9_lmtp_refuses_what_is_too_large_for_those_it_is_too_large_for() {
    let world = World::new().await;
    world
        .change(|draft| {
            draft.put_class(Class {
                name: "small".to_owned(),
                quota: None,
                quota_messages: None,
                message_size: Some(100),
            });
        })
        .await;
    world.change_account("bob", |bob| bob.class = Some("small".to_owned())).await;
    let mut peer = world.lmtp().await;
    peer.envelope("<a@b.test>", &["alice@x.test", "bob@x.test", "postmaster@x.test"]).await;
    peer.ask(&format!("{}\r\n.", "x".repeat(300)), "250 ").await;
    peer.expect("552 5.2.3 ").await;
    peer.expect("250 ").await;
    // Nobody of them takes it, and it is known before its end.
    peer.envelope("<a@b.test>", &["bob@x.test"]).await;
    peer.ask(&format!("{}\r\n.", "x".repeat(300)), "552 5.2.3 ").await;
    peer.envelope("<a@b.test>", &["bob@x.test"]).await;
    peer.ask("small\r\n.", "250 ").await;
    assert_eq!(world.messages().await, 3);
    // SMTP has one answer for all.
    let mut peer = world.smtp().await;
    peer.envelope("<a@b.test>", &["alice@x.test", "bob@x.test"]).await;
    peer.ask(&format!("{}\r\n.", "x".repeat(300)), "552 5.2.3 ").await;
    assert_eq!(world.messages().await, 3);
}

#[tokio::test]
async fn a_full_mailbox_is_said_at_rcpt_where_it_is_known_and_at_the_end_where_not() {
    let world = World::new().await;
    world.account("small", Some(700)).await;
    let mut peer = world.smtp().await;
    // Never.
    peer.ask("MAIL FROM:<a@b.test> SIZE=701", "250 ").await;
    peer.ask("RCPT TO:<small@x.test>", "552 5.2.3 ").await;
    peer.ask("RSET", "250 ").await;
    peer.envelope("<a@b.test>", &["alice@x.test", "small@x.test"]).await;
    peer.ask(&format!("{}\r\n.", "x".repeat(701)), "552 5.2.3 ").await;
    // To all or to none.
    world.assert_nothing_stored().await;
    peer.envelope("<a@b.test>", &["small@x.test"]).await;
    peer.ask(&format!("{}\r\n.", "x".repeat(200)), "250 ").await;
    // Not now.
    peer.ask("MAIL FROM:<a@b.test> SIZE=600", "250 ").await;
    peer.ask("RCPT TO:<small@x.test>", "452 4.2.2 ").await;
    peer.ask("RCPT TO:<alice@x.test>", "250 ").await;
    peer.ask("RSET", "250 ").await;
    peer.envelope("<a@b.test>", &["alice@x.test", "small@x.test"]).await;
    peer.ask(&format!("{}\r\n.", "x".repeat(400)), "452 4.2.2 ").await;
    assert_eq!(world.messages().await, 1);
}

#[tokio::test]
async fn a_message_over_the_size_is_refused_when_announced_and_while_it_comes() {
    let world = World::with(Limits { message_size: 200_000, ..Limits::default() }).await;
    let mut peer = world.smtp().await;
    peer.ask("MAIL FROM:<a@b.test> SIZE=200001", "552 5.3.4 ").await;
    peer.envelope("<a@b.test>", &["alice@x.test"]).await;
    let line = format!("{}\r\n", "x".repeat(998));
    peer.ask(&format!("{}.", line.repeat(201)), "552 5.3.4 ").await;
    world.assert_nothing_stored().await;
    peer.envelope("<a@b.test>", &["alice@x.test"]).await;
    peer.ask(MESSAGE, "250 ").await;
    assert_eq!(world.messages().await, 1);
}

#[tokio::test]
async fn u4_a_domain_has_a_size_of_its_own_for_messages() {
    let world = World::new().await;
    world
        .change(|draft| {
            let mut domain = Domain::new("x.test");
            domain.limits.message_size = Some(100_000);
            draft.put_domain(domain);
        })
        .await;
    let mut peer = world.smtp().await;
    peer.ask("MAIL FROM:<a@b.test> SIZE=100001", "250 ").await;
    peer.ask("RCPT TO:<alice@x.test>", "552 5.2.3 ").await;
    peer.ask("RSET", "250 ").await;
    peer.envelope("<a@b.test>", &["alice@x.test"]).await;
    let line = format!("{}\r\n", "x".repeat(998));
    peer.ask(&format!("{}.", line.repeat(101)), "552 5.2.3 ").await;
    world.assert_nothing_stored().await;
    peer.envelope("<a@b.test>", &["alice@x.test"]).await;
    peer.ask(&format!("{}.", line.repeat(99)), "250 ").await;
}

#[tokio::test]
async fn a_disk_that_is_nearly_full_takes_no_mail() {
    let world = World::with(Limits { free_space: i64::MAX.unsigned_abs(), ..Limits::default() }).await;
    let mut peer = world.smtp().await;
    peer.ask("MAIL FROM:<a@b.test>", "452 4.3.1 ").await;
}

#[tokio::test]
async fn plus_aliases_groups_and_switched_off_accounts() {
    let world = World::new().await;
    world.alias("sales", &["alice"]).await;
    let alice = world.account_of("alice");
    let lists = posthaste_server::store::MailboxName::new("Lists").unwrap();
    world.running.store().create_mailbox(alice.id, &lists, None).await.unwrap();
    let team = Group {
        address: address("team"),
        enabled: true,
        description: String::new(),
        members: [address("alice"), address("bob")].into(),
        posting: Posting::Members,
    };
    world.change(|draft| draft.put_group(team.clone())).await;
    world.deliver("alice+lists@x.test", "Subject: detail\r\n\r\n").await;
    world.deliver("alice+none@x.test", "Subject: none\r\n\r\n").await;
    world.deliver("sales@x.test", "Subject: alias\r\n\r\n").await;
    assert_eq!(world.contents("alice", "Lists").await.len(), 1);
    let inbox = world.contents("alice", "INBOX").await;
    assert!(inbox.len() == 2 && inbox[1].contains("Delivered-To: sales@x.test\r\n"), "{inbox:?}");
    let mut peer = world.smtp().await;
    peer.ask("MAIL FROM:<alice@x.test>", "250 ").await;
    peer.ask("RCPT TO:<team@x.test>", "550 5.7.1 ").await;
    world.change_account("bob", |bob| bob.enabled = false).await;
    peer.ask("RCPT TO:<bob@x.test>", "550 5.2.1 ").await;
    let mut peer = world.submission("alice").await;
    peer.envelope("<alice@x.test>", &["team@x.test"]).await;
    peer.ask(MESSAGE, "250 ").await;
    assert_eq!(world.contents("alice", "INBOX").await.len(), 3);
    assert_eq!(world.usage("postmaster").await.messages, 0);
}

#[tokio::test]
async fn somebody_reads_what_is_sent_to_a_postmaster_that_nobody_is() {
    let world = World::new().await;
    world.change(|draft| draft.put_domain(Domain::new("y.test"))).await;
    let mut peer = world.smtp().await;
    peer.ask("MAIL FROM:<>", "250 ").await;
    peer.ask("RCPT TO:<postmaster@y.test>", "550 5.1.1 ").await;
    world.change_account("bob", |bob| bob.role = Role::ServerAdmin).await;
    peer.ask("RCPT TO:<Postmaster@y.test>", "250 ").await;
    peer.ask("DATA", "354 ").await;
    peer.ask(MESSAGE, "250 ").await;
    assert_eq!(world.usage("bob").await.messages, 1);
}

#[tokio::test]
async fn a_message_that_goes_in_circles_is_refused() {
    let world = World::new().await;
    let mut peer = world.smtp().await;
    for (hops, answer) in [(100, "250 "), (101, "554 5.4.6 ")] {
        peer.envelope("<a@b.test>", &["alice@x.test"]).await;
        peer.ask(&format!("{}\r\n.", "Received: x\r\n".repeat(hops)), answer).await;
    }
    assert_eq!(world.messages().await, 1);
    peer.envelope("<a@b.test>", &["alice@x.test"]).await;
    peer.ask("Delivered-To: ALICE@X.test\r\n\r\n.", "554 5.4.6 ").await;
    peer.envelope("<a@b.test>", &["alice@x.test"]).await;
    peer.ask("Delivered-To: bob@x.test\r\n\r\nDelivered-To: alice@x.test\r\n.", "250 ").await;
    let mut peer = world.lmtp().await;
    peer.envelope("<a@b.test>", &["alice@x.test", "bob@x.test"]).await;
    peer.ask("Delivered-To: alice@x.test\r\n\r\n.", "554 5.4.6 ").await;
    peer.expect("250 ").await;
    assert_eq!(world.messages().await, 3);
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
async fn eod_26_a_message_that_is_cut_leaves_nothing() {
    let world = World::new().await;
    for half in ["Subject: half\r\n", "Subject: half\r\n\r\nbody\r\n.", &"x\r\n".repeat(100_000)] {
        let mut peer = world.smtp().await;
        peer.envelope("<a@b.test>", &["alice@x.test"]).await;
        peer.send(half).await;
    }
    let World { running, data, .. } = world;
    running.stop().await;
    assert_eq!(std::fs::read_dir(data.path().join("spool")).unwrap().count(), 0);
    let sql = rusqlite::Connection::open(data.path().join("posthaste.sqlite")).unwrap();
    assert_eq!(sql.query_row("SELECT count(*) FROM messages", [], |row| row.get::<_, i64>(0)), Ok(0));
}

#[tokio::test]
async fn rel_18_a_stop_waits_for_a_message_that_is_coming_in() {
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
    assert_eq!((world.used("alice").await, world.messages().await), (0, 1));
    assert!(world.contents("bob", "INBOX").await[0].contains("with ESMTPS id "));
}
