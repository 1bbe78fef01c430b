//! STATUS lists (RFC 9051, sections 6.3.11 and 7.3.4).

use super::writer::Writer;
use crate::types::{StatusAttribute, StatusItem};

impl Writer<'_> {
    pub(super) fn status_attributes(&mut self, attributes: &[StatusAttribute]) {
        self.list(attributes, |w, attribute| w.text(attribute.name()));
    }

    pub(super) fn status_items(&mut self, items: &[StatusItem]) {
        self.list(items, |w, item| {
            w.text(item.attribute().name());
            w.octet(b' ');
            match (item, item.value()) {
                (StatusItem::MailboxId(id), _) => w.object_id(id),
                (_, Some(number)) => w.number(number),
                (_, None) => w.text("NIL"),
            }
        });
    }
}
