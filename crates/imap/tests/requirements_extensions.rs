//! What the smaller extensions ask of a server and of a client: ENABLE (RFC 5161), ESEARCH (4731), NAMESPACE (2342),
//! UNSELECT (3691), COMPRESS (4978), UTF8=ACCEPT (6855), OBJECTID (8474), ACL (4314), METADATA (5464), LITERAL- (7888),
//! MULTISEARCH (7377), ESORT and CONTEXT (5267). The lists that name these tests are in `tests/requirements/` of the workspace.
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

use posthaste_imap::client::Event as ClientEvent;
use posthaste_imap::server::{Asked, Extensions, Feature, MultiSearch, Refusal, Server, Update};
use posthaste_imap::types::{
    AString, Addressing, Capability, Command, EntryName, EsearchCommand, FetchAttribute, FetchItem, Mailbox,
    MailboxFilter, ObjectId, PartialEnd, PartialRange, ResponseCode, Rights, RightsChange, SearchCommand,
    SearchKey, SearchReturn, StatusAttribute, StatusItem,
};
use posthaste_imap::{Layer, Misuse, Security, State, Step, Time};
use support::{everything, message, named_event, names, number, said, selected, sent, server};

fn logged_in(extensions: Extensions) -> Server {
    let mut server = server(extensions);
    said(&mut server, b"l LOGIN u p\r\n");
    server
}

fn ask(server: &mut Server, line: &str) {
    server.handle_input(Time::ZERO, format!("{line}\r\n").as_bytes());
}

/// What is said to a line that may hold any octets.
fn said_to(server: &mut Server, line: &[u8]) -> String {
    said(server, &[line, b"\r\n"].concat())
}

#[test]
fn rfc5161_3_1_what_is_enabled_stays_so_and_is_told_by_the_enable_that_did_it() {
    let mut server = logged_in(everything());
    assert!(said_to(&mut server, b"a ENABLE condstore").starts_with("* ENABLED CONDSTORE\r\na OK "));
    assert!(
        said_to(&mut server, b"b enable Utf8=Accept x-none").starts_with("* ENABLED UTF8=ACCEPT\r\nb OK ")
    );
    for command in [&b"c SELECT inbox"[..], b"d UNSELECT", b"e NOOP", b"f ENABLE QRESYNC"] {
        said_to(&mut server, command);
        assert!(server.is_enabled(Feature::CondStore) && server.is_enabled(Feature::Utf8Accept));
    }
}

#[test]
fn rfc5161_3_1_enable_changes_no_capabilities() {
    let mut server = logged_in(everything());
    let before = names(&server.capabilities());
    said_to(&mut server, b"a ENABLE QRESYNC UTF8=ACCEPT IMAP4rev2 UIDONLY X-NONE");
    assert_eq!(names(&server.capabilities()), before);
    assert!(before.iter().any(|name| name == "ENABLE"));
}

#[test]
fn rfc5161_4_words_come_in_any_case_and_at_least_one_is_due() {
    let mut server = logged_in(everything());
    assert!(said_to(&mut server, b"a eNaBlE cOnDsToRe").starts_with("* ENABLED CONDSTORE\r\n"));
    assert!(said_to(&mut server, b"b ENABLE").starts_with("b BAD "));
    let mut client = client_support::selected("ENABLE CONDSTORE");
    assert!(matches!(client.enable(vec![]), Err(Misuse::Argument { .. })));
}

#[test]
fn rfc4731_3_1_min_and_max_are_of_what_was_found() {
    for (returns, expected) in [
        ("MIN", "MIN 10"),
        ("max", "MAX 30"),
        ("MAX MIN", "MIN 10 MAX 30"),
        ("COUNT", "COUNT 5"),
        ("ALL COUNT", "ALL 10,20:22,30 COUNT 5"),
    ] {
        for (command, uid) in [("SEARCH", ""), ("uid search", " UID")] {
            let mut server = selected(Extensions::new());
            ask(&mut server, &format!("a {command} return ({returns}) ALL"));
            let found: Vec<_> = [10, 20, 21, 22, 30].map(number).to_vec();
            named_event!(server, Search).ok(&mut server, found).unwrap();
            let text = sent(&mut server);
            assert_eq!(text, format!("* ESEARCH (TAG \"a\"){uid} {expected}\r\na OK SEARCH completed\r\n"));
        }
    }
}

#[test]
fn rfc4731_3_1_without_options_the_answer_is_search() {
    let mut server = selected(Extensions::new());
    ask(&mut server, "a SEARCH ALL");
    named_event!(server, Search).ok(&mut server, vec![number(2)]).unwrap();
    assert_eq!(sent(&mut server), "* SEARCH 2\r\na OK SEARCH completed\r\n");
}

#[test]
fn rfc2342_4_namespace_is_announced_and_names_are_modified_utf7() {
    let mut server = logged_in(Extensions::new());
    assert!(names(&server.capabilities()).iter().any(|name| name == "NAMESPACE"));
    ask(&mut server, "a namespace");
    let namespace = named_event!(server, Namespace);
    let mut client = client_support::selected("NAMESPACE");
    let line = "* NAMESPACE ((\"\" \"/\")(\"B\u{fc}ro/\" \"/\" \"X-PARAM\" (\"F1\" \"F2\"))) ((\"~\" \"/\")) NIL\r\n"
        .replace('\u{fc}', "&APw-");
    client.handle_input(Time::ZERO, line.as_bytes());
    let Step::Event(ClientEvent::Namespace(heard)) = client.poll_event().unwrap() else { panic!() };
    assert_eq!((heard.personal.len(), heard.other_users.len(), heard.shared.len()), (2, 1, 0));
    namespace.ok(&mut server, heard).unwrap();
    let text = sent(&mut server);
    assert!(text.starts_with("* NAMESPACE ((\"\" \"/\")(\"B&APw-ro/\" \"/\""), "{text}");
}

#[test]
fn rfc3691_2_unselect_leaves_without_an_expunge() {
    let mut server = selected(Extensions::new());
    assert!(names(&server.capabilities()).iter().any(|name| name == "UNSELECT"));
    server.update(Update::Expunged(message(1))).unwrap();
    ask(&mut server, "a uNSELECT");
    // The application hears that nothing is to be expunged.
    named_event!(server, Unselect).ok(&mut server).unwrap();
    let text = sent(&mut server);
    assert!(text.starts_with("a OK ") && text.lines().count() == 1, "{text}");
    assert_eq!(server.state(), State::Authenticated);
    for line in [&b"b UNSELECT"[..], b"c FETCH 1 FLAGS"] {
        let text = said_to(&mut server, line);
        assert!(text.contains(" BAD "), "{text}");
    }
    assert!(said_to(&mut selected(Extensions::new()), b"a UNSELECT now").starts_with("a BAD "));
}

#[test]
fn rfc4978_3_compression_begins_behind_the_ok_and_only_then() {
    let mut server = selected(everything());
    ask(&mut server, "a compress deflate");
    named_event!(server, Compress).accept(&mut server).unwrap();
    assert_eq!(sent(&mut server), "a OK DEFLATE active\r\n");
    let Ok(Step::Upgrade(upgrade)) = server.poll_event() else { panic!() };
    assert_eq!(upgrade.layer(), Layer::Deflate);
    server.upgraded(Time::ZERO, upgrade, Security::Tls).unwrap();
    assert!(said_to(&mut server, b"b COMPRESS DEFLATE").starts_with("b NO [COMPRESSIONACTIVE] DEFLATE "));
    // What is refused changes nothing.
    let mut server = selected(everything());
    ask(&mut server, "a COMPRESS DEFLATE");
    named_event!(server, Compress).reject(&mut server).unwrap();
    assert!(sent(&mut server).starts_with("a NO "));
    assert_eq!(server.poll_event(), Ok(Step::NeedInput), "no layer");
    assert!(said_to(&mut server, b"b COMPRESS LZW").starts_with("b BAD "));
    assert_eq!(server.poll_event(), Ok(Step::NeedInput), "no layer");
}

#[test]
fn rfc4978_3_nothing_follows_compress_before_its_answer() {
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"a COMPRESS DEFLATE\r\nb NOOP\r\n");
    assert!(server.poll_event().is_err());
    let text = sent(&mut server);
    assert!(text.starts_with("a BAD ") && !text.contains("b OK"), "{text}");
}

#[test]
fn rfc4978_3_a_client_turns_nothing_on_after_no() {
    for answer in ["NO [COMPRESSIONACTIVE] TLS does", "BAD what"] {
        let mut client = client_support::selected("COMPRESS=DEFLATE");
        client.compress_deflate().unwrap();
        client.noop().unwrap();
        assert_eq!(client_support::sent(&mut client), "A3 COMPRESS DEFLATE\r\n", "NOOP waits");
        client_support::say(&mut client, &format!("A3 {answer}\r\n"));
        assert!(!client.is_compressed());
        assert_eq!(client_support::sent(&mut client), "A4 NOOP\r\n", "in plain octets");
    }
}

#[test]
fn rfc6855_3_strings_are_utf8_once_it_is_enabled_and_not_before() {
    let mut server = selected(Extensions::new().with_utf8_accept());
    let names_of = |server: &Server| names(&server.capabilities());
    assert!(names_of(&server).iter().any(|name| name == "UTF8=ACCEPT"));
    let create = "CREATE \"Entw\u{fc}rfe\"";
    assert!(said_to(&mut server, format!("a {create}").as_bytes()).starts_with("a BAD "));
    ask(&mut server, "b STATUS &APw- (MESSAGES)");
    let status = named_event!(server, Status);
    assert_eq!(status.mailbox.as_str(), "\u{fc}");
    status.ok(&mut server, vec![StatusItem::Messages(1)]).unwrap();
    assert_eq!(sent(&mut server), "* STATUS &APw- (MESSAGES 1)\r\nb OK STATUS completed\r\n");
    said_to(&mut server, b"c ENABLE UTF8=ACCEPT");
    ask(&mut server, &format!("d {create}"));
    let create = named_event!(server, Create);
    assert_eq!(create.mailbox.as_str(), "Entw\u{fc}rfe");
    create.ok(&mut server).unwrap();
    sent(&mut server);
    ask(&mut server, "e STATUS \"\u{fc}\" (MESSAGES)");
    named_event!(server, Status).ok(&mut server, vec![StatusItem::Messages(1)]).unwrap();
    assert_eq!(sent(&mut server), "* STATUS \"\u{fc}\" (MESSAGES 1)\r\ne OK STATUS completed\r\n");
}

#[test]
fn rfc6855_3_what_is_no_utf8_is_bad() {
    let broken =
        [&b"\xfc"[..], b"\xc3", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"];
    for octets in broken {
        let mut server = selected(Extensions::new().with_utf8_accept());
        said_to(&mut server, b"e ENABLE UTF8=ACCEPT");
        let line = [b"a CREATE \"", octets, b"\""].concat();
        let text = said_to(&mut server, &line);
        assert!(text.starts_with("a BAD "), "{}: {text}", octets.escape_ascii());
    }
}

#[test]
fn rfc6855_3_no_charset_once_it_is_enabled() {
    let mut server = selected(Extensions::new().with_utf8_accept());
    said_to(&mut server, b"e ENABLE UTF8=ACCEPT");
    assert!(said_to(&mut server, b"a SEARCH CHARSET UTF-8 ALL").starts_with("a BAD "));
    assert!(said_to(&mut server, b"b UID SEARCH CHARSET US-ASCII ALL").starts_with("b BAD "));
    assert!(said_to(&mut server, "c SEARCH SUBJECT \"\u{20ac}\"".as_bytes()).contains("c OK "));
    let mut client = client_support::enabled("ENABLE UTF8=ACCEPT", &[Capability::Utf8Accept]);
    let subject = SearchKey::Subject(AString::new("\u{20ac}").unwrap());
    let search = SearchCommand { returns: None, charset: None, keys: vec![subject] };
    client.search(Addressing::Uid, search).unwrap();
    let text = client_support::sent(&mut client);
    assert!(text.starts_with("A4 UID SEARCH SUBJECT ") && !text.contains("CHARSET"), "{text}");
}

#[test]
fn rfc8474_4_2_select_has_mailboxid_and_status_can_be_asked() {
    let mut server = logged_in(everything());
    for open in ["SELECT", "EXAMINE"] {
        let text = said_to(&mut server, format!("a {open} inbox").as_bytes());
        assert_eq!(text.matches("* OK [MAILBOXID (M1)] ").count(), 1, "{text}");
    }
    ask(&mut server, "b STATUS inbox (mailboxid)");
    let status = named_event!(server, Status);
    assert_eq!(status.attributes, [StatusAttribute::MailboxId]);
    status.ok(&mut server, vec![StatusItem::MailboxId(ObjectId::new("M1").unwrap())]).unwrap();
    assert_eq!(sent(&mut server), "* STATUS INBOX (MAILBOXID (M1))\r\nb OK STATUS completed\r\n");
    assert!(names(&server.capabilities()).iter().any(|name| name == "OBJECTID"));
}

#[test]
fn rfc8474_5_ids_of_messages_and_threads_or_nil() {
    let mut server = selected(everything());
    ask(&mut server, "a FETCH 1 (EMAILID THREADID)");
    let fetch = named_event!(server, Fetch);
    assert_eq!(fetch.attributes, [FetchAttribute::EmailId, FetchAttribute::ThreadId]);
    let mut row = fetch.begin().row(&mut server, message(1)).unwrap();
    row.item(&mut server, &FetchItem::EmailId(ObjectId::new("E_1").unwrap())).unwrap();
    row.item(&mut server, &FetchItem::ThreadId(None)).unwrap();
    row.finish(&mut server).unwrap().ok(&mut server).unwrap();
    let text = sent(&mut server);
    assert_eq!(text, "* 1 FETCH (EMAILID (E_1) THREADID NIL)\r\na OK FETCH completed\r\n");
    for id in [String::new(), "a b".into(), "\u{e4}".into(), "a.b".into(), "x".repeat(256)] {
        assert!(ObjectId::new(id.clone()).is_err(), "{id}");
    }
}

#[test]
fn rfc4314_5_1_1_rights_names_those_beyond_rfc_2086() {
    let server = selected(Extensions::new().with_acl());
    let rights: Vec<Rights> = server
        .capabilities()
        .into_iter()
        .filter_map(
            |capability| if let Capability::Rights(rights) = capability { Some(rights) } else { None },
        )
        .collect();
    let [rights] = rights.as_slice() else { panic!("{rights:?}") };
    for letter in ['t', 'e', 'x', 'k'] {
        assert!(rights.contains(letter), "{letter}");
    }
    for letter in "lrswipacd0123456789".chars() {
        assert!(!rights.contains(letter), "{letter}");
    }
}

#[test]
fn rfc4314_3_rights_reach_the_application_and_can_be_bad() {
    for (text, change) in [
        ("+lr", RightsChange::Add(Rights::new("lr").unwrap())),
        ("-lr", RightsChange::Remove(Rights::new("lr").unwrap())),
        ("lr", RightsChange::Replace(Rights::new("lr").unwrap())),
        ("\"\"", RightsChange::Replace(Rights::NONE)),
        ("qz", RightsChange::Replace(Rights::new("qz").unwrap())),
    ] {
        let mut server = selected(everything());
        ask(&mut server, &format!("a setAcl inbox \"Jo\" {text}"));
        let set = named_event!(server, SetAcl);
        assert_eq!((set.identifier.as_bytes(), &set.change), (&b"Jo"[..], &change), "{text}");
        set.bad(&mut server, "No such right").unwrap();
        assert!(sent(&mut server).starts_with("a BAD "));
    }
    // What cannot be a right does not come so far.
    for text in ["L", "+l r", "l*", "+\u{e4}"] {
        let mut server = selected(everything());
        assert!(
            said_to(&mut server, format!("a SETACL inbox jo {text}").as_bytes()).starts_with("a BAD "),
            "{text}"
        );
    }
}

#[test]
fn rfc4314_3_4_listrights_has_the_identifier_as_it_was_asked() {
    let mut server = selected(everything());
    ask(&mut server, "a listrights inbox \"SmiTH x\"");
    let optional = ["r", "swi", "te"].map(|set| Rights::new(set).unwrap()).to_vec();
    named_event!(server, ListRights).ok(&mut server, Rights::new("la").unwrap(), optional).unwrap();
    let text = sent(&mut server);
    assert!(text.starts_with("* LISTRIGHTS INBOX \"SmiTH x\" al r isw et\r\na OK "), "{text}");
}

#[test]
fn rfc5464_3_2_names_of_entries_keep_to_their_form() {
    for name in ["/shared/a", "/private/vendor/x/y.z", "/SHARED/Comment"] {
        assert!(EntryName::new(name).is_ok(), "{name}");
    }
    for name in ["", "a", "/a/", "/a//b", "/a*", "/a%", "/a\u{e4}", "/a\u{7}", "/a\n"] {
        assert!(EntryName::new(name).is_err(), "{name}");
    }
    for entry in ["/shared//a", "/shared/", "/shared/*", "\"/shared/%\"", "shared"] {
        let mut server = selected(everything());
        let text = said_to(&mut server, format!("a GETMETADATA inbox {entry}").as_bytes());
        assert!(text.starts_with("a BAD "), "{entry}: {text}");
    }
}

#[test]
fn rfc5464_4_2_1_what_is_too_long_is_told_in_the_ok() {
    let mut server = selected(everything());
    ask(&mut server, "a GETMETADATA (MAXSIZE 1024 DEPTH infinity) inbox (/shared/comment /private/comment)");
    let get = named_event!(server, GetMetadata);
    assert_eq!(get.command.max_size, Some(1024));
    get.begin().ok_without_long(&mut server, 2199).unwrap();
    assert!(sent(&mut server).starts_with("a OK [METADATA LONGENTRIES 2199] "));
}

#[test]
fn rfc5464_4_3_setmetadata_fails_with_its_codes_and_tells_no_values() {
    for (code, text) in [
        (ResponseCode::MetadataMaxSize(1024), "[METADATA MAXSIZE 1024]"),
        (ResponseCode::MetadataTooMany, "[METADATA TOOMANY]"),
        (ResponseCode::MetadataNoPrivate, "[METADATA NOPRIVATE]"),
    ] {
        let mut server = selected(everything());
        ask(&mut server, "a SETMETADATA inbox (/private/comment \"x\" /shared/comment NIL)");
        let set = named_event!(server, SetMetadata);
        assert_eq!(set.entries.len(), 2, "both or none of them");
        set.no(&mut server, Refusal::new("no").with_code(code)).unwrap();
        assert_eq!(sent(&mut server), format!("a NO {text} no\r\n"));
    }
    let mut server = selected(everything());
    assert_eq!(
        said_to(&mut server, b"a SETMETADATA inbox (/private/comment \"x\")"),
        "a OK SETMETADATA completed\r\n"
    );
}

#[test]
fn rfc5464_words_come_in_any_case() {
    let mut server = selected(everything());
    for line in [
        &b"a getmetadata (maxsize 5 Depth 1) Inbox /Shared/Comment"[..],
        b"b SetMetadata \"\" (/shared/x nil)",
    ] {
        let text = said_to(&mut server, line);
        assert!(text.contains(" OK "), "{text}");
    }
    let mut client = client_support::selected("METADATA");
    client.handle_input(Time::ZERO, b"* metadata inbox (/shared/x {1}\r\ny)\r\n");
    let Step::Event(ClientEvent::Metadata(heard)) = client.poll_event().unwrap() else { panic!() };
    assert_eq!(heard.mailbox, Mailbox::inbox());
}

#[test]
fn rfc7888_5_bye_to_a_literal_minus_that_is_far_too_large_has_toobig() {
    let mut server = selected(Extensions::new().with_literal_minus());
    let text = said_to(&mut server, b"a APPEND inbox {4294967295+}");
    assert!(text.contains("* BYE [TOOBIG] "), "{text}");
    assert_eq!(server.poll_event(), Ok(Step::Closed));
}

#[test]
fn rfc5464_4_1_values_may_have_a_kilobyte_and_be_ten() {
    let mut server = selected(everything());
    let value = "x".repeat(1024);
    let entries: Vec<String> = (0..10).map(|at| format!("/private/e{at} {{1024+}}\r\n{value}")).collect();
    ask(&mut server, &format!("a SETMETADATA \"\" ({})", entries.join(" ")));
    let set = named_event!(server, SetMetadata);
    assert_eq!(set.entries.len(), 10);
    assert!(set.entries.iter().all(|entry| entry.value.as_ref().is_some_and(|value| value.len() == 1024)));
    set.ok(&mut server).unwrap();
    assert_eq!(sent(&mut server), "a OK SETMETADATA completed\r\n");
}

#[test]
fn rfc5256_3_sort_and_thread_know_ascii_and_utf8() {
    for command in
        ["SORT (SUBJECT)", "uid sort (reverse Date)", "THREAD references", "UID THREAD ORDEREDSUBJECT"]
    {
        for charset in ["US-ASCII", "utf-8"] {
            let mut server = selected(everything());
            let text = said_to(&mut server, format!("a {command} {charset} TEXT x").as_bytes());
            assert!(text.contains("a OK "), "{command} {charset}: {text}");
        }
        let mut server = selected(everything());
        let text = said_to(&mut server, format!("a {command} X-NONE TEXT x").as_bytes());
        assert!(text.starts_with("a NO [BADCHARSET "), "{command}: {text}");
    }
}

#[test]
fn rfc5256_3_quotes_make_no_other_message_id() {
    use posthaste_imap::message::message_ids;
    let ids = |text: &'static str| message_ids(text.as_bytes()).collect::<Vec<_>>();
    let plain = ids("<01KF8JCEOCBS0045PS@xxx.yyy.com>");
    assert_eq!(plain.len(), 1);
    assert_eq!(ids("<\"01KF8JCEOCBS0045PS\"@xxx.yyy.com>"), plain);
    assert_eq!(ids("<\"01KF8JCEOCBS0045P\\S\"@xxx.yyy.com>"), plain);
    assert_ne!(ids("<01kf8jceocbs0045ps@xxx.yyy.com>"), plain, "case counts");
}

#[test]
fn rfc5182_3_words_come_in_any_case() {
    let mut server = selected(everything());
    assert_eq!(
        said_to(&mut server, b"a search return (save Count) all"),
        "* ESEARCH (TAG \"a\") COUNT 5 MODSEQ 7\r\na OK SEARCH completed\r\n"
    );
    ask(&mut server, "b SEARCH RETURN (Save) ALL");
    named_event!(server, Search).no(&mut server, Refusal::not_saved()).unwrap();
    assert!(sent(&mut server).starts_with("b NO [NOTSAVED] "));
}

#[test]
fn rfc9394_3_1_a_command_has_one_part_and_not_all_beside_it() {
    let part = |first: u32, last: u32| {
        SearchReturn::Partial(PartialRange::new(PartialEnd::Oldest, number(first), number(last)))
    };
    for (returns, words) in [
        (vec![part(1, 2), SearchReturn::All], "PARTIAL 1:2 ALL"),
        (vec![SearchReturn::All, part(1, 2)], "ALL PARTIAL 1:2"),
        (vec![part(1, 2), part(3, 4)], "PARTIAL 1:2 PARTIAL 3:4"),
        (vec![part(1, 2), part(1, 2)], "PARTIAL 1:2 PARTIAL 1:2"),
    ] {
        let mut client = client_support::selected("ESEARCH PARTIAL");
        let search = SearchCommand { returns: Some(returns), charset: None, keys: vec![SearchKey::All] };
        let refused = client.search(Addressing::Uid, search.clone());
        assert!(matches!(refused, Err(Misuse::Argument { argument: "PARTIAL", .. })), "{refused:?}");
        assert!(client.search(Addressing::Sequence, search).is_err());
        assert_eq!(client_support::sent(&mut client), "");
        for command in ["SEARCH", "UID SEARCH"] {
            let mut server = selected(everything());
            let text = said_to(&mut server, format!("a {command} RETURN ({words}) ALL").as_bytes());
            assert!(text.starts_with("a BAD "), "{words}: {text}");
        }
    }
    // Whatever else there is may stand beside it.
    let returns = vec![part(1, 2), SearchReturn::Min, SearchReturn::Count];
    let search = SearchCommand { returns: Some(returns), charset: None, keys: vec![SearchKey::All] };
    assert!(client_support::selected("ESEARCH PARTIAL").search(Addressing::Uid, search).is_ok());
}

#[test]
fn rfc9394_4_words_come_in_any_case() {
    let mut server = selected(everything());
    let text = said_to(&mut server, b"a uid search return (partial 1:2) all");
    assert!(text.starts_with("* ESEARCH (TAG \"a\") UID MODSEQ 7 PARTIAL (1:2 10,20)\r\n"), "{text}");
    ask(&mut server, "b uid fetch 1:* (flags) (partial -1:-2)");
    let fetch = named_event!(server, Fetch);
    let part = PartialRange::new(PartialEnd::Newest, number(1), number(2));
    assert_eq!(fetch.modifiers.partial, Some(part));
}

#[test]
fn rfc8437_3_unauthenticate_is_done_or_is_bad_and_can_be_pipelined() {
    for (login, line) in [("", "UNAUTHENTICATE"), ("l LOGIN u p\r\n", "UNAUTHENTICATE now")] {
        let mut server = server(everything());
        said(&mut server, login.as_bytes());
        assert!(said_to(&mut server, format!("a {line}").as_bytes()).starts_with("a BAD "), "{line}");
    }
    let mut server = logged_in(Extensions::new());
    assert!(said_to(&mut server, b"a UNAUTHENTICATE").starts_with("a BAD "), "not offered");
    let mut server = selected(everything());
    server.update(Update::Expunged(message(1))).unwrap();
    let text = said(&mut server, b"a UNAUTHENTICATE\r\nb LOGIN u p\r\nc SELECT inbox\r\n");
    assert!(text.starts_with("a OK UNAUTHENTICATE completed\r\nb OK "), "no EXPUNGE: {text}");
    assert!(text.contains("\r\nc OK "), "{text}");
}

#[test]
fn rfc8437_4_1_metadata_and_condstore_have_to_be_turned_on_again() {
    let mut server = selected(everything());
    said_to(&mut server, b"a ENABLE METADATA METADATA-SERVER CONDSTORE UTF8=ACCEPT");
    said(&mut server, b"b UNAUTHENTICATE\r\nc LOGIN u p\r\nd SELECT inbox\r\n");
    let names = vec![EntryName::new("/shared/comment").unwrap()];
    assert!(server.update(Update::Metadata(Mailbox::inbox(), names)).is_err());
    let text = said_to(&mut server, b"e ENABLE METADATA METADATA-SERVER CONDSTORE UTF8=ACCEPT");
    for name in ["METADATA", "METADATA-SERVER", "CONDSTORE", "UTF8=ACCEPT"] {
        let enabled = text.lines().find(|line| line.starts_with("* ENABLED ")).unwrap();
        assert!(enabled.split(' ').any(|word| word == name), "{name} was not enabled any more: {text}");
    }
}

/// RFC 7377 2: the search of several mailboxes that a line asks for.
fn searched(server: &mut Server, line: &str) -> Asked<MultiSearch> {
    ask(server, line);
    named_event!(server, MultiSearch)
}

#[test]
fn rfc7377_2_1_answers_have_uids_their_mailbox_and_their_tag() {
    let mut server = selected(everything());
    let first = searched(&mut server, "a ESEARCH UNSEEN");
    // No result option is ALL, of the selected mailbox too, and UIDs it is there as well.
    first.found(&mut server, Mailbox::inbox(), number(7), vec![number(10), number(20)]).unwrap();
    first.ok(&mut server).unwrap();
    let text = sent(&mut server);
    assert!(
        text.starts_with("* ESEARCH (TAG \"a\" MAILBOX INBOX UIDVALIDITY 7) UID ALL 10,20\r\na OK "),
        "{text}"
    );
    let second = searched(&mut server, "b ESEARCH IN (personal) RETURN (MIN MAX COUNT) UNSEEN");
    let work = Mailbox::new("Work").unwrap();
    second.found(&mut server, work, number(8), vec![number(3), number(9)]).unwrap();
    // Where nothing was found nothing is said, whatever is asked for.
    second.found(&mut server, Mailbox::inbox(), number(7), vec![]).unwrap();
    second.ok(&mut server).unwrap();
    let text = sent(&mut server);
    let only = "* ESEARCH (TAG \"b\" MAILBOX Work UIDVALIDITY 8) UID MIN 3 MAX 9 COUNT 2\r\nb OK ";
    assert!(text.starts_with(only), "{text}");
    let third = searched(&mut server, "c ESEARCH IN (personal) RETURN (COUNT) UNSEEN");
    third.ok(&mut server).unwrap();
    assert!(sent(&mut server).starts_with("c OK "));
    assert_eq!(server.state(), State::Selected);
}

#[test]
fn rfc7377_2_numbers_beyond_the_mailbox_are_no_error() {
    let mut server = selected(everything());
    let asked = searched(&mut server, "a ESEARCH FROM x 101:200");
    assert!(matches!(asked.command.search.keys[..], [_, SearchKey::Sequence(_)]));
    asked.ok(&mut server).unwrap();
    assert!(sent(&mut server).starts_with("a OK "));
}

#[test]
fn rfc7377_2_2_what_is_selected_has_to_be() {
    let mut server = logged_in(everything());
    for line in ["a ESEARCH ALL", "a ESEARCH IN (selected) ALL", "a ESEARCH IN (personal selected) ALL"] {
        assert!(said_to(&mut server, line.as_bytes()).starts_with("a BAD "), "{line}");
    }
    let asked = searched(&mut server, "b ESEARCH IN (personal) ALL");
    asked.ok(&mut server).unwrap();
    assert!(sent(&mut server).starts_with("b OK "));
    let mut server = selected(everything());
    for line in ["ESEARCH ALL", "ESEARCH IN (selected) ALL", "ESEARCH IN (mailboxes Work) ALL"] {
        let asked = searched(&mut server, &format!("c {line}"));
        asked.ok(&mut server).unwrap();
        assert!(sent(&mut server).starts_with("c OK "), "{line}");
        assert_eq!(server.state(), State::Selected);
    }
}

#[test]
fn rfc7377_2_2_expunges_do_not_wait_for_a_search() {
    for mut server in [logged_in(everything()), selected(everything())] {
        for filters in ["selected-delayed", "personal selected-delayed"] {
            let text = said_to(&mut server, format!("a ESEARCH IN ({filters}) ALL").as_bytes());
            assert!(text.starts_with("a BAD "), "{text}");
        }
    }
}

#[test]
fn rfc7377_2_2_contexts_and_saved_results_are_not_offered_for_it() {
    let mut server = selected(everything());
    for options in ["SAVE", "UPDATE", "COUNT SAVE", "CONTEXT"] {
        let line = format!("a ESEARCH IN (personal) RETURN ({options}) ALL");
        assert!(said_to(&mut server, line.as_bytes()).starts_with("a BAD "), "{line}");
    }
}

#[test]
fn rfc6855_3_a_search_of_several_mailboxes_names_no_charset_either() {
    let mut server = logged_in(everything());
    said_to(&mut server, b"a ENABLE UTF8=ACCEPT");
    let text = said_to(&mut server, b"b ESEARCH IN (personal) CHARSET UTF-8 SUBJECT x");
    assert!(text.starts_with("b BAD "), "{text}");
}

#[test]
fn rfc7377_2_1_a_client_tells_answers_apart_by_their_tags() {
    let mut client = client_support::selected("MULTISEARCH");
    let search = |keys| EsearchCommand {
        mailboxes: vec![MailboxFilter::Personal],
        search: SearchCommand { returns: None, charset: None, keys },
    };
    // Two at once: neither waits for the other.
    let first = client.command(Command::Esearch(search(vec![SearchKey::Unseen]))).unwrap();
    let second = client.command(Command::Esearch(search(vec![SearchKey::Flagged]))).unwrap();
    let lines = client_support::sent(&mut client);
    assert_eq!(lines.lines().count(), 2, "{lines}");
    let tag = |client: &posthaste_imap::client::Client, id| client.tag(id).unwrap().as_str().to_owned();
    let (one, other) = (tag(&client, first), tag(&client, second));
    let said = format!(
        "* ESEARCH (TAG \"{other}\" MAILBOX a UIDVALIDITY 1) UID ALL 4\r\n\
         * ESEARCH (UIDVALIDITY 3 TAG \"{one}\" MAILBOX b) UID ALL 5\r\n"
    );
    client.handle_input(Time::ZERO, said.as_bytes());
    let mut tags = Vec::new();
    while let Ok(Step::Event(event)) = client.poll_event() {
        if let ClientEvent::Esearch(found) = event {
            assert!(found.mailbox.is_some() && found.uid);
            tags.push(found.tag.unwrap().as_bytes().to_vec());
        }
    }
    assert_eq!(tags, [other.into_bytes(), one.into_bytes()]);
}

#[test]
fn rfc5267_3_esort_results_are_in_the_order_of_the_sort() {
    let mut server = selected(everything());
    ask(&mut server, "a UID SORT RETURN () (DATE) UTF-8 ALL");
    let sort = named_event!(server, Sort);
    // 3.2: what goes down is no range, because a range goes up.
    sort.ok(&mut server, [23, 22, 21, 30, 31, 32].map(number).to_vec()).unwrap();
    let text = sent(&mut server);
    assert!(text.starts_with("* ESEARCH (TAG \"a\") UID ALL 23,22,21,30:32\r\na OK "), "{text}");
    ask(&mut server, "b UID SORT RETURN (MIN MAX COUNT) (DATE) UTF-8 ALL");
    let sort = named_event!(server, Sort);
    // 3.1: the first and the last of the order, not the least and the largest.
    sort.ok(&mut server, [23, 22, 30, 25].map(number).to_vec()).unwrap();
    let text = sent(&mut server);
    assert!(text.starts_with("* ESEARCH (TAG \"b\") UID MIN 23 MAX 25 COUNT 4\r\nb OK "), "{text}");
}

#[test]
fn rfc5267_4_contexts_are_not_announced_and_refused() {
    let mut server = selected(everything());
    assert!(!names(&server.capabilities()).iter().any(|name| name.starts_with("CONTEXT")));
    for line in
        ["SEARCH RETURN (UPDATE) ALL", "UID SORT RETURN (CONTEXT) (DATE) UTF-8 ALL", "CANCELUPDATE \"a\""]
    {
        let text = said_to(&mut server, format!("a {line}").as_bytes());
        assert!(text.starts_with("a BAD "), "{line}: {text}");
    }
}

#[test]
fn rfc5267_4_3_a_client_never_uses_a_tag_again() {
    let mut client = client_support::selected("ESEARCH CONTEXT=SEARCH IDLE");
    let mut tags = std::collections::BTreeSet::new();
    let returns = Some(vec![SearchReturn::Update(vec![])]);
    for _ in 0..1000 {
        let search = SearchCommand { returns: returns.clone(), charset: None, keys: vec![SearchKey::All] };
        let id = client.command(Command::Search(Addressing::Uid, search)).unwrap();
        let tag = client.tag(id).unwrap().as_str().to_owned();
        client_support::sent(&mut client);
        client_support::say(&mut client, &format!("{tag} OK\r\n"));
        assert!(tags.insert(tag), "a tag came twice");
    }
}
