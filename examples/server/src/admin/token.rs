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
pub(super) struct Tokens(Mutex<Table>);

/// Hashes of tokens, whose they are, and until when.
type Table = BTreeMap<[u8; 32], (Owner, Instant)>;

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
        tokens.retain(|_, (_, until)| *until > now);
        // Whoever makes many loses their own, the oldest first.
        if tokens.values().filter(|(one, _)| *one == owner).count() >= OF_ONE_MAX {
            remove_oldest(&mut tokens, |one| *one == owner);
        }
        // And all users together none of an administrator's.
        if tokens.len() >= TOKENS_MAX {
            remove_oldest(&mut tokens, |one| matches!(one, Owner::Account(..)));
        }
        tokens.insert(digest(token), (owner, now + LIFETIME));
    }

    /// Ends a token; one that is none is no error.
    pub(super) fn remove(&self, token: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest(token));
    }

    pub(super) fn owner(&self, token: &str) -> Option<Owner> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (owner, until) = tokens.get(&digest(token))?;
        (*until > Instant::now()).then(|| owner.clone())
    }
}

fn remove_oldest(tokens: &mut Table, of: impl Fn(&Owner) -> bool) {
    let those = tokens.iter().filter(|(_, (owner, _))| of(owner));
    let oldest = those.min_by_key(|(_, (_, until))| *until).map(|(key, _)| *key);
    oldest.and_then(|key| tokens.remove(&key));
}

fn digest(token: impl AsRef<[u8]>) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// So many tokens of one owner are good at once.
const OF_ONE_MAX: usize = 32;

/// So many tokens are good at once, of users; those of administrators are besides.
const TOKENS_MAX: usize = 10_000;

/// So long is a token good.
pub(super) const LIFETIME: Duration = Duration::from_secs(12 * 60 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn b22_whoever_makes_many_tokens_loses_their_own() {
        let tokens = Tokens::default();
        let user = |id| Owner::Account(AccountId(id), 1);
        tokens.add("administrator", Owner::Local);
        tokens.add("other", user(2));
        for number in 0..TOKENS_MAX + 10 {
            tokio::time::advance(Duration::from_millis(1)).await;
            tokens.add(&format!("one {number}"), user(1));
        }
        assert_eq!(tokens.owner("administrator"), Some(Owner::Local));
        assert_eq!(tokens.owner("other"), Some(user(2)));
        assert_eq!(tokens.0.lock().unwrap().len(), OF_ONE_MAX + 2);
        assert_eq!(tokens.owner(&format!("one {}", TOKENS_MAX + 9)), Some(user(1)));
        assert_eq!(tokens.owner(&format!("one {}", TOKENS_MAX - 23)), None);
        // Many users together.
        for id in 0..i64::try_from(TOKENS_MAX).unwrap() + 10 {
            tokio::time::advance(Duration::from_millis(1)).await;
            tokens.add(&format!("of {id}"), user(id + 10));
        }
        assert_eq!(tokens.owner("administrator"), Some(Owner::Local));
        assert_eq!(tokens.owner("other"), None);
        assert_eq!(tokens.0.lock().unwrap().len(), TOKENS_MAX);
        tokio::time::advance(LIFETIME).await;
        assert_eq!(tokens.owner("administrator"), None);
    }
}
