//! Records of the directory, and the accounts they are of.

use rusqlite::{Connection, OptionalExtension, params};

use super::counters::AccountCounts;
use super::writer::Txn;
use super::{mailboxes, messages, sharing};
use crate::store::{
    AccountId, Change, Expect, MailboxId, Record, RecordChange, RecordKey, StoreError, Usage,
};

pub(super) fn records(sql: &Connection) -> Result<Vec<Record>, StoreError> {
    let mut query =
        sql.prepare_cached("SELECT kind, name, version, value FROM records ORDER BY kind, name")?;
    let rows = query.query_map([], |row| {
        let key = RecordKey { kind: row.get(0)?, name: row.get(1)? };
        Ok(Record { key, version: row.get(2)?, value: row.get(3)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn commit(txn: &mut Txn<'_>, changes: &[RecordChange]) -> Result<(), StoreError> {
    let mut records = false;
    for change in changes {
        match change {
            RecordChange::Put { key, expect, value } => {
                put(txn, key, *expect, Some(value))?;
                records = true;
            }
            RecordChange::Delete { key, expect } => {
                put(txn, key, *expect, None)?;
                records = true;
            }
            RecordChange::AddAccount(account) => add(txn, *account)?,
            RecordChange::EmptyAccount(account) => {
                remove_mail(txn, *account)?;
                mailboxes::create_defaults(txn, *account)?;
            }
            RecordChange::RemoveAccount(account) => remove(txn, *account)?,
            RecordChange::Identifier { from, to } => sharing::rename(txn, from, to.as_deref())?,
        }
    }
    if records {
        txn.tell(Change::Records);
    }
    Ok(())
}

pub(super) fn usage(sql: &Connection, account: AccountId) -> Result<Usage, StoreError> {
    sql.prepare_cached(&format!("{USAGE} WHERE id = ?1"))?
        .query_row([account], |row| Ok(usage_from(row)?.1))
        .optional()?
        .ok_or(StoreError::NoSuchAccount)
}

pub(super) fn usages(sql: &Connection) -> Result<Vec<(AccountId, Usage)>, StoreError> {
    let mut query = sql.prepare_cached(&format!("{USAGE} ORDER BY id"))?;
    Ok(query.query_map([], usage_from)?.collect::<Result<_, _>>()?)
}

fn usage_from(row: &rusqlite::Row<'_>) -> rusqlite::Result<(AccountId, Usage)> {
    let usage = Usage {
        octets: row.get(1)?,
        messages: row.get(2)?,
        mailboxes: row.get(3)?,
        deleted_octets: row.get(4)?,
        deleted_messages: row.get(5)?,
    };
    Ok((row.get(0)?, usage))
}

const USAGE: &str = "SELECT id, octets, messages,
     (SELECT count(*) FROM mailboxes m WHERE m.account = a.id), deleted_octets, deleted_messages
     FROM accounts a";

/// Gives a record a value, or takes it away.
fn put(txn: &Txn<'_>, key: &RecordKey, expect: Expect, value: Option<&str>) -> Result<(), StoreError> {
    let version: Option<u64> = txn
        .sql
        .prepare_cached("SELECT version FROM records WHERE kind = ?1 AND name = ?2")?
        .query_row([&key.kind, &key.name], |row| row.get(0))
        .optional()?;
    let expected = match expect {
        Expect::Anything => true,
        Expect::Absent => version.is_none(),
        Expect::Version(seen) => version == Some(seen),
    };
    if !expected {
        return Err(StoreError::Conflict(format!("{} {}", key.kind, key.name)));
    }
    match value {
        Some(value) => txn
            .sql
            .prepare_cached(
                "INSERT OR REPLACE INTO records (kind, name, version, value) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![key.kind, key.name, version.unwrap_or(0).saturating_add(1), value])?,
        None => txn
            .sql
            .prepare_cached("DELETE FROM records WHERE kind = ?1 AND name = ?2")?
            .execute([&key.kind, &key.name])?,
    };
    Ok(())
}

fn add(txn: &mut Txn<'_>, account: AccountId) -> Result<(), StoreError> {
    let known: bool = txn
        .sql
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM accounts WHERE id = ?1)
                 OR EXISTS (SELECT 1 FROM former_accounts WHERE id = ?1)",
        )?
        .query_row([account], |row| row.get(0))?;
    if known {
        return Err(StoreError::Conflict(format!("account {account}")));
    }
    txn.sql.prepare_cached("INSERT INTO accounts (id) VALUES (?1)")?.execute([account])?;
    mailboxes::create_defaults(txn, account)
}

fn remove(txn: &mut Txn<'_>, account: AccountId) -> Result<(), StoreError> {
    remove_mail(txn, account)?;
    txn.counters.drop_account(account);
    txn.fresh.drop_account(account);
    for table in ["annotations", "threads", "deliveries"] {
        txn.sql.prepare_cached(&format!("DELETE FROM {table} WHERE account = ?1"))?.execute([account])?;
    }
    txn.sql.prepare_cached("DELETE FROM accounts WHERE id = ?1")?.execute([account])?;
    txn.sql.prepare_cached("INSERT INTO former_accounts (id) VALUES (?1)")?.execute([account])?;
    Ok(())
}

/// Removes all mailboxes of an account with what was in them, and what was expunged from them.
fn remove_mail(txn: &mut Txn<'_>, account: AccountId) -> Result<(), StoreError> {
    txn.counters.account(txn.sql, account)?;
    let mailboxes: Vec<MailboxId> = txn
        .sql
        .prepare_cached("SELECT id FROM mailboxes WHERE account = ?1")?
        .query_map([account], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for mailbox in mailboxes {
        messages::release_all(txn, mailbox)?;
        mailboxes::erase(txn, account, mailbox)?;
    }
    txn.sql
        .prepare_cached(
            "UPDATE blobs SET refs = refs - n
             FROM (SELECT blob, count(*) AS n FROM deleted WHERE account = ?1 GROUP BY blob) AS gone
             WHERE blobs.id = gone.blob",
        )?
        .execute([account])?;
    for table in ["deleted", "subscriptions"] {
        txn.sql.prepare_cached(&format!("DELETE FROM {table} WHERE account = ?1"))?.execute([account])?;
    }
    txn.counters.set_account(account, AccountCounts::default());
    txn.sweep();
    txn.tell(Change::Subscriptions(account));
    Ok(())
}
