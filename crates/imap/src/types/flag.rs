//! Flags and keywords (RFC 9051, section 2.3.2; `flag`, `flag-keyword`, `flag-perm` in section 9).
//!
//! Flag names ignore ASCII case. What a server sends against the grammar is kept as [`Flag::Odd`], so
//! that one strange flag does not hide a message; it is never written.

use crate::error::InvalidValue;
use crate::types::string::Atom;
use alloc::vec::Vec;
use bytes::Bytes;
use core::cmp::Ordering;
use core::hash::{Hash, Hasher};

/// One flag of a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Flag {
    /// `\Answered`
    Answered,
    /// `\Flagged`
    Flagged,
    /// `\Deleted`
    Deleted,
    /// `\Seen`
    Seen,
    /// `\Draft`
    Draft,
    /// `\Recent` (RFC 3501): a server reports it, a client never sets it.
    Recent,
    /// A keyword such as `$Forwarded`.
    Keyword(Keyword),
    /// `flag-extension`: a backslash and a name no RFC here defines; the backslash is not part of the value.
    Extension(Keyword),
    /// Octets that are no flag by the grammar; only a client's parser makes it, the encoder leaves it out.
    Odd(Bytes),
}

impl Flag {
    /// The flag written as `text`, with the leading backslash for system flags.
    ///
    /// # Errors
    /// When `text` is neither an atom nor a backslash and an atom.
    pub fn new(text: impl Into<Bytes>) -> Result<Self, InvalidValue> {
        let text = text.into();
        if text.first() != Some(&b'\\') {
            return Ok(Self::Keyword(Keyword::new(text)?));
        }
        let name = text.slice(1..);
        match system_flag(&name) {
            Some(flag) => Ok(flag),
            None => Ok(Self::Extension(Keyword::new(name)?)),
        }
    }

    /// Whether a client may put it on a message: everything but `\Recent` and [`Flag::Odd`].
    pub fn is_settable(&self) -> bool {
        !matches!(self, Self::Recent | Self::Odd(_))
    }
}

/// The name of a keyword or of a flag extension; compares without regard to ASCII case.
#[derive(Clone, Debug)]
pub struct Keyword(Atom);

impl Keyword {
    /// Checks and takes `octets`.
    ///
    /// # Errors
    /// When `octets` is not an atom.
    pub fn new(octets: impl Into<Bytes>) -> Result<Self, InvalidValue> {
        Atom::new(octets).map(Self).map_err(|_| InvalidValue::new("flag"))
    }

    /// The keyword as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    fn folded(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.as_bytes().iter().map(u8::to_ascii_lowercase)
    }
}

impl PartialEq for Keyword {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().eq_ignore_ascii_case(other.0.as_bytes())
    }
}

impl Eq for Keyword {}

impl PartialOrd for Keyword {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Keyword {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(other.folded())
    }
}

impl Hash for Keyword {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().for_each(|octet| octet.hash(state));
        0xff_u8.hash(state);
    }
}

/// The list in a PERMANENTFLAGS code (RFC 9051, section 7.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PermanentFlags {
    /// Flags a client can change for good.
    pub flags: Vec<Flag>,
    /// `\*`: the client may invent keywords.
    pub new_keywords: bool,
}

/// `name` is what follows the backslash.
fn system_flag(name: &[u8]) -> Option<Flag> {
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    Some(match name.len() {
        8 if is("Answered") => Flag::Answered,
        7 if is("Flagged") => Flag::Flagged,
        7 if is("Deleted") => Flag::Deleted,
        4 if is("Seen") => Flag::Seen,
        5 if is("Draft") => Flag::Draft,
        6 if is("Recent") => Flag::Recent,
        _ => return None,
    })
}
