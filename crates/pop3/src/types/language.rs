//! Languages of the texts that people read (RFC 6856 3, RFC 5646, RFC 4647).

use alloc::string::String;
use core::fmt;

use super::InvalidArgument;

/// The tag of a language, in any case.
///
/// ```text
/// tag = 1*8ALPHA *("-" 1*8(ALPHA / DIGIT))        ; at most 35 octets
/// ```
#[derive(Clone, Debug)]
pub struct LanguageTag(String);

impl LanguageTag {
    const MAX: usize = 35;

    /// Checks a tag.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`] when the grammar does not allow it.
    pub fn new(tag: &str) -> Result<Self, InvalidArgument> {
        let mut parts = tag.split('-');
        let is_part = |part: &str| (1..=8).contains(&part.len());
        let first = parts
            .next()
            .is_some_and(|part| is_part(part) && part.bytes().all(|octet| octet.is_ascii_alphabetic()));
        let rest = parts.all(|part| is_part(part) && part.bytes().all(|octet| octet.is_ascii_alphanumeric()));
        if tag.len() > Self::MAX || !first || !rest {
            return Err(InvalidArgument { argument: "language", problem: "is no language tag" });
        }
        Ok(Self(tag.into()))
    }

    /// The tag, as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this tag is in the range: the same, or with more parts behind it (RFC 4647 3.3.1).
    pub fn matches(&self, range: &Self) -> bool {
        let (tag, range) = (self.0.as_bytes(), range.0.as_bytes());
        match tag.split_at_checked(range.len()) {
            Some((front, rest)) => {
                front.eq_ignore_ascii_case(range) && matches!(rest.first(), None | Some(b'-'))
            }
            None => false,
        }
    }
}

impl PartialEq for LanguageTag {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for LanguageTag {}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which language is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LanguageRange {
    /// `*`: whichever the server prefers.
    Any,
    /// A language or one of its varieties.
    Tag(LanguageTag),
}

impl LanguageRange {
    /// The range as LANG carries it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Any => "*",
            Self::Tag(tag) => tag.as_str(),
        }
    }
}
