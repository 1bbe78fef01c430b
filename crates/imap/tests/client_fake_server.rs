//! The client against a server that follows a script, over a pipe that cuts as it likes; and the proof that what the
//! client sends is exactly the commands it was asked for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod client_support;

use bytes::Bytes;
use client_support::{client, commands, ready, say, sent, words};
use posthaste_imap::client::{Client, Config, Event};
use posthaste_imap::types::{
    AString, Addressing, Command, FetchAttribute, ListPattern, Mailbox, ParseContext, SearchCommand,
    SearchKey, Section, SequenceSet,
};
use posthaste_imap::{Layer, Machine, Misuse, Secret, Security, State, Step, Time, Upgrade, parse};
use posthaste_testkit::{Conversation, converse};
use posthaste_wire::{ReceiveBuffer, SendQueue};
use proptest::prelude::*;

/// Says what the script says when it hears what the script says.
struct Fake {
    script: std::collections::VecDeque<(&'static str, &'static str)>,
    buffer: ReceiveBuffer,
    send: SendQueue,
    upgrade: bool,
    heard: Vec<String>,
    eof: bool,
}

#[derive(Clone, Debug, thiserror::Error)]
#[error("heard {heard:?} instead of {expected:?}")]
struct Unscripted {
    heard: String,
    expected: &'static str,
}

impl Fake {
    fn new(greeting: &str, script: &[(&'static str, &'static str)]) -> Self {
        let mut send = SendQueue::default();
        send.put(greeting.as_bytes());
        let script = script.iter().copied().collect();
        Self { script, buffer: ReceiveBuffer::new(), send, upgrade: false, heard: Vec::new(), eof: false }
    }
}

impl Machine for Fake {
    type Event = ();
    type Error = Unscripted;

    fn handle_input(&mut self, _: Time, input: &[u8]) {
        self.buffer.push(input);
    }

    fn handle_eof(&mut self, _: Time) {
        self.eof = true;
    }

    fn handle_timeout(&mut self, _: Time) {}

    fn poll_event(&mut self) -> Result<Step<()>, Unscripted> {
        loop {
            if self.upgrade {
                self.upgrade = false;
                return Ok(Step::Upgrade(Upgrade::new(Layer::Tls, self.buffer.drained().unwrap())));
            }
            let Some((expected, answer)) = self.script.front().copied() else { return Ok(Step::Closed) };
            let Some(line) = self.buffer.line(10_000).unwrap() else {
                return Ok(if self.eof { Step::Closed } else { Step::NeedInput });
            };
            let heard = String::from_utf8(line.to_vec()).unwrap();
            if heard != expected {
                return Err(Unscripted { heard, expected });
            }
            self.script.pop_front();
            self.upgrade = heard.ends_with("STARTTLS");
            self.heard.push(heard);
            self.send.put(answer.as_bytes());
        }
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.send.pop()
    }

    fn poll_timeout(&self) -> Option<Time> {
        None
    }

    fn upgraded(&mut self, _: Time, _: Upgrade, _: Security) -> Result<(), Misuse> {
        Ok(())
    }

    fn is_congested(&self) -> bool {
        false
    }
}

const SCRIPT: [(&str, &str); 14] = [
    ("A1 STARTTLS", "A1 OK begin\r\n"),
    ("A2 CAPABILITY", "* CAPABILITY IMAP4rev1 IDLE AUTH=LOGIN\r\nA2 OK done\r\n"),
    ("A3 AUTHENTICATE LOGIN", "+ VXNlcm5hbWU6\r\n"),
    ("am9l", "+ UGFzc3dvcmQ6\r\n"),
    ("cHc=", "A3 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n"),
    ("A4 SELECT INBOX", "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\nA4 OK [READ-WRITE] open\r\n"),
    ("A5 APPEND INBOX {5}", "+ go\r\n"),
    ("helloA", "* 2 EXISTS\r\n"),
    ("", "A5 OK [APPENDUID 7 9] stored\r\n"),
    (
        "A6 FETCH 1:* (UID BODY.PEEK[])",
        "* 1 FETCH (UID 8 BODY[] {3}\r\none)\r\n* 2 FETCH (UID 9 BODY[] {7}\r\nhelloA\n)\r\nA6 OK done\r\n",
    ),
    ("A7 IDLE", "+ idling\r\n* 1 EXPUNGE\r\n"),
    ("DONE", "A7 OK idled\r\n"),
    ("A8 LOGOUT", "* BYE so long\r\nA8 OK done\r\n"),
    ("never", ""),
];

/// The application of the script. Returns what it saw.
fn act(client: &mut Client, event: Event, seen: &mut Vec<String>) {
    seen.push(words(&event));
    match event {
        Event::Ready => {
            client.authenticate("LOGIN", None).unwrap();
            client.select(Mailbox::inbox(), vec![]).unwrap();
            client.append(Mailbox::inbox(), vec![], None, 7).unwrap();
            let body = FetchAttribute::Section { section: Section::whole(), partial: None, peek: true };
            client.fetch(SequenceSet::all(), vec![FetchAttribute::Uid, body]).unwrap();
            client.idle().unwrap();
        }
        Event::Challenge(challenge) => {
            let word = if challenge.data().expose() == b"Username:" { "joe" } else { "pw" };
            challenge.respond(client, Secret::from(word)).unwrap();
        }
        Event::AppendReady(mut writer) => {
            writer.write(client, Bytes::from_static(b"hello")).unwrap();
            writer.write(client, Bytes::from_static(b"A\n")).unwrap();
            writer.finish(client).unwrap();
        }
        Event::Expunge(_) => {
            client.done().unwrap();
            client.logout().unwrap();
        }
        _ => {}
    }
}

fn script() -> Vec<(&'static str, &'static str)> {
    let mut script = SCRIPT.to_vec();
    // Seven octets, the last a bare LF, which is no line end: the line is `helloA` LF.
    script[6].0 = "A5 APPEND INBOX {7}";
    script[7].0 = "helloA\n";
    script.remove(8);
    script[7].1 = "* 2 EXISTS\r\nA5 OK [APPENDUID 7 9] stored\r\n";
    script
}

#[test]
fn a_whole_conversation_in_any_segments() {
    for segment in [1, 2, 3, 7, 64, usize::MAX] {
        let mut client = client(Config::default(), Security::Plain);
        let mut server = Fake::new("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n", &script());
        let mut seen = Vec::new();
        let conversation = Conversation { segment, cut_after: None };
        let ended = converse(
            &mut client,
            &mut server,
            conversation,
            |client, event| act(client, event, &mut seen),
            |_, ()| {},
        );
        assert_eq!((&ended.client, &ended.server), (&Ok(()), &Ok(())), "{segment}: {seen:#?}");
        assert_eq!(server.heard.last().map(String::as_str), Some("A8 LOGOUT"));
        assert_eq!(seen.last().map(String::as_str), Some("Done CommandId(6) Ok"), "{seen:#?}");
        assert_eq!(seen.iter().filter(|event| *event == "LiteralEnd").count(), 2);
        assert_eq!(client.state(), State::Logout);
        assert_eq!(client.mailbox().map(|mailbox| mailbox.exists), Some(1));
    }
}

#[test]
fn a_cut_anywhere_is_never_taken_for_success() {
    let whole = {
        let mut client = client(Config::default(), Security::Plain);
        let mut server = Fake::new("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n", &script());
        let mut seen = Vec::new();
        converse(&mut client, &mut server, Conversation::default(), |c, e| act(c, e, &mut seen), |_, ()| {})
            .octets
    };
    for cut in 0..whole {
        let mut client = client(Config::default(), Security::Plain);
        let mut server = Fake::new("* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n", &script());
        let mut seen = Vec::new();
        let conversation = Conversation { segment: usize::MAX, cut_after: Some(cut) };
        let ended = converse(&mut client, &mut server, conversation, |c, e| act(c, e, &mut seen), |_, ()| {});
        let begun = seen.iter().filter(|event| event.starts_with("Row ")).count();
        let complete = seen.iter().filter(|event| *event == "RowEnd" || *event == "RowAborted").count();
        assert_eq!(begun, complete, "cut at {cut}: {seen:#?}");
        // Closed in good order only when nothing but the farewell was missing.
        let all = (1..=5).all(|id| seen.contains(&format!("Done CommandId({id}) Ok")));
        assert!(ended.client.is_err() || all, "cut at {cut}: {seen:#?}");
    }
}

/// Texts that try to be something else.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,12}",
        prop::sample::select(vec![
            "a\r\nA9 DELETE x",
            "{5}",
            "{5+}",
            "\"",
            "\\",
            "ä",
            "",
            "NIL",
            "a b",
            "~{1}",
            "\r\n"
        ])
        .prop_map(str::to_owned),
    ]
}

#[derive(Clone, Debug)]
enum Call {
    Select(String),
    List(String),
    Search(String),
    Subject(String),
    Rename(String, String),
    Noop,
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        text().prop_map(Call::Select),
        text().prop_map(Call::List),
        text().prop_map(Call::Search),
        text().prop_map(Call::Subject),
        (text(), text()).prop_map(|(from, to)| Call::Rename(from, to)),
        Just(Call::Noop),
    ]
}

/// Makes the call; the name of the command when it was taken.
fn make(client: &mut Client, call: &Call) -> Option<&'static str> {
    let search = |key| SearchCommand { returns: None, charset: None, keys: vec![key] };
    let string = |text: &String| AString::new(text.clone()).unwrap();
    let (made, name) = match call {
        Call::Select(name) => (client.select(Mailbox::new(name.clone()).ok()?, vec![]), "SELECT"),
        Call::List(pattern) => {
            (client.list(Mailbox::new("").unwrap(), ListPattern::new(pattern.clone()).ok()?), "LIST")
        }
        Call::Search(text) => {
            (client.search(Addressing::Uid, search(SearchKey::Text(string(text)))), "UID SEARCH")
        }
        Call::Subject(text) => {
            (client.search(Addressing::Sequence, search(SearchKey::Subject(string(text)))), "SEARCH")
        }
        Call::Rename(from, to) => {
            (client.rename(Mailbox::new(from.clone()).ok()?, Mailbox::new(to.clone()).ok()?), "RENAME")
        }
        Call::Noop => (client.noop(), "NOOP"),
    };
    made.is_ok().then_some(name)
}

proptest! {
    #[test]
    fn inj_08_inj_09_what_is_sent_is_what_was_asked(calls in prop::collection::vec(call(), 1..8), plus in any::<bool>()) {
        let capabilities = if plus { "IMAP4rev1 LITERAL+" } else { "IMAP4rev1" };
        let mut client = ready(capabilities);
        client.login("joe", Secret::from("pw")).unwrap();
        client.select(Mailbox::inbox(), vec![]).unwrap();
        sent(&mut client);
        say(&mut client, &format!("A1 OK [CAPABILITY {capabilities}] in\r\n"));
        sent(&mut client);
        say(&mut client, "A2 OK open\r\n");
        let expected: Vec<&str> = calls.iter().filter_map(|call| make(&mut client, call)).collect();
        let mut octets = Vec::new();
        for number in 0..expected.len() {
            // As often as there may be literals, then the answer.
            for _ in 0..4 {
                octets.extend_from_slice(sent(&mut client).as_bytes());
                say(&mut client, "+ go\r\n");
            }
            say(&mut client, &format!("A{} OK done\r\n", number + 3));
        }
        octets.extend_from_slice(sent(&mut client).as_bytes());
        let mut context = ParseContext::server();
        context.utf8 = false;
        let parsed: Vec<Command> = commands(&octets)
            .iter()
            .map(|line| parse::command(line, &context).expect("a command by the strict grammar").command)
            .collect();
        let names: Vec<&str> = parsed.iter().map(Command::name).collect();
        prop_assert_eq!(names, expected);
    }
}
