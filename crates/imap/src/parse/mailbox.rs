//! `mailbox` and `list-mailbox` (RFC 9051, sections 5.1 and 9).

use super::cursor::{Cursor, Result};
use super::string::{astring_octets, string_octets};
use crate::error::ParseErrorKind;
use crate::types::string::is_astring_char;
use crate::types::{ListPattern, Mailbox, Repairs};

pub(super) fn mailbox(cursor: &mut Cursor<'_>) -> Result<Mailbox> {
    let start = cursor.offset();
    let octets = astring_octets(cursor, "mailbox")?;
    match Mailbox::from_wire(&octets, cursor.context.utf8) {
        Ok(mailbox) => Ok(mailbox),
        Err(_) if cursor.is_lenient() => {
            cursor.repair(Repairs::ODD_MAILBOX);
            Ok(Mailbox::from_wire_lenient(&octets, cursor.context.utf8))
        }
        Err(_) => cursor.fail_at(start, "mailbox", ParseErrorKind::MailboxName),
    }
}

pub(super) fn list_mailbox(cursor: &mut Cursor<'_>) -> Result<ListPattern> {
    let start = cursor.offset();
    let octets = if matches!(cursor.peek(), Some(b'"' | b'{')) {
        string_octets(cursor, "list-mailbox")?
    } else {
        cursor.run("list-mailbox", |octet| is_astring_char(octet) || matches!(octet, b'%' | b'*'))?;
        cursor.since(start)
    };
    // Wildcards are printable ASCII, so the encoding of names leaves them alone.
    let name = Mailbox::from_wire(&octets, cursor.context.utf8);
    let pattern = name.and_then(|name| {
        // `inbox` as a pattern matches INBOX, as the mailbox does; the case is the matcher's business.
        ListPattern::new(name.as_str())
    });
    match pattern {
        Ok(pattern) => Ok(pattern),
        Err(_) => cursor.fail_at(start, "list-mailbox", ParseErrorKind::MailboxName),
    }
}
