//! BDAT (RFC 3030): chunks where they are legal, where they are not, and where they are too large. Whatever stands
//! behind a BDAT is octets, never commands.

use posthaste_smtp::server::{BodyAborted, Config, Event, Extensions, Mode, Server};
use posthaste_smtp::{Limits, ProtocolError, Rejection, Security, Step, Time};
use posthaste_testkit::{Note, Outcome, assert_split_invariant, measure, run};

use crate::common::*;

const OPEN: &str = "EHLO c.test\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<u@local.test>\r\n";
const BINARY: &str = "EHLO c.test\r\nMAIL FROM:<a@c.test> BODY=BINARYMIME\r\nRCPT TO:<u@local.test>\r\n";

fn binary() -> Config {
    config(Mode::Mta).with_extensions(Extensions::new().with_binary_mime())
}

fn all(config: &Config, input: &str) -> Outcome {
    assert_split_invariant(|| server(config), input.as_bytes(), false, answer)
}

/// The replies behind those to `OPEN`.
fn behind(config: &Config, input: &str) -> (Vec<String>, Outcome) {
    let outcome = all(config, &format!("{OPEN}{input}"));
    (last(&outcome, "250 2.1.5 OK"), outcome)
}

/// The replies behind the last reply that is `mark`.
fn last(outcome: &Outcome, mark: &str) -> Vec<String> {
    let lines: Vec<_> = outcome.text().lines().map(String::from).collect();
    let at = lines.iter().rposition(|line| line == mark).unwrap_or_else(|| panic!("{lines:?}"));
    lines[at + 1..].to_vec()
}

#[test]
fn chunks_make_a_message() {
    let (replies, outcome) =
        behind(&config(Mode::Mta), "BDAT 6\r\nabc\r\n.BDAT 2\r\n\r\nBDAT 3 LAST\r\nx\r\nNOOP\r\n");
    let expected =
        ["250 2.0.0 6 octets received", "250 2.0.0 2 octets received", "250 2.0.0 OK", "250 2.0.0 OK"];
    assert_eq!(replies, expected);
    assert_eq!(outcome.bodies(), b"abc\r\n.\r\nx\r\n");
    assert!(outcome.has("data 1") && outcome.has("end <a@c.test> 11"));
    assert!(all(&config(Mode::Mta), "EHLO c.test\r\n").text().contains("CHUNKING\r\n"));
}

#[test]
fn a_message_in_one_chunk_or_in_none() {
    let (replies, outcome) = behind(&config(Mode::Mta), "bdat 3 last\r\na\r\nBDAT 0 LAST\r\n");
    assert_eq!(replies, ["250 2.0.0 OK", "503 5.5.1 Bad sequence of commands"]);
    assert_eq!(outcome.bodies(), b"a\r\n");
    let (replies, outcome) = behind(&config(Mode::Mta), "BDAT 3\r\na\r\nBDAT 0\r\nBDAT 0 LAST\r\n");
    assert_eq!(replies.len(), 3);
    assert_eq!(outcome.bodies(), b"a\r\n");
    assert!(outcome.has("end <a@c.test> 3"));
}

#[test]
fn cmd_07_an_empty_message() {
    let (replies, outcome) = behind(&config(Mode::Mta), "BDAT 0 LAST\r\n");
    assert_eq!(replies, ["250 2.0.0 OK"]);
    assert!(outcome.has("data 1") && outcome.has("end <a@c.test> 0"));
}

#[test]
fn cmd_07_octets_out_of_place_are_no_commands() {
    // Before a name, before MAIL, before RCPT.
    for before in [
        "",
        "EHLO c.test\r\n",
        "EHLO c.test\r\nMAIL FROM:<>\r\n",
        "EHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<no@a>\r\n",
    ] {
        for bdat in ["BDAT 6", "BDAT 6 LAST"] {
            let outcome = all(&config(Mode::Mta), &format!("{before}{bdat}\r\nQUIT\r\nRSET\r\n"));
            let text = outcome.text();
            let replies: Vec<_> = text.lines().rev().take(2).collect();
            assert_eq!(replies[0], "250 2.0.0 OK", "{text}");
            let refused =
                if before.contains("MAIL") { "554 5.5.1 No valid recipients" } else { "503 5.5.1 Bad" };
            assert!(replies[1].starts_with(refused), "{before}{bdat}: {text}");
            assert!(!outcome.closed);
        }
    }
}

#[test]
fn cmd_07_data_and_bdat_do_not_mix() {
    let (replies, outcome) = behind(&config(Mode::Mta), "BDAT 3\r\na\r\nDATA\r\nBDAT 3 LAST\r\nb\r\n");
    assert_eq!(
        replies,
        ["250 2.0.0 3 octets received", "503 5.5.1 Bad sequence of commands", "250 2.0.0 OK"]
    );
    assert_eq!(outcome.bodies(), b"a\r\nb\r\n");
    // Behind the end of a text there is no transaction.
    let input = "x\r\n.\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n";
    let outcome = run(&mut server(&config(Mode::Mta)), [T0.as_bytes(), input.as_bytes()], false, answer);
    let replies = last(&outcome, "250 2.0.0 OK");
    assert!(replies.is_empty());
    assert!(outcome.text().contains("503 5.5.1 Bad sequence of commands\r\n250 2.0.0 OK\r\n"));
    // Behind BDAT LAST there is none either.
    let (replies, _) = behind(&config(Mode::Mta), "BDAT 3 LAST\r\na\r\nDATA\r\n");
    assert_eq!(replies, ["250 2.0.0 OK", "503 5.5.1 Bad sequence of commands"]);
}

#[test]
fn between_chunks_the_message_is_safe() {
    for (line, code) in [
        ("NOOP", "250 2.0.0"),
        ("HELP", "214 2.0.0"),
        ("VRFY u", "252 2.5.0"),
        ("MAIL FROM:<>", "503 5.5.1"),
        ("RCPT TO:<v@local.test>", "503 5.5.1"),
        ("DATA", "503 5.5.1"),
        ("AUTH PLAIN", "503 5.5.1"),
        ("STARTTLS", "503 5.5.1"),
        ("BOGUS", "500 5.5.1"),
        ("EXPN x", "502 5.5.1"),
        ("XCLIENT ADDR=192.0.2.1", "550 5.7.0"),
    ] {
        let config = config(Mode::Mta)
            .with_tls(posthaste_smtp::server::TlsOffer::StartTls)
            .with_auth_requires_tls(posthaste_smtp::server::AuthPrivacy::NotRequired)
            .with_mechanisms(vec!["PLAIN".parse().unwrap()]);
        let (replies, outcome) = behind(&config, &format!("BDAT 3\r\na\r\n{line}\r\nBDAT 3 LAST\r\nb\r\n"));
        assert_eq!(replies.len(), 3, "{line}: {replies:?}");
        assert!(replies[1].starts_with(code), "{line}: {replies:?}");
        assert_eq!(replies[2], "250 2.0.0 OK", "{line}");
        assert_eq!(outcome.bodies(), b"a\r\nb\r\n", "{line}");
    }
}

#[test]
fn a_message_of_chunks_can_be_taken_back() {
    for line in ["RSET", "EHLO c.test", "HELO c.test", "BDAT x"] {
        let (replies, outcome) =
            behind(&config(Mode::Mta), &format!("BDAT 3\r\na\r\n{line}\r\nBDAT 6 LAST\r\nQUIT\r\n"));
        assert!(aborted(&outcome, BodyAborted::Reset), "{line}");
        assert_eq!(replies.last().unwrap(), "503 5.5.1 Bad sequence of commands", "{line}");
        assert_eq!(ends(&outcome), 0);
        assert!(!outcome.has("Reset"), "{line}: one event for one transaction");
    }
    let (_, outcome) = behind(&config(Mode::Mta), "BDAT 3\r\na\r\nQUIT\r\n");
    assert!(aborted(&outcome, BodyAborted::Closed) && outcome.closed);
}

#[test]
fn cmd_01_a_bad_length_ends_the_transaction() {
    for bad in ["abc", "-1", "0x10", "1e9", "10 LAST x", "", "LAST", "+1", "1,0"] {
        let (replies, outcome) =
            behind(&config(Mode::Mta), &format!("BDAT {bad}\r\nDATA\r\nMAIL FROM:<>\r\n"));
        assert!(replies[0].starts_with("501 5.5.4"), "{bad}: {replies:?}");
        assert_eq!(replies[1..], ["503 5.5.1 Bad sequence of commands", "250 2.1.0 OK"], "{bad}");
        assert!(outcome.has("Reset"), "{bad}");
    }
}

#[test]
fn cmd_05_a_length_that_nobody_would_read() {
    for bad in ["18446744073709551616", "18446744073709551615", "18446744073709551615 LAST", "100000001"] {
        let (replies, outcome) = behind(&config(Mode::Mta), &format!("BDAT {bad}\r\nRSET\r\n"));
        assert_eq!(replies, ["552 5.3.4 Message size exceeds the fixed maximum"], "{bad}");
        assert!(outcome.error.unwrap().contains("larger than the 100000000"), "{bad}");
    }
    // Where the order is wrong as well.
    let outcome = all(&config(Mode::Mta), "EHLO c.test\r\nBDAT 18446744073709551615 LAST\r\nRSET\r\n");
    assert!(outcome.text().ends_with("503 5.5.1 Bad sequence of commands\r\n"));
    assert!(outcome.error.is_some());
}

#[test]
fn a_chunk_over_the_limit_is_drained() {
    let input = format!("BDAT 1001 LAST\r\n{}RSET\r\n", "QUIT\r\n".repeat(167).get(..1001).unwrap());
    let (replies, outcome) = behind(&config(Mode::Mta), &input);
    assert_eq!(replies, ["552 5.3.4 Message size exceeds the fixed maximum", "250 2.0.0 OK"]);
    assert!(outcome.has("Reset") && outcome.bodies().is_empty());
    // The second chunk is too much; the third was in the pipe already, and is no fault.
    let rest = "x".repeat(401);
    let input = format!("BDAT 600\r\n{}BDAT 401\r\n{rest}BDAT 401 LAST\r\n{rest}NOOP\r\n", "y".repeat(600));
    let (replies, outcome) = behind(&config(Mode::Mta), &input);
    assert_eq!(
        replies,
        [
            "250 2.0.0 600 octets received",
            "552 5.3.4 Message size exceeds the fixed maximum",
            "503 5.5.1 Bad sequence of commands",
            "250 2.0.0 OK"
        ]
    );
    assert!(aborted(&outcome, BodyAborted::TooBig));
    assert!(!outcome.has("Violation(OutOfSequence)"));
    // Exactly the limit passes.
    let (replies, _) = behind(&config(Mode::Mta), &format!("BDAT 1000 LAST\r\n{}", "z".repeat(1000)));
    assert_eq!(replies, ["250 2.0.0 OK"]);
}

#[test]
fn a_message_that_is_refused_at_once_is_drained() {
    let refuse = |server: &mut Server, event| match event {
        Event::Data(data) => {
            data.reject(server, Rejection::denied()).unwrap();
            Note::event("refused")
        }
        event => answer(server, event),
    };
    let input =
        format!("{OPEN}BDAT 6\r\nQUIT\r\nBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nMAIL FROM:<b@c.test>\r\n");
    let config = config(Mode::Mta);
    let outcome = assert_split_invariant(|| server(&config), input.as_bytes(), false, refuse);
    let sequence = "503 5.5.1 Bad sequence of commands";
    let expected = ["550 5.7.1 Refused by local policy", sequence, sequence, "250 2.1.0 OK"];
    assert_eq!(last(&outcome, "250 2.1.5 OK"), expected);
    assert!(outcome.bodies().is_empty() && outcome.has("mail <b@c.test>"));
    assert!(!outcome.has("Violation(OutOfSequence)"));
}

#[test]
fn eod_24_dots_and_line_feeds_are_octets() {
    let (replies, outcome) = behind(&config(Mode::Mta), "BDAT 11 LAST\r\na\n.\r\nb\r\n.\r\nNOOP\r\n");
    assert_eq!(replies, ["554 5.6.0 Message holds a bare CR or LF", "250 2.0.0 OK"]);
    assert!(aborted(&outcome, BodyAborted::BareLineEnd));
}

#[test]
fn eod_24_no_dot_is_removed() {
    let (replies, outcome) = behind(&config(Mode::Mta), "BDAT 13 LAST\r\n..\r\n.\r\n.b\r\n\r\nNOOP\r\n");
    assert_eq!(outcome.bodies(), b"..\r\n.\r\n.b\r\n\r\n");
    assert_eq!(replies, ["250 2.0.0 OK", "250 2.0.0 OK"]);
    for (octets, reason) in
        [("\0", BodyAborted::Nul), ("\r", BodyAborted::BareLineEnd), ("\n", BodyAborted::BareLineEnd)]
    {
        let (replies, outcome) = behind(&config(Mode::Mta), &format!("BDAT 1 LAST\r\n{octets}NOOP\r\n"));
        assert!(replies[0].starts_with("554 5.6.0"), "{replies:?}");
        assert_eq!(replies[1], "250 2.0.0 OK");
        assert!(aborted(&outcome, reason));
    }
    // A line end in two chunks is one.
    let (replies, _) = behind(&config(Mode::Mta), "BDAT 2\r\na\rBDAT 1 LAST\r\n\n");
    assert_eq!(replies[1], "250 2.0.0 OK");
}

#[test]
fn eod_24_binarymime_is_not_looked_at() {
    let config = binary();
    let outcome = all(&config, &format!("{BINARY}BDAT 8 LAST\r\n\r\0\n.\u{e9}\r\rNOOP\r\n"));
    assert_eq!(outcome.bodies(), "\r\0\n.\u{e9}\r\r".as_bytes());
    assert!(outcome.has("end <a@c.test> 8"));
    // RFC 3030 3: not by DATA.
    let outcome = all(&config, &format!("{BINARY}DATA\r\nBDAT 1 LAST\r\n\0"));
    assert!(outcome.text().ends_with("503 5.5.1 Bad sequence of commands\r\n250 2.0.0 OK\r\n"));
    // Not where it is not offered.
    let outcome = all(&super::common::config(Mode::Mta), BINARY);
    assert!(outcome.text().contains("555 5.5.4"));
}

#[test]
fn without_chunking_the_octets_are_no_commands_either() {
    let config = config(Mode::Mta).with_extensions(Extensions::new().with_binary_mime().without_chunking());
    let (replies, outcome) = behind(&config, "BDAT 6 LAST\r\nQUIT\r\nDATA\r\n");
    assert_eq!(replies[0], "502 5.5.1 Command not implemented");
    assert!(replies[1].starts_with("354"));
    assert!(!outcome.text().contains("CHUNKING") && !outcome.text().contains("BINARYMIME"));
}

#[test]
fn lmtp_answers_the_last_chunk_for_each_recipient() {
    let open =
        "LHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<u@a.test>\r\nRCPT TO:<no@a.test>\r\nRCPT TO:<v@a.test>\r\n";
    let config = config(Mode::Lmtp);
    let outcome = all(&config, &format!("{open}BDAT 2\r\nabBDAT 2 LAST\r\n\r\nNOOP\r\n"));
    let one = "250 2.0.0 2 octets received";
    assert_eq!(last(&outcome, "250 2.1.5 OK"), [one, "250 2.0.0 OK", "250 2.0.0 OK", "250 2.0.0 OK"]);
    // A refused one before, pipelined ones behind.
    let big = "x".repeat(1001);
    let outcome = all(&config, &format!("{open}BDAT 1001\r\n{big}BDAT 1\r\nxBDAT 1 LAST\r\nxNOOP\r\n"));
    let sequence = "503 5.5.1 Bad sequence of commands";
    let too_big = "552 5.3.4 Message size exceeds the fixed maximum";
    assert_eq!(last(&outcome, "250 2.1.5 OK"), [too_big, sequence, sequence, sequence, "250 2.0.0 OK"]);
    let outcome = all(&config, &format!("{open}BDAT 1001 LAST\r\n{big}NOOP\r\n"));
    assert_eq!(last(&outcome, "250 2.1.5 OK"), [too_big, too_big, "250 2.0.0 OK"]);
    // RFC 2033 4.3: no recipient, no reply.
    let none = "LHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<no@a.test>\r\n";
    let outcome = all(&config, &format!("{none}BDAT 1\r\nxBDAT 1 LAST\r\nxHELP\r\n"));
    assert_eq!(
        last(&outcome, "550 5.1.1 No such user here"),
        ["503 5.5.1 No valid recipients", "214 2.0.0 See RFC 5321"]
    );
}

#[test]
fn cmd_06_the_end_inside_a_chunk() {
    let config = config(Mode::Mta);
    for input in ["BDAT 10\r\nabcd", "BDAT 4\r\nabcd", "BDAT 10 LAST\r\nabcd", "BDAT 4\r\nabcdBDAT"] {
        let input = format!("{OPEN}{input}");
        let outcome = assert_split_invariant(|| server(&config), input.as_bytes(), true, answer);
        assert!(aborted(&outcome, BodyAborted::Eof), "{input}");
        assert!(outcome.closed && ends(&outcome) == 0);
    }
}

#[test]
fn cmd_04_a_million_chunks_of_one_octet_in_flat_memory() {
    let mut limits = Limits::default();
    limits.message_max = 2_000_000;
    let mut server = Server::new(config(Mode::Mta).with_limits(limits), Security::Plain, Time::ZERO);
    run(&mut server, [OPEN.as_bytes()], false, answer);
    let chunks = b"BDAT 1\r\nx".repeat(100);
    let mut octets = 0_u64;
    let peak = measure(|| {
        for _ in 0..10_000 {
            server.handle_input(Time::ZERO, &chunks);
            loop {
                match server.poll_event().unwrap() {
                    Step::Event(Event::Body(chunk)) => octets += chunk.len() as u64,
                    Step::Event(event) => drop(answer(&mut server, event)),
                    Step::NeedInput => break,
                    step => panic!("{step:?}"),
                }
            }
            while server.poll_transmit().is_some() {}
        }
    });
    assert_eq!(octets, 1_000_000);
    assert!(peak.peak < 64 * 1024, "{peak:?}");
}

#[test]
fn cmd_04_empty_chunks_are_junk() {
    let (replies, outcome) = behind(&config(Mode::Mta), &format!("BDAT 1\r\nx{}", "BDAT 0\r\n".repeat(101)));
    assert_eq!(replies.last().unwrap(), "421 4.7.0 Too many commands without a message");
    assert!(aborted(&outcome, BodyAborted::Closed));
    assert!(outcome.error.unwrap().starts_with("client reached the limit of 100"));
}

#[test]
fn mail_refused_excuses_the_chunks_behind_it() {
    let config = config(Mode::Mta);
    let input =
        "EHLO c.test\r\nMAIL FROM:<bad\r\nRCPT TO:<u@a>\r\nBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n";
    let outcome = all(&config, input);
    assert_eq!(outcome.text().matches("503 5.5.1").count(), 3);
    assert!(outcome.text().ends_with("250 2.0.0 OK\r\n"));
    assert!(!outcome.has("Violation(OutOfSequence)"));
}

#[test]
fn a_refused_chunk_that_is_too_large_says_why() {
    let error = ProtocolError::ChunkTooBig { length: 5, limit: 4 };
    assert_eq!(error.to_string(), "refused chunk of 5 octets is larger than the 4 that are thrown away");
}
