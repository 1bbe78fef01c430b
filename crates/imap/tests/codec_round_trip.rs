//! Whatever the types can hold, the encoder writes and the parser reads back: every command and every response.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code"
)]

use bytes::{Bytes, BytesMut};
use core::num::NonZeroU32;
use posthaste_imap::encode::{self, EncodeContext, Fragment, LiteralMode};
use posthaste_imap::parse::append::AppendStep;
use posthaste_imap::parse::fetch::ItemStep;
use posthaste_imap::parse::{self, LiteralMarker, literal_marker};
use posthaste_imap::types::*;
use posthaste_wire::Secret;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

proptest! {
    #[test]
    fn every_command_comes_back(tag in tag(), command in command(), context in context()) {
        let fragments = encode::command(&tag, &command, context);
        let line = on_the_wire(&fragments);
        let line = line.slice(..line.len() - 2);
        let mut read_context = ParseContext::server();
        read_context.utf8 = context.utf8;
        let read = parse::command(&line, &read_context).unwrap();
        prop_assert_eq!(&read.tag, &tag);
        match (&read.command, &command) {
            // The literal's mode is the client's choice at that moment.
            (Command::Append(head, header), Command::Append(sent, announced)) => {
                prop_assert_eq!(head, sent);
                prop_assert_eq!((header.len, header.binary), (announced.len, announced.binary));
                prop_assert_eq!(header.synchronising, context.literals.waits_for(header.len));
            }
            (read, sent) => prop_assert_eq!(read, sent),
        }
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

// A framer in miniature

struct Framer {
    wire: Bytes,
    at: usize,
}

impl Framer {
    /// Up to the next CRLF, which is passed over, or to the end.
    fn line(&mut self) -> Bytes {
        let rest = self.wire.slice(self.at..);
        let end = rest.windows(2).position(|pair| pair == b"\r\n").unwrap_or(rest.len());
        self.at = (self.at + end + 2).min(self.wire.len());
        rest.slice(..end)
    }

    fn octets(&mut self, len: u64) -> Bytes {
        let start = self.at;
        self.at += usize::try_from(len).unwrap();
        self.wire.slice(start..self.at)
    }
}

trait SplitLine {
    fn split_to_line(&self) -> Bytes;
}

impl SplitLine for Bytes {
    fn split_to_line(&self) -> Bytes {
        self.slice(..self.len() - 2)
    }
}

fn on_the_wire(fragments: &[Fragment]) -> Bytes {
    let bytes = fragments.iter().filter_map(|fragment| match fragment {
        Fragment::Bytes(bytes) => Some(bytes.clone()),
        Fragment::SyncPoint => None,
    });
    bytes.flatten().collect::<Vec<u8>>().into()
}

/// The response without its CRLF.
fn encoded(response: &Response, utf8: bool) -> Bytes {
    let mut out = BytesMut::new();
    encode::response(&mut out, response, EncodeContext { literals: LiteralMode::Synchronising, utf8 });
    assert!(out.ends_with(b"\r\n"));
    out.freeze().split_to_line()
}

fn client(utf8: bool) -> ParseContext {
    let mut context = ParseContext::client();
    context.utf8 = utf8;
    context
}

// Generators. Boxed, because the wide ones are larger as values than the stack of a test thread.

fn context() -> impl Strategy<Value = EncodeContext> {
    let literals = prop_oneof![
        Just(LiteralMode::Synchronising),
        Just(LiteralMode::NonSynchronisingSmall),
        Just(LiteralMode::NonSynchronising)
    ];
    (literals, any::<bool>()).prop_map(|(literals, utf8)| EncodeContext { literals, utf8 })
}

fn tag() -> impl Strategy<Value = Tag> {
    "[a-zA-Z0-9.\\]\\[-]{1,10}".prop_map(|text| Tag::new(text).unwrap())
}

fn atom() -> impl Strategy<Value = Atom> {
    "[a-zA-Z][a-zA-Z0-9.$+=\\[}-]{0,8}".prop_map(|text| Atom::new(text).unwrap())
}

fn capability() -> impl Strategy<Value = Capability> {
    atom().prop_map(|atom| Capability::new(atom.into_bytes()).unwrap())
}

fn keyword() -> impl Strategy<Value = Keyword> {
    "[$a-zA-Z0-9][a-zA-Z0-9]{0,6}".prop_map(|text| Keyword::new(text).unwrap())
}

fn astring() -> BoxedStrategy<AString> {
    prop_oneof![
        "[ -~]{0,12}".prop_map(|text| AString::new(text).unwrap()),
        "[a-z]{1,6}|NIL|nil|\\{5\\}|a\\{3\\+\\}".prop_map(|text| AString::new(text).unwrap()),
        "\\PC{0,6}|[\"\\\\\r\n ]{0,5}".prop_map(|text| AString::new(text).unwrap()),
        vec(1_u8.., 0..10).prop_map(|octets| AString::new(octets).unwrap()),
        (1000_usize..1100).prop_map(|len| AString::new(vec![b'x'; len]).unwrap()),
    ]
    .boxed()
}

fn nstring() -> BoxedStrategy<NString> {
    option::of(astring()).boxed()
}

fn mailbox() -> BoxedStrategy<Mailbox> {
    let name = "[iI][nN]box|[a-z/.]{1,8}|[ -~]{0,10}|\\PC{1,6}|台北&日本語|";
    name.prop_filter_map("control characters", |name| Mailbox::new(name).ok()).boxed()
}

fn pattern() -> impl Strategy<Value = ListPattern> {
    let text = "[*%a-z/]{0,8}|[ -~]{1,8}|é[*%]{1,3}";
    text.prop_filter("INBOX is folded", |text| !text.eq_ignore_ascii_case("inbox"))
        .prop_map(|text| ListPattern::new(text).unwrap())
}

fn number() -> impl Strategy<Value = NonZeroU32> {
    prop_oneof![1_u32..20, 1_u32.., Just(u32::MAX)].prop_map(|number| NonZeroU32::new(number).unwrap())
}

fn sequence_number_below(bound: u32) -> impl Strategy<Value = SequenceNumber> {
    prop_oneof![
        8 => (1..bound).prop_map(|number| SequenceNumber::Number(NonZeroU32::new(number).unwrap())),
        1 => Just(SequenceNumber::Largest)
    ]
}

fn sequence_set_below(bound: u32) -> impl Strategy<Value = SequenceSet> {
    let range = (sequence_number_below(bound), sequence_number_below(bound));
    vec(range.prop_map(|(start, end)| SequenceRange { start, end }), 1..6)
        .prop_map(|ranges| SequenceSet::new(ranges).unwrap())
}

fn sequence_set() -> BoxedStrategy<SequenceSet> {
    sequence_set_below(u32::MAX).boxed()
}

fn uid_set() -> BoxedStrategy<UidSet> {
    vec((number(), number()), 1..5).prop_map(|ends| UidSet::new(ends.into_iter().map(|(a, b)| a..=b))).boxed()
}

fn flag() -> impl Strategy<Value = Flag> {
    prop_oneof![
        Just(Flag::Answered),
        Just(Flag::Flagged),
        Just(Flag::Deleted),
        Just(Flag::Seen),
        Just(Flag::Draft),
        keyword().prop_map(Flag::Keyword),
        "X[a-z]{1,5}".prop_map(|name| Flag::Extension(Keyword::new(name).unwrap())),
    ]
}

fn flags() -> BoxedStrategy<Vec<Flag>> {
    vec(flag(), 0..4).boxed()
}

fn date() -> impl Strategy<Value = Date> {
    (0_u16..10_000, 1_u8..13, 1_u8..32).prop_filter_map("no such day", |(y, m, d)| Date::new(y, m, d).ok())
}

fn date_time() -> impl Strategy<Value = DateTime> {
    (1_u16..9999, 1_u8..13, 1_u8..29, 0_u8..24, 0_u8..60, 0_u8..61, -1439_i16..1440).prop_map(
        |(year, month, day, hour, minute, second, zone)| {
            DateTime::new(Date::new(year, month, day).unwrap(), hour, minute, second, zone).unwrap()
        },
    )
}

fn part() -> impl Strategy<Value = PartPath> {
    vec(number(), 1..5).prop_map(|numbers| PartPath::new(numbers).unwrap())
}

fn section() -> BoxedStrategy<Section> {
    let text = option::of(prop_oneof![
        Just(SectionText::Header),
        Just(SectionText::Text),
        Just(SectionText::Mime),
        vec(astring(), 1..4).prop_map(SectionText::HeaderFields),
        vec(astring(), 1..4).prop_map(SectionText::HeaderFieldsNot),
    ]);
    (option::of(part()), text)
        .prop_filter_map("MIME of the message", |(part, text)| Section::new(part, text).ok())
        .boxed()
}

fn partial() -> impl Strategy<Value = Option<Partial>> {
    option::of((any::<u32>(), number()).prop_map(|(offset, count)| Partial { offset, count }))
}

fn fetch_attribute() -> BoxedStrategy<FetchAttribute> {
    prop_oneof![
        prop::sample::select(vec![
            FetchAttribute::Flags,
            FetchAttribute::Uid,
            FetchAttribute::InternalDate,
            FetchAttribute::Rfc822Size,
            FetchAttribute::Envelope,
            FetchAttribute::Body,
            FetchAttribute::BodyStructure,
            FetchAttribute::Rfc822,
            FetchAttribute::Rfc822Header,
            FetchAttribute::Rfc822Text,
            FetchAttribute::ModSeq,
        ]),
        (section(), partial(), any::<bool>()).prop_map(|(section, partial, peek)| FetchAttribute::Section {
            section,
            partial,
            peek
        }),
        (option::of(part()), partial(), any::<bool>())
            .prop_map(|(part, partial, peek)| FetchAttribute::Binary { part, partial, peek }),
        option::of(part()).prop_map(FetchAttribute::BinarySize),
    ]
    .boxed()
}

fn search_key() -> BoxedStrategy<SearchKey> {
    let leaf = prop_oneof![
        prop::sample::select(vec![
            SearchKey::All,
            SearchKey::Answered,
            SearchKey::Deleted,
            SearchKey::Draft,
            SearchKey::Flagged,
            SearchKey::New,
            SearchKey::Old,
            SearchKey::Recent,
            SearchKey::Seen,
            SearchKey::Unanswered,
            SearchKey::Undeleted,
            SearchKey::Undraft,
            SearchKey::Unflagged,
            SearchKey::Unseen,
        ]),
        (0_usize..7, astring()).prop_map(|(which, text)| match which {
            0 => SearchKey::Bcc(text),
            1 => SearchKey::Body(text),
            2 => SearchKey::Cc(text),
            3 => SearchKey::From(text),
            4 => SearchKey::Subject(text),
            5 => SearchKey::Text(text),
            _ => SearchKey::To(text),
        }),
        (0_usize..6, date()).prop_map(|(which, date)| match which {
            0 => SearchKey::Before(date),
            1 => SearchKey::On(date),
            2 => SearchKey::Since(date),
            3 => SearchKey::SentBefore(date),
            4 => SearchKey::SentOn(date),
            _ => SearchKey::SentSince(date),
        }),
        (astring(), astring()).prop_map(|(field, text)| SearchKey::Header(field, text)),
        keyword().prop_map(SearchKey::Keyword),
        keyword().prop_map(SearchKey::Unkeyword),
        any::<u64>().prop_map(SearchKey::Larger),
        any::<u64>().prop_map(SearchKey::Smaller),
        sequence_set().prop_map(SearchKey::Uid),
        sequence_set().prop_map(SearchKey::Sequence),
    ];
    leaf.prop_recursive(6, 30, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|key| SearchKey::Not(Box::new(key))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| SearchKey::Or(Box::new(a), Box::new(b))),
            vec(inner, 1..4).prop_map(SearchKey::And),
        ]
    })
    .boxed()
}

fn search() -> BoxedStrategy<SearchCommand> {
    let options = vec![
        SearchReturn::Min,
        SearchReturn::Max,
        SearchReturn::All,
        SearchReturn::Count,
        SearchReturn::Save,
    ];
    let charset =
        prop::sample::select(vec!["UTF-8", "us-ascii"]).prop_map(|name| AString::new(name).unwrap());
    (option::of(vec(prop::sample::select(options), 0..4)), option::of(charset), vec(search_key(), 1..4))
        .prop_map(|(returns, charset, keys)| SearchCommand { returns, charset, keys })
        .boxed()
}

fn status_attribute() -> impl Strategy<Value = StatusAttribute> {
    prop::sample::select(vec![
        StatusAttribute::Messages,
        StatusAttribute::Recent,
        StatusAttribute::UidNext,
        StatusAttribute::UidValidity,
        StatusAttribute::Unseen,
        StatusAttribute::Deleted,
        StatusAttribute::Size,
        StatusAttribute::HighestModSeq,
    ])
}

fn list_command() -> BoxedStrategy<ListCommand> {
    let basic = (mailbox(), pattern()).prop_map(|(reference, pattern)| ListCommand {
        style: ListStyle::Basic,
        selection: Vec::new(),
        reference,
        patterns: vec![pattern],
        returns: Vec::new(),
    });
    let selection = prop_oneof![
        Just(vec![]),
        Just(vec![ListSelection::Remote]),
        Just(vec![ListSelection::Subscribed, ListSelection::RecursiveMatch]),
        Just(vec![ListSelection::SpecialUse, ListSelection::Remote]),
    ];
    let returns = vec(
        prop_oneof![
            Just(ListReturn::Subscribed),
            Just(ListReturn::Children),
            Just(ListReturn::SpecialUse),
            vec(status_attribute(), 1..4).prop_map(ListReturn::Status),
        ],
        0..4,
    );
    let extended = (selection, mailbox(), vec(pattern(), 1..4), returns).prop_map(
        |(selection, reference, patterns, returns)| ListCommand {
            style: ListStyle::Extended,
            selection,
            reference,
            patterns,
            returns,
        },
    );
    prop_oneof![basic, extended].boxed()
}

fn id_parameters() -> impl Strategy<Value = IdParameters> {
    let name = "[ -~]{0,30}".prop_map(|text| AString::new(text).unwrap());
    let value = option::of("[ -~]{0,40}".prop_map(|text| AString::new(text).unwrap()));
    vec((name, value), 0..5).prop_map(|pairs| IdParameters::new(pairs).unwrap())
}

fn append_head() -> BoxedStrategy<AppendHead> {
    (mailbox(), flags(), option::of(date_time()))
        .prop_map(|(mailbox, flags, date_time)| AppendHead { mailbox, flags, date_time })
        .boxed()
}

fn addressing() -> impl Strategy<Value = Addressing> {
    prop_oneof![Just(Addressing::Sequence), Just(Addressing::Uid)]
}

fn special_use() -> impl Strategy<Value = SpecialUse> {
    prop::sample::select(SpecialUse::EVERY.to_vec())
}

fn secret() -> impl Strategy<Value = Secret> {
    vec(any::<u8>(), 0..20).prop_map(Secret::new)
}

fn store() -> BoxedStrategy<StoreCommand> {
    let action = prop_oneof![Just(StoreAction::Replace), Just(StoreAction::Add), Just(StoreAction::Remove)];
    let echo = prop_oneof![Just(StoreEcho::Report), Just(StoreEcho::Silent)];
    (sequence_set(), action, echo, flags())
        .prop_map(|(set, action, echo, flags)| StoreCommand { set, action, echo, flags })
        .boxed()
}

fn command() -> BoxedStrategy<Command> {
    let select = || vec(Just(SelectParameter::CondStore), 0..2);
    let header = (any::<u64>(), any::<bool>()).prop_map(|(len, binary)| LiteralHeader {
        len,
        synchronising: true,
        binary,
    });
    prop_oneof![
        prop::sample::select(vec![
            Command::Capability,
            Command::Noop,
            Command::Logout,
            Command::StartTls,
            Command::Namespace,
            Command::Close,
            Command::Unselect,
            Command::Check,
            Command::Expunge,
            Command::Idle,
        ]),
        (astring(), astring()).prop_map(|(user, password)| {
            Command::Login(Login::new(user, Secret::from(password.as_bytes())).unwrap())
        }),
        (atom(), option::of(secret()))
            .prop_map(|(mechanism, initial)| Command::Authenticate(Authenticate { mechanism, initial })),
        id_parameters().prop_map(Command::Id),
        vec(capability(), 1..4).prop_map(Command::Enable),
        list_command().prop_map(Command::List),
        (mailbox(), pattern()).prop_map(|(reference, pattern)| Command::Lsub { reference, pattern }),
        mailbox().prop_map(Command::Subscribe),
        mailbox().prop_map(Command::Unsubscribe),
        (mailbox(), vec(special_use(), 0..3))
            .prop_map(|(mailbox, special_use)| Command::Create(Create { mailbox, special_use })),
        mailbox().prop_map(Command::Delete),
        (mailbox(), mailbox()).prop_map(|(from, to)| Command::Rename { from, to }),
        (mailbox(), vec(status_attribute(), 1..5)).prop_map(|(name, items)| Command::Status(name, items)),
        (mailbox(), select()).prop_map(|(mailbox, parameters)| Command::Select(mailbox, parameters)),
        (mailbox(), select()).prop_map(|(mailbox, parameters)| Command::Examine(mailbox, parameters)),
        sequence_set().prop_map(Command::UidExpunge),
        (append_head(), header).prop_map(|(head, header)| Command::Append(head, header)),
        (addressing(), sequence_set(), vec(fetch_attribute(), 1..5))
            .prop_map(|(addressing, set, items)| Command::Fetch(addressing, set, items)),
        (addressing(), store()).prop_map(|(addressing, store)| Command::Store(addressing, store)),
        (addressing(), sequence_set(), mailbox())
            .prop_map(|(addressing, set, to)| Command::Copy(addressing, set, to)),
        (addressing(), sequence_set(), mailbox())
            .prop_map(|(addressing, set, to)| Command::Move(addressing, set, to)),
        (addressing(), search()).prop_map(|(addressing, search)| Command::Search(addressing, search)),
    ]
    .boxed()
}

fn code() -> BoxedStrategy<ResponseCode> {
    prop_oneof![
        prop::sample::select(vec![
            ResponseCode::Alert,
            ResponseCode::AlreadyExists,
            ResponseCode::AuthenticationFailed,
            ResponseCode::AuthorizationFailed,
            ResponseCode::Cannot,
            ResponseCode::ClientBug,
            ResponseCode::Closed,
            ResponseCode::ContactAdmin,
            ResponseCode::Corruption,
            ResponseCode::Expired,
            ResponseCode::ExpungeIssued,
            ResponseCode::HasChildren,
            ResponseCode::InUse,
            ResponseCode::Limit,
            ResponseCode::NoModSeq,
            ResponseCode::NonExistent,
            ResponseCode::NoPerm,
            ResponseCode::NotSaved,
            ResponseCode::OverQuota,
            ResponseCode::Parse,
            ResponseCode::PrivacyRequired,
            ResponseCode::ReadOnly,
            ResponseCode::ReadWrite,
            ResponseCode::ServerBug,
            ResponseCode::TooBig,
            ResponseCode::TryCreate,
            ResponseCode::UidNotSticky,
            ResponseCode::Unavailable,
            ResponseCode::UnknownCte,
            ResponseCode::UseAttr,
        ]),
        (number(), uid_set()).prop_map(|(uid_validity, uids)| ResponseCode::AppendUid { uid_validity, uids }),
        (number(), uid_set(), uid_set()).prop_map(|(uid_validity, source, target)| {
            ResponseCode::CopyUid { uid_validity, source, target }
        }),
        vec(astring(), 0..3).prop_map(ResponseCode::BadCharset),
        vec(capability(), 0..4).prop_map(ResponseCode::Capability),
        (flags(), any::<bool>()).prop_map(|(flags, new_keywords)| {
            ResponseCode::PermanentFlags(PermanentFlags { flags, new_keywords })
        }),
        any::<u64>().prop_map(ResponseCode::HighestModSeq),
        any::<u64>().prop_map(ResponseCode::UidNext),
        any::<u64>().prop_map(ResponseCode::UidValidity),
        any::<u64>().prop_map(ResponseCode::Unseen),
        ("X-[A-Z]{1,6}", option::of("[!-\\\\^-~]{1,10}")).prop_map(|(name, arguments)| {
            ResponseCode::Other { name: Atom::new(name).unwrap(), arguments: arguments.map(Bytes::from) }
        }),
    ]
    .boxed()
}

/// Codes of a status line hold no literals: these two would need them for strange strings.
fn status(conditions: &'static [Condition]) -> impl Strategy<Value = Status> {
    let plain = code().prop_filter("no literals in status lines", |code| match code {
        ResponseCode::BadCharset(names) => names.iter().all(|name| {
            name.as_bytes().len() < 1000 && name.as_bytes().iter().all(|octet| matches!(octet, b' '..=b'~'))
        }),
        _ => true,
    });
    (prop::sample::select(conditions), option::of(plain), "[!-Z^-~][ -~]{0,20}")
        .prop_filter("ends like a literal", |(_, _, text)| {
            literal_marker(text.as_bytes()) == LiteralMarker::None
        })
        .prop_map(|(condition, code, text)| Status { condition, code, text: text.into() })
}

fn address() -> BoxedStrategy<Address> {
    (nstring(), nstring(), nstring(), nstring())
        .prop_map(|(name, adl, mailbox, host)| Address { name, adl, mailbox, host })
        .boxed()
}

fn envelope() -> BoxedStrategy<Envelope> {
    let list = || vec(address(), 0..3);
    ((nstring(), nstring(), nstring(), nstring()), (list(), list(), list(), list(), list(), list()))
        .prop_map(|((date, subject, in_reply_to, message_id), (from, sender, reply_to, to, cc, bcc))| {
            Envelope { date, subject, from, sender, reply_to, to, cc, bcc, in_reply_to, message_id }
        })
        .boxed()
}

fn parameters() -> BoxedStrategy<Parameters> {
    vec((astring(), astring()), 0..3).boxed()
}

type Tail = (Option<Disposition>, Vec<AString>, NString);

fn extension_tail() -> BoxedStrategy<Tail> {
    let disposition =
        (astring(), parameters()).prop_map(|(kind, parameters)| Disposition { kind, parameters });
    (option::of(disposition), vec(astring(), 0..3), nstring()).boxed()
}

fn body_structure(extended: bool) -> BoxedStrategy<BodyStructure> {
    let part_extension = move || {
        option::of((nstring(), extension_tail()).prop_map(|(md5, (disposition, language, location))| {
            PartExtension { md5, disposition, language, location }
        }))
        .prop_map(move |extension| extension.filter(|_| extended))
        .boxed()
    };
    let fields =
        move || (parameters(), nstring(), nstring(), astring(), any::<u64>(), part_extension()).boxed();
    let part = |kind, (parameters, id, description, encoding, octets, extension)| {
        BodyStructure::Part(BodyPart { kind, parameters, id, description, encoding, octets, extension })
    };
    let basic = ("[A-S]{1,8}|MESSAGE", "[a-z]{1,5}|delivery-status").prop_map(|(media_type, subtype)| {
        BodyKind::Basic {
            media_type: AString::new(media_type).unwrap(),
            subtype: AString::new(subtype).unwrap(),
        }
    });
    let text = (astring(), any::<u64>()).prop_map(|(subtype, lines)| BodyKind::Text { subtype, lines });
    let leaf = (prop_oneof![basic, text], fields()).prop_map(move |(kind, fields)| part(kind, fields));
    leaf.prop_recursive(3, 8, 3, move |inner| {
        let extension = option::of((parameters(), extension_tail()).prop_map(
            |(parameters, (disposition, language, location))| MultipartExtension {
                parameters,
                disposition,
                language,
                location,
            },
        ))
        .prop_map(move |extension| extension.filter(|_| extended))
        .boxed();
        let multipart =
            (vec(inner.clone(), 1..4), astring(), extension).prop_map(|(parts, subtype, extension)| {
                BodyStructure::Multipart(Multipart { parts, subtype, extension })
            });
        let message =
            (prop::sample::select(vec!["RFC822", "global"]), envelope(), inner, any::<u64>(), fields())
                .prop_map(move |(subtype, envelope, body, lines, fields)| {
                    let kind = BodyKind::Message {
                        subtype: AString::new(subtype).unwrap(),
                        envelope: Box::new(envelope),
                        body: Box::new(body),
                        lines,
                    };
                    part(kind, fields)
                });
        prop_oneof![multipart, message]
    })
    .boxed()
}

fn payload() -> BoxedStrategy<FetchItem> {
    let text = prop_oneof![
        (section(), option::of(any::<u32>()))
            .prop_map(|(section, origin)| Payload::Section { section, origin }),
        Just(Payload::Rfc822),
        Just(Payload::Rfc822Header),
        Just(Payload::Rfc822Text),
    ];
    let binary = (option::of(part()), option::of(any::<u32>()))
        .prop_map(|(part, origin)| Payload::Binary { part, origin });
    let data = |octet| option::of(vec(octet, 0..30).prop_map(Bytes::from));
    prop_oneof![
        (text, data((1_u8..).boxed())).prop_map(|(payload, data)| FetchItem::Payload { payload, data }),
        (binary, data(any::<u8>().boxed())).prop_map(|(payload, data)| FetchItem::Payload { payload, data }),
    ]
    .boxed()
}

fn fetch_item() -> BoxedStrategy<FetchItem> {
    prop_oneof![
        vec(prop_oneof![flag(), Just(Flag::Recent)], 0..4).prop_map(FetchItem::Flags),
        number().prop_map(FetchItem::Uid),
        date_time().prop_map(FetchItem::InternalDate),
        any::<u64>().prop_map(FetchItem::Rfc822Size),
        envelope().prop_map(|envelope| FetchItem::Envelope(Box::new(envelope))),
        body_structure(false).prop_map(|body| FetchItem::Body(Box::new(body))),
        body_structure(true).prop_map(|body| FetchItem::BodyStructure(Box::new(body))),
        payload(),
        (option::of(part()), any::<u32>()).prop_map(|(part, size)| FetchItem::BinarySize { part, size }),
        any::<u64>().prop_map(FetchItem::ModSeq),
    ]
    .boxed()
}

fn list_response() -> BoxedStrategy<ListResponse> {
    let attribute = prop_oneof![
        prop::sample::select(vec![
            MailboxAttribute::NoInferiors,
            MailboxAttribute::NoSelect,
            MailboxAttribute::NonExistent,
            MailboxAttribute::HasChildren,
            MailboxAttribute::HasNoChildren,
            MailboxAttribute::Marked,
            MailboxAttribute::Unmarked,
            MailboxAttribute::Subscribed,
            MailboxAttribute::Remote,
        ]),
        special_use().prop_map(MailboxAttribute::SpecialUse),
        "X[a-z]{1,6}".prop_map(|name| MailboxAttribute::named(Atom::new(name).unwrap())),
    ];
    let child_info = vec(Just(Atom::new("SUBSCRIBED").unwrap()), 0..2);
    (vec(attribute, 0..4), delimiter(), mailbox(), child_info, option::of(mailbox()))
        .prop_map(|(attributes, delimiter, mailbox, child_info, old_name)| ListResponse {
            attributes,
            delimiter,
            mailbox,
            child_info,
            old_name,
        })
        .boxed()
}

fn delimiter() -> impl Strategy<Value = Option<char>> {
    option::of(prop::char::range('!', '~'))
}

fn namespaces() -> BoxedStrategy<Namespaces> {
    let namespace = || {
        vec((mailbox(), delimiter()).prop_map(|(prefix, delimiter)| Namespace { prefix, delimiter }), 0..3)
    };
    (namespace(), namespace(), namespace())
        .prop_map(|(personal, other_users, shared)| Namespaces { personal, other_users, shared })
        .boxed()
}

fn esearch() -> BoxedStrategy<EsearchResponse> {
    let fields = (option::of(number()), option::of(number()), option::of(sequence_set()));
    (option::of(tag()), any::<bool>(), fields, option::of(any::<u32>()))
        .prop_map(|(tag, uid, (min, max, all), count)| EsearchResponse {
            tag: tag.map(|tag| AString::new(tag.as_str().to_owned()).unwrap()),
            uid,
            min,
            max,
            all,
            count,
        })
        .boxed()
}

fn response() -> BoxedStrategy<Response> {
    const TAGGED: &[Condition] = &[Condition::Ok, Condition::No, Condition::Bad];
    const UNTAGGED: &[Condition] =
        &[Condition::Ok, Condition::No, Condition::Bad, Condition::PreAuth, Condition::Bye];
    let status_item =
        (status_attribute(), any::<u64>()).prop_map(|(attribute, value)| StatusItem { attribute, value });
    prop_oneof![
        (tag(), status(TAGGED)).prop_map(|(tag, status)| Response::Tagged(tag, status)),
        status(UNTAGGED).prop_map(Response::Untagged),
        "[a-zA-Z0-9+/=]{0,20}".prop_map(|text| Response::Continue(text.into())),
        vec(capability(), 0..5).prop_map(Response::Capability),
        vec(capability(), 0..5).prop_map(Response::Enabled),
        flags().prop_map(Response::Flags),
        list_response().prop_map(Response::List),
        list_response().prop_map(Response::Lsub),
        vec(number(), 0..6).prop_map(Response::Search),
        esearch().prop_map(Response::Esearch),
        (mailbox(), vec(status_item, 0..4)).prop_map(|(mailbox, items)| Response::Status(mailbox, items)),
        any::<u32>().prop_map(Response::Exists),
        any::<u32>().prop_map(Response::Recent),
        number().prop_map(Response::Expunge),
        (number(), vec(fetch_item(), 0..5)).prop_map(|(number, items)| Response::Fetch(number, items)),
        namespaces().prop_map(Response::Namespace),
        id_parameters().prop_map(Response::Id),
        (any::<bool>(), uid_set()).prop_map(|(earlier, uids)| Response::Vanished { earlier, uids }),
    ]
    .boxed()
}
