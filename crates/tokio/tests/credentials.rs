//! What a client logs in with, and what it is not content with.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use common::scram::{Honesty, Login, serve};
use common::{endpoint, tls_roles, trusting};
use posthaste_sasl::SaslError;
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{Cause, Credentials, Mechanism, Protocol, Role, Stream, TlsMode, imap, pop3, smtp};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};

/// What comes of a login with SMTP, and the logins that the server saw.
async fn log_in(
    credentials: Credentials,
    offered: &'static [Mechanism],
) -> (Result<(), smtp::Error>, Vec<Login>) {
    let (server_role, client_role) = tls_roles(Alpn::Smtp);
    let (near, far) = duplex(4096);
    let server = tokio::spawn(serve(near, server_role, offered, Honesty::Knows));
    let options = trusting(&client_role).with_credentials(credentials);
    let name = "laptop.example".parse().unwrap();
    let endpoint = endpoint(Protocol::Submission, TlsMode::StartTls);
    let result = match smtp::Client::over(far, &endpoint, name, &options).await {
        Ok(client) => client.quit().await,
        Err(error) => Err(error),
    };
    (result, server.await.unwrap())
}

fn login(mechanism: Mechanism, outcome: Result<(), SaslError>) -> [Login; 1] {
    [Login { mechanism: mechanism.name().to_owned(), outcome }]
}

#[tokio::test]
async fn a_token_logs_in_by_the_mechanism_that_is_offered() {
    let both: &[_] = &[Mechanism::XOAuth2, Mechanism::OAuthBearer];
    let token = || Credentials::token("ursel", "t0ken").for_server("mail.example", 587);
    for (offered, used) in
        [(both, Mechanism::OAuthBearer), (&[Mechanism::XOAuth2, Mechanism::Plain], Mechanism::XOAuth2)]
    {
        let (result, logins) = log_in(token(), offered).await;
        result.unwrap();
        assert_eq!(logins, login(used, Ok(())));
    }
    let (result, logins) = log_in(token(), &[Mechanism::ScramSha256, Mechanism::Plain]).await;
    assert!(matches!(result.unwrap_err().cause(), Cause::NoLogin));
    assert_eq!(logins, []);
}

#[tokio::test]
async fn auth_09_a_complaint_about_a_token_is_acknowledged_and_the_login_refused() {
    for mechanism in [&[Mechanism::OAuthBearer], &[Mechanism::XOAuth2]] {
        let (result, logins) = log_in(Credentials::token("ursel", "expired"), mechanism).await;
        assert!(result.unwrap_err().refusal().is_some());
        // Any other answer to the complaint would have been malformed.
        assert_eq!(logins, login(mechanism[0], Err(SaslError::Credentials)));
    }
}

#[tokio::test]
async fn auth_08_nothing_weaker_than_the_floor_is_used() {
    let credentials = || Credentials::new("ursel", "Geheim!").with_floor(Mechanism::ScramSha256);
    let (result, logins) = log_in(credentials(), &[Mechanism::Plain, Mechanism::ScramSha1]).await;
    assert!(matches!(result.unwrap_err().cause(), Cause::NoLogin));
    assert_eq!(logins, []);
    let (result, logins) = log_in(credentials(), &[Mechanism::Plain, Mechanism::ScramSha256]).await;
    result.unwrap();
    assert_eq!(logins, login(Mechanism::ScramSha256, Ok(())));
}

#[tokio::test]
async fn auth_08_nothing_but_what_is_pinned_is_used() {
    let credentials = || Credentials::new("ursel", "Geheim!").with_pinned(Mechanism::ScramSha256);
    let (result, logins) = log_in(credentials(), &[Mechanism::ScramSha256, Mechanism::ScramSha256Plus]).await;
    result.unwrap();
    assert_eq!(logins, login(Mechanism::ScramSha256, Ok(())), "no downgrade is suspected either");
    let (result, logins) = log_in(credentials(), &[Mechanism::ScramSha256Plus]).await;
    assert!(matches!(result.unwrap_err().cause(), Cause::NoLogin));
    assert_eq!(logins, []);
}

/// Greets, gives answers in order, and gives back the commands that came.
async fn script(stream: DuplexStream, role: Role, answers: &[&str]) -> Vec<String> {
    let mut stream = BufReader::new(Stream::from(stream).into_tls(&role).await.unwrap());
    let mut commands = Vec::new();
    for answer in answers {
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        let mut line = String::new();
        if !matches!(stream.read_line(&mut line).await, Ok(1..)) {
            break;
        }
        commands.push(line);
    }
    commands
}

/// A login where the server knows no mechanism; the commands it got. POP3 and IMAP have commands of their own then.
async fn log_in_without_mechanism(credentials: Credentials, alpn: Alpn) -> (bool, Vec<String>) {
    let (server_role, client_role) = tls_roles(alpn);
    let (near, far) = duplex(4096);
    let answers: &[_] = match alpn {
        Alpn::Imap => &["* OK [CAPABILITY IMAP4rev1] hello\r\n"],
        _ => &["+OK hello\r\n", "+OK\r\nUSER\r\n.\r\n"],
    };
    let server = tokio::spawn(async move { script(near, server_role, answers).await });
    let options = trusting(&client_role).with_credentials(credentials);
    let refuses = match alpn {
        Alpn::Imap => {
            let result =
                imap::Client::over(far, &endpoint(Protocol::Imap, TlsMode::Implicit), &options).await;
            result.is_err_and(|error| matches!(error.cause(), Cause::NoLogin))
        }
        _ => {
            let result =
                pop3::Client::over(far, &endpoint(Protocol::Pop3, TlsMode::Implicit), &options).await;
            result.is_err_and(|error| matches!(error.cause(), Cause::NoLogin))
        }
    };
    (refuses, server.await.unwrap())
}

#[tokio::test]
async fn auth_08_the_floor_holds_for_commands_without_a_mechanism() {
    let password = || Credentials::new("ursel", "Geheim!");
    for (alpn, command) in [(Alpn::Imap, "LOGIN"), (Alpn::Pop3, "USER")] {
        let (refuses, commands) = log_in_without_mechanism(password(), alpn).await;
        assert!(!refuses && commands.last().unwrap().contains(command), "{commands:?}");
        for credentials in [
            password().with_floor(Mechanism::ScramSha1),
            password().with_pinned(Mechanism::Plain),
            password().acting_for("info"),
            Credentials::token("ursel", "t0ken"),
        ] {
            let (refuses, commands) = log_in_without_mechanism(credentials, alpn).await;
            assert!(refuses, "{commands:?}");
            assert!(!commands.iter().any(|line| line.contains("ursel")), "{commands:?}");
        }
    }
}
