//! Dot-stuffing, decoded and encoded, and the check of text, on a mebibyte of 76-column lines in 16 KiB pieces.
//!
//! The decoder runs beside `smtp-proto`'s `DataReceiver`, from the same pieces to the same kind of result: the
//! content in a buffer of its own. Before anything is measured both must have given the same content. A ratio of
//! the shortest times is printed at the end; over 1 means that this side is the faster.
#![allow(missing_docs, reason = "criterion_group makes a public function")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use posthaste_benches::{PIECE_OCTETS, TEXT_OCTETS, dotted_lines, plain_lines, race, stuffed_lines};
use posthaste_wire::{DotDecoder, DotEncoder, ReceiveBuffer, SendQueue, TextCheck};
use smtp_proto::request::receiver::DataReceiver;

/// What is decoded: name, stuffed text with its end.
fn stuffed() -> [(&'static str, Vec<u8>); 2] {
    let end = |mut text: Vec<u8>| {
        text.extend_from_slice(b".\r\n");
        text
    };
    [("plain", end(plain_lines(TEXT_OCTETS))), ("every-line-dotted", end(stuffed_lines(TEXT_OCTETS)))]
}

/// As a machine does it: pieces are pushed into a receive buffer, content comes out as slices of it.
fn decode_slices(text: &[u8], mut content: impl FnMut(Bytes)) -> bool {
    let (mut decoder, mut buffer) = (DotDecoder::new(), ReceiveBuffer::new());
    for piece in text.chunks(PIECE_OCTETS) {
        buffer.push(piece);
        let (chunk, end) = decoder.read(&mut buffer);
        content(chunk);
        if end {
            return true;
        }
    }
    false
}

/// With the content gathered in a `Vec`, which is the only way the other side gives it.
fn decode_gathered(text: &[u8], content: &mut Vec<u8>) -> bool {
    decode_slices(text, |chunk| content.extend_from_slice(&chunk))
}

fn decode_smtp_proto(text: &[u8], content: &mut Vec<u8>) -> bool {
    let mut receiver = DataReceiver::new();
    text.chunks(PIECE_OCTETS).any(|piece| receiver.ingest(&mut piece.iter(), content))
}

fn encode(pieces: &[Bytes], out: &mut SendQueue) {
    let mut encoder = DotEncoder::new();
    for piece in pieces {
        encoder.encode(piece.clone(), out);
        while let Some(bytes) = out.pop() {
            black_box(bytes);
        }
    }
    encoder.finish(out);
    black_box(out.pop());
}

fn decoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dot-decode");
    for (name, text) in stuffed() {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        assert!(decode_gathered(&text, &mut ours), "the end was not found");
        assert!(decode_smtp_proto(&text, &mut theirs), "the peer did not find the end");
        // The peer looks for a dot only behind a CR LF that it has seen: the very first line is not one to it.
        let first_dot = usize::from(text.starts_with(b"."));
        assert!(ours == theirs.split_at(first_dot).1, "both sides must do the same job");

        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("posthaste-slices", name), &text, |bencher, text| {
            bencher.iter(|| decode_slices(text, |chunk| drop(black_box(chunk))));
        });
        let mut content = Vec::with_capacity(text.len());
        group.bench_with_input(BenchmarkId::new("posthaste-gathered", name), &text, |bencher, text| {
            bencher.iter(|| {
                content.clear();
                decode_gathered(text, black_box(&mut content))
            });
        });
        group.bench_with_input(BenchmarkId::new("smtp-proto", name), &text, |bencher, text| {
            bencher.iter(|| {
                content.clear();
                decode_smtp_proto(text, black_box(&mut content))
            });
        });
    }
    group.finish();
}

fn encoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("dot-encode");
    for (name, text) in
        [("plain", plain_lines(TEXT_OCTETS)), ("every-line-dotted", dotted_lines(TEXT_OCTETS))]
    {
        let pieces: Vec<Bytes> = text.chunks(PIECE_OCTETS).map(Bytes::copy_from_slice).collect();
        group.throughput(Throughput::Bytes(text.len() as u64));
        let mut out = SendQueue::default();
        group.bench_with_input(BenchmarkId::new("posthaste", name), &pieces, |bencher, pieces| {
            bencher.iter(|| encode(pieces, &mut out));
        });
    }
    group.finish();
}

fn checking(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("text-check");
    let text = plain_lines(TEXT_OCTETS);
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("posthaste", |bencher| {
        bencher.iter(|| {
            let mut check = TextCheck::new();
            for piece in text.chunks(PIECE_OCTETS) {
                check.update(black_box(piece));
            }
            black_box(check)
        });
    });
    group.finish();
}

fn print_ratios() {
    for (name, text) in stuffed() {
        let mut gathered = Vec::with_capacity(text.len());
        let mut theirs = Vec::with_capacity(text.len());
        let (us, them) = race(
            200,
            || {
                gathered.clear();
                black_box(decode_gathered(&text, black_box(&mut gathered)));
            },
            || {
                theirs.clear();
                black_box(decode_smtp_proto(&text, black_box(&mut theirs)));
            },
        );
        let slices = || {
            black_box(decode_slices(&text, |chunk| drop(black_box(chunk))));
        };
        let (sliced, _) = race(200, slices, || {});
        println!(
            "ratio dot-decode/{name}: gathered {:.2}x, slices {:.2}x of smtp-proto's speed ({us:?}, {sliced:?}, {them:?})",
            them.as_secs_f64() / us.as_secs_f64(),
            them.as_secs_f64() / sliced.as_secs_f64(),
        );
    }
}

criterion_group!(benches, decoding, encoding, checking);

fn main() {
    benches();
    // `cargo test` and `cargo bench -- --test` only check that everything runs.
    if std::env::args().any(|argument| argument == "--bench") {
        print_ratios();
    }
    Criterion::default().configure_from_args().final_summary();
}
