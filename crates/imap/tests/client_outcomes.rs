//! What a client knows of commands that change a mailbox when the connection is cut: what it takes for done is done,
//! what it takes for unsent never happened, and of the rest it knows that it does not know.
//!
//! The server machine executes at once and answers; the cut comes after every single octet.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use core::num::NonZeroU32;
use posthaste_imap::client::{self, Client, CommandId};
use posthaste_imap::server::{self, SelectData, SelectedFlags, Server};
use posthaste_imap::types::{
    Addressing, Condition, Flag, Mailbox, SequenceSet, StoreAction, StoreCommand, StoreEcho,
};
use posthaste_imap::{Bytes, Machine, Misuse, ProtocolError, Secret, Security, Step, Time, Upgrade};
use posthaste_testkit::{Conversation, converse};
use std::collections::BTreeMap;

const ONE: NonZeroU32 = NonZeroU32::MIN;

/// A server with two messages that remembers what it has executed.
struct Site {
    server: Server,
    executed: Vec<&'static str>,
}

impl Site {
    fn answer(&mut self, event: server::Event) -> Result<(), Misuse> {
        use server::Event;
        let server = &mut self.server;
        match event {
            Event::Login(login) => login.ok(server),
            Event::Select(asked) => {
                let flags =
                    SelectedFlags { defined: vec![Flag::Seen, Flag::Deleted], ..SelectedFlags::default() };
                let (uid_validity, uid_next) = (ONE, ONE.saturating_add(2));
                asked.ok(
                    server,
                    SelectData {
                        flags,
                        exists: 2,
                        recent: 0,
                        unseen: None,
                        uid_validity,
                        uid_next,
                        access: server::Access::ReadWrite,
                    },
                )
            }
            Event::Store(asked) => {
                self.executed.push("Store");
                asked.ok(server)
            }
            Event::Move(asked) => {
                self.executed.push("Move");
                asked.ok(server)
            }
            Event::Expunge(asked) => {
                self.executed.push("Expunge");
                asked.expunged(server, ONE)?;
                asked.ok(server)
            }
            _ => Ok(()),
        }
    }
}

impl Machine for Site {
    type Event = ();
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

    fn poll_event(&mut self) -> Result<Step<()>, ProtocolError> {
        Ok(match self.server.poll_event()? {
            Step::Event(event) => {
                self.answer(event).unwrap();
                Step::Event(())
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

#[derive(Default)]
struct User {
    commands: BTreeMap<CommandId, &'static str>,
    done: BTreeMap<CommandId, Condition>,
    not_sent: Vec<CommandId>,
    exists: Option<u32>,
}

impl User {
    fn act(&mut self, client: &mut Client, event: client::Event) {
        use client::Event;
        match event {
            Event::Ready => {
                let store = StoreCommand {
                    set: SequenceSet::all().into(),
                    unchanged_since: None,
                    action: StoreAction::Add,
                    echo: StoreEcho::Silent,
                    flags: [Flag::Deleted].into(),
                };
                let (uids, elsewhere) = (SequenceSet::single(ONE), Mailbox::new("else").unwrap());
                let commands = [
                    ("Login", client.login("joe", Secret::from("secret"))),
                    ("Select", client.select(Mailbox::inbox(), vec![])),
                    ("Store", client.store(Addressing::Uid, store)),
                    ("Move", client.move_messages(Addressing::Uid, uids, elsewhere)),
                    ("Expunge", client.expunge()),
                    ("Logout", client.logout()),
                ];
                self.commands.extend(commands.map(|(name, id)| (id.unwrap(), name)));
            }
            Event::Done { id, status } => {
                assert!(self.done.insert(id, status.condition).is_none(), "done twice");
                self.exists = client.mailbox().map(|mailbox| mailbox.exists).or(self.exists);
            }
            Event::NotSent { id, .. } => self.not_sent.push(id),
            Event::Violation(violation) => panic!("{violation}"),
            _ => {}
        }
    }
}

fn talk(conversation: Conversation) -> (Client, User, Site, usize) {
    let mut client = Client::new(client::Config::default(), Security::Tls, Time::ZERO);
    let server = Server::new(server::Config::new("mail.example.test"), Security::Tls, Time::ZERO);
    let mut site = Site { server, executed: Vec::new() };
    let mut user = User::default();
    let act = |client: &mut Client, event| user.act(client, event);
    let octets = converse(&mut client, &mut site, conversation, act, |_, ()| {}).octets;
    (client, user, site, octets)
}

#[test]
fn what_is_taken_for_done_is_done_and_what_is_unsent_never_happened() {
    let (_, user, site, octets) = talk(Conversation::default());
    assert_eq!(site.executed, ["Store", "Move", "Expunge"]);
    assert_eq!(user.exists, Some(1));
    let mut seen = [0_usize; 3];
    for (cut, segment) in (0..octets).flat_map(|cut| [(cut, 1), (cut, usize::MAX)]) {
        let (mut client, user, site, _) = talk(Conversation { segment, cut_after: Some(cut) });
        let (unknown, unsent) = match client.poll_event() {
            Err(client::ProtocolError::ConnectionLost { unknown, unsent }) => (unknown, unsent),
            Ok(Step::Closed) => (Vec::new(), Vec::new()),
            other => panic!("cut at {cut}: {other:?}"),
        };
        for (id, name) in user.commands.iter().filter(|(_, name)| ["Store", "Move", "Expunge"].contains(name))
        {
            let happened = site.executed.contains(name);
            let places = [
                user.done.get(id) == Some(&Condition::Ok),
                unknown.contains(id),
                unsent.contains(id) || user.not_sent.contains(id),
            ];
            assert_eq!(places.iter().filter(|place| **place).count(), 1, "cut at {cut}: {name} {places:?}");
            assert!(!places[0] || happened, "cut at {cut}: {name} is taken for done");
            assert!(!places[2] || !happened, "cut at {cut}: {name} is taken for unsent");
            places.iter().zip(&mut seen).for_each(|(place, count)| *count += usize::from(*place));
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "the cuts meet every outcome: {seen:?}");
}
