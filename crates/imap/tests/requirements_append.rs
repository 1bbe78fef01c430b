//! What RFC 3502 asks of APPEND with several messages, and RFC 8508 of REPLACE. The lists that name these tests are
//! `tests/requirements/rfc3502.toml` and `rfc8508.toml` of the workspace.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

#[path = "support/server.rs"]
mod support;

use posthaste_imap::server::{Event, Refusal, Server};
use posthaste_imap::types::Flags;
use posthaste_imap::{Bytes, Step, Time};
use support::{everything, message, named_event, number, said, selected, sent, server};

fn ask(server: &mut Server, input: &str) {
    server.handle_input(Time::ZERO, input.as_bytes());
}

/// The events of `input`, each answered, and what is said.
fn heard(server: &mut Server, input: &str) -> (Vec<String>, String) {
    ask(server, input);
    let mut events = Vec::new();
    while let Ok(Step::Event(event)) = server.poll_event() {
        events.push(format!("{event:?}").split(['(', ' ']).next().unwrap().to_owned());
        support::answer(server, event).unwrap();
    }
    (events, sent(server))
}

fn words(flags: &Flags) -> String {
    flags.iter().map(|flag| flag.to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn rfc3502_6_3_11_each_message_has_its_own_flags_and_date() {
    let mut server = selected(everything());
    ask(
        &mut server,
        "a append inbox (\\Seen) {1+}\r\nx \" 7-Feb-2026 22:43:04 -0800\" {1+}\r\ny (\\Flagged k) {1+}\r\nz {1+}\r\nz\r\n",
    );
    let first = named_event!(server, Append);
    assert_eq!((words(&first.head.flags), first.head.date_time), ("\\Seen".to_owned(), None));
    first.accept(&mut server).unwrap();
    for (index, flags, dated) in [(2, "", true), (3, "\\Flagged k", false), (4, "", false)] {
        named_event!(server, Body);
        let more = named_event!(server, AppendMore);
        let options = &more.options;
        assert_eq!((words(&options.flags), options.date_time.is_some()), (flags.to_owned(), dated));
        assert_eq!(more.messages, index);
        more.accept(&mut server).unwrap();
    }
    named_event!(server, Body);
    assert_eq!(named_event!(server, AppendEnd).messages, 4);
}

#[test]
fn rfc3502_6_3_11_an_empty_message_is_no_and_gives_up_all() {
    for (command, reached) in [
        ("APPEND inbox {0}\r\n", &[][..]),
        ("APPEND inbox {0+}\r\n\r\n", &[]),
        ("APPEND inbox (\\Seen) {0+}\r\n {1+}\r\nx\r\n", &[]),
        ("APPEND inbox {1+}\r\nx {0}\r\n", &["Append", "Body", "BodyAborted"]),
        ("APPEND inbox {1+}\r\nx {0+}\r\n\r\n", &["Append", "Body", "BodyAborted"]),
        ("APPEND inbox {1+}\r\nx {0+}\r\n {1+}\r\ny\r\n", &["Append", "Body", "BodyAborted"]),
    ] {
        let mut server = selected(everything());
        let (events, text) = heard(&mut server, &format!("a {command}"));
        assert_eq!(events, reached, "{command:?}");
        assert!(text.starts_with("a NO ") && text.matches("\r\n").count() == 1, "{command:?}: {text}");
        assert_eq!(said(&mut server, b"b NOOP\r\n"), "b OK NOOP completed\r\n", "{command:?}");
    }
    // Without MULTIAPPEND nobody has said so.
    let mut server = selected(posthaste_imap::server::Extensions::new());
    let (_, text) = heard(&mut server, "a APPEND inbox {0+}\r\n\r\n");
    assert!(text.starts_with("a OK "), "{text}");
}

const REPLACE: [&str; 2] = ["REPLACE 1 drafts {1+}\r\nx\r\n", "UID REPLACE 10 drafts {1+}\r\nx\r\n"];

#[test]
fn rfc8508_3_5_replace_is_for_the_selected_state_only() {
    for login in ["", "l LOGIN u p\r\n", "l LOGIN u p\r\ns SELECT inbox\r\nu UNSELECT\r\n"] {
        for command in REPLACE {
            let mut server = server(everything());
            said(&mut server, login.as_bytes());
            let (events, text) = heard(&mut server, &format!("a {command}"));
            assert!(text.contains("a BAD ") || text.contains("a NO "), "{login} {command}: {text}");
            assert!(!events.iter().any(|event| event == "Replace"), "{login} {command}");
            assert!(said(&mut server, b"b NOOP\r\n").contains("b OK "), "the literal is no command");
        }
    }
    for command in REPLACE {
        let (events, text) = heard(&mut selected(everything()), &format!("a {command}"));
        assert!(events[0] == "Replace" && text.contains("a OK "), "{command}: {text}");
    }
}

#[test]
fn rfc8508_3_4_of_the_old_message_only_its_end_is_told_and_only_at_the_end() {
    for command in REPLACE {
        let mut server = selected(everything());
        ask(&mut server, &format!("a {command}"));
        named_event!(server, Replace).accept(&mut server).unwrap();
        assert_eq!(named_event!(server, Body), Bytes::from_static(b"x"));
        let end = named_event!(server, ReplaceEnd);
        assert_eq!(sent(&mut server), "", "nothing is done yet");
        end.ok(&mut server, number(9), number(40), message(1)).unwrap();
        // No FETCH, which is what STORE would say; and the new UID before the number of the old one.
        let expected =
            "* OK [APPENDUID 9 40] Replacement is there\r\n* 1 EXPUNGE\r\na OK REPLACE completed\r\n";
        assert_eq!(sent(&mut server), expected);
    }
}

#[test]
fn rfc8508_3_4_what_fails_expunges_nothing() {
    for command in REPLACE {
        // Before the message, with the code of APPEND, and behind it.
        for at_the_end in [false, true] {
            let mut server = selected(everything());
            ask(&mut server, &format!("a {command}"));
            let replace = named_event!(server, Replace);
            if at_the_end {
                replace.accept(&mut server).unwrap();
                named_event!(server, Body);
                named_event!(server, ReplaceEnd).no(&mut server, Refusal::over_quota()).unwrap();
                assert!(sent(&mut server).starts_with("a NO [OVERQUOTA] "), "{command}");
            } else {
                replace.no(&mut server, Refusal::try_create()).unwrap();
                assert!(sent(&mut server).starts_with("a NO [TRYCREATE] "), "{command}");
            }
            assert_eq!(said(&mut server, b"b NOOP\r\n"), "b OK NOOP completed\r\n", "{command}");
        }
        // A message that is cut is no message.
        let mut server = selected(everything());
        ask(&mut server, &format!("a {}", command.trim_end_matches("x\r\n")));
        named_event!(server, Replace).accept(&mut server).unwrap();
        server.handle_eof(Time::ZERO);
        assert!(matches!(server.poll_event(), Ok(Step::Event(Event::BodyAborted))));
        assert_eq!(sent(&mut server), "");
    }
}

#[test]
fn rfc8508_5_words_come_in_any_case() {
    for command in ["replace 1 INBOX (\\SEEN \\draft) {1+}\r\nx\r\n", "Uid rePlace 10 inBox {1+}\r\nx\r\n"] {
        let (_, text) = heard(&mut selected(everything()), &format!("a {command}"));
        assert!(text.contains("a OK "), "{command}: {text}");
    }
}
