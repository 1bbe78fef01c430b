//! UIDBATCHES, command and response (RFC 10022).

use super::writer::Writer;
use crate::types::{UidBatches, UidBatchesCommand};

impl Writer<'_> {
    pub(super) fn batches_command(&mut self, command: &UidBatchesCommand) {
        self.number(command.size.get());
        if let Some((first, last)) = command.batches {
            self.octet(b' ');
            self.number(first.get());
            self.octet(b':');
            self.number(last.get());
        }
    }

    pub(super) fn batches(&mut self, response: &UidBatches) {
        if let Some(tag) = &response.tag {
            self.text(" (TAG ");
            self.string_of(tag);
            self.octet(b')');
        }
        for (index, batch) in response.batches.iter().enumerate() {
            self.octet(if index == 0 { b' ' } else { b',' });
            self.number(batch.end().get());
            self.octet(b':');
            self.number(batch.start().get());
        }
    }
}
