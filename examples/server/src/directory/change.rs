//! Changing the directory: a draft of the next picture, of which what differs is committed, all or nothing.
//!
//! Drafts are made one after the other. Should another process have changed a record meanwhile, the commit is refused,
//! everything is read again, and the change is made once more on what is there then.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use super::cache::Tag;
use super::credential::hex;
use super::document::{
    self, KIND_ACCOUNT, KIND_ADMINISTRATOR, KIND_ALIAS, KIND_CLASS, KIND_DOMAIN, KIND_GROUP, KIND_LAST_LOGIN,
};
use super::picture::{Entry, Picture};
use super::{
    Account, Address, Administrator, Alias, Class, Directory, DirectoryError, Domain, Group, random,
};
use crate::store::{AccountId, Expect, RecordChange, RecordKey, StoreError};

/// The next picture, while it is being made. What it holds is read as a [`Picture`].
#[derive(Debug)]
pub struct Draft {
    picture: Picture,
    touched: BTreeSet<RecordKey>,
    /// What becomes of accounts and of names in access control lists, in order.
    accounts: Vec<RecordChange>,
    removed: Vec<AccountId>,
    /// Passwords that are known to be right for what the draft puts in.
    verified: Vec<Tag>,
}

impl std::ops::Deref for Draft {
    type Target = Picture;

    fn deref(&self) -> &Picture {
        &self.picture
    }
}

impl Draft {
    /// A draft that differs from a picture in nothing yet. Only [`Directory::change`] commits one.
    pub fn of(picture: &Picture) -> Self {
        let picture = Picture::clone(picture);
        Self {
            picture,
            touched: BTreeSet::new(),
            accounts: Vec::new(),
            removed: Vec::new(),
            verified: Vec::new(),
        }
    }

    /// Makes or replaces a domain.
    pub fn put_domain(&mut self, domain: Domain) {
        self.touch(KIND_DOMAIN, &domain.name);
        self.picture.domains.insert(domain.name.clone(), Arc::new(domain));
        self.picture.index();
    }

    /// Removes a domain, and with it nothing else.
    pub fn remove_domain(&mut self, name: &str) {
        self.touch(KIND_DOMAIN, name);
        self.picture.domains.remove(name);
        self.picture.index();
    }

    /// Makes or replaces a class.
    pub fn put_class(&mut self, class: Class) {
        self.touch(KIND_CLASS, &class.name);
        self.picture.classes.insert(class.name.clone(), Arc::new(class));
    }

    /// Removes a class.
    pub fn remove_class(&mut self, name: &str) {
        self.touch(KIND_CLASS, name);
        self.picture.classes.remove(name);
    }

    /// The id of an account that is about to be made, with its mailboxes; to be followed by
    /// [`put_account`](Self::put_account).
    pub fn new_account(&mut self) -> AccountId {
        let id = AccountId(self.picture.next_account);
        self.picture.next_account = self.picture.next_account.saturating_add(1);
        self.touched.insert(document::counters_key());
        self.accounts.push(RecordChange::AddAccount(id));
        id
    }

    /// Makes or replaces the document of an account, under whatever address it has now.
    pub fn put_account(&mut self, account: Account) {
        if let Some(before) = self.picture.accounts.get(&account.id).cloned() {
            self.touch(KIND_ACCOUNT, &before.address.to_string());
            self.picture.entries.remove(&before.address);
            if before.address != account.address {
                let to = Some(account.address.to_string());
                self.accounts.push(RecordChange::Identifier { from: before.address.to_string(), to });
            }
        }
        self.touch(KIND_ACCOUNT, &account.address.to_string());
        self.picture.entries.insert(account.address.clone(), Entry::Account(account.id));
        self.picture.accounts.insert(account.id, Arc::new(account));
        self.picture.iterations = OnceLock::new();
    }

    /// Remembers a password as verified, from when the draft is in force on; not if it never is.
    pub(super) fn remember(&mut self, tag: Tag) {
        self.verified.push(tag);
    }

    /// Removes all mail of an account.
    pub fn empty_account(&mut self, id: AccountId) {
        self.accounts.push(RecordChange::EmptyAccount(id));
    }

    /// Removes an account and its mail.
    pub fn remove_account(&mut self, id: AccountId) {
        let Some(account) = self.picture.accounts.remove(&id) else { return };
        self.picture.iterations = OnceLock::new();
        self.touch(KIND_ACCOUNT, &account.address.to_string());
        self.picture.entries.remove(&account.address);
        self.accounts.push(RecordChange::RemoveAccount(id));
        // Whoever gets the address next is somebody else.
        self.accounts.push(RecordChange::Identifier { from: account.address.to_string(), to: None });
        let key = RecordKey::new(KIND_LAST_LOGIN, id.to_string());
        self.accounts.push(RecordChange::Delete { key, expect: Expect::Anything });
        self.removed.push(id);
    }

    /// Makes or replaces an alias.
    pub fn put_alias(&mut self, alias: Alias) {
        self.touch(KIND_ALIAS, &alias.address.to_string());
        self.picture.entries.insert(alias.address.clone(), Entry::Alias(Arc::new(alias)));
        self.picture.index();
    }

    /// Makes or replaces a group.
    pub fn put_group(&mut self, group: Group) {
        self.touch(KIND_GROUP, &group.address.to_string());
        self.picture.entries.insert(group.address.clone(), Entry::Group(Arc::new(group)));
        self.picture.index();
    }

    /// Removes an alias or a group.
    pub fn remove_entry(&mut self, address: &Address) {
        let kind = match self.picture.entry(address) {
            Some(Entry::Alias(_)) => KIND_ALIAS,
            Some(Entry::Group(_)) => KIND_GROUP,
            Some(Entry::Account(_)) | None => return,
        };
        if kind == KIND_GROUP {
            self.accounts.push(RecordChange::Identifier { from: format!("${address}"), to: None });
        }
        self.touch(kind, &address.to_string());
        self.picture.entries.remove(address);
        self.picture.index();
    }

    /// Makes or replaces an administrator that has no mailbox.
    pub fn put_administrator(&mut self, administrator: Administrator) {
        self.touch(KIND_ADMINISTRATOR, &administrator.name);
        self.picture.administrators.insert(administrator.name.clone(), Arc::new(administrator));
    }

    /// Removes such an administrator.
    pub fn remove_administrator(&mut self, name: &str) {
        self.touch(KIND_ADMINISTRATOR, name);
        self.picture.administrators.remove(name);
    }

    fn touch(&mut self, kind: &str, name: &str) {
        self.touched.insert(RecordKey::new(kind, name));
    }

    /// What differs, for the store; and the versions the records have afterwards.
    fn changes(&mut self, before: &Picture) -> Result<Vec<RecordChange>, DirectoryError> {
        let mut changes = std::mem::take(&mut self.accounts);
        for key in std::mem::take(&mut self.touched) {
            let version = self.picture.versions.get(&key).copied();
            let value = document::write(&self.picture, &key)?;
            if value.is_some() && version.is_some() && value == document::write(before, &key)? {
                continue;
            }
            let expect = version.map_or(Expect::Absent, Expect::Version);
            match value {
                Some(value) => {
                    self.picture.versions.insert(key.clone(), version.unwrap_or(0).saturating_add(1));
                    changes.push(RecordChange::Put { key, expect, value });
                }
                None if version.is_some() => {
                    self.picture.versions.remove(&key);
                    changes.push(RecordChange::Delete { key, expect });
                }
                // Made and removed in one draft.
                None => {}
            }
        }
        Ok(changes)
    }
}

impl Directory {
    /// Changes the directory: what `edit` does to the draft is in force when this answers, all of it, or nothing
    /// when either fails. `edit` may be called again, on what somebody else has left.
    ///
    /// # Errors
    ///
    /// Those of `edit`, and those of the store.
    pub async fn change<T, E: From<DirectoryError>>(
        &self,
        mut edit: impl FnMut(&mut Draft) -> Result<T, E> + Send,
    ) -> Result<T, E> {
        let mut alone = Arc::clone(&self.0.changing).lock_owned().await;
        let mut attempts = ATTEMPTS_MAX;
        loop {
            let before = self.picture();
            let mut draft = Draft::of(&before);
            let answer = edit(&mut draft)?;
            let changes = draft.changes(&before)?;
            if changes.is_empty() {
                return Ok(answer);
            }
            // In a task of its own: whoever asked may go away at any moment, and what is committed has to be seen.
            let directory = self.clone();
            let committing = tokio::spawn(async move {
                let outcome = directory.0.store.commit(changes).await;
                if outcome.is_ok() {
                    for id in draft.removed {
                        directory.0.last_logins.forget(id);
                    }
                    // First, so that nobody finds what is new and has it verified once more.
                    for tag in draft.verified {
                        directory.0.verified.add(tag);
                    }
                    directory.replace(draft.picture);
                }
                (outcome, alone)
            });
            let (outcome, still_alone) =
                committing.await.map_err(|_| DirectoryError::from(StoreError::Closed))?;
            alone = still_alone;
            match outcome {
                Ok(()) => return Ok(answer),
                Err(StoreError::Conflict(_)) if attempts > 1 => {
                    attempts -= 1;
                    self.reload().await?;
                }
                Err(error) => return Err(DirectoryError::from(error).into()),
            }
        }
    }

    /// Reads everything again, for when another process has changed the store.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn reload(&self) -> Result<(), DirectoryError> {
        let picture = document::read(&self.0.store.records().await?)?;
        self.replace(picture);
        Ok(())
    }

    /// See [`Picture::decoy_secret`]: made once for each store.
    pub(super) async fn make_decoy_secret(&self) -> Result<(), DirectoryError> {
        if !self.picture().decoy_secret.is_empty() {
            return Ok(());
        }
        let secret: [u8; 32] = random::octets()?;
        self.change(|draft| {
            draft.picture.decoy_secret = hex(&secret);
            draft.touched.insert(document::counters_key());
            Ok(())
        })
        .await
    }
}

/// So often is a change made, until nobody else is in between.
const ATTEMPTS_MAX: u32 = 4;
