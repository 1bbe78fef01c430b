//! The end of a service: what SMTP, IMAP and POP3 sessions do when it is asked to stop, and what becomes of one that
//! does not end.
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

use common::plain_server;
use posthaste_smtp::server as smtp;
use posthaste_tokio::{Accepted, Connection, Limits, Listener, Outcome, ServerMachine, Time, serve};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

struct Service {
    address: SocketAddr,
    stop: CancellationToken,
    running: JoinHandle<Outcome>,
}

async fn start<F>(limits: Limits, session: impl Fn(Accepted) -> F + Send + Sync + 'static) -> Service
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = Listener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addrs().unwrap()[0];
    let stop = CancellationToken::new();
    let running = tokio::spawn(serve(listener, limits, stop.clone(), session));
    Service { address, stop, running }
}

impl Service {
    async fn connect(&self) -> Peer {
        let mut peer = Peer(BufReader::new(TcpStream::connect(self.address).await.unwrap()));
        peer.line().await;
        peer
    }

    async fn ended(self) -> Outcome {
        timeout(Duration::from_secs(20), self.running).await.expect("the service does not end").unwrap()
    }
}

struct Peer(BufReader<TcpStream>);

impl Peer {
    async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        timeout(Duration::from_secs(10), self.0.read_line(&mut line)).await.expect("no answer").unwrap();
        line
    }

    async fn ask(&mut self, command: &str, begins: &str) {
        self.say(command).await;
        let answer = self.line().await;
        assert!(answer.starts_with(begins), "{command:?}: {answer:?}");
    }

    async fn rest(mut self) -> String {
        let mut rest = String::new();
        let read = timeout(Duration::from_secs(10), self.0.read_to_string(&mut rest));
        read.await.expect("not closed").unwrap();
        rest
    }
}

/// An MTA that takes everything and keeps the last message.
async fn smtp_session(mut accepted: Accepted, kept: Arc<Mutex<Vec<u8>>>) {
    use smtp::Event;
    let config = smtp::Config::new(smtp::Mode::Mta, "mail.example".parse().unwrap());
    let machine = smtp::Server::new(config, accepted.stream.security(), Time::ZERO);
    let mut connection = Connection::new(machine, accepted.stream, plain_server());
    let mut content = Vec::new();
    while let Ok(Some(event)) = accepted.shutdown.next(&mut connection).await {
        let server = connection.machine();
        match event {
            Event::Mail(mail) => mail.accept(server).unwrap(),
            Event::Rcpt(rcpt) => rcpt.accept(server).unwrap(),
            Event::Data(data) => data.accept(server).unwrap(),
            Event::Body(chunk) => content.extend_from_slice(&chunk),
            Event::BodyEnd(end) => {
                kept.lock().unwrap().clone_from(&content);
                end.accept(server).unwrap();
            }
            _ => {}
        }
    }
}

/// A session of a machine whose tokens, if there are any, are dropped.
async fn bare<M: ServerMachine>(mut accepted: Accepted, machine: M) {
    let mut connection = Connection::new(machine, accepted.stream, plain_server());
    while let Ok(Some(event)) = accepted.shutdown.next(&mut connection).await {
        drop(event);
    }
}

#[tokio::test]
async fn a_message_on_its_way_is_taken_and_an_idle_session_hears_goodbye() {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let store = Arc::clone(&kept);
    let service = start(Limits::default(), move |accepted| smtp_session(accepted, Arc::clone(&store))).await;
    let mut idle = service.connect().await;
    idle.ask("HELO idle.example\r\n", "250").await;
    let mut busy = service.connect().await;
    busy.ask("HELO busy.example\r\n", "250").await;
    busy.ask("MAIL FROM:<a@example>\r\n", "250").await;
    busy.ask("RCPT TO:<b@example>\r\n", "250").await;
    busy.ask("DATA\r\n", "354").await;
    busy.say("Subject: half\r\n\r\n").await;

    service.stop.cancel();
    let farewell = idle.rest().await;
    assert!(farewell.starts_with("421 "), "{farewell:?}");
    TcpStream::connect(service.address).await.unwrap_err();

    busy.ask("the other half\r\n.\r\n", "250").await;
    let farewell = busy.rest().await;
    assert!(farewell.starts_with("421 ") && farewell.lines().count() == 1, "{farewell:?}");
    assert_eq!(*kept.lock().unwrap(), b"Subject: half\r\n\r\nthe other half\r\n");
    assert_eq!(service.ended().await.dropped, 0);
}

#[tokio::test]
async fn an_imap_client_hears_bye_and_a_pop3_client_nothing_that_it_did_not_ask_for() {
    let imap = start(Limits::default(), |accepted| {
        use posthaste_imap::server::{Config, Server};
        let machine = Server::new(Config::new("mail.example"), accepted.stream.security(), Time::ZERO);
        bare(accepted, machine)
    })
    .await;
    let pop3 = start(Limits::default(), |accepted| {
        use posthaste_pop3::server::{Config, Server};
        let machine = Server::new(Config::default(), accepted.stream.security(), Time::ZERO);
        bare(accepted, machine)
    })
    .await;
    let imap_peer = imap.connect().await;
    let mut pop3_peer = pop3.connect().await;
    pop3_peer.ask("CAPA\r\n", "+OK").await;
    while pop3_peer.line().await != ".\r\n" {}
    imap.stop.cancel();
    pop3.stop.cancel();
    let farewell = imap_peer.rest().await;
    assert!(farewell.starts_with("* BYE ") && farewell.lines().count() == 1, "{farewell:?}");
    assert_eq!(pop3_peer.rest().await, "");
    assert_eq!(imap.ended().await.dropped + pop3.ended().await.dropped, 0);
}

#[tokio::test]
async fn a_message_that_does_not_end_is_dropped_at_the_deadline_and_not_kept() {
    let mut limits = Limits::default();
    limits.drain_timeout = Duration::from_millis(200);
    let kept = Arc::new(Mutex::new(Vec::new()));
    let store = Arc::clone(&kept);
    let service = start(limits, move |accepted| smtp_session(accepted, Arc::clone(&store))).await;
    let mut busy = service.connect().await;
    busy.ask("HELO busy.example\r\n", "250").await;
    busy.ask("MAIL FROM:<a@example>\r\n", "250").await;
    busy.ask("RCPT TO:<b@example>\r\n", "250").await;
    busy.ask("DATA\r\n", "354").await;
    busy.say("Subject: half\r\n\r\n").await;
    service.stop.cancel();
    assert_eq!(service.ended().await.dropped, 1);
    let mut rest = Vec::new();
    drop(busy.0.read_to_end(&mut rest).await);
    assert_eq!(rest, b"");
    assert_eq!(*kept.lock().unwrap(), b"");
}
