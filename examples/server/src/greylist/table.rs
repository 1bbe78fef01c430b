//! What is remembered of clients, in bounded memory, and what that means for one that comes.
//!
//! ```text
//!            first seen                tried again in time             passed a few times
//! (nothing) ------------> waiting ---------------------------> passed - - - - - - - - - - > network is known
//!                          |   ^
//!                          +---+ too early: it waits on; too late: it is new
//! ```
//!
//! Times are seconds since 1970, from a clock that may jump. What seems to be from the future is from now; a clock that
//! was set forward makes somebody wait once more, and no more than that.
//!
//! A network has so many places at most, so that one alone does not take those of others. When all are taken, networks
//! go that nobody has heard of for hours, those that never passed first; when there are none of these, whoever is new is
//! let in without waiting (RFC 6647 8.2).

use std::collections::BTreeMap;

use posthaste_tokio::Network;

use super::{Policy, Verdict};

/// What stands for a sender and a recipient.
pub(super) type Key = [u8; 16];

/// Who has written, by network.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    hosts: BTreeMap<Network, Host>,
    /// Those of all hosts.
    tuples: usize,
    /// When room was last made.
    tidied: Option<i64>,
    changed: bool,
}

/// Clients of one network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Host {
    /// How often it has passed.
    pub(super) passes: u32,
    /// When a pass was last counted.
    pub(super) counted: i64,
    /// When it was last heard of.
    pub(super) last: i64,
    /// None once it is known.
    pub(super) tuples: Vec<Tuple>,
}

/// A sender who has written to a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tuple {
    pub(super) key: Key,
    /// When it was first seen; once it has passed, when it was last.
    pub(super) at: i64,
    pub(super) state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Waiting,
    Passed,
}

/// A [`Policy`] in the seconds that are counted here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ages {
    delay: i64,
    retry: i64,
    remember: i64,
    known_after: u32,
}

impl Ages {
    pub(super) fn of(policy: &Policy) -> Self {
        let seconds = |duration: std::time::Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Self {
            delay: seconds(policy.delay),
            retry: seconds(policy.retry),
            remember: seconds(policy.remember),
            known_after: policy.known_after,
        }
    }
}

impl Table {
    /// A table of what was written down, as far as there is room.
    pub(super) fn of(hosts: impl Iterator<Item = (Network, Host)>) -> Self {
        let mut table = Self::default();
        for (network, mut host) in hosts {
            host.tuples.truncate(PER_NETWORK_MAX);
            let tuples = table.tuples.saturating_add(host.tuples.len());
            if table.hosts.len() >= HOSTS_MAX || tuples > TUPLES_MAX || table.hosts.contains_key(&network) {
                continue;
            }
            table.tuples = tuples;
            table.hosts.insert(network, host);
        }
        table
    }

    pub(super) fn hosts(&self) -> impl Iterator<Item = (&Network, &Host)> {
        self.hosts.iter()
    }

    /// What becomes of somebody who comes now; it is remembered.
    pub(super) fn judge(&mut self, now: i64, network: Network, key: Key, ages: &Ages) -> Verdict {
        if let Some(host) = self.hosts.get_mut(&network) {
            self.changed = true;
            let silent = age(&mut host.last, now);
            if silent > ages.remember.max(ages.retry) {
                // Somebody else may have the address by now.
                self.tuples = self.tuples.saturating_sub(host.tuples.len());
                *host = Host { last: now, ..Host::default() };
            } else if host.passes >= ages.known_after {
                host.last = now;
                return Verdict::Known;
            }
            host.last = now;
            if let Some(verdict) = host.seen_before(now, key, ages) {
                if host.passes >= ages.known_after {
                    self.tuples = self.tuples.saturating_sub(host.tuples.len());
                    host.tuples = Vec::new();
                }
                return verdict;
            }
        }
        self.add(now, network, key, ages)
    }

    /// Remembers somebody who was not seen before, if there is room.
    fn add(&mut self, now: i64, network: Network, key: Key, ages: &Ages) -> Verdict {
        let places = self.hosts.get(&network).map(|host| host.tuples.len());
        let replaces = places.is_some_and(|places| places >= PER_NETWORK_MAX);
        if !replaces && self.is_full(places.is_none()) {
            self.make_room(now, ages);
            if self.is_full(!self.hosts.contains_key(&network)) {
                return Verdict::Full;
            }
        }
        self.changed = true;
        let host = self.hosts.entry(network).or_default();
        host.last = now;
        if host.tuples.len() >= PER_NETWORK_MAX {
            host.remove_oldest();
            self.tuples = self.tuples.saturating_sub(1);
        }
        host.tuples.push(Tuple { key, at: now, state: State::Waiting });
        self.tuples = self.tuples.saturating_add(1);
        Verdict::Deferred
    }

    /// Whether there is no place for one more, of a network that is new or not.
    fn is_full(&self, with_host: bool) -> bool {
        self.tuples >= TUPLES_MAX || (with_host && self.hosts.len() >= HOSTS_MAX)
    }

    /// Lets go what is over and, where that is not enough, what nobody has heard of for hours. Not often: it looks at
    /// everything.
    fn make_room(&mut self, now: i64, ages: &Ages) {
        if self.tidied.is_some_and(|tidied| now.abs_diff(tidied) < TIDY_INTERVAL) {
            return;
        }
        self.tidied = Some(now);
        self.forget(now, ages);
        let mut quiet: Vec<(bool, i64, Network)> = self
            .hosts
            .iter()
            .filter(|(_, host)| now.saturating_sub(host.last) >= QUIET_FROM)
            .map(|(network, host)| (host.passes > 0, host.last, *network))
            .collect();
        quiet.sort_unstable();
        for (_, _, network) in quiet {
            if self.hosts.len() < HOSTS_MAX / 8 * 7 && self.tuples < TUPLES_MAX / 8 * 7 {
                return;
            }
            if let Some(host) = self.hosts.remove(&network) {
                self.tuples = self.tuples.saturating_sub(host.tuples.len());
            }
        }
    }

    /// Lets go what is over.
    fn forget(&mut self, now: i64, ages: &Ages) {
        let before = (self.hosts.len(), self.tuples);
        let mut tuples = 0_usize;
        self.hosts.retain(|_, host| {
            let silent = age(&mut host.last, now);
            host.tuples.retain_mut(|tuple| {
                let age = age(&mut tuple.at, now);
                match tuple.state {
                    State::Waiting => age <= ages.retry,
                    State::Passed => age <= ages.remember,
                }
            });
            let stays = !host.tuples.is_empty() || (host.passes > 0 && silent <= ages.remember);
            if stays {
                tuples = tuples.saturating_add(host.tuples.len());
            }
            stays
        });
        self.tuples = tuples;
        self.changed |= (self.hosts.len(), self.tuples) != before;
    }

    /// What is so now, if it differs from what was asked for before.
    pub(super) fn changed(&mut self, now: i64, ages: &Ages) -> Option<Self> {
        self.forget(now, ages);
        std::mem::take(&mut self.changed).then(|| self.clone())
    }

    /// What was asked for was of no use.
    pub(super) const fn set_changed(&mut self) {
        self.changed = true;
    }
}

impl Host {
    /// What becomes of a sender and recipient that were seen before.
    fn seen_before(&mut self, now: i64, key: Key, ages: &Ages) -> Option<Verdict> {
        let tuple = self.tuples.iter_mut().find(|tuple| tuple.key == key)?;
        let age = age(&mut tuple.at, now);
        match tuple.state {
            State::Waiting if age < ages.delay => return Some(Verdict::Deferred),
            State::Passed if age <= ages.remember => {
                tuple.at = now;
                return Some(Verdict::Passed);
            }
            State::Waiting if age <= ages.retry => {
                tuple.state = State::Passed;
                tuple.at = now;
            }
            State::Waiting | State::Passed => {
                tuple.state = State::Waiting;
                tuple.at = now;
                return Some(Verdict::Deferred);
            }
        }
        // The recipients of one message pass together, and are one pass.
        let since = self::age(&mut self.counted, now);
        if self.passes == 0 || since >= ages.delay {
            self.passes = self.passes.saturating_add(1);
            self.counted = now;
        }
        Some(Verdict::Passed)
    }

    /// Lets one go: who waits, before who has passed.
    fn remove_oldest(&mut self) {
        let rank = |tuple: &Tuple| (tuple.state == State::Passed, tuple.at);
        let oldest = self.tuples.iter().enumerate().min_by_key(|(_, tuple)| rank(tuple));
        if let Some((place, _)) = oldest {
            self.tuples.swap_remove(place);
        }
    }
}

/// How long ago something was. What is from the future is from now on from now.
fn age(at: &mut i64, now: i64) -> i64 {
    *at = (*at).min(now);
    now.saturating_sub(*at)
}

/// Senders and recipients that are remembered, in all: some megabytes.
const TUPLES_MAX: usize = 100_000;

/// The same of one network. A newcomer beyond them takes the place of the oldest.
const PER_NETWORK_MAX: usize = 1_000;

/// Networks that are remembered.
const HOSTS_MAX: usize = 50_000;

/// Seconds after which a network may be forgotten for others: who tries again has done so several times by then.
const QUIET_FROM: i64 = 6 * 60 * 60;

/// Seconds from one look for room to the next.
const TIDY_INTERVAL: u64 = 60;

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever has happened before, and whatever the clock did: who tries again after the delay is not refused.
        #[test]
        fn u6_nobody_is_refused_twice_who_waits_in_between(
            before in vec((-100_000..100_000_i64, 0..3_u32, 0..5_u32), 0..60),
            (at, network, tuple) in (-100_000..100_000_i64, 0..3_u32, 0..5_u32),
        ) {
            let mut table = Table::default();
            for (number, (now, network, tuple)) in before.into_iter().enumerate() {
                // Seconds, hours and weeks.
                let now = now * [1, 60, 3600][number % 3];
                judge(&mut table, now, network, tuple);
                check(&table);
                if number % 7 == 0 {
                    table.forget(now, &AGES);
                    check(&table);
                }
            }
            judge(&mut table, at, network, tuple);
            prop_assert_ne!(judge(&mut table, at + AGES.delay, network, tuple), Verdict::Deferred);
        }
    }

    const DAY: i64 = 86_400;

    const AGES: Ages = Ages { delay: 60, retry: DAY, remember: 35 * DAY, known_after: 3 };

    fn net(number: u32) -> Network {
        let address = std::net::Ipv4Addr::from_bits(number << 8);
        Network::new(address.into(), 24).unwrap()
    }

    fn key(number: u32) -> Key {
        let mut key = Key::default();
        key[..4].copy_from_slice(&number.to_be_bytes());
        key
    }

    fn judge(table: &mut Table, now: i64, network: u32, tuple: u32) -> Verdict {
        table.judge(now, net(network), key(tuple), &AGES)
    }

    /// What is counted is what is there, and no more than there may be.
    fn check(table: &Table) {
        let tuples: usize = table.hosts.values().map(|host| host.tuples.len()).sum();
        assert_eq!(table.tuples, tuples);
        assert!(tuples <= TUPLES_MAX && table.hosts.len() <= HOSTS_MAX);
        assert!(table.hosts.values().all(|host| host.tuples.len() <= PER_NETWORK_MAX));
    }

    #[test]
    fn u6_a_retry_passes_within_its_time_and_not_before_or_after() {
        let mut table = Table::default();
        assert_eq!(judge(&mut table, 0, 1, 1), Verdict::Deferred);
        for early in [0, 1, 59] {
            assert_eq!(judge(&mut table, early, 1, 1), Verdict::Deferred, "{early}");
        }
        assert_eq!(judge(&mut table, 60, 1, 1), Verdict::Passed);
        assert_eq!(judge(&mut table, 61, 1, 2), Verdict::Deferred, "another message");
        assert_eq!(judge(&mut table, 61, 2, 1), Verdict::Deferred, "another client");
        // One second too late is a new message, which passes in its turn.
        assert_eq!(judge(&mut table, 61 + DAY + 1, 2, 1), Verdict::Deferred);
        assert_eq!(judge(&mut table, 61 + DAY + 61, 2, 1), Verdict::Passed);
        check(&table);
    }

    #[test]
    fn u6_what_has_passed_is_remembered_from_when_it_last_came() {
        let mut table = Table::default();
        judge(&mut table, 0, 1, 1);
        let mut now = 60;
        for _ in 0..10 {
            assert_eq!(judge(&mut table, now, 1, 1), Verdict::Passed);
            now += 35 * DAY;
        }
        assert_eq!(judge(&mut table, now + 1, 1, 1), Verdict::Deferred);
        check(&table);
    }

    #[test]
    fn u6_a_network_that_has_passed_a_few_times_is_known_until_it_is_silent() {
        let mut table = Table::default();
        let mut now = 0;
        for tuple in 1..=3 {
            assert_eq!(judge(&mut table, now, 1, tuple), Verdict::Deferred);
            now += 60;
            assert_eq!(judge(&mut table, now, 1, tuple), Verdict::Passed);
        }
        assert_eq!(table.tuples, 0, "nothing more has to be remembered of it");
        for tuple in 4..10 {
            now += 35 * DAY;
            assert_eq!(judge(&mut table, now, 1, tuple), Verdict::Known);
        }
        assert_eq!(judge(&mut table, now + 35 * DAY + 1, 1, 4), Verdict::Deferred);
        check(&table);
    }

    #[test]
    fn u6_the_recipients_of_one_message_are_one_pass() {
        let mut table = Table::default();
        for tuple in 0..10 {
            assert_eq!(judge(&mut table, 0, 1, tuple), Verdict::Deferred);
        }
        for tuple in 0..10 {
            assert_eq!(judge(&mut table, 100, 1, tuple), Verdict::Passed);
        }
        assert_eq!(judge(&mut table, 101, 1, 99), Verdict::Deferred);
        assert_eq!(table.hosts[&net(1)].passes, 1);
    }

    #[test]
    fn u6_a_clock_that_jumps_makes_nobody_wait_for_long() {
        let mut table = Table::default();
        judge(&mut table, 1_000_000, 1, 1);
        // An hour back: who waited since then waits a minute from now, not an hour.
        let back = 1_000_000 - 3600;
        assert_eq!(judge(&mut table, back, 1, 1), Verdict::Deferred);
        assert_eq!(judge(&mut table, back + 60, 1, 1), Verdict::Passed);
        // Years ahead and back again: whoever came meanwhile is not remembered for years.
        let ahead = 10_000 * DAY;
        assert_eq!(judge(&mut table, ahead, 2, 2), Verdict::Deferred);
        assert_eq!(judge(&mut table, ahead + 60, 2, 2), Verdict::Passed);
        let now = 2_000_000;
        table.forget(now, &AGES);
        assert_eq!(judge(&mut table, now + 36 * DAY, 2, 2), Verdict::Deferred);
        for now in [i64::MIN, i64::MAX, 0, i64::MIN, 5] {
            judge(&mut table, now, 3, 3);
            table.forget(now, &AGES);
            check(&table);
        }
        assert_eq!(judge(&mut table, 70, 3, 3), Verdict::Passed);
    }

    #[test]
    fn u6_one_network_does_not_take_the_places_of_others() {
        let mut table = Table::default();
        assert_eq!(judge(&mut table, 0, 1, 1), Verdict::Deferred);
        for number in 0..u32::try_from(TUPLES_MAX * 2).unwrap() {
            assert_eq!(judge(&mut table, 1, 2, number), Verdict::Deferred);
        }
        check(&table);
        assert_eq!(table.tuples, PER_NETWORK_MAX + 1);
        assert_eq!(judge(&mut table, 60, 1, 1), Verdict::Passed);
    }

    #[test]
    fn u6_a_full_memory_refuses_nobody_and_goes_on() {
        let mut table = Table::default();
        let hosts = u32::try_from(HOSTS_MAX).unwrap();
        judge(&mut table, 0, 0, 1);
        judge(&mut table, 60, 0, 1);
        for number in 1..hosts {
            assert_eq!(judge(&mut table, 100, number, 1), Verdict::Deferred);
        }
        // Who is new now is let in; who waits, and who has passed, is not forgotten for that.
        for number in hosts..hosts + 1000 {
            assert_eq!(judge(&mut table, 200, number, 1), Verdict::Full);
        }
        assert_eq!(judge(&mut table, 200, 1, 1), Verdict::Passed);
        assert_eq!(judge(&mut table, 200, 0, 1), Verdict::Passed);
        check(&table);
        // After some hours those who never came back make room, and those who did stay.
        assert_eq!(judge(&mut table, 300 + QUIET_FROM, hosts, 1), Verdict::Deferred);
        assert_eq!(judge(&mut table, 300 + QUIET_FROM, 0, 1), Verdict::Passed);
        assert_eq!(judge(&mut table, 300 + QUIET_FROM, 1, 1), Verdict::Passed);
        assert!(table.hosts.len() < HOSTS_MAX);
        check(&table);
    }

    #[test]
    fn u6_what_is_over_is_forgotten_and_what_has_not_changed_is_not_written() {
        let mut table = Table::default();
        assert!(table.changed(0, &AGES).is_none());
        judge(&mut table, 0, 1, 1);
        assert!(table.changed(0, &AGES).is_some());
        assert!(table.changed(DAY, &AGES).is_none());
        assert!(table.changed(DAY + 1, &AGES).is_some_and(|table| table.hosts.is_empty()));
        check(&table);
    }

    #[test]
    fn u6_what_was_written_down_is_taken_up_in_bounds() {
        let host = |tuples: u32| Host {
            passes: 1,
            tuples: (0..tuples)
                .map(|number| Tuple { key: key(number), at: 0, state: State::Passed })
                .collect(),
            ..Host::default()
        };
        let table = Table::of((0..60_000).map(|number| (net(number), host(1))));
        check(&table);
        let table = Table::of((0..200).map(|number| (net(number % 150), host(2000))));
        check(&table);
        assert_eq!(table.tuples, TUPLES_MAX);
    }
}
