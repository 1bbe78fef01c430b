//! Properties of the codec of `posthaste-imap`: nothing panics, and what is read, written and read again is the same.

use bytes::{Bytes, BytesMut};
use posthaste_imap::encode::{self, EncodeContext, Fragment, LiteralMode};
use posthaste_imap::parse::{self, LiteralMarker, literal_marker};
use posthaste_imap::server::{Config, Server, TlsOffer};
use posthaste_imap::types::{
    AppendData, Command, FetchItem, ParseContext, Response, SequenceNumber, SequenceSet, Tag,
    decode_modified_utf7, encode_modified_utf7,
};
use posthaste_imap::{Security, Step, Time};

use crate::plan::Plan;

/// A command: the first octet says whether UTF-8 is enabled, the rest is the line with its literals inline.
pub fn imap_command(input: &[u8]) {
    let Some((flags, line)) = input.split_first() else { return };
    let mut context = ParseContext::server();
    context.utf8 = flags & 1 == 1;
    let line = Bytes::copy_from_slice(line);
    let _ = parse::command::name(&line, &context);
    let _ = parse::append::prefix(&line, &context);
    let Ok(read) = parse::command(&line, &context) else { return };
    assert_eq!(parse::tag(&line, &context).as_ref(), Ok(&read.tag), "the tag alone reads differently");
    let written = written(&read.tag, &read.command, context.utf8);
    let again = parse::command(&written, &context);
    let again = again.unwrap_or_else(|error| panic!("{}: {error}", written.escape_ascii()));
    assert_eq!(without_mode(again.command), without_mode(read.command), "a command did not come back");
}

/// A response: the first octet says whether UTF-8 is enabled, the rest is the line with its literals inline.
pub fn imap_response(input: &[u8]) {
    let Some((flags, line)) = input.split_first() else { return };
    let mut context = ParseContext::client();
    context.utf8 = flags & 1 == 1;
    let line = Bytes::copy_from_slice(line);
    if let Some((_, mut offset)) = parse::fetch::row_start(&line) {
        // Item by item: each step goes on.
        while let Ok(parse::fetch::ItemStep::Item { next, .. }) =
            parse::fetch::next_item(&line, offset, &context)
        {
            assert!(next > offset, "an item took nothing");
            offset = next;
        }
    }
    let Ok(first) = parse::response(&line, &context) else { return };
    // What cannot be written is left out the first time; from then on nothing changes any more.
    let Some(second) = rewritten(&first.response, &context) else { return };
    let Some(third) = rewritten(&second, &context) else { return };
    assert_eq!(second, third, "a response did not come back");
}

/// Framing: a server that is not answered says and hears the same, however its input is cut.
pub fn imap_frame(input: &[u8]) {
    let Some(plan) = Plan::read(input).filter(|plan| !plan.octets.is_empty()) else { return };
    let whole = serve(std::iter::once(plan.octets));
    assert_eq!(serve(plan.pieces().into_iter()), whole, "the session depends on the split");
    assert_eq!(serve(plan.octets.chunks(1)), whole, "the session depends on the split");
    for line in plan.octets.split(|octet| *octet == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if let LiteralMarker::Literal(header) = literal_marker(line) {
            assert!(line.ends_with(b"}"), "a literal out of nothing");
            assert_eq!(header.synchronising, !line.ends_with(b"+}"), "the mode was misread");
        }
    }
}

/// BODYSTRUCTURE: the value of one item in a row.
pub fn imap_body_structure(input: &[u8]) {
    let line = [b"* 1 FETCH (UID 5 BODYSTRUCTURE ", input, b")"].concat();
    let context = ParseContext::client();
    let Ok(parsed) = parse::response(&Bytes::from(line), &context) else { return };
    let Response::Fetch(number, items) = parsed.response else { panic!("a row became something else") };
    assert!(matches!(items.first(), Some(FetchItem::Uid(_))), "the UID is lost");
    if let Some(body @ FetchItem::BodyStructure(_)) = items.get(1) {
        let row = Response::Fetch(number, vec![body.clone()]);
        assert_eq!(rewritten(&row, &context), Some(row), "a structure did not come back");
    }
}

/// Modified UTF-7: one spelling for each name.
pub fn imap_mutf7(input: &[u8]) {
    if let Some(name) = decode_modified_utf7(input) {
        assert_eq!(encode_modified_utf7(&name).as_bytes(), input, "two spellings of one name");
    }
    if let Ok(name) = std::str::from_utf8(input) {
        let wire = encode_modified_utf7(name);
        assert!(wire.bytes().all(|octet| matches!(octet, b' '..=b'~')), "not printable ASCII");
        assert_eq!(decode_modified_utf7(wire.as_bytes()).as_deref(), Some(name), "a name did not come back");
    }
}

/// Sequence sets: the first octet is a length to split at.
pub fn imap_sequence_set(input: &[u8]) {
    let Some((length, text)) = input.split_first() else { return };
    let context = ParseContext::server();
    let read = |text: &[u8]| parse::sequence::sequence_set(&Bytes::copy_from_slice(text), &context);
    let Ok(set) = read(text) else { return };
    assert_eq!(read(set.to_string().as_bytes()).as_ref(), Ok(&set), "a set did not come back");
    let normal = set.normalised();
    for (largest, number) in [(9, 3), (9, 9), (200, 77), (u32::MAX, u32::MAX), (u32::MAX, 1)] {
        assert_eq!(set.contains(number, largest), normal.contains(number, largest), "a number changed sides");
    }
    assert_eq!(normal.normalised(), normal, "normal is not normal");
    let length = usize::from(*length);
    let pieces = set.split(length);
    for piece in &pieces {
        let is_single = piece.ranges().len() == 1;
        assert!(is_single || piece.to_string().len() <= length, "a piece is too long");
    }
    let ranges: Vec<_> = pieces.iter().flat_map(SequenceSet::ranges).copied().collect();
    assert_eq!(ranges, set.ranges(), "a range got lost");
    assert!(set.has_largest() || !ranges.iter().any(|range| range.end == SequenceNumber::Largest));
}

/// The keys of a SEARCH.
pub fn imap_search(input: &[u8]) {
    imap_command(&[b"\0a SEARCH ", input].concat());
}

/// As a client with LITERAL+ writes it, without the CR LF.
fn written(tag: &Tag, command: &Command, utf8: bool) -> Bytes {
    let context = EncodeContext { literals: LiteralMode::NonSynchronising, utf8 };
    let fragments = encode::command(tag, command, context);
    let octets = fragments.iter().flat_map(|fragment| match fragment {
        Fragment::Bytes(octets) => octets.to_vec(),
        Fragment::SyncPoint => panic!("a wait where none is due"),
    });
    let octets: Vec<u8> = octets.collect();
    Bytes::copy_from_slice(octets.strip_suffix(b"\r\n").unwrap())
}

/// Whether the sender of a literal waits is decided anew each time it is written.
fn without_mode(mut command: Command) -> Command {
    let data = match &mut command {
        Command::Append(_, data) => data,
        Command::Replace(_, replace) => &mut replace.data,
        _ => return command,
    };
    match data {
        AppendData::Literal(header) | AppendData::Utf8(header) => header.synchronising = true,
        AppendData::Catenate(run) => run.text.iter_mut().for_each(|header| header.synchronising = true),
    }
    command
}

/// The response as it reads after it was written; `None` where there is nothing to write.
fn rewritten(response: &Response, context: &ParseContext) -> Option<Response> {
    let mut out = BytesMut::new();
    encode::response(
        &mut out,
        response,
        EncodeContext { literals: LiteralMode::Synchronising, utf8: context.utf8 },
    );
    if out.is_empty() {
        return None;
    }
    let line = Bytes::copy_from_slice(out.strip_suffix(b"\r\n").unwrap());
    let parsed = parse::response(&line, context);
    Some(parsed.unwrap_or_else(|error| panic!("{}: {error}", line.escape_ascii())).response)
}

/// What a server says and tells until it waits for its application or is over.
fn serve<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<String>, Vec<u8>) {
    let now = Time::default();
    let mut config = Config::new("mail.example.org");
    // What is sent ahead of the answer to STARTTLS is a matter of when it came.
    config.tls = TlsOffer::Absent;
    let mut server = Server::new(config, Security::Local, now);
    let (mut told, mut said) = (Vec::new(), Vec::new());
    'pieces: for piece in pieces {
        server.handle_input(now, piece);
        loop {
            match server.poll_event() {
                Ok(Step::Event(event)) => {
                    // Every connection has a number of its own.
                    let text = format!("{event:?}");
                    told.push(text.split("ticket").next().unwrap_or_default().to_owned());
                }
                Ok(Step::NeedInput) => break,
                Ok(_) => break 'pieces,
                Err(error) => {
                    told.push(error.to_string());
                    break 'pieces;
                }
            }
        }
    }
    while let Some(octets) = server.poll_transmit() {
        said.extend_from_slice(&octets);
    }
    (told, said)
}
