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

use common::scram::{Honesty, serve};
use common::{endpoint, tls_roles, trusting};
use posthaste_sasl::{Mechanism, SaslError};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{Cause, Credentials, Protocol, TlsMode, smtp};
use tokio::io::duplex;

/// What comes of a login, and how many the server accepted.
async fn log_in(user: &str, password: &str, honesty: Honesty) -> (Result<(), smtp::Error>, usize) {
    let (server_role, client_role) = tls_roles(Alpn::Smtp);
    let (near, far) = duplex(4096);
    let server = tokio::spawn(serve(near, server_role, &[Mechanism::ScramSha256], honesty));
    let options = trusting(&client_role).with_credentials(Credentials::new(user, password));
    let name = "laptop.example".parse().unwrap();
    let endpoint = endpoint(Protocol::Submission, TlsMode::StartTls);
    let result = match smtp::Client::over(far, &endpoint, name, &options).await {
        Ok(client) => client.quit().await,
        Err(error) => Err(error),
    };
    let logins = server.await.unwrap();
    (result, logins.iter().filter(|login| login.outcome.is_ok()).count())
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
    let (wrong, unknown) = (wrong.unwrap_err(), unknown.unwrap_err());
    assert!(wrong.refusal().is_some(), "{wrong}");
    assert_eq!((wrong.refusal(), accepted), (unknown.refusal(), 0));
}

#[tokio::test]
async fn hst_13_a_server_without_proof_is_not_believed() {
    let (result, accepted) = log_in("ursel", "Geheim!", Honesty::Pretends).await;
    assert!(matches!(result.as_ref().unwrap_err().cause(), Cause::Sasl(SaslError::Unproven)), "{result:?}");
    assert_eq!(accepted, 1);
}
