//! Mailboxes as things of their own (RFC 9051 5.1, 6.3). What is in them is in `message`.
//!
//! Parents always exist: creation makes them, and a mailbox with children is not deleted. A UIDVALIDITY is never used
//! twice in one account, so `(uidvalidity, uid)` names one message for ever.

use super::id::{AccountId, MailboxId};

/// Mailboxes of one account.
pub const MAILBOXES_MAX: u32 = 5000;
/// Different keywords in one mailbox.
pub const KEYWORDS_MAX: u32 = 256;

/// A mailbox, as of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// What stays the same when it is renamed. Its MAILBOXID (RFC 8474 4).
    pub id: MailboxId,
    /// Whose it is.
    pub account: AccountId,
    /// Its name, in its account.
    pub name: String,
    /// With a UID, names a message for ever (RFC 9051 2.3.1.1).
    pub uidvalidity: u32,
    /// The UID the next message will get.
    pub uidnext: u32,
    /// The highest mod-sequence of the mailbox (RFC 7162).
    pub modseq: u64,
    /// What the mailbox is for (RFC 6154).
    pub special_use: Option<SpecialUse>,
    /// Whether its owner has subscribed its name.
    pub subscribed: bool,
}

/// The uses of RFC 6154 that the server gives to mailboxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpecialUse {
    /// `\Archive`
    Archive,
    /// `\Drafts`
    Drafts,
    /// `\Junk`
    Junk,
    /// `\Sent`
    Sent,
    /// `\Trash`
    Trash,
}

impl SpecialUse {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Archive, Self::Drafts, Self::Junk, Self::Sent, Self::Trash];

    /// The attribute of LIST, without its backslash; also the name the mailbox has at first.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Archive => "Archive",
            Self::Drafts => "Drafts",
            Self::Junk => "Junk",
            Self::Sent => "Sent",
            Self::Trash => "Trash",
        }
    }
}

/// The numbers STATUS asks for (RFC 9051 6.3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// `MESSAGES`
    pub messages: u32,
    /// `RECENT`: messages that no session has been told of as recent (RFC 3501).
    pub recent: u32,
    /// `UNSEEN`: messages without `\Seen`.
    pub unseen: u32,
    /// `DELETED`: messages with `\Deleted`.
    pub deleted: u32,
    /// `DELETED-STORAGE`: octets of those (RFC 9208 5).
    pub deleted_size: u64,
    /// `SIZE`, in octets (RFC 8438).
    pub size: u64,
    /// `UIDNEXT`
    pub uidnext: u32,
    /// `UIDVALIDITY`
    pub uidvalidity: u32,
    /// `HIGHESTMODSEQ`
    pub modseq: u64,
}
