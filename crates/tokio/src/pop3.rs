//! A POP3 client with a call for each command, and messages that stream (RFC 1939, 2449, 2595, 5034).
//!
//! Stands on `posthaste_pop3::client::Client`, which decides what is said. Commands are sent one at a time here;
//! whoever wants them ahead of their answers takes the connection below.

use bytes::{Bytes, BytesMut};
use posthaste_pop3::client::{self as machine, CommandId, Event};
use posthaste_pop3::{MessageNumber, ProtocolError, Reply, Time, Uidl};
use posthaste_sasl::client::Exchange;

use crate::client::{
    self, Cause, ClientError, ClientOptions, Dialled, Endpoint, Phase, Protocol, Session, TlsMode,
};
use crate::{Connection, Credentials, Stream};

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

/// A message on its way.
///
/// Dropped before its end, the rest is read and thrown away by the next call on the client.
#[derive(Debug)]
#[must_use = "the message comes in chunks"]
pub struct Message<'a> {
    client: &'a mut Client,
    id: CommandId,
    /// The first chunk, or the end, was read to know that the message exists.
    first: Option<Bytes>,
    ended: bool,
}

impl Client {
    /// Connects to `endpoint`, sets up TLS and logs in.
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`] when the credentials are or the server wants no session; others as they are named.
    pub async fn connect(endpoint: &Endpoint, options: &ClientOptions) -> Result<Self, Error> {
        is_pop3(endpoint)?;
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
        is_pop3(endpoint)?;
        let deadline = client::after(options.open_timeout);
        let dialled =
            client::secure::<machine::Client, _>(stream.into(), endpoint, options, deadline).await?;
        Self::open(dialled, endpoint, options).await
    }

    async fn open(dialled: Dialled, endpoint: &Endpoint, options: &ClientOptions) -> Result<Self, Error> {
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
        let credentials = options.credentials.clone().or_else(|| endpoint.credentials());
        let credentials = credentials.ok_or_else(|| client.error(Cause::NoCredentials))?;
        client.log_in(credentials).await?;
        Ok(client)
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

    /// A message, in chunks as they arrive.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub async fn retr(&mut self, number: MessageNumber) -> Result<Message<'_>, Error> {
        self.session.begin_stream(Phase::Query);
        let id = self.machine().retr(number)?;
        self.message(id).await
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
        self.session.begin_stream(Phase::Query);
        let id = self.machine().top(number, lines)?;
        self.message(id).await
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
    async fn message(&mut self, id: CommandId) -> Result<Message<'_>, Error> {
        let (first, ended) = loop {
            match self.event().await? {
                Event::Body { id: of, chunk } if of == id => break (Some(chunk), false),
                Event::BodyEnd { id: of } if of == id => break (None, true),
                Event::BodyAborted { id: of } if of == id => return Err(self.error(Cause::Closed)),
                Event::Reply { id: of, reply } if of == id => return Err(self.session.refused(reply)),
                _ => {}
            }
        };
        Ok(Message { client: self, id, first, ended })
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

impl Message<'_> {
    /// The next piece of the message, without dot-stuffing; `None` when it is complete.
    ///
    /// # Errors
    ///
    /// [`Cause::Closed`] when the connection ended inside the message: what came so far is no message.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        while !self.ended {
            match self.client.event().await? {
                Event::Body { id, chunk } if id == self.id => return Ok(Some(chunk)),
                Event::BodyEnd { id } if id == self.id => self.ended = true,
                Event::BodyAborted { id } if id == self.id => return Err(self.client.error(Cause::Closed)),
                _ => {}
            }
        }
        Ok(None)
    }
}

fn is_pop3(endpoint: &Endpoint) -> Result<(), Error> {
    match endpoint.protocol() {
        Protocol::Pop3 => Ok(()),
        other => Err(ClientError::new(Phase::Call, None, Cause::WrongProtocol(other))),
    }
}
