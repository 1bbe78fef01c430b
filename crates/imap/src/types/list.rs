//! LIST and LSUB (RFC 9051, sections 6.3.9 and 7.3.1; RFC 5258, RFC 5819, RFC 6154; RFC 3501, section 6.3.9).

use crate::error::InvalidValue;
use crate::types::mailbox::is_unacceptable;
use crate::types::{Atom, EntryName, Mailbox, StatusAttribute};
use alloc::string::String;
use alloc::vec::Vec;

/// The arguments of LIST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListCommand {
    /// Whether the extended syntax was used, and so the rules of RFC 5258 apply.
    pub style: ListStyle,
    /// Selection options, in the order they were written.
    pub selection: Vec<ListSelection>,
    /// The reference; may be empty.
    pub reference: Mailbox,
    /// The patterns; one in basic style.
    pub patterns: Vec<ListPattern>,
    /// Return options, in the order they were written.
    pub returns: Vec<ListReturn>,
}

/// Basic or extended LIST; extended is any use of options or of a parenthesised pattern list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListStyle {
    /// `LIST reference pattern`
    Basic,
    /// With options or several patterns.
    Extended,
}

/// `list-select-opt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ListSelection {
    /// `SUBSCRIBED`
    Subscribed,
    /// `REMOTE`
    Remote,
    /// `RECURSIVEMATCH`
    RecursiveMatch,
    /// `SPECIAL-USE` (RFC 6154)
    SpecialUse,
}

/// `return-option`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ListReturn {
    /// `SUBSCRIBED`
    Subscribed,
    /// `CHILDREN`
    Children,
    /// `SPECIAL-USE` (RFC 6154)
    SpecialUse,
    /// `STATUS (..)` (RFC 5819)
    Status(Vec<StatusAttribute>),
    /// `MYRIGHTS` (RFC 8440): a MYRIGHTS response for each mailbox.
    MyRights,
    /// `METADATA (..)` (RFC 9590): a METADATA response for each mailbox.
    Metadata(Vec<EntryName>),
}

/// `list-mailbox`: a name in UTF-8 in which `*` and `%` are wildcards.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListPattern(String);

impl ListPattern {
    /// The pattern, in plain UTF-8.
    ///
    /// # Errors
    /// When it holds a control character.
    pub fn new(pattern: impl Into<String>) -> Result<Self, InvalidValue> {
        let pattern = pattern.into();
        if pattern.chars().any(is_unacceptable) {
            return Err(InvalidValue::new("list-mailbox"));
        }
        Ok(Self(pattern))
    }

    /// The pattern in UTF-8.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A LIST or LSUB response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListResponse {
    /// The attributes.
    pub attributes: Vec<MailboxAttribute>,
    /// The hierarchy delimiter, `None` in a flat hierarchy.
    pub delimiter: Option<char>,
    /// The mailbox.
    pub mailbox: Mailbox,
    /// `CHILDINFO`: why a parent is listed although it does not match (RFC 5258).
    pub child_info: Vec<Atom>,
    /// `OLDNAME`: the name the mailbox had, or the spelling the client used (RFC 9051, section 6.3.9.7).
    pub old_name: Option<Mailbox>,
}

impl ListResponse {
    /// Whether the mailbox has this attribute, because it was told or because another one implies it: `\NoInferiors`
    /// has no children, and what does not exist cannot be selected (RFC 9051, section 6.3.9.4; RFC 5258, section 3.4).
    pub fn has(&self, attribute: &MailboxAttribute) -> bool {
        let implied_by = match attribute {
            MailboxAttribute::HasNoChildren => Some(MailboxAttribute::NoInferiors),
            MailboxAttribute::NoSelect => Some(MailboxAttribute::NonExistent),
            _ => None,
        };
        let is_told = |attribute: &MailboxAttribute| self.attributes.contains(attribute);
        is_told(attribute) || implied_by.as_ref().is_some_and(is_told)
    }
}

/// `mbx-list-flags`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MailboxAttribute {
    /// `\Noinferiors`
    NoInferiors,
    /// `\Noselect`
    NoSelect,
    /// `\NonExistent`
    NonExistent,
    /// `\HasChildren`
    HasChildren,
    /// `\HasNoChildren`
    HasNoChildren,
    /// `\Marked`
    Marked,
    /// `\Unmarked`
    Unmarked,
    /// `\Subscribed`
    Subscribed,
    /// `\Remote`
    Remote,
    /// `\NoAccess` (RFC 5465): the user has lost the right to see it.
    NoAccess,
    /// The mailbox has a role (RFC 6154).
    SpecialUse(SpecialUse),
    /// Another attribute, without its backslash.
    Other(Atom),
}

/// Roles of mailboxes (RFC 6154; `\Important` of RFC 8457; `\Memos`, `\Scheduled`, `\Snoozed` of RFC 9979).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SpecialUse {
    /// `\All`
    All,
    /// `\Archive`
    Archive,
    /// `\Drafts`
    Drafts,
    /// `\Flagged`
    Flagged,
    /// `\Important`
    Important,
    /// `\Junk`
    Junk,
    /// `\Memos`
    Memos,
    /// `\Scheduled`
    Scheduled,
    /// `\Sent`
    Sent,
    /// `\Snoozed`
    Snoozed,
    /// `\Trash`
    Trash,
}

impl SpecialUse {
    /// Every role.
    pub const EVERY: [Self; 11] = [
        Self::All,
        Self::Archive,
        Self::Drafts,
        Self::Flagged,
        Self::Important,
        Self::Junk,
        Self::Memos,
        Self::Scheduled,
        Self::Sent,
        Self::Snoozed,
        Self::Trash,
    ];

    /// The name without the backslash.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Archive => "Archive",
            Self::Drafts => "Drafts",
            Self::Flagged => "Flagged",
            Self::Important => "Important",
            Self::Junk => "Junk",
            Self::Memos => "Memos",
            Self::Scheduled => "Scheduled",
            Self::Sent => "Sent",
            Self::Snoozed => "Snoozed",
            Self::Trash => "Trash",
        }
    }
}

impl MailboxAttribute {
    /// The name without the backslash.
    pub fn name(&self) -> &str {
        match self {
            Self::SpecialUse(role) => role.name(),
            Self::Other(name) => name.as_str(),
            Self::NoInferiors => "Noinferiors",
            Self::NoSelect => "Noselect",
            Self::NonExistent => "NonExistent",
            Self::HasChildren => "HasChildren",
            Self::HasNoChildren => "HasNoChildren",
            Self::Marked => "Marked",
            Self::Unmarked => "Unmarked",
            Self::Subscribed => "Subscribed",
            Self::Remote => "Remote",
            Self::NoAccess => "NoAccess",
        }
    }

    /// The attribute called `name`, without the backslash, in any case.
    pub fn named(name: Atom) -> Self {
        const PLAIN: [MailboxAttribute; 10] = [
            MailboxAttribute::NoInferiors,
            MailboxAttribute::NoSelect,
            MailboxAttribute::NonExistent,
            MailboxAttribute::HasChildren,
            MailboxAttribute::HasNoChildren,
            MailboxAttribute::Marked,
            MailboxAttribute::Unmarked,
            MailboxAttribute::Subscribed,
            MailboxAttribute::Remote,
            MailboxAttribute::NoAccess,
        ];
        let known = PLAIN.into_iter().chain(SpecialUse::EVERY.map(Self::SpecialUse));
        known.into_iter().find(|attribute| name.is(attribute.name())).unwrap_or(Self::Other(name))
    }
}
