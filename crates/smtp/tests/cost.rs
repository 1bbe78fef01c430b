//! What the machines take from the heap: a stated budget for a transaction, memory that does not grow with a message
//! or with what a peer does not read, and the memory of a machine that is idle. The figures stand on the crate page.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use posthaste_smtp::client::{self, BodyWriter, Chunking, Client, TlsPolicy};
use posthaste_smtp::server::{Config, Event, Mode, Server};
use posthaste_smtp::{Bytes, Envelope, Limits, Misuse, Security, Step, Time};
use posthaste_testkit::{Measured, measure};

const MEBIBYTE: usize = 1024 * 1024;
const READ: usize = 16 * 1024;

/// A mebibyte of lines of 78 octets.
fn text() -> Vec<u8> {
    let line = b"abcdefghijklmnopqrstuvwxyz+/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijkl\r\n";
    line.iter().copied().cycle().take(MEBIBYTE / line.len() * line.len()).collect()
}

/// A server that has greeted.
fn server_with(limits: Limits) -> Server {
    let config = Config::new(Mode::Mta, "mx.test".parse().unwrap()).with_limits(limits);
    let mut server = Server::new(config, Security::Plain, Time::ZERO);
    while server.poll_transmit().is_some() {}
    server
}

fn server() -> Server {
    server_with(Limits::default())
}

/// Takes everything; how many octets of content there were, and how many messages.
fn serve(server: &mut Server, input: &[u8], seen: &mut (usize, usize)) {
    server.handle_input(Time::ZERO, input);
    answer(server, seen, |_| {});
}

/// As [`serve`], with what came in before; the replies go to `say`.
fn answer(server: &mut Server, seen: &mut (usize, usize), mut say: impl FnMut(&[u8])) {
    loop {
        let step = server.poll_event().unwrap();
        let mut sent = false;
        while let Some(reply) = server.poll_transmit() {
            say(&reply);
            sent = true;
        }
        match step {
            Step::Event(Event::Mail(mail)) => mail.accept(server).unwrap(),
            Step::Event(Event::Rcpt(rcpt)) => rcpt.accept(server).unwrap(),
            Step::Event(Event::Data(data)) => data.accept(server).unwrap(),
            Step::Event(Event::Body(chunk)) => seen.0 += chunk.len(),
            Step::Event(Event::BodyEnd(end)) => {
                seen.1 += 1;
                end.accept(server).unwrap();
            }
            Step::Event(_) => {}
            Step::NeedInput if sent => {}
            _ => return,
        }
    }
}

/// A transaction with three recipients, in reads of 16 KiB.
fn transaction(server: &mut Server, chunked: bool, text: &[u8], seen: &mut (usize, usize)) {
    let group = "MAIL FROM:<alice@client.test> SIZE=1048576\r\nRCPT TO:<bob@mx.test>\r\nRCPT TO:<carol@mx.test>\r\n\
                 RCPT TO:<dave@mx.test>\r\n";
    serve(server, group.as_bytes(), seen);
    let begin = if chunked { format!("BDAT {} LAST\r\n", text.len()) } else { "DATA\r\n".into() };
    serve(server, begin.as_bytes(), seen);
    for read in text.chunks(READ) {
        serve(server, read, seen);
    }
    if !chunked {
        serve(server, b".\r\n", seen);
    }
}

/// What the second transaction of a session costs: the first has made the room that serves all.
fn cost_of_a_transaction(chunked: bool) -> Measured {
    let (mut server, text, mut seen) = (server(), text(), (0, 0));
    serve(&mut server, b"EHLO client.test\r\n", &mut seen);
    transaction(&mut server, chunked, &text, &mut seen);
    let measured = measure(|| transaction(&mut server, chunked, &text, &mut seen));
    assert_eq!(seen, (2 * text.len(), 2));
    measured
}

/// As the crate page says: at most so many allocations for a transaction of three recipients and a mebibyte.
const SERVER_ALLOCATIONS_MAX: u64 = 24;
const SERVER_PEAK_MAX: u64 = 64 * 1024;

#[test]
fn a_server_takes_a_mebibyte_for_three_recipients_within_its_budget() {
    for chunked in [false, true] {
        let measured = cost_of_a_transaction(chunked);
        println!("server, chunked {chunked}: {measured:?}");
        assert!(measured.allocations <= SERVER_ALLOCATIONS_MAX, "chunked {chunked}: {measured:?}");
        assert!(measured.peak <= SERVER_PEAK_MAX, "chunked {chunked}: {measured:?}");
        // The room of the receive buffer may have been exchanged for another of its size.
        assert!(measured.kept.unsigned_abs() <= SERVER_PEAK_MAX, "chunked {chunked}: {measured:?}");
    }
}

#[test]
fn cmd_04_a_million_small_chunks_leave_nothing_behind() {
    let (mut server, mut seen) = (server(), (0, 0));
    serve(&mut server, b"EHLO c.test\r\nMAIL FROM:<>\r\nRCPT TO:<u@mx.test>\r\n", &mut seen);
    let chunks = b"BDAT 1\r\nx".repeat(100);
    serve(&mut server, &chunks, &mut seen);
    // A tenth of it in a build that is not optimised.
    let rounds = if cfg!(debug_assertions) { 1_000 } else { 10_000 };
    let measured = measure(|| {
        for _ in 0..rounds {
            serve(&mut server, &chunks, &mut seen);
        }
    });
    assert_eq!(seen.0, (rounds + 1) * 100);
    assert!(measured.peak <= SERVER_PEAK_MAX, "{measured:?}");
    assert!(measured.kept.unsigned_abs() <= 8 * 1024, "{measured:?}");
}

fn client(chunking: Chunking) -> Client {
    let config = client::Config::new(client::Mode::Smtp, "client.test".parse().unwrap())
        .with_tls(TlsPolicy::Off)
        .with_chunking(chunking);
    Client::new(config, Security::Plain, Time::ZERO)
}

/// Sends one message from a client to a server, all in memory; what the server took goes to `seen`.
fn pass(client: &mut Client, server: &mut Server, pieces: &[Bytes], seen: &mut (usize, usize)) {
    let recipients = ["<bob@mx.test>", "<carol@mx.test>", "<dave@mx.test>"];
    let recipients = recipients.map(|path| path.parse().unwrap());
    client.send(Envelope::new("<alice@client.test>".parse().unwrap(), recipients)).unwrap();
    let (mut pieces, mut writer) = (pieces.iter().peekable(), None::<BodyWriter>);
    loop {
        match client.poll_event().unwrap() {
            Step::Event(client::Event::Body(token)) => writer = Some(token),
            Step::Event(client::Event::Sent(report)) => return assert!(report.is_complete(), "{report:?}"),
            _ => {}
        }
        if let Some(mut token) = writer.take() {
            match pieces.peek().map(|piece| token.write(client, Bytes::clone(piece))) {
                None => token.finish(client).unwrap(),
                Some(written) => {
                    match written {
                        Ok(()) => drop(pieces.next()),
                        Err(Misuse::Congested { .. } | Misuse::Unanswered) => {}
                        Err(misuse) => panic!("{misuse}"),
                    }
                    writer = Some(token);
                }
            }
        }
        while let Some(bytes) = client.poll_transmit() {
            server.handle_input(Time::ZERO, &bytes);
            answer(server, seen, |reply| client.handle_input(Time::ZERO, reply));
        }
    }
}

/// A message that comes in pieces of 16 KiB passes both machines: the content of a chunk is copied once, into the
/// receive buffer of the server, and the commands cost what they cost.
#[test]
fn a_mebibyte_for_three_recipients_passes_both_machines_within_their_budget() {
    let text = text();
    let pieces: Vec<Bytes> = text.chunks(READ).map(Bytes::copy_from_slice).collect();
    for chunking in [Chunking::Never, Chunking::Auto] {
        let (mut client, mut server, mut seen) = (client(chunking), server(), (0, 0));
        client.handle_input(Time::ZERO, b"220 mx.test\r\n");
        pass(&mut client, &mut server, &pieces, &mut seen);
        let measured = measure(|| pass(&mut client, &mut server, &pieces, &mut seen));
        assert_eq!(seen, (2 * text.len(), 2));
        println!("client and server, {chunking:?}: {measured:?}");
        assert!(measured.allocations <= BOTH_ALLOCATIONS_MAX, "{chunking:?}: {measured:?}");
        assert!(measured.peak <= BOTH_PEAK_MAX, "{chunking:?}: {measured:?}");
        assert!(measured.kept.unsigned_abs() <= BOTH_PEAK_MAX, "{chunking:?}: {measured:?}");
    }
}

/// As the crate page says, for a client and a server together.
const BOTH_ALLOCATIONS_MAX: u64 = 160;
const BOTH_PEAK_MAX: u64 = 64 * 1024;

/// The memory of a session that waits, all in all, with a greeting behind it: what a host pays for each of its
/// connections.
#[test]
fn res_01_an_idle_machine_is_small() {
    let mut held = Vec::with_capacity(1);
    let measured = measure(|| {
        let (mut server, mut seen) = (server(), (0, 0));
        serve(&mut server, b"EHLO client.test\r\n", &mut seen);
        held.push(server);
    });
    let bytes = u64::try_from(measured.kept).unwrap() + size_of::<Server>() as u64;
    println!("an idle server: {bytes} octets, {} of them in itself", size_of::<Server>());
    assert!(bytes <= IDLE_SERVER_MAX, "{bytes}");

    let mut held = Vec::with_capacity(1);
    let measured = measure(|| {
        let mut client = client(Chunking::Auto);
        let hello = "250-mx.test\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 CHUNKING\r\n";
        for reply in ["220 mx.test\r\n", hello] {
            client.handle_input(Time::ZERO, reply.as_bytes());
            while let Step::Event(_) = client.poll_event().unwrap() {}
            while client.poll_transmit().is_some() {}
        }
        held.push(client);
    });
    let bytes = u64::try_from(measured.kept).unwrap() + size_of::<Client>() as u64;
    println!("an idle client: {bytes} octets, {} of them in itself", size_of::<Client>());
    assert!(bytes <= IDLE_CLIENT_MAX, "{bytes}");
}

/// As the crate page says.
const IDLE_SERVER_MAX: u64 = 4 * 1024;
const IDLE_CLIENT_MAX: u64 = 4 * 1024;

/// The most that a peer can make a server hold of one transaction: every recipient as long as a line allows.
#[test]
fn res_06_the_largest_envelope_is_bounded() {
    let mut limits = Limits::default();
    (limits.recipients_max, limits.junk_commands_max) = (100, 1000);
    let (mut server, mut seen) = (server_with(limits), (0, 0));
    serve(&mut server, b"EHLO client.test\r\nMAIL FROM:<>\r\n", &mut seen);
    let path =
        format!("{}@{}.test", "u".repeat(64), ["d".repeat(60), "e".repeat(60), "f".repeat(50)].join("."));
    let line = format!("NOOP {}\r\nRCPT TO:<{path}>\r\n", "x".repeat(1000));
    let measured = measure(|| {
        for _ in 0..100 {
            serve(&mut server, line.as_bytes(), &mut seen);
        }
    });
    // The paths and their places in a list, and nothing of the lines around them.
    let most = 100 * (path.len() as u64 + 512) + 64 * 1024;
    assert!(u64::try_from(measured.kept).unwrap() <= most, "{measured:?}");
}
