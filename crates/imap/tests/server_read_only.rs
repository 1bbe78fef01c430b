//! A mailbox that is read-only, by EXAMINE, by the answer to SELECT, or because its access has changed: what the machine
//! refuses itself, and what it still lets through (RFC 9051 6.3.2, 6.3.3, 6.4.1, 7.1).
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

use posthaste_imap::server::{Access, Event, Notice, SelectData, SelectMore, SelectedFlags, Server, Update};
use posthaste_imap::types::{Flag, PermanentFlags};
use posthaste_imap::{Step, Time};
use support::{everything, inbox, named_event, said, selected, sent, server};

fn some_flags() -> PermanentFlags {
    PermanentFlags { flags: [Flag::Seen].into_iter().collect(), new_keywords: false }
}

/// A session in which the mailbox was opened by `command` and the application said `access` and `permanent`.
fn opened(command: &str, access: Access, permanent: PermanentFlags) -> (Server, String) {
    let mut server = server(everything());
    said(&mut server, b"l LOGIN u p\r\n");
    server.handle_input(Time::ZERO, format!("s {command} inbox\r\n").as_bytes());
    let flags = SelectedFlags { permanent, ..SelectedFlags::default() };
    let more = SelectMore { highest_mod_seq: Some(700), ..SelectMore::default() };
    let data = SelectData { access, flags, ..inbox() };
    named_event!(server, Select).open(&mut server, data, more).unwrap().ok(&mut server).unwrap();
    let text = sent(&mut server);
    (server, text)
}

/// What is sent for `command` and which event it is.
fn asks(server: &mut Server, command: &str) -> (String, Option<Event>) {
    server.handle_input(Time::ZERO, format!("a {command}\r\n").as_bytes());
    let event = match server.poll_event() {
        Ok(Step::Event(event)) => Some(event),
        _ => None,
    };
    (sent(server), event)
}

const REMOVING: [&str; 7] = [
    "EXPUNGE",
    "UID EXPUNGE 1:*",
    "MOVE 1 other",
    "UID MOVE 1 other",
    "REPLACE 1 inbox {1+}\r\nx",
    "UID REPLACE 1 inbox {1+}\r\nx",
    "REPLACE 1 inbox {1}",
];

#[test]
fn rfc9051_6_3_2_select_can_be_answered_read_only_and_examine_never_read_write() {
    for (command, access, expected, permanent) in [
        ("SELECT", Access::ReadWrite, "s OK [READ-WRITE] ", "[PERMANENTFLAGS (\\Seen)]"),
        ("SELECT", Access::ReadOnly, "s OK [READ-ONLY] ", "[PERMANENTFLAGS (\\Seen)]"),
        ("EXAMINE", Access::ReadWrite, "s OK [READ-ONLY] ", "[PERMANENTFLAGS ()]"),
        ("EXAMINE", Access::ReadOnly, "s OK [READ-ONLY] ", "[PERMANENTFLAGS ()]"),
    ] {
        let (server, text) = opened(command, access, some_flags());
        assert!(text.contains(expected) && text.contains(permanent), "{text}");
        assert_eq!(server.is_read_only(), expected.contains("ONLY"));
    }
}

#[test]
fn rfc9051_6_3_3_what_removes_messages_is_refused_where_the_mailbox_is_read_only_and_only_there() {
    for command in ["SELECT", "EXAMINE"] {
        for removing in REMOVING {
            let (mut server, _) = opened(command, Access::ReadOnly, some_flags());
            let (text, event) = asks(&mut server, removing);
            assert!(text.starts_with("a NO [READ-ONLY] ") && !text.contains('+'), "{removing}: {text}");
            assert_eq!(event, None, "{removing}");
            assert!(said(&mut server, b"b NOOP\r\n").starts_with("b OK "), "{removing}");
        }
    }
    for removing in REMOVING {
        let (mut server, _) = opened("SELECT", Access::ReadWrite, some_flags());
        assert!(asks(&mut server, removing).1.is_some(), "{removing}");
    }
}

#[test]
fn rfc9051_6_3_2_flags_of_the_users_own_can_be_changed_in_a_read_only_mailbox_but_not_after_examine() {
    for (command, permanent, comes) in [
        ("SELECT", some_flags(), true),
        ("SELECT", PermanentFlags::default(), false),
        ("EXAMINE", some_flags(), false),
    ] {
        let (mut server, _) = opened(command, Access::ReadOnly, permanent);
        let (text, event) = asks(&mut server, "STORE 1 +FLAGS (\\Seen)");
        assert_eq!(matches!(event, Some(Event::Store(_))), comes, "{text}");
        assert_eq!(text.starts_with("a NO [READ-ONLY] "), !comes, "{text}");
    }
    // Flags that last for the session only are the application's business where the mailbox can be changed.
    let (mut server, _) = opened("SELECT", Access::ReadWrite, PermanentFlags::default());
    assert!(matches!(asks(&mut server, "STORE 1 +FLAGS (\\Seen)").1, Some(Event::Store(_))));
}

#[test]
fn rfc9051_6_4_1_close_of_a_read_only_mailbox_cannot_expunge() {
    let (mut server, _) = opened("EXAMINE", Access::ReadWrite, some_flags());
    let (_, event) = asks(&mut server, "CLOSE");
    let Some(Event::Unselect(asked)) = event else { panic!("{event:?}") };
    asked.ok(&mut server).unwrap();
    assert!(sent(&mut server).starts_with("a OK "));
    assert_eq!(server.state(), posthaste_imap::State::Authenticated);
    let (mut server, _) = opened("SELECT", Access::ReadWrite, some_flags());
    assert!(matches!(asks(&mut server, "CLOSE").1, Some(Event::Close(_))));
}

#[test]
fn rfc9051_6_4_1_no_expunge_is_told_at_close() {
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"c CLOSE\r\n");
    let close = named_event!(server, Close);
    assert!(!server.may_expunge());
    server.update(Update::Expunged(support::message(1))).unwrap();
    close.ok(&mut server).unwrap();
    assert_eq!(sent(&mut server), "c OK CLOSE completed\r\n");
}

#[test]
fn rfc9051_7_1_a_change_of_access_is_told_once_and_heeded() {
    let (mut server, _) = opened("SELECT", Access::ReadWrite, some_flags());
    for _ in 0..2 {
        server.update(Update::Notice(Notice::Access(Access::ReadOnly))).unwrap();
    }
    assert_eq!(sent(&mut server), "* OK [READ-ONLY] Access has changed\r\n");
    assert!(server.is_read_only());
    assert!(asks(&mut server, "EXPUNGE").0.starts_with("a NO [READ-ONLY] "));
    server.update(Update::Notice(Notice::Access(Access::ReadWrite))).unwrap();
    assert_eq!(sent(&mut server), "* OK [READ-WRITE] Access has changed\r\n");
    assert!(asks(&mut server, "EXPUNGE").1.is_some());
}

#[test]
fn rfc9051_6_3_3_what_examine_opened_never_becomes_writable() {
    let (mut server, _) = opened("EXAMINE", Access::ReadWrite, some_flags());
    server.update(Update::Notice(Notice::Access(Access::ReadWrite))).unwrap();
    server.update(Update::Notice(Notice::PermanentFlags(some_flags()))).unwrap();
    assert_eq!(sent(&mut server), "* OK [PERMANENTFLAGS ()] Flags permitted\r\n");
    assert!(server.is_read_only());
    assert!(asks(&mut server, "STORE 1 FLAGS (\\Seen)").0.starts_with("a NO [READ-ONLY] "));
}
