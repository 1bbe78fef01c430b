//! An account: who somebody is and what they may do. Everything an administrator sets and a session asks, and the
//! keys behind the password, which are never printed.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Address;
use super::credential::{AppPassword, Credential};
use super::login::Service;
use crate::store::AccountId;

/// An account, as of one moment. It stays as it is while the directory goes on: ask again to see what has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What the store knows it by. Never used again.
    #[serde(with = "super::document::account_id")]
    pub id: AccountId,
    /// Its address, which is also its user name.
    pub address: Address,
    /// First name, for people.
    #[serde(default)]
    pub first_name: String,
    /// Last name, for people.
    #[serde(default)]
    pub last_name: String,
    /// An account that is not enabled takes no mail and no log-in; what it keeps stays.
    pub enabled: bool,
    /// What it may administer.
    #[serde(default)]
    pub role: Role,
    /// What its user may do.
    #[serde(default)]
    pub permissions: Permissions,
    /// The class it is of ([`Class`](super::Class)), which decides where the account itself does not.
    #[serde(default)]
    pub class: Option<String>,
    /// Octets it may keep; `None` leaves it to the class and the domain.
    #[serde(default)]
    pub quota: Option<u64>,
    /// Messages it may keep; `None` leaves it to the class.
    #[serde(default)]
    pub quota_messages: Option<u64>,
    /// Where `anna+lists@` goes.
    #[serde(default)]
    pub plus_mail: PlusMail,
    /// Seconds since 1970 when the account was made.
    #[serde(default)]
    pub created: i64,
    /// The password, as it is kept; `None` for an account that nobody can log in to.
    pub(super) credential: Option<Credential>,
    /// Passwords of programs. None is good for an account without a password.
    #[serde(default)]
    pub(super) app_passwords: Vec<AppPassword>,
    /// Counts what ends sessions.
    #[serde(default)]
    pub(super) epoch: u64,
}

/// What an account may administer.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Itself.
    #[default]
    User,
    /// Its domain: accounts, aliases and groups of it.
    DomainAdmin,
    /// Everything.
    ServerAdmin,
}

/// What a user may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Permissions {
    /// The services that may be logged in to.
    pub services: BTreeSet<Service>,
    /// Whether the user may change their own password.
    pub change_password: bool,
}

impl Default for Permissions {
    /// Everything.
    fn default() -> Self {
        Self { services: Service::ALL.into_iter().collect(), change_password: true }
    }
}

impl Permissions {
    /// Whether a service may be logged in to.
    pub fn allows(&self, service: Service) -> bool {
        self.services.contains(&service)
    }
}

/// Where mail to `anna+lists@example.org` goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum PlusMail {
    /// Into the mailbox of that name if there is one, otherwise into INBOX.
    #[default]
    Folder,
    /// Always into INBOX.
    Inbox,
}

impl Account {
    /// First and last name, or nothing.
    pub fn full_name(&self) -> String {
        [self.first_name.as_str(), self.last_name.as_str()].join(" ").trim().to_owned()
    }

    /// Whether there is a password to log in with.
    pub const fn has_password(&self) -> bool {
        self.credential.is_some()
    }

    /// What is remembered of its password that was right goes by this.
    pub(super) fn verified_as(&self) -> String {
        self.id.to_string()
    }

    /// Grows whenever what somebody has logged in with may be no good any more: a password that is set, also to what
    /// it was, or taken away, and one of a program that is revoked. Sessions and tokens of before have ended.
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The same account with another password, or none.
    #[must_use]
    pub fn with_credential(self, credential: Option<Credential>) -> Self {
        Self { credential, epoch: self.epoch.saturating_add(1), ..self }
    }

    /// The same account with other passwords of programs.
    #[must_use]
    pub fn with_app_passwords(self, app_passwords: Vec<AppPassword>) -> Self {
        let is_revoked = self.app_passwords.iter().any(|one| !app_passwords.contains(one));
        let epoch = if is_revoked { self.epoch.saturating_add(1) } else { self.epoch };
        Self { app_passwords, epoch, ..self }
    }

    /// An enabled account of a user, without a password.
    pub fn new(id: AccountId, address: Address) -> Self {
        Self {
            id,
            address,
            first_name: String::new(),
            last_name: String::new(),
            enabled: true,
            role: Role::default(),
            permissions: Permissions::default(),
            class: None,
            quota: None,
            quota_messages: None,
            plus_mail: PlusMail::default(),
            created: crate::store::InternalDate::now().seconds,
            credential: None,
            app_passwords: Vec::new(),
            epoch: 0,
        }
    }

    /// The passwords of programs, without what they are compared with.
    pub fn app_passwords(&self) -> &[AppPassword] {
        &self.app_passwords
    }
}
