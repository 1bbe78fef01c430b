//! The commands `domain`, `alias`, `group` and `class`.

use clap::{Args, Subcommand, ValueEnum};

use super::{Common, OfDomain, OrNone, or_none, show, size_or_none};
use crate::admin::{classes, domains, names};
use crate::directory::{self, Address, Posting, Service};

#[derive(Debug, Subcommand)]
pub(super) enum Domain {
    /// Take mail for a domain.
    Add {
        /// The domain, as in example.org.
        name: String,
    },
    /// Show the domains.
    List,
    /// Show a domain and its limits.
    Show {
        /// One of its names.
        name: String,
    },
    /// Change a domain; what is not named stays.
    Set(Box<SetDomain>),
    /// Take no more mail for a domain.
    Remove {
        /// The domain.
        name: String,
        /// Remove its accounts and all their mail too.
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct SetDomain {
    /// The domain.
    name: String,
    /// Whether it takes mail and log-ins.
    #[arg(long)]
    enabled: Option<bool>,
    /// Another name of it; all of them, or `none`.
    #[arg(long, value_name = "NAME", value_parser = or_none::<String>)]
    alias: Vec<OrNone<String>>,
    /// What one account may keep, or `none`.
    #[arg(long, value_name = "SIZE", value_parser = size_or_none)]
    account_size: Option<OrNone<u64>>,
    /// What all accounts together may be given, or `none`.
    #[arg(long, value_name = "SIZE", value_parser = size_or_none)]
    allocated: Option<OrNone<u64>>,
    /// How large a message may be, or `none`.
    #[arg(long, value_name = "SIZE", value_parser = size_or_none)]
    message_size: Option<OrNone<u64>>,
    /// How many accounts it may have, or `none`.
    #[arg(long, value_name = "N", value_parser = or_none::<u32>)]
    accounts: Option<OrNone<u32>>,
    /// How many aliases it may have, or `none`.
    #[arg(long, value_name = "N", value_parser = or_none::<u32>)]
    aliases: Option<OrNone<u32>>,
    /// How many groups it may have, or `none`.
    #[arg(long, value_name = "N", value_parser = or_none::<u32>)]
    groups: Option<OrNone<u32>>,
    /// The services its accounts may use, as far as they may themselves, or `all`.
    #[arg(long, value_delimiter = ',', value_parser = all_or_service)]
    services: Vec<Option<Service>>,
    /// Who gets what nobody has the address of, or `none`.
    #[arg(long, value_name = "ADDRESS", value_parser = or_none::<Address>)]
    catch_all: Option<OrNone<Address>>,
    /// The character before the detail of an address, or `none`.
    #[arg(long, value_name = "C", value_parser = or_none::<char>)]
    plus: Option<OrNone<char>>,
    /// Whether mail from outside waits until it is tried again, where its client is not known.
    #[arg(long)]
    greylisting: Option<bool>,
}

impl Domain {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        let view = |domain: &directory::Domain| {
            let names = domain.names.iter().cloned().collect::<Vec<_>>().join(" ");
            let catch_all = domain.catch_all.as_ref().map(Address::to_string).unwrap_or_default();
            vec![domain.name.clone(), domain.enabled.to_string(), names, catch_all]
        };
        match self {
            Self::Add { name } => {
                let domain = common.ask(domains::Add { name }).await?;
                show::say(common.form(), &format!("mail for {} is taken", domain.name))
            }
            Self::List => {
                let domains = common.ask(domains::List {}).await?;
                show::answer(common.form(), &domains, &DOMAIN, |all| all.iter().map(view).collect())
            }
            Self::Show { name } => {
                let domain = common.ask(domains::Show { domain: name }).await?;
                show::answer(common.form(), &domain, &["SETTING", "VALUE"], settings)
            }
            Self::Set(set) => {
                let domain = set.run(common).await?;
                show::answer(common.form(), &domain, &["SETTING", "VALUE"], settings)
            }
            Self::Remove { name, force } => {
                let sentence = format!("mail for {name} is no longer taken");
                common.tell(domains::Remove { domain: name, with_everything: force }, &sentence).await
            }
        }
    }
}

impl SetDomain {
    async fn run(self, common: &Common) -> Result<directory::Domain, String> {
        // Limits are given all at once: those that are not named here are as they were.
        let before = common.ask(domains::Show { domain: self.name.clone() }).await?;
        let mut limits = before.limits.clone();
        limits.account_size = self.account_size.map_or(limits.account_size, OrNone::into_option);
        limits.allocated = self.allocated.map_or(limits.allocated, OrNone::into_option);
        limits.message_size = self.message_size.map_or(limits.message_size, OrNone::into_option);
        limits.accounts = self.accounts.map_or(limits.accounts, OrNone::into_option);
        limits.aliases = self.aliases.map_or(limits.aliases, OrNone::into_option);
        limits.groups = self.groups.map_or(limits.groups, OrNone::into_option);
        let has_names = !self.alias.is_empty();
        let names = self.alias.into_iter().filter_map(OrNone::into_option).collect();
        let set = domains::Set {
            domain: before.name,
            enabled: self.enabled,
            names: has_names.then_some(names),
            limits: (limits != before.limits).then_some(limits),
            // `all` is no list of services, whatever else is named.
            services: (!self.services.is_empty()).then(|| self.services.into_iter().collect()),
            catch_all: self.catch_all.map(OrNone::into_option),
            plus: self.plus.map(OrNone::into_option),
            greylisting: self.greylisting,
        };
        common.ask(set).await
    }
}

/// A service, or none for `all`.
fn all_or_service(given: &str) -> Result<Option<Service>, String> {
    if given == "all" { Ok(None) } else { Service::from_str(given, true).map(Some) }
}

fn settings(domain: &directory::Domain) -> Vec<Vec<String>> {
    let number = |value: Option<u32>| value.map(|value| value.to_string()).unwrap_or_default();
    let size = |value: Option<u64>| value.map(show::size).unwrap_or_default();
    let limits = &domain.limits;
    let services = domain.services.as_ref().map_or("all".to_owned(), |services| {
        services.iter().map(|service| service.name()).collect::<Vec<_>>().join(" ")
    });
    [
        ("name", domain.name.clone()),
        ("enabled", domain.enabled.to_string()),
        ("services", services),
        ("other names", domain.names.iter().cloned().collect::<Vec<_>>().join(" ")),
        ("catch-all", domain.catch_all.as_ref().map(Address::to_string).unwrap_or_default()),
        ("greylisting", domain.greylisting.to_string()),
        ("plus", domain.plus.map(String::from).unwrap_or_default()),
        ("account size", size(limits.account_size)),
        ("allocated", size(limits.allocated)),
        ("message size", size(limits.message_size)),
        ("accounts", number(limits.accounts)),
        ("aliases", number(limits.aliases)),
        ("groups", number(limits.groups)),
    ]
    .into_iter()
    .map(|(name, value)| vec![name.to_owned(), value])
    .collect()
}

#[derive(Debug, Subcommand)]
pub(super) enum Alias {
    /// Make or replace an alias.
    Set {
        /// Its address.
        address: Address,
        /// Whom it stands for.
        #[arg(required = true)]
        targets: Vec<Address>,
        /// Take no mail for it for now.
        #[arg(long)]
        disabled: bool,
    },
    /// Show the aliases.
    List(OfDomain),
    /// Remove an alias.
    Remove {
        /// Its address.
        address: Address,
    },
}

impl Alias {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        match self {
            Self::Set { address, targets, disabled } => {
                let sentence = format!("{address} stands for {} addresses", targets.len());
                let targets = targets.into_iter().collect();
                common.ask(names::PutAlias { address, targets, enabled: !disabled }).await?;
                show::say(common.form(), &sentence)
            }
            Self::List(OfDomain { domain }) => {
                let aliases = common.ask(names::ListAliases { domain }).await?;
                let view = |alias: &directory::Alias| {
                    vec![alias.address.to_string(), alias.enabled.to_string(), addresses(&alias.targets)]
                };
                let columns = ["ALIAS", "ENABLED", "STANDS FOR"];
                show::answer(common.form(), &aliases, &columns, |all| all.iter().map(view).collect())
            }
            Self::Remove { address } => {
                let sentence = format!("{address} is no alias any more");
                common.tell(names::RemoveAlias { address }, &sentence).await
            }
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Group {
    /// Make or replace a group.
    Set {
        /// Its address.
        address: Address,
        /// Who is in it.
        members: Vec<Address>,
        /// What it is for.
        #[arg(long, default_value = "")]
        description: String,
        /// Who may write to it.
        #[arg(long, value_enum, default_value = "public")]
        posting: Posting,
        /// Take no mail for it for now.
        #[arg(long)]
        disabled: bool,
    },
    /// Show the groups.
    List(OfDomain),
    /// Remove a group.
    Remove {
        /// Its address.
        address: Address,
    },
}

impl Group {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        match self {
            Self::Set { address, members, description, posting, disabled } => {
                let sentence = format!("{} addresses are in {address}", members.len());
                let members = members.into_iter().collect();
                let put = names::PutGroup { address, members, enabled: !disabled, description, posting };
                common.ask(put).await?;
                show::say(common.form(), &sentence)
            }
            Self::List(OfDomain { domain }) => {
                let groups = common.ask(names::ListGroups { domain }).await?;
                let view = |group: &directory::Group| {
                    let members = addresses(&group.members);
                    vec![
                        group.address.to_string(),
                        group.enabled.to_string(),
                        members,
                        group.description.clone(),
                    ]
                };
                let columns = ["GROUP", "ENABLED", "MEMBERS", "DESCRIPTION"];
                show::answer(common.form(), &groups, &columns, |all| all.iter().map(view).collect())
            }
            Self::Remove { address } => {
                let sentence = format!("{address} is no group any more");
                common.tell(names::RemoveGroup { address }, &sentence).await
            }
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Class {
    /// Make or replace a class; in force for all its accounts at once.
    Set {
        /// Its name.
        name: String,
        /// What an account may keep: octets, or a number with K, M or G.
        #[arg(long, value_name = "SIZE", value_parser = crate::config::parse_size)]
        quota: Option<u64>,
        /// How many messages an account may keep.
        #[arg(long, value_name = "N")]
        messages: Option<u64>,
        /// How large a message may be.
        #[arg(long, value_name = "SIZE", value_parser = crate::config::parse_size)]
        message_size: Option<u64>,
    },
    /// Show the classes.
    List,
    /// Remove a class that no account is of.
    Remove {
        /// Its name.
        name: String,
    },
}

impl Class {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        match self {
            Self::Set { name, quota, messages, message_size } => {
                let sentence = format!("the class {name} is in force");
                let put = classes::Put { class: name, quota, quota_messages: messages, message_size };
                common.ask(put).await?;
                show::say(common.form(), &sentence)
            }
            Self::List => {
                let classes = common.ask(classes::List {}).await?;
                let size = |value: Option<u64>| value.map(show::size).unwrap_or_default();
                let view = |class: &directory::Class| {
                    let messages = class.quota_messages.map(|count| count.to_string()).unwrap_or_default();
                    vec![class.name.clone(), size(class.quota), messages, size(class.message_size)]
                };
                let columns = ["CLASS", "QUOTA", "MESSAGES", "MESSAGE SIZE"];
                show::answer(common.form(), &classes, &columns, |all| all.iter().map(view).collect())
            }
            Self::Remove { name } => {
                let sentence = format!("there is no class {name} any more");
                common.tell(classes::Remove { class: name }, &sentence).await
            }
        }
    }
}

fn addresses(all: &std::collections::BTreeSet<Address>) -> String {
    all.iter().map(Address::to_string).collect::<Vec<_>>().join(" ")
}

const DOMAIN: [&str; 4] = ["DOMAIN", "ENABLED", "OTHER NAMES", "CATCH-ALL"];
