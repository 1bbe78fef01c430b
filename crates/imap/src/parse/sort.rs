//! SORT (RFC 5256, section 5; RFC 5267 for RETURN).

use super::cursor::{Cursor, Result};
use super::search::{charset, keys, return_options};
use super::string::atom;
use crate::error::ParseErrorKind;
use crate::types::{SortCommand, SortCriterion, SortKey};
use alloc::vec::Vec;

pub(super) fn sort(cursor: &mut Cursor<'_>) -> Result<SortCommand> {
    let returns = return_options(cursor)?;
    let mut criteria = Vec::new();
    cursor.list("sort-criteria", 1, |cursor| {
        let reverse = cursor.eat_word("REVERSE ");
        let start = cursor.offset();
        let name = atom(cursor, "sort-key")?;
        let Some(key) = SortKey::named(name.as_bytes()) else {
            return cursor.fail_at(start, "sort-key", ParseErrorKind::Unknown);
        };
        criteria.push(if reverse { SortCriterion::reverse(key) } else { SortCriterion::ascending(key) });
        Ok(())
    })?;
    cursor.space("sort")?;
    let charset = charset(cursor)?;
    cursor.space("search-criteria")?;
    Ok(SortCommand { returns, criteria, charset, keys: keys(cursor)? })
}
