//! The mailboxes of an account: listed, made, renamed, removed, and granted to others. For its user and whoever administers
//! it, who need not log in as the user for that.

use posthaste_imap::types::Rights;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::operation::{Method, Operation};
use super::{Admin, Principal, Problem, ProblemKind};
use crate::directory::{Account, Address, Entry, Picture};
use crate::store::{self, MailboxName, Progress, StoreError};

/// Lists the mailboxes of an account.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct List {
    /// The address of the account.
    pub address: Address,
}

/// A mailbox, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MailboxView {
    /// Its name, with `/` between the levels.
    pub name: String,
    /// What it is for, as `Sent`.
    pub special_use: Option<String>,
    /// Whether its owner has subscribed it.
    pub subscribed: bool,
    /// Messages in it.
    pub messages: u32,
    /// Those that are not read.
    pub unseen: u32,
    /// Octets of all of them.
    pub size: u64,
    /// What others may do with it.
    pub grants: Vec<GrantView>,
}

/// What somebody may do with a mailbox (RFC 4314).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GrantView {
    /// Who: an address, `anyone`, or `$` and the address of a group; what is withheld has a `-` in front.
    pub identifier: String,
    /// What, in letters.
    pub rights: String,
}

/// Makes a mailbox, and those above it that are missing.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Create {
    /// The address of the account.
    pub address: Address,
    /// Its name, with `/` between the levels.
    pub name: String,
}

/// Gives a mailbox, and those below it, another name.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Rename {
    /// The address of the account.
    pub address: Address,
    /// Its name.
    pub mailbox: String,
    /// Its name from now on.
    pub to: String,
}

/// Deletes a mailbox that has none below it. Its messages can be had back as all that are deleted.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Delete {
    /// The address of the account.
    pub address: Address,
    /// Its name.
    pub mailbox: String,
}

/// Says what somebody may do with a mailbox, in place of what was said before.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Grant {
    /// The address of the account.
    pub address: Address,
    /// The name of the mailbox.
    pub mailbox: String,
    /// Who: an address, `anyone`, or `$` and the address of a group; with a `-` in front for what is withheld.
    pub identifier: String,
    /// Letters of RFC 4314, as `lrs` to read; none to take it back.
    pub rights: String,
}

impl Operation for List {
    type Answer = Vec<MailboxView>;
    const NAME: &'static str = "mailbox.list";
    const METHOD: Method = Method::Get;
    const PATH: &'static str = "/api/accounts/{address}/mailboxes";
    const SUMMARY: &'static str =
        "Lists the mailboxes of an account, with what is in them and who may use them.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<Vec<MailboxView>, Problem> {
        let account = owned(admin, who, &self.address)?;
        let mut views = Vec::new();
        for mailbox in admin.store().mailboxes(account.id).await? {
            match view(admin, mailbox).await {
                Ok(view) => views.push(view),
                // Deleted meanwhile.
                Err(StoreError::NoSuchMailbox) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(views)
    }
}

impl Operation for Create {
    type Answer = ();
    const NAME: &'static str = "mailbox.create";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/accounts/{address}/mailboxes";
    const SUMMARY: &'static str = "Makes a mailbox, and those above it that are missing.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<(), Problem> {
        let account = owned(admin, who, &self.address)?;
        let name = named(&self.name)?;
        admin.store().create_mailbox(account.id, &name, None).await?;
        // Many programs show only what is subscribed.
        Ok(admin.store().subscribe(account.id, name.as_str()).await?)
    }
}

impl Operation for Rename {
    type Answer = ();
    const NAME: &'static str = "mailbox.rename";
    const METHOD: Method = Method::Post;
    const PATH: &'static str = "/api/accounts/{address}/mailboxes/{mailbox}/rename";
    const SUMMARY: &'static str = "Gives a mailbox, and those below it, another name.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<(), Problem> {
        let account = owned(admin, who, &self.address)?;
        let (mailbox, to) = (found(admin, &account, &self.mailbox).await?, named(&self.to)?);
        admin.store().rename_mailbox(mailbox.id, &to).await.map_err(in_the_way)
    }
}

impl Operation for Delete {
    type Answer = ();
    const NAME: &'static str = "mailbox.delete";
    const METHOD: Method = Method::Delete;
    const PATH: &'static str = "/api/accounts/{address}/mailboxes/{mailbox}";
    const SUMMARY: &'static str = "Deletes a mailbox that has none below it.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<(), Problem> {
        let account = owned(admin, who, &self.address)?;
        let mailbox = found(admin, &account, &self.mailbox).await?;
        admin.store().delete_mailbox(mailbox.id).await.map_err(in_the_way)
    }
}

impl Operation for Grant {
    type Answer = MailboxView;
    const NAME: &'static str = "mailbox.grant";
    const METHOD: Method = Method::Put;
    const PATH: &'static str = "/api/accounts/{address}/mailboxes/{mailbox}/grants/{identifier}";
    const SUMMARY: &'static str =
        "Says what somebody may do with a mailbox, in place of what was said before.";

    async fn run(self, admin: &Admin, who: &Principal, _: Progress) -> Result<MailboxView, Problem> {
        let account = owned(admin, who, &self.address)?;
        let mailbox = found(admin, &account, &self.mailbox).await?;
        if let Some(unknown) = self.rights.chars().find(|letter| !RIGHTS.contains(*letter)) {
            let problem = Problem::invalid(format!("{unknown:?} is no right"));
            return Err(problem.remedy(format!("write some of {RIGHTS}, as lrs to read")));
        }
        let rights = Rights::new(&self.rights).map_err(|error| Problem::invalid(error.to_string()))?;
        let identifier = if rights.is_empty() {
            // Also of somebody who has gone.
            self.identifier.to_lowercase()
        } else {
            identifier(&admin.directory().picture(), &account, &self.identifier)?
        };
        let grants = admin.store().grants(mailbox.id).await?;
        if !rights.is_empty()
            && grants.len() >= GRANTS_MAX
            && !grants.iter().any(|grant| grant.identifier == identifier)
        {
            return Err(Problem::limit(format!("a mailbox is granted to {GRANTS_MAX} at most"))
                .remedy("take one back, or grant it to a group"));
        }
        admin.store().grant(mailbox.id, store::Grant { identifier, rights }).await?;
        Ok(view(admin, mailbox).await?)
    }
}

/// An account whose mailboxes somebody may see to.
fn owned(admin: &Admin, who: &Principal, address: &Address) -> Result<Account, Problem> {
    let account = admin.account(who, address)?;
    who.must_be_or_administer(&account)?;
    Ok(account)
}

fn named(name: &str) -> Result<MailboxName, Problem> {
    Ok(MailboxName::new(name).map_err(StoreError::from)?)
}

async fn found(admin: &Admin, account: &Account, name: &str) -> Result<store::Mailbox, Problem> {
    match admin.store().mailbox(account.id, &named(name)?).await {
        Err(StoreError::NoSuchMailbox) => {
            Err(Problem::not_found(format_args!("mailbox {:?} of {}", name, account.address)))
        }
        found => Ok(found?),
    }
}

async fn view(admin: &Admin, mailbox: store::Mailbox) -> Result<MailboxView, StoreError> {
    let status = admin.store().status(mailbox.id).await?;
    let grants = admin.store().grants(mailbox.id).await?;
    let granted =
        |grant: store::Grant| GrantView { identifier: grant.identifier, rights: grant.rights.to_string() };
    Ok(MailboxView {
        name: mailbox.name,
        special_use: mailbox.special_use.map(|special| special.as_str().to_owned()),
        subscribed: mailbox.subscribed,
        messages: status.messages,
        unseen: status.unseen,
        size: status.size,
        grants: grants.into_iter().map(granted).collect(),
    })
}

/// Who is meant, as access control lists have it; it has to be somebody who is here.
fn identifier(picture: &Picture, owner: &Account, given: &str) -> Result<String, Problem> {
    let (sign, name) = given.strip_prefix('-').map_or(("", given), |name| ("-", name));
    if name == "anyone" {
        return Ok(given.to_owned());
    }
    let (mark, text) = name.strip_prefix('$').map_or(("", name), |name| ("$", name));
    let address = picture.canonical(&Address::parse(text)?);
    let is_there = match picture.entry(&address) {
        Some(Entry::Account(id)) => mark.is_empty() && *id != owner.id,
        Some(Entry::Group(_)) => !mark.is_empty(),
        Some(Entry::Alias(_)) | None => false,
    };
    if is_there {
        return Ok(format!("{sign}{mark}{address}"));
    }
    let problem = Problem::not_found(format_args!("{given:?} to grant something to"));
    Err(problem.remedy("name another account, anyone, or $ and the address of a group"))
}

/// What there is no way to do, and not only for now.
fn in_the_way(error: StoreError) -> Problem {
    match error {
        StoreError::HasChildren => Problem::new(ProblemKind::Conflict, error.to_string())
            .remedy("delete or rename those below it first"),
        StoreError::InboxStays | StoreError::IntoItself => {
            Problem::new(ProblemKind::Conflict, error.to_string())
        }
        error => error.into(),
    }
}

/// The rights there are (RFC 4314 2.1).
const RIGHTS: &str = "lrswipkxtea";

/// Entries of one mailbox, as IMAP allows.
const GRANTS_MAX: usize = 100;
