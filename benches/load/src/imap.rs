//! An IMAP session on the machine of the client, with nothing but the driver around it, so that what a client library
//! does with answers is not measured. Neither is what the machine does: it is told of an answer when all of it has
//! come ([`Held`]), and [`Session::took`] says how long that was. Commands are written as in RFC 9051, without a tag.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use bytes::Bytes;
use posthaste_imap::client::{
    AppendMessage, AppendWriter, AuthPrivacy, Client, CommandId, Config, Event, TlsPolicy,
};
use posthaste_imap::types::{Condition, FetchItem, Mailbox, ParseContext, ResponseCode, Status};
use posthaste_imap::{State, parse};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{Connection, Time};

use crate::LoadError;
use crate::content::Id;
use crate::held::{Held, ImapAnswer};
use crate::target::{Target, Tls};

/// A session with an IMAP server.
pub struct Session {
    connection: Connection<Held<Client, ImapAnswer>>,
}

/// A row of FETCH: its number, its items, and its payloads whole.
#[derive(Debug, Default)]
pub struct Row {
    /// The number of the message.
    pub number: u32,
    /// The UID, where it is told.
    pub uid: Option<u32>,
    /// Items other than UID and payloads.
    pub items: Vec<FetchItem>,
    /// The octets of the payloads, in order.
    pub payloads: Vec<Vec<u8>>,
}

impl Row {
    fn add(&mut self, item: FetchItem) {
        match item {
            FetchItem::Uid(uid) => self.uid = Some(uid.get()),
            FetchItem::Payload { data, .. } => {
                self.payloads.push(data.map(|data| data.to_vec()).unwrap_or_default());
            }
            item => self.items.push(item),
        }
    }
}

impl Session {
    /// Connects and waits for the greeting, and sets up TLS.
    ///
    /// # Errors
    ///
    /// The server is not there or not one.
    pub async fn connect(target: &Target) -> Result<Self, LoadError> {
        let (stream, role) = target.connect(Alpn::Imap).await?;
        let mut config = Config::default();
        if target.tls == Tls::None {
            config.tls = TlsPolicy::Off;
            config.auth_requires_tls = AuthPrivacy::NotRequired;
        } else {
            config.tls = TlsPolicy::Required;
        }
        let machine = Client::new(config, stream.security(), Time::ZERO);
        let mut session = Self { connection: Connection::new(Held::new(machine), stream, role) };
        loop {
            match session.event().await? {
                Event::Ready => return Ok(session),
                Event::Bye(status) => return Err(refused("the greeting", &status)),
                _ => {}
            }
        }
    }

    /// Connects and logs in.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect); and when the server takes no password here.
    pub async fn open(target: &Target, user: &str) -> Result<Self, LoadError> {
        let mut session = Self::connect(target).await?;
        session.log_in(user, &target.accounts.password).await?;
        Ok(session)
    }

    /// Logs in by LOGIN.
    ///
    /// # Errors
    ///
    /// [`LoadError::NotOffered`] when the server announces LOGINDISABLED.
    pub async fn log_in(&mut self, user: &str, password: &str) -> Result<(), LoadError> {
        if self.has("LOGINDISABLED") {
            return Err(LoadError::NotOffered("LOGIN without TLS".to_owned()));
        }
        if self.machine().state() != State::NotAuthenticated {
            return Ok(());
        }
        let id = self.machine().login(user, password.into()).map_err(LoadError::connection)?;
        self.wait(id, "LOGIN", |_| {}).await.map(drop)
    }

    /// Whether the server announces something.
    pub fn has(&self, capability: &str) -> bool {
        self.connection.machine_ref().machine_ref().has_capability(capability)
    }

    /// That the server announces something.
    ///
    /// # Errors
    ///
    /// [`LoadError::NotOffered`].
    pub fn need(&self, capability: &str) -> Result<(), LoadError> {
        if self.has(capability) { Ok(()) } else { Err(LoadError::NotOffered(capability.to_owned())) }
    }

    /// How many octets came so far.
    pub const fn received(&self) -> u64 {
        self.connection.received()
    }

    /// How long the last answer took to come, from `begun` on. What was done with it since is not in it.
    pub fn took(&self, begun: Instant) -> Duration {
        self.connection.machine_ref().arrived().saturating_duration_since(begun)
    }

    /// Gives a command, and what comes until it is complete.
    ///
    /// # Errors
    ///
    /// The server refuses it, or is gone.
    pub async fn run(&mut self, text: &str, note: impl FnMut(Event)) -> Result<Status, LoadError> {
        let id = self.queue(text)?;
        self.wait(id, text, note).await
    }

    /// Gives a command whose answer does not matter.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn ok(&mut self, text: &str) -> Result<Status, LoadError> {
        self.run(text, |_| {}).await
    }

    /// Queues a command.
    ///
    /// # Errors
    ///
    /// It is none, or cannot be sent now.
    pub fn queue(&mut self, text: &str) -> Result<CommandId, LoadError> {
        let line = format!("tag {text}").into();
        let command = parse::command(&line, &ParseContext::server());
        let command = command.map_err(|error| LoadError::Usage(format!("{text}: {error}")))?.command;
        self.machine().command(command).map_err(|misuse| LoadError::NotOffered(format!("{text}: {misuse}")))
    }

    /// What comes until a command is complete. Nothing of it is read before all has come.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn wait(
        &mut self,
        id: CommandId,
        what: &str,
        mut note: impl FnMut(Event),
    ) -> Result<Status, LoadError> {
        self.connection.machine().hold(ImapAnswer::default());
        let mut done = |event| match event {
            Event::Done { id: of, status } if of == id => {
                Some(if status.condition == Condition::Ok { Ok(status) } else { Err(refused(what, &status)) })
            }
            Event::NotSent { id: of, why } if of == id => {
                Some(Err(LoadError::NotOffered(format!("{what}: {why}"))))
            }
            event => {
                note(event);
                None
            }
        };
        loop {
            let mut told = 0_u32;
            while let Some(event) = self.connection.machine().at_hand() {
                if let Some(done) = done(event) {
                    self.connection.machine().release();
                    return done;
                }
                told = told.wrapping_add(1);
                if told.is_multiple_of(TOLD_AT_ONCE) {
                    tokio::task::yield_now().await;
                }
            }
            if let Some(done) = done(self.event().await?) {
                self.connection.machine().release();
                return done;
            }
        }
    }

    /// Selects a mailbox, and tells how many messages it has and which UID comes next.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn select(&mut self, mailbox: &str) -> Result<(u32, u32), LoadError> {
        self.ok(&format!("SELECT {mailbox}")).await?;
        let state = self.connection.machine_ref().machine_ref().mailbox();
        let state = state.ok_or_else(|| LoadError::Connection("nothing is selected".to_owned()))?;
        Ok((state.exists, state.uid_next.map_or(1, NonZeroU32::get)))
    }

    /// Gives a FETCH, and its rows.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn rows(&mut self, text: &str, mut each: impl FnMut(Row)) -> Result<(), LoadError> {
        let mut row: Option<Row> = None;
        // Events are large, and there are many: each is taken apart where it is.
        let note = |event| match event {
            Event::Row(number) => row = Some(Row { number: number.get(), ..Row::default() }),
            Event::RowEnd => {
                if let Some(row) = row.take() {
                    each(row);
                }
            }
            Event::Item(item) => {
                if let Some(row) = &mut row {
                    row.add(item);
                }
            }
            Event::Literal { .. } => {
                if let Some(row) = &mut row {
                    row.payloads.push(Vec::new());
                }
            }
            Event::Body(chunk) => {
                if let Some(payload) = row.as_mut().and_then(|row| row.payloads.last_mut()) {
                    payload.extend_from_slice(&chunk);
                }
            }
            _ => {}
        };
        self.run(text, note).await.map(drop)
    }

    /// The numbers that a SEARCH or a SORT finds, in the order in which they come.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn numbers(&mut self, text: &str) -> Result<Vec<u32>, LoadError> {
        let mut numbers = Vec::new();
        self.run(text, |event| {
            if let Event::Search(found) | Event::Sort(found) = event {
                numbers.extend(found.numbers.iter().map(|number| number.get()));
            }
        })
        .await?;
        Ok(numbers)
    }

    /// Adds messages by one APPEND (several: RFC 3502), and gives the UID of the last where the server tells it.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn append(
        &mut self,
        mailbox: &str,
        messages: &[(Id, Bytes)],
    ) -> Result<Option<u32>, LoadError> {
        let all = messages.iter().map(|(id, message)| announced(*id, message));
        let mailbox = Mailbox::new(mailbox).map_err(LoadError::connection)?;
        let id = self.machine().append_all(mailbox, all).map_err(LoadError::connection)?;
        loop {
            match self.event().await? {
                Event::AppendReady(writer) => {
                    let message = messages.get(writer.index()).map(|(_, message)| message.clone());
                    self.write(writer, message.unwrap_or_default()).await?;
                }
                Event::Done { id: of, status } if of == id => {
                    if status.condition != Condition::Ok {
                        return Err(refused("APPEND", &status));
                    }
                    return Ok(match status.code {
                        Some(ResponseCode::AppendUid { uids, .. }) => {
                            uids.ranges().last().map(|range| range.end().get())
                        }
                        _ => None,
                    });
                }
                _ => {}
            }
        }
    }

    /// Adds messages by an APPEND for each, none of which waits for the answer to the one before.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn append_each(&mut self, mailbox: &str, messages: &[(Id, Bytes)]) -> Result<(), LoadError> {
        let mut waiting = BTreeMap::new();
        for (id, message) in messages {
            let mailbox = Mailbox::new(mailbox).map_err(LoadError::connection)?;
            let queued = self.machine().append_all(mailbox, [announced(*id, message)]);
            waiting.insert(queued.map_err(LoadError::connection)?, message);
        }
        while !waiting.is_empty() {
            match self.event().await? {
                Event::AppendReady(writer) => {
                    let message = waiting.get(&writer.id()).map(|message| (*message).clone());
                    self.write(writer, message.unwrap_or_default()).await?;
                }
                Event::Done { id, status }
                    if waiting.remove(&id).is_some() && status.condition != Condition::Ok =>
                {
                    return Err(refused("APPEND", &status));
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn write(&mut self, mut writer: AppendWriter, mut message: Bytes) -> Result<(), LoadError> {
        while !message.is_empty() {
            self.connection.room().await.map_err(LoadError::connection)?;
            let chunk = message.split_to(message.len().min(CHUNK));
            writer.write(self.machine(), chunk).map_err(LoadError::connection)?;
        }
        writer.finish(self.machine()).map_err(LoadError::connection)
    }

    /// Begins IDLE, and waits until the server has confirmed it.
    ///
    /// # Errors
    ///
    /// [`LoadError::NotOffered`] where it has no IDLE.
    pub async fn idle(&mut self) -> Result<CommandId, LoadError> {
        self.need("IDLE")?;
        let id = self.machine().idle().map_err(LoadError::connection)?;
        loop {
            match self.event().await? {
                Event::Idling(of) if of == id => return Ok(id),
                Event::Done { id: of, status } if of == id => return Err(refused("IDLE", &status)),
                _ => {}
            }
        }
    }

    /// Waits in IDLE until there are so many messages, and tells when that was heard.
    ///
    /// # Errors
    ///
    /// The server is gone.
    pub async fn until_exists(&mut self, count: u32) -> Result<Instant, LoadError> {
        loop {
            match self.event().await? {
                Event::Exists(exists) if exists >= count => {
                    return Ok(self.connection.machine_ref().arrived());
                }
                Event::Bye(status) => return Err(refused("IDLE", &status)),
                _ => {}
            }
        }
    }

    /// Ends IDLE.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    pub async fn done(&mut self, id: CommandId) -> Result<(), LoadError> {
        self.machine().done().map_err(LoadError::connection)?;
        self.wait(id, "DONE", |_| {}).await.map(drop)
    }

    /// Ends the session in order.
    ///
    /// # Errors
    ///
    /// The server does not end it.
    pub async fn logout(mut self) -> Result<(), LoadError> {
        self.ok("LOGOUT").await.map(drop)
    }

    const fn machine(&mut self) -> &mut Client {
        self.connection.machine().machine()
    }

    async fn event(&mut self) -> Result<Event, LoadError> {
        let event = self.connection.next().await.map_err(LoadError::connection)?;
        event.ok_or_else(|| LoadError::Connection("the server closed the session".to_owned()))
    }
}

/// A message with the date that it has.
fn announced(id: Id, message: &Bytes) -> AppendMessage {
    AppendMessage {
        date: id.internal_date(),
        ..AppendMessage::of(u64::try_from(message.len()).unwrap_or(u64::MAX))
    }
}

/// What the server says no with.
fn refused(what: &str, status: &Status) -> LoadError {
    let what = what.chars().take(WORDS_MAX).collect();
    LoadError::Refused { what, said: String::from_utf8_lossy(&status.text).into_owned() }
}

/// A message is written in pieces of so many octets.
const CHUNK: usize = 32 * 1024;

/// After so many events of one answer the other sessions have a turn: what comes for them is to be seen when it comes.
const TOLD_AT_ONCE: u32 = 256;

const WORDS_MAX: usize = 120;
