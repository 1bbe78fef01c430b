//! What the machines cost: memory that does not grow with what the peer sends, and no allocation for each line.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use posthaste_pop3::server::{Config, Event, Listed, Maildrop};
use posthaste_pop3::{
    Bytes, Client, MessageNumber, ProtocolError, Secret, Security, Server, Step, Time, Uidl, client,
};
use posthaste_testkit::{Measured, measure};

const MANY: usize = 100_000;

fn maildrop(messages: usize) -> Maildrop {
    let uidl = |number: usize| Uidl::new(&format!("000004{number:010}")).unwrap();
    let listed = (0..messages).map(|number| Listed { size: number as u64, uidl: uidl(number) });
    Maildrop::new(listed.collect()).unwrap()
}

/// A server that has let its client in.
fn server(messages: usize) -> Server {
    let mut server = Server::new(Config::default(), Security::Tls, Time::ZERO);
    server.handle_input(Time::ZERO, b"USER u\r\nPASS p\r\n");
    let Ok(Step::Event(Event::Login(login))) = server.poll_event() else { panic!() };
    login.accept(&mut server, maildrop(messages)).unwrap();
    while server.poll_transmit().is_some() {}
    server
}

/// A client that is in.
fn client() -> Client {
    let mut client = Client::new(client::Config::default(), Security::Tls, Time::ZERO);
    client.login("u", Secret::from("p")).unwrap();
    for line in ["+OK\r\n", "+OK\r\nPIPELINING\r\n.\r\n", "+OK\r\n", "+OK\r\n", "+OK\r\nPIPELINING\r\n.\r\n"]
    {
        client.handle_input(Time::ZERO, line.as_bytes());
        while let Ok(Step::Event(_)) = client.poll_event() {}
        while client.poll_transmit().is_some() {}
    }
    client
}

/// Ten mebibytes of lines, in the pieces of a store.
fn message() -> Vec<Bytes> {
    let line = b"abcdefghijklmnopqrstuvwxyz+/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl\r\n";
    let text: Vec<u8> = line.iter().copied().cycle().take(line.len() * 131_072).collect();
    text.chunks(PIECE).map(Bytes::copy_from_slice).collect()
}

const PIECE: usize = 64 * 1024;

/// Sends what is asked for; `sent` is given each piece.
fn retrieve(server: &mut Server, message: &[Bytes], mut sent: impl FnMut(&[u8])) {
    server.handle_input(Time::ZERO, b"RETR 1\r\n");
    let Ok(Step::Event(Event::Retr(retr))) = server.poll_event() else { panic!() };
    let mut writer = retr.open(server).unwrap();
    for chunk in message {
        while server.is_congested() {
            sent(&server.poll_transmit().unwrap());
        }
        writer.write(server, chunk.clone()).unwrap();
    }
    writer.finish(server).unwrap();
    while let Some(bytes) = server.poll_transmit() {
        sent(&bytes);
    }
}

#[test]
fn a_message_passes_both_machines_without_an_allocation_for_each_line() {
    let (mut server, mut client, message) = (server(1), client(), message());
    client.retr(MessageNumber::new(1).unwrap()).unwrap();
    while client.poll_transmit().is_some() {}
    let mut received = 0_usize;
    let mut ended = false;
    let mut hearing = Measured { allocations: 0, bytes: 0, peak: 0, kept: 0 };
    let measured = measure(|| {
        retrieve(&mut server, &message, |piece| {
            let heard = measure(|| {
                client.handle_input(Time::ZERO, piece);
                loop {
                    match client.poll_event().unwrap() {
                        Step::Event(client::Event::Body { chunk, .. }) => received += chunk.len(),
                        Step::Event(client::Event::BodyEnd { .. }) => ended = true,
                        Step::NeedInput => break,
                        step => panic!("{step:?}"),
                    }
                }
            });
            hearing.allocations += heard.allocations;
            hearing.peak = hearing.peak.max(heard.peak);
        });
    });
    let octets: usize = message.iter().map(Bytes::len).sum();
    assert!(ended && received == octets, "{received} of {octets}");
    let pieces = message.len() as u64;
    assert!(hearing.allocations <= pieces * 4, "{hearing:?} for {pieces} pieces");
    assert!(measured.allocations <= pieces * 6, "{measured:?} for {pieces} pieces");
    assert!(measured.peak < 4 * PIECE as u64, "{measured:?}");
}

#[test]
fn pop_09_lists_of_a_hundred_thousand_cost_no_allocation_for_each_row() {
    let (mut server, mut client) = (server(MANY), client());
    for command in [&b"LIST\r\n"[..], b"UIDL\r\n"] {
        let mut list = Vec::new();
        let measured = measure(|| {
            server.handle_input(Time::ZERO, command);
            assert!(matches!(server.poll_event(), Ok(Step::NeedInput)));
            let mut largest = 0;
            while let Some(bytes) = server.poll_transmit() {
                largest = largest.max(bytes.len());
                list.extend_from_slice(&bytes);
            }
            assert!(largest < 68 * 1024, "{largest} octets at once");
        });
        assert_eq!(list.iter().filter(|octet| **octet == b'\n').count(), MANY + 2);
        assert!(measured.allocations < 400, "{measured:?}");
        if command == b"LIST\r\n" {
            client.list().unwrap()
        } else {
            client.uidl().unwrap()
        };
        while client.poll_transmit().is_some() {}
        let mut rows = 0;
        let measured = measure(|| {
            for piece in list.chunks(PIECE) {
                client.handle_input(Time::ZERO, piece);
                loop {
                    match client.poll_event().unwrap() {
                        Step::Event(client::Event::Size { .. } | client::Event::Uidl { .. }) => rows += 1,
                        Step::Event(client::Event::ListEnd { .. }) => rows += 1_000_000,
                        Step::NeedInput => break,
                        step => panic!("{step:?}"),
                    }
                }
            }
        });
        assert_eq!(rows, 1_000_000 + MANY);
        assert!(measured.allocations < 400, "{measured:?}");
        assert!(measured.peak < 4 * PIECE as u64, "{measured:?}");
    }
}

#[test]
fn a_server_holds_81_octets_a_message() {
    let messages = maildrop(MANY);
    let mut kept = None;
    let measured = measure(|| {
        let mut server = Server::new(Config::default(), Security::Tls, Time::ZERO);
        server.handle_input(Time::ZERO, b"USER u\r\nPASS p\r\n");
        let Ok(Step::Event(Event::Login(login))) = server.poll_event() else { panic!() };
        login.accept(&mut server, messages).unwrap();
        kept = Some(server);
    });
    // The list came from the application; a mark for each message is what the machine adds.
    assert!(measured.peak < MANY as u64 + 16 * 1024, "{measured:?}");
    assert_eq!(size_of::<Listed>(), 80);
    assert!(kept.is_some());
}

/// What the machine takes while it hears `pieces` times `piece`.
fn hearing(mut hear: impl FnMut(&[u8]) -> bool, piece: &[u8], pieces: usize) -> Measured {
    measure(|| {
        for _ in 0..pieces {
            if !hear(piece) {
                break;
            }
        }
    })
}

#[test]
fn res_09_a_server_holds_a_line_and_a_read_whatever_it_is_sent() {
    for (piece, before) in [
        (&b"((((((((((((((((("[..], &b""[..]),
        (b"AUTH xxxxxxxxxxx", b""),
        (b"NOOP\n", b""),
        (b"\0\r\r\r", b"NOOP\r\n"),
    ] {
        let piece = piece.repeat(4096 / piece.len());
        let mut server = server(1);
        server.handle_input(Time::ZERO, before);
        let hear = |piece: &[u8]| {
            server.handle_input(Time::ZERO, piece);
            while let Ok(Step::Event(_)) = server.poll_event() {}
            while server.poll_transmit().is_some() {}
            !matches!(server.poll_event(), Err(_) | Ok(Step::Closed))
        };
        let measured = hearing(hear, &piece, 2000);
        assert!(measured.peak < 48 * 1024, "{measured:?} for {}", piece[..8].escape_ascii());
    }
}

#[test]
fn hst_11_a_client_holds_a_line_and_a_read_whatever_it_is_sent() {
    let rows = b"1 2\r\n".repeat(800);
    for (asked, piece) in [
        ("+OK 1 1\r\n+OK\r\n", &rows[..]),
        ("+OK 1 1\r\n+OK\r\n", b"xxxxxxxxxxxxxxxxxxxxxxxx"),
        ("+OK 1 1\r\n+OK\r\n.\r\n+OK\r\n", b"no end is in sight here "),
        ("+OK 1 1\r\n+OK\r\n.\r\n+OK\r\n", b"\r\n..\r\n..\r\n.."),
    ] {
        let piece = piece.repeat(4096 / piece.len());
        let mut client = client();
        client.stat().unwrap();
        client.list().unwrap();
        client.retr(MessageNumber::new(1).unwrap()).unwrap();
        while client.poll_transmit().is_some() {}
        client.handle_input(Time::ZERO, asked.as_bytes());
        let hear = |piece: &[u8]| {
            client.handle_input(Time::ZERO, piece);
            while let Ok(Step::Event(_)) = client.poll_event() {}
            client.poll_event().is_ok()
        };
        let measured = hearing(hear, &piece, 2000);
        assert!(measured.peak < 48 * 1024, "{measured:?} for {}", piece[..8].escape_ascii());
    }
}

#[test]
fn hst_11_a_list_without_an_end_is_given_up() {
    let mut config = client::Config::default();
    config.limits.rows_max = 1000;
    let mut client = Client::new(config, Security::Tls, Time::ZERO);
    client.login("u", Secret::from("p")).unwrap();
    client.handle_input(Time::ZERO, b"+OK\r\n-ERR\r\n+OK\r\n+OK\r\n");
    while let Ok(Step::Event(_)) = client.poll_event() {}
    client.list().unwrap();
    client.handle_input(Time::ZERO, format!("+OK\r\n{}", "1 2\r\n".repeat(1001)).as_bytes());
    let mut rows = 0;
    let error = loop {
        match client.poll_event() {
            Ok(Step::Event(_)) => rows += 1,
            Ok(step) => panic!("{step:?}"),
            Err(error) => break error,
        }
    };
    assert_eq!((rows, error), (1000, ProtocolError::TooManyRows { limit: 1000 }));
}
