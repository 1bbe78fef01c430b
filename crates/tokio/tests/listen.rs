//! Services on real sockets of this machine: limits, panics, shutdown, implicit TLS.
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
use std::time::Duration;

use common::{Toy, plain_server, read_all, serve as converse, subscribe, tls_roles};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{
    Accepted, Connection, Limits, Listener, Outcome, Proxies, Refusal, Role, SharedLimits, Stream, serve,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

/// Repeats lines; panics where the line says so; ends when the service does.
async fn session(mut accepted: Accepted) {
    let mut connection = Connection::new(Toy::server(), accepted.stream, plain_server());
    loop {
        let event = tokio::select! {
            () = accepted.shutdown.requested() => {
                connection.machine().say("shutting down");
                drop(connection.flush().await);
                return;
            }
            event = connection.next() => event,
        };
        let Ok(Some(common::Said::Question(question))) = event else { return };
        let line = question.line.clone();
        assert_ne!(line, "panic", "as asked");
        question.answer(connection.machine(), &line).unwrap();
    }
}

struct Service {
    address: SocketAddr,
    shutdown: CancellationToken,
    running: JoinHandle<Outcome>,
}

async fn start(limits: impl Into<SharedLimits>) -> Service {
    start_on(Listener::bind("127.0.0.1:0").await.unwrap(), limits)
}

fn start_on(listener: Listener, limits: impl Into<SharedLimits>) -> Service {
    let address = listener.local_addrs().unwrap()[0];
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(serve(listener, limits.into(), shutdown.clone(), session));
    Service { address, shutdown, running }
}

impl Service {
    async fn connect(&self) -> BufReader<TcpStream> {
        BufReader::new(TcpStream::connect(self.address).await.unwrap())
    }

    async fn stop(self) -> Outcome {
        self.shutdown.cancel();
        self.running.await.unwrap()
    }
}

async fn repeats(peer: &mut BufReader<TcpStream>) -> bool {
    let mut heard = String::new();
    peer.write_all(b"hello\r\n").await.is_ok()
        && peer.read_line(&mut heard).await.is_ok()
        && heard == "hello\r\n"
}

#[tokio::test]
async fn res_07_a_connection_over_the_limit_is_told_and_closed() {
    let mut limits = Limits::default();
    limits.per_network_max = 2;
    limits.farewell = |refusal| {
        assert_eq!(refusal, Refusal::TooManyFromNetwork);
        "421 4.7.0 Too many connections\r\n".into()
    };
    let service = start(limits).await;
    let mut first = service.connect().await;
    let mut second = service.connect().await;
    assert!(repeats(&mut first).await && repeats(&mut second).await);
    let third = service.connect().await;
    assert_eq!(read_all(third).await, "421 4.7.0 Too many connections\r\n");
    // A place that is given back is there for the next.
    first.write_all(b"quit\r\n").await.unwrap();
    assert_eq!(read_all(first).await, "bye\r\n");
    let mut fourth = connect_until_served(&service).await;
    assert!(repeats(&mut fourth).await);
    assert_eq!(service.stop().await.panicked, 0);
}

#[tokio::test]
async fn res_07_a_limit_that_is_lowered_keeps_others_out_and_cuts_nobody() {
    let mut limits = Limits::default();
    limits.per_network_max = 3;
    limits.farewell = |_| "421 4.7.0 Too many connections\r\n".into();
    let limits = SharedLimits::new(limits);
    let service = start(limits.clone()).await;
    let mut there = Vec::new();
    for _ in 0..3 {
        there.push(service.connect().await);
        assert!(repeats(there.last_mut().unwrap()).await);
    }
    limits.change(|limits| limits.per_network_max = 1);
    assert_eq!(read_all(service.connect().await).await, "421 4.7.0 Too many connections\r\n");
    for peer in &mut there {
        assert!(repeats(peer).await, "who is there stays");
    }
    // Places beyond the new limit are not filled again.
    let mut gone = there.pop().unwrap();
    gone.write_all(b"quit\r\n").await.unwrap();
    assert_eq!(read_all(gone).await, "bye\r\n");
    assert_eq!(read_all(service.connect().await).await, "421 4.7.0 Too many connections\r\n");
    // Raised, it lets in at once.
    limits.change(|limits| limits.per_network_max = 5);
    let mut newcomer = service.connect().await;
    assert!(repeats(&mut newcomer).await);
    limits.change(|limits| limits.connections_max = 3);
    assert_eq!(read_all(service.connect().await).await, "421 4.7.0 Too many connections\r\n");
    assert!(repeats(&mut newcomer).await);
    assert_eq!(service.stop().await.dropped, 0);
}

/// The place of a session is given back a moment after its peer has seen the end.
async fn connect_until_served(service: &Service) -> BufReader<TcpStream> {
    timeout(Duration::from_secs(10), async {
        loop {
            let mut peer = service.connect().await;
            if repeats(&mut peer).await {
                return peer;
            }
        }
    })
    .await
    .expect("no place is given back")
}

#[tokio::test]
async fn rs_06_a_panic_ends_one_session_and_gives_its_place_back() {
    let mut limits = Limits::default();
    limits.connections_max = 2;
    let service = start(limits).await;
    let mut bystander = service.connect().await;
    assert!(repeats(&mut bystander).await);
    for _ in 0..5 {
        let mut victim = connect_until_served(&service).await;
        victim.write_all(b"panic\r\n").await.unwrap();
        let mut rest = Vec::new();
        drop(victim.read_to_end(&mut rest).await);
        assert_eq!(rest, b"");
        assert!(repeats(&mut bystander).await);
    }
    assert_eq!(service.stop().await.panicked, 5);
}

#[tokio::test]
async fn shutdown_lets_sessions_say_goodbye() {
    let service = start(Limits::default()).await;
    let mut peer = service.connect().await;
    assert!(repeats(&mut peer).await);
    let address = service.address;
    assert_eq!(service.stop().await.dropped, 0);
    assert_eq!(read_all(peer).await, "shutting down\r\n");
    TcpStream::connect(address).await.unwrap_err();
}

#[tokio::test]
async fn a_session_that_does_not_end_is_dropped_at_the_deadline() {
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addrs().unwrap()[0];
    let shutdown = CancellationToken::new();
    let mut limits = Limits::default();
    limits.drain_timeout = Duration::from_millis(50);
    let running = tokio::spawn(serve(listener, limits, shutdown.clone(), |accepted| async move {
        let mut stream = accepted.stream;
        stream.write_all(b"here\r\n").await.unwrap();
        std::future::pending::<()>().await;
    }));
    let mut peer = TcpStream::connect(address).await.unwrap();
    let mut greeting = [0; 6];
    peer.read_exact(&mut greeting).await.unwrap();
    shutdown.cancel();
    assert_eq!(running.await.unwrap().dropped, 1);
}

#[tokio::test]
async fn a_service_listens_on_several_addresses() {
    let addresses: Vec<SocketAddr> = vec!["127.0.0.1:0".parse().unwrap(), "127.0.0.2:0".parse().unwrap()];
    let listener = Listener::bind(addresses.as_slice()).await.unwrap();
    let bound = listener.local_addrs().unwrap();
    assert_eq!(bound.len(), 2);
    let service = start_on(listener, Limits::default());
    for address in bound {
        let mut peer = BufReader::new(TcpStream::connect(address).await.unwrap());
        assert!(repeats(&mut peer).await, "{address}");
    }
    service.stop().await;
}

#[tokio::test]
async fn res_03_implicit_tls_serves_tls_and_drops_plaintext_and_silence() {
    let (server, client) = tls_roles(Alpn::Smtp);
    let Role::Server { tls: Some(config) } = server else { panic!() };
    let listener = Listener::bind("127.0.0.1:0").await.unwrap().with_implicit_tls(config);
    let mut limits = Limits::default();
    limits.handshake_timeout = Duration::from_millis(500);
    let service = start_on(listener, limits);

    let mut silent = service.connect().await;
    let mut half = service.connect().await;
    // The head of a ClientHello and no more.
    half.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc").await.unwrap();
    let mut plain = service.connect().await;
    plain.write_all(b"EHLO client.example\r\n").await.unwrap();
    let tcp = TcpStream::connect(service.address).await.unwrap();
    let stream = Stream::from(tcp).into_tls(&client).await.unwrap();
    let mut connection = Connection::new(Toy::client(), stream, client);
    connection.machine().say("hello");
    assert!(matches!(connection.next().await, Ok(Some(common::Said::Line(line))) if line == "hello"));
    connection.machine().say("quit");
    while let Some(event) = connection.next().await.unwrap() {
        assert!(matches!(event, common::Said::Line(line) if line == "bye"));
    }

    let mut rest = Vec::new();
    drop(plain.read_to_end(&mut rest).await);
    assert!(!rest.windows(5).any(|octets| octets == b"hello"));
    for peer in [&mut silent, &mut half] {
        let mut nothing = Vec::new();
        assert_eq!(peer.read_to_end(&mut nothing).await.unwrap_or_default(), 0);
    }
    service.stop().await;
}

/// Keeps the fields of spans as text.
#[derive(Clone, Default)]
struct Spans(std::sync::Arc<std::sync::Mutex<Vec<String>>>);

impl tracing::field::Visit for Spans {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
        self.0.lock().unwrap().push(format!("{}={value:?}", field.name()));
    }
}

impl tracing::Subscriber for Spans {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target().starts_with("posthaste_tokio")
    }

    fn new_span(&self, attributes: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        self.0.lock().unwrap().push(attributes.metadata().name().to_owned());
        attributes.record(&mut self.clone());
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, values: &tracing::span::Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn a_session_runs_in_a_span_that_names_its_connection() {
    let spans = Spans::default();
    let _subscribed = subscribe(spans.clone());
    let proxies = Proxies::new(["127.0.0.1".parse().unwrap()]);
    let listener = Listener::bind("127.0.0.1:0").await.unwrap().with_name("smtp").with_proxies(proxies);
    let service = start_on(listener, Limits::default());
    let mut peer = service.connect().await;
    let own = peer.get_ref().local_addr().unwrap();
    peer.write_all(b"PROXY TCP4 192.0.2.7 192.0.2.8 1234 25\r\n").await.unwrap();
    assert!(repeats(&mut peer).await);
    let seen = spans.0.lock().unwrap().clone();
    assert_eq!(seen[..2], ["connection", "service=\"smtp\""]);
    assert!(seen[2].starts_with("id="), "{seen:?}");
    assert_eq!(seen[3..], [format!("proxy={own}"), "peer=192.0.2.7:1234".to_owned()]);
    service.stop().await;
}

#[tokio::test]
async fn the_end_of_a_tcp_peer_is_seen_without_reading() {
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addrs().unwrap()[0];
    let (send, mut seen) = tokio::sync::mpsc::channel(1);
    let running =
        tokio::spawn(serve(listener, Limits::default(), CancellationToken::new(), move |accepted| {
            let send = send.clone();
            async move {
                let mut connection = Connection::new(Toy::server(), accepted.stream, plain_server());
                let Ok(Some(common::Said::Question(question))) = connection.next().await else { panic!() };
                connection.peer_gone().await;
                drop(question);
                send.send(()).await.unwrap();
            }
        }));
    let mut peer = TcpStream::connect(address).await.unwrap();
    peer.write_all(b"long work\r\n").await.unwrap();
    drop(peer);
    timeout(Duration::from_secs(10), seen.recv()).await.expect("not seen").unwrap();
    running.abort();
}

#[tokio::test]
async fn many_connections_in_a_row_leave_nothing_behind() {
    let mut limits = Limits::default();
    limits.connections_max = 4;
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addrs().unwrap()[0];
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(serve(listener, limits, shutdown.clone(), |accepted| async move {
        let mut connection = Connection::new(Toy::server(), accepted.stream, plain_server());
        drop(converse(&mut connection).await);
    }));
    let mut served = 0;
    timeout(Duration::from_secs(20), async {
        while served < 50 {
            let mut peer = BufReader::new(TcpStream::connect(address).await.unwrap());
            if repeats(&mut peer).await {
                served += 1;
                drop(peer.write_all(b"quit\r\n").await);
            }
        }
    })
    .await
    .expect("places were lost");
    shutdown.cancel();
    assert_eq!(running.await.unwrap().panicked, 0);
}
