//! The content of a message through the machines of SMTP, a mebibyte of 76-column lines in 16 KiB pieces: a server that
//! takes it by DATA and by BDAT, a client that sends it by both.
//!
//! Beside them, in the same run: `smtp-proto`'s `DataReceiver`, which finds the end of DATA and takes the dots off, and
//! a plain copy of the octets, which is what BDAT cannot be faster than. Every side ends with the same content.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::as_conversions,
    reason = "a benchmark of which anything goes wrong is to end, and criterion_group makes a public function"
)]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use posthaste_benches::{PIECE_OCTETS, TEXT_OCTETS, dotted_lines, plain_lines, race, stuffed_lines};
use posthaste_smtp::client::{self, Chunking, Client, TlsPolicy};
use posthaste_smtp::server::{Config, Event, Mode, Server};
use posthaste_smtp::{Envelope, Limits, Misuse, Security, Step, Time};
use smtp_proto::request::receiver::DataReceiver;

fn server() -> Server {
    let mut limits = Limits::default();
    limits.junk_commands_max = u32::MAX;
    let config = Config::new(Mode::Mta, "mx.test".parse().expect("a name")).with_limits(limits);
    let mut server = Server::new(config, Security::Plain, Time::ZERO);
    while server.poll_transmit().is_some() {}
    serve(&mut server, b"EHLO client.test\r\n");
    server
}

/// Takes everything; how many octets of content there were.
fn serve(server: &mut Server, input: &[u8]) -> usize {
    server.handle_input(Time::ZERO, input);
    let mut octets = 0;
    loop {
        let step = server.poll_event().expect("a session that is in order");
        let mut sent = false;
        while let Some(reply) = server.poll_transmit() {
            black_box(reply);
            sent = true;
        }
        match step {
            Step::Event(Event::Mail(mail)) => mail.accept(server).expect("in order"),
            Step::Event(Event::Rcpt(rcpt)) => rcpt.accept(server).expect("in order"),
            Step::Event(Event::Data(data)) => data.accept(server).expect("in order"),
            Step::Event(Event::Body(chunk)) => octets += black_box(chunk).len(),
            Step::Event(Event::BodyEnd(end)) => end.accept(server).expect("in order"),
            Step::Event(_) => {}
            Step::NeedInput if sent => {}
            _ => return octets,
        }
    }
}

/// A whole transaction; `begin` opens the content.
fn transaction(server: &mut Server, begin: &[u8], content: &[u8]) -> usize {
    serve(server, b"MAIL FROM:<a@c.test>\r\nRCPT TO:<b@mx.test>\r\n");
    serve(server, begin);
    content.chunks(PIECE_OCTETS).map(|piece| serve(server, piece)).sum()
}

fn client(chunking: Chunking) -> Client {
    let config = client::Config::new(client::Mode::Smtp, "client.test".parse().expect("a name"))
        .with_tls(TlsPolicy::Off)
        .with_chunking(chunking);
    let mut client = Client::new(config, Security::Plain, Time::ZERO);
    let hello = "250-mx.test\r\n250-PIPELINING\r\n250 CHUNKING\r\n";
    for reply in ["220 mx.test\r\n", hello] {
        client.handle_input(Time::ZERO, reply.as_bytes());
        while let Step::Event(_) = client.poll_event().expect("a session that is in order") {}
        while client.poll_transmit().is_some() {}
    }
    client
}

/// What leaves, and how many chunks are among it that the server has to answer.
#[derive(Default)]
struct Wire {
    octets: usize,
    chunks: usize,
}

impl Wire {
    fn drain(&mut self, client: &mut Client) {
        while let Some(bytes) = client.poll_transmit() {
            self.octets += bytes.len();
            self.chunks += usize::from(bytes.starts_with(b"BDAT "));
            black_box(bytes);
        }
    }

    /// The server says yes to all chunks it has seen.
    fn answer(&mut self, client: &mut Client) {
        for _ in 0..std::mem::take(&mut self.chunks) {
            client.handle_input(Time::ZERO, b"250 OK\r\n");
        }
    }
}

/// The next event that is of use here.
fn next(client: &mut Client, wire: &mut Wire) -> Option<client::Event> {
    loop {
        let step = client.poll_event().expect("a session that is in order");
        wire.drain(client);
        match step {
            Step::Event(event @ (client::Event::Body(_) | client::Event::Sent(_))) => return Some(event),
            Step::Event(_) => {}
            _ => return None,
        }
    }
}

/// Sends one message; how many octets left.
fn send(client: &mut Client, pieces: &[Bytes], chunked: bool) -> usize {
    let to = ["<b@mx.test>".parse().expect("a path")];
    client.send(Envelope::new("<a@c.test>".parse().expect("a path"), to)).expect("in order");
    let mut wire = Wire::default();
    assert!(next(client, &mut wire).is_none(), "the server has to answer first");
    client.handle_input(
        Time::ZERO,
        if chunked { b"250 a\r\n250 b\r\n" } else { b"250 a\r\n250 b\r\n354 c\r\n" },
    );
    let Some(client::Event::Body(mut writer)) = next(client, &mut wire) else { panic!("no writer") };
    for piece in pieces {
        while let Err(misuse) = writer.write(client, piece.clone()) {
            wire.drain(client);
            match misuse {
                Misuse::Congested { .. } => {}
                Misuse::Unanswered => wire.answer(client),
                misuse => panic!("{misuse}"),
            }
            assert!(next(client, &mut wire).is_none(), "the content is not over");
        }
    }
    writer.finish(client).expect("a whole message");
    wire.drain(client);
    wire.chunks += usize::from(!chunked);
    loop {
        wire.answer(client);
        if let Some(client::Event::Sent(report)) = next(client, &mut wire) {
            assert!(report.is_complete(), "{report:?}");
            return wire.octets;
        }
        assert!(wire.chunks > 0, "nothing is under way");
    }
}

fn pieces(text: &[u8]) -> Vec<Bytes> {
    text.chunks(PIECE_OCTETS).map(Bytes::copy_from_slice).collect()
}

fn bdat(text: &[u8]) -> Vec<u8> {
    format!("BDAT {} LAST\r\n", text.len()).into_bytes()
}

fn ended(mut text: Vec<u8>) -> Vec<u8> {
    text.extend_from_slice(b".\r\n");
    text
}

fn copy(text: &[u8], out: &mut Vec<u8>) {
    out.clear();
    for piece in text.chunks(PIECE_OCTETS) {
        out.extend_from_slice(piece);
    }
    black_box(out);
}

fn machines(criterion: &mut Criterion) {
    let plain = plain_lines(TEXT_OCTETS);
    let mut group = criterion.benchmark_group("smtp-content");
    group.throughput(Throughput::Bytes(plain.len() as u64));
    for (name, text) in
        [("plain", ended(plain.clone())), ("every-line-dotted", ended(stuffed_lines(TEXT_OCTETS)))]
    {
        let mut server = server();
        assert!(transaction(&mut server, b"DATA\r\n", &text) > TEXT_OCTETS / 2);
        group.bench_with_input(BenchmarkId::new("server-data", name), &text, |bencher, text| {
            bencher.iter(|| transaction(&mut server, b"DATA\r\n", text));
        });
    }
    let (mut server, begin) = (server(), bdat(&plain));
    assert_eq!(transaction(&mut server, &begin, &plain), plain.len());
    group.bench_with_input(BenchmarkId::new("server-bdat", "plain"), &plain, |bencher, text| {
        bencher.iter(|| transaction(&mut server, &begin, text));
    });
    for (name, text) in [("plain", pieces(&plain)), ("every-line-dotted", pieces(&dotted_lines(TEXT_OCTETS)))]
    {
        let mut client = client(Chunking::Never);
        group.bench_with_input(BenchmarkId::new("client-data", name), &text, |bencher, text| {
            bencher.iter(|| send(&mut client, text, false));
        });
    }
    let (mut client, text) = (client(Chunking::Auto), pieces(&plain));
    group.bench_with_input(BenchmarkId::new("client-bdat", "plain"), &text, |bencher, text| {
        bencher.iter(|| send(&mut client, text, true));
    });
    group.finish();
}

fn print_ratios() {
    let (plain, mut server, mut out) = (plain_lines(TEXT_OCTETS), server(), Vec::with_capacity(TEXT_OCTETS));
    for (name, text) in
        [("plain", ended(plain.clone())), ("every-line-dotted", ended(stuffed_lines(TEXT_OCTETS)))]
    {
        let mut theirs = Vec::with_capacity(text.len());
        let (us, them) = race(
            200,
            || {
                black_box(transaction(&mut server, b"DATA\r\n", &text));
            },
            || {
                theirs.clear();
                let mut receiver = DataReceiver::new();
                black_box(
                    text.chunks(PIECE_OCTETS).any(|piece| receiver.ingest(&mut piece.iter(), &mut theirs)),
                );
            },
        );
        let speed = text.len() as f64 / us.as_secs_f64() / f64::from(1 << 30);
        println!(
            "ratio smtp-content/server-data/{name}: {:.2}x of smtp-proto's DataReceiver, {speed:.1} GiB/s",
            them.as_secs_f64() / us.as_secs_f64(),
        );
    }
    let begin = bdat(&plain);
    let (us, them) = race(
        200,
        || {
            black_box(transaction(&mut server, &begin, &plain));
        },
        || copy(&plain, &mut out),
    );
    let speed = plain.len() as f64 / us.as_secs_f64() / f64::from(1 << 30);
    println!(
        "ratio smtp-content/server-bdat/plain: {:.2}x of a plain copy, {speed:.1} GiB/s",
        them.as_secs_f64() / us.as_secs_f64(),
    );
}

criterion_group!(benches, machines);

fn main() {
    benches();
    // `cargo test` and `cargo bench -- --test` only check that everything runs.
    if std::env::args().any(|argument| argument == "--bench") {
        print_ratios();
    }
    Criterion::default().configure_from_args().final_summary();
}
