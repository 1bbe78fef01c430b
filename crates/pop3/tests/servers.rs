//! Servers as they are: spaces, forgotten stuffing, forgotten line ends; and what a client that leaves mail there remembers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use std::collections::BTreeSet;

use posthaste_pop3::client::{Config, Event, LineEnds, Seen};
use posthaste_pop3::{Client, MessageNumber, Secret, Security, Time, Uidl};
use posthaste_testkit::{Note, Outcome, assert_split_invariant, measure};
use proptest::prelude::*;

fn number(number: u32) -> MessageNumber {
    MessageNumber::new(number).unwrap()
}

fn id(number: impl Into<u32>) -> Uidl {
    Uidl::new(&number.into().to_string()).unwrap()
}

/// Logs in and asks for everything; what is heard.
fn heard(line_ends: LineEnds, server: &[u8]) -> Outcome {
    let make = || {
        let mut config = Config::default();
        config.quirks.line_ends = line_ends;
        Client::new(config, Security::Tls, Time::ZERO)
    };
    let act = |client: &mut Client, event| {
        let words = match event {
            Event::Ready { .. } => {
                client.login("u", Secret::from("p")).unwrap();
                "ready".into()
            }
            Event::Reply { reply, .. } if reply.text().starts_with(b"in") => {
                client.stat().unwrap();
                client.uidl().unwrap();
                client.uidl_one(number(1)).unwrap();
                client.retr(number(1)).unwrap();
                client.noop().unwrap();
                "in".into()
            }
            Event::Body { chunk, .. } => return Note::body(&chunk),
            Event::Uidl { number, uidl, .. } => format!("{number} {uidl}"),
            Event::Stat { messages, octets, .. } => format!("stat {messages} {octets}"),
            Event::Violation(violation) => format!("violation: {violation}"),
            Event::BodyEnd { .. } => "end".into(),
            Event::BodyAborted { .. } => "aborted".into(),
            event => format!("{event:?}"),
        };
        Note::event(words)
    };
    assert_split_invariant(make, server, true, act)
}

const OPENING: &str = "+OK\r\n-ERR\r\n+OK\r\n+OK in\r\n";

#[test]
fn spacing_is_forgiven_and_rows_are_what_they_say() {
    let server = format!(
        "{OPENING}+OK 20  320 Messages\r\n+OK\r\n1   messageUid\r\n2\tb\r\n3 c \r\n.\r\n+OK 1  x\r\n+OK\r\nA\r\n.\r\n"
    );
    let outcome = heard(LineEnds::CrLf, server.as_bytes());
    for words in ["stat 20 320", "1 messageUid", "2 b", "3 c", "1 x", "end"] {
        assert!(outcome.has(words), "{words}: {outcome:?}");
    }
}

#[test]
fn only_a_dot_alone_ends_a_list() {
    let server = "+OK\r\n+OK\r\n.TOP\r\n..\r\nUIDL\r\n.\r\n+OK\r\n+OK in\r\n+OK\r\n.\r\n+OK 1 1\r\n";
    let outcome = heard(LineEnds::CrLf, server.as_bytes());
    assert!(outcome.has("stat 1 1"), "{outcome:?}");
}

#[test]
fn forgotten_stuffing_is_told_once_a_message_and_never_wrongly() {
    let body = |text: &str| {
        let server = format!("{OPENING}+OK 1 1\r\n+OK\r\n.\r\n+OK 1 x\r\n+OK\r\n{text}.\r\n+OK\r\n");
        heard(LineEnds::CrLf, server.as_bytes())
    };
    let told = "violation: message has lines that begin with a single dot";
    for text in [".a\r\n", "x\r\n.a\r\n.b\r\n", "..a\r\n.b\r\n", ".\ra\r\n", "x\r\n. \r\n"] {
        let outcome = body(text);
        assert!(outcome.has(told) && outcome.has("end"), "{text:?}");
    }
    for text in
        ["", "..\r\n", "..a\r\n..b\r\n", "x.\r\n..\r\n", "...\r\n", "\r\r\n..\r\n", "\n.x\r\n", "\r.x\r\n"]
    {
        assert!(!body(text).has(told), "{text:?}");
    }
}

#[test]
fn bare_line_ends_end_lines_only_where_that_is_asked_for() {
    let server = "+OK\n-ERR\n+OK\n+OK in\n+OK 1 1\n+OK\n1 a\n.\n+OK 1 x\n+OK\nA: b\n\n..dot\r\n.x\n.\n+OK\n";
    let outcome = heard(LineEnds::BareLf, server.as_bytes());
    assert_eq!(outcome.bodies(), b"A: b\n\n.dot\r\nx\n");
    assert!(outcome.has("end") && outcome.has("violation: message has lines that begin with a single dot"));
    let strict = heard(LineEnds::CrLf, server.as_bytes());
    assert!(!strict.has("ready") && strict.text().is_empty());
    // Lines that end as they should are read as well.
    let server = server.replace("\r\n", "\n").replace('\n', "\r\n");
    let outcome = heard(LineEnds::BareLf, server.as_bytes());
    assert_eq!(outcome.bodies(), b"A: b\r\n\r\n.dot\r\nx\r\n");
}

#[test]
fn a_message_that_ends_in_a_bare_line_end_has_no_end_without_the_quirk() {
    let server = format!("{OPENING}+OK 1 1\r\n+OK\r\n.\r\n+OK 1 x\r\n+OK\r\ntext\n.\n+OK\r\n");
    let outcome = heard(LineEnds::CrLf, server.as_bytes());
    assert!(outcome.has("aborted") && !outcome.has("end"));
    assert_eq!(outcome.bodies(), b"text\n.\n+OK\r\n", "a bare LF is content");
    let outcome = heard(LineEnds::BareLf, server.as_bytes());
    assert_eq!(outcome.bodies(), b"text\n");
    assert!(outcome.has("end"));
}

/// Seen ids, a listing, and what plain sets make of them.
fn compared(seen: &[u8], listing: &[u8]) {
    let known: Seen = seen.iter().copied().map(id).collect();
    let mut comparison = known.compare();
    for (position, uidl) in listing.iter().enumerate() {
        comparison.row(MessageNumber::from_index(position).unwrap(), id(*uidl));
    }
    let changes = comparison.finish();
    let (seen, listed): (BTreeSet<u8>, BTreeSet<u8>) =
        (seen.iter().copied().collect(), listing.iter().copied().collect());
    let new: Vec<Uidl> = listing.iter().filter(|uidl| !seen.contains(uidl)).copied().map(id).collect();
    assert_eq!(changes.new.iter().map(|(_, uidl)| *uidl).collect::<Vec<_>>(), new);
    for (number, uidl) in &changes.new {
        assert_eq!(id(listing[number.index()]), *uidl);
    }
    let gone: BTreeSet<Uidl> = seen.difference(&listed).copied().map(id).collect();
    assert_eq!(changes.gone.iter().copied().collect::<BTreeSet<_>>(), gone);
    let mut known = known;
    known.forget(&changes.gone);
    known.extend(changes.new.iter().map(|(_, uidl)| *uidl));
    let kept: BTreeSet<Uidl> = known.iter().copied().collect();
    assert_eq!(kept, listed.iter().copied().map(id).collect(), "in step with the server again");
}

proptest! {
    #[test]
    fn new_and_gone_are_what_sets_say(
        seen in prop::collection::vec(0u8..12, 0..12), listing in prop::collection::vec(0u8..12, 0..12),
    ) {
        compared(&seen, &listing);
    }
}

#[test]
fn hst_11_ids_that_stand_twice_confuse_nobody() {
    compared(&[1, 1, 2], &[1, 2]);
    compared(&[1, 2], &[1, 1, 2, 2, 3, 3]);
    compared(&[1, 1], &[]);
}

#[test]
fn a_large_set_costs_memory_in_proportion_and_few_allocations() {
    const MANY: u32 = 100_000;
    let known: Seen = (0..MANY).map(id).collect();
    let mut changes = None;
    let measured = measure(|| {
        let mut comparison = known.compare();
        // Every tenth has gone, and there are a hundred new.
        let listing = (0..MANY).filter(|it| it % 10 != 0).chain(MANY..MANY + 100);
        for (position, uidl) in listing.enumerate() {
            comparison.row(MessageNumber::from_index(position).unwrap(), id(uidl));
        }
        changes = Some(comparison.finish());
    });
    let changes = changes.unwrap();
    assert_eq!((changes.new.len(), changes.gone.len()), (100, 10_000));
    // A flag and a place for each id, room to sort them, and what has gone.
    assert!(measured.peak < u64::from(MANY) * 40, "{measured:?}");
    // One for a number that becomes an id, in this test.
    assert!(measured.allocations < u64::from(MANY) + 100 + 64, "{measured:?}");
}
