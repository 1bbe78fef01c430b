//! Logging in, the same for all protocols: a SASL exchange until there are credentials, then the directory.

use posthaste_sasl::server::{Challenge, Config, Event, Exchange};
use posthaste_sasl::{Channel, Mechanism, SaslError, Secret};

use crate::directory::{Account, Directory};

/// What came of one step of an exchange.
pub(super) enum Login {
    /// The client is asked for more.
    Challenge(Vec<u8>),
    /// The client is who it says.
    Accepted(Account),
    /// It is not; the log says why, the client learns nothing.
    Refused,
    /// What it sent is no message of the mechanism, which says nothing of any user.
    Malformed,
    /// The credentials could not be checked for now.
    Unavailable,
}

/// What this server speaks. SCRAM is not part of it: the directory keeps Argon2 hashes, from which no SCRAM
/// key can be made.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// The names of the mechanisms, for a machine to announce.
pub(super) fn mechanisms() -> impl Iterator<Item = &'static str> {
    MECHANISMS.into_iter().map(Mechanism::name)
}

/// An exchange in progress: the challenge that waits for its response.
#[derive(Default)]
pub(super) struct Exchanges(Option<Challenge>);

impl Exchanges {
    /// Takes what the client sent. `begins` is the mechanism where that is the command itself; an exchange that
    /// was left unfinished is forgotten then.
    pub(super) async fn step(
        &mut self,
        directory: &Directory,
        channel: &Channel,
        begins: Option<&str>,
        response: Option<&Secret>,
    ) -> Login {
        let event = match (begins, self.0.take(), response) {
            (Some(mechanism), _, initial) => match begin(mechanism, channel) {
                Ok(exchange) => exchange.start(initial),
                Err(SaslError::NoRandomness) => {
                    tracing::error!("login could not begin: the system gives no randomness");
                    return Login::Unavailable;
                }
                Err(_) => return Login::Refused,
            },
            (None, Some(challenge), Some(response)) => challenge.respond(response),
            (None, ..) => return Login::Malformed,
        };
        self.went(directory, event).await
    }

    /// Forgets an exchange that was cancelled.
    pub(super) fn cancel(&mut self) {
        self.0 = None;
    }

    async fn went(&mut self, directory: &Directory, event: Event) -> Login {
        match event {
            Event::Challenge(challenge) => {
                let data = challenge.data().to_vec();
                self.0 = Some(challenge);
                Login::Challenge(data)
            }
            Event::Password(check) => {
                match verify(directory, check.authentication(), check.password_as_sent()).await {
                    Login::Accepted(account) => authorize(account, check.accept()),
                    login => login,
                }
            }
            Event::Failure(failure) => {
                tracing::info!(reason = %failure.error(), "login refused");
                match failure.error() {
                    // All others may come of what somebody typed, and then they look like a wrong password.
                    SaslError::Malformed | SaslError::OutOfStep => Login::Malformed,
                    _ => Login::Refused,
                }
            }
            _ => Login::Refused,
        }
    }
}

fn begin(mechanism: &str, channel: &Channel) -> Result<Exchange, SaslError> {
    Exchange::new(mechanism, &Config::new(MECHANISMS), channel, posthaste_tokio::nonce()?)
}

/// Nobody may act for anybody else yet.
fn authorize(account: Account, event: Event) -> Login {
    let event = match event {
        Event::Authorization(check) if check.authorization().eq_ignore_ascii_case(check.authentication()) => {
            check.accept()
        }
        event => event,
    };
    match event {
        Event::Success(_) => Login::Accepted(account),
        _ => {
            tracing::info!(user = %account.address, "login refused: may not act for another user");
            Login::Refused
        }
    }
}

/// Checks a user name and a password.
pub(super) async fn verify(directory: &Directory, user: &str, password: &Secret) -> Login {
    match directory.verify(user, password.expose()).await {
        Ok(Some(account)) => {
            tracing::info!(user = %account.address, "logged in");
            Login::Accepted(account)
        }
        Ok(None) => {
            tracing::info!(user = %user.escape_debug(), "login refused");
            Login::Refused
        }
        Err(error) => {
            tracing::error!(%error, "login could not be checked");
            Login::Unavailable
        }
    }
}
