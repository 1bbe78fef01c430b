//! Annotations, commands and responses (RFC 5464, section 5; RFC 9590).

use super::cursor::{Cursor, Result};
use super::literal::{header, octets};
use super::mailbox::mailbox;
use super::string::{astring_octets, atom, nil, string_octets};
use crate::error::ParseErrorKind;
use crate::types::{Command, EntryName, GetMetadata, Metadata, MetadataData, MetadataDepth, MetadataEntry};
use alloc::string::String;
use alloc::vec::Vec;
use bytes::Bytes;

/// The arguments of GETMETADATA. The options come first; the examples of RFC 5464 have them behind the mailbox, and
/// that is understood as well.
pub(super) fn get_metadata(cursor: &mut Cursor<'_>) -> Result<Command> {
    let mut found = Options::default();
    if cursor.peek() == Some(b'(') {
        options(cursor, &mut found)?;
        cursor.space("getmetadata")?;
    }
    let mailbox = mailbox(cursor)?;
    cursor.space("getmetadata")?;
    if found == Options::default() && is_options(cursor.rest()) {
        options(cursor, &mut found)?;
        cursor.space("getmetadata")?;
    }
    let mut entries = Vec::new();
    if cursor.peek() == Some(b'(') {
        entries = entry_list(cursor)?;
    } else {
        entries.push(entry_name(cursor)?);
    }
    let Options { max_size, depth } = found;
    let depth = depth.unwrap_or_default();
    Ok(Command::GetMetadata(GetMetadata { mailbox, entries, max_size, depth }))
}

/// The arguments of SETMETADATA.
pub(super) fn set_metadata(cursor: &mut Cursor<'_>) -> Result<Command> {
    let mailbox = mailbox(cursor)?;
    cursor.space("setmetadata")?;
    Ok(Command::SetMetadata { mailbox, entries: entry_values(cursor, 1)? })
}

/// `metadata-resp`
pub(super) fn metadata(cursor: &mut Cursor<'_>) -> Result<Metadata> {
    let mailbox = mailbox(cursor)?;
    cursor.space("metadata-resp")?;
    if cursor.peek() == Some(b'(') {
        let data = MetadataData::Values(entry_values(cursor, 0)?);
        return Ok(Metadata { mailbox, data });
    }
    let mut names = Vec::new();
    names.push(entry_name(cursor)?);
    while super::acl::more(cursor)? {
        cursor.bound(names.len(), cursor.context.limits.list_max, "entry-list")?;
        names.push(entry_name(cursor)?);
    }
    Ok(Metadata { mailbox, data: MetadataData::Changed(names) })
}

/// `"(" entry *(SP entry) ")"`
pub(super) fn entry_list(cursor: &mut Cursor<'_>) -> Result<Vec<EntryName>> {
    let mut entries = Vec::new();
    cursor.list("entries", 1, |cursor| {
        entries.push(entry_name(cursor)?);
        Ok(())
    })?;
    Ok(entries)
}

/// `nstring / literal8`
pub(super) fn nstring8(cursor: &mut Cursor<'_>, rule: &'static str) -> Result<Option<Bytes>> {
    if nil(cursor) {
        return Ok(None);
    }
    if cursor.peek() == Some(b'~') {
        let header = header(cursor, rule)?;
        return octets(cursor, rule, header).map(Some);
    }
    string_octets(cursor, rule).map(Some)
}

#[derive(Default, PartialEq, Eq)]
struct Options {
    max_size: Option<u32>,
    depth: Option<MetadataDepth>,
}

/// Whether these are options and not entries, all of which begin with a slash.
fn is_options(rest: &[u8]) -> bool {
    ["(MAXSIZE ", "(DEPTH "]
        .iter()
        .any(|start| rest.get(..start.len()).is_some_and(|rest| rest.eq_ignore_ascii_case(start.as_bytes())))
}

fn options(cursor: &mut Cursor<'_>, options: &mut Options) -> Result<()> {
    cursor.list("getmetadata-options", 1, |cursor| {
        let start = cursor.offset();
        let name = atom(cursor, "getmetadata-option")?;
        if name.is("MAXSIZE") && options.max_size.is_none() {
            cursor.space("maxsize-opt")?;
            options.max_size = Some(cursor.number("maxsize-opt")?);
        } else if name.is("DEPTH") && options.depth.is_none() {
            cursor.space("scope-opt")?;
            let depth = atom(cursor, "scope-opt")?;
            options.depth = Some(match () {
                () if depth.is("0") => MetadataDepth::Zero,
                () if depth.is("1") => MetadataDepth::One,
                () if depth.is("infinity") => MetadataDepth::Infinity,
                () => return cursor.fail_at(start, "scope-opt", ParseErrorKind::Syntax),
            });
        } else {
            return cursor.fail_at(start, "getmetadata-option", ParseErrorKind::Unknown);
        }
        Ok(())
    })
}

fn entry_values(cursor: &mut Cursor<'_>, min: usize) -> Result<Vec<MetadataEntry>> {
    let mut entries = Vec::new();
    cursor.list("entry-values", min, |cursor| {
        let name = entry_name(cursor)?;
        cursor.space("entry-value")?;
        entries.push(MetadataEntry { name, value: nstring8(cursor, "value")? });
        Ok(())
    })?;
    Ok(entries)
}

fn entry_name(cursor: &mut Cursor<'_>) -> Result<EntryName> {
    let start = cursor.offset();
    let octets = astring_octets(cursor, "entry")?;
    match core::str::from_utf8(&octets).ok().and_then(|path| EntryName::new(String::from(path)).ok()) {
        Some(name) => Ok(name),
        None => cursor.fail_at(start, "entry", ParseErrorKind::Syntax),
    }
}
