//! Tokens of the HTTP interface: random, kept in memory as hashes, good for some hours or until the server stops.
//!
//! A token says who somebody is and nothing of what they may do: that is asked at each use.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::Principal;
use crate::directory::{Directory, Stamp};
use crate::store::AccountId;

/// Whose a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Owner {
    Local,
    /// The name and what stands for its password: a new password ends all tokens.
    Administrator(String, Stamp),
    /// The account, and what its sessions end with.
    Account(AccountId, u64),
}

/// The tokens that were given out.
#[derive(Default)]
pub(super) struct Tokens(Mutex<BTreeMap<[u8; 32], (Owner, Instant)>>);

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

impl Owner {
    /// `None` for an administrator who has gone meanwhile.
    pub(super) fn of(who: &Principal, directory: &Directory) -> Option<Self> {
        Some(match who {
            Principal::Local => Self::Local,
            Principal::Administrator(name) => {
                let picture = directory.picture();
                let found = picture.administrators().find(|one| one.name == *name)?;
                Self::Administrator(name.clone(), found.stamp())
            }
            Principal::Account(account) => Self::Account(account.id, account.epoch()),
        })
    }
}

impl Tokens {
    pub(super) fn add(&self, token: &str, owner: Owner) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if tokens.len() >= TOKENS_MAX {
            tokens.retain(|_, (_, until)| *until > now);
        }
        if tokens.len() >= TOKENS_MAX {
            let oldest = tokens.iter().min_by_key(|(_, (_, until))| *until).map(|(key, _)| *key);
            oldest.and_then(|key| tokens.remove(&key));
        }
        tokens.insert(digest(token), (owner, now + LIFETIME));
    }

    pub(super) fn owner(&self, token: &str) -> Option<Owner> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (owner, until) = tokens.get(&digest(token))?;
        (*until > Instant::now()).then(|| owner.clone())
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// So many tokens are good at once.
const TOKENS_MAX: usize = 10_000;

/// So long is a token good.
pub(super) const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);
