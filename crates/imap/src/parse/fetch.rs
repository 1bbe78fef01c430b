//! FETCH, command and rows (RFC 9051, sections 6.4.5 and 7.5.2; RFC 3501, section 6.4.5; RFC 3516).
//!
//! A row is read item by item, so that the octets of a section can stream. The framer calls [`row_start`] and
//! then [`next_item`] until [`ItemStep::End`]. A row is never lost to one bad item: its octets come back as
//! [`FetchItem::Opaque`].

use super::cursor::{Cursor, Result};
use super::flag::reported_flags;
use super::literal::{header, literal, octets};
use super::section::{origin, partial, section, section_binary};
use super::sequence::{message_set, partial_range};
use super::string::{atom, bracketed_object_id, gmail_label, nil, nstring, quoted};
use crate::error::{ParseError, ParseErrorKind};
use crate::types::{
    FetchAttribute, FetchCommand, FetchItem, FetchModifiers, LiteralHeader, ParseContext, Payload, Repairs,
};
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytes::Bytes;

/// What [`next_item`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ItemStep {
    /// A whole item; the next call starts at `next`.
    Item {
        /// The item.
        item: FetchItem,
        /// Where the following text begins.
        next: usize,
        /// How the item had to be repaired.
        repairs: Repairs,
    },
    /// The line ends in the header of a payload: its octets follow the CRLF and may stream. The text behind
    /// them is a new line, to be read from offset 0.
    Payload {
        /// What the octets are.
        payload: Payload,
        /// How many there are.
        header: LiteralHeader,
    },
    /// The line ends in the header of a literal inside the item at this offset, such as a subject in an
    /// ENVELOPE: append CRLF, its octets and the next line, then call again with the same offset.
    NeedLiteral(LiteralHeader),
    /// The row is complete.
    End,
}

/// The message number (zero included, although no message has it) and the offset behind `(` when `line` begins
/// a FETCH row; `None` when it is another response.
pub fn row_start(line: &Bytes) -> Option<(u32, usize)> {
    named_row_start(line, "FETCH")
}

/// The UID and the offset behind `(` when `line` begins a UIDFETCH row (RFC 9586), as [`row_start`].
pub fn uid_row_start(line: &Bytes) -> Option<(u32, usize)> {
    named_row_start(line, "UIDFETCH")
}

fn named_row_start(line: &Bytes, name: &'static str) -> Option<(u32, usize)> {
    let context = ParseContext::client();
    let mut cursor = Cursor::lenient(line, &context);
    let row = |cursor: &mut Cursor<'_>| -> Result<u32> {
        cursor.octet("response-data", b'*')?;
        cursor.space("response-data")?;
        let number = cursor.number("message-data")?;
        cursor.space("message-data")?;
        cursor.word("message-data", name)?;
        cursor.space("message-data")?;
        cursor.octet("msg-att", b'(')?;
        Ok(number)
    };
    row(&mut cursor).ok().map(|number| (number, cursor.offset()))
}

/// Reads the item of a row that begins at `offset` of `line`.
///
/// Each [`ItemStep::NeedLiteral`] reads the item again from its start: bound how many literals one line may hold.
///
/// # Errors
/// When not even the end of the item can be found; the rest of the row is then lost.
pub fn next_item(
    line: &Bytes,
    offset: usize,
    context: &ParseContext,
) -> core::result::Result<ItemStep, ParseError> {
    let mut cursor = Cursor::lenient(line, context);
    cursor.seek(offset);
    match step(&mut cursor) {
        Ok(step) => Ok(step),
        Err(fault) => match cursor.pending {
            Some(header) => Ok(ItemStep::NeedLiteral(header)),
            None => Err(cursor.error(fault)),
        },
    }
}

/// All items of a complete row, from behind the opening parenthesis.
pub(super) fn row(cursor: &mut Cursor<'_>) -> Result<Vec<FetchItem>> {
    // Most rows have few items, and then this is the only allocation.
    let mut items = Vec::with_capacity(4);
    loop {
        cursor.bound(items.len(), cursor.context.limits.list_max, "msg-att")?;
        match step(cursor)? {
            ItemStep::Item { item, .. } => items.push(item),
            ItemStep::End => return Ok(items),
            ItemStep::Payload { .. } | ItemStep::NeedLiteral(_) => return cursor.fail("literal"),
        }
    }
}

/// Passes over one value of any kind: a string, an atom, a parenthesised list. Never recurses, and may so go deeper
/// than what becomes a tree: a structure that is too deep costs itself and not the items next to it.
pub(super) fn skip_value(cursor: &mut Cursor<'_>) -> Result<()> {
    let start = cursor.offset();
    let mut depth = 0_usize;
    loop {
        match cursor.peek() {
            None if depth == 0 && cursor.offset() > start => return Ok(()),
            None => return cursor.fail("tagged-ext-val"),
            Some(b')' | b' ') if depth == 0 && cursor.offset() > start => return Ok(()),
            Some(b')') if depth == 0 => return cursor.fail("tagged-ext-val"),
            Some(b')') => {
                depth = depth.saturating_sub(1);
                cursor.pass();
            }
            Some(b'(') => {
                depth = depth.saturating_add(1);
                cursor.bound(
                    depth,
                    cursor.context.limits.nesting_max.saturating_mul(10),
                    "tagged-ext-comp",
                )?;
                cursor.pass();
            }
            Some(b'"') => {
                quoted(cursor, "string")?;
            }
            Some(b'{') => {
                let header = header(cursor, "literal")?;
                octets(cursor, "literal", header)?;
            }
            Some(b'\r' | b'\n' | 0) => return cursor.fail("tagged-ext-val"),
            Some(_) => cursor.pass(),
        }
    }
}

/// The arguments of FETCH.
pub(super) fn fetch(cursor: &mut Cursor<'_>) -> Result<FetchCommand> {
    let set = message_set(cursor)?;
    cursor.space("fetch")?;
    let attributes = attributes(cursor)?;
    let modifiers = modifiers(cursor)?;
    Ok(FetchCommand { set, attributes, modifiers })
}

/// ` (..)` if there is more; unknown modifiers are refused, and so is one that comes twice (RFC 4466, section 2.4).
fn modifiers(cursor: &mut Cursor<'_>) -> Result<FetchModifiers> {
    let mut modifiers = FetchModifiers::default();
    if cursor.is_at_end() {
        return Ok(modifiers);
    }
    cursor.space("fetch-modifiers")?;
    cursor.list("fetch-modifiers", 1, |cursor| {
        let start = cursor.offset();
        let name = atom(cursor, "fetch-modifier")?;
        if name.is("CHANGEDSINCE") && modifiers.changed_since.is_none() {
            cursor.space("chgsince-fetch-mod")?;
            modifiers.changed_since = Some(cursor.mod_seq("mod-sequence-value")?);
        } else if name.is("VANISHED") && !modifiers.vanished {
            modifiers.vanished = true;
        } else if name.is("PARTIAL") && modifiers.partial.is_none() {
            cursor.space("modifier-partial")?;
            modifiers.partial = Some(partial_range(cursor)?);
        } else {
            return cursor.fail_at(start, "fetch-modifier", ParseErrorKind::Unknown);
        }
        Ok(())
    })?;
    Ok(modifiers)
}

/// `fetch-att` lists and macros of the command, from behind the set and its space.
pub(super) fn attributes(cursor: &mut Cursor<'_>) -> Result<Vec<FetchAttribute>> {
    if cursor.peek() == Some(b'(') {
        return attribute_list(cursor);
    }
    let rest = cursor.rest();
    let word = rest.get(..memchr::memchr(b' ', rest).unwrap_or(rest.len())).unwrap_or_default();
    let named = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
    let items = match () {
        () if named("ALL") => FetchAttribute::ALL.to_vec(),
        () if named("FAST") => FetchAttribute::FAST.to_vec(),
        () if named("FULL") => FetchAttribute::FULL.to_vec(),
        () => return Ok(alloc::vec![attribute(cursor)?]),
    };
    cursor.seek(cursor.offset().saturating_add(word.len()));
    Ok(items)
}

/// `"(" fetch-att *(SP fetch-att) ")"`, as NOTIFY has it.
pub(super) fn attribute_list(cursor: &mut Cursor<'_>) -> Result<Vec<FetchAttribute>> {
    let mut attributes = Vec::new();
    cursor.list("fetch-att", 1, |cursor| {
        attributes.push(attribute(cursor)?);
        Ok(())
    })?;
    Ok(attributes)
}

fn attribute(cursor: &mut Cursor<'_>) -> Result<FetchAttribute> {
    let start = cursor.offset();
    let name = cursor.run("fetch-att", is_item_name_char)?;
    let named = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    let sectioned = cursor.peek() == Some(b'[');
    Ok(match () {
        () if sectioned && (named("BODY") || named("BODY.PEEK")) => {
            let section = section(cursor)?;
            FetchAttribute::Section { section, partial: partial(cursor)?, peek: named("BODY.PEEK") }
        }
        () if sectioned && (named("BINARY") || named("BINARY.PEEK")) => {
            let part = section_binary(cursor)?;
            FetchAttribute::Binary { part, partial: partial(cursor)?, peek: named("BINARY.PEEK") }
        }
        () if sectioned && named("BINARY.SIZE") => FetchAttribute::BinarySize(section_binary(cursor)?),
        () if sectioned => return cursor.fail_at(start, "fetch-att", ParseErrorKind::Unknown),
        () if named("FLAGS") => FetchAttribute::Flags,
        () if named("UID") => FetchAttribute::Uid,
        () if named("INTERNALDATE") => FetchAttribute::InternalDate,
        () if named("RFC822.SIZE") => FetchAttribute::Rfc822Size,
        () if named("ENVELOPE") => FetchAttribute::Envelope,
        () if named("BODY") => FetchAttribute::Body,
        () if named("BODYSTRUCTURE") => FetchAttribute::BodyStructure,
        () if named("RFC822") => FetchAttribute::Rfc822,
        () if named("RFC822.HEADER") => FetchAttribute::Rfc822Header,
        () if named("RFC822.TEXT") => FetchAttribute::Rfc822Text,
        () if named("MODSEQ") => FetchAttribute::ModSeq,
        () if named("SAVEDATE") => FetchAttribute::SaveDate,
        () if named("EMAILID") => FetchAttribute::EmailId,
        () if named("THREADID") => FetchAttribute::ThreadId,
        () if named("PREVIEW") => FetchAttribute::Preview { lazy: cursor.eat_word(" (LAZY)") },
        () if named("X-GM-MSGID") => FetchAttribute::GmMsgId,
        () if named("X-GM-THRID") => FetchAttribute::GmThrId,
        () if named("X-GM-LABELS") => FetchAttribute::GmLabels,
        () => return cursor.fail_at(start, "fetch-att", ParseErrorKind::Unknown),
    })
}

fn step(cursor: &mut Cursor<'_>) -> Result<ItemStep> {
    // The space that separates this item from the one before.
    let separated = cursor.eat(b' ');
    cursor.extra_spaces();
    if cursor.eat(b')') {
        if separated {
            cursor.repair(Repairs::EXTRA_SPACE);
        }
        cursor.end("msg-att")?;
        return Ok(ItemStep::End);
    }
    let start = cursor.offset();
    let repairs = cursor.repairs;
    let payload = match payload_name(cursor) {
        Ok(Some(payload)) => payload_value(cursor, payload).map(Some),
        Ok(None) | Err(_) => Ok(None),
    };
    let item = match payload {
        Ok(Some(Value::Follows(payload, header))) => return Ok(ItemStep::Payload { payload, header }),
        Ok(Some(Value::Whole(item))) if matches!(cursor.peek(), None | Some(b' ' | b')')) => item,
        Err(fault) if cursor.pending.is_some() => return Err(fault),
        Ok(None) => {
            cursor.seek(start);
            other_item(cursor)?
        }
        // What has the name of a payload and no octets of one costs itself only.
        Ok(Some(Value::Whole(_))) | Err(_) => {
            cursor.seek(start);
            cursor.repairs = repairs;
            cursor.repair(Repairs::MALFORMED_ITEM);
            other_item(cursor)?
        }
    };
    Ok(ItemStep::Item { item, next: cursor.offset(), repairs: cursor.repairs })
}

enum Value {
    Whole(FetchItem),
    Follows(Payload, LiteralHeader),
}

/// The name of an item whose value is a string of any length, with the space behind it.
fn payload_name(cursor: &mut Cursor<'_>) -> Result<Option<Payload>> {
    let name = cursor.run("msg-att", is_item_name_char)?;
    let named = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    let sectioned = cursor.peek() == Some(b'[');
    let payload = match () {
        () if sectioned && named("BODY") => {
            Payload::Section { section: section(cursor)?, origin: origin(cursor)? }
        }
        () if sectioned && named("BINARY") => {
            Payload::Binary { part: section_binary(cursor)?, origin: origin(cursor)? }
        }
        () if named("RFC822") => Payload::Rfc822,
        () if named("RFC822.HEADER") => Payload::Rfc822Header,
        () if named("RFC822.TEXT") => Payload::Rfc822Text,
        () => return Ok(None),
    };
    cursor.space("msg-att")?;
    Ok(Some(payload))
}

fn payload_value(cursor: &mut Cursor<'_>, payload: Payload) -> Result<Value> {
    let data = match cursor.peek() {
        Some(b'{' | b'~') => {
            let header = header(cursor, "literal")?;
            if cursor.is_at_end() {
                return Ok(Value::Follows(payload, header));
            }
            Some(octets(cursor, "literal", header)?)
        }
        _ if nil(cursor) => None,
        _ => Some(quoted(cursor, "nstring")?),
    };
    Ok(Value::Whole(FetchItem::Payload { payload, data }))
}

/// Any other item: known, or kept as it came.
fn other_item(cursor: &mut Cursor<'_>) -> Result<FetchItem> {
    let start = cursor.offset();
    // A name that no item has costs only its item.
    let name_run = cursor.run("msg-att", is_odd_name_char)?;
    if cursor.peek() == Some(b'[') && !name_run.eq_ignore_ascii_case(b"BINARY.SIZE") {
        pass_section(cursor)?;
    }
    let after_name = cursor.offset();
    let repairs = cursor.repairs;
    match known_item(cursor, name_run) {
        Ok(Some(item)) if matches!(cursor.peek(), None | Some(b' ' | b')')) => return Ok(item),
        Err(error) if cursor.pending.is_some() => return Err(error),
        Ok(None) => {}
        Ok(Some(_)) | Err(_) => {
            cursor.repairs = repairs;
            cursor.repair(Repairs::MALFORMED_ITEM);
        }
    }
    cursor.seek(after_name);
    if cursor.peek() == Some(b'[') {
        pass_section(cursor)?;
    }
    let name = cursor.since(start);
    cursor.space("msg-att")?;
    let value = cursor.offset();
    skip_value(cursor)?;
    Ok(FetchItem::Opaque { name, value: cursor.since(value) })
}

fn known_item(cursor: &mut Cursor<'_>, name: &[u8]) -> Result<Option<FetchItem>> {
    let named = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    if named("BINARY.SIZE") {
        let part = section_binary(cursor)?;
        cursor.space("msg-att")?;
        return Ok(Some(FetchItem::BinarySize { part, size: cursor.number("BINARY.SIZE")? }));
    }
    let read: fn(&mut Cursor<'_>) -> Result<FetchItem> = match () {
        () if named("FLAGS") => |cursor| reported_flags(cursor).map(FetchItem::Flags),
        () if named("UID") => |cursor| cursor.nz_number("uniqueid").map(FetchItem::Uid),
        () if named("INTERNALDATE") => {
            |cursor| super::datetime::date_time(cursor).map(FetchItem::InternalDate)
        }
        () if named("RFC822.SIZE") => {
            |cursor| cursor.lenient_number("RFC822.SIZE").map(FetchItem::Rfc822Size)
        }
        () if named("ENVELOPE") => {
            |cursor| super::envelope::envelope(cursor).map(|e| FetchItem::Envelope(Box::new(e)))
        }
        () if named("BODY") => |cursor| super::body::body(cursor).map(|b| FetchItem::Body(Box::new(b))),
        () if named("BODYSTRUCTURE") => {
            |cursor| super::body::body(cursor).map(|b| FetchItem::BodyStructure(Box::new(b)))
        }
        () if named("MODSEQ") => |cursor| {
            cursor.octet("mod-sequence", b'(')?;
            let value = cursor.number64("mod-sequence")?;
            cursor.octet("mod-sequence", b')')?;
            Ok(FetchItem::ModSeq(value))
        },
        () if named("SAVEDATE") => |cursor| {
            if nil(cursor) {
                return Ok(FetchItem::SaveDate(None));
            }
            super::datetime::date_time(cursor).map(|time| FetchItem::SaveDate(Some(time)))
        },
        () if named("EMAILID") => |cursor| bracketed_object_id(cursor).map(FetchItem::EmailId),
        () if named("THREADID") => |cursor| {
            if nil(cursor) {
                return Ok(FetchItem::ThreadId(None));
            }
            bracketed_object_id(cursor).map(|id| FetchItem::ThreadId(Some(id)))
        },
        () if named("PREVIEW") => |cursor| nstring(cursor, "PREVIEW").map(FetchItem::Preview),
        () if named("X-GM-MSGID") => |cursor| cursor.number64("X-GM-MSGID").map(FetchItem::GmMsgId),
        () if named("X-GM-THRID") => |cursor| cursor.number64("X-GM-THRID").map(FetchItem::GmThrId),
        () if named("X-GM-LABELS") => |cursor| {
            let mut labels = Vec::new();
            cursor.list("X-GM-LABELS", 0, |cursor| {
                labels.push(gmail_label(cursor)?);
                Ok(())
            })?;
            Ok(FetchItem::GmLabels(labels))
        },
        () => return Ok(None),
    };
    cursor.space("msg-att")?;
    read(cursor).map(Some)
}

/// Passes over `[..]<..>` of an item that is not understood.
fn pass_section(cursor: &mut Cursor<'_>) -> Result<()> {
    cursor.octet("section", b'[')?;
    loop {
        match cursor.peek() {
            Some(b'"') => {
                quoted(cursor, "section")?;
            }
            Some(b'{') => {
                literal(cursor, "section")?;
            }
            Some(b']') => break,
            Some(octet) if !matches!(octet, b'\r' | b'\n' | 0) => cursor.pass(),
            _ => return cursor.fail("section"),
        }
    }
    cursor.pass();
    if cursor.peek() == Some(b'<') {
        cursor
            .run("origin", |octet| !matches!(octet, b' ' | b'(' | b')' | b'{' | b'"' | b'\r' | b'\n' | 0))?;
    }
    Ok(())
}

/// What servers may send in the place of a name.
const fn is_odd_name_char(octet: u8) -> bool {
    !matches!(octet, b' ' | b'(' | b')' | b'[' | b'{' | b'"' | b'\r' | b'\n' | 0)
}

/// Item names end at a space, a bracket or a parenthesis.
const fn is_item_name_char(octet: u8) -> bool {
    matches!(octet, b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_')
}
