//! Dot-stuffing against a specification of five lines: over all short texts, in all ways to cut them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use posthaste_wire::{Bytes, DotDecoder, DotEncoder, ReceiveBuffer, SendQueue, TextCheck};
use proptest::prelude::*;

/// The specification: the text ends at the first CR LF . CR LF, the CR LF before the text counted; a dot
/// behind CR LF is dropped. Gives the content and where the input goes on.
fn specification(input: &[u8]) -> Option<(Vec<u8>, usize)> {
    let framed = [b"\r\n", input].concat();
    let end = framed.windows(5).position(|octets| octets == b"\r\n.\r\n")?;
    let text = &framed[..end + 2];
    let kept = (2..text.len()).filter(|&at| !(text[at] == b'.' && &text[at - 2..at] == b"\r\n"));
    Some((kept.map(|at| text[at]).collect(), end + 3))
}

/// Feeds the pieces as a machine would: what is not consumed waits in front of the next piece.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, Option<usize>) {
    let (mut decoder, mut buffer) = (DotDecoder::new(), ReceiveBuffer::new());
    let (mut content, mut fed) = (Vec::new(), 0);
    for piece in pieces {
        buffer.push(piece);
        fed += piece.len();
        loop {
            let (chunk, end) = decoder.read(&mut buffer);
            content.extend_from_slice(&chunk);
            if end {
                return (content, Some(fed - buffer.len()));
            }
            if chunk.is_empty() {
                break;
            }
        }
        assert!(buffer.len() <= 2, "{} octets held back", buffer.len());
    }
    (content, None)
}

/// Decodes the input whole, octet by octet and cut in two everywhere, and holds the end against the specification
/// and the content of each against that of the others.
fn check(input: &[u8]) {
    let whole = decode([input]);
    match specification(input) {
        Some((content, end)) => assert_eq!(whole, (content, Some(end)), "{input:?}"),
        None => assert_eq!(whole.1, None, "{input:?}"),
    }
    assert_eq!(decode(input.chunks(1)), whole, "{input:?} octet by octet");
    for at in 1..input.len() {
        assert_eq!(decode([&input[..at], &input[at..]]), whole, "{input:?} cut at {at}");
    }
}

/// Checks all strings over the alphabet up to the length that start with `start`, in order, and counts them.
fn exhaustive(alphabet: &[u8], start: &[u8], length: usize, check: impl Fn(&[u8])) -> usize {
    let mut count = 0;
    for length in 0..=length.checked_sub(start.len()).unwrap() {
        let mut digits = vec![0_usize; length];
        loop {
            let rest = digits.iter().map(|&digit| alphabet[digit]);
            check(&start.iter().copied().chain(rest).collect::<Vec<u8>>());
            count += 1;
            let Some(at) = digits.iter().rposition(|&digit| digit + 1 < alphabet.len()) else { break };
            digits[at] += 1;
            digits[at + 1..].fill(0);
        }
    }
    count
}

#[test]
fn eod_18_every_text_of_five_octets_up_to_length_8_ends_where_the_specification_says() {
    const ALPHABET: [u8; 5] = *b"\r\n.\0a";
    check(b"");
    let counts: Vec<usize> = std::thread::scope(|scope| {
        let start = |first: u8| scope.spawn(move || exhaustive(&ALPHABET, &[first], 8, check));
        let threads = ALPHABET.map(start);
        threads.map(|thread| thread.join().unwrap()).to_vec()
    });
    assert_eq!(1 + counts.iter().sum::<usize>(), 488_281);
}

fn encode(pieces: &[&[u8]]) -> Vec<u8> {
    let (mut encoder, mut out) = (DotEncoder::new(), SendQueue::new(usize::MAX));
    for piece in pieces {
        encoder.encode(Bytes::copy_from_slice(piece), &mut out);
    }
    encoder.finish(&mut out);
    let mut sent = Vec::new();
    while let Some(bytes) = out.pop() {
        sent.extend_from_slice(&bytes);
    }
    sent
}

#[test]
fn encoding_then_decoding_exhaustively_gives_the_text_back() {
    exhaustive(b"\r\n.a", b"", 7, |text| {
        let whole = encode(&[text]);
        for at in 0..text.len() {
            assert_eq!(encode(&[&text[..at], &text[at..]]), whole, "{text:?} cut at {at}");
        }
        let mut expected = text.to_vec();
        if !text.is_empty() && !text.ends_with(b"\r\n") {
            expected.extend_from_slice(b"\r\n");
        }
        assert_eq!(decode([&whole[..]]), (expected, Some(whole.len())), "{text:?}");
    });
}

proptest! {
    #[test]
    fn any_split_of_any_text_decodes_alike(
        input in prop::collection::vec(prop::sample::select(&b"\r\n\r\n..ab\0\xff"[..]), 0..200),
        size in 1usize..20,
    ) {
        prop_assert_eq!(decode([&input[..]]), decode(input.chunks(size)));
    }

    #[test]
    fn text_check_does_not_depend_on_splits(
        input in prop::collection::vec(prop::sample::select(&b"\r\n\r\nab\0\xff"[..]), 0..40),
        size in 1usize..7,
    ) {
        let mut check = TextCheck::new();
        for piece in input.chunks(size) {
            check.update(piece);
        }
        let pairs = input.windows(2).filter(|pair| pair == b"\r\n").count();
        let ends = input.iter().filter(|&&octet| octet == b'\r' || octet == b'\n').count();
        prop_assert_eq!(check.has_bare_line_end(), ends != 2 * pairs);
        prop_assert_eq!(check.has_nul(), input.contains(&0));
        prop_assert_eq!(check.has_8bit(), input.contains(&0xff));
    }
}

#[test]
fn eod_16_exactly_one_leading_dot_is_removed() {
    let (content, end) = decode([&b"x\r\n..\r\n...\r\n.y\r\n.\r\nQUIT\r\n"[..]]);
    assert_eq!(content, b"x\r\n.\r\n..\r\ny\r\n");
    assert_eq!(end, Some(19));
}

#[test]
fn eod_15_the_start_counts_as_the_start_of_a_line() {
    assert_eq!(decode([&b".\r\n"[..]]), (Vec::new(), Some(3)));
}

#[test]
fn a_text_without_dots_is_not_copied() {
    let (mut encoder, mut out) = (DotEncoder::new(), SendQueue::new(usize::MAX));
    let text = Bytes::from(vec![b'x'; 100_000]);
    encoder.encode(text.clone(), &mut out);
    assert_eq!(out.pop().map(|sent| sent.as_ptr()), Some(text.as_ptr()));
}
