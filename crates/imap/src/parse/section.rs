//! Sections of a message (RFC 9051, section 9: `section`, `section-binary`, `partial`).

use super::cursor::{Cursor, Result};
use super::string::astring;
use crate::error::ParseErrorKind;
use crate::types::{AString, PartPath, Partial, Section, SectionText};
use alloc::vec::Vec;

/// `[..]` with everything that may stand in it.
pub(super) fn section(cursor: &mut Cursor<'_>) -> Result<Section> {
    let start = cursor.offset();
    cursor.octet("section", b'[')?;
    let (part, dot) = part_and_dot(cursor)?;
    let text =
        if (part.is_none() || dot) && cursor.peek() != Some(b']') { Some(text(cursor)?) } else { None };
    if dot && text.is_none() {
        return cursor.fail("section-text");
    }
    cursor.octet("section", b']')?;
    match Section::new(part, text) {
        Ok(section) => Ok(section),
        Err(_) => cursor.fail_at(start, "section", ParseErrorKind::Syntax),
    }
}

/// `[..]` with a part only.
pub(super) fn section_binary(cursor: &mut Cursor<'_>) -> Result<Option<PartPath>> {
    cursor.octet("section-binary", b'[')?;
    let (part, dot) = part_and_dot(cursor)?;
    if dot {
        return cursor.fail("section-binary");
    }
    cursor.octet("section-binary", b']')?;
    Ok(part)
}

/// `<offset.count>` if it is next.
pub(super) fn partial(cursor: &mut Cursor<'_>) -> Result<Option<Partial>> {
    if !cursor.eat(b'<') {
        return Ok(None);
    }
    let offset = cursor.number("partial")?;
    cursor.octet("partial", b'.')?;
    let count = cursor.nz_number("partial")?;
    cursor.octet("partial", b'>')?;
    Ok(Some(Partial { offset, count }))
}

/// `<origin>` if it is next.
pub(super) fn origin(cursor: &mut Cursor<'_>) -> Result<Option<u32>> {
    if !cursor.eat(b'<') {
        return Ok(None);
    }
    let origin = cursor.number("origin")?;
    cursor.octet("origin", b'>')?;
    Ok(Some(origin))
}

/// Part numbers, and whether a dot follows the last one.
fn part_and_dot(cursor: &mut Cursor<'_>) -> Result<(Option<PartPath>, bool)> {
    let mut numbers = Vec::new();
    let mut dot = false;
    while matches!(cursor.peek(), Some(b'0'..=b'9')) {
        cursor.bound(numbers.len(), cursor.context.limits.section_depth_max, "section-part")?;
        numbers.push(cursor.nz_number("section-part")?);
        dot = cursor.eat(b'.');
        if !dot {
            break;
        }
    }
    Ok((PartPath::new(numbers).ok(), dot))
}

fn text(cursor: &mut Cursor<'_>) -> Result<SectionText> {
    if cursor.eat_word("HEADER.FIELDS.NOT") {
        return header_list(cursor).map(SectionText::HeaderFieldsNot);
    }
    if cursor.eat_word("HEADER.FIELDS") {
        return header_list(cursor).map(SectionText::HeaderFields);
    }
    if cursor.eat_word("HEADER") {
        return Ok(SectionText::Header);
    }
    if cursor.eat_word("TEXT") {
        return Ok(SectionText::Text);
    }
    cursor.word("section-text", "MIME")?;
    Ok(SectionText::Mime)
}

fn header_list(cursor: &mut Cursor<'_>) -> Result<Vec<AString>> {
    cursor.space("header-list")?;
    let mut names = Vec::new();
    cursor.list("header-list", 1, |cursor| {
        names.push(astring(cursor, "header-fld-name")?);
        Ok(())
    })?;
    Ok(names)
}
