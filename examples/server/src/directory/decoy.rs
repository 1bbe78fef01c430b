//! What names that nobody has look like to a client that speaks SCRAM: like those of users, at every attempt, in every
//! spelling, and with the iterations that users have.
//!
//! Keys keep the iterations they were made with until their user sends the password again. While there are several
//! counts, names that nobody has are spread over them as the users are; as users move on, so do these, each with another
//! salt, which looks as if somebody had set another password.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use posthaste_sasl::{Hash, ScramKey};
use sha2::Sha256;

use super::credential::unhex;
use super::{Address, Directory, Picture};

impl Picture {
    /// How many accounts have keys with so many iterations.
    fn counts(&self) -> &BTreeMap<u32, u64> {
        self.iterations.get_or_init(|| {
            let mut counts = BTreeMap::new();
            for account in self.accounts.values() {
                if let Some(iterations) = account.credential.as_ref().and_then(|kept| kept.iterations()) {
                    let count: &mut u64 = counts.entry(iterations).or_default();
                    *count = count.saturating_add(1);
                }
            }
            counts
        })
    }
}

impl Directory {
    /// A key for a name that nobody has, or that may not log in. No proof fits it.
    pub(super) fn decoy(&self, user: &str, hash: Hash) -> Option<ScramKey> {
        let picture = self.picture();
        let secret = unhex(&picture.decoy_secret)?;
        // As a user is found in every spelling of the address, so is this.
        let name = Address::parse(user).map(|address| picture.canonical(&address).to_string());
        let name = name.unwrap_or_else(|_| user.to_lowercase());
        let mac = |purpose: &str| -> Option<[u8; 32]> {
            let mut mac = Hmac::<Sha256>::new_from_slice(&secret).ok()?;
            for part in [purpose, "\0", &name] {
                mac.update(part.as_bytes());
            }
            Some(mac.finalize().into_bytes().into())
        };
        let iterations = one_of(picture.counts(), mac("iterations")?).unwrap_or(self.0.scram_iterations);
        let scheme = hash.scheme();
        let text = |purpose: &str, octets: usize| {
            let mac = mac(&format!("{purpose} {scheme} {iterations}"))?;
            Some(STANDARD.encode(mac.get(..octets)?))
        };
        let (salt, stored) = (text("salt", SALT_OCTETS)?, text("stored", hash.length())?);
        let server = text("server", hash.length())?;
        ScramKey::decode(&format!("{scheme}${iterations}:{salt}${stored}:{server}")).ok()
    }
}

/// One of some numbers, each as likely as it is frequent.
fn one_of(counts: &BTreeMap<u32, u64>, random: [u8; 32]) -> Option<u32> {
    let total = counts.values().copied().fold(0, u64::saturating_add);
    let (first, _) = random.split_first_chunk()?;
    let mut left = u64::from_be_bytes(*first).checked_rem(total)?;
    counts.iter().find_map(|(number, count)| match left.checked_sub(*count) {
        None => Some(*number),
        Some(rest) => {
            left = rest;
            None
        }
    })
}

/// As many as users' keys have.
const SALT_OCTETS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auth_07_decoys_are_spread_as_users_are() {
        let counts = BTreeMap::from([(4096, 1), (10_000, 3)]);
        let octets = |first: u8| {
            let mut octets = [0; 32];
            octets[7] = first;
            octets
        };
        let found: Vec<_> = (0..8).map(|first| one_of(&counts, octets(first)).unwrap()).collect();
        assert_eq!(found, [4096, 10_000, 10_000, 10_000, 4096, 10_000, 10_000, 10_000]);
        assert_eq!(one_of(&BTreeMap::new(), octets(1)), None);
    }
}
