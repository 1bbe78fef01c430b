//! ESEARCH, command and response (RFC 7377, RFC 4731, RFC 5267, RFC 6203, RFC 7162, RFC 9394).

use super::cursor::{Cursor, Result};
use super::fetch::skip_value;
use super::mailbox::mailbox;
use super::notify::filter;
use super::sequence::{partial_range, set};
use super::string::{astring, nil};
use crate::error::ParseErrorKind;
use crate::types::{ContextChange, EsearchCommand, EsearchResponse, Repairs, SequenceSet};
use alloc::vec::Vec;
use core::num::NonZeroU32;

/// The arguments of ESEARCH. Options of the scope, of which none exist, are refused.
pub(super) fn command(cursor: &mut Cursor<'_>) -> Result<EsearchCommand> {
    let mut mailboxes = Vec::new();
    if cursor.eat_word("IN ") {
        cursor.list("source-mbox", 1, |cursor| {
            if cursor.peek() == Some(b'(') {
                return Err(cursor.fault("scope-options", ParseErrorKind::Unknown));
            }
            mailboxes.push(filter(cursor)?);
            Ok(())
        })?;
        cursor.space("esearch")?;
    }
    Ok(EsearchCommand { mailboxes, search: super::search::search(cursor)? })
}

/// What follows `ESEARCH` in a response. Results that are not known are passed over.
pub(super) fn response(cursor: &mut Cursor<'_>) -> Result<EsearchResponse> {
    let mut response = EsearchResponse::default();
    while cursor.eat(b' ') {
        cursor.extra_spaces();
        if cursor.is_at_end() {
            cursor.repair(Repairs::EXTRA_SPACE);
            break;
        }
        if cursor.peek() == Some(b'(') {
            correlator(cursor, &mut response)?;
            continue;
        }
        let name = cursor.run("search-modifier-name", |octet| !matches!(octet, b' ' | b'(' | b')'))?;
        if name.eq_ignore_ascii_case(b"UID") {
            response.uid = true;
            continue;
        }
        cursor.space("search-return-data")?;
        result(cursor, name, &mut response)?;
    }
    Ok(response)
}

/// `"(" one-correlator *(SP one-correlator) ")"`
pub(super) fn correlator(cursor: &mut Cursor<'_>, response: &mut EsearchResponse) -> Result<()> {
    let (mut place, mut uid_validity) = (None, None);
    cursor.list("search-correlator", 1, |cursor| {
        let name = cursor.run("one-correlator", |octet| !matches!(octet, b' ' | b'(' | b')'))?;
        let named = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        cursor.space("one-correlator")?;
        match () {
            () if named("TAG") => response.tag = Some(astring(cursor, "tag-string")?),
            () if named("MAILBOX") => place = Some(mailbox(cursor)?),
            () if named("UIDVALIDITY") => uid_validity = Some(cursor.nz_number("UIDVALIDITY")?),
            () => skip_value(cursor)?,
        }
        Ok(())
    })?;
    response.mailbox = place.zip(uid_validity);
    Ok(())
}

fn result(cursor: &mut Cursor<'_>, name: &[u8], response: &mut EsearchResponse) -> Result<()> {
    let named = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    match () {
        () if named("MIN") => response.min = Some(cursor.nz_number("MIN")?),
        () if named("MAX") => response.max = Some(cursor.nz_number("MAX")?),
        () if named("COUNT") => response.count = Some(cursor.number("COUNT")?),
        () if named("ALL") => response.all = Some(set(cursor)?),
        () if named("MODSEQ") => response.mod_seq = Some(cursor.number64("MODSEQ")?),
        () if named("PARTIAL") => {
            cursor.octet("ret-data-partial", b'(')?;
            let range = partial_range(cursor)?;
            cursor.space("ret-data-partial")?;
            let results = if nil(cursor) { None } else { Some(set(cursor)?) };
            cursor.octet("ret-data-partial", b')')?;
            response.partial = Some((range, results));
        }
        () if named("ADDTO") => changes(cursor, &mut response.changes, |position, numbers| {
            ContextChange::AddTo { position, numbers }
        })?,
        () if named("REMOVEFROM") => changes(cursor, &mut response.changes, |position, numbers| {
            ContextChange::RemoveFrom { position, numbers }
        })?,
        () if named("RELEVANCY") => cursor.list("RELEVANCY", 0, |cursor| {
            let score = cursor.number("score")?;
            response.relevancy.push(u8::try_from(score).unwrap_or(100).min(100));
            Ok(())
        })?,
        () => skip_value(cursor)?,
    }
    Ok(())
}

/// `"(" context-position SP sequence-set *(SP context-position SP sequence-set) ")"`
///
/// RFC 5267 4.3.2: in one list with those of other items, because their order counts.
fn changes(
    cursor: &mut Cursor<'_>,
    changes: &mut Vec<ContextChange>,
    change: impl Fn(Option<NonZeroU32>, SequenceSet) -> ContextChange,
) -> Result<()> {
    cursor.list("context-position", 1, |cursor| {
        let position = NonZeroU32::new(cursor.number("context-position")?);
        cursor.space("context-position")?;
        changes.push(change(position, set(cursor)?));
        Ok(())
    })
}
