//! SEARCH against the plain meaning of its keys, its answers against lists, and text that comes in pieces.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::num::NonZeroU32;

use posthaste_imap::encode::{self, EncodeContext, Fragment};
use posthaste_imap::message::{Envelope, Limits, Summary};
use posthaste_imap::search::{
    BodySearch, Facts, Hit, Need, Needle, Program, Scope, SearchAnswer, SearchError, TextSearch,
    field_contains, saved_by, value_contains,
};
use posthaste_imap::types::{
    AString, Addressing, Command, Date, Flag, Keyword, ModSeqEntry, ModSeqScope, ModSeqSearch, ObjectId,
    PartialEnd, PartialRange, SearchCommand, SearchKey, SearchReturn, SequenceNumber, SequenceRange,
    SequenceSet, Tag, UidSet,
};
use proptest::prelude::*;

/// A message of which more and more is loaded.
#[derive(Clone, Debug)]
struct Message {
    seq: u32,
    flags: u8,
    day: u8,
    size: u64,
    sent: Option<u8>,
    subject: &'static str,
    body: &'static str,
    has_header: bool,
    has_body: bool,
    saved: Option<u8>,
}

const FLAGS: [Flag; 6] =
    [Flag::Answered, Flag::Deleted, Flag::Draft, Flag::Flagged, Flag::Recent, Flag::Seen];

fn day(day: u8) -> Date {
    Date::new(2026, 2, day).unwrap()
}

impl Facts for Message {
    fn seq(&self) -> u32 {
        self.seq
    }
    fn uid(&self) -> u32 {
        self.seq * 10
    }
    fn has_flag(&self, flag: &Flag) -> bool {
        FLAGS.iter().zip(0..).any(|(known, bit)| known == flag && self.flags >> bit & 1 == 1)
    }
    fn internal_date(&self) -> Option<Date> {
        Some(day(self.day))
    }
    fn size(&self) -> u64 {
        self.size
    }
    fn sent_date(&self) -> Option<Option<Date>> {
        self.has_header.then(|| self.sent.map(day))
    }
    fn field_contains(&self, name: &str, needle: &Needle) -> Option<bool> {
        self.has_header.then(|| (name == "subject" || name.is_empty()) && needle.is_in(self.subject))
    }
    fn body_contains(&self, needle: &Needle) -> Option<bool> {
        self.has_body.then(|| needle.is_in(self.body))
    }
    fn received(&self) -> Option<i64> {
        Some(i64::from(self.day) * 1000)
    }
    fn mod_seq(&self, _search: &ModSeqSearch) -> u64 {
        self.size
    }
    fn has_email_id(&self, id: &ObjectId) -> bool {
        id.as_str() == "M1"
    }
    fn saved_date(&self) -> Option<Date> {
        self.saved.map(day)
    }
}

fn message() -> impl Strategy<Value = Message> {
    let word = prop::sample::select(&["", "Großer Bär", "honey", "a"][..]);
    let first = (1_u32..8, any::<u8>(), 1_u8..6, 0_u64..6, prop::option::of(1_u8..6));
    (first, word.clone(), word, any::<bool>(), any::<bool>(), prop::option::of(1_u8..6)).prop_map(
        |((seq, flags, day, size, sent), subject, body, has_header, has_body, saved)| Message {
            seq,
            flags,
            day,
            size,
            sent,
            subject,
            body,
            has_header,
            has_body,
            saved,
        },
    )
}

fn text(text: &str) -> AString {
    AString::new(text.as_bytes().to_vec()).unwrap()
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn range(one: u32, other: u32) -> SequenceSet {
    let end = |end| NonZeroU32::new(end).map_or(SequenceNumber::Largest, SequenceNumber::Number);
    SequenceSet::new(vec![SequenceRange { start: end(one), end: end(other) }]).unwrap()
}

fn key() -> impl Strategy<Value = SearchKey> {
    let word = prop::sample::select(&["", "BÄR", "hon", "x"][..]).prop_map(text);
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
            SearchKey::Saved,
            SearchKey::SaveDateSupported,
            SearchKey::EmailId(ObjectId::new("M1").unwrap()),
            SearchKey::ThreadId(ObjectId::new("T1").unwrap()),
            SearchKey::Unkeyword(Keyword::new("k").unwrap()),
        ]),
        (0_u32..9, 0_u32..9).prop_map(|(one, other)| SearchKey::Sequence(range(one, other))),
        (0_u32..90, 0_u32..90).prop_map(|(one, other)| SearchKey::Uid(range(one, other))),
        (1_u8..6).prop_map(|at| SearchKey::Before(day(at))),
        (1_u8..6).prop_map(|at| SearchKey::On(day(at))),
        (1_u8..6).prop_map(|at| SearchKey::SentSince(day(at))),
        (1_u8..6).prop_map(|at| SearchKey::SavedOn(day(at))),
        (1_u32..6).prop_map(|at| SearchKey::Older(number(at * 1000))),
        (1_u32..6).prop_map(|at| SearchKey::Younger(number(at * 1000))),
        (0_u64..6).prop_map(SearchKey::Larger),
        (0_u64..6).prop_map(|mod_seq| SearchKey::ModSeq(ModSeqSearch { entry: None, mod_seq })),
        word.clone().prop_map(SearchKey::Subject),
        word.clone().prop_map(SearchKey::To),
        word.clone().prop_map(SearchKey::Body),
        word.prop_map(SearchKey::Text),
    ];
    leaf.prop_recursive(5, 40, 4, |key| {
        prop_oneof![
            key.clone().prop_map(|key| SearchKey::Not(Box::new(key))),
            key.clone().prop_map(|key| SearchKey::Fuzzy(Box::new(key))),
            (key.clone(), key.clone()).prop_map(|(one, other)| SearchKey::Or(Box::new(one), Box::new(other))),
            prop::collection::vec(key, 0..4).prop_map(SearchKey::And),
        ]
    })
}

const NOW: i64 = 6000;

/// The meaning of a key; `None` where it depends on what is not loaded.
fn model(key: &SearchKey, message: &Message) -> Option<bool> {
    let flag = |flag| message.has_flag(&flag);
    let needle = |text: &AString| Needle::new(text.to_str().unwrap());
    Some(match key {
        SearchKey::All => true,
        SearchKey::Answered => flag(Flag::Answered),
        SearchKey::Deleted => flag(Flag::Deleted),
        SearchKey::Draft => flag(Flag::Draft),
        SearchKey::Flagged => flag(Flag::Flagged),
        SearchKey::New => flag(Flag::Recent) && !flag(Flag::Seen),
        SearchKey::Old => !flag(Flag::Recent),
        SearchKey::Recent => flag(Flag::Recent),
        SearchKey::Seen => flag(Flag::Seen),
        SearchKey::Unanswered => !flag(Flag::Answered),
        SearchKey::Undeleted => !flag(Flag::Deleted),
        SearchKey::Undraft => !flag(Flag::Draft),
        SearchKey::Unflagged => !flag(Flag::Flagged),
        SearchKey::Unseen => !flag(Flag::Seen),
        SearchKey::Unkeyword(_) => true,
        SearchKey::Saved => [20, 30].contains(&message.uid()),
        SearchKey::SaveDateSupported => message.saved.is_some(),
        SearchKey::EmailId(_) => true,
        SearchKey::ThreadId(_) => false,
        SearchKey::Sequence(set) => set.contains(message.seq, 8),
        SearchKey::Uid(set) => set.contains(message.uid(), 80),
        SearchKey::Before(at) => day(message.day) < *at,
        SearchKey::On(at) => day(message.day) == *at,
        SearchKey::SentSince(at) => message.sent_date()?.is_some_and(|sent| sent >= *at),
        SearchKey::SavedOn(at) => day(message.saved.unwrap_or(message.day)) == *at,
        SearchKey::Older(seconds) => i64::from(message.day) * 1000 <= NOW - i64::from(seconds.get()),
        SearchKey::Younger(seconds) => i64::from(message.day) * 1000 >= NOW - i64::from(seconds.get()),
        SearchKey::Larger(size) => message.size > *size,
        SearchKey::ModSeq(search) => message.size >= search.mod_seq,
        SearchKey::Subject(text) => message.field_contains("subject", &needle(text))?,
        SearchKey::To(text) => message.field_contains("to", &needle(text))?,
        SearchKey::Body(text) => message.body_contains(&needle(text))?,
        SearchKey::Text(text) => {
            return either(&[
                message.field_contains("", &needle(text)),
                message.body_contains(&needle(text)),
            ]);
        }
        SearchKey::Not(key) => !model(key, message)?,
        SearchKey::Fuzzy(key) => model(key, message)?,
        SearchKey::Or(one, other) => return either(&[model(one, message), model(other, message)]),
        SearchKey::And(keys) => {
            let negated: Vec<_> = keys.iter().map(|key| model(key, message).map(|holds| !holds)).collect();
            !either(&negated)?
        }
        other => panic!("{other:?}"),
    })
}

fn either(results: &[Option<bool>]) -> Option<bool> {
    if results.contains(&Some(true)) {
        return Some(true);
    }
    (!results.contains(&None)).then_some(false)
}

fn program(keys: Vec<SearchKey>) -> Result<Program, SearchError> {
    let saved = UidSet::from_numbers([number(20), number(30)]);
    let scope = Scope { largest_seq: 8, largest_uid: 80, saved: &saved, now: NOW };
    Program::new(&SearchCommand { returns: None, charset: None, keys }, &scope)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_program_says_what_its_keys_mean(key in key(), message in message()) {
        let expected = model(&key, &message);
        let program = program(vec![key]).unwrap();
        prop_assert_eq!(program.test(&message), expected);
        // What it says it needs is enough.
        let need = program.need();
        let loaded = Message { has_header: need >= Need::Header, has_body: need >= Need::Body, ..message };
        prop_assert!(program.test(&loaded).is_some());
    }

    #[test]
    fn answers_are_those_of_lists(
        found in prop::collection::btree_map(1_u32..60, 1_u64..100, 0..30),
        options in prop::collection::vec(0_usize..6, 0..5),
        (newest, first, last) in (any::<bool>(), 1_u32..40, 1_u32..40),
    ) {
        let hits: Vec<Hit> = found
            .iter()
            .map(|(uid, mod_seq)| Hit { number: number(*uid), uid: number(*uid), mod_seq: *mod_seq })
            .collect();
        let end = if newest { PartialEnd::Newest } else { PartialEnd::Oldest };
        let range = PartialRange::new(end, number(first), number(last));
        let known = [
            SearchReturn::Min, SearchReturn::Max, SearchReturn::All, SearchReturn::Count, SearchReturn::Save,
            SearchReturn::Partial(range),
        ];
        let returns: Vec<SearchReturn> = options.into_iter().map(|option| known[option].clone()).collect();
        let has = |option: SearchReturn| returns.contains(&option);
        let answer = SearchAnswer::new(&hits, &returns, true);
        let uids: Vec<u32> = found.keys().copied().collect();
        prop_assert_eq!(answer.min.map(NonZeroU32::get), uids.first().copied().filter(|_| has(SearchReturn::Min)));
        prop_assert_eq!(answer.max.map(NonZeroU32::get), uids.last().copied().filter(|_| has(SearchReturn::Max)));
        prop_assert_eq!(answer.count, has(SearchReturn::Count).then_some(u32::try_from(uids.len()).unwrap()));
        let set = |uids: &[u32]| SequenceSet::from_numbers(uids.iter().copied().map(number));
        let wants_all = returns.is_empty() || has(SearchReturn::All);
        prop_assert_eq!(answer.all, set(&uids).filter(|_| wants_all));
        let part = &uids[range.places(uids.len())];
        let wants_part = has(SearchReturn::Partial(range));
        prop_assert_eq!(answer.partial, wants_part.then(|| (range, set(part))));
        // RFC 5182 2.4, RFC 9394 3.2.
        let mut saved: Vec<u32> = Vec::new();
        let by_end = has(SearchReturn::Min) || has(SearchReturn::Max);
        if has(SearchReturn::All) || has(SearchReturn::Count) || (!by_end && !wants_part) {
            saved.clone_from(&uids);
        } else {
            saved.extend(part.iter().filter(|_| wants_part));
            saved.extend(uids.first().filter(|_| has(SearchReturn::Min)));
            saved.extend(uids.last().filter(|_| has(SearchReturn::Max)));
        }
        saved.sort_unstable();
        saved.dedup();
        let mod_seq = saved.iter().map(|uid| found[uid]).max();
        prop_assert_eq!(answer.mod_seq, mod_seq);
        let expected = UidSet::from_numbers(saved.into_iter().map(number));
        prop_assert_eq!(saved_by(&hits, &returns), has(SearchReturn::Save).then_some(expected));
    }

    #[test]
    fn text_is_found_however_it_is_cut(
        text in "[abÄßé ]{0,30}", needle in "[aAbBäß]{0,3}", cuts in prop::collection::vec(0_usize..30, 0..5),
    ) {
        let needle = Needle::new(&needle);
        let mut search = TextSearch::new(&needle);
        let characters: Vec<char> = text.chars().collect();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(characters.len())).collect();
        cuts.sort_unstable();
        cuts.push(characters.len());
        let mut start = 0;
        for cut in cuts {
            search.push(&characters[start..cut].iter().collect::<String>());
            start = cut;
        }
        prop_assert_eq!(search.is_found(), needle.is_in(&text));
    }

    #[test]
    fn a_body_is_searched_however_it_is_cut(cut in 1_usize..200, needle in "[a-h ]{0,4}") {
        let summary = Summary::scan(NESTED);
        let needle = Needle::new(&needle);
        let mut search = BodySearch::new(&summary, &needle);
        let found = NESTED.chunks(cut).any(|piece| search.push(piece)) || search.finish();
        prop_assert_eq!(found, BodySearch::run(&summary, NESTED, &needle));
        let text = ["caf\u{e9} ", "hello deaf", "Subject: caged"].iter().any(|text| needle.is_in(text));
        prop_assert!(found || !text);
    }
}

const NESTED: &[u8] = b"Subject: outer\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\npreamble zebra\r\n\
    --x\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9 \r\nau=\r\nlait\r\n\
    --x\r\nContent-Type: message/rfc822\r\n\r\nSubject: =?utf-8?q?cag?= =?utf-8?q?ed?=\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8g\r\nZGVhZg==\r\n\
    --x\r\nContent-Type: image/png\r\nX: quagga\r\n\r\nwalrus\r\n--x--\r\n";

#[test]
fn bodies_are_searched_as_readers_see_them() {
    let summary = Summary::scan(NESTED);
    let finds = |needle: &str| BodySearch::run(&summary, NESTED, &Needle::new(needle));
    for needle in ["CAFÉ", "aulait", "hello deaf", "subject: caged", ""] {
        assert!(finds(needle), "{needle}");
    }
    for needle in ["=E9", "outer", "zebra", "quagga", "walrus", "aGVs"] {
        assert!(!finds(needle), "{needle}");
    }
}

#[test]
fn fields_are_searched_decoded() {
    let header = b"Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\nTo: x\r\n y\r\nX-Empty:\r\n\r\n";
    let finds = |name: &str, needle: &str| field_contains(header, name, &Needle::new(needle));
    assert!(finds("SUBJECT", "grüße"));
    assert!(finds("to", "x y"));
    assert!(finds("x-empty", "") && !finds("x-absent", "") && !finds("x-empty", "a"));
    assert!(finds("", "TO: X") && finds("", "") && !finds("", "=?"));
}

proptest! {
    /// What an envelope has of a subject says the same as the field does.
    #[test]
    fn the_subject_of_an_envelope_is_searched_as_its_field_is(
        pieces in prop::collection::vec(prop::sample::select(&SUBJECT_PIECES[..]), 0..12),
        needle in prop::collection::vec(prop::sample::select(&SUBJECT_PIECES[..]), 0..3),
    ) {
        let header = format!("To: x\r\nSubject:{}\r\nFrom: y\r\n\r\n", pieces.concat());
        let needle = Needle::new(&needle.concat());
        let envelope = Envelope::read(header.as_bytes(), &Limits::default());
        let subject = envelope.subject.unwrap();
        prop_assert_eq!(
            value_contains(&subject, &needle),
            field_contains(header.as_bytes(), "subject", &needle),
            "{}", subject.escape_ascii()
        );
    }
}

const SUBJECT_PIECES: [&str; 14] = [
    " ",
    "\t",
    "\r\n ",
    "\r\n\t ",
    "a",
    "re: b",
    "=?utf-8?q?=C3=A9?=",
    "=?utf-8?q?caf=C3?=",
    "=?utf-8?q?=A9?=",
    "=?x?q?a?=",
    "=?iso-8859-1?b?4Q==?=",
    "\u{e9}",
    "=?",
    "  ",
];

#[test]
fn imap_11_charsets_are_known_or_refused() {
    let saved = UidSet::default();
    let scope = Scope { largest_seq: 0, largest_uid: 0, saved: &saved, now: i64::MIN };
    let command = |charset: Option<&str>, octets: &[u8]| SearchCommand {
        returns: None,
        charset: charset.map(text),
        keys: vec![
            SearchKey::Subject(AString::new(octets.to_vec()).unwrap()),
            SearchKey::Older(NonZeroU32::MAX),
        ],
    };
    assert_eq!(Program::new(&command(Some("x"), b"a"), &scope), Err(SearchError::Charset));
    assert_eq!(Program::new(&command(None, b"\xff"), &scope), Err(SearchError::Charset));
    assert_eq!(Program::new(&command(Some("iso-2022-kr"), b"a"), &scope), Err(SearchError::Charset));
    let latin = Program::new(&command(Some("iso-8859-1"), b"\xe9"), &scope).unwrap();
    assert_eq!(latin, Program::new(&command(None, "é".as_bytes()), &scope).unwrap());
}

#[test]
fn imap_10_an_empty_mailbox_has_no_largest_message() {
    let saved = UidSet::default();
    let scope = Scope { largest_seq: 0, largest_uid: 0, saved: &saved, now: 0 };
    for key in [SearchKey::Sequence(SequenceSet::all()), SearchKey::Uid(range(0, 0)), SearchKey::Saved] {
        let command = SearchCommand { returns: None, charset: None, keys: vec![key] };
        let message = Message {
            seq: 1,
            flags: 0,
            day: 1,
            size: 0,
            sent: None,
            subject: "",
            body: "",
            has_header: false,
            has_body: false,
            saved: None,
        };
        assert_eq!(Program::new(&command, &scope).unwrap().test(&message), Some(false));
    }
}

#[test]
fn imap_07_nesting_beyond_the_limit_is_refused() {
    let deep = (0..5000).fold(SearchKey::All, |key, _| SearchKey::Not(Box::new(key)));
    assert_eq!(program(vec![deep]), Err(SearchError::Nesting));
}

/// The keys of extensions as they are sent; their grammar is read elsewhere.
#[test]
fn keys_of_extensions_are_written_as_their_rfcs_say() {
    let entry = ModSeqEntry { flag: Flag::Draft, scope: ModSeqScope::All };
    let keys = vec![
        SearchKey::Saved,
        SearchKey::Older(number(5)),
        SearchKey::ModSeq(ModSeqSearch { entry: Some(entry), mod_seq: 620_162_338 }),
        SearchKey::Fuzzy(Box::new(SearchKey::Not(Box::new(SearchKey::SavedOn(day(1)))))),
        SearchKey::EmailId(ObjectId::new("M_1-x").unwrap()),
        SearchKey::SaveDateSupported,
    ];
    let partial = SearchReturn::Partial(PartialRange::new(PartialEnd::Newest, number(100), number(1)));
    let search = SearchCommand { returns: Some(vec![partial, SearchReturn::Save]), charset: None, keys };
    let command = Command::Search(Addressing::Uid, search);
    let fragments = encode::command(&Tag::new("a").unwrap(), &command, EncodeContext::default());
    let line: Vec<u8> = fragments.iter().filter_map(bytes).flatten().copied().collect();
    fn bytes(fragment: &Fragment) -> Option<&[u8]> {
        if let Fragment::Bytes(bytes) = fragment { Some(bytes) } else { None }
    }
    let expected = "a UID SEARCH RETURN (PARTIAL -1:-100 SAVE) $ OLDER 5 MODSEQ \"/flags/\\\\draft\" all 620162338 \
        FUZZY NOT SAVEDON 1-Feb-2026 EMAILID M_1-x SAVEDATESUPPORTED\r\n";
    assert_eq!(String::from_utf8(line).unwrap(), expected);
}
