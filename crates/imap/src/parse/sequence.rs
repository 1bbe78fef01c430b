//! Sequence sets and UID sets (RFC 9051, section 9).

use super::cursor::{Cursor, Result};
use crate::error::ParseError;
use crate::types::{ParseContext, SequenceNumber, SequenceRange, SequenceSet, UidSet};
use alloc::vec::Vec;
use bytes::Bytes;

/// Reads text that is a sequence set and nothing else.
///
/// # Errors
/// When it is not, or has more ranges than the limit.
pub fn sequence_set(text: &Bytes, context: &ParseContext) -> core::result::Result<SequenceSet, ParseError> {
    let mut cursor = Cursor::strict(text, context);
    let set = set(&mut cursor)?;
    cursor.end("sequence-set")?;
    Ok(set)
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

fn number(cursor: &mut Cursor<'_>) -> Result<SequenceNumber> {
    if cursor.eat(b'*') {
        return Ok(SequenceNumber::Largest);
    }
    cursor.nz_number("seq-number").map(SequenceNumber::Number)
}
