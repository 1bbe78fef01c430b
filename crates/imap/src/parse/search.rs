//! SEARCH (RFC 9051, section 9: `search-program`, `search-key`; RFC 3501 for the keys that rev2 dropped).
//!
//! Keys nest in parentheses, NOT and OR. The parser keeps its own stack, at most `nesting_max` high, so no
//! input can exhaust the thread's.

use super::cursor::{Cursor, Result};
use super::datetime::date;
use super::fetch::attribute_list;
use super::flag::keyword;
use super::sequence;
use super::string::{astring, atom, gmail_label, object_id, string};
use crate::error::ParseErrorKind;
use crate::types::{
    AString, Atom, Flag, ModSeqEntry, ModSeqScope, ModSeqSearch, SearchCommand, SearchKey, SearchReturn,
};
use alloc::boxed::Box;
use alloc::vec::Vec;

pub(super) fn search(cursor: &mut Cursor<'_>) -> Result<SearchCommand> {
    let returns = return_options(cursor)?;
    let mut charset = None;
    if cursor.eat_word("CHARSET ") {
        charset = Some(self::charset(cursor)?);
        cursor.space("search-program")?;
    }
    Ok(SearchCommand { returns, charset, keys: keys(cursor)? })
}

/// `RETURN (..)` and a space, if it is next.
pub(super) fn return_options(cursor: &mut Cursor<'_>) -> Result<Option<Vec<SearchReturn>>> {
    if !cursor.eat_word("RETURN ") {
        return Ok(None);
    }
    let mut options = Vec::new();
    cursor.list("search-return-opts", 0, |cursor| {
        options.push(return_option(cursor)?);
        Ok(())
    })?;
    cursor.space("search")?;
    Ok(Some(options))
}

fn return_option(cursor: &mut Cursor<'_>) -> Result<SearchReturn> {
    let start = cursor.offset();
    let name = atom(cursor, "search-return-opt")?;
    Ok(match () {
        () if name.is("MIN") => SearchReturn::Min,
        () if name.is("MAX") => SearchReturn::Max,
        () if name.is("ALL") => SearchReturn::All,
        () if name.is("COUNT") => SearchReturn::Count,
        () if name.is("SAVE") => SearchReturn::Save,
        () if name.is("RELEVANCY") => SearchReturn::Relevancy,
        () if name.is("CONTEXT") => SearchReturn::Context,
        () if name.is("PARTIAL") => {
            cursor.space("modifier-partial")?;
            SearchReturn::Partial(sequence::partial_range(cursor)?)
        }
        () if name.is("UPDATE") => {
            // RFC 5465 writes the list without a space and its examples with one.
            let _ = cursor.rest().starts_with(b" (") && cursor.eat(b' ');
            let listed = cursor.peek() == Some(b'(');
            SearchReturn::Update(if listed { attribute_list(cursor)? } else { Vec::new() })
        }
        () => return cursor.fail_at(start, "search-return-opt", ParseErrorKind::Unknown),
    })
}

/// `charset`, known or not. The strings stay octets: only a search makes text of them.
pub(super) fn charset(cursor: &mut Cursor<'_>) -> Result<AString> {
    astring(cursor, "charset")
}

/// A key that waits for the keys inside it.
enum Frame {
    /// A parenthesis, or the whole program at the bottom.
    And(Vec<SearchKey>),
    Not,
    Fuzzy,
    Or(Option<SearchKey>),
}

/// A key that is complete, or the start of one that is not.
enum Token {
    Leaf(SearchKey),
    Open(Frame),
}

/// `search-key *(SP search-key)` to the end of the line.
pub(super) fn keys(cursor: &mut Cursor<'_>) -> Result<Vec<SearchKey>> {
    let mut stack = alloc::vec![Frame::And(Vec::new())];
    let mut count = 0;
    loop {
        cursor.bound(count, cursor.context.limits.list_max, "search-key")?;
        count = count.saturating_add(1);
        match token(cursor)? {
            Token::Leaf(key) => {
                if let Some(keys) = close(cursor, &mut stack, key)? {
                    return Ok(keys);
                }
            }
            Token::Open(frame) => {
                cursor.bound(
                    stack.len(),
                    cursor.context.limits.nesting_max.saturating_add(1),
                    "search-key",
                )?;
                stack.push(frame);
            }
        }
    }
}

/// Puts a complete key where it belongs and goes on to where the next one begins; all keys when none does.
fn close(
    cursor: &mut Cursor<'_>,
    stack: &mut Vec<Frame>,
    mut key: SearchKey,
) -> Result<Option<Vec<SearchKey>>> {
    loop {
        let Some(frame) = stack.pop() else { return cursor.fail("search-key") };
        match frame {
            Frame::Not => key = SearchKey::Not(Box::new(key)),
            Frame::Fuzzy => key = SearchKey::Fuzzy(Box::new(key)),
            Frame::Or(Some(first)) => key = SearchKey::Or(Box::new(first), Box::new(key)),
            Frame::Or(None) => {
                stack.push(Frame::Or(Some(key)));
                break;
            }
            Frame::And(mut keys) => {
                keys.push(key);
                if stack.is_empty() && cursor.is_at_end() {
                    return Ok(Some(keys));
                }
                if stack.is_empty() || !cursor.eat(b')') {
                    stack.push(Frame::And(keys));
                    break;
                }
                key = SearchKey::And(keys);
            }
        }
    }
    cursor.space("search-key")?;
    Ok(None)
}

fn token(cursor: &mut Cursor<'_>) -> Result<Token> {
    let start = cursor.offset();
    match cursor.peek() {
        Some(b'(') => {
            cursor.octet("search-key", b'(')?;
            return Ok(Token::Open(Frame::And(Vec::new())));
        }
        Some(b'$') => {
            cursor.pass();
            return Ok(Token::Leaf(SearchKey::Saved));
        }
        Some(b'*' | b'0'..=b'9') => return sequence::set(cursor).map(SearchKey::Sequence).map(Token::Leaf),
        _ => {}
    }
    let name = atom(cursor, "search-key")?;
    if name.is("NOT") {
        cursor.space("search-key")?;
        return Ok(Token::Open(Frame::Not));
    }
    if name.is("FUZZY") {
        cursor.space("search-key")?;
        return Ok(Token::Open(Frame::Fuzzy));
    }
    if name.is("OR") {
        cursor.space("search-key")?;
        return Ok(Token::Open(Frame::Or(None)));
    }
    if let Some((_, key)) = PLAIN.iter().find(|(known, _)| name.is(known)) {
        return Ok(Token::Leaf(key.clone()));
    }
    let Some((_, argument)) = WITH_ARGUMENT.iter().find(|(known, _)| name.is(known)) else {
        return cursor.fail_at(start, "search-key", ParseErrorKind::Unknown);
    };
    cursor.space("search-key")?;
    argument(cursor).map(Token::Leaf)
}

/// `filter-name = 1*<any ATOM-CHAR except "/">`
fn filter_name(cursor: &mut Cursor<'_>) -> Result<Atom> {
    let start = cursor.offset();
    let name = atom(cursor, "filter-name")?;
    if name.as_bytes().contains(&b'/') {
        return cursor.fail_at(start, "filter-name", ParseErrorKind::Syntax);
    }
    Ok(name)
}

/// `[entry-name SP entry-type-req SP] mod-sequence-valzer`; names are those of flags, in any case.
fn mod_seq(cursor: &mut Cursor<'_>) -> Result<ModSeqSearch> {
    let mut entry = None;
    if cursor.peek() == Some(b'"') {
        let start = cursor.offset();
        let name = string(cursor, "entry-name")?.into_bytes();
        let (prefix, flag) = name.split_at_checked(FLAG_ENTRIES.len()).unwrap_or((&[], &name));
        let flag = Flag::new(name.slice_ref(flag)).ok().filter(Flag::is_settable);
        let Some(flag) = flag.filter(|_| prefix.eq_ignore_ascii_case(FLAG_ENTRIES)) else {
            return cursor.fail_at(start, "entry-flag-name", ParseErrorKind::Syntax);
        };
        cursor.space("search-modseq-ext")?;
        let start = cursor.offset();
        let scope = atom(cursor, "entry-type-req")?;
        let scope = match () {
            () if scope.is("priv") => ModSeqScope::Private,
            () if scope.is("shared") => ModSeqScope::Shared,
            () if scope.is("all") => ModSeqScope::All,
            () => return cursor.fail_at(start, "entry-type-req", ParseErrorKind::Syntax),
        };
        cursor.space("search-modseq-ext")?;
        entry = Some(ModSeqEntry { flag, scope });
    }
    Ok(ModSeqSearch { entry, mod_seq: cursor.mod_seq_or_zero("mod-sequence-valzer")? })
}

/// Where the entry names of flags begin; RFC 7162 has no others.
const FLAG_ENTRIES: &[u8] = b"/flags/";

type Argument = fn(&mut Cursor<'_>) -> Result<SearchKey>;

const WITH_ARGUMENT: [(&str, Argument); 32] = [
    ("EMAILID", |c| object_id(c).map(SearchKey::EmailId)),
    ("FILTER", |c| filter_name(c).map(SearchKey::Filter)),
    ("MODSEQ", |c| mod_seq(c).map(SearchKey::ModSeq)),
    ("OLDER", |c| c.nz_number("OLDER").map(SearchKey::Older)),
    ("SAVEDBEFORE", |c| date(c).map(SearchKey::SavedBefore)),
    ("SAVEDON", |c| date(c).map(SearchKey::SavedOn)),
    ("SAVEDSINCE", |c| date(c).map(SearchKey::SavedSince)),
    ("THREADID", |c| object_id(c).map(SearchKey::ThreadId)),
    ("X-GM-LABELS", |c| gmail_label(c).map(SearchKey::GmLabels)),
    ("X-GM-MSGID", |c| c.number64("X-GM-MSGID").map(SearchKey::GmMsgId)),
    ("X-GM-RAW", |c| astring(c, "X-GM-RAW").map(SearchKey::GmRaw)),
    ("X-GM-THRID", |c| c.number64("X-GM-THRID").map(SearchKey::GmThrId)),
    ("YOUNGER", |c| c.nz_number("YOUNGER").map(SearchKey::Younger)),
    ("BCC", |c| astring(c, "BCC").map(SearchKey::Bcc)),
    ("BEFORE", |c| date(c).map(SearchKey::Before)),
    ("BODY", |c| astring(c, "BODY").map(SearchKey::Body)),
    ("CC", |c| astring(c, "CC").map(SearchKey::Cc)),
    ("FROM", |c| astring(c, "FROM").map(SearchKey::From)),
    ("HEADER", |c| {
        let field = astring(c, "header-fld-name")?;
        c.space("HEADER")?;
        Ok(SearchKey::Header(field, astring(c, "HEADER")?))
    }),
    ("KEYWORD", |c| keyword(c).map(SearchKey::Keyword)),
    ("LARGER", |c| c.number64("LARGER").map(SearchKey::Larger)),
    ("ON", |c| date(c).map(SearchKey::On)),
    ("SENTBEFORE", |c| date(c).map(SearchKey::SentBefore)),
    ("SENTON", |c| date(c).map(SearchKey::SentOn)),
    ("SENTSINCE", |c| date(c).map(SearchKey::SentSince)),
    ("SINCE", |c| date(c).map(SearchKey::Since)),
    ("SMALLER", |c| c.number64("SMALLER").map(SearchKey::Smaller)),
    ("SUBJECT", |c| astring(c, "SUBJECT").map(SearchKey::Subject)),
    ("TEXT", |c| astring(c, "TEXT").map(SearchKey::Text)),
    ("TO", |c| astring(c, "TO").map(SearchKey::To)),
    ("UID", |c| {
        if c.eat(b'$') {
            return Ok(SearchKey::Saved);
        }
        sequence::set(c).map(SearchKey::Uid)
    }),
    ("UNKEYWORD", |c| keyword(c).map(SearchKey::Unkeyword)),
];

static PLAIN: [(&str, SearchKey); 15] = [
    ("ALL", SearchKey::All),
    ("ANSWERED", SearchKey::Answered),
    ("DELETED", SearchKey::Deleted),
    ("DRAFT", SearchKey::Draft),
    ("FLAGGED", SearchKey::Flagged),
    ("NEW", SearchKey::New),
    ("OLD", SearchKey::Old),
    ("RECENT", SearchKey::Recent),
    ("SAVEDATESUPPORTED", SearchKey::SaveDateSupported),
    ("SEEN", SearchKey::Seen),
    ("UNANSWERED", SearchKey::Unanswered),
    ("UNDELETED", SearchKey::Undeleted),
    ("UNDRAFT", SearchKey::Undraft),
    ("UNFLAGGED", SearchKey::Unflagged),
    ("UNSEEN", SearchKey::Unseen),
];
