//! The mailbox by IMAP: INBOX and no other. Everybody reads and changes it, and hears with IDLE what others do to it.
//!
//! The machine has the syntax and knows what may be said when; [`View`] knows which message has which number for this
//! client.

use std::num::NonZeroU32;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use posthaste_imap::State;
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
use posthaste_tokio::{Accepted, Connection, Role, Time};
use rustls::ServerConfig;

use super::login::{self, Login, Step};
use super::mailbox::{self, Candidate, Change, Message, Shared, size};
use crate::{Outcome, Problem};

/// Speaks with one client.
pub(super) async fn session(
    mut accepted: Accepted,
    tls: Option<Arc<ServerConfig>>,
    shared: Arc<Shared>,
) -> Outcome {
    let mut config = Config::new("localhost");
    config.tls = if tls.is_some() { TlsOffer::StartTls } else { TlsOffer::Absent };
    config.auth_requires_tls = AuthPrivacy::NotRequired;
    config.mechanisms = login::mechanisms().map(str::to_owned).collect();
    let machine = Server::new(config, accepted.stream.security(), Time::ZERO);
    let connection = Connection::new(machine, accepted.stream, Role::Server { tls });
    let mut news = shared.news();
    let mut session = Session {
        connection,
        shared,
        login: Login::default(),
        view: View::default(),
        known: 0,
        arriving: BytesMut::new(),
        head: None,
    };
    loop {
        tokio::select! {
            event = accepted.shutdown.next(&mut session.connection) => match event? {
                Some(event) => session.answer(event).await?,
                None => return Ok(()),
            },
            // The sender lives as long as the session.
            _ = news.changed() => session.tell()?,
        }
    }
}

/// One conversation.
struct Session {
    connection: Connection<Server>,
    shared: Arc<Shared>,
    login: Login,
    /// What this client knows of the mailbox it has selected.
    view: View,
    /// How many of the mailbox's changes the view knows.
    known: u64,
    /// The message that APPEND is bringing.
    arriving: BytesMut,
    /// Where it goes.
    head: Option<AppendHead>,
}

impl Session {
    /// Every event that is a question gets its one answer here.
    async fn answer(&mut self, event: Event) -> Outcome {
        match event {
            Event::StartTls(start) => start.accept(self.connection.machine())?,
            Event::Login(login) => login.ok(self.connection.machine())?,
            Event::Auth(auth) => {
                let channel = self.connection.channel();
                let begins = auth.is_start().then(|| auth.mechanism());
                let step = self.login.step(&channel, begins, auth.response());
                let server = self.connection.machine();
                match step {
                    Step::Challenge(challenge) => auth.challenge(server, &challenge)?,
                    Step::In => auth.accept(server)?,
                    Step::Malformed => auth.malformed(server)?,
                }
            }
            Event::AuthCancelled => self.login.cancel(),
            Event::List(list) => {
                for row in listed(&list.reference, &list.patterns)? {
                    list.row(self.connection.machine(), row)?;
                }
                list.ok(self.connection.machine())?;
            }
            Event::Lsub(lsub) => {
                for row in listed(&lsub.reference, std::slice::from_ref(&lsub.pattern))? {
                    lsub.row(self.connection.machine(), row)?;
                }
                lsub.ok(self.connection.machine())?;
            }
            Event::Namespace(asked) => {
                let own = Namespace { prefix: Name::new("")?, delimiter: Some('/'), translation: None };
                let namespaces = Namespaces { personal: vec![own], ..Namespaces::default() };
                asked.ok(self.connection.machine(), namespaces)?;
            }
            Event::Status(status) => self.status(status)?,
            Event::Select(select) => self.select(select)?,
            Event::Append(append) if append.head.mailbox.is_inbox() => {
                self.arriving.clear();
                self.head = Some(append.head.clone());
                append.accept(self.connection.machine())?;
            }
            Event::Append(append) => append.refuse(self.connection.machine(), Refusal::try_create())?,
            Event::Body(chunk) => self.arriving.extend_from_slice(&chunk),
            Event::AppendEnd(end) => match self.append()? {
                Some((uid_validity, uid)) => {
                    self.tell()?;
                    end.ok(self.connection.machine(), uid_validity, uid)?;
                }
                None => end.no(self.connection.machine(), Refusal::over_quota())?,
            },
            Event::Fetch(fetch) => self.fetch(fetch).await?,
            Event::Store(store) => self.store(store)?,
            Event::Search(search) => self.search(search)?,
            Event::Expunge(expunge) => self.expunge(expunge)?,
            Event::Close(close) => {
                self.shared.remove(|message| message.flags.contains(&Flag::Deleted));
                close.ok(self.connection.machine())?;
            }
            Event::Unselect(unselect) => unselect.ok(self.connection.machine())?,
            Event::Noop(noop) => {
                self.tell()?;
                noop.ok(self.connection.machine())?;
            }
            Event::Idle(idle) => {
                idle.start(self.connection.machine())?;
                self.tell()?;
            }
            Event::IdleDone(done) => done.ok(self.connection.machine())?,
            Event::BodyAborted => self.arriving.clear(),
            Event::Copy(asked) => asked.no(self.connection.machine(), Refusal::try_create())?,
            Event::Move(asked) => asked.no(self.connection.machine(), Refusal::try_create())?,
            // There is room again for what `tell` left in the view.
            Event::Resync => self.tell()?,
            // There is one mailbox, and it stays. What is for information is passed over.
            other => other.refuse(self.connection.machine(), Refusal::cannot())?,
        }
        Ok(())
    }

    fn status(&mut self, asked: Asked<StatusOf>) -> Outcome {
        if !asked.mailbox.is_inbox() {
            return Ok(asked.no(self.connection.machine(), Refusal::nonexistent())?);
        }
        let mailbox = self.shared.lock();
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
        Ok(asked.ok(self.connection.machine(), items)?)
    }

    fn select(&mut self, asked: Asked<Select>) -> Outcome {
        if !asked.mailbox.is_inbox() {
            return Ok(asked.refuse(self.connection.machine(), Refusal::nonexistent())?);
        }
        let mailbox = self.shared.lock();
        self.view = View::new(mailbox.messages.iter().map(|message| message.uid.get()));
        self.known = mailbox.changed();
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
        Ok(asked.ok(self.connection.machine(), data)?)
    }

    /// Stores the message that has come; where, and under which UID.
    fn append(&mut self) -> Result<Option<(NonZeroU32, NonZeroU32)>, Problem> {
        let Some(AppendHead { flags, date_time, .. }) = self.head.take() else { return Ok(None) };
        let received = match date_time {
            Some(date_time) => date_time,
            None => DateTime::from_unix_seconds(mailbox::now(), 0)?,
        };
        let uid = self.shared.add(self.arriving.split().freeze(), flags, received);
        let validity = self.shared.lock().uid_validity;
        Ok(uid.map(|uid| (validity, uid)))
    }

    /// The messages that `set` names, by number and UID; `None` where it names one that is not there.
    fn targets(&self, set: Option<&SequenceSet>, addressing: Addressing) -> Option<Vec<(NonZeroU32, u32)>> {
        let set = set?;
        let covered = addressing == Addressing::Uid || self.view.covers(set);
        covered.then(|| self.view.resolve(set, addressing).collect())
    }

    async fn fetch(&mut self, asked: Asked<Fetch>) -> Outcome {
        let Some(targets) = self.targets(asked.set.numbers(), asked.addressing) else {
            return Ok(asked.bad(self.connection.machine(), "No such message")?);
        };
        let mut attributes = asked.attributes.clone();
        if asked.addressing == Addressing::Uid && !attributes.contains(&FetchAttribute::Uid) {
            attributes.insert(0, FetchAttribute::Uid);
        }
        let reads = attributes.iter().any(mailbox::reads) && !self.connection.machine_ref().is_read_only();
        let mut writer = asked.begin();
        for (seq, uid) in targets {
            // A message that is gone is passed over: the client will be told.
            let Some(message) = self.shared.lock().find(uid).cloned() else { continue };
            let mut row = writer.row(self.connection.machine(), Told::new(seq, message.uid))?;
            for attribute in &attributes {
                match message.item(attribute) {
                    Some(FetchItem::Payload { payload, data: Some(data) }) => {
                        let mut literal = row.literal(self.connection.machine(), &payload, size(&data))?;
                        self.write(&mut literal, data).await?;
                        row = literal.finish(self.connection.machine())?;
                    }
                    Some(item) => row.item(self.connection.machine(), &item)?,
                    None => {}
                }
            }
            writer = row.finish(self.connection.machine())?;
            if reads && !message.flags.contains(&Flag::Seen) {
                self.shared.store(uid, StoreAction::Add, &Flags::from([Flag::Seen]));
            }
        }
        self.tell()?;
        Ok(writer.ok(self.connection.machine())?)
    }

    /// Writes octets as fast as the client takes them.
    async fn write(&mut self, literal: &mut LiteralWriter, mut data: Bytes) -> Outcome {
        while !data.is_empty() {
            self.connection.room().await?;
            literal.write(self.connection.machine(), data.split_to(data.len().min(16 * 1024)))?;
        }
        Ok(())
    }

    fn store(&mut self, asked: Asked<Store>) -> Outcome {
        let Some(targets) = self.targets(asked.command.set.numbers(), asked.addressing) else {
            return Ok(asked.bad(self.connection.machine(), "No such message")?);
        };
        // What others did is told first: of what is done now, the client may not want to hear.
        self.tell()?;
        for (_, uid) in &targets {
            self.shared.store(*uid, asked.command.action, &asked.command.flags);
        }
        self.learn()?;
        if asked.command.echo == StoreEcho::Silent {
            targets.iter().for_each(|(_, uid)| self.view.flags_told(*uid, 0));
        }
        self.tell()?;
        Ok(asked.ok(self.connection.machine())?)
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
                return Ok(asked.no(self.connection.machine(), Refusal::bad_charset())?);
            }
            Err(_) => return Ok(asked.no(self.connection.machine(), Refusal::cannot())?),
        };
        let mut hits = vec![];
        for (seq, uid) in self.view.resolve(&SequenceSet::all(), Addressing::Sequence) {
            let mailbox = self.shared.lock();
            let Some(message) = mailbox.find(uid) else { continue };
            if program.test(&Candidate { seq: seq.get(), message }) == Some(true) {
                let number = if asked.addressing == Addressing::Uid { message.uid } else { seq };
                hits.push(Hit { number, uid: message.uid, mod_seq: 0 });
            }
        }
        self.tell()?;
        Ok(asked.hits(self.connection.machine(), &hits)?)
    }

    fn expunge(&mut self, asked: Asked<Expunge>) -> Outcome {
        let largest = self.view.largest_uid();
        let uids = asked.uids.as_ref().and_then(|uids| uids.numbers());
        self.shared.remove(|message| {
            let chosen = uids.is_none_or(|uids| uids.contains(message.uid.get(), largest));
            chosen && message.flags.contains(&Flag::Deleted)
        });
        self.tell()?;
        Ok(asked.ok(self.connection.machine())?)
    }

    /// Brings the view up to date with the mailbox.
    fn learn(&mut self) -> Outcome {
        let mailbox = self.shared.lock();
        let changes = mailbox.changes_since(self.known).ok_or("the client is too slow for what happens")?;
        for change in changes {
            match change {
                Change::Arrived(uid) => drop(self.view.arrived(uid.get(), 0)),
                Change::Flags(uid) => self.view.flags_changed(uid.get(), 0),
                Change::Expunged(uid) => self.view.expunged(uid.get()),
            }
        }
        self.known = mailbox.changed();
        Ok(())
    }

    /// Tells the client what it does not know, as far as that may be said now.
    fn tell(&mut self) -> Outcome {
        if self.connection.machine_ref().state() != State::Selected {
            return Ok(());
        }
        self.learn()?;
        let flags = |uid: NonZeroU32| {
            let flags = self.shared.lock().find(uid.get())?.flags.clone();
            Some(vec![FetchItem::Uid(uid), FetchItem::Flags(flags)])
        };
        Ok(self.connection.machine().tell(&mut self.view, flags)?)
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
