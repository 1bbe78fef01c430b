//! A server with one mailbox in memory, over `std::net` and without TLS:
//! `cargo run --example serve -- 127.0.0.1:1143 one.eml two.eml`. Everybody who says `secret` reads and changes the same
//! INBOX, and hears at once, with IDLE, what the others do to it. For tests of clients.
//!
//! The machine has the syntax and knows what may be said when; [`View`] knows which message has which number for
//! this client; what is left is here and in `common/mailbox.rs`.

use std::error::Error;
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use posthaste_imap::error::InvalidValue;
use posthaste_imap::pattern::{self, MailboxName, Matcher, Selection};
use posthaste_imap::search::{Hit, Program, Scope, SearchError};
use posthaste_imap::server::{
    Access, Asked, AuthPrivacy, Config, Event, Expunge, Fetch, LiteralWriter, Message as Told, Refusal,
    Search, Select, SelectData, SelectedFlags, Server, StatusOf, Store, TlsOffer,
};
use posthaste_imap::types::{
    Addressing, AppendHead, DateTime, FetchAttribute, FetchItem, Flag, Flags, ListPattern, ListResponse,
    Mailbox as Name, MailboxAttribute, Namespace, Namespaces, PermanentFlags, SequenceSet, StatusAttribute,
    StatusItem, StoreAction, StoreEcho, UidSet,
};
use posthaste_imap::view::View;
use posthaste_imap::{Bytes, Misuse, Security, State, Step, Time};

#[allow(dead_code, reason = "a session here never waits for its client alone")]
#[path = "common/blocking.rs"]
mod blocking;
#[path = "common/mailbox.rs"]
pub(crate) mod mailbox;

use mailbox::{Candidate, Change, Mailbox, Message, size};

type Outcome = Result<(), Box<dyn Error>>;

/// How often a session looks for what others have done, while its client is silent.
const NEWS: Duration = Duration::from_millis(500);

/// One conversation.
struct Session<'a> {
    link: blocking::Link<Server>,
    shared: &'a Mutex<Mailbox>,
    /// What this client knows of the mailbox it has selected.
    view: View,
    /// How many of the mailbox's changes the view knows.
    known: usize,
    /// The message that APPEND is bringing.
    arriving: Vec<u8>,
    /// Where it goes.
    head: Option<AppendHead>,
}

pub(crate) fn serve(stream: TcpStream, shared: &Mutex<Mailbox>) -> Outcome {
    let mut config = Config::new("serve.test");
    config.tls = TlsOffer::Absent;
    config.auth_requires_tls = AuthPrivacy::NotRequired;
    config.mechanisms.clear();
    let link = blocking::Link::new(Server::new(config, Security::Plain, Time::ZERO), stream);
    let (view, arriving) = (View::default(), Vec::new());
    let mut session = Session { link, shared, view, known: 0, arriving, head: None };
    loop {
        match session.link.step(NEWS)? {
            Step::Event(event) => session.answer(event)?,
            Step::Closed => return Ok(()),
            _ => session.tell()?,
        }
    }
}

impl Session<'_> {
    /// Every event that is a question gets its one answer here.
    fn answer(&mut self, event: Event) -> Outcome {
        match event {
            Event::Login(login) if login.password().expose() == b"secret" => {
                login.ok(&mut self.link.machine)?;
            }
            Event::Login(login) => login.refuse(&mut self.link.machine)?,
            Event::List(list) => {
                for row in listed(&list.reference, &list.patterns)? {
                    list.row(&mut self.link.machine, row)?;
                }
                list.ok(&mut self.link.machine)?;
            }
            Event::Lsub(lsub) => {
                for row in listed(&lsub.reference, std::slice::from_ref(&lsub.pattern))? {
                    lsub.row(&mut self.link.machine, row)?;
                }
                lsub.ok(&mut self.link.machine)?;
            }
            Event::Namespace(asked) => {
                let own = Namespace { prefix: Name::new("")?, delimiter: Some('/'), translation: None };
                let namespaces = Namespaces { personal: vec![own], ..Namespaces::default() };
                asked.ok(&mut self.link.machine, namespaces)?;
            }
            Event::Status(status) => self.status(status)?,
            Event::Select(select) => self.select(select)?,
            Event::Append(append) if append.head.mailbox.is_inbox() => {
                self.arriving.clear();
                self.head = Some(append.head.clone());
                append.accept(&mut self.link.machine)?;
            }
            Event::Append(append) => append.refuse(&mut self.link.machine, Refusal::try_create())?,
            Event::Body(chunk) => self.arriving.extend_from_slice(&chunk),
            Event::AppendEnd(end) => match self.append()? {
                Some((uid_validity, uid)) => {
                    self.tell()?;
                    end.ok(&mut self.link.machine, uid_validity, uid)?;
                }
                None => end.no(&mut self.link.machine, Refusal::server_bug())?,
            },
            Event::Fetch(fetch) => self.fetch(fetch)?,
            Event::Store(store) => self.store(store)?,
            Event::Search(search) => self.search(search)?,
            Event::Expunge(expunge) => self.expunge(expunge)?,
            Event::Close(close) => {
                lock(self.shared).expunge(|_| true);
                close.ok(&mut self.link.machine)?;
            }
            Event::Unselect(unselect) => unselect.ok(&mut self.link.machine)?,
            Event::Noop(noop) => {
                self.tell()?;
                noop.ok(&mut self.link.machine)?;
            }
            Event::Idle(idle) => {
                idle.start(&mut self.link.machine)?;
                self.tell()?;
            }
            Event::IdleDone(done) => done.ok(&mut self.link.machine)?,
            Event::Copy(asked) => asked.no(&mut self.link.machine, Refusal::try_create())?,
            Event::Move(asked) => asked.no(&mut self.link.machine, Refusal::try_create())?,
            // There is one mailbox, and it stays. What is for information is passed over.
            other => other.refuse(&mut self.link.machine, Refusal::cannot())?,
        }
        Ok(())
    }

    fn status(&mut self, asked: Asked<StatusOf>) -> Outcome {
        if !asked.mailbox.is_inbox() {
            return Ok(asked.no(&mut self.link.machine, Refusal::nonexistent())?);
        }
        let mailbox = lock(self.shared);
        let count =
            |counts: fn(&Message) -> bool| mailbox.messages.iter().filter(|message| counts(message)).count();
        let item = |attribute: &StatusAttribute| {
            let number = match attribute {
                StatusAttribute::Messages => u64::try_from(mailbox.messages.len()).ok()?,
                StatusAttribute::Unseen => {
                    u64::try_from(count(|message| !message.flags.contains(&Flag::Seen))).ok()?
                }
                StatusAttribute::UidNext => mailbox.uid_next.get().into(),
                StatusAttribute::UidValidity => mailbox.uid_validity.get().into(),
                StatusAttribute::Recent => 0,
                // Those of extensions that are not offered.
                _ => return None,
            };
            StatusItem::number(*attribute, number)
        };
        let items = asked.attributes.iter().filter_map(item).collect();
        Ok(asked.ok(&mut self.link.machine, items)?)
    }

    fn select(&mut self, asked: Asked<Select>) -> Outcome {
        if !asked.mailbox.is_inbox() {
            return Ok(asked.refuse(&mut self.link.machine, Refusal::nonexistent())?);
        }
        let mailbox = lock(self.shared);
        self.view = View::new(mailbox.messages.iter().map(|message| message.uid.get()));
        self.known = mailbox.changes.len();
        let unseen = mailbox.messages.iter().find(|message| !message.flags.contains(&Flag::Seen));
        let settable = [Flag::Answered, Flag::Flagged, Flag::Deleted, Flag::Seen, Flag::Draft];
        let data = SelectData {
            flags: SelectedFlags {
                defined: settable.to_vec(),
                permanent: PermanentFlags { flags: Flags::from(settable), new_keywords: true },
            },
            exists: self.view.largest_seq(),
            recent: 0,
            unseen: unseen.and_then(|message| self.view.seq_of(message.uid.get())),
            uid_validity: mailbox.uid_validity,
            uid_next: mailbox.uid_next,
            access: Access::ReadWrite,
        };
        Ok(asked.ok(&mut self.link.machine, data)?)
    }

    /// Stores the message that has come; where, and under which UID.
    fn append(&mut self) -> Result<Option<(NonZeroU32, NonZeroU32)>, Box<dyn Error>> {
        let Some(AppendHead { flags, date_time, .. }) = self.head.take() else { return Ok(None) };
        let received = match date_time {
            Some(date_time) => date_time,
            None => DateTime::from_unix_seconds(mailbox::now(), 0)?,
        };
        let mut mailbox = lock(self.shared);
        let uid = mailbox.append(Bytes::from(std::mem::take(&mut self.arriving)), flags, received);
        Ok(uid.map(|uid| (mailbox.uid_validity, uid)))
    }

    /// The messages that `set` names, by number and UID; `None` where it names one that is not there.
    fn targets(&self, set: Option<&SequenceSet>, addressing: Addressing) -> Option<Vec<(NonZeroU32, u32)>> {
        let set = set?;
        let covered = addressing == Addressing::Uid || self.view.covers(set);
        covered.then(|| self.view.resolve(set, addressing).collect())
    }

    fn fetch(&mut self, asked: Asked<Fetch>) -> Outcome {
        let Some(targets) = self.targets(asked.set.numbers(), asked.addressing) else {
            return Ok(asked.bad(&mut self.link.machine, "No such message")?);
        };
        let mut attributes = asked.attributes.clone();
        if asked.addressing == Addressing::Uid && !attributes.contains(&FetchAttribute::Uid) {
            attributes.insert(0, FetchAttribute::Uid);
        }
        let reads = attributes.iter().any(mailbox::reads) && !self.link.machine.is_read_only();
        let mut writer = asked.begin();
        for (seq, uid) in targets {
            // A message that is gone is passed over: the client will be told.
            let Some(message) = lock(self.shared).find(uid).cloned() else { continue };
            let mut row = writer.row(&mut self.link.machine, Told::new(seq, message.uid))?;
            for attribute in &attributes {
                match message.item(attribute) {
                    Some(FetchItem::Payload { payload, data: Some(data) }) => {
                        let mut literal = row.literal(&mut self.link.machine, &payload, size(&data))?;
                        self.write(&mut literal, data)?;
                        row = literal.finish(&mut self.link.machine)?;
                    }
                    Some(item) => row.item(&mut self.link.machine, &item)?,
                    None => {}
                }
            }
            writer = row.finish(&mut self.link.machine)?;
            if reads && !message.flags.contains(&Flag::Seen) {
                lock(self.shared).store(uid, StoreAction::Add, &Flags::from([Flag::Seen]));
            }
        }
        self.tell()?;
        Ok(writer.ok(&mut self.link.machine)?)
    }

    /// Writes octets as fast as the client takes them.
    fn write(&mut self, literal: &mut LiteralWriter, mut data: Bytes) -> Outcome {
        while !data.is_empty() {
            let chunk = data.split_to(data.len().min(16 * 1024));
            while let Err(misuse) = literal.write(&mut self.link.machine, chunk.clone()) {
                match misuse {
                    Misuse::Congested { .. } => self.link.flush()?,
                    misuse => return Err(misuse.into()),
                };
            }
        }
        Ok(())
    }

    fn store(&mut self, asked: Asked<Store>) -> Outcome {
        let Some(targets) = self.targets(asked.command.set.numbers(), asked.addressing) else {
            return Ok(asked.bad(&mut self.link.machine, "No such message")?);
        };
        // What others did is told first: of what is done now, the client may not want to hear.
        self.tell()?;
        for (_, uid) in &targets {
            lock(self.shared).store(*uid, asked.command.action, &asked.command.flags);
        }
        self.learn();
        if asked.command.echo == StoreEcho::Silent {
            targets.iter().for_each(|(_, uid)| self.view.flags_told(*uid, 0));
        }
        self.tell()?;
        Ok(asked.ok(&mut self.link.machine)?)
    }

    fn search(&mut self, asked: Asked<Search>) -> Outcome {
        let scope = Scope {
            largest_seq: self.view.largest_seq(),
            largest_uid: self.view.largest_uid(),
            saved: &UidSet::default(),
            now: mailbox::now(),
        };
        let program = match Program::new(&asked.command, &scope) {
            Ok(program) => program,
            Err(SearchError::Charset) => {
                return Ok(asked.no(&mut self.link.machine, Refusal::bad_charset())?);
            }
            Err(_) => return Ok(asked.no(&mut self.link.machine, Refusal::cannot())?),
        };
        let mut hits = vec![];
        for (seq, uid) in self.view.resolve(&SequenceSet::all(), Addressing::Sequence) {
            let mailbox = lock(self.shared);
            let Some(message) = mailbox.find(uid) else { continue };
            if program.test(&Candidate { seq: seq.get(), message }) == Some(true) {
                let number = if asked.addressing == Addressing::Uid { message.uid } else { seq };
                hits.push(Hit { number, uid: message.uid, mod_seq: 0 });
            }
        }
        self.tell()?;
        Ok(asked.hits(&mut self.link.machine, &hits)?)
    }

    fn expunge(&mut self, asked: Asked<Expunge>) -> Outcome {
        let largest = self.view.largest_uid();
        let uids = asked.uids.as_ref().and_then(|uids| uids.numbers());
        lock(self.shared).expunge(|uid| uids.is_none_or(|uids| uids.contains(uid, largest)));
        self.tell()?;
        Ok(asked.ok(&mut self.link.machine)?)
    }

    /// Brings the view up to date with the mailbox.
    fn learn(&mut self) {
        let mailbox = lock(self.shared);
        for change in mailbox.changes.get(self.known..).unwrap_or_default() {
            match change {
                Change::Arrived(uid) => drop(self.view.arrived(uid.get(), 0)),
                Change::Flags(uid) => self.view.flags_changed(uid.get(), 0),
                Change::Expunged(uid) => self.view.expunged(uid.get()),
            }
        }
        self.known = mailbox.changes.len();
    }

    /// Tells the client what it does not know, as far as that may be said now.
    fn tell(&mut self) -> Outcome {
        if self.link.machine.state() != State::Selected {
            return Ok(());
        }
        self.learn();
        let flags = |uid: NonZeroU32| {
            let flags = lock(self.shared).find(uid.get())?.flags.clone();
            Some(vec![FetchItem::Uid(uid), FetchItem::Flags(flags)])
        };
        Ok(self.link.machine.tell(&mut self.view, flags)?)
    }
}

/// The rows of LIST: a pure function over all names there are, of which there is one.
fn listed(reference: &Name, patterns: &[ListPattern]) -> Result<Vec<ListResponse>, InvalidValue> {
    let inbox = MailboxName { name: "INBOX", exists: true, subscribed: true };
    let matcher = |pattern: &ListPattern| Matcher::new(reference.as_str(), pattern.as_str(), '/');
    let matchers: Vec<Matcher> = patterns.iter().map(matcher).collect();
    let listed = pattern::list(&[inbox], &matchers, Selection::Existing, '/');
    let mut names: Vec<_> = listed.iter().map(|row| (row.name, MailboxAttribute::HasNoChildren)).collect();
    // An empty pattern asks for the delimiter (RFC 9051 6.3.9).
    if patterns.iter().all(|pattern| pattern.as_str().is_empty()) {
        names.push(("", MailboxAttribute::NoSelect));
    }
    let row = |(name, attribute)| {
        let (attributes, delimiter, mailbox) = (vec![attribute], Some('/'), Name::new(name)?);
        Ok(ListResponse { attributes, delimiter, mailbox, child_info: vec![], old_name: None })
    };
    names.into_iter().map(row).collect()
}

/// What one session did to the mailbox is complete even if it did not survive it.
fn lock(shared: &Mutex<Mailbox>) -> MutexGuard<'_, Mailbox> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("usage: serve ADDRESS FILE...")?;
    let mut mailbox = Mailbox::new();
    for file in arguments {
        let received = DateTime::from_unix_seconds(mailbox::now(), 0)?;
        mailbox.append(Bytes::from(std::fs::read(file)?), Flags::new(), received);
    }
    let shared = Arc::new(Mutex::new(mailbox));
    for stream in TcpListener::bind(address)?.incoming() {
        let (stream, shared) = (stream?, Arc::clone(&shared));
        std::thread::spawn(move || {
            serve(stream, &shared).unwrap_or_else(|error| eprintln!("session ended: {error}"));
        });
    }
    Ok(())
}
