//! POP3: one session at a time, removal at QUIT only, and what becomes of what was removed.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use posthaste_server::listen::Service;
use posthaste_server::session::pop3;
use posthaste_server::store::{Expunge, MailboxName, SystemFlags};
use posthaste_tokio::{Role, Stream};
use proptest::prelude::*;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use crate::server::{Peer, World};

async fn uidl(peer: &mut Peer) -> String {
    peer.ask("UIDL", "+OK").await;
    peer.multiline().await
}

#[tokio::test]
async fn p15_pop_03_messages_are_removed_at_quit_and_at_no_other_end() {
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
    assert_eq!(names(&kept), names(&first)[1..], "p16: names stay");
    peer.ask("RETR 1", "+OK").await;
    assert!(peer.multiline().await.ends_with("Subject: b\r\n\r\n..dot\r\n"), "dots are doubled on the way");
    assert_eq!(world.contents("alice", "INBOX").await.len(), 2);
}

/// Octets of a message of which nothing is as POP3 wants it.
fn untidy() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(&["\r", "\n", "\r\n", ".", "..\r\n", "a", "Subject: b", "\u{fc}"][..]);
    prop::collection::vec(piece, 1..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn rfc1939_11_what_stat_and_list_count_is_what_retr_sends(messages in prop::collection::vec(untidy(), 1..30)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(announced_is_sent(&messages));
    }
}

async fn announced_is_sent(messages: &[String]) {
    let world = World::new().await;
    let mut imap = world.selected("alice", "INBOX").await;
    for message in messages {
        assert!(imap.append("INBOX", message).await.contains("T OK"), "{message:?}");
    }
    // IMAP counts the octets that it sends, which are those that came.
    for (number, message) in (1..).zip(messages) {
        let fetched = imap.ok(&format!("FETCH {number} (RFC822.SIZE BODY.PEEK[])")).await;
        let size = message.len();
        assert!(fetched.contains(&format!("RFC822.SIZE {size} ")), "{message:?}: {fetched:?}");
        assert!(fetched.contains(&format!("BODY[] {{{size}}}\r\n{message}")), "{message:?}: {fetched:?}");
    }
    let (mut peer, _) = world.pop3("alice").await;
    let stat = peer.ask("STAT", "+OK ").await;
    peer.ask("LIST", "+OK").await;
    let (list, mut all) = (peer.multiline().await, 0);
    for (number, line) in (1..).zip(list.lines()) {
        let said = peer.ask(&format!("RETR {number}"), "+OK ").await;
        let sent = peer.multiline().await;
        // Without the dots that are doubled (RFC 1939 3).
        let octets = |line: &str| line.strip_prefix('.').unwrap_or(line).len();
        let octets: usize = sent.split_inclusive("\r\n").map(octets).sum();
        let message = &messages[number - 1];
        assert_eq!(line, format!("{number} {octets}"), "{message:?}: {sent:?}");
        assert!(said.starts_with(&format!("+OK {octets} ")), "{message:?}: {said:?}");
        all += octets;
    }
    assert_eq!(stat, format!("+OK {} {all}\r\n", messages.len()));
}

#[tokio::test]
async fn every_message_is_itself_in_whatever_order_they_are_asked_for() {
    let world = World::new().await;
    // Some are more than is read ahead at a time, first or ever.
    let sizes = [10, 3000, 70_000, 1, 40_000, 300_000].into_iter().cycle().take(60);
    let message = |(number, size): (usize, usize)| {
        format!("Subject: {number}\r\n\r\n{}", format!("{number:078}\r\n").repeat(size.div_ceil(80)))
    };
    let messages: Vec<String> = (1..).zip(sizes).map(message).collect();
    let mut imap = world.selected("alice", "INBOX").await;
    for message in &messages {
        assert!(imap.append("INBOX", message).await.contains("T OK"));
    }
    let all = || 1..=messages.len();
    let orders: [Vec<usize>; 4] = [
        all().collect(),
        all().rev().collect(),
        all().flat_map(|number| [number, number]).collect(),
        all().map(|number| 1 + (number * 7) % messages.len()).collect(),
    ];
    let mut peer = world.pop3("alice").await.0;
    for number in orders.concat() {
        peer.ask(&format!("RETR {number}"), "+OK").await;
        assert!(peer.multiline().await == messages[number - 1], "{number}");
    }
}

/// Counts what is written to it.
struct Counting {
    inner: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn a_small_message_leaves_with_its_reply_in_one_write() {
    let world = World::new().await;
    for size in [10, 2000, 8000] {
        let line = format!("{}\r\n", "x".repeat(48));
        world.deliver("alice@x.test", &format!("Subject: a\r\n\r\n{}", line.repeat(size / 50))).await;
    }
    let (client, inner) = tokio::io::duplex(1 << 20);
    let writes = Arc::new(AtomicUsize::new(0));
    let stream = Stream::local(Counting { inner, writes: Arc::clone(&writes) });
    let context = world.running.context().clone();
    let session = tokio::spawn(pop3::run(context, stream, Role::Server { tls: None }));
    let mut peer = Peer::new(client);
    peer.expect("+OK").await;
    peer.ask("USER alice@x.test", "+OK").await;
    peer.ask("PASS secret", "+OK").await;
    for number in 1..=3 {
        for command in ["RETR 1", "RETR 2", "RETR 3", "TOP 2 5"] {
            let before = writes.load(Ordering::SeqCst);
            peer.ask(command, "+OK").await;
            peer.multiline().await;
            // The answer is complete, so nothing more is written of it.
            assert_eq!(writes.load(Ordering::SeqCst) - before, 1, "{command}, round {number}");
        }
    }
    peer.ask("QUIT", "+OK").await;
    session.await.unwrap().unwrap();
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
async fn p18_pop_04_a_maildrop_has_one_session_at_a_time() {
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
async fn pop_04_a_message_expunged_meanwhile_is_there_for_the_session_that_saw_it() {
    let world = World::new().await;
    world.deliver("alice@x.test", "Subject: short\r\n\r\n").await;
    let (mut peer, _) = world.pop3("alice").await;
    let inbox = world.mailbox("alice", "INBOX").await;
    world.running.store().expunge(inbox.id, Expunge::Uids(vec![1])).await.unwrap();
    peer.ask("RETR 1", "+OK").await;
    assert!(peer.multiline().await.ends_with("Subject: short\r\n\r\n"));
    peer.ask("DELE 1", "+OK").await;
    peer.ask("QUIT", "+OK").await;
}

#[tokio::test]
async fn p17_only_inbox_is_in_the_maildrop() {
    let world = World::new().await;
    let alice = world.account_of("alice");
    let other = MailboxName::new("Lists").unwrap();
    world.running.store().create_mailbox(alice.id, &other, None).await.unwrap();
    world.deliver("alice+lists@x.test", "Subject: elsewhere\r\n\r\n").await;
    world.deliver("alice@x.test", "Subject: here\r\n\r\n").await;
    let (mut peer, _) = world.pop3("alice").await;
    peer.ask("STAT", "+OK 1 ").await;
    peer.ask("RETR 1", "+OK").await;
    assert!(peer.multiline().await.contains("Subject: here\r\n"));
}

#[tokio::test]
async fn p18_a_message_that_was_fetched_is_unread_unless_the_policy_says_so() {
    for mark_seen in [false, true] {
        let world = World::configured(|config| config.pop3.mark_seen = mark_seen).await;
        world.deliver("alice@x.test", "Subject: a\r\n\r\nb\r\n").await;
        let (mut peer, _) = world.pop3("alice").await;
        peer.ask("TOP 1 0", "+OK").await;
        peer.multiline().await;
        let is_seen = async || {
            let inbox = world.mailbox("alice", "INBOX").await;
            let snapshot = world.running.store().snapshot(inbox.id).await.unwrap();
            snapshot.messages[0].flags.system.contains(SystemFlags::SEEN)
        };
        assert!(!is_seen().await);
        peer.ask("RETR 1", "+OK").await;
        peer.multiline().await;
        peer.ask("NOOP", "+OK").await;
        assert_eq!(is_seen().await, mark_seen);
    }
}

#[tokio::test]
async fn p20_what_is_removed_counts_no_more_and_can_be_had_back() {
    let world = World::new().await;
    world.deliver("alice@x.test", "Subject: a\r\n\r\nb\r\n").await;
    assert!(world.used("alice").await > 0);
    let (mut peer, _) = world.pop3("alice").await;
    peer.ask("RETR 1", "+OK").await;
    peer.multiline().await;
    peer.ask("DELE 1", "+OK").await;
    peer.ask("QUIT", "+OK").await;
    assert_eq!(world.used("alice").await, 0);
    let alice = world.account_of("alice");
    // P16: a copy on the server, for some days.
    assert_eq!(world.running.store().deleted(alice.id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn p16_the_server_may_keep_what_a_client_deletes_in_another_mailbox() {
    let kept = MailboxName::new("Archive/POP3").unwrap();
    let world = World::configured(|config| config.pop3.deleted_to = Some(kept.clone())).await;
    for subject in ["a", "b"] {
        world.deliver("alice@x.test", &format!("Subject: {subject}\r\n\r\n")).await;
    }
    for number in ["DELE 1", "DELE 2"] {
        let mut peer = again(&world).await;
        peer.ask(number, if number == "DELE 1" { "+OK" } else { "-ERR" }).await;
        peer.ask("QUIT", "+OK").await;
    }
    assert_eq!(world.contents("alice", "INBOX").await.len(), 1);
    let kept = world.contents("alice", "Archive/POP3").await;
    assert!(kept.len() == 1 && kept[0].contains("Subject: a\r\n"), "{kept:?}");
}

#[tokio::test]
async fn p19_passwords_are_taken_inside_tls_only() {
    let world = World::new().await;
    let mut peer = world.connect(Service::Pop3).await;
    peer.expect("+OK").await;
    peer.ask("CAPA", "+OK").await;
    let offers = peer.multiline().await;
    assert!(offers.contains("STLS\r\n") && !offers.contains("SASL") && !offers.contains("USER"), "{offers}");
    peer.ask("USER alice@x.test", "-ERR").await;
    peer.ask("STLS", "+OK").await;
    let mut peer = world.secure_as(peer, posthaste_tokio::tls::Alpn::Pop3).await;
    peer.ask("CAPA", "+OK").await;
    let offers = peer.multiline().await;
    assert!(offers.contains("SASL SCRAM-SHA-256-PLUS ") && offers.contains("EXPIRE NEVER\r\n"), "{offers}");
    assert!(offers.contains("RESP-CODES\r\n") && !offers.contains("LOGIN-DELAY"), "{offers}");
    // SASL-IR: NUL alice@x.test NUL secret
    peer.ask("AUTH PLAIN AGFsaWNlQHgudGVzdABzZWNyZXQ=", "+OK").await;
    peer.ask("STAT", "+OK 0 0").await;
}

#[tokio::test]
async fn pop_06_wrong_user_and_wrong_password_look_the_same() {
    let world = World::new().await;
    let mut answers = Vec::new();
    for user in ["alice@x.test", "nobody@x.test", "alice"] {
        let mut peer = world.connect(Service::Pop3s).await;
        peer.expect("+OK").await;
        peer.ask(&format!("USER {user}"), "+OK").await;
        answers.push(peer.ask("PASS wrong", "-ERR [AUTH] ").await);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn a_second_login_comes_too_soon_where_there_is_a_delay() {
    let world = World::configured(|config| config.pop3.login_delay = Some(3600)).await;
    let (mut peer, answer) = world.pop3("alice").await;
    assert!(answer.starts_with("+OK"), "{answer}");
    peer.ask("CAPA", "+OK").await;
    assert!(peer.multiline().await.contains("LOGIN-DELAY 3600\r\n"));
    peer.ask("QUIT", "+OK").await;
    loop {
        let (_, answer) = world.pop3("alice").await;
        if !answer.starts_with("-ERR [IN-USE]") {
            assert!(answer.starts_with("-ERR [LOGIN-DELAY]"), "{answer}");
            return;
        }
    }
}

#[tokio::test]
async fn u14_a_maildrop_that_is_taken_away_loses_nothing() {
    let world = World::new().await;
    world.deliver("alice@x.test", "Subject: a\r\n\r\n").await;
    let alice = world.account_of("alice");
    let (mut peer, _) = world.pop3("alice").await;
    peer.ask("DELE 1", "+OK").await;
    assert!(world.running.context().maildrops.unlock(alice.id));
    assert_eq!(peer.line().await, "", "closed without a word");
    assert_eq!(world.contents("alice", "INBOX").await.len(), 1);
    again(&world).await.ask("STAT", "+OK 1 ").await;
}

#[tokio::test]
async fn an_account_that_is_switched_off_reads_no_more() {
    let world = World::new().await;
    world.deliver("alice@x.test", "Subject: a\r\n\r\n").await;
    let (mut peer, _) = world.pop3("alice").await;
    world.change_account("alice", |alice| alice.enabled = false).await;
    peer.send("RETR 1\r\n").await;
    assert_eq!(peer.line().await, "");
}
