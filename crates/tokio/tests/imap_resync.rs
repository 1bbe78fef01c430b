//! A mailbox that is known from before, and one that is watched over connections that break: what is told is the
//! difference, whatever happens in between.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use common::breaking::Breaking;
use common::endpoint;
use common::mailserver::{Store, serve};
use posthaste_imap::types::{Flag, Flags, Mailbox, StoreAction};
use posthaste_tokio::imap::{Backoff, Change, Client, Counted, Method, Watch, Watched};
use posthaste_tokio::{Cause, ClientOptions, Credentials, Protocol, Stream, TlsMode};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};
use tokio::task::AbortHandle;

const MESSAGE: &[u8] = b"Subject: hi\r\n\r\nbody\r\n";

/// What a program remembers of a mailbox.
type Memory = BTreeMap<u32, Flags>;

fn options() -> ClientOptions {
    ClientOptions::default().with_credentials(Credentials::new("ursel", "Geheim!"))
}

fn apply(memory: &mut Memory, change: Change) {
    match change {
        Change::StartOver => memory.clear(),
        Change::New { uid, flags, .. } => {
            memory.insert(uid.get(), flags);
        }
        Change::Flags { uid, flags, .. } => {
            assert!(memory.contains_key(&uid.get()), "flags of {uid}, of which nobody was told");
            memory.insert(uid.get(), flags);
        }
        Change::Gone(uids) => {
            for uid in uids.iter() {
                assert!(memory.remove(&uid).is_some(), "{uid} is gone, of which nobody was told");
            }
        }
    }
}

fn flagged() -> Flags {
    Flags::from([Flag::Flagged])
}

async fn client(store: &Store) -> Client {
    let (near, far) = duplex(4096);
    tokio::spawn(serve(near, store.clone()));
    Client::over(Stream::local(far), &endpoint(Protocol::Imap, TlsMode::Plain), &options()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_changed_between_two_sessions_is_told_by_the_second() {
    let store = Store::new(&[MESSAGE; 5]);
    let (mut memory, mut known) = (Memory::new(), None);
    for round in 0..4_u32 {
        let client = client(&store).await;
        let mut changes = client.resync(Mailbox::inbox(), known.clone()).await.unwrap();
        while let Some(change) = changes.next().await.unwrap() {
            apply(&mut memory, change);
        }
        let synced = changes.synced().unwrap();
        assert_eq!((synced.method, synced.counted), (Method::Full, Counted::Right));
        known = Some(synced.known.clone());
        assert_eq!(memory, store.picture(), "round {round}");
        client.logout().await.unwrap();
        store.remove(round + 1);
        store.flag(5, StoreAction::Add, &flagged());
        store.add(Bytes::from_static(MESSAGE));
    }
}

/// A watch whose first connections break after so many octets each, and whose last does not.
fn watch(store: &Store, breaks: &[usize], current: &Arc<Mutex<Option<AbortHandle>>>) -> Watch {
    let (store, current) = (store.clone(), Arc::clone(current));
    let mut breaks: VecDeque<usize> = breaks.iter().copied().collect();
    let connect = move || {
        let (near, far) = duplex(4096);
        let stream = Breaking::reads(far, breaks.pop_front().unwrap_or(usize::MAX));
        let server = tokio::spawn(serve(near, store.clone()));
        *current.lock().unwrap() = Some(server.abort_handle());
        async move {
            Client::over(Stream::local(stream), &endpoint(Protocol::Imap, TlsMode::Plain), &options()).await
        }
    };
    Watch::with(connect, Mailbox::inbox(), None).with_backoff(Backoff::default())
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_cut_at_any_octet_tells_the_difference_and_nothing_else() {
    // How much a whole conversation is.
    for cut in 1..1200 {
        let store = Store::new(&[MESSAGE; 4]);
        let mut watch = watch(&store, &[cut, cut / 2 + 200], &Arc::default());
        let mut memory = Memory::new();
        let (mut lost, mut synced) = (0, 0);
        loop {
            match watch.next().await.unwrap() {
                Watched::Change(change) => apply(&mut memory, change),
                Watched::Lost { .. } => {
                    // The mailbox goes on meanwhile.
                    lost += 1;
                    store.remove(lost);
                    store.flag(4, StoreAction::Add, &flagged());
                    store.add(Bytes::from_static(MESSAGE));
                }
                Watched::Synced(_) => {
                    synced += 1;
                    if memory == store.picture() {
                        if synced > 3 {
                            break;
                        }
                        store.add(Bytes::from_static(MESSAGE));
                    }
                }
                _ => {}
            }
        }
        assert!(lost > 0 || cut > 600, "cut at {cut}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_dies_in_idle_is_come_back_to() {
    let store = Store::new(&[MESSAGE; 3]);
    let current = Arc::default();
    let mut watch = watch(&store, &[], &current);
    let mut memory = Memory::new();
    for round in 0..5_u32 {
        // All is told, and the watch waits for news.
        let quiet = async {
            loop {
                match watch.next().await.unwrap() {
                    Watched::Change(change) => apply(&mut memory, change),
                    Watched::Synced(_) if memory == store.picture() => return,
                    _ => {}
                }
            }
        };
        quiet.await;
        let news = tokio::time::timeout(std::time::Duration::from_secs(3600), watch.next()).await;
        assert!(news.is_err(), "{news:?}");
        current.lock().unwrap().take().unwrap().abort();
        store.remove(round + 1);
        store.add(Bytes::from_static(MESSAGE));
        assert!(matches!(watch.next().await.unwrap(), Watched::Lost { .. }));
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_has_a_session_for_others_only_when_no_change_is_on_its_way() {
    let store = Store::new(&[MESSAGE; 3]);
    let mut watch = watch(&store, &[], &Arc::default());
    assert!(watch.client().is_none());
    let mut told = 0;
    loop {
        match watch.next().await.unwrap() {
            Watched::Change(_) => {
                told += 1;
                assert!(watch.client().is_none(), "a call would wait for changes that wait for their reader");
            }
            Watched::Synced(_) => {
                watch.client().unwrap().noop().await.unwrap();
                match told {
                    0..3 => panic!("{told} changes"),
                    3 => drop(store.add(Bytes::from_static(MESSAGE))),
                    _ => break,
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn changes_that_are_not_taken_in_time_are_told_anew() {
    // More than wait for a reader.
    let store = Store::new(&[MESSAGE; 1500]);
    let mut watch = watch(&store, &[], &Arc::default());
    let (mut memory, mut lost) = (Memory::new(), 0);
    loop {
        match watch.next().await.unwrap() {
            Watched::Change(change) => apply(&mut memory, change),
            Watched::Lost { error, .. } => {
                assert!(matches!(error.cause(), Cause::Unread(_)), "{error}");
                lost += 1;
            }
            Watched::Synced(_) => break,
            Watched::Update(update) => panic!("{update:?}"),
        }
        if memory.len() == 5 && lost == 0 {
            tokio::time::sleep(options().reader_timeout * 2).await;
        }
    }
    assert_eq!((memory, lost), (store.picture(), 1));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_there_is_tried_as_often_as_is_said_and_later_each_time() {
    let refused = || async {
        let (near, far) = duplex(64);
        drop(near);
        Client::over(Stream::local(far), &endpoint(Protocol::Imap, TlsMode::Plain), &options()).await
    };
    let mut backoff = Backoff::default();
    backoff.attempts = Some(6);
    let mut watch = Watch::with(refused, Mailbox::inbox(), None).with_backoff(backoff);
    for attempt in 0..6 {
        let Watched::Lost { after, .. } = watch.next().await.unwrap() else { panic!() };
        let whole = backoff.first * 2_u32.pow(attempt);
        assert!(after <= whole && after >= whole / 2, "{after:?}");
    }
    assert!(watch.next().await.is_err());
}

/// A server that says these lines, each behind the command that it is for; tags are put in.
async fn script(stream: DuplexStream, steps: &'static [(&'static str, &'static str)]) {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1 CONDSTORE QRESYNC ENABLE] hello\r\n").await.unwrap();
    for (expected, answer) in steps {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        assert!(line.contains(expected), "{line:?} in place of {expected:?}");
        let tag = line.split(' ').next().unwrap();
        stream.write_all(answer.replace("TAG", tag).as_bytes()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_with_qresync_tells_the_difference_by_itself() {
    let (near, far) = duplex(64 * 1024);
    let server = tokio::spawn(script(
        near,
        &[
            ("ENABLE QRESYNC", "* ENABLED QRESYNC\r\nTAG OK enabled\r\n"),
            (
                "SELECT INBOX (QRESYNC (7 10 1:3))",
                "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 5] ok\r\n* OK [HIGHESTMODSEQ 20] ok\r\n\
                 * VANISHED (EARLIER) 2\r\n* 1 FETCH (UID 1 FLAGS (\\Flagged) MODSEQ (15))\r\nTAG OK selected\r\n",
            ),
            ("UID FETCH 4:*", "* 3 FETCH (UID 4 FLAGS () MODSEQ (16))\r\nTAG OK done\r\n"),
            ("NOOP", "TAG OK done\r\n"),
        ],
    ));
    let endpoint = endpoint(Protocol::Imap, TlsMode::Plain);
    let client = Client::over(Stream::local(far), &endpoint, &options()).await.unwrap();
    let known = posthaste_tokio::imap::Known {
        uid_validity: 7.try_into().unwrap(),
        highest_mod_seq: Some(10),
        uids: "1:3".parse().unwrap(),
    };
    let mut memory: Memory = [1, 2, 3].map(|uid| (uid, Flags::new())).into();
    let mut changes = client.resync(Mailbox::inbox(), Some(known)).await.unwrap();
    // Waits until the mailbox has been read.
    let other = client.clone();
    let noop = tokio::spawn(async move { other.noop().await.unwrap() });
    while let Some(change) = changes.next().await.unwrap() {
        apply(&mut memory, change);
    }
    assert_eq!(memory, [(1, flagged()), (3, Flags::new()), (4, Flags::new())].into());
    let synced = changes.synced().unwrap();
    assert_eq!((synced.method, synced.counted), (Method::QResync, Counted::Right));
    assert_eq!(synced.known.highest_mod_seq, Some(20));
    noop.await.unwrap();
    server.await.unwrap();
}
