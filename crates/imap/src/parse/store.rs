//! STORE (RFC 9051, section 6.4.6).

use super::cursor::{Cursor, Result};
use super::flag::{flag, flag_list};
use super::sequence;
use crate::types::{StoreAction, StoreCommand, StoreEcho};
use alloc::vec::Vec;

pub(super) fn store(cursor: &mut Cursor<'_>) -> Result<StoreCommand> {
    let set = sequence::set(cursor)?;
    cursor.space("store")?;
    let action = match cursor.peek() {
        Some(b'+') => StoreAction::Add,
        Some(b'-') => StoreAction::Remove,
        _ => StoreAction::Replace,
    };
    if action != StoreAction::Replace {
        cursor.pass();
    }
    cursor.word("store-att-flags", "FLAGS")?;
    let echo = if cursor.eat_word(".SILENT") { StoreEcho::Silent } else { StoreEcho::Report };
    cursor.space("store-att-flags")?;
    let flags = if cursor.peek() == Some(b'(') { flag_list(cursor)? } else { bare_flags(cursor)? };
    Ok(StoreCommand { set, action, echo, flags })
}

/// `flag *(SP flag)`, the form without parentheses.
fn bare_flags(cursor: &mut Cursor<'_>) -> Result<Vec<crate::types::Flag>> {
    let mut flags = Vec::new();
    loop {
        cursor.bound(flags.len(), cursor.context.limits.list_max, "store-att-flags")?;
        flags.push(flag(cursor)?);
        if cursor.is_at_end() {
            return Ok(flags);
        }
        cursor.space("store-att-flags")?;
    }
}
