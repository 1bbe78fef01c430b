//! Logging in, the same for all protocols: a SASL exchange until there are credentials, then the directory.

use posthaste_sasl::server::{Credentials, Exchange, ServerStep};
use posthaste_wire::Secret;

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

/// An exchange in progress.
#[derive(Default)]
pub(super) struct Exchanges(Option<Exchange>);

impl Exchanges {
    /// Begins an exchange; one that was left unfinished is forgotten.
    pub(super) async fn start(
        &mut self,
        directory: &Directory,
        mechanism: &str,
        initial: Option<&Secret>,
    ) -> Login {
        let Some(mut exchange) = Exchange::new(mechanism) else { return Login::Refused };
        let step = exchange.start(initial);
        self.0 = Some(exchange);
        self.went(directory, step.ok()).await
    }

    /// Goes on with the client's response.
    pub(super) async fn respond(&mut self, directory: &Directory, response: &Secret) -> Login {
        let step = self.0.as_mut().and_then(|exchange| exchange.respond(response).ok());
        self.went(directory, step).await
    }

    /// Forgets an exchange that was cancelled.
    pub(super) fn cancel(&mut self) {
        self.0 = None;
    }

    async fn went(&mut self, directory: &Directory, step: Option<ServerStep>) -> Login {
        match step {
            Some(ServerStep::Challenge(challenge)) => Login::Challenge(challenge),
            Some(ServerStep::Verify(credentials)) => {
                self.0 = None;
                verify_credentials(directory, &credentials).await
            }
            _ => {
                self.0 = None;
                Login::Refused
            }
        }
    }
}

async fn verify_credentials(directory: &Directory, credentials: &Credentials) -> Login {
    let Credentials { authorization, authentication, password } = credentials;
    // Nobody may act for anybody else yet.
    let own = authorization.as_ref().is_none_or(|identity| identity.eq_ignore_ascii_case(authentication));
    match verify(directory, authentication, password).await {
        Login::Accepted(_) if !own => {
            tracing::info!(user = %authentication, "login refused: may not act for another user");
            Login::Refused
        }
        login => login,
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
