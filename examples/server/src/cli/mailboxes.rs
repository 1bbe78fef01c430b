//! The commands `mailbox`.

use clap::Subcommand;

use super::{Common, show};
use crate::admin::mailboxes::{self, GrantView, MailboxView};
use crate::directory::Address;

#[derive(Debug, Subcommand)]
pub(super) enum Mailbox {
    /// Show the mailboxes of an account.
    List {
        /// The address of the account.
        address: Address,
    },
    /// Make a mailbox, and those above it that are missing.
    Create {
        /// The address of the account.
        address: Address,
        /// Its name, as in Projects/2026.
        name: String,
    },
    /// Give a mailbox, and those below it, another name.
    Rename {
        /// The address of the account.
        address: Address,
        /// Its name.
        mailbox: String,
        /// Its name from now on.
        to: String,
    },
    /// Delete a mailbox with what is in it, which can be had back for some time.
    Delete {
        /// The address of the account.
        address: Address,
        /// Its name.
        mailbox: String,
    },
    /// Say what somebody may do with a mailbox.
    Grant {
        /// The address of the account.
        address: Address,
        /// The name of the mailbox.
        mailbox: String,
        /// An address, `anyone`, or `$` and the address of a group; a `-` in front withholds.
        #[arg(allow_hyphen_values = true)]
        who: String,
        /// Letters of RFC 4314, as lrs to read; `none` takes it back.
        rights: String,
    },
}

impl Mailbox {
    pub(super) async fn run(self, common: &Common) -> Result<(), String> {
        match self {
            Self::List { address } => {
                let all = common.ask(mailboxes::List { address }).await?;
                let columns = ["MAILBOX", "USE", "MESSAGES", "UNREAD", "SIZE", "GRANTED"];
                show::answer(common.form(), &all, &columns, |all| all.iter().map(row).collect())
            }
            Self::Create { address, name } => {
                let sentence = format!("{address} has {name}");
                common.tell(mailboxes::Create { address, name }, &sentence).await
            }
            Self::Rename { address, mailbox, to } => {
                let sentence = format!("{mailbox} of {address} is {to} now");
                common.tell(mailboxes::Rename { address, mailbox, to }, &sentence).await
            }
            Self::Delete { address, mailbox } => {
                let sentence = format!("{address} has no {mailbox} any more");
                common.tell(mailboxes::Delete { address, mailbox }, &sentence).await
            }
            Self::Grant { address, mailbox, who, rights } => {
                let rights = if rights == "none" { String::new() } else { rights };
                let grant = mailboxes::Grant { address, mailbox, identifier: who, rights };
                let shown = common.ask(grant).await?;
                let columns = ["GRANTED TO", "RIGHTS"];
                let granted = |grant: &GrantView| vec![grant.identifier.clone(), grant.rights.clone()];
                show::answer(common.form(), &shown, &columns, |it| it.grants.iter().map(granted).collect())
            }
        }
    }
}

fn row(mailbox: &MailboxView) -> Vec<String> {
    let granted = mailbox.grants.iter().map(|grant| format!("{} {}", grant.identifier, grant.rights));
    vec![
        mailbox.name.clone(),
        mailbox.special_use.clone().unwrap_or_default(),
        mailbox.messages.to_string(),
        mailbox.unseen.to_string(),
        show::size(mailbox.size),
        granted.collect::<Vec<_>>().join(", "),
    ]
}
