//! Flags (RFC 9051, section 9: `flag`, `flag-fetch`, `flag-list`, `flag-perm`).

use super::cursor::{Cursor, Result};
use crate::error::ParseErrorKind;
use crate::types::flag::system_flag;
use crate::types::string::is_atom_char;
use crate::types::{Flag, Flags, Keyword, PermanentFlags, Repairs};
use alloc::vec::Vec;
use bytes::Bytes;

/// A flag a client sets: not `\Recent`.
pub(super) fn flag(cursor: &mut Cursor<'_>) -> Result<Flag> {
    let start = cursor.offset();
    cursor.eat(b'\\');
    cursor.run("flag", is_atom_char)?;
    match Flag::new(cursor.since(start)) {
        Ok(flag) if flag.is_settable() => Ok(flag),
        _ => cursor.fail_at(start, "flag", ParseErrorKind::Syntax),
    }
}

/// `flag-list`, with any flag a client may set.
pub(super) fn flag_list(cursor: &mut Cursor<'_>) -> Result<Flags> {
    let mut list = List::default();
    cursor.list("flag-list", 0, |cursor| {
        let start = cursor.offset();
        let flag = flag(cursor)?;
        list.add(start, cursor.offset(), flag.bit());
        Ok(())
    })?;
    Ok(list.finish(cursor))
}

/// `flag *(SP flag)` to the end of the line, the form without parentheses.
pub(super) fn bare_flags(cursor: &mut Cursor<'_>) -> Result<Flags> {
    let mut list = List::default();
    let mut count = 0_usize;
    loop {
        cursor.bound(count, cursor.context.limits.list_max, "store-att-flags")?;
        count = count.saturating_add(1);
        let start = cursor.offset();
        let flag = flag(cursor)?;
        list.add(start, cursor.offset(), flag.bit());
        if cursor.is_at_end() {
            return Ok(list.finish(cursor));
        }
        cursor.space("store-att-flags")?;
    }
}

/// The flags a server reports; whatever is no flag becomes [`Flag::Odd`].
pub(super) fn reported_flags(cursor: &mut Cursor<'_>) -> Result<Flags> {
    let (mut flags, any) = reported(cursor)?;
    if any {
        cursor.repair(Repairs::ODD_FLAG);
        flags.insert(&Flag::Odd(Bytes::from_static(b"\\*")));
    }
    Ok(flags)
}

pub(super) fn permanent_flags(cursor: &mut Cursor<'_>) -> Result<PermanentFlags> {
    let (flags, new_keywords) = reported(cursor)?;
    Ok(PermanentFlags { flags, new_keywords })
}

/// The flags, and whether `\*` was among them, which means something in PERMANENTFLAGS only.
fn reported(cursor: &mut Cursor<'_>) -> Result<(Flags, bool)> {
    if super::string::nil(cursor) {
        cursor.repair(Repairs::ODD_LIST);
        return Ok((Flags::new(), false));
    }
    let mut list = List::default();
    let mut any = false;
    cursor.list("flag-list", 0, |cursor| {
        if matches!(cursor.peek(), Some(b'"' | b'{')) {
            cursor.repair(Repairs::ODD_FLAG);
            let text = super::string::string_octets(cursor, "flag")?;
            list.odd.push(Flag::new(text.clone()).unwrap_or(Flag::Odd(text)));
            return Ok(());
        }
        let start = cursor.offset();
        let text = cursor.run("flag", is_reported_flag_char)?;
        let bit = text.strip_prefix(b"\\").and_then(system_bit);
        if bit.is_none() {
            if text == b"\\*" {
                any = true;
                return Ok(());
            }
            let name = text.strip_prefix(b"\\").unwrap_or(text);
            if name.is_empty() || !name.iter().copied().all(is_atom_char) {
                cursor.repair(Repairs::ODD_FLAG);
            }
        }
        list.add(start, cursor.offset(), bit);
        Ok(())
    })?;
    Ok((list.finish(cursor), any))
}

fn system_bit(name: &[u8]) -> Option<u8> {
    system_flag(name).and_then(|flag| flag.bit())
}

/// A list of flags while it is read: where the flags that are no system flags stand.
#[derive(Default)]
struct List {
    system: u8,
    /// The stretch of them that is one slice of the line, from the first to the last.
    stretch: Option<(usize, usize)>,
    /// Those behind it, where something stands in between.
    pieces: Vec<(usize, usize)>,
    odd: Vec<Flag>,
}

impl List {
    fn add(&mut self, start: usize, end: usize, bit: Option<u8>) {
        if let Some(bit) = bit {
            self.system |= bit;
            return;
        }
        match self.stretch {
            None => self.stretch = Some((start, end)),
            Some((first, last)) if last.saturating_add(1) == start => self.stretch = Some((first, end)),
            Some(_) => self.pieces.push((start, end)),
        }
    }

    fn finish(self, cursor: &Cursor<'_>) -> Flags {
        let mut others = Bytes::new();
        if let Some((start, end)) = self.stretch {
            others = cursor.slice(start, end);
        }
        if !self.pieces.is_empty() {
            let mut text = Vec::from(others.as_ref());
            for (start, end) in self.pieces {
                text.push(b' ');
                text.extend_from_slice(&cursor.slice(start, end));
            }
            others = text.into();
        }
        let mut flags = Flags::from_parts(self.system, others);
        self.odd.iter().for_each(|flag| flags.insert(flag));
        flags
    }
}

const fn is_reported_flag_char(octet: u8) -> bool {
    !matches!(octet, b' ' | b'(' | b')' | b'\r' | b'\n' | 0)
}

/// `flag-keyword`.
pub(super) fn keyword(cursor: &mut Cursor<'_>) -> Result<Keyword> {
    let start = cursor.offset();
    cursor.run("flag-keyword", is_atom_char)?;
    match Keyword::new(cursor.since(start)) {
        Ok(keyword) => Ok(keyword),
        Err(_) => cursor.fail_at(start, "flag-keyword", ParseErrorKind::Syntax),
    }
}
