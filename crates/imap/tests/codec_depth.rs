//! Depth: at the deepest that the limits allow nothing needs more than a small stack, and one level more is refused.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod codec_support;

use bytes::{Bytes, BytesMut};
use codec_support::{encoded, on_the_wire};
use posthaste_imap::encode::{self, EncodeContext, LiteralMode};
use posthaste_imap::error::ParseErrorKind;
use posthaste_imap::parse;
use posthaste_imap::search::{Program, Scope};
use posthaste_imap::types::*;
use std::sync::Arc;

/// Twice what the least of these takes without optimisation.
const STACK: usize = 128 * 1024;

/// Runs `test` with that stack and no more; an overflow ends the process.
fn with_a_small_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(STACK).spawn(test).unwrap().join().unwrap();
}

/// `levels` bodies, each inside the one before.
fn multiparts(levels: usize) -> String {
    let leaf = "(\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 1 1)";
    [&"(".repeat(levels - 1), leaf, &" \"MIXED\")".repeat(levels - 1)].concat()
}

fn messages(levels: usize) -> String {
    let envelope = "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)";
    let open = format!("(\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 1 {envelope} ");
    let leaf = "(\"APPLICATION\" \"PDF\" NIL NIL NIL \"BASE64\" 1 NIL (\"inline\" NIL) \"en\" NIL)";
    [&open.repeat(levels - 1), leaf, &" 1 NIL)".repeat(levels - 1)].concat()
}

#[test]
fn hst_04_the_deepest_structure_is_read_and_written_on_a_small_stack() {
    let levels = ParseLimits::client().nesting_max;
    type Nested = fn(usize) -> String;
    let structures: [(&str, Nested); 3] =
        [("BODY", multiparts), ("BODYSTRUCTURE", multiparts), ("BODYSTRUCTURE", messages)];
    for (item, structure) in structures {
        let line = move |levels| Bytes::from(format!("* 1 FETCH ({item} {})", structure(levels)));
        with_a_small_stack(move || {
            let line = line(levels);
            let parsed = parse::response(&line, &ParseContext::client()).unwrap();
            assert!(parsed.repairs.is_empty(), "{:?}", parsed.repairs);
            let again = encoded(&parsed.response, false);
            let again = parse::response(&again, &ParseContext::client()).unwrap();
            // Compared and dropped.
            assert_eq!(parsed.response, again.response);
        });
        with_a_small_stack(move || {
            let parsed = parse::response(&line(levels + 1), &ParseContext::client()).unwrap();
            let Response::Fetch(_, items) = parsed.response else { panic!() };
            assert!(matches!(&items[..], [FetchItem::Opaque { .. }]));
            assert!(parsed.repairs.contains(Repairs::MALFORMED_ITEM));
        });
    }
}

#[test]
fn a_structure_of_any_depth_is_written_on_a_small_stack() {
    let leaf = || BodyPart {
        kind: BodyKind::Text { subtype: AString::new("PLAIN").unwrap(), lines: 1 },
        parameters: Vec::new(),
        id: None,
        description: None,
        encoding: AString::new("7BIT").unwrap(),
        octets: 1,
        extension: None,
    };
    let mut body = BodyStructure::Part(leaf());
    for level in 0..10_000 {
        body = if level % 2 == 0 {
            let subtype = AString::new("MIXED").unwrap();
            BodyStructure::Multipart(Multipart { parts: vec![body], subtype, extension: None })
        } else {
            let subtype = AString::new("RFC822").unwrap();
            let (body, envelope) = (Box::new(body), Box::default());
            BodyStructure::Part(BodyPart {
                kind: BodyKind::Message { subtype, envelope, body, lines: 1 },
                ..leaf()
            })
        };
    }
    let row = Response::Fetch(1.try_into().unwrap(), vec![FetchItem::BodyStructure(Box::new(body))]);
    let whole = Arc::new(row);
    let row = Arc::clone(&whole);
    with_a_small_stack(move || {
        let mut out = BytesMut::new();
        encode::response(&mut out, &row, EncodeContext::default());
        assert_eq!(out.windows(5).filter(|five| five == b"MIXED").count(), 5_000);
    });
    // Who builds such a tree by hand needs the room to drop it.
    std::thread::Builder::new().stack_size(64 << 20).spawn(move || drop(whole)).unwrap().join().unwrap();
}

#[test]
fn imap_07_the_deepest_search_is_read_written_and_run_on_a_small_stack() {
    let levels = ParseLimits::server().nesting_max;
    for (open, close) in [("NOT ", ""), ("(", ")"), ("OR SEEN ", ""), ("OR SEEN (", ")"), ("FUZZY ", "")] {
        let levels = if open == "OR SEEN (" { levels / 2 } else { levels };
        let line = move |levels: usize| {
            Bytes::from(format!("a SEARCH {}SEEN{}", open.repeat(levels), close.repeat(levels)))
        };
        with_a_small_stack(move || {
            let read = parse::command(&line(levels), &ParseContext::server()).unwrap();
            let Command::Search(_, search) = &read.command else { panic!() };
            let scope = Scope { largest_seq: 1, largest_uid: 1, saved: &UidSet::default(), now: 0 };
            assert!(Program::new(search, &scope).is_ok());
            let context = EncodeContext { literals: LiteralMode::NonSynchronising, utf8: false };
            let again = on_the_wire(&encode::command(&read.tag, &read.command, context));
            let again = again.slice(..again.len() - 2);
            let again = parse::command(&again, &ParseContext::server()).unwrap();
            assert_eq!(again.command, read.command);
        });
        with_a_small_stack(move || {
            for levels in [levels + 1, 100_000] {
                let error = parse::command(&line(levels), &ParseContext::server()).unwrap_err();
                assert!(matches!(error.kind, ParseErrorKind::Limit(_)), "{error}");
            }
        });
    }
}

#[test]
fn hst_04_threads_of_any_depth_are_read_and_written_on_a_small_stack() {
    with_a_small_stack(|| {
        let ladder = ["(1 (2)".repeat(50_000), ")".repeat(50_000)].concat();
        let line = Bytes::from(format!("* THREAD {ladder}"));
        let parsed = parse::response(&line, &ParseContext::client()).unwrap();
        let again = encoded(&parsed.response, false);
        assert_eq!(
            parse::response(&again, &ParseContext::client()).unwrap().response,
            parsed.response.clone()
        );
    });
}
