//! From the store into files.

use super::{Export, Moved, mailbox_name, wait};
use crate::admin::{Admin, Problem};
use crate::directory::Account;
use crate::exchange::{self, Announced, Head, LineEnds, LineScan, Writer};
use crate::store::{BlobId, Mailbox, MessageMeta, Progress, Store, StoreError};

pub(super) fn run(
    admin: &Admin,
    account: &Account,
    asked: &Export,
    progress: &Progress,
) -> Result<Moved, Problem> {
    let store = admin.store();
    let mailboxes = chosen_mailboxes(store, account, asked)?;
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
            if write(store, message, &mut *writer)? {
                moved.messages = moved.messages.saturating_add(1);
                moved.octets = moved.octets.saturating_add(message.size);
            }
            progress.tell(moved.messages, of.max(moved.messages));
        }
        writer.finish()?;
        moved.mailboxes = moved.mailboxes.saturating_add(1);
        if let Some(note) = writer.note() {
            moved.note(format!("{}: {note}", mailbox.name.escape_debug()));
        }
    }
    export.finish()?;
    Ok(moved)
}

fn chosen_mailboxes(store: &dyn Store, account: &Account, asked: &Export) -> Result<Vec<Mailbox>, Problem> {
    let all = wait(store.mailboxes(account.id))?;
    if asked.mailboxes.is_empty() {
        return Ok(all);
    }
    let mut chosen = Vec::new();
    for name in &asked.mailboxes {
        let name = mailbox_name(name)?;
        let found = all.iter().find(|mailbox| mailbox.name == name.as_str());
        let found = found.ok_or_else(|| Problem::not_found(format_args!("mailbox {name}")))?;
        if !chosen.contains(found) {
            chosen.push(found.clone());
        }
    }
    Ok(chosen)
}

/// Whether the message was still there.
fn write(store: &dyn Store, message: &MessageMeta, writer: &mut dyn Writer) -> Result<bool, StoreError> {
    let ends = match line_ends(store, message.blob) {
        Err(StoreError::NoSuchMessage) => return Ok(false),
        ends => ends?,
    };
    let mut content = match wait(store.content(message.blob, 0..u64::MAX)) {
        Err(StoreError::NoSuchMessage) => return Ok(false),
        content => content?,
    };
    let head = Head { flags: message.flags.clone(), date: message.date };
    writer.begin(&head, Announced { uid: message.uid, size: message.size, ends })?;
    while let Some(chunk) = wait(content.next_chunk())? {
        writer.write(&chunk)?;
    }
    writer.end()?;
    Ok(true)
}

/// A message is read once more for this, which is known too late otherwise.
fn line_ends(store: &dyn Store, blob: BlobId) -> Result<LineEnds, StoreError> {
    let mut content = wait(store.content(blob, 0..u64::MAX))?;
    let mut scan = LineScan::default();
    while !scan.is_mixed()
        && let Some(chunk) = wait(content.next_chunk())?
    {
        scan.pass(&chunk);
    }
    Ok(scan.end())
}
