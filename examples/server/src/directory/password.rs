//! Passwords: argon2id, as PHC strings, and SCRAM keys beside it, on a bounded number of threads behind a bounded queue.

use std::sync::Arc;
use std::time::Instant;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use posthaste_sasl::{Hash, PASSWORD_MAX, SaslError, ScramKey, Secret};
use tokio::sync::Semaphore;

use super::{Credential, DirectoryError, random};
use crate::store::InternalDate;

/// What a hash costs whoever computes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl HashCost {
    /// What OWASP recommends for argon2id: 19 MiB, two passes, one lane.
    pub const RECOMMENDED: Self = Self { memory_kib: 19_456, passes: 2, lanes: 1 };
    /// The least argon2 can do. Protects nothing; for tests.
    pub const MINIMUM: Self = Self { memory_kib: 8, passes: 1, lanes: 1 };
}

/// Hashes and verifies, never on more threads than there are cores: each takes its memory. Checks of log-ins wait in
/// a queue that is bounded; setting passwords waits one by one, so that a thousand new accounts leave room for both.
#[derive(Debug, Clone)]
pub(super) struct Hasher {
    cost: HashCost,
    /// Verified when there is no account, so that this takes as long as when there is one.
    dummy: Arc<str>,
    threads: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    setting: Arc<Semaphore>,
    /// Credentials that were made.
    #[cfg(test)]
    pub(super) made: Arc<std::sync::atomic::AtomicUsize>,
}

impl Hasher {
    pub(super) fn new(cost: HashCost) -> Result<Self, DirectoryError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        Ok(Self {
            cost,
            dummy: hash(cost, b"nobody has this account")?.into(),
            threads: Arc::new(Semaphore::new(cores)),
            queue: Arc::new(Semaphore::new(QUEUE_MAX)),
            setting: Arc::new(Semaphore::new(1)),
            #[cfg(test)]
            made: Arc::default(),
        })
    }

    /// What is to be kept of a new password.
    pub(super) async fn credential(
        &self,
        password: Secret,
        scram_iterations: u32,
    ) -> Result<Credential, DirectoryError> {
        let _turn = self.setting.acquire().await.map_err(|_| DirectoryError::Hashing)?;
        let cost = self.cost;
        let made = self.run(move || credential(cost, scram_iterations, &password)).await?;
        #[cfg(test)]
        self.made.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        made
    }

    /// Whether the password belongs to the hash; never without a hash, and not any faster.
    pub(super) async fn verify(
        &self,
        password: Secret,
        stored: Option<String>,
    ) -> Result<bool, DirectoryError> {
        let _place = self.queue.try_acquire().map_err(|_| DirectoryError::Busy)?;
        let (dummy, begun) = (Arc::clone(&self.dummy), Instant::now());
        let verified = self.run(move || {
            let prepared = prepared(&password);
            let is_right = verify(prepared.expose(), stored.as_deref().unwrap_or(&dummy));
            is_right && stored.is_some() && !password.is_empty()
        });
        let verified = verified.await;
        crate::metrics::password_checked(begun.elapsed());
        verified
    }

    /// Checks that are under way or wait.
    pub(super) fn checks(&self) -> usize {
        QUEUE_MAX.saturating_sub(self.queue.available_permits())
    }

    /// Whether a stored hash costs less than new ones do.
    pub(super) fn is_outdated(&self, stored: &str) -> bool {
        let Ok(hash) = PasswordHash::new(stored) else { return false };
        Params::try_from(&hash)
            .is_ok_and(|params| params.m_cost() < self.cost.memory_kib || params.t_cost() < self.cost.passes)
    }

    /// From now on nothing is hashed any more.
    #[cfg(test)]
    pub(super) fn stop(&self) {
        self.threads.close();
    }

    /// Nothing is hashed until what this gives is dropped.
    #[cfg(test)]
    pub(super) async fn hold(&self) -> tokio::sync::OwnedSemaphorePermit {
        let all = u32::try_from(self.threads.available_permits()).unwrap();
        Arc::clone(&self.threads).acquire_many_owned(all).await.unwrap()
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, DirectoryError> {
        let permit = Arc::clone(&self.threads).acquire_owned().await.map_err(|_| DirectoryError::Hashing)?;
        let work = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        work.await.map_err(|_| DirectoryError::Hashing)
    }
}

fn credential(
    cost: HashCost,
    scram_iterations: u32,
    password: &Secret,
) -> Result<Credential, DirectoryError> {
    let unusable = |error: SaslError| DirectoryError::UnusablePassword(error.to_string());
    let prepared = posthaste_sasl::prepare::password(password).map_err(unusable)?;
    let scram_key = |kind| {
        let salt: [u8; 16] = random::octets()?;
        let key = ScramKey::derive(kind, password, &salt, scram_iterations).map_err(unusable)?;
        String::from_utf8(key.encode().expose().to_vec()).map_err(|_| DirectoryError::Hashing)
    };
    let scram = vec![scram_key(Hash::Sha1)?, scram_key(Hash::Sha256)?];
    Ok(Credential { hash: hash(cost, prepared.expose())?, scram, set: InternalDate::now().seconds })
}

/// The password as SCRAM would have it (RFC 4013), so that it is the same with and without; as it is where that can
/// not be, as it is not right then anyhow.
fn prepared(password: &Secret) -> Secret {
    posthaste_sasl::prepare::password(password).unwrap_or_else(|_| {
        // No more of it than a password can have.
        let octets = password.expose();
        Secret::from(octets.get(..PASSWORD_MAX).unwrap_or(octets))
    })
}

fn hash(cost: HashCost, password: &[u8]) -> Result<String, DirectoryError> {
    let params =
        Params::new(cost.memory_kib, cost.passes, cost.lanes, None).map_err(|_| DirectoryError::Hashing)?;
    let hash: PasswordHash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password(password)
        .map_err(|_| DirectoryError::Hashing)?;
    Ok(hash.to_string())
}

fn verify(password: &[u8], stored: &str) -> bool {
    let Ok(hash) = PasswordHash::new(stored) else { return false };
    let Ok(params) = Params::try_from(&hash) else { return false };
    // A hash that somebody put into the database must not take the memory of the machine.
    if params.m_cost() > MEMORY_KIB_MAX || params.t_cost() > PASSES_MAX || params.p_cost() > LANES_MAX {
        tracing::error!("a stored password hash costs too much to verify; set the password again");
        return false;
    }
    Argon2::default().verify_password(password, &hash).is_ok()
}

/// So many log-ins wait for their turn; more are refused for now. Two cores work this off in a few seconds.
const QUEUE_MAX: usize = 128;

const MEMORY_KIB_MAX: u32 = 256 * 1024;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auth_11_a_hash_is_a_phc_string_with_its_parameters() {
        let stored = hash(HashCost::RECOMMENDED, b"secret").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(verify(b"secret", &stored) && !verify(b"Secret", &stored) && !verify(b"", &stored));
        assert_ne!(hash(HashCost::MINIMUM, b"x").unwrap(), hash(HashCost::MINIMUM, b"x").unwrap());
    }

    #[test]
    fn auth_11_a_stored_hash_can_not_cost_what_it_likes() {
        let expensive = "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$\
                         iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A";
        assert!(!verify(b"x", expensive));
        for bad in ["", "x", "$argon2id$", "{PLAIN}x", "$2b$12$abc"] {
            assert!(!verify(b"x", bad) && !verify(bad.as_bytes(), bad));
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn res_13_hashing_runs_on_as_many_threads_as_there_are_cores() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let hasher = Hasher::new(HashCost::MINIMUM).unwrap();
        let cores = hasher.threads.available_permits();
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..100)
            .map(|_| {
                let (hasher, running, most) = (hasher.clone(), Arc::clone(&running), Arc::clone(&most));
                tokio::spawn(async move {
                    let work = move || {
                        most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        running.fetch_sub(1, Ordering::SeqCst);
                    };
                    hasher.run(work).await.unwrap();
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert!((1..=cores).contains(&most.load(Ordering::SeqCst)));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn res_13_the_queue_of_log_ins_is_bounded_and_what_is_beyond_is_refused_for_now() {
        let hasher = Hasher::new(HashCost::MINIMUM).unwrap();
        let cores = u32::try_from(hasher.threads.available_permits()).unwrap();
        // All threads are taken, so that nothing goes on until this test lets it.
        let taken = Arc::clone(&hasher.threads).acquire_many_owned(cores).await.unwrap();
        let tasks: Vec<_> = (0..QUEUE_MAX + 72)
            .map(|_| {
                let hasher = hasher.clone();
                tokio::spawn(async move { hasher.verify(Secret::from("wrong"), None).await })
            })
            .collect();
        while hasher.queue.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(hasher.verify(Secret::from("x"), None).await, Err(DirectoryError::Busy));
        drop(taken);
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        assert!(answers.iter().filter(|answer| **answer == Ok(false)).count() >= QUEUE_MAX);
        assert!(answers.iter().all(|answer| matches!(answer, Ok(false) | Err(DirectoryError::Busy))));
        assert_eq!(hasher.verify(Secret::from("x"), None).await, Ok(false));
    }

    #[tokio::test]
    async fn a_password_is_the_same_by_argon2_and_by_scram() {
        let hasher = Hasher::new(HashCost::MINIMUM).unwrap();
        // Composed and decomposed.
        let kept = hasher.credential(Secret::from("caf\u{e9}"), 4096).await.unwrap();
        for typed in ["caf\u{e9}", "cafe\u{301}", "ca\u{ad}f\u{e9}"] {
            assert!(hasher.verify(Secret::from(typed), Some(kept.hash.clone())).await.unwrap(), "{typed:?}");
            for hash in [Hash::Sha1, Hash::Sha256] {
                assert!(kept.scram_key(hash).unwrap().is_of(&Secret::from(typed)));
            }
        }
        assert!(!hasher.verify(Secret::from("cafe"), Some(kept.hash.clone())).await.unwrap());
        assert_ne!(kept.scram_key(Hash::Sha1).unwrap().salt(), kept.scram_key(Hash::Sha256).unwrap().salt());
        for bad in ["", "a\u{0}b"] {
            let refused = hasher.credential(Secret::from(bad), 4096).await;
            assert!(matches!(refused, Err(DirectoryError::UnusablePassword(_))), "{bad:?}");
        }
    }
}
