//! Laws of message summaries, over arbitrary octets and over octets that look like MIME.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use bytes::{Bytes, BytesMut};
use posthaste_imap::encode::{self, EncodeContext};
use posthaste_imap::message::{
    Address, Compared, Envelope, FieldChoice, Fields, Kind, Limits, Part, Record, SentDate, StructureForm,
    Summary, chosen_fields, partial, unfold,
};
use posthaste_imap::parse;
use posthaste_imap::types::{AString, FetchItem, ParseContext, PartPath, Section, SectionText};
use proptest::prelude::*;
use std::num::NonZeroU32;

/// Lines that make parsers of MIME work, and some that do not.
fn line() -> impl Strategy<Value = Vec<u8>> {
    const LINES: &[&[u8]] = &[
        b"",
        b"--a",
        b"--b",
        b"--a--",
        b"--b--",
        b"--aa",
        b"--",
        b"----",
        b"--a \t",
        b" continued",
        b"Content-Type: multipart/mixed; boundary=a",
        b"Content-Type: multipart/digest; boundary=\"b\"",
        b"Content-Type: multipart/alternative; boundary=aa (",
        b"Content-Type: multipart/mixed",
        b"content-type: message/rfc822",
        b"Content-Type: message/global; a=b; a=c; =; \"",
        b"Content-Type: text/html; charset=utf-8; name*0*=utf-8''x",
        b"Content-Type: \x00/\xff; \r=\"\\",
        b"Content-Transfer-Encoding: base64",
        b"Content-Transfer-Encoding: (x) QUOTED-PRINTABLE",
        b"Content-Disposition: attachment; filename=\"a\\\"b\"",
        b"Content-Language: en, de (x",
        b"Content-ID: <x@y>",
        b"From: \"A (x\" <a@example.org>, g: b@c, <@r,@s:d@e>;",
        b"To: (abc\\",
        b"Sender: <<<, @, x@y@z, [a], b@[1.2.3.4",
        b"Date: Thu, 29 Feb 2024 23:59:60 -0500 (x",
        b"Subject: =?utf-8?q?x",
        b"no field",
    ];
    prop_oneof![
        8 => prop::sample::select(LINES).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ]
}

fn mime() -> impl Strategy<Value = Vec<u8>> {
    const ENDS: &[&[u8]] = &[b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r", b""];
    let ended = (line(), prop::sample::select(ENDS));
    prop::collection::vec(ended, 0..60)
        .prop_map(|lines| lines.into_iter().flat_map(|(line, end)| [line, end.to_vec()].concat()).collect())
}

fn any_message() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => mime(), 1 => prop::collection::vec(any::<u8>(), 0..400)]
}

fn small_limits() -> impl Strategy<Value = Limits> {
    (0..6_usize, 0..8_usize, 0..80_usize, 0..40_usize, 0..4_usize, 0..4_usize).prop_map(
        |(depth, parts, header, field, params, addresses)| {
            let mut limits = Limits::default();
            limits.depth_max = depth;
            limits.parts_max = parts;
            limits.header_max = header;
            limits.field_max = field;
            limits.params_max = params;
            limits.addresses_max = addresses;
            limits
        },
    )
}

/// Everything that a summary promises, checked without the code that builds it.
fn assert_sound(message: &[u8], summary: &Summary) {
    assert_eq!(summary.octets(), message.len());
    assert_eq!((summary.root().header.start, summary.root().body.end), (0, message.len()));
    let mut seen = 0;
    for (index, part) in summary.parts().enumerate() {
        seen += 1;
        assert_eq!(part.header.end, part.body.start);
        assert!(part.header.start <= part.header.end && part.body.start <= part.body.end);
        let lines = part.body.of(message).iter().filter(|octet| **octet == b'\n').count();
        assert_eq!(part.lines, lines as u64, "part {index}");
        let children: Vec<_> = summary.children(index).collect();
        match part.kind {
            Kind::Leaf => assert!(children.is_empty()),
            Kind::Multipart => assert!(!children.is_empty() && part.media_type == "multipart"),
            Kind::Message => assert!(children.len() == 1 && part.media_type == "message"),
        }
        if part.kind == Kind::Leaf {
            let container = part.media_type == "multipart"
                || (part.media_type == "message" && matches!(&*part.subtype, "rfc822" | "global"));
            assert!(!container, "a leaf is no container");
        }
        let mut end = part.body.start;
        for (child_index, child) in children {
            assert!(child_index > index);
            assert_eq!(child.parent, Some(index));
            assert!(child.span().start >= end && part.body.contains(child.span()));
            assert!(child.span().len() < part.span().len(), "strictly inside");
            end = child.span().end;
        }
        let starts_message = match part.parent {
            None => true,
            Some(parent) => summary.part(parent).unwrap().kind == Kind::Message,
        };
        assert_eq!(part.envelope.is_some(), starts_message);
        assert_clean(part);
    }
    assert_eq!(seen, summary.parts().count());
}

/// No string can break a line of a response.
fn assert_clean(part: &Part) {
    let clean = |octets: &[u8]| assert!(!octets.iter().any(|o| matches!(o, 0 | b'\r' | b'\n')), "{octets:?}");
    for parameter in part.parameters.iter().chain(part.disposition.iter().flat_map(|d| &d.parameters)) {
        clean(parameter.name.as_bytes());
        clean(&parameter.value);
    }
    for string in [&part.id, &part.description, &part.md5, &part.location].into_iter().flatten() {
        clean(string);
    }
    part.languages.iter().for_each(|language| clean(language));
    for token in [&part.media_type, &part.subtype, &part.encoding] {
        assert!(!token.is_empty() && token.bytes().all(|o| o.is_ascii_graphic() && o != b'"'));
    }
    let Some(envelope) = part.envelope.as_deref() else { return };
    for string in [&envelope.date, &envelope.subject, &envelope.in_reply_to, &envelope.message_id] {
        string.iter().for_each(|string| clean(string));
    }
    for list in [&envelope.from, &envelope.own_sender, &envelope.own_reply_to, &envelope.to, &envelope.cc] {
        assert_groups_are_closed(list);
        for address in list {
            match address {
                Address::Mailbox { name, route, mailbox, host } => {
                    name.iter().chain(route).for_each(|string| clean(string));
                    clean(mailbox);
                    clean(host);
                }
                Address::GroupStart(name) => clean(name),
                Address::GroupEnd => {}
            }
        }
    }
}

fn assert_groups_are_closed(list: &[Address]) {
    let mut open = false;
    for address in list {
        match address {
            Address::Mailbox { .. } => {}
            Address::GroupStart(_) => assert!(!std::mem::replace(&mut open, true)),
            Address::GroupEnd => assert!(std::mem::replace(&mut open, false)),
        }
    }
    assert!(!open);
}

/// The octets of a section; `None` as text is all of it.
fn octets(
    message: &[u8],
    summary: &Summary,
    path: &[u32],
    text: impl Into<Option<SectionText>>,
) -> Option<Vec<u8>> {
    let numbers: Vec<_> = path.iter().map(|number| NonZeroU32::new(*number).unwrap()).collect();
    let section = Section::new(PartPath::new(numbers).ok(), text.into()).unwrap();
    summary.section(&section, message).map(std::borrow::Cow::into_owned)
}

/// The paths of all parts that have a number.
fn paths(summary: &Summary) -> Vec<(Vec<u32>, usize)> {
    let mut found = Vec::new();
    for index in 0..summary.parts().count() {
        let mut path = Vec::new();
        let mut at = index;
        while let Some(parent) = summary.part(at).unwrap().parent {
            if summary.part(parent).unwrap().kind == Kind::Multipart {
                let place = summary.children(parent).position(|(child, _)| child == at).unwrap();
                path.push(u32::try_from(place).unwrap() + 1);
            } else if summary.part(at).unwrap().kind != Kind::Multipart {
                path.push(1);
            }
            at = parent;
        }
        if summary.root().kind != Kind::Multipart {
            path.push(1);
        }
        path.reverse();
        // The content of a message that is a multipart has no number of its own.
        let part = summary.part(index).unwrap();
        let in_message = part.parent.is_none_or(|p| summary.part(p).unwrap().kind == Kind::Message);
        if !(in_message && part.kind == Kind::Multipart) {
            found.push((path, index));
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn mbx_10_parts_lie_strictly_inside_their_parents(message in any_message()) {
        assert_sound(&message, &Summary::scan(&message));
    }

    #[test]
    fn limits_hold_and_leave_a_sound_tree(message in any_message(), limits in small_limits()) {
        let summary = Summary::scan_within(&message, &limits);
        assert_sound(&message, &summary);
        prop_assert!(summary.parts().count() <= limits.parts_max.max(1));
        for part in summary.parts() {
            let mut depth = 0;
            let mut at = part;
            while let Some(parent) = at.parent {
                at = summary.part(parent).unwrap();
                depth += 1;
            }
            prop_assert!(depth < limits.depth_max.max(1));
            for list in part.envelope.iter().flat_map(|e| [&e.from, &e.to, &e.cc, &e.own_sender]) {
                prop_assert!(list.len() <= limits.addresses_max);
            }
        }
    }

    #[test]
    fn a_stored_summary_is_the_scanned_one(message in any_message()) {
        let summary = Summary::scan(&message);
        let stored = summary.to_bytes();
        assert_compared(&stored, &summary);
        assert_told(&stored, &summary);
        prop_assert_eq!(Summary::from_bytes(&stored), Some(summary));
        for end in 0..stored.len() {
            prop_assert!(Record::from_bytes(&stored[..end]).is_none());
            prop_assert_eq!(Summary::from_bytes(&stored.slice(..end)), None);
            prop_assert_eq!(Compared::from_bytes(&stored[..end]), None);
        }
        let longer = [&stored[..], b"\0"].concat();
        prop_assert_eq!(Compared::from_bytes(&longer), None);
        prop_assert!(Record::from_bytes(&longer).is_none());
        prop_assert_eq!(Summary::from_bytes(&longer.into()), None);
    }

    #[test]
    fn damaged_stored_summaries_are_refused_or_sound(
        message in mime(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut stored = Summary::scan(&message).to_bytes().to_vec();
        for (index, octet) in changes {
            let at = index.index(stored.len());
            stored[at] = octet;
        }
        let stored = Bytes::from(stored);
        assert_one_line_of_items(&stored);
        if let Some(summary) = Summary::from_bytes(&stored) {
            assert_overview_of(&stored, &summary);
            assert_compared(&stored, &summary);
            assert_told(&stored, &summary);
            prop_assert_eq!(summary.to_bytes(), stored, "one form only");
            for (index, part) in summary.parts().enumerate() {
                assert_clean_links(&summary, index, part);
            }
        }
    }

    #[test]
    fn any_octets_are_a_stored_summary_or_not(mut octets in prop::collection::vec(any::<u8>(), 0..200)) {
        Summary::from_bytes(&octets.clone().into());
        octets.insert(0, 2);
        let octets = Bytes::from(octets);
        Compared::from_bytes(&octets);
        assert_one_line_of_items(&octets);
        if let Some(summary) = Summary::from_bytes(&octets) {
            assert_compared(&octets, &summary);
            assert_told(&octets, &summary);
            prop_assert_eq!(summary.to_bytes(), octets);
        }
    }

    #[test]
    fn sections_make_up_their_messages(message in any_message()) {
        let summary = Summary::scan(&message);
        let octets = |path: &[u32], text: Option<SectionText>| octets(&message, &summary, path, text);
        prop_assert_eq!(octets(&[], None).unwrap(), &message[..]);
        let header = octets(&[], Some(SectionText::Header)).unwrap();
        let text = octets(&[], Some(SectionText::Text)).unwrap();
        prop_assert_eq!([header, text].concat(), &message[..]);
        prop_assert!(octets(&[1], None).is_some(), "each message has a part 1");
        for (path, index) in paths(&summary) {
            let part = summary.part(index).unwrap();
            prop_assert_eq!(&octets(&path, None).unwrap()[..], part.body.of(&message));
            prop_assert_eq!(&octets(&path, Some(SectionText::Mime)).unwrap()[..], part.header.of(&message));
            let header = octets(&path, Some(SectionText::Header));
            prop_assert_eq!(header.is_some(), part.kind == Kind::Message);
            if let Some(header) = header {
                let text = octets(&path, Some(SectionText::Text)).unwrap();
                prop_assert_eq!(&[header, text].concat()[..], part.body.of(&message));
            }
            let siblings = part.parent.map_or(1, |parent| summary.children(parent).count());
            let mut behind = path.clone();
            *behind.last_mut().unwrap() += u32::try_from(siblings).unwrap();
            prop_assert_eq!(octets(&behind, None), None);
        }
    }

    #[test]
    fn chosen_and_other_fields_make_up_the_header(message in any_message()) {
        let summary = Summary::scan(&message);
        let header = summary.root().header.of(&message);
        let names = ["CONTENT-TYPE", "from", ""].map(|name| AString::new(name).unwrap());
        let chosen = chosen_fields(header, &names, FieldChoice::Named);
        let others = chosen_fields(header, &names, FieldChoice::Others);
        let all = chosen_fields(header, &[], FieldChoice::Others);
        prop_assert_eq!(&all[..], header);
        let empty_line = chosen_fields(header, &[], FieldChoice::Named);
        prop_assert!(matches!(&empty_line[..], b"" | b"\n" | b"\r\n"));
        prop_assert_eq!(chosen.len() + others.len(), header.len() + empty_line.len());
        let raw: Vec<u8> = Fields::of(header).flat_map(|field| field.raw.to_vec()).collect();
        prop_assert_eq!([raw, empty_line].concat(), header);
    }

    #[test]
    fn a_partial_is_a_slice(content in prop::collection::vec(any::<u8>(), 0..40), offset: u64, count: u64) {
        for (offset, count) in [(offset, count), (offset % 50, count), (offset % 50, count % 50)] {
            let expected: Vec<u8> =
                (0..).zip(&content).filter(|(at, _)| *at >= offset && at - offset < count).map(|(_, o)| *o).collect();
            prop_assert_eq!(partial(&content, offset, count), expected);
        }
    }

    #[test]
    fn small_readers_are_total(octets in prop::collection::vec(any::<u8>(), 0..200)) {
        let line = unfold(&octets);
        prop_assert!(!line.iter().any(|octet| matches!(octet, 0 | b'\r' | b'\n')));
        prop_assert_eq!(unfold(&line), line.clone());
        assert_groups_are_closed(&Address::parse_list(&octets, 10));
        SentDate::parse(&octets);
        Envelope::read(&octets, &Limits::default());
    }

    #[test]
    fn dates_and_days_agree(day in -700_000_i64..2_000_000, second in 0..86_400_i64, zone in -1439_i16..=1439) {
        // A day counted the slow way.
        let (mut year, mut rest) = (1970_i64, day);
        let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = |year| if leap(year) { 366 } else { 365 };
        while rest < 0 {
            year -= 1;
            rest += length(year);
        }
        while rest >= length(year) {
            rest -= length(year);
            year += 1;
        }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let lengths = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let mut month = 0;
        while rest >= lengths[month] {
            rest -= lengths[month];
            month += 1;
        }
        let text = format!(
            "{} {} {year:04} {:02}:{:02}:{:02} {}{:02}{:02}",
            rest + 1, months[month], second / 3600, second / 60 % 60, second % 60,
            if zone < 0 { '-' } else { '+' }, zone.abs() / 60, zone.abs() % 60,
        );
        let date = SentDate::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(date.unix_seconds, day * 86_400 + second - i64::from(zone) * 60);
        prop_assert_eq!(date.local_day(), day);
    }
}

#[test]
fn mbx_10_a_part_that_ends_in_its_header_stays_inside() {
    // The line end before the outer delimiter is the one behind the inner delimiter, or that of a header.
    for between in
        ["", "A: b\r\n", "\r\n", "Content-Type: message/rfc822\r\n\r\n", "Content-Type: message/rfc822\r\n"]
    {
        for inner in ["multipart/mixed; boundary=i\r\n\r\n--i\r\n", "message/rfc822\r\n\r\n"] {
            let message = format!(
                "Content-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\nContent-Type: {inner}{between}--o\r\n\r\n--o--"
            );
            let summary = Summary::scan(message.as_bytes());
            assert_sound(message.as_bytes(), &summary);
            assert!(summary.parts().count() >= 4, "{message}");
            assert_eq!(Summary::from_bytes(&summary.to_bytes()), Some(summary));
        }
    }
}

#[test]
fn every_change_of_an_octet_is_refused_or_sound() {
    let message =
        b"From: g: a@b;\r\nContent-Type: multipart/mixed; boundary=o\r\n\r\n--o\r\n\r\nx\r\n--o\r\n\
        Content-Type: message/rfc822\r\nContent-Language: de\r\n\r\nSubject: s\r\n\r\nbody\r\n--o--\r\n";
    let stored = Summary::scan(message).to_bytes().to_vec();
    let mut sound = 0;
    for at in 0..stored.len() {
        for octet in 0..=255 {
            let mut changed = stored.clone();
            changed[at] = octet;
            let changed = Bytes::from(changed);
            let compared = Compared::from_bytes(&changed).is_some();
            let Some(summary) = Summary::from_bytes(&changed) else { continue };
            sound += 1;
            assert!(compared, "what is sound is read without the parts too");
            assert_compared(&changed, &summary);
            assert_told(&changed, &summary);
            assert_eq!(summary.to_bytes(), changed);
            assert_overview_of(&changed, &summary);
            for (index, part) in summary.parts().enumerate() {
                assert_clean_links(&summary, index, part);
            }
        }
    }
    assert!(sound > stored.len(), "letters may change");
}

/// A record tells on the wire, octet for octet, what its summary tells.
fn assert_told(stored: &[u8], summary: &Summary) {
    let record = Record::from_bytes(stored).expect("what is a summary is a record");
    assert_eq!(record.preview(), summary.preview());
    for context in [false, true].map(|utf8| EncodeContext { utf8, ..EncodeContext::default() }) {
        let item = |item: FetchItem| written(|out| encode::fetch::item(out, &item, context));
        let envelope = written(|out| encode::fetch::envelope(out, &record, context));
        assert_eq!(envelope, item(FetchItem::Envelope(Box::new(summary.envelope().into()))));
        let structure = |form| written(|out| encode::fetch::structure(out, &record, form, context));
        let body = Box::new(summary.body_structure(StructureForm::Plain));
        assert_eq!(structure(StructureForm::Plain), item(FetchItem::Body(body)));
        let body = Box::new(summary.body_structure(StructureForm::Extended));
        assert_eq!(structure(StructureForm::Extended), item(FetchItem::BodyStructure(body)));
    }
}

/// Whatever a damaged record tells, the client can read it, and what follows it.
fn assert_one_line_of_items(stored: &[u8]) {
    let Some(record) = Record::from_bytes(stored) else { return };
    let context = EncodeContext::default();
    let row = written(|out| {
        encode::fetch::row_start(out, NonZeroU32::MIN);
        encode::fetch::envelope(out, &record, context);
        encode::fetch::separator(out);
        encode::fetch::structure(out, &record, StructureForm::Extended, context);
        encode::fetch::row_end(out);
    });
    assert!(!row.contains(&0));
    let row = row.slice(..row.len() - 2);
    parse::response(&row, &ParseContext::client()).expect("a row");
}

fn written(write: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut out = BytesMut::new();
    write(&mut out);
    out.freeze()
}

/// The overview is read later than the rest, and is what the octets say.
fn assert_overview_of(stored: &[u8], summary: &Summary) {
    let overview = summary.overview().to_bytes();
    let octets = &overview[1..];
    assert!(stored.windows(octets.len()).any(|window| window == octets), "{summary:?}");
}

/// What is read without the parts is what the whole summary says.
fn assert_compared(stored: &[u8], summary: &Summary) {
    let compared = Compared::from_bytes(stored).unwrap();
    let envelope = summary.envelope();
    assert_eq!((compared.subject, compared.sent), (envelope.subject.as_deref(), envelope.sent()));
    assert_eq!(compared.overview, summary.overview());
    for text in [compared.subject.unwrap_or_default(), compared.overview.subject.as_bytes()] {
        assert!(!text.iter().any(|octet| matches!(octet, b'\r' | b'\n' | b'\0')));
    }
}

fn assert_clean_links(summary: &Summary, index: usize, part: &Part) {
    for (child_index, child) in summary.children(index) {
        assert!(child_index > index);
        assert!(part.body.contains(child.span()) && child.span().len() < part.span().len());
    }
    assert_clean(part);
}
