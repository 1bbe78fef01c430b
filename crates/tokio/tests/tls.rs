//! TLS over in-memory pipes: STARTTLS in both roles, handshakes that fail, handshakes that never end.
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

use common::{Said, Toy, ToyError, plain_server, serve, tls_roles};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{Connection, Error, Stream};
use posthaste_wire::{Layer, Security};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn starttls_works_in_both_roles_over_small_pipes() {
    for capacity in [7, 100, 64 * 1024] {
        let (server_role, client_role) = tls_roles(Alpn::Imap);
        let (near, far) = duplex(capacity);
        let mut server = Connection::new(Toy::server(), near, server_role);
        let mut client = Connection::new(Toy::client(), far, client_role);
        let serving = tokio::spawn(async move {
            let end = serve(&mut server).await;
            (end, server)
        });
        client.machine().say("before");
        assert!(matches!(client.next().await, Ok(Some(Said::Line(line))) if line == "before"));
        client.machine().start_tls();
        let client = tokio::spawn(async move {
            // No event comes of the handshake itself; the machine knows when it is done.
            while client.security() != Security::Tls {
                drop(tokio::time::timeout(Duration::from_secs(1), client.next()).await);
            }
            assert_eq!(client.machine_ref().security, Security::Tls);
            client.machine().say("after");
            assert!(matches!(client.next().await, Ok(Some(Said::Line(line))) if line == "after"));
            client.machine().say("quit");
            assert!(matches!(client.next().await, Ok(Some(Said::Line(line))) if line == "bye"));
            assert!(matches!(client.next().await, Ok(None)));
            client
        });
        let client = client.await.unwrap();
        assert_eq!(client.security(), Security::Plain, "the stream is closed");
        let (end, server) = serving.await.unwrap();
        end.unwrap();
        assert_eq!(server.machine_ref().security, Security::Tls);
    }
}

#[tokio::test(start_paused = true)]
async fn implicit_tls_negotiates_the_protocol_and_a_channel_binding() {
    let (server_role, client_role) = tls_roles(Alpn::Imap);
    let (near, far) = duplex(64 * 1024);
    let (server, client) =
        tokio::join!(Stream::from(near).into_tls(&server_role), Stream::from(far).into_tls(&client_role));
    let (server, client) = (server.unwrap(), client.unwrap());
    assert_eq!(server.security(), Security::Tls);
    assert_eq!(server.server_name(), Some("mail.example"));
    assert_eq!(client.tls().unwrap().alpn_protocol(), Some(&b"imap"[..]));
    assert_eq!(server.channel().bindings().len(), 2);
    assert_eq!(server.channel(), client.channel());
}

#[tokio::test(start_paused = true)]
async fn stls_11_another_protocol_is_refused() {
    let (server_role, _) = tls_roles(Alpn::Imap);
    let (_, client_role) = tls_roles(Alpn::Pop3);
    let (near, far) = duplex(64 * 1024);
    let (server, client) =
        tokio::join!(Stream::from(near).into_tls(&server_role), Stream::from(far).into_tls(&client_role));
    assert!(server.unwrap_err().to_string().contains("protocol"), "not refused for its protocol");
    client.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let (server_role, _) = tls_roles(Alpn::Smtp);
    let (_, client_role) = tls_roles(Alpn::Smtp);
    let (near, far) = duplex(64 * 1024);
    let mut server = Connection::new(Toy::server(), near, server_role);
    let mut client = Connection::new(Toy::client(), far, client_role);
    client.machine().start_tls();
    let (served, said) = tokio::join!(serve(&mut server), client.next());
    assert!(matches!(said, Err(Error::Handshake(_))), "{said:?}");
    assert!(matches!(served, Err(Error::Handshake(_))), "{served:?}");
    assert!(matches!(client.next().await, Ok(None)));
}

#[tokio::test(start_paused = true)]
async fn stls_05_plaintext_where_a_handshake_is_due_ends_the_connection() {
    let (role, _) = tls_roles(Alpn::Smtp);
    let (near, mut far) = duplex(64 * 1024);
    let mut server = Connection::new(Toy::server(), near, role);
    let peer = async {
        far.write_all(b"starttls\r\n").await.unwrap();
        let mut go = [0; 4];
        far.read_exact(&mut go).await.unwrap();
        far.write_all(b"noop\r\nnoop\r\n").await.unwrap();
        let mut rest = Vec::new();
        far.read_to_end(&mut rest).await.unwrap();
        rest
    };
    let (served, rest) = tokio::join!(
        async {
            let served = serve(&mut server).await;
            drop(server);
            served
        },
        peer
    );
    assert!(matches!(served, Err(Error::Handshake(_))), "{served:?}");
    // At most a TLS alert record comes back; nothing in the clear.
    assert!(rest.is_empty() || rest[0] == 21, "{rest:?}");
}

#[tokio::test(start_paused = true)]
async fn plaintext_on_a_tls_port_is_refused() {
    let (role, _) = tls_roles(Alpn::Smtp);
    let (near, mut far) = duplex(64 * 1024);
    far.write_all(b"EHLO client.example\r\n").await.unwrap();
    Stream::from(near).into_tls(&role).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn stls_09_a_silent_handshake_is_cut_at_its_deadline() {
    let (role, _) = tls_roles(Alpn::Smtp);
    let (near, mut far) = duplex(64 * 1024);
    far.write_all(b"starttls\r\n").await.unwrap();
    let begun = Instant::now();
    let mut server = Connection::new(Toy::server(), near, role);
    let served = serve(&mut server).await;
    assert!(matches!(served, Err(Error::HandshakeTimeout(_))), "{served:?}");
    assert!(begun.elapsed() >= Duration::from_secs(30) && begun.elapsed() < Duration::from_secs(31));
}

#[tokio::test(start_paused = true)]
async fn stls_01_plaintext_behind_starttls_never_reaches_the_handshake() {
    let (role, _) = tls_roles(Alpn::Smtp);
    let (near, mut far) = duplex(64 * 1024);
    far.write_all(b"starttls\r\nquit\r\n").await.unwrap();
    let mut server = Connection::new(Toy::server(), near, role);
    let served = serve(&mut server).await;
    assert!(matches!(served, Err(Error::Protocol(ToyError::Residue(_)))), "{served:?}");
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_without_configuration_is_named() {
    let (near, mut far) = duplex(1024);
    far.write_all(b"starttls\r\n").await.unwrap();
    let mut server = Connection::new(Toy::server(), near, plain_server());
    let served = serve(&mut server).await;
    assert!(matches!(served, Err(Error::NoLayer(Layer::Tls))), "{served:?}");
}

#[tokio::test(start_paused = true)]
async fn stls_17_a_cut_without_the_end_of_tls_is_an_end_of_file() {
    let (server_role, client_role) = tls_roles(Alpn::Smtp);
    let (near, far) = duplex(64 * 1024);
    let (server, client) =
        tokio::join!(Stream::from(near).into_tls(&server_role), Stream::from(far).into_tls(&client_role));
    let mut client = client.unwrap();
    client.write_all(b"half a li").await.unwrap();
    client.flush().await.unwrap();
    drop(client);
    let mut server = Connection::new(Toy::server(), server.unwrap(), server_role);
    // The half line is no event.
    assert!(matches!(server.next().await, Ok(None)));
}
