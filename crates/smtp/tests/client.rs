//! The client against scripted servers, and against the server of this crate with cuts at every octet.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use std::cell::{Cell, RefCell};

use bytes::Bytes;
use posthaste_smtp::client::{AuthPrivacy, Client, Config, Event, Mode, TlsPolicy};
use posthaste_smtp::server::{self, Server, TlsOffer};
use posthaste_smtp::{Envelope, Misuse, ProtocolError, Rejection, Secret, Security, Step, Time};
use posthaste_testkit::{Conversation, Note, Outcome, assert_split_invariant, converse};

fn client(mode: Mode, tls: TlsPolicy) -> Client {
    let config = Config::new(mode, "c.test".parse().unwrap())
        .with_tls(tls)
        .with_auth_requires_tls(AuthPrivacy::NotRequired);
    Client::new(config, Security::Plain, Time::ZERO)
}

fn envelope(recipients: &[&str]) -> Envelope {
    let recipients = recipients.iter().map(|path| path.parse().unwrap());
    Envelope::new("<a@c.test>".parse().unwrap(), recipients)
}

fn queued(tls: TlsPolicy) -> Client {
    let mut client = client(Mode::Smtp, tls);
    client.send(envelope(&["<u@x.test>", "<no@x.test>"]).with_size(3)).unwrap();
    client.quit();
    client
}

fn answer(client: &mut Client, event: Event) -> Note {
    match event {
        Event::Body(mut writer) => {
            writer.write(client, Bytes::from_static(b".x\r\n")).unwrap();
            writer.finish(client).unwrap();
            Note::event("body")
        }
        Event::Sent(report) => {
            let taken: Vec<bool> = report.recipients.iter().map(Result::is_ok).collect();
            Note::event(format!("sent {:?} {taken:?}", report.stage))
        }
        Event::Recipient { index, result, .. } => Note::event(format!("rcpt {index} {}", result.is_ok())),
        Event::Ready(_) => Note::event("ready"),
        event => Note::event(format!("{event:?}")),
    }
}

/// A scripted server knows no question, so its script is cut only between what answers different groups.
fn play(make: impl Fn() -> Client, script: &[&str]) -> Outcome {
    let bytewise = script.iter().flat_map(|piece| piece.as_bytes().chunks(1));
    let whole =
        posthaste_testkit::run(&mut make(), script.iter().map(|piece| piece.as_bytes()), true, answer);
    assert_eq!(posthaste_testkit::run(&mut make(), bytewise, true, answer), whole);
    whole
}

#[test]
fn one_group_where_pipelining_is_offered() {
    let script = [
        "220 x\r\n",
        "250-x\r\n250-SIZE\r\n250 PIPELINING\r\n",
        "250 ok\r\n250 ok\r\n550 5.1.1 no\r\n354 go\r\n",
        "250 2.0.0 queued\r\n",
        "221 bye\r\n",
    ];
    let outcome = play(|| queued(TlsPolicy::Off), &script);
    let expected = "EHLO c.test\r\nMAIL FROM:<a@c.test> SIZE=3\r\nRCPT TO:<u@x.test>\r\nRCPT TO:<no@x.test>\r\n\
                    DATA\r\n..x\r\n.\r\nQUIT\r\n";
    assert_eq!(outcome.text(), expected);
    assert!(outcome.has("sent End [true, false]") && outcome.closed);
}

#[test]
fn one_by_one_where_it_is_not_and_helo_where_ehlo_is_unknown() {
    let script = [
        "220 x\r\n",
        "500 what\r\n",
        "250 x\r\n",
        "250 a\r\n",
        "550 b\r\n",
        "550 c\r\n",
        "250 reset\r\n",
        "221 d\r\n",
    ];
    let outcome = play(|| queued(TlsPolicy::Opportunistic), &script);
    let expected = "EHLO c.test\r\nHELO c.test\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<u@x.test>\r\n\
                    RCPT TO:<no@x.test>\r\nRSET\r\nQUIT\r\n";
    assert_eq!(outcome.text(), expected);
    assert!(outcome.has("sent Recipients [false, false]"));
}

#[test]
fn a_354_for_nobody_is_answered_with_a_lone_dot() {
    let replies = "250 a\r\n550 b\r\n550 c\r\n354 d\r\n";
    let script = ["220 x\r\n", "250-x\r\n250 PIPELINING\r\n", replies, "554 e\r\n", "250 f\r\n", "221 g\r\n"];
    let outcome = play(|| queued(TlsPolicy::Off), &script);
    assert!(outcome.text().ends_with("DATA\r\n.\r\nRSET\r\nQUIT\r\n"));
    assert!(outcome.has("sent Recipients [false, false]") && !outcome.has("body"));
}

#[test]
fn a_refused_sender_is_refused_for_all() {
    let replies = "550 a\r\n503 b\r\n503 c\r\n503 d\r\n";
    let outcome =
        play(|| queued(TlsPolicy::Off), &["220 x\r\n", "250-x\r\n250 PIPELINING\r\n", replies, "221 g\r\n"]);
    assert!(outcome.has("sent Mail [false, false]"));
    assert!(outcome.text().ends_with("DATA\r\nQUIT\r\n"));
}

#[test]
fn lmtp_has_an_answer_for_each_recipient() {
    let make = || {
        let mut client = client(Mode::Lmtp, TlsPolicy::Off);
        client.send(envelope(&["<a@x.test>", "<b@x.test>", "<c@x.test>"])).unwrap();
        client
    };
    let replies = "250 a\r\n250 b\r\n550 c\r\n250 d\r\n354 e\r\n";
    let script = ["220 x\r\n", "250-x\r\n250 PIPELINING\r\n", replies, "452 full\r\n250 ok\r\n"];
    let outcome = play(make, &script);
    assert!(outcome.text().starts_with("LHLO c.test\r\n"));
    assert!(outcome.has("sent End [false, false, true]"));
}

#[test]
fn required_tls_sends_nothing_in_the_clear() {
    let upgrade = ["220 x\r\n", "250-x\r\n250 STARTTLS\r\n", "220 go\r\n", "250 x\r\n"];
    let outcome = play(|| queued(TlsPolicy::Required), &upgrade);
    assert!(outcome.has("(upgrade)"));
    assert!(outcome.text().starts_with("EHLO c.test\r\nSTARTTLS\r\nEHLO c.test\r\nMAIL"));
    let stripped = play(|| queued(TlsPolicy::Required), &["220 x\r\n", "250 x\r\n"]);
    assert_eq!(stripped.text(), "EHLO c.test\r\nQUIT\r\n");
    assert_eq!(stripped.error, Some(ProtocolError::TlsUnavailable.to_string()));
    let refused =
        play(|| queued(TlsPolicy::Required), &["220 x\r\n", "250-x\r\n250 STARTTLS\r\n", "454 no\r\n"]);
    assert_eq!(refused.text(), "EHLO c.test\r\nSTARTTLS\r\nQUIT\r\n");
    assert_eq!(refused.error, Some(ProtocolError::TlsUnavailable.to_string()));
}

#[test]
fn plaintext_behind_the_go_ahead_is_fatal() {
    for tls in [TlsPolicy::Required, TlsPolicy::Opportunistic] {
        let input = b"220 x\r\n250-x\r\n250 STARTTLS\r\n220 go\r\n250 injected\r\n";
        let outcome = posthaste_testkit::run(&mut queued(tls), [&input[..]], false, answer);
        assert_eq!(outcome.error, Some(ProtocolError::Residue { octets: 14 }.to_string()));
        assert_eq!(outcome.text(), "EHLO c.test\r\nSTARTTLS\r\n");
    }
}

#[test]
fn a_reply_before_its_command_is_never_believed() {
    let mut client = client(Mode::Smtp, TlsPolicy::Off);
    let input = [&b"220 x\r\n250 x\r\n"[..], b"250 early\r\n"];
    let outcome = posthaste_testkit::run(&mut client, input, false, answer);
    assert_eq!(outcome.error, Some(ProtocolError::Stale.to_string()));
}

#[test]
fn hostile_replies_end_the_session_in_every_split() {
    for input in ["220-\r\n250 x\r\n", "hello\r\n", "2\r\n", "999 x\r\n", "554 go away\r\n", "421 later\r\n"]
    {
        let outcome = assert_split_invariant(|| queued(TlsPolicy::Off), input.as_bytes(), false, answer);
        assert!(outcome.error.is_some(), "{input}");
    }
    let endless = "220-x\r\n".repeat(200);
    assert!(
        assert_split_invariant(|| queued(TlsPolicy::Off), endless.as_bytes(), false, answer).error.is_some()
    );
    let long = format!("220 {}\r\n", "x".repeat(3000));
    assert!(
        assert_split_invariant(|| queued(TlsPolicy::Off), long.as_bytes(), false, answer).error.is_some()
    );
}

fn at_body(client: &mut Client) -> posthaste_smtp::client::BodyWriter {
    client.handle_input(Time::ZERO, b"220 x\r\n250-x\r\n250 PIPELINING\r\n");
    loop {
        match client.poll_event().unwrap() {
            Step::Event(Event::Body(writer)) => return writer,
            Step::Event(_) => {}
            Step::NeedInput => client.handle_input(Time::ZERO, b"250 a\r\n250 b\r\n550 c\r\n354 d\r\n"),
            step => panic!("{step:?}"),
        }
    }
}

fn output(client: &mut Client) -> Vec<u8> {
    std::iter::from_fn(|| client.poll_transmit()).flatten().collect()
}

#[test]
fn content_that_cannot_be_sent_is_not_sent() {
    let mut client = queued(TlsPolicy::Off);
    let mut writer = at_body(&mut client);
    output(&mut client);
    for chunk in [&b"a\nb"[..], b"a\rb", b"a\0b", b"\n"] {
        assert!(matches!(
            writer.write(&mut client, Bytes::copy_from_slice(chunk)),
            Err(Misuse::Argument { .. })
        ));
    }
    writer.write(&mut client, Bytes::from_static(b"a\r")).unwrap();
    assert!(writer.write(&mut client, Bytes::from_static(b"b")).is_err());
    writer.write(&mut client, Bytes::from_static(b"\n.b")).unwrap();
    writer.finish(&mut client).unwrap();
    assert_eq!(output(&mut client), b"a\r\n..b\r\n.\r\n");
}

#[test]
fn abort_never_ends_the_message() {
    let mut client = queued(TlsPolicy::Off);
    let mut writer = at_body(&mut client);
    output(&mut client);
    writer.write(&mut client, Bytes::from_static(b"a\r\n")).unwrap();
    writer.abort(&mut client).unwrap();
    assert!(matches!(client.poll_event(), Ok(Step::Closed)));
    assert!(output(&mut client).is_empty());
}

#[test]
fn authentication_is_an_exchange_of_opaque_octets() {
    let mut client = client(Mode::Smtp, TlsPolicy::Off);
    let script = [&b"220 x\r\n"[..], b"250-x\r\n250 AUTH=LOGIN\r\n", b"334 VXNlcm5hbWU6\r\n", b"535 no\r\n"];
    let outcome = posthaste_testkit::run(&mut client, script, false, |client, event| match event {
        Event::Ready(capabilities) => {
            assert_eq!(capabilities.mechanisms()[0].as_str(), "LOGIN");
            client.authenticate("LOGIN".parse().unwrap(), None).unwrap();
            Note::event("ready")
        }
        Event::Challenge(challenge) => {
            assert_eq!(challenge.challenge().expose(), b"Username:");
            challenge.respond(client, Secret::from("u")).unwrap();
            Note::event("challenge")
        }
        event => answer(client, event),
    });
    assert_eq!(outcome.text(), "EHLO c.test\r\nAUTH LOGIN\r\ndQ==\r\n");
    assert!(format!("{:?}", outcome.notes).contains("AuthRefused"));
}

/// After a cut at any octet the message is on both sides, on neither, or the client knows that it does not know.
#[test]
fn a_cut_at_any_octet_loses_and_doubles_nothing() {
    let config =
        server::Config::new(server::Mode::Mta, "mx.test".parse().unwrap()).with_tls(TlsOffer::StartTls);
    let mut octets = usize::MAX;
    let mut cut = None;
    let mut at = 0;
    while at <= octets {
        let mut client = queued(TlsPolicy::Required);
        let mut server = Server::new(config.clone(), Security::Plain, Time::ZERO);
        let (stored, sent) = (Cell::new(0), Cell::new(0));
        let body = RefCell::new(Vec::new());
        let ended = converse(
            &mut client,
            &mut server,
            Conversation { segment: 7, cut_after: cut },
            |client, event| {
                if let Event::Sent(report) = &event {
                    sent.set(sent.get() + report.recipients.iter().filter(|result| result.is_ok()).count());
                }
                answer(client, event);
            },
            |server, event| match event {
                server::Event::StartTls(token) => token.accept(server).unwrap(),
                server::Event::Mail(mail) => mail.accept(server).unwrap(),
                server::Event::Rcpt(rcpt) if rcpt.to().to_string().starts_with("<no") => {
                    rcpt.reject(server, Rejection::no_such_user()).unwrap();
                }
                server::Event::Rcpt(rcpt) => rcpt.accept(server).unwrap(),
                server::Event::Data(data) => data.accept(server).unwrap(),
                server::Event::Body(chunk) => body.borrow_mut().extend_from_slice(&chunk),
                server::Event::BodyEnd(end) => {
                    assert_eq!(*body.borrow(), b".x\r\n");
                    stored.set(stored.get() + 1);
                    end.accept(server).unwrap();
                }
                _ => {}
            },
        );
        let unknown = ended.client == Err(ProtocolError::OutcomeUnknown.to_string());
        match (sent.get(), stored.get()) {
            (0, 0) => assert!(cut.is_some()),
            (1, 1) => {}
            (0, 1) => assert!(unknown, "cut at {at}: {ended:?}"),
            other => panic!("cut at {at}: {other:?}"),
        }
        if cut.is_none() {
            assert_eq!((sent.get(), stored.get(), &ended.client), (1, 1, &Ok(())));
            octets = ended.octets;
        }
        cut = Some(at);
        at += 1;
    }
}
