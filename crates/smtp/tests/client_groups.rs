//! Groups of commands (RFC 2920) and answers that belong to them, with DATA; LMTP (RFC 2033).
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

use posthaste_smtp::client::{Mode, TlsPolicy};
use support::{DATA, GREETING, client, config, envelope, play, queued};

#[test]
fn one_group_where_pipelining_is_offered() {
    let script = [
        GREETING,
        "250-x\r\n250-SIZE\r\n250 PIPELINING\r\n",
        "250 ok\r\n250 ok\r\n550 5.1.1 no\r\n354 go\r\n",
        "250 2.0.0 queued\r\n",
        "221 bye\r\n",
    ];
    let outcome = play(|| queued(TlsPolicy::Off), &script);
    let expected = "EHLO c.test\r\nMAIL FROM:<a@c.test> SIZE=3\r\nRCPT TO:<u@x.test>\r\nRCPT TO:<no@x.test>\r\n\
                    DATA\r\n..x\r\n.\r\nQUIT\r\n";
    assert_eq!(outcome.text(), expected);
    assert!(outcome.has("sent End [true, false]") && outcome.closed);
}

#[test]
fn hst_07_a_354_for_nobody_is_answered_with_a_lone_dot() {
    let replies = "250 a\r\n550 b\r\n550 c\r\n354 d\r\n";
    let script = [GREETING, DATA, replies, "554 e\r\n", "250 f\r\n", "221 g\r\n"];
    let outcome = play(|| queued(TlsPolicy::Off), &script);
    assert!(outcome.text().ends_with("DATA\r\n.\r\nRSET\r\nQUIT\r\n"));
    assert!(outcome.has("sent Recipients [false, false]") && !outcome.has("body"));
}

#[test]
fn a_354_for_nobody_ends_a_session_of_lmtp_as_no_answer_to_a_dot_is_to_be_had() {
    let make = || {
        let mut client = client(config(Mode::Lmtp));
        client.send(envelope(&["<a@x.test>"])).unwrap();
        client
    };
    let outcome = play(make, &[GREETING, DATA, "250 a\r\n550 b\r\n354 c\r\n"]);
    assert!(outcome.text().ends_with("DATA\r\n"));
    assert!(outcome.has("sent Recipients [false]") && outcome.error.is_some());
}

#[test]
fn hst_07_replies_of_a_group_are_matched_in_order() {
    let recipients = ["<a@x.test>", "<b@x.test>", "<c@x.test>", "<d@x.test>", "<e@x.test>"];
    let make = || {
        let mut client = client(config(Mode::Smtp));
        client.send(envelope(&recipients)).unwrap();
        client
    };
    let replies = "250 m\r\n250 a\r\n550 b\r\n452 c\r\n250 d\r\n554-e\r\n554-e\r\n554 e\r\n354 go\r\n";
    let outcome = play(make, &[GREETING, DATA, replies, "250 ok\r\n"]);
    assert!(outcome.has("sent End [true, false, false, true, false]"));
}

#[test]
fn a_refused_sender_is_refused_for_all() {
    let replies = "550 a\r\n503 b\r\n503 c\r\n503 d\r\n";
    let outcome = play(|| queued(TlsPolicy::Off), &[GREETING, DATA, replies, "221 g\r\n"]);
    assert!(outcome.has("sent Mail [false, false]"));
    assert!(outcome.text().ends_with("DATA\r\nQUIT\r\n"));
}

#[test]
fn a_refused_data_is_refused_for_those_who_were_accepted() {
    let replies = "250 a\r\n250 b\r\n550 c\r\n451 d\r\n";
    let outcome = play(|| queued(TlsPolicy::Off), &[GREETING, DATA, replies, "250 r\r\n", "221 g\r\n"]);
    assert!(outcome.has("sent Data [false, false]"));
    assert!(outcome.text().ends_with("DATA\r\nRSET\r\nQUIT\r\n"));
}

#[test]
fn lmtp_has_an_answer_for_each_recipient() {
    let make = || {
        let mut client = client(config(Mode::Lmtp));
        client.send(envelope(&["<a@x.test>", "<b@x.test>", "<c@x.test>"])).unwrap();
        client
    };
    let replies = "250 a\r\n250 b\r\n550 c\r\n250 d\r\n354 e\r\n";
    let outcome = play(make, &[GREETING, DATA, replies, "452 full\r\n250 ok\r\n"]);
    assert!(outcome.text().starts_with("LHLO c.test\r\n"));
    assert!(outcome.has("sent End [false, false, true]"));
}

#[test]
fn a_long_list_of_recipients_goes_in_groups_that_no_window_is_too_small_for() {
    let recipients: Vec<String> = (0..120).map(|number| format!("<u{number}@x.test>")).collect();
    let recipients: Vec<&str> = recipients.iter().map(String::as_str).collect();
    let make = || {
        let mut client = client(config(Mode::Smtp));
        client.send(envelope(&recipients)).unwrap();
        client
    };
    let first = "250 ok\r\n".repeat(50);
    let outcome = play(make, &[GREETING, DATA, &first]);
    assert_eq!(outcome.text().matches("RCPT").count(), 99);
    let last = format!("{}354 go\r\n", "250 ok\r\n".repeat(21));
    let outcome = play(make, &[GREETING, DATA, &first, &first, &last, "250 ok\r\n"]);
    assert!(outcome.has(&format!("sent End [{}]", ["true"; 120].join(", "))));
}
