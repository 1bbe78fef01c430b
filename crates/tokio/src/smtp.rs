//! An SMTP and LMTP client that sends messages with one call each (RFC 5321, 6409, 2033).
//!
//! Stands on `posthaste_smtp::client::Client`, which decides what is said. Adds: connecting, the choice of a login,
//! and bodies that are read while they are sent.

use bytes::Bytes;
use posthaste_smtp::client::{self as machine, AuthPrivacy, BodyWriter, Event, Mode, Report, TlsPolicy};
use posthaste_smtp::{Capabilities, ClientName, Envelope, ProtocolError, Rejection, Time};
use posthaste_wire::Misuse;

use crate::client::{
    self, Cause, ClientError, ClientOptions, Dialled, Endpoint, Phase, Protocol, Session, TlsMode,
};
use crate::{Body, Connection, Credentials, Stream};

/// Why a call of an SMTP client failed.
pub type Error = ClientError<ProtocolError, Rejection>;

/// A session with an SMTP or LMTP server.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use posthaste_smtp::Envelope;
/// use posthaste_tokio::{ClientOptions, smtp};
///
/// let endpoint = "submissions://ursel:Geheim!@mail.example".parse()?;
/// let options = ClientOptions::default();
/// let mut client = smtp::Client::connect(&endpoint, "laptop.example".parse()?, &options).await?;
/// let envelope = Envelope::new("<ursel@mail.example>".parse()?, vec!["<hans@mail.example>".parse()?]);
/// let report = client.send(envelope, "Subject: hello\r\n\r\nHello, Hans.\r\n").await?;
/// assert!(report.is_complete());
/// client.quit().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client {
    session: Session<machine::Client>,
}

impl Client {
    /// Connects to `endpoint`, says hello as `name`, sets up TLS and logs in, as far as the endpoint and `options` say.
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`] when the credentials are; others as they are named.
    pub async fn connect(
        endpoint: &Endpoint,
        name: ClientName,
        options: &ClientOptions,
    ) -> Result<Self, Error> {
        let mode = mode(endpoint)?;
        let dialled = client::dial::<machine::Client, _>(endpoint, options).await?;
        Self::open(dialled, mode, name, endpoint, options).await
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
        name: ClientName,
        options: &ClientOptions,
    ) -> Result<Self, Error> {
        let mode = mode(endpoint)?;
        let deadline = client::after(options.open_timeout);
        let dialled =
            client::secure::<machine::Client, _>(stream.into(), endpoint, options, deadline).await?;
        Self::open(dialled, mode, name, endpoint, options).await
    }

    async fn open(
        dialled: Dialled,
        mode: Mode,
        name: ClientName,
        endpoint: &Endpoint,
        options: &ClientOptions,
    ) -> Result<Self, Error> {
        let tls = match endpoint.tls() {
            TlsMode::Implicit | TlsMode::StartTls => TlsPolicy::Required,
            TlsMode::StartTlsIfOffered => TlsPolicy::Opportunistic,
            TlsMode::Plain => TlsPolicy::Off,
        };
        let config =
            machine::Config::new(mode, name).with_tls(tls).with_auth_requires_tls(AuthPrivacy::Required);
        let machine = machine::Client::new(config, dialled.stream.security(), Time::ZERO);
        let mut client = Self { session: Session::new(machine, dialled, options) };
        while !matches!(client.event().await?, Event::Ready(_)) {}
        if let Some(credentials) = options.credentials.clone().or_else(|| endpoint.credentials()) {
            client.session.enter(Phase::Login);
            client.log_in(&credentials).await?;
        }
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
        self.session.begin_stream(Phase::Transfer);
        let id = self.machine().send(envelope)?;
        let mut body = Some(body.into());
        loop {
            match self.event().await? {
                Event::Body(writer) if writer.id() == id => match body.take() {
                    Some(body) => {
                        if let Some(report) = self.write(writer, body).await? {
                            return Ok(report);
                        }
                    }
                    None => writer.abort(self.machine())?,
                },
                // Of a message whose future was dropped.
                Event::Body(writer) => writer.abort(self.machine())?,
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
        self.session.begin(Phase::Close);
        self.machine().quit();
        loop {
            match self.event().await {
                Ok(_) => {}
                Err(error) if matches!(error.cause(), Cause::Closed) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// What the server offers.
    pub const fn capabilities(&self) -> &Capabilities {
        self.session.machine_ref().capabilities()
    }

    /// The connection below, for what has no method here.
    pub const fn connection(&mut self) -> &mut Connection<machine::Client> {
        &mut self.session.connection
    }

    async fn log_in(&mut self, credentials: &Credentials) -> Result<(), Error> {
        let channel = self.session.connection.channel();
        let offered = self.capabilities().mechanisms();
        let offered: Vec<&str> = offered.into_iter().map(posthaste_smtp::Mechanism::as_str).collect();
        let exchange = credentials
            .exchange(&offered, &channel, self.session.random())
            .ok_or_else(|| self.error(Cause::NoLogin))?;
        let mut exchange = exchange.map_err(|error| self.error(error))?;
        let name = exchange.mechanism().name().parse().map_err(|_| self.error(Cause::NoLogin))?;
        self.machine().authenticate(name, exchange.initial())?;
        let mut failure = None;
        loop {
            match self.event().await? {
                Event::Challenge(challenge) => {
                    let (next, response) = client::respond(exchange, challenge.challenge().expose())
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
                Event::Authenticated => return exchange.finish(None).map_err(|error| self.error(error)),
                Event::AuthRefused(refusal) => {
                    return Err(self.error(failure.map_or(Cause::Refused(refusal), Cause::Sasl)));
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
                    writer.finish(self.machine())?;
                    // From here on the server may have taken it.
                    self.session.enter(Phase::Change);
                    return Ok(None);
                }
                Err(error) => {
                    writer.abort(self.machine())?;
                    return Err(self.error(Cause::Source(error)));
                }
            };
            match self.write_piece(&mut writer, &piece).await {
                Ok(None) => {}
                Ok(Some(report)) => return Ok(Some(report)),
                Err(error) => {
                    writer.abort(self.machine())?;
                    return Err(error);
                }
            }
        }
    }

    async fn write_piece(&mut self, writer: &mut BodyWriter, piece: &Bytes) -> Result<Option<Report>, Error> {
        loop {
            match writer.write(self.machine(), piece.clone()) {
                Err(Misuse::Congested { .. }) => {
                    self.session.room().await?;
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

    const fn machine(&mut self) -> &mut machine::Client {
        self.session.machine()
    }

    async fn event(&mut self) -> Result<Event, Error> {
        self.session.event().await
    }

    fn error(&self, cause: impl Into<Cause<ProtocolError, Rejection>>) -> Error {
        self.session.error(cause)
    }
}

/// What is spoken with the server behind an endpoint.
fn mode(endpoint: &Endpoint) -> Result<Mode, Error> {
    match endpoint.protocol() {
        Protocol::Smtp | Protocol::Submission => Ok(Mode::Smtp),
        Protocol::Lmtp => Ok(Mode::Lmtp),
        other => Err(ClientError::new(Phase::Call, None, Cause::WrongProtocol(other))),
    }
}
