//! What the RFCs ask of a client, section by section. Each test carries the number and the section of its RFC; the
//! lists that name it are in `tests/requirements/` of the workspace.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use std::time::Duration;

use bytes::Bytes;
use posthaste_smtp::client::{
    AuthPrivacy, Client, Config, Event, Fate, Mode, Refusal, Report, Timer, TlsPolicy, Unsupported,
};
use posthaste_smtp::{
    BodyType, Envelope, ForwardPath, Keyword, Limits, Mailbox, ProtocolError, Recipient, ReversePath, Secret,
    Security, Step, Time,
};
use posthaste_testkit::{Note, Outcome, run};

fn config() -> Config {
    Config::new(Mode::Smtp, "c.test".parse().unwrap())
        .with_tls(TlsPolicy::Off)
        .with_auth_requires_tls(AuthPrivacy::NotRequired)
}

fn client() -> Client {
    Client::new(config(), Security::Plain, Time::ZERO)
}

fn envelope(recipients: &[&str]) -> Envelope {
    let recipients = recipients.iter().map(|path| path.parse::<Recipient>().unwrap());
    Envelope::new("<a@c.test>".parse().unwrap(), recipients)
}

fn one() -> Envelope {
    envelope(&["<u@x.test>"])
}

/// What an application with one short message does; reports go to `reports`.
fn answer(content: &'static [u8], reports: &mut Vec<Report>) -> impl FnMut(&mut Client, Event) -> Note {
    move |client, event| match event {
        Event::Body(mut writer) => {
            writer.write(client, Bytes::from_static(content)).unwrap();
            writer.finish(client).unwrap();
            Note::event("body")
        }
        Event::Sent(report) => {
            let note = Note::event(format!("sent {:?}", report.stage));
            reports.push(report);
            note
        }
        Event::Ready(_) => Note::event("ready"),
        event => Note::event(format!("{event:?}")),
    }
}

/// Plays `script` to a client: each piece when it needs input; the connection ends behind the last.
fn play(client: &mut Client, script: &[&str]) -> (Outcome, Vec<Report>) {
    let mut reports = Vec::new();
    let pieces = script.iter().map(|piece| piece.as_bytes());
    let outcome = run(client, pieces, true, answer(b"x\r\n", &mut reports));
    (outcome, reports)
}

const HELLO: [&str; 2] = ["220 mx.test\r\n", "250 mx.test\r\n"];
const GROUPS: [&str; 2] = ["220 mx.test\r\n", "250-mx.test\r\n250 PIPELINING\r\n"];

/// A client that has one message and says goodbye, after `hello` and then `rest`.
fn send(envelope: Envelope, hello: &[&str], rest: &[&str]) -> (Outcome, Vec<Report>) {
    let mut client = client();
    client.send(envelope).unwrap();
    client.quit();
    play(&mut client, &[hello, rest].concat())
}

fn output(client: &mut Client) -> String {
    let octets: Vec<u8> = std::iter::from_fn(|| client.poll_transmit()).flatten().collect();
    String::from_utf8(octets).unwrap()
}

#[test]
fn rfc5321_2_2_2_unknown_keywords_do_no_harm() {
    let hello = [
        "220 x\r\n",
        "250-mx.test\r\n250-XFROB a b=c\r\n250-\r\n250-!\r\n250-8BITMIME x\r\n250 PIPELINING\r\n",
    ];
    let (outcome, reports) = send(one(), &hello, &["250 a\r\n250 b\r\n354 c\r\n", "250 d\r\n", "221 e\r\n"]);
    assert!(outcome.closed && reports[0].recipients[0].is_ok());
}

#[test]
fn rfc5321_2_4_eight_bits_are_sent_only_where_they_are_offered() {
    let eight = one().with_body(BodyType::EightBitMime);
    let (outcome, reports) = send(eight.clone(), &HELLO, &["221 x\r\n"]);
    assert_eq!(outcome.text(), "EHLO c.test\r\nQUIT\r\n");
    assert!(matches!(reports[0].recipients[0], Err(Refusal::Unsupported(Unsupported::EightBitMime))));
    let hello = ["220 x\r\n", "250-x\r\n250-PIPELINING\r\n250 8bitmime\r\n"];
    let (outcome, _) = send(eight, &hello, &["250 a\r\n250 b\r\n354 c\r\n", "250 d\r\n", "221 e\r\n"]);
    assert!(outcome.text().contains("MAIL FROM:<a@c.test> BODY=8BITMIME\r\n"));
}

#[test]
fn rfc5321_3_1_nothing_is_said_before_the_greeting() {
    let mut client = client();
    client.send(one()).unwrap();
    client.quit();
    assert!(matches!(client.poll_event(), Ok(Step::NeedInput)));
    assert_eq!(output(&mut client), "");
    client.handle_input(Time::ZERO, b"220-mx.test\r\n220-long\r\n");
    assert!(matches!(client.poll_event(), Ok(Step::NeedInput)));
    assert_eq!(output(&mut client), "");
    client.handle_input(Time::ZERO, b"220 text\r\n");
    assert!(matches!(client.poll_event(), Ok(Step::NeedInput)));
    assert_eq!(output(&mut client), "EHLO c.test\r\n");
}

#[test]
fn rfc5321_3_3_content_is_sent_only_after_a_354() {
    for refusal in ["503 no\r\n", "554 no\r\n", "451 no\r\n", "599 no\r\n"] {
        let (outcome, reports) =
            send(one(), &HELLO, &["250 a\r\n", "250 b\r\n", refusal, "250 reset\r\n", "221 c\r\n"]);
        assert!(!outcome.has("body") && !outcome.text().contains("\r\n.\r\n"), "{refusal}");
        assert!(reports[0].recipients[0].is_err());
    }
    // A 2yz is no invitation.
    let (outcome, reports) = send(one(), &HELLO, &["250 a\r\n", "250 b\r\n", "250 c\r\n"]);
    assert!(!outcome.has("body") && outcome.error.is_some() && reports.is_empty());
}

#[test]
fn rfc5321_3_8_a_lost_connection_is_no_answer() {
    let (outcome, reports) = send(one(), &HELLO, &["250 a\r\n"]);
    assert_eq!(outcome.error, Some(ProtocolError::ConnectionLost.to_string()));
    assert!(reports.is_empty());
    let (outcome, reports) = send(one(), &HELLO, &["250 a\r\n", "250 b\r\n", "354 c\r\n"]);
    assert_eq!(outcome.error, Some(ProtocolError::OutcomeUnknown.to_string()));
    assert!(reports.is_empty());
}

#[test]
fn rfc5321_4_1_1_1_a_client_without_a_name_uses_a_literal() {
    for name in ["[192.0.2.1]", "[IPv6:2001:db8::1]"] {
        let mut client =
            Client::new(Config::new(Mode::Smtp, name.parse().unwrap()), Security::Tls, Time::ZERO);
        let (outcome, _) = play(&mut client, &["220 x\r\n"]);
        assert_eq!(outcome.text(), format!("EHLO {name}\r\n"));
    }
}

#[test]
fn rfc5321_4_1_1_1_keywords_in_any_case() {
    let mut client = client();
    let script =
        ["220 x\r\n", "250-x\r\n250-size 99\r\n250-pipeLining\r\n250-8BitMime\r\n250 auth plain\r\n"];
    play(&mut client, &script);
    let capabilities = client.capabilities();
    assert_eq!(capabilities.size(), Some(Some(99)));
    assert!(capabilities.has(Keyword::Pipelining) && capabilities.has(Keyword::EightBitMime));
    assert_eq!(capabilities.mechanisms()[0].as_str(), "PLAIN");
}

#[test]
fn rfc5321_4_1_1_3_parameters_only_where_they_are_offered() {
    let rest = ["250 a\r\n", "250 b\r\n", "354 c\r\n", "250 d\r\n", "221 e\r\n"];
    let (outcome, _) = send(one().with_size(3), &HELLO, &rest);
    assert!(outcome.text().contains("\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<u@x.test>\r\nDATA\r\n"));
    let (outcome, _) = send(one().with_size(3), &["220 x\r\n", "250-x\r\n250 SIZE\r\n"], &rest);
    assert!(outcome.text().contains("\r\nMAIL FROM:<a@c.test> SIZE=3\r\nRCPT TO:<u@x.test>\r\n"));
    // HELO offers nothing.
    let hello = ["220 x\r\n", "502 what\r\n", "250-x\r\n250-SIZE\r\n250 PIPELINING\r\n"];
    let (outcome, _) = send(one().with_size(3), &hello, &rest);
    assert!(outcome.text().contains("HELO c.test\r\nMAIL FROM:<a@c.test>\r\n"));
}

#[test]
fn rfc5321_4_1_1_4_the_end_of_the_content() {
    let cases: [(&'static [u8], &str); 5] = [
        (b"", ".\r\n"),
        (b"x\r\n", "x\r\n.\r\n"),
        (b"x", "x\r\n.\r\n"),
        (b"x\r\n\r\n", "x\r\n\r\n.\r\n"),
        (b"x\r\n.", "x\r\n..\r\n.\r\n"),
    ];
    for (content, wire) in cases {
        let mut client = client();
        client.send(one()).unwrap();
        let script = [HELLO[0], HELLO[1], "250 a\r\n", "250 b\r\n", "354 c\r\n", "250 d\r\n"];
        let mut reports = Vec::new();
        let pieces = script.iter().map(|piece| piece.as_bytes());
        let outcome = run(&mut client, pieces, false, answer(content, &mut reports));
        assert_eq!(outcome.text().split("DATA\r\n").nth(1).unwrap(), wire, "{content:?}");
        assert!(reports[0].recipients[0].is_ok());
    }
}

#[test]
fn rfc5321_4_1_1_10_quit_is_sent_and_waited_for() {
    for rest in [
        ["250 a\r\n", "250 b\r\n", "354 c\r\n", "250 d\r\n"],
        ["250 a\r\n", "250 b\r\n", "354 c\r\n", "554 d\r\n"],
    ] {
        let mut client = client();
        client.send(one()).unwrap();
        client.quit();
        let mut reports = Vec::new();
        let script = [&HELLO[..], &rest[..]].concat();
        let pieces = script.iter().map(|piece| piece.as_bytes());
        let outcome = run(&mut client, pieces, false, answer(b"x\r\n", &mut reports));
        assert!(outcome.text().ends_with(".\r\nQUIT\r\n") && !outcome.closed);
        assert_eq!(client.timer(), Some(Timer::Reply));
        client.handle_input(Time::ZERO, b"221 bye\r\n");
        assert!(matches!(client.poll_event(), Ok(Step::Closed)));
    }
}

#[test]
fn rfc5321_4_1_2_the_form_with_the_fewest_quotes_is_sent() {
    for (written, sent) in [
        ("\"abc\"@x.test", "<abc@x.test>"),
        ("\"a\\b\\c\"@x.test", "<abc@x.test>"),
        ("\"a b\"@x.test", "<\"a b\"@x.test>"),
        ("\"a\\\"b\"@x.test", "<\"a\\\"b\"@x.test>"),
        ("\"a..b\"@x.test", "<\"a..b\"@x.test>"),
        ("\"a.b\"@x.test", "<a.b@x.test>"),
    ] {
        let envelope = envelope(&[&format!("<{written}>")]);
        let (outcome, _) = send(envelope, &HELLO, &["250 a\r\n"]);
        assert!(outcome.text().ends_with(&format!("RCPT TO:{sent}\r\n")), "{written}: {}", outcome.text());
    }
}

#[test]
fn rfc5321_4_1_2_no_other_character_enters_a_path() {
    let bad = ["\r", "\n", "\0", "\u{7f}", "\t", "\u{80}", " ", ">", "<"];
    for bad in bad {
        for text in [format!("<a{bad}b@x.test>"), format!("<a@x{bad}y.test>"), format!("<a@x.test>{bad}")] {
            assert!(text.parse::<ForwardPath>().is_err(), "{text:?}");
            assert!(text.parse::<ReversePath>().is_err(), "{text:?}");
        }
        let quoted = format!("\"a{bad}b\"@x.test").parse::<Mailbox>();
        assert_eq!(quoted.is_ok(), [" ", "<", ">"].contains(&bad), "{bad:?}");
    }
}

#[test]
fn rfc5321_4_1_4_one_transaction_after_the_other() {
    let mut client = client();
    client.send(one()).unwrap();
    client.send(one()).unwrap();
    client.send(one()).unwrap();
    // The first is refused at DATA, the second at its recipient.
    let script = [
        "250 a\r\n250 b\r\n554 c\r\n",
        "250 reset\r\n",
        "250 a\r\n550 b\r\n554 c\r\n",
        "250 reset\r\n",
        "250 a\r\n250 b\r\n354 c\r\n",
        "250 d\r\n",
    ];
    let (outcome, reports) = play(&mut client, &[&GROUPS[..], &script[..]].concat());
    let group = "MAIL FROM:<a@c.test>\r\nRCPT TO:<u@x.test>\r\nDATA\r\n";
    assert_eq!(outcome.text(), format!("EHLO c.test\r\n{group}RSET\r\n{group}RSET\r\n{group}x\r\n.\r\n"));
    assert_eq!(reports.len(), 3);
}

#[test]
fn rfc5321_4_1_4_quit_where_the_session_was_refused() {
    for script in
        [&["554 no\r\n"][..], &["220 x\r\n", "550 no\r\n", "550 no\r\n"], &["220 x\r\n", "451 no\r\n"]]
    {
        let mut client = client();
        client.send(one()).unwrap();
        let (outcome, _) = play(&mut client, script);
        assert!(outcome.text().ends_with("QUIT\r\n") && outcome.error.is_some(), "{script:?}");
    }
}

#[test]
fn rfc5321_4_2_only_the_code_counts() {
    // Codes nobody has heard of, texts that say the opposite, and none at all.
    let scripts = [
        ["259 no such user\r\n", "250\r\n", "354\r\n", "299 failed\r\n"],
        ["250 \r\n", "250-550 no\r\n250 554\r\n", "399 stop\r\n", "250 421 closing\r\n"],
        ["250-\r\n250-\r\n250 \r\n", "251 will forward\r\n", "350 x\r\n", "250\r\n"],
    ];
    for script in scripts {
        let (outcome, reports) = send(one(), &["220\r\n", "250\r\n"], &[&script[..], &["221\r\n"]].concat());
        assert!(outcome.closed && reports[0].recipients[0].is_ok(), "{script:?}");
    }
    for (refusal, transient) in
        [("599 ok\r\n", false), ("499 ok\r\n", true), ("450\r\n", true), ("550\r\n", false)]
    {
        let (_, reports) = send(one(), &HELLO, &["250 a\r\n", refusal, "250 reset\r\n", "221 c\r\n"]);
        assert_eq!(reports[0].recipients[0].as_ref().unwrap_err().is_transient(), transient, "{refusal}");
    }
}

#[test]
fn rfc5321_4_5_3_1_a_refusal_of_size_is_an_answer() {
    for refusal in ["452 room\r\n", "552 big\r\n"] {
        let refused = [
            [refusal, "221 x\r\n", "", "", ""],
            ["250 a\r\n", refusal, "250 reset\r\n", "221 x\r\n", ""],
            ["250 a\r\n", "250 b\r\n", refusal, "250 reset\r\n", "221 x\r\n"],
            ["250 a\r\n", "250 b\r\n", "354 c\r\n", refusal, "221 x\r\n"],
        ];
        for script in refused {
            let script: Vec<&str> = script.into_iter().filter(|piece| !piece.is_empty()).collect();
            let (outcome, reports) = send(one(), &HELLO, &script);
            let code = reports[0].recipients[0].as_ref().unwrap_err().clone().into_rejection().reply().code();
            assert!(outcome.closed && refusal.starts_with(&code.to_string()), "{script:?}");
        }
    }
}

#[test]
fn rfc5321_4_5_3_1_5_a_reply_line_of_512_octets() {
    let line = format!("250 {}\r\n", "t".repeat(512 - 6));
    let (outcome, reports) = send(one(), &HELLO, &[&line, &line, "354 c\r\n", &line, "221 x\r\n"]);
    assert!(outcome.closed && reports[0].recipients[0].is_ok());
}

#[test]
fn rfc5321_4_5_3_2_a_time_for_each_command() {
    let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
    let steps = [
        ("", Timer::Greeting, 5),
        ("220 x\r\n", Timer::Reply, 5),
        ("250 x\r\n", Timer::Reply, 5), // MAIL
        ("250 x\r\n", Timer::Reply, 5), // RCPT
        ("250 x\r\n", Timer::DataStart, 2),
        ("354 x\r\n", Timer::DataEnd, 10),
        ("250 x\r\n", Timer::Reply, 5), // QUIT
    ];
    for last in 0..steps.len() {
        let mut client = client();
        client.send(one()).unwrap();
        client.quit();
        let mut now = Time::ZERO;
        let mut reports = Vec::new();
        for (reply, timer, least) in &steps[..=last] {
            now = now.after(minutes(1));
            client.handle_timeout(now);
            client.handle_input(now, reply.as_bytes());
            run(&mut client, [], false, answer(b"x\r\n", &mut reports));
            assert_eq!(client.timer(), Some(*timer), "{reply}");
            // Each wait starts anew; one that began at an answer of the application, at the next call with a time.
            assert!(client.poll_timeout().unwrap() >= Time::ZERO.after(minutes(*least)));
        }
        let deadline = client.poll_timeout().unwrap();
        client.handle_timeout(deadline);
        // A deadline reckoned from an old time is mended once.
        if client.poll_event().is_ok() {
            client.handle_timeout(client.poll_timeout().unwrap());
        }
        assert!(client.poll_event().is_err(), "at step {last}");
    }
    let mut limits = Limits::default();
    limits.greeting_timeout = minutes(9);
    let client = Client::new(config().with_limits(limits), Security::Plain, Time::ZERO);
    assert_eq!(client.poll_timeout(), Some(Time::ZERO.after(minutes(9))));
}

#[test]
fn rfc5321_4_5_4_1_one_copy_for_many_recipients() {
    let envelope = envelope(&["<u@x.test>", "<v@x.test>", "<w@x.test>"]);
    let replies = ["250 a\r\n250 b\r\n250 c\r\n250 d\r\n354 e\r\n", "250 f\r\n", "221 g\r\n"];
    let (outcome, reports) = send(envelope, &GROUPS, &replies);
    let commands =
        "MAIL FROM:<a@c.test>\r\nRCPT TO:<u@x.test>\r\nRCPT TO:<v@x.test>\r\nRCPT TO:<w@x.test>\r\nDATA\r\n";
    assert_eq!(outcome.text(), format!("EHLO c.test\r\n{commands}x\r\n.\r\nQUIT\r\n"));
    assert_eq!(reports[0].recipients.len(), 3);
}

#[test]
fn rfc5321_4_5_5_the_null_reverse_path() {
    let envelope = Envelope::new(ReversePath::Null, ["<u@x.test>".parse::<Recipient>().unwrap()]);
    let (outcome, _) = send(envelope, &HELLO, &["250 a\r\n"]);
    assert!(outcome.text().contains("\r\nMAIL FROM:<>\r\n"));
}

#[test]
fn rfc1870_4_offers_as_they_are_understood() {
    for (line, offer) in [
        ("SIZE", Some(None)),
        ("SIZE 0", Some(None)),
        ("SIZE 1000", Some(Some(1000))),
        ("SIZE 18446744073709551615", Some(Some(u64::MAX))),
        ("SIZE x", None),
        ("SIZE -1", None),
        ("XSIZE 5", None),
    ] {
        let mut client = client();
        play(&mut client, &["220 x\r\n", &format!("250-x\r\n250 {line}\r\n")]);
        assert_eq!(client.capabilities().size(), offer, "{line}");
    }
}

#[test]
fn rfc1870_6_the_size_is_that_of_the_content() {
    // What is declared is what the caller says: neither the stuffed dot nor the end is in it.
    let content: &'static [u8] = b".dot\r\n";
    let mut client = client();
    client.send(one().with_size(content.len() as u64)).unwrap();
    let script = ["220 x\r\n", "250-x\r\n250 SIZE\r\n", "250 a\r\n", "250 b\r\n", "354 c\r\n", "250 d\r\n"];
    let mut reports = Vec::new();
    let pieces = script.iter().map(|piece| piece.as_bytes());
    let outcome = run(&mut client, pieces, false, answer(content, &mut reports));
    assert!(outcome.text().contains(" SIZE=6\r\n") && outcome.text().ends_with("DATA\r\n..dot\r\n.\r\n"));
}

#[test]
fn rfc1870_6_2_after_a_refusal_the_session_goes_on() {
    for refusal in ["452 room\r\n", "552 big\r\n"] {
        let mut client = client();
        client.send(one().with_size(9)).unwrap();
        client.send(one()).unwrap();
        client.quit();
        let hello = ["220 x\r\n", "250-x\r\n250 SIZE\r\n"];
        let rest = [refusal, "250 a\r\n", "250 b\r\n", "354 c\r\n", "250 d\r\n", "221 e\r\n"];
        let (outcome, reports) = play(&mut client, &[&hello[..], &rest[..]].concat());
        assert!(outcome.closed);
        assert_eq!(reports[0].recipients[0].as_ref().unwrap_err().is_transient(), refusal.starts_with('4'));
        assert!(reports[1].recipients[0].is_ok());
    }
}

#[test]
fn rfc2920_3_1_groups_end_where_they_have_to() {
    let mut client = client();
    client.send(one()).unwrap();
    client.send(one()).unwrap();
    client.quit();
    let hello = ["220 x\r\n", "250-x\r\n250-AUTH PLAIN\r\n250 PIPELINING\r\n"];
    let rest = [
        "235 in\r\n",
        "250 a\r\n250 b\r\n354 c\r\n",
        "250 d\r\n",
        "250 a\r\n250 b\r\n354 c\r\n",
        "250 d\r\n",
    ];
    // What is written between two flights of the server is one group.
    let mut groups = Vec::new();
    let mut reports = Vec::new();
    for piece in [&hello[..], &rest[..], &["221 e\r\n"]].concat() {
        client.handle_input(Time::ZERO, piece.as_bytes());
        let mut answer = answer(b"x\r\n", &mut reports);
        let outcome = run(&mut client, [], false, |client, event| match event {
            Event::Ready(_) => {
                client.authenticate("PLAIN".parse().unwrap(), Some(Secret::from("x"))).unwrap();
                Note::event("ready")
            }
            event => answer(client, event),
        });
        groups.push(outcome.text());
    }
    let group = "MAIL FROM:<a@c.test>\r\nRCPT TO:<u@x.test>\r\nDATA\r\n";
    let end = "x\r\n.\r\n";
    assert_eq!(groups, ["EHLO c.test\r\n", "AUTH PLAIN eA==\r\n", group, end, group, end, "QUIT\r\n", ""]);
}

#[test]
fn rfc2920_3_1_replies_are_counted() {
    let replies =
        "250-a\r\n250-550 x\r\n250 b\r\n550-c\r\n550 d\r\n250 e\r\n250-f\r\n250 g\r\n354-h\r\n354 i\r\n";
    for pieces in [vec![replies], replies.split_inclusive('\n').collect()] {
        let envelope = envelope(&["<no@x.test>", "<u@x.test>", "<v@x.test>"]);
        let (outcome, reports) =
            send(envelope, &GROUPS, &[&pieces[..], &["250 j\r\n", "221 k\r\n"]].concat());
        let taken: Vec<bool> = reports[0].recipients.iter().map(Result::is_ok).collect();
        assert_eq!(taken, [false, true, true]);
        assert!(outcome.closed);
    }
}

#[test]
fn rfc2920_3_1_groups_are_bounded() {
    let names: Vec<String> = (0..1000).map(|number| format!("<u{number}@x.test>")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut client = client();
    client.send(envelope(&names)).unwrap();
    let mut reports = Vec::new();
    let pieces = GROUPS.iter().map(|piece| piece.as_bytes());
    let outcome = run(&mut client, pieces, false, answer(b"x\r\n", &mut reports));
    // Well below the smallest window in use; the replies to it fit one, too.
    let group = outcome.text().len() - "EHLO c.test\r\n".len();
    assert!(group < 8 * 1024 && outcome.text().lines().count() < 100, "{group}");
}

#[test]
fn rfc3207_4_a_handshake_that_fails_is_the_end() {
    for tls in [TlsPolicy::Required, TlsPolicy::Opportunistic] {
        let mut client = Client::new(config().with_tls(tls), Security::Plain, Time::ZERO);
        client.send(one()).unwrap();
        for piece in [&b"220 x\r\n"[..], b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n"] {
            assert!(matches!(client.poll_event(), Ok(Step::NeedInput)));
            client.handle_input(Time::ZERO, piece);
        }
        assert!(matches!(client.poll_event(), Ok(Step::Upgrade(_))));
        assert_eq!(output(&mut client), "EHLO c.test\r\nSTARTTLS\r\n");
        client.handle_eof(Time::ZERO);
        assert_eq!(client.poll_event().unwrap_err(), ProtocolError::ConnectionLost);
        assert_eq!(output(&mut client), "");
    }
}

#[test]
fn rfc3207_4_2_what_was_offered_before_tls_is_forgotten() {
    let mut client = Client::new(config().with_tls(TlsPolicy::Required), Security::Plain, Time::ZERO);
    client.send(one().with_size(3)).unwrap();
    let before = "250-x\r\n250-SIZE 9\r\n250-PIPELINING\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n";
    let script = ["220 x\r\n", before, "220 go\r\n", "250-x\r\n250 AUTH LOGIN\r\n"];
    let (outcome, _) = play(&mut client, &script);
    assert_eq!(outcome.text(), "EHLO c.test\r\nSTARTTLS\r\nEHLO c.test\r\nMAIL FROM:<a@c.test>\r\n");
    assert_eq!(client.capabilities().size(), None);
    assert_eq!(client.capabilities().mechanisms().len(), 1);
    assert_eq!(client.capabilities().mechanisms()[0].as_str(), "LOGIN");
}

#[test]
fn rfc3207_4_2_starttls_is_not_sent_inside_tls() {
    for tls in [TlsPolicy::Required, TlsPolicy::Opportunistic] {
        let mut client = Client::new(config().with_tls(tls), Security::Tls, Time::ZERO);
        let (outcome, _) = play(&mut client, &["220 x\r\n", "250-x\r\n250 STARTTLS\r\n"]);
        assert_eq!(outcome.text(), "EHLO c.test\r\n");
        assert!(outcome.has("ready"));
        let mut client = Client::new(config().with_tls(tls), Security::Plain, Time::ZERO);
        let offer = "250-x\r\n250 STARTTLS\r\n";
        let (outcome, _) = play(&mut client, &["220 x\r\n", offer, "220 go\r\n", offer]);
        assert_eq!(outcome.text(), "EHLO c.test\r\nSTARTTLS\r\nEHLO c.test\r\n");
    }
}

#[test]
fn rfc3207_6_required_and_opportunistic() {
    let scripts: [&[&str]; 3] = [
        &["220 x\r\n", "250 x\r\n"],
        &["220 x\r\n", "250-x\r\n250 STARTTLS\r\n", "454 no\r\n"],
        &["220 x\r\n", "500 x\r\n", "250 x\r\n"],
    ];
    for script in scripts {
        for (tls, goes_on) in [(TlsPolicy::Required, false), (TlsPolicy::Opportunistic, true)] {
            let mut client = Client::new(config().with_tls(tls), Security::Plain, Time::ZERO);
            client.send(one()).unwrap();
            let (outcome, _) = play(&mut client, script);
            assert_eq!(outcome.text().contains("MAIL FROM"), goes_on, "{script:?}");
            assert_eq!(outcome.error == Some(ProtocolError::TlsUnavailable.to_string()), !goes_on);
        }
    }
}

/// A client that authenticates with `initial` when it is ready and answers challenges with `response`.
fn authenticate(initial: Option<Secret>, response: &'static str, script: &[&str]) -> Outcome {
    let mut client = client();
    let hello = ["220 x\r\n", "250-x\r\n250 AUTH PLAIN\r\n"];
    let script = [&hello[..], script].concat();
    let mut initial = Some(initial);
    run(&mut client, script.iter().map(|piece| piece.as_bytes()), false, |client, event| match event {
        Event::Ready(_) => {
            client.authenticate("PLAIN".parse().unwrap(), initial.take().unwrap()).unwrap();
            Note::event("ready")
        }
        Event::Challenge(challenge) => {
            let note = Note::event(format!("challenge of {}", challenge.challenge().expose().len()));
            challenge.respond(client, Secret::from(response)).unwrap();
            note
        }
        event => Note::event(format!("{event:?}")),
    })
}

#[test]
fn rfc4954_4_an_empty_initial_response_is_an_equals_sign() {
    let text = |initial: Option<Secret>| authenticate(initial, "", &[]).text();
    assert_eq!(text(Some(Secret::default())), "EHLO c.test\r\nAUTH PLAIN =\r\n");
    assert_eq!(text(None), "EHLO c.test\r\nAUTH PLAIN\r\n");
    assert_eq!(text(Some(Secret::from("a"))), "EHLO c.test\r\nAUTH PLAIN YQ==\r\n");
    // A response to a challenge may be empty, too; there it is an empty line.
    assert!(authenticate(None, "", &["334 \r\n"]).text().ends_with("AUTH PLAIN\r\n\r\n"));
}

#[test]
fn rfc4954_4_a_challenge_that_is_not_base64_is_cancelled() {
    for bad in ["=AAA", "AAA=BBB=", "Z29v!A==", "Z29vZA=", "Z29vZA", "-_8=", "Z2 9v"] {
        let outcome = authenticate(None, "x", &[&format!("334 {bad}\r\n"), "501 cancelled\r\n"]);
        assert!(outcome.text().ends_with("AUTH PLAIN\r\n*\r\n"), "{bad}");
        assert!(format!("{:?}", outcome.notes).contains("AuthRefused"));
    }
}

#[test]
fn rfc4954_4_lines_of_an_exchange_may_be_long() {
    let challenge = format!("334 {}\r\n", "QUFB".repeat((12_288 - 6) / 4));
    let outcome = authenticate(None, "x", &[&challenge, "235 in\r\n"]);
    assert!(outcome.has(&format!("challenge of {}", (12_288 - 6) / 4 * 3)) && outcome.has("Authenticated"));
}

#[test]
fn rfc4954_9_no_credentials_in_the_clear() {
    let config = Config::new(Mode::Smtp, "c.test".parse().unwrap()).with_tls(TlsPolicy::Opportunistic);
    let mut client = Client::new(config, Security::Plain, Time::ZERO);
    let script = ["220 x\r\n", "250-x\r\n250 AUTH PLAIN\r\n"];
    let outcome = run(&mut client, script.map(str::as_bytes), false, |client, event| match event {
        Event::Ready(_) => {
            assert!(client.authenticate("PLAIN".parse().unwrap(), Some(Secret::from("x"))).is_err());
            Note::event("ready")
        }
        event => Note::event(format!("{event:?}")),
    });
    assert!(outcome.has("ready"));
    assert_eq!(outcome.text(), "EHLO c.test\r\n");
}

#[test]
fn rfc2033_5_replies_that_came_before_a_cut_count() {
    let config = Config::new(Mode::Lmtp, "c.test".parse().unwrap()).with_tls(TlsPolicy::Off);
    let mut client = Client::new(config, Security::Plain, Time::ZERO);
    client.send(envelope(&["<u@x.test>", "<v@x.test>", "<w@x.test>"])).unwrap();
    let replies = "250 a\r\n250 b\r\n250 c\r\n250 d\r\n354 e\r\n";
    let (_, reports) = play(&mut client, &[GROUPS[0], GROUPS[1], replies, "250 f\r\n550 g\r\n"]);
    assert!(reports.is_empty());
    let unfinished = client.take_unfinished();
    assert!(matches!(unfinished[0].recipients[0], Fate::Answered(Ok(_))));
    assert!(matches!(&unfinished[0].recipients[1], Fate::Answered(Err(refusal)) if !refusal.is_transient()));
    assert_eq!(unfinished[0].recipients[2], Fate::Unknown, "to be tried again, as with a temporary failure");
}

#[test]
fn rfc4954_4_a_long_initial_response_waits_for_the_challenge() {
    let long: &'static str = "abc".repeat(400).leak();
    let outcome = authenticate(Some(Secret::from(long)), long, &["334 \r\n", "235 in\r\n"]);
    let text = outcome.text();
    let line = text.lines().find(|line| line.starts_with("AUTH")).unwrap();
    assert!(line.len() + 2 <= 512, "a command line of {} octets", line.len() + 2);
    assert!(outcome.has("Authenticated"));
}

/// A client with one message, whose content is written in `pieces`, against a server that offers `offer`.
fn send_in_pieces(
    envelope: Envelope,
    offer: &str,
    pieces: &[&'static [u8]],
    replies: &[&str],
) -> (Outcome, Vec<Report>) {
    let mut client = client();
    client.send(envelope).unwrap();
    client.quit();
    let hello = format!("250-x\r\n{offer}250 HELP\r\n");
    let script = [&["220 x\r\n", &hello][..], replies].concat();
    let mut reports = Vec::new();
    let outcome =
        run(&mut client, script.iter().map(|piece| piece.as_bytes()), true, |client, event| match event {
            Event::Body(mut writer) => {
                for piece in pieces {
                    writer.write(client, Bytes::from_static(piece)).unwrap();
                }
                writer.finish(client).unwrap();
                Note::event("body")
            }
            Event::Sent(report) => {
                reports.push(report);
                Note::event("sent")
            }
            event => Note::event(format!("{event:?}")),
        });
    (outcome, reports)
}

const CHUNKING: &str = "250-CHUNKING\r\n";

#[test]
fn rfc3030_2_content_of_a_chunk_is_not_stuffed() {
    let replies = ["250 a\r\n", "250 b\r\n", "250 c\r\n", "221 d\r\n"];
    let (outcome, reports) = send_in_pieces(one(), CHUNKING, &[b".\r\n", b"..\r\nx"], &replies);
    // Text ends with a line end, here too.
    assert!(
        outcome.text().ends_with("RCPT TO:<u@x.test>\r\nBDAT 10 LAST\r\n.\r\n..\r\nx\r\nQUIT\r\n"),
        "{}",
        outcome.text()
    );
    assert!(reports[0].recipients[0].is_ok() && !outcome.text().contains("DATA"));
    let (outcome, _) = send_in_pieces(one(), "", &[b".\r\n"], &["250 a\r\n", "250 b\r\n", "354 c\r\n"]);
    assert!(outcome.text().ends_with("DATA\r\n..\r\n.\r\n"), "nor is BDAT used where it is not offered");
}

#[test]
fn rfc3030_2_text_has_crlf_line_ends() {
    let mut client = client();
    client.send(one()).unwrap();
    let script = ["220 x\r\n", "250-x\r\n250 CHUNKING\r\n", "250 a\r\n", "250 b\r\n"];
    let mut refused = 0;
    run(&mut client, script.map(str::as_bytes), false, |client, event| {
        if let Event::Body(mut writer) = event {
            for chunk in [&b"a\nb"[..], b"a\rb", b"a\0"] {
                refused += usize::from(writer.write(client, Bytes::copy_from_slice(chunk)).is_err());
            }
            writer.abort(client).unwrap();
        }
        Note::event("")
    });
    assert_eq!(refused, 3);
}

#[test]
fn rfc3030_2_nothing_follows_a_chunk_that_failed() {
    let chunk: &'static [u8] = b"0123456789abcd\r\n".repeat(4096).leak();
    let pieces = [chunk, chunk, chunk, chunk];
    for refusal in ["452 room\r\n", "552 big\r\n"] {
        let mut limits = Limits::default();
        limits.chunk_max = 1000;
        let mut client = Client::new(config().with_limits(limits), Security::Plain, Time::ZERO);
        client.send(one()).unwrap();
        client.quit();
        let script = [
            "220 x\r\n",
            "250-x\r\n250 CHUNKING\r\n",
            "250 a\r\n",
            "250 b\r\n",
            refusal,
            "250 reset\r\n",
            "221 bye\r\n",
        ];
        let mut reports = Vec::new();
        let outcome = run(&mut client, script.map(str::as_bytes), false, |client, event| match event {
            Event::Body(mut writer) => {
                for piece in pieces {
                    if writer.write(client, Bytes::from_static(piece)).is_err() {
                        break;
                    }
                }
                writer.finish(client).unwrap();
                Note::event("body")
            }
            Event::Sent(report) => {
                reports.push(report);
                Note::event("sent")
            }
            event => Note::event(format!("{event:?}")),
        });
        // One chunk at a time without PIPELINING; behind the refusal RSET, and no other chunk.
        assert_eq!(outcome.text().matches("BDAT ").count(), 1, "{refusal}");
        assert!(outcome.text().ends_with("RSET\r\nQUIT\r\n") && outcome.closed);
        assert!(reports[0].recipients[0].is_err());
    }
}

#[test]
fn rfc3030_3_binary_content_goes_only_where_it_is_offered() {
    let binary = one().with_body(BodyType::BinaryMime);
    for offer in ["", CHUNKING, "250-BINARYMIME\r\n", "250-8BITMIME\r\n"] {
        let (outcome, reports) = send_in_pieces(binary.clone(), offer, &[b"\0\n\r"], &["221 x\r\n"]);
        assert_eq!(outcome.text(), "EHLO c.test\r\nQUIT\r\n", "{offer}");
        assert!(matches!(reports[0].recipients[0], Err(Refusal::Unsupported(Unsupported::BinaryMime))));
    }
    let replies = ["250 a\r\n", "250 b\r\n", "250 c\r\n", "221 d\r\n"];
    let (outcome, reports) =
        send_in_pieces(binary, "250-CHUNKING\r\n250-BINARYMIME\r\n", &[b"\0\n.\n", b"\r"], &replies);
    assert!(outcome.text().contains("MAIL FROM:<a@c.test> BODY=BINARYMIME\r\n"));
    assert!(
        outcome.text().ends_with("BDAT 5 LAST\r\n\0\n.\n\rQUIT\r\n"),
        "octet for octet: {:?}",
        outcome.text()
    );
    assert!(reports[0].recipients[0].is_ok());
}

/// A message with an address in UTF-8.
fn international() -> Envelope {
    let mut envelope = envelope(&["<j\u{f6}rg@x.test>"]);
    envelope.smtp_utf8 = true;
    envelope
}

#[test]
fn rfc6531_3_1_parameters_of_the_keyword_are_ignored() {
    for offer in ["250-SMTPUTF8\r\n250-8BITMIME\r\n", "250-smtputf8 a b\r\n250-8BITMIME\r\n"] {
        let (outcome, _) = send_in_pieces(international(), offer, &[b"x\r\n"], &["250 a\r\n"]);
        let text = outcome.text();
        assert!(text.contains("MAIL FROM:<a@c.test>") && text.contains(" SMTPUTF8"), "{offer}: {text}");
        assert!(text.ends_with("RCPT TO:<j\u{f6}rg@x.test>\r\n"));
    }
}

#[test]
fn rfc6531_3_2_nothing_international_goes_where_it_is_not_offered() {
    for offer in ["", "250-8BITMIME\r\n", "250-UTF8SMTP\r\n"] {
        let (outcome, reports) = send_in_pieces(international(), offer, &[b"x\r\n"], &["221 x\r\n"]);
        assert_eq!(outcome.text(), "EHLO c.test\r\nQUIT\r\n", "{offer}");
        assert!(matches!(reports[0].recipients[0], Err(Refusal::Unsupported(Unsupported::SmtpUtf8))));
    }
    // A header in UTF-8 is as much a reason as an address.
    let mut header = one();
    header.smtp_utf8 = true;
    let (outcome, _) = send_in_pieces(header, "250-8BITMIME\r\n", &[b"x\r\n"], &["221 x\r\n"]);
    assert_eq!(outcome.text(), "EHLO c.test\r\nQUIT\r\n");
}

#[test]
fn rfc6531_3_4_the_parameter_is_sent_where_it_is_needed() {
    let offer = "250-SMTPUTF8\r\n250-8BITMIME\r\n";
    let (outcome, _) = send_in_pieces(one(), offer, &[b"x\r\n"], &["250 a\r\n"]);
    assert!(outcome.text().contains("MAIL FROM:<a@c.test>\r\n"));
    // An address that needs it is reason enough, whatever the envelope says.
    let (outcome, _) = send_in_pieces(envelope(&["<j\u{f6}rg@x.test>"]), offer, &[b"x\r\n"], &["250 a\r\n"]);
    assert!(outcome.text().contains(" SMTPUTF8"), "{}", outcome.text());
}

#[test]
fn rfc6531_3_7_4_replies_in_utf_8_are_understood() {
    let reply = "551 try <j\u{f6}rg@x.test>\r\n";
    let (_, reports) = send_in_pieces(
        international(),
        "250-SMTPUTF8\r\n250-8BITMIME\r\n",
        &[b"x\r\n"],
        &["250 a\r\n", reply, "250 reset\r\n", "221 x\r\n"],
    );
    let rejection = reports[0].recipients[0].as_ref().unwrap_err().clone().into_rejection();
    assert_eq!(rejection.reply().lines().collect::<Vec<_>>(), ["try <j\u{f6}rg@x.test>"]);
}
