//! Who is let in: counts of the connections there are, in all, by network, and of those that are half open.
//!
//! A place is given back when it is dropped, so also when the task that holds it panics.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{Limits, Network, Refusal};

/// The counts that [`Limits`] are compared with. A clone is the same counts, so that several services can share
/// them: see [`Listener::with_admission`](super::Listener::with_admission).
#[derive(Clone, Debug, Default)]
pub struct Admission {
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    preparing: usize,
    networks: BTreeMap<Network, usize>,
    recent: Recent,
}

/// How many connections came from each network in the minute that runs, and in the one before.
#[derive(Debug, Default)]
struct Recent {
    began: Option<Instant>,
    current: BTreeMap<Network, usize>,
    previous: BTreeMap<Network, usize>,
}

/// A place among the connections of the services.
#[derive(Debug)]
pub(super) struct Place {
    admission: Admission,
    network: Option<Network>,
    preparing: bool,
}

/// What is still to be done before the session of a connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// A PROXY header or a TLS handshake.
    Preparing,
    /// Nothing.
    Ready,
}

impl Admission {
    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.lock().total
    }

    /// How many of them are at their PROXY header or their TLS handshake.
    pub fn preparing(&self) -> usize {
        self.lock().preparing
    }

    /// Gives a place to a connection from `address`, or says why there is none. `None` is counted for no network.
    pub(super) fn admit(
        &self,
        address: Option<IpAddr>,
        stage: Stage,
        limits: &Limits,
    ) -> Result<Place, Refusal> {
        let network = address.map(Network::of_source);
        let preparing = stage == Stage::Preparing;
        let mut counts = self.lock();
        if counts.total >= limits.connections_max {
            return Err(Refusal::Busy);
        }
        if preparing && counts.preparing >= limits.preparing_max {
            return Err(Refusal::TooManyPreparing);
        }
        if let Some(network) = network {
            counts.enter(network, limits)?;
        }
        counts.total = counts.total.saturating_add(1);
        counts.preparing = counts.preparing.saturating_add(preparing.into());
        drop(counts);
        Ok(Place { admission: self.clone(), network, preparing })
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Counts the connection for the network of `address`, once a proxy has said which it is.
    pub(super) fn belongs_to(&mut self, address: IpAddr, limits: &Limits) -> Result<(), Refusal> {
        let network = Network::of_source(address);
        let mut counts = self.admission.lock();
        counts.enter(network, limits)?;
        if let Some(before) = self.network.replace(network) {
            counts.leave(before);
        }
        Ok(())
    }

    /// Nothing more is to be done before the session begins.
    pub(super) fn ready(&mut self) {
        if std::mem::take(&mut self.preparing) {
            let mut counts = self.admission.lock();
            counts.preparing = counts.preparing.saturating_sub(1);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.ready();
        let mut counts = self.admission.lock();
        counts.total = counts.total.saturating_sub(1);
        if let Some(network) = self.network {
            counts.leave(network);
        }
    }
}

impl Counts {
    fn enter(&mut self, network: Network, limits: &Limits) -> Result<(), Refusal> {
        if let Some(max) = limits.per_minute_max {
            if self.recent.count(network, Instant::now()) > max {
                return Err(Refusal::TooOften);
            }
        }
        let there = self.networks.get(&network).copied().unwrap_or_default();
        if there >= limits.per_network_max {
            return Err(Refusal::TooManyFromNetwork);
        }
        self.networks.insert(network, there.saturating_add(1));
        Ok(())
    }

    fn leave(&mut self, network: Network) {
        if let Some(count) = self.networks.get_mut(&network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.networks.remove(&network);
            }
        }
    }
}

impl Recent {
    /// Counts one more, and says how many came from the network within the last minute: those of the minute that
    /// runs, and of the one before the share that is not over yet.
    fn count(&mut self, network: Network, now: Instant) -> usize {
        let elapsed = self.turn(now);
        let current = self.current.entry(network).or_default();
        *current = current.saturating_add(1);
        let before = self.previous.get(&network).copied().unwrap_or_default();
        let left = MINUTE.saturating_sub(elapsed).as_millis();
        let before = u128::try_from(before).unwrap_or(u128::MAX).saturating_mul(left);
        let before = before.checked_div(MINUTE.as_millis()).unwrap_or_default();
        current.saturating_add(usize::try_from(before).unwrap_or(usize::MAX))
    }

    /// Begins another minute when the one that runs is over, or when it knows so many networks that memory asks
    /// for it. Says how much of it is over.
    fn turn(&mut self, now: Instant) -> Duration {
        let began = *self.began.get_or_insert(now);
        let elapsed = now.saturating_duration_since(began);
        if elapsed < MINUTE && self.current.len() < RECENT_MAX {
            return elapsed;
        }
        let forgotten = elapsed >= MINUTE.saturating_mul(2);
        self.previous = std::mem::take(&mut self.current);
        if forgotten {
            self.previous.clear();
        }
        // What is left over of the minute before belongs to this one.
        let over = if forgotten { Duration::ZERO } else { elapsed.saturating_sub(MINUTE) };
        self.began = now.checked_sub(over).or(Some(now));
        over
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// So many networks are known at most for each of the two minutes. Who comes from more, to be forgotten, is held by
/// the limits that count connections.
const RECENT_MAX: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(total: usize, network: usize) -> Limits {
        Limits { connections_max: total, per_network_max: network, ..Limits::default() }
    }

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn res_07_a_network_has_so_many_places_and_gets_them_back() {
        let admission = Admission::default();
        let limits = limits(5, 2);
        let admit = |text: &str| admission.admit(ip(text), Stage::Ready, &limits);
        let first = admit("192.0.2.1").unwrap();
        let _second = admit("::ffff:192.0.2.1").unwrap();
        assert_eq!(admit("192.0.2.1").unwrap_err(), Refusal::TooManyFromNetwork);
        let _other = admit("192.0.2.2").unwrap();
        drop(first);
        let _again = admit("192.0.2.1").unwrap();
        let _third = admit("2001:db8::1").unwrap();
        let _fourth = admit("2001:db8::2:1").unwrap();
        assert_eq!(admit("2001:db8:0:1::1").unwrap_err(), Refusal::Busy);
    }

    #[test]
    fn res_07_the_51st_connection_of_one_network_is_refused_and_no_other() {
        let admission = Admission::default();
        let limits = Limits::default();
        let outcomes: Vec<_> =
            (0..60).map(|_| admission.admit(ip("192.0.2.1"), Stage::Ready, &limits)).collect();
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 50);
        assert!(outcomes[..50].iter().all(Result::is_ok));
        admission.admit(ip("192.0.2.2"), Stage::Ready, &limits).unwrap();
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_together() {
        let admission = Admission::default();
        let limits = limits(9, 1);
        let admit = |text: &str| admission.admit(ip(text), Stage::Ready, &limits);
        let _first = admit("2001:db8::1").unwrap();
        assert_eq!(admit("2001:db8::ffff:0:0:2").unwrap_err(), Refusal::TooManyFromNetwork);
        admit("2001:db8:0:1::1").unwrap();
    }

    #[test]
    fn no_trace_of_a_network_stays_behind() {
        let admission = Admission::default();
        for last in 0..=255 {
            let address = IpAddr::from([192, 0, 2, last]);
            let mut place = admission.admit(None, Stage::Preparing, &Limits::default()).unwrap();
            drop(admission.admit(Some(address), Stage::Ready, &Limits::default()).unwrap());
            place.belongs_to(address, &Limits::default()).unwrap();
        }
        let counts = admission.counts.lock().unwrap();
        assert!(counts.networks.is_empty() && counts.recent.current.is_empty());
        assert_eq!((counts.total, counts.preparing), (0, 0));
    }

    #[test]
    fn res_10_half_open_connections_have_a_limit_of_their_own() {
        let admission = Admission::default();
        let limits = Limits { preparing_max: 2, ..Limits::default() };
        let mut first = admission.admit(None, Stage::Preparing, &limits).unwrap();
        let _second = admission.admit(None, Stage::Preparing, &limits).unwrap();
        let refused = admission.admit(None, Stage::Preparing, &limits).unwrap_err();
        assert_eq!(refused, Refusal::TooManyPreparing);
        let _plain = admission.admit(None, Stage::Ready, &limits).unwrap();
        first.ready();
        first.ready();
        assert_eq!((admission.connections(), admission.preparing()), (3, 1));
        drop(first);
        assert_eq!((admission.connections(), admission.preparing()), (2, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn res_07_a_network_may_come_so_often_in_a_minute() {
        let admission = Admission::default();
        let limits = Limits { per_minute_max: Some(10), ..Limits::default() };
        let came = |text: &str| admission.admit(ip(text), Stage::Ready, &limits).map(drop);
        for _ in 0..10 {
            came("192.0.2.1").unwrap();
        }
        assert_eq!(came("192.0.2.1"), Err(Refusal::TooOften));
        came("192.0.2.2").unwrap();
        // Half a minute into the next one, half of those 11 still count.
        tokio::time::advance(MINUTE + MINUTE / 2).await;
        for _ in 0..5 {
            came("192.0.2.1").unwrap();
        }
        assert_eq!(came("192.0.2.1"), Err(Refusal::TooOften));
        tokio::time::advance(MINUTE * 3).await;
        for _ in 0..10 {
            came("192.0.2.1").unwrap();
        }
    }

    #[test]
    fn res_07_networks_that_came_lately_are_remembered_in_bounded_memory() {
        let mut recent = Recent::default();
        let now = Instant::now();
        for number in 0..200_000_u32 {
            recent.count(Network::of_source(IpAddr::from(number.to_be_bytes())), now);
        }
        assert!(recent.current.len() <= RECENT_MAX && recent.previous.len() <= RECENT_MAX);
    }
}
