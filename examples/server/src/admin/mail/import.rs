//! From files into the store.

use super::intake::Intake;
use super::{Import, Moved, below, mailbox_name, wait};
use crate::admin::{Admin, Problem};
use crate::directory::Account;
use crate::exchange;
use crate::store::Progress;

pub(super) fn run(
    admin: &Admin,
    account: &Account,
    asked: Import,
    progress: &Progress,
) -> Result<Moved, Problem> {
    let (format, folders) = exchange::folders(&asked.path)?;
    let into = asked.into.as_deref().map(mailbox_name).transpose()?;
    let of = folders.iter().fold(0_u64, |of, folder| of.saturating_add(folder.weight));
    let mut before: u64 = 0;
    let mut intake = Intake::new(admin, account);
    for folder in folders {
        let name = match below(into.as_ref(), &folder.name) {
            Ok(name) => name,
            Err(error) => {
                intake.note(format!("{} was left out: {error}", folder.path.display()));
                continue;
            }
        };
        // A Maildir that has only folders needs no INBOX.
        let wanted = folder.weight > 0 || !folder.name.eq_ignore_ascii_case("INBOX");
        if !wanted {
            continue;
        }
        intake.open(&name)?;
        let mut reader = exchange::open(format, &folder)?;
        loop {
            let mut spool = admin.store().spool();
            let head = reader.next(&mut |octets| wait(spool.write(octets)))?;
            progress.tell(before.saturating_add(reader.done()).min(of), of);
            let Some(head) = head else { break };
            intake.take(spool, head)?;
        }
        intake.close()?;
        before = before.saturating_add(folder.weight);
    }
    Ok(intake.finish())
}
