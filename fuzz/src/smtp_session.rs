//! Sessions of SMTP and LMTP: a machine that hears any octets in any split keeps the contract of all machines, and
//! its events come in an order that an application can rely on.

use std::cell::RefCell;

use posthaste_smtp::client::{self, AuthPrivacy, Client, TlsPolicy};
use posthaste_smtp::server::{self, Event, Extensions, Server, TlsOffer};
use posthaste_smtp::{
    Bytes, Envelope, Mechanism, Misuse, ProtocolError, Rejection, ReplyReader, Secret, Security, Step, Time,
};
use posthaste_testkit::{Note, Outcome, run};

use crate::plan::Plan;

/// A server: any split gives the same events and replies; events come in order; every reply is well formed; a session
/// that is over stays over.
pub fn smtp_server(input: &[u8]) {
    let Some(plan) = Plan::read(input) else { return };
    let pieces = plan.pieces();
    let whole = serve(plan.number, pieces.iter().copied());
    // What is sent ahead of an answer that has to be waited for is a matter of when it came.
    let hurried = [ProtocolError::UnauthorisedPipelining.to_string(), "of plaintext".to_owned()];
    let is_hurried = |error: &String| hurried.iter().any(|hurried| error.contains(hurried.as_str()));
    if !whole.error.as_ref().is_some_and(is_hurried) {
        let octets = pieces.iter().flat_map(|piece| piece.chunks(1));
        assert_eq!(serve(plan.number, octets), whole, "the session depends on the split");
    }
    assert!(!whole.paused, "every token was answered");
    let mut reader = ReplyReader::new();
    for line in whole.text().split_inclusive("\r\n") {
        let line = line.strip_suffix("\r\n").expect("a reply ends with CR LF");
        let line = Bytes::copy_from_slice(line.as_bytes());
        reader.line(&line).unwrap_or_else(|error| panic!("{line:?} is no reply: {error}"));
    }
    assert!(!reader.is_midway(), "the last reply is cut");
}

/// A client with two messages to send: each message is reported or given back, once; nothing is sent that is no
/// command line or content; a session that is over stays over.
pub fn smtp_client(input: &[u8]) {
    let Some(plan) = Plan::read(input) else { return };
    let pieces = plan.pieces();
    let whole = send(plan.number, pieces.iter().copied());
    // A reply that came ahead of its command is not believed, and one amid the content refuses the message; octet by
    // octet, both came behind what they answer.
    if whole.error.is_none() && !is_refused_amid(&whole) {
        let octets = pieces.iter().flat_map(|piece| piece.chunks(1));
        let cut = send(plan.number, octets);
        if cut.error.is_none() {
            // The start of a reply behind the last one may hold QUIT back, and nothing else.
            assert_eq!(cut.notes, whole.notes, "the session depends on the split");
        }
    }
    assert!(whole.output.iter().all(|octet| *octet != 0), "a NUL was sent");
    assert!(whole.text().split("\r\n").all(|line| !line.contains(['\r', '\n'])), "a bare CR or LF was sent");
}

/// Whether a message was refused before its content had all been sent.
fn is_refused_amid(outcome: &Outcome) -> bool {
    outcome.notes.iter().any(|note| format!("{note:?}").contains("stage: Content"))
}

/// How far a transaction is, as the events say.
#[derive(Debug, PartialEq)]
enum Watch {
    Idle,
    Open { accepted: usize },
    Content { octets: u64 },
}

fn serve<'a>(number: u8, pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let mode = match number % 3 {
        0 => server::Mode::Mta,
        1 => server::Mode::Submission,
        _ => server::Mode::Lmtp,
    };
    let mechanisms: Vec<Mechanism> = vec!["PLAIN".parse().expect("a name"), "LOGIN".parse().expect("a name")];
    let mut config = server::Config::new(mode, "mx.test".parse().expect("a name"))
        .with_tls(if number & 16 == 0 { TlsOffer::StartTls } else { TlsOffer::Absent })
        .with_mechanisms(mechanisms)
        .with_early_talker(server::EarlyTalker::Tolerate);
    if number & 32 != 0 {
        config = config.with_extensions(everything());
    }
    let security = if number & 64 == 0 { Security::Tls } else { Security::Plain };
    let refusing = number & 128 != 0;
    let mut machine = Server::new(config, security, Time::ZERO);
    let mut watch = Watch::Idle;
    let mut asked = 0_usize;
    let outcome = run(&mut machine, pieces, true, |server, event| {
        // Chunks are as arbitrary as reads.
        asked += usize::from(!matches!(event, Event::Body(_)));
        let refuse = refusing && asked % 3 == 0;
        answer(server, event, refuse, &mut watch)
    });
    over(&mut machine);
    outcome
}

fn everything() -> Extensions {
    Extensions::new()
        .with_binary_mime()
        .with_smtp_utf8()
        .with_dsn()
        .with_require_tls()
        .with_future_release(86_400, "2030-01-01T00:00:00Z".parse().expect("a date"))
        .with_deliver_by(Some(60))
        .with_mt_priority(None)
        .with_rrvs()
        .with_limits()
        .with_etrn()
        .with_vrfy()
        .with_expn()
        .with_help()
}

fn answer(server: &mut Server, event: Event, refuse: bool, watch: &mut Watch) -> Note {
    let no = Rejection::denied;
    let said = format!("{event:?}");
    let words = said.split(['(', ' ']).next().unwrap_or_default().to_owned();
    let done = match event {
        Event::StartTls(token) if refuse => token.reject(server),
        Event::StartTls(token) => token.accept(server),
        Event::Auth(token) if refuse => token.reject(server, Rejection::credentials_invalid()),
        Event::Auth(token) if token.response().is_none() => token.challenge(server, b"?"),
        Event::Auth(token) => token.accept(server),
        Event::Mail(mail) => {
            assert_eq!(*watch, Watch::Idle, "MAIL inside a transaction");
            if !refuse {
                *watch = Watch::Open { accepted: 0 };
            }
            if refuse { mail.reject(server, no()) } else { mail.accept(server) }
        }
        Event::Rcpt(rcpt) => {
            let Watch::Open { accepted } = watch else { panic!("RCPT outside a transaction") };
            *accepted += usize::from(!refuse);
            if refuse { rcpt.reject(server, no()) } else { rcpt.accept(server) }
        }
        Event::Data(data) => {
            let Watch::Open { accepted } = watch else { panic!("content outside a transaction") };
            assert_eq!(data.transaction().recipients().len(), *accepted);
            assert!(*accepted > 0, "content for nobody");
            *watch = if refuse { Watch::Idle } else { Watch::Content { octets: 0 } };
            if refuse { data.reject(server, no()) } else { data.accept(server) }
        }
        Event::Body(chunk) => {
            let Watch::Content { octets } = watch else { panic!("content before it was asked for") };
            assert!(!chunk.is_empty(), "a chunk of nothing");
            *octets += chunk.len() as u64;
            return Note::body(&chunk);
        }
        Event::BodyEnd(end) => {
            let Watch::Content { octets } = watch else { panic!("the end of no content") };
            assert_eq!(end.size(), *octets);
            *watch = Watch::Idle;
            if refuse { end.reject(server, no()) } else { end.accept(server) }
        }
        Event::BodyAborted(_) => {
            assert!(matches!(watch, Watch::Content { .. }), "the end of no content");
            *watch = Watch::Idle;
            return Note::event(said);
        }
        Event::Reset => {
            // A transaction whose DATA was cut off has no content yet.
            assert!(!matches!(watch, Watch::Idle), "nothing to reset");
            *watch = Watch::Idle;
            Ok(())
        }
        Event::Vrfy(vrfy) => vrfy.pass(server),
        Event::Expn(expn) => expn.pass(server),
        Event::Etrn(etrn) => etrn.start(server),
        Event::Xclient(xclient) => xclient.accept(server),
        Event::Xforward(xforward) => xforward.accept(server),
        _ => return Note::event(said),
    };
    assert_eq!(done, Ok(()), "an answer to {words} was refused");
    Note::event(words)
}

fn send<'a>(number: u8, pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let mode = if number & 1 == 0 { client::Mode::Smtp } else { client::Mode::Lmtp };
    let tls = [TlsPolicy::Off, TlsPolicy::Opportunistic, TlsPolicy::Required][usize::from(number / 2 % 3)];
    let config = client::Config::new(mode, "c.test".parse().expect("a name"))
        .with_tls(tls)
        .with_auth_requires_tls(AuthPrivacy::NotRequired);
    let mut machine = Client::new(config, Security::Plain, Time::ZERO);
    let paths = ["<a@x.test>", "<b@x.test>"].map(|path| path.parse().expect("a path"));
    let envelope = Envelope::new("<s@c.test>".parse().expect("a path"), paths);
    let mut open = vec![
        machine.send(envelope.clone()).expect("a message is queued"),
        machine.send(envelope).expect("a message is queued"),
    ];
    machine.quit();
    let waiting = RefCell::new(None);
    let outcome = run(&mut machine, pieces, true, |client, event| {
        let words = format!("{event:?}");
        match event {
            client::Event::Ready(_) if number & 64 != 0 => {
                // Refused where the server does not offer it.
                let _ = client.authenticate("PLAIN".parse().expect("a name"), Some(Secret::from("\0u\0p")));
            }
            client::Event::Challenge(challenge) => {
                challenge.respond(client, Secret::from("p")).expect("a challenge is answered once");
            }
            client::Event::Body(mut writer) => {
                let chunk = Bytes::from_static(b"Subject: x\r\n\r\n.\r\ny\r\n");
                match writer.write(client, chunk) {
                    Ok(()) => writer.finish(client).expect("a message ends once"),
                    Err(Misuse::Argument { .. } | Misuse::WrongConnection) => panic!("the content is good"),
                    Err(_) => *waiting.borrow_mut() = Some(writer),
                }
                return Note::event("Body");
            }
            client::Event::Sent(report) => {
                let at = open.iter().position(|id| *id == report.id).expect("a message is reported once");
                open.remove(at);
                assert_eq!(report.recipients.len(), 2);
            }
            _ => {}
        }
        Note::event(words)
    });
    if outcome.closed || outcome.error.is_some() {
        for unfinished in machine.take_unfinished() {
            let at = open.iter().position(|id| *id == unfinished.id).expect("a message is given back once");
            open.remove(at);
        }
        assert!(open.is_empty(), "neither reported nor given back: {open:?}");
    }
    over(&mut machine);
    outcome
}

/// A machine whose peer has gone ends, and stays what it is, whatever is called.
fn over<M: posthaste_smtp::Machine>(machine: &mut M) {
    let mut last = None;
    for _ in 0..4 {
        machine.handle_eof(Time::MAX);
        machine.handle_timeout(Time::MAX);
        machine.handle_input(Time::MAX, b"250 x\r\nNOOP\r\n");
        while machine.poll_transmit().is_some() {}
        let end = match machine.poll_event() {
            Ok(Step::Closed) => "closed".to_owned(),
            Err(error) => error.to_string(),
            // A token that was dropped.
            Ok(Step::Paused) => return,
            Ok(_) => continue,
        };
        assert!(last.is_none_or(|last| last == end), "an end that changes");
        last = Some(end);
    }
}
