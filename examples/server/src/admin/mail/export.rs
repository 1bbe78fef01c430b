//! From the store into files.

use super::{Export, Moved, mailbox_name, wait};
use crate::admin::{Admin, Problem};
use crate::directory::Account;
use crate::exchange::{self, Head};
use crate::store::{Mailbox, MessageMeta, Progress, StoreError};

pub(super) fn run(
    admin: &Admin,
    account: &Account,
    asked: Export,
    progress: &Progress,
) -> Result<Moved, Problem> {
    let store = admin.store();
    let mailboxes: Vec<Mailbox> = if asked.mailboxes.is_empty() {
        wait(store.mailboxes(account.id))?
    } else {
        let named = asked.mailboxes.iter().map(|name| Ok(wait(store.mailbox(account.id, &mailbox_name(name)?))?));
        named.collect::<Result<_, Problem>>()?
    };
    let mut of: u64 = 0;
    for mailbox in &mailboxes {
        of = of.saturating_add(u64::from(wait(store.status(mailbox.id))?.messages));
    }
    let mut export = exchange::Export::begin(&asked.directory, asked.format)?;
    let mut moved = Moved::default();
    for mailbox in mailboxes {
        let snapshot = match wait(store.snapshot(mailbox.id)) {
            // Deleted meanwhile.
            Err(StoreError::NoSuchMailbox) => continue,
            snapshot => snapshot?,
        };
        let mut writer = export.mailbox(&mailbox_name(&mailbox.name)?, &snapshot.keywords)?;
        for message in &snapshot.messages {
            if write(admin, message, &mut *writer)? {
                moved.messages = moved.messages.saturating_add(1);
                moved.octets = moved.octets.saturating_add(message.size);
            }
            progress.tell(moved.messages, of.max(moved.messages));
        }
        writer.finish()?;
        moved.mailboxes = moved.mailboxes.saturating_add(1);
        if let Some(note) = writer.note() {
            moved.notes.push(format!("{}: {note}", mailbox.name.escape_debug()));
        }
    }
    export.finish()?;
    Ok(moved)
}

/// Whether the message was still there.
fn write(
    admin: &Admin,
    message: &MessageMeta,
    writer: &mut dyn exchange::Writer,
) -> Result<bool, StoreError> {
    let mut content = match wait(admin.store().content(message.blob, 0..u64::MAX)) {
        Err(StoreError::NoSuchMessage) => return Ok(false),
        content => content?,
    };
    let head = Head { flags: message.flags.clone(), date: message.date };
    writer.begin(&head, message.uid, message.size)?;
    while let Some(chunk) = wait(content.next_chunk())? {
        writer.write(&chunk)?;
    }
    writer.end()?;
    Ok(true)
}
