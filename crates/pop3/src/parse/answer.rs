//! Answers, as a client reads them.

use bytes::Bytes;
use nom::Parser;
use nom::bytes::complete::{tag_no_case, take_while1};
use nom::combinator::{map_opt, value};
use posthaste_wire::Secret;

use super::{Parsed, base64, complete, message, number, rule, spaces};
use crate::{MessageNumber, ParseError, Reply, ResponseCode, Status, Uidl};

/// Reads the first line of an answer.
///
/// # Errors
///
/// [`ParseError`] where the line begins neither with `+OK` nor with `-ERR` as a word.
pub fn reply(line: &Bytes) -> Result<Reply, ParseError> {
    let Ok((rest, status)) = status(line) else {
        return Err(ParseError { rule: "status", offset: 0 });
    };
    if !matches!(rest.first(), None | Some(b' ' | b'\t')) {
        return Err(super::at(line, "space", rest.len()));
    }
    let text = rest.trim_ascii_start();
    let (code, text) = response_code(text).unwrap_or((None, text));
    Ok(Reply { status, code, text: line.slice_ref(text) })
}

/// Reads a line that asks for a SASL response: `+`, and the challenge in base64 (RFC 5034 4). `None` when the line
/// is no such line; an error inside when it is, and the challenge is not base64.
pub fn challenge(line: &[u8]) -> Option<Result<Secret, ParseError>> {
    match line {
        b"+" => Some(Ok(Secret::default())),
        [b'+', b' ', text @ ..] => Some(base64(text.trim_ascii())),
        _ => None,
    }
}

/// Reads what STAT answers behind `+OK`: the number of messages and their octets.
///
/// # Errors
///
/// [`ParseError`] where two numbers do not stand there.
pub fn stat(text: &[u8]) -> Result<(u32, u64), ParseError> {
    let numbers = (spaces, rule("count", number::<u32>), spaces, rule("octets", number::<u64>));
    leading(text, numbers.map(|(_, count, _, octets)| (count, octets)))
}

/// Reads a row of LIST: a message and its octets.
///
/// # Errors
///
/// [`ParseError`] where two numbers do not stand there.
pub fn size_row(text: &[u8]) -> Result<(MessageNumber, u64), ParseError> {
    let row = (spaces, message, spaces, rule("octets", number::<u64>));
    leading(text, row.map(|(_, number, _, octets)| (number, octets)))
}

/// Reads a row of UIDL: a message and its unique-id.
///
/// # Errors
///
/// [`ParseError`] where a number and a unique-id of 1 to 70 printable octets do not stand there.
pub fn uidl_row(text: &[u8]) -> Result<(MessageNumber, Uidl), ParseError> {
    let word = take_while1(|octet: u8| octet != b' ' && octet != b'\t');
    let id = map_opt(word, |id: &[u8]| Uidl::new(core::str::from_utf8(id).ok()?).ok());
    let row = (spaces, message, spaces, rule("unique-id", id));
    leading(text, row.map(|(_, number, _, id)| (number, id)))
}

fn status(line: &[u8]) -> Parsed<'_, Status> {
    value(Status::Ok, tag_no_case(&b"+OK"[..])).or(value(Status::Err, tag_no_case(&b"-ERR"[..]))).parse(line)
}

/// What `parser` reads at the start of a text; what stands behind its last word does not matter (RFC 1939 5 lets
/// servers add to it).
fn leading<'a, T>(
    text: &'a [u8],
    mut parser: impl Parser<&'a [u8], Output = T, Error = super::Failure>,
) -> Result<T, ParseError> {
    let parsed = parser.parse(text).map(|(rest, value)| {
        let at_end = matches!(rest.first(), None | Some(b' ' | b'\t'));
        (if at_end { &[][..] } else { rest }, value)
    });
    complete(text, parsed)
}

/// `[code]` at the start of a text, and the text behind it.
fn response_code(text: &[u8]) -> Option<(Option<ResponseCode>, &[u8])> {
    let inside = text.strip_prefix(b"[")?;
    let (code, rest) = inside.split_at_checked(memchr::memchr(b']', inside)?)?;
    let code = core::str::from_utf8(code).ok()?;
    if code.is_empty() || !code.bytes().all(|octet| octet.is_ascii_graphic()) {
        return None;
    }
    let rest = rest.strip_prefix(b"]").unwrap_or_default();
    Some((Some(ResponseCode::from_text(code)), rest.trim_ascii_start()))
}
