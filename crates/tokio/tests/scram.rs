//! A login with SCRAM over a real protocol: the proof of the server travels as one more challenge, and a server
//! that has none is not believed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use common::tls_roles;
use posthaste_sasl::{Channel, Hash, Mechanism, Nonce, SaslError, ScramKey, Secret, server as sasl};
use posthaste_smtp::Rejection;
use posthaste_smtp::server::{Config, Event, Mode, Server, TlsOffer};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{
    ClientError, ClientOptions, Connection, Credentials, Role, Security, Time, TlsMode, smtp,
};
use tokio::io::{DuplexStream, duplex};

/// Whether the server knows the user's key, or only pretends to.
#[derive(Clone, Copy, PartialEq)]
enum Honesty {
    Knows,
    Pretends,
}

/// Turns an event into the challenge to send, or the outcome.
fn settle(mut event: sasl::Event, key: &ScramKey) -> Result<sasl::Challenge, bool> {
    loop {
        event = match event {
            sasl::Event::Challenge(challenge) => return Ok(challenge),
            sasl::Event::Key(query) if query.user() == "ursel" => query.found(key),
            sasl::Event::Key(query) => query.unknown(),
            sasl::Event::Success(_) => return Err(true),
            _ => return Err(false),
        };
    }
}

/// A server that takes SCRAM-SHA-256 only; how many logins it accepted.
async fn serve(stream: DuplexStream, role: Role, honesty: Honesty) -> usize {
    let decoys = sasl::Decoys::new(Secret::from("a secret")).with_iterations(4096);
    let mechanisms = sasl::Config::new([Mechanism::ScramSha256]).with_decoys(decoys);
    let key = ScramKey::derive(Hash::Sha256, &Secret::from("Geheim!"), b"salt", 4096).unwrap();
    let config = Config::new(Mode::Submission, "mail.example".parse().unwrap())
        .with_tls(TlsOffer::StartTls)
        .with_mechanisms(vec!["SCRAM-SHA-256".parse().unwrap()]);
    let machine = Server::new(config, Security::Plain, Time::ZERO);
    let mut connection = Connection::new(machine, stream, role);
    let (mut waiting, mut accepted) = (None, 0);
    while let Ok(Some(event)) = connection.next().await {
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
                        let channel = Channel::new(Security::Tls);
                        let exchange =
                            sasl::Exchange::new(auth.mechanism(), &mechanisms, &channel, nonce).unwrap();
                        settle(exchange.start(auth.response()), &key)
                    }
                };
                match step {
                    Ok(_) if honesty == Honesty::Pretends && !auth.is_start() => {
                        accepted += 1;
                        auth.accept(server).unwrap();
                    }
                    Ok(challenge) => {
                        auth.challenge(server, challenge.data()).unwrap();
                        waiting = Some(challenge);
                    }
                    Err(true) => {
                        accepted += 1;
                        auth.accept(server).unwrap();
                    }
                    Err(false) => auth.reject(server, Rejection::credentials_invalid()).unwrap(),
                }
            }
            _ => {}
        }
    }
    accepted
}

/// What comes of a login, and how many the server accepted.
async fn log_in(user: &str, password: &str, honesty: Honesty) -> (Result<(), smtp::Error>, usize) {
    let (server_role, client_role) = tls_roles(Alpn::Smtp);
    let (near, far) = duplex(4096);
    let server = tokio::spawn(serve(near, server_role, honesty));
    let options = ClientOptions::new(TlsMode::StartTls).with_credentials(Credentials::new(user, password));
    let mode = posthaste_smtp::client::Mode::Smtp;
    let name = "laptop.example".parse().unwrap();
    let result = match smtp::Client::over(far.into(), client_role, mode, name, &options).await {
        Ok(client) => client.quit().await,
        Err(error) => Err(error),
    };
    (result, server.await.unwrap())
}

#[tokio::test]
async fn both_sides_prove_that_they_know_the_password() {
    let (result, accepted) = log_in("ursel", "Geheim!", Honesty::Knows).await;
    result.unwrap();
    assert_eq!(accepted, 1);
}

#[tokio::test]
async fn auth_05_a_wrong_password_and_an_unknown_user_get_the_same_answer() {
    let (wrong, _) = log_in("ursel", "geheim!", Honesty::Knows).await;
    let (unknown, accepted) = log_in("hans", "Geheim!", Honesty::Knows).await;
    let (Err(ClientError::Refused(wrong)), Err(ClientError::Refused(unknown))) = (wrong, unknown) else {
        panic!("somebody got in")
    };
    assert_eq!((wrong, accepted), (unknown, 0));
}

#[tokio::test]
async fn auth_08_a_server_without_proof_is_not_believed() {
    let (result, accepted) = log_in("ursel", "Geheim!", Honesty::Pretends).await;
    assert!(matches!(result, Err(ClientError::Sasl(SaslError::Unproven))), "{result:?}");
    assert_eq!(accepted, 1);
}
