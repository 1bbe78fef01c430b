//! COPY, MOVE (RFC 9051, sections 6.4.7 and 6.4.8) and REPLACE up to its message (RFC 8508).

use super::writer::Writer;
use crate::types::{CopyCommand, ReplaceCommand};

impl Writer<'_> {
    pub(super) fn copy(&mut self, copy: &CopyCommand) {
        self.message_set(&copy.set);
        self.octet(b' ');
        self.mailbox(&copy.mailbox);
    }

    pub(super) fn replace(&mut self, replace: &ReplaceCommand) {
        self.sequence_number(replace.message);
        self.octet(b' ');
        self.append(&replace.head, &replace.data);
    }
}
