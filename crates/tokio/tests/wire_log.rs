//! What a log of a conversation shows, and what it never does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;
mod sessions;

use std::sync::{Arc, Mutex};

use common::{plain_client, plain_server, tls_roles};
use posthaste_tokio::tls::Alpn;
use posthaste_tokio::{Connection, Direction, Machine, Role};
use sessions::{CHALLENGE, Drops, Login, PASSWORD, PLAIN, Plan, RESPONSE, Rig, imap, pop3, smtp};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

type Lines = Arc<Mutex<Vec<String>>>;

fn logged<M: Machine>(machine: M, stream: DuplexStream, role: Role) -> (Rig<M>, Lines) {
    let lines = Lines::default();
    let kept = Arc::clone(&lines);
    let connection = Connection::new(machine, stream, role).with_wire_log(move |direction, line| {
        let arrow = if direction == Direction::In { "<" } else { ">" };
        kept.lock().unwrap().push(format!("{arrow} {line}"));
    });
    (Rig::new(connection, Drops::Never), lines)
}

/// Base64 without padding, which would depend on what stands around it.
fn base64(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in octets.chunks(3) {
        let group =
            three.iter().chain(&[0; 3]).take(3).fold(0_usize, |sum, octet| sum << 8 | usize::from(*octet));
        for place in 0..=three.len() {
            text.push(char::from(ALPHABET[group >> (18 - 6 * place) & 63]));
        }
    }
    text
}

/// Every secret there is, in the forms in which it could travel.
fn secrets() -> Vec<String> {
    let plain = [PASSWORD.as_bytes(), PLAIN, CHALLENGE, RESPONSE];
    let mut all: Vec<_> =
        plain.iter().flat_map(|secret| [base64(secret), secret.escape_ascii().to_string()]).collect();
    all.push("b913a602".to_owned());
    all.push("1896.697170952".to_owned());
    all
}

fn assert_nothing_secret(lines: &Lines, what: &str) -> String {
    let text = lines.lock().unwrap().join("\n");
    for secret in secrets() {
        assert!(!text.contains(&secret), "{what}: {secret} is in\n{text}");
    }
    // The messages are not there either.
    for content in ["Subject: s", ".dot 3", "line 4"] {
        assert!(!text.contains(content), "{what}: {content} is in\n{text}");
    }
    text
}

macro_rules! run {
    ($plan:expr, $alpn:expr, $server:expr, $client:expr, $serve:expr, $ask:expr) => {{
        let roles = if $plan.tls { tls_roles($alpn) } else { (plain_server(), plain_client()) };
        let (near, far) = duplex(4096);
        let (mut server, at_server) = logged($server, near, roles.0);
        let (mut client, at_client) = logged($client, far, roles.1);
        let (served, asked) = tokio::join!($serve(&mut server), $ask(&mut client, $plan));
        served.unwrap();
        asked.unwrap();
        let what = format!("{:?} {:?}", $alpn, $plan);
        [assert_nothing_secret(&at_server, &what), assert_nothing_secret(&at_client, &what)]
    }};
}

fn plans() -> impl Iterator<Item = Plan> {
    let logins = [Login::Password, Login::Initial, Login::Challenge];
    logins.into_iter().flat_map(|login| {
        [(false, false), (true, false), (false, true), (true, true)].map(|(tls, extra)| Plan {
            login,
            tls,
            extra,
            lines: 30,
        })
    })
}

#[tokio::test(start_paused = true)]
async fn no_credential_of_smtp_is_in_the_log_of_either_side() {
    for plan in plans() {
        let logs = run!(plan, Alpn::Smtp, smtp::server(), smtp::client(plan), smtp::serve, smtp::submit);
        for log in &logs {
            for expected in
                ["EHLO laptop.example", "AUTH [", "RCPT TO:<eva@mail.example>", "octets of content]", "QUIT"]
            {
                assert!(log.contains(expected), "{plan:?}: no {expected} in\n{log}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_credential_of_pop3_is_in_the_log_of_either_side() {
    for plan in plans() {
        let serve = async |rig: &mut Rig<_>| pop3::serve(rig, plan).await;
        let logs = run!(plan, Alpn::Pop3, pop3::server(), pop3::client(plan), serve, pop3::fetch);
        let login = if plan.login == Login::Password { "PASS [" } else { "AUTH [" };
        for log in &logs {
            for expected in [login, "RETR", "octets of content]", "QUIT", "+OK"] {
                assert!(log.contains(expected), "{plan:?}: no {expected} in\n{log}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn no_credential_of_imap_is_in_the_log_of_either_side() {
    for plan in plans() {
        let logs =
            run!(plan, Alpn::Imap, imap::server(plan), imap::client(plan), imap::serve, imap::use_mailbox);
        let login = if plan.login == Login::Password { "LOGIN" } else { "AUTHENTICATE" };
        for log in &logs {
            for expected in [login, "APPEND INBOX", "octets of content]", "* 2 EXISTS", "LOGOUT"] {
                assert!(log.contains(expected), "{plan:?}: no {expected} in\n{log}");
            }
        }
    }
}

/// What a client sends at the wrong moment: an exchange that was refused, with the answers already on their way.
#[tokio::test(start_paused = true)]
async fn credentials_that_come_at_the_wrong_moment_are_not_shown() {
    let stray = format!("AUTH NOSUCH\r\n{}\r\n{}\r\nPASS {PASSWORD}\r\nQUIT\r\n", base64(PLAIN), PASSWORD);
    let tagged =
        format!("a LOGIN x\r\n{PASSWORD}\r\na {PASSWORD}\r\na LOGIN {{11}}\r\n{PASSWORD}\r\na LOGOUT\r\n");
    for line in [stray, tagged] {
        macro_rules! serve {
            ($server:expr, $serve:expr) => {{
                let (near, mut far) = duplex(64 * 1024);
                let (mut server, lines) = logged($server, near, plain_server());
                far.write_all(line.as_bytes()).await.unwrap();
                far.shutdown().await.unwrap();
                drop($serve(&mut server).await);
                drop(server);
                let mut heard = Vec::new();
                far.read_to_end(&mut heard).await.unwrap();
                let text = assert_nothing_secret(&lines, &line);
                assert!(text.contains("octets"), "{text}");
            }};
        }
        let plan = Plan { login: Login::Password, tls: false, extra: false, lines: 1 };
        serve!(smtp::server(), smtp::serve);
        serve!(pop3::server(), async |rig: &mut Rig<_>| pop3::serve(rig, plan).await);
        serve!(imap::server(plan), imap::serve);
    }
}
