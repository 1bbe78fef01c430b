//! What streams and what changes the layer: APPEND in all its forms, REPLACE, annotations, COMPRESS, literals.
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

use posthaste_imap::server::{Event, Extensions, Refusal, Server, Update};
use posthaste_imap::{Bytes, Layer, ProtocolError, Security, State, Step, Time};
use posthaste_testkit::{Outcome, assert_split_invariant, run};
use support::{application, everything, named_event, said, selected, sent, server, with};

const LOGIN: &str = "l LOGIN u p\r\ns SELECT inbox\r\n";

fn conversation(extensions: fn() -> Extensions, input: &str) -> Outcome {
    let input = [LOGIN, input].concat();
    assert_split_invariant(|| server(extensions()), input.as_bytes(), true, application)
}

#[test]
fn several_messages_come_in_one_append_and_get_one_answer() {
    let input = "a APPEND inbox (\\Seen) {3}\r\nonetwo\r\n";
    // Not MULTIAPPEND: octets behind the message.
    assert!(conversation(everything, input).text().contains("\r\na BAD "));
    let input = "a APPEND inbox (\\Seen) {3}\r\none (\\Flagged) \"01-Jan-2024 00:00:00 +0000\" {3}\r\ntwo {1}\r\n3\r\nb NOOP\r\n";
    let outcome = conversation(everything, input);
    let text = outcome.text();
    assert_eq!(outcome.bodies(), b"onetwo3");
    assert_eq!(text.matches("+ Ready\r\n").count(), 3, "{text}");
    assert!(text.contains("a OK [APPENDUID 9 40:42] APPEND completed\r\nb OK "), "{text}");
    let names = outcome.notes.iter().filter(|note| format!("{note:?}").contains("Append")).count();
    assert_eq!(names, 4, "Append, AppendMore, AppendMore, AppendEnd: {outcome:?}");
}

#[test]
fn imap_20_of_several_messages_all_are_kept_or_none() {
    for tail in [
        " {3}\r\nt\0o\r\n",                 // NUL in the second
        " {3+}\r\ntwo junk\r\n",            // junk behind it
        " {0+}\r\n\r\n",                    // given up
        " {0}\r\n",                         // given up before it is sent
        " (\\Bogus {3+}\r\ntwo\r\n",        // a malformed list in front of it
        " CATENATE (TEXT {3+}\r\ntwo)\r\n", // another extension
        " {52428801+}\r\n",                 // over APPENDLIMIT, dropped
        " UTF8 (~{3+}\r\ntwo)\r\n",         // UTF8=ACCEPT is not enabled
    ] {
        let mut server = selected(everything());
        let mut notes = Vec::new();
        let input = format!("a APPEND inbox {{3+}}\r\none{tail}");
        server.handle_input(Time::ZERO, input.as_bytes());
        while let Ok(Step::Event(event)) = server.poll_event() {
            notes.push(format!("{event:?}"));
            support::answer(&mut server, event).unwrap();
        }
        let text = sent(&mut server);
        assert!(text.contains("a BAD ") || text.contains("a NO "), "{tail:?}: {text}");
        assert!(notes.iter().any(|note| note == "BodyAborted"), "{tail:?}: {notes:?}");
        assert!(!notes.iter().any(|note| note.starts_with("AppendEnd")), "{tail:?}: {notes:?}");
    }
    // The application refuses the second.
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"a APPEND inbox {3+}\r\none {3+}\r\ntwo {3+}\r\nxxx\r\nb NOOP\r\n");
    named_event!(server, Append).accept(&mut server).unwrap();
    assert_eq!(named_event!(server, Body), Bytes::from_static(b"one"));
    let more = named_event!(server, AppendMore);
    assert_eq!((more.messages, more.length, more.total), (2, 3, 6));
    more.refuse(&mut server, Refusal::over_quota()).unwrap();
    named_event!(server, Noop).ok(&mut server).unwrap();
    assert!(sent(&mut server).starts_with("a NO [OVERQUOTA] Over quota\r\nb OK "));
}

#[test]
fn imap_20_a_cut_between_two_messages_is_told() {
    let cuts: [fn(&mut Server); 2] =
        [|server| server.handle_eof(Time::ZERO), |server| server.handle_timeout(Time::MAX)];
    for cut in cuts {
        let mut server = selected(everything());
        server.handle_input(Time::ZERO, b"a APPEND inbox {3+}\r\none {3+}\r\ntwo\r\n");
        named_event!(server, Append).accept(&mut server).unwrap();
        assert_eq!(named_event!(server, Body), Bytes::from_static(b"one"));
        let more = named_event!(server, AppendMore);
        // No timer runs while the application thinks: only the end of the connection comes between.
        cut(&mut server);
        server.handle_eof(Time::ZERO);
        assert_eq!(server.poll_event(), Ok(Step::Event(Event::BodyAborted)));
        assert_eq!(server.poll_event(), Ok(Step::Closed), "told once");
        assert_eq!(more.accept(&mut server), Ok(()));
        assert_eq!(server.poll_event(), Ok(Step::Closed));
    }
    // Behind a message that is complete, what becomes of it is the application's answer.
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"a APPEND inbox {3+}\r\none\r\n");
    named_event!(server, Append).accept(&mut server).unwrap();
    named_event!(server, Body);
    let end = named_event!(server, AppendEnd);
    server.handle_eof(Time::ZERO);
    assert_eq!(server.poll_event(), Ok(Step::Closed));
    assert_eq!(end.ok_without_uids(&mut server), Ok(()));
}

#[test]
fn imap_20_messages_and_their_octets_are_counted() {
    let limited = || {
        with(everything(), |config| {
            config.limits.append_messages_max = 2;
            config.limits.append_all_max = 6;
        })
    };
    for (tail, expected) in [
        (" {3+}\r\ntwo {0+}\r\n\r\n", "a NO [LIMIT] "),
        (" {4+}\r\nfour\r\n", "a NO [TOOBIG] "),
        (" {3+}\r\ntwo\r\n", "a OK [APPENDUID 9 40:41] "),
    ] {
        let input = format!("{LOGIN}a APPEND inbox {{3+}}\r\none{tail}b NOOP\r\n");
        let text = assert_split_invariant(limited, input.as_bytes(), true, application).text();
        assert!(text.contains(expected) && text.contains("\r\nb OK "), "{tail}: {text}");
    }
}

#[test]
fn there_are_as_many_uids_as_messages() {
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"a APPEND inbox {3+}\r\none\r\n");
    named_event!(server, Append).accept(&mut server).unwrap();
    named_event!(server, Body);
    let end = named_event!(server, AppendEnd);
    assert!(end.ok_all(&mut server, support::number(9), support::uids(&[1, 2])).is_err());
}

#[test]
fn imap_16_only_a_literal8_of_binary_holds_nul() {
    let outcome = conversation(everything, "a APPEND inbox ~{3+}\r\na\0b\r\n");
    assert_eq!(outcome.bodies(), b"a\0b");
    assert!(outcome.text().contains("a OK [APPENDUID "));
    let outcome = conversation(everything, "a APPEND inbox {3+}\r\na\0b\r\nb NOOP\r\n");
    assert!(outcome.text().contains("a BAD ") && outcome.text().contains("b OK "));
    let outcome = conversation(
        || Extensions::new().with_utf8_accept(),
        "a ENABLE UTF8=ACCEPT\r\nb APPEND inbox ~{3+}\r\na\0b\r\n",
    );
    assert!(outcome.text().contains("b BAD "), "a literal8, but not of BINARY: {outcome:?}");
    let outcome =
        conversation(everything, "a ENABLE UTF8=ACCEPT\r\nb APPEND inbox UTF8 (~{2+}\r\nhi)\r\nc NOOP\r\n");
    assert!(
        outcome.text().contains("b OK [APPENDUID 9 40] ") && outcome.text().contains("c OK "),
        "{outcome:?}"
    );
    let outcome =
        conversation(everything, "a ENABLE UTF8=ACCEPT\r\nb APPEND inbox UTF8 (~{2+}\r\nhi\r\nc NOOP\r\n");
    assert!(outcome.text().contains("b BAD ") && outcome.text().contains("c OK "), "{outcome:?}");
}

#[test]
fn replace_stores_first_and_expunges_then() {
    let outcome = conversation(
        everything,
        "a REPLACE 2 inbox (\\Draft) {2}\r\nhi\r\nb UID REPLACE 20 {5+}\r\ninbox {2+}\r\nho\r\nc NOOP\r\n",
    );
    let text = outcome.text();
    assert_eq!(outcome.bodies(), b"hiho");
    let expected = "* OK [APPENDUID 9 40] Replacement is there\r\n* 2 EXPUNGE\r\na OK REPLACE completed\r\n";
    assert!(text.contains(expected) && text.contains("\r\nb OK ") && text.contains("\r\nc OK "), "{text}");
}

#[test]
fn imap_12_replace_takes_one_message_that_exists_and_no_other_number() {
    for command in [
        "REPLACE 0 inbox {1+}\r\nx",
        "REPLACE 1:2 inbox {1+}\r\nx",
        "REPLACE 1 inbox {1+}\r\nx {1+}\r\ny",
        "REPLACE 1 inbox x",
    ] {
        let outcome = conversation(everything, &format!("a {command}\r\nb NOOP\r\n"));
        let text = outcome.text();
        assert!(text.contains("\r\na BAD ") && text.contains("\r\nb OK "), "{command}: {text}");
        assert!(!outcome.has("ReplaceEnd"), "{command}");
    }
}

#[test]
fn literal_minus_holds_its_cap_in_every_place() {
    let small = || Extensions::new().with_literal_minus();
    let x = "x".repeat(4096);
    for (length, is_ok) in [(4096, true), (4097, false)] {
        let octets = "x".repeat(length);
        for command in [
            format!("APPEND inbox {{{length}+}}\r\n{octets}"),
            format!("SEARCH TEXT {{{length}+}}\r\n{octets}"),
        ] {
            let text = conversation(small, &format!("a {command}\r\nb NOOP\r\n")).text();
            assert_eq!(text.contains("\r\na OK "), is_ok, "{length}: {text}");
            assert!(is_ok || text.contains("\r\na BAD [TOOBIG] "), "{length}: {text}");
            assert!(text.contains("\r\nb OK "), "{text}");
        }
    }
    let text = conversation(small, &format!("a APPEND inbox {{8192}}\r\n{x}{x}\r\nb NOOP\r\n")).text();
    assert!(text.contains("LITERAL-") && text.contains("\r\na OK "), "one that waits may be longer: {text}");
}

#[test]
fn annotations_come_at_once_or_in_pieces() {
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"a GETMETADATA (MAXSIZE 1024) inbox /private/comment\r\n");
    while let Ok(Step::Event(event)) = server.poll_event() {
        support::answer(&mut server, event).unwrap();
    }
    let octets: Vec<u8> = std::iter::from_fn(|| server.poll_transmit()).flatten().collect();
    let expected = b"* METADATA INBOX (/private/comment \"short\")\r\n* METADATA INBOX (/private/comment ~{6}\r\nlo\0ng!)\r\na OK [METADATA LONGENTRIES 2199] ";
    assert!(octets.starts_with(expected), "{}", octets.escape_ascii());
    let text = said(&mut server, b"b SETMETADATA inbox (/private/comment ~{3}\r\nx\0y)\r\n");
    assert!(text.contains("+ OK\r\nb OK SETMETADATA completed\r\n"), "{text}");
}

#[test]
fn a_value_that_is_cut_short_cannot_pass_for_a_whole_one() {
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"a GETMETADATA inbox /private/x\r\n");
    let name = posthaste_imap::types::EntryName::new("/private/x").unwrap();
    let mut value = named_event!(server, GetMetadata).begin().value(&mut server, &name, 3).unwrap();
    assert!(value.write(&mut server, Bytes::from_static(b"four")).is_err());
    assert!(value.finish(&mut server).is_err());
    assert_eq!(server.poll_event(), Ok(Step::Closed));
}

fn compressed() -> Server {
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"z ENABLE QRESYNC\r\na COMPRESS DEFLATE\r\n");
    let upgrade = loop {
        match server.poll_event() {
            Ok(Step::Event(event)) => support::answer(&mut server, event).unwrap(),
            Ok(Step::Upgrade(upgrade)) => break upgrade,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(upgrade.layer(), Layer::Deflate);
    assert!(sent(&mut server).ends_with("a OK DEFLATE active\r\n"));
    server.upgraded(Time::ZERO, upgrade, Security::Plain).unwrap();
    server
}

#[test]
fn res_15_compress_changes_the_layer_once_and_nothing_else() {
    let mut server = compressed();
    assert_eq!((server.state(), server.security()), (State::Selected, Security::Tls));
    assert!(server.is_enabled(posthaste_imap::server::Feature::QResync));
    assert!(said(&mut server, b"b COMPRESS DEFLATE\r\n").starts_with("b NO [COMPRESSIONACTIVE] "));
    assert!(!said(&mut server, b"c CAPABILITY\r\n").contains("COMPRESS"));
    assert!(said(&mut server, b"e FETCH 1 UID\r\n").contains("e OK "));
}

#[test]
fn rfc8437_3_unauthenticate_under_compress_ends_the_conversation_as_its_sender_has_left_the_layer() {
    let mut server = compressed();
    assert!(!said(&mut server, b"c CAPABILITY\r\n").contains("UNAUTHENTICATE"));
    let text = said(&mut server, b"d UNAUTHENTICATE\r\ne LOGIN u p\r\n");
    assert!(text.starts_with("* BYE ") && text.matches("\r\n").count() == 1, "{text}");
    assert_eq!(server.poll_event(), Ok(Step::Closed));
}

#[test]
fn what_happens_while_the_layer_changes_is_told_inside_it() {
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"a COMPRESS DEFLATE\r\n");
    named_event!(server, Compress).accept(&mut server).unwrap();
    server.update(Update::Exists(4)).unwrap();
    let Ok(Step::Upgrade(upgrade)) = server.poll_event() else { panic!() };
    server.update(Update::Exists(5)).unwrap();
    assert_eq!(sent(&mut server), "a OK DEFLATE active\r\n");
    server.upgraded(Time::ZERO, upgrade, Security::Tls).unwrap();
    assert_eq!(sent(&mut server), "* 4 EXISTS\r\n* 5 EXISTS\r\n");
}

#[test]
fn res_15_compress_before_login_and_by_other_algorithms_is_refused() {
    assert!(said(&mut server(everything()), b"a COMPRESS DEFLATE\r\n").contains("\r\na BAD "));
    for command in ["COMPRESS GZIP", "COMPRESS", "COMPRESS DEFLATE x"] {
        let text = said(&mut selected(everything()), format!("a {command}\r\nb NOOP\r\n").as_bytes());
        assert!(text.contains("a BAD ") && text.contains("\r\nb OK "), "{command}: {text}");
    }
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"a COMPRESS DEFLATE\r\n");
    let compress = named_event!(server, Compress);
    compress.reject(&mut server).unwrap();
    assert!(said(&mut server, b"b NOOP\r\n").starts_with("a NO [UNAVAILABLE] No compression now\r\nb OK "));
}

#[test]
fn res_15_nothing_may_come_between_compress_and_its_layer() {
    let input = [LOGIN, "a COMPRESS DEFLATE\r\nb NOOP\r\n"].concat();
    let outcome = run(&mut server(everything()), [input.as_bytes()], true, application);
    assert!(outcome.error.is_some() && !outcome.text().contains("b OK"), "{outcome:?}");
    let mut server = selected(everything());
    server.handle_input(Time::ZERO, b"a COMPRESS DEFLATE\r\n");
    named_event!(server, Compress).accept(&mut server).unwrap();
    server.handle_input(Time::ZERO, b"b NOOP\r\n");
    assert_eq!(server.poll_event(), Err(ProtocolError::Residue));
    assert!(!sent(&mut server).contains("b OK"));
}

#[test]
fn res_14_what_inflates_is_held_to_the_same_limits() {
    let mut server = compressed();
    let line = "x".repeat(1024);
    for _ in 0..1024 {
        server.handle_input(Time::ZERO, line.as_bytes());
        while let Ok(Step::Event(_)) = server.poll_event() {}
    }
    let text = sent(&mut server);
    assert_eq!(text.matches("BAD [TOOBIG]").count(), 1, "{text}");
    let text = said(&mut server, b"\r\nb APPEND inbox {99999999999+}\r\n");
    assert!(text.contains("* BYE [TOOBIG] "), "{text}");
    assert_eq!(server.poll_event(), Ok(Step::Closed));
}

#[test]
fn an_upgrade_belongs_to_its_layer() {
    let mut starttls =
        Server::new(posthaste_imap::server::Config::new("h.example.test"), Security::Plain, Time::ZERO);
    starttls.handle_input(Time::ZERO, b"a STARTTLS\r\n");
    let Ok(Step::Event(Event::StartTls(token))) = starttls.poll_event() else { panic!() };
    token.accept(&mut starttls).unwrap();
    let Ok(Step::Upgrade(tls)) = starttls.poll_event() else { panic!() };
    let mut compress = selected(everything());
    compress.handle_input(Time::ZERO, b"a COMPRESS DEFLATE\r\n");
    named_event!(compress, Compress).accept(&mut compress).unwrap();
    let Ok(Step::Upgrade(_deflate)) = compress.poll_event() else { panic!() };
    assert!(compress.upgraded(Time::ZERO, tls, Security::Tls).is_err());
}
