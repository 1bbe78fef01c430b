//! The application of a server: one mailbox of a few messages, which come and go as the choices say.

use std::num::NonZeroU32;

use posthaste_imap::server::{
    Asked, Config, CopyUid, Event, Extensions, Fetch, FetchWriter, LiteralWriter, Message, MetadataWriter,
    Refusal, SelectData, SelectMore, SelectedFlags, Server, TlsOffer, Update, ValueWriter,
};
use posthaste_imap::types::{
    DateTime, EntryName, FetchAttribute, FetchItem, Flag, ListResponse, Mailbox, MetadataEntry, Payload,
    QuotaResource, QuotaUsage, Rights, SelectParameter, StatusItem, StoreEcho, ThreadNode, Threads, UidSet,
};
use posthaste_imap::{Bytes, Limits, Misuse, Security, Time, Upgrade};
use posthaste_testkit::{Note, Outcome};

use super::drive::{Application, Choices, Pace, drive};
use crate::plan::Plan;

/// Whether all that was begun to be said was said to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Whole,
    /// The application left an answer in the middle.
    Torn,
}

pub(super) fn serve(plan: &Plan<'_>, choices: &[u8], pace: Pace) -> (Outcome, Ending) {
    let number = plan.number;
    let mut config = Config::new("mail.test");
    config.limits = limits();
    config.tls = if number & 1 == 0 { TlsOffer::StartTls } else { TlsOffer::Absent };
    if number & 2 == 0 {
        config.extensions = everything();
    }
    let security = if number & 4 == 0 { Security::Tls } else { Security::Plain };
    let mut site = Site::new(config.clone(), choices);
    let mut machine = Server::new(config, security, Time::ZERO);
    let outcome = drive(&mut machine, &mut site, plan, pace);
    super::over(&mut machine);
    assert_eq!(site.incoming, None, "a message that neither ended nor was given up");
    (outcome, site.ending)
}

/// Small ones, so that a small input meets them.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.line_max = 1_000;
    limits.literal_max = 600;
    limits.command_max = 2_000;
    limits.append_max = 400;
    limits.append_all_max = 600;
    limits.append_messages_max = 4;
    limits.drop_max = 800;
    limits.updates_max = 4;
    limits.send_high_water = 500;
    limits.auth_steps_max = 3;
    limits
}

fn everything() -> Extensions {
    Extensions::new()
        .with_imap4rev2()
        .with_list_my_rights()
        .with_create_special_use()
        .with_qresync()
        .with_utf8_accept()
        .with_compress()
        .with_multi_append()
        .with_replace()
        .with_quota([QuotaResource::Storage])
        .with_quota_set()
        .with_metadata()
        .with_object_id()
        .with_preview()
        .with_sort_display()
        .with_esort()
        .with_partial()
        .with_uid_only()
        .with_uid_batches()
        .with_multi_search()
        .with_notify()
        .with_in_progress()
        .with_unauthenticate()
}

struct Site<'a> {
    config: Config,
    choices: Choices<'a>,
    uids: Vec<u32>,
    uid_next: u32,
    selected: bool,
    /// Octets that are due of a message.
    incoming: Option<u64>,
    /// A question that is answered late.
    kept: Option<(Event, Answer)>,
    writing: Option<Writing>,
    ending: Ending,
}

/// An answer that waits for room.
enum Writing {
    Literal { writer: LiteralWriter, rest: Bytes, messages: Vec<Message> },
    Value { writer: ValueWriter, rest: Bytes },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
}

impl<'a> Site<'a> {
    fn new(config: Config, choices: &'a [u8]) -> Self {
        Self {
            config,
            choices: Choices(choices),
            uids: vec![3, 5, 8],
            uid_next: 9,
            selected: false,
            incoming: None,
            kept: None,
            writing: None,
            ending: Ending::Whole,
        }
    }

    fn message(&self, index: usize) -> Message {
        Message::new(number(index + 1), NonZeroU32::new(self.uids[index]).unwrap())
    }

    /// Something happens to the mailbox, and the machine is told. What it does not take has not happened.
    fn update(&mut self, server: &mut Server, what: u8) {
        let last = self.uids.len().checked_sub(1);
        let seen = || vec![FetchItem::Flags([Flag::Seen].iter().cloned().collect())];
        match (what % 8, last) {
            (0 | 1, _) => {
                let exists = u32::try_from(self.uids.len() + 1).unwrap();
                if server.update(Update::Exists(exists)).is_ok() {
                    self.uids.push(self.uid_next);
                    self.uid_next += 1;
                }
            }
            (2..=4, Some(last)) => {
                let at = usize::from(what / 8) % (last + 1);
                if server.update(Update::Expunged(self.message(at))).is_ok() {
                    self.uids.remove(at);
                }
            }
            (5, Some(last)) => drop(server.update(Update::Fetch(self.message(last), seen()))),
            (6, _) => drop(server.update(Update::Status(inbox(), vec![StatusItem::Messages(3)]))),
            _ => drop(server.update(Update::List(row()))),
        }
    }

    fn answer(&mut self, server: &mut Server, event: Event, answer: Answer) -> Result<(), Misuse> {
        if answer == Answer::No {
            return event.refuse(server, Refusal::cannot());
        }
        match event {
            Event::StartTls(token) => token.accept(server),
            Event::Login(asked) => asked.ok(server),
            Event::Auth(auth) if auth.response().is_none() => auth.challenge(server, b"?"),
            Event::Auth(auth) => auth.accept(server),
            Event::Noop(asked) => asked.ok(server),
            Event::Namespace(asked) => asked.ok(server, Default::default()),
            Event::List(asked) => {
                asked.row(server, row())?;
                // Refused where it was not asked for.
                let _ = asked.status(server, inbox(), vec![StatusItem::Messages(3)]);
                let _ = asked.my_rights(server, inbox(), rights());
                asked.progress(server, 1, NonZeroU32::new(2))?;
                asked.ok(server)
            }
            Event::Lsub(asked) => {
                asked.row(server, row())?;
                asked.ok(server)
            }
            Event::Subscribe(asked) => asked.ok(server),
            Event::Unsubscribe(asked) => asked.ok(server),
            Event::Create(asked) => asked.ok(server),
            Event::Delete(asked) => asked.ok(server),
            Event::Rename(asked) => asked.ok(server),
            Event::Status(asked) => asked.ok(server, vec![StatusItem::Messages(3)]),
            Event::Select(asked) => {
                let resync = asked.parameters.iter().any(|it| matches!(it, SelectParameter::QResync(_)));
                let more = SelectMore { highest_mod_seq: Some(7), ..SelectMore::default() };
                let data = SelectData {
                    flags: SelectedFlags { defined: vec![Flag::Seen], ..SelectedFlags::default() },
                    exists: u32::try_from(self.uids.len()).unwrap(),
                    recent: 0,
                    unseen: None,
                    uid_validity: NonZeroU32::MIN,
                    uid_next: NonZeroU32::new(self.uid_next).unwrap(),
                    access: posthaste_imap::server::Access::ReadWrite,
                };
                let selecting = asked.open(server, data, more)?;
                if resync && !self.uids.is_empty() {
                    selecting.vanished(server, UidSet::from_numbers([number(2)]))?;
                    let uid = FetchItem::Uid(self.message(0).uid.unwrap());
                    selecting.row(server, self.message(0), vec![uid])?;
                }
                self.selected = true;
                selecting.ok(server)
            }
            Event::Close(asked) => asked.ok(server),
            Event::Unselect(asked) => asked.ok(server),
            Event::Append(asked) => {
                self.incoming = Some(0);
                asked.accept(server)
            }
            Event::AppendMore(asked) => asked.accept(server),
            Event::Replace(asked) => {
                self.incoming = Some(0);
                asked.accept(server)
            }
            Event::AppendEnd(asked) => {
                self.incoming = None;
                let uids = UidSet::from_numbers((0..asked.messages).map(|at| number(100 + at as usize)));
                asked.ok_all(server, NonZeroU32::MIN, uids)
            }
            Event::ReplaceEnd(asked) => {
                self.incoming = None;
                match self.uids.len().checked_sub(1) {
                    Some(last) => {
                        let gone = self.message(last);
                        self.uids.pop();
                        asked.ok(server, NonZeroU32::MIN, number(99), gone)
                    }
                    None => asked.no(server, Refusal::server_bug()),
                }
            }
            Event::Fetch(asked) => self.fetch(server, asked),
            Event::Store(asked) => {
                if asked.command.echo == StoreEcho::Report && !self.uids.is_empty() {
                    let seen = FetchItem::Flags([Flag::Seen].iter().cloned().collect());
                    asked.row(server, self.message(0), vec![seen])?;
                }
                asked.ok(server)
            }
            Event::Copy(asked) => asked.ok(server, Some(copied())),
            Event::Move(asked) => {
                asked.moved(server, copied())?;
                if !self.uids.is_empty() {
                    let gone = self.message(0);
                    self.uids.remove(0);
                    asked.expunged(server, gone)?;
                }
                asked.ok(server)
            }
            Event::Expunge(asked) => {
                for _ in 0..self.uids.len().min(2) {
                    let gone = self.message(0);
                    self.uids.remove(0);
                    asked.expunged(server, gone)?;
                }
                asked.ok_at(server, 9)
            }
            Event::Search(asked) => asked.ok(server, vec![number(1), number(2), number(5)]),
            Event::Sort(asked) => asked.ok(server, vec![number(2), number(1)]),
            Event::Thread(asked) => {
                let node = |depth, at| ThreadNode { number: Some(number(at)), depth };
                asked.ok(server, Threads::new([node(0, 1), node(1, 2), node(1, 3)]))
            }
            Event::MultiSearch(asked) => {
                asked.found(server, inbox(), NonZeroU32::MIN, vec![number(3)])?;
                asked.ok(server)
            }
            Event::UidBatches(asked) => asked.ok(server, vec![number(3)..=number(8)]),
            Event::GetQuota(asked) => asked.ok(server, vec![usage()]),
            Event::GetQuotaRoot(asked) => {
                asked.ok(server, vec![(posthaste_imap::types::AString::new("").unwrap(), vec![usage()])])
            }
            Event::SetQuota(asked) => asked.ok(server, vec![usage()]),
            Event::GetAcl(asked) => asked.ok(server, Vec::new()),
            Event::SetAcl(asked) => asked.ok(server),
            Event::DeleteAcl(asked) => asked.ok(server),
            Event::ListRights(asked) => asked.ok(server, rights(), vec![rights()]),
            Event::MyRights(asked) => asked.ok(server, rights()),
            Event::GetMetadata(asked) => {
                let writer = asked.begin();
                let name = EntryName::new("/private/comment").unwrap();
                let value = Some(Bytes::from_static(b"a \"value\" with\r\nends"));
                writer.values(server, vec![MetadataEntry { name: name.clone(), value }])?;
                let rest = Bytes::from(vec![b'v'; 700]);
                let writer = writer.value(server, &name, rest.len() as u64)?;
                self.writing = Some(Writing::Value { writer, rest });
                self.write(server)
            }
            Event::SetMetadata(asked) => asked.ok(server),
            Event::Notify(asked) => {
                asked.status(server, inbox(), vec![StatusItem::Messages(1)])?;
                asked.ok(server)
            }
            Event::Compress(token) => token.accept(server),
            Event::Unauthenticate(asked) => asked.ok(server),
            Event::Idle(asked) => asked.start(server),
            Event::IdleDone(asked) => asked.ok(server),
            other => panic!("{other:?} is no question"),
        }
    }

    fn fetch(&mut self, server: &mut Server, asked: Asked<Fetch>) -> Result<(), Misuse> {
        let messages: Vec<Message> = (0..self.uids.len()).map(|index| self.message(index)).collect();
        if asked.modifiers.vanished {
            let writer = asked.begin();
            writer.vanished(server, UidSet::from_numbers([number(1)]))?;
            return self.rows(server, writer, messages);
        }
        self.rows(server, asked.begin(), messages)
    }

    /// The rows of `messages`, up to a payload that has no room.
    fn rows(
        &mut self,
        server: &mut Server,
        mut writer: FetchWriter,
        mut messages: Vec<Message>,
    ) -> Result<(), Misuse> {
        while !messages.is_empty() {
            let message = messages.remove(0);
            let (items, payload) = wanted(&writer.request().attributes);
            let mut row = writer.row(server, message)?;
            row.item(server, &FetchItem::Uid(message.uid.unwrap()))?;
            for item in items {
                row.item(server, &item)?;
            }
            if let Some(payload) = payload {
                let rest = Bytes::from(vec![b'x'; 30 + usize::try_from(message.seq.get()).unwrap() * 1_000]);
                let writer = row.literal(server, &payload, rest.len() as u64)?;
                self.writing = Some(Writing::Literal { writer, rest, messages });
                return self.write(server);
            }
            writer = row.finish(server)?;
        }
        writer.ok(server)
    }

    /// Goes on with a payload, as far as there is room.
    fn write(&mut self, server: &mut Server) -> Result<(), Misuse> {
        match self.writing.take() {
            None => Ok(()),
            Some(Writing::Literal { mut writer, mut rest, messages }) => {
                while !rest.is_empty() {
                    let chunk = rest.slice(..rest.len().min(450));
                    match writer.write(server, chunk.clone()) {
                        Ok(()) => rest = rest.slice(chunk.len()..),
                        Err(Misuse::Congested { .. }) => {
                            self.writing = Some(Writing::Literal { writer, rest, messages });
                            return Ok(());
                        }
                        Err(misuse) => return Err(misuse),
                    }
                }
                let writer = writer.finish(server)?.finish(server)?;
                self.rows(server, writer, messages)
            }
            Some(Writing::Value { mut writer, mut rest }) => {
                while !rest.is_empty() {
                    let chunk = rest.slice(..rest.len().min(450));
                    match writer.write(server, chunk.clone()) {
                        Ok(()) => rest = rest.slice(chunk.len()..),
                        Err(Misuse::Congested { .. }) => {
                            self.writing = Some(Writing::Value { writer, rest });
                            return Ok(());
                        }
                        Err(misuse) => return Err(misuse),
                    }
                }
                let writer: MetadataWriter = writer.finish(server)?;
                writer.ok_without_long(server, 9_000)
            }
        }
    }
}

impl Application<Server> for Site<'_> {
    fn event(&mut self, server: &mut Server, event: Event) -> Note {
        match &event {
            Event::Body(chunk) => {
                assert!(!chunk.is_empty(), "a chunk of nothing");
                let incoming = self.incoming.as_mut().expect("octets of no message");
                *incoming += chunk.len() as u64;
                assert!(*incoming <= 600, "more than the limits allow");
                return Note::body(chunk);
            }
            Event::BodyAborted => {
                assert!(self.incoming.take().is_some(), "the end of no message");
            }
            _ => {}
        }
        let words = words(&event);
        if is_question(&event) {
            let choice = self.choices.next();
            if choice & 0x40 != 0 {
                self.update(server, self.choices.0.first().copied().unwrap_or(0));
            }
            let ends = matches!(event, Event::AppendEnd(_) | Event::ReplaceEnd(_));
            let aborts = ends || matches!(event, Event::AppendMore(_));
            match choice % 8 {
                0..=2 => self.answer(server, event, Answer::Yes).expect("a good answer"),
                3 => {
                    self.incoming = self.incoming.filter(|_| !aborts);
                    self.answer(server, event, Answer::No).expect("a good refusal");
                }
                4 => self.kept = Some((event, Answer::Yes)),
                5 => self.kept = Some((event, Answer::No)),
                6 => {
                    self.incoming = self.incoming.filter(|_| !ends);
                    self.ending = Ending::Torn;
                    drop(event);
                }
                _ => {
                    // At another connection: refused, and nothing happens to that one.
                    let mut other = Server::new(self.config.clone(), Security::Tls, Time::ZERO);
                    self.incoming = self.incoming.filter(|_| !ends);
                    self.ending = Ending::Torn;
                    let refused = event.refuse(&mut other, Refusal::cannot());
                    assert_eq!(refused, Err(Misuse::WrongConnection));
                }
            }
            if choice & 0x80 != 0 {
                server.shutdown(Time::ZERO);
            }
        }
        Note::event(words)
    }

    fn room(&mut self, server: &mut Server) -> bool {
        let waits = self.writing.is_some() && !server.is_congested();
        self.write(server).expect("a good answer");
        waits
    }

    fn late(&mut self, server: &mut Server) -> bool {
        let Some((event, answer)) = self.kept.take() else { return false };
        let aborts = matches!(event, Event::AppendEnd(_) | Event::ReplaceEnd(_) | Event::AppendMore(_));
        if answer == Answer::No && aborts {
            self.incoming = None;
        }
        let begins = matches!(event, Event::Append(_) | Event::Replace(_));
        // A question that is closed by now is answered well all the same.
        self.answer(server, event, answer).expect("a late answer is none that is wrong");
        if begins && server.state() == posthaste_imap::State::Logout {
            self.incoming = None;
        }
        true
    }

    fn between(&mut self, server: &mut Server, now: Time) -> Time {
        let choice = self.choices.next();
        match choice % 8 {
            0..=3 => self.update(server, choice / 8),
            4 => {
                let later = now.after(std::time::Duration::from_secs(u64::from(choice / 8) * 60));
                server.handle_timeout(later);
                return later;
            }
            5 => server.handle_timeout(now),
            6 if choice >= 0xe0 => server.shutdown(now),
            _ => {}
        }
        now
    }

    fn upgraded(
        &mut self,
        server: &mut Server,
        now: Time,
        upgrade: Upgrade,
        security: Security,
    ) -> Result<(), Misuse> {
        server.upgraded(now, upgrade, security)
    }
}

const fn is_question(event: &Event) -> bool {
    !matches!(
        event,
        Event::Body(_)
            | Event::BodyAborted
            | Event::AuthCancelled
            | Event::Id(_)
            | Event::NotifyOverflow
            | Event::Enabled(_)
            | Event::Resync
            | Event::Logout
            | Event::Violation(_)
    )
}

/// An event in words, without what differs between two connections.
fn words(event: &Event) -> String {
    let words = format!("{event:?}");
    words.split("ticket").next().unwrap_or_default().to_owned()
}

/// What a row brings: items, and one payload.
fn wanted(attributes: &[FetchAttribute]) -> (Vec<FetchItem>, Option<Payload>) {
    let date = DateTime::from_unix_seconds(1_767_603_607, 60).unwrap();
    let item = |attribute: &FetchAttribute| match attribute {
        FetchAttribute::Flags => Some(FetchItem::Flags([Flag::Seen].iter().cloned().collect())),
        FetchAttribute::InternalDate => Some(FetchItem::InternalDate(date)),
        FetchAttribute::Rfc822Size => Some(FetchItem::Rfc822Size(77)),
        _ => None,
    };
    let payload = attributes.iter().find_map(|attribute| match attribute {
        FetchAttribute::Section { section, partial, .. } => {
            let origin = partial.map(|partial| partial.offset);
            Some(Payload::Section { section: section.clone(), origin })
        }
        _ => None,
    });
    (attributes.iter().filter_map(item).collect(), payload)
}

fn number(number: usize) -> NonZeroU32 {
    NonZeroU32::new(u32::try_from(number).unwrap()).unwrap()
}

fn inbox() -> Mailbox {
    Mailbox::inbox()
}

fn rights() -> Rights {
    Rights::new("lrs").unwrap()
}

fn usage() -> QuotaUsage {
    QuotaUsage { resource: QuotaResource::Storage, usage: 10, limit: 512 }
}

fn row() -> ListResponse {
    ListResponse {
        attributes: Vec::new(),
        delimiter: Some('/'),
        mailbox: Mailbox::new("Entw\u{fc}rfe/\"a\"").unwrap(),
        child_info: Vec::new(),
        old_name: None,
    }
}

fn copied() -> CopyUid {
    let one = || UidSet::from_numbers([number(3)]);
    CopyUid { uid_validity: NonZeroU32::MIN, source: one(), target: one() }
}
