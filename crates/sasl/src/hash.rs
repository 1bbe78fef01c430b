//! The hash functions of SCRAM, and the three things done with them: digest, HMAC (RFC 2104) and the iterated
//! HMAC that RFC 5802 2.2 calls `Hi`, which is PBKDF2 with one block. What comes out is wiped like a
//! password.
//!
//! Nothing else in the crate computes a hash, so that the tests can count here how much work a message
//! causes.

use hmac::digest::FixedOutput;
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use md5::Md5;
use posthaste_wire::Secret;
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};
use zeroize::Zeroize;

/// A hash function that SCRAM is defined with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Hash {
    /// SHA-1 (RFC 5802). Its known weakness is no weakness of HMAC; new keys are better made with another.
    Sha1,
    /// SHA-256 (RFC 7677).
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Hash {
    /// All of them, strongest first.
    pub const ALL: [Self; 3] = [Self::Sha512, Self::Sha256, Self::Sha1];

    /// The length of a digest, in octets.
    pub const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// The name of the scheme under which keys are stored (RFC 5803, RFC 7677), which is also that of the
    /// mechanism without channel binding.
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::Sha1 => "SCRAM-SHA-1",
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }

    pub(crate) fn digest(self, octets: &[u8]) -> Secret {
        work::count(work::Kind::Digest);
        match self {
            Self::Sha1 => digest::<Sha1>(octets),
            Self::Sha256 => digest::<Sha256>(octets),
            Self::Sha512 => digest::<Sha512>(octets),
        }
    }

    pub(crate) fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Secret {
        work::count(work::Kind::Hmac);
        match self {
            Self::Sha1 => mac::<Sha1>(key, parts),
            Self::Sha256 => mac::<Sha256>(key, parts),
            Self::Sha512 => mac::<Sha512>(key, parts),
        }
    }

    /// `Hi(password, salt, iterations)`.
    pub(crate) fn iterated(self, password: &Secret, salt: &[u8], iterations: u32) -> Secret {
        work::count(work::Kind::Iterated);
        let mut out = alloc::vec![0; self.length()];
        match self {
            Self::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password.expose(), salt, iterations, &mut out),
            Self::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password.expose(), salt, iterations, &mut out),
            Self::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(password.expose(), salt, iterations, &mut out),
        }
        Secret::new(out)
    }
}

/// HMAC-MD5, which is all that CRAM-MD5 needs (RFC 2195).
pub(crate) fn hmac_md5(key: &[u8], message: &[u8]) -> Secret {
    work::count(work::Kind::Hmac);
    mac::<Md5>(key, &[message])
}

/// `a XOR b`, as long as the shorter.
pub(crate) fn xor(a: &Secret, b: &Secret) -> Secret {
    Secret::new(a.expose().iter().zip(b.expose()).map(|(a, b)| a ^ b).collect())
}

fn digest<D: Digest>(octets: &[u8]) -> Secret {
    wiped(&mut D::digest(octets))
}

fn mac<D: EagerHash>(key: &[u8], parts: &[&[u8]]) -> Secret
where
    Hmac<D>: KeyInit + Mac + FixedOutput,
{
    // A key of any length is a key of HMAC: longer ones are hashed (RFC 2104 2).
    let Ok(mut mac) = <Hmac<D> as KeyInit>::new_from_slice(key) else { return Secret::default() };
    for part in parts {
        Mac::update(&mut mac, part);
    }
    wiped(&mut mac.finalize_fixed())
}

/// The octets as a secret; where they were is wiped.
fn wiped(octets: &mut [u8]) -> Secret {
    let secret = Secret::from(&*octets);
    octets.zeroize();
    secret
}

/// How many hashes were computed: for the test that known and unknown users cost the same.
pub(crate) mod work {
    #[derive(Clone, Copy, Debug)]
    pub(crate) enum Kind {
        Digest,
        Hmac,
        Iterated,
    }

    #[cfg(not(test))]
    pub(super) const fn count(_: Kind) {}

    #[cfg(test)]
    std::thread_local! {
        static COUNTS: core::cell::Cell<[u32; 3]> = const { core::cell::Cell::new([0; 3]) };
    }

    #[cfg(test)]
    pub(super) fn count(kind: Kind) {
        COUNTS.with(|counts| {
            let mut all = counts.get();
            match kind {
                Kind::Digest => all[0] += 1,
                Kind::Hmac => all[1] += 1,
                Kind::Iterated => all[2] += 1,
            }
            counts.set(all);
        });
    }

    /// What was computed on this thread since the last call: digests, HMACs, iterated HMACs.
    #[cfg(test)]
    pub(crate) fn take() -> [u32; 3] {
        COUNTS.with(core::cell::Cell::take)
    }
}
