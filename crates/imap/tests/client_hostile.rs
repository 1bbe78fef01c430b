//! The client machine against servers, and people in the path, that mean it harm: TLS stripping, injection, nonsense.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod client_support;

use client_support::{client, enabled, note, ready, say, selected, sent, step};
use core::time::Duration;
use posthaste_imap::client::{
    AppendMessage, AuthPrivacy, Client, ClientLimits, Config, Event, ProtocolError, TagPrefix, Timer,
    TlsPolicy,
};
use posthaste_imap::types::{
    AString, Addressing, Capability, FetchAttribute, Mailbox, SearchCommand, SearchKey, SequenceSet,
    StatusAttribute,
};
use posthaste_imap::{Layer, Misuse, Secret, Security, State, Step, Time};
use posthaste_testkit::{assert_split_invariant, run};
use proptest::prelude::*;

fn config(tls: TlsPolicy) -> Config {
    let mut config = Config::default();
    config.tls = tls;
    config
}

fn required() -> Client {
    client(config(TlsPolicy::Required), Security::Plain)
}

/// Feeds all of it and gives the events, the error and the octets that were sent.
fn play(client: &mut Client, input: &str) -> (Vec<String>, Option<ProtocolError>, String) {
    client.handle_input(Time::ZERO, input.as_bytes());
    let (mut events, mut error) = (Vec::new(), None);
    loop {
        match client.poll_event() {
            Ok(Step::Event(event)) => events.push(client_support::words(&event)),
            Ok(_) => break,
            Err(found) => {
                error = Some(found);
                break;
            }
        }
    }
    (events, error, sent(client))
}

fn upgrade(client: &mut Client) {
    let Step::Upgrade(upgrade) = step(client) else { panic!("no upgrade") };
    assert_eq!(upgrade.layer(), Layer::Tls);
    client.upgraded(Time::ZERO, upgrade, Security::Tls).unwrap();
}

#[test]
fn starttls_comes_before_everything_and_forgets_what_was_said_in_the_clear() {
    let mut client = required();
    client.login("joe", Secret::from("pw")).unwrap();
    client.select(Mailbox::inbox(), vec![]).unwrap();
    let (events, _, sent_first) = play(&mut client, "* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=EVIL] hi\r\n");
    assert_eq!((events, sent_first.as_str()), (vec![], "A1 STARTTLS\r\n"));
    client.handle_input(Time::ZERO, b"A1 OK begin\r\n");
    upgrade(&mut client);
    assert!(client.capabilities().is_empty());
    assert_eq!(sent(&mut client), "A2 CAPABILITY\r\n");
    assert_eq!(say(&mut client, "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nA2 OK done\r\n"), ["Ready"]);
    assert_eq!(client.mechanisms().collect::<Vec<_>>(), ["PLAIN"]);
    assert!(client.security().is_private());
    assert_eq!(sent(&mut client), "A3 LOGIN joe pw\r\n", "held back until now");
}

#[test]
fn tlsc_01_starttls_that_is_not_announced() {
    let mut client = required();
    let (events, error, sent) = play(&mut client, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n");
    assert_eq!((events.len(), error, sent.as_str()), (0, Some(ProtocolError::StartTlsMissing), ""));
}

#[test]
fn tlsc_02_starttls_that_is_refused() {
    for answer in ["A1 NO no\r\n", "A1 BAD what\r\n", "+ continue\r\n"] {
        let mut client = required();
        client.login("joe", Secret::from("pw")).unwrap();
        play(&mut client, "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n");
        let (_, error, sent) = play(&mut client, answer);
        assert_eq!((error, sent.as_str()), (Some(ProtocolError::StartTlsRefused), ""), "{answer}");
    }
}

#[test]
fn tlsc_03_no_capabilities_at_all() {
    let mut client = required();
    let (_, _, sent) = play(&mut client, "* OK ready\r\n");
    assert_eq!(sent, "A1 CAPABILITY\r\n");
    let (_, error, sent) = play(&mut client, "A1 BAD what\r\n");
    assert_eq!((error, sent.as_str()), (Some(ProtocolError::StartTlsMissing), ""));
    let mut client = required();
    let (_, error, _) = play(&mut client, "* OK [CAPABILITY IMAP4] ready\r\n");
    assert_eq!(error, Some(ProtocolError::StartTlsMissing));
}

#[test]
fn tlsc_04_preauth_in_the_clear() {
    for more in ["", " STARTTLS", " LOGINDISABLED", " AUTH=PLAIN", " STARTTLS LOGINDISABLED AUTH=PLAIN"] {
        let mut client = required();
        let (events, error, sent) =
            play(&mut client, &format!("* PREAUTH [CAPABILITY IMAP4rev1{more}] in\r\n"));
        assert_eq!((events.len(), error, sent.as_str()), (0, Some(ProtocolError::PreAuthInClear), ""));
        assert_eq!(client.state(), State::NotAuthenticated);
    }
    let mut client = client(config(TlsPolicy::Required), Security::Tls);
    let (events, _, _) = play(&mut client, "* PREAUTH [CAPABILITY IMAP4rev1] in\r\n");
    assert_eq!(events, ["Greeting", "Ready"]);
    assert_eq!(client.state(), State::Authenticated);
}

#[test]
fn tlsc_05_octets_behind_the_answer_to_starttls() {
    for rest in
        ["* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nA2 OK done\r\n", "x", "\r\n", "* OK [ALERT] suffix\r\n"]
    {
        let mut client = required();
        play(&mut client, "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n");
        let (_, error, _) = play(&mut client, &format!("A1 OK begin\r\n{rest}"));
        assert!(matches!(error, Some(ProtocolError::Residue(_))), "{rest:?}: {error:?}");
        assert_eq!(client.poll_timeout(), None);
        // The same octets a moment later, before TLS is up.
        let mut client = required();
        play(&mut client, "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n");
        client.handle_input(Time::ZERO, b"A1 OK begin\r\n");
        assert!(matches!(step(&mut client), Step::Upgrade(_)));
        assert!(matches!(step(&mut client), Step::Paused));
        let (_, error, _) = play(&mut client, rest);
        assert!(matches!(error, Some(ProtocolError::Residue(_))), "{rest:?}: {error:?}");
    }
}

#[test]
fn tlsc_06_text_from_before_tls_is_not_shown() {
    let mut client = required();
    let text = "* OK [ALERT] pay here\r\n* OK [CAPABILITY IMAP4rev1 STARTTLS] x\r\n* NO [ALERT] or here\r\nA1 OK x\r\n";
    let (events, error, _) = play(&mut client, text);
    assert_eq!((events.len(), error), (0, None));
    // After TLS, and where none will come, it is.
    let mut client = ready("IMAP4rev1");
    assert_eq!(say(&mut client, "* NO [ALERT] disk full\r\n"), ["Alert disk full"]);
}

/// RFC 9051 7.1: an alert that came without TLS is suspicious, and marked as that; one inside TLS is never lost.
#[test]
fn tlsc_06_an_alert_in_the_clear_is_no_alert() {
    let clear = || {
        let mut config = config(TlsPolicy::Off);
        config.auth_requires_tls = AuthPrivacy::NotRequired;
        client(config, Security::Plain)
    };
    let mut plain = clear();
    let (events, _, _) = play(&mut plain, "* OK [ALERT] one\r\nA1 OK [ALERT] two\r\n* NO [ALERT] three\r\n");
    assert_eq!(events, ["AlertInClear one", "Greeting", "AlertInClear two", "Ready", "AlertInClear three"]);
    plain.noop().unwrap();
    let (events, _, _) = play(&mut plain, "A2 OK [ALERT] four\r\n* BYE [ALERT] five\r\n");
    assert_eq!(events, ["AlertInClear four", "Done CommandId(1) Ok", "AlertInClear five", "Bye five"]);
    let mut opportunistic = client(config(TlsPolicy::Opportunistic), Security::Plain);
    let (events, _, _) = play(
        &mut opportunistic,
        "* OK [CAPABILITY IMAP4rev1 STARTTLS] x\r\n* OK [ALERT] a\r\nA1 NO [ALERT] b\r\n* OK [ALERT] c\r\n",
    );
    assert_eq!(events, ["Ready", "AlertInClear c"], "what came while TLS was to come is dropped");
    for private in [Security::Tls, Security::Local] {
        let mut client = client(config(TlsPolicy::Off), private);
        let greeting =
            "* OK [ALERT] one\r\nA1 OK [ALERT] two\r\n* OK [ALERT] three\r\n* BYE [ALERT] four\r\n";
        let (events, _, _) = play(&mut client, greeting);
        assert_eq!(
            events,
            ["Alert one", "Greeting", "Alert two", "Ready", "Alert three", "Alert four", "Bye four"]
        );
    }
    // The machine's own commands have answers, too.
    let mut client = ready("IMAP4rev1");
    client.login("joe", Secret::from("pw")).unwrap();
    let (events, _, _) = play(&mut client, "A1 OK in\r\nA2 OK [ALERT] quota\r\n");
    assert_eq!(events, ["Done CommandId(1) Ok", "Alert quota"]);
}

#[test]
fn tlsc_06_a_farewell_from_before_tls_has_no_words() {
    for line in ["* BYE [ALERT] call this number\r\n", "* BYE [REFERRAL imap://evil] go\r\n"] {
        let mut client = required();
        let (events, _, _) = play(&mut client, line);
        assert_eq!(events, ["Bye "], "{line}");
        let mut client = required();
        play(&mut client, "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n");
        let (events, _, sent) = play(&mut client, line);
        assert_eq!((events, sent.as_str()), (vec!["Bye ".to_owned()], ""), "{line}");
    }
}

#[test]
fn tlsc_07_data_from_before_tls_leaves_nothing() {
    let mut client = required();
    play(&mut client, "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n");
    let data = "* LIST () \"/\" X\r\n* LSUB () \"/\" X\r\n* STATUS X (MESSAGES 1)\r\n* SEARCH 1\r\n* FLAGS (\\Seen)\r\n\
                * 9 EXISTS\r\n* 9 RECENT\r\n* 1 EXPUNGE\r\n* 1 FETCH (BODY[] {28}\r\nSubject: x\r\n\r\nA1 OK injected)\r\n";
    let (events, error, _) = play(&mut client, data);
    assert_eq!(error, None);
    assert_eq!(events.len(), 9, "{events:#?}");
    assert!(events.iter().all(|event| event.starts_with("Violation")), "{events:#?}");
    client.handle_input(Time::ZERO, b"A1 OK begin\r\n");
    upgrade(&mut client);
    assert!(client.mailbox().is_none() && client.capabilities().is_empty());
    assert_eq!(client.state(), State::NotAuthenticated);
}

#[test]
fn tlsc_08_referrals_are_text() {
    let mut client = ready("IMAP4rev1");
    client.login("joe", Secret::from("pw")).unwrap();
    sent(&mut client);
    let (events, error, sent) = play(
        &mut client,
        "* OK [REFERRAL imaps://evil] x\r\nA1 NO [REFERRAL imap://;AUTH=*@evil:243/] go there\r\n",
    );
    assert_eq!(events, ["Untagged Ok x", "Done CommandId(1) No"]);
    assert_eq!((error, sent.as_str()), (None, ""));
}

#[test]
fn tlsc_09_tlsc_10_answers_to_commands_that_were_not_sent() {
    let guarded = || {
        let mut config = config(TlsPolicy::Required);
        config.tag_prefix = TagPrefix::new("k7Q").unwrap();
        client(config, Security::Plain)
    };
    let mut early = guarded();
    let (_, error, _) = play(&mut early, "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\nA1 OK begin\r\n");
    assert_eq!(error, Some(ProtocolError::CompletedUnsent));
    let mut reordered = guarded();
    play(&mut reordered, "* OK ready\r\n");
    let (_, error, _) = play(&mut reordered, "* CAPABILITY IMAP4rev1 STARTTLS\r\nk7Q2 OK begin TLS now\r\n");
    assert_eq!(error, Some(ProtocolError::CompletedUnsent));
    assert!(TagPrefix::new("").is_err() && TagPrefix::new("a b").is_err() && TagPrefix::new("+").is_err());
}

#[test]
fn tlsc_11_what_is_no_greeting() {
    for line in
        ["x OK hi", "* XX hi", "* NO hi", "* BAD hi", "+ hi", "", "220 mail.example", "HTTP/1.1 200 OK"]
    {
        let mut client = client(config(TlsPolicy::Off), Security::Tls);
        let (events, error, sent) = play(&mut client, &format!("{line}\r\n* OK ready\r\n"));
        assert!(matches!(error, Some(ProtocolError::GreetingRejected { .. })), "{line}: {error:?}");
        assert_eq!((events.len(), sent.as_str()), (0, ""));
    }
    let mut bye = client(config(TlsPolicy::Off), Security::Tls);
    let (events, error, _) = play(&mut bye, "* BYE busy\r\n* OK ready\r\n");
    assert_eq!((events, error), (vec!["Bye busy".to_owned()], None));
    assert!(matches!(step(&mut bye), Step::Closed));
    let mut twice = ready("IMAP4rev1");
    assert_eq!(say(&mut twice, "* PREAUTH in\r\n"), ["Violation PREAUTH is not possible in this state"]);
    assert_eq!(twice.state(), State::NotAuthenticated);
}

#[test]
fn tlsc_21_login_is_refused_before_an_octet_is_sent() {
    let mut disabled = ready("IMAP4rev1 LOGINDISABLED");
    assert!(matches!(disabled.login("joe", Secret::from("pw")), Err(Misuse::NotNow { call: "LOGIN", .. })));
    assert_eq!(sent(&mut disabled), "");

    let mut clear = client(config(TlsPolicy::Off), Security::Plain);
    play(&mut clear, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n");
    assert!(clear.login("joe", Secret::from("pw")).is_err());
    assert!(clear.authenticate("PLAIN", Some(Secret::from("x"))).is_err());
    assert_eq!(sent(&mut clear), "");

    let mut allowed = config(TlsPolicy::Off);
    allowed.auth_requires_tls = AuthPrivacy::NotRequired;
    let mut clear = client(allowed, Security::Plain);
    play(&mut clear, "* OK [CAPABILITY IMAP4rev1] ready\r\n");
    assert!(clear.login("joe", Secret::from("pw")).is_ok());

    // Announced only inside TLS, when LOGIN is queued already.
    let mut client = required();
    client.login("joe", Secret::from("pw")).unwrap();
    play(&mut client, "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n");
    client.handle_input(Time::ZERO, b"A1 OK begin\r\n");
    upgrade(&mut client);
    sent(&mut client);
    let (events, _, sent) = play(&mut client, "* CAPABILITY IMAP4rev1 LOGINDISABLED\r\nA2 OK done\r\n");
    assert_eq!(events, ["Ready", "NotSent CommandId(1)"]);
    assert_eq!(sent, "");
}

#[test]
fn tlsc_22_a_server_that_speaks_utf8_only() {
    let mut client = ready("IMAP4rev1 IMAPSIEVE=sieve://evil UTF8=ONLY");
    client.login("joe", Secret::from("pw")).unwrap();
    sent(&mut client);
    say(&mut client, "A1 OK [CAPABILITY IMAP4rev1 IMAPSIEVE=sieve://evil UTF8=ONLY] in\r\n");
    assert_eq!(sent(&mut client), "", "an address in a capability is text");
    assert!(matches!(client.select(Mailbox::inbox(), vec![]), Err(Misuse::NotNow { .. })));
    client.enable(vec![Capability::new("UTF8=ACCEPT").unwrap()]).unwrap();
    sent(&mut client);
    say(&mut client, "* ENABLED UTF8=ACCEPT\r\nA2 OK on\r\n");
    client.select(Mailbox::new("Entwürfe").unwrap(), vec![]).unwrap();
    assert_eq!(sent(&mut client), "A3 SELECT \"Entwürfe\"\r\n");
}

/// RFC 9051 7.5.1: numbers stay while commands use them. Where they do not, it is said, once for each command, and the
/// numbers are followed all the same.
#[test]
fn hst_05_an_expunge_at_an_illegal_moment_is_told_and_followed() {
    let all = SequenceSet::all;
    let violation = "Violation EXPUNGE while a command by message number is in progress";
    let mut client = selected("UIDPLUS");
    let fetch = client.fetch(all(), vec![FetchAttribute::Flags]).unwrap();
    let events = say(&mut client, "* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n* 3 FETCH (FLAGS ())\r\nA3 OK\r\n");
    let done = format!("Done {fetch:?} Ok");
    assert_eq!(events, [violation, "Expunge 1", "Expunge 1", "Row 3", "Item Flags([])", "RowEnd", &done]);
    assert_eq!(client.mailbox().unwrap().exists, 3);
    // The next command by number is another one.
    client.fetch(all(), vec![FetchAttribute::Flags]).unwrap();
    assert_eq!(say(&mut client, "* 1 EXPUNGE\r\nA4 OK\r\n")[..2], [violation, "Expunge 1"]);
    // By UID it may come at any moment, and with nothing in progress it harms nobody.
    client.uid_fetch(all(), vec![FetchAttribute::Flags]).unwrap();
    assert_eq!(say(&mut client, "* 1 EXPUNGE\r\nA5 OK\r\n* 1 EXPUNGE\r\n").len(), 3);
    assert_eq!(client.mailbox().unwrap().exists, 0);
    let mut client = enabled("QRESYNC", &[Capability::QResync]);
    client.fetch(all(), vec![FetchAttribute::Flags]).unwrap();
    let events = say(&mut client, "* VANISHED (EARLIER) 7\r\n* VANISHED 9\r\nA4 OK\r\n");
    assert_eq!(events[1], violation.replace("EXPUNGE", "VANISHED"));
    assert_eq!(client.mailbox().unwrap().exists, 4);
}

/// RFC 8474 4.2: CREATE tells of the mailbox it has made.
#[test]
fn what_an_answer_says_of_another_mailbox_is_not_of_the_selected_one() {
    let mut client = selected("OBJECTID");
    say(&mut client, "* OK [MAILBOXID (F1)] x\r\n* OK [UIDVALIDITY 7] x\r\n");
    client.create(Mailbox::new("new").unwrap()).unwrap();
    client.status(Mailbox::new("old").unwrap(), vec![StatusAttribute::Messages]).unwrap();
    client.expunge().unwrap();
    say(&mut client, "A3 OK [MAILBOXID (F2)] x\r\nA4 OK [UIDVALIDITY 9] x\r\nA5 OK [HIGHESTMODSEQ 5] x\r\n");
    let mailbox = client.mailbox().unwrap();
    assert_eq!(mailbox.id.as_ref().unwrap().as_str(), "F1");
    assert_eq!(mailbox.uid_validity.unwrap().get(), 7);
    assert_eq!(mailbox.highest_mod_seq, Some(5));
}

#[test]
fn opportunistic_starttls_goes_on_without_but_gives_no_password_away() {
    let mut client = client(config(TlsPolicy::Opportunistic), Security::Plain);
    assert!(client.login("joe", Secret::from("pw")).is_err(), "nobody knows yet whether TLS will come");
    play(&mut client, "* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n");
    let (events, error, _) = play(&mut client, "A1 NO not today\r\n");
    assert_eq!((events, error), (vec!["Ready".to_owned()], None));
    assert!(client.login("joe", Secret::from("pw")).is_err());
    assert!(client.command(posthaste_imap::types::Command::StartTls).is_err(), "the configuration decides");
}

#[test]
fn a_setup_that_takes_too_long_or_ends_early_fails() {
    let mut late = required();
    assert_eq!(late.timer(), Some(Timer::Setup));
    let deadline = late.poll_timeout().unwrap();
    late.handle_timeout(deadline);
    assert_eq!(late.poll_event().unwrap_err(), ProtocolError::TimedOut(Timer::Setup));
    let mut cut = required();
    let id = cut.noop().unwrap();
    cut.handle_eof(Time::ZERO);
    let lost = ProtocolError::ConnectionLost { unknown: vec![], unsent: vec![id] };
    assert_eq!(cut.poll_event().unwrap_err(), lost);
}

#[test]
fn inj_08_arguments_cannot_become_commands() {
    assert!(Mailbox::new("INBOX\r\nA2 DELETE x").is_err());
    assert!(Mailbox::new("a\0b").is_err());
    let mut client = ready("IMAP4rev1");
    assert!(client.login("a\0b", Secret::from("pw")).is_err());
    assert!(client.login("a", Secret::from("p\0w")).is_err());
    assert!(client.authenticate("PLAIN\r\nA2 NOOP", None).is_err());
    assert!(client.authenticate("", None).is_err());
    assert!(client.status(Mailbox::inbox(), Vec::<StatusAttribute>::new()).is_err());
    assert_eq!(sent(&mut client), "");
}

#[test]
fn no_secret_is_printed() {
    let mut client = required();
    client.login("joe", Secret::from("hunter2")).unwrap();
    assert!(!format!("{client:?}").contains("hunter2"));
    let mut client = ready("IMAP4rev1");
    client.login("joe", Secret::from("hunter2")).unwrap();
    assert!(!format!("{client:?}").contains("hunter2"));
}

/// What a server might say, in pieces that often almost fit.
fn speech() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(vec![
        "* OK [CAPABILITY IMAP4rev1 IDLE LITERAL+] hi\r\n",
        "* OK [CAPABILITY IMAP4rev1 MULTIAPPEND LITERAL- ENABLE QRESYNC UNAUTHENTICATE] hi\r\n",
        "* OK [CAPABILITY IMAP4rev1 ID] Coremail\r\n",
        "* CAPABILITY IMAP4rev1 LITERAL+ MULTIAPPEND UNAUTHENTICATE\r\n",
        "* ENABLED QRESYNC UTF8=ACCEPT\r\n",
        "* 9 UIDFETCH (FLAGS () BODY[] {2}\r\nxy)\r\n",
        "* VANISHED 1:4294967295\r\n",
        "* ESEARCH (TAG \"A4\") UID ALL 1:4294967295\r\n",
        "A3 NO [BADCHARSET (ISO-8859-1)] x\r\n",
        "A1 BAD x\r\n",
        "A5 OK x\r\n",
        "A6 OK x\r\n",
        "A1 OK x\r\n",
        "A2 OK x\r\n",
        "A3 NO x\r\n",
        "A4 OK x\r\n",
        "+ \r\n",
        "+ AAAA\r\n",
        "* 3 EXISTS\r\n",
        "* 2 EXPUNGE\r\n",
        "* 1 FETCH (UID 4 BODY[] {3}\r\nabc)\r\n",
        "* 1 FETCH (ENVELOPE (",
        ")\r\n",
        "{2}\r\nxy",
        "* BYE x\r\n",
        "* LIST () \"/\" {3}\r\nfoo\r\n",
        "\r\n",
        "* ",
        "\0",
        "* OK [ALERT] x\r\n",
        "(",
        "\"",
    ]);
    prop::collection::vec(word, 0..30).prop_map(|words| words.concat().into_bytes())
}

/// A client that wants many things at once.
fn busy() -> Client {
    let mut client = client(config(TlsPolicy::Off), Security::Tls);
    client.login("joe", Secret::from("pw")).unwrap();
    client.select(Mailbox::inbox(), vec![]).unwrap();
    client.append(Mailbox::inbox(), vec![], None, 4).unwrap();
    client.noop().unwrap();
    client.logout().unwrap();
    client
}

/// Another one, of whose commands some need extensions.
fn busier() -> Client {
    let mut client = client(config(TlsPolicy::Off), Security::Tls);
    client.authenticate("PLAIN", Some(Secret::from("x"))).unwrap();
    client.enable(vec![Capability::QResync]).unwrap();
    client.append_all(Mailbox::inbox(), [AppendMessage::of(4), AppendMessage::of(4)]).unwrap();
    client.select(Mailbox::inbox(), vec![]).unwrap();
    let keys = vec![SearchKey::Text(AString::new("grün").unwrap())];
    let search = SearchCommand { returns: Some(vec![]), charset: None, keys };
    client.search(Addressing::Uid, search).unwrap();
    client.unauthenticate().unwrap();
    client.login("ann", Secret::from("pw")).unwrap();
    client
}

/// Answers every token at once.
fn answer(client: &mut Client, event: Event) -> posthaste_testkit::Note {
    let seen = match &event {
        // Tickets differ from connection to connection.
        Event::AppendReady(_) => posthaste_testkit::Note::event("AppendReady"),
        Event::Challenge(_) => posthaste_testkit::Note::event("Challenge"),
        event => note(event),
    };
    match event {
        Event::Challenge(challenge) => challenge.respond(client, Secret::from("x")).unwrap(),
        Event::AppendReady(mut writer) => {
            writer.write(client, bytes::Bytes::from_static(b"abcd")).unwrap();
            writer.finish(client).unwrap();
        }
        _ => {}
    }
    seen
}

/// Limits of which some are zero, contradict each other or have no end.
fn limits() -> impl Strategy<Value = ClientLimits> {
    let size = || prop::sample::select(vec![0, 1, 2, 40, 1000, usize::MAX]);
    let count = || prop::sample::select(vec![0, 1, 10, u32::MAX]);
    let time = || prop::sample::select(vec![Duration::ZERO, Duration::from_secs(1), Duration::MAX]);
    let sizes = (size(), size(), size(), size(), size(), size(), size());
    (sizes, count(), count(), [time(), time(), time(), time(), time()]).prop_map(
        |((line, response, preauth, literals, queue, running, high_water), strays, violations, times)| {
            let mut limits = ClientLimits::default();
            limits.line_max = line;
            limits.response_max = response;
            limits.response_preauth_max = preauth;
            limits.literals_max = literals;
            limits.queue_max = queue;
            limits.running_max = running;
            limits.send_high_water = high_water;
            limits.strays_max = strays;
            limits.violations_max = violations;
            [
                limits.setup_timeout,
                limits.response_timeout,
                limits.literal_timeout,
                limits.idle_renewal,
                limits.logout_timeout,
            ] = times;
            limits
        },
    )
}

#[test]
fn limits_of_zero_leave_a_client_that_works() {
    let mut config = config(TlsPolicy::Off);
    config.limits.running_max = 0;
    config.limits.send_high_water = 0;
    config.limits.idle_renewal = Duration::ZERO;
    let mut client = client(config, Security::Tls);
    say(&mut client, "* PREAUTH [CAPABILITY IMAP4rev1 IDLE LITERAL+] in\r\n");
    client.append(Mailbox::inbox(), vec![], None, 2).unwrap();
    assert_eq!(sent(&mut client), "A1 APPEND INBOX {2+}\r\n");
    let Step::Event(Event::AppendReady(mut writer)) = step(&mut client) else { panic!() };
    writer.write(&mut client, bytes::Bytes::from_static(b"ab")).unwrap();
    writer.finish(&mut client).unwrap();
    client.idle().unwrap();
    say(&mut client, "A1 OK\r\n+ idling\r\n");
    assert_eq!(client.timer(), Some(Timer::IdleRenewal));
    assert_eq!(client.poll_timeout(), Some(Time::from_epoch(Duration::from_secs(1))));
}

proptest! {
    #[test]
    fn any_limits_end_somewhere(limits in limits(), speech in speech(), greeted in any::<bool>()) {
        let greeting: &[u8] = if greeted { b"* OK [CAPABILITY IMAP4rev1 IDLE] hi\r\nA1 OK x\r\n" } else { b"" };
        let mut config = config(TlsPolicy::Off);
        config.limits = limits;
        let mut client = client(config, Security::Tls);
        let login = client.login("joe", Secret::from("pw"));
        let idle = client.idle();
        let append = client.append(Mailbox::inbox(), vec![], None, 4);
        prop_assert!(login.is_err() <= idle.is_err() && idle.is_err() <= append.is_err());
        client.handle_input(Time::ZERO, &[greeting, &speech].concat());
        let mut steps = 0;
        loop {
            steps += 1;
            prop_assert!(steps < 10_000, "no end");
            match client.poll_event() {
                Ok(Step::Event(Event::Challenge(challenge))) => challenge.cancel(&mut client).unwrap(),
                Ok(Step::Event(_)) => {}
                Ok(Step::Closed) | Err(_) => break,
                Ok(_) => match client.poll_timeout() {
                    Some(deadline) => client.handle_timeout(deadline),
                    None => client.handle_eof(Time::ZERO),
                },
            }
        }
        prop_assert_eq!(client.poll_timeout(), None);
    }

    #[test]
    fn any_split_of_any_speech_gives_the_same(speech in speech(), eof in any::<bool>()) {
        assert_split_invariant(busy, &speech, eof, answer);
        assert_split_invariant(busier, &speech, eof, answer);
    }

    #[test]
    fn any_octets_end_somewhere(octets in prop::collection::vec(any::<u8>(), 0..400), greeted in any::<bool>()) {
        let greeting: &[u8] = if greeted { b"* OK [CAPABILITY IMAP4rev1] hi\r\nA1 OK x\r\nA2 OK x\r\n" } else { b"" };
        for mut client in [busy(), busier()] {
            let outcome = run(&mut client, [greeting, &octets], true, answer);
            prop_assert!(outcome.closed || outcome.error.is_some());
        }
    }
}
