//! Whole conversations of the client machine, played against a server that says what the test wrote.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod client_support;

use bytes::Bytes;
use client_support::{drive, note, ready, say, selected, sent, step};
use core::num::NonZeroU32;
use core::time::Duration;
use posthaste_imap::client::{Client, ClientLimits, Config, Event, ProtocolError, Timer};
use posthaste_imap::types::{
    Addressing, FetchAttribute, Flag, Flags, ListPattern, Mailbox, SearchCommand, SearchKey, Section,
    SequenceSet, StoreAction, StoreCommand, StoreEcho,
};
use posthaste_imap::{Misuse, Secret, Security, State, Step, Time};
use posthaste_testkit::assert_split_invariant;

fn one() -> SequenceSet {
    SequenceSet::single(NonZeroU32::MIN)
}

fn body() -> FetchAttribute {
    FetchAttribute::Section { section: Section::whole(), partial: None, peek: true }
}

#[test]
fn login_asks_for_the_capabilities_unless_it_is_told() {
    let mut client = ready("IMAP4rev1 IDLE");
    client.login("joe", Secret::from("p w\"")).unwrap();
    client.namespace().unwrap();
    assert_eq!(sent(&mut client), "A1 LOGIN joe \"p w\\\"\"\r\n");
    let events = say(&mut client, "A1 OK in\r\n");
    assert_eq!(events, ["Done CommandId(1) Ok"]);
    assert!(client.capabilities().is_empty());
    // Its own question goes first.
    assert_eq!(sent(&mut client), "A2 CAPABILITY\r\n");
    let events = say(&mut client, "* CAPABILITY IMAP4rev1 MOVE NAMESPACE\r\nA2 OK done\r\n");
    assert_eq!(events, ["Capability"]);
    assert!(client.has_capability("move") && !client.has_capability("IDLE"));
    assert_eq!(sent(&mut client), "A3 NAMESPACE\r\n");
}

#[test]
fn a_failed_login_leaves_what_stood_behind_it_unsent() {
    let mut client = ready("IMAP4rev1");
    client.login("joe", Secret::from("no")).unwrap();
    client.select(Mailbox::inbox(), vec![]).unwrap();
    client.noop().unwrap();
    sent(&mut client);
    let events = say(&mut client, "A1 NO [AUTHENTICATIONFAILED] wrong\r\n");
    assert_eq!(events, ["Done CommandId(1) No", "NotSent CommandId(2)"]);
    assert_eq!(sent(&mut client), "A2 NOOP\r\n");
    assert_eq!(client.state(), State::NotAuthenticated);
}

#[test]
fn login_with_strings_that_need_literals_waits_for_each() {
    let mut client = ready("IMAP4rev1");
    client.login("j\no", Secret::from("p\r\nA9 DELETE INBOX")).unwrap();
    assert_eq!(sent(&mut client), "A1 LOGIN {3}\r\n");
    assert_eq!(say(&mut client, "* OK still here\r\n+ \r\n"), ["Untagged Ok still here"]);
    assert_eq!(sent(&mut client), "j\no {18}\r\n");
    say(&mut client, "+\r\n");
    assert_eq!(sent(&mut client), "p\r\nA9 DELETE INBOX\r\n");
    // INJ-11: only after the server said so does a literal go along.
    let mut client = ready("IMAP4rev1 LITERAL+");
    client.login("j\no", Secret::from("pw")).unwrap();
    assert_eq!(sent(&mut client), "A1 LOGIN {3+}\r\nj\no pw\r\n");
}

#[test]
fn inj_12_a_literal_that_is_refused_is_not_sent() {
    for answer in ["NO", "BAD"] {
        let mut client = ready("IMAP4rev1");
        client.login("j\no", Secret::from("pw")).unwrap();
        client.noop().unwrap();
        sent(&mut client);
        let events = say(&mut client, &format!("A1 {answer} too long\r\n"));
        assert_eq!(events.len(), 1);
        assert_eq!(sent(&mut client), "A2 NOOP\r\n", "the connection is in step");
        assert_eq!(
            say(&mut client, "+ unasked\r\n"),
            ["Violation a continuation request that nothing waited for"]
        );
    }
    let mut client = ready("IMAP4rev1");
    client.login("j\no", Secret::from("pw")).unwrap();
    sent(&mut client);
    client.handle_input(Time::ZERO, b"A1 OK welcome\r\n");
    assert_eq!(client.poll_event().unwrap_err(), ProtocolError::CompletedUnsent);
    assert_eq!(client.poll_event().unwrap_err(), ProtocolError::CompletedUnsent);
    assert_eq!(client.running().count(), 1, "it is in doubt");
    assert_eq!(client.state(), State::NotAuthenticated);
}

#[test]
fn select_keeps_what_the_server_tells_of_the_mailbox() {
    let mut client = ready("IMAP4rev1");
    client.login("joe", Secret::from("pw")).unwrap();
    client.examine(Mailbox::new("Entwürfe").unwrap(), vec![]).unwrap();
    say(&mut client, "A1 OK [CAPABILITY IMAP4rev1] in\r\n");
    assert_eq!(sent(&mut client), "A1 LOGIN joe pw\r\nA2 EXAMINE Entw&APw-rfe\r\n");
    let events = say(
        &mut client,
        "* 172 EXISTS\r\n* 1 RECENT\r\n* OK [UNSEEN 12] first\r\n* OK [UIDVALIDITY 3857529045] ok\r\n\
         * OK [UIDNEXT 4392] ok\r\n* FLAGS (\\Answered \\Seen)\r\n* OK [PERMANENTFLAGS (\\Seen \\*)] ok\r\n\
         * OK [HIGHESTMODSEQ 715194045007] ok\r\nA2 OK [READ-ONLY] done\r\n",
    );
    assert_eq!(events.last().unwrap(), "Done CommandId(2) Ok");
    let mailbox = client.mailbox().unwrap();
    assert_eq!((mailbox.exists, mailbox.recent, mailbox.read_only), (172, 1, true));
    assert_eq!(mailbox.uid_validity, NonZeroU32::new(3_857_529_045));
    assert_eq!(mailbox.uid_next, NonZeroU32::new(4392));
    assert_eq!(mailbox.unseen, NonZeroU32::new(12));
    assert_eq!(mailbox.flags, Flags::from([Flag::Answered, Flag::Seen]));
    assert!(mailbox.permanent_flags.as_ref().unwrap().new_keywords);
    assert_eq!(mailbox.highest_mod_seq, Some(715_194_045_007));
    // What is expunged or new while the mailbox is open.
    let events = say(&mut client, "* 172 EXPUNGE\r\n* 171 EXPUNGE\r\n* 175 EXISTS\r\n");
    assert_eq!(events, ["Expunge 172", "Expunge 171", "Exists 175"]);
    assert_eq!(client.mailbox().unwrap().exists, 175);
    // RFC 9051 6.3.2: a failed SELECT leaves nothing selected.
    client.select(Mailbox::new("none").unwrap(), vec![]).unwrap();
    say(&mut client, "* 175 EXPUNGE\r\nA3 NO no such mailbox\r\n");
    assert!(client.mailbox().is_none());
    assert_eq!(client.state(), State::Authenticated);
    assert!(matches!(client.fetch(one(), vec![body()]), Err(Misuse::NotNow { .. })));
}

#[test]
fn fetch_rows_stream_in_any_split() {
    let make = || {
        let mut client = selected("");
        client.fetch(SequenceSet::all(), vec![FetchAttribute::Uid, body()]).unwrap();
        client
    };
    let input = "* 1 FETCH (UID 10 BODY[HEADER] {9}\r\nA: b\r\n)\r\n BODY[TEXT]<3> {0}\r\n FLAGS (\\Seen))\r\n\
                 * 6 EXISTS\r\n* 2 FETCH (BODY[] \"short\" UID nonsense RFC822.SIZE 5)\r\n\
                 * 3 FETCH (ENVELOPE (NIL {4}\r\nsubj NIL NIL NIL NIL NIL NIL NIL NIL))\r\nA3 OK done\r\n";
    let outcome = assert_split_invariant(make, input.as_bytes(), false, |_, event| note(&event));
    assert_eq!(outcome.error, None);
    assert_eq!(outcome.bodies(), b"A: b\r\n)\r\n");
    for words in [
        "Row 1",
        "Item Uid(10)",
        "Literal Section { section: Section { part: None, text: Some(Header) }, origin: None } 9",
        "LiteralEnd",
        "Item Flags([Seen])",
        "Exists 6",
        "Item Opaque { name: b\"UID\", value: b\"nonsense\" }",
        "Item Rfc822Size(5)",
        "Row 3",
        "RowEnd",
        "Done CommandId(3) Ok",
    ] {
        assert!(outcome.has(words), "{words} in {outcome:#?}");
    }
}

#[test]
fn tlsc_20_a_row_that_is_cut_is_never_whole() {
    let mut client = selected("");
    let fetch = client.fetch(one(), vec![body()]).unwrap();
    client.noop().unwrap();
    sent(&mut client);
    let events = say(&mut client, "* 1 FETCH (BODY[] {10}\r\nabc");
    assert_eq!(events.last().unwrap(), "Body abc");
    client.handle_eof(Time::ZERO);
    assert!(matches!(client.poll_event(), Ok(Step::Event(Event::RowAborted))));
    match client.poll_event() {
        Err(ProtocolError::ConnectionLost { unknown, unsent }) => {
            assert_eq!(unknown.len(), 2);
            assert_eq!(unknown[0], fetch);
            assert!(unsent.is_empty());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn append_waits_for_the_go_ahead_and_counts() {
    let mut client = selected("");
    let id = client.append(Mailbox::inbox(), vec![Flag::Seen], None, 6).unwrap();
    client.noop().unwrap();
    assert_eq!(sent(&mut client), "A3 APPEND INBOX (\\Seen) {6}\r\n");
    assert!(matches!(step(&mut client), Step::NeedInput));
    client.handle_input(Time::ZERO, b"* 6 EXISTS\r\n+ go\r\n");
    assert!(matches!(step(&mut client), Step::Event(Event::Exists(6))));
    let Step::Event(Event::AppendReady(mut writer)) = step(&mut client) else { panic!() };
    assert_eq!((writer.id(), writer.length()), (id, 6));
    let abc = Bytes::from_static(b"abc");
    writer.write(&mut client, abc.clone()).unwrap();
    assert_eq!(writer.write(&mut client, Bytes::from_static(b"defg")), Err(Misuse::TooMuch { remaining: 3 }));
    assert_eq!(writer.remaining(&client), 3);
    let mut other = selected("");
    assert_eq!(writer.write(&mut other, abc.clone()), Err(Misuse::WrongConnection));
    writer.write(&mut client, abc).unwrap();
    assert_eq!(sent(&mut client), "abcabc", "nothing else before the end");
    writer.finish(&mut client).unwrap();
    assert_eq!(sent(&mut client), "\r\nA4 NOOP\r\n");
    assert_eq!(say(&mut client, "A3 OK [APPENDUID 1 7] done\r\n"), [format!("Done {id:?} Ok")]);
}

#[test]
fn append_goes_along_with_literal_plus_and_a_short_one_with_literal_minus() {
    for (capability, length, header) in
        [("LITERAL+", 5000, "{5000+}"), ("LITERAL-", 4096, "{4096+}"), ("LITERAL-", 4097, "{4097}")]
    {
        let mut client = selected(capability);
        client.append(Mailbox::inbox(), vec![], None, length).unwrap();
        assert_eq!(sent(&mut client), format!("A3 APPEND INBOX {header}\r\n"));
        let ready = matches!(step(&mut client), Step::Event(Event::AppendReady(_)));
        assert_eq!(ready, header.ends_with("+}"), "{header}");
    }
}

#[test]
fn a_message_refused_early_is_still_sent_in_full_where_the_server_counts_on_it() {
    let mut client = selected("LITERAL+");
    client.append(Mailbox::inbox(), vec![], None, 3).unwrap();
    client.noop().unwrap();
    let Step::Event(Event::AppendReady(mut writer)) = step(&mut client) else { panic!() };
    assert_eq!(say(&mut client, "A3 NO [TOOBIG] no\r\n"), ["Done CommandId(3) No"]);
    assert_eq!(sent(&mut client), "A3 APPEND INBOX {3+}\r\n");
    writer.write(&mut client, Bytes::from_static(b"abc")).unwrap();
    writer.finish(&mut client).unwrap();
    assert_eq!(sent(&mut client), "abc\r\nA4 NOOP\r\n");
}

#[test]
fn a_message_that_is_given_up_is_never_completed() {
    let mut client = selected("LITERAL+");
    client.append(Mailbox::inbox(), vec![], None, 4).unwrap();
    let Step::Event(Event::AppendReady(mut writer)) = step(&mut client) else { panic!() };
    writer.write(&mut client, Bytes::from_static(b"abc")).unwrap();
    sent(&mut client);
    writer.abort(&mut client).unwrap();
    assert_eq!(client.poll_event().unwrap_err(), ProtocolError::AppendAborted);
    assert_eq!(sent(&mut client), "");
    assert_eq!(client.running().count(), 1, "its outcome is known to be unknown");
}

#[test]
fn a_writer_waits_at_the_high_water_mark() {
    let mut client = selected("LITERAL+");
    let chunk = Bytes::from(vec![b'x'; 64 * 1024]);
    client.append(Mailbox::inbox(), vec![], None, 1 << 20).unwrap();
    let Step::Event(Event::AppendReady(mut writer)) = step(&mut client) else { panic!() };
    writer.write(&mut client, chunk.clone()).unwrap();
    assert!(client.is_congested());
    assert!(matches!(writer.write(&mut client, chunk.clone()), Err(Misuse::Congested { .. })));
    sent(&mut client);
    writer.write(&mut client, chunk).unwrap();
}

#[test]
fn idle_is_renewed_in_time_and_ends_when_it_is_told() {
    let mut client = selected("IDLE");
    let id = client.idle().unwrap();
    client.noop().unwrap();
    assert_eq!(sent(&mut client), "A3 IDLE\r\n");
    assert_eq!(client.timer(), Some(Timer::Response));
    assert_eq!(say(&mut client, "+ idling\r\n"), [format!("Idling {id:?}")]);
    assert_eq!(client.timer(), Some(Timer::IdleRenewal));
    assert_eq!(say(&mut client, "* 6 EXISTS\r\n"), ["Exists 6"]);
    let later = Time::from_epoch(Duration::from_secs(29 * 60));
    client.handle_timeout(Time::from_epoch(Duration::from_secs(29 * 60 - 1)));
    assert_eq!(sent(&mut client), "");
    client.handle_timeout(later);
    assert_eq!(sent(&mut client), "DONE\r\n");
    client.handle_input(later, b"A3 OK idled\r\n");
    assert!(matches!(step(&mut client), Step::NeedInput), "no event: the IDLE goes on");
    assert_eq!(sent(&mut client), "A4 IDLE\r\n", "and NOOP still waits");
    client.handle_input(later, b"+ idling\r\n");
    assert!(matches!(step(&mut client), Step::NeedInput), "told once");
    assert_eq!(client.poll_timeout(), Some(later.after(Duration::from_secs(29 * 60))));
    client.done().unwrap();
    assert_eq!(sent(&mut client), "DONE\r\n");
    client.handle_input(later, b"A4 OK idled\r\n");
    assert_eq!(drive(&mut client), [format!("Done {id:?} Ok")]);
    assert_eq!(sent(&mut client), "A5 NOOP\r\n");
    assert!(matches!(client.done(), Err(Misuse::NotNow { .. })));
}

#[test]
fn idle_that_is_ended_before_it_is_confirmed() {
    let mut client = selected("IDLE");
    client.idle().unwrap();
    client.done().unwrap();
    assert_eq!(sent(&mut client), "A3 IDLE\r\n", "DONE before the + would be taken for a command");
    say(&mut client, "+ idling\r\n");
    assert_eq!(sent(&mut client), "DONE\r\n");
    let mut client = selected("");
    assert!(matches!(client.idle(), Err(Misuse::NotNow { .. })), "not announced");
}

#[test]
fn authenticate_with_and_without_an_initial_response_on_the_line() {
    let mut client = ready("IMAP4rev1 AUTH=PLAIN SASL-IR");
    assert_eq!(client.mechanisms().collect::<Vec<_>>(), ["PLAIN"]);
    client.authenticate("PLAIN", Some(Secret::from("\0joe\0pw"))).unwrap();
    assert_eq!(sent(&mut client), "A1 AUTHENTICATE PLAIN AGpvZQBwdw==\r\n");
    assert_eq!(
        say(&mut client, "A1 OK [CAPABILITY IMAP4rev1] in\r\n"),
        ["Capability", "Done CommandId(1) Ok"]
    );

    let mut client = ready("IMAP4rev1 AUTH=PLAIN");
    client.authenticate("PLAIN", Some(Secret::from("\0joe\0pw"))).unwrap();
    assert_eq!(sent(&mut client), "A1 AUTHENTICATE PLAIN\r\n");
    say(&mut client, "+\r\n");
    assert_eq!(sent(&mut client), "AGpvZQBwdw==\r\n");
    // An OK before the response was sent is nobody's success.
    let mut client = ready("IMAP4rev1 AUTH=PLAIN");
    client.authenticate("PLAIN", Some(Secret::from("\0joe\0pw"))).unwrap();
    client.handle_input(Time::ZERO, b"A1 OK in\r\n");
    assert_eq!(client.poll_event().unwrap_err(), ProtocolError::CompletedUnsent);
}

#[test]
fn challenges_pause_the_machine_until_they_are_answered() {
    let mut client = ready("IMAP4rev1 AUTH=LOGIN");
    client.authenticate("LOGIN", None).unwrap();
    sent(&mut client);
    client.handle_input(Time::ZERO, b"+ VXNlcm5hbWU6\r\n+ VXNlcm5hbWU6\r\n");
    let Step::Event(Event::Challenge(challenge)) = step(&mut client) else { panic!() };
    assert_eq!(challenge.data().expose(), b"Username:");
    assert!(matches!(step(&mut client), Step::Paused));
    challenge.respond(&mut client, Secret::from("joe")).unwrap();
    assert_eq!(sent(&mut client), "am9l\r\n");
    let Step::Event(Event::Challenge(challenge)) = step(&mut client) else { panic!() };
    challenge.cancel(&mut client).unwrap();
    assert_eq!(sent(&mut client), "*\r\n");
    assert_eq!(say(&mut client, "A1 BAD cancelled\r\n"), ["Done CommandId(1) Bad"]);

    let mut client = ready("IMAP4rev1 AUTH=LOGIN");
    client.authenticate("LOGIN", None).unwrap();
    sent(&mut client);
    assert_eq!(say(&mut client, "+ ***\r\n").len(), 1);
    assert_eq!(sent(&mut client), "*\r\n", "what is not base64 is answered by giving up");
}

#[test]
fn commands_are_pipelined_as_far_as_the_rules_allow() {
    let mut client = selected("UIDPLUS");
    let store = StoreCommand {
        set: one().into(),
        unchanged_since: None,
        action: StoreAction::Add,
        echo: StoreEcho::Silent,
        flags: Flags::from([Flag::Deleted]),
    };
    client.fetch(one(), vec![FetchAttribute::Flags]).unwrap();
    client.store(Addressing::Sequence, store).unwrap();
    client.expunge().unwrap();
    client.fetch(one(), vec![FetchAttribute::Flags]).unwrap();
    client.noop().unwrap();
    assert_eq!(
        sent(&mut client),
        "A3 FETCH 1 (FLAGS)\r\nA4 STORE 1 +FLAGS.SILENT (\\Deleted)\r\nA5 EXPUNGE\r\n"
    );
    say(&mut client, "A3 OK a\r\nA4 OK b\r\n");
    assert_eq!(sent(&mut client), "");
    say(&mut client, "* 1 EXPUNGE\r\nA5 OK c\r\n");
    assert_eq!(sent(&mut client), "A6 FETCH 1 (FLAGS)\r\nA7 NOOP\r\n");
    // Answers may come in any order.
    assert_eq!(say(&mut client, "A7 OK x\r\nA6 OK y\r\n"), ["Done CommandId(7) Ok", "Done CommandId(6) Ok"]);
    let search = |keys| SearchCommand { returns: None, charset: None, keys };
    assert!(matches!(client.search(Addressing::Uid, search(vec![])), Err(Misuse::Argument { .. })));
    client.search(Addressing::Uid, search(vec![SearchKey::Unseen])).unwrap();
    client.list(Mailbox::new("").unwrap(), ListPattern::new("*").unwrap()).unwrap();
    assert_eq!(sent(&mut client), "A8 UID SEARCH UNSEEN\r\nA9 LIST \"\" *\r\n");
    assert_eq!(
        say(&mut client, "* SEARCH 3 5\r\n* LIST () \"/\" INBOX\r\n"),
        ["Search [3, 5]", "List INBOX"]
    );
}

#[test]
fn stray_tags_are_counted_and_limited() {
    let mut client = selected("");
    for _ in 0..ClientLimits::default().strays_max {
        assert_eq!(say(&mut client, "A99 OK who\r\n"), ["Violation an answer to no command in progress"]);
    }
    client.handle_input(Time::ZERO, b"a2 NO late\r\n");
    assert!(matches!(step(&mut client), Step::Event(Event::Violation(_))));
    assert!(matches!(client.poll_event(), Err(ProtocolError::TooManyViolations { limit: 10 })));
}

#[test]
fn hst_05_impossible_numbers_leave_the_state_as_it_was() {
    let mut client = selected("");
    let events = say(
        &mut client,
        "* 0 FETCH (UID 1)\r\n* 4294967296 EXISTS\r\n* 6 EXPUNGE\r\n* 0 EXPUNGE\r\n* -1 EXISTS\r\n* 5 EXPUNGE\r\n",
    );
    assert_eq!(events.iter().filter(|event| event.starts_with("Violation")).count(), 4, "{events:?}");
    assert_eq!(events.last().unwrap(), "Expunge 5");
    assert_eq!(client.mailbox().unwrap().exists, 4);
}

#[test]
fn hst_05_endless_data_after_logout_ends_by_the_timer() {
    let mut client = selected("");
    client.logout().unwrap();
    sent(&mut client);
    assert_eq!(say(&mut client, "* BYE so long\r\n* OK more\r\n").len(), 2);
    assert!(matches!(client.noop(), Err(Misuse::NotNow { .. })));
    client.handle_timeout(Time::from_epoch(Duration::from_secs(30)));
    assert!(matches!(step(&mut client), Step::Closed));
}

#[test]
fn hst_03_sets_stay_ranges() {
    let mut client = selected("");
    let events = say(
        &mut client,
        "* OK [COPYUID 1 1:4294967295 1:4294967295] x\r\n* ESEARCH UID ALL 1:4294967295\r\n\
         * VANISHED (EARLIER) 1:4294967295\r\n* VANISHED 1:4294967295\r\n",
    );
    assert_eq!(events.len(), 4, "{events:?}");
    assert!(events[3].starts_with("Violation"), "more than there are messages: {events:?}");
    assert_eq!(client.mailbox().unwrap().exists, 5);
}

#[test]
fn logout_and_bye() {
    let mut client = selected("");
    client.logout().unwrap();
    assert_eq!(sent(&mut client), "A3 LOGOUT\r\n");
    assert_eq!(say(&mut client, "* BYE so long\r\nA3 OK done\r\n"), ["Bye so long", "Done CommandId(3) Ok"]);
    assert!(matches!(step(&mut client), Step::Closed));

    let mut client = selected("");
    assert_eq!(say(&mut client, "* BYE shutting down\r\n"), ["Bye shutting down"]);
    assert!(matches!(step(&mut client), Step::Closed));

    let mut client = selected("");
    let id = client.expunge().unwrap();
    let late = client.fetch(one(), vec![body()]).unwrap();
    client.handle_input(Time::ZERO, b"* BYE crash\r\n");
    assert!(matches!(step(&mut client), Step::Event(Event::Bye(_))));
    let lost = ProtocolError::ConnectionLost { unknown: vec![id], unsent: vec![late] };
    assert_eq!(client.poll_event().unwrap_err(), lost);
}

#[test]
fn a_silent_server_is_given_up() {
    let mut client = selected("");
    let deadline = Duration::from_secs(5 * 60);
    assert_eq!(client.poll_timeout(), None, "nothing is owed");
    client.noop().unwrap();
    assert_eq!(client.timer(), Some(Timer::Response));
    client.handle_input(Time::from_epoch(Duration::from_secs(60)), b"* OK wait\r\n");
    drive(&mut client);
    client.handle_timeout(Time::from_epoch(deadline));
    assert!(matches!(step(&mut client), Step::NeedInput), "a sign of life moved the deadline");
    client.handle_timeout(Time::from_epoch(deadline + Duration::from_secs(60)));
    assert_eq!(client.poll_event().unwrap_err(), ProtocolError::TimedOut(Timer::Response));
}

#[test]
fn shutdown_says_logout_where_it_can() {
    let mut client = selected("IDLE");
    client.idle().unwrap();
    say(&mut client, "+ idling\r\n");
    sent(&mut client);
    client.noop().unwrap();
    client.shutdown(Time::ZERO);
    assert_eq!(sent(&mut client), "DONE\r\n");
    let events = say(&mut client, "A3 OK\r\n");
    assert_eq!(events, ["NotSent CommandId(4)", "Done CommandId(3) Ok"]);
    assert_eq!(sent(&mut client), "A4 LOGOUT\r\n");
    let mut client = client_support::client(Config::default(), Security::Tls);
    client.shutdown(Time::ZERO);
    assert!(matches!(step(&mut client), Step::Closed));
}

#[test]
fn data_of_a_mailbox_without_one_is_dropped_rows_with_their_payloads() {
    let mut client = ready("IMAP4rev1");
    let events =
        say(&mut client, "* 1 FETCH (BODY[] {5}\r\nhello UID 3)\r\n* 9 EXISTS\r\n* LIST () NIL x\r\n");
    assert_eq!(events.len(), 3, "{events:?}");
    assert!(events.iter().all(|event| event.starts_with("Violation")), "{events:?}");
}

#[test]
fn a_client_moves_between_threads() {
    fn assert_send<T: Send + Sync>() {}
    assert_send::<Client>();
    assert_send::<Event>();
    assert_send::<ProtocolError>();
}
