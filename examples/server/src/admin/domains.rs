//! Domains: their names, their limits, what happens to mail that nobody has the address of.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::operation::{Method, Operation};
use super::{Admin, Principal, Problem, ProblemKind, limits};
use crate::directory::{Address, Domain, DomainLimits, Draft, Entry, Service, normalise_domain};
use crate::store::Progress;

/// Lists the domains that may be seen.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct List {}

/// Shows a domain.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Show {
    /// One of its names.
    pub domain: String,
}

/// Takes mail for a domain from now on.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Add {
    /// Its name, as in example.org.
    pub name: String,
}

/// Changes a domain; what is not named stays.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Set {
    /// Its name.
    pub domain: String,
    /// Whether it takes mail and log-ins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Its other names, all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names: Option<BTreeSet<String>>,
    /// What is in it at most, all of it: a limit that is not named is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<DomainLimits>,
    /// The services its accounts may use, as far as they may themselves; `null` for all of them.
    #[serde(deserialize_with = "super::operation::given", skip_serializing_if = "Option::is_none")]
    pub services: Option<Option<BTreeSet<Service>>>,
    /// Who gets what nobody has the address of; `null` for nobody.
    #[serde(deserialize_with = "super::operation::given", skip_serializing_if = "Option::is_none")]
    pub catch_all: Option<Option<Address>>,
    /// The character before the detail of an address; `null` for none.
    #[serde(deserialize_with = "super::operation::given", skip_serializing_if = "Option::is_none")]
    pub plus: Option<Option<char>>,
    /// Whether mail from outside waits until it is tried again, where its client is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub greylisting: Option<bool>,
}

/// Takes no more mail for a domain.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Remove {
    /// Its name.
    pub domain: String,
    /// Whether its accounts go too, and all their mail, its aliases and its groups.
    #[serde(default)]
    pub with_everything: bool,
}

impl Operation for List {
    type Answer = Vec<Domain>;
    const NAME: &'static str = "domain.list";
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/domains";
    const SUMMARY: &'static str = "Lists the domains that may be seen.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Vec<Domain>, Problem> {
        who.must_administer_something()?;
        let picture = admin.directory().picture();
        let seen = picture.domains().filter(|domain| who.administers(&domain.name));
        Ok(seen.map(|domain| Domain::clone(domain)).collect())
    }
}

impl Operation for Show {
    type Answer = Domain;
    const NAME: &'static str = "domain.show";
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/domains/{domain}";
    const SUMMARY: &'static str = "Shows a domain.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Domain, Problem> {
        let name = normalise_domain(&self.domain)?;
        let picture = admin.directory().picture();
        let domain = picture.domain(&name);
        who.must_administer(domain.map_or(&name, |domain| &domain.name))?;
        domain.map(|domain| Domain::clone(domain)).ok_or_else(|| no_domain(&name))
    }
}

impl Operation for Add {
    type Answer = Domain;
    const NAME: &'static str = "domain.add";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/domains";
    const SUMMARY: &'static str = "Takes mail for a domain from now on.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Domain, Problem> {
        who.must_be_server_admin()?;
        let domain = Domain::new(normalise_domain(&self.name)?);
        let change = |draft: &mut Draft| {
            if draft.domain(&domain.name).is_some() {
                return Err(Problem::exists(format_args!("domain {}", domain.name)));
            }
            draft.put_domain(domain.clone());
            Ok(domain.clone())
        };
        admin.directory().change(change).await
    }
}

impl Operation for Set {
    type Answer = Domain;
    const NAME: &'static str = "domain.set";
    const METHOD: Method = Method::Patch;
    const PATH: &'static str = "/api/domains/{domain}";
    const SUMMARY: &'static str = "Changes a domain; what is not named stays.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Domain, Problem> {
        let name = normalise_domain(&self.domain)?;
        // What a domain may have and is called is the server's to say.
        let is_of_server = self.enabled.is_some() || self.services.is_some();
        if is_of_server || self.names.is_some() || self.limits.is_some() {
            who.must_be_server_admin()?;
        }
        who.must_administer(&name)?;
        let names =
            self.names.as_ref().map(|names| names.iter().map(|name| normalise_domain(name)).collect());
        let names: Option<BTreeSet<String>> = names.transpose()?;
        if let Some(limits) = &self.limits {
            // How many accounts, aliases and groups there may be can well be none.
            limits::not_zero(&[
                ("account_size", limits.account_size),
                ("allocated", limits.allocated),
                ("message_size", limits.message_size),
            ])?;
        }
        if let Some(Some(plus)) = self.plus
            && !"+-=_#!".contains(plus)
        {
            let problem = Problem::invalid(format!("{plus:?} can not stand before the detail of an address"));
            return Err(problem.remedy("choose one of + - = _ # !"));
        }
        let change = |draft: &mut Draft| {
            let mut domain = match draft.domain(&name).filter(|domain| domain.name == name) {
                Some(domain) => Domain::clone(domain),
                None => return Err(no_domain(&name)),
            };
            for other in names.iter().flatten() {
                if draft.domain(other).is_some_and(|domain| domain.name != name) || *other == name {
                    return Err(Problem::exists(format_args!("domain {other}")));
                }
            }
            if let Some(Some(target)) = &self.catch_all {
                must_be_here(draft, target)?;
                if !who.is_server_admin() {
                    who.must_administer(draft.canonical(target).domain())?;
                }
            }
            domain.enabled = self.enabled.unwrap_or(domain.enabled);
            domain.names = names.clone().unwrap_or(domain.names);
            domain.limits = self.limits.clone().unwrap_or(domain.limits);
            domain.services = self.services.clone().unwrap_or(domain.services);
            if let Some(target) = &self.catch_all {
                domain.catch_all = target.as_ref().map(|target| draft.canonical(target));
            }
            domain.plus = self.plus.unwrap_or(domain.plus);
            domain.greylisting = self.greylisting.unwrap_or(domain.greylisting);
            draft.put_domain(domain.clone());
            limits::check(draft, &name)?;
            Ok(domain)
        };
        admin.directory().change(change).await
    }
}

impl Operation for Remove {
    type Answer = ();
    const NAME: &'static str = "domain.remove";
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/api/domains/{domain}";
    const SUMMARY: &'static str = "Takes no more mail for a domain.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<(), Problem> {
        who.must_be_server_admin()?;
        let name = normalise_domain(&self.domain)?;
        let change = |draft: &mut Draft| {
            if draft.domain(&name).is_none_or(|domain| domain.name != name) {
                return Err(no_domain(&name));
            }
            let inside: Vec<(Address, Entry)> = draft
                .entries()
                .filter(|(address, _)| address.domain() == name)
                .map(|(address, entry)| (address.clone(), entry.clone()))
                .collect();
            if !self.with_everything && !inside.is_empty() {
                let detail = format!("the domain {name} has {} accounts, aliases and groups", inside.len());
                let problem = Problem::new(ProblemKind::Conflict, detail);
                return Err(
                    problem.remedy("remove them first, or say that they go too, with all mail (--force)")
                );
            }
            for (address, entry) in inside {
                super::names::forget(draft, &address);
                match entry {
                    Entry::Account(id) => draft.remove_account(id),
                    Entry::Alias(_) | Entry::Group(_) => draft.remove_entry(&address),
                }
            }
            draft.remove_domain(&name);
            Ok(())
        };
        admin.directory().change(change).await
    }
}

/// There is no such domain.
pub(super) fn no_domain(name: &str) -> Problem {
    Problem::not_found(format_args!("domain {name} here"))
        .remedy(format!("add it with `posthaste domain add {name}`"))
}

/// Refuses an address that nobody here has.
pub(super) fn must_be_here(draft: &Draft, address: &Address) -> Result<(), Problem> {
    if draft.entry(&draft.canonical(address)).is_some() {
        return Ok(());
    }
    let problem = Problem::not_found(format_args!("account, alias or group {address} here"));
    Err(problem.remedy("mail is passed on to addresses of this server only: make it first"))
}
