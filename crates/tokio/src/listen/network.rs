//! Networks of IP addresses: an address and how many of its bits count (RFC 4632 3.1, RFC 4291 2.3).
//!
//! An IPv4 address that comes mapped into IPv6 is the IPv4 address. Does not look names up.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An IP network, such as `192.0.2.0/24` or `2001:db8::/32`. A text without `/` is a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Why a text is not a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetworkError {
    /// What is before the `/` is not an IP address.
    #[error("not an IP address before the slash")]
    Address,
    /// What is behind the `/` is not a number of bits that the family has.
    #[error("not a number of bits up to {max} behind the slash")]
    Bits {
        /// How many bits an address of the family has.
        max: u8,
    },
    /// Bits that do not count are set, so that it is not clear what is meant.
    #[error("the address has bits set behind the first {bits}")]
    HostBits {
        /// How many bits count.
        bits: u8,
    },
}

impl Network {
    /// The first `bits` bits of `address`. `None` when an address of its family has fewer.
    ///
    /// A mapped IPv4 address stays an IPv6 one when fewer bits count than mark it as mapped.
    pub fn new(address: IpAddr, bits: u8) -> Option<Self> {
        match (address, address.to_canonical()) {
            (IpAddr::V6(_), IpAddr::V4(inner)) if (MAPPED_BITS..=128).contains(&bits) => {
                Self::new(inner.into(), bits.checked_sub(MAPPED_BITS)?)
            }
            (IpAddr::V4(address), _) => {
                let mask = leading(bits.into(), 32)?;
                let mask = u32::try_from(mask).ok()?;
                Some(Self { address: Ipv4Addr::from(u32::from(address) & mask).into(), bits })
            }
            (IpAddr::V6(address), _) => {
                let mask = leading(bits.into(), 128)?;
                Some(Self { address: Ipv6Addr::from(u128::from(address) & mask).into(), bits })
            }
        }
    }

    /// What counts as one source: an IPv4 address, or an IPv6 network of 64 bits.
    pub(super) fn of_source(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let bits = if address.is_ipv4() { 32 } else { 64 };
        Self::new(address, bits).unwrap_or(Self { address, bits })
    }

    /// Whether `address` is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && Self::new(address, self.bits) == Some(*self)
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let max = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => max,
            // The parser of integers takes a sign.
            Some(bits) if bits.bytes().all(|octet| octet.is_ascii_digit()) => {
                bits.parse().map_err(|_| NetworkError::Bits { max })?
            }
            Some(_) => return Err(NetworkError::Bits { max }),
        };
        let network = Self::new(address, bits).ok_or(NetworkError::Bits { max })?;
        if network.address == address.to_canonical() || network.address == address {
            Ok(network)
        } else {
            Err(NetworkError::HostBits { bits })
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// How many bits say that an IPv6 address holds an IPv4 one.
const MAPPED_BITS: u8 = 96;

/// `count` ones followed by zeros, `width` in all. `None` when there is no room for so many.
fn leading(count: u32, width: u32) -> Option<u128> {
    let all = u128::MAX.checked_shr(128_u32.checked_sub(width)?)?;
    let zeros = width.checked_sub(count)?;
    Some(all & u128::MAX.checked_shl(zeros).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap()
    }

    fn contains(text: &str, address: &str) -> bool {
        network(text).contains(address.parse().unwrap())
    }

    #[test]
    fn a_network_contains_what_shares_its_first_bits() {
        assert!(contains("192.0.2.0/24", "192.0.2.255"));
        assert!(contains("192.0.2.0/24", "::ffff:192.0.2.1"));
        assert!(!contains("192.0.2.0/24", "192.0.3.0"));
        assert!(contains("192.0.2.1", "192.0.2.1"));
        assert!(!contains("192.0.2.1", "192.0.2.2"));
        assert!(contains("::ffff:192.0.2.0/120", "192.0.2.9"));
        assert!(contains("2001:db8::/32", "2001:db8:ffff::1"));
        assert!(!contains("2001:db8::/32", "2001:db9::"));
        assert!(contains("2001:db8::1/128", "2001:db8::1"));
    }

    #[test]
    fn everything_of_one_family_is_not_everything() {
        assert!(contains("0.0.0.0/0", "255.255.255.255") && contains("0.0.0.0/0", "::ffff:192.0.2.1"));
        assert!(!contains("0.0.0.0/0", "::1"));
        assert!(contains("::/0", "ffff::1"));
        assert!(!contains("::/0", "192.0.2.1"));
    }

    #[test]
    fn what_is_not_a_network_is_refused_with_the_reason() {
        let refused = |text: &str| text.parse::<Network>().unwrap_err();
        for text in ["", "/8", "localhost", "10.0.0/8", "010.0.0.0/8", " 10.0.0.0/8", "fe80::1%eth0"] {
            assert_eq!(refused(text), NetworkError::Address, "{text}");
        }
        for text in ["10.0.0.0/", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0.0/-1", "10.0.0.0/256", "10.0.0.0/8/8"]
        {
            assert_eq!(refused(text), NetworkError::Bits { max: 32 }, "{text}");
        }
        assert_eq!(refused("::/129"), NetworkError::Bits { max: 128 });
        assert_eq!(refused("10.0.0.1/8"), NetworkError::HostBits { bits: 8 });
        assert_eq!(refused("2001:db8::1/64"), NetworkError::HostBits { bits: 64 });
    }

    #[test]
    fn a_network_reads_what_it_writes() {
        for text in ["192.0.2.0/24", "0.0.0.0/0", "192.0.2.1/32", "2001:db8::/32", "::/0", "::1/128"] {
            assert_eq!(network(text).to_string(), text);
        }
        assert_eq!(network("::ffff:192.0.2.0/120").to_string(), "192.0.2.0/24");
        assert_eq!(network("192.0.2.1").to_string(), "192.0.2.1/32");
    }
}
