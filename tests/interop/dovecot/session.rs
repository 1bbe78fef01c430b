//! An IMAP session whose commands are given as text, and whose rows are read whole.

use std::num::NonZeroU32;

use posthaste_imap::client::{CommandId, Event};
use posthaste_imap::parse;
use posthaste_imap::types::{
    Command, DateTime, FetchItem, Flag, Mailbox, ParseContext, Payload, ResponseCode, Status, UidSet,
};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{Protocol, TlsMode, imap};

use super::Dovecot;

pub(crate) struct Session(pub(crate) imap::Client);

/// A row of FETCH, with all its payloads.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) uid: Option<NonZeroU32>,
    pub(crate) items: Vec<FetchItem>,
    /// What was streamed or came whole; `None` for NIL.
    pub(crate) payloads: Vec<(Payload, Option<Vec<u8>>)>,
}

impl Session {
    pub(crate) async fn open(dovecot: &Dovecot, user: &str, tls: TlsMode) -> Self {
        let ports = dovecot.ports();
        let port = if tls == TlsMode::Implicit { ports.imaps } else { ports.imap };
        let endpoint = Dovecot::endpoint(Protocol::Imap, tls, port);
        Self(imap::Client::connect(&endpoint, &dovecot.options(user, Alpn::Imap)).await.unwrap())
    }

    /// Queues a command, written as in RFC 9051 but without a tag.
    #[track_caller]
    pub(crate) fn queue(&mut self, text: &str) -> CommandId {
        self.0
            .connection()
            .machine()
            .command(command(text))
            .unwrap_or_else(|misuse| panic!("{text}: {misuse}"))
    }

    /// Gives a command, which must succeed, and what came until its end.
    pub(crate) async fn run(&mut self, text: &str) -> Vec<Event> {
        self.done(text).await.1
    }

    /// As [`run`](Self::run), with the status it ended with.
    pub(crate) async fn done(&mut self, text: &str) -> (Status, Vec<Event>) {
        let id = self.queue(text);
        let mut events = Vec::new();
        let status = self.0.wait(id, |event| events.push(event)).await;
        (status.unwrap_or_else(|error| panic!("{text}: {error}")), events)
    }

    /// Gives a command, which must be refused by NO or BAD.
    pub(crate) async fn refused(&mut self, text: &str) -> Status {
        let id = self.queue(text);
        let error = self.0.wait(id, drop).await.expect_err(text);
        error.refusal().unwrap_or_else(|| panic!("{text}: {error}")).clone()
    }

    /// Gives a FETCH, and the rows that came.
    pub(crate) async fn rows(&mut self, text: &str) -> Vec<Row> {
        rows(self.run(text).await)
    }

    /// Adds a message and gives its UID.
    pub(crate) async fn append(&mut self, mailbox: &str, message: &[u8]) -> NonZeroU32 {
        self.append_with(mailbox, Vec::new(), None, message).await
    }

    pub(crate) async fn append_with(
        &mut self,
        mailbox: &str,
        flags: Vec<Flag>,
        date: Option<DateTime>,
        message: &[u8],
    ) -> NonZeroU32 {
        let (mailbox, length) = (Mailbox::new(mailbox).unwrap(), message.len() as u64);
        let status = self.0.append(mailbox, flags, date, length, message.to_vec()).await.unwrap();
        match status.code {
            Some(ResponseCode::AppendUid { uids, .. }) => only(&uids),
            code => panic!("APPEND ended with {code:?}"),
        }
    }

    /// A message, octet for octet.
    pub(crate) async fn message(&mut self, uid: NonZeroU32) -> Vec<u8> {
        let mut rows = self.rows(&format!("UID FETCH {uid} BODY.PEEK[]")).await;
        assert_eq!(rows.len(), 1, "{rows:?}");
        let (_, octets) = rows.remove(0).payloads.remove(0);
        octets.expect("a message is not NIL")
    }

    /// The numbers that a SEARCH or a SORT finds.
    pub(crate) async fn numbers(&mut self, text: &str) -> Vec<u32> {
        let found = self.run(text).await.into_iter().find_map(|event| match event {
            Event::Search(found) | Event::Sort(found) => Some(found.numbers),
            _ => None,
        });
        found.unwrap_or_else(|| panic!("{text}: no answer")).into_iter().map(NonZeroU32::get).collect()
    }
}

/// The only UID of a set.
#[track_caller]
pub(crate) fn only(uids: &UidSet) -> NonZeroU32 {
    assert_eq!(uids.len(), 1, "{uids}");
    *uids.ranges()[0].start()
}

/// A command that is written without a tag.
#[track_caller]
pub(crate) fn command(text: &str) -> Command {
    let line = format!("tag {text}").into();
    parse::command(&line, &ParseContext::server()).unwrap_or_else(|error| panic!("{text}: {error}")).command
}

/// The rows among events.
#[track_caller]
pub(crate) fn rows(events: impl IntoIterator<Item = Event>) -> Vec<Row> {
    let (mut rows, mut row) = (Vec::new(), None);
    for event in events {
        match event {
            Event::Row(_) => row = Some(Row::default()),
            Event::Item(item) => {
                let row = row.as_mut().unwrap();
                match item {
                    FetchItem::Uid(uid) => row.uid = Some(uid),
                    FetchItem::Payload { payload, data } => {
                        row.payloads.push((payload, data.map(|data| data.to_vec())));
                    }
                    item => row.items.push(item),
                }
            }
            Event::Literal { payload, .. } => {
                row.as_mut().unwrap().payloads.push((payload, Some(Vec::new())));
            }
            Event::Body(chunk) => {
                let (_, octets) = row.as_mut().unwrap().payloads.last_mut().unwrap();
                octets.as_mut().unwrap().extend_from_slice(&chunk);
            }
            Event::RowEnd => rows.extend(row.take()),
            _ => {}
        }
    }
    rows
}
