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

use bytes::Bytes;
use common::{endpoint, tls_roles, trusting};
use posthaste_pop3::server as pop3_server;
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{
    Cause, ClientOptions, Connection, Credentials, Protocol, Role, Security, Time, TlsMode, pop3,
};
use tokio::io::{DuplexStream, duplex};

fn options(role: &Role) -> ClientOptions {
    trusting(role).with_credentials(Credentials::new("ursel", "Geheim!"))
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
