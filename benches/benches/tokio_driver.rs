//! What the driver costs over loopback TCP: messages of a mebibyte from an SMTP client machine to a server machine,
//! and sessions of greeting and QUIT.
//!
//! Beside them, in the same run and over the same kind of sockets: a loop that copies as many octets from one end
//! to the other, and a server of bare tokio that says one line and answers one. Both sides share one thread, so
//! that a ratio compares work and not luck with cores.
#![allow(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "a measurement of which anything goes wrong is to end"
)]

use std::io::Result;
use std::time::{Duration, Instant};

use bytes::Bytes;
use posthaste_benches::{TEXT_OCTETS, plain_lines};
use posthaste_smtp::client::{self, Chunking, Client, TlsPolicy};
use posthaste_smtp::server::{self, Server};
use posthaste_smtp::{Envelope, Misuse};
use posthaste_tokio::{Connection, Role, Stream, Time};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Messages in one run.
const MESSAGES: usize = 64;
/// Sessions in one run.
const SESSIONS: usize = 2000;
/// Runs of both in turns, of which the median counts: now and then a copy finds its octets in a cache, which says as
/// little about it as a run that was disturbed.
const ROUNDS: usize = 21;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let text = Bytes::from(plain_lines(TEXT_OCTETS));
        let wanted = |name: &str| {
            let mut names = std::env::args().skip(1).filter(|name| !name.starts_with('-')).peekable();
            names.peek().is_none() || names.any(|wanted| wanted == name)
        };
        for chunking in [Chunking::Never, Chunking::Auto] {
            if !wanted("messages") {
                break;
            }
            let mut runs = Runs::default();
            for _ in 0..ROUNDS {
                runs.add(messages(&text, chunking).await, copy(&text).await);
            }
            let octets = (MESSAGES * text.len()) as f64 / 1e6;
            let (ours, theirs, share) = runs.rates(octets);
            println!("messages, {chunking:?}: {ours:.0} MB/s, plain copy {theirs:.0} MB/s, {share:.0} %");
        }
        if !wanted("sessions") {
            return;
        }
        let mut runs = Runs::default();
        for _ in 0..ROUNDS {
            runs.add(sessions(driven).await, sessions(bare).await);
        }
        let (ours, theirs, share) = runs.rates(SESSIONS as f64);
        println!("greeting and QUIT: {ours:.0}/s, bare {theirs:.0}/s, {share:.0} %");
    });
}

/// How long both took, round by round.
#[derive(Default)]
struct Runs(Vec<(Duration, Duration)>);

impl Runs {
    fn add(&mut self, ours: Duration, theirs: Duration) {
        self.0.push((ours, theirs));
    }

    /// The median of what either did in a second when it did `work` in a round, and of the share in per cent that ours
    /// is of the other in the same round.
    fn rates(&self, work: f64) -> (f64, f64, f64) {
        let median = |of: fn(&(Duration, Duration)) -> f64| {
            let mut all: Vec<f64> = self.0.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            all.get(all.len() / 2).copied().unwrap()
        };
        (
            work / median(|(ours, _)| ours.as_secs_f64()),
            work / median(|(_, theirs)| theirs.as_secs_f64()),
            100.0 * median(|(ours, theirs)| theirs.as_secs_f64() / ours.as_secs_f64()),
        )
    }
}

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
    (near.unwrap(), far.unwrap().0)
}

fn server(stream: &Stream) -> Server {
    let config = server::Config::new(server::Mode::Mta, "mx.test".parse().unwrap());
    Server::new(config, stream.security(), Time::ZERO)
}

/// Takes all messages and throws them away; how many octets of content there were.
async fn sink(stream: TcpStream) -> usize {
    use server::Event;
    let stream = Stream::from(stream);
    let mut connection = Connection::new(server(&stream), stream, Role::Server { tls: None });
    let mut octets = 0;
    while let Some(event) = connection.next().await.unwrap() {
        let server = connection.machine();
        match event {
            Event::Mail(mail) => mail.accept(server).unwrap(),
            Event::Rcpt(rcpt) => rcpt.accept(server).unwrap(),
            Event::Data(data) => data.accept(server).unwrap(),
            Event::Body(chunk) => octets += chunk.len(),
            Event::BodyEnd(end) => end.accept(server).unwrap(),
            _ => {}
        }
    }
    octets
}

async fn send(stream: TcpStream, text: Bytes, chunking: Chunking) {
    use client::{Config, Event, Mode};
    let config = Config::new(Mode::Smtp, "client.test".parse().unwrap())
        .with_tls(TlsPolicy::Off)
        .with_chunking(chunking);
    let stream = Stream::from(stream);
    let machine = Client::new(config, stream.security(), Time::ZERO);
    let mut connection = Connection::new(machine, stream, Role::Client { tls: None });
    let (mut writing, mut rest, mut left) = (None, Bytes::new(), MESSAGES);
    let envelope = || Envelope::new("<a@client.test>".parse().unwrap(), ["<b@mx.test>".parse().unwrap()]);
    connection.machine().send(envelope()).unwrap();
    while let Some(event) = connection.next().await.unwrap() {
        match event {
            Event::Body(writer) => {
                rest = text.clone();
                writing = Some(writer);
            }
            Event::Sent(report) => {
                assert!(report.is_complete(), "{report:?}");
                left -= 1;
                match left {
                    0 => connection.machine().quit(),
                    _ => drop(connection.machine().send(envelope()).unwrap()),
                }
            }
            _ => {}
        }
        while let Some(mut writer) = writing.take() {
            if rest.is_empty() {
                writer.finish(connection.machine()).unwrap();
                break;
            }
            let piece = rest.slice(..rest.len().min(PIECE));
            match writer.write(connection.machine(), piece.clone()) {
                Ok(()) => rest = rest.slice(piece.len()..),
                Err(Misuse::Congested { .. }) => connection.room().await.unwrap(),
                Err(Misuse::Unanswered) => {
                    writing = Some(writer);
                    break;
                }
                Err(misuse) => unreachable(misuse),
            }
            writing = Some(writer);
        }
    }
}

#[expect(clippy::panic, reason = "a measurement of which anything goes wrong is to end")]
fn unreachable(misuse: Misuse) -> ! {
    panic!("{misuse}")
}

async fn messages(text: &Bytes, chunking: Chunking) -> Duration {
    let (near, far) = pair().await;
    let begun = Instant::now();
    let (octets, ()) = tokio::join!(tokio::spawn(sink(near)), send(far, text.clone(), chunking));
    assert_eq!(octets.unwrap(), MESSAGES * text.len());
    begun.elapsed()
}

/// As many octets from one end to the other, in pieces of the same size, with a reader that looks at none of them.
async fn copy(text: &Bytes) -> Duration {
    let (mut near, mut far) = pair().await;
    let begun = Instant::now();
    let sent = text.clone();
    let (octets, ()) = tokio::join!(
        tokio::spawn(async move {
            let mut space = vec![0; 64 * 1024];
            let mut octets = 0;
            loop {
                match near.read(&mut space).await.unwrap() {
                    0 => return octets,
                    read => octets += read,
                }
            }
        }),
        async move {
            for _ in 0..MESSAGES {
                for piece in sent.chunks(64 * 1024) {
                    far.write_all(piece).await.unwrap();
                }
            }
            far.shutdown().await.unwrap();
        }
    );
    assert_eq!(octets.unwrap(), MESSAGES * text.len());
    begun.elapsed()
}

async fn driven(stream: TcpStream) {
    let stream = Stream::from(stream);
    let mut connection = Connection::new(server(&stream), stream, Role::Server { tls: None });
    while connection.next().await.unwrap().is_some() {}
}

async fn bare(stream: TcpStream) {
    async fn serve(stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 mx.test ESMTP ready\r\n").await?;
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        stream.write_all(b"221 2.0.0 bye\r\n").await?;
        stream.shutdown().await
    }
    serve(stream).await.unwrap();
}

/// Sessions of one client after the other: connect, hear the greeting, say QUIT, hear the answer, close.
async fn sessions<F: Future<Output = ()> + Send + 'static>(serve: fn(TcpStream) -> F) -> Duration {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(stream));
        }
    });
    let begun = Instant::now();
    let mut heard = Vec::new();
    for _ in 0..SESSIONS {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        heard.clear();
        while !heard.ends_with(b"\r\n") {
            stream.read_buf(&mut heard).await.unwrap();
        }
        stream.write_all(b"QUIT\r\n").await.unwrap();
        stream.read_to_end(&mut heard).await.unwrap();
    }
    let elapsed = begun.elapsed();
    accepting.abort();
    elapsed
}

/// So much is written at a time, as the clients of the crate do.
const PIECE: usize = 64 * 1024;
