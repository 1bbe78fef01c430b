//! The POP3 client against the server machine, over pipes, with STLS and real certificates.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use common::peer::{carry, drip, follow};
use common::{endpoint, tls_roles, trusting};
use posthaste_pop3::server as pop3_server;
use posthaste_pop3::{MessageNumber, Uidl};
use posthaste_tokio::pop3::Seen;
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{
    Cause, ClientOptions, Connection, Credentials, Endpoint, Phase, Protocol, Retry, Role, Stream, Time,
    TlsMode, pop3,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

fn options(role: &Role) -> ClientOptions {
    trusting(role).with_credentials(Credentials::new("ursel", "Geheim!"))
}

/// A POP3 server with these messages; gives back what was removed.
async fn maildrop(stream: DuplexStream, role: Role, messages: Vec<Bytes>) -> Vec<usize> {
    let mut config = pop3_server::Config::default();
    config.tls = pop3_server::TlsOffer::StartTls;
    maildrop_of(stream.into(), role, messages, config).await
}

async fn maildrop_of(
    stream: Stream,
    role: Role,
    messages: Vec<Bytes>,
    config: pop3_server::Config,
) -> Vec<usize> {
    use posthaste_pop3::Server;
    use posthaste_pop3::server::Event;
    let mut connection = Connection::new(Server::new(config, stream.security(), Time::ZERO), stream, role);
    let mut removed = Vec::new();
    while let Ok(Some(event)) = connection.next().await {
        match event {
            Event::StartTls(token) => token.accept(connection.machine()).unwrap(),
            Event::Login(login) => {
                login.accept(connection.machine(), listing(&messages)).unwrap();
            }
            Event::Retr(retr) => {
                let message = messages[retr.index()].clone();
                let mut writer = retr.open(connection.machine()).unwrap();
                for piece in message.chunks(1000) {
                    if connection.room().await.is_err() {
                        return removed;
                    }
                    writer.write(connection.machine(), Bytes::copy_from_slice(piece)).unwrap();
                }
                writer.finish(connection.machine()).unwrap();
            }
            Event::Quit(quit) => {
                removed = quit.deleted().to_vec();
                quit.done(connection.machine()).unwrap();
            }
            _ => {}
        }
    }
    removed
}

fn listing(messages: &[Bytes]) -> pop3_server::Maildrop {
    let listed = messages.iter().enumerate().map(|(index, message)| pop3_server::Listed {
        size: message.len() as u64,
        uidl: posthaste_pop3::Uidl::new(&format!("id{index}")).unwrap(),
    });
    pop3_server::Maildrop::new(listed.collect()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn messages_are_fetched_over_stls_and_removed_at_quit() {
    let (server_role, client_role) = tls_roles(Alpn::Pop3);
    let (near, far) = duplex(512);
    let long: String = (0..20_000).map(|n| format!(".line {n}\r\n")).collect();
    let messages = [Bytes::from("short\r\n"), Bytes::from(long)];
    let server = tokio::spawn(maildrop(near, server_role, messages.to_vec()));
    let mut client =
        pop3::Client::over(far, &endpoint(Protocol::Pop3, TlsMode::StartTls), &options(&client_role))
            .await
            .unwrap();
    assert_eq!(client.stat().await.unwrap().0, 2);
    let rows = client.list().await.unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(client.uidl().await.unwrap().len(), 2);
    // A message that is dropped halfway does not disturb the next call.
    let mut half = client.retr(rows[1].0).await.unwrap();
    assert!(half.next_chunk().await.unwrap().is_some());
    drop(half);
    assert_eq!(client.retr_to_bytes(rows[1].0, usize::MAX).await.unwrap(), messages[1]);
    assert_eq!(client.retr_to_bytes(rows[0].0, 100).await.unwrap(), messages[0]);
    let error = client.retr_to_bytes(rows[1].0, 100).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::TooLong(100)), "{error}");
    client.dele(rows[0].0).await.unwrap();
    assert!(client.retr(rows[0].0).await.unwrap_err().refusal().is_some());
    client.quit().await.unwrap();
    assert_eq!(server.await.unwrap(), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_long_listing_arrives_whole_over_a_narrow_pipe() {
    let (server_role, client_role) = tls_roles(Alpn::Pop3);
    let (near, far) = duplex(512);
    let messages = vec![Bytes::from("short\r\n"); 20_000];
    let server = tokio::spawn(maildrop(near, server_role, messages));
    let mut client =
        pop3::Client::over(far, &endpoint(Protocol::Pop3, TlsMode::StartTls), &options(&client_role))
            .await
            .unwrap();
    let rows = client.uidl().await.unwrap();
    assert_eq!(rows.len(), 20_000);
    assert_eq!(rows[19_999].1.to_string(), "id19999");
    client.quit().await.unwrap();
    server.await.unwrap();
}

fn local() -> Endpoint {
    endpoint(Protocol::Pop3, TlsMode::Plain)
}

fn quick() -> ClientOptions {
    let mut options = ClientOptions::default().with_credentials(Credentials::new("ursel", "Geheim!"));
    options.open_timeout = Duration::from_secs(100);
    options.idle_timeout = Duration::from_secs(200);
    options.call_timeout = Duration::from_secs(1000);
    options
}

async fn open(stream: DuplexStream) -> Result<pop3::Client, pop3::Error> {
    pop3::Client::over(Stream::local(stream), &local(), &quick()).await
}

/// As [`maildrop`], over a pipe that counts as private.
fn local_maildrop(stream: DuplexStream, messages: &[Bytes]) -> tokio::task::JoinHandle<Vec<usize>> {
    let role = Role::Server { tls: None };
    tokio::spawn(maildrop_of(Stream::local(stream), role, messages.to_vec(), pop3_server::Config::default()))
}

fn uidl(text: &str) -> Uidl {
    Uidl::new(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn answers_in_any_pieces_are_one_conversation() {
    let messages = [
        Bytes::from("a\r\n"),
        Bytes::from("..\r\n.\r\nb\r\n"),
        Bytes::new(),
        Bytes::from("x".repeat(500) + "\r\n"),
    ];
    for width in 1..=64 {
        let (near, far) = duplex(width);
        let server = local_maildrop(near, &messages);
        let mut client = open(far).await.unwrap();
        let mut all = client.messages().await.unwrap();
        assert_eq!(all.rows().len(), 4);
        let mut count = 0;
        while let Some(mut message) = all.next().await.unwrap() {
            assert_eq!(message.octets(), Some(messages[count].len() as u64));
            assert_eq!(message.uidl(), Some(&uidl(&format!("id{count}"))));
            let mut octets = Vec::new();
            if count % 2 == 0 {
                message.read_to_end(&mut octets).await.unwrap();
            } else {
                while let Some(chunk) = message.next_chunk().await.unwrap() {
                    octets.extend_from_slice(&chunk);
                }
            }
            assert!(message.is_complete());
            assert_eq!(octets, messages[count], "{width}");
            count += 1;
        }
        assert_eq!(count, 4);
        client.quit().await.unwrap();
        assert!(server.await.unwrap().is_empty());
    }
}

/// Fetches over a connection that is cut behind so many octets of either side; says whether that was too late.
async fn cut(near_max: u64, far_max: u64) -> bool {
    let messages = [Bytes::from("first\r\n"), Bytes::from("second\r\n.\r\nand more\r\n")];
    let (client_end, near) = duplex(64);
    let (far, server_end) = duplex(64);
    let server = local_maildrop(server_end, &messages);
    let carrier = tokio::spawn(carry(near, far, near_max, far_max));
    let mut seen = Seen::new();
    let mut stored = Vec::new();
    let done = async {
        let mut client = open(client_end).await?;
        let mut new = client.fetch_new(&mut seen).await?;
        while let Some(mut message) = new.next().await? {
            let mut octets = Vec::new();
            if near_max % 2 == 0 {
                while let Some(chunk) = message.next_chunk().await? {
                    octets.extend_from_slice(&chunk);
                }
            } else if let Err(error) = message.read_to_end(&mut octets).await {
                assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
                assert!(message.stored().is_err());
                return Ok(false);
            }
            stored.push(octets);
            message.stored_and_dele().await?;
        }
        client.quit().await.map(|()| true)
    };
    let done: Result<bool, pop3::Error> = done.await;
    carrier.await.unwrap();
    let removed = server.await.unwrap();
    // What is stored is whole, and nothing goes that is not stored.
    assert!(stored.iter().eq(messages.iter().take(stored.len())), "{stored:?}");
    assert_eq!(seen.len(), stored.len());
    assert!(removed.len() <= stored.len());
    match done {
        Ok(true) => {
            assert_eq!((stored.len(), &removed[..]), (2, &[0, 1][..]));
            true
        }
        Ok(false) => false,
        Err(error) => {
            let changing = error.phase() >= Phase::Change;
            assert_eq!(error.retry(), if changing { Retry::Unknown } else { Retry::Safe }, "{error}");
            assert!(changing || removed.is_empty(), "{error}");
            false
        }
    }
}

#[tokio::test(start_paused = true)]
async fn cut_behind_any_octet_a_message_is_whole_or_none() {
    for side in 0..3 {
        let mut octets = 0;
        // Of the server's side once for readers of octets and once for those of chunks.
        while !match side {
            0 => cut(octets, u64::MAX).await,
            1 => cut(u64::MAX, octets).await,
            _ => cut(u64::MAX - 1, octets).await,
        } {
            octets += 1;
            assert!(octets < 2000, "the messages never arrive");
        }
        assert!(octets > 50, "side {side} was cut at {octets} octets and all went well");
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_is_new_is_fetched_and_it_stays_new_until_it_is_stored() {
    let messages = [Bytes::from("a\r\n"), Bytes::from("b\r\n"), Bytes::from("c\r\n")];
    let (near, far) = duplex(512);
    let server = local_maildrop(near, &messages);
    let mut client = open(far).await.unwrap();
    let mut seen: Seen = [uidl("id1"), uidl("gone")].into_iter().collect();
    let mut new = client.fetch_new(&mut seen).await.unwrap();
    assert_eq!(new.rows().len(), 2);
    let mut first = new.next().await.unwrap().unwrap();
    assert_eq!((first.uidl(), first.octets()), (&uidl("id0"), Some(3)));
    while first.next_chunk().await.unwrap().is_some() {}
    first.stored().unwrap();
    // Of the other only a part is looked at.
    let second = new.next().await.unwrap().unwrap();
    assert_eq!(second.uidl(), &uidl("id2"));
    assert!(second.stored().is_err());
    assert!(new.next().await.unwrap().is_none());
    assert_eq!(seen.iter().map(Uidl::as_str).collect::<Vec<_>>(), ["id1", "id0"]);
    let new = client.fetch_new(&mut seen).await.unwrap();
    assert_eq!(new.rows().iter().map(|row| row.uidl).collect::<Vec<_>>(), [Some(uidl("id2"))]);
    client.quit().await.unwrap();
    assert!(server.await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_stored_for_days_is_removed() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let messages = [Bytes::from("a\r\n"), Bytes::from("b\r\n"), Bytes::from("c\r\n")];
    let begin = SystemTime::UNIX_EPOCH + 20_000 * DAY;
    let mut dates = pop3::Dates::new();
    let mut seen: Seen = [uidl("id1")].into_iter().collect();
    for (day, marked) in [(0, vec![]), (6, vec![]), (3, vec![]), (7, vec!["id1"]), (14, vec!["id0", "id1"])] {
        let (near, far) = duplex(512);
        let server = local_maildrop(near, &messages);
        let mut client = open(far).await.unwrap();
        let now = begin + day * DAY;
        let gone = client.expire(&seen, &mut dates, 7 * DAY, now).await.unwrap();
        assert_eq!(gone.iter().map(Uidl::as_str).collect::<Vec<_>>(), marked, "day {day}");
        client.quit().await.unwrap();
        assert_eq!(server.await.unwrap().len(), marked.len());
        // What is stored later is kept longer; what is not stored is kept.
        if day == 6 {
            seen.extend([uidl("id0")]);
        }
        assert!(dates.iter().all(|(uidl, _)| seen.iter().any(|seen| seen == uidl)));
    }
    // With a clock that was set back nothing is old.
    let dates: pop3::Dates = dates.iter().map(|(uidl, since)| (*uidl, since)).collect();
    let (near, far) = duplex(512);
    drop(local_maildrop(near, &messages));
    let mut client = open(far).await.unwrap();
    assert!(
        client.expire(&seen, &mut dates.clone(), 7 * DAY, SystemTime::UNIX_EPOCH).await.unwrap().is_empty()
    );
}

const LOGIN: [(&str, &str); 4] = [
    ("CAPA", "+OK\r\nUSER\r\nUIDL\r\nUTF8 USER\r\nLANG\r\n.\r\n"),
    ("USER", "+OK\r\n"),
    ("PASS", "+OK\r\n"),
    ("CAPA", "+OK\r\nUSER\r\nUIDL\r\nLANG\r\n.\r\n"),
];

#[tokio::test(start_paused = true)]
async fn utf8_and_the_language_are_asked_for_before_the_login() {
    let script: Vec<_> = LOGIN[..1]
        .iter()
        .chain(&[("UTF8", "+OK\r\n"), ("LANG", "-ERR no such language\r\n")])
        .chain(&LOGIN[1..])
        .copied()
        .collect();
    let (near, far) = duplex(4096);
    let server = tokio::spawn(async move { follow(near, "+OK hello\r\n", &script).await });
    let mut greeted = pop3::Client::greet_over(Stream::local(far), &local(), &quick()).await.unwrap();
    assert!(greeted.capabilities().has("UTF8"));
    greeted.utf8().await.unwrap();
    let error = greeted.language(posthaste_pop3::LanguageRange::Any).await.unwrap_err();
    assert!(error.refusal().is_some(), "{error}");
    let client = greeted.log_in().await.unwrap();
    assert!(!client.capabilities().has("UTF8"));
    drop(client);
    let lines = server.await.unwrap();
    assert_eq!(
        lines.iter().map(|line| &line[..4]).collect::<Vec<_>>(),
        ["CAPA", "UTF8", "LANG", "USER", "PASS", "CAPA"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_refused_costs_no_other_and_missing_ids_cost_no_message() {
    let (near, far) = duplex(4096);
    let script: Vec<_> = LOGIN
        .into_iter()
        .chain([
            ("LIST", "+OK\r\n1 3\r\n2 3\r\n3 3\r\n.\r\n"),
            ("UIDL", "+OK\r\n1 a\r\n3 c\r\n9 z\r\n.\r\n"),
            ("RETR 1", "-ERR [SYS/TEMP] broken\r\n"),
            ("RETR 2", "+OK\r\nb\r\n.\r\n"),
            ("RETR 3", "+OK\r\nc\r\n.\r\n"),
            ("LIST", "+OK\r\n1 3\r\n.\r\n"),
            ("UIDL", "-ERR unknown command\r\n"),
            ("LIST", "+OK\r\n1 3\r\n.\r\n"),
            ("UIDL", "-ERR unknown command\r\n"),
        ])
        .collect();
    let server = tokio::spawn(async move { follow(near, "+OK hello\r\n", &script).await });
    let mut client = open(far).await.unwrap();
    let mut all = client.messages().await.unwrap();
    assert_eq!(
        all.rows().iter().map(|row| row.uidl).collect::<Vec<_>>(),
        [Some(uidl("a")), None, Some(uidl("c"))]
    );
    assert_eq!(all.next().await.unwrap_err().retry(), Retry::Later);
    for text in ["b\r\n", "c\r\n"] {
        let mut octets = String::new();
        all.next().await.unwrap().unwrap().read_to_string(&mut octets).await.unwrap();
        assert_eq!(octets, text);
    }
    assert!(all.next().await.unwrap().is_none());
    assert_eq!(client.listing().await.unwrap()[0].uidl, None);
    assert!(client.fetch_new(&mut Seen::new()).await.unwrap_err().refusal().is_some());
    drop(client);
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn silence_anywhere_is_an_error_in_time() {
    let whole: Vec<_> = LOGIN
        .into_iter()
        .chain([
            ("LIST", "+OK\r\n1 3\r\n.\r\n"),
            ("UIDL", "+OK\r\n1 a\r\n.\r\n"),
            ("RETR", "+OK\r\na\r\n.\r\n"),
        ])
        .chain([("DELE", "+OK\r\n"), ("QUIT", "+OK\r\n")])
        .collect();
    for answered in 0..=whole.len() {
        let (near, far) = duplex(4096);
        let script = whole[..answered].to_vec();
        let server = tokio::spawn(async move { follow(near, "+OK hello\r\n", &script).await });
        let start = Instant::now();
        let mut seen = Seen::new();
        let done = async {
            let mut client = open(far).await?;
            let mut new = client.fetch_new(&mut seen).await?;
            let mut message = new.next().await?.unwrap();
            while message.next_chunk().await?.is_some() {}
            message.stored_and_dele().await?;
            client.quit().await
        };
        let done: Result<(), pop3::Error> = done.await;
        assert!(start.elapsed() <= Duration::from_secs(300), "{answered}: {:?}", start.elapsed());
        let phase = match answered {
            0 => Phase::Greeting,
            1..=3 => Phase::Login,
            4..=6 => Phase::Query,
            _ => Phase::Change,
        };
        match done {
            Ok(()) => assert_eq!(answered, whole.len()),
            Err(error) => {
                assert_eq!(error.phase(), phase, "{error}");
                let retry = if phase == Phase::Change { Retry::Unknown } else { Retry::Safe };
                assert_eq!(error.retry(), retry, "{error}");
            }
        }
        assert_eq!(seen.len(), usize::from(answered > 6));
        server.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_drips_is_given_up_by_every_reader() {
    for reader in [false, true] {
        let (near, far) = duplex(4096);
        let (read, mut write) = tokio::io::split(near);
        let server = async {
            let mut lines = tokio::io::BufReader::new(read).lines();
            write.write_all(b"+OK hello\r\n").await.unwrap();
            for (word, answer) in LOGIN {
                assert!(lines.next_line().await.unwrap().unwrap().starts_with(word));
                write.write_all(answer.as_bytes()).await.unwrap();
            }
            lines.next_line().await.unwrap();
            write.write_all(b"+OK\r\n").await.unwrap();
            drip(write, "x\r\n".repeat(1000).as_bytes()).await;
        };
        let client = async {
            let mut client = open(far).await.unwrap();
            let start = Instant::now();
            let mut message = client.retr(MessageNumber::new(1).unwrap()).await.unwrap();
            if reader {
                let error = message.read_to_end(&mut Vec::new()).await.unwrap_err();
                assert_eq!(error.kind(), std::io::ErrorKind::TimedOut, "{error}");
            } else {
                let error = loop {
                    match message.next_chunk().await {
                        Ok(chunk) => assert!(chunk.is_some()),
                        Err(error) => break error,
                    }
                };
                assert!(matches!(error.cause(), Cause::Deadline(_)), "{error}");
            }
            assert!(!message.is_complete());
            assert!(start.elapsed() <= Duration::from_secs(1300), "{:?}", start.elapsed());
        };
        tokio::select! { biased; () = client => {}, () = server => panic!() }
    }
}

/// A client that has asked for the only message of a server that sends these pieces of it, each after so many seconds.
async fn with_pieces(pieces: Vec<(u64, String)>) -> pop3::Client {
    let (near, far) = duplex(1 << 20);
    tokio::spawn(async move {
        let (read, mut write) = tokio::io::split(near);
        let mut lines = tokio::io::BufReader::new(read).lines();
        write.write_all(b"+OK hello\r\n").await.unwrap();
        for (word, answer) in LOGIN {
            assert!(lines.next_line().await.unwrap().unwrap().starts_with(word));
            write.write_all(answer.as_bytes()).await.unwrap();
        }
        lines.next_line().await.unwrap();
        write.write_all(b"+OK\r\n").await.unwrap();
        for (seconds, piece) in pieces {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            if write.write_all(piece.as_bytes()).await.is_err() {
                return;
            }
        }
        drop(lines.next_line().await);
    });
    open(far).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_fast_enough_may_take_longer_than_a_call() {
    let line = format!("{}\r\n", "x".repeat(78));
    // 800 octets a second.
    let mut pieces = vec![(30, line.repeat(300)); 60];
    pieces.push((1, ".\r\n".into()));
    let mut client = with_pieces(pieces).await;
    let start = Instant::now();
    let mut message = client.retr(MessageNumber::new(1).unwrap()).await.unwrap();
    let mut octets = 0;
    while let Some(chunk) = message.next_chunk().await.unwrap() {
        octets += chunk.len();
    }
    assert!(message.is_complete());
    assert_eq!(octets, 60 * 300 * 80);
    assert!(start.elapsed() > Duration::from_secs(1500), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_was_given_up_does_not_shorten_the_next() {
    let pieces = vec![(0, "a\r\n".into()), (150, "b\r\n".into()), (150, "c\r\n".into()), (0, ".\r\n".into())];
    let mut client = with_pieces(pieces).await;
    let mut message = client.retr(MessageNumber::new(1).unwrap()).await.unwrap();
    assert_eq!(message.next_chunk().await.unwrap().unwrap(), "a\r\n");
    // A reader of octets begins to wait, one of chunks goes on, and the other comes back.
    let mut octet = [0; 1];
    assert!(tokio::time::timeout(Duration::from_secs(1), message.read(&mut octet)).await.is_err());
    assert_eq!(message.next_chunk().await.unwrap().unwrap(), "b\r\n");
    let mut rest = String::new();
    message.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "c\r\n");
}
