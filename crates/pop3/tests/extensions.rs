//! What later RFCs added, and the limits of a session: both roles, in every split where the input is an octet stream.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use std::time::Duration;

use posthaste_pop3::client::{self, Support};
use posthaste_pop3::server::{
    Config, Event, InvalidMaildrop, Language, Listed, LoginRefusal, Maildrop, RetrieveRefusal, Text,
    TlsOffer, UserPass, Utf8Offer,
};
use posthaste_pop3::{
    Announced, ApopDigest, ApopTimestamp, Bytes, Capability, Client, LanguageRange, LanguageTag,
    MechanismName, MessageNumber, Misuse, Retention, Scope, Secret, Security, Server, Step, Time, Uidl,
    Utf8Names,
};
use posthaste_testkit::{Note, Outcome, assert_split_invariant, run};

fn maildrop() -> Maildrop {
    let listed = |size, uidl| Listed { size, uidl: Uidl::new(uidl).unwrap() };
    Maildrop::new(vec![listed(36, "id-one"), listed(30, "id-two")])
        .unwrap()
        .with_expire(Retention::Forever)
        .with_login_delay(Duration::from_secs(60))
}

/// An application that lets in whoever has the password `right`, and whose messages all need UTF-8.
fn answer(server: &mut Server, event: Event) -> Note {
    let words = match event {
        Event::Login(login) => {
            let words = format!("login {}", login.user());
            match login.password().expose() {
                b"right" => login.accept(server, maildrop()).unwrap(),
                b"soon" => login.reject(server, LoginRefusal::TooSoon).unwrap(),
                b"busy" => login.reject(server, LoginRefusal::InUse).unwrap(),
                b"down" => login.reject(server, LoginRefusal::Temporary).unwrap(),
                b"off" => login.reject(server, LoginRefusal::Permanent).unwrap(),
                _ => login.reject(server, LoginRefusal::Credentials).unwrap(),
            }
            words
        }
        Event::Apop(apop) => {
            let words = format!("apop {} {}", apop.user(), String::from_utf8_lossy(apop.digest().expose()));
            apop.accept(server, maildrop()).unwrap();
            words
        }
        Event::Auth(auth) => {
            auth.challenge(server, b"more").unwrap();
            "auth".into()
        }
        Event::AuthCancelled => "cancelled".into(),
        Event::StartTls(start) => {
            start.accept(server).unwrap();
            "stls".into()
        }
        Event::Retr(retr) if !server.is_utf8() => {
            retr.reject(server, RetrieveRefusal::NeedsUtf8).unwrap();
            "retr refused".into()
        }
        Event::Retr(retr) => {
            let mut writer = retr.open(server).unwrap();
            writer.write(server, Bytes::from("Subject: \u{e9}\r\n\r\n")).unwrap();
            writer.finish(server).unwrap();
            "retr".into()
        }
        Event::Quit(quit) => {
            quit.failed(server).unwrap();
            "quit".into()
        }
        Event::Violation(violation) => format!("violation: {violation}"),
        event => panic!("{event:?}"),
    };
    Note::event(words)
}

fn played(change: impl Fn(&mut Config), security: Security, input: &str) -> Outcome {
    let make = || {
        let mut config = Config::default();
        change(&mut config);
        Server::new(config, security, Time::ZERO)
    };
    assert_split_invariant(make, input.as_bytes(), true, answer)
}

/// What the server says over TLS, without the greeting.
fn says(change: impl Fn(&mut Config), input: &str) -> String {
    let said = played(change, Security::Tls, input).text();
    said.strip_prefix("+OK POP3 ready\r\n").unwrap().replace("\r\n", "\n")
}

const LOGIN: &str = "USER u\r\nPASS right\r\n";
const IN: &str = "+OK send PASS\n+OK 2 messages\n";

#[test]
fn apop_is_off_until_there_is_a_timestamp() {
    let line = "APOP mrose C4C9334BAC560ECC979E58001B3E22FB\r\nSTAT\r\n";
    assert!(says(|_| {}, line).starts_with("-ERR APOP is not offered\n"));
    let on = |config: &mut Config| config.apop = Some(ApopTimestamp::new("<1.2@host>").unwrap());
    let outcome = played(on, Security::Tls, line);
    assert_eq!(outcome.text(), "+OK POP3 ready <1.2@host>\r\n+OK 2 messages\r\n+OK 2 66\r\n");
    assert!(outcome.has("apop mrose c4c9334bac560ecc979e58001b3e22fb"), "in lower case");
    let outcome = played(on, Security::Plain, line);
    assert!(outcome.text().contains("-ERR use TLS before logging in\r\n"));
    for digest in ["", "c4c9", "c4c9334bac560ecc979e58001b3e22fg", "c4c9334bac560ecc979e58001b3e22fb0"] {
        let said = played(on, Security::Tls, &format!("APOP mrose {digest}\r\n")).text();
        assert!(said.ends_with("-ERR command is unknown or malformed\r\n"), "{digest}");
    }
}

#[test]
fn rfc1939_7_a_timestamp_is_a_message_id() {
    for good in ["<1896.697170952@dbc.mtview.ca.us>", "<F201706231210.AA102635MD1932@mail.test>"] {
        assert!(ApopTimestamp::new(good).is_ok());
    }
    let bad =
        ["", "<>", "<@>", "<a@>", "<@b>", "<a>", "a@b", "<a@b", "<a b@c>", "<a@b@c>", "<a<@b>", "<\u{e9}@b>"];
    for bad in bad {
        assert!(ApopTimestamp::new(bad).is_err(), "{bad}");
    }
    assert!(ApopTimestamp::new(format!("<{}@b>", "x".repeat(247))).is_err());
    let found = |text: &str| ApopTimestamp::find(text.as_bytes()).map(|found| found.to_string());
    assert_eq!(found("ready <1@b> now"), Some("<1@b>".into()));
    assert_eq!(found("ready <1@b"), None);
    assert_eq!(found("<ready> <1@b>"), None, "the first bracket counts: a guess would be worse than none");
}

#[test]
fn rfc2449_6_every_capability_and_what_changes_behind_the_login() {
    let all = |config: &mut Config| {
        config.mechanisms = vec![MechanismName::new("PLAIN").unwrap(), MechanismName::new("LOGIN").unwrap()];
        config.tls = TlsOffer::StartTls;
        config.utf8 = Utf8Offer::Offered(Utf8Names::Taken);
        config.languages = vec![Language::english().unwrap()];
        config.expire = Some(Announced { value: Retention::Days(5), scope: Scope::DependsOnUser });
        let delay = Duration::from_secs(900);
        config.login_delay = Some(Announced { value: delay, scope: Scope::DependsOnUser });
    };
    let common = "+OK capability list follows\nTOP\nUIDL\nRESP-CODES\nAUTH-RESP-CODE\nPIPELINING\n";
    let said = says(all, &format!("CAPA\r\n{LOGIN}CAPA\r\n"));
    let tail = "UTF8 USER\nLANG\n";
    let before = format!(
        "{common}USER\nSASL PLAIN LOGIN\n{tail}EXPIRE 5 USER\nLOGIN-DELAY 900 USER\nIMPLEMENTATION Posthaste\n.\n"
    );
    let behind = format!(
        "{common}USER\nSASL PLAIN LOGIN\n{tail}EXPIRE NEVER\nLOGIN-DELAY 60\nIMPLEMENTATION Posthaste\n.\n"
    );
    assert_eq!(said, format!("{before}{IN}{behind}"));
    // In the clear: no credentials, but TLS; and no TLS any more behind UTF8 (RFC 6856 2.1).
    let plain = played(all, Security::Plain, "CAPA\r\nUTF8\r\nCAPA\r\nSTLS\r\n").text();
    assert!(plain.contains("PIPELINING\r\nSTLS\r\nUTF8 USER"), "{plain}");
    assert_eq!(plain.matches("STLS\r\n").count(), 1);
    assert!(plain.ends_with("-ERR STLS is not available\r\n"));
    let least = |config: &mut Config| {
        config.implementation.clear();
        config.user_pass = UserPass::Refused;
    };
    assert_eq!(says(least, "CAPA\r\n"), format!("{common}.\n"));
    assert_eq!(says(least, "USER u\r\n"), "-ERR USER and PASS are not offered\n");
}

#[test]
fn rfc3206_every_refusal_of_a_login_has_its_code() {
    for (password, code) in [
        ("wrong", "AUTH"),
        ("soon", "LOGIN-DELAY"),
        ("busy", "IN-USE"),
        ("down", "SYS/TEMP"),
        ("off", "SYS/PERM"),
    ] {
        let said = says(|_| {}, &format!("USER u\r\nPASS {password}\r\n"));
        assert!(said.starts_with(&format!("+OK send PASS\n-ERR [{code}] ")), "{said}");
    }
}

#[test]
fn rfc6856_2_utf8_mode() {
    assert!(says(|_| {}, "UTF8\r\n").starts_with("-ERR UTF8 is not offered"));
    let offered = |config: &mut Config| config.utf8 = Utf8Offer::Offered(Utf8Names::Refused);
    let said = says(offered, &format!("{LOGIN}RETR 1\r\nUTF8\r\n"));
    let no = "-ERR [UTF8] the message needs UTF-8 mode\n-ERR command is not allowed in this state\n";
    assert_eq!(said, format!("{IN}{no}"));
    let said = says(offered, &format!("UTF8\r\n{LOGIN}RETR 1\r\n"));
    assert_eq!(said, format!("+OK UTF-8 enabled\n{IN}+OK 36 octets\nSubject: \u{e9}\n\n.\n"));
    assert!(says(offered, "CAPA\r\n").contains("\nUTF8\n"));
    // A password that is not UTF-8 is refused where UTF-8 is announced for it.
    let taken = || {
        let mut config = Config::default();
        config.utf8 = Utf8Offer::Offered(Utf8Names::Taken);
        Server::new(config, Security::Tls, Time::ZERO)
    };
    let outcome = run(&mut taken(), [&b"USER \xc3\xa9\r\nPASS p\xe4ss\r\n"[..]], true, answer);
    assert!(outcome.has("violation: PASS is not in UTF-8"), "{outcome:?}");
    let outcome = run(&mut taken(), [&b"USER \xe9\r\n"[..]], true, answer);
    assert!(outcome.text().ends_with("-ERR command is unknown or malformed\r\n"));
    let outcome = run(&mut taken(), ["USER \u{e9}\r\nPASS right\r\n".as_bytes()], true, answer);
    assert!(outcome.has("login \u{e9}"));
}

#[test]
fn what_was_asked_for_before_tls_is_forgotten() {
    let config = || {
        let mut config = Config::default();
        config.tls = TlsOffer::StartTls;
        config.languages = vec![Language::english().unwrap(), latin()];
        config
    };
    let mut server = Server::new(config(), Security::Plain, Time::ZERO);
    let outcome = run(&mut server, [&b"LANG la\r\nNOOP x\r\nSTLS\r\n"[..], b"NOOP x\r\n"], true, answer);
    let said = "+OK la mutata\r\n-ERR quid?\r\n+OK incipe\r\n-ERR command is unknown or malformed\r\n";
    assert!(outcome.text().ends_with(said), "{}", outcome.text());
}

fn latin() -> Language {
    let translate = |text: Text| match text {
        Text::LanguageChanged => "mutata",
        Text::BeginTls => "in\r\ncipe",
        // What looks like a response code must not be one.
        _ => "[quid?",
    };
    Language { tag: LanguageTag::new("la").unwrap(), name: "Lat\u{2d}ina\r\n.\r\n".into(), translate }
}

#[test]
fn inj_13_texts_of_a_configuration_cannot_end_a_line() {
    let config = |config: &mut Config| {
        config.greeting = "[AUTH] a\r\n+OK b".into();
        config.implementation = "x\r\n.\r\n+OK".into();
        config.languages = vec![latin()];
    };
    let outcome = played(config, Security::Tls, "CAPA\r\nLANG\r\n");
    let expected = "+OK AUTH] a+OK b\r\n+OK capability list follows\r\nTOP\r\nUIDL\r\nRESP-CODES\r\n\
                    AUTH-RESP-CODE\r\nPIPELINING\r\nUSER\r\nLANG\r\nIMPLEMENTATION x.+OK\r\n.\r\n\
                    +OK language list follows\r\nla Lat-ina.\r\n.\r\n";
    assert_eq!(outcome.text(), expected);
}

#[test]
fn rfc2449_4_no_first_line_is_longer_than_512_octets() {
    let long = |config: &mut Config| {
        config.greeting = "x".repeat(1000);
        config.implementation = "x".repeat(1000);
        config.apop = Some(ApopTimestamp::new(format!("<{}@b>", "x".repeat(240))).unwrap());
        let translate = |_: Text| -> &'static str { Box::leak("\u{e9}".repeat(1000).into_boxed_str()) };
        config.languages =
            vec![Language { tag: LanguageTag::new("fr").unwrap(), name: "x".repeat(1000), translate }];
    };
    let outcome = played(long, Security::Tls, "CAPA\r\nLANG\r\nLANG fr\r\nUSER u\r\nPASS wrong\r\nBAD\r\n");
    assert!(outcome.text().split_inclusive("\r\n").all(|line| line.len() <= 512), "{}", outcome.text());
    assert!(outcome.text().contains("-ERR [AUTH] \u{e9}"));
}

#[test]
fn pop_07_a_command_has_255_octets_and_not_one_more() {
    let line = |octets: usize| format!("USER {}\r\n", "x".repeat(octets - 7));
    assert_eq!(says(|_| {}, &line(255)), "+OK send PASS\n");
    assert_eq!(says(|_| {}, &line(256)), "-ERR line is too long\n");
    assert_eq!(
        says(|_| {}, &"verylongkeyword\r\n".repeat(5)).matches("malformed").count(),
        3,
        "then it is over"
    );
    assert_eq!(says(|_| {}, "NOOP\nNOOP\r\n"), "-ERR a line ends with CR LF\n");
    assert_eq!(says(|_| {}, "NO\0OP\r\n"), "-ERR command is unknown or malformed\n");
}

#[test]
fn res_08_junk_commands_end_a_session_and_work_renews_the_patience() {
    let five = |config: &mut Config| config.limits.junk_commands_max = 5;
    let outcome = played(five, Security::Tls, &format!("{LOGIN}{}", "NOOP\r\nSTAT\r\nRETR 9\r\n".repeat(4)));
    assert_eq!(outcome.error.as_deref(), Some("5 commands that serve no end"));
    assert!(outcome.text().ends_with("-ERR no such message\r\n+OK\r\n+OK 2 66\r\n-ERR too many errors\r\n"));
    let outcome = played(five, Security::Tls, &format!("{LOGIN}{}", "NOOP\r\nLIST\r\n".repeat(20)));
    assert_eq!(outcome.error, None);
}

#[test]
fn a_limit_of_zero_is_found_by_its_name() {
    let mut limits = posthaste_pop3::Limits::default();
    assert_eq!(limits.zero(), None);
    limits.pipeline_max = 0;
    assert_eq!(limits.zero(), Some("pipeline_max"));
    limits.command_timeout = Duration::ZERO;
    assert_eq!(limits.zero(), Some("command_timeout"));
}

#[test]
fn an_exchange_has_a_limited_number_of_steps() {
    let three = |config: &mut Config| {
        config.mechanisms = vec![MechanismName::new("X").unwrap()];
        config.limits.auth_steps_max = 3;
    };
    let outcome = played(three, Security::Tls, &format!("AUTH X\r\n{}{LOGIN}", "\r\n".repeat(3)));
    let said = outcome.text();
    assert!(said.contains("+ bW9yZQ==\r\n-ERR [SYS/PERM] authentication takes too many steps\r\n"), "{said}");
    assert_eq!(said.matches("+ bW9yZQ==").count(), 3);
    assert!(outcome.has("cancelled") && said.ends_with("+OK 2 messages\r\n"));
}

#[test]
fn pop_03_a_failed_removal_is_told_in_the_words_of_the_rfc() {
    let said = says(|_| {}, &format!("{LOGIN}DELE 1\r\nQUIT\r\n"));
    assert!(said.ends_with("-ERR [SYS/TEMP] some deleted messages were not removed\n"));
}

#[test]
fn a_maildrop_is_checked_when_it_is_made() {
    let listed = |size, uidl: &str| Listed { size, uidl: Uidl::new(uidl).unwrap() };
    let same = Maildrop::new(vec![listed(1, "b"), listed(1, "a"), listed(1, "b")]);
    assert_eq!(same, Err(InvalidMaildrop::SameUidl { first: 0, second: 2 }));
    assert_eq!(Maildrop::new(vec![listed(u64::MAX, "a"), listed(1, "b")]), Err(InvalidMaildrop::TooLarge));
    assert_eq!(Maildrop::new(vec![listed(u64::MAX, "a"), listed(0, "b")]).unwrap().messages().len(), 2);
}

#[test]
fn res_03_a_command_that_trickles_in_does_not_move_its_deadline() {
    let at = |seconds| Time::from_epoch(Duration::from_secs(seconds));
    let mut server = Server::new(Config::default(), Security::Tls, Time::ZERO);
    assert_eq!(server.timer(), Some(posthaste_pop3::server::Timer::Login));
    server.handle_input(at(1), LOGIN.as_bytes());
    while let Ok(Step::Event(event)) = server.poll_event() {
        answer(&mut server, event);
    }
    while server.poll_transmit().is_some() {}
    assert_eq!(server.timer(), Some(posthaste_pop3::server::Timer::Command));
    assert_eq!(server.poll_timeout(), Some(at(601)));
    for second in 2..600 {
        server.handle_input(at(second), b"x");
        assert!(matches!(server.poll_event(), Ok(Step::NeedInput) | Ok(Step::Event(_))));
    }
    assert_eq!(server.poll_timeout(), Some(at(601)));
    server.handle_timeout(at(601));
    assert!(matches!(server.poll_event(), Ok(Step::Closed)));
}

// The client.

fn private() -> Client {
    Client::new(client::Config::default(), Security::Tls, Time::ZERO)
}

/// What a client does at the start, and what it says to `server`.
fn talks(ask: fn(&mut Client), server: &str) -> Outcome {
    let act = |client: &mut Client, event| {
        let words = match event {
            client::Event::Ready { .. } => {
                ask(client);
                "ready".into()
            }
            client::Event::Apop(apop) => {
                let words = format!("apop {}", apop.timestamp());
                apop.respond(client, ApopDigest::new(&[b'A'; 32]).unwrap()).unwrap();
                words
            }
            client::Event::NotSent { reason, .. } => format!("{reason:?}"),
            client::Event::Reply { reply, .. } => format!("{:?} {:?}", reply.status(), reply.code()),
            client::Event::Language { tag, name, .. } => format!("{tag} {}", String::from_utf8_lossy(&name)),
            client::Event::Uidl { number, uidl, .. } => format!("{number} {uidl}"),
            client::Event::Body { chunk, .. } => return Note::body(&chunk),
            client::Event::ListEnd { .. } => "list end".into(),
            event => format!("{event:?}"),
        };
        Note::event(words)
    };
    assert_split_invariant(private, server.as_bytes(), true, act)
}

#[test]
fn a_client_asks_for_the_digest_when_there_is_a_timestamp() {
    let ask: fn(&mut Client) = |client| {
        client.apop("mrose").unwrap();
        assert!(matches!(client.apop("mrose"), Err(Misuse::NotNow { .. })));
    };
    let outcome = talks(ask, "+OK hi <1@b>\r\n-ERR\r\n+OK in\r\n");
    assert!(outcome.has("apop <1@b>") && outcome.has("Ok None"));
    assert_eq!(outcome.text(), format!("CAPA\r\nAPOP mrose {}\r\n", "a".repeat(32)));
    let outcome = talks(ask, "+OK hi\r\n-ERR\r\n");
    assert!(outcome.has("ApopNotOffered") && outcome.text() == "CAPA\r\n");
    assert!(matches!(private().apop("a b"), Err(Misuse::Argument { .. })));
    assert!(matches!(private().apop("a\r\nb"), Err(Misuse::Argument { .. })));
}

#[test]
fn an_apop_that_is_given_up_leaves_room_for_another_login() {
    let mut client = private();
    client.apop("mrose").unwrap();
    client.handle_input(Time::ZERO, b"+OK hi <1@b>\r\n-ERR\r\n");
    let Ok(Step::Event(client::Event::Ready { .. })) = client.poll_event() else { panic!() };
    let Ok(Step::Event(client::Event::Apop(apop))) = client.poll_event() else { panic!() };
    assert!(matches!(client.poll_event(), Ok(Step::Paused)));
    apop.cancel(&mut client).unwrap();
    client.login("u", Secret::from("p")).unwrap();
    assert!(matches!(client.poll_event(), Ok(Step::NeedInput)));
    let sent: Vec<u8> = std::iter::from_fn(|| client.poll_transmit()).flatten().collect();
    assert_eq!(sent, b"CAPA\r\nUSER u\r\n");
}

#[test]
fn rfc6856_2_2_names_in_utf8_only_where_they_are_taken() {
    let ask: fn(&mut Client) = |client| assert!(client.login("\u{e9}", Secret::from("p")).is_ok());
    let outcome = talks(ask, "+OK hi\r\n+OK\r\nUTF8\r\n.\r\n");
    assert!(outcome.has("Utf8NamesNotOffered") && outcome.text() == "CAPA\r\n");
    let outcome = talks(ask, "+OK hi\r\n+OK\r\nUTF8 USER\r\n.\r\n+OK\r\n-ERR [AUTH/x] no\r\n");
    assert_eq!(outcome.text(), "CAPA\r\nUSER \u{e9}\r\nPASS p\r\n");
    assert!(outcome.has("Err Some(Auth)"), "detail behind a known code is passed over (RFC 2449 8)");
}

#[test]
fn utf8_mode_and_languages_are_asked_for_before_the_login() {
    let ask: fn(&mut Client) = |client| {
        client.utf8().unwrap();
        client.languages().unwrap();
        client.language(LanguageRange::Any).unwrap();
        client.login("u", Secret::from("p")).unwrap();
        assert!(matches!(client.utf8(), Err(Misuse::NotNow { .. })));
    };
    let server = "+OK hi\r\n-ERR\r\n+OK\r\n+OK\r\nen English\r\nes\r\n.\r\n+OK es hola\r\n+OK\r\n+OK\r\n";
    let outcome = talks(ask, server);
    assert_eq!(outcome.text(), "CAPA\r\nUTF8\r\nLANG\r\nLANG *\r\nUSER u\r\nPASS p\r\n");
    assert!(outcome.has("en English") && outcome.has("es ") && outcome.has("list end"));
}

#[test]
fn rfc2449_4_a_client_sends_no_command_over_255_octets() {
    let long = "x".repeat(249);
    assert!(matches!(private().login(&long, Secret::from("p")), Err(Misuse::Argument { .. })));
    assert!(matches!(private().login("u", Secret::from(long.as_str())), Err(Misuse::Argument { .. })));
    let ask: fn(&mut Client) =
        |client| assert!(client.login(&"x".repeat(248), Secret::from("y".repeat(248).as_str())).is_ok());
    let outcome = talks(ask, "+OK hi\r\n-ERR\r\n+OK\r\n+OK\r\n");
    assert!(outcome.text().split_inclusive("\r\n").all(|line| line.len() <= 255));
    for octets in 100..200 {
        let mut client = private();
        client.authenticate("PLAIN", Some(Secret::new(vec![b'x'; octets]))).unwrap();
        let server = b"+OK hi\r\n+OK\r\nSASL PLAIN\r\n.\r\n";
        let outcome = run(&mut client, [&server[..]], false, |_, _| Note::event("x"));
        let lines: Vec<usize> = outcome.text().split_inclusive("\r\n").map(str::len).collect();
        let whole = "AUTH PLAIN \r\n".len() + octets.div_ceil(3) * 4;
        assert_eq!(lines[1], if whole <= 255 { whole } else { "AUTH PLAIN\r\n".len() }, "{octets}");
    }
}

#[test]
fn rfc5034_3_no_initial_response_where_sasl_is_not_announced() {
    for capa in ["-ERR\r\n", "+OK\r\nTOP\r\n.\r\n"] {
        let ask: fn(&mut Client) =
            |client| assert!(client.authenticate("PLAIN", Some(Secret::from("\0u\0p"))).is_ok());
        let outcome = talks(ask, &format!("+OK hi\r\n{capa}+ \r\n+OK\r\n"));
        assert!(outcome.text().starts_with("CAPA\r\nAUTH PLAIN\r\nAHUAcA==\r\n"), "{outcome:?}");
    }
}

#[test]
fn what_is_not_announced_is_tried_and_remembered() {
    let mut client = private();
    client.login("u", Secret::from("p")).unwrap();
    let hear = |input: &str, client: &mut Client| {
        client.handle_input(Time::ZERO, input.as_bytes());
        while let Ok(Step::Event(_)) = client.poll_event() {}
        while client.poll_transmit().is_some() {}
    };
    hear("+OK hi\r\n", &mut client);
    hear("+OK\r\nPIPELINING\r\n.\r\n", &mut client);
    hear("+OK\r\n", &mut client);
    hear("+OK\r\n", &mut client);
    hear("+OK\r\nTOP\r\nPIPELINING\r\n.\r\n", &mut client);
    assert_eq!((client.uidl_support(), client.top_support()), (Support::Unknown, Support::Announced));
    client.uidl_one(MessageNumber::new(7).unwrap()).unwrap();
    hear("-ERR no such message\r\n", &mut client);
    assert_eq!(client.uidl_support(), Support::Unknown, "the message may be what is missing");
    client.uidl().unwrap();
    hear("-ERR what?\r\n", &mut client);
    assert_eq!(client.uidl_support(), Support::Refused);
    client.uidl().unwrap();
    hear("+OK\r\n.\r\n", &mut client);
    assert_eq!(client.uidl_support(), Support::Works);
}

#[test]
fn capabilities_are_understood_as_they_come() {
    let capability = posthaste_pop3::parse::capability;
    let seconds = |seconds| Duration::from_secs(seconds);
    let exact = |value| Announced { value, scope: Scope::Exact };
    assert_eq!(capability("expire 0"), Capability::Expire(exact(Retention::Days(0))));
    assert_eq!(
        capability("EXPIRE never user"),
        Capability::Expire(Announced { value: Retention::Forever, scope: Scope::DependsOnUser })
    );
    let delay = Announced { value: seconds(900), scope: Scope::Exact };
    assert_eq!(capability("LOGIN-DELAY 900"), Capability::LoginDelay(delay));
    assert_eq!(capability("LOGIN-DELAY soon"), Capability::Other("LOGIN-DELAY soon".into()));
    assert_eq!(capability("IMPLEMENTATION a  b"), Capability::Implementation("a  b".into()));
    assert_eq!(capability("UTF8 user"), Capability::Utf8(Utf8Names::Taken));
    assert_eq!(capability("X-SOMETHING y"), Capability::Other("X-SOMETHING y".into()));
}
