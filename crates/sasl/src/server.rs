//! The server's side of an exchange. Ends in credentials to verify; whether they are right, and whether the one
//! identity may act for the other, is decided by the application.

use alloc::string::String;
use alloc::vec::Vec;
use posthaste_wire::Secret;

use crate::{Field, Mechanism, SaslError, login, plain};

/// What a client claims and what is to prove it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a login succeeds only when the password has been verified"]
pub struct Credentials {
    /// Whom the client wants to act for, where it said so. Allowed only when the authentication identity may.
    pub authorization: Option<String>,
    /// Who logs in. Never empty.
    pub authentication: String,
    /// The password. Never empty.
    pub password: Secret,
}

/// What a server does next.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "the client waits for the next step"]
#[non_exhaustive]
pub enum ServerStep {
    /// Send this challenge (possibly empty) and hand in the response.
    Challenge(Vec<u8>),
    /// The exchange is complete: verify and tell the client how it ended.
    Verify(Credentials),
}

/// One attempt to log in.
///
/// ```text
/// PLAIN:  Start ──(no initial response)──► Message ──response──► Over
///           └──────────initial response──────────────────────────▲
/// LOGIN:  Start ──(none)──► User ──name──► Password ──password──► Over
///           └──initial response = name───────▲
/// ```
#[derive(Debug)]
pub struct Exchange {
    mechanism: Mechanism,
    state: State,
}

#[derive(Debug)]
enum State {
    Start,
    /// PLAIN: the message is due.
    Message,
    /// LOGIN: the name is due.
    User,
    /// LOGIN: the password is due.
    Password {
        user: String,
    },
    Over,
}

impl Exchange {
    /// An exchange with the mechanism of this name, in any case; `None` when it is not known.
    pub fn new(mechanism: &str) -> Option<Self> {
        Mechanism::from_name(mechanism).map(Self::with)
    }

    /// An exchange with this mechanism.
    pub const fn with(mechanism: Mechanism) -> Self {
        Self { mechanism, state: State::Start }
    }

    /// The mechanism.
    pub const fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// Begins, with the initial response where the client sent one (an empty one is not the same as none).
    ///
    /// # Errors
    ///
    /// [`SaslError`] when the initial response is not acceptable or the exchange had begun; it is over then.
    pub fn start(&mut self, initial: Option<&Secret>) -> Result<ServerStep, SaslError> {
        if !matches!(self.state, State::Start) {
            self.state = State::Over;
            return Err(SaslError::OutOfStep);
        }
        let (state, question): (_, &[u8]) = match self.mechanism {
            Mechanism::Plain => (State::Message, b""),
            Mechanism::Login => (State::User, login::USER_QUESTION),
        };
        self.state = state;
        match initial {
            Some(response) => self.respond(response),
            None => Ok(ServerStep::Challenge(question.to_vec())),
        }
    }

    /// Takes the response to the last challenge.
    ///
    /// # Errors
    ///
    /// [`SaslError`] when the response is not acceptable or none was due; the exchange is over then.
    pub fn respond(&mut self, response: &Secret) -> Result<ServerStep, SaslError> {
        match core::mem::replace(&mut self.state, State::Over) {
            State::Message => plain::parse(response).map(ServerStep::Verify),
            State::User => {
                let user = plain::name(Field::Authentication, response.expose())?.into();
                self.state = State::Password { user };
                Ok(ServerStep::Challenge(login::PASSWORD_QUESTION.to_vec()))
            }
            State::Password { user } => {
                plain::password(response.expose())?;
                let password = response.clone();
                Ok(ServerStep::Verify(Credentials { authorization: None, authentication: user, password }))
            }
            State::Start | State::Over => Err(SaslError::OutOfStep),
        }
    }
}
