//! The clients against the server machines, over pipes, with STARTTLS and real certificates.
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
use common::{endpoint, tls_roles, trusting};
use posthaste_pop3::server as pop3_server;
use posthaste_smtp::server as smtp_server;
use posthaste_smtp::{Envelope, Rejection};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{
    Body, Cause, ClientOptions, Connection, Credentials, Phase, Protocol, Retry, Role, Security, Time,
    TlsMode, pop3, smtp,
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

/// A POP3 server with these messages; gives back what was removed.
async fn maildrop(stream: DuplexStream, role: Role, messages: Vec<Bytes>) -> Vec<usize> {
    use pop3_server::{Config, Event, TlsOffer};
    use posthaste_pop3::Server;
    let mut config = Config::default();
    config.tls = TlsOffer::StartTls;
    let mut connection = Connection::new(Server::new(config, Security::Plain, Time::ZERO), stream, role);
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
                    connection.room().await.unwrap();
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
