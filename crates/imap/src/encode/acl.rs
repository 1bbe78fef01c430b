//! Access control lists, commands and responses (RFC 4314).

use super::writer::Writer;
use crate::types::{Acl, ListRights, Rights, RightsChange};

impl Writer<'_> {
    /// `rights`, quoted where there are none.
    pub(super) fn rights(&mut self, rights: Rights) {
        if rights.is_empty() {
            return self.text("\"\"");
        }
        for letter in rights.letters() {
            self.octet(letter);
        }
    }

    /// `mod-rights`
    pub(super) fn rights_change(&mut self, change: RightsChange) {
        match change {
            RightsChange::Replace(rights) => self.rights(rights),
            RightsChange::Add(rights) => self.signed_rights(b'+', rights),
            RightsChange::Remove(rights) => self.signed_rights(b'-', rights),
        }
    }

    pub(super) fn acl(&mut self, acl: &Acl) {
        self.mailbox(&acl.mailbox);
        for (identifier, rights) in &acl.entries {
            self.octet(b' ');
            self.astring(identifier.as_bytes());
            self.octet(b' ');
            self.rights(*rights);
        }
    }

    pub(super) fn list_rights(&mut self, list: &ListRights) {
        self.mailbox(&list.mailbox);
        self.octet(b' ');
        self.astring(list.identifier.as_bytes());
        self.octet(b' ');
        self.rights(list.required);
        for optional in &list.optional {
            self.octet(b' ');
            self.rights(*optional);
        }
    }

    fn signed_rights(&mut self, sign: u8, rights: Rights) {
        self.octet(sign);
        for letter in rights.letters() {
            self.octet(letter);
        }
    }
}
