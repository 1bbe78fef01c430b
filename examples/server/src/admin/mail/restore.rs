//! From a backup into the store that is in use.
//!
//! What is opened is a copy in the data directory, removed afterwards: opening a store writes, and a backup stays as
//! it is. The mailboxes come below `Restored` with the day of the backup, so that the same backup finds what it has
//! brought already.

use std::path::Path;
use std::sync::Arc;

use super::intake::Intake;
use super::{Moved, Restore, below, mailbox_name, wait};
use crate::admin::{Admin, Problem, ProblemKind};
use crate::directory::{Account, Directory};
use crate::exchange::Head;
use crate::store::sqlite::{Options, SearchIndex, Sqlite};
use crate::store::{AccountId, Mailbox, MailboxName, NoListener, Progress, Store, StoreError};

pub(super) fn run(
    admin: &Admin,
    account: &Account,
    asked: Restore,
    progress: &Progress,
) -> Result<Moved, Problem> {
    let day = Sqlite::day_of(&asked.backup)?;
    let copy = tempfile::Builder::new().prefix("restore-").tempdir_in(&admin.0.data);
    let copy = copy.map_err(|error| StoreError::io("making a directory for the backup", &error))?;
    Sqlite::copy_files(&asked.backup, copy.path(), admin.free_space())?;
    let backup = open(copy.path())?;
    let outcome = from(&backup, admin, account, &asked, &day, progress);
    let closed = wait(backup.close());
    let moved = outcome?;
    closed?;
    Ok(moved)
}
