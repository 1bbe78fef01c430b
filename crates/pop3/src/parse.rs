//! Lines to values, both directions. Pure functions over complete lines without their CR LF (RFC 1939 3, RFC 2449 4).
//!
//! Commands are read strictly: one space between words, no junk. Spaces at the end of a line are forgiven, except
//! in USER and PASS. Answers are read the way servers write them: any number of spaces, anything behind the part
//! that matters.

mod answer;
mod command;

pub use answer::{capability, challenge, language_row, reply, size_row, stat, uidl_row};
pub use command::{base64, command};

use crate::ParseError;

/// A nom error that knows which rule failed and how much was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    rule: &'static str,
    left: usize,
}

impl<'a> nom::error::ParseError<&'a [u8]> for Failure {
    fn from_error_kind(input: &'a [u8], _: nom::error::ErrorKind) -> Self {
        Self { rule: "end of line", left: input.len() }
    }

    fn append(_: &'a [u8], _: nom::error::ErrorKind, other: Self) -> Self {
        other
    }
}

pub(crate) type Parsed<'a, T> = nom::IResult<&'a [u8], T, Failure>;

/// Names what `parser` reads, for the error.
fn rule<'a, T>(
    rule: &'static str,
    mut parser: impl nom::Parser<&'a [u8], Output = T, Error = Failure>,
) -> impl FnMut(&'a [u8]) -> Parsed<'a, T> {
    move |input| {
        let left = input.len();
        parser.parse(input).map_err(|error| error.map(|_| Failure { rule, left }))
    }
}

/// The value of a complete parse of `line`.
fn complete<T>(line: &[u8], parsed: Parsed<'_, T>) -> Result<T, ParseError> {
    match parsed {
        Ok(([], value)) => Ok(value),
        Ok((rest, _)) => Err(at(line, "end of line", rest.len())),
        Err(nom::Err::Error(failure) | nom::Err::Failure(failure)) => {
            Err(at(line, failure.rule, failure.left))
        }
        // Only complete parsers are used.
        Err(nom::Err::Incomplete(_)) => Err(at(line, "more", 0)),
    }
}

const fn at(line: &[u8], rule: &'static str, left: usize) -> ParseError {
    ParseError { rule, offset: line.len().saturating_sub(left) }
}

/// Digits that make a number of 32 or 64 bits, and not a greater one.
fn number<T: core::str::FromStr>(input: &[u8]) -> Parsed<'_, T> {
    use nom::Parser;
    nom::combinator::map_opt(nom::character::complete::digit1, |digits: &[u8]| {
        core::str::from_utf8(digits).ok()?.parse().ok()
    })
    .parse(input)
}

/// A message number.
fn message(input: &[u8]) -> Parsed<'_, crate::MessageNumber> {
    use nom::Parser;
    rule("message number", nom::combinator::map_opt(number::<u32>, crate::MessageNumber::new)).parse(input)
}

/// Any number of spaces and tabs.
fn spaces(input: &[u8]) -> Parsed<'_, ()> {
    let count = input.iter().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
    Ok((input.get(count..).unwrap_or_default(), ()))
}
