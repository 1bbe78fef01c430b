//! What a message is said to have become when a session ends too soon: cut, told 421, silent; and the timers.
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

use std::time::Duration;

use posthaste_smtp::client::{Client, Mode, Timer};
use posthaste_smtp::{ProtocolError, Time};
use support::{BDAT, DATA, GREETING, client, config, envelope, fates, steps, tell, text};

fn at(seconds: u64) -> Time {
    Time::from_epoch(Duration::from_secs(seconds))
}

/// Gives the replies, writing `x` where a writer comes; the words of what is reported.
fn lead(client: &mut Client, replies: &[&str]) -> String {
    let mut words = String::new();
    for reply in replies {
        client.handle_input(Time::ZERO, reply.as_bytes());
        let (more, writer, _) = steps(client);
        words.push_str(&more);
        if let Some(mut writer) = writer {
            support::write(client, &mut writer, b"x\r\n").unwrap();
            writer.finish(client).unwrap();
        }
        text(client);
    }
    words
}

const RECIPIENTS: [&str; 2] = ["<u@x.test>", "<no@x.test>"];

fn two(mode: Mode) -> Client {
    let mut client = client(config(mode));
    client.send(envelope(&RECIPIENTS)).unwrap();
    client.send(envelope(&["<later@x.test>"])).unwrap();
    client
}

#[test]
fn hst_08_a_cut_says_for_each_recipient_what_is_known() {
    let group = "250 a\r\n250 b\r\n550 c\r\n354 d\r\n";
    let cases: [(&[&str], [&str; 2], ProtocolError); 4] = [
        (&[GREETING], ["not taken", "not taken"], ProtocolError::ConnectionLost),
        (&[GREETING, DATA, "250 a\r\n"], ["not taken", "not taken"], ProtocolError::ConnectionLost),
        (
            &[GREETING, DATA, "250 a\r\n250 b\r\n550 c\r\n"],
            ["not taken", "no 550"],
            ProtocolError::ConnectionLost,
        ),
        (&[GREETING, DATA, group], ["unknown", "no 550"], ProtocolError::OutcomeUnknown),
    ];
    for (replies, expected, error) in cases {
        let mut client = two(Mode::Smtp);
        lead(&mut client, &[replies, &[]].concat());
        client.handle_eof(Time::ZERO);
        let (words, _, last) = steps(&mut client);
        assert!(!words.contains("sent") && last == Err(error));
        let unfinished = client.take_unfinished();
        assert_eq!(unfinished.iter().map(fates).collect::<Vec<_>>(), [&expected[..], &["not taken"]]);
        assert_eq!(unfinished[0].is_safe_to_retry(), expected[0] != "unknown");
    }
}

#[test]
fn an_end_that_never_left_the_machine_is_no_end() {
    let mut client = two(Mode::Smtp);
    lead(&mut client, &[GREETING, DATA]);
    client.handle_input(Time::ZERO, b"250 a\r\n250 b\r\n550 c\r\n354 d\r\n");
    let (_, writer, _) = steps(&mut client);
    writer.unwrap().finish(&mut client).unwrap();
    client.handle_eof(Time::ZERO);
    assert_eq!(steps(&mut client).2, Err(ProtocolError::ConnectionLost));
    assert_eq!(text(&mut client), "");
    assert_eq!(fates(&client.take_unfinished()[0]), ["not taken", "no 550"]);
}

#[test]
fn lmtp_keeps_what_was_answered_before_the_cut() {
    for goodbye in ["", "421 down\r\n"] {
        let mut client = client(config(Mode::Lmtp));
        client.send(envelope(&["<a@x.test>", "<b@x.test>", "<c@x.test>"])).unwrap();
        let group = "250 m\r\n250 a\r\n250 b\r\n250 c\r\n354 d\r\n";
        lead(&mut client, &[GREETING, DATA, group, "250 a\r\n", goodbye]);
        client.handle_eof(Time::ZERO);
        assert_eq!(steps(&mut client).2, Err(ProtocolError::OutcomeUnknown));
        let second = if goodbye.is_empty() { "unknown" } else { "no 421" };
        assert_eq!(fates(&client.take_unfinished()[0]), ["yes 250", second, "unknown"]);
    }
}

#[test]
fn hst_08_a_421_in_the_place_of_any_reply_decides_the_message() {
    let group = ["250 a\r\n", "250 b\r\n", "550 c\r\n", "354 d\r\n"];
    for (count, stage) in [(0, "Mail"), (1, "Recipients"), (2, "Recipients"), (3, "Data"), (4, "End")] {
        let mut client = two(Mode::Smtp);
        let words = lead(&mut client, &[GREETING, DATA, &group[..count].concat(), "421 down\r\n"]);
        assert!(words.contains(&format!("sent {stage} [false, false]")), "{words}");
        assert!(matches!(steps(&mut client).2, Err(ProtocolError::ServiceClosing(_))));
        assert_eq!(client.take_unfinished().iter().map(fates).collect::<Vec<_>>(), [["not taken"]]);
    }
}

#[test]
fn a_reply_that_is_none_behind_the_end_leaves_the_outcome_open() {
    for reply in ["hello\r\n", "354 go\r\n", "250-a\r\n550 b\r\n"] {
        let mut client = two(Mode::Smtp);
        lead(&mut client, &[GREETING, DATA, "250 a\r\n250 b\r\n550 c\r\n354 d\r\n", reply]);
        assert_eq!(steps(&mut client).2, Err(ProtocolError::OutcomeUnknown));
        assert_eq!(fates(&client.take_unfinished()[0]), ["unknown", "no 550"]);
    }
}

#[test]
fn hst_10_each_wait_has_its_time_and_progress_below_a_reply_does_not_move_it() {
    let group = "250 a\r\n250 b\r\n550 c\r\n";
    let cases: [(&[&str], Timer, u64, ProtocolError); 5] = [
        (&[], Timer::Greeting, 300, ProtocolError::NoAnswer),
        (&[GREETING], Timer::Reply, 300, ProtocolError::NoAnswer),
        (&[GREETING, DATA], Timer::Reply, 300, ProtocolError::NoAnswer),
        (&[GREETING, DATA, group], Timer::DataStart, 120, ProtocolError::NoAnswer),
        (&[GREETING, BDAT, group], Timer::DataEnd, 600, ProtocolError::OutcomeUnknown),
    ];
    for (replies, timer, seconds, error) in cases {
        let mut client = two(Mode::Smtp);
        lead(&mut client, replies);
        assert_eq!(client.timer(), Some(timer));
        if timer == Timer::DataEnd {
            // It began at a call that told no time: once it has passed it is armed anew.
            client.handle_timeout(at(seconds));
            assert_eq!(client.poll_timeout(), Some(at(2 * seconds)));
        }
        let deadline = client.poll_timeout().unwrap();
        assert!(timer == Timer::DataEnd || deadline == at(seconds));
        client.handle_input(at(1), b"2");
        assert!(steps(&mut client).2.is_ok());
        assert_eq!(client.poll_timeout(), Some(deadline));
        client.handle_timeout(Time::from_epoch(deadline.since_epoch() - Duration::from_millis(1)));
        assert!(steps(&mut client).2.is_ok());
        client.handle_timeout(deadline);
        assert_eq!(steps(&mut client).2, Err(error));
    }
}

#[test]
fn a_chunk_has_the_time_of_a_data_block() {
    let mut limits = posthaste_smtp::Limits::default();
    limits.chunk_max = 2;
    let mut client = client(config(Mode::Smtp).with_limits(limits));
    client.send(envelope(&["<u@x.test>"])).unwrap();
    tell(&mut client, GREETING);
    tell(&mut client, BDAT);
    let mut writer = support::writer(&mut client, &["250 a\r\n250 b\r\n"]);
    assert_eq!(client.timer(), None);
    support::write(&mut client, &mut writer, b"xxx").unwrap();
    assert_eq!((client.timer(), client.poll_timeout()), (Some(Timer::DataBlock), Some(at(180))));
    client.handle_timeout(at(180));
    client.handle_timeout(at(360));
    assert_eq!(steps(&mut client).2, Err(ProtocolError::NoAnswer));
    assert_eq!(fates(&client.take_unfinished()[0]), ["not taken"]);
}
