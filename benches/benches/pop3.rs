//! POP3 through both machines: a message of ten mebibytes, and lists of a hundred thousand messages.
//!
//! `retr` is the server's side, the client's side, and one behind the other, in pieces of 64 KiB as a store reads and a
//! socket carries them. Nothing is compared here: the aims are 2 GB/s for each side and 20 ms for each list.
#![allow(missing_docs, reason = "criterion_group makes a public function")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use posthaste_benches::plain_lines;
use posthaste_pop3::server::{Config, Event, Listed, Maildrop};
use posthaste_pop3::{Client, MessageNumber, Secret, Security, Server, Step, Time, Uidl, client};

const MESSAGE_OCTETS: usize = 10 * 1024 * 1024;
const PIECE_OCTETS: usize = 64 * 1024;
const MESSAGES: usize = 100_000;

/// A server that has let its client in.
fn server(messages: usize) -> Server {
    let mut server = Server::new(Config::default(), Security::Tls, Time::ZERO);
    server.handle_input(Time::ZERO, b"USER u\r\nPASS p\r\n");
    let Ok(Step::Event(Event::Login(login))) = server.poll_event() else { panic!("no login") };
    let uidl = |number: usize| Uidl::new(&format!("000004{number:010}")).unwrap();
    let listed = (0..messages).map(|number| Listed { size: 1000 + number as u64, uidl: uidl(number) });
    login.accept(&mut server, Maildrop::new(listed.collect()).unwrap()).unwrap();
    while server.poll_transmit().is_some() {}
    server
}

/// A client that is in, and whose limits let it ask for the same again and again.
fn client() -> Client {
    let mut client = Client::new(client::Config::default(), Security::Tls, Time::ZERO);
    client.login("u", Secret::from("p")).unwrap();
    client.handle_input(Time::ZERO, b"+OK\r\n-ERR\r\n+OK\r\n+OK\r\n");
    while let Ok(Step::Event(_)) = client.poll_event() {}
    while client.poll_transmit().is_some() {}
    client
}

fn number() -> MessageNumber {
    MessageNumber::new(1).unwrap()
}

/// Sends the message; each piece that leaves goes to `sent`.
fn retrieve(server: &mut Server, message: &[Bytes], mut sent: impl FnMut(Bytes)) {
    server.handle_input(Time::ZERO, b"RETR 1\r\n");
    let Ok(Step::Event(Event::Retr(retr))) = server.poll_event() else { panic!("no RETR") };
    let mut writer = retr.open(server).unwrap();
    for chunk in message {
        while server.is_congested() {
            server.poll_transmit().into_iter().for_each(&mut sent);
        }
        writer.write(server, chunk.clone()).unwrap();
    }
    writer.finish(server).unwrap();
    while let Some(bytes) = server.poll_transmit() {
        sent(bytes);
    }
}

/// Sends a list; each piece that leaves goes to `sent`.
fn list(server: &mut Server, command: &[u8], mut sent: impl FnMut(Bytes)) {
    server.handle_input(Time::ZERO, command);
    assert!(matches!(server.poll_event(), Ok(Step::NeedInput)), "a list is the machine's to answer");
    while let Some(bytes) = server.poll_transmit() {
        sent(bytes);
    }
}

/// What a client makes of a piece: octets of messages and rows of lists.
fn hear(client: &mut Client, piece: &[u8]) -> usize {
    client.handle_input(Time::ZERO, piece);
    let mut heard = 0_usize;
    loop {
        match client.poll_event() {
            Ok(Step::Event(client::Event::Body { chunk, .. })) => heard += black_box(chunk).len(),
            Ok(Step::Event(event)) => {
                let _ = black_box(event);
                heard += 1;
            }
            Ok(Step::NeedInput) => return heard,
            other => panic!("{other:?}"),
        }
    }
}

fn hear_all(client: &mut Client, pieces: &[Bytes]) -> usize {
    while client.poll_transmit().is_some() {}
    pieces.iter().map(|piece| hear(client, piece)).sum()
}

fn messages(criterion: &mut Criterion) {
    let text = plain_lines(MESSAGE_OCTETS);
    let message: Vec<Bytes> = text.chunks(PIECE_OCTETS).map(Bytes::copy_from_slice).collect();
    let (mut server, mut client) = (server(1), client());
    let mut wire = Vec::new();
    retrieve(&mut server, &message, |bytes| wire.push(bytes));
    client.retr(number()).unwrap();
    assert_eq!(hear_all(&mut client, &wire), text.len() + 1, "the message did not come through");

    let mut group = criterion.benchmark_group("pop3-retr-10MiB");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("server", |bencher| {
        bencher.iter(|| retrieve(&mut server, &message, |bytes| drop(black_box(bytes))));
    });
    group.bench_function("client", |bencher| {
        bencher.iter(|| {
            client.retr(number()).unwrap();
            hear_all(&mut client, &wire)
        });
    });
    group.bench_function("both", |bencher| {
        bencher.iter(|| {
            client.retr(number()).unwrap();
            while client.poll_transmit().is_some() {}
            retrieve(&mut server, &message, |bytes| {
                black_box(hear(&mut client, &bytes));
            });
        });
    });
    group.finish();
}

fn lists(criterion: &mut Criterion) {
    let (mut server, mut client) = (server(MESSAGES), client());
    for (name, command) in [("list", &b"LIST\r\n"[..]), ("uidl", b"UIDL\r\n")] {
        let mut wire = Vec::new();
        list(&mut server, command, |bytes| wire.push(bytes));
        let ask = move |client: &mut Client| {
            if name == "list" { client.list() } else { client.uidl() }.unwrap();
        };
        ask(&mut client);
        assert_eq!(hear_all(&mut client, &wire), MESSAGES + 1, "the list did not come through");

        let mut group = criterion.benchmark_group(format!("pop3-{name}-100000"));
        group.throughput(Throughput::Elements(MESSAGES as u64));
        group.bench_function("server", |bencher| {
            bencher.iter(|| list(&mut server, command, |bytes| drop(black_box(bytes))));
        });
        group.bench_function("client", |bencher| {
            bencher.iter(|| {
                ask(&mut client);
                hear_all(&mut client, &wire)
            });
        });
        group.finish();
    }
}

criterion_group!(benches, messages, lists);
criterion_main!(benches);
