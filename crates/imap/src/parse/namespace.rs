//! The response to NAMESPACE (RFC 9051, section 7.3.5; RFC 2342).

use super::cursor::{Cursor, Result};
use super::fetch::skip_value;
use super::list::delimiter;
use super::mailbox::mailbox;
use super::string::{nil, string};
use crate::types::{Namespace, Namespaces, Repairs};
use alloc::vec::Vec;

pub(super) fn namespaces(cursor: &mut Cursor<'_>) -> Result<Namespaces> {
    let personal = namespace(cursor)?;
    cursor.space("namespace-response")?;
    let other_users = namespace(cursor)?;
    cursor.space("namespace-response")?;
    Ok(Namespaces { personal, other_users, shared: namespace(cursor)? })
}

/// `namespace`: descriptions follow each other without a space.
fn namespace(cursor: &mut Cursor<'_>) -> Result<Vec<Namespace>> {
    let mut namespaces = Vec::new();
    if nil(cursor) {
        return Ok(namespaces);
    }
    cursor.octet("namespace", b'(')?;
    cursor.extra_spaces();
    while cursor.eat(b'(') {
        cursor.bound(namespaces.len(), cursor.context.limits.list_max, "namespace")?;
        let prefix = mailbox(cursor)?;
        cursor.space("namespace-descr")?;
        let delimiter = delimiter(cursor)?;
        let mut translation = None;
        while !cursor.eat(b')') {
            cursor.space("namespace-response-extension")?;
            if cursor.eat_word("\"TRANSLATION\" (") {
                translation = Some(string(cursor, "namespace-trans")?);
                cursor.octet("namespace-trans", b')')?;
            } else if cursor.peek() != Some(b')') {
                skip_value(cursor)?;
            }
        }
        namespaces.push(Namespace { prefix, delimiter, translation });
        cursor.extra_spaces();
    }
    if namespaces.is_empty() {
        cursor.repair(Repairs::ODD_LIST);
    }
    cursor.octet("namespace", b')')?;
    Ok(namespaces)
}
