//! CREATE (RFC 9051, section 6.3.4; RFC 6154, section 3).

use super::writer::Writer;
use crate::types::Create;

impl Writer<'_> {
    pub(super) fn create(&mut self, create: &Create) {
        self.mailbox(&create.mailbox);
        if !create.special_use.is_empty() {
            self.text(" (USE ");
            self.list(&create.special_use, |w, role| {
                w.octet(b'\\');
                w.text(role.name());
            });
            self.octet(b')');
        }
    }
}
