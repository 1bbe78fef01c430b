//! Responses, as a client reads them (RFC 9051, section 9: `response`; lenient).

use super::cursor::{Cursor, Result};
use super::string::astring;
use super::{
    acl, batches, capability, code, esearch, fetch, flag, id, language, list, mailbox, metadata, namespace,
    quota, sequence, status, thread, urlauth,
};
use crate::error::ParseError;
use crate::types::{Condition, ParseContext, Parsed, Repairs, Response, SearchResponse, Status};
use bytes::Bytes;
use core::num::NonZeroU32;

/// Reads a complete response; in a FETCH row all payloads are inline.
///
/// # Errors
/// When it is neither a continuation request nor tagged nor untagged, or when the data of a known untagged
/// response cannot be read. Unknown untagged responses are [`Response::Other`].
pub fn response(line: &Bytes, context: &ParseContext) -> core::result::Result<Parsed, ParseError> {
    Cursor::lenient(line, context).parse(|cursor| {
        let response = match cursor.peek() {
            Some(b'+') => continuation(cursor),
            Some(b'*') => untagged(cursor)?,
            _ => tagged(cursor)?,
        };
        cursor.end("response")?;
        Ok(Parsed { response, repairs: cursor.repairs })
    })
}

fn tagged(cursor: &mut Cursor<'_>) -> Result<Response> {
    let tag = super::tag::tag(cursor)?;
    cursor.space("response-tagged")?;
    match condition(cursor) {
        Some(condition @ (Condition::Ok | Condition::No | Condition::Bad)) => {
            Ok(Response::Tagged(tag, code::status(cursor, condition)))
        }
        _ => cursor.fail("resp-cond-state"),
    }
}

fn continuation(cursor: &mut Cursor<'_>) -> Response {
    cursor.eat(b'+');
    if !cursor.eat(b' ') {
        cursor.repair(Repairs::MISSING_TEXT);
    }
    let start = cursor.offset();
    cursor.seek(usize::MAX);
    Response::Continue(cursor.since(start))
}

/// `OK`, `NO`, `BAD`, `PREAUTH` or `BYE` as a whole word.
fn condition(cursor: &mut Cursor<'_>) -> Option<Condition> {
    let start = cursor.offset();
    let word = cursor.run("resp-cond-state", |octet| octet.is_ascii_alphabetic()).ok()?;
    let known = CONDITIONS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name.as_bytes()));
    match known {
        Some((_, condition)) if matches!(cursor.peek(), None | Some(b' ')) => Some(*condition),
        _ => {
            cursor.seek(start);
            None
        }
    }
}

const CONDITIONS: [(&str, Condition); 5] = [
    ("OK", Condition::Ok),
    ("NO", Condition::No),
    ("BAD", Condition::Bad),
    ("PREAUTH", Condition::PreAuth),
    ("BYE", Condition::Bye),
];

fn untagged(cursor: &mut Cursor<'_>) -> Result<Response> {
    cursor.octet("response-data", b'*')?;
    cursor.space("response-data")?;
    let start = cursor.offset();
    match cursor.peek() {
        Some(b'0'..=b'9') => return numbered(cursor),
        Some(b'[') => {
            // A code without its condition, sent by servers that forget the OK.
            cursor.repair(Repairs::MALFORMED_CODE);
            return Ok(Response::Untagged(code::status(cursor, Condition::Ok)));
        }
        _ => {}
    }
    if let Some(condition) = condition(cursor) {
        let status: Status = code::status(cursor, condition);
        return Ok(Response::Untagged(status));
    }
    let name = cursor.run("response-data", |octet| !matches!(octet, b' ' | b'\r' | b'\n' | 0))?;
    if let Some((_, read)) = UNTAGGED.iter().find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes())) {
        return read(cursor);
    }
    Ok(other(cursor, start))
}

fn other(cursor: &mut Cursor<'_>, start: usize) -> Response {
    cursor.seek(usize::MAX);
    Response::Other(cursor.since(start))
}

/// `number SP "EXISTS"` and its kind.
fn numbered(cursor: &mut Cursor<'_>) -> Result<Response> {
    let start = cursor.offset();
    let number = cursor.number("message-data")?;
    cursor.space("message-data")?;
    let word = cursor.run("message-data", |octet| octet.is_ascii_alphabetic())?;
    let named = |known: &str| word.eq_ignore_ascii_case(known.as_bytes());
    match (NonZeroU32::new(number), ()) {
        (_, ()) if named("EXISTS") => Ok(Response::Exists(number)),
        (_, ()) if named("RECENT") => Ok(Response::Recent(number)),
        (Some(number), ()) if named("EXPUNGE") => Ok(Response::Expunge(number)),
        (Some(number), ()) if named("FETCH") => {
            cursor.space("message-data")?;
            cursor.octet("msg-att", b'(')?;
            Ok(Response::Fetch(number, fetch::row(cursor)?))
        }
        (Some(uid), ()) if named("UIDFETCH") => {
            cursor.space("uidfetch-resp")?;
            cursor.octet("msg-att", b'(')?;
            Ok(Response::UidFetch(uid, fetch::row(cursor)?))
        }
        (number, ()) => {
            if number.is_none() {
                cursor.repair(Repairs::ODD_NUMBER);
            }
            Ok(other(cursor, start))
        }
    }
}

type Data = fn(&mut Cursor<'_>) -> Result<Response>;

const UNTAGGED: [(&str, Data); 26] = [
    ("CAPABILITY", |c| capability::capabilities(c).map(Response::Capability)),
    ("ENABLED", |c| capability::capabilities(c).map(Response::Enabled)),
    ("FLAGS", |c| {
        c.space("mailbox-data")?;
        flag::reported_flags(c).map(Response::Flags)
    }),
    ("LIST", |c| {
        c.space("mailbox-data")?;
        list::response(c).map(Response::List)
    }),
    ("LSUB", |c| {
        c.space("mailbox-data")?;
        list::response(c).map(Response::Lsub)
    }),
    ("SEARCH", |c| search(c).map(Response::Search)),
    ("SORT", |c| search(c).map(Response::Sort)),
    ("THREAD", |c| thread::threads(c).map(Response::Thread)),
    ("ESEARCH", |c| esearch::response(c).map(Response::Esearch)),
    ("XLIST", |c| {
        c.space("mailbox-data")?;
        list::response(c).map(Response::XList)
    }),
    ("UIDBATCHES", |c| batches::response(c).map(Response::UidBatches)),
    ("QUOTA", |c| {
        c.space("quota-response")?;
        quota::quota(c)
    }),
    ("QUOTAROOT", |c| {
        c.space("quotaroot-response")?;
        quota::quota_root(c)
    }),
    ("ACL", |c| {
        c.space("acl-data")?;
        acl::acl(c).map(Response::Acl)
    }),
    ("LISTRIGHTS", |c| {
        c.space("listrights-data")?;
        acl::rights_list(c).map(Response::ListRights)
    }),
    ("MYRIGHTS", |c| {
        c.space("myrights-data")?;
        let mailbox = mailbox::mailbox(c)?;
        c.space("myrights-data")?;
        Ok(Response::MyRights { mailbox, rights: acl::rights(c)? })
    }),
    ("METADATA", |c| {
        c.space("metadata-resp")?;
        metadata::metadata(c).map(Response::Metadata)
    }),
    ("GENURLAUTH", |c| urlauth::astrings(c, "url-full", 1).map(Response::GenUrlAuth)),
    ("URLFETCH", |c| {
        c.space("urlfetch-data")?;
        urlauth::fetched_urls(c).map(Response::UrlFetch)
    }),
    ("LANGUAGE", |c| {
        c.space("language-data")?;
        language::languages(c).map(Response::Language)
    }),
    ("COMPARATOR", |c| {
        c.space("comparator-data")?;
        language::comparator(c).map(Response::Comparator)
    }),
    ("JMAPACCESS", |c| {
        c.space("resp-jmapaccess")?;
        astring(c, "resp-jmapaccess").map(Response::JmapAccess)
    }),
    ("STATUS", |c| {
        c.space("mailbox-data")?;
        let mailbox = mailbox::mailbox(c)?;
        c.space("mailbox-data")?;
        Ok(Response::Status(mailbox, status::items(c)?))
    }),
    ("NAMESPACE", |c| {
        c.space("namespace-response")?;
        namespace::namespaces(c).map(Response::Namespace)
    }),
    ("ID", |c| {
        c.space("id-response")?;
        id::parameters(c).map(Response::Id)
    }),
    ("VANISHED", |c| {
        c.space("expunged-resp")?;
        let earlier = c.eat_word("(EARLIER)");
        if earlier {
            c.space("expunged-resp")?;
        }
        Ok(Response::Vanished { earlier, uids: sequence::uid_set(c)? })
    }),
];

/// `*(SP nz-number) [SP search-sort-mod-seq]`, read in one go.
fn search(cursor: &mut Cursor<'_>) -> Result<SearchResponse> {
    let mut response = SearchResponse::default();
    while cursor.eat(b' ') {
        match cursor.peek() {
            Some(b'0'..=b'9') => match NonZeroU32::new(cursor.number("nz-number")?) {
                Some(number) => response.numbers.push(number),
                None => cursor.repair(Repairs::ODD_NUMBER),
            },
            Some(b'(') => {
                if cursor.eat_word("(MODSEQ ") {
                    response.mod_seq = Some(cursor.number64("mod-sequence-value")?);
                    cursor.octet("search-sort-mod-seq", b')')?;
                } else {
                    fetch::skip_value(cursor)?;
                }
            }
            Some(b' ') | None => cursor.repair(Repairs::EXTRA_SPACE),
            _ => return cursor.fail("nz-number"),
        }
    }
    Ok(response)
}
