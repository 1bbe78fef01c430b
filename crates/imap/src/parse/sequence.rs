//! Sequence sets and UID sets (RFC 9051, section 9).

use super::cursor::{Cursor, Result};
use crate::error::ParseError;
use crate::types::{
    MessageSet, ParseContext, PartialEnd, PartialRange, SequenceNumber, SequenceRange, SequenceSet, UidSet,
};
use alloc::vec::Vec;
use bytes::Bytes;
use core::str::FromStr;

/// Reads text that is a sequence set and nothing else.
///
/// # Errors
/// When it is not, or has more ranges than the limit.
pub fn sequence_set(text: &Bytes, context: &ParseContext) -> core::result::Result<SequenceSet, ParseError> {
    Cursor::strict(text, context).parse(|cursor| {
        let set = set(cursor)?;
        cursor.end("sequence-set")?;
        Ok(set)
    })
}

/// What [`Display`](core::fmt::Display) writes of a set, so that it can be kept in a file; the empty set is the empty
/// text. The text bounds the ranges.
///
/// ```
/// use posthaste_imap::types::UidSet;
///
/// let set: UidSet = "2:4,9".parse()?;
/// assert_eq!((set.len(), set.to_string().as_str()), (4, "2:4,9"));
/// assert!("2:*".parse::<UidSet>().is_err());
/// # Ok::<(), posthaste_imap::ParseError>(())
/// ```
impl FromStr for UidSet {
    type Err = ParseError;

    fn from_str(text: &str) -> core::result::Result<Self, ParseError> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let mut context = ParseContext::client();
        context.limits.ranges_max = usize::MAX;
        Cursor::strict(&Bytes::copy_from_slice(text.as_bytes()), &context).parse(|cursor| {
            let set = uid_set(cursor)?;
            cursor.end("uid-set")?;
            Ok(set)
        })
    }
}

/// `sequence-set` or the `$` of SEARCHRES.
pub(super) fn message_set(cursor: &mut Cursor<'_>) -> Result<MessageSet> {
    if cursor.eat(b'$') { Ok(MessageSet::Saved) } else { set(cursor).map(MessageSet::Numbers) }
}

/// `partial-range`
pub(super) fn partial_range(cursor: &mut Cursor<'_>) -> Result<PartialRange> {
    let last = cursor.eat(b'-');
    let one = cursor.nz_number("partial-range")?;
    cursor.octet("partial-range", b':')?;
    if last {
        cursor.octet("partial-range", b'-')?;
    }
    let other = cursor.nz_number("partial-range")?;
    Ok(PartialRange::new(if last { PartialEnd::Newest } else { PartialEnd::Oldest }, one, other))
}

pub(super) fn set(cursor: &mut Cursor<'_>) -> Result<SequenceSet> {
    let mut ranges = Vec::new();
    loop {
        cursor.bound(ranges.len(), cursor.context.limits.ranges_max, "sequence-set")?;
        let start = number(cursor)?;
        let end = if cursor.eat(b':') { number(cursor)? } else { start };
        ranges.push(SequenceRange { start, end });
        if !cursor.eat(b',') {
            break;
        }
    }
    SequenceSet::new(ranges).or_else(|_| cursor.fail("sequence-set"))
}

pub(super) fn uid_set(cursor: &mut Cursor<'_>) -> Result<UidSet> {
    let mut ranges = Vec::new();
    loop {
        cursor.bound(ranges.len(), cursor.context.limits.ranges_max, "uid-set")?;
        let start = cursor.nz_number("uid-set")?;
        let end = if cursor.eat(b':') { cursor.nz_number("uid-set")? } else { start };
        ranges.push(start..=end);
        if !cursor.eat(b',') {
            return Ok(UidSet::new(ranges));
        }
    }
}

pub(super) fn number(cursor: &mut Cursor<'_>) -> Result<SequenceNumber> {
    if cursor.eat(b'*') {
        return Ok(SequenceNumber::Largest);
    }
    cursor.nz_number("seq-number").map(SequenceNumber::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use core::num::NonZeroU32;
    use proptest::prelude::*;

    fn ranges() -> impl Strategy<Value = Vec<(u32, u32)>> {
        prop::collection::vec((1..=u32::MAX, 1..=u32::MAX), 0..20)
    }

    proptest! {
        #[test]
        fn a_set_of_uids_is_read_as_it_was_printed(ranges in ranges()) {
            let number = |number| NonZeroU32::new(number).unwrap();
            let set = UidSet::new(ranges.into_iter().map(|(one, other)| number(one)..=number(other)));
            prop_assert_eq!(set.to_string().parse(), Ok(set));
        }

        #[test]
        fn any_text_is_a_set_of_uids_or_is_refused(text in "[0-9:,* ]{0,20}") {
            if let Ok(set) = text.parse::<UidSet>() {
                prop_assert_eq!(set.to_string().parse(), Ok(set));
            }
        }
    }

    #[test]
    fn what_no_line_could_hold_can_be_kept_in_a_file() {
        let set = UidSet::from_numbers((1..30_000).step_by(2).filter_map(NonZeroU32::new));
        assert_eq!(set.ranges().len(), 15_000);
        assert_eq!(set.to_string().parse(), Ok(set));
    }
}
