//! Who is shut out for guessing passwords: networks of peers for a time, and names for moments.
//!
//! * A network (an IPv4 address, a /64 of IPv6) with too many failures within a window is banned: nothing it sends is
//!   checked until the ban ends. A success of one user does not forgive the failures with another. Networks that speak
//!   for many people, as the machine itself with a webmail on it, are exempt: one of them is not to keep out the others.
//! * A name that is guessed from many networks is checked at growing intervals only, so that the guesses become few.
//!   Networks from which its user logged in lately are not concerned: strangers can not lock anybody out.
//!
//! Bans go on after a restart (`kept_bans`); what is known of networks, and failures that led to no ban, does not.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use posthaste_tokio::Network;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::kept_bans::{Kept, KeptBan};

/// When a peer is shut out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BanPolicy {
    /// Failures from one network within the window that make a ban.
    pub failures: u32,
    /// So long is a failure counted.
    pub window: Duration,
    /// So long does a ban last.
    pub duration: Duration,
    /// Failures with one name after which it is checked at intervals.
    pub user_failures: u32,
    /// Networks that are never banned, as a webmail that logs in for all its users. Names are slowed down there as
    /// everywhere.
    pub exempt: Vec<Network>,
}

impl Default for BanPolicy {
    fn default() -> Self {
        Self {
            failures: 20,
            window: Duration::from_secs(10 * 60),
            duration: Duration::from_secs(60 * 60),
            user_failures: 10,
            exempt: Vec::new(),
        }
    }
}

/// Who is shut out.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", content = "who", rename_all = "kebab-case")]
pub enum BanSubject {
    /// All peers of a network: an IPv4 address, or the first address of a /64 of IPv6.
    Network(IpAddr),
    /// A name, for peers from which it has not logged in lately.
    User(String),
}

/// Somebody who is shut out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ban {
    /// Who.
    pub subject: BanSubject,
    /// Failures counted.
    pub failures: u32,
    /// How many seconds it goes on.
    pub seconds_left: u64,
}

/// The failures of late.
#[derive(Debug)]
pub(super) struct Bans {
    policy: BanPolicy,
    state: Mutex<State>,
    /// What the store has of it.
    pub(super) kept: tokio::sync::Mutex<Kept>,
}

#[derive(Debug, Default)]
struct State {
    counts: BTreeMap<BanSubject, Count>,
    /// From where names were logged in to lately.
    known: BTreeMap<(String, IpAddr), Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    failures: u32,
    last: Instant,
    until: Option<Instant>,
}

impl Bans {
    pub(super) fn new(policy: BanPolicy) -> Self {
        Self { policy, state: Mutex::default(), kept: tokio::sync::Mutex::default() }
    }

    /// Whether nothing of this peer may be checked for this name.
    pub(super) fn is_banned(&self, peer: Option<IpAddr>, user: &str) -> bool {
        let Some(peer) = peer else { return false };
        let network = network(peer);
        let now = Instant::now();
        let state = self.state();
        let is_out = |subject: &BanSubject| {
            state.counts.get(subject).is_some_and(|count| count.until.is_some_and(|until| until > now))
        };
        if !self.is_exempt(peer) && is_out(&BanSubject::Network(network)) {
            return true;
        }
        let user = name(user);
        let is_known = state.known.get(&(user.clone(), network)).is_some_and(|until| *until > now);
        !is_known && is_out(&BanSubject::User(user))
    }

    /// Whether nothing of this peer may be checked, for whatever name.
    fn is_shut_out(&self, peer: IpAddr) -> bool {
        if self.is_exempt(peer) {
            return false;
        }
        let now = Instant::now();
        let of_network = self.state().counts.get(&BanSubject::Network(network(peer))).copied();
        of_network.is_some_and(|count| count.until.is_some_and(|until| until > now))
    }

    /// An attempt that failed.
    pub(super) fn failed(&self, peer: Option<IpAddr>, user: &str) {
        let Some(peer) = peer else { return };
        let network = network(peer);
        let now = Instant::now();
        let mut state = self.state();
        let policy = &self.policy;
        if !self.is_exempt(peer) {
            let failures = state.count(BanSubject::Network(network), now, policy.window);
            if failures.failures >= policy.failures {
                if failures.until.is_none_or(|until| until <= now) {
                    tracing::warn!(%network, failures = failures.failures, "banned for guessing passwords");
                }
                failures.until = Some(now + policy.duration);
            }
        }
        let user = name(user);
        let is_known = state.known.get(&(user.clone(), network)).is_some_and(|until| *until > now);
        if !is_known {
            state.slow_down(user, now, policy);
        }
    }

    /// Whether a name is slowed down, wherever it is guessed from.
    pub(super) fn is_slowed_down(&self, user: &str) -> bool {
        let state = self.state();
        let count = state.counts.get(&BanSubject::User(name(user)));
        count.is_some_and(|count| count.until.is_some_and(|until| until > Instant::now()))
    }

    /// A wrong password of somebody who is logged in already.
    pub(super) fn failed_within(&self, user: &str) {
        self.state().slow_down(name(user), Instant::now(), &self.policy);
    }

    /// An attempt that succeeded: from here the name is not slowed down for a while.
    pub(super) fn succeeded(&self, peer: Option<IpAddr>, user: &str) {
        let Some(network) = peer.map(network) else { return };
        let mut state = self.state();
        let now = Instant::now();
        if state.known.len() >= KNOWN_MAX {
            state.known.retain(|_, until| *until > now);
            make_room(&mut state.known, KNOWN_MAX, |until| *until);
        }
        state.known.insert((name(user), network), now + KNOWN_FOR);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a peer is never banned.
    fn is_exempt(&self, peer: IpAddr) -> bool {
        self.policy.exempt.iter().any(|exempt| exempt.contains(peer))
    }

    /// Who is shut out now.
    pub(super) fn list(&self) -> Vec<Ban> {
        let now = Instant::now();
        let left = |count: &Count| count.until.map(|until| until.saturating_duration_since(now));
        self.state()
            .counts
            .iter()
            .filter_map(|(subject, count)| {
                let left = left(count).filter(|left| !left.is_zero())?;
                let seconds_left = left.as_secs().max(1);
                Some(Ban { subject: subject.clone(), failures: count.failures, seconds_left })
            })
            .collect()
    }

    /// Shuts out, whatever was counted.
    pub(super) fn ban(&self, subject: BanSubject, duration: Duration) {
        let now = Instant::now();
        let mut state = self.state();
        state.count(normalised(subject), now, self.policy.window).until = now.checked_add(duration);
    }

    /// Forgets what was counted; whether there was anything.
    pub(super) fn lift(&self, subject: BanSubject) -> bool {
        self.state().counts.remove(&normalised(subject)).is_some()
    }

    /// Shuts out as before a restart.
    pub(super) fn restore(&self, subject: BanSubject, failures: u32, now: Instant, left: Duration) {
        let Some(until) = now.checked_add(left).filter(|until| *until > now) else { return };
        let count = Count { failures, last: now, until: Some(until) };
        let mut state = self.state();
        if state.counts.len() < COUNTS_MAX {
            state.counts.insert(normalised(subject), count);
        }
    }

    /// The bans that go on for long enough to be kept; those that last longest, where there are too many. `clock` is
    /// the present in seconds since 1970.
    pub(super) fn lasting(&self, clock: i64) -> Vec<KeptBan> {
        let now = Instant::now();
        let of = |(subject, count): (&BanSubject, &Count)| {
            let left = count.until?.saturating_duration_since(now);
            let lasts = left.as_secs();
            let until = clock.saturating_add(i64::try_from(lasts).unwrap_or(i64::MAX));
            let ban = KeptBan { subject: subject.clone(), failures: count.failures, until, lasts };
            (left >= KEPT_FROM).then_some(ban)
        };
        let mut lasting: Vec<KeptBan> = self.state().counts.iter().filter_map(of).collect();
        if lasting.len() > KEPT_MAX {
            lasting.sort_by_key(|ban| std::cmp::Reverse(ban.until));
            lasting.truncate(KEPT_MAX);
        }
        lasting
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.state().counts.len()
    }
}

impl super::Directory {
    /// Who is shut out now: networks first.
    pub fn bans(&self) -> Vec<Ban> {
        self.0.bans.list()
    }

    /// Shuts somebody out for a time.
    pub fn ban(&self, subject: BanSubject, duration: Duration) {
        self.0.bans.ban(subject, duration);
    }

    /// Forgets the failures of somebody, and the ban with them; whether there were any.
    pub fn lift_ban(&self, subject: BanSubject) -> bool {
        self.0.bans.lift(subject)
    }

    /// Whether nothing this peer sends will be checked: a connection is best closed at once then.
    pub fn is_banned(&self, peer: IpAddr) -> bool {
        self.0.bans.is_shut_out(peer)
    }

    /// Whether a peer is never banned, so that a ban of it would do nothing.
    pub fn is_exempt_from_bans(&self, peer: IpAddr) -> bool {
        self.0.bans.is_exempt(peer)
    }
}

impl State {
    /// One more failure with a name: from some number on, the next check has to wait.
    fn slow_down(&mut self, user: String, now: Instant, policy: &BanPolicy) {
        let failures = self.count(BanSubject::User(user), now, policy.window);
        if let Some(beyond) = failures.failures.checked_sub(policy.user_failures) {
            let pause = Duration::from_secs(1).saturating_mul(1 << beyond.min(16)).min(PAUSE_MAX);
            failures.until = Some(now + pause);
        }
    }

    /// The count of a subject, with one more failure.
    fn count(&mut self, subject: BanSubject, now: Instant, window: Duration) -> &mut Count {
        if self.counts.len() >= COUNTS_MAX && !self.counts.contains_key(&subject) {
            self.counts.retain(|_, count| {
                count.until.is_some_and(|until| until > now) || now.duration_since(count.last) < window
            });
            // Those that are shut out stay as long as may be.
            make_room(&mut self.counts, COUNTS_MAX, |count| count.until.unwrap_or(count.last));
        }
        let count = self.counts.entry(subject).or_insert(Count { failures: 0, last: now, until: None });
        let has_ended = count.until.is_none_or(|until| until <= now);
        if has_ended && now.duration_since(count.last) >= window {
            count.failures = 0;
        }
        count.failures = count.failures.saturating_add(1);
        count.last = now;
        count
    }
}

/// Lets an eighth go when the limit is reached, the earliest first, so that this need not be done often.
fn make_room<K: Ord + Clone, V>(entries: &mut BTreeMap<K, V>, max: usize, when: impl Fn(&V) -> Instant) {
    if entries.len() < max {
        return;
    }
    let mut order: Vec<(Instant, K)> =
        entries.iter().map(|(key, value)| (when(value), key.clone())).collect();
    order.sort_unstable();
    for (_, key) in order.into_iter().take((max / 8).max(1)) {
        entries.remove(&key);
    }
}

fn normalised(subject: BanSubject) -> BanSubject {
    match subject {
        BanSubject::Network(address) => BanSubject::Network(network(address)),
        BanSubject::User(user) => BanSubject::User(name(&user)),
    }
}

/// What is counted as one peer.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

/// The one form of a name, and no more of it than is worth keeping.
fn name(user: &str) -> String {
    user.chars().take(NAME_MAX).flat_map(char::to_lowercase).collect()
}

/// The longest interval between checks of a name that is guessed.
const PAUSE_MAX: Duration = Duration::from_secs(5 * 60);

/// So long is a network known after a log-in.
const KNOWN_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A ban that ends before long is not kept across a restart.
const KEPT_FROM: Duration = Duration::from_secs(60);

/// So many bans are kept across a restart.
pub(super) const KEPT_MAX: usize = 10_000;

/// So many networks and names are counted.
const COUNTS_MAX: usize = 50_000;

/// So many pairs of name and network are known.
const KNOWN_MAX: usize = 50_000;

/// So many characters of a name are kept.
const NAME_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    fn bans() -> Bans {
        Bans::new(BanPolicy { failures: 3, user_failures: 5, ..BanPolicy::default() })
    }

    fn peer(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn auth_06_a_network_is_banned_for_a_time_and_nobody_else() {
        let bans = bans();
        for (name, near, far) in
            [("u@x.test", "192.0.2.1", "192.0.2.2"), ("v@x.test", "2001:db8::1", "2001:db8:0:1::1")]
        {
            for _ in 0..3 {
                assert!(!bans.is_banned(peer(near), name));
                bans.failed(peer(near), name);
            }
            assert!(bans.is_banned(peer(near), name) && bans.is_banned(peer(near), "other@x.test"));
            assert!(!bans.is_banned(peer(far), name));
        }
        assert!(bans.is_banned(peer("2001:db8::ffff"), "w@x.test"), "one /64 is one network");
        assert!(bans.is_banned(peer("::ffff:192.0.2.1"), "w@x.test"), "a mapped address is the address");
        assert_eq!(bans.list().len(), 2);
        tokio::time::advance(bans.policy.duration).await;
        assert!(!bans.is_banned(peer("192.0.2.1"), "u@x.test"));
        assert!(bans.list().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn auth_06_a_success_forgives_no_failures() {
        let bans = bans();
        for _ in 0..3 {
            bans.failed(peer("192.0.2.1"), "victim@x.test");
            bans.succeeded(peer("192.0.2.1"), "own@x.test");
        }
        assert!(bans.is_banned(peer("192.0.2.1"), "victim@x.test"));
    }

    #[tokio::test(start_paused = true)]
    async fn auth_06_a_name_guessed_from_everywhere_is_slowed_down_but_not_for_its_user() {
        let bans = bans();
        bans.succeeded(peer("192.0.2.200"), "u@x.test");
        for last in 1..=50 {
            bans.failed(peer(&format!("192.0.2.{last}")), "U@x.test");
        }
        assert!(bans.is_banned(peer("192.0.2.100"), "u@x.test"));
        assert!(!bans.is_banned(peer("192.0.2.100"), "v@x.test"));
        assert!(!bans.is_banned(peer("192.0.2.200"), "u@x.test"), "known from before");
        tokio::time::advance(PAUSE_MAX).await;
        assert!(!bans.is_banned(peer("192.0.2.100"), "u@x.test"), "never for ever");
    }

    #[tokio::test(start_paused = true)]
    async fn failures_that_are_long_ago_do_not_count() {
        let bans = bans();
        for _ in 0..10 {
            bans.failed(peer("192.0.2.1"), "u@x.test");
            tokio::time::advance(bans.policy.window).await;
        }
        assert!(!bans.is_banned(peer("192.0.2.1"), "u@x.test"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_ban_can_be_lifted_and_made_and_some_are_exempt() {
        let exempt = vec!["127.0.0.0/8".parse().unwrap(), "2001:db8:1::25".parse().unwrap()];
        let bans = Bans::new(BanPolicy { failures: 1, exempt, ..BanPolicy::default() });
        for exempt in ["127.0.0.1", "127.9.9.9", "::ffff:127.0.0.1", "2001:db8:1::25"] {
            bans.failed(peer(exempt), "u@x.test");
            bans.ban(BanSubject::Network(exempt.parse().unwrap()), Duration::from_secs(9));
            assert!(!bans.is_banned(peer(exempt), "u@x.test"), "{exempt}");
            bans.lift(BanSubject::Network(exempt.parse().unwrap()));
        }
        bans.failed(None, "u@x.test");
        assert!(bans.list().is_empty() && !bans.is_banned(None, "u@x.test"));
        // A name is slowed down there too, but not for whoever has logged in from there.
        bans.succeeded(peer("127.0.0.1"), "regular@x.test");
        for _ in 0..20 {
            bans.failed(peer("127.0.0.1"), "rare@x.test");
            bans.failed(peer("127.0.0.1"), "regular@x.test");
        }
        assert!(bans.is_banned(peer("127.0.0.1"), "rare@x.test"));
        assert!(!bans.is_banned(peer("127.0.0.1"), "regular@x.test"));
        bans.lift(BanSubject::User("rare@x.test".into()));
        bans.ban(BanSubject::Network("2001:db8::77".parse().unwrap()), Duration::from_secs(9));
        assert!(bans.is_banned(peer("2001:db8::1"), "u@x.test"));
        assert_eq!(bans.list()[0].seconds_left, 9);
        assert!(bans.lift(BanSubject::Network("2001:db8::2".parse().unwrap())));
        assert!(!bans.lift(BanSubject::Network("2001:db8::2".parse().unwrap())));
        assert!(!bans.is_banned(peer("2001:db8::1"), "u@x.test"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_memory_is_bounded_and_bans_go_last() {
        let bans = Bans::new(BanPolicy { failures: 3, ..BanPolicy::default() });
        for _ in 0..3 {
            bans.failed(peer("192.0.2.1"), "u");
        }
        for number in 0..70_000_u32 {
            bans.failed(Some(IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0a00_0000 + number))), "u");
            bans.succeeded(Some(IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0a00_0000 + number))), "u");
        }
        assert!(bans.len() <= COUNTS_MAX && bans.state().known.len() <= KNOWN_MAX);
        assert!(bans.is_banned(peer("192.0.2.1"), "u"));
    }
}
