//! SEARCH: the tree of keys (RFC 9051, sections 6.4.4 and 9; RFC 3501, section 6.4.4).
//!
//! A tree. The parser bounds its depth, and reading, writing and looking through it keep their own stack. Dropping,
//! cloning and comparing one takes the thread's: whoever builds a deeper tree by hand bounds it himself.

use crate::types::{
    AString, Atom, Date, FetchAttribute, Keyword, ModSeqSearch, ObjectId, PartialRange, SequenceSet,
};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZeroU32;

/// A SEARCH or SORT response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchResponse {
    /// The messages, by number or UID as was asked.
    pub numbers: Vec<NonZeroU32>,
    /// `(MODSEQ n)`: the highest mod-sequence of these messages (RFC 7162).
    pub mod_seq: Option<u64>,
}

/// The arguments of SEARCH.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchCommand {
    /// `RETURN (..)`: answer with ESEARCH; `Some` and empty means ALL (RFC 4731).
    pub returns: Option<Vec<SearchReturn>>,
    /// `CHARSET`: what the strings in the keys are octets of; UTF-8 where it is `None`. Any name, as it
    /// came, and the octets of the strings as they came: whether there is text of it is told by
    /// [`Program::new`](crate::search::Program::new).
    pub charset: Option<AString>,
    /// The keys, all of which must match; a server never sees an empty list.
    pub keys: Vec<SearchKey>,
}

/// `search-return-opt`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SearchReturn {
    /// `MIN`
    Min,
    /// `MAX`
    Max,
    /// `ALL`
    All,
    /// `COUNT`
    Count,
    /// `SAVE` (RFC 5182)
    Save,
    /// `PARTIAL range` (RFC 9394, RFC 5267)
    Partial(PartialRange),
    /// `RELEVANCY` (RFC 6203)
    Relevancy,
    /// `CONTEXT` (RFC 5267): the client will ask for more of the same result.
    Context,
    /// `UPDATE` (RFC 5267): tell when the result changes; with what is to be told of new messages (RFC 5465).
    Update(Vec<FetchAttribute>),
}

/// `search-key`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SearchKey {
    /// `ALL`
    All,
    /// `ANSWERED`
    Answered,
    /// `BCC string`
    Bcc(AString),
    /// `BEFORE date`: the internal date is earlier.
    Before(Date),
    /// `BODY string`
    Body(AString),
    /// `CC string`
    Cc(AString),
    /// `DELETED`
    Deleted,
    /// `DRAFT`
    Draft,
    /// `FLAGGED`
    Flagged,
    /// `FROM string`
    From(AString),
    /// `HEADER field string`; an empty string asks only for the field.
    Header(AString, AString),
    /// `KEYWORD flag`
    Keyword(Keyword),
    /// `LARGER n`: more octets than n.
    Larger(u64),
    /// `NEW` (RFC 3501): recent and not seen.
    New,
    /// `NOT key`
    Not(Box<SearchKey>),
    /// `OLD` (RFC 3501): not recent.
    Old,
    /// `ON date`
    On(Date),
    /// `OR key key`
    Or(Box<SearchKey>, Box<SearchKey>),
    /// `RECENT` (RFC 3501)
    Recent,
    /// `SEEN`
    Seen,
    /// `SENTBEFORE date`: the Date field is earlier.
    SentBefore(Date),
    /// `SENTON date`
    SentOn(Date),
    /// `SENTSINCE date`
    SentSince(Date),
    /// `SINCE date`
    Since(Date),
    /// `SMALLER n`: fewer octets than n.
    Smaller(u64),
    /// `SUBJECT string`
    Subject(AString),
    /// `TEXT string`: header or body.
    Text(AString),
    /// `TO string`
    To(AString),
    /// `UID set`
    Uid(SequenceSet),
    /// `UNANSWERED`
    Unanswered,
    /// `UNDELETED`
    Undeleted,
    /// `UNDRAFT`
    Undraft,
    /// `UNFLAGGED`
    Unflagged,
    /// `UNKEYWORD flag`
    Unkeyword(Keyword),
    /// `UNSEEN`
    Unseen,
    /// A set of message sequence numbers.
    Sequence(SequenceSet),
    /// `(key key ..)`: all match.
    And(Vec<SearchKey>),
    /// `$`, or `UID $`: the result that was saved (RFC 5182).
    Saved,
    /// `OLDER n`: the internal date is at least so many seconds ago (RFC 5032); not zero.
    Older(NonZeroU32),
    /// `YOUNGER n`: the internal date is at most so many seconds ago (RFC 5032); not zero.
    Younger(NonZeroU32),
    /// `MODSEQ n`: the mod-sequence is at least this (RFC 7162).
    ModSeq(ModSeqSearch),
    /// `EMAILID id` (RFC 8474)
    EmailId(ObjectId),
    /// `THREADID id` (RFC 8474)
    ThreadId(ObjectId),
    /// `SAVEDBEFORE date` (RFC 8514)
    SavedBefore(Date),
    /// `SAVEDON date` (RFC 8514)
    SavedOn(Date),
    /// `SAVEDSINCE date` (RFC 8514)
    SavedSince(Date),
    /// `SAVEDATESUPPORTED` (RFC 8514)
    SaveDateSupported,
    /// `FUZZY key` (RFC 6203)
    Fuzzy(Box<SearchKey>),
    /// `FILTER name`: a search stored under this name (RFC 5466).
    Filter(Atom),
    /// `X-GM-RAW query`: Gmail's own language.
    GmRaw(AString),
    /// `X-GM-MSGID n`
    GmMsgId(u64),
    /// `X-GM-THRID n`
    GmThrId(u64),
    /// `X-GM-LABELS label`
    GmLabels(AString),
}

impl SearchKey {
    /// Whether `is` holds for this key or one within it, however deep.
    pub(crate) fn any(&self, is: impl Fn(&Self) -> bool) -> bool {
        let mut left = alloc::vec![self];
        while let Some(key) = left.pop() {
            if is(key) {
                return true;
            }
            match key {
                Self::Not(key) | Self::Fuzzy(key) => left.push(key),
                Self::Or(one, other) => left.extend([&**one, &**other]),
                Self::And(keys) => left.extend(keys),
                _ => {}
            }
        }
        false
    }
}
