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

use crate::client::{self, ClientOptions, TlsMode, within};
use crate::tls::{self, Alpn};
use crate::{Body, ClientError, Connection, Role, Stream};

/// Why a call of an IMAP client failed.
pub type Error = ClientError<ProtocolError, Status>;

/// A session with an IMAP server.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use posthaste_imap::types::{FetchAttribute, Mailbox, SequenceSet};
/// use posthaste_tokio::{ClientOptions, Credentials, TlsMode, imap};
///
/// let options = ClientOptions::new(TlsMode::Implicit).with_credentials(Credentials::new("ursel", "Geheim!"));
/// let mut client = imap::Client::connect("mail.example", 993, &options).await?;
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
    connection: Connection<machine::Client>,
    options: ClientOptions,
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
    /// Connects to `host`, sets up TLS and logs in.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] when the credentials are; others as they are named.
    pub async fn connect(host: &str, port: u16, options: &ClientOptions) -> Result<Self, Error> {
        let (stream, role) =
            client::dial(host, port, options, Alpn::Imap).await.map_err(ClientError::Connect)?;
        Self::over(stream, role, options).await
    }

    /// Opens a session over a stream that is there. Where TLS comes first, it is in place already.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn over(stream: Stream, role: Role, options: &ClientOptions) -> Result<Self, Error> {
        let mut config = machine::Config::default();
        config.tls = match options.tls {
            TlsMode::Implicit | TlsMode::StartTls => TlsPolicy::Required,
            TlsMode::StartTlsIfOffered => TlsPolicy::Opportunistic,
            TlsMode::Plain => TlsPolicy::Off,
        };
        config.tag_prefix = random_tag_prefix().map_err(ClientError::Connect)?;
        let machine = machine::Client::new(config, stream.security(), Time::ZERO);
        let connection = Connection::new(machine, stream, role).with_timeouts(options.timeouts);
        let mut client = Self { connection, options: options.clone() };
        loop {
            match client.event().await? {
                Event::Ready => break,
                Event::Bye(status) => return Err(ClientError::Refused(status)),
                _ => {}
            }
        }
        if client.connection.machine_ref().state() == State::NotAuthenticated {
            client.log_in().await?;
        }
        Ok(client)
    }

    /// Selects a mailbox for reading and writing.
    ///
    /// # Errors
    ///
    /// As [`ClientError`] names them; so with all calls below.
    pub async fn select(&mut self, mailbox: Mailbox) -> Result<&MailboxState, Error> {
        let id = self.connection.machine().select(mailbox, Vec::new())?;
        self.finish(id).await?;
        self.connection.machine_ref().mailbox().ok_or(ClientError::Closed)
    }

    /// Selects a mailbox for reading only.
    ///
    /// # Errors
    ///
    /// As [`select`](Self::select).
    pub async fn examine(&mut self, mailbox: Mailbox) -> Result<&MailboxState, Error> {
        let id = self.connection.machine().examine(mailbox, Vec::new())?;
        self.finish(id).await?;
        self.connection.machine_ref().mailbox().ok_or(ClientError::Closed)
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
        let id = self.connection.machine().fetch(numbers, attributes)?;
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
        let id = self.connection.machine().uid_fetch(uids, attributes)?;
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
        let id = self.connection.machine().append(mailbox, flags, date, length)?;
        let mut body = Some(body.into());
        loop {
            match self.event().await? {
                Event::AppendReady(writer) => match body.take() {
                    Some(body) if writer.id() == id => self.write(writer, body).await?,
                    _ => writer.abort(self.connection.machine())?,
                },
                event => {
                    if let Some(status) = ended(&event, id)? {
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
            if let Some(status) = ended(&event, id)? {
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
        let id = self.connection.machine().idle()?;
        Ok(Idle { client: self, id })
    }

    /// Ends the session in order.
    ///
    /// # Errors
    ///
    /// The server did not answer in time or cut the connection.
    pub async fn logout(mut self) -> Result<(), Error> {
        self.connection.machine().logout()?;
        loop {
            match self.event().await {
                Ok(_) => {}
                Err(ClientError::Closed) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// The connection below, for what has no method here.
    pub const fn connection(&mut self) -> &mut Connection<machine::Client> {
        &mut self.connection
    }

    async fn log_in(&mut self) -> Result<(), Error> {
        let credentials = self.options.credentials.take().ok_or(ClientError::NoLogin)?;
        let security = self.connection.security();
        let offered: Vec<&str> = self.connection.machine_ref().mechanisms().collect();
        let exchange = credentials.exchange(&offered, security);
        let Some(exchange) = exchange else {
            if !security.is_private() {
                return Err(ClientError::NoLogin);
            }
            let id = self.connection.machine().login(&credentials.user, credentials.password)?;
            return self.finish(id).await;
        };
        let mut exchange = exchange?;
        let name = exchange.mechanism().name();
        let id = self.connection.machine().authenticate(name, exchange.initial())?;
        let mut failure = None;
        loop {
            match self.event().await? {
                Event::Challenge(challenge) => {
                    let (next, response) = client::respond(exchange, challenge.data().expose()).await?;
                    exchange = next;
                    match response {
                        Ok(response) => challenge.respond(self.connection.machine(), response)?,
                        Err(error) => {
                            failure = Some(error);
                            challenge.cancel(self.connection.machine())?;
                        }
                    }
                }
                event => match (ended(&event, id), failure) {
                    (Ok(None), _) => {}
                    (Ok(Some(_)), _) => return Ok(exchange.finish(None)?),
                    (Err(ClientError::Refused(_)), Some(error)) => return Err(error.into()),
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
                    writer.abort(self.connection.machine())?;
                    return Err(ClientError::Source(error));
                }
            };
            if let Err(error) = self.write_piece(&mut writer, &piece).await {
                writer.abort(self.connection.machine())?;
                return Err(error);
            }
        }
    }

    /// Ends the message, or gives it up where octets are missing.
    fn end(&mut self, writer: AppendWriter) -> Result<(), Error> {
        let remaining = writer.remaining(self.connection.machine_ref());
        if remaining > 0 {
            writer.abort(self.connection.machine())?;
            return Err(Misuse::TooLittle { remaining }.into());
        }
        Ok(writer.finish(self.connection.machine())?)
    }

    async fn write_piece(&mut self, writer: &mut AppendWriter, piece: &Bytes) -> Result<(), Error> {
        loop {
            match writer.write(self.connection.machine(), piece.clone()) {
                Err(Misuse::Congested { .. }) => {
                    within(self.options.idle_timeout, self.connection.room()).await?;
                }
                done => return Ok(done?),
            }
        }
    }

    async fn event(&mut self) -> Result<Event, Error> {
        client::next(&mut self.connection, self.options.idle_timeout).await
    }
}

impl Rows<'_> {
    /// The next part; `None` when the command is complete.
    ///
    /// # Errors
    ///
    /// [`ClientError::Closed`] when the connection ended inside a row: what has no end is incomplete.
    pub async fn next(&mut self) -> Result<Option<Part>, Error> {
        while !self.done {
            let event = self.client.event().await?;
            self.done = ended(&event, self.id)?.is_some();
            return Ok(Some(match event {
                Event::Row(number) => Part::Row(number),
                Event::Item(item) => Part::Item(item),
                Event::Literal { payload, length } => Part::Stream { payload, length },
                Event::Body(chunk) => Part::Chunk(chunk),
                Event::LiteralEnd => Part::ChunkEnd,
                Event::RowEnd => Part::RowEnd,
                Event::RowAborted => return Err(ClientError::Closed),
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
    /// [`ClientError::Refused`] when the server knows no IDLE; others as they are named.
    pub async fn next(&mut self) -> Result<Event, Error> {
        loop {
            let event = self.client.connection.next().await?.ok_or(ClientError::Closed)?;
            if ended(&event, self.id)?.is_some() {
                return Err(ClientError::Closed);
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
        self.client.connection.machine().done()?;
        self.client.finish(self.id).await
    }
}

/// The status a command ended with, where `event` is its end.
fn ended(event: &Event, id: CommandId) -> Result<Option<Status>, Error> {
    match event {
        Event::Done { id: of, status } if *of == id => match status.condition {
            Condition::Ok => Ok(Some(status.clone())),
            _ => Err(ClientError::Refused(status.clone())),
        },
        Event::NotSent { id: of, why } if *of == id => Err((*why).into()),
        _ => Ok(None),
    }
}

/// A prefix that cannot be guessed, so that nobody answers a command before it was sent.
fn random_tag_prefix() -> std::io::Result<TagPrefix> {
    let mut random = [0; 8];
    let provider = tls::provider();
    provider.secure_random.fill(&mut random).map_err(|_| std::io::Error::other("no randomness"))?;
    let letters: String = random.iter().map(|octet| char::from(b'A'.saturating_add(octet % 26))).collect();
    TagPrefix::new(letters).map_err(std::io::Error::other)
}
