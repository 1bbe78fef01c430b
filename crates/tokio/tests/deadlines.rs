//! Clients that trickle: the deadlines are those of a command, a login and a message, not of a read.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod common;

use std::time::Duration;

use common::plain_server;
use posthaste_smtp::server as smtp;
use posthaste_tokio::{Connection, Machine, Security, Time};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep};

/// Takes the stream of a client that says `script`, then an octet each `pause`, until nobody listens any more. What it
/// heard, and how long that took.
async fn trickle(mut stream: DuplexStream, script: &str, pause: Duration) -> (String, Duration) {
    let begun = Instant::now();
    stream.write_all(script.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let hear = async {
        let mut heard = String::new();
        reader.read_to_string(&mut heard).await.unwrap();
        heard
    };
    let say = async {
        loop {
            sleep(pause).await;
            if writer.write_all(b"x").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let heard = tokio::select! {
        heard = hear => heard,
        () = say => String::new(),
    };
    (heard, begun.elapsed())
}

async fn run<M: Machine>(stream: DuplexStream, machine: M, mut answer: impl FnMut(M::Event, &mut M)) {
    let mut connection = Connection::new(machine, stream, plain_server());
    while let Ok(Some(event)) = connection.next().await {
        answer(event, connection.machine());
    }
}

fn assert_closed_at(limit: Duration, took: Duration) {
    // The pause of the trickle, and what an orderly end takes.
    assert!(took >= limit && took < limit + Duration::from_secs(15), "{took:?} in place of {limit:?}");
}

fn smtp_server() -> smtp::Server {
    let config = smtp::Config::new(smtp::Mode::Mta, "mail.example".parse().unwrap());
    smtp::Server::new(config, Security::Plain, Time::ZERO)
}

#[tokio::test(start_paused = true)]
async fn res_03_a_command_that_trickles_ends_smtp_at_the_deadline_of_a_command() {
    let (near, far) = tokio::io::duplex(4096);
    let server = tokio::spawn(run(near, smtp_server(), |event, _| drop(event)));
    let (heard, took) = trickle(far, "EHLO ", Duration::from_secs(10)).await;
    assert_closed_at(posthaste_smtp::Limits::default().command_timeout, took);
    assert_eq!(heard.lines().count(), 2, "{heard:?}");
    assert!(heard.starts_with("220 ") && heard.contains("\r\n421 "), "{heard:?}");
    server.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn res_03_a_login_that_trickles_ends_imap_at_the_deadline_of_a_login() {
    use posthaste_imap::server::{Config, Server};
    let limit = posthaste_imap::Limits::default().login_timeout;
    // In the middle of a command, of a literal, and with whole commands before.
    for script in ["a LOGIN ", "a LOGIN {1000}\r\n", "a CAPABILITY\r\nb CAPABILITY\r\nc LOG"] {
        let (near, far) = tokio::io::duplex(4096);
        let machine = Server::new(Config::new("mail.example"), Security::Local, Time::ZERO);
        let server = tokio::spawn(run(near, machine, |event, _| drop(event)));
        let (heard, took) = trickle(far, script, Duration::from_secs(10)).await;
        assert_closed_at(limit, took);
        assert!(heard.contains("* BYE "), "{heard:?}");
        server.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn res_03_a_login_that_trickles_ends_pop3_at_the_deadline_of_a_login() {
    use posthaste_pop3::server::{Config, Server};
    let limit = posthaste_pop3::Limits::default().login_timeout;
    for script in ["USER ", "CAPA\r\nUSER "] {
        let (near, far) = tokio::io::duplex(4096);
        let machine = Server::new(Config::default(), Security::Local, Time::ZERO);
        let server = tokio::spawn(run(near, machine, |event, _| drop(event)));
        let (heard, took) = trickle(far, script, Duration::from_secs(10)).await;
        assert_closed_at(limit, took);
        assert!(heard.starts_with("+OK "), "{heard:?}");
        server.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn res_04_a_message_that_trickles_is_ended_and_not_taken() {
    use smtp::Event;
    let (near, far) = tokio::io::duplex(4096);
    let server = tokio::spawn(run(near, smtp_server(), |event, server| match event {
        Event::Mail(mail) => mail.accept(server).unwrap(),
        Event::Rcpt(rcpt) => rcpt.accept(server).unwrap(),
        Event::Data(data) => data.accept(server).unwrap(),
        Event::BodyEnd(_) => panic!("half a message"),
        _ => {}
    }));
    let script = "HELO c.example\r\nMAIL FROM:<a@c.example>\r\nRCPT TO:<b@c.example>\r\nDATA\r\n";
    let (heard, took) = trickle(far, script, Duration::from_secs(1)).await;
    assert!(took < posthaste_smtp::Limits::default().data_timeout * 2, "{took:?}");
    assert!(heard.lines().last().is_some_and(|line| line.starts_with("421 4.4.2")), "{heard:?}");
    server.await.unwrap();
}
