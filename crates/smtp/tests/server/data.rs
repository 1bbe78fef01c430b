//! The end of a text behind DATA, what may be in it, and what is said at its end: the cases EOD.

use posthaste_smtp::server::{BodyAborted, EightBitContent, Event, Mode, Server};
use posthaste_smtp::{ProtocolError, Rejection};
use posthaste_testkit::{Note, run};

use crate::common::*;

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

#[test]
fn cmd_02_a_refused_message_leaves_nothing_behind() {
    let body = b"x\0\r\n.\r\nRCPT TO:<v@local.test>\r\nDATA\r\n";
    let outcome = with_body(&config(Mode::Mta), T0, body, false);
    assert_eq!(outcome.text().matches("\r\n503 5.5.1").count(), 2);
    assert!(!outcome.has("rcpt <v@local.test>"));
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

/// The five lines that say it all: the text ends at the first CR LF . CR LF, the CR LF of DATA counted; a dot behind CR LF
/// is not content; a CR or LF that stands alone, or a NUL, is refused.
fn model(input: &[u8]) -> Option<(Vec<u8>, bool, usize)> {
    let framed = [b"\r\n", input].concat();
    let end = framed.windows(5).position(|octets| octets == b"\r\n.\r\n")?;
    let text = &framed[..end + 2];
    let kept = (2..text.len()).filter(|&at| !(text[at] == b'.' && text[at - 2..at] == *b"\r\n"));
    let raw = &text[2..];
    let bare = (0..raw.len()).any(|at| match raw[at] {
        b'\r' => raw.get(at + 1) != Some(&b'\n'),
        b'\n' => at == 0 || raw[at - 1] != b'\r',
        octet => octet == 0,
    });
    Some((kept.map(|at| text[at]).collect(), bare, end + 3))
}

#[test]
fn eod_18_every_short_text_against_the_model() {
    const ALPHABET: [u8; 5] = *b"\r\n.\0a";
    let config = config(Mode::Mta);
    let mut ended = 0;
    for length in 0..=7 {
        for number in 0..5_usize.pow(length) {
            let input: Vec<u8> = (0..length).map(|digit| ALPHABET[number / 5_usize.pow(digit) % 5]).collect();
            // In one piece, and octet by octet for every seventh.
            let pieces: Vec<&[u8]> = if number % 7 == 0 { input.chunks(1).collect() } else { vec![&input] };
            let pieces = std::iter::once(T0.as_bytes()).chain(pieces);
            let outcome = run(&mut server(&config), pieces, false, answer);
            let text = outcome.text();
            let behind = text.split("<CRLF>.<CRLF>\r\n").nth(1).unwrap();
            match model(&input) {
                None => assert_eq!(behind, "", "{input:?}"),
                Some((content, refused, _)) => {
                    ended += 1;
                    let bodies = outcome.bodies();
                    assert!(
                        bodies.starts_with(&content) && bodies.len() == content.len(),
                        "{input:?}: {bodies:?}"
                    );
                    assert_eq!(ends(&outcome), usize::from(!refused), "{input:?}");
                    assert!(behind.starts_with(if refused { "554 5.6.0" } else { "250 2.0.0" }), "{input:?}");
                }
            }
        }
    }
    assert_eq!(ended, 861, "texts that end");
}

#[test]
fn eight_bit_octets_that_were_not_declared() {
    let open = |parameter: &str| T0.replace("<a@c.test>", &format!("<a@c.test>{parameter}"));
    let refusing = config(Mode::Mta).with_eight_bit_content(EightBitContent::Refuse);
    for (parameter, refused) in [("", true), (" BODY=7BIT", true), (" BODY=8BITMIME", false)] {
        let outcome = with_body(&refusing, &open(parameter), "h\u{f6}\r\n.\r\n".as_bytes(), false);
        assert_eq!(aborted(&outcome, BodyAborted::EightBit), refused, "{parameter}");
        assert_eq!(outcome.text().contains("\r\n554 5.6.1"), refused, "{parameter}");
        let outcome = with_body(&config(Mode::Mta), &open(parameter), "h\u{f6}\r\n.\r\n".as_bytes(), false);
        assert_eq!(ends(&outcome), 1);
    }
    // What is there is told.
    for (body, high) in [("h\u{f6}\r\n.\r\n", true), ("ho\r\n.\r\n", false)] {
        let mut seen = None;
        let mut server = server(&config(Mode::Mta));
        run(&mut server, [T0.as_bytes(), body.as_bytes()], false, |server, event| {
            if let Event::BodyEnd(end) = &event {
                seen = Some(end.has_8bit());
            }
            answer(server, event)
        });
        assert_eq!(seen, Some(high));
    }
}

#[test]
fn rfc2033_lmtp_says_503_where_no_recipient_is() {
    let input = "LHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<no@a.test>\r\nDATA\r\n";
    let outcome = run(&mut server(&config(Mode::Lmtp)), [input.as_bytes()], false, answer);
    assert!(outcome.text().ends_with("\r\n503 5.5.1 No valid recipients\r\n"));
}

#[test]
fn a_message_that_is_refused_before_its_content_is_over() {
    let config = config(Mode::Mta);
    let outcome = run(
        &mut server(&config),
        [T0.as_bytes(), b"MAIL FROM:<b@c.test>\r\n"],
        false,
        |server: &mut Server, event| match event {
            Event::Data(data) => {
                data.reject(server, Rejection::no_storage()).unwrap();
                Note::event("refused")
            }
            event => answer(server, event),
        },
    );
    assert!(outcome.text().ends_with("452 4.3.1 Insufficient system storage\r\n250 2.1.0 OK\r\n"));
}

#[test]
fn cmd_20_the_declared_size_is_not_the_limit() {
    let start = T0.replace("<a@c.test>", "<a@c.test> SIZE=10");
    let body = format!("From \r\n{}\r\n.\r\n", "\r\n".repeat(600));
    let outcome = with_body(&config(Mode::Mta), &start, body.as_bytes(), false);
    assert!(aborted(&outcome, BodyAborted::TooBig));
    assert_eq!(outcome.bodies().len(), 1000);
    assert!(outcome.text().ends_with("552 5.3.4 Message size exceeds the fixed maximum\r\n"));
    // Less than the limit is taken, whatever was declared.
    let body = format!("{}\r\n.\r\n", "x".repeat(100));
    assert_eq!(ends(&with_body(&config(Mode::Mta), &start, body.as_bytes(), false)), 1);
}
