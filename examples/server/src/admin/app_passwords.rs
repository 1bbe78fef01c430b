//! Passwords of programs: made, listed and revoked, by the user or an administrator. Each is shown once.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::operation::{Method, Operation};
use super::{Admin, Principal, Problem};
use crate::directory::{Account, Address, AppPassword, Draft, Service};
use crate::store::{InternalDate, Progress};

/// A password of a program, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppPasswordView {
    /// What the user calls it.
    pub name: String,
    /// What it is good for.
    pub services: BTreeSet<Service>,
    /// When it was made, in seconds since 1970.
    pub created: i64,
}

/// Lists the passwords of programs of an account.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct List {
    /// The address of the account.
    pub address: Address,
}

/// Makes a password for a program.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Add {
    /// The address of the account.
    pub address: Address,
    /// What to call it; unique in the account.
    pub name: String,
    /// What it is good for; not more than the account is. IMAP and SMTP when not said.
    #[serde(default = "mail")]
    pub services: BTreeSet<Service>,
}

/// A password of a program that was made.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Added {
    /// What it is called.
    pub name: String,
    /// The password. It is not kept and can not be shown again.
    pub password: String,
}

/// Revokes a password of a program.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Revoke {
    /// The address of the account.
    pub address: Address,
    /// What it is called.
    pub name: String,
}

fn mail() -> BTreeSet<Service> {
    [Service::Imap, Service::Smtp].into()
}

impl Operation for List {
    type Answer = Vec<AppPasswordView>;
    const NAME: &'static str = "app-password.list";
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/accounts/{address}/app-passwords";
    const SUMMARY: &'static str = "Lists the passwords of programs of an account.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Self::Answer, Problem> {
        let account = admin.account(who, &self.address)?;
        who.must_be_or_administer(&account)?;
        let view = |one: &AppPassword| AppPasswordView {
            name: one.name.clone(),
            services: one.services.clone(),
            created: one.created,
        };
        Ok(account.app_passwords().iter().map(view).collect())
    }
}

impl Operation for Add {
    type Answer = Added;
    const NAME: &'static str = "app-password.add";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/accounts/{address}/app-passwords";
    const SUMMARY: &'static str = "Makes a password for a program, which is shown once.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Added, Problem> {
        let account = admin.account(who, &self.address)?;
        who.must_be_or_administer(&account)?;
        let name = self.name;
        if !(1..=64).contains(&name.len()) || name.chars().any(|c| c.is_control() || c == '/') {
            return Err(Problem::invalid(
                "the name of an app password has 1 to 64 octets, no slashes, no controls",
            ));
        }
        // One that opens the interface could make more of its kind: only the password itself does.
        if self.services.is_empty() || self.services.contains(&Service::Api) {
            return Err(
                Problem::invalid("an app password is for imap, pop3 or smtp").remedy("name one or more")
            );
        }
        let (kept, shown) = AppPassword::generate(name.clone(), self.services, InternalDate::now().seconds)?;
        let change = |draft: &mut Draft| {
            let account = account_of(draft, &self.address)?;
            let mut all = account.app_passwords().to_vec();
            if all.iter().any(|one| one.name == kept.name) {
                return Err(Problem::exists(format_args!("app password {:?}", kept.name)));
            }
            if all.len() >= APP_PASSWORDS_MAX {
                let problem =
                    Problem::limit(format!("an account has at most {APP_PASSWORDS_MAX} app passwords"));
                return Err(problem.remedy("revoke one"));
            }
            all.push(kept.clone());
            draft.put_account(account.with_app_passwords(all));
            Ok(())
        };
        admin.directory().change(change).await?;
        Ok(Added { name, password: shown })
    }
}

impl Operation for Revoke {
    type Answer = ();
    const NAME: &'static str = "app-password.revoke";
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/api/accounts/{address}/app-passwords/{name}";
    const SUMMARY: &'static str = "Revokes a password of a program.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<(), Problem> {
        let account = admin.account(who, &self.address)?;
        who.must_be_or_administer(&account)?;
        let change = |draft: &mut Draft| {
            let account = account_of(draft, &self.address)?;
            let mut all = account.app_passwords().to_vec();
            all.retain(|one| one.name != self.name);
            if all.len() == account.app_passwords().len() {
                return Err(Problem::not_found(format_args!("app password {:?}", self.name)));
            }
            draft.put_account(account.with_app_passwords(all));
            Ok(())
        };
        admin.directory().change(change).await
    }
}

fn account_of(draft: &Draft, address: &Address) -> Result<Account, Problem> {
    let found = draft.account(address).map(|account| Account::clone(account));
    found.ok_or_else(|| Problem::not_found(format_args!("account {address}")))
}

/// So many an account has at most: each is tried at a log-in.
const APP_PASSWORDS_MAX: usize = 32;
