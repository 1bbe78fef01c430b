//! The name of a message on its way: short, fit for a header, a log and a command line, and in the order of time.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// Names a message on its way through this server: thirteen letters and digits. Later ones sort behind earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TraceId(u64);

/// This is the name of no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name of a message is {LENGTH} digits and letters, without i, l, o and u")]
pub struct NoTraceId;

impl TraceId {
    /// A name that none has had: milliseconds since 1970, and a count within them. A clock that is set back is
    /// waited for as long as the process runs.
    pub fn next() -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or_default() << COUNT_BITS;
        let last = LAST
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(last.saturating_add(1).max(now)));
        let (Ok(last) | Err(last)) = last;
        Self(last.saturating_add(1).max(now))
    }

    /// When the message came in, in milliseconds since 1970.
    pub const fn milliseconds(self) -> u64 {
        self.0 >> COUNT_BITS
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..LENGTH).rev().try_for_each(|place| {
            let digit = (self.0 >> (place * DIGIT_BITS)) & DIGIT_MASK;
            let digit = usize::try_from(digit).ok().and_then(|digit| DIGITS.get(digit));
            fmt::Write::write_char(f, char::from(digit.copied().unwrap_or(b'0')))
        })
    }
}

impl FromStr for TraceId {
    type Err = NoTraceId;

    fn from_str(text: &str) -> Result<Self, NoTraceId> {
        if text.len() != usize::try_from(LENGTH).unwrap_or_default() {
            return Err(NoTraceId);
        }
        text.bytes()
            .try_fold(0_u64, |number, letter| {
                let digit = DIGITS.iter().position(|digit| digit.eq_ignore_ascii_case(&letter))?;
                number.checked_mul(DIGIT_MASK.checked_add(1)?)?.checked_add(u64::try_from(digit).ok()?)
            })
            .map(Self)
            .ok_or(NoTraceId)
    }
}

impl From<TraceId> for String {
    fn from(id: TraceId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for TraceId {
    type Error = NoTraceId;

    fn try_from(text: String) -> Result<Self, NoTraceId> {
        text.parse()
    }
}

/// Messages that can be named in one millisecond, as bits.
const COUNT_BITS: u32 = 18;

/// Letters of a name: 64 bits of five each.
const LENGTH: u32 = 13;

const DIGIT_BITS: u32 = 5;

const DIGIT_MASK: u64 = 31;

/// Those of Crockford's base 32: none is taken for another.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_new_sortable_and_readable_back() {
        let names: Vec<TraceId> = (0..10_000).map(|_| TraceId::next()).collect();
        assert!(names.is_sorted_by(|a, b| a < b && a.to_string() < b.to_string()));
        for name in &names {
            let text = name.to_string();
            assert_eq!((text.len(), text.parse()), (13, Ok(*name)));
            assert_eq!(text.to_uppercase().parse(), Ok(*name));
        }
        let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap();
        assert!(now.abs_diff(names[0].milliseconds()) < 60_000);
    }

    #[test]
    fn what_is_no_name_is_none() {
        for bad in [
            "",
            "0",
            "00000000000000",
            "zzzzzzzzzzzzz",
            "000000000000u",
            "../../etc/pass",
            "00000\u{e9}000000",
        ] {
            assert_eq!(bad.parse::<TraceId>(), Err(NoTraceId), "{bad}");
        }
        for number in [0, 1, u64::MAX] {
            assert_eq!(TraceId(number).to_string().parse(), Ok(TraceId(number)));
        }
    }
}
