//! Command lines of SMTP, read beside `smtp-proto`, from the same pipelined octets.
//!
//! This side is measured twice: from lines of one shared buffer, cut at their CR LF, and as a machine does it,
//! with the octets copied into a receive buffer first. The peer looks for the line's end while it parses. Before
//! anything is measured both must have understood the same. A ratio of the shortest times is printed at the end;
//! over 1 means that this side is the faster.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark, whose macro makes a public function"
)]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use posthaste_benches::race;
use posthaste_smtp::Command;
use posthaste_wire::ReceiveBuffer;
use smtp_proto::Request;

/// What is read: name, command lines.
const GROUPS: [(&str, &[u8]); 3] = [
    (
        "ehlo-mail-rcpt-data",
        b"EHLO client.example.test\r\n\
          MAIL FROM:<alice.sender@example.test> SIZE=123456 BODY=8BITMIME\r\n\
          RCPT TO:<bob.recipient@mail.example.test> NOTIFY=SUCCESS,FAILURE\r\n\
          DATA\r\n",
    ),
    (
        "ehlo-mail-rcpt-bdat",
        b"EHLO client.example.test\r\n\
          MAIL FROM:<alice.sender@example.test> SIZE=123456 BODY=8BITMIME\r\n\
          RCPT TO:<bob.recipient@mail.example.test> NOTIFY=SUCCESS,FAILURE\r\n\
          BDAT 123456 LAST\r\n",
    ),
    ("bdat", b"BDAT 1048576\r\nBDAT 1048576\r\nBDAT 1048576\r\nBDAT 1234 LAST\r\n"),
];

/// From lines that share one buffer.
fn parse_shared(text: &Bytes, mut seen: impl FnMut(&Command)) {
    let mut start = 0;
    while let Some(length) = memchr::memchr(b'\n', &text[start..]) {
        let end = start + length;
        seen(Command::parse(&text.slice(start..end - 1)).as_ref().expect("a command"));
        start = end + 1;
    }
}

/// As a machine does it.
fn parse_received(text: &[u8], buffer: &mut ReceiveBuffer, mut seen: impl FnMut(&Command)) {
    buffer.push(text);
    while let Ok(Some(line)) = buffer.line(2048) {
        seen(Command::parse(&line).as_ref().expect("a command"));
    }
}

fn parse_smtp_proto(text: &[u8], mut seen: impl FnMut(&Request<std::borrow::Cow<'_, str>>)) {
    let mut octets = text.iter();
    while !octets.as_slice().is_empty() {
        seen(Request::parse(&mut octets).as_ref().expect("a command"));
    }
}

/// Both sides must have read the same verbs, paths and sizes.
fn check(text: &[u8]) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    parse_shared(&Bytes::copy_from_slice(text), |command| {
        ours.push(match command {
            Command::Ehlo(name) => format!("EHLO {name}"),
            Command::Mail { from, parameters } => format!("MAIL {from} {:?}", parameters.size.unwrap_or(0)),
            Command::Rcpt { to, .. } => format!("RCPT {to}"),
            Command::Data => "DATA".to_owned(),
            Command::Bdat { length, last } => format!("BDAT {length} {last}"),
            other => format!("{other:?}"),
        });
    });
    parse_smtp_proto(text, |request| {
        theirs.push(match request {
            Request::Ehlo { host } => format!("EHLO {host}"),
            Request::Mail { from } => format!("MAIL <{}> {}", from.address, from.size),
            Request::Rcpt { to } => format!("RCPT <{}>", to.address),
            Request::Data => "DATA".to_owned(),
            Request::Bdat { chunk_size, is_last } => format!("BDAT {chunk_size} {is_last}"),
            other => format!("{other:?}"),
        });
    });
    assert_eq!(ours, theirs, "both sides must do the same job");
}

fn commands(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("smtp-commands");
    for (name, text) in GROUPS {
        check(text);
        group.throughput(Throughput::Bytes(text.len() as u64));
        let shared = Bytes::from_static(text);
        group.bench_with_input(BenchmarkId::new("posthaste", name), &shared, |bencher, text| {
            bencher.iter(|| parse_shared(text, |command| _ = black_box(command)));
        });
        let mut buffer = ReceiveBuffer::new();
        group.bench_with_input(BenchmarkId::new("posthaste-received", name), text, |bencher, text| {
            bencher.iter(|| parse_received(text, &mut buffer, |command| _ = black_box(command)));
        });
        group.bench_with_input(BenchmarkId::new("smtp-proto", name), text, |bencher, text| {
            bencher.iter(|| parse_smtp_proto(text, |request| _ = black_box(request)));
        });
    }
    group.finish();
}

fn print_ratios() {
    for (name, text) in GROUPS {
        // A shared buffer that counts its users, as one that was read into does.
        let shared = Bytes::copy_from_slice(text);
        let (_also, mut buffer) = (shared.clone(), ReceiveBuffer::new());
        // Many times each, since a clock is too coarse for one.
        let theirs = || (0..TIMES).for_each(|_| parse_smtp_proto(black_box(text), |it| _ = black_box(it)));
        let ours = || (0..TIMES).for_each(|_| parse_shared(black_box(&shared), |it| _ = black_box(it)));
        let (us, them) = race(200, ours, theirs);
        let received = || {
            (0..TIMES).for_each(|_| parse_received(black_box(text), &mut buffer, |it| _ = black_box(it)));
        };
        let (framed, _) = race(200, received, || {});
        println!(
            "ratio smtp-commands/{name}: {:.2}x, received {:.2}x of smtp-proto's speed ({:?}, {:?}, {:?} a group)",
            them.as_secs_f64() / us.as_secs_f64(),
            them.as_secs_f64() / framed.as_secs_f64(),
            us / TIMES,
            framed / TIMES,
            them / TIMES,
        );
    }
}

/// How often each group is read for one measurement.
const TIMES: u32 = 200;

criterion_group!(benches, commands);

fn main() {
    benches();
    // `cargo test` and `cargo bench -- --test` only check that everything runs.
    if std::env::args().any(|argument| argument == "--bench") {
        print_ratios();
    }
    Criterion::default().configure_from_args().final_summary();
}
