//! A message as a picture has it, and what is counted of many.

use crate::store::{BlobId, Flags, InternalDate, Keywords, MessageMeta, SystemFlags, ThreadId};

/// A message in a picture: 64 octets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Names the message in its mailbox.
    pub uid: u32,
    zone_minutes: i16,
    /// The system flags.
    pub system: SystemFlags,
    /// The content.
    pub blob: BlobId,
    /// The conversation.
    pub thread: ThreadId,
    /// Octets.
    pub size: u64,
    seconds: i64,
    /// When it came into the mailbox, in seconds since 1970.
    pub saved: i64,
    /// The mod-sequence of its last change.
    pub modseq: u64,
    /// The keywords; equal sets are one in memory.
    pub keywords: Keywords,
}

impl Row {
    pub(super) fn new(meta: &MessageMeta, keywords: Keywords) -> Self {
        Self {
            uid: meta.uid,
            zone_minutes: meta.date.zone_minutes,
            system: meta.flags.system,
            blob: meta.blob,
            thread: meta.thread,
            size: meta.size,
            seconds: meta.date.seconds,
            saved: meta.saved,
            modseq: meta.modseq,
            keywords,
        }
    }

    /// INTERNALDATE.
    pub fn date(&self) -> InternalDate {
        InternalDate { seconds: self.seconds, zone_minutes: self.zone_minutes }
    }

    /// All flags.
    pub fn flags(&self) -> Flags {
        Flags { system: self.system, keywords: self.keywords.clone() }
    }

    /// Whether `\Seen` is set.
    pub fn is_seen(&self) -> bool {
        self.system.contains(SystemFlags::SEEN)
    }

    /// The message as a store tells it.
    pub fn meta(&self) -> MessageMeta {
        MessageMeta {
            uid: self.uid,
            blob: self.blob,
            thread: self.thread,
            size: self.size,
            flags: self.flags(),
            date: self.date(),
            saved: self.saved,
            modseq: self.modseq,
        }
    }
}

/// What a picture counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages.
    pub messages: usize,
    /// Messages without `\Seen`.
    pub unseen: usize,
    /// Messages with `\Deleted`.
    pub deleted: usize,
    /// Octets of all.
    pub size: u64,
    /// Octets of those with `\Deleted`.
    pub deleted_size: u64,
}

impl Counts {
    pub(super) fn add(&mut self, other: &Self) {
        self.messages = self.messages.saturating_add(other.messages);
        self.unseen = self.unseen.saturating_add(other.unseen);
        self.deleted = self.deleted.saturating_add(other.deleted);
        self.size = self.size.saturating_add(other.size);
        self.deleted_size = self.deleted_size.saturating_add(other.deleted_size);
    }

    pub(super) fn of(rows: &[Row]) -> Self {
        let mut counts = Self::default();
        for row in rows {
            let deleted = row.system.contains(SystemFlags::DELETED);
            counts.add(&Self {
                messages: 1,
                unseen: usize::from(!row.is_seen()),
                deleted: usize::from(deleted),
                size: row.size,
                deleted_size: if deleted { row.size } else { 0 },
            });
        }
        counts
    }
}
