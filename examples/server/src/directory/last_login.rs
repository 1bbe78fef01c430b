//! When accounts last logged in: known at once, written now and then, many in one commit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::document::KIND_LAST_LOGIN;
use super::{Directory, DirectoryError, LastLogins, Service};
use crate::store::{AccountId, Expect, InternalDate, Record, RecordChange, RecordKey, StoreError};

/// What has been seen. As large as there are accounts that ever logged in.
#[derive(Debug, Default)]
pub(super) struct Recorder(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    logins: BTreeMap<AccountId, LastLogins>,
    unwritten: BTreeSet<AccountId>,
}

impl Recorder {
    /// What the store has.
    pub(super) fn read(&self, records: &[Record]) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for record in records.iter().filter(|record| record.key.kind == KIND_LAST_LOGIN) {
            // What can not be read is of no use to anybody and is written anew.
            if let (Ok(id), Ok(logins)) = (record.key.name.parse(), serde_json::from_str(&record.value)) {
                seen.logins.insert(AccountId(id), logins);
            }
        }
    }

    pub(super) fn note(&self, account: AccountId, service: Service) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.logins.entry(account).or_default().insert(service, InternalDate::now().seconds);
        seen.unwritten.insert(account);
    }

    fn of(&self, account: AccountId) -> LastLogins {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.logins.get(&account).cloned().unwrap_or_default()
    }

    pub(super) fn forget(&self, account: AccountId) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.logins.remove(&account);
        seen.unwritten.remove(&account);
    }

    /// Some that are to be written, which count as written from now on.
    fn take(&self, max: usize) -> Vec<(AccountId, LastLogins)> {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ids: Vec<_> = seen.unwritten.iter().copied().take(max).collect();
        ids.into_iter()
            .filter_map(|id| {
                seen.unwritten.remove(&id);
                Some((id, seen.logins.get(&id)?.clone()))
            })
            .collect()
    }

    fn put_back(&self, ids: impl Iterator<Item = AccountId>) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.unwritten.extend(ids);
    }
}

impl Directory {
    /// When an account last logged in to each service.
    pub fn last_logins(&self, account: AccountId) -> LastLogins {
        self.0.last_logins.of(account)
    }

    /// Writes the last log-ins that are not written yet: to be called every few minutes and at the end.
    ///
    /// # Errors
    ///
    /// The store failed; what was not written is tried again the next time.
    pub async fn write_last_logins(&self) -> Result<(), DirectoryError> {
        loop {
            let batch = self.0.last_logins.take(BATCH_MAX);
            if batch.is_empty() {
                return Ok(());
            }
            let changes = batch.iter().filter_map(|(id, logins)| {
                Some(RecordChange::Put {
                    key: RecordKey::new(KIND_LAST_LOGIN, id.to_string()),
                    expect: Expect::Anything,
                    value: serde_json::to_string(logins).ok()?,
                })
            });
            let (changes, ids): (Vec<_>, Vec<_>) =
                (changes.collect(), batch.iter().map(|(id, _)| *id).collect());
            // In a task of its own, so that what is taken is written or put back, whoever goes away meanwhile.
            let directory = self.clone();
            let writing = tokio::spawn(async move {
                let outcome = directory.0.store.commit(changes).await;
                if outcome.is_err() {
                    directory.0.last_logins.put_back(ids.into_iter());
                }
                outcome
            });
            writing.await.map_err(|_| StoreError::Closed)??;
        }
    }
}

/// So many are written in one commit.
const BATCH_MAX: usize = 500;
