//! `tag` (RFC 9051, section 9).

use super::cursor::{Cursor, Result};
use crate::error::ParseErrorKind;
use crate::types::Tag;
use crate::types::tag::is_tag_char;

/// The tag and the space or end of line behind it.
pub(super) fn tag(cursor: &mut Cursor<'_>) -> Result<Tag> {
    let start = cursor.offset();
    let length = cursor.run("tag", is_tag_char)?.len();
    if length > Tag::LEN_MAX {
        return cursor.fail_at(start, "tag", ParseErrorKind::Limit(Tag::LEN_MAX));
    }
    match Tag::new(cursor.since(start)) {
        Ok(tag) => Ok(tag),
        Err(_) => cursor.fail_at(start, "tag", ParseErrorKind::Syntax),
    }
}
