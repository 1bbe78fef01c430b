//! An IMAP session whose commands are given as text, and whose rows are read whole: the machine of the client, with
//! nothing but the driver around it, so that every event can be looked at.

use std::num::NonZeroU32;

use posthaste_imap::client::{Client, CommandId, Config, Event, TlsPolicy};
use posthaste_imap::parse;
use posthaste_imap::types::{
    Command, Condition, DateTime, FetchItem, Flag, Mailbox, ParseContext, Payload, ResponseCode, Status,
    UidSet,
};
use posthaste_tokio::tls::{Alpn, ClientTls};
use posthaste_tokio::{Connection, Role, Stream, Time, TlsMode};
use tokio::net::TcpStream;

use super::{Dovecot, PASSWORD};
use crate::identity::ADDRESS;

pub(crate) struct Session {
    connection: Connection<Client>,
}

/// An IDLE that the server has confirmed.
pub(crate) struct Idle<'a> {
    session: &'a mut Session,
    id: CommandId,
}

/// A row of FETCH, with all its payloads.
#[derive(Debug, Default)]
pub(crate) struct Row {
    pub(crate) uid: Option<NonZeroU32>,
    pub(crate) items: Vec<FetchItem>,
    /// What was streamed or came whole; `None` for NIL.
    pub(crate) payloads: Vec<(Payload, Option<Vec<u8>>)>,
}

impl Session {
    /// Connects, sets up TLS as `tls` says, and logs in.
    pub(crate) async fn open(dovecot: &Dovecot, user: &str, tls: TlsMode) -> Self {
        let ports = dovecot.ports();
        let port = if tls == TlsMode::Implicit { ports.imaps } else { ports.imap };
        let client_tls = ClientTls::new(dovecot.identity.client_config(Alpn::Imap), ADDRESS).unwrap();
        let role = Role::Client { tls: Some(client_tls) };
        let mut stream = Stream::from(TcpStream::connect((ADDRESS, port)).await.unwrap());
        if tls == TlsMode::Implicit {
            stream = stream.into_tls(&role).await.unwrap();
        }
        let mut config = Config::default();
        config.tls = TlsPolicy::Required;
        let machine = Client::new(config, stream.security(), Time::ZERO);
        let mut session = Self { connection: Connection::new(machine, stream, role) };
        while !matches!(session.event().await, Event::Ready) {}
        let id = session.machine().login(user, PASSWORD.into()).unwrap();
        session.wait(id, drop).await.unwrap();
        session
    }

    pub(crate) const fn connection(&mut self) -> &mut Connection<Client> {
        &mut self.connection
    }

    pub(crate) const fn machine(&mut self) -> &mut Client {
        self.connection.machine()
    }

    /// The next event of a session that goes on.
    pub(crate) async fn event(&mut self) -> Event {
        self.connection.next().await.unwrap().expect("the session goes on")
    }

    /// Notes what comes until a command is complete, and gives the status; NO and BAD are errors.
    pub(crate) async fn wait(
        &mut self,
        id: CommandId,
        mut note: impl FnMut(Event),
    ) -> Result<Status, Status> {
        loop {
            match self.event().await {
                Event::Done { id: of, status } if of == id => {
                    return if status.condition == Condition::Ok { Ok(status) } else { Err(status) };
                }
                Event::NotSent { id: of, why } if of == id => panic!("not sent: {why}"),
                event => note(event),
            }
        }
    }

    /// Begins IDLE and waits until the server has confirmed it.
    pub(crate) async fn idle(&mut self) -> Idle<'_> {
        let id = self.machine().idle().unwrap();
        while !matches!(self.event().await, Event::Idling(of) if of == id) {}
        Idle { session: self, id }
    }

    /// Queues a command, written as in RFC 9051 but without a tag.
    #[track_caller]
    pub(crate) fn queue(&mut self, text: &str) -> CommandId {
        self.machine().command(command(text)).unwrap_or_else(|misuse| panic!("{text}: {misuse}"))
    }

    /// Gives a command, which must succeed, and what came until its end.
    pub(crate) async fn run(&mut self, text: &str) -> Vec<Event> {
        self.done(text).await.1
    }

    /// As [`run`](Self::run), with the status it ended with.
    pub(crate) async fn done(&mut self, text: &str) -> (Status, Vec<Event>) {
        let id = self.queue(text);
        let mut events = Vec::new();
        let status = self.wait(id, |event| events.push(event)).await;
        (status.unwrap_or_else(|refusal| panic!("{text}: {refusal:?}")), events)
    }

    /// Gives a command, which must be refused by NO or BAD.
    pub(crate) async fn refused(&mut self, text: &str) -> Status {
        let id = self.queue(text);
        self.wait(id, drop).await.expect_err(text)
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
        let id = self.machine().append(mailbox, flags, date, length).unwrap();
        let mut writer = loop {
            match self.event().await {
                Event::AppendReady(writer) => break writer,
                Event::Done { status, .. } => panic!("APPEND ended with {status:?}"),
                _ => {}
            }
        };
        for chunk in message.chunks(CHUNK) {
            self.connection.room().await.unwrap();
            writer.write(self.machine(), chunk.to_vec().into()).unwrap();
        }
        writer.finish(self.machine()).unwrap();
        match self.wait(id, drop).await.unwrap().code {
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

impl Idle<'_> {
    /// The next that the server tells.
    pub(crate) async fn next(&mut self) -> Event {
        self.session.event().await
    }

    /// Ends IDLE.
    pub(crate) async fn done(self) {
        self.session.machine().done().unwrap();
        self.session.wait(self.id, drop).await.unwrap();
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

/// A message is written in pieces of so many octets.
const CHUNK: usize = 16 * 1024;
