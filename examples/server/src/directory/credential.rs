//! What is kept of a password: an argon2id hash for who sends it, SCRAM keys for who proves it, and a salted hash of
//! each password of a program. Never printed.
//!
//! A password of a program is 100 random bits, which nobody guesses however fast the hash is: one HMAC is enough, and
//! checking it costs nothing.

use std::collections::BTreeSet;

use hmac::{Hmac, KeyInit, Mac};
use posthaste_sasl::{Hash, ScramKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{DirectoryError, Service};

/// A password as it is kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Argon2id, as a PHC string.
    pub(super) hash: String,
    /// SCRAM keys in their text form (RFC 5803), one for each hash function.
    #[serde(default)]
    pub(super) scram: Vec<String>,
    /// Seconds since 1970 when it was set.
    pub(super) set: i64,
}

/// A password of a program, which only that program has and which is revoked alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppPassword {
    /// What the user calls it. Unique in the account.
    pub name: String,
    /// What it is good for.
    pub services: BTreeSet<Service>,
    /// Seconds since 1970 when it was made.
    pub created: i64,
    /// HMAC-SHA-256 of the password, under a key of its own; both in hexadecimal digits.
    pub(super) salt: String,
    pub(super) hash: String,
}

/// Somebody who administers the server and has no mailbox.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Administrator {
    /// The name to log in with; no address.
    pub name: String,
    /// The password, as it is kept.
    pub(super) credential: Credential,
}

/// What stands for a password, and changes whenever it is set, also to what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp([u8; 32]);

impl Credential {
    /// What stands for it.
    pub(super) fn stamp(&self) -> Stamp {
        Stamp(Sha256::digest(&self.hash).into())
    }

    /// The iterations of its SCRAM keys; `None` where there are none.
    pub(super) fn iterations(&self) -> Option<u32> {
        let (_, parameters) = self.scram.first()?.split_once('$')?;
        parameters.split_once(':')?.0.parse().ok()
    }

    /// The key for a hash function.
    pub(super) fn scram_key(&self, hash: Hash) -> Option<ScramKey> {
        self.scram.iter().filter_map(|text| ScramKey::decode(text).ok()).find(|key| key.hash() == hash)
    }
}

impl Administrator {
    /// An administrator with this password.
    pub const fn new(name: String, credential: Credential) -> Self {
        Self { name, credential }
    }

    /// What stands for the password.
    pub fn stamp(&self) -> Stamp {
        self.credential.stamp()
    }
}

impl AppPassword {
    /// A new one, and the password itself, which is shown once.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::Hashing`] when the system gives no randomness.
    pub fn generate(
        name: String,
        services: BTreeSet<Service>,
        created: i64,
    ) -> Result<(Self, String), DirectoryError> {
        let shown = random_text()?;
        let letters = shown.replace('-', "");
        let salt: [u8; 16] = super::random::octets()?;
        let hash = mac(&salt, &letters).map(|mac| hex(&mac.finalize().into_bytes()))?;
        Ok((Self { name, services, created, salt: hex(&salt), hash }, shown))
    }

    /// Whether this is the password, with or without what stands between its groups.
    pub(super) fn is(&self, password: &[u8]) -> bool {
        let Some(letters) = letters(password) else { return false };
        let (Some(salt), Some(hash)) = (unhex(&self.salt), unhex(&self.hash)) else { return false };
        // Compares in constant time.
        mac(&salt, &letters).is_ok_and(|mac| mac.verify_slice(&hash).is_ok())
    }
}

/// A hundred random bits, as letters and digits that are easily read and typed, in groups of four.
///
/// # Errors
///
/// [`DirectoryError::Hashing`] when the system gives no randomness.
pub fn random_text() -> Result<String, DirectoryError> {
    let random: [u8; LETTERS] = super::random::octets()?;
    // 32 divides 256: every letter is as likely.
    let letter = |octet: &u8| ALPHABET.get(usize::from(octet % 32)).copied().map(char::from);
    let group = |octets: &[u8]| octets.iter().filter_map(letter).collect::<String>();
    Ok(random.chunks(4).map(group).collect::<Vec<_>>().join("-"))
}

/// The letters of what may be a password of a program; `None` for everything else.
fn letters(password: &[u8]) -> Option<String> {
    let is_between = |octet: &u8| matches!(octet, b' ' | b'-');
    let letters: Vec<u8> =
        password.iter().filter(|octet| !is_between(octet)).map(u8::to_ascii_lowercase).collect();
    let fits = letters.len() == LETTERS && letters.iter().all(|letter| ALPHABET.contains(letter));
    if fits { String::from_utf8(letters).ok() } else { None }
}

fn mac(key: &[u8], letters: &str) -> Result<Hmac<Sha256>, DirectoryError> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| DirectoryError::Hashing)?;
    mac.update(letters.as_bytes());
    Ok(mac)
}

/// Hexadecimal digits.
pub(super) fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// The octets of hexadecimal digits.
pub(super) fn unhex(digits: &str) -> Option<Vec<u8>> {
    let digits = digits.as_bytes();
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if digits.len().is_multiple_of(2) { digits.chunks(2).map(octet).collect() } else { None }
}

macro_rules! silent {
    ($($type:ident { $($field:ident),* })+) => { $(
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($type))$(.field(stringify!($field), &self.$field))*.finish_non_exhaustive()
            }
        }
    )+ };
}

silent! {
    Credential { set }
    AppPassword { name, services, created }
    Administrator { name }
}

/// Letters and digits that are not taken for each other.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Five bits each.
const LETTERS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u30_an_app_password_is_100_random_bits_and_known_again_as_people_type_it() {
        let (kept, shown) = AppPassword::generate("phone".into(), [Service::Imap].into(), 7).unwrap();
        assert_eq!(shown.len(), 24);
        assert!(kept.is(shown.as_bytes()));
        assert!(kept.is(shown.replace('-', "").as_bytes()));
        assert!(kept.is(shown.replace('-', " ").to_uppercase().as_bytes()));
        let (other, another) = AppPassword::generate("phone".into(), [Service::Imap].into(), 7).unwrap();
        assert!(!kept.is(another.as_bytes()) && !other.is(shown.as_bytes()));
        for bad in ["", "-", "x", shown.get(1..).unwrap(), &format!("{shown}a"), "!!!!!!!!!!!!!!!!!!!!"] {
            assert!(!kept.is(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn auth_15_nothing_of_a_password_is_printed() {
        let (kept, shown) = AppPassword::generate("phone".into(), [Service::Imap].into(), 7).unwrap();
        let credential = Credential { hash: "$argon2id$x".into(), scram: vec!["key".into()], set: 1 };
        let printed = format!("{kept:?} {credential:?}");
        for secret in [&kept.salt, &kept.hash, &shown, "argon2", "key"] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }

    #[test]
    fn hexadecimal_digits_there_and_back() {
        assert_eq!(unhex(&hex(&[0, 1, 254, 255])), Some(vec![0, 1, 254, 255]));
        assert_eq!(unhex("0"), None);
        assert_eq!(unhex("zz"), None);
    }
}
