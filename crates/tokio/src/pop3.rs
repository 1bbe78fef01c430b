//! A POP3 client with a call for each command, and messages that stream (RFC 1939, 2449, 2595, 5034).
//!
//! Stands on `posthaste_pop3::client::Client`, which decides what is said. What a message is to its reader stands in
//! `message`; which messages are wanted, and for how long they stay at the server, in `fetch` and `dates`.

mod dates;
mod fetch;
mod message;

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use posthaste_pop3::client::{self as machine, CommandId, Event};
use posthaste_pop3::{Capabilities, LanguageRange, MessageNumber, ProtocolError, Reply, Time, Uidl};
use posthaste_sasl::client::Exchange;

use crate::client::{self, Cause, ClientError, ClientOptions, Endpoint, Phase, Protocol, Session, TlsMode};
use crate::{Connection, Credentials, Stream};

pub use dates::Dates;
pub use fetch::{Messages, NewMessage, NewMessages, Row};
pub use message::Message;
pub use posthaste_pop3::client::Seen;

/// Why a call of a POP3 client failed.
pub type Error = ClientError<ProtocolError, Reply>;

/// A session with a POP3 server.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use posthaste_tokio::{ClientOptions, pop3};
///
/// let endpoint = "pop3s://ursel:Geheim!@mail.example".parse()?;
/// let mut client = pop3::Client::connect(&endpoint, &ClientOptions::default()).await?;
/// for (number, octets) in client.list().await? {
///     let mut message = client.retr(number).await?;
///     while let Some(chunk) = message.next_chunk().await? {
///         println!("{} of {octets} octets", chunk.len());
///     }
/// }
/// client.quit().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client {
    session: Session<machine::Client>,
}

/// A session before its login: for what has to be said there.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use posthaste_tokio::{ClientOptions, pop3};
///
/// let endpoint = "pop3s://ursel:Geheim!@mail.example".parse()?;
/// let mut greeted = pop3::Client::greet(&endpoint, &ClientOptions::default()).await?;
/// if greeted.capabilities().has("UTF8") {
///     greeted.utf8().await?;
/// }
/// let mut client = greeted.log_in().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "without a login there are no messages"]
pub struct Greeted {
    client: Client,
    credentials: Option<Credentials>,
}

impl Client {
    /// Connects to `endpoint`, sets up TLS and logs in.
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`] when the credentials are or the server wants no session; others as they are named.
    pub async fn connect(endpoint: &Endpoint, options: &ClientOptions) -> Result<Self, Error> {
        Self::greet(endpoint, options).await?.log_in().await
    }

    /// Connects to `endpoint` and sets up TLS. The time of opening runs until the login is done.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn greet(endpoint: &Endpoint, options: &ClientOptions) -> Result<Greeted, Error> {
        Self::open(None, endpoint, options).await
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
        Self::greet_over(stream, endpoint, options).await?.log_in().await
    }

    /// As [`greet`](Self::greet), over a stream that is there.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn greet_over(
        stream: impl Into<Stream>,
        endpoint: &Endpoint,
        options: &ClientOptions,
    ) -> Result<Greeted, Error> {
        Self::open(Some(stream.into()), endpoint, options).await
    }

    async fn open(
        stream: Option<Stream>,
        endpoint: &Endpoint,
        options: &ClientOptions,
    ) -> Result<Greeted, Error> {
        let protocols = [Protocol::Pop3];
        let dialled = client::reach::<machine::Client, _>(stream, endpoint, options, &protocols).await?;
        let mut config = machine::Config::default();
        config.tls = match endpoint.tls() {
            TlsMode::Implicit | TlsMode::StartTls => machine::TlsPolicy::Required,
            TlsMode::StartTlsIfOffered => machine::TlsPolicy::Opportunistic,
            TlsMode::Plain => machine::TlsPolicy::Off,
        };
        let machine = machine::Client::new(config, dialled.stream.security(), Time::ZERO);
        let mut client = Self { session: Session::new(machine, dialled, options) };
        loop {
            match client.event().await? {
                Event::Ready { .. } => break,
                Event::Unavailable { greeting } => return Err(client.session.refused(greeting)),
                _ => {}
            }
        }
        client.session.enter(Phase::Login);
        let credentials = options.credentials_at(endpoint);
        Ok(Greeted { client, credentials })
    }

    /// What the server can do, as it said last.
    pub const fn capabilities(&self) -> &Capabilities {
        self.session.machine_ref().capabilities()
    }

    /// Asks for texts in a language (LANG, RFC 6856 3.2).
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub async fn language(&mut self, range: LanguageRange) -> Result<(), Error> {
        self.session.begin(Phase::Query);
        let id = self.machine().language(range)?;
        self.reply(id).await
    }

    /// How many messages there are, and how many octets they have together.
    ///
    /// # Errors
    ///
    /// As [`ClientError`] names them; so with all calls below.
    pub async fn stat(&mut self) -> Result<(u32, u64), Error> {
        self.session.begin(Phase::Query);
        let id = self.machine().stat()?;
        loop {
            match self.event().await? {
                Event::Stat { id: of, messages, octets } if of == id => return Ok((messages, octets)),
                Event::Reply { id: of, reply } if of == id => return Err(self.session.refused(reply)),
                _ => {}
            }
        }
    }

    /// The messages and their sizes in octets, as the server says.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub async fn list(&mut self) -> Result<Vec<(MessageNumber, u64)>, Error> {
        self.session.begin(Phase::Query);
        let id = self.machine().list()?;
        let mut rows = Vec::new();
        loop {
            match self.event().await? {
                Event::Size { id: of, number, octets } if of == id => rows.push((number, octets)),
                Event::ListEnd { id: of } if of == id => return Ok(rows),
                Event::Reply { id: of, reply } if of == id => return Err(self.session.refused(reply)),
                _ => {}
            }
        }
    }

    /// The messages and their unique-ids.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub async fn uidl(&mut self) -> Result<Vec<(MessageNumber, Uidl)>, Error> {
        self.session.begin(Phase::Query);
        let id = self.machine().uidl()?;
        let mut rows = Vec::new();
        loop {
            match self.event().await? {
                Event::Uidl { id: of, number, uidl } if of == id => rows.push((number, uidl)),
                Event::ListEnd { id: of } if of == id => return Ok(rows),
                Event::Reply { id: of, reply } if of == id => return Err(self.session.refused(reply)),
                _ => {}
            }
        }
    }

    /// The messages with their sizes and unique-ids, asked for at once where the server reads ahead (RFC 2449 6.6). No
    /// ids, where it has none or does not give them for every message.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub async fn listing(&mut self) -> Result<Vec<Row>, Error> {
        self.rows().await.map(|(rows, _)| rows)
    }

    /// As [`listing`](Self::listing), with the server's answer where it refuses to give ids.
    async fn rows(&mut self) -> Result<(Vec<Row>, Option<Reply>), Error> {
        self.session.begin(Phase::Query);
        let sizes = self.machine().list()?;
        let ids = self.machine().uidl()?;
        let mut rows = BTreeMap::new();
        loop {
            match self.event().await? {
                Event::Size { id, number, octets } if id == sizes => {
                    rows.insert(number, Row { number, octets: Some(octets), uidl: None });
                }
                Event::Uidl { id, number, uidl } if id == ids => {
                    if let Some(row) = rows.get_mut(&number) {
                        row.uidl = Some(uidl);
                    }
                }
                Event::Reply { id, reply } if id == sizes => return Err(self.session.refused(reply)),
                Event::Reply { id, reply } if id == ids => {
                    return Ok((rows.into_values().collect(), Some(reply)));
                }
                Event::ListEnd { id } if id == ids => return Ok((rows.into_values().collect(), None)),
                _ => {}
            }
        }
    }

    /// A message, in chunks as they arrive.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub async fn retr(&mut self, number: MessageNumber) -> Result<Message<'_>, Error> {
        self.session.begin(Phase::Query);
        let id = self.machine().retr(number)?;
        self.message(id, Row { number, octets: None, uidl: None }).await
    }

    /// A message in one piece, when it has at most `octets_max` octets.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat); [`Cause::TooLong`] when the message is longer.
    pub async fn retr_to_bytes(&mut self, number: MessageNumber, octets_max: usize) -> Result<Bytes, Error> {
        let mut message = self.retr(number).await?;
        let mut whole = BytesMut::new();
        while let Some(chunk) = message.next_chunk().await? {
            if whole.len().saturating_add(chunk.len()) > octets_max {
                return Err(self.error(Cause::TooLong(octets_max)));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }

    /// The header of a message and the first lines of its body.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub async fn top(&mut self, number: MessageNumber, lines: u32) -> Result<Message<'_>, Error> {
        self.session.begin(Phase::Query);
        let id = self.machine().top(number, lines)?;
        self.message(id, Row { number, octets: None, uidl: None }).await
    }

    /// Marks a message for removal, which happens at [`quit`](Self::quit).
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub async fn dele(&mut self, number: MessageNumber) -> Result<(), Error> {
        self.session.begin(Phase::Change);
        let id = self.machine().dele(number)?;
        self.reply(id).await
    }

    /// Takes all marks away.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub async fn rset(&mut self) -> Result<(), Error> {
        self.session.begin(Phase::Change);
        let id = self.machine().rset()?;
        self.reply(id).await
    }

    /// Keeps the session alive.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub async fn noop(&mut self) -> Result<(), Error> {
        self.session.begin(Phase::Query);
        let id = self.machine().noop()?;
        self.reply(id).await
    }

    /// Ends the session and removes what is marked.
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`] when something could not be removed. With any other it is not known whether the
    /// marked messages are gone.
    pub async fn quit(mut self) -> Result<(), Error> {
        self.session.begin(Phase::Change);
        let id = self.machine().quit()?;
        self.reply(id).await?;
        while self.event().await.is_ok() {}
        Ok(())
    }

    /// The connection below, for what has no method here.
    pub const fn connection(&mut self) -> &mut Connection<machine::Client> {
        &mut self.session.connection
    }

    async fn log_in(&mut self, credentials: Credentials) -> Result<(), Error> {
        let channel = self.session.connection.channel();
        let random = self.session.random();
        let offered = self.machine().capabilities().mechanisms();
        let Some(exchange) = credentials.exchange(&offered, &channel, random) else {
            let login = credentials.without_mechanism(&channel);
            let (user, password) = login.ok_or_else(|| self.error(Cause::NoLogin))?;
            let id = self.machine().login(&user, password)?;
            return self.reply(id).await;
        };
        let exchange = exchange.map_err(|error| self.error(error))?;
        self.authenticate(exchange).await
    }

    async fn authenticate(&mut self, mut exchange: Exchange) -> Result<(), Error> {
        let name = exchange.mechanism().name();
        let id = self.machine().authenticate(name, exchange.initial())?;
        let mut failure = None;
        loop {
            match self.event().await? {
                Event::Challenge(challenge) => {
                    let (next, response) = client::respond(exchange, challenge.challenge().expose())
                        .await
                        .map_err(|cause| self.error(cause))?;
                    exchange = next;
                    match response {
                        Ok(response) => challenge.respond(self.machine(), &response)?,
                        Err(error) => {
                            failure = Some(error);
                            challenge.cancel(self.machine())?;
                        }
                    }
                }
                Event::Reply { id: of, reply } if of == id => {
                    return match failure {
                        Some(error) => Err(self.error(error)),
                        None => {
                            self.positive(reply)?;
                            exchange.finish(None).map_err(|error| self.error(error))
                        }
                    };
                }
                _ => {}
            }
        }
    }

    /// Waits for the answer to a command that has no content.
    async fn reply(&mut self, id: CommandId) -> Result<(), Error> {
        loop {
            match self.event().await? {
                Event::Reply { id: of, reply } if of == id => return self.positive(reply),
                _ => {}
            }
        }
    }

    /// Waits until it is clear that there is a message.
    async fn message(&mut self, id: CommandId, row: Row) -> Result<Message<'_>, Error> {
        let (first, ended) = loop {
            match self.event().await? {
                Event::Body { id: of, chunk } if of == id => break (Some(chunk), false),
                Event::BodyEnd { id: of } if of == id => break (None, true),
                Event::BodyAborted { id: of } if of == id => return Err(self.error(Cause::Closed)),
                Event::Reply { id: of, reply } if of == id => return Err(self.session.refused(reply)),
                _ => {}
            }
        };
        Ok(Message::new(self, id, row, first, ended))
    }

    fn positive(&self, reply: Reply) -> Result<(), Error> {
        if reply.is_ok() { Ok(()) } else { Err(self.session.refused(reply)) }
    }

    const fn machine(&mut self) -> &mut machine::Client {
        self.session.machine()
    }

    async fn event(&mut self) -> Result<Event, Error> {
        self.session.event().await
    }

    fn error(&self, cause: impl Into<Cause<ProtocolError, Reply>>) -> Error {
        self.session.error(cause)
    }
}

impl Greeted {
    /// What the server can do before the login.
    pub const fn capabilities(&self) -> &Capabilities {
        self.client.capabilities()
    }

    /// Asks for messages in UTF-8 (RFC 6856 2.1): header fields of some may hold it then.
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`], after which the session goes on without; others as they are named.
    pub async fn utf8(&mut self) -> Result<(), Error> {
        let id = self.client.machine().utf8()?;
        self.client.reply(id).await
    }

    /// Asks for texts in a language (LANG, RFC 6856 3.2), those of the login included.
    ///
    /// # Errors
    ///
    /// As [`utf8`](Self::utf8).
    pub async fn language(&mut self, range: LanguageRange) -> Result<(), Error> {
        let id = self.client.machine().language(range)?;
        self.client.reply(id).await
    }

    /// Logs in, with the credentials of the options or of the endpoint.
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`] when they are; [`Cause::NoCredentials`]; others as they are named.
    pub async fn log_in(mut self) -> Result<Client, Error> {
        let credentials = self.credentials.ok_or_else(|| self.client.error(Cause::NoCredentials))?;
        self.client.log_in(credentials).await?;
        Ok(self.client)
    }
}
