//! The server against what it may meet; each security case by its name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use std::time::Duration;

use posthaste_smtp::server::{BodyAborted, Config, Event, Mode, Server, TlsOffer};
use posthaste_smtp::{Limits, ProtocolError, Rejection, Security, Step, Time, Violation};
use posthaste_testkit::{Note, Outcome, assert_split_invariant, run, splits};

fn config(mode: Mode) -> Config {
    let mut limits = Limits::default();
    limits.message_max = 1000;
    limits.violations_max = 20;
    Config::new(mode, "mx.test".parse().unwrap()).with_limits(limits)
}

fn server(config: &Config) -> Server {
    Server::new(config.clone(), Security::Plain, Time::ZERO)
}

/// Accepts everything but the recipient `no@`.
fn answer(server: &mut Server, event: Event) -> Note {
    match event {
        Event::Hello(hello) => Note::event(format!("hello {}", hello.name)),
        Event::StartTls(token) => {
            token.accept(server).unwrap();
            Note::event("starttls")
        }
        Event::Auth(auth) => {
            auth.accept(server).unwrap();
            Note::event("auth")
        }
        Event::Mail(mail) => {
            let note = Note::event(format!("mail {}", mail.from()));
            mail.accept(server).unwrap();
            note
        }
        Event::Rcpt(rcpt) => {
            let note = Note::event(format!("rcpt {}", rcpt.to()));
            if rcpt.to().to_string().starts_with("<no@") {
                rcpt.reject(server, Rejection::no_such_user()).unwrap();
            } else {
                rcpt.accept(server).unwrap();
            }
            note
        }
        Event::Data(data) => {
            let note = Note::event(format!("data {}", data.transaction().recipients().len()));
            data.accept(server).unwrap();
            note
        }
        Event::Body(chunk) => Note::body(&chunk),
        Event::BodyEnd(end) => {
            let note = Note::event(format!("end {} {}", end.transaction().from(), end.size()));
            end.accept(server).unwrap();
            note
        }
        event => Note::event(format!("{event:?}")),
    }
}

const T0: &str = "EHLO c.test\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<u@local.test>\r\nDATA\r\n";
const H: &str = "From: a\r\nTo: b\r\nSubject: c\r\n\r\n";
const SMUG: &str =
    "MAIL FROM:<s@evil.test>\r\nRCPT TO:<u@local.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nB\r\n";

/// Runs a body behind a DATA that was waited for, in every split of the body.
fn with_body(config: &Config, start: &str, body: &[u8], eof: bool) -> Outcome {
    let start = start.as_bytes();
    let whole = run(&mut server(config), [start, body], eof, answer);
    for pieces in splits(body) {
        let pieces = std::iter::once(start).chain(pieces);
        assert_eq!(run(&mut server(config), pieces, eof, answer), whole);
    }
    whole
}

fn ends(outcome: &Outcome) -> usize {
    let end = |note: &&Note| matches!(note, Note::Event(words) if words.starts_with("end "));
    outcome.notes.iter().filter(end).count()
}

fn aborted(outcome: &Outcome, reason: BodyAborted) -> bool {
    outcome.has(&format!("BodyAborted({reason:?})"))
}

/// The body does not end within `payload` and is refused for what is in it, once.
fn refused_whole(payload: &[u8]) {
    for (mode, replies) in [(Mode::Mta, 1), (Mode::Lmtp, 2)] {
        let start = match mode {
            Mode::Lmtp => T0.replace("EHLO", "LHLO").replace("DATA", "RCPT TO:<v@local.test>\r\nDATA"),
            _ => T0.into(),
        };
        let body = [H.as_bytes(), payload, SMUG.as_bytes(), b"\r\n.\r\n"].concat();
        let outcome = with_body(&config(mode), &start, &body, false);
        let text = outcome.text();
        assert_eq!(text.matches("\r\n554 5.6.0").count(), replies, "{payload:?}: {text}");
        assert_eq!(ends(&outcome), 0);
        assert!(!outcome.has("mail <s@evil.test>"), "{payload:?}");
        assert!(aborted(&outcome, BodyAborted::BareLineEnd) || aborted(&outcome, BodyAborted::Nul));
        assert!(outcome.error.is_none());
    }
}

macro_rules! refused_whole {
    ($($name:ident: $($payload:expr),+;)*) => {$(
        #[test]
        fn $name() {
            $(refused_whole($payload);)+
        }
    )*};
}

// Over LMTP as well, with two recipients: EOD-25.
refused_whole! {
    eod_01_lf_dot_lf: b"x\n.\n";
    eod_02_lf_dot_crlf: b"x\n.\r\n";
    eod_03_crlf_dot_lf: b"x\r\n.\n";
    eod_04_cr_dot_cr: b"x\r.\r";
    eod_05_cr_dot_crlf: b"x\r.\r\n";
    eod_06_cr_dot_lf: b"x\r.\n";
    eod_07_lf_dot_cr: b"x\n.\r";
    eod_08_crlf_dot_cr: b"x\r\n.\r";
    eod_09_nul_before_dot: b"x\r\n\0.\r\n";
    eod_10_nul_behind_dot: b"x\r\n.\0\r\n";
    eod_11_nul_inside_crlf: b"x\r\0\n.\r\n", b"x\r\n.\r\0\n";
    eod_13_cr_cr_lf: b"x\r\n.\r\r\n", b"x\r\r\n.\r\r\n";
    eod_25_lmtp_answers_each_recipient: b"x\n.\n", b"x\r.\r";
}

#[test]
fn eod_12_the_text_ends_where_crlf_dot_crlf_stands() {
    let first = [b"x\0\r\n.\r\n", SMUG.as_bytes()].concat();
    // What is behind the text is commands, so that the second DATA is followed by octets it did not wait for.
    let outcome = run(&mut server(&config(Mode::Mta)), [T0.as_bytes(), &first], false, answer);
    assert!(aborted(&outcome, BodyAborted::Nul));
    assert_eq!(ends(&outcome), 0);
    assert_eq!(outcome.error, Some(ProtocolError::UnauthorisedPipelining.to_string()));
    let second = [b"x\r\n.\r\n\0", SMUG.as_bytes()].concat();
    let outcome = run(&mut server(&config(Mode::Mta)), [T0.as_bytes(), &second], false, answer);
    assert_eq!(ends(&outcome), 1);
    assert!(outcome.text().contains("\r\n500 5.5.1"));
    assert!(!outcome.has("mail <s@evil.test>"));
}

#[test]
fn eod_14_other_line_ends_are_content() {
    for payload in ["x\u{b}.\u{b}", "x\u{c}.\u{c}", "x\u{85}.\u{85}", "x\u{2028}.\u{2028}"] {
        let content = format!("{H}{payload}{SMUG}");
        let outcome = with_body(&config(Mode::Mta), T0, format!("{content}\r\n.\r\n").as_bytes(), false);
        assert_eq!(outcome.bodies(), format!("{content}\r\n").as_bytes());
        assert_eq!(ends(&outcome), 1);
    }
}

#[test]
fn eod_15_the_start_counts_as_the_start_of_a_line() {
    let outcome = with_body(&config(Mode::Mta), T0, b".\r\nNOOP\r\n", false);
    assert!(outcome.has("end <a@c.test> 0"));
    assert!(outcome.text().ends_with("250 2.0.0 OK\r\n250 2.0.0 OK\r\n"));
}

#[test]
fn eod_16_one_dot_is_removed_from_each_line() {
    for (sent, stored) in
        [("x\r\n..\r\ny", "x\r\n.\r\ny"), ("x\r\n...\r\ny", "x\r\n..\r\ny"), ("x\r\n.y", "x\r\ny")]
    {
        let outcome = with_body(&config(Mode::Mta), T0, format!("{sent}\r\n.\r\n").as_bytes(), false);
        assert_eq!(outcome.bodies(), format!("{stored}\r\n").as_bytes());
        assert_eq!(ends(&outcome), 1);
    }
}

#[test]
fn eod_17_nothing_may_stand_behind_data() {
    let early = format!("{T0}Subject: x\r\n\r\n.\r\n");
    let outcome = run(&mut server(&config(Mode::Mta)), [early.as_bytes()], false, answer);
    assert_eq!(outcome.error, Some(ProtocolError::UnauthorisedPipelining.to_string()));
    assert!(outcome.text().ends_with("554 5.5.0 Data sent without waiting for the reply to DATA\r\n"));
    assert_eq!(ends(&outcome), 0);
    // A group that ends in DATA is what RFC 2920 wants.
    let next = "x\r\n.\r\nMAIL FROM:<b@c.test>\r\nRCPT TO:<u@local.test>\r\nDATA\r\n";
    let pieces = [T0.as_bytes(), next.as_bytes(), b".\r\n"];
    let outcome = run(&mut server(&config(Mode::Mta)), pieces, false, answer);
    assert!(outcome.has("end <b@c.test> 0"));
    assert_eq!(ends(&outcome), 2);
}

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
fn eod_26_a_cut_text_is_dropped() {
    let outcome = with_body(&config(Mode::Mta), T0, format!("{H}x\r\n.").as_bytes(), true);
    assert!(aborted(&outcome, BodyAborted::Eof));
    assert!(outcome.closed && ends(&outcome) == 0);
    assert!(outcome.text().ends_with("<CRLF>.<CRLF>\r\n"));
}

#[test]
fn a_text_over_the_limit_is_read_to_its_end_and_refused() {
    let exact = format!("{}\r\n.\r\n", "a".repeat(998));
    assert_eq!(ends(&with_body(&config(Mode::Mta), T0, exact.as_bytes(), false)), 1);
    let over = format!("{}\r\n.\r\nNOOP\r\n", "a".repeat(999));
    let outcome = with_body(&config(Mode::Mta), T0, over.as_bytes(), false);
    assert!(aborted(&outcome, BodyAborted::TooBig));
    assert_eq!(outcome.bodies().len(), 1000);
    assert!(outcome.text().contains("\r\n552 5.3.4"));
    assert!(outcome.text().ends_with("\r\n250 2.0.0 OK\r\n"));
}

fn commands(mode: Mode, input: &str) -> Outcome {
    let config = config(mode);
    assert_split_invariant(|| server(&config), input.as_bytes(), false, answer)
}

/// The code that `line` gets after EHLO, and what was seen.
fn last_code(mode: Mode, input: &str) -> (String, Outcome) {
    let outcome = commands(mode, &format!("EHLO c.test\r\n{input}"));
    let text = outcome.text();
    (text.lines().last().unwrap().chars().take(9).collect::<String>().trim().to_owned(), outcome)
}

#[test]
fn cmd_02_a_refused_message_leaves_nothing_behind() {
    let body = b"x\0\r\n.\r\nRCPT TO:<v@local.test>\r\nDATA\r\n";
    let outcome = with_body(&config(Mode::Mta), T0, body, false);
    assert_eq!(outcome.text().matches("\r\n503 5.5.1").count(), 2);
    assert!(!outcome.has("rcpt <v@local.test>"));
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
fn cmd_09_and_12_no_control_enters_an_address() {
    let octets = ["te\0st", "\u{1b}", "\u{7f}", "\u{85}", "\u{200b}", "\u{2060}", "\u{feff}", "\"a\0b\""];
    for local in octets {
        assert_eq!(last_code(Mode::Mta, &format!("MAIL FROM:<{local}@e.test>\r\n")).0, "501 5.1.7");
        assert_eq!(last_code(Mode::Mta, &format!("MAIL FROM:<a@e{local}.test>\r\n")).0, "501 5.1.7");
    }
}

#[test]
fn cmd_12_no_line_end_enters_an_address() {
    for path in ["<\rX-Injected: 1@local.test>", "<\"a\rb\"@local.test>", "<\"a\r\nb\"@local.test>"] {
        let (_, outcome) = last_code(Mode::Mta, &format!("MAIL FROM:<>\r\nRCPT TO:{path}\r\n"));
        assert!(outcome.text().contains("\r\n50"));
        assert!(
            !outcome.notes.iter().any(|note| matches!(note, Note::Event(words) if words.starts_with("rcpt")))
        );
    }
}

#[test]
fn cmd_13_odd_paths() {
    assert_eq!(last_code(Mode::Mta, "MAIL FROM:<\"\"@c.test>\r\n").0, "250 2.1.0");
    assert_eq!(last_code(Mode::Mta, "MAIL FROM:<>\r\nRCPT TO:<\"\"@local.test>\r\n").0, "250 2.1.5");
    assert_eq!(last_code(Mode::Mta, "MAIL FROM:<>\r\nRCPT TO:<@local.test>\r\n").0, "501 5.1.3");
    assert_eq!(last_code(Mode::Mta, "MAIL FROM:<>\r\nRCPT TO:<>\r\n").0, "501 5.1.3");
}

#[test]
fn cmd_14_broken_utf8() {
    let lines: [&[u8]; 4] = [
        b"MAIL FROM:<f\xc3\xb6\xc3\xa4@\xc3\xb6\xc3>",
        b"FROP \xF1\x80",
        b"EHLO \xff",
        b"MAIL FROM:<\xed\xa0\x80@a>",
    ];
    for line in lines {
        let input = [b"EHLO c.test\r\n", line, b"\r\n"].concat();
        let config = config(Mode::Mta);
        let outcome = assert_split_invariant(|| server(&config), &input, false, answer);
        let text = outcome.text();
        let last = text.lines().last().unwrap();
        assert!(last.starts_with("500 ") || last.starts_with("501 "), "{last}");
    }
}

#[test]
fn cmd_15_long_lines_are_dropped_in_constant_memory() {
    for (octets, code) in [(512, "250 "), (2048, "250 "), (2049, "500 "), (12_289, "500 "), (1 << 20, "500 ")]
    {
        let line = format!("NOOP {}\r\n", "x".repeat(octets - 7));
        let outcome = run(&mut server(&config(Mode::Mta)), line.as_bytes().chunks(1000), false, answer);
        assert_eq!(outcome.text().lines().count(), 2);
        assert!(outcome.text().lines().last().unwrap().starts_with(code), "{octets}");
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
fn cmd_19_parameters_of_mail() {
    let code = |parameters: &str| last_code(Mode::Mta, &format!("MAIL FROM:<a@c.test> {parameters}\r\n")).0;
    assert_eq!(code("SIZE=18446744073709551616"), "552 5.3.4");
    assert_eq!(code("SIZE=1000"), "250 2.1.0");
    assert_eq!(code("SIZE=1001"), "552 5.3.4");
    for bad in ["SIZE=-1", "SIZE=1e3", "SIZE=", "SIZE", "SIZE=1 SIZE=2", "BODY=x", "X=1 x=2", "AUTH=a+0D@b"] {
        assert_eq!(code(bad), "501 5.5.4", "{bad}");
    }
    assert_eq!(code("UNKNOWN=1"), "555 5.5.4");
    let many: String = (0..200).map(|number| format!("X{number} ")).collect();
    assert_eq!(code(&many), "501 5.5.4");
}

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
fn stls_14_patience_ends() {
    let config = config(Mode::Mta).with_limits(Limits::default());
    let input = "bogus \r\nNOOP\r\n".repeat(50);
    let outcome = assert_split_invariant(|| server(&config), input.as_bytes(), false, answer);
    assert_eq!(outcome.text().matches("500 5.5.1").count(), 10);
    assert!(outcome.text().ends_with("421 4.7.0 Too many errors, closing transmission channel\r\n"));
    assert_eq!(outcome.error, Some(ProtocolError::TooManyViolations { limit: 10 }.to_string()));
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

#[test]
fn lmtp_results_are_one_for_each_recipient() {
    for (results, text) in [
        (vec![Ok(()), Err(Rejection::mailbox_full())], "250 2.1.5 Delivered\r\n452 4.2.2 Mailbox full\r\n"),
        (vec![Ok(())], "451 4.3.0 Local error in processing, try again later\r\n"),
    ] {
        let start = "LHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<u@a.test>\r\nRCPT TO:<v@a.test>\r\nDATA\r\n";
        let mut server = server(&config(Mode::Lmtp));
        let outcome = run(&mut server, [start.as_bytes(), b".\r\n"], false, |server, event| match event {
            Event::BodyEnd(end) => {
                assert_eq!(end.finish(server, results.clone()).is_ok(), results.len() == 2);
                Note::event("end")
            }
            event => answer(server, event),
        });
        assert!(outcome.text().ends_with(text), "{}", outcome.text());
        assert_eq!(outcome.text().matches("\r\n451").count(), if results.len() == 2 { 0 } else { 2 });
    }
}

#[test]
fn an_auth_exchange_in_every_split() {
    let config = config(Mode::Submission).with_mechanisms(vec!["LOGIN".parse().unwrap()]);
    let cases = [
        ("dQ==\r\nMAIL FROM:<>\r\n", "235 2.7.0 Authentication successful\r\n250 2.1.0 OK\r\n"),
        (
            "*\r\nMAIL FROM:<>\r\n",
            "501 5.7.0 Authentication cancelled\r\n530 5.7.0 Authentication required\r\n",
        ),
        ("d?\r\n", "501 5.5.2 Cannot decode base64\r\n"),
    ];
    for (response, replies) in cases {
        let make = || Server::new(config.clone(), Security::Tls, Time::ZERO);
        let input = format!("EHLO c.test\r\nAUTH LOGIN\r\n{response}");
        let outcome = assert_split_invariant(make, input.as_bytes(), false, |server, event| match event {
            Event::Auth(auth) => {
                auth.challenge(server, b"Username:").unwrap();
                Note::event("auth")
            }
            Event::AuthResponse(token) => {
                assert_eq!(token.response().expose(), b"u");
                token.accept(server).unwrap();
                Note::event("response")
            }
            event => answer(server, event),
        });
        assert!(outcome.text().ends_with(&format!("334 VXNlcm5hbWU6\r\n{replies}")), "{}", outcome.text());
    }
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
