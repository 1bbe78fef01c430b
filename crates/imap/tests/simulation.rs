//! The client against the server over a pipe that is cut at every octet, above a small store that others change, too:
//! what the client believes of a mailbox is what the store held at that answer; a message is stored once, not at
//! all, or the client knows that it does not know.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroU32;

use posthaste_imap::client::{self, AppendMessage, Client, CommandId, FirstStatus};
use posthaste_imap::server::{
    self, CopyUid, Extensions, Message as Told, Refusal, SelectData, SelectedFlags, Server, Update,
};
use posthaste_imap::types::{
    Addressing, Condition, EventGroup, FetchAttribute, FetchItem, Flag, Flags, Mailbox, MailboxFilter,
    MessageSet, NotifyEvent, Payload, SearchCommand, SearchKey, Section, SequenceNumber, SequenceSet,
    StatusItem, StoreAction, StoreCommand, StoreEcho, UidSet,
};
use posthaste_imap::{Bytes, Misuse, Secret, Security, State, Step, Time};
use posthaste_testkit::{Conversation, Ended, converse};
use proptest::prelude::*;

/// How two machines talk.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    tls: bool,
    challenges: bool,
    /// LITERAL- in place of LITERAL+: what is long waits for the server.
    small_literals: bool,
}

/// What the client does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Act {
    Select,
    Unselect,
    Close,
    /// Messages of so many octets each.
    Append(Vec<usize>),
    Replace(Addressing, u32, usize),
    Fetch(Addressing, Fetched),
    Store(Addressing, u32, Flag),
    Move(Addressing, u32),
    Expunge,
    Search,
    Noop,
    Idle,
    Notify,
    Compress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fetched {
    Flags,
    Body,
}

/// What somebody else does to the mailbox while the server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Other {
    Nothing,
    Arrives,
    Goes(usize),
    IsFlagged(usize),
}

fn number(number: usize) -> NonZeroU32 {
    NonZeroU32::new(u32::try_from(number).unwrap()).unwrap()
}

/// Octets that no other message has.
fn content(serial: usize, octets: usize) -> Vec<u8> {
    let start = format!("Subject: {serial}\r\n\r\n");
    let rest = b"a NOOP\r\n* BYE {3}\r\n)\r\n";
    start.bytes().chain(rest.iter().copied().cycle()).take(octets.max(start.len())).collect()
}

// The server's side

#[derive(Clone, Debug, PartialEq, Eq)]
struct Stored {
    uid: u32,
    flags: BTreeSet<String>,
}

/// A store of one mailbox.
#[derive(Debug, Default)]
struct Store {
    messages: Vec<Stored>,
    uid_next: u32,
    /// Every message that was ever stored, by its UID.
    contents: BTreeMap<u32, Vec<u8>>,
    /// Messages of an APPEND in progress.
    incoming: Vec<(BTreeSet<String>, Vec<u8>)>,
    replaces: Option<u32>,
    others: VecDeque<Other>,
    /// How the mailbox was at each tagged answer.
    answers: VecDeque<Vec<Stored>>,
    heard: Vec<&'static str>,
}

impl Store {
    fn new(others: impl IntoIterator<Item = Other>) -> Self {
        let mut store = Self { uid_next: 1, others: others.into_iter().collect(), ..Self::default() };
        for serial in 1..=3 {
            store.keep(BTreeSet::new(), content(serial, 60));
        }
        store
    }

    fn keep(&mut self, flags: BTreeSet<String>, content: Vec<u8>) -> u32 {
        let uid = self.uid_next;
        self.uid_next += 1;
        self.messages.push(Stored { uid, flags });
        assert!(self.contents.insert(uid, content).is_none());
        uid
    }

    fn told(&self, index: usize) -> Told {
        Told::new(number(index + 1), NonZeroU32::new(self.messages[index].uid).unwrap())
    }

    fn items(&self, index: usize) -> Vec<FetchItem> {
        let message = &self.messages[index];
        let flags: Flags = message.flags.iter().map(|flag| Flag::new(format!("\\{flag}")).unwrap()).collect();
        vec![FetchItem::Uid(NonZeroU32::new(message.uid).unwrap()), FetchItem::Flags(flags)]
    }

    fn exists(&self) -> u32 {
        u32::try_from(self.messages.len()).unwrap()
    }

    /// The places of the messages that a set names.
    fn named(&self, addressing: Addressing, set: &MessageSet) -> Vec<usize> {
        let set = set.numbers().expect("no saved result is used");
        let largest = match addressing {
            Addressing::Sequence => self.exists(),
            Addressing::Uid => self.messages.last().map_or(0, |message| message.uid),
        };
        let is_named = |index: &usize| match addressing {
            Addressing::Sequence => set.contains(u32::try_from(index + 1).unwrap(), largest),
            Addressing::Uid => set.contains(self.messages[*index].uid, largest),
        };
        (0..self.messages.len()).filter(is_named).collect()
    }

    /// Somebody else does something. An expunge is only seen when the client may be told.
    fn other(&mut self, server: &mut Server) {
        let other = self.others.pop_front().unwrap_or(Other::Nothing);
        let selected = server.state() == State::Selected;
        match other {
            Other::Nothing => {}
            Other::Arrives => {
                self.keep(BTreeSet::new(), content(1_000 + self.contents.len(), 70));
                if selected {
                    server.update(Update::Exists(self.exists())).unwrap();
                }
            }
            Other::Goes(at) if !self.messages.is_empty() && (!selected || server.may_expunge()) => {
                let at = at % self.messages.len();
                if selected {
                    server.update(Update::Expunged(self.told(at))).unwrap();
                }
                self.messages.remove(at);
            }
            Other::IsFlagged(at) if !self.messages.is_empty() => {
                let at = at % self.messages.len();
                self.messages[at].flags.insert("Flagged".into());
                if selected {
                    server.update(Update::Fetch(self.told(at), self.items(at))).unwrap();
                }
            }
            Other::Goes(_) | Other::IsFlagged(_) => {}
        }
    }

    fn answer(&mut self, server: &mut Server, event: server::Event) {
        let starts_anew = matches!(event, server::Event::Select(_) | server::Event::Close(_));
        let is_question = !matches!(
            event,
            server::Event::Body(_) | server::Event::BodyAborted | server::Event::StartTls(_)
        );
        if is_question && !starts_anew {
            self.other(server);
        }
        self.try_answer(server, event).unwrap();
    }

    /// Takes note of how things are with a tagged answer.
    fn answered(&mut self) {
        self.answers.push_back(self.messages.clone());
    }

    fn try_answer(&mut self, server: &mut Server, event: server::Event) -> Result<(), Misuse> {
        use server::Event;
        match event {
            Event::StartTls(token) => token.accept(server),
            Event::Login(asked) => {
                self.answered();
                asked.ok(server)
            }
            Event::Auth(auth) => match auth.response().map(|response| response.expose().to_vec()) {
                None => auth.challenge(server, b"Username:"),
                Some(user) if user == b"joe" => auth.challenge(server, b"Password:"),
                Some(password) => {
                    assert_eq!(password, b"secret");
                    self.answered();
                    auth.accept(server)
                }
            },
            Event::Select(asked) => {
                self.heard.push("Select");
                let data = SelectData {
                    flags: SelectedFlags { defined: vec![Flag::Seen], ..SelectedFlags::default() },
                    exists: self.exists(),
                    recent: 0,
                    unseen: None,
                    uid_validity: NonZeroU32::MIN,
                    uid_next: NonZeroU32::new(self.uid_next).unwrap(),
                    access: posthaste_imap::server::Access::ReadWrite,
                };
                self.answered();
                asked.ok(server, data)
            }
            Event::Unselect(asked) => {
                self.answered();
                asked.ok(server)
            }
            Event::Close(asked) => {
                self.messages.retain(|message| !message.flags.contains("Deleted"));
                self.answered();
                asked.ok(server)
            }
            Event::Append(asked) => {
                self.incoming = vec![(words(&asked.head.flags), Vec::new())];
                asked.accept(server)
            }
            Event::AppendMore(asked) => {
                self.incoming.push((words(&asked.options.flags), Vec::new()));
                asked.accept(server)
            }
            Event::Replace(asked) => {
                let named = match asked.message {
                    SequenceNumber::Number(number) => SequenceSet::single(number),
                    SequenceNumber::Largest => SequenceSet::all(),
                };
                let Some(at) = self.named(asked.addressing, &named.into()).pop() else {
                    self.answered();
                    return asked.no(server, Refusal::cannot());
                };
                self.replaces = Some(self.messages[at].uid);
                self.incoming = vec![(words(&asked.head.flags), Vec::new())];
                asked.accept(server)
            }
            Event::Body(chunk) => {
                self.incoming.last_mut().expect("octets of a message").1.extend_from_slice(&chunk);
                Ok(())
            }
            Event::BodyAborted => {
                self.incoming.clear();
                self.replaces = None;
                Ok(())
            }
            Event::AppendEnd(asked) => {
                let incoming = std::mem::take(&mut self.incoming);
                assert_eq!(incoming.len(), asked.messages as usize);
                let uids: Vec<u32> = incoming.into_iter().map(|(flags, it)| self.keep(flags, it)).collect();
                if server.state() == State::Selected {
                    server.update(Update::Exists(self.exists()))?;
                    for index in self.messages.len() - uids.len()..self.messages.len() {
                        server.update(Update::Fetch(self.told(index), self.items(index)))?;
                    }
                }
                self.answered();
                asked.ok_all(server, NonZeroU32::MIN, uid_set(&uids))
            }
            Event::ReplaceEnd(asked) => {
                let (flags, content) = self.incoming.pop().expect("a message");
                let replaced = self.replaces.take().expect("one to replace");
                let Some(at) = self.messages.iter().position(|message| message.uid == replaced) else {
                    self.answered();
                    return asked.no(server, Refusal::cannot());
                };
                let uid = self.keep(flags, content);
                server.update(Update::Exists(self.exists()))?;
                let gone = self.told(at);
                self.messages.remove(at);
                self.answered();
                asked.ok(server, NonZeroU32::MIN, NonZeroU32::new(uid).unwrap(), gone)
            }
            Event::Fetch(asked) => {
                let named = self.named(asked.addressing, &asked.set);
                let whole = asked.attributes.iter().any(|it| matches!(it, FetchAttribute::Section { .. }));
                let mut writer = asked.begin();
                for index in named {
                    let mut row = writer.row(server, self.told(index))?;
                    for item in self.items(index) {
                        row.item(server, &item)?;
                    }
                    if whole {
                        let content = Bytes::from(self.contents[&self.messages[index].uid].clone());
                        let payload = Payload::Section { section: Section::whole(), origin: None };
                        let mut literal = row.literal(server, &payload, content.len() as u64)?;
                        literal.write(server, content)?;
                        row = literal.finish(server)?;
                    }
                    writer = row.finish(server)?;
                }
                self.answered();
                writer.ok(server)
            }
            Event::Store(asked) => {
                for index in self.named(asked.addressing, &asked.command.set) {
                    self.messages[index].flags.extend(words(&asked.command.flags));
                    asked.row(server, self.told(index), self.items(index))?;
                }
                self.answered();
                asked.ok(server)
            }
            Event::Move(asked) => {
                let named = self.named(asked.addressing, &asked.set);
                let uids: Vec<u32> = named.iter().map(|index| self.messages[*index].uid).collect();
                if !uids.is_empty() {
                    let (source, target) = (uid_set(&uids), uid_set(&uids));
                    asked.moved(server, CopyUid { uid_validity: NonZeroU32::MIN, source, target })?;
                }
                for index in named.into_iter().rev() {
                    asked.expunged(server, self.told(index))?;
                    self.messages.remove(index);
                }
                self.answered();
                asked.ok(server)
            }
            Event::Expunge(asked) => {
                while let Some(at) = self.messages.iter().position(|it| it.flags.contains("Deleted")) {
                    asked.expunged(server, self.told(at))?;
                    self.messages.remove(at);
                }
                self.answered();
                asked.ok(server)
            }
            Event::Search(asked) => {
                let all: Vec<NonZeroU32> = (1..=self.messages.len()).map(number).collect();
                self.answered();
                asked.ok(server, all)
            }
            Event::Noop(asked) => {
                self.answered();
                asked.ok(server)
            }
            Event::Idle(asked) => {
                asked.start(server)?;
                self.other(server);
                Ok(())
            }
            Event::IdleDone(asked) => {
                self.answered();
                asked.ok(server)
            }
            Event::Notify(asked) => {
                asked.status(server, Mailbox::inbox(), vec![StatusItem::Messages(self.exists().into())])?;
                self.answered();
                asked.ok(server)
            }
            Event::Compress(token) => {
                self.answered();
                token.accept(server)
            }
            Event::Logout | Event::Resync => Ok(()),
            other => panic!("{other:?}"),
        }
    }
}

/// System flags by their names.
fn words(flags: &Flags) -> BTreeSet<String> {
    flags.iter().map(|flag| format!("{flag:?}")).collect()
}

fn uid_set(uids: &[u32]) -> UidSet {
    UidSet::from_numbers(uids.iter().filter_map(|uid| NonZeroU32::new(*uid)))
}

// The client's side

/// What a client knows of one message.
#[derive(Clone, Debug, Default)]
struct Known {
    uid: Option<u32>,
    flags: Option<BTreeSet<String>>,
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Done(Condition),
    Unknown,
    Unsent,
}

#[derive(Debug, Default)]
struct User {
    way: Way,
    acts: VecDeque<Act>,
    /// How many commands it leaves in progress.
    window: usize,
    messages: Vec<Known>,
    row: Option<usize>,
    body: Vec<u8>,
    /// Bodies that came whole, with the UID of the row.
    bodies: Vec<(u32, Vec<u8>)>,
    body_complete: bool,
    serial: usize,
    /// The messages that a command brings.
    uploads: BTreeMap<CommandId, Vec<Vec<u8>>>,
    commands: BTreeMap<CommandId, Act>,
    open: BTreeSet<CommandId>,
    fates: BTreeMap<CommandId, Fate>,
    logged_in: bool,
    leaves: bool,
}

impl User {
    fn new(way: Way, acts: impl IntoIterator<Item = Act>, window: usize) -> Self {
        Self { way, acts: acts.into_iter().collect(), window, serial: 100, ..Self::default() }
    }

    /// Queues what may be in progress together.
    fn go_on(&mut self, client: &mut Client) {
        while self.logged_in && self.open.len() < self.window {
            let Some(act) = self.acts.pop_front() else {
                if !self.leaves && self.open.is_empty() {
                    self.leaves = true;
                    let _ = client.logout();
                }
                return;
            };
            // What makes no sense here is for the machine to refuse.
            if let Ok(id) = self.begin(client, &act) {
                self.open.insert(id);
                self.commands.insert(id, act);
            }
        }
    }

    fn upload(&mut self, octets: &[usize]) -> (Vec<Vec<u8>>, Vec<AppendMessage>) {
        let contents: Vec<Vec<u8>> = octets
            .iter()
            .map(|octets| {
                self.serial += 1;
                content(self.serial, *octets)
            })
            .collect();
        let messages = contents.iter().map(|content| AppendMessage::of(content.len() as u64)).collect();
        (contents, messages)
    }

    fn begin(&mut self, client: &mut Client, act: &Act) -> Result<CommandId, Misuse> {
        let one = |at: u32| SequenceSet::single(NonZeroU32::new(at).unwrap());
        match act {
            Act::Select => client.select(Mailbox::inbox(), vec![]),
            Act::Unselect => client.unselect(),
            Act::Close => client.close(),
            Act::Append(octets) => {
                let (contents, messages) = self.upload(octets);
                let id = client.append_all(Mailbox::inbox(), messages)?;
                self.uploads.insert(id, contents);
                Ok(id)
            }
            Act::Replace(by, at, octets) => {
                let (contents, mut messages) = self.upload(&[*octets]);
                let old = SequenceNumber::Number(NonZeroU32::new(*at).unwrap());
                let id = client.replace(*by, old, Mailbox::inbox(), messages.remove(0))?;
                self.uploads.insert(id, contents);
                Ok(id)
            }
            Act::Fetch(by, what) => {
                let mut attributes = vec![FetchAttribute::Uid, FetchAttribute::Flags];
                if *what == Fetched::Body {
                    let whole =
                        FetchAttribute::Section { section: Section::whole(), partial: None, peek: true };
                    attributes.push(whole);
                }
                match by {
                    Addressing::Sequence => client.fetch(SequenceSet::all(), attributes),
                    Addressing::Uid => client.uid_fetch(SequenceSet::all(), attributes),
                }
            }
            Act::Store(by, at, flag) => client.store(
                *by,
                StoreCommand {
                    set: one(*at).into(),
                    unchanged_since: None,
                    action: StoreAction::Add,
                    echo: StoreEcho::Report,
                    flags: [flag.clone()].into_iter().collect(),
                },
            ),
            Act::Move(by, at) => client.move_messages(*by, one(*at), Mailbox::new("else").unwrap()),
            Act::Expunge => client.expunge(),
            Act::Search => {
                let keys = vec![SearchKey::All];
                client.search(Addressing::Sequence, SearchCommand { returns: None, charset: None, keys })
            }
            Act::Noop => client.noop(),
            Act::Idle => client.idle(),
            Act::Notify => {
                let events = vec![NotifyEvent::MessageNew(vec![]), NotifyEvent::MessageExpunge];
                client.notify(
                    vec![EventGroup { mailboxes: MailboxFilter::Selected, events }],
                    FirstStatus::Told,
                )
            }
            Act::Compress => client.compress_deflate(),
        }
    }

    fn act(&mut self, client: &mut Client, answers: &mut VecDeque<Vec<Stored>>, event: client::Event) {
        use client::Event;
        match event {
            Event::Ready => {
                let login = if self.way.challenges {
                    client.authenticate("LOGIN", None)
                } else {
                    client.login("joe", Secret::from("secret"))
                };
                self.open.insert(login.unwrap());
            }
            Event::Challenge(challenge) => {
                let user = challenge.data().expose() == b"Username:";
                challenge.respond(client, Secret::from(if user { "joe" } else { "secret" })).unwrap();
            }
            Event::AppendReady(mut writer) => {
                let content = self.uploads[&writer.id()][writer.index()].clone();
                assert_eq!(writer.length(), content.len() as u64);
                for piece in content.chunks(40) {
                    writer.write(client, Bytes::copy_from_slice(piece)).unwrap();
                }
                writer.finish(client).unwrap();
            }
            Event::Idling(_) => client.done().unwrap(),
            // SELECT begins with it, and nothing else has it.
            Event::Flags(_) => self.messages.clear(),
            Event::Exists(exists) => self.messages.resize_with(exists as usize, Known::default),
            Event::Expunge(number) => drop(self.messages.remove(number.get() as usize - 1)),
            Event::Row(number) => {
                self.row = Some(number.get() as usize - 1);
                self.body.clear();
                self.body_complete = false;
            }
            Event::Item(FetchItem::Uid(uid)) => self.messages[self.row.unwrap()].uid = Some(uid.get()),
            Event::Item(FetchItem::Flags(flags)) => {
                self.messages[self.row.unwrap()].flags = Some(words(&flags));
            }
            Event::Body(chunk) => self.body.extend_from_slice(&chunk),
            Event::LiteralEnd => self.body_complete = true,
            Event::RowEnd => {
                let row = self.row.take().expect("a row");
                if self.body_complete {
                    self.bodies.push((self.messages[row].uid.unwrap(), self.body.clone()));
                }
            }
            Event::RowAborted => self.row = None,
            Event::Done { id, status } => {
                self.logged_in = true;
                // LOGOUT is not among them.
                if self.open.remove(&id) {
                    self.fates.insert(id, Fate::Done(status.condition));
                    let held = answers.pop_front().expect("an answer of the server");
                    self.check(client, &held);
                }
                self.go_on(client);
            }
            Event::NotSent { id, .. } => {
                assert!(self.open.remove(&id));
                self.fates.insert(id, Fate::Unsent);
                self.go_on(client);
            }
            Event::Violation(violation) => panic!("{violation}"),
            _ => {}
        }
    }

    /// What it believes is what the store held when it answered.
    fn check(&self, client: &Client, held: &[Stored]) {
        let Some(mailbox) = client.mailbox() else { return };
        assert_eq!(mailbox.exists as usize, held.len(), "EXISTS");
        assert_eq!(self.messages.len(), held.len());
        for (known, held) in self.messages.iter().zip(held) {
            assert!(known.uid.is_none_or(|uid| uid == held.uid), "{known:?} is {held:?}");
            assert!(known.flags.as_ref().is_none_or(|flags| *flags == held.flags), "{known:?} is {held:?}");
        }
    }
}

// Both

fn machines(way: Way) -> (Client, Server) {
    let mut extensions = Extensions::new().with_multi_append().with_replace().with_notify().with_compress();
    if way.small_literals {
        extensions = extensions.with_literal_minus();
    }
    let mut config = server::Config::new("mail.test");
    config.extensions = extensions;
    config.mechanisms = vec!["LOGIN".into()];
    let security = if way.tls { Security::Plain } else { Security::Tls };
    let client = Client::new(client::Config::default(), security, Time::ZERO);
    (client, Server::new(config, security, Time::ZERO))
}

/// Runs to the end or the cut, and checks all that has to hold at either.
fn run(
    way: Way,
    acts: &[Act],
    others: &[Other],
    window: usize,
    conversation: Conversation,
) -> (Ended, User, Store) {
    let (mut client, mut server) = machines(way);
    let store = std::cell::RefCell::new(Store::new(others.iter().copied()));
    let mut user = User::new(way, acts.iter().cloned(), window);
    let ended = converse(
        &mut client,
        &mut server,
        conversation,
        |client, event| {
            let mut answers = std::mem::take(&mut store.borrow_mut().answers);
            user.act(client, &mut answers, event);
            store.borrow_mut().answers = answers;
        },
        |server, event| store.borrow_mut().answer(server, event),
    );
    let store = store.into_inner();
    let case = format!("{way:?} {conversation:?} {ended:?}");
    assert_eq!(ended.server, Ok(()), "{case}");
    match client.poll_event() {
        Err(client::ProtocolError::ConnectionLost { unknown, unsent }) => {
            let fates = [(unknown, Fate::Unknown), (unsent, Fate::Unsent)];
            for (ids, fate) in fates {
                for id in ids.into_iter().filter(|id| user.open.remove(id)) {
                    assert_eq!(user.fates.insert(id, fate), None, "{case}");
                }
            }
        }
        Ok(Step::Closed) => {}
        other => panic!("{case}: {other:?}"),
    }
    assert!(user.open.is_empty(), "{case}: nothing is known of {:?}", user.open);
    assert!(store.incoming.is_empty() && store.replaces.is_none(), "{case}: half a message is left");
    for (uid, body) in &user.bodies {
        assert_eq!(store.contents.get(uid), Some(body), "{case}: a message that reads differently");
    }
    for (id, contents) in &user.uploads {
        let copies = |content: &Vec<u8>| store.contents.values().filter(|stored| *stored == content).count();
        let copies: BTreeSet<usize> = contents.iter().map(copies).collect();
        assert_eq!(copies.len(), 1, "{case}: some of the messages of one command");
        let copies = copies.into_iter().next().unwrap();
        let fate = user.fates[id];
        let agreed = match fate {
            Fate::Done(Condition::Ok) => copies == 1,
            Fate::Done(_) | Fate::Unsent => copies == 0,
            Fate::Unknown => copies <= 1,
        };
        assert!(agreed, "{case}: {:?} is {fate:?} and stored {copies} times", user.commands[id]);
    }
    (ended, user, store)
}

/// A bit of everything.
fn conversation(large: usize) -> Vec<Act> {
    use Addressing::{Sequence, Uid};
    vec![
        Act::Append(vec![30]),
        Act::Select,
        Act::Fetch(Sequence, Fetched::Flags),
        Act::Store(Sequence, 2, Flag::Deleted),
        Act::Append(vec![large]),
        Act::Fetch(Uid, Fetched::Body),
        Act::Expunge,
        Act::Append(vec![20, large, 25]),
        Act::Notify,
        Act::Replace(Uid, 4, 40),
        Act::Idle,
        Act::Compress,
        Act::Move(Sequence, 1),
        Act::Search,
        Act::Close,
    ]
}

const OTHERS: [Other; 12] = [
    Other::Nothing,
    Other::Arrives,
    Other::Nothing,
    Other::IsFlagged(1),
    Other::Nothing,
    Other::Arrives,
    Other::Nothing,
    Other::Goes(0),
    Other::IsFlagged(0),
    Other::Goes(1),
    Other::Arrives,
    Other::Goes(2),
];

fn ways() -> impl Iterator<Item = Way> {
    (0..8).map(|bits: u32| {
        let bit = |at: u32| bits >> at & 1 == 1;
        Way { tls: bit(0), challenges: bit(1), small_literals: bit(2) }
    })
}

#[test]
fn whatever_the_segments_all_is_done_and_both_sides_agree() {
    for way in ways() {
        let acts = conversation(if way.small_literals { 4_200 } else { 90 });
        for segment in [1, 7, 64, usize::MAX] {
            for window in [1, 4] {
                let conversation = Conversation { segment, cut_after: None };
                let (ended, user, store) = run(way, &acts, &OTHERS, window, conversation);
                assert_eq!(ended.client, Ok(()), "{way:?} {segment} {window}");
                assert_eq!(user.commands.len(), acts.len(), "{way:?} {segment} {window}");
                let done = Fate::Done(Condition::Ok);
                assert!(user.fates.values().all(|fate| *fate == done), "{:?}", user.fates);
                assert_eq!(store.heard, ["Select"]);
                assert!(user.bodies.len() >= 4, "{}", user.bodies.len());
            }
        }
    }
}

#[test]
fn hst_08_a_cut_at_any_octet_loses_and_doubles_nothing_unknowingly() {
    let mut fates = [0_usize; 3];
    for way in ways() {
        let acts = conversation(if way.small_literals { 4_200 } else { 90 });
        let octets = run(way, &acts, &OTHERS, 4, Conversation::default()).0.octets;
        // A long message is the same at most of its octets.
        let step = if way.small_literals { 13 } else { 1 };
        for cut in (0..octets).step_by(step) {
            let segment = if cut % 2 == 0 { 13 } else { usize::MAX };
            let conversation = Conversation { segment, cut_after: Some(cut) };
            let (_, user, _) = run(way, &acts, &OTHERS, 4, conversation);
            for id in user.uploads.keys() {
                fates[match user.fates[id] {
                    Fate::Done(_) => 0,
                    Fate::Unknown => 1,
                    Fate::Unsent => 2,
                }] += 1;
            }
        }
    }
    assert!(fates.iter().all(|count| *count > 0), "the cuts meet every outcome: {fates:?}");
}

fn act() -> impl Strategy<Value = Act> {
    let by = || prop::sample::select(vec![Addressing::Sequence, Addressing::Uid]);
    let at = 1_u32..7;
    let octets = 20_usize..150;
    let flag = prop::sample::select(vec![Flag::Seen, Flag::Deleted, Flag::Answered]);
    let what = prop::sample::select(vec![Fetched::Flags, Fetched::Body]);
    prop_oneof![
        1 => Just(Act::Select),
        1 => prop::sample::select(vec![Act::Unselect, Act::Close]),
        3 => prop::collection::vec(octets.clone(), 1..4).prop_map(Act::Append),
        2 => (by(), at.clone(), octets).prop_map(|(by, at, octets)| Act::Replace(by, at, octets)),
        4 => (by(), what).prop_map(|(by, what)| Act::Fetch(by, what)),
        4 => (by(), at.clone(), flag).prop_map(|(by, at, flag)| Act::Store(by, at, flag)),
        2 => (by(), at).prop_map(|(by, at)| Act::Move(by, at)),
        3 => prop::sample::select(vec![Act::Expunge, Act::Search, Act::Noop]),
        1 => prop::sample::select(vec![Act::Idle, Act::Notify, Act::Compress]),
    ]
}

fn other() -> impl Strategy<Value = Other> {
    prop_oneof![
        2 => Just(Other::Nothing),
        2 => Just(Other::Arrives),
        2 => (0_usize..9).prop_map(Other::Goes),
        1 => (0_usize..9).prop_map(Other::IsFlagged),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_client_believes_what_the_store_holds(
        acts in prop::collection::vec(act(), 0..30),
        others in prop::collection::vec(other(), 0..40),
        window in 1_usize..6,
        segment in prop::sample::select(vec![1, 5, 100, usize::MAX]),
    ) {
        let acts: Vec<Act> = std::iter::once(Act::Select).chain(acts).collect();
        let conversation = Conversation { segment, cut_after: None };
        let (ended, user, _) = run(Way::default(), &acts, &others, window, conversation);
        prop_assert_eq!(ended.client, Ok(()));
        prop_assert!(user.fates.values().all(|fate| *fate != Fate::Unknown));
    }

    #[test]
    fn a_cut_leaves_nothing_half_done(
        acts in prop::collection::vec(act(), 0..12),
        others in prop::collection::vec(other(), 0..20),
        window in 1_usize..6,
        cut in 0_usize..3_000,
    ) {
        let acts: Vec<Act> = std::iter::once(Act::Select).chain(acts).collect();
        run(Way::default(), &acts, &others, window, Conversation { segment: 17, cut_after: Some(cut) });
    }
}
