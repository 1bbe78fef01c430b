//! BODYSTRUCTURE and BODY (RFC 9051, section 9: `body`).
//!
//! Recursive, but only as deep as `nesting_max` allows.

use super::cursor::{Cursor, Result};
use super::envelope::envelope;
use super::fetch::skip_value;
use super::string::{nil, nstring, string};
use crate::types::{
    AString, BodyKind, BodyPart, BodyStructure, Disposition, Multipart, MultipartExtension, NString,
    Parameters, PartExtension, Repairs,
};
use alloc::boxed::Box;
use alloc::vec::Vec;

pub(super) fn body(cursor: &mut Cursor<'_>) -> Result<BodyStructure> {
    nested_body(cursor, 0)
}

fn nested_body(cursor: &mut Cursor<'_>, depth: usize) -> Result<BodyStructure> {
    cursor.bound(depth, cursor.context.limits.nesting_max, "body")?;
    cursor.octet("body", b'(')?;
    cursor.extra_spaces();
    let body = if cursor.peek() == Some(b'(') {
        multipart(cursor, depth).map(BodyStructure::Multipart)?
    } else {
        part(cursor, depth).map(BodyStructure::Part)?
    };
    cursor.extra_spaces();
    cursor.octet("body", b')')?;
    Ok(body)
}

/// `body-type-mpart` without its parentheses; parts follow each other without a space.
fn multipart(cursor: &mut Cursor<'_>, depth: usize) -> Result<Multipart> {
    let mut parts = Vec::new();
    loop {
        cursor.bound(parts.len(), cursor.context.limits.list_max, "body-type-mpart")?;
        parts.push(nested_body(cursor, depth.saturating_add(1))?);
        if cursor.peek() == Some(b'(') {
            continue;
        }
        cursor.space("body-type-mpart")?;
        if cursor.peek() != Some(b'(') {
            break;
        }
        cursor.repair(Repairs::EXTRA_SPACE);
    }
    let subtype = string(cursor, "media-subtype")?;
    let extension = if more(cursor)? { Some(multipart_extension(cursor)?) } else { None };
    Ok(Multipart { parts, subtype, extension })
}

/// `body-type-1part` without its parentheses.
fn part(cursor: &mut Cursor<'_>, depth: usize) -> Result<BodyPart> {
    let media_type = string(cursor, "media-basic")?;
    cursor.space("media-basic")?;
    let subtype = string(cursor, "media-subtype")?;
    cursor.space("body-fields")?;
    let parameters = parameters(cursor)?;
    cursor.space("body-fields")?;
    let id = nstring(cursor, "body-fld-id")?;
    cursor.space("body-fields")?;
    let description = nstring(cursor, "body-fld-desc")?;
    cursor.space("body-fields")?;
    // Some servers have NIL where the default belongs.
    let encoding = nstring(cursor, "body-fld-enc")?.unwrap_or_default();
    cursor.space("body-fields")?;
    let octets = cursor.lenient_number("body-fld-octets")?;
    let kind = kind(cursor, depth, media_type, subtype)?;
    let extension = if more(cursor)? { Some(part_extension(cursor)?) } else { None };
    Ok(BodyPart { kind, parameters, id, description, encoding, octets, extension })
}

/// What stands between the octets and the extension depends on the media type.
fn kind(cursor: &mut Cursor<'_>, depth: usize, media_type: AString, subtype: AString) -> Result<BodyKind> {
    if media_type.as_bytes().eq_ignore_ascii_case(b"TEXT") {
        cursor.space("body-type-text")?;
        return Ok(BodyKind::Text { subtype, lines: cursor.lenient_number("body-fld-lines")? });
    }
    let message = is_message(&media_type, &subtype);
    // Some servers describe an unreadable message as any other part.
    if message && cursor.rest().starts_with(b" (") {
        cursor.space("body-type-msg")?;
        let envelope = Box::new(envelope(cursor)?);
        cursor.space("body-type-msg")?;
        let body = Box::new(nested_body(cursor, depth.saturating_add(1))?);
        cursor.space("body-type-msg")?;
        let lines = cursor.lenient_number("body-fld-lines")?;
        return Ok(BodyKind::Message { subtype, envelope, body, lines });
    }
    Ok(BodyKind::Basic { media_type, subtype })
}

fn is_message(media_type: &AString, subtype: &AString) -> bool {
    let subtype = subtype.as_bytes();
    media_type.as_bytes().eq_ignore_ascii_case(b"MESSAGE")
        && (subtype.eq_ignore_ascii_case(b"RFC822") || subtype.eq_ignore_ascii_case(b"GLOBAL"))
}

fn part_extension(cursor: &mut Cursor<'_>) -> Result<PartExtension> {
    let mut extension = PartExtension { md5: nstring(cursor, "body-fld-md5")?, ..PartExtension::default() };
    (extension.disposition, extension.language, extension.location) = extension_tail(cursor)?;
    Ok(extension)
}

fn multipart_extension(cursor: &mut Cursor<'_>) -> Result<MultipartExtension> {
    let mut extension =
        MultipartExtension { parameters: parameters(cursor)?, ..MultipartExtension::default() };
    (extension.disposition, extension.language, extension.location) = extension_tail(cursor)?;
    Ok(extension)
}

/// `[SP body-fld-dsp [SP body-fld-lang [SP body-fld-loc *(SP body-extension)]]]`
fn extension_tail(cursor: &mut Cursor<'_>) -> Result<(Option<Disposition>, Vec<AString>, NString)> {
    let disposition = if more(cursor)? { disposition(cursor)? } else { None };
    let language = if more(cursor)? { language(cursor)? } else { Vec::new() };
    let location = if more(cursor)? { nstring(cursor, "body-fld-loc")? } else { None };
    while more(cursor)? {
        skip_value(cursor)?;
    }
    Ok((disposition, language, location))
}

/// Whether another field follows; takes the space before it.
fn more(cursor: &mut Cursor<'_>) -> Result<bool> {
    if cursor.peek() == Some(b')') {
        return Ok(false);
    }
    cursor.space("body-extension")?;
    if cursor.peek() == Some(b')') {
        cursor.repair(Repairs::EXTRA_SPACE);
        return Ok(false);
    }
    Ok(true)
}

fn disposition(cursor: &mut Cursor<'_>) -> Result<Option<Disposition>> {
    if nil(cursor) {
        return Ok(None);
    }
    cursor.octet("body-fld-dsp", b'(')?;
    cursor.extra_spaces();
    let kind = string(cursor, "body-fld-dsp")?;
    cursor.space("body-fld-dsp")?;
    let parameters = parameters(cursor)?;
    cursor.extra_spaces();
    cursor.octet("body-fld-dsp", b')')?;
    Ok(Some(Disposition { kind, parameters }))
}

fn language(cursor: &mut Cursor<'_>) -> Result<Vec<AString>> {
    if cursor.peek() != Some(b'(') {
        return Ok(nstring(cursor, "body-fld-lang")?.into_iter().collect());
    }
    let mut languages = Vec::new();
    cursor.list("body-fld-lang", 1, |cursor| {
        languages.push(string(cursor, "body-fld-lang")?);
        Ok(())
    })?;
    Ok(languages)
}

fn parameters(cursor: &mut Cursor<'_>) -> Result<Parameters> {
    let mut parameters = Vec::new();
    if nil(cursor) {
        return Ok(parameters);
    }
    cursor.list("body-fld-param", 1, |cursor| {
        let name = string(cursor, "body-fld-param")?;
        cursor.space("body-fld-param")?;
        // NIL as a value is wrong, and common.
        parameters.push((name, nstring(cursor, "body-fld-param")?.unwrap_or_default()));
        Ok(())
    })?;
    Ok(parameters)
}
