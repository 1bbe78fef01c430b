//! Atoms, quoted strings and what may be either or a literal (RFC 9051, section 9; RFC 6855 for UTF-8).

use super::cursor::{Cursor, Result};
use super::literal::literal;
use crate::error::ParseErrorKind;
use crate::types::label::is_object_id_char;
use crate::types::string::{is_astring_char, is_atom_char};
use crate::types::{AString, Atom, Label, NString, ObjectId, Repairs};
use alloc::vec::Vec;
use bytes::Bytes;
use memchr::{memchr2, memchr3};

pub(super) fn atom(cursor: &mut Cursor<'_>, rule: &'static str) -> Result<Atom> {
    let start = cursor.offset();
    cursor.run(rule, is_atom_char)?;
    match Atom::new(cursor.since(start)) {
        Ok(atom) => Ok(atom),
        Err(_) => cursor.fail_at(start, rule, ParseErrorKind::Syntax),
    }
}

/// `astring` as raw octets.
pub(super) fn astring_octets(cursor: &mut Cursor<'_>, rule: &'static str) -> Result<Bytes> {
    match cursor.peek() {
        Some(b'"' | b'{') => string_octets(cursor, rule),
        _ => {
            let start = cursor.offset();
            let class = if cursor.is_lenient() { is_lenient_astring_char } else { is_astring_char };
            let run = cursor.run(rule, class)?;
            if run.iter().any(|octet| !is_astring_char(*octet)) {
                cursor.repair(Repairs::ODD_STRING);
            }
            Ok(cursor.since(start))
        }
    }
}

pub(super) fn astring(cursor: &mut Cursor<'_>, rule: &'static str) -> Result<AString> {
    astring_octets(cursor, rule).map(AString::replacing_nul)
}

/// `string` as raw octets; free of NUL when reading strictly.
pub(super) fn string_octets(cursor: &mut Cursor<'_>, rule: &'static str) -> Result<Bytes> {
    if cursor.peek() == Some(b'"') { quoted(cursor, rule) } else { literal(cursor, rule) }
}

pub(super) fn string(cursor: &mut Cursor<'_>, rule: &'static str) -> Result<AString> {
    if let Some(plain) = plain_quoted(cursor) {
        return Ok(plain);
    }
    string_octets(cursor, rule).map(AString::replacing_nul)
}

pub(super) fn nstring(cursor: &mut Cursor<'_>, rule: &'static str) -> Result<NString> {
    match cursor.peek() {
        Some(b'"' | b'{') => string(cursor, rule).map(Some),
        _ if nil(cursor) => Ok(None),
        // Some servers leave the quotes out.
        Some(octet) if cursor.is_lenient() && is_atom_char(octet) => {
            cursor.repair(Repairs::ODD_STRING);
            astring(cursor, rule).map(Some)
        }
        _ => cursor.fail(rule),
    }
}

/// A label of Gmail: an astring, or a backslash and a name.
pub(super) fn gmail_label(cursor: &mut Cursor<'_>) -> Result<AString> {
    if cursor.peek() != Some(b'\\') {
        return astring(cursor, "X-GM-LABELS");
    }
    let start = cursor.offset();
    cursor.pass();
    cursor.run("X-GM-LABELS", is_astring_char)?;
    Ok(AString::replacing_nul(cursor.since(start)))
}

/// `objectid`
pub(super) fn object_id(cursor: &mut Cursor<'_>) -> Result<ObjectId> {
    let start = cursor.offset();
    cursor.run("objectid", is_object_id_char)?;
    match ObjectId::new(cursor.since(start)) {
        Ok(id) => Ok(id),
        Err(_) => cursor.fail_at(start, "objectid", ParseErrorKind::Syntax),
    }
}

/// `"(" objectid ")"`
pub(super) fn bracketed_object_id(cursor: &mut Cursor<'_>) -> Result<ObjectId> {
    cursor.octet("objectid", b'(')?;
    cursor.extra_spaces();
    let id = object_id(cursor)?;
    cursor.extra_spaces();
    cursor.octet("objectid", b')')?;
    Ok(id)
}

/// An atom that names something of the protocol.
pub(super) fn label(cursor: &mut Cursor<'_>, rule: &'static str) -> Result<Label> {
    atom(cursor, rule).map(Label::from)
}

/// Takes `NIL` if it is next.
#[inline]
pub(super) fn nil(cursor: &mut Cursor<'_>) -> bool {
    matches!(cursor.peek(), Some(b'N' | b'n')) && cursor.eat_word("NIL")
}

/// A quoted string of nothing but printable ASCII and no escape, which nearly all are: one look at each octet.
#[inline]
fn plain_quoted(cursor: &mut Cursor<'_>) -> Option<AString> {
    let inside = cursor.rest().strip_prefix(b"\"")?;
    let length = inside.iter().position(|octet| !is_plain_quoted_char(*octet))?;
    if inside.get(length) != Some(&b'"') || length > cursor.context.limits.quoted_max {
        return None;
    }
    let start = cursor.offset().saturating_add(1);
    let end = start.saturating_add(length);
    let text = cursor.slice(start, end);
    cursor.seek(end.saturating_add(1));
    Some(AString::without_nul(text))
}

const fn is_plain_quoted_char(octet: u8) -> bool {
    matches!(octet, b' '..=b'~') && octet != b'"' && octet != b'\\'
}

/// The contents of a quoted string, copied only when there is an escape.
pub(super) fn quoted(cursor: &mut Cursor<'_>, rule: &'static str) -> Result<Bytes> {
    let quote = cursor.offset();
    cursor.octet(rule, b'"')?;
    let start = cursor.offset();
    let mut unescaped: Option<Vec<u8>> = None;
    loop {
        let piece = cursor.offset();
        let Some(length) = memchr2(b'"', b'\\', cursor.rest()) else {
            return cursor.fail_at(quote, rule, ParseErrorKind::Syntax);
        };
        cursor.seek(piece.saturating_add(length));
        if cursor.offset().saturating_sub(start) > cursor.context.limits.quoted_max {
            let limit = cursor.context.limits.quoted_max;
            return cursor.fail_at(quote, rule, ParseErrorKind::Limit(limit));
        }
        let plain = cursor.since(piece);
        check_plain(cursor, rule, piece, &plain)?;
        if cursor.eat(b'"') {
            return match unescaped {
                None => checked_charset(cursor, rule, quote, plain),
                Some(mut octets) => {
                    octets.extend_from_slice(&plain);
                    checked_charset(cursor, rule, quote, octets.into())
                }
            };
        }
        let octets = unescaped.get_or_insert_default();
        octets.extend_from_slice(&plain);
        cursor.octet(rule, b'\\')?;
        match cursor.peek() {
            Some(escaped @ (b'"' | b'\\')) => octets.push(escaped),
            // Some servers escape what needs none.
            Some(other) if cursor.is_lenient() && !matches!(other, b'\r' | b'\n' | 0) => {
                cursor.repair(Repairs::ODD_STRING);
                octets.push(other);
            }
            _ => return cursor.fail(rule),
        }
        cursor.pass();
    }
}

/// No CR, LF or NUL between the quotes.
fn check_plain(cursor: &mut Cursor<'_>, rule: &'static str, start: usize, plain: &[u8]) -> Result<()> {
    match memchr3(b'\r', b'\n', 0, plain) {
        Some(at) => cursor.fail_at(start.saturating_add(at), rule, ParseErrorKind::Syntax),
        None => Ok(()),
    }
}

/// 8-bit octets only as UTF-8 and only after it was enabled, unless a server sent them.
fn checked_charset(
    cursor: &mut Cursor<'_>,
    rule: &'static str,
    quote: usize,
    octets: Bytes,
) -> Result<Bytes> {
    if octets.is_ascii() || (cursor.context.utf8 && core::str::from_utf8(&octets).is_ok()) {
        return Ok(octets);
    }
    if !cursor.is_lenient() {
        return cursor.fail_at(quote, rule, ParseErrorKind::Syntax);
    }
    cursor.repair(Repairs::ODD_STRING);
    Ok(octets)
}

/// Servers also send 8-bit octets and tabs.
const fn is_lenient_astring_char(octet: u8) -> bool {
    is_astring_char(octet) || octet >= 0x80 || octet == b'\t'
}
