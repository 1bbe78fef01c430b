//! Literal headers at the end of a line, and literals inside a complete one (RFC 9051, section 4.3; RFC 7888).
//!
//! Whether a length is acceptable is not decided here: the framer compares it with its limits.

use super::cursor::{Cursor, DIGITS_MAX, Result, decimal};
use crate::types::{LiteralHeader, Repairs};
use bytes::Bytes;
use nom::bytes::complete::{tag, take_while1};
use nom::combinator::opt;
use nom::sequence::delimited;
use nom::{IResult, Parser};

/// What [`literal_marker`] finds at the end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiteralMarker {
    /// The line is complete.
    None,
    /// A literal follows the CRLF. A length above 64 bits reads as `u64::MAX`, so any limit refuses it.
    Literal(LiteralHeader),
    /// The line ends in braces that are no literal header: answer BAD and take the line as complete.
    Malformed,
}

/// Recognises `{n}`, `{n+}`, `~{n}` and `~{n+}` at the end of `line`, which has no CRLF.
///
/// Leading zeros are fine, more than 20 digits are not. Status responses (`OK`, `NO`, `BAD`, `BYE`, `PREAUTH`)
/// and continuation requests end in free text: a client must not ask this function about them.
pub fn literal_marker(line: &[u8]) -> LiteralMarker {
    let Some((b'}', rest)) = line.split_last() else { return LiteralMarker::None };
    let open = memchr::memrchr(b'{', rest);
    let Some((before, [_, inside @ ..])) = open.and_then(|open| rest.split_at_checked(open)) else {
        return LiteralMarker::None;
    };
    if inside.iter().any(|octet| matches!(octet, b' ' | b'"' | b'}')) {
        // A `{` inside a quoted string and an unrelated `}` in an atom.
        return LiteralMarker::None;
    }
    let (digits, synchronising) = match inside.split_last() {
        Some((b'+', digits)) => (digits, false),
        _ => (inside, true),
    };
    if digits.is_empty() || digits.len() > DIGITS_MAX || !digits.iter().all(u8::is_ascii_digit) {
        return LiteralMarker::Malformed;
    }
    let len = decimal(digits).unwrap_or(u64::MAX);
    LiteralMarker::Literal(LiteralHeader { len, synchronising, binary: before.last() == Some(&b'~') })
}

/// The header and octets of a literal; `rule` names what it stands for.
///
/// When the line ends right behind the header, the header is left in `cursor.pending` beside the error.
pub(super) fn literal(cursor: &mut Cursor<'_>, rule: &'static str) -> Result<Bytes> {
    let start = cursor.offset();
    let header = header(cursor, rule)?;
    if header.binary {
        cursor.seek(start);
        return cursor.fail(rule);
    }
    let data = octets(cursor, rule, header)?;
    if memchr::memchr(0, &data).is_some() {
        // RFC 9051 4.3: NUL only in literal8.
        if !cursor.is_lenient() {
            cursor.seek(start);
            return cursor.fail(rule);
        }
        cursor.repair(Repairs::ODD_STRING);
    }
    Ok(data)
}

/// A literal header alone.
pub(super) fn header(cursor: &mut Cursor<'_>, rule: &'static str) -> Result<LiteralHeader> {
    let start = cursor.offset();
    let (binary, (digits, plus)) = cursor.lex(rule, header_lexer)?;
    match decimal(digits) {
        Some(len) => Ok(LiteralHeader { len, synchronising: !plus, binary }),
        None => {
            cursor.seek(start);
            cursor.fail(rule)
        }
    }
}

/// The octets of a literal whose header was just read.
pub(super) fn octets(cursor: &mut Cursor<'_>, rule: &'static str, header: LiteralHeader) -> Result<Bytes> {
    if cursor.is_at_end() {
        cursor.pending = Some(header);
        return cursor.fail(rule);
    }
    cursor.lex(rule, tag(&b"\r\n"[..]))?;
    let start = cursor.offset();
    let end = usize::try_from(header.len).ok().and_then(|len| start.checked_add(len));
    match end {
        Some(end) if end.saturating_sub(start) <= cursor.rest().len() => {
            cursor.seek(end);
            Ok(cursor.since(start))
        }
        _ => cursor.fail(rule),
    }
}

/// Whether there is a `~`; the digits; whether there is a `+`.
type HeaderParts<'a> = (bool, (&'a [u8], bool));

fn header_lexer(input: &[u8]) -> IResult<&[u8], HeaderParts<'_>> {
    let tilde = opt(tag(&b"~"[..])).map(|tilde| tilde.is_some());
    let plus = opt(tag(&b"+"[..])).map(|plus| plus.is_some());
    let digits = take_while1(|octet: u8| octet.is_ascii_digit());
    (tilde, delimited(tag(&b"{"[..]), (digits, plus), tag(&b"}"[..]))).parse_complete(input)
}
