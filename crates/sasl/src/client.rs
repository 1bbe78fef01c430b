//! The client's side of an exchange: what to send, and whether the server proved itself.
//!
//! ```text
//! initial ──► respond ──► respond ──► ... ──► finish
//!    └─ None, or not sent along: the first challenge asks for it
//! ```
//!
//! Where a mechanism lets the server prove that it knows the password, a success without that proof is an
//! error.

mod credentials;
mod policy;
mod scram;

use alloc::boxed::Box;
use alloc::vec::Vec;
use posthaste_wire::Secret;

use crate::oauth::{self, KVSEP};
use crate::{Channel, Mechanism, Nonce, SaslError, cram, plain};
use credentials::Kind;

pub use credentials::Credentials;
pub use policy::{Policy, choose};

/// One attempt to log in.
#[derive(Debug)]
#[must_use = "nothing is sent yet"]
pub struct Exchange {
    mechanism: Mechanism,
    /// The client's first message, until a challenge asked for it or showed that it had come along.
    initial: Option<Secret>,
    state: State,
    complaint: Option<Vec<u8>>,
}

/// What the next challenge is.
#[derive(Debug)]
enum State {
    /// PLAIN, EXTERNAL, ANONYMOUS: there is none, save the one that asks for the message.
    Message,
    /// LOGIN: the question for the name.
    LoginUser { user: Secret, password: Secret },
    /// LOGIN: the question for the password.
    LoginPassword { password: Secret },
    /// CRAM-MD5: the challenge.
    Cram { user: alloc::string::String, password: Secret },
    /// OAUTHBEARER, XOAUTH2: a complaint about the token.
    Token,
    /// SCRAM: the salt.
    ScramFirst(Box<scram::First>),
    /// SCRAM: the server's signature.
    ScramFinal(scram::Final),
    /// There is none any more, and all is well.
    Done,
    /// The exchange has failed, whatever the server says.
    Failed(SaslError),
}

impl Exchange {
    /// An exchange with the strongest mechanism of those the server offers: see [`choose`]. The nonce has to
    /// be new.
    ///
    /// # Errors
    ///
    /// [`SaslError::NoMechanism`] when there is none: then there is no login, rather than a weak one. Others
    /// when the credentials cannot be sent.
    pub fn choose(
        offered: &[impl AsRef<str>],
        credentials: &Credentials,
        policy: &Policy,
        channel: &Channel,
        nonce: Nonce,
    ) -> Result<Self, SaslError> {
        let mechanism = choose(offered, credentials, policy, channel).ok_or(SaslError::NoMechanism)?;
        let is_offered = offered.iter().any(|name| is_bound_name(name.as_ref()));
        let flag = if is_offered { scram::Unbound::Absent } else { scram::Unbound::NotOffered };
        Self::with_flag(mechanism, credentials, policy, channel, nonce, flag)
    }

    /// An exchange with this mechanism, whatever else is offered. Only what `policy` says of iterations
    /// counts.
    ///
    /// # Errors
    ///
    /// [`SaslError`] when the mechanism does not take these credentials, has nothing to bind to, or the
    /// credentials cannot be sent.
    pub fn new(
        mechanism: Mechanism,
        credentials: &Credentials,
        policy: &Policy,
        channel: &Channel,
        nonce: Nonce,
    ) -> Result<Self, SaslError> {
        Self::with_flag(mechanism, credentials, policy, channel, nonce, scram::Unbound::Absent)
    }

    fn with_flag(
        mechanism: Mechanism,
        credentials: &Credentials,
        policy: &Policy,
        channel: &Channel,
        nonce: Nonce,
        unbound: scram::Unbound,
    ) -> Result<Self, SaslError> {
        credentials.check()?;
        let authorization = credentials.authorization.as_deref();
        let (initial, state) = match (mechanism, &credentials.kind) {
            (Mechanism::Plain, Kind::Password { user, password }) => {
                (Some(plain::message(authorization, user, password)), State::Message)
            }
            // Neither has a place for the name of somebody else.
            (Mechanism::Login | Mechanism::CramMd5, _) if authorization.is_some() => {
                return Err(SaslError::WrongCredentials);
            }
            (Mechanism::Login, Kind::Password { user, password }) => {
                let (user, password) = (Secret::from(user.as_str()), password.clone());
                (None, State::LoginUser { user, password })
            }
            (Mechanism::CramMd5, Kind::Password { user, password }) => {
                let (user, password) = credentials::prepared(user, password)?;
                (None, State::Cram { user, password })
            }
            (Mechanism::OAuthBearer, Kind::Token { user, token, server }) => {
                let server = server.as_ref().map(|(host, port)| (host.as_str(), *port));
                (Some(oauth::oauthbearer(user, server, token)), State::Token)
            }
            (Mechanism::XOAuth2, Kind::Token { user, token, .. }) => {
                (Some(oauth::xoauth2(user, token)), State::Token)
            }
            (Mechanism::External, Kind::External) => {
                (Some(Secret::from(authorization.unwrap_or_default())), State::Message)
            }
            (Mechanism::Anonymous, Kind::Anonymous { trace }) => {
                (Some(Secret::from(trace.as_str())), State::Message)
            }
            (_, Kind::Password { user, password }) => {
                let hash = mechanism.scram().ok_or(SaslError::WrongCredentials)?;
                let (user, password) = credentials::prepared(user, password)?;
                let (header, data) = scram::header(mechanism, channel, unbound, authorization)?;
                let iterations = policy.iterations();
                let first = scram::First::new(hash, &user, password, (header, data), nonce, iterations);
                (Some(first.message()), State::ScramFirst(Box::new(first)))
            }
            _ => return Err(SaslError::WrongCredentials),
        };
        Ok(Self { mechanism, initial, state, complaint: None })
    }

    /// The mechanism.
    pub const fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// The initial response. `None` where the server speaks first: so it is with LOGIN, whose name is sent
    /// when asked for, since not every server takes it ahead. Sending it along with the command is up to the
    /// protocol.
    pub fn initial(&self) -> Option<Secret> {
        self.initial.clone()
    }

    /// The response to a challenge. Where the initial response could not be sent along with the command, the
    /// first challenge is empty and asks for it. The questions of LOGIN are prose, and not read.
    ///
    /// With SCRAM, the challenge with the salt costs as much time as the server asks for, within the policy:
    /// up to some tenths of a second.
    ///
    /// # Errors
    ///
    /// [`SaslError`] when the server is not to be trusted or does not follow the mechanism: cancel then. The
    /// exchange has failed, and [`finish`](Self::finish) says so whatever the server says.
    pub fn respond(&mut self, challenge: &[u8]) -> Result<Secret, SaslError> {
        if let Some(initial) = self.initial.take().filter(|_| challenge.is_empty()) {
            return Ok(initial);
        }
        let state = core::mem::replace(&mut self.state, State::Failed(SaslError::OutOfStep));
        let next = match state {
            State::LoginUser { user, password } => Ok((State::LoginPassword { password }, user)),
            State::LoginPassword { password } => Ok((State::Done, password)),
            State::Cram { user, password } => Ok((State::Done, cram::response(&user, &password, challenge))),
            State::Token => {
                self.complaint = Some(challenge.iter().copied().take(COMPLAINT_MAX).collect());
                let answer = if self.mechanism == Mechanism::OAuthBearer { KVSEP } else { "" };
                Ok((State::Failed(SaslError::TokenRefused), Secret::from(answer)))
            }
            State::ScramFirst(first) => {
                first.respond(challenge).map(|(last, response)| (State::ScramFinal(last), response))
            }
            State::ScramFinal(last) => last.verify(challenge).map(|()| (State::Done, Secret::default())),
            State::Message => Err(SaslError::Malformed),
            State::Done => Err(SaslError::OutOfStep),
            State::Failed(error) => Err(error),
        };
        match next {
            Ok((state, response)) => {
                self.state = state;
                Ok(response)
            }
            Err(error) => {
                self.state = State::Failed(error);
                Err(error)
            }
        }
    }

    /// Hears that the server reports success, with the data that came along where the protocol has room for
    /// it.
    ///
    /// # Errors
    ///
    /// [`SaslError`] when the success is not to be believed: the server did not prove itself, or the exchange
    /// had failed. Close the connection then.
    pub fn finish(self, data: Option<&[u8]>) -> Result<(), SaslError> {
        match (self.state, data) {
            (State::ScramFinal(last), Some(data)) => last.verify(data),
            (State::ScramFirst(_) | State::ScramFinal(_), _) => Err(SaslError::Unproven),
            (State::LoginUser { .. } | State::LoginPassword { .. } | State::Cram { .. }, _) => {
                Err(SaslError::OutOfStep)
            }
            (State::Message | State::Token | State::Done, None | Some([])) => Ok(()),
            (State::Message | State::Token | State::Done, Some(_)) => Err(SaslError::Malformed),
            (State::Failed(error), _) => Err(error),
        }
    }

    /// What the server had to say about the token (RFC 7628 3.2.2): a JSON object, of which the first
    /// 4,096 octets are kept. It comes from a server that could be any; treat it so.
    pub fn complaint(&self) -> Option<&[u8]> {
        self.complaint.as_deref()
    }
}

/// Whether this is the name of a SCRAM mechanism with channel binding, even of one that is not known here.
fn is_bound_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name.starts_with("SCRAM-") && name.ends_with("-PLUS")
}

/// How much of a complaint is kept, in octets.
const COMPLAINT_MAX: usize = 4096;
