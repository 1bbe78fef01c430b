//! STORE (RFC 9051, section 6.4.6; RFC 7162, section 3.1.3; X-GM-EXT-1).

use super::cursor::{Cursor, Result};
use super::flag::{bare_flags, flag_list};
use super::sequence;
use super::string::gmail_label;
use crate::types::{Addressing, Command, StoreAction, StoreCommand, StoreEcho, StoreLabels};
use alloc::vec::Vec;

pub(super) fn store(cursor: &mut Cursor<'_>, addressing: Addressing) -> Result<Command> {
    let set = sequence::message_set(cursor)?;
    cursor.space("store")?;
    let mut unchanged_since = None;
    if cursor.eat(b'(') {
        cursor.word("store-modifier", "UNCHANGEDSINCE")?;
        cursor.space("store-modifier")?;
        unchanged_since = Some(cursor.mod_seq_or_zero("mod-sequence-valzer")?);
        cursor.octet("store-modifiers", b')')?;
        cursor.space("store")?;
    }
    let action = match cursor.peek() {
        Some(b'+') => StoreAction::Add,
        Some(b'-') => StoreAction::Remove,
        _ => StoreAction::Replace,
    };
    if action != StoreAction::Replace {
        cursor.pass();
    }
    let labels = unchanged_since.is_none() && cursor.eat_word("X-GM-LABELS");
    if !labels {
        cursor.word("store-att-flags", "FLAGS")?;
    }
    let echo = if cursor.eat_word(".SILENT") { StoreEcho::Silent } else { StoreEcho::Report };
    cursor.space("store-att-flags")?;
    if labels {
        let labels = label_list(cursor)?;
        return Ok(Command::StoreLabels(addressing, StoreLabels { set, action, echo, labels }));
    }
    let flags = if cursor.peek() == Some(b'(') { flag_list(cursor)? } else { bare_flags(cursor)? };
    Ok(Command::Store(addressing, StoreCommand { set, unchanged_since, action, echo, flags }))
}

fn label_list(cursor: &mut Cursor<'_>) -> Result<Vec<crate::types::AString>> {
    let mut labels = Vec::new();
    if cursor.peek() != Some(b'(') {
        labels.push(gmail_label(cursor)?);
        return Ok(labels);
    }
    cursor.list("X-GM-LABELS", 0, |cursor| {
        labels.push(gmail_label(cursor)?);
        Ok(())
    })?;
    Ok(labels)
}
