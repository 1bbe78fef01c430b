//! Servers that work on a bounded number of messages at a time (RFC 9738).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod client_support;

use client_support::{say, selected, sent};
use core::num::NonZeroU32;
use posthaste_imap::client::{
    AppendMessage, Change, Client, Counted, Event, Known, Outcome, Remaining, Resync, remaining_after,
};
use posthaste_imap::types::{Command, Mailbox, ParseContext, UidSet};
use posthaste_imap::{Bytes, Misuse, Step, Time, parse};
use proptest::prelude::*;

fn command(line: &str) -> Command {
    let line = Bytes::from(format!("A {line}"));
    parse::command(&line, &ParseContext::server()).unwrap().command
}

/// What the client writes for each of these commands.
fn written(client: &mut Client, commands: Vec<Command>) -> Vec<String> {
    let lines = commands.into_iter().map(|command| {
        client.command(command).unwrap();
        let line = sent(client);
        let (tag, line) = line.trim_end().split_once(' ').unwrap();
        say(client, &format!("{tag} OK\r\n"));
        line.to_owned()
    });
    lines.collect()
}

/// What is left of `line` when the server answers with this.
fn remaining(line: &str, answer: &str) -> Vec<String> {
    let mut client = selected("MOVE UIDPLUS ESEARCH SEARCHRES PARTIAL X-GM-EXT-1");
    let status =
        match parse::response(&Bytes::from(answer.to_owned()), &ParseContext::client()).unwrap().response {
            posthaste_imap::types::Response::Tagged(_, status)
            | posthaste_imap::types::Response::Untagged(status) => status,
            other => panic!("{other:?}"),
        };
    written(&mut client, remaining_after(&command(line), &status).commands())
}

#[test]
fn rfc9738_3_sets_are_divided_by_how_many_messages_they_name() {
    let split = |capabilities: &str, line: &str| {
        let mut client = selected(&format!("MOVE UIDPLUS PARTIAL {capabilities}"));
        say(&mut client, "* 5000 EXISTS\r\n");
        let commands = client.split(command(line));
        written(&mut client, commands)
    };
    assert_eq!(
        split("MESSAGELIMIT=1000", "UID FETCH 1:1500,2000,3001:3600 FLAGS"),
        [
            "UID FETCH 1:1000 (FLAGS)",
            "UID FETCH 1001:1500,2000,3001:3499 (FLAGS)",
            "UID FETCH 3500:3600 (FLAGS)"
        ]
    );
    assert_eq!(
        split("MESSAGELIMIT=1000", "STORE 1001:3000 +FLAGS (\\Seen)"),
        ["STORE 1001:2000 +FLAGS (\\Seen)", "STORE 2001:3000 +FLAGS (\\Seen)"]
    );
    // SAVELIMIT is about COPY alone.
    assert_eq!(split("SAVELIMIT=1000", "UID COPY 1:2000 x"), ["UID COPY 1:1000 x", "UID COPY 1001:2000 x"]);
    assert_eq!(split("SAVELIMIT=1000", "UID MOVE 1:2000 x"), ["UID MOVE 1:2000 x"]);
    assert_eq!(split("MESSAGELIMIT=1000", "UID MOVE 1:1001 x"), ["UID MOVE 1:1000 x", "UID MOVE 1001 x"]);
    // Whole: nobody knows how many; more than can be meant; numbers that may change meanwhile; a page.
    for whole in [
        "UID FETCH 1:* (FLAGS)",
        "UID FETCH 1:4294967295 (FLAGS)",
        "COPY 1:2000 x",
        "UID FETCH 1:2000 (FLAGS) (PARTIAL 1:500)",
        "UID FETCH 7:1006 (FLAGS)",
    ] {
        assert_eq!(split("MESSAGELIMIT=1000", whole), [whole]);
    }
    // By number it is known how many there are; those that have come in since are with the last.
    assert_eq!(
        split("MESSAGELIMIT=2000", "FETCH 1:* (FLAGS)"),
        ["FETCH 1:2000 (FLAGS)", "FETCH 2001:4000 (FLAGS)", "FETCH 4001:* (FLAGS)"]
    );
    assert_eq!(
        split("MESSAGELIMIT=2500", "STORE 1:*,9000 +FLAGS (\\Seen)"),
        ["STORE 1:2500 +FLAGS (\\Seen)", "STORE 2501:* +FLAGS (\\Seen)"]
    );
    assert_eq!(split("MESSAGELIMIT=1000", "FETCH 4500:* (FLAGS)"), ["FETCH 4500:* (FLAGS)"]);
    // Nothing to divide where there are not so many.
    let mut client = selected("MESSAGELIMIT=1000");
    let commands = client.split(command("UID FETCH 1:90000 FLAGS"));
    assert_eq!(written(&mut client, commands), ["UID FETCH 1:90000 (FLAGS)"]);
}

#[test]
fn rfc9738_3_1_what_is_left_when_the_server_stopped() {
    let partial = "A3 OK [MESSAGELIMIT 1000 23221] partial";
    for (line, rest) in [
        ("UID FETCH 10000:25000 (FLAGS)", "UID FETCH 10000:23220 (FLAGS)"),
        ("UID FETCH 1:* (FLAGS)", "UID FETCH 1:23220 (FLAGS)"),
        ("UID FETCH *:9,5 (FLAGS)", "UID FETCH 5,9:23220 (FLAGS)"),
        ("UID STORE 18000:25000 +FLAGS (\\Seen)", "UID STORE 18000:23220 +FLAGS (\\Seen)"),
        ("UID MOVE 18000:25000 x", "UID MOVE 18000:23220 x"),
        ("UID EXPUNGE 11000:25000", "UID EXPUNGE 11000:23220"),
        ("UID SEARCH UNDELETED", "UID SEARCH UNDELETED UID 1:23220"),
        ("SEARCH UNDELETED", "SEARCH UNDELETED UID 1:23220"),
        ("UID SEARCH RETURN (COUNT) UID 22000:25000", "UID SEARCH RETURN (COUNT) UID 22000:23220"),
    ] {
        assert_eq!(remaining(line, partial), [rest]);
        assert_eq!(remaining(line, "* NO [MESSAGELIMIT 1000 23221] beside EXPUNGEISSUED"), [rest]);
    }
    // Nothing is left, or nobody can say what; nothing is said; the server makes no sense.
    for line in [
        "UID FETCH 23221:25000 (FLAGS)",
        "FETCH 10000:14589 (FLAGS)",
        "STORE 1:2000 +FLAGS (\\Seen)",
        "UID FETCH $ (FLAGS)",
        "UID FETCH 1:25000 (FLAGS) (PARTIAL -1:-1500)",
        "UID SEARCH RETURN (SAVE) ALL",
        "UID FETCH 1:10 (FLAGS)",
        "UID SEARCH UID 1:10",
        "NOOP",
    ] {
        assert_eq!(remaining(line, partial), [""; 0], "{line}");
    }
    assert_eq!(remaining("UID FETCH 1:9 (FLAGS)", "A3 NO [MESSAGELIMIT 1000] no"), [""; 0]);
    assert_eq!(remaining("UID FETCH 1:9 (FLAGS)", "A3 OK done"), [""; 0]);
    assert_eq!(remaining("UID SEARCH ALL", "A3 OK [MESSAGELIMIT 1 1] x"), [""; 0]);
    // Nothing was copied: it is all still to be done.
    assert_eq!(
        remaining("UID COPY 18000:21000 Trash", "A3 NO [MESSAGELIMIT 1000 20001] too many"),
        ["UID COPY 20001:21000 Trash", "UID COPY 18000:20000 Trash"]
    );
    assert_eq!(
        remaining("UID COPY 1:* Trash", "A3 NO [MESSAGELIMIT 1000 20001] too many"),
        ["UID COPY 20001:* Trash", "UID COPY 1:20000 Trash"]
    );
}

/// Whether the whole was done has to be known by whoever calls it done.
#[test]
fn rfc9738_3_1_nothing_left_is_not_what_cannot_be_named() {
    let left = |line: &str, answer: &str| {
        let response = parse::response(&Bytes::from(answer.to_owned()), &ParseContext::client()).unwrap();
        let posthaste_imap::types::Response::Tagged(_, status) = response.response else { panic!() };
        remaining_after(&command(line), &status)
    };
    let partial = "A3 OK [MESSAGELIMIT 1000 23221] partial";
    for (line, answer) in [
        ("UID FETCH 23221:25000 (FLAGS)", partial),
        ("UID SEARCH UID 23221:25000", partial),
        ("UID FETCH 1:* (FLAGS)", "A3 OK [MESSAGELIMIT 1000 1] all"),
        ("UID SEARCH ALL", "A3 OK [MESSAGELIMIT 1000 1] all"),
        ("FETCH 1:9 (FLAGS)", "A3 OK [EXPUNGEISSUED] all"),
    ] {
        assert_eq!(left(line, answer), Remaining::Nothing, "{line}");
    }
    for (line, answer) in [
        ("FETCH 10000:14589 (FLAGS)", partial),
        ("UID FETCH $ (FLAGS)", partial),
        ("UID FETCH 1:25000 (FLAGS) (PARTIAL -1:-1500)", partial),
        ("UID SEARCH RETURN (SAVE) ALL", partial),
        ("UID SORT (DATE) UTF-8 ALL", partial),
        ("UID FETCH 1:10 (FLAGS)", partial),
        ("UID SEARCH UID 1:10", partial),
        ("UID COPY 23221:25000 x", "A3 NO [MESSAGELIMIT 1000 23221] no"),
        ("UID FETCH 1:9 (FLAGS)", "A3 NO [MESSAGELIMIT 1000] no"),
    ] {
        assert_eq!(left(line, answer), Remaining::Unknown, "{line}");
    }
}

#[test]
fn rfc9738_3_1_more_messages_than_are_stored_at_once_are_not_appended() {
    let mut client = selected("MULTIAPPEND SAVELIMIT=2");
    let messages = |count| std::iter::repeat_with(|| AppendMessage::of(1)).take(count);
    let refused = client.append_all(Mailbox::inbox(), messages(3));
    assert!(matches!(refused, Err(Misuse::Argument { argument: "messages", .. })), "{refused:?}");
    assert_eq!(sent(&mut client), "");
    client.append_all(Mailbox::inbox(), messages(2)).unwrap();
    assert_eq!(sent(&mut client), "A3 APPEND INBOX {1}\r\n");
}

/// A message that the server did not come to is not gone.
#[test]
fn rfc9738_4_1_a_resync_goes_on_where_the_server_stopped() {
    let mut client = selected("MESSAGELIMIT=2 ESEARCH");
    let uids = UidSet::from_numbers((1..=5).map(|uid| NonZeroU32::new(uid).unwrap()));
    let known = Known { uid_validity: NonZeroU32::new(7).unwrap(), highest_mod_seq: None, uids };
    let mut resync = Resync::new(&client, Mailbox::inbox(), Some(known));
    let (mut gone, mut told) = (Vec::new(), Vec::new());
    let row = |uid: u32| format!("* {uid} FETCH (UID {uid} FLAGS ())\r\n");
    for (line, answer) in [
        ("A3 SELECT INBOX", "* 5 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nA3 OK open\r\n".to_owned()),
        ("A4 UID FETCH 1:* (UID FLAGS)", format!("{}{}A4 OK [MESSAGELIMIT 2 4] part\r\n", row(5), row(4))),
        (
            "A5 UID FETCH 1:3 (UID FLAGS)",
            format!("{}{}* NO [MESSAGELIMIT 2 2] part\r\nA5 OK [EXPUNGEISSUED] x\r\n", row(3), row(2)),
        ),
        ("A6 UID FETCH 1 (UID FLAGS)", format!("{}A6 OK all\r\n", row(1))),
    ] {
        resync.run(&mut client).unwrap();
        assert_eq!(sent(&mut client).trim_end(), line);
        client.handle_input(Time::ZERO, answer.as_bytes());
        while let Step::Event(event) = client.poll_event().unwrap() {
            for change in resync.observe(&client, &event) {
                match change {
                    Change::Gone(uids) => gone.push(uids),
                    Change::Flags { uid, .. } => told.push(uid.get()),
                    other => panic!("{other:?}"),
                }
            }
            drop::<Event>(event);
        }
    }
    assert_eq!((gone, told), (vec![], vec![5, 4, 3, 2, 1]));
    assert!(matches!(resync.outcome(), Some(Outcome::Done { counted: Counted::Right, .. })));
}

proptest! {
    /// The parts name what the whole names, each no more than the limit.
    #[test]
    fn rfc9738_3_parts_are_the_whole(
        limit in 1u32..50,
        ranges in prop::collection::vec((1u32..400, 0u32..60), 1..12),
    ) {
        let mut client = selected(&format!("MESSAGELIMIT={limit}"));
        say(&mut client, "* 100000 EXISTS\r\n");
        let set: Vec<String> = ranges.iter().map(|(first, more)| format!("{first}:{}", first + more)).collect();
        let whole = command(&format!("UID FETCH {} FLAGS", set.join(",")));
        let numbers = |command: &Command| {
            let Command::Fetch(_, fetch) = command else { panic!() };
            fetch.set.numbers().unwrap().resolve(0).into_iter().flatten().collect::<Vec<u32>>()
        };
        let parts: Vec<Vec<u32>> = client.split(whole.clone()).iter().map(numbers).collect();
        prop_assert!(parts.iter().all(|part| !part.is_empty() && part.len() <= limit as usize));
        prop_assert_eq!(parts.concat(), numbers(&whole));
    }

    /// Whatever a server says, less is left each time, so that going on comes to an end.
    #[test]
    fn rfc9738_3_1_the_rest_is_less(
        answers in prop::collection::vec(1u32..60, 1..40),
        last in 1u32..50,
        search in any::<bool>(),
    ) {
        let line = if search { "UID SEARCH ALL".to_owned() } else { format!("UID FETCH 1:{last} FLAGS") };
        let (mut command, mut bound) = (command(&line), u64::MAX);
        for answer in answers {
            let response = Bytes::from(format!("A OK [MESSAGELIMIT 1 {answer}] x"));
            let parsed = parse::response(&response, &ParseContext::client()).unwrap().response;
            let posthaste_imap::types::Response::Tagged(_, status) = parsed else { panic!() };
            let Some(rest) = remaining_after(&command, &status).commands().pop() else { continue };
            prop_assert!(u64::from(answer) < bound);
            (command, bound) = (rest, u64::from(answer));
        }
    }
}
