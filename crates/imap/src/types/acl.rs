//! Access control lists (RFC 4314): rights as a small set, and how SETACL changes them.

use crate::error::InvalidValue;
use crate::types::{AString, Mailbox};
use alloc::vec::Vec;
use core::fmt;

/// `rights`: a set of lower-case letters and digits, each of which is one right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rights(u64);

impl Rights {
    /// No rights.
    pub const NONE: Self = Self(0);

    /// The rights that these letters stand for.
    ///
    /// # Errors
    /// When there is anything but lower-case letters and digits.
    pub fn new(letters: &str) -> Result<Self, InvalidValue> {
        Self::of(letters.as_bytes()).ok_or(InvalidValue::new("rights"))
    }

    pub(crate) fn of(letters: &[u8]) -> Option<Self> {
        letters.iter().try_fold(Self::NONE, |rights, letter| Some(Self(rights.0 | bit(*letter)?)))
    }

    /// Whether the right called `letter` is in the set.
    pub fn contains(self, letter: char) -> bool {
        u8::try_from(letter).ok().and_then(bit).is_some_and(|bit| self.0 & bit != 0)
    }

    /// Whether all of `other` is in the set.
    pub const fn contains_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This set without the other.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The letters, digits first, each in its order.
    pub fn letters(self) -> impl Iterator<Item = u8> {
        LETTERS.iter().copied().filter(move |letter| bit(*letter).is_some_and(|bit| self.0 & bit != 0))
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.letters().try_for_each(|letter| write!(f, "{}", char::from(letter)))
    }
}

/// `mod-rights`: what SETACL does with the rights of an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RightsChange {
    /// The rights become exactly these.
    Replace(Rights),
    /// `+`: these are added.
    Add(Rights),
    /// `-`: these are taken away.
    Remove(Rights),
}

/// The ACL response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acl {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// Identifiers and what each may do. An identifier that begins with `-` has rights taken away.
    pub entries: Vec<(AString, Rights)>,
}

/// The LISTRIGHTS response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRights {
    /// The mailbox.
    pub mailbox: Mailbox,
    /// Who is asked about.
    pub identifier: AString,
    /// What the identifier always has.
    pub required: Rights,
    /// What can be granted; rights in one set go together.
    pub optional: Vec<Rights>,
}

const LETTERS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

fn bit(letter: u8) -> Option<u64> {
    let index = match letter {
        b'0'..=b'9' => letter.checked_sub(b'0')?,
        b'a'..=b'z' => letter.checked_sub(b'a')?.checked_add(10)?,
        _ => return None,
    };
    1_u64.checked_shl(u32::from(index))
}
