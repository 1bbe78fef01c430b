//! Parameters of SELECT and EXAMINE (RFC 4466, section 2.1).

use super::cursor::{Cursor, Result};
use super::string::atom;
use crate::error::ParseErrorKind;
use crate::types::SelectParameter;
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
        if !atom(cursor, "select-param")?.is("CONDSTORE") {
            return cursor.fail_at(start, "select-param", ParseErrorKind::Unknown);
        }
        parameters.push(SelectParameter::CondStore);
        Ok(())
    })?;
    Ok(parameters)
}
