//! How often somebody may log in (RFC 2449 6.5), where the policy has a word on that.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::store::AccountId;

/// When accounts last logged in by POP3. Clones share it. Nothing is kept across a restart.
#[derive(Debug, Clone, Default)]
pub struct LastLogins(Arc<Mutex<BTreeMap<AccountId, Instant>>>);

impl LastLogins {
    /// Whether the last login of an account is long enough ago; if so, this is the last one now.
    pub(super) fn may_come(&self, account: AccountId, delay: Duration) -> bool {
        let now = Instant::now();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent = |at: &Instant| now.saturating_duration_since(*at) < delay;
        if last.get(&account).is_some_and(is_recent) {
            return false;
        }
        if last.len() >= KEPT_MAX {
            last.retain(|_, at| is_recent(at));
        }
        last.insert(account, now);
        true
    }
}

/// From so many entries on, those that say nothing any more are looked for at each login.
const KEPT_MAX: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn p15_a_login_that_comes_too_soon_is_one_and_moves_nothing() {
        let last = LastLogins::default();
        let delay = Duration::from_secs(60);
        assert!(last.may_come(AccountId(1), delay));
        tokio::time::advance(Duration::from_secs(59)).await;
        assert!(!last.may_come(AccountId(1), delay));
        assert!(last.may_come(AccountId(2), delay));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(last.may_come(AccountId(1), delay));
    }
}
