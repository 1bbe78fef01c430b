//! A submission server that logs `ursel` in with `Geheim!`, and does nothing else.

use posthaste_sasl::{Hash, Mechanism, Nonce, SaslError, ScramKey, Secret, TokenError, server as sasl};
use posthaste_smtp::Rejection;
use posthaste_smtp::server::{Config, Event, Mode, Server, TlsOffer};
use posthaste_tokio::{Connection, Role, Stream, Time};

/// Whether the server knows the user's key, or only pretends to.
#[derive(Clone, Copy, PartialEq)]
pub enum Honesty {
    Knows,
    Pretends,
}

/// A login that came to its end.
#[derive(Debug, PartialEq)]
pub struct Login {
    pub mechanism: String,
    pub outcome: Result<(), SaslError>,
}

/// Turns an event into the challenge to send, or the outcome.
fn settle(mut event: sasl::Event, key: &ScramKey) -> Result<sasl::Challenge, Result<(), SaslError>> {
    loop {
        event = match event {
            sasl::Event::Challenge(challenge) => return Ok(challenge),
            sasl::Event::Key(query) if query.user() == "ursel" => query.found(key),
            sasl::Event::Key(query) => query.unknown(),
            sasl::Event::Token(check) if check.token().expose() == b"t0ken" => check.accept("ursel"),
            sasl::Event::Token(check) => check.reject(&TokenError::default()),
            sasl::Event::Success(_) => return Err(Ok(())),
            sasl::Event::Failure(failure) => return Err(Err(failure.error())),
            event => panic!("{event:?}"),
        };
    }
}

/// Serves a connection with these mechanisms; the logins that were tried.
pub async fn serve(
    stream: impl Into<Stream>,
    role: Role,
    mechanisms: &'static [Mechanism],
    honesty: Honesty,
) -> Vec<Login> {
    let decoys = sasl::Decoys::new(Secret::from("a secret")).with_iterations(4096);
    let offered = sasl::Config::new(mechanisms.iter().copied()).with_decoys(decoys);
    let key = ScramKey::derive(Hash::Sha256, &Secret::from("Geheim!"), b"salt", 4096).unwrap();
    let config = Config::new(Mode::Submission, "mail.example".parse().unwrap())
        .with_tls(TlsOffer::StartTls)
        .with_mechanisms(mechanisms.iter().map(|mechanism| mechanism.name().parse().unwrap()).collect());
    let stream = stream.into();
    let machine = Server::new(config, stream.security(), Time::ZERO);
    let mut connection = Connection::new(machine, stream, role);
    let (mut waiting, mut logins) = (None, Vec::new());
    while let Ok(Some(event)) = connection.next().await {
        let channel = connection.channel();
        let server = connection.machine();
        match event {
            Event::StartTls(token) => token.accept(server).unwrap(),
            Event::Auth(auth) => {
                let step = match waiting.take() {
                    Some(challenge) if !auth.is_start() => {
                        let challenge: sasl::Challenge = challenge;
                        settle(challenge.respond(auth.response().unwrap()), &key)
                    }
                    _ => {
                        let nonce = Nonce::new([7; Nonce::OCTETS]);
                        let exchange =
                            sasl::Exchange::new(auth.mechanism(), &offered, &channel, nonce).unwrap();
                        settle(exchange.start(auth.response()), &key)
                    }
                };
                let outcome = match step {
                    Ok(_) if honesty == Honesty::Pretends && !auth.is_start() => Ok(()),
                    Ok(challenge) => {
                        auth.challenge(server, challenge.data()).unwrap();
                        waiting = Some(challenge);
                        continue;
                    }
                    Err(outcome) => outcome,
                };
                logins.push(Login { mechanism: auth.mechanism().to_owned(), outcome });
                match outcome {
                    Ok(()) => auth.accept(server).unwrap(),
                    Err(_) => auth.reject(server, Rejection::credentials_invalid()).unwrap(),
                }
            }
            _ => {}
        }
    }
    logins
}
