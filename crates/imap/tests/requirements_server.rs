//! What the RFCs ask of a server, section by section. Each test carries the number and the section of its RFC; the
//! lists that name it are in `tests/requirements/` of the workspace.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod requirements_support;

use std::time::Duration;

use posthaste_imap::server::{
    AuthPrivacy, CopyUid, Event, Extensions, Message, Refusal, Server, Timer, Update,
};
use posthaste_imap::types::{Flag, MailboxAttribute, ResponseCode, UidSet};
use posthaste_imap::{Bytes, Security, State, Step, Time};
use posthaste_testkit::{Note, assert_split_invariant, run};
use requirements_support::{
    Selected, answer, application, assert_answers, flags, hear, heard, inbox, logged_in, logged_in_with,
    number, patient, sent, server, until_asked,
};

#[test]
fn rfc9051_2_2_1_a_tag_may_come_again() {
    let text = hear("a NOOP\r\na NOOP\r\n0 NOOP\r\n").text();
    assert_eq!(text, "a OK NOOP completed\r\na OK NOOP completed\r\n0 OK NOOP completed\r\n");
}

#[test]
fn rfc9051_2_2_2_what_is_malformed_is_bad() {
    assert_answers(&[
        ("NOOP ", "BAD"),
        (" NOOP", "BAD"),
        ("NOOP now", "BAD"),
        ("SELECT", "BAD"),
        ("SELECT  INBOX", "BAD"),
        ("SELECT INBOX INBOX", "BAD"),
        ("FETCH 1", "BAD"),
        ("FETCH 1 (FLAGS  UID)", "BAD"),
        ("STORE 1 FLAGS", "BAD"),
        ("SEARCH", "BAD"),
        ("COPY 1", "BAD"),
        ("STATUS INBOX ()", "BAD"),
        ("LIST \"\"", "BAD"),
        ("UID", "BAD"),
        ("UID NOOP", "BAD"),
    ]);
}

#[test]
fn rfc9051_2_3_2_registered_keywords_reach_the_application() {
    let outcome = hear("a STORE 1 +FLAGS ($MDNSent $Forwarded $Junk $NotJunk $Phishing)\r\n");
    for keyword in ["$MDNSent", "$Forwarded", "$Junk", "$NotJunk", "$Phishing"] {
        assert!(format!("{:?}", outcome.notes).contains(keyword), "{keyword}: {outcome:?}");
    }
    let (mut server, keyword) = (logged_in(Selected::Inbox), Flag::new("$Forwarded").unwrap());
    server.update(Update::Fetch(number(1).into(), flags([keyword]))).unwrap();
    assert_eq!(sent(&mut server), "* 1 FETCH (FLAGS ($Forwarded))\r\n");
}

#[test]
fn rfc9051_3_4_every_end_is_told_with_bye() {
    for input in [&b"GET / HTTP/1.0\r\n"[..], b"a LOGIN {999999+}\r\n", b"a LOGOUT\r\n"] {
        let outcome = run(&mut server(), [input], false, application);
        assert!(outcome.closed && outcome.text().contains("\r\n* BYE "), "{outcome:?}");
    }
    for timer in [Timer::Login, Timer::Idle] {
        let mut server = match timer {
            Timer::Login => {
                let mut server = server();
                run(&mut server, [], false, application);
                server
            }
            _ => logged_in(Selected::Inbox),
        };
        assert_eq!(server.timer(), Some(timer));
        let deadline = server.poll_timeout().unwrap();
        server.handle_timeout(deadline);
        assert!(sent(&mut server).starts_with("* BYE "), "{timer:?}");
        assert_eq!(server.poll_event(), Ok(Step::Closed));
    }
}

#[test]
fn rfc9051_4_3_literals_to_clients_have_no_plus() {
    let mut server = logged_in(Selected::Inbox);
    let Event::Fetch(asked) = until_asked(&mut server, "a FETCH 1 BODY[]\r\n") else { panic!() };
    let payload = posthaste_imap::types::Payload::Rfc822;
    let row = asked.begin().row(&mut server, number(1)).unwrap();
    let mut literal = row.literal(&mut server, &payload, 4).unwrap();
    literal.write(&mut server, Bytes::from_static(b"a\r\nb")).unwrap();
    literal.finish(&mut server).unwrap().finish(&mut server).unwrap().ok(&mut server).unwrap();
    assert_eq!(sent(&mut server), "* 1 FETCH (RFC822 {4}\r\na\r\nb)\r\na OK FETCH completed\r\n");
}

#[test]
fn rfc9051_5_2_updates_come_before_the_tagged_answer() {
    let mut server = logged_in(Selected::Inbox);
    let event = until_asked(&mut server, "a NOOP\r\n");
    server.update(Update::Exists(4)).unwrap();
    server.update(Update::Fetch(number(2).into(), flags([Flag::Answered]))).unwrap();
    server.update(Update::Expunged(number(1).into())).unwrap();
    answer(&mut server, event).unwrap();
    let expected = "* 4 EXISTS\r\n* 2 FETCH (FLAGS (\\Answered))\r\n* 1 EXPUNGE\r\na OK NOOP completed\r\n";
    assert_eq!(sent(&mut server), expected);
}

#[test]
fn rfc9051_5_4_half_an_hour_of_silence_is_allowed() {
    let server = logged_in(Selected::Nothing);
    assert_eq!(server.timer(), Some(Timer::Idle));
    assert!(server.poll_timeout().unwrap() >= Time::from_epoch(Duration::from_secs(30 * 60)));
}

#[test]
fn rfc9051_5_5_commands_are_executed_in_their_order() {
    let mut server = logged_in(Selected::Inbox);
    server.handle_input(Time::ZERO, b"a STORE 1 +FLAGS (\\Seen)\r\nb FETCH 1 FLAGS\r\nc EXPUNGE\r\n");
    let Ok(Step::Event(Event::Store(store))) = server.poll_event() else { panic!("no STORE") };
    assert_eq!(server.poll_event(), Ok(Step::Paused), "nothing else is looked at until it is answered");
    store.ok(&mut server).unwrap();
    let Ok(Step::Event(fetch @ Event::Fetch(_))) = server.poll_event() else { panic!("no FETCH") };
    assert_eq!(server.poll_event(), Ok(Step::Paused));
    answer(&mut server, fetch).unwrap();
    let Ok(Step::Event(expunge @ Event::Expunge(_))) = server.poll_event() else { panic!("no EXPUNGE") };
    answer(&mut server, expunge).unwrap();
    let text = sent(&mut server);
    let tags: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(tags, ["a", "*", "b", "c"], "{text}");
}

#[test]
fn rfc9051_6_2_1_starttls_inside_tls_is_bad() {
    let outcome = run(&mut server(), [&b"a STARTTLS\r\nb CAPABILITY\r\n"[..]], false, application);
    assert!(outcome.text().contains("\r\na BAD ") && outcome.text().contains("\r\nb OK "), "{outcome:?}");
    assert!(!heard(&outcome, "StartTls"), "{outcome:?}");
    // After login, too.
    assert_answers(&[("STARTTLS", "BAD"), ("LOGIN ann secret", "BAD"), ("AUTHENTICATE PLAIN", "BAD")]);
}

#[test]
fn rfc9051_6_2_2_unknown_mechanisms_are_no() {
    let input =
        b"a AUTHENTICATE X-NONE\r\nb AUTHENTICATE X-NONE =\r\nc AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=\r\n";
    let text = assert_split_invariant(server, input, false, application).text();
    assert!(text.contains("\r\na NO ") && text.contains("\r\nb NO ") && text.contains("\r\nc OK "), "{text}");
}

#[test]
fn rfc9051_6_2_2_a_cancelled_exchange_is_bad() {
    let input = b"a AUTHENTICATE PLAIN\r\n*\r\nb LOGIN ann secret\r\n";
    let outcome = assert_split_invariant(server, input, false, application);
    assert!(outcome.text().contains("+ \r\na BAD ") && outcome.text().contains("\r\nb OK "), "{outcome:?}");
    assert!(outcome.has("AuthCancelled"), "{outcome:?}");
}

#[test]
fn rfc9051_6_2_2_an_initial_response_that_is_no_base64_is_bad() {
    for response in ["!", "AA", "A===", "AGFubgBzZWNyZXQ=x", "\"AA==\"", "{4+}\r\nAA=="] {
        let input = format!("a AUTHENTICATE PLAIN {response}\r\nb NOOP\r\n");
        let outcome = run(&mut server(), [input.as_bytes()], false, application);
        assert!(outcome.text().contains("\r\na BAD "), "{response}: {outcome:?}");
        assert!(!heard(&outcome, "Auth"), "{response}: {outcome:?}");
    }
}

#[test]
fn rfc9051_6_3_1_enable_changes_no_capabilities() {
    let text = hear("a CAPABILITY\r\nb ENABLE CONDSTORE X-NONE\r\nc CAPABILITY\r\n").text();
    let lists: Vec<&str> = text.lines().filter(|line| line.starts_with("* CAPABILITY ")).collect();
    assert!(lists.len() == 2 && lists[0] == lists[1] && lists[0].contains(" ENABLE"), "{text}");
}

#[test]
fn rfc5161_3_1_unknown_names_are_ignored() {
    let text = hear("a ENABLE X-NONE\r\nb ENABLE STARTTLS UIDPLUS X-OTHER\r\nc ENABLE\r\n").text();
    assert!(text.contains("* ENABLED\r\na OK ") && text.contains("* ENABLED\r\nb OK "), "{text}");
    assert!(text.contains("c BAD "), "{text}");
}

#[test]
fn rfc9051_6_3_2_all_that_select_has_to_tell() {
    let text = hear("a SELECT INBOX\r\n").text();
    let (told, tagged) = text.split_at(text.find("a OK ").unwrap());
    for data in [
        "* FLAGS (\\Deleted \\Seen)\r\n",
        "* 3 EXISTS\r\n",
        "* 1 RECENT\r\n",
        "* OK [UNSEEN 2] ",
        "* OK [PERMANENTFLAGS (\\Deleted \\Seen \\*)] ",
        "* OK [UIDVALIDITY 1] ",
        "* OK [UIDNEXT 14] ",
    ] {
        assert_eq!(told.matches(data).count(), 1, "{data}: {text}");
    }
    assert!(tagged.starts_with("a OK [READ-WRITE] ") && tagged.lines().count() == 1, "{text}");
}

#[test]
fn rfc9051_6_3_3_examine_is_read_only() {
    let mut server = logged_in(Selected::Nothing);
    let outcome = run(&mut server, [&b"a EXAMINE inbox\r\n"[..]], false, application);
    let text = outcome.text();
    assert!(text.contains("\r\na OK [READ-ONLY] ") && server.is_read_only(), "{text}");
    assert!(text.contains("* OK [PERMANENTFLAGS ()] "), "nothing can be changed for good: {text}");
    run(&mut server, [&b"b SELECT inbox\r\n"[..]], false, application);
    assert!(!server.is_read_only());
}

#[test]
fn rfc9051_6_3_5_deleting_a_parent_has_its_code() {
    let mut server = logged_in(Selected::Nothing);
    let Event::Delete(asked) = until_asked(&mut server, "a DELETE work\r\n") else { panic!() };
    asked.no(&mut server, Refusal::new("There are some below").with_code(ResponseCode::HasChildren)).unwrap();
    assert_eq!(sent(&mut server), "a NO [HASCHILDREN] There are some below\r\n");
}

#[test]
fn rfc9051_6_3_9_a_pattern_that_matches_nothing_is_ok() {
    assert_answers(&[
        ("LIST \"\" \"no such name\"", "OK"),
        ("LIST \"#none.\" %", "OK"),
        ("LSUB \"\" x", "OK"),
    ]);
}

#[test]
fn rfc9051_6_3_9_options_that_are_unknown_are_bad() {
    assert_answers(&[
        ("LIST (X-NONE) \"\" *", "BAD"),
        ("LIST \"\" * RETURN (X-NONE)", "BAD"),
        ("LIST (SUBSCRIBED X-NONE) \"\" (a b) RETURN (CHILDREN)", "BAD"),
    ]);
}

#[test]
fn rfc9051_6_3_11_status_of_the_selected_mailbox() {
    let outcome = hear("a STATUS INBOX (MESSAGES UIDNEXT)\r\n");
    assert!(heard(&outcome, "Status") && outcome.text().contains("\r\na OK "), "{outcome:?}");
}

#[test]
fn rfc9051_6_3_12_flags_and_date_reach_the_application() {
    let head = "a APPEND INBOX (\\Seen $Label) \" 5-Jan-2026 10:00:07 +0100\" {2+}\r\nhi\r\n";
    let Event::Append(asked) = until_asked(&mut logged_in(Selected::Nothing), &head[..head.len() - 4]) else {
        panic!()
    };
    let flags = &asked.head.flags;
    assert!(flags.contains(&Flag::Seen) && flags.contains(&Flag::new("$Label").unwrap()));
    assert_eq!(flags.len(), 2);
    let date = asked.head.date_time.unwrap();
    assert_eq!((date.date().day(), date.hour(), date.zone_minutes()), (5, 10, 60));
    assert_eq!(asked.length, 2);
}

#[test]
fn rfc9051_6_3_12_every_octet_of_a_message_arrives() {
    let message: Vec<u8> = (1..=255).collect();
    let input = [&b"a APPEND INBOX {255+}\r\n"[..], &message, b"\r\n"].concat();
    let make = || logged_in(Selected::Nothing);
    let outcome = assert_split_invariant(make, &input, false, application);
    assert_eq!(outcome.bodies(), message);
    assert!(outcome.text().starts_with("a OK [APPENDUID 1 14] "), "{outcome:?}");
}

#[test]
fn rfc9051_6_3_12_the_selected_mailbox_grows_at_once() {
    let mut server = logged_in(Selected::Inbox);
    let outcome = run(&mut server, [&b"a APPEND INBOX {2+}\r\nhi\r\n"[..]], false, |server, event| {
        if let Event::AppendEnd(_) = event {
            server.update(Update::Exists(4)).unwrap();
        }
        application(server, event)
    });
    assert!(outcome.text().starts_with("* 4 EXISTS\r\na OK [APPENDUID 1 14] "), "{outcome:?}");
}

#[test]
fn rfc9051_6_4_4_charsets() {
    assert_answers(&[
        ("SEARCH CHARSET US-ASCII TEXT x", "OK"),
        ("SEARCH CHARSET utf-8 ALL", "OK"),
        ("UID SEARCH CHARSET UTF-8 ALL", "OK"),
        ("SEARCH CHARSET KOI8-R ALL", "OK"),
        ("SEARCH CHARSET X-NONE ALL", "NO [BADCHARSET (US-ASCII UTF-8 ISO-8859-1 "),
    ]);
    let outcome = hear("a SEARCH CHARSET UTF-8 SUBJECT {3+}\r\n\u{20ac}\r\n");
    assert!(heard(&outcome, "Search") && outcome.text().contains("a OK "), "{outcome:?}");
}

#[test]
fn rfc9051_6_4_6_silent_reaches_the_application() {
    let mut server = logged_in(Selected::Inbox);
    let Event::Store(asked) = until_asked(&mut server, "a STORE 1 +FLAGS.SILENT (\\Deleted)\r\n") else {
        panic!()
    };
    assert_eq!(asked.command.echo, posthaste_imap::types::StoreEcho::Silent);
    // What another session did meanwhile is told all the same.
    server.update(Update::Fetch(number(2).into(), flags([]))).unwrap();
    asked.ok(&mut server).unwrap();
    assert_eq!(sent(&mut server), "* 2 FETCH (FLAGS ())\r\na OK STORE completed\r\n");
}

#[test]
fn rfc9051_6_4_7_a_copy_may_be_told_without_uids() {
    let mut server = logged_in(Selected::Inbox);
    let Event::Copy(asked) = until_asked(&mut server, "a COPY 1 drop\r\n") else { panic!() };
    asked.ok(&mut server, None).unwrap();
    assert_eq!(sent(&mut server), "a OK COPY completed\r\n");
}

#[test]
fn rfc6851_3_1_move_to_nowhere() {
    assert_answers(&[("MOVE 1 nowhere", "NO [TRYCREATE] "), ("UID MOVE 11 nowhere", "NO [TRYCREATE] ")]);
}

#[test]
fn rfc6851_4_3_uids_are_told_before_messages_go() {
    let text = hear("a UID MOVE 11 INBOX\r\n").text();
    let expected = "* OK [COPYUID 1 11 14] Moved UIDs\r\n* 1 EXPUNGE\r\na OK MOVE completed\r\n";
    assert_eq!(text, expected);
}

#[test]
fn rfc9051_7_2_2_only_registered_capabilities_are_offered() {
    // As far as the server has them; the registry of IANA is the list.
    let registered = [
        "IMAP4rev1",
        "LITERAL+",
        "ID",
        "ENABLE",
        "SASL-IR",
        "STARTTLS",
        "LOGINDISABLED",
        "IDLE",
        "NAMESPACE",
        "CHILDREN",
        "UIDPLUS",
        "MOVE",
        "UNSELECT",
        "SPECIAL-USE",
        "IMAP4rev2",
        "ESEARCH",
        "SEARCHRES",
        "LIST-EXTENDED",
        "LIST-STATUS",
        "CONDSTORE",
        "QRESYNC",
        "BINARY",
        "SORT",
        "NOTIFY",
        "QUOTA",
        "ACL",
        "METADATA",
        "MULTIAPPEND",
        "STATUS=SIZE",
        "OBJECTID",
        "PREVIEW",
        "SAVEDATE",
        "REPLACE",
        "WITHIN",
        "UTF8=ACCEPT",
        "CREATE-SPECIAL-USE",
        "LIST-MYRIGHTS",
        "LIST-METADATA",
        "QUOTASET",
        "UNAUTHENTICATE",
        "LITERAL-",
        "ESORT",
        "MULTISEARCH",
        "PARTIAL",
        "UIDONLY",
        "INPROGRESS",
        "LANGUAGE",
        "METADATA-SERVER",
        "CATENATE",
        "CONTEXT=SEARCH",
        "CONTEXT=SORT",
        "SEARCH=FUZZY",
        "UIDBATCHES",
        "MESSAGELIMIT",
        "JMAPACCESS",
    ];
    let families =
        ["AUTH=", "THREAD=", "RIGHTS=", "QUOTA=RES-", "COMPRESS=", "I18NLEVEL=", "SORT=", "APPENDLIMIT="];
    let in_the_clear = || Server::new(patient(), Security::Plain, Time::ZERO);
    for (mut server, login) in [(in_the_clear(), ""), (server(), ""), (server(), "0 LOGIN ann secret\r\n")] {
        let input = format!("{login}a CAPABILITY\r\n");
        let text = run(&mut server, [input.as_bytes()], false, application).text();
        let list = text.lines().find_map(|line| line.strip_prefix("* CAPABILITY ")).unwrap();
        for name in list.split(' ') {
            let family = families.iter().any(|family| name.starts_with(family));
            assert!(family || registered.contains(&name), "{name}");
        }
    }
}

#[test]
fn rfc9051_9_words_come_in_any_case() {
    let outcome = hear(
        "a fEtCh 1 (fLaGs uid Body.Peek[Header.Fields (Subject)])\r\nb select iNbOx\r\n\
         c sTore 1 +flags.silent (\\sEEN)\r\nd uid move 11 inbox\r\ne Status inbox (mESSAGES)\r\n\
         f append inbox (\\DRAFT) {2+}\r\nhi\r\n",
    );
    let text = outcome.text();
    for tag in ["a", "b", "c", "d", "e", "f"] {
        assert!(text.lines().any(|line| line.starts_with(&format!("{tag} OK "))), "{tag}: {text}");
    }
}

#[test]
fn rfc9051_11_7_a_failed_login_says_nothing() {
    let cases = [
        "LOGIN ann wrong",
        "LOGIN nobody wrong",
        "LOGIN nobody secret",
        "AUTHENTICATE PLAIN AGFubgB3cm9uZw==",
        "AUTHENTICATE PLAIN AG5vYm9keQBzZWNyZXQ=",
    ];
    let answers = cases.map(|command| {
        let input = format!("a {command}\r\n");
        let text = run(&mut server(), [input.as_bytes()], false, application).text();
        text.lines().last().unwrap().to_owned()
    });
    assert!(answers[0].starts_with("a NO [AUTHENTICATIONFAILED] "), "{}", answers[0]);
    assert!(answers.iter().all(|line| *line == answers[0]), "{answers:?}");
}

#[test]
fn rfc3501_5_1_3_names_that_are_no_modified_utf7_are_refused() {
    assert_answers(&[
        ("CREATE \"a&b\"", "NO [CANNOT] "),
        ("CREATE \"&AGE-\"", "NO [CANNOT] "),
        ("CREATE \"&U,BTFw-&ZeVnLIqe-\"", "NO [CANNOT] "),
        ("CREATE \"&U,BTFw\"", "NO [CANNOT] "),
        ("CREATE \"a&-b\"", "OK"),
    ]);
}

#[test]
fn rfc3501_5_1_3_names_are_sent_in_modified_utf7() {
    let mut server = logged_in(Selected::Nothing);
    let Event::List(asked) = until_asked(&mut server, "a LIST \"\" *\r\n") else { panic!() };
    let row = posthaste_imap::types::ListResponse {
        attributes: vec![MailboxAttribute::HasNoChildren],
        delimiter: Some('/'),
        mailbox: posthaste_imap::types::Mailbox::new("Entw\u{fc}rfe & mehr").unwrap(),
        child_info: Vec::new(),
        old_name: None,
    };
    asked.row(&mut server, row).unwrap();
    asked.ok(&mut server).unwrap();
    let expected = "* LIST (\\HasNoChildren) \"/\" \"Entw&APw-rfe &- mehr\"\r\na OK LIST completed\r\n";
    assert_eq!(sent(&mut server), expected);
}

#[test]
fn rfc3501_5_4_any_command_starts_the_timer_anew() {
    let mut server = logged_in(Selected::Inbox);
    let first = server.poll_timeout().unwrap();
    let later = Time::from_epoch(Duration::from_secs(1000));
    server.handle_input(later, b"a CAPABILITY\r\n");
    run(&mut server, [], false, application);
    assert_eq!(server.poll_timeout().unwrap(), first.after(Duration::from_secs(1000)));
}

#[test]
fn rfc3501_6_4_4_a_search_is_always_answered() {
    let text = hear("a SEARCH UNSEEN\r\nb UID SEARCH UNSEEN\r\n").text();
    assert_eq!(text, "* SEARCH\r\na OK SEARCH completed\r\n* SEARCH\r\nb OK SEARCH completed\r\n");
}

#[test]
fn rfc3501_7_answers_are_those_of_rev1() {
    let text = hear("a SELECT INBOX\r\nb SEARCH ALL\r\n").text();
    assert!(text.contains("* 1 RECENT\r\n") && text.contains("* SEARCH"), "{text}");
    assert!(!text.contains("* LIST ") && !text.contains("ESEARCH") && !text.contains("CLOSED"), "{text}");
}

#[test]
fn rfc7162_3_2_3_qresync_that_is_not_enabled_is_bad() {
    assert_answers(&[
        ("SELECT INBOX (QRESYNC (1 2))", "BAD"),
        ("EXAMINE INBOX (QRESYNC (1 2 1:3))", "BAD"),
        ("UID FETCH 1:* (FLAGS) (CHANGEDSINCE 2 VANISHED)", "BAD"),
    ]);
}

#[test]
fn rfc7162_3_2_6_vanished_is_no_item() {
    assert_answers(&[("UID FETCH 1:* (VANISHED)", "BAD"), ("FETCH 1 VANISHED", "BAD")]);
}

#[test]
fn rfc7162_3_2_10_2_vanished_waits_as_expunge_does() {
    let mut server = logged_in_with(Extensions::new().with_qresync(), Selected::Inbox);
    let event = run(&mut server, [&b"0 ENABLE QRESYNC\r\n"[..]], false, application);
    assert!(event.text().contains("* ENABLED"), "{event:?}");
    server.update(Update::Expunged(Message::new(number(1), number(11)))).unwrap();
    assert_eq!(sent(&mut server), "", "no command is in progress");
    for (command, told) in [("STORE 1 FLAGS ()", false), ("SEARCH ALL", false), ("NOOP", true)] {
        let event = until_asked(&mut server, &format!("a {command}\r\n"));
        answer(&mut server, event).unwrap();
        assert_eq!(sent(&mut server).contains("* VANISHED 11\r\n"), told, "{command}");
    }
}

#[test]
fn rfc7888_3_a_line_that_is_refused_still_has_its_literal() {
    let octets = "x DELETE INBOX\r\n";
    for command in ["BOGUS", "LOGIN", "SELECT (", "STARTTLS", "APPEND INBOX (\\Recent)", "SEARCH CHARSET X"] {
        let input = format!("a {command} {{{}+}}\r\n{octets} y\r\nb NOOP\r\n", octets.len());
        let outcome = hear(&input);
        let text = outcome.text();
        assert!(!heard(&outcome, "Delete") && !text.contains("\nx "), "{command}: {text}");
        assert!(text.contains("b OK "), "{command}: {text}");
    }
}

#[test]
fn rfc7888_5_only_one_of_the_two_is_announced() {
    let text = hear("a CAPABILITY\r\n").text();
    assert!(text.contains(" LITERAL+") != text.contains(" LITERAL-"), "{text}");
}

#[test]
fn rfc2177_3_idle_has_the_autologout_of_any_silence() {
    let mut server = logged_in(Selected::Inbox);
    run(&mut server, [&b"a IDLE\r\n"[..]], false, application);
    assert_eq!(server.timer(), Some(Timer::Idle));
    let deadline = server.poll_timeout().unwrap();
    assert!(deadline >= Time::from_epoch(Duration::from_secs(30 * 60)));
    server.handle_timeout(deadline);
    assert!(sent(&mut server).starts_with("* BYE "));
    assert_eq!((server.state(), server.poll_event()), (State::Logout, Ok(Step::Closed)));
}

#[test]
fn rfc4315_2_1_uid_expunge_reaches_the_application_with_its_set() {
    let mut server = logged_in(Selected::Inbox);
    let Event::Expunge(asked) = until_asked(&mut server, "a UID EXPUNGE 11:13\r\n") else { panic!() };
    assert_eq!(asked.uids.as_ref().unwrap().to_string(), "11:13");
    asked.expunged(&mut server, number(2)).unwrap();
    asked.ok(&mut server).unwrap();
    assert_eq!(sent(&mut server), "* 2 EXPUNGE\r\na OK EXPUNGE completed\r\n");
}

#[test]
fn rfc4315_3_one_message_has_one_uid() {
    let text = hear("a APPEND INBOX {2+}\r\nhi\r\nb MOVE 1 INBOX\r\n").text();
    assert!(text.contains("a OK [APPENDUID 1 14] ") && text.contains("[COPYUID 1 11 14] "), "{text}");
}

#[test]
fn rfc4315_3_the_sets_of_copyuid_keep_their_order() {
    let mut server = logged_in(Selected::Inbox);
    let Event::Copy(asked) = until_asked(&mut server, "a COPY 3,1:2 drop\r\n") else { panic!() };
    let source = UidSet::new([number(13)..=number(13), number(11)..=number(12)]);
    let target = UidSet::new([number(7)..=number(9)]);
    asked.ok(&mut server, Some(CopyUid { uid_validity: number(5), source, target })).unwrap();
    assert_eq!(sent(&mut server), "a OK [COPYUID 5 13,11:12 7:9] COPY completed\r\n");
}

#[test]
fn rfc9208_4_3_1_past_the_quota() {
    let refuse = |server: &mut Server, event: Event| {
        match event {
            Event::Append(asked) => asked.refuse(server, Refusal::over_quota()).unwrap(),
            Event::Copy(asked) => asked.no(server, Refusal::over_quota()).unwrap(),
            Event::Move(asked) => asked.no(server, Refusal::over_quota()).unwrap(),
            event => return application(server, event),
        }
        Note::event("refused")
    };
    let input = b"a APPEND INBOX {2+}\r\nhi\r\nb COPY 1 INBOX\r\nc UID MOVE 11 INBOX\r\n";
    let text = run(&mut logged_in(Selected::Inbox), [&input[..]], false, refuse).text();
    for tag in ["a", "b", "c"] {
        assert!(text.contains(&format!("{tag} NO [OVERQUOTA] ")), "{text}");
    }
    assert_eq!(text.lines().count(), 3, "{text}");
}

/// The tests above would see an answer that comes late or not at all.
#[test]
fn the_application_of_these_tests_is_what_it_says() {
    assert_eq!(inbox().exists, 3);
    let mut config = patient();
    config.auth_requires_tls = AuthPrivacy::NotRequired;
    let mut server = Server::new(config, Security::Plain, Time::ZERO);
    let outcome = run(&mut server, [&b"a LOGIN ann secret\r\n"[..]], false, application);
    assert!(heard(&outcome, "Login") && !heard(&outcome, "violation"), "{outcome:?}");
}
