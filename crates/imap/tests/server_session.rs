//! The server machine against what clients send: transcripts in any split, and input nobody should send.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use std::num::NonZeroU32;

use posthaste_imap::server::{
    Access, Asked, AuthPrivacy, Config, Event, Fetch, FetchWriter, Refusal, SelectData, SelectedFlags,
    Server, Update,
};
use posthaste_imap::types::{FetchItem, Flag, Namespaces, Payload, Section};
use posthaste_imap::{Bytes, ProtocolError, Security, State, Step, Time};
use posthaste_testkit::{Note, Outcome, assert_split_invariant, run};
use proptest::prelude::*;

const MESSAGE: &[u8] = b"Subject: hi\r\n\r\nbody\r\n";

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn private() -> Server {
    Server::new(Config::new("mail.example.test"), Security::Tls, Time::ZERO)
}

fn clear() -> Server {
    Server::new(Config::new("mail.example.test"), Security::Plain, Time::ZERO)
}

fn whole() -> Payload {
    Payload::Section { section: Section::whole(), origin: None }
}

fn row(server: &mut Server, fetch: FetchWriter) -> FetchWriter {
    let mut row = fetch.row(server, number(1)).unwrap();
    row.item(server, &FetchItem::Uid(number(7))).unwrap();
    let mut literal = row.literal(server, &whole(), MESSAGE.len() as u64).unwrap();
    for piece in MESSAGE.chunks(5) {
        literal.write(server, Bytes::from_static(piece)).unwrap();
    }
    let mut row = literal.finish(server).unwrap();
    row.item(server, &FetchItem::Flags([Flag::Seen].into())).unwrap();
    row.finish(server).unwrap()
}

fn answer_fetch(server: &mut Server, asked: Asked<Fetch>) {
    row(server, asked.begin()).ok(server).unwrap();
}

fn inbox() -> SelectData {
    SelectData {
        flags: SelectedFlags { defined: vec![Flag::Seen], ..SelectedFlags::default() },
        exists: 1,
        recent: 0,
        unseen: Some(number(1)),
        uid_validity: number(1),
        uid_next: number(8),
        access: Access::ReadWrite,
    }
}

/// An application with one mailbox of one message, user `u`, password `p`.
fn application(server: &mut Server, event: Event) -> Note {
    match event {
        Event::Body(chunk) => Note::body(&chunk),
        Event::Violation(violation) => Note::event(format!("violation: {violation}")),
        event => {
            let text = format!("{event:?}");
            let name = text.split(['(', ' ']).next().unwrap().to_owned();
            answer(server, event);
            Note::event(name)
        }
    }
}

fn answer(server: &mut Server, event: Event) {
    let outcome = match event {
        Event::StartTls(token) => token.accept(server),
        Event::Login(login) if login.user().as_bytes() == b"u" && login.password().expose() == b"p" => {
            login.ok(server)
        }
        Event::Login(login) => login.refuse(server),
        Event::Auth(auth) => match auth.response() {
            Some(response) if response.expose() == b"\0u\0p" => auth.accept(server),
            Some(_) => auth.reject(server),
            None => auth.challenge(server, b""),
        },
        Event::Noop(asked) => asked.ok(server),
        Event::Namespace(asked) => asked.ok(server, Namespaces::default()),
        Event::List(asked) => asked.ok(server),
        Event::Lsub(asked) => asked.ok(server),
        Event::Subscribe(asked) => asked.ok(server),
        Event::Unsubscribe(asked) => asked.ok(server),
        Event::Create(asked) => asked.ok(server),
        Event::Delete(asked) => asked.no(server, Refusal::nonexistent()),
        Event::Rename(asked) => asked.no(server, Refusal::already_exists()),
        Event::Status(asked) => asked.ok(server, Vec::new()),
        Event::Select(asked) if asked.mailbox.is_inbox() => asked.ok(server, inbox()),
        Event::Select(asked) => asked.refuse(server, Refusal::nonexistent()),
        Event::Close(asked) => asked.ok(server),
        Event::Unselect(asked) => asked.ok(server),
        Event::Append(asked) if asked.head.mailbox.is_inbox() => asked.accept(server),
        Event::Append(asked) => asked.refuse(server, Refusal::try_create()),
        Event::AppendEnd(asked) => asked.ok(server, number(1), number(8)),
        Event::Fetch(asked) => {
            answer_fetch(server, asked);
            Ok(())
        }
        Event::Store(asked) => asked.ok(server),
        Event::Copy(asked) => asked.no(server, Refusal::try_create()),
        Event::Move(asked) => asked.ok(server),
        Event::Expunge(asked) => {
            asked.expunged(server, number(1)).unwrap();
            asked.ok(server)
        }
        Event::Search(asked) => asked.ok(server, vec![number(1)]),
        Event::Idle(asked) => asked.start(server),
        Event::IdleDone(asked) => asked.ok(server),
        _ => Ok(()),
    };
    outcome.unwrap();
}

fn conversation(input: &[u8]) -> Outcome {
    assert_split_invariant(private, input, true, application)
}

fn in_the_clear(input: &[u8]) -> Outcome {
    assert_split_invariant(clear, input, true, application)
}

fn sent(server: &mut Server) -> String {
    let sent: Vec<u8> = std::iter::from_fn(|| server.poll_transmit()).flatten().collect();
    String::from_utf8(sent).unwrap()
}

/// A server that waits for the answer to the last command of `input`.
fn asked(input: &str) -> (Server, Event) {
    let mut server = private();
    server.handle_input(Time::ZERO, input.as_bytes());
    let lines = input.matches("\r\n").count();
    for _ in 1..lines {
        let Ok(Step::Event(event)) = server.poll_event() else { panic!("no event") };
        answer(&mut server, event);
    }
    let Ok(Step::Event(event)) = server.poll_event() else { panic!("no event") };
    (server, event)
}

#[test]
fn a_session_reads_in_order_in_any_split() {
    let outcome = conversation(
        b"a LOGIN u p\r\nb SELECT inbox\r\nc FETCH 1 (UID BODY[] FLAGS)\r\nd UID SEARCH ALL\r\ne EXPUNGE\r\nf LOGOUT\r\n",
    );
    let text = outcome.text();
    assert!(text.starts_with("* OK [CAPABILITY IMAP4rev1 "), "{text}");
    assert!(text.contains("\r\na OK [CAPABILITY IMAP4rev1 "), "{text}");
    assert!(text.contains("* 1 EXISTS\r\n* 0 RECENT\r\n* OK [UNSEEN 1] "), "{text}");
    assert!(text.contains("\r\nb OK [READ-WRITE] "), "{text}");
    let fetched = "* 1 FETCH (UID 7 BODY[] {21}\r\nSubject: hi\r\n\r\nbody\r\n FLAGS (\\Seen))\r\nc OK ";
    assert!(text.contains(fetched), "{text}");
    assert!(text.contains("* SEARCH 1\r\nd OK "), "{text}");
    assert!(text.contains("* 1 EXPUNGE\r\ne OK "), "{text}");
    assert!(text.contains("* BYE ") && text.contains("\r\nf OK "), "{text}");
    assert!(outcome.closed && outcome.error.is_none());
}

#[test]
fn nothing_behind_logout_is_looked_at() {
    let outcome = conversation(b"a LOGIN u p\r\nb LOGOUT\r\nc DELETE inbox\r\nd APPEND inbox {2+}\r\nhi\r\n");
    assert_eq!(outcome.notes, [Note::event("Login"), Note::event("Logout")]);
    let text = outcome.text();
    assert!(outcome.closed && text.ends_with("* BYE Logging out\r\nb OK LOGOUT completed\r\n"), "{text}");
}

#[test]
fn imap_01_a_literal_before_login_is_let_in_only_for_login_and_only_when_it_is_small() {
    let text = conversation(b"a LOGIN {1}\r\nu {1}\r\np\r\n").text();
    assert_eq!(text.matches("+ OK\r\n").count(), 2, "{text}");
    assert!(text.contains("a OK [CAPABILITY "), "{text}");
    for input in [
        "a APPEND inbox {1}\r\n",
        "a SELECT {5}\r\n",
        "a BOGUS {1}\r\n",
        "a LOGIN {1025}\r\n",
        "a\" NOOP {1}\r\n",
    ] {
        let text = conversation(input.as_bytes()).text();
        assert!(!text.contains("\r\n+ ") && text.contains(" BAD "), "{input}: {text}");
    }
}

#[test]
fn the_end_of_the_line_behind_a_message_is_awaited_no_longer_than_any_command() {
    let mut server = private();
    run(&mut server, [&b"a LOGIN u p\r\nb APPEND inbox {2+}\r\nhi"[..]], false, application);
    let deadline = server.poll_timeout().unwrap();
    assert_eq!(deadline.since_epoch().as_secs(), 5 * 60);
    server.handle_timeout(deadline);
    assert_eq!(server.poll_event(), Ok(Step::Event(Event::BodyAborted)));
    assert_eq!(server.poll_event(), Ok(Step::Closed));
}

#[test]
fn append_streams_with_either_kind_of_literal() {
    let outcome = conversation(
        b"a LOGIN u p\r\nb APPEND inbox (\\Seen) {5}\r\nh\x01\rl\n\r\nc APPEND inbox {2+}\r\nhi\r\nd NOOP\r\n",
    );
    assert_eq!(outcome.bodies(), b"h\x01\rl\nhi");
    let text = outcome.text();
    assert_eq!(text.matches("+ Ready\r\n").count(), 1, "{text}");
    assert!(text.contains("b OK [APPENDUID 1 8] ") && text.contains("c OK [APPENDUID 1 8] "), "{text}");
    assert!(text.contains("\r\nd OK "), "{text}");
}

#[test]
fn a_refused_append_leaves_the_octets_unread_as_commands() {
    let outcome =
        conversation(b"a LOGIN u p\r\nb APPEND none {24+}\r\nx DELETE INBOX\r\n12345678\r\nc NOOP\r\n");
    let text = outcome.text();
    assert!(text.contains("b NO [TRYCREATE] ") && text.contains("\r\nc OK "), "{text}");
    assert!(!outcome.has("Delete"), "{outcome:?}");
    // A synchronising literal is refused before it is sent.
    let text = conversation(b"a LOGIN u p\r\nb APPEND none {20}\r\nc NOOP\r\n").text();
    assert!(
        text.contains("b NO [TRYCREATE] ") && text.contains("\r\nc OK ") && !text.contains("+ R"),
        "{text}"
    );
}

#[test]
fn something_behind_the_message_of_append_is_refused_and_nothing_is_kept() {
    let outcome = conversation(b"a LOGIN u p\r\nb APPEND inbox {2+}\r\nhi {3+}\r\nabc\r\nc NOOP\r\n");
    assert!(outcome.has("BodyAborted") && !outcome.has("AppendEnd"), "{outcome:?}");
    let text = outcome.text();
    assert!(text.contains("\r\nb BAD ") && text.contains("\r\nc OK "), "{text}");
}

#[test]
fn imap_16_a_message_with_nul_is_read_to_its_end_and_not_taken() {
    let outcome =
        conversation(b"a LOGIN u p\r\nb APPEND inbox {3+}\r\na\0b\r\nc APPEND inbox {2+}\r\nhi\r\n");
    let text = outcome.text();
    assert!(text.contains("\r\nb BAD ") && text.contains("\r\nc OK [APPENDUID 1 8] "), "{text}");
    assert!(outcome.has("BodyAborted"), "{outcome:?}");
}

#[test]
fn a_message_that_is_cut_off_is_aborted() {
    let outcome = conversation(b"a LOGIN u p\r\nb APPEND inbox {100+}\r\nhalf");
    assert!(outcome.has("BodyAborted") && !outcome.has("AppendEnd") && outcome.closed, "{outcome:?}");
}

#[test]
fn idle_ends_with_done_in_any_case_and_with_nothing_else() {
    let text = conversation(b"a LOGIN u p\r\nb IDLE\r\ndone\r\nc NOOP\r\n").text();
    assert!(text.contains("+ idling\r\nb OK ") && text.contains("\r\nc OK "), "{text}");
    let outcome = conversation(b"a LOGIN u p\r\nb IDLE\r\nc NOOP\r\n");
    assert!(outcome.closed && outcome.text().contains("b BAD "), "{outcome:?}");
}

#[test]
fn imap_18_idle_holds_its_line_limit() {
    let mut input = b"a LOGIN u p\r\nb IDLE\r\n".to_vec();
    input.extend([b'x'; 5000]);
    let outcome = run(&mut private(), [&input[..]], false, application);
    assert!(outcome.closed && outcome.text().contains("b BAD "), "{outcome:?}");
}

#[test]
fn updates_are_sent_in_idle() {
    let (mut server, event) = asked("a LOGIN u p\r\nb SELECT inbox\r\nc IDLE\r\n");
    sent(&mut server);
    answer(&mut server, event);
    assert!(server.may_expunge());
    server.update(Update::Exists(4)).unwrap();
    assert_eq!(sent(&mut server), "+ idling\r\n* 4 EXISTS\r\n");
}

#[test]
fn an_expunge_handed_in_during_fetch_waits_for_a_command_that_may_bring_it() {
    // RFC 9051 7.5.1: the next FETCH may be on its way already, with the old numbers.
    let (mut server, event) = asked("a LOGIN u p\r\nb SELECT inbox\r\nc FETCH 1 UID\r\n");
    let Event::Fetch(asked) = event else { panic!() };
    assert!(!server.may_expunge());
    server.update(Update::Exists(2)).unwrap();
    server.update(Update::Expunged(number(1).into())).unwrap();
    server.update(Update::Exists(1)).unwrap();
    answer_fetch(&mut server, asked);
    let text = sent(&mut server);
    assert!(text.contains("* 2 EXISTS\r\n") && !text.contains("EXPUNGE"), "{text}");
    assert!(!server.may_expunge(), "no command is in progress");
    for (input, expected) in [
        ("d BOGUS\r\n", "d BAD Unknown command\r\n"),
        ("e SEARCH ALL\r\n", "* SEARCH 1\r\ne OK SEARCH completed\r\n"),
        ("f NOOP\r\n", "* 1 EXPUNGE\r\n* 1 EXISTS\r\nf OK NOOP completed\r\n"),
    ] {
        server.handle_input(Time::ZERO, input.as_bytes());
        while let Ok(Step::Event(event)) = server.poll_event() {
            application(&mut server, event);
        }
        assert_eq!(sent(&mut server), expected);
    }
}

#[test]
fn an_expunge_without_a_command_in_progress_comes_with_the_next_idle() {
    let (mut server, event) = asked("a LOGIN u p\r\nb SELECT inbox\r\n");
    answer(&mut server, event);
    sent(&mut server);
    server.update(Update::Expunged(number(1).into())).unwrap();
    assert_eq!(sent(&mut server), "");
    server.handle_input(Time::ZERO, b"c IDLE\r\n");
    let Ok(Step::Event(event)) = server.poll_event() else { panic!() };
    answer(&mut server, event);
    assert_eq!(sent(&mut server), "+ idling\r\n* 1 EXPUNGE\r\n");
}

#[test]
fn an_expunge_never_comes_while_append_negotiates_its_literal() {
    let (mut server, event) = asked("a LOGIN u p\r\nb SELECT inbox\r\nc APPEND inbox {2}\r\n");
    sent(&mut server);
    server.update(Update::Expunged(number(1).into())).unwrap();
    answer(&mut server, event);
    assert_eq!(sent(&mut server), "+ Ready\r\n");
    server.handle_input(Time::ZERO, b"hi\r\n");
    while let Ok(Step::Event(event)) = server.poll_event() {
        application(&mut server, event);
    }
    assert!(sent(&mut server).starts_with("* 1 EXPUNGE\r\nc OK "));
}

#[test]
fn an_update_never_gets_into_a_row() {
    let (mut server, event) = asked("a LOGIN u p\r\nb SELECT inbox\r\nc UID FETCH 7 BODY[]\r\n");
    sent(&mut server);
    let Event::Fetch(asked) = event else { panic!() };
    let row = asked.begin().row(&mut server, number(1)).unwrap();
    let mut literal = row.literal(&mut server, &whole(), 2).unwrap();
    server.update(Update::Exists(2)).unwrap();
    literal.write(&mut server, Bytes::from_static(b"hi")).unwrap();
    literal.finish(&mut server).unwrap().finish(&mut server).unwrap().ok(&mut server).unwrap();
    assert_eq!(sent(&mut server), "* 1 FETCH (BODY[] {2}\r\nhi)\r\n* 2 EXISTS\r\nc OK FETCH completed\r\n");
}

#[test]
fn what_a_client_pipelines_behind_a_long_answer_starts_no_clock() {
    let (mut server, event) = asked("a LOGIN u p\r\nb SELECT inbox\r\nc FETCH 1 BODY[]\r\n");
    server.handle_input(Time::ZERO, b"d NOOP\r\n");
    assert_eq!(server.poll_timeout(), None, "a time-out would put BYE into the row");
    answer(&mut server, event);
    assert!(server.poll_timeout().is_some());
}

#[test]
fn a_failed_select_leaves_no_mailbox_selected_however_it_is_refused() {
    for refuse in [
        (|server, asked| asked.no(server, Refusal::nonexistent()))
            as fn(&mut Server, Asked<posthaste_imap::server::Select>) -> _,
        |server, asked| asked.refuse(server, Refusal::nonexistent()),
        |server, asked| asked.bad(server, "No"),
    ] {
        let (mut server, event) = asked("a LOGIN u p\r\nb EXAMINE inbox\r\nc SELECT none\r\n");
        let Event::Select(select) = event else { panic!() };
        assert!(server.update(Update::Expunged(number(1).into())).is_err());
        refuse(&mut server, select).unwrap();
        assert_eq!(server.state(), State::Authenticated);
        assert!(!server.is_read_only());
    }
}

#[test]
fn an_append_refused_in_any_way_is_not_asked_again() {
    for bad in [false, true] {
        let (mut server, event) = asked("a LOGIN u p\r\nb APPEND inbox {2+}\r\n");
        let Event::Append(append) = event else { panic!() };
        if bad { append.bad(&mut server, "No") } else { append.no(&mut server, Refusal::cannot()) }.unwrap();
        sent(&mut server);
        server.handle_input(Time::ZERO, b"hi\r\nc NOOP\r\n");
        assert!(matches!(server.poll_event(), Ok(Step::Event(Event::Noop(_)))));
        assert_eq!(sent(&mut server), "");
    }
}

#[test]
fn imap_02_an_unreadable_literal_behind_the_message_of_append_ends_the_conversation() {
    let outcome =
        conversation(b"a LOGIN u p\r\nb APPEND inbox {2+}\r\nhi {99999999999999999999999+}\r\nc NOOP\r\n");
    assert!(outcome.closed && outcome.has("BodyAborted"), "{outcome:?}");
    assert!(outcome.text().contains("b BAD ") && !outcome.text().contains("c OK"), "{outcome:?}");
}

#[test]
fn authenticate_with_and_without_initial_response() {
    for input in [
        &b"a AUTHENTICATE PLAIN AHUAcA==\r\nb NOOP\r\n"[..],
        b"a authenticate plain\r\nAHUAcA==\r\nb NOOP\r\n",
        b"a AUTHENTICATE PLAIN\r\n*\r\nx AUTHENTICATE PLAIN\r\nAHUAcA==\r\nb NOOP\r\n",
    ] {
        let text = conversation(input).text();
        assert!(text.contains("OK [CAPABILITY IMAP4rev1 ") && text.contains("\r\nb OK "), "{text}");
    }
}

#[test]
fn auth_02_what_is_not_base64_is_refused_and_the_session_goes_on() {
    for bad in ["A HU", "AHUAcA=", "=", "====", "AHUAcA==x", "AHUAc-=="] {
        let input = format!("a AUTHENTICATE PLAIN\r\n{bad}\r\nb LOGIN u p\r\n");
        let text = conversation(input.as_bytes()).text();
        assert!(text.contains("a BAD ") && text.contains("\r\nb OK "), "{bad}: {text}");
    }
}

#[test]
fn three_failed_logins_end_the_conversation() {
    let outcome = conversation(b"a LOGIN u x\r\nb LOGIN x p\r\nc LOGIN u y\r\nd LOGIN u p\r\n");
    let text = outcome.text();
    assert_eq!(text.matches("NO [AUTHENTICATIONFAILED] ").count(), 3, "{text}");
    assert!(outcome.closed && text.contains("* BYE ") && !text.contains("d OK"), "{text}");
}

#[test]
fn stls_02_stls_04_nothing_said_before_tls_is_heard_inside() {
    let outcome = run(&mut clear(), [&b"a STARTTLS\r\nb NOOP\r\n"[..]], true, application);
    assert!(!outcome.text().contains("b OK") && outcome.error.is_some(), "{outcome:?}");
    // Not a line end, so not STARTTLS either.
    let outcome = in_the_clear(b"a STARTTLS\nb NOOP\r\n");
    assert!(!outcome.has("StartTls") && !outcome.text().contains("b OK"), "{outcome:?}");
}

#[test]
fn stls_05_octets_between_starttls_and_the_handshake_are_fatal() {
    let mut server = clear();
    server.handle_input(Time::ZERO, b"a STARTTLS\r\n");
    let Ok(Step::Event(Event::StartTls(token))) = server.poll_event() else { panic!() };
    token.accept(&mut server).unwrap();
    server.handle_input(Time::ZERO, b"b NOOP\r\n");
    assert_eq!(server.poll_event(), Err(ProtocolError::Residue));
    assert_eq!(server.poll_event(), Err(ProtocolError::Residue), "an error is sticky");
}

#[test]
fn stls_06_tls_once_and_all_before_it_forgotten() {
    let pieces = [&b"a CAPABILITY\r\nb STARTTLS\r\n"[..], b"c CAPABILITY\r\nd STARTTLS\r\n"];
    let outcome = run(&mut clear(), pieces, false, application);
    let text = outcome.text();
    let (before, after) = text.split_once("b OK ").unwrap();
    assert!(before.contains(" STARTTLS") && before.contains("LOGINDISABLED"), "{before}");
    assert!(!after.contains(" STARTTLS ") && after.contains("AUTH=PLAIN"), "{after}");
    assert!(after.contains("d BAD "), "{after}");
}

#[test]
fn stls_08_no_credentials_in_the_clear() {
    for input in [
        &b"a LOGIN u p\r\n"[..],
        b"a LOGIN {1}\r\n",
        b"a LOGIN {1+}\r\nu {1+}\r\np\r\n",
        b"a AUTHENTICATE PLAIN AHUAcA==\r\n",
        b"a AUTHENTICATE PLAIN\r\n",
    ] {
        let outcome = in_the_clear(input);
        assert!(!outcome.has("Login") && !outcome.has("Auth"), "{outcome:?}");
        assert!(outcome.text().contains("a NO [PRIVACYREQUIRED] "), "{outcome:?}");
    }
    let config = Config { auth_requires_tls: AuthPrivacy::NotRequired, ..Config::new("h.example.test") };
    let mut server = Server::new(config, Security::Plain, Time::ZERO);
    assert!(run(&mut server, [&b"a LOGIN u p\r\n"[..]], false, application).has("Login"));
}

#[test]
fn stls_12_http_is_turned_away_without_an_echo() {
    for input in ["GET / HTTP/1.1\r\nHost: evil\r\n\r\n", "POST /x HTTP/1.0\r\n", "CONNECT a:1 HTTP/1.1\r\n"]
    {
        let outcome = in_the_clear(input.as_bytes());
        let text = outcome.text();
        assert!(outcome.closed && text.contains("* BYE ") && !text.contains("evil"), "{text}");
        assert_eq!(text.matches("\r\n").count(), 2, "greeting and BYE only: {text}");
    }
}

#[test]
fn stls_13_an_invalid_tag_is_never_echoed() {
    let text = in_the_clear(b"<script>do_attack(\")</script> noop\r\n").text();
    assert!(!text.contains("script") && text.contains("* BAD "), "{text}");
}

#[test]
fn stls_14_syntax_errors_end_the_conversation_before_login() {
    let outcome = in_the_clear(&b"bogus \r\n".repeat(50));
    assert!(outcome.closed && outcome.text().matches(" BAD ").count() <= 4, "{}", outcome.text());
}

#[test]
fn imap_01_a_huge_literal_before_login_is_refused_before_it_is_sent() {
    for length in ["4294967295", "18446744073709551615", "18446744073709551616", "99999999999999999999"] {
        let outcome = conversation(format!("a LOGIN {{{length}}}\r\n").as_bytes());
        let text = outcome.text();
        assert!(!text.contains("\r\n+ ") && text.contains("a BAD [TOOBIG] "), "{text}");
    }
}

#[test]
fn imap_02_a_huge_literal_that_is_on_its_way_ends_the_conversation() {
    for input in
        ["a LOGIN {4294967295+}\r\nxx", "a LOGIN {4097+}\r\nxx", "a LOGIN {999999999999999999999+}\r\n"]
    {
        let outcome = conversation(input.as_bytes());
        assert!(outcome.closed && outcome.text().contains("* BYE "), "{outcome:?}");
    }
}

#[test]
fn imap_04_only_cr_lf_ends_a_line() {
    for input in
        [&b"a NOOP\nb LOGIN u p\r\nc NOOP\r\n"[..], b"a\rNOOP\r\nc NOOP\r\n", b"a NOOP\r\r\nc NOOP\r\n"]
    {
        let outcome = conversation(input);
        let text = outcome.text();
        assert!(!outcome.has("Login") && !text.contains("a OK") && text.contains("\r\nc OK "), "{text}");
    }
}

#[test]
fn imap_05_one_command_cannot_gather_literals_without_bound() {
    let mut input = b"a LOGIN u p\r\nb SELECT inbox\r\nc SEARCH".to_vec();
    for _ in 0..1100 {
        input.extend_from_slice(b" TEXT {1+}\r\nx");
    }
    input.extend_from_slice(b"\r\nd NOOP\r\n");
    let outcome = run(&mut private(), [&input[..]], false, application);
    assert!(
        outcome.text().contains("c BAD [TOOBIG] ") && outcome.text().contains("\r\nd OK "),
        "{outcome:?}"
    );
    assert!(!outcome.has("Search"));
}

#[test]
fn imap_07_nesting_is_bounded() {
    let deep = "(".repeat(10_000);
    let input = format!("a LOGIN u p\r\nb SELECT inbox\r\nc SEARCH {deep}\r\nd NOOP\r\n");
    let outcome = run(&mut private(), [input.as_bytes()], false, application);
    assert!(outcome.text().contains("c BAD ") && outcome.text().contains("\r\nd OK "));
}

#[test]
fn res_09_a_flood_of_parentheses_before_login_is_dropped() {
    let flood = format!("a {}", "( ".repeat(500_000));
    let outcome = run(&mut private(), flood.as_bytes().chunks(16_384), false, application);
    assert!(outcome.text().contains("BAD [TOOBIG]"), "{}", outcome.text());
}

#[test]
fn mbx_08_every_command_before_login_is_refused_but_those_that_belong_there() {
    for command in [
        "LIST \"\" *",
        "LSUB \"\" *",
        "SUBSCRIBE x",
        "UNSUBSCRIBE x",
        "CREATE x",
        "DELETE x",
        "RENAME x y",
        "STATUS x (MESSAGES)",
        "SELECT x",
        "EXAMINE x",
        "APPEND x {3+}\r\nabc",
        "IDLE",
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
        "UID EXPUNGE 1",
        "NAMESPACE",
        "ENABLE CONDSTORE",
    ] {
        let outcome = conversation(format!("a {command}\r\n").as_bytes());
        assert!(outcome.text().contains("a BAD "), "{command}: {}", outcome.text());
        let refused = |note: &Note| matches!(note, Note::Event(event) if event.starts_with("violation"));
        assert!(outcome.notes.iter().all(refused), "{command}: {outcome:?}");
    }
}

#[test]
fn a_late_answer_does_nothing_and_a_foreign_one_is_misuse() {
    let (mut server, event) = asked("a LOGIN u p\r\n");
    let Event::Login(login) = event else { panic!() };
    assert_eq!(server.poll_event(), Ok(Step::Paused));
    server.handle_eof(Time::ZERO);
    assert_eq!(login.ok(&mut server), Ok(()));
    assert_eq!(server.poll_event(), Ok(Step::Closed));

    let (_, event) = asked("a LOGIN u p\r\n");
    let Event::Login(login) = event else { panic!() };
    assert!(login.ok(&mut private()).is_err());
}

#[test]
fn a_literal_cannot_be_written_past_or_short_of_its_length() {
    let (mut server, event) = asked("a LOGIN u p\r\nb SELECT inbox\r\nc FETCH 1 BODY[]\r\n");
    let Event::Fetch(asked) = event else { panic!() };
    let row = asked.begin().row(&mut server, number(1)).unwrap();
    let mut literal = row.literal(&mut server, &whole(), 3).unwrap();
    assert!(literal.write(&mut server, Bytes::from_static(b"four")).is_err());
    literal.write(&mut server, Bytes::from_static(b"ab")).unwrap();
    assert!(literal.finish(&mut server).is_err(), "one octet is missing");
    assert_eq!(server.poll_event(), Ok(Step::Closed), "half a literal cannot pass for a whole one");
}

#[test]
fn a_writer_waits_at_the_high_water_mark() {
    let (mut server, event) = asked("a LOGIN u p\r\nb SELECT inbox\r\nc FETCH 1 BODY[]\r\n");
    sent(&mut server);
    let Event::Fetch(asked) = event else { panic!() };
    let row = asked.begin().row(&mut server, number(1)).unwrap();
    let chunk = Bytes::from(vec![b'x'; 16 * 1024]);
    let mut literal = row.literal(&mut server, &whole(), 100 * 16 * 1024).unwrap();
    let taken = (0..100).take_while(|_| literal.write(&mut server, chunk.clone()).is_ok()).count();
    assert_eq!(taken, 4, "64 KiB, then a wait");
    sent(&mut server);
    assert!(literal.write(&mut server, chunk).is_ok());
}

#[test]
fn res_05_a_client_that_does_not_read_gets_no_more_answers() {
    let mut config = Config::new("mail.example.test");
    config.limits.junk_commands_max = u32::MAX;
    let mut server = Server::new(config, Security::Tls, Time::ZERO);
    server.handle_input(Time::ZERO, &b"a CAPABILITY\r\n".repeat(20_000));
    assert_eq!(server.poll_event(), Ok(Step::NeedInput));
    assert!(server.is_congested());
    let mut answers = 0;
    loop {
        let sent = sent(&mut server);
        assert!(sent.len() < 65 * 1024, "{} octets were waiting", sent.len());
        if sent.is_empty() {
            break;
        }
        answers += sent.matches("a OK ").count();
        assert_eq!(server.poll_event(), Ok(Step::NeedInput));
    }
    assert_eq!(answers, 20_000, "each command is answered when there is room");
}

#[test]
fn an_extension_that_is_not_announced_is_refused() {
    for command in [
        "SELECT inbox (CONDSTORE)",
        "LIST (SUBSCRIBED) \"\" *",
        "CREATE x (USE (\\Sent))",
        "FETCH 1 (BINARY[1])",
        "FETCH 1 (FLAGS MODSEQ)",
        "SEARCH RETURN (SAVE) ALL",
    ] {
        let outcome =
            conversation(format!("a LOGIN u p\r\nb SELECT inbox\r\nc {command}\r\nd NOOP\r\n").as_bytes());
        let text = outcome.text();
        assert!(text.contains("\r\nc BAD ") && text.contains("\r\nd OK "), "{command}: {text}");
    }
}

#[test]
fn silence_ends_in_autologout() {
    let mut server = private();
    run(&mut server, [&b"a LOGIN u p\r\n"[..]], false, application);
    let deadline = server.poll_timeout().unwrap();
    assert_eq!(deadline.since_epoch().as_secs(), 30 * 60);
    server.handle_timeout(Time::ZERO);
    assert_eq!(server.poll_event(), Ok(Step::NeedInput), "a spurious call does nothing");
    server.handle_timeout(deadline);
    assert_eq!(server.poll_event(), Ok(Step::Closed));
}

#[test]
fn shutdown_waits_for_the_command_in_progress() {
    let (mut server, event) = asked("a LOGIN u p\r\n");
    server.shutdown(Time::ZERO);
    assert_eq!(server.poll_event(), Ok(Step::Paused));
    answer(&mut server, event);
    assert_eq!(server.poll_event(), Ok(Step::Closed));
    let text = sent(&mut server);
    assert!(text.contains("a OK ") && text.ends_with("shutting down\r\n"), "{text}");
}

proptest! {
    #[test]
    fn rs_04_any_octets_in_any_split_give_the_same_and_never_panic(
        lines in prop::collection::vec(
            prop::sample::select(vec![
                "a LOGIN u p\r\n", "b SELECT inbox\r\n", "c FETCH 1:* (FLAGS)\r\n", "d IDLE\r\n", "DONE\r\n",
                "e APPEND inbox {4}\r\n", "abcd", "\r\n", "f APPEND x {3+}\r\nabc\r\n", "* BAD\r\n",
                "h LOGIN {1}\r\n", "i AUTHENTICATE PLAIN\r\n", "{", "}", "\r", "\n", "j LOGOUT\r\n", "k SEARCH (OR ",
                "l UID STORE 1 +FLAGS (\\Seen)\r\n", "\u{e9}\0",
            ]),
            0..14,
        ),
        size in 1usize..30,
    ) {
        let input = lines.concat();
        let whole = run(&mut private(), [input.as_bytes()], true, application);
        let pieces = run(&mut private(), input.as_bytes().chunks(size), true, application);
        prop_assert_eq!(whole, pieces);
    }
}
