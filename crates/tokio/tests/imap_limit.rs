//! Servers that work on so many messages at a time (RFC 9738): one call is as many commands as it takes.
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
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::endpoint;
use common::script::{heard, talk};
use posthaste_imap::client::MoveEnd;
use posthaste_imap::types::{
    Addressing, Command, FetchAttribute, FetchCommand, FetchModifiers, Flag, ListPattern, Mailbox,
    PartialEnd, PartialRange, ResponseCode, SearchKey, SearchReturn, SequenceRange, SequenceSet,
    SortCriterion, SortKey, StoreAction, StoreCommand, StoreEcho, UidSet,
};
use posthaste_tokio::imap::{Client, Copied, Error, Rows, Update};
use posthaste_tokio::{Cause, ClientOptions, Protocol, Stream, TlsMode};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, duplex};

fn n(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn set(first: u32, last: u32) -> SequenceSet {
    SequenceSet::new(vec![SequenceRange::between(n(first), n(last))]).unwrap()
}

fn uids(ranges: &[(u32, u32)]) -> UidSet {
    UidSet::new(ranges.iter().map(|(first, last)| n(*first)..=n(*last)))
}

fn other() -> Mailbox {
    Mailbox::new("x").unwrap()
}

/// The UIDs or numbers of all rows, and how they end.
async fn read(mut rows: Rows) -> (Vec<u32>, Result<(), Error>) {
    let mut told = Vec::new();
    loop {
        match rows.next().await {
            Ok(Some(row)) => told.push(row.uid().or(row.number()).unwrap().get()),
            Ok(None) => return (told, Ok(())),
            Err(error) => return (told, Err(error)),
        }
    }
}

fn is_limit(error: &Error) -> bool {
    let code = error.refusal().and_then(|status| status.code.as_ref());
    matches!(code, Some(ResponseCode::MessageLimit { .. }))
}

const OPEN: (&str, &str) = ("SELECT INBOX", "* 5 EXISTS\r\n");

#[tokio::test(start_paused = true)]
async fn rfc9738_3_what_is_too_much_is_divided_and_keeps_its_turn() {
    let (client, server) = talk(
        "MESSAGELIMIT=2",
        &[
            OPEN,
            ("FETCH 1:2 (FLAGS)", "* 1 FETCH (FLAGS ())\r\n* 2 FETCH (FLAGS ())\r\n"),
            ("FETCH 3:4 (FLAGS)", "* 3 FETCH (FLAGS ())\r\n* 4 FETCH (FLAGS ())\r\n"),
            ("FETCH 5:* (FLAGS)", "* 5 FETCH (FLAGS ())\r\n"),
            ("LIST \"\" *", "* LIST () \"/\" INBOX\r\n"),
            ("UID STORE 7:8 +FLAGS.SILENT (\\Seen)", ""),
            ("UID STORE 9 +FLAGS.SILENT (\\Seen)", ""),
            ("NOOP", ""),
        ],
    )
    .await;
    client.select(Mailbox::inbox()).await.unwrap();
    let rows = client.fetch(SequenceSet::all(), [FetchAttribute::Flags]).await.unwrap();
    // Asked for later, and sent behind the last part.
    let (listed, (told, end)) = tokio::join!(client.list(ListPattern::new("*").unwrap()), read(rows));
    assert_eq!((listed.unwrap().len(), told), (1, vec![1, 2, 3, 4, 5]));
    end.unwrap();
    let seen = StoreCommand {
        set: set(7, 9).into(),
        unchanged_since: None,
        action: StoreAction::Add,
        echo: StoreEcho::Silent,
        flags: [Flag::Seen].into(),
    };
    let (stored, noop) = tokio::join!(biased; client.store_with(Addressing::Uid, seen), client.noop());
    assert_eq!(stored.unwrap().changed, []);
    noop.unwrap();
    heard(client, server).await;
}

#[tokio::test(start_paused = true)]
async fn rfc9738_3_1_rows_go_on_where_the_server_stopped() {
    let (client, server) = talk(
        "MESSAGELIMIT=1000",
        &[
            OPEN,
            (
                "UID FETCH 1:* (UID)",
                "* 5 FETCH (UID 50)\r\n* 4 FETCH (UID 40)\r\n@ OK [MESSAGELIMIT 2 40] part\r\n",
            ),
            (
                "UID FETCH 1:39 (UID)",
                "* 3 FETCH (UID 30)\r\n* NO [MESSAGELIMIT 1 30] part\r\n@ OK [EXPUNGEISSUED] gone\r\n",
            ),
            (
                "UID FETCH 1:29 (UID)",
                "* 2 FETCH (UID 20)\r\n* 1 FETCH (UID 1)\r\n@ OK [MESSAGELIMIT 2 1] all\r\n",
            ),
            ("NOOP", ""),
        ],
    )
    .await;
    client.select(Mailbox::inbox()).await.unwrap();
    let mut updates = client.updates();
    let rows = client.uid_fetch(SequenceSet::all(), [FetchAttribute::Uid]).await.unwrap();
    let (told, end) = read(rows).await;
    end.unwrap();
    assert_eq!(told, [50, 40, 30, 20, 1]);
    client.noop().await.unwrap();
    // How far the server came is nobody's news.
    assert!(updates.try_next().is_none());
    heard(client, server).await;
}

#[tokio::test(start_paused = true)]
async fn rfc9738_3_1_what_changes_messages_is_told_as_one() {
    let (client, server) = talk(
        "MESSAGELIMIT=2 UIDPLUS MOVE CONDSTORE",
        &[
            OPEN,
            (
                "UID STORE 1:2 (UNCHANGEDSINCE 9) FLAGS (\\Seen)",
                "* 1 FETCH (UID 1 MODSEQ (10) FLAGS (\\Seen))\r\n@ OK [MODIFIED 2] done\r\n",
            ),
            (
                "UID STORE 3:4 (UNCHANGEDSINCE 9) FLAGS (\\Seen)",
                "* 4 FETCH (UID 4 MODSEQ (11) FLAGS (\\Seen))\r\n@ OK [MODIFIED 3] done\r\n",
            ),
            ("UID STORE 5 (UNCHANGEDSINCE 9) FLAGS (\\Seen)", "* 5 FETCH (UID 5 MODSEQ (12) FLAGS (\\Seen))\r\n"),
            ("UID COPY 1:2 x", "@ OK [COPYUID 7 1:2 11:12] done\r\n"),
            ("UID COPY 3 x", "@ OK [COPYUID 7 3 13] done\r\n"),
            // Not known to be too much, and all of it is still to be done.
            ("UID COPY 4:* x", "@ NO [MESSAGELIMIT 2 6] many\r\n"),
            ("UID COPY 6:* x", "@ OK [COPYUID 7 6:7 14:15] done\r\n"),
            ("UID COPY 4:5 x", "@ OK [COPYUID 7 4:5 16:17] done\r\n"),
            (
                "UID MOVE 4:* x",
                "* OK [COPYUID 7 6:7 18:19] some\r\n* 5 EXPUNGE\r\n* 4 EXPUNGE\r\n@ OK [MESSAGELIMIT 2 6] part\r\n",
            ),
            ("UID MOVE 4:5 x", "* OK [COPYUID 7 4:5 20:21] some\r\n* 3 EXPUNGE\r\n* 2 EXPUNGE\r\n"),
            ("UID EXPUNGE 1:*", "* 2 EXPUNGE\r\n@ OK [MESSAGELIMIT 1 5] part\r\n"),
            ("UID EXPUNGE 1:4", "* 1 EXPUNGE\r\n"),
        ],
    )
    .await;
    client.select(Mailbox::inbox()).await.unwrap();
    let seen = StoreCommand {
        set: set(1, 5).into(),
        unchanged_since: Some(9),
        action: StoreAction::Replace,
        echo: StoreEcho::Report,
        flags: [Flag::Seen].into(),
    };
    let stored = client.store_with(Addressing::Uid, seen).await.unwrap();
    let changed: Vec<_> = stored.changed.iter().map(|changed| changed.uid.unwrap().get()).collect();
    assert_eq!(changed, [1, 4, 5]);
    let modified = stored.modified.unwrap();
    assert_eq!(modified.normalised(), set(2, 3));
    let copied = client.copy(Addressing::Uid, set(1, 3), other()).await.unwrap();
    let told = |source: &[(u32, u32)], target: &[(u32, u32)]| (n(7), uids(source), uids(target));
    let parts = |copied: Option<Copied>| {
        let Copied { uid_validity, source, target, .. } = copied.unwrap();
        (uid_validity, source, target)
    };
    assert_eq!(parts(copied), told(&[(1, 2), (3, 3)], &[(11, 12), (13, 13)]));
    let open = SequenceSet::new(vec![SequenceRange::from(n(4))]).unwrap();
    let copied = client.copy(Addressing::Uid, open.clone(), other()).await.unwrap();
    assert_eq!(parts(copied), told(&[(6, 7), (4, 5)], &[(14, 15), (16, 17)]));
    let (moved, end) = client.move_messages(open, other()).await.unwrap();
    assert_eq!((parts(moved), end), (told(&[(6, 7), (4, 5)], &[(18, 19), (20, 21)]), MoveEnd::Gone));
    client.uid_expunge(SequenceSet::all()).await.unwrap();
    heard(client, server).await;
}

#[tokio::test(start_paused = true)]
async fn rfc9738_3_1_a_search_finds_in_all_messages() {
    let (client, server) = talk(
        "MESSAGELIMIT=1000 ESEARCH",
        &[
            OPEN,
            ("UID SEARCH UNSEEN", "* SEARCH 50 40\r\n@ OK [MESSAGELIMIT 3 40] part\r\n"),
            ("UID SEARCH UNSEEN UID 1:39", "* SEARCH 7\r\n@ OK [MESSAGELIMIT 3 7] part\r\n"),
            ("UID SEARCH UNSEEN UID 1:6", "* SEARCH\r\n"),
            (
                "UID SEARCH RETURN (MIN MAX ALL COUNT) UNSEEN",
                "* ESEARCH (TAG \"@\") UID MIN 40 MAX 50 ALL 40,50 COUNT 2\r\n@ OK [MESSAGELIMIT 3 40] part\r\n",
            ),
            (
                "UID SEARCH RETURN (MIN MAX ALL COUNT) UNSEEN UID 1:39",
                "* ESEARCH (TAG \"@\") UID MIN 7 MAX 39 ALL 7,39 COUNT 2\r\n@ OK [MESSAGELIMIT 3 5] part\r\n",
            ),
            ("UID SEARCH RETURN (MIN MAX ALL COUNT) UNSEEN UID 1:4", "* ESEARCH (TAG \"@\") UID COUNT 0\r\n"),
        ],
    )
    .await;
    client.select(Mailbox::inbox()).await.unwrap();
    assert_eq!(client.search(Addressing::Uid, [SearchKey::Unseen]).await.unwrap(), [7, 40, 50].map(n));
    let returns = [SearchReturn::Min, SearchReturn::Max, SearchReturn::All, SearchReturn::Count];
    let found = client.search_for(Addressing::Uid, returns, [SearchKey::Unseen]).await.unwrap();
    assert_eq!((found.min, found.max, found.count), (Some(n(7)), Some(n(50)), Some(4)));
    let all = found.all.unwrap();
    assert_eq!(all.to_string(), "7,39:40,50");
    heard(client, server).await;
}

#[tokio::test(start_paused = true)]
async fn rfc9738_4_1_what_is_not_whole_is_not_taken_for_it() {
    let (client, server) = talk(
        "MESSAGELIMIT=1000 ESEARCH PARTIAL SORT UIDPLUS",
        &[
            OPEN,
            ("FETCH 1:* (UID)", "* 5 FETCH (UID 50)\r\n@ OK [MESSAGELIMIT 1 50] part\r\n"),
            ("STORE 1:5 FLAGS (\\Seen)", "* 5 FETCH (FLAGS (\\Seen))\r\n@ OK [MESSAGELIMIT 1 50] part\r\n"),
            ("UID SORT (DATE) UTF-8 ALL", "* SORT 50\r\n@ OK [MESSAGELIMIT 1 50] part\r\n"),
            (
                "UID SEARCH RETURN (PARTIAL -1:-2) ALL",
                "* ESEARCH (TAG \"@\") UID PARTIAL (-1:-2 50)\r\n@ OK [MESSAGELIMIT 1 50] part\r\n",
            ),
            ("UID SEARCH ALL", "* SEARCH 50\r\n@ OK [MESSAGELIMIT 1] part\r\n"),
            ("UID COPY 1:9 x", "@ OK [MESSAGELIMIT 1 5] makes no sense\r\n"),
            ("UID COPY 1:9 x", "@ NO [MESSAGELIMIT 1 5] many\r\n"),
            ("UID COPY 5:9 x", "@ OK [COPYUID 7 5:9 11:15] done\r\n"),
            ("UID COPY 1:4 x", "@ NO [OVERQUOTA] full\r\n"),
            ("UID FETCH 1:9 (UID)", "* 1 FETCH (UID 5)\r\n@ NO [MESSAGELIMIT 1 5] no\r\n"),
        ],
    )
    .await;
    client.select(Mailbox::inbox()).await.unwrap();
    let rows = client.fetch(SequenceSet::all(), [FetchAttribute::Uid]).await.unwrap();
    let (told, end) = read(rows).await;
    assert!(told == [50] && is_limit(&end.unwrap_err()));
    let mut updates = client.updates();
    let seen = client.store(Addressing::Sequence, set(1, 5), StoreAction::Replace, [Flag::Seen]).await;
    assert!(is_limit(&seen.unwrap_err()));
    // It is done all the same.
    let told = updates.try_next();
    assert!(matches!(&told, Some(Update::Changed(changed)) if changed.number == Some(n(5))), "{told:?}");
    let by_date = [SortCriterion::ascending(SortKey::Date)];
    assert!(is_limit(&client.sort(Addressing::Uid, by_date, [SearchKey::All]).await.unwrap_err()));
    let page = SearchReturn::Partial(PartialRange::new(PartialEnd::Newest, n(1), n(2)));
    assert!(is_limit(&client.search_for(Addressing::Uid, [page], [SearchKey::All]).await.unwrap_err()));
    assert!(is_limit(&client.search(Addressing::Uid, [SearchKey::All]).await.unwrap_err()));
    assert!(is_limit(&client.copy(Addressing::Uid, set(1, 9), other()).await.unwrap_err()));
    let error = client.copy(Addressing::Uid, set(1, 9), other()).await.unwrap_err();
    let code = error.refusal().and_then(|status| status.code.clone());
    assert_eq!(code, Some(ResponseCode::OverQuota));
    let (told, end) = read(client.uid_fetch(set(1, 9), [FetchAttribute::Uid]).await.unwrap()).await;
    assert!(told == [5] && is_limit(&end.unwrap_err()));
    heard(client, server).await;
}

#[tokio::test(start_paused = true)]
async fn rfc9738_a_command_that_is_given_as_such_stays_whole() {
    let (client, server) = talk(
        "MESSAGELIMIT=2",
        &[OPEN, ("UID FETCH 1:9 (UID)", "* 5 FETCH (UID 9)\r\n@ OK [MESSAGELIMIT 2 9] part\r\n")],
    )
    .await;
    client.select(Mailbox::inbox()).await.unwrap();
    let fetch = FetchCommand {
        set: set(1, 9).into(),
        attributes: vec![FetchAttribute::Uid],
        modifiers: FetchModifiers::default(),
    };
    let answer = client.command(Command::Fetch(Addressing::Uid, fetch)).await.unwrap();
    assert!(matches!(answer.status.code, Some(ResponseCode::MessageLimit { .. })));
    heard(client, server).await;
}

/// A server that has always one message more to do, and takes some time for each; and how often it was asked.
async fn endless(took: Duration) -> (Client, Arc<AtomicUsize>) {
    let searches = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&searches);
    let (near, far) = duplex(64 * 1024);
    tokio::spawn(async move {
        let (read, mut write) = tokio::io::split(near);
        let greeting = "* PREAUTH [CAPABILITY IMAP4rev1 IDLE MESSAGELIMIT=1000] hello\r\n";
        write.write_all(greeting.as_bytes()).await.unwrap();
        let (mut lines, mut lowest) = (BufReader::new(read).lines(), u32::MAX);
        while let Ok(Some(line)) = lines.next_line().await {
            let (tag, command) = line.split_once(' ').unwrap();
            let answer = if command.starts_with("UID SEARCH") {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(took).await;
                lowest -= 1;
                format!("* SEARCH {lowest}\r\n{tag} OK [MESSAGELIMIT 1 {lowest}] part\r\n")
            } else {
                format!("{tag} OK done\r\n")
            };
            if write.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    });
    let endpoint = endpoint(Protocol::Imap, TlsMode::Plain);
    let client = Client::over(Stream::local(far), &endpoint, &ClientOptions::default()).await.unwrap();
    client.select(Mailbox::inbox()).await.unwrap();
    (client, searches)
}

/// Much later the server was asked no more often.
async fn asked_no_more(client: &Client, searches: &AtomicUsize) {
    tokio::time::timeout(Duration::from_secs(2), client.noop()).await.unwrap().unwrap();
    let asked = searches.load(Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(searches.load(Ordering::Relaxed), asked);
}

#[tokio::test(start_paused = true)]
async fn rfc9738_the_time_of_a_call_is_for_all_its_parts() {
    let (client, searches) = endless(Duration::from_secs(1)).await;
    let begin = tokio::time::Instant::now();
    let error = client.search(Addressing::Uid, [SearchKey::All]).await.unwrap_err();
    let call = ClientOptions::default().call_timeout;
    assert!(matches!(error.cause(), Cause::Deadline(limit) if *limit == call), "{error}");
    assert_eq!(begin.elapsed().as_secs(), call.as_secs());
    asked_no_more(&client, &searches).await;
}

#[tokio::test(start_paused = true)]
async fn rfc9738_a_call_that_is_dropped_sends_no_further_part() {
    let (client, searches) = endless(Duration::from_secs(1)).await;
    let search = client.search(Addressing::Uid, [SearchKey::All]);
    assert!(tokio::time::timeout(Duration::from_millis(2500), search).await.is_err());
    asked_no_more(&client, &searches).await;
    assert_eq!(searches.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn rfc9738_a_server_that_never_comes_to_an_end_is_given_up() {
    let (client, searches) = endless(Duration::ZERO).await;
    let error = client.search(Addressing::Uid, [SearchKey::All]).await.unwrap_err();
    assert!(is_limit(&error), "{error}");
    asked_no_more(&client, &searches).await;
}
