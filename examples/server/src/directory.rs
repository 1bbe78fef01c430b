//! Who has mail here: domains, accounts, passwords, quotas.
//!
//! Everything is in the store's database and nothing is cached: what the CLI changes, the running server
//! sees at the next question.

mod address;
mod password;

use rusqlite::{Connection, OptionalExtension, Row, params};

pub use address::{Address, AddressError, normalise_domain};
pub use password::HashCost;

use crate::store::{self, AccountId, Store, StoreError, Txn};

/// The directory of one store. Clones share it.
#[derive(Debug, Clone)]
pub struct Directory {
    store: Store,
    hasher: password::Hasher,
}

/// An account, as of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// What the store knows it by.
    pub id: AccountId,
    /// Its address, which is also its user name.
    pub address: Address,
    /// Octets it may use; `None` for no limit.
    pub quota: Option<u64>,
    /// Octets it uses; a copy of a message counts like the message.
    pub used: u64,
}

impl Account {
    /// Whether a message of `size` octets would fit now.
    pub fn has_room(&self, size: u64) -> bool {
        self.quota.is_none_or(|quota| self.used.saturating_add(size) <= quota)
    }
}

/// An account to be made.
#[derive(Clone)]
pub struct NewAccount {
    /// Its address.
    pub address: Address,
    /// Its password, in the clear.
    pub password: String,
    /// Octets it may use; `None` for no limit.
    pub quota: Option<u64>,
}

impl std::fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewAccount")
            .field("address", &self.address)
            .field("quota", &self.quota)
            .finish_non_exhaustive()
    }
}

/// Whether a domain may be removed while it has accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoveDomain {
    /// It may not.
    IfEmpty,
    /// It may, with them and all their mail.
    WithAccounts,
}

/// Why the directory did not do what was asked. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DirectoryError {
    /// The domain is not served here.
    #[error("the domain {0} is not served here: add it with `posthaste domain add {0}`")]
    NoSuchDomain(String),
    /// The domain is served already.
    #[error("the domain {0} exists already")]
    DomainExists(String),
    /// The domain still has accounts.
    #[error(
        "the domain {name} has {accounts} accounts: remove them first, or use --force to remove their mail too"
    )]
    DomainInUse {
        /// The domain.
        name: String,
        /// How many.
        accounts: u64,
    },
    /// No account has this address.
    #[error("there is no account {0}")]
    NoSuchAccount(Address),
    /// An account has this address already.
    #[error("the account {0} exists already")]
    AccountExists(Address),
    /// Nobody can log in with an empty password, so nobody may have one.
    #[error("the password of {0} is empty: give it one of at least one character")]
    EmptyPassword(Address),
    /// A password could not be hashed: no memory, or the process is ending.
    #[error("the password could not be hashed")]
    Hashing,
    /// The address is not one.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for DirectoryError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Directory {
    /// A directory that hashes passwords at this cost. Computes one hash, so it takes that long.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::Hashing`] if argon2 does not accept the cost.
    pub fn new(store: Store, cost: HashCost) -> Result<Self, DirectoryError> {
        Ok(Self { store, hasher: password::Hasher::new(cost)? })
    }

    /// The account that has this address and this password, if there is one.
    ///
    /// Takes as long for an unknown user as for a wrong password. An empty password is always wrong.
    ///
    /// # Errors
    ///
    /// The question could not be answered, for now.
    pub async fn verify(&self, address: &str, password: &[u8]) -> Result<Option<Account>, DirectoryError> {
        let address = Address::parse(address).ok();
        let found = self
            .store
            .read(move |sql| match address {
                Some(address) => find(sql, &address),
                None => Ok(None),
            })
            .await?;
        let (account, stored) = found.unzip();
        let verified = self.hasher.verify(password.to_vec(), stored).await?;
        Ok(account.filter(|_| verified))
    }

    /// The account that has this address: who a recipient is.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn account(&self, address: &Address) -> Result<Option<Account>, DirectoryError> {
        let address = address.clone();
        Ok(self.store.read(move |sql| find(sql, &address)).await?.map(|(account, _)| account))
    }

    /// The account with this id as it is now: its quota and use.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn account_by_id(&self, id: AccountId) -> Result<Option<Account>, DirectoryError> {
        self.store
            .read(move |sql| {
                let mut query = sql.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
                Ok(query.query_row([id], account_from).optional()?)
            })
            .await
            .map(Option::flatten)
    }

    /// Whether mail for this domain is delivered here.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn serves(&self, domain: &str) -> Result<bool, DirectoryError> {
        let Ok(domain) = normalise_domain(domain) else { return Ok(false) };
        self.store.read(move |sql| has_domain(sql, &domain)).await
    }

    /// The domains, sorted.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn domains(&self) -> Result<Vec<String>, DirectoryError> {
        self.store
            .read(|sql| {
                let mut query = sql.prepare_cached("SELECT name FROM domains ORDER BY name")?;
                Ok(query.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// The accounts, by domain and local part.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub async fn accounts(&self) -> Result<Vec<Account>, DirectoryError> {
        self.store
            .read(|sql| {
                let mut query = sql.prepare_cached(&format!("{SELECT} ORDER BY domain, local"))?;
                let rows = query.query_map([], account_from)?.collect::<Result<Vec<_>, _>>()?;
                Ok(rows.into_iter().flatten().collect())
            })
            .await
    }

    /// Adds a domain.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::Address`], [`DirectoryError::DomainExists`].
    pub async fn add_domain(&self, name: &str) -> Result<(), DirectoryError> {
        let name = normalise_domain(name)?;
        self.store
            .write(move |txn| {
                if has_domain(txn.sql, &name)? {
                    return Err(DirectoryError::DomainExists(name));
                }
                txn.sql.execute("INSERT INTO domains (name) VALUES (?1)", [name])?;
                Ok(())
            })
            .await
    }

    /// Removes a domain.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::NoSuchDomain`], [`DirectoryError::DomainInUse`].
    pub async fn remove_domain(&self, name: &str, how: RemoveDomain) -> Result<(), DirectoryError> {
        let name = normalise_domain(name)?;
        self.store
            .write(move |txn| {
                if !has_domain(txn.sql, &name)? {
                    return Err(DirectoryError::NoSuchDomain(name));
                }
                let accounts: Vec<AccountId> = txn
                    .sql
                    .prepare("SELECT id FROM accounts WHERE domain = ?1")?
                    .query_map([&name], |row| row.get(0))?
                    .collect::<Result<_, _>>()?;
                if how == RemoveDomain::IfEmpty && !accounts.is_empty() {
                    return Err(DirectoryError::DomainInUse { name, accounts: accounts.len() as u64 });
                }
                for account in accounts {
                    remove_account(txn, account)?;
                }
                txn.sql.execute("DELETE FROM domains WHERE name = ?1", [name])?;
                Ok(())
            })
            .await
    }

    /// Makes an account with its mailboxes.
    ///
    /// # Errors
    ///
    /// As [`add_accounts`](Self::add_accounts).
    pub async fn add_account(&self, account: NewAccount) -> Result<(), DirectoryError> {
        self.add_accounts(vec![account]).await
    }

    /// Makes accounts with their mailboxes: all or none.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::EmptyPassword`], [`DirectoryError::NoSuchDomain`],
    /// [`DirectoryError::AccountExists`] for the first that can not be made.
    pub async fn add_accounts(&self, accounts: Vec<NewAccount>) -> Result<(), DirectoryError> {
        // The cheap questions first: hashing a thousand passwords takes a minute.
        for account in &accounts {
            self.check_new(account).await?;
        }
        let hashing: Vec<_> = accounts
            .into_iter()
            .map(|NewAccount { address, password, quota }| {
                let hasher = self.hasher.clone();
                tokio::spawn(async move {
                    Ok::<_, DirectoryError>((address, hasher.hash(password).await?, quota))
                })
            })
            .collect();
        let mut hashed = Vec::with_capacity(hashing.len());
        for one in hashing {
            hashed.push(one.await.map_err(|_| DirectoryError::Hashing)??);
        }
        self.store
            .write(move |txn| {
                hashed.into_iter().try_for_each(|(address, hash, quota)| insert(txn, &address, &hash, quota))
            })
            .await
    }

    /// Says whether an account could be made now.
    ///
    /// # Errors
    ///
    /// As [`add_accounts`](Self::add_accounts).
    pub async fn check_new(&self, account: &NewAccount) -> Result<(), DirectoryError> {
        if account.password.is_empty() {
            return Err(DirectoryError::EmptyPassword(account.address.clone()));
        }
        let address = account.address.clone();
        self.store.read(move |sql| check_free(sql, &address)).await
    }

    /// Gives an account a new password.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::NoSuchAccount`], [`DirectoryError::EmptyPassword`].
    pub async fn set_password(&self, address: &Address, password: String) -> Result<(), DirectoryError> {
        if password.is_empty() {
            return Err(DirectoryError::EmptyPassword(address.clone()));
        }
        let address = address.clone();
        let hash = self.hasher.hash(password).await?;
        self.store
            .write(move |txn| {
                let changed = txn.sql.execute(
                    "UPDATE accounts SET password = ?3 WHERE local = ?1 AND domain = ?2",
                    params![address.local(), address.domain(), hash],
                )?;
                if changed == 0 { Err(DirectoryError::NoSuchAccount(address)) } else { Ok(()) }
            })
            .await
    }

    /// Removes an account and all its mail.
    ///
    /// # Errors
    ///
    /// [`DirectoryError::NoSuchAccount`].
    pub async fn remove_account(&self, address: &Address) -> Result<(), DirectoryError> {
        let address = address.clone();
        self.store
            .write(move |txn| match find(txn.sql, &address)? {
                Some((account, _)) => remove_account(txn, account.id),
                None => Err(DirectoryError::NoSuchAccount(address)),
            })
            .await
    }
}

fn has_domain(sql: &Connection, name: &str) -> Result<bool, DirectoryError> {
    let mut query = sql.prepare_cached("SELECT EXISTS (SELECT 1 FROM domains WHERE name = ?1)")?;
    Ok(query.query_row([name], |row| row.get(0))?)
}

fn find(sql: &Connection, address: &Address) -> Result<Option<(Account, String)>, DirectoryError> {
    let mut query = sql.prepare_cached(&format!("{SELECT} WHERE local = ?1 AND domain = ?2"))?;
    let found = query
        .query_row([address.local(), address.domain()], |row| Ok((account_from(row)?, row.get(5)?)))
        .optional()?;
    Ok(found.and_then(|(account, password)| Some((account?, password))))
}

fn check_free(sql: &Connection, address: &Address) -> Result<(), DirectoryError> {
    if !has_domain(sql, address.domain())? {
        return Err(DirectoryError::NoSuchDomain(address.domain().to_owned()));
    }
    match find(sql, address)? {
        Some(_) => Err(DirectoryError::AccountExists(address.clone())),
        None => Ok(()),
    }
}

fn insert(
    txn: &mut Txn<'_>,
    address: &Address,
    hash: &str,
    quota: Option<u64>,
) -> Result<(), DirectoryError> {
    check_free(txn.sql, address)?;
    txn.sql.execute(
        "INSERT INTO accounts (local, domain, password, quota) VALUES (?1, ?2, ?3, ?4)",
        params![address.local(), address.domain(), hash, quota],
    )?;
    store::create_defaults(txn, AccountId(txn.sql.last_insert_rowid()))?;
    Ok(())
}

fn remove_account(txn: &mut Txn<'_>, account: AccountId) -> Result<(), DirectoryError> {
    store::remove_all(txn, account)?;
    txn.sql.execute("DELETE FROM accounts WHERE id = ?1", [account])?;
    Ok(())
}

/// `None` for a row whose address no longer passes the rules; nobody can name it.
fn account_from(row: &Row<'_>) -> rusqlite::Result<Option<Account>> {
    let (local, domain): (String, String) = (row.get(1)?, row.get(2)?);
    let (id, quota, used) = (row.get(0)?, row.get(3)?, row.get(4)?);
    Ok(Address::parse(&format!("{local}@{domain}")).ok().map(|address| Account { id, address, quota, used }))
}

const SELECT: &str = "SELECT id, local, domain, quota, used, password FROM accounts";
