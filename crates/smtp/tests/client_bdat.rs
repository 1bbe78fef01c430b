//! Content by BDAT (RFC 3030): how it is cut, how far it goes ahead of its answers, what a refusal and a writer that
//! gives up lead to.
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

use posthaste_smtp::client::{Chunking, Client, ContentPolicy, Mode, Refusal, Stage};
use posthaste_smtp::{BodyType, Limits, Misuse, ProtocolError, Step, Time};
use proptest::prelude::*;
use support::{
    BDAT, GREETING, client, config, envelope, fates, output, report, steps, tell, text, write, writer,
};

const ACCEPTED: &str = "250 a\r\n250 b\r\n";
/// Offers no PIPELINING.
const ALONE: &str = "250-x\r\n250 CHUNKING\r\n";

/// Chunks of ten octets, three ahead.
fn small(mode: Mode) -> posthaste_smtp::client::Config {
    let mut limits = Limits::default();
    limits.chunk_max = 10;
    limits.chunks_max = 3;
    config(mode).with_limits(limits)
}

fn with_message(config: posthaste_smtp::client::Config) -> Client {
    let mut client = client(config);
    client.send(envelope(&["<u@x.test>"])).unwrap();
    client
}

/// Takes a stream of BDAT commands apart as a server would, and nothing else.
fn chunks(mut sent: &[u8]) -> Vec<(Vec<u8>, bool)> {
    let mut chunks = Vec::new();
    while !sent.is_empty() {
        let end = sent.windows(2).position(|octets| octets == b"\r\n").expect("a line");
        let line = std::str::from_utf8(&sent[..end]).unwrap().to_owned();
        let arguments = line.strip_prefix("BDAT ").unwrap_or_else(|| panic!("{line}"));
        let (length, last) =
            arguments.strip_suffix(" LAST").map_or((arguments, false), |length| (length, true));
        let length: usize = length.parse().unwrap();
        let (content, rest) = sent[end + 2..].split_at(length);
        chunks.push((content.to_vec(), last));
        sent = rest;
    }
    chunks
}

#[test]
fn nothing_of_the_content_is_announced_before_it_is_known_for_whom() {
    let mut client = with_message(config(Mode::Smtp));
    tell(&mut client, GREETING);
    assert_eq!(tell(&mut client, BDAT).1, "MAIL FROM:<a@c.test>\r\nRCPT TO:<u@x.test>\r\n");
    let (words, sent) = tell(&mut client, "250 a\r\n550 b\r\n");
    assert_eq!((words.as_str(), sent.as_str()), ("sent Recipients [false]\n", "RSET\r\n"));
}

#[test]
fn small_writes_leave_as_one_chunk_with_its_dots_as_they_are() {
    let mut client = with_message(config(Mode::Smtp));
    let mut writer = writer(&mut client, &[GREETING, BDAT, ACCEPTED]);
    for piece in [&b".\r"[..], b"\n", b".", b".\r\n", b"x"] {
        write(&mut client, &mut writer, piece).unwrap();
    }
    assert!(output(&mut client).is_empty());
    writer.finish(&mut client).unwrap();
    assert_eq!(text(&mut client), "BDAT 10 LAST\r\n.\r\n..\r\nx\r\n");
    assert_eq!(tell(&mut client, "250 ok\r\n").0, "sent End [true]\n");
}

#[test]
fn an_empty_message_is_an_empty_last_chunk() {
    let mut client = with_message(config(Mode::Smtp));
    let writer = writer(&mut client, &[GREETING, BDAT, ACCEPTED]);
    writer.finish(&mut client).unwrap();
    assert_eq!(text(&mut client), "BDAT 0 LAST\r\n");
}

#[test]
fn out_07_data_only_where_chunks_are_switched_off_or_not_offered() {
    let ehlo = ["250-x\r\n250-PIPELINING\r\n250 CHUNKING\r\n", "250-x\r\n250 PIPELINING\r\n"];
    for (ehlo, chunking) in [(ehlo[0], Chunking::Never), (ehlo[1], Chunking::Auto)] {
        let mut client = with_message(config(Mode::Smtp).with_chunking(chunking));
        tell(&mut client, GREETING);
        assert!(tell(&mut client, ehlo).1.ends_with("DATA\r\n"));
    }
}

#[test]
fn octets_are_counted_behind_the_repair() {
    let mut client = with_message(config(Mode::Smtp).with_content(ContentPolicy::Repair));
    let mut writer = writer(&mut client, &[GREETING, BDAT, ACCEPTED]);
    for piece in [&b"a\nb\r"[..], b"c\r", b"\nd\r"] {
        write(&mut client, &mut writer, piece).unwrap();
    }
    writer.finish(&mut client).unwrap();
    assert_eq!(text(&mut client), "BDAT 12 LAST\r\na\r\nb c\r\nd \r\n");
}

#[test]
fn binary_content_is_not_touched() {
    let mut client = client(config(Mode::Smtp));
    client.send(envelope(&["<u@x.test>"]).with_body(BodyType::BinaryMime)).unwrap();
    let ehlo = "250-x\r\n250-PIPELINING\r\n250-BINARYMIME\r\n250 CHUNKING\r\n";
    tell(&mut client, GREETING);
    assert!(tell(&mut client, ehlo).1.starts_with("MAIL FROM:<a@c.test> BODY=BINARYMIME\r\n"));
    let mut writer = writer(&mut client, &[ACCEPTED]);
    let content = b"\0\r\n.\r\n\n\r\xff";
    write(&mut client, &mut writer, content).unwrap();
    writer.finish(&mut client).unwrap();
    assert_eq!(output(&mut client), [b"BDAT 9 LAST\r\n", &content[..]].concat());
}

#[test]
fn chunks_go_ahead_of_their_answers_as_far_as_the_window_and_no_further() {
    for (ehlo, window) in [(BDAT, 3), (ALONE, 1)] {
        let mut client = with_message(small(Mode::Smtp));
        let replies: Vec<&str> = if window == 1 { vec!["250 a\r\n", "250 b\r\n"] } else { vec![ACCEPTED] };
        let mut writer = writer(&mut client, &[&[GREETING, ehlo], &replies[..]].concat());
        // Taken as a whole, sent as far as may be.
        write(&mut client, &mut writer, &[b'x'; 55]).unwrap();
        assert_eq!(chunks(&output(&mut client)).len(), window);
        let wait = Misuse::NotNow { call: "write", state: "before the server has answered" };
        assert_eq!(write(&mut client, &mut writer, b"y"), Err(wait));
        assert!(!client.is_congested() && output(&mut client).is_empty());
        // The machine reads beside the writer.
        assert!(matches!(steps(&mut client).2, Ok(Step::NeedInput)));
        let mut sent = window;
        let mut room = false;
        while !room {
            let (words, chunk) = tell(&mut client, "250 ok\r\n");
            sent += chunks(chunk.as_bytes()).len();
            room = words == "room\n";
            assert!(
                room || (words.is_empty() && write(&mut client, &mut writer, b"y").is_err()),
                "{window} {sent} {words} {chunk}"
            );
        }
        assert!(sent < 6);
        write(&mut client, &mut writer, b"y").unwrap();
        writer.finish(&mut client).unwrap();
        let mut rest = output(&mut client);
        let mut words = String::new();
        while words.is_empty() {
            let (event, more) = tell(&mut client, "250 ok\r\n");
            rest.extend_from_slice(more.as_bytes());
            words = event;
        }
        let rest = chunks(&rest);
        assert_eq!(words, "sent End [true]\n");
        assert_eq!(sent + rest.len(), 6, "55 octets, one more and a line end are six chunks");
        assert!(rest.last().unwrap().1 && rest.iter().filter(|(_, last)| *last).count() == 1);
    }
}

#[test]
fn a_refused_chunk_ends_the_message_at_once() {
    let mut client = with_message(small(Mode::Smtp));
    client.send(envelope(&["<v@x.test>"])).unwrap();
    let mut writer = writer(&mut client, &[GREETING, BDAT, ACCEPTED]);
    write(&mut client, &mut writer, &[b'x'; 45]).unwrap();
    assert_eq!(chunks(&output(&mut client)).len(), 3);
    assert_eq!(tell(&mut client, "250 ok\r\n").1.matches("BDAT").count(), 1);
    let (words, sent) = tell(&mut client, "452 full\r\n");
    assert_eq!((words.as_str(), sent.as_str()), ("sent Content [false]\n", ""));
    // What the writer does now reaches nobody.
    write(&mut client, &mut writer, &[b'y'; 30]).unwrap();
    writer.finish(&mut client).unwrap();
    assert_eq!(tell(&mut client, "503 skipped\r\n").1, "");
    // RFC 3030 2: RSET when all that was sent is answered, and only then the next message.
    assert_eq!(tell(&mut client, "503 skipped\r\n").1, "RSET\r\n");
    assert_eq!(tell(&mut client, "250 ok\r\n").1, "MAIL FROM:<a@c.test>\r\nRCPT TO:<v@x.test>\r\n");
}

#[test]
fn a_refused_chunk_refuses_the_last_one_too_whatever_is_said_to_that() {
    let mut client = with_message(small(Mode::Smtp));
    let mut writer = writer(&mut client, &[GREETING, BDAT, ACCEPTED]);
    write(&mut client, &mut writer, &[b'x'; 15]).unwrap();
    writer.finish(&mut client).unwrap();
    assert_eq!(chunks(&output(&mut client)).len(), 2);
    assert_eq!(tell(&mut client, "554 no\r\n").0, "sent Content [false]\n");
    let (words, sent) = tell(&mut client, "250 taken after all\r\n");
    assert_eq!((words.as_str(), sent.as_str()), ("", "RSET\r\n"));
}

#[test]
fn a_refused_last_chunk_is_reset() {
    let mut client = with_message(config(Mode::Smtp));
    let replies = [GREETING, BDAT, ACCEPTED, "552 5.3.4 too big\r\n"];
    let report = report(&mut client, &replies);
    assert_eq!(report.stage, Stage::End);
    assert_eq!(text(&mut client), "");
    assert!(matches!(&report.recipients[0], Err(Refusal::Server(no)) if no.reply().code() == 552));
    assert_eq!(tell(&mut client, "250 reset\r\n").1, "");
    assert!(client.is_idle());
}

#[test]
fn a_writer_that_gives_up_between_chunks_costs_the_message_and_not_the_session() {
    let mut client = with_message(small(Mode::Smtp));
    client.send(envelope(&["<v@x.test>"])).unwrap();
    let mut writer = writer(&mut client, &[GREETING, BDAT, ACCEPTED]);
    write(&mut client, &mut writer, &[b'x'; 15]).unwrap();
    writer.abort(&mut client).unwrap();
    let (words, _, last) = steps(&mut client);
    assert_eq!(words, "sent Content [false]\n");
    assert!(matches!(last, Ok(Step::NeedInput)));
    assert_eq!(chunks(&output(&mut client)).len(), 1);
    assert_eq!(tell(&mut client, "250 chunk\r\n").1, "RSET\r\n");
    assert!(tell(&mut client, "250 reset\r\n").1.starts_with("MAIL"));
}

#[test]
fn a_writer_that_is_dropped_ends_nothing() {
    let mut client = with_message(small(Mode::Smtp));
    let mut writer = writer(&mut client, &[GREETING, BDAT, ACCEPTED]);
    write(&mut client, &mut writer, &[b'x'; 15]).unwrap();
    drop(writer);
    assert_eq!(chunks(&output(&mut client)), [(vec![b'x'; 10], false)]);
    assert_eq!(tell(&mut client, "250 chunk\r\n").1, "");
    client.handle_eof(Time::ZERO);
    assert!(matches!(steps(&mut client).2, Err(ProtocolError::ConnectionLost)));
    assert_eq!(fates(&client.take_unfinished()[0]), ["not taken"]);
}

#[test]
fn lmtp_answers_for_each_recipient_behind_the_last_chunk_only() {
    let mut client = client(small(Mode::Lmtp));
    client.send(envelope(&["<a@x.test>", "<b@x.test>"])).unwrap();
    let mut writer = writer(&mut client, &[GREETING, BDAT, "250 m\r\n250 a\r\n250 b\r\n"]);
    write(&mut client, &mut writer, &[b'x'; 15]).unwrap();
    writer.finish(&mut client).unwrap();
    // Were the last one sent ahead, a refusal of the first would leave the number of answers unknown.
    assert_eq!(chunks(&output(&mut client)).len(), 1);
    assert_eq!(chunks(tell(&mut client, "250 chunk\r\n").1.as_bytes()), [(b"xxxxx\r\n".to_vec(), true)]);
    assert_eq!(tell(&mut client, "452 full\r\n250 ok\r\n").0, "sent End [false, true]\n");
}

#[test]
fn a_reply_that_waits_stops_the_next_chunk() {
    let mut client = with_message(small(Mode::Smtp));
    let mut writer = writer(&mut client, &[GREETING, BDAT, ACCEPTED]);
    client.handle_input(Time::ZERO, b"250 early\r\n");
    write(&mut client, &mut writer, &[b'x'; 15]).unwrap();
    writer.finish(&mut client).unwrap();
    assert!(output(&mut client).is_empty());
    assert!(matches!(steps(&mut client).2, Err(ProtocolError::UnexpectedReply(_))));
    assert_eq!(fates(&client.take_unfinished()[0]), ["not taken"]);
}

proptest! {
    #[test]
    fn out_04_the_chunks_hold_the_content_however_it_is_written_and_answered(
        pieces in prop::collection::vec("[a-z.]{0,25}(\r\n)?", 0..12),
        chunk_max in 1usize..30,
        chunks_max in 1usize..5,
        offers_pipelining in any::<bool>(),
        lmtp in any::<bool>(),
    ) {
        let mut limits = Limits::default();
        limits.chunk_max = chunk_max;
        limits.chunks_max = chunks_max;
        let mode = if lmtp { Mode::Lmtp } else { Mode::Smtp };
        let mut client = with_message(config(mode).with_limits(limits));
        let replies = if offers_pipelining {
            vec![GREETING, BDAT, ACCEPTED]
        } else {
            vec![GREETING, ALONE, "250 a\r\n", "250 b\r\n"]
        };
        let mut writer = writer(&mut client, &replies);
        let (mut sent, mut answered) = (Vec::new(), 0);
        let window = if offers_pipelining { chunks_max } else { 1 };
        for piece in &pieces {
            while write(&mut client, &mut writer, piece.as_bytes()).is_err() {
                prop_assert!(answered < 1000);
                sent.extend(output(&mut client));
                let ahead = chunks(&sent).len() - answered;
                prop_assert!(ahead <= window);
                tell(&mut client, "").1.bytes().for_each(|octet| sent.push(octet));
                tell(&mut client, "250 ok\r\n").1.bytes().for_each(|octet| sent.push(octet));
                answered += 1;
            }
        }
        writer.finish(&mut client).unwrap();
        sent.extend(output(&mut client));
        let mut reported = false;
        for _ in 0..1000 {
            prop_assert!(client.poll_event().is_ok(), "{:?} {:?}", client.poll_event(), sent);
            if reported { break; }
            let (words, more) = tell(&mut client, "250 ok\r\n");
            sent.extend(more.bytes());
            reported = words.ends_with("sent End [true]\n");
        }
        let sent = chunks(&sent);
        let mut content = pieces.concat();
        if !content.is_empty() && !content.ends_with("\r\n") {
            content.push_str("\r\n");
        }
        let (last, others) = sent.split_last().unwrap();
        prop_assert!(last.1 && others.iter().all(|(chunk, last)| !last && chunk.len() == chunk_max));
        prop_assert_eq!(sent.iter().flat_map(|(chunk, _)| chunk.clone()).collect::<Vec<u8>>(), content.as_bytes());
    }
}
