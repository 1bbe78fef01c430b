//! A protocol of lines, small enough to see through, that uses every part of the machine contract.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

pub mod authority;
pub mod breaking;
pub mod mailserver;
pub mod peer;
pub mod scram;
pub mod script;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use posthaste_tokio::tls::{Alpn, ClientTls, client_config_with_roots, server_config};
use posthaste_tokio::{ClientOptions, Connection, Endpoint, Protocol, Role, TlsMode};
use posthaste_wire::{
    Answer, Layer, Machine, Misuse, ReceiveBuffer, Residue, Security, SendQueue, Step, Ticket, Tickets, Time,
    Upgrade,
};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Server: each line is a token, answered with a line. `starttls`, `quit` and `boom` are the machine's own.
/// Client: each line is a plain event.
pub struct Toy {
    server: bool,
    input: ReceiveBuffer,
    output: SendQueue,
    tickets: Tickets,
    upgrading: Option<Upgrading>,
    eof: bool,
    failed: Option<ToyError>,
    closed: bool,
    idle: Option<Time>,
    /// Input does not move the deadline.
    held: bool,
    /// The machine keeps waiting, and its deadline, when nothing can come any more: a machine that is wrong.
    stubborn: bool,
    /// So many chunks are still to be made when there is room, and no line is read before.
    flood: usize,
    pub polls: usize,
    pub timeouts: usize,
    pub security: Security,
}

enum Upgrading {
    /// The client waits for `go`.
    Asked,
    Due,
    Out,
}

#[derive(Debug)]
pub enum Said {
    Question(Question),
    Line(String),
}

#[derive(Debug)]
pub struct Question {
    ticket: Ticket,
    pub line: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToyError {
    Boom,
    Residue(Residue),
}

impl std::fmt::Display for ToyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("boom")
    }
}

impl std::error::Error for ToyError {}

pub const IDLE: Duration = Duration::from_secs(300);
pub const FLOOD_CHUNKS: usize = 100;
pub const FLOOD_CHUNK: usize = 8 * 1024;
pub const HIGH_WATER: usize = 64 * 1024;

impl Question {
    pub fn answer(self, toy: &mut Toy, line: &str) -> Result<(), Misuse> {
        if toy.tickets.redeem(self.ticket)? == Answer::InTime {
            toy.say(line);
        }
        Ok(())
    }
}

impl Toy {
    pub fn server() -> Self {
        Self {
            server: true,
            input: ReceiveBuffer::new(),
            output: SendQueue::new(HIGH_WATER),
            tickets: Tickets::new(),
            upgrading: None,
            eof: false,
            failed: None,
            closed: false,
            idle: Some(Time::ZERO.after(IDLE)),
            held: false,
            stubborn: false,
            flood: 0,
            polls: 0,
            timeouts: 0,
            security: Security::Plain,
        }
    }

    pub fn client() -> Self {
        Self { server: false, idle: None, ..Self::server() }
    }

    /// From here on the deadline is that of the whole conversation.
    pub fn hold_deadline(&mut self) {
        self.held = true;
    }

    /// Makes the machine wait for input after the end of it.
    pub fn wait_after_eof(&mut self) {
        self.stubborn = true;
    }

    pub fn say(&mut self, line: &str) {
        self.output.put(line.as_bytes());
        self.output.put(b"\r\n");
    }

    /// Queues a piece of a body.
    pub fn write(&mut self, piece: Bytes) -> Result<(), Misuse> {
        if self.output.is_congested() {
            return Err(Misuse::Congested { high_water: HIGH_WATER });
        }
        self.output.push(piece);
        Ok(())
    }

    pub fn start_tls(&mut self) {
        self.say("starttls");
        self.upgrading = Some(Upgrading::Asked);
    }

    fn line(&mut self, line: &[u8]) -> Option<Said> {
        let line = String::from_utf8_lossy(line).trim_end_matches("\r\n").to_owned();
        match line.as_str() {
            "quit" if self.server => {
                self.say("bye");
                self.closed = true;
                None
            }
            "boom" if self.server => {
                self.say("fatal");
                self.failed = Some(ToyError::Boom);
                None
            }
            "flood" if self.server => {
                self.flood = FLOOD_CHUNKS;
                None
            }
            "starttls" if self.server => {
                self.say("go");
                self.upgrading = Some(Upgrading::Due);
                None
            }
            "go" if matches!(self.upgrading, Some(Upgrading::Asked)) => {
                self.upgrading = Some(Upgrading::Due);
                None
            }
            _ if self.server => Some(Said::Question(Question { ticket: self.tickets.issue(), line })),
            _ => Some(Said::Line(line)),
        }
    }
}

impl Machine for Toy {
    type Event = Said;
    type Error = ToyError;

    fn handle_input(&mut self, now: Time, input: &[u8]) {
        assert!(!self.tickets.is_open(), "input while a token is out");
        assert!(!self.eof, "input after end of file");
        if self.idle.is_some() && !self.held {
            self.idle = Some(now.after(IDLE));
        }
        self.input.push(input);
    }

    fn handle_eof(&mut self, _: Time) {
        assert!(!self.eof, "end of file twice");
        self.eof = true;
    }

    fn handle_timeout(&mut self, now: Time) {
        self.timeouts += 1;
        if self.idle.is_some_and(|deadline| deadline <= now) {
            self.idle = None;
            self.say("idle");
            self.closed = true;
        }
    }

    fn poll_event(&mut self) -> Result<Step<Said>, ToyError> {
        self.polls += 1;
        assert!(self.polls < 100_000, "the driver turns in circles");
        loop {
            if let Some(error) = &self.failed {
                return Err(error.clone());
            }
            if self.closed {
                return Ok(Step::Closed);
            }
            if self.tickets.is_open() {
                return Ok(Step::Paused);
            }
            match self.upgrading {
                Some(Upgrading::Due) => match self.input.drained() {
                    Ok(drained) => {
                        self.upgrading = Some(Upgrading::Out);
                        return Ok(Step::Upgrade(Upgrade::new(Layer::Tls, drained)));
                    }
                    Err(residue) => {
                        self.failed = Some(ToyError::Residue(residue));
                        continue;
                    }
                },
                Some(Upgrading::Out) => return Ok(Step::NeedInput),
                Some(Upgrading::Asked) | None => {}
            }
            if self.flood > 0 || self.output.is_congested() {
                return Ok(Step::NeedInput);
            }
            match self.input.line(1 << 24).unwrap() {
                Some(line) => {
                    if let Some(event) = self.line(&line) {
                        return Ok(Step::Event(event));
                    }
                }
                None if self.eof && !self.stubborn => return Ok(Step::Closed),
                None => return Ok(Step::NeedInput),
            }
        }
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        if self.flood > 0 && self.output.is_empty() {
            self.flood -= 1;
            self.output.push(Bytes::from_static(&[b'f'; FLOOD_CHUNK]));
        }
        self.output.pop()
    }

    fn poll_timeout(&self) -> Option<Time> {
        if self.flood > 0 {
            // Waits for its output by a deadline that has passed.
            return Some(Time::ZERO);
        }
        if self.closed || (self.eof && !self.stubborn) { None } else { self.idle }
    }

    fn upgraded(&mut self, _: Time, _: Upgrade, security: Security) -> Result<(), Misuse> {
        self.upgrading = None;
        self.security = security;
        Ok(())
    }

    fn is_congested(&self) -> bool {
        self.output.is_congested()
    }
}

/// Answers every question with its own text until the conversation ends.
pub async fn serve(connection: &mut Connection<Toy>) -> Result<(), posthaste_tokio::Error<ToyError>> {
    while let Some(Said::Question(question)) = connection.next().await? {
        let line = question.line.clone();
        question.answer(connection.machine(), &line)?;
    }
    Ok(())
}

pub fn plain_server() -> Role {
    Role::Server { tls: None }
}

pub fn plain_client() -> Role {
    Role::Client { tls: None }
}

/// Both ends of TLS, with a certificate for `mail.example` that the client trusts.
pub fn tls_roles(alpn: Alpn) -> (Role, Role) {
    let made = rcgen::generate_simple_self_signed(vec!["mail.example".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let server = server_config(vec![made.cert.der().clone()], key, alpn).unwrap();
    let client = client_config_with_roots(roots, alpn).unwrap();
    (
        Role::Server { tls: Some(server) },
        Role::Client { tls: Some(ClientTls::new(Arc::clone(&client), "mail.example").unwrap()) },
    )
}

/// Options of a client that trusts what `role` trusts.
pub fn trusting(role: &Role) -> ClientOptions {
    match role {
        Role::Client { tls: Some(tls) } => {
            ClientOptions::default().with_client_config(Arc::clone(&tls.config))
        }
        _ => ClientOptions::default(),
    }
}

/// The server that the certificates of [`tls_roles`] are for.
pub fn endpoint(protocol: Protocol, tls: TlsMode) -> Endpoint {
    Endpoint::new(protocol, "mail.example").unwrap().with_tls(tls)
}

/// Gives this thread's events to `subscriber` until what is returned is dropped. The second dispatcher is there because
/// with a single one, the thread that first comes by an event decides for all whether it is of interest.
pub fn subscribe(
    subscriber: impl tracing::Subscriber + Clone + Send + Sync + 'static,
) -> (tracing::Dispatch, tracing::subscriber::DefaultGuard) {
    (tracing::Dispatch::new(subscriber.clone()), tracing::subscriber::set_default(subscriber))
}

pub async fn read_all(mut stream: impl AsyncRead + Unpin) -> String {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    String::from_utf8(all).unwrap()
}
