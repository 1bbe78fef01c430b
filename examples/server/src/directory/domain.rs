//! A domain, its other names and its limits; the aliases and groups in it; the classes of accounts.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Address, Service};

/// A domain that mail is taken for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// A domain that is not enabled takes no mail and no log-in; what its accounts keep stays.
    pub enabled: bool,
    /// Other names: what is sent to `anna@` any of them is sent to `anna@` the domain.
    #[serde(default)]
    pub names: BTreeSet<String>,
    /// What is in it at most.
    #[serde(default)]
    pub limits: DomainLimits,
    /// The services its accounts may use, as far as they may themselves; `None` for all of them.
    #[serde(default)]
    pub services: Option<BTreeSet<Service>>,
    /// Who gets what is sent to addresses that nobody has.
    #[serde(default)]
    pub catch_all: Option<Address>,
    /// The character between the user and the detail of an address, as in `anna+lists@`; `None` switches that off.
    #[serde(default = "plus")]
    pub plus: Option<char>,
    /// Whether mail from outside waits until it is tried again, where its client is not known (RFC 6647).
    #[serde(default)]
    pub greylisting: bool,
}

/// What a domain has at most; `None` is no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct DomainLimits {
    /// Octets that one account may keep.
    pub account_size: Option<u64>,
    /// Octets that all accounts together may be given: the sum of their quotas. Every account needs one then.
    pub allocated: Option<u64>,
    /// Octets of one message, sent or received.
    pub message_size: Option<u64>,
    /// Accounts.
    pub accounts: Option<u32>,
    /// Aliases.
    pub aliases: Option<u32>,
    /// Groups.
    pub groups: Option<u32>,
}

/// An address that stands for others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alias {
    /// The address.
    pub address: Address,
    /// An alias that is not enabled is an address that takes no mail.
    pub enabled: bool,
    /// Whom it stands for: accounts, aliases and groups that are here. Never none.
    pub targets: BTreeSet<Address>,
}

/// Several accounts under one name: a distribution list, and an identifier for access control lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// Its address.
    pub address: Address,
    /// A group that is not enabled is an address that takes no mail. Its members keep their access.
    pub enabled: bool,
    /// What it is for, for people.
    #[serde(default)]
    pub description: String,
    /// Who is in it: accounts, aliases and groups that are here.
    pub members: BTreeSet<Address>,
    /// Who may write to it.
    #[serde(default)]
    pub posting: Posting,
}

/// Who may write to a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Posting {
    /// Anybody.
    #[default]
    Public,
    /// Whoever is logged in as a member.
    Members,
    /// Whoever is logged in to an account of the domain.
    Domain,
}

/// A rank: what accounts of it may keep, where they have nothing of their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Octets that an account may keep; `None` leaves it to the domain.
    #[serde(default)]
    pub quota: Option<u64>,
    /// Messages that an account may keep.
    #[serde(default)]
    pub quota_messages: Option<u64>,
    /// Octets of one message, sent or received.
    #[serde(default)]
    pub message_size: Option<u64>,
}

impl Domain {
    /// Whether accounts of it may log in to a service, as far as they may themselves.
    pub fn allows(&self, service: Service) -> bool {
        self.enabled && self.services.as_ref().is_none_or(|services| services.contains(&service))
    }

    /// An enabled domain without limits.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            enabled: true,
            names: BTreeSet::new(),
            limits: DomainLimits::default(),
            services: None,
            catch_all: None,
            plus: plus(),
            greylisting: false,
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the type of the field")]
const fn plus() -> Option<char> {
    Some('+')
}
