//! The client machine against the server machine: a whole conversation in segments of any size, and cut anywhere.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use posthaste_imap::client::{self, Client, CommandId};
use posthaste_imap::server::{self, LiteralWriter, SelectData, SelectedFlags, Server, Update};
use posthaste_imap::types::{
    Condition, FetchAttribute, FetchItem, Flag, Mailbox, Payload, Section, SequenceSet,
};
use posthaste_imap::{Bytes, Machine, Misuse, ProtocolError, Secret, Security, Step, Time, Upgrade};
use posthaste_testkit::{Conversation, Ended, converse};

fn number(number: usize) -> NonZeroU32 {
    NonZeroU32::new(u32::try_from(number).unwrap()).unwrap()
}

fn text(octets: usize) -> Bytes {
    let line = b"The quick brown fox jumps over the lazy dog, again and again.\r\n";
    line.iter().copied().cycle().take(octets).collect()
}

/// A server machine with an application of one mailbox, which streams as slowly as the send queue wants it.
struct Site {
    server: Server,
    messages: Vec<Bytes>,
    /// Octets of a message that is not complete.
    incoming: Option<Vec<u8>>,
    /// The payload that is being sent, and what is left of it.
    writing: Option<(LiteralWriter, Bytes)>,
    /// How often a payload had to wait.
    waits: usize,
}

impl Site {
    fn new(security: Security, messages: Vec<Bytes>) -> Self {
        let server = Server::new(server::Config::new("mail.example.test"), security, Time::ZERO);
        Self { server, messages, incoming: None, writing: None, waits: 0 }
    }

    fn answer(&mut self, event: server::Event) -> Result<(), Misuse> {
        use server::Event;
        let server = &mut self.server;
        match event {
            Event::StartTls(token) => token.accept(server),
            Event::Login(login) if login.password().expose() == b"secret" => login.ok(server),
            Event::Login(login) => login.refuse(server),
            Event::Select(asked) => asked.ok(
                server,
                SelectData {
                    flags: SelectedFlags { defined: vec![Flag::Seen], ..SelectedFlags::default() },
                    exists: u32::try_from(self.messages.len()).unwrap(),
                    recent: 0,
                    unseen: None,
                    uid_validity: number(1),
                    uid_next: number(self.messages.len() + 1),
                    access: server::Access::ReadWrite,
                },
            ),
            Event::Fetch(asked) => {
                let message = self.messages[0].clone();
                let mut row = asked.begin().row(server, number(1))?;
                row.item(server, &FetchItem::Uid(number(1)))?;
                let payload = Payload::Section { section: Section::whole(), origin: None };
                let writer = row.literal(server, &payload, message.len() as u64)?;
                self.writing = Some((writer, message));
                Ok(())
            }
            Event::Append(asked) => {
                self.incoming = Some(Vec::new());
                asked.accept(server)
            }
            Event::Body(chunk) => {
                self.incoming.as_mut().unwrap().extend_from_slice(&chunk);
                Ok(())
            }
            Event::BodyAborted => {
                self.incoming = None;
                Ok(())
            }
            Event::AppendEnd(asked) => {
                self.messages.push(self.incoming.take().unwrap().into());
                asked.ok(server, number(1), number(self.messages.len()))
            }
            Event::Idle(asked) => {
                asked.start(server)?;
                self.messages.push(Bytes::from_static(b"new"));
                server.update(Update::Exists(u32::try_from(self.messages.len()).unwrap()))
            }
            Event::IdleDone(asked) => asked.ok(server),
            Event::Logout => Ok(()),
            other => panic!("{other:?}"),
        }
    }

    /// Sends more of a payload, as much as the queue takes.
    fn write(&mut self) -> Result<(), Misuse> {
        let Some((mut writer, mut rest)) = self.writing.take() else { return Ok(()) };
        while !rest.is_empty() {
            let chunk = rest.slice(..rest.len().min(8192));
            let count = chunk.len();
            match writer.write(&mut self.server, chunk) {
                Ok(()) => rest = rest.slice(count..),
                Err(Misuse::Congested { .. }) => {
                    self.waits += 1;
                    self.writing = Some((writer, rest));
                    return Ok(());
                }
                Err(misuse) => return Err(misuse),
            }
        }
        writer.finish(&mut self.server)?.finish(&mut self.server)?.ok(&mut self.server)
    }
}

impl Machine for Site {
    type Event = String;
    type Error = ProtocolError;

    fn handle_input(&mut self, now: Time, input: &[u8]) {
        self.server.handle_input(now, input);
    }

    fn handle_eof(&mut self, now: Time) {
        self.server.handle_eof(now);
    }

    fn handle_timeout(&mut self, now: Time) {
        self.server.handle_timeout(now);
    }

    fn poll_event(&mut self) -> Result<Step<String>, ProtocolError> {
        self.write().unwrap();
        Ok(match self.server.poll_event()? {
            Step::Event(event) => {
                let words = format!("{event:?}");
                self.answer(event).unwrap();
                Step::Event(words.split(['(', ' ']).next().unwrap().to_owned())
            }
            Step::NeedInput => Step::NeedInput,
            Step::Paused => Step::Paused,
            Step::Upgrade(upgrade) => Step::Upgrade(upgrade),
            Step::Closed => Step::Closed,
        })
    }

    fn poll_transmit(&mut self) -> Option<Bytes> {
        self.server.poll_transmit()
    }

    fn poll_timeout(&self) -> Option<Time> {
        self.server.poll_timeout()
    }

    fn upgraded(&mut self, now: Time, upgrade: Upgrade, security: Security) -> Result<(), Misuse> {
        self.server.upgraded(now, upgrade, security)
    }

    fn is_congested(&self) -> bool {
        self.server.is_congested()
    }
}

/// The user of a client: logs in, reads the first message, stores another, waits for news, goes.
#[derive(Default)]
struct User {
    message: Bytes,
    commands: BTreeMap<CommandId, &'static str>,
    done: BTreeMap<CommandId, Condition>,
    not_sent: Vec<CommandId>,
    body: Vec<u8>,
    body_complete: bool,
    idling: bool,
    news: Option<u32>,
}

impl User {
    fn act(&mut self, client: &mut Client, event: client::Event) {
        use client::Event;
        match event {
            Event::Ready => {
                let whole = FetchAttribute::Section { section: Section::whole(), partial: None, peek: true };
                let attributes = vec![FetchAttribute::Uid, whole];
                let length = self.message.len() as u64;
                let commands = [
                    ("Login", client.login("joe", Secret::from("secret"))),
                    ("Select", client.select(Mailbox::inbox(), vec![])),
                    ("Fetch", client.fetch(SequenceSet::all(), attributes)),
                    ("Append", client.append(Mailbox::inbox(), vec![Flag::Seen], None, length)),
                ];
                self.commands.extend(commands.map(|(name, id)| (id.unwrap(), name)));
            }
            Event::AppendReady(mut writer) => {
                writer.write(client, self.message.clone()).unwrap();
                writer.finish(client).unwrap();
            }
            Event::Body(chunk) => self.body.extend_from_slice(&chunk),
            Event::LiteralEnd => self.body_complete = true,
            Event::Idling(_) => self.idling = true,
            Event::Exists(exists) if self.idling && self.news.is_none() => {
                self.news = Some(exists);
                client.done().unwrap();
                self.commands.insert(client.logout().unwrap(), "Logout");
            }
            Event::Done { id, status } => {
                assert!(self.done.insert(id, status.condition).is_none(), "done twice");
                // IDLE is announced only to those who have logged in.
                if self.commands[&id] == "Login" && client.has_capability("IDLE") {
                    self.commands.insert(client.idle().unwrap(), "Idle");
                }
            }
            Event::NotSent { id, .. } => self.not_sent.push(id),
            Event::Violation(violation) => panic!("{violation}"),
            _ => {}
        }
    }

    fn named(&self, name: &str) -> Option<CommandId> {
        self.commands.iter().find(|(_, command)| **command == name).map(|(id, _)| *id)
    }

    fn succeeded(&self, name: &str) -> bool {
        self.named(name).and_then(|id| self.done.get(&id)) == Some(&Condition::Ok)
    }
}

struct Outcome {
    client: Client,
    user: User,
    site: Site,
    /// What the server's application saw, bodies apart.
    heard: Vec<String>,
    ended: Ended,
}

fn talk(security: Security, stored: usize, appended: usize, conversation: Conversation) -> Outcome {
    let mut client = Client::new(client::Config::default(), security, Time::ZERO);
    let mut site = Site::new(security, vec![text(stored)]);
    let mut user = User { message: text(appended), ..User::default() };
    let mut heard = Vec::new();
    let act = |client: &mut Client, event| user.act(client, event);
    let hear = |_: &mut Site, event: String| {
        if event != "Body" {
            heard.push(event);
        }
    };
    let ended = converse(&mut client, &mut site, conversation, act, hear);
    Outcome { client, user, site, heard, ended }
}

const STORED: usize = 220 * 1024;
const APPENDED: usize = 100 * 1024;

#[test]
fn a_whole_conversation_in_segments_of_any_size() {
    for security in [Security::Plain, Security::Tls] {
        for segment in [1, 7, 4096, usize::MAX] {
            let conversation = Conversation { segment, ..Conversation::default() };
            let Outcome { user, site, heard, ended, .. } = talk(security, STORED, APPENDED, conversation);
            assert_eq!((&ended.client, &ended.server), (&Ok(()), &Ok(())), "{security:?} {segment}");
            let tls = (security == Security::Plain).then_some("StartTls");
            let rest = ["Login", "Select", "Fetch", "Append", "AppendEnd", "Idle", "IdleDone", "Logout"];
            assert_eq!(heard, tls.into_iter().chain(rest).collect::<Vec<_>>(), "{security:?} {segment}");
            for name in ["Login", "Select", "Fetch", "Append", "Idle", "Logout"] {
                assert!(user.succeeded(name), "{name}: {security:?} {segment}");
            }
            assert!(user.body == site.messages[0] && user.body_complete);
            assert_eq!(site.messages[1], text(APPENDED));
            assert_eq!(user.news, Some(3));
            assert!(site.waits > 0, "the payload is larger than the send queue");
        }
    }
}

#[test]
fn a_conversation_cut_at_any_octet_leaves_no_doubt_about_what_is_known() {
    const STORED: usize = 90;
    const APPENDED: usize = 70;
    for security in [Security::Plain, Security::Tls] {
        let octets = talk(security, STORED, APPENDED, Conversation::default()).ended.octets;
        let mut seen = [0_usize; 3];
        for cut in 0..octets {
            for segment in [1, usize::MAX] {
                let conversation = Conversation { segment, cut_after: Some(cut) };
                let outcome = talk(security, STORED, APPENDED, conversation);
                check_cut(outcome, &format!("{security:?}, segments of {segment}, cut at {cut}"), &mut seen);
            }
        }
        assert!(seen.iter().all(|count| *count > 0), "the cuts meet every outcome of APPEND: {seen:?}");
    }
}

/// `seen` counts what the client knows of its APPEND: stored, unknown, unsent.
fn check_cut(outcome: Outcome, case: &str, seen: &mut [usize; 3]) {
    let Outcome { mut client, user, site, heard, ended } = outcome;
    assert_eq!(ended.server, Ok(()), "{case}");

    // The message is stored whole when its end came, and not at all otherwise.
    let complete = heard.iter().any(|event| event == "AppendEnd");
    let stored = site.messages.contains(&text(70));
    assert_eq!(stored, complete, "{case}");
    assert_eq!(
        site.messages.len(),
        1 + usize::from(stored) + usize::from(heard.contains(&"Idle".into())),
        "{case}"
    );
    assert_eq!(site.incoming, None, "{case}: half a message was not aborted");

    // The client does not take half a payload for a whole one.
    assert!(!user.body_complete || user.body == site.messages[0], "{case}");

    // Every command is done, unknown or unsent, and only one of these; what is unsent, the server has not heard of.
    let (unknown, unsent) = match client.poll_event() {
        Err(client::ProtocolError::ConnectionLost { unknown, unsent }) => {
            assert!(ended.client.is_err(), "{case}");
            (unknown, unsent)
        }
        Ok(Step::Closed) => (Vec::new(), Vec::new()),
        other => panic!("{case}: {other:?}"),
    };
    for (id, name) in &user.commands {
        let places = [
            user.done.contains_key(id),
            user.not_sent.contains(id),
            unknown.contains(id),
            unsent.contains(id),
        ];
        let count = places.iter().filter(|place| **place).count();
        // A conversation that ends while LOGOUT is in progress has ended as it was asked to.
        assert!(count == 1 || (count == 0 && *name == "Logout"), "{case}: {name} {places:?}");
        if unsent.contains(id) || user.not_sent.contains(id) {
            assert!(!heard.iter().any(|event| event == name), "{case}: {name} was heard");
        }
    }
    if let Some(id) = user.named("Append") {
        assert!(!user.succeeded("Append") || stored, "{case}: confirmed and not stored");
        seen[0] += usize::from(user.succeeded("Append"));
        seen[1] += usize::from(unknown.contains(&id));
        seen[2] += usize::from(unsent.contains(&id));
    }
}
