//! Where the answer to an IMAP command ends: at a tagged response (RFC 9051 2.2.2), whose tag it has.
//!
//! Lines are found and literals are passed over, as the machine of the client does: a status response ends in free text,
//! in all others a line that ends in `{n}` goes on behind n octets. Nothing else of a response is read.

use posthaste_imap::parse::{LiteralMarker, literal_marker};

use super::{Found, HELD_MAX, Scan};

/// Finds the next line that is no untagged response. A continuation request and a BYE are shown to the machine at once:
/// the server waits for us, or for nobody.
#[derive(Debug, Default)]
pub struct ImapAnswer {
    /// A line whose end has not come.
    line: Vec<u8>,
    /// So much of a literal is still to come.
    literal: u64,
    /// The next line goes on with a response that has a literal.
    is_within: bool,
}

impl Scan for ImapAnswer {
    fn look(&mut self, octets: &[u8]) -> Found {
        let mut rest = octets;
        let mut found = Found::More;
        loop {
            rest = self.skip(rest);
            let Some((line, after)) = self.cut(rest) else {
                return if self.keep(rest) { found } else { Found::Due };
            };
            rest = after;
            let kept = std::mem::take(&mut self.line);
            let judged = if kept.is_empty() {
                self.judge(line)
            } else {
                let whole = [&kept, line].concat();
                self.judge(&whole)
            };
            match judged {
                Found::More => {}
                Found::Due => found = Found::Due,
                Found::End => return Found::End,
            }
        }
    }
}

impl ImapAnswer {
    /// What is left behind the literal that goes on here.
    fn skip<'a>(&mut self, octets: &'a [u8]) -> &'a [u8] {
        let skipped = usize::try_from(self.literal).unwrap_or(usize::MAX).min(octets.len());
        self.literal = self.literal.saturating_sub(u64::try_from(skipped).unwrap_or(u64::MAX));
        octets.get(skipped..).unwrap_or_default()
    }

    /// The end of the line that has begun, with its CR LF, and what stands behind it.
    fn cut<'a>(&self, octets: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
        let mut ends = memchr::memchr_iter(b'\n', octets);
        let end = ends.find(|lf| {
            let before = lf.checked_sub(1).map_or_else(|| self.line.last(), |before| octets.get(before));
            before == Some(&b'\r')
        })?;
        octets.split_at_checked(end.saturating_add(1))
    }

    /// Keeps the beginning of a line. Whether there is room; of a line that is longer the machine says that it is.
    fn keep(&mut self, octets: &[u8]) -> bool {
        if self.line.len().saturating_add(octets.len()) > HELD_MAX {
            self.line.clear();
            return false;
        }
        self.line.extend_from_slice(octets);
        true
    }

    fn judge(&mut self, line: &[u8]) -> Found {
        let line = line.strip_suffix(b"\r\n").unwrap_or(line);
        if !std::mem::take(&mut self.is_within) {
            match line {
                // Most lines: data of a message, a mailbox, a search.
                [b'*', b' ', b'0'..=b'9', ..] => {}
                [b'*', rest @ ..] => match status(rest) {
                    Some(Status::Bye) => return Found::Due,
                    Some(Status::Other) => return Found::More,
                    None => {}
                },
                [b'+', ..] => return Found::Due,
                _ => return Found::End,
            }
        }
        if line.last() != Some(&b'}') {
            return Found::More;
        }
        match literal_marker(line) {
            LiteralMarker::None => Found::More,
            LiteralMarker::Literal(header) => {
                (self.literal, self.is_within) = (header.len, true);
                Found::More
            }
            // The machine ends the session over this.
            LiteralMarker::Malformed => Found::Due,
        }
    }
}

enum Status {
    Bye,
    Other,
}

/// What kind of status response an untagged one is: these end in free text.
fn status(rest: &[u8]) -> Option<Status> {
    let rest = rest.trim_ascii_start();
    let end = rest.iter().position(|octet| !octet.is_ascii_alphabetic()).unwrap_or(rest.len());
    let word = rest.get(..end).unwrap_or_default();
    let is = |name: &&[u8]| word.eq_ignore_ascii_case(name);
    if is(&&b"BYE"[..]) {
        return Some(Status::Bye);
    }
    let others: [&[u8]; 4] = [b"OK", b"NO", b"BAD", b"PREAUTH"];
    (rest.first() == Some(&b'[') || others.iter().any(is)).then_some(Status::Other)
}

#[cfg(test)]
mod tests;
