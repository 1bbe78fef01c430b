//! Accounts: made, changed, renamed, emptied, removed; their passwords and permissions.

mod csv_text;

use std::collections::BTreeSet;

pub use csv_text::{Export, Exported, Import, Imported};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::operation::{Method, Operation, given};
use super::{Admin, Password, Principal, Problem, ProblemKind, classes, limits, names};
use crate::directory::{
    Account, Address, Credential, Draft, LastLogins, LogIn, Permissions, PlusMail, Role, Service,
    normalise_domain,
};
use crate::store::{Progress, Usage};

/// An account, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountView {
    /// Its address, which is also its user name.
    pub address: Address,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Whether it takes mail and log-ins.
    pub enabled: bool,
    /// What it may administer.
    pub role: Role,
    /// What its user may do.
    pub permissions: Permissions,
    /// The class it is of.
    pub class: Option<String>,
    /// Octets it may keep, where that is not left to its class.
    pub quota: Option<u64>,
    /// Messages it may keep, where that is not left to its class.
    pub quota_messages: Option<u64>,
    /// Octets it may keep, all told.
    pub room: Option<u64>,
    /// Messages it may keep, all told.
    pub room_messages: Option<u64>,
    /// Octets it keeps.
    pub used: u64,
    /// Messages it keeps.
    pub used_messages: u64,
    /// Octets of messages that were deleted and can be had back. They count for nothing, and are never more than it may
    /// keep when mail comes.
    #[serde(default)]
    pub deleted: u64,
    /// Those messages.
    #[serde(default)]
    pub deleted_messages: u64,
    /// Where mail with a detail goes.
    pub plus_mail: PlusMail,
    /// Whether there is a password to log in with; it is kept as a hash and never shown.
    pub has_password: bool,
    /// When it was made, in seconds since 1970.
    pub created: i64,
    /// When it last logged in to each service, in seconds since 1970.
    pub last_logins: LastLogins,
}

/// Lists the accounts that may be seen, by address.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct List {
    /// Only those of this domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
}

/// Shows an account.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Show {
    /// Its address.
    pub address: Address,
}

/// Makes an account with its mailboxes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Add {
    /// Its address.
    pub address: Address,
    /// Its password; without one nobody can log in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Password>,
    /// First name.
    #[serde(default)]
    pub first_name: String,
    /// Last name.
    #[serde(default)]
    pub last_name: String,
    /// Octets it may keep.
    #[serde(default)]
    pub quota: Option<u64>,
    /// Messages it may keep.
    #[serde(default)]
    pub quota_messages: Option<u64>,
    /// The class it is of.
    #[serde(default)]
    pub class: Option<String>,
    /// What it may administer.
    #[serde(default)]
    pub role: Role,
    /// The services it may use; all of them when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<BTreeSet<Service>>,
}

impl Add {
    /// An account of a user, with nothing but a password.
    pub const fn new(address: Address, password: Password) -> Self {
        Self {
            address,
            password: Some(password),
            first_name: String::new(),
            last_name: String::new(),
            quota: None,
            quota_messages: None,
            class: None,
            role: Role::User,
            services: None,
        }
    }
}

/// Changes an account; what is not named stays.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Set {
    /// Its address.
    pub address: Address,
    /// First name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Whether it takes mail and log-ins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// What it may administer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// The services it may use, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<BTreeSet<Service>>,
    /// Whether its user may change the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change_password: Option<bool>,
    /// The class it is of; `null` for none.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub class: Option<Option<String>>,
    /// Octets it may keep; `null` to leave it to the class.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub quota: Option<Option<u64>>,
    /// Messages it may keep; `null` to leave it to the class.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub quota_messages: Option<Option<u64>>,
    /// Where mail with a detail goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plus_mail: Option<PlusMail>,
}

impl Set {
    /// No change of an account.
    pub const fn nothing(address: Address) -> Self {
        Self {
            address,
            first_name: None,
            last_name: None,
            enabled: None,
            role: None,
            services: None,
            change_password: None,
            class: None,
            quota: None,
            quota_messages: None,
            plus_mail: None,
        }
    }
}

/// Gives an account another address; its mail and password stay, and aliases and groups follow.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Rename {
    /// Its address.
    pub address: Address,
    /// Its address from now on.
    pub to: Address,
}

/// Removes all mail of an account, for good.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Empty {
    /// Its address.
    pub address: Address,
}

/// Takes the maildrop of an account away from the POP3 session that holds it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Unlock {
    /// Its address.
    pub address: Address,
}

/// Removes an account and all its mail, for good.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Remove {
    /// Its address.
    pub address: Address,
}

/// Gives an account another password.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SetPassword {
    /// Its address.
    pub address: Address,
    /// The password from now on; `null` so that nobody can log in, not with passwords of programs either.
    pub password: Option<Password>,
    /// The password until now: needed from users who change their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Password>,
}

impl Operation for List {
    type Answer = Vec<AccountView>;
    const NAME: &'static str = "account.list";
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/accounts";
    const SUMMARY: &'static str = "Lists the accounts that may be seen, by address.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Vec<AccountView>, Problem> {
        seen(admin, who, self.domain.as_deref()).await
    }
}

impl Operation for Show {
    type Answer = AccountView;
    const NAME: &'static str = "account.show";
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/accounts/{address}";
    const SUMMARY: &'static str = "Shows an account.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<AccountView, Problem> {
        let account = admin.account(who, &self.address)?;
        who.must_be_or_administer(&account)?;
        let used = admin.store().usage(account.id).await?;
        Ok(view(admin, &account, &used))
    }
}

impl Operation for Add {
    type Answer = AccountView;
    const NAME: &'static str = "account.add";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/accounts";
    const SUMMARY: &'static str = "Makes an account with its mailboxes.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<AccountView, Problem> {
        // The cheap questions before the hash.
        who.must_administer(admin.directory().picture().canonical(&self.address).domain())?;
        admin.try_on(|draft| add(draft, who, &self, None).map(drop))?;
        let credential = match &self.password {
            Some(password) => Some(admin.directory().credential(password.secret()).await?),
            None => None,
        };
        let change = |draft: &mut Draft| {
            let account = add(draft, who, &self, credential.clone())?;
            limits::check(draft, account.address.domain())?;
            Ok::<_, Problem>(account)
        };
        let account = admin.directory().change(change).await?;
        Ok(view(admin, &account, &Usage::default()))
    }
}

impl Operation for Set {
    type Answer = AccountView;
    const NAME: &'static str = "account.set";
    const METHOD: Method = Method::Patch;
    const PATH: &'static str = "/api/accounts/{address}";
    const SUMMARY: &'static str = "Changes an account; what is not named stays.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<AccountView, Problem> {
        let change = |draft: &mut Draft| {
            let mut account = administered(draft, who, &self.address)?;
            if let Some(role) = self.role {
                must_give(who, role)?;
                account.role = role;
            }
            if let Some(Some(class)) = &self.class {
                classes::must_exist(draft, class)?;
            }
            limits::not_zero(&[
                ("quota", self.quota.flatten()),
                ("quota_messages", self.quota_messages.flatten()),
            ])?;
            account.first_name = person(self.first_name.as_ref(), account.first_name)?;
            account.last_name = person(self.last_name.as_ref(), account.last_name)?;
            account.enabled = self.enabled.unwrap_or(account.enabled);
            account.permissions.services = self.services.clone().unwrap_or(account.permissions.services);
            account.permissions.change_password =
                self.change_password.unwrap_or(account.permissions.change_password);
            account.class = self.class.clone().unwrap_or(account.class);
            account.quota = self.quota.unwrap_or(account.quota);
            account.quota_messages = self.quota_messages.unwrap_or(account.quota_messages);
            account.plus_mail = self.plus_mail.unwrap_or(account.plus_mail);
            draft.put_account(account.clone());
            limits::check(draft, account.address.domain())?;
            Ok::<_, Problem>(account)
        };
        let account = admin.directory().change(change).await?;
        let used = admin.store().usage(account.id).await?;
        Ok(view(admin, &account, &used))
    }
}

impl Operation for Rename {
    type Answer = AccountView;
    const NAME: &'static str = "account.rename";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/accounts/{address}/rename";
    const SUMMARY: &'static str = "Gives an account another address; aliases and groups follow.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<AccountView, Problem> {
        let change = |draft: &mut Draft| {
            let mut account = administered(draft, who, &self.address)?;
            let to = names::free(draft, who, &self.to, |_| false)?;
            let from = std::mem::replace(&mut account.address, to.clone());
            draft.put_account(account.clone());
            names::replace(draft, &from, Some(&to));
            limits::check(draft, to.domain())?;
            Ok::<_, Problem>(account)
        };
        let account = admin.directory().change(change).await?;
        let used = admin.store().usage(account.id).await?;
        Ok(view(admin, &account, &used))
    }
}

impl Operation for Empty {
    type Answer = ();
    const NAME: &'static str = "account.empty";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/accounts/{address}/empty";
    const SUMMARY: &'static str = "Removes all mail of an account, for good.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<(), Problem> {
        let change = |draft: &mut Draft| {
            let account = administered(draft, who, &self.address)?;
            draft.empty_account(account.id);
            Ok(())
        };
        admin.directory().change(change).await
    }
}

impl Operation for Unlock {
    type Answer = ();
    const NAME: &'static str = "account.unlock";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/accounts/{address}/unlock";
    const SUMMARY: &'static str = "Takes the maildrop away from the POP3 session that holds it.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<(), Problem> {
        let account = admin.account(who, &self.address)?;
        who.must_be_or_administer(&account)?;
        if admin.0.maildrops.unlock(account.id) {
            Ok(())
        } else {
            Err(Problem::not_found(format_args!(
                "POP3 session that holds the maildrop of {}",
                account.address
            )))
        }
    }
}

impl Operation for Remove {
    type Answer = ();
    const NAME: &'static str = "account.remove";
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/api/accounts/{address}";
    const SUMMARY: &'static str = "Removes an account and all its mail, for good.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<(), Problem> {
        let change = |draft: &mut Draft| {
            let account = administered(draft, who, &self.address)?;
            names::forget(draft, &account.address);
            draft.remove_account(account.id);
            Ok(())
        };
        admin.directory().change(change).await
    }
}

impl Operation for SetPassword {
    type Answer = ();
    const NAME: &'static str = "account.password";
    const METHOD: Method = Method::Put;
    const PATH: &'static str = "/api/accounts/{address}/password";
    const SUMMARY: &'static str = "Gives an account another password and ends its sessions; users need the current one and the permission.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<(), Problem> {
        let account = admin.account(who, &self.address)?;
        if who.is(&account.address) {
            // Also of administrators: a session that was left open is not to take the account over.
            if !account.permissions.change_password && !who.administers(account.address.domain()) {
                let problem = Problem::new(ProblemKind::Forbidden, "this user may not change the password");
                return Err(problem.remedy("ask an administrator"));
            }
            let current = self.current.as_ref().map(|password| password.secret().clone()).unwrap_or_default();
            match admin.directory().confirm(&account, &current).await? {
                LogIn::Accepted(_) => {}
                LogIn::Refused => {
                    let problem = Problem::new(ProblemKind::Forbidden, "the current password is wrong");
                    return Err(problem.remedy("give the current password beside the new one"));
                }
                LogIn::Banned => {
                    let detail = "too many wrong passwords have been given for this account";
                    return Err(
                        Problem::new(ProblemKind::TooMany, detail).remedy("try again in a few minutes")
                    );
                }
            }
        } else {
            who.must_administer_account(&account)?;
        }
        let credential = match &self.password {
            Some(password) => Some(admin.directory().credential(password.secret()).await?),
            None => None,
        };
        let change = |draft: &mut Draft| {
            let Some(account) = draft.account_by_id(account.id) else {
                return Err(no_account(&self.address));
            };
            draft.put_account(Account::clone(account).with_credential(credential.clone()));
            Ok(())
        };
        admin.directory().change(change).await
    }
}

impl Admin {
    /// The account of this address. Who does not administer its domain is not told whether there is one.
    pub(super) fn account(&self, who: &Principal, address: &Address) -> Result<Account, Problem> {
        let picture = self.directory().picture();
        let address = picture.canonical(address);
        if !who.is(&address) {
            who.must_administer(address.domain())?;
        }
        picture.account(&address).map(|account| Account::clone(account)).ok_or_else(|| no_account(&address))
    }

    /// What a change would answer, without making it.
    fn try_on<T>(&self, edit: impl FnOnce(&mut Draft) -> Result<T, Problem>) -> Result<T, Problem> {
        edit(&mut Draft::of(&self.directory().picture()))
    }
}

/// Puts a new account into a draft; its domain's limits are still to be checked.
fn add(
    draft: &mut Draft,
    who: &Principal,
    new: &Add,
    credential: Option<Credential>,
) -> Result<Account, Problem> {
    let address = names::free(draft, who, &new.address, |_| false)?;
    must_give(who, new.role)?;
    if new.password.as_ref().is_some_and(Password::is_empty) {
        let problem = Problem::invalid(format!("the password of {address} is empty"));
        return Err(problem.remedy("give it one of at least one character"));
    }
    if let Some(class) = &new.class {
        classes::must_exist(draft, class)?;
    }
    limits::not_zero(&[("quota", new.quota), ("quota_messages", new.quota_messages)])?;
    let mut account = Account::new(draft.new_account(), address).with_credential(credential);
    account.first_name = person(Some(&new.first_name), String::new())?;
    account.last_name = person(Some(&new.last_name), String::new())?;
    account.quota = new.quota;
    account.quota_messages = new.quota_messages;
    account.class.clone_from(&new.class);
    account.role = new.role;
    account.permissions.services = new.services.clone().unwrap_or(account.permissions.services);
    draft.put_account(account.clone());
    Ok(account)
}

/// The account of this address, for somebody who administers it.
fn administered(draft: &Draft, who: &Principal, address: &Address) -> Result<Account, Problem> {
    let address = draft.canonical(address);
    who.must_administer(address.domain())?;
    let account = draft.account(&address).ok_or_else(|| no_account(&address))?;
    who.must_administer_account(account)?;
    Ok(Account::clone(account))
}

/// Nobody gives a role above their own.
fn must_give(who: &Principal, role: Role) -> Result<(), Problem> {
    if role > who.role() { who.must_be_server_admin() } else { Ok(()) }
}

/// The name of a person, where there is another one.
fn person(name: Option<&String>, before: String) -> Result<String, Problem> {
    match name {
        None => Ok(before),
        Some(name) if name.len() > 200 || name.chars().any(char::is_control) => {
            Err(Problem::invalid("a name has at most 200 octets and no control characters"))
        }
        Some(name) => Ok(name.clone()),
    }
}

async fn seen(admin: &Admin, who: &Principal, domain: Option<&str>) -> Result<Vec<AccountView>, Problem> {
    let domain = domain.map(normalise_domain).transpose()?;
    match &domain {
        Some(domain) => who.must_administer(domain)?,
        None => who.must_administer_something()?,
    }
    let usages: std::collections::BTreeMap<_, _> = admin.store().usages().await?.into_iter().collect();
    let picture = admin.directory().picture();
    let mut accounts: Vec<_> = picture
        .accounts()
        .filter(|account| match &domain {
            Some(domain) => account.address.domain() == domain,
            None => who.administers(account.address.domain()),
        })
        .map(|account| view(admin, account, usages.get(&account.id).unwrap_or(&Usage::default())))
        .collect();
    accounts.sort_by(|a, b| a.address.cmp(&b.address));
    Ok(accounts)
}

fn view(admin: &Admin, account: &Account, used: &Usage) -> AccountView {
    let room = admin.directory().room(account);
    AccountView {
        address: account.address.clone(),
        first_name: account.first_name.clone(),
        last_name: account.last_name.clone(),
        enabled: account.enabled,
        role: account.role,
        permissions: account.permissions.clone(),
        class: account.class.clone(),
        quota: account.quota,
        quota_messages: account.quota_messages,
        room: room.octets,
        room_messages: room.messages,
        used: used.octets,
        used_messages: used.messages,
        deleted: used.deleted_octets,
        deleted_messages: used.deleted_messages,
        plus_mail: account.plus_mail,
        has_password: account.has_password(),
        created: account.created,
        last_logins: admin.directory().last_logins(account.id),
    }
}

fn no_account(address: &Address) -> Problem {
    Problem::not_found(format_args!("account {address}"))
}
