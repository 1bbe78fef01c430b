//! The place in a line: the steps that everything else builds on. Rules of several parts run through nom here.
//!
//! Errors get their offset, rule and excerpt in this one place: a [`Fault`] while rules are tried, which costs nothing,
//! and the [`ParseError`] with its text once it is final. A cursor is strict (a server reads) or
//! lenient (a client reads); what leniency overlooks it notes as a repair.

use crate::error::{ParseError, ParseErrorKind};
use crate::types::{LiteralHeader, ParseContext, Repairs};
use bytes::Bytes;
use core::num::NonZeroU32;
use nom::Parser;
use nom::error::Error;

pub(crate) type Result<T> = core::result::Result<T, Fault>;

/// Where which rule did not match.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    offset: usize,
    rule: &'static str,
    kind: ParseErrorKind,
}

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

    #[inline]
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    /// Goes to `offset`, or to the end when the line is shorter.
    pub(crate) fn seek(&mut self, offset: usize) {
        self.at = offset.min(self.line.len());
    }

    #[inline]
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

    #[inline]
    pub(crate) fn is_lenient(&self) -> bool {
        self.reading == Reading::Lenient
    }

    pub(crate) fn repair(&mut self, repair: Repairs) {
        self.repairs = self.repairs.with(repair);
    }

    #[inline]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    #[inline]
    pub(crate) fn is_at_end(&self) -> bool {
        self.at >= self.line.len()
    }

    // Errors

    pub(crate) fn fault(&self, rule: &'static str, kind: ParseErrorKind) -> Fault {
        Fault { offset: self.at, rule, kind }
    }

    /// What becomes of a fault that no other rule has made good.
    pub(crate) fn error(&self, fault: Fault) -> ParseError {
        let near = self.line.get(fault.offset..).filter(|_| !self.secret).unwrap_or_default();
        ParseError::new(fault.offset, fault.rule, fault.kind, near)
    }

    /// Runs `read` over the line.
    pub(crate) fn parse<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> core::result::Result<T, ParseError> {
        read(self).map_err(|fault| self.error(fault))
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
    #[inline]
    pub(crate) fn run(&mut self, rule: &'static str, class: impl Fn(u8) -> bool) -> Result<&'a [u8]> {
        let rest = self.rest();
        let length = rest.iter().position(|octet| !class(*octet)).unwrap_or(rest.len());
        if length == 0 {
            return self.fail(rule);
        }
        self.at = self.at.saturating_add(length);
        Ok(rest.get(..length).unwrap_or_default())
    }

    #[inline]
    pub(crate) fn octet(&mut self, rule: &'static str, octet: u8) -> Result<()> {
        if self.eat(octet) { Ok(()) } else { self.fail(rule) }
    }

    /// Takes `octet` if it is next.
    #[inline]
    pub(crate) fn eat(&mut self, octet: u8) -> bool {
        let found = self.peek() == Some(octet);
        if found {
            self.pass();
        }
        found
    }

    /// Goes one octet on, whatever it is.
    #[inline]
    pub(crate) fn pass(&mut self) {
        self.seek(self.at.saturating_add(1));
    }

    /// Takes `word`, in any case, if it is next.
    #[inline]
    pub(crate) fn eat_word(&mut self, word: &'static str) -> bool {
        let found =
            self.rest().get(..word.len()).is_some_and(|next| next.eq_ignore_ascii_case(word.as_bytes()));
        if found {
            self.at = self.at.saturating_add(word.len());
        }
        found
    }

    pub(crate) fn word(&mut self, rule: &'static str, word: &'static str) -> Result<()> {
        if self.eat_word(word) { Ok(()) } else { self.fail(rule) }
    }

    /// `SP`: exactly one, or at least one with a note.
    #[inline]
    pub(crate) fn space(&mut self, rule: &'static str) -> Result<()> {
        self.octet(rule, b' ')?;
        self.extra_spaces();
        Ok(())
    }

    /// Passes over spaces that the grammar does not have; only in lenient reading.
    #[inline]
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

    /// `mod-sequence-valzer` of a client: 63 bits (RFC 7162 7). From servers any number is taken.
    pub(crate) fn mod_seq_or_zero(&mut self, rule: &'static str) -> Result<u64> {
        let start = self.offset();
        let value = self.number64(rule)?;
        if i64::try_from(value).is_ok() {
            Ok(value)
        } else {
            self.fail_at(start, rule, ParseErrorKind::Syntax)
        }
    }

    /// `mod-sequence-value` of a client: the same, and not 0.
    pub(crate) fn mod_seq(&mut self, rule: &'static str) -> Result<u64> {
        let start = self.offset();
        match self.mod_seq_or_zero(rule)? {
            0 => self.fail_at(start, rule, ParseErrorKind::Syntax),
            value => Ok(value),
        }
    }

    /// `number64`, full 64 bits; digits are capped at 20.
    #[inline]
    pub(crate) fn number64(&mut self, rule: &'static str) -> Result<u64> {
        let start = self.at;
        let (mut value, mut length) = (0_u64, 0_usize);
        for octet in self.rest() {
            let digit = octet.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
            length = length.wrapping_add(1);
        }
        self.at = self.at.saturating_add(length);
        // Nineteen digits always fit.
        if (1..DIGITS_MAX).contains(&length) {
            return Ok(value);
        }
        if length == 0 {
            return self.fail(rule);
        }
        let digits = self.line.get(start..self.at).unwrap_or_default();
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
    #[inline]
    pub(crate) fn number(&mut self, rule: &'static str) -> Result<u32> {
        let start = self.at;
        match u32::try_from(self.number64(rule)?) {
            Ok(number) => Ok(number),
            Err(_) => self.fail_at(start, rule, ParseErrorKind::Syntax),
        }
    }

    /// `nz-number`: no leading zero either, unless a server sent it.
    #[inline]
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
