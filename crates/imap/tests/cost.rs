//! What the machines take from the heap: at most an allocation for a row, memory that does not grow with a message or
//! with what a peer does not read, cost in proportion to what is asked, and the memory of a machine that is idle.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use std::num::NonZeroU32;

use bytes::BytesMut;
use posthaste_imap::client::{self, Client};
use posthaste_imap::encode::{self, EncodeContext};
use posthaste_imap::message::{StructureForm, Summary};
use posthaste_imap::server::{self, LiteralWriter, SelectData, SelectedFlags, Server};
use posthaste_imap::types::{
    FetchAttribute, FetchItem, Flag, Flags, Mailbox, Payload, Response, Section, SequenceSet,
};
use posthaste_imap::{Bytes, Misuse, Secret, Security, Step, Time};
use posthaste_testkit::{Measured, measure};

const MEBIBYTE: usize = 1024 * 1024;
const MESSAGE: usize = 10 * MEBIBYTE;
const READ: usize = 64 * 1024;

fn number(number: usize) -> NonZeroU32 {
    NonZeroU32::new(u32::try_from(number).unwrap()).unwrap()
}

/// A server whose client has selected a mailbox of `exists` messages.
fn selected_server(exists: u32) -> Server {
    let mut server = Server::new(server::Config::new("mail.test"), Security::Tls, Time::ZERO);
    server.handle_input(Time::ZERO, b"a LOGIN joe secret\r\nb SELECT INBOX\r\n");
    loop {
        match server.poll_event().unwrap() {
            Step::Event(server::Event::Login(asked)) => asked.ok(&mut server).unwrap(),
            Step::Event(server::Event::Select(asked)) => {
                let data = SelectData {
                    flags: SelectedFlags { defined: vec![Flag::Seen], ..SelectedFlags::default() },
                    exists,
                    recent: 0,
                    unseen: None,
                    uid_validity: NonZeroU32::MIN,
                    uid_next: number(1_000_000),
                    access: posthaste_imap::server::Access::ReadWrite,
                };
                asked.ok(&mut server, data).unwrap();
            }
            Step::Event(event) => panic!("{event:?}"),
            _ => break,
        }
    }
    drain(&mut server);
    server
}

/// A client that has selected a mailbox of `exists` messages at a server that takes LITERAL+.
fn selected_client(exists: u32) -> Client {
    let mut client = Client::new(client::Config::default(), Security::Tls, Time::ZERO);
    hear(&mut client, b"* OK [CAPABILITY IMAP4rev1 LITERAL+] hello\r\n");
    client.login("joe", Secret::from("secret")).unwrap();
    hear(&mut client, b"A1 OK [CAPABILITY IMAP4rev1 LITERAL+ IDLE] in\r\n");
    client.select(Mailbox::inbox(), vec![]).unwrap();
    let answer = format!(
        "* FLAGS (\\Seen)\r\n* {exists} EXISTS\r\n* OK [UIDVALIDITY 1] x\r\nA2 OK [READ-WRITE] x\r\n"
    );
    hear(&mut client, answer.as_bytes());
    client
}

fn drain(server: &mut Server) -> usize {
    let mut octets = 0;
    while let Some(bytes) = server.poll_transmit() {
        octets += bytes.len();
    }
    octets
}

/// Hands octets to the client; how many rows ended and how many octets of payloads came.
fn hear(client: &mut Client, octets: &[u8]) -> (usize, usize) {
    client.handle_input(Time::ZERO, octets);
    let mut heard = (0, 0);
    loop {
        while client.poll_transmit().is_some() {}
        match client.poll_event().unwrap() {
            Step::Event(client::Event::Body(chunk)) => heard.1 += chunk.len(),
            Step::Event(client::Event::RowEnd) => heard.0 += 1,
            Step::Event(client::Event::Violation(violation)) => panic!("{violation}"),
            Step::Event(_) => {}
            _ => return heard,
        }
    }
}

/// FETCH 1:* (FLAGS UID) of so many rows, flags as a store has them at hand.
fn rows_out(server: &mut Server, rows: usize, flags: &[FetchItem]) -> usize {
    server.handle_input(Time::ZERO, b"c FETCH 1:* (FLAGS UID)\r\n");
    let Step::Event(server::Event::Fetch(asked)) = server.poll_event().unwrap() else { panic!("no FETCH") };
    let (mut writer, mut sent) = (asked.begin(), 0);
    for at in 1..=rows {
        let mut row = writer.row(server, number(at)).unwrap();
        row.item(server, &flags[at % flags.len()]).unwrap();
        row.item(server, &FetchItem::Uid(number(at + 40_000))).unwrap();
        writer = row.finish(server).unwrap();
        if server.is_congested() {
            sent += drain(server);
        }
    }
    writer.ok(server).unwrap();
    sent + drain(server)
}

fn flags() -> Vec<FetchItem> {
    let lists: [&[Flag]; 3] = [&[Flag::Seen], &[], &[Flag::Answered, Flag::Seen]];
    lists.iter().map(|flags| FetchItem::Flags(flags.iter().cloned().collect::<Flags>())).collect()
}

fn cost_of_rows_out(rows: usize) -> Measured {
    let (mut server, flags) = (selected_server(1_000), flags());
    rows_out(&mut server, rows, &flags);
    let measured = measure(|| assert!(rows_out(&mut server, rows, &flags) > rows * 20));
    println!("server, {rows} rows: {measured:?}");
    measured
}

/// What a client takes for rows that it hears in reads of 64 KiB.
fn cost_of_rows_in(rows: usize) -> Measured {
    let mut client = selected_client(1_000);
    let row = |at: usize| {
        let flags = ["\\Seen", "", "\\Answered \\Seen", "\\Seen $Forwarded"][at % 4];
        format!("* {at} FETCH (UID {} FLAGS ({flags}))\r\n", at + 40_000)
    };
    let text: String = (1..=rows).map(row).collect();
    let attributes = vec![FetchAttribute::Uid, FetchAttribute::Flags];
    client.fetch(SequenceSet::all(), attributes).unwrap();
    let measured = measure(|| {
        let heard = text.as_bytes().chunks(READ).map(|read| hear(&mut client, read).0);
        assert_eq!(heard.sum::<usize>(), rows);
    });
    println!("client, {rows} rows: {measured:?}");
    measured
}

#[test]
fn a_row_costs_at_most_one_allocation() {
    let rows = 1_000;
    let out = cost_of_rows_out(rows);
    assert!(out.allocations <= 64, "{out:?}");
    assert!(out.peak <= SERVER_PEAK_MAX, "{out:?}");
    let heard = cost_of_rows_in(rows);
    assert!(heard.allocations <= rows as u64 + 64, "{heard:?}");
}

/// The send queue up to its mark, twice while it grows.
const SERVER_PEAK_MAX: u64 = 3 * 64 * 1024;

#[test]
fn ten_times_the_rows_cost_ten_times_as_much() {
    for cost in [cost_of_rows_out, cost_of_rows_in] {
        let (small, large) = (cost(1_000), cost(10_000));
        let most = |small: u64| small * 10 + small / 2 + 1_000;
        assert!(large.allocations <= most(small.allocations), "{small:?}, {large:?}");
        assert!(large.bytes <= most(small.bytes) + 256 * 1024, "{small:?}, {large:?}");
        // What is held at once does not grow with the rows.
        assert!(large.peak <= small.peak + 2 * READ as u64, "{small:?}, {large:?}");
    }
}

#[test]
fn a_message_of_ten_mebibytes_passes_the_client_in_the_memory_of_a_read() {
    let mut client = selected_client(1);
    let read = vec![b'x'; READ];
    let whole = FetchAttribute::Section { section: Section::whole(), partial: None, peek: true };
    client.fetch(SequenceSet::all(), vec![whole]).unwrap();
    hear(&mut client, format!("* 1 FETCH (BODY[] {{{MESSAGE}}}\r\n").as_bytes());
    let mut octets = 0;
    let measured = measure(|| {
        for _ in 0..MESSAGE / READ {
            octets += hear(&mut client, &read).1;
        }
    });
    assert_eq!(octets, MESSAGE);
    assert_eq!(hear(&mut client, b" UID 1)\r\nA3 OK x\r\n").0, 1);
    println!("client, a message: {measured:?}");
    assert!(measured.peak <= (2 * READ) as u64, "{measured:?}");
    assert!(measured.allocations <= 2 * (MESSAGE / READ) as u64, "{measured:?}");
}

#[test]
fn a_message_of_ten_mebibytes_passes_the_server_in_the_memory_of_a_read() {
    let mut server = selected_server(1);
    let read = vec![b'x'; READ];
    server.handle_input(Time::ZERO, format!("c APPEND INBOX {{{MESSAGE}+}}\r\n").as_bytes());
    let Step::Event(server::Event::Append(asked)) = server.poll_event().unwrap() else { panic!("no APPEND") };
    asked.accept(&mut server).unwrap();
    let mut octets = 0;
    let measured = measure(|| {
        for _ in 0..MESSAGE / READ {
            server.handle_input(Time::ZERO, &read);
            while let Step::Event(event) = server.poll_event().unwrap() {
                let server::Event::Body(chunk) = event else { panic!("{event:?}") };
                octets += chunk.len();
            }
        }
    });
    assert_eq!(octets, MESSAGE);
    server.handle_input(Time::ZERO, b"\r\n");
    assert!(matches!(server.poll_event(), Ok(Step::Event(server::Event::AppendEnd(_)))));
    println!("server, a message: {measured:?}");
    assert!(measured.peak <= (2 * READ) as u64, "{measured:?}");
    assert!(measured.allocations <= 2 * (MESSAGE / READ) as u64, "{measured:?}");
}

/// A message of three recipients with a text and two files, in which every text is that many times as long.
fn with_two_files(times: usize) -> String {
    let text = |text: &str| text.repeat(times);
    let file = |kind: &str, name: &str| {
        format!(
            "--b\r\nContent-Type: {kind}; name=\"{0}\"\r\nContent-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment; filename=\"{0}\"\r\n\r\naGVsbG8=\r\n",
            text(name)
        )
    };
    format!(
        "Date: Mon, 2 Mar 2026 09:30:00 +0100\r\nFrom: {} <{}@example.org>\r\n\
         To: Joe <{}@example.com>, \"{}\" <ann@example.com>\r\nCc: team@{}.example\r\nSubject: {}\r\n\
         Message-ID: <{}@example.org>\r\nIn-Reply-To: <{}@example.com>\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThey are attached.\r\n{}{}--b--\r\n",
        text("Jane Doe "),
        text("jane.doe"),
        text("joe"),
        text("Public, Ann "),
        text("sales"),
        text("Minutes of the meeting "),
        text("20260302083000.1"),
        text("20260301120000.7"),
        file("application/pdf", "minutes.pdf "),
        file("image/png", "board.png "),
    )
}

/// Reading a stored summary, and telling ENVELOPE and BODYSTRUCTURE of it into a buffer that is there.
fn cost_of_telling(stored: &Bytes, out: &mut BytesMut) -> Measured {
    out.clear();
    measure(|| {
        let summary = Summary::from_bytes(stored).unwrap();
        let items = vec![
            FetchItem::Envelope(Box::new(summary.envelope().into())),
            FetchItem::BodyStructure(Box::new(summary.body_structure(StructureForm::Extended))),
        ];
        encode::response(out, &Response::Fetch(NonZeroU32::MIN, items), EncodeContext::default());
    })
}

#[test]
fn a_stored_summary_is_told_without_a_copy_of_its_strings() {
    let stored = [1, 100].map(|times| Summary::scan(with_two_files(times).as_bytes()).to_bytes());
    assert!(stored[1].len() > stored[0].len() * 20, "{}", stored[1].len());
    let mut out = BytesMut::with_capacity(64 * 1024);
    // The first reader of octets makes them shared.
    let [short, long] = stored.each_ref().map(|stored| {
        cost_of_telling(stored, &mut out);
        cost_of_telling(stored, &mut out)
    });
    println!("a summary told: {short:?}");
    assert!(short.allocations <= SUMMARY_ALLOCATIONS_MAX, "{short:?}");
    assert_eq!(short, long, "the length of the strings is no cost");
}

/// Lists and boxes, each of its size at once, and none for a string. Reading: the parts, the envelope and its three
/// lists, six lists of parameters. Telling: the items and what is in them, five lists, six of parameters, the parts.
/// Writing: the way back out of the parts.
const SUMMARY_ALLOCATIONS_MAX: u64 = 28;

#[test]
fn a_scanned_summary_keeps_its_own_octets_only() {
    let message = format!("{}{}", with_two_files(1), "x".repeat(MEBIBYTE));
    let mut kept = Vec::with_capacity(1);
    let measured = measure(|| kept.push(Summary::scan(message.as_bytes())));
    let stored = kept[0].to_bytes().len();
    println!("a summary: {measured:?}, {stored} octets stored");
    assert!(measured.kept <= SUMMARY_MAX, "{measured:?}");
    // All strings are in one buffer: there are far fewer pieces to give back than strings.
    let told = measure(|| drop(kept[0].body_structure(StructureForm::Extended)));
    assert!(told.bytes <= 2 * SUMMARY_MAX as u64, "{told:?}");
}

/// Of a message of three parts that has a mebibyte.
const SUMMARY_MAX: i64 = 8 * 1024;

/// Writes pieces until the queue is full, and then one chunk leaves: a client that reads slowly.
fn write_slowly(server: &mut Server, writer: &mut LiteralWriter, piece: &Bytes, held_max: &mut usize) {
    let (mut held, mut left) = (0_usize, MESSAGE / piece.len());
    while left > 0 {
        match writer.write(server, piece.clone()) {
            Ok(()) => {
                left -= 1;
                held += piece.len();
                *held_max = (*held_max).max(held);
            }
            Err(Misuse::Congested { .. }) => held -= server.poll_transmit().unwrap().len(),
            Err(misuse) => panic!("{misuse}"),
        }
    }
}

#[test]
fn a_payload_of_ten_mebibytes_waits_for_a_slow_client_with_the_application() {
    for size in [1_000, 8 * 1024, READ] {
        let mut server = selected_server(1);
        server.handle_input(Time::ZERO, b"c FETCH 1 BODY[]\r\n");
        let Step::Event(server::Event::Fetch(asked)) = server.poll_event().unwrap() else {
            panic!("no FETCH")
        };
        let row = asked.begin().row(&mut server, number(1)).unwrap();
        let payload = Payload::Section { section: Section::whole(), origin: None };
        let piece = Bytes::from(vec![b'x'; size]);
        let length = (MESSAGE / size * size) as u64;
        let mut writer = row.literal(&mut server, &payload, length).unwrap();
        drain(&mut server);
        let mut held = 0;
        let measured = measure(|| write_slowly(&mut server, &mut writer, &piece, &mut held));
        println!("server, a payload in pieces of {size}: {measured:?}, {held} octets held");
        assert!(held <= READ + size, "{held}");
        assert!(measured.peak <= SERVER_PEAK_MAX, "{measured:?}");
        writer.finish(&mut server).unwrap().finish(&mut server).unwrap().ok(&mut server).unwrap();
    }
}

/// The memory of a session that waits, all in all: what a host pays for each of its connections.
#[test]
fn res_01_an_idle_machine_is_small() {
    let mut held = Vec::with_capacity(1);
    let measured = measure(|| {
        let mut server = selected_server(10);
        server.handle_input(Time::ZERO, b"c IDLE\r\n");
        let Step::Event(server::Event::Idle(asked)) = server.poll_event().unwrap() else { panic!("no IDLE") };
        asked.start(&mut server).unwrap();
        drain(&mut server);
        held.push(server);
    });
    let bytes = u64::try_from(measured.kept).unwrap() + size_of::<Server>() as u64;
    println!("an idle server: {bytes} octets, {} of them in itself", size_of::<Server>());
    assert!(bytes <= IDLE_SERVER_MAX, "{bytes}");

    let mut held = Vec::with_capacity(1);
    let measured = measure(|| {
        let mut client = selected_client(10);
        client.idle().unwrap();
        hear(&mut client, b"+ idling\r\n");
        held.push(client);
    });
    let bytes = u64::try_from(measured.kept).unwrap() + size_of::<Client>() as u64;
    println!("an idle client: {bytes} octets, {} of them in itself", size_of::<Client>());
    assert!(bytes <= IDLE_CLIENT_MAX, "{bytes}");
}

const IDLE_SERVER_MAX: u64 = 4 * 1024;
const IDLE_CLIENT_MAX: u64 = 4 * 1024;
