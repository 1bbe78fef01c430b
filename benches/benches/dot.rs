//! Dot-stuffing, decoded and encoded, and the check of text, on a mebibyte of 76-column lines in 16 KiB pieces.
//!
//! The decoder runs beside `smtp-proto`'s `DataReceiver`, from the same pieces, in three ways. `gathered` gives the
//! same kind of result, the content in a `Vec`, in one copy as the other side does. `slices` is what the machines
//! do: one copy too, into the receive buffer. `machine-path` adds the check of the text, which the other side
//! leaves undone: that is what a server really pays. Before anything is measured all must have given the same
//! content. Ratios of the shortest times are printed at the end; over 1 means that this side is the faster.
#![allow(missing_docs, reason = "criterion_group makes a public function")]

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group};
use posthaste_benches::{
    PIECE_OCTETS, TEXT_OCTETS, dotted_lines, only_dots, plain_lines, race, stuffed_lines,
};
use posthaste_wire::{DotDecoder, DotEncoder, ReceiveBuffer, SendQueue, TextCheck};
use smtp_proto::request::receiver::DataReceiver;

/// What is decoded: name, stuffed text with its end.
fn stuffed() -> [(&'static str, Vec<u8>); 3] {
    let end = |mut text: Vec<u8>| {
        text.extend_from_slice(b".\r\n");
        text
    };
    [
        ("plain", end(plain_lines(TEXT_OCTETS))),
        ("every-line-dotted", end(stuffed_lines(TEXT_OCTETS))),
        ("only-dots", end(only_dots(TEXT_OCTETS))),
    ]
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

/// As a server machine does it: decoded, and looked at for what not every receiver takes.
fn decode_checked(text: &[u8], mut content: impl FnMut(Bytes)) -> TextCheck {
    let mut check = TextCheck::new();
    decode_slices(text, |chunk| {
        check.update(&chunk);
        content(chunk);
    });
    check
}

/// With the content gathered in a `Vec`, which is the only way the other side gives it: each piece is copied there
/// and decoded where it lies.
fn decode_gathered(text: &[u8], content: &mut Vec<u8>) -> bool {
    let mut decoder = DotDecoder::new();
    let mut start = content.len();
    for piece in text.chunks(PIECE_OCTETS) {
        content.extend_from_slice(piece);
        let decoded = decoder.decode(content.get_mut(start..).unwrap_or_default());
        if decoded.end {
            content.truncate(start + decoded.content);
            return true;
        }
        // What could not be judged yet stays, right behind the content.
        content.drain(start + decoded.content..start + decoded.consumed);
        start += decoded.content;
    }
    false
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
        let mut sliced = Vec::new();
        let check = decode_checked(&text, |chunk| sliced.extend_from_slice(&chunk));
        assert!(ours == sliced && check == TextCheck::new(), "both ways must give the same, and clean, text");
        // The peer looks for a dot only behind a CR LF that it has seen: the very first line is not one to it.
        let first_dot = usize::from(text.starts_with(b"."));
        assert!(ours == theirs.split_at(first_dot).1, "both sides must do the same job");

        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("posthaste-slices", name), &text, |bencher, text| {
            bencher.iter(|| decode_slices(text, |chunk| drop(black_box(chunk))));
        });
        group.bench_with_input(BenchmarkId::new("posthaste-machine-path", name), &text, |bencher, text| {
            bencher.iter(|| decode_checked(text, |chunk| drop(black_box(chunk))));
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
    for (name, text) in [
        ("plain", plain_lines(TEXT_OCTETS)),
        ("every-line-dotted", dotted_lines(TEXT_OCTETS)),
        ("only-dots", only_dots(TEXT_OCTETS)),
    ] {
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
        let checked = || {
            black_box(decode_checked(&text, |chunk| drop(black_box(chunk))));
        };
        let (sliced, checked) = race(200, slices, checked);
        let ratio = |ours: Duration| them.as_secs_f64() / ours.as_secs_f64();
        println!(
            "ratio dot-decode/{name}: gathered {:.2}x, slices {:.2}x, machine path (slices and check) {:.2}x of \
             smtp-proto's speed ({us:?}, {sliced:?}, {checked:?}, {them:?})",
            ratio(us),
            ratio(sliced),
            ratio(checked),
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
