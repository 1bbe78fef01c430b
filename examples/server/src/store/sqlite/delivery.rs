//! Delivery: one content, several accounts, each with an outcome of its own.

use rusqlite::{OptionalExtension, params};

use super::messages::{New, Target};
use super::writer::Txn;
use super::{blobs, expunging, mailboxes, threads};
use crate::store::{BlobId, Delivered, Delivery, MailboxId, NewMessage, StoreError};

pub(super) fn deliver(
    txn: &mut Txn<'_>,
    mut message: NewMessage,
    deliveries: &[Delivery],
    all_or_none: bool,
) -> Result<Vec<Result<Delivered, StoreError>>, StoreError> {
    if deliveries.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = u32::try_from(deliveries.len()).unwrap_or(u32::MAX);
    let (blob, ids) = blobs::insert(txn, &mut message.content, wanted)?;
    let content = Content { blob, ids, size: message.content.size() };
    let mut outcomes = Vec::with_capacity(deliveries.len());
    let mut refs: u32 = 0;
    for delivery in deliveries {
        let outcome = deliver_one(txn, &content, &message, delivery);
        match &outcome {
            Ok(delivered) => refs = refs.saturating_add(u32::from(delivered.uid.is_some())),
            // A failing disk is not one recipient's trouble.
            Err(error) if all_or_none || error.is_temporary() => return Err(error.clone()),
            Err(_) => {}
        }
        outcomes.push(outcome);
    }
    if refs != wanted {
        blobs::set_refs(txn, blob, refs)?;
    }
    Ok(outcomes)
}

struct Content {
    blob: BlobId,
    ids: Vec<i64>,
    size: u64,
}

/// Delivers to one account, or changes nothing but that its mailbox and its keywords may be there now.
fn deliver_one(
    txn: &mut Txn<'_>,
    content: &Content,
    message: &NewMessage,
    delivery: &Delivery,
) -> Result<Delivered, StoreError> {
    let account = delivery.account;
    if let Some(key) = &delivery.once
        && let Some(mailbox) = delivered_before(txn, delivery, key)?
    {
        return Ok(Delivered { account, mailbox, uid: None });
    }
    let mailbox = target(txn, delivery)?;
    let mut target = Target::open(txn, mailbox)?;
    // All that can be refused comes before anything is charged or added.
    if target.counts.uidnext == u32::MAX {
        return Err(StoreError::UidsExhausted);
    }
    target.register(txn.sql, &message.flags)?;
    target.charge(txn, delivery.room, content.size)?;
    let thread = threads::join(txn, account, content.blob, &content.ids)?;
    let (flags, date) = (message.flags.clone(), message.date);
    let uid = target.add(txn, New { blob: content.blob, thread, size: content.size, flags, date })?;
    target.close(txn);
    expunging::keep_within(txn, account, delivery.room)?;
    if let Some(key) = &delivery.once {
        remember(txn, delivery, key, mailbox)?;
    }
    Ok(Delivered { account, mailbox, uid: Some(uid) })
}

/// The mailbox of a delivery, which is made if it is missing.
fn target(txn: &mut Txn<'_>, delivery: &Delivery) -> Result<MailboxId, StoreError> {
    let (account, name) = (delivery.account, &delivery.mailbox);
    if let Some(known) = txn.counters.named(account, name) {
        return Ok(known);
    }
    let mailbox = match mailboxes::find(txn.sql, account, name)? {
        Some(mailbox) => mailbox.id,
        None => {
            // An account without room gets no mailboxes either.
            let counts = txn.counters.account(txn.sql, account)?;
            if let Some(quota) = delivery.room.octets
                && counts.octets >= quota
            {
                return Err(StoreError::OverQuota { account, quota, wanted: 0 });
            }
            mailboxes::make(txn, account, name, None)?.id
        }
    };
    txn.counters.remember_name(account, name.clone(), mailbox);
    Ok(mailbox)
}

fn delivered_before(txn: &Txn<'_>, delivery: &Delivery, key: &str) -> Result<Option<MailboxId>, StoreError> {
    Ok(txn
        .sql
        .prepare_cached("SELECT mailbox FROM deliveries WHERE account = ?1 AND key = ?2 AND at > ?3")?
        .query_row(params![delivery.account, key, txn.now.saturating_sub(ONCE_FOR)], |row| row.get(0))
        .optional()?)
}

fn remember(txn: &Txn<'_>, delivery: &Delivery, key: &str, mailbox: MailboxId) -> Result<(), StoreError> {
    txn.sql
        .prepare_cached("DELETE FROM deliveries WHERE at <= ?1")?
        .execute([txn.now.saturating_sub(ONCE_FOR)])?;
    txn.sql
        .prepare_cached("INSERT INTO deliveries (account, key, mailbox, at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![delivery.account, key, mailbox, txn.now])?;
    Ok(())
}

/// How long a key is remembered, in seconds.
const ONCE_FOR: i64 = 24 * 60 * 60;
