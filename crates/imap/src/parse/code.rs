//! Status responses: code and text (RFC 9051, section 9: `resp-text`, `resp-text-code`).

use super::cursor::{Cursor, Result};
use super::flag::permanent_flags;
use super::sequence::uid_set;
use super::string::{astring, atom, bracketed_object_id, label, nil, nstring, string};
use crate::error::ParseErrorKind;
use crate::types::{Condition, Label, Repairs, ResponseCode, Status, Tag, UidSet, UrlMechanism};
use alloc::vec::Vec;
use bytes::Bytes;

/// `resp-text` with the space in front of it; both may be missing.
pub(super) fn status(cursor: &mut Cursor<'_>, condition: Condition) -> Status {
    cursor.eat(b' ');
    cursor.extra_spaces();
    let mut code = None;
    if cursor.peek() == Some(b'[') {
        let start = cursor.offset();
        match bracketed(cursor) {
            Ok(found) => {
                code = Some(found);
                cursor.eat(b' ');
            }
            // Not a code at all: then it is text.
            Err(_) => {
                cursor.repair(Repairs::MALFORMED_CODE);
                cursor.seek(start);
            }
        }
    }
    let start = cursor.offset();
    cursor.seek(usize::MAX);
    let text = cursor.since(start);
    if text.is_empty() {
        cursor.repair(Repairs::MISSING_TEXT);
    }
    Status { condition, code, text }
}

fn bracketed(cursor: &mut Cursor<'_>) -> Result<ResponseCode> {
    cursor.octet("resp-text-code", b'[')?;
    cursor.extra_spaces();
    let name = atom(cursor, "resp-text-code")?;
    let after_name = cursor.offset();
    let repairs = cursor.repairs;
    match known(cursor, name.as_bytes()) {
        Ok(Some(code)) => {
            cursor.extra_spaces();
            if cursor.eat(b']') {
                return Ok(code);
            }
            cursor.repairs = repairs.with(Repairs::MALFORMED_CODE);
        }
        Ok(None) => {}
        Err(_) => cursor.repairs = repairs.with(Repairs::MALFORMED_CODE),
    }
    cursor.seek(after_name);
    let arguments = if cursor.eat(b' ') { Some(raw_arguments(cursor)?) } else { None };
    cursor.octet("resp-text-code", b']')?;
    Ok(ResponseCode::Other { name, arguments })
}

/// `1*<any TEXT-CHAR except "]">`, possibly empty.
fn raw_arguments(cursor: &mut Cursor<'_>) -> Result<Bytes> {
    let start = cursor.offset();
    match memchr::memchr(b']', cursor.rest()) {
        Some(length) => cursor.seek(start.saturating_add(length)),
        None => return cursor.fail("resp-text-code"),
    }
    Ok(cursor.since(start))
}

/// The code called `name`, `None` when it is not known; the cursor stands behind the name.
fn known(cursor: &mut Cursor<'_>, name: &[u8]) -> Result<Option<ResponseCode>> {
    if let Some(code) = ResponseCode::plain_named(name) {
        return Ok(Some(code));
    }
    let named = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    if named("CAPABILITY") {
        return super::capability::capabilities(cursor).map(ResponseCode::Capability).map(Some);
    }
    if named("BADCHARSET") {
        return charsets(cursor).map(ResponseCode::BadCharset).map(Some);
    }
    if named("INPROGRESS") && cursor.peek() == Some(b']') {
        return Ok(Some(ResponseCode::InProgress { tag: None, progress: None, goal: None }));
    }
    let read: fn(&mut Cursor<'_>) -> Result<ResponseCode> = match () {
        () if named("APPENDUID") => |cursor| {
            let uid_validity = cursor.nz_number("resp-code-apnd")?;
            cursor.space("resp-code-apnd")?;
            Ok(ResponseCode::AppendUid { uid_validity, uids: uid_set(cursor)? })
        },
        () if named("COPYUID") => copy_uid,
        () if named("BADEVENT") => |cursor| {
            let mut events = Vec::new();
            cursor.list("unsupported-events-code", 1, |cursor| {
                events.push(label(cursor, "event-name")?);
                Ok(())
            })?;
            Ok(ResponseCode::BadEvent(events))
        },
        () if named("BADURL") => |cursor| raw_arguments(cursor).map(ResponseCode::BadUrl),
        () if named("REFERRAL") => |cursor| raw_arguments(cursor).map(ResponseCode::Referral),
        () if named("INPROGRESS") => in_progress,
        () if named("MAILBOXID") => |cursor| bracketed_object_id(cursor).map(ResponseCode::MailboxId),
        () if named("MESSAGELIMIT") => |cursor| {
            let limit = cursor.nz_number("message-limit")?;
            let uid = if cursor.eat(b' ') { Some(cursor.nz_number("uniqueid")?) } else { None };
            Ok(ResponseCode::MessageLimit { limit, uid })
        },
        () if named("METADATA") => metadata,
        () if named("MODIFIED") => |cursor| super::sequence::set(cursor).map(ResponseCode::Modified),
        () if named("NOUPDATE") => |cursor| string(cursor, "NOUPDATE").map(ResponseCode::NoUpdate),
        () if named("UNDEFINED-FILTER") => {
            |cursor| atom(cursor, "filter-name").map(ResponseCode::UndefinedFilter)
        }
        () if named("URLMECH") => url_mechanisms,
        () if named("HIGHESTMODSEQ") => {
            |cursor| cursor.number64("HIGHESTMODSEQ").map(ResponseCode::HighestModSeq)
        }
        () if named("PERMANENTFLAGS") => |cursor| permanent_flags(cursor).map(ResponseCode::PermanentFlags),
        () if named("UIDNEXT") => |cursor| cursor.number64("UIDNEXT").map(ResponseCode::UidNext),
        () if named("UIDVALIDITY") => |cursor| cursor.number64("UIDVALIDITY").map(ResponseCode::UidValidity),
        () if named("UNSEEN") => |cursor| cursor.number64("UNSEEN").map(ResponseCode::Unseen),
        () => return Ok(None),
    };
    cursor.space("resp-text-code")?;
    read(cursor).map(Some)
}

/// `"(" inprogress-tag SP inprogress-state ")"`
fn in_progress(cursor: &mut Cursor<'_>) -> Result<ResponseCode> {
    cursor.octet("INPROGRESS", b'(')?;
    let start = cursor.offset();
    let tag = match nstring(cursor, "inprogress-tag")? {
        None => None,
        Some(tag) => match Tag::new(tag.into_bytes()) {
            Ok(tag) => Some(tag),
            Err(_) => return cursor.fail_at(start, "inprogress-tag", ParseErrorKind::Syntax),
        },
    };
    cursor.space("INPROGRESS")?;
    let progress = if nil(cursor) { None } else { Some(cursor.number("inprogress-state")?) };
    cursor.space("INPROGRESS")?;
    let goal = if nil(cursor) { None } else { Some(cursor.nz_number("inprogress-state")?) };
    cursor.octet("INPROGRESS", b')')?;
    Ok(ResponseCode::InProgress { tag, progress, goal: progress.and(goal) })
}

/// The codes that begin with `METADATA `.
fn metadata(cursor: &mut Cursor<'_>) -> Result<ResponseCode> {
    let name = atom(cursor, "METADATA")?;
    Ok(match () {
        () if name.is("TOOMANY") => ResponseCode::MetadataTooMany,
        () if name.is("NOPRIVATE") => ResponseCode::MetadataNoPrivate,
        () if name.is("LONGENTRIES") => {
            cursor.space("METADATA")?;
            ResponseCode::MetadataLongEntries(cursor.number64("METADATA")?)
        }
        () if name.is("MAXSIZE") => {
            cursor.space("METADATA")?;
            ResponseCode::MetadataMaxSize(cursor.number64("METADATA")?)
        }
        () => return cursor.fail("METADATA"),
    })
}

/// `"INTERNAL" *(SP mechanism ["=" base64])`
fn url_mechanisms(cursor: &mut Cursor<'_>) -> Result<ResponseCode> {
    cursor.word("URLMECH", "INTERNAL")?;
    let mut mechanisms = Vec::new();
    while cursor.eat(b' ') {
        cursor.bound(mechanisms.len(), cursor.context.limits.list_max, "URLMECH")?;
        let start = cursor.offset();
        cursor.run("mechanism", |octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.'))?;
        let Ok(name) = Label::new(cursor.since(start)) else { return cursor.fail("mechanism") };
        let mut data = None;
        if cursor.eat(b'=') {
            let start = cursor.offset();
            cursor.seek(start.saturating_add(base64_len(cursor.rest())));
            let Some(decoded) = super::authenticate::base64(&cursor.since(start)) else {
                return cursor.fail_at(start, "base64", ParseErrorKind::Syntax);
            };
            data = Some(Bytes::from(decoded));
        }
        mechanisms.push(UrlMechanism { name, data });
    }
    Ok(ResponseCode::UrlMech(mechanisms))
}

fn base64_len(rest: &[u8]) -> usize {
    rest.iter()
        .take_while(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'/' | b'='))
        .count()
}

fn copy_uid(cursor: &mut Cursor<'_>) -> Result<ResponseCode> {
    let uid_validity = cursor.nz_number("resp-code-copy")?;
    cursor.octet("resp-code-copy", b' ')?;
    let source = possibly_empty_set(cursor)?;
    cursor.octet("resp-code-copy", b' ')?;
    let target = possibly_empty_set(cursor)?;
    Ok(ResponseCode::CopyUid { uid_validity, source, target })
}

/// Servers that copied nothing leave the sets out and keep the spaces.
fn possibly_empty_set(cursor: &mut Cursor<'_>) -> Result<UidSet> {
    if matches!(cursor.peek(), Some(b' ' | b']')) {
        cursor.repair(Repairs::ODD_LIST);
        return Ok(UidSet::default());
    }
    uid_set(cursor)
}

fn charsets(cursor: &mut Cursor<'_>) -> Result<Vec<crate::types::AString>> {
    let mut charsets = Vec::new();
    if cursor.eat(b' ') {
        cursor.list("BADCHARSET", 1, |cursor| {
            charsets.push(astring(cursor, "charset")?);
            Ok(())
        })?;
    }
    Ok(charsets)
}
