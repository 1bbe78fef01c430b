//! AUTH (RFC 4954): initial responses, challenges, cancelling, limits.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    dead_code,
    reason = "test code"
)]

#[path = "support/client.rs"]
mod support;

use posthaste_smtp::client::{Client, Config, Event, Mode};
use posthaste_smtp::{Misuse, Secret, Security, Time};
use posthaste_testkit::{Note, Outcome};
use support::{GREETING, answer, config, smtp, tell};

const OFFER: &str = "250-x\r\n250 AUTH=LOGIN PLAIN\r\n";

fn exchange(initial: Option<&str>, replies: &[&str]) -> Outcome {
    let script = [&[GREETING, OFFER], replies].concat();
    posthaste_testkit::run(
        &mut smtp(),
        script.iter().map(|piece| piece.as_bytes()),
        false,
        |client, event| match event {
            Event::Ready(_) => {
                client.authenticate("PLAIN".parse().unwrap(), initial.map(Secret::from)).unwrap();
                Note::event("ready")
            }
            Event::Challenge(challenge) if challenge.challenge().expose() == b"stop" => {
                challenge.cancel(client).unwrap();
                Note::event("cancel")
            }
            Event::Challenge(challenge) => {
                challenge.respond(client, Secret::from("u")).unwrap();
                Note::event("challenge")
            }
            Event::Authenticated => Note::event("in"),
            Event::AuthRefused(_) => Note::event("out"),
            event => answer(client, event),
        },
    )
}

#[test]
fn an_initial_response_is_sent_kept_back_or_empty() {
    assert!(exchange(None, &[]).text().ends_with("\r\nAUTH PLAIN\r\n"));
    assert!(exchange(Some(""), &[]).text().ends_with("\r\nAUTH PLAIN =\r\n"));
    let accepted = exchange(Some("u"), &["235 ok\r\n"]);
    assert!(accepted.text().ends_with("\r\nAUTH PLAIN dQ==\r\n") && accepted.has("in"));
    // 512 octets are a command line; more wait for the challenge.
    let fits = "x".repeat(372);
    assert_eq!(exchange(Some(&fits), &[]).text().lines().last().unwrap().len(), 507);
    let long = "x".repeat(376);
    let kept = exchange(Some(&long), &["334 \r\n", "235 ok\r\n"]);
    assert!(kept.text().contains("\r\nAUTH PLAIN\r\neHh4") && kept.has("in") && !kept.has("challenge"));
    let wrong = exchange(Some(&long), &["334 c3RvcA==\r\n", "501 cancelled\r\n"]);
    assert!(wrong.text().ends_with("AUTH PLAIN\r\n*\r\n") && wrong.has("out"));
}

#[test]
fn challenges_are_answered_cancelled_and_refused_when_they_do_not_decode() {
    let outcome = exchange(None, &["334 VXNlcm5hbWU6\r\n", "535 5.7.8 no\r\n"]);
    assert!(outcome.text().ends_with("AUTH PLAIN\r\ndQ==\r\n") && outcome.has("out"));
    let outcome = exchange(None, &["334 c3RvcA==\r\n", "501 ok\r\n"]);
    assert!(outcome.text().ends_with("AUTH PLAIN\r\n*\r\n") && outcome.has("cancel") && outcome.has("out"));
    for bad in ["334 !\r\n", "334 a\r\n", "334-dQ==\r\n", "334 dQ\r\n"] {
        let outcome = exchange(None, &[bad, "501 ok\r\n"]);
        assert!(outcome.text().ends_with("AUTH PLAIN\r\n*\r\n") && outcome.has("out"), "{bad}");
    }
    assert!(exchange(None, &["354 go\r\n"]).error.is_some());
    assert!(exchange(None, &["421 later\r\n"]).error.is_some());
}

#[test]
fn lines_of_an_exchange_have_a_limit_in_both_directions() {
    let long = |octets: usize| format!("334 {}\r\n", "A".repeat(octets));
    assert!(exchange(None, &[&long(12_280)]).has("challenge"));
    assert!(exchange(None, &[&long(12_284)]).error.is_some());
    let mut client = smtp();
    tell(&mut client, GREETING);
    tell(&mut client, OFFER);
    let fits = Secret::new(vec![b'x'; 9_213]);
    let long = Secret::new(vec![b'x'; 9_216]);
    let refused = client.authenticate("PLAIN".parse().unwrap(), Some(long));
    assert!(matches!(refused, Err(Misuse::Argument { .. })));
    client.authenticate("PLAIN".parse().unwrap(), Some(fits)).unwrap();
}

#[test]
fn credentials_are_sent_only_where_they_are_private_and_asked_for() {
    let private =
        Config::new(Mode::Smtp, "c.test".parse().unwrap()).with_tls(posthaste_smtp::client::TlsPolicy::Off);
    for (security, allowed) in [(Security::Plain, false), (Security::Tls, true), (Security::Local, true)] {
        let mut client = Client::new(private.clone(), security, Time::ZERO);
        assert!(client.authenticate("PLAIN".parse().unwrap(), None).is_err());
        tell(&mut client, GREETING);
        tell(&mut client, OFFER);
        assert_eq!(client.authenticate("PLAIN".parse().unwrap(), None).is_ok(), allowed);
    }
    let mut client = Client::new(config(Mode::Smtp), Security::Tls, Time::ZERO);
    tell(&mut client, GREETING);
    tell(&mut client, OFFER);
    assert!(client.authenticate("CRAM-MD5".parse().unwrap(), None).is_err());
}
