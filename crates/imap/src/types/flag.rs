//! Flags and keywords (RFC 9051, section 2.3.2; `flag`, `flag-keyword`, `flag-perm` in section 9).
//!
//! Flag names ignore ASCII case. What a server sends against the grammar is kept as [`Flag::Odd`], so
//! that one strange flag does not hide a message; it is never written. A list of flags is one octet for the system
//! flags and one slice of what was read for all others, because clients read millions of them.

use crate::error::InvalidValue;
use crate::types::string::Atom;
use alloc::vec::Vec;
use bytes::Bytes;
use core::cmp::Ordering;
use core::fmt;
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

    /// The bit of a system flag in [`Flags`].
    pub(crate) fn bit(&self) -> Option<u8> {
        match self {
            Self::Answered => Some(1),
            Self::Flagged => Some(2),
            Self::Deleted => Some(4),
            Self::Seen => Some(8),
            Self::Draft => Some(16),
            Self::Recent => Some(32),
            Self::Extension(name) => system_flag(name.as_str().as_bytes()).and_then(|flag| flag.bit()),
            Self::Keyword(_) | Self::Odd(_) => None,
        }
    }

    /// Writes a flag that is no system flag; what separates flags becomes a quote, with which nothing is a flag.
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Extension(name) => {
                out.push(b'\\');
                out.extend_from_slice(name.as_str().as_bytes());
            }
            Self::Keyword(name) => out.extend_from_slice(name.as_str().as_bytes()),
            Self::Odd(text) if text.is_empty() => out.push(b'"'),
            Self::Odd(text) => {
                let separates = |octet: u8| matches!(octet, b' ' | b'(' | b')' | b'\r' | b'\n' | 0);
                out.extend(text.iter().map(|octet| if separates(*octet) { b'"' } else { *octet }));
            }
            _ => {}
        }
    }

    /// Whether a client may put it on a message: everything but `\Recent` and [`Flag::Odd`].
    pub fn is_settable(&self) -> bool {
        !matches!(self, Self::Recent | Self::Odd(_))
    }
}

/// The flag as it is written; of [`Flag::Odd`], what cannot be printed is escaped.
///
/// ```
/// use posthaste_imap::types::Flag;
///
/// assert_eq!(Flag::Seen.to_string(), "\\Seen");
/// assert_eq!(Flag::new("$Forwarded")?.to_string(), "$Forwarded");
/// # Ok::<(), posthaste_imap::error::InvalidValue>(())
/// ```
impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answered => "\\Answered",
            Self::Flagged => "\\Flagged",
            Self::Deleted => "\\Deleted",
            Self::Seen => "\\Seen",
            Self::Draft => "\\Draft",
            Self::Recent => "\\Recent",
            Self::Keyword(name) => name.as_str(),
            Self::Extension(name) => return write!(f, "\\{}", name.as_str()),
            Self::Odd(text) => return write!(f, "{}", text.escape_ascii()),
        })
    }
}

/// The flags of a message, or a list of flags in a command: system flags as a set, all others in the order they came.
///
/// ```
/// use posthaste_imap::types::{Flag, Flags};
///
/// let mut flags = Flags::from([Flag::Seen, Flag::new("$Forwarded")?]);
/// flags.insert(&Flag::Answered);
/// assert!(flags.contains(&Flag::Seen) && flags.contains(&Flag::new("$forwarded")?));
/// assert_eq!(flags.iter().count(), 3);
/// # Ok::<(), posthaste_imap::error::InvalidValue>(())
/// ```
#[derive(Clone, Default)]
pub struct Flags {
    /// One bit for each of [`SYSTEM`], in its order.
    system: u8,
    /// The others as they are written, with one space between two.
    others: Bytes,
}

impl Flags {
    /// No flags.
    pub const fn new() -> Self {
        Self { system: 0, others: Bytes::new() }
    }

    /// `others` holds no system flag and one space between two flags.
    pub(crate) const fn from_parts(system: u8, others: Bytes) -> Self {
        Self { system, others }
    }

    pub(crate) const fn system(&self) -> u8 {
        self.system
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.system == 0 && self.others.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        let system = usize::try_from(self.system.count_ones()).unwrap_or_default();
        system.saturating_add(self.texts().count())
    }

    /// Whether `flag` is among them.
    pub fn contains(&self, flag: &Flag) -> bool {
        match flag.bit() {
            Some(bit) => self.system & bit != 0,
            None => {
                let mut text = Vec::new();
                flag.write(&mut text);
                self.texts().any(|other| other.eq_ignore_ascii_case(&text))
            }
        }
    }

    /// The flags: system flags first, then the others in their order.
    pub fn iter(&self) -> FlagsIter<'_> {
        FlagsIter { flags: self, bit: 1, at: 0 }
    }

    /// Adds `flag` unless it is there.
    ///
    /// Of a [`Flag::Odd`], octets that separate flags become quotes.
    pub fn insert(&mut self, flag: &Flag) {
        if let Some(bit) = flag.bit() {
            self.system |= bit;
        } else if !self.contains(flag) {
            let mut others = Vec::from(self.others.as_ref());
            if !others.is_empty() {
                others.push(b' ');
            }
            flag.write(&mut others);
            self.others = others.into();
        }
    }

    /// Takes `flag` away if it is there.
    pub fn remove(&mut self, flag: &Flag) {
        if let Some(bit) = flag.bit() {
            self.system &= !bit;
        } else if self.contains(flag) {
            let mut text = Vec::new();
            flag.write(&mut text);
            let mut others: Vec<u8> = Vec::new();
            for other in self.texts().filter(|other| !other.eq_ignore_ascii_case(&text)) {
                if !others.is_empty() {
                    others.push(b' ');
                }
                others.extend_from_slice(other);
            }
            self.others = others.into();
        }
    }

    /// The others, as they are written.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.others.split(|octet| *octet == b' ').filter(|text| !text.is_empty())
    }
}

/// The flags of a [`Flags`] one by one; nothing is copied.
#[derive(Clone, Debug)]
pub struct FlagsIter<'a> {
    flags: &'a Flags,
    /// The bit of the next system flag; zero behind the last.
    bit: u8,
    at: usize,
}

impl Iterator for FlagsIter<'_> {
    type Item = Flag;

    fn next(&mut self) -> Option<Flag> {
        while self.bit != 0 {
            let bit = self.bit;
            self.bit = bit.checked_shl(1).unwrap_or_default();
            if self.flags.system & bit != 0 {
                if let Some((flag, _)) = SYSTEM.iter().find(|(_, known)| *known == bit) {
                    return Some(flag.clone());
                }
            }
        }
        let rest = self.flags.others.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b' ', rest).unwrap_or(rest.len());
        let text = self.flags.others.slice(self.at..self.at.saturating_add(length));
        self.at = self.at.saturating_add(length).saturating_add(1);
        Some(Flag::new(text.clone()).unwrap_or(Flag::Odd(text)))
    }
}

impl<'a> IntoIterator for &'a Flags {
    type Item = Flag;
    type IntoIter = FlagsIter<'a>;

    fn into_iter(self) -> FlagsIter<'a> {
        self.iter()
    }
}

impl FromIterator<Flag> for Flags {
    fn from_iter<I: IntoIterator<Item = Flag>>(flags: I) -> Self {
        let mut set = Self::new();
        flags.into_iter().for_each(|flag| set.insert(&flag));
        set
    }
}

impl From<Vec<Flag>> for Flags {
    fn from(flags: Vec<Flag>) -> Self {
        flags.into_iter().collect()
    }
}

impl<const N: usize> From<[Flag; N]> for Flags {
    fn from(flags: [Flag; N]) -> Self {
        flags.into_iter().collect()
    }
}

impl PartialEq for Flags {
    fn eq(&self, other: &Self) -> bool {
        self.system == other.system && self.others.eq_ignore_ascii_case(&other.others)
    }
}

impl Eq for Flags {}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// The system flags and their bits.
const SYSTEM: [(Flag, u8); 6] = [
    (Flag::Answered, 1),
    (Flag::Flagged, 2),
    (Flag::Deleted, 4),
    (Flag::Seen, 8),
    (Flag::Draft, 16),
    (Flag::Recent, 32),
];

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
    pub flags: Flags,
    /// `\*`: the client may invent keywords.
    pub new_keywords: bool,
}

/// `name` is what follows the backslash.
pub(crate) fn system_flag(name: &[u8]) -> Option<Flag> {
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
