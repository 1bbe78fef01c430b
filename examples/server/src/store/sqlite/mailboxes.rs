//! Mailboxes as rows: names, creation, renaming, deletion, subscriptions, status. What is in them is in `messages`.

use std::ops::Range;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::counters::read_mailbox;
use super::writer::Txn;
use super::{expunging, messages};
use crate::store::{
    AccountId, Change, InternalDate, Keyword, MAILBOXES_MAX, Mailbox, MailboxEvent, MailboxId, MailboxName,
    SEPARATOR, SpecialUse, Status, StoreError,
};

pub(super) fn all(sql: &Connection, account: AccountId) -> Result<Vec<Mailbox>, StoreError> {
    let mut query = sql.prepare_cached(&select("m.account = ?1 ORDER BY m.name"))?;
    Ok(query.query_map([account], mailbox_from)?.collect::<Result<_, _>>()?)
}

pub(super) fn find(
    sql: &Connection,
    account: AccountId,
    name: &MailboxName,
) -> Result<Option<Mailbox>, StoreError> {
    let mut query = sql.prepare_cached(&select("m.account = ?1 AND m.name = ?2"))?;
    Ok(query.query_row(params![account, name.as_str()], mailbox_from).optional()?)
}

pub(super) fn by_id(sql: &Connection, mailbox: MailboxId) -> Result<Mailbox, StoreError> {
    let mut query = sql.prepare_cached(&select("m.id = ?1"))?;
    query.query_row([mailbox], mailbox_from).optional()?.ok_or(StoreError::NoSuchMailbox)
}

/// Makes a mailbox, and its parents where they are missing.
pub(super) fn make(
    txn: &mut Txn<'_>,
    account: AccountId,
    name: &MailboxName,
    special_use: Option<SpecialUse>,
) -> Result<Mailbox, StoreError> {
    create_parents(txn, account, name)?;
    let mailbox = create(txn, account, name, special_use)?;
    by_id(txn.sql, mailbox)
}

pub(super) fn delete(txn: &mut Txn<'_>, mailbox: MailboxId) -> Result<(), StoreError> {
    let (account, name) = name_of(txn.sql, mailbox)?;
    if name.is_inbox() {
        return Err(StoreError::InboxStays);
    }
    if !children(txn.sql, account, &name)?.is_empty() {
        return Err(StoreError::HasChildren);
    }
    expunging::bury_all(txn, mailbox)?;
    erase(txn, account, mailbox)
}

/// Removes the row of a mailbox and what belongs to it, but its messages.
pub(super) fn erase(txn: &mut Txn<'_>, account: AccountId, mailbox: MailboxId) -> Result<(), StoreError> {
    for table in ["expunged", "keywords", "grants", "annotations"] {
        txn.sql.prepare_cached(&format!("DELETE FROM {table} WHERE mailbox = ?1"))?.execute([mailbox])?;
    }
    txn.sql.prepare_cached("DELETE FROM mailboxes WHERE id = ?1")?.execute([mailbox])?;
    txn.counters.drop_mailbox(mailbox);
    txn.tell(Change::Mailbox { account, mailbox, event: MailboxEvent::Deleted });
    Ok(())
}

pub(super) fn subscribe(txn: &mut Txn<'_>, account: AccountId, name: &str) -> Result<(), StoreError> {
    let count: u32 = txn
        .sql
        .prepare_cached("SELECT count(*) FROM subscriptions WHERE account = ?1 AND name <> ?2")?
        .query_row(params![account, name], |row| row.get(0))?;
    if count >= MAILBOXES_MAX {
        return Err(StoreError::TooManyMailboxes(MAILBOXES_MAX));
    }
    if add_subscription(txn, account, name)? {
        txn.tell(Change::Subscriptions(account));
    }
    Ok(())
}

pub(super) fn unsubscribe(txn: &mut Txn<'_>, account: AccountId, name: &str) -> Result<(), StoreError> {
    let removed = txn
        .sql
        .prepare_cached("DELETE FROM subscriptions WHERE account = ?1 AND name = ?2")?
        .execute(params![account, name])?;
    if removed > 0 {
        txn.tell(Change::Subscriptions(account));
    }
    Ok(())
}

pub(super) fn subscriptions(sql: &Connection, account: AccountId) -> Result<Vec<String>, StoreError> {
    let mut query = sql.prepare_cached("SELECT name FROM subscriptions WHERE account = ?1 ORDER BY name")?;
    Ok(query.query_map([account], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

pub(super) fn keywords(sql: &Connection, mailbox: MailboxId) -> Result<Vec<Keyword>, StoreError> {
    let mut query = sql.prepare_cached("SELECT keyword FROM keywords WHERE mailbox = ?1 ORDER BY keyword")?;
    let names = query.query_map([mailbox], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    Ok(names.iter().filter_map(|name| Keyword::new(name)).collect())
}

pub(super) fn status(sql: &Connection, mailbox: MailboxId) -> Result<Status, StoreError> {
    let counts = read_mailbox(sql, mailbox)?.ok_or(StoreError::NoSuchMailbox)?;
    let unclaimed = recent(sql, mailbox)?;
    let recent = match messages::keys(mailbox, unclaimed.start, unclaimed.end) {
        _ if unclaimed.is_empty() => 0,
        // As it is where nobody asks for recent messages, and then there may be many.
        _ if unclaimed.start <= 1 => counts.messages,
        range => sql
            .prepare_cached("SELECT count(*) FROM messages WHERE id BETWEEN ?1 AND ?2")?
            .query_row(range, |row| row.get(0))?,
    };
    Ok(Status {
        messages: counts.messages,
        recent,
        unseen: counts.unseen,
        deleted: counts.deleted,
        deleted_size: counts.deleted_octets,
        size: counts.octets,
        uidnext: counts.uidnext,
        uidvalidity: counts.uidvalidity,
        modseq: counts.modseq,
    })
}

/// The UIDs that no session has claimed as recent.
pub(super) fn recent(sql: &Connection, mailbox: MailboxId) -> Result<Range<u32>, StoreError> {
    sql.prepare_cached("SELECT recent_from, uidnext FROM mailboxes WHERE id = ?1")?
        .query_row([mailbox], |row| Ok(row.get(0)?..row.get(1)?))
        .optional()?
        .ok_or(StoreError::NoSuchMailbox)
}

/// Those before this UID have been claimed.
pub(super) fn claim_recent(txn: &mut Txn<'_>, mailbox: MailboxId, before: u32) -> Result<(), StoreError> {
    let before = before.min(txn.counters.mailbox(txn.sql, mailbox)?.uidnext);
    if recent(txn.sql, mailbox)?.start < before {
        txn.sql
            .prepare_cached("UPDATE mailboxes SET recent_from = ?2 WHERE id = ?1")?
            .execute(params![mailbox, before])?;
    }
    Ok(())
}

/// The mailboxes of a new account, all subscribed.
pub(super) fn create_defaults(txn: &mut Txn<'_>, account: AccountId) -> Result<(), StoreError> {
    let inbox = MailboxName::inbox();
    create(txn, account, &inbox, None)?;
    add_subscription(txn, account, inbox.as_str())?;
    for special_use in SpecialUse::ALL {
        let name = MailboxName::new(special_use.as_str())?;
        create(txn, account, &name, Some(special_use))?;
        add_subscription(txn, account, name.as_str())?;
    }
    txn.tell(Change::Subscriptions(account));
    Ok(())
}

fn create_parents(txn: &mut Txn<'_>, account: AccountId, name: &MailboxName) -> Result<(), StoreError> {
    for parent in name.parents() {
        if find(txn.sql, account, &parent)?.is_none() {
            create(txn, account, &parent, None)?;
        }
    }
    Ok(())
}

fn create(
    txn: &mut Txn<'_>,
    account: AccountId,
    name: &MailboxName,
    special_use: Option<SpecialUse>,
) -> Result<MailboxId, StoreError> {
    if find(txn.sql, account, name)?.is_some() {
        return Err(StoreError::AlreadyExists);
    }
    let count: u32 = txn
        .sql
        .prepare_cached("SELECT count(*) FROM mailboxes WHERE account = ?1")?
        .query_row([account], |row| row.get(0))?;
    if count >= MAILBOXES_MAX {
        return Err(StoreError::TooManyMailboxes(MAILBOXES_MAX));
    }
    if let Some(special_use) = special_use {
        let taken: bool = txn
            .sql
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM mailboxes WHERE account = ?1 AND special_use = ?2)",
            )?
            .query_row(params![account, special_use], |row| row.get(0))?;
        if taken {
            return Err(StoreError::UseIsTaken);
        }
    }
    let uidvalidity = new_uidvalidity(txn.sql, account)?;
    txn.sql
        .prepare_cached(
            "INSERT INTO mailboxes (account, name, uidvalidity, special_use) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![account, name.as_str(), uidvalidity, special_use])?;
    let mailbox = MailboxId(txn.sql.last_insert_rowid());
    inherit_grants(txn.sql, account, name, mailbox)?;
    txn.tell(Change::Mailbox { account, mailbox, event: MailboxEvent::Created });
    txn.counters.forget_names();
    Ok(mailbox)
}

/// Grants on a new mailbox what is granted on the nearest one above it.
fn inherit_grants(
    sql: &Connection,
    account: AccountId,
    name: &MailboxName,
    mailbox: MailboxId,
) -> Result<(), StoreError> {
    let mut parents: Vec<MailboxName> = name.parents().collect();
    while let Some(parent) = parents.pop() {
        if let Some(parent) = find(sql, account, &parent)? {
            sql.prepare_cached(
                "INSERT INTO grants (mailbox, identifier, rights)
                 SELECT ?1, identifier, rights FROM grants WHERE mailbox = ?2",
            )?
            .execute(params![mailbox, parent.id])?;
            return Ok(());
        }
    }
    Ok(())
}

/// A UIDVALIDITY above all that the account has used, and near the time: an account that is removed and
/// made again does not start with the old values.
fn new_uidvalidity(sql: &Connection, account: AccountId) -> Result<u32, StoreError> {
    let next: i64 = sql
        .prepare_cached("SELECT uidvalidity_next FROM accounts WHERE id = ?1")?
        .query_row([account], |row| row.get(0))
        .optional()?
        .ok_or(StoreError::NoSuchAccount)?;
    let value = u32::try_from(next.max(InternalDate::now().seconds))
        .map_err(|_| StoreError::Database("no UIDVALIDITY left for the account".to_owned()))?;
    sql.prepare_cached("UPDATE accounts SET uidvalidity_next = ?2 WHERE id = ?1")?
        .execute(params![account, i64::from(value).saturating_add(1)])?;
    Ok(value)
}

pub(super) fn rename(txn: &mut Txn<'_>, mailbox: MailboxId, to: &MailboxName) -> Result<(), StoreError> {
    let (account, from) = name_of(txn.sql, mailbox)?;
    if find(txn.sql, account, to)?.is_some() {
        return Err(StoreError::AlreadyExists);
    }
    if from.is_inbox() {
        create_parents(txn, account, to)?;
        let target = create(txn, account, to, None)?;
        return messages::relocate_all(txn, mailbox, target);
    }
    if to.below(&from).is_some() {
        return Err(StoreError::IntoItself);
    }
    let mut moved = vec![(mailbox, to.clone())];
    for (id, name) in children(txn.sql, account, &from)? {
        if let Some(rest) = MailboxName::new(&name)?.below(&from) {
            moved.push((id, MailboxName::new(&format!("{to}{SEPARATOR}{rest}"))?));
        }
    }
    create_parents(txn, account, to)?;
    for (mailbox, name) in moved {
        txn.sql
            .prepare_cached("UPDATE mailboxes SET name = ?2 WHERE id = ?1")?
            .execute(params![mailbox, name.as_str()])?;
        txn.tell(Change::Mailbox { account, mailbox, event: MailboxEvent::Renamed });
    }
    txn.counters.forget_names();
    Ok(())
}

/// All mailboxes below a name.
fn children(
    sql: &Connection,
    account: AccountId,
    name: &MailboxName,
) -> Result<Vec<(MailboxId, String)>, StoreError> {
    // Text is compared by octets, and `0` is the octet after `/`.
    let mut query =
        sql.prepare_cached("SELECT id, name FROM mailboxes WHERE account = ?1 AND name > ?2 AND name < ?3")?;
    let found = query.query_map(params![account, format!("{name}/"), format!("{name}0")], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// Whether the name was not subscribed before.
fn add_subscription(txn: &mut Txn<'_>, account: AccountId, name: &str) -> Result<bool, StoreError> {
    txn.counters.account(txn.sql, account)?;
    let added = txn
        .sql
        .prepare_cached("INSERT OR IGNORE INTO subscriptions (account, name) VALUES (?1, ?2)")?
        .execute(params![account, name])?;
    Ok(added > 0)
}

fn name_of(sql: &Connection, mailbox: MailboxId) -> Result<(AccountId, MailboxName), StoreError> {
    let (account, name): (AccountId, String) = sql
        .prepare_cached("SELECT account, name FROM mailboxes WHERE id = ?1")?
        .query_row([mailbox], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .ok_or(StoreError::NoSuchMailbox)?;
    Ok((account, MailboxName::new(&name)?))
}

fn select(condition: &str) -> String {
    format!(
        "SELECT m.id, m.account, m.name, m.uidvalidity, m.uidnext, m.modseq, m.special_use, s.name IS NOT NULL
         FROM mailboxes m LEFT JOIN subscriptions s ON s.account = m.account AND s.name = m.name
         WHERE {condition}"
    )
}

fn mailbox_from(row: &Row<'_>) -> rusqlite::Result<Mailbox> {
    Ok(Mailbox {
        id: row.get(0)?,
        account: row.get(1)?,
        name: row.get(2)?,
        uidvalidity: row.get(3)?,
        uidnext: row.get(4)?,
        modseq: row.get(5)?,
        special_use: row.get(6)?,
        subscribed: row.get(7)?,
    })
}
