//! A client and a server that talk to each other over a wire on which octets may change, and the application
//! behind the server.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use posthaste_sasl::server::{self, Event, Identity};
use posthaste_sasl::{
    BindingType, Channel, ChannelBinding, Hash, Mechanism, Nonce, SaslError, ScramKey, Secret, Security,
    TokenError, client,
};

pub const SALT: [u8; 16] = *b"0123456789abcdef";

/// Who the server knows: one user.
pub struct Application {
    pub user: String,
    pub password: String,
    /// Whom the user may act for.
    pub may_act_for: Vec<String>,
    pub keys: Vec<ScramKey>,
}

/// How an exchange ended. `None` when the client gave up before the server could say.
#[derive(Debug)]
pub struct Outcome {
    pub server: Option<Result<Identity, SaslError>>,
    pub client: Result<(), SaslError>,
}

impl Outcome {
    /// Whether both sides believe that the client is logged in.
    pub fn is_login(&self) -> bool {
        matches!(self.server, Some(Ok(_))) && self.client.is_ok()
    }

    pub fn server_error(&self) -> Option<SaslError> {
        self.server.as_ref()?.as_ref().err().copied()
    }
}

impl Application {
    pub fn new(user: &str, password: &str) -> Self {
        let secret = Secret::from(password);
        let key = |hash| ScramKey::derive(hash, &secret, &SALT, 4096).unwrap();
        let (user, password) = (user.into(), password.into());
        Self { user, password, may_act_for: Vec::new(), keys: Hash::ALL.map(key).to_vec() }
    }

    pub fn acting_for(mut self, other: &str) -> Self {
        self.may_act_for.push(other.into());
        self
    }

    pub fn key(&self, hash: Hash) -> &ScramKey {
        self.keys.iter().find(|key| key.hash() == hash).unwrap()
    }

    /// Answers until it is the client's turn.
    pub fn settle(&self, mut event: Event) -> Event {
        loop {
            event = match event {
                Event::Password(check) => {
                    assert!(!check.authentication().is_empty() && !check.password().is_empty());
                    let is_right = check.password().expose() == self.password.as_bytes();
                    if check.authentication() == self.user && is_right {
                        check.accept()
                    } else {
                        check.reject()
                    }
                }
                Event::Key(query) if query.user() == self.user => {
                    let key = self.key(query.hash());
                    query.found(key)
                }
                Event::Key(query) => query.unknown(),
                Event::PasswordOf(query) if query.user() == self.user => {
                    query.found(&Secret::from(self.password.as_str()))
                }
                Event::PasswordOf(query) => query.unknown(),
                Event::Token(check) if check.token().expose() == self.password.as_bytes() => {
                    check.accept(self.user.as_str())
                }
                Event::Token(check) => check.reject(&TokenError::default().with_scope("mail")),
                Event::External(check) => check.accept(self.user.as_str()),
                Event::Anonymous(check) => check.accept("guest"),
                Event::Authorization(check) => {
                    assert_ne!(check.authentication(), check.authorization());
                    let may = self.may_act_for.iter().any(|other| other == check.authorization());
                    if may { check.accept() } else { check.reject() }
                }
                event => return event,
            }
        }
    }
}

/// All mechanisms, with decoys.
pub fn config() -> server::Config {
    let decoys = server::Decoys::new(Secret::from([9; 32].as_slice())).with_iterations(4096);
    server::Config::new(Mechanism::ALL).with_decoys(decoys)
}

pub fn tls() -> Channel {
    Channel::new(Security::Tls)
}

/// A connection that can be bound to.
pub fn bound(data: u8) -> Channel {
    tls().with_binding(ChannelBinding::new(BindingType::TlsExporter, vec![data; 32]).unwrap())
}

pub fn nonce(seed: u8) -> Nonce {
    Nonce::new([seed; Nonce::OCTETS])
}

pub fn exchange(
    mechanism: Mechanism,
    credentials: &client::Credentials,
    channel: &Channel,
) -> Result<client::Exchange, SaslError> {
    client::Exchange::new(mechanism, credentials, &client::Policy::default(), channel, nonce(1))
}

pub fn serve(mechanism: Mechanism, channel: &Channel) -> server::Exchange {
    server::Exchange::new(mechanism.name(), &config(), channel, nonce(2)).unwrap()
}

/// Lets both sides talk to the end. `ahead` sends the initial response along; `wire` gets each message by
/// number.
pub fn talk(
    mut client: client::Exchange,
    server: server::Exchange,
    application: &Application,
    ahead: bool,
    mut wire: impl FnMut(usize, &[u8]) -> Vec<u8>,
) -> Outcome {
    let mut number = 0;
    let mut pass = |octets: &[u8]| {
        let passed = wire(number, octets);
        number += 1;
        passed
    };
    let initial = client.initial().filter(|_| ahead).map(|initial| Secret::new(pass(initial.expose())));
    let mut event = server.start(initial.as_ref());
    loop {
        event = match application.settle(event) {
            Event::Challenge(challenge) => match client.respond(&pass(challenge.data())) {
                Ok(response) => challenge.respond(&Secret::new(pass(response.expose()))),
                Err(error) => return Outcome { server: None, client: Err(error) },
            },
            Event::Success(success) => {
                let data = success.data().map(&mut pass);
                return Outcome {
                    client: client.finish(data.as_deref()),
                    server: Some(Ok(success.into_identity())),
                };
            }
            Event::Failure(failure) => {
                let error = failure.error();
                let client = client.finish(None).and(Err(SaslError::Credentials));
                return Outcome { client, server: Some(Err(error)) };
            }
            event => panic!("{event:?}"),
        }
    }
}

/// The same over a wire that changes nothing.
pub fn talk_through(
    client: client::Exchange,
    server: server::Exchange,
    application: &Application,
) -> Outcome {
    talk(client, server, application, true, |_, octets| octets.to_vec())
}
