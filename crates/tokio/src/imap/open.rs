//! How a session begins: connection, TLS, greeting, login (RFC 9051 6.2, RFC 8314).

use posthaste_imap::client::{self as machine, CommandId, Event, TagPrefix, TlsPolicy};
use posthaste_imap::types::{Condition, Status};
use posthaste_imap::{State, Time};

use super::{Cause, Client, Error, Phase, task};
use crate::client::{self, ClientOptions, Endpoint, Protocol, Session, TlsMode};
use crate::tls::Random;
use crate::{Credentials, Stream};

impl Client {
    /// Connects to `endpoint`, sets up TLS and logs in. Has to be called within a tokio runtime, which runs the session.
    ///
    /// # Errors
    ///
    /// [`Cause::Refused`](crate::Cause::Refused) when the credentials are; others as they are named.
    pub async fn connect(endpoint: &Endpoint, options: &ClientOptions) -> Result<Self, Error> {
        open(None, endpoint, options).await
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
        open(Some(stream.into()), endpoint, options).await
    }
}

async fn open(stream: Option<Stream>, endpoint: &Endpoint, options: &ClientOptions) -> Result<Client, Error> {
    let protocols = [Protocol::Imap];
    let dialled = client::reach::<machine::Client, _>(stream, endpoint, options, &protocols).await?;
    let mut config = machine::Config::default();
    config.tls = match endpoint.tls() {
        TlsMode::Implicit | TlsMode::StartTls => TlsPolicy::Required,
        TlsMode::StartTlsIfOffered => TlsPolicy::Opportunistic,
        TlsMode::Plain => TlsPolicy::Off,
    };
    config.tag_prefix = random_tag_prefix(options)
        .map_err(|error| Error::new(Phase::Call, Some(dialled.peer.clone()), Cause::Connect(error)))?;
    // A server that owes something and is silent is given up by the machine, which knows when that is so.
    let limits = &mut config.limits;
    limits.response_timeout = limits.response_timeout.min(options.idle_timeout);
    limits.literal_timeout = limits.literal_timeout.min(options.idle_timeout);
    let peer = dialled.peer.clone();
    let machine = machine::Client::new(config, dialled.stream.security(), Time::ZERO);
    let mut opening = Opening { session: Session::new(machine, dialled, options) };
    opening.greet().await?;
    if opening.session.machine_ref().state() == State::NotAuthenticated {
        opening.session.enter(Phase::Login);
        let credentials =
            options.credentials_at(endpoint).ok_or_else(|| opening.error(Cause::NoCredentials))?;
        opening.log_in(credentials).await?;
    }
    Ok(task::spawn(opening.session.connection, peer, options))
}

/// A session that nobody uses yet.
struct Opening {
    session: Session<machine::Client>,
}

impl Opening {
    async fn greet(&mut self) -> Result<(), Error> {
        loop {
            match self.event().await? {
                Event::Ready => return Ok(()),
                Event::Bye(status) => return Err(self.session.refused(status)),
                _ => {}
            }
        }
    }

    async fn log_in(&mut self, credentials: Credentials) -> Result<(), Error> {
        let channel = self.session.connection.channel();
        let offered: Vec<&str> = self.session.machine_ref().mechanisms().collect();
        let exchange = credentials.exchange(&offered, &channel, self.session.random());
        let Some(exchange) = exchange else {
            let login = credentials.without_mechanism(&channel);
            // RFC 9755 5: LOGIN carries ASCII, and RFC 9051 6.2.3: not everywhere.
            let carries = |text: &[u8]| text.is_ascii();
            let login = login
                .filter(|(user, password)| carries(user.as_bytes()) && carries(password.expose()))
                .filter(|_| !self.session.machine_ref().has_capability("LOGINDISABLED"));
            let (user, password) = login.ok_or_else(|| self.error(Cause::NoLogin))?;
            let id = self.session.machine().login(&user, password)?;
            return self.finish(id).await;
        };
        let mut exchange = exchange.map_err(|error| self.error(error))?;
        let name = exchange.mechanism().name();
        let id = self.session.machine().authenticate(name, exchange.initial())?;
        let mut failure = None;
        loop {
            match self.event().await? {
                Event::Challenge(challenge) => {
                    let (next, response) = client::respond(exchange, challenge.data().expose())
                        .await
                        .map_err(|cause| self.error(cause))?;
                    exchange = next;
                    match response {
                        Ok(response) => challenge.respond(self.session.machine(), response)?,
                        Err(error) => {
                            failure = Some(error);
                            challenge.cancel(self.session.machine())?;
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
        loop {
            let event = self.event().await?;
            if self.ended(&event, id)?.is_some() {
                return Ok(());
            }
        }
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

    async fn event(&mut self) -> Result<Event, Error> {
        self.session.event().await
    }

    fn error(&self, cause: impl Into<Cause>) -> Error {
        self.session.error(cause)
    }
}

/// A prefix that cannot be guessed, so that nobody answers a command before it was sent.
fn random_tag_prefix(options: &ClientOptions) -> std::io::Result<TagPrefix> {
    let random: [u8; 8] = Random::of_client(options).fill().map_err(std::io::Error::other)?;
    let letters: String = random.iter().map(|octet| char::from(b'A'.saturating_add(octet % 26))).collect();
    TagPrefix::new(letters).map_err(std::io::Error::other)
}
