//! What an account keeps and may keep, and what is granted and noted on mailboxes.

use bytes::Bytes;
use posthaste_imap::types::Rights;

/// What an account keeps. A copy of a message counts like the message; what is expunged is counted apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Octets of its messages.
    pub octets: u64,
    /// Its messages.
    pub messages: u64,
    /// Its mailboxes.
    pub mailboxes: u32,
    /// Octets of messages that are expunged and can be had back.
    pub deleted_octets: u64,
    /// Those messages.
    pub deleted_messages: u64,
}

/// How much the account may keep in all, after what is asked for; `None` is no limit. It may keep as much again of what
/// is expunged: what is more, the oldest first, goes for good when something new comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Room {
    /// Octets.
    pub octets: Option<u64>,
    /// Messages.
    pub messages: Option<u64>,
    /// Octets of what is expunged, where `octets` is no limit.
    pub deleted_octets: Option<u64>,
}

impl Room {
    /// No limit.
    pub const UNLIMITED: Self = Self { octets: None, messages: None, deleted_octets: None };

    /// Whether there is a limit to what may be kept that is not expunged.
    pub fn is_limited(&self) -> bool {
        self.octets.is_some() || self.messages.is_some()
    }

    /// Whether so much may be kept that is expunged.
    pub(super) fn keeps(&self, octets: u64, messages: u64) -> bool {
        let octets_max = self.octets.or(self.deleted_octets);
        // Also the smallest message takes some of the disk.
        let messages_max = self.messages.or(octets_max.map(|_| DELETED_MESSAGES_MAX));
        octets_max.is_none_or(|limit| octets <= limit) && messages_max.is_none_or(|limit| messages <= limit)
    }

    /// Whether there is room for some more octets in one more message.
    pub fn takes(&self, used: &Usage, octets: u64) -> bool {
        self.octets.is_none_or(|limit| used.octets.saturating_add(octets) <= limit)
            && self.messages.is_none_or(|limit| used.messages < limit)
    }
}

/// Expunged messages of an account with a limit for octets alone.
pub const DELETED_MESSAGES_MAX: u64 = 1_000_000;

/// An entry of the access control list of a mailbox (RFC 4314).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// For whom, as in the protocol: an address, `anyone`, `$group`, and with `-` in front what is withheld.
    pub identifier: String,
    /// What.
    pub rights: Rights,
}

/// An annotation (RFC 5464).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The entry, in lower case: `/shared/comment`.
    pub entry: String,
    /// Its value.
    pub value: Bytes,
}
