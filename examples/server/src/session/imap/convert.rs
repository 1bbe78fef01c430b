//! Between the store's values and IMAP's: flags, dates, ids, mailbox names.

use std::num::NonZeroU32;

use posthaste_imap::types::{
    Date, DateTime, Flag, Flags as ImapFlags, Keyword as ImapKeyword, Mailbox as ImapMailbox, ObjectId,
    SpecialUse as ImapSpecialUse, UidSet,
};

use crate::store::{
    BlobId, Flags, InternalDate, Keyword, Keywords, MailboxId, MailboxName, NameError, SpecialUse,
    StoreError, SystemFlags, ThreadId,
};

const SYSTEM: [(SystemFlags, Flag); 5] = [
    (SystemFlags::ANSWERED, Flag::Answered),
    (SystemFlags::FLAGGED, Flag::Flagged),
    (SystemFlags::DELETED, Flag::Deleted),
    (SystemFlags::SEEN, Flag::Seen),
    (SystemFlags::DRAFT, Flag::Draft),
];

/// The system flags a client can set.
pub(super) fn system_flags() -> impl Iterator<Item = Flag> {
    SYSTEM.into_iter().map(|(_, flag)| flag)
}

/// The system flag that IMAP calls so.
pub(super) fn system_flag(flag: &Flag) -> Option<SystemFlags> {
    SYSTEM.iter().find(|(_, known)| known == flag).map(|(bit, _)| *bit)
}

/// The flags of a message, as IMAP writes them.
pub(super) fn flags(system: SystemFlags, keywords: &Keywords) -> ImapFlags {
    let set = SYSTEM.iter().filter(|(bit, _)| system.contains(*bit)).map(|(_, flag)| flag.clone());
    set.chain(keywords.iter().filter_map(keyword)).collect()
}

/// A keyword, as IMAP writes it.
pub(super) fn keyword(keyword: &Keyword) -> Option<Flag> {
    ImapKeyword::new(keyword.as_str().to_owned()).ok().map(Flag::Keyword)
}

/// The flags a client names, as the store keeps them. `\Recent` and flags of no known meaning cannot be set and are
/// left out. `None` where a keyword is longer than any may be.
pub(super) fn stored(flags: &ImapFlags) -> Option<Flags> {
    let mut system = SystemFlags::NONE;
    let mut keywords = Vec::new();
    for flag in flags {
        match &flag {
            Flag::Keyword(keyword) => keywords.push(Keyword::new(keyword.as_str())?),
            flag => system = system | system_flag(flag).unwrap_or_default(),
        }
    }
    Some(Flags { system, keywords: keywords.into_iter().collect() })
}

pub(super) fn date_time(date: InternalDate) -> Option<DateTime> {
    DateTime::from_unix_seconds(date.seconds, date.zone_minutes).ok()
}

pub(super) fn internal_date(date: DateTime) -> InternalDate {
    InternalDate { seconds: date.unix_seconds(), zone_minutes: date.zone_minutes() }
}

/// The day a message came in, in the zone it came in with.
pub(super) fn day(date: InternalDate) -> Option<Date> {
    date_time(date).map(DateTime::date)
}

/// The day of a moment, in UTC.
pub(super) fn utc_day(seconds: i64) -> Option<Date> {
    Date::from_unix_days(seconds.div_euclid(86_400)).ok()
}

/// A name as a client writes it. Clients that want a mailbox to have children may put a separator behind it
/// (RFC 9051 6.3.4).
pub(super) fn name(mailbox: &ImapMailbox) -> Result<MailboxName, NameError> {
    let name = mailbox.as_str();
    MailboxName::new(name.strip_suffix(crate::store::SEPARATOR).unwrap_or(name))
}

pub(super) fn uid_set(uids: &[u32]) -> UidSet {
    UidSet::from_numbers(uids.iter().filter_map(|uid| NonZeroU32::new(*uid)))
}

/// A number that a store keeps above zero.
pub(super) fn nonzero(number: u32) -> Result<NonZeroU32, StoreError> {
    NonZeroU32::new(number).ok_or_else(|| StoreError::Database("a UID or UIDVALIDITY is zero".to_owned()))
}

/// The role of a mailbox, as IMAP calls it.
pub(super) const fn special_use(role: SpecialUse) -> ImapSpecialUse {
    match role {
        SpecialUse::Archive => ImapSpecialUse::Archive,
        SpecialUse::Drafts => ImapSpecialUse::Drafts,
        SpecialUse::Junk => ImapSpecialUse::Junk,
        SpecialUse::Sent => ImapSpecialUse::Sent,
        SpecialUse::Trash => ImapSpecialUse::Trash,
    }
}

/// MAILBOXID (RFC 8474 4). The letter in front keeps the three kinds of ids apart.
pub(super) fn mailbox_id(mailbox: MailboxId) -> Option<ObjectId> {
    ObjectId::new(format!("F{mailbox}")).ok()
}

/// EMAILID (RFC 8474 5.1).
pub(super) fn email_id(blob: BlobId) -> Option<ObjectId> {
    ObjectId::new(format!("M{blob}")).ok()
}

/// THREADID (RFC 8474 5.2).
pub(super) fn thread_id(thread: ThreadId) -> Option<ObjectId> {
    ObjectId::new(format!("T{thread}")).ok()
}

/// The blob that an EMAILID names.
pub(super) fn blob_of(id: &ObjectId) -> Option<BlobId> {
    id.as_str().strip_prefix('M')?.parse().ok().map(BlobId)
}

/// The conversation that a THREADID names.
pub(super) fn thread_of(id: &ObjectId) -> Option<ThreadId> {
    id.as_str().strip_prefix('T')?.parse().ok().map(ThreadId)
}
