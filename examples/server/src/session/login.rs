//! Logging in, the same for all protocols: a SASL exchange until there are credentials, then the directory.
//!
//! Whether a peer has failed too often is the directory's to say; what it says then looks to the peer as a wrong
//! password does.

use std::net::IpAddr;
use std::sync::Arc;

use posthaste_sasl::server::{Challenge, Config, Event, Exchange};
use posthaste_sasl::{Channel, Mechanism, Plaintext, SaslError, Secret};

use super::Context;
use crate::directory::{Account, Attempt, Directory, DirectoryError, LogIn, Proof, ScramAnswer, Service};
use crate::metrics;

/// What came of one step of an exchange.
#[derive(Debug)]
pub(super) enum Login {
    /// The client is asked for more.
    Challenge(Vec<u8>),
    /// The client is who it says.
    Accepted(Arc<Account>),
    /// It is not; the log says why, the client learns nothing.
    Refused,
    /// Nothing was checked: too many failures. As refused, and the connection is ended.
    Banned,
    /// What it sent is no message of the mechanism, which says nothing of any user.
    Malformed,
    /// The credentials could not be checked for now.
    Unavailable,
}

/// The exchanges of one connection, one at a time.
#[derive(Debug)]
pub(super) struct Exchanges {
    directory: Directory,
    config: Config,
    service: Service,
    peer: Option<IpAddr>,
    /// The challenge that waits for its response.
    waiting: Option<Challenge>,
    /// Who is about to prove to be who, with SCRAM.
    proving: Option<Proving>,
}

/// A proof that is awaited.
#[derive(Debug)]
struct Proving {
    user: String,
    /// `None` for somebody who can prove nothing.
    account: Option<Arc<Account>>,
}

impl Exchanges {
    /// For a connection from `peer`.
    pub(super) fn new(context: &Context, service: Service, peer: Option<IpAddr>) -> Self {
        let directory = context.directory.clone();
        let plaintext = match context.config.login.plaintext {
            true => Plaintext::Anywhere,
            false => Plaintext::NeedsPrivacy,
        };
        let config = Config::new(MECHANISMS).with_decoys(directory.decoys()).with_plaintext(plaintext);
        Self { directory, config, service, peer, waiting: None, proving: None }
    }

    /// The names of the mechanisms, the strongest first, for a machine to announce when the connection is private. On
    /// one that is to become so by STARTTLS, there will be something to bind to.
    pub(super) fn names(&self, channel: &Channel) -> impl Iterator<Item = &'static str> + use<> {
        let is_to_come = !channel.security().is_private();
        let now: Vec<Mechanism> = self.config.offered(channel).collect();
        let mut all = MECHANISMS;
        all.sort_unstable_by(|a, b| b.cmp(a));
        all.into_iter().filter(move |mechanism| is_to_come || now.contains(mechanism)).map(Mechanism::name)
    }

    /// Takes what the client sent. `begins` is the mechanism where that is the command itself; an exchange that
    /// was left unfinished is forgotten then.
    pub(super) async fn step(
        &mut self,
        channel: &Channel,
        begins: Option<&str>,
        response: Option<&Secret>,
    ) -> Login {
        let event = match (begins, self.waiting.take(), response) {
            (Some(mechanism), _, initial) => {
                self.proving = None;
                match self.begin(mechanism, channel) {
                    Ok(exchange) => exchange.start(initial),
                    Err(SaslError::NoRandomness) => {
                        tracing::error!("login could not begin: the system gives no randomness");
                        return Login::Unavailable;
                    }
                    Err(_) => return Login::Refused,
                }
            }
            (None, Some(challenge), Some(response)) => challenge.respond(response),
            (None, ..) => return Login::Malformed,
        };
        let login = self.went(event).await;
        self.counted(login)
    }

    /// Forgets an exchange that was cancelled.
    pub(super) fn cancel(&mut self) {
        self.waiting = None;
        self.proving = None;
    }

    /// Checks a user name and a password.
    pub(super) async fn verify(&self, user: &str, password: &Secret) -> Login {
        let login = self.check(user, password).await;
        self.counted(login)
    }

    async fn check(&self, user: &str, password: &Secret) -> Login {
        let attempt = Attempt { service: self.service, peer: self.peer, user, password: password.expose() };
        match self.directory.log_in(attempt).await {
            Ok(answer) => told(user, answer),
            Err(DirectoryError::Busy) => Login::Unavailable,
            Err(error) => {
                tracing::error!(%error, "login could not be checked");
                Login::Unavailable
            }
        }
    }

    /// What comes of an attempt; a challenge is not its end.
    fn counted(&self, login: Login) -> Login {
        let result = match &login {
            Login::Challenge(_) => return login,
            Login::Accepted(_) => "accepted",
            Login::Refused => "refused",
            Login::Banned => "banned",
            Login::Malformed => "malformed",
            Login::Unavailable => "unavailable",
        };
        metrics::login(self.service.name(), result);
        login
    }

    fn begin(&self, mechanism: &str, channel: &Channel) -> Result<Exchange, SaslError> {
        Exchange::new(mechanism, &self.config, channel, posthaste_tokio::nonce()?)
    }

    async fn went(&mut self, event: Event) -> Login {
        match event {
            Event::Challenge(challenge) => {
                let data = challenge.data().to_vec();
                self.waiting = Some(challenge);
                Login::Challenge(data)
            }
            Event::Password(check) => {
                match self.check(check.authentication(), check.password_as_sent()).await {
                    Login::Accepted(account) => match acting_for_itself(check.accept()) {
                        Event::Success(_) => Login::Accepted(account),
                        _ => refused_another(&account),
                    },
                    login => login,
                }
            }
            Event::Key(query) => {
                let user = query.user().to_owned();
                let key = self.directory.scram_key(self.service, self.peer, &user, query.hash());
                let (event, account) = match key {
                    ScramAnswer::Found(key, account) => (query.found(&key), Some(account)),
                    ScramAnswer::Unknown(key) => (query.found(&key), None),
                    ScramAnswer::Banned => return Login::Banned,
                };
                self.proving = Some(Proving { user, account });
                Box::pin(self.went(event)).await
            }
            event @ Event::Authorization(_) => match acting_for_itself(event) {
                Event::Authorization(_) => {
                    let user = self.proving.as_ref().map(|proving| &proving.user);
                    tracing::info!(?user, "login refused: may not act for another user");
                    Login::Refused
                }
                event => Box::pin(self.went(event)).await,
            },
            Event::Success(_) => self.proved(true),
            Event::Failure(failure) => {
                tracing::info!(reason = %failure.error(), "login refused");
                match failure.error() {
                    SaslError::Credentials if self.proving.is_some() => self.proved(false),
                    // All others may come of what somebody typed, and then they look like a wrong password.
                    SaslError::Malformed | SaslError::OutOfStep => Login::Malformed,
                    _ => Login::Refused,
                }
            }
            _ => Login::Refused,
        }
    }

    /// An exchange of SCRAM has come to its end.
    fn proved(&mut self, is_right: bool) -> Login {
        let Some(Proving { user, account }) = self.proving.take() else { return Login::Refused };
        let proof = account.filter(|_| is_right).map_or(Proof::Wrong, Proof::Right);
        told(&user, self.directory.accepted_scram(self.service, self.peer, &user, proof))
    }
}

/// Nobody may act for anybody else yet.
fn acting_for_itself(event: Event) -> Event {
    match event {
        Event::Authorization(check) if check.authorization().eq_ignore_ascii_case(check.authentication()) => {
            check.accept()
        }
        event => event,
    }
}

fn refused_another(account: &Account) -> Login {
    tracing::info!(user = %account.address, "login refused: may not act for another user");
    Login::Refused
}

fn told(user: &str, answer: LogIn) -> Login {
    match answer {
        LogIn::Accepted(account) => {
            tracing::info!(user = %account.address, "logged in");
            Login::Accepted(account)
        }
        LogIn::Refused => {
            tracing::info!(user = %user.escape_debug(), "login refused");
            Login::Refused
        }
        LogIn::Banned => {
            tracing::info!(user = %user.escape_debug(), "login refused: too many failures");
            Login::Banned
        }
    }
}

/// What this server speaks: passwords, and proofs of knowing them.
const MECHANISMS: [Mechanism; 6] = [
    Mechanism::Plain,
    Mechanism::Login,
    Mechanism::ScramSha1,
    Mechanism::ScramSha256,
    Mechanism::ScramSha1Plus,
    Mechanism::ScramSha256Plus,
];
