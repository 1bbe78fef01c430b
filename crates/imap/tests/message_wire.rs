//! Summaries on the wire: what a server says of any message, a strict client reads back as it was.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use bytes::{Bytes, BytesMut};
use posthaste_imap::encode::{self, EncodeContext};
use posthaste_imap::message::{StructureForm, Summary};
use posthaste_imap::parse;
use posthaste_imap::types::{FetchItem, ParseContext, Repairs, Response};
use proptest::prelude::*;
use std::num::NonZeroU32;

/// Sends everything a summary says, and reads it with the limits of a client.
fn assert_reads_back(message: &[u8]) {
    let summary = Summary::scan(message);
    let items = vec![
        FetchItem::Envelope(Box::new(summary.envelope().into())),
        FetchItem::Body(Box::new(summary.body_structure(StructureForm::Plain))),
        FetchItem::BodyStructure(Box::new(summary.body_structure(StructureForm::Extended))),
    ];
    let sent = Response::Fetch(NonZeroU32::MIN, items);
    let mut line = BytesMut::new();
    encode::response(&mut line, &sent, EncodeContext::default());
    assert!(!line.contains(&0), "no NUL outside of a literal8");
    let line = Bytes::from(line);
    let line = line.slice(..line.len() - 2);
    let parsed = parse::response(&line, &ParseContext::client()).unwrap();
    assert_eq!(parsed.response, sent);
    assert_eq!(parsed.repairs, Repairs::default());
}

proptest! {
    #[test]
    fn mbx_12_any_header_reads_back(
        from in field(), to in field(), subject in field(), kind in field(), disposition in field(),
        encoding in field(), language in field(), description in field(),
    ) {
        let names = ["From", "To", "Subject", "Content-Type", "Content-Disposition",
            "Content-Transfer-Encoding", "Content-Language", "Content-Description"];
        let values = [from, to, subject, kind, disposition, encoding, language, description];
        let mut message = Vec::new();
        for (name, value) in names.iter().zip(values) {
            message.extend_from_slice(name.as_bytes());
            message.extend_from_slice(b": ");
            message.extend_from_slice(&value);
            message.extend_from_slice(b"\r\n");
        }
        message.extend_from_slice(b"\r\n--x\r\n\r\n--x--");
        assert_reads_back(&message);
    }

    #[test]
    fn mbx_12_any_octets_read_back(message in prop::collection::vec(any::<u8>(), 0..300)) {
        assert_reads_back(&message);
    }
}

/// Values made of what has a meaning, and of octets that have none.
fn field() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&[u8]] = &[
        b"multipart/mixed; boundary=x",
        b"message/rfc822",
        b"text",
        b"/",
        b"plain",
        b"; ",
        b"name=",
        b"\"",
        b"\\",
        b"(",
        b")",
        b"<",
        b">",
        b"@",
        b",",
        b":",
        b";",
        b"[",
        b"]",
        b"\r\n ",
        b"\r",
        b"\0",
        b"\xff\xfe",
        b" ",
        b"=?utf-8?q?a,b?=",
        b"a",
        b"example.org",
        b"{3}",
        b"NIL",
        b"%",
        b"*",
    ];
    prop::collection::vec(prop::sample::select(PIECES), 0..10).prop_map(|pieces| pieces.concat())
}

#[test]
fn mbx_11_values_that_end_too_early() {
    for value in [
        "(abc\\",
        "=?utf-8?",
        "=?utf-8?q?=",
        "a\\",
        "\"a\\",
        "\"",
        "<",
        "<a@",
        "a@[",
        "g:",
        "x; a=\"\\",
        "x/",
        "=",
    ] {
        for name in ["From", "To", "Subject", "Date", "Content-Type", "Content-Disposition", "Content-ID"] {
            for end in ["", "\r\n", "\n\n", "\r\n\r\nbody", "\r\n ", "\r"] {
                assert_reads_back(format!("{name}: {value}{end}").as_bytes());
            }
        }
    }
}

#[test]
fn mbx_12_long_and_broken_values() {
    let junk = ["\0", "\r", "\u{fffd}", "\"", "(", "<", "@", ",", "g:", ";", "[", "a ", "=?", "=?a?b?", "\\"];
    for junk in junk {
        let long = junk.repeat(1_000_000 / junk.len());
        for name in ["To", "Subject", "Date", "Content-Type", "Content-Disposition", "Content-Language"] {
            assert_reads_back(format!("{name}: {long}\r\n\r\n").as_bytes());
        }
        assert_reads_back(format!("Content-Type: a/b; n={long}\r\n\r\n").as_bytes());
        assert_reads_back(format!("{long}\r\n\r\n").as_bytes());
    }
}

#[test]
fn mbx_12_the_deepest_structure_reads_back() {
    let mut deep = String::new();
    for level in 0..150 {
        deep += &format!("Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n");
    }
    assert_reads_back(deep.as_bytes());
    assert_reads_back("Content-Type: message/rfc822\r\n\r\n".repeat(150).as_bytes());
}

#[test]
fn the_widest_structure_reads_back() {
    let wide =
        ["Content-Type: multipart/digest; boundary=b\r\n\r\n", &"--b\r\n\r\nA: b\r\n\r\n".repeat(20_000)];
    assert_reads_back(wide.concat().as_bytes());
}

#[test]
fn messages_of_the_directory_read_back() {
    let Ok(directory) = std::env::var("POSTHASTE_MESSAGES") else { return };
    let mut waiting = vec![std::path::PathBuf::from(directory)];
    let mut files = 0;
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if let Ok(message) = std::fs::read(&path) {
            let summary = Summary::scan(&message);
            assert_eq!(Summary::from_bytes(&summary.to_bytes()).as_ref(), Some(&summary), "{path:?}");
            assert_reads_back(&message);
            files += 1;
        }
    }
    assert!(files > 0, "no messages there");
}
