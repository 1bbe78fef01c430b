//! Servers as they are: each test plays what a server was seen to say, named by its number among the quirks and the
//! public thread it is told of in.
//!
//! Not here, because no other octets would help: that RENAME, LIST or another command is refused for reasons of the
//! server's own is told as its answer. What is odd in the shape of one item is in `codec_quirks.rs`; what odd clients do
//! to a server, in `server_session.rs` (quirk 18) and `requirements_attacks.rs` (`mbx_03`, for modern-email/defects#8).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod client_support;

use client_support::{client, drive, enabled, ready, say, selected, sent, step};
use core::num::NonZeroU32;
use core::time::Duration;
use posthaste_imap::client::{
    CharsetUse, Client, Config, Event, Peer, ProtocolError, Quirks, QuirksPolicy, Timer, esearch_of,
};
use posthaste_imap::types::{
    AString, Addressing, Capability, Command, FetchAttribute, FetchCommand, FetchModifiers, Flag,
    IdParameters, ListPattern, ListReturn, Mailbox, Repairs, SearchCommand, SearchKey, SearchReturn,
    SequenceNumber, SequenceRange, SequenceSet,
};
use posthaste_imap::{Secret, Security, Step, Time};

fn subject(text: &'static str, returns: Option<Vec<SearchReturn>>) -> SearchCommand {
    let keys = vec![SearchKey::Subject(AString::new(text).unwrap())];
    SearchCommand { returns, charset: None, keys }
}

/// A client that was greeted like this.
fn greeted(greeting: &str) -> Client {
    let mut client = client(Config::default(), Security::Tls);
    say(&mut client, &format!("* OK {greeting}\r\n"));
    client
}

fn n(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

#[test]
fn quirk_01_a_code_without_text_is_read_and_remembered_as_repaired() {
    // modern-email/defects#28, MailKit#225
    let mut client = selected("CONDSTORE");
    assert!(client.repairs().is_empty());
    assert_eq!(say(&mut client, "* OK [HIGHESTMODSEQ 9195383]\r\n"), ["Untagged Ok "]);
    assert_eq!(client.mailbox().unwrap().highest_mod_seq, Some(9_195_383));
    assert!(client.repairs().contains(Repairs::MISSING_TEXT));
}

#[test]
fn quirk_02_a_plus_without_anything() {
    // defects#7, imap-codec#638, himalaya#556
    for go in ["+\r\n", "+ \r\n", "+ OK\r\n"] {
        let mut client = selected("IDLE");
        client.idle().unwrap();
        assert_eq!(say(&mut client, go), ["Idling CommandId(3)"]);
    }
}

#[test]
fn quirk_03_a_literal_that_is_shorter_than_announced_ends_by_its_timer() {
    // MailKit#361: 225,752 announced, 182,374 sent
    let mut client = selected("");
    client.fetch(SequenceSet::single(n(2)), vec![FetchAttribute::Rfc822]).unwrap();
    say(&mut client, "* 2 FETCH (RFC822 {225752}\r\nabc)\r\nA3 OK completed\r\n");
    assert_eq!(client.timer(), Some(Timer::Literal));
    client.handle_timeout(Time::from_epoch(Duration::from_secs(2 * 60)));
    assert!(matches!(client.poll_event(), Err(ProtocolError::TimedOut(Timer::Literal))));
    // With nothing in progress, too.
    let mut client = selected("");
    say(&mut client, "* LIST () \"/\" {10}\r\nabc");
    assert_eq!(client.timer(), Some(Timer::Literal));
    assert_eq!(say(&mut client, "defghij\r\n").len(), 1);
    assert_eq!(client.timer(), None);
}

#[test]
fn quirk_04_a_broken_structure_costs_no_more_than_itself() {
    // MailKit#371, imap-codec#700, defects#50, himalaya#649
    let mut client = selected("");
    let row = "* 1 FETCH (UID 9 BODYSTRUCTURE (\"RELATED\" NIL (\"ATTACHMENT\" NIL) NIL) FLAGS (\\Seen))\r\n";
    let events = say(&mut client, row);
    assert!(events.contains(&"Item Uid(9)".to_owned()), "{events:?}");
    assert!(events.contains(&"Item Flags([Seen])".to_owned()), "{events:?}");
    assert_eq!(events.last().unwrap(), "RowEnd");
}

#[test]
fn quirk_05_spaces_where_none_belong() {
    // davmail#343, mail-api#209, imap_tools#97, defects#9
    let mut client = selected("");
    for (line, event) in [
        ("*  1843 EXISTS\r\n", "Exists 1843"),
        ("* SEARCH 7456 \r\n", "Search [7456]"),
        ("* STATUS INBOX (MESSAGES 0) \r\n", "Status(Mailbox(\"INBOX\"), [Messages(0)])"),
    ] {
        assert_eq!(say(&mut client, line), [event]);
    }
    assert_eq!(say(&mut client, "* 11 FETCH (UID 19436 )\r\n"), ["Row 11", "Item Uid(19436)", "RowEnd"]);
    assert!(client.repairs().contains(Repairs::EXTRA_SPACE));
}

#[test]
fn quirk_06_impossible_numbers_say_nothing() {
    // defects#52, MailKit#150, #1010, purelymail#446
    let mut client = selected("CONDSTORE");
    client.select(Mailbox::inbox(), vec![]).unwrap();
    say(
        &mut client,
        "* 3 EXISTS\r\n* OK [UIDVALIDITY 0] x\r\n* OK [UIDNEXT 0] x\r\n* OK [HIGHESTMODSEQ 0] x\r\nA3 OK open\r\n",
    );
    let mailbox = client.mailbox().unwrap();
    assert_eq!((mailbox.uid_validity, mailbox.uid_next, mailbox.highest_mod_seq), (None, None, None));
    say(&mut client, "* OK [UIDVALIDITY 4294967296] x\r\n");
    assert_eq!(client.mailbox().unwrap().uid_validity, None);
}

#[test]
fn quirk_07_codes_in_odd_places_do_no_harm() {
    // ruby/net-imap#250, MailKit#115, #555; RFC 6851 4.3 is the one that is right
    let mut client = selected("MOVE");
    for line in
        ["[COPYUID 124 10 233]", "* [COPYUID 124 10 233]", "* OK [COPYUID 14  ] x", "* OK [COPYUID 1 2 3] x"]
    {
        assert!(say(&mut client, &format!("{line}\r\n")).len() <= 1, "{line}");
    }
    assert_eq!(say(&mut client, "* 6 EXISTS\r\n"), ["Exists 6"], "still in step");
}

#[test]
fn quirk_10_torn_capabilities_and_initial_responses_that_are_refused() {
    // MailKit#1654
    let mut client = ready("IMAP4rev1 LITERAL + SASL-IR AUTH=PLAIN");
    client.login("j\no", Secret::from("pw")).unwrap();
    assert_eq!(sent(&mut client), "A1 LOGIN {3+}\r\nj\no pw\r\n");
    // io-imap 0.5.0: announced, and BAD
    let mut client = ready("IMAP4rev1 SASL-IR AUTH=PLAIN");
    client.authenticate("PLAIN", Some(Secret::from("\0joe\0pw"))).unwrap();
    client.noop().unwrap();
    assert_eq!(sent(&mut client), "A1 AUTHENTICATE PLAIN AGpvZQBwdw==\r\n");
    assert_eq!(say(&mut client, "A1 BAD what?\r\n"), ["Fallback CommandId(1) WithoutInitialResponse"]);
    assert_eq!(sent(&mut client), "A2 AUTHENTICATE PLAIN\r\n");
    say(&mut client, "+ \r\n");
    assert_eq!(sent(&mut client), "AGpvZQBwdw==\r\n");
    // Once is enough.
    assert_eq!(say(&mut client, "A2 BAD what?\r\n"), ["Done CommandId(1) Bad"]);
    assert_eq!(sent(&mut client), "A3 NOOP\r\n");
}

#[test]
fn a_mechanism_that_was_refused_without_an_initial_response_is_not_tried_again() {
    let mut client = ready("IMAP4rev1 AUTH=PLAIN");
    let id = client.authenticate("PLAIN", Some(Secret::from("x"))).unwrap();
    assert_eq!(sent(&mut client), "A1 AUTHENTICATE PLAIN\r\n");
    assert_eq!(say(&mut client, "A1 BAD what?\r\n"), [format!("Done {id:?} Bad")]);
    assert_eq!(sent(&mut client), "");
}

#[test]
fn an_exchange_that_was_cancelled_is_not_begun_anew() {
    let mut client = ready("IMAP4rev1 SASL-IR AUTH=X");
    client.authenticate("X", Some(Secret::from("one"))).unwrap();
    sent(&mut client);
    client.handle_input(Time::ZERO, b"+ AAAA\r\n");
    let Step::Event(Event::Challenge(challenge)) = step(&mut client) else { panic!() };
    challenge.cancel(&mut client).unwrap();
    assert_eq!(sent(&mut client), "*\r\n");
    assert_eq!(say(&mut client, "A1 BAD cancelled\r\n"), ["Done CommandId(1) Bad"]);
    assert_eq!(sent(&mut client), "");
}

#[test]
fn quirk_12_sets_go_out_ascending_and_in_pieces() {
    // defects#40, himalaya#518, nextcloud/mail#12487
    let mut client = selected("");
    let range =
        |a, b| SequenceRange { start: SequenceNumber::Number(n(a)), end: SequenceNumber::Number(n(b)) };
    let set = SequenceSet::new(vec![range(5, 1), range(9, 9), range(6, 6)]).unwrap();
    client.uid_fetch(set, vec![FetchAttribute::Flags]).unwrap();
    assert_eq!(sent(&mut client), "A3 UID FETCH 1:6,9 (FLAGS)\r\n");
    let many = SequenceSet::from_numbers((1..20_000).map(|number| n(number * 2))).unwrap();
    let fetch = |addressing| {
        let (attributes, modifiers) = (vec![FetchAttribute::Flags], FetchModifiers::default());
        Command::Fetch(addressing, FetchCommand { set: many.clone().into(), attributes, modifiers })
    };
    let parts = client.split(fetch(Addressing::Uid));
    assert!(parts.len() > 10);
    say(&mut client, "A3 OK\r\n");
    let mut total = 0;
    for (at, part) in parts.into_iter().enumerate() {
        let Command::Fetch(_, fetch) = &part else { panic!() };
        total += fetch.set.numbers().unwrap().ranges().len();
        client.command(part).unwrap();
        let line = sent(&mut client);
        assert!(line.len() <= 8_000, "{}", line.len());
        say(&mut client, &format!("A{} OK\r\n", at + 4));
    }
    assert_eq!(total, many.ranges().len());
}

#[test]
fn quirk_13_charset_is_named_where_it_is_needed_and_changed_where_it_is_refused() {
    // MailKit#348
    let mut client = selected("");
    client.search(Addressing::Uid, subject("plain", None)).unwrap();
    assert_eq!(sent(&mut client), "A3 UID SEARCH SUBJECT plain\r\n");
    say(&mut client, "A3 OK\r\n");
    let id = client.search(Addressing::Uid, subject("grün", None)).unwrap();
    assert_eq!(sent(&mut client), "A4 UID SEARCH CHARSET UTF-8 SUBJECT {5}\r\n");
    say(&mut client, "+ \r\n");
    sent(&mut client);
    let events = say(&mut client, "A4 NO [BADCHARSET (US-ASCII ISO-8859-1)] no\r\n");
    assert_eq!(events, [format!("Fallback {id:?} Latin1")]);
    assert_eq!(sent(&mut client), "A5 UID SEARCH CHARSET ISO-8859-1 SUBJECT {4}\r\n");
    client.handle_input(Time::ZERO, b"+ \r\n");
    drive(&mut client);
    assert_eq!(client.poll_transmit().unwrap(), &b"gr\xfcn\r\n"[..]);
    assert_eq!(say(&mut client, "A5 NO [BADCHARSET (X)] no\r\n"), [format!("Done {id:?} No")]);
    // himalaya#769: nothing the server knows can say it
    let id = client.search(Addressing::Uid, subject("Привет", None)).unwrap();
    sent(&mut client);
    let events = say(&mut client, "A6 NO [BADCHARSET (US-ASCII)] no\r\n");
    assert_eq!(events, [format!("Done {id:?} No")]);
    // RFC 9755 3: no CHARSET once UTF-8 is enabled
    let mut client = enabled("UTF8=ACCEPT", &[Capability::Utf8Accept]);
    client.search(Addressing::Uid, subject("grün", None)).unwrap();
    assert_eq!(sent(&mut client), "A4 UID SEARCH SUBJECT \"grün\"\r\n");
}

#[test]
fn search_return_falls_back_and_says_so() {
    let mut client = selected("");
    let returns = vec![SearchReturn::Min, SearchReturn::Count];
    let id = client.search(Addressing::Uid, subject("x", Some(returns.clone()))).unwrap();
    assert_eq!(sent(&mut client), "A3 UID SEARCH SUBJECT x\r\n");
    let events = say(&mut client, "* SEARCH 7 3 9\r\nA3 OK\r\n");
    assert_eq!(events[0], format!("Fallback {id:?} PlainSearch"));
    let found = esearch_of(&[n(7), n(3), n(9)], &returns, Addressing::Uid);
    assert_eq!((found.min, found.max, found.count, found.all), (Some(n(3)), None, Some(3), None));
    assert!(esearch_of(&[], &[], Addressing::Sequence).all.is_none());
    assert_eq!(esearch_of(&[n(2), n(1)], &[], Addressing::Uid).all.unwrap().to_string(), "1:2");
    // SAVE has none.
    let save = subject("x", Some(vec![SearchReturn::Save]));
    assert!(client.search(Addressing::Uid, save).is_err());
}

#[test]
fn quirk_14_answers_to_other_commands_are_not_taken_for_ours() {
    // async-imap#141
    let mut client = ready("IMAP4rev1");
    client.login("joe", Secret::from("pw")).unwrap();
    let events = say(&mut client, "A0 NO late\r\nZ1 OK strange\r\n");
    assert!(events.iter().all(|event| event.starts_with("Violation")), "{events:?}");
    assert_eq!(
        say(&mut client, "A1 OK [CAPABILITY IMAP4rev1] in\r\n").last().unwrap(),
        "Done CommandId(1) Ok"
    );
}

#[test]
fn quirk_15_news_in_the_same_packet_as_the_end_of_idle() {
    // mail-api#157
    let mut client = selected("IDLE");
    let id = client.idle().unwrap();
    say(&mut client, "+ idling\r\n");
    client.done().unwrap();
    let events = say(&mut client, "* 6 EXISTS\r\nA3 OK done\r\n* 7 EXISTS\r\n");
    assert_eq!(events, ["Exists 6".to_owned(), format!("Done {id:?} Ok"), "Exists 7".to_owned()]);
}

#[test]
fn quirk_16_half_done_extensions_are_ignored_by_profile() {
    // Mailspring-Sync#91, #141
    let mut client = greeted("[CAPABILITY IMAP4rev1 XAPPLELITERAL] (2428B47) p00-iscream-f9f7bf749");
    assert_eq!(client.peer(), Peer::ICloud);
    client.login("joe", Secret::from("pw")).unwrap();
    say(&mut client, "A1 OK [CAPABILITY IMAP4rev1 CONDSTORE ENABLE QRESYNC XAPPLELITERAL] in\r\n");
    assert!(client.has_capability("ENABLE") && !client.has_capability("QRESYNC"));
    // Overridden
    let mut config = Config::default();
    config.quirks = QuirksPolicy::Fixed(Quirks::default());
    let mut client = client_support::client(config, Security::Tls);
    say(&mut client, "* OK [CAPABILITY IMAP4rev1 QRESYNC XAPPLELITERAL] p00-iscream-f9f7bf749\r\n");
    assert_eq!(client.peer(), Peer::ICloud);
    assert!(client.has_capability("QRESYNC"));
}

#[test]
fn netease_opens_no_mailbox_before_id() {
    // defects#25: SELECT Unsafe Login
    let mut client = greeted("Coremail System IMap Server Ready(163com[726cd87d72d896a1])");
    assert_eq!((client.peer(), sent(&mut client).as_str()), (Peer::NetEase, "A1 CAPABILITY\r\n"));
    say(&mut client, "* CAPABILITY IMAP4rev1 ID SASL-IR AUTH=PLAIN\r\nA1 OK\r\n");
    assert!(!client.has_capability("SASL-IR"), "io-imap 0.5.0");
    client.login("joe", Secret::from("pw")).unwrap();
    client.select(Mailbox::inbox(), vec![]).unwrap();
    sent(&mut client);
    say(&mut client, "A2 OK [CAPABILITY IMAP4rev1 ID] in\r\n");
    assert_eq!(sent(&mut client), "A3 ID NIL\r\n");
    assert_eq!(say(&mut client, "* ID (\"name\" \"Coremail\")\r\nA3 OK\r\n").len(), 1, "only the data");
    assert_eq!(sent(&mut client), "A4 SELECT INBOX\r\n");
}

#[test]
fn quirk_13_exchange_is_not_told_of_charsets() {
    // himalaya#769
    let mut client =
        greeted("[CAPABILITY IMAP4rev1 LITERAL+] The Microsoft Exchange IMAP4 service is ready.");
    assert_eq!((client.peer(), client.quirks().charset), (Peer::Exchange, CharsetUse::Unnamed));
    client.login("joe", Secret::from("pw")).unwrap();
    client.select(Mailbox::inbox(), vec![]).unwrap();
    say(&mut client, "A1 OK [CAPABILITY IMAP4rev1 LITERAL+] in\r\nA2 OK open\r\n");
    sent(&mut client);
    say(&mut client, "A2 OK open\r\n");
    client.search(Addressing::Uid, subject("grün", None)).unwrap();
    assert_eq!(sent(&mut client), "A3 UID SEARCH SUBJECT {5+}\r\ngrün\r\n");
    assert_eq!(drive(&mut client), ["Fallback CommandId(3) WithoutCharset"]);
}

#[test]
fn proton_refuses_special_use() {
    // MailKit#674
    let mut client = ready("IMAP4rev1 SPECIAL-USE LIST-EXTENDED ID");
    client.id(IdParameters::default()).unwrap();
    say(&mut client, "* ID (\"name\" \"ProtonMail\" \"vendor\" \"Proton Technologies AG\")\r\nA1 OK\r\n");
    assert_eq!(client.peer(), Peer::ProtonBridge);
    client.login("joe", Secret::from("pw")).unwrap();
    say(&mut client, "A2 OK [CAPABILITY IMAP4rev1 SPECIAL-USE LIST-EXTENDED] in\r\n");
    let pattern = vec![ListPattern::new("*").unwrap()];
    let list = client.list_extended(vec![], Mailbox::new("").unwrap(), pattern, vec![ListReturn::SpecialUse]);
    assert!(list.is_err());
}

#[test]
fn idle_can_be_renewed_sooner() {
    // core#5093
    let mut quirks = Quirks::default();
    quirks.idle_renewal_max = Some(Duration::from_secs(240));
    let mut config = Config::default();
    config.quirks = QuirksPolicy::Fixed(quirks);
    let mut client = client_support::client(config, Security::Tls);
    say(&mut client, "* OK [CAPABILITY IMAP4rev1 IDLE] hi\r\n");
    client.login("joe", Secret::from("pw")).unwrap();
    client.idle().unwrap();
    say(&mut client, "A1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n");
    say(&mut client, "+ idling\r\n");
    assert_eq!(client.timer(), Some(Timer::IdleRenewal));
    assert_eq!(client.poll_timeout(), Some(Time::from_epoch(Duration::from_secs(240))));
    assert!(matches!(step(&mut client), Step::NeedInput));
}

/// What a client with INBOX selected makes of one line; it stays in step, whatever the line is.
fn heard(line: &str) -> Vec<String> {
    let mut client = selected("");
    let events = say(&mut client, &format!("{line}\r\n"));
    assert_eq!(say(&mut client, "* 77 EXISTS\r\n"), ["Exists 77"], "still in step behind {line}");
    events
}

fn assert_understood(line: &str) {
    let events = heard(line);
    let odd = |event: &String| event.starts_with("Violation") || event.contains("Opaque");
    assert!(!events.is_empty() && !events.iter().any(odd), "{line}: {events:?}");
}

#[test]
fn quirk_08_flags_that_are_none() {
    // MailKit#193, #771, #1042, net-imap#228, #272; servers 005, 055, 088, 097, 098
    for line in [
        r"* FLAGS (\Answered \Seen OIB-Seen-[Gmail]/Trash)",
        r"* FLAGS (\Answered \Deleted \Draft \Flagged \Seen \*)",
        r"* FLAGS (Junk $label3 \Draft \Seen \Recent)",
        r"* OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Draft \Seen $Forwarded )] Limited",
        r"* OK [PERMANENTFLAGS (\* \Answered \Flagged \Deleted \Draft \Seen)] Permanent flags",
        r"* 1 FETCH (FLAGS (\Seen [x] \Unknown))",
    ] {
        assert_understood(line);
    }
}

#[test]
fn quirk_09_raw_octets_in_quoted_strings() {
    // defects#38, #46, imap-backup#119; server 078
    assert_eq!(heard("* LIST () \"/\" \"Entwürfe\""), ["List Entwürfe"]);
    let mut client = selected("");
    client.handle_input(Time::ZERO, b"* LIST () \"/\" \"Entw\xfcrfe\"\r\n");
    let Step::Event(Event::List(list)) = step(&mut client) else { panic!() };
    // It is opened by the name the server gave it.
    client.subscribe(list.mailbox).unwrap();
    assert_eq!(sent(&mut client), "A3 SUBSCRIBE {8}\r\n");
    client.handle_input(Time::ZERO, b"+\r\n");
    assert!(matches!(step(&mut client), Step::NeedInput));
    assert_eq!(client.poll_transmit().unwrap(), &b"Entw\xfcrfe\r\n"[..]);
}

#[test]
fn quirk_11_empty_lists_and_nil() {
    // defects#13, #15, MailKit#1512; servers 063, 075
    for line in [
        "* STATUS INBOX ()",
        "* ID NIL",
        "* ID ()",
        "* NAMESPACE NIL NIL NIL",
        "* NAMESPACE ((\"\" NIL)) NIL NIL",
        "* SEARCH",
        "* FLAGS ()",
    ] {
        assert_understood(line);
    }
    // An empty ID goes out as NIL.
    let mut client = ready("IMAP4rev1 ID");
    client.id(IdParameters::default()).unwrap();
    assert_eq!(sent(&mut client), "A1 ID NIL\r\n");
}

#[test]
fn quirk_17_deep_nesting_costs_the_item() {
    // dovecot/core#283, swift-nio-imap#698
    let deep =
        format!("* 1 FETCH (UID 4 BODYSTRUCTURE {}{} FLAGS ())", "(".repeat(50_000), ")".repeat(50_000));
    let events = heard(&deep);
    assert_eq!(events[..2], ["Row 1", "Item Uid(4)"]);
    assert_eq!(events[3..], ["Item Flags([])", "RowEnd"]);
    assert!(heard(&format!("* THREAD {}", "(".repeat(50_000)))[0].starts_with("Violation"));
}

#[test]
fn quirk_18_a_literal_that_is_refused_ends_the_command() {
    // stalwart#2768, net-imap#701: seen from the client
    let mut client = selected("");
    let id = client.append(Mailbox::inbox(), [], None, 10).unwrap();
    assert_eq!(sent(&mut client), "A3 APPEND INBOX {10}\r\n");
    assert_eq!(say(&mut client, "A3 NO [TOOBIG] no\r\n"), [format!("Done {id:?} No")]);
    client.noop().unwrap();
    assert_eq!(sent(&mut client), "A4 NOOP\r\n");
}

#[test]
fn servers_that_say_it_in_their_own_way() {
    for line in [
        // Domino 092, iCloud 045 is below, cyon.ch 102, Telekom Hungary 103, Gmail 007, larch#7
        r#"* NAMESPACE (("" "\\")) (("Other\\" "\\")) (("Shared\\" "\\"))"#,
        r#"* LIST (\HasNoChildren \Drafts) "." INBOX.Drafts"#,
        "* CAPABILITY IMAP4rev1  SASL-IR LOGIN-REFERRALS ID ENABLE IDLE SORT SORT=DISPLAY",
        r#"* 1 FETCH (X-GM-LABELS ("\\Inbox" "\\Important") UID 1 BODY[1.1.TEXT] NIL)"#,
        // Exchange 023, 022
        "* STATUS INBOX (MESSAGES 0) ",
        r#"* OK [Error="Store.WrongServerException: Cross Server" Proxy=X:1993:SSL Service=Imap4] done"#,
        // MailKit#1838: mail.ru writes sizes as floats; emailjs-imap-handler#20; enough_mail#9
        "* 4 FETCH (UID 7 BODY[] {0}\r\n)",
        "* 4 FETCH (BODY[1] {2}\r\nab BODY[2] {3}\r\ncde UID 9)",
        // An unpadded length, 120
        "* 3 FETCH (BODY[HEADER.FIELDS (Foo)] {012}\r\nFoo: bar\r\n\r\n)",
        // QQ 053, 054
        "* OK [UNSEEN 25]",
    ] {
        assert_understood(line);
    }
    // Lines that make no sense cost themselves: MailKit#428, 119, home.pl 101
    for line in
        ["* 0 FETCH (FLAGS ())", "* NOOP", "* 1 FETCH", "* XLIST (\\HasNoChildren \\) \".\" \"INBOX.ARCH\""]
    {
        assert!(heard(line).len() <= 3, "{line}");
    }
}

#[test]
fn mail_api_370_a_part_of_a_body_may_be_all_of_it() {
    // Exchange gives all where a part was asked for; Yandex gives none (MailKit#1708). The row says what it is.
    let mut client = selected("");
    let events = say(&mut client, "* 1 FETCH (BODY[] {5}\r\nabcde)\r\n* 2 FETCH (BODY[] \"\")\r\n");
    assert!(events[1].contains("origin: None") && events[1].ends_with(" 5"), "{events:?}");
    let events = say(&mut client, "* 1 FETCH (BODY[]<0> {5}\r\nabcde)\r\n");
    assert!(events[1].contains("origin: Some(0)"), "{events:?}");
}

#[test]
fn office365_020_a_refusal_and_a_farewell_in_one_packet() {
    let mut client = selected("");
    let id = client.noop().unwrap();
    let events = say(
        &mut client,
        "A3 BAD User is authenticated but not connected.\r\n* BYE Connection closed. 14\r\n",
    );
    assert_eq!(events, [format!("Done {id:?} Bad"), "Bye Connection closed. 14".to_owned()]);
    assert!(matches!(step(&mut client), Step::Closed));
    // iCloud 045: without a word
    let mut client = selected("");
    assert_eq!(say(&mut client, "* BYE\r\n"), ["Bye "]);
}

#[test]
fn quirk_14_greetings_that_are_none() {
    // imapflow, cpython#152768: POP3 on the port of IMAP, leading NULs, a farewell
    for greeting in
        ["+OK POP3 server ready\r\n", "\0\0* OK hi\r\n", "421 busy\r\n", "Server Unavailable. 15\r\n"]
    {
        let mut client = client(Config::default(), Security::Tls);
        client.handle_input(Time::ZERO, greeting.as_bytes());
        let error = client.poll_event().unwrap_err();
        assert!(matches!(error, ProtocolError::GreetingRejected { .. }), "{greeting:?}: {error}");
    }
}

#[test]
fn xeams_095_data_outside_of_its_row_costs_itself() {
    let mut client = selected("");
    let events =
        say(&mut client, "* 1 FETCH (BODY[] {3}\r\nabc)\r\n FLAGS (\\Seen) RFC822.SIZE 3)\r\n* 6 EXISTS\r\n");
    assert_eq!(events[events.len() - 1], "Exists 6");
    assert!(events[events.len() - 2].starts_with("Violation"), "{events:?}");
}

#[test]
fn mailkit_1957_a_list_that_is_refused_keeps_nobody_from_inbox() {
    // strato says NO to LIST "" INBOX. INBOX is always there, and the machine waits for no LIST.
    let mut client = selected("");
    let id = client.list(Mailbox::new("").unwrap(), ListPattern::new("INBOX").unwrap()).unwrap();
    client.select(Mailbox::inbox(), vec![]).unwrap();
    assert_eq!(sent(&mut client), "A3 LIST \"\" INBOX\r\n");
    assert_eq!(say(&mut client, "A3 NO what?\r\n"), [format!("Done {id:?} No")]);
    assert_eq!(sent(&mut client), "A4 SELECT INBOX\r\n");
}

#[test]
fn gromox_60_append_has_the_flags_it_is_given() {
    // gromox refused an APPEND without flags. An empty list in place of none is not more likely to please it, so there
    // is no fallback; whoever meets it gives a flag.
    let mut client = selected("LITERAL+");
    client.append(Mailbox::inbox(), [], None, 3).unwrap();
    assert_eq!(sent(&mut client), "A3 APPEND INBOX {3+}\r\n");
    let mut client = selected("LITERAL+");
    client.append(Mailbox::inbox(), [Flag::Seen], None, 3).unwrap();
    assert_eq!(sent(&mut client), "A3 APPEND INBOX (\\Seen) {3+}\r\n");
}

#[test]
fn mailroom_30_literals_where_strings_are_expected_and_in_any_pieces() {
    let row = "* 1 FETCH (ENVELOPE (NIL {5}\r\nhello (({4}\r\nJo\"e NIL joe {11}\r\nexample.org)) NIL NIL NIL NIL NIL NIL {0}\r\n) UID 7)\r\n";
    let whole = say(&mut selected(""), row);
    assert!(whole.iter().any(|event| event.contains("example.org") && event.contains("Jo")), "{whole:?}");
    for size in [1, 2, 3, 7] {
        let mut client = selected("");
        let pieces = row.as_bytes().chunks(size);
        let events: Vec<String> =
            pieces.flat_map(|piece| say(&mut client, core::str::from_utf8(piece).unwrap())).collect();
        assert_eq!(events, whole, "{size}");
    }
}

#[test]
fn quirk_03_nul_in_a_payload_is_an_octet() {
    for row in ["* 1 FETCH (BINARY[1] ~{3}\r\na\0b)", "* 1 FETCH (BODY[1] {3}\r\na\0b)"] {
        assert_understood(row);
    }
}
