//! What the server machine offers, and that nothing else is let in: announced by state, gated by argument, enabled
//! where it has to be.
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

use posthaste_imap::search::Hit;
use posthaste_imap::server::{Event, Extensions, Feature, SelectMore, Server, UidLife};
use posthaste_imap::types::{
    AString, Acl, Atom, FetchItem, ListResponse, ListReturn, ListSelection, Mailbox, MailboxAttribute, Rights,
};
use posthaste_imap::{Misuse, Security, State, Step, Time};
use posthaste_testkit::{assert_split_invariant, run};
use support::{
    application, everything, last, message, named_event, names, number, said, selected, sent, server,
};

#[test]
fn far_less_is_announced_before_login() {
    let mut server = server(everything());
    let before = names(&server.capabilities());
    assert_eq!(before, ["IMAP4rev1", "IMAP4rev2", "LITERAL+", "ID", "ENABLE", "SASL-IR", "AUTH=PLAIN"]);
    said(&mut server, b"a LOGIN u p\r\n");
    let after = names(&server.capabilities());
    for name in [
        "IMAP4rev2",
        "CONDSTORE",
        "QRESYNC",
        "ESEARCH",
        "LIST-EXTENDED",
        "LIST-STATUS",
        "LIST-MYRIGHTS",
        "SPECIAL-USE",
        "CREATE-SPECIAL-USE",
        "UIDPLUS",
        "MOVE",
        "UNSELECT",
        "LITERAL+",
        "QUOTA",
        "QUOTA=RES-STORAGE",
        "QUOTASET",
        "APPENDLIMIT=52428800",
        "COMPRESS=DEFLATE",
        "UTF8=ACCEPT",
        "BINARY",
        "MULTIAPPEND",
        "SEARCHRES",
        "WITHIN",
        "STATUS=SIZE",
        "SORT",
        "SORT=DISPLAY",
        "ESORT",
        "THREAD=REFERENCES",
        "THREAD=ORDEREDSUBJECT",
        "ACL",
        "RIGHTS=ektx",
        "METADATA",
        "NOTIFY",
        "OBJECTID",
        "PREVIEW",
        "SAVEDATE",
        "REPLACE",
        "INPROGRESS",
        "PARTIAL",
        "UIDONLY",
        "UIDBATCHES",
        "MULTISEARCH",
        "UNAUTHENTICATE",
        "IDLE",
        "NAMESPACE",
        "CHILDREN",
    ] {
        assert!(after.iter().any(|known| known == name), "{name} in {after:?}");
    }
    assert!(!after.iter().any(|name| name.starts_with("AUTH=") || name == "SASL-IR"), "{after:?}");
}

#[test]
fn the_default_offers_what_costs_nothing() {
    let mut server = server(Extensions::new());
    said(&mut server, b"a LOGIN u p\r\n");
    let expected = [
        "IMAP4rev1",
        "LITERAL+",
        "ID",
        "ENABLE",
        "IDLE",
        "NAMESPACE",
        "CHILDREN",
        "UIDPLUS",
        "MOVE",
        "UNSELECT",
        "ESEARCH",
        "APPENDLIMIT=52428800",
    ];
    assert_eq!(names(&server.capabilities()), expected);
}

#[test]
fn rfc6154_2_special_use_is_announced_where_its_options_are_taken() {
    for (extensions, taken) in [(Extensions::new(), false), (Extensions::new().with_list_extended(), true)] {
        let mut server = server(extensions);
        said(&mut server, b"a LOGIN u p\r\n");
        assert_eq!(names(&server.capabilities()).contains(&"SPECIAL-USE".to_owned()), taken);
        for command in ["LIST (SPECIAL-USE) \"\" *", "LIST \"\" * RETURN (SPECIAL-USE)"] {
            let text = said(&mut server, format!("b {command}\r\n").as_bytes());
            assert_eq!(text.contains("b OK "), taken, "{command}: {text}");
        }
    }
}

/// Commands, each of which needs one offer, with a mailbox selected and CONDSTORE and QRESYNC enabled where they are
/// there.
const GATED: [&str; 62] = [
    "SELECT inbox (CONDSTORE)",
    "SELECT inbox (QRESYNC (9 600))",
    "LIST (SUBSCRIBED) \"\" *",
    "LIST \"\" (a b)",
    "LIST \"\" * RETURN (CHILDREN)",
    "LIST \"\" * RETURN (STATUS (MESSAGES))",
    "LIST \"\" * RETURN (MYRIGHTS)",
    "CREATE x (USE (\\Sent))",
    "STATUS inbox (SIZE)",
    "STATUS inbox (HIGHESTMODSEQ)",
    "STATUS inbox (MAILBOXID)",
    "STATUS inbox (DELETED)",
    "STATUS inbox (DELETED-STORAGE)",
    "FETCH 1 (BINARY[1])",
    "FETCH 1 (BINARY.SIZE[1])",
    "FETCH 1 (FLAGS MODSEQ)",
    "FETCH 1 FLAGS (CHANGEDSINCE 5)",
    "UID FETCH 1:* FLAGS (CHANGEDSINCE 5 VANISHED)",
    "UID FETCH 1:* FLAGS (PARTIAL -1:-5)",
    "FETCH 1 SAVEDATE",
    "FETCH 1 EMAILID",
    "FETCH 1 THREADID",
    "FETCH 1 PREVIEW",
    "FETCH $ FLAGS",
    "STORE 1 (UNCHANGEDSINCE 5) FLAGS (\\Seen)",
    "STORE $ FLAGS (\\Seen)",
    "COPY $ x",
    "UID MOVE $ x",
    "UID EXPUNGE $",
    "SEARCH RETURN (SAVE) ALL",
    "SEARCH RETURN (PARTIAL 1:5) ALL",
    "SEARCH $",
    "SEARCH NOT (OR SEEN OLDER 5)",
    "SEARCH YOUNGER 5",
    "SEARCH MODSEQ 5",
    "SEARCH EMAILID x",
    "SEARCH SAVEDSINCE 1-Jan-2024",
    "SORT (SUBJECT) UTF-8 ALL",
    "UID SORT (DISPLAYFROM) UTF-8 ALL",
    "SORT RETURN (COUNT) (DATE) UTF-8 ALL",
    "THREAD REFERENCES UTF-8 ALL",
    "ESEARCH IN (personal) ALL",
    "UIDBATCHES 500",
    "GETQUOTA \"\"",
    "GETQUOTAROOT inbox",
    "SETQUOTA \"\" (STORAGE 5)",
    "GETACL inbox",
    "SETACL inbox joe +l",
    "DELETEACL inbox joe",
    "LISTRIGHTS inbox joe",
    "MYRIGHTS inbox",
    "GETMETADATA inbox /private/comment",
    "GETMETADATA \"\" /private/comment",
    "SETMETADATA inbox (/private/comment NIL)",
    "NOTIFY NONE",
    "NOTIFY SET STATUS (inboxes (MessageNew MessageExpunge))",
    "COMPRESS DEFLATE",
    "UNAUTHENTICATE",
    "REPLACE 1 inbox {2+}\r\nhi",
    "UID REPLACE 10 inbox {2+}\r\nhi",
    "APPEND inbox ~{2+}\r\nhi",
    "APPEND inbox {2+}\r\nhi {2+}\r\nho",
];

#[test]
fn imap_22_what_is_not_offered_is_refused_in_any_split_and_what_is_offered_is_done() {
    for command in GATED {
        let input = format!("l LOGIN u p\r\ne ENABLE QRESYNC\r\ns SELECT inbox\r\nc {command}\r\nd NOOP\r\n");
        let outcome =
            assert_split_invariant(|| server(Extensions::new()), input.as_bytes(), true, application);
        let text = outcome.text();
        assert!(text.contains("\r\nc BAD ") && text.contains("\r\nd OK "), "{command}: {text}");
        let mut server = server(everything());
        let outcome = run(&mut server, [input.as_bytes()], false, application);
        let text = outcome.text();
        // What comes behind COMPRESS is residue.
        assert!(text.contains("\r\nc OK ") || command.starts_with("COMPRESS"), "{command}: {text}");
    }
}

#[test]
fn a_literal_is_never_let_in_for_what_is_not_offered() {
    for command in [
        "REPLACE 1 inbox {2}",
        "UID REPLACE 1 inbox {2}",
        "APPEND inbox ~{2}",
        "APPEND inbox UTF8 (~{2}",
        "APPEND inbox CATENATE (TEXT {2}",
        "SETMETADATA inbox (/private/comment {2}",
        "GETQUOTA {2}",
        "SORT (DATE) UTF-8 SUBJECT {2}",
        "SEARCH TEXT ~{2}",
        "LOGIN {2}",
    ] {
        let mut server = selected(Extensions::new());
        let text = said(&mut server, format!("c {command}\r\n").as_bytes());
        assert!(text.starts_with("c BAD "), "{command}: {text}");
    }
    // Before login nothing is offered that comes after it.
    for command in
        ["APPEND inbox {2}", "REPLACE 1 inbox {2}", "SETMETADATA \"\" (/private/x {2}", "GETACL {2}"]
    {
        let text = said(&mut server(everything()), format!("c {command}\r\n").as_bytes());
        assert!(text.contains("\r\nc BAD ") && !text.contains("\r\n+ "), "{command}: {text}");
    }
}

#[test]
fn enabled_is_what_was_asked_for_and_offered() {
    let mut server = server(everything());
    let text = last(&mut server, "a LOGIN u p\r\nb ENABLE CONDSTORE X-NONE IMAP4REV2 SORT\r\n");
    assert_eq!(text, "* ENABLED CONDSTORE IMAP4rev2\r\nb OK ENABLE completed\r\n");
    assert!(server.is_enabled(Feature::CondStore) && server.is_enabled(Feature::Imap4Rev2));
    assert!(!server.is_enabled(Feature::QResync));
    let mut none = support::server(Extensions::new());
    let text = last(&mut none, "a LOGIN u p\r\nb ENABLE CONDSTORE\r\n");
    assert_eq!(text, "* ENABLED\r\nb OK ENABLE completed\r\n");
    assert!(!none.is_enabled(Feature::CondStore));
}

#[test]
fn imap_12_qresync_is_refused_before_it_is_enabled_and_without_its_pairs() {
    let mut server = selected(everything());
    assert!(said(&mut server, b"a SELECT inbox (QRESYNC (9 600))\r\n").starts_with("a BAD "));
    assert_eq!(server.state(), State::Selected, "refused before it began");
    assert!(said(&mut server, b"a UID FETCH 1 FLAGS (CHANGEDSINCE 5 VANISHED)\r\n").starts_with("a BAD "));
    said(&mut server, b"b ENABLE QRESYNC\r\n");
    for contradiction in [
        "SELECT inbox (QRESYNC (9 600 1:9 (1:3 1:2)))",
        "FETCH 1 FLAGS (CHANGEDSINCE 5 VANISHED)",
        "UID FETCH 1 FLAGS (VANISHED)",
        "SEARCH RETURN (ALL PARTIAL 1:5) ALL",
        "LIST (RECURSIVEMATCH) \"\" *",
        "LIST (RECURSIVEMATCH REMOTE) \"\" *",
        "FETCH 1 FLAGS (PARTIAL 1:5)",
        "ESEARCH IN (personal) RETURN (SAVE) ALL",
        "NOTIFY SET (inboxes (MessageNew))",
        "NOTIFY SET (inboxes (FlagChange))",
        "UIDBATCHES 500 3:1",
    ] {
        let text = said(&mut server, format!("c {contradiction}\r\n").as_bytes());
        assert!(text.starts_with("c BAD "), "{contradiction}: {text}");
    }
}

#[test]
fn qresync_brings_what_changed_before_the_ok() {
    let mut server = selected(everything());
    let text = last(&mut server, "a ENABLE QRESYNC\r\nb SELECT inbox (QRESYNC (9 600 1:30))\r\n");
    let closed = text.find("* OK [CLOSED] ").unwrap();
    let exists = text.find("* 3 EXISTS\r\n").unwrap();
    let highest = text.find("* OK [HIGHESTMODSEQ 700] ").unwrap();
    let vanished = text.find("* VANISHED (EARLIER) 5:6\r\n").unwrap();
    let row = text.find("* 2 FETCH (UID 20 MODSEQ (650))\r\n").unwrap();
    let ok = text.find("b OK [READ-WRITE] ").unwrap();
    assert!(
        closed < exists && exists < highest && highest < vanished && vanished < row && row < ok,
        "{text}"
    );
    assert!(text.contains("* OK [MAILBOXID (M1)] "), "{text}");
}

#[test]
fn a_mailbox_without_mod_sequences_says_so_and_so_do_uids_that_do_not_last() {
    let mut server = server(everything());
    said(&mut server, b"a LOGIN u p\r\n");
    server.handle_input(Time::ZERO, b"b SELECT inbox\r\n");
    let select = named_event!(server, Select);
    let more = SelectMore { uids: UidLife::NotSticky, ..SelectMore::default() };
    let selecting = select.open(&mut server, support::inbox(), more).unwrap();
    assert!(selecting.vanished(&mut server, support::uids(&[1])).is_err(), "no QRESYNC was asked for");
    assert!(selecting.row(&mut server, message(1), vec![]).is_err());
    selecting.ok(&mut server).unwrap();
    let text = sent(&mut server);
    assert!(text.contains("[NOMODSEQ]") && text.contains("* NO [UIDNOTSTICKY] "), "{text}");
    assert!(!text.contains("HIGHESTMODSEQ") && !text.contains("MAILBOXID"), "{text}");
}

#[test]
fn the_first_command_that_turns_condstore_on_brings_the_mod_sequence_of_the_mailbox() {
    for command in ["ENABLE CONDSTORE", "FETCH 1 MODSEQ", "STATUS x (HIGHESTMODSEQ)", "SEARCH NOT MODSEQ 5"] {
        let mut server = selected(everything());
        let first = said(&mut server, format!("a {command}\r\n").as_bytes());
        assert!(first.contains("* OK [HIGHESTMODSEQ 700] "), "{command}: {first}");
        assert!(server.is_enabled(Feature::CondStore));
        let second = said(&mut server, b"b FETCH 1 MODSEQ\r\n");
        assert!(!second.contains("HIGHESTMODSEQ"), "{second}");
    }
}

#[test]
fn expunges_are_told_by_number_before_qresync_and_by_uid_after_it() {
    let mut server = selected(everything());
    let text = said(&mut server, b"a EXPUNGE\r\n");
    assert_eq!(text, "* 2 EXPUNGE\r\n* 1 EXPUNGE\r\na OK EXPUNGE completed\r\n");
    said(&mut server, b"b ENABLE QRESYNC\r\n");
    let text = said(&mut server, b"c EXPUNGE\r\nd MOVE 1:2 x\r\n");
    let expected =
        "* VANISHED 10,20\r\nc OK [HIGHESTMODSEQ 701] EXPUNGE completed\r\n* VANISHED 10,20\r\nd OK ";
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn modified_and_vanished_reach_the_client() {
    let mut server = selected(everything());
    let text = said(&mut server, b"a STORE 1:2 (UNCHANGEDSINCE 5) +FLAGS (\\Seen)\r\n");
    assert!(text.contains("a OK [MODIFIED 2] "), "{text}");
    said(&mut server, b"b ENABLE QRESYNC\r\n");
    let text = said(&mut server, b"c UID FETCH 1:* (UID) (CHANGEDSINCE 5 VANISHED)\r\n");
    assert!(text.starts_with("* VANISHED (EARLIER) 11:12\r\n* 1 FETCH (UID 10 "), "{text}");
    let text = said(&mut server, b"d STORE 1 +FLAGS (\\Seen)\r\n");
    assert!(text.starts_with("* 1 FETCH (MODSEQ (8))\r\nd OK "), "{text}");
}

#[test]
fn imap4rev2_has_utf_8_names_esearch_and_list_and_nothing_recent() {
    let mut server = selected(everything());
    let rev1 = said(&mut server, b"a UID SEARCH ALL\r\nb SELECT \"&AOQ-\"\r\n");
    assert!(rev1.starts_with("* SEARCH 10 20 21 22 30 (MODSEQ 7)\r\n"), "{rev1}");
    assert!(
        rev1.contains(" RECENT\r\n") && rev1.contains("[UNSEEN 1]") && !rev1.contains("* LIST"),
        "{rev1}"
    );
    said(&mut server, b"c ENABLE IMAP4rev2\r\n");
    let rev2 = said(&mut server, "d UID SEARCH ALL\r\ne SELECT \"\u{e4}\"\r\n".as_bytes());
    assert!(rev2.starts_with("* ESEARCH (TAG \"d\") UID ALL 10,20:22,30 MODSEQ 7\r\n"), "{rev2}");
    assert!(!rev2.contains("RECENT") && !rev2.contains("UNSEEN"), "{rev2}");
    assert!(rev2.contains("* LIST () \"/\" \"\u{e4}\"\r\n"), "{rev2}");
    // Before it is enabled, 8-bit octets are none of the grammar.
    let mut plain = selected(everything());
    assert!(said(&mut plain, "a SELECT \"\u{e4}\"\r\n".as_bytes()).starts_with("a BAD "));
    said(&mut plain, b"b ENABLE UTF8=ACCEPT\r\n");
    assert!(said(&mut plain, "c SELECT \"\u{e4}\"\r\n".as_bytes()).contains("c OK "));
    assert!(said(&mut plain, b"d SEARCH CHARSET UTF-8 ALL\r\n").starts_with("d BAD "));
    assert!(said(&mut plain, b"e SEARCH ALL\r\n").contains("e OK "));
}

#[test]
fn under_uidonly_no_message_has_a_number() {
    let mut server = selected(everything());
    said(&mut server, b"a ENABLE UIDONLY\r\n");
    for command in [
        "FETCH 1 FLAGS",
        "STORE 1 FLAGS ()",
        "COPY 1 x",
        "MOVE 1 x",
        "SEARCH ALL",
        "SORT (DATE) UTF-8 ALL",
        "THREAD REFERENCES UTF-8 ALL",
        "UID SEARCH NOT 1:5",
        "REPLACE 1 inbox {2+}\r\nhi",
    ] {
        let text = said(&mut server, format!("c {command}\r\n").as_bytes());
        assert!(text.starts_with("c BAD [UIDREQUIRED] "), "{command}: {text}");
    }
    assert!(said(&mut server, b"d UID FETCH 10 UID\r\n").starts_with("* 10 UIDFETCH (UID 10 "));
    assert!(said(&mut server, b"e UID STORE 10 FLAGS ()\r\n").starts_with("* 10 UIDFETCH ("));
    assert!(said(&mut server, b"f EXPUNGE\r\n").starts_with("* VANISHED 10,20\r\n"));
    server.handle_input(Time::ZERO, b"g UID FETCH 10 UID\r\n");
    let fetch = named_event!(server, Fetch);
    assert!(fetch.begin().row(&mut server, support::number(1)).is_err(), "a row has to have a UID");
}

#[test]
fn list_brings_status_and_rights_only_where_they_were_asked_for() {
    let mut server = selected(everything());
    let text = said(&mut server, b"a LIST \"\" * RETURN (STATUS (MESSAGES) MYRIGHTS)\r\n");
    let expected = "* LIST () \"/\" INBOX\r\n* STATUS INBOX (MESSAGES 3)\r\n* MYRIGHTS INBOX lr\r\na OK ";
    assert!(text.starts_with(expected), "{text}");
    server.handle_input(Time::ZERO, b"b LIST \"\" *\r\n");
    let list = named_event!(server, List);
    assert!(list.status(&mut server, Mailbox::inbox(), vec![]).is_err());
    list.ok(&mut server).unwrap();
}

#[test]
fn esearch_returns_what_was_asked_for() {
    for (returns, expected) in [
        ("", "* ESEARCH (TAG \"a\") ALL 10,20:22,30 MODSEQ 7\r\n"),
        ("MIN MAX", "* ESEARCH (TAG \"a\") MIN 10 MAX 30 MODSEQ 7\r\n"),
        ("COUNT", "* ESEARCH (TAG \"a\") COUNT 5 MODSEQ 7\r\n"),
        ("PARTIAL 2:3", "* ESEARCH (TAG \"a\") MODSEQ 7 PARTIAL (2:3 20:21)\r\n"),
        ("PARTIAL -1:-2", "* ESEARCH (TAG \"a\") MODSEQ 7 PARTIAL (-1:-2 22,30)\r\n"),
        ("PARTIAL 6:9", "* ESEARCH (TAG \"a\") MODSEQ 7 PARTIAL (6:9 NIL)\r\n"),
        ("PARTIAL 4:4294967295", "* ESEARCH (TAG \"a\") MODSEQ 7 PARTIAL (4:4294967295 22,30)\r\n"),
        ("SAVE", ""),
        ("SAVE COUNT", "* ESEARCH (TAG \"a\") COUNT 5 MODSEQ 7\r\n"),
    ] {
        let mut server = selected(everything());
        let text = said(&mut server, format!("a SEARCH RETURN ({returns}) ALL\r\n").as_bytes());
        assert_eq!(text, format!("{expected}a OK SEARCH completed\r\n"), "{returns}");
    }
    let mut server = selected(everything());
    let text =
        said(&mut server, b"a UID SORT RETURN (ALL MIN) (DATE) UTF-8 ALL\r\nb SORT (DATE) UTF-8 ALL\r\n");
    let expected =
        "* ESEARCH (TAG \"a\") UID MIN 30 ALL 30,20:21,10\r\na OK SORT completed\r\n* SORT 30 20 21 10\r\nb ";
    assert!(text.starts_with(expected), "{text}");
}

#[test]
fn hits_are_told_with_the_mod_sequence_of_what_is_named() {
    let hit = |at: u32| Hit { number: number(at), uid: number(at * 10), mod_seq: u64::from(at) + 100 };
    let hits = [hit(1), hit(2), hit(4)];
    for (search, expected) in [
        ("SEARCH ALL", "* SEARCH 1 2 4\r\n"),
        ("SEARCH MODSEQ 5", "* SEARCH 1 2 4 (MODSEQ 104)\r\n"),
        ("SEARCH RETURN (MIN COUNT) ALL", "* ESEARCH (TAG \"a\") MIN 1 COUNT 3\r\n"),
        ("SEARCH RETURN (MIN) MODSEQ 5", "* ESEARCH (TAG \"a\") MIN 1 MODSEQ 101\r\n"),
        ("SEARCH RETURN (SAVE) ALL", ""),
    ] {
        let mut server = selected(everything());
        said(&mut server, b"e ENABLE CONDSTORE\r\n");
        server.handle_input(Time::ZERO, format!("a {search}\r\n").as_bytes());
        named_event!(server, Search).hits(&mut server, &hits).unwrap();
        assert_eq!(sent(&mut server), format!("{expected}a OK SEARCH completed\r\n"), "{search}");
    }
}

#[test]
fn nothing_of_one_login_is_left_after_unauthenticate() {
    let mut server = selected(everything());
    said(
        &mut server,
        b"a ENABLE QRESYNC IMAP4rev2 UIDONLY\r\nb NOTIFY SET (inboxes (MessageNew MessageExpunge))\r\n",
    );
    let text = said(&mut server, b"c UNAUTHENTICATE\r\n");
    assert_eq!(text, "c OK UNAUTHENTICATE completed\r\n");
    assert_eq!(server.state(), State::NotAuthenticated);
    for feature in [Feature::CondStore, Feature::QResync, Feature::Imap4Rev2, Feature::UidOnly] {
        assert!(!server.is_enabled(feature));
    }
    assert_eq!(server.security(), Security::Tls);
    assert_eq!(server.timer(), Some(posthaste_imap::server::Timer::Login));
    assert!(said(&mut server, b"d SELECT inbox\r\n").starts_with("d BAD "));
    assert!(said(&mut server, b"e LOGIN u p\r\n").starts_with("e OK [CAPABILITY "));
    assert!(said(&mut server, b"f LIST \"\" *\r\n").contains("* LIST "));
    assert!(server.update(posthaste_imap::server::Update::Status(Mailbox::inbox(), vec![])).is_err());
    let _ = FetchItem::ModSeq(1);
    assert!(matches!(server.poll_event(), Ok(Step::NeedInput)));
}

/// A row as an application may give it, sent in answer to a LIST that is extended, or is not.
fn listed(list: &str, attributes: &[MailboxAttribute]) -> String {
    let mut server = selected(Extensions::new().with_list_extended());
    server.handle_input(Time::ZERO, format!("a {list}\r\n").as_bytes());
    let asked = named_event!(server, List);
    let row = ListResponse {
        attributes: attributes.to_vec(),
        delimiter: Some('/'),
        mailbox: Mailbox::new("x").unwrap(),
        child_info: vec![Atom::new("SUBSCRIBED").unwrap()],
        old_name: list.ends_with('*').then(|| Mailbox::new("y").unwrap()),
    };
    asked.row(&mut server, row).unwrap();
    asked.ok(&mut server).unwrap();
    sent(&mut server).split("\r\n").next().unwrap().to_owned()
}

#[test]
fn rfc9051_7_3_1_attributes_that_contradict_each_other_are_never_sent_together() {
    use MailboxAttribute::{
        HasChildren, HasNoChildren, Marked, NoInferiors, NoSelect, NonExistent, Subscribed, Unmarked,
    };
    let rows: [(&[MailboxAttribute], &str); 9] = [
        (&[Marked, Subscribed, Unmarked], "\\Subscribed"),
        (&[NoSelect, Marked], "\\Noselect"),
        (&[Unmarked, NonExistent], "\\NonExistent"),
        (&[NoSelect, NonExistent, HasChildren], "\\NonExistent \\HasChildren"),
        (&[HasChildren, HasNoChildren], ""),
        (&[NoInferiors, HasChildren], ""),
        (&[NoInferiors, HasNoChildren], "\\Noinferiors \\HasNoChildren"),
        (&[Marked, HasChildren, Marked], "\\Marked \\HasChildren"),
        (&[], ""),
    ];
    for (attributes, written) in rows {
        let row = listed("LIST \"\" * RETURN ()", attributes);
        assert_eq!(row, format!("* LIST ({written}) \"/\" x"), "{attributes:?}");
    }
}

#[test]
fn rfc3501_7_2_2_a_basic_list_calls_what_is_not_there_noselect() {
    let attributes = [MailboxAttribute::NonExistent, MailboxAttribute::HasChildren];
    assert_eq!(listed("LIST \"\" *", &attributes), "* LIST (\\Noselect \\HasChildren) \"/\" x");
    let twice = [MailboxAttribute::NoSelect, MailboxAttribute::NonExistent];
    assert_eq!(listed("LIST \"\" *", &twice), "* LIST (\\Noselect) \"/\" x");
}

#[test]
fn list_options_that_are_given_twice_count_once() {
    let mut server = selected(Extensions::new().with_list_extended());
    let line = b"a LIST (SUBSCRIBED REMOTE subscribed) \"\" * RETURN (CHILDREN CHILDREN SUBSCRIBED)\r\n";
    server.handle_input(Time::ZERO, line);
    let asked = named_event!(server, List);
    assert_eq!(asked.selection, [ListSelection::Subscribed, ListSelection::Remote]);
    assert_eq!(asked.returns, [ListReturn::Children, ListReturn::Subscribed]);
}

#[test]
fn rfc5255_4_3_i18nlevel_is_announced_to_those_who_are_logged_in() {
    let mut server = server(Extensions::new().with_i18n_level_1());
    let has = |server: &Server| names(&server.capabilities()).contains(&"I18NLEVEL=1".to_owned());
    assert!(!has(&server));
    said(&mut server, b"a LOGIN u p\r\n");
    assert!(has(&server));
}

#[test]
fn rfc4314_2_rights_beyond_those_of_rfc_2086_are_announced() {
    let more = Rights::new("nl5k").unwrap();
    let mut server = server(Extensions::new().with_acl_rights(more));
    said(&mut server, b"a LOGIN u p\r\n");
    assert!(
        names(&server.capabilities()).contains(&"RIGHTS=ekntx".to_owned()),
        "{:?}",
        server.capabilities()
    );
}

#[test]
fn side_effects_of_acl_and_quota_are_told_before_the_answer() {
    let others = || Acl {
        mailbox: Mailbox::new("x/y").unwrap(),
        entries: vec![(AString::new("joe").unwrap(), Rights::new("lr").unwrap())],
    };
    for command in ["SETACL x joe lr", "DELETEACL x joe"] {
        let mut server = selected(everything());
        server.handle_input(Time::ZERO, format!("a {command}\r\n").as_bytes());
        match server.poll_event() {
            Ok(Step::Event(Event::SetAcl(asked))) => {
                asked.changed(&mut server, others()).unwrap();
                asked.ok(&mut server).unwrap();
            }
            Ok(Step::Event(Event::DeleteAcl(asked))) => {
                asked.changed(&mut server, others()).unwrap();
                asked.ok(&mut server).unwrap();
            }
            other => panic!("{other:?}"),
        }
        assert!(sent(&mut server).starts_with("* ACL x/y joe lr\r\na OK "), "{command}");
    }
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"a SETQUOTA x (STORAGE 5)\r\n");
    let asked = named_event!(server, SetQuota);
    asked.changed(&mut server, AString::new("y").unwrap(), vec![]).unwrap();
    asked.ok(&mut server, vec![]).unwrap();
    assert!(sent(&mut server).starts_with("* QUOTA y ()\r\n* QUOTA x ()\r\na OK "));
}

#[test]
fn rfc5258_3_a_basic_list_brings_no_extended_data() {
    assert_eq!(listed("LIST \"\" *", &[]), "* LIST () \"/\" x");
}

fn normalised(name: &str) -> ListResponse {
    ListResponse {
        attributes: vec![],
        delimiter: Some('/'),
        mailbox: Mailbox::new(name).unwrap(),
        child_info: vec![],
        old_name: None,
    }
}

#[test]
fn rfc9051_6_3_9_7_the_client_is_told_the_name_its_own_became() {
    for (command, expected) in [
        ("CREATE \"e\u{301}\"", "* LIST () \"/\" \"\u{e9}\" (\"OLDNAME\" (\"e\u{301}\"))\r\n"),
        ("DELETE \"e\u{301}\"", "* LIST (\\NonExistent) \"/\" \"\u{e9}\" (\"OLDNAME\" (\"e\u{301}\"))\r\n"),
        ("RENAME \"e\u{301}\" x", "* LIST () \"/\" \"\u{e9}\" (\"OLDNAME\" (\"e\u{301}\"))\r\n"),
        ("APPEND \"e\u{301}\" {1}", "* LIST () \"/\" \"\u{e9}\" (\"OLDNAME\" (\"e\u{301}\"))\r\n"),
    ] {
        let mut server = selected(everything());
        said(&mut server, b"e ENABLE IMAP4rev2\r\n");
        server.handle_input(Time::ZERO, format!("a {command}\r\n").as_bytes());
        let row = normalised("\u{e9}");
        match server.poll_event() {
            Ok(Step::Event(Event::Create(asked))) => {
                let same = asked.normalised(&mut server, normalised("e\u{301}"));
                assert!(matches!(same, Err(Misuse::Argument { .. })));
                asked.normalised(&mut server, row).unwrap();
                asked.ok(&mut server).unwrap();
            }
            Ok(Step::Event(Event::Delete(asked))) => asked.normalised(&mut server, row).unwrap(),
            Ok(Step::Event(Event::Rename(asked))) => asked.normalised(&mut server, row).unwrap(),
            Ok(Step::Event(Event::Append(asked))) => asked.normalised(&mut server, row).unwrap(),
            other => panic!("{other:?}"),
        }
        assert!(sent(&mut server).starts_with(expected), "{command}");
    }
}

#[test]
fn rfc5258_3_the_name_is_told_only_to_a_client_that_understands_extended_list() {
    for (before, told) in [
        ("n NOOP\r\n", false),
        ("l LIST (SUBSCRIBED) \"\" *\r\n", true),
        ("w NOTIFY SET (inboxes (MailboxName))\r\n", true),
    ] {
        let mut server = selected(everything());
        said(&mut server, before.as_bytes());
        server.handle_input(Time::ZERO, b"a CREATE x\r\n");
        let asked = named_event!(server, Create);
        asked.normalised(&mut server, normalised("y")).unwrap();
        asked.ok(&mut server).unwrap();
        assert_eq!(sent(&mut server).contains("OLDNAME"), told, "{before}");
    }
}

#[test]
fn mbx_04_names_that_deceive_the_eye_are_not_made() {
    for character in [
        '\u{202e}',
        '\u{202a}',
        '\u{2066}',
        '\u{2069}',
        '\u{200e}',
        '\u{61c}',
        '\u{200b}',
        '\u{feff}',
        '\u{fffe}',
        '\u{1ffff}',
        '\u{2028}',
        '\u{85}',
        '\u{1b}',
        '\0',
    ] {
        for command in ["CREATE", "RENAME inbox", "SUBSCRIBE"] {
            let mut server = selected(everything());
            said(&mut server, b"e ENABLE IMAP4rev2\r\n");
            let name = format!("a{character}b");
            let text = said(&mut server, format!("a {command} {{{}+}}\r\n{name}\r\n", name.len()).as_bytes());
            let refused =
                text.starts_with("a NO [CANNOT] ") || (character == '\0' && text.starts_with("a BAD "));
            assert!(refused && text.matches("\r\n").count() == 1, "{command} {character:?}: {text:?}");
            // Nothing of it was taken for another command.
            assert!(said(&mut server, b"n NOOP\r\n").starts_with("n OK "));
        }
    }
    let mut server = selected(everything());
    // In modified UTF-7, and where the name exists from elsewhere.
    assert!(said(&mut server, b"a CREATE &IC4-\r\n").starts_with("a NO [CANNOT] "));
    assert!(said(&mut server, b"a DELETE &IC4-\r\n").starts_with("a OK "));
    assert!(said(&mut server, b"a RENAME &IC4- plain\r\n").starts_with("a OK "));
}

#[test]
fn scripts_and_signs_that_need_joiners_have_names_of_their_own() {
    for name in [
        "\u{646}\u{645}\u{6cc}\u{200c}\u{634}\u{648}\u{62f}",
        "\u{2764}\u{fe0f}",
        "\u{1f468}\u{200d}\u{1f33e}",
        "\u{5d0}\u{5d1}",
    ] {
        assert!(!Mailbox::new(name).unwrap().is_deceptive(), "{name}");
    }
}
