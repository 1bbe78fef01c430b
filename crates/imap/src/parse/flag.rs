//! Flags (RFC 9051, section 9: `flag`, `flag-fetch`, `flag-list`, `flag-perm`).

use super::cursor::{Cursor, Result};
use crate::error::ParseErrorKind;
use crate::types::string::is_atom_char;
use crate::types::{Flag, Keyword, PermanentFlags, Repairs};
use alloc::vec::Vec;

/// A flag a client sets: not `\Recent`.
pub(super) fn flag(cursor: &mut Cursor<'_>) -> Result<Flag> {
    let start = cursor.offset();
    cursor.eat(b'\\');
    cursor.run("flag", is_atom_char)?;
    match Flag::new(cursor.since(start)) {
        Ok(flag) if flag.is_settable() => Ok(flag),
        _ => cursor.fail_at(start, "flag", ParseErrorKind::Syntax),
    }
}

/// `flag-list`, with any flag a client may set.
pub(super) fn flag_list(cursor: &mut Cursor<'_>) -> Result<Vec<Flag>> {
    let mut flags = Vec::new();
    cursor.list("flag-list", 0, |cursor| {
        flags.push(flag(cursor)?);
        Ok(())
    })?;
    Ok(flags)
}

/// The flags a server reports; whatever is no flag becomes [`Flag::Odd`].
pub(super) fn reported_flags(cursor: &mut Cursor<'_>) -> Result<Vec<Flag>> {
    let mut flags = Vec::new();
    if super::string::nil(cursor) {
        cursor.repair(Repairs::ODD_LIST);
        return Ok(flags);
    }
    cursor.list("flag-list", 0, |cursor| {
        flags.push(reported_flag(cursor)?);
        Ok(())
    })?;
    Ok(flags)
}

pub(super) fn permanent_flags(cursor: &mut Cursor<'_>) -> Result<PermanentFlags> {
    let mut permanent = PermanentFlags::default();
    cursor.list("flag-perm", 0, |cursor| {
        let flag = reported_flag(cursor)?;
        if matches!(&flag, Flag::Odd(text) if *text == "\\*") {
            permanent.new_keywords = true;
        } else {
            permanent.flags.push(flag);
        }
        Ok(())
    })?;
    Ok(permanent)
}

/// `flag-keyword`.
pub(super) fn keyword(cursor: &mut Cursor<'_>) -> Result<Keyword> {
    let start = cursor.offset();
    cursor.run("flag-keyword", is_atom_char)?;
    match Keyword::new(cursor.since(start)) {
        Ok(keyword) => Ok(keyword),
        Err(_) => cursor.fail_at(start, "flag-keyword", ParseErrorKind::Syntax),
    }
}

fn reported_flag(cursor: &mut Cursor<'_>) -> Result<Flag> {
    let start = cursor.offset();
    if matches!(cursor.peek(), Some(b'"' | b'{')) {
        let text = super::string::string_octets(cursor, "flag")?;
        cursor.repair(Repairs::ODD_FLAG);
        return Ok(Flag::new(text.clone()).unwrap_or(Flag::Odd(text)));
    }
    cursor.run("flag", |octet| !matches!(octet, b' ' | b'(' | b')' | b'\r' | b'\n' | 0))?;
    let text = cursor.since(start);
    Ok(Flag::new(text.clone()).unwrap_or_else(|_| {
        if text != "\\*" {
            cursor.repair(Repairs::ODD_FLAG);
        }
        Flag::Odd(text)
    }))
}
