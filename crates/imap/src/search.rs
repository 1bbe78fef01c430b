//! Which messages match a SEARCH (RFC 9051 6.4.4), without fetching anything.
//!
//! A command becomes a [`Program`] once; the program is run over what is known of each message. What is not known
//! yet is answered "unknown", and the result is then unknown only where it depends on it: a caller tests with the
//! metadata at hand, loads the header only for the messages still undecided, and the body only after that. Charsets
//! and MIME decoding are the business of whoever implements [`Facts`].

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use crate::types::{AString, Date, Flag, SearchCommand, SearchKey, SequenceSet};

/// What is known of one message. Methods that return an `Option` say `None` for "not loaded yet".
pub trait Facts {
    /// The sequence number.
    fn seq(&self) -> u32;
    /// The UID.
    fn uid(&self) -> u32;
    /// Whether the message has `flag`; `\Recent` is a flag here.
    fn has_flag(&self, flag: &Flag) -> bool;
    /// The day it came in, time and zone disregarded; `None` where no calendar has it.
    fn internal_date(&self) -> Option<Date>;
    /// Its octets.
    fn size(&self) -> u64;
    /// The day its `Date` field names, time and zone disregarded; the inner `None` where there is no such day.
    fn sent_date(&self) -> Option<Option<Date>>;
    /// Whether a header field called `name` has a value that holds `needle`; an empty needle is in every value.
    fn field_contains(&self, name: &str, needle: &Needle) -> Option<bool>;
    /// Whether the text of the body holds `needle`.
    fn body_contains(&self, needle: &Needle) -> Option<bool>;
}

/// A string to look for, made ready for comparison: letters in either case are the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needle(String);

impl Needle {
    /// Looks for `text`.
    pub fn new(text: &str) -> Self {
        Self(fold(text))
    }

    /// Whether it stands in `text`.
    pub fn is_in(&self, text: &str) -> bool {
        self.0.is_empty() || fold(text).contains(&self.0)
    }

    /// Whether it stands in text that [`fold`] has made ready.
    pub fn is_in_folded(&self, folded: &str) -> bool {
        folded.contains(&self.0)
    }
}

/// Text as it is compared: every character in lower case.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        text.chars().flat_map(char::to_lowercase).collect()
    }
}

/// What can make a search impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// A string is not UTF-8, which is the only charset with US-ASCII: BADCHARSET.
    #[error("search string is not UTF-8")]
    Charset,
    /// A key of an extension that is not searched for here.
    #[error("search key of an extension that is not supported")]
    Unsupported,
    /// Keys nest too deeply; the parser's limit is lower.
    #[error("search keys nest deeper than {NESTING_MAX}")]
    Nesting,
}

/// A search, ready to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program(Test);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    Flag(Flag),
    Seq(Vec<RangeInclusive<u32>>),
    Uid(Vec<RangeInclusive<u32>>),
    Received(Days),
    Sent(Days),
    Larger(u64),
    Smaller(u64),
    Field(String, Needle),
    Body(Needle),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Days {
    Before(Date),
    On(Date),
    Since(Date),
}

impl Program {
    /// Makes `command` ready for a mailbox whose largest sequence number and UID are these (0 where it is empty).
    ///
    /// # Errors
    ///
    /// [`SearchError`].
    pub fn new(command: &SearchCommand, largest_seq: u32, largest_uid: u32) -> Result<Self, SearchError> {
        let compiler = Compiler { largest_seq, largest_uid };
        compiler.all(&command.keys, 0).map(Self)
    }

    /// Whether the message matches; `None` when that depends on what is not loaded.
    pub fn test(&self, facts: &impl Facts) -> Option<bool> {
        self.0.run(facts)
    }
}

struct Compiler {
    largest_seq: u32,
    largest_uid: u32,
}

impl Compiler {
    fn all(&self, keys: &[SearchKey], depth: usize) -> Result<Test, SearchError> {
        let mut tests = keys.iter().map(|key| self.one(key, depth)).collect::<Result<Vec<_>, _>>()?;
        // What is at hand is looked at before what has to be loaded.
        tests.sort_by_key(Test::cost);
        Ok(Test::All(tests))
    }

    fn one(&self, key: &SearchKey, depth: usize) -> Result<Test, SearchError> {
        if depth > NESTING_MAX {
            return Err(SearchError::Nesting);
        }
        let deeper = depth.saturating_add(1);
        let not = |test: Test| Test::Not(Box::new(test));
        let flag = Test::Flag;
        Ok(match key {
            SearchKey::All => Test::All(Vec::new()),
            SearchKey::Answered => flag(Flag::Answered),
            SearchKey::Deleted => flag(Flag::Deleted),
            SearchKey::Draft => flag(Flag::Draft),
            SearchKey::Flagged => flag(Flag::Flagged),
            SearchKey::Recent => flag(Flag::Recent),
            SearchKey::Seen => flag(Flag::Seen),
            SearchKey::Keyword(keyword) => flag(Flag::Keyword(keyword.clone())),
            SearchKey::Unanswered => not(flag(Flag::Answered)),
            SearchKey::Undeleted => not(flag(Flag::Deleted)),
            SearchKey::Undraft => not(flag(Flag::Draft)),
            SearchKey::Unflagged => not(flag(Flag::Flagged)),
            SearchKey::Unseen => not(flag(Flag::Seen)),
            SearchKey::Old => not(flag(Flag::Recent)),
            SearchKey::Unkeyword(keyword) => not(flag(Flag::Keyword(keyword.clone()))),
            SearchKey::New => Test::All(Vec::from([flag(Flag::Recent), not(flag(Flag::Seen))])),
            SearchKey::Sequence(set) => Test::Seq(resolve(set, self.largest_seq)),
            SearchKey::Uid(set) => Test::Uid(resolve(set, self.largest_uid)),
            SearchKey::Before(date) => Test::Received(Days::Before(*date)),
            SearchKey::On(date) => Test::Received(Days::On(*date)),
            SearchKey::Since(date) => Test::Received(Days::Since(*date)),
            SearchKey::SentBefore(date) => Test::Sent(Days::Before(*date)),
            SearchKey::SentOn(date) => Test::Sent(Days::On(*date)),
            SearchKey::SentSince(date) => Test::Sent(Days::Since(*date)),
            SearchKey::Larger(size) => Test::Larger(*size),
            SearchKey::Smaller(size) => Test::Smaller(*size),
            SearchKey::Bcc(text) => Test::Field(String::from("bcc"), needle(text)?),
            SearchKey::Cc(text) => Test::Field(String::from("cc"), needle(text)?),
            SearchKey::From(text) => Test::Field(String::from("from"), needle(text)?),
            SearchKey::Subject(text) => Test::Field(String::from("subject"), needle(text)?),
            SearchKey::To(text) => Test::Field(String::from("to"), needle(text)?),
            SearchKey::Header(name, text) => {
                let name = name.to_str().ok_or(SearchError::Charset)?;
                Test::Field(name.to_ascii_lowercase(), needle(text)?)
            }
            SearchKey::Body(text) => Test::Body(needle(text)?),
            SearchKey::Text(text) => {
                // An empty name stands for every field.
                let needle = needle(text)?;
                Test::Any(Vec::from([Test::Field(String::new(), needle.clone()), Test::Body(needle)]))
            }
            SearchKey::Not(key) => not(self.one(key, deeper)?),
            SearchKey::Or(one, other) => {
                Test::Any(Vec::from([self.one(one, deeper)?, self.one(other, deeper)?]))
            }
            SearchKey::And(keys) => self.all(keys, deeper)?,
            SearchKey::Fuzzy(key) => self.one(key, deeper)?,
            SearchKey::Saved
            | SearchKey::Older(_)
            | SearchKey::Younger(_)
            | SearchKey::ModSeq(_)
            | SearchKey::EmailId(_)
            | SearchKey::ThreadId(_)
            | SearchKey::SavedBefore(_)
            | SearchKey::SavedOn(_)
            | SearchKey::SavedSince(_)
            | SearchKey::SaveDateSupported
            | SearchKey::Filter(_)
            | SearchKey::GmRaw(_)
            | SearchKey::GmMsgId(_)
            | SearchKey::GmThrId(_)
            | SearchKey::GmLabels(_) => return Err(SearchError::Unsupported),
        })
    }
}

impl Test {
    fn run(&self, facts: &impl Facts) -> Option<bool> {
        match self {
            Self::All(tests) => decide(tests, facts, false),
            Self::Any(tests) => decide(tests, facts, true),
            Self::Not(test) => test.run(facts).map(|matches| !matches),
            Self::Flag(flag) => Some(facts.has_flag(flag)),
            Self::Seq(ranges) => Some(contains(ranges, facts.seq())),
            Self::Uid(ranges) => Some(contains(ranges, facts.uid())),
            Self::Received(days) => Some(facts.internal_date().is_some_and(|date| days.hold(date))),
            Self::Sent(days) => facts.sent_date().map(|date| date.is_some_and(|date| days.hold(date))),
            Self::Larger(size) => Some(facts.size() > *size),
            Self::Smaller(size) => Some(facts.size() < *size),
            Self::Field(name, needle) => facts.field_contains(name, needle),
            Self::Body(needle) => facts.body_contains(needle),
        }
    }

    /// What has to be loaded: nothing, the header, the body.
    fn cost(&self) -> u8 {
        match self {
            Self::All(tests) | Self::Any(tests) => tests.iter().map(Self::cost).max().unwrap_or_default(),
            Self::Not(test) => test.cost(),
            Self::Sent(_) | Self::Field(..) => 1,
            Self::Body(_) => 2,
            _ => 0,
        }
    }
}

/// Three-valued: one `decisive` result decides, an unknown one leaves the rest unknown unless another decides.
fn decide(tests: &[Test], facts: &impl Facts, decisive: bool) -> Option<bool> {
    let mut known = true;
    for test in tests {
        match test.run(facts) {
            Some(result) if result == decisive => return Some(decisive),
            Some(_) => {}
            None => known = false,
        }
    }
    known.then_some(!decisive)
}

impl Days {
    fn hold(self, date: Date) -> bool {
        match self {
            Self::Before(day) => date < day,
            Self::On(day) => date == day,
            Self::Since(day) => date >= day,
        }
    }
}

fn needle(text: &AString) -> Result<Needle, SearchError> {
    text.to_str().map(Needle::new).ok_or(SearchError::Charset)
}

/// An empty mailbox has no largest number, and `*` names nothing in it.
fn resolve(set: &SequenceSet, largest: u32) -> Vec<RangeInclusive<u32>> {
    if largest == 0 { Vec::new() } else { set.resolve(largest) }
}

fn contains(ranges: &[RangeInclusive<u32>], number: u32) -> bool {
    let after = ranges.partition_point(|range| *range.start() <= number);
    after.checked_sub(1).and_then(|at| ranges.get(at)).is_some_and(|range| range.contains(&number))
}

/// Nesting that a program is made for; parsers refuse less.
const NESTING_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{SequenceNumber, SequenceRange};
    use core::num::NonZeroU32;
    use proptest::prelude::*;

    /// A message of which more and more is loaded.
    struct Message {
        seen: bool,
        subject: Option<&'static str>,
        body: Option<&'static str>,
    }

    impl Facts for Message {
        fn seq(&self) -> u32 {
            3
        }
        fn uid(&self) -> u32 {
            30
        }
        fn has_flag(&self, flag: &Flag) -> bool {
            self.seen && *flag == Flag::Seen
        }
        fn internal_date(&self) -> Option<Date> {
            Date::new(2026, 2, 28).ok()
        }
        fn size(&self) -> u64 {
            100
        }
        fn sent_date(&self) -> Option<Option<Date>> {
            self.subject.map(|_| None)
        }
        fn field_contains(&self, name: &str, needle: &Needle) -> Option<bool> {
            let subject = self.subject?;
            Some((name == "subject" || name.is_empty()) && needle.is_in(subject))
        }
        fn body_contains(&self, needle: &Needle) -> Option<bool> {
            Some(needle.is_in(self.body?))
        }
    }

    const BARE: Message = Message { seen: true, subject: None, body: None };
    const FULL: Message = Message { seen: true, subject: Some("Großer Bär"), body: Some("honey") };

    fn text(text: &'static str) -> AString {
        AString::new(text.as_bytes()).unwrap()
    }

    fn test(keys: Vec<SearchKey>, message: &Message) -> Option<bool> {
        let command = SearchCommand { returns: None, charset: None, keys };
        Program::new(&command, 5, 50).unwrap().test(message)
    }

    #[test]
    fn what_is_not_loaded_matters_only_where_the_result_depends_on_it() {
        let subject = || SearchKey::Subject(text("bär"));
        assert_eq!(test(Vec::from([SearchKey::Unseen, subject()]), &BARE), Some(false));
        assert_eq!(test(Vec::from([SearchKey::Seen, subject()]), &BARE), None);
        assert_eq!(test(Vec::from([SearchKey::Seen, subject()]), &FULL), Some(true));
        let either = SearchKey::Or(Box::new(SearchKey::Seen), Box::new(SearchKey::Body(text("x"))));
        assert_eq!(test(Vec::from([either]), &BARE), Some(true));
    }

    #[test]
    fn letters_match_in_either_case_beyond_ascii() {
        assert_eq!(test(Vec::from([SearchKey::Subject(text("GROßER BÄR"))]), &FULL), Some(true));
        assert_eq!(test(Vec::from([SearchKey::Text(text("HONEY"))]), &FULL), Some(true));
        assert_eq!(test(Vec::from([SearchKey::Text(text("wasps"))]), &FULL), Some(false));
    }

    #[test]
    fn dates_and_sizes_have_the_edges_the_rfc_gives_them() {
        let day = Date::new(2026, 2, 28).unwrap();
        assert_eq!(test(Vec::from([SearchKey::Before(day)]), &BARE), Some(false));
        assert_eq!(test(Vec::from([SearchKey::Since(day)]), &BARE), Some(true));
        assert_eq!(test(Vec::from([SearchKey::On(day)]), &BARE), Some(true));
        assert_eq!(test(Vec::from([SearchKey::Larger(100)]), &BARE), Some(false));
        assert_eq!(test(Vec::from([SearchKey::Smaller(101)]), &BARE), Some(true));
        assert_eq!(test(Vec::from([SearchKey::SentOn(day)]), &FULL), Some(false), "no Date field, no day");
    }

    #[test]
    fn imap_10_an_empty_mailbox_has_no_largest_message() {
        let keys = Vec::from([SearchKey::Sequence(SequenceSet::all())]);
        let command = SearchCommand { returns: None, charset: None, keys };
        assert_eq!(Program::new(&command, 0, 0).unwrap().test(&BARE), Some(false));
    }

    #[test]
    fn rs_02_nesting_beyond_the_limit_is_refused() {
        let deep = (0..5000).fold(SearchKey::All, |key, _| SearchKey::Not(Box::new(key)));
        let command = SearchCommand { returns: None, charset: None, keys: Vec::from([deep]) };
        assert_eq!(Program::new(&command, 1, 1), Err(SearchError::Nesting));
    }

    proptest! {
        #[test]
        fn sets_hold_what_their_ranges_hold(
            ranges in prop::collection::vec((1u32..40, 1u32..40), 1..8), number in 1u32..45,
        ) {
            let number_of = |number| SequenceNumber::Number(NonZeroU32::new(number).unwrap());
            let set = ranges.iter().map(|(a, b)| SequenceRange { start: number_of(*a), end: number_of(*b) });
            let set = SequenceSet::new(set.collect()).unwrap();
            let expected = ranges.iter().any(|(a, b)| (*a.min(b)..=*a.max(b)).contains(&number));
            prop_assert_eq!(contains(&resolve(&set, 40), number), expected);
        }
    }
}
