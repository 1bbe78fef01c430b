//! An application that offers everything and answers every command, for tests of the server machine.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::num::NonZeroU32;

use posthaste_imap::server::{
    Access, Asked, Config, Event, Extensions, Fetch, Found, Message, SelectData, SelectMore, SelectedFlags,
    Server,
};
use posthaste_imap::types::{
    AString, Capability, EntryName, FetchItem, Flag, ListResponse, ListReturn, Mailbox, MetadataEntry,
    Namespaces, NotifyCommand, ObjectId, Payload, QuotaResource, QuotaUsage, Rights, Section,
    SelectParameter, StatusItem, ThreadAlgorithm, ThreadNode, Threads, UidSet,
};
use posthaste_imap::{Bytes, Misuse, Security, Step, Time};
use posthaste_testkit::Note;

pub(crate) const BODY: &[u8] = b"Subject: hi\r\n\r\nbody\r\n";

pub(crate) fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

pub(crate) fn uids(numbers: &[u32]) -> UidSet {
    UidSet::from_numbers(numbers.iter().map(|uid| number(*uid)))
}

/// Everything that can be offered.
pub(crate) fn everything() -> Extensions {
    Extensions::new()
        .with_imap4rev2()
        .with_list_my_rights()
        .with_create_special_use()
        .with_qresync()
        .with_utf8_accept()
        .with_compress()
        .with_multi_append()
        .with_replace()
        .with_quota([QuotaResource::Storage, QuotaResource::Message])
        .with_quota_set()
        .with_metadata()
        .with_object_id()
        .with_save_date()
        .with_preview()
        .with_sort_display()
        .with_esort()
        .with_thread([ThreadAlgorithm::OrderedSubject, ThreadAlgorithm::References])
        .with_within()
        .with_partial()
        .with_uid_only()
        .with_uid_batches()
        .with_multi_search()
        .with_notify()
        .with_in_progress()
        .with_unauthenticate()
}

pub(crate) fn server(extensions: Extensions) -> Server {
    with(extensions, |_| {})
}

pub(crate) fn with(extensions: Extensions, change: impl FnOnce(&mut Config)) -> Server {
    let mut config = Config { extensions, ..Config::new("mail.example.test") };
    change(&mut config);
    Server::new(config, Security::Tls, Time::ZERO)
}

pub(crate) fn inbox() -> SelectData {
    SelectData {
        flags: SelectedFlags { defined: vec![Flag::Seen], ..SelectedFlags::default() },
        exists: 3,
        recent: 1,
        unseen: Some(number(1)),
        uid_validity: number(9),
        uid_next: number(40),
        access: Access::ReadWrite,
    }
}

fn list_row(name: Mailbox) -> ListResponse {
    ListResponse {
        attributes: vec![],
        delimiter: Some('/'),
        mailbox: name,
        child_info: vec![],
        old_name: None,
    }
}

/// The messages: sequence numbers 1, 2, 3 are UIDs 10, 20, 30.
pub(crate) fn message(seq: u32) -> Message {
    Message::new(number(seq), number(seq * 10))
}

/// For `run`: answers what asks and notes the name of what happened.
pub(crate) fn application(server: &mut Server, event: Event) -> Note {
    match event {
        Event::Body(chunk) => Note::body(&chunk),
        Event::Violation(violation) => Note::event(format!("violation: {violation}")),
        event => {
            let text = format!("{event:?}");
            answer(server, event).unwrap();
            Note::event(text.split(['(', ' ']).next().unwrap())
        }
    }
}

fn fetch(server: &mut Server, asked: Asked<Fetch>) -> Result<(), Misuse> {
    let writer = asked.begin();
    if writer.request().modifiers.vanished {
        writer.vanished(server, uids(&[11, 12]))?;
    }
    let mut row = writer.row(server, message(1))?;
    row.item(server, &FetchItem::Uid(number(10)))?;
    row.item(server, &FetchItem::ModSeq(7))?;
    let payload = Payload::Section { section: Section::whole(), origin: None };
    let mut literal = row.literal(server, &payload, BODY.len() as u64)?;
    literal.write(server, Bytes::from_static(BODY))?;
    literal.finish(server)?.finish(server)?.ok(server)
}

pub(crate) fn answer(server: &mut Server, event: Event) -> Result<(), Misuse> {
    match event {
        Event::StartTls(token) => token.accept(server),
        Event::Login(login) if login.password().expose() == b"p" => login.ok(server),
        Event::Login(login) => login.refuse(server),
        Event::Auth(auth) => match auth.response() {
            Some(response) if response.expose() == b"\0u\0p" => auth.accept(server),
            _ => auth.challenge(server, b""),
        },
        Event::Noop(asked) => asked.ok(server),
        Event::Namespace(asked) => asked.ok(server, Namespaces::default()),
        Event::List(asked) => {
            asked.row(server, list_row(Mailbox::inbox()))?;
            for option in asked.returns.clone() {
                match option {
                    ListReturn::Status(_) => {
                        asked.status(server, Mailbox::inbox(), vec![StatusItem::Messages(3)])?;
                    }
                    ListReturn::MyRights => {
                        asked.my_rights(server, Mailbox::inbox(), Rights::new("lr").unwrap())?;
                    }
                    _ => {}
                }
            }
            asked.ok(server)
        }
        Event::Lsub(asked) => asked.ok(server),
        Event::Subscribe(asked) => asked.ok(server),
        Event::Unsubscribe(asked) => asked.ok(server),
        Event::Create(asked) => asked.ok(server),
        Event::Delete(asked) => asked.ok(server),
        Event::Rename(asked) => asked.ok(server),
        Event::Status(asked) => asked.ok(server, vec![StatusItem::Messages(3)]),
        Event::Select(asked) => {
            let resync = asked.parameters.iter().any(|p| matches!(p, SelectParameter::QResync(_)));
            let more = SelectMore {
                highest_mod_seq: Some(700),
                mailbox_id: Some(ObjectId::new("M1").unwrap()),
                list: Some(list_row(asked.mailbox.clone())),
                ..SelectMore::default()
            };
            let selecting = asked.open(server, inbox(), more)?;
            if resync {
                selecting.vanished(server, uids(&[5, 6]))?;
                selecting.row(
                    server,
                    message(2),
                    vec![FetchItem::Uid(number(20)), FetchItem::ModSeq(650)],
                )?;
            }
            selecting.ok(server)
        }
        Event::Close(asked) => asked.ok(server),
        Event::Unselect(asked) => asked.ok(server),
        Event::Append(asked) => asked.accept(server),
        Event::AppendMore(asked) => asked.accept(server),
        Event::AppendEnd(asked) => {
            let uids = UidSet::from_numbers((0..asked.messages).map(|at| number(40 + at)));
            asked.ok_all(server, number(9), uids)
        }
        Event::Replace(asked) => asked.accept(server),
        Event::ReplaceEnd(asked) => asked.ok(server, number(9), number(40), message(2)),
        Event::Fetch(asked) => fetch(server, asked),
        Event::Store(asked) if asked.command.unchanged_since.is_some() => {
            asked.modified(server, posthaste_imap::types::SequenceSet::single(number(2)))
        }
        Event::Store(asked) => {
            asked.row(server, message(1), vec![FetchItem::ModSeq(8)])?;
            asked.ok(server)
        }
        Event::Copy(asked) => asked.ok(server, None),
        Event::Move(asked) => {
            asked.expunged_all(server, &[message(2), message(1)])?;
            asked.ok(server)
        }
        Event::Expunge(asked) => {
            asked.expunged_all(server, &[message(2), message(1)])?;
            asked.ok_at(server, 701)
        }
        Event::Search(asked) => {
            let found = [10, 20, 21, 22, 30].map(number).to_vec();
            asked.ok(server, Found { numbers: found, mod_seq: Some(7) })
        }
        Event::Sort(asked) => asked.ok(server, [30, 20, 21, 10].map(number).to_vec()),
        Event::Thread(asked) => {
            let node = |number, depth| ThreadNode { number: NonZeroU32::new(number), depth };
            asked.ok(server, Threads::new([node(1, 0), node(2, 1), node(3, 0)]))
        }
        Event::MultiSearch(asked) => {
            asked.found(server, Mailbox::inbox(), number(9), vec![number(10)])?;
            asked.found(server, Mailbox::new("empty").unwrap(), number(9), vec![])?;
            asked.ok(server)
        }
        Event::UidBatches(asked) => asked.ok(server, vec![number(21)..=number(30), number(1)..=number(20)]),
        Event::GetQuota(asked) => asked.ok(server, vec![usage()]),
        Event::GetQuotaRoot(asked) => asked.ok(server, vec![(AString::new("user").unwrap(), vec![usage()])]),
        Event::SetQuota(asked) => asked.ok(server, vec![usage()]),
        Event::GetAcl(asked) => {
            asked.ok(server, vec![(AString::new("joe").unwrap(), Rights::new("lr").unwrap())])
        }
        Event::SetAcl(asked) => asked.ok(server),
        Event::DeleteAcl(asked) => asked.ok(server),
        Event::ListRights(asked) => asked.ok(server, Rights::NONE, vec![Rights::new("l").unwrap()]),
        Event::MyRights(asked) => asked.ok(server, Rights::new("lrs").unwrap()),
        Event::GetMetadata(asked) => {
            let writer = asked.begin();
            let name = EntryName::new("/private/comment").unwrap();
            let value = Some(Bytes::from_static(b"short"));
            writer.values(server, vec![MetadataEntry { name: name.clone(), value }])?;
            let mut long = writer.value(server, &name, 6)?;
            long.write(server, Bytes::from_static(b"lo\0"))?;
            long.write(server, Bytes::from_static(b"ng!"))?;
            long.finish(server)?.ok_without_long(server, 2199)
        }
        Event::SetMetadata(asked) => asked.ok(server),
        Event::Notify(asked) => {
            if matches!(asked.command, NotifyCommand::Set { status: true, .. }) {
                asked.status(server, Mailbox::inbox(), vec![StatusItem::Messages(3)])?;
            }
            asked.ok(server)
        }
        Event::Compress(asked) => asked.accept(server),
        Event::Unauthenticate(asked) => asked.ok(server),
        Event::Idle(asked) => asked.start(server),
        Event::IdleDone(asked) => asked.ok(server),
        _ => Ok(()),
    }
}

fn usage() -> QuotaUsage {
    QuotaUsage { resource: QuotaResource::Storage, usage: 5, limit: 10 }
}

/// Runs `input` line by line and gives what was sent for the last line.
pub(crate) fn last(server: &mut Server, input: &str) -> String {
    let mut text = String::new();
    for line in input.split_inclusive("\r\n") {
        text = said(server, line.as_bytes());
    }
    text
}

/// What is sent for `input`, with every question answered.
pub(crate) fn said(server: &mut Server, input: &[u8]) -> String {
    server.handle_input(Time::ZERO, input);
    while let Ok(Step::Event(event)) = server.poll_event() {
        answer(server, event).unwrap();
    }
    sent(server)
}

pub(crate) fn sent(server: &mut Server) -> String {
    let octets: Vec<u8> = std::iter::from_fn(|| server.poll_transmit()).flatten().collect();
    String::from_utf8(octets).unwrap()
}

/// A server with everything, logged in and INBOX selected, that has said what it had to say.
pub(crate) fn selected(extensions: Extensions) -> Server {
    let mut server = server(extensions);
    said(&mut server, b"l LOGIN u p\r\ns SELECT inbox\r\n");
    server
}

pub(crate) fn names(capabilities: &[Capability]) -> Vec<String> {
    capabilities.iter().map(ToString::to_string).collect()
}

/// The next event, which has to be the one that is named.
#[allow(unused_macros, reason = "each test file uses a part of it")]
macro_rules! named_event {
    ($server:expr, $name:ident) => {{
        match $server.poll_event() {
            Ok(posthaste_imap::Step::Event(posthaste_imap::server::Event::$name(asked))) => asked,
            other => panic!("{other:?}"),
        }
    }};
}
#[allow(unused_imports, reason = "each test file uses a part of it")]
pub(crate) use named_event;
