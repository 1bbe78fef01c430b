//! Which command is legal when, and what stands behind what: lines, groups, the start and the end of a session.

use std::time::Duration;

use posthaste_smtp::server::{Event, Mode, Server, TlsOffer};
use posthaste_smtp::{ProtocolError, Security, Step, Time, Violation};
use posthaste_testkit::{assert_split_invariant, run};

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

#[test]
fn cmd_03_questions_do_not_touch_the_transaction() {
    let extensions = posthaste_smtp::server::Extensions::new().with_vrfy().with_expn().with_etrn();
    for config in [config(Mode::Mta), config(Mode::Mta).with_extensions(extensions)] {
        for question in ["VRFY <\u{f6}@c.test>", "VRFY u", "EXPN list", "ETRN c.test", "HELP", "NOOP"] {
            let start = T0.trim_end_matches("DATA\r\n");
            let input = format!("{start}{question}\r\nDATA\r\n");
            let outcome = run(&mut server(&config), [input.as_bytes(), b"x\r\n.\r\n"], false, answer);
            assert!(outcome.has("end <a@c.test> 3"), "{question}: {}", outcome.text());
            assert!(!outcome.has("Reset"), "{question}");
        }
    }
}

#[test]
fn cmd_16_lines_that_are_no_commands() {
    for line in ["INSANELYREDICULOUSLYLONGCOMMANDNAME", "BELL\u{8}", "B52", " QUIT", "", "\u{7f}", "250 OK"] {
        let outcome = commands(Mode::Mta, &format!("{line}\r\n"));
        assert!(outcome.text().ends_with("\r\n500 5.5.1 Command not recognized\r\n"), "{line:?}");
        assert!(!outcome.closed);
    }
    let outcome = commands(Mode::Mta, &"\r\n".repeat(100));
    assert!(outcome.text().ends_with("421 4.7.0 Too many errors, closing transmission channel\r\n"));
}

#[test]
fn cmd_23_what_is_not_told() {
    assert_eq!(last_code(Mode::Mta, "EXPN list\r\n").0, "502 5.5.1");
    assert_eq!(last_code(Mode::Mta, "ETRN c.test\r\n").0, "502 5.5.1");
    assert_eq!(last_code(Mode::Mta, "HELP MAIL\r\n").0, "214 2.0.0");
    assert_eq!(last_code(Mode::Mta, "VRFY postmaster\r\n").0, "252 2.5.0");
    let outcome = commands(Mode::Mta, &"VRFY user\r\n".repeat(101));
    assert_eq!(outcome.text().matches("252 2.5.0").count(), 100);
    assert!(outcome.text().ends_with("421 4.7.0 Too many commands without a message\r\n"));
}

#[test]
fn cmd_26_nothing_behind_quit_is_read() {
    for behind in ["QUIT\r\n", "MAIL FROM:<>\r\n", "\0\r\n", "x"] {
        let outcome = commands(Mode::Mta, &format!("EHLO c.test\r\nQUIT\r\n{behind}"));
        assert!(outcome.closed);
        assert_eq!(outcome.text().matches("221 2.0.0 Bye\r\n").count(), 1, "{behind:?}");
        assert!(outcome.text().ends_with("221 2.0.0 Bye\r\n"));
        assert!(!outcome.has("mail <>"));
    }
    let outcome = run(&mut server(&config(Mode::Mta)), [T0.as_bytes(), b".\r\n.\r\n"], false, answer);
    assert_eq!(ends(&outcome), 1);
    assert!(outcome.text().ends_with("500 5.5.1 Command not recognized\r\n"));
}

#[test]
fn a_call_after_the_end_changes_nothing() {
    let mut server = server(&config(Mode::Mta));
    run(&mut server, [&b"QUIT\r\n"[..]], false, answer);
    server.handle_input(Time::ZERO, b"EHLO c.test\r\n");
    server.handle_timeout(Time::MAX);
    server.handle_eof(Time::MAX);
    server.shutdown(Time::MAX);
    assert!(matches!(server.poll_event(), Ok(Step::Closed)));
    assert_eq!(server.poll_transmit(), None);
    assert_eq!(server.poll_timeout(), None);
}

#[test]
fn a_shutdown_waits_for_the_message_and_for_the_token() {
    let mut server = server(&config(Mode::Mta));
    let start = T0.trim_end_matches("DATA\r\n");
    run(&mut server, [start.as_bytes(), b"BDAT 2\r\nab"], false, answer);
    server.shutdown(Time::ZERO);
    let outcome = run(&mut server, [&b"BDAT 2 LAST\r\n\r\n"[..]], false, answer);
    assert!(outcome.has("end <a@c.test> 4"));
    assert_eq!(outcome.text(), "250 2.0.0 OK\r\n421 4.3.2 Service shutting down\r\n");
    assert!(outcome.closed);
}

#[test]
fn res_16_many_commands_before_the_greeting_has_left() {
    // Tolerated: they are read behind the greeting, in order.
    let mut tolerant = Server::new(config(Mode::Submission), Security::Tls, Time::ZERO);
    tolerant.handle_input(Time::ZERO, &b"NOOP\r\n".repeat(100));
    let outcome = run(&mut tolerant, [], false, answer);
    assert!(outcome.text().starts_with("220 mx.test ESMTP ready\r\n250 2.0.0 OK\r\n"));
    assert_eq!(outcome.text().matches("250 2.0.0 OK").count(), 100);
    // Refused: none is.
    let mut strict = server(&config(Mode::Mta));
    strict.handle_input(Time::ZERO, &b"NOOP\r\n".repeat(1000));
    let outcome = run(&mut strict, [], false, answer);
    assert_eq!(outcome.text(), "554 5.5.1 Wait for the greeting\r\n");
    assert_eq!(outcome.error, Some(ProtocolError::EarlyTalker.to_string()));
}
