//! An SMTP and LMTP client that sends messages with one call each (RFC 5321, 6409, 2033).
//!
//! Stands on `posthaste_smtp::client::Client`, which decides what is said. Adds: connecting, the choice of a login,
//! bodies that are read while they are sent (`send`), errors that say what became of each recipient (`error`), and
//! sessions that are used for more than one message (`pool`).

mod error;
mod pool;
mod send;

use posthaste_smtp::client::{self as machine, AuthPrivacy, Event, Mode, TlsPolicy};
use posthaste_smtp::{Capabilities, ClientName, ProtocolError, Rejection, Time};

pub use error::SendError;
pub use pool::{Pool, PoolOptions, PoolStats};
pub use posthaste_smtp::client::{Fate, Refusal, Report, Stage, Unsupported};

use crate::client::{self, Cause, ClientError, ClientOptions, Endpoint, Phase, Protocol, Session, TlsMode};
use crate::{Connection, Credentials, Stream};

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
    /// Nothing is said any more: a message was begun and its end not seen.
    over: bool,
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
        Self::open(None, name, endpoint, options).await
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
        Self::open(Some(stream.into()), name, endpoint, options).await
    }

    async fn open(
        stream: Option<Stream>,
        name: ClientName,
        endpoint: &Endpoint,
        options: &ClientOptions,
    ) -> Result<Self, Error> {
        let protocols = [Protocol::Smtp, Protocol::Submission, Protocol::Lmtp];
        let dialled = client::reach::<machine::Client, _>(stream, endpoint, options, &protocols).await?;
        let mode = if endpoint.protocol() == Protocol::Lmtp { Mode::Lmtp } else { Mode::Smtp };
        let tls = match endpoint.tls() {
            TlsMode::Implicit | TlsMode::StartTls => TlsPolicy::Required,
            TlsMode::StartTlsIfOffered => TlsPolicy::Opportunistic,
            TlsMode::Plain => TlsPolicy::Off,
        };
        let config =
            machine::Config::new(mode, name).with_tls(tls).with_auth_requires_tls(AuthPrivacy::Required);
        let machine = machine::Client::new(config, dialled.stream.security(), Time::ZERO);
        let mut client = Self { session: Session::new(machine, dialled, options), over: false };
        while !matches!(client.event().await?, Event::Ready(_)) {}
        client.session.enter(Phase::Login);
        match options.credentials_at(endpoint) {
            Some(credentials) => client.log_in(&credentials).await?,
            // Whoever is named does not go on as nobody.
            None if endpoint.user().is_some() => return Err(client.error(Cause::NoCredentials)),
            None => {}
        }
        Ok(client)
    }

    /// Asks the server for a sign of life (NOOP): keeps an idle session open, or finds out that it is not before a
    /// message depends on it. The server is there, whatever it says.
    ///
    /// # Errors
    ///
    /// The session is of no use any more.
    pub async fn probe(&mut self) -> Result<(), Error> {
        self.begin(Phase::Query)?;
        self.machine().probe()?;
        while !matches!(self.event().await?, Event::Probed(_)) {}
        Ok(())
    }

    /// Ends the session in order. What was reported as sent is sent, whatever comes of this.
    ///
    /// # Errors
    ///
    /// The server did not answer in time or cut the connection.
    pub async fn quit(mut self) -> Result<(), Error> {
        self.begin(Phase::Close)?;
        self.machine().quit();
        loop {
            match self.event().await {
                Ok(_) => {}
                Err(error) if matches!(error.cause(), Cause::Closed) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether no further message can be sent: a call was given up in the middle or failed, or the server takes no
    /// more messages in one session (RFC 9422 4.1). That the server has closed the session is found out by the next
    /// call.
    pub fn is_over(&self) -> bool {
        self.over || self.session.machine_ref().is_used_up()
    }

    /// Whether the next message would be begun at once.
    pub(crate) fn is_idle(&self) -> bool {
        self.session.machine_ref().is_idle()
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

    /// Begins a call, where the session is one that can be followed.
    fn begin(&mut self, phase: Phase) -> Result<(), Error> {
        self.session.begin(phase);
        if self.over { Err(self.error(Cause::Closed)) } else { Ok(()) }
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
