//! The keys of a search as a program that is run for each message.
//!
//! Negations are moved down to the tests, and the tests of each list are put in order, the cheapest first. What is
//! left is a list of tests, each with the next test for either outcome: running it is one loop, without a stack,
//! however the keys were nested, and making it needs none either. "Unknown" is found by running twice: a result that is the same whether unknown
//! tests hold or not does not depend on them, because no negation is above a test any more.

use alloc::string::String;
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use super::text::Needle;
use crate::charset::Charset;
use crate::types::{
    AString, Date, Flag, ModSeqSearch, ObjectId, SearchCommand, SearchKey, SequenceSet, UidSet,
};

/// What is known of one message. Methods that return an `Option` of an answer say `None` for "not loaded yet".
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
    /// Whether a header field called `name` has a value that holds `needle`; an empty needle is in every value. An
    /// empty name stands for every field with its name, see [`field_contains`](super::field_contains).
    fn field_contains(&self, name: &str, needle: &Needle) -> Option<bool>;
    /// Whether the subject in the envelope holds `needle` (RFC 9051 6.4.4), for who has that at hand and not the header.
    fn subject_contains(&self, needle: &Needle) -> Option<bool> {
        self.field_contains("subject", needle)
    }
    /// Whether the text of the body holds `needle`, see [`BodySearch`](super::BodySearch).
    fn body_contains(&self, needle: &Needle) -> Option<bool>;

    /// When it came in, in seconds since 1970 (RFC 5032). Without it OLDER and YOUNGER match nothing.
    fn received(&self) -> Option<i64> {
        None
    }
    /// Its mod-sequence, or that of the entry that `search` names, where the store has one (RFC 7162 3.1.5).
    fn mod_seq(&self, search: &ModSeqSearch) -> u64 {
        let _ = search;
        0
    }
    /// Its `EMAILID` (RFC 8474).
    fn has_email_id(&self, id: &ObjectId) -> bool {
        let _ = id;
        false
    }
    /// Its `THREADID` (RFC 8474).
    fn has_thread_id(&self, id: &ObjectId) -> bool {
        let _ = id;
        false
    }
    /// The day it was put into the mailbox (RFC 8514); `None` where the mailbox does not keep it, for which the
    /// internal date stands in.
    fn saved_date(&self) -> Option<Date> {
        None
    }
}

/// What a search is about, besides its keys.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The largest sequence number, 0 in an empty mailbox.
    pub largest_seq: u32,
    /// The largest UID, 0 in an empty mailbox.
    pub largest_uid: u32,
    /// What `$` stands for. UIDs of messages that are gone may be in it.
    pub saved: &'a UidSet,
    /// Seconds since 1970.
    pub now: i64,
}

/// What can make a search impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SearchError {
    /// A key of an extension that is not searched for here: FILTER (RFC 5466) and Gmail's own.
    #[error("search key of an extension that is not supported")]
    Unsupported,
    /// The charset is not known, or a string is not text of it: BADCHARSET.
    #[error("search string is not text of a known charset")]
    Charset,
    /// Keys nest too deeply; the parser's limit is lower.
    #[error("search keys nest deeper than {NESTING_MAX}")]
    Nesting,
}

/// What of a message a search may look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// What the store knows without reading it.
    Nothing,
    /// Its header.
    Header,
    /// All of it.
    Body,
}

/// A search, ready to be run.
///
/// ```
/// use posthaste_imap::search::{Facts, Need, Needle, Program, Scope, field_contains};
/// use posthaste_imap::types::{Command, Date, Flag, ParseContext, UidSet};
/// use posthaste_imap::{Bytes, parse};
///
/// /// A message whose header may not have been read yet.
/// struct Known {
///     seen: bool,
///     header: Option<&'static [u8]>,
/// }
///
/// impl Facts for Known {
///     fn has_flag(&self, flag: &Flag) -> bool {
///         *flag == Flag::Seen && self.seen
///     }
///     fn field_contains(&self, name: &str, needle: &Needle) -> Option<bool> {
///         self.header.map(|header| field_contains(header, name, needle))
///     }
///     // ...
/// #   fn seq(&self) -> u32 { 1 }
/// #   fn uid(&self) -> u32 { 1 }
/// #   fn internal_date(&self) -> Option<Date> { None }
/// #   fn size(&self) -> u64 { 0 }
/// #   fn sent_date(&self) -> Option<Option<Date>> { None }
/// #   fn body_contains(&self, _: &Needle) -> Option<bool> { None }
/// }
///
/// let line = Bytes::from_static(b"1 SEARCH SUBJECT rust UNSEEN");
/// let Command::Search(_, command) = parse::command(&line, &ParseContext::server())?.command else { unreachable!() };
/// let saved = UidSet::default();
/// let program = Program::new(&command, &Scope { largest_seq: 1, largest_uid: 1, saved: &saved, now: 0 })?;
/// assert_eq!(program.need(), Need::Header);
/// // For this one the header need not be read; for the other it must.
/// assert_eq!(program.test(&Known { seen: true, header: None }), Some(false));
/// assert_eq!(program.test(&Known { seen: false, header: None }), None);
/// assert_eq!(program.test(&Known { seen: false, header: Some(b"Subject: On Rust\r\n\r\n") }), Some(true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    steps: Vec<Step>,
    first: u32,
    uses_mod_seq: bool,
}

/// One test, and where to go from it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    test: Test,
    negated: bool,
    if_true: u32,
    if_false: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    Seq(Vec<RangeInclusive<u32>>),
    Uid(Vec<RangeInclusive<u32>>),
    Flag(Flag),
    Larger(u64),
    Smaller(u64),
    ModSeq(ModSeqSearch),
    Received(Days),
    Before(i64),
    After(i64),
    Saved(Days),
    SaveDateSupported,
    EmailId(ObjectId),
    ThreadId(ObjectId),
    Sent(Days),
    Subject(Needle),
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
    /// Makes `command` ready.
    ///
    /// # Errors
    ///
    /// [`SearchError`].
    pub fn new(command: &SearchCommand, scope: &Scope<'_>) -> Result<Self, SearchError> {
        let charset = match &command.charset {
            None => Charset::UTF_8,
            Some(name) => Charset::for_strings(name.as_bytes()).ok_or(SearchError::Charset)?,
        };
        let mut compiler = Compiler { scope, charset, uses_mod_seq: false, nodes: Vec::new() };
        let root = compiler.list(&command.keys)?;
        let Compiler { uses_mod_seq, nodes, .. } = compiler;
        let (steps, first) = steps(nodes, root);
        Ok(Self { steps, first, uses_mod_seq })
    }

    /// Whether the message matches; `None` when that depends on what is not loaded.
    pub fn test(&self, facts: &impl Facts) -> Option<bool> {
        let mut unknown = false;
        if self.run(facts, false, &mut unknown) {
            return Some(true);
        }
        if !unknown || !self.run(facts, true, &mut unknown) {
            return Some(false);
        }
        None
    }

    /// What has to be loaded at most.
    pub fn need(&self) -> Need {
        self.steps.iter().map(|step| step.test.need()).max().unwrap_or(Need::Nothing)
    }

    /// Whether MODSEQ is a key: the answer then has a mod-sequence, and CONDSTORE is enabled (RFC 7162 3.1).
    pub fn uses_mod_seq(&self) -> bool {
        self.uses_mod_seq
    }

    /// `unknown_is` is what a test counts as whose outcome is not known.
    fn run(&self, facts: &impl Facts, unknown_is: bool, unknown: &mut bool) -> bool {
        let mut next = self.first;
        // Every step leads to one made before it, so this ends.
        while let Some(step) = usize::try_from(next).ok().and_then(|next| self.steps.get(next)) {
            let holds = match step.test.run(facts) {
                Some(holds) => holds != step.negated,
                None => {
                    *unknown = true;
                    unknown_is
                }
            };
            next = if holds { step.if_true } else { step.if_false };
        }
        next == MATCH
    }
}

/// A key without negations; those inside a list are named by their places, which are before its own.
enum Node {
    Test(Test, Sense),
    List(Join, Vec<usize>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Join {
    All,
    Any,
}

/// Whether a key stands under an odd number of NOT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sense {
    As,
    Not,
}

impl Sense {
    fn turned(self) -> Self {
        match self {
            Self::As => Self::Not,
            Self::Not => Self::As,
        }
    }
}

/// The steps of the key at `root`, and the first of them. No step is before one that it goes on to.
fn steps(mut nodes: Vec<(Node, u8)>, root: usize) -> (Vec<Step>, u32) {
    /// A list of which the last keys have their steps.
    struct Open {
        join: Join,
        left: Vec<usize>,
        if_true: u32,
        if_false: u32,
    }
    let mut steps = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut entered = Some((root, MATCH, MISS));
    // The first step of what was turned into steps last.
    let mut first = MATCH;
    loop {
        if let Some((place, if_true, if_false)) = entered.take() {
            let node = nodes.get_mut(place).map(|(node, _)| core::mem::replace(node, Node::EMPTY));
            match node.unwrap_or(Node::EMPTY) {
                Node::Test(test, sense) => {
                    first = u32::try_from(steps.len()).unwrap_or(MISS);
                    steps.push(Step { test, negated: sense == Sense::Not, if_true, if_false });
                }
                Node::List(join, left) => {
                    // An empty list of ALL holds, of ANY does not.
                    first = if join == Join::All { if_true } else { if_false };
                    open.push(Open { join, left, if_true, if_false });
                }
            }
        }
        let Some(list) = open.last_mut() else { return (steps, first) };
        entered = list.left.pop().map(|place| match list.join {
            Join::All => (place, first, list.if_false),
            Join::Any => (place, list.if_true, first),
        });
        if entered.is_none() {
            open.pop();
        }
    }
}

impl Node {
    const EMPTY: Self = Self::List(Join::All, Vec::new());
}

struct Compiler<'a> {
    scope: &'a Scope<'a>,
    charset: Charset,
    uses_mod_seq: bool,
    /// The keys so far, and what it costs to test each.
    nodes: Vec<(Node, u8)>,
}

/// Keys that are joined and not all read.
struct OpenList<'k> {
    join: Join,
    sense: Sense,
    /// The keys that are left, the first one last.
    left: Vec<&'k SearchKey>,
    places: Vec<usize>,
}

impl Compiler<'_> {
    /// All keys of a command; their place.
    fn list(&mut self, keys: &[SearchKey]) -> Result<usize, SearchError> {
        let left = keys.iter().rev().collect();
        let mut list = OpenList { join: Join::All, sense: Sense::As, left, places: Vec::new() };
        let mut outer: Vec<OpenList<'_>> = Vec::new();
        loop {
            let Some(key) = list.left.pop() else {
                let place = self.joined(list.places, list.join, list.sense);
                match outer.pop() {
                    Some(around) => list = around,
                    None => return Ok(place),
                }
                list.places.push(place);
                continue;
            };
            let (join, sense, left) = match key {
                SearchKey::Not(key) => (Join::All, list.sense.turned(), Vec::from([&**key])),
                SearchKey::Fuzzy(key) => (Join::All, list.sense, Vec::from([&**key])),
                SearchKey::And(keys) => (Join::All, list.sense, keys.iter().rev().collect()),
                SearchKey::Or(one, two) => (Join::Any, list.sense, Vec::from([&**two, &**one])),
                _ => {
                    let place = self.leaf(key, list.sense)?;
                    list.places.push(place);
                    continue;
                }
            };
            if outer.len() >= NESTING_MAX {
                return Err(SearchError::Nesting);
            }
            outer.push(core::mem::replace(&mut list, OpenList { join, sense, left, places: Vec::new() }));
        }
    }

    /// A key that has no keys in it; its place.
    fn leaf(&mut self, key: &SearchKey, sense: Sense) -> Result<usize, SearchError> {
        match key {
            SearchKey::All => Ok(self.joined(Vec::new(), Join::All, sense)),
            SearchKey::New => {
                let recent = self.tested(Test::Flag(Flag::Recent), sense);
                let unseen = self.tested(Test::Flag(Flag::Seen), sense.turned());
                Ok(self.joined(Vec::from([recent, unseen]), Join::All, sense))
            }
            SearchKey::Text(text) => {
                // An empty name stands for every field.
                let needle = self.needle(text)?;
                let field = self.tested(Test::Field(String::new(), needle.clone()), sense);
                let body = self.tested(Test::Body(needle), sense);
                Ok(self.joined(Vec::from([field, body]), Join::Any, sense))
            }
            _ => {
                let (test, is_negation) = self.test(key)?;
                Ok(self.tested(test, if is_negation { sense.turned() } else { sense }))
            }
        }
    }

    fn tested(&mut self, test: Test, sense: Sense) -> usize {
        let cost = test.cost();
        self.nodes.push((Node::Test(test, sense), cost));
        self.nodes.len().saturating_sub(1)
    }

    /// The keys at `places`, joined. Under a NOT the other join is meant (De Morgan).
    fn joined(&mut self, mut places: Vec<usize>, join: Join, sense: Sense) -> usize {
        let join = match (join, sense) {
            (Join::All, Sense::As) | (Join::Any, Sense::Not) => Join::All,
            (Join::Any, Sense::As) | (Join::All, Sense::Not) => Join::Any,
        };
        let cost = |place: &usize| self.nodes.get(*place).map_or(0, |(_, cost)| *cost);
        // What is at hand is looked at before what has to be loaded.
        places.sort_by_key(cost);
        let most = places.last().map_or(0, cost);
        self.nodes.push((Node::List(join, places), most));
        self.nodes.len().saturating_sub(1)
    }

    /// The test of a key that has no keys in it, and whether the key is its negation.
    fn test(&mut self, key: &SearchKey) -> Result<(Test, bool), SearchError> {
        let seconds_ago =
            |seconds: core::num::NonZeroU32| self.scope.now.saturating_sub(i64::from(seconds.get()));
        let test = match key {
            SearchKey::Answered | SearchKey::Unanswered => Test::Flag(Flag::Answered),
            SearchKey::Deleted | SearchKey::Undeleted => Test::Flag(Flag::Deleted),
            SearchKey::Draft | SearchKey::Undraft => Test::Flag(Flag::Draft),
            SearchKey::Flagged | SearchKey::Unflagged => Test::Flag(Flag::Flagged),
            SearchKey::Seen | SearchKey::Unseen => Test::Flag(Flag::Seen),
            SearchKey::Recent | SearchKey::Old => Test::Flag(Flag::Recent),
            SearchKey::Keyword(keyword) | SearchKey::Unkeyword(keyword) => {
                Test::Flag(Flag::Keyword(keyword.clone()))
            }
            SearchKey::Sequence(set) => Test::Seq(resolve(set, self.scope.largest_seq)),
            SearchKey::Uid(set) => Test::Uid(resolve(set, self.scope.largest_uid)),
            SearchKey::Saved => {
                let saved = SequenceSet::from_uids(self.scope.saved);
                Test::Uid(saved.map(|saved| saved.resolve(0)).unwrap_or_default())
            }
            SearchKey::Before(date) => Test::Received(Days::Before(*date)),
            SearchKey::On(date) => Test::Received(Days::On(*date)),
            SearchKey::Since(date) => Test::Received(Days::Since(*date)),
            SearchKey::SentBefore(date) => Test::Sent(Days::Before(*date)),
            SearchKey::SentOn(date) => Test::Sent(Days::On(*date)),
            SearchKey::SentSince(date) => Test::Sent(Days::Since(*date)),
            SearchKey::SavedBefore(date) => Test::Saved(Days::Before(*date)),
            SearchKey::SavedOn(date) => Test::Saved(Days::On(*date)),
            SearchKey::SavedSince(date) => Test::Saved(Days::Since(*date)),
            SearchKey::SaveDateSupported => Test::SaveDateSupported,
            SearchKey::Older(seconds) => Test::Before(seconds_ago(*seconds)),
            SearchKey::Younger(seconds) => Test::After(seconds_ago(*seconds)),
            SearchKey::Larger(size) => Test::Larger(*size),
            SearchKey::Smaller(size) => Test::Smaller(*size),
            SearchKey::ModSeq(search) => {
                self.uses_mod_seq = true;
                Test::ModSeq(search.clone())
            }
            SearchKey::EmailId(id) => Test::EmailId(id.clone()),
            SearchKey::ThreadId(id) => Test::ThreadId(id.clone()),
            SearchKey::Bcc(text) => self.field("bcc", text)?,
            SearchKey::Cc(text) => self.field("cc", text)?,
            SearchKey::From(text) => self.field("from", text)?,
            SearchKey::Subject(text) => Test::Subject(self.needle(text)?),
            SearchKey::To(text) => self.field("to", text)?,
            SearchKey::Header(name, text) => self.field(name.to_str().ok_or(SearchError::Charset)?, text)?,
            SearchKey::Body(text) => Test::Body(self.needle(text)?),
            SearchKey::Filter(_)
            | SearchKey::GmRaw(_)
            | SearchKey::GmMsgId(_)
            | SearchKey::GmThrId(_)
            | SearchKey::GmLabels(_) => return Err(SearchError::Unsupported),
            // Made of other keys; never here.
            SearchKey::All
            | SearchKey::New
            | SearchKey::Text(_)
            | SearchKey::Not(_)
            | SearchKey::Or(..)
            | SearchKey::And(_)
            | SearchKey::Fuzzy(_) => Test::Seq(Vec::new()),
        };
        let is_negation = matches!(
            key,
            SearchKey::Unanswered
                | SearchKey::Undeleted
                | SearchKey::Undraft
                | SearchKey::Unflagged
                | SearchKey::Unseen
                | SearchKey::Old
                | SearchKey::Unkeyword(_)
        );
        Ok((test, is_negation))
    }

    fn field(&self, name: &str, text: &AString) -> Result<Test, SearchError> {
        Ok(Test::Field(name.to_ascii_lowercase(), self.needle(text)?))
    }

    fn needle(&self, text: &AString) -> Result<Needle, SearchError> {
        let text = self.charset.decode_strictly(text.as_bytes()).ok_or(SearchError::Charset)?;
        Ok(Needle::new(&text))
    }
}

impl Test {
    fn run(&self, facts: &impl Facts) -> Option<bool> {
        let received = |days: Days| facts.internal_date().is_some_and(|date| days.hold(date));
        Some(match self {
            Self::Seq(ranges) => contains(ranges, facts.seq()),
            Self::Uid(ranges) => contains(ranges, facts.uid()),
            Self::Flag(flag) => facts.has_flag(flag),
            Self::Larger(size) => facts.size() > *size,
            Self::Smaller(size) => facts.size() < *size,
            Self::ModSeq(search) => facts.mod_seq(search) >= search.mod_seq,
            Self::Received(days) => received(*days),
            Self::Before(moment) => facts.received().is_some_and(|received| received <= *moment),
            Self::After(moment) => facts.received().is_some_and(|received| received >= *moment),
            // RFC 8514 4.3: a mailbox that does not keep the date uses the other.
            Self::Saved(days) => facts.saved_date().map_or_else(|| received(*days), |date| days.hold(date)),
            Self::SaveDateSupported => facts.saved_date().is_some(),
            Self::EmailId(id) => facts.has_email_id(id),
            Self::ThreadId(id) => facts.has_thread_id(id),
            Self::Sent(days) => facts.sent_date()?.is_some_and(|date| days.hold(date)),
            Self::Subject(needle) => facts.subject_contains(needle)?,
            Self::Field(name, needle) => facts.field_contains(name, needle)?,
            Self::Body(needle) => facts.body_contains(needle)?,
        })
    }

    fn need(&self) -> Need {
        match self {
            Self::Sent(_) | Self::Subject(_) | Self::Field(..) => Need::Header,
            Self::Body(_) => Need::Body,
            _ => Need::Nothing,
        }
    }

    fn cost(&self) -> u8 {
        match self {
            Self::Seq(_) | Self::Uid(_) => 0,
            Self::Flag(_) | Self::Larger(_) | Self::Smaller(_) | Self::ModSeq(_) => 1,
            Self::Received(_) | Self::Before(_) | Self::After(_) => 2,
            Self::Saved(_) | Self::SaveDateSupported | Self::EmailId(_) | Self::ThreadId(_) => 3,
            Self::Sent(_) => 4,
            Self::Subject(_) => 5,
            Self::Field(..) => 6,
            Self::Body(_) => 7,
        }
    }
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
/// No step: the message matches.
const MATCH: u32 = u32::MAX;
/// No step: it does not.
const MISS: u32 = MATCH - 1;
