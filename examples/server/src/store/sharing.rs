//! What an account keeps and may keep, and what is granted and noted on mailboxes.

use bytes::Bytes;
use posthaste_imap::types::Rights;

/// What an account keeps. A copy of a message counts like the message; what is expunged counts no more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Octets of its messages.
    pub octets: u64,
    /// Its messages.
    pub messages: u64,
    /// Its mailboxes.
    pub mailboxes: u32,
}

/// How much the account may keep in all, after what is asked for; `None` is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Room {
    /// Octets.
    pub octets: Option<u64>,
    /// Messages.
    pub messages: Option<u64>,
}

impl Room {
    /// No limit.
    pub const UNLIMITED: Self = Self { octets: None, messages: None };

    /// Whether there is room for some more octets in one more message.
    pub fn takes(&self, used: &Usage, octets: u64) -> bool {
        self.octets.is_none_or(|limit| used.octets.saturating_add(octets) <= limit)
            && self.messages.is_none_or(|limit| used.messages < limit)
    }
}

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
