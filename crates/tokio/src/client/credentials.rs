//! Who logs in, with what, and how strong a login has to be.
//!
//! Decides which of the mechanisms that a server offers is used over a connection; the mechanisms are those of
//! `posthaste_sasl`. What is said around them is in `smtp`, `pop3` and `imap`.

use posthaste_sasl::client::{self as sasl, Exchange, Policy, choose};
use posthaste_sasl::{Channel, Mechanism, Nonce, SaslError};
use posthaste_wire::Secret;
use rustls::crypto::CryptoProvider;

use super::{Cause, ServerRefusal};
use crate::tls::Random;

/// What a client logs in with, and which login is good enough. Secrets are wiped when dropped and never printed.
///
/// The strongest mechanism of those the server offers is used. Over TLS these are the -PLUS forms of SCRAM, which
/// are bound to the connection ([`Stream::channel`](crate::Stream::channel)): somebody in the middle who has a certificate that the client
/// trusts cannot log in with what he sees.
///
/// Such a one can offer less than the server does. That -PLUS is missing is noticed by the server; that all of SCRAM
/// is missing only by a client that insists on it:
///
/// ```
/// use posthaste_tokio::{Credentials, Mechanism};
///
/// let credentials = Credentials::new("ursel", "Geheim!").with_floor(Mechanism::ScramSha256);
/// ```
#[derive(Clone, Debug)]
pub struct Credentials {
    sasl: sasl::Credentials,
    policy: Policy,
    /// Name and password, for the commands of POP3 and IMAP that log in without SASL.
    password: Option<(String, Secret)>,
}

impl Credentials {
    /// A name and a password.
    pub fn new(user: impl Into<String>, password: impl Into<Secret>) -> Self {
        let (user, password) = (user.into(), password.into());
        Self {
            sasl: sasl::Credentials::password(user.as_str(), password.clone()),
            policy: Policy::default(),
            password: Some((user, password)),
        }
    }

    /// A bearer token of the user of this name: OAUTHBEARER (RFC 7628), or XOAUTH2 where only that is offered.
    pub fn token(user: impl Into<String>, token: impl Into<Secret>) -> Self {
        Self { sasl: sasl::Credentials::token(user, token), policy: Policy::default(), password: None }
    }

    /// The same, telling with a token which server it is for (RFC 7628 3.1), where a server wants to know.
    #[must_use]
    pub fn for_server(self, host: impl Into<String>, port: u16) -> Self {
        Self { sasl: self.sasl.for_server(host, port), ..self }
    }

    /// The same, to act for somebody else. Takes a password, and a mechanism with a place for the name: PLAIN or
    /// SCRAM.
    #[must_use]
    pub fn acting_for(self, user: impl Into<String>) -> Self {
        Self { sasl: self.sasl.acting_for(user), ..self }
    }

    /// The same, with nothing weaker than `floor`. `LOGIN` of IMAP and `USER` and `PASS` of POP3, which are used
    /// where the server offers no mechanism, are as strong as [`Mechanism::Login`].
    #[must_use]
    pub fn with_floor(self, floor: Mechanism) -> Self {
        Self { policy: self.policy.with_floor(floor), ..self }
    }

    /// The same, with one more mechanism that may be used; once there is one, no others are.
    #[must_use]
    pub fn with_pinned(self, mechanism: Mechanism) -> Self {
        Self { policy: self.policy.with_pinned(mechanism), ..self }
    }

    /// The strongest mechanism of those offered, over a connection that is private. Over others not even the proof
    /// of a password is sent: whoever listens could guess it at leisure.
    pub(crate) fn exchange(
        &self,
        offered: &[impl AsRef<str>],
        channel: &Channel,
        random: Random,
    ) -> Option<Result<Exchange, SaslError>> {
        if !channel.security().is_private() {
            return None;
        }
        let nonce = match random_nonce(random) {
            Ok(nonce) => nonce,
            Err(error) => return Some(Err(error)),
        };
        match Exchange::choose(offered, &self.sasl, &self.policy, channel, nonce) {
            Err(SaslError::NoMechanism) => None,
            exchange => Some(exchange),
        }
    }

    /// Name and password, where they may be sent as they are, without a mechanism.
    pub(crate) fn without_mechanism(self, channel: &Channel) -> Option<(String, Secret)> {
        let login = [Mechanism::Login.name()];
        let allowed = choose(&login, &self.sasl, &self.policy, channel).is_some();
        self.password.filter(|_| allowed && channel.security().is_private())
    }
}

/// The response to a challenge. One that takes a while to compute, as the server asks for with SCRAM, is computed
/// where it keeps nobody waiting.
pub(crate) async fn respond<E: std::error::Error, R: ServerRefusal>(
    mut exchange: Exchange,
    challenge: &[u8],
) -> Result<(Exchange, Result<Secret, SaslError>), Cause<E, R>> {
    if exchange.mechanism().scram().is_none() {
        let response = exchange.respond(challenge);
        return Ok((exchange, response));
    }
    let challenge = challenge.to_vec();
    let work = tokio::task::spawn_blocking(move || {
        let response = exchange.respond(&challenge);
        (exchange, response)
    });
    // The runtime is shutting down.
    work.await.map_err(|_| Cause::Closed)
}

/// A nonce that was never used, from the generator of [`default_provider`](crate::tls::default_provider). The
/// clients make their own, with the cryptography they were given; a server needs one for each exchange.
///
/// # Errors
///
/// [`SaslError::NoRandomness`].
pub fn nonce() -> Result<Nonce, SaslError> {
    random_nonce(Random::usual())
}

/// As [`nonce`], from the generator of `provider`, such as that of a `ServerConfig`.
///
/// # Errors
///
/// [`SaslError::NoRandomness`].
pub fn nonce_from(provider: &CryptoProvider) -> Result<Nonce, SaslError> {
    random_nonce(Random::of(provider))
}

fn random_nonce(random: Random) -> Result<Nonce, SaslError> {
    random.fill::<{ Nonce::OCTETS }>().map(Nonce::new).map_err(|_| SaslError::NoRandomness)
}
