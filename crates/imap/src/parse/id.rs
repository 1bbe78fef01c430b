//! ID (RFC 2971).

use super::cursor::{Cursor, Result};
use super::string::{nil, nstring, string};
use crate::error::ParseErrorKind;
use crate::types::{IdParameters, Repairs};
use alloc::vec::Vec;

/// `id-params-list`: NIL or pairs.
pub(super) fn parameters(cursor: &mut Cursor<'_>) -> Result<IdParameters> {
    let start = cursor.offset();
    if nil(cursor) {
        return Ok(IdParameters::default());
    }
    let mut pairs = Vec::new();
    cursor.list("id-params-list", 0, |cursor| {
        cursor.bound(pairs.len(), IdParameters::PAIRS_MAX, "id-params-list")?;
        let name = string(cursor, "id field")?;
        cursor.space("id-params-list")?;
        pairs.push((name, nstring(cursor, "id value")?));
        Ok(())
    })?;
    if pairs.is_empty() {
        cursor.repair(Repairs::ODD_LIST);
    }
    match IdParameters::new(pairs) {
        Ok(parameters) => Ok(parameters),
        Err(_) => cursor.fail_at(start, "id-params-list", ParseErrorKind::Limit(IdParameters::VALUE_MAX)),
    }
}
