//! What RFC 9051 asks of a server beyond IMAP4rev1: UTF-8, ENABLE, the LIST of SELECT, ESEARCH, `$`, BINARY. What it
//! shares with RFC 3501 is in `requirements_server.rs`; the list that names these tests is
//! `tests/requirements/rfc9051.toml` of the workspace.
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

use std::num::NonZeroU32;

use posthaste_imap::message::Summary;
use posthaste_imap::search::{BodySearch, Hit, Needle, field_contains, saved_by};
use posthaste_imap::server::{Extensions, Feature, Refusal, SelectMore, Server};
use posthaste_imap::types::{
    FetchAttribute, ListResponse, Mailbox, MailboxAttribute, MessageSet, PartPath, Payload, SearchKey,
    SearchReturn, UidSet,
};
use posthaste_imap::{Bytes, Time};
use support::{everything, message, named_event, names, number, said, selected, sent, server};

/// Logged in, with IMAP4rev2 enabled and nothing selected.
fn rev2() -> Server {
    let mut server = server(Extensions::new().with_imap4rev2());
    said(&mut server, b"l LOGIN u p\r\n");
    said(&mut server, b"e ENABLE IMAP4rev2\r\n");
    assert!(server.is_enabled(Feature::Imap4Rev2));
    server
}

/// The same with INBOX selected.
fn rev2_selected() -> Server {
    let mut server = rev2();
    said(&mut server, b"s SELECT inbox\r\n");
    server
}

fn ask(server: &mut Server, line: &str) {
    server.handle_input(Time::ZERO, format!("{line}\r\n").as_bytes());
}

fn list_row(name: &str, attributes: &[MailboxAttribute]) -> ListResponse {
    ListResponse {
        attributes: attributes.to_vec(),
        delimiter: Some('/'),
        mailbox: Mailbox::new(name).unwrap(),
        child_info: vec![],
        old_name: None,
    }
}

fn hit(at: u32) -> Hit {
    Hit { number: number(at), uid: number(at * 10), mod_seq: 0 }
}

#[test]
fn rfc9051_4_3_1_quoted_strings_may_be_utf8() {
    let mut server = rev2_selected();
    ask(&mut server, "a SEARCH SUBJECT \"\u{20ac}\"");
    let search = named_event!(server, Search);
    let SearchKey::Subject(text) = &search.command.keys[0] else { panic!("{search:?}") };
    assert_eq!(text.as_bytes(), "\u{20ac}".as_bytes());
    search.ok(&mut server, vec![]).unwrap();
    sent(&mut server);
    ask(&mut server, "b CREATE \"Entw\u{fc}rfe\"");
    let create = named_event!(server, Create);
    assert_eq!(create.mailbox.as_str(), "Entw\u{fc}rfe");
    create.ok(&mut server).unwrap();
    // What is no UTF-8 is no string.
    server.handle_input(Time::ZERO, b"c CREATE \"\xfc\"\r\n");
    while let Ok(posthaste_imap::Step::Event(event)) = server.poll_event() {
        support::answer(&mut server, event).unwrap();
    }
    assert!(sent(&mut server).contains("c BAD "));
}

#[test]
fn rfc9051_6_1_1_capability_is_one_response_with_imap4rev2_before_the_ok() {
    let mut server = rev2();
    let text = said(&mut server, b"a CAPABILITY\r\n");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    let words: Vec<&str> = lines[0].split(' ').collect();
    assert_eq!(words[..2], ["*", "CAPABILITY"]);
    assert_eq!(words.iter().filter(|word| **word == "IMAP4rev2").count(), 1, "{text}");
    assert!(words.contains(&"IMAP4rev1") && words.contains(&"ENABLE"), "{text}");
    assert!(lines[1].starts_with("a OK "), "{text}");
    // In the other states, too.
    let before = support::server(Extensions::new().with_imap4rev2());
    assert!(names(&before.capabilities()).iter().any(|name| name == "IMAP4rev2"));
}

#[test]
fn rfc9051_6_3_1_enabled_names_what_this_enable_turned_on() {
    let mut server = server(everything());
    said(&mut server, b"l LOGIN u p\r\n");
    for (ask, enabled) in [
        ("CONDSTORE", "* ENABLED CONDSTORE"),
        ("IMAP4rev2 UTF8=ACCEPT X-NONE", "* ENABLED UTF8=ACCEPT IMAP4rev2"),
        ("SORT", "* ENABLED"),
    ] {
        let text = said(&mut server, format!("a ENABLE {ask}\r\n").as_bytes());
        assert_eq!(text, format!("{enabled}\r\na OK ENABLE completed\r\n"));
    }
}

#[test]
fn rfc9051_6_3_2_select_and_examine_are_answered_with_list() {
    for (command, text) in [("SELECT", "SELECT"), ("EXAMINE", "EXAMINE")] {
        let mut server = rev2();
        ask(&mut server, &format!("a {command} Fruit/Apple"));
        let select = named_event!(server, Select);
        let attributes = [MailboxAttribute::HasNoChildren, MailboxAttribute::Subscribed];
        let more = SelectMore { list: Some(list_row("Fruit/Apple", &attributes)), ..SelectMore::default() };
        select.open(&mut server, support::inbox(), more).unwrap().ok(&mut server).unwrap();
        let said = sent(&mut server);
        for data in [
            "* FLAGS (\\Seen)\r\n",
            "* 3 EXISTS\r\n",
            "* OK [PERMANENTFLAGS ",
            "* OK [UIDVALIDITY 9] ",
            "* OK [UIDNEXT 40] ",
            "* LIST (\\HasNoChildren \\Subscribed) \"/\" Fruit/Apple\r\n",
        ] {
            assert_eq!(said.matches(data).count(), 1, "{command}: {data}: {said}");
        }
        assert!(!said.contains("RECENT") && !said.contains("UNSEEN"), "{said}");
        assert!(said.lines().last().unwrap().starts_with("a OK [READ-"), "{said}");
        assert!(said.ends_with(&format!("{text} completed\r\n")), "{said}");
    }
}

#[test]
fn rfc9051_6_3_2_a_name_that_was_normalised_is_told() {
    let mut server = rev2();
    ask(&mut server, "a SELECT \"A\u{30a}\"");
    let select = named_event!(server, Select);
    let list = ListResponse { old_name: Some(select.mailbox.clone()), ..list_row("\u{c5}", &[]) };
    let more = SelectMore { list: Some(list), ..SelectMore::default() };
    select.open(&mut server, support::inbox(), more).unwrap().ok(&mut server).unwrap();
    let text = sent(&mut server);
    assert!(text.contains("* LIST () \"/\" \"\u{c5}\" (\"OLDNAME\" (\"A\u{30a}\"))\r\n"), "{text}");
}

#[test]
fn rfc9051_6_3_2_what_was_selected_before_is_closed_first() {
    let mut server = rev2_selected();
    let text = said(&mut server, b"a SELECT other\r\n");
    assert!(text.starts_with("* OK [CLOSED] "), "{text}");
    // Also where the new one cannot be opened.
    ask(&mut server, "b SELECT nowhere");
    named_event!(server, Select).refuse(&mut server, Refusal::nonexistent()).unwrap();
    let text = sent(&mut server);
    assert!(text.starts_with("* OK [CLOSED] ") && text.contains("\r\nb NO [NONEXISTENT] "), "{text}");
    assert!(!said(&mut server, b"c SELECT inbox\r\n").contains("CLOSED"));
}

#[test]
fn rfc9051_6_4_4_nothing_found_is_an_esearch_with_nothing_but_count() {
    for (command, expected) in [
        ("SEARCH RETURN (MIN) ALL", "* ESEARCH (TAG \"a\")\r\n"),
        ("SEARCH RETURN (MAX) ALL", "* ESEARCH (TAG \"a\")\r\n"),
        ("SEARCH RETURN (ALL) ALL", "* ESEARCH (TAG \"a\")\r\n"),
        ("SEARCH RETURN () ALL", "* ESEARCH (TAG \"a\")\r\n"),
        ("SEARCH ALL", "* ESEARCH (TAG \"a\")\r\n"),
        ("SEARCH RETURN (COUNT) ALL", "* ESEARCH (TAG \"a\") COUNT 0\r\n"),
        ("SEARCH RETURN (MIN MAX ALL COUNT) ALL", "* ESEARCH (TAG \"a\") COUNT 0\r\n"),
        ("UID SEARCH RETURN (MIN COUNT) ALL", "* ESEARCH (TAG \"a\") UID COUNT 0\r\n"),
    ] {
        for by_hits in [false, true] {
            let mut server = rev2_selected();
            ask(&mut server, &format!("a {command}"));
            let search = named_event!(server, Search);
            if by_hits {
                search.hits(&mut server, &[]).unwrap();
            } else {
                search.ok(&mut server, vec![]).unwrap();
            }
            assert_eq!(sent(&mut server), format!("{expected}a OK SEARCH completed\r\n"), "{command}");
        }
    }
}

#[test]
fn rfc9051_6_4_4_all_options_give_one_esearch() {
    for (command, uid, all) in [("SEARCH", "", "2,4:5"), ("UID SEARCH", " UID", "2,4:5")] {
        for by_hits in [false, true] {
            let mut server = rev2_selected();
            ask(&mut server, &format!("a {command} RETURN (COUNT MIN ALL MAX) SEEN"));
            let search = named_event!(server, Search);
            if by_hits {
                search.hits(&mut server, &[hit(2), hit(4), hit(5)]).unwrap();
            } else {
                search.ok(&mut server, [2, 4, 5].map(number).to_vec()).unwrap();
            }
            let expected = format!(
                "* ESEARCH (TAG \"a\"){uid} MIN 2 MAX 5 ALL {all} COUNT 3\r\na OK SEARCH completed\r\n"
            );
            assert_eq!(sent(&mut server), expected, "{command}");
        }
    }
}

#[test]
fn rfc9051_6_4_4_case_does_not_count_in_a_search() {
    let header = b"Subject: Hello WORLD\r\nFrom: Ann@EXAMPLE.org\r\n\r\n";
    let message = b"Subject: x\r\n\r\nSome Text in Mixed CASE\r\n";
    let summary = Summary::scan(message);
    for needle in ["hello world", "HELLO WORLD", "Hello World", "lO wO"] {
        assert!(field_contains(header, "subject", &Needle::new(needle)), "{needle}");
        assert!(field_contains(header, "SUBJECT", &Needle::new(needle)), "{needle}");
        assert!(!field_contains(header, "from", &Needle::new(needle)), "{needle}");
    }
    assert!(field_contains(header, "from", &Needle::new("aNN@example.ORG")));
    for needle in ["some text", "SOME TEXT", "mixed case"] {
        assert!(BodySearch::run(&summary, message, &Needle::new(needle)), "{needle}");
    }
    assert!(!BodySearch::run(&summary, message, &Needle::new("some case")));
}

#[test]
fn rfc9051_6_4_4_1_only_save_changes_what_was_saved() {
    let hits = [hit(1), hit(2), hit(4)];
    let returns = [SearchReturn::Min, SearchReturn::Max, SearchReturn::All, SearchReturn::Count];
    assert_eq!(saved_by(&hits, &[]), None);
    assert_eq!(saved_by(&hits, &returns), None);
    let all = UidSet::from_numbers([10, 20, 40].map(number));
    assert_eq!(saved_by(&hits, &[SearchReturn::Save]), Some(all.clone()));
    let with_save: Vec<SearchReturn> = returns.into_iter().chain([SearchReturn::Save]).collect();
    assert_eq!(saved_by(&hits, &with_save), Some(all));
    assert_eq!(saved_by(&[], &[SearchReturn::Save]), Some(UidSet::default()));
    // SAVE alone is answered without an ESEARCH.
    let mut server = rev2_selected();
    assert_eq!(said(&mut server, b"a SEARCH RETURN (SAVE) ALL\r\n"), "a OK SEARCH completed\r\n");
}

#[test]
fn rfc9051_6_4_4_1_the_saved_result_reaches_the_application_as_such() {
    let mut server = rev2_selected();
    ask(&mut server, "a UID STORE $ +FLAGS (\\Seen)");
    let store = named_event!(server, Store);
    assert_eq!(store.command.set, MessageSet::Saved);
    store.ok(&mut server).unwrap();
    ask(&mut server, "b SEARCH NOT $");
    let search = named_event!(server, Search);
    assert!(matches!(&search.command.keys[0], SearchKey::Not(key) if **key == SearchKey::Saved));
}

#[test]
fn rfc9051_6_4_4_3_a_result_that_cannot_be_saved_is_no_notsaved() {
    let mut server = rev2_selected();
    ask(&mut server, "a SEARCH RETURN (SAVE) ALL");
    named_event!(server, Search).no(&mut server, Refusal::not_saved()).unwrap();
    let text = sent(&mut server);
    assert!(text.starts_with("a NO [NOTSAVED] "), "{text}");
}

#[test]
fn rfc9051_7_2_2_both_revisions_are_announced_and_rev1_is_spoken_until_enable() {
    let mut server = server(Extensions::new().with_imap4rev2());
    said(&mut server, b"l LOGIN u p\r\n");
    let text = said(&mut server, b"a SELECT inbox\r\nb SEARCH ALL\r\n");
    assert!(
        text.contains("* 1 RECENT\r\n") && text.contains("* SEARCH ") && !text.contains("* LIST"),
        "{text}"
    );
    said(&mut server, b"c ENABLE IMAP4rev2\r\n");
    let text = said(&mut server, b"d SELECT inbox\r\ne SEARCH ALL\r\n");
    assert!(!text.contains("RECENT") && text.contains("* ESEARCH ") && text.contains("* LIST"), "{text}");
}

/// A row of one BINARY item.
fn binary(server: &mut Server, octets: &'static [u8]) -> Vec<u8> {
    ask(server, "a FETCH 1 BINARY[1]");
    let fetch = named_event!(server, Fetch);
    let FetchAttribute::Binary { part, .. } = &fetch.attributes[0] else { panic!("{fetch:?}") };
    let payload = Payload::Binary { part: part.clone(), origin: None };
    let row = fetch.begin().row(server, message(1)).unwrap();
    let mut literal = row.literal(server, &payload, octets.len() as u64).unwrap();
    literal.write(server, Bytes::from_static(octets)).unwrap();
    literal.finish(server).unwrap().finish(server).unwrap().ok(server).unwrap();
    std::iter::from_fn(|| server.poll_transmit()).flatten().collect()
}

#[test]
fn rfc9051_7_5_2_binary_parts_are_given_as_they_are() {
    let mut server = rev2_selected();
    let said = binary(&mut server, b"a\0\r\nb");
    assert!(said.starts_with(b"* 1 FETCH (BINARY[1] ~{5}\r\na\0\r\nb)\r\na OK "), "{}", said.escape_ascii());
}

#[test]
fn rfc9051_7_5_2_sizes_are_those_of_what_is_given() {
    let part = |encoding: &str, body: &str| {
        let message =
            format!("Content-Type: text/plain\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}");
        let summary = Summary::scan(message.as_bytes());
        let path = PartPath::new(vec![NonZeroU32::MIN]).unwrap();
        let decoded = summary.locate_decoded(Some(&path)).unwrap();
        let octets = decoded.encoding.map(|encoding| {
            posthaste_imap::message::TransferDecoder::all(encoding, decoded.span.of(message.as_bytes()))
        });
        assert_eq!(decoded.octets, octets.as_ref().map(|octets| octets.len() as u64), "{encoding}");
        octets
    };
    assert_eq!(part("base64", "YQ0KYg==\r\n").unwrap(), b"a\r\nb");
    assert_eq!(
        part("quoted-printable", "caf=C3=A9\r\nx=\r\ny\r\n").unwrap(),
        "caf\u{e9}\r\nxy\r\n".as_bytes()
    );
    assert_eq!(part("8bit", "a\r\nb\r\n").unwrap(), b"a\r\nb\r\n");
    // UNKNOWN-CTE
    assert_eq!(part("x-nobody-knows", "abc"), None);
}

#[test]
fn rfc9051_7_5_2_what_cannot_be_decoded_is_no_unknown_cte() {
    for item in ["BINARY[1]", "BINARY.PEEK[1]<0.5>", "BINARY.SIZE[1]"] {
        let mut server = rev2_selected();
        ask(&mut server, &format!("a UID FETCH 10 {item}"));
        let fetch = named_event!(server, Fetch).begin();
        fetch.unknown_encoding(&mut server).unwrap();
        let text = sent(&mut server);
        assert!(text.starts_with("a NO [UNKNOWN-CTE] "), "{item}: {text}");
    }
}

#[test]
fn rfc9051_6_3_12_uids_can_be_kept_back() {
    // From a client that may add to a mailbox and not open it.
    let mut server = selected(everything());
    ask(&mut server, "a APPEND drop {2+}\r\nhi");
    named_event!(server, Append).accept(&mut server).unwrap();
    named_event!(server, Body);
    named_event!(server, AppendEnd).ok_without_uids(&mut server).unwrap();
    assert_eq!(sent(&mut server), "a OK APPEND completed\r\n");
    ask(&mut server, "b COPY 1 drop");
    named_event!(server, Copy).ok(&mut server, None).unwrap();
    assert_eq!(sent(&mut server), "b OK COPY completed\r\n");
    ask(&mut server, "c MOVE 1 drop");
    let moved = named_event!(server, Move);
    moved.expunged(&mut server, message(1)).unwrap();
    moved.ok(&mut server).unwrap();
    assert_eq!(sent(&mut server), "* 1 EXPUNGE\r\nc OK MOVE completed\r\n");
}
