//! COPY, MOVE (RFC 9051, sections 6.4.7 and 6.4.8) and REPLACE up to its message (RFC 8508).

use super::append::append;
use super::cursor::{Cursor, Result};
use super::mailbox::mailbox;
use super::sequence::{message_set, number};
use crate::types::{CopyCommand, ReplaceCommand};

pub(super) fn copy(cursor: &mut Cursor<'_>) -> Result<CopyCommand> {
    let set = message_set(cursor)?;
    cursor.space("copy")?;
    Ok(CopyCommand { set, mailbox: mailbox(cursor)? })
}

pub(super) fn replace(cursor: &mut Cursor<'_>) -> Result<ReplaceCommand> {
    let message = number(cursor)?;
    cursor.space("replace")?;
    let (head, data) = append(cursor)?;
    Ok(ReplaceCommand { message, head, data })
}
