//! Logging in, where everybody may: the exchange is carried out, and its result does not matter.

use posthaste_sasl::server::{Challenge, Config, Event, Exchange};
use posthaste_sasl::{Mechanism, Secret};
use posthaste_tokio::Channel;

/// What a program may try: with a password, and no matter which.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// The names of the mechanisms, for a machine to announce.
pub(super) fn mechanisms() -> impl Iterator<Item = &'static str> {
    MECHANISMS.into_iter().map(Mechanism::name)
}

/// What comes next in an exchange.
pub(super) enum Step {
    Challenge(Vec<u8>),
    In,
    Malformed,
}

/// An exchange in progress: the challenge that waits for its response.
#[derive(Default)]
pub(super) struct Login(Option<Challenge>);

impl Login {
    /// Takes what the client sent. `begins` is the mechanism where that is the command itself.
    pub(super) fn step(
        &mut self,
        channel: &Channel,
        begins: Option<&str>,
        response: Option<&Secret>,
    ) -> Step {
        let mut event = match (begins, self.0.take(), response) {
            (Some(mechanism), _, initial) => {
                let nonce = posthaste_tokio::nonce();
                let begun = nonce
                    .and_then(|nonce| Exchange::new(mechanism, &Config::new(MECHANISMS), channel, nonce));
                let Ok(exchange) = begun else { return Step::Malformed };
                exchange.start(initial)
            }
            (None, Some(challenge), Some(response)) => challenge.respond(response),
            (None, ..) => return Step::Malformed,
        };
        loop {
            event = match event {
                Event::Challenge(challenge) => {
                    let data = challenge.data().to_vec();
                    self.0 = Some(challenge);
                    return Step::Challenge(data);
                }
                Event::Password(check) => check.accept(),
                Event::Authorization(check) => check.accept(),
                Event::Success(_) => return Step::In,
                _ => return Step::Malformed,
            };
        }
    }

    /// Forgets an exchange that was cancelled.
    pub(super) fn cancel(&mut self) {
        self.0 = None;
    }
}
