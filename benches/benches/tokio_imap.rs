//! What the IMAP handle of `posthaste-tokio` costs over loopback TCP: a message of 64 MiB, read as a literal through
//! `imap::Client`.
//!
//! Beside it, in the same run and over the same kind of sockets: `tokio::io::copy_buf` of as many octets from a socket to
//! nowhere. The sender is the same loop on a thread of its own for both, so that what differs is the reader. A literal is
//! read in three ways: chunk by chunk, by `copy_buf`, and by `copy`, which copies into a buffer of its own. The readers run
//! on one thread, as the session's task and its caller do in a small program.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "a measurement of which anything goes wrong is to end"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use posthaste_imap::types::{FetchAttribute, Mailbox, Section, SequenceSet};
use posthaste_tokio::imap::{Client, Literal, Part};
use posthaste_tokio::{ClientOptions, Endpoint, Protocol, Stream, TlsMode};

/// The message.
const OCTETS: usize = 64 * 1024 * 1024;
/// So much is written at a time.
const PIECE: usize = 64 * 1024;
/// Runs, of which the median counts.
const ROUNDS: usize = 21;

fn main() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build().unwrap();
    let (mut plain, mut chunks) = (Vec::new(), Vec::new());
    let (mut buffered, mut read) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        plain.push(runtime.block_on(copy()));
        chunks.push(runtime.block_on(fetch(by_chunks)));
        buffered.push(runtime.block_on(fetch(by_copy_buf)));
        read.push(runtime.block_on(fetch(by_copy)));
    }
    let plain = median(plain);
    let rate = |time: Duration| OCTETS as f64 / time.as_secs_f64() / 1e6;
    println!("plain copy: {:.0} MB/s", rate(plain));
    let ways = [("next_chunk", chunks), ("copy_buf", buffered), ("copy", read)];
    for (name, times) in ways {
        let time = median(times);
        println!("literal by {name}: {:.0} MB/s, {:.0} %", rate(time), 100.0 * rate(time) / rate(plain));
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// A socket at the other end of which `serve` runs on a thread.
async fn socket(serve: impl FnOnce(TcpStream) + Send + 'static) -> (tokio::net::TcpStream, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || serve(listener.accept().unwrap().0));
    (tokio::net::TcpStream::connect(address).await.unwrap(), server)
}

fn send_message(stream: &mut TcpStream) {
    let piece = vec![b'x'; PIECE];
    for _ in 0..OCTETS / PIECE {
        stream.write_all(&piece).unwrap();
    }
}

/// As many octets, from one end to the other.
async fn copy() -> Duration {
    let (mut stream, server) = socket(|mut stream| {
        stream.read_exact(&mut [0]).unwrap();
        send_message(&mut stream);
        stream.shutdown(Shutdown::Write).unwrap();
    })
    .await;
    let begun = Instant::now();
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"!").await.unwrap();
    let mut reader = tokio::io::BufReader::with_capacity(PIECE, stream);
    let octets = tokio::io::copy_buf(&mut reader, &mut tokio::io::sink()).await.unwrap();
    let elapsed = begun.elapsed();
    assert_eq!(octets, OCTETS as u64);
    server.join().unwrap();
    elapsed
}

/// A server of one message that knows what it is asked.
fn serve(stream: TcpStream) {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    stream.write_all(b"* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n").unwrap();
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap() > 0 {
        let tag = line.split(' ').next().unwrap().to_owned();
        if line.contains("SELECT") {
            stream.write_all(b"* 1 EXISTS\r\n").unwrap();
        } else if line.contains("FETCH") {
            stream.write_all(format!("* 1 FETCH (BODY[] {{{OCTETS}}}\r\n").as_bytes()).unwrap();
            send_message(&mut stream);
            stream.write_all(b")\r\n").unwrap();
        } else if line.contains("LOGOUT") {
            stream.write_all(b"* BYE bye\r\n").unwrap();
        }
        stream.write_all(format!("{tag} OK done\r\n").as_bytes()).unwrap();
        line.clear();
    }
}

/// One message through the handle, from the command to the end of its row.
async fn fetch<F: Future<Output = u64>>(read: fn(Literal) -> F) -> Duration {
    let (stream, server) = socket(serve).await;
    let endpoint = Endpoint::new(Protocol::Imap, "127.0.0.1").unwrap().with_tls(TlsMode::Plain);
    let client = Client::over(Stream::from(stream), &endpoint, &ClientOptions::default()).await.unwrap();
    client.select(Mailbox::inbox()).await.unwrap();
    let begun = Instant::now();
    let whole = FetchAttribute::Section { section: Section::whole(), partial: None, peek: true };
    let mut rows = client.fetch(SequenceSet::single(NonZeroU32::MIN), [whole]).await.unwrap();
    let mut row = rows.next().await.unwrap().unwrap();
    let Some(Part::Literal(literal)) = row.next().await.unwrap() else { panic!("no literal") };
    let octets = read(literal).await;
    assert!(row.next().await.unwrap().is_none());
    let elapsed = begun.elapsed();
    assert_eq!(octets, OCTETS as u64);
    drop((row, rows));
    client.logout().await.unwrap();
    server.join().unwrap();
    elapsed
}

async fn by_chunks(mut literal: Literal) -> u64 {
    let mut octets = 0;
    while let Some(chunk) = literal.next_chunk().await.unwrap() {
        octets += chunk.len() as u64;
    }
    octets
}

async fn by_copy_buf(mut literal: Literal) -> u64 {
    tokio::io::copy_buf(&mut literal, &mut tokio::io::sink()).await.unwrap()
}

async fn by_copy(mut literal: Literal) -> u64 {
    tokio::io::copy(&mut literal, &mut tokio::io::sink()).await.unwrap()
}
