//! Untagged statuses that no command asked for: how they are written, when they leave, and that they are bounded like
//! everything that waits; and the mod-sequence of a mailbox in them and in tagged answers.
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

use posthaste_imap::server::{Access, Event, Extensions, Notice, SelectMore, Server, UidLife, Update};
use posthaste_imap::types::{EntryName, Mailbox, PermanentFlags};
use posthaste_imap::{Misuse, Step, Time};
use support::{everything, inbox, message, named_event, number, said, selected, sent, server, with};

fn tell(server: &mut Server, notice: Notice) -> Result<(), Misuse> {
    server.update(Update::Notice(notice))
}

/// Logged in and selected, with UIDs that do not last and mod-sequences or none, and CONDSTORE enabled or not.
fn session(highest_mod_seq: Option<u64>, enable: &str) -> Server {
    let mut server = server(everything());
    said(&mut server, format!("l LOGIN u p\r\ne ENABLE {enable}\r\ns SELECT inbox\r\n").as_bytes());
    server.handle_input(Time::ZERO, b"s SELECT inbox\r\n");
    let more = SelectMore { highest_mod_seq, uids: UidLife::NotSticky, ..SelectMore::default() };
    named_event!(server, Select).open(&mut server, inbox(), more).unwrap().ok(&mut server).unwrap();
    sent(&mut server);
    server
}

#[test]
fn every_notice_has_its_condition_and_its_code() {
    for (notice, expected) in [
        (Notice::Information("All is well".into()), "* OK All is well\r\n"),
        (Notice::Warning("Disk is slow".into()), "* NO Disk is slow\r\n"),
        (Notice::Alert("Down at ten".into()), "* OK [ALERT] Down at ten\r\n"),
        (Notice::OverQuota, "* NO [OVERQUOTA] Soft quota is exceeded\r\n"),
        (Notice::HighestModSeq(71), "* OK [HIGHESTMODSEQ 71] Highest\r\n"),
        (Notice::UidNotSticky, "* NO [UIDNOTSTICKY] UIDs do not last\r\n"),
        (Notice::PermanentFlags(PermanentFlags::default()), "* OK [PERMANENTFLAGS ()] Flags permitted\r\n"),
    ] {
        let mut server = session(Some(70), "CONDSTORE");
        tell(&mut server, notice).unwrap();
        assert_eq!(sent(&mut server), expected);
    }
}

#[test]
fn a_notice_cannot_break_out_of_its_line_or_pass_for_a_code() {
    for notice in [Notice::Information, Notice::Warning] {
        let mut server = selected(everything());
        tell(&mut server, notice("[ALERT] x\r\na OK y\0\r\n".into())).unwrap();
        let text = sent(&mut server);
        assert_eq!(text.matches("\r\n").count(), 1, "{text:?}");
        assert!(!text.contains("[ALERT]") && !text.contains('\0'), "{text:?}");
        tell(&mut server, notice(String::new())).unwrap();
        assert!(sent(&mut server).len() > "* OK \r\n".len(), "RFC 9051 has no empty text");
    }
}

#[test]
fn rfc9208_4_3_1_over_quota_is_told_only_where_a_mailbox_is_selected_or_append_is_in_progress() {
    let mut server = server(everything());
    assert!(tell(&mut server, Notice::OverQuota).is_err());
    said(&mut server, b"l LOGIN u p\r\n");
    assert!(tell(&mut server, Notice::OverQuota).is_err());
    server.handle_input(Time::ZERO, b"a APPEND inbox {1+}\r\nx\r\n");
    named_event!(server, Append).accept(&mut server).unwrap();
    assert!(matches!(server.poll_event(), Ok(Step::Event(Event::Body(_)))));
    let end = named_event!(server, AppendEnd);
    tell(&mut server, Notice::OverQuota).unwrap();
    end.ok(&mut server, number(9), number(40)).unwrap();
    assert_eq!(
        sent(&mut server),
        "* NO [OVERQUOTA] Soft quota is exceeded\r\na OK [APPENDUID 9 40] APPEND completed\r\n"
    );
    assert!(tell(&mut server, Notice::OverQuota).is_err(), "APPEND is over");
    said(&mut server, b"s SELECT inbox\r\n");
    tell(&mut server, Notice::OverQuota).unwrap();
}

#[test]
fn nothing_is_said_before_the_greeting() {
    let mut server = with(everything(), |_| {});
    tell(&mut server, Notice::Alert("Down at ten".into())).unwrap();
    assert_eq!(sent(&mut server), "");
    let text = said(&mut server, b"c CAPABILITY\r\n");
    let (greeting, alert) = (text.find("* OK [CAPABILITY "), text.find("* OK [ALERT] "));
    assert!(greeting == Some(0) && alert.is_some_and(|at| at < text.find("c OK ").unwrap()), "{text}");
}

#[test]
fn imap_23_notices_are_bounded_and_never_get_into_a_row() {
    let mut server = with(everything(), |config| config.limits.updates_max = 2);
    said(&mut server, b"l LOGIN u p\r\ns SELECT inbox\r\n");
    server.handle_input(Time::ZERO, b"f FETCH 1 UID\r\n");
    let row = named_event!(server, Fetch).begin().row(&mut server, message(1)).unwrap();
    for _ in 0..2 {
        tell(&mut server, Notice::Warning("slow".into())).unwrap();
    }
    assert!(matches!(tell(&mut server, Notice::Alert("x".into())), Err(Misuse::NotNow { .. })));
    row.finish(&mut server).unwrap().ok(&mut server).unwrap();
    assert_eq!(sent(&mut server), "* 1 FETCH ()\r\n* NO slow\r\n* NO slow\r\nf OK FETCH completed\r\n");
    assert_eq!(server.poll_event(), Ok(Step::NeedInput), "nothing of the mailbox was lost");
}

#[test]
fn imap_23_a_notice_too_many_does_not_end_notify() {
    let mut server = with(everything(), |config| config.limits.updates_max = 1);
    said(&mut server, b"l LOGIN u p\r\ns SELECT inbox\r\n");
    said(&mut server, b"w NOTIFY SET (inboxes (MessageNew MessageExpunge))\r\n");
    server.update(Update::Expunged(message(1))).unwrap();
    assert!(tell(&mut server, Notice::Alert("x".into())).is_err());
    assert_eq!(server.poll_event(), Ok(Step::NeedInput));
    said(&mut server, b"n NOOP\r\n");
    server.update(Update::Status(Mailbox::inbox(), vec![])).unwrap();
}

#[test]
fn rfc7162_3_2_the_mod_sequence_never_overtakes_an_expunge_that_waits() {
    let mut server = session(Some(70), "QRESYNC");
    server.update(Update::Expunged(message(1))).unwrap();
    tell(&mut server, Notice::HighestModSeq(80)).unwrap();
    tell(&mut server, Notice::Alert("now".into())).unwrap();
    assert_eq!(sent(&mut server), "* OK [ALERT] now\r\n", "what is not of the mailbox need not wait");
    assert_eq!(
        said(&mut server, b"n NOOP\r\n"),
        "* VANISHED 10\r\n* OK [HIGHESTMODSEQ 80] Highest\r\nn OK NOOP completed\r\n"
    );
}

#[test]
fn rfc7162_3_1_2_without_mod_sequences_none_is_told() {
    for (highest, enable) in [(None, "CONDSTORE"), (Some(70), "IMAP4rev2")] {
        let mut server = session(highest, enable);
        tell(&mut server, Notice::HighestModSeq(80)).unwrap();
        assert_eq!(sent(&mut server), "");
        assert!(!said(&mut server, b"x EXPUNGE\r\n").contains("MODSEQ"));
    }
    assert!(tell(&mut selected(Extensions::new()), Notice::HighestModSeq(80)).is_err());
}

#[test]
fn rfc7162_3_2_9_rfc6851_4_4_rfc8508_4_5_what_expunges_tells_the_mod_sequence_in_its_ok() {
    for (command, answer) in [
        ("EXPUNGE", "a OK [HIGHESTMODSEQ 90] EXPUNGE completed\r\n"),
        ("UID EXPUNGE 10", "a OK [HIGHESTMODSEQ 90] EXPUNGE completed\r\n"),
        ("MOVE 1 other", "a OK [HIGHESTMODSEQ 90] MOVE completed\r\n"),
        ("UID MOVE 10 other", "a OK [HIGHESTMODSEQ 90] MOVE completed\r\n"),
        ("REPLACE 1 inbox {1+}\r\nx", "a OK [HIGHESTMODSEQ 90] REPLACE completed\r\n"),
    ] {
        let mut server = session(Some(70), "QRESYNC");
        server.handle_input(Time::ZERO, format!("a {command}\r\n").as_bytes());
        while let Ok(Step::Event(event)) = server.poll_event() {
            match event {
                Event::Expunge(asked) => asked.ok_at(&mut server, 90).unwrap(),
                Event::Move(asked) => asked.ok_at(&mut server, 90).unwrap(),
                Event::Replace(asked) => asked.accept(&mut server).unwrap(),
                Event::ReplaceEnd(asked) => {
                    asked.ok_at(&mut server, number(9), number(40), message(1), 90).unwrap();
                }
                _ => {}
            }
        }
        assert!(sent(&mut server).ends_with(answer), "{command}");
    }
}

#[test]
fn rfc7162_3_2_8_the_ok_of_close_has_no_mod_sequence() {
    let mut server = session(Some(70), "QRESYNC");
    assert_eq!(said(&mut server, b"c CLOSE\r\n"), "c OK CLOSE completed\r\n");
}

#[test]
fn what_is_about_a_mailbox_goes_with_it() {
    let mut server = selected(everything());
    server.update(Update::Expunged(message(1))).unwrap();
    tell(&mut server, Notice::Access(Access::ReadOnly)).unwrap();
    let text = said(&mut server, b"s SELECT inbox\r\n");
    assert!(text.contains("s OK [READ-WRITE] ") && !text.contains("Access has changed"), "{text}");
    said(&mut server, b"u UNSELECT\r\n");
    assert!(tell(&mut server, Notice::Access(Access::ReadOnly)).is_err());
}

#[test]
fn rfc5464_4_1_changed_annotations_are_told_only_to_clients_that_enabled_it() {
    let names = || vec![EntryName::new("/shared/comment").unwrap()];
    let of_server = || Update::Metadata(Mailbox::new("").unwrap(), names());
    let of_mailbox = || Update::Metadata(Mailbox::inbox(), names());
    let mut server = server(everything());
    assert!(server.update(of_server()).is_err(), "nobody has logged in");
    said(&mut server, b"l LOGIN u p\r\n");
    assert!(server.update(of_server()).is_err() && server.update(of_mailbox()).is_err());
    assert!(said(&mut server, b"e ENABLE METADATA-SERVER\r\n").contains("* ENABLED METADATA-SERVER\r\n"));
    server.update(of_server()).unwrap();
    assert_eq!(sent(&mut server), "* METADATA \"\" /shared/comment\r\n");
    assert!(server.update(of_mailbox()).is_err());
    said(&mut server, b"e ENABLE METADATA\r\n");
    server.update(of_mailbox()).unwrap();
    assert_eq!(sent(&mut server), "* METADATA INBOX /shared/comment\r\n");
}
