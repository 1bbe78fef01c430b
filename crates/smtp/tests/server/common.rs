//! What the tests of the server share: a configuration, an application that says yes, and ways to run them.

use posthaste_smtp::server::{BodyAborted, Config, Event, Mode, Server};
use posthaste_smtp::{Limits, Rejection, Security, Time};
use posthaste_testkit::{Note, Outcome, assert_split_invariant, run, splits};

pub(crate) fn config(mode: Mode) -> Config {
    let mut limits = Limits::default();
    limits.message_max = 1000;
    limits.violations_max = 20;
    limits.data_rate_min = 500;
    Config::new(mode, "mx.test".parse().unwrap()).with_limits(limits)
}

pub(crate) fn server(config: &Config) -> Server {
    Server::new(config.clone(), Security::Plain, Time::ZERO)
}

/// Accepts everything but the recipient `no@`.
pub(crate) fn answer(server: &mut Server, event: Event) -> Note {
    match event {
        Event::Hello(hello) => Note::event(format!("hello {}", hello.name)),
        Event::StartTls(token) => {
            token.accept(server).unwrap();
            Note::event("starttls")
        }
        Event::Auth(auth) => {
            auth.accept(server).unwrap();
            Note::event("auth")
        }
        Event::Vrfy(vrfy) => {
            let note = Note::event(format!("vrfy {}", vrfy.text()));
            vrfy.pass(server).unwrap();
            note
        }
        Event::Expn(expn) => {
            let note = Note::event(format!("expn {}", expn.text()));
            expn.pass(server).unwrap();
            note
        }
        Event::Etrn(etrn) => {
            let note = Note::event(format!("etrn {}", etrn.node()));
            etrn.start(server).unwrap();
            note
        }
        Event::Xclient(xclient) => {
            let note = Note::event(format!("xclient {:?}", xclient.attributes().known("ADDR")));
            xclient.accept(server).unwrap();
            note
        }
        Event::Xforward(xforward) => {
            let note = Note::event(format!("xforward {:?}", xforward.attributes().known("ADDR")));
            xforward.accept(server).unwrap();
            note
        }
        Event::Mail(mail) => {
            let note = Note::event(format!("mail {}", mail.from()));
            mail.accept(server).unwrap();
            note
        }
        Event::Rcpt(rcpt) => {
            let note = Note::event(format!("rcpt {}", rcpt.to()));
            if rcpt.to().to_string().starts_with("<no@") {
                rcpt.reject(server, Rejection::no_such_user()).unwrap();
            } else {
                rcpt.accept(server).unwrap();
            }
            note
        }
        Event::Data(data) => {
            let note = Note::event(format!("data {}", data.transaction().recipients().len()));
            data.accept(server).unwrap();
            note
        }
        Event::Body(chunk) => Note::body(&chunk),
        Event::BodyEnd(end) => {
            let note = Note::event(format!("end {} {}", end.transaction().from(), end.size()));
            end.accept(server).unwrap();
            note
        }
        event => Note::event(format!("{event:?}")),
    }
}

pub(crate) const T0: &str = "EHLO c.test\r\nMAIL FROM:<a@c.test>\r\nRCPT TO:<u@local.test>\r\nDATA\r\n";

pub(crate) const H: &str = "From: a\r\nTo: b\r\nSubject: c\r\n\r\n";

pub(crate) const SMUG: &str =
    "MAIL FROM:<s@evil.test>\r\nRCPT TO:<u@local.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nB\r\n";

/// Runs a body behind a DATA that was waited for, in every split of the body.
pub(crate) fn with_body(config: &Config, start: &str, body: &[u8], eof: bool) -> Outcome {
    let start = start.as_bytes();
    let whole = run(&mut server(config), [start, body], eof, answer);
    for pieces in splits(body) {
        let pieces = std::iter::once(start).chain(pieces);
        assert_eq!(run(&mut server(config), pieces, eof, answer), whole);
    }
    whole
}

pub(crate) fn ends(outcome: &Outcome) -> usize {
    let end = |note: &&Note| matches!(note, Note::Event(words) if words.starts_with("end "));
    outcome.notes.iter().filter(end).count()
}

pub(crate) fn aborted(outcome: &Outcome, reason: BodyAborted) -> bool {
    outcome.has(&format!("BodyAborted({reason:?})"))
}

pub(crate) fn commands(mode: Mode, input: &str) -> Outcome {
    let config = config(mode);
    assert_split_invariant(|| server(&config), input.as_bytes(), false, answer)
}

/// The code that `line` gets after EHLO, and what was seen.
pub(crate) fn last_code(mode: Mode, input: &str) -> (String, Outcome) {
    let outcome = commands(mode, &format!("EHLO c.test\r\n{input}"));
    let text = outcome.text();
    (text.lines().last().unwrap().chars().take(9).collect::<String>().trim().to_owned(), outcome)
}
