//! An SMTP and LMTP client that sends messages with one call each (RFC 5321, 6409, 2033).
//!
//! Stands on `posthaste_smtp::client::Client`, which decides what is said. Adds: connecting, the choice of a login,
//! and bodies that are read while they are sent.

use bytes::Bytes;
use posthaste_smtp::client::{self as machine, AuthPrivacy, BodyWriter, Event, Mode, Report, TlsPolicy};
use posthaste_smtp::{Capabilities, ClientName, Envelope, ProtocolError, Rejection, Time};
use posthaste_wire::Misuse;

use crate::client::{self, ClientOptions, TlsMode, within};
use crate::tls::Alpn;
use crate::{Body, ClientError, Connection, Role, Stream};

/// Why a call of an SMTP client failed.
pub type Error = ClientError<ProtocolError, Rejection>;

/// A session with an SMTP or LMTP server.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use posthaste_tokio::{ClientOptions, Credentials, TlsMode, smtp};
/// use posthaste_smtp::Envelope;
///
/// let options = ClientOptions::new(TlsMode::Implicit).with_credentials(Credentials::new("ursel", "Geheim!"));
/// let mut client = smtp::Client::connect("mail.example", 465, "laptop.example".parse()?, &options).await?;
/// let envelope = Envelope::new("<ursel@mail.example>".parse()?, vec!["<hans@mail.example>".parse()?]);
/// let report = client.send(envelope, "Subject: hello\r\n\r\nHello, Hans.\r\n").await?;
/// assert!(report.is_complete());
/// client.quit().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client {
    connection: Connection<machine::Client>,
    options: ClientOptions,
}

impl Client {
    /// Connects to `host`, says hello as `name`, sets up TLS and logs in, as far as `options` say.
    ///
    /// # Errors
    ///
    /// [`ClientError::Refused`] when the credentials are; others as they are named.
    pub async fn connect(
        host: &str,
        port: u16,
        name: ClientName,
        options: &ClientOptions,
    ) -> Result<Self, Error> {
        let (stream, role) =
            client::dial(host, port, options, Alpn::Smtp).await.map_err(ClientError::Connect)?;
        Self::over(stream, role, Mode::Smtp, name, options).await
    }

    /// Opens a session over a stream that is there, such as a socket of a local LMTP server. Where TLS comes
    /// first, it is in place already.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub async fn over(
        stream: Stream,
        role: Role,
        mode: Mode,
        name: ClientName,
        options: &ClientOptions,
    ) -> Result<Self, Error> {
        let tls = match options.tls {
            TlsMode::Implicit | TlsMode::StartTls => TlsPolicy::Required,
            TlsMode::StartTlsIfOffered => TlsPolicy::Opportunistic,
            TlsMode::Plain => TlsPolicy::Off,
        };
        let config =
            machine::Config::new(mode, name).with_tls(tls).with_auth_requires_tls(AuthPrivacy::Required);
        let machine = machine::Client::new(config, stream.security(), Time::ZERO);
        let connection = Connection::new(machine, stream, role).with_timeouts(options.timeouts);
        let mut client = Self { connection, options: options.clone() };
        while !matches!(client.event().await?, Event::Ready(_)) {}
        client.log_in().await?;
        Ok(client)
    }

    /// Sends one message, whose lines end in CR LF, and waits for what becomes of it: the answer for each recipient, and whether the server
    /// has taken the message.
    ///
    /// A body that is not fully read is not sent: the session is given up in the middle, and the server throws
    /// away what it has. So it is when the future is dropped; the client is then of no use any more.
    ///
    /// # Errors
    ///
    /// A refused message is no error: see [`Report`]. `ProtocolError::OutcomeUnknown` means that the server may
    /// have the message.
    pub async fn send(&mut self, envelope: Envelope, body: impl Into<Body>) -> Result<Report, Error> {
        let id = self.connection.machine().send(envelope)?;
        let mut body = Some(body.into());
        loop {
            match self.event().await? {
                Event::Body(writer) if writer.id() == id => match body.take() {
                    Some(body) => {
                        if let Some(report) = self.write(writer, body).await? {
                            return Ok(report);
                        }
                    }
                    None => writer.abort(self.connection.machine())?,
                },
                // Of a message whose future was dropped.
                Event::Body(writer) => writer.abort(self.connection.machine())?,
                Event::Sent(report) if report.id == id => return Ok(report),
                _ => {}
            }
        }
    }

    /// Ends the session in order. What was reported as sent is sent, whatever comes of this.
    ///
    /// # Errors
    ///
    /// The server did not answer in time or cut the connection.
    pub async fn quit(mut self) -> Result<(), Error> {
        self.connection.machine().quit();
        loop {
            match self.event().await {
                Ok(_) => {}
                Err(ClientError::Closed) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// What the server offers.
    pub const fn capabilities(&self) -> &Capabilities {
        self.connection.machine_ref().capabilities()
    }

    /// The connection below, for what has no method here.
    pub const fn connection(&mut self) -> &mut Connection<machine::Client> {
        &mut self.connection
    }

    async fn log_in(&mut self) -> Result<(), Error> {
        let Some(credentials) = self.options.credentials.take() else { return Ok(()) };
        let channel = self.connection.channel();
        let offered = self.capabilities().mechanisms();
        let offered: Vec<&str> = offered.into_iter().map(posthaste_smtp::Mechanism::as_str).collect();
        let mut exchange = credentials.exchange(&offered, &channel).ok_or(ClientError::NoLogin)??;
        let name = exchange.mechanism().name().parse().map_err(|_| ClientError::NoLogin)?;
        self.connection.machine().authenticate(name, exchange.initial())?;
        let mut failure = None;
        loop {
            match self.event().await? {
                Event::Challenge(challenge) => {
                    let (next, response) = client::respond(exchange, challenge.challenge().expose()).await?;
                    exchange = next;
                    match response {
                        Ok(response) => challenge.respond(self.connection.machine(), response)?,
                        Err(error) => {
                            failure = Some(error);
                            challenge.cancel(self.connection.machine())?;
                        }
                    }
                }
                Event::Authenticated => return Ok(exchange.finish(None)?),
                Event::AuthRefused(refusal) => {
                    return Err(failure.map_or(ClientError::Refused(refusal), ClientError::Sasl));
                }
                _ => {}
            }
        }
    }

    /// Sends a body in pieces, each when there is room. An error leaves nothing that a server would take. A report
    /// comes before the end where the server refuses the message in the middle.
    async fn write(&mut self, mut writer: BodyWriter, mut body: Body) -> Result<Option<Report>, Error> {
        loop {
            let piece = match body.next().await {
                Ok(Some(piece)) => piece,
                Ok(None) => {
                    writer.finish(self.connection.machine())?;
                    return Ok(None);
                }
                Err(error) => {
                    writer.abort(self.connection.machine())?;
                    return Err(ClientError::Source(error));
                }
            };
            match self.write_piece(&mut writer, &piece).await {
                Ok(None) => {}
                Ok(Some(report)) => return Ok(Some(report)),
                Err(error) => {
                    writer.abort(self.connection.machine())?;
                    return Err(error);
                }
            }
        }
    }

    async fn write_piece(&mut self, writer: &mut BodyWriter, piece: &Bytes) -> Result<Option<Report>, Error> {
        loop {
            match writer.write(self.connection.machine(), piece.clone()) {
                Err(Misuse::Congested { .. }) => {
                    within(self.options.idle_timeout, self.connection.room()).await?;
                }
                // BDAT: the server is to answer first, and may do so with a no.
                Err(Misuse::Unanswered) => match self.event().await? {
                    Event::Sent(report) if report.id == writer.id() => return Ok(Some(report)),
                    _ => {}
                },
                done => return Ok(done.map(|()| None)?),
            }
        }
    }

    async fn event(&mut self) -> Result<Event, Error> {
        client::next(&mut self.connection, self.options.idle_timeout).await
    }
}
