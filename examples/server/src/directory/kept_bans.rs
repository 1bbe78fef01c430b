//! Bans across a restart: which of them the store has, and when it is brought up to what is so.
//!
//! Counting failures costs no store call: what has changed is written now and then, many in one commit, and at once when
//! an administrator shuts somebody out or lets somebody in. Kept are bans that go on for a minute or more. Failures that
//! have led to none are not: whoever guesses begins anew after a restart, with as many tries as any newcomer.
//!
//! A ban ends by the clock of the machine; should that be set back, no ban lasts longer than it still had to when it was
//! written.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::bans::Bans;
use super::document::KIND_BAN;
use super::{BanSubject, Directory, DirectoryError};
use crate::store::{Expect, InternalDate, Record, RecordChange, RecordKey, StoreError};

/// A ban, as the store has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptBan {
    pub(super) subject: BanSubject,
    pub(super) failures: u32,
    /// When it ends, in seconds since 1970.
    pub(super) until: i64,
    /// How many seconds it had to go when it was written.
    pub(super) lasts: u64,
}

/// What the store has: when each ban ends, by the name of its record.
pub(super) type Kept = BTreeMap<String, i64>;

impl Bans {
    /// Takes up what a store has.
    pub(super) async fn read(&self, records: &[Record]) {
        let mut kept = self.kept.lock().await;
        let (now, clock) = (Instant::now(), InternalDate::now().seconds);
        for record in records.iter().filter(|record| record.key.kind == KIND_BAN) {
            let ban = serde_json::from_str::<KeptBan>(&record.value).ok();
            let until = ban.as_ref().map_or(i64::MIN, |ban| ban.until);
            // What has ended, or cannot be read, is no ban, and is removed with the next change.
            kept.insert(record.key.name.clone(), until);
            let Some(ban) = ban else { continue };
            let left = u64::try_from(until.saturating_sub(clock)).unwrap_or_default().min(ban.lasts);
            self.restore(ban.subject, ban.failures, now, Duration::from_secs(left));
        }
    }

    /// What of the store differs from what is so.
    fn changes(&self, kept: &Kept) -> (Vec<RecordChange>, Kept) {
        let clock = InternalDate::now().seconds;
        let wanted: BTreeMap<String, KeptBan> =
            self.lasting(clock).into_iter().map(|ban| (record_name(&ban.subject), ban)).collect();
        let key = |name: &String| RecordKey::new(KIND_BAN, name);
        let mut changes = Vec::new();
        let mut after = Kept::new();
        for name in kept.keys().filter(|name| !wanted.contains_key(*name)) {
            changes.push(RecordChange::Delete { key: key(name), expect: Expect::Anything });
        }
        for (name, ban) in wanted {
            let is_there = kept.get(&name).filter(|until| until.abs_diff(ban.until) <= CLOCK_SLACK);
            let until = is_there.copied().unwrap_or(ban.until);
            if is_there.is_none()
                && let Ok(value) = serde_json::to_string(&ban)
            {
                changes.push(RecordChange::Put { key: key(&name), expect: Expect::Anything, value });
            }
            after.insert(name, until);
        }
        (changes, after)
    }
}

impl Directory {
    /// Brings the bans that the store has up to those there are: to be called every now and then, and at the end.
    ///
    /// # Errors
    ///
    /// The store failed; what was not written is tried again the next time.
    pub async fn write_bans(&self) -> Result<(), DirectoryError> {
        // In a task of its own, so that what is known of the store is so, whoever goes away meanwhile.
        let directory = self.clone();
        let writing = tokio::spawn(async move {
            let bans = &directory.0.bans;
            let mut kept = bans.kept.lock().await;
            let (mut changes, after) = bans.changes(&kept);
            while !changes.is_empty() {
                let batch = changes.drain(..changes.len().min(BATCH_MAX)).collect();
                directory.0.store.commit(batch).await?;
            }
            *kept = after;
            Ok::<_, StoreError>(())
        });
        Ok(writing.await.map_err(|_| StoreError::Closed)??)
    }
}

/// What the record of a ban is called.
fn record_name(subject: &BanSubject) -> String {
    match subject {
        BanSubject::Network(address) => format!("network {address}"),
        BanSubject::User(name) => format!("user {name}"),
    }
}

/// Seconds by which the end of a ban may seem to move without having done so.
const CLOCK_SLACK: u64 = 5;

/// So many are written in one commit.
const BATCH_MAX: usize = 500;

#[cfg(test)]
mod tests {
    use super::super::bans::KEPT_MAX;
    use super::*;
    use crate::directory::BanPolicy;

    fn network(text: &str) -> BanSubject {
        BanSubject::Network(text.parse().unwrap())
    }

    /// What a store has that was told of these changes.
    fn told(records: &mut Vec<Record>, changes: Vec<RecordChange>) {
        for change in changes {
            match change {
                RecordChange::Put { key, value, .. } => {
                    records.retain(|record| record.key != key);
                    records.push(Record { key, version: 1, value });
                }
                RecordChange::Delete { key, .. } => records.retain(|record| record.key != key),
                other => panic!("{other:?}"),
            }
        }
    }

    async fn write(bans: &Bans, records: &mut Vec<Record>) -> usize {
        let mut kept = bans.kept.lock().await;
        let (changes, after) = bans.changes(&kept);
        let number = changes.len();
        told(records, changes);
        *kept = after;
        number
    }

    async fn started_again(records: &[Record]) -> Bans {
        let bans = Bans::new(BanPolicy::default());
        bans.read(records).await;
        bans
    }

    #[tokio::test(start_paused = true)]
    async fn auth_06_a_ban_goes_on_after_a_restart_until_it_ends_or_is_lifted() {
        let bans = Bans::new(BanPolicy { failures: 2, ..BanPolicy::default() });
        let mut records = Vec::new();
        for peer in ["192.0.2.1", "192.0.2.1", "192.0.2.9"] {
            bans.failed(Some(peer.parse().unwrap()), "u@x.test");
        }
        bans.ban(network("2001:db8::1"), Duration::from_secs(9000));
        bans.ban(BanSubject::User("V@x.test".into()), Duration::from_secs(9000));
        bans.ban(network("192.0.2.3"), Duration::from_secs(30));
        assert_eq!(write(&bans, &mut records).await, 3, "what ends in a moment, or is none, is not kept");
        assert_eq!(write(&bans, &mut records).await, 0, "nothing has changed");

        let again = started_again(&records).await;
        let is_out = |bans: &Bans, peer: &str, user| bans.is_banned(Some(peer.parse().unwrap()), user);
        assert!(is_out(&again, "192.0.2.1", "w@x.test") && is_out(&again, "2001:db8::2", "w@x.test"));
        assert!(is_out(&again, "192.0.2.8", "v@x.test"));
        assert!(!is_out(&again, "192.0.2.3", "w@x.test") && !is_out(&again, "192.0.2.9", "w@x.test"));
        let failures = again.list().into_iter().find(|ban| ban.subject == network("192.0.2.1")).unwrap();
        assert_eq!(failures.failures, 2);
        assert_eq!(write(&again, &mut records).await, 0);

        assert!(again.lift(network("2001:db8::ffff")));
        assert_eq!(write(&again, &mut records).await, 1);
        let third = started_again(&records).await;
        assert!(!is_out(&third, "2001:db8::2", "w@x.test") && is_out(&third, "192.0.2.1", "w@x.test"));
        // What ends meanwhile goes from the store too.
        tokio::time::advance(Duration::from_secs(9000)).await;
        assert_eq!(write(&third, &mut records).await, 2);
        assert!(records.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn auth_06_bans_that_have_ended_and_records_that_say_nothing_are_dropped() {
        let clock = InternalDate::now().seconds;
        let record = |subject: BanSubject, until: i64, lasts| {
            let value =
                serde_json::to_string(&KeptBan { subject: subject.clone(), failures: 1, until, lasts });
            let key = RecordKey::new(KIND_BAN, record_name(&subject));
            Record { key, version: 1, value: value.unwrap() }
        };
        let mut records = vec![
            record(network("192.0.2.1"), clock - 1, 3600),
            record(network("192.0.2.2"), i64::MIN, u64::MAX),
            // The clock was years ahead when this was written, and has been set right.
            record(network("192.0.2.3"), i64::MAX, 600),
            Record { key: RecordKey::new(KIND_BAN, "network 192.0.2.4"), version: 1, value: "{".into() },
            Record { key: RecordKey::new(KIND_BAN, "?"), version: 1, value: String::new() },
            Record { key: RecordKey::new("other", "x"), version: 1, value: "{}".into() },
        ];
        let bans = started_again(&records).await;
        let listed: Vec<_> = bans.list().into_iter().map(|ban| (ban.subject, ban.seconds_left)).collect();
        assert_eq!(listed, [(network("192.0.2.3"), 600)]);
        write(&bans, &mut records).await;
        let mut left: Vec<_> = records.iter().map(|record| record.key.name.as_str()).collect();
        left.sort_unstable();
        assert_eq!(left, ["network 192.0.2.3", "x"]);
    }

    #[tokio::test(start_paused = true)]
    async fn auth_06_no_more_bans_are_kept_than_there_is_room_for() {
        let bans = Bans::new(BanPolicy::default());
        for number in 0..60_000_u32 {
            let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number);
            bans.ban(BanSubject::Network(address.into()), Duration::from_secs(3600));
        }
        let mut records = Vec::new();
        write(&bans, &mut records).await;
        assert!((1000..=KEPT_MAX).contains(&records.len()), "{}", records.len());
    }
}
