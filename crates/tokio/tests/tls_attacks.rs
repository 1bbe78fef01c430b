//! What somebody in the path can do to a connection: cut it, strip TLS off it, put words into it.
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

use common::{endpoint, tls_roles, trusting};
use posthaste_imap::types::{FetchAttribute, Mailbox, SequenceSet};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{
    ClientOptions, Connection, Credentials, Machine, Phase, Protocol, Role, Security, Stream, Time, TlsMode,
    imap, pop3, smtp,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::{Instant, timeout};

const PROTOCOLS: [Protocol; 3] = [Protocol::Submission, Protocol::Pop3, Protocol::Imap];

fn alpn(protocol: Protocol) -> Alpn {
    match protocol {
        Protocol::Imap => Alpn::Imap,
        Protocol::Pop3 => Alpn::Pop3,
        _ => Alpn::Smtp,
    }
}

fn options(role: &Role) -> ClientOptions {
    trusting(role).with_credentials(Credentials::new("ursel", "Geheim!"))
}

/// Opens a session of this protocol; what an error says, and at which phase.
async fn open(
    protocol: Protocol,
    tls: TlsMode,
    stream: DuplexStream,
    role: &Role,
) -> Result<Security, (Phase, String)> {
    let (endpoint, options) = (endpoint(protocol, tls), options(role));
    match protocol {
        Protocol::Imap => match imap::Client::over(stream, &endpoint, &options).await {
            Ok(client) => Ok(client.look(|machine| machine.security()).await.unwrap()),
            Err(error) => Err((error.phase(), error.to_string())),
        },
        Protocol::Pop3 => match pop3::Client::over(stream, &endpoint, &options).await {
            Ok(mut client) => Ok(client.connection().security()),
            Err(error) => Err((error.phase(), error.to_string())),
        },
        _ => match smtp::Client::over(stream, &endpoint, "laptop.example".parse().unwrap(), &options).await {
            Ok(mut client) => Ok(client.connection().security()),
            Err(error) => Err((error.phase(), error.to_string())),
        },
    }
}

/// A server that says `script`, each line after one command, and closes; all that it heard. `TAG` is the tag of the
/// command before.
async fn recite(mut stream: DuplexStream, script: &[&str]) -> Vec<u8> {
    let mut heard = Vec::new();
    let mut tag = String::new();
    for (number, says) in script.iter().enumerate() {
        if number > 0 {
            let mut line = Vec::new();
            while !line.ends_with(b"\n") {
                match stream.read_u8().await {
                    Ok(octet) => line.push(octet),
                    Err(_) => break,
                }
            }
            tag = String::from_utf8_lossy(&line).split(' ').next().unwrap_or_default().to_owned();
            heard.extend_from_slice(&line);
        }
        if stream.write_all(says.replace("TAG", &tag).as_bytes()).await.is_err() {
            break;
        }
    }
    stream.shutdown().await.ok();
    stream.read_to_end(&mut heard).await.ok();
    heard
}

/// No credentials, in any form in which they would be sent.
fn is_discreet(heard: &[u8]) -> bool {
    let text = String::from_utf8_lossy(heard).to_ascii_uppercase();
    !["GEHEIM", "AHVYC2VSAEDLAGVPBSE", "URSEL", "AUTH", "LOGIN", "USER ", "PASS "]
        .iter()
        .any(|word| text.contains(word))
}

const SMTP_HELLO: &str = "220 mail.example ESMTP\r\n";
const SMTP_OFFER: &str = "250-mail.example\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n";
const POP3_OFFER: &str = "+OK\r\nSTLS\r\nUSER\r\nSASL PLAIN\r\n.\r\n";
const IMAP_OFFER: &str = "* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] ready\r\n";

#[tokio::test(start_paused = true)]
async fn tlsc_01_tlsc_02_tlsc_03_tlsc_04_tlsc_12_tlsc_14_tls_that_is_stripped_off_is_an_error_before_credentials()
 {
    let scripts: [(Protocol, &[&str]); 15] = [
        // The offer is missing.
        (Protocol::Submission, &[SMTP_HELLO, "250-mail.example\r\n250 AUTH PLAIN LOGIN\r\n"]),
        (Protocol::Submission, &[SMTP_HELLO, "502 5.5.1 what\r\n", "250 mail.example\r\n"]),
        (Protocol::Pop3, &["+OK hello\r\n", "+OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n", "-ERR no\r\n"]),
        (Protocol::Pop3, &["+OK hello\r\n", "-ERR what\r\n", "-ERR what\r\n"]),
        (Protocol::Imap, &["* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n", "TAG BAD what\r\n"]),
        (Protocol::Imap, &["* OK ready\r\n", "TAG BAD what\r\n", "TAG BAD what\r\n"]),
        // TLS is refused.
        (Protocol::Submission, &[SMTP_HELLO, SMTP_OFFER, "454 4.7.0 not now\r\n"]),
        (Protocol::Submission, &[SMTP_HELLO, SMTP_OFFER, "502 5.5.1 never\r\n"]),
        (Protocol::Submission, &[SMTP_HELLO, SMTP_OFFER, "354 go on\r\n"]),
        (Protocol::Pop3, &["+OK hello\r\n", POP3_OFFER, "-ERR not now\r\n"]),
        (Protocol::Imap, &[IMAP_OFFER, "TAG NO not now\r\n"]),
        (Protocol::Imap, &[IMAP_OFFER, "TAG BAD what\r\n"]),
        (Protocol::Imap, &[IMAP_OFFER, "+ go on\r\n"]),
        // Nobody logs in to a session that is logged in.
        (Protocol::Imap, &["* PREAUTH [CAPABILITY IMAP4rev1] ready\r\n"]),
        (Protocol::Imap, &["* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n", "TAG OK go\r\n"]),
    ];
    for (protocol, script) in scripts {
        let (_, role) = tls_roles(alpn(protocol));
        let (near, far) = duplex(64 * 1024);
        let (opened, heard) =
            tokio::join!(open(protocol, TlsMode::StartTls, near, &role), recite(far, script));
        opened.expect_err(&format!("{protocol:?} {script:?}"));
        assert!(is_discreet(&heard), "{script:?}: {:?}", String::from_utf8_lossy(&heard));
    }
}

#[tokio::test(start_paused = true)]
async fn tlsc_05_tlsc_13_tlsc_15_words_behind_the_go_ahead_are_an_error() {
    let scripts: [(Protocol, &[&str]); 6] = [
        (Protocol::Submission, &[SMTP_HELLO, SMTP_OFFER, "220 go\r\n250-evil.example\r\n250 AUTH LOGIN\r\n"]),
        (Protocol::Submission, &[SMTP_HELLO, SMTP_OFFER, "220 go\r\n250-AUTH PLAIN LOG"]),
        (Protocol::Pop3, &["+OK hello\r\n", POP3_OFFER, "+OK go\r\n+OK\r\nSASL PLAIN\r\n.\r\n"]),
        (Protocol::Pop3, &["+OK hello\r\n", POP3_OFFER, "+OK go\r\ngarbage"]),
        (Protocol::Imap, &[IMAP_OFFER, "TAG OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n"]),
        (Protocol::Imap, &[IMAP_OFFER, "TAG OK go\r\n* BYE [ALERT"]),
    ];
    for (protocol, script) in scripts {
        let (_, role) = tls_roles(alpn(protocol));
        let (near, far) = duplex(64 * 1024);
        let (opened, heard) =
            tokio::join!(open(protocol, TlsMode::StartTls, near, &role), recite(far, script));
        let (phase, _) = opened.unwrap_err();
        assert_eq!(phase, Phase::Greeting, "{script:?}");
        assert!(is_discreet(&heard), "{script:?}: {:?}", String::from_utf8_lossy(&heard));
    }
}

#[tokio::test(start_paused = true)]
async fn stls_09_a_handshake_that_fails_never_goes_on_in_the_clear() {
    // The go-ahead, and then words in place of a ServerHello. Also where TLS was wanted only if offered.
    let scripts: [(Protocol, &[&str], &str); 3] = [
        (Protocol::Submission, &[SMTP_HELLO, SMTP_OFFER, "220 go\r\n"], "250 mail.example\r\n"),
        (Protocol::Pop3, &["+OK hello\r\n", POP3_OFFER, "+OK go\r\n"], "+OK\r\n.\r\n"),
        (Protocol::Imap, &[IMAP_OFFER, "TAG OK go\r\n"], "* CAPABILITY IMAP4rev1\r\n"),
    ];
    for (protocol, script, words) in scripts {
        for mode in [TlsMode::StartTls, TlsMode::StartTlsIfOffered] {
            let (_, role) = tls_roles(alpn(protocol));
            let (near, mut far) = duplex(64 * 1024);
            let server = async {
                let mut tag = String::new();
                for (number, says) in script.iter().enumerate() {
                    if number > 0 {
                        let mut line = String::new();
                        while !line.ends_with('\n') {
                            line.push(char::from(far.read_u8().await.unwrap()));
                        }
                        tag = line.split(' ').next().unwrap().to_owned();
                    }
                    far.write_all(says.replace("TAG", &tag).as_bytes()).await.unwrap();
                }
                // The ClientHello comes first, so that the words are no residue.
                let first = far.read_u8().await.unwrap();
                far.write_all(words.as_bytes()).await.unwrap();
                let mut rest = vec![first];
                far.read_to_end(&mut rest).await.unwrap();
                rest
            };
            let (opened, heard) = tokio::join!(open(protocol, mode, near, &role), server);
            let (_, text) = opened.unwrap_err();
            assert!(text.contains("TLS handshake failed"), "{protocol:?}: {text}");
            assert!(only_tls(&heard), "{protocol:?} {mode:?}: {heard:?}");
        }
    }
}

/// Whether these octets are records of a handshake and alerts, whole, and nothing else.
fn only_tls(mut octets: &[u8]) -> bool {
    while let [20..=23, 3, _, high, low, rest @ ..] = octets {
        let Some((_, rest)) = rest.split_at_checked(usize::from(u16::from_be_bytes([*high, *low]))) else {
            return false;
        };
        octets = rest;
    }
    octets.is_empty()
}

#[tokio::test(start_paused = true)]
async fn without_an_offer_opportunistic_tls_goes_on_in_the_clear_and_logs_nobody_in() {
    let scripts: [(Protocol, &[&str]); 3] = [
        (Protocol::Submission, &[SMTP_HELLO, "250-mail.example\r\n250 AUTH PLAIN LOGIN\r\n"]),
        (Protocol::Pop3, &["+OK hello\r\n", "+OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n"]),
        (Protocol::Imap, &["* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n"]),
    ];
    for (protocol, script) in scripts {
        let (_, role) = tls_roles(alpn(protocol));
        let (near, far) = duplex(64 * 1024);
        let (opened, heard) =
            tokio::join!(open(protocol, TlsMode::StartTlsIfOffered, near, &role), recite(far, script));
        let (phase, text) = opened.unwrap_err();
        assert_eq!(phase, Phase::Login, "{text}");
        assert!(is_discreet(&heard), "{script:?}: {:?}", String::from_utf8_lossy(&heard));
    }
}

#[tokio::test(start_paused = true)]
async fn tlsc_18_tls_from_the_first_octet_also_over_a_stream_that_was_given() {
    for protocol in PROTOCOLS {
        let (_, role) = tls_roles(alpn(protocol));
        // A server that greets in the clear, as one on the wrong port does, and one that is silent for a moment.
        for greeting in [SMTP_HELLO, "+OK hello\r\n", IMAP_OFFER] {
            let (near, far) = duplex(64 * 1024);
            let begun = Instant::now();
            let script = [greeting];
            let (opened, heard) =
                tokio::join!(open(protocol, TlsMode::Implicit, near, &role), recite(far, &script));
            let (phase, text) = opened.unwrap_err();
            assert_eq!(phase, Phase::Handshake, "{text}");
            assert!(only_tls(&heard) && heard[0] == 22, "{protocol:?}: {heard:?}");
            assert_eq!(begun.elapsed(), Duration::ZERO, "{protocol:?}");
        }
    }
}

/// Runs a server until its connection is over; what its events were.
async fn run<M: Machine<Event: std::fmt::Debug>>(
    mut connection: Connection<M>,
    mut answer: impl FnMut(M::Event, &mut M),
) -> Vec<String> {
    let mut events = Vec::new();
    while let Ok(Some(event)) = connection.next().await {
        let text = format!("{event:?}");
        events.push(text.split(['(', ' ', '{']).next().unwrap().to_owned());
        answer(event, connection.machine());
    }
    events
}

async fn run_smtp(stream: Stream, role: Role) -> Vec<String> {
    use posthaste_smtp::server::{Config, Event, Mode, Server, TlsOffer};
    let config = Config::new(Mode::Mta, "mail.example".parse().unwrap()).with_tls(TlsOffer::StartTls);
    let machine = Server::new(config, stream.security(), Time::ZERO);
    run(Connection::new(machine, stream, role), |event, server| match event {
        Event::StartTls(token) => token.accept(server).unwrap(),
        Event::Mail(mail) => mail.accept(server).unwrap(),
        Event::Rcpt(rcpt) => rcpt.accept(server).unwrap(),
        Event::Data(data) => data.accept(server).unwrap(),
        Event::BodyEnd(end) => end.accept(server).unwrap(),
        _ => {}
    })
    .await
}

async fn run_pop3(stream: Stream, role: Role) -> Vec<String> {
    use posthaste_pop3::server::{Config, Event, TlsOffer};
    let mut config = Config::default();
    config.tls = TlsOffer::StartTls;
    let machine = posthaste_pop3::Server::new(config, stream.security(), Time::ZERO);
    run(Connection::new(machine, stream, role), |event, server| {
        if let Event::StartTls(token) = event {
            token.accept(server).unwrap();
        }
    })
    .await
}

async fn run_imap(stream: Stream, role: Role) -> Vec<String> {
    use posthaste_imap::server::{Config, Event, Server, TlsOffer};
    let mut config = Config::new("mail.example");
    config.tls = TlsOffer::StartTls;
    let machine = Server::new(config, stream.security(), Time::ZERO);
    run(Connection::new(machine, stream, role), |event, server| match event {
        Event::StartTls(token) => token.accept(server).unwrap(),
        Event::Login(login) => login.ok(server).unwrap(),
        Event::Append(append) => append.accept(server).unwrap(),
        Event::AppendEnd(end) => end.ok_without_uids(server).unwrap(),
        _ => {}
    })
    .await
}

async fn run_server(protocol: Protocol, stream: Stream, role: Role) -> Vec<String> {
    match protocol {
        Protocol::Imap => run_imap(stream, role).await,
        Protocol::Pop3 => run_pop3(stream, role).await,
        _ => run_smtp(stream, role).await,
    }
}

/// Both ends of a TLS connection.
async fn pair(alpn: Alpn) -> (Stream, Stream, Role) {
    let (server_role, client_role) = tls_roles(alpn);
    let (near, far) = duplex(64 * 1024);
    let (server, client) =
        tokio::join!(Stream::from(near).into_tls(&server_role), Stream::from(far).into_tls(&client_role));
    (server.unwrap(), client.unwrap(), server_role)
}

#[tokio::test(start_paused = true)]
async fn stls_17_of_a_message_that_is_cut_nothing_is_accepted() {
    const MAIL: &str = "EHLO a.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@mail.example>\r\n";
    // What comes before the message, the part of it that arrives, and the rest.
    let cases: [(Protocol, String, &str, &str); 6] = [
        (Protocol::Submission, format!("{MAIL}DATA\r\n"), "Subject: x\r\n\r\nhalf", "\r\n.\r\n"),
        (Protocol::Submission, format!("{MAIL}DATA\r\n"), "Subject: x\r\n\r\nhalf\r\n.", "\r\n"),
        (Protocol::Submission, MAIL.into(), "BDAT 20 LAST\r\n0123456789", "abcdefghij"),
        (Protocol::Submission, MAIL.into(), "BDAT 4\r\nhalf", "BDAT 0 LAST\r\n"),
        (Protocol::Imap, "a LOGIN u p\r\n".into(), "b APPEND INBOX {10+}\r\n01234", "56789\r\n"),
        (Protocol::Imap, "a LOGIN u p\r\n".into(), "b APPEND INBOX {10+}\r\n0123456789", "\r\n"),
    ];
    for (protocol, before, half, rest) in cases {
        for (text, taken) in [(half.to_owned(), false), (format!("{half}{rest}"), true)] {
            let (server, mut client, role) = pair(alpn(protocol)).await;
            let talking = async {
                for piece in [before.as_str(), &text] {
                    client.write_all(piece.as_bytes()).await.unwrap();
                    client.flush().await.unwrap();
                    quiet(&mut client).await;
                }
                // The cut, without the end of TLS.
                drop(client);
            };
            let (events, ()) = tokio::join!(run_server(protocol, server, role), talking);
            let is_end = |event: &String| event == "BodyEnd" || event == "AppendEnd";
            assert_eq!(events.iter().any(is_end), taken, "{text:?}: {events:?}");
            assert_eq!(events.iter().any(|event| event == "BodyAborted"), !taken, "{text:?}: {events:?}");
        }
    }
}

/// Reads until nothing comes any more.
async fn quiet(stream: &mut Stream) {
    let mut octets = [0; 4096];
    while let Ok(Ok(1..)) = timeout(Duration::from_secs(1), stream.read(&mut octets)).await {}
}

#[tokio::test(start_paused = true)]
async fn stls_17_a_session_that_said_goodbye_ends_well_either_way_and_says_the_end_of_tls() {
    use posthaste_smtp::server::{Config, Mode, Server};
    for polite in [true, false] {
        let (server, mut client, role) = pair(Alpn::Smtp).await;
        let config = Config::new(Mode::Mta, "mail.example".parse().unwrap());
        let machine = Server::new(config, server.security(), Time::ZERO);
        let mut connection = Connection::new(machine, server, role);
        let talking = async {
            client.write_all(b"QUIT\r\n").await.unwrap();
            client.flush().await.unwrap();
            let mut said = String::new();
            // A cut in place of the end of TLS would be an error here.
            client.read_to_string(&mut said).await.unwrap();
            assert!(said.contains("\r\n221 "), "{said}");
            if polite {
                client.shutdown().await.unwrap();
            }
            drop(client);
        };
        let begun = Instant::now();
        let (ended, ()) = tokio::join!(connection.next(), talking);
        assert!(matches!(ended, Ok(None)), "{ended:?}");
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn stls_17_the_end_of_tls_is_honoured_though_the_pipe_stays_open() {
    let (server, mut client, role) = pair(Alpn::Smtp).await;
    client.write_all(b"EHLO a.exam").await.unwrap();
    client.shutdown().await.unwrap();
    let begun = Instant::now();
    let events = timeout(Duration::from_secs(60), run_smtp(server, role)).await.unwrap();
    assert!(events.is_empty(), "{events:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    drop(client);
}

/// A server inside TLS that says `script`, each line after one command, and cuts the connection.
async fn recite_and_cut(mut stream: Stream, script: &[&str]) {
    let mut tag = String::new();
    for (number, says) in script.iter().enumerate() {
        if number > 0 {
            let mut line = String::new();
            while !line.ends_with('\n') {
                line.push(char::from(stream.read_u8().await.unwrap()));
            }
            tag = line.split(' ').next().unwrap().to_owned();
        }
        stream.write_all(says.replace("TAG", &tag).as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    }
    drop(stream);
}

#[tokio::test(start_paused = true)]
async fn tlsc_20_of_what_is_cut_nothing_is_whole() {
    // A message, in the middle of a line and at the end of one; a listing.
    for (command, answer) in
        [("RETR", "+OK\r\nhalf a li"), ("RETR", "+OK\r\na line\r\n"), ("LIST", "+OK\r\n1 120\r\n2 200\r\n")]
    {
        let (server, client, _) = pair(Alpn::Pop3).await;
        let script = [
            "+OK hello\r\n",
            "+OK\r\nSASL PLAIN\r\nUIDL\r\n.\r\n",
            "+OK in\r\n",
            "+OK\r\nUIDL\r\n.\r\n",
            answer,
        ];
        let fetching = async {
            let options = ClientOptions::default().with_credentials(Credentials::new("ursel", "Geheim!"));
            let endpoint = endpoint(Protocol::Pop3, TlsMode::Implicit);
            let mut client = pop3::Client::over(client, &endpoint, &options).await.unwrap();
            let number = posthaste_pop3::MessageNumber::new(1).unwrap();
            match command {
                "RETR" => client.retr_to_bytes(number, 1000).await.map(drop),
                _ => client.list().await.map(drop),
            }
        };
        let (fetched, ()) = tokio::join!(fetching, recite_and_cut(server, &script));
        fetched.expect_err(answer);
    }
    // A literal.
    let (server, client, _) = pair(Alpn::Imap).await;
    let script = [
        "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hello\r\n",
        "TAG OK [CAPABILITY IMAP4rev1] in\r\n",
        "* 1 EXISTS\r\n* FLAGS ()\r\nTAG OK [READ-WRITE] selected\r\n",
        "* 1 FETCH (BODY[] {12}\r\nhello",
    ];
    let fetching = async {
        let options = ClientOptions::default().with_credentials(Credentials::new("ursel", "Geheim!"));
        let endpoint = endpoint(Protocol::Imap, TlsMode::Implicit);
        let client = imap::Client::over(client, &endpoint, &options).await.unwrap();
        client.select(Mailbox::inbox()).await.unwrap();
        let one = SequenceSet::single(NonZeroU32::MIN);
        let mut rows = client.fetch(one, [FetchAttribute::Rfc822]).await.unwrap();
        // Where the row begins is told; that it is whole is not.
        match rows.next().await {
            Ok(Some(row)) => row.collect(1000).await.map(drop),
            Ok(None) => panic!("an end"),
            Err(error) => Err(error),
        }
    };
    let (fetched, ()) = tokio::join!(fetching, recite_and_cut(server, &script));
    fetched.expect_err("half a literal");
}

#[tokio::test(start_paused = true)]
async fn a_client_in_the_clear_at_a_tls_port_learns_nothing_and_tells_nothing() {
    for protocol in PROTOCOLS {
        let (server_role, client_role) = tls_roles(alpn(protocol));
        let (near, far) = duplex(64 * 1024);
        let serving = async {
            // A client of mail says nothing before the server does: only the deadline ends this.
            timeout(Duration::from_secs(30), Stream::from(near).into_tls(&server_role)).await.unwrap_err()
        };
        let (opened, _) = tokio::join!(open(protocol, TlsMode::StartTls, far, &client_role), serving);
        assert_eq!(opened.unwrap_err().0, Phase::Greeting, "{protocol:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn stls_12_what_is_not_tls_at_a_tls_port_is_refused_at_once() {
    for text in [
        "GET / HTTP/1.1\r\nHost: mail.example\r\n\r\n",
        "POST / HTTP/1.1\r\n\r\n",
        "EHLO a.example\r\n",
        "a1 CAPABILITY\r\n",
        "CAPA\r\n\r\n",
        "SSH-2.0-x\r\n",
    ] {
        let (server_role, _) = tls_roles(Alpn::Imap);
        let (near, mut far) = duplex(64 * 1024);
        far.write_all(text.as_bytes()).await.unwrap();
        let begun = Instant::now();
        Stream::from(near).into_tls(&server_role).await.unwrap_err();
        assert_eq!(begun.elapsed(), Duration::ZERO, "{text:?}");
        let mut answer = Vec::new();
        far.read_to_end(&mut answer).await.unwrap();
        assert!(only_tls(&answer), "{text:?}: {answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn tls_at_a_port_in_the_clear_fails_at_once_and_nothing_comes_back() {
    for protocol in PROTOCOLS {
        let (server_role, client_role) = tls_roles(alpn(protocol));
        let (near, far) = duplex(64 * 1024);
        let begun = Instant::now();
        let (events, opened) = tokio::join!(
            run_server(protocol, near.into(), server_role),
            open(protocol, TlsMode::Implicit, far, &client_role)
        );
        assert_eq!(opened.unwrap_err().0, Phase::Handshake, "{protocol:?}");
        assert!(events.iter().all(|event| event == "Violation"), "{protocol:?}: {events:?}");
        assert!(begun.elapsed() <= Duration::from_secs(3), "{protocol:?}: {:?}", begun.elapsed());
    }
    // A ClientHello, with line ends in its random octets: none of it is echoed.
    for protocol in PROTOCOLS {
        let (server_role, _) = tls_roles(alpn(protocol));
        let (near, mut far) = duplex(64 * 1024);
        let hello = b"\x16\x03\x01\x00\x31\x01\x00\x00\x2d\x03\x03(marker\r\n(marker\r\n(markerX\x00\x00\x02\x13\x01\x01\x00\r\n";
        let talking = async {
            far.write_all(hello).await.unwrap();
            far.shutdown().await.unwrap();
            let mut answer = Vec::new();
            far.read_to_end(&mut answer).await.unwrap();
            String::from_utf8_lossy(&answer).into_owned()
        };
        let (events, answer) = tokio::join!(run_server(protocol, near.into(), server_role), talking);
        assert!(!answer.contains("marker"), "{protocol:?}: {answer}");
        assert!(events.iter().all(|event| event == "Violation"), "{protocol:?}: {events:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_is_cut_is_an_error_on_both_sides() {
    let (server_role, client_role) = tls_roles(Alpn::Imap);
    // Of a client's first flight, every so often a bit more.
    let (near, mut far) = duplex(64 * 1024);
    let role = client_role.clone();
    let client = tokio::spawn(async move { Stream::from(near).into_tls(&role).await });
    let mut hello = vec![0; 4096];
    let length = far.read(&mut hello).await.unwrap();
    drop(far);
    client.await.unwrap().unwrap_err();
    for cut in (0..=length).step_by(23) {
        let (near, mut far) = duplex(64 * 1024);
        far.write_all(&hello[..cut]).await.unwrap();
        far.shutdown().await.unwrap();
        let error = Stream::from(near).into_tls(&server_role).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof, "{cut}: {error}");
        // And of the server's.
        let (near, mut far) = duplex(64 * 1024);
        let role = server_role.clone();
        let server = tokio::spawn(async move { Stream::from(near).into_tls(&role).await });
        far.write_all(&hello[..length]).await.unwrap();
        let mut flight = vec![0; cut + 1];
        far.read_exact(&mut flight).await.unwrap();
        drop(far);
        server.await.unwrap().unwrap_err();
        let (near, mut far) = duplex(64 * 1024);
        far.write_all(&flight).await.unwrap();
        far.shutdown().await.unwrap();
        Stream::from(near).into_tls(&client_role).await.unwrap_err();
    }
}
