//! Text on shared octets: what every noun of this crate that holds text is made of.
//!
//! A slice of the line it was read from, so nothing is copied until somebody keeps it ([`Utf8::compact`]). That
//! the octets are UTF-8 is checked when they come in; which characters are legal is for the types around it.

use bytes::{Buf, Bytes};
use core::ops::Range;
use core::{fmt, str};

/// Octets that are UTF-8.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Utf8(Bytes);

impl Utf8 {
    pub(crate) const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// The part `part` of `line`. Copies where it is not a part of it.
    pub(crate) fn slice(line: &Bytes, part: &str) -> Self {
        Self(slice(line, part.as_bytes()))
    }

    /// The octets `part` of `line`, which a grammar has seen to be UTF-8. Who gives the line away needs no share of
    /// it, and taking one is what costs most in reading a short command.
    #[inline]
    pub(crate) fn cut(mut line: Bytes, part: Range<usize>) -> Self {
        line.truncate(part.end);
        line.advance(part.start.min(line.len()));
        Self(line)
    }

    /// For octets of which it is known that they are UTF-8.
    pub(crate) fn from_octets(octets: impl Into<Bytes>) -> Self {
        Self(octets.into())
    }

    /// The text. It is looked at again, which costs little and needs no `unsafe`.
    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Without the first `at` octets; nothing where there are no more, or they end inside a character.
    pub(crate) fn tail(&self, at: usize) -> Self {
        self.as_str().get(at..).map(|part| Self::slice(&self.0, part)).unwrap_or_default()
    }

    /// In an allocation of its own, which keeps nothing else alive.
    pub(crate) fn compact(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }

    /// The same in upper case, as far as it is ASCII; copied only where that changes something.
    pub(crate) fn into_upper(self) -> Self {
        if self.0.iter().any(u8::is_ascii_lowercase) {
            Self(self.0.to_ascii_uppercase().into())
        } else {
            self
        }
    }
}

/// Where `part` stands in `line`, of which it is a part.
#[inline]
pub(crate) fn place(line: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr().addr().saturating_sub(line.as_ptr().addr()).min(line.len());
    start..start.saturating_add(part.len()).min(line.len())
}

/// The part `part` of `line`, shared; a copy where it is not a part of it.
pub(crate) fn slice(line: &Bytes, part: &[u8]) -> Bytes {
    let start = part.as_ptr().addr().checked_sub(line.as_ptr().addr());
    let end = start.and_then(|start| start.checked_add(part.len()));
    match (start, end) {
        (Some(start), Some(end)) if end <= line.len() => line.slice(start..end),
        _ => Bytes::copy_from_slice(part),
    }
}

impl From<&str> for Utf8 {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<alloc::string::String> for Utf8 {
    fn from(text: alloc::string::String) -> Self {
        Self(text.into_bytes().into())
    }
}

impl fmt::Debug for Utf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// Whether a character must not stand in any text of the envelope: it is a control (C0, DEL, C1), shows nothing or
/// turns the direction of what is around it (U+200B to U+200F, U+2028 to U+202E, U+2060 to U+206F, U+FEFF), or is
/// no character at all (Unicode 23.7).
pub(crate) fn is_hidden(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    let noncharacter = |code: u32| code & 0xFFFE == 0xFFFE || (0xFDD0..=0xFDEF).contains(&code);
    character.is_control()
        || matches!(
            character,
            '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}'
        )
        || noncharacter(u32::from(character))
}
