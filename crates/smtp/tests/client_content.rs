//! The writer behind DATA: what it refuses and repairs, when it has to wait, how it ends. What content becomes on
//! the wire is proved over every short text beside `client/content.rs`.
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

use bytes::Bytes;
use posthaste_smtp::client::{Client, ContentFault, ContentPolicy, Event, Mode, Stage};
use posthaste_smtp::{BodyType, Limits, Misuse, ProtocolError, Step, Time};
use proptest::prelude::*;
use support::{
    DATA, GREETING, client, config, envelope, fates, output, smtp, steps, tell, text, write, writer,
};

const ACCEPTED: &str = "250 a\r\n250 b\r\n354 c\r\n";

fn with_message() -> Client {
    let mut client = smtp();
    client.send(envelope(&["<u@x.test>"])).unwrap();
    client
}

#[test]
fn content_that_cannot_be_sent_is_not_sent() {
    let mut client = with_message();
    let mut writer = writer(&mut client, &[GREETING, DATA, ACCEPTED]);
    let long = [b'x'; 999];
    let cases: [(&[u8], ContentFault); 6] = [
        (b"a\nb", ContentFault::BareLineEnd),
        (b"a\rb", ContentFault::BareLineEnd),
        (b"\n", ContentFault::BareLineEnd),
        (b"a\0b", ContentFault::Nul),
        ("ä".as_bytes(), ContentFault::EightBit),
        (&long, ContentFault::LineTooLong { max: 1000 }),
    ];
    for (chunk, fault) in cases {
        let problem = fault.problem();
        let refused = write(&mut client, &mut writer, chunk);
        assert_eq!(refused, Err(Misuse::Argument { argument: "chunk", problem }));
        assert_eq!(writer.fault(), Some(fault));
    }
    write(&mut client, &mut writer, b"a\r").unwrap();
    assert!(writer.fault().is_none() && write(&mut client, &mut writer, b"b").is_err());
    write(&mut client, &mut writer, b"\n.b").unwrap();
    writer.finish(&mut client).unwrap();
    assert_eq!(output(&mut client), b"a\r\n..b\r\n.\r\n");
}

#[test]
fn octets_over_127_are_sent_where_the_envelope_declares_them() {
    let ehlo = "250-x\r\n250-PIPELINING\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n";
    let mut utf8 = envelope(&["<u@x.test>"]);
    utf8.smtp_utf8 = true;
    for (envelope, parameter) in
        [(envelope(&["<u@x.test>"]).with_body(BodyType::EightBitMime), "BODY=8BITMIME"), (utf8, "SMTPUTF8")]
    {
        let mut client = smtp();
        client.send(envelope).unwrap();
        tell(&mut client, GREETING);
        assert!(tell(&mut client, ehlo).1.starts_with(&format!("MAIL FROM:<a@c.test> {parameter}\r\n")));
        let mut writer = writer(&mut client, &[ACCEPTED]);
        write(&mut client, &mut writer, "ä\r\n".as_bytes()).unwrap();
        writer.finish(&mut client).unwrap();
        assert_eq!(text(&mut client), "ä\r\n.\r\n");
    }
}

#[test]
fn out_05_one_end_and_no_more_whatever_the_content_ends_with() {
    let cases: [(&[u8], Option<&str>); 5] = [
        (b"", Some(".\r\n")),
        (b"a", Some("a\r\n.\r\n")),
        (b"a\r\n", Some("a\r\n.\r\n")),
        (b"a\r\n.", Some("a\r\n..\r\n.\r\n")),
        (b"a\r", None),
    ];
    for (content, sent) in cases {
        let mut client = with_message();
        let mut writer = writer(&mut client, &[GREETING, DATA, ACCEPTED]);
        write(&mut client, &mut writer, content).unwrap();
        assert_eq!(writer.finish(&mut client).is_ok(), sent.is_some());
        assert_eq!(text(&mut client), sent.unwrap_or_default());
    }
    let mut client = client(config(Mode::Smtp).with_content(ContentPolicy::Repair));
    client.send(envelope(&["<u@x.test>"])).unwrap();
    let mut writer = writer(&mut client, &[GREETING, DATA, ACCEPTED]);
    write(&mut client, &mut writer, b"a\r").unwrap();
    writer.finish(&mut client).unwrap();
    assert_eq!(text(&mut client), "a \r\n.\r\n");
}

#[test]
fn abort_never_ends_the_message() {
    let mut client = with_message();
    client.send(envelope(&["<v@x.test>"])).unwrap();
    let mut writer = writer(&mut client, &[GREETING, DATA, ACCEPTED]);
    write(&mut client, &mut writer, b"a\r\n").unwrap();
    writer.abort(&mut client).unwrap();
    let (words, _, last) = steps(&mut client);
    assert_eq!(words, format!("sent {:?} [false]\n", Stage::Content));
    assert!(matches!(last, Ok(Step::Closed)) && output(&mut client).is_empty());
    // The one behind it comes back.
    assert_eq!(client.take_unfinished().iter().map(fates).collect::<Vec<_>>(), [["not taken"]]);
}

#[test]
fn a_writer_that_is_dropped_never_ends_the_message() {
    let mut client = with_message();
    let mut writer = writer(&mut client, &[GREETING, DATA, ACCEPTED]);
    write(&mut client, &mut writer, b"a\r\n").unwrap();
    drop(writer);
    assert_eq!(text(&mut client), "a\r\n");
    // It is the server that ends what nobody goes on with.
    assert!(matches!(steps(&mut client).2, Ok(Step::NeedInput)));
    client.handle_timeout(Time::MAX);
    assert!(output(&mut client).is_empty());
}

#[test]
fn a_token_of_another_connection_is_refused_and_a_late_one_does_nothing() {
    let mut client = with_message();
    let mut writer = writer(&mut client, &[GREETING, DATA, ACCEPTED]);
    assert_eq!(write(&mut smtp(), &mut writer, b"a"), Err(Misuse::WrongConnection));
    client.handle_eof(Time::ZERO);
    write(&mut client, &mut writer, b"a\n").unwrap();
    writer.finish(&mut client).unwrap();
    assert!(steps(&mut client).2.is_err() && output(&mut client).is_empty());
}

#[test]
fn a_server_that_speaks_before_the_end_does_not_get_it() {
    for (reply, error) in [("250 early\r\n", "out of turn"), ("421 enough\r\n", "closes the session")] {
        let mut client = with_message();
        let mut writer = writer(&mut client, &[GREETING, DATA, ACCEPTED]);
        write(&mut client, &mut writer, b"a\r\n").unwrap();
        client.handle_input(Time::ZERO, reply.as_bytes());
        writer.finish(&mut client).unwrap();
        assert_eq!(text(&mut client), "a\r\n");
        let (words, _, last) = steps(&mut client);
        assert!(last.unwrap_err().to_string().contains(error));
        // Either a report or the message itself.
        assert_eq!(words.is_empty(), client.take_unfinished().len() == 1);
    }
}

/// What is said in the middle of the content is read beside the writer, whatever it is cut into, and is the answer.
#[test]
fn hst_08_an_answer_in_the_middle_of_the_content_decides_the_message() {
    for bytewise in [false, true] {
        for ehlo in [DATA, support::BDAT] {
            for reply in ["421 4.3.2 down\r\n", "552-5.3.4 too\r\n552 5.3.4 big\r\n"] {
                let mut client = with_message();
                let accepted = if ehlo == DATA { ACCEPTED } else { ACCEPTED.trim_end_matches("354 c\r\n") };
                let mut writer = writer(&mut client, &[GREETING, ehlo, accepted]);
                write(&mut client, &mut writer, b"a\r\n").unwrap();
                assert!(matches!(steps(&mut client), (words, None, Ok(Step::NeedInput)) if words.is_empty()));
                for piece in reply.as_bytes().chunks(if bytewise { 1 } else { 100 }) {
                    client.handle_input(Time::ZERO, piece);
                }
                let (words, _, last) = steps(&mut client);
                let closes = reply.starts_with("421");
                if ehlo != DATA && !closes {
                    // Nothing was sent that this could be the answer to.
                    assert!(matches!(last, Err(ProtocolError::UnexpectedReply(_))), "{reply} {last:?}");
                    continue;
                }
                assert_eq!(words, "sent Content [false]\n", "{reply}");
                match last {
                    Err(ProtocolError::ServiceClosing(said)) => assert!(closes && said.code() == 421),
                    last => assert!(!closes && matches!(last, Ok(Step::Closed)), "{reply} {last:?}"),
                }
                // The writer is late, and nothing of what it has leaves, its end least of all.
                write(&mut client, &mut writer, b"b\r\n").unwrap();
                writer.finish(&mut client).unwrap();
                assert_eq!(text(&mut client), "", "{reply}");
                assert_eq!(client.take_unfinished(), []);
            }
        }
    }
}

#[test]
fn a_yes_in_the_middle_of_the_content_is_no_yes() {
    for reply in ["250 taken\r\n", "354 go on\r\n"] {
        let mut client = with_message();
        let mut writer = writer(&mut client, &[GREETING, DATA, ACCEPTED]);
        write(&mut client, &mut writer, b"a\r\n").unwrap();
        client.handle_input(Time::ZERO, reply.as_bytes());
        assert!(matches!(steps(&mut client).2, Err(ProtocolError::UnexpectedReply(_))), "{reply}");
        writer.finish(&mut client).unwrap();
        assert_eq!(text(&mut client), "a\r\n");
        let unfinished = client.take_unfinished();
        assert!(unfinished.len() == 1 && unfinished[0].is_safe_to_retry());
    }
}

#[test]
fn memory_is_bounded_while_the_peer_does_not_read() {
    for ehlo in [DATA, support::BDAT] {
        let mut limits = Limits::default();
        limits.send_high_water = 100_000;
        limits.chunk_max = 64 * 1024;
        let mut client = client(config(Mode::Smtp).with_limits(limits));
        client.send(envelope(&["<u@x.test>"])).unwrap();
        let mut writer =
            writer(&mut client, &[GREETING, ehlo, ACCEPTED.trim_end_matches("354 c\r\n"), "354 c\r\n"]);
        let line = Bytes::from("x".repeat(998) + "\r\n");
        let mut taken = 0;
        let refused = loop {
            match writer.write(&mut client, line.clone()) {
                Ok(()) => taken += line.len(),
                Err(refused) => break refused,
            }
        };
        assert!(matches!(refused, Misuse::Congested { .. }), "{refused}");
        // The mark, what is gathered for one chunk, and one write.
        assert!(taken <= 100_000 + 64 * 1024 + 2 * line.len(), "{taken}");
        assert_eq!(writer.write(&mut client, line.clone()), Err(refused));
        output(&mut client);
        writer.write(&mut client, line).unwrap();
    }
}

proptest! {
    #[test]
    fn out_04_the_wire_does_not_depend_on_how_content_is_written(
        text in prop::collection::vec(prop::sample::select(&b"\r\n\r\n..ab"[..]), 0..60),
        size in 1usize..20,
    ) {
        let send = |pieces: Vec<&[u8]>| {
            let mut client = client(config(Mode::Smtp).with_content(ContentPolicy::Repair));
            client.send(envelope(&["<u@x.test>"])).unwrap();
            let mut writer = writer(&mut client, &[GREETING, DATA, ACCEPTED]);
            for piece in pieces {
                write(&mut client, &mut writer, piece).unwrap();
            }
            writer.finish(&mut client).unwrap();
            output(&mut client)
        };
        prop_assert_eq!(send(vec![&text]), send(text.chunks(size).collect()));
    }
}

#[test]
fn the_writer_comes_for_the_message_it_is_of() {
    let mut client = with_message();
    let id = client.send(envelope(&["<v@x.test>"])).unwrap();
    assert_eq!(writer(&mut client, &[GREETING, DATA, ACCEPTED]).id().number() + 1, id.number());
    assert!(!matches!(client.poll_event(), Ok(Step::Event(Event::Body(_)))));
}

#[test]
fn hst_08_an_answer_while_the_end_of_the_content_is_still_here_is_no_yes() {
    let group = "250 a\r\n250 b\r\n550 c\r\n";
    for (mode, offer, until) in [
        (Mode::Smtp, DATA, "354 d\r\n"),
        (Mode::Lmtp, DATA, "354 d\r\n"),
        (Mode::Smtp, support::BDAT, ""),
        (Mode::Lmtp, support::BDAT, ""),
    ] {
        for (reply, is_yes) in [("250 early\r\n", true), ("554 enough\r\n", false)] {
            for sent in [Sent::Nothing, Sent::Part, Sent::All] {
                let mut client = client(config(mode));
                client.send(envelope(&["<u@x.test>", "<no@x.test>"])).unwrap();
                let mut writer = support::writer(&mut client, &[GREETING, offer, group, until]);
                write(&mut client, &mut writer, &b"line\r\n".repeat(1000)).unwrap();
                writer.finish(&mut client).unwrap();
                match sent {
                    Sent::Nothing => {}
                    Sent::Part => drop(client.poll_transmit().unwrap()),
                    Sent::All => drop(output(&mut client)),
                }
                client.handle_input(Time::ZERO, reply.as_bytes());
                let (words, _, last) = steps(&mut client);
                let told = format!("{mode:?} {offer:?} {reply:?} {sent:?}: {words:?} {last:?}");
                if sent == Sent::All {
                    assert!(last.is_ok() && words.contains("sent End"), "{told}");
                    assert_eq!(words.contains("sent End [true, false]"), is_yes, "{told}");
                } else if is_yes {
                    assert!(!words.contains("sent"), "{told}");
                    assert!(matches!(last, Err(ProtocolError::UnexpectedReply(_))), "{told}");
                    assert!(output(&mut client).is_empty(), "{told}");
                    assert_eq!(fates(&client.take_unfinished()[0]), ["not taken", "no 550"], "{told}");
                } else {
                    // A no is one at any time. Behind DATA what follows it could be taken for commands.
                    assert!(words.contains("[false, false]"), "{told}");
                    assert_eq!(output(&mut client).is_empty(), offer == DATA, "{told}");
                    assert_eq!(matches!(last, Ok(Step::Closed)), offer == DATA, "{told}");
                }
            }
        }
    }
}

/// How much has left the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Nothing,
    Part,
    All,
}
