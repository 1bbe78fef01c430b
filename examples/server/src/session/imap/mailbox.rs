//! CREATE, DELETE, RENAME (RFC 9051 6.3.4 to 6.3.6; RFC 4314 4; RFC 6154 3).

use posthaste_imap::server::{Asked, Delete, Refusal, Rename};
use posthaste_imap::types::{Create, Mailbox as ImapMailbox, SpecialUse as ImapSpecialUse};

use super::access::{Failure, Place, Reached, not_here};
use super::{Outcome, Session, convert};
use crate::store::{AccountId, Mailbox, MailboxName, SpecialUse};

impl Session {
    pub(super) async fn create(&mut self, asked: Asked<Create>) -> Outcome {
        let outcome = self.make(&asked).await;
        self.sync().await?;
        let server = self.connection.machine();
        match outcome {
            Ok(mailbox) => {
                if let Some(name) = self.name_of(&mailbox)
                    && name != convert_given(&asked.mailbox)
                    && let Some(row) = super::list::row(&name, Vec::new())
                {
                    asked.normalised(self.connection.machine(), row)?;
                }
                let server = self.connection.machine();
                match convert::mailbox_id(mailbox.id) {
                    Some(id) => asked.ok_with_id(server, id)?,
                    None => asked.ok(server)?,
                }
            }
            Err(failure) => asked.no(server, failure.refusal())?,
        }
        Ok(())
    }

    async fn make(&self, create: &Create) -> Result<Mailbox, Failure> {
        let role = match create.special_use.as_slice() {
            [] => None,
            [role] => Some(stored(*role).ok_or_else(Refusal::use_attribute)?),
            // A mailbox has one use here.
            _ => return Err(Refusal::use_attribute().into()),
        };
        let (owner, name) = self.new_place(&create.mailbox).await?;
        if role.is_some() && owner != self.own_id()? {
            return Err(Refusal::use_attribute().into());
        }
        Ok(self.context.store.create_mailbox(owner, &name, role).await?)
    }

    /// Where a new mailbox of this name would be, if the user may make one there.
    async fn new_place(&self, mailbox: &ImapMailbox) -> Result<(AccountId, MailboxName), Failure> {
        match self.place_of(mailbox)? {
            Place::Own(name) => Ok((self.own_id()?, name)),
            Place::Foreign(wanted) => {
                let visible = self.visible().await?;
                let (owner, name) = wanted.ok_or_else(Refusal::no_permission)?;
                let is_parent = |it: &&Reached| {
                    let above = MailboxName::new(&it.mailbox.name);
                    it.mailbox.account == owner && above.is_ok_and(|above| name.below(&above).is_some())
                };
                let parents = visible.iter().filter(is_parent);
                match parents.max_by_key(|it| it.mailbox.name.len()) {
                    Some(parent) if parent.rights.contains('k') => Ok((owner, name)),
                    _ => Err(Refusal::no_permission().into()),
                }
            }
        }
    }

    pub(super) async fn delete(&mut self, asked: Asked<Delete>) -> Outcome {
        let outcome = match self.reach(&asked.mailbox, "x").await {
            Ok(reached) => self.context.store.delete_mailbox(reached.mailbox.id).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        self.sync().await?;
        asked.done(self.connection.machine(), outcome.map_err(Failure::refusal))?;
        Ok(())
    }

    pub(super) async fn rename(&mut self, asked: Asked<Rename>) -> Outcome {
        let outcome = self.move_mailbox(&asked).await;
        self.sync().await?;
        asked.done(self.connection.machine(), outcome.map_err(Failure::refusal))?;
        Ok(())
    }

    async fn move_mailbox(&self, rename: &Rename) -> Result<(), Failure> {
        let from = self.reach(&rename.from, "x").await?;
        let (owner, to) = self.new_place(&rename.to).await?;
        if owner != from.mailbox.account {
            return Err(not_here().into());
        }
        Ok(self.context.store.rename_mailbox(from.mailbox.id, &to).await?)
    }
}

/// The name as given, without the separator that announces children.
fn convert_given(mailbox: &ImapMailbox) -> &str {
    let name = mailbox.as_str();
    name.strip_suffix(crate::store::SEPARATOR).unwrap_or(name)
}

/// The role as the store keeps it; `None` for one that is not given here.
fn stored(role: ImapSpecialUse) -> Option<SpecialUse> {
    SpecialUse::ALL.into_iter().find(|known| convert::special_use(*known) == role)
}
