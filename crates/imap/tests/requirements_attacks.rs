//! Attacks on a server that are known, as far as no other file has them. Each test carries the id that the list in
//! `tests/requirements/` of the workspace gives it.
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

use posthaste_imap::server::{AuthPrivacy, Event, Refusal, Server, TlsOffer, Update};
use posthaste_imap::types::ResponseCode;
use posthaste_imap::{Security, Step, Time};
use posthaste_testkit::run;
use requirements_support::{
    Selected, answer, application, assert_answers, hear, heard, logged_in, number, patient, sent, server,
    until_asked,
};

#[test]
fn stls_06_tls_that_is_not_configured_is_neither_announced_nor_begun() {
    let mut config = patient();
    config.tls = TlsOffer::Absent;
    let mut server = Server::new(config, Security::Plain, Time::ZERO);
    let outcome = run(&mut server, [&b"a CAPABILITY\r\nb STARTTLS\r\nc NOOP\r\n"[..]], false, application);
    let text = outcome.text();
    assert!(
        !text.contains(" STARTTLS") && text.contains("\r\nb BAD ") && text.contains("\r\nc OK "),
        "{text}"
    );
    assert!(!heard(&outcome, "StartTls"), "{outcome:?}");
}

#[test]
fn stls_07_the_word_in_an_argument_is_data() {
    let mut config = patient();
    config.auth_requires_tls = AuthPrivacy::NotRequired;
    for input in [
        "a LOGIN {8+}\r\nSTARTTLS STARTTLS\r\n",
        "a LOGIN \"x STARTTLS\" STARTTLS\r\n",
        "a LOGIN {12+}\r\nx\r\nSTARTTLS x\r\n",
        "STARTTLS NOOP\r\n",
    ] {
        let mut server = Server::new(config.clone(), Security::Plain, Time::ZERO);
        let outcome = run(&mut server, [input.as_bytes()], false, application);
        assert!(!heard(&outcome, "StartTls") && !outcome.closed, "{input}: {outcome:?}");
    }
}

#[test]
fn stls_17_a_message_that_is_cut_is_not_taken() {
    let input = b"a APPEND INBOX {20+}\r\n0123456789abcdefghij\r\n";
    for cut in 0..input.len() {
        let outcome = run(&mut logged_in(Selected::Nothing), [&input[..cut]], true, application);
        assert!(outcome.closed && !heard(&outcome, "AppendEnd"), "{cut}: {outcome:?}");
        assert_eq!(heard(&outcome, "Append("), heard(&outcome, "BodyAborted"), "{cut}: {outcome:?}");
    }
    let outcome = run(&mut logged_in(Selected::Nothing), [&input[..]], true, application);
    assert!(heard(&outcome, "AppendEnd") && !heard(&outcome, "BodyAborted"), "{outcome:?}");
}

#[test]
fn inj_16_a_keyword_that_is_no_atom_is_refused() {
    for command in [
        "SEARCH KEYWORD {3+}\r\na b",
        "SEARCH UNKEYWORD \"a\"",
        "SEARCH KEYWORD a(b",
        "STORE 1 FLAGS ({3+}\r\na b)",
        "STORE 1 FLAGS (\"a\")",
        "APPEND INBOX (\"a\") {1+}\r\nx",
    ] {
        let outcome = hear(format!("a {command}\r\nb NOOP\r\n"));
        assert!(
            outcome.text().contains("a BAD ") && outcome.text().contains("b OK "),
            "{command}: {outcome:?}"
        );
        assert_eq!(outcome.notes.len(), 2, "{command}: {outcome:?}");
    }
}

#[test]
fn imap_06_no_command_grows_without_bound() {
    let many = |piece: &str| piece.repeat(2 * 1024 * 1024 / piece.len());
    for command in [
        format!("SEARCH{}", many(" SEEN")),
        format!("SEARCH OR SEEN{}", many(" OR SEEN")),
        format!("FETCH 1 (FLAGS{}", many(" FLAGS")),
        format!("FETCH 1 BODY[HEADER.FIELDS (a{}", many(" a")),
        format!("STORE 1 FLAGS (a{}", many(" a")),
        format!("STATUS INBOX (MESSAGES{}", many(" MESSAGES")),
        format!("LIST \"\" \"{}", many("*%")),
        format!("APPEND INBOX (a{}", many(" a")),
        format!("ENABLE{}", many(" X-NONE")),
        format!("ID ({}", many("\"a\" \"b\" ")),
        format!("FETCH 1{}", many(",1")),
        format!("CREATE {}", many("a/")),
    ] {
        let outcome = hear(format!("a {command}\r\nb NOOP\r\n"));
        let text = outcome.text();
        // A line without an end has no tag that could be trusted.
        let refused = text.contains("* BAD [TOOBIG] ") || text.contains("a BAD [TOOBIG] ");
        assert!(refused && text.contains("b OK "), "{}: {text}", &command[..20]);
        assert_eq!(outcome.notes.len(), 2, "{}", &command[..20]);
    }
    // The same in literals, each of which is short enough.
    for start in ["SEARCH", "FETCH 1 BODY[HEADER.FIELDS ("] {
        let piece = if start == "SEARCH" { " TEXT {100000+}\r\n" } else { " {100000+}\r\n" };
        let literal = format!("{piece}{}", "a".repeat(100_000));
        let outcome = hear(format!("a {start}{}\r\nb NOOP\r\n", literal.repeat(20)));
        let text = outcome.text();
        assert!(text.contains("a BAD [TOOBIG] ") && text.contains("b OK "), "{start}: {text}");
    }
}

#[test]
fn imap_11_a_charset_that_is_unknown_is_no() {
    assert_answers(&[
        ("SEARCH CHARSET x ALL", "NO [BADCHARSET "),
        ("SEARCH SINCE 99-Jan-9999", "BAD"),
        ("SEARCH ON 31-Feb-2024", "BAD"),
        ("SEARCH LARGER 18446744073709551616", "BAD"),
        ("SEARCH 4294967296", "BAD"),
    ]);
}

#[test]
fn imap_12_rare_commands_with_odd_arguments() {
    assert_answers(&[
        ("REPLACE 0 INBOX {1+}\r\nx", "BAD"),
        ("GETMETADATA INBOX {1+}\r\n\u{7f}", "BAD"),
        ("SEARCH MIMEPART FILENAME ENDS \"\"", "BAD"),
        ("SELECT INBOX (QRESYNC ())", "BAD"),
        ("SELECT INBOX (CONDSTORE", "BAD"),
        ("EXPUNGE 1", "BAD"),
        ("UID EXPUNGE", "BAD"),
        ("UID EXPUNGE 0", "BAD"),
        ("UNSELECT INBOX", "BAD"),
    ]);
}

#[test]
fn imap_18_idle_ends_with_done_alone() {
    for line in ["DONE x", " DONE", "DONE ", "b NOOP", "", "DON", "\u{1}DONE", "DONE\u{0}"] {
        let outcome = hear(format!("a IDLE\r\n{line}\r\nc NOOP\r\n"));
        let text = outcome.text();
        assert!(outcome.closed && text.contains("a BAD ") && text.contains("* BYE "), "{line:?}: {text}");
        assert!(!text.contains("c OK") && !heard(&outcome, "IdleDone"), "{line:?}: {text}");
    }
    let mut server = logged_in(Selected::Inbox);
    run(&mut server, [&b"a IDLE\r\n"[..]], false, application);
    server.handle_timeout(Time::from_epoch(Duration::from_secs(29 * 60 + 59)));
    assert_eq!(sent(&mut server), "", "half an hour is allowed");
}

#[test]
fn imap_19_long_and_odd_responses_end_one_exchange_only() {
    let long = "A".repeat(1024 * 1024);
    let outcome =
        run(&mut server(), [format!("a AUTHENTICATE PLAIN {long}\r\n").as_bytes()], false, application);
    assert!(outcome.text().contains("BAD [TOOBIG] ") && !heard(&outcome, "Auth"));
    let outcome =
        run(&mut server(), [format!("a AUTHENTICATE PLAIN\r\n{long}\r\n").as_bytes()], false, application);
    assert!(outcome.text().contains("\r\na BAD ") && !heard(&outcome, "Login"));
    for (response, expected) in [("", "a NO "), ("=", "a BAD "), ("A A=", "a BAD "), ("AA=A", "a BAD ")] {
        let input = format!("a AUTHENTICATE PLAIN\r\n{response}\r\nb LOGIN ann secret\r\n");
        let text = run(&mut server(), [input.as_bytes()], false, application).text();
        assert!(text.contains(expected) && text.contains("\r\nb OK "), "{response:?}: {text}");
    }
    let input = b"a AUTHENTICATE PLAIN =\r\nb AUTHENTICATE PLAIN AGFubgBzZWNyZXQ=\r\n";
    let text = run(&mut server(), [&input[..]], false, application).text();
    assert!(text.contains("\r\na NO ") && text.contains("\r\nb OK "), "{text}");
}

#[test]
fn imap_20_append_with_odd_lengths_dates_and_flags() {
    // An empty message is a message as far as the machine goes; what it is worth is the application's to say.
    let outcome = hear("a APPEND INBOX {0}\r\n\r\nb NOOP\r\n");
    assert!(heard(&outcome, "AppendEnd") && outcome.text().contains("b OK "), "{outcome:?}");
    let large = 50 * 1024 * 1024 + 1;
    let text = hear(format!("a APPEND INBOX {{{large}}}\r\nb NOOP\r\n")).text();
    assert!(text.starts_with("a NO [TOOBIG] ") && text.contains("b OK ") && !text.contains("+ "), "{text}");
    let mut config = patient();
    config.limits.append_max = 100;
    let mut server = Server::new(config, Security::Tls, Time::ZERO);
    let body = "x".repeat(101);
    let input = format!("0 LOGIN ann secret\r\na APPEND INBOX {{101+}}\r\n{body}\r\nb NOOP\r\n");
    let outcome = run(&mut server, [input.as_bytes()], false, application);
    assert!(outcome.text().contains("a NO [TOOBIG] ") && outcome.text().contains("b OK "), "{outcome:?}");
    assert!(outcome.bodies().is_empty() && !heard(&outcome, "Append("), "{outcome:?}");
    for head in [
        "\"32-Jan-2026 00:00:00 +0000\"",
        "\"01-Jan-2026 24:00:00 +0000\"",
        "\"01-Jan-2026 00:00:00\"",
        "\"1-Jan-2026 00:00:00 +0000\"",
        "\"01-Foo-2026 00:00:00 +0000\"",
        "(\\Seen",
        "(\\Recent)",
        "() () ",
    ] {
        let outcome = hear(format!("a APPEND INBOX {head} {{2+}}\r\nhi\r\nb NOOP\r\n"));
        assert!(outcome.text().contains("a BAD ") && outcome.text().contains("b OK "), "{head}: {outcome:?}");
        assert!(!heard(&outcome, "Append"), "{head}: {outcome:?}");
    }
}

#[test]
fn imap_21_flags_that_cannot_be_set() {
    assert_answers(&[
        ("STORE 1 FLAGS (\\Recent)", "BAD"),
        ("STORE 1 +FLAGS (\\*)", "BAD"),
        ("STORE 1 +FLAGS (\\)", "BAD"),
        ("STORE 1 +FLAGS (a])", "BAD"),
        ("STORE 1 +FLAGS (\u{e4})", "BAD"),
    ]);
}

#[test]
fn imap_22_arguments_that_do_not_belong_and_literals_of_unknown_commands() {
    assert_answers(&[("CAPABILITY x", "BAD"), ("NAMESPACE \"\"", "BAD"), ("LOGOUT now", "BAD")]);
    let names = " X-NONE".repeat(10_000);
    let text = hear(format!("a ENABLE{names}\r\nb NOOP\r\n")).text();
    assert!(text.contains("b OK "), "{text}");
    let octets = "x DELETE a\r\n";
    let outcome = hear(format!("a BOGUS {{{}+}}\r\n{octets}\r\nb NOOP\r\n", octets.len()));
    assert!(outcome.text().contains("a BAD ") && outcome.text().contains("b OK "), "{outcome:?}");
    assert!(!heard(&outcome, "Delete"), "{outcome:?}");
    // A synchronising one is refused before its octets come.
    let outcome = hear(format!("a BOGUS {{{}}}\r\nb NOOP\r\n", octets.len()));
    assert!(!outcome.text().contains("+ ") && outcome.text().contains("b OK "), "{outcome:?}");
}

#[test]
fn mbx_03_inbox_in_any_case_and_nothing_else() {
    let mailbox = |name: &str| {
        let command = format!("a SUBSCRIBE {name}\r\n");
        let Event::Subscribe(asked) = until_asked(&mut logged_in(Selected::Nothing), &command) else {
            panic!()
        };
        asked.mailbox.clone()
    };
    for name in ["inbox", "InBoX", "\"INBOX\"", "{5+}\r\niNbOx"] {
        assert!(mailbox(name).is_inbox() && mailbox(name) == mailbox("INBOX"), "{name}");
    }
    for name in ["INBOX/x", "INBOX.", "xINBOX", "\"INBOX \"", "INBO"] {
        assert!(!mailbox(name).is_inbox(), "{name}");
    }
}

#[test]
fn mbx_04_names_with_control_characters_are_refused() {
    for name in ["a\r\nb", "a\nb", "\u{1b}[2J", "a\tb", "\u{7f}"] {
        for command in ["CREATE", "SELECT", "DELETE", "SUBSCRIBE", "RENAME x", "COPY 1"] {
            let outcome = hear(format!("a {command} {{{}+}}\r\n{name}\r\nb NOOP\r\n", name.len()));
            let text = outcome.text();
            assert!(text.contains("a NO ") || text.contains("a BAD "), "{command} {name:?}: {text}");
            assert!(text.contains("b OK ") && outcome.notes.len() == 2, "{command} {name:?}: {outcome:?}");
        }
    }
    // In base64 just as well.
    for name in ["&AA0ACg-", "&AAA-", "&AIU-", "&ICg-", "&ICk-", "&2AA-", "&3AA-"] {
        let command = format!("CREATE \"{name}\"");
        assert_answers(&[(command.as_str(), "NO [CANNOT] ")]);
    }
}

/// Every command the server knows, against what RFC 9051 6 says of its state.
#[test]
fn mbx_08_every_command_in_every_state() {
    let any = ["CAPABILITY", "NOOP", "ID NIL"];
    let before = ["STARTTLS", "LOGIN ann secret", "AUTHENTICATE PLAIN AGFubgBzZWNyZXQ="];
    let after = [
        "ENABLE CONDSTORE",
        "NAMESPACE",
        "LIST \"\" *",
        "LSUB \"\" *",
        "SUBSCRIBE x",
        "UNSUBSCRIBE x",
        "CREATE x",
        "DELETE x",
        "RENAME x y",
        "STATUS x (MESSAGES)",
        "SELECT INBOX",
        "EXAMINE INBOX",
        "APPEND x {3+}\r\nabc",
        "IDLE\r\nDONE",
    ];
    let selected = [
        "CHECK",
        "CLOSE",
        "UNSELECT",
        "EXPUNGE",
        "FETCH 1 UID",
        "STORE 1 FLAGS ()",
        "COPY 1 x",
        "MOVE 1 x",
        "SEARCH ALL",
        "UID FETCH 1 UID",
        "UID STORE 1 FLAGS ()",
        "UID COPY 1 x",
        "UID MOVE 1 x",
        "UID SEARCH ALL",
        "UID EXPUNGE 1",
    ];
    let internal = ["XKILL", "LOCALDELETE x", "RESTORE", "DUMP x", "SHUTDOWN", "X-GM"];
    let groups: [(&[&str], [bool; 3]); 5] = [
        (&any, [true; 3]),
        (&before, [true, false, false]),
        (&after, [false, true, true]),
        (&selected, [false, false, true]),
        (&internal, [false; 3]),
    ];
    for (commands, legal) in groups {
        for command in commands {
            for (state, legal) in legal.into_iter().enumerate() {
                let mut server = match state {
                    0 => Server::new(patient(), Security::Local, Time::ZERO),
                    1 => logged_in(Selected::Nothing),
                    _ => logged_in(Selected::Inbox),
                };
                let input = format!("a {command}\r\n");
                let outcome = run(&mut server, [input.as_bytes()], false, application);
                let text = outcome.text();
                let bad = text.lines().any(|line| line.starts_with("a BAD "));
                assert_eq!(!bad, legal, "{command} in state {state}: {text}");
                assert_eq!(heard(&outcome, "violation"), !legal, "{command} in state {state}: {outcome:?}");
            }
        }
    }
}

#[test]
fn mbx_13_the_application_ends_a_session_whose_mailbox_is_gone() {
    // While it idles, and in the middle of a command: at its end.
    let gone = || Refusal::new("The mailbox is gone").with_code(ResponseCode::NonExistent);
    let mut server = logged_in(Selected::Inbox);
    run(&mut server, [&b"a IDLE\r\n"[..]], false, application);
    server.end(Time::ZERO, gone());
    assert_eq!(sent(&mut server), "* BYE [NONEXISTENT] The mailbox is gone\r\n");
    assert_eq!(server.poll_event(), Ok(Step::Closed));
    let mut server = logged_in(Selected::Inbox);
    let event = until_asked(&mut server, "a FETCH 1 FLAGS\r\n");
    server.end(Time::ZERO, gone());
    assert_eq!(sent(&mut server), "");
    answer(&mut server, event).unwrap();
    assert_eq!(server.poll_event(), Ok(Step::Closed));
    let text = sent(&mut server);
    assert!(
        text.contains("\r\na OK ") && text.ends_with("* BYE [NONEXISTENT] The mailbox is gone\r\n"),
        "{text}"
    );
}

/// Another session expunges at every moment of this one: a command by sequence number never sees its numbers move.
#[test]
fn mbx_14_sequence_numbers_never_change_under_a_command() {
    for (command, may_change) in [
        ("FETCH 1:3 FLAGS", false),
        ("STORE 1:3 FLAGS (\\Seen)", false),
        ("SEARCH ALL", false),
        ("NOOP", true),
        ("UID FETCH 11:13 FLAGS", true),
        ("UID STORE 11:13 FLAGS (\\Seen)", true),
        ("COPY 1 INBOX", true),
        ("EXPUNGE", true),
    ] {
        let mut server = logged_in(Selected::Inbox);
        // Before the command, and what is pipelined behind it.
        server.update(Update::Expunged(number(3).into())).unwrap();
        assert_eq!(sent(&mut server), "", "{command}");
        let event = until_asked(&mut server, &format!("a {command}\r\n"));
        server.update(Update::Expunged(number(2).into())).unwrap();
        answer(&mut server, event).unwrap();
        let text = sent(&mut server);
        let told = text.matches(" EXPUNGE\r\n").count();
        assert_eq!(told, if may_change { 2 } else { 0 }, "{command}: {text}");
        // Nothing is lost, and the order stays.
        let event = until_asked(&mut server, "b NOOP\r\n");
        answer(&mut server, event).unwrap();
        let text = [text, sent(&mut server)].concat();
        assert!(text.find("* 3 EXPUNGE") < text.find("* 2 EXPUNGE"), "{command}: {text}");
        assert_eq!(text.matches(" EXPUNGE\r\n").count(), 2, "{command}: {text}");
    }
}
