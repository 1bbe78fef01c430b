//! STORE (RFC 9051, section 6.4.6; RFC 7162, section 3.1.3; X-GM-EXT-1).

use super::writer::Writer;
use crate::types::{StoreAction, StoreCommand, StoreEcho, StoreLabels};

impl Writer<'_> {
    pub(super) fn store(&mut self, store: &StoreCommand) {
        self.message_set(&store.set);
        if let Some(mod_seq) = store.unchanged_since {
            self.text(" (UNCHANGEDSINCE ");
            self.number(mod_seq);
            self.octet(b')');
        }
        self.store_item(store.action, "FLAGS", store.echo);
        self.flags(&store.flags);
    }

    pub(super) fn store_labels(&mut self, store: &StoreLabels) {
        self.message_set(&store.set);
        self.store_item(store.action, "X-GM-LABELS", store.echo);
        self.list(&store.labels, |w, label| w.label(label));
    }

    fn store_item(&mut self, action: StoreAction, name: &str, echo: StoreEcho) {
        self.text(match action {
            StoreAction::Replace => " ",
            StoreAction::Add => " +",
            StoreAction::Remove => " -",
        });
        self.text(name);
        self.text(if echo == StoreEcho::Silent { ".SILENT " } else { " " });
    }
}
