//! What the RFCs ask of a client, section by section, and the attacks on one that no other file has. Each test
//! carries the number and the section of its RFC or the id of its attack; the lists that name it are in
//! `tests/requirements/` of the workspace.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod client_support;

use std::num::NonZeroU32;

use bytes::Bytes;
use client_support::{client, ready, say, sent, words};
use posthaste_imap::client::{Client, CommandId, Config, Event};
use posthaste_imap::types::{
    AString, Atom, Capability, FetchItem, Flag, IdParameters, Keyword, ListPattern, Mailbox, ParseContext,
};
use posthaste_imap::{Misuse, Secret, Security, State, Step, Time, parse};

/// Queues a command that is written as it would be on the wire.
fn queue(client: &mut Client, command: &str) -> Result<CommandId, Misuse> {
    let line = Bytes::from(format!("x {command}"));
    client.command(parse::command(&line, &ParseContext::server()).unwrap().command)
}

/// Queues several; says what is sent of them at once.
fn send(client: &mut Client, commands: &[&str]) -> String {
    for command in commands {
        queue(client, command).unwrap();
    }
    sent(client)
}

fn logged_in(capabilities: &str) -> Client {
    let mut client = ready(capabilities);
    assert_eq!(send(&mut client, &["LOGIN ann secret"]), "A1 LOGIN ann secret\r\n");
    say(&mut client, &format!("A1 OK [CAPABILITY {capabilities}] in\r\n"));
    assert_eq!(client.state(), State::Authenticated);
    client
}

/// INBOX with 5 messages is selected; the next tag is A3.
fn selected(capabilities: &str) -> Client {
    let mut client = logged_in(capabilities);
    send(&mut client, &["SELECT INBOX"]);
    say(
        &mut client,
        "* 5 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 9] x\r\nA2 OK [READ-WRITE] open\r\n",
    );
    assert_eq!(client.state(), State::Selected);
    client
}

/// The events of what a server says.
fn events(client: &mut Client, text: &str) -> Vec<Event> {
    client.handle_input(Time::ZERO, text.as_bytes());
    let mut events = Vec::new();
    while let Step::Event(event) = client.poll_event().unwrap() {
        events.push(event);
    }
    events
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

#[test]
fn rfc9051_2_2_1_no_two_commands_have_the_same_tag() {
    let mut client = logged_in("IMAP4rev1");
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let text = send(&mut client, &["NOOP", "NOOP"]);
        for line in text.lines() {
            let tag = line.split(' ').next().unwrap();
            assert!(seen.insert(tag.to_owned()), "{tag} came twice");
            say(&mut client, &format!("{tag} OK done\r\n"));
        }
    }
    assert_eq!(seen.len(), 400);
}

#[test]
fn rfc9051_2_2_1_nothing_comes_between_the_parts_of_a_command() {
    let mut client = logged_in("IMAP4rev1 ID NAMESPACE");
    let octets = "a\r\nb";
    let literal = format!("ID (\"name\" {{{}}}\r\n{octets} \"x\" \"y\")", octets.len());
    assert_eq!(
        send(&mut client, &[&literal, "NOOP", "NAMESPACE"]),
        "A2 ID (name {4}\r\n".replace("name", "\"name\"")
    );
    say(&mut client, "* OK wait\r\n* CAPABILITY IMAP4rev1 ID NAMESPACE\r\n");
    assert_eq!(sent(&mut client), "");
    say(&mut client, "+ go\r\n");
    assert_eq!(sent(&mut client), "a\r\nb \"x\" \"y\")\r\nA3 NOOP\r\nA4 NAMESPACE\r\n");
}

#[test]
fn rfc9051_2_2_2_every_response_is_taken_whether_it_was_asked_for_or_not() {
    let responses = [
        "* OK x",
        "* NO x",
        "* BAD x",
        "* OK [ALERT] x",
        "* CAPABILITY IMAP4rev1",
        "* ENABLED",
        "* LIST () \"/\" a",
        "* LSUB () \"/\" a",
        "* STATUS a (MESSAGES 1)",
        "* SEARCH 1 2",
        "* SEARCH",
        "* ESEARCH UID COUNT 1",
        "* NAMESPACE NIL NIL NIL",
        "* FLAGS (\\Seen)",
        "* 5 EXISTS",
        "* 0 RECENT",
        "* 1 FETCH (FLAGS (\\Seen))",
        "* 1 FETCH (BODY[] {3}\r\nabc UID 7)",
        "* ID NIL",
        "* SORT 1 2",
        "* X-NONE what (a {2}\r\nxy)",
    ];
    // While nothing is in progress, while each of some commands is, and in its middle.
    for command in ["", "NOOP", "IDLE", "FETCH 1 FLAGS", "LIST \"\" *", "CREATE {4}\r\na\"b\""] {
        let mut client = selected("IMAP4rev1 IDLE");
        if !command.is_empty() {
            queue(&mut client, command).unwrap();
        }
        for response in responses {
            let told = say(&mut client, &format!("{response}\r\n"));
            assert!(!told.is_empty(), "{response} during {command:?}");
            assert!(told.iter().all(|event| !event.starts_with("Violation")), "{response}: {told:?}");
        }
        assert_eq!(client.state(), State::Selected);
    }
}

#[test]
fn rfc9051_3_what_the_state_forbids_is_not_sent() {
    let mailbox =
        ["SELECT a", "LIST \"\" *", "CREATE a", "STATUS a (MESSAGES)", "APPEND a {1}", "IDLE", "ENABLE X"];
    let message = [
        "FETCH 1 UID",
        "STORE 1 FLAGS ()",
        "COPY 1 a",
        "MOVE 1 a",
        "SEARCH ALL",
        "EXPUNGE",
        "CLOSE",
        "CHECK",
    ];
    let login = ["LOGIN a b", "AUTHENTICATE PLAIN"];
    let mut client = ready("IMAP4rev1 IDLE");
    for command in mailbox.iter().chain(&message) {
        assert!(matches!(queue(&mut client, command), Err(Misuse::NotNow { .. })), "{command}");
    }
    let mut client = logged_in("IMAP4rev1 IDLE");
    for command in message.iter().chain(&login) {
        assert!(matches!(queue(&mut client, command), Err(Misuse::NotNow { .. })), "{command}");
    }
    assert_eq!(sent(&mut client), "");
    // One that became impossible while it waited is not sent either.
    let text = send(&mut client, &["SELECT a", "FETCH 1 UID"]);
    assert_eq!(text, "A2 SELECT a\r\n");
    let told = say(&mut client, "A2 NO gone\r\n");
    assert_eq!(told.last().unwrap(), "NotSent CommandId(3)");
    assert_eq!(sent(&mut client), "");
}

#[test]
fn rfc9051_4_3_an_empty_literal_waits_as_well() {
    let mut client = logged_in("IMAP4rev1");
    client.append(Mailbox::inbox(), vec![], None, 0).unwrap();
    assert_eq!(sent(&mut client), "A2 APPEND INBOX {0}\r\n");
    client.handle_input(Time::ZERO, b"+ go\r\n");
    let Step::Event(Event::AppendReady(writer)) = client.poll_event().unwrap() else { panic!("no writer") };
    assert_eq!(sent(&mut client), "");
    writer.finish(&mut client).unwrap();
    assert_eq!(sent(&mut client), "\r\n");
}

#[test]
fn rfc9051_5_1_names_of_eight_bits_are_utf8() {
    let mut client = logged_in("IMAP4rev1");
    let told = events(&mut client, "* LIST () \"/\" {8}\r\nEntw\u{fc}rf\r\n* LIST () \"/\" Entw&APw-rf\r\n");
    for event in &told {
        let Event::List(list) = event else { panic!("{event:?}") };
        assert_eq!(list.mailbox.as_str(), "Entw\u{fc}rf");
    }
    assert_eq!(told.len(), 2);
}

#[test]
fn rfc9051_5_2_no_command_has_to_bring_the_size() {
    let mut client = selected("IMAP4rev1");
    send(&mut client, &["NOOP"]);
    assert_eq!(say(&mut client, "A3 OK done\r\n"), ["Done CommandId(3) Ok"]);
    assert_eq!(client.mailbox().unwrap().exists, 5);
}

#[test]
fn rfc9051_5_5_numbers_wait_for_uid_commands() {
    let mut client = selected("IMAP4rev1");
    assert_eq!(send(&mut client, &["UID FETCH 7 FLAGS", "FETCH 1 FLAGS"]), "A3 UID FETCH 7 (FLAGS)\r\n");
    say(&mut client, "* 1 EXPUNGE\r\nA3 OK done\r\n");
    assert_eq!(sent(&mut client), "A4 FETCH 1 (FLAGS)\r\n");
    // Two of the same kind need not wait.
    assert_eq!(send(&mut client, &["STORE 2 FLAGS ()", "SEARCH ALL"]).lines().count(), 2);
    // UID SEARCH with numbers is a command that uses them.
    let mut client = selected("IMAP4rev1");
    assert_eq!(send(&mut client, &["UID COPY 7 a", "UID SEARCH 1:2"]), "A3 UID COPY 7 a\r\n");
}

#[test]
fn rfc9051_6_2_2_an_empty_initial_response_is_an_equals_sign() {
    let mut client = ready("IMAP4rev1 SASL-IR AUTH=EXTERNAL");
    client.authenticate("EXTERNAL", Some(Secret::from(""))).unwrap();
    assert_eq!(sent(&mut client), "A1 AUTHENTICATE EXTERNAL =\r\n");
    // Without SASL-IR it is an empty line behind the challenge.
    let mut client = ready("IMAP4rev1 AUTH=EXTERNAL");
    client.authenticate("EXTERNAL", Some(Secret::from(""))).unwrap();
    assert_eq!(sent(&mut client), "A1 AUTHENTICATE EXTERNAL\r\n");
    say(&mut client, "+ \r\n");
    assert_eq!(sent(&mut client), "\r\n");
}

#[test]
fn rfc9051_6_3_9_a_client_lists_with_the_reference_it_is_given() {
    let mut client = logged_in("IMAP4rev1");
    let (empty, pattern) = (Mailbox::new("").unwrap(), ListPattern::new("%").unwrap());
    client.list(empty, pattern).unwrap();
    assert_eq!(sent(&mut client), "A2 LIST \"\" %\r\n");
}

#[test]
fn rfc9051_6_4_4_text_beyond_ascii_is_sent_as_utf8() {
    let mut client = selected("IMAP4rev1 LITERAL+");
    let line = Bytes::from("x SEARCH CHARSET UTF-8 SUBJECT {3+}\r\n\u{20ac}");
    let context = ParseContext::server();
    let posthaste_imap::types::Command::Search(addressing, mut search) =
        parse::command(&line, &context).unwrap().command
    else {
        panic!("no SEARCH")
    };
    search.charset = None;
    client.search(addressing, search).unwrap();
    assert_eq!(sent(&mut client), "A3 SEARCH CHARSET UTF-8 SUBJECT {3+}\r\n\u{20ac}\r\n");
}

#[test]
fn rfc9051_6_4_4_what_was_found_has_no_order() {
    let mut client = selected("IMAP4rev1 ESEARCH");
    send(&mut client, &["SEARCH ALL"]);
    assert_eq!(say(&mut client, "* SEARCH 5 2 4\r\n"), ["Search [5, 2, 4]"]);
    let told = events(&mut client, "* ESEARCH (TAG \"A3\") ALL 5,1:2,4\r\n");
    let Event::Esearch(found) = &told[0] else { panic!("{told:?}") };
    assert_eq!(found.all.as_ref().unwrap().to_string(), "5,1:2,4");
}

#[test]
fn rfc9051_7_1_an_alert_is_told() {
    let mut client = selected("IMAP4rev1");
    assert_eq!(say(&mut client, "* OK [ALERT] Down at noon\r\n"), ["Alert Down at noon"]);
    send(&mut client, &["NOOP"]);
    let told = say(&mut client, "A3 OK [ALERT] Disk nearly full\r\n");
    assert_eq!(told, ["Alert Disk nearly full", "Done CommandId(3) Ok"]);
}

#[test]
fn rfc9051_7_1_unknown_codes_are_no_trouble() {
    let mut client = selected("IMAP4rev1");
    let codes = ["X-NONE", "X-NONE 1 2 (3)", "X-NONE \"a]b\"", "UIDNEXT none", "COPYUID 1", "badcharset"];
    for code in codes {
        let told = say(&mut client, &format!("* OK [{code}] text\r\n"));
        assert!(told.len() == 1 && told[0].starts_with("Untagged Ok"), "{code}: {told:?}");
        send(&mut client, &["NOOP"]);
        let tag = client.running().count();
        assert_eq!(tag, 1);
        let serial = 3 + codes.iter().position(|it| *it == code).unwrap();
        let told = say(&mut client, &format!("A{serial} NO [{code}] text\r\n"));
        assert_eq!(told, [format!("Done CommandId({serial}) No")], "{code}");
    }
}

#[test]
fn rfc9051_7_1_5_what_comes_before_the_end_is_still_told() {
    let mut client = selected("IMAP4rev1");
    send(&mut client, &["LOGOUT"]);
    let told = say(&mut client, "* 6 EXISTS\r\n* BYE see you\r\n* 7 EXISTS\r\nA3 OK done\r\n");
    assert_eq!(told, ["Exists 6", "Bye see you", "Exists 7", "Done CommandId(3) Ok"]);
    assert!(matches!(client.poll_event(), Ok(Step::Closed)));
}

#[test]
fn rfc9051_7_2_2_nothing_but_the_revision_is_needed() {
    for capabilities in ["IMAP4rev1", "IMAP4rev2"] {
        let mut client = selected(capabilities);
        assert_eq!(send(&mut client, &["UID FETCH 1:* (FLAGS)"]), "A3 UID FETCH 1:* (FLAGS)\r\n");
    }
}

#[test]
fn rfc9051_7_2_2_unknown_capabilities_are_no_trouble() {
    let mut client = logged_in("IMAP4rev1 X-NONE FOO=BAR AUTH= ABC123.x-y");
    assert!(client.has_capability("foo=bar") && !client.has_capability("FOO"));
    assert_eq!(say(&mut client, "* CAPABILITY X-A IMAP4rev1 X-B=\r\n"), ["Capability"]);
    assert!(client.has_capability("IMAP4rev1") && client.has_capability("X-B="));
}

#[test]
fn rfc9051_7_3_1_extended_fields_and_attributes_that_are_unknown_do_no_harm() {
    let mut client = logged_in("IMAP4rev1");
    for (fields, attributes) in [
        ("", "\\X-Odd \\HasChildren"),
        (" (\"X-NONE\" (\"a\" \"b\"))", ""),
        (" (\"CHILDINFO\" (\"SUBSCRIBED\"))", "\\NonExistent"),
        (" (\"X-NONE\" 5 \"OLDNAME\" (\"b\"))", "\\Subscribed"),
    ] {
        let told = say(&mut client, &format!("* LIST ({attributes}) \"/\" a{fields}\r\n"));
        assert_eq!(told, ["List a"], "{fields} {attributes}");
    }
}

#[test]
fn rfc9051_7_4_1_exists_is_remembered_whenever_it_comes() {
    let mut client = selected("IMAP4rev1 IDLE");
    say(&mut client, "* 6 EXISTS\r\n");
    assert_eq!(client.mailbox().unwrap().exists, 6);
    send(&mut client, &["FETCH 1 FLAGS"]);
    say(&mut client, "* 7 EXISTS\r\n* 1 FETCH (FLAGS ())\r\nA3 OK done\r\n");
    assert_eq!(client.mailbox().unwrap().exists, 7);
    send(&mut client, &["IDLE"]);
    say(&mut client, "+ idling\r\n* 8 EXISTS\r\n");
    assert_eq!(client.mailbox().unwrap().exists, 8);
}

#[test]
fn rfc9051_7_5_1_expunge_is_remembered() {
    let mut client = selected("IMAP4rev1");
    send(&mut client, &["EXPUNGE"]);
    say(&mut client, "* 3 EXPUNGE\r\n* 3 EXPUNGE\r\n");
    assert_eq!(client.mailbox().unwrap().exists, 3);
    say(&mut client, "A3 OK done\r\n* 4 EXISTS\r\n");
    assert_eq!(client.mailbox().unwrap().exists, 4);
}

#[test]
fn rfc9051_7_5_2_structures_with_more_than_is_known() {
    let mut client = selected("IMAP4rev1");
    let part = "\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 5 1 NIL NIL NIL NIL";
    for more in ["", " \"more\"", " (\"a\" (1 2)) 7 NIL"] {
        for structure in
            [format!("({part}{more})"), format!("(({part}{more}) \"MIXED\" NIL NIL NIL NIL{more})")]
        {
            let told = events(&mut client, &format!("* 1 FETCH (UID 7 BODYSTRUCTURE {structure})\r\n"));
            let is_known = told.iter().any(|event| matches!(event, Event::Item(FetchItem::BodyStructure(_))));
            assert!(is_known && told.len() == 4, "{structure}: {told:?}");
        }
    }
}

#[test]
fn rfc9051_11_3_data_before_login_is_ignored() {
    let mut client = ready("IMAP4rev1");
    for response in [
        "LIST () \"/\" a",
        "LSUB () \"/\" a",
        "STATUS a (MESSAGES 1)",
        "1 EXISTS",
        "1 RECENT",
        "1 EXPUNGE",
        "FLAGS (\\Seen)",
        "SEARCH 1",
        "1 FETCH (BODY[] {3}\r\nabc)",
        "NAMESPACE NIL NIL NIL",
    ] {
        let told = say(&mut client, &format!("* {response}\r\n"));
        assert!(told.len() == 1 && told[0].starts_with("Violation "), "{response}: {told:?}");
    }
    assert!(client.mailbox().is_none());
}

#[test]
fn rfc3501_6_3_1_what_select_leaves_out_has_a_default() {
    let mut client = logged_in("IMAP4rev1");
    send(&mut client, &["SELECT old"]);
    say(&mut client, "* FLAGS (\\Seen)\r\n* 2 EXISTS\r\n* 0 RECENT\r\nA2 OK open\r\n");
    let mailbox = client.mailbox().unwrap();
    assert_eq!((mailbox.exists, mailbox.recent, mailbox.read_only), (2, 0, false));
    assert_eq!((mailbox.uid_validity, mailbox.uid_next, mailbox.unseen), (None, None, None));
    assert_eq!(mailbox.permanent_flags, None, "all flags can be changed, says RFC 3501");
}

#[test]
fn rfc3501_7_3_2_recent_is_remembered() {
    let mut client = selected("IMAP4rev1");
    say(&mut client, "* 6 EXISTS\r\n* 1 RECENT\r\n");
    assert_eq!(client.mailbox().unwrap().recent, 1);
}

#[test]
fn rfc7162_3_1_2_1_a_mailbox_that_is_opened_anew_begins_without_a_mod_sequence() {
    let mut client = selected("IMAP4rev1 CONDSTORE");
    say(&mut client, "* OK [HIGHESTMODSEQ 20] x\r\n");
    assert_eq!(client.mailbox().unwrap().highest_mod_seq, Some(20));
    send(&mut client, &["SELECT INBOX"]);
    say(&mut client, "* 5 EXISTS\r\n* OK [UIDVALIDITY 8] x\r\nA3 OK open\r\n");
    let mailbox = client.mailbox().unwrap();
    assert_eq!((mailbox.uid_validity, mailbox.highest_mod_seq), (Some(number(8)), None));
}

#[test]
fn rfc7162_3_2_10_vanished_earlier_changes_no_numbers() {
    let mut client = selected("IMAP4rev1 QRESYNC");
    let told = events(&mut client, "* VANISHED (EARLIER) 1:3,9\r\n");
    let Event::Vanished { earlier: true, uids } = &told[0] else { panic!("{told:?}") };
    assert_eq!(uids.to_string(), "1:3,9");
    assert_eq!(client.mailbox().unwrap().exists, 5);
}

#[test]
fn rfc7162_3_2_10_vanished_is_remembered() {
    let mut client = selected("IMAP4rev1 QRESYNC");
    send(&mut client, &["NOOP"]);
    let told = events(&mut client, "* VANISHED 1:2,7\r\n");
    assert!(matches!(&told[0], Event::Vanished { earlier: false, .. }), "{told:?}");
    assert_eq!(client.mailbox().unwrap().exists, 2);
}

#[test]
fn rfc7162_6_every_highestmodseq_is_remembered() {
    let mut client = selected("IMAP4rev1 QRESYNC");
    for mod_seq in [30, 20] {
        say(&mut client, &format!("* OK [HIGHESTMODSEQ {mod_seq}] x\r\n"));
        assert_eq!(client.mailbox().unwrap().highest_mod_seq, Some(mod_seq));
    }
    send(&mut client, &["EXPUNGE"]);
    say(&mut client, "* VANISHED 7\r\nA3 OK [HIGHESTMODSEQ 40] x\r\n");
    assert_eq!(client.mailbox().unwrap().highest_mod_seq, Some(40));
    say(&mut client, "* OK [NOMODSEQ] x\r\n");
    assert_eq!(client.mailbox().unwrap().highest_mod_seq, None);
}

#[test]
fn rfc7888_3_no_plus_without_the_capability() {
    for capabilities in ["IMAP4rev1 ID", "IMAP4rev1 ID LITERAL", "IMAP4rev1 ID XLITERAL+ LITERAL="] {
        let mut client = logged_in(capabilities);
        assert_eq!(send(&mut client, &["ID (\"a\" {2}\r\n\r\n)"]), "A2 ID (\"a\" {2}\r\n", "{capabilities}");
    }
}

#[test]
fn rfc7888_5_4096_octets_are_the_limit_of_literal_minus() {
    for (capabilities, length, marker) in [
        ("IMAP4rev1 LITERAL-", 4096, "{4096+}"),
        ("IMAP4rev1 LITERAL-", 4097, "{4097}"),
        ("IMAP4rev2", 4096, "{4096+}"),
        ("IMAP4rev2", 4097, "{4097}"),
        ("IMAP4rev1 LITERAL+", 4097, "{4097+}"),
    ] {
        let mut client = selected(capabilities);
        let command = format!("SEARCH TEXT {{{length}+}}\r\n{}", "\"".repeat(length));
        let text = send(&mut client, &[&command]);
        assert!(text.starts_with(&format!("A3 SEARCH TEXT {marker}\r\n")), "{capabilities} {length}");
        assert_eq!(text.len() > 4000, marker.ends_with("+}"), "{capabilities} {length}");
    }
}

#[test]
fn rfc2177_3_idle_needs_its_capability() {
    assert!(queue(&mut selected("IMAP4rev1"), "IDLE").is_err());
    for capabilities in ["IMAP4rev1 IDLE", "IMAP4rev2"] {
        assert_eq!(send(&mut selected(capabilities), &["IDLE"]), "A3 IDLE\r\n");
    }
}

#[test]
fn rfc2177_3_commands_wait_for_the_end_of_idle() {
    let mut client = selected("IMAP4rev1 IDLE");
    assert_eq!(send(&mut client, &["IDLE", "NOOP"]), "A3 IDLE\r\n");
    say(&mut client, "+ idling\r\n* 6 EXISTS\r\n");
    queue(&mut client, "FETCH 6 FLAGS").unwrap();
    assert_eq!(sent(&mut client), "");
    client.done().unwrap();
    assert_eq!(sent(&mut client), "DONE\r\n");
    say(&mut client, "A3 OK done\r\n");
    assert_eq!(sent(&mut client), "A4 NOOP\r\n");
}

#[test]
fn tlsc_16_what_was_announced_in_the_clear_only_does_not_count() {
    let mut client = client(Config::default(), Security::Plain);
    say(&mut client, "* OK [CAPABILITY IMAP4rev1 STARTTLS LITERAL+ SASL-IR IDLE AUTH=EXTERNAL] hello\r\n");
    assert_eq!(sent(&mut client), "A1 STARTTLS\r\n");
    client.handle_input(Time::ZERO, b"A1 OK begin\r\n");
    let Ok(Step::Upgrade(upgrade)) = client.poll_event() else { panic!("no upgrade") };
    client.upgraded(Time::ZERO, upgrade, Security::Tls).unwrap();
    assert!(client.capabilities().is_empty(), "nothing is known");
    say(&mut client, "");
    assert_eq!(sent(&mut client), "A2 CAPABILITY\r\n");
    say(&mut client, "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nA2 OK done\r\n");
    assert_eq!(client.mechanisms().collect::<Vec<_>>(), ["PLAIN"]);
    client.authenticate("PLAIN", Some(Secret::from("\0ann\0secret"))).unwrap();
    assert_eq!(sent(&mut client), "A3 AUTHENTICATE PLAIN\r\n", "SASL-IR was announced in the clear only");
}

#[test]
fn inj_10_values_of_other_commands_cannot_become_commands() {
    // What has no place on the wire cannot be made.
    for bad in ["X\r\n", "a b", "", "a(", "a\"", "{3}", "a*", "\u{e4}", "a]"] {
        assert!(Keyword::new(bad.to_owned()).is_err(), "{bad:?}");
        // In an atom the bracket is legal.
        assert!(Atom::new(bad.to_owned()).is_err() || bad == "a]", "{bad:?}");
        assert!(Capability::new(bad.to_owned()).is_err() || bad == "a]", "{bad:?}");
    }
    for bad in ["\\Seen\r\nA9 NOOP", "a b(", "\\", ""] {
        let mut client = selected("IMAP4rev1");
        let made = Flag::new(bad.to_owned());
        let refused = made.map(|flag| client.append(Mailbox::inbox(), vec![flag], None, 1).is_err());
        assert_ne!(refused, Ok(false), "{bad:?}");
        assert_eq!(sent(&mut client), "");
    }
    // What has one is quoted or a literal.
    let key = AString::new("x\"\r\nA9 DELETE").unwrap();
    let value = AString::new("y\r\nA9 NOOP").unwrap();
    let mut client = logged_in("IMAP4rev1 ID");
    client.id(IdParameters::new(vec![(key, Some(value))]).unwrap()).unwrap();
    assert_eq!(sent(&mut client), "A2 ID ({13}\r\n");
}

#[test]
fn inj_11_literals_wait_unless_the_server_says_they_need_not() {
    // What was announced before TLS or before login does not count after it.
    let mut client = ready("IMAP4rev1 ID LITERAL+");
    send(&mut client, &["LOGIN ann secret"]);
    say(&mut client, "A1 OK [CAPABILITY IMAP4rev1 ID] in\r\n");
    assert_eq!(send(&mut client, &["ID (\"a\" {2}\r\n\r\n)"]), "A2 ID (\"a\" {2}\r\n");
    let mut client = ready("IMAP4rev1 ID LITERAL+");
    send(&mut client, &["LOGIN ann secret"]);
    say(&mut client, "A1 OK in\r\n");
    assert_eq!(sent(&mut client), "A2 CAPABILITY\r\n");
    queue(&mut client, "ID (\"a\" {2}\r\n\r\n)").unwrap();
    assert_eq!(sent(&mut client), "", "it is not known how to write it");
    say(&mut client, "* CAPABILITY IMAP4rev1 ID LITERAL-\r\nA2 OK done\r\n");
    assert_eq!(sent(&mut client), "A3 ID (\"a\" {2+}\r\n\r\n)\r\n");
}

#[test]
fn inj_12_odd_continuation_requests_keep_client_and_server_in_step() {
    let literal = "ID (\"a\" {2}\r\n\r\n)";
    // Untagged data, then the request.
    let mut client = logged_in("IMAP4rev1 ID");
    send(&mut client, &[literal]);
    say(&mut client, "* OK wait\r\n+ go\r\n");
    assert_eq!(sent(&mut client), "\r\n)\r\n");
    // The request twice: the second is for nobody.
    let told = say(&mut client, "+ go\r\n");
    assert_eq!(told, ["Violation a continuation request that nothing waited for"]);
    assert_eq!(sent(&mut client), "");
    say(&mut client, "A2 OK done\r\n");
    assert_eq!(send(&mut client, &["NOOP"]), "A3 NOOP\r\n");
    // Unasked.
    let told = say(&mut client, "+ go\r\n");
    assert_eq!(told, ["Violation a continuation request that nothing waited for"]);
    assert_eq!(sent(&mut client), "");
    assert_eq!(say(&mut client, "A3 OK done\r\n"), ["Done CommandId(3) Ok"]);
    assert!(words(&Event::Ready) == "Ready");
}
