//! The server: sessions, refusals, split invariance, and bodies against a specification.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use std::cell::RefCell;

use posthaste_pop3::server::{
    AuthPrivacy, Config, Event, Listed, LoginRefusal, Maildrop, RetrieveRefusal, SentSize, TlsOffer,
};
use posthaste_pop3::{
    Bytes, Machine, MechanismName, Misuse, ProtocolError, Security, Server, Step, Time, Uidl,
};
use posthaste_testkit::{Note, Outcome, assert_split_invariant, run};

const ONE: &[u8] = b"Subject: one\r\n\r\nfirst\r\n.dot\r\nlast\r\n";
const TWO: &[u8] = b"Subject: two\n\nbare\rends";

fn config() -> Config {
    let mut config = Config::default();
    config.mechanisms = vec![MechanismName::new("PLAIN").unwrap(), MechanismName::new("LOGIN").unwrap()];
    config.tls = TlsOffer::StartTls;
    config
}

fn private() -> Server {
    Server::new(config(), Security::Tls, Time::ZERO)
}

fn open() -> Server {
    Server::new(config(), Security::Plain, Time::ZERO)
}

fn maildrop() -> Maildrop {
    let listed = |size, uidl| Listed { size, uidl: Uidl::new(uidl).unwrap() };
    Maildrop::new(vec![listed(36, "id-one"), listed(30, "id-two")]).unwrap()
}

fn secret(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}

/// An application: `user` with `pass word` may log in.
fn answer(server: &mut Server, event: Event) -> Note {
    let words = match event {
        Event::Login(login) => {
            let words = format!("login {} {}", login.user(), secret(login.password().expose()));
            if words == "login user pass word" {
                login.accept(server, maildrop()).unwrap();
            } else {
                login.reject(server, LoginRefusal::Credentials).unwrap();
            }
            words
        }
        Event::Auth(auth) => {
            let response = auth.response().map(|response| secret(response.expose()));
            let start = if auth.is_start() { "auth" } else { "response" };
            let words = format!("{start} {} {response:?}", auth.mechanism());
            match response.as_deref() {
                None | Some("") => auth.challenge(server, b"go on").unwrap(),
                Some("\0user\0pass word") => auth.accept(server, maildrop()).unwrap(),
                Some("no message") => auth.malformed(server).unwrap(),
                Some("\0on\0on") => auth.challenge(server, b"and on").unwrap(),
                Some(_) => auth.reject(server, LoginRefusal::Credentials).unwrap(),
            }
            words
        }
        Event::Apop(apop) => {
            let words = format!("apop {} {}", apop.user(), secret(apop.digest().expose()));
            if words == "apop mrose c4c9334bac560ecc979e58001b3e22fb" {
                apop.accept(server, maildrop()).unwrap();
            } else {
                apop.reject(server, LoginRefusal::Credentials).unwrap();
            }
            words
        }
        Event::AuthCancelled => "cancelled".into(),
        Event::StartTls(start) => {
            start.accept(server).unwrap();
            "stls".into()
        }
        Event::Retr(retr) => {
            let words = format!("retr {}", retr.number());
            if retr.index() > 1 {
                retr.reject(server, RetrieveRefusal::Gone).unwrap();
            } else {
                let message = if retr.index() == 0 { ONE } else { TWO };
                let mut writer = retr.open(server).unwrap();
                writer.write(server, Bytes::from_static(message)).unwrap();
                writer.finish(server).unwrap();
            }
            words
        }
        Event::Top(top) => {
            let words = format!("top {} {}", top.number(), top.lines());
            let mut writer = top.open(server).unwrap();
            writer.write(server, Bytes::from_static(ONE)).unwrap();
            writer.finish(server).unwrap();
            words
        }
        Event::Quit(quit) => {
            let words = format!("quit {:?}", quit.deleted());
            quit.done(server).unwrap();
            words
        }
        Event::Violation(violation) => format!("violation: {violation}"),
        event => panic!("{event:?}"),
    };
    Note::event(words)
}

/// What the server says to `input`, in every split, without the greeting.
fn says(make: fn() -> Server, input: &str) -> String {
    played(make, input).text().strip_prefix("+OK POP3 ready\r\n").unwrap().replace("\r\n", "\n")
}

fn played(make: fn() -> Server, input: &str) -> Outcome {
    assert_split_invariant(make, input.as_bytes(), true, answer)
}

const LOGIN: &str = "USER user\r\nPASS pass word\r\n";
const IN: &str = "+OK send PASS\n+OK 2 messages\n";

fn in_session(commands: &str) -> String {
    says(private, &format!("{LOGIN}{commands}")).strip_prefix(IN).unwrap().to_owned()
}

#[test]
fn a_session_from_login_to_update() {
    let commands = "STAT\r\nLIST\r\nUIDL\r\nLIST 2\r\nUIDL 1\r\nRETR 1\r\nTOP 1 1\r\nDELE 1\r\nSTAT\r\nLIST\r\n\
                    RSET\r\nNOOP\r\nDELE 2\r\nQUIT\r\n";
    let said = in_session(commands);
    let expected = "+OK 2 66\n+OK 2 messages\n1 36\n2 30\n.\n+OK 2 messages\n1 id-one\n\
                    2 id-two\n.\n+OK 2 30\n+OK 1 id-one\n+OK 36 octets\nSubject: one\n\nfirst\n..dot\nlast\n.\n\
                    +OK top of message follows\nSubject: one\n\nfirst\n.\n+OK marked as deleted\n+OK 1 30\n\
                    +OK 1 messages\n2 30\n.\n+OK 2 messages\n+OK\n+OK marked as deleted\n\
                    +OK bye\n";
    assert_eq!(said, expected);
    let outcome = played(private, &format!("{LOGIN}{commands}"));
    assert!(outcome.has("quit [1]") && outcome.closed);
}

#[test]
fn pop_01_numbers_that_name_no_message_are_refused() {
    let said =
        in_session("RETR 3\r\nLIST 999\r\nUIDL 4294967295\r\nDELE 1\r\nDELE 1\r\nRETR 1\r\nTOP 1 0\r\n");
    let no = "-ERR no such message\n";
    assert_eq!(said, format!("{no}{no}{no}+OK marked as deleted\n{no}{no}{no}"));
    let said = in_session("RETR 0\r\nRETR -1\r\nRETR 4294967296\r\nRETR 1x\r\nTOP 1 -1\r\nUIDL 0\r\n");
    assert_eq!(said, "-ERR command is unknown or malformed\n".repeat(6));
}

#[test]
fn pop_01_marking_and_resetting_again_leaks_nothing() {
    let said = in_session("DELE 1\r\nRSET\r\nDELE 1\r\nSTAT\r\nQUIT\r\n");
    assert_eq!(said, "+OK marked as deleted\n+OK 2 messages\n+OK marked as deleted\n+OK 1 30\n+OK bye\n");
}

/// Logs in and asks for message 1.
fn asked(command: &[u8]) -> (Server, Event) {
    let mut server = private();
    server.handle_input(Time::ZERO, LOGIN.as_bytes());
    server.handle_input(Time::ZERO, command);
    loop {
        match server.poll_event().unwrap() {
            Step::Event(event @ (Event::Retr(_) | Event::Top(_) | Event::Quit(_))) => {
                while server.poll_transmit().is_some() {}
                return (server, event);
            }
            Step::Event(event) => drop(answer(&mut server, event)),
            step => panic!("{step:?}"),
        }
    }
}

fn sent(server: &mut Server) -> Vec<u8> {
    std::iter::from_fn(|| server.poll_transmit()).flatten().collect()
}

/// What is sent for a message that is written in these pieces, without the first line.
fn retrieved<'a>(server: &mut Server, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    server.handle_input(Time::ZERO, b"RETR 1\r\n");
    let Ok(Step::Event(Event::Retr(retr))) = server.poll_event() else { panic!() };
    let mut writer = retr.open(server).unwrap();
    for piece in pieces {
        writer.write(server, Bytes::copy_from_slice(piece)).unwrap();
    }
    writer.finish(server).unwrap();
    let sent = sent(server);
    sent.strip_prefix(b"+OK 36 octets\r\n").unwrap().to_vec()
}

/// The specification: lines end at CR LF, CR or LF; each is sent with CR LF, and with a dot before a dot.
fn specification(message: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(message.to_vec()).unwrap().replace("\r\n", "\n").replace('\r', "\n");
    let stuffed = |line: &str| format!("{}{line}\r\n", if line.starts_with('.') { "." } else { "" });
    let lines = text.split_terminator('\n').map(stuffed);
    (lines.collect::<String>() + ".\r\n").into_bytes()
}

/// Octets of a message without its end and without doubled dots (RFC 1939 3).
fn unstuffed(sent: &[u8]) -> u64 {
    let lines = sent.strip_suffix(b".\r\n").unwrap().split_inclusive(|octet| *octet == b'\n');
    lines.map(|line| line.strip_prefix(b".").unwrap_or(line).len() as u64).sum()
}

/// What is announced for a message that is counted in these pieces.
fn counted<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> u64 {
    let mut size = SentSize::new();
    for piece in pieces {
        size.add(piece);
    }
    size.octets()
}

#[test]
fn pop_02_what_is_sent_is_canonical_stuffed_and_ends_once() {
    let (mut server, event) = asked(b"RETR 1\r\n");
    answer(&mut server, event);
    sent(&mut server);
    for length in 0..=6_u32 {
        for number in 0..4_usize.pow(length) {
            let message: Vec<u8> =
                (0..length).map(|place| b"\r\n.a"[number / 4_usize.pow(place) % 4]).collect();
            let expected = specification(&message);
            let shown = message.escape_ascii().to_string();
            assert_eq!(retrieved(&mut server, [&message[..]]), expected, "{shown}");
            assert_eq!(retrieved(&mut server, message.chunks(1)), expected, "{shown}, octet by octet");
            let (before, behind) = message.split_at(message.len() / 2);
            assert_eq!(retrieved(&mut server, [before, behind]), expected, "{shown}, in halves");
            let size = unstuffed(&expected);
            assert_eq!(counted([&message[..]]), size, "{shown}");
            assert_eq!(counted(message.chunks(1)), size, "{shown}, octet by octet");
            assert_eq!(counted([before, b"", behind]), size, "{shown}, in halves");
        }
    }
}

#[test]
fn pop_02_long_lines_and_nul_pass() {
    let (mut server, event) = asked(b"RETR 1\r\n");
    answer(&mut server, event);
    sent(&mut server);
    let message = [b"\0", &vec![b'x'; 60_000][..]].concat();
    assert_eq!(retrieved(&mut server, [&message[..]]), [&message[..], b"\r\n.\r\n"].concat());
}

#[test]
fn top_is_cut_at_its_line_in_any_split() {
    let message = b"A: b\r\n\r\n1\r\n\r\n.3\r\n4";
    for lines in 0..6 {
        let wanted =
            message.split_inclusive(|octet| *octet == b'\n').take(2 + lines).collect::<Vec<_>>().concat();
        for size in 1..=message.len() {
            let (mut server, event) = asked(format!("TOP 1 {lines}\r\n").as_bytes());
            let Event::Top(top) = event else { panic!() };
            let mut writer = top.open(&mut server).unwrap();
            for piece in message.chunks(size) {
                writer.write(&mut server, Bytes::copy_from_slice(piece)).unwrap();
            }
            assert_eq!(writer.is_satisfied(), lines <= 3);
            writer.finish(&mut server).unwrap();
            let expected = [b"+OK top of message follows\r\n", &specification(&wanted)[..]].concat();
            assert_eq!(sent(&mut server), expected, "{lines} lines in pieces of {size}");
        }
    }
}

#[test]
fn a_writer_waits_for_the_queue_and_a_dropped_one_never_ends_the_message() {
    let (mut server, event) = asked(b"RETR 1\r\n");
    let Event::Retr(retr) = event else { panic!() };
    let mut writer = retr.open(&mut server).unwrap();
    let chunk = Bytes::from(vec![b'x'; 70_000]);
    writer.write(&mut server, chunk.clone()).unwrap();
    assert!(matches!(writer.write(&mut server, chunk.clone()), Err(Misuse::Congested { .. })));
    sent(&mut server);
    writer.write(&mut server, chunk).unwrap();
    drop(writer);
    assert!(!sent(&mut server).ends_with(b".\r\n"));
    assert!(matches!(server.poll_event(), Ok(Step::Paused)));
}

#[test]
fn pop_03_nothing_is_removed_without_quit() {
    let outcome = played(private, &format!("{LOGIN}DELE 1\r\n"));
    assert!(outcome.closed && !outcome.text().contains("bye"));
    assert!(!outcome.has("quit [0]"));
    let mut server = private();
    run(&mut server, [format!("{LOGIN}DELE 1\r\n").as_bytes()], false, answer);
    let later = Time::ZERO.after(std::time::Duration::from_secs(600));
    server.handle_timeout(later);
    assert!(matches!(server.poll_event(), Ok(Step::Closed)));
    assert_eq!(sent(&mut server), b"", "RFC 1939 3: closed without a word");
}

#[test]
fn pop_03_a_failed_update_is_told() {
    let (mut server, event) = asked(b"DELE 2\r\nQUIT\r\n");
    let Event::Quit(quit) = event else { panic!() };
    assert_eq!(quit.deleted(), [1]);
    quit.failed(&mut server).unwrap();
    assert!(sent(&mut server).starts_with(b"-ERR [SYS/TEMP]"));
    assert!(matches!(server.poll_event(), Ok(Step::Closed)));
}

#[test]
fn pop_05_logging_in_takes_user_then_pass() {
    let said = says(private, "PASS x\r\nUSER nobody\r\nUSER user\r\nPASS pass word\r\nSTAT\r\n");
    assert_eq!(said, format!("-ERR USER first\n+OK send PASS\n{IN}+OK 2 66\n"));
    let said = says(private, "USER user\r\nCAPA\r\nPASS pass word\r\n");
    assert!(said.ends_with(".\n-ERR USER first\n"), "{said}");
    let apop = "APOP user c4c9334bac560ecc979e58001b3e22fb\r\n";
    assert_eq!(says(private, apop), "-ERR APOP is not offered\n");
    let long = format!("USER user\r\nPASS {}\r\n", "x".repeat(10_000));
    assert_eq!(
        run(&mut private(), [long.as_bytes()], true, answer).text().matches("-ERR line is too long").count(),
        1
    );
    let outcome = run(&mut private(), [&b"USER user\r\nPASS p\xe4ss\r\n"[..]], true, answer);
    assert!(outcome.has("login user p\u{fffd}ss"));
}

#[test]
fn pop_06_a_wrong_name_and_a_wrong_password_read_the_same() {
    let wrong_name = says(private, "USER nobody\r\nPASS pass word\r\n");
    let wrong_password = says(private, "USER user\r\nPASS wrong\r\n");
    assert_eq!(wrong_name, wrong_password);
    assert_eq!(wrong_name, "+OK send PASS\n-ERR [AUTH] user name or password is wrong\n");
    let sasl = says(private, "AUTH PLAIN AHUAcA==\r\n");
    assert_eq!(sasl, "-ERR [AUTH] user name or password is wrong\n");
}

#[test]
fn pop_07_the_third_refused_login_is_the_last() {
    let outcome = played(private, &"USER u\r\nPASS p\r\n".repeat(4));
    assert_eq!(outcome.text().matches("[AUTH]").count(), 3);
    assert!(outcome.closed);
}

#[test]
fn stls_03_commands_behind_stls_never_run() {
    let outcome = run(&mut open(), [&b"STLS\r\nCAPA\r\n"[..]], false, answer);
    assert_eq!(outcome.text(), "+OK POP3 ready\r\n-ERR nothing may follow STLS\r\n");
    assert!(outcome.notes.is_empty() && outcome.error.is_some());
}

#[test]
fn stls_05_octets_in_the_clear_before_the_handshake_are_fatal() {
    let mut server = open();
    server.handle_input(Time::ZERO, b"STLS\r\n");
    let Ok(Step::Event(event)) = server.poll_event() else { panic!() };
    answer(&mut server, event);
    let Ok(Step::Upgrade(upgrade)) = server.poll_event() else { panic!() };
    server.handle_input(Time::ZERO, b"NOOP\r\n");
    assert!(matches!(server.poll_event(), Err(ProtocolError::Residue(_))));
    assert_eq!(server.upgraded(Time::ZERO, upgrade, Security::Tls), Err(Misuse::NoUpgrade));
    assert_eq!(sent(&mut server), b"+OK POP3 ready\r\n+OK begin TLS\r\n");
}

#[test]
fn stls_06_tls_is_offered_once_and_only_before_the_login() {
    assert_eq!(says(private, "STLS\r\n"), "-ERR STLS is not available\n");
    assert!(!says(private, "CAPA\r\n").contains("STLS"));
    assert!(says(open, "CAPA\r\n").contains("STLS\n"));
    assert_eq!(in_session("STLS\r\n"), "-ERR command is not allowed in this state\n");
    let without = || Server::new(Config::default(), Security::Plain, Time::ZERO);
    assert_eq!(says(without, "STLS\r\n"), "-ERR STLS is not available\n");
}

#[test]
fn stls_06_what_was_said_before_tls_is_forgotten() {
    let anywhere = || {
        let mut config = config();
        config.auth_requires_tls = AuthPrivacy::NotRequired;
        Server::new(config, Security::Plain, Time::ZERO)
    };
    let pieces = [&b"USER user\r\n"[..], b"STLS\r\n", b"PASS pass word\r\n"];
    let outcome = run(&mut anywhere(), pieces, true, answer);
    assert!(outcome.has("(upgrade)") && outcome.text().ends_with("-ERR USER first\r\n"));
}

#[test]
fn stls_08_credentials_in_the_clear_are_refused_unseen() {
    for line in ["USER user", "PASS x", "AUTH PLAIN AHUAcA==", "AUTH PLAIN"] {
        let outcome = played(open, &format!("{line}\r\n"));
        assert!(outcome.text().ends_with("\n-ERR use TLS before logging in\r\n"), "{line}");
        assert_eq!(outcome.notes.len(), 1, "only the violation: {:?}", outcome.notes);
    }
    let capabilities = says(open, "CAPA\r\n");
    assert!(!capabilities.contains("SASL") && !capabilities.contains("USER"), "{capabilities}");
    assert!(says(private, "CAPA\r\n").contains("SASL PLAIN LOGIN\n"));
}

#[test]
fn stls_12_http_is_closed_at_once_and_not_echoed() {
    for method in ["GET", "POST", "PUT", "CONNECT", "OPTIONS", "HEAD", "DELETE"] {
        let outcome = played(open, &format!("{method} / HTTP/1.1\r\nHost: x\r\n\r\nUSER u\r\n"));
        assert_eq!(outcome.text(), "+OK POP3 ready\r\n-ERR this is a POP3 server\r\n");
        assert!(outcome.error.is_some() && outcome.notes.is_empty());
    }
}

#[test]
fn stls_14_patience_ends_and_good_commands_do_not_renew_it() {
    let outcome = played(open, &"bogus \r\n".repeat(50));
    assert_eq!(outcome.text().matches("unknown or malformed").count(), 3);
    assert!(outcome.error.is_some());
    let outcome = played(private, &format!("{LOGIN}{}", "bogus\r\nNOOP\r\n".repeat(50)));
    assert_eq!(outcome.text().matches("unknown or malformed").count(), 10);
    assert!(!outcome.text().contains("bogus"));
}

#[test]
fn auth_02_a_malformed_response_ends_the_exchange_and_no_more() {
    for response in ["AHU AcA==", "AHUAcA", "AHUAcB==", "\x01\x02"] {
        let outcome = played(private, &format!("AUTH PLAIN\r\n{response}\r\n{LOGIN}STAT\r\n"));
        assert!(outcome.has("cancelled"), "{response:?}");
        assert!(outcome.text().contains("-ERR base64 is malformed\r\n"));
        assert!(outcome.text().ends_with("+OK 2 66\r\n"));
    }
    let long = format!("AUTH PLAIN\r\n{}\r\n{LOGIN}", "A".repeat(12_289));
    let outcome = run(&mut private(), [long.as_bytes()], true, answer);
    assert!(outcome.has("cancelled") && outcome.text().ends_with("+OK 2 messages\r\n"));
}

#[test]
fn rfc5034_4_a_response_that_is_no_message_of_the_mechanism_is_refused_and_counts() {
    let malformed = "-ERR authentication response is malformed\n";
    let said = says(private, &format!("AUTH PLAIN bm8gbWVzc2FnZQ==\r\n{LOGIN}"));
    assert_eq!(said, format!("{malformed}{IN}"));
    let said = says(private, "AUTH PLAIN\r\nbm8gbWVzc2FnZQ==\r\n");
    assert_eq!(said, format!("+ Z28gb24=\n{malformed}"));
    let outcome = played(private, &"AUTH PLAIN bm8gbWVzc2FnZQ==\r\n".repeat(5));
    assert_eq!(outcome.text().matches("-ERR authentication").count(), 3, "{outcome:?}");
}

#[test]
fn auth_03_initial_responses_cancelling_and_unknown_mechanisms() {
    assert!(played(private, "AUTH PLAIN =\r\n").has("auth PLAIN Some(\"\")"));
    assert!(played(private, "auth login dXNlcg==\r\n").has("auth LOGIN Some(\"user\")"));
    for line in ["AUTH CRAM-MD5", "AUTH CRAM-MD5 AAAA", "AUTH X"] {
        assert_eq!(says(private, &format!("{line}\r\n")), "-ERR mechanism is not offered\n");
    }
    assert_eq!(says(private, "AUTH\r\n"), "-ERR command is unknown or malformed\n");
    let said = says(private, &format!("AUTH PLAIN\r\n*\r\n{LOGIN}"));
    assert_eq!(said, format!("+ Z28gb24=\n-ERR authentication cancelled\n{IN}"));
    let message = "AHVzZXIAcGFzcyB3b3Jk";
    let said = says(private, &format!("AUTH PLAIN\r\n{message}\r\nAUTH PLAIN {message}\r\n"));
    assert!(said.ends_with("+OK 2 messages\n-ERR command is not allowed in this state\n"));
}

#[test]
fn a_bare_line_end_is_no_line_end() {
    let said = in_session("NOOP\nDELE 1\r\nSTAT\r\n");
    assert_eq!(said, "-ERR a line ends with CR LF\n+OK 2 66\n");
}

#[test]
fn pop_09_a_long_list_leaves_in_bounded_memory_and_in_order() {
    let messages = (0..20_000)
        .map(|number| Listed { size: number, uidl: Uidl::new(&number.to_string()).unwrap() })
        .collect();
    let maildrop = RefCell::new(Some(Maildrop::new(messages).unwrap()));
    let mut server = private();
    server.handle_input(Time::ZERO, format!("{LOGIN}LIST\r\nNOOP\r\n").as_bytes());
    let mut said = Vec::new();
    loop {
        match server.poll_event().unwrap() {
            Step::Event(Event::Login(login)) => login.accept(&mut server, maildrop.take().unwrap()).unwrap(),
            Step::NeedInput => {
                let before = said.len();
                while let Some(bytes) = server.poll_transmit() {
                    assert!(bytes.len() < 65 * 1024, "{} octets at once", bytes.len());
                    said.extend_from_slice(&bytes);
                }
                if said.len() == before {
                    break;
                }
            }
            step => panic!("{step:?}"),
        }
    }
    let said = String::from_utf8(said).unwrap();
    assert_eq!(said.lines().count(), 20_000 + 6);
    assert!(said.ends_with("20000 19999\r\n.\r\n+OK\r\n"));
}

#[test]
fn an_answer_is_late_after_the_end_and_wrong_elsewhere() {
    let (mut server, event) = asked(b"RETR 1\r\n");
    let Event::Retr(retr) = event else { panic!() };
    let mut writer = retr.open(&mut server).unwrap();
    let chunk = || Bytes::from_static(b"x");
    assert_eq!(writer.write(&mut private(), chunk()), Err(Misuse::WrongConnection));
    sent(&mut server);
    server.handle_timeout(Time::ZERO.after(std::time::Duration::from_secs(600)));
    server.handle_timeout(Time::ZERO.after(std::time::Duration::from_secs(1200)));
    assert!(matches!(server.poll_event(), Ok(Step::Closed)));
    assert_eq!(writer.write(&mut server, chunk()), Ok(()));
    assert_eq!(writer.finish(&mut server), Ok(()));
    assert_eq!(sent(&mut server), b"");
}

#[test]
fn a_server_is_a_machine_that_can_be_sent_to_another_thread() {
    fn assert<M: Machine + Send + Sync>() {}
    assert::<Server>();
}

proptest::proptest! {
    #[test]
    fn rfc1939_11_what_is_announced_is_what_is_sent_of_any_octets_in_any_split(
        octets in proptest::collection::vec(proptest::sample::select(&b"\r\n\r\n.ab\0\xff"[..]), 0..2000),
        piece in 1_usize..600,
    ) {
        let (mut server, event) = asked(b"RETR 1\r\n");
        answer(&mut server, event);
        sent(&mut server);
        let size = unstuffed(&retrieved(&mut server, octets.chunks(piece)));
        proptest::prop_assert_eq!(counted(octets.chunks(piece)), size);
        proptest::prop_assert_eq!(counted([&octets[..]]), size);
    }

    #[test]
    fn any_octets_are_answered_the_same_in_any_split(
        words in proptest::collection::vec(proptest::sample::select(&[
            "USER user\r\n", "PASS pass word\r\n", "STAT\r\n", "RETR 2\r\n", "LIST\r\n", "AUTH PLAIN\r\n", "*\r\n",
            "QUIT\r\n", "\r", "\n", "\0", "DELE 1\r\n", "TOP 1 0\r\n", "AUTH PLAIN =\r\n", "GET / HTTP/1.0\r\n",
        ][..]), 0..12),
    ) {
        assert_split_invariant(private, words.concat().as_bytes(), true, answer);
    }
}
