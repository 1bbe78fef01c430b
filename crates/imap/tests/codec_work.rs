//! Work: what trickles in costs what its octets cost, however many pieces it comes in. Counted is what is taken from
//! the heap, in which every octet shows that is copied a second time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod client_support;
#[path = "support/server.rs"]
mod support;

use posthaste_imap::client;
use posthaste_imap::server::Event;
use posthaste_imap::types::{Addressing, FetchAttribute, SearchCommand, SearchKey, SectionText};
use posthaste_imap::{Step, Time};
use posthaste_testkit::measure;

/// Octets taken from the heap while a client hears a SEARCH response of `count` numbers.
fn hearing(count: u32, piece: usize) -> u64 {
    let numbers: Vec<String> = (0..count).map(|at| (1_000_000 + at).to_string()).collect();
    let line = format!("* SEARCH {}\r\n", numbers.join(" "));
    let mut client = client_support::selected("");
    let search = SearchCommand { returns: None, charset: None, keys: vec![SearchKey::All] };
    client.search(Addressing::Uid, search).unwrap();
    while client.poll_transmit().is_some() {}
    let mut found = 0;
    let taken = measure(|| {
        for piece in line.as_bytes().chunks(piece) {
            client.handle_input(Time::ZERO, piece);
            while let Step::Event(event) = client.poll_event().unwrap() {
                if let client::Event::Search(response) = event {
                    found = response.numbers.len();
                }
            }
        }
    });
    assert_eq!(found, usize::try_from(count).unwrap());
    taken.bytes
}

/// Octets taken from the heap while a server hears a line of `count` literals.
fn serving(count: usize, piece: usize) -> u64 {
    let line = format!("a FETCH 1 (BODY[HEADER.FIELDS ({})])\r\n", "{4+}\r\nname ".repeat(count).trim_end());
    let mut server = support::selected(support::everything());
    let mut names = 0;
    let taken = measure(|| {
        for piece in line.as_bytes().chunks(piece) {
            server.handle_input(Time::ZERO, piece);
            while let Step::Event(event) = server.poll_event().unwrap() {
                let Event::Fetch(asked) = event else { panic!("{event:?}") };
                let asked = asked.begin();
                let [FetchAttribute::Section { section, .. }] = &asked.request().attributes[..] else {
                    panic!()
                };
                let Some(SectionText::HeaderFields(fields)) = section.text() else { panic!() };
                names = fields.len();
            }
        }
    });
    assert_eq!(names, count);
    taken.bytes
}

#[test]
fn res_17_a_search_response_of_ten_thousand_numbers_is_linear_in_any_pieces() {
    for piece in [1, 100, 4_096] {
        let (some, all) = (hearing(2_500, piece), hearing(10_000, piece));
        // Buffers that grow by doubling make steps.
        assert!(all < some * 6, "{some} octets for a quarter and {all} for the whole in pieces of {piece}");
        // 80,000 octets come in and 40,000 go out.
        assert!(all < 600_000, "{all} octets in pieces of {piece}");
    }
}

#[test]
fn res_17_a_command_of_literals_is_linear_in_any_pieces() {
    for piece in [1, 100, 4_096] {
        let (some, all) = (serving(225, piece), serving(900, piece));
        assert!(all < some * 6, "{some} octets for a quarter and {all} for the whole in pieces of {piece}");
        assert!(all < 600_000, "{all} octets in pieces of {piece}");
    }
}
