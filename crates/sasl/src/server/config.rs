//! What a server offers, and the secret behind which it hides who its users are.

use alloc::string::String;
use alloc::vec::Vec;
use posthaste_wire::Secret;

use crate::scram::{ITERATIONS_DEFAULT, ITERATIONS_MAX, ITERATIONS_MIN, ScramKey};
use crate::{Channel, Hash, Mechanism, Plaintext, TokenError};

/// What a server offers and how. The same for all its connections.
///
/// ```
/// use posthaste_sasl::server::{Config, Decoys};
/// use posthaste_sasl::{Channel, Mechanism, Secret, Security};
///
/// let secret = Secret::from([7; 32].as_slice()); // random, and kept as long as the users' keys
/// let config = Config::new([Mechanism::ScramSha256, Mechanism::Plain]).with_decoys(Decoys::new(secret));
/// let names: Vec<_> = config.offered(&Channel::new(Security::Tls)).map(Mechanism::name).collect();
/// assert_eq!(names, ["SCRAM-SHA-256", "PLAIN"]);
/// let names: Vec<_> = config.offered(&Channel::new(Security::Plain)).map(Mechanism::name).collect();
/// assert_eq!(names, ["SCRAM-SHA-256"]);
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    mechanisms: Vec<Mechanism>,
    plaintext: Plaintext,
    pub(super) decoys: Option<Decoys>,
    pub(super) final_data: FinalData,
    pub(super) token_error: TokenError,
    pub(super) host: String,
}

/// How the last data of the server travels when the login succeeded (RFC 4422 3.6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FinalData {
    /// As one more challenge, to which the client answers with nothing: SMTP, POP3 and IMAP.
    #[default]
    Challenge,
    /// Along with the success, for protocols that have room for it.
    WithSuccess,
}

/// What users that do not exist look like: as those that do, to the last octet, at every attempt.
///
/// For that, every user's key must have been made with as many iterations and as long a salt as stand here.
#[derive(Clone, Debug)]
pub struct Decoys {
    secret: Secret,
    iterations: u32,
    salt_length: usize,
}

impl Config {
    /// Offers these mechanisms, as far as a connection allows: see [`offered`](Self::offered).
    pub fn new(mechanisms: impl IntoIterator<Item = Mechanism>) -> Self {
        let mut mechanisms: Vec<_> = mechanisms.into_iter().collect();
        mechanisms.sort_unstable_by(|a, b| b.cmp(a));
        mechanisms.dedup();
        Self {
            mechanisms,
            plaintext: Plaintext::default(),
            decoys: None,
            final_data: FinalData::default(),
            token_error: TokenError::default(),
            host: String::from("localhost"),
        }
    }

    /// The same, with what SCRAM and CRAM-MD5 need in order not to tell who is a user; without it they are
    /// not offered.
    #[must_use]
    pub fn with_decoys(self, decoys: Decoys) -> Self {
        Self { decoys: Some(decoys), ..self }
    }

    /// The same, taking passwords and tokens over other connections too.
    #[must_use]
    pub fn with_plaintext(self, plaintext: Plaintext) -> Self {
        Self { plaintext, ..self }
    }

    /// The same, with another way for the last data.
    #[must_use]
    pub fn with_final_data(self, final_data: FinalData) -> Self {
        Self { final_data, ..self }
    }

    /// The same, with what a client is told that comes without a token, to learn which it needs (RFC 7628
    /// 4.3).
    #[must_use]
    pub fn with_token_error(self, token_error: TokenError) -> Self {
        Self { token_error, ..self }
    }

    /// The same, with the name that stands in a challenge of CRAM-MD5 (RFC 2195 2).
    #[must_use]
    pub fn with_host(self, host: impl Into<String>) -> Self {
        Self { host: host.into(), ..self }
    }

    /// What is offered on this connection, strongest first: mechanisms that show a secret need privacy unless
    /// [`with_plaintext`](Self::with_plaintext) says otherwise, those bound to the connection something to bind to. Announce these and no
    /// others, since a client that could bind and does not find a -PLUS is told that somebody took it away.
    pub fn offered(&self, channel: &Channel) -> impl Iterator<Item = Mechanism> {
        let (security, can_bind) = (channel.security(), !channel.bindings().is_empty());
        self.mechanisms.iter().copied().filter(move |mechanism| {
            let has_decoys =
                self.decoys.is_some() || (mechanism.scram().is_none() && *mechanism != Mechanism::CramMd5);
            self.plaintext.allows(*mechanism, security) && (can_bind || !mechanism.is_bound()) && has_decoys
        })
    }
}

impl Decoys {
    /// Decoys that nobody tells from users without knowing `secret`: 32 random octets. They change with it,
    /// so it is best kept across restarts. [`ITERATIONS_DEFAULT`] iterations and a salt of 16 octets.
    pub const fn new(secret: Secret) -> Self {
        Self { secret, iterations: ITERATIONS_DEFAULT, salt_length: 16 }
    }

    /// The same, for keys with so many iterations, within [`ITERATIONS_MIN`] and [`ITERATIONS_MAX`].
    #[must_use]
    pub fn with_iterations(self, iterations: u32) -> Self {
        Self { iterations: iterations.clamp(ITERATIONS_MIN, ITERATIONS_MAX), ..self }
    }

    /// The same, for keys with a salt of so many octets, 1 to 64.
    #[must_use]
    pub fn with_salt_length(self, octets: usize) -> Self {
        Self { salt_length: octets.clamp(1, 64), ..self }
    }

    /// A key for a name that nobody has. What matters is that it costs as much as it always does and that its
    /// salt stays the same; that no proof fits is seen to elsewhere.
    pub(super) fn key(&self, hash: Hash, user: &str) -> ScramKey {
        let of = |purpose: &[u8]| {
            let parts = [purpose, b"\0", hash.scheme().as_bytes(), b"\0", user.as_bytes()];
            Hash::Sha512.hmac(self.secret.expose(), &parts)
        };
        let (salt, key) = (of(b"salt"), of(b"key"));
        let salt = salt.expose().iter().copied().take(self.salt_length).collect();
        let key = Secret::from(key.expose().get(..hash.length()).unwrap_or_default());
        ScramKey { hash, iterations: self.iterations, salt, stored_key: key.clone(), server_key: key }
    }
}
