//! COMPRESS=DEFLATE through the driver, client machine against server machine (RFC 4978).
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

use common::{plain_client, plain_server, tls_roles};
use flate2::{Compress, Compression, FlushCompress};
use posthaste_imap::server::{self, Event, Extensions, SelectData, SelectedFlags, Server};
use posthaste_imap::types::{FetchAttribute, FetchItem, Mailbox, Payload, Section, SequenceSet};
use posthaste_imap::{Bytes, Misuse, client};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{Connection, Error, Role, Stream, Time};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

/// A message of a megabyte that compresses well.
fn message() -> Bytes {
    let lines = (0..20_000).map(|n| format!("line {n} of a message that repeats itself, as they do\r\n"));
    ["Subject: long\r\n\r\n".to_owned()].into_iter().chain(lines).collect::<String>().into()
}

fn server(stream: &Stream) -> Server {
    let mut config = server::Config::new("mail.example");
    config.extensions = Extensions::new().with_compress();
    config.auth_requires_tls = server::AuthPrivacy::NotRequired;
    Server::new(config, stream.security(), Time::ZERO)
}

/// Serves one message until the client leaves; the octets that went through the machine.
async fn serve(stream: Stream, role: Role) -> Result<(u64, u64), Error<posthaste_imap::ProtocolError>> {
    let mut connection = Connection::new(server(&stream), stream, role);
    let message = message();
    while let Some(event) = connection.next().await? {
        let server = connection.machine();
        match event {
            Event::Login(login) => login.ok(server).unwrap(),
            Event::Compress(compress) => compress.accept(server).unwrap(),
            Event::Select(select) => {
                let one = NonZeroU32::MIN;
                let data = SelectData {
                    flags: SelectedFlags::default(),
                    exists: 1,
                    recent: 0,
                    unseen: None,
                    uid_validity: one,
                    uid_next: one.saturating_add(1),
                    access: server::Access::ReadWrite,
                };
                select.ok(server, data).unwrap();
            }
            Event::Fetch(fetch) => {
                let row = fetch.begin().row(server, NonZeroU32::MIN).unwrap();
                let whole = Payload::Section { section: Section::whole(), origin: None };
                let mut literal = row.literal(server, &whole, message.len() as u64).unwrap();
                let mut rest = message.clone();
                while !rest.is_empty() {
                    let piece = rest.slice(..rest.len().min(10_000));
                    match literal.write(connection.machine(), piece.clone()) {
                        Ok(()) => rest = rest.slice(piece.len()..),
                        Err(Misuse::Congested { .. }) => connection.room().await?,
                        Err(error) => panic!("{error}"),
                    }
                }
                let server = connection.machine();
                literal.finish(server).unwrap().finish(server).unwrap().ok(server).unwrap();
            }
            _ => {}
        }
    }
    Ok((connection.received(), connection.sent()))
}

/// Logs in, turns compression on, fetches the message and leaves.
async fn fetch(stream: Stream, role: Role) -> Vec<u8> {
    let mut config = client::Config::default();
    config.tls = client::TlsPolicy::Off;
    config.auth_requires_tls = client::AuthPrivacy::NotRequired;
    let machine = client::Client::new(config, stream.security(), Time::ZERO);
    let mut connection = Connection::new(machine, stream, role);
    let mut octets = Vec::new();
    while let Some(event) = connection.next().await.unwrap() {
        let machine = connection.machine();
        match event {
            client::Event::Ready => {
                machine.login("joe", "secret".into()).unwrap();
                machine.compress_deflate().unwrap();
                machine.select(Mailbox::inbox(), Vec::new()).unwrap();
                let section =
                    FetchAttribute::Section { section: Section::whole(), partial: None, peek: true };
                machine.fetch(SequenceSet::single(NonZeroU32::MIN), vec![section]).unwrap();
                machine.logout().unwrap();
            }
            client::Event::Body(chunk) => octets.extend_from_slice(&chunk),
            client::Event::Item(FetchItem::Payload { data: Some(data), .. }) => {
                octets.extend_from_slice(&data);
            }
            client::Event::NotSent { why, .. } => panic!("{why}"),
            _ => {}
        }
    }
    assert!(connection.machine_ref().is_compressed());
    octets
}

#[tokio::test(start_paused = true)]
async fn rfc4978_a_session_goes_on_compressed_in_the_clear_and_under_tls() {
    for width in [1, 100, 65_536] {
        let (near, far) = duplex(width);
        let serving = tokio::spawn(serve(near.into(), plain_server()));
        assert!(fetch(far.into(), plain_client()).await == message(), "through {width} octets");
        serving.await.unwrap().unwrap();
    }
    let (server_role, client_role) = tls_roles(Alpn::Imap);
    let (near, far) = duplex(4096);
    let serving = tokio::spawn(async move {
        serve(Stream::from(near).into_tls(&server_role).await.unwrap(), server_role).await
    });
    let stream = Stream::from(far).into_tls(&client_role).await.unwrap();
    assert!(fetch(stream, client_role).await == message());
    let (_, sent) = serving.await.unwrap().unwrap();
    assert!(sent > 1_000_000, "counted above the compression");
}

#[tokio::test(start_paused = true)]
async fn what_travels_is_smaller_than_what_is_said() {
    let (near, middle) = duplex(65_536);
    let (other, far) = duplex(65_536);
    let serving = tokio::spawn(serve(near.into(), plain_server()));
    let relaying = tokio::spawn(async move {
        let (mut middle, mut other) = (middle, other);
        tokio::io::copy_bidirectional(&mut middle, &mut other).await.unwrap().0
    });
    assert!(fetch(far.into(), plain_client()).await == message());
    serving.await.unwrap().unwrap();
    let travelled = relaying.await.unwrap();
    assert!(travelled < message().len() as u64 / 4, "{travelled} octets");
}

#[tokio::test(start_paused = true)]
async fn a_literal_that_costs_the_peer_nothing_has_an_end() {
    let (near, mut far) = duplex(65_536);
    let serving = tokio::spawn(serve(near.into(), plain_server()));
    far.write_all(b"1 LOGIN joe secret\r\n").await.unwrap();
    let mut heard = Vec::new();
    while !heard.ends_with(b"in\r\n") && !String::from_utf8_lossy(&heard).contains("1 OK") {
        far.read_buf(&mut heard).await.unwrap();
    }
    far.write_all(b"2 COMPRESS DEFLATE\r\n").await.unwrap();
    while !String::from_utf8_lossy(&heard).contains("2 OK") {
        far.read_buf(&mut heard).await.unwrap();
    }
    // Blank lines without end: 200 MB that are 200 KB on the wire.
    let mut compress = Compress::new(Compression::best(), false);
    let blank = vec![b' '; 1 << 20];
    let flooding = tokio::spawn(async move {
        for _ in 0..200 {
            let mut wire = Vec::with_capacity(1 << 16);
            compress.compress_vec(&blank, &mut wire, FlushCompress::Sync).unwrap();
            if far.write_all(&wire).await.is_err() {
                return;
            }
        }
        let mut rest = Vec::new();
        drop(far.read_to_end(&mut rest).await);
    });
    let ended = serving.await.unwrap();
    assert!(ended.is_err(), "{ended:?}");
    flooding.await.unwrap();
}
