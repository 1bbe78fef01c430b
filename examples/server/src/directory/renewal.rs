//! Hashing a password anew, when somebody has logged in with it and what is kept of it is of less than is configured.
//!
//! In the background, once for an account, however many log-ins ask for it at a time. Whoever was verified by what was
//! kept before is verified by what is kept now: that the password is right for both is known. Nothing is remembered of
//! a credential that was not put in, as when another password was set meanwhile.

use std::sync::PoisonError;

use posthaste_sasl::Secret;

use super::{Account, Directory, DirectoryError, Draft};
use crate::store::AccountId;

impl Directory {
    /// Makes anew, in the background, what was made when less was thought enough, or when there were no SCRAM keys.
    /// The password is right for the account as it is given here.
    pub(super) fn renew(&self, account: &Account, password: Secret) {
        let Some(kept) = &account.credential else { return };
        let is_current = kept.iterations() == Some(self.0.scram_iterations);
        if is_current && !self.0.hasher.is_outdated(&kept.hash) {
            return;
        }
        let Some(renewal) = Renewal::begin(self, account.id, &kept.hash) else { return };
        tokio::spawn(async move {
            if let Err(error) = renewal.run(&password).await {
                tracing::warn!(%error, "what is kept of a password could not be renewed");
            }
        });
    }
}

/// The renewal of an account that is under way; it ends when this is dropped.
struct Renewal {
    directory: Directory,
    account: AccountId,
    /// The hash that is replaced.
    stored: String,
}

impl Renewal {
    /// `None` when there is one already, or nothing to renew any more.
    fn begin(directory: &Directory, account: AccountId, stored: &str) -> Option<Self> {
        let mut under_way = directory.0.renewals.lock().unwrap_or_else(PoisonError::into_inner);
        if !under_way.insert(account) {
            return None;
        }
        drop(under_way);
        let renewal = Self { directory: directory.clone(), account, stored: stored.to_owned() };
        // Asked only now: another renewal may have ended since the account was looked up.
        let now = directory.account_by_id(account);
        now.is_some_and(|now| renewal.is_of(&now)).then_some(renewal)
    }

    /// Whether the account still has what is to be replaced.
    fn is_of(&self, account: &Account) -> bool {
        account.credential.as_ref().is_some_and(|kept| kept.hash == self.stored)
    }

    async fn run(self, password: &Secret) -> Result<(), DirectoryError> {
        // What can not be hashed stays as it is.
        let Ok(credential) = self.directory.credential(password).await else { return Ok(()) };
        let replace = |draft: &mut Draft| {
            let Some(account) = draft.account_by_id(self.account).filter(|account| self.is_of(account))
            else {
                return Ok(());
            };
            let verified = &self.directory.0.verified;
            let tag = verified.tag(&account.verified_as(), &credential.hash, password.expose());
            draft.put_account(Account { credential: Some(credential.clone()), ..Account::clone(account) });
            if let Some(tag) = tag {
                draft.remember(tag);
            }
            Ok(())
        };
        self.directory.change(replace).await
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        let mut under_way = self.directory.0.renewals.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.remove(&self.account);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use std::task::{Context, Waker};
    use std::time::Duration;

    use super::*;
    use crate::directory::{Address, Attempt, Credential, Domain, HashCost, LogIn, Options, Service};
    use crate::store::sqlite::Sqlite;
    use crate::store::{NoListener, Store};

    const USER: &str = "anna@x.test";

    /// A directory where the user's password `secret` was hashed with less than is configured now.
    struct Outdated {
        _data: tempfile::TempDir,
        directory: Directory,
    }

    impl Outdated {
        async fn open() -> Self {
            let data = tempfile::tempdir().unwrap();
            let store: Arc<dyn Store> = Arc::new(Sqlite::open(data.path(), Arc::new(NoListener)).unwrap());
            let options = Options { cost: HashCost::MINIMUM, scram_iterations: 4096, ..Options::default() };
            let before = Directory::open(Arc::clone(&store), options.clone()).await.unwrap();
            let credential = before.credential(&Secret::from("secret")).await.unwrap();
            let add = |draft: &mut Draft| {
                draft.put_domain(Domain::new("x.test"));
                let account = Account::new(draft.new_account(), Address::parse(USER).unwrap());
                draft.put_account(account.with_credential(Some(credential.clone())));
                Ok::<_, DirectoryError>(())
            };
            before.change(add).await.unwrap();
            let directory =
                Directory::open(store, Options { scram_iterations: 4097, ..options }).await.unwrap();
            Self { _data: data, directory }
        }

        async fn log_in(&self, service: Service, password: &str) -> Result<bool, DirectoryError> {
            let password = password.as_bytes();
            let attempt = Attempt { service, peer: None, user: USER, password };
            Ok(matches!(self.directory.log_in(attempt).await?, LogIn::Accepted(_)))
        }

        fn account(&self) -> Arc<Account> {
            self.directory.account(&Address::parse(USER).unwrap()).unwrap()
        }

        fn is_renewed(&self) -> bool {
            self.account().credential.as_ref().unwrap().iterations() == Some(4097)
        }

        /// Credentials that were made.
        fn made(&self) -> usize {
            self.directory.0.hasher.made.load(Ordering::SeqCst)
        }

        async fn until(&self, is_so: impl Fn(&Self) -> bool) {
            let waiting = async {
                while !is_so(self) {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap();
        }

        async fn until_none_is_under_way(&self) {
            self.until(|this| this.directory.0.renewals.lock().unwrap().is_empty()).await;
        }
    }

    fn put(draft: &mut Draft, new: &Credential) -> Result<(), DirectoryError> {
        let account = Account::clone(draft.account(&Address::parse(USER).unwrap()).unwrap());
        draft.put_account(account.with_credential(Some(new.clone())));
        Ok(())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_was_verified_before_a_renewal_is_so_after_it_without_another_hash() {
        let known = Outdated::open().await;
        assert!(known.log_in(Service::Imap, "secret").await.unwrap());
        known.until(Outdated::is_renewed).await;
        // From here on no password can be checked, but by what is remembered.
        known.directory.0.hasher.stop();
        for service in Service::ALL {
            assert!(known.log_in(service, "secret").await.unwrap(), "{service:?}");
        }
        assert_eq!(known.log_in(Service::Imap, "Secret").await, Err(DirectoryError::Hashing));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn auth_10_a_password_that_is_changed_during_the_renewal_is_refused_at_once() {
        let known = Outdated::open().await;
        let new = known.directory.credential(&Secret::from("new")).await.unwrap();
        let made = known.made();
        // No change goes on until this test lets it: the new password comes first, and then the renewal.
        let held = known.directory.0.changing.lock().await;
        let mut setting = std::pin::pin!(known.directory.change(|draft| put(draft, &new)));
        assert!(setting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert!(known.log_in(Service::Imap, "secret").await.unwrap());
        known.until(|this| this.made() > made).await;
        drop(held);
        setting.await.unwrap();
        assert!(!known.log_in(Service::Imap, "secret").await.unwrap());
        known.until_none_is_under_way().await;
        assert!(known.account().credential == Some(new.clone()), "the renewal took the new password away");
        assert!(!known.log_in(Service::Imap, "secret").await.unwrap());
        assert!(known.log_in(Service::Imap, "new").await.unwrap());
        known.directory.0.hasher.stop();
        assert_eq!(known.log_in(Service::Imap, "secret").await, Err(DirectoryError::Hashing), "remembered");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn auth_10_a_password_that_is_changed_after_the_renewal_is_refused_at_once() {
        let known = Outdated::open().await;
        assert!(known.log_in(Service::Imap, "secret").await.unwrap());
        known.until(Outdated::is_renewed).await;
        let new = known.directory.credential(&Secret::from("new")).await.unwrap();
        known.directory.change(|draft| put(draft, &new)).await.unwrap();
        assert!(!known.log_in(Service::Imap, "secret").await.unwrap());
        known.directory.0.hasher.stop();
        assert_eq!(known.log_in(Service::Imap, "secret").await, Err(DirectoryError::Hashing));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn res_13_many_log_ins_at_once_start_one_renewal() {
        let known = Arc::new(Outdated::open().await);
        let made = known.made();
        // Nobody is verified before all of them wait for that.
        let held = known.directory.0.hasher.hold().await;
        let log_ins: Vec<_> = (0..50)
            .map(|_| {
                let known = Arc::clone(&known);
                tokio::spawn(async move { known.log_in(Service::Imap, "secret").await })
            })
            .collect();
        known.until(|this| this.directory.password_checks() == 50).await;
        drop(held);
        for log_in in log_ins {
            assert!(log_in.await.unwrap().unwrap());
        }
        known.until(Outdated::is_renewed).await;
        known.until_none_is_under_way().await;
        assert_eq!(known.made() - made, 1);
    }
}
