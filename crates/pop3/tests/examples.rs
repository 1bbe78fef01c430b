//! The examples of this crate do what they say, against each other over sockets.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::duplicate_mod,
    dead_code,
    reason = "test code; each example brings its driver, and its own main is not run"
)]

#[path = "../examples/fetch.rs"]
mod fetch;
#[path = "../examples/serve.rs"]
mod serve;

use std::net::{TcpListener, TcpStream};
use std::thread;

use posthaste_pop3::client::Seen;
use posthaste_pop3::{Bytes, Uidl};

/// Fetches once from a server with these messages.
fn fetched(messages: &[(Uidl, Bytes)], seen: &mut Seen) -> (usize, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let messages = messages.to_vec();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        serve::serve(stream, &messages).unwrap();
    });
    let mut printed = Vec::new();
    let stream = TcpStream::connect(address).unwrap();
    let count = fetch::fetch(stream, "ann", "secret", seen, &mut printed).unwrap();
    server.join().unwrap();
    (count, printed)
}

fn message(name: &str, content: &str) -> (Uidl, Bytes) {
    (Uidl::new(name).unwrap(), Bytes::from(content.to_owned()))
}

#[test]
fn fetch_prints_what_is_new_once_and_forgets_what_has_gone() {
    let long = format!("Subject: long\n\n{}", ".a line with a dot\n".repeat(30_000));
    let mut messages = vec![message("a", "Subject: a\r\n\r\n.\r\n"), message("b", &long)];
    let mut seen = Seen::new();
    let (count, printed) = fetched(&messages, &mut seen);
    assert_eq!(count, 2);
    assert_eq!(printed, format!("Subject: a\r\n\r\n.\r\n{}", long.replace('\n', "\r\n")).into_bytes());
    messages.remove(0);
    messages.push(message("c", "Subject: c\r\n\r\n"));
    assert_eq!(fetched(&messages, &mut seen), (1, b"Subject: c\r\n\r\n".to_vec()));
    assert_eq!(seen.iter().map(Uidl::as_str).collect::<Vec<_>>(), ["b", "c"]);
    assert_eq!(fetched(&messages, &mut seen), (0, vec![]));
}
