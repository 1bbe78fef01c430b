//! How much room there is (RFC 9208). Usage is counted in the folders of a root; limits are kept in steps of 16.

use posthaste_imap::Misuse;
use posthaste_imap::server::{Asked, GetQuota, GetQuotaRoot, Refusal, Server, SetQuota};
use posthaste_imap::types::{AString, QuotaResource, QuotaUsage};

use super::{Folder, Store};

/// Limits for some folders together.
#[derive(Clone, Debug)]
pub(crate) struct QuotaRoot {
    pub(crate) name: &'static str,
    pub(crate) limits: Vec<(QuotaResource, u64)>,
    /// What others keep under the same root, in each resource.
    pub(crate) used_by_others: u64,
    /// Whether a user may change the limits.
    pub(crate) is_fixed: bool,
}

impl QuotaRoot {
    /// RFC 9208 5: STORAGE is in units of 1,024 octets.
    fn usage(&self, folders: &[Folder]) -> Vec<QuotaUsage> {
        let of = |(resource, limit): &(QuotaResource, u64)| {
            let messages = folders.iter().flat_map(|folder| &folder.messages);
            let own = match resource {
                QuotaResource::Storage => messages.map(super::Message::size).sum::<u64>().div_ceil(1024),
                QuotaResource::Message => messages.count() as u64,
                QuotaResource::Mailbox => folders.len() as u64,
                other => panic!("{other:?}"),
            };
            QuotaUsage { resource: resource.clone(), usage: own + self.used_by_others, limit: *limit }
        };
        self.limits.iter().map(of).collect()
    }
}

impl Store {
    fn quota(&mut self, name: &AString) -> Option<&mut QuotaRoot> {
        self.quotas.iter_mut().find(|root| root.name.as_bytes() == name.as_bytes())
    }

    pub(super) fn get_quota(&mut self, server: &mut Server, asked: Asked<GetQuota>) -> Result<(), Misuse> {
        match self.quota(&asked.root).cloned() {
            Some(root) => asked.ok(server, root.usage(&self.folders)),
            None => asked.no(server, Refusal::nonexistent()),
        }
    }

    pub(super) fn get_quota_root(
        &mut self,
        server: &mut Server,
        asked: Asked<GetQuotaRoot>,
    ) -> Result<(), Misuse> {
        if self.find(asked.mailbox.as_str()).is_none() {
            return asked.no(server, Refusal::nonexistent());
        }
        let root = |it: &QuotaRoot| (AString::new(it.name.as_bytes()).unwrap(), it.usage(&self.folders));
        asked.ok(server, self.quotas.iter().map(root).collect())
    }

    pub(super) fn set_quota(&mut self, server: &mut Server, asked: Asked<SetQuota>) -> Result<(), Misuse> {
        let given = asked.limits.clone();
        let Some(root) = self.quota(&asked.root) else { return asked.no(server, Refusal::nonexistent()) };
        if root.is_fixed {
            let root = root.clone();
            return asked.refuse(server, root.usage(&self.folders), Refusal::new("Not yours to change"));
        }
        root.limits = given.into_iter().map(|it| (it.resource, it.limit.next_multiple_of(16))).collect();
        let root = root.clone();
        asked.ok(server, root.usage(&self.folders))
    }
}
