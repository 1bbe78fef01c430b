//! Mailbox names and LIST patterns: UTF-8 after it was enabled, modified UTF-7 before (RFC 9051, section 5.1).

use super::writer::Writer;
use crate::types::string::is_astring_char;
use crate::types::{ListPattern, Mailbox, mutf7};

impl Writer<'_> {
    pub(super) fn mailbox(&mut self, mailbox: &Mailbox) {
        match mailbox.raw() {
            Some(raw) => self.astring(raw),
            None if self.context.utf8 => self.astring(mailbox.as_str().as_bytes()),
            None => self.astring(mutf7::encode(mailbox.as_str()).as_bytes()),
        }
    }

    pub(super) fn list_mailbox(&mut self, pattern: &ListPattern) {
        if self.context.utf8 {
            self.list_mailbox_octets(pattern.as_str().as_bytes());
        } else {
            self.list_mailbox_octets(mutf7::encode(pattern.as_str()).as_bytes());
        }
    }

    fn list_mailbox_octets(&mut self, octets: &[u8]) {
        let is_list_char = |octet: &u8| is_astring_char(*octet) || matches!(octet, b'%' | b'*');
        if !octets.is_empty() && octets.iter().all(is_list_char) {
            self.put(octets);
        } else {
            self.string(octets);
        }
    }
}
