//! The SMTP client against the server machine, over pipes, with STARTTLS and real certificates.
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
use common::peer::{Store, carry, drip, follow, mail_server};
use common::{endpoint, tls_roles, trusting};
use posthaste_smtp::server as smtp_server;
use posthaste_smtp::{Envelope, Rejection};
use posthaste_tokio::smtp::Fate;
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{
    Body, Cause, ClientOptions, Connection, Credentials, Phase, Protocol, Retry, Role, Security, Time,
    TlsMode, smtp,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};

const PLAIN_RESPONSE: &[u8] = b"\0ursel\0Geheim!";

fn options(role: &Role) -> ClientOptions {
    trusting(role).with_credentials(Credentials::new("ursel", "Geheim!"))
}

/// A submission server that takes what is for `hans` and gives back the last content.
async fn submission(stream: DuplexStream, role: Role) -> Option<Vec<u8>> {
    use smtp_server::{Config, Event, Mode, Server, TlsOffer};
    let config = Config::new(Mode::Submission, "mail.example".parse().unwrap())
        .with_tls(TlsOffer::StartTls)
        .with_mechanisms(vec!["PLAIN".parse().unwrap()]);
    let machine = Server::new(config, Security::Plain, Time::ZERO);
    let mut connection = Connection::new(machine, stream, role);
    let mut content = Vec::new();
    let mut kept = None;
    while let Ok(Some(event)) = connection.next().await {
        let server = connection.machine();
        match event {
            Event::StartTls(token) => token.accept(server).unwrap(),
            Event::Auth(auth) => match auth.response() {
                Some(response) if response.expose() == PLAIN_RESPONSE => auth.accept(server).unwrap(),
                _ => auth.reject(server, Rejection::credentials_invalid()).unwrap(),
            },
            Event::Mail(mail) => mail.accept(server).unwrap(),
            Event::Rcpt(rcpt) if rcpt.to().to_string().contains("hans") => rcpt.accept(server).unwrap(),
            Event::Rcpt(rcpt) => rcpt.reject(server, Rejection::no_such_user()).unwrap(),
            Event::Data(data) => data.accept(server).unwrap(),
            Event::Body(chunk) => content.extend_from_slice(&chunk),
            Event::BodyEnd(end) => {
                kept = Some(std::mem::take(&mut content));
                end.accept(server).unwrap();
            }
            Event::BodyAborted(_) => content.clear(),
            _ => {}
        }
    }
    kept
}

fn envelope(to: &[&str]) -> Envelope {
    let recipients = to.iter().map(|to| to.parse().unwrap());
    Envelope::new("<ursel@mail.example>".parse().unwrap(), recipients)
}

#[tokio::test(start_paused = true)]
async fn a_message_is_submitted_over_starttls_with_an_answer_for_each_recipient() {
    let (server_role, client_role) = tls_roles(Alpn::Smtp);
    let (near, far) = duplex(512);
    let server = tokio::spawn(submission(near, server_role));
    let options = options(&client_role);
    let name = "laptop.example".parse().unwrap();
    let endpoint = endpoint(Protocol::Submission, TlsMode::StartTls);
    let mut client = smtp::Client::over(far, &endpoint, name, &options).await.unwrap();
    let message: String = (0..20_000).map(|n| format!(".line {n}\r\n")).collect();
    let report = client
        .send(envelope(&["<hans@mail.example>", "<nobody@mail.example>"]), message.clone())
        .await
        .unwrap();
    assert!(report.recipients[0].is_ok());
    let refusal = report.recipients[1].clone().unwrap_err().into_rejection();
    assert_eq!(refusal.reply().code(), 550);
    // A second message, from a reader.
    let reader = Body::from_reader(std::io::Cursor::new(message.clone().into_bytes()));
    assert!(client.send(envelope(&["<hans@mail.example>"]), reader).await.unwrap().is_complete());
    client.quit().await.unwrap();
    assert_eq!(server.await.unwrap().unwrap(), message.into_bytes());
}

#[tokio::test(start_paused = true)]
async fn wrong_credentials_are_an_error_of_connecting() {
    let (server_role, client_role) = tls_roles(Alpn::Smtp);
    let (near, far) = duplex(4096);
    let server = tokio::spawn(submission(near, server_role));
    let options = trusting(&client_role).with_credentials(Credentials::new("ursel", "verkehrt"));
    let endpoint = endpoint(Protocol::Submission, TlsMode::StartTls);
    let name = "laptop.example".parse().unwrap();
    let error = smtp::Client::over(far, &endpoint, name, &options).await.unwrap_err();
    assert_eq!(error.code().as_deref(), Some("535 5.7.8"), "{error}");
    assert_eq!((error.phase(), error.retry()), (Phase::Login, Retry::Never));
    assert!(
        error.to_string().starts_with("mail.example:587: login: the server refuses: 535 5.7.8 "),
        "{error}"
    );
    assert!(server.await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_cannot_be_read_is_no_message() {
    let (server_role, client_role) = tls_roles(Alpn::Smtp);
    let (near, far) = duplex(4096);
    let server = tokio::spawn(submission(near, server_role));
    let endpoint = endpoint(Protocol::Submission, TlsMode::StartTls);
    let name = "laptop.example".parse().unwrap();
    let mut client = smtp::Client::over(far, &endpoint, name, &options(&client_role)).await.unwrap();
    let reader = std::io::Cursor::new(b"half\r\n".to_vec()).chain(Broken);
    let error = client.send(envelope(&["<hans@mail.example>"]), Body::from_reader(reader)).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Source(_)), "{error}");
    drop(client);
    assert!(server.await.unwrap().is_none(), "half a message was accepted");
}

struct Broken;

impl tokio::io::AsyncRead for Broken {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Err(std::io::Error::other("disk is gone")))
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_are_not_sent_in_the_clear() {
    let (near, mut far) = duplex(4096);
    let server = tokio::spawn(async move {
        far.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
        let mut far = BufReader::new(far);
        let mut line = String::new();
        far.read_line(&mut line).await.unwrap();
        far.write_all(b"250-mail.example\r\n250 AUTH PLAIN LOGIN\r\n").await.unwrap();
        let mut rest = String::new();
        drop(far.read_to_string(&mut rest).await);
        rest
    });
    let name = "laptop.example".parse().unwrap();
    let endpoint = endpoint(Protocol::Submission, TlsMode::StartTls);
    let options = options(&Role::Client { tls: None });
    let error =
        smtp::Client::over(near, &endpoint.with_tls(TlsMode::Plain), name, &options).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::NoLogin), "{error}");
    assert_eq!((error.phase(), error.retry()), (Phase::Login, Retry::Never));
    assert_eq!(server.await.unwrap(), "");
}

#[tokio::test(start_paused = true)]
async fn whoever_is_named_without_a_password_does_not_go_on_as_nobody() {
    for (named, is_open) in [(false, true), (true, false)] {
        let (near, far) = duplex(4096);
        let script = [("EHLO", "250 mail.example\r\n")];
        let server = tokio::spawn(async move { follow(far, "220 hello\r\n", &script).await });
        let nobody = plain(Protocol::Submission);
        let endpoint = if named { nobody.with_user("ursel") } else { nobody };
        let name = "laptop.example".parse().unwrap();
        match smtp::Client::over(near, &endpoint, name, &quick()).await {
            Ok(_) => assert!(is_open),
            Err(error) => {
                assert!(!is_open && matches!(error.cause(), Cause::NoCredentials), "{error}");
                assert_eq!((error.phase(), error.retry()), (Phase::Login, Retry::Never));
            }
        }
        assert_eq!(server.await.unwrap(), ["EHLO laptop.example\r\n"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_falls_silent_is_given_up() {
    let (near, far) = duplex(4096);
    let mut options = ClientOptions::default();
    options.idle_timeout = Duration::from_secs(20);
    let name = "laptop.example".parse().unwrap();
    let endpoint = endpoint(Protocol::Submission, TlsMode::StartTls);
    let error =
        smtp::Client::over(near, &endpoint.with_tls(TlsMode::Plain), name, &options).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Idle(_)), "{error}");
    assert_eq!((error.phase(), error.retry()), (Phase::Greeting, Retry::Safe));
    drop(far);
}

const MESSAGE: &str = "Subject: hello\r\n\r\n.Hello, Hans.\r\n..\r\nbye\r\n";

fn mta() -> smtp_server::Config {
    smtp_server::Config::new(smtp_server::Mode::Mta, "mail.example".parse().unwrap())
}

fn plain(protocol: Protocol) -> posthaste_tokio::Endpoint {
    endpoint(protocol, TlsMode::Plain)
}

fn quick() -> ClientOptions {
    let mut options = ClientOptions::default();
    options.open_timeout = Duration::from_secs(100);
    options.idle_timeout = Duration::from_secs(50);
    options.call_timeout = Duration::from_secs(1000);
    options
}

async fn open(stream: DuplexStream, options: &ClientOptions) -> Result<smtp::Client, smtp::Error> {
    smtp::Client::over(stream, &plain(Protocol::Smtp), "laptop.example".parse().unwrap(), options).await
}

fn stored(store: &Store) -> Vec<Vec<u8>> {
    store.lock().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn replies_in_any_pieces_are_one_conversation() {
    let without = mta().with_extensions(smtp_server::Extensions::new().without_chunking());
    for (config, width) in
        [mta(), without].iter().flat_map(|config| (1..=64).map(move |width| (config, width)))
    {
        let (near, far) = duplex(width);
        let store = Store::default();
        let server = tokio::spawn(mail_server(near, config.clone(), Store::clone(&store)));
        let mut client = open(far, &quick()).await.unwrap();
        let to = ["<hans@mail.example>", "<nobody@mail.example>"];
        for _ in 0..2 {
            let report = client.send(envelope(&to), MESSAGE).await.unwrap();
            assert_eq!(report.accepted().map(|(index, _)| index).collect::<Vec<_>>(), [0], "{width}");
            assert_eq!(report.refused().map(|(index, _)| index).collect::<Vec<_>>(), [1], "{width}");
            assert!(!report.is_complete() && !report.is_refused() && !report.is_transient());
        }
        client.quit().await.unwrap();
        server.await.unwrap();
        assert_eq!(stored(&store), [MESSAGE.as_bytes(), MESSAGE.as_bytes()], "{width}");
    }
}

/// Cuts the connection behind so many octets of either side; says whether that was too late to matter.
async fn cut(near_max: u64, far_max: u64, config: smtp_server::Config) -> bool {
    let (client_end, near) = duplex(64);
    let (far, server_end) = duplex(64);
    let store = Store::default();
    let server = tokio::spawn(mail_server(server_end, config, Store::clone(&store)));
    let carrier = tokio::spawn(carry(near, far, near_max, far_max));
    let sent = match open(client_end, &quick()).await {
        Ok(mut client) => client.send(envelope(&["<a@mail.example>", "<no@mail.example>"]), MESSAGE).await,
        Err(error) => {
            assert_eq!(error.retry(), Retry::Safe, "{error}");
            carrier.await.unwrap();
            server.await.unwrap();
            assert!(stored(&store).is_empty());
            return false;
        }
    };
    carrier.await.unwrap();
    server.await.unwrap();
    let kept = stored(&store);
    assert!(kept.is_empty() || kept == [MESSAGE.as_bytes()], "{near_max} {far_max}");
    match sent {
        Ok(report) => {
            assert_eq!(report.accepted().count(), kept.len(), "{near_max} {far_max}");
            report.accepted().count() == 1
        }
        Err(error) => {
            let unknown = error.recipients().contains(&Fate::Unknown);
            assert_eq!(error.retry(), if unknown { Retry::Unknown } else { Retry::Safe }, "{error}");
            assert_eq!(smtp::Error::from(error.clone()).retry(), error.retry());
            assert!(unknown || kept.is_empty(), "{near_max} {far_max}: {error:?}");
            if let Some(again) = error.not_taken() {
                assert!(kept.is_empty() || again.recipients.len() == 1, "{error:?}");
            }
            false
        }
    }
}

#[tokio::test(start_paused = true)]
async fn cut_behind_any_octet_a_message_is_there_once_or_the_error_tells_the_truth() {
    for config in [mta(), mta().with_extensions(smtp_server::Extensions::new().without_chunking())] {
        for side in 0..2 {
            let mut octets = 0;
            loop {
                let (near, far) = if side == 0 { (octets, u64::MAX) } else { (u64::MAX, octets) };
                if cut(near, far, config.clone()).await {
                    break;
                }
                octets += 1;
                assert!(octets < 2000, "the message never arrives");
            }
            assert!(octets > 100, "side {side} was cut at {octets} octets and all went well");
        }
    }
}

const EHLO: (&str, &str) = ("EHLO", "250-mail.example\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n");

#[tokio::test(start_paused = true)]
async fn silence_before_the_session_is_ready_is_an_error_in_time() {
    let go: (&str, &str) = ("STARTTLS", "220 go\r\n");
    let cases: [(&str, &[_]); 4] =
        [("", &[]), ("220 hello\r\n", &[]), ("220 hello\r\n", &[EHLO]), ("220 hello\r\n", &[EHLO, go])];
    for (greeting, script) in cases {
        let (_, client_role) = tls_roles(Alpn::Smtp);
        let (near, far) = duplex(4096);
        let server = async { follow(near, greeting, script).await };
        let mut options = options(&client_role);
        options.open_timeout = Duration::from_secs(100);
        let start = tokio::time::Instant::now();
        let endpoint = endpoint(Protocol::Submission, TlsMode::StartTls);
        let open = smtp::Client::over(far, &endpoint, "laptop.example".parse().unwrap(), &options);
        let error = tokio::select! { biased; opened = open => opened.unwrap_err(), _ = server => panic!() };
        assert_eq!((error.phase(), error.retry()), (Phase::Greeting, Retry::Safe), "{error}");
        assert!(start.elapsed() <= Duration::from_secs(100), "{error} after {:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn silence_of_the_tls_layer_is_an_error_in_time() {
    let (_, client_role) = tls_roles(Alpn::Smtp);
    let (_near, far) = duplex(4096);
    let endpoint = endpoint(Protocol::Submission, TlsMode::Implicit);
    let name = "laptop.example".parse().unwrap();
    let error = smtp::Client::over(far, &endpoint, name, &options(&client_role)).await.unwrap_err();
    assert_eq!((error.phase(), error.retry()), (Phase::Handshake, Retry::Safe), "{error}");
}

#[tokio::test(start_paused = true)]
async fn silence_at_any_command_is_an_error_in_time_that_tells_the_truth() {
    let script: [(&str, &str); 6] = [
        ("EHLO", "250-mail.example\r\n250 AUTH PLAIN\r\n"),
        ("AUTH", "235 in\r\n"),
        ("MAIL", "250 ok\r\n"),
        ("RCPT", "250 ok\r\n"),
        ("DATA", "354 go\r\n"),
        (".\r\n", "250 taken\r\n"),
    ];
    for answered in 1..=script.len() {
        let (server_role, client_role) = tls_roles(Alpn::Smtp);
        let (near, far) = duplex(4096);
        let script = &script[..answered];
        let server = async move {
            let stream = posthaste_tokio::Stream::from(near).into_tls(&server_role).await.unwrap();
            follow(stream, "220 hello\r\n", script).await;
            std::future::pending::<()>().await;
        };
        let client = async {
            let mut options = options(&client_role);
            options.open_timeout = Duration::from_secs(100);
            let endpoint = endpoint(Protocol::Submission, TlsMode::Implicit);
            let name = "laptop.example".parse().unwrap();
            let start = tokio::time::Instant::now();
            let mut client = match smtp::Client::over(far, &endpoint, name, &options).await {
                Ok(client) => client,
                Err(error) => {
                    assert_eq!((error.phase(), error.retry()), (Phase::Login, Retry::Safe), "{error}");
                    assert_eq!((answered, start.elapsed().as_secs()), (1, 100));
                    return;
                }
            };
            match client.send(envelope(&["<hans@mail.example>"]), "hello\r\n").await {
                Ok(report) => assert!(answered == 6 && report.is_complete()),
                Err(error) if answered == 5 => {
                    assert_eq!((error.phase(), error.retry()), (Phase::Change, Retry::Unknown), "{error}");
                    assert!(error.recipients() == [Fate::Unknown] && error.not_taken().is_none());
                    assert_eq!(start.elapsed().as_secs(), 600);
                }
                Err(error) => {
                    assert_eq!((error.phase(), error.retry()), (Phase::Transfer, Retry::Safe), "{error}");
                    assert!(error.recipients() == [Fate::NotTaken] && error.not_taken().is_some());
                    assert!(start.elapsed() <= Duration::from_secs(300));
                }
            }
        };
        tokio::select! { biased; () = client => {}, () = server => panic!() }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_drips_is_given_up() {
    let start = tokio::time::Instant::now();
    let (near, far) = duplex(4096);
    let text = format!("220-{}", "x".repeat(1000));
    let options = ClientOptions::default();
    let error = tokio::select! {
        opened = open(far, &options) => opened.unwrap_err(),
        () = drip(near, text.as_bytes()) => panic!(),
    };
    assert_eq!(
        (error.phase(), error.retry(), start.elapsed().as_secs()),
        (Phase::Greeting, Retry::Safe, 120)
    );
    // Each line of an answer that never ends comes in time.
    let (near, far) = duplex(4096);
    let (read, mut write) = tokio::io::split(near);
    let server = async {
        let mut lines = BufReader::new(read).lines();
        write.write_all(b"220 hello\r\n").await.unwrap();
        lines.next_line().await.unwrap();
        write.write_all(b"250 hello\r\n").await.unwrap();
        lines.next_line().await.unwrap();
        drip(write, "250-x\r\n".repeat(1000).as_bytes()).await;
    };
    let client = async {
        let mut client = open(far, &ClientOptions::default()).await.unwrap();
        let start = tokio::time::Instant::now();
        let error = client.send(envelope(&["<hans@mail.example>"]), MESSAGE).await.unwrap_err();
        assert!(start.elapsed() <= Duration::from_secs(900), "{:?}", start.elapsed());
        assert_eq!(error.retry(), Retry::Safe, "{error}");
    };
    tokio::select! { biased; () = client => {}, () = server => panic!() }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_to_a_halt_is_no_message_and_no_hang() {
    for config in [mta(), mta().with_extensions(smtp_server::Extensions::new().without_chunking())] {
        let (near, far) = duplex(4096);
        let store = Store::default();
        let server = tokio::spawn(mail_server(near, config, Store::clone(&store)));
        let mut client = open(far, &quick()).await.unwrap();
        let (mut source, body) = duplex(100);
        source.write_all(b"half a line").await.unwrap();
        let start = tokio::time::Instant::now();
        let error =
            client.send(envelope(&["<hans@mail.example>"]), Body::from_reader(body)).await.unwrap_err();
        assert_eq!(start.elapsed(), Duration::from_secs(50));
        assert!(
            matches!(error.cause(), Cause::Source(error) if error.kind() == std::io::ErrorKind::TimedOut)
        );
        assert_eq!((error.retry(), error.recipients()), (Retry::Never, &[Fate::NotTaken][..]), "{error}");
        drop((client, source));
        server.await.unwrap();
        assert!(stored(&store).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_read_of_a_slow_body_is_sent_before_the_rest_is_there() {
    let (near, far) = duplex(4096);
    let (mut source, body) = duplex(100);
    let server = async move {
        let mut near = BufReader::new(near);
        near.write_all(b"220 hello\r\n").await.unwrap();
        for answer in ["250 hello\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n"] {
            near.read_line(&mut String::new()).await.unwrap();
            near.write_all(answer.as_bytes()).await.unwrap();
        }
        let mut line = String::new();
        near.read_line(&mut line).await.unwrap();
        assert_eq!(line, "first\r\n");
        source.write_all(b"second\r\n").await.unwrap();
        drop(source);
        near.read_line(&mut line).await.unwrap();
        near.read_line(&mut line).await.unwrap();
        near.write_all(b"250 taken\r\n").await.unwrap();
        assert_eq!(line, "first\r\nsecond\r\n.\r\n");
    };
    let client = async {
        let mut client = open(far, &quick()).await.unwrap();
        let first = &b"first\r\n"[..];
        let report =
            client.send(envelope(&["<hans@mail.example>"]), Body::from_reader(first.chain(body))).await;
        assert!(report.unwrap().is_complete());
    };
    tokio::join!(server, client);
}

/// A stream of what is in a list.
struct Chunks(std::vec::IntoIter<std::io::Result<Bytes>>);

impl futures_core::Stream for Chunks {
    type Item = std::io::Result<Bytes>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.next())
    }
}

#[tokio::test]
async fn a_body_comes_from_a_stream_or_a_file_with_its_size() {
    let (near, far) = duplex(4096);
    let store = Store::default();
    let server = tokio::spawn(mail_server(near, mta(), Store::clone(&store)));
    let mut client = open(far, &quick()).await.unwrap();
    let chunks: Vec<_> =
        ["Subject: x\r\n", "", "\r\nhello\r\n"].map(|chunk| Ok(Bytes::from(chunk))).into_iter().collect();
    let body = Body::from_stream(Chunks(chunks.into_iter()));
    assert_eq!(body.size(), None);
    assert!(client.send(envelope(&["<hans@mail.example>"]), body).await.unwrap().is_complete());
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, MESSAGE.as_bytes()).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let body = Body::from_file(tokio::fs::File::from_std(file)).await.unwrap();
    assert_eq!(body.size(), Some(MESSAGE.len() as u64));
    assert!(client.send(envelope(&["<hans@mail.example>"]), body).await.unwrap().is_complete());
    client.quit().await.unwrap();
    server.await.unwrap();
    assert_eq!(stored(&store), [&b"Subject: x\r\n\r\nhello\r\n"[..], MESSAGE.as_bytes()]);
}

#[tokio::test(start_paused = true)]
async fn a_body_of_another_size_than_it_was_said_to_have_is_no_message() {
    for octets in [MESSAGE.len() - 1, MESSAGE.len() + 1] {
        let (near, far) = duplex(4096);
        let store = Store::default();
        let server = tokio::spawn(mail_server(near, mta(), Store::clone(&store)));
        let mut client = open(far, &quick()).await.unwrap();
        let body = Body::from_reader(MESSAGE.as_bytes()).with_size(octets as u64);
        let error = client.send(envelope(&["<hans@mail.example>"]), body).await.unwrap_err();
        assert!(matches!(error.cause(), Cause::Source(_)), "{error}");
        // Between chunks a message can be taken back, and the session goes on.
        assert!(!client.is_over());
        assert!(client.send(envelope(&["<hans@mail.example>"]), MESSAGE).await.unwrap().is_complete());
        client.quit().await.unwrap();
        server.await.unwrap();
        assert_eq!(stored(&store), [MESSAGE.as_bytes()]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_does_not_offer_is_known_before_mail() {
    let (near, far) = duplex(4096);
    let script = [("EHLO", "250-mail.example\r\n250 SIZE 10\r\n"), ("QUIT", "221 bye\r\n")];
    let server = tokio::spawn(async move { follow(near, "220 hello\r\n", &script).await });
    let mut client = open(far, &quick()).await.unwrap();
    let hans = || envelope(&["<hans@mail.example>"]);
    let report = client.send(hans(), MESSAGE).await.unwrap();
    assert_eq!(report.unsupported(), Some(&smtp::Unsupported::MessageTooBig { max: 10 }));
    let mut wanted = hans();
    wanted.smtp_utf8 = true;
    let report = client.send(wanted, "hello\r\n").await.unwrap();
    assert_eq!(report.unsupported(), Some(&smtp::Unsupported::SmtpUtf8));
    let mut wanted = hans();
    wanted.require_tls = true;
    let report = client.send(wanted, "hello\r\n").await.unwrap();
    assert_eq!(report.unsupported(), Some(&smtp::Unsupported::Encryption));
    assert!(report.is_refused());
    let body = Body::from("hello\r\n");
    let wanted = hans().with_body(posthaste_smtp::BodyType::BinaryMime);
    let report = client.send(wanted, body).await.unwrap();
    assert_eq!(report.unsupported(), Some(&smtp::Unsupported::BinaryMime));
    drop(client.quit().await);
    let lines = server.await.unwrap();
    assert!(!lines.iter().any(|line| line.starts_with("MAIL")), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn content_that_may_not_be_sent_is_the_callers_to_mend() {
    let (near, far) = duplex(4096);
    let store = Store::default();
    let server = tokio::spawn(mail_server(near, mta(), Store::clone(&store)));
    let mut client = open(far, &quick()).await.unwrap();
    let error = client.send(envelope(&["<hans@mail.example>"]), "bare\nline\r\n").await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Source(_)), "{error}");
    assert_eq!((error.retry(), error.recipients()), (Retry::Never, &[Fate::NotTaken][..]));
    drop(client);
    server.await.unwrap();
    assert!(stored(&store).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_dropped_send_ends_the_session_and_leaves_nothing() {
    for (config, at) in [1, 20, 60, 200].into_iter().flat_map(|at| {
        [mta(), mta().with_extensions(smtp_server::Extensions::new().without_chunking())].map(|it| (it, at))
    }) {
        let (near, far) = duplex(64);
        let store = Store::default();
        let server = tokio::spawn(mail_server(near, config, Store::clone(&store)));
        let mut client = open(far, &quick()).await.unwrap();
        let (mut source, body) = duplex(100);
        source.write_all(b"half").await.unwrap();
        // The future is polled so often, and then dropped.
        let mut sending = Box::pin(client.send(envelope(&["<hans@mail.example>"]), Body::from_reader(body)));
        let mut polls = 0;
        std::future::poll_fn(|cx| {
            polls += 1;
            assert!(sending.as_mut().poll(cx).is_pending());
            if polls == at {
                std::task::Poll::Ready(())
            } else {
                cx.waker().wake_by_ref();
                std::task::Poll::Pending
            }
        })
        .await;
        drop(sending);
        assert!(client.is_over());
        let error = client.send(envelope(&["<hans@mail.example>"]), MESSAGE).await.unwrap_err();
        assert!(matches!(error.cause(), Cause::Closed) && error.retry() == Retry::Safe, "{error}");
        assert!(client.probe().await.is_err() && client.quit().await.is_err());
        server.await.unwrap();
        assert!(stored(&store).is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn lmtp_says_for_each_recipient_what_became_of_the_message() {
    let (near, far) = duplex(4096);
    let script = [
        ("LHLO", "250-mail.example\r\n250 PIPELINING\r\n"),
        ("MAIL", "250 ok\r\n"),
        ("RCPT TO:<a@", "250 ok\r\n"),
        ("RCPT TO:<b@", "550 no\r\n"),
        ("RCPT TO:<c@", "250 ok\r\n"),
        ("RCPT TO:<d@", "250 ok\r\n"),
        ("DATA", "354 go\r\n"),
        (".\r\n", "250 a has it\r\n452 c is full\r\n"),
    ];
    let server = follow(near, "220 hello\r\n", &script);
    let client = async {
        let name = "laptop.example".parse().unwrap();
        let mut client = smtp::Client::over(far, &plain(Protocol::Lmtp), name, &quick()).await.unwrap();
        let to = ["<a@mail.example>", "<b@mail.example>", "<c@mail.example>", "<d@mail.example>"];
        // The answer for d never comes.
        let error = client.send(envelope(&to), "hello\r\n").await.unwrap_err();
        let fates = error.recipients();
        assert!(matches!(&fates[0], Fate::Answered(Ok(_))), "{fates:?}");
        assert!(matches!(&fates[1], Fate::Answered(Err(no)) if !no.is_transient()), "{fates:?}");
        assert!(matches!(&fates[2], Fate::Answered(Err(no)) if no.is_transient()), "{fates:?}");
        assert_eq!(fates[3], Fate::Unknown);
        assert_eq!((error.retry(), error.not_taken()), (Retry::Unknown, None));
    };
    tokio::select! { biased; () = client => {}, _ = server => panic!() }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_closes_in_the_middle_of_a_session_has_reported() {
    let (near, far) = duplex(4096);
    let script = [("EHLO", "250 mail.example\r\n"), ("MAIL", "421 4.3.2 going down\r\n")];
    let server = tokio::spawn(async move { follow(near, "220 hello\r\n", &script).await });
    let mut client = open(far, &quick()).await.unwrap();
    let report = client.send(envelope(&["<hans@mail.example>"]), MESSAGE).await.unwrap();
    assert!(report.is_refused() && report.is_transient() && report.stage == smtp::Stage::Mail);
    let error = client.send(envelope(&["<hans@mail.example>"]), MESSAGE).await.unwrap_err();
    assert_eq!((error.retry(), error.recipients()), (Retry::Safe, &[Fate::NotTaken][..]), "{error}");
    drop(client);
    assert_eq!(server.await.unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn content_goes_by_bdat_where_that_is_offered_and_no_further_ahead_than_a_window() {
    let (near, far) = duplex(64 * 1024 * 1024);
    let server = async move {
        let mut near = BufReader::new(near);
        near.write_all(b"220 hello\r\n").await.unwrap();
        for answer in ["250-hello\r\n250-PIPELINING\r\n250 CHUNKING\r\n", "250 ok\r\n", "250 ok\r\n"] {
            near.read_line(&mut String::new()).await.unwrap();
            near.write_all(answer.as_bytes()).await.unwrap();
        }
        // Nothing is answered for a while: what comes is what a client sends ahead.
        tokio::time::sleep(Duration::from_secs(10)).await;
        let (mut octets, mut ahead) = (0_usize, 0);
        loop {
            let mut line = String::new();
            let next = near.read_line(&mut line);
            let Ok(Ok(_)) = tokio::time::timeout(Duration::from_secs(1), next).await else { break };
            let length: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            assert!(line.starts_with("BDAT ") && !line.contains("LAST"), "{line}");
            near.read_exact(&mut vec![0; length]).await.unwrap();
            (octets, ahead) = (octets + length, ahead + 1);
        }
        assert!(ahead > 1 && octets <= 1024 * 1024, "{ahead} chunks, {octets} octets");
        for _ in 0..ahead {
            near.write_all(b"250 chunk\r\n").await.unwrap();
        }
        loop {
            let mut line = String::new();
            near.read_line(&mut line).await.unwrap();
            let length: usize = line.split_whitespace().nth(1).unwrap().parse().unwrap();
            near.read_exact(&mut vec![0; length]).await.unwrap();
            octets += length;
            near.write_all(b"250 chunk\r\n").await.unwrap();
            if line.contains("LAST") {
                return octets;
            }
        }
    };
    let message = "0123456789\r\n".repeat(1024 * 1024);
    let client = async {
        let mut client = open(far, &quick()).await.unwrap();
        client.send(envelope(&["<hans@mail.example>"]), message.clone()).await.unwrap()
    };
    let (octets, report) = tokio::join!(server, client);
    assert!(report.is_complete());
    assert_eq!(octets, message.len());
}
