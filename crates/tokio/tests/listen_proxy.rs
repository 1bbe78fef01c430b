//! Services behind proxies: whose PROXY header is believed, what follows it, and how connections are counted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Toy, plain_server, read_all, serve as converse, tls_roles};
use posthaste_tokio::proxy::{Endpoints, ProxyHeader, Relayed, TLV_AUTHORITY, Tlvs, Transport};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{
    Accepted, Admission, Connection, Limits, Listener, Proxies, Role, Security, Source, Stream, serve,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// What a session was told of its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    peer: Source,
    stream_peer: Option<SocketAddr>,
    local: Option<SocketAddr>,
    security: Security,
    authority: Option<Vec<u8>>,
}

struct Service {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    admission: Admission,
    _running: AbortOnDropHandle<posthaste_tokio::Outcome>,
}

fn start(listener: Listener, limits: Limits) -> Service {
    let admission = Admission::default();
    let listener = listener.with_admission(&admission);
    let address = listener.local_addrs().unwrap().first().copied().unwrap_or(([127, 0, 0, 1], 0).into());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&seen);
    let running = tokio::spawn(serve(listener, limits, CancellationToken::new(), move |accepted| {
        noted.lock().unwrap().push(note(&accepted));
        async move {
            let mut connection = Connection::new(Toy::server(), accepted.stream, plain_server());
            drop(converse(&mut connection).await);
        }
    }));
    Service { address, seen, admission, _running: AbortOnDropHandle::new(running) }
}

fn note(accepted: &Accepted) -> Seen {
    let authority = match &accepted.proxy {
        Some(ProxyHeader::Relayed(relayed)) => relayed.tlvs.find(TLV_AUTHORITY).map(<[u8]>::to_vec),
        _ => None,
    };
    Seen {
        peer: accepted.peer,
        stream_peer: accepted.stream.peer_addr(),
        local: accepted.stream.local_addr(),
        security: accepted.stream.security(),
        authority,
    }
}

async fn behind_loopback() -> Listener {
    let proxies = Proxies::new(["127.0.0.1".parse().unwrap()]).with_timeout(Duration::from_millis(300));
    Listener::bind("127.0.0.1:0").await.unwrap().with_proxies(proxies)
}

impl Service {
    fn only(&self) -> Seen {
        let seen = self.seen.lock().unwrap();
        assert_eq!(seen.len(), 1);
        seen[0].clone()
    }
}

fn header(source: &str, destination: &str) -> ProxyHeader {
    let (SocketAddr::V4(source), SocketAddr::V4(destination)) =
        (source.parse().unwrap(), destination.parse().unwrap())
    else {
        panic!("not IPv4")
    };
    let tlvs = Tlvs::new([(TLV_AUTHORITY, b"mail.example".as_slice())]).unwrap();
    let endpoints = Endpoints::Ip4 { source, destination };
    ProxyHeader::Relayed(Relayed { transport: Transport::Stream, endpoints, tlvs })
}

/// Says all of this in one piece and hears everything.
async fn say(address: SocketAddr, octets: &[u8]) -> Vec<u8> {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.write_all(octets).await.unwrap();
    let mut heard = Vec::new();
    // A reset says as much as an end.
    drop(timeout(Duration::from_secs(10), tcp.read_to_end(&mut heard)).await.expect("not closed"));
    heard
}

#[tokio::test]
async fn cmd_21_a_trusted_proxy_says_who_the_client_is_and_nothing_behind_the_header_is_lost() {
    let service = start(behind_loopback().await, Limits::default());
    let mut octets = header("192.0.2.7:1234", "198.51.100.1:25").encode_v2().unwrap().to_vec();
    octets.extend_from_slice(b"hello\r\nquit\r\n");
    assert_eq!(say(service.address, &octets).await, b"hello\r\nbye\r\n");
    let client: SocketAddr = "192.0.2.7:1234".parse().unwrap();
    let expected = Seen {
        peer: Source::Ip(client),
        stream_peer: Some(client),
        local: Some("198.51.100.1:25".parse().unwrap()),
        security: Security::Plain,
        authority: Some(b"mail.example".to_vec()),
    };
    assert_eq!(service.only(), expected);
}

#[tokio::test]
async fn cmd_21_a_header_that_names_nobody_leaves_the_address_of_the_connection() {
    for octets in [b"PROXY UNKNOWN\r\nquit\r\n".to_vec(), {
        let mut octets = ProxyHeader::Local.encode_v2().unwrap().to_vec();
        octets.extend_from_slice(b"quit\r\n");
        octets
    }] {
        let service = start(behind_loopback().await, Limits::default());
        assert_eq!(say(service.address, &octets).await, b"bye\r\n");
        let seen = service.only();
        assert_eq!(seen.peer.ip(), Some([127, 0, 0, 1].into()));
        assert_eq!(seen.local, Some(service.address));
    }
}

#[tokio::test]
async fn cmd_21_a_header_from_anybody_else_is_the_first_line_of_a_client() {
    let proxies = Proxies::new(["10.0.0.0/8".parse().unwrap()]);
    let listener = Listener::bind("127.0.0.1:0").await.unwrap().with_proxies(proxies);
    let service = start(listener, Limits::default());
    let line = b"PROXY TCP4 192.0.2.7 198.51.100.1 1234 25\r\n";
    let heard = say(service.address, &[line.as_slice(), b"quit\r\n"].concat()).await;
    assert_eq!(heard, [line.as_slice(), b"bye\r\n"].concat(), "the toy repeats its line");
    assert_eq!(service.only().peer.ip(), Some([127, 0, 0, 1].into()));
}

#[tokio::test]
async fn cmd_21_a_proxy_without_a_header_is_closed_without_a_word() {
    let service = start(behind_loopback().await, Limits::default());
    let datagram = {
        let ProxyHeader::Relayed(relayed) = header("192.0.2.7:1", "192.0.2.8:2") else { panic!() };
        ProxyHeader::Relayed(Relayed { transport: Transport::Datagram, ..relayed }).encode_v2().unwrap()
    };
    let long = [b"PROXY TCP4 ".as_slice(), &[b'1'; 100_000]].concat();
    for octets in [
        b"EHLO client.example\r\n".as_slice(),
        b"GET / HTTP/1.1\r\nHost: mail.example\r\n\r\n",
        b"PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n",
        b"\r\n\r\n\0\r\nQUIT\n\x21\x51\0\x0c123456789012",
        &datagram,
        &long,
        // Silence, and a header that does not end: the deadline.
        b"",
        b"PROXY TCP4 192.0.2.7 198.51",
    ] {
        assert_eq!(say(service.address, octets).await, b"");
    }
    assert!(service.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn res_07_connections_behind_a_proxy_are_counted_for_their_clients() {
    let mut limits = Limits::default();
    limits.per_network_max = 2;
    limits.farewell = |_| "421 4.7.0 Too many connections\r\n".into();
    let service = start(behind_loopback().await, limits);
    let mut held = Vec::new();
    for (source, let_in) in
        [("192.0.2.1", true), ("192.0.2.1", true), ("192.0.2.1", false), ("192.0.2.2", true)]
    {
        let mut tcp = TcpStream::connect(service.address).await.unwrap();
        let line = format!("PROXY TCP4 {source} 198.51.100.1 1234 25\r\nhello\r\n");
        tcp.write_all(line.as_bytes()).await.unwrap();
        if let_in {
            let mut heard = [0; 7];
            tcp.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"hello\r\n");
            held.push(tcp);
        } else {
            tcp.shutdown().await.unwrap();
            assert_eq!(read_all(tcp).await, "421 4.7.0 Too many connections\r\n");
        }
    }
    assert_eq!(held.len(), 3);
}

#[tokio::test]
async fn res_10_connections_that_are_half_open_have_a_limit_and_a_deadline() {
    let (server, _) = tls_roles(Alpn::Smtp);
    let Role::Server { tls: Some(config) } = server else { panic!() };
    let mut limits = Limits::default();
    limits.preparing_max = 4;
    limits.handshake_timeout = Duration::from_millis(300);
    let listener = Listener::bind("127.0.0.1:0").await.unwrap().with_implicit_tls(config);
    let tls = start(listener, limits.clone());
    // A service in the clear that shares the counts.
    let plain = Listener::bind("127.0.0.1:0").await.unwrap().with_admission(&tls.admission);
    let plain_address = plain.local_addrs().unwrap()[0];
    let running = tokio::spawn(serve(plain, limits, CancellationToken::new(), |accepted| async move {
        let mut connection = Connection::new(Toy::server(), accepted.stream, plain_server());
        drop(converse(&mut connection).await);
    }));
    let _running = AbortOnDropHandle::new(running);
    let mut flood = Vec::new();
    for _ in 0..40 {
        flood.push(TcpStream::connect(tls.address).await.unwrap());
    }
    assert_eq!(say(plain_address, b"hello\r\nquit\r\n").await, b"hello\r\nbye\r\n");
    assert!(tls.admission.preparing() <= 4);
    // All of them are closed in the end, and nothing is left.
    for mut tcp in flood {
        let mut heard = Vec::new();
        drop(timeout(Duration::from_secs(10), tcp.read_to_end(&mut heard)).await.expect("not closed"));
        assert_eq!(heard, b"");
    }
    assert_eq!(tls.admission.preparing(), 0);
    assert!(tls.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_proxy_header_comes_before_tls() {
    let (server, client) = tls_roles(Alpn::Smtp);
    let Role::Server { tls: Some(config) } = server else { panic!() };
    let service = start(behind_loopback().await.with_implicit_tls(config), Limits::default());
    let mut tcp = TcpStream::connect(service.address).await.unwrap();
    tcp.write_all(&header("192.0.2.7:1234", "198.51.100.1:465").encode_v2().unwrap()).await.unwrap();
    let stream = Stream::from(tcp).into_tls(&client).await.unwrap();
    let mut connection = Connection::new(Toy::client(), stream, client);
    connection.machine().say("quit");
    while let Some(event) = connection.next().await.unwrap() {
        assert!(matches!(event, common::Said::Line(line) if line == "bye"));
    }
    let seen = service.only();
    assert_eq!(seen.security, Security::Tls);
    assert_eq!(seen.stream_peer, Some("192.0.2.7:1234".parse().unwrap()));
}

#[cfg(unix)]
#[tokio::test]
async fn a_client_that_a_proxy_relays_over_a_unix_socket_is_not_local() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("smtp.sock");
    let listener = Listener::bind_unix(&path).unwrap().with_proxies(Proxies::new([]).with_unix_sockets());
    let service = start(listener, Limits::default());
    let mut unix = tokio::net::UnixStream::connect(&path).await.unwrap();
    unix.write_all(b"PROXY TCP4 192.0.2.7 198.51.100.1 1234 25\r\nquit\r\n").await.unwrap();
    assert_eq!(read_all(unix).await, "bye\r\n");
    let seen = service.only();
    assert_eq!((seen.security, seen.peer.ip()), (Security::Plain, Some([192, 0, 2, 7].into())));
}
