//! BODYSTRUCTURE and BODY (RFC 9051, section 9: `body`).
//!
//! Bodies nest in multiparts and messages. The parser keeps its own stack, at most `nesting_max` high, so no input can
//! exhaust the thread's.

use super::cursor::{Cursor, Result};
use super::envelope::envelope;
use super::fetch::skip_value;
use super::string::{nil, nstring, string};
use crate::types::{
    AString, BodyKind, BodyPart, BodyStructure, Disposition, Envelope, Multipart, MultipartExtension,
    NString, Parameters, PartExtension, Repairs,
};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A body that waits for one inside it.
enum Open {
    /// `body-type-mpart`: the parts so far.
    Multipart(Vec<BodyStructure>),
    /// `body-type-msg`: what stands in front of the body of the message inside.
    Message(Fields, Box<Envelope>),
}

/// What every part begins with, up to its size.
struct Fields {
    media_type: AString,
    subtype: AString,
    parameters: Parameters,
    id: NString,
    description: NString,
    encoding: AString,
    octets: u64,
}

pub(super) fn body(cursor: &mut Cursor<'_>) -> Result<BodyStructure> {
    let mut open = Vec::new();
    loop {
        cursor.bound(open.len(), cursor.context.limits.nesting_max, "body")?;
        cursor.octet("body", b'(')?;
        cursor.extra_spaces();
        if cursor.peek() == Some(b'(') {
            open.push(Open::Multipart(Vec::new()));
            continue;
        }
        let fields = fields(cursor)?;
        // Some servers describe an unreadable message as any other part.
        if is_message(&fields) && cursor.rest().starts_with(b" (") {
            cursor.space("body-type-msg")?;
            let envelope = Box::new(envelope(cursor)?);
            cursor.space("body-type-msg")?;
            open.push(Open::Message(fields, envelope));
            continue;
        }
        let part = simple_part(cursor, fields)?;
        if let Some(body) = close(cursor, &mut open, part)? {
            return Ok(body);
        }
    }
}

/// Puts a complete body where it belongs and goes on to where the next one begins; the whole when none does.
fn close(
    cursor: &mut Cursor<'_>,
    open: &mut Vec<Open>,
    mut body: BodyStructure,
) -> Result<Option<BodyStructure>> {
    loop {
        cursor.extra_spaces();
        cursor.octet("body", b')')?;
        body = match open.pop() {
            None => return Ok(Some(body)),
            Some(Open::Message(fields, envelope)) => message(cursor, fields, envelope, body)?,
            Some(Open::Multipart(mut parts)) => {
                parts.push(body);
                if has_another_part(cursor)? {
                    cursor.bound(parts.len(), cursor.context.limits.list_max, "body-type-mpart")?;
                    open.push(Open::Multipart(parts));
                    return Ok(None);
                }
                multipart(cursor, parts)?
            }
        };
    }
}

/// Whether another part of a multipart begins here; takes the space in front of the subtype when not.
fn has_another_part(cursor: &mut Cursor<'_>) -> Result<bool> {
    if cursor.peek() == Some(b'(') {
        return Ok(true);
    }
    cursor.space("body-type-mpart")?;
    let found = cursor.peek() == Some(b'(');
    if found {
        // Parts follow each other without a space.
        cursor.repair(Repairs::EXTRA_SPACE);
    }
    Ok(found)
}

/// What follows the parts of a multipart.
fn multipart(cursor: &mut Cursor<'_>, parts: Vec<BodyStructure>) -> Result<BodyStructure> {
    let subtype = string(cursor, "media-subtype")?;
    let extension = if more(cursor)? { Some(multipart_extension(cursor)?) } else { None };
    Ok(BodyStructure::Multipart(Multipart { parts, subtype, extension }))
}

/// What follows the body of the message inside.
fn message(
    cursor: &mut Cursor<'_>,
    fields: Fields,
    envelope: Box<Envelope>,
    body: BodyStructure,
) -> Result<BodyStructure> {
    cursor.space("body-type-msg")?;
    let lines = cursor.lenient_number("body-fld-lines")?;
    part(cursor, fields, |_, subtype| BodyKind::Message { subtype, envelope, body: Box::new(body), lines })
}

/// What follows the size of a part without a body inside depends on the media type.
fn simple_part(cursor: &mut Cursor<'_>, fields: Fields) -> Result<BodyStructure> {
    if fields.media_type.as_bytes().eq_ignore_ascii_case(b"TEXT") {
        cursor.space("body-type-text")?;
        let lines = cursor.lenient_number("body-fld-lines")?;
        return part(cursor, fields, |_, subtype| BodyKind::Text { subtype, lines });
    }
    part(cursor, fields, |media_type, subtype| BodyKind::Basic { media_type, subtype })
}

/// `body-fields` and what is in front of them.
fn fields(cursor: &mut Cursor<'_>) -> Result<Fields> {
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
    Ok(Fields { media_type, subtype, parameters, id, description, encoding, octets })
}

/// The extension of a part, and the part.
fn part(
    cursor: &mut Cursor<'_>,
    fields: Fields,
    kind: impl FnOnce(AString, AString) -> BodyKind,
) -> Result<BodyStructure> {
    let Fields { media_type, subtype, parameters, id, description, encoding, octets } = fields;
    let extension = if more(cursor)? { Some(part_extension(cursor)?) } else { None };
    let kind = kind(media_type, subtype);
    Ok(BodyStructure::Part(BodyPart { kind, parameters, id, description, encoding, octets, extension }))
}

fn is_message(fields: &Fields) -> bool {
    let subtype = fields.subtype.as_bytes();
    fields.media_type.as_bytes().eq_ignore_ascii_case(b"MESSAGE")
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
