//! Attacks by their ids, those that the tests beside this one do not have.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use posthaste_pop3::client::{self, TlsPolicy};
use posthaste_pop3::server::{Config, Event, Listed, LoginRefusal, Maildrop};
use posthaste_pop3::{
    Bytes, Client, Command, LanguageRange, MechanismName, MessageNumber, Secret, Security, Server, Step,
    Time, Uidl, Verb, parse,
};
use posthaste_testkit::{Note, Outcome, assert_split_invariant, run};
use proptest::prelude::*;

const TEXT: &str = "Subject: x\r\n\r\n.dot\r\n";

fn answer(server: &mut Server, event: Event) -> Note {
    let words = match event {
        Event::Login(login) => {
            let listed = Listed { size: TEXT.len() as u64, uidl: Uidl::new("a").unwrap() };
            if login.password().expose() == b"busy" {
                login.reject(server, LoginRefusal::InUse).unwrap();
            } else {
                login.accept(server, Maildrop::new(vec![listed]).unwrap()).unwrap();
            }
            "login"
        }
        Event::Auth(auth) => {
            auth.accept(server, Maildrop::default()).unwrap();
            "auth"
        }
        Event::Retr(retr) => {
            let mut writer = retr.open(server).unwrap();
            writer.write(server, Bytes::from_static(TEXT.as_bytes())).unwrap();
            writer.finish(server).unwrap();
            "retr"
        }
        Event::Violation(_) => "violation",
        event => panic!("{event:?}"),
    };
    Note::event(words)
}

fn server() -> Server {
    let mut config = Config::default();
    config.mechanisms = vec![MechanismName::new("PLAIN").unwrap()];
    Server::new(config, Security::Tls, Time::ZERO)
}

fn played(input: &str) -> Outcome {
    assert_split_invariant(server, input.as_bytes(), true, answer)
}

const LOGIN: &str = "USER u\r\nPASS p\r\n";

/// AUTH may be longer than other commands, and what was too long before it does not change that.
#[test]
fn auth_behind_a_line_that_was_too_long_keeps_its_own_limit() {
    let outcome = played(&format!("{}\r\nAUTH PLAIN {}\r\n", "x".repeat(300), "QUFB".repeat(80)));
    assert_eq!(outcome.notes, [Note::event("violation"), Note::event("auth")]);
}

#[test]
fn res_05_a_client_that_does_not_read_is_not_read() {
    let mut server = server();
    server.handle_input(Time::ZERO, format!("{LOGIN}{}", "RETR 1\r\n".repeat(10_000)).as_bytes());
    let mut answered = 0;
    loop {
        match server.poll_event().unwrap() {
            Step::Event(Event::Retr(retr)) => {
                let mut writer = retr.open(&mut server).unwrap();
                // The first line may have filled the queue: then a driver sends before it writes.
                let _ = writer.write(&mut server, Bytes::from_static(TEXT.as_bytes()));
                writer.finish(&mut server).unwrap();
            }
            Step::Event(event) => drop(answer(&mut server, event)),
            _ => break,
        }
        answered += 1;
    }
    assert!(matches!(server.poll_event(), Ok(Step::NeedInput)) && server.is_congested());
    let waiting: usize = std::iter::from_fn(|| server.poll_transmit()).map(|bytes| bytes.len()).sum();
    assert!(waiting < 66 * 1024 && answered < 2000, "{waiting} octets wait for {answered} commands");
    // There is room again, and it goes on where it stopped.
    assert!(matches!(server.poll_event(), Ok(Step::Event(Event::Retr(_)))));
}

#[test]
fn res_16_a_thousand_commands_at_once_are_answered_in_order() {
    let commands: String = (0..1000).map(|number| format!("LIST {}\r\nUIDL\r\n", 1 + number % 2)).collect();
    let outcome =
        run(&mut server(), [format!("{LOGIN}{commands}QUIT\r\n").as_bytes()], true, |server, event| {
            if let Event::Quit(quit) = event {
                quit.done(server).unwrap();
                return Note::event("quit");
            }
            answer(server, event)
        });
    let text = outcome.text();
    let answers = text.split_once("+OK 1 messages\r\n").unwrap().1;
    let both =
        "+OK 1 20\r\n+OK 1 messages\r\n1 a\r\n.\r\n-ERR no such message\r\n+OK 1 messages\r\n1 a\r\n.\r\n";
    assert_eq!(answers.replace("+OK bye\r\n", ""), both.repeat(500));
}

#[test]
fn auth_04_one_login_for_a_session() {
    let twice = played("AUTH PLAIN AHUAcA==\r\nAUTH PLAIN AHUAcA==\r\nUSER u\r\nSTLS\r\n");
    assert_eq!(twice.text().matches("not allowed in this state").count(), 3);
    let inside = played(&format!("AUTH PLAIN AHUAcA==\r\n{LOGIN}"));
    assert_eq!(inside.text().matches("not allowed in this state").count(), 2);
}

#[test]
fn pop_04_a_maildrop_that_is_locked() {
    let outcome = played("USER u\r\nPASS busy\r\nSTAT\r\nPASS p\r\n");
    let expected = "+OK POP3 ready\r\n+OK send PASS\r\n-ERR [IN-USE] another session has the maildrop\r\n\
                    -ERR command is not allowed in this state\r\n-ERR USER first\r\n";
    assert_eq!(outcome.text(), expected);
}

#[test]
fn pop_08_what_is_sent_is_as_long_as_was_said() {
    let outcome = played(&format!("{LOGIN}STAT\r\nLIST 1\r\nRETR 1\r\n"));
    let text = outcome.text();
    let octets = TEXT.len();
    assert!(text.contains(&format!("+OK 1 {octets}\r\n+OK 1 {octets}\r\n+OK {octets} octets\r\n")), "{text}");
    assert!(text.ends_with("octets\r\nSubject: x\r\n\r\n..dot\r\n.\r\n"), "one dot more is not counted");
}

#[test]
fn stls_08_a_password_is_never_printed() {
    let mut server = server();
    server.handle_input(Time::ZERO, b"USER u\r\nPASS hunter2\r\n");
    let Ok(Step::Event(event)) = server.poll_event() else { panic!() };
    let mut client = client(TlsPolicy::Off);
    client.login("u", Secret::from("hunter2")).unwrap();
    assert!(!format!("{server:?} {event:?} {client:?}").contains("hunter2"));
    let command = parse::command(b"AUTH PLAIN aHVudGVyMg==").unwrap();
    assert!(!format!("{command:?}").contains("hunter2"));
}

fn client(tls: TlsPolicy) -> Client {
    let mut config = client::Config::default();
    config.tls = tls;
    Client::new(config, Security::Plain, Time::ZERO)
}

#[test]
fn tlsc_16_only_what_is_said_inside_tls_counts() {
    let mut client = client(TlsPolicy::Required);
    let seen = |client: &mut Client, event| {
        if matches!(event, client::Event::Ready { .. }) {
            client.login("u", Secret::from("p")).unwrap();
        }
        Note::event(client.capabilities().lines().collect::<Vec<_>>().join(" "))
    };
    let clear = "+OK hi\r\n+OK\r\nSTLS\r\nSASL PLAIN\r\nPIPELINING\r\nUTF8 USER\r\n.\r\n+OK go\r\n";
    let outcome = run(&mut client, [clear.as_bytes(), b"+OK\r\nTOP\r\n.\r\n"], false, seen);
    assert!(outcome.has("TOP") && outcome.text() == "CAPA\r\nSTLS\r\nCAPA\r\nUSER u\r\n", "{outcome:?}");
}

#[test]
fn tlsc_20_what_is_cut_is_not_complete() {
    let make = || {
        let mut client = client(TlsPolicy::Off);
        client.login("u", Secret::from("p")).unwrap();
        client
    };
    let act = |client: &mut Client, event| {
        let words = match event {
            client::Event::Reply { .. } => {
                client.uidl().unwrap();
                client.retr(MessageNumber::new(1).unwrap()).unwrap();
                "reply"
            }
            client::Event::ListEnd { .. } => "list end",
            client::Event::BodyEnd { .. } => "body end",
            client::Event::BodyAborted { .. } => "aborted",
            client::Event::Body { chunk, .. } => return Note::body(&chunk),
            _ => "other",
        };
        Note::event(words)
    };
    let opening = "+OK\r\n-ERR\r\n+OK\r\n+OK\r\n+OK\r\n";
    for cut in ["1 a\r\n", "1 a\r\n.", "1 a\r\n.\r"] {
        let outcome = assert_split_invariant(make, format!("{opening}{cut}").as_bytes(), true, act);
        assert!(!outcome.has("list end") && outcome.closed, "{cut:?}");
    }
    for cut in ["", "x\r\n", "x\r\n.", "x\r\n.\r", "x.\r\n"] {
        let input = format!("{opening}.\r\n+OK\r\n{cut}");
        let outcome = assert_split_invariant(make, input.as_bytes(), true, act);
        assert!(outcome.has("aborted") && !outcome.has("body end"), "{cut:?}");
    }
}

/// What an application may ask a client for, with arguments that nobody has looked at.
#[derive(Clone, Debug)]
enum Call {
    Login(String, Vec<u8>),
    Apop(String),
    Authenticate(String, Option<Vec<u8>>),
    Language(String),
    Top(u32, u32),
}

fn call() -> impl Strategy<Value = Call> {
    let hostile = || prop_oneof!["[a-z]{0,8}( [a-z]{0,3})?(\r\nDELE 1|\n|\r|\0|\r\n)?", ".{0,20}"];
    let octets = || prop::collection::vec(prop::sample::select(&b"ab \r\n\0.+=*"[..]), 0..20);
    prop_oneof![
        (hostile(), octets()).prop_map(|(user, password)| Call::Login(user, password)),
        hostile().prop_map(Call::Apop),
        (hostile(), prop::option::of(octets())).prop_map(|(name, initial)| Call::Authenticate(name, initial)),
        hostile().prop_map(Call::Language),
        (any::<u32>(), any::<u32>()).prop_map(|(number, lines)| Call::Top(number, lines)),
    ]
}

proptest! {
    #[test]
    fn inj_13_whatever_is_asked_for_leaves_as_one_command_a_line(calls in prop::collection::vec(call(), 0..8)) {
        let mut client = client(TlsPolicy::Off);
        let mut taken = vec![Verb::Capa];
        for call in &calls {
            match call {
                Call::Login(user, password) => {
                    if client.login(user, Secret::from(&password[..])).is_ok() {
                        // Where the name is not ASCII nothing is sent at all.
                        let ascii = user.is_ascii() && password.is_ascii();
                        taken.extend(ascii.then_some([Verb::User, Verb::Pass]).into_iter().flatten());
                    }
                }
                Call::Apop(user) => {
                    // The greeting below has no timestamp.
                    let _ = client.apop(user);
                }
                Call::Authenticate(name, initial) => {
                    let initial = initial.as_ref().map(|octets| Secret::from(&octets[..]));
                    taken.extend(client.authenticate(name, initial).is_ok().then_some(Verb::Auth));
                }
                Call::Language(tag) => {
                    if let Ok(tag) = posthaste_pop3::LanguageTag::new(tag) {
                        taken.extend(client.language(LanguageRange::Tag(tag)).is_ok().then_some(Verb::Lang));
                    }
                }
                Call::Top(number, lines) => {
                    let number = MessageNumber::new(*number);
                    assert!(number.is_none_or(|number| client.top(number, *lines).is_err()), "before the login");
                }
            }
        }
        let mut sent: Vec<u8> = Vec::new();
        client.handle_input(Time::ZERO, b"+OK hi\r\n-ERR\r\n");
        for _ in 0..40 {
            while let Ok(Step::Event(_)) = client.poll_event() {}
            let before = sent.len();
            sent.extend(std::iter::from_fn(|| client.poll_transmit()).flatten());
            // CAPA is answered already; of what comes behind it there is one at a time.
            let new = sent[before..].strip_prefix(b"CAPA\r\n").unwrap_or(&sent[before..]);
            if !new.is_empty() {
                client.handle_input(Time::ZERO, if new.starts_with(b"USER") { b"+OK\r\n" } else { b"-ERR\r\n" });
            }
        }
        let text = sent.strip_suffix(b"\r\n").unwrap_or(&sent);
        let mut verbs = Vec::new();
        for line in text.split(|octet| *octet == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            verbs.push(parse::command(line).as_ref().map(Command::verb).unwrap());
        }
        prop_assert_eq!(verbs, taken);
    }
}
