//! CREATE (RFC 9051, section 6.3.4; RFC 6154, section 3).

use super::cursor::{Cursor, Result};
use super::mailbox::mailbox;
use super::string::atom;
use crate::error::ParseErrorKind;
use crate::types::{Create, MailboxAttribute};
use alloc::vec::Vec;

pub(super) fn create(cursor: &mut Cursor<'_>) -> Result<Create> {
    let mailbox = mailbox(cursor)?;
    let mut special_use = Vec::new();
    if cursor.is_at_end() {
        return Ok(Create { mailbox, special_use });
    }
    cursor.space("create-params")?;
    cursor.octet("create-params", b'(')?;
    cursor.word("create-param", "USE")?;
    cursor.space("create-param")?;
    cursor.list("use-attr", 0, |cursor| {
        let start = cursor.offset();
        cursor.octet("use-attr", b'\\')?;
        match MailboxAttribute::named(atom(cursor, "use-attr")?) {
            MailboxAttribute::SpecialUse(role) => special_use.push(role),
            _ => return cursor.fail_at(start, "use-attr", ParseErrorKind::Unknown),
        }
        Ok(())
    })?;
    cursor.octet("create-params", b')')?;
    Ok(Create { mailbox, special_use })
}
