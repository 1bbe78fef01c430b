//! What the tests of what a server is asked for share: an application that says yes, and that tells what it heard.

#![allow(dead_code, unreachable_pub, reason = "not every test needs all of it")]

use std::num::NonZeroU32;

use posthaste_imap::server::{
    Config, CopyUid, Event, Extensions, Refusal, SelectData, SelectedFlags, Server,
};
use posthaste_imap::types::{FetchItem, Flag, Namespaces, PermanentFlags, UidSet};
use posthaste_imap::{Misuse, Security, Step, Time};
use posthaste_testkit::{Note, Outcome, run};

pub fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// FLAGS of a row.
pub fn flags(flags: impl IntoIterator<Item = Flag>) -> Vec<FetchItem> {
    vec![FetchItem::Flags(flags.into_iter().collect())]
}

pub fn uids(numbers: impl IntoIterator<Item = u32>) -> UidSet {
    UidSet::from_numbers(numbers.into_iter().map(number))
}

/// A server that nobody tires by doing wrong.
pub fn patient() -> Config {
    let mut config = Config::new("mail.test");
    config.limits.violations_max = 1000;
    config.limits.violations_preauth_max = 1000;
    config.limits.auth_failures_max = 1000;
    config
}

pub fn server() -> Server {
    Server::new(patient(), Security::Tls, Time::ZERO)
}

/// A server on which `ann` is logged in, and has INBOX open where `selected` says so. What it said so far is taken.
pub fn logged_in(selected: Selected) -> Server {
    logged_in_with(Extensions::new(), selected)
}

/// As [`logged_in`], with these extensions.
pub fn logged_in_with(extensions: Extensions, selected: Selected) -> Server {
    let mut config = patient();
    config.extensions = extensions;
    let mut server = Server::new(config, Security::Tls, Time::ZERO);
    let input: &[u8] = match selected {
        Selected::Nothing => b"0 LOGIN ann secret\r\n",
        Selected::Inbox => b"0 LOGIN ann secret\r\n0 SELECT INBOX\r\n",
    };
    let outcome = run(&mut server, [input], false, application);
    assert!(outcome.text().contains("\r\n0 OK "), "{outcome:?}");
    server
}

#[derive(Clone, Copy, Debug)]
pub enum Selected {
    Nothing,
    Inbox,
}

/// What comes of `input` after login and with INBOX selected: what the application heard, what the server said.
pub fn hear(input: impl AsRef<[u8]>) -> Outcome {
    run(&mut logged_in(Selected::Inbox), [input.as_ref()], false, application)
}

/// Asserts that each of `cases` is answered with a line that begins so, behind its tag.
pub fn assert_answers(cases: &[(&str, &str)]) {
    for (command, expected) in cases {
        let outcome = hear(format!("a {command}\r\n"));
        let text = outcome.text();
        let answers = text.lines().filter(|line| line.starts_with("a ")).count();
        let matches = text.lines().any(|line| line.starts_with(&format!("a {expected}")));
        assert!(answers == 1 && matches, "{command} is not answered with {expected}: {text}");
    }
}

/// What the server has to say.
pub fn sent(server: &mut Server) -> String {
    let sent: Vec<u8> = std::iter::from_fn(|| server.poll_transmit()).flatten().collect();
    String::from_utf8(sent).unwrap()
}

/// Hands `input` over; the event of the last command in it is given unanswered, the others are answered.
pub fn until_asked(server: &mut Server, input: &str) -> Event {
    server.handle_input(Time::ZERO, input.as_bytes());
    let commands = input.matches("\r\n").count() - input.matches("}\r\n").count();
    for _ in 1..commands {
        let Ok(Step::Event(event)) = server.poll_event() else { panic!("no event") };
        answer(server, event).unwrap();
    }
    let Ok(Step::Event(event)) = server.poll_event() else { panic!("no event") };
    event
}

/// An application with the user `ann`, three messages in INBOX, and no other mailbox.
pub fn application(server: &mut Server, event: Event) -> Note {
    match event {
        Event::Body(chunk) => Note::body(&chunk),
        Event::Violation(violation) => Note::event(format!("violation: {violation}")),
        event => {
            // Tickets are not the same in two conversations.
            let words = format!("{event:?}");
            let words = words.split(", ticket: ").next().unwrap().to_owned();
            answer(server, event).unwrap();
            Note::event(words)
        }
    }
}

/// Whether the application heard an event that begins with `name`.
pub fn heard(outcome: &Outcome, name: &str) -> bool {
    outcome.notes.iter().any(|note| matches!(note, Note::Event(event) if event.starts_with(name)))
}

/// Says yes.
pub fn answer(server: &mut Server, event: Event) -> Result<(), Misuse> {
    match event {
        Event::StartTls(token) => token.accept(server),
        Event::Login(login)
            if login.user().as_bytes() == b"ann" && login.password().expose() == b"secret" =>
        {
            login.ok(server)
        }
        Event::Login(login) => login.refuse(server),
        Event::Auth(auth) => match auth.response().map(|response| response.expose().to_vec()) {
            Some(response) if response == b"\0ann\0secret" => auth.accept(server),
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
        Event::AppendEnd(asked) => asked.ok(server, number(1), number(14)),
        Event::Fetch(asked) => {
            let mut row = asked.begin().row(server, number(1))?;
            row.item(server, &FetchItem::Uid(number(11)))?;
            row.finish(server)?.ok(server)
        }
        Event::Store(asked) => asked.ok(server),
        Event::Copy(asked) if asked.mailbox.is_inbox() => {
            let (source, target) = (uids([11, 12]), uids([14, 15]));
            asked.ok(server, Some(CopyUid { uid_validity: number(1), source, target }))
        }
        Event::Copy(asked) => asked.no(server, Refusal::try_create()),
        Event::Move(asked) if asked.mailbox.is_inbox() => {
            let (source, target) = (uids([11]), uids([14]));
            asked.moved(server, CopyUid { uid_validity: number(1), source, target })?;
            asked.expunged(server, number(1))?;
            asked.ok(server)
        }
        Event::Move(asked) => asked.no(server, Refusal::try_create()),
        Event::Expunge(asked) => asked.ok(server),
        Event::Search(asked) => asked.ok(server, Vec::new()),
        Event::Idle(asked) => asked.start(server),
        Event::IdleDone(asked) => asked.ok(server),
        _ => Ok(()),
    }
}

pub fn inbox() -> SelectData {
    let flags = [Flag::Deleted, Flag::Seen];
    let permanent =
        PermanentFlags { flags: flags.iter().map(ToOwned::to_owned).collect(), new_keywords: true };
    SelectData {
        flags: SelectedFlags { defined: flags.into_iter().collect(), permanent },
        exists: 3,
        recent: 1,
        unseen: Some(number(2)),
        uid_validity: number(1),
        uid_next: number(14),
        access: posthaste_imap::server::Access::ReadWrite,
    }
}
