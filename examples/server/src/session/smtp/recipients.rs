//! Who gets a message: what a path in RCPT stands for, and whether there is room for it (RFC 5321 3.6, RFC 1870 6.1).
//!
//! A path that stands for several, as a group does, is taken when there is room at every one of them: this server has
//! no way yet to tell a sender later that one of them did not get it.

use std::sync::Arc;

use posthaste_smtp::{ForwardPath, Mailbox, Rejection};

use super::super::Context;
use super::answer;
use crate::directory::{Account, Address, Directory, Recipient, Recipients, Role};
use crate::metrics;
use crate::store::{AccountId, Delivery, MailboxName, StoreError};

/// A recipient that was accepted.
#[derive(Debug)]
pub(super) struct Taken {
    /// The path, as it was given.
    pub(super) path: ForwardPath,
    /// The address, as it is compared.
    pub(super) address: Address,
    /// Where the message goes for it. Never nowhere.
    targets: Vec<(Arc<Account>, MailboxName)>,
}

impl Taken {
    /// Whether it is the postmaster of a domain.
    pub(super) fn is_postmaster(&self) -> bool {
        self.address.local() == POSTMASTER
    }

    /// Octets of a message that all who get it for this recipient agree to.
    pub(super) fn size_max(&self, directory: &Directory) -> Option<u64> {
        self.targets.iter().filter_map(|(account, _)| directory.message_size(account)).min()
    }

    /// Where the message goes, each place with its name in a transaction.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> + '_ {
        self.targets
            .iter()
            .map(|(account, mailbox)| Place { account: account.id, mailbox: mailbox.as_str().to_owned() })
    }

    /// Whether the message goes to several for it.
    pub(super) fn is_several(&self) -> bool {
        self.targets.len() > 1
    }

    pub(super) fn deliveries<'a>(
        &'a self,
        context: &'a Context,
    ) -> impl Iterator<Item = (Place, Delivery)> + 'a {
        let room = |account: &Account| context.directory.room(account);
        self.places().zip(&self.targets).map(move |(place, (account, mailbox))| {
            // A second delivery of the same octets may well be meant, and a reply that got lost (RFC 1047) cannot be
            // told from it: a message twice does less harm than one that is missing.
            let delivery =
                Delivery { account: account.id, mailbox: mailbox.clone(), room: room(account), once: None };
            (place, delivery)
        })
    }
}

/// A mailbox that a message goes to; it gets one copy, however often it is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    account: AccountId,
    mailbox: String,
}

/// What a path stands for, for this sender.
pub(super) async fn resolve(
    context: &Context,
    sender: Option<&Account>,
    path: &ForwardPath,
    announced: u64,
) -> Result<Taken, Rejection> {
    let (address, found) = match path.mailbox() {
        Some(mailbox) => of_mailbox(context, sender, mailbox)?,
        None => postmaster(context)?,
    };
    let size = announced.max(1);
    let mut targets = Vec::with_capacity(found.len());
    for recipient in found {
        let directory = &context.directory;
        if directory.message_size(&recipient.account).is_some_and(|max| size > max) {
            return Err(answer::larger_than_allowed());
        }
        let mailbox = has_room(context, &recipient, size).await?;
        targets.push((recipient.account, mailbox));
    }
    Ok(Taken { path: path.clone(), address, targets })
}

/// The address as accounts have it; `None` where none can.
pub(super) fn address(mailbox: &Mailbox) -> Option<Address> {
    Address::parse(&format!("{}@{}", mailbox.local_part(), mailbox.domain())).ok()
}

fn of_mailbox(
    context: &Context,
    sender: Option<&Account>,
    mailbox: &Mailbox,
) -> Result<(Address, Vec<Recipient>), Rejection> {
    let elsewhere = || if sender.is_some() { answer::not_served() } else { Rejection::relay_denied() };
    let directory = &context.directory;
    let Some(address) = address(mailbox) else {
        return Err(if directory.serves(mailbox.domain()) { Rejection::no_such_user() } else { elsewhere() });
    };
    match directory.recipients_from(&address, sender) {
        Recipients::Local(recipients) => Ok((address, recipients)),
        Recipients::NotServed => Err(elsewhere()),
        // RFC 5321 4.5.1: somebody reads what is sent to the postmaster of a domain.
        Recipients::Unknown if address.local() == POSTMASTER => {
            let recipients = administrators(context, &address);
            if recipients.is_empty() { Err(Rejection::no_such_user()) } else { Ok((address, recipients)) }
        }
        Recipients::Unknown => Err(Rejection::no_such_user()),
        Recipients::Disabled => Err(answer::disabled()),
        Recipients::NotAllowed => Err(answer::not_for_you()),
    }
}

/// `<postmaster>` without a domain: the one of this host, else of any domain served here (RFC 5321 4.5.1).
fn postmaster(context: &Context) -> Result<(Address, Vec<Recipient>), Rejection> {
    let picture = context.directory.picture();
    let names = picture.domains().map(|domain| domain.name.clone());
    for name in std::iter::once(context.config.hostname.clone()).chain(names) {
        let Ok(address) = Address::parse(&format!("{POSTMASTER}@{name}")) else { continue };
        if let Recipients::Local(recipients) = context.directory.recipients(&address) {
            return Ok((address, recipients));
        }
    }
    let address = Address::parse(&format!("{POSTMASTER}@{}", context.config.hostname));
    let address = address.map_err(|_| Rejection::no_such_user())?;
    let recipients = administrators(context, &address);
    if recipients.is_empty() { Err(Rejection::no_such_user()) } else { Ok((address, recipients)) }
}

/// Who reads the mail to a postmaster that is nobody's address: those who administer the server.
fn administrators(context: &Context, address: &Address) -> Vec<Recipient> {
    let picture = context.directory.picture();
    let administrators = picture.accounts().filter(|one| one.enabled && one.role == Role::ServerAdmin);
    let recipient = |account: &Arc<Account>| Recipient {
        account: Arc::clone(account),
        mailbox: MailboxName::inbox(),
        address: address.clone(),
    };
    administrators.map(recipient).collect()
}

/// RFC 1870 6.1: a client that says how much it brings learns here that there is no room for it.
async fn has_room(context: &Context, recipient: &Recipient, size: u64) -> Result<MailboxName, Rejection> {
    let failed = |error: StoreError| {
        tracing::error!(%error, to = %recipient.address, "a recipient cannot be looked up");
        answer::store(&error)
    };
    let account = &recipient.account;
    let room = context.directory.room(account);
    if room.is_limited() {
        let used = context.store.usage(account.id).await.map_err(failed)?;
        if !room.takes(&used, size) {
            metrics::quota_refused("rcpt");
            return Err(answer::no_room(&room, size));
        }
    }
    context.directory.mailbox_for(recipient).await.map_err(failed)
}

const POSTMASTER: &str = "postmaster";
