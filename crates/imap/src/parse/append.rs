//! APPEND up to its message, and what follows a message (RFC 9051, section 6.3.12; RFC 3502, 3516, 4469, 6855).

use super::cursor::{Cursor, Result};
use super::datetime::date_time;
use super::flag::flag_list;
use super::literal::header;
use super::mailbox::mailbox;
use super::string::astring;
use super::tag::tag;
use crate::error::{ParseError, ParseErrorKind};
use crate::types::{AppendData, AppendHead, AppendOptions, CatenateRun, LiteralHeader, ParseContext, Tag};
use bytes::Bytes;

/// What [`prefix`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppendStep {
    /// The line ends in the header of the message: its octets follow and may stream.
    Message(Tag, AppendHead, LiteralHeader),
    /// The message is given in another way: `UTF8`, or the parts of `CATENATE`. Where a literal is announced, the
    /// line ends in its header.
    Other(Tag, AppendHead, AppendData),
    /// The line ends in the header of a literal in an argument, the mailbox name: append CRLF, its octets and
    /// the next line, then call again.
    NeedLiteral(LiteralHeader),
}

/// What [`next`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AppendNext {
    /// The command is complete.
    End,
    /// Another message (MULTIAPPEND). Where a literal is announced, the line ends in its header; where not, what
    /// follows begins at the offset.
    Message(AppendOptions, AppendData, usize),
    /// More parts of the same message (CATENATE). Where a literal is announced, the line ends in its header; where
    /// not, what follows begins at the offset.
    Parts(CatenateRun, usize),
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
        let (head, data) = append(cursor)?;
        cursor.end("append-data")?;
        Ok(match data {
            AppendData::Literal(header) => AppendStep::Message(tag, head, header),
            data => AppendStep::Other(tag, head, data),
        })
    };
    read(&mut cursor).or_else(|fault| match cursor.pending {
        Some(header) => Ok(AppendStep::NeedLiteral(header)),
        None => Err(cursor.error(fault)),
    })
}

/// Reads what follows a message: `line` is the text behind its octets, and `before` how it was given.
///
/// Begin at offset 0; go on from the offset of the step before where that announced no literal.
///
/// # Errors
/// When the line is neither the end of the command nor the beginning of another message or part.
pub fn next(
    line: &Bytes,
    offset: usize,
    before: &AppendData,
    context: &ParseContext,
) -> core::result::Result<AppendNext, ParseError> {
    Cursor::strict(line, context).parse(|cursor| {
        cursor.seek(offset);
        let is_inside = offset == 0
            && matches!(
                before,
                AppendData::Utf8(_) | AppendData::Catenate(CatenateRun { text: Some(_), .. })
            );
        if is_inside && !cursor.eat(b')') {
            if matches!(before, AppendData::Utf8(_)) {
                return cursor.fail("append-data");
            }
            cursor.space("cat-part")?;
            let run = parts(cursor)?;
            return Ok(AppendNext::Parts(run, cursor.offset()));
        }
        if cursor.is_at_end() {
            return Ok(AppendNext::End);
        }
        cursor.space("append-message")?;
        let options = options(cursor)?;
        let data = data(cursor)?;
        Ok(AppendNext::Message(options, data, cursor.offset()))
    })
}

/// The arguments up to the first literal, which ends the line.
pub(super) fn append(cursor: &mut Cursor<'_>) -> Result<(AppendHead, AppendData)> {
    let mailbox = mailbox(cursor)?;
    cursor.space("append")?;
    let AppendOptions { flags, date_time } = options(cursor)?;
    Ok((AppendHead { mailbox, flags, date_time }, data(cursor)?))
}

/// The options with a space behind each.
fn options(cursor: &mut Cursor<'_>) -> Result<AppendOptions> {
    let mut options = AppendOptions::default();
    if cursor.peek() == Some(b'(') {
        options.flags = flag_list(cursor)?;
        cursor.space("append")?;
    }
    if cursor.peek() == Some(b'"') {
        options.date_time = Some(date_time(cursor)?);
        cursor.space("append")?;
    }
    Ok(options)
}

/// `append-data` up to its literal.
fn data(cursor: &mut Cursor<'_>) -> Result<AppendData> {
    if cursor.eat_word("CATENATE (") {
        return parts(cursor).map(AppendData::Catenate);
    }
    let utf8 = cursor.eat_word("UTF8 (");
    let start = cursor.offset();
    let header = header(cursor, "append-data")?;
    cursor.end("append-data")?;
    match (utf8, header.binary) {
        (true, true) => Ok(AppendData::Utf8(header)),
        (true, false) => cursor.fail_at(start, "literal8", ParseErrorKind::Syntax),
        (false, _) => Ok(AppendData::Literal(header)),
    }
}

/// `cat-part *(SP cat-part)` up to a literal or the closing parenthesis.
fn parts(cursor: &mut Cursor<'_>) -> Result<CatenateRun> {
    let mut run = CatenateRun::default();
    loop {
        cursor.bound(run.urls.len(), cursor.context.limits.list_max, "cat-part")?;
        if cursor.eat_word("TEXT ") {
            run.text = Some(header(cursor, "text-literal")?);
            cursor.end("text-literal")?;
            return Ok(run);
        }
        cursor.word("cat-part", "URL ")?;
        run.urls.push(astring(cursor, "url")?);
        if cursor.eat(b')') {
            return Ok(run);
        }
        cursor.space("cat-part")?;
    }
}
