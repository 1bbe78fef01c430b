//! An answer that comes while the content is still being sent (RFC 5321 3.8): it is the answer to the message, and not
//! lost behind the error that sending ends with.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::endpoint;
use common::peer::mail_server;
use posthaste_smtp::{Envelope, server as smtp_server};
use posthaste_tokio::smtp::{Client, Fate, Report, SendError, Stage};
use posthaste_tokio::{
    Body, Cause, ClientOptions, Connection, Endpoint, Error, Protocol, Retry, Role, Security, Stream, Time,
    TlsMode,
};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout};

const EHLO: [&str; 2] = ["250 x\r\n", "250-x\r\n250-PIPELINING\r\n250 CHUNKING\r\n"];

/// Far more than fits between the two.
const LINES: usize = 300_000;

fn plain() -> Endpoint {
    endpoint(Protocol::Smtp, TlsMode::Plain)
}

fn envelope() -> Envelope {
    let hans = "<hans@mail.example>".parse().unwrap();
    Envelope::new("<ursel@mail.example>".parse().unwrap(), vec![hans])
}

/// A long body in small pieces, that are there at once.
fn long() -> Body {
    let lines = (0..LINES).map(|_| Ok(Bytes::from_static(b"0123456789 0123456789 0123456789\r\n")));
    Body::from_stream(futures_util::stream::iter(lines))
}

/// A body that comes to a halt behind its first line.
fn halting() -> Body {
    use futures_util::StreamExt;
    let first = futures_util::stream::iter([Ok(Bytes::from_static(b"Subject: slow\r\n"))]);
    Body::from_stream(first.chain(futures_util::stream::pending()))
}

async fn send(stream: impl Into<Stream>, body: Body) -> (Client, Result<Report, SendError>) {
    let name = "laptop.example".parse().unwrap();
    let mut client = Client::over(stream, &plain(), name, &ClientOptions::default()).await.unwrap();
    let sent = client.send(envelope(), body).await;
    (client, sent)
}

/// Greets, takes MAIL and RCPT, and so many octets of what follows.
async fn lead<S: AsyncRead + AsyncWrite + Unpin>(stream: S, ehlo: &str, octets: usize) -> BufReader<S> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 hello\r\n").await.unwrap();
    let data = ["354 go\r\n"].into_iter().filter(|_| !ehlo.contains("CHUNKING"));
    for answer in [ehlo, "250 ok\r\n", "250 ok\r\n"].into_iter().chain(data) {
        stream.read_line(&mut String::new()).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    }
    stream.read_exact(&mut vec![0; octets]).await.unwrap();
    stream
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Afterwards {
    /// The connection is gone with the words.
    Close,
    /// Nothing more is read.
    Halt,
    /// What still comes is read and thrown away.
    Swallow,
}

fn assert_refused(sent: Result<Report, SendError>, code: u16, what: &str) {
    let report = sent.unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(report.stage, Stage::Content, "{what}");
    assert_eq!(report.reply.as_ref().map(posthaste_smtp::Reply::code), Some(code), "{what}");
    let refusal = report.recipients[0].as_ref().unwrap_err();
    // 421 says come again, 552 does not.
    assert_eq!(refusal.is_transient(), code < 500, "{what}");
}

#[tokio::test(start_paused = true)]
async fn hst_08_an_answer_in_the_middle_of_the_content_is_the_answer_to_the_message() {
    for afterwards in [Afterwards::Close, Afterwards::Halt, Afterwards::Swallow] {
        for (ehlo, words) in
            [(EHLO[0], "421 4.3.2 down\r\n"), (EHLO[1], "421 down\r\n"), (EHLO[0], "552 no\r\n")]
        {
            let what = format!("{afterwards:?} {ehlo:?} {words:?}");
            let (near, far) = duplex(4096);
            let server = tokio::spawn(async move {
                let mut stream = lead(near, ehlo, 10_000).await;
                stream.write_all(words.as_bytes()).await.unwrap();
                let mut swallowed = Vec::new();
                match afterwards {
                    Afterwards::Close => {}
                    Afterwards::Halt => sleep(Duration::from_secs(3600)).await,
                    Afterwards::Swallow => drop(stream.read_to_end(&mut swallowed).await),
                }
                swallowed
            });
            let begun = Instant::now();
            let (mut client, sent) = send(far, long()).await;
            assert!(begun.elapsed() < Duration::from_secs(3), "{what}: {:?}", begun.elapsed());
            assert_refused(sent, words[..3].parse().unwrap(), &what);
            // The session is over, and nothing of another message was taken.
            let error = client.send(envelope(), "x\r\n").await.unwrap_err();
            assert_eq!((error.retry(), error.recipients()), (Retry::Safe, &[Fate::NotTaken][..]), "{what}");
            drop(client);
            if afterwards == Afterwards::Swallow {
                let swallowed = server.await.unwrap();
                // What was under way already, and no end of the message.
                assert!(swallowed.len() < 512 * 1024, "{what}: {}", swallowed.len());
                assert!(!swallowed.ends_with(b"\r\n.\r\n"), "{what}");
            } else {
                server.abort();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn hst_08_an_answer_is_heard_while_the_body_comes_to_a_halt() {
    for ehlo in EHLO {
        let (near, far) = duplex(4096);
        let server = tokio::spawn(async move {
            let mut stream = lead(near, ehlo, 0).await;
            sleep(Duration::from_secs(60)).await;
            stream.write_all(b"421 4.4.2 no patience\r\n").await.unwrap();
            sleep(Duration::from_secs(3600)).await;
        });
        let begun = Instant::now();
        let (_, sent) = send(far, halting()).await;
        assert_refused(sent, 421, ehlo);
        assert!(begun.elapsed() < Duration::from_secs(61), "{ehlo}: {:?}", begun.elapsed());
        server.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_in_the_middle_of_the_content_without_a_word_is_an_error_in_time() {
    for ehlo in EHLO {
        for half_a_reply in ["", "421 4.3.2 do"] {
            let (near, far) = duplex(4096);
            let server = tokio::spawn(async move {
                let mut stream = lead(near, ehlo, 10_000).await;
                stream.write_all(half_a_reply.as_bytes()).await.unwrap();
            });
            let begun = Instant::now();
            let (client, sent) = send(far, long()).await;
            let error = sent.unwrap_err();
            assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
            assert!(matches!(error.cause(), Cause::Connection(Error::Io(_) | Error::Protocol(_))), "{error}");
            assert_eq!((error.retry(), error.recipients()), (Retry::Safe, &[Fate::NotTaken][..]), "{error}");
            assert!(client.is_over());
            server.await.unwrap();
        }
    }
}

/// On a real connection: what a server that closes has not read makes the system reset the connection, right behind
/// its last words.
#[tokio::test]
async fn hst_08_a_421_in_front_of_a_reset_is_heard() {
    for round in 0..20 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = lead(stream, EHLO[0], 10_000).await;
            stream.write_all(b"421 4.3.2 down\r\n").await.unwrap();
        });
        let stream = TcpStream::connect(address).await.unwrap();
        let (_, sent) = timeout(Duration::from_secs(20), send(stream, long())).await.expect("a hang");
        server.await.unwrap();
        assert_refused(sent, 421, &format!("round {round}"));
    }
}

/// A server that closes sessions for want of words, and takes its own application's time for that of the client, says
/// so in the middle of everything. Here the time that an application takes counts against nobody.
#[tokio::test(start_paused = true)]
async fn smtp_server_144_an_application_that_takes_long_is_not_the_fault_of_the_client() {
    use smtp_server::{Config, Event, Mode, Server};
    let (near, far) = duplex(4096);
    let server = tokio::spawn(async move {
        let config = Config::new(Mode::Mta, "mail.example".parse().unwrap());
        let machine = Server::new(config, Security::Plain, Time::ZERO);
        let mut connection = Connection::new(machine, near, Role::Server { tls: None });
        let mut taken = 0;
        while let Some(event) = connection.next().await.unwrap() {
            // Longer than any deadline of the machine.
            sleep(Duration::from_secs(3600)).await;
            let server = connection.machine();
            match event {
                Event::Mail(mail) => mail.accept(server).unwrap(),
                Event::Rcpt(rcpt) => rcpt.accept(server).unwrap(),
                Event::Data(data) => data.accept(server).unwrap(),
                Event::BodyEnd(end) => {
                    taken += 1;
                    end.accept(server).unwrap();
                }
                _ => {}
            }
        }
        taken
    });
    let mut client = BufReader::new(far);
    let script = [
        "",
        "EHLO laptop.example",
        "MAIL FROM:<a@x.example>",
        "RCPT TO:<b@x.example>",
        "DATA",
        "x\r\n.",
        "QUIT",
    ];
    for (line, code) in script.iter().zip(["220", "250", "250", "250", "354", "250", "221"]) {
        if !line.is_empty() {
            client.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        }
        let mut reply = String::new();
        // The last line has no hyphen behind the code.
        while reply.lines().last().is_none_or(|line| line.as_bytes()[3] == b'-') {
            assert_ne!(client.read_line(&mut reply).await.unwrap(), 0, "{line}");
        }
        assert!(reply.starts_with(code), "{line}: {reply}");
    }
    assert_eq!(server.await.unwrap(), 1);
}

/// The same words to a client that has nothing to say for a while: the end of that session, and no answer to anything.
#[tokio::test(start_paused = true)]
async fn smtp_server_144_a_421_for_silence_is_no_answer_to_the_next_message() {
    for words in ["421 Timeout - closing connection\r\n", "421-4.4.2 Timeout\r\n421 4.4.2 closing\r\n"] {
        let (near, far) = duplex(4096);
        let server = tokio::spawn(async move {
            let mut stream = BufReader::new(near);
            stream.write_all(b"220 hello\r\n").await.unwrap();
            stream.read_line(&mut String::new()).await.unwrap();
            stream.write_all(EHLO[0].as_bytes()).await.unwrap();
            sleep(Duration::from_secs(60)).await;
            stream.write_all(words.as_bytes()).await.unwrap();
            let mut rest = String::new();
            stream.read_to_string(&mut rest).await.unwrap();
            rest
        });
        let name = "laptop.example".parse().unwrap();
        let mut client = Client::over(far, &plain(), name, &ClientOptions::default()).await.unwrap();
        sleep(Duration::from_secs(120)).await;
        let error = client.send(envelope(), "x\r\n").await.unwrap_err();
        assert!(error.to_string().contains("421"), "{error}");
        assert_eq!((error.retry(), error.recipients()), (Retry::Safe, &[Fate::NotTaken][..]), "{error}");
        drop(client);
        assert_eq!(server.await.unwrap(), "", "nothing is said to a server that has gone");
        // Over another session it goes.
        let (near, far) = duplex(4096);
        let config = smtp_server::Config::new(smtp_server::Mode::Mta, "mail.example".parse().unwrap());
        let store = common::peer::Store::default();
        let server = tokio::spawn(mail_server(near, config, common::peer::Store::clone(&store)));
        let (client, sent) = send(far, "x\r\n".into()).await;
        assert!(sent.unwrap().is_complete());
        client.quit().await.unwrap();
        server.await.unwrap();
        assert_eq!(store.lock().unwrap().len(), 1);
    }
}
