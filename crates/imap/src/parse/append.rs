//! APPEND up to its message (RFC 9051, section 6.3.12; RFC 3516 for `~{n}`).

use super::cursor::{Cursor, Result};
use super::datetime::date_time;
use super::flag::flag_list;
use super::literal::header;
use super::mailbox::mailbox;
use super::tag::tag;
use crate::error::ParseError;
use crate::types::{AppendHead, LiteralHeader, ParseContext, Tag};
use alloc::vec::Vec;
use bytes::Bytes;

/// What [`prefix`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppendStep {
    /// The line ends in the header of the message: its octets follow and may stream.
    Message(Tag, AppendHead, LiteralHeader),
    /// The line ends in the header of a literal in an argument, the mailbox name: append CRLF, its octets and
    /// the next line, then call again.
    NeedLiteral(LiteralHeader),
}

/// Reads `tag APPEND mailbox [(flags)] ["date"] {n}`, where `line` ends behind the literal header.
///
/// # Errors
/// When the line is anything else, the name of the mailbox included.
pub fn prefix(line: &Bytes, context: &ParseContext) -> core::result::Result<AppendStep, ParseError> {
    let mut cursor = Cursor::strict(line, context);
    let read = |cursor: &mut Cursor<'_>| -> Result<AppendStep> {
        let tag = tag(cursor)?;
        cursor.space("command")?;
        cursor.word("append", "APPEND")?;
        cursor.space("append")?;
        let (head, header) = append(cursor)?;
        Ok(AppendStep::Message(tag, head, header))
    };
    read(&mut cursor).or_else(|error| cursor.pending.map(AppendStep::NeedLiteral).ok_or(error))
}

/// The arguments and the header of the message, which must end the line.
pub(super) fn append(cursor: &mut Cursor<'_>) -> Result<(AppendHead, LiteralHeader)> {
    let mailbox = mailbox(cursor)?;
    cursor.space("append")?;
    let mut flags = Vec::new();
    if cursor.peek() == Some(b'(') {
        flags = flag_list(cursor)?;
        cursor.space("append")?;
    }
    let mut date = None;
    if cursor.peek() == Some(b'"') {
        date = Some(date_time(cursor)?);
        cursor.space("append")?;
    }
    let header = header(cursor, "append-data")?;
    cursor.end("append-data")?;
    Ok((AppendHead { mailbox, flags, date_time: date }, header))
}
