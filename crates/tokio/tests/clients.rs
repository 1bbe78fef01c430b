//! The IMAP client against a scripted server, over TLS with real certificates.
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

use common::{endpoint, tls_roles, trusting};
use posthaste_imap::types::{FetchAttribute, FetchItem, Mailbox, SequenceSet};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{ClientOptions, Credentials, Protocol, Role, Stream, TlsMode, imap};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};

fn options(role: &Role) -> ClientOptions {
    trusting(role).with_credentials(Credentials::new("ursel", "Geheim!"))
}

/// An IMAP server that knows one conversation. Answers come behind the command, with its tag.
async fn imap_script(stream: DuplexStream, role: Role) {
    let stream = Stream::from(stream).into_tls(&role).await.unwrap();
    let mut stream = BufReader::new(stream);
    stream.write_all(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR IDLE] hello\r\n").await.unwrap();
    stream.flush().await.unwrap();
    let script: [(&str, &str); 6] = [
        ("AUTHENTICATE PLAIN", "* CAPABILITY IMAP4rev1 IDLE\r\nTAG OK in\r\n"),
        ("SELECT INBOX", "* 1 EXISTS\r\n* FLAGS ()\r\nTAG OK [READ-WRITE] selected\r\n"),
        ("FETCH 1", "* 1 FETCH (UID 7 BODY[] {12}\r\nhello world!)\r\nTAG OK done\r\n"),
        ("IDLE", "+ waiting\r\n* 2 EXISTS\r\n"),
        ("DONE", "TAG OK idled\r\n"),
        ("LOGOUT", "* BYE bye\r\nTAG OK out\r\n"),
    ];
    let mut tag = String::new();
    for (expected, answer) in script {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        assert!(line.contains(expected), "{line:?} in place of {expected:?}");
        if expected != "DONE" {
            tag = line.split(' ').next().unwrap().to_owned();
        }
        stream.write_all(answer.replace("TAG", &tag).as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    }
    stream.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn rows_and_news_arrive_from_an_imap_server() {
    let (server_role, client_role) = tls_roles(Alpn::Imap);
    let (near, far) = duplex(64 * 1024);
    let server = tokio::spawn(imap_script(near, server_role));
    let endpoint = endpoint(Protocol::Imap, TlsMode::Implicit);
    let mut client = imap::Client::over(far, &endpoint, &options(&client_role)).await.unwrap();
    assert_eq!(client.select(Mailbox::inbox()).await.unwrap().exists, 1);
    let attributes = vec![FetchAttribute::Uid, FetchAttribute::Rfc822];
    let mut rows = client.fetch(SequenceSet::single(NonZeroU32::MIN), attributes).unwrap();
    let mut parts = Vec::new();
    let mut octets = Vec::new();
    while let Some(part) = rows.next().await.unwrap() {
        match &part {
            imap::Part::Chunk(chunk) => octets.extend_from_slice(chunk),
            imap::Part::Item(FetchItem::Payload { data: Some(data), .. }) => octets.extend_from_slice(data),
            _ => {}
        }
        parts.push(part);
    }
    assert!(matches!(parts.first(), Some(imap::Part::Row(number)) if number.get() == 1), "{parts:?}");
    assert!(matches!(parts.last(), Some(imap::Part::RowEnd)), "{parts:?}");
    assert_eq!(octets, b"hello world!");
    let mut idle = client.idle().unwrap();
    assert!(matches!(idle.next().await.unwrap(), posthaste_imap::client::Event::Exists(2)));
    idle.done().await.unwrap();
    client.logout().await.unwrap();
    server.await.unwrap();
}
