//! Grants and annotations.

use bytes::Bytes;
use posthaste_imap::types::Rights;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::counters::read_mailbox;
use super::mailboxes;
use super::writer::Txn;
use crate::store::{
    AccountId, Annotation, Annotations, Change, Grant, Mailbox, MailboxEvent, MailboxId, StoreError,
};

pub(super) fn grants(sql: &Connection, mailbox: MailboxId) -> Result<Vec<Grant>, StoreError> {
    let mut query =
        sql.prepare_cached("SELECT identifier, rights FROM grants WHERE mailbox = ?1 ORDER BY identifier")?;
    Ok(query.query_map([mailbox], grant_from)?.collect::<Result<_, _>>()?)
}

fn grant_from(row: &Row<'_>) -> rusqlite::Result<Grant> {
    let rights = Rights::new(row.get_ref(1)?.as_str()?).unwrap_or(Rights::NONE);
    Ok(Grant { identifier: row.get(0)?, rights })
}

pub(super) fn grant(txn: &mut Txn<'_>, mailbox: MailboxId, grant: &Grant) -> Result<(), StoreError> {
    let account = txn.counters.mailbox(txn.sql, mailbox)?.account;
    if grant.rights.is_empty() {
        txn.sql
            .prepare_cached("DELETE FROM grants WHERE mailbox = ?1 AND identifier = ?2")?
            .execute(params![mailbox, grant.identifier])?;
    } else {
        txn.sql
            .prepare_cached(
                "INSERT OR REPLACE INTO grants (mailbox, identifier, rights) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![mailbox, grant.identifier, grant.rights.to_string()])?;
    }
    txn.tell(Change::Mailbox { account, mailbox, event: MailboxEvent::Granted });
    Ok(())
}

/// Puts another identifier, or none, in the place of one in all access control lists.
pub(super) fn rename(txn: &mut Txn<'_>, from: &str, to: Option<&str>) -> Result<(), StoreError> {
    for sign in ["", "-"] {
        let from = format!("{sign}{from}");
        let to = to.map(|to| format!("{sign}{to}"));
        for (mailbox, mut granted) in of_identifier(txn.sql, &from)? {
            if let Some(to) = &to {
                let there = grants(txn.sql, mailbox)?.into_iter().find(|grant| grant.identifier == *to);
                granted.rights = there.map_or(granted.rights, |there| there.rights.with(granted.rights));
                grant(txn, mailbox, &Grant { identifier: to.clone(), ..granted })?;
            }
            grant(txn, mailbox, &Grant { identifier: from.clone(), rights: Rights::NONE })?;
        }
    }
    Ok(())
}

fn of_identifier(sql: &Connection, identifier: &str) -> Result<Vec<(MailboxId, Grant)>, StoreError> {
    let mut query =
        sql.prepare_cached("SELECT identifier, rights, mailbox FROM grants WHERE identifier = ?1")?;
    let rows = query.query_map([identifier], |row| Ok((row.get(2)?, grant_from(row)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn granted_to(
    sql: &Connection,
    identifiers: &[String],
) -> Result<Vec<(Mailbox, Vec<Grant>)>, StoreError> {
    let mut found: Vec<(MailboxId, Grant)> = Vec::new();
    for identifier in identifiers {
        found.extend(of_identifier(sql, identifier)?);
    }
    found.sort_by(|one, other| (one.0, &one.1.identifier).cmp(&(other.0, &other.1.identifier)));
    found.dedup();
    let mut granted = Vec::new();
    for of_one in found.chunk_by(|one, other| one.0 == other.0) {
        let Some((mailbox, _)) = of_one.first() else { continue };
        let grants = of_one.iter().map(|(_, grant)| grant.clone()).collect();
        granted.push((mailboxes::by_id(sql, *mailbox)?, grants));
    }
    granted.sort_by(|(one, _), (other, _)| (one.account, &one.name).cmp(&(other.account, &other.name)));
    Ok(granted)
}

pub(super) fn annotations(
    sql: &Connection,
    account: AccountId,
    mailbox: Option<MailboxId>,
) -> Result<Vec<Annotation>, StoreError> {
    let mut query = sql.prepare_cached(
        "SELECT entry, value FROM annotations
         WHERE mailbox = ?2 AND (account = ?1 OR (mailbox <> 0 AND entry NOT GLOB ?3)) ORDER BY entry",
    )?;
    let rows = query.query_map(params![account, of(mailbox), format!("{PRIVATE}*")], |row| {
        Ok(Annotation { entry: row.get(0)?, value: row.get::<_, Vec<u8>>(1)?.into() })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn annotate(
    txn: &mut Txn<'_>,
    account: AccountId,
    mailbox: Option<MailboxId>,
    changes: &[(String, Option<Bytes>)],
) -> Result<(), StoreError> {
    txn.counters.account(txn.sql, account)?;
    let owner = match mailbox {
        Some(mailbox) => read_mailbox(txn.sql, mailbox)?.ok_or(StoreError::NoSuchMailbox)?.account,
        None => account,
    };
    for (entry, value) in changes {
        let of_whom = if entry.starts_with(PRIVATE) { account } else { owner };
        match value {
            None => {
                txn.sql
                    .prepare_cached(
                        "DELETE FROM annotations WHERE account = ?1 AND mailbox = ?2 AND entry = ?3",
                    )?
                    .execute(params![of_whom, of(mailbox), entry])?;
            }
            Some(value) => {
                txn.sql
                    .prepare_cached(
                        "INSERT OR REPLACE INTO annotations (account, mailbox, entry, value)
                         VALUES (?1, ?2, ?3, ?4)",
                    )?
                    .execute(params![of_whom, of(mailbox), entry, &**value])?;
                let count: Option<u32> = txn
                    .sql
                    .prepare_cached("SELECT count(*) FROM annotations WHERE account = ?1")?
                    .query_row([of_whom], |row| row.get(0))
                    .optional()?;
                if count.unwrap_or_default() > ANNOTATIONS_MAX {
                    return Err(StoreError::TooManyAnnotations(ANNOTATIONS_MAX));
                }
            }
        }
    }
    let entries = changes.iter().map(|(entry, _)| entry.clone()).collect();
    txn.tell(Change::Annotations(Annotations { account: owner, mailbox, by: account, entries }));
    Ok(())
}

/// How a mailbox, or the account itself, stands in its column.
fn of(mailbox: Option<MailboxId>) -> MailboxId {
    mailbox.unwrap_or_default()
}

/// What entries of one user begin with.
const PRIVATE: &str = "/private/";
/// Annotations of one account and of its mailboxes.
const ANNOTATIONS_MAX: u32 = 1000;
