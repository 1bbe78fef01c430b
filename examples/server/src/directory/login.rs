//! Logging in: which service, with what, and what came of it.
//!
//! Whatever is wrong, the name, the password, a switch that is off, the same work is done and the same is answered
//! (AUTH-05). The user name is the address of the account, under any name of its domain; aliases do not log in.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use posthaste_sasl::server::Decoys;
use posthaste_sasl::{Hash, ScramKey, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::credential::unhex;
use super::{Account, Address, Administrator, Credential, Directory, DirectoryError};

/// What somebody logs in to.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// Sending mail.
    Smtp,
    /// Mailboxes.
    Imap,
    /// The maildrop.
    Pop3,
    /// The HTTP interface: a user's own settings, webmail, administration.
    Api,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Smtp, Self::Imap, Self::Pop3, Self::Api];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Api => "api",
        }
    }
}

/// A user name and a password, to be checked.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// What for.
    pub service: Service,
    /// Where from; `None` where that is known to be harmless, as for a local socket.
    pub peer: Option<IpAddr>,
    /// The name as it was given.
    pub user: &'a str,
    /// The password as it was given.
    pub password: &'a [u8],
}

impl std::fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attempt")
            .field("service", &self.service)
            .field("peer", &self.peer)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogIn<T = Account> {
    /// It is this account, which may use the service.
    Accepted(Arc<T>),
    /// It is not. Why not is for the log of the server, not for the peer.
    Refused,
    /// The peer or the name had too many failures: nothing was checked. To be answered as [`Refused`](Self::Refused),
    /// and the connection is best closed.
    Banned,
}

/// What a SCRAM exchange is answered with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScramAnswer {
    /// The key of this account.
    Found(Box<ScramKey>, Arc<Account>),
    /// There is none: go on with this one, which looks like a user's, and the client fails at its proof.
    Unknown(Box<ScramKey>),
    /// As [`LogIn::Banned`].
    Banned,
}

/// When an account last logged in to each service, in seconds since 1970.
pub type LastLogins = BTreeMap<Service, i64>;

/// Who is behind a name.
enum Subject {
    Account(Arc<Account>),
    Administrator(Arc<Administrator>),
    Nobody,
}

impl Subject {
    /// What is remembered of their passwords goes by this.
    fn who(&self) -> String {
        match self {
            Self::Account(account) => account.verified_as(),
            Self::Administrator(administrator) => format!("administrator {}", administrator.name),
            Self::Nobody => String::new(),
        }
    }

    fn credential(&self) -> Option<&Credential> {
        match self {
            Self::Account(account) => account.credential.as_ref(),
            Self::Administrator(administrator) => Some(&administrator.credential),
            Self::Nobody => None,
        }
    }
}

impl Directory {
    /// Checks a password, as PLAIN, LOGIN, USER/PASS and HTTP send it: the account's own or one of a program.
    ///
    /// # Errors
    ///
    /// It could not be checked for now, above all [`DirectoryError::Busy`].
    pub async fn log_in(&self, attempt: Attempt<'_>) -> Result<LogIn, DirectoryError> {
        if self.0.bans.is_banned(attempt.peer, attempt.user) {
            return Ok(LogIn::Banned);
        }
        let account = self.named(attempt.user);
        let subject = account.map_or(Subject::Nobody, Subject::Account);
        let is_right = self.check(&attempt, &subject).await?;
        // Asked only now, so that it takes as long as with a wrong password, and of the account as it is now: another
        // password may have been set while this one was checked.
        let accepted = match subject {
            Subject::Account(account) if is_right => self.still_allowed(&account, attempt.service),
            _ => None,
        };
        Ok(self.answer(attempt.service, attempt.peer, attempt.user, accepted))
    }

    /// Checks the password of an administrator that has no mailbox.
    ///
    /// # Errors
    ///
    /// As [`log_in`](Self::log_in).
    pub async fn log_in_administrator(
        &self,
        attempt: Attempt<'_>,
    ) -> Result<LogIn<Administrator>, DirectoryError> {
        if self.0.bans.is_banned(attempt.peer, attempt.user) {
            return Ok(LogIn::Banned);
        }
        let found = self.picture().administrators.get(attempt.user).cloned();
        let subject = found.clone().map_or(Subject::Nobody, Subject::Administrator);
        let is_right = self.check(&attempt, &subject).await?;
        match found.filter(|_| is_right) {
            Some(found) => {
                self.0.bans.succeeded(attempt.peer, attempt.user);
                Ok(LogIn::Accepted(found))
            }
            None => {
                self.0.bans.failed(attempt.peer, attempt.user);
                Ok(LogIn::Refused)
            }
        }
    }

    /// The SCRAM key that a user is to prove knowledge of. What a client may not tell apart is told apart by
    /// [`accepted_scram`](Self::accepted_scram) only, after the proof.
    ///
    /// Passwords of programs can not be used with SCRAM: there is one key for each name.
    pub fn scram_key(&self, service: Service, peer: Option<IpAddr>, user: &str, hash: Hash) -> ScramAnswer {
        if self.0.bans.is_banned(peer, user) {
            return ScramAnswer::Banned;
        }
        let account = self.named(user).filter(|account| self.picture().may_use(account, service));
        let found = account.and_then(|account| {
            let key = account.credential.as_ref()?.scram_key(hash)?;
            Some(ScramAnswer::Found(Box::new(key), account))
        });
        // Made in any case: so it costs the same.
        let decoy = self.decoy(user, hash);
        match (found, decoy) {
            (Some(found), _) => found,
            (None, Some(decoy)) => ScramAnswer::Unknown(Box::new(decoy)),
            // Without the secret of the store nobody can be hidden.
            (None, None) => ScramAnswer::Banned,
        }
    }

    /// What comes of a SCRAM exchange that has ended, with whichever proof: counted, noted, and said.
    pub fn accepted_scram(&self, service: Service, peer: Option<IpAddr>, user: &str, proof: Proof) -> LogIn {
        let account = match proof {
            // The password it was proved with may have been replaced since.
            Proof::Right(account) => self.still_allowed(&account, service),
            Proof::Wrong => None,
        };
        self.answer(service, peer, user, account)
    }

    /// The secret without which nothing is told to a client that speaks SCRAM: the same for as long as the store lives.
    pub fn decoys(&self) -> Decoys {
        let secret = unhex(&self.picture().decoy_secret).unwrap_or_default();
        Decoys::new(Secret::new(secret)).with_iterations(self.0.scram_iterations)
    }

    /// What is kept of a new password; to be put into a document.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::UnusablePassword`], [`DirectoryError::Hashing`].
    pub async fn credential(&self, password: &Secret) -> Result<Credential, DirectoryError> {
        self.0.hasher.credential(password.clone(), self.0.scram_iterations).await
    }

    /// Checks the password of the account itself, given by somebody who is logged in already, as when its user changes
    /// it. Wrong ones slow down what comes next, wherever it comes from: a session that was left open is no place to
    /// guess from.
    ///
    /// # Errors
    ///
    /// As [`log_in`](Self::log_in).
    pub async fn confirm(&self, account: &Account, password: &Secret) -> Result<LogIn, DirectoryError> {
        let user = account.address.to_string();
        if self.0.bans.is_slowed_down(&user) {
            return Ok(LogIn::Banned);
        }
        let now = self.account_by_id(account.id);
        let stored = now.as_ref().and_then(|now| now.credential.as_ref().map(|kept| kept.hash.clone()));
        let is_right = self.0.hasher.verify(password.clone(), stored).await?;
        Ok(match now.filter(|_| is_right) {
            Some(now) => LogIn::Accepted(now),
            None => {
                self.0.bans.failed_within(&user);
                LogIn::Refused
            }
        })
    }

    fn named(&self, user: &str) -> Option<Arc<Account>> {
        self.account(&Address::parse(user).ok()?)
    }

    /// Whether the password is one of the subject's that is good for the service.
    async fn check(&self, attempt: &Attempt<'_>, subject: &Subject) -> Result<bool, DirectoryError> {
        if let Subject::Account(account) = subject
            && account.has_password()
            && account
                .app_passwords
                .iter()
                .any(|one| one.services.contains(&attempt.service) && one.is(attempt.password))
        {
            return Ok(true);
        }
        let stored = subject.credential().map(|credential| credential.hash.clone());
        let tag = stored
            .as_deref()
            .and_then(|stored| self.0.verified.tag(&subject.who(), stored, attempt.password));
        if tag.as_ref().is_some_and(|tag| self.0.verified.has(tag)) {
            return Ok(true);
        }
        let password = Secret::from(attempt.password);
        let is_right = self.0.hasher.verify(password.clone(), stored.clone()).await?;
        if is_right {
            if let Some(tag) = tag {
                self.0.verified.add(tag);
            }
            if let Subject::Account(account) = subject {
                self.renew(account, password);
            }
        }
        Ok(is_right)
    }

    /// Counts, notes, and says so.
    fn answer(
        &self,
        service: Service,
        peer: Option<IpAddr>,
        user: &str,
        accepted: Option<Arc<Account>>,
    ) -> LogIn {
        match accepted {
            Some(account) => {
                self.0.bans.succeeded(peer, user);
                self.0.last_logins.note(account.id, service);
                LogIn::Accepted(account)
            }
            None => {
                self.0.bans.failed(peer, user);
                LogIn::Refused
            }
        }
    }
}

/// What came of the proof of a SCRAM exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The client knows the password of the account whose key was [found](ScramAnswer::Found).
    Right(Arc<Account>),
    /// It does not.
    Wrong,
}
