//! Since when messages are known that stay at the server, for clients that remove them some days later.
//!
//! Pure: holds unique-ids and times, and knows nothing of connections.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use posthaste_pop3::Uidl;

/// When each message was first seen among those that the client has: to be stored between sessions, as
/// [`Seen`](super::Seen) is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dates {
    since: BTreeMap<Uidl, SystemTime>,
}

impl Dates {
    /// Knows nothing.
    pub const fn new() -> Self {
        Self { since: BTreeMap::new() }
    }

    /// The messages, each with its time.
    pub fn iter(&self) -> impl Iterator<Item = (&Uidl, SystemTime)> {
        self.since.iter().map(|(uidl, since)| (uidl, *since))
    }

    /// Takes note of the messages that are there `now`, forgets all others, and says which are known for longer than
    /// `keep`. A clock that was set back makes nothing old.
    pub(super) fn expired(&mut self, listed: Vec<Uidl>, keep: Duration, now: SystemTime) -> Vec<Uidl> {
        let known = std::mem::take(&mut self.since);
        self.since =
            listed.into_iter().map(|uidl| (uidl, known.get(&uidl).copied().unwrap_or(now))).collect();
        let old =
            self.since.iter().filter(|(_, since)| now.duration_since(**since).is_ok_and(|age| age >= keep));
        old.map(|(uidl, _)| *uidl).collect()
    }
}

impl FromIterator<(Uidl, SystemTime)> for Dates {
    fn from_iter<I: IntoIterator<Item = (Uidl, SystemTime)>>(dates: I) -> Self {
        Self { since: dates.into_iter().collect() }
    }
}
