//! The responses LANGUAGE and COMPARATOR (RFC 5255, sections 3.5 and 4.10).

use super::cursor::{Cursor, Result};
use super::string::astring;
use crate::types::{AString, Comparator};
use alloc::vec::Vec;

/// `"(" lang-tag-quoted *(SP lang-tag-quoted) ")"`
pub(super) fn languages(cursor: &mut Cursor<'_>) -> Result<Vec<AString>> {
    let mut languages = Vec::new();
    cursor.list("language-data", 0, |cursor| {
        languages.push(astring(cursor, "lang-tag-quoted")?);
        Ok(())
    })?;
    Ok(languages)
}

/// `comp-sel-quoted [SP "(" comp-id-quoted *(SP comp-id-quoted) ")"]`
pub(super) fn comparator(cursor: &mut Cursor<'_>) -> Result<Comparator> {
    let active = astring(cursor, "comp-sel-quoted")?;
    let matching = if super::acl::more(cursor)? { languages(cursor)? } else { Vec::new() };
    Ok(Comparator { active, matching })
}
