//! Whatever a handle of the IMAP client waits for may be dropped at each of its polls: what is asked for again goes on
//! where it was, what is not is nobody's trouble. And the traps of other clients, one test for each.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use common::endpoint;
use common::mailserver::{Store, serve};
use posthaste_imap::types::{
    Addressing, FetchAttribute, Flag, ListPattern, Mailbox, SearchKey, Section, SequenceNumber, SequenceSet,
    StatusAttribute, StoreAction,
};
use posthaste_tokio::imap::{Append, Client, Part, Update};
use posthaste_tokio::{Cause, ClientOptions, Credentials, Protocol, Stream, TlsMode};
use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf, duplex,
};
use tokio::task::JoinHandle;
use tokio::time::timeout;

const BOUND: Duration = Duration::from_secs(2 * 3600);

/// Less than any deadline: nothing that was dropped is waited for.
const AT_ONCE: Duration = Duration::from_secs(30);

fn message() -> Bytes {
    let text: String = (0..600).map(|n| format!("line {n}\r\n")).collect();
    Bytes::from(format!("Subject: long\r\n\r\n{text}"))
}

fn options() -> ClientOptions {
    let mut options = ClientOptions::default().with_credentials(Credentials::new("ursel", "Geheim!"));
    options.inline_max = 64;
    options.rows_octets_max = 512;
    options.idle_timeout = Duration::from_secs(60);
    options
}

/// A client of `store` over a narrow pipe, with the mailbox open.
async fn client(store: &Store) -> Client {
    let (near, far) = duplex(128);
    tokio::spawn(serve(near, store.clone()));
    let endpoint = endpoint(Protocol::Imap, TlsMode::Plain);
    let client = Client::over(Stream::local(far), &endpoint, &options()).await.unwrap();
    client.select(Mailbox::inbox()).await.unwrap();
    client
}

fn body() -> Vec<FetchAttribute> {
    vec![FetchAttribute::Section { section: Section::whole(), partial: None, peek: true }]
}

fn pattern() -> ListPattern {
    ListPattern::new("*").unwrap()
}

/// Polls a future so often at most; `None` when it was dropped before it was ready.
async fn polled<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        match poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await {
            Poll::Ready(output) => return Some(output),
            Poll::Pending => tokio::task::yield_now().await,
        }
    }
    None
}

/// Waits by futures each of which is dropped after its first poll.
macro_rules! in_pieces {
    ($next:expr) => {{
        let mut tries = 0;
        loop {
            tries += 1;
            assert!(tries < 100_000, "never ready");
            match polled($next, 1).await {
                Some(output) => break output,
                None => tokio::task::yield_now().await,
            }
        }
    }};
}

/// All messages, in one reading.
async fn read_all(client: &Client) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    let mut rows = client.fetch(SequenceSet::all(), body()).await.unwrap();
    while let Some(mut row) = rows.next().await.unwrap() {
        while let Some(part) = row.next().await.unwrap() {
            if let Part::Literal(literal) = part {
                messages.push(literal.to_bytes(usize::MAX).await.unwrap().to_vec());
            }
        }
    }
    messages
}

#[tokio::test(start_paused = true)]
async fn readers_whose_every_future_is_dropped_lose_and_double_nothing() {
    let store = Store::new(&[]);
    store.add(message());
    store.add(message());
    let client = client(&store).await;
    let reading = async {
        let mut messages = Vec::new();
        let mut rows = client.fetch(SequenceSet::all(), body()).await.unwrap();
        while let Some(mut row) = in_pieces!(rows.next()).unwrap() {
            while let Some(part) = in_pieces!(row.next()).unwrap() {
                let Part::Literal(mut literal) = part else { continue };
                let mut octets = Vec::new();
                while let Some(chunk) = in_pieces!(literal.next_chunk()).unwrap() {
                    octets.extend_from_slice(&chunk);
                }
                messages.push(octets);
            }
        }
        messages
    };
    let messages = timeout(BOUND, reading).await.expect("stands still");
    assert!(messages == [message(), message()], "{}", messages.len());
    let mut listing = client.list_stream(pattern()).await.unwrap();
    let mut names = 0;
    while in_pieces!(listing.next()).unwrap().is_some() {
        names += 1;
    }
    assert_eq!(names, 3);
    let mut idle = client.idle();
    for exists in 3..6 {
        store.add(Bytes::from_static(b"x"));
        assert!(matches!(in_pieces!(idle.next()).unwrap(), Update::Exists(told) if told == exists));
    }
}

/// A reader that has nothing to give each other time, and a little then.
struct Dripping {
    rest: Bytes,
    has_waited: bool,
}

impl AsyncRead for Dripping {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.has_waited = !self.has_waited;
        if self.has_waited {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let length = self.rest.len().min(buffer.remaining()).min(700);
        buffer.put_slice(&self.rest.split_to(length));
        Poll::Ready(Ok(()))
    }
}

/// The message, in pieces that do not come at once.
fn dripping() -> Append {
    let length = message().len() as u64;
    Append::from_reader(Dripping { rest: message(), has_waited: false }, length)
}

/// What is begun and then dropped for good.
async fn call(kind: usize, client: Client, store: Store) {
    let inbox = Mailbox::inbox();
    match kind {
        0 => drop(read_all(&client).await),
        1 => drop(client.list(pattern()).await.unwrap()),
        2 => drop(client.search(Addressing::Uid, [SearchKey::All]).await.unwrap()),
        3 => {
            let all = SequenceSet::all();
            drop(client.store(Addressing::Uid, all, StoreAction::Add, [Flag::Seen]).await.unwrap());
        }
        4 => drop(client.append(Mailbox::new("Sent").unwrap(), Append::new(message())).await.unwrap()),
        5 => {
            let mut changes = client.resync(inbox, None).await.unwrap();
            while changes.next().await.unwrap().is_some() {}
        }
        6 => {
            let mut listing = client.list_stream(pattern()).await.unwrap();
            while listing.next().await.unwrap().is_some() {}
        }
        7 => drop(client.append(Mailbox::new("Sent").unwrap(), dripping()).await.unwrap()),
        8 => {
            let first = SequenceNumber::Number(1.try_into().unwrap());
            client.replace(Addressing::Uid, first, inbox, dripping()).await.unwrap();
        }
        9 => {
            let mut idle = client.idle();
            for exists in 2..4 {
                store.add(message());
                assert!(matches!(idle.next().await.unwrap(), Update::Exists(told) if told == exists));
            }
        }
        10 => client.noop().await.unwrap(),
        11 => drop(client.status(inbox, [StatusAttribute::Messages]).await.unwrap()),
        12 => drop(client.create(Mailbox::new("Sent").unwrap(), []).await.unwrap_err()),
        UNSELECT => client.unselect().await.unwrap(),
        _ => drop(client.select(inbox).await.unwrap()),
    }
}

const KINDS: usize = 15;
const UNSELECT: usize = 13;

/// What is so of a session in which a call was made, and perhaps dropped before it was done.
async fn is_undisturbed(kind: usize, client: Client, store: &Store, beside: JoinHandle<usize>, when: &str) {
    let after = async {
        assert_eq!(beside.await.unwrap(), 3);
        if kind == UNSELECT {
            client.select(Mailbox::inbox()).await.unwrap();
        }
        // Whatever was added is told before it is read.
        client.noop().await.unwrap();
        let messages = read_all(&client).await;
        assert!(messages.iter().all(|octets| *octets == message()), "call {kind}, {when}");
        assert_eq!(messages.len(), store.picture().len(), "call {kind}, {when}");
        assert_eq!(client.search(Addressing::Uid, [SearchKey::All]).await.unwrap().len(), messages.len());
        client.logout().await.unwrap();
    };
    timeout(AT_ONCE, after).await.unwrap_or_else(|_| panic!("call {kind} dropped after {when}"));
    // What was added was added whole or not at all.
    assert!(store.picture().keys().all(|uid| store.content(*uid).unwrap() == message()));
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_each_of_its_polls_disturbs_no_other() {
    for kind in 0..KINDS {
        let mut dropped = 0;
        for polls in 0.. {
            assert!(polls < 5000, "call {kind} is never complete");
            let store = Store::new(&[]);
            store.add(message());
            let client = client(&store).await;
            let other = client.clone();
            // Goes on while the call is made and dropped.
            let beside = tokio::spawn(async move { other.list(pattern()).await.unwrap().len() });
            let done = polled(call(kind, client.clone(), store.clone()), polls).await.is_some();
            is_undisturbed(kind, client, &store, beside, &format!("{polls} polls")).await;
            if done {
                break;
            }
            dropped += 1;
        }
        assert!(dropped > 1, "call {kind} was dropped {dropped} times");
    }
}

/// Between two polls of a call much can happen: here, where every piece is on its way for a while, it is dropped at any
/// moment of that, such as between its command and the server's leave, and between two pieces of its message.
#[tokio::test(start_paused = true)]
async fn a_call_dropped_at_any_moment_of_a_long_way_disturbs_no_other() {
    for kind in 0..KINDS {
        let mut dropped = 0;
        for moment in (0..).step_by(7).map(Duration::from_millis) {
            assert!(moment < Duration::from_secs(60), "call {kind} is never complete");
            let store = Store::new(&[]);
            store.add(message());
            let client = far_client(&store).await;
            let other = client.clone();
            let beside = tokio::spawn(async move { other.list(pattern()).await.unwrap().len() });
            let done = timeout(moment, call(kind, client.clone(), store.clone())).await.is_ok();
            is_undisturbed(kind, client, &store, beside, &format!("{moment:?}")).await;
            if done {
                break;
            }
            dropped += 1;
        }
        assert!(dropped > 1, "call {kind} was dropped {dropped} times");
    }
}

/// A client as [`client`], a long way from its server.
async fn far_client(store: &Store) -> Client {
    let (near, server) = duplex(128);
    let (far, way) = duplex(128);
    tokio::spawn(serve(server, store.clone()));
    tokio::spawn(async move {
        let (near_read, near_write) = tokio::io::split(near);
        let (way_read, way_write) = tokio::io::split(way);
        tokio::join!(delay(near_read, way_write), delay(way_read, near_write))
    });
    let endpoint = endpoint(Protocol::Imap, TlsMode::Plain);
    let client = Client::over(Stream::local(far), &endpoint, &options()).await.unwrap();
    client.select(Mailbox::inbox()).await.unwrap();
    client
}

/// Carries octets, which takes 10 milliseconds for each piece.
async fn delay(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let mut octets = [0; 512];
    while let Ok(length @ 1..) = from.read(&mut octets).await {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if to.write_all(&octets[..length]).await.is_err() {
            return;
        }
    }
    drop(to.shutdown().await);
}

#[tokio::test(start_paused = true)]
async fn trap_a_stream_of_rows_does_not_borrow_the_session() {
    let store = Store::new(&[]);
    store.add(message());
    let client = client(&store).await;
    let rows = client.fetch(SequenceSet::all(), body()).await.unwrap();
    // In another task than the calls beside it, and behind the handle it came from.
    let other = client.clone();
    drop(client);
    let reading = tokio::spawn(async move {
        let mut rows = rows;
        let mut count = 0;
        while rows.next().await.unwrap().is_some() {
            count += 1;
        }
        count
    });
    assert_eq!(other.list(pattern()).await.unwrap().len(), 3);
    assert_eq!(reading.await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn trap_an_unread_literal_does_not_block_others_for_ever() {
    let store = Store::new(&[]);
    store.add(message());
    let client = client(&store).await;
    let mut rows = client.fetch(SequenceSet::all(), body()).await.unwrap();
    let mut row = rows.next().await.unwrap().unwrap();
    let Some(Part::Literal(mut literal)) = row.next().await.unwrap() else { panic!() };
    // Kept, and not read.
    timeout(BOUND, client.noop()).await.expect("blocked").unwrap();
    while let Ok(Some(_)) = literal.next_chunk().await {}
    assert!(matches!(rows.next().await.unwrap_err().cause(), Cause::Unread(_)));
}

#[tokio::test(start_paused = true)]
async fn trap_a_connection_that_is_dead_is_noticed() {
    let (near, far) = duplex(4096);
    let mut near = BufReader::new(near);
    near.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hello\r\n").await.unwrap();
    let endpoint = endpoint(Protocol::Imap, TlsMode::Plain);
    let client = Client::over(Stream::local(far), &endpoint, &options()).await.unwrap();
    // Nothing is answered and nothing is closed: neither a call nor a wait for news goes on without end.
    let mut idle = client.idle();
    let error = timeout(BOUND, idle.next()).await.expect("not noticed").unwrap_err();
    assert!(matches!(error.cause(), Cause::Idle(_)), "{error}");
    assert!(client.noop().await.is_err());
    drop(near);
}

#[tokio::test(start_paused = true)]
async fn trap_news_between_done_and_the_next_command_is_not_lost() {
    let (near, far) = duplex(4096);
    let server = tokio::spawn(async move {
        let mut near = BufReader::new(near);
        near.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1 IDLE] hello\r\n").await.unwrap();
        let (mut tag, mut round) = (String::new(), 0);
        let mut line = String::new();
        while near.read_line(&mut line).await.unwrap() > 0 {
            let words = std::mem::take(&mut line);
            let (first, rest) = words.trim_end().split_once(' ').unwrap_or((words.trim_end(), ""));
            let answer = match rest {
                "" => {
                    // DONE: news before the end of IDLE, and behind it.
                    round += 1;
                    format!("* {} EXISTS\r\n{tag} OK idled\r\n* {} EXISTS\r\n", 10 * round, 10 * round + 1)
                }
                "IDLE" => {
                    tag = first.to_owned();
                    "+ idling\r\n".to_owned()
                }
                "SELECT INBOX" => format!("* 1 EXISTS\r\n{first} OK done\r\n"),
                _ => format!("* {} EXISTS\r\n{first} OK done\r\n", 10 * round + 2),
            };
            near.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    let endpoint = endpoint(Protocol::Imap, TlsMode::Plain);
    let client = Client::over(Stream::local(far), &endpoint, &options()).await.unwrap();
    client.select(Mailbox::inbox()).await.unwrap();
    let mut idle = client.idle();
    let mut told = Vec::new();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        client.noop().await.unwrap();
    }
    while let Some(update) = idle.try_next() {
        if let Update::Exists(count) = update {
            told.push(count);
        }
    }
    assert_eq!(told, [10, 11, 12, 20, 21, 22, 30, 31, 32]);
    drop((client, idle));
    server.await.unwrap();
}
