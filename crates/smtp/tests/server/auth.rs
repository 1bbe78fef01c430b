//! AUTH exchanges (RFC 4954): every step, every way out of them, and what they leave behind.

use posthaste_smtp::server::{Auth, Config, Event, Mode, Server};
use posthaste_smtp::{Excess, Limits, ProtocolError, Rejection, Security, Time};
use posthaste_testkit::{Note, Outcome, assert_split_invariant, run};

use crate::common::*;

fn submission() -> Config {
    config(Mode::Submission).with_mechanisms(vec!["PLAIN".parse().unwrap(), "LOGIN".parse().unwrap()])
}

fn private(config: &Config) -> Server {
    Server::new(config.clone(), Security::Tls, Time::ZERO)
}

/// PLAIN: `u` is the only user. LOGIN: two questions, the second of them empty.
fn log_in(server: &mut Server, event: Event) -> Note {
    match event {
        Event::Auth(auth) => {
            let note = Note::event(format!(
                "auth {} {} {:?}",
                auth.mechanism(),
                auth.is_start(),
                auth.response().map(|response| String::from_utf8_lossy(response.expose()).into_owned())
            ));
            answer_auth(server, auth);
            note
        }
        event => answer(server, event),
    }
}

fn answer_auth(server: &mut Server, auth: Auth) {
    match auth.response().map(|response| response.expose().to_vec()).as_deref() {
        None => auth.challenge(server, b"Username:").unwrap(),
        Some(b"u") if auth.mechanism() == "LOGIN" => auth.challenge(server, b"").unwrap(),
        Some(b"p" | b"\0u\0p") => auth.accept(server).unwrap(),
        Some(b"no message") => auth.malformed(server).unwrap(),
        Some(b"later") => auth.reject(server, Rejection::authentication_unavailable()).unwrap(),
        Some(_) => auth.reject(server, Rejection::credentials_invalid()).unwrap(),
    }
}

fn exchange(lines: &str) -> Outcome {
    let config = submission();
    let input = format!("EHLO c.test\r\n{lines}");
    assert_split_invariant(|| private(&config), input.as_bytes(), false, log_in)
}

/// What was said behind the answer to EHLO.
fn said(outcome: &Outcome) -> String {
    let text = outcome.text();
    text.split("250 AUTH PLAIN LOGIN\r\n").nth(1).unwrap_or_default().to_owned()
}

#[test]
fn an_exchange_in_every_split() {
    let outcome = exchange("AUTH LOGIN\r\ndQ==\r\ncA==\r\nMAIL FROM:<>\r\n");
    assert_eq!(
        said(&outcome),
        "334 VXNlcm5hbWU6\r\n334 \r\n235 2.7.0 Authentication successful\r\n250 2.1.0 OK\r\n"
    );
    assert!(outcome.has("auth LOGIN true None"));
    assert!(outcome.has("auth LOGIN false Some(\"u\")"));
    assert!(outcome.has("auth LOGIN false Some(\"p\")"));
}

#[test]
fn an_initial_response_may_be_there_and_may_be_empty() {
    let outcome = exchange("AUTH plain AHUAcA==\r\n");
    assert_eq!(said(&outcome), "235 2.7.0 Authentication successful\r\n");
    let outcome = exchange("AUTH PLAIN =\r\n");
    assert!(outcome.has("auth PLAIN true Some(\"\")"));
    // An empty line is a response, too: the last word of SCRAM is answered so.
    let outcome = exchange("AUTH LOGIN\r\n\r\n");
    assert!(outcome.has("auth LOGIN false Some(\"\")"));
}

#[test]
fn ways_out_of_an_exchange() {
    for (line, reply) in [
        ("*", "501 5.7.0 Authentication cancelled\r\n"),
        ("d?", "501 5.5.2 Cannot decode base64\r\n"),
        ("dQ", "501 5.5.2 Cannot decode base64\r\n"),
        ("bm8gbWVzc2FnZQ==", "501 5.5.2 Malformed authentication response\r\n"),
        ("eA==", "535 5.7.8 Authentication credentials invalid\r\n"),
        ("bGF0ZXI=", "454 4.7.0 Temporary authentication failure\r\n"),
    ] {
        let outcome = exchange(&format!("AUTH LOGIN\r\n{line}\r\nMAIL FROM:<>\r\nAUTH PLAIN AHUAcA==\r\n"));
        let rest = "530 5.7.0 Authentication required\r\n235 2.7.0 Authentication successful\r\n";
        assert_eq!(said(&outcome), format!("334 VXNlcm5hbWU6\r\n{reply}{rest}"), "{line}");
    }
}

#[test]
fn an_exchange_that_is_cancelled_is_reported() {
    for line in ["*", "d?"] {
        assert!(exchange(&format!("AUTH LOGIN\r\n{line}\r\n")).has("AuthCancelled"));
    }
}

#[test]
fn authentication_comes_once_and_not_inside_a_transaction() {
    let outcome = exchange("AUTH PLAIN AHUAcA==\r\nAUTH PLAIN AHUAcA==\r\n");
    assert!(said(&outcome).ends_with("503 5.5.1 Bad sequence of commands\r\n"));
    let config = config(Mode::Mta).with_mechanisms(vec!["PLAIN".parse().unwrap()]);
    let input = "EHLO c.test\r\nMAIL FROM:<>\r\nAUTH PLAIN AHUAcA==\r\nRCPT TO:<u@local.test>\r\n";
    let outcome = assert_split_invariant(|| private(&config), input.as_bytes(), false, log_in);
    assert!(outcome.text().ends_with("503 5.5.1 Bad sequence of commands\r\n250 2.1.5 OK\r\n"));
    // HELO knows no extensions.
    let outcome = run(&mut private(&config), [&b"HELO c.test\r\nAUTH PLAIN\r\n"[..]], false, log_in);
    assert!(outcome.text().ends_with("503 5.5.1 Bad sequence of commands\r\n"));
}

#[test]
fn mechanisms_and_arguments_that_are_not_there() {
    for (line, code) in [
        ("AUTH NTLM\r\n", "504 5.5.4"),
        ("AUTH\r\n", "501 5.5.4"),
        ("AUTH PLAIN a b\r\n", "501 5.5.4"),
        ("AUTH PLAIN d?\r\n", "501 5.5.4"),
        ("AUTH \"\"\r\n", "501 5.5.4"),
    ] {
        assert!(said(&exchange(line)).starts_with(code), "{line}: {}", said(&exchange(line)));
    }
}

#[test]
fn the_line_of_an_exchange_has_a_limit_of_its_own() {
    let line = |octets: usize| "A".repeat(octets - 2);
    let exact = exchange_unsplit(&format!("AUTH LOGIN\r\n{}\r\n", line(12_288 - 2)));
    assert!(said(&exact).ends_with("535 5.7.8 Authentication credentials invalid\r\n"));
    let over = exchange_unsplit(&format!("AUTH LOGIN\r\n{}\r\nNOOP\r\n", line(12_288 + 2)));
    assert!(said(&over).ends_with("500 5.5.6 Authentication exchange line is too long\r\n250 2.0.0 OK\r\n"));
    let over = exchange_unsplit(&format!("AUTH PLAIN {}\r\nNOOP\r\n", line(12_288)));
    assert!(said(&over).ends_with("500 5.5.6 Authentication exchange line is too long\r\n250 2.0.0 OK\r\n"));
    // Longer than any other command may be.
    let long = exchange_unsplit(&format!("AUTH PLAIN {}\r\n", line(8194)));
    assert!(said(&long).ends_with("535 5.7.8 Authentication credentials invalid\r\n"));
}

fn exchange_unsplit(lines: &str) -> Outcome {
    let input = format!("EHLO c.test\r\n{lines}");
    run(&mut private(&submission()), input.as_bytes().chunks(1000), false, log_in)
}

#[test]
fn res_13_guessing_ends_the_session() {
    let outcome = exchange(&"AUTH PLAIN eA==\r\n".repeat(5));
    assert_eq!(
        said(&outcome),
        format!(
            "{}421 4.7.0 Too many failed authentications\r\n",
            "535 5.7.8 Authentication credentials invalid\r\n".repeat(3)
        )
    );
    let error = ProtocolError::Excess { of: Excess::AuthFailures, limit: 3 };
    assert_eq!(outcome.error, Some(error.to_string()));
    // What cannot be checked now is no failure.
    let outcome = exchange(&"AUTH PLAIN bGF0ZXI=\r\n".repeat(9));
    assert_eq!(said(&outcome).matches("454 4.7.0").count(), 9);
    assert_eq!(outcome.error, None);
}

#[test]
fn res_13_guessing_at_the_form_ends_the_session_too() {
    let outcome = exchange(&"AUTH PLAIN bm8gbWVzc2FnZQ==\r\n".repeat(5));
    assert_eq!(said(&outcome).matches("501 5.5.2 ").count(), 3);
    let error = ProtocolError::Excess { of: Excess::AuthFailures, limit: 3 };
    assert_eq!(outcome.error, Some(error.to_string()));
}

#[test]
fn an_exchange_has_an_end() {
    let mut limits = Limits::default();
    limits.auth_steps_max = 2;
    let config = submission().with_limits(limits);
    let input = format!("EHLO c.test\r\nAUTH LOGIN\r\n{}", "eA==\r\n".repeat(2));
    let outcome = assert_split_invariant(
        || private(&config),
        format!("{input}NOOP\r\n").as_bytes(),
        false,
        |server, event| match event {
            Event::Auth(auth) => {
                auth.challenge(server, b"more").unwrap();
                Note::event("challenge")
            }
            event => answer(server, event),
        },
    );
    assert!(outcome.text().ends_with("454 4.7.0 Temporary authentication failure\r\n250 2.0.0 OK\r\n"));
    assert_eq!(outcome.text().matches("334 bW9yZQ==\r\n").count(), 2);
    assert!(outcome.has("AuthCancelled"));
}

#[test]
fn cancelling_leads_nowhere_and_is_counted() {
    let mut limits = Limits::default();
    limits.junk_commands_max = 3;
    let config = submission().with_limits(limits);
    let input = format!("EHLO c.test\r\n{}", "AUTH LOGIN\r\n*\r\n".repeat(4));
    let outcome = assert_split_invariant(|| private(&config), input.as_bytes(), false, log_in);
    assert!(outcome.text().ends_with("421 4.7.0 Too many commands without a message\r\n"));
}
