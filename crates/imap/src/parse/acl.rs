//! Access control lists, commands and responses (RFC 4314, section 7).

use super::cursor::{Cursor, Result};
use super::mailbox::mailbox;
use super::string::{astring, astring_octets};
use crate::error::ParseErrorKind;
use crate::types::{Acl, Command, ListRights, Repairs, Rights, RightsChange};
use alloc::vec::Vec;

/// The arguments of SETACL.
pub(super) fn set_acl(cursor: &mut Cursor<'_>) -> Result<Command> {
    let mailbox = mailbox(cursor)?;
    cursor.space("setacl")?;
    let identifier = astring(cursor, "identifier")?;
    cursor.space("setacl")?;
    let start = cursor.offset();
    let text = astring_octets(cursor, "mod-rights")?;
    let change = match text.split_first() {
        Some((b'+', letters)) => Rights::of(letters).map(RightsChange::Add),
        Some((b'-', letters)) => Rights::of(letters).map(RightsChange::Remove),
        _ => Rights::of(&text).map(RightsChange::Replace),
    };
    match change {
        Some(change) => Ok(Command::SetAcl { mailbox, identifier, change }),
        None => cursor.fail_at(start, "mod-rights", ParseErrorKind::Syntax),
    }
}

/// The arguments of DELETEACL.
pub(super) fn delete_acl(cursor: &mut Cursor<'_>) -> Result<Command> {
    let mailbox = mailbox(cursor)?;
    cursor.space("deleteacl")?;
    Ok(Command::DeleteAcl { mailbox, identifier: astring(cursor, "identifier")? })
}

/// The arguments of LISTRIGHTS.
pub(super) fn list_rights(cursor: &mut Cursor<'_>) -> Result<Command> {
    let mailbox = mailbox(cursor)?;
    cursor.space("listrights")?;
    Ok(Command::ListRights { mailbox, identifier: astring(cursor, "identifier")? })
}

/// `acl-data`
pub(super) fn acl(cursor: &mut Cursor<'_>) -> Result<Acl> {
    let mailbox = mailbox(cursor)?;
    let mut entries = Vec::new();
    while more(cursor)? {
        cursor.bound(entries.len(), cursor.context.limits.list_max, "acl-data")?;
        let identifier = astring(cursor, "identifier")?;
        cursor.space("acl-data")?;
        entries.push((identifier, rights(cursor)?));
    }
    Ok(Acl { mailbox, entries })
}

/// `listrights-data`
pub(super) fn rights_list(cursor: &mut Cursor<'_>) -> Result<ListRights> {
    let mailbox = mailbox(cursor)?;
    cursor.space("listrights-data")?;
    let identifier = astring(cursor, "identifier")?;
    cursor.space("listrights-data")?;
    let required = rights(cursor)?;
    let mut optional = Vec::new();
    while more(cursor)? {
        cursor.bound(optional.len(), cursor.context.limits.list_max, "listrights-data")?;
        optional.push(rights(cursor)?);
    }
    Ok(ListRights { mailbox, identifier, required, optional })
}

/// `rights`. Of a server's, letters that are none are left out.
pub(super) fn rights(cursor: &mut Cursor<'_>) -> Result<Rights> {
    let start = cursor.offset();
    let text = astring_octets(cursor, "rights")?;
    if let Some(rights) = Rights::of(&text) {
        return Ok(rights);
    }
    if !cursor.is_lenient() {
        return cursor.fail_at(start, "rights", ParseErrorKind::Syntax);
    }
    cursor.repair(Repairs::ODD_STRING);
    Ok(text.iter().filter_map(|letter| Rights::of(&[*letter])).fold(Rights::NONE, Rights::with))
}

/// Whether another item follows; takes the space before it.
pub(super) fn more(cursor: &mut Cursor<'_>) -> Result<bool> {
    cursor.extra_trailing_spaces();
    if cursor.is_at_end() {
        return Ok(false);
    }
    cursor.space("SP").map(|()| true)
}
