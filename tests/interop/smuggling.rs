//! End of data against the running server: whatever stands where an end might be seen, one message comes of it at
//! most, and what was to be smuggled in behind never becomes an envelope.

use crate::{
    program, python,
    raw::Talk,
    server::{ALICE, Server},
};

/// What the peer hopes is taken for commands. Its own end of data is the real one.
const SMUGGLED: &[u8] =
    b"MAIL FROM:<s@evil.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nB\r\n";

/// How an attempt is sent.
#[derive(Clone, Copy, Debug)]
enum Segments {
    One,
    EveryOctet,
}

/// Sends every attempt in both ways, none of which holds an end of data: the real one stands behind all of it.
#[track_caller]
fn attempt(attempts: &[&[u8]]) {
    if program::find("python3").is_none() {
        return; // it counts what was delivered
    }
    let server = Server::start();
    let mut sent = 0;
    for attempt in attempts {
        for segments in [Segments::One, Segments::EveryOctet] {
            sent += 1;
            let (replies, transcript) = transaction(&server, attempt, segments);
            let reply = replies.first().map(String::as_str).unwrap_or_default();
            assert!(reply.starts_with("250") || reply.starts_with('5'), "no reply to the data\n{transcript}");
            let behind =
                replies.iter().skip(1).filter(|line| !line.starts_with("221") && !line.starts_with("421"));
            assert_eq!(behind.count(), 0, "more than one reply to one text\n{transcript}");
        }
    }
    let inbox = python::headers(&server, ALICE);
    assert!(inbox.len() <= sent, "{} messages came of {sent} transactions: {inbox:#?}", inbox.len());
    for header in inbox {
        assert!(header.contains("Subject: carrier"), "something else was delivered: {header}");
        assert!(!header.contains("evil.test"), "the smuggled envelope was used: {header}");
    }
}

/// Sends one message up to `QUIT`, and returns the replies that came behind 354, and all that was said.
fn transaction(server: &Server, attempt: &[u8], segments: Segments) -> (Vec<String>, String) {
    let mut talk = Talk::greeted(server, "smtp");
    talk.envelope("a@client.test", &[ALICE]);
    let header = b"From: a@client.test\r\nTo: alice@example.test\r\nSubject: carrier\r\n\r\n";
    let text = [header, attempt, SMUGGLED, b"\r\n.\r\nQUIT\r\n"].concat();
    match segments {
        Segments::One => talk.send(&text),
        Segments::EveryOctet => talk.trickle(&text),
    }
    let replies = talk.rest();
    (replies, talk.transcript().to_owned())
}

#[test]
fn eod_01_lf_dot_lf() {
    attempt(&[b"x\n.\n"]);
}

#[test]
fn eod_02_lf_dot_crlf() {
    attempt(&[b"x\n.\r\n"]);
}

#[test]
fn eod_03_crlf_dot_lf() {
    attempt(&[b"x\r\n.\n"]);
}

#[test]
fn eod_04_cr_dot_cr() {
    attempt(&[b"x\r.\r"]);
}

#[test]
fn eod_05_cr_dot_crlf() {
    attempt(&[b"x\r.\r\n"]);
}

#[test]
fn eod_06_cr_dot_lf() {
    attempt(&[b"x\r.\n"]);
}

#[test]
fn eod_07_lf_dot_cr() {
    attempt(&[b"x\n.\r"]);
}

#[test]
fn eod_08_crlf_dot_cr() {
    attempt(&[b"x\r\n.\r"]);
}

#[test]
fn eod_09_nul_before_the_dot() {
    attempt(&[b"x\r\n\0.\r\n"]);
}

#[test]
fn eod_10_nul_behind_the_dot() {
    attempt(&[b"x\r\n.\0\r\n"]);
}

#[test]
fn eod_11_nul_inside_crlf() {
    attempt(&[b"x\r\0\n.\r\n", b"x\r\n.\r\0\n"]);
}

/// Here the end is real, and what follows is commands: in one segment with it they are sent without leave, because
/// the text behind DATA did not wait for 354.
#[test]
fn eod_12_the_real_end_beside_a_nul() {
    if program::find("python3").is_none() {
        return;
    }
    let server = Server::start();
    for (attempt, reply) in [(&b"x\0\r\n.\r\n"[..], '5'), (b"x\r\n.\r\n\0", '2')] {
        let (replies, transcript) = transaction(&server, attempt, Segments::One);
        let first = replies.first().map(String::as_str).unwrap_or_default();
        assert!(first.starts_with(reply), "expected {reply}xx to the data\n{transcript}");
    }
    let inbox = python::headers(&server, ALICE);
    assert_eq!(inbox.len(), 1, "only the message without a NUL is to be delivered: {inbox:#?}");
    assert!(inbox[0].contains("Subject: carrier"), "the wrong message was delivered: {inbox:#?}");
}

#[test]
fn eod_13_cr_cr_lf() {
    attempt(&[b"x\r\n.\r\r\n", b"x\r\r\n.\r\r\n"]);
}

#[test]
fn eod_23_added_fields_and_a_body_that_begins_with_a_dot_stay_one_message() {
    if program::find("python3").is_none() {
        return; // it counts what was delivered
    }
    let server = Server::start();
    for body in [&b"..\r\n..two\r\n"[..], b"..\r\n..\r\nSubject: inside\r\n"] {
        let mut talk = Talk::greeted(&server, "smtp");
        talk.envelope("a@client.test", &[ALICE]);
        // No header of its own: the fields that the server adds stand right before the dots.
        talk.send([body, b".\r\n"].concat());
        talk.expect("250");
        talk.send("QUIT\r\n");
        talk.expect("221");
    }
    let inbox = python::headers(&server, ALICE);
    assert_eq!(inbox.len(), 2, "{inbox:#?}");
    for header in inbox {
        assert!(header.contains("Received:") && header.contains("Return-Path: <a@client.test>"), "{header}");
    }
}
