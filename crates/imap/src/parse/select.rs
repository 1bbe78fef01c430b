//! Parameters of SELECT and EXAMINE (RFC 4466, section 2.1; RFC 7162, section 7).

use super::cursor::{Cursor, Result};
use super::sequence::uid_set;
use super::string::atom;
use crate::error::ParseErrorKind;
use crate::types::{QResync, SelectParameter};
use alloc::vec::Vec;

/// ` (..)` if there is more; unknown parameters are refused, as RFC 4466 asks.
pub(super) fn parameters(cursor: &mut Cursor<'_>) -> Result<Vec<SelectParameter>> {
    let mut parameters = Vec::new();
    if cursor.is_at_end() {
        return Ok(parameters);
    }
    cursor.space("select-params")?;
    cursor.list("select-params", 1, |cursor| {
        let start = cursor.offset();
        let name = atom(cursor, "select-param")?;
        parameters.push(match () {
            () if name.is("CONDSTORE") => SelectParameter::CondStore,
            () if name.is("QRESYNC") => SelectParameter::QResync(qresync(cursor)?),
            () => return cursor.fail_at(start, "select-param", ParseErrorKind::Unknown),
        });
        Ok(())
    })?;
    Ok(parameters)
}

/// ` "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"`
fn qresync(cursor: &mut Cursor<'_>) -> Result<QResync> {
    cursor.space("select-param")?;
    cursor.octet("select-param", b'(')?;
    let uid_validity = cursor.nz_number("uidvalidity")?;
    cursor.space("select-param")?;
    let mod_seq = cursor.mod_seq("mod-sequence-value")?;
    let mut resync = QResync { uid_validity, mod_seq, known_uids: None, match_data: None };
    if cursor.eat(b')') {
        return Ok(resync);
    }
    cursor.space("select-param")?;
    if cursor.peek() != Some(b'(') {
        resync.known_uids = Some(uid_set(cursor)?);
        if cursor.eat(b')') {
            return Ok(resync);
        }
        cursor.space("select-param")?;
    }
    cursor.octet("seq-match-data", b'(')?;
    let numbers = uid_set(cursor)?;
    cursor.space("seq-match-data")?;
    resync.match_data = Some((numbers, uid_set(cursor)?));
    cursor.octet("seq-match-data", b')')?;
    cursor.octet("select-param", b')')?;
    Ok(resync)
}
