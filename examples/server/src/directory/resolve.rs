//! Who gets what is sent to an address, and who may write in its name.
//!
//! An address is looked for in this order: an account, alias or group of exactly this name; the same without its
//! detail (`anna+lists`); the catch-all of the domain. Aliases and groups are followed to the accounts they end at, each
//! once, whatever circles they make. Names of a domain stand for the domain throughout.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::picture::{Entry, Picture};
use super::{Account, Address, PlusMail, Posting};
use crate::store::{AccountId, MailboxName};

/// Who gets what is sent to an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipients {
    /// These; never none.
    Local(Vec<Recipient>),
    /// The domain is none of this server's (SMTP 550 5.7.1, or relaying for who may).
    NotServed,
    /// Nobody has the address (SMTP 550 5.1.1).
    Unknown,
    /// The domain, or whoever has the address, is switched off for now (SMTP 550 5.2.1).
    Disabled,
    /// A group that this sender may not write to (SMTP 550 5.7.1).
    NotAllowed,
}

/// Somebody who gets a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Whose mailbox. Enabled.
    pub account: Arc<Account>,
    /// Which: INBOX, or the mailbox that the detail of the address names, which need not exist; see
    /// [`Directory::mailbox_for`](super::Directory::mailbox_for).
    pub mailbox: MailboxName,
    /// The address as it was asked for, for Delivered-To.
    pub address: Address,
}

pub(super) fn recipients(picture: &Picture, address: &Address, sender: Option<&Account>) -> Recipients {
    let Some(domain) = picture.domain(address.domain()) else { return Recipients::NotServed };
    if !domain.enabled {
        return Recipients::Disabled;
    }
    let mut found =
        Found { picture, sender, seen: BTreeSet::new(), accounts: BTreeMap::new(), refused: None };
    let canonical = picture.canonical(address);
    if picture.entry(&canonical).is_some() {
        found.follow(&canonical, None);
    } else if let Some((base, detail)) = without_detail(picture, &canonical)
        && picture.entry(&base).is_some()
    {
        found.follow(&base, Some(&detail));
    } else if let Some(catch_all) = &domain.catch_all {
        found.follow(&picture.canonical(catch_all), None);
    }
    found.into_recipients(address)
}

pub(super) fn may_send_as(picture: &Picture, account: &Account, from: &Address) -> bool {
    let canonical = picture.canonical(from);
    let known = match picture.entry(&canonical) {
        Some(_) => Some(canonical),
        None => without_detail(picture, &canonical).map(|(base, _)| base),
    };
    let mut open: Vec<Address> = known.into_iter().collect();
    let mut seen = BTreeSet::new();
    while let Some(address) = open.pop() {
        if !seen.insert(address.clone()) {
            continue;
        }
        match picture.entry(&address) {
            Some(Entry::Account(id)) if *id == account.id => return true,
            Some(Entry::Alias(alias)) if alias.enabled => {
                open.extend(alias.targets.iter().map(|target| picture.canonical(target)));
            }
            _ => {}
        }
    }
    false
}

pub(super) fn groups_of(picture: &Picture, account: &Account) -> Vec<String> {
    let mut of = BTreeSet::new();
    let mut open = vec![account.address.clone()];
    while let Some(member) = open.pop() {
        for holder in picture.holders(&member) {
            if of.insert(holder.clone()) {
                open.push(holder.clone());
            }
        }
    }
    let is_group = |address: &Address| matches!(picture.entry(address), Some(Entry::Group(_)));
    of.into_iter().filter(is_group).map(|address| address.to_string()).collect()
}

/// The address without its detail, and the detail; `None` when it has none, or its domain knows no details.
fn without_detail(picture: &Picture, address: &Address) -> Option<(Address, String)> {
    let plus = picture.domain(address.domain())?.plus?;
    let (local, detail) = address.local().split_once(plus)?;
    let base = Address::parse(&format!("{local}@{}", address.domain())).ok()?;
    Some((base, detail.to_owned()))
}

/// What has been found so far on the way from an address to accounts.
struct Found<'a> {
    picture: &'a Picture,
    sender: Option<&'a Account>,
    /// Followed already: every address once, so that circles end and the work is bounded by the directory.
    seen: BTreeSet<Address>,
    accounts: BTreeMap<AccountId, (Arc<Account>, MailboxName)>,
    /// Why the first that leads nowhere does so.
    refused: Option<Recipients>,
}

impl Found<'_> {
    fn follow(&mut self, address: &Address, detail: Option<&str>) {
        let picture = self.picture;
        let mut open = vec![address.clone()];
        while let Some(address) = open.pop() {
            if !self.seen.insert(address.clone()) {
                continue;
            }
            if !picture.domain(address.domain()).is_some_and(|domain| domain.enabled) {
                self.refuse(Recipients::Disabled);
                continue;
            }
            match picture.entry(&address) {
                Some(Entry::Account(id)) => self.reach(*id, detail),
                Some(Entry::Alias(alias)) if alias.enabled => {
                    open.extend(alias.targets.iter().map(|target| picture.canonical(target)));
                }
                Some(Entry::Group(group)) if group.enabled => {
                    if self.may_write(&address, group.posting) {
                        open.extend(group.members.iter().map(|member| picture.canonical(member)));
                    } else {
                        self.refuse(Recipients::NotAllowed);
                    }
                }
                Some(Entry::Alias(_) | Entry::Group(_)) => self.refuse(Recipients::Disabled),
                None => self.refuse(Recipients::Unknown),
            }
        }
    }

    fn reach(&mut self, id: AccountId, detail: Option<&str>) {
        let Some(account) = self.picture.account_by_id(id) else { return };
        if !account.enabled {
            return self.refuse(Recipients::Disabled);
        }
        let mailbox = detail
            .filter(|_| account.plus_mail == PlusMail::Folder)
            .and_then(|detail| MailboxName::new(detail).ok())
            .unwrap_or_else(MailboxName::inbox);
        self.accounts.entry(id).or_insert_with(|| (Arc::clone(account), mailbox));
    }

    fn may_write(&self, group: &Address, posting: Posting) -> bool {
        match (posting, self.sender) {
            (Posting::Public, _) => true,
            (_, None) => false,
            (Posting::Domain, Some(sender)) => sender.address.domain() == group.domain(),
            (Posting::Members, Some(sender)) => {
                groups_of(self.picture, sender).binary_search(&group.to_string()).is_ok()
            }
        }
    }

    fn refuse(&mut self, why: Recipients) {
        self.refused.get_or_insert(why);
    }

    fn into_recipients(self, address: &Address) -> Recipients {
        if self.accounts.is_empty() {
            return self.refused.unwrap_or(Recipients::Unknown);
        }
        let recipients = self.accounts.into_values().map(|(account, mailbox)| Recipient {
            account,
            mailbox,
            address: address.clone(),
        });
        Recipients::Local(recipients.collect())
    }
}
