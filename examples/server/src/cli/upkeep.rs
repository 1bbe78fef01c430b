//! The commands `check`, `backup`, `restore`, `undelete` and `trace`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use super::show::Form;
use super::{Common, mail, show, text};
use crate::admin::upkeep;
use crate::directory::Address;
use crate::store::sqlite;

/// Looks for what does not fit together.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Repair what can be repaired.
    #[arg(long)]
    repair: bool,
}

impl Check {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        let findings = common.ask_long(upkeep::Check { repair: self.repair }, show::bar("checking")).await?;
        let row = |finding: &upkeep::FindingView| {
            vec![finding.place.clone(), finding.problem.clone(), finding.repair.clone().unwrap_or_default()]
        };
        let columns = ["WHERE", "WHAT", "DONE ABOUT IT"];
        show::answer(common.form(), &findings, &columns, |all| all.iter().map(row).collect())?;
        match findings.iter().filter(|finding| finding.repair.is_none()).count() {
            0 => show::say(common.form(), "everything fits together"),
            left => Err(format!("{left} things do not fit together; --repair mends what can be mended")),
        }
    }
}

/// Writes a consistent copy.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// A directory that does not exist yet, in one that does.
    directory: PathBuf,
}

impl Backup {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        let directory = std::path::absolute(&self.directory).map_err(|error| error.to_string())?;
        let sentence = format!("{} is a copy of everything", directory.display());
        common.ask_long(upkeep::Backup { directory }, show::bar("copying")).await?;
        show::say(common.form(), &sentence)
    }
}

/// Makes a data directory of a backup, or brings the mail of one account back from it. The backup stays as it is.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The backup.
    directory: PathBuf,
    #[command(flatten)]
    of_account: mail::OfAccount,
}

impl Restore {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        if let Some(request) = self.of_account.request(&self.directory)? {
            return mail::restore(common, request).await;
        }
        let data = common.load()?.data;
        if data.exists() {
            return Err(format!("{} exists: move it away first", data.display()));
        }
        sqlite::restore(&self.directory, &data).map_err(text)?;
        show::say(common.form(), &format!("{} is as it was in {}", data.display(), self.directory.display()))
    }
}

/// Brings back messages that were deleted.
#[derive(Debug, Args)]
pub(super) struct Undelete {
    /// The address of the account.
    address: Address,
    /// Which messages, as `--list` shows them; all of them when none is named.
    ids: Vec<i64>,
    /// Show what can be had back, and bring nothing back.
    #[arg(long)]
    list: bool,
    /// The mailbox they go to.
    #[arg(long, value_name = "MAILBOX")]
    to: Option<String>,
}

impl Undelete {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        let Self { address, ids, list, to } = self;
        if list {
            let deleted = common.ask(upkeep::ListDeleted { address }).await?;
            let row = |one: &upkeep::DeletedView| {
                let moments = [show::moment(one.date), show::moment(one.deleted)];
                let [came, went] = moments;
                vec![one.id.to_string(), one.mailbox.clone(), show::size(one.size), came, went]
            };
            let columns = ["ID", "MAILBOX", "SIZE", "CAME", "DELETED"];
            return show::answer(common.form(), &deleted, &columns, |all| all.iter().map(row).collect());
        }
        let done = common.ask(upkeep::Undelete { address, ids, mailbox: to }).await?;
        show::say(common.form(), &format!("{} messages are back", done.messages))
    }
}

/// Tells what became of a message.
#[derive(Debug, Args)]
pub(super) struct Trace {
    /// The name the server gave it, its Message-ID, or an address.
    what: String,
}

impl Trace {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        let what = self.what;
        let events = common.ask(upkeep::Trace { what: what.clone() }).await?;
        if common.form() == Form::Json {
            return show::json(&events);
        }
        if events.is_empty() {
            return Err(format!(
                "nothing is known of {what:?}: it never came here, or so long ago that it is forgotten"
            ));
        }
        show::print(&lives(&events))
    }
}

/// The lives of messages, one after the other.
fn lives(events: &[upkeep::TraceView]) -> String {
    let mut lives: BTreeMap<&str, String> = BTreeMap::new();
    for event in events {
        let life = lives.entry(&event.id).or_insert_with(|| {
            let named = events.iter().find(|one| one.id == event.id && !one.message_id.is_empty());
            let name = named.map(|one| format!(", Message-ID <{}>", show::harmless(&one.message_id)));
            format!("Message {}{}\n", event.id, name.unwrap_or_default())
        });
        let line =
            format!("  {}  {}\n", show::moment_to_the_second(event.at.div_euclid(1000)), event.sentence);
        life.push_str(&line);
    }
    lives.into_values().collect::<Vec<_>>().join("\n")
}
