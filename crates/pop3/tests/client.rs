//! The client: recorded servers in every split, hostile ones, and both machines against each other with cuts.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use posthaste_pop3::client::{Config, Event, TlsPolicy};
use posthaste_pop3::{
    Bytes, Client, MechanismName, MessageNumber, Misuse, ProtocolError, Secret, Security, Server, Step, Time,
    Uidl, server,
};
use posthaste_testkit::{Conversation, Note, Outcome, assert_split_invariant, converse, run};

fn one() -> MessageNumber {
    MessageNumber::new(1).unwrap()
}

fn with(tls: TlsPolicy, security: Security) -> Client {
    let mut config = Config::default();
    config.tls = tls;
    Client::new(config, security, Time::ZERO)
}

fn private() -> Client {
    with(TlsPolicy::Required, Security::Tls)
}

/// Logs in when it may, asks for everything, and quits.
fn act(client: &mut Client, event: Event) -> Note {
    let words = match event {
        Event::Ready { .. } => {
            client.login("user", Secret::from("pass word")).unwrap();
            "ready".into()
        }
        Event::Reply { reply, .. } if client.state() == posthaste_pop3::session::State::Transaction => {
            // The login is answered first; then everything is queued once.
            if let Ok(id) = client.stat()
                && format!("{id:?}") == "CommandId(2)"
            {
                client.list().unwrap();
                client.uidl_one(one()).unwrap();
                client.retr(one()).unwrap();
                client.dele(one()).unwrap();
                client.quit().unwrap();
            }
            format!("reply {:?}", reply.status())
        }
        Event::Reply { id, reply } => format!("{id:?} {:?} {:?}", reply.status(), reply.code()),
        Event::Stat { messages, octets, .. } => format!("stat {messages} {octets}"),
        Event::Size { number, octets, .. } => format!("size {number} {octets}"),
        Event::Uidl { number, uidl, .. } => format!("uidl {number} {uidl}"),
        Event::Body { chunk, .. } => return Note::body(&chunk),
        Event::ListEnd { .. } => "list end".into(),
        Event::BodyEnd { .. } => "body end".into(),
        Event::BodyAborted { .. } => "body aborted".into(),
        event => format!("{event:?}"),
    };
    Note::event(words)
}

fn heard(make: impl Fn() -> Client, input: &str) -> Outcome {
    assert_split_invariant(make, input.as_bytes(), true, act)
}

const OPENING: &str =
    "+OK hello\r\n+OK\r\nUIDL\r\nPIPELINING\r\n.\r\n+OK\r\n+OK in\r\n+OK\r\nPIPELINING\r\n.\r\n";

#[test]
fn a_recorded_session_is_read_in_any_split() {
    let server = "+OK 1 120\r\n+OK\r\n1   120 extra\r\n.\r\n+OK 1  x.y\r\n+OK\r\nA: b\r\n\r\n..dot\r\n.\r\n+OK\r\n+OK bye\r\n";
    let outcome = heard(private, &format!("{OPENING}{server}"));
    assert_eq!(
        outcome.text(),
        "CAPA\r\nUSER user\r\nPASS pass word\r\nCAPA\r\nSTAT\r\nLIST\r\nUIDL 1\r\nRETR 1\r\nDELE 1\r\nQUIT\r\n"
    );
    for words in ["stat 1 120", "size 1 120", "uidl 1 x.y", "list end", "body end"] {
        assert!(outcome.has(words), "{words}");
    }
    assert_eq!(outcome.bodies(), b"A: b\r\n\r\n.dot\r\n");
    assert!(outcome.closed);
}

#[test]
fn commands_are_sent_ahead_only_where_that_is_announced() {
    let opening = OPENING.replace("PIPELINING\r\n", "TOP\r\n");
    let outcome = run(&mut private(), [opening.as_bytes()], false, act);
    assert!(outcome.text().ends_with("CAPA\r\nSTAT\r\n"), "{}", outcome.text());
}

#[test]
fn without_pipelining_nothing_is_sent_before_an_answer_is_complete() {
    let mut client = private();
    client.login("u", Secret::from("p")).unwrap();
    let mut hear = |input: &str| {
        client.handle_input(Time::ZERO, input.as_bytes());
        while let Ok(Step::Event(event)) = client.poll_event() {
            if let Event::Reply { .. } = event {
                client.list().unwrap();
                client.retr(one()).unwrap();
                client.noop().unwrap();
            }
        }
        let sent: Vec<u8> = std::iter::from_fn(|| client.poll_transmit()).flatten().collect();
        String::from_utf8(sent).unwrap()
    };
    assert_eq!(hear("+OK\r\n-ERR\r\n"), "CAPA\r\nUSER u\r\n");
    assert_eq!(hear("+OK\r\n"), "PASS p\r\n");
    assert_eq!(hear("+OK\r\n"), "LIST\r\n");
    for part in ["+OK\r\n", "1 2\r\n", "."] {
        assert_eq!(hear(part), "", "{part:?}");
    }
    assert_eq!(hear("\r\n"), "RETR 1\r\n");
    for part in ["+OK\r\n", "A: b\r\n", ".\r"] {
        assert_eq!(hear(part), "", "{part:?}");
    }
    assert_eq!(hear("\n"), "NOOP\r\n");
}

#[test]
fn uidl_of_one_message_may_come_as_a_list() {
    let outcome =
        heard(private, &format!("{OPENING}+OK 1 2\r\n+OK\r\n.\r\n+OK\r\n1 abc\r\n.\r\n-ERR no\r\n"));
    assert!(outcome.has("uidl 1 abc"));
}

#[test]
fn uidl_of_one_message_may_come_without_its_number() {
    for id in ["00001a1457b5a851", "abc"] {
        let server = format!("{OPENING}+OK 1 2\r\n+OK\r\n.\r\n+OK {id}\r\n-ERR no\r\n");
        let outcome = heard(private, &server);
        assert!(outcome.has(&format!("uidl 1 {id}")) && outcome.has("CommandId(5) Err None"), "{outcome:?}");
    }
}

#[test]
fn a_client_is_a_machine_that_can_be_sent_to_another_thread() {
    fn assert<M: posthaste_pop3::Machine + Send + Sync>() {}
    assert::<Client>();
}

#[test]
fn a_cut_inside_a_message_is_told() {
    let outcome = heard(private, &format!("{OPENING}+OK 1 2\r\n+OK\r\n.\r\n+OK 1 a\r\n+OK\r\nhalf\r\n"));
    assert!(outcome.has("body aborted") && !outcome.has("body end") && outcome.closed);
}

#[test]
fn tlsc_12_without_tls_there_is_no_login() {
    let plain = || with(TlsPolicy::Required, Security::Plain);
    for server in [
        "+OK hi\r\n+OK\r\nUIDL\r\n.\r\n",
        "+OK hi\r\n-ERR what\r\n",
        "+OK hi\r\n+OK\r\nSTLS\r\n.\r\n-ERR no\r\n",
        "+OK 2 messages\r\n1 120\r\n2 200\r\n.\r\n",
    ] {
        let outcome = heard(plain, server);
        assert!(outcome.error.is_some() && !outcome.text().contains("USER"), "{outcome:?}");
    }
    let may = || with(TlsPolicy::Opportunistic, Security::Plain);
    assert!(heard(may, "+OK hi\r\n-ERR what\r\n").text().ends_with("USER user\r\n"));
}

#[test]
fn tlsc_13_octets_behind_the_go_ahead_are_fatal() {
    for tail in ["+OK\r\nPLAIN\r\n.\r\n", "garbage"] {
        let input = format!("+OK hi\r\n+OK\r\nSTLS\r\n.\r\n+OK Begin TLS\r\n{tail}");
        let mut client = with(TlsPolicy::Required, Security::Plain);
        let outcome = run(&mut client, [input.as_bytes()], false, act);
        assert!(matches!(client.poll_event(), Err(ProtocolError::Residue(_))), "{outcome:?}");
        assert!(outcome.notes.is_empty());
    }
}

#[test]
fn hst_11_nonsense_is_bounded() {
    let rows = "1 99999999999999999999\r\n".repeat(20);
    let outcome = heard(private, &format!("{OPENING}+OK 4294967296 -1\r\n+OK\r\n{rows}"));
    assert_eq!(outcome.error.as_deref(), Some("10 violations"));
    let outcome = heard(private, &format!("{OPENING}+OK 1 1\r\n+OK\r\n.\r\n+OK 1 {}\r\n", "x".repeat(71)));
    assert!(
        outcome.notes.iter().any(|note| matches!(note, Note::Event(words) if words.contains("unique-id")))
    );
    let mut config = Config::default();
    config.limits.body_max = 1000;
    let mut client = Client::new(config, Security::Tls, Time::ZERO);
    let endless = format!("{OPENING}+OK 1 1\r\n+OK\r\n.\r\n+OK 1 a\r\n+OK 3 octets\r\n{}", "x".repeat(2000));
    let outcome = run(&mut client, [endless.as_bytes()], false, act);
    assert_eq!(outcome.error.as_deref(), Some("message is longer than 1000 octets"));
}

#[test]
fn inj_13_and_commands_out_of_order_are_misuse() {
    let mut client = private();
    assert!(matches!(client.login("a\r\nDELE 1", Secret::from("p")), Err(Misuse::Argument { .. })));
    assert!(matches!(client.login("a", Secret::from("x\r\nDELE 1\r\n")), Err(Misuse::Argument { .. })));
    assert!(matches!(client.stat(), Err(Misuse::NotNow { .. })));
    client.login("a", Secret::from("p")).unwrap();
    assert!(matches!(client.login("a", Secret::from("p")), Err(Misuse::NotNow { .. })));
    client.quit().unwrap();
    assert!(matches!(client.quit(), Err(Misuse::NotNow { .. })));
}

#[test]
fn a_silent_server_is_given_up() {
    let mut client = private();
    let deadline = client.poll_timeout().unwrap();
    client.handle_timeout(Time::ZERO);
    assert!(matches!(client.poll_event(), Ok(Step::NeedInput)));
    client.handle_timeout(deadline);
    assert!(matches!(client.poll_event(), Err(ProtocolError::Timeout)));
}

/// What the server of a conversation does; counts what is to be removed.
fn serve(server: &mut Server, event: server::Event, removed: &mut Vec<usize>) {
    match event {
        server::Event::Login(login) => {
            let uidl = Uidl::new("id").unwrap();
            let maildrop = server::Maildrop::new(vec![server::Listed { size: 9, uidl }]).unwrap();
            login.accept(server, maildrop).unwrap();
        }
        server::Event::Retr(retr) => {
            let mut writer = retr.open(server).unwrap();
            writer.write(server, Bytes::from_static(b".a\r\n\r\n..b")).unwrap();
            writer.finish(server).unwrap();
        }
        server::Event::StartTls(start) => start.accept(server).unwrap(),
        server::Event::Quit(quit) => {
            removed.extend(quit.deleted());
            quit.done(server).unwrap();
        }
        event => panic!("{event:?}"),
    }
}

fn talk(conversation: Conversation) -> (Vec<Note>, Vec<usize>, usize) {
    let mut config = server::Config::default();
    config.tls = server::TlsOffer::StartTls;
    config.mechanisms = vec![MechanismName::new("PLAIN").unwrap()];
    let mut server = Server::new(config, Security::Plain, Time::ZERO);
    let mut client = with(TlsPolicy::Required, Security::Plain);
    let (mut notes, mut removed) = (Vec::new(), Vec::new());
    let ended = converse(
        &mut client,
        &mut server,
        conversation,
        |client, event| notes.push(act(client, event)),
        |server, event| serve(server, event, &mut removed),
    );
    assert_eq!((ended.client, ended.server), (Ok(()), Ok(())), "{conversation:?}");
    (notes, removed, ended.octets)
}

#[test]
fn both_machines_agree_whatever_the_segments() {
    for segment in [1, 2, 7, usize::MAX] {
        let (notes, removed, _) = talk(Conversation { segment, cut_after: None });
        assert_eq!(removed, [0]);
        let bodies: Vec<u8> = notes
            .iter()
            .filter_map(|note| if let Note::Body(chunk) = note { Some(chunk.clone()) } else { None })
            .flatten()
            .collect();
        assert_eq!(bodies, b".a\r\n\r\n..b\r\n");
        assert!(notes.contains(&Note::event("size 1 9")));
        assert_eq!(notes.last(), Some(&Note::event("CommandId(7) Ok None")));
    }
}

/// What is known on both sides behind a conversation that may have been cut.
#[derive(Debug, Default)]
struct Known {
    /// The messages that the client took for complete.
    fetched: Vec<Vec<u8>>,
    /// Whether the server said that what was marked is removed.
    told_removed: bool,
    /// Whether QUIT was sent.
    quit_sent: bool,
    /// What the server removed, each time it did.
    removed: Vec<Vec<usize>>,
    octets: usize,
}

const MESSAGES: [&[u8]; 3] = [b".a\r\n\r\n..b\r\n", b"", b"x\r\n.\r\ny\r\n"];

/// A client that fetches three messages and removes the first and the last.
fn fetch_and_remove(conversation: Conversation) -> Known {
    let mut config = server::Config::default();
    config.tls = server::TlsOffer::StartTls;
    let mut server = Server::new(config, Security::Plain, Time::ZERO);
    let mut client = with(TlsPolicy::Required, Security::Plain);
    let (mut known, mut removed) = (Known::default(), Vec::new());
    let (mut body, mut queued, mut quit) = (Vec::new(), false, None);
    let number = |number| MessageNumber::new(number).unwrap();
    let ended = converse(
        &mut client,
        &mut server,
        conversation,
        |client, event| match event {
            Event::Ready { .. } => assert!(client.login("user", Secret::from("p")).is_ok()),
            Event::Reply { id, reply } if quit == Some(id) => known.told_removed = reply.is_ok(),
            Event::Reply { .. } if !queued => {
                queued = true;
                for message in 1..=3 {
                    client.retr(number(message)).unwrap();
                }
                client.dele(number(1)).unwrap();
                client.dele(number(3)).unwrap();
                quit = Some(client.quit().unwrap());
            }
            Event::Body { chunk, .. } => body.extend_from_slice(&chunk),
            Event::BodyEnd { .. } => known.fetched.push(std::mem::take(&mut body)),
            _ => {}
        },
        |server, event| match event {
            server::Event::Login(login) => {
                let listed = |(index, message): (usize, &&[u8])| server::Listed {
                    size: message.len() as u64,
                    uidl: Uidl::new(&index.to_string()).unwrap(),
                };
                let listed = MESSAGES.iter().enumerate().map(listed).collect();
                login.accept(server, server::Maildrop::new(listed).unwrap()).unwrap();
            }
            server::Event::Retr(retr) => {
                let message = MESSAGES[retr.index()];
                let mut writer = retr.open(server).unwrap();
                writer.write(server, Bytes::from_static(message)).unwrap();
                writer.finish(server).unwrap();
            }
            server::Event::StartTls(start) => start.accept(server).unwrap(),
            server::Event::Quit(quit) => {
                removed.push(quit.deleted().to_vec());
                quit.done(server).unwrap();
            }
            event => panic!("{event:?}"),
        },
    );
    assert_eq!((ended.client, ended.server), (Ok(()), Ok(())), "{conversation:?}");
    known.quit_sent = client.state() == posthaste_pop3::session::State::Update;
    known.removed = removed;
    known.octets = ended.octets;
    known
}

#[test]
fn pop_03_a_cut_at_any_octet_leaves_no_false_certainty() {
    let whole = fetch_and_remove(Conversation::default());
    assert!(whole.told_removed && whole.fetched == MESSAGES && whole.removed == [[0, 2]]);
    let (mut unknown, mut told) = (0, 0);
    for cut in 0..=whole.octets {
        for segment in [1, 5, usize::MAX] {
            let known = fetch_and_remove(Conversation { segment, cut_after: Some(cut) });
            let removed: Vec<usize> = known.removed.concat();
            // Both or none, and at most once.
            assert!(removed.is_empty() || removed == [0, 2], "cut after {cut}: {removed:?}");
            if known.told_removed {
                assert_eq!(removed, [0, 2], "cut after {cut}");
                told += 1;
            } else if known.quit_sent {
                unknown += 1;
            } else {
                assert!(removed.is_empty(), "cut after {cut}: removed, and the client did not ask for it");
            }
            // A message that is not whole is not taken for one.
            assert_eq!(known.fetched, MESSAGES[..known.fetched.len()], "cut after {cut}");
        }
    }
    assert!(told > 0 && unknown > 0, "both kinds of end were seen");
}

#[test]
fn a_sasl_exchange_is_the_applications() {
    let mut client = private();
    client.authenticate("LOGIN", None).unwrap();
    let input = "+OK hi\r\n-ERR\r\n+ VXNlcm5hbWU6\r\n+\r\n-ERR [AUTH] no\r\n";
    let outcome = run(&mut client, [input.as_bytes()], true, |client, event| match event {
        Event::Challenge(challenge) if challenge.challenge().is_empty() => {
            challenge.cancel(client).unwrap();
            Note::event("cancel")
        }
        Event::Challenge(challenge) => {
            assert_eq!(challenge.challenge().expose(), b"Username:");
            challenge.respond(client, &Secret::from("user")).unwrap();
            Note::event("respond")
        }
        Event::Reply { reply, .. } => Note::event(reply.code().unwrap().as_str()),
        _ => Note::event("other"),
    });
    assert_eq!(outcome.text(), "CAPA\r\nAUTH LOGIN\r\ndXNlcg==\r\n*\r\n");
    assert!(outcome.has("AUTH") && outcome.closed);
}

#[test]
fn a_long_initial_response_waits_to_be_asked_for() {
    let mut client = private();
    client.authenticate("PLAIN", Some(Secret::new(vec![b'x'; 300]))).unwrap();
    let outcome = run(&mut client, [&b"+OK hi\r\n-ERR\r\n+ \r\n+OK\r\n"[..]], false, |_, _| Note::event("x"));
    let lines: Vec<usize> = outcome.text().lines().map(str::len).collect();
    assert_eq!(lines, [4, "AUTH PLAIN".len(), 400]);
}

#[test]
fn a_challenge_that_is_not_base64_is_cancelled() {
    for challenge in ["!", "=AAA", "AAA=BBBB", "AHU AcA==", "A"] {
        let make = || {
            let mut client = private();
            client.authenticate("LOGIN", None).unwrap();
            client
        };
        let input = format!("+OK hi\r\n-ERR\r\n+ {challenge}\r\n-ERR cancelled\r\n");
        let act = |_: &mut Client, event: Event| Note::event(format!("{event:?}"));
        let outcome = assert_split_invariant(make, input.as_bytes(), false, act);
        assert_eq!(outcome.text(), "CAPA\r\nAUTH LOGIN\r\n*\r\n", "{challenge}");
    }
}

#[test]
fn a_challenge_may_be_longer_than_a_reply() {
    let mut client = private();
    client.authenticate("X", None).unwrap();
    let challenge = "AAAA".repeat(3000);
    let input = format!("+OK hi\r\n-ERR\r\n+ {challenge}\r\n+OK\r\n");
    let outcome = run(&mut client, [input.as_bytes()], false, |client, event| match event {
        Event::Challenge(challenge) => {
            let octets = challenge.challenge().len();
            challenge.respond(client, &Secret::default()).unwrap();
            Note::event(octets.to_string())
        }
        _ => Note::event("other"),
    });
    assert!(outcome.has("9000") && outcome.text().ends_with("AUTH X\r\n\r\n"), "{outcome:?}");
}
