//! Answers, as a client reads them.

use alloc::vec::Vec;
use bytes::Bytes;
use core::time::Duration;
use nom::Parser;
use nom::bytes::complete::{tag_no_case, take_while1};
use nom::combinator::{map_opt, value};
use posthaste_wire::Secret;

use super::{Parsed, base64, complete, message, number, rule, spaces};
use crate::{
    Announced, Capability, LanguageTag, MechanismName, MessageNumber, ParseError, Reply, ResponseCode,
    Retention, Scope, Status, Uidl, Utf8Names,
};

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
    let id = map_opt(word, |id: &[u8]| Uidl::from_octets(id).ok());
    let row = (spaces, message, spaces, rule("unique-id", id));
    leading(text, row.map(|(_, number, _, id)| (number, id)))
}

/// Reads a row of LANG: a language, and its name in the language itself (RFC 6856 3.2).
///
/// # Errors
///
/// [`ParseError`] where no language tag stands there.
pub fn language_row(text: &Bytes) -> Result<(LanguageTag, Bytes), ParseError> {
    let end = memchr::memchr(b' ', text).unwrap_or(text.len());
    let (tag, name) = text.split_at_checked(end).unwrap_or((text, &[]));
    let tag = core::str::from_utf8(tag).ok().and_then(|tag| LanguageTag::new(tag).ok());
    let Some(tag) = tag else { return Err(ParseError { rule: "language tag", offset: 0 }) };
    Ok((tag, text.slice_ref(name.trim_ascii_start())))
}

/// Reads a line of the answer to CAPA. Every line is one: what is unknown or malformed is [`Capability::Other`].
pub fn capability(line: &str) -> Capability {
    let mut words = line.split_ascii_whitespace();
    let tag = words.next().unwrap_or_default();
    let known = match tag.to_ascii_uppercase().as_str() {
        "TOP" => Some(Capability::Top),
        "USER" => Some(Capability::User),
        "SASL" => {
            let mechanisms: Option<Vec<_>> = words.map(|word| MechanismName::new(word).ok()).collect();
            mechanisms.map(Capability::Sasl)
        }
        "RESP-CODES" => Some(Capability::RespCodes),
        "LOGIN-DELAY" => {
            announced(words, |seconds| Some(Duration::from_secs(seconds.parse::<u32>().ok()?.into())))
                .map(Capability::LoginDelay)
        }
        "PIPELINING" => Some(Capability::Pipelining),
        "EXPIRE" => announced(words, |days| {
            let forever = days.eq_ignore_ascii_case("NEVER").then_some(Retention::Forever);
            forever.or_else(|| days.parse().ok().map(Retention::Days))
        })
        .map(Capability::Expire),
        "UIDL" => Some(Capability::Uidl),
        "IMPLEMENTATION" => {
            let text = line.trim_ascii_start().get(tag.len()..).unwrap_or_default();
            Some(Capability::Implementation(text.trim_ascii().into()))
        }
        "STLS" => Some(Capability::Stls),
        "AUTH-RESP-CODE" => Some(Capability::AuthRespCode),
        "UTF8" => Some(Capability::Utf8(match words.next() {
            Some(word) if word.eq_ignore_ascii_case("USER") => Utf8Names::Taken,
            _ => Utf8Names::Refused,
        })),
        "LANG" => Some(Capability::Lang),
        _ => None,
    };
    known.unwrap_or_else(|| Capability::Other(line.into()))
}

/// A value, and `USER` behind it where it may be another one behind the login.
fn announced<'a, T>(
    mut words: impl Iterator<Item = &'a str>,
    value: impl FnOnce(&str) -> Option<T>,
) -> Option<Announced<T>> {
    let value = value(words.next()?)?;
    let depends = words.next().is_some_and(|word| word.eq_ignore_ascii_case("USER"));
    Some(Announced { value, scope: if depends { Scope::DependsOnUser } else { Scope::Exact } })
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
