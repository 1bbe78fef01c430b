//! The whole directory at one moment: documents, and the ways to find them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::{
    Account, Address, Administrator, Alias, Class, DirectoryError, Domain, Group, Service, document,
};
use crate::store::{AccountId, Record, RecordKey, Room};

/// The whole directory at one moment. It does not change.
#[derive(Debug, Clone, Default)]
pub struct Picture {
    pub(super) domains: BTreeMap<String, Arc<Domain>>,
    pub(super) classes: BTreeMap<String, Arc<Class>>,
    pub(super) accounts: BTreeMap<AccountId, Arc<Account>>,
    pub(super) entries: BTreeMap<Address, Entry>,
    pub(super) administrators: BTreeMap<String, Arc<Administrator>>,
    /// Other names of domains.
    pub(super) names: BTreeMap<String, String>,
    /// Which aliases and groups have an address among their targets or members.
    pub(super) holders: BTreeMap<Address, BTreeSet<Address>>,
    /// The next account's id.
    pub(super) next_account: i64,
    /// What salts of users that do not exist are made from, in hexadecimal digits.
    pub(super) decoy_secret: String,
    /// How many accounts have SCRAM keys with so many iterations, once somebody has asked.
    pub(super) iterations: OnceLock<BTreeMap<u32, u64>>,
    /// The version of each record, for the next change of it.
    pub(super) versions: BTreeMap<RecordKey, u64>,
}

/// What an address is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// An account.
    Account(AccountId),
    /// An alias.
    Alias(Arc<Alias>),
    /// A group.
    Group(Arc<Group>),
}

impl Picture {
    /// What the records of a store say.
    ///
    /// # Errors
    ///
    /// A document can not be understood.
    pub fn of(records: &[Record]) -> Result<Self, DirectoryError> {
        document::read(records)
    }

    /// The domains, by name.
    pub fn domains(&self) -> impl Iterator<Item = &Arc<Domain>> {
        self.domains.values()
    }

    /// The domain that has this name, as its first or another one. The name is normalised.
    pub fn domain(&self, name: &str) -> Option<&Arc<Domain>> {
        self.domains.get(name).or_else(|| self.domains.get(self.names.get(name)?))
    }

    /// The classes, by name.
    pub fn classes(&self) -> impl Iterator<Item = &Arc<Class>> {
        self.classes.values()
    }

    /// The class of this name.
    pub fn class(&self, name: &str) -> Option<&Arc<Class>> {
        self.classes.get(name)
    }

    /// The accounts, by id.
    pub fn accounts(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.accounts.values()
    }

    /// The account that has this address, under any name of its domain.
    pub fn account(&self, address: &Address) -> Option<&Arc<Account>> {
        match self.entry(&self.canonical(address))? {
            Entry::Account(id) => self.accounts.get(id),
            Entry::Alias(_) | Entry::Group(_) => None,
        }
    }

    /// The account with this id.
    pub fn account_by_id(&self, id: AccountId) -> Option<&Arc<Account>> {
        self.accounts.get(&id)
    }

    /// The administrators that are not accounts, by name.
    pub fn administrators(&self) -> impl Iterator<Item = &Arc<Administrator>> {
        self.administrators.values()
    }

    /// All addresses with what they are, by domain.
    pub fn entries(&self) -> impl Iterator<Item = (&Address, &Entry)> {
        self.entries.iter()
    }

    /// What an address is; it must be [canonical](Self::canonical).
    pub fn entry(&self, address: &Address) -> Option<&Entry> {
        self.entries.get(address)
    }

    /// The address with the first name of its domain.
    pub fn canonical(&self, address: &Address) -> Address {
        match self.names.get(address.domain()) {
            Some(name) => address.with_domain(name),
            None => address.clone(),
        }
    }

    /// The aliases and groups that have this address among their targets or members.
    pub(super) fn holders(&self, address: &Address) -> impl Iterator<Item = &Address> {
        self.holders.get(address).into_iter().flatten()
    }

    /// What has this address among its targets or members.
    pub fn holding(&self, address: &Address) -> Vec<Entry> {
        self.holders(address).filter_map(|holder| self.entry(holder).cloned()).collect()
    }

    /// Whether an account, and its domain, are enabled and both permit the service.
    pub fn may_use(&self, account: &Account, service: Service) -> bool {
        account.enabled
            && account.permissions.allows(service)
            && self.domain(account.address.domain()).is_some_and(|domain| domain.allows(service))
    }

    /// See [`Directory::room`](super::Directory::room).
    pub fn room(&self, account: &Account) -> Room {
        let class = account.class.as_deref().and_then(|name| self.class(name));
        let domain = self.domain(account.address.domain());
        let own = account.quota.or_else(|| class.and_then(|class| class.quota));
        let octets = [own, domain.and_then(|domain| domain.limits.account_size)].into_iter().flatten().min();
        let messages = account.quota_messages.or_else(|| class.and_then(|class| class.quota_messages));
        Room { octets, messages, ..Room::UNLIMITED }
    }

    /// See [`Directory::message_size`](super::Directory::message_size).
    pub fn message_size(&self, account: &Account) -> Option<u64> {
        let class = account.class.as_deref().and_then(|name| self.class(name));
        let domain = self.domain(account.address.domain());
        let limits = [
            class.and_then(|class| class.message_size),
            domain.and_then(|domain| domain.limits.message_size),
        ];
        limits.into_iter().flatten().min()
    }

    /// Makes the ways to find documents anew.
    pub(super) fn index(&mut self) {
        self.names = self
            .domains
            .values()
            .flat_map(|domain| domain.names.iter().map(|name| (name.clone(), domain.name.clone())))
            .collect();
        let mut holders: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
        for (holder, entry) in &self.entries {
            let held = match entry {
                Entry::Account(_) => continue,
                Entry::Alias(alias) => &alias.targets,
                Entry::Group(group) => &group.members,
            };
            for address in held {
                holders.entry(self.canonical(address)).or_default().insert(holder.clone());
            }
        }
        self.holders = holders;
    }
}
