//! What a client may cost: numbers, times, memory.

use std::time::Duration;

use posthaste_smtp::server::{Config, ConfigError, Event, Extensions, Mode, Server, Timer};
use posthaste_smtp::{BodyType, Excess, Limits, ProtocolError, Rejection, Security, Step, Time};
use posthaste_testkit::{Note, Outcome, assert_split_invariant, run};

use crate::common::*;

#[test]
fn too_many_recipients_are_told_so_and_the_rest_is_delivered() {
    let mut limits = Limits::default();
    limits.recipients_max = 1;
    let config = config(Mode::Mta).with_limits(limits);
    let input = "EHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<u@a.test>\r\nRCPT TO:<v@a.test>\r\nDATA\r\n";
    let outcome = assert_split_invariant(|| server(&config), input.as_bytes(), false, answer);
    assert!(outcome.text().contains("\r\n452 4.5.3"));
    assert!(outcome.has("data 1"));
}

#[test]
fn stls_14_patience_ends() {
    let config = config(Mode::Mta).with_limits(Limits::default());
    let input = "bogus \r\nNOOP\r\n".repeat(50);
    let outcome = assert_split_invariant(|| server(&config), input.as_bytes(), false, answer);
    assert_eq!(outcome.text().matches("500 5.5.1").count(), 10);
    assert!(outcome.text().ends_with("421 4.7.0 Too many errors, closing transmission channel\r\n"));
    assert_eq!(outcome.error, Some(ProtocolError::TooManyViolations { limit: 10 }.to_string()));
}

#[test]
fn silence_ends_in_421() {
    let mut server = server(&config(Mode::Mta));
    let deadline = server.poll_timeout().unwrap();
    assert_eq!(deadline, Time::ZERO.after(Duration::from_secs(300)));
    server.handle_timeout(Time::ZERO);
    assert_eq!(server.poll_timeout(), Some(deadline));
    server.handle_timeout(deadline);
    assert!(matches!(server.poll_event(), Err(ProtocolError::TimedOut(_))));
    let mut out = Vec::new();
    while let Some(bytes) = server.poll_transmit() {
        out.extend_from_slice(&bytes);
    }
    assert!(String::from_utf8(out).unwrap().contains("\r\n421 4.4.2"));
}
