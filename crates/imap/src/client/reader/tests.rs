//! Framing under every split, and the limits on it.

use super::*;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};
use proptest::prelude::*;

fn bounds() -> Bounds {
    Bounds { line_max: 1000, response_max: 2000, literals_max: 50 }
}

/// What was read, payload chunks joined, and the error that ended it.
fn read(pieces: &[&[u8]]) -> Vec<String> {
    let (mut reader, mut seen, mut body) = (Reader::new(), Vec::new(), Vec::new());
    for piece in pieces {
        reader.push(piece);
        loop {
            match reader.next(&bounds(), &ParseContext::client()) {
                Ok(Read::NeedInput) => break,
                Ok(Read::Body(chunk)) => body.extend_from_slice(&chunk),
                Ok(Read::LiteralEnd) => {
                    seen.push(format!("Body {}", core::mem::take(&mut body).escape_ascii()));
                }
                Ok(read) => seen.push(format!("{read:?}")),
                Err(error) => {
                    seen.push(format!("{error}"));
                    return seen;
                }
            }
        }
    }
    if !body.is_empty() {
        seen.push(format!("half of {}", body.escape_ascii()));
    }
    seen
}

fn read_in_any_split(input: &[u8]) -> Vec<String> {
    let whole = read(&[input]);
    for at in 1..input.len() {
        assert_eq!(read(&[&input[..at], &input[at..]]), whole, "cut at {at}");
    }
    assert_eq!(read(&input.chunks(1).collect::<Vec<_>>()), whole, "octet by octet");
    whole
}

#[test]
fn payloads_stream_and_all_else_is_collected() {
    let seen = read_in_any_split(
        b"* 7 FETCH (UID 9 BODY[HEADER.FIELDS ({4}\r\nFrom)] {3}\r\nx\r\n BODY[1]<5> {0}\r\n FLAGS (\\Seen))\r\n* 1 EXISTS\r\n",
    );
    assert_eq!(seen.len(), 9, "{seen:#?}");
    assert_eq!(seen[0], "Row(7)");
    assert!(seen[1].contains("Uid(9)"));
    assert!(seen[2].contains("HeaderFields") && seen[2].contains("length: 3"), "{}", seen[2]);
    assert_eq!(seen[3], "Body x\\r\\n");
    assert!(seen[4].contains("origin: Some(5)") && seen[4].contains("length: 0"), "{}", seen[4]);
    assert_eq!(seen[5], "Body ");
    assert!(seen[6].contains("Seen"));
    assert_eq!(seen[7], "RowEnd");
    assert_eq!(seen[8], "Response(b\"* 1 EXISTS\")");
}

#[test]
fn a_literal_in_an_envelope_is_part_of_its_item() {
    let seen = read_in_any_split(
        b"* 1 FETCH (ENVELOPE (NIL {11}\r\n) \"x( {5}\r\n NIL NIL NIL NIL NIL NIL NIL \"<m@x>\") UID 4)\r\n",
    );
    assert_eq!(seen.len(), 4, "{seen:#?}");
    assert!(seen[1].contains("Envelope") && !seen[1].contains("Opaque"), "{}", seen[1]);
    assert!(seen[2].contains("Uid(4)"));
}

#[test]
fn a_malformed_item_costs_the_item_and_not_the_row() {
    let seen = read_in_any_split(
        b"* 1 FETCH (UID x ENVELOPE (1 (2)) X-FOO {2}\r\n)) FLAGS(\\Seen) BODY[wrong] {3}\r\nabc RFC822.SIZE 10)\r\n",
    );
    let opaque = seen.iter().filter(|line| line.contains("Opaque")).count();
    assert_eq!(opaque, 5, "{seen:#?}");
    assert!(seen.iter().any(|line| line.contains("Rfc822Size(10)")), "{seen:#?}");
    assert_eq!(seen.last().map(String::as_str), Some("RowEnd"));
}

#[test]
fn a_row_that_never_closes_ends_with_its_line() {
    let seen = read_in_any_split(b"* 1 FETCH (UID 3 ENVELOPE ((\"abc\r\n* 2 EXISTS\r\n");
    assert_eq!(seen.len(), 5, "{seen:#?}");
    assert!(seen[2].contains("Opaque"));
    assert_eq!(seen[3], "RowEnd");
    assert_eq!(seen[4], "Response(b\"* 2 EXISTS\")");
}

#[test]
fn free_text_announces_no_literal() {
    let seen = read_in_any_split(b"* OK see {5}\r\na1 NO quota {3}\r\n+ go {2}\r\n* 3 EXISTS\r\n");
    assert_eq!(seen.len(), 4, "{seen:#?}");
}

#[test]
fn hst_01_lengths_that_are_none_or_too_large() {
    for (input, expected) in [
        ("* LIST () \"/\" {4294967295}\r\n", "longer than 2000"),
        ("* LIST () \"/\" {18446744073709551615}\r\n", "longer than 2000"),
        ("* LIST () \"/\" {18446744073709551616}\r\n", "longer than 2000"),
        ("* 1 FETCH (ENVELOPE {99999999999999999999}\r\n", "longer than 2000"),
        ("* 1 FETCH (ENVELOPE {000000000000000000001}\r\n", "no readable length"),
        ("* 1 FETCH (BODY[] {-1}\r\n", "no readable length"),
        ("* 1 FETCH (BODY[] {}\r\n", "no readable length"),
        ("* 1 FETCH (ENVELOPE (NIL {3000}\r\n", "longer than 2000"),
    ] {
        let seen = read_in_any_split(input.as_bytes());
        assert!(seen.last().is_some_and(|last| last.contains(expected)), "{input:?}: {seen:?}");
    }
    // A payload streams, so its length is only a number.
    let seen = read(&[b"* 1 FETCH (BODY[] {18446744073709551615}\r\nabc"]);
    assert!(seen[1].contains("length: 18446744073709551615"), "{seen:?}");
    assert_eq!(seen[2], "half of abc");
}

#[test]
fn hst_02_a_response_of_literals_costs_what_its_octets_cost() {
    let bounds = Bounds { line_max: 1 << 20, response_max: 1 << 24, literals_max: 100_000 };
    for start in ["* LIST ", "* 1 FETCH (ENVELOPE (", "* 1 FETCH (BODYSTRUCTURE ("] {
        let mut reader = Reader::new();
        reader.push(start.as_bytes());
        reader.push(&b"{0}\r\n".repeat(90_000));
        reader.push(b"))\r\n* 1 EXISTS\r\n");
        let mut last = None;
        loop {
            match reader.next(&bounds, &ParseContext::client()) {
                Ok(Read::NeedInput) => break,
                read => last = Some(read),
            }
        }
        assert_eq!(last, Some(Ok(Read::Response(Bytes::from_static(b"* 1 EXISTS")))));
    }
}

#[test]
fn hst_04_nesting_is_bounded_and_costs_one_item() {
    let mut reader = Reader::new();
    let bounds = Bounds { line_max: 1 << 20, response_max: 1 << 20, literals_max: 10 };
    let (open, close) = ("(".repeat(100_000), ")".repeat(100_000));
    reader.push(format!("* 1 FETCH (BODYSTRUCTURE {open}{close} UID 5)\r\n").as_bytes());
    let mut seen = vec![];
    while let Ok(read) = reader.next(&bounds, &ParseContext::client()) {
        if read == Read::NeedInput {
            break;
        }
        seen.push(read);
    }
    assert_eq!(seen.len(), 4);
    assert!(matches!(&seen[1], Read::Item(FetchItem::Opaque { name, .. }) if name == "BODYSTRUCTURE"));
    assert!(matches!(&seen[2], Read::Item(FetchItem::Uid(_))));
}

#[test]
fn hst_05_lines_and_literals_are_bounded() {
    assert_eq!(read(&[&b"x".repeat(3000)]), ["a line of the server is longer than 1000 octets"]);
    let many = [b"* LIST ".to_vec(), b"{1}\r\nx".repeat(60)].concat();
    assert_eq!(read(&[&many]), ["a response of the server has more than 50 literals"]);
}

proptest! {
    #[test]
    fn any_split_gives_the_same_pieces(
        words in prop::collection::vec(prop::sample::select(vec![
            "* 1 FETCH (", ")", "\r\n", "UID 7 ", "BODY[] {3}\r\nabc", "BODY[TEXT] \"q\" ", "{2}\r\nxy", " ", "(", "\"",
            "* OK ", "a1 OK\r\n", "ENVELOPE ", "NIL", "\\", "[", "]", "\0", "{5}", "\r", "\n", "+ \r\n", "* 0 FETCH (",
        ]), 0..24),
        size in 1usize..7,
    ) {
        let input = words.concat();
        let pieces: Vec<&[u8]> = input.as_bytes().chunks(size).collect();
        prop_assert_eq!(read(&pieces), read(&[input.as_bytes()]));
    }

    #[test]
    fn any_octets_are_read_without_end_or_panic(input in prop::collection::vec(any::<u8>(), 0..300)) {
        let rows = [b"* 3 FETCH (".to_vec(), input.clone(), b"\r\n".to_vec()].concat();
        read(&[&input]);
        read(&[&rows]);
    }
}
