//! What the receive buffer and the framings may take from the heap: a bound per read, never per line or octet.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use posthaste_testkit::measure;
use posthaste_wire::{Bytes, DotDecoder, ReceiveBuffer};

const READ_OCTETS: usize = 16 * 1024;

/// Room for a read, and the record that lets slices share it. Slices themselves are free.
const ALLOCATIONS_PER_READ_MAX: u64 = 2;

fn lines(count: usize, octets: usize) -> Vec<u8> {
    let line = [&vec![b'x'; octets - 2][..], b"\r\n"].concat();
    line.repeat(count)
}

/// Takes all lines there are and says how many. `keep` decides what outlives the call.
fn take_lines(buffer: &mut ReceiveBuffer, mut keep: impl FnMut(Bytes)) -> usize {
    let mut count = 0;
    while let Some(line) = buffer.line(512).unwrap() {
        keep(line);
        count += 1;
    }
    count
}

#[test]
fn a_thousand_pipelined_lines_of_one_push_cost_what_one_costs() {
    let input = lines(1_000, 65);
    let mut buffer = ReceiveBuffer::new();
    let measured = measure(|| {
        buffer.push(&input);
        assert_eq!(take_lines(&mut buffer, drop), 1_000);
    });
    assert!(measured.allocations <= ALLOCATIONS_PER_READ_MAX, "{measured:?}");
    assert!(measured.peak <= input.len() as u64 + 256, "{measured:?}");
    // From then on the same room serves.
    let again = measure(|| {
        buffer.push(&input);
        assert_eq!(take_lines(&mut buffer, drop), 1_000);
    });
    assert_eq!(again.allocations, 0, "{again:?}");
}

#[test]
fn lines_that_are_kept_share_the_memory_of_their_read() {
    let input = lines(1_000, 65);
    let mut buffer = ReceiveBuffer::new();
    let mut kept = Vec::with_capacity(10_000);
    for _ in 0..10 {
        let measured = measure(|| {
            buffer.push(&input);
            take_lines(&mut buffer, |line| kept.push(line));
        });
        assert!(measured.allocations <= ALLOCATIONS_PER_READ_MAX, "{measured:?}");
        assert!(measured.bytes <= input.len() as u64 + 256, "{measured:?}");
    }
    // One line of each read keeps the whole of it alive, as documented; no line, no memory.
    let mut number = 0;
    kept.retain(|_| {
        number += 1;
        number % 1_000 == 1
    });
    let freed = measure(|| kept.clear());
    assert!(freed.kept <= -9 * i64::try_from(input.len()).unwrap(), "{freed:?}");
}

#[test]
fn a_line_that_trickles_in_costs_a_few_growths_and_not_one_per_octet() {
    let input = lines(1, 16 * 1024);
    let mut buffer = ReceiveBuffer::new();
    let measured = measure(|| {
        for octet in input.chunks(1) {
            buffer.push(octet);
            drop(buffer.line(1 << 20).unwrap());
        }
    });
    assert!(buffer.is_empty());
    assert!(measured.allocations <= 16, "{measured:?}");
    assert!(measured.peak <= 4 * input.len() as u64, "{measured:?}");
}

/// A stuffed text in which a dot that cannot be judged yet is at the end of many reads.
fn stuffed(octets: usize) -> Vec<u8> {
    b"..stuffed line of forty-one octets of text\r\n".iter().copied().cycle().take(octets).collect()
}

#[test]
fn a_body_in_reads_of_16_kib_uses_one_room_over_and_over() {
    let text = stuffed(2 * 1024 * 1024);
    let (mut decoder, mut buffer) = (DotDecoder::new(), ReceiveBuffer::new());
    let mut stream = |part: &[u8]| {
        for read in part.chunks(READ_OCTETS) {
            buffer.push(read);
            drop(decoder.read(&mut buffer));
        }
    };
    let (first, rest) = text.split_at(16 * READ_OCTETS);
    let warm = measure(|| stream(first));
    assert!(warm.peak <= 4 * READ_OCTETS as u64, "{warm:?}");
    let measured = measure(|| stream(rest));
    assert_eq!(measured.allocations, 0, "{measured:?}");
}

#[test]
fn a_body_whose_chunks_are_kept_costs_two_allocations_per_read() {
    let text = stuffed(2 * 1024 * 1024);
    let (mut decoder, mut buffer) = (DotDecoder::new(), ReceiveBuffer::new());
    let mut kept = Vec::with_capacity(text.len() / READ_OCTETS + 1);
    let measured = measure(|| {
        for read in text.chunks(READ_OCTETS) {
            buffer.push(read);
            kept.push(decoder.read(&mut buffer));
        }
    });
    let reads = kept.len() as u64;
    assert!(measured.allocations <= ALLOCATIONS_PER_READ_MAX * reads, "{measured:?}");
    assert!(measured.bytes <= text.len() as u64 + 256 * reads, "{measured:?}");
}

#[test]
fn cmd_15_an_endless_line_holds_no_more_than_its_limit_and_a_read() {
    let read = [b'x'; READ_OCTETS];
    let mut buffer = ReceiveBuffer::new();
    let measured = measure(|| {
        for _ in 0..1_000 {
            buffer.push(&read);
            drop(buffer.line(512));
        }
    });
    assert!(measured.peak <= 2 * READ_OCTETS as u64, "{measured:?}");
}

#[test]
fn an_idle_connection_gives_back_the_memory_of_large_reads() {
    let mut buffer = ReceiveBuffer::new();
    let measured = measure(|| {
        buffer.push(&lines(1_000, 65));
        take_lines(&mut buffer, drop);
        buffer.push(b"IDLE\r\n");
        take_lines(&mut buffer, drop);
    });
    assert!(measured.kept <= 1_024, "{measured:?}");
}
