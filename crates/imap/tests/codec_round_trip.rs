//! Whatever the types can hold, the encoder writes and the parser reads back: every command and every response.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

mod codec_support;

use bytes::{Bytes, BytesMut};
use codec_support::generate::*;
use codec_support::{Framer, SplitLine, client, encoded, on_the_wire};
use core::num::NonZeroU32;
use posthaste_imap::encode::{self, Fragment, LiteralMode};
use posthaste_imap::parse::append::{AppendNext, AppendStep};
use posthaste_imap::parse::fetch::ItemStep;
use posthaste_imap::parse::{self, LiteralMarker, literal_marker};
use posthaste_imap::types::*;
use posthaste_wire::Secret;
use proptest::collection::vec;
use proptest::prelude::*;

proptest! {
    #[test]
    fn every_command_comes_back(tag in tag(), command in command(), context in context()) {
        let fragments = encode::command(&tag, &command, context);
        let line = on_the_wire(&fragments);
        prop_assert!(line.ends_with(b"\r\n"));
        let line = line.slice(..line.len() - 2);
        let mut read_context = ParseContext::server();
        read_context.utf8 = context.utf8;
        let read = parse::command(&line, &read_context).unwrap();
        prop_assert_eq!(&read.tag, &tag);
        prop_assert_eq!(without_mode(read.command), without_mode(command));
        prop_assert_eq!(parse::tag(&line, &read_context).unwrap(), tag);
    }

    #[test]
    fn a_wait_stands_behind_each_synchronising_literal_and_nowhere_else(
        tag in tag(), command in command(), context in context()
    ) {
        let fragments = encode::command(&tag, &command, context);
        for pair in fragments.windows(2) {
            if let [Fragment::Bytes(bytes), Fragment::SyncPoint] = pair {
                let marker = literal_marker(&bytes[..bytes.len() - 2]);
                let LiteralMarker::Literal(header) = marker else { panic!("{marker:?}") };
                prop_assert!(header.synchronising && bytes.ends_with(b"\r\n"));
            }
        }
        if context.literals == LiteralMode::NonSynchronising {
            prop_assert_eq!(fragments.len(), 1);
        }
    }

    #[test]
    fn every_response_comes_back_and_needs_no_repair(response in response(), utf8 in any::<bool>()) {
        let line = encoded(&response, utf8);
        let parsed = parse::response(&line, &client(utf8)).unwrap();
        prop_assert_eq!(parsed.response, response);
        prop_assert!(parsed.repairs.is_empty(), "{:?}", parsed.repairs);
    }

    #[test]
    fn the_name_of_a_code_is_its_first_word(status in status(&[Condition::Ok]), utf8 in any::<bool>()) {
        if let Some(code) = status.code.clone() {
            let line = encoded(&Response::Untagged(status), utf8);
            let written = line.strip_prefix(b"* OK [").unwrap();
            let name = written.split(|octet| matches!(octet, b' ' | b']')).next().unwrap();
            prop_assert_eq!(code.name().as_bytes(), name);
        }
    }

    #[test]
    fn nothing_but_literals_holds_line_ends_or_nul(response in response(), utf8 in any::<bool>()) {
        let line = encoded(&response, utf8);
        let mut rest = &line[..];
        // Walk line by line as a peer's framer does; status lines have no literals.
        while let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
            let LiteralMarker::Literal(header) = literal_marker(&rest[..end]) else { panic!("stray CRLF") };
            prop_assert!(!rest[..end].iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)));
            rest = &rest[end + 2 + usize::try_from(header.len).unwrap()..];
        }
        prop_assert!(!rest.iter().any(|octet| matches!(octet, b'\r' | b'\n' | 0)));
    }

    #[test]
    fn a_row_read_item_by_item_is_the_same_row(number in number(), items in vec(fetch_item(), 1..6)) {
        let wire = encoded(&Response::Fetch(number, items.clone()), false);
        let context = ParseContext::client();
        let mut framer = Framer { wire: wire.clone(), at: 0 };
        let mut line = framer.line();
        let (read_number, mut offset) = parse::fetch::row_start(&line).unwrap();
        prop_assert_eq!(read_number, number.get());
        let mut read = Vec::new();
        loop {
            match parse::fetch::next_item(&line, offset, &context).unwrap() {
                ItemStep::Item { item, next, repairs } => {
                    prop_assert!(repairs.is_empty());
                    offset = next;
                    read.push(item);
                }
                ItemStep::Payload { payload, header } => {
                    let data = framer.octets(header.len);
                    read.push(FetchItem::Payload { payload, data: Some(data) });
                    (line, offset) = (framer.line(), 0);
                }
                ItemStep::NeedLiteral(header) => {
                    let mut longer = line.to_vec();
                    longer.extend_from_slice(b"\r\n");
                    longer.extend_from_slice(&framer.octets(header.len));
                    longer.extend_from_slice(&framer.line());
                    line = longer.into();
                }
                ItemStep::End => break,
                other => panic!("{other:?}"),
            }
        }
        prop_assert_eq!(read, items);
    }

    #[test]
    fn an_append_is_read_up_to_its_message(
        tag in tag(), head in append_head(), len in any::<u64>(), context in context()
    ) {
        let header = LiteralHeader { len, synchronising: true, binary: false };
        let wire = on_the_wire(&encode::append::prefix(&tag, &head, header, context));
        let mut read_context = ParseContext::server();
        read_context.utf8 = context.utf8;
        let mut framer = Framer { wire, at: 0 };
        let mut line = framer.line();
        loop {
            match parse::append::prefix(&line, &read_context).unwrap() {
                AppendStep::Message(read_tag, read_head, read_header) => {
                    prop_assert_eq!((read_tag, read_head, read_header.len), (tag, head, len));
                    break;
                }
                AppendStep::NeedLiteral(header) => {
                    let mut longer = line.to_vec();
                    longer.extend_from_slice(b"\r\n");
                    longer.extend_from_slice(&framer.octets(header.len));
                    longer.extend_from_slice(&framer.line());
                    line = longer.into();
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_follows_a_message_comes_back(
        before in append_data(), flags in flags(), date_time in proptest::option::of(date_time()),
        mut data in append_data(), mut run in catenate_run(), context in context()
    ) {
        let mut read_context = ParseContext::server();
        read_context.utf8 = context.utf8;
        let line = |fragments: &[Fragment]| {
            let wire = on_the_wire(fragments);
            wire.strip_suffix(b"\r\n").map_or(wire.clone(), |line| wire.slice_ref(line))
        };
        let next = |line: &Bytes, offset| parse::append::next(line, offset, &before, &read_context).unwrap();

        let options = AppendOptions { flags, date_time };
        let text = line(&encode::append::next_message(&before, &options, &data, context));
        let AppendNext::Message(read_options, mut read, end) = next(&text, 0) else { panic!() };
        data_without_mode(&mut read);
        data_without_mode(&mut data);
        prop_assert_eq!((read_options, read, end), (options, data, text.len()));

        prop_assert_eq!(next(&line(&encode::append::end(&before, context)), 0), AppendNext::End);

        if matches!(before, AppendData::Catenate(CatenateRun { text: Some(_), .. })) {
            if run.urls.is_empty() && run.text.is_none() {
                run.urls.push(AString::default());
            }
            let text = line(&encode::append::next_parts(&run, context));
            let AppendNext::Parts(mut read, end) = next(&text, 0) else { panic!() };
            read.text.iter_mut().for_each(|header| header.synchronising = true);
            prop_assert_eq!((read, end), (run, text.len()));
            prop_assert_eq!(next(&text, end), AppendNext::End);
        }
    }

    #[test]
    fn sasl_lines_come_back(data in vec(any::<u8>(), 0..60)) {
        let response = SaslResponse::Data(Secret::new(data.clone()));
        let mut out = BytesMut::new();
        encode::authenticate::sasl_response(&mut out, &response);
        prop_assert_eq!(parse::authenticate::sasl_response(&out[..out.len() - 2]).unwrap(), response);
        out.clear();
        encode::authenticate::sasl_challenge(&mut out, &data);
        let parsed = parse::response(&out.freeze().split_to_line(), &ParseContext::client()).unwrap();
        let Response::Continue(text) = parsed.response else { panic!() };
        prop_assert_eq!(parse::authenticate::sasl_challenge(&text).unwrap(), Secret::new(data));
    }

    #[test]
    fn mailbox_names_have_one_spelling(name in "[ -~]{0,12}|\\PC{0,8}|[&a-zA-Z0-9,+/-]{0,10}") {
        let wire = encode_modified_utf7(&name);
        prop_assert!(wire.bytes().all(|octet| matches!(octet, b' '..=b'~')));
        let decoded = decode_modified_utf7(wire.as_bytes());
        prop_assert_eq!(decoded.as_deref(), Some(name.as_str()));
        // Read as wire text, a name either is refused or is written the same way again.
        if let Some(decoded) = decode_modified_utf7(name.as_bytes()) {
            prop_assert_eq!(encode_modified_utf7(&decoded), name);
        }
    }

    #[test]
    fn times_count_seconds_both_ways(time in date_time()) {
        let seconds = time.unix_seconds();
        let back = DateTime::from_unix_seconds(seconds, time.zone_minutes()).unwrap();
        if time.second() < 60 {
            prop_assert_eq!(back, time);
        }
        prop_assert_eq!(back.unix_seconds(), seconds);
    }

    #[test]
    fn sets_resolve_to_what_contains_says(set in sequence_set_below(30), largest in 0_u32..25) {
        let resolved = set.resolve(largest);
        for number in 0..40 {
            prop_assert_eq!(resolved.iter().any(|range| range.contains(&number)), set.contains(number, largest));
            if number > 0 && number <= largest {
                prop_assert_eq!(set.normalised().contains(number, largest), set.contains(number, largest));
            }
        }
        for pair in resolved.windows(2) {
            prop_assert!(*pair[0].end() + 1 < *pair[1].start());
        }
        let text = Bytes::from(set.to_string());
        prop_assert_eq!(parse::sequence::sequence_set(&text, &ParseContext::server()).unwrap(), set);
    }

    #[test]
    fn sets_of_numbers_hold_these_numbers(numbers in vec(1_u32..200, 1..50)) {
        let set = UidSet::from_numbers(numbers.iter().filter_map(|number| NonZeroU32::new(*number)));
        let mut expected = numbers;
        expected.sort_unstable();
        expected.dedup();
        prop_assert_eq!(set.len(), expected.len() as u64);
        prop_assert_eq!(set.iter().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn known_times_have_known_seconds() {
    let time = |date: Date, hour, zone| DateTime::new(date, hour, 0, 0, zone).unwrap();
    assert_eq!(time(Date::new(1970, 1, 1).unwrap(), 0, 0).unix_seconds(), 0);
    assert_eq!(time(Date::new(1970, 1, 1).unwrap(), 0, 60).unix_seconds(), -3600);
    assert_eq!(time(Date::new(2000, 2, 29).unwrap(), 12, 0).unix_seconds(), 951_825_600);
    assert_eq!(time(Date::new(2024, 3, 1).unwrap(), 0, -480).unix_seconds(), 1_709_280_000);
    assert!(
        Date::new(2023, 2, 29).is_err() && Date::new(1900, 2, 29).is_err() && Date::new(1, 0, 1).is_err()
    );
}

#[test]
fn nothing_that_types_refuse_can_be_made() {
    for text in ["", "a b", "a(", "a\r\n", "a\u{7f}", "\u{e9}", "a]", "a\"", "a\\", "%", "*"] {
        assert!(Atom::new(text).is_err() && Keyword::new(text).is_err(), "{text:?}");
        assert!(Capability::new(text).is_err(), "{text:?}");
    }
    for text in ["\\", "\\Seen\r\nA", "a b(", "\\*", "\\\\Seen", "", "NIL)"] {
        assert!(Flag::new(text).is_err(), "{text:?}");
    }
    assert!(AString::new("a\0").is_err() && Mailbox::new("a\r\nb").is_err() && Mailbox::new("a\0").is_err());
    assert!(ListPattern::new("*\n").is_err() && Login::new(AString::default(), Secret::from("\0")).is_err());
    assert!(Section::new(None, Some(SectionText::Mime)).is_err());
    assert!(SequenceSet::new(Vec::new()).is_err() && PartPath::new(Vec::new()).is_err());
    assert_eq!(AString::replacing_nul("a\0b").as_bytes(), b"a?b");
}

/// The mode of a literal is the client's choice at that moment.
fn without_mode(mut command: Command) -> Command {
    let data = match &mut command {
        Command::Append(_, data) => data,
        Command::Replace(_, replace) => &mut replace.data,
        _ => return command,
    };
    data_without_mode(data);
    command
}

fn data_without_mode(data: &mut AppendData) {
    match data {
        AppendData::Literal(header) | AppendData::Utf8(header) => header.synchronising = true,
        AppendData::Catenate(run) => run.text.iter_mut().for_each(|header| header.synchronising = true),
    }
}
