//! The mail of an account as files, and back from files and from backups.
//!
//! What comes in is never doubled: a message that a mailbox has already, with the same size, date and Message-ID (or
//! the same octets, where it has none), is passed over, as often as it is there. So whatever was cut short is asked
//! for again and goes on. One of these operations works at a time.
//!
//! They read and write where they are told to on the machine of the server: only for who has the machine anyhow.

mod export;
mod import;
mod intake;
mod restore;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Admin, Method, Operation, Principal, Problem, ProblemKind};
use crate::directory::Address;
use crate::exchange::Format;
use crate::store::{MailboxName, NameError, Progress, SEPARATOR, StoreError};

/// Writes the mail of an account as files.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Export {
    /// The address of the account.
    pub address: Address,
    /// A directory on the machine of the server that does not exist yet, in one that does.
    pub directory: PathBuf,
    /// How.
    pub format: Format,
    /// Which mailboxes; all of them when none is named.
    #[serde(default)]
    pub mailboxes: Vec<String>,
}

/// Brings mail into an account from files: a Maildir, an mbox, or a directory of those.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Import {
    /// The address of the account.
    pub address: Address,
    /// A file or a directory on the machine of the server.
    pub path: PathBuf,
    /// The mailbox below which all mailboxes go; the mailboxes of the same names when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<String>,
}

/// Brings mail of an account back from a backup, while the server goes on. The backup stays as it is.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Restore {
    /// The address of the account.
    pub address: Address,
    /// The backup, a directory on the machine of the server.
    pub backup: PathBuf,
    /// The address the account had then, if it was another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Address>,
    /// Which mailbox; all of them when none is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<String>,
    /// The mailbox below which all mailboxes go; when not said, `Restored` with the day of the backup. A single
    /// mailbox that is named goes into it, not below it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<String>,
    /// Whether they go where they were instead.
    #[serde(default)]
    pub in_place: bool,
}

/// What was moved.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Moved {
    /// Mailboxes that were gone through.
    pub mailboxes: u64,
    /// Messages that were written.
    pub messages: u64,
    /// Octets of those.
    pub octets: u64,
    /// Messages that were there already.
    pub there_already: u64,
    /// What could not be done as it is, in words.
    pub notes: Vec<String>,
}

impl Operation for Export {
    type Answer = Moved;
    const NAME: &'static str = "mail.export";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/accounts/{address}/mail/export";
    const SUMMARY: &'static str = "Writes the mail of an account as Maildir or mbox.";

    async fn run(self, admin: &Admin, who: &Principal, progress: Progress) -> Result<Moved, Problem> {
        must_be_local(who, "export")?;
        must_be_whole(&self.directory)?;
        if self.directory.exists() {
            let problem = Problem::new(ProblemKind::Conflict, format!("{} exists", self.directory.display()));
            return Err(problem.remedy("name a directory that does not exist yet"));
        }
        let account = admin.account(who, &self.address)?;
        let admin = admin.clone();
        aside(move || export::run(&admin, &account, self, &progress)).await
    }
}

impl Operation for Import {
    type Answer = Moved;
    const NAME: &'static str = "mail.import";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/accounts/{address}/mail/import";
    const SUMMARY: &'static str = "Brings mail into an account from Maildir or mbox, and doubles nothing.";

    async fn run(self, admin: &Admin, who: &Principal, progress: Progress) -> Result<Moved, Problem> {
        must_be_local(who, "import")?;
        must_be_whole(&self.path)?;
        let account = admin.account(who, &self.address)?;
        let _turn = admin.0.intake.lock().await;
        let admin = admin.clone();
        aside(move || import::run(&admin, &account, self, &progress)).await
    }
}

impl Operation for Restore {
    type Answer = Moved;
    const NAME: &'static str = "mail.restore";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/accounts/{address}/mail/restore";
    const SUMMARY: &'static str = "Brings mail of an account back from a backup, and doubles nothing.";

    async fn run(self, admin: &Admin, who: &Principal, progress: Progress) -> Result<Moved, Problem> {
        must_be_local(who, "restore")?;
        must_be_whole(&self.backup)?;
        let account = admin.account(who, &self.address)?;
        let _turn = admin.0.intake.lock().await;
        let admin = admin.clone();
        aside(move || restore::run(&admin, &account, self, &progress)).await
    }
}

fn must_be_local(who: &Principal, command: &str) -> Result<(), Problem> {
    if *who == Principal::Local {
        return Ok(());
    }
    let problem = Problem::new(ProblemKind::Forbidden, "files are read and written on the machine of the server");
    Err(problem.remedy(format!("run `posthaste {command}` there")))
}

fn must_be_whole(path: &Path) -> Result<(), Problem> {
    if path.is_absolute() {
        return Ok(());
    }
    Err(Problem::invalid(format!("{} is not absolute", path.display())).remedy("name the whole path"))
}

/// Works where reading and writing files keeps nobody waiting.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let outcome = tokio::task::spawn_blocking(work).await;
    outcome.unwrap_or_else(|error| Err(Problem::new(ProblemKind::Unavailable, error.to_string())))
}

/// Waits for the store, where waiting is allowed.
fn wait<T>(answer: impl Future<Output = T>) -> T {
    tokio::runtime::Handle::current().block_on(answer)
}

/// The name of a mailbox below another one. Names of other programs become such as may be: what may not stand in them
/// becomes `_`, and what is too deep lies in the deepest level there is.
fn below(folder: Option<&MailboxName>, name: &str) -> Result<MailboxName, StoreError> {
    let safe = |c: char| if c.is_control() || "*%".contains(c) { '_' } else { c };
    let levels = name.split(SEPARATOR).map(|level| level.chars().map(safe).collect::<String>());
    let mut levels: Vec<String> = folder.iter().map(|folder| folder.to_string()).chain(levels).collect();
    loop {
        let joined = levels.join("/");
        match MailboxName::new(&joined) {
            Err(NameError::TooDeep) if levels.len() > 1 => {
                let last = levels.pop().unwrap_or_default();
                if let Some(above) = levels.last_mut() {
                    above.push('_');
                    above.push_str(&last);
                }
            }
            checked => return Ok(checked?),
        }
    }
}

fn mailbox_name(name: &str) -> Result<MailboxName, Problem> {
    MailboxName::new(name).map_err(|error| StoreError::from(error).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u22_any_name_finds_a_place() {
        let folder = mailbox_name("Restored 2026-11-21").unwrap();
        let name = |name: &str| below(Some(&folder), name).map(|name| name.to_string());
        assert_eq!(name("INBOX").unwrap(), "Restored 2026-11-21/INBOX");
        assert_eq!(name("a*/b\u{1}").unwrap(), "Restored 2026-11-21/a_/b_");
        let deep = name(&["x"; 10].join("/")).unwrap();
        assert_eq!(deep, format!("{folder}/{}x_x", "x/".repeat(8)));
        assert_eq!(below(None, "inbox").unwrap().as_str(), "INBOX");
        assert!(name("a//b").is_err());
    }
}
