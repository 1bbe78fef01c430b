//! Who is let in: counts of the connections there are, in all and by network.
//!
//! A place is given back when it is dropped, so also when the task that holds it panics.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use super::{Limits, Refusal};

#[derive(Debug, Default)]
pub(super) struct Admission {
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    networks: BTreeMap<IpAddr, usize>,
}

/// A place among the connections of the service.
#[derive(Debug)]
pub(super) struct Place {
    counts: Arc<Mutex<Counts>>,
    network: IpAddr,
}

impl Admission {
    /// Gives a place to a connection from `address`, or says why there is none.
    pub(super) fn admit(&self, address: IpAddr, limits: &Limits) -> Result<Place, Refusal> {
        let network = network(address);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.total >= limits.connections_max {
            return Err(Refusal::Busy);
        }
        if counts.networks.get(&network).is_some_and(|count| *count >= limits.per_network_max) {
            return Err(Refusal::TooManyFromNetwork);
        }
        counts.total = counts.total.saturating_add(1);
        let count = counts.networks.entry(network).or_default();
        *count = count.saturating_add(1);
        drop(counts);
        Ok(Place { counts: Arc::clone(&self.counts), network })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.total = counts.total.saturating_sub(1);
        if let Some(count) = counts.networks.get_mut(&self.network) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.networks.remove(&self.network);
            }
        }
    }
}

/// What counts as one source: an IPv4 address, also when it comes mapped into IPv6, or an IPv6 network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            [a, b, c, d, 0, 0, 0, 0].into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(total: usize, network: usize) -> Limits {
        Limits { connections_max: total, per_network_max: network, ..Limits::default() }
    }

    #[test]
    fn res_07_a_network_has_so_many_places_and_gets_them_back() {
        let admission = Admission::default();
        let limits = limits(5, 2);
        let admit = |text: &str| admission.admit(text.parse().unwrap(), &limits);
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
    fn addresses_of_one_ipv6_network_count_together() {
        let admission = Admission::default();
        let limits = limits(9, 1);
        let _first = admission.admit("2001:db8::1".parse().unwrap(), &limits).unwrap();
        let second = admission.admit("2001:db8::ffff:0:0:2".parse().unwrap(), &limits);
        assert_eq!(second.unwrap_err(), Refusal::TooManyFromNetwork);
        admission.admit("2001:db8:0:1::1".parse().unwrap(), &limits).unwrap();
    }

    #[test]
    fn no_trace_of_a_network_stays_behind() {
        let admission = Admission::default();
        for last in 0..=255 {
            drop(admission.admit(IpAddr::from([192, 0, 2, last]), &Limits::default()).unwrap());
        }
        assert!(admission.counts.lock().unwrap().networks.is_empty());
    }
}
