//! The IMAP machines at work: a message of ten mebibytes through each, rows by the hundred thousand, a search result in
//! pieces.
//!
//! `body` is a client that fetches a message, beside `imap-codec` with its fragmentizer and beside a plain copy of the
//! octets; `append` is a server that takes one; `rows` is a server that answers `FETCH 1:* (FLAGS UID)`; `search` is a
//! client that hears ten thousand numbers in pieces of 1,460 octets, beside the same fragmentizer. Every side has to
//! have understood the same before anything is measured. Ratios of the shortest times and the cost against the size
//! are printed at the end; over 1 means that this side is the faster.
#![allow(missing_docs, reason = "criterion_group makes a public function")]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a benchmark")]

use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group};
use imap_codec::ResponseCodec;
use imap_codec::fragmentizer::Fragmentizer;
use imap_codec::imap_types::response::{Data, Response};
use posthaste_benches::race;
use posthaste_imap::client::{self, Client};
use posthaste_imap::server::{self, SelectData, SelectedFlags, Server};
use posthaste_imap::types::{
    Addressing, FetchAttribute, FetchItem, Flag, Flags, Mailbox, SearchCommand, SearchKey, Section,
    SequenceSet,
};
use posthaste_imap::{Secret, Security, Step, Time};

const MESSAGE_OCTETS: usize = 10 * 1024 * 1024;
const READ_OCTETS: usize = 64 * 1024;
const PIECE_OCTETS: usize = 1_460;
const ROWS: u32 = 100_000;
const SEARCH_IDS: u32 = 10_000;

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

/// A server whose client has selected a mailbox.
fn server() -> Server {
    let mut server = Server::new(server::Config::new("mail.test"), Security::Tls, Time::ZERO);
    server.handle_input(Time::ZERO, b"a LOGIN joe secret\r\nb SELECT INBOX\r\n");
    loop {
        match server.poll_event() {
            Ok(Step::Event(server::Event::Login(asked))) => asked.ok(&mut server).unwrap(),
            Ok(Step::Event(server::Event::Select(asked))) => {
                let data = SelectData {
                    flags: SelectedFlags::default(),
                    exists: ROWS,
                    recent: 0,
                    unseen: None,
                    uid_validity: NonZeroU32::MIN,
                    uid_next: number(2_000_000),
                    access: posthaste_imap::server::Access::ReadWrite,
                };
                asked.ok(&mut server, data).unwrap();
            }
            Ok(Step::NeedInput) => break,
            other => panic!("{other:?}"),
        }
    }
    drain(&mut server);
    server
}

/// A client that has selected a mailbox.
fn client() -> Client {
    let mut client = Client::new(client::Config::default(), Security::Tls, Time::ZERO);
    hear(&mut client, b"* OK [CAPABILITY IMAP4rev1 LITERAL+] hello\r\n");
    client.login("joe", Secret::from("secret")).unwrap();
    hear(&mut client, b"A1 OK [CAPABILITY IMAP4rev1] in\r\n");
    client.select(Mailbox::inbox(), vec![]).unwrap();
    hear(&mut client, b"* 1 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\nA2 OK [READ-WRITE] x\r\n");
    client
}

fn drain(server: &mut Server) -> usize {
    let mut octets = 0_usize;
    while let Some(bytes) = server.poll_transmit() {
        octets += black_box(bytes).len();
    }
    octets
}

/// What a client makes of a read: octets of payloads and numbers found.
fn hear(client: &mut Client, read: &[u8]) -> usize {
    client.handle_input(Time::ZERO, read);
    let mut heard = 0_usize;
    loop {
        match client.poll_event() {
            Ok(Step::Event(client::Event::Body(chunk))) => heard += black_box(chunk).len(),
            Ok(Step::Event(client::Event::Search(found))) => heard += black_box(found).numbers.len(),
            Ok(Step::Event(event)) => drop(black_box(event)),
            Ok(Step::NeedInput) => return heard,
            other => panic!("{other:?}"),
        }
    }
}

/// A row with a payload.
fn body_row(octets: usize) -> Vec<u8> {
    let mut row = format!("* 1 FETCH (UID 7 BODY[] {{{octets}}}\r\n").into_bytes();
    row.extend(posthaste_benches::plain_lines(octets + 80).into_iter().take(octets));
    row.extend_from_slice(b")\r\n");
    row
}

/// Asks for the message, hears it, and hears that it was all.
fn fetch_body(client: &mut Client, commands: &mut u64, row: &[u8]) -> usize {
    let whole = FetchAttribute::Section { section: Section::whole(), partial: None, peek: true };
    client.fetch(SequenceSet::all(), vec![FetchAttribute::Uid, whole]).unwrap();
    while client.poll_transmit().is_some() {}
    let heard = row.chunks(READ_OCTETS).map(|read| hear(client, read)).sum();
    *commands += 1;
    hear(client, format!("A{commands} OK done\r\n").as_bytes());
    heard
}

/// The same with the fragmentizer, up to the octets of the message; whole messages are all it gives.
fn fetch_body_imap_codec(fragmentizer: &mut Fragmentizer, row: &[u8]) -> usize {
    let mut heard = 0_usize;
    for read in row.chunks(READ_OCTETS) {
        fragmentizer.enqueue_bytes(read);
        while fragmentizer.progress().is_some() {
            if fragmentizer.is_message_complete() {
                let response = fragmentizer.decode_message(&ResponseCodec::default()).expect("a row");
                let Response::Data(Data::Fetch { items, .. }) = &response else { panic!("no row") };
                black_box(items);
                heard += fragmentizer.message_bytes().len();
            }
        }
    }
    heard
}

/// Each read is copied once, as every client has to that wants to keep it.
fn copy_body(room: &mut [u8], row: &[u8]) {
    for read in row.chunks(READ_OCTETS) {
        if let Some(room) = room.get_mut(..read.len()) {
            room.copy_from_slice(black_box(read));
            black_box(&room);
        }
    }
}

/// `FETCH 1:* (FLAGS UID)`, answered with flags that are at hand; what leaves is as much as a driver writes at once.
fn answer_rows(server: &mut Server, flags: &[FetchItem], rows: u32) -> usize {
    server.handle_input(Time::ZERO, b"c FETCH 1:* (FLAGS UID)\r\n");
    let Ok(Step::Event(server::Event::Fetch(asked))) = server.poll_event() else { panic!("no FETCH") };
    let (mut writer, mut sent) = (asked.begin(), 0_usize);
    for (at, flags) in (1..=rows).zip(flags.iter().cycle()) {
        let mut row = writer.row(server, number(at)).unwrap();
        row.item(server, flags).unwrap();
        row.item(server, &FetchItem::Uid(number(at + 1_000_000))).unwrap();
        writer = row.finish(server).unwrap();
        if server.is_congested() {
            sent += drain(server);
        }
    }
    writer.ok(server).unwrap();
    sent + drain(server)
}

fn flag_items() -> Vec<FetchItem> {
    let lists: [&[Flag]; 4] =
        [&[Flag::Seen], &[], &[Flag::Answered, Flag::Seen], &[Flag::Flagged, Flag::Seen]];
    lists.iter().map(|flags| FetchItem::Flags(flags.iter().cloned().collect::<Flags>())).collect()
}

/// APPEND of the message with a non-synchronising literal, in reads of 64 KiB.
fn take_message(server: &mut Server, message: &[u8]) -> usize {
    server.handle_input(Time::ZERO, format!("d APPEND INBOX {{{}+}}\r\n", message.len()).as_bytes());
    let Ok(Step::Event(server::Event::Append(asked))) = server.poll_event() else { panic!("no APPEND") };
    asked.accept(server).unwrap();
    let mut taken = 0_usize;
    for read in message.chunks(READ_OCTETS).chain([&b"\r\n"[..]]) {
        server.handle_input(Time::ZERO, read);
        loop {
            match server.poll_event() {
                Ok(Step::Event(server::Event::Body(chunk))) => taken += black_box(chunk).len(),
                Ok(Step::Event(server::Event::AppendEnd(asked))) => {
                    asked.ok(server, NonZeroU32::MIN, NonZeroU32::MIN).unwrap();
                }
                Ok(Step::NeedInput) => break,
                other => panic!("{other:?}"),
            }
        }
    }
    drain(server);
    taken
}

fn search_line(ids: u32) -> Vec<u8> {
    let numbers: Vec<String> = (1..=ids).map(|number| (number * 7).to_string()).collect();
    format!("* SEARCH {}\r\n", numbers.join(" ")).into_bytes()
}

fn search(client: &mut Client, commands: &mut u64, line: &[u8]) -> usize {
    let command = SearchCommand { returns: None, charset: None, keys: vec![SearchKey::All] };
    client.search(Addressing::Uid, command).unwrap();
    while client.poll_transmit().is_some() {}
    let heard = line.chunks(PIECE_OCTETS).map(|piece| hear(client, piece)).sum();
    *commands += 1;
    hear(client, format!("A{commands} OK done\r\n").as_bytes());
    heard
}

fn search_imap_codec(fragmentizer: &mut Fragmentizer, line: &[u8]) -> usize {
    let mut heard = 0_usize;
    for piece in line.chunks(PIECE_OCTETS) {
        fragmentizer.enqueue_bytes(piece);
        while fragmentizer.progress().is_some() {
            if fragmentizer.is_message_complete() {
                let response = fragmentizer.decode_message(&ResponseCodec::default()).expect("an answer");
                let Response::Data(Data::Search(found, ..)) = &response else { panic!("no answer") };
                heard += black_box(found).len();
            }
        }
    }
    heard
}

fn messages(criterion: &mut Criterion) {
    let row = body_row(MESSAGE_OCTETS);
    let (mut client, mut commands) = (client(), 2);
    assert_eq!(fetch_body(&mut client, &mut commands, &row), MESSAGE_OCTETS);
    let mut fragmentizer = Fragmentizer::without_max_message_size();
    assert_eq!(fetch_body_imap_codec(&mut fragmentizer, &row), row.len());
    let mut room = vec![0; READ_OCTETS];

    let mut group = criterion.benchmark_group("imap-body-10MiB");
    group.sample_size(10).throughput(Throughput::Bytes(MESSAGE_OCTETS as u64));
    group.bench_function("posthaste", |bencher| {
        bencher.iter(|| fetch_body(&mut client, &mut commands, &row));
    });
    group.bench_function("imap-codec", |bencher| {
        bencher.iter(|| fetch_body_imap_codec(&mut fragmentizer, &row));
    });
    group.bench_function("copy", |bencher| bencher.iter(|| copy_body(&mut room, &row)));
    group.finish();

    let (mut server, message) = (server(), posthaste_benches::plain_lines(MESSAGE_OCTETS));
    assert_eq!(take_message(&mut server, &message), message.len());
    let mut group = criterion.benchmark_group("imap-append-10MiB");
    group.throughput(Throughput::Bytes(message.len() as u64));
    group.bench_function("posthaste", |bencher| bencher.iter(|| take_message(&mut server, &message)));
    group.finish();
}

fn rows(criterion: &mut Criterion) {
    let (mut server, flags) = (server(), flag_items());
    assert!(answer_rows(&mut server, &flags, ROWS) > 30 * ROWS as usize);
    let mut group = criterion.benchmark_group("imap-server-rows");
    group.throughput(Throughput::Elements(ROWS.into()));
    group.bench_function("posthaste", |bencher| bencher.iter(|| answer_rows(&mut server, &flags, ROWS)));
    group.finish();

    let line = search_line(SEARCH_IDS);
    let (mut client, mut commands) = (client(), 2);
    assert_eq!(search(&mut client, &mut commands, &line), SEARCH_IDS as usize);
    let mut fragmentizer = Fragmentizer::without_max_message_size();
    assert_eq!(search_imap_codec(&mut fragmentizer, &line), SEARCH_IDS as usize);
    let mut group = criterion.benchmark_group("imap-search-in-pieces");
    group.throughput(Throughput::Elements(SEARCH_IDS.into()));
    group.bench_function("posthaste", |bencher| bencher.iter(|| search(&mut client, &mut commands, &line)));
    group.bench_function("imap-codec", |bencher| {
        bencher.iter(|| search_imap_codec(&mut fragmentizer, &line));
    });
    group.finish();
}

fn print_ratios() {
    let times = |other: Duration, us: Duration| other.as_secs_f64() / us.as_secs_f64();
    let speed = |octets: usize, time: Duration| octets as f64 / time.as_secs_f64() / 1e9;

    let row = body_row(MESSAGE_OCTETS);
    let (mut client, mut commands) = (client(), 2);
    let mut fragmentizer = Fragmentizer::without_max_message_size();
    let mut room = vec![0; READ_OCTETS];
    let (us, codec) = race(
        15,
        || {
            black_box(fetch_body(&mut client, &mut commands, &row));
        },
        || {
            black_box(fetch_body_imap_codec(&mut fragmentizer, &row));
        },
    );
    let (us_again, copy) = race(
        50,
        || {
            black_box(fetch_body(&mut client, &mut commands, &row));
        },
        || copy_body(&mut room, &row),
    );
    let us = us.min(us_again);
    println!(
        "imap-body-10MiB: {:.1} GB/s, {:.1}x of imap-codec's speed, {:.2}x of a copy's ({us:?}, {codec:?}, {copy:?})",
        speed(MESSAGE_OCTETS, us),
        times(codec, us),
        times(copy, us),
    );

    let (mut server, message) = (server(), posthaste_benches::plain_lines(MESSAGE_OCTETS));
    let (us, copy) = race(
        50,
        || {
            black_box(take_message(&mut server, &message));
        },
        || copy_body(&mut room, &message),
    );
    println!(
        "imap-append-10MiB: {:.1} GB/s, {:.2}x of a copy's speed ({us:?}, {copy:?})",
        speed(message.len(), us),
        times(copy, us)
    );

    let line = search_line(SEARCH_IDS);
    let (us, codec) = race(
        100,
        || {
            black_box(search(&mut client, &mut commands, &line));
        },
        || {
            black_box(search_imap_codec(&mut fragmentizer, &line));
        },
    );
    println!("imap-search-in-pieces: {:.1}x of imap-codec's speed ({us:?}, {codec:?})", times(codec, us));

    let flags = flag_items();
    for rows in [1_000, 10_000, 100_000, 1_000_000_u32] {
        let (us, _) = race(
            if rows > 100_000 { 5 } else { 30 },
            || {
                black_box(answer_rows(&mut server, &flags, rows));
            },
            || {},
        );
        let each = us.as_secs_f64() / f64::from(rows);
        println!(
            "imap-server-rows: {rows} rows, {:.1} ns each, {:.1} million a second",
            each * 1e9,
            1e-6 / each
        );
    }
    for ids in [1_000, 10_000, 100_000, 1_000_000_u32] {
        let line = search_line(ids.min(600_000));
        let (us, _) = race(
            5,
            || {
                black_box(search(&mut client, &mut commands, &line));
            },
            || {},
        );
        println!(
            "imap-search-in-pieces: {} ids, {:.1} ns each",
            ids.min(600_000),
            us.as_secs_f64() * 1e9 / f64::from(ids.min(600_000))
        );
    }
}

criterion_group!(benches, messages, rows);

fn main() {
    benches();
    // `cargo test` and `cargo bench -- --test` only check that everything runs.
    if std::env::args().any(|argument| argument == "--bench") {
        print_ratios();
    }
    Criterion::default().configure_from_args().final_summary();
}
