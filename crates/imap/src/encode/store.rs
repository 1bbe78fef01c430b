//! STORE (RFC 9051, section 6.4.6).

use super::writer::Writer;
use crate::types::{StoreAction, StoreCommand, StoreEcho};

impl Writer<'_> {
    pub(super) fn store(&mut self, store: &StoreCommand) {
        self.sequence_set(&store.set);
        self.text(match store.action {
            StoreAction::Replace => " FLAGS",
            StoreAction::Add => " +FLAGS",
            StoreAction::Remove => " -FLAGS",
        });
        self.text(if store.echo == StoreEcho::Silent { ".SILENT " } else { " " });
        self.flags(&store.flags);
    }
}
