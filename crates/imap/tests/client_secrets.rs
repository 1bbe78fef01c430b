//! A password leaves no copy behind: its line is written into memory that never grows, and that is wiped when the line
//! has left.
//!
//! Memory that grows moves, and what it leaves behind is nobody's to wipe. Each growth is an allocation, so a longer
//! password that costs no more of them has not made its memory grow.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod client_support;

use client_support::{ready, say, sent};
use posthaste_imap::client::{Client, Event};
use posthaste_imap::{Secret, Step, Time};
use posthaste_testkit::measure;

/// How often memory is asked for when `act` is done with a password of so many octets.
fn allocations(
    octets: usize,
    capabilities: &str,
    before: impl Fn(&mut Client),
    act: impl Fn(&mut Client, Secret),
) -> u64 {
    let mut client = ready(capabilities);
    before(&mut client);
    let secret = Secret::new(vec![b'"'; octets]);
    measure(|| act(&mut client, secret)).allocations
}

fn assert_constant(what: &str, lengths: &[usize], count: impl Fn(usize) -> u64) {
    let first = count(lengths[0]);
    for octets in lengths {
        assert_eq!(count(*octets), first, "{what}: {octets} octets");
    }
}

#[test]
fn a_login_line_never_grows() {
    let nothing = |_: &mut Client| {};
    // Quoted, every octet of it escaped.
    assert_constant("quoted", &[1, 20, 60, 100, 500, 1000], |octets| {
        allocations(octets, "IMAP4rev1", nothing, |client, password| {
            client.login("joe", password).unwrap();
        })
    });
    // As a literal that goes along.
    assert_constant("literal", &[1025, 3000, 10_000, 100_000], |octets| {
        allocations(octets, "IMAP4rev1 LITERAL+", nothing, |client, password| {
            client.login("joe", password).unwrap();
        })
    });
    // As a literal that waits, behind one that does.
    assert_constant("two literals", &[1025, 3000, 10_000, 100_000], |octets| {
        allocations(octets, "IMAP4rev1", nothing, |client, password| {
            client.login("j\no", password).unwrap();
            for _ in 0..2 {
                client.handle_input(Time::ZERO, b"+\r\n");
                assert!(matches!(client.poll_event(), Ok(Step::NeedInput)));
            }
        })
    });
}

#[test]
fn a_sasl_line_never_grows() {
    let lengths = [3, 30, 300, 3000, 30_000];
    let authenticate = |client: &mut Client, initial| {
        client.authenticate("PLAIN", Some(initial)).unwrap();
    };
    assert_constant("initial response", &lengths, |octets| {
        allocations(octets, "IMAP4rev1 SASL-IR AUTH=PLAIN", |_| {}, authenticate)
    });
    assert_constant("response", &lengths, |octets| {
        let begin = |client: &mut Client| {
            client.authenticate("PLAIN", None).unwrap();
            sent(client);
            client.handle_input(Time::ZERO, b"+ \r\n");
        };
        allocations(octets, "IMAP4rev1 AUTH=PLAIN", begin, |client, response| {
            let Ok(Step::Event(Event::Challenge(challenge))) = client.poll_event() else { panic!() };
            challenge.respond(client, response).unwrap();
        })
    });
}

/// What is wiped is of a type that is: the octets leave as a piece of their own, whole.
#[test]
fn a_login_line_leaves_alone() {
    let mut client = ready("IMAP4rev1");
    client.noop().unwrap();
    client.login("j\no", Secret::from("a \"b\"")).unwrap();
    let mut lines = Vec::new();
    lines.extend(std::iter::from_fn(|| client.poll_transmit()));
    assert_eq!(lines, ["A1 NOOP\r\n"]);
    say(&mut client, "A1 OK\r\n");
    lines.extend(std::iter::from_fn(|| client.poll_transmit()));
    say(&mut client, "+ \r\n");
    lines.extend(std::iter::from_fn(|| client.poll_transmit()));
    assert_eq!(lines, ["A1 NOOP\r\n", "A2 LOGIN {3}\r\n", "j\no \"a \\\"b\\\"\"\r\n"]);
}
