//! STARTTLS and what must not cross it; credentials in the clear; HTTP on the port.

use posthaste_smtp::server::{AuthPrivacy, Event, Mode, Server, TlsOffer};
use posthaste_smtp::{ProtocolError, Rejection, Security, Step, Time};
use posthaste_testkit::{Note, assert_split_invariant, run};

use crate::common::*;

#[test]
fn stls_01_plaintext_behind_starttls_is_fatal() {
    for behind in ["EHLO inj\r\n", "MAIL FROM:<x@y>\r\n", "RSET\r\n", "x"] {
        let config = config(Mode::Mta).with_tls(TlsOffer::StartTls);
        let input = format!("EHLO c.test\r\nSTARTTLS\r\n{behind}");
        let outcome = run(&mut server(&config), [input.as_bytes()], false, answer);
        assert_eq!(outcome.error, Some(ProtocolError::Residue { octets: behind.len() }.to_string()));
        assert!(!outcome.has("(upgrade)") && !outcome.has("starttls"));
        assert!(!outcome.text().contains("220 2.0.0"));
    }
}

#[test]
fn stls_05_plaintext_before_the_handshake_is_fatal() {
    let mut server = server(&config(Mode::Mta).with_tls(TlsOffer::StartTls));
    server.handle_input(Time::ZERO, b"");
    while server.poll_transmit().is_some() {}
    server.handle_input(Time::ZERO, b"EHLO c.test\r\nSTARTTLS\r\n");
    let upgrade = loop {
        match server.poll_event().unwrap() {
            Step::Event(event) => drop(answer(&mut server, event)),
            Step::Upgrade(upgrade) => break upgrade,
            step => panic!("{step:?}"),
        }
    };
    server.handle_input(Time::ZERO, b"NOOP\r\n");
    assert_eq!(server.poll_event().unwrap_err(), ProtocolError::Residue { octets: 6 });
    assert!(server.upgraded(Time::ZERO, upgrade, Security::Tls).is_err());
}

#[test]
fn stls_06_starttls_where_it_is_not_due() {
    assert_eq!(last_code(Mode::Mta, "STARTTLS\r\n").0, "502 5.5.1");
    let config = config(Mode::Mta).with_tls(TlsOffer::StartTls);
    let before = "EHLO c.test\r\nMAIL FROM:<a@c.test>\r\nSTARTTLS\r\n";
    let pieces = [before, "RCPT TO:<u@local.test>\r\nMAIL FROM:<>\r\nEHLO c.test\r\nSTARTTLS\r\n"];
    let outcome = run(&mut server(&config), pieces.map(str::as_bytes), false, answer);
    assert!(outcome.has("(upgrade)"));
    let text = outcome.text();
    let inside = text.split("220 2.0.0 Ready to start TLS\r\n").nth(1).unwrap();
    // The name and the transaction are gone, TLS is there, and it is not offered again.
    assert_eq!(inside.matches("503 5.5.1").count(), 3);
    assert!(!inside.contains("250-STARTTLS") && !inside.contains("250 STARTTLS"));
    assert!(text.contains("STARTTLS\r\n"));
}

#[test]
fn stls_08_credentials_in_the_clear_are_refused_unseen() {
    for mode in [Mode::Mta, Mode::Submission] {
        let config =
            config(mode).with_tls(TlsOffer::StartTls).with_mechanisms(vec!["PLAIN".parse().unwrap()]);
        let input = "EHLO c.test\r\nAUTH PLAIN AHUAcA==\r\n";
        let outcome = assert_split_invariant(|| server(&config), input.as_bytes(), false, answer);
        assert!(outcome.text().contains("\r\n538 5.7.11"));
        assert!(!outcome.text().contains("AUTH") && !outcome.has("auth"));
        let mut inside = Server::new(config, Security::Tls, Time::ZERO);
        let outcome = run(&mut inside, [input.as_bytes()], false, answer);
        assert!(outcome.text().contains("250 AUTH PLAIN\r\n") && outcome.text().ends_with("successful\r\n"));
    }
    assert_eq!(last_code(Mode::Submission, "MAIL FROM:<>\r\n").0, "530 5.7.0");
}

#[test]
fn stls_12_http_is_hung_up_on() {
    for line in [
        "POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO c.test\r\n",
        "GET / HTTP/1.0\r\n",
        "CONNECT a:25 HTTP/1.1\r\n",
    ] {
        let outcome = commands(Mode::Mta, line);
        assert_eq!(outcome.error, Some(ProtocolError::ForeignProtocol.to_string()));
        assert_eq!(outcome.text(), "220 mx.test ESMTP ready\r\n421 4.7.0 This is a mail server\r\n");
    }
}

#[test]
fn stls_07_the_word_is_only_a_command_where_commands_are() {
    let config = config(Mode::Mta).with_tls(TlsOffer::StartTls);
    let start = T0.replace("u@local.test", "starttls@local.test");
    for body in ["STARTTLS\r\n.\r\n", "x\r\nSTARTTLS\r\nEHLO c.test\r\n.\r\n"] {
        let outcome = run(&mut server(&config), [start.as_bytes(), body.as_bytes()], false, answer);
        assert_eq!(ends(&outcome), 1);
        assert!(!outcome.has("starttls") && outcome.has("rcpt <starttls@local.test>"));
    }
    let chunk = start.replace("DATA", "BDAT 10 LAST") + "STARTTLS\r\n";
    let outcome = assert_split_invariant(|| server(&config), chunk.as_bytes(), false, answer);
    assert_eq!((ends(&outcome), outcome.has("starttls")), (1, false));
}

#[test]
fn stls_09_a_connection_that_ends_before_the_handshake_is_over() {
    let config = config(Mode::Mta).with_tls(TlsOffer::StartTls);
    let mut server = server(&config);
    let mut upgrade = None;
    while server.poll_transmit().is_some() {}
    server.handle_input(Time::ZERO, b"EHLO c.test\r\nSTARTTLS\r\n");
    while upgrade.is_none() {
        match server.poll_event().unwrap() {
            Step::Event(event) => drop(answer(&mut server, event)),
            Step::Upgrade(order) => upgrade = Some(order),
            step => panic!("{step:?}"),
        }
    }
    server.handle_eof(Time::ZERO);
    assert!(matches!(server.poll_event(), Ok(Step::Closed)));
    assert!(server.upgraded(Time::ZERO, upgrade.unwrap(), Security::Tls).is_err());
}

#[test]
fn stls_06_failed_logins_are_remembered_through_the_handshake() {
    let config = config(Mode::Mta)
        .with_tls(TlsOffer::StartTls)
        .with_auth_requires_tls(AuthPrivacy::NotRequired)
        .with_mechanisms(vec!["PLAIN".parse().unwrap()]);
    let attempts = "EHLO c.test\r\nAUTH PLAIN =\r\nAUTH PLAIN =\r\n";
    let pieces = [format!("{attempts}STARTTLS\r\n"), attempts.to_owned()];
    let mut refused = 0;
    let pieces = pieces.iter().map(String::as_bytes);
    let outcome = run(&mut server(&config), pieces, false, |server, event| match event {
        Event::Auth(auth) => {
            refused += 1;
            auth.reject(server, Rejection::credentials_invalid()).unwrap();
            Note::event("refused")
        }
        event => answer(server, event),
    });
    assert_eq!(refused, 3);
    assert!(outcome.text().ends_with("421 4.7.0 Too many failed authentications\r\n"));
}
