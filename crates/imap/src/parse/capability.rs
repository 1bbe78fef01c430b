//! Capability lists (RFC 9051, sections 6.3.1, 7.2.1 and 7.2.2).

use super::cursor::{Cursor, Result};
use super::string::atom;
use crate::types::{Capability, Repairs};
use alloc::vec::Vec;

/// `1*(SP capability)` to the end of the line, as ENABLE has it.
pub(super) fn enable(cursor: &mut Cursor<'_>) -> Result<Vec<Capability>> {
    let mut capabilities = Vec::new();
    while capabilities.is_empty() || !cursor.is_at_end() {
        cursor.bound(capabilities.len(), cursor.context.limits.list_max, "enable")?;
        cursor.space("enable")?;
        let name = atom(cursor, "capability")?;
        capabilities.push(Capability::new(name.into_bytes()).or_else(|_| cursor.fail("capability"))?);
    }
    Ok(capabilities)
}

/// `*(SP capability)` up to the end of the line or a `]`; what is no atom is passed over.
pub(super) fn capabilities(cursor: &mut Cursor<'_>) -> Result<Vec<Capability>> {
    let mut capabilities: Vec<Capability> = Vec::new();
    while cursor.peek() == Some(b' ') {
        cursor.bound(capabilities.len(), cursor.context.limits.list_max, "capability-data")?;
        cursor.space("capability-data")?;
        if matches!(cursor.peek(), None | Some(b']')) {
            cursor.repair(Repairs::EXTRA_SPACE);
            break;
        }
        let start = cursor.offset();
        cursor.run("capability", |octet| !matches!(octet, b' ' | b']' | b'\r' | b'\n'))?;
        match Capability::new(cursor.since(start)) {
            // Some servers put a space in front of the sign.
            Ok(sign) if sign.is("+") && capabilities.last().is_some_and(|last| last.is("LITERAL")) => {
                cursor.repair(Repairs::ODD_CAPABILITY);
                capabilities.pop();
                capabilities.push(Capability::LiteralPlus);
            }
            Ok(capability) => capabilities.push(capability),
            Err(_) => cursor.repair(Repairs::ODD_CAPABILITY),
        }
    }
    Ok(capabilities)
}
