//! What IMAP clients read by the thousand and servers write by the million, beside `imap-codec` and `imap-proto`.
//!
//! `flags` is a client that looks for changes: a thousand rows of UID and FLAGS. `structure` is a client that fills
//! its list: ENVELOPE and BODYSTRUCTURE of one message. `search` is the answer to `SEARCH ALL` in a large mailbox,
//! once at hand as a whole and once arriving in pieces, where a parser that begins anew with each piece pays for it.
//! `rows` is the server's side: FLAGS and UID of a hundred thousand messages. Every side has to have understood the
//! same before anything is measured. Ratios of the shortest times are printed at the end; over 1 means that this side
//! is the faster.
#![allow(missing_docs, reason = "criterion_group makes a public function")]
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "what cannot be read as it should has no time that would mean anything"
)]

use std::hint::black_box;
use std::num::NonZeroU32;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput, criterion_group};
use imap_codec::ResponseCodec;
use imap_codec::decode::{Decoder, ResponseDecodeError};
use posthaste_benches::race;
use posthaste_imap::encode::{self, EncodeContext};
use posthaste_imap::parse;
use posthaste_imap::types::{FetchItem, Flag, Flags, ParseContext, Response};
use posthaste_testkit::measure;
use posthaste_wire::ReceiveBuffer;

const FLAG_ROWS: u32 = 1_000;
const SEARCH_IDS: u32 = 10_000;
const SERVER_ROWS: u32 = 100_000;
/// What a read from a socket brings.
const PIECE_OCTETS: usize = 1_400;

/// Lists of flags as real mailboxes have them.
const FLAG_LISTS: [&str; 8] = [
    "\\Seen",
    "\\Seen",
    "",
    "\\Answered \\Seen",
    "\\Seen $Forwarded",
    "\\Flagged \\Seen",
    "\\Seen NonJunk $Important",
    "\\Deleted \\Seen \\Recent",
];

fn flag_rows() -> Vec<Bytes> {
    let row = |(number, flags): (u32, &&str)| {
        Bytes::from(format!("* {number} FETCH (UID {} FLAGS ({flags}))\r\n", number + 40_000))
    };
    (1..=FLAG_ROWS).zip(FLAG_LISTS.iter().cycle()).map(row).collect()
}

fn structure_row() -> Bytes {
    let text = |subtype: &str, size: u32| {
        format!(
            "(\"TEXT\" \"{subtype}\" (\"CHARSET\" \"utf-8\" \"FORMAT\" \"flowed\") NIL NIL \"QUOTED-PRINTABLE\" {size} 52 \
             NIL NIL NIL NIL)"
        )
    };
    let image = |name: &str| {
        format!(
            "(\"IMAGE\" \"PNG\" (\"NAME\" \"{name}\") \"<{name}@example.org>\" NIL \"BASE64\" 48213 NIL \
             (\"ATTACHMENT\" (\"FILENAME\" \"{name}\")) NIL NIL)"
        )
    };
    let address = |name: &str| format!("(\"{name} Example\" NIL \"{name}\" \"example.org\")");
    let structure = format!(
        "(({}{} \"ALTERNATIVE\" (\"BOUNDARY\" \"b2\") NIL NIL NIL){}{} \"MIXED\" (\"BOUNDARY\" \"b1\") NIL NIL NIL)",
        text("PLAIN", 2143),
        text("HTML", 9321),
        image("one.png"),
        image("two.png"),
    );
    let (from, to, cc) = (address("ada"), address("grace"), address("hedy"));
    Bytes::from(format!(
        "* 12 FETCH (UID 4827 ENVELOPE (\"Wed, 17 Jul 2024 02:23:25 -0700\" \"Minutes of the last meeting, and the \
         pictures\" ({from}) ({from}) ({from}) ({to}{cc}{to}) ({cc}) NIL \"<a5f2@example.org>\" \
         \"<b7c1@example.org>\") BODYSTRUCTURE {structure})\r\n"
    ))
}

fn search_line() -> Bytes {
    let numbers: Vec<String> = (1..=SEARCH_IDS).map(|number| (number * 7).to_string()).collect();
    Bytes::from(format!("* SEARCH {}\r\n", numbers.join(" ")))
}

fn read(line: &Bytes, context: &ParseContext) -> Response {
    let line = line.slice(..line.len() - 2);
    parse::response(&line, context).expect("a valid response").response
}

fn read_imap_codec(line: &[u8]) -> imap_codec::imap_types::response::Response<'_> {
    ResponseCodec::default().decode(line).expect("a valid response").1
}

fn read_imap_proto(line: &[u8]) -> imap_proto::Response<'_> {
    imap_proto::parser::parse_response(line).expect("a valid response").1
}

/// As the line arrives: pieces go into the receive buffer, which remembers how far it has looked.
fn read_in_pieces(line: &[u8], context: &ParseContext) -> Option<Response> {
    let mut buffer = ReceiveBuffer::new();
    for piece in line.chunks(PIECE_OCTETS) {
        buffer.push(piece);
        if let Ok(Some(line)) = buffer.line(1 << 20) {
            return parse::response(&line, context).ok().map(|parsed| parsed.response);
        }
    }
    None
}

/// As the line arrives: the other side says that it needs more and begins anew.
fn read_in_pieces_imap_codec(line: &[u8]) -> usize {
    let mut buffer = Vec::new();
    for piece in line.chunks(PIECE_OCTETS) {
        buffer.extend_from_slice(piece);
        match ResponseCodec::default().decode(&buffer) {
            Ok((_, response)) => {
                black_box(response);
                return buffer.len();
            }
            Err(ResponseDecodeError::Incomplete) => {}
            Err(error) => panic!("{error:?}"),
        }
    }
    0
}

/// The items of each row are made as a server makes them: flags from what the store keeps.
fn write_rows(out: &mut BytesMut, sets: &[FetchItem]) {
    let context = EncodeContext::default();
    for (number, flags) in (1..=SERVER_ROWS).zip(sets.iter().cycle()) {
        let (Some(number), Some(uid)) = (NonZeroU32::new(number), NonZeroU32::new(number + 1_000_000)) else {
            continue;
        };
        encode::fetch::row_start(out, number);
        encode::fetch::item(out, &FetchItem::Uid(uid), context);
        encode::fetch::separator(out);
        encode::fetch::item(out, flags, context);
        encode::fetch::row_end(out);
        // A driver writes and goes on.
        if out.len() > 64 * 1024 {
            black_box(&out);
            out.clear();
        }
    }
}

fn flag_sets() -> Vec<FetchItem> {
    let lists: [&[Flag]; 4] =
        [&[Flag::Seen], &[], &[Flag::Answered, Flag::Seen], &[Flag::Flagged, Flag::Seen]];
    lists.iter().map(|flags| FetchItem::Flags(flags.iter().cloned().collect::<Flags>())).collect()
}

fn reading(criterion: &mut Criterion) {
    let context = ParseContext::client();
    let rows = flag_rows();
    for row in &rows {
        assert!(matches!(read(row, &context), Response::Fetch(_, items) if items.len() == 2));
        read_imap_codec(row);
        read_imap_proto(row);
    }
    let taken = measure(|| {
        for row in &rows {
            black_box(read(row, &context));
        }
    });
    assert!(
        taken.allocations <= u64::from(FLAG_ROWS),
        "{} allocations for {FLAG_ROWS} rows",
        taken.allocations
    );

    let mut group = criterion.benchmark_group("imap-flags");
    group.throughput(Throughput::Elements(FLAG_ROWS.into()));
    group.bench_function("posthaste", |bencher| {
        bencher.iter(|| rows.iter().for_each(|row| drop(black_box(read(row, &context)))));
    });
    group.bench_function("imap-codec", |bencher| {
        bencher.iter(|| rows.iter().for_each(|row| drop(black_box(read_imap_codec(row)))));
    });
    group.bench_function("imap-proto", |bencher| {
        bencher.iter(|| rows.iter().for_each(|row| drop(black_box(read_imap_proto(row)))));
    });
    group.finish();

    let row = structure_row();
    assert!(matches!(read(&row, &context), Response::Fetch(_, items)
        if items.iter().all(|item| !matches!(item, FetchItem::Opaque { .. }))));
    let mut group = criterion.benchmark_group("imap-structure");
    group.throughput(Throughput::Bytes(row.len() as u64));
    group.bench_function("posthaste", |bencher| bencher.iter(|| black_box(read(&row, &context))));
    group.bench_function("imap-codec", |bencher| bencher.iter(|| black_box(read_imap_codec(&row))));
    group.bench_function("imap-proto", |bencher| bencher.iter(|| black_box(read_imap_proto(&row))));
    group.finish();

    let line = search_line();
    assert!(matches!(read_in_pieces(&line, &context), Some(Response::Search(found))
        if found.numbers.len() == SEARCH_IDS as usize));
    assert_eq!(read_in_pieces_imap_codec(&line), line.len());
    let mut group = criterion.benchmark_group("imap-search");
    group.throughput(Throughput::Elements(SEARCH_IDS.into()));
    group.bench_function("posthaste", |bencher| bencher.iter(|| black_box(read(&line, &context))));
    group.bench_function("imap-codec", |bencher| bencher.iter(|| black_box(read_imap_codec(&line))));
    group.bench_function("imap-proto", |bencher| bencher.iter(|| black_box(read_imap_proto(&line))));
    group.bench_function("posthaste-in-pieces", |bencher| {
        bencher.iter(|| black_box(read_in_pieces(&line, &context)));
    });
    group.finish();
}

fn writing(criterion: &mut Criterion) {
    let mut out = BytesMut::with_capacity(128 * 1024);
    let sets = flag_sets();
    let mut group = criterion.benchmark_group("imap-rows");
    group.throughput(Throughput::Elements(SERVER_ROWS.into()));
    group.bench_function("posthaste", |bencher| bencher.iter(|| write_rows(&mut out, &sets)));
    group.finish();
}

fn print_ratios() {
    let context = ParseContext::client();
    let (rows, structure, search) = (flag_rows(), structure_row(), search_line());
    let ratio = |name: &str,
                 us: std::time::Duration,
                 codec: std::time::Duration,
                 proto: std::time::Duration| {
        let times = |other: std::time::Duration| other.as_secs_f64() / us.as_secs_f64();
        println!(
            "ratio {name}: {:.2}x of imap-codec's speed, {:.2}x of imap-proto's ({us:?}, {codec:?}, {proto:?})",
            times(codec),
            times(proto),
        );
    };

    let ours = || rows.iter().for_each(|row| drop(black_box(read(row, &context))));
    let (us, codec) = race(200, ours, || rows.iter().for_each(|row| drop(black_box(read_imap_codec(row)))));
    let (us_again, proto) =
        race(200, ours, || rows.iter().for_each(|row| drop(black_box(read_imap_proto(row)))));
    ratio("imap-flags", us.min(us_again), codec, proto);

    let ours = || drop(black_box(read(&structure, &context)));
    let (us, codec) = race(2_000, ours, || drop(black_box(read_imap_codec(&structure))));
    let (us_again, proto) = race(2_000, ours, || drop(black_box(read_imap_proto(&structure))));
    ratio("imap-structure", us.min(us_again), codec, proto);

    let ours = || drop(black_box(read(&search, &context)));
    let (us, codec) = race(200, ours, || drop(black_box(read_imap_codec(&search))));
    let (us_again, proto) = race(200, ours, || drop(black_box(read_imap_proto(&search))));
    ratio("imap-search", us.min(us_again), codec, proto);

    let ours = || drop(black_box(read_in_pieces(&search, &context)));
    let (us, codec) = race(10, ours, || {
        black_box(read_in_pieces_imap_codec(&search));
    });
    println!(
        "ratio imap-search-in-pieces: {:.2}x of imap-codec's speed ({us:?}, {codec:?})",
        codec.as_secs_f64() / us.as_secs_f64()
    );

    let mut out = BytesMut::with_capacity(128 * 1024);
    let sets = flag_sets();
    let (us, _) = race(50, || write_rows(&mut out, &sets), || {});
    println!(
        "imap-rows: {:.1} million rows a second ({us:?})",
        f64::from(SERVER_ROWS) / us.as_secs_f64() / 1e6
    );
    let taken = measure(|| rows.iter().for_each(|row| drop(black_box(read(row, &context)))));
    println!("imap-flags: {} allocations for {FLAG_ROWS} rows", taken.allocations);
}

criterion_group!(benches, reading, writing);

fn main() {
    benches();
    // `cargo test` and `cargo bench -- --test` only check that everything runs.
    if std::env::args().any(|argument| argument == "--bench") {
        print_ratios();
    }
    Criterion::default().configure_from_args().final_summary();
}
