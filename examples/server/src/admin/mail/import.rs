//! From files into the store.

use std::collections::BTreeSet;

use super::intake::{Arrival, Intake};
use super::{Import, Moved, below, mailbox_name, room, wait};
use crate::admin::{Admin, Problem, ProblemKind};
use crate::directory::Account;
use crate::exchange::{self, Folder};
use crate::store::{MAILBOXES_MAX, MailboxName, Progress, StoreError};

pub(super) fn run(
    admin: &Admin,
    account: &Account,
    asked: &Import,
    progress: &Progress,
) -> Result<Moved, Problem> {
    let (format, folders) = exchange::folders(&asked.path)?;
    let into = asked.mailbox.as_deref().map(mailbox_name).transpose()?;
    let of = folders.iter().fold(0_u64, |of, folder| of.saturating_add(folder.weight));
    let own = admin.directory().message_size(account).unwrap_or(u64::MAX);
    let message_max = admin.0.message_max.min(own);
    let mut before: u64 = 0;
    let mut intake = Intake::new(admin, account, room(admin, account, asked.beyond_quota));
    let folders = placed(folders, into.as_ref())?;
    make_sure_of_room(admin, account, &folders)?;
    for (name, folder) in folders {
        intake.open(&name)?;
        let mut reader = exchange::open(format, &folder)?;
        loop {
            let mut arrival = Arrival::new(admin, message_max);
            let head = reader.next(&mut |octets| arrival.write(octets))?;
            progress.tell(before.saturating_add(reader.done()).min(of), of);
            let Some(head) = head else { break };
            intake.take(arrival, head)?;
        }
        if reader.passed_over() > 0 {
            let path = folder.path.display().to_string();
            let (path, count) = (path.escape_debug(), reader.passed_over());
            intake.note(format!(
                "{path}: {count} things were passed over that are no plain files, or went away"
            ));
        }
        intake.close()?;
        before = before.saturating_add(folder.weight);
    }
    Ok(intake.finish())
}

/// Where each goes: INBOX to the mailbox that was named, and the others below it.
fn placed(folders: Vec<Folder>, into: Option<&MailboxName>) -> Result<Vec<(MailboxName, Folder)>, Problem> {
    let mut placed = Vec::new();
    for folder in folders {
        let is_inbox = folder.name.eq_ignore_ascii_case("INBOX");
        // A Maildir that has only folders needs no INBOX.
        if is_inbox && folder.weight == 0 {
            continue;
        }
        let name = match into {
            Some(into) if is_inbox => into.clone(),
            into => below(into, &folder.name)?,
        };
        placed.push((name, folder));
    }
    Ok(placed)
}

/// Too many mailboxes are refused before anything has come in.
fn make_sure_of_room(
    admin: &Admin,
    account: &Account,
    placed: &[(MailboxName, Folder)],
) -> Result<(), Problem> {
    let there = wait(admin.store().mailboxes(account.id))?;
    let mut all: BTreeSet<String> = there.into_iter().map(|mailbox| mailbox.name).collect();
    for (name, _) in placed {
        all.extend(name.parents().map(|parent| parent.to_string()));
        all.insert(name.to_string());
    }
    if u32::try_from(all.len()).is_ok_and(|count| count <= MAILBOXES_MAX) {
        return Ok(());
    }
    let error = StoreError::TooManyMailboxes(MAILBOXES_MAX);
    let detail = format!("{error}, and this would make {}", all.len());
    Err(Problem::new(ProblemKind::Limit, detail).remedy("import some of it"))
}
