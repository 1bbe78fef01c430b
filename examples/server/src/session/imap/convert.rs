//! Between the store's values and IMAP's: flags, dates, mailbox names.

use posthaste_imap::types::{
    Date, DateTime, Flag, Flags as ImapFlags, Keyword as ImapKeyword, Mailbox as ImapMailbox, UidSet,
};
use std::num::NonZeroU32;

use crate::store::{Flags, InternalDate, Keyword, MailboxName, NameError, SystemFlags};

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

pub(super) fn is_seen(flags: &Flags) -> bool {
    flags.system.contains(SystemFlags::SEEN)
}

/// The flags of a message, as IMAP writes them.
pub(super) fn flags(flags: &Flags) -> Vec<Flag> {
    let system = SYSTEM.into_iter().filter(|(bit, _)| flags.system.contains(*bit)).map(|(_, flag)| flag);
    system.chain(flags.keywords.iter().filter_map(keyword)).collect()
}

/// A keyword, as IMAP writes it.
pub(super) fn keyword(keyword: &Keyword) -> Option<Flag> {
    ImapKeyword::new(keyword.as_str().to_owned()).ok().map(Flag::Keyword)
}

/// The flags a client names, as the store keeps them. `\Recent` and flags of no known meaning cannot be set and are
/// left out.
pub(super) fn stored(flags: &ImapFlags) -> Flags {
    let mut stored = Flags::default();
    for flag in flags {
        match flag {
            Flag::Keyword(keyword) => stored.keywords.extend(Keyword::new(keyword.as_str())),
            flag => {
                let bit = SYSTEM.iter().find(|(_, known)| *known == flag).map(|(bit, _)| *bit);
                stored.system = stored.system | bit.unwrap_or_default();
            }
        }
    }
    stored
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

/// A name as a client writes it. Clients that want a mailbox to have children may put a separator behind it
/// (RFC 9051 6.3.4).
pub(super) fn name(mailbox: &ImapMailbox) -> Result<MailboxName, NameError> {
    let name = mailbox.as_str();
    MailboxName::new(name.strip_suffix(crate::store::SEPARATOR).unwrap_or(name))
}

pub(super) fn uid_set(uids: &[u32]) -> UidSet {
    UidSet::from_numbers(uids.iter().filter_map(|uid| NonZeroU32::new(*uid)))
}
