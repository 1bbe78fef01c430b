//! The place in a line: lexical rules run through nom here, everything else builds on these steps.
//!
//! Errors get their offset, rule and excerpt in this one place. A cursor is strict (a server reads) or
//! lenient (a client reads); what leniency overlooks it notes as a repair.

use crate::error::{ParseError, ParseErrorKind};
use crate::types::{LiteralHeader, ParseContext, Repairs};
use bytes::Bytes;
use core::num::NonZeroU32;
use nom::Parser;
use nom::bytes::complete::{tag, tag_no_case, take_while1};
use nom::character::complete::digit1;
use nom::error::Error;

pub(crate) type Result<T> = core::result::Result<T, ParseError>;

/// Who wrote the line, and so how strictly it is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    Strict,
    Lenient,
}

pub(crate) struct Cursor<'a> {
    line: &'a Bytes,
    at: usize,
    pub(crate) context: &'a ParseContext,
    reading: Reading,
    pub(crate) repairs: Repairs,
    /// From here on the line may hold credentials: errors show no excerpt.
    pub(crate) secret: bool,
    /// The line ends in this literal's header although a rule wanted its octets.
    pub(crate) pending: Option<LiteralHeader>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn strict(line: &'a Bytes, context: &'a ParseContext) -> Self {
        Self::new(line, context, Reading::Strict)
    }

    pub(crate) fn lenient(line: &'a Bytes, context: &'a ParseContext) -> Self {
        Self::new(line, context, Reading::Lenient)
    }

    fn new(line: &'a Bytes, context: &'a ParseContext, reading: Reading) -> Self {
        Self { line, at: 0, context, reading, repairs: Repairs::default(), secret: false, pending: None }
    }

    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    /// Goes to `offset`, or to the end when the line is shorter.
    pub(crate) fn seek(&mut self, offset: usize) {
        self.at = offset.min(self.line.len());
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.line.get(self.at..).unwrap_or_default()
    }

    /// The octets from `start` to here, without copying.
    pub(crate) fn since(&self, start: usize) -> Bytes {
        self.line.slice(start.min(self.at)..self.at)
    }

    /// The octets from `start` up to `end`, without copying.
    pub(crate) fn slice(&self, start: usize, end: usize) -> Bytes {
        let end = end.min(self.line.len());
        self.line.slice(start.min(end)..end)
    }

    pub(crate) fn is_lenient(&self) -> bool {
        self.reading == Reading::Lenient
    }

    pub(crate) fn repair(&mut self, repair: Repairs) {
        self.repairs = self.repairs.with(repair);
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.line.len()
    }

    // Errors

    pub(crate) fn fault(&self, rule: &'static str, kind: ParseErrorKind) -> ParseError {
        ParseError::new(self.at, rule, kind, if self.secret { &[] } else { self.rest() })
    }

    pub(crate) fn fail<T>(&self, rule: &'static str) -> Result<T> {
        Err(self.fault(rule, ParseErrorKind::Syntax))
    }

    /// An error of `kind` whose fault lies at `start`; the cursor goes there.
    pub(crate) fn fail_at<T>(&mut self, start: usize, rule: &'static str, kind: ParseErrorKind) -> Result<T> {
        self.seek(start);
        Err(self.fault(rule, kind))
    }

    /// Refuses item number `count + 1` of a list.
    pub(crate) fn bound(&self, count: usize, limit: usize, rule: &'static str) -> Result<()> {
        if count >= limit { Err(self.fault(rule, ParseErrorKind::Limit(limit))) } else { Ok(()) }
    }

    // Steps

    /// Runs a nom parser and goes behind what it took.
    pub(crate) fn lex<T, P>(&mut self, rule: &'static str, mut parser: P) -> Result<T>
    where
        P: Parser<&'a [u8], Output = T, Error = Error<&'a [u8]>>,
    {
        match parser.parse_complete(self.rest()) {
            Ok((rest, value)) => {
                self.at = self.line.len().saturating_sub(rest.len());
                Ok(value)
            }
            Err(_) => self.fail(rule),
        }
    }

    /// One or more octets of a class.
    pub(crate) fn run(&mut self, rule: &'static str, class: fn(u8) -> bool) -> Result<&'a [u8]> {
        self.lex(rule, take_while1(class))
    }

    pub(crate) fn octet(&mut self, rule: &'static str, octet: u8) -> Result<()> {
        self.lex(rule, tag(core::slice::from_ref(&octet))).map(|_| ())
    }

    /// Takes `octet` if it is next.
    pub(crate) fn eat(&mut self, octet: u8) -> bool {
        let found = self.peek() == Some(octet);
        if found {
            self.pass();
        }
        found
    }

    /// Goes one octet on, whatever it is.
    pub(crate) fn pass(&mut self) {
        self.seek(self.at.saturating_add(1));
    }

    /// Takes `word`, in any case, if it is next.
    pub(crate) fn eat_word(&mut self, word: &'static str) -> bool {
        self.lex("word", tag_no_case(word.as_bytes())).is_ok()
    }

    pub(crate) fn word(&mut self, rule: &'static str, word: &'static str) -> Result<()> {
        self.lex(rule, tag_no_case(word.as_bytes())).map(|_| ())
    }

    /// `SP`: exactly one, or at least one with a note.
    pub(crate) fn space(&mut self, rule: &'static str) -> Result<()> {
        self.octet(rule, b' ')?;
        self.extra_spaces();
        Ok(())
    }

    /// Passes over spaces that the grammar does not have; only in lenient reading.
    pub(crate) fn extra_spaces(&mut self) {
        if self.is_lenient() {
            while self.eat(b' ') {
                self.repair(Repairs::EXTRA_SPACE);
            }
        }
    }

    /// Passes over spaces at the end of the line; only in lenient reading.
    pub(crate) fn extra_trailing_spaces(&mut self) {
        if self.rest().iter().all(|octet| *octet == b' ') {
            self.extra_spaces();
        }
    }

    pub(crate) fn end(&mut self, rule: &'static str) -> Result<()> {
        self.extra_spaces();
        if self.is_at_end() { Ok(()) } else { self.fail(rule) }
    }

    /// `(item item ..)` with one space between; at least `min` items.
    pub(crate) fn list(
        &mut self,
        rule: &'static str,
        min: usize,
        mut item: impl FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.octet(rule, b'(')?;
        self.extra_spaces();
        if (min == 0 || self.is_lenient()) && self.eat(b')') {
            if min > 0 {
                self.repair(Repairs::ODD_LIST);
            }
            return Ok(());
        }
        let mut count = 0;
        loop {
            self.bound(count, self.context.limits.list_max, rule)?;
            item(self)?;
            count = count.saturating_add(1);
            if self.eat(b')') {
                return Ok(());
            }
            self.space(rule)?;
            if self.is_lenient() && self.eat(b')') {
                self.repair(Repairs::EXTRA_SPACE);
                return Ok(());
            }
        }
    }

    // Numbers

    /// `number64`, full 64 bits; digits are capped at 20.
    pub(crate) fn number64(&mut self, rule: &'static str) -> Result<u64> {
        let start = self.at;
        let digits: &[u8] = self.lex(rule, digit1)?;
        match decimal(digits) {
            Some(number) => Ok(number),
            None => self.fail_at(start, rule, ParseErrorKind::Syntax),
        }
    }

    /// A number of a server, which may be a fraction or beyond 64 bits.
    pub(crate) fn lenient_number(&mut self, rule: &'static str) -> Result<u64> {
        let start = self.at;
        let octets = self.run(rule, |octet| !matches!(octet, b' ' | b'(' | b')' | b'\r' | b'\n' | 0))?;
        if let Some(number) = decimal(octets) {
            return Ok(number);
        }
        let whole = core::str::from_utf8(octets).ok().and_then(|text| text.parse::<f64>().ok());
        match whole.and_then(whole_part) {
            Some(number) if self.is_lenient() => {
                self.repair(Repairs::ODD_NUMBER);
                Ok(number)
            }
            _ => self.fail_at(start, rule, ParseErrorKind::Syntax),
        }
    }

    /// `number`.
    pub(crate) fn number(&mut self, rule: &'static str) -> Result<u32> {
        let start = self.at;
        match u32::try_from(self.number64(rule)?) {
            Ok(number) => Ok(number),
            Err(_) => self.fail_at(start, rule, ParseErrorKind::Syntax),
        }
    }

    /// `nz-number`: no leading zero either, unless a server sent it.
    pub(crate) fn nz_number(&mut self, rule: &'static str) -> Result<NonZeroU32> {
        let start = self.at;
        if !self.is_lenient() && self.peek() == Some(b'0') {
            return self.fail(rule);
        }
        match NonZeroU32::new(self.number(rule)?) {
            Some(number) => Ok(number),
            None => self.fail_at(start, rule, ParseErrorKind::Syntax),
        }
    }
}

/// The whole part of a number that is not negative and fits.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a conversion from a float saturates, and there is no other"
)]
fn whole_part(number: f64) -> Option<u64> {
    (number.is_finite() && number >= 0.0).then_some(number as u64)
}

/// The value of ASCII digits, `None` above 64 bits or 20 digits.
pub(crate) fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > DIGITS_MAX {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

pub(crate) const DIGITS_MAX: usize = 20;
