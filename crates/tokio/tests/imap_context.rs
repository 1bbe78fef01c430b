//! Results that the server keeps up to date (RFC 5267): what comes, in which order, and how it ends.
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
use std::num::NonZeroU32;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use common::endpoint;
use posthaste_imap::client::update_result;
use posthaste_imap::types::{
    AString, Addressing, Command, ContextChange, Mailbox, ResponseCode, SearchKey, SearchReturn,
    SequenceRange, SequenceSet, SortCriterion, SortKey,
};
use posthaste_tokio::imap::{Client, ContextEnd, ContextUpdate, Error, Found, SearchContext, Update};
use posthaste_tokio::{Cause, ClientOptions, Protocol, Stream, TlsMode};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Less than any deadline.
const AT_ONCE: Duration = Duration::from_secs(30);

fn n(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn set(ranges: &[(u32, u32)]) -> SequenceSet {
    SequenceSet::new(ranges.iter().map(|(a, b)| SequenceRange::between(n(*a), n(*b))).collect()).unwrap()
}

fn added(position: u32, ranges: &[(u32, u32)]) -> ContextUpdate {
    let position = NonZeroU32::new(position);
    ContextUpdate::Change(ContextChange::AddTo { position, numbers: set(ranges) })
}

fn removed(position: u32, ranges: &[(u32, u32)]) -> ContextUpdate {
    let position = NonZeroU32::new(position);
    ContextUpdate::Change(ContextChange::RemoveFrom { position, numbers: set(ranges) })
}

/// A server that says what the test has it say, in pieces of so many octets. IDLE it knows by itself, and commands that
/// it does not hear of are answered with OK at once: SELECT, NOOP, LOGOUT.
struct Server {
    heard: mpsc::UnboundedReceiver<(String, String)>,
    said: mpsc::UnboundedSender<String>,
}

impl Server {
    /// The next command: its tag and the rest.
    async fn hear(&mut self) -> (String, String) {
        timeout(AT_ONCE, self.heard.recv()).await.expect("nothing is heard").expect("the client is gone")
    }

    fn say(&self, text: &str) {
        self.said.send(text.to_owned()).unwrap();
    }

    /// The next command is this, and is answered with that; `@` stands for its tag, which comes back.
    async fn answer(&mut self, command: &str, answer: &str) -> String {
        let (tag, heard) = self.hear().await;
        assert_eq!(heard, command);
        self.say(&answer.replace('@', &tag));
        tag
    }
}

async fn serve(
    stream: DuplexStream,
    greeting: String,
    octets: usize,
    heard: mpsc::UnboundedSender<(String, String)>,
    mut said: mpsc::UnboundedReceiver<String>,
) {
    let (read, mut write) = tokio::io::split(stream);
    let mut lines = BufReader::new(read).lines();
    let mut text = greeting;
    let mut idle = String::new();
    loop {
        for piece in text.as_bytes().chunks(octets) {
            if write.write_all(piece).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
        text = tokio::select! {
            line = lines.next_line() => {
                let Ok(Some(line)) = line else { return };
                let (tag, command) = line.split_once(' ').unwrap_or((&line, ""));
                match command.split(' ').next().unwrap_or_default() {
                    "IDLE" => {
                        idle = tag.to_owned();
                        "+ idling\r\n".to_owned()
                    }
                    "" => format!("{idle} OK done\r\n"),
                    "SELECT" | "NOOP" | "LIST" => format!("{tag} OK done\r\n"),
                    "LOGOUT" => format!("* BYE bye\r\n{tag} OK done\r\n"),
                    _ => {
                        let _ = heard.send((tag.to_owned(), command.to_owned()));
                        String::new()
                    }
                }
            }
            text = said.recv() => match text {
                Some(text) => text,
                None => return,
            },
        };
    }
}

/// A client with an open mailbox, and the server, which writes so many octets at a time.
async fn pair_in_pieces(octets: usize) -> (Client, Server) {
    let (near, far) = duplex(64 * 1024);
    let capabilities = "IMAP4rev1 IDLE UNSELECT ESEARCH SORT ESORT CONTEXT=SEARCH CONTEXT=SORT";
    let greeting = format!("* PREAUTH [CAPABILITY {capabilities}] hello\r\n");
    let (heard, hearing) = mpsc::unbounded_channel();
    let (said, saying) = mpsc::unbounded_channel();
    tokio::spawn(serve(near, greeting, octets, heard, saying));
    let endpoint = endpoint(Protocol::Imap, TlsMode::Plain);
    let client = Client::over(Stream::local(far), &endpoint, &ClientOptions::default()).await.unwrap();
    client.select(Mailbox::inbox()).await.unwrap();
    (client, Server { heard: hearing, said })
}

async fn pair() -> (Client, Server) {
    pair_in_pieces(usize::MAX).await
}

type Opened = (Found, SearchContext, String);

/// A context of unseen messages by UID, whose search is answered with `answer`, and its tag.
async fn opened(client: &Client, server: &mut Server, answer: &str) -> Opened {
    let search = client.search_context(Addressing::Uid, [SearchReturn::Count], [SearchKey::Unseen]);
    let command = "UID SEARCH RETURN (COUNT UPDATE) UNSEEN";
    let (found, tag) = tokio::join!(search, server.answer(command, answer));
    let (found, context) = found.unwrap();
    (found, context, tag)
}

const FOUND: &str = "* ESEARCH (TAG \"@\") UID COUNT 2\r\n@ OK will notify\r\n";

async fn next(context: &mut SearchContext) -> Option<ContextUpdate> {
    timeout(AT_ONCE, context.next()).await.expect("nothing comes").unwrap()
}

/// Polls once.
async fn is_pending<F: Future>(future: F) -> bool {
    let mut future = pin!(future);
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

/// Lets the session take all that is on its way.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn rfc5267_4_3_changes_come_in_order_however_they_are_cut() {
    for octets in [1, 2, 3, 7, 64, usize::MAX] {
        let (client, mut server) = pair_in_pieces(octets).await;
        let news = client.updates();
        let (found, mut context, tag) = opened(&client, &mut server, FOUND).await;
        assert_eq!((found.count, found.uid), (Some(2), true));
        server.say(&format!(
            "* 9 EXISTS\r\n* ESEARCH (TAG \"{tag}\") UID ADDTO (0 32768:32769)\r\n\
             * ESEARCH (TAG \"{tag}\") UID REMOVEFROM (1 7 3 9) ADDTO (1 2733 1 2732) REMOVEFROM (0 1:2)\r\n"
        ));
        let expected = [
            added(0, &[(32768, 32769)]),
            removed(1, &[(7, 7)]),
            removed(3, &[(9, 9)]),
            added(1, &[(2733, 2733)]),
            added(1, &[(2732, 2732)]),
            removed(0, &[(1, 2)]),
        ];
        for update in expected {
            assert_eq!(next(&mut context).await, Some(update));
        }
        assert!(is_pending(context.next()).await);
        // While another command is in progress, too.
        client.noop().await.unwrap();
        server.say(&format!("* ESEARCH (TAG \"{tag}\") UID ADDTO (2 5)\r\n"));
        let cancel = format!("CANCELUPDATE \"{tag}\"");
        let last = format!("* ESEARCH (TAG \"{tag}\") UID ADDTO (3 6)\r\n@ OK no further updates\r\n");
        settle().await;
        let (cancelled, _) = tokio::join!(context.cancel(), server.answer(&cancel, &last));
        cancelled.unwrap();
        // Neither what came before the command nor what came before its answer is lost.
        assert_eq!(next(&mut context).await, Some(added(2, &[(5, 5)])));
        assert_eq!(next(&mut context).await, Some(added(3, &[(6, 6)])));
        assert_eq!(next(&mut context).await, Some(ContextUpdate::Ended(ContextEnd::Cancelled)));
        assert_eq!(next(&mut context).await, None);
        context.cancel().await.unwrap();
        drop(context);
        client.logout().await.unwrap();
        // Changes of a context are nobody else's news.
        let mut news = news;
        while let Some(update) = news.try_next() {
            assert!(!matches!(update, Update::Other(_)), "{update:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn rfc5267_a_sorted_result_follows_its_changes() {
    let (client, mut server) = pair().await;
    let criteria = [SortCriterion::ascending(SortKey::Date)];
    let sort = client.sort_context(Addressing::Uid, criteria, [], [SearchKey::All]);
    let answer = "* ESEARCH (TAG \"@\") UID ALL 2734:2735\r\n\
                  * ESEARCH (TAG \"@\") UID ADDTO (1 2733) ADDTO (1 2731:2732)\r\n@ OK\r\n";
    let command = "UID SORT RETURN (ALL UPDATE) (DATE) UTF-8 ALL";
    let (found, _) = tokio::join!(sort, server.answer(command, answer));
    let (found, mut context) = found.unwrap();
    let mut result: Vec<_> = found.all.unwrap().resolve(0).into_iter().flatten().map(n).collect();
    for _ in 0..2 {
        let Some(ContextUpdate::Change(change)) = next(&mut context).await else { panic!() };
        update_result(&mut result, &change, 100).unwrap();
    }
    assert_eq!(result, [2731, 2732, 2733, 2734, 2735].map(n));
}

#[tokio::test(start_paused = true)]
async fn rfc5267_4_3_1_a_refusal_leaves_the_result_wherever_it_stands() {
    let untagged = "* ESEARCH (TAG \"@\") UID COUNT 2\r\n* NO [NOUPDATE \"@\"] many\r\n@ OK not notify\r\n";
    let tagged = "* ESEARCH (TAG \"@\") UID COUNT 2\r\n@ OK [NOUPDATE \"@\"] done\r\n";
    let late = "* ESEARCH (TAG \"@\") UID COUNT 2\r\n@ OK done\r\n* NO [NOUPDATE \"@\"] many\r\n";
    let early = "* NO [NOUPDATE \"@\"] many\r\n* ESEARCH (TAG \"@\") UID COUNT 2\r\n@ OK done\r\n";
    for answer in [untagged, tagged, late, early] {
        let (client, mut server) = pair().await;
        let (found, mut context, tag) = opened(&client, &mut server, answer).await;
        assert_eq!(found.count, Some(2));
        let Some(ContextUpdate::Ended(ContextEnd::Refused(status))) = next(&mut context).await else {
            panic!("{answer}")
        };
        assert_eq!(status.code, Some(ResponseCode::NoUpdate(AString::new(tag).unwrap())));
        assert_eq!(next(&mut context).await, None);
    }
}

#[tokio::test(start_paused = true)]
async fn rfc5267_4_3_1_nothing_waits_for_a_refusal_that_is_lost() {
    let (client, mut server) = pair().await;
    let news = client.updates();
    // The server meant to refuse, and says so of another tag, of which nobody knows.
    let lost = "* ESEARCH (TAG \"@\") UID COUNT 2\r\n* NO [NOUPDATE \"?\"] many\r\n@ OK not notify\r\n";
    let (found, mut context, tag) = opened(&client, &mut server, lost).await;
    assert_eq!(found.count, Some(2));
    assert!(is_pending(context.next()).await);
    client.noop().await.unwrap();
    let mut news = news;
    assert!(matches!(news.try_next(), Some(Update::Notice(_))));
    // Nor does giving up: the server knows of no such context.
    drop(context);
    server.answer(&format!("CANCELUPDATE \"{tag}\""), "@ BAD no such context\r\n").await;
    client.noop().await.unwrap();
    client.logout().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_context_that_is_dropped_is_cancelled_without_anybody_waiting() {
    let (client, mut server) = pair().await;
    let news = client.updates();
    let (_, one, first) = opened(&client, &mut server, FOUND).await;
    let (_, mut other, second) = opened(&client, &mut server, FOUND).await;
    drop(one);
    let (tag, command) = server.hear().await;
    assert_eq!(command, format!("CANCELUPDATE \"{first}\""));
    // On its way before the server had heard.
    server.say(&format!(
        "* ESEARCH (TAG \"{first}\") UID ADDTO (0 5)\r\n* ESEARCH (TAG \"{second}\") UID ADDTO (0 6)\r\n\
         {tag} OK\r\n"
    ));
    assert_eq!(next(&mut other).await, Some(added(0, &[(6, 6)])));
    client.noop().await.unwrap();
    let mut news = news;
    assert!(news.try_next().is_none());
    // The last handle: the session ends in order, with its context.
    drop(client);
    drop(other);
    drop(news);
    while let Some((_, command)) = timeout(AT_ONCE, server.heard.recv()).await.expect("it does not end") {
        assert_eq!(command, format!("CANCELUPDATE \"{second}\""));
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_leaves_no_context() {
    let (client, mut server) = pair().await;
    let call = async {
        let returns = [SearchReturn::Count];
        tokio::select! {
            biased;
            found = client.search_context(Addressing::Uid, returns, [SearchKey::Unseen]) => panic!("{found:?}"),
            heard = server.hear() => heard,
        }
    };
    let (tag, _) = call.await;
    server.say(&FOUND.replace('@', &tag));
    server.answer(&format!("CANCELUPDATE \"{tag}\""), "@ OK\r\n").await;
    client.logout().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_search_that_is_refused_leaves_no_context() {
    let (client, mut server) = pair().await;
    let search = client.search_context(Addressing::Sequence, [], [SearchKey::Unseen]);
    let (error, tag) =
        tokio::join!(search, server.answer("SEARCH RETURN (ALL UPDATE) UNSEEN", "@ NO busy\r\n"));
    let error: Error = error.map(drop).unwrap_err();
    assert!(error.refusal().is_some(), "{error}");
    // What comes for it all the same is news of no kind that is known.
    let mut news = client.updates();
    server.say(&format!("* ESEARCH (TAG \"{tag}\") ADDTO (0 5)\r\n"));
    assert!(matches!(timeout(AT_ONCE, news.next()).await.unwrap(), Some(Update::Other(_))));
    client.logout().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn rfc5267_4_3_a_context_ends_with_its_mailbox() {
    for (command, answer, ends) in [
        (Command::Close, "@ OK\r\n", true),
        (Command::Unselect, "@ OK\r\n", true),
        (Command::Examine(Mailbox::inbox(), vec![]), "* 1 EXISTS\r\n@ OK\r\n", true),
        (Command::Examine(Mailbox::inbox(), vec![]), "@ NO gone\r\n", true),
        (Command::Close, "@ NO not now\r\n", false),
    ] {
        let (client, mut server) = pair().await;
        let (_, mut context, tag) = opened(&client, &mut server, FOUND).await;
        let name = command.name();
        let done = async {
            let (of, line) = server.hear().await;
            assert!(line.starts_with(name), "{line}");
            server.say(&format!("* ESEARCH (TAG \"{tag}\") UID ADDTO (0 5)\r\n{}", answer.replace('@', &of)));
        };
        let (result, ()) = tokio::join!(client.command(command), done);
        assert_eq!(result.is_ok(), answer.contains("OK"));
        assert_eq!(next(&mut context).await, Some(added(0, &[(5, 5)])));
        if ends {
            assert_eq!(next(&mut context).await, Some(ContextUpdate::Ended(ContextEnd::Closed)));
            drop(context);
            settle().await;
            // There is nothing to be cancelled.
            assert!(server.heard.try_recv().is_err());
        } else {
            assert!(is_pending(context.next()).await);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn changes_that_nobody_reads_end_the_context_and_not_the_session() {
    let (client, mut server) = pair().await;
    let (_, mut context, tag) = opened(&client, &mut server, FOUND).await;
    let changes: String =
        (1..=1100).map(|uid| format!("* ESEARCH (TAG \"{tag}\") UID ADDTO (0 {uid})\r\n")).collect();
    server.say(&changes);
    server.answer(&format!("CANCELUPDATE \"{tag}\""), "@ OK\r\n").await;
    client.noop().await.unwrap();
    for uid in 1..=1024 {
        assert_eq!(next(&mut context).await, Some(added(0, &[(uid, uid)])));
    }
    assert_eq!(next(&mut context).await, Some(ContextUpdate::Ended(ContextEnd::Missed)));
    assert_eq!(next(&mut context).await, None);
    client.logout().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_reader_whose_every_future_is_dropped_loses_and_doubles_nothing() {
    let (client, mut server) = pair_in_pieces(1).await;
    let (_, mut context, tag) = opened(&client, &mut server, FOUND).await;
    let changes: String = (1..=40)
        .map(|uid| format!("* ESEARCH (TAG \"{tag}\") UID ADDTO (1 {uid}) REMOVEFROM (0 9)\r\n"))
        .collect();
    server.say(&changes);
    let mut updates = Vec::new();
    for _ in 0..100_000 {
        let mut polled = None;
        {
            let mut future = pin!(context.next());
            poll_fn(|cx| {
                if let Poll::Ready(update) = future.as_mut().poll(cx) {
                    polled = Some(update);
                }
                Poll::Ready(())
            })
            .await;
        }
        match polled {
            Some(update) => updates.push(update.unwrap().unwrap()),
            None => tokio::task::yield_now().await,
        }
        if updates.len() == 80 {
            break;
        }
    }
    let expected: Vec<_> =
        (1..=40).flat_map(|uid| [added(1, &[(uid, uid)]), removed(0, &[(9, 9)])]).collect();
    assert_eq!(updates, expected);
    // A cancellation that is dropped on its way is one all the same.
    let (of, command) = tokio::select! {
        biased;
        cancelled = context.cancel() => panic!("{cancelled:?}"),
        heard = server.hear() => heard,
    };
    assert_eq!(command, format!("CANCELUPDATE \"{tag}\""));
    server.say(&format!("{of} OK\r\n"));
    assert_eq!(next(&mut context).await, Some(ContextUpdate::Ended(ContextEnd::Cancelled)));
}

#[tokio::test(start_paused = true)]
async fn a_context_of_a_lost_session_says_so() {
    let (client, mut server) = pair().await;
    let (_, mut context, tag) = opened(&client, &mut server, FOUND).await;
    server.say(&format!("* ESEARCH (TAG \"{tag}\") UID ADDTO (0 5)\r\n* BYE later\r\n"));
    assert_eq!(next(&mut context).await, Some(added(0, &[(5, 5)])));
    drop(server);
    let error = timeout(AT_ONCE, context.next()).await.unwrap().unwrap_err();
    assert!(!matches!(error.cause(), Cause::Refused(_)), "{error}");
    assert_eq!(next(&mut context).await, None);
    assert!(client.noop().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn rfc5267_4_1_a_server_without_contexts_is_not_asked() {
    let (near, far) = duplex(1024);
    let (heard, mut hearing) = mpsc::unbounded_channel();
    let (_said, saying) = mpsc::unbounded_channel();
    let greeting = "* PREAUTH [CAPABILITY IMAP4rev1 IDLE ESEARCH] hello\r\n".to_owned();
    tokio::spawn(serve(near, greeting, usize::MAX, heard, saying));
    let endpoint = endpoint(Protocol::Imap, TlsMode::Plain);
    let client = Client::over(Stream::local(far), &endpoint, &ClientOptions::default()).await.unwrap();
    client.select(Mailbox::inbox()).await.unwrap();
    let refused = client.search_context(Addressing::Uid, [], [SearchKey::All]).await;
    let error = refused.map(drop).unwrap_err();
    assert!(matches!(error.cause(), Cause::Connection(posthaste_tokio::Error::Misuse(_))), "{error:?}");
    client.logout().await.unwrap();
    assert!(hearing.try_recv().is_err());
}
