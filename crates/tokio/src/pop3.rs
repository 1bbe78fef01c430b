//! A POP3 client with a call for each command, and messages that stream (RFC 1939, 2449, 2595, 5034).
//!
//! Stands on `posthaste_pop3::client::Client`, which decides what is said. Commands are sent one at a time here;
//! whoever wants them ahead of their answers takes the connection below.

use bytes::{Bytes, BytesMut};
use posthaste_pop3::client::{self as machine, CommandId, Event};
use posthaste_pop3::{MessageNumber, ProtocolError, Reply, Time, Uidl};
use posthaste_sasl::client::Exchange;

use crate::client::{self, ClientOptions, TlsMode};
use crate::tls::Alpn;
use crate::{ClientError, Connection, Role, Stream};

/// Why a call of a POP3 client failed.
pub type Error = ClientError<ProtocolError, Reply>;

/// A session with a POP3 server.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use posthaste_tokio::{ClientOptions, Credentials, TlsMode, pop3};
///
/// let options = ClientOptions::new(TlsMode::Implicit).with_credentials(Credentials::new("ursel", "Geheim!"));
/// let mut client = pop3::Client::connect("mail.example", 995, &options).await?;
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
    connection: Connection<machine::Client>,
    options: ClientOptions,
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
    /// Connects to `host`, sets up TLS and logs in.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] when the credentials are or the server wants no session; others as they are named.
    pub async fn connect(host: &str, port: u16, options: &ClientOptions) -> Result<Self, Error> {
        let (stream, role) =
            client::dial(host, port, options, Alpn::Pop3).await.map_err(ClientError::Connect)?;
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
            TlsMode::Implicit | TlsMode::StartTls => machine::TlsPolicy::Required,
            TlsMode::StartTlsIfOffered => machine::TlsPolicy::Opportunistic,
            TlsMode::Plain => machine::TlsPolicy::Off,
        };
        let machine = machine::Client::new(config, stream.security(), Time::ZERO);
        let connection = Connection::new(machine, stream, role).with_timeouts(options.timeouts);
        let mut client = Self { connection, options: options.clone() };
        loop {
            match client.event().await? {
                Event::Ready { .. } => break,
                Event::Unavailable { greeting } => return Err(ClientError::Refused(greeting)),
                _ => {}
            }
        }
        client.log_in().await?;
        Ok(client)
    }

    /// How many messages there are, and how many octets they have together.
    ///
    /// # Errors
    ///
    /// As [`ClientError`] names them; so with all calls below.
    pub async fn stat(&mut self) -> Result<(u32, u64), Error> {
        let id = self.connection.machine().stat()?;
        loop {
            match self.event().await? {
                Event::Stat { id: of, messages, octets } if of == id => return Ok((messages, octets)),
                Event::Reply { id: of, reply } if of == id => return Err(ClientError::Refused(reply)),
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
        let id = self.connection.machine().list()?;
        let mut rows = Vec::new();
        loop {
            match self.event().await? {
                Event::Size { id: of, number, octets } if of == id => rows.push((number, octets)),
                Event::ListEnd { id: of } if of == id => return Ok(rows),
                Event::Reply { id: of, reply } if of == id => return Err(ClientError::Refused(reply)),
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
        let id = self.connection.machine().uidl()?;
        let mut rows = Vec::new();
        loop {
            match self.event().await? {
                Event::Uidl { id: of, number, uidl } if of == id => rows.push((number, uidl)),
                Event::ListEnd { id: of } if of == id => return Ok(rows),
                Event::Reply { id: of, reply } if of == id => return Err(ClientError::Refused(reply)),
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
        let id = self.connection.machine().retr(number)?;
        self.message(id).await
    }

    /// A message in one piece, when it has at most `octets_max` octets.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat); [`ClientError::Source`] when the message is longer.
    pub async fn retr_to_bytes(&mut self, number: MessageNumber, octets_max: usize) -> Result<Bytes, Error> {
        let mut message = self.retr(number).await?;
        let mut whole = BytesMut::new();
        while let Some(chunk) = message.next_chunk().await? {
            if whole.len().saturating_add(chunk.len()) > octets_max {
                let problem =
                    std::io::Error::new(std::io::ErrorKind::FileTooLarge, "the message is too long");
                return Err(ClientError::Source(problem));
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
        let id = self.connection.machine().top(number, lines)?;
        self.message(id).await
    }

    /// Marks a message for removal, which happens at [`quit`](Self::quit).
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub async fn dele(&mut self, number: MessageNumber) -> Result<(), Error> {
        let id = self.connection.machine().dele(number)?;
        self.reply(id).await
    }

    /// Takes all marks away.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub async fn rset(&mut self) -> Result<(), Error> {
        let id = self.connection.machine().rset()?;
        self.reply(id).await
    }

    /// Keeps the session alive.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub async fn noop(&mut self) -> Result<(), Error> {
        let id = self.connection.machine().noop()?;
        self.reply(id).await
    }

    /// Ends the session and removes what is marked.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] when something could not be removed. With any other it is not known whether the
    /// marked messages are gone.
    pub async fn quit(mut self) -> Result<(), Error> {
        let id = self.connection.machine().quit()?;
        self.reply(id).await?;
        while self.event().await.is_ok() {}
        Ok(())
    }

    /// The connection below, for what has no method here.
    pub const fn connection(&mut self) -> &mut Connection<machine::Client> {
        &mut self.connection
    }

    async fn log_in(&mut self) -> Result<(), Error> {
        let credentials = self.options.credentials.take().ok_or(ClientError::NoLogin)?;
        let security = self.connection.security();
        let offered = self.connection.machine().capabilities().mechanisms();
        let Some(exchange) = credentials.exchange(&offered, security) else {
            if !security.is_private() {
                return Err(ClientError::NoLogin);
            }
            let id = self.connection.machine().login(&credentials.user, credentials.password)?;
            return self.reply(id).await;
        };
        self.authenticate(exchange?).await
    }

    async fn authenticate(&mut self, mut exchange: Exchange) -> Result<(), Error> {
        let name = exchange.mechanism().name();
        let id = self.connection.machine().authenticate(name, exchange.initial())?;
        let mut failure = None;
        loop {
            match self.event().await? {
                Event::Challenge(challenge) => {
                    let (next, response) = client::respond(exchange, challenge.challenge().expose()).await?;
                    exchange = next;
                    match response {
                        Ok(response) => challenge.respond(self.connection.machine(), &response)?,
                        Err(error) => {
                            failure = Some(error);
                            challenge.cancel(self.connection.machine())?;
                        }
                    }
                }
                Event::Reply { id: of, reply } if of == id => {
                    return match failure {
                        Some(error) => Err(error.into()),
                        None => positive(reply).and_then(|()| Ok(exchange.finish(None)?)),
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
                Event::Reply { id: of, reply } if of == id => return positive(reply),
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
                Event::BodyAborted { id: of } if of == id => return Err(ClientError::Closed),
                Event::Reply { id: of, reply } if of == id => return Err(ClientError::Refused(reply)),
                _ => {}
            }
        };
        Ok(Message { client: self, id, first, ended })
    }

    async fn event(&mut self) -> Result<Event, Error> {
        client::next(&mut self.connection, self.options.idle_timeout).await
    }
}

impl Message<'_> {
    /// The next piece of the message, without dot-stuffing; `None` when it is complete.
    ///
    /// # Errors
    ///
    /// [`ClientError::Closed`] when the connection ended inside the message: what came so far is no message.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        while !self.ended {
            match self.client.event().await? {
                Event::Body { id, chunk } if id == self.id => return Ok(Some(chunk)),
                Event::BodyEnd { id } if id == self.id => self.ended = true,
                Event::BodyAborted { id } if id == self.id => return Err(ClientError::Closed),
                _ => {}
            }
        }
        Ok(None)
    }
}

fn positive(reply: Reply) -> Result<(), Error> {
    if reply.is_ok() { Ok(()) } else { Err(ClientError::Refused(reply)) }
}
