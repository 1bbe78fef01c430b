//! What a front end says of the client behind it: XCLIENT, XFORWARD and the PROXY header, and who is not heard.

use posthaste_smtp::server::{Config, Event, Mode, ProxyUse, Server, Timer};
use posthaste_smtp::{ProtocolError, Rejection, Security, Step, Text, Time};
use posthaste_testkit::{Note, Outcome, assert_split_invariant, run};

use crate::common::*;

fn names(names: &str) -> Vec<Text> {
    names.split(' ').map(|name| name.parse().unwrap()).collect()
}

fn trusting() -> Config {
    config(Mode::Mta).with_xclient(names("NAME ADDR LOGIN")).with_xforward(names("NAME ADDR"))
}

fn all(config: &Config, input: &str) -> Outcome {
    assert_split_invariant(|| server(config), input.as_bytes(), false, answer)
}

#[test]
fn cmd_21_a_peer_that_is_not_trusted_is_not_heard() {
    for line in ["XCLIENT ADDR=192.0.2.1", "XFORWARD ADDR=192.0.2.1"] {
        let outcome = all(&config(Mode::Mta), &format!("EHLO c.test\r\n{line}\r\nMAIL FROM:<>\r\n"));
        assert!(outcome.text().ends_with("550 5.7.0 Insufficient authorization\r\n250 2.1.0 OK\r\n"));
        assert!(!outcome.text().contains("XCLIENT") && !outcome.text().contains("XFORWARD"));
    }
    let outcome = all(&config(Mode::Mta), "PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n");
    assert!(outcome.text().ends_with("500 5.5.1 Command not recognized\r\n"));
}

#[test]
fn xclient_begins_anew() {
    let input = "EHLO c.test\r\nXCLIENT ADDR=192.0.2.1 NAME=[UNAVAILABLE]\r\nMAIL FROM:<>\r\nEHLO d.test\r\nMAIL FROM:<>\r\n";
    let outcome = all(&trusting(), input);
    let text = outcome.text();
    assert!(text.contains("250-XCLIENT NAME ADDR LOGIN\r\n250 XFORWARD NAME ADDR\r\n"));
    assert!(outcome.has("xclient Some(\"192.0.2.1\")"));
    let behind = text.splitn(3, "220 mx.test ESMTP ready\r\n").nth(2).unwrap();
    assert!(behind.starts_with("503 5.5.1 Bad sequence of commands\r\n250-mx.test\r\n"), "{text}");
    assert!(text.ends_with("250 2.1.0 OK\r\n"));
}

#[test]
fn xclient_where_it_is_not_due() {
    let outcome = all(
        &trusting(),
        "EHLO c.test\r\nMAIL FROM:<>\r\nXCLIENT ADDR=192.0.2.1\r\nXFORWARD ADDR=192.0.2.1\r\n",
    );
    assert_eq!(outcome.text().matches("503 5.5.1").count(), 2);
    for line in ["XCLIENT", "XCLIENT ADDR", "XCLIENT ADDR=a ADDR=b", "XCLIENT PORT=1", "XFORWARD LOGIN=x"] {
        let outcome = all(&trusting(), &format!("EHLO c.test\r\n{line}\r\n"));
        assert!(outcome.text().lines().last().unwrap().starts_with("501 5.5.4"), "{line}");
    }
}

#[test]
fn xclient_may_authenticate_and_may_be_refused() {
    let config = trusting().with_mechanisms(vec!["PLAIN".parse().unwrap()]);
    let submission = Config::new(Mode::Submission, "mx.test".parse().unwrap())
        .with_mechanisms(vec!["PLAIN".parse().unwrap()])
        .with_xclient(names("LOGIN"));
    let input = "EHLO c.test\r\nXCLIENT LOGIN=u\r\nEHLO c.test\r\nMAIL FROM:<>\r\n";
    let outcome = assert_split_invariant(
        || server(&submission),
        input.as_bytes(),
        false,
        |server, event| match event {
            Event::Xclient(xclient) => {
                assert_eq!(xclient.attributes().known("login"), Some("u"));
                xclient.accept_authenticated(server).unwrap();
                Note::event("xclient")
            }
            event => answer(server, event),
        },
    );
    assert!(outcome.text().ends_with("250 2.1.0 OK\r\n"), "{}", outcome.text());
    let outcome = assert_split_invariant(
        || server(&config),
        input.as_bytes(),
        false,
        |server, event| match event {
            Event::Xclient(xclient) => {
                xclient.reject(server, Rejection::denied()).unwrap();
                Note::event("xclient")
            }
            event => answer(server, event),
        },
    );
    assert!(outcome.text().contains("550 5.7.1 Refused by local policy\r\n250-mx.test"));
}

#[test]
fn what_was_done_wrong_is_not_forgotten() {
    let bad = "BOGUS\r\n".repeat(10);
    let input = format!("EHLO c.test\r\n{bad}XCLIENT ADDR=192.0.2.1\r\n{bad}");
    let outcome = all(&trusting(), &input);
    assert_eq!(outcome.error, Some(ProtocolError::TooManyViolations { limit: 20 }.to_string()));
}

#[test]
fn xforward_is_told_and_changes_nothing() {
    let input = "EHLO c.test\r\nXFORWARD ADDR=192.0.2.1\r\nXFORWARD NAME=a\r\nMAIL FROM:<>\r\n";
    let outcome = all(&trusting(), input);
    assert!(outcome.has("xforward Some(\"192.0.2.1\")"));
    assert!(outcome.text().ends_with("250 2.0.0 OK\r\n250 2.0.0 OK\r\n250 2.1.0 OK\r\n"));
}

fn proxied() -> Config {
    config(Mode::Submission).with_proxy_header(ProxyUse::Required)
}

const V1: &[u8] = b"PROXY TCP4 192.0.2.1 198.51.100.7 49152 25\r\n";

#[test]
fn a_proxy_header_comes_before_the_greeting() {
    let mut fresh = server(&proxied());
    assert!(matches!(fresh.poll_event(), Ok(Step::NeedInput)));
    assert_eq!(fresh.poll_transmit(), None);
    let config = proxied();
    let input = [V1, b"EHLO c.test\r\n"].concat();
    let outcome = assert_split_invariant(
        || server(&config),
        &input,
        false,
        |server, event| match event {
            Event::Proxied(header) => Note::event(format!("from {}", header.source().unwrap())),
            event => answer(server, event),
        },
    );
    assert!(outcome.has("from 192.0.2.1:49152") && outcome.has("hello c.test"));
    assert!(outcome.text().starts_with("220 mx.test ESMTP ready\r\n250-mx.test\r\n"));
}

#[test]
fn who_talks_behind_the_header_and_before_the_greeting_is_early() {
    let config = config(Mode::Mta).with_proxy_header(ProxyUse::Required);
    let input = [V1, b"EHLO c.test\r\n"].concat();
    let outcome = run(&mut server(&config), [&input[..]], false, answer);
    assert_eq!(outcome.text(), "554 5.5.1 Wait for the greeting\r\n");
    let outcome = run(&mut server(&config), [V1, b"EHLO c.test\r\n"], false, answer);
    assert!(outcome.text().starts_with("220 ") && outcome.error.is_none());
}

#[test]
fn cmd_21_without_a_valid_header_nothing_is_said() {
    let long = [b"PROXY ".to_vec(), vec![b'x'; 100_000]].concat();
    for input in
        [&b"EHLO c.test\r\n"[..], b"PROXY TCP5 a b c d\r\n", b"PROXY TCP4 1 2 3 4\r\n", b"\r\nx", &long]
    {
        let outcome = run(&mut server(&proxied()), input.chunks(1000), false, answer);
        assert_eq!(outcome.text(), "");
        assert!(outcome.error.unwrap().starts_with("no valid PROXY header"));
    }
    let outcome = run(&mut server(&proxied()), [&V1[..20]], true, answer);
    assert_eq!((outcome.text().as_str(), outcome.closed), ("", true));
}

#[test]
fn a_header_that_does_not_come_is_not_waited_for() {
    let mut server = Server::new(proxied(), Security::Plain, Time::ZERO);
    assert_eq!(server.timer(), Some(Timer::Proxy));
    let deadline = server.poll_timeout().unwrap();
    server.handle_input(Time::ZERO, &V1[..10]);
    assert_eq!(server.poll_timeout(), Some(deadline));
    server.handle_timeout(deadline);
    assert_eq!(server.poll_event().unwrap_err(), ProtocolError::TimedOut(Timer::Proxy));
    assert_eq!(server.poll_transmit(), None);
}
