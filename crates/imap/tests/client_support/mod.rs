//! What the tests of the client share.

#![allow(dead_code, unreachable_pub, reason = "not every test needs all of it")]

use bytes::Bytes;
use posthaste_imap::client::{Client, Config, Event};
use posthaste_imap::types::{Capability, Mailbox};
use posthaste_imap::{Secret, Security, State, Step, Time, parse};
use posthaste_testkit::Note;

pub fn client(config: Config, security: Security) -> Client {
    Client::new(config, security, Time::ZERO)
}

/// A client inside TLS that was greeted with these capabilities and is ready.
pub fn ready(capabilities: &str) -> Client {
    let mut client = client(Config::default(), Security::Tls);
    let events = say(&mut client, &format!("* OK [CAPABILITY {capabilities}] hello\r\n"));
    assert_eq!(events, ["Greeting", "Ready"]);
    client
}

/// A client with INBOX selected, which has five messages.
pub fn selected(capabilities: &str) -> Client {
    let mut client = ready(&format!("IMAP4rev1 {capabilities}"));
    client.login("joe", Secret::from("pw")).unwrap();
    client.select(Mailbox::inbox(), vec![]).unwrap();
    assert_eq!(sent(&mut client), "A1 LOGIN joe pw\r\n");
    say(&mut client, &format!("A1 OK [CAPABILITY IMAP4rev1 {capabilities}] in\r\n"));
    assert_eq!(sent(&mut client), "A2 SELECT INBOX\r\n");
    say(&mut client, "* 5 EXISTS\r\nA2 OK [READ-WRITE] open\r\n");
    assert_eq!(client.state(), State::Selected);
    client
}

/// The same with these extensions enabled before, as they have to be.
pub fn enabled(capabilities: &str, extensions: &[Capability]) -> Client {
    let mut client = ready(&format!("IMAP4rev1 ENABLE {capabilities}"));
    client.login("joe", Secret::from("pw")).unwrap();
    say(&mut client, &format!("A1 OK [CAPABILITY IMAP4rev1 ENABLE {capabilities}] in\r\n"));
    client.enable(extensions.to_vec()).unwrap();
    client.select(Mailbox::inbox(), vec![]).unwrap();
    let names: Vec<String> = extensions.iter().map(ToString::to_string).collect();
    say(&mut client, &format!("* ENABLED {}\r\nA2 OK on\r\n", names.join(" ")));
    say(&mut client, "* 5 EXISTS\r\nA3 OK [READ-WRITE] open\r\n");
    assert_eq!(client.state(), State::Selected);
    sent(&mut client);
    client
}

/// One step that is no error.
pub fn step(client: &mut Client) -> Step<Event> {
    client.poll_event().expect("no error")
}

/// Lets the server say `text`, and gives the events in words.
pub fn say(client: &mut Client, text: &str) -> Vec<String> {
    client.handle_input(Time::ZERO, text.as_bytes());
    drive(client)
}

/// The events until there are none, in words.
pub fn drive(client: &mut Client) -> Vec<String> {
    let mut events = Vec::new();
    while let Step::Event(event) = client.poll_event().expect("no error") {
        events.push(words(&event));
    }
    events
}

/// What the client sends.
pub fn sent(client: &mut Client) -> String {
    let mut all = Vec::new();
    while let Some(bytes) = client.poll_transmit() {
        all.extend_from_slice(&bytes);
    }
    String::from_utf8(all).expect("text")
}

pub fn note(event: &Event) -> Note {
    match event {
        Event::Body(chunk) => Note::body(chunk),
        event => Note::event(words(event)),
    }
}

pub fn words(event: &Event) -> String {
    match event {
        Event::Greeting(_) => "Greeting".into(),
        Event::Ready => "Ready".into(),
        Event::Capability(_) => "Capability".into(),
        Event::Done { id, status } => format!("Done {id:?} {:?}", status.condition),
        Event::NotSent { id, .. } => format!("NotSent {id:?}"),
        Event::Idling(id) => format!("Idling {id:?}"),
        Event::Exists(number) => format!("Exists {number}"),
        Event::Expunge(number) => format!("Expunge {number}"),
        Event::Search(found) => format!("Search {:?}", found.numbers),
        Event::Fallback { id, fallback } => format!("Fallback {id:?} {fallback:?}"),
        Event::List(list) => format!("List {}", list.mailbox),
        Event::Row(number) => format!("Row {number}"),
        Event::Item(item) => format!("Item {item:?}"),
        Event::Literal { payload, length } => format!("Literal {payload:?} {length}"),
        Event::Body(chunk) => format!("Body {}", chunk.escape_ascii()),
        Event::LiteralEnd => "LiteralEnd".into(),
        Event::RowEnd => "RowEnd".into(),
        Event::Bye(status) => format!("Bye {}", status.text.escape_ascii()),

        Event::AlertInClear(text) => format!("AlertInClear {}", text.escape_ascii()),
        Event::Alert(text) => format!("Alert {}", text.escape_ascii()),
        Event::Untagged(status) => format!("Untagged {:?} {}", status.condition, status.text.escape_ascii()),
        Event::Violation(violation) => format!("Violation {violation}"),
        other => format!("{other:?}"),
    }
}

/// The logical lines of `octets`, literals in their places.
pub fn commands(mut octets: &[u8]) -> Vec<Bytes> {
    let (mut lines, mut line) = (Vec::new(), Vec::new());
    while let Some(end) = octets.windows(2).position(|pair| pair == b"\r\n") {
        let (text, rest) = (&octets[..end], &octets[end + 2..]);
        line.extend_from_slice(text);
        octets = rest;
        match parse::literal_marker(text) {
            parse::LiteralMarker::Literal(header) => {
                let (data, rest) = octets.split_at(usize::try_from(header.len).unwrap());
                line.extend_from_slice(b"\r\n");
                line.extend_from_slice(data);
                octets = rest;
            }
            _ => lines.push(Bytes::from(core::mem::take(&mut line))),
        }
    }
    assert!(octets.is_empty() && line.is_empty());
    lines
}
