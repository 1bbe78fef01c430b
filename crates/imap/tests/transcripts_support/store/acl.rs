//! Who may do what (RFC 4314). The rights of RFC 2086 stand for more than one: `c` for `kx`, `d` for `et`, and they are
//! told with any of these (2.1.1).

use posthaste_imap::Misuse;
use posthaste_imap::server::{Asked, DeleteAcl, GetAcl, ListRightsOf, MyRights, Refusal, Server, SetAcl};
use posthaste_imap::types::{AString, Rights, RightsChange};

use super::Store;

/// Which rights somebody has anyway, and which can be given, each of these alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grantable {
    pub(crate) identifier: &'static str,
    pub(crate) required: &'static str,
    pub(crate) optional: &'static [&'static str],
}

const VIRTUAL: [(&str, &str); 2] = [("c", "kx"), ("d", "et")];

fn rights(letters: &str) -> Rights {
    Rights::new(letters).unwrap()
}

/// What is kept of the rights a client names.
fn expanded(given: Rights) -> Rights {
    VIRTUAL.iter().fold(given, |all, (old, new)| {
        if given.contains_all(rights(old)) { all.without(rights(old)).with(rights(new)) } else { all }
    })
}

/// What is told of the rights that are kept.
fn told(kept: Rights) -> Rights {
    VIRTUAL.iter().fold(kept, |all, (old, new)| {
        if new.chars().any(|letter| kept.contains(letter)) { all.with(rights(old)) } else { all }
    })
}

impl Store {
    pub(super) fn set_acl(&mut self, server: &mut Server, asked: Asked<SetAcl>) -> Result<(), Misuse> {
        let Some(at) = self.find(asked.mailbox.as_str()) else {
            return asked.no(server, Refusal::nonexistent());
        };
        let identifier = asked.identifier.to_string_lossy();
        let acl = &mut self.folders[at].acl;
        let place = acl.iter().position(|(name, _)| *name == identifier).unwrap_or_else(|| {
            acl.push((identifier, Rights::NONE));
            acl.len() - 1
        });
        let kept = &mut acl[place].1;
        *kept = match asked.change {
            RightsChange::Replace(given) => expanded(given),
            RightsChange::Add(given) => kept.with(expanded(given)),
            RightsChange::Remove(given) => kept.without(expanded(given)),
        };
        acl.retain(|(_, rights)| !rights.is_empty());
        asked.ok(server)
    }

    pub(super) fn delete_acl(&mut self, server: &mut Server, asked: Asked<DeleteAcl>) -> Result<(), Misuse> {
        let Some(at) = self.find(asked.mailbox.as_str()) else {
            return asked.no(server, Refusal::nonexistent());
        };
        let identifier = asked.identifier.to_string_lossy();
        self.folders[at].acl.retain(|(name, _)| *name != identifier);
        asked.ok(server)
    }

    pub(super) fn get_acl(&mut self, server: &mut Server, asked: Asked<GetAcl>) -> Result<(), Misuse> {
        let Some(at) = self.find(asked.mailbox.as_str()) else {
            return asked.no(server, Refusal::nonexistent());
        };
        let entry = |(name, kept): &(String, Rights)| (AString::new(name.clone()).unwrap(), told(*kept));
        let entries = self.folders[at].acl.iter().map(entry).collect();
        asked.ok(server, entries)
    }

    pub(super) fn list_rights(
        &mut self,
        server: &mut Server,
        asked: Asked<ListRightsOf>,
    ) -> Result<(), Misuse> {
        let identifier = asked.identifier.to_string_lossy();
        match self.grantable.iter().find(|it| it.identifier == identifier) {
            Some(it) => {
                asked.ok(server, rights(it.required), it.optional.iter().map(|it| rights(it)).collect())
            }
            None => asked.no(server, Refusal::new("Nobody of that name")),
        }
    }

    /// Ann is who asks.
    pub(super) fn my_rights(&mut self, server: &mut Server, asked: Asked<MyRights>) -> Result<(), Misuse> {
        let Some(at) = self.find(asked.mailbox.as_str()) else {
            return asked.no(server, Refusal::nonexistent());
        };
        asked.ok(server, self.rights_of(at))
    }

    pub(super) fn rights_of(&self, at: usize) -> Rights {
        let own = self.folders[at].acl.iter().find(|(name, _)| name == "ann");
        own.map_or(Rights::NONE, |(_, kept)| told(*kept))
    }
}
