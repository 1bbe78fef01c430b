//! The parameters of MAIL and RCPT (RFC 5321 4.1.2): known ones become what they mean, all others are kept. They
//! are read whatever was announced: what may be asked for in this session is not decided here.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::str;

use bytes::Bytes;
use nom::bytes::complete::take_while1;
use nom::character::complete::char;
use nom::combinator::opt;
use nom::sequence::preceded;
use nom::{IResult, Parser};

use super::address::{mailbox, whole};
use super::command::{Arguments, CommandError, number};
use super::octet::{KEYWORD, VALUE, is};
use super::word;
use super::xtext::xtext;
use crate::types::octets::slice;
use crate::{
    AuthIdentity, BodyType, ByMode, DateTime, DeliverBy, EnvelopeId, Hold, MailParameters, Notify,
    OriginalRecipient, Parameter, ParseError, Priority, RcptParameters, Ret, RrvsAction, ValidSince,
};

/// `Mail-parameters = esmtp-param *(SP esmtp-param)`; no keyword twice.
pub(super) fn mail_parameters(
    line: &Bytes,
    arguments: Arguments<'_>,
    parameters: &mut MailParameters,
) -> Result<(), CommandError> {
    each(arguments, |keyword, known, value| match known {
        word::SIZE => once(&mut parameters.size, size(value)?),
        word::BODY => once(&mut parameters.body, body_type(value)?),
        word::AUTH => once(&mut parameters.auth, auth_identity(line, need(value)?)?),
        word::RET => once(&mut parameters.ret, ret(need(value)?)?),
        word::ENVID => once(&mut parameters.envelope_id, EnvelopeId::read(line, need(value)?)?),
        word::SMTPUTF8 => flag(&mut parameters.smtp_utf8, value),
        word::REQUIRETLS => flag(&mut parameters.require_tls, value),
        word::HOLDFOR => once(&mut parameters.hold, Hold::For(hold_for(need(value)?)?)),
        word::HOLDUNTIL => once(&mut parameters.hold, Hold::Until(hold_until(line, need(value)?)?)),
        word::BY => once(&mut parameters.deliver_by, deliver_by(need(value)?)?),
        word::MT_PRIORITY => once(&mut parameters.priority, priority(need(value)?)?),
        _ => other(&mut parameters.others, unknown(line, keyword, value)?),
    })
}

/// `Rcpt-parameters = esmtp-param *(SP esmtp-param)`; no keyword twice.
pub(super) fn rcpt_parameters(
    line: &Bytes,
    arguments: Arguments<'_>,
    parameters: &mut RcptParameters,
) -> Result<(), CommandError> {
    each(arguments, |keyword, known, value| match known {
        word::NOTIFY => once(&mut parameters.notify, notify(value)?),
        word::ORCPT => once(&mut parameters.original, OriginalRecipient::read(line, need(value)?)?),
        word::RRVS => once(&mut parameters.valid_since, valid_since(line, need(value)?)?),
        _ => other(&mut parameters.others, unknown(line, keyword, value)?),
    })
}

/// Gives every parameter to `take`: its keyword as it was written and as a word, its value.
fn each(
    arguments: Arguments<'_>,
    mut take: impl FnMut(&[u8], u128, Option<&[u8]>) -> Result<(), ParseError>,
) -> Result<(), CommandError> {
    let mut rest = arguments.rest;
    loop {
        while let [b' ', behind @ ..] = rest {
            rest = behind;
        }
        if rest.is_empty() {
            return Ok(());
        }
        let start = rest;
        let parsed = esmtp_parameter(rest);
        let (behind, (keyword, value)) = parsed.map_err(|_| arguments.broken("parameter", start))?;
        if !matches!(behind.first(), None | Some(b' ')) {
            return Err(arguments.broken("parameter", behind));
        }
        take(keyword, word::word(keyword), value).map_err(|error| arguments.inner(error, start))?;
        rest = behind;
    }
}

/// Keyword and value.
type KeywordValue<'a> = (&'a [u8], Option<&'a [u8]>);

/// `esmtp-param = esmtp-keyword ["=" esmtp-value]`.
fn esmtp_parameter(input: &[u8]) -> IResult<&[u8], KeywordValue<'_>> {
    let keyword = take_while1(|octet| is(octet, KEYWORD));
    let value = preceded(char('='), take_while1(|octet| is(octet, VALUE)));
    (keyword, opt(value)).parse(input)
}

fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), ParseError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(TWICE),
    }
}

fn flag(slot: &mut bool, value: Option<&[u8]>) -> Result<(), ParseError> {
    if value.is_some() {
        return Err(ParseError::new("parameter without value", 0));
    }
    if core::mem::replace(slot, true) { Err(TWICE) } else { Ok(()) }
}

fn other(others: &mut Vec<Parameter>, parameter: Parameter) -> Result<(), ParseError> {
    if others.len() >= PARAMETERS_MAX {
        return Err(ParseError::new("number of parameters", 0));
    }
    if others.iter().any(|other| other.keyword() == parameter.keyword()) {
        return Err(TWICE);
    }
    others.push(parameter);
    Ok(())
}

fn need(value: Option<&[u8]>) -> Result<&str, ParseError> {
    value.and_then(|value| str::from_utf8(value).ok()).ok_or(ParseError::new("parameter value", 0))
}

fn unknown(line: &Bytes, keyword: &[u8], value: Option<&[u8]>) -> Result<Parameter, ParseError> {
    let text = |octets| str::from_utf8(octets).map_err(|_| ParseError::new("parameter value", 0));
    Parameter::read(line, text(keyword)?, value.map(text).transpose()?)
}

/// `size-value = 1*20DIGIT` (RFC 1870 4). What does not fit 64 bits is larger than any limit.
fn size(value: Option<&[u8]>) -> Result<u64, ParseError> {
    value.filter(|value| value.len() <= 20).and_then(number).ok_or(ParseError::new("size-value", 0))
}

/// `body-value = "7BIT" / "8BITMIME" / "BINARYMIME"` (RFC 6152 2, RFC 3030 3).
fn body_type(value: Option<&[u8]>) -> Result<BodyType, ParseError> {
    match word::word(value.unwrap_or_default()) {
        word::SEVEN_BIT => Ok(BodyType::SevenBit),
        word::EIGHT_BIT_MIME => Ok(BodyType::EightBitMime),
        word::BINARY_MIME => Ok(BodyType::BinaryMime),
        _ => Err(ParseError::new("body-value", 0)),
    }
}

/// `"<>"` or a mailbox, as xtext (RFC 4954 5).
fn auth_identity(line: &Bytes, value: &str) -> Result<AuthIdentity, ParseError> {
    let broken = ParseError::new("xtext", 0);
    let text = xtext(value).ok_or(broken)?;
    if text == "<>" {
        return Ok(AuthIdentity::Unknown);
    }
    let mailbox = whole(mailbox, text.as_bytes(), "mailbox")?.part_of(text.as_bytes());
    let text = match text {
        Cow::Borrowed(text) => slice(line, text.as_bytes()),
        Cow::Owned(text) => text.into(),
    };
    Ok(AuthIdentity::Mailbox(mailbox.cut(text)))
}

/// `ret-value = "FULL" / "HDRS"` (RFC 3461 4.3).
fn ret(value: &str) -> Result<Ret, ParseError> {
    match word::word(value.as_bytes()) {
        word::FULL => Ok(Ret::Full),
        word::HDRS => Ok(Ret::Hdrs),
        _ => Err(ParseError::new("ret-value", 0)),
    }
}

/// `future-release-interval`: 1 to 999,999,999, no zero in front (RFC 4865 3).
fn hold_for(value: &str) -> Result<u32, ParseError> {
    let seconds = number(value.as_bytes()).and_then(|seconds| u32::try_from(seconds).ok());
    seconds
        .filter(|seconds| *seconds <= Hold::SECONDS_MAX && !value.starts_with('0'))
        .ok_or(ParseError::new("future-release-interval", 0))
}

/// `future-release-date-time`: in UTC (RFC 4865 3).
fn hold_until(line: &Bytes, value: &str) -> Result<DateTime, ParseError> {
    let time = DateTime::read(line, value)?;
    if time.is_utc() { Ok(time) } else { Err(ParseError::new("date-time in UTC", 0)) }
}

/// `by-value = by-time ";" by-mode [by-trace]`, `by-time = ["-" / "+"] 1*9DIGIT` (RFC 2852 4).
fn deliver_by(value: &str) -> Result<DeliverBy, ParseError> {
    let broken = ParseError::new("by-value", 0);
    let (time, mode) = value.split_once(';').ok_or(broken)?;
    let (mode, trace) = match word::word(mode.as_bytes()) {
        word::N => (ByMode::Notify, false),
        word::R => (ByMode::Return, false),
        word::NT => (ByMode::Notify, true),
        word::RT => (ByMode::Return, true),
        _ => return Err(broken),
    };
    let negative = time.starts_with('-');
    let digits = time.strip_prefix(['-', '+']).unwrap_or(time);
    let seconds = if digits.len() <= 9 { number(digits.as_bytes()) } else { None };
    let seconds = seconds.and_then(|seconds| i32::try_from(seconds).ok()).ok_or(broken)?;
    let seconds = if negative { seconds.saturating_neg() } else { seconds };
    Ok(DeliverBy { trace, ..DeliverBy::new(seconds, mode)? })
}

/// `priority-value = (["-"] NZDIGIT) / "0"` (RFC 6710 9).
fn priority(value: &str) -> Result<Priority, ParseError> {
    let broken = ParseError::new("priority-value", 0);
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.len() != 1 || value == "-0" || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return Err(broken);
    }
    Priority::new(value.parse().map_err(|_| broken)?)
}

/// `notify-esmtp-value = "NEVER" / 1#( "SUCCESS" / "FAILURE" / "DELAY" )` (RFC 3461 4.1).
fn notify(value: Option<&[u8]>) -> Result<Notify, ParseError> {
    let value = value.unwrap_or_default();
    let mut all = Notify::NEVER;
    for name in value.split(|octet| *octet == b',') {
        all = all.or(match word::word(name) {
            word::SUCCESS => Notify::SUCCESS,
            word::FAILURE => Notify::FAILURE,
            word::DELAY => Notify::DELAY,
            word::NEVER if name.len() == value.len() => Notify::NEVER,
            _ => return Err(ParseError::new("notify-value", 0)),
        });
    }
    Ok(all)
}

/// `date-time [ ";" ( "C" / "R" ) ]` (RFC 7293 3).
fn valid_since(line: &Bytes, value: &str) -> Result<ValidSince, ParseError> {
    let (time, otherwise) = match value.split_once(';') {
        None => (value, None),
        Some((time, "C" | "c")) => (time, Some(RrvsAction::Continue)),
        Some((time, "R" | "r")) => (time, Some(RrvsAction::Reject)),
        Some(_) => return Err(ParseError::new("rrvs-param", 0)),
    };
    Ok(ValidSince { since: DateTime::read(line, time)?, otherwise })
}

const TWICE: ParseError = ParseError::new("parameter that occurs once", 0);

/// More parameters without a meaning here than any client has use for.
const PARAMETERS_MAX: usize = 32;
