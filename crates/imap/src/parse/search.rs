//! SEARCH (RFC 9051, section 9: `search-program`, `search-key`; RFC 3501 for the keys that rev2 dropped).
//!
//! Keys nest in parentheses, NOT and OR. The parser keeps its own stack, at most `nesting_max` high, so no
//! input can exhaust the thread's.

use super::cursor::{Cursor, Result};
use super::datetime::date;
use super::flag::keyword;
use super::sequence;
use super::string::{astring, atom};
use crate::error::ParseErrorKind;
use crate::types::{AString, SearchCommand, SearchKey, SearchReturn};
use alloc::boxed::Box;
use alloc::vec::Vec;

pub(super) fn search(cursor: &mut Cursor<'_>) -> Result<SearchCommand> {
    let mut returns = None;
    if cursor.eat_word("RETURN ") {
        returns = Some(return_options(cursor)?);
        cursor.space("search")?;
    }
    let mut charset = None;
    if cursor.eat_word("CHARSET ") {
        charset = Some(known_charset(cursor)?);
        cursor.space("search-program")?;
    }
    Ok(SearchCommand { returns, charset, keys: keys(cursor)? })
}

fn return_options(cursor: &mut Cursor<'_>) -> Result<Vec<SearchReturn>> {
    let mut options = Vec::new();
    cursor.list("search-return-opts", 0, |cursor| {
        let start = cursor.offset();
        let name = atom(cursor, "search-return-opt")?;
        options.push(match () {
            () if name.is("MIN") => SearchReturn::Min,
            () if name.is("MAX") => SearchReturn::Max,
            () if name.is("ALL") => SearchReturn::All,
            () if name.is("COUNT") => SearchReturn::Count,
            () if name.is("SAVE") => SearchReturn::Save,
            () => return cursor.fail_at(start, "search-return-opt", ParseErrorKind::Unknown),
        });
        Ok(())
    })?;
    Ok(options)
}

fn known_charset(cursor: &mut Cursor<'_>) -> Result<AString> {
    let start = cursor.offset();
    let charset = astring(cursor, "charset")?;
    let named = |name: &str| charset.as_bytes().eq_ignore_ascii_case(name.as_bytes());
    if named("UTF-8") || named("US-ASCII") {
        return Ok(charset);
    }
    cursor.fail_at(start, "charset", ParseErrorKind::Charset)
}

/// A key that waits for the keys inside it.
enum Frame {
    /// A parenthesis, or the whole program at the bottom.
    And(Vec<SearchKey>),
    Not,
    Or(Option<SearchKey>),
}

/// A key that is complete, or the start of one that is not.
enum Token {
    Leaf(SearchKey),
    Open(Frame),
}

fn keys(cursor: &mut Cursor<'_>) -> Result<Vec<SearchKey>> {
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
        Some(b'*' | b'0'..=b'9') => return sequence::set(cursor).map(SearchKey::Sequence).map(Token::Leaf),
        _ => {}
    }
    let name = atom(cursor, "search-key")?;
    if name.is("NOT") {
        cursor.space("search-key")?;
        return Ok(Token::Open(Frame::Not));
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

type Argument = fn(&mut Cursor<'_>) -> Result<SearchKey>;

const WITH_ARGUMENT: [(&str, Argument); 19] = [
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
    ("UID", |c| sequence::set(c).map(SearchKey::Uid)),
    ("UNKEYWORD", |c| keyword(c).map(SearchKey::Unkeyword)),
];

static PLAIN: [(&str, SearchKey); 14] = [
    ("ALL", SearchKey::All),
    ("ANSWERED", SearchKey::Answered),
    ("DELETED", SearchKey::Deleted),
    ("DRAFT", SearchKey::Draft),
    ("FLAGGED", SearchKey::Flagged),
    ("NEW", SearchKey::New),
    ("OLD", SearchKey::Old),
    ("RECENT", SearchKey::Recent),
    ("SEEN", SearchKey::Seen),
    ("UNANSWERED", SearchKey::Unanswered),
    ("UNDELETED", SearchKey::Undeleted),
    ("UNDRAFT", SearchKey::Undraft),
    ("UNFLAGGED", SearchKey::Unflagged),
    ("UNSEEN", SearchKey::Unseen),
];
