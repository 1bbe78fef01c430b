//! How the directory is written down: one JSON document for each thing, in the store's records.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::picture::{Entry, Picture};
use super::{Account, Address, DirectoryError};
use crate::store::{Record, RecordKey};

pub(super) const KIND_DOMAIN: &str = "domain";
pub(super) const KIND_CLASS: &str = "class";
pub(super) const KIND_ACCOUNT: &str = "account";
pub(super) const KIND_ALIAS: &str = "alias";
pub(super) const KIND_GROUP: &str = "group";
pub(super) const KIND_ADMINISTRATOR: &str = "administrator";
pub(super) const KIND_LAST_LOGIN: &str = "last-login";
pub(super) const KIND_BAN: &str = "ban";
pub(super) const KIND_DIRECTORY: &str = "directory";

/// What the directory notes for itself.
#[derive(Serialize, Deserialize)]
struct Counters {
    next_account: i64,
    decoy_secret: String,
}

/// The name of the only document of its kind.
const COUNTERS: &str = "counters";

/// The key of what the directory notes for itself.
pub(super) fn counters_key() -> RecordKey {
    RecordKey::new(KIND_DIRECTORY, COUNTERS)
}

/// Understands all records; those of kinds that are not the directory's are passed over.
pub(super) fn read(records: &[Record]) -> Result<Picture, DirectoryError> {
    let mut picture = Picture { next_account: 1, ..Picture::default() };
    for record in records {
        let name = || record.key.name.clone();
        match record.key.kind.as_str() {
            KIND_DOMAIN => drop(picture.domains.insert(name(), parse(record)?)),
            KIND_CLASS => drop(picture.classes.insert(name(), parse(record)?)),
            KIND_ADMINISTRATOR => drop(picture.administrators.insert(name(), parse(record)?)),
            KIND_ACCOUNT => {
                let account: Arc<Account> = parse(record)?;
                picture.entries.insert(account.address.clone(), Entry::Account(account.id));
                picture.accounts.insert(account.id, account);
            }
            KIND_ALIAS => drop(picture.entries.insert(address(record)?, Entry::Alias(parse(record)?))),
            KIND_GROUP => drop(picture.entries.insert(address(record)?, Entry::Group(parse(record)?))),
            KIND_DIRECTORY if record.key.name == COUNTERS => {
                let counters: Arc<Counters> = parse(record)?;
                picture.next_account = counters.next_account;
                picture.decoy_secret.clone_from(&counters.decoy_secret);
            }
            _ => continue,
        }
        picture.versions.insert(record.key.clone(), record.version);
    }
    picture.index();
    Ok(picture)
}

/// What a document says now; `None` when there is none any more.
pub(super) fn write(picture: &Picture, key: &RecordKey) -> Result<Option<String>, DirectoryError> {
    let failed = |error: String| DirectoryError::Document { key: shown(key), reason: error };
    let value = match key.kind.as_str() {
        KIND_DOMAIN => picture.domains.get(&key.name).map(|domain| json(&**domain)),
        KIND_CLASS => picture.classes.get(&key.name).map(|class| json(&**class)),
        KIND_ADMINISTRATOR => picture.administrators.get(&key.name).map(|who| json(&**who)),
        KIND_DIRECTORY => {
            let Picture { next_account, decoy_secret, .. } = picture;
            Some(json(&Counters { next_account: *next_account, decoy_secret: decoy_secret.clone() }))
        }
        kind => {
            let address = Address::parse(&key.name).map_err(|error| failed(error.to_string()))?;
            match (kind, picture.entry(&address)) {
                (KIND_ACCOUNT, Some(Entry::Account(id))) => {
                    picture.accounts.get(id).map(|account| json(&**account))
                }
                (KIND_ALIAS, Some(Entry::Alias(alias))) => Some(json(&**alias)),
                (KIND_GROUP, Some(Entry::Group(group))) => Some(json(&**group)),
                _ => None,
            }
        }
    };
    value.transpose().map_err(failed)
}

fn json<T: Serialize>(value: &T) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}

fn parse<T: DeserializeOwned>(record: &Record) -> Result<Arc<T>, DirectoryError> {
    serde_json::from_str(&record.value)
        .map(Arc::new)
        .map_err(|error| DirectoryError::Document { key: shown(&record.key), reason: error.to_string() })
}

fn address(record: &Record) -> Result<Address, DirectoryError> {
    Address::parse(&record.key.name)
        .map_err(|error| DirectoryError::Document { key: shown(&record.key), reason: error.to_string() })
}

fn shown(key: &RecordKey) -> String {
    format!("{} {}", key.kind, key.name.escape_debug())
}

/// `serde(with)` for the id of an account: its number.
pub(super) mod account_id {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::store::AccountId;

    pub(in super::super) fn serialize<S: Serializer>(id: &AccountId, to: S) -> Result<S::Ok, S::Error> {
        id.0.serialize(to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<AccountId, D::Error> {
        i64::deserialize(from).map(AccountId)
    }
}
