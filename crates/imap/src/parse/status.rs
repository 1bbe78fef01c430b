//! `status-att` lists (RFC 9051, sections 6.3.11 and 7.3.4).

use super::cursor::{Cursor, Result};
use super::string::{atom, bracketed_object_id, nil};
use crate::error::ParseErrorKind;
use crate::types::{Repairs, StatusAttribute, StatusItem};
use alloc::vec::Vec;

/// `(status-att ..)` in a command.
pub(super) fn attributes(cursor: &mut Cursor<'_>) -> Result<Vec<StatusAttribute>> {
    let mut attributes = Vec::new();
    cursor.list("status-att", 1, |cursor| {
        let start = cursor.offset();
        let name = atom(cursor, "status-att")?;
        match StatusAttribute::named(name.as_bytes()) {
            Some(attribute) => attributes.push(attribute),
            None => return cursor.fail_at(start, "status-att", ParseErrorKind::Unknown),
        }
        Ok(())
    })?;
    Ok(attributes)
}

/// `(status-att-val ..)` in a response; unknown or impossible items are passed over.
pub(super) fn items(cursor: &mut Cursor<'_>) -> Result<Vec<StatusItem>> {
    let mut items = Vec::new();
    if nil(cursor) {
        cursor.repair(Repairs::ODD_LIST);
        return Ok(items);
    }
    cursor.list("status-att-val", 0, |cursor| {
        let name = atom(cursor, "status-att")?;
        cursor.space("status-att-val")?;
        let before = cursor.offset();
        let Some(attribute) = StatusAttribute::named(name.as_bytes()) else {
            return super::fetch::skip_value(cursor);
        };
        match item(cursor, attribute) {
            Ok(item) if matches!(cursor.peek(), Some(b' ' | b')')) => {
                items.push(item);
                Ok(())
            }
            _ => {
                cursor.repair(Repairs::ODD_NUMBER);
                cursor.seek(before);
                super::fetch::skip_value(cursor)
            }
        }
    })?;
    Ok(items)
}

fn item(cursor: &mut Cursor<'_>, attribute: StatusAttribute) -> Result<StatusItem> {
    if attribute == StatusAttribute::AppendLimit && nil(cursor) {
        return Ok(StatusItem::AppendLimit(None));
    }
    if attribute == StatusAttribute::MailboxId {
        return bracketed_object_id(cursor).map(StatusItem::MailboxId);
    }
    let number = cursor.lenient_number("status-att-val")?;
    StatusItem::number(attribute, number).map_or_else(|| cursor.fail("status-att-val"), Ok)
}
