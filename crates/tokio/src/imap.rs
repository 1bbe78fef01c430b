//! An IMAP client: a session, rows that stream, and waiting for news (RFC 9051, 3501, 2177).
//!
//! Stands on `posthaste_imap::client::Client`, which decides what is said and may run commands ahead of their
//! answers. Calls here wait for one command at a time; news that nobody asked for is handed to whoever waits.

use bytes::Bytes;
use posthaste_imap::client::{self as machine, AppendWriter, CommandId, Event, MailboxState, TlsPolicy};
use posthaste_imap::client::{ProtocolError, TagPrefix};
use posthaste_imap::types::{
    Condition, DateTime, FetchAttribute, FetchItem, Flag, Mailbox, Payload, SequenceSet, Status,
};
use posthaste_imap::{State, Time};
use posthaste_wire::Misuse;
use std::num::NonZeroU32;

use crate::client::{
    self, Cause, ClientError, ClientOptions, Dialled, Endpoint, Phase, Protocol, Session, TlsMode,
};
use crate::tls::Random;
use crate::{Body, Connection, Credentials, Stream};

/// Why a call of an IMAP client failed.
pub type Error = ClientError<ProtocolError, Status>;

/// A session with an IMAP server.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use posthaste_imap::types::{FetchAttribute, Mailbox, SequenceSet};
/// use posthaste_tokio::{ClientOptions, imap};
///
/// let endpoint = "imaps://ursel:Geheim!@mail.example".parse()?;
/// let mut client = imap::Client::connect(&endpoint, &ClientOptions::default()).await?;
/// println!("{} messages", client.select(Mailbox::inbox()).await?.exists);
/// let mut rows = client.fetch(SequenceSet::all(), FetchAttribute::ALL.to_vec())?;
/// while let Some(part) = rows.next().await? {
///     println!("{part:?}");
/// }
/// client.logout().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client {
    session: Session<machine::Client>,
}

/// The rows of a FETCH, as they arrive. A row is [`Part::Row`], its items, and [`Part::RowEnd`].
///
/// Dropped before its end, the rest is read and thrown away by the next call on the client.
#[derive(Debug)]
#[must_use = "the rows come in parts"]
pub struct Rows<'a> {
    client: &'a mut Client,
    id: CommandId,
    done: bool,
}

/// A piece of the answer to a FETCH. Rows do not interleave. A server may add rows that were not asked for.
#[derive(Debug)]
#[non_exhaustive]
pub enum Part {
    /// A row begins, of the message of this number.
    Row(NonZeroU32),
    /// An item of the row, complete.
    Item(FetchItem),
    /// Octets follow, too many to be an item: as [`Chunk`](Self::Chunk)s up to [`ChunkEnd`](Self::ChunkEnd).
    Stream {
        /// What they are.
        payload: Payload,
        /// How many the server announced. Allocate nothing from it.
        length: u64,
    },
    /// The next octets.
    Chunk(Bytes),
    /// The octets are complete.
    ChunkEnd,
    /// The row is complete.
    RowEnd,
}

/// Waiting for news of the selected mailbox.
#[derive(Debug)]
#[must_use = "news is to be waited for"]
pub struct Idle<'a> {
    client: &'a mut Client,
    id: CommandId,
}

impl Client {
    /// Connects to `endpoint`, sets up TLS and logs in.
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`] when the credentials are; others as they are named.
    pub async fn connect(endpoint: &Endpoint, options: &ClientOptions) -> Result<Self, Error> {
        is_imap(endpoint)?;
        let dialled = client::dial::<machine::Client, _>(endpoint, options).await?;
        Self::open(dialled, endpoint, options).await
    }

    /// As [`connect`](Self::connect), over a stream that is there, such as one through a proxy. Where TLS comes first
    /// and the stream does not have it yet, it is put over the stream.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn over(
        stream: impl Into<Stream>,
        endpoint: &Endpoint,
        options: &ClientOptions,
    ) -> Result<Self, Error> {
        is_imap(endpoint)?;
        let deadline = client::after(options.open_timeout);
        let dialled =
            client::secure::<machine::Client, _>(stream.into(), endpoint, options, deadline).await?;
        Self::open(dialled, endpoint, options).await
    }

    async fn open(dialled: Dialled, endpoint: &Endpoint, options: &ClientOptions) -> Result<Self, Error> {
        let mut config = machine::Config::default();
        config.tls = match endpoint.tls() {
            TlsMode::Implicit | TlsMode::StartTls => TlsPolicy::Required,
            TlsMode::StartTlsIfOffered => TlsPolicy::Opportunistic,
            TlsMode::Plain => TlsPolicy::Off,
        };
        config.tag_prefix = random_tag_prefix(options)
            .map_err(|error| ClientError::new(Phase::Call, None, Cause::Connect(error)))?;
        let machine = machine::Client::new(config, dialled.stream.security(), Time::ZERO);
        let mut client = Self { session: Session::new(machine, dialled, options) };
        loop {
            match client.event().await? {
                Event::Ready => break,
                Event::Bye(status) => return Err(client.session.refused(status)),
                _ => {}
            }
        }
        if client.session.machine_ref().state() == State::NotAuthenticated {
            client.session.enter(Phase::Login);
            let credentials = options.credentials.clone().or_else(|| endpoint.credentials());
            let credentials = credentials.ok_or_else(|| client.error(Cause::NoCredentials))?;
            client.log_in(credentials).await?;
        }
        Ok(client)
    }

    /// Selects a mailbox for reading and writing.
    ///
    /// # Errors
    ///
    /// As [`Cause`] names them; so with all calls below.
    pub async fn select(&mut self, mailbox: Mailbox) -> Result<&MailboxState, Error> {
        self.session.begin(Phase::Query);
        let id = self.machine().select(mailbox, Vec::new())?;
        self.finish(id).await?;
        let Some(mailbox) = self.session.machine_ref().mailbox() else {
            return Err(self.error(Cause::Closed));
        };
        Ok(mailbox)
    }

    /// Selects a mailbox for reading only.
    ///
    /// # Errors
    ///
    /// As [`select`](Self::select).
    pub async fn examine(&mut self, mailbox: Mailbox) -> Result<&MailboxState, Error> {
        self.session.begin(Phase::Query);
        let id = self.machine().examine(mailbox, Vec::new())?;
        self.finish(id).await?;
        let Some(mailbox) = self.session.machine_ref().mailbox() else {
            return Err(self.error(Cause::Closed));
        };
        Ok(mailbox)
    }

    /// Asks for data of messages by their numbers.
    ///
    /// # Errors
    ///
    /// As [`select`](Self::select).
    pub fn fetch(
        &mut self,
        numbers: SequenceSet,
        attributes: Vec<FetchAttribute>,
    ) -> Result<Rows<'_>, Error> {
        self.session.begin_stream(Phase::Query);
        let id = self.machine().fetch(numbers, attributes)?;
        Ok(Rows { client: self, id, done: false })
    }

    /// Asks for data of messages by their UIDs.
    ///
    /// # Errors
    ///
    /// As [`select`](Self::select).
    pub fn uid_fetch(
        &mut self,
        uids: SequenceSet,
        attributes: Vec<FetchAttribute>,
    ) -> Result<Rows<'_>, Error> {
        self.session.begin_stream(Phase::Query);
        let id = self.machine().uid_fetch(uids, attributes)?;
        Ok(Rows { client: self, id, done: false })
    }

    /// Adds a message of exactly `length` octets to a mailbox.
    ///
    /// # Errors
    ///
    /// As [`select`](Self::select). A body of another length, or one that cannot be read, ends the session in
    /// the middle of the message: the server adds nothing.
    pub async fn append(
        &mut self,
        mailbox: Mailbox,
        flags: Vec<Flag>,
        date: Option<DateTime>,
        length: u64,
        body: impl Into<Body>,
    ) -> Result<Status, Error> {
        self.session.begin_stream(Phase::Transfer);
        let id = self.machine().append(mailbox, flags, date, length)?;
        let mut body = Some(body.into());
        loop {
            match self.event().await? {
                Event::AppendReady(writer) => match body.take() {
                    Some(body) if writer.id() == id => self.write(writer, body).await?,
                    _ => writer.abort(self.machine())?,
                },
                event => {
                    if let Some(status) = self.ended(&event, id)? {
                        return Ok(status);
                    }
                }
            }
        }
    }

    /// Waits for the end of a command that was given to the machine, and hands all events before it to `note`.
    ///
    /// ```no_run
    /// # async fn run(client: &mut posthaste_tokio::imap::Client) -> Result<(), posthaste_tokio::imap::Error> {
    /// let id = client.connection().machine().noop()?;
    /// client.wait(id, |event| println!("{event:?}")).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`select`](Self::select).
    pub async fn wait(&mut self, id: CommandId, mut note: impl FnMut(Event)) -> Result<Status, Error> {
        loop {
            let event = self.event().await?;
            if let Some(status) = self.ended(&event, id)? {
                return Ok(status);
            }
            note(event);
        }
    }

    /// Begins to wait for news (IDLE).
    ///
    /// # Errors
    ///
    /// As [`select`](Self::select).
    pub fn idle(&mut self) -> Result<Idle<'_>, Error> {
        self.session.begin_stream(Phase::Query);
        let id = self.machine().idle()?;
        Ok(Idle { client: self, id })
    }

    /// Ends the session in order.
    ///
    /// # Errors
    ///
    /// The server did not answer in time or cut the connection.
    pub async fn logout(mut self) -> Result<(), Error> {
        self.session.begin(Phase::Close);
        self.machine().logout()?;
        loop {
            match self.event().await {
                Ok(_) => {}
                Err(error) if matches!(error.cause(), Cause::Closed) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// The connection below, for what has no method here.
    pub const fn connection(&mut self) -> &mut Connection<machine::Client> {
        &mut self.session.connection
    }

    async fn log_in(&mut self, credentials: Credentials) -> Result<(), Error> {
        let channel = self.session.connection.channel();
        let offered: Vec<&str> = self.session.machine_ref().mechanisms().collect();
        let exchange = credentials.exchange(&offered, &channel, self.session.random());
        let Some(exchange) = exchange else {
            let login = credentials.without_mechanism(&channel);
            let (user, password) = login.ok_or_else(|| self.error(Cause::NoLogin))?;
            let id = self.machine().login(&user, password)?;
            return self.finish(id).await;
        };
        let mut exchange = exchange.map_err(|error| self.error(error))?;
        let name = exchange.mechanism().name();
        let id = self.machine().authenticate(name, exchange.initial())?;
        let mut failure = None;
        loop {
            match self.event().await? {
                Event::Challenge(challenge) => {
                    let (next, response) = client::respond(exchange, challenge.data().expose())
                        .await
                        .map_err(|cause| self.error(cause))?;
                    exchange = next;
                    match response {
                        Ok(response) => challenge.respond(self.machine(), response)?,
                        Err(error) => {
                            failure = Some(error);
                            challenge.cancel(self.machine())?;
                        }
                    }
                }
                event => match (self.ended(&event, id), failure.take()) {
                    (Ok(None), before) => failure = before,
                    (Ok(Some(_)), _) => return exchange.finish(None).map_err(|error| self.error(error)),
                    (Err(refused), Some(error)) if refused.refusal().is_some() => {
                        return Err(self.error(error));
                    }
                    (Err(error), _) => return Err(error),
                },
            }
        }
    }

    async fn finish(&mut self, id: CommandId) -> Result<(), Error> {
        self.wait(id, drop).await.map(drop)
    }

    async fn write(&mut self, mut writer: AppendWriter, mut body: Body) -> Result<(), Error> {
        loop {
            let piece = match body.next().await {
                Ok(Some(piece)) => piece,
                Ok(None) => return self.end(writer),
                Err(error) => {
                    writer.abort(self.machine())?;
                    return Err(self.error(Cause::Source(error)));
                }
            };
            if let Err(error) = self.write_piece(&mut writer, &piece).await {
                writer.abort(self.machine())?;
                return Err(error);
            }
        }
    }

    /// Ends the message, or gives it up where octets are missing.
    fn end(&mut self, writer: AppendWriter) -> Result<(), Error> {
        let remaining = writer.remaining(self.session.machine_ref());
        if remaining > 0 {
            writer.abort(self.machine())?;
            return Err(Misuse::TooLittle { remaining }.into());
        }
        Ok(writer.finish(self.machine())?)
    }

    async fn write_piece(&mut self, writer: &mut AppendWriter, piece: &Bytes) -> Result<(), Error> {
        loop {
            match writer.write(self.machine(), piece.clone()) {
                Err(Misuse::Congested { .. }) => {
                    self.session.room().await?;
                }
                done => return Ok(done?),
            }
        }
    }

    const fn machine(&mut self) -> &mut machine::Client {
        self.session.machine()
    }

    async fn event(&mut self) -> Result<Event, Error> {
        self.session.event().await
    }

    fn error(&self, cause: impl Into<Cause<ProtocolError, Status>>) -> Error {
        self.session.error(cause)
    }

    /// The status a command ended with, where `event` is its end.
    fn ended(&self, event: &Event, id: CommandId) -> Result<Option<Status>, Error> {
        match event {
            Event::Done { id: of, status } if *of == id => match status.condition {
                Condition::Ok => Ok(Some(status.clone())),
                _ => Err(self.session.refused(status.clone())),
            },
            Event::NotSent { id: of, why } if *of == id => Err((*why).into()),
            _ => Ok(None),
        }
    }
}

impl Rows<'_> {
    /// The next part; `None` when the command is complete.
    ///
    /// # Errors
    ///
    /// [`Cause::Closed`] when the connection ended inside a row: what has no end is incomplete.
    pub async fn next(&mut self) -> Result<Option<Part>, Error> {
        while !self.done {
            let event = self.client.event().await?;
            self.done = self.client.ended(&event, self.id)?.is_some();
            return Ok(Some(match event {
                Event::Row(number) => Part::Row(number),
                Event::Item(item) => Part::Item(item),
                Event::Literal { payload, length } => Part::Stream { payload, length },
                Event::Body(chunk) => Part::Chunk(chunk),
                Event::LiteralEnd => Part::ChunkEnd,
                Event::RowEnd => Part::RowEnd,
                Event::RowAborted => return Err(self.client.error(Cause::Closed)),
                _ => continue,
            }));
        }
        Ok(None)
    }
}

impl Idle<'_> {
    /// The next news: messages that came, went or changed. Cancel safe, and without a deadline of its own: the
    /// machine renews IDLE in time and notices when the server does not answer.
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`] when the server knows no IDLE; others as they are named.
    pub async fn next(&mut self) -> Result<Event, Error> {
        loop {
            let event = self.client.session.news().await?;
            if self.client.ended(&event, self.id)?.is_some() {
                return Err(self.client.error(Cause::Closed));
            }
            if !matches!(event, Event::Idling(_)) {
                return Ok(event);
            }
        }
    }

    /// Ends the waiting, so that the client can be used again. News that is still on its way is dropped; the
    /// machine's view of the mailbox follows it.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    pub async fn done(self) -> Result<(), Error> {
        self.client.machine().done()?;
        self.client.finish(self.id).await
    }
}

fn is_imap(endpoint: &Endpoint) -> Result<(), Error> {
    match endpoint.protocol() {
        Protocol::Imap => Ok(()),
        other => Err(ClientError::new(Phase::Call, None, Cause::WrongProtocol(other))),
    }
}

/// A prefix that cannot be guessed, so that nobody answers a command before it was sent.
fn random_tag_prefix(options: &ClientOptions) -> std::io::Result<TagPrefix> {
    let random: [u8; 8] = Random::of_client(options).fill().map_err(std::io::Error::other)?;
    let letters: String = random.iter().map(|octet| char::from(b'A'.saturating_add(octet % 26))).collect();
    TagPrefix::new(letters).map_err(std::io::Error::other)
}
