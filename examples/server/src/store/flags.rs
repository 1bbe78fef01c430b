//! Message flags: the five system flags as bits, and keywords (RFC 9051, 2.3.2). `\Recent` is not a flag
//! here: it is a property of a session, see [`Store::recent`](super::Store::recent).

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The longest keyword, in octets.
pub const KEYWORD_MAX: usize = 64;

/// The flags of one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `\Seen` and its like.
    pub system: SystemFlags,
    /// `$Forwarded` and its like.
    pub keywords: Keywords,
}

impl Flags {
    /// Whether no flag is set.
    pub fn is_empty(&self) -> bool {
        self.system == SystemFlags::NONE && self.keywords.is_empty()
    }

    /// Those of them that are in a mask.
    #[must_use]
    pub fn within(&self, mask: FlagMask) -> Self {
        let keywords = match mask.keywords {
            KeywordMask::All => self.keywords.clone(),
            KeywordMask::None => Keywords::default(),
        };
        Self { system: self.system.within(mask.system), keywords }
    }

    /// Applies what a STORE asks for.
    pub(super) fn change(&mut self, mode: StoreMode, flags: &Flags) {
        match mode {
            StoreMode::Replace => self.clone_from(flags),
            StoreMode::ReplaceWithin(mask) => {
                let chosen = flags.within(mask);
                self.system = self.system.without(mask.system) | chosen.system;
                if mask.keywords == KeywordMask::All {
                    self.keywords = chosen.keywords;
                }
            }
            StoreMode::Add => {
                self.system = self.system | flags.system;
                if !flags.keywords.is_empty() {
                    self.keywords.change(|own| own.extend(flags.keywords.iter().cloned()));
                }
            }
            StoreMode::Remove => {
                self.system = self.system.without(flags.system);
                if !flags.keywords.is_empty() {
                    self.keywords.change(|own| own.retain(|keyword| !flags.keywords.contains(keyword)));
                }
            }
        }
    }
}

impl From<SystemFlags> for Flags {
    fn from(system: SystemFlags) -> Self {
        Self { system, keywords: Keywords::default() }
    }
}

/// What a STORE does with the flags it names (RFC 9051, 6.4.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreMode {
    /// `+FLAGS`
    Add,
    /// `-FLAGS`
    Remove,
    /// `FLAGS`
    Replace,
    /// `FLAGS` by somebody who may change these only: the others stay as they are (RFC 4314 4).
    ReplaceWithin(FlagMask),
}

/// A choice of flags: some of the system flags, and the keywords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlagMask {
    /// Which system flags.
    pub system: SystemFlags,
    /// Which keywords.
    pub keywords: KeywordMask,
}

impl FlagMask {
    /// All flags.
    pub const ALL: Self = Self { system: SystemFlags::ALL, keywords: KeywordMask::All };
    /// No flag.
    pub const NONE: Self = Self { system: SystemFlags::NONE, keywords: KeywordMask::None };
}

/// A choice of keywords: rights do not tell one from the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeywordMask {
    /// All of them.
    All,
    /// None of them.
    None,
}

/// A set of system flags.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SystemFlags(u8);

impl SystemFlags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// `\Answered`
    pub const ANSWERED: Self = Self(1);
    /// `\Flagged`
    pub const FLAGGED: Self = Self(2);
    /// `\Deleted`
    pub const DELETED: Self = Self(4);
    /// `\Seen`
    pub const SEEN: Self = Self(8);
    /// `\Draft`
    pub const DRAFT: Self = Self(16);
    /// All five.
    pub const ALL: Self = Self(31);

    /// Whether all flags of `other` are in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// This set without the flags of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The flags that are in both sets.
    #[must_use]
    pub const fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) const fn bits(self) -> u8 {
        self.0
    }

    pub(super) const fn from_bits(bits: u8) -> Self {
        Self(bits & Self::ALL.0)
    }
}

impl std::ops::BitOr for SystemFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// A keyword: an atom, compared without regard to ASCII case.
#[derive(Debug, Clone)]
pub struct Keyword(String);

impl Keyword {
    /// Checks a keyword: 1 to [`KEYWORD_MAX`] octets that may stand in an IMAP atom; `None` otherwise.
    pub fn new(text: &str) -> Option<Self> {
        let is_atom = |c: u8| c.is_ascii_graphic() && !b"(){%*\"\\]".contains(&c);
        ((1..=KEYWORD_MAX).contains(&text.len()) && text.bytes().all(is_atom)).then(|| Self(text.to_owned()))
    }

    /// The keyword as first written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn folded(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.bytes().map(|c| c.to_ascii_lowercase())
    }
}

impl PartialEq for Keyword {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
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

/// A set of keywords. Clones share it: most messages have one of a few sets, or none.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Keywords(Option<Arc<BTreeSet<Keyword>>>);

impl Keywords {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The keywords, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Keyword> {
        self.0.iter().flat_map(|set| set.iter())
    }

    /// Whether the set has this keyword.
    pub fn contains(&self, keyword: &Keyword) -> bool {
        self.0.as_ref().is_some_and(|set| set.contains(keyword))
    }

    fn change(&mut self, how: impl FnOnce(&mut BTreeSet<Keyword>)) {
        let mut set = self.0.as_deref().cloned().unwrap_or_default();
        how(&mut set);
        *self = set.into();
    }
}

impl From<BTreeSet<Keyword>> for Keywords {
    fn from(set: BTreeSet<Keyword>) -> Self {
        Self((!set.is_empty()).then(|| Arc::new(set)))
    }
}

impl FromIterator<Keyword> for Keywords {
    fn from_iter<I: IntoIterator<Item = Keyword>>(keywords: I) -> Self {
        keywords.into_iter().collect::<BTreeSet<_>>().into()
    }
}

/// How keywords stand in their column: separated by single spaces, which no keyword contains.
pub(super) fn keywords_to_column(keywords: &Keywords) -> String {
    keywords.iter().map(Keyword::as_str).collect::<Vec<_>>().join(" ")
}

pub(super) fn keywords_from_column(column: &str) -> Keywords {
    column.split_ascii_whitespace().filter_map(Keyword::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imap_21_keywords_are_short_atoms() {
        assert!(Keyword::new("$Forwarded").is_some());
        assert!(Keyword::new(&"k".repeat(KEYWORD_MAX)).is_some());
        for bad in ["", "\\Recent", "\\*", "a b", "a(", "k]", "\u{e9}", &"k".repeat(KEYWORD_MAX + 1)] {
            assert!(Keyword::new(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn keywords_are_equal_in_any_case() {
        let both: BTreeSet<Keyword> =
            ["$Junk", "$junk", "b"].iter().filter_map(|k| Keyword::new(k)).collect();
        assert_eq!(both.len(), 2);
        let both = Keywords::from(both);
        assert_eq!(keywords_from_column(&keywords_to_column(&both)), both);
    }

    #[test]
    fn store_modes() {
        let mut flags = Flags::from(SystemFlags::SEEN);
        flags.change(StoreMode::Add, &SystemFlags::DELETED.into());
        assert_eq!(flags.system, SystemFlags::SEEN | SystemFlags::DELETED);
        flags.change(StoreMode::Remove, &SystemFlags::SEEN.into());
        assert_eq!(flags.system, SystemFlags::DELETED);
        flags.change(StoreMode::Replace, &Flags::default());
        assert!(flags.is_empty());
        let kept: Keywords = Keyword::new("kept").into_iter().collect();
        let mut flags = Flags { system: SystemFlags::SEEN | SystemFlags::DELETED, keywords: kept.clone() };
        let mask = FlagMask { system: SystemFlags::SEEN | SystemFlags::DRAFT, keywords: KeywordMask::None };
        let given =
            Flags { system: SystemFlags::DRAFT | SystemFlags::FLAGGED, keywords: Keywords::default() };
        flags.change(StoreMode::ReplaceWithin(mask), &given);
        assert_eq!(flags, Flags { system: SystemFlags::DELETED | SystemFlags::DRAFT, keywords: kept });
    }
}
