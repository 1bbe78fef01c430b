//! The IMAP client that is a handle, with Dovecot at the other end: calls of many tasks over one session, streams in
//! both directions, news, and mailboxes that are followed over lost connections.
//!
//! What Dovecot has is looked at by the machine alone ([`Session`]), which shares no driver's code with the handle but
//! that of the connection.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::num::NonZeroU32;
use std::time::Duration;

use posthaste_imap::types::{
    Addressing, FetchAttribute, FetchItem, Flag, ListPattern, Mailbox, Payload, SearchKey, Section,
    SequenceSet, StatusAttribute, StoreAction,
};
use posthaste_tokio::imap::{
    Append, Backoff, Change, Changes, Client, Counted, Known, Method, Part, Update, Watch, Watched,
};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{Endpoint, Protocol, Retry, TlsMode};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::resync::{meddle, touched};
use super::{ALICE, BOB, Dovecot, messages, run};
use crate::program;

fn endpoint(dovecot: &Dovecot) -> Endpoint {
    Dovecot::endpoint(Protocol::Imap, TlsMode::Implicit, dovecot.ports().imaps)
}

async fn connect(dovecot: &Dovecot, user: &str) -> Client {
    Client::connect(&endpoint(dovecot), &dovecot.options(user, Alpn::Imap)).await.unwrap()
}

fn whole() -> FetchAttribute {
    FetchAttribute::Section { section: Section::whole(), partial: None, peek: true }
}

/// A message, octet for octet.
async fn message(client: &Client, uid: NonZeroU32) -> Vec<u8> {
    let mut rows = client.uid_fetch(SequenceSet::single(uid), [whole()]).await.unwrap();
    let items = rows.next().await.unwrap().expect("there is such a message").collect(2 << 20).await.unwrap();
    assert!(rows.next().await.unwrap().is_none());
    let data = items.into_iter().find_map(|item| match item {
        FetchItem::Payload { payload: Payload::Section { .. }, data } => data,
        _ => None,
    });
    data.expect("a message is not NIL").to_vec()
}

#[test]
fn dovecot_answers_other_handles_while_a_message_is_read_like_a_file() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let large = messages::sized().pop().unwrap();
        assert!(large.len() > 1 << 20);
        let client = connect(&dovecot, ALICE).await;
        client.append(Mailbox::inbox(), Append::new(large.clone())).await.unwrap();
        client.select(Mailbox::inbox()).await.unwrap();

        let mut rows = client.fetch(SequenceSet::all(), [whole()]).await.unwrap();
        let mut row = rows.next().await.unwrap().unwrap();
        let mut literal = loop {
            if let Part::Literal(literal) = row.next().await.unwrap().unwrap() {
                break literal;
            }
        };
        assert_eq!(literal.length(), large.len() as u64);
        let mut read = vec![0; 1000];
        literal.read_exact(&mut read).await.unwrap();

        let clone = client.clone();
        let list = tokio::spawn(async move { clone.list(ListPattern::new("*").unwrap()).await });
        let others = ["INBOX", "Trash", "Sent"].map(|name| {
            let clone = client.clone();
            tokio::spawn(async move {
                let status = clone.status(Mailbox::new(name).unwrap(), [StatusAttribute::Messages]).await;
                (name, status.unwrap().messages())
            })
        });
        // They are on their way before the rest of the message is read.
        while client.look(|machine| machine.running().count()).await.unwrap() < 2 {
            tokio::task::yield_now().await;
        }
        literal.read_to_end(&mut read).await.unwrap();
        assert!(read == large, "{} octets came back as {} others", large.len(), read.len());
        let listed = list.await.unwrap().unwrap();
        let listed: BTreeSet<_> = listed.iter().map(|row| row.mailbox.as_str()).collect();
        assert_eq!(listed, BTreeSet::from(["INBOX", "Sent", "Trash"]));
        for other in others {
            let (name, count) = other.await.unwrap();
            assert_eq!(count, Some(u64::from(name == "INBOX")), "{name}");
        }
        drop(literal);
        assert!(row.next().await.unwrap().is_none());
        assert!(rows.next().await.unwrap().is_none());
        client.logout().await.unwrap();
    });
}

#[test]
fn dovecot_gives_each_task_the_answer_to_its_own_call() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let client = connect(&dovecot, ALICE).await;
        let text = |number: u32| format!("Subject: {number}\r\n\r\n{}", "line\r\n".repeat(number as usize));
        for number in 1..=12 {
            client.append(Mailbox::inbox(), Append::new(text(number))).await.unwrap();
        }
        client.select(Mailbox::inbox()).await.unwrap();
        let tasks: Vec<_> = (1..=12)
            .map(|number| {
                let client = client.clone();
                tokio::spawn(async move {
                    let uid = NonZeroU32::new(number).unwrap();
                    let keys = [SearchKey::Uid(SequenceSet::single(uid))];
                    assert_eq!(client.search(Addressing::Uid, keys).await.unwrap(), [uid]);
                    let stored = client
                        .store(Addressing::Uid, SequenceSet::single(uid), StoreAction::Add, [Flag::Flagged])
                        .await
                        .unwrap();
                    assert!(stored.changed.iter().any(|changed| changed.number == Some(uid)), "{stored:?}");
                    message(&client, uid).await
                })
            })
            .collect();
        for (task, number) in tasks.into_iter().zip(1..) {
            assert_eq!(String::from_utf8(task.await.unwrap()).unwrap(), text(number));
        }
        let found = client.search(Addressing::Uid, [SearchKey::Flagged]).await.unwrap();
        assert_eq!(found.len(), 12);
    });
}

#[test]
fn dovecot_goes_on_telling_news_behind_a_call_of_another_handle() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let client = connect(&dovecot, ALICE).await;
        client.select(Mailbox::inbox()).await.unwrap();
        let mut news = client.idle();
        let mut other = dovecot.session(ALICE).await;
        other.append("INBOX", b"Subject: news\r\n\r\n").await;
        while !matches!(news.next().await.unwrap(), Update::Exists(1)) {}

        let status = client.clone().status(Mailbox::inbox(), [StatusAttribute::Messages]).await.unwrap();
        assert_eq!(status.messages(), Some(1));

        other.run("SELECT INBOX").await;
        other.run("STORE 1 +FLAGS (\\Deleted)").await;
        other.run("EXPUNGE").await;
        loop {
            match news.next().await.unwrap() {
                Update::Expunge(number) => {
                    assert_eq!(number.get(), 1);
                    break;
                }
                Update::Vanished(uids) => panic!("QRESYNC is not enabled: {uids}"),
                _ => {}
            }
        }
        drop(news);
        assert_eq!(client.look(|machine| machine.mailbox().unwrap().exists).await.unwrap(), 0);
    });
}

#[test]
fn dovecot_and_a_handle_go_on_compressed() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let client = connect(&dovecot, ALICE).await;
        client.compress().await.unwrap();
        assert!(client.look(|machine| machine.is_compressed()).await.unwrap());
        client.select(Mailbox::inbox()).await.unwrap();
        for sent in messages::sized() {
            let appended = client.append(Mailbox::inbox(), Append::new(sent.clone())).await.unwrap();
            let read = message(&client, appended.unwrap().uid).await;
            assert!(read == sent, "{} octets came back as {} others", sent.len(), read.len());
        }
        client.logout().await.unwrap();
    });
}

#[test]
fn dovecot_takes_a_message_that_is_read_while_it_is_sent_and_no_half_of_one() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let client = connect(&dovecot, BOB).await;
        let large = messages::sized().pop().unwrap();
        let (mut source, reader) = duplex(1000);
        let (octets, length) = (large.clone(), large.len() as u64);
        let writer = tokio::spawn(async move { source.write_all(&octets).await });
        let append = Append::from_reader(reader, length).with_flags([Flag::Draft]);
        let appended = client.append(Mailbox::inbox(), append).await.unwrap().unwrap();
        writer.await.unwrap().unwrap();
        let state = client.select(Mailbox::inbox()).await.unwrap();
        assert_eq!(state.uid_validity, Some(appended.uid_validity));
        assert!(message(&client, appended.uid).await == large);
        let drafts = client.search(Addressing::Uid, [SearchKey::Draft]).await.unwrap();
        assert_eq!(drafts, [appended.uid]);

        // A source that ends too early takes the session with it, and Dovecot adds nothing.
        let short = Append::from_reader(Cursor::new(b"Subject: half\r\n\r\n"), 100_000);
        let error = client.append(Mailbox::inbox(), short).await.unwrap_err();
        assert_ne!(error.retry(), Retry::Safe, "{error}");
        client.noop().await.unwrap_err();
        let client = connect(&dovecot, BOB).await;
        assert_eq!(client.select(Mailbox::inbox()).await.unwrap().exists, 1);
    });
}

async fn catch_up(client: &Client, known: Option<Known>) -> (Vec<Change>, Known, Method) {
    let mut changes: Changes = client.resync(Mailbox::inbox(), known).await.unwrap();
    let mut told = Vec::new();
    while let Some(change) = changes.next().await.unwrap() {
        told.push(change);
    }
    let synced = changes.synced().unwrap();
    assert_eq!(synced.counted, Counted::Right);
    (told, synced.known.clone(), synced.method)
}

#[test]
fn dovecot_tells_a_handle_exactly_what_another_session_changed() {
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let mut other = dovecot.filled(12).await;
        other.run("SELECT INBOX").await;
        let client = connect(&dovecot, ALICE).await;
        let (told, known, _) = catch_up(&client, None).await;
        assert_eq!(touched(&told), Vec::from_iter(1..=12));
        client.logout().await.unwrap();

        meddle(&mut other, "2,5", "3:4,12", 2).await;
        let client = connect(&dovecot, ALICE).await;
        let (told, known, method) = catch_up(&client, Some(known)).await;
        assert_eq!(method, Method::QResync);
        assert_eq!(touched(&told), [2, 5, 13, 14], "{told:?}");
        assert_eq!(gone(&told), BTreeSet::from([3, 4, 12]), "{told:?}");
        assert_eq!(known.uids.to_string(), "1:2,5:11,13:14");
        // The mailbox is open, for all handles.
        assert_eq!(client.clone().search(Addressing::Uid, [SearchKey::Flagged]).await.unwrap().len(), 2);
        assert_eq!(catch_up(&client, Some(known)).await.0, []);
    });
}

fn gone(told: &[Change]) -> BTreeSet<u32> {
    told.iter()
        .flat_map(|change| match change {
            Change::Gone(uids) => uids.iter().collect(),
            _ => Vec::new(),
        })
        .collect()
}

/// What a program has that follows a mailbox: whether each message is flagged.
#[derive(Default)]
struct Followed(BTreeMap<u32, bool>);

impl Followed {
    /// Follows until all has been told; how often the connection was lost meanwhile.
    async fn follow(&mut self, watch: &mut Watch, until: impl Fn(&BTreeMap<u32, bool>) -> bool) -> u32 {
        let mut lost = 0;
        loop {
            match watch.next().await.unwrap() {
                Watched::Change(Change::StartOver) => self.0.clear(),
                Watched::Change(Change::New { uid, flags, .. } | Change::Flags { uid, flags, .. }) => {
                    self.0.insert(uid.get(), flags.contains(&Flag::Flagged));
                }
                Watched::Change(Change::Gone(uids)) => {
                    self.0.retain(|uid, _| !uids.iter().any(|gone| gone == *uid));
                }
                Watched::Synced(_) if until(&self.0) => return lost,
                Watched::Lost { .. } => lost += 1,
                Watched::Synced(_) | Watched::Update(_) => {}
            }
        }
    }
}

#[test]
fn dovecot_is_watched_over_a_session_that_it_ends() {
    let Some(doveadm) = program::find("doveadm") else { return };
    let Some(dovecot) = Dovecot::start() else { return };
    run(async {
        let mut other = dovecot.filled(3).await;
        let mut backoff = Backoff::default();
        backoff.first = Duration::from_millis(50);
        let options = dovecot.options(ALICE, Alpn::Imap);
        let mut watch = Watch::new(endpoint(&dovecot), options, Mailbox::inbox(), None).with_backoff(backoff);
        let mut followed = Followed::default();
        let lost = followed.follow(&mut watch, |has| has.len() == 3).await;
        assert_eq!((lost, &followed.0), (0, &BTreeMap::from([(1, false), (2, false), (3, false)])));

        // News while it is connected.
        other.run("SELECT INBOX").await;
        other.run("STORE 2 +FLAGS (\\Flagged)").await;
        assert_eq!(followed.follow(&mut watch, |has| has[&2]).await, 0);

        drop(other);
        program::run(
            &doveadm,
            ["-c".as_ref(), dovecot.file("dovecot.conf").as_os_str(), "kick".as_ref(), ALICE.as_ref()],
            b"",
        )
        .success();
        let mut other = dovecot.session(ALICE).await;
        other.run("SELECT INBOX").await;
        meddle(&mut other, "3", "1", 1).await;
        let lost =
            followed.follow(&mut watch, |has| has.contains_key(&4) && !has.contains_key(&1) && has[&3]).await;
        assert!(lost > 0, "the session was not ended");
        assert_eq!(followed.0, BTreeMap::from([(2, true), (3, true), (4, false)]));
    });
}
