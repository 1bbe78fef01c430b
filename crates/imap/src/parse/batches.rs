//! UIDBATCHES, command and response (RFC 10022, section 4).

use super::cursor::{Cursor, Result};
use super::esearch::correlator;
use super::sequence::uid_set;
use crate::types::{EsearchResponse, UidBatches, UidBatchesCommand};

/// `nz-number [SP nz-number ":" nz-number]`
pub(super) fn command(cursor: &mut Cursor<'_>) -> Result<UidBatchesCommand> {
    let size = cursor.nz_number("message-batches")?;
    if cursor.is_at_end() {
        return Ok(UidBatchesCommand { size, batches: None });
    }
    cursor.space("message-batches")?;
    let first = cursor.nz_number("message-batches")?;
    cursor.octet("message-batches", b':')?;
    let last = cursor.nz_number("message-batches")?;
    Ok(UidBatchesCommand { size, batches: Some((first, last)) })
}

/// What follows `UIDBATCHES` in a response.
pub(super) fn response(cursor: &mut Cursor<'_>) -> Result<UidBatches> {
    let mut batches = UidBatches::default();
    if cursor.rest().starts_with(b" (") {
        cursor.space("uidbatches-response")?;
        let mut found = EsearchResponse::default();
        correlator(cursor, &mut found)?;
        batches.tag = found.tag;
    }
    if super::acl::more(cursor)? {
        batches.batches = uid_set(cursor)?.ranges().to_vec();
    }
    Ok(batches)
}
