//! Who has mail here: domains, accounts, aliases, groups, classes, and who may log in.
//!
//! Everything is kept as JSON documents in the store's records and held whole in memory, as one picture that never
//! changes and is replaced after each commit: a question takes no store call and no lock that anybody holds for long,
//! and what an administrator changes is in force at the next question. Only a log-in takes time: the password is
//! hashed, on a bounded number of threads behind a bounded queue.
//!
//! What may be changed and by whom is decided in [`admin`](crate::admin).

mod account;
mod address;
mod bans;
mod cache;
mod change;
mod credential;
mod decoy;
mod document;
mod domain;
mod kept_bans;
mod last_login;
mod login;
mod password;
mod picture;
mod random;
mod renewal;
mod resolve;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::watch;

pub use account::{Account, Permissions, PlusMail, Role};
pub use address::{Address, AddressError, normalise_domain};
pub use bans::{Ban, BanPolicy, BanSubject};
pub use change::Draft;
pub use credential::{Administrator, AppPassword, Credential, Stamp, random_text};
pub use domain::{Alias, Class, Domain, DomainLimits, Group, Posting};
pub use login::{Attempt, LastLogins, LogIn, Proof, ScramAnswer, Service};
pub use password::HashCost;
pub use picture::{Entry, Picture};
pub use resolve::{Recipient, Recipients};

use crate::store::{AccountId, MailboxName, Room, Store, StoreError};

/// The directory of one store. Clones share it.
#[derive(Debug, Clone)]
pub struct Directory(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    store: Arc<dyn Store>,
    picture: RwLock<Arc<Picture>>,
    /// One change at a time; each begins with what the one before has left.
    changing: Arc<tokio::sync::Mutex<()>>,
    changed: watch::Sender<u64>,
    hasher: password::Hasher,
    verified: cache::Verified,
    /// The accounts whose passwords are being hashed anew.
    renewals: Mutex<BTreeSet<AccountId>>,
    bans: bans::Bans,
    last_logins: last_login::Recorder,
    scram_iterations: u32,
    deleted_octets: u64,
}

/// What a directory is opened with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// What a new password hash costs.
    pub cost: HashCost,
    /// Iterations of new SCRAM keys (RFC 7677 4).
    pub scram_iterations: u32,
    /// When a peer is shut out.
    pub bans: BanPolicy,
    /// Octets that are kept of what is expunged from an account without a quota.
    pub deleted_octets: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cost: HashCost::RECOMMENDED,
            scram_iterations: posthaste_sasl::ITERATIONS_DEFAULT,
            bans: BanPolicy::default(),
            deleted_octets: DELETED_OCTETS,
        }
    }
}

/// Why the directory did not do what was asked. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// Too many passwords are being checked already: to be answered with a temporary refusal (SMTP 454 4.7.0,
    /// `[UNAVAILABLE]`, `[SYS/TEMP]`).
    #[error("too many passwords are being checked at the moment: try again in a few seconds")]
    Busy,
    /// A password could not be hashed: no memory, no randomness, or the process is ending.
    #[error("the password could not be hashed")]
    Hashing,
    /// The password can not be used.
    #[error("the password can not be used: {0}")]
    UnusablePassword(String),
    /// A document in the store can not be understood.
    #[error("the record {key} can not be understood: {reason}")]
    Document {
        /// Which.
        key: String,
        /// Why not.
        reason: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Directory {
    /// Reads the directory of a store. Computes one hash, so it takes that long.
    ///
    /// # Errors
    ///
    /// The store failed, a document can not be understood, or [`DirectoryError::Hashing`] if argon2 does not accept
    /// the cost.
    pub async fn open(store: Arc<dyn Store>, options: Options) -> Result<Self, DirectoryError> {
        let hasher = password::Hasher::new(options.cost)?;
        let records = store.records().await?;
        let picture = document::read(&records)?;
        let last_logins = last_login::Recorder::default();
        last_logins.read(&records);
        let bans = bans::Bans::new(options.bans);
        bans.read(&records).await;
        let directory = Self(Arc::new(Shared {
            store,
            picture: RwLock::new(Arc::new(picture)),
            changing: Arc::default(),
            changed: watch::Sender::new(0),
            hasher,
            verified: cache::Verified::new()?,
            renewals: Mutex::default(),
            bans,
            last_logins,
            scram_iterations: options.scram_iterations,
            deleted_octets: options.deleted_octets,
        }));
        directory.make_decoy_secret().await?;
        Ok(directory)
    }

    /// Passwords that are being checked or wait to be.
    pub fn password_checks(&self) -> usize {
        self.0.hasher.checks()
    }

    /// Everything, as of now. Cheap: the picture is shared.
    pub fn picture(&self) -> Arc<Picture> {
        Arc::clone(&self.0.picture.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts the changes: whoever awaits one asks again what it depends on, as whether its account is still enabled.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.0.changed.subscribe()
    }

    /// The account that has this address, whether enabled or not. Names of the domain count, aliases do not.
    pub fn account(&self, address: &Address) -> Option<Arc<Account>> {
        self.picture().account(address).cloned()
    }

    /// The account with this id, as it is now.
    pub fn account_by_id(&self, id: AccountId) -> Option<Arc<Account>> {
        self.picture().account_by_id(id).cloned()
    }

    /// Whether somebody who logged in as this account, as it was then, may go on using a service: to be asked after
    /// each [`watch`](Self::watch) by a session. `None` when not, as after another password was set; otherwise the
    /// account as it is now.
    pub fn still_allowed(&self, account: &Account, service: Service) -> Option<Arc<Account>> {
        let picture = self.picture();
        let now = picture.account_by_id(account.id)?;
        (now.epoch() == account.epoch() && picture.may_use(now, service)).then(|| Arc::clone(now))
    }

    /// Whether the domain, under any of its names, has mail here, enabled or not.
    pub fn serves(&self, domain: &str) -> bool {
        normalise_domain(domain).is_ok_and(|name| self.picture().domain(&name).is_some())
    }

    /// Who gets what is sent to this address by somebody who has not logged in.
    pub fn recipients(&self, address: &Address) -> Recipients {
        self.recipients_from(address, None)
    }

    /// Who gets what is sent to this address; `sender` is who is logged in.
    pub fn recipients_from(&self, address: &Address, sender: Option<&Account>) -> Recipients {
        resolve::recipients(&self.picture(), address, sender)
    }

    /// The mailbox that a recipient's mail goes into: the one that [`Recipient::mailbox`] asks for if there is one of
    /// that name, in any case of letters, and INBOX otherwise. Asks the store only when it is not INBOX.
    ///
    /// # Errors
    ///
    /// The store failed.
    pub async fn mailbox_for(&self, recipient: &Recipient) -> Result<MailboxName, StoreError> {
        if recipient.mailbox.is_inbox() {
            return Ok(MailboxName::inbox());
        }
        let wanted = recipient.mailbox.as_str().to_lowercase();
        let mailboxes = self.0.store.mailboxes(recipient.account.id).await?;
        let found = mailboxes.into_iter().find(|mailbox| mailbox.name.to_lowercase() == wanted);
        let name = found.and_then(|mailbox| MailboxName::new(&mailbox.name).ok());
        Ok(name.unwrap_or_else(MailboxName::inbox))
    }

    /// Whether an account may send mail that is from this address: its own, under any name of its domain and with
    /// any detail, and aliases that stand for it alone or among others. Not groups.
    pub fn may_send_as(&self, account: &Account, from: &Address) -> bool {
        resolve::may_send_as(&self.picture(), account, from)
    }

    /// How much an account may keep: its own quota, else that of its class, and never more than its domain allows.
    pub fn room(&self, account: &Account) -> Room {
        Room { deleted_octets: Some(self.0.deleted_octets), ..self.picture().room(account) }
    }

    /// Octets of one message that an account may send or receive: the least of its class and its domain.
    /// The limit of the server is besides.
    pub fn message_size(&self, account: &Account) -> Option<u64> {
        self.picture().message_size(account)
    }

    /// The groups that an account is in, directly or through other groups: what `$name@domain` means in access
    /// control lists (RFC 4314), without the `$`. Sorted.
    pub fn groups_of(&self, account: &Account) -> Vec<String> {
        resolve::groups_of(&self.picture(), account)
    }

    /// Sets the picture, after a commit.
    fn replace(&self, picture: Picture) {
        *self.0.picture.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(picture);
        self.0.changed.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Octets that are kept of what is expunged from an account without a quota, where nothing else is said: 20 GiB.
pub const DELETED_OCTETS: u64 = 20 << 30;
