//! Who may do what: GETACL, SETACL, DELETEACL, LISTRIGHTS, MYRIGHTS (RFC 4314 3).
//!
//! The rights of RFC 2086 stand for several: `c` for `kx`, `d` for `et`. They are taken for those and told with any of
//! them (RFC 4314 2.1.1). An owner has all rights, which nobody can take away. Whether there is somebody of a name is
//! not told: anybody can be named.

use posthaste_imap::server::{Asked, DeleteAcl, GetAcl, ListRightsOf, MyRights, Refusal, SetAcl};
use posthaste_imap::types::{AString, Mailbox as ImapMailbox, ResponseCode, Rights, RightsChange};

use super::access::{Failure, Reached, all_rights, rights};
use super::{Outcome, Session};
use crate::directory::Address;
use crate::store::{Grant, StoreError};

const VIRTUAL: [(&str, &str); 2] = [("c", "kx"), ("d", "et")];

/// What is kept of the rights a client names.
fn kept(given: Rights) -> Rights {
    let all = VIRTUAL.iter().fold(given, |all, (old, new)| {
        if given.contains_all(rights(old)) { all.without(rights(old)).with(rights(new)) } else { all }
    });
    // Letters that stand for nothing here are left out.
    all.without(all.without(all_rights()))
}

/// What is told of the rights that are kept.
pub(super) fn told(kept: Rights) -> Rights {
    VIRTUAL.iter().fold(kept, |all, (old, new)| {
        if new.chars().any(|letter| kept.contains(letter)) { all.with(rights(old)) } else { all }
    })
}

impl Session {
    pub(super) async fn get_acl(&mut self, asked: Asked<GetAcl>) -> Outcome {
        let entries = self.acl(&asked.mailbox).await;
        self.sync().await?;
        let server = self.connection.machine();
        match entries {
            Ok(entries) => asked.ok(server, entries)?,
            Err(failure) => asked.no(server, failure.refusal())?,
        }
        Ok(())
    }

    async fn acl(&self, mailbox: &ImapMailbox) -> Result<Vec<(AString, Rights)>, Failure> {
        let reached = self.reach(mailbox, "a").await?;
        let owner = self.owner_of(&reached).map(|owner| (owner, all_rights()));
        let grants = self.context.store.grants(reached.mailbox.id).await?.into_iter();
        let granted = grants.map(|grant| (grant.identifier, grant.rights));
        let entry = |(name, rights): (String, Rights)| Some((AString::new(name).ok()?, told(rights)));
        Ok(owner.into_iter().chain(granted).filter_map(entry).collect())
    }

    fn owner_of(&self, reached: &Reached) -> Option<String> {
        let owner = self.context.directory.account_by_id(reached.mailbox.account)?;
        Some(owner.address.to_string())
    }

    pub(super) async fn set_acl(&mut self, asked: Asked<SetAcl>) -> Outcome {
        let outcome = self.change_acl(&asked.mailbox, &asked.identifier, asked.change).await;
        self.sync().await?;
        asked.done(self.connection.machine(), outcome.map_err(Failure::refusal))?;
        Ok(())
    }

    pub(super) async fn delete_acl(&mut self, asked: Asked<DeleteAcl>) -> Outcome {
        let nothing = RightsChange::Replace(Rights::NONE);
        let outcome = self.change_acl(&asked.mailbox, &asked.identifier, nothing).await;
        self.sync().await?;
        asked.done(self.connection.machine(), outcome.map_err(Failure::refusal))?;
        Ok(())
    }

    async fn change_acl(
        &self,
        mailbox: &ImapMailbox,
        identifier: &AString,
        change: RightsChange,
    ) -> Result<(), Failure> {
        let reached = self.reach(mailbox, "a").await?;
        let identifier = identifier_of(identifier).ok_or_else(no_identifier)?;
        let owner = self.owner_of(&reached).ok_or(StoreError::NoSuchAccount)?;
        if identifier.trim_start_matches('-') == owner {
            return Err(Refusal::new("An owner has all rights").with_code(ResponseCode::Cannot).into());
        }
        let grants = self.context.store.grants(reached.mailbox.id).await?;
        let before = grants.iter().find(|grant| grant.identifier == identifier);
        let rights = match change {
            RightsChange::Replace(given) => kept(given),
            RightsChange::Add(given) => before.map_or(Rights::NONE, |it| it.rights).with(kept(given)),
            RightsChange::Remove(given) => before.map_or(Rights::NONE, |it| it.rights).without(kept(given)),
        };
        if before.is_none() && !rights.is_empty() && grants.len() >= GRANTS_MAX {
            return Err(Refusal::new("Too many entries").with_code(ResponseCode::Limit).into());
        }
        Ok(self.context.store.grant(reached.mailbox.id, Grant { identifier, rights }).await?)
    }

    pub(super) async fn list_rights(&mut self, asked: Asked<ListRightsOf>) -> Outcome {
        let reached = self.reach(&asked.mailbox, "a").await;
        self.sync().await?;
        let reached = match reached {
            Ok(reached) => reached,
            Err(failure) => return Ok(asked.no(self.connection.machine(), failure.refusal())?),
        };
        let Some(identifier) = identifier_of(&asked.identifier) else {
            return Ok(asked.no(self.connection.machine(), no_identifier())?);
        };
        let is_owner = self.owner_of(&reached).is_some_and(|owner| owner == identifier);
        let server = self.connection.machine();
        if is_owner {
            asked.ok(server, told(all_rights()), Vec::new())?;
        } else {
            // The old letters go with what they stand for (RFC 4314 3.7).
            let sets = ["l", "r", "s", "w", "i", "p", "k", "x", "t", "e", "c", "d", "a"];
            asked.ok(server, Rights::NONE, sets.into_iter().map(rights).collect())?;
        }
        Ok(())
    }

    pub(super) async fn my_rights(&mut self, asked: Asked<MyRights>) -> Outcome {
        // RFC 4314 4: any of these.
        let reached = self.reach(&asked.mailbox, "l|r|i|k|x|a").await;
        self.sync().await?;
        let server = self.connection.machine();
        match reached {
            Ok(reached) => asked.ok(server, told(reached.rights))?,
            Err(failure) => asked.no(server, failure.refusal())?,
        }
        Ok(())
    }
}

/// An identifier as it is kept: an address in normal form, `anyone`, `$group`, with `-` in front for what is withheld.
fn identifier_of(given: &AString) -> Option<String> {
    let given = given.to_str()?;
    let (sign, name) = given.strip_prefix('-').map_or(("", given), |name| ("-", name));
    let plain =
        |name: &str| !name.is_empty() && name.len() <= IDENTIFIER_MAX && !name.contains(char::is_control);
    let name = match name {
        "anyone" => name.to_owned(),
        _ if name.strip_prefix('$').is_some_and(plain) => name.to_lowercase(),
        _ => Address::parse(name).ok()?.to_string(),
    };
    Some(format!("{sign}{name}"))
}

fn no_identifier() -> Refusal {
    Refusal::new("No such identifier can be").with_code(ResponseCode::Cannot)
}

/// Octets of the name of a group.
const IDENTIFIER_MAX: usize = 255;
/// Entries of one mailbox.
const GRANTS_MAX: usize = 100;
