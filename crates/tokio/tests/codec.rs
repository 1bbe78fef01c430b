//! Frames for `tokio_util::codec`: any split gives the same, limits hold, what is written is read again, and nothing
//! behind an error is read.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use std::fmt::Debug;

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use posthaste_imap::encode::{EncodeContext, Fragment, LiteralMode};
use posthaste_imap::types::{Command as ImapCommand, Response};
use posthaste_tokio::codec::{CodecError, FrameError, imap, pop3, smtp};
use tokio_util::codec::{Decoder, Encoder, Framed};

/// The frames of an input that comes in these pieces, and the error that ends them. `react` is what an application does
/// with a frame before it asks for the next.
fn frames<C>(
    codec: &mut C,
    pieces: &[&[u8]],
    react: impl Fn(&mut C, &C::Item),
) -> (Vec<C::Item>, Option<FrameError>)
where
    C: Decoder<Error = CodecError>,
{
    let (mut input, mut seen) = (BytesMut::new(), Vec::new());
    let broken = |error| match error {
        CodecError::Frame(error) => Some(error),
        error => panic!("{error}"),
    };
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match codec.decode(&mut input) {
                Ok(Some(item)) => {
                    react(codec, &item);
                    seen.push(item);
                }
                Ok(None) => break,
                Err(error) => {
                    let error = broken(error);
                    // It stays like that, whatever comes.
                    input.extend_from_slice(b"NOOP\r\n.\r\na NOOP\r\n");
                    assert_eq!(codec.decode(&mut input).err().and_then(broken), error);
                    return (seen, error);
                }
            }
        }
    }
    loop {
        match codec.decode_eof(&mut input) {
            Ok(Some(item)) => seen.push(item),
            Ok(None) => return (seen, None),
            Err(error) => return (seen, broken(error)),
        }
    }
}

/// All splits in two, and octet by octet, give what the whole gives; `merge` joins what may come in pieces.
fn assert_splits<C>(
    codec: impl Fn() -> C,
    input: &[u8],
    react: impl Fn(&mut C, &C::Item),
    merge: impl Fn(Vec<C::Item>) -> Vec<C::Item>,
) -> (Vec<C::Item>, Option<FrameError>)
where
    C: Decoder<Error = CodecError>,
    C::Item: Debug + PartialEq,
{
    let run = |pieces: &[&[u8]]| {
        let (seen, error) = frames(&mut codec(), pieces, &react);
        (merge(seen), error)
    };
    let whole = run(&[input]);
    for at in 0..=input.len() {
        assert_eq!(run(&[&input[..at], &input[at..]]), whole, "cut at {at}");
    }
    assert_eq!(run(&input.chunks(1).collect::<Vec<_>>()), whole);
    whole
}

fn smtp_react(codec: &mut smtp::ServerCodec, frame: &smtp::Received) {
    use posthaste_smtp::Command;
    match frame {
        smtp::Received::Command(Ok(Command::Data)) => codec.expect_message(),
        smtp::Received::Command(Ok(Command::Bdat { length, .. })) => codec.expect_octets(*length),
        smtp::Received::Command(Ok(Command::Auth { .. })) => codec.expect_line(),
        _ => {}
    }
}

fn smtp_merge(frames: Vec<smtp::Received>) -> Vec<smtp::Received> {
    let mut merged = Vec::new();
    for frame in frames {
        match (merged.last_mut(), frame) {
            (Some(smtp::Received::Content(before)), smtp::Received::Content(more)) => {
                *before = [before.as_ref(), &more].concat().into();
            }
            (_, frame) => merged.push(frame),
        }
    }
    merged
}

#[test]
fn smtp_commands_and_messages_are_frames_in_any_split() {
    let input =
        b"EHLO c.example\r\nWHAT is this\r\nAUTH PLAIN\r\nAGEAYg==\r\nDATA\r\nSubject: a\r\n\r\n..b\r\n.\r\n\
        BDAT 5\r\na\n.\r\nQUIT\r\n";
    let (seen, error) = assert_splits(smtp::ServerCodec::default, input, smtp_react, smtp_merge);
    assert_eq!(error, None);
    let content = |text: &'static str| smtp::Received::Content(text.into());
    assert!(
        matches!(&seen[1], smtp::Received::Command(Err(wrong)) if wrong.offset == 16 && wrong.error.offset == 0)
    );
    assert_eq!(seen[3], smtp::Received::Line("AGEAYg==".into()));
    assert_eq!(seen[5..7], [content("Subject: a\r\n\r\n.b\r\n"), smtp::Received::ContentEnd]);
    assert_eq!(seen[8..10], [content("a\n.\r\n"), smtp::Received::ContentEnd]);
    assert_eq!(seen.len(), 11);
}

#[test]
fn eod_01_to_13_nothing_but_a_dot_in_a_line_of_its_own_ends_a_message() {
    for end in [
        "\n.\n",
        "\n.\r\n",
        "\r\n.\n",
        "\r.\r",
        "\r.\r\n",
        "\r.\n",
        "\n.\r",
        "\r\n.\r",
        "\r\n\0.\r\n",
        "\r\n.\0\r\n",
        "\r\n.\r\r\n",
        "\r\r\n.\r\r\n",
        "\r\0\n.\r\n",
    ] {
        let input = format!("DATA\r\nx{end}MAIL FROM:<s@evil.example>\r\n\r\n.\r\nQUIT\r\n");
        let (seen, error) =
            assert_splits(smtp::ServerCodec::default, input.as_bytes(), smtp_react, smtp_merge);
        assert_eq!(error, None, "{end:?}");
        assert_eq!(seen.len(), 4, "{end:?}: {seen:?}");
        assert!(matches!(&seen[3], smtp::Received::Command(Ok(posthaste_smtp::Command::Quit))));
    }
}

#[test]
fn eod_18_every_short_body_ends_where_the_reference_says() {
    let alphabet = *b"\r\n.\0a";
    for length in 0..=6_u32 {
        for number in 0..5_usize.pow(length) {
            let body: Vec<u8> = (0..length).map(|place| alphabet[number / 5_usize.pow(place) % 5]).collect();
            // The CR LF of DATA counts as the one before the dot.
            let whole = [b"\r\n".as_slice(), &body, b"z\r\n.\r\n"].concat();
            let end = whole.windows(5).position(|octets| octets == b"\r\n.\r\n").unwrap();
            let mut codec = smtp::ServerCodec::default();
            codec.expect_message();
            let mut input = BytesMut::from(&whole[2..]);
            while !matches!(codec.decode(&mut input), Ok(Some(smtp::Received::ContentEnd))) {}
            assert_eq!(whole.len() - input.len(), end + 5, "{body:?}");
        }
    }
}

#[test]
fn a_line_over_its_limit_and_a_bare_line_end_are_the_end_with_their_place() {
    let limits = posthaste_smtp::Limits::default();
    let long = [b"NOOP\r\nNOOP ".as_slice(), &vec![b'x'; limits.command_line_max], b"\r\nQUIT\r\n"].concat();
    let (seen, error) = frames(&mut smtp::ServerCodec::default(), &[&long], smtp_react);
    assert_eq!(seen.len(), 1);
    assert_eq!(error, Some(FrameError::LineTooLong { offset: 6, limit: limits.command_line_max }));
    // One that is exactly as long as it may be is fine.
    let fits = [b"NOOP ".as_slice(), &vec![b'x'; limits.command_line_max - 7], b"\r\n"].concat();
    assert_eq!(frames(&mut smtp::ServerCodec::default(), &[&fits], smtp_react).1, None);
    for input in ["NOOP\r\nRSET\nQUIT\r\n", "NOOP\r\nRSET\rQUIT\r\n", "NOOP\r\nNOOP\r\r\n"] {
        let (seen, error) =
            assert_splits(smtp::ServerCodec::default, input.as_bytes(), smtp_react, smtp_merge);
        assert_eq!((seen.len(), error), (1, Some(FrameError::BareLineEnd { offset: 6 })), "{input:?}");
    }
}

#[test]
fn smtp_replies_are_whole_in_any_split() {
    let input = b"220 here\r\n250-mail.example\r\n250-SIZE 10\r\n250 HELP\r\n421 4.3.2 bye\r\n";
    let (seen, error) = assert_splits(smtp::ClientCodec::default, input, |_, _| {}, |seen| seen);
    assert_eq!(error, None);
    assert_eq!(
        seen.iter().map(|reply| (reply.code(), reply.lines().len())).collect::<Vec<_>>(),
        [(220, 1), (250, 3), (421, 1)]
    );
    let mut written = BytesMut::new();
    for reply in seen {
        smtp::ServerCodec::default().encode(reply, &mut written).unwrap();
    }
    assert_eq!(written, input[..]);
    let (_, error) = assert_splits(smtp::ClientCodec::default, b"220 a\r\nwhat\r\n", |_, _| {}, |seen| seen);
    assert_eq!(error, Some(FrameError::Syntax { offset: 7, rule: "reply code" }));
    let (_, error) = assert_splits(smtp::ClientCodec::default, b"250-a\r\n", |_, _| {}, |seen| seen);
    assert_eq!(error, Some(FrameError::Cut { offset: 7 }));
}

#[test]
fn pop3_commands_and_answers_are_frames_in_any_split() {
    let input = b"USER joe\r\nPASS  a b \r\nAUTH PLAIN\r\nAGEAYg==\r\nRETR 0\r\nRETR 1\r\n";
    let react = |codec: &mut pop3::ServerCodec, frame: &pop3::Received| {
        if matches!(frame, pop3::Received::Command(Ok(posthaste_pop3::Command::Auth { .. }))) {
            codec.expect_line();
        }
    };
    let (seen, error) = assert_splits(pop3::ServerCodec::default, input, react, |seen| seen);
    assert_eq!((seen.len(), error), (6, None));
    assert!(matches!(&seen[4], pop3::Received::Command(Err(wrong)) if wrong.offset == 44));
    let mut written = BytesMut::new();
    for frame in [&seen[0], &seen[1], &seen[5]] {
        let pop3::Received::Command(Ok(command)) = frame else { panic!("{frame:?}") };
        pop3::ClientCodec::default().encode(command.clone(), &mut written).unwrap();
    }
    assert_eq!(written, b"USER joe\r\nPASS  a b \r\nRETR 1\r\n"[..]);

    let answers = b"+OK ready\r\n+ \r\n-ERR [AUTH] no\r\n+OK rows\r\n..\r\n.a\r\nb\r\n.\r\n+OK\r\n";
    let react = |codec: &mut pop3::ClientCodec, frame: &pop3::ClientFrame| {
        if matches!(frame, pop3::ClientFrame::Reply(reply) if reply.text() == "rows") {
            codec.expect_rows();
        }
    };
    let (seen, error) = assert_splits(pop3::ClientCodec::default, answers, react, |seen| seen);
    assert_eq!(error, None);
    let row = |text: &'static str| pop3::ClientFrame::Row(text.into());
    assert_eq!(seen[4..8], [row("."), row("a"), row("b"), pop3::ClientFrame::RowsEnd]);
    assert!(matches!(&seen[1], pop3::ClientFrame::Challenge(challenge) if challenge.is_empty()));
    assert_eq!(seen.len(), 9);
}

fn imap_merge(frames: Vec<imap::Received>) -> Vec<imap::Received> {
    let mut merged = Vec::new();
    for frame in frames {
        match (merged.last_mut(), frame) {
            (Some(imap::Received::Content(before)), imap::Received::Content(more)) => {
                *before = [before.as_ref(), &more].concat().into();
            }
            (_, frame) => merged.push(frame),
        }
    }
    merged
}

fn imap_react(codec: &mut imap::ServerCodec, frame: &imap::Received) {
    if matches!(frame, imap::Received::Command(Ok(it)) if it.command == ImapCommand::Idle) {
        codec.expect_line();
    }
}

#[test]
fn imap_commands_with_literals_are_frames_in_any_split() {
    let input = b"a LOGIN {3}\r\njoe {2+}\r\n\r\n\r\nb WHAT\r\nc IDLE\r\nDONE\r\n\
        d APPEND {5+}\r\nInbox {9}\r\na NOOP\r\n\n {3+}\r\nxyz\r\ne NOOP\r\n";
    let (seen, error) = assert_splits(imap::ServerCodec::default, input, imap_react, imap_merge);
    assert_eq!(error, None);
    assert!(matches!(&seen[0], imap::Received::Wait(header) if header.len == 3));
    assert!(
        matches!(&seen[1], imap::Received::Command(Ok(it)) if matches!(it.command, ImapCommand::Login { .. }))
    );
    assert!(
        matches!(&seen[2], imap::Received::Command(Err(wrong)) if wrong.offset == 27 && wrong.line == "b WHAT")
    );
    assert_eq!(seen[4], imap::Received::Line("DONE".into()));
    assert!(
        matches!(&seen[5], imap::Received::Command(Ok(it)) if matches!(it.command, ImapCommand::Append(..)))
    );
    assert_eq!(seen[6], imap::Received::Content("a NOOP\r\n\n".into()));
    assert_eq!(seen[7], imap::Received::Rest(" {3+}".into()));
    assert_eq!(seen[8..10], [imap::Received::Content("xyz".into()), imap::Received::Rest("".into())]);
    assert!(matches!(&seen[10], imap::Received::Command(Ok(it)) if it.command == ImapCommand::Noop));
    assert_eq!(seen.len(), 11);
}

#[test]
fn imap_01_and_imap_02_a_literal_over_the_limit_is_refused_or_the_end_and_never_read_as_commands() {
    for announced in ["200000", "4294967295", "18446744073709551616"] {
        let input = format!("a LOGIN {{{announced}}}\r\nb NOOP\r\n");
        let (seen, error) =
            assert_splits(imap::ServerCodec::default, input.as_bytes(), imap_react, imap_merge);
        assert_eq!(error, None);
        assert!(matches!(&seen[0], imap::Received::TooLong(frame) if frame.starts_with(b"a LOGIN {")));
        assert!(matches!(&seen[1], imap::Received::Command(Ok(it)) if it.command == ImapCommand::Noop));
        let input = format!("a NOOP\r\na LOGIN {{{announced}+}}\r\nb LOGOUT\r\n");
        let (seen, error) =
            assert_splits(imap::ServerCodec::default, input.as_bytes(), imap_react, imap_merge);
        assert!(matches!(error, Some(FrameError::LiteralTooLong { offset: 8, .. })), "{error:?}");
        assert_eq!(seen.len(), 1);
    }
    let (_, error) = assert_splits(imap::ServerCodec::default, b"a X {-1}\r\n", imap_react, imap_merge);
    assert_eq!(error, Some(FrameError::Braces { offset: 0 }));
}

#[test]
fn imap_05_literals_are_bounded_by_count_and_by_total() {
    let mut limits = imap::FrameLimits::server();
    (limits.literals_max, limits.frame_max) = (3, 100);
    let codec = || imap::ServerCodec::new(limits, posthaste_imap::types::ParseContext::server());
    let many = b"a X {0+}\r\n{0+}\r\n{0+}\r\n{0+}\r\n\r\n";
    let (_, error) = assert_splits(codec, many, imap_react, imap_merge);
    assert_eq!(error, Some(FrameError::TooManyLiterals { offset: 22, limit: 3 }));
    let text = [b"a X {50+}\r\n".as_slice(), &[b'x'; 50], &[b'y'; 50], b"\r\n"].concat();
    let (_, error) = assert_splits(codec, &text, imap_react, imap_merge);
    assert_eq!(error, Some(FrameError::FrameTooLong { offset: 61, limit: 100 }));
    let literal = [b"a X {50+}\r\n".as_slice(), &[b'x'; 50], b" {50+}\r\n"].concat();
    let (_, error) = assert_splits(codec, &literal, imap_react, imap_merge);
    assert!(matches!(error, Some(FrameError::LiteralTooLong { offset: 61, .. })), "{error:?}");
}

#[test]
fn a_refused_literal_ends_its_frame() {
    let react = |codec: &mut imap::ServerCodec, frame: &imap::Received| {
        if matches!(frame, imap::Received::Wait(_)) {
            codec.refuse_literal();
        }
    };
    let input = b"a LOGIN {3}\r\nb NOOP\r\n";
    let (seen, error) = assert_splits(imap::ServerCodec::default, input, react, imap_merge);
    assert_eq!((seen.len(), error), (2, None));
    assert!(matches!(&seen[1], imap::Received::Command(Ok(it)) if it.command == ImapCommand::Noop));
}

#[test]
fn imap_responses_with_literals_are_frames_in_any_split_and_read_what_is_written() {
    let input = b"* OK see {5}\r\n* 1 FETCH (UID 7 BODY[] {4}\r\na\r\n) FLAGS ())\r\na NO {what}\r\n+ {1}\r\n* 2 EXISTS\r\n";
    let (seen, error) = assert_splits(imap::ClientCodec::default, input, |_, _| {}, |seen| seen);
    assert_eq!(error, None);
    let responses: Vec<Response> = seen.into_iter().map(|read| read.unwrap().response).collect();
    assert!(matches!(&responses[1], Response::Fetch(number, items) if number.get() == 1 && items.len() == 3));
    assert!(matches!(&responses[2], Response::Tagged(..)));
    assert!(matches!(&responses[3], Response::Continue(text) if text == "{1}"));
    assert_eq!((responses.len(), &responses[4]), (5, &Response::Exists(2)));
    let mut written = BytesMut::new();
    for response in &responses {
        imap::ServerCodec::default().encode(response.clone(), &mut written).unwrap();
    }
    let (again, _) = frames(&mut imap::ClientCodec::default(), &[&written], |_, _| {});
    let again: Vec<Response> = again.into_iter().map(|read| read.unwrap().response).collect();
    assert_eq!(again, responses);
    let (_, error) = assert_splits(imap::ClientCodec::default, b"* LIST () {9", |_, _| {}, |seen| seen);
    assert_eq!(error, Some(FrameError::Cut { offset: 12 }));
}

#[tokio::test]
async fn an_imap_command_with_a_literal_goes_through_framed_and_waits_for_its_turn() {
    let (near, far) = tokio::io::duplex(7);
    let server = tokio::spawn(async move {
        let mut server = Framed::new(near, imap::ServerCodec::default());
        let mut command = None;
        while let Some(frame) = server.next().await {
            match frame.unwrap() {
                imap::Received::Wait(_) => server.send(Response::Continue(Bytes::new())).await.unwrap(),
                imap::Received::Command(read) => command = Some(read.unwrap()),
                frame => panic!("{frame:?}"),
            }
        }
        command.unwrap()
    });
    let mut client = Framed::new(far, imap::ClientCodec::default());
    let line = Bytes::from_static(b"a LOGIN {3}\r\njoe {9}\r\nGeheim \r\n");
    let sent = posthaste_imap::parse::command(&line, &posthaste_imap::types::ParseContext::server()).unwrap();
    let context = EncodeContext { literals: LiteralMode::Synchronising, ..EncodeContext::default() };
    let fragments = posthaste_imap::encode::command(&sent.tag, &sent.command, context);
    assert!(fragments.contains(&Fragment::SyncPoint));
    for fragment in fragments {
        let waits = fragment == Fragment::SyncPoint;
        client.send(fragment).await.unwrap();
        if waits {
            let read = client.next().await.unwrap().unwrap().unwrap();
            assert!(matches!(read.response, Response::Continue(_)));
        }
    }
    drop(client);
    assert_eq!(server.await.unwrap(), sent);
}
