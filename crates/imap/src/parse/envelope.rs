//! ENVELOPE (RFC 9051, section 9: `envelope`, `address`).

use super::cursor::{Cursor, Result};
use super::string::{nil, nstring};
use crate::types::{Address, Envelope, Repairs};
use alloc::vec::Vec;

pub(super) fn envelope(cursor: &mut Cursor<'_>) -> Result<Envelope> {
    cursor.octet("envelope", b'(')?;
    cursor.extra_spaces();
    let date = nstring(cursor, "env-date")?;
    cursor.space("envelope")?;
    let subject = nstring(cursor, "env-subject")?;
    let from = addresses(cursor, "env-from")?;
    let sender = addresses(cursor, "env-sender")?;
    let reply_to = addresses(cursor, "env-reply-to")?;
    let to = addresses(cursor, "env-to")?;
    let cc = addresses(cursor, "env-cc")?;
    let bcc = addresses(cursor, "env-bcc")?;
    cursor.space("envelope")?;
    let in_reply_to = nstring(cursor, "env-in-reply-to")?;
    cursor.space("envelope")?;
    let message_id = nstring(cursor, "env-message-id")?;
    cursor.extra_spaces();
    cursor.octet("envelope", b')')?;
    Ok(Envelope { date, subject, from, sender, reply_to, to, cc, bcc, in_reply_to, message_id })
}

/// A space and `"(" 1*address ")" / nil`; addresses follow each other without a space.
fn addresses(cursor: &mut Cursor<'_>, rule: &'static str) -> Result<Vec<Address>> {
    cursor.space(rule)?;
    let mut addresses = Vec::new();
    if nil(cursor) {
        return Ok(addresses);
    }
    cursor.octet(rule, b'(')?;
    cursor.extra_spaces();
    while cursor.peek() == Some(b'(') {
        cursor.bound(addresses.len(), cursor.context.limits.list_max, rule)?;
        addresses.push(address(cursor)?);
        cursor.extra_spaces();
    }
    if addresses.is_empty() {
        cursor.repair(Repairs::ODD_LIST);
    }
    cursor.octet(rule, b')')?;
    Ok(addresses)
}

fn address(cursor: &mut Cursor<'_>) -> Result<Address> {
    cursor.octet("address", b'(')?;
    cursor.extra_spaces();
    let name = nstring(cursor, "addr-name")?;
    cursor.space("address")?;
    let adl = nstring(cursor, "addr-adl")?;
    cursor.space("address")?;
    let mailbox = nstring(cursor, "addr-mailbox")?;
    cursor.space("address")?;
    let host = nstring(cursor, "addr-host")?;
    cursor.extra_spaces();
    cursor.octet("address", b')')?;
    Ok(Address { name, adl, mailbox, host })
}
