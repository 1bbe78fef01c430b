//! Aliases and groups: addresses that stand for others. Targets are of this server: nothing is passed on elsewhere.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::domains::{must_be_here, no_domain};
use super::operation::{Method, Operation};
use super::{Admin, Principal, Problem, limits};
use crate::directory::{Address, Alias, Domain, Draft, Entry, Group, Posting, normalise_domain};
use crate::store::Progress;

/// Lists the aliases that may be seen.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct ListAliases {
    /// Only those of this domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}

/// Makes or replaces an alias.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct PutAlias {
    /// Its address.
    pub address: Address,
    /// Whom it stands for.
    pub targets: BTreeSet<Address>,
    /// Whether it takes mail.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// Removes an alias.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemoveAlias {
    /// Its address.
    pub address: Address,
}

/// Lists the groups that may be seen.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct ListGroups {
    /// Only those of this domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}

/// Makes or replaces a group.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct PutGroup {
    /// Its address.
    pub address: Address,
    /// Who is in it.
    pub members: BTreeSet<Address>,
    /// Whether it takes mail.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// Who may write to it.
    #[serde(default)]
    pub posting: Posting,
}

/// Removes a group.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct RemoveGroup {
    /// Its address.
    pub address: Address,
}

const fn yes() -> bool {
    true
}

impl Operation for ListAliases {
    type Answer = Vec<Alias>;
    const NAME: &'static str = "alias.list";
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/aliases";
    const SUMMARY: &'static str = "Lists the aliases that may be seen.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Vec<Alias>, Problem> {
        let listed = listed(admin, who, self.domain.as_deref())?;
        let aliases = listed.into_iter().filter_map(|entry| match entry {
            Entry::Alias(alias) => Some(Alias::clone(&alias)),
            Entry::Account(_) | Entry::Group(_) => None,
        });
        Ok(aliases.collect())
    }
}

impl Operation for PutAlias {
    type Answer = Alias;
    const NAME: &'static str = "alias.put";
    const METHOD: Method = Method::Put;
    const PATH: &'static str = "/api/aliases/{address}";
    const SUMMARY: &'static str = "Makes or replaces an alias.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Alias, Problem> {
        if self.targets.is_empty() {
            return Err(Problem::invalid("an alias stands for somebody").remedy("name one target at least"));
        }
        let Self { address, targets, enabled } = self;
        let change = |draft: &mut Draft| {
            let address = free(draft, who, &address, |entry| matches!(entry, Entry::Alias(_)))?;
            let targets = held(draft, who, &targets)?;
            let alias = Alias { address: address.clone(), enabled, targets };
            draft.put_alias(alias.clone());
            limits::check(draft, address.domain())?;
            Ok(alias)
        };
        admin.directory().change(change).await
    }
}

impl Operation for RemoveAlias {
    type Answer = ();
    const NAME: &'static str = "alias.remove";
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/api/aliases/{address}";
    const SUMMARY: &'static str = "Removes an alias.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<(), Problem> {
        let change = |draft: &mut Draft| {
            let address = draft.canonical(&self.address);
            who.must_administer(address.domain())?;
            let Some(Entry::Alias(_)) = draft.entry(&address) else {
                return Err(Problem::not_found(format_args!("alias {address}")));
            };
            forget(draft, &address);
            draft.remove_entry(&address);
            Ok(())
        };
        admin.directory().change(change).await
    }
}

impl Operation for ListGroups {
    type Answer = Vec<Group>;
    const NAME: &'static str = "group.list";
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/groups";
    const SUMMARY: &'static str = "Lists the groups that may be seen.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Vec<Group>, Problem> {
        let listed = listed(admin, who, self.domain.as_deref())?;
        let groups = listed.into_iter().filter_map(|entry| match entry {
            Entry::Group(group) => Some(Group::clone(&group)),
            Entry::Account(_) | Entry::Alias(_) => None,
        });
        Ok(groups.collect())
    }
}

impl Operation for PutGroup {
    type Answer = Group;
    const NAME: &'static str = "group.put";
    const METHOD: Method = Method::Put;
    const PATH: &'static str = "/api/groups/{address}";
    const SUMMARY: &'static str = "Makes or replaces a group.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Group, Problem> {
        let Self { address, members, enabled, description, posting } = self;
        if description.len() > DESCRIPTION_MAX {
            return Err(Problem::invalid(format!("a description has at most {DESCRIPTION_MAX} octets")));
        }
        let change = |draft: &mut Draft| {
            let address = free(draft, who, &address, |entry| matches!(entry, Entry::Group(_)))?;
            let members = held(draft, who, &members)?;
            let description = description.clone();
            let group = Group { address: address.clone(), enabled, description, members, posting };
            draft.put_group(group.clone());
            limits::check(draft, address.domain())?;
            Ok(group)
        };
        admin.directory().change(change).await
    }
}

impl Operation for RemoveGroup {
    type Answer = ();
    const NAME: &'static str = "group.remove";
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/api/groups/{address}";
    const SUMMARY: &'static str = "Removes a group.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<(), Problem> {
        let change = |draft: &mut Draft| {
            let address = draft.canonical(&self.address);
            who.must_administer(address.domain())?;
            let Some(Entry::Group(_)) = draft.entry(&address) else {
                return Err(Problem::not_found(format_args!("group {address}")));
            };
            forget(draft, &address);
            draft.remove_entry(&address);
            Ok(())
        };
        admin.directory().change(change).await
    }
}

/// What is in the domains that may be seen.
fn listed(admin: &Admin, who: &Principal, domain: Option<&str>) -> Result<Vec<Entry>, Problem> {
    who.must_administer_something()?;
    let domain = domain.map(normalise_domain).transpose()?;
    if let Some(domain) = &domain {
        who.must_administer(domain)?;
    }
    let picture = admin.directory().picture();
    let seen = picture.entries().filter(|(address, _)| match &domain {
        Some(domain) => address.domain() == domain,
        None => who.administers(address.domain()),
    });
    Ok(seen.map(|(_, entry)| entry.clone()).collect())
}

/// The address with the first name of its domain, if it is free or what is there may be replaced.
pub(super) fn free(
    draft: &Draft,
    who: &Principal,
    address: &Address,
    may_replace: impl Fn(&Entry) -> bool,
) -> Result<Address, Problem> {
    let address = draft.canonical(address);
    who.must_administer(address.domain())?;
    let Some(domain) = draft.domain(address.domain()) else { return Err(no_domain(address.domain())) };
    if let Some(plus) = domain.plus
        && address.local().contains(plus)
    {
        let problem = Problem::invalid(format!("{address} has a {plus:?}, which stands before a detail"));
        return Err(problem.remedy("choose an address without it, or another character for the domain"));
    }
    match draft.entry(&address) {
        Some(entry) if !may_replace(entry) => {
            let what = match entry {
                Entry::Account(_) => "account",
                Entry::Alias(_) => "alias",
                Entry::Group(_) => "group",
            };
            Err(Problem::exists(format_args!("{what} {address}")))
        }
        _ => Ok(address),
    }
}

/// Targets, with the first names of their domains. Who administers one domain adds nobody of another.
fn held(draft: &Draft, who: &Principal, targets: &BTreeSet<Address>) -> Result<BTreeSet<Address>, Problem> {
    if targets.len() > TARGETS_MAX {
        return Err(Problem::limit(format!("at most {TARGETS_MAX} addresses can be held together")));
    }
    let hold = |target: &Address| {
        let target = draft.canonical(target);
        who.must_administer(target.domain())?;
        must_be_here(draft, &target)?;
        Ok(target)
    };
    targets.iter().map(hold).collect()
}

/// Takes an address that is about to go out of all aliases, groups and catch-alls. An alias that stands for nobody
/// any more goes too, and so on.
pub(super) fn forget(draft: &mut Draft, address: &Address) {
    let mut gone = vec![address.clone()];
    while let Some(address) = gone.pop() {
        gone.extend(replace(draft, &address, None));
    }
}

/// Puts another address, or none, in the place of one. The answer are the aliases that have gone because they stood
/// for nobody else.
pub(super) fn replace(draft: &mut Draft, address: &Address, with: Option<&Address>) -> Vec<Address> {
    let mut gone = Vec::new();
    for entry in draft.holding(address) {
        match entry {
            Entry::Account(_) => {}
            Entry::Alias(alias) => {
                let mut alias = Alias::clone(&alias);
                alias.targets.remove(address);
                alias.targets.extend(with.cloned());
                if alias.targets.is_empty() {
                    draft.remove_entry(&alias.address);
                    gone.push(alias.address);
                } else {
                    draft.put_alias(alias);
                }
            }
            Entry::Group(group) => {
                let mut group = Group::clone(&group);
                group.members.remove(address);
                group.members.extend(with.cloned());
                draft.put_group(group);
            }
        }
    }
    let catching: Vec<Domain> = draft
        .domains()
        .filter(|domain| domain.catch_all.as_ref() == Some(address))
        .map(|domain| Domain { catch_all: with.cloned(), ..Domain::clone(domain) })
        .collect();
    for domain in catching {
        draft.put_domain(domain);
    }
    gone
}

/// So many targets has an alias, so many members a group at most.
const TARGETS_MAX: usize = 10_000;

/// So many octets has a description at most.
const DESCRIPTION_MAX: usize = 1000;
