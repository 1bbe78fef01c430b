//! The server's side of an exchange: which mechanisms are offered, what to send, and what to ask the
//! application.
//!
//! Every step takes what it continues by value, so that nothing can be called twice or in the wrong order.
//! Whether credentials are right, and who may act for whom, is decided by the application through the tokens
//! of [`Event`].
//!
//! ```text
//!              ┌──────────────── respond ◄── Challenge ◄─────────────────┐
//! Exchange ──start──► PasswordCheck, TokenCheck, KeyQuery, ... ──verdict──┤
//!              │                                                         ├─► AuthorizationCheck ──► Success
//!              └─► Failure                                               └─► Failure
//! ```

mod config;
mod query;
mod scram;
mod token;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use posthaste_wire::Secret;

use crate::oauth::{self, KVSEP};
use crate::prepare::{self, Unassigned};
use crate::{Channel, Field, Mechanism, Nonce, SaslError, ScramError, anonymous, cram, plain};

pub use config::{Config, Decoys, FinalData};
pub use query::{KeyQuery, PasswordQuery};
pub use token::{AnonymousCheck, AuthorizationCheck, ExternalCheck, PasswordCheck, TokenCheck};

/// One attempt to log in, not yet begun.
#[derive(Debug)]
#[must_use = "the client waits for the exchange to start"]
pub struct Exchange(Context);

/// What a server does next. Everything but an end is a token: answer it, or drop it and let the login fail.
#[derive(Debug)]
#[must_use = "the client waits for what comes next"]
#[non_exhaustive]
pub enum Event {
    /// Send this and hand in the response.
    Challenge(Challenge),
    /// PLAIN, LOGIN: is this the password of this user?
    Password(PasswordCheck),
    /// SCRAM: what is the key of this user?
    Key(KeyQuery),
    /// CRAM-MD5: what is the password of this user?
    PasswordOf(PasswordQuery),
    /// OAUTHBEARER, XOAUTH2: whose token is this?
    Token(TokenCheck),
    /// EXTERNAL: who is at the other end of the connection?
    External(ExternalCheck),
    /// ANONYMOUS: may anybody come in?
    Anonymous(AnonymousCheck),
    /// The client proved who it is: may it act for somebody else?
    Authorization(AuthorizationCheck),
    /// The client is in.
    Success(Success),
    /// It is not.
    Failure(Failure),
}

/// A challenge to send. Keep it until the response is there.
#[derive(Debug)]
#[must_use = "the client waits for the challenge"]
pub struct Challenge {
    data: Vec<u8>,
    context: Context,
    state: State,
}

/// A login that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Success {
    identity: Identity,
    data: Option<Vec<u8>>,
}

/// A login that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    error: SaslError,
    data: Option<Vec<u8>>,
}

/// Who is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    authentication: String,
    authorization: Option<String>,
}

/// What an exchange carries along from step to step.
#[derive(Debug)]
struct Context {
    mechanism: Mechanism,
    config: Config,
    channel: Channel,
    nonce: Nonce,
}

/// What the response to a challenge is.
#[derive(Debug)]
enum State {
    /// The client's first message, which did not come along with the command.
    First,
    /// LOGIN: the password.
    Login { user: String },
    /// SCRAM: the message with the proof.
    Scram(Box<scram::Waiting>),
    /// OAUTHBEARER, XOAUTH2: the answer to a complaint, after which the login fails.
    Complained,
    /// The end of an exchange whose last data went as a challenge: nothing more may come.
    Last(Identity),
}

impl Exchange {
    /// An exchange with the mechanism of this name, in any case. The nonce has to be new.
    ///
    /// # Errors
    ///
    /// [`SaslError::NoMechanism`] when the mechanism is not one that `config` offers on this `channel`.
    pub fn new(mechanism: &str, config: &Config, channel: &Channel, nonce: Nonce) -> Result<Self, SaslError> {
        let mechanism = config
            .offered(channel)
            .find(|offered| offered.name().eq_ignore_ascii_case(mechanism))
            .ok_or(SaslError::NoMechanism)?;
        Ok(Self(Context { mechanism, config: config.clone(), channel: channel.clone(), nonce }))
    }

    /// The mechanism.
    pub const fn mechanism(&self) -> Mechanism {
        self.0.mechanism
    }

    /// Begins, with the initial response where the client sent one. An empty one is not the same as none.
    /// Where the server speaks first there can be none, save that LOGIN takes the name of the user ahead.
    pub fn start(self, initial: Option<&Secret>) -> Event {
        let Self(context) = self;
        let question = match context.mechanism {
            Mechanism::Login => USER_QUESTION.to_vec(),
            Mechanism::CramMd5 => context.cram_challenge(),
            _ => Vec::new(),
        };
        match (initial, context.mechanism) {
            (Some(_), Mechanism::CramMd5) => context.fail(SaslError::OutOfStep),
            (Some(response), _) => context.first(response),
            (None, _) => context.challenge(question, State::First),
        }
    }
}

impl Challenge {
    /// What to send, possibly nothing (which is not the same as not sending).
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Goes on with the client's response.
    pub fn respond(self, response: &Secret) -> Event {
        let Self { data: _, context, state } = self;
        match state {
            State::First => context.first(response),
            State::Login { user } => context.password(None, user, response.clone()),
            State::Scram(waiting) => waiting.respond(context, response.expose()),
            State::Complained => {
                // RFC 7628 3.2.3; XOAUTH2 answers with nothing. What it says does not matter any more.
                let expected: &[u8] =
                    if context.mechanism == Mechanism::OAuthBearer { KVSEP.as_bytes() } else { b"" };
                let error =
                    if response.expose() == expected { SaslError::Credentials } else { SaslError::Malformed };
                context.fail(error)
            }
            State::Last(identity) if response.is_empty() => Event::Success(Success { identity, data: None }),
            State::Last(_) => context.fail(SaslError::Malformed),
        }
    }
}

impl Success {
    /// Who is logged in.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Who is logged in.
    pub fn into_identity(self) -> Identity {
        self.identity
    }

    /// What to send along with the success. There is something only with [`FinalData::WithSuccess`].
    pub fn data(&self) -> Option<&[u8]> {
        self.data.as_deref()
    }
}

impl Failure {
    /// Why, for the log. The client must not learn more than that it failed.
    pub const fn error(&self) -> SaslError {
        self.error
    }

    /// What SCRAM has to say about it (RFC 5802 7, `server-error`), for a protocol that carries data with a
    /// failure. Those of mail do not.
    pub fn data(&self) -> Option<&[u8]> {
        self.data.as_deref()
    }
}

impl Identity {
    fn new(authentication: String, authorization: Option<String>) -> Self {
        let authorization = authorization.filter(|other| *other != authentication);
        Self { authentication, authorization }
    }

    /// Who proved who it is.
    pub fn authentication(&self) -> &str {
        &self.authentication
    }

    /// Whom the client acts for, when that is somebody else; the application allowed it.
    pub fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    /// Whose session this is: whom the client acts for, or itself.
    pub fn user(&self) -> &str {
        self.authorization().unwrap_or(&self.authentication)
    }
}

impl Context {
    /// Takes the client's first message.
    fn first(self, response: &Secret) -> Event {
        match self.mechanism {
            Mechanism::Plain => match plain::parse(response) {
                Ok(plain::Message { authorization, authentication, password }) => {
                    self.password(authorization, authentication, password)
                }
                Err(error) => self.fail(error),
            },
            Mechanism::Login => {
                match prepare::name_of(Field::Authentication, response.expose(), Unassigned::Pass) {
                    Ok(user) => self.challenge(PASSWORD_QUESTION.to_vec(), State::Login { user }),
                    Err(error) => self.fail(error),
                }
            }
            Mechanism::CramMd5 => match cram::parse(response) {
                Ok((user, digest)) => Event::PasswordOf(PasswordQuery::new(self, user, digest)),
                Err(error) => self.fail(error),
            },
            Mechanism::OAuthBearer => self.token(oauth::parse_oauthbearer(response)),
            Mechanism::XOAuth2 => self.token(oauth::parse_xoauth2(response)),
            Mechanism::External => match response.expose() {
                [] => Event::External(ExternalCheck { context: self, authorization: None }),
                name => match prepare::name_of(Field::Authorization, name, Unassigned::Pass) {
                    Ok(name) => Event::External(ExternalCheck { context: self, authorization: Some(name) }),
                    Err(error) => self.fail(error),
                },
            },
            Mechanism::Anonymous => match anonymous::trace(response.expose()) {
                Ok(trace) => Event::Anonymous(AnonymousCheck { context: self, trace }),
                Err(error) => self.fail(error),
            },
            _ => scram::first(self, response.expose()),
        }
    }

    fn password(self, authorization: Option<String>, authentication: String, sent: Secret) -> Event {
        match prepare::password(&sent) {
            Ok(password) => Event::Password(PasswordCheck {
                context: self,
                authorization,
                authentication,
                password,
                sent,
            }),
            Err(error) => self.fail(error),
        }
    }

    fn token(self, message: Result<oauth::Message, SaslError>) -> Event {
        match message {
            Ok(message) if message.token.is_empty() => {
                let complaint = self.config.token_error.to_json();
                self.challenge(complaint, State::Complained)
            }
            Ok(message) => Event::Token(TokenCheck { context: self, message }),
            Err(error) => self.fail(error),
        }
    }

    fn challenge(self, data: Vec<u8>, state: State) -> Event {
        Event::Challenge(Challenge { data, context: self, state })
    }

    /// The client proved who it is. When it wants to act for somebody else, the application is asked.
    fn authenticated(self, identity: Identity, data: Option<Vec<u8>>) -> Event {
        match identity.authorization {
            Some(_) => Event::Authorization(AuthorizationCheck { context: self, identity, data }),
            None => self.succeed(identity, data),
        }
    }

    fn succeed(self, identity: Identity, data: Option<Vec<u8>>) -> Event {
        match (data, self.config.final_data) {
            (Some(data), FinalData::Challenge) => self.challenge(data, State::Last(identity)),
            (data, _) => Event::Success(Success { identity, data }),
        }
    }

    fn fail(self, error: SaslError) -> Event {
        let data =
            self.mechanism.scram().map(|_| [b"e=", ScramError::from(error).value().as_bytes()].concat());
        Event::Failure(Failure { error, data })
    }

    fn cram_challenge(&self) -> Vec<u8> {
        cram::challenge(self.nonce.as_str(), &self.config.host).into_bytes()
    }
}

/// The questions of LOGIN (draft-murchison-sasl-login 2). It was never standardised; clients match on the
/// wording or ignore it, so the wording is the one that most servers use.
const USER_QUESTION: &[u8] = b"Username:";

const PASSWORD_QUESTION: &[u8] = b"Password:";
