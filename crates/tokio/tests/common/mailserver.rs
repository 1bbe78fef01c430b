//! A server with one mailbox in memory, for as many sessions as a test has; whoever has the [`Store`] changes it behind
//! their backs.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use posthaste_imap::message::Summary;
use posthaste_imap::server::{
    Access, Asked, Config, Event, Fetch, Found, LiteralWriter, Message, Refusal, Search, Select, SelectData,
    SelectedFlags, Server,
};
use posthaste_imap::types::{
    Addressing, FetchAttribute, FetchItem, Flag, Flags, ListResponse, Mailbox, Payload, SequenceNumber,
    SequenceSet, StatusItem, StoreAction,
};
use posthaste_imap::view::View;
use posthaste_imap::{Misuse, State};
use posthaste_tokio::{Connection, Role, Security, Stream, Time, Transport};
use tokio::sync::watch;

/// A mailbox that sessions share.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Mutex<Inner>>,
    news: watch::Sender<usize>,
}

#[derive(Default)]
struct Inner {
    messages: BTreeMap<u32, (Flags, Bytes)>,
    changes: Vec<Change>,
    last: u32,
}

#[derive(Clone, Copy)]
enum Change {
    Arrived(u32),
    Flags(u32),
    Expunged(u32),
}

impl Store {
    pub fn new(messages: &[&[u8]]) -> Self {
        let store = Self { inner: Arc::default(), news: watch::Sender::new(0) };
        for message in messages {
            store.add(Bytes::copy_from_slice(message));
        }
        store
    }

    pub fn add(&self, content: Bytes) -> u32 {
        self.change(|inner| {
            inner.last += 1;
            inner.messages.insert(inner.last, (Flags::new(), content));
            Change::Arrived(inner.last)
        });
        self.lock().last
    }

    pub fn flag(&self, uid: u32, action: StoreAction, flags: &Flags) {
        self.change(|inner| {
            let (old, _) = inner.messages.get_mut(&uid).unwrap();
            match action {
                StoreAction::Replace => *old = flags.clone(),
                StoreAction::Add => flags.iter().for_each(|flag| old.insert(&flag)),
                StoreAction::Remove => flags.iter().for_each(|flag| old.remove(&flag)),
            }
            Change::Flags(uid)
        });
    }

    pub fn remove(&self, uid: u32) {
        self.change(|inner| {
            inner.messages.remove(&uid);
            Change::Expunged(uid)
        });
    }

    /// What is there: UIDs and flags.
    pub fn picture(&self) -> BTreeMap<u32, Flags> {
        self.lock().messages.iter().map(|(uid, (flags, _))| (*uid, flags.clone())).collect()
    }

    pub fn content(&self, uid: u32) -> Option<Bytes> {
        self.lock().messages.get(&uid).map(|(_, content)| content.clone())
    }

    fn change(&self, change: impl FnOnce(&mut Inner) -> Change) {
        let mut inner = self.lock();
        let change = change(&mut inner);
        inner.changes.push(change);
        self.news.send_replace(inner.changes.len());
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }
}

/// Serves `store` to one client over a stream that counts as local, until either side ends it.
pub async fn serve(stream: impl Transport, store: Store) {
    let mut config = Config::new("mail.example");
    config.mechanisms.clear();
    // A message of some length is asked for before it is sent.
    config.extensions = config.extensions.with_literal_minus().with_replace();
    let machine = Server::new(config, Security::Local, Time::ZERO);
    let connection = Connection::new(machine, Stream::local(stream), Role::Server { tls: None });
    let mut news = store.news.subscribe();
    let (view, arriving) = (View::default(), Vec::new());
    let append_flags = Flags::new();
    let mut session = Session { connection, store, view, known: 0, arriving, append_flags, replaced: 0 };
    loop {
        tokio::select! {
            event = session.connection.next() => match event {
                Ok(Some(event)) => {
                    // A client that leaves in the middle makes all of this void.
                    if session.answer(event).await.is_err() {
                        return;
                    }
                }
                _ => return,
            },
            _ = news.changed() => session.tell().unwrap(),
        }
    }
}

struct Session {
    connection: Connection<Server>,
    store: Store,
    view: View,
    known: usize,
    arriving: Vec<u8>,
    append_flags: Flags,
    /// The UID of the message that the arriving one takes the place of.
    replaced: u32,
}

impl Session {
    fn machine(&mut self) -> &mut Server {
        self.connection.machine()
    }

    async fn answer(&mut self, event: Event) -> Result<(), Misuse> {
        match event {
            Event::Login(login) if login.password().expose() == b"Geheim!" => login.ok(self.machine()),
            Event::Login(login) => login.refuse(self.machine()),
            Event::List(list) => {
                for name in ["INBOX", "Archive", "Sent"] {
                    let row = ListResponse {
                        attributes: vec![],
                        delimiter: Some('/'),
                        mailbox: Mailbox::new(name).unwrap(),
                        child_info: vec![],
                        old_name: None,
                    };
                    list.row(self.machine(), row)?;
                }
                list.ok(self.machine())
            }
            Event::Status(status) => {
                let items = vec![StatusItem::Messages(self.store.picture().len() as u64)];
                status.ok(self.machine(), items)
            }
            Event::Select(select) => self.select(select),
            Event::Append(append) => {
                self.arriving.clear();
                self.append_flags = append.head.flags.clone();
                append.accept(self.machine())
            }
            Event::Body(chunk) => {
                self.arriving.extend_from_slice(&chunk);
                Ok(())
            }
            Event::AppendEnd(end) => {
                let uid = self.store.add(std::mem::take(&mut self.arriving).into());
                let flags = self.append_flags.clone();
                self.store.flag(uid, StoreAction::Replace, &flags);
                self.tell()?;
                end.ok(self.machine(), NonZeroU32::MIN, NonZeroU32::new(uid).unwrap())
            }
            Event::Replace(asked) => {
                self.arriving.clear();
                self.append_flags = asked.head.flags.clone();
                self.replaced = match (asked.addressing, asked.message) {
                    (Addressing::Uid, SequenceNumber::Number(uid)) => uid.get(),
                    other => panic!("{other:?}"),
                };
                asked.accept(self.machine())
            }
            Event::ReplaceEnd(end) => {
                let uid = self.store.add(std::mem::take(&mut self.arriving).into());
                let flags = self.append_flags.clone();
                self.store.flag(uid, StoreAction::Replace, &flags);
                self.tell()?;
                // The answer tells it.
                let seq = self.view.remove(self.replaced).unwrap();
                self.store.remove(self.replaced);
                self.known += 1;
                let old = Message::new(seq, NonZeroU32::new(self.replaced).unwrap());
                end.ok(self.machine(), NonZeroU32::MIN, NonZeroU32::new(uid).unwrap(), old)
            }
            Event::Fetch(fetch) => self.fetch(fetch).await,
            Event::Store(asked) => {
                self.tell()?;
                let set = asked.command.set.numbers().cloned().unwrap();
                let targets: Vec<u32> =
                    self.view.resolve(&set, asked.addressing).map(|(_, uid)| uid).collect();
                for uid in targets {
                    self.store.flag(uid, asked.command.action, &asked.command.flags);
                }
                self.tell()?;
                asked.ok(self.machine())
            }
            Event::Search(search) => self.search(search),
            Event::Noop(noop) => {
                self.tell()?;
                noop.ok(self.machine())
            }
            Event::Idle(idle) => {
                idle.start(self.machine())?;
                self.tell()
            }
            Event::IdleDone(done) => done.ok(self.machine()),
            Event::Create(asked) => asked.no(self.machine(), Refusal::already_exists()),
            Event::Delete(asked) => asked.no(self.machine(), Refusal::nonexistent()),
            Event::Unselect(asked) => asked.ok(self.machine()),
            _ => Ok(()),
        }
    }

    fn select(&mut self, select: Asked<Select>) -> Result<(), Misuse> {
        let inner = self.store.lock();
        self.view = View::new(inner.messages.keys().copied());
        self.known = inner.changes.len();
        let uid_next = NonZeroU32::new(inner.last + 1).unwrap();
        drop(inner);
        let data = SelectData {
            flags: SelectedFlags { defined: vec![Flag::Seen, Flag::Flagged], ..SelectedFlags::default() },
            exists: self.view.largest_seq(),
            recent: 0,
            unseen: None,
            uid_validity: NonZeroU32::MIN,
            uid_next,
            access: Access::ReadWrite,
        };
        select.ok(self.machine(), data)
    }

    /// FLAGS, UID, ENVELOPE and whole messages.
    async fn fetch(&mut self, asked: Asked<Fetch>) -> Result<(), Misuse> {
        let set: SequenceSet = asked.set.numbers().cloned().unwrap();
        let targets: Vec<(NonZeroU32, u32)> = self.view.resolve(&set, asked.addressing).collect();
        let mut attributes = asked.attributes.clone();
        if asked.addressing == Addressing::Uid && !attributes.contains(&FetchAttribute::Uid) {
            attributes.insert(0, FetchAttribute::Uid);
        }
        let mut writer = asked.begin();
        for (seq, uid) in targets {
            let Some(content) = self.store.content(uid) else { continue };
            let mut row = writer.row(self.connection.machine(), seq)?;
            for attribute in &attributes {
                let item = match attribute {
                    FetchAttribute::Uid => FetchItem::Uid(NonZeroU32::new(uid).unwrap()),
                    FetchAttribute::Flags => {
                        FetchItem::Flags(self.store.picture().get(&uid).cloned().unwrap_or_default())
                    }
                    FetchAttribute::Envelope => {
                        FetchItem::Envelope(Box::new(Summary::scan(&content).envelope().into()))
                    }
                    FetchAttribute::Section { section, .. } => {
                        let payload = Payload::Section { section: section.clone(), origin: None };
                        let length = content.len() as u64;
                        let mut literal = row.literal(self.connection.machine(), &payload, length)?;
                        self.write(&mut literal, content.clone()).await?;
                        row = literal.finish(self.connection.machine())?;
                        continue;
                    }
                    _ => continue,
                };
                row.item(self.connection.machine(), &item)?;
            }
            writer = row.finish(self.connection.machine())?;
        }
        self.tell()?;
        writer.ok(self.machine())
    }

    async fn write(&mut self, literal: &mut LiteralWriter, mut content: Bytes) -> Result<(), Misuse> {
        while !content.is_empty() {
            let gone = |_| Misuse::NotNow { call: "write", state: "to a client that is gone" };
            self.connection.room().await.map_err(gone)?;
            let chunk = content.split_to(content.len().min(16 * 1024));
            literal.write(self.connection.machine(), chunk)?;
        }
        Ok(())
    }

    fn search(&mut self, asked: Asked<Search>) -> Result<(), Misuse> {
        self.tell()?;
        let all: Vec<NonZeroU32> = self
            .view
            .resolve(&SequenceSet::all(), Addressing::Sequence)
            .filter_map(|(seq, uid)| match asked.addressing {
                Addressing::Uid => NonZeroU32::new(uid),
                Addressing::Sequence => Some(seq),
            })
            .collect();
        asked.ok(self.machine(), Found::from(all))
    }

    /// Tells the client what it does not know, as far as that may be said now.
    fn tell(&mut self) -> Result<(), Misuse> {
        if self.connection.machine_ref().state() != State::Selected {
            return Ok(());
        }
        let inner = self.store.lock();
        for change in &inner.changes[self.known..] {
            match change {
                Change::Arrived(uid) => drop(self.view.arrived(*uid, 0)),
                Change::Flags(uid) => self.view.flags_changed(*uid, 0),
                Change::Expunged(uid) => self.view.expunged(*uid),
            }
        }
        self.known = inner.changes.len();
        drop(inner);
        let flags = self.store.picture();
        self.connection.machine().tell(&mut self.view, |uid| {
            Some(vec![FetchItem::Uid(uid), FetchItem::Flags(flags.get(&uid.get())?.clone())])
        })
    }
}
