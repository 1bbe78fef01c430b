//! Passwords: argon2id, as PHC strings, on a bounded number of threads.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use super::DirectoryError;

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

/// Hashes and verifies, never on more threads than there are cores: each takes its memory.
#[derive(Debug, Clone)]
pub(super) struct Hasher {
    cost: HashCost,
    /// Verified when there is no account, so that this takes as long as when there is one.
    dummy: Arc<str>,
    permits: Arc<Semaphore>,
}

impl Hasher {
    pub(super) fn new(cost: HashCost) -> Result<Self, DirectoryError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        Ok(Self {
            cost,
            dummy: hash(cost, b"nobody has this account")?.into(),
            permits: Arc::new(Semaphore::new(cores)),
        })
    }

    pub(super) async fn hash(&self, password: String) -> Result<String, DirectoryError> {
        let cost = self.cost;
        self.run(move || hash(cost, password.as_bytes())).await?
    }

    /// Whether the password belongs to the hash; never without a hash, and not any faster.
    pub(super) async fn verify(
        &self,
        password: Vec<u8>,
        stored: Option<String>,
    ) -> Result<bool, DirectoryError> {
        let dummy = Arc::clone(&self.dummy);
        self.run(move || match &stored {
            Some(stored) => verify(&password, stored) && !password.is_empty(),
            None => {
                verify(&password, &dummy);
                false
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, DirectoryError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| DirectoryError::Hashing)?;
        let work = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        work.await.map_err(|_| DirectoryError::Hashing)
    }
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
        let cores = hasher.permits.available_permits();
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
}
