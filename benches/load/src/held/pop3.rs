//! Where the answer to a POP3 command ends: at its first line, or at the line that is a dot (RFC 1939 3).

use memchr::memmem;

use super::{Found, Scan};

/// Finds the end of one answer.
#[derive(Debug)]
pub struct Pop3Answer {
    /// Whether there is more than the first line when the server says yes.
    is_long: bool,
    /// The first octets of the answer, as many as are needed to know what it says.
    first: Vec<u8>,
    /// The first line has not ended yet, or there is no other.
    is_first: bool,
    /// The last octets of what came: an end may begin in them.
    tail: Vec<u8>,
}

impl Pop3Answer {
    /// An answer of one line.
    pub const fn short() -> Self {
        Self { is_long: false, first: Vec::new(), is_first: true, tail: Vec::new() }
    }

    /// The answer to LIST or RETR, which goes up to a dot where the server does as it is asked.
    pub fn long() -> Self {
        Self { is_long: true, ..Self::short() }
    }

    /// Where `end` ends in what came last, with what came before.
    fn find(&mut self, octets: &[u8], end: &[u8]) -> Option<usize> {
        let before = end.len().saturating_sub(1);
        let seam = self.tail.len();
        self.tail.extend_from_slice(octets.get(..before).unwrap_or(octets));
        let across =
            memmem::find(&self.tail, end).map(|at| at.saturating_add(end.len()).saturating_sub(seam));
        let found = across.or_else(|| memmem::find(octets, end).map(|at| at.saturating_add(end.len())));
        if octets.len() >= before {
            self.tail.clear();
            self.tail
                .extend_from_slice(octets.get(octets.len().saturating_sub(before)..).unwrap_or_default());
        } else {
            let old = self.tail.len().saturating_sub(before);
            self.tail.drain(..old);
        }
        found
    }
}

impl Scan for Pop3Answer {
    fn look(&mut self, octets: &[u8]) -> Found {
        let mut rest = octets;
        if self.is_first {
            let missing = YES.len().saturating_sub(self.first.len());
            self.first.extend_from_slice(rest.get(..missing).unwrap_or(rest));
            let Some(end) = self.find(rest, LINE) else { return Found::More };
            if !(self.is_long && self.first.eq_ignore_ascii_case(YES)) {
                return Found::End;
            }
            self.is_first = false;
            // The line may end with the first of the two that a dot stands between.
            self.tail.clear();
            self.tail.extend_from_slice(LINE);
            rest = rest.get(end..).unwrap_or_default();
        }
        if self.find(rest, DOT).is_some() { Found::End } else { Found::More }
    }
}

const YES: &[u8] = b"+OK";
const LINE: &[u8] = b"\r\n";
const DOT: &[u8] = b"\r\n.\r\n";

#[cfg(test)]
mod tests;
