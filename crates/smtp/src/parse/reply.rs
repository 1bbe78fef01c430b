//! Replies as they come in (RFC 5321 4.2), line by line. Tolerates what servers do: a code without text, a tab or
//! more than one space behind it, lines that are not UTF-8 or hold what cannot be shown (replaced), an enhanced
//! status on some lines only. The limits of octets are the caller's.

use alloc::string::String;
use alloc::vec::Vec;
use core::{mem, str};

use bytes::Bytes;

use super::octet::{PRINTABLE, is};
use crate::types::Lines;
use crate::types::octets::{Utf8, is_hidden};
use crate::{EnhancedStatus, ParseError, Reply};

/// Gathers the lines of one reply.
///
/// ```text
/// Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
/// ```
///
/// All lines have one code, on which a client may rely (RFC 5321 4.2.1): a reply with two is refused, since a yes
/// must not hide a no, and since two replies that run into each other look like that.
///
/// An enhanced status is the first one of the code's class that a line starts with; it is taken off every line
/// that has it. White space at the ends of a line is dropped. A line over 480 octets is cut.
///
/// Memory: the reply so far, as slices of what was read; the caller limits how much that may be.
#[derive(Debug, Default)]
pub struct ReplyReader {
    code: Option<u16>,
    lines: Vec<Utf8>,
}

impl ReplyReader {
    /// A reader at the start of a reply.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether some, but not all, lines of a reply were read.
    pub const fn is_midway(&self) -> bool {
        self.code.is_some()
    }

    /// Reads the next line, without its CR LF. `Ok(None)` until the reply is complete.
    ///
    /// # Errors
    ///
    /// [`ParseError`] when the line is none of a reply, its code is not that of the lines before it, or it is one
    /// of more than 100 ([`Reply::LINES_MAX`]). The reader is not to be used again.
    pub fn line(&mut self, line: &Bytes) -> Result<Option<Reply>, ParseError> {
        let (code, last, text) = reply_line(line).ok_or(ParseError::new("reply code", 0))?;
        if self.code.is_some_and(|before| before != code) {
            return Err(ParseError::new("reply code that is that of the lines before", 0));
        }
        if self.lines.len() >= Reply::LINES_MAX {
            return Err(ParseError::new("number of reply lines", 0));
        }
        let text = visible(line, text);
        if !last {
            self.code = Some(code);
            self.lines.push(text);
            return Ok(None);
        }
        self.code = None;
        let mut lines = if self.lines.is_empty() {
            Lines::One(text)
        } else {
            self.lines.push(text);
            Lines::Many(mem::take(&mut self.lines))
        };
        let enhanced = take_enhanced(code, lines.as_mut_slice());
        lines.as_mut_slice().iter_mut().for_each(cut);
        Reply::from_lines(code, enhanced, lines).map(Some)
    }
}

impl Reply {
    /// Writes the reply, all its lines with their CR LF.
    pub fn encode(&self, out: &mut bytes::BytesMut) {
        crate::encode::reply(self, out);
    }
}

/// The code, whether the line is the last, and its text.
fn reply_line(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (digits, rest) = line.split_at_checked(3)?;
    let code = code(digits)?;
    match rest.split_first() {
        None => Some((code, true, rest)),
        Some((b' ' | b'\t', text)) => Some((code, true, text)),
        Some((b'-', text)) => Some((code, false, text)),
        Some(_) => None,
    }
}

/// `Reply-code = %x32-35 %x30-35 %x30-39`; a second digit up to nine is in use.
fn code(digits: &[u8]) -> Option<u16> {
    let code = digits.iter().try_fold(0_u16, |code, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        code.checked_mul(10)?.checked_add(u16::from(digit))
    })?;
    (200..=599).contains(&code).then_some(code)
}

/// The text as one that can be shown and logged: shared where it already is.
fn visible(line: &Bytes, text: &[u8]) -> Utf8 {
    let ascii = text.iter().all(|octet| is(*octet, PRINTABLE));
    match str::from_utf8(text) {
        Ok(text) if ascii || !text.contains(is_hidden) => Utf8::slice(line, text.trim_matches(' ')),
        _ => {
            let shown = |character| match character {
                '\t' => ' ',
                _ if is_hidden(character) => char::REPLACEMENT_CHARACTER,
                _ => character,
            };
            let text: String = String::from_utf8_lossy(text).chars().map(shown).collect();
            text.trim_matches(' ').into()
        }
    }
}

/// Cuts a line at what a reply can hold.
fn cut(line: &mut Utf8) {
    if line.len() > Reply::LINE_OCTETS_MAX {
        let text = line.as_str();
        let end =
            (0..=Reply::LINE_OCTETS_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        *line = text.get(..end).unwrap_or_default().trim_end_matches(' ').into();
    }
}

/// Takes the enhanced status off the lines that have it.
fn take_enhanced(code: u16, lines: &mut [Utf8]) -> Option<EnhancedStatus> {
    let fits = |status: &EnhancedStatus| u16::from(status.class()) == code / 100;
    let status =
        lines.iter().filter_map(|line| split_enhanced(line.as_str())).map(|(status, _)| status).find(fits)?;
    for line in lines {
        if let Some((_, at)) = split_enhanced(line.as_str()).filter(|(other, _)| *other == status) {
            *line = line.tail(at);
        }
    }
    Some(status)
}

/// `status-code SP text` (RFC 2034 4): the status, and where the text starts. A status alone is in use, too.
fn split_enhanced(line: &str) -> Option<(EnhancedStatus, usize)> {
    let (status, text) = line.split_once(' ').unwrap_or((line, ""));
    let mut numbers = status.split('.').map(|digits| {
        let legal = (1..=3).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit());
        legal.then(|| digits.parse::<u16>().ok()).flatten()
    });
    let (class, subject, detail) = (numbers.next()??, numbers.next()??, numbers.next()??);
    if numbers.next().is_some() {
        return None;
    }
    let status = EnhancedStatus::new(u8::try_from(class).ok()?, subject, detail).ok()?;
    Some((status, line.len().saturating_sub(text.trim_start_matches(' ').len())))
}
