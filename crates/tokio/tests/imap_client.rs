//! The IMAP client: calls of many handles at once, rows that stream, and what is kept, dropped or not read.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use std::num::NonZeroU32;
use std::time::Duration;

use bytes::Bytes;
use common::breaking::Breaking;
use common::mailserver::{Store, serve};
use common::{endpoint, tls_roles, trusting};
use posthaste_imap::types::{
    Addressing, FetchAttribute, FetchItem, Flag, Flags, ListPattern, Mailbox, SearchKey, Section,
    SequenceSet, StatusAttribute, StoreAction,
};
use posthaste_tokio::imap::{Append, Client, Part, Update};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{Cause, ClientOptions, Credentials, Phase, Protocol, Retry, Role, Stream, TlsMode};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};

const SMALL: &[u8] = b"Subject: small\r\n\r\nbody\r\n";

fn large() -> Bytes {
    let text: String = (0..60_000).map(|n| format!("line {n}\r\n")).collect();
    Bytes::from(format!("Subject: large\r\n\r\n{text}"))
}

fn options() -> ClientOptions {
    ClientOptions::default().with_credentials(Credentials::new("ursel", "Geheim!"))
}

/// A client over a pipe that counts as local.
async fn open(pipe: DuplexStream, options: &ClientOptions) -> Client {
    let endpoint = endpoint(Protocol::Imap, TlsMode::Plain);
    Client::over(Stream::local(pipe), &endpoint, options).await.unwrap()
}

/// A client of `store`.
async fn client(store: &Store) -> Client {
    client_with(store, &options()).await
}

async fn client_with(store: &Store, options: &ClientOptions) -> Client {
    let (near, far) = duplex(4096);
    tokio::spawn(serve(near, store.clone()));
    open(far, options).await
}

fn body() -> Vec<FetchAttribute> {
    vec![FetchAttribute::Section { section: Section::whole(), partial: None, peek: true }]
}

fn pattern() -> ListPattern {
    ListPattern::new("*").unwrap()
}

fn one(number: u32) -> SequenceSet {
    SequenceSet::single(NonZeroU32::new(number).unwrap())
}

/// An IMAP server that knows one conversation. Answers come behind the command, with its tag.
async fn imap_script(stream: DuplexStream, role: Role) {
    let stream = Stream::from(stream).into_tls(&role).await.unwrap();
    let mut stream = BufReader::new(stream);
    stream.write_all(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR IDLE] hello\r\n").await.unwrap();
    stream.flush().await.unwrap();
    let script: [(&str, &str); 6] = [
        ("AUTHENTICATE PLAIN", "* CAPABILITY IMAP4rev1 IDLE\r\nTAG OK in\r\n"),
        ("SELECT INBOX", "* 1 EXISTS\r\n* FLAGS ()\r\nTAG OK [READ-WRITE] selected\r\n"),
        ("FETCH 1", "* 1 FETCH (UID 7 BODY[] {12}\r\nhello world!)\r\nTAG OK done\r\n"),
        ("IDLE", "+ waiting\r\n* 2 EXISTS\r\n"),
        ("DONE", "TAG OK idled\r\n"),
        ("LOGOUT", "* BYE bye\r\nTAG OK out\r\n"),
    ];
    let mut tag = String::new();
    for (expected, answer) in script {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        assert!(line.contains(expected), "{line:?} in place of {expected:?}");
        if expected != "DONE" {
            tag = line.split(' ').next().unwrap().to_owned();
        }
        stream.write_all(answer.replace("TAG", &tag).as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    }
    stream.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn rows_and_news_arrive_over_tls() {
    let (server_role, client_role) = tls_roles(Alpn::Imap);
    let (near, far) = duplex(64 * 1024);
    let server = tokio::spawn(imap_script(near, server_role));
    let endpoint = endpoint(Protocol::Imap, TlsMode::Implicit);
    let options = trusting(&client_role).with_credentials(Credentials::new("ursel", "Geheim!"));
    let client = Client::over(far, &endpoint, &options).await.unwrap();
    assert_eq!(client.select(Mailbox::inbox()).await.unwrap().exists, 1);
    let mut rows = client.fetch(one(1), [FetchAttribute::Uid, FetchAttribute::Rfc822]).await.unwrap();
    let row = rows.next().await.unwrap().unwrap();
    assert_eq!((row.number(), row.uid()), (NonZeroU32::new(1), NonZeroU32::new(7)));
    assert!(row.is_whole(), "{row:?}");
    let items = row.collect(12).await.unwrap();
    assert!(matches!(&items[1], FetchItem::Payload { data: Some(data), .. } if data == "hello world!"));
    assert!(rows.next().await.unwrap().is_none());
    let mut idle = client.idle();
    assert!(matches!(idle.next().await.unwrap(), Update::Exists(2)));
    drop(idle);
    client.logout().await.unwrap();
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn calls_of_clones_run_together_and_each_gets_its_own_answer() {
    let store = Store::new(&[SMALL, SMALL, SMALL]);
    let client = client(&store).await;
    client.select(Mailbox::inbox()).await.unwrap();
    let calls = (0..50_u32).map(|n| {
        let client = client.clone();
        tokio::spawn(async move {
            match n % 5 {
                0 => assert_eq!(client.list(pattern()).await.unwrap().len(), 3),
                1 => {
                    let status = client.status(Mailbox::inbox(), [StatusAttribute::Messages]).await.unwrap();
                    assert_eq!(status.messages(), Some(3));
                }
                2 => {
                    let found = client.search(Addressing::Uid, [SearchKey::All]).await.unwrap();
                    assert_eq!(found.len(), 3);
                }
                3 => {
                    let number = n % 3 + 1;
                    let mut rows = client.uid_fetch(one(number), body()).await.unwrap();
                    let row = rows.next().await.unwrap().unwrap();
                    assert_eq!(row.uid().map(NonZeroU32::get), Some(number));
                    assert!(rows.next().await.unwrap().is_none());
                }
                _ => {
                    let flags = Flags::from([Flag::Flagged]);
                    let set = one(n % 3 + 1);
                    let stored = client.store(Addressing::Uid, set, StoreAction::Add, flags).await.unwrap();
                    assert!(stored.changed.iter().all(|changed| changed.flags.is_some()), "{stored:?}");
                }
            }
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    client.logout().await.unwrap();
    assert!(matches!(client.noop().await.unwrap_err().cause(), Cause::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_large_literal_is_read_like_a_file_and_other_calls_go_on_behind_it() {
    let store = Store::new(&[SMALL]);
    store.add(large());
    let client = client(&store).await;
    client.select(Mailbox::inbox()).await.unwrap();
    let mut rows = client.fetch(SequenceSet::all(), body()).await.unwrap();
    let other = client.clone();
    let listing = tokio::spawn(async move { other.list(pattern()).await.unwrap().len() });
    let mut first = rows.next().await.unwrap().unwrap();
    assert!(first.is_whole());
    assert!(matches!(first.next().await.unwrap(), Some(Part::Item(FetchItem::Payload { .. }))));
    assert!(first.next().await.unwrap().is_none());
    let mut second = rows.next().await.unwrap().unwrap();
    assert!(!second.is_whole());
    let Some(Part::Literal(mut literal)) = second.next().await.unwrap() else { panic!() };
    assert_eq!(literal.length(), large().len() as u64);
    let mut read = Vec::new();
    literal.read_to_end(&mut read).await.unwrap();
    assert_eq!(read, large());
    assert!(second.next().await.unwrap().is_none());
    assert!(rows.next().await.unwrap().is_none());
    assert_eq!(listing.await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_unread_is_skipped() {
    let store = Store::new(&[]);
    for _ in 0..4 {
        store.add(large());
    }
    let client = client(&store).await;
    client.select(Mailbox::inbox()).await.unwrap();
    // A literal, a row with a literal that nobody saw, a row in the middle of one, and the rest of the rows.
    let mut rows = client.fetch(SequenceSet::all(), body()).await.unwrap();
    let mut row = rows.next().await.unwrap().unwrap();
    let Some(Part::Literal(literal)) = row.next().await.unwrap() else { panic!() };
    drop(literal);
    assert!(row.next().await.unwrap().is_none());
    drop(rows.next().await.unwrap().unwrap());
    let mut row = rows.next().await.unwrap().unwrap();
    let Some(Part::Literal(mut literal)) = row.next().await.unwrap() else { panic!() };
    drop(row);
    // The literal outlives its row and its rows.
    assert!(literal.next_chunk().await.unwrap().is_some());
    drop(rows);
    let rest = literal.to_bytes(usize::MAX).await.unwrap();
    assert!(large().ends_with(&rest));
    // Rows that nobody looked at.
    drop(client.fetch(SequenceSet::all(), body()).await.unwrap());
    client.noop().await.unwrap();
    client.logout().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reader_who_never_comes_loses_his_answer_and_nobody_elses() {
    let store = Store::new(&[]);
    store.add(large());
    let client = client_with(&store, &options()).await;
    client.select(Mailbox::inbox()).await.unwrap();
    let mut rows = client.fetch(SequenceSet::all(), body()).await.unwrap();
    let row = rows.next().await.unwrap().unwrap();
    // Waits behind the literal that nobody reads, and is answered before the server loses patience.
    let since = tokio::time::Instant::now();
    client.noop().await.unwrap();
    let reader_timeout = ClientOptions::default().reader_timeout;
    assert!(since.elapsed() >= reader_timeout && since.elapsed() < reader_timeout + Duration::from_secs(1));
    drop(row);
    let error = rows.next().await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Unread(time) if *time == reader_timeout), "{error}");
    assert_eq!(error.retry(), Retry::Never);
    client.logout().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_holds_the_session_back_and_not_up() {
    let store = Store::new(&[]);
    store.add(large());
    let mut options = options();
    options.rows_octets_max = 1;
    let client = client_with(&store, &options).await;
    client.select(Mailbox::inbox()).await.unwrap();
    let mut rows = client.fetch(SequenceSet::all(), body()).await.unwrap();
    let mut row = rows.next().await.unwrap().unwrap();
    let Some(Part::Literal(mut literal)) = row.next().await.unwrap() else { panic!() };
    let mut read = Vec::new();
    while let Some(chunk) = literal.next_chunk().await.unwrap() {
        tokio::time::sleep(Duration::from_secs(5)).await;
        read.extend_from_slice(&chunk);
    }
    assert_eq!(read, large());
    client.noop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn idle_gives_way_to_other_calls_and_goes_on_behind_them() {
    let store = Store::new(&[SMALL]);
    let client = client(&store).await;
    client.select(Mailbox::inbox()).await.unwrap();
    let mut idle = client.idle();
    for exists in 2..5 {
        store.add(Bytes::from_static(SMALL));
        assert!(matches!(idle.next().await.unwrap(), Update::Exists(told) if told == exists));
        assert_eq!(client.list(pattern()).await.unwrap().len(), 3);
    }
    store.flag(2, StoreAction::Add, &Flags::from([Flag::Flagged]));
    let update = idle.next().await.unwrap();
    let Update::Changed(changed) = update else { panic!("{update:?}") };
    assert_eq!(changed.uid.map(NonZeroU32::get), Some(2));
    assert!(changed.flags.unwrap().contains(&Flag::Flagged));
    store.remove(1);
    assert!(matches!(idle.next().await.unwrap(), Update::Expunge(number) if number.get() == 1));
    // Over the renewal.
    tokio::time::sleep(Duration::from_secs(45 * 60)).await;
    store.add(Bytes::from_static(SMALL));
    assert!(matches!(idle.next().await.unwrap(), Update::Exists(4)));
    drop(client);
    idle.try_next();
}

#[tokio::test(start_paused = true)]
async fn a_message_is_added_from_memory_and_from_a_reader() {
    let store = Store::new(&[]);
    let client = client(&store).await;
    let added = client.append(Mailbox::inbox(), Append::new(SMALL).with_flags([Flag::Seen])).await.unwrap();
    assert_eq!(added.unwrap().uid.get(), 1);
    assert!(store.picture()[&1].contains(&Flag::Seen));
    let reader = std::io::Cursor::new(large());
    let message = Append::from_reader(reader, large().len() as u64);
    // Meanwhile others ask.
    let other = client.clone();
    let listing = tokio::spawn(async move { other.list(pattern()).await.unwrap().len() });
    client.append(Mailbox::inbox(), message).await.unwrap();
    assert_eq!(store.content(2).unwrap(), large());
    assert_eq!(listing.await.unwrap(), 3);
    // An append whose caller goes away is completed all the same.
    let mut call = Box::pin(client.append(Mailbox::inbox(), Append::new(large())));
    for _ in 0..5 {
        let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(call.as_mut().poll(cx))).await;
        assert!(polled.is_pending());
        tokio::task::yield_now().await;
    }
    drop(call);
    client.noop().await.unwrap();
    assert_eq!(store.content(3).unwrap(), large());
}

#[tokio::test(start_paused = true)]
async fn a_message_of_another_length_is_never_stored() {
    for (octets, length) in [(10, 11), (11, 10)] {
        let store = Store::new(&[]);
        let client = client(&store).await;
        let reader = std::io::Cursor::new(vec![b'x'; octets]);
        let error = client.append(Mailbox::inbox(), Append::from_reader(reader, length)).await.unwrap_err();
        assert_eq!(error.retry(), Retry::Never, "{error}");
        assert!(store.picture().is_empty());
        assert!(client.noop().await.is_err());
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_logs_out() {
    let (near, far) = duplex(4096);
    let server = tokio::spawn(serve(near, Store::new(&[])));
    let client = open(far, &options()).await;
    drop(client.clone());
    client.noop().await.unwrap();
    let idle = client.idle();
    drop(client);
    drop(idle);
    tokio::time::timeout(Duration::from_secs(10), server).await.unwrap().unwrap();
}

/// A server that reads what comes and says `words`, then nothing, or closes.
async fn raw(words: &str, closes: bool) -> (Client, tokio::task::JoinHandle<String>) {
    let (near, far) = duplex(64 * 1024);
    let words = words.to_owned();
    let server = tokio::spawn(async move {
        let mut near = BufReader::new(near);
        near.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n").await.unwrap();
        let mut line = String::new();
        near.read_line(&mut line).await.unwrap();
        let tag = line.split(' ').next().unwrap();
        near.write_all(words.replace("TAG", tag).as_bytes()).await.unwrap();
        if !closes {
            let _ = near.read_to_string(&mut line).await;
        }
        line
    });
    let mut options = options();
    options.idle_timeout = Duration::from_secs(20);
    (open(far, &options).await, server)
}

#[tokio::test(start_paused = true)]
async fn a_lost_connection_says_of_each_call_whether_it_may_be_made_again() {
    let (client, _server) = raw("* BYE going down\r\n", true).await;
    let mut updates = client.updates();
    let calls: Vec<_> = (0..3)
        .map(|n| {
            let client = client.clone();
            tokio::spawn(async move {
                match n {
                    0 => client.noop().await.unwrap_err(),
                    1 => client.delete(Mailbox::new("x").unwrap()).await.unwrap_err(),
                    // Alone on the wire: it waits for the others.
                    _ => client.select(Mailbox::inbox()).await.unwrap_err(),
                }
            })
        })
        .collect();
    let mut errors = Vec::new();
    for call in calls {
        errors.push(call.await.unwrap());
    }
    let seen: Vec<_> = errors.iter().map(|error| (error.phase(), error.retry())).collect();
    assert_eq!(seen[0], (Phase::Query, Retry::Safe));
    assert!(matches!(seen[1], (Phase::Change, Retry::Unknown) | (Phase::Call, Retry::Safe)), "{seen:?}");
    assert_eq!(seen[2].1, Retry::Safe);
    assert!(matches!(updates.next().await, Some(Update::Bye(_))));
    assert!(updates.next().await.is_none());
    // Whoever comes later learns the same.
    assert_eq!(client.noop().await.unwrap_err().retry(), Retry::Safe);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_given_up_at_every_stage() {
    let stages = ["", "* LIST () \"/\" INBOX\r\n", "* LIST () \"/\" {10}\r\nabc", "* LI"];
    for stage in stages {
        let (client, _server) = raw(stage, false).await;
        let error = client.list(pattern()).await.unwrap_err();
        assert!(matches!(error.cause(), Cause::Idle(_)), "{stage:?}: {error}");
        assert_eq!(error.retry(), Retry::Safe);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_at_any_await_disturbs_nobody() {
    let store = Store::new(&[SMALL, SMALL]);
    store.add(large());
    let client = client(&store).await;
    client.select(Mailbox::inbox()).await.unwrap();
    for polls in 0..200 {
        let other = client.clone();
        let call = async move {
            other.list(pattern()).await.unwrap();
            let mut rows = other.fetch(SequenceSet::all(), body()).await.unwrap();
            while let Some(mut row) = rows.next().await.unwrap() {
                while let Some(part) = row.next().await.unwrap() {
                    if let Part::Literal(literal) = part {
                        literal.to_bytes(usize::MAX).await.unwrap();
                    }
                }
            }
            other.search(Addressing::Uid, [SearchKey::All]).await.unwrap();
        };
        let mut call = Box::pin(call);
        for _ in 0..polls {
            let done = std::future::poll_fn(|cx| std::task::Poll::Ready(call.as_mut().poll(cx))).await;
            if done.is_ready() {
                return;
            }
            tokio::task::yield_now().await;
        }
        drop(call);
        assert_eq!(client.list(pattern()).await.unwrap().len(), 3, "after {polls} polls");
        assert_eq!(client.search(Addressing::Uid, [SearchKey::All]).await.unwrap().len(), 3);
    }
    panic!("the call was never complete");
}

/// Many calls at once over a connection that breaks: none hangs, and none is said to be safe to repeat that was done.
async fn over_a_break(breaking: impl Fn(DuplexStream) -> Breaking) -> bool {
    let store = Store::new(&[SMALL, &[b'x'; 2000]]);
    let (near, far) = duplex(256);
    let server = tokio::spawn(serve(near, store.clone()));
    let mut options = options();
    options.inline_max = 100;
    let endpoint = endpoint(Protocol::Imap, TlsMode::Plain);
    let Ok(client) = Client::over(Stream::local(breaking(far)), &endpoint, &options).await else {
        return false;
    };
    let idle = client.idle();
    let selected = client.select(Mailbox::inbox()).await;
    let read = async {
        let mut rows = client.fetch(SequenceSet::all(), body()).await?;
        let mut octets = 0;
        while let Some(mut row) = rows.next().await? {
            while let Some(part) = row.next().await? {
                match part {
                    Part::Literal(literal) => octets += literal.to_bytes(usize::MAX).await?.len(),
                    Part::Item(FetchItem::Payload { data, .. }) => octets += data.unwrap().len(),
                    part => panic!("{part:?}"),
                }
            }
        }
        Ok(octets)
    };
    let flags = || Flags::from([Flag::Flagged]);
    let (listed, read, added, stored, found) = tokio::join!(
        client.list(pattern()),
        read,
        client.append(Mailbox::new("Sent").unwrap(), Append::new([b'y'; 500].to_vec())),
        client.store(Addressing::Uid, one(1), StoreAction::Add, flags()),
        client.search(Addressing::Uid, [SearchKey::All]),
    );
    let all: Vec<Option<posthaste_tokio::imap::Error>> =
        vec![selected.err(), listed.err(), read.as_ref().err().cloned(), found.err()];
    // What only asks is safe to ask again, or was refused because nothing is selected.
    assert!(all.iter().flatten().all(|error| error.retry() != Retry::Unknown), "{all:?}");
    assert!(read.is_err() || read.unwrap() == SMALL.len() + 2000);
    let is_well = all.iter().all(Option::is_none) && added.is_ok() && stored.is_ok();
    drop((client, idle));
    server.await.unwrap();
    let picture = store.picture();
    match added {
        Ok(_) => assert_eq!(picture.len(), 3),
        Err(error) if error.retry() == Retry::Safe => assert_eq!(picture.len(), 2, "{error}"),
        Err(_) => {}
    }
    match stored {
        Ok(_) => assert!(picture[&1].contains(&Flag::Flagged)),
        Err(error) if error.retry() == Retry::Safe => assert!(picture[&1].is_empty(), "{error}"),
        Err(_) => {}
    }
    is_well
}

#[tokio::test(start_paused = true)]
async fn calls_over_a_connection_that_is_cut_at_any_octet_all_end_and_tell_the_truth() {
    let bound = Duration::from_secs(3600);
    for cut in 1..4000 {
        tokio::time::timeout(bound, over_a_break(|far| Breaking::reads(far, cut))).await.expect("no answer");
    }
    for cut in 1..1200 {
        tokio::time::timeout(bound, over_a_break(|far| Breaking::writes(far, cut))).await.expect("no answer");
    }
    // These cuts were behind the end.
    assert!(over_a_break(|far| Breaking::reads(far, 4000)).await);
    assert!(over_a_break(|far| Breaking::writes(far, 1200)).await);
}

#[tokio::test(start_paused = true)]
async fn nonsense_between_the_answers_is_passed_over_and_too_much_of_it_ends_the_session() {
    let nonsense = "* 5 FETCH (FLAGS (\\Seen))\r\n* 3 EXPUNGE\r\n+ go\r\nZZZ9 OK stray\r\n* GARBAGE {\r\n* LIST oops\r\n";
    let answer = "* LIST () \"/\" INBOX\r\nTAG OK done\r\n";
    let (client, _server) = raw(&format!("{nonsense}{answer}"), false).await;
    assert_eq!(client.list(pattern()).await.unwrap().len(), 1);
    let (client, _server) = raw(&nonsense.repeat(100), false).await;
    let other = client.clone();
    let (one, two) = tokio::join!(client.list(pattern()), other.delete(Mailbox::new("x").unwrap()));
    assert!(matches!(one.unwrap_err().cause(), Cause::Connection(_)));
    assert!(two.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_closure_that_panics_takes_nobody_along() {
    let client = client(&Store::new(&[])).await;
    assert!(client.look(|_| panic!("on purpose")).await.map(|(): ()| ()).is_err());
    assert!(client.look(|machine| machine.has_capability("IMAP4rev1")).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_call_has_its_time_and_the_next_goes_on() {
    let store = Store::new(&[]);
    store.add(large());
    let mut options = options();
    options.call_timeout = Duration::from_secs(10);
    let client = client_with(&store, &options).await;
    client.select(Mailbox::inbox()).await.unwrap();
    let mut rows = client.fetch(SequenceSet::all(), body()).await.unwrap();
    let row = rows.next().await.unwrap();
    let error = client.delete(Mailbox::new("Archive").unwrap()).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Deadline(_)), "{error}");
    assert_eq!(error.retry(), Retry::Unknown);
    drop(row);
    client.noop().await.unwrap();
}

#[tokio::test]
async fn a_listener_who_does_not_listen_is_told_how_much_he_missed() {
    let store = Store::new(&[SMALL]);
    let client = client(&store).await;
    client.select(Mailbox::inbox()).await.unwrap();
    let mut updates = client.updates();
    for _ in 0..1500 {
        store.add(Bytes::from_static(SMALL));
        client.noop().await.unwrap();
    }
    let mut heard = 0;
    let mut missed = 0;
    while let Some(update) = updates.try_next() {
        match update {
            Update::Lagged(lag) => missed += lag,
            _ => heard += 1,
        }
    }
    assert_eq!(heard + missed, 1500);
    assert!(missed > 0);
}

#[test]
fn what_is_given_out_can_be_moved_between_threads() {
    fn check<T: Send + 'static>() {}
    check::<Client>();
    check::<posthaste_tokio::imap::Rows>();
    check::<posthaste_tokio::imap::Row>();
    check::<posthaste_tokio::imap::Literal>();
    check::<posthaste_tokio::imap::Idle>();
    check::<posthaste_tokio::imap::Changes>();
    check::<posthaste_tokio::imap::Watch>();
}
