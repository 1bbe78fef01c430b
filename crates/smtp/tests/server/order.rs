//! Which command is legal when, and what stands behind what: lines, groups, the start and the end of a session.

use std::time::Duration;

use posthaste_smtp::server::{Config, Event, Mode, TlsOffer};
use posthaste_smtp::{ProtocolError, Step, Time, Violation};
use posthaste_testkit::{Note, assert_split_invariant, run};

use crate::common::*;

#[test]
fn eod_19_bare_lf_in_a_command_runs_nothing() {
    let line = "MAIL FROM:<a@c.test>\nRCPT TO:<u@local.test>\r\n";
    let input = format!("EHLO c.test\r\n{line}{line}NOOP\r\n");
    let config = config(Mode::Mta);
    let outcome = assert_split_invariant(|| server(&config), input.as_bytes(), false, answer);
    assert!(!outcome.has("mail <a@c.test>"));
    assert_eq!(outcome.text().matches("\r\n500 5.5.2").count(), 2);
    assert_eq!(outcome.error, Some(ProtocolError::TooManyViolations { limit: 2 }.to_string()));
}

#[test]
fn eod_20_bare_cr_in_a_command_runs_nothing() {
    for line in ["RSET\rQUIT\r\n", "NOOP\r\r\n", "\rQUIT\r\n"] {
        let config = config(Mode::Mta);
        let outcome = assert_split_invariant(|| server(&config), line.as_bytes(), false, answer);
        assert!(outcome.text().ends_with("\r\n500 5.5.2 Bare CR or LF in a command line\r\n"));
        assert!(outcome.has(&format!("{:?}", Event::Violation(Violation::BareLineEnd))));
        assert!(!outcome.closed);
    }
}

#[test]
fn cmd_08_parameters_where_there_are_none() {
    for line in ["STARTTLS FOO", "DATA x", "RSET x", "QUIT x"] {
        let config = config(Mode::Mta).with_tls(TlsOffer::StartTls);
        let input = format!("EHLO c.test\r\n{line}\r\nNOOP\r\n");
        let outcome = assert_split_invariant(|| server(&config), input.as_bytes(), false, answer);
        assert!(outcome.text().contains("\r\n501 5.5.4"), "{line}");
        assert!(outcome.text().ends_with("\r\n250 2.0.0 OK\r\n"));
        assert!(!outcome.has("starttls") && !outcome.has("(upgrade)"));
    }
}

#[test]
fn cmd_17_order_of_commands() {
    let code = |input: &str| last_code(Mode::Mta, input).0;
    assert_eq!(code("RCPT TO:<u@local.test>\r\n"), "503 5.5.1");
    assert_eq!(code("DATA\r\n"), "503 5.5.1");
    assert_eq!(code("MAIL FROM:<>\r\nDATA\r\n"), "554 5.5.1");
    assert_eq!(code("MAIL FROM:<>\r\nRCPT TO:<no@local.test>\r\nDATA\r\n"), "554 5.5.1");
    assert_eq!(code("MAIL FROM:<>\r\nMAIL FROM:<>\r\n"), "503 5.5.1");
    assert_eq!(code("MAIL FROM:<>\r\nRSET\r\nRCPT TO:<u@local.test>\r\n"), "503 5.5.1");
    assert_eq!(code("MAIL FROM:<>\r\nHELO c.test\r\nRCPT TO:<u@local.test>\r\n"), "503 5.5.1");
    assert_eq!(code("MAIL FROM:<>\r\nVRFY u\r\nRCPT TO:<u@local.test>\r\n"), "250 2.1.5");
    assert!(
        commands(Mode::Mta, "MAIL FROM:<>\r\n").text().ends_with("503 5.5.1 Bad sequence of commands\r\n")
    );
    assert!(commands(Mode::Lmtp, "EHLO c.test\r\n").text().contains("\r\n500 5.5.1"));
}

#[test]
fn cmd_18_early_talkers_are_not_greeted() {
    let mut server = server(&config(Mode::Mta).with_greeting_delay(Duration::from_secs(1)));
    assert_eq!(server.poll_event().unwrap().event().map(|_| ()), None);
    server.handle_input(Time::ZERO, b"EHLO c.test\r\n");
    assert_eq!(server.poll_event().unwrap_err(), ProtocolError::EarlyTalker);
    assert_eq!(server.poll_transmit().unwrap(), "554 5.5.1 Wait for the greeting\r\n");
}

#[test]
fn a_token_answers_only_its_own_connection() {
    let mut here = server(&config(Mode::Mta));
    let mut there = server(&config(Mode::Mta));
    while here.poll_transmit().is_some() {}
    here.handle_input(Time::ZERO, b"EHLO c.test\r\nMAIL FROM:<>\r\n");
    let mail = loop {
        if let Step::Event(Event::Mail(mail)) = here.poll_event().unwrap() {
            break mail;
        }
    };
    assert!(matches!(here.poll_event(), Ok(Step::Paused)));
    assert_eq!(mail.accept(&mut there), Err(posthaste_smtp::Misuse::WrongConnection));
}
