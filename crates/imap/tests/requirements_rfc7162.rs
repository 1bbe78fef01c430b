//! What RFC 7162 (CONDSTORE and QRESYNC) asks of a server and of a client. The list that names these tests is
//! `tests/requirements/rfc7162.toml` of the workspace; which messages have changed is decided by `view`, and tested there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod client_support;
#[path = "support/server.rs"]
mod support;

use bytes::Bytes;
use client_support::say;
use posthaste_imap::client::{Client, Event as ClientEvent, Vanished};
use posthaste_imap::search::Hit;
use posthaste_imap::server::{Extensions, Feature, Found, SelectMore, Server, Update};
use posthaste_imap::types::{
    Capability, FetchAttribute, FetchItem, Flag, ModSeqScope, ParseContext, QResync, ResponseCode, SearchKey,
    SelectParameter, SequenceSet,
};
use posthaste_imap::{Misuse, Step, Time, parse};
use support::{everything, last, message, named_event, names, number, said, selected, sent, server, uids};

/// Logged in, nothing selected.
fn logged_in() -> Server {
    let mut server = server(everything());
    said(&mut server, b"l LOGIN u p\r\n");
    server
}

/// What is asked is the last of `input`, which is not answered here.
fn asked(server: &mut Server, input: &str) {
    server.handle_input(Time::ZERO, input.as_bytes());
}

#[test]
fn rfc7162_3_1_mod_sequences_are_carried_whole() {
    for (mod_seq, answer) in [("1", "OK"), ("9223372036854775807", "OK"), ("18446744073709551616", "BAD")] {
        let mut server = selected(everything());
        let text = said(&mut server, format!("a FETCH 1 FLAGS (CHANGEDSINCE {mod_seq})\r\n").as_bytes());
        assert!(text.contains(&format!("a {answer} ")), "{mod_seq}: {text}");
    }
    let mut server = selected(everything());
    asked(&mut server, "a FETCH 1 MODSEQ\r\n");
    let mut row = named_event!(server, Fetch).begin().row(&mut server, message(1)).unwrap();
    row.item(&mut server, &FetchItem::ModSeq(9_223_372_036_854_775_807)).unwrap();
    row.finish(&mut server).unwrap().ok(&mut server).unwrap();
    assert!(sent(&mut server).contains("* 1 FETCH (MODSEQ (9223372036854775807))\r\n"));
    // Not changed since before there was a message.
    assert!(said(&mut server, b"c STORE 1 (UNCHANGEDSINCE 0) FLAGS (\\Seen)\r\n").contains("c OK "));
}

#[test]
fn rfc7162_3_1_2_1_every_select_and_examine_brings_highestmodseq() {
    let mut server = logged_in();
    for enable in ["X-NONE", "CONDSTORE", "QRESYNC"] {
        said(&mut server, format!("e ENABLE {enable}\r\n").as_bytes());
        for open in ["SELECT inbox", "EXAMINE inbox", "SELECT inbox (CONDSTORE)"] {
            let text = said(&mut server, format!("a {open}\r\n").as_bytes());
            assert_eq!(text.matches("* OK [HIGHESTMODSEQ 700] ").count(), 1, "{open}: {text}");
            assert!(!text.contains("NOMODSEQ"), "{open}: {text}");
            said(&mut server, b"u UNSELECT\r\n");
        }
    }
}

#[test]
fn rfc7162_3_1_2_2_and_every_one_nomodseq_where_there_are_none() {
    for enable in ["X-NONE", "CONDSTORE", "QRESYNC"] {
        let mut server = logged_in();
        said(&mut server, format!("e ENABLE {enable}\r\n").as_bytes());
        for open in ["SELECT inbox", "EXAMINE inbox", "SELECT inbox (CONDSTORE)"] {
            asked(&mut server, &format!("a {open}\r\n"));
            named_event!(server, Select).ok(&mut server, support::inbox()).unwrap();
            let text = sent(&mut server);
            assert_eq!(text.matches("* OK [NOMODSEQ] ").count(), 1, "{open}: {text}");
            assert!(!text.contains("HIGHESTMODSEQ"), "{open}: {text}");
        }
    }
}

#[test]
fn rfc7162_3_1_3_a_conditional_store_tells_mod_sequences_even_when_silent() {
    for silent in ["", ".SILENT"] {
        let mut server = selected(everything());
        asked(&mut server, &format!("a STORE 1:2 (UNCHANGEDSINCE 600) +FLAGS{silent} (\\Seen)\r\n"));
        let store = named_event!(server, Store);
        assert_eq!(store.command.unchanged_since, Some(600));
        store.row(&mut server, message(1), vec![FetchItem::ModSeq(701)]).unwrap();
        store.modified(&mut server, SequenceSet::single(number(2))).unwrap();
        let expected = "* 1 FETCH (MODSEQ (701))\r\na OK [MODIFIED 2] ";
        let text = sent(&mut server);
        assert!(text.contains(expected), "{silent}: {text}");
        assert!(server.is_enabled(Feature::CondStore));
    }
}

#[test]
fn rfc7162_3_1_3_modified_answers_a_condition_and_nothing_else() {
    let mut server = selected(everything());
    asked(&mut server, "a STORE 1 +FLAGS (\\Seen)\r\n");
    let store = named_event!(server, Store);
    let refused = store.modified(&mut server, SequenceSet::single(number(1)));
    assert!(matches!(refused, Err(Misuse::Argument { argument: "modified", .. })), "{refused:?}");
}

#[test]
fn rfc7162_3_1_3_the_client_hears_which_messages_were_left_alone() {
    let mut client = client_support::selected("CONDSTORE");
    let line = Bytes::from("x UID STORE 7:9 (UNCHANGEDSINCE 600) +FLAGS.SILENT (\\Seen)");
    let id = client.command(parse::command(&line, &ParseContext::server()).unwrap().command).unwrap();
    assert_eq!(
        client_support::sent(&mut client),
        "A3 UID STORE 7:9 (UNCHANGEDSINCE 600) +FLAGS.SILENT (\\Seen)\r\n"
    );
    let answer = "* 1 FETCH (UID 7 MODSEQ (701))\r\nA3 OK [MODIFIED 8:9] not all\r\n";
    client.handle_input(Time::ZERO, answer.as_bytes());
    let mut modified = None;
    while let Step::Event(event) = client.poll_event().unwrap() {
        if let ClientEvent::Done { id: done, status } = event {
            assert_eq!(done, id);
            modified = status.code;
        }
    }
    let Some(ResponseCode::Modified(set)) = modified else { panic!("{modified:?}") };
    assert!(set.contains(8, 99) && set.contains(9, 99) && !set.contains(7, 99));
}

#[test]
fn rfc7162_3_1_5_entry_names_reach_the_application_and_the_answer_has_the_highest() {
    let mut server = selected(everything());
    asked(&mut server, "a SEARCH MODSEQ \"/flags/$Label\" all 620\r\n");
    let search = named_event!(server, Search);
    let SearchKey::ModSeq(key) = &search.command.keys[0] else { panic!("{search:?}") };
    assert_eq!(key.mod_seq, 620);
    assert_eq!(key.entry.as_ref().unwrap().scope, ModSeqScope::All);
    let hit = |at: u32, mod_seq| Hit { number: number(at), uid: number(at * 10), mod_seq };
    search.hits(&mut server, &[hit(1, 640), hit(2, 690), hit(3, 650)]).unwrap();
    assert!(sent(&mut server).ends_with("* SEARCH 1 2 3 (MODSEQ 690)\r\na OK SEARCH completed\r\n"));
}

#[test]
fn rfc7162_3_1_5_nothing_found_has_no_mod_sequence() {
    for (command, expected) in [
        ("SEARCH MODSEQ 1", "* SEARCH\r\n"),
        ("UID SEARCH MODSEQ 1", "* SEARCH\r\n"),
        ("UID SEARCH RETURN (MIN) MODSEQ 1", "* ESEARCH (TAG \"a\") UID\r\n"),
    ] {
        let mut server = selected(everything());
        said(&mut server, b"e ENABLE CONDSTORE\r\n");
        asked(&mut server, &format!("a {command}\r\n"));
        named_event!(server, Search).ok(&mut server, Found { numbers: vec![], mod_seq: Some(5) }).unwrap();
        assert_eq!(sent(&mut server), format!("{expected}a OK SEARCH completed\r\n"), "{command}");
    }
}

#[test]
fn rfc7162_3_1_6_uid_search_has_the_highest_too() {
    let mut server = selected(everything());
    said(&mut server, b"e ENABLE CONDSTORE\r\n");
    asked(&mut server, "a UID SEARCH MODSEQ 620\r\n");
    let hit = |uid: u32, mod_seq| Hit { number: number(uid), uid: number(uid), mod_seq };
    named_event!(server, Search).hits(&mut server, &[hit(10, 640), hit(30, 690)]).unwrap();
    assert_eq!(sent(&mut server), "* SEARCH 10 30 (MODSEQ 690)\r\na OK SEARCH completed\r\n");
}

#[test]
fn rfc7162_3_1_9_sort_has_the_highest_too() {
    let mut server = selected(everything());
    said(&mut server, b"e ENABLE CONDSTORE\r\n");
    let found = || Found { numbers: vec![number(3), number(1)], mod_seq: Some(690) };
    for (command, expected) in [
        ("SORT (SUBJECT) UTF-8 MODSEQ 620", "* SORT 3 1 (MODSEQ 690)\r\n"),
        ("UID SORT (SUBJECT) UTF-8 MODSEQ 620", "* SORT 3 1 (MODSEQ 690)\r\n"),
        ("SORT RETURN (ALL) (SUBJECT) UTF-8 MODSEQ 620", "* ESEARCH (TAG \"a\") ALL 3,1 MODSEQ 690\r\n"),
    ] {
        asked(&mut server, &format!("a {command}\r\n"));
        named_event!(server, Sort).ok(&mut server, found()).unwrap();
        assert_eq!(sent(&mut server), format!("{expected}a OK SORT completed\r\n"), "{command}");
        // And without what was found, none.
        asked(&mut server, &format!("b {command}\r\n"));
        named_event!(server, Sort).ok(&mut server, Found { numbers: vec![], mod_seq: Some(1) }).unwrap();
        assert!(!sent(&mut server).contains("MODSEQ"), "{command}");
    }
}

#[test]
fn rfc7162_3_1_10_esearch_has_the_highest_of_what_it_names() {
    let hit = |at: u32, mod_seq| Hit { number: number(at), uid: number(at * 10), mod_seq };
    let hits = [hit(1, 640), hit(2, 690), hit(3, 650)];
    for (returns, expected) in [
        ("ALL", "ALL 1:3 MODSEQ 690"),
        ("MIN", "MIN 1 MODSEQ 640"),
        ("MAX", "MAX 3 MODSEQ 650"),
        ("MIN MAX", "MIN 1 MAX 3 MODSEQ 650"),
        ("MIN COUNT", "MIN 1 COUNT 3 MODSEQ 690"),
    ] {
        let mut server = selected(everything());
        said(&mut server, b"e ENABLE CONDSTORE\r\n");
        asked(&mut server, &format!("a SEARCH RETURN ({returns}) MODSEQ 620\r\n"));
        named_event!(server, Search).hits(&mut server, &hits).unwrap();
        let expected = format!("* ESEARCH (TAG \"a\") {expected}\r\na OK SEARCH completed\r\n");
        assert_eq!(sent(&mut server), expected, "{returns}");
    }
}

#[test]
fn rfc7162_3_2_nothing_overtakes_an_expunge_that_waits() {
    let mut server = selected(everything());
    said(&mut server, b"e ENABLE QRESYNC\r\n");
    asked(&mut server, "a FETCH 1 FLAGS\r\n");
    let fetch = named_event!(server, Fetch).begin();
    server.update(Update::Expunged(message(2))).unwrap();
    let later =
        vec![FetchItem::Uid(number(30)), FetchItem::Flags([Flag::Seen].into()), FetchItem::ModSeq(702)];
    server.update(Update::Fetch(message(2), later)).unwrap();
    assert_eq!(sent(&mut server), "", "the mod-sequence of the change is above that of the expunge");
    fetch.ok(&mut server).unwrap();
    assert_eq!(sent(&mut server), "a OK FETCH completed\r\n");
    assert_eq!(
        said(&mut server, b"b NOOP\r\n"),
        "* VANISHED 20\r\n* 2 FETCH (UID 30 FLAGS (\\Seen) MODSEQ (702))\r\nb OK NOOP completed\r\n"
    );
}

#[test]
fn rfc7162_3_2_while_an_expunge_waits_highestmodseq_is_the_one_from_before() {
    let mut server = selected(everything());
    server.update(Update::Expunged(message(2))).unwrap();
    let text = said(&mut server, b"a SEARCH MODSEQ 5\r\n");
    assert!(text.contains("* OK [HIGHESTMODSEQ 700] ") && !text.contains("EXPUNGE"), "{text}");
}

#[test]
fn rfc7162_3_2_2_condstore_is_announced_with_qresync() {
    let mut server = server(Extensions::new().with_qresync());
    said(&mut server, b"l LOGIN u p\r\n");
    let names = names(&server.capabilities());
    for name in ["QRESYNC", "CONDSTORE", "ENABLE"] {
        assert_eq!(names.iter().filter(|known| *known == name).count(), 1, "{name} in {names:?}");
    }
}

#[test]
fn rfc7162_3_2_3_qresync_is_enabled_with_or_without_condstore() {
    for (enable, enabled) in [
        ("QRESYNC", "* ENABLED QRESYNC\r\n"),
        ("CONDSTORE QRESYNC", "* ENABLED CONDSTORE QRESYNC\r\n"),
        ("QRESYNC CONDSTORE", "* ENABLED CONDSTORE QRESYNC\r\n"),
    ] {
        let mut server = logged_in();
        let text = said(&mut server, format!("a ENABLE {enable}\r\n").as_bytes());
        assert_eq!(text, format!("{enabled}a OK ENABLE completed\r\n"));
        assert!(server.is_enabled(Feature::QResync) && server.is_enabled(Feature::CondStore), "{enable}");
        assert!(last(&mut server, "b SELECT inbox (QRESYNC (9 600))\r\n").contains("b OK "));
    }
}

#[test]
fn rfc7162_3_2_5_all_that_select_has_to_tell_is_told() {
    for parameter in ["", " (QRESYNC (9 600))", " (QRESYNC (1 600))", " (CONDSTORE)"] {
        let mut server = logged_in();
        said(&mut server, b"e ENABLE QRESYNC\r\n");
        let text = said(&mut server, format!("a SELECT inbox{parameter}\r\n").as_bytes());
        for data in [
            "* FLAGS (\\Seen)\r\n",
            "* 3 EXISTS\r\n",
            "* 1 RECENT\r\n",
            "* OK [UIDVALIDITY 9] ",
            "* OK [UIDNEXT 40] ",
            "* OK [PERMANENTFLAGS ",
            "* OK [HIGHESTMODSEQ 700] ",
            "\r\na OK [READ-WRITE] ",
        ] {
            assert_eq!(text.matches(data).count(), 1, "{parameter}: {data}: {text}");
        }
    }
}

#[test]
fn rfc7162_3_2_5_what_the_client_knows_reaches_the_application_whole() {
    let mut server = logged_in();
    said(&mut server, b"e ENABLE QRESYNC\r\n");
    asked(&mut server, "a SELECT inbox (QRESYNC (67890007 20050715194045000 41,43:211 (1:2 41,43)))\r\n");
    let select = named_event!(server, Select);
    let [SelectParameter::QResync(known)] = select.parameters.as_slice() else { panic!("{select:?}") };
    assert_eq!((known.uid_validity.get(), known.mod_seq), (67_890_007, 20_050_715_194_045_000));
    assert!(known.known_uids.as_ref().unwrap().iter().any(|uid| uid == 211));
    assert!(known.match_data.is_some());
    // UIDVALIDITY is another one, or there are no mod-sequences: the application says so and no more.
    let selecting = select.open(&mut server, support::inbox(), SelectMore::default()).unwrap();
    selecting.ok(&mut server).unwrap();
    let text = sent(&mut server);
    assert!(text.contains("* OK [UIDVALIDITY 9] ") && text.contains("* OK [NOMODSEQ] "), "{text}");
    assert!(!text.contains("VANISHED") && !text.contains("FETCH"), "{text}");
}

#[test]
fn rfc7162_3_2_6_vanished_needs_changedsince() {
    let mut server = selected(everything());
    said(&mut server, b"e ENABLE QRESYNC\r\n");
    let text = said(&mut server, b"a UID FETCH 1:* FLAGS (VANISHED)\r\n");
    assert!(text.starts_with("a BAD "), "{text}");
    let text = said(&mut server, b"b FETCH 1:* FLAGS (CHANGEDSINCE 5 VANISHED)\r\n");
    assert!(text.starts_with("b BAD "), "{text}");
}

/// A client that has enabled QRESYNC and has INBOX open; the next tag is A4.
fn resyncing() -> Client {
    client_support::enabled("CONDSTORE QRESYNC ENABLE", &[Capability::QResync])
}

#[test]
fn rfc7162_3_2_6_a_client_sends_vanished_with_changedsince_only() {
    let mut client = resyncing();
    let uids = || SequenceSet::single(number(7));
    client.uid_fetch_changed(uids(), vec![FetchAttribute::Flags], 5, Vanished::Told).unwrap();
    assert_eq!(client_support::sent(&mut client), "A4 UID FETCH 7 (FLAGS) (CHANGEDSINCE 5 VANISHED)\r\n");
    say(&mut client, "A4 OK\r\n");
    for line in ["UID FETCH 7 FLAGS (VANISHED)", "FETCH 7 FLAGS (CHANGEDSINCE 5 VANISHED)"] {
        let line = Bytes::from(format!("x {line}"));
        let command = parse::command(&line, &ParseContext::server()).unwrap().command;
        let refused = client.command(command);
        assert!(matches!(refused, Err(Misuse::Argument { argument: "VANISHED", .. })), "{refused:?}");
    }
    assert_eq!(client_support::sent(&mut client), "");
}

#[test]
fn rfc7162_3_2_5_2_known_numbers_go_out_as_ascending_pairs() {
    let mut client = resyncing();
    let known = QResync {
        uid_validity: number(7),
        mod_seq: 600,
        known_uids: Some(uids(&[30, 10, 20])),
        match_data: Some((uids(&[3, 1, 2]), uids(&[30, 10, 20]))),
    };
    client.select_qresync(posthaste_imap::types::Mailbox::inbox(), known).unwrap();
    assert_eq!(
        client_support::sent(&mut client),
        "A4 SELECT INBOX (QRESYNC (7 600 10,20,30 (1:3 10,20,30)))\r\n"
    );
}

#[test]
fn rfc7162_3_2_9_uid_expunge_brings_the_mod_sequence() {
    let mut server = selected(everything());
    said(&mut server, b"e ENABLE QRESYNC\r\n");
    let text = said(&mut server, b"a UID EXPUNGE 10:20\r\n");
    assert_eq!(text, "* VANISHED 10,20\r\na OK [HIGHESTMODSEQ 701] EXPUNGE completed\r\n");
}

#[test]
fn rfc7162_3_2_10_2_vanished_waits_for_a_uid_search_with_numbers() {
    for (search, told) in [
        ("UID SEARCH UNSEEN", true),
        ("UID SEARCH NOT (OR 1:2 SEEN)", false),
        ("UID SEARCH 1:2 UID 10", false),
    ] {
        let mut server = selected(everything());
        said(&mut server, b"e ENABLE QRESYNC\r\n");
        asked(&mut server, &format!("a {search}\r\n"));
        let asked = named_event!(server, Search);
        server.update(Update::Expunged(message(1))).unwrap();
        asked.ok(&mut server, vec![]).unwrap();
        assert_eq!(sent(&mut server).contains("* VANISHED 10\r\n"), told, "{search}");
    }
}

#[test]
fn rfc7162_3_2_11_closed_stands_between_two_mailboxes() {
    for (extensions, command) in [
        (Extensions::new().with_qresync(), "SELECT inbox"),
        (Extensions::new().with_qresync(), "EXAMINE other"),
        (Extensions::new().with_imap4rev2(), "SELECT inbox"),
    ] {
        let mut server = selected(extensions);
        let text = said(&mut server, format!("a {command}\r\n").as_bytes());
        assert!(text.starts_with("* OK [CLOSED] "), "{command}: {text}");
        assert_eq!(text.matches("[CLOSED]").count(), 1, "{command}: {text}");
        // Where nothing is left, nothing is said.
        said(&mut server, b"b UNSELECT\r\n");
        assert!(!said(&mut server, b"c SELECT inbox\r\n").contains("CLOSED"));
    }
}

#[test]
fn rfc7162_3_1_2_2_nothing_that_needs_mod_sequences_is_let_in_without_them() {
    let mut server = logged_in();
    asked(&mut server, "s SELECT inbox\r\n");
    named_event!(server, Select).ok(&mut server, support::inbox()).unwrap();
    assert!(sent(&mut server).contains("* OK [NOMODSEQ] "));
    for command in [
        "FETCH 1 FLAGS (CHANGEDSINCE 5)",
        "UID FETCH 1 (FLAGS MODSEQ)",
        "SEARCH MODSEQ 5",
        "UID SEARCH NOT (OR SEEN MODSEQ 5)",
        "SORT (DATE) UTF-8 MODSEQ 5",
        "STORE 1 (UNCHANGEDSINCE 5) +FLAGS (\\Seen)",
    ] {
        let text = said(&mut server, format!("a {command}\r\n").as_bytes());
        assert!(text.starts_with("a BAD "), "{command}: {text}");
    }
    for command in ["FETCH 1 FLAGS", "SEARCH SEEN", "STORE 1 +FLAGS (\\Seen)", "STATUS other (HIGHESTMODSEQ)"]
    {
        let text = said(&mut server, format!("b {command}\r\n").as_bytes());
        assert!(text.contains("b OK "), "{command}: {text}");
    }
}
