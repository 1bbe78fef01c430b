//! Logging in, the same for all protocols: a SASL exchange until there are credentials, then the directory.

use posthaste_sasl::server::{Challenge, Config, Event, Exchange};
use posthaste_sasl::{Channel, Mechanism, Nonce, Secret, Security};

use crate::directory::{Account, Directory};

/// What came of one step of an exchange.
pub(super) enum Login {
    /// The client is asked for more.
    Challenge(Vec<u8>),
    /// The client is who it says.
    Accepted(Account),
    /// It is not, or it did not follow the mechanism; the log says which, the client learns nothing.
    Refused,
    /// The credentials could not be checked for now.
    Unavailable,
}

/// What this server speaks. SCRAM is not part of it: the directory keeps Argon2 hashes, from which no SCRAM
/// key can be made.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// An exchange in progress: the challenge that waits for its response.
#[derive(Default)]
pub(super) struct Exchanges(Option<Challenge>);

impl Exchanges {
    /// Begins an exchange; one that was left unfinished is forgotten.
    pub(super) async fn start(
        &mut self,
        directory: &Directory,
        mechanism: &str,
        initial: Option<&Secret>,
    ) -> Login {
        self.0 = None;
        // The protocol lets nobody come here whose connection is not private enough for its policy.
        let channel = Channel::new(Security::Local);
        // Neither of the mechanisms sends the nonce.
        let nonce = Nonce::new([0; Nonce::OCTETS]);
        match Exchange::new(mechanism, &Config::new(MECHANISMS), &channel, nonce) {
            Ok(exchange) => self.went(directory, exchange.start(initial)).await,
            Err(_) => Login::Refused,
        }
    }

    /// Goes on with the client's response.
    pub(super) async fn respond(&mut self, directory: &Directory, response: &Secret) -> Login {
        match self.0.take() {
            Some(challenge) => self.went(directory, challenge.respond(response)).await,
            None => Login::Refused,
        }
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
                Login::Refused
            }
            _ => Login::Refused,
        }
    }
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
