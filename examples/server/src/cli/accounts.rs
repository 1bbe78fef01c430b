//! The commands `account`, `password`, `app-password` and `quota`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Common, OfDomain, OrNone, or_none, password::Source, show, size_or_none};
use crate::admin::accounts::AccountView;
use crate::admin::{Password as Given, accounts, app_passwords, usage};
use crate::config::parse_size;
use crate::directory::{Address, PlusMail, Role, Service};

#[derive(Debug, Subcommand)]
pub(super) enum Account {
    /// Make an account.
    Add(AddAccount),
    /// Show the accounts.
    List(OfDomain),
    /// Show an account.
    Show {
        /// Its address.
        address: Address,
    },
    /// Change an account; what is not named stays.
    Set(Box<SetAccount>),
    /// Take mail and log-ins for an account.
    Enable {
        /// Its address.
        address: Address,
    },
    /// Take no mail and no log-ins for an account; what it keeps stays.
    Disable {
        /// Its address.
        address: Address,
    },
    /// Give an account another address; aliases and groups follow.
    Rename {
        /// Its address.
        address: Address,
        /// Its address from now on.
        to: Address,
    },
    /// Remove all mail of an account, for good.
    Empty {
        /// Its address.
        address: Address,
    },
    /// Take the maildrop away from the POP3 session that holds it.
    Unlock {
        /// Its address.
        address: Address,
    },
    /// Remove an account and all its mail, for good.
    Remove {
        /// Its address.
        address: Address,
    },
    /// Make all accounts of a CSV file, or none, if any can not be made.
    Import {
        /// The file; its first line names the columns, as in `address,password,quota,first_name,last_name,class`.
        #[arg(value_name = "FILE.csv")]
        list: PathBuf,
    },
    /// Print the accounts as CSV, without passwords.
    Export(OfDomain),
}

#[derive(Debug, Args)]
pub(super) struct AddAccount {
    /// Its address, as in anna@example.org.
    address: Address,
    #[command(flatten)]
    password: Source,
    /// Make it without a password: nobody can log in.
    #[arg(long, conflicts_with = "password_stdin")]
    no_password: bool,
    /// What it may keep: octets, or a number with K, M or G.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    quota: Option<u64>,
    /// How many messages it may keep.
    #[arg(long, value_name = "N")]
    messages: Option<u64>,
    /// The class it is of.
    #[arg(long)]
    class: Option<String>,
    /// First name.
    #[arg(long, default_value = "")]
    first_name: String,
    /// Last name.
    #[arg(long, default_value = "")]
    last_name: String,
    /// What it may administer.
    #[arg(long, value_enum, default_value = "user")]
    role: Role,
    /// The services it may use; all of them when not said.
    #[arg(long, value_enum, value_delimiter = ',')]
    services: Vec<Service>,
}

#[derive(Debug, Args)]
pub(super) struct SetAccount {
    /// Its address.
    address: Address,
    /// First name.
    #[arg(long)]
    first_name: Option<String>,
    /// Last name.
    #[arg(long)]
    last_name: Option<String>,
    /// What it may administer.
    #[arg(long, value_enum)]
    role: Option<Role>,
    /// The services it may use, all of them.
    #[arg(long, value_enum, value_delimiter = ',')]
    services: Option<Vec<Service>>,
    /// Whether its user may change the password.
    #[arg(long)]
    change_password: Option<bool>,
    /// The class it is of, or `none`.
    #[arg(long, value_parser = or_none::<String>)]
    class: Option<OrNone<String>>,
    /// What it may keep, or `none` to leave it to the class.
    #[arg(long, value_name = "SIZE", value_parser = size_or_none)]
    quota: Option<OrNone<u64>>,
    /// How many messages it may keep, or `none` to leave it to the class.
    #[arg(long, value_name = "N", value_parser = or_none::<u64>)]
    messages: Option<OrNone<u64>>,
    /// Where mail with a detail goes.
    #[arg(long, value_enum)]
    plus_mail: Option<PlusMail>,
}

impl Account {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        let form = common.form();
        match self {
            Self::Add(add) => {
                let account = common.ask(add.request()?).await?;
                show::say(form, &format!("{} has an account", account.address))
            }
            Self::List(OfDomain { domain }) => {
                let accounts = common.ask(accounts::List { domain }).await?;
                let columns = ["ACCOUNT", "NAME", "ENABLED", "USED", "ROOM", "CLASS", "ROLE", "LAST LOG-IN"];
                show::answer(form, &accounts, &columns, |all| all.iter().map(row).collect())
            }
            Self::Show { address } => shown(common, &common.ask(accounts::Show { address }).await?),
            Self::Set(set) => shown(common, &common.ask(set.request()).await?),
            Self::Enable { address } => switch(common, address, true).await,
            Self::Disable { address } => switch(common, address, false).await,
            Self::Rename { address, to } => {
                let account = common.ask(accounts::Rename { address, to }).await?;
                show::say(form, &format!("the account is {} now", account.address))
            }
            Self::Empty { address } => {
                let sentence = format!("{address} keeps no mail any more");
                common.tell(accounts::Empty { address }, &sentence).await
            }
            Self::Unlock { address } => {
                let sentence = format!("the maildrop of {address} is free");
                common.tell(accounts::Unlock { address }, &sentence).await
            }
            Self::Remove { address } => {
                let sentence = format!("there is no account {address} any more");
                common.tell(accounts::Remove { address }, &sentence).await
            }
            Self::Import { list } => {
                let file =
                    std::fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
                let import = accounts::Import { csv: Given::new(&file) };
                let made = common.ask_long(import, show::bar("hashing passwords")).await;
                let made = made.map_err(|error| format!("{}: {error}", list.display()))?;
                show::say(form, &format!("{} accounts were made", made.accounts))
            }
            Self::Export(OfDomain { domain }) => {
                show::print(&common.ask(accounts::Export { domain }).await?.csv)
            }
        }
    }
}

impl AddAccount {
    fn request(self) -> Result<accounts::Add, String> {
        let password = if self.no_password { None } else { Some(self.password.read()?) };
        Ok(accounts::Add {
            address: self.address,
            password,
            first_name: self.first_name,
            last_name: self.last_name,
            quota: self.quota,
            quota_messages: self.messages,
            class: self.class,
            role: self.role,
            services: (!self.services.is_empty()).then(|| self.services.into_iter().collect()),
        })
    }
}

impl SetAccount {
    fn request(self) -> accounts::Set {
        accounts::Set {
            first_name: self.first_name,
            last_name: self.last_name,
            role: self.role,
            services: self.services.map(|services| services.into_iter().collect()),
            change_password: self.change_password,
            class: self.class.map(OrNone::into_option),
            quota: self.quota.map(OrNone::into_option),
            quota_messages: self.messages.map(OrNone::into_option),
            plus_mail: self.plus_mail,
            ..accounts::Set::nothing(self.address)
        }
    }
}

async fn switch(common: &Common, address: Address, enabled: bool) -> Result<(), String> {
    let sentence = format!("{address} is {}", if enabled { "enabled" } else { "disabled" });
    common.ask(accounts::Set { enabled: Some(enabled), ..accounts::Set::nothing(address) }).await?;
    show::say(common.form(), &sentence)
}

fn shown(common: &Common, account: &AccountView) -> Result<(), String> {
    show::answer(common.form(), account, &["SETTING", "VALUE"], |account| {
        let services: Vec<String> = account.permissions.services.iter().map(word).collect();
        let logins = account.last_logins.iter();
        let logins: Vec<String> =
            logins.map(|(service, at)| format!("{} {}", word(service), show::moment(*at))).collect();
        let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
        [
            ("address", account.address.to_string()),
            ("name", format!("{} {}", account.first_name, account.last_name).trim().to_owned()),
            ("enabled", account.enabled.to_string()),
            ("role", word(&account.role)),
            ("services", services.join(" ")),
            ("may change password", account.permissions.change_password.to_string()),
            ("has password", account.has_password.to_string()),
            ("class", account.class.clone().unwrap_or_default()),
            ("used", show::size(account.used)),
            ("room", account.room.map(show::size).unwrap_or_default()),
            ("messages", account.used_messages.to_string()),
            ("room for messages", number(account.room_messages)),
            ("plus mail", word(&account.plus_mail)),
            ("made", show::moment(account.created)),
            ("last log-ins", logins.join(", ")),
        ]
        .into_iter()
        .map(|(name, value)| vec![name.to_owned(), value])
        .collect()
    })
}

fn row(account: &AccountView) -> Vec<String> {
    vec![
        account.address.to_string(),
        format!("{} {}", account.first_name, account.last_name).trim().to_owned(),
        account.enabled.to_string(),
        show::size(account.used),
        account.room.map(show::size).unwrap_or_default(),
        account.class.clone().unwrap_or_default(),
        word(&account.role),
        account.last_logins.values().max().map(|at| show::moment(*at)).unwrap_or_default(),
    ]
}

/// The word that stands for a value in requests.
fn word(value: &impl clap::ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Gives an account another password.
#[derive(Debug, Args)]
pub(super) struct Password {
    /// Its address.
    address: Address,
    #[command(flatten)]
    password: Source,
    /// Take the password away: nobody can log in.
    #[arg(long, conflicts_with = "password_stdin")]
    none: bool,
}

impl Password {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        let password = if self.none { None } else { Some(self.password.read()?) };
        let sentence = format!("{} has another password", self.address);
        common.tell(accounts::SetPassword { address: self.address, password, current: None }, &sentence).await
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum AppPassword {
    /// Make one, which is shown once.
    Add {
        /// The address of the account.
        address: Address,
        /// What to call it.
        name: String,
        /// What it is good for.
        #[arg(long, value_enum, value_delimiter = ',', default_values = ["imap", "smtp"])]
        services: Vec<Service>,
    },
    /// Show them.
    List {
        /// The address of the account.
        address: Address,
    },
    /// Revoke one.
    Revoke {
        /// The address of the account.
        address: Address,
        /// What it is called.
        name: String,
    },
}

impl AppPassword {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        match self {
            Self::Add { address, name, services } => {
                let services = services.into_iter().collect();
                let added = common.ask(app_passwords::Add { address, name, services }).await?;
                show::answer(common.form(), &added, &["APP PASSWORD", "SHOWN ONCE"], |added| {
                    vec![vec![added.name.clone(), added.password.clone()]]
                })
            }
            Self::List { address } => {
                let all = common.ask(app_passwords::List { address }).await?;
                show::answer(common.form(), &all, &["APP PASSWORD", "SERVICES", "MADE"], |all| {
                    let row = |one: &app_passwords::AppPasswordView| {
                        let services: Vec<String> = one.services.iter().map(word).collect();
                        vec![one.name.clone(), services.join(" "), show::moment(one.created)]
                    };
                    all.iter().map(row).collect()
                })
            }
            Self::Revoke { address, name } => {
                let sentence = format!("the app password {name} of {address} is revoked");
                common.tell(app_passwords::Revoke { address, name }, &sentence).await
            }
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Quota {
    /// Show what accounts keep and may keep.
    List {
        #[command(flatten)]
        of: OfDomain,
        /// Only the first so many.
        #[arg(long, value_name = "N")]
        top: Option<u32>,
        /// Only those that use so many percent or more.
        #[arg(long, value_name = "PERCENT")]
        above: Option<u32>,
        /// In which order.
        #[arg(long, value_enum, default_value = "size")]
        order: usage::Order,
    },
    /// Set what an account may keep, or `none` to leave it to its class.
    Set {
        /// Its address.
        address: Address,
        /// Octets, a number with K, M or G, or `none`.
        #[arg(value_parser = size_or_none)]
        quota: OrNone<u64>,
    },
}

impl Quota {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        match self {
            Self::List { of: OfDomain { domain }, top, above, order } => {
                let usages = common.ask(usage::List { domain, order, top, above }).await?;
                let row = |usage: &usage::UsageView| {
                    let percent = usage.percent.map(|percent| format!("{percent}%")).unwrap_or_default();
                    let room = usage.room.map(show::size).unwrap_or_default();
                    let messages = usage.messages.to_string();
                    let (used, deleted) = (show::size(usage.used), show::size(usage.deleted));
                    vec![usage.address.to_string(), used, room, percent, messages, deleted]
                };
                let columns = ["ACCOUNT", "USED", "ROOM", "SHARE", "MESSAGES", "DELETED"];
                show::answer(common.form(), &usages, &columns, |all| all.iter().map(row).collect())
            }
            Self::Set { address, quota } => {
                let quota = Some(quota.into_option());
                shown(common, &common.ask(accounts::Set { quota, ..accounts::Set::nothing(address) }).await?)
            }
        }
    }
}
