//! From a backup into the store that is in use.

use super::intake::{Arrival, Intake};
use super::{Moved, Restore, below, mailbox_name, room};
use crate::admin::{Admin, Problem, ProblemKind};
use crate::directory::{Account, Picture};
use crate::exchange::Head;
use crate::store::sqlite::Archive;
use crate::store::{Mailbox, MailboxName, MessageMeta, Progress, StoreError};

pub(super) fn run(
    admin: &Admin,
    account: &Account,
    asked: &Restore,
    progress: &Progress,
) -> Result<Moved, Problem> {
    let archive = Archive::open(&asked.backup, &admin.0.data).map_err(|error| match error {
        StoreError::Locked => {
            Problem::new(ProblemKind::Conflict, "a server runs on what is to be the backup")
                .remedy("make a backup of it with `posthaste backup`")
        }
        error => error.into(),
    })?;
    let mut chosen = Vec::new();
    let mut of: u64 = 0;
    for mailbox in chosen_mailboxes(&archive, asked)? {
        let messages = archive.messages(mailbox.id)?;
        of = of.saturating_add(messages.len() as u64);
        // What is empty needs no place beside the mailboxes there are.
        if !messages.is_empty() || asked.in_place || asked.mailbox.is_some() {
            chosen.push((target(&archive, asked, &mailbox)?, mailbox));
        }
    }
    let mut done: u64 = 0;
    let mut intake = Intake::new(admin, account, room(admin, account, asked.beyond_quota));
    for (name, mailbox) in chosen {
        intake.open(&name)?;
        for message in archive.messages(mailbox.id)? {
            let mut arrival = Arrival::new(admin, u64::MAX);
            archive.read(message.blob, |octets| arrival.write(octets))?;
            let MessageMeta { flags, date, .. } = message;
            intake.take(arrival, Head { flags, date })?;
            done = done.saturating_add(1);
            progress.tell(done, of);
        }
        intake.close()?;
    }
    Ok(intake.finish())
}

/// The mailboxes that are asked for. The account is known by the address it had then: what it is called today, or
/// what number it has, may have been somebody else's.
fn chosen_mailboxes(archive: &Archive, asked: &Restore) -> Result<Vec<Mailbox>, Problem> {
    let address = asked.from.as_ref().unwrap_or(&asked.address);
    let picture = Picture::of(&archive.records()?)?;
    let Some(account) = picture.account(address) else {
        let problem = Problem::not_found(format_args!("account {address} in the backup"));
        return Err(problem.remedy("name the address it had then with `--from`"));
    };
    let mut mailboxes = archive.mailboxes(account.id)?;
    if let Some(name) = &asked.mailbox {
        let wanted = mailbox_name(name)?;
        mailboxes.retain(|mailbox| mailbox.name == wanted.as_str());
        if mailboxes.is_empty() {
            return Err(Problem::not_found(format_args!("mailbox {wanted} of {address} in the backup")));
        }
    }
    Ok(mailboxes)
}

/// Where a mailbox goes. The day is that of the backup, and not today: so the same backup finds what it has brought.
fn target(archive: &Archive, asked: &Restore, mailbox: &Mailbox) -> Result<MailboxName, Problem> {
    let into = match &asked.into {
        Some(into) => mailbox_name(into)?,
        None if asked.in_place => return mailbox_name(&mailbox.name),
        None => {
            let made = jiff::Timestamp::from_second(archive.made()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
            return below(
                Some(&mailbox_name(&format!("Restored {}", made.strftime("%Y-%m-%d")))?),
                &mailbox.name,
            );
        }
    };
    if asked.mailbox.is_some() { Ok(into) } else { below(Some(&into), &mailbox.name) }
}
