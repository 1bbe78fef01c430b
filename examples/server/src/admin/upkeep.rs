//! Looking after the store: what is wrong with it, copies of it, mail that was deleted, what became of a message.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::operation::{Method, Operation};
use super::{Admin, Principal, Problem};
use crate::directory::Address;
use crate::store::{self, MailboxName, Progress};

/// Which program this is.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Version {}

/// A program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VersionView {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Looks for what does not fit together in the store.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// Whether it is repaired, where that is possible.
    #[serde(default)]
    pub repair: bool,
}

/// Something that did not fit together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingView {
    /// Where.
    pub place: String,
    /// What is wrong.
    pub problem: String,
    /// What was done about it.
    pub repair: Option<String>,
}

/// Writes a consistent copy of the store, which can be used as a data directory.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Backup {
    /// A directory on the machine of the server that does not exist yet, in one that does.
    pub directory: PathBuf,
}

/// Lists messages that were deleted and can be had back.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ListDeleted {
    /// The address of the account.
    pub address: Address,
}

/// A message that was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeletedView {
    /// Names it.
    pub id: i64,
    /// The mailbox it was in.
    pub mailbox: String,
    /// Octets.
    pub size: u64,
    /// When it came, in seconds since 1970.
    pub date: i64,
    /// When it was deleted, in seconds since 1970.
    pub deleted: i64,
}

/// Brings messages back that were deleted.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Undelete {
    /// The address of the account.
    pub address: Address,
    /// Which messages; all of them when none is named.
    #[serde(default)]
    pub ids: Vec<i64>,
    /// The mailbox they go to, which is made if it is missing; INBOX when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailbox: Option<String>,
}

/// What was brought back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Undeleted {
    /// So many messages.
    pub messages: u64,
}

impl Operation for Version {
    type Answer = VersionView;
    const NAME: &'static str = "version.show";
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/version";
    const SUMMARY: &'static str = "Says which program this is.";

    async fn run(self, _: &Admin, _: &Principal, _: Progress) -> Result<VersionView, Problem> {
        Ok(VersionView { name: "Posthaste".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() })
    }
}

impl Operation for Check {
    type Answer = Vec<FindingView>;
    const NAME: &'static str = "store.check";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/check";
    const SUMMARY: &'static str =
        "Looks for what does not fit together in the store, and repairs it if told so.";

    async fn run(self, admin: &Admin, who: &Principal, progress: Progress) -> Result<Self::Answer, Problem> {
        who.must_be_server_admin()?;
        let how = if self.repair { store::Check::Repair } else { store::Check::Report };
        let findings = admin.store().check(how, progress).await?;
        let view = |finding: store::Finding| {
            let store::Finding { place, problem, repair } = finding;
            FindingView { place, problem, repair }
        };
        Ok(findings.into_iter().map(view).collect())
    }
}

impl Operation for Backup {
    type Answer = ();
    const NAME: &'static str = "store.backup";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/backup";
    const SUMMARY: &'static str = "Writes a consistent copy of the store while it goes on.";

    async fn run(self, admin: &Admin, who: &Principal, progress: Progress) -> Result<(), Problem> {
        // It writes where it is told to: only for who has the machine anyhow.
        if *who != Principal::Local {
            let problem =
                Problem::new(super::ProblemKind::Forbidden, "a backup is made on the machine of the server");
            return Err(problem.remedy("run `posthaste backup` there"));
        }
        if !self.directory.is_absolute() || self.directory.exists() {
            let problem = Problem::invalid(format!("{} exists or is not absolute", self.directory.display()));
            return Err(problem.remedy("name a directory that does not exist yet, with its whole path"));
        }
        // What is known of log-ins goes along.
        admin.directory().write_last_logins().await?;
        Ok(admin.store().backup(store::Backup { directory: self.directory }, progress).await?)
    }
}

impl Operation for ListDeleted {
    type Answer = Vec<DeletedView>;
    const NAME: &'static str = "deleted.list";
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/accounts/{address}/deleted";
    const SUMMARY: &'static str = "Lists messages that were deleted and can be had back.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Vec<DeletedView>, Problem> {
        let account = admin.account(who, &self.address)?;
        who.must_be_or_administer(&account)?;
        let deleted = admin.store().deleted(account.id).await?;
        let view = |one: store::Deleted| DeletedView {
            id: one.id,
            mailbox: one.mailbox,
            size: one.size,
            date: one.date.seconds,
            deleted: one.at,
        };
        Ok(deleted.into_iter().map(view).collect())
    }
}

impl Operation for Undelete {
    type Answer = Undeleted;
    const NAME: &'static str = "deleted.undelete";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/accounts/{address}/undelete";
    const SUMMARY: &'static str = "Brings messages back that were deleted.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Undeleted, Problem> {
        let account = admin.account(who, &self.address)?;
        who.must_be_or_administer(&account)?;
        let store = admin.store();
        let name =
            MailboxName::new(self.mailbox.as_deref().unwrap_or("INBOX")).map_err(store::StoreError::from)?;
        let to = match store.mailbox(account.id, &name).await {
            Err(store::StoreError::NoSuchMailbox) => store.create_mailbox(account.id, &name, None).await?,
            found => found?,
        };
        let ids = if self.ids.is_empty() {
            store.deleted(account.id).await?.into_iter().map(|one| one.id).collect()
        } else {
            self.ids
        };
        let room = admin.directory().room(&account);
        let what = store::Undelete { account: account.id, ids, to: to.id, room };
        let appended = store.undelete(what).await?;
        Ok(Undeleted { messages: u64::try_from(appended.uids.len()).unwrap_or(u64::MAX) })
    }
}

/// Tells what became of a message.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// The name the server gave it, its Message-ID, or an address.
    pub what: String,
}

/// One change of the state of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TraceView {
    /// When, in milliseconds since 1970.
    pub at: i64,
    /// The name the server gave the message.
    pub id: String,
    /// What happened.
    pub state: String,
    /// How it came in.
    pub service: String,
    /// Who brought it.
    pub peer: String,
    /// Who sent it, as in MAIL.
    pub from: String,
    /// For whom.
    pub to: Vec<String>,
    /// Octets.
    pub size: Option<u64>,
    /// Its Message-ID.
    pub message_id: String,
    /// What the sender was told, or where it went.
    pub result: String,
    /// All of it in a sentence.
    pub sentence: String,
}

impl Operation for Trace {
    type Answer = Vec<TraceView>;
    const NAME: &'static str = "message.trace";
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/trace";
    const SUMMARY: &'static str = "Tells what became of a message.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Vec<TraceView>, Problem> {
        who.must_be_server_admin()?;
        let (data, what) = (admin.0.data.clone(), self.what);
        let unreadable = |reason: String| {
            Problem::new(super::ProblemKind::Unavailable, format!("the trace can not be read: {reason}"))
        };
        // It reads files, perhaps many.
        let found = tokio::task::spawn_blocking(move || crate::trace::find(&data, &what)).await;
        let events = found.map_err(|error| unreadable(error.to_string()))?;
        let events = events.map_err(|error| unreadable(error.to_string()))?;
        let view = |event: crate::trace::Event| TraceView {
            sentence: crate::trace::sentence(&event),
            at: event.at,
            id: event.id.to_string(),
            state: event.state.as_str().to_owned(),
            service: event.service,
            peer: event.peer,
            from: event.from,
            to: event.to,
            size: event.size,
            message_id: event.message_id,
            result: event.result,
        };
        Ok(events.into_iter().map(view).collect())
    }
}
