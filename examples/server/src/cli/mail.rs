//! The commands `export` and `import`, and the mail of one account out of a backup.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Common, show, text};
use crate::admin::mail;
use crate::directory::Address;
use crate::exchange::Format;

/// Writes the mail of an account as files.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// The address of the account.
    address: Address,
    /// A directory that does not exist yet, in one that does.
    target: PathBuf,
    /// What other programs are to find there.
    #[arg(long, value_enum)]
    format: Format,
    /// Only this mailbox; may be given several times.
    #[arg(long = "mailbox", value_name = "MAILBOX")]
    mailboxes: Vec<String>,
}

impl Export {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        let Self { address, target, format, mailboxes } = self;
        let request = mail::Export { address, directory: whole(&target)?, format, mailboxes };
        let moved = common.ask_long(request, show::bar("exporting")).await?;
        report(common, &moved, "written")
    }
}

/// Brings mail into an account from files.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The address of the account.
    address: Address,
    /// A Maildir, an mbox, or a directory of such files.
    source: PathBuf,
    /// The mailbox that its INBOX goes to, and the others below.
    #[arg(long)]
    mailbox: Option<String>,
    /// Let the account keep more than its quota.
    #[arg(long)]
    beyond_quota: bool,
}

impl Import {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        let Self { address, source, mailbox, beyond_quota } = self;
        let request = mail::Import { address, path: whole(&source)?, mailbox, beyond_quota };
        let moved = common.ask_long(request, show::bar("importing")).await?;
        report(common, &moved, "brought in")
    }
}

/// Which mail of a backup comes back into the account that there is.
#[derive(Debug, Args)]
pub(super) struct OfAccount {
    /// Bring back the mail of this account, also while the server runs.
    #[arg(long, value_name = "ADDRESS")]
    account: Option<Address>,
    /// The address it had then, if it was another one.
    #[arg(long, value_name = "ADDRESS", requires = "account")]
    from: Option<Address>,
    /// Only this mailbox.
    #[arg(long, requires = "account")]
    mailbox: Option<String>,
    /// Where it goes, instead of to `Restored` with the day of the backup: all mailboxes below this one, a single one
    /// into it.
    #[arg(long, value_name = "MAILBOX", requires = "account", conflicts_with = "in_place")]
    into: Option<String>,
    /// Each mailbox goes where it was.
    #[arg(long, requires = "account")]
    in_place: bool,
    /// Let the account keep more than its quota.
    #[arg(long, requires = "account")]
    beyond_quota: bool,
}

impl OfAccount {
    /// What is to be asked for, if it is one account.
    pub(super) fn request(self, backup: &Path) -> Result<Option<mail::Restore>, String> {
        let Self { account, from, mailbox, into, in_place, beyond_quota } = self;
        let Some(address) = account else { return Ok(None) };
        let backup = whole(backup)?;
        Ok(Some(mail::Restore { address, backup, from, mailbox, into, in_place, beyond_quota }))
    }
}

/// Asks for the mail of one account.
pub(super) async fn restore(common: &Common, request: mail::Restore) -> Result<(), String> {
    let moved = common.ask_long(request, show::bar("restoring")).await?;
    report(common, &moved, "brought back")
}

/// The server may work in another directory than this program.
fn whole(path: &Path) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(text)
}

fn report(common: &Common, moved: &mail::Moved, done: &str) -> Result<(), String> {
    let mail::Moved { mailboxes, messages, octets, there_already, left_out, notes } = moved;
    let size = show::size(*octets);
    let mut lines = format!("{messages} messages ({size}) of {mailboxes} mailboxes were {done}");
    if *there_already > 0 {
        lines.push_str(&format!("; {there_already} were there already"));
    }
    for note in notes {
        lines.push('\n');
        lines.push_str(note);
    }
    match common.form() {
        show::Form::Json => show::json(moved)?,
        form @ show::Form::Table => show::say(form, &lines)?,
    }
    if *left_out > 0 {
        return Err(format!("{left_out} messages were left out: they are larger than the account may have"));
    }
    Ok(())
}
