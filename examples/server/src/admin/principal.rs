//! Who asks, and what they may do.

use std::sync::Arc;

use super::{Problem, ProblemKind};
use crate::directory::{Account, Address, Role};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    /// Whoever can open the data directory or the socket in it: an administrator of the server.
    Local,
    /// An administrator without a mailbox.
    Administrator(String),
    /// An account, with its role.
    Account(Arc<Account>),
}

impl Principal {
    /// The name, for the log and for people.
    pub fn name(&self) -> String {
        match self {
            Self::Local => "local".to_owned(),
            Self::Administrator(name) => name.clone(),
            Self::Account(account) => account.address.to_string(),
        }
    }

    /// The role.
    pub fn role(&self) -> Role {
        match self {
            Self::Local | Self::Administrator(_) => Role::ServerAdmin,
            Self::Account(account) => account.role,
        }
    }

    /// The account, where it is one.
    pub fn account(&self) -> Option<&Account> {
        match self {
            Self::Account(account) => Some(account),
            Self::Local | Self::Administrator(_) => None,
        }
    }

    /// Whether everything is allowed.
    pub fn is_server_admin(&self) -> bool {
        self.role() == Role::ServerAdmin
    }

    /// Whether what is in this domain may be administered.
    pub fn administers(&self, domain: &str) -> bool {
        match (self.role(), self.account()) {
            (Role::ServerAdmin, _) => true,
            (Role::DomainAdmin, Some(account)) => account.address.domain() == domain,
            _ => false,
        }
    }

    /// For what concerns the whole server.
    pub(super) fn must_be_server_admin(&self) -> Result<(), Problem> {
        if self.is_server_admin() { Ok(()) } else { Err(forbidden("an administrator of the server")) }
    }

    /// For what only shows what is theirs to administer.
    pub(super) fn must_administer_something(&self) -> Result<(), Problem> {
        if self.role() > Role::User { Ok(()) } else { Err(forbidden("an administrator")) }
    }

    /// For what is in a domain.
    pub(super) fn must_administer(&self, domain: &str) -> Result<(), Problem> {
        if self.administers(domain) {
            Ok(())
        } else {
            Err(forbidden(&format!("an administrator of {domain} or of the server")))
        }
    }

    /// For what is an account's: its own user may, and whoever administers its domain, unless the account could do
    /// more than they.
    pub(super) fn must_administer_account(&self, account: &Account) -> Result<(), Problem> {
        self.must_administer(account.address.domain())?;
        if account.role > self.role() {
            return Err(forbidden("an administrator of the server, as the account is one"));
        }
        Ok(())
    }

    /// As [`must_administer_account`](Self::must_administer_account), or the user of the account.
    pub(super) fn must_be_or_administer(&self, account: &Account) -> Result<(), Problem> {
        if self.is(&account.address) { Ok(()) } else { self.must_administer_account(account) }
    }

    /// Whether this is the account of this address.
    pub(super) fn is(&self, address: &Address) -> bool {
        self.account().is_some_and(|account| account.address == *address)
    }
}

fn forbidden(who: &str) -> Problem {
    Problem::new(ProblemKind::Forbidden, format!("this is for {who}")).remedy("log in as one, or ask one")
}
