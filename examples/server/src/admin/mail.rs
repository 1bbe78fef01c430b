//! The mail of an account as files, and back from files and from backups.
//!
//! What comes in is never doubled: a message whose octets a mailbox has already is passed over, as often as it is
//! there, and the one that is there keeps its flags and its date. So whatever was cut short is asked for again and goes
//! on. Quotas hold, unless whoever asks says otherwise. One of the operations that bring mail in works at a time.
//!
//! They read and write where they are told to on the machine of the server: only for who has its data directory, which
//! is neither an administrator of a domain nor one of the server who asks over the network.

mod export;
mod import;
mod intake;
mod restore;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::{Admin, Method, Operation, Principal, Problem, ProblemKind};
use crate::directory::{Account, Address};
use crate::exchange::Format;
use crate::store::{COMPONENT_MAX, LEVELS_MAX, MailboxName, Progress, Room, SEPARATOR, StoreError};

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
    /// The mailbox that what is INBOX in it goes to, and the others below; the mailboxes of the same names when not
    /// said. A single file is INBOX.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<String>,
    /// Whether the account may keep more than its quota afterwards.
    #[serde(default)]
    pub beyond_quota: bool,
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
    /// Whether the account may keep more than its quota afterwards.
    #[serde(default)]
    pub beyond_quota: bool,
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
    /// Messages that are larger than the account may have.
    pub left_out: u64,
    /// What could not be done as it is, in words; the first hundred.
    pub notes: Vec<String>,
}

impl Moved {
    fn note(&mut self, note: impl Into<String>) {
        if self.notes.len() < NOTES_MAX {
            self.notes.push(note.into());
        }
    }
}

impl Operation for Export {
    type Answer = Moved;
    const NAME: &'static str = "mail.export";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/accounts/{address}/mail/export";
    const SUMMARY: &'static str =
        "Writes the mail of an account as Maildir or mbox. Only over the socket in the data directory.";

    async fn run(self, admin: &Admin, who: &Principal, progress: Progress) -> Result<Moved, Problem> {
        must_be_local(who, "export")?;
        must_be_whole(&self.directory)?;
        if self.directory.exists() {
            let problem = Problem::new(ProblemKind::Conflict, format!("{} exists", self.directory.display()));
            return Err(problem.remedy("name a directory that does not exist yet"));
        }
        let account = admin.account(who, &self.address)?;
        let admin = admin.clone();
        aside(move || export::run(&admin, &account, &self, &progress)).await
    }
}

impl Operation for Import {
    type Answer = Moved;
    const NAME: &'static str = "mail.import";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/accounts/{address}/mail/import";
    const SUMMARY: &'static str =
        "Brings mail into an account from Maildir or mbox. Only over the socket in the data directory.";

    async fn run(self, admin: &Admin, who: &Principal, progress: Progress) -> Result<Moved, Problem> {
        must_be_local(who, "import")?;
        must_be_whole(&self.path)?;
        must_be_there(&self.path)?;
        let account = admin.account(who, &self.address)?;
        let _turn = admin.0.intake.lock().await;
        let admin = admin.clone();
        aside(move || import::run(&admin, &account, &self, &progress)).await
    }
}

impl Operation for Restore {
    type Answer = Moved;
    const NAME: &'static str = "mail.restore";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/accounts/{address}/mail/restore";
    const SUMMARY: &'static str =
        "Brings mail of an account back from a backup. Only over the socket in the data directory.";

    async fn run(self, admin: &Admin, who: &Principal, progress: Progress) -> Result<Moved, Problem> {
        must_be_local(who, "restore")?;
        must_be_whole(&self.backup)?;
        must_be_there(&self.backup)?;
        if self.in_place && self.into.is_some() {
            return Err(
                Problem::invalid("mail goes either into a mailbox or in place").remedy("name one of them")
            );
        }
        let account = admin.account(who, &self.address)?;
        let _turn = admin.0.intake.lock().await;
        let admin = admin.clone();
        aside(move || restore::run(&admin, &account, &self, &progress)).await
    }
}

fn must_be_local(who: &Principal, command: &str) -> Result<(), Problem> {
    if *who == Principal::Local {
        return Ok(());
    }
    let problem =
        Problem::new(ProblemKind::Forbidden, "files are read and written on the machine of the server");
    Err(problem.remedy(format!("run `posthaste {command}` there")))
}

fn must_be_whole(path: &Path) -> Result<(), Problem> {
    if path.is_absolute() {
        return Ok(());
    }
    Err(Problem::invalid(format!("{} is not absolute", path.display())).remedy("name the whole path"))
}

fn must_be_there(path: &Path) -> Result<(), Problem> {
    match path.try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => Err(Problem::not_found(path.display())),
        Err(error) => Err(StoreError::io(format_args!("looking for {}", path.display()), &error).into()),
    }
}

/// How much the account may keep.
fn room(admin: &Admin, account: &Account, beyond_quota: bool) -> Room {
    if beyond_quota { Room::UNLIMITED } else { admin.directory().room(account) }
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
fn below(folder: Option<&MailboxName>, name: &str) -> Result<MailboxName, Problem> {
    let may_be = |c: char| MailboxName::new(&format!("x{c}x")).is_ok();
    let safe = |level: &str| -> String { level.chars().map(|c| if may_be(c) { c } else { '_' }).collect() };
    let mut levels: Vec<String> =
        folder.iter().flat_map(|folder| folder.as_str().split(SEPARATOR)).map(safe).collect();
    levels.extend(
        name.split(SEPARATOR).map(safe).map(|level| fitting(&level)).filter(|level| !level.is_empty()),
    );
    while levels.len() > LEVELS_MAX
        && let (Some(last), Some(above)) = (levels.pop(), levels.pop())
    {
        levels.push(fitting(&format!("{above}_{last}")));
    }
    let joined = levels.join("/");
    mailbox_name(if joined.is_empty() { "_" } else { &joined })
}

/// A level of a name, without what is too long.
fn fitting(level: &str) -> String {
    let mut level: String = level.nfc().collect();
    while level.len() > COMPONENT_MAX {
        level.pop();
    }
    level.trim().to_owned()
}

fn mailbox_name(name: &str) -> Result<MailboxName, Problem> {
    MailboxName::new(name).map_err(|error| StoreError::from(error).into())
}

/// Notes that are kept.
const NOTES_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u22_any_name_finds_a_place() {
        let folder = mailbox_name("Restored 2026-11-21").unwrap();
        let name = |name: &str| below(Some(&folder), name).unwrap().to_string();
        assert_eq!(name("INBOX"), "Restored 2026-11-21/INBOX");
        assert_eq!(name("a*/b\u{1}\u{202e}"), "Restored 2026-11-21/a_/b__");
        let deep = name(&["x"; 10].join("/"));
        assert_eq!(deep, format!("{folder}/{}x_x", "x/".repeat(8)));
        assert_eq!(below(None, "inbox").unwrap().as_str(), "INBOX");
        assert_eq!(name("a//b/ c /../."), "Restored 2026-11-21/a/b/c/../.");
        assert_eq!(below(None, "").unwrap().as_str(), "_");
        assert_eq!(name(&"\u{e4}".repeat(1000)).len(), folder.as_str().len() + 255);
        assert!(name(&["long".repeat(100).as_str(); 40].join("/")).len() < 3000);
    }
}
