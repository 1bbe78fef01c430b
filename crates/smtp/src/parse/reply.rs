//! Replies as they come in (RFC 5321 4.2), line by line. Tolerates what servers do: a code without text, lines
//! that are not ASCII or hold control characters (replaced), text longer than 512 octets up to the limit.

use alloc::string::String;
use alloc::vec::Vec;

use crate::{EnhancedStatus, ParseError, Reply};

/// Gathers the lines of one reply.
///
/// ```text
/// Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
/// ```
///
/// Memory: the reply so far; the caller limits how much that may be.
#[derive(Debug, Default)]
pub struct ReplyReader {
    code: Option<u16>,
    lines: Vec<String>,
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
    /// [`ParseError`] when the line is none of a reply, or its code is not that of the lines before it.
    pub fn line(&mut self, line: &[u8]) -> Result<Option<Reply>, ParseError> {
        let (digits, rest) = line.split_at_checked(3).ok_or(ParseError::new("reply code", 0))?;
        let code = code(digits).ok_or(ParseError::new("reply code", 0))?;
        if self.code.is_some_and(|first| first != code) {
            return Err(ParseError::new("reply code", 0));
        }
        let (last, text) = match rest.split_first() {
            None => (true, rest),
            Some((b' ', text)) => (true, text),
            Some((b'-', text)) => (false, text),
            Some(_) => return Err(ParseError::new("reply text", 3)),
        };
        if self.lines.len() >= Reply::LINES_MAX {
            return Err(ParseError::new("number of reply lines", 0));
        }
        self.code = Some(code);
        self.lines.push(printable(text));
        if !last {
            return Ok(None);
        }
        self.code = None;
        let mut lines = core::mem::take(&mut self.lines);
        let enhanced = take_enhanced(code, &mut lines);
        Reply::from_lines(code, enhanced, lines).map(Some)
    }
}

impl Reply {
    /// Writes the reply, all its lines with their CR LF.
    pub fn encode(&self, out: &mut bytes::BytesMut) {
        crate::encode::reply(self, out);
    }
}

/// `Reply-code = %x32-35 %x30-35 %x30-39`; a second digit up to nine is in use.
fn code(digits: &[u8]) -> Option<u16> {
    let code = core::str::from_utf8(digits).ok()?;
    let code = code.bytes().all(|octet| octet.is_ascii_digit()).then(|| code.parse::<u16>().ok())??;
    (200..=599).contains(&code).then_some(code)
}

/// The text as a string that can be shown and logged; cut at a line's limit.
fn printable(text: &[u8]) -> String {
    let mut out = String::new();
    for character in String::from_utf8_lossy(text).chars() {
        let character = if character.is_control() { '\u{FFFD}' } else { character };
        if out.len().saturating_add(character.len_utf8()) > Reply::LINE_OCTETS_MAX {
            break;
        }
        out.push(character);
    }
    out
}

/// Takes the enhanced status off every line, where every line has the same and it fits the code.
fn take_enhanced(code: u16, lines: &mut [String]) -> Option<EnhancedStatus> {
    let (status, _) = split_enhanced(lines.first()?)?;
    if u16::from(status.class()) != code / 100 {
        return None;
    }
    let mut stripped = Vec::with_capacity(lines.len());
    for line in &*lines {
        // A line of its own without text is in use: `250-2.1.0` alone.
        let (other, text) = split_enhanced(line)?;
        if other != status {
            return None;
        }
        stripped.push(String::from(text));
    }
    for (line, text) in lines.iter_mut().zip(stripped) {
        *line = text;
    }
    Some(status)
}

/// `status-code SP text` (RFC 2034 4).
fn split_enhanced(line: &str) -> Option<(EnhancedStatus, &str)> {
    let (status, text) = line.split_once(' ').unwrap_or((line, ""));
    let mut numbers = status.split('.').map(|digits| {
        let legal = (1..=3).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit());
        legal.then(|| digits.parse::<u16>().ok()).flatten()
    });
    let (class, subject, detail) = (numbers.next()??, numbers.next()??, numbers.next()??);
    if numbers.next().is_some() {
        return None;
    }
    Some((EnhancedStatus::new(u8::try_from(class).ok()?, subject, detail).ok()?, text))
}
